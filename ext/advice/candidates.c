/* candidates.c: see candidates.h. */
#include "candidates.h"

#include <stddef.h>

#include "../base/sql.h"
#include "measure.h"

/* With fewer rows than this for a key, nothing remains to be narrowed. */
#define UNIQUE_ROWS 2.0

/* What may be added to a key to make it covering. */
#define MOST_ADDED_COLUMNS 3
#define MOST_ADDED_BYTES 100

static const char range_warning[] =
    "pays only where the range picks out a small part of the table";

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
  int rc = columns && compared ? pk_measure_rows_per_key(
                                     copy->original, table->name, table->rows,
                                     columns, compared, rows, error)
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
static void append_name(sqlite3_str *text, const char *name) {
  for (; *name; name++) {
    unsigned char c = (unsigned char)*name;
    bool plain = c >= 0x80 || (c >= '0' && c <= '9') ||
                 (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    sqlite3_str_appendchar(text, 1, plain ? (char)c : '_');
  }
}

static int is_taken(const pk_candidates *list, const pk_what_if *copy,
                    const char *name, bool *taken, pk_error *error) {
  static const char query[] =
      "SELECT 1 FROM main.sqlite_schema WHERE name = %Q COLLATE NOCASE";
  sqlite3_int64 found = 0;
  for (int i = 0; i < list->count; i++)
    if (sqlite3_stricmp(list->items[i].name, name) == 0) found = 1;
  int rc = pk_query_int64(copy->original, &found, error, query, name);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(copy->db, &found, error, query, name);
  *taken = found;
  return rc;
}

/* orders_customer_id_created_at, or with _2 and so on where that is taken. */
static int make_name(const pk_candidates *list, const pk_what_if *copy,
                     pk_candidate *made, pk_error *error) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  append_name(text, made->table->name);
  for (int i = 0; i < made->key.width; i++) {
    sqlite3_str_appendchar(text, 1, '_');
    append_name(text, made->table->columns[made->key.columns[i].column].name);
  }
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

static int make_texts(pk_candidate *made, pk_error *error) {
  made->columns = pk_candidate_columns(made);
  if (!made->columns) return pk_fail_memory(error);
  sqlite3_str *ddl = sqlite3_str_new(NULL);
  sqlite3_str_appendall(ddl, "CREATE INDEX ");
  pk_append_identifier(ddl, made->name);
  sqlite3_str_appendall(ddl, " ON ");
  pk_append_identifier(ddl, made->table->name);
  sqlite3_str_appendf(ddl, "(%s)", made->columns);
  made->ddl = sqlite3_str_finish(ddl);
  return made->ddl ? SQLITE_OK : pk_fail_memory(error);
}

static bool is_listed(const pk_candidates *list, const pk_candidate *made) {
  for (int i = 0; i < list->count; i++) {
    const pk_candidate *other = &list->items[i];
    if (other->table != made->table || other->key.width != made->key.width)
      continue;
    bool same = true;
    for (int j = 0; j < made->key.width; j++) {
      const pk_key_column *a = &made->key.columns[j];
      const pk_key_column *b = &other->key.columns[j];
      same &= a->column == b->column && a->descending == b->descending &&
              sqlite3_stricmp(a->collation, b->collation) == 0;
    }
    if (same) return true;
  }
  return false;
}

int pk_candidates_add(pk_candidates *list, const pk_what_if *copy,
                      pk_candidate *made, pk_error *error) {
  if (is_listed(list, made)) {
    pk_candidate_free(made);
    return SQLITE_OK;
  }
  int rc = made->purpose ? SQLITE_OK : pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = make_name(list, copy, made, error);
  if (rc == SQLITE_OK) rc = make_texts(made, error);
  pk_candidate *items = NULL;
  if (rc == SQLITE_OK) {
    items = sqlite3_realloc64(
        list->items, ((sqlite3_uint64)list->count + 1) * sizeof *items);
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
                         pk_key *key, bool *fits, pk_error *error) {
  const pk_copied_table *table = access->table;
  int most = key->width + MOST_ADDED_COLUMNS;
  *fits = false;
  if (table->column_count > 63 && access->columns >> 63) return SQLITE_OK;
  for (int i = 0; i < table->column_count && i < 64; i++) {
    double bytes;
    if (!(access->columns >> i & 1) || table->columns[i].is_rowid ||
        key_has(key, i))
      continue;
    if (key->width == most || key->width == PK_MOST_KEY) return SQLITE_OK;
    int rc = pk_measure_column_bytes(copy->original, table->name,
                                     table->columns[i].name, &bytes, error);
    if (rc != SQLITE_OK || bytes > MOST_ADDED_BYTES) return rc;
    key_append(key, i, NULL, false);
  }
  *fits = !has_all_columns(table, key);
  return SQLITE_OK;
}

/* What an access is proposed for. */
typedef struct proposal {
  pk_candidates *list;
  const pk_what_if *copy;
  const pk_access *access;
  pk_key equal;   /* the columns compared for equality */
  double rows;    /* that they find */
  bool selective; /* few enough to be fetched one by one */
} proposal;

typedef enum shape { ROWS_FOUND, ROWS_IN_RANGE, ROWS_IN_ORDER } shape;

static const char *const benefit_of[] = {
    [ROWS_FOUND] = "with the index only those rows are read",
    [ROWS_IN_RANGE] = "with the index only those rows are read",
    [ROWS_IN_ORDER] = "with the index they are read in that order",
};

/* Proposes a key. Where it does not pay to fetch the rows that it finds, the
** index must cover the access; one on a range is at least worth a warning. */
static int propose(const proposal *for_access, const pk_key *key, shape how,
                   bool pays, pk_error *error) {
  const pk_access *access = for_access->access;
  pk_candidate made = {.table = access->table,
                       .key = *key,
                       .kind = key->width == 1 ? "plain" : "composite",
                       .benefit = benefit_of[how]};
  if (!pays) {
    pk_key covering = *key;
    bool fits;
    int rc = make_covering(for_access->copy, access, &covering, &fits, error);
    if (rc != SQLITE_OK) return rc;
    if (fits) {
      made.key = covering;
      made.benefit =
          "the index has all columns that are needed, and is read "
          "instead of the table";
      if (covering.width > key->width) made.kind = "covering";
    } else if (how == ROWS_IN_RANGE) {
      made.warning = range_warning;
    } else {
      return SQLITE_OK;
    }
  }
  made.purpose = purpose_of(access, key, how == ROWS_IN_ORDER);
  return pk_candidates_add(for_access->list, for_access->copy, &made, error);
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
                      const pk_access *access, pk_error *error) {
  proposal made = {.list = list, .copy = copy, .access = access};
  if (access->table->rows < PK_FEW_ROWS) return SQLITE_OK;
  int rc = equality_key(copy, access, &made.equal, &made.rows, error);
  if (rc != SQLITE_OK) return rc;
  made.selective = made.rows <= (double)access->table->rows * PK_MOST_SHARE;
  bool ranged = has_range(access), ordered = access->order_count > 0;
  if (made.rows < UNIQUE_ROWS || (!ranged && !ordered))
    return made.equal.width
               ? propose(&made, &made.equal, ROWS_FOUND, made.selective, error)
               : SQLITE_OK;
  if (ranged) rc = propose_ranges(&made, error);
  if (rc == SQLITE_OK && ordered) rc = propose_order(&made, error);
  return rc;
}

/* ---- size ---- */

/* A freshly built index is packed; its entries have a header byte, a payload
** length, a cell pointer of two bytes and the rowid. */
int pk_candidate_bytes(const pk_what_if *copy, const pk_candidate *candidate,
                       sqlite3_int64 *bytes, pk_error *error) {
  double entry = 1 + 1 + 2 + 4;
  const pk_copied_table *table = candidate->table;
  for (int i = 0; i < candidate->key.width; i++) {
    double column = 0;
    int rc = pk_measure_column_bytes(
        copy->original, table->name,
        table->columns[candidate->key.columns[i].column].name, &column, error);
    if (rc != SQLITE_OK) return rc;
    entry += column;
  }
  *bytes = (sqlite3_int64)(entry * (double)table->rows);
  return SQLITE_OK;
}

void pk_candidate_free(pk_candidate *candidate) {
  sqlite3_free(candidate->name);
  sqlite3_free(candidate->columns);
  sqlite3_free(candidate->ddl);
  sqlite3_free(candidate->purpose);
  candidate->name = candidate->columns = NULL;
  candidate->ddl = candidate->purpose = NULL;
}

void pk_candidates_free(pk_candidates *list) {
  for (int i = 0; i < list->count; i++) pk_candidate_free(&list->items[i]);
  sqlite3_free(list->items);
  *list = (pk_candidates){0};
}
