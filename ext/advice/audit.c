/* audit.c: advice on the schema: foreign keys without an index, and indexes
** that others make superfluous. */
#include "../base/sql.h"
#include "advice.h"

/* ---- foreign keys ---- */

static const char few_values[] =
    "has few different values: pays only where rows of the other table are "
    "deleted or their keys change";

/* The lookup that SQLite makes in the child table when a parent row goes. */
static char *lookup(const pk_candidate *index) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "SELECT 1 FROM \"%w\" WHERE ", index->table->name);
  for (int i = 0; i < index->key.width; i++)
    sqlite3_str_appendf(
        sql, "%s\"%w\" = ?", i ? " AND " : "",
        index->table->columns[index->key.columns[i].column].name);
  return sqlite3_str_finish(sql);
}

static int column_of(const pk_copied_table *table, const char *name) {
  for (int i = 0; i < table->column_count; i++)
    if (sqlite3_stricmp(table->columns[i].name, name) == 0) return i;
  return -1;
}

/* The columns of foreign key number `id`. False for one with columns that
** were not found, or more than an index is proposed for. */
static int key_of_foreign_key(pk_what_if *copy, const pk_copied_table *table,
                              int id, pk_key *key, pk_error *error) {
  sqlite3_stmt *part;
  *key = (pk_key){.width = 0};
  int rc = pk_prepare(copy->db, &part, error,
                      "SELECT \"from\" FROM pragma_foreign_key_list(%Q) "
                      "WHERE id = %d ORDER BY seq",
                      table->name, id);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(part, error)) == SQLITE_ROW) {
    int column = column_of(table, (const char *)sqlite3_column_text(part, 0));
    if (column < 0 || key->width == PK_MOST_KEY) continue;
    key->columns[key->width++] = (pk_key_column){.column = column};
  }
  sqlite3_finalize(part);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Does the lookup scan the table as it is, and use the index with it? */
static int try_index(pk_what_if *copy, pk_candidate *index, bool *helps,
                     pk_error *error) {
  pk_plan before = {0}, after = {0};
  char *sql = lookup(index);
  *helps = false;
  int rc =
      sql ? pk_what_if_plan(copy, sql, &before, error) : pk_fail_memory(error);
  if (rc == SQLITE_OK && pk_plan_scans(&before, index->table)) {
    rc = pk_run(copy->db, error, "%s", index->ddl);
    if (rc == SQLITE_OK) rc = pk_what_if_plan(copy, sql, &after, error);
    if (rc == SQLITE_OK) *helps = pk_plan_uses(&after, index->name);
  }
  pk_plan_free(&before);
  pk_plan_free(&after);
  sqlite3_free(sql);
  return rc;
}

static int advise_foreign_key(pk_advice_rows *out, pk_what_if *copy,
                              pk_candidate *index, const char *parent,
                              pk_error *error) {
  double per_key;
  int rc = pk_key_rows(copy, index->table, &index->key, &per_key, error);
  if (rc != SQLITE_OK) return rc;
  if (per_key > (double)index->table->rows * PK_MOST_SHARE)
    index->warning = few_values;
  char *rows = pk_rows_in_words(index->table);
  char *reason = sqlite3_mprintf(
      "%s(%s) refers to %s and has no index: to delete a row of %s, or to "
      "change its key, %s is scanned in full (%s)",
      index->table->name, index->columns, parent, parent, index->table->name,
      rows);
  rc = pk_candidate_bytes(copy, index, &index->bytes, error);
  if (rc == SQLITE_OK)
    rc = pk_advise_create(out, copy, index, reason,
                          &(pk_advice){.before_ms = -1}, error);
  sqlite3_free(rows);
  sqlite3_free(reason);
  return rc;
}

static int review_foreign_key(pk_advice_rows *out, pk_what_if *copy,
                              const pk_copied_table *table, int id,
                              const char *parent, pk_error *error) {
  pk_candidates list = {0};
  pk_candidate made = {.table = table, .kind = "foreign_key"};
  bool helps;
  int rc = key_of_foreign_key(copy, table, id, &made.key, error);
  if (rc != SQLITE_OK || made.key.width == 0) return rc;
  made.purpose = sqlite3_mprintf("for the foreign key to %s", parent);
  rc = pk_candidates_add(&list, copy, &made, error);
  if (rc == SQLITE_OK) rc = try_index(copy, &list.items[0], &helps, error);
  if (rc == SQLITE_OK && helps)
    rc = advise_foreign_key(out, copy, &list.items[0], parent, error);
  pk_candidates_free(&list);
  return rc;
}

/* The largest tables come first: they are what a missing index costs. */
static int review_foreign_keys(pk_advice_rows *out, pk_what_if *copy,
                               pk_error *error) {
  sqlite3_stmt *found;
  int rc = pk_prepare(copy->db, &found, error,
                      "SELECT m.name, f.id, f.\"table\" "
                      "FROM sqlite_stat1 s "
                      "JOIN sqlite_schema m ON m.name = s.tbl "
                      "JOIN pragma_foreign_key_list(m.name) f "
                      "WHERE s.idx IS NULL AND m.type = 'table' "
                      "AND f.seq = 0 "
                      "ORDER BY CAST(s.stat AS INTEGER) DESC, m.name, f.id");
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(found, error)) == SQLITE_ROW) {
    const pk_copied_table *table =
        pk_what_if_table(copy, (const char *)sqlite3_column_text(found, 0));
    if (!table || table->rows < PK_FEW_ROWS) continue;
    rc = review_foreign_key(out, copy, table, sqlite3_column_int(found, 1),
                            (const char *)sqlite3_column_text(found, 2), error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- superfluous indexes ---- */

/* The indexes of the copy with their keys: ", 'city' nocase 0" for each
** column, so that one key begins another where its text does. */
static const char list_indexes[] =
    "CREATE TEMP TABLE listed AS"
    " SELECT t.name AS table_name, l.name AS index_name, i.sql AS ddl,"
    "  i.rowid AS age, l.\"unique\" AS is_unique,"
    "  l.partial AS is_partial,"
    "  l.origin = 'c' AND NOT l.\"unique\" AND NOT l.partial AND NOT EXISTS"
    "   (SELECT 1 FROM pragma_index_xinfo(l.name) WHERE cid = -2)"
    "   AS is_droppable,"
    "  (SELECT group_concat("
    "    ', ' || quote(name) || ' ' || lower(coll) || ' ' || \"desc\", '')"
    "   FROM (SELECT * FROM pragma_index_xinfo(l.name)"
    "         WHERE key ORDER BY seqno)) AS key"
    " FROM sqlite_schema t"
    " JOIN pragma_index_list(t.name) l"
    " JOIN sqlite_schema i ON i.name = l.name AND i.type = 'index'"
    " WHERE t.type = 'table'";

/*
** An index is superfluous where the key of another one of its table begins
** with its key: same columns, collations and directions. A unique, partial or
** expression index, and one that a constraint made, is never called so. Of
** several that could stand for it the one is named that stays itself: the
** widest, then a unique one, then the oldest.
*/
static const char find_superfluous[] =
    "SELECT a.table_name, a.index_name, a.ddl, b.index_name, a.key = b.key"
    " FROM listed a JOIN listed b ON b.rowid ="
    "  (SELECT c.rowid FROM listed c"
    "   WHERE c.table_name = a.table_name AND c.index_name <> a.index_name"
    "    AND NOT c.is_partial"
    "    AND substr(c.key, 1, length(a.key)) = a.key"
    "    AND (c.key <> a.key OR NOT c.is_droppable OR c.age < a.age)"
    "   ORDER BY length(c.key) DESC, c.is_droppable, c.age LIMIT 1)"
    " WHERE a.is_droppable"
    " ORDER BY a.table_name, a.index_name";

static int key_of_index(pk_what_if *copy, const char *index, pk_key *key,
                        pk_error *error) {
  sqlite3_stmt *part;
  *key = (pk_key){.width = 0};
  int rc =
      pk_prepare(copy->db, &part, error,
                 "SELECT cid FROM pragma_index_info(%Q) ORDER BY seqno", index);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(part, error)) == SQLITE_ROW)
    if (key->width < PK_MOST_KEY)
      key->columns[key->width++].column = sqlite3_column_int(part, 0);
  sqlite3_finalize(part);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* `found` is a row of find_superfluous. */
static int advise_drop(pk_advice_rows *out, pk_what_if *copy,
                       sqlite3_stmt *found, pk_error *error) {
  const char *table = (const char *)sqlite3_column_text(found, 0);
  const char *index = (const char *)sqlite3_column_text(found, 1);
  const char *other = (const char *)sqlite3_column_text(found, 3);
  bool same = sqlite3_column_int(found, 4);
  pk_candidate dropped = {.table = pk_what_if_table(copy, table)};
  sqlite3_int64 bytes;
  if (!dropped.table) return SQLITE_OK;
  int rc = key_of_index(copy, index, &dropped.key, error);
  if (rc == SQLITE_OK) rc = pk_candidate_bytes(copy, &dropped, &bytes, error);
  if (rc != SQLITE_OK) return rc;
  char *ddl = pk_drop_ddl(copy, index);
  char *columns = pk_candidate_columns(&dropped);
  char *reason = sqlite3_mprintf(
      same ? "%s has the same columns in the same order as %s: one of them is "
             "written for nothing"
           : "the columns of %s are the first ones of %s, which serves every "
             "lookup that it serves",
      index, other);
  const pk_advice advice = {
      .action = "drop",
      .ddl = ddl,
      .undo_ddl = (const char *)sqlite3_column_text(found, 2),
      .table = table,
      .columns = columns,
      .kind = same ? "duplicate" : "prefix",
      .bytes = bytes,
      .before_ms = -1,
      .verified = "schema",
      .reason = reason,
      .warnings = "a statement that names it with INDEXED BY would fail"};
  if (ddl && columns && reason)
    pk_advise(out, &advice);
  else
    rc = pk_fail_memory(error);
  sqlite3_free(ddl);
  sqlite3_free(columns);
  sqlite3_free(reason);
  return rc;
}

static int review_indexes(pk_advice_rows *out, pk_what_if *copy,
                          pk_error *error) {
  sqlite3_stmt *found;
  int rc = pk_prepare(copy->db, &found, error, "%s", find_superfluous);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(found, error)) == SQLITE_ROW) {
    rc = advise_drop(out, copy, found, error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_list_indexes(pk_what_if *copy, pk_error *error) {
  return pk_run(copy->db, error, "%s", list_indexes);
}

int pk_advise_on_schema(pk_advice_rows *out, pk_what_if *copy,
                        pk_error *error) {
  int rc = review_foreign_keys(out, copy, error);
  if (rc == SQLITE_OK) rc = review_indexes(out, copy, error);
  if (rc == SQLITE_OK && copy->incomplete) {
    char *reason = sqlite3_mprintf("the private copy could not take in %s",
                                   pk_what_if_left_out(copy));
    pk_advise(out, &(pk_advice){
                       .action = "skipped", .before_ms = -1, .reason = reason});
    sqlite3_free(reason);
  }
  return rc;
}
