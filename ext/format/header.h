/*
** header.h: the first 100 bytes of a database file.
** https://www.sqlite.org/fileformat2.html#the_database_header
*/
#ifndef PK_HEADER_H
#define PK_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/host.h"

#define PK_HEADER_BYTES 100

typedef struct pk_header {
  uint32_t page_size;
  uint32_t usable_bytes; /* of a page: what is not reserved at its end */
  uint32_t page_count;   /* 0: the header does not tell; the file's size does */
  uint32_t first_trunk;  /* of the freelist; 0 when that is empty */
  uint32_t free_pages;
  bool pointer_map;     /* auto_vacuum is full or incremental */
  const char *encoding; /* "UTF-8", "UTF-16le", "UTF-16be"; NULL while empty */
  int32_t user_version;
  int32_t application_id;
  bool wal;            /* journal mode WAL; a rollback journal otherwise */
  uint32_t written_by; /* SQLite's version number, as 3040001; 0: unknown */
} pk_header;

/* Does the file begin as a database does? */
bool pk_header_is_database(const unsigned char bytes[PK_HEADER_BYTES]);

/* False for a header that no SQLite writes: a page size, a reserve, an encoding
** or a format version that does not exist. The fields are filled in all the
** same. */
bool pk_header_read(const unsigned char bytes[PK_HEADER_BYTES],
                    pk_header *header);

/* The first thing in a header that no SQLite writes, in words; NULL if there is
** none. Looks at more than pk_header_read: at every field whose value the
** format bounds, and at those that must agree with each other. */
const char *pk_header_fault(const unsigned char bytes[PK_HEADER_BYTES]);

/* Reads the header of a live database from its file, as SQLite does when it
** opens it, and not from the log: through the connection's own sqlite3_file.
** Returns a SQLite result code; SQLITE_IOERR_SHORT_READ where the file is
** shorter. */
int pk_header_of_file(sqlite3 *db, const char *schema,
                      unsigned char bytes[PK_HEADER_BYTES]);

#endif
