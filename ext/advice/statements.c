/* statements.c: advice on the statements that the user gives. */
#include <string.h>

#include "../base/sql.h"
#include "advice.h"

/* No statement is tried with more indexes than this at a time. */
#define MOST_CANDIDATES 100

typedef struct statement {
  char *sql;
  char *left_out; /* why it was not looked at; NULL where it was */
  pk_plan before; /* with the indexes that exist */
  pk_plan after;  /* and with those that were accepted */
} statement;

typedef struct review {
  pk_what_if *copy;
  pk_shadow shadow;
  statement *statements;
  int count;
  pk_candidates accepted;
} review;

/* ---- taking the text apart ---- */

/* Behind a literal or name in quotes; a doubled quote counts as two. */
static const char *behind_quoted(const char *sql, char quote) {
  while (*sql && *sql != quote) sql++;
  return *sql ? sql + 1 : sql;
}

static const char *behind_comment(const char *sql, const char *end) {
  const char *found = strstr(sql, end);
  return found ? found + strlen(end) : sql + strlen(sql);
}

/* The semicolon that ends the first statement, or the end of the text. */
static const char *end_of_statement(const char *sql) {
  while (*sql && *sql != ';') {
    char c = *sql++;
    if (c == '\'' || c == '"' || c == '`')
      sql = behind_quoted(sql, c);
    else if (c == '[')
      sql = behind_quoted(sql, ']');
    else if (c == '-' && *sql == '-')
      sql = behind_comment(sql, "\n");
    else if (c == '/' && *sql == '*')
      sql = behind_comment(sql + 1, "*/");
  }
  return sql;
}

/* Takes `sql` over. */
static int add_statement(review *all, char *sql, char *left_out,
                         pk_error *error) {
  statement *grown = sqlite3_realloc64(
      all->statements, ((sqlite3_uint64)all->count + 1) * sizeof *grown);
  if (!grown) {
    sqlite3_free(sql);
    sqlite3_free(left_out);
    return pk_fail_memory(error);
  }
  all->statements = grown;
  grown[all->count++] = (statement){.sql = sql, .left_out = left_out};
  return SQLITE_OK;
}

static int read_statement(review *all, const char *text, int bytes,
                          pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  bool empty = false;
  char *sql = sqlite3_mprintf("%.*s", bytes, text);
  if (!sql) return pk_fail_memory(error);
  int rc = pk_what_if_check(all->copy, sql, &empty, &cause);
  if (empty) {
    sqlite3_free(sql);
    return SQLITE_OK;
  }
  if (rc == SQLITE_NOMEM) {
    sqlite3_free(sql);
    return pk_fail_memory(error);
  }
  return add_statement(all, sql, cause.message, error);
}

/* A statement that cannot be prepared is an error when it is the only one. */
static int read_statements(review *all, const char *text, pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *text) {
    const char *end = end_of_statement(text);
    rc = read_statement(all, text, (int)(end - text), error);
    text = *end ? end + 1 : end;
  }
  if (rc == SQLITE_OK && all->count == 0)
    rc = pk_fail(error, SQLITE_ERROR, "there is no statement in sql");
  if (rc == SQLITE_OK && all->count == 1 && all->statements[0].left_out)
    rc = pk_fail(error, SQLITE_ERROR, "%s", all->statements[0].left_out);
  return rc;
}

/* ---- trying candidates ---- */

static int create_in_copy(pk_what_if *copy, pk_candidate *index,
                          pk_error *error) {
  int rc = pk_run(copy->db, error, "%s", index->ddl);
  index->in_copy = rc == SQLITE_OK;
  return rc;
}

static int drop_from_copy(pk_what_if *copy, pk_candidate *index,
                          pk_error *error) {
  index->in_copy = false;
  return pk_run(copy->db, error, "DROP INDEX \"%w\"", index->name);
}

/* Makes *plan the plan of now. */
static int plan_again(review *all, const statement *one, pk_plan *plan,
                      pk_error *error) {
  pk_plan_free(plan);
  if (pk_interrupted(all->copy->original))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  return pk_what_if_plan(all->copy, one->sql, plan, error);
}

/* Drops an index for good where the statement's plan is no worse without. */
static int do_without(review *all, const statement *one, pk_candidate *index,
                      pk_plan *best, pk_error *error) {
  pk_plan without = {0};
  int rc = drop_from_copy(all->copy, index, error);
  if (rc == SQLITE_OK) rc = plan_again(all, one, &without, error);
  if (rc == SQLITE_OK && pk_plan_compare(&without, best) > 0)
    rc = create_in_copy(all->copy, index, error);
  pk_plan_free(&without);
  return rc;
}

/* All candidates at once, since an OR or a join may need two; then, from the
** widest to the narrowest, those that are not needed go. */
static int try_candidates(review *all, const statement *one,
                          pk_candidates *list, pk_error *error) {
  pk_plan without = {0}, with = {0};
  int rc = plan_again(all, one, &without, error);
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
    rc = create_in_copy(all->copy, &list->items[i], error);
  if (rc == SQLITE_OK) rc = plan_again(all, one, &with, error);
  if (rc == SQLITE_OK && pk_plan_compare(&with, &without) >= 0) {
    for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
      rc = drop_from_copy(all->copy, &list->items[i], error);
  } else {
    for (int width = PK_MOST_KEY; width > 0; width--)
      for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
        if (list->items[i].key.width == width)
          rc = do_without(all, one, &list->items[i], &with, error);
  }
  pk_plan_free(&without);
  pk_plan_free(&with);
  return rc;
}

/* Moves what is left of the candidates to the accepted ones. */
static int accept(review *all, pk_candidates *list, pk_error *error) {
  for (int i = 0; i < list->count; i++) {
    if (!list->items[i].in_copy) continue;
    pk_candidate *grown = sqlite3_realloc64(
        all->accepted.items,
        ((sqlite3_uint64)all->accepted.count + 1) * sizeof *grown);
    if (!grown) return pk_fail_memory(error);
    all->accepted.items = grown;
    grown[all->accepted.count++] = list->items[i];
    list->items[i] = (pk_candidate){0};
  }
  return SQLITE_OK;
}

static bool needs_help(const pk_plan *plan) {
  return plan->scanned_rows > 0 || plan->automatic_indexes > 0 ||
         plan->temp_btrees > 0;
}

static int improve(review *all, statement *one, pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  pk_accesses accesses = {0};
  pk_candidates list = {0};
  if (!needs_help(&one->before)) return SQLITE_OK;
  int rc = pk_accesses_find(&all->shadow, one->sql, &accesses, &cause);
  if (rc == SQLITE_NOMEM) {
    rc = pk_fail_memory(error);
  } else if (rc != SQLITE_OK) {
    one->left_out = sqlite3_mprintf(
        "SQLite does not tell what it asks of its tables (%s)", cause.message);
    rc = one->left_out ? SQLITE_OK : pk_fail_memory(error);
  }
  for (int i = 0;
       rc == SQLITE_OK && i < accesses.count && list.count < MOST_CANDIDATES;
       i++)
    rc = pk_candidates_for(&list, all->copy, &accesses.items[i], error);
  if (rc == SQLITE_OK && list.count > 0)
    rc = try_candidates(all, one, &list, error);
  if (rc == SQLITE_OK) rc = accept(all, &list, error);
  pk_candidates_free(&list);
  pk_accesses_free(&accesses);
  pk_error_clear(&cause);
  return rc;
}

/* ---- all statements together ---- */

static bool is_prefix(const pk_candidate *one, const pk_candidate *other) {
  if (one == other || one->table != other->table ||
      one->key.width > other->key.width)
    return false;
  for (int i = 0; i < one->key.width; i++) {
    const pk_key_column *a = &one->key.columns[i];
    const pk_key_column *b = &other->key.columns[i];
    if (a->column != b->column || a->descending != b->descending ||
        sqlite3_stricmp(a->collation, b->collation) != 0)
      return false;
  }
  return true;
}

static bool has_wider(const pk_candidates *list, const pk_candidate *index) {
  for (int i = 0; i < list->count; i++)
    if (list->items[i].in_copy && is_prefix(index, &list->items[i]))
      return true;
  return false;
}

/* Are all statements as well off without an index? */
static int all_do_without(review *all, bool *they_do, pk_error *error) {
  pk_plan plan = {0};
  int rc = SQLITE_OK;
  *they_do = true;
  for (int i = 0; rc == SQLITE_OK && *they_do && i < all->count; i++) {
    statement *one = &all->statements[i];
    if (one->left_out) continue;
    rc = plan_again(all, one, &plan, error);
    if (rc == SQLITE_OK) *they_do = pk_plan_compare(&plan, &one->after) <= 0;
  }
  pk_plan_free(&plan);
  return rc;
}

/* An index of one statement that begins a wider one of another is merged into
** it. */
static int merge_prefixes(review *all, pk_error *error) {
  for (int i = 0; i < all->accepted.count; i++) {
    pk_candidate *index = &all->accepted.items[i];
    bool merged;
    if (!has_wider(&all->accepted, index)) continue;
    int rc = drop_from_copy(all->copy, index, error);
    if (rc == SQLITE_OK) rc = all_do_without(all, &merged, error);
    if (rc == SQLITE_OK && !merged)
      rc = create_in_copy(all->copy, index, error);
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK;
}

static int plan_all(review *all, bool before, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->count; i++) {
    statement *one = &all->statements[i];
    if (!one->left_out)
      rc = plan_again(all, one, before ? &one->before : &one->after, error);
  }
  return rc;
}

static void count_uses(review *all) {
  for (int i = 0; i < all->accepted.count; i++) {
    pk_candidate *index = &all->accepted.items[i];
    for (int j = 0; index->in_copy && j < all->count; j++) {
      const statement *one = &all->statements[j];
      if (one->left_out || !pk_plan_uses(&one->after, index->name)) continue;
      index->queries++;
      index->spared_rows += one->before.scanned_rows - one->after.scanned_rows;
    }
  }
}

/* ---- the rows ---- */

static const statement *first_user(const review *all,
                                   const pk_candidate *index) {
  for (int i = 0; i < all->count; i++)
    if (!all->statements[i].left_out &&
        pk_plan_uses(&all->statements[i].after, index->name))
      return &all->statements[i];
  return NULL;
}

/* "orders is scanned in full (50,123 rows) to find customer_id = ? and sorted
** by created_at; with the index they are read in that order" */
static char *reason_for(const review *all, const pk_candidate *index) {
  const pk_plan *before = &first_user(all, index)->before;
  const char *how = before->temp_btrees ? "is sorted in each run"
                                        : "is read by an index that fits less";
  if (pk_plan_scans(before, index->table))
    how = before->automatic_indexes
              ? "is scanned in full, or indexed anew in each run,"
              : "is scanned in full";
  char *rows = pk_rows_in_words(index->table);
  char *reason = sqlite3_mprintf("%s %s (%s) %s; %s", index->table->name, how,
                                 rows, index->purpose, index->benefit);
  sqlite3_free(rows);
  return reason;
}

/* The index of most use first. */
static pk_candidate *next_best(review *all) {
  pk_candidate *best = NULL;
  for (int i = 0; i < all->accepted.count; i++) {
    pk_candidate *index = &all->accepted.items[i];
    if (index->in_copy && index->queries > 0 &&
        (!best || index->queries > best->queries ||
         (index->queries == best->queries &&
          index->spared_rows > best->spared_rows)))
      best = index;
  }
  return best;
}

static int advise_all(pk_advice_rows *out, review *all, pk_error *error) {
  pk_candidate *index;
  while ((index = next_best(all))) {
    char *reason = reason_for(all, index);
    int rc = pk_advise_create(out, all->copy, index, reason, error);
    sqlite3_free(reason);
    if (rc != SQLITE_OK) return rc;
    index->in_copy = false; /* done with */
  }
  for (int i = 0; i < all->count; i++) {
    if (!all->statements[i].left_out) continue;
    char *reason = sqlite3_mprintf("statement %d was left out: %s", i + 1,
                                   all->statements[i].left_out);
    pk_advise(out, &(pk_advice){.action = "skipped", .reason = reason});
    sqlite3_free(reason);
  }
  return SQLITE_OK;
}

static void free_review(review *all) {
  for (int i = 0; i < all->count; i++) {
    sqlite3_free(all->statements[i].sql);
    sqlite3_free(all->statements[i].left_out);
    pk_plan_free(&all->statements[i].before);
    pk_plan_free(&all->statements[i].after);
  }
  sqlite3_free(all->statements);
  pk_candidates_free(&all->accepted);
  pk_shadow_close(&all->shadow);
}

int pk_advise_on_statements(pk_advice_rows *out, pk_what_if *copy,
                            const char *sql, pk_error *error) {
  review all = {.copy = copy};
  int rc = read_statements(&all, sql, error);
  if (rc == SQLITE_OK) rc = pk_shadow_open(&all.shadow, copy, error);
  if (rc == SQLITE_OK) rc = plan_all(&all, true, error);
  for (int i = 0; rc == SQLITE_OK && i < all.count; i++)
    if (!all.statements[i].left_out)
      rc = improve(&all, &all.statements[i], error);
  if (rc == SQLITE_OK) rc = plan_all(&all, false, error);
  if (rc == SQLITE_OK) rc = merge_prefixes(&all, error);
  if (rc == SQLITE_OK) rc = plan_all(&all, false, error);
  if (rc == SQLITE_OK) count_uses(&all);
  if (rc == SQLITE_OK) rc = advise_all(out, &all, error);
  free_review(&all);
  return rc;
}
