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

/* ---- what no SQLite writes: section 1.3, in the order of the bytes ---- */

static bool is_zero(const unsigned char *bytes, size_t count) {
  while (count > 0 && *bytes == 0) bytes++, count--;
  return count == 0;
}

static const char *freelist_fault(const pk_header *header) {
  if ((header->free_pages == 0) != (header->first_trunk == 0))
    return "the freelist has pages but no beginning, or the reverse";
  if (header->page_count == 0) return NULL;
  if (header->first_trunk > header->page_count)
    return "the freelist begins on a page that does not exist";
  if (header->free_pages >= header->page_count)
    return "there are no fewer free pages than pages";
  return NULL;
}

/* The largest root page is kept where there is a pointer map only. */
static const char *vacuum_fault(const unsigned char *bytes,
                                const pk_header *header) {
  uint32_t largest_root = pk_four_bytes(bytes + 52);
  if (largest_root == 0 && pk_four_bytes(bytes + 64) != 0)
    return "auto_vacuum is incremental, without a pointer map";
  if (header->page_count != 0 && largest_root > header->page_count)
    return "the largest root page does not exist";
  return NULL;
}

const char *pk_header_fault(const unsigned char bytes[PK_HEADER_BYTES]) {
  static const unsigned char payload_fractions[] = {64, 32, 32};
  pk_header header;
  pk_header_read(bytes, &header);
  if (!pk_header_is_database(bytes))
    return "it does not begin with \"SQLite format 3\"";
  if (!is_page_size(header.page_size))
    return "the page size is no power of two from 512 to 65536";
  if (bytes[18] < 1 || bytes[18] > 2 || bytes[19] < 1 || bytes[19] > 2)
    return "the format version is neither 1 nor 2";
  if (header.usable_bytes < LEAST_USABLE_BYTES)
    return "so much of each page is reserved that less than 480 bytes are left";
  if (memcmp(bytes + 21, payload_fractions, sizeof payload_fractions) != 0)
    return "the payload fractions are not 64, 32 and 32";
  const char *fault = freelist_fault(&header);
  if (fault) return fault;
  if (pk_four_bytes(bytes + 44) > 4) return "the schema format is over 4";
  fault = vacuum_fault(bytes, &header);
  if (fault) return fault;
  if (pk_four_bytes(bytes + 56) > 3)
    return "the text encoding is none of UTF-8, UTF-16le and UTF-16be";
  if (!is_zero(bytes + 72, 20)) return "the bytes reserved for later are used";
  return NULL;
}

/* ---- a live database ---- */

int pk_header_of_file(sqlite3 *db, const char *schema,
                      unsigned char bytes[PK_HEADER_BYTES]) {
  sqlite3_file *file = NULL;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &file);
  if (!file || !file->pMethods) return SQLITE_NOTFOUND;
  return file->pMethods->xRead(file, bytes, PK_HEADER_BYTES, 0);
}
