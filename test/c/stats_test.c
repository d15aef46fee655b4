/*
** stats_test.c: units of query/store, query/watch and query/latencies that the
** shell does not reach: eviction, many texts, pointers used again, a hook that
** somebody else has, connections that close, and threads (to be run in the
** variant `tsan` too).
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "prodkit.h"
#include "query/fingerprint.h"
#include "query/latencies.h"
#include "query/store.h"
#include "query/watch.h"

static const pk_store_settings defaults = {
    .max_entries = 5000, .slow_ms = 100, .slow_entries = 200};

static void configure(pk_store_settings settings) {
  pk_error error = PK_NO_ERROR;
  assert_int_equal(pk_store_configure(&settings, &error), SQLITE_OK);
}

static int begin_anew(void **state) {
  (void)state;
  pk_store_reset();
  configure(defaults);
  return 0;
}

static sqlite3 *open_database(const char *path) {
  sqlite3 *db;
  char *message = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prodkit_init(db, &message, NULL), SQLITE_OK);
  sqlite3_busy_timeout(db, 10000);
  return db;
}

static void run(sqlite3 *db, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
    fail_msg("%s: %s", sql, message);
}

/* What one value of a statement is; -1 for no row. */
static sqlite3_int64 value_of(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  sqlite3_int64 value = -1;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
                   SQLITE_OK);
  if (sqlite3_step(statement) == SQLITE_ROW)
    value = sqlite3_column_int64(statement, 0);
  assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
  return value;
}

/* Calls of the statements of this form, whatever their database; -1 for
** none. */
static sqlite3_int64 calls_of(sqlite3 *db, const char *form) {
  char *sql = sqlite3_mprintf(
      "SELECT sum(calls) FROM prod_query_stats WHERE query = %Q GROUP BY query",
      form);
  sqlite3_int64 calls = value_of(db, sql);
  sqlite3_free(sql);
  return calls;
}

/* ---- latencies ---- */

static void test_buckets(void **state) {
  (void)state;
  assert_int_equal(pk_latency_bucket(0), 0);
  assert_int_equal(pk_latency_bucket(255), 0);
  assert_int_equal(pk_latency_bucket(256), 1);
  assert_int_equal(pk_latency_bucket(INT64_MAX), PK_LATENCY_BUCKETS - 1);
  for (int i = 1; i < PK_LATENCY_BUCKETS; i++) {
    sqlite3_int64 least = pk_latency_least(i);
    assert_int_equal(pk_latency_bucket(least), i);
    assert_int_equal(pk_latency_bucket(least - 1), i - 1);
    if (i > 1)
      assert_true((double)least <= 1.25 * (double)pk_latency_least(i - 1));
  }
}

static void test_percentiles(void **state) {
  pk_latencies latencies = {{0}};
  (void)state;
  assert_true(pk_latency_percentile(&latencies, 0.5) == 0);
  for (int us = 1; us <= 10000; us++)
    latencies.calls[pk_latency_bucket(us * 1000)]++;
  for (int percent = 1; percent <= 100; percent++) {
    double truth = percent * 1e5;
    double found = pk_latency_percentile(&latencies, percent / 100.0);
    assert_true(found > truth * 0.95 && found < truth * 1.05);
  }
}

/* ---- the store ---- */

static const pk_database here = {.file = "/app.db", .hash = 1};

static void add(const char *sql, sqlite3_int64 nanoseconds) {
  char form[1];
  pk_place place = {0};
  pk_execution execution = {.nanoseconds = nanoseconds, .at = 1700000000};
  pk_store_add(&here, sql, pk_fingerprint(sql, form, sizeof form), &execution,
               &place);
}

static void test_the_least_total_time_is_evicted(void **state) {
  pk_store_settings few = defaults;
  pk_error error = PK_NO_ERROR;
  char sql[100];
  (void)state;
  few.max_entries = 100;
  configure(few);
  for (int i = 0; i < 1000; i++) {
    snprintf(sql, sizeof sql, "SELECT c%d FROM t", i);
    add(sql, i % 100 == 0 ? 5000 : 10);
  }
  pk_store_state now = pk_store_look();
  assert_in_range(now.entries, 50, 100);
  assert_int_equal(now.entries + now.evicted, 1000);
  assert_int_equal(now.lost, 0);
  pk_entry **entries;
  int count;
  assert_int_equal(pk_store_entries(&entries, &count, &error), SQLITE_OK);
  assert_int_equal(count, now.entries);
  for (int i = 0; i < count; i++)
    assert_int_equal(entries[i]->total_ns, i < 10 ? 5000 : 10);
  pk_entries_free(entries, count);
  few.max_entries = 20;
  configure(few);
  now = pk_store_look();
  assert_int_equal(now.entries, 20);
  assert_int_equal(now.entries + now.evicted, 1000);
}

/* A record may come after its entry was dropped. */
static void test_records_of_entries_that_moved(void **state) {
  pk_execution execution = {.nanoseconds = 7, .at = 1700000000};
  pk_place one = {0}, other = {0};
  pk_error error = PK_NO_ERROR;
  char form[1];
  (void)state;
  sqlite3_uint64 short_one = pk_fingerprint("SELECT a", form, 1);
  sqlite3_uint64 long_one = pk_fingerprint("SELECT b", form, 1);
  pk_store_settings few = defaults;
  few.max_entries = 21;
  configure(few);
  pk_store_add(&here, "SELECT a", short_one, &execution, &one);
  execution.nanoseconds = 700;
  pk_store_add(&here, "SELECT b", long_one, &execution, &other);
  assert_false(pk_store_needs_text(&one, &execution));
  for (int i = 0; i < 19; i++) {
    char sql[30];
    snprintf(sql, sizeof sql, "SELECT c%d", i);
    add(sql, 100);
  }
  few.max_entries = 20;
  configure(few);
  assert_true(pk_store_needs_text(&one, &execution));
  const pk_record records[] = {{short_one, one, execution},
                               {long_one, other, execution}};
  pk_store_add_records(&here, records, 2);
  assert_int_equal(pk_store_look().lost, 1);
  pk_entry **entries;
  int count;
  assert_int_equal(pk_store_entries(&entries, &count, &error), SQLITE_OK);
  assert_string_equal(entries[0]->form, "select b");
  assert_int_equal(entries[0]->total_ns, 1400);
  pk_entries_free(entries, count);
}

static void test_slow_ring(void **state) {
  pk_store_settings few = defaults;
  pk_error error = PK_NO_ERROR;
  pk_slow *slow;
  int count;
  (void)state;
  few.slow_entries = 3;
  few.slow_ms = 1;
  configure(few);
  add("SELECT fast", 999999);
  for (int i = 1; i <= 5; i++) add("SELECT slow", i * 1000000);
  assert_int_equal(pk_store_slow(&slow, &count, &error), SQLITE_OK);
  assert_int_equal(count, 3);
  for (int i = 0; i < 3; i++)
    assert_int_equal(slow[i].run.nanoseconds, (5 - i) * 1000000);
  pk_slow_free(slow, count);
  few.slow_entries = 0;
  configure(few);
  add("SELECT slow", 9000000);
  assert_int_equal(pk_store_look().slow, 0);
}

/* ---- the hook ---- */

/* A million texts that have nothing in common: neither the store nor the
** connection may grow with them. */
static void test_memory_is_bounded(void **state) {
  const int texts = 1000000;
  pk_store_settings few = defaults;
  sqlite3 *db = open_database(":memory:");
  sqlite3_int64 full = 0;
  char sql[100];
  (void)state;
  few.max_entries = 1000;
  configure(few);
  run(db, "SELECT prod_stats_start()");
  for (int i = 0; i < texts; i++) {
    snprintf(sql, sizeof sql, "SELECT 1 AS c%d", i);
    run(db, sql);
    if (i == 10000) full = sqlite3_memory_used();
  }
  assert_true(sqlite3_memory_used() < full + 100000);
  pk_store_state now = pk_store_look();
  assert_in_range(now.entries, 500, 1000);
  assert_in_range(now.entries + now.evicted, texts, texts + 10);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Statements come and go at the same addresses. */
static void test_addresses_used_again(void **state) {
  sqlite3 *db = open_database(":memory:");
  (void)state;
  run(db, "SELECT prod_stats_start()");
  for (int i = 0; i < 3000; i++)
    run(db, i % 3 == 0   ? "SELECT 1 AS a"
            : i % 3 == 1 ? "SELECT 1 AS b"
                         : "SELECT 1 AS c");
  assert_int_equal(calls_of(db, "select ? as a"), 1000);
  assert_int_equal(calls_of(db, "select ? as b"), 1000);
  assert_int_equal(calls_of(db, "select ? as c"), 1000);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* More statements at once than the table begins with, and than it keeps. */
static void test_many_statements_at_once(void **state) {
  enum { MANY = 3000 };
  static sqlite3_stmt *statements[MANY];
  sqlite3 *db = open_database(":memory:");
  (void)state;
  run(db, "SELECT prod_stats_start()");
  for (int i = 0; i < MANY; i++) {
    sqlite3_prepare_v2(db, "SELECT 1 UNION ALL SELECT 2", -1, &statements[i],
                       NULL);
    assert_int_equal(sqlite3_step(statements[i]), SQLITE_ROW);
  }
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(sqlite3_step(statements[i]), SQLITE_ROW);
    sqlite3_finalize(statements[i]);
  }
  assert_int_equal(calls_of(db, "select ? union all select ?"), MANY);
  assert_int_equal(value_of(db,
                            "SELECT rows FROM prod_query_stats "
                            "WHERE query LIKE '%union%' LIMIT 1"),
                   2 * MANY);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The application may reset a statement's counters; they are then unknown for
** that once, and the statement is still told from others. */
static void test_counters_reset_by_the_application(void **state) {
  sqlite3 *db = open_database(":memory:");
  sqlite3_stmt *statement;
  (void)state;
  run(db, "SELECT prod_stats_start()");
  sqlite3_prepare_v2(db, "SELECT 5", -1, &statement, NULL);
  for (int i = 0; i < 10; i++) {
    while (sqlite3_step(statement) == SQLITE_ROW)
      sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_RUN, 1);
  }
  sqlite3_finalize(statement);
  assert_int_equal(calls_of(db, "select ?"), 10);
  assert_in_range(value_of(db,
                           "SELECT vm_steps FROM prod_query_stats "
                           "WHERE query = 'select ?'"),
                  0, 1000);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* prod_statements needs no start: an application that keeps its statements
** prepared finds them there. */
static void test_statements_that_are_prepared(void **state) {
  sqlite3 *db = open_database(":memory:");
  sqlite3_stmt *statement;
  (void)state;
  run(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
  sqlite3_prepare_v2(db, "SELECT a FROM t WHERE a = ?", -1, &statement, NULL);
  for (int i = 1; i <= 5; i++) {
    sqlite3_bind_int(statement, 1, i);
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    sqlite3_reset(statement);
  }
  assert_int_equal(value_of(db,
                            "SELECT runs FROM prod_statements WHERE sql = "
                            "'SELECT a FROM t WHERE a = ?'"),
                   5);
  assert_int_equal(value_of(db,
                            "SELECT fullscan_steps FROM prod_statements "
                            "WHERE sql LIKE 'SELECT a FROM%'"),
                   10);
  assert_int_equal(value_of(db,
                            "SELECT vm_steps > 50 AND NOT busy FROM "
                            "prod_statements WHERE sql LIKE 'SELECT a F%'"),
                   1);
  sqlite3_finalize(statement);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int others_events;

static int others_hook(unsigned event, void *context, void *p, void *x) {
  (void)event, (void)context, (void)p, (void)x;
  others_events++;
  return 0;
}

static void test_a_hook_of_somebody_else(void **state) {
  sqlite3 *db = open_database(":memory:");
  pk_error error = PK_NO_ERROR;
  pk_hook hook;
  (void)state;
  run(db, "SELECT prod_stats_start()");
  pk_watch_probe(db, &hook, &error);
  assert_int_equal(hook, PK_HOOK_ON);
  sqlite3_trace_v2(db, SQLITE_TRACE_STMT, others_hook, NULL);
  run(db, "SELECT 1");
  assert_true(others_events > 0);
  pk_watch_probe(db, &hook, &error);
  assert_int_equal(hook, PK_HOOK_LOST);
  assert_int_equal(value_of(db,
                            "SELECT json_extract(prod_query_stats(), "
                            "'$.hook_active')"),
                   0);
  run(db, "SELECT prod_stats_stop()");
  others_events = 0;
  run(db, "SELECT 1");
  assert_int_equal(others_events, 1);
  /* asked for again, it is taken again */
  run(db, "SELECT prod_stats_start()");
  others_events = 0;
  run(db, "SELECT 'mine', 1");
  assert_int_equal(others_events, 0);
  assert_int_equal(calls_of(db, "select ?, ?"), 1);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_connections_that_close(void **state) {
  sqlite3 *one = open_database(":memory:"), *other = open_database(":memory:");
  sqlite3_stmt *statement;
  (void)state;
  run(one, "SELECT prod_stats_start()");
  run(other, "SELECT prod_stats_start()");
  assert_int_equal(pk_watch_connections(), 2);
  run(one, "SELECT 'before the end'");
  assert_int_equal(sqlite3_close(one), SQLITE_OK);
  assert_int_equal(pk_watch_connections(), 1);
  assert_int_equal(calls_of(other, "select ?"), 1);
  /* sqlite3_close_v2 waits for the last statement, and so does the hook */
  sqlite3_prepare_v2(other, "SELECT 2", -1, &statement, NULL);
  sqlite3_close_v2(other);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_int_equal(pk_watch_connections(), 1);
  sqlite3_finalize(statement);
  assert_int_equal(pk_watch_connections(), 0);
}

/* The hook is lost, the connection closes without an event, and the next one
** may have its address. */
static void test_a_connection_closed_without_its_hook(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    sqlite3 *db = open_database(":memory:");
    pk_error error = PK_NO_ERROR;
    pk_hook hook;
    pk_watch_probe(db, &hook, &error);
    assert_int_equal(hook, PK_HOOK_OFF);
    run(db, "SELECT prod_stats_start()");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
  }
  assert_int_equal(pk_watch_connections(), 0);
}

/* ---- threads ---- */

enum { THREADS = 4, WORK = 2000 };

static void *work(void *context) {
  sqlite3 *db = open_database("threads.db");
  char sql[100];
  (void)context;
  run(db, "SELECT prod_stats_start()");
  for (int i = 0; i < WORK; i++) {
    snprintf(sql, sizeof sql, "SELECT %d FROM t WHERE a = %d", i, i);
    run(db, sql);
    if (i % 100 == 0) value_of(db, "SELECT count(*) FROM prod_query_stats");
    if (i % 500 == 0) value_of(db, "SELECT prod_query_stats()");
    if (i % 700 == 0) run(db, "SELECT prod_stats_stop(), prod_stats_start()");
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  return NULL;
}

static void test_threads(void **state) {
  sqlite3 *db = open_database("threads.db");
  pthread_t threads[THREADS];
  (void)state;
  run(db, "PRAGMA journal_mode = wal; CREATE TABLE t(a)");
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(calls_of(db, "select ? from t where a = ?"), THREADS * WORK);
  assert_int_equal(pk_store_look().lost, 0);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_buckets),
      cmocka_unit_test(test_percentiles),
      cmocka_unit_test_setup(test_the_least_total_time_is_evicted, begin_anew),
      cmocka_unit_test_setup(test_records_of_entries_that_moved, begin_anew),
      cmocka_unit_test_setup(test_slow_ring, begin_anew),
      cmocka_unit_test_setup(test_memory_is_bounded, begin_anew),
      cmocka_unit_test_setup(test_addresses_used_again, begin_anew),
      cmocka_unit_test_setup(test_many_statements_at_once, begin_anew),
      cmocka_unit_test_setup(test_counters_reset_by_the_application,
                             begin_anew),
      cmocka_unit_test(test_statements_that_are_prepared),
      cmocka_unit_test_setup(test_a_hook_of_somebody_else, begin_anew),
      cmocka_unit_test_setup(test_connections_that_close, begin_anew),
      cmocka_unit_test_setup(test_a_connection_closed_without_its_hook,
                             begin_anew),
      cmocka_unit_test_setup(test_threads, begin_anew),
  };
  return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
