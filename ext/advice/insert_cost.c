/* insert_cost.c: see insert_cost.h. */
#include "insert_cost.h"

#include "../base/clock.h"
#include "../base/sql.h"
#include "sample_copy.h"

/* A tenth of the table, within these bounds; of a small one, half. */
#define LEAST_WRITTEN 2000
#define MOST_WRITTEN 50000

/* What takes less is too short to compare. */
#define LEAST_SECONDS 0.0002

static sqlite3_int64 written_rows(const pk_proof *proof,
                                  const pk_copied_table *table) {
  bool sampled = pk_table_is_sampled(proof->copy, table);
  sqlite3_int64 rows = table->rows / (sampled ? proof->one_in : 1);
  sqlite3_int64 count = rows / 10;
  if (count < LEAST_WRITTEN) count = LEAST_WRITTEN;
  if (count > MOST_WRITTEN) count = MOST_WRITTEN;
  return count <= rows / 2 ? count : rows / 2;
}

static int choose_rows(pk_proof *proof, const pk_copied_table *table,
                       const char *columns, pk_error *error) {
  int rc =
      pk_run(proof->db, error, "DROP TABLE IF EXISTS prodkit_aside.chosen");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "CREATE TABLE prodkit_aside.chosen AS SELECT * FROM "
                "(SELECT rowid AS row, %s FROM main.\"%w\" "
                "ORDER BY rowid DESC LIMIT %lld) ORDER BY row",
                columns, table->name, written_rows(proof, table));
  return rc;
}

static int take_out(pk_proof *proof, const char *table, pk_error *error) {
  int rc = pk_run(proof->db, error,
                  "DELETE FROM main.\"%w\" WHERE rowid IN "
                  "(SELECT row FROM prodkit_aside.chosen)",
                  table);
  if (rc == SQLITE_OK) sqlite3_db_release_memory(proof->db);
  return rc;
}

/* In the order of their rowids. */
static int insert_rows(pk_proof *proof, sqlite3_stmt *insert, pk_error *error) {
  sqlite3_stmt *row;
  int rc =
      pk_prepare(proof->db, &row, error, "SELECT * FROM prodkit_aside.chosen");
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(row, error)) == SQLITE_ROW)
    if ((rc = pk_insert_row(insert, row, error)) != SQLITE_OK) break;
  sqlite3_finalize(row);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Takes the chosen rows out and puts them in again. */
static int time_inserts(pk_proof *proof, const char *table,
                        sqlite3_stmt *insert, double *seconds,
                        pk_error *error) {
  int rc = take_out(proof, table, error);
  double began = pk_thread_seconds();
  if (rc == SQLITE_OK) rc = pk_run(proof->db, error, "BEGIN");
  if (rc == SQLITE_OK) rc = insert_rows(proof, insert, error);
  if (rc == SQLITE_OK) rc = pk_run(proof->db, error, "COMMIT");
  *seconds = pk_thread_seconds() - began;
  return rc;
}

/* The same in one transaction, so that all is as before where rows do not go in
** again, because a constraint is younger than they are. The page cache shrinks
** to its new size meanwhile: what it writes for that is none of the table's. */
static int rehearse(pk_proof *proof, const char *table, sqlite3_stmt *insert,
                    bool *they_fit, pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  int rc = pk_run(proof->db, error, "BEGIN");
  if (rc != SQLITE_OK) return rc;
  rc = take_out(proof, table, &cause);
  if (rc == SQLITE_OK) rc = insert_rows(proof, insert, &cause);
  *they_fit = rc == SQLITE_OK;
  if (*they_fit) return pk_run(proof->db, error, "COMMIT");
  if ((rc & 0xff) == SQLITE_CONSTRAINT) {
    pk_error_clear(&cause);
    return pk_run(proof->db, error, "ROLLBACK");
  }
  *error = cause;
  return rc;
}

static int time_rehearsed(pk_proof *proof, const char *table,
                          sqlite3_stmt *insert, double *seconds,
                          pk_error *error) {
  bool they_fit = false;
  double taken = 0;
  int rc = rehearse(proof, table, insert, &they_fit, error);
  if (rc == SQLITE_OK && they_fit)
    rc = time_inserts(proof, table, insert, &taken, error);
  if (rc == SQLITE_OK && taken > LEAST_SECONDS) *seconds = taken;
  return rc;
}

static int use_cache_of_original(pk_proof *proof, pk_error *error) {
  sqlite3_int64 size = 0;
  int rc = pk_query_int64(proof->copy->original, &size, error,
                          "PRAGMA \"%w\".cache_size", proof->copy->schema);
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error, "PRAGMA main.cache_size = %lld", size);
  return rc;
}

/* A column of that name hides the number of the row. */
static bool hides_rowid(const pk_copied_table *table) {
  for (int i = 0; i < table->column_count; i++)
    if (sqlite3_stricmp(table->columns[i].name, "rowid") == 0 &&
        !table->columns[i].is_rowid)
      return true;
  return false;
}

/* ABORT, whatever a constraint of the table says should become of the row. */
static int choose_and_prepare(pk_proof *proof, const pk_copied_table *table,
                              const char *columns, const char *marks,
                              sqlite3_stmt **insert, pk_error *error) {
  int rc = choose_rows(proof, table, columns, error);
  if (rc != SQLITE_OK) return rc;
  return pk_prepare(proof->db, insert, error,
                    "INSERT OR ABORT INTO main.\"%w\"(rowid, %s) VALUES (?,%s)",
                    table->name, columns, marks);
}

/* *insert is NULL where the rows of the table cannot be inserted so. */
static int prepare_insert(pk_proof *proof, const pk_copied_table *table,
                          sqlite3_stmt **insert, pk_error *error) {
  char *columns = NULL, *marks = NULL;
  pk_error cause = PK_NO_ERROR;
  *insert = NULL;
  if (hides_rowid(table)) return SQLITE_OK;
  int rc =
      pk_insertable_columns(proof->db, table->name, &columns, &marks, &cause);
  if (rc == SQLITE_OK && columns)
    rc = choose_and_prepare(proof, table, columns, marks, insert, &cause);
  sqlite3_free(columns);
  sqlite3_free(marks);
  if (rc == SQLITE_ERROR) {
    pk_error_clear(&cause);
    return SQLITE_OK;
  }
  if (rc != SQLITE_OK) *error = cause;
  return rc;
}

int pk_insert_seconds(pk_proof *proof, const pk_copied_table *table,
                      double *seconds, pk_error *error) {
  sqlite3_stmt *insert = NULL;
  *seconds = 0;
  int rc = use_cache_of_original(proof, error);
  if (rc == SQLITE_OK) rc = prepare_insert(proof, table, &insert, error);
  if (rc == SQLITE_OK && insert)
    rc = time_rehearsed(proof, table->name, insert, seconds, error);
  sqlite3_finalize(insert);
  if (rc == SQLITE_OK) rc = pk_proof_use_cache(proof, error);
  return rc;
}
