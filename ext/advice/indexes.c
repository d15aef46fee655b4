/*
** indexes.c: the indexes that exist, what they take, and whether they are of
** use.
**
**     SELECT index_name, bytes, verdict FROM prod_indexes;
**     SELECT index_name, calls, verdict FROM prod_indexes('orders');
**
** amounts to
**
**     CREATE TABLE prod_indexes(
**       schema_name TEXT, table_name TEXT, index_name TEXT, columns TEXT,
**       is_unique INTEGER, is_partial INTEGER, origin TEXT, pages INTEGER,
**       bytes INTEGER, distinct_ratio REAL, calls INTEGER, verdict TEXT,
**       ddl TEXT, drop_ddl TEXT,
**       of_table HIDDEN, schema HIDDEN);
**
** one row for each index of one table, or of all, by table and name.
**
** The verdict. "duplicate of x" and "prefix of x" follow from the definitions:
** x has the same columns in the same collations and directions, or begins with
** them, and has no condition. Only an index that CREATE INDEX made, and that is
** not unique, partial or on an expression, is called so. "unused" is such an
** index that no captured statement uses (prod_query_stats), although some read
** or write its table; an index that serves in place of one that is used, or
** that begins with a column of a foreign key, is not called so. Anything else
** is "ok".
**
** How it works. Sizes come from dbstat, where the host has it; distinct_ratio
** from sqlite_stat1; uses from prod_explain of the captured statements. What is
** not known is NULL.
**
** Locking: short SELECTs on the caller's connection. Cost: dbstat reads each
** page of an index. Limits: what was captured stands for all that runs; an
** index for a yearly report may look unused.
*/
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/feature.h"
#include "../base/sql.h"
#include "existing.h"

/* One captured statement reads an index, or a table without one. */
typedef struct use {
  char *table, *index; /* index NULL: the table itself */
  sqlite3_int64 calls;
} use;

typedef struct listing {
  pk_rows *rows;
  sqlite3 *db;
  const char *schema;
  bool captured; /* there are statements to look for uses in */
  use *uses;
  int use_count;
} listing;

static const char *text_of(sqlite3_stmt *found, int column) {
  return (const char *)sqlite3_column_text(found, column);
}

/* ---- uses ---- */

static int add_use(listing *all, const char *table, const char *index,
                   sqlite3_int64 calls, pk_error *error) {
  if (!table) return SQLITE_OK;
  use *uses = pk_array_room(all->uses, all->use_count, sizeof *uses);
  if (!uses) return pk_fail_memory(error);
  all->uses = uses;
  use *made = &uses[all->use_count++];
  *made = (use){.table = sqlite3_mprintf("%s", table), .calls = calls};
  if (index) made->index = sqlite3_mprintf("%s", index);
  return made->table && (made->index || !index) ? SQLITE_OK
                                                : pk_fail_memory(error);
}

/* A statement that cannot be explained here uses nothing that is known. */
static int add_uses_of(listing *all, sqlite3_value *sql, sqlite3_int64 calls,
                       pk_error *error) {
  sqlite3_stmt *line;
  pk_error unknown = PK_NO_ERROR;
  int rc = pk_prepare(all->db, &line, error,
                      "SELECT table_name, index_name FROM prod_explain(?1)");
  if (rc == SQLITE_OK && sqlite3_bind_value(line, 1, sql) != SQLITE_OK)
    rc = pk_fail_memory(error);
  while (rc == SQLITE_OK && pk_step(line, &unknown) == SQLITE_ROW)
    rc = add_use(all, text_of(line, 0), text_of(line, 1), calls, error);
  sqlite3_finalize(line);
  if (unknown.code == SQLITE_NOMEM) rc = pk_fail_memory(error);
  pk_error_clear(&unknown);
  return rc;
}

static int read_uses(listing *all, pk_error *error) {
  sqlite3_stmt *statement;
  pk_error missing = PK_NO_ERROR;
  int rc = pk_prepare(all->db, &statement, &missing,
                      "SELECT query, calls FROM prod_query_stats");
  pk_error_clear(&missing);
  if (rc != SQLITE_OK) return SQLITE_OK;
  while ((rc = pk_step(statement, error)) == SQLITE_ROW) {
    all->captured = true;
    rc = add_uses_of(all, sqlite3_column_value(statement, 0),
                     sqlite3_column_int64(statement, 1), error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(statement);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool is_same(const char *one, const char *other) {
  return one && other && sqlite3_stricmp(one, other) == 0;
}

static sqlite3_int64 calls_of(const listing *all, const char *index) {
  sqlite3_int64 calls = 0;
  for (int i = 0; i < all->use_count; i++)
    if (is_same(all->uses[i].index, index)) calls += all->uses[i].calls;
  return calls;
}

static bool is_used(const listing *all, const char *index) {
  for (int i = 0; i < all->use_count; i++)
    if (is_same(all->uses[i].index, index)) return true;
  return false;
}

static bool is_touched(const listing *all, const char *table) {
  for (int i = 0; i < all->use_count; i++)
    if (is_same(all->uses[i].table, table)) return true;
  return false;
}

/* ---- sizes and statistics ---- */

static int show_size(listing *all, const char *index, pk_error *error) {
  sqlite3_stmt *size;
  pk_error missing = PK_NO_ERROR;
  int rc = pk_prepare(all->db, &size, &missing,
                      "SELECT pageno, pgsize FROM dbstat(%Q, 1) "
                      "WHERE name = %Q",
                      all->schema, index);
  pk_error_clear(&missing);
  if (rc == SQLITE_OK) rc = pk_step(size, error);
  if (rc == SQLITE_ROW) {
    pk_row_int64(all->rows, sqlite3_column_int64(size, 0));
    pk_row_int64(all->rows, sqlite3_column_int64(size, 1));
  } else {
    pk_row_null(all->rows);
    pk_row_null(all->rows);
  }
  sqlite3_finalize(size);
  return error->code;
}

/* The last number of a sqlite_stat1 text is how many rows have one key of all
** columns, on average. */
static double rows_per_key(const char *stat) {
  double last = 0;
  for (char *end; *stat; stat = end) {
    double number = strtod(stat, &end);
    if (end == stat) break;
    last = number;
  }
  return last;
}

static int show_distinct(listing *all, const char *index, pk_error *error) {
  char *stat = NULL;
  pk_error missing = PK_NO_ERROR;
  int rc = pk_query_text(all->db, &stat, &missing,
                         "SELECT stat FROM \"%w\".sqlite_stat1 "
                         "WHERE idx = %Q",
                         all->schema, index);
  if (rc == SQLITE_NOMEM) pk_fail_memory(error);
  pk_error_clear(&missing);
  double rows = stat ? rows_per_key(stat) : 0;
  sqlite3_free(stat);
  if (rows >= 1)
    pk_row_double(all->rows, 1 / rows);
  else
    pk_row_null(all->rows);
  return error->code;
}

/* ---- the indexes ---- */

enum {
  TABLE,
  INDEX,
  COLUMNS,
  IS_UNIQUE,
  IS_PARTIAL,
  ORIGIN,
  DDL,
  IS_DROPPABLE,
  SERVED_BY,
  IS_DUPLICATE,
  BEGINS_WITH_FOREIGN_KEY
};

/* Who made it, in words. */
static const char *origin_of(sqlite3_stmt *found) {
  const char *origin = text_of(found, ORIGIN);
  if (is_same(origin, "pk")) return "primary_key";
  return is_same(origin, "u") ? "unique" : "create_index";
}

static char *verdict_on(const listing *all, sqlite3_stmt *found) {
  const char *other = text_of(found, SERVED_BY);
  if (other)
    return sqlite3_mprintf(
        "%s of %s",
        sqlite3_column_int(found, IS_DUPLICATE) ? "duplicate" : "prefix",
        other);
  bool unused = all->captured && sqlite3_column_int(found, IS_DROPPABLE) &&
                !sqlite3_column_int(found, BEGINS_WITH_FOREIGN_KEY) &&
                is_touched(all, text_of(found, TABLE)) &&
                !is_used(all, text_of(found, INDEX));
  return sqlite3_mprintf(unused ? "unused" : "ok");
}

static int show_index(listing *all, sqlite3_stmt *found, pk_error *error) {
  const char *index = text_of(found, INDEX);
  pk_rows *rows = all->rows;
  if (!index) return pk_fail_memory(error);
  pk_row(rows);
  pk_row_text(rows, all->schema);
  pk_row_text(rows, text_of(found, TABLE));
  pk_row_text(rows, index);
  pk_row_text(rows, text_of(found, COLUMNS));
  pk_row_int64(rows, sqlite3_column_int(found, IS_UNIQUE));
  pk_row_int64(rows, sqlite3_column_int(found, IS_PARTIAL));
  pk_row_text(rows, origin_of(found));
  int rc = show_size(all, index, error);
  if (rc == SQLITE_OK) rc = show_distinct(all, index, error);
  if (rc != SQLITE_OK) return rc;
  if (all->captured)
    pk_row_int64(rows, calls_of(all, index));
  else
    pk_row_null(rows);
  pk_row_take(rows, verdict_on(all, found));
  pk_row_text(rows, text_of(found, DDL));
  if (text_of(found, DDL)) /* one of a constraint cannot be dropped */
    pk_row_take(rows, pk_drop_ddl(all->schema, index));
  return SQLITE_OK;
}

static int check_table(const listing *all, const char *table, pk_error *error) {
  sqlite3_int64 found = 0;
  if (!table) return SQLITE_OK;
  int rc = pk_query_int64(all->db, &found, error,
                          "SELECT 1 FROM \"%w\".sqlite_schema WHERE "
                          "type = 'table' AND name = %Q COLLATE NOCASE",
                          all->schema, table);
  if (rc == SQLITE_OK && !found)
    rc = pk_fail(error, SQLITE_ERROR, "there is no table \"%s\" in \"%s\"",
                 table, all->schema);
  return rc;
}

/* Where a superfluous index is used, the one that serves as well is not to be
** called unused. */
static int note_substitute(listing *all, sqlite3_stmt *found, pk_error *error) {
  const char *other = text_of(found, SERVED_BY);
  if (!other || !is_used(all, text_of(found, INDEX))) return SQLITE_OK;
  return add_use(all, text_of(found, TABLE), other, 0, error);
}

static int for_each(listing *all, sqlite3_stmt *found,
                    int (*what)(listing *, sqlite3_stmt *, pk_error *),
                    pk_error *error) {
  int rc;
  while ((rc = pk_step(found, error)) == SQLITE_ROW) {
    rc = what(all, found, error);
    if (rc != SQLITE_OK) return rc;
  }
  sqlite3_reset(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int list(listing *all, const char *table, pk_error *error) {
  sqlite3_stmt *found = NULL;
  char *existing = pk_existing_indexes(all->schema);
  if (!existing) return pk_fail_memory(error);
  int rc = pk_prepare(all->db, &found, error,
                      "SELECT table_name, index_name, columns, is_unique, "
                      "is_partial, origin, ddl, is_droppable, served_by, "
                      "is_duplicate, begins_with_foreign_key FROM (%s) "
                      "WHERE coalesce(table_name = %Q COLLATE NOCASE, 1) "
                      "ORDER BY table_name, index_name",
                      existing, table);
  sqlite3_free(existing);
  if (rc == SQLITE_OK) rc = for_each(all, found, note_substitute, error);
  if (rc == SQLITE_OK) rc = for_each(all, found, show_index, error);
  sqlite3_finalize(found);
  return rc;
}

static int indexes(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                   pk_error *error) {
  const char *table = NULL;
  listing all = {.rows = rows, .db = db, .schema = "main"};
  int rc = pk_optional_text(arguments[0], "of_table", &table, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "schema", &all.schema, error);
  if (rc == SQLITE_OK) rc = pk_check_schema(db, all.schema, error);
  if (rc == SQLITE_OK) rc = check_table(&all, table, error);
  if (rc == SQLITE_OK) rc = read_uses(&all, error);
  if (rc == SQLITE_OK) rc = list(&all, table, error);
  for (int i = 0; i < all.use_count; i++) {
    sqlite3_free(all.uses[i].table);
    sqlite3_free(all.uses[i].index);
  }
  sqlite3_free(all.uses);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_indexes",
     .columns = "schema_name TEXT, table_name TEXT, index_name TEXT, "
                "columns TEXT, is_unique INTEGER, is_partial INTEGER, "
                "origin TEXT, pages INTEGER, bytes INTEGER, "
                "distinct_ratio REAL, calls INTEGER, verdict TEXT, ddl TEXT, "
                "drop_ddl TEXT",
     .arguments = "of_table, schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the indexes that exist: size, selectivity, use, and whether "
                "another makes them superfluous",
     .produce = indexes},
    {0}};

const pk_feature pk_indexes = {"indexes", .tables = tables};
