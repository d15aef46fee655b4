/*
** vfs.h: a VFS that shows files as something else than they are, read-only.
**
** A feature declares a name and how a main database is opened. Everything
** else that SQLite asks of a VFS (temporary files, full names, time, random
** bytes) goes to the VFS that was the host's default when it was registered.
**
** A VFS belongs to the process, not to the connection that registered it:
** other connections use it after that one is closed. So the library must stay
** loaded, for which its entry point returns SQLITE_OK_LOAD_PERMANENTLY.
** Unregistering it instead with the last connection that loaded prodkit would
** pull it away under those that only use the VFS.
*/
#ifndef PK_VFS_H
#define PK_VFS_H

#include "error.h"

typedef struct pk_vfs pk_vfs;

/* Static and zeroed; filled in once for each process. */
typedef struct pk_vfs_layer {
  sqlite3_vfs vfs; /* what SQLite sees, so it comes first */
  const pk_vfs *description;
} pk_vfs_layer;

struct pk_vfs {
  const char *name;
  const char *summary; /* one line */
  int file_bytes;      /* of the sqlite3_file that `open` fills in */
  pk_vfs_layer *layer;

  /* Opens the file at `path`, which lives as long as the file does. Sets
  ** file->pMethods if and only if it succeeds. A failure's sentence goes to
  ** the host's error log (sqlite3_log); the host itself shows its code. */
  int (*open)(const char *path, sqlite3_file *file, pk_error *error);
};

/* Registers it, unless the process has one of that name. */
int pk_vfs_register(const pk_vfs *description);

#endif
