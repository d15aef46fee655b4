/*
** sql.h: asking the host's SQLite in SQL.
**
** Statements are made, used and finalized within one call: a statement kept
** prepared would make the application's sqlite3_close() fail. Formats are
** sqlite3_mprintf's: identifiers go in as "%w", texts as %Q, and what a user
** gave as a value is better bound.
*/
#ifndef PK_SQL_H
#define PK_SQL_H

#include <stdbool.h>

#include "error.h"

/* Prepares one statement. *statement is NULL after a failure. */
int pk_prepare(sqlite3 *db, sqlite3_stmt **statement, pk_error *error,
               const char *format, ...);

/* Steps once: SQLITE_ROW, SQLITE_DONE, or a failure that is in *error. */
int pk_step(sqlite3_stmt *statement, pk_error *error);

/* Runs one statement to its end and drops its rows. */
int pk_run(sqlite3 *db, pk_error *error, const char *format, ...);

/* The first column of the first row. Without a row, *value is left as it was
** (NULL for a text). A text is from sqlite3_malloc and belongs to the
** caller. */
int pk_query_int64(sqlite3 *db, sqlite3_int64 *value, pk_error *error,
                   const char *format, ...);
int pk_query_text(sqlite3 *db, char **value, pk_error *error,
                  const char *format, ...);

/* Appends a name as SQL would have it written by hand: quoted only where it is
** a keyword or has a character that needs it. */
void pk_append_identifier(sqlite3_str *text, const char *name);

/* Appends "aux." before the name of an object, for a schema other than main. */
void pk_append_qualifier(sqlite3_str *text, const char *schema);

/* Ends a text, and gives what was appended: from sqlite3_malloc, NULL for
** nothing. Memory that ran out is a failure, which sqlite3_str_finish does not
** tell from nothing. */
int pk_finish_text(sqlite3_str *text, char **whole, pk_error *error);

/* The file of a schema as SQLite knows it: an absolute path; "" for a
** temporary or in-memory database. A schema that is not attached is a failure
** that names those that are. */
int pk_schema_file(sqlite3 *db, const char *schema, const char **file,
                   pk_error *error);

/* What a person calls a schema: the name of its file without the folder, or
** the schema's own where it has no file. Lives as long as both do. */
const char *pk_schema_title(sqlite3 *db, const char *schema);

/* Has sqlite3_interrupt() been called since the running statement began? To be
** asked from inside a function or table of ours only: with no statement active,
** SQLite forgets the request. Costs a prepare and a step (about 2 µs). */
bool pk_interrupted(sqlite3 *db);

#endif
