/*
** manifest.h: the small file beside a backup that says what it is.
**
** prod_backup_rotate writes one for each backup it made, last of all: a backup
** with a manifest is finished, and is one that prod_backup_prune may remove.
** The manifest of app-20261120T030000Z.db.gz has ".manifest.json" behind that
** name and is a JSON object:
**
**     format        "prodkit backup"
**     version       1
**     prodkit       the version that wrote it
**     file          the name of the backup; they lie in one folder
**     database      what it is a backup of
**     taken_at      UTC; what was committed by then is in it
**     bytes         of the backup file
**     source_bytes  of the database in it
**     pages         of the database
**     page_size     of the database, in bytes
**     compression   "gzip" or "none"
**     verified      the level that it passed: "none", "quick" or "full"
**     held          whether it is to be kept in any case
**
** Keys that are not known are for later versions; a rewrite drops them. It says
** nothing of where the database was. It is replaced by rename only, so a reader
** sees the old one or the new one.
**
** JSON is read by the host's own functions, on a connection of ours.
*/
#ifndef PK_MANIFEST_H
#define PK_MANIFEST_H

#include <stdbool.h>

#include "../base/file.h"
#include "../base/json.h"

#define PK_MANIFEST_SUFFIX ".manifest.json"

/* Room for a name, so short that the name of a manifest made of it goes whole
** into that of its part (base/file.c), which is read back from there. */
#define PK_DATABASE_BYTES 161

typedef struct pk_manifest {
  char database[PK_DATABASE_BYTES];
  sqlite3_int64 taken_at; /* seconds since 1970, UTC */
  sqlite3_int64 bytes, source_bytes, pages, page_size;
  char compression[8];
  char verified[8];
  bool held;
} pk_manifest;

/* The name under which backups of a database file are kept: the file's own
** without its folder and extension, with "_" for what is awkward in a name. */
void pk_manifest_name(char name[PK_DATABASE_BYTES], const char *file);

/* The path of a backup's manifest, from sqlite3_malloc. */
char *pk_manifest_path(const char *backup);

/* The path of the backup that a manifest's path belongs to, from
** sqlite3_malloc; *backup is NULL for the path of anything else. */
int pk_manifest_backup(const char *path, char **backup, pk_error *error);

/* Reads a backup's manifest; *found is false where there is none. Fails, saying
** what is wrong with it, where it cannot be read or makes no sense. `reader` is
** a private connection. */
int pk_manifest_read(sqlite3 *reader, const char *backup, bool *found,
                     pk_manifest *manifest, pk_error *error);

/* Begins, and writes and publishes, a backup's manifest. pk_file_discard is due
** in every case. */
int pk_manifest_begin(pk_file *file, const char *backup, bool replace,
                      pk_error *error);
int pk_manifest_publish(pk_file *file, const char *backup,
                        const pk_manifest *manifest, pk_error *error);

/* Adds the facts, from `database` on, to an object. */
void pk_manifest_facts(pk_json *json, const pk_manifest *manifest);

#endif
