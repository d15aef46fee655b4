/*
** arguments.h: the arguments of functions and tables.
**
** A feature declares them as one text, "path, compress, options", and how many
** of them must be given; the rest may be left out or NULL.
*/
#ifndef PK_ARGUMENTS_H
#define PK_ARGUMENTS_H

#include "error.h"

/* No function or table declares more. */
#define PK_MOST_ARGUMENTS 8

/* How many names a list such as "path, compress, options" has. */
int pk_argument_count(const char *arguments);

/* "prod_backup_to(path [, compress [, options]])", from sqlite3_malloc. */
char *pk_signature(const char *name, const char *arguments, int required);

/* Fails, showing the signature, unless the first `required` values are there
** (a value that was left out or is SQL NULL is a NULL pointer). */
int pk_require(sqlite3_value **values, const char *name, const char *arguments,
               int required, pk_error *error);

/* A text that the user must give: fails, naming it, for another type, the empty
** text and a text with a NUL in it. The text lives as long as the value. */
int pk_text_argument(sqlite3_value *value, const char *name, const char **text,
                     pk_error *error);

/* The same for an argument that may be left out: *text then stays what it
** was, the default. */
int pk_optional_text(sqlite3_value *value, const char *name, const char **text,
                     pk_error *error);

/* The place of `word` in a blank-separated list; fails, with the choices, for
** a word that is not there. `name` is the argument's. */
int pk_choice(const char *word, const char *choices, const char *name,
              int *place, pk_error *error);

/* The argument `compress`: NULL, 0 and 'none' are PK_PLAIN, 1 to 12 is the
** level of gzip, and 'gzip' is 6. Fails for anything else. */
#define PK_PLAIN 0
int pk_compression_level(sqlite3_value *value, int *level, pk_error *error);

#endif
