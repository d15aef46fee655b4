/*
** proof_test.c: units of advice/proof, sample_copy and insert_cost, on a shop
** whose tables refer to each other: the rows of a join meet in a sample,
** inserting rows leaves what was there, and nothing is built after the
** deadline.
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "advice/insert_cost.h"
#include "advice/sample_copy.h"
#include "base/clock.h"
#include "base/private.h"
#include "base/sql.h"

#define ONE_IN 4

/* 12,000 customers, whose orders have three lines each; 50 countries. A tenth
** of the orders has no customer. Line keys come as texts, and as reals. */
static const char shop[] =
    "CREATE TABLE country(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT,"
    "  country INT REFERENCES country CHECK (country > 5));"
    "CREATE TABLE \"or\"\"der\"(id INTEGER PRIMARY KEY, code TEXT UNIQUE,"
    "  customer INT REFERENCES customer, total INT,"
    "  twice INT AS (total * 2) STORED);"
    "CREATE TABLE line(\"or\"\"der\" REFERENCES \"or\"\"der\", n INT,"
    "  PRIMARY KEY(\"or\"\"der\", n)) WITHOUT ROWID;"
    "CREATE TABLE note(code TEXT REFERENCES \"or\"\"der\"(code));"
    "CREATE TABLE heap(x);"
    "CREATE INDEX order_customer ON \"or\"\"der\"(customer);"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n LIMIT 50)"
    "  INSERT INTO country SELECT i, 'c' || i FROM n;"
    "PRAGMA ignore_check_constraints = ON;"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n LIMIT 12000)"
    "  INSERT INTO customer SELECT i, 'p' || i, i % 50 + 1 FROM n;"
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n LIMIT 20000)"
    "  INSERT INTO \"or\"\"der\"(id, code, customer, total)"
    "  SELECT i, 'o' || i, iif(i % 10, i * 7 % 12000 + 1, NULL), i FROM n;"
    "INSERT INTO line SELECT iif(id % 2, id, id * 1.0), value FROM "
    "\"or\"\"der\","
    "  (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3);"
    "INSERT INTO note SELECT code FROM \"or\"\"der\";"
    "INSERT INTO heap SELECT zeroblob(10) FROM \"or\"\"der\";"
    "ANALYZE;";

typedef struct place {
  sqlite3 *original, *sample;
  pk_what_if *copy;
  pk_error error;
} place;

static int set_up(void **state) {
  static place here;
  here = (place){.error = PK_NO_ERROR};
  *state = &here;
  if (sqlite3_open(":memory:", &here.original)) return 1;
  return sqlite3_exec(here.original, shop, NULL, NULL, NULL);
}

static void open_sample(place *here, int one_in) {
  int rc = pk_what_if_open(&here->copy, here->original, "main", &here->error);
  if (rc == SQLITE_OK)
    rc = pk_private_temporary(here->original, &here->sample, &here->error);
  if (rc == SQLITE_OK)
    rc = pk_sample_copy(here->sample, here->copy, one_in, pk_seconds() + 60,
                        &here->error);
  if (rc != SQLITE_OK)
    fail_msg("%s", here->error.message ? here->error.message : "?");
}

static int tear_down(void **state) {
  place *here = *state;
  pk_what_if_close(here->copy);
  sqlite3_close(here->sample);
  pk_error_clear(&here->error);
  return sqlite3_close(here->original);
}

static sqlite3_int64 ask(sqlite3 *db, const char *sql) {
  pk_error error = PK_NO_ERROR;
  sqlite3_int64 answer = -1;
  if (pk_query_int64(db, &answer, &error, "%s", sql) != SQLITE_OK)
    fail_msg("%s: %s", sql, error.message);
  return answer;
}

static void test_share(void **state) {
  place *here = *state;
  open_sample(here, ONE_IN);
  assert_int_equal(ask(here->sample, "SELECT count(*) FROM country"), 50);
  assert_in_range(ask(here->sample, "SELECT count(*) FROM customer"),
                  12000 / ONE_IN - 300, 12000 / ONE_IN + 300);
  assert_in_range(ask(here->sample, "SELECT count(*) FROM \"or\"\"der\""),
                  20000 / ONE_IN - 400, 20000 / ONE_IN + 400);
  assert_in_range(ask(here->sample, "SELECT count(*) FROM heap"),
                  20000 / ONE_IN - 400, 20000 / ONE_IN + 400);
}

/* An order is there with all its lines or none. */
static void test_joins_meet(void **state) {
  place *here = *state;
  open_sample(here, ONE_IN);
  assert_int_equal(ask(here->sample, "SELECT count(*) FROM line"),
                   3 * ask(here->sample, "SELECT count(*) FROM \"or\"\"der\""));
  assert_int_equal(ask(here->sample,
                       "SELECT count(*) FROM \"or\"\"der\" JOIN line "
                       "ON line.\"or\"\"der\" = \"or\"\"der\".id"),
                   ask(here->sample, "SELECT count(*) FROM line"));
}

/* Statistics are those of all rows, generated columns and indexes are there,
** and rows that break a CHECK have come along. */
static void test_is_a_database(void **state) {
  place *here = *state;
  open_sample(here, ONE_IN);
  assert_int_equal(ask(here->sample,
                       "SELECT count(*) FROM sqlite_stat1 WHERE "
                       "idx = 'order_customer' AND "
                       "stat LIKE '20000 %'"),
                   1);
  assert_int_equal(ask(here->sample,
                       "SELECT count(*) FROM \"or\"\"der\" "
                       "WHERE twice <> total * 2"),
                   0);
  assert_int_equal(ask(here->sample,
                       "SELECT quick_check = 'ok' FROM "
                       "pragma_quick_check"),
                   1);
}

static void test_whole(void **state) {
  place *here = *state;
  open_sample(here, 1);
  assert_int_equal(ask(here->sample, "SELECT count(*) FROM customer"), 12000);
  assert_int_equal(ask(here->sample, "SELECT count(*) FROM line"), 60000);
  assert_int_equal(ask(here->sample, "SELECT count(*) FROM note"), 20000);
}

static void test_deadline(void **state) {
  place *here = *state;
  assert_int_equal(
      pk_what_if_open(&here->copy, here->original, "main", &here->error),
      SQLITE_OK);
  assert_int_equal(
      pk_private_temporary(here->original, &here->sample, &here->error),
      SQLITE_OK);
  assert_int_equal(pk_sample_copy(here->sample, here->copy, ONE_IN,
                                  pk_seconds() - 1, &here->error),
                   SQLITE_ERROR);
  assert_string_equal(here->error.message, "max_seconds were over");
}

/* Rows are taken out of the copy and put in again. */
static void test_insert_cost(void **state) {
  static const char sums[] =
      "SELECT count(*) * 1000003 + sum(id * 31 + total + twice) + "
      "sum(length(code)) + count(customer) FROM \"or\"\"der\"";
  place *here = *state;
  pk_proof proof;
  double bare = 0, indexed = 0, none = 1;
  open_sample(here, 1);
  assert_int_equal(
      pk_proof_open(&proof, here->copy, 1, pk_seconds() + 60, &here->error),
      SQLITE_OK);
  sqlite3_int64 before = ask(proof.db, sums);
  const pk_copied_table *orders = pk_what_if_table(here->copy, "or\"der");
  assert_int_equal(pk_insert_seconds(&proof, orders, &bare, &here->error),
                   SQLITE_OK);
  for (int i = 0; i < 8; i++)
    assert_int_equal(pk_run(proof.db, &here->error,
                            "CREATE INDEX more_%d ON \"or\"\"der\"(total %% "
                            "%d, code)",
                            i, i + 991),
                     SQLITE_OK);
  assert_int_equal(pk_insert_seconds(&proof, orders, &indexed, &here->error),
                   SQLITE_OK);
  assert_true(bare > 0);
  assert_true(indexed > bare);
  assert_int_equal(ask(proof.db, sums), before);
  assert_int_equal(ask(proof.db,
                       "SELECT count(*) FROM \"or\"\"der\" INDEXED "
                       "BY order_customer WHERE customer > 0"),
                   18000);
  assert_int_equal(
      pk_insert_seconds(&proof, pk_what_if_table(here->copy, "line"), &none,
                        &here->error),
      SQLITE_OK);
  assert_true(none == 0); /* it has no rowid */
  pk_proof_close(&proof);
}

/* Rows that break a constraint stay where they are. */
static void test_insert_refused(void **state) {
  place *here = *state;
  pk_proof proof;
  double seconds = 1;
  open_sample(here, 1);
  assert_int_equal(
      pk_proof_open(&proof, here->copy, 1, pk_seconds() + 60, &here->error),
      SQLITE_OK);
  assert_int_equal(
      pk_insert_seconds(&proof, pk_what_if_table(here->copy, "customer"),
                        &seconds, &here->error),
      SQLITE_OK);
  assert_true(seconds == 0);
  assert_int_equal(ask(proof.db, "SELECT count(*) FROM customer"), 12000);
  assert_true(sqlite3_get_autocommit(proof.db));
  pk_proof_close(&proof);
}

static int enforce_references(sqlite3 *db, char **message,
                              const struct sqlite3_api_routines *api) {
  (void)message, (void)api;
  return sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
}

/* As in a host that was built with SQLITE_DEFAULT_FOREIGN_KEYS=1. */
static void test_references_are_off(void **state) {
  place *here = *state;
  pk_proof proof;
  double seconds = 0;
  sqlite3_auto_extension((void (*)(void))enforce_references);
  open_sample(here, 1);
  assert_int_equal(
      pk_proof_open(&proof, here->copy, 1, pk_seconds() + 60, &here->error),
      SQLITE_OK);
  sqlite3_reset_auto_extension();
  assert_int_equal(
      pk_insert_seconds(&proof, pk_what_if_table(here->copy, "or\"der"),
                        &seconds, &here->error),
      SQLITE_OK);
  assert_true(seconds > 0);
  assert_int_equal(ask(proof.db, "SELECT count(*) FROM note"), 20000);
  pk_proof_close(&proof);
}

/* What ANALYZE finds is gone again, in hosts with SQLITE_ENABLE_STAT4 too. */
static void test_undo_analyze(void **state) {
  static const char sums[] =
      "SELECT count(*) + total(length(stat)) FROM sqlite_stat1";
  static const char samples[] =
      "SELECT count(*) + total(length(sample)) FROM sqlite_stat4";
  place *here = *state;
  pk_proof proof;
  bool done = false;
  open_sample(here, 1);
  assert_int_equal(
      pk_proof_open(&proof, here->copy, 1, pk_seconds() + 60, &here->error),
      SQLITE_OK);
  bool stat4 = sqlite3_compileoption_used("ENABLE_STAT4");
  sqlite3_int64 before = ask(proof.db, sums);
  sqlite3_int64 samples_before = stat4 ? ask(proof.db, samples) : 0;
  assert_int_equal(
      pk_run(proof.db, &here->error, "DELETE FROM country WHERE id %% 2"),
      SQLITE_OK);
  assert_int_equal(
      pk_run(proof.db, &here->error, "DELETE FROM note WHERE rowid > 500"),
      SQLITE_OK);
  assert_int_equal(pk_proof_analyze(&proof, NULL, &done, &here->error),
                   SQLITE_OK);
  assert_true(done);
  assert_true(ask(proof.db, sums) != before);
  assert_int_equal(pk_proof_undo_analyze(&proof, &here->error), SQLITE_OK);
  assert_int_equal(ask(proof.db, sums), before);
  if (stat4) assert_int_equal(ask(proof.db, samples), samples_before);
  assert_int_equal(pk_proof_forget_statistics(&proof, &here->error), SQLITE_OK);
  assert_int_equal(ask(proof.db, sums), 0);
  if (stat4) assert_int_equal(ask(proof.db, samples), 0);
  pk_proof_close(&proof);
}

/* A build and an ANALYZE that the deadline stops leave nothing behind. */
static void test_late(void **state) {
  static char name[] = "late", ddl[] = "CREATE INDEX late ON customer(name)";
  place *here = *state;
  pk_proof proof;
  bool done = true;
  open_sample(here, 1);
  pk_candidate index = {.table = pk_what_if_table(here->copy, "customer"),
                        .name = name,
                        .ddl = ddl};
  assert_int_equal(
      pk_proof_open(&proof, here->copy, 1, pk_seconds() + 60, &here->error),
      SQLITE_OK);
  sqlite3_int64 statistics = ask(proof.db, "SELECT count(*) FROM sqlite_stat1");
  proof.deadline = pk_seconds() - 1;
  assert_int_equal(pk_proof_build(&proof, &index, &done, &here->error),
                   SQLITE_OK);
  assert_false(done);
  assert_int_equal(pk_proof_analyze(&proof, NULL, &done, &here->error),
                   SQLITE_OK);
  assert_false(done);
  assert_int_equal(
      ask(proof.db, "SELECT count(*) FROM sqlite_schema WHERE name = 'late'"),
      0);
  assert_int_equal(ask(proof.db, "SELECT count(*) FROM sqlite_stat1"),
                   statistics);
  proof.deadline = pk_seconds() + 60;
  assert_int_equal(pk_proof_build(&proof, &index, &done, &here->error),
                   SQLITE_OK);
  assert_true(done);
  assert_true(index.bytes > 12000 * 6);
  pk_proof_close(&proof);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_share, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_joins_meet, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_is_a_database, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_deadline, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_insert_cost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_insert_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_references_are_off, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(test_undo_analyze, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
