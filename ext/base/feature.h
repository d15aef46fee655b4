/*
** feature.h: what a feature of prodkit declares.
**
** A feature is a file that ends with its declaration: the SQL functions and
** tables it adds, each with arguments, flags, least SQLite version and a
** one-line summary, and its VFS if it has one. Registration, prod_help and the
** test that every name has a docs page read these rows; nothing is listed
** twice.
**
**     static const pk_function functions[] = {
**         {.name = "prod_greet", .arguments = "name, options", .required = 1,
**          .flags = SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
**          .summary = "says hello", .call = greet},
**         {0}};
**
**     const pk_feature pk_greeting = {"greeting", .functions = functions};
*/
#ifndef PK_FEATURE_H
#define PK_FEATURE_H

#include "arguments.h"
#include "error.h"
#include "options.h"
#include "table.h"
#include "vfs.h"

/* Answers one call. arguments[i] is the i-th declared argument's value; NULL
** where it was not given or is SQL NULL (a required one never is). On a
** failure the message reaches the user behind the function's name. */
typedef int (*pk_call)(sqlite3_context *context, sqlite3_value **arguments,
                       pk_error *error);

typedef struct pk_function {
  const char *name;
  const char *arguments;    /* "path, compress, options"; "" for none */
  int required;             /* so many of them must be given */
  int flags;                /* SQLITE_DIRECTONLY, _INNOCUOUS, _DETERMINISTIC */
  int least_sqlite;         /* registered from this version on; 0: always */
  const char *summary;      /* one line */
  const pk_option *options; /* what its argument `options` knows, or NULL */
  pk_call call;
} pk_function;

typedef struct pk_feature {
  const char *name;             /* of the file, and of its page in docs/ */
  const pk_function *functions; /* ends with a row without a name; or NULL */
  const pk_table *tables;       /* the same */
  const pk_vfs *vfs;            /* or NULL, as when it is left out */
} pk_feature;

/* All features, ended by NULL. Defined by the entry point, prodkit.c. */
extern const pk_feature *const pk_features[];

/* Registers every function and table of a feature that this host is new
** enough for, and its VFS. Returns a SQLite result code. */
int pk_feature_register(sqlite3 *db, const pk_feature *feature);

#endif
