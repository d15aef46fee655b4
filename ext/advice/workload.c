/* workload.c: see workload.h. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/reader.h"
#include "../base/sql.h"
#include "../base/token.h"

/* Statistics of more statements than this are read by total time only. */
#define MOST_STATEMENTS 1000

#define MOST_FILE_BYTES (16 << 20)

static const char whole_workload[] = "statements of the workload";

static void free_statement(pk_statement *one) {
  sqlite3_free(one->sql);
  sqlite3_free(one->left_out);
  sqlite3_free(one->search);
  pk_plan_free(&one->before);
  pk_plan_free(&one->after);
}

/* Takes over what `made` holds. */
static int add(pk_workload *all, pk_statement made, pk_error *error) {
  pk_statement *items =
      pk_array_room(all->items, all->count, sizeof *all->items);
  if (!items) {
    free_statement(&made);
    return pk_fail_memory(error);
  }
  all->items = items;
  items[all->count] = made;
  items[all->count].number = all->count + 1;
  items[all->count++].alike = 1;
  return SQLITE_OK;
}

/* A search that SQLite does not take, since it was cut out of the statement in
** the wrong place, would end the proof of all. */
static int find_search(pk_what_if *copy, pk_statement *made, pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  bool empty, writes;
  int rc = pk_search_of(made->sql, &made->search, error);
  if (!made->search) return rc;
  rc = pk_what_if_check(copy, made->search, &empty, &writes, &cause);
  pk_error_clear(&cause);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc == SQLITE_OK && !empty && !writes) return SQLITE_OK;
  sqlite3_free(made->search);
  made->search = NULL;
  return SQLITE_OK;
}

/* Describes one statement; made->sql is set. *empty: it is none. */
static int describe(pk_what_if *copy, pk_statement *made, bool *empty,
                    pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  if (!made->sql) return pk_fail_memory(error);
  int rc = pk_what_if_check(copy, made->sql, empty, &made->writes, &cause);
  made->left_out = cause.message;
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc != SQLITE_OK || !made->writes) return SQLITE_OK;
  made->written = pk_written_table(copy, made->sql);
  return find_search(copy, made, error);
}

static bool is_word(const pk_token *token, const char *word) {
  return token->kind == PK_WORD && pk_token_is(token, word);
}

/* The semicolon that ends the first statement, or the end of the text. Those
** within CREATE TRIGGER do not matter: it is refused in any case. */
static const char *end_of_statement(const char *sql) {
  pk_token token;
  for (const char *rest = sql; (rest = pk_token_next(rest, &token));)
    if (token.kind == PK_OPERATOR && pk_token_is(&token, ";"))
      return token.text;
  return sql + strlen(sql);
}

/* Those of its triggers are statements of the workload too. What cannot be
** looked at of them is passed over: it is not the caller's. */
static int add_triggered(pk_workload *all, pk_what_if *copy,
                         const pk_copied_table *table, double calls,
                         pk_error *error) {
  char *statements;
  int rc = pk_triggered_statements(copy, table, &statements, error);
  const char *text = statements;
  while (rc == SQLITE_OK && text && *text) {
    const char *end = end_of_statement(text);
    pk_statement made = {
        .sql = sqlite3_mprintf("%.*s", (int)(end - text), text),
        .calls = calls};
    bool empty = true;
    rc = describe(copy, &made, &empty, error);
    if (rc == SQLITE_OK && !empty && !made.left_out)
      rc = add(all, made, error);
    else
      free_statement(&made);
    text = *end ? end + 1 : end;
  }
  sqlite3_free(statements);
  return rc;
}

/* Adds the first `bytes` of a text, which are one statement or nothing. */
static int add_one(pk_workload *all, pk_what_if *copy, const char *text,
                   int bytes, double calls, pk_error *error) {
  pk_statement made = {.sql = sqlite3_mprintf("%.*s", bytes, text),
                       .calls = calls};
  bool empty = false;
  int rc = describe(copy, &made, &empty, error);
  if (rc != SQLITE_OK || empty) {
    free_statement(&made);
    return rc;
  }
  rc = add(all, made, error);
  if (rc == SQLITE_OK && made.written)
    rc = add_triggered(all, copy, made.written, calls, error);
  return rc;
}

const char *pk_statement_to_run(const pk_statement *one) {
  if (one->left_out) return NULL;
  return one->writes ? one->search : one->sql;
}

static int add_all(pk_workload *all, pk_what_if *copy, const char *text,
                   double calls, pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *text) {
    const char *end = end_of_statement(text);
    rc = add_one(all, copy, text, (int)(end - text), calls, error);
    text = *end ? end + 1 : end;
  }
  return rc;
}

int pk_workload_add_text(pk_workload *all, pk_what_if *copy, const char *text,
                         pk_error *error) {
  int rc = add_all(all, copy, text, 1, error);
  if (rc == SQLITE_OK && all->count == 0)
    rc = pk_fail(error, SQLITE_ERROR, "there is no statement in sql");
  if (rc == SQLITE_OK && all->count == 1 && all->items[0].left_out)
    rc = pk_fail(error, SQLITE_ERROR, "%s", all->items[0].left_out);
  return rc;
}

int pk_workload_add_file(pk_workload *all, pk_what_if *copy, const char *path,
                         pk_error *error) {
  pk_reader reader;
  char *text = NULL;
  int rc = pk_reader_open(&reader, path, error);
  if (rc == SQLITE_OK && reader.bytes > MOST_FILE_BYTES)
    rc = pk_fail(error, SQLITE_TOOBIG, "%s has more than %d bytes", path,
                 MOST_FILE_BYTES);
  if (rc == SQLITE_OK) {
    text = sqlite3_malloc64((sqlite3_uint64)reader.bytes + 1);
    rc = text ? pk_reader_read(&reader, text, (size_t)reader.bytes, 0, error)
              : pk_fail_memory(error);
  }
  if (rc == SQLITE_OK) {
    text[reader.bytes] = 0;
    rc = add_all(all, copy, text, 1, error);
  }
  all->whole = whole_workload;
  if (rc == SQLITE_OK && all->count == 0)
    rc = pk_fail(error, SQLITE_ERROR, "there is no statement in %s", path);
  pk_reader_close(&reader);
  sqlite3_free(text);
  return rc;
}

/* The number of a column of a query, or -1. */
static int column_named(sqlite3_stmt *query, const char *name) {
  for (int i = 0; i < sqlite3_column_count(query); i++)
    if (sqlite3_stricmp(sqlite3_column_name(query, i), name) == 0) return i;
  return -1;
}

static int add_rows(pk_workload *all, pk_what_if *copy, sqlite3_stmt *query,
                    int sql, int calls, pk_error *error) {
  int rc;
  while ((rc = pk_step(query, error)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(query, sql);
    double weight = calls < 0 ? 1 : sqlite3_column_double(query, calls);
    if (!text || !(weight > 0)) continue;
    rc = add_all(all, copy, text, weight, error);
    if (rc != SQLITE_OK) return rc;
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_workload_add_table(pk_workload *all, pk_what_if *copy, const char *table,
                          pk_error *error) {
  sqlite3_stmt *query;
  int rc =
      pk_prepare(copy->original, &query, error, "SELECT * FROM \"%w\"", table);
  if (rc != SQLITE_OK) return rc;
  int sql = column_named(query, "sql");
  if (sql < 0) sql = column_named(query, "query");
  int calls = column_named(query, "calls");
  if (sql < 0)
    rc = pk_fail(error, SQLITE_ERROR,
                 "the table %s has no column sql or query to take statements "
                 "from",
                 table);
  if (rc == SQLITE_OK) rc = add_rows(all, copy, query, sql, calls, error);
  sqlite3_finalize(query);
  all->counted = calls >= 0;
  all->whole = whole_workload;
  if (rc == SQLITE_OK && all->count == 0)
    rc = pk_fail(error, SQLITE_ERROR, "there is no statement in the table %s",
                 table);
  return rc;
}

/* Were there more forms of statements than the statistics have kept, or than
** are read? */
static int find_shortage(sqlite3 *db, const char **shortage, pk_error *error) {
  sqlite3_int64 kept = 0, evicted = 0;
  pk_error unknown = PK_NO_ERROR;
  int rc = pk_query_int64(db, &kept, &unknown,
                          "SELECT count(*) FROM prod_query_stats");
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &evicted, &unknown,
                        "SELECT json_extract(prod_query_stats(), '$.evicted')");
  *shortage = NULL;
  if (kept > MOST_STATEMENTS)
    *shortage =
        "only the captured statements that take most time were looked at";
  else if (rc != SQLITE_OK) /* without JSON functions, say */
    *shortage = "the statistics do not tell whether they kept all statements";
  else if (evicted > 0)
    *shortage = "there were more statements than the statistics keep";
  if (pk_ends_the_call(rc))
    *error = unknown;
  else
    pk_error_clear(&unknown);
  return error->code;
}

/* What is captured but is no query (BEGIN, PRAGMA) is not worth a row. */
static bool is_query(const char *sql) {
  static const char *const words[] = {"SELECT", "WITH",   "VALUES", "INSERT",
                                      "UPDATE", "DELETE", "REPLACE"};
  pk_token token;
  if (!pk_token_next(sql, &token)) return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (is_word(&token, words[i])) return true;
  return false;
}

int pk_workload_add_statistics(pk_workload *all, pk_what_if *copy,
                               pk_error *error) {
  sqlite3_stmt *query;
  pk_error missing = PK_NO_ERROR;
  int rc = pk_prepare(copy->original, &query, &missing,
                      "SELECT query, calls FROM prod_query_stats "
                      "ORDER BY total_ms DESC LIMIT %d",
                      MOST_STATEMENTS);
  if (pk_ends_the_call(rc)) {
    *error = missing;
    return rc;
  }
  pk_error_clear(&missing);
  if (rc != SQLITE_OK) return SQLITE_OK;
  all->counted = true;
  all->whole = "captured statements";
  rc = find_shortage(copy->original, &all->shortened, error);
  while (rc == SQLITE_OK && (rc = pk_step(query, error)) == SQLITE_ROW) {
    const char *sql = (const char *)sqlite3_column_text(query, 0);
    rc = SQLITE_OK;
    if (sql && is_query(sql))
      rc = add_one(all, copy, sql, (int)strlen(sql),
                   sqlite3_column_double(query, 1), error);
  }
  sqlite3_finalize(query);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- their forms ---- */

/* So many statements are looked at one by one, literals and all. */
#define MOST_UNFOLDED 200

typedef struct formed {
  char *form; /* the tokens, with ? for a literal; from sqlite3_malloc */
  int place;
} formed;

static char *form_of(const char *sql, pk_error *error) {
  pk_token token;
  sqlite3_str *form = sqlite3_str_new(NULL);
  while ((sql = pk_token_next(sql, &token))) {
    bool literal = token.kind == PK_NUMBER || token.kind == PK_STRING;
    sqlite3_str_appendf(form, "%.*s ", literal ? 1 : (int)token.bytes,
                        literal ? "?" : token.text);
  }
  char *made = sqlite3_str_finish(form);
  if (!made) pk_fail_memory(error);
  return made;
}

static int compare_forms(const void *one, const void *other) {
  const formed *a = one, *b = other;
  int order = strcmp(a->form, b->form);
  return order ? order : a->place - b->place;
}

/* The first of each form takes over the calls of the others, which stand for
** nothing then. */
static void merge_forms(pk_workload *all, const formed *forms) {
  pk_statement *first = &all->items[forms[0].place];
  for (int i = 1; i < all->count; i++) {
    pk_statement *one = &all->items[forms[i].place];
    if (strcmp(forms[i].form, forms[i - 1].form) != 0) {
      first = one;
      continue;
    }
    first->calls += one->calls;
    first->alike++;
    one->alike = 0;
  }
}

static void close_ranks(pk_workload *all) {
  int kept = 0;
  for (int i = 0; i < all->count; i++)
    if (all->items[i].alike > 0)
      all->items[kept++] = all->items[i];
    else
      free_statement(&all->items[i]);
  all->count = kept;
}

int pk_workload_fold(pk_workload *all, pk_error *error) {
  if (all->count <= MOST_UNFOLDED) return SQLITE_OK;
  int made = 0, rc = SQLITE_OK;
  formed *forms = sqlite3_malloc64((size_t)all->count * sizeof *forms);
  if (!forms) return pk_fail_memory(error);
  for (; rc == SQLITE_OK && made < all->count; made++) {
    forms[made] = (formed){form_of(all->items[made].sql, error), made};
    rc = error->code;
  }
  if (rc == SQLITE_OK) {
    qsort(forms, (size_t)all->count, sizeof *forms, compare_forms);
    merge_forms(all, forms);
    close_ranks(all);
  }
  for (int i = 0; i < made; i++) sqlite3_free(forms[i].form);
  sqlite3_free(forms);
  return rc;
}

/* ---- their order ---- */

typedef struct ranked {
  double rows;
  int number;
} ranked;

static int compare_ranks(const void *one, const void *other) {
  const ranked *a = one, *b = other;
  if (a->rows != b->rows) return a->rows > b->rows ? -1 : 1;
  return a->number - b->number;
}

int pk_workload_sort(pk_workload *all, pk_error *error) {
  size_t count = (size_t)all->count + 1;
  ranked *ranks = sqlite3_malloc64(count * sizeof *ranks);
  all->order = sqlite3_malloc64(count * sizeof *all->order);
  if (!ranks || !all->order) {
    sqlite3_free(ranks);
    return pk_fail_memory(error);
  }
  for (int i = 0; i < all->count; i++) {
    const pk_statement *one = &all->items[i];
    ranks[i] = (ranked){one->calls * ((double)one->before.scanned_rows + 1), i};
  }
  qsort(ranks, (size_t)all->count, sizeof *ranks, compare_ranks);
  for (int i = 0; i < all->count; i++) all->order[i] = ranks[i].number;
  sqlite3_free(ranks);
  return SQLITE_OK;
}

void pk_workload_free(pk_workload *all) {
  for (int i = 0; i < all->count; i++) free_statement(&all->items[i]);
  sqlite3_free(all->items);
  sqlite3_free(all->order);
  *all = (pk_workload){0};
}
