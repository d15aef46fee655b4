/*
** reader.h: reads a file that may be a database open in this process.
**
** POSIX drops a process's locks on a file when any descriptor of it is closed,
** so a file that somebody here may have open as a database (a backup that is
** attached, or the live database that was named by mistake) is not to be
** opened with open(). The host's own VFS keeps count of the descriptors of a
** file and puts off closing them while a lock is held; a reader goes through
** it.
**
**     pk_reader reader;
**     int rc = pk_reader_open(&reader, "/backups/app.db", error);
**     if (rc == SQLITE_OK)
**       rc = pk_reader_read(&reader, header, 100, 0, error);
**     pk_reader_close(&reader);                      due in every case
**
** No lock is taken: what somebody writes meanwhile is seen or not.
*/
#ifndef PK_READER_H
#define PK_READER_H

#include <stddef.h>

#include "error.h"

typedef struct pk_reader {
  sqlite3_int64 bytes; /* of the file, when it was opened */
  const char *path;
  sqlite3_file *file;
} pk_reader;

/* Opens an existing regular file. Fails for a folder and anything else. */
int pk_reader_open(pk_reader *reader, const char *path, pk_error *error);

/* Reads all of `bytes`, which lie within the file, or fails. The first
** argument is a pk_reader, so that it can be a pk_bgzf_source's function. */
int pk_reader_read(void *reader, void *buffer, size_t bytes,
                   sqlite3_int64 offset, pk_error *error);

/* Harmless when repeated, and on a zeroed reader. */
void pk_reader_close(pk_reader *reader);

#endif
