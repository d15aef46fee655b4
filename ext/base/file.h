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

/* The folder of a path, from sqlite3_malloc: "." for a bare name, "/" for a
** file in the root. NULL when memory runs out. */
char *pk_folder_of(const char *path);

typedef enum pk_file_kind {
  PK_NO_FILE,
  PK_REGULAR_FILE,
  PK_FOLDER,
  PK_SYMBOLIC_LINK,
  PK_SPECIAL_FILE, /* a pipe, a socket, a device */
} pk_file_kind;

/* What the operating system says about a name. */
typedef struct pk_file_facts {
  pk_file_kind kind;
  int mode;            /* permission bits, within 07777 */
  sqlite3_int64 owner; /* user id */
  sqlite3_int64 bytes;
  sqlite3_int64 modified_at; /* seconds since 1970 */
  sqlite3_uint64 device;     /* the file system it lies on */
} pk_file_facts;

/* Looks at what has this name: a symbolic link is looked at, not followed.
** That nothing has it is no failure. */
int pk_file_look(const char *path, pk_file_facts *facts, pk_error *error);

/* The same for a name in an open folder, as openat takes it. Answers an errno,
** 0 for none. */
int pk_file_look_in(int folder, const char *name, pk_file_facts *facts);

/* Sets the permission bits of a file or folder, which is not opened; never
** those of what a symbolic link leads to. Fails where they do not take. */
int pk_file_set_mode(const char *path, int mode, pk_error *error);

/* The user id that this process acts with. */
sqlite3_int64 pk_user(void);

#endif
