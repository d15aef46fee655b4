/*
** folder.h: what lies in a folder.
**
**     pk_folder *folder;
**     int rc = pk_folder_open(&folder, NULL, "/srv", error);
**     while (rc == SQLITE_OK &&
**            (rc = pk_folder_next(folder, &name, &facts, error)) == SQLITE_OK &&
**            name) ...
**     pk_folder_close(folder);                       due in every case
**
** Entries come in no order. None is opened, and no symbolic link is followed.
*/
#ifndef PK_FOLDER_H
#define PK_FOLDER_H

#include "file.h"

typedef struct pk_folder pk_folder;

/* Opens a folder: `name` within `parent`, which must be a folder itself and no
** link to one; or, where parent is NULL, any path. *folder is NULL after a
** failure. */
int pk_folder_open(pk_folder **folder, const pk_folder *parent,
                   const char *name, pk_error *error);

/* The next entry's name, until the next call, and what is known of it; NULL at
** the end. What vanishes meanwhile is left out. */
int pk_folder_next(pk_folder *folder, const char **name, pk_file_facts *facts,
                   pk_error *error);

/* The path it was opened by, parents included; and that of a name in it, from
** sqlite3_malloc, NULL when memory runs out. */
const char *pk_folder_path(const pk_folder *folder);
char *pk_folder_path_of(const pk_folder *folder, const char *name);

/* Harmless for NULL. */
void pk_folder_close(pk_folder *folder);

#endif
