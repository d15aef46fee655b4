/*
** advice.h: the rows of prod_index_advice, and the two parts that make them.
*/
#ifndef PK_ADVICE_H
#define PK_ADVICE_H

#include "../base/table.h"
#include "candidates.h"

typedef struct pk_advice {
  const char *action, *ddl, *undo_ddl, *table, *columns, *kind;
  int queries;         /* 0: NULL */
  sqlite3_int64 bytes; /* 0: NULL */
  const char *verified, *reason, *warnings;
} pk_advice;

typedef struct pk_advice_rows {
  pk_rows *rows;
  int count;
} pk_advice_rows;

void pk_advise(pk_advice_rows *out, const pk_advice *advice);

/* CREATE INDEX, for a candidate that the planner was seen to use. */
int pk_advise_create(pk_advice_rows *out, const pk_what_if *copy,
                     const pk_candidate *index, const char *reason,
                     pk_error *error);

/* "DROP INDEX orders_city", from sqlite3_malloc. */
char *pk_drop_ddl(const char *index);

/* "50,123 rows", or "about 1,200,000 rows"; from sqlite3_malloc. */
char *pk_rows_in_words(const pk_copied_table *table);

/* statements.c: what would serve the statements in `sql`. */
int pk_advise_on_statements(pk_advice_rows *out, pk_what_if *copy,
                            const char *sql, pk_error *error);

/* audit.c: which indexes are missing under foreign keys, and which are of no
** use beside others. */
int pk_advise_on_schema(pk_advice_rows *out, pk_what_if *copy, pk_error *error);

#endif
