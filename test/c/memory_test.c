/*
** memory_test.c: what prodkit does when memory runs out.
**
** SQLite's allocator is replaced by one that fails its nth allocation. Each
** scenario is run for n = 1, 2, 3, ... until it no longer meets the failure:
** once with only the nth failing, and once with all from the nth on. Either it
** gives SQLITE_NOMEM or the answer it gives with enough memory; nothing is
** left allocated and no statement is left behind.
*/
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/feature.h"
#include "base/json.h"
#include "base/sql.h"
#include "prodkit.h"
#include "scratch.h"

/* ---- an allocator that fails ---- */

static sqlite3_mem_methods real; /* SQLite's own */
static int countdown;            /* to the failure; 0: none is due */
static bool lasting;             /* later ones fail too */
static bool failed;

static bool fails_now(void) {
  if (failed && lasting) return true;
  if (countdown == 0 || --countdown > 0) return false;
  failed = true;
  return true;
}

static void *failing_malloc(int bytes) {
  return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *block, int bytes) {
  return fails_now() ? NULL : real.xRealloc(block, bytes);
}

static int use_failing_allocator(void **state) {
  (void)state;
  if (sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1) != SQLITE_OK) return -1;
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) return -1;
  sqlite3_mem_methods failing = real;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK) return -1;
  return sqlite3_initialize();
}

static void fail_at(int n, bool from_then_on) {
  countdown = n;
  lasting = from_then_on;
  failed = false;
}

/* Is the failure behind us? Memory is plentiful again. */
static bool stop_failing(void) {
  bool met = failed;
  fail_at(0, false);
  return met;
}

/* ---- a feature that uses every kit ---- */

typedef struct word_options {
  char *word;
  int level;
} word_options;

static const pk_option options[] = {
    {"word", PK_TEXT, offsetof(word_options, word), .summary = ""},
    {"level", PK_CHOICE, offsetof(word_options, level), .choices = "low high",
     .summary = ""},
    {0}};

/* The options it was given, as JSON. */
static int echo(sqlite3_context *context, sqlite3_value **arguments,
                pk_error *error) {
  word_options chosen = {0};
  pk_json json;
  int rc = pk_options_read(sqlite3_context_db_handle(context), arguments[0],
                           options, &chosen, error);
  if (rc == SQLITE_OK) {
    pk_json_begin(&json);
    pk_json_text(&json, "word", chosen.word);
    pk_json_int64(&json, "level", chosen.level);
    rc = pk_json_result(&json, context);
  }
  pk_options_free(options, &chosen);
  return rc;
}

/* Rows enough for the kit to need more memory for them. */
static int many(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                pk_error *error) {
  const char *word;
  int rc = pk_text_argument(arguments[0], "word", &word, error);
  (void)db;
  for (int i = 0; rc == SQLITE_OK && i < 40; i++) {
    pk_row(rows);
    pk_row_format(rows, "%s %d", word, i);
    pk_row_text(rows, word);
  }
  return rc;
}

static const pk_function functions[] = {{.name = "t_echo",
                                         .arguments = "options",
                                         .options = options,
                                         .call = echo},
                                        {0}};
static const pk_table tables[] = {{.name = "t_many",
                                   .columns = "line TEXT, again TEXT",
                                   .arguments = "word",
                                   .required = 1,
                                   .produce = many},
                                  {0}};
static const pk_feature feature = {"unit", functions, tables};

/* ---- scenarios ---- */

/* Something for the features to look at. */
static const char tables_of_the_user[] =
    "CREATE TABLE t(a INTEGER, b TEXT);"
    "CREATE INDEX t_b ON t(b);"
    "CREATE INDEX t_b_2 ON t(b);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300)"
    "INSERT INTO t SELECT i, 'row ' || i FROM n;"
    "CREATE VIEW workload AS SELECT 'SELECT b FROM t WHERE a = 1' AS sql;";

/* In memory, or a file of that name, made anew each time. */
static const char *database = ":memory:";

static void remove_database(void) {
  static const char *const suffixes[] = {
      "", "-wal", "-shm", "-prodkit-integrity.json", "-prodkit-maintain.json"};
  char name[500];
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    snprintf(name, sizeof name, "%s%s", database, suffixes[i]);
    remove(name);
  }
}

static sqlite3 *open_database(void) {
  sqlite3 *db;
  remove_database();
  assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA synchronous = off; PRAGMA journal_mode = wal", NULL,
               NULL, NULL);
  /* no lookaside: every allocation passes the allocator */
  sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
  assert_int_equal(sqlite3_exec(db, tables_of_the_user, NULL, NULL, NULL),
                   SQLITE_OK);
  if (access("source.db", F_OK) == 0) /* which test_backups makes */
    assert_int_equal(sqlite3_exec(db, "ATTACH 'source.db' AS source", 0, 0, 0),
                     SQLITE_OK);
  return db;
}

static int add_prodkit(sqlite3 *db) {
  char *message = NULL;
  int rc = sqlite3_prodkit_init(db, &message, NULL);
  sqlite3_free(message);
  return rc == SQLITE_OK ? pk_feature_register(db, &feature) : rc;
}

/* All values of all rows, or the error's message: to be compared. */
typedef struct answer {
  int rc;
  char text[8000];
} answer;

static void append(answer *to, const char *text) {
  size_t used = strlen(to->text);
  snprintf(to->text + used, sizeof to->text - used, "%s|",
           text ? text : "NULL");
}

static void ask(sqlite3 *db, const char *sql, answer *to) {
  sqlite3_stmt *statement = NULL;
  to->text[0] = 0;
  to->rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  while (to->rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      int type = sqlite3_column_type(statement, i);
      const char *text = (const char *)sqlite3_column_text(statement, i);
      if (!text && type != SQLITE_NULL) to->rc = SQLITE_NOMEM;
      append(to, text);
    }
  int rc = sqlite3_finalize(statement);
  if (to->rc == SQLITE_OK) to->rc = rc;
  if (to->rc != SQLITE_OK)
    snprintf(to->text, sizeof to->text, "%s", sqlite3_errmsg(db));
}

/* The same answer? SQLite's own copy of an error's message may fail unnoticed
** (vdbeaux.c, sqlite3VdbeTransferError): its general text is there then. */
static void assert_same(const answer *got, const answer *expected) {
  assert_int_equal(got->rc, expected->rc);
  if (got->rc != SQLITE_OK && strcmp(got->text, sqlite3_errstr(got->rc)) == 0)
    return;
  assert_string_equal(got->text, expected->text);
}

static void assert_survives(const char *sql, bool from_then_on) {
  static answer expected, got;
  sqlite3 *db = open_database();
  assert_int_equal(add_prodkit(db), SQLITE_OK);
  ask(db, sql, &expected);
  assert_true(expected.text[0]);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);

  bool met = true;
  for (int n = 1; met; n += 1 + n / 25) { /* not all of thousands */
    sqlite3_int64 before = sqlite3_memory_used();
    db = open_database();
    assert_int_equal(add_prodkit(db), SQLITE_OK);
    fail_at(n, from_then_on);
    ask(db, sql, &got);
    met = stop_failing();
    if (got.rc != SQLITE_NOMEM) assert_same(&got, &expected);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(sqlite3_memory_used(), before);
  }
}

/* Backups to look at, in a folder of their own. */
static char folder[] = "/tmp/prodkit-memory-XXXXXX";

static int enter_folder(void **state) {
  (void)state;
  return enter_scratch(folder);
}

static int make_backups(void **state) {
  static answer made;
  if (enter_folder(state) != 0) return -1;
  sqlite3 *db = open_database();
  add_prodkit(db);
  ask(db,
      "SELECT prod_backup_to('by-hand.db'), prod_backup_to('by-hand.gz', 6), "
      "prod_backup_rotate('.', '{\"name\":\"app\"}')",
      &made);
  sqlite3_close(db);
  return made.rc == SQLITE_OK ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return remove_scratch(folder);
}

static void assert_all_survive(const char *const *statements) {
  for (; *statements; statements++) {
    print_message("    %s\n", *statements);
    assert_survives(*statements, false);
    assert_survives(*statements, true);
  }
}

/* What looks at the file, the log, and a file of its own. */
static void test_statements_about_a_file(void **state) {
  static const char *const statements[] = {
      "SELECT schema_name, frames, pinned, salts IS NULL, note FROM prod_wal",
      "SELECT json_remove(prod_checkpoint('full'), '$.seconds')",
      "SELECT object, status, message FROM prod_integrity",
      "SELECT object, status FROM prod_integrity('{\"max_seconds\":0}')",
      "SELECT name, status, value FROM prod_health "
      "WHERE name <> 'disk_space'",
      "SELECT prod_health('fast', '{\"format\":\"rfc\",\"connection\":true}') "
      "LIKE '{\"status\":\"warn\"%'",
      "SELECT status, message FROM prod_health('fast', "
      "'{\"backup_dir\":\".\"}') "
      "WHERE name = 'backup'",
      "SELECT name, value, note FROM prod_metrics WHERE type = 'gauge' "
      "AND unit IS NOT 'seconds'",
      "SELECT prod_maintain() LIKE '%\"complete\":true%'",
      "SELECT prod_maintain('{\"run\":false}')",
      "SELECT recommendation, reclaimable_bytes FROM prod_vacuum_plan",
      "SELECT item, status FROM prod_checklist",
      NULL};
  char name[500];
  const char *temporary = getenv("TMPDIR");
  (void)state;
  snprintf(name, sizeof name, "%s/memory-test-%d.db",
           temporary ? temporary : "/tmp", (int)getpid());
  database = name;
  assert_all_survive(statements);
  remove_database();
  database = ":memory:";
}

static void test_statements(void **state) {
  static const char *const statements[] = {
      "SELECT prod_version()",
      "SELECT prod_debug()",
      "SELECT prod_debug(1)",
      "SELECT * FROM prod_help",
      "SELECT t_echo()",
      "SELECT t_echo('{\"word\":\"Zo\\u00eb\",\"level\":\"high\"}')",
      "SELECT t_echo('{\"word\":\"x\",\"level\":\"top\"}')",
      "SELECT t_echo('{\"word\":\"x\",\"colour\":\"top\"}')",
      "SELECT t_echo('{\"word\":\"x\",\"word\":\"y\"}')",
      "SELECT t_echo('[1]')",
      "SELECT * FROM t_many('word')",
      "SELECT * FROM t_many",
      "SELECT * FROM t_many(7)",
      "SELECT again FROM (VALUES ('a'), ('b')) w, t_many(w.column1)",
      "SELECT name, value, status, fix FROM prod_settings",
      "SELECT prod_configure('web', '{\"dry_run\":true}')",
      "SELECT profile, outcome FROM prod_auto_configure",
      "SELECT prod_secure_files('{\"folder\":false}')",
      "SELECT count(*) FROM prod_find_databases('.', '{\"max_depth\":1}')",
      "SELECT name, status, value FROM prod_health('full')",
      "SELECT json_extract(prod_health(), '$.checks[0].name')",
      "SELECT schema_name, journal_mode, note FROM prod_wal('main')",
      "SELECT json_remove(prod_checkpoint(), '$.seconds')",
      "SELECT object, status, message FROM prod_integrity",
      "SELECT * FROM prod_fragmentation",
      "SELECT * FROM prod_explain('SELECT * FROM t ORDER BY a')",
      "SELECT ddl FROM prod_index_advice('SELECT * FROM t WHERE a = 1')",
      "SELECT ddl FROM prod_index_advice",
      "SELECT reason FROM prod_index_advice('DELETE FROM t WHERE a = 1; "
      "DELETE', '{\"proof\":\"none\"}')",
      "SELECT ddl FROM prod_index_advice(NULL, "
      "'{\"workload_table\":\"workload\"}')",
      "SELECT name FROM prod_help WHERE kind = 'table' ORDER BY summary",
      "SELECT database, verified, held FROM prod_backups('.') ORDER BY path",
      "SELECT json_extract(prod_backup_hold(path, verified = 'quick'), "
      "'$.held')"
      " FROM prod_backups('.') WHERE path LIKE '%app%'",
      "SELECT prod_backup_prune('.', '{\"keep_daily\":3,\"dry_run\":true}')"
      " LIKE '%\"removed\":[]%'",
      "SELECT prod_backup_rotate('.', json_object('name', "
      "hex(randomblob(8)), 'compress', 0, 'verify', 'none')) LIKE "
      "'%\"pruned\":[]%'",
      "SELECT json_extract(prod_restore('by-hand.db', hex(randomblob(8))),"
      " '$.verified')",
      "SELECT json_extract(prod_restore('by-hand.gz', 'by-hand.db', "
      "'{\"overwrite\":true}'), '$.replaced')",
      "SELECT labels, note FROM prod_metrics('{\"backup_dir\":\".\"}')",
      "SELECT prod_metrics_text('openmetrics') LIKE '%# EOF_'",
      "SELECT json_extract(prod_metrics_write('a.prom'), '$.failed', "
      "'$.off', '$.samples')",
      NULL};
  (void)state;
  assert_all_survive(statements);
}

/* What was being written when memory ran out. */
static int parts_left(void) {
  int parts = 0;
  DIR *here = opendir(".");
  assert_non_null(here);
  for (struct dirent *entry; (entry = readdir(here));)
    parts += strstr(entry->d_name, ".prodkit-part") != NULL;
  closedir(here);
  return parts;
}

static void make_source(const char *name) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = wal", 0, 0, 0),
                   SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, tables_of_the_user, 0, 0, 0), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Read directly; prod_backup_rotate above goes through sqlite3_backup. */
static void test_backups(void **state) {
  static const char *const statements[] = {
      "SELECT json_extract(prod_backup_to('direct.db', 0, "
      "'{\"schema\":\"source\",\"overwrite\":true,\"verify\":\"none\"}'), "
      "'$.method')",
      "SELECT json_extract(prod_backup_to('direct.gz', 6, '{\"threads\":1,"
      "\"schema\":\"source\",\"overwrite\":true,\"verify\":\"none\"}'), "
      "'$.method')",
      "SELECT json_extract(prod_backup_verify('direct.gz', 'full'), "
      "'$.tables[0].rows')",
      "SELECT row FROM prod_backup_query('direct.gz', "
      "'SELECT * FROM t WHERE a < 9')",
  };
  (void)state;
  make_source("source.db");
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    print_message("    %s\n", statements[i]);
    assert_survives(statements[i], false);
    assert_survives(statements[i], true);
    assert_int_equal(parts_left(), 0);
  }
}

static void test_registering(void **state) {
  (void)state;
  for (int from_then_on = 0; from_then_on <= 1; from_then_on++) {
    bool met = true;
    for (int n = 1; met; n++) {
      sqlite3_int64 before = sqlite3_memory_used();
      sqlite3 *db = open_database();
      fail_at(n, from_then_on);
      int rc = add_prodkit(db);
      met = stop_failing();
      if (rc != SQLITE_OK) assert_int_equal(rc, SQLITE_NOMEM);
      /* what was half done can be completed */
      assert_int_equal(add_prodkit(db), SQLITE_OK);
      assert_int_equal(sqlite3_close(db), SQLITE_OK);
      assert_int_equal(sqlite3_memory_used(), before);
    }
  }
}

static void run(sqlite3 *db, const char *sql) {
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* A connection that cannot be configured for want of memory is opened all the
** same, or SQLite itself cannot open it. */
static void test_opening(void **state) {
  sqlite3 *db = open_database();
  (void)state;
  assert_int_equal(add_prodkit(db), SQLITE_OK);
  run(db, "SELECT prod_auto_configure('web', '{\"cache_size\":-4096}')");
  for (int from_then_on = 0; from_then_on <= 1; from_then_on++) {
    bool met = true;
    for (int n = 1; met; n += 1 + n / 50) {
      sqlite3 *opened;
      fail_at(n, from_then_on);
      int rc = sqlite3_open("opened.db", &opened);
      met = stop_failing();
      if (rc != SQLITE_OK) assert_int_equal(rc, SQLITE_NOMEM);
      if (rc == SQLITE_OK) run(opened, "SELECT * FROM sqlite_schema");
      assert_int_equal(sqlite3_close(opened), SQLITE_OK);
    }
  }
  run(db, "SELECT prod_auto_configure('off')");
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A text whose encoding SQLite has to change is the text, or memory ran out. */
static void test_texts(void **state) {
  sqlite3 *db;
  (void)state;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
  run(db, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a)");
  for (int from_then_on = 0; from_then_on <= 1; from_then_on++) {
    bool met = true;
    for (int n = 1; met; n++) {
      pk_error error = PK_NO_ERROR;
      char *text = NULL;
      fail_at(n, from_then_on);
      int rc = pk_query_text(db, &text, &error,
                             "SELECT name FROM pragma_table_info('t')");
      met = stop_failing();
      assert_int_equal(rc, text ? SQLITE_OK : SQLITE_NOMEM);
      if (text) assert_string_equal(text, "a");
      sqlite3_free(text);
      pk_error_clear(&error);
    }
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The functions that touch files, on one: what is done is whole or not. */
static void test_files(void **state) {
  static const char *const statements[] = {
      "SELECT json_extract(prod_secure_files('{\"folder\":false}'), "
      "'$.paths[0].mode_after')",
      "SELECT count(*) FROM prod_find_databases('.')"};
  (void)state;
  for (int i = 0; i < 4; i++) {
    bool met = true;
    for (int n = 1; met; n += 1 + n / 50) {
      static answer got;
      sqlite3 *db;
      sqlite3_int64 before = sqlite3_memory_used();
      assert_int_equal(sqlite3_open("files.db", &db), SQLITE_OK);
      assert_int_equal(add_prodkit(db), SQLITE_OK);
      run(db, "CREATE TABLE IF NOT EXISTS t(x)");
      fail_at(n, i & 1);
      ask(db, statements[i / 2], &got);
      met = stop_failing();
      if (got.rc != SQLITE_OK) assert_int_equal(got.rc, SQLITE_NOMEM);
      assert_int_equal(sqlite3_close(db), SQLITE_OK);
      assert_int_equal(sqlite3_memory_used(), before);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_registering),
      cmocka_unit_test_setup_teardown(test_statements, make_backups,
                                      remove_folder),
      cmocka_unit_test(test_statements_about_a_file),
      cmocka_unit_test_setup_teardown(test_backups, enter_folder,
                                      remove_folder),
      cmocka_unit_test(test_texts),
      cmocka_unit_test_setup_teardown(test_opening, enter_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(test_files, enter_folder, remove_folder),
  };
  return cmocka_run_group_tests_name("memory", tests, use_failing_allocator,
                                     NULL);
}
