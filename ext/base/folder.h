/*
** folder.h: what is in a folder, and who may change it.
**
**     pk_names names;
**     int rc = pk_folder_list(&names, "/backups", error);
**     for (int i = 0; rc == SQLITE_OK && i < names.count; i++) ...
**     pk_names_free(&names);                         due in every case
**
** Several processes can keep backups in one folder. Whoever decides by what is
** there and then changes it holds the folder's lock meanwhile, an flock() on
** the folder itself, which leaves no file behind and ends with the process:
**
**     int lock;
**     rc = pk_folder_lock(&lock, db, "/backups", error);
**     ...
**     pk_folder_unlock(&lock);                       due in every case
**
** Filesystems that know no flock() on a folder (NFS) give the lock to everyone.
*/
#ifndef PK_FOLDER_H
#define PK_FOLDER_H

#include "error.h"

typedef struct pk_names {
  char **names;
  int count;
} pk_names;

/* The names in a folder, without "." and "..", in ascending order of their
** bytes. Fails where the folder is missing or cannot be read. */
int pk_folder_list(pk_names *names, const char *folder, pk_error *error);

/* Adds a copy of a name at the end; begin with zeroed names. */
int pk_names_add(pk_names *names, const char *name, pk_error *error);

/* Harmless when repeated, and on zeroed names. */
void pk_names_free(pk_names *names);

/* Waits up to ten seconds for others; an interrupt of `db` ends the wait. */
int pk_folder_lock(int *lock, sqlite3 *db, const char *folder, pk_error *error);

/* Harmless when repeated, and after a failure of pk_folder_lock. */
void pk_folder_unlock(int *lock);

/* fsync, and once more after a signal, which can interrupt it on a network
** filesystem. 0, or -1 with errno. */
int pk_sync(int fd);

/* Makes what was created, renamed and removed in the folder durable. */
int pk_folder_sync(const char *folder, pk_error *error);

/* Bytes that this user may still write in a folder, or where a file is; -1
** where the system does not say. */
sqlite3_int64 pk_folder_free_bytes(const char *path);

/* The path of a name in a folder, from sqlite3_malloc. */
char *pk_folder_path(const char *folder, const char *name);

/* The folder of a path, from sqlite3_malloc: "." for a bare name, "/" for a
** file in the root. */
char *pk_folder_of(const char *path);

/* Where the file's own name begins in a path. */
const char *pk_base_name(const char *path);

#endif
