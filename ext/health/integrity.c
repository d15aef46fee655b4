/*
** integrity.c: integrity checks that take turns, within a budget of time.
**
**     SELECT * FROM prod_integrity;
**     SELECT * FROM prod_integrity('{"max_seconds":2}');
**     SELECT * FROM prod_integrity('{"full":true, "max_seconds":0}');
**     SELECT * FROM prod_integrity('{"check":false}');
**
** A check of the whole of a large database takes longer than there is time for
** in a day's work, and so is not made. This one goes on where the last call
** ended. prod_integrity amounts to
**
**     CREATE TABLE prod_integrity(
**       object TEXT,          a table with its indexes, or (whole database)
**       status TEXT,          ok, failed, unknown: it could not be checked,
**                             or not checked
**       checked_at TEXT,      when, UTC in ISO 8601; NULL: never
**       seconds REAL,         how long it took
**       message TEXT,
**       options TEXT HIDDEN);
**
** How it works: PRAGMA quick_check(table), table after table, the least
** recently checked first, until max_seconds have passed. A check is not cut
** short: one that took longer than there is time left is put off, except that
** each call makes at least one. The check of sqlite_schema takes in the
** freelist. What no check of one table sees, a page that two tables use or that
** none does, the row (whole database) is for: if all tables were checked in
** this call, and there is as much time left as they took, the database is
** checked in one pass as well. With max_seconds 0, no limit, it comes first and
** the tables are checked one by one only to say where the damage is. With
** `full`, integrity_check takes the place of quick_check; it also holds indexes
** against their tables. Neither looks at foreign keys (prod_health('full')
** does).
**
** The file is read ahead from beginning to end, for at most half of the time,
** where it is not in memory (see format/prefetch.h).
**
** A corruption that was found stays `failed`, whatever is found later, until
** the whole database passes with `full`.
**
** State: a JSON file of mode 0600 beside the database, NAME-prodkit-
** integrity.json, or the option `state`; nothing is written into the database.
** A row (state file) says where it could not be read or written. Of an
** in-memory or temporary database nothing is kept, and each call begins anew.
**
** Locking: a read transaction on main, as for every table, and on the schema
** that is checked, as long as the statement runs: meanwhile a checkpoint cannot
** copy back what is committed and, in rollback-journal mode, writers wait.
** max_seconds bounds it.
**
** Cost: a check reads every page of the table and its indexes. With `check`
** false nothing is checked, and the cost is that of listing the tables.
**
** Limits: a table that needs a collation or function that this connection lacks
** is `unknown`. A table whose name begins with a digit cannot be checked by
** itself: SQLite takes it for a number. Damage to the schema of main is an
** error of SQLite's, before any table is asked. Two calls at once: the later
** one's state stands.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/page_check.h"
#include "../base/sql.h"
#include "../format/prefetch.h"
#include "integrity_state.h"

#define STATE_SUFFIX "-prodkit-integrity.json"

#define NO_LIMIT 1e9 /* seconds */

struct integrity_options {
  double max_seconds;
  int full, check;
  char *state, *schema;
};

static const pk_option options[] = {
    {"max_seconds", PK_REAL, offsetof(struct integrity_options, max_seconds),
     .summary = "begin no further check after so long; 0: no limit (10)"},
    {"full", PK_BOOLEAN, offsetof(struct integrity_options, full),
     .summary = "integrity_check instead of quick_check (false)"},
    {"check", PK_BOOLEAN, offsetof(struct integrity_options, check),
     .summary = "false: only show what was found last (true)"},
    {"state", PK_TEXT, offsetof(struct integrity_options, state),
     .summary = "the file that remembers (NAME" STATE_SUFFIX ")"},
    {"schema", PK_TEXT, offsetof(struct integrity_options, schema),
     .summary = "the attached database to check (main)"},
    {0}};

struct survey {
  sqlite3 *db;
  struct integrity_options options;
  const char *schema;
  double began;
  pk_integrity_state state;
  bool readable; /* the tables could be listed */
};

/* ---- the state ---- */

/* Beside the database, unless the user named another; NULL for none. */
static int state_path(const struct survey *survey, char **path,
                      pk_error *error) {
  const char *file, *chosen = survey->options.state;
  *path = NULL;
  int rc = pk_schema_file(survey->db, survey->schema, &file, error);
  if (rc != SQLITE_OK) return rc;
  if (!*file && chosen)
    return pk_fail(error, SQLITE_ERROR,
                   "option \"state\": nothing is remembered of an in-memory or "
                   "temporary database");
  if (!*file) return SQLITE_OK;
  *path = chosen ? sqlite3_mprintf("%s", chosen)
                 : sqlite3_mprintf("%s" STATE_SUFFIX, file);
  return *path ? SQLITE_OK : pk_fail_memory(error);
}

static int open_state(struct survey *survey, pk_error *error) {
  bool chosen = survey->options.state != NULL;
  char *path;
  int rc = state_path(survey, &path, error);
  if (rc == SQLITE_OK)
    rc = pk_integrity_open(&survey->state, survey->db, path, chosen, error);
  if (rc == SQLITE_OK && survey->options.check)
    rc = pk_integrity_begin_file(&survey->state, chosen, error);
  sqlite3_free(path);
  return rc;
}

/* ---- the checks ---- */

static int list_tables(struct survey *survey, pk_error *error) {
  sqlite3_stmt *table;
  int rc = pk_prepare(survey->db, &table, error,
                      "SELECT 'sqlite_schema' UNION ALL "
                      "SELECT name FROM \"%w\".sqlite_schema "
                      "WHERE type = 'table' AND rootpage > 0",
                      survey->schema);
  while (rc == SQLITE_OK && (rc = pk_step(table, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(table, 0);
    rc = name ? pk_integrity_add(&survey->state, name,
                                 pk_page_check_takes(name), error)
              : pk_fail_memory(error);
  }
  sqlite3_finalize(table);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Notes how a check ended: without a problem, with one, or with a failure. Only
** one that is not about the database is a failure of ours. */
static int conclude(struct survey *survey, const char *table, double began,
                    const pk_problems *problems, pk_error *failure,
                    pk_error *error) {
  pk_integrity_result result = {.status = PK_OK,
                                .seconds = pk_seconds_since(began)};
  int rc = SQLITE_OK;
  if (pk_ends_the_call(failure->code)) {
    *error = *failure;
    return error->code;
  }
  if (failure->code != SQLITE_OK) {
    result.status = pk_is_damage(failure->code) ? PK_FAILED : PK_UNKNOWN;
    result.message = failure->message;
  } else if (problems->count > 0) {
    result.status = PK_FAILED;
    result.message = problems->first;
  }
  rc = pk_integrity_record(&survey->state, table, &result, error);
  if (rc == SQLITE_OK && !table && result.status == PK_OK)
    rc = pk_integrity_all_passed(&survey->state, survey->options.full, error);
  pk_error_clear(failure);
  return rc;
}

/* Checks one table or, for NULL, the whole database. */
static int check(struct survey *survey, const char *table, pk_error *error) {
  const char *pragma = survey->options.full ? "integrity_check" : "quick_check";
  pk_error failure = PK_NO_ERROR;
  pk_problems problems;
  double began = pk_seconds();
  pk_page_check(survey->db, survey->schema, pragma, table, &problems, &failure);
  int rc = conclude(survey, table, began, &problems, &failure, error);
  pk_problems_free(&problems);
  return rc;
}

/* Lists the tables, and so reads the schema: what fails then is a finding about
** the whole database. */
static int survey_tables(struct survey *survey, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  pk_problems none = {0, NULL};
  int rc = list_tables(survey, &failure);
  survey->readable = rc == SQLITE_OK;
  if (survey->options.check && !survey->readable)
    return conclude(survey, NULL, pk_seconds(), &none, &failure, error);
  if (pk_ends_the_call(rc)) {
    *error = failure;
    return rc;
  }
  pk_error_clear(&failure);
  return SQLITE_OK;
}

static double seconds_left(const struct survey *survey) {
  if (survey->options.max_seconds == 0) return NO_LIMIT;
  return survey->began + survey->options.max_seconds - pk_seconds();
}

/* The first one is checked whatever it takes: in the end its turn comes. */
static int check_tables(struct survey *survey, pk_error *error) {
  double left = NO_LIMIT;
  char *table;
  do {
    int rc = pk_integrity_next(&survey->state, left, &table, error);
    if (rc == SQLITE_OK && table) rc = check(survey, table, error);
    sqlite3_free(table);
    if (rc != SQLITE_OK) return rc;
    left = seconds_left(survey);
  } while (table && left > 0);
  return SQLITE_OK;
}

static int check_in_turns(struct survey *survey, pk_error *error) {
  double began = pk_seconds();
  sqlite3_int64 waiting = 1;
  int rc = check_tables(survey, error);
  double took = pk_seconds() - began;
  if (rc == SQLITE_OK)
    rc = pk_integrity_waiting(&survey->state, &waiting, error);
  if (rc == SQLITE_OK && waiting == 0 && took <= seconds_left(survey))
    rc = check(survey, NULL, error);
  return rc;
}

/* If the whole passes, no table is left to be tried. */
static int check_everything(struct survey *survey, pk_error *error) {
  int rc = check(survey, NULL, error);
  return rc == SQLITE_OK ? check_tables(survey, error) : rc;
}

static int make_checks(struct survey *survey, pk_error *error) {
  double most = survey->options.max_seconds;
  int rc = pk_prefetch(survey->db, survey->schema, most / 2, error);
  if (rc != SQLITE_OK) return rc;
  return most == 0 ? check_everything(survey, error)
                   : check_in_turns(survey, error);
}

/* What was found before an interrupt is kept. */
static int check_and_save(struct survey *survey, pk_error *error) {
  int rc = survey_tables(survey, error);
  if (rc != SQLITE_OK || !survey->options.check) return rc;
  if (survey->readable) rc = make_checks(survey, error);
  int saved = pk_integrity_save(&survey->state, error);
  return rc == SQLITE_OK ? saved : rc;
}

/* ---- the rows ---- */

#define ROWS                                                                   \
  "SELECT iif(whole, '(whole database)', name), status, checked_at, seconds,"  \
  "  CASE WHEN status = 'failed' THEN"                                         \
  "    message || ' (found ' || found_at || '; reported until the whole"       \
  " database passes with the option full)'"                                    \
  "  WHEN status <> 'not checked' THEN message"                                \
  "  WHEN whole THEN 'only this check sees pages that two tables use, or"      \
  " none; max_seconds 0 makes it'"                                             \
  "  WHEN NOT alone THEN 'SQLite takes its name for a number: only the check " \
  "of"                                                                         \
  " the whole database takes it in'"                                           \
  "  WHEN %d THEN 'max_seconds were over'"                                     \
  "  ELSE 'never checked' END "                                                \
  "FROM object WHERE whole OR present OR status = 'failed' "                   \
  "ORDER BY status = 'failed' DESC, whole, name"

static void put_state_file(pk_rows *rows, const char *trouble) {
  pk_row(rows);
  pk_row_text(rows, "(state file)");
  pk_row_text(rows, "unknown");
  pk_row_null(rows);
  pk_row_null(rows);
  pk_row_text(rows, trouble);
}

static const char *text(sqlite3_stmt *object, int column) {
  return (const char *)sqlite3_column_text(object, column);
}

static void put_object(pk_rows *rows, sqlite3_stmt *object) {
  pk_row(rows);
  pk_row_text(rows, text(object, 0));
  pk_row_text(rows, text(object, 1));
  pk_row_text(rows, text(object, 2));
  if (sqlite3_column_type(object, 3) == SQLITE_NULL)
    pk_row_null(rows);
  else
    pk_row_double(rows, sqlite3_column_double(object, 3));
  pk_row_text(rows, text(object, 4));
}

static int put_rows(pk_rows *rows, const struct survey *survey,
                    pk_error *error) {
  sqlite3_stmt *object;
  if (survey->state.trouble) put_state_file(rows, survey->state.trouble);
  int rc = pk_prepare(survey->state.store, &object, error, ROWS,
                      survey->options.check);
  while (rc == SQLITE_OK && (rc = pk_step(object, error)) == SQLITE_ROW) {
    put_object(rows, object);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(object);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int show_integrity(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                          pk_error *error) {
  struct survey survey = {.db = db,
                          .options = {.max_seconds = 10, .check = true},
                          .began = pk_seconds(),
                          .state = PK_INTEGRITY_CLOSED};
  int rc = pk_options_read(db, arguments[0], options, &survey.options, error);
  survey.schema = survey.options.schema ? survey.options.schema : "main";
  if (rc == SQLITE_OK) rc = open_state(&survey, error);
  if (rc == SQLITE_OK) rc = check_and_save(&survey, error);
  if (rc == SQLITE_OK) rc = put_rows(rows, &survey, error);
  pk_integrity_close(&survey.state);
  pk_options_free(options, &survey.options);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_integrity",
     .columns = "object TEXT, status TEXT, checked_at TEXT, seconds REAL, "
                "message TEXT",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "checks the tables in turn, least recently checked first, "
                "within a budget of time",
     .options = options,
     .produce = show_integrity},
    {0}};

const pk_feature pk_integrity = {.name = "integrity", .tables = tables};
