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
** The new file is locked (flock) for as long as it is written, so that one
** whose lock is free was left by a process that was killed. Such parts of a
** target are removed when a new file is begun for it, those of a whole folder
** by pk_file_sweep. Where a filesystem knows no flock(), none is removed.
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
  sqlite3_int64 begun; /* of those, what the disk was asked to take */
  bool overwrite;
} pk_file;

/* Fails where a new file for `target` could not be begun: the target exists and
** overwrite is not asked for, or it is a folder or a special file, or its
** folder is missing or not writable. */
int pk_file_check_target(const char *target, bool overwrite, pk_error *error);

/* Begins a new file for `target`. Fails as pk_file_check_target does. */
int pk_file_create(pk_file *file, const char *target, bool overwrite,
                   pk_error *error);

/* Appends; all of it or a failure. */
int pk_file_write(pk_file *file, const void *data, size_t bytes,
                  pk_error *error);

/* Has the disk begin to take what was written, some MB at a time, so that
** pk_file_publish waits for less of it. Only a hint, on systems that know it;
** not for a file that is thrown away. */
void pk_file_begin_sync(pk_file *file);

/* Lets everybody read the file: mode 0644. Before pk_file_publish. */
int pk_file_share(pk_file *file, pk_error *error);

/* Makes the file durable and gives it its final name. A target that appeared
** meanwhile is a failure unless overwrite was asked for. */
int pk_file_publish(pk_file *file, pk_error *error);

/* Closes, and removes what was not published. Harmless when repeated. */
void pk_file_discard(pk_file *file);

/* Called for each part that is about to be removed, while it is locked. */
typedef int (*pk_abandoned)(void *context, const char *target, pk_error *error);

/* Removes the parts in a folder whose writer is gone; first each one's target
** is told, if to anybody. A failure of `tell` ends it and leaves that part. */
int pk_file_sweep(const char *folder, pk_abandoned tell, void *context,
                  pk_error *error);

/* Is there a part of `target`, of whatever writer? */
int pk_file_begun(const char *target, bool *begun, pk_error *error);

/* Removes a file; one that is not there is none to remove. To make that
** durable, pk_folder_sync. */
int pk_file_remove(const char *path, pk_error *error);

/* The content of a small file that is no database: no more than `most` bytes
** and no NUL among them. From sqlite3_malloc; NULL after a failure. */
int pk_file_text(const char *path, int most, char **text, pk_error *error);

/* Do two paths name one existing file (same device and inode)? */
bool pk_same_file(const char *one, const char *other);

/* Do two paths name the same place, whether or not a file is there (the same
** name in the same folder)? False when memory runs out. */
bool pk_same_place(const char *one, const char *other);

/* Bytes of an existing regular file, or -1. */
sqlite3_int64 pk_file_bytes(const char *path);

/* When it was last written, in seconds since 1970; 0 where it is not there. */
sqlite3_int64 pk_file_modified(const char *path);

/* Its permission bits, or those of a folder, 07777 at most; -1 where it is not
** there or cannot be looked at. */
int pk_file_mode(const char *path);

/* Is it a symbolic link? */
bool pk_is_link(const char *path);

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
