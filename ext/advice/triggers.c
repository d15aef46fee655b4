/*
** triggers.c: what the triggers of a table do, as statements of their own.
**
** A virtual table has no triggers, so the planner is asked about the statements
** between BEGIN and END one by one. Which of a table's triggers a statement
** fires is not worked out: all of them are looked at.
*/
#include <string.h>

#include "../base/sql.h"
#include "../base/token.h"
#include "gather.h"

/* NEW.x and OLD.x are values that are given, like parameters. */
static bool is_row_reference(const pk_token *token, const char *rest) {
  pk_token dot, column;
  if (!pk_token_is(token, "NEW") && !pk_token_is(token, "OLD")) return false;
  rest = pk_token_next(rest, &dot);
  return rest && pk_token_is(&dot, ".") && pk_token_next(rest, &column);
}

static const char *behind_row_reference(const char *rest) {
  pk_token token;
  rest = pk_token_next(rest, &token);
  return pk_token_next(rest, &token);
}

/* Appends the body of a CREATE TRIGGER, a line for each statement. */
static void append_body(sqlite3_str *lines, const char *sql) {
  pk_token token;
  bool in_body = false;
  int cases = 0;
  for (const char *rest = sql; (rest = pk_token_next(rest, &token));) {
    if (!in_body) {
      in_body = pk_token_is(&token, "BEGIN");
      continue;
    }
    if (pk_token_is(&token, "CASE")) cases++;
    if (pk_token_is(&token, "END") && cases-- == 0) return;
    if (pk_token_is(&token, ";")) {
      sqlite3_str_appendchar(lines, 1, '\n');
    } else if (is_row_reference(&token, rest)) {
      rest = behind_row_reference(rest);
      sqlite3_str_appendall(lines, "? ");
    } else {
      sqlite3_str_appendf(lines, "%.*s ", (int)token.bytes, token.text);
    }
  }
}

/* The table of INSERT INTO t, UPDATE t, DELETE FROM t: the first name that is
** one. */
static const pk_copied_table *written_table(const pk_what_if *copy,
                                            const char *sql) {
  pk_token token;
  while ((sql = pk_token_next(sql, &token)))
    for (int i = 0; i < copy->table_count; i++)
      if (pk_token_names(&token, copy->tables[i].name)) return &copy->tables[i];
  return NULL;
}

int pk_triggered_statements(const pk_what_if *copy, const char *sql,
                            char **statements, pk_error *error) {
  sqlite3_stmt *trigger;
  const pk_copied_table *table = written_table(copy, sql);
  *statements = NULL;
  if (!table) return SQLITE_OK;
  int rc = pk_prepare(copy->db, &trigger, error,
                      "SELECT sql FROM sqlite_schema WHERE type = 'trigger' "
                      "AND tbl_name = %Q",
                      table->name);
  if (rc != SQLITE_OK) return rc;
  sqlite3_str *lines = sqlite3_str_new(NULL);
  while ((rc = pk_step(trigger, error)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(trigger, 0);
    if (text) append_body(lines, text);
  }
  sqlite3_finalize(trigger);
  if (sqlite3_str_errcode(lines) != SQLITE_OK) rc = pk_fail_memory(error);
  *statements = sqlite3_str_finish(lines);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
