/*
** samples.h: values for the parameters of a statement.
**
** A statement that is run with NULL for each parameter finds nothing and takes
** no time. Captured statements have parameters only, so typical values are
** taken from the column that the parameter stands beside: a value that is there
** for =, IN and IS, a narrow range for < and BETWEEN, a prefix for LIKE. LIMIT
** is 20, OFFSET 0, anything else NULL.
*/
#ifndef PK_SAMPLES_H
#define PK_SAMPLES_H

#include "what_if.h"

typedef struct pk_samples {
  sqlite3_value **values; /* of parameter i + 1; NULL for SQL NULL */
  int count;
} pk_samples;

/* `data` has the rows of the copy's tables. pk_samples_free is due in every
** case. */
int pk_samples_take(pk_samples *samples, sqlite3 *data, const pk_what_if *copy,
                    const char *sql, pk_error *error);
int pk_samples_bind(const pk_samples *samples, sqlite3_stmt *statement,
                    pk_error *error);
void pk_samples_free(pk_samples *samples);

#endif
