/*
** table_sizes.c: what each table takes of the file, with its indexes.
**
**     SELECT table_name, total_bytes, share FROM prod_table_sizes;
**     SELECT * FROM prod_table_sizes('main');
**
** The table amounts to
**
**     CREATE TABLE prod_table_sizes(
**       table_name TEXT, rows INTEGER, table_bytes INTEGER,
**       index_bytes INTEGER, overflow_bytes INTEGER, total_bytes INTEGER,
**       share REAL, schema HIDDEN);
**
** one row for each table, the largest first; sqlite_schema is one of them. All
** sizes are of whole pages. table_bytes and index_bytes are those of the
** b-trees, overflow_bytes what long rows and index entries take beside them;
** the three add up to total_bytes. share is of the whole file, 0 to 1; what
** tables lack of 1 is free pages and the file's own.
**
** How it works: the rows of prod_fragmentation, added up. Locking, cost and
** memory are those of its tier `exact`: every page is read.
*/
#include "../base/feature.h"
#include "../base/sql.h"

/* The sizes come first and are one row: the pages are walked once. */
static const char sizes_sql[] =
    "SELECT table_name, sum(iif(kind = 'index', 0, entries)), "
    "  page_size * sum(iif(kind = 'index', 0, leaf_pages + interior_pages)), "
    "  page_size * sum(iif(kind = 'index', leaf_pages + interior_pages, 0)), "
    "  page_size * sum(overflow_pages), page_size * sum(pages), "
    "  sum(pages) * 1.0 / nullif(page_count, 0) "
    "FROM pragma_page_size(?1) CROSS JOIN pragma_page_count(?1) "
    "CROSS JOIN prod_fragmentation(?1) "
    "WHERE table_name IS NOT NULL GROUP BY table_name ORDER BY 6 DESC, 1";

/* NULL where there is none: the file of an empty database has no pages. */
static void size_row(pk_rows *rows, sqlite3_stmt *size) {
  pk_row(rows);
  pk_row_text(rows, (const char *)sqlite3_column_text(size, 0));
  for (int i = 1; i < 6; i++) pk_row_int64(rows, sqlite3_column_int64(size, i));
  if (sqlite3_column_type(size, 6) == SQLITE_NULL)
    pk_row_null(rows);
  else
    pk_row_double(rows, sqlite3_column_double(size, 6));
}

static int size_rows(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                     pk_error *error) {
  const char *schema = "main", *file;
  sqlite3_stmt *size;
  int rc = pk_optional_text(arguments[0], "schema", &schema, error);
  if (rc == SQLITE_OK) rc = pk_schema_file(db, schema, &file, error);
  if (rc == SQLITE_OK) rc = pk_prepare(db, &size, error, "%s", sizes_sql);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_bind_text(size, 1, schema, -1, SQLITE_STATIC) == SQLITE_OK
           ? SQLITE_ROW
           : pk_fail_memory(error);
  while (rc == SQLITE_ROW && (rc = pk_step(size, error)) == SQLITE_ROW)
    size_row(rows, size);
  sqlite3_finalize(size);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static const pk_table tables[] = {
    {.name = "prod_table_sizes",
     .columns = "table_name TEXT, rows INTEGER, table_bytes INTEGER, "
                "index_bytes INTEGER, overflow_bytes INTEGER, "
                "total_bytes INTEGER, share REAL",
     .arguments = "schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "what each table takes of the file: rows, its own bytes, its "
                "indexes, overflow",
     .produce = size_rows},
    {0}};

const pk_feature pk_table_sizes = {"table_sizes", NULL, tables};
