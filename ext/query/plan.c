/* plan.c: see plan.h. */
#include "plan.h"

#include <string.h>

#include "../base/sql.h"
#include "../base/token.h"
#include "watch.h"

/* SQLite's plans are a few levels deep; what is deeper is not indented more. */
#define DEEPEST 32

bool pk_has_plan(const char *sql) {
  static const char *const words[] = {"select",  "values", "with",  "insert",
                                      "replace", "update", "delete"};
  pk_token first = {0};
  do sql = pk_token_next(sql, &first);
  while (sql && pk_token_is(&first, ";"));
  for (size_t i = 0; sql && i < sizeof words / sizeof *words; i++)
    if (pk_token_is(&first, words[i])) return true;
  return false;
}

/* The rows come in the order of the tree: the parent of one is the last row
** above it or one of that row's ancestors. */
static int append_steps(sqlite3_str *text, sqlite3_stmt *step,
                        pk_error *error) {
  int ids[DEEPEST];
  int depth = 0, rc;
  while ((rc = pk_step(step, error)) == SQLITE_ROW) {
    int parent = sqlite3_column_int(step, 1);
    while (depth > 0 && ids[depth - 1] != parent) depth--;
    if (sqlite3_str_length(text) > 0) sqlite3_str_appendchar(text, 1, '\n');
    sqlite3_str_appendchar(text, 2 * depth, ' ');
    sqlite3_str_appendf(text, "%s", sqlite3_column_text(step, 2));
    if (depth < DEEPEST) ids[depth++] = sqlite3_column_int(step, 0);
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int append_plan(sqlite3_str *text, sqlite3 *db, const char *sql,
                       pk_error *error) {
  sqlite3_stmt *step;
  int rc = pk_prepare(db, &step, error,
                      "SELECT id, parent, detail FROM prod_explain(%Q)", sql);
  if (rc == SQLITE_OK) rc = append_steps(text, step, error);
  sqlite3_finalize(step);
  return rc;
}

/* *text is NULL where there are no steps. */
static int plan_text(sqlite3 *db, const char *sql, char **text,
                     pk_error *error) {
  pk_error reason = PK_NO_ERROR;
  sqlite3_str *lines = sqlite3_str_new(NULL);
  int rc = append_plan(lines, db, sql, &reason);
  if (rc == SQLITE_INTERRUPT) {
    pk_fail(error, rc, "%s", reason.message);
  } else if (rc == SQLITE_NOMEM || sqlite3_str_errcode(lines) != SQLITE_OK) {
    rc = pk_fail_memory(error);
  } else if (rc != SQLITE_OK) {
    sqlite3_str_reset(lines);
    sqlite3_str_appendf(lines, "(%s)", reason.message);
    rc = SQLITE_OK;
  }
  *text = sqlite3_str_finish(lines);
  pk_error_clear(&reason);
  return rc;
}

int pk_row_plan(pk_rows *rows, sqlite3 *db, const char *database_file,
                const char *sql, pk_error *error) {
  char *text = NULL;
  int rc = SQLITE_OK;
  bool here = strcmp(database_file, pk_watch_file(db)) == 0;
  if (here && pk_row_wanted(rows, "plan") && pk_has_plan(sql))
    rc = plan_text(db, sql, &text, error);
  pk_row_text(rows, text);
  sqlite3_free(text);
  return rc;
}
