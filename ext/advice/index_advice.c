/*
** index_advice.c: which indexes to create and which to drop, each shown to
** SQLite's own planner first.
**
**     SELECT * FROM prod_index_advice('SELECT * FROM orders
**                                      WHERE customer_id = 5
**                                      ORDER BY created_at');
**     SELECT ddl, reason FROM prod_index_advice;
**
** amounts to
**
**     CREATE TABLE prod_index_advice(
**       rank INTEGER, action TEXT, ddl TEXT, undo_ddl TEXT, table_name TEXT,
**       columns TEXT, kind TEXT, queries INTEGER, calls INTEGER,
**       before_ms REAL, after_ms REAL, before_pages INTEGER,
**       after_pages INTEGER, est_bytes INTEGER, write_cost_ratio REAL,
**       verified TEXT, reason TEXT, warnings TEXT,
**       sql HIDDEN);
**
** With sql, one or several statements separated by semicolons, a `create` row
** for each index that would serve them; no row where none is needed. Without,
** an audit of the schema: `create` rows for foreign keys without an index,
** `drop` rows for indexes that another one makes superfluous. What could not
** be looked at is a row `skipped` whose reason says why.
**
** How it works: the schema is copied into a private in-memory database
** (what_if.h). A second one, in which each table is a virtual table, hears from
** the planner what a statement asks of its tables (accesses.h). From that and
** from samples of the data, indexes are proposed (candidates.h), created in
** the copy, and dropped again one by one, the widest first: one without which
** the plan is no worse goes. What remains is used by the planner, by name.
** Statements are planned, never run.
**
** Locking: reads main with short SELECTs on the caller's connection; no hook,
** no function and no write on it, and nothing stays open.
**
** Cost: counts at most 100,000 rows of each table, and samples at most 10,000
** rows for each column that is considered.
**
** Limits: schema main only, no attached or temporary table; no partial and no
** expression index is proposed. An index on a range is proposed without
** knowing how much of the table the range picks out, and says so. Times, pages,
** calls and the cost of writing are not measured: those columns are NULL.
*/
#include "../base/feature.h"
#include "../base/sql.h"
#include "advice.h"

static void count_or_null(pk_rows *rows, sqlite3_int64 count) {
  if (count > 0)
    pk_row_int64(rows, count);
  else
    pk_row_null(rows);
}

void pk_advise(pk_advice_rows *out, const pk_advice *advice) {
  pk_rows *rows = out->rows;
  pk_row(rows);
  pk_row_int64(rows, ++out->count);
  pk_row_text(rows, advice->action);
  pk_row_text(rows, advice->ddl);
  pk_row_text(rows, advice->undo_ddl);
  pk_row_text(rows, advice->table);
  pk_row_text(rows, advice->columns);
  pk_row_text(rows, advice->kind);
  count_or_null(rows, advice->queries);
  for (int unknown = 0; unknown < 5; unknown++) /* calls to after_pages */
    pk_row_null(rows);
  count_or_null(rows, advice->bytes);
  pk_row_null(rows); /* write_cost_ratio */
  pk_row_text(rows, advice->verified);
  pk_row_text(rows, advice->reason);
  pk_row_text(rows, advice->warnings);
}

/* An estimate is rounded to two figures: it is no better than that. */
char *pk_rows_in_words(const pk_copied_table *table) {
  sqlite3_int64 unit = 1;
  if (table->rows_exact) return sqlite3_mprintf("%,lld rows", table->rows);
  while (table->rows / unit >= 100) unit *= 10;
  return sqlite3_mprintf("about %,lld rows",
                         (table->rows + unit / 2) / unit * unit);
}

char *pk_drop_ddl(const char *index) {
  sqlite3_str *ddl = sqlite3_str_new(NULL);
  sqlite3_str_appendall(ddl, "DROP INDEX ");
  pk_append_identifier(ddl, index);
  return sqlite3_str_finish(ddl);
}

/* What the user should know besides: about the index, and about statistics
** with which SQLite may decide otherwise than in the copy. */
static char *warnings_of(const pk_candidate *index) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (index->warning) sqlite3_str_appendall(text, index->warning);
  if (pk_table_is_stale(index->table))
    sqlite3_str_appendf(text,
                        "%sthe statistics of %s are out of date (they say "
                        "%,lld rows): run ANALYZE",
                        index->warning ? "; " : "", index->table->name,
                        index->table->stat_rows);
  return sqlite3_str_finish(text);
}

int pk_advise_create(pk_advice_rows *out, const pk_what_if *copy,
                     const pk_candidate *index, const char *reason,
                     pk_error *error) {
  sqlite3_int64 bytes;
  int rc = pk_candidate_bytes(copy, index, &bytes, error);
  if (rc != SQLITE_OK) return rc;
  char *undo = pk_drop_ddl(index->name);
  char *warnings = warnings_of(index);
  pk_advise(out, &(pk_advice){.action = "create",
                              .ddl = index->ddl,
                              .undo_ddl = undo,
                              .table = index->table->name,
                              .columns = index->columns,
                              .kind = index->kind,
                              .queries = index->queries,
                              .bytes = bytes,
                              .verified = "planner",
                              .reason = reason,
                              .warnings = warnings});
  sqlite3_free(undo);
  sqlite3_free(warnings);
  return SQLITE_OK;
}

static int advise(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                  pk_error *error) {
  const char *sql = NULL;
  pk_advice_rows out = {.rows = rows};
  pk_what_if *copy = NULL;
  int rc = pk_optional_text(arguments[0], "sql", &sql, error);
  if (rc == SQLITE_OK) rc = pk_what_if_open(&copy, db, error);
  if (rc == SQLITE_OK)
    rc = sql ? pk_advise_on_statements(&out, copy, sql, error)
             : pk_advise_on_schema(&out, copy, error);
  pk_what_if_close(copy);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_index_advice",
     .columns = "rank INTEGER, action TEXT, ddl TEXT, undo_ddl TEXT, "
                "table_name TEXT, columns TEXT, kind TEXT, queries INTEGER, "
                "calls INTEGER, before_ms REAL, after_ms REAL, "
                "before_pages INTEGER, after_pages INTEGER, "
                "est_bytes INTEGER, write_cost_ratio REAL, verified TEXT, "
                "reason TEXT, warnings TEXT",
     .arguments = "sql",
     .flags = SQLITE_DIRECTONLY,
     .summary = "indexes to create for the given statements, or an audit of "
                "the existing ones",
     .produce = advise},
    {0}};

const pk_feature pk_index_advice = {"index_advice", .tables = tables};
