/* candidates.c: see candidates.h. */
#include "candidates.h"

#include <stddef.h>
#include <string.h>

#include "../base/array.h"
#include "../base/sql.h"
#include "measure.h"

/* With fewer rows than this for a key, nothing remains to be narrowed. */
#define UNIQUE_ROWS 2.0

/* What may be added to a key to make it covering. */
#define MOST_ADDED_COLUMNS 3
#define MOST_ADDED_FOR_PROOF 5
#define MOST_ADDED_BYTES 100

static const char range_warning[] =
    "pays only where the range picks out a small part of the table";

/* The bytes that a column takes in an index, measured once. */
static int column_bytes(const pk_what_if *copy, const pk_copied_table *table,
                        int number, double *bytes, pk_error *error) {
  pk_copied_column *column = &table->columns[number];
  int rc = SQLITE_OK;
  if (column->bytes == 0)
    rc = pk_measure_column_bytes(copy->original, copy->schema, table->name,
                                 column->name, &column->bytes, error);
  *bytes = column->bytes;
  return rc;
}

/* ---- keys ---- */

static bool key_has(const pk_key *key, int column) {
  for (int i = 0; i < key->width; i++)
    if (key->columns[i].column == column) return true;
  return false;
}

static void key_append(pk_key *key, int column, const char *collation,
                       bool descending) {
  if (key->width < PK_MOST_KEY && !key_has(key, column))
    key->columns[key->width++] = (pk_key_column){column, collation, descending};
}

/* The collation to write down: none where it is the column's own. */
static const char *collation_to_name(const pk_access *access,
                                     const pk_term *term) {
  const char *own = access->table->columns[term->column].collation;
  return sqlite3_stricmp(term->collation, own) == 0 ? NULL : term->collation;
}

/* An index can be walked backwards: only where the directions differ does one
** of them matter. */
static void append_order(pk_key *key, const pk_access *access) {
  bool mixed = false;
  for (int i = 1; i < access->order_count; i++)
    mixed |= access->order[i].descending != access->order[0].descending;
  for (int i = 0; i < access->order_count; i++)
    key_append(key, access->order[i].column, NULL,
               mixed && access->order[i].descending);
}

static char *quoted_columns(const pk_copied_table *table, const pk_key *key,
                            bool with_collations) {
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (int i = 0; i < key->width; i++) {
    const pk_key_column *part = &key->columns[i];
    sqlite3_str_appendf(list, "%s\"%w\"", i ? ", " : "",
                        table->columns[part->column].name);
    if (with_collations && part->collation)
      sqlite3_str_appendf(list, " COLLATE \"%w\"", part->collation);
  }
  return sqlite3_str_finish(list);
}

int pk_key_rows(const pk_what_if *copy, const pk_copied_table *table,
                const pk_key *key, double *rows, pk_error *error) {
  char *columns = quoted_columns(table, key, false);
  char *compared = quoted_columns(table, key, true);
  int rc =
      columns && compared
          ? pk_measure_rows_per_key(copy->original, copy->schema, table->name,
                                    table->rows, columns, compared, rows, error)
          : pk_fail_memory(error);
  sqlite3_free(columns);
  sqlite3_free(compared);
  return rc;
}

/* ---- the equality columns ---- */

typedef struct equality {
  const pk_term *term;
  double rows; /* that one value of it finds */
} equality;

/* = before IN, then the one that finds fewer rows. */
static bool comes_first(const equality *one, const equality *other) {
  if (one->term->use != other->term->use)
    return one->term->use < other->term->use;
  return one->rows < other->rows;
}

static int measure_equality(const pk_what_if *copy, const pk_access *access,
                            equality *made, pk_error *error) {
  pk_key alone = {.width = 0};
  key_append(&alone, made->term->column, collation_to_name(access, made->term),
             false);
  return pk_key_rows(copy, access->table, &alone, &made->rows, error);
}

static int sorted_equalities(const pk_what_if *copy, const pk_access *access,
                             equality *sorted, int *count, pk_error *error) {
  *count = 0;
  for (int i = 0; i < access->term_count; i++) {
    if (access->terms[i].use == PK_RANGE) continue;
    equality next = {.term = &access->terms[i]};
    int rc = measure_equality(copy, access, &next, error);
    if (rc != SQLITE_OK) return rc;
    int place = (*count)++;
    for (; place > 0 && comes_first(&next, &sorted[place - 1]); place--)
      sorted[place] = sorted[place - 1];
    sorted[place] = next;
  }
  return SQLITE_OK;
}

/* The key of the equality columns, up to where it is as good as unique, and
** how many rows it finds. */
static int equality_key(const pk_what_if *copy, const pk_access *access,
                        pk_key *key, double *rows, pk_error *error) {
  equality sorted[PK_MOST_TERMS];
  int count;
  int rc = sorted_equalities(copy, access, sorted, &count, error);
  *key = (pk_key){.width = 0};
  *rows = (double)access->table->rows;
  for (int i = 0; rc == SQLITE_OK && i < count && *rows >= UNIQUE_ROWS; i++) {
    const pk_term *term = sorted[i].term;
    key_append(key, term->column, collation_to_name(access, term), false);
    if (i == 0)
      *rows = sorted[0].rows;
    else
      rc = pk_key_rows(copy, access->table, key, rows, error);
  }
  return rc;
}

/* ---- one candidate ---- */

char *pk_candidate_columns(const pk_candidate *candidate) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < candidate->key.width; i++) {
    const pk_key_column *part = &candidate->key.columns[i];
    if (i) sqlite3_str_appendall(text, ", ");
    if (part->column == PK_EXPRESSION)
      sqlite3_str_appendall(text, candidate->expression);
    else
      pk_append_identifier(text, candidate->table->columns[part->column].name);
    if (part->collation) {
      sqlite3_str_appendall(text, " COLLATE ");
      pk_append_identifier(text, part->collation);
    }
    if (part->descending) sqlite3_str_appendall(text, " DESC");
  }
  return sqlite3_str_finish(text);
}

/* Letters, digits and what is beyond ASCII stay; anything else would have to
** be quoted. */
static bool is_plain(char c) {
  return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void append_name(sqlite3_str *text, const char *name) {
  for (; *name; name++)
    sqlite3_str_appendchar(text, 1, is_plain(*name) ? *name : '_');
}

/* The words of an expression: "_lower_email" for lower(email). */
static void append_words(sqlite3_str *text, const char *expression) {
  bool in_word = false;
  for (; *expression; expression++) {
    bool plain = is_plain(*expression);
    if (plain && !in_word) sqlite3_str_appendchar(text, 1, '_');
    if (plain) sqlite3_str_appendchar(text, 1, *expression);
    in_word = plain;
  }
}

static void append_key_name(sqlite3_str *text, const pk_candidate *made) {
  for (int i = 0; i < made->key.width; i++) {
    int column = made->key.columns[i].column;
    if (column == PK_EXPRESSION) {
      append_words(text, made->expression);
    } else {
      sqlite3_str_appendchar(text, 1, '_');
      append_name(text, made->table->columns[column].name);
    }
  }
  if (made->predicate) {
    sqlite3_str_appendall(text, "_where");
    append_words(text, made->predicate);
  }
}

static int is_taken(const pk_candidates *list, const pk_what_if *copy,
                    const char *name, bool *taken, pk_error *error) {
  static const char query[] =
      "SELECT 1 FROM \"%w\".sqlite_schema WHERE name = %Q COLLATE NOCASE";
  sqlite3_int64 found = 0;
  for (int i = 0; i < list->count; i++)
    if (sqlite3_stricmp(list->items[i].name, name) == 0) found = 1;
  int rc =
      pk_query_int64(copy->original, &found, error, query, copy->schema, name);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(copy->db, &found, error, query, copy->schema, name);
  *taken = found;
  return rc;
}

/* orders_customer_id_created_at, or with _2 and so on where that is taken. */
static int make_name(const pk_candidates *list, const pk_what_if *copy,
                     pk_candidate *made, pk_error *error) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_name(text, made->table->name);
  append_key_name(text, made);
  char *base = sqlite3_str_finish(text);
  bool taken = true;
  int rc = base ? SQLITE_OK : pk_fail_memory(error);
  for (int i = 1; rc == SQLITE_OK && taken; i++) {
    sqlite3_free(made->name);
    made->name = i == 1 ? sqlite3_mprintf("%s", base)
                        : sqlite3_mprintf("%s_%d", base, i);
    rc = made->name ? is_taken(list, copy, made->name, &taken, error)
                    : pk_fail_memory(error);
  }
  sqlite3_free(base);
  return rc;
}

/* What comes after the name: " ON orders(status) WHERE ...". */
static void append_target(sqlite3_str *ddl, const pk_candidate *made) {
  sqlite3_str_appendall(ddl, " ON ");
  pk_append_identifier(ddl, made->table->name);
  sqlite3_str_appendf(ddl, "(%s)", made->columns);
  if (made->predicate) sqlite3_str_appendf(ddl, " WHERE %s", made->predicate);
}

static int make_texts(pk_candidate *made, const pk_what_if *copy,
                      pk_error *error) {
  made->columns = pk_candidate_columns(made);
  if (!made->columns) return pk_fail_memory(error);
  sqlite3_str *ddl = sqlite3_str_new(NULL);
  sqlite3_str_appendall(ddl, "CREATE INDEX ");
  pk_append_qualifier(ddl, copy->schema);
  pk_append_identifier(ddl, made->name);
  append_target(ddl, made);
  made->ddl = sqlite3_str_finish(ddl);
  return made->ddl ? SQLITE_OK : pk_fail_memory(error);
}

static bool same_text(const char *one, const char *other) {
  return one && other ? strcmp(one, other) == 0 : one == other;
}

bool pk_candidate_begins(const pk_candidate *one, const pk_candidate *other) {
  if (one == other || one->table != other->table ||
      one->key.width > other->key.width ||
      !same_text(one->expression, other->expression) ||
      !same_text(one->predicate, other->predicate))
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

pk_candidate *pk_candidates_find(const pk_candidates *list,
                                 const pk_candidate *like) {
  for (int i = 0; i < list->count; i++)
    if (list->items[i].key.width == like->key.width &&
        pk_candidate_begins(like, &list->items[i]))
      return &list->items[i];
  return NULL;
}

int pk_candidates_add(pk_candidates *list, const pk_what_if *copy,
                      pk_candidate *made, pk_error *error) {
  if (pk_candidates_find(list, made)) {
    pk_candidate_free(made);
    return SQLITE_OK;
  }
  int rc = made->purpose ? SQLITE_OK : pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = make_name(list, copy, made, error);
  if (rc == SQLITE_OK) rc = make_texts(made, copy, error);
  pk_candidate *items = NULL;
  if (rc == SQLITE_OK) {
    items = pk_array_room(list->items, list->count, sizeof *items);
    if (!items) rc = pk_fail_memory(error);
  }
  if (rc != SQLITE_OK) {
    pk_candidate_free(made);
    return rc;
  }
  items[list->count++] = *made;
  list->items = items;
  return SQLITE_OK;
}

/* ---- what a candidate is for, in words ---- */

static const pk_term *term_in_key(const pk_access *access, const pk_key *key,
                                  int place) {
  for (int i = 0; i < access->term_count; i++)
    if (access->terms[i].column == key->columns[place].column)
      return &access->terms[i];
  return NULL;
}

static char *purpose_of(const pk_access *access, const pk_key *key,
                        bool ordered) {
  static const char *const how[] = {
      [PK_EQUAL] = " = ?", [PK_IN] = " IN (...)", [PK_RANGE] = " in a range"};
  if (key->width == 0) return sqlite3_mprintf("for a few of its columns");
  sqlite3_str *text = sqlite3_str_new(NULL);
  int terms = 0;
  for (int i = 0; i < key->width; i++) {
    const pk_term *term = term_in_key(access, key, i);
    if (!term) continue;
    sqlite3_str_appendf(text, "%s%s%s", terms++ ? " and " : "to find ",
                        access->table->columns[term->column].name,
                        how[term->use]);
  }
  for (int i = 0; ordered && i < access->order_count; i++)
    sqlite3_str_appendf(
        text, "%s%s", i ? ", " : (terms ? " and sorted by " : "and sorted by "),
        access->table->columns[access->order[i].column].name);
  return sqlite3_str_finish(text);
}

/* ---- the candidates of an access ---- */

static bool has_all_columns(const pk_copied_table *table, const pk_key *key) {
  for (int i = 0; i < table->column_count; i++)
    if (!table->columns[i].is_rowid && !key_has(key, i)) return false;
  return true;
}

/* Adds the columns that the access reads and the key has not. That does not
** fit where they are too many or too wide, or where the index would be the
** table once more. */
static int make_covering(const pk_what_if *copy, const pk_access *access,
                         bool generous, pk_key *key, bool *fits,
                         pk_error *error) {
  const pk_copied_table *table = access->table;
  int most =
      key->width + (generous ? MOST_ADDED_FOR_PROOF : MOST_ADDED_COLUMNS);
  *fits = false;
  if (table->column_count > 63 && access->columns >> 63) return SQLITE_OK;
  for (int i = 0; i < table->column_count && i < 64; i++) {
    double bytes;
    if (!(access->columns >> i & 1) || table->columns[i].is_rowid ||
        key_has(key, i))
      continue;
    if (key->width == most || key->width == PK_MOST_KEY) return SQLITE_OK;
    int rc = column_bytes(copy, table, i, &bytes, error);
    if (rc != SQLITE_OK || bytes > MOST_ADDED_BYTES) return rc;
    key_append(key, i, NULL, false);
  }
  *fits = key->width > 0 && !has_all_columns(table, key);
  return SQLITE_OK;
}

/* What an access is proposed for. */
typedef struct proposal {
  pk_candidates *list;
  const pk_what_if *copy;
  const pk_access *access;
  bool generous;
  pk_key equal;   /* the columns compared for equality */
  double rows;    /* that they find */
  bool selective; /* few enough to be fetched one by one */
} proposal;

typedef enum shape {
  ROWS_FOUND,
  ROWS_IN_RANGE,
  ROWS_IN_ORDER,
  ALL_ROWS,
} shape;

#define COVERS                                                             \
  "the index has all columns that are needed, and is read instead of the " \
  "table"

static const char *const benefit_of[] = {
    [ROWS_FOUND] = "with the index only those rows are read",
    [ROWS_IN_RANGE] = "with the index only those rows are read",
    [ROWS_IN_ORDER] = "with the index they are read in that order",
    [ALL_ROWS] = COVERS,
};

static int add_key(const proposal *for_access, const pk_key *key,
                   const pk_key *wanted, shape how, const char *warning,
                   pk_error *error) {
  bool covers = key->width > wanted->width;
  pk_candidate made = {.table = for_access->access->table,
                       .key = *key,
                       .kind = key->width == 1 ? "plain" : "composite",
                       .benefit = benefit_of[how],
                       .warning = warning};
  if (covers && key->width > 1) made.kind = "covering";
  if (covers) made.benefit = benefit_of[ALL_ROWS];
  made.purpose = purpose_of(for_access->access, wanted, how == ROWS_IN_ORDER);
  return pk_candidates_add(for_access->list, for_access->copy, &made, error);
}

/* Proposes a key. Where it does not pay to fetch the rows that it finds, the
** index must cover the access; one on a range is at least worth a warning. For
** a proof both are proposed. */
static int propose(const proposal *for_access, const pk_key *key, shape how,
                   bool pays, pk_error *error) {
  pk_key covering = *key;
  bool fits = false, generous = for_access->generous;
  int rc = SQLITE_OK;
  if (!pays || generous)
    rc = make_covering(for_access->copy, for_access->access, generous,
                       &covering, &fits, error);
  if (rc == SQLITE_OK && fits)
    rc = add_key(for_access, &covering, key, how, NULL, error);
  bool doubtful = !pays && !fits && how == ROWS_IN_RANGE && !generous;
  if (rc == SQLITE_OK && key->width > 0 && (pays || generous || doubtful))
    rc = add_key(for_access, key, key, how, doubtful ? range_warning : NULL,
                 error);
  return rc;
}

static int propose_ranges(const proposal *for_access, pk_error *error) {
  const pk_access *access = for_access->access;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < access->term_count; i++) {
    const pk_term *term = &access->terms[i];
    pk_key key = for_access->equal;
    if (term->use != PK_RANGE) continue;
    key_append(&key, term->column, collation_to_name(access, term), false);
    rc = propose(for_access, &key, ROWS_IN_RANGE, for_access->selective, error);
  }
  return rc;
}

static int propose_order(const proposal *for_access, pk_error *error) {
  pk_key key = for_access->equal;
  append_order(&key, for_access->access);
  return propose(for_access, &key, ROWS_IN_ORDER,
                 for_access->selective || for_access->access->limited, error);
}

static bool has_range(const pk_access *access) {
  for (int i = 0; i < access->term_count; i++)
    if (access->terms[i].use == PK_RANGE) return true;
  return false;
}

int pk_candidates_for(pk_candidates *list, const pk_what_if *copy,
                      const pk_access *access, bool generous, pk_error *error) {
  proposal made = {
      .list = list, .copy = copy, .access = access, .generous = generous};
  if (access->table->rows < PK_FEW_ROWS) return SQLITE_OK;
  int rc = equality_key(copy, access, &made.equal, &made.rows, error);
  if (rc != SQLITE_OK) return rc;
  made.selective = made.rows <= (double)access->table->rows * PK_MOST_SHARE;
  bool ranged = has_range(access), ordered = access->order_count > 0;
  if (made.equal.width == 0 && !ranged && !ordered)
    return generous ? propose(&made, &made.equal, ALL_ROWS, false, error)
                    : SQLITE_OK;
  bool found = made.rows < UNIQUE_ROWS || (!ranged && !ordered);
  if (made.equal.width && (found || generous))
    rc = propose(&made, &made.equal, ROWS_FOUND, made.selective, error);
  if (found || rc != SQLITE_OK) return rc;
  if (ranged) rc = propose_ranges(&made, error);
  if (rc == SQLITE_OK && ordered) rc = propose_order(&made, error);
  return rc;
}

int pk_candidates_partial(pk_candidates *list, const pk_what_if *copy,
                          const pk_access *access, int column, char *predicate,
                          double share, pk_error *error) {
  pk_access rest = *access;
  pk_candidate made = {.table = access->table,
                       .predicate = predicate,
                       .share = share,
                       .kind = "partial",
                       .benefit = "the index has only those rows"};
  double rows;
  rest.term_count = 0;
  for (int i = 0; i < access->term_count; i++)
    if (access->terms[i].column != column)
      rest.terms[rest.term_count++] = access->terms[i];
  int rc = equality_key(copy, &rest, &made.key, &rows, error);
  if (rc != SQLITE_OK) {
    pk_candidate_free(&made);
    return rc;
  }
  for (int i = 0; i < rest.term_count && rest.order_count == 0; i++)
    if (rest.terms[i].use == PK_RANGE)
      key_append(&made.key, rest.terms[i].column,
                 collation_to_name(&rest, &rest.terms[i]), false);
  append_order(&made.key, &rest);
  if (made.key.width == 0) key_append(&made.key, column, NULL, false);
  made.purpose = sqlite3_mprintf("to find %s", predicate);
  return pk_candidates_add(list, copy, &made, error);
}

/* ---- what there is ---- */

/* The key as existing.c writes it. */
static void append_listed_key(sqlite3_str *key, const pk_candidate *of) {
  for (int i = 0; i < of->key.width; i++) {
    const pk_key_column *part = &of->key.columns[i];
    const pk_copied_column *column = &of->table->columns[part->column];
    sqlite3_str_appendf(key, ", %Q %s %d", column->name,
                        part->collation ? part->collation : column->collation,
                        part->descending);
  }
}

/* One with an expression or a predicate is known by its text, as when it was
** made from advice. */
int pk_candidate_exists(const pk_what_if *copy, const pk_candidate *candidate,
                        bool *exists, pk_error *error) {
  bool by_text = candidate->expression || candidate->predicate;
  sqlite3_int64 found = 0;
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (by_text)
    append_target(text, candidate);
  else
    append_listed_key(text, candidate);
  char *sought = sqlite3_str_finish(text);
  if (!sought) return pk_fail_memory(error);
  int rc = pk_query_int64(
      copy->db, &found, error,
      by_text ? "SELECT 1 FROM temp.prodkit_listed WHERE table_name = %Q "
                "AND substr(ddl, -length(%Q)) = %Q"
              : "SELECT 1 FROM temp.prodkit_listed WHERE table_name = %Q "
                "AND NOT is_partial AND lower(key) = lower(%Q)",
      candidate->table->name, sought, sought);
  sqlite3_free(sought);
  *exists = found;
  return rc;
}

/* ---- size ---- */

/* What a value of an expression takes is not sampled. */
#define EXPRESSION_BYTES 12

/* A freshly built index is packed; its entries have a header byte, a payload
** length, a cell pointer of two bytes and the rowid. */
int pk_candidate_bytes(const pk_what_if *copy, const pk_candidate *candidate,
                       sqlite3_int64 *bytes, pk_error *error) {
  double entry = 1 + 1 + 2 + 4;
  const pk_copied_table *table = candidate->table;
  for (int i = 0; i < candidate->key.width; i++) {
    double column = EXPRESSION_BYTES;
    if (candidate->key.columns[i].column == PK_EXPRESSION) {
      entry += column;
      continue;
    }
    int rc = column_bytes(copy, table, candidate->key.columns[i].column,
                          &column, error);
    if (rc != SQLITE_OK) return rc;
    entry += column;
  }
  double rows = (double)table->rows;
  if (candidate->predicate) rows *= candidate->share;
  *bytes = (sqlite3_int64)(entry * rows);
  return SQLITE_OK;
}

int pk_candidates_move(pk_candidates *to, const pk_what_if *copy,
                       pk_candidate *candidate, int *number, pk_error *error) {
  int rc = SQLITE_OK;
  if (!pk_candidates_find(to, candidate)) {
    pk_candidate moved = {.table = candidate->table,
                          .key = candidate->key,
                          .expression = candidate->expression,
                          .predicate = candidate->predicate,
                          .share = candidate->share,
                          .purpose = candidate->purpose,
                          .kind = candidate->kind,
                          .benefit = candidate->benefit,
                          .warning = candidate->warning};
    candidate->expression = candidate->predicate = candidate->purpose = NULL;
    rc = pk_candidates_add(to, copy, &moved, error);
    *number = to->count - 1;
  } else {
    *number = (int)(pk_candidates_find(to, candidate) - to->items);
  }
  pk_candidate_free(candidate);
  return rc;
}

void pk_candidate_free(pk_candidate *candidate) {
  sqlite3_free(candidate->name);
  sqlite3_free(candidate->columns);
  sqlite3_free(candidate->ddl);
  sqlite3_free(candidate->purpose);
  sqlite3_free(candidate->expression);
  sqlite3_free(candidate->predicate);
  sqlite3_free(candidate->replaces);
  *candidate = (pk_candidate){0};
}

void pk_candidates_free(pk_candidates *list) {
  for (int i = 0; i < list->count; i++) pk_candidate_free(&list->items[i]);
  sqlite3_free(list->items);
  *list = (pk_candidates){0};
}
