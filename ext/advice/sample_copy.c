/* sample_copy.c: see sample_copy.h. */
#include "sample_copy.h"

#include "../base/clock.h"
#include "../base/sql.h"

/* A table with fewer rows than this, or than this share of the largest one, is
** copied as a whole. */
#define FEW_ROWS 10000
#define SMALL_SHARE 0.1

#define ROWS_BETWEEN_LOOKS 1000

bool pk_table_is_sampled(const pk_what_if *copy, const pk_copied_table *table) {
  sqlite3_int64 most = 0;
  for (int i = 0; i < copy->table_count; i++)
    if (copy->tables[i].rows > most) most = copy->tables[i].rows;
  return table->rows >= FEW_ROWS &&
         (double)table->rows >= (double)most * SMALL_SHARE;
}

/* ---- the key ---- */

/* What the sampled tables that refer to this one refer to; NULL for none. */
static int referred_column(const pk_what_if *copy, const pk_copied_table *table,
                           char **column, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && !*column && i < copy->table_count; i++) {
    const pk_copied_table *child = &copy->tables[i];
    if (child == table || !pk_table_is_sampled(copy, child)) continue;
    rc = pk_query_text(
        copy->db, column, error,
        "SELECT coalesce(\"to\", (SELECT name FROM pragma_table_info(%Q) "
        "WHERE pk = 1)) FROM pragma_foreign_key_list(%Q) "
        "WHERE \"table\" = %Q COLLATE NOCASE AND seq = 0 LIMIT 1",
        table->name, child->name, table->name);
  }
  return rc;
}

/* What refers to the largest of the sampled tables; NULL for none. */
static int referring_column(const pk_what_if *copy,
                            const pk_copied_table *table, char **column,
                            pk_error *error) {
  sqlite3_stmt *reference;
  sqlite3_int64 most = 0;
  int rc = pk_prepare(copy->db, &reference, error,
                      "SELECT \"from\", \"table\" FROM "
                      "pragma_foreign_key_list(%Q) WHERE seq = 0",
                      table->name);
  while (rc == SQLITE_OK && (rc = pk_step(reference, error)) == SQLITE_ROW) {
    const pk_copied_table *parent =
        pk_what_if_table(copy, (const char *)sqlite3_column_text(reference, 1));
    rc = SQLITE_OK;
    if (!parent || parent == table || parent->rows <= most ||
        !pk_table_is_sampled(copy, parent))
      continue;
    most = parent->rows;
    sqlite3_free(*column);
    *column = sqlite3_mprintf("%s", sqlite3_column_text(reference, 0));
    if (!*column) rc = pk_fail_memory(error);
  }
  sqlite3_finalize(reference);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* From sqlite3_malloc; NULL for the rowid. */
static int choose_key(const pk_what_if *copy, const pk_copied_table *table,
                      char **column, pk_error *error) {
  *column = NULL;
  int rc = referred_column(copy, table, column, error);
  if (rc == SQLITE_OK && !*column)
    rc = referring_column(copy, table, column, error);
  if (rc == SQLITE_OK && !*column)
    rc = pk_query_text(copy->db, column, error,
                       "SELECT name FROM pragma_table_info(%Q) WHERE pk = 1",
                       table->name);
  return rc;
}

/* ---- its hash ---- */

/* The finalizer of MurmurHash3: every bit of the number has a say in every bit
** of the hash. */
static sqlite3_uint64 mix(sqlite3_uint64 number) {
  number ^= number >> 33;
  number *= 0xff51afd7ed558ccdULL;
  number ^= number >> 33;
  number *= 0xc4ceb9fe1a85ec53ULL;
  return number ^ number >> 33;
}

/* FNV-1a */
static sqlite3_uint64 hash_bytes(const unsigned char *bytes, int count) {
  sqlite3_uint64 hash = 0xcbf29ce484222325ULL;
  for (int i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
  return hash;
}

/* Keys that compare as equal have one hash. NULL refers to nothing: then the
** number of the row decides. */
static bool is_chosen(sqlite3_stmt *row, int column, sqlite3_int64 number,
                      int one_in) {
  sqlite3_uint64 hash = (sqlite3_uint64)number;
  int type = sqlite3_column_type(row, column);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
    hash = (sqlite3_uint64)sqlite3_column_int64(row, column);
  else if (type != SQLITE_NULL)
    hash = hash_bytes(sqlite3_column_blob(row, column),
                      sqlite3_column_bytes(row, column));
  return mix(hash) % (unsigned)one_in == 0;
}

/* ---- rows ---- */

static int may_go_on(const pk_what_if *copy, sqlite3_int64 number,
                     double deadline, pk_error *error) {
  if (number % ROWS_BETWEEN_LOOKS != 0) return SQLITE_OK;
  if (pk_interrupted(copy->original))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  if (pk_seconds() > deadline)
    return pk_fail(error, SQLITE_ERROR, "max_seconds were over");
  return SQLITE_OK;
}

/* The key follows the columns that are inserted. */
static int insert_chosen(sqlite3_stmt *insert, sqlite3_stmt *row,
                         const pk_what_if *copy, int one_in, double deadline,
                         pk_error *error) {
  int key = sqlite3_column_count(row) - 1, rc;
  sqlite3_int64 number = 0;
  while ((rc = pk_step(row, error)) == SQLITE_ROW) {
    rc = may_go_on(copy, ++number, deadline, error);
    if (rc == SQLITE_OK && is_chosen(row, key, number, one_in))
      rc = pk_insert_row(insert, row, error);
    if (rc != SQLITE_OK) return rc;
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int copy_rows(sqlite3 *to, const pk_what_if *copy,
                     const pk_copied_table *table, int one_in, double deadline,
                     pk_error *error) {
  char *key = NULL, *columns = NULL, *marks = NULL;
  sqlite3_stmt *row = NULL, *insert = NULL;
  int rc = choose_key(copy, table, &key, error);
  if (rc == SQLITE_OK)
    rc = pk_insertable_columns(copy->db, table->name, &columns, &marks, error);
  if (rc == SQLITE_OK)
    rc = pk_prepare(copy->original, &row, error,
                    "SELECT %s, \"%w\" FROM \"%w\".\"%w\"", columns,
                    key ? key : "rowid", copy->schema, table->name);
  if (rc == SQLITE_OK)
    rc =
        pk_prepare(to, &insert, error, "INSERT INTO main.\"%w\"(%s) VALUES(%s)",
                   table->name, columns, marks);
  if (rc == SQLITE_OK)
    rc = insert_chosen(insert, row, copy,
                       pk_table_is_sampled(copy, table) ? one_in : 1, deadline,
                       error);
  sqlite3_finalize(row);
  sqlite3_finalize(insert);
  sqlite3_free(key);
  sqlite3_free(columns);
  sqlite3_free(marks);
  return rc;
}

/* ---- the schema ---- */

/* The copy of the schema has no rows but those of its own sqlite_stat1. */
static int copy_schema(sqlite3 *to, const pk_what_if *copy, pk_error *error) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", copy->db, "main");
  if (!backup) return pk_fail_db(error, to, "cannot copy the schema");
  int rc = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (rc != SQLITE_DONE)
    return pk_fail(error, rc, "cannot copy the schema: %s", sqlite3_errstr(rc));
  return pk_run(to, error, "DELETE FROM main.sqlite_stat1");
}

static int copy_statistics(sqlite3 *to, const pk_what_if *copy,
                           pk_error *error) {
  sqlite3_stmt *row, *insert = NULL;
  bool has;
  int rc = pk_what_if_has_statistics(copy, &has, error);
  if (rc != SQLITE_OK || !has) return rc;
  rc = pk_prepare(copy->original, &row, error,
                  "SELECT tbl, idx, stat FROM \"%w\".sqlite_stat1",
                  copy->schema);
  if (rc == SQLITE_OK)
    rc = pk_prepare(to, &insert, error,
                    "INSERT INTO main.sqlite_stat1 VALUES(?, ?, ?)");
  while (rc == SQLITE_OK && (rc = pk_step(row, error)) == SQLITE_ROW)
    rc = pk_insert_row(insert, row, error);
  sqlite3_finalize(row);
  sqlite3_finalize(insert);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_sample_copy(sqlite3 *to, const pk_what_if *copy, int one_in,
                   double deadline, pk_error *error) {
  int rc = copy_schema(to, copy, error);
  if (rc == SQLITE_OK) /* rows are taken as they are */
    rc = pk_run(to, error, "PRAGMA ignore_check_constraints = ON");
  if (rc == SQLITE_OK) rc = pk_run(to, error, "BEGIN");
  for (int i = 0; rc == SQLITE_OK && i < copy->table_count; i++)
    rc = copy_rows(to, copy, &copy->tables[i], one_in, deadline, error);
  if (rc == SQLITE_OK) rc = copy_statistics(to, copy, error);
  if (rc == SQLITE_OK) rc = pk_run(to, error, "COMMIT");
  return rc;
}
