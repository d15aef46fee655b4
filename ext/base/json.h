/*
** json.h: writes JSON (RFC 8259) into memory, value after value.
**
**     pk_json json;
**     pk_json_begin(&json);                    {
**     pk_json_text(&json, "path", path);         "path":"/backups/app.db",
**     pk_json_array(&json, "checks");            "checks":[
**     pk_json_int64(&json, NULL, 7);               7
**     pk_json_end(&json);                        ]
**     return pk_json_result(&json, context);   }
**
** Inside an object every value has a key, inside an array it is NULL. Running
** out of memory is remembered and told by pk_json_result.
*/
#ifndef PK_JSON_H
#define PK_JSON_H

#include <stdbool.h>

#include "host.h"

#define PK_JSON_DEEPEST 8

typedef struct pk_json {
  sqlite3_str *text;
  char closers[PK_JSON_DEEPEST]; /* the brackets that are open */
  int depth;
  bool comma;         /* a value precedes in the innermost bracket */
  bool out_of_memory; /* for a text that pk_json_format made */
} pk_json;

/* Starts with the outermost object open. */
void pk_json_begin(pk_json *json);

void pk_json_object(pk_json *json, const char *key);
void pk_json_array(pk_json *json, const char *key);
void pk_json_end(pk_json *json); /* closes the innermost object or array */

/* A NULL text is null, and so is a number that JSON cannot hold. Control
** characters are escaped, and bytes that are not UTF-8, as SQLite can give of
** a corrupt file, become U+FFFD. */
void pk_json_text(pk_json *json, const char *key, const char *value);
void pk_json_int64(pk_json *json, const char *key, sqlite3_int64 value);
void pk_json_double(pk_json *json, const char *key, double value);
void pk_json_bool(pk_json *json, const char *key, bool value);
void pk_json_null(pk_json *json, const char *key);

/* A text as sqlite3_mprintf makes it. */
void pk_json_format(pk_json *json, const char *key, const char *format, ...);

/* A value of SQL as the JSON of its type. A REAL has the digits that it takes
** to read it back exactly, an infinite one is 9e999; a blob is a text of its
** hexadecimal digits, as hex() writes them. */
void pk_json_value(pk_json *json, const char *key, sqlite3_value *value);

/* A text that is JSON already, as it is. NULL is null. */
void pk_json_raw(pk_json *json, const char *key, const char *value);

/* Closes everything that is open and gives the text, from sqlite3_malloc, or
** NULL when memory ran out. */
char *pk_json_finish(pk_json *json);

/* A finished text as a function's result, marked as JSON, which belongs to
** SQLite from now on. Returns SQLITE_OK, or SQLITE_NOMEM for NULL. */
int pk_json_give(char *text, sqlite3_context *context);

/* pk_json_finish, and that as a function's result. Returns SQLITE_OK or
** SQLITE_NOMEM. */
int pk_json_result(pk_json *json, sqlite3_context *context);

#endif
