/*
** page_check.h: PRAGMA quick_check and integrity_check, and what they found.
**
**     pk_problems problems;
**     int rc = pk_page_check(db, "main", "quick_check", NULL, &problems,
**                            error);
**     if (rc == SQLITE_OK && problems.count > 0) ... problems.first ...
**     pk_problems_free(&problems);                   due in every case
**
** The check of one table (SQLite 3.33) takes in its indexes, and that of
** sqlite_schema the freelist, but none sees a page that two tables use, or that
** none uses: only the check of the whole database does.
*/
#ifndef PK_PAGE_CHECK_H
#define PK_PAGE_CHECK_H

#include "error.h"

/* As many problems are looked for at most: SQLite's own default. */
#define PK_MOST_PROBLEMS 100

typedef struct pk_problems {
  sqlite3_int64 count;
  char *first; /* in SQLite's words; NULL if there is none */
} pk_problems;

/* Runs a pragma, named without its schema, on one table or, if that is NULL, on
** the whole database. What is damaged so that SQLite stops is a failure, for
** which pk_is_damage() holds. SQLite takes a name that begins with a digit for
** a limit: see pk_page_check_takes. */
int pk_page_check(sqlite3 *db, const char *schema, const char *pragma,
                  const char *table, pk_problems *problems, pk_error *error);

/* Can the table of this name be checked by itself? */
bool pk_page_check_takes(const char *table);

void pk_problems_free(pk_problems *problems);

#endif
