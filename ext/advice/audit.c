/* audit.c: advice on the schema: foreign keys without an index, and indexes
** that others make superfluous. */
#include "../base/sql.h"
#include "advice.h"
#include "existing.h"

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
  char *reason =
      rows ? sqlite3_mprintf(
                 "%s(%s) refers to %s and has no index: to delete a row of %s, "
                 "or to change its key, %s is scanned in full (%s)",
                 index->table->name, index->columns, parent, parent,
                 index->table->name, rows)
           : NULL;
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
int pk_advise_on_foreign_keys(pk_advice_rows *out, pk_what_if *copy,
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

static int key_of_index(const pk_what_if *copy, const char *index, pk_key *key,
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

int pk_advise_drop(pk_advice_rows *out, const pk_what_if *copy,
                   pk_candidate *index, pk_advice row, pk_error *error) {
  int rc = key_of_index(copy, index->name, &index->key, error);
  if (rc == SQLITE_OK)
    rc = pk_candidate_bytes(copy, index, &index->bytes, error);
  if (rc != SQLITE_OK) return rc;
  char *ddl = pk_drop_ddl(copy->schema, index->name);
  char *columns = pk_candidate_columns(index);
  row.action = "drop";
  row.ddl = ddl;
  row.undo_ddl = index->ddl;
  row.table = index->table->name;
  row.columns = columns;
  row.before_ms = -1;
  row.bytes = index->bytes;
  if (ddl && columns && row.reason)
    pk_advise(out, &row);
  else
    rc = pk_fail_memory(error);
  sqlite3_free(ddl);
  sqlite3_free(columns);
  return rc;
}

/* `found` is a row of temp.prodkit_listed. */
static int advise_superfluous(pk_advice_rows *out, pk_what_if *copy,
                              sqlite3_stmt *found, pk_error *error) {
  pk_candidate index = {.table = pk_what_if_table(
                            copy, (const char *)sqlite3_column_text(found, 0)),
                        .name = (char *)sqlite3_column_text(found, 1),
                        .ddl = (char *)sqlite3_column_text(found, 2)};
  bool same = sqlite3_column_int(found, 4);
  if (!index.table) return SQLITE_OK;
  char *reason = sqlite3_mprintf(
      same ? "%s has the same columns in the same order as %s: one of them is "
             "written for nothing"
           : "the columns of %s are the first ones of %s, which serves every "
             "lookup that it serves",
      index.name, sqlite3_column_text(found, 3));
  int rc = pk_advise_drop(
      out, copy, &index,
      (pk_advice){
          .kind = same ? "duplicate" : "prefix",
          .verified = "schema",
          .reason = reason,
          .warnings = "a statement that names it with INDEXED BY would fail"},
      error);
  sqlite3_free(reason);
  return rc;
}

int pk_advise_on_indexes(pk_advice_rows *out, pk_what_if *copy,
                         pk_error *error) {
  sqlite3_stmt *found;
  int rc = pk_prepare(copy->db, &found, error,
                      "SELECT table_name, index_name, ddl, served_by, "
                      "is_duplicate FROM temp.prodkit_listed "
                      "WHERE served_by IS NOT NULL AND NOT is_settled "
                      "ORDER BY table_name, index_name");
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(found, error)) == SQLITE_ROW) {
    rc = advise_superfluous(out, copy, found, error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_list_indexes(pk_what_if *copy, pk_error *error) {
  char *existing = pk_existing_indexes(copy->schema);
  if (!existing) return pk_fail_memory(error);
  int rc = pk_run(
      copy->db, error,
      "CREATE TEMP TABLE prodkit_listed AS SELECT *, 0 AS is_settled FROM (%s)",
      existing);
  sqlite3_free(existing);
  return rc;
}
