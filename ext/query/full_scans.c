/*
** full_scans.c: the recorded statements that read whole tables.
**
**     SELECT prod_stats_start();
**     SELECT count(*) FROM orders WHERE status = 'paid';
**     SELECT query, table_name, calls FROM prod_full_scans(1000);
**
** prod_full_scans amounts to
**
**     CREATE TABLE prod_full_scans(
**       query TEXT, table_name TEXT, index_name TEXT, detail TEXT,
**       table_rows INTEGER, calls INTEGER, most_scanned INTEGER,
**       total_ms REAL, fingerprint TEXT,
**       min_rows HIDDEN);
**
** a row for each statement of prod_query_stats on this database and each table
** of at least min_rows rows (0, that is any) that its plan scans, the statement
** with the greatest total time first. A test suite starts the statistics,
** does its work, and fails if there is a row.
**
** How it works: prod_explain tells the plan of now, of one statement of the
** form as it was run. table_name is NULL, and the row has the reason in detail,
** where it cannot tell (a table is gone, a function is missing here).
** most_scanned is what SQLite counted: the most rows that one call stepped over
** in full scans, of all its tables. It is far below table_rows where a LIMIT
** ends the scan early, which a plan does not show.
**
** Locking: a read transaction for each count. Cost: two compilations for each
** recorded statement, and one count(*) for each row: of the table that was
** scanned anyway. Limits: the table is found by its name, as a statement would:
** of tables of one name in several schemas the first.
*/
#include <string.h>

#include "../base/feature.h"
#include "../base/sql.h"
#include "fingerprint.h"
#include "plan.h"
#include "store.h"
#include "watch.h"

static int read_min_rows(sqlite3_value *value, sqlite3_int64 *rows,
                         pk_error *error) {
  *rows = 0;
  if (!value) return SQLITE_OK;
  if (sqlite3_value_type(value) != SQLITE_INTEGER)
    return pk_fail(error, SQLITE_MISMATCH, "min_rows must be a whole number");
  *rows = sqlite3_value_int64(value);
  if (*rows < 0)
    return pk_fail(error, SQLITE_RANGE, "min_rows must not be negative");
  return SQLITE_OK;
}

static const char *sql_of(const pk_entry *entry) {
  return entry->sample ? entry->sample : entry->form;
}

/* The columns after those that a table and a plan have. */
static void put_entry(pk_rows *rows, const pk_entry *entry) {
  pk_row_int64(rows, entry->calls);
  pk_row_int64(rows, entry->most_fullscan_steps);
  pk_row_double(rows, (double)entry->total_ns / 1e6);
  pk_row_format(rows, PK_FINGERPRINT_FORMAT, entry->fingerprint);
}

static int put_scan(pk_rows *rows, sqlite3 *db, const pk_entry *entry,
                    sqlite3_stmt *scan, sqlite3_int64 min_rows,
                    pk_error *error) {
  const char *table = (const char *)sqlite3_column_text(scan, 0);
  sqlite3_int64 table_rows = 0;
  if (!table) return SQLITE_OK;
  int rc = pk_query_int64(db, &table_rows, error, "SELECT count(*) FROM \"%w\"",
                          table);
  if (rc != SQLITE_OK || table_rows < min_rows) return rc;
  pk_row(rows);
  pk_row_text(rows, entry->form);
  pk_row_text(rows, table);
  pk_row_text(rows, (const char *)sqlite3_column_text(scan, 1));
  pk_row_text(rows, (const char *)sqlite3_column_text(scan, 2));
  pk_row_int64(rows, table_rows);
  put_entry(rows, entry);
  return SQLITE_OK;
}

static int put_scans(pk_rows *rows, sqlite3 *db, const pk_entry *entry,
                     sqlite3_int64 min_rows, pk_error *error) {
  sqlite3_stmt *scan;
  int rc = pk_prepare(db, &scan, error,
                      "SELECT table_name, index_name, detail "
                      "FROM prod_explain(%Q) WHERE full_scan",
                      sql_of(entry));
  while (rc == SQLITE_OK && (rc = pk_step(scan, error)) == SQLITE_ROW)
    rc = put_scan(rows, db, entry, scan, min_rows, error);
  sqlite3_finalize(scan);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A statement that can no longer be compiled was not checked, and says so. */
static void put_unknown(pk_rows *rows, const pk_entry *entry,
                        const char *reason) {
  pk_row(rows);
  pk_row_text(rows, entry->form);
  pk_row_null(rows);
  pk_row_null(rows);
  pk_row_format(rows, "(%s)", reason);
  pk_row_null(rows);
  put_entry(rows, entry);
}

static int check_entry(pk_rows *rows, sqlite3 *db, const pk_entry *entry,
                       sqlite3_int64 min_rows, pk_error *error) {
  pk_error reason = PK_NO_ERROR;
  bool elsewhere = strcmp(entry->database.file, pk_watch_file(db)) != 0;
  if (elsewhere || !pk_has_plan(sql_of(entry))) return SQLITE_OK;
  int rc = put_scans(rows, db, entry, min_rows, &reason);
  if (rc == SQLITE_NOMEM) {
    pk_fail_memory(error);
  } else if (rc == SQLITE_INTERRUPT) {
    pk_fail(error, rc, "%s", reason.message);
  } else if (rc != SQLITE_OK) {
    put_unknown(rows, entry, reason.message);
    rc = SQLITE_OK;
  }
  pk_error_clear(&reason);
  return rc;
}

static int full_scans(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                      pk_error *error) {
  pk_entry **entries = NULL;
  sqlite3_int64 min_rows;
  int count = 0;
  int rc = read_min_rows(arguments[0], &min_rows, error);
  pk_watch_flush();
  if (rc == SQLITE_OK) rc = pk_store_entries(&entries, &count, error);
  for (int i = 0; i < count && rc == SQLITE_OK; i++)
    rc = check_entry(rows, db, entries[i], min_rows, error);
  pk_entries_free(entries, count);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_full_scans",
     .columns = "query TEXT, table_name TEXT, index_name TEXT, detail TEXT, "
                "table_rows INTEGER, calls INTEGER, most_scanned INTEGER, "
                "total_ms REAL, fingerprint TEXT",
     .arguments = "min_rows",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the recorded statements that scan a table of at least so "
                "many rows",
     .produce = full_scans},
    {0}};

const pk_feature pk_full_scans = {"full_scans", NULL, tables};
