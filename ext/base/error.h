/*
** error.h: what went wrong, on its way from the place that saw it to the user.
**
** Every function of prodkit that can fail returns a SQLite result code and
** takes a pk_error to say why. The message is one sentence for the person who
** typed the SQL: what failed, where, and what to do. The first failure is
** kept; what fails while cleaning up after it does not hide it.
**
**     pk_error error = PK_NO_ERROR;
**     if (open_it(path, &error) != SQLITE_OK) ...
**     return pk_fail(&error, SQLITE_CANTOPEN, "cannot open %s", path);
*/
#ifndef PK_ERROR_H
#define PK_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "host.h"

typedef struct pk_error {
  int code;      /* a SQLite result code; SQLITE_OK while nothing failed */
  char *message; /* from sqlite3_malloc; NULL while nothing failed */
} pk_error;

#define PK_NO_ERROR ((pk_error){SQLITE_OK, NULL})

/* Keeps the first failure and returns its code. The format is
** sqlite3_mprintf's, so %Q and %w quote. */
int pk_fail(pk_error *error, int code, const char *format, ...);

/* The same with what the connection said last, and with the system's reason
** where it has one: "disk I/O error (No space left on device)". */
int pk_fail_sql(pk_error *error, int code, sqlite3 *db);

/* The same, followed by ": " and that. */
int pk_fail_db(pk_error *error, sqlite3 *db, const char *format, ...);

/* The same for a failed system call: followed by ": " and strerror(errno). */
int pk_fail_errno(pk_error *error, int code, const char *format, ...);

/* Out of memory, for want of which no message can be made. */
int pk_fail_memory(pk_error *error);

/* "prod_backup_to: cannot write /backups/app.db: ...", from sqlite3_malloc;
** NULL where there is no message. */
char *pk_error_message(const pk_error *error, const char *name);

/* Does the code tell of a damaged database, and not of a failure to read it? */
bool pk_is_damage(int code);

/* The code to hand to SQLite for a failure of ours. SQLite takes IOERR and
** FULL from a function as faults of the user's own database and rolls back the
** user's transaction, and takes SCHEMA as a request to run the statement
** again; ours are about other files and statements, so they become ERROR. After
** a plain CORRUPT it refuses to commit the user's transaction, but not after an
** extended one (vdbe.c, SQLITE_CorruptRdOnly). */
int pk_error_code(int code);

/* Does the code tell of a damaged database, or one that cannot be read? */
bool pk_is_unusable(int code);

/* Does the code end the whole call, whatever it was about to find out? */
bool pk_ends_the_call(int code);

/* Frees the message; the error is as new. */
void pk_error_clear(pk_error *error);

#endif
