/*
** statements.c: the statements that are prepared on this connection.
**
**     SELECT sql, runs, fullscan_steps, memory_bytes FROM prod_statements;
**
** prod_statements amounts to
**
**     CREATE TABLE prod_statements(
**       sql TEXT, fingerprint TEXT, runs INTEGER, vm_steps INTEGER,
**       fullscan_steps INTEGER, sorts INTEGER, autoindex_rows INTEGER,
**       reprepares INTEGER, memory_bytes INTEGER, busy INTEGER,
**       readonly INTEGER);
**
** the one that was prepared last comes first, which is the one that asks. It
** takes no hook and needs no start: for an application that keeps its
** statements prepared, this is what it has been doing, but for the times. What
** was finalized is not there.
**
** How it works: sqlite3_next_stmt() walks the statements, sqlite3_stmt_status()
** reads their counters, which go on from run to run; nothing is reset. The
** fingerprint is that of prod_query_stats.
**
** Locking: none. Cost: some microseconds for each statement.
*/
#include "../base/feature.h"
#include "fingerprint.h"

static const int counters[] = {
    SQLITE_STMTSTATUS_RUN,           SQLITE_STMTSTATUS_VM_STEP,
    SQLITE_STMTSTATUS_FULLSCAN_STEP, SQLITE_STMTSTATUS_SORT,
    SQLITE_STMTSTATUS_AUTOINDEX,     SQLITE_STMTSTATUS_REPREPARE,
    SQLITE_STMTSTATUS_MEMUSED,
};

static void put_statement(pk_rows *rows, sqlite3_stmt *statement) {
  const char *sql = sqlite3_sql(statement);
  char form[1];
  pk_row(rows);
  pk_row_text(rows, sql);
  pk_row_format(rows, PK_FINGERPRINT_FORMAT,
                pk_fingerprint(sql ? sql : "", form, sizeof form));
  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
    pk_row_int64(rows, sqlite3_stmt_status(statement, counters[i], 0));
  pk_row_int64(rows, sqlite3_stmt_busy(statement));
  pk_row_int64(rows, sqlite3_stmt_readonly(statement));
}

static int show_statements(pk_rows *rows, sqlite3 *db,
                           sqlite3_value **arguments, pk_error *error) {
  (void)arguments, (void)error;
  sqlite3_stmt *statement = NULL;
  while ((statement = sqlite3_next_stmt(db, statement)))
    put_statement(rows, statement);
  return SQLITE_OK;
}

static const pk_table tables[] = {
    {.name = "prod_statements",
     .columns = "sql TEXT, fingerprint TEXT, runs INTEGER, vm_steps INTEGER, "
                "fullscan_steps INTEGER, sorts INTEGER, "
                "autoindex_rows INTEGER, reprepares INTEGER, "
                "memory_bytes INTEGER, busy INTEGER, readonly INTEGER",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the statements prepared on this connection, with SQLite's "
                "counters",
     .produce = show_statements},
    {0}};

const pk_feature pk_statements = {"statements", NULL, tables};
