/*
** writing.c: what a statement that writes reads.
**
** It is never run. What an index is worth to it is measured on the query that
** finds its rows:
**
**     DELETE FROM t WHERE a = ?           SELECT * FROM t WHERE a = ?
**     UPDATE t SET b = ? WHERE a = ?      SELECT * FROM t WHERE a = ?
**     UPDATE t SET b = u.b FROM u         SELECT * FROM t, u WHERE u.a = t.a
**       WHERE u.a = t.a
**     INSERT INTO t SELECT ... FROM u     SELECT ... FROM u
**     INSERT INTO t VALUES ((SELECT ...)) VALUES ((SELECT ...))
**     WITH w AS (...) DELETE FROM t       WITH w AS (...) SELECT * FROM t
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
** none. The FROM of IS DISTINCT FROM is another word. */
static const char *find_word(const char *sql, const char *const *words) {
  pk_token token;
  int depth = 0;
  bool distinct = false;
  while ((sql = pk_token_next(sql, &token))) {
    depth += pk_token_is(&token, "(") - pk_token_is(&token, ")");
    for (int i = 0; depth == 0 && !distinct && words[i]; i++)
      if (pk_token_is(&token, words[i])) return token.text;
    distinct = pk_token_is(&token, "DISTINCT");
  }
  return NULL;
}

static bool is_at(const char *sql, const char *word) {
  pk_token token;
  return pk_token_next(sql, &token) && pk_token_is(&token, word);
}

/* DELETE, UPDATE, INSERT or REPLACE, behind the WITH that may come first. */
static const char *verb_of(const char *sql) {
  static const char *const verbs[] = {"DELETE", "UPDATE", "INSERT", "REPLACE",
                                      NULL};
  return find_word(sql, verbs);
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

static void append_part(sqlite3_str *search, const char *begin,
                        const char *end) {
  sqlite3_str_append(search, begin, (int)(end - begin));
}

static void search_of_delete(sqlite3_str *search, const char *sql) {
  static const char *const from[] = {"FROM", NULL};
  const char *table = find_word(sql, from);
  if (!table) return;
  sqlite3_str_appendall(search, "SELECT * ");
  append_part(search, table, end_of_search(table));
}

/* What follows a word, where that comes next. */
static const char *behind(const char *sql, const char *word) {
  pk_token token;
  const char *rest = pk_token_next(sql, &token);
  return rest && pk_token_is(&token, word) ? rest : NULL;
}

/* From the name on in INSERT OR IGNORE INTO t, UPDATE OR REPLACE t AS x SET ...,
** DELETE FROM t; NULL where the statement ends before. */
static const char *written_name(const char *sql) {
  pk_token token;
  const char *name = pk_token_next(sql, &token);
  const char *conflict = name ? behind(name, "OR") : NULL;
  if (conflict) name = pk_token_next(conflict, &token);
  const char *into = name ? behind(name, "INTO") : NULL;
  const char *from = name ? behind(name, "FROM") : NULL;
  return into ? into : from ? from : name;
}

/* The tables behind FROM, beside the one that is updated. SQLite too takes
** several of them as one join of their own (update.c, parse.y). */
static void append_others(sqlite3_str *search, const char *begin,
                          const char *end) {
  static const char *const join[] = {",", "JOIN", NULL};
  const char *more = find_word(begin, join);
  bool several = more && more < end;
  sqlite3_str_appendall(search, several ? ", (" : ", ");
  append_part(search, begin, end);
  sqlite3_str_appendall(search, several ? ") " : " ");
}

static void search_of_update(sqlite3_str *search, const char *sql) {
  static const char *const set[] = {"SET", NULL};
  static const char *const next[] = {"FROM",  "WHERE", "RETURNING",
                                     "ORDER", "LIMIT", NULL};
  const char *name = written_name(sql);
  const char *assignments = name ? find_word(name, set) : NULL;
  if (!assignments) return;
  const char *end = end_of_search(assignments);
  const char *rest = find_word(assignments, next);
  if (!rest || rest > end) rest = end;
  sqlite3_str_appendall(search, "SELECT * FROM ");
  append_part(search, name, assignments);
  if (is_at(rest, "FROM")) {
    const char *others = rest + strlen("FROM");
    rest = find_word(others, next);
    if (!rest || rest > end) rest = end;
    append_others(search, others, rest);
  }
  append_part(search, rest, end);
}

static void search_of_insert(sqlite3_str *search, const char *sql) {
  static const char *const words[] = {"WITH", "SELECT", "VALUES", NULL};
  const char *query = find_word(sql, words);
  if (query && pk_token_mentions(query, "SELECT"))
    append_part(search, query, end_of_search(query));
}

int pk_search_of(const char *sql, char **query, pk_error *error) {
  const char *verb = verb_of(sql);
  *query = NULL;
  if (!verb) return SQLITE_OK;
  sqlite3_str *search = sqlite3_str_new(NULL);
  append_part(search, sql, verb);
  int with = sqlite3_str_length(search);
  if (is_at(verb, "DELETE"))
    search_of_delete(search, verb);
  else if (is_at(verb, "UPDATE"))
    search_of_update(search, verb);
  else
    search_of_insert(search, verb);
  bool found = sqlite3_str_length(search) > with;
  int rc = pk_finish_text(search, query, error);
  if (found) return rc;
  sqlite3_free(*query);
  *query = NULL;
  return rc;
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

/* Appends the body of a CREATE TRIGGER. */
static void append_body(sqlite3_str *body, const char *sql) {
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
    if (is_row_reference(&token, rest)) {
      rest = behind_row_reference(rest);
      sqlite3_str_appendall(body, "? ");
    } else {
      sqlite3_str_appendf(body, "%.*s ", (int)token.bytes, token.text);
    }
  }
}

const pk_copied_table *pk_written_table(const pk_what_if *copy,
                                        const char *sql) {
  pk_token name;
  const char *verb = verb_of(sql);
  const char *rest = verb ? written_name(verb) : NULL;
  if (rest) rest = pk_token_next(rest, &name);
  const char *in_schema = rest ? behind(rest, ".") : NULL;
  if (in_schema) rest = pk_token_next(in_schema, &name);
  for (int i = 0; rest && i < copy->table_count; i++)
    if (pk_token_names(&name, copy->tables[i].name)) return &copy->tables[i];
  return NULL;
}

int pk_triggered_statements(const pk_what_if *copy,
                            const pk_copied_table *table, char **statements,
                            pk_error *error) {
  sqlite3_stmt *trigger;
  *statements = NULL;
  int rc = pk_prepare(copy->db, &trigger, error,
                      "SELECT sql FROM sqlite_schema WHERE type = 'trigger' "
                      "AND tbl_name = %Q",
                      table->name);
  if (rc != SQLITE_OK) return rc;
  sqlite3_str *bodies = sqlite3_str_new(NULL);
  while ((rc = pk_step(trigger, error)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(trigger, 0);
    if (text) append_body(bodies, text);
  }
  sqlite3_finalize(trigger);
  int finished = pk_finish_text(bodies, statements, error);
  return rc == SQLITE_DONE ? finished : rc;
}
