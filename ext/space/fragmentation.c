/*
** fragmentation.c: where the pages of a database are, and what a VACUUM would
** give back.
**
**     SELECT name, pages, fill_ratio, reclaimable_bytes FROM prod_fragmentation;
**     SELECT * FROM prod_fragmentation('main', 'fast');
**     SELECT name, unused_bytes_low, unused_bytes_high
**       FROM prod_fragmentation('main', 'sample');
**     SELECT prod_fragmentation();
**
** The table amounts to
**
**     CREATE TABLE prod_fragmentation(
**       name TEXT, table_name TEXT, kind TEXT, pages INTEGER,
**       leaf_pages INTEGER, interior_pages INTEGER, overflow_pages INTEGER,
**       depth INTEGER, entries INTEGER, payload_bytes INTEGER,
**       unused_bytes INTEGER, fill_ratio REAL, scan_fragmentation REAL,
**       reclaimable_bytes INTEGER, source TEXT, unused_bytes_low INTEGER,
**       unused_bytes_high INTEGER, schema HIDDEN, tier HIDDEN);
**
** one row for each b-tree, the largest first, then those of pages that belong
** to none. The pages of all rows add up to page_count. The function answers one
** number from the header alone: the share of the file that is on the freelist.
**
** How it works. The pages are read by prodkit itself (format/page) from a
** snapshot (format/snapshot), not through SQLite's page cache.
**
**   tier     reads                                              source
**   exact    every page, in file order (page_walk.c)            page walk
**   sample   interior pages and some leaves (sample.c)          sample
**   fast     the pointer map, if there is one (pointer_map.c)   pointer map
**            else interior pages only (descent.c)               interior pages
**
** A cell of an interior page of a table b-tree is only a key to steer by; in an
** index b-tree, and so in a WITHOUT ROWID table, it is an entry like those of
** the leaves (file format, section 1.6). What VACUUM gives back is foretold by
** packing the same cells anew: see packing.h.
**
** Locking: the pages are those of one moment. In WAL mode a read transaction
** keeps a checkpoint from finishing meanwhile; in other modes a SHARED lock
** keeps writers waiting. It ends with the walk, or with the asking statement if
** that reads the same schema itself. See space.c for the connection it is on.
** Memory: 8 bytes a page for exact and for a pointer map, constant otherwise.
** Limits: bytes reserved at the end of each page count as used.
*/
#include <stdlib.h>
#include <string.h>

#include "../base/feature.h"
#include "../base/sql.h"
#include "space.h"

/* ---- the rows ---- */

static int largest_first(const void *one, const void *other) {
  const pk_btree *a = one, *b = other;
  sqlite3_int64 difference = pk_btree_pages(b) - pk_btree_pages(a);
  if (difference) return difference > 0 ? 1 : -1;
  return strcmp(a->name, b->name);
}

static void number_if(pk_rows *rows, bool known, sqlite3_int64 number) {
  if (known)
    pk_row_int64(rows, number);
  else
    pk_row_null(rows);
}

/* Of the pages that unused_bytes are counted in: of a sample, with as many
** overflow pages as its cells need. */
static void fill_ratio(pk_rows *rows, const pk_space *space,
                       const pk_btree *tree) {
  sqlite3_int64 pages =
      tree->leaf_pages + tree->interior_pages + tree->overflow_needed;
  if (!(space->known & PK_KNOWS_CONTENT) || pages == 0)
    pk_row_null(rows);
  else
    pk_row_double(rows, 1 - (double)tree->unused_bytes /
                                ((double)pages * space->page_size));
}

static void scan_fragmentation(pk_rows *rows, const pk_space *space,
                               const pk_btree *tree) {
  if (!(space->known & PK_KNOWS_ORDER))
    pk_row_null(rows);
  else if (tree->leaf_pages < 2)
    pk_row_double(rows, 0);
  else
    pk_row_double(rows, (double)tree->jumps / (double)(tree->leaf_pages - 1));
}

/* Overflow pages stay as many as they are. */
static sqlite3_int64 reclaimable_bytes(const pk_space *space,
                                       const pk_btree *tree) {
  sqlite3_int64 pages =
      tree->leaf_pages + tree->interior_pages - tree->packed_pages;
  return pages > 0 ? pages * space->page_size : 0;
}

static void btree_row(pk_rows *rows, const pk_space *space,
                      const pk_btree *tree) {
  bool content = space->known & PK_KNOWS_CONTENT;
  bool estimated = space->known & PK_ESTIMATED;
  pk_row(rows);
  pk_row_text(rows, tree->name);
  pk_row_text(rows, tree->table_name);
  pk_row_text(rows, tree->kind);
  pk_row_int64(rows, pk_btree_pages(tree));
  pk_row_int64(rows, tree->leaf_pages);
  pk_row_int64(rows, tree->interior_pages);
  number_if(rows, space->known & PK_KNOWS_OVERFLOW, tree->overflow_pages);
  pk_row_int64(rows, tree->depth);
  number_if(rows, content, tree->entries);
  number_if(rows, content, tree->payload_bytes);
  number_if(rows, content, tree->unused_bytes);
  fill_ratio(rows, space, tree);
  scan_fragmentation(rows, space, tree);
  number_if(rows, content, reclaimable_bytes(space, tree));
  pk_row_text(rows, space->source);
  number_if(rows, estimated, tree->unused_bytes_low);
  number_if(rows, estimated, tree->unused_bytes_high);
}

/* Pages that belong to no b-tree. Takes the name over. */
static void other_row(pk_rows *rows, char *name, const char *kind,
                      sqlite3_int64 pages, const char *source) {
  pk_row(rows);
  pk_row_take(rows, name);
  pk_row_null(rows);
  pk_row_text(rows, kind);
  pk_row_int64(rows, pages);
  for (int i = 0; i < 10; i++) pk_row_null(rows);
  pk_row_text(rows, source);
}

static void kind_row(pk_rows *rows, const char *kind, sqlite3_int64 pages,
                     const char *source) {
  other_row(rows, sqlite3_mprintf("%s", kind), kind, pages, source);
}

static void freelist_row(pk_rows *rows, const pk_space *space) {
  bool counted = strcmp(space->source, "page walk") == 0 ||
                 strcmp(space->source, "pointer map") == 0;
  pk_row(rows);
  pk_row_text(rows, "freelist");
  pk_row_null(rows);
  pk_row_text(rows, "freelist");
  pk_row_int64(rows, space->free_pages);
  for (int i = 0; i < 9; i++) pk_row_null(rows);
  pk_row_int64(rows, (sqlite3_int64)space->free_pages * space->page_size);
  pk_row_text(rows, counted ? space->source : "header");
}

/* Pages that no b-tree was found for are orphans where all were looked for;
** else they may well be of overflow chains that were not followed. */
static void loose_row(pk_rows *rows, const pk_space *space) {
  if (space->known & PK_KNOWS_OVERFLOW)
    other_row(
        rows,
        sqlite3_mprintf("orphan (the first is page %u)", space->first_loose),
        "orphan", space->loose_pages, space->source);
  else
    kind_row(rows, "overflow", space->loose_pages, space->source);
}

static void all_rows(pk_rows *rows, pk_space *space) {
  qsort(space->btrees, (size_t)space->count, sizeof(pk_btree), largest_first);
  for (int i = 0; i < space->count; i++)
    btree_row(rows, space, &space->btrees[i]);
  if (space->loose_pages > 0) loose_row(rows, space);
  if (space->map_pages > 0)
    kind_row(rows, "pointer map", space->map_pages, "header");
  if (space->lock_pages > 0)
    kind_row(rows, "lock page", space->lock_pages, "header");
  freelist_row(rows, space);
}

/* ---- the table ---- */

enum { EXACT, FAST, SAMPLE };
#define TIERS "exact fast sample"

static int walk(pk_space *space, int tier, pk_error *error) {
  switch (tier) {
    case EXACT:
      return pk_space_page_walk(space, error);
    case SAMPLE:
      return pk_space_sample(space, error);
    default:
      if (space->pointer_map) return pk_space_pointer_map(space, error);
      return pk_space_interior_pages(space, error);
  }
}

static int survey(pk_rows *rows, sqlite3 *db, const char *schema, int tier,
                  const char *avoid_direct, pk_error *error) {
  pk_space space;
  int rc = pk_space_open(&space, db, schema, avoid_direct, error);
  if (rc == SQLITE_OK) rc = walk(&space, tier, error);
  if (rc == SQLITE_OK) all_rows(rows, &space);
  pk_space_close(&space);
  return rc;
}

static int fragmentation_rows(pk_rows *rows, sqlite3 *db,
                              sqlite3_value **arguments, pk_error *error) {
  const char *schema = "main", *word = "exact";
  int tier = EXACT;
  int rc = pk_optional_text(arguments[1], "tier", &word, error);
  if (rc == SQLITE_OK) rc = pk_choice(word, TIERS, "tier", &tier, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[0], "schema", &schema, error);
  if (rc != SQLITE_OK) return rc;
  rc = survey(rows, db, schema, tier, NULL, error);
  if (rc == PK_SNAPSHOT_LOST) {
    pk_error_clear(error);
    rc =
        survey(rows, db, schema, tier, "the database changed meanwhile", error);
  }
  return rc;
}

/* ---- the function ---- */

static int pragma(sqlite3 *db, const char *schema, const char *name,
                  sqlite3_int64 *value, pk_error *error) {
  return pk_query_int64(db, value, error, "PRAGMA \"%w\".%s", schema, name);
}

/* One read transaction for both pragmas: it lasts while this statement stands
** on its row. A file that is no database fails here. */
static int read_sizes(sqlite3 *db, const char *schema,
                      sqlite3_int64 *page_count, sqlite3_int64 *free_pages,
                      pk_error *error) {
  sqlite3_stmt *reading;
  int rc = pk_prepare(db, &reading, error,
                      "SELECT count(*) FROM \"%w\".sqlite_schema", schema);
  if (rc == SQLITE_OK) rc = pk_step(reading, error);
  if (rc == SQLITE_ROW)
    rc = pragma(db, schema, "page_count", page_count, error);
  if (rc == SQLITE_OK)
    rc = pragma(db, schema, "freelist_count", free_pages, error);
  sqlite3_finalize(reading);
  return rc;
}

static int free_ratio(sqlite3_context *context, sqlite3_value **arguments,
                      pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  const char *schema = "main", *file;
  sqlite3_int64 page_count = 0, free_pages = 0;
  int rc = pk_optional_text(arguments[0], "schema", &schema, error);
  if (rc == SQLITE_OK) rc = pk_schema_file(db, schema, &file, error);
  if (rc == SQLITE_OK)
    rc = read_sizes(db, schema, &page_count, &free_pages, error);
  if (rc != SQLITE_OK) return rc;
  sqlite3_result_double(
      context, page_count > 0 ? (double)free_pages / (double)page_count : 0);
  return SQLITE_OK;
}

static const pk_function functions[] = {
    {.name = "prod_fragmentation",
     .arguments = "schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the share of the file (0 to 1) that is free pages, which a "
                "VACUUM gives back at least",
     .call = free_ratio},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_fragmentation",
     .columns =
         "name TEXT, table_name TEXT, kind TEXT, pages INTEGER, "
         "leaf_pages INTEGER, interior_pages INTEGER, overflow_pages INTEGER, "
         "depth INTEGER, entries INTEGER, payload_bytes INTEGER, "
         "unused_bytes INTEGER, fill_ratio REAL, scan_fragmentation REAL, "
         "reclaimable_bytes INTEGER, source TEXT, "
         "unused_bytes_low INTEGER, unused_bytes_high INTEGER",
     .arguments = "schema, tier",
     .flags = SQLITE_DIRECTONLY,
     .summary =
         "every b-tree and all other pages: pages, fill, scan order, what "
         "a VACUUM would give back",
     .produce = fragmentation_rows},
    {0}};

const pk_feature pk_fragmentation = {"fragmentation", functions, tables};
