/*
** slow_log.c: the statements that took long, one by one, with their plans.
**
**     SELECT prod_stats_start('{"slow_ms":10,"slow_entries":500}');
**     SELECT at, ms, sql, plan FROM prod_slow_log;
**
** prod_slow_log amounts to
**
**     CREATE TABLE prod_slow_log(
**       at TEXT, ms REAL, sql TEXT, plan TEXT, rows INTEGER,
**       vm_steps INTEGER, full_scans INTEGER, sorts INTEGER,
**       autoindex_rows INTEGER, fingerprint TEXT, database_file TEXT);
**
** the latest first: the last executions, of all connections of the process that
** called prod_stats_start(), that took at least slow_ms. sql is the statement's
** form, without its values; with the option "literals":true it is what was
** given to SQLite, in which values that were bound do not stand. full_scans
** counts the rows stepped over in scans of whole tables.
**
** How it works: executions are kept in the store (store.h) as they end. The
** plan is not taken then: SQL must not be run from within a trace hook. It is
** made when it is read, by prod_explain on the connection that reads, and so it
** is the plan of now: after an index was created it may be better than what was
** slow. On a connection to another database it is NULL.
**
** Locking: the mutex of the store while executions are copied. Cost: nothing
** for a fast statement; reading `plan` compiles each statement twice.
*/

#include "../base/clock.h"
#include "../base/feature.h"
#include "fingerprint.h"
#include "plan.h"
#include "store.h"

static int put_slow(pk_rows *rows, sqlite3 *db, const pk_slow *slow,
                    pk_error *error) {
  const sqlite3_int64 *counters = slow->run.counters;
  bool as_written = slow->literals && slow->sample;
  char at[PK_UTC_BYTES];
  pk_utc_text(at, slow->run.at);
  pk_row(rows);
  pk_row_text(rows, at);
  pk_row_double(rows, (double)slow->run.nanoseconds / 1e6);
  pk_row_text(rows, as_written ? slow->sample : slow->form);
  int rc = pk_row_plan(rows, db, slow->database,
                       slow->sample ? slow->sample : slow->form, error);
  pk_row_int64(rows, counters[PK_ROWS]);
  pk_row_int64(rows, counters[PK_VM_STEPS]);
  pk_row_int64(rows, counters[PK_FULLSCAN_STEPS]);
  pk_row_int64(rows, counters[PK_SORTS]);
  pk_row_int64(rows, counters[PK_AUTOINDEX_ROWS]);
  pk_row_format(rows, PK_FINGERPRINT_FORMAT, slow->fingerprint);
  pk_row_text(rows, slow->database);
  return rc;
}

static int show_slow(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                     pk_error *error) {
  pk_slow *slow = NULL;
  int count = 0;
  (void)arguments;
  int rc = pk_store_slow(&slow, &count, error);
  for (int i = 0; i < count && rc == SQLITE_OK; i++)
    rc = put_slow(rows, db, &slow[i], error);
  pk_slow_free(slow, count);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_slow_log",
     .columns = "at TEXT, ms REAL, sql TEXT, plan TEXT, rows INTEGER, "
                "vm_steps INTEGER, full_scans INTEGER, sorts INTEGER, "
                "autoindex_rows INTEGER, fingerprint TEXT, database_file TEXT",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the last statements that were slow, each with its plan",
     .produce = show_slow},
    {0}};

const pk_feature pk_slow_log = {"slow_log", NULL, tables};
