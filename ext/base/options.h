/*
** options.h: the JSON object of options that many functions take last.
**
** A feature says once which keys it knows; reading, the error for an unknown
** key, and the list in prod_help all come from that declaration:
**
**     typedef struct backup_options { int overwrite; int verify; char *schema; } backup_options;
**
**     static const pk_option options[] = {
**         {"overwrite", PK_BOOLEAN, offsetof(backup_options, overwrite),
**          .summary = "replace an existing file (false)"},
**         {"verify", PK_CHOICE, offsetof(backup_options, verify),
**          .choices = "none quick full", .summary = "..."},
**         {"schema", PK_TEXT, offsetof(backup_options, schema), .summary = "..."},
**         {0}};
**
**     backup_options chosen = {.verify = 1};
**     rc = pk_options_read(db, arguments[2], options, &chosen, error);
**     ...
**     pk_options_free(options, &chosen);
**
** The JSON is read by the host's own json_each, on a private connection, so
** that options are understood whatever state the user's database is in. A host
** without JSON functions refuses options with that reason; without options
** everything works.
*/
#ifndef PK_OPTIONS_H
#define PK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

typedef enum pk_option_type {
  PK_BOOLEAN, /* int: true or false */
  PK_INTEGER, /* sqlite3_int64 within least..most */
  PK_REAL,    /* double within least..most; whole numbers too */
  PK_TEXT, /* char *, from sqlite3_malloc; a default must be so too, or NULL */
  PK_CHOICE, /* int: the place of the given word in `choices` */
} pk_option_type;

typedef struct pk_option {
  const char *name;
  pk_option_type type;
  size_t offset;       /* of the field in the feature's struct */
  double least, most;  /* inclusive, for numbers; both 0: any from 0 up */
  const char *choices; /* blank-separated, for PK_CHOICE */
  const char *summary; /* one line, with its unit and (default) */
} pk_option;

/* Reads `json` (NULL: no options) into the struct at `into`, whose fields hold
** the defaults. `known` ends with a row without a name. Fails for anything but
** an object of known keys, once each, with values of their type and range;
** the fields may have been written by then, and pk_options_free is due in
** every case. */
int pk_options_read(sqlite3 *db, sqlite3_value *json, const pk_option *known,
                    void *into, pk_error *error);

/* Has the host JSON functions? */
int pk_host_has_json(sqlite3 *db, bool *has, pk_error *error);

/* Fails where it has none, with a sentence that begins with `what_needs`:
** "manifests need". */
int pk_require_json(sqlite3 *db, const char *what_needs, pk_error *error);

/* Frees the texts in the struct and sets them to NULL. */
void pk_options_free(const pk_option *known, void *into);

#endif
