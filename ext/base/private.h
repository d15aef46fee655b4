/*
** private.h: connections of our own.
**
** Work that would disturb the user's connection (a hook, a schema to try
** things on, another file to look into) is done on a private one. Whatever
** schema it meets may be hostile: the connection is defensive, and views and
** triggers of the file cannot call anything but innocuous functions. An
** interrupt of the user's connection interrupts the private one too, on hosts
** that have progress handlers.
**
**     sqlite3 *private = NULL;
**     int rc = pk_private_memory(db, &private, error);
**     ...
**     sqlite3_close(private);
*/
#ifndef PK_PRIVATE_H
#define PK_PRIVATE_H

#include <stdbool.h>

#include "error.h"

/* Is this thread just opening a private connection? To be asked by what runs
** inside sqlite3_open (sqlite3_auto_extension). */
bool pk_private_opening(void);

/* Opens a new private database: ":memory:". `db` is the user's connection, to
** whose interrupts the new one listens; it must outlive it. *private is NULL
** after a failure. */
int pk_private_memory(sqlite3 *db, sqlite3 **private, pk_error *error);

/* The same on disk: a temporary database of SQLite's own, in the folder for
** temporary files, which has no name and is gone when it is closed, or with the
** process. */
int pk_private_temporary(sqlite3 *db, sqlite3 **private, pk_error *error);

/* Opens an existing file read-only, as it lies there: neither locks nor a WAL
** beside it are looked at (immutable), and nothing is created beside it. vfs
** NULL is the platform's. A live database must not be opened so. */
int pk_private_file(sqlite3 *db, const char *path, const char *vfs,
                    sqlite3 **private, pk_error *error);

/* Opens an existing file that may be a live database, to read and write, with
** all of SQLite's locks. */
int pk_private_live(sqlite3 *db, const char *path, sqlite3 **private,
                    pk_error *error);

/* Opens the file of a schema once more, read-only, with the same VFS. It sees
** what is committed, and locks as a connection of another process would.
** Whoever opens it sees to it that this VFS allows two connections in one
** process, and that the first has not locked the second out. */
int pk_private_twin(sqlite3 *db, const char *schema, sqlite3 **private,
                    pk_error *error);

#endif
