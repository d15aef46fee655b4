/*
** writing.c: what a statement that writes reads.
**
** It is never run. What an index is worth to it is measured on the query that
** finds its rows:
**
**     DELETE FROM t WHERE a = ?           SELECT * FROM t WHERE a = ?
**     UPDATE t SET b = ? WHERE a = ?      SELECT * FROM t WHERE a = ?
**     INSERT INTO t SELECT ... FROM u     SELECT ... FROM u
**
** and on those of the triggers of its table, which are statements like any
** other once NEW.x and OLD.x are parameters. Which of the triggers a statement
** fires is not worked out: all of them are looked at.
*/
#include <string.h>

#include "../base/sql.h"
#include "../base/token.h"
#include "workload.h"

/* The first of these words outside of parentheses, from `sql` on; NULL for
** none. */
static const char *find_word(const char *sql, const char *const *words) {
  pk_token token;
  int depth = 0;
  while ((sql = pk_token_next(sql, &token))) {
    depth += pk_token_is(&token, "(") - pk_token_is(&token, ")");
    for (int i = 0; depth == 0 && words[i]; i++)
      if (pk_token_is(&token, words[i])) return token.text;
  }
  return NULL;
}

/* What comes after the rows have been found: RETURNING, or ON CONFLICT. */
static const char *end_of_search(const char *sql) {
  pk_token token;
  const char *on = NULL;
  for (const char *rest = sql; (rest = pk_token_next(rest, &token));) {
    if (pk_token_is(&token, "RETURNING")) return token.text;
    if (on && pk_token_is(&token, "CONFLICT")) return on;
    on = pk_token_is(&token, "ON") ? token.text : NULL;
  }
  return sql + strlen(sql);
}

static char *search_of_delete(const char *sql) {
  static const char *const from[] = {"FROM", NULL};
  const char *table = find_word(sql, from);
  if (!table) return NULL;
  return sqlite3_mprintf("SELECT * %.*s", (int)(end_of_search(table) - table),
                         table);
}

/* UPDATE OR REPLACE t AS x SET ... WHERE ...; one with FROM is passed over. */
static char *search_of_update(const char *sql) {
  static const char *const set[] = {"SET", NULL};
  static const char *const next[] = {"WHERE", "FROM", "RETURNING", NULL};
  pk_token token;
  const char *end = find_word(sql, set);
  const char *name = pk_token_next(sql, &token);
  if (!end || !name) return NULL;
  const char *after = pk_token_next(name, &token);
  if (pk_token_is(&token, "OR")) {
    name = pk_token_next(after, &token);
    if (!name) return NULL;
  }
  const char *where = find_word(end, next);
  if (where && (*where | 0x20) == 'f') return NULL;
  if (!where || (*where | 0x20) == 'r') where = "";
  return sqlite3_mprintf("SELECT * FROM %.*s %.*s", (int)(end - name), name,
                         (int)(end_of_search(where) - where), where);
}

static char *search_of_insert(const char *sql) {
  static const char *const query[] = {"SELECT", NULL};
  const char *select = find_word(sql, query);
  if (!select) return NULL;
  return sqlite3_mprintf("%.*s", (int)(end_of_search(select) - select), select);
}

char *pk_search_of(const char *sql) {
  pk_token token;
  if (!pk_token_next(sql, &token)) return NULL;
  if (pk_token_is(&token, "DELETE")) return search_of_delete(sql);
  if (pk_token_is(&token, "UPDATE")) return search_of_update(sql);
  if (pk_token_is(&token, "INSERT") || pk_token_is(&token, "REPLACE"))
    return search_of_insert(sql);
  return NULL; /* WITH before it: what it names would be lost */
}

/* ---- triggers ---- */

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
