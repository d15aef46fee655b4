/*
** measure.h: what advice has to know of the data, read from the application's
** tables with bounded SELECTs.
**
** A measurement reads at most PK_COUNTED_ROWS rows (counting) or
** PK_SAMPLED_ROWS rows (all others) of one table, whatever its size.
*/
#ifndef PK_MEASURE_H
#define PK_MEASURE_H

#include <stdbool.h>

#include "../base/error.h"

#define PK_COUNTED_ROWS 100000 /* counted exactly up to here */
#define PK_SAMPLED_ROWS 10000

/* The rows of a table with so many columns. Beyond PK_COUNTED_ROWS an
** estimate, and *exact is false: what sqlite_stat1 says (stat_rows, -1 for
** nothing), else the span of the rowids, bounded by what fits into the file. */
int pk_measure_rows(sqlite3 *db, const char *schema, const char *table,
                    int columns, sqlite3_int64 stat_rows, sqlite3_int64 *rows,
                    bool *exact, pk_error *error);

/* How many of the table's `rows` rows have the same key, on average. The key
** is given as two lists in SQL: '"city", "name"' and, with the collations in
** which it is compared, '"city" COLLATE NOCASE, "name"'. */
int pk_measure_rows_per_key(sqlite3 *db, const char *schema, const char *table,
                            sqlite3_int64 rows, const char *columns,
                            const char *compared, double *rows_per_key,
                            pk_error *error);

/* The bytes that one column takes in an index record, on average. */
int pk_measure_column_bytes(sqlite3 *db, const char *schema, const char *table,
                            const char *column, double *bytes, pk_error *error);

#endif
