/*
** integrity_state.h: what prod_integrity remembers from call to call.
**
** A table of a private in-memory database, filled from a small JSON file and
** written back to it, so that what comes next and what is shown can be asked in
** SQL. The file is
**
**     {"prodkit_integrity":1,
**      "objects":[{"name":"orders", "whole":0,
**                  "checked_at":"2026-11-20T03:47:00Z", "seconds":0.12,
**                  "status":"ok", "message":null, "found_at":null}, ...]}
**
** and is replaced as a whole (base/file). One that cannot be understood counts
** as none, and `trouble` says so; a file of another kind is never replaced.
**
** A corruption that was found stays: only pk_integrity_all_passed with `full`
** makes an object that failed pass again.
**
** Two calls at once each write what they know: the later one's file stands.
*/
#ifndef PK_INTEGRITY_STATE_H
#define PK_INTEGRITY_STATE_H

#include <stdbool.h>

#include "../base/file.h"

typedef struct pk_integrity_state {
  sqlite3 *store;    /* private */
  sqlite3_stmt *add; /* of pk_integrity_add; a schema can have many tables */
  char *path;        /* of the file; NULL: nothing is kept */
  char *trouble;     /* why nothing is, or was, remembered; or NULL */
  pk_file file;      /* the next one, where it could be begun */
  bool begun;
} pk_integrity_state;

/* What a state is before it is opened. */
#define PK_INTEGRITY_CLOSED ((pk_integrity_state){.file = {.fd = -1}})

enum pk_integrity_status { PK_UNKNOWN, PK_OK, PK_FAILED };

/* What a check of one object came to. */
typedef struct pk_integrity_result {
  enum pk_integrity_status status;
  double seconds;
  const char *message; /* or NULL */
} pk_integrity_result;

/* Loads the file. `chosen`: the user named it, so that one of another kind is
** an error; the default name is ours alone. pk_integrity_close is due in every
** case. */
int pk_integrity_open(pk_integrity_state *state, sqlite3 *db, const char *path,
                      bool chosen, pk_error *error);

/* Makes sure, before long checks, that the file can be written. */
int pk_integrity_begin_file(pk_integrity_state *state, bool chosen,
                            pk_error *error);

/* Names a table that is there now. `alone`: it can be checked by itself. */
int pk_integrity_add(pk_integrity_state *state, const char *name, bool alone,
                     pk_error *error);

/* The table that was not tried in this call and was checked least recently,
** among those that took no longer than `seconds` the last time. *name is from
** sqlite3_malloc; NULL: there is none. */
int pk_integrity_next(pk_integrity_state *state, double seconds, char **name,
                      pk_error *error);

/* How many tables were not tried in this call. */
int pk_integrity_waiting(pk_integrity_state *state, sqlite3_int64 *tables,
                         pk_error *error);

/* Notes the check of a table or, for NULL, of the whole database. */
int pk_integrity_record(pk_integrity_state *state, const char *name,
                        const pk_integrity_result *result, pk_error *error);

/* The whole database passed, and with it every table; `full`: by
** integrity_check, so that nothing stays reported. */
int pk_integrity_all_passed(pk_integrity_state *state, bool full,
                            pk_error *error);

/* Writes the file. Fails only for want of memory: all else is trouble. */
int pk_integrity_save(pk_integrity_state *state, pk_error *error);

/* Harmless when repeated, and on PK_INTEGRITY_CLOSED. */
void pk_integrity_close(pk_integrity_state *state);

#endif
