/*
** health_surroundings.h: the checks of prod_health on what the database lives
** in: the disk, the permissions, the file system, and the backups.
**
** Each judges as health_findings.h says. None opens a file; the operating
** system is asked by name.
*/
#ifndef PK_HEALTH_SURROUNDINGS_H
#define PK_HEALTH_SURROUNDINGS_H

#include "health_findings.h"

/* Room is left for a copy of the database (a VACUUM, a backup beside it), or
** at least for writing on. */
int pk_check_disk_space(pk_health_facts *, pk_finding *, pk_error *);

/* Nobody but those of the option `access` can use the database, its -wal, -shm
** and -journal, or replace them in their folder. */
int pk_check_permissions(pk_health_facts *, pk_finding *, pk_error *);

/* A database in WAL mode is not on a network file system. */
int pk_check_filesystem(pk_health_facts *, pk_finding *, pk_error *);

/* The newest usable backup in backup_dir is young enough. Asks prod_backups,
** which looks at every file in that folder. */
int pk_check_backup(pk_health_facts *, pk_finding *, pk_error *);

#endif
