/* header.c: see header.h. */
#include "header.h"

#include <string.h>

static uint32_t number_at(const unsigned char *bytes, int offset) {
  bytes += offset;
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
         (uint32_t)bytes[2] << 8 | bytes[3];
}

bool pk_header_is_database(const unsigned char bytes[PK_HEADER_BYTES]) {
  return memcmp(bytes, "SQLite format 3", 16) == 0;
}

static uint32_t page_size_of(const unsigned char *bytes) {
  uint32_t size = (uint32_t)bytes[16] << 8 | bytes[17];
  return size == 1 ? 65536 : size;
}

static bool is_page_size(uint32_t size) {
  return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

/* The count is valid only if the last writer knew of it: section 1.3.8. */
static uint32_t page_count_of(const unsigned char *bytes) {
  bool valid = number_at(bytes, 24) == number_at(bytes, 92);
  return valid ? number_at(bytes, 28) : 0;
}

bool pk_header_read(const unsigned char bytes[PK_HEADER_BYTES],
                    pk_header *header) {
  static const char *const encodings[] = {NULL, "UTF-8", "UTF-16le",
                                          "UTF-16be"};
  uint32_t encoding = number_at(bytes, 56);
  *header = (pk_header){.page_size = page_size_of(bytes),
                        .page_count = page_count_of(bytes),
                        .encoding = encoding <= 3 ? encodings[encoding] : NULL,
                        .user_version = (int32_t)number_at(bytes, 60),
                        .application_id = (int32_t)number_at(bytes, 68),
                        .wal = bytes[19] == 2,
                        .written_by = number_at(bytes, 96)};
  return pk_header_is_database(bytes) && is_page_size(header->page_size) &&
         encoding <= 3 && bytes[18] >= 1 && bytes[18] <= 2 && bytes[19] >= 1 &&
         bytes[19] <= 2;
}
