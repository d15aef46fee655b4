/*
** target.h: the name that a user gives to a file that is to be written.
*/
#ifndef PK_TARGET_H
#define PK_TARGET_H

#include "error.h"

/* Fails where the path is a file, or the -wal, -shm or -journal of a file, in
** which a database of this connection lives. */
int pk_target_check(sqlite3 *db, const char *path, pk_error *error);

#endif
