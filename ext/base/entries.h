/*
** entries.h: what lies in a folder, one entry after the other.
**
**     pk_entries *folder;
**     int rc = pk_entries_open(&folder, NULL, "/srv", error);
**     while (rc == SQLITE_OK &&
**            (rc = pk_entries_next(folder, &name, &facts, error)) == SQLITE_OK &&
**            name) ...
**     pk_entries_close(folder);                       due in every case
**
** Entries come in no order. None is opened, and no symbolic link is followed.
*/
#ifndef PK_ENTRIES_H
#define PK_ENTRIES_H

#include "file.h"

typedef struct pk_entries pk_entries;

/* Opens a folder: `name` within `parent`, which must be a folder itself and no
** link to one; or, where parent is NULL, any path. *folder is NULL after a
** failure. */
int pk_entries_open(pk_entries **folder, const pk_entries *parent,
                    const char *name, pk_error *error);

/* The next entry's name, until the next call, and what is known of it; NULL at
** the end. What vanishes meanwhile is left out. */
int pk_entries_next(pk_entries *folder, const char **name, pk_file_facts *facts,
                    pk_error *error);

/* The path it was opened by, parents included; and that of a name in it, from
** sqlite3_malloc, NULL when memory runs out. */
const char *pk_entries_path(const pk_entries *folder);
char *pk_entries_path_of(const pk_entries *folder, const char *name);

/* Harmless for NULL. */
void pk_entries_close(pk_entries *folder);

#endif
