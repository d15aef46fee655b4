/*
** backup_file.h: opens a backup, plain or compressed, and tells which it is.
*/
#ifndef PK_BACKUP_FILE_H
#define PK_BACKUP_FILE_H

#include <stdbool.h>

#include "../base/reader.h"
#include "bgzf.h"

/* The VFS through which SQLite reads a compressed backup. */
#define PK_GZIP_VFS "prodgz"

/* Opens a file. Fails where it is empty, and where a plain one has a -wal or a
** -journal beside it: what is in those belongs to the database too, so the
** file alone is no backup. pk_reader_close is due in every case. */
int pk_backup_open(pk_reader *file, const char *path, bool *compressed,
                   pk_error *error);

/* The open file as pk_bgzf_open wants it. */
pk_bgzf_source pk_backup_source(pk_reader *file);

/* What a backup tells of itself without being read. */
typedef struct pk_backup_facts {
  int page_size;
  sqlite3_int64 pages;
  sqlite3_int64 source_bytes; /* of the database in it */
  sqlite3_int64 taken_at;     /* seconds since 1970; 0: it does not tell */
  char source[256];           /* the name of what was backed up; or "" */
} pk_backup_facts;

/* Fails where the open file holds no database, or a compressed one is not
** whole. Whether the database is sound is not looked at. */
int pk_backup_describe(pk_reader *file, bool compressed, pk_backup_facts *facts,
                       pk_error *error);

/* Gives the database in the open file to the sink, in order. Of a compressed
** one every byte is held against its CRC-32. Threads as in pipeline.h. */
int pk_backup_extract(pk_reader *file, bool compressed, int threads,
                      pk_bgzf_sink sink, void *context, pk_error *error);

#endif
