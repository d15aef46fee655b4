/*
** plan.h: the query plan of a statement as one text.
*/
#ifndef PK_PLAN_H
#define PK_PLAN_H

#include <stdbool.h>

#include "../base/error.h"
#include "../base/table.h"

/* Can the statement have a plan? Only these may ever be compiled for one: some
** PRAGMAs act when they are compiled, even behind EXPLAIN
** (https://sqlite.org/pragma.html). */
bool pk_has_plan(const char *sql);

/* Fills the column `plan` with the plan of now, on this connection: a line for
** each row of prod_explain, indented by two blanks below its parent. Where it
** cannot be had (a table is missing, say) the text is the reason in brackets.
** NULL for a statement without a plan, for one that was run on another database
** file than this connection's, and where the column is not read. */
int pk_row_plan(pk_rows *rows, sqlite3 *db, const char *database_file,
                const char *sql, pk_error *error);

#endif
