/*
** file.h: files that are whole or not there.
**
** A new file is written beside its target under a name of its own
** (".NAME.XXXXXX.prodkit-part"), mode 0600, and gets the target's name only
** when it is complete: fsync of the file, one atomic link or rename, fsync of
** the folder. Whatever fails on the way, nothing stands under the final name
** that was not there before.
**
**     pk_file file;
**     int rc = pk_file_create(&file, "/backups/app.db", false, error);
**     if (rc == SQLITE_OK) rc = pk_file_write(&file, page, 4096, error);
**     if (rc == SQLITE_OK) rc = pk_file_publish(&file, error);
**     pk_file_discard(&file);                       due in every case
**
** A live database is never opened here: closing it would drop the locks that
** SQLite holds on it in this process (POSIX record locks).
*/
#ifndef PK_FILE_H
#define PK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

typedef struct pk_file {
  char *target; /* the final name */
  char *path;   /* where it stands until then; NULL once it is published */
  int fd;       /* of path, -1 when closed */
  sqlite3_int64 bytes; /* written so far by pk_file_write */
  bool overwrite;
} pk_file;

/* Begins a new file for `target`. Fails where the target exists and overwrite
** is not asked for, is a folder or a special file, or where its folder is
** missing or not writable. */
int pk_file_create(pk_file *file, const char *target, bool overwrite,
                   pk_error *error);

/* Appends; all of it or a failure. */
int pk_file_write(pk_file *file, const void *data, size_t bytes,
                  pk_error *error);

/* Makes the file durable and gives it its final name. A target that appeared
** meanwhile is a failure unless overwrite was asked for. */
int pk_file_publish(pk_file *file, pk_error *error);

/* Closes, and removes what was not published. Harmless when repeated. */
void pk_file_discard(pk_file *file);

/* Do two paths name one existing file (same device and inode)? */
bool pk_same_file(const char *one, const char *other);

/* Do two paths name the same place, whether or not a file is there (the same
** name in the same folder)? False when memory runs out. */
bool pk_same_place(const char *one, const char *other);

/* Bytes of an existing regular file, or -1. */
sqlite3_int64 pk_file_bytes(const char *path);

#endif
