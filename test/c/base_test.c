/*
** base_test.c: units of ext/base that SQL alone does not reach: arguments,
** options, json, errors, and the kits that functions and tables are made with.
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "base/arguments.h"
#include "base/error.h"
#include "base/feature.h"
#include "base/json.h"
#include "base/options.h"
#include "base/sql.h"
#include "base/table.h"

#define ROWS(list) (sizeof(list) / sizeof *(list))

static sqlite3 *db;

static int open_database(void **state) {
  (void)state;
  return sqlite3_open(":memory:", &db);
}

static int close_database(void **state) {
  (void)state;
  return sqlite3_close(db); /* SQLITE_BUSY if a statement was left */
}

/* The first value that a statement answers, from sqlite3_value_dup. */
static sqlite3_value *value_of(const char *sql) {
  sqlite3_stmt *statement;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(statement, 0));
  sqlite3_finalize(statement);
  return value;
}

/* Checks and clears: a message of NULL expects that nothing failed. */
static void assert_failure(int rc, pk_error *error, int code,
                           const char *message) {
  assert_int_equal(rc, code);
  assert_int_equal(error->code, code);
  if (message)
    assert_string_equal(error->message, message);
  else
    assert_null(error->message);
  pk_error_clear(error);
}

/* All rows of a statement, "a|b\nc|d\n", or its error's message, from
** sqlite3_malloc; NULL for no rows. */
static char *answer_of(const char *sql) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      const char *value = (const char *)sqlite3_column_text(statement, i);
      sqlite3_str_appendf(text, "%s%s", i ? "|" : "", value ? value : "NULL");
    }
    sqlite3_str_appendchar(text, 1, '\n');
  }
  if (sqlite3_errcode(db) != SQLITE_DONE && sqlite3_errcode(db) != SQLITE_OK)
    sqlite3_str_appendf(text, "%s", sqlite3_errmsg(db));
  sqlite3_finalize(statement);
  return sqlite3_str_finish(text);
}

static void assert_answer(const char *sql, const char *expected) {
  char *answer = answer_of(sql);
  assert_string_equal(answer ? answer : "", expected);
  sqlite3_free(answer);
}

/* ---- arguments ---- */

static void test_argument_count(void **state) {
  (void)state;
  assert_int_equal(pk_argument_count(""), 0);
  assert_int_equal(pk_argument_count("path"), 1);
  assert_int_equal(pk_argument_count("path, compress, options"), 3);
}

static void test_signature(void **state) {
  static const struct {
    const char *arguments;
    int required;
    const char *signature;
  } cases[] = {
      {"", 0, "f()"},
      {"path", 1, "f(path)"},
      {"path", 0, "f([path])"},
      {"path, compress, options", 1, "f(path [, compress [, options]])"},
      {"path, target, options", 2, "f(path, target [, options])"},
      {"tier, options", 0, "f([tier [, options]])"},
  };
  (void)state;
  for (size_t i = 0; i < ROWS(cases); i++) {
    char *text = pk_signature("f", cases[i].arguments, cases[i].required);
    assert_string_equal(text, cases[i].signature);
    sqlite3_free(text);
  }
}

static void test_text_argument(void **state) {
  static const struct {
    const char *value;
    const char *message; /* NULL: accepted */
  } cases[] = {
      {"'main'", NULL},
      {"'Zoë''s \"x\"'", NULL},
      {"''", "schema is empty"},
      {"7", "schema must be a text"},
      {"7.5", "schema must be a text"},
      {"x'61'", "schema must be a text"},
      {"NULL", "schema must be a text"},
      {"'a' || char(0) || 'b'", "schema has a NUL character in it"},
  };
  (void)state;
  for (size_t i = 0; i < ROWS(cases); i++) {
    char *sql = sqlite3_mprintf("SELECT %s", cases[i].value);
    sqlite3_value *value = value_of(sql);
    pk_error error = PK_NO_ERROR;
    const char *text = NULL;
    int rc = pk_text_argument(value, "schema", &text, &error);
    assert_failure(rc, &error, cases[i].message ? SQLITE_MISMATCH : SQLITE_OK,
                   cases[i].message);
    sqlite3_value_free(value);
    sqlite3_free(sql);
  }
}

static void test_optional_text(void **state) {
  pk_error error = PK_NO_ERROR;
  const char *text = "main";
  (void)state;
  assert_int_equal(pk_optional_text(NULL, "schema", &text, &error), SQLITE_OK);
  assert_string_equal(text, "main");
  sqlite3_value *value = value_of("SELECT 'aux'");
  assert_int_equal(pk_optional_text(value, "schema", &text, &error), SQLITE_OK);
  assert_string_equal(text, "aux");
  sqlite3_value_free(value);
}

static void test_choice(void **state) {
  static const char *const choices = "none quick full";
  static const char *const wrong[] = {"",      "non",        "none ",
                                      "nones", "none quick", "FULL"};
  pk_error error = PK_NO_ERROR;
  int place = -1;
  (void)state;
  assert_int_equal(pk_choice("none", choices, "tier", &place, &error), 0);
  assert_int_equal(place, 0);
  assert_int_equal(pk_choice("full", choices, "tier", &place, &error), 0);
  assert_int_equal(place, 2);
  for (size_t i = 0; i < ROWS(wrong); i++) {
    char *message = sqlite3_mprintf(
        "tier must be one of none, quick, full, not \"%s\"", wrong[i]);
    int rc = pk_choice(wrong[i], choices, "tier", &place, &error);
    assert_failure(rc, &error, SQLITE_ERROR, message);
    assert_int_equal(place, 2);
    sqlite3_free(message);
  }
}

/* ---- options ---- */

typedef struct sample {
  int flag;
  sqlite3_int64 count;
  double share;
  char *word;
  int level;
  sqlite3_int64 bytes;
  double seconds;
} sample;

static const pk_option known[] = {
    {"flag", PK_BOOLEAN, offsetof(sample, flag), .summary = ""},
    {"count", PK_INTEGER, offsetof(sample, count), 1, 10, .summary = ""},
    {"share", PK_REAL, offsetof(sample, share), 0, 1, .summary = ""},
    {"word", PK_TEXT, offsetof(sample, word), .summary = ""},
    {"level", PK_CHOICE, offsetof(sample, level), .choices = "none quick full",
     .summary = ""},
    {"bytes", PK_INTEGER, offsetof(sample, bytes), .summary = ""},
    {"seconds", PK_REAL, offsetof(sample, seconds), .summary = ""},
    {0}};

/* Reads options given as an SQL expression. */
static int read_options(const char *expression, sample *into, pk_error *error) {
  char *sql = sqlite3_mprintf("SELECT %s", expression);
  sqlite3_value *json = value_of(sql);
  int rc = pk_options_read(db, json, known, into, error);
  sqlite3_value_free(json);
  sqlite3_free(sql);
  return rc;
}

static void test_options_of_every_type(void **state) {
  sample chosen = {.word = sqlite3_mprintf("default")};
  pk_error error = PK_NO_ERROR;
  (void)state;
  int rc = read_options(
      "'{\"flag\":true, \"count\":10, \"share\":0.25, \"word\":\"Zo\\u00eb\", "
      "\"level\":\"full\", \"bytes\":1099511627776, \"seconds\":2}'",
      &chosen, &error);
  assert_failure(rc, &error, SQLITE_OK, NULL);
  assert_int_equal(chosen.flag, 1);
  assert_int_equal(chosen.count, 10);
  assert_true(chosen.share == 0.25);
  assert_string_equal(chosen.word, "Zoë");
  assert_int_equal(chosen.level, 2);
  assert_int_equal(chosen.bytes, 1099511627776);
  assert_true(chosen.seconds == 2.0);
  pk_options_free(known, &chosen);
  assert_null(chosen.word);
}

static void test_options_left_out(void **state) {
  sample chosen = {.flag = 1, .count = 5, .share = 0.5, .level = 1};
  pk_error error = PK_NO_ERROR;
  (void)state;
  assert_int_equal(pk_options_read(db, NULL, known, &chosen, &error), 0);
  assert_int_equal(read_options("'{}'", &chosen, &error), SQLITE_OK);
  assert_int_equal(read_options("' {\"flag\":false} '", &chosen, &error), 0);
  assert_int_equal(chosen.flag, 0);
  assert_int_equal(chosen.count, 5);
  assert_true(chosen.share == 0.5);
  assert_null(chosen.word);
  assert_int_equal(chosen.level, 1);
}

#define MUST_BE "options must be a JSON object such as {\"name\":value}"

static void test_options_refused(void **state) {
  static const struct {
    const char *json;
    int code;
    const char *message;
  } cases[] = {
      {"7", SQLITE_MISMATCH, MUST_BE},
      {"x'7b7d'", SQLITE_MISMATCH, MUST_BE},
      {"''", SQLITE_MISMATCH, MUST_BE ", not "},
      {"'[]'", SQLITE_MISMATCH, MUST_BE ", not []"},
      {"'\"flag\"'", SQLITE_MISMATCH, MUST_BE ", not \"flag\""},
      {"'{\"flag\":'", SQLITE_MISMATCH, MUST_BE ", not {\"flag\":"},
      {"'{\"Flag\":true}'", SQLITE_ERROR,
       "unknown option \"Flag\"; known are "
       "flag, count, share, word, level, bytes, seconds"},
      {"'{\"flag\":true,\"flag\":true}'", SQLITE_ERROR,
       "option \"flag\" is given twice"},
      {"'{\"flag\":1}'", SQLITE_MISMATCH,
       "option \"flag\" must be true or false"},
      {"'{\"flag\":null}'", SQLITE_MISMATCH,
       "option \"flag\" must be true or false"},
      {"'{\"count\":1.5}'", SQLITE_MISMATCH,
       "option \"count\" must be a whole number"},
      {"'{\"count\":\"1\"}'", SQLITE_MISMATCH,
       "option \"count\" must be a whole number"},
      {"'{\"count\":true}'", SQLITE_MISMATCH,
       "option \"count\" must be a whole number"},
      {"'{\"count\":0}'", SQLITE_RANGE,
       "option \"count\" must be from 1 to 10"},
      {"'{\"count\":11}'", SQLITE_RANGE,
       "option \"count\" must be from 1 to 10"},
      {"'{\"share\":1.01}'", SQLITE_RANGE,
       "option \"share\" must be from 0 to 1"},
      {"'{\"share\":\"all\"}'", SQLITE_MISMATCH,
       "option \"share\" must be a number"},
      {"'{\"share\":[1]}'", SQLITE_MISMATCH,
       "option \"share\" must be a number"},
      {"'{\"bytes\":-1}'", SQLITE_RANGE,
       "option \"bytes\" must not be negative"},
      {"'{\"bytes\":9223372036854775808}'", SQLITE_RANGE,
       "option \"bytes\" is too large"},
      {"'{\"seconds\":-0.5}'", SQLITE_RANGE,
       "option \"seconds\" must not be negative"},
      {"'{\"seconds\":1e999}'", SQLITE_RANGE,
       "option \"seconds\" is too large"},
      {"'{\"word\":7}'", SQLITE_MISMATCH, "option \"word\" must be a text"},
      {"'{\"word\":null}'", SQLITE_MISMATCH, "option \"word\" must be a text"},
      {"'{\"word\":{}}'", SQLITE_MISMATCH, "option \"word\" must be a text"},
      {"'{\"word\":\"\"}'", SQLITE_MISMATCH, "option \"word\" is empty"},
      {"'{\"level\":\"half\"}'", SQLITE_ERROR,
       "option \"level\" must be one of none, quick, full, not \"half\""},
      {"'{\"level\":1}'", SQLITE_MISMATCH, "option \"level\" must be a text"},
  };
  (void)state;
  for (size_t i = 0; i < ROWS(cases); i++) {
    sample chosen = {0};
    pk_error error = PK_NO_ERROR;
    int rc = read_options(cases[i].json, &chosen, &error);
    assert_failure(rc, &error, cases[i].code, cases[i].message);
    pk_options_free(known, &chosen);
  }
}

/* ---- json ---- */

static void assert_json(pk_json *json, const char *expected) {
  char *text = pk_json_finish(json);
  assert_string_equal(text, expected);
  sqlite3_free(text);
}

static void test_json_values(void **state) {
  pk_json json;
  (void)state;
  pk_json_begin(&json);
  pk_json_text(&json, "text", "Zoë");
  pk_json_text(&json, "none", NULL);
  pk_json_int64(&json, "least", INT64_MIN);
  pk_json_double(&json, "tenth", 0.1);
  pk_json_double(&json, "large", 1e300);
  pk_json_double(&json, "nan", NAN);
  pk_json_double(&json, "infinite", -INFINITY);
  pk_json_bool(&json, "yes", true);
  pk_json_bool(&json, "no", false);
  pk_json_null(&json, "nothing");
  assert_json(&json,
              "{\"text\":\"Zoë\",\"none\":null,"
              "\"least\":-9223372036854775808,\"tenth\":0.1,"
              "\"large\":1.0e+300,\"nan\":null,\"infinite\":null,"
              "\"yes\":true,\"no\":false,\"nothing\":null}");
}

static void test_json_escapes(void **state) {
  pk_json json;
  (void)state;
  pk_json_begin(&json);
  pk_json_text(&json, "a \"key\"", "C:\\path \"x\"\n\t\x01\x1f/\x7f");
  assert_json(&json,
              "{\"a \\\"key\\\"\":\"C:\\\\path \\\"x\\\"\\u000a\\u0009\\u0001"
              "\\u001f/\x7f\"}");
}

static void test_json_nesting(void **state) {
  pk_json json;
  (void)state;
  pk_json_begin(&json);
  pk_json_array(&json, "empty");
  pk_json_end(&json);
  pk_json_array(&json, "rows");
  pk_json_object(&json, NULL);
  pk_json_int64(&json, "id", 1);
  pk_json_end(&json);
  pk_json_object(&json, NULL);
  pk_json_end(&json);
  pk_json_int64(&json, NULL, 2);
  pk_json_end(&json);
  pk_json_object(&json, "open");
  pk_json_array(&json, "still");
  assert_json(&json,
              "{\"empty\":[],\"rows\":[{\"id\":1},{},2],"
              "\"open\":{\"still\":[]}}");
}

static void test_json_deepest(void **state) {
  pk_json json;
  (void)state;
  pk_json_begin(&json);
  for (int i = 1; i < PK_JSON_DEEPEST; i++) pk_json_object(&json, "x");
  char *text = pk_json_finish(&json);
  char *sql = sqlite3_mprintf("SELECT json_valid(%Q)", text);
  assert_answer(sql, "1\n");
  sqlite3_free(sql);
  sqlite3_free(text);
}

/* ---- errors ---- */

static void test_first_failure_is_kept(void **state) {
  pk_error error = PK_NO_ERROR;
  (void)state;
  assert_int_equal(pk_fail(&error, SQLITE_FULL, "disk %d", 1), SQLITE_FULL);
  assert_int_equal(pk_fail(&error, SQLITE_IOERR, "disk %d", 2), SQLITE_FULL);
  assert_int_equal(pk_fail_memory(&error), SQLITE_FULL);
  assert_failure(error.code, &error, SQLITE_FULL, "disk 1");
  assert_int_equal(error.code, SQLITE_OK);
  pk_error_clear(&error);
}

static void test_causes(void **state) {
  pk_error error = PK_NO_ERROR;
  (void)state;
  sqlite3_exec(db, "SELECT * FROM missing", NULL, NULL, NULL);
  int rc = pk_fail_db(&error, db, "cannot read %s", "it");
  assert_failure(rc, &error, SQLITE_ERROR,
                 "cannot read it: no such table: missing");
  sqlite3_exec(db, "SELECT 1", NULL, NULL, NULL);
  rc = pk_fail_db(&error, db, "cannot");
  assert_failure(rc, &error, SQLITE_ERROR, "cannot: not an error");
  errno = ENOENT;
  rc = pk_fail_errno(&error, SQLITE_CANTOPEN, "cannot open %s", "100%");
  assert_failure(rc, &error, SQLITE_CANTOPEN,
                 "cannot open 100%: No such file or directory");
}

static void test_error_message(void **state) {
  pk_error error = PK_NO_ERROR;
  (void)state;
  assert_null(pk_error_message(&error, "f"));
  pk_fail(&error, SQLITE_ERROR, "too late");
  char *message = pk_error_message(&error, "f");
  assert_string_equal(message, "f: too late");
  sqlite3_free(message);
  pk_error_clear(&error);
}

static void test_error_code(void **state) {
  (void)state;
  assert_int_equal(pk_error_code(SQLITE_IOERR_WRITE), SQLITE_ERROR);
  assert_int_equal(pk_error_code(SQLITE_FULL), SQLITE_ERROR);
  assert_int_equal(pk_error_code(SQLITE_SCHEMA), SQLITE_ERROR);
  assert_int_equal(pk_error_code(SQLITE_CORRUPT), SQLITE_CORRUPT_VTAB);
  assert_int_equal(pk_error_code(SQLITE_CANTOPEN), SQLITE_CANTOPEN);
  assert_int_equal(pk_error_code(SQLITE_NOMEM), SQLITE_NOMEM);
  assert_int_equal(pk_error_code(SQLITE_INTERRUPT), SQLITE_INTERRUPT);
}

/* ---- functions and tables ---- */

static int join(sqlite3_context *context, sqlite3_value **arguments,
                pk_error *error) {
  const char *first, *second = "-";
  int rc = pk_text_argument(arguments[0], "first", &first, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "second", &second, error);
  if (rc != SQLITE_OK) return rc;
  char *text = sqlite3_mprintf("%s+%s", first, second);
  sqlite3_result_text(context, text, -1, sqlite3_free);
  return SQLITE_OK;
}

static int disk_full(sqlite3_context *context, sqlite3_value **arguments,
                     pk_error *error) {
  (void)context, (void)arguments;
  return pk_fail(error, SQLITE_FULL, "cannot write /backups/app.db");
}

/* As many rows as were asked for: its number, half of it, and the word. */
static int numbers(pk_rows *rows, sqlite3 *connection,
                   sqlite3_value **arguments, pk_error *error) {
  const char *word = "none";
  int rc = pk_optional_text(arguments[1], "word", &word, error);
  if (rc != SQLITE_OK) return rc;
  (void)connection;
  for (int i = 1; i <= sqlite3_value_int(arguments[0]); i++) {
    pk_row(rows);
    pk_row_format(rows, "row %d", i);
    pk_row_int64(rows, i);
    pk_row_double(rows, i / 2.0);
    pk_row_text(rows, word);
  }
  return SQLITE_OK;
}

/* One row with a column left unfilled, or a failure after it. */
static int partial(pk_rows *rows, sqlite3 *connection,
                   sqlite3_value **arguments, pk_error *error) {
  (void)connection;
  pk_row(rows);
  pk_row_null(rows);
  pk_row_text(rows, NULL);
  if (!arguments[0]) return SQLITE_OK;
  return pk_fail(error, SQLITE_IOERR_READ, "page 7 cannot be read");
}

static const pk_function functions[] = {{.name = "t_join",
                                         .arguments = "first, second",
                                         .required = 1,
                                         .flags = SQLITE_INNOCUOUS,
                                         .call = join},
                                        {.name = "t_full",
                                         .arguments = "",
                                         .flags = SQLITE_DIRECTONLY,
                                         .call = disk_full},
                                        {.name = "t_later",
                                         .arguments = "",
                                         .least_sqlite = 999999999,
                                         .call = disk_full},
                                        {0}};

static const pk_table tables[] = {
    {.name = "t_numbers",
     .columns = "name TEXT, number INTEGER, half REAL, word_given TEXT",
     .arguments = "top, word",
     .required = 1,
     .flags = SQLITE_INNOCUOUS,
     .produce = numbers},
    {.name = "t_partial",
     .columns = "a TEXT, b TEXT, c TEXT",
     .arguments = "broken",
     .flags = SQLITE_DIRECTONLY,
     .produce = partial},
    {.name = "t_later",
     .columns = "a TEXT",
     .arguments = "",
     .least_sqlite = 999999999,
     .produce = partial},
    {0}};

static const pk_feature feature = {"unit", functions, tables};

static int open_with_feature(void **state) {
  int rc = open_database(state);
  return rc == SQLITE_OK ? pk_feature_register(db, &feature) : rc;
}

static void test_function_arguments(void **state) {
  (void)state;
  assert_answer("SELECT t_join('a'), t_join('a', NULL), t_join('a', 'b')",
                "a+-|a+-|a+b\n");
  static const char missing[] =
      "t_join: an argument is missing or NULL: t_join(first [, second])";
  assert_answer("SELECT t_join()", missing);
  assert_answer("SELECT t_join(NULL, 'b')", missing);
  assert_answer("SELECT t_join('a', 'b', 'c')",
                "t_join: too many arguments: 3");
  assert_answer("SELECT t_join('a', 7)", "t_join: second must be a text");
  assert_answer("SELECT t_later()", "no such function: t_later");
}

/* A full disk elsewhere must not roll back the user's transaction. */
static void test_failure_keeps_the_transaction(void **state) {
  (void)state;
  assert_answer("BEGIN", "");
  assert_answer("CREATE TABLE kept(a)", "");
  assert_answer("INSERT INTO kept SELECT t_full()",
                "t_full: cannot write /backups/app.db");
  assert_int_equal(sqlite3_errcode(db), SQLITE_ERROR);
  assert_int_equal(sqlite3_get_autocommit(db), 0);
  assert_answer("COMMIT", "");
  assert_answer("SELECT count(*) FROM kept", "0\n");
}

static void test_direct_only(void **state) {
  (void)state;
  assert_answer("CREATE VIEW v AS SELECT t_full()", "");
  assert_answer("SELECT * FROM v", "unsafe use of t_full()");
  assert_answer("CREATE VIEW w AS SELECT * FROM t_partial", "");
  assert_answer("SELECT * FROM w", "unsafe use of virtual table \"t_partial\"");
  assert_answer("CREATE VIEW x AS SELECT number FROM t_numbers(2)", "");
  assert_answer("SELECT * FROM x", "1\n2\n");
}

static void test_table_parameters(void **state) {
  (void)state;
  static const char both[] = "row 1|1|0.5|x\nrow 2|2|1.0|x\n";
  assert_answer("SELECT * FROM t_numbers(2, 'x')", both);
  assert_answer("SELECT * FROM t_numbers WHERE word = 'x' AND top = 2", both);
  assert_answer("SELECT * FROM t_numbers(2) WHERE 'x' = word", both);
  assert_answer("SELECT rowid, top, word, word_given FROM t_numbers(1, 'x')",
                "1|1|x|x\n");
  assert_answer("SELECT word_given, word FROM t_numbers(1, NULL)",
                "none|NULL\n");
  assert_answer("SELECT count(*) FROM t_numbers(0)", "0\n");
  assert_answer("SELECT number FROM t_numbers(3) ORDER BY number DESC LIMIT 2",
                "3\n2\n");
}

static void test_table_parameters_refused(void **state) {
  (void)state;
  static const char missing[] =
      "t_numbers: an argument is missing or NULL: t_numbers(top [, word])";
  assert_answer("SELECT * FROM t_numbers", missing);
  assert_answer("SELECT * FROM t_numbers(NULL)", missing);
  assert_answer("SELECT * FROM t_numbers WHERE top > 2", missing);
  assert_answer("SELECT * FROM t_numbers(1, 7)",
                "t_numbers: word must be a text");
  assert_answer("SELECT * FROM t_numbers(1, 'x', 'y')",
                "too many arguments on t_numbers() - max 2");
}

/* Of two values for one parameter the table gets one; SQLite compares it with
** the other. */
static void test_table_parameter_given_twice(void **state) {
  (void)state;
  assert_answer("SELECT number FROM t_numbers(2) WHERE top = 2", "1\n2\n");
  assert_answer("SELECT number FROM t_numbers(2) WHERE top = 3", "");
}

static void test_table_in_joins(void **state) {
  (void)state;
  static const char each[] = "1|1\n2|1\n2|2\n";
  assert_answer("CREATE TABLE tops(top)", "");
  assert_answer("INSERT INTO tops VALUES(1), (2)", "");
  assert_answer("SELECT t.top, n.number FROM tops t, t_numbers(t.top) n", each);
  assert_answer(
      "SELECT t.top, number FROM t_numbers n JOIN tops t "
      "ON n.top = t.top ORDER BY 1, 2",
      each);
  assert_answer("SELECT a.number, b.number FROM t_numbers(2) a, t_numbers(2) b",
                "1|1\n1|2\n2|1\n2|2\n");
  assert_answer(
      "SELECT number FROM t_numbers WHERE top IN (1, 2) "
      "ORDER BY top, number",
      "1\n1\n2\n");
  /* each would need the other's rows first */
  assert_answer(
      "SELECT * FROM t_numbers a, t_numbers b "
      "WHERE a.top = b.number AND b.top = a.number",
      "no query solution");
}

static void test_table_rows(void **state) {
  (void)state;
  assert_answer("SELECT *, broken FROM t_partial", "NULL|NULL|NULL|NULL\n");
  assert_answer("SELECT * FROM t_partial(1)",
                "t_partial: page 7 cannot be read");
  assert_int_equal(sqlite3_errcode(db), SQLITE_ERROR);
  assert_answer("SELECT * FROM t_later", "no such table: t_later");
  assert_answer("SELECT count(*), max(number) FROM t_numbers(1000)",
                "1000|1000\n");
}

static void test_table_is_read_only(void **state) {
  (void)state;
  assert_answer("DELETE FROM t_partial", "table t_partial may not be modified");
  assert_answer("CREATE VIRTUAL TABLE mine USING t_partial",
                "no such module: t_partial");
}

/* The rows belong to the cursor: half-read ones are freed with it. */
static void test_table_scan_given_up(void **state) {
  sqlite3_stmt *statement;
  (void)state;
  sqlite3_prepare_v2(db, "SELECT * FROM t_numbers(100)", -1, &statement, NULL);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_int_equal(sqlite3_reset(statement), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

/* ---- asking in SQL ---- */

static void test_queries(void **state) {
  pk_error error = PK_NO_ERROR;
  sqlite3_int64 number = 7;
  char *text;
  (void)state;
  assert_int_equal(pk_query_int64(db, &number, &error, "SELECT 1 WHERE 0"), 0);
  assert_int_equal(number, 7);
  assert_int_equal(pk_query_int64(db, &number, &error, "SELECT %d", 9), 0);
  assert_int_equal(number, 9);
  assert_int_equal(pk_query_text(db, &text, &error, "SELECT NULL"), 0);
  assert_null(text);
  assert_int_equal(pk_query_text(db, &text, &error, "SELECT %Q", "it's"), 0);
  assert_string_equal(text, "it's");
  sqlite3_free(text);
  int rc = pk_run(db, &error, "SELECT * FROM \"%w\"", "no\"where");
  assert_failure(rc, &error, SQLITE_ERROR, "no such table: no\"where");
}

static void test_schema_file(void **state) {
  pk_error error = PK_NO_ERROR;
  const char *file;
  (void)state;
  assert_int_equal(pk_schema_file(db, "main", &file, &error), SQLITE_OK);
  assert_string_equal(file, "");
  assert_answer("ATTACH '' AS \"Zoë's\"", "");
  assert_int_equal(pk_schema_file(db, "Zoë's", &file, &error), SQLITE_OK);
  int rc = pk_schema_file(db, "aux", &file, &error);
  assert_failure(rc, &error, SQLITE_ERROR,
                 "there is no schema \"aux\" on this connection; there are: "
                 "main, Zoë's");
}

#define UNIT(test, setup) \
  cmocka_unit_test_setup_teardown(test, setup, close_database)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_argument_count),
      cmocka_unit_test(test_signature),
      UNIT(test_text_argument, open_database),
      UNIT(test_optional_text, open_database),
      cmocka_unit_test(test_choice),
      UNIT(test_options_of_every_type, open_database),
      UNIT(test_options_left_out, open_database),
      UNIT(test_options_refused, open_database),
      cmocka_unit_test(test_json_values),
      cmocka_unit_test(test_json_escapes),
      cmocka_unit_test(test_json_nesting),
      UNIT(test_json_deepest, open_database),
      cmocka_unit_test(test_first_failure_is_kept),
      UNIT(test_causes, open_database),
      cmocka_unit_test(test_error_message),
      cmocka_unit_test(test_error_code),
      UNIT(test_function_arguments, open_with_feature),
      UNIT(test_failure_keeps_the_transaction, open_with_feature),
      UNIT(test_direct_only, open_with_feature),
      UNIT(test_table_parameters, open_with_feature),
      UNIT(test_table_parameters_refused, open_with_feature),
      UNIT(test_table_parameter_given_twice, open_with_feature),
      UNIT(test_table_in_joins, open_with_feature),
      UNIT(test_table_rows, open_with_feature),
      UNIT(test_table_is_read_only, open_with_feature),
      UNIT(test_table_scan_given_up, open_with_feature),
      UNIT(test_queries, open_database),
      UNIT(test_schema_file, open_database),
  };
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
