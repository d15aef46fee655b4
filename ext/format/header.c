/* header.c: see header.h. */
#include "header.h"

#include <string.h>

#include "bytes.h"

#define LEAST_USABLE_BYTES 480 /* section 1.3.4 */

bool pk_header_is_database(const unsigned char bytes[PK_HEADER_BYTES]) {
  return memcmp(bytes, "SQLite format 3", 16) == 0;
}

static uint32_t page_size_of(const unsigned char *bytes) {
  uint32_t size = pk_two_bytes(bytes + 16);
  return size == 1 ? 65536 : size;
}

static bool is_page_size(uint32_t size) {
  return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

/* The count is valid only if the last writer knew of it: section 1.3.8. */
static uint32_t page_count_of(const unsigned char *bytes) {
  bool valid = memcmp(bytes + 24, bytes + 92, 4) == 0;
  return valid ? pk_four_bytes(bytes + 28) : 0;
}

bool pk_header_read(const unsigned char bytes[PK_HEADER_BYTES],
                    pk_header *header) {
  static const char *const encodings[] = {NULL, "UTF-8", "UTF-16le",
                                          "UTF-16be"};
  uint32_t encoding = pk_four_bytes(bytes + 56);
  uint32_t page_size = page_size_of(bytes);
  *header = (pk_header){.page_size = page_size,
                        .usable_bytes = page_size - bytes[20],
                        .page_count = page_count_of(bytes),
                        .first_trunk = pk_four_bytes(bytes + 32),
                        .free_pages = pk_four_bytes(bytes + 36),
                        .pointer_map = pk_four_bytes(bytes + 52) != 0,
                        .encoding = encoding <= 3 ? encodings[encoding] : NULL,
                        .user_version = (int32_t)pk_four_bytes(bytes + 60),
                        .application_id = (int32_t)pk_four_bytes(bytes + 68),
                        .wal = bytes[19] == 2,
                        .written_by = pk_four_bytes(bytes + 96)};
  return pk_header_is_database(bytes) && is_page_size(page_size) &&
         header->usable_bytes >= LEAST_USABLE_BYTES && encoding <= 3 &&
         bytes[18] >= 1 && bytes[18] <= 2 && bytes[19] >= 1 && bytes[19] <= 2;
}
