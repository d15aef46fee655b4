/*
** stats.c: statistics of the statements that an application runs.
**
**     SELECT prod_stats_start();
**     SELECT count(*) FROM orders WHERE customer_id = 7;
**     SELECT count(*) FROM orders WHERE customer_id = 8;
**     SELECT query, calls, mean_ms, p95_ms, rows FROM prod_query_stats;
**     SELECT prod_query_stats();
**     SELECT prod_stats_stop();
**
** prod_query_stats amounts to
**
**     CREATE TABLE prod_query_stats(
**       fingerprint TEXT, query TEXT, database_file TEXT, calls INTEGER,
**       total_ms REAL, min_ms REAL, max_ms REAL, mean_ms REAL, stddev_ms REAL,
**       p50_ms REAL, p95_ms REAL, p99_ms REAL,
**       rows INTEGER, vm_steps INTEGER, fullscan_steps INTEGER, sorts INTEGER,
**       autoindex_rows INTEGER, reprepares INTEGER, cache_hit INTEGER,
**       cache_miss INTEGER, readonly INTEGER, no_index_used INTEGER,
**       plan TEXT, first_seen TEXT, last_seen TEXT, hook_active INTEGER);
**
** one row for each form of statement (fingerprint.h) and main database file,
** the greatest total time first, of all connections of the process that called
** prod_stats_start(). The function of the same name answers how the recording
** itself is.
**
** prod_stats_start takes the trace hook of the connection that calls it, as
** nothing else of prodkit does: a hook that the application has set is
** replaced. Whoever sets one later has it; that is told (hook_active is 0) and
** not undone.
**
** How it works: watch.h tells how an execution is measured, store.h where it
** goes and what is dropped when there is no more room, latencies.h how good the
** percentiles are, stats_file.h what is saved. `plan` is made when it is read,
** from a statement as it was run, on the connection that reads.
**
** Locking: a mutex of the process for each execution and while entries are
** copied; none of SQLite's. Cost: see docs/stats.md; a table read copies all
** entries, and compiles each twice if it asks for the plan. Limits: those of
** watch.h; statements run before the start, or on connections that did not
** start, are not there.
*/
#include <math.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/json.h"
#include "fingerprint.h"
#include "plan.h"
#include "stats_file.h"
#include "store.h"
#include "watch.h"

static const pk_option start_options[] = {
    {"max_entries", PK_INTEGER, offsetof(pk_store_settings, max_entries),
     .least = 20, .most = 1000000,
     .summary = "forms of statements to keep, at most (5000)"},
    {"slow_ms", PK_REAL, offsetof(pk_store_settings, slow_ms),
     .summary = "milliseconds from which on an execution is slow (100)"},
    {"slow_entries", PK_INTEGER, offsetof(pk_store_settings, slow_entries),
     .most = 100000,
     .summary = "slow executions to keep, the latest; 0 for none (200)"},
    {"literals", PK_BOOLEAN, offsetof(pk_store_settings, literals),
     .summary = "show slow statements as they were written (false)"},
    {"page_cache", PK_BOOLEAN, offsetof(pk_store_settings, page_cache),
     .summary = "count page cache hits and misses, for about 50 ns an "
                "execution (false)"},
    {0}};

/* ---- functions ---- */

static void put_hook(pk_json *json, pk_hook hook) {
  if (hook == PK_HOOK_OFF)
    pk_json_null(json, "hook_active");
  else
    pk_json_bool(json, "hook_active", hook == PK_HOOK_ON);
}

/* How the recording is: what starting it answers, and prod_query_stats(). */
static int answer_state(sqlite3_context *context, pk_hook hook) {
  pk_watch_flush();
  pk_store_state state = pk_store_look();
  char since[PK_UTC_BYTES];
  pk_json json;
  pk_utc_text(since, state.since);
  pk_json_begin(&json);
  put_hook(&json, hook);
  pk_json_int64(&json, "connections", pk_watch_connections());
  pk_json_text(&json, "since", state.since ? since : NULL);
  pk_json_int64(&json, "entries", state.entries);
  pk_json_int64(&json, "evicted", state.evicted);
  pk_json_int64(&json, "lost", state.lost);
  pk_json_int64(&json, "slow", state.slow);
  pk_json_int64(&json, "max_entries", state.settings.max_entries);
  pk_json_double(&json, "slow_ms", state.settings.slow_ms);
  pk_json_int64(&json, "slow_entries", state.settings.slow_entries);
  pk_json_bool(&json, "literals", state.settings.literals);
  pk_json_bool(&json, "page_cache", state.settings.page_cache);
  return pk_json_result(&json, context);
}

static int show_state(sqlite3_context *context, sqlite3_value **arguments,
                      pk_error *error) {
  pk_hook hook;
  (void)arguments;
  int rc = pk_watch_probe(sqlite3_context_db_handle(context), &hook, error);
  return rc == SQLITE_OK ? answer_state(context, hook) : rc;
}

/* What is not given stays as an earlier start has set it. */
static int start(sqlite3_context *context, sqlite3_value **arguments,
                 pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  pk_store_settings settings = pk_store_look().settings;
  int rc = pk_options_read(db, arguments[0], start_options, &settings, error);
  if (rc == SQLITE_OK) rc = pk_store_configure(&settings, error);
  if (rc == SQLITE_OK) rc = pk_watch_start(db, error);
  return rc == SQLITE_OK ? answer_state(context, PK_HOOK_ON) : rc;
}

static int stop(sqlite3_context *context, sqlite3_value **arguments,
                pk_error *error) {
  static const char *const reasons[] = {
      [PK_HOOK_OFF] = "the statistics were not started on this connection",
      [PK_HOOK_ON] = NULL,
      [PK_HOOK_LOST] =
          "the trace hook of this connection is somebody else's "
          "by now; it was left alone"};
  pk_hook hook;
  pk_json json;
  (void)arguments;
  int rc = pk_watch_stop(sqlite3_context_db_handle(context), &hook, error);
  if (rc != SQLITE_OK) return rc;
  pk_json_begin(&json);
  pk_json_bool(&json, "stopped", hook == PK_HOOK_ON);
  pk_json_text(&json, "reason", reasons[hook]);
  pk_json_int64(&json, "connections", pk_watch_connections());
  return pk_json_result(&json, context);
}

static int reset(sqlite3_context *context, sqlite3_value **arguments,
                 pk_error *error) {
  pk_watch_flush();
  pk_store_state state = pk_store_look();
  pk_json json;
  (void)arguments, (void)error;
  pk_store_reset();
  pk_json_begin(&json);
  pk_json_int64(&json, "entries", state.entries);
  pk_json_int64(&json, "slow", state.slow);
  return pk_json_result(&json, context);
}

/* ---- the table ---- */

static double ms(double nanoseconds) {
  return nanoseconds / 1e6;
}

static double mean_ns(const pk_entry *entry) {
  return (double)entry->total_ns / (double)entry->calls;
}

/* Of the calls there were, not of a sample of them. */
static double stddev_ns(const pk_entry *entry) {
  double mean = mean_ns(entry);
  double variance = entry->squares / (double)entry->calls - mean * mean;
  return variance > 0 ? sqrt(variance) : 0;
}

/* An interpolated value is no call's: it must not leave the range of theirs. */
static double percentile_ns(const pk_entry *entry, double share) {
  double value = pk_latency_percentile(&entry->latencies, share);
  return fmin(fmax(value, (double)entry->min_ns), (double)entry->max_ns);
}

static void put_times(pk_rows *rows, const pk_entry *entry) {
  pk_row_double(rows, ms((double)entry->total_ns));
  pk_row_double(rows, ms((double)entry->min_ns));
  pk_row_double(rows, ms((double)entry->max_ns));
  pk_row_double(rows, ms(mean_ns(entry)));
  pk_row_double(rows, ms(stddev_ns(entry)));
  pk_row_double(rows, ms(percentile_ns(entry, 0.50)));
  pk_row_double(rows, ms(percentile_ns(entry, 0.95)));
  pk_row_double(rows, ms(percentile_ns(entry, 0.99)));
}

/* In the order of the columns; what was not counted is NULL. */
static void put_counters(pk_rows *rows, const pk_entry *entry,
                         bool page_cache) {
  for (int i = 0; i < PK_COUNTERS; i++) {
    bool of_cache = i == PK_CACHE_HITS || i == PK_CACHE_MISSES;
    if (of_cache && !page_cache)
      pk_row_null(rows);
    else
      pk_row_int64(rows, entry->counters[i]);
  }
}

static void put_time(pk_rows *rows, sqlite3_int64 seconds) {
  char text[PK_UTC_BYTES];
  pk_utc_text(text, seconds);
  pk_row_text(rows, text);
}

static int put_entry(pk_rows *rows, sqlite3 *db, const pk_entry *entry,
                     pk_hook hook, bool page_cache, pk_error *error) {
  pk_row(rows);
  pk_row_format(rows, PK_FINGERPRINT_FORMAT, entry->fingerprint);
  pk_row_text(rows, entry->form);
  pk_row_text(rows, entry->database.file);
  pk_row_int64(rows, entry->calls);
  put_times(rows, entry);
  put_counters(rows, entry, page_cache);
  pk_row_int64(rows, entry->readonly);
  pk_row_int64(rows, entry->fullscan_calls);
  int rc = pk_row_plan(rows, db, entry->database.file,
                       entry->sample ? entry->sample : entry->form, error);
  put_time(rows, entry->first_seen);
  put_time(rows, entry->last_seen);
  if (hook != PK_HOOK_OFF) pk_row_int64(rows, hook == PK_HOOK_ON);
  return rc;
}

static int show_entries(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                        pk_error *error) {
  pk_entry **entries = NULL;
  int count = 0;
  pk_hook hook;
  (void)arguments;
  int rc = pk_watch_probe(db, &hook, error);
  pk_watch_flush();
  bool page_cache = pk_store_wants_page_cache();
  if (rc == SQLITE_OK) rc = pk_store_entries(&entries, &count, error);
  for (int i = 0; i < count && rc == SQLITE_OK; i++)
    rc = put_entry(rows, db, entries[i], hook, page_cache, error);
  pk_entries_free(entries, count);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_stats_start",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "records the statements of this connection; takes its trace "
                "hook",
     .options = start_options,
     .call = start},
    {.name = "prod_stats_stop",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "ends the recording on this connection; gives the trace hook "
                "back",
     .call = stop},
    {.name = "prod_stats_reset",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "forgets what was recorded in this process",
     .call = reset},
    {.name = "prod_query_stats",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "how the recording is: hook, connections, entries, evictions, "
                "settings",
     .call = show_state},
    {.name = "prod_stats_save",
     .arguments = "path, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "writes the statistics to a file, a SQLite database",
     .options = pk_stats_save_options,
     .call = pk_stats_save},
    {.name = "prod_stats_load",
     .arguments = "path",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "adds the statistics of a file to those of this process",
     .call = pk_stats_load},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_query_stats",
     .columns =
         "fingerprint TEXT, query TEXT, database_file TEXT, calls INTEGER, "
         "total_ms REAL, min_ms REAL, max_ms REAL, mean_ms REAL, "
         "stddev_ms REAL, p50_ms REAL, p95_ms REAL, p99_ms REAL, "
         "rows INTEGER, vm_steps INTEGER, fullscan_steps INTEGER, "
         "sorts INTEGER, autoindex_rows INTEGER, reprepares INTEGER, "
         "cache_hit INTEGER, cache_miss INTEGER, readonly INTEGER, "
         "no_index_used INTEGER, plan TEXT, first_seen TEXT, last_seen TEXT, "
         "hook_active INTEGER",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "each form of statement that was recorded: calls, times, rows, "
                "work",
     .produce = show_entries},
    {0}};

const pk_feature pk_stats = {"stats", functions, tables};
