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

#endif
