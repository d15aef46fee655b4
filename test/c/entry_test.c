/*
** entry_test.c: units of the entry point, on the real library (its path is in
** the environment variable PRODKIT), as a host loads it.
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3ext.h>

typedef int (*entry_point)(sqlite3 *db, char **message,
                           const sqlite3_api_routines *api);

static sqlite3 *open_database(void) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(
      sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL),
      SQLITE_OK);
  return db;
}

static void load(sqlite3 *db) {
  char *message = NULL;
  int rc = sqlite3_load_extension(db, getenv("PRODKIT"), NULL, &message);
  assert_null(message);
  assert_int_equal(rc, SQLITE_OK);
}

static int count_names(sqlite3 *db) {
  sqlite3_stmt *count;
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM prod_help", -1,
                                      &count, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(count), SQLITE_ROW);
  int names = sqlite3_column_int(count, 0);
  assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
  return names;
}

static void test_load(void **state) {
  sqlite3 *db = open_database();
  (void)state;
  load(db);
  assert_true(count_names(db) > 0);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_load_twice(void **state) {
  sqlite3 *db = open_database();
  (void)state;
  load(db);
  int names = count_names(db);
  load(db);
  assert_int_equal(count_names(db), names);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_load_while_a_statement_is_active(void **state) {
  sqlite3 *db = open_database();
  sqlite3_stmt *before, *during;
  (void)state;
  sqlite3_prepare_v2(db, "VALUES (1), (2)", -1, &before, NULL);
  assert_int_equal(sqlite3_step(before), SQLITE_ROW);
  load(db);
  sqlite3_prepare_v2(db, "SELECT name, prod_version() FROM prod_help", -1,
                     &during, NULL);
  assert_int_equal(sqlite3_step(during), SQLITE_ROW);
  load(db);
  assert_int_equal(sqlite3_step(before), SQLITE_ROW);
  assert_int_equal(sqlite3_step(during), SQLITE_ROW);
  sqlite3_finalize(before);
  sqlite3_finalize(during);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The library is unloaded when the last connection that loaded it closes. */
static void test_connections_come_and_go(void **state) {
  sqlite3 *one = open_database(), *other = open_database();
  (void)state;
  load(one);
  load(other);
  assert_int_equal(sqlite3_close(one), SQLITE_OK);
  assert_true(count_names(other) > 0);
  one = open_database();
  load(one);
  assert_int_equal(sqlite3_close(other), SQLITE_OK);
  assert_true(count_names(one) > 0);
  assert_int_equal(sqlite3_close(one), SQLITE_OK);
}

/* ---- hosts of other versions ---- */

static const sqlite3_api_routines *host;

/* SQLite hands its table of routines to automatic extensions. */
static int take_routines(sqlite3 *db, char **message,
                         const sqlite3_api_routines *api) {
  (void)db, (void)message;
  host = api;
  return SQLITE_OK;
}

static int find_routines(void **state) {
  (void)state;
  sqlite3_auto_extension((void (*)(void))take_routines);
  sqlite3_close(open_database());
  sqlite3_cancel_auto_extension((void (*)(void))take_routines);
  return host ? 0 : -1;
}

static int version_before_the_least(void) {
  return 3033000;
}

static const char *version_before_the_least_text(void) {
  return "3.33.0";
}

static int version_of_the_least(void) {
  return 3034000;
}

static int initialise(sqlite3 *db, char **message,
                      const sqlite3_api_routines *api) {
  entry_point entry;
  void *library = dlopen(getenv("PRODKIT"), RTLD_NOW | RTLD_LOCAL);
  assert_non_null(library);
  *(void **)&entry = dlsym(library, "sqlite3_prodkit_init");
  assert_non_null(entry);
  int rc = entry(db, message, api);
  dlclose(library);
  return rc;
}

/* It is refused before any routine is called that it may lack: all that this
** host has is what telling its version takes. */
static void test_older_host_is_refused(void **state) {
  sqlite3_api_routines old = {
      .libversion_number = version_before_the_least,
      .libversion = version_before_the_least_text,
      .mprintf = sqlite3_mprintf,
  };
  sqlite3 *db = open_database();
  char *message = NULL;
  (void)state;
  assert_int_equal(initialise(db, &message, &old), SQLITE_ERROR);
  assert_non_null(strstr(message,
                         " needs SQLite 3.34.0 or later; this host "
                         "has 3.33.0"));
  sqlite3_free(message);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The table of 3.34.0 ends with txn_state; what follows must not be called. */
static void test_least_host_loads(void **state) {
  sqlite3_api_routines least = {0};
  sqlite3 *db = open_database();
  void *library = dlopen(getenv("PRODKIT"), RTLD_NOW | RTLD_LOCAL);
  char *message = NULL;
  (void)state;
  memcpy(&least, host,
         offsetof(sqlite3_api_routines, txn_state) + sizeof least.txn_state);
  least.libversion_number = version_of_the_least;
  assert_int_equal(initialise(db, &message, &least),
                   SQLITE_OK_LOAD_PERMANENTLY);
  assert_true(count_names(db) > 0);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  dlclose(library);
}

/* ---- hosts that have left something out ---- */

static const char some_rows[] =
    "CREATE TABLE t(a INT);"
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
    "INSERT INTO t SELECT i FROM n;";

/* The first value, or the error's message. */
static void ask(sqlite3 *db, const char *sql, char *answer, size_t bytes) {
  sqlite3_stmt *query;
  int rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(query);
  snprintf(answer, bytes, "%s",
           rc == SQLITE_ROW ? (const char *)sqlite3_column_text(query, 0)
                            : sqlite3_errmsg(db));
  sqlite3_finalize(query);
}

/* What index advice says there. */
static void advise_on(const sqlite3_api_routines *lean, char *answer,
                      size_t bytes) {
  sqlite3 *db = open_database();
  void *library = dlopen(getenv("PRODKIT"), RTLD_NOW | RTLD_LOCAL);
  char *message = NULL;
  assert_int_equal(initialise(db, &message, lean), SQLITE_OK_LOAD_PERMANENTLY);
  assert_int_equal(sqlite3_exec(db, some_rows, NULL, NULL, NULL), SQLITE_OK);
  ask(db,
      "SELECT ddl || ', ' || verified FROM prod_index_advice("
      "'SELECT * FROM t WHERE a = 5', '{\"proof\":\"copy\"}')",
      answer, bytes);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  dlclose(library);
}

static void test_host_without_progress_handler(void **state) {
  sqlite3_api_routines lean = *host;
  char answer[300];
  (void)state;
  lean.progress_handler = NULL;
  advise_on(&lean, answer, sizeof answer);
  assert_string_equal(answer,
                      "CREATE INDEX t_a ON t(a), planner (this host's SQLite "
                      "cannot stop a statement that takes too long)");
}

static void test_host_without_authorizer(void **state) {
  sqlite3_api_routines lean = *host;
  char answer[300];
  (void)state;
  lean.set_authorizer = NULL;
  advise_on(&lean, answer, sizeof answer);
  assert_string_equal(
      answer,
      "prod_index_advice: this host's SQLite was built without the authorizer "
      "that guards the private copy of the schema");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_load),
      cmocka_unit_test(test_load_twice),
      cmocka_unit_test(test_load_while_a_statement_is_active),
      cmocka_unit_test(test_connections_come_and_go),
      cmocka_unit_test(test_older_host_is_refused),
      cmocka_unit_test(test_least_host_loads),
      cmocka_unit_test(test_host_without_progress_handler),
      cmocka_unit_test(test_host_without_authorizer),
  };
  if (!getenv("PRODKIT")) {
    fprintf(stderr, "entry_test: set PRODKIT to the path of the library\n");
    return 1;
  }
  return cmocka_run_group_tests_name("entry", tests, find_routines, NULL);
}
