/* measure.c: see measure.h. */
#include "measure.h"

#include <math.h>
#include <stddef.h>

#include "../base/sql.h"

/* The first and the last rowid are found without reading what is between. */
static int rowid_span(sqlite3 *db, const char *schema, const char *table,
                      double *span) {
  sqlite3_stmt *query = NULL;
  char *sql = sqlite3_mprintf(
      "SELECT (SELECT max(rowid) FROM \"%w\".\"%w\")"
      " - (SELECT min(rowid) FROM \"%w\".\"%w\") + 1.0",
      schema, table, schema, table);
  int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &query, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  if (rc == SQLITE_OK) rc = sqlite3_step(query);
  if (rc == SQLITE_ROW) *span = sqlite3_column_double(query, 0);
  sqlite3_finalize(query);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A row takes at least a byte for each column's type, one for its length, one
** for its rowid and two for its cell pointer (file format, section 1.6). */
static int most_rows(sqlite3 *db, const char *schema, int columns,
                     sqlite3_int64 *rows, pk_error *error) {
  sqlite3_int64 pages = 0, page_bytes = 0;
  int rc =
      pk_query_int64(db, &pages, error, "PRAGMA \"%w\".page_count", schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &page_bytes, error, "PRAGMA \"%w\".page_size",
                        schema);
  *rows = pages * page_bytes / (columns + 4);
  return rc;
}

static int estimate_rows(sqlite3 *db, const char *schema, const char *table,
                         int columns, sqlite3_int64 *rows, pk_error *error) {
  double span = 0;
  sqlite3_int64 most;
  int rc = most_rows(db, schema, columns, &most, error);
  if (rc != SQLITE_OK) return rc;
  /* A WITHOUT ROWID table has no such span; then what was counted stands. */
  if (rowid_span(db, schema, table, &span) != SQLITE_OK ||
      !(span > (double)*rows))
    return SQLITE_OK;
  if (span > (double)most) span = (double)most;
  if (span > (double)*rows) *rows = (sqlite3_int64)span;
  return SQLITE_OK;
}

int pk_measure_rows(sqlite3 *db, const char *schema, const char *table,
                    int columns, sqlite3_int64 stat_rows, sqlite3_int64 *rows,
                    bool *exact, pk_error *error) {
  *rows = 0;
  int rc = pk_query_int64(db, rows, error,
                          "SELECT count(*) FROM "
                          "(SELECT 1 FROM \"%w\".\"%w\" LIMIT %d)",
                          schema, table, PK_COUNTED_ROWS + 1);
  *exact = *rows <= PK_COUNTED_ROWS;
  if (rc != SQLITE_OK || *exact) return rc;
  if (stat_rows > *rows) {
    *rows = stat_rows;
    return SQLITE_OK;
  }
  return estimate_rows(db, schema, table, columns, rows, error);
}

/*
** The number of distinct keys is estimated from the first rows by GEE
** (Charikar, Chaudhuri, Motwani, Narasayya: Towards Estimation Error
** Guarantees for Distinct Values, 2000): keys seen once stand for sqrt(n/s)
** keys of the table, the others for themselves.
*/
int pk_measure_rows_per_key(sqlite3 *db, const char *schema, const char *table,
                            sqlite3_int64 rows, const char *columns,
                            const char *compared, double *rows_per_key,
                            pk_error *error) {
  sqlite3_stmt *query;
  int rc = pk_prepare(db, &query, error,
                      "SELECT sum(alike), count(*), sum(alike = 1) FROM "
                      "(SELECT count(*) AS alike FROM "
                      "(SELECT %s FROM \"%w\".\"%w\" LIMIT %d) GROUP BY %s)",
                      columns, schema, table, PK_SAMPLED_ROWS, compared);
  if (rc != SQLITE_OK) return rc;
  *rows_per_key = 1;
  rc = pk_step(query, error);
  if (rc == SQLITE_ROW && sqlite3_column_int(query, 1) > 0) {
    double sampled = sqlite3_column_double(query, 0);
    double distinct = sqlite3_column_double(query, 1);
    double single = sqlite3_column_double(query, 2);
    double all = rows > sampled ? (double)rows : sampled;
    *rows_per_key = all / (sqrt(all / sampled) * single + distinct - single);
  }
  sqlite3_finalize(query);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* The sizes are those of the record format (file format, section 2.1), with
** one byte for the serial type. */
int pk_measure_column_bytes(sqlite3 *db, const char *schema, const char *table,
                            const char *column, double *bytes,
                            pk_error *error) {
  sqlite3_stmt *query;
  int rc = pk_prepare(db, &query, error,
                      "SELECT 1 + avg(CASE typeof(v)"
                      " WHEN 'null' THEN 0"
                      " WHEN 'real' THEN 8"
                      " WHEN 'integer' THEN CASE"
                      "  WHEN v IN (0, 1) THEN 0"
                      "  WHEN v BETWEEN -128 AND 127 THEN 1"
                      "  WHEN v BETWEEN -32768 AND 32767 THEN 2"
                      "  WHEN v BETWEEN -8388608 AND 8388607 THEN 3"
                      "  WHEN v BETWEEN -2147483648 AND 2147483647 THEN 4"
                      "  ELSE 8 END"
                      " ELSE length(CAST(v AS BLOB)) END)"
                      " FROM (SELECT \"%w\" AS v FROM \"%w\".\"%w\" LIMIT %d)",
                      column, schema, table, PK_SAMPLED_ROWS);
  if (rc != SQLITE_OK) return rc;
  *bytes = 1;
  rc = pk_step(query, error);
  if (rc == SQLITE_ROW && sqlite3_column_type(query, 0) != SQLITE_NULL)
    *bytes = sqlite3_column_double(query, 0);
  sqlite3_finalize(query);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}
