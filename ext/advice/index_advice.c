/*
** index_advice.c: which indexes to create and which to drop, proven by running
** the workload on a copy of the data.
**
**     SELECT * FROM prod_index_advice('SELECT * FROM orders
**                                      WHERE customer_id = 5
**                                      ORDER BY created_at');
**     SELECT ddl, reason FROM prod_index_advice;
**     SELECT ddl, before_ms, after_ms FROM prod_index_advice(
**       'SELECT status, sum(total_cents) FROM orders GROUP BY status',
**       '{"max_seconds":10}');
**
** amounts to
**
**     CREATE TABLE prod_index_advice(
**       rank INTEGER, action TEXT, ddl TEXT, undo_ddl TEXT, table_name TEXT,
**       columns TEXT, kind TEXT, queries INTEGER, calls INTEGER,
**       before_ms REAL, after_ms REAL, before_pages INTEGER,
**       after_pages INTEGER, est_bytes INTEGER, write_cost_ratio REAL,
**       verified TEXT, reason TEXT, warnings TEXT,
**       sql HIDDEN, options HIDDEN);
**
** With sql, `create` and `replace` rows for the indexes that are worth having;
** no row where none is. With a workload in a table or file, which stands for
** all that runs, `drop` rows too for indexes that it does not use or that
** another one makes superfluous. Without, the same for the captured statements
** (prod_query_stats) where there are any, and `create` rows for foreign keys
** without an index. What could not be looked at is a row `skipped` whose reason
** says why.
**
** How it works, file by file:
**
**     workload.c         reads the statements; writing.c finds what those that
**                        write search for, and what their triggers do
**     what_if.c          a private copy of the schema, in which they are planned
**     accesses.c         what the planner asks of each table, heard by virtual
**                        tables in its place
**     candidates.c       from that, indexes; text_candidates.c finds those on
**                        expressions and partial ones; gather.c has both
**     review.c           which candidates the planner would use
**     proof.c, select.c  which are worth having, by running the statements on a
**                        private copy of the data (evaluate.c); samples.c fills
**                        parameters, sample_copy.c copies a part of the data,
**                        insert_cost.c measures what writing costs
**     unused.c           which existing ones no statement uses
**     report.c, audit.c  the rows; existing.c lists what exists
**
** Locking: reads the schema with short SELECTs and, for a proof, one
** sqlite3_backup on the caller's connection; no hook, no function and no write
** on it. Statements that write are planned, never run. As with any SELECT, the
** statement that reads this table has a read lock until it ends: in WAL mode
** nobody waits for it, in a rollback mode all writers do.
**
** Cost: a temporary copy of the database, or of some 256 MB of a large one, and
** up to max_seconds; with
** {"proof":"none"} at most 100,000 rows of each table are counted and 10,000
** sampled for each column that is considered.
**
** Limits: one schema at a time, no temporary tables, no functions and
** collations of the application. The times are of a copy that lies in memory.
*/
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../base/feature.h"
#include "../base/sql.h"
#include "advice.h"
#include "existing.h"

#define OPTION(field) offsetof(pk_request, field)

static const pk_option options[] = {
    {"max_indexes", PK_INTEGER, OPTION(limits.max_indexes), .least = 1,
     .most = 100, .summary = "propose no more new indexes than these (10)"},
    {"budget_bytes", PK_INTEGER, OPTION(limits.budget_bytes),
     .summary = "of all new indexes together (8 MiB and a third of the "
                "database's size)"},
    {"min_gain_ratio", PK_REAL, OPTION(limits.min_gain_ratio), .least = 0,
     .most = 1,
     .summary = "an index must save this share of what the statements take, "
                "which is measured with a proof (0.03)"},
    {"max_write_cost_ratio", PK_REAL, OPTION(limits.max_write_cost_ratio),
     .least = 1, .most = 1000,
     .summary = "no second new index for a table where inserting would then "
                "take over so many times as long, which is measured with a "
                "proof (3)"},
    {"proof", PK_CHOICE, OPTION(proof), .choices = "by_size none sample copy",
     .summary =
         "run the statements on a private copy of the data (copy) or of a part "
         "(sample), or ask the planner only (none); by_size: copy from 1 MiB "
         "to 1 GiB, above that sample (by_size)"},
    {"max_seconds", PK_REAL, OPTION(max_seconds), .least = 0.1, .most = 86400,
     .summary = "for the proof; then it is told what was proven so far (50)"},
    {"captured", PK_BOOLEAN, OPTION(captured),
     .summary = "where no statements are given, advise on the captured ones "
                "(true); false: on the schema only"},
    {"show_rejected", PK_BOOLEAN, OPTION(show_rejected),
     .summary = "rows for the indexes that were tried and not chosen (false)"},
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to look at (main)"},
    {"workload_table", PK_TEXT, OPTION(workload_table),
     .summary = "a table with the statements in a column sql or query, and how "
                "often each runs in one named calls"},
    {"workload_file", PK_TEXT, OPTION(workload_file),
     .summary = "a file with statements, separated by semicolons"},
    {0}};

/* What a column `calls` says may be beyond any integer. */
#define MOST_CALLS 9e18

static void count_or_null(pk_rows *rows, sqlite3_int64 count) {
  if (count > 0)
    pk_row_int64(rows, count);
  else
    pk_row_null(rows);
}

/* To the microsecond. */
static double milliseconds(double ms) {
  return round(ms * 1e3) / 1e3;
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
  count_or_null(rows, (sqlite3_int64)fmin(advice->calls, MOST_CALLS));
  if (advice->before_ms < 0) {
    pk_row_null(rows);
    pk_row_null(rows);
  } else {
    pk_row_double(rows, milliseconds(advice->before_ms));
    pk_row_double(rows, milliseconds(advice->after_ms));
  }
  count_or_null(rows, advice->before_pages);
  count_or_null(rows, advice->after_pages);
  count_or_null(rows, advice->bytes);
  if (advice->write_cost_ratio > 0)
    pk_row_double(rows, round(advice->write_cost_ratio * 100) / 100);
  else
    pk_row_null(rows);
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

/* What the user should know besides: about the index, about the statements, and
** about statistics with which SQLite may decide otherwise than in the copy. */
static int warnings_of(const pk_candidate *index, const char *more,
                       char **warnings, pk_error *error) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (index->warning) sqlite3_str_appendf(text, "%s; ", index->warning);
  if (more) sqlite3_str_appendf(text, "%s; ", more);
  if (pk_table_is_stale(index->table))
    sqlite3_str_appendf(text,
                        "the statistics of %s are out of date (they say %,lld "
                        "rows): run ANALYZE; ",
                        index->table->name, index->table->stat_rows);
  int rc = pk_finish_text(text, warnings, error);
  if (*warnings) (*warnings)[strlen(*warnings) - 2] = 0;
  return rc;
}

int pk_advise_create(pk_advice_rows *out, const pk_what_if *copy,
                     const pk_candidate *index, const char *reason,
                     const pk_advice *measured, pk_error *error) {
  pk_advice row = *measured;
  char *warnings;
  int rc = warnings_of(index, measured->warnings, &warnings, error);
  if (rc != SQLITE_OK) return rc;
  char *undo = pk_drop_ddl(copy->schema, index->name);
  if (!row.action) row.action = "create";
  if (!row.verified) row.verified = "planner";
  if (!row.ddl) row.ddl = index->ddl;
  if (!row.undo_ddl) row.undo_ddl = undo;
  row.table = index->table->name;
  row.columns = index->columns;
  row.kind = index->kind;
  row.queries = index->queries;
  row.bytes = index->bytes;
  row.write_cost_ratio = index->write_cost_ratio;
  row.reason = reason;
  row.warnings = warnings;
  if (undo && reason)
    pk_advise(out, &row);
  else
    rc = pk_fail_memory(error);
  sqlite3_free(undo);
  sqlite3_free(warnings);
  return rc;
}

static int read_workload(pk_workload *all, pk_what_if *copy, const char *sql,
                         const pk_request *request, pk_error *error) {
  if (!!sql + !!request->workload_table + !!request->workload_file > 1)
    return pk_fail(error, SQLITE_ERROR,
                   "give statements in sql, or in workload_table, or in "
                   "workload_file, and not in two of them");
  if (sql) return pk_workload_add_text(all, copy, sql, error);
  if (request->workload_table)
    return pk_workload_add_table(all, copy, request->workload_table, error);
  if (request->workload_file)
    return pk_workload_add_file(all, copy, request->workload_file, error);
  return request->captured ? pk_workload_add_statistics(all, copy, error)
                           : SQLITE_OK;
}

static int advise_on_workload(pk_advice_rows *out, pk_what_if *copy,
                              pk_workload *workload, const pk_request *request,
                              pk_error *error) {
  pk_review review = {.request = request, .copy = copy, .workload = workload};
  int rc = pk_review_workload(&review, error);
  if (rc == SQLITE_OK) rc = pk_report(out, &review, error);
  pk_review_free(&review);
  return rc;
}

static int advise_on_left_out(pk_advice_rows *out, const pk_what_if *copy,
                              pk_error *error) {
  if (!copy->incomplete) return SQLITE_OK;
  char *reason = sqlite3_mprintf("the private copy could not take in %s",
                                 pk_what_if_left_out(copy));
  if (!reason) return pk_fail_memory(error);
  pk_advise(out, &(pk_advice){
                     .action = "skipped", .before_ms = -1, .reason = reason});
  sqlite3_free(reason);
  return SQLITE_OK;
}

/* Statements that were typed are not all that runs: only a whole workload, or
** none, is taken for an occasion to audit what exists. */
static int advise_in(pk_advice_rows *out, pk_what_if *copy, const char *sql,
                     const pk_request *request, pk_error *error) {
  pk_workload workload = {0};
  bool audit = !sql && !request->workload_table && !request->workload_file;
  int rc = pk_list_indexes(copy, error);
  if (rc == SQLITE_OK) rc = read_workload(&workload, copy, sql, request, error);
  if (rc == SQLITE_OK) rc = pk_workload_fold(&workload, error);
  if (rc == SQLITE_OK && workload.count > 0)
    rc = advise_on_workload(out, copy, &workload, request, error);
  if (rc == SQLITE_OK && audit)
    rc = pk_advise_on_foreign_keys(out, copy, error);
  if (rc == SQLITE_OK && !sql) rc = pk_advise_on_indexes(out, copy, error);
  if (rc == SQLITE_OK && audit) rc = advise_on_left_out(out, copy, error);
  pk_workload_free(&workload);
  return rc;
}

static int check_schema(sqlite3 *db, const char *schema, pk_error *error) {
  if (sqlite3_stricmp(schema, "temp") == 0)
    return pk_fail(error, SQLITE_ERROR,
                   "advice is given on main or an attached database, not on "
                   "temporary tables");
  return pk_check_schema(db, schema, error);
}

/* Nothing is written into the database, so that it is not what is full. */
static int explain_full(pk_error *error) {
  pk_error_clear(error);
  return pk_fail(error, SQLITE_FULL,
                 "there is no room for SQLite's temporary files: set "
                 "SQLITE_TMPDIR to another folder, or PRAGMA temp_store to "
                 "MEMORY");
}

static int advise(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                  pk_error *error) {
  const char *sql = NULL;
  pk_advice_rows out = {.rows = rows};
  pk_what_if *copy = NULL;
  pk_request request = {.limits = {.max_indexes = 10,
                                   .min_gain_ratio = 0.03,
                                   .max_write_cost_ratio = 3},
                        .max_seconds = 50,
                        .captured = true};
  int rc = pk_optional_text(arguments[0], "sql", &sql, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(db, arguments[1], options, &request, error);
  const char *schema = request.schema ? request.schema : "main";
  if (rc == SQLITE_OK) rc = check_schema(db, schema, error);
  if (rc == SQLITE_OK) rc = pk_what_if_open(&copy, db, schema, error);
  if (rc == SQLITE_OK) rc = advise_in(&out, copy, sql, &request, error);
  if ((rc & 0xff) == SQLITE_FULL) rc = explain_full(error);
  pk_what_if_close(copy);
  pk_options_free(options, &request);
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
     .arguments = "sql, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "indexes to create for the given statements, and to drop "
                "where these are all that run",
     .options = options,
     .produce = advise},
    {0}};

const pk_feature pk_index_advice = {"index_advice", .tables = tables};
