/*
** prefetch.h: reads a live database's file ahead of a check.
**
** quick_check reads pages in the order of its b-trees, which on a file that is
** not in memory is the slowest there is. Reading the file once from its
** beginning to its end brings it into the system's page cache, and makes the
** check about ten times faster.
**
**     int rc = pk_prefetch(db, "main", 0, error);
**     if (rc == SQLITE_OK) rc = pk_page_check(...);
**
** The bytes are read through the connection's own sqlite3_file and thrown away;
** no file is opened and nothing is locked. Nothing is read where that would not
** help: a file that is in memory already (a sample of its pages comes too fast
** for a disk), one larger than half the machine's memory, a database that has
** no file, and a VFS other than SQLite's own.
*/
#ifndef PK_PREFETCH_H
#define PK_PREFETCH_H

#include "../base/error.h"

/* Reads for at most so many seconds; 0: to the end. Fails only when interrupted
** or out of memory: a file that cannot be read is for the check to tell of. */
int pk_prefetch(sqlite3 *db, const char *schema, double max_seconds,
                pk_error *error);

/* How fast the file is read now, from samples of its whole length, for at most
** a quarter of a second: what is in memory comes faster than the disk would
** give it. 0 where that is not known. Fails as pk_prefetch does. */
int pk_read_speed(sqlite3 *db, const char *schema, double *bytes_per_second,
                  pk_error *error);

#endif
