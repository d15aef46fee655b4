/*
** text_candidates.c: the indexes that the text of a statement suggests.
**
** The planner does not ask a virtual table about conditions on expressions, and
** does not tell which conditions have a literal. Both are read off the text:
**
**     lower(email) = ?, substr(phone, 1, 2) IN (...)   an index on the expression
**     body ->> '$.kind' = 'x'                          the same
**     status = 'open', shipped_at IS NULL              a partial index
**
** An expression is a call or an extraction with one column in it, beside a
** comparison. What is not deterministic, or is no function at all, is refused
** by CREATE INDEX in the private copy.
*/
#include <string.h>

#include "../base/array.h"
#include "../base/sql.h"
#include "../base/token.h"
#include "gather.h"

/* A partial index is for a condition that holds for at most this share. */
#define MOST_PARTIAL_SHARE 0.1
#define SAMPLED_ROWS 10000

/* And in a column that has no more values than about so many. */
#define MOST_VALUES 10

/* An expression is no longer than so many tokens. */
#define MOST_TOKENS 20

typedef struct text {
  pk_token *tokens;
  int count;
  pk_candidates *list;
  const pk_what_if *copy;
  const pk_accesses *accesses;
} text;

static int read_tokens(text *all, const char *sql, pk_error *error) {
  pk_token token;
  while ((sql = pk_token_next(sql, &token))) {
    pk_token *tokens =
        pk_array_room(all->tokens, all->count, sizeof *all->tokens);
    if (!tokens) return pk_fail_memory(error);
    all->tokens = tokens;
    tokens[all->count++] = token;
  }
  return SQLITE_OK;
}

static bool is(const text *all, int i, const char *word) {
  return i >= 0 && i < all->count && pk_token_is(&all->tokens[i], word);
}

static bool is_any(const text *all, int i, const char *const *words) {
  for (; *words; words++)
    if (is(all, i, *words)) return true;
  return false;
}

static bool is_kind(const text *all, int i, pk_token_kind kind) {
  return i >= 0 && i < all->count && all->tokens[i].kind == kind;
}

static bool is_literal(const text *all, int i) {
  return is_kind(all, i, PK_STRING) || is_kind(all, i, PK_NUMBER);
}

static const char *const comparisons[] = {
    "=", "==", "<", "<=", ">", ">=", "IN", "BETWEEN", "LIKE", "IS", NULL};

static const char *const arrows[] = {"->", "->>", NULL};

/* ---- columns ---- */

typedef struct column {
  const pk_copied_table *table;
  int number;
} column;

/* The column of a table that the statement reads. */
static bool column_at(const text *all, int i, column *found) {
  if (!is_kind(all, i, PK_WORD) && !is_kind(all, i, PK_QUOTED)) return false;
  for (int a = 0; a < all->accesses->count; a++) {
    const pk_copied_table *table = all->accesses->items[a].table;
    for (int c = 0; c < table->column_count; c++) {
      if (!pk_token_names(&all->tokens[i], table->columns[c].name)) continue;
      *found = (column){table, c};
      return true;
    }
  }
  return false;
}

/* ---- expressions ---- */

/* The text of the tokens, without the names of tables before columns. */
static char *expression_text(const text *all, int first, int last) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  for (int i = first; i <= last; i++) {
    const pk_token *token = &all->tokens[i];
    if (is(all, i + 1, ".")) {
      i++;
      continue;
    }
    bool spaced = is_any(all, i, arrows);
    sqlite3_str_appendf(sql, spaced ? " %.*s " : "%.*s", (int)token->bytes,
                        token->text);
    if (is(all, i, ",")) sqlite3_str_appendchar(sql, 1, ' ');
  }
  return sqlite3_str_finish(sql);
}

static int propose_expression(const text *all, int first, int last,
                              const column *of, pk_error *error) {
  pk_candidate made = {.table = of->table,
                       .kind = "expression",
                       .key.width = 1,
                       .key.columns[0].column = PK_EXPRESSION,
                       .benefit = "with the index only those rows are read"};
  made.expression = expression_text(all, first, last);
  if (!made.expression) return pk_fail_memory(error);
  made.purpose = sqlite3_mprintf("to find %s", made.expression);
  return pk_candidates_add(all->list, all->copy, &made, error);
}

/* Where a call that begins at `first` ends, if it has one column in it and
** otherwise literals; -1 if not. */
static int end_of_call(const text *all, int first, column *of) {
  int columns = 0, depth = 0;
  for (int i = first + 1; i < all->count && i < first + MOST_TOKENS; i++) {
    if (is(all, i, "(")) {
      depth++;
    } else if (is(all, i, ")")) {
      if (--depth == 0) return columns == 1 ? i : -1;
    } else if (!is(all, i, ",") && !is(all, i, ".") && !is_literal(all, i) &&
               !is(all, i + 1, ".") && !is(all, i + 1, "(")) {
      if (!column_at(all, i, of) || ++columns > 1) return -1;
    }
  }
  return -1;
}

static bool is_compared(const text *all, int first, int last) {
  return is_any(all, last + 1, comparisons) ||
         is_any(all, first - 1, comparisons);
}

static int propose_calls(const text *all, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i + 1 < all->count; i++) {
    column of;
    if (!is_kind(all, i, PK_WORD) || !is(all, i + 1, "(")) continue;
    if (sqlite3_keyword_check(all->tokens[i].text, (int)all->tokens[i].bytes))
      continue;
    int last = end_of_call(all, i, &of);
    if (last > 0 && is_compared(all, i, last))
      rc = propose_expression(all, i, last, &of, error);
  }
  return rc;
}

/* body ->> '$.kind' */
static int propose_extractions(const text *all, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i + 2 < all->count; i++) {
    column of;
    int last = i;
    while (is_any(all, last + 1, arrows) && is_literal(all, last + 2))
      last += 2;
    if (last == i || !column_at(all, i, &of)) continue;
    int first = is(all, i - 1, ".") ? i - 2 : i;
    if (is_compared(all, first, last))
      rc = propose_expression(all, i, last, &of, error);
  }
  return rc;
}

/* ---- partial indexes ---- */

/* Is `i` a column with a condition that no parameter is in? Then that, in SQL;
** NULL, *out_of_memory or not, otherwise. */
static char *condition_at(const text *all, int i, const column *of) {
  const char *name = of->table->columns[of->number].name;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  if (is(all, i + 1, "=") && is_literal(all, i + 2)) {
    pk_append_identifier(sql, name);
    sqlite3_str_appendf(sql, " = %.*s", (int)all->tokens[i + 2].bytes,
                        all->tokens[i + 2].text);
  } else if (is(all, i + 1, "IS") && is(all, i + 2, "NULL")) {
    pk_append_identifier(sql, name);
    sqlite3_str_appendall(sql, " IS NULL");
  } else if (is(all, i + 1, "IS") && is(all, i + 2, "NOT") &&
             is(all, i + 3, "NULL")) {
    pk_append_identifier(sql, name);
    sqlite3_str_appendall(sql, " IS NOT NULL");
  }
  return sqlite3_str_finish(sql);
}

static int prepare_share(const text *all, const pk_copied_table *table,
                         const char *condition, const char *last_rows,
                         sqlite3_stmt **query, pk_error *error) {
  return pk_prepare(
      all->copy->original, query, error,
      "SELECT max(a, coalesce(b, 0)) FROM"
      " (SELECT avg(%s) AS a FROM (SELECT * FROM \"%w\".\"%w\" LIMIT %d)),"
      " (SELECT avg(%s) AS b FROM (SELECT * FROM \"%w\".\"%w\" %s))",
      condition, all->copy->schema, table->name, SAMPLED_ROWS, condition,
      all->copy->schema, table->name, last_rows);
}

/* The share of the rows for which a condition holds, of the first ones and of
** the last ones, which may differ, as do the jobs that are done and those that
** wait: the greater. A WITHOUT ROWID table has no last rows that are found
** without its key: its later ones stand for them. */
static int measure_share(const text *all, const pk_copied_table *table,
                         const char *condition, double *share,
                         pk_error *error) {
  sqlite3_stmt *query;
  sqlite3_int64 skipped =
      table->rows > 2 * SAMPLED_ROWS ? table->rows / 2 : SAMPLED_ROWS;
  char last[64], later[64];
  pk_error no_rowid = PK_NO_ERROR;
  sqlite3_snprintf(sizeof last, last, "ORDER BY rowid DESC LIMIT %d",
                   SAMPLED_ROWS);
  sqlite3_snprintf(sizeof later, later, "LIMIT %d OFFSET %lld", SAMPLED_ROWS,
                   skipped);
  *share = 1;
  int rc = prepare_share(all, table, condition, last, &query, &no_rowid);
  pk_error_clear(&no_rowid);
  if (rc != SQLITE_OK)
    rc = prepare_share(all, table, condition, later, &query, error);
  if (rc != SQLITE_OK) return rc;
  rc = pk_step(query, error);
  if (rc == SQLITE_ROW) *share = sqlite3_column_double(query, 0);
  sqlite3_finalize(query);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* For each way in which the table is read, under the condition. */
static int propose_partial(const text *all, const column *of,
                           const char *condition, double share,
                           pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->accesses->count; i++) {
    const pk_access *access = &all->accesses->items[i];
    if (access->table != of->table) continue;
    char *predicate = sqlite3_mprintf("%s", condition);
    rc = predicate ? pk_candidates_partial(all->list, all->copy, access,
                                           of->number, predicate, share, error)
                   : pk_fail_memory(error);
  }
  return rc;
}

/* A literal that is one of very many values is likely to be another one next
** time: no index is made for it alone. */
static int is_special(const text *all, const column *of, const char *condition,
                      double *share, bool *special, pk_error *error) {
  double rows = 0;
  pk_key key = {.columns[0].column = of->number, .width = 1};
  *special = false;
  int rc = measure_share(all, of->table, condition, share, error);
  if (rc != SQLITE_OK || *share <= 0 || *share > MOST_PARTIAL_SHARE) return rc;
  rc = pk_key_rows(all->copy, of->table, &key, &rows, error);
  *special = rows > (double)of->table->rows / MOST_VALUES;
  return rc;
}

static int propose_partials(const text *all, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->count; i++) {
    column of;
    double share;
    bool special;
    if (!column_at(all, i, &of) || of.table->rows < PK_FEW_ROWS ||
        of.table->columns[of.number].is_rowid)
      continue;
    char *condition = condition_at(all, i, &of);
    if (!condition) continue;
    rc = is_special(all, &of, condition, &share, &special, error);
    if (rc == SQLITE_OK && special)
      rc = propose_partial(all, &of, condition, share, error);
    sqlite3_free(condition);
  }
  return rc;
}

int pk_candidates_from_text(pk_candidates *list, const pk_what_if *copy,
                            const pk_accesses *accesses, const char *sql,
                            pk_error *error) {
  text all = {.list = list, .copy = copy, .accesses = accesses};
  int rc = read_tokens(&all, sql, error);
  if (rc == SQLITE_OK) rc = propose_calls(&all, error);
  if (rc == SQLITE_OK) rc = propose_extractions(&all, error);
  if (rc == SQLITE_OK) rc = propose_partials(&all, error);
  sqlite3_free(all.tokens);
  return rc;
}
