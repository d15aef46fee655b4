/*
** fragmentation.c: where the pages of a database are, and what a VACUUM would
** give back.
**
**     SELECT name, pages, fill_ratio, reclaimable_bytes FROM prod_fragmentation;
**     SELECT * FROM prod_fragmentation('temp');
**     SELECT * FROM prod_fragmentation('main', 'fast');
**     SELECT prod_fragmentation();
**
** The table amounts to
**
**     CREATE TABLE prod_fragmentation(
**       name TEXT, table_name TEXT, kind TEXT, pages INTEGER,
**       leaf_pages INTEGER, interior_pages INTEGER, overflow_pages INTEGER,
**       depth INTEGER, entries INTEGER, payload_bytes INTEGER,
**       unused_bytes INTEGER, fill_ratio REAL, scan_fragmentation REAL,
**       reclaimable_bytes INTEGER, source TEXT,
**       schema HIDDEN, tier HIDDEN);
**
** one row for each b-tree, the largest first, and one for the freelist, last.
** The function answers one number from the header alone: the share of the file
** that is on the freelist.
**
** How it works. Tier `exact` reads every page once through the host's dbstat,
** page by page and not aggregated. dbstat visits the pages of a b-tree in key
** order (https://sqlite.org/dbstat.html), which is what scan_fragmentation
** needs: it is the share of leaf pages that do not stand right behind the leaf
** before them. Tier `fast`, and `exact` on a host without dbstat, walk no page:
** the objects come from sqlite_schema with NULL for what is not known.
**
** A cell of an interior page of a table b-tree is only a key to steer by; in an
** index b-tree, and so in a WITHOUT ROWID table, it is an entry like those of
** the leaves (file format, section 1.6). Only the latter has a payload, which
** is how the two are told apart here.
**
** What VACUUM gives back is estimated by packing the same cells anew: see
** packed_pages().
**
** Locking: all of it happens in one read transaction, which in WAL mode keeps a
** checkpoint from finishing and in other modes a commit. It ends with the walk,
** or with the asking statement if that reads the same schema itself.
** Cost: `exact` reads the whole file through the page cache; `fast` and the
** function read the header and sqlite_schema. Memory: one record per b-tree.
** Limits: pointer-map and lock-byte pages belong to no b-tree and have no row,
** so the pages add up to page_count only where there are none.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/feature.h"
#include "../base/sql.h"

/* The header of a b-tree page (file format, section 1.6). */
#define LEAF_HEADER_BYTES 8
#define INTERIOR_HEADER_BYTES 12

/* All leaf pages of a b-tree, or all its interior pages. */
typedef struct btree_level {
  sqlite3_int64 pages, cells, unused_bytes;
} btree_level;

typedef struct btree {
  char *name, *table_name, *kind;
  btree_level leaves, interiors;
  sqlite3_int64 overflow_pages, depth, entries, payload_bytes, unused_bytes;
  sqlite3_int64 last_leaf; /* page number; 0 before the first */
  sqlite3_int64 jumps;     /* leaves that do not follow the leaf before */
} btree;

typedef struct space_survey {
  sqlite3 *db;
  const char *schema;
  sqlite3_stmt *reading; /* holds the read transaction */
  sqlite3_int64 page_size, page_count, free_pages;
  btree *btrees;
  int count;
  bool walked; /* the pages of the b-trees have been read */
} space_survey;

/* ---- the header and the schema ---- */

/* Opens the read transaction: it lasts while this statement stands on its
** row. A file that is no database fails here. */
static int begin_reading(space_survey *survey, pk_error *error) {
  int rc =
      pk_prepare(survey->db, &survey->reading, error,
                 "SELECT count(*) FROM \"%w\".sqlite_schema", survey->schema);
  if (rc == SQLITE_OK) rc = pk_step(survey->reading, error);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int pragma(const space_survey *survey, const char *name,
                  sqlite3_int64 *value, pk_error *error) {
  return pk_query_int64(survey->db, value, error, "PRAGMA \"%w\".%s",
                        survey->schema, name);
}

static int read_header(space_survey *survey, pk_error *error) {
  int rc = pragma(survey, "page_size", &survey->page_size, error);
  if (rc == SQLITE_OK)
    rc = pragma(survey, "page_count", &survey->page_count, error);
  if (rc == SQLITE_OK)
    rc = pragma(survey, "freelist_count", &survey->free_pages, error);
  return rc;
}

static char *text(sqlite3_stmt *row, int column) {
  return sqlite3_mprintf("%s", sqlite3_column_text(row, column));
}

static int add_btree(space_survey *survey, sqlite3_stmt *object,
                     pk_error *error) {
  btree *btrees = pk_array_room(survey->btrees, survey->count, sizeof *btrees);
  if (!btrees) return pk_fail_memory(error);
  survey->btrees = btrees;
  btree *tree = &btrees[survey->count++];
  *tree = (btree){.name = text(object, 0),
                  .table_name = text(object, 1),
                  .kind = text(object, 2)};
  if (!tree->name || !tree->table_name || !tree->kind)
    return pk_fail_memory(error);
  return SQLITE_OK;
}

/* Views, triggers and virtual tables have no b-tree: their rootpage is 0 or
** NULL. */
static int list_btrees(space_survey *survey, pk_error *error) {
  sqlite3_stmt *object;
  int rc = pk_prepare(survey->db, &object, error,
                      "SELECT 'sqlite_schema', 'sqlite_schema', 'schema' "
                      "UNION ALL SELECT name, tbl_name, type "
                      "FROM \"%w\".sqlite_schema WHERE rootpage > 0",
                      survey->schema);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(object, error)) == SQLITE_ROW) {
    rc = add_btree(survey, object, error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(object);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- the walk ---- */

static int by_name(const void *one, const void *other) {
  return strcmp(((const btree *)one)->name, ((const btree *)other)->name);
}

static btree *find_btree(const space_survey *survey, const char *name) {
  btree key = {.name = (char *)name};
  return bsearch(&key, survey->btrees, (size_t)survey->count, sizeof key,
                 by_name);
}

/* Every level of a b-tree adds one part to dbstat's path: "/" is the root,
** "/01c/003/" the third level. */
static int depth_of(const char *path) {
  int depth = 0;
  for (; *path; path++) depth += *path == '/';
  return depth;
}

static void add_leaf(btree *tree, sqlite3_int64 page, const char *path) {
  if (tree->last_leaf && page != tree->last_leaf + 1) tree->jumps++;
  tree->last_leaf = page;
  tree->depth = depth_of(path);
}

static void add_to_level(btree_level *level, sqlite3_stmt *page) {
  level->pages++;
  level->cells += sqlite3_column_int64(page, 4);
  level->unused_bytes += sqlite3_column_int64(page, 6);
}

/* The columns of PAGES_SQL. */
static int add_page(btree *tree, sqlite3_stmt *page, pk_error *error) {
  const char *path = (const char *)sqlite3_column_text(page, 1);
  sqlite3_int64 number = sqlite3_column_int64(page, 2);
  const char *type = (const char *)sqlite3_column_text(page, 3);
  sqlite3_int64 cells = sqlite3_column_int64(page, 4);
  sqlite3_int64 payload = sqlite3_column_int64(page, 5);
  if (!path || !type) return pk_fail_memory(error);
  if (strcmp(type, "leaf") == 0) {
    add_to_level(&tree->leaves, page);
    add_leaf(tree, number, path);
    tree->entries += cells;
  } else if (strcmp(type, "internal") == 0) {
    add_to_level(&tree->interiors, page);
    if (payload > 0) tree->entries += cells; /* an index b-tree */
  } else if (strcmp(type, "overflow") == 0) {
    tree->overflow_pages++;
  } else {
    return pk_fail(error, SQLITE_CORRUPT,
                   "page %lld, in the b-tree of \"%s\", is corrupt; "
                   "PRAGMA integrity_check tells more",
                   number, tree->name);
  }
  tree->payload_bytes += payload;
  tree->unused_bytes += sqlite3_column_int64(page, 6);
  return SQLITE_OK;
}

/* dbstat is asked for in the temp schema, where it is found all the same, so
** that a table of that name in the user's database does not stand before it.
** It walks in this order anyway, and sorts nothing. */
#define PAGES_SQL                                                \
  "SELECT name, path, pageno, pagetype, ncell, payload, unused " \
  "FROM temp.dbstat WHERE schema = %Q AND aggregate = 0 "        \
  "ORDER BY name, path"

/* In a corrupt file a page can be the child of several, or of itself: dbstat
** gives up 32 levels down only, after more pages than one can wait for. */
static int walk_pages(space_survey *survey, sqlite3_stmt *page,
                      pk_error *error) {
  sqlite3_int64 seen = 0;
  btree *tree = NULL;
  int rc;
  while ((rc = sqlite3_step(page)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(page, 0);
    if (!name) return pk_fail_memory(error);
    if (!tree || strcmp(tree->name, name) != 0) tree = find_btree(survey, name);
    if (!tree || ++seen > survey->page_count)
      return pk_fail(error, SQLITE_CORRUPT,
                     "the b-tree of \"%s\" has pages of another; "
                     "PRAGMA integrity_check tells more",
                     name);
    rc = add_page(tree, page, error);
    if (rc != SQLITE_OK) return rc;
  }
  if (rc == SQLITE_DONE) return SQLITE_OK;
  return pk_fail_db(error, survey->db, "cannot read the pages of \"%s\"",
                    tree ? tree->name : survey->schema);
}

/* A host without dbstat leaves the figures unknown. */
static int walk(space_survey *survey, pk_error *error) {
  pk_error no_dbstat = PK_NO_ERROR;
  sqlite3_stmt *page;
  int rc = pk_prepare(survey->db, &page, &no_dbstat, PAGES_SQL, survey->schema);
  pk_error_clear(&no_dbstat);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc != SQLITE_OK) return SQLITE_OK;
  qsort(survey->btrees, (size_t)survey->count, sizeof(btree), by_name);
  rc = walk_pages(survey, page, error);
  sqlite3_finalize(page);
  survey->walked = true;
  return rc;
}

/* ---- what a VACUUM would give back ---- */

/* Pages that the cells of a level need when they are packed: a page is left
** when the next cell does not fit, which wastes half a cell on average. */
static double packed(const btree_level *level, double room_bytes) {
  if (level->cells == 0) return (double)level->pages;
  double used = (double)level->pages * room_bytes - (double)level->unused_bytes;
  double cell = used / (double)level->cells;
  return ceil(used / (room_bytes - cell / 2));
}

/* Pages of a b-tree with the same cells, freshly packed as VACUUM does it: the
** leaves, then level upon level of interior pages with as many children as
** their cells, of today's mean size, allow. Overflow pages stay as they are. */
static double packed_pages(const btree *tree, double page_size) {
  double below = packed(&tree->leaves, page_size - LEAF_HEADER_BYTES);
  double pages = below + (double)tree->overflow_pages;
  if (tree->interiors.cells == 0) return pages;
  double interior = packed(&tree->interiors, page_size - INTERIOR_HEADER_BYTES);
  double children = fmax(2, 1 + (double)tree->interiors.cells / interior);
  while (below > 1) {
    below = ceil(below / children);
    pages += below;
  }
  return pages;
}

static sqlite3_int64 pages_of(const btree *tree) {
  return tree->leaves.pages + tree->interiors.pages + tree->overflow_pages;
}

static sqlite3_int64 reclaimable_bytes(const btree *tree,
                                       sqlite3_int64 page_size) {
  double pages = (double)pages_of(tree) - packed_pages(tree, (double)page_size);
  return pages > 0 ? (sqlite3_int64)pages * page_size : 0;
}

/* ---- the rows ---- */

static int largest_first(const void *one, const void *other) {
  sqlite3_int64 difference =
      pages_of((const btree *)other) - pages_of((const btree *)one);
  if (difference) return difference > 0 ? 1 : -1;
  return by_name(one, other);
}

static void figures(pk_rows *rows, const btree *tree, sqlite3_int64 page_size) {
  sqlite3_int64 pages = pages_of(tree);
  sqlite3_int64 leaves = tree->leaves.pages;
  pk_row_int64(rows, pages);
  pk_row_int64(rows, leaves);
  pk_row_int64(rows, tree->interiors.pages);
  pk_row_int64(rows, tree->overflow_pages);
  pk_row_int64(rows, tree->depth);
  pk_row_int64(rows, tree->entries);
  pk_row_int64(rows, tree->payload_bytes);
  pk_row_int64(rows, tree->unused_bytes);
  if (pages > 0)
    pk_row_double(rows,
                  1 - (double)tree->unused_bytes / (double)(pages * page_size));
  else
    pk_row_null(rows);
  pk_row_double(rows,
                leaves > 1 ? (double)tree->jumps / (double)(leaves - 1) : 0);
  pk_row_int64(rows, reclaimable_bytes(tree, page_size));
}

static void unknown_figures(pk_rows *rows) {
  for (int i = 0; i < 11; i++) pk_row_null(rows);
}

static void btree_row(pk_rows *rows, const space_survey *survey,
                      const btree *tree) {
  pk_row(rows);
  pk_row_text(rows, tree->name);
  pk_row_text(rows, tree->table_name);
  pk_row_text(rows, tree->kind);
  if (survey->walked)
    figures(rows, tree, survey->page_size);
  else
    unknown_figures(rows);
  pk_row_text(rows, survey->walked ? "dbstat" : "schema");
}

static void freelist_row(pk_rows *rows, const space_survey *survey) {
  pk_row(rows);
  pk_row_text(rows, "freelist");
  pk_row_null(rows);
  pk_row_text(rows, "freelist");
  pk_row_int64(rows, survey->free_pages);
  for (int i = 0; i < 9; i++) pk_row_null(rows);
  pk_row_int64(rows, survey->free_pages * survey->page_size);
  pk_row_text(rows, "header");
}

static void all_rows(pk_rows *rows, const space_survey *survey) {
  qsort(survey->btrees, (size_t)survey->count, sizeof(btree), largest_first);
  for (int i = 0; i < survey->count; i++)
    btree_row(rows, survey, &survey->btrees[i]);
  freelist_row(rows, survey);
}

static void end_survey(space_survey *survey) {
  sqlite3_finalize(survey->reading);
  for (int i = 0; i < survey->count; i++) {
    sqlite3_free(survey->btrees[i].name);
    sqlite3_free(survey->btrees[i].table_name);
    sqlite3_free(survey->btrees[i].kind);
  }
  sqlite3_free(survey->btrees);
}

/* ---- the table and the function ---- */

/* Fails for a schema that is not attached. What follows it, end_survey() must
** in every case. */
static int begin_survey(space_survey *survey, sqlite3_value *schema,
                        pk_error *error) {
  const char *file;
  int rc = pk_optional_text(schema, "schema", &survey->schema, error);
  if (rc == SQLITE_OK)
    rc = pk_schema_file(survey->db, survey->schema, &file, error);
  if (rc == SQLITE_OK) rc = begin_reading(survey, error);
  if (rc == SQLITE_OK) rc = read_header(survey, error);
  return rc;
}

static int fragmentation_rows(pk_rows *rows, sqlite3 *db,
                              sqlite3_value **arguments, pk_error *error) {
  space_survey survey = {.db = db, .schema = "main"};
  const char *word = "exact";
  enum { EXACT, FAST };
  int tier = EXACT;
  int rc = pk_optional_text(arguments[1], "tier", &word, error);
  if (rc == SQLITE_OK) rc = pk_choice(word, "exact fast", "tier", &tier, error);
  if (rc == SQLITE_OK) rc = begin_survey(&survey, arguments[0], error);
  if (rc == SQLITE_OK) rc = list_btrees(&survey, error);
  if (rc == SQLITE_OK && tier == EXACT) rc = walk(&survey, error);
  if (rc == SQLITE_OK) all_rows(rows, &survey);
  end_survey(&survey);
  return rc;
}

static int free_ratio(sqlite3_context *context, sqlite3_value **arguments,
                      pk_error *error) {
  space_survey survey = {.db = sqlite3_context_db_handle(context),
                         .schema = "main"};
  int rc = begin_survey(&survey, arguments[0], error);
  if (rc == SQLITE_OK)
    sqlite3_result_double(
        context, survey.page_count > 0
                     ? (double)survey.free_pages / (double)survey.page_count
                     : 0);
  end_survey(&survey);
  return rc;
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
         "reclaimable_bytes INTEGER, source TEXT",
     .arguments = "schema, tier",
     .flags = SQLITE_DIRECTONLY,
     .summary = "every b-tree and the freelist: pages, fill, scan order, what "
                "a VACUUM would give back",
     .produce = fragmentation_rows},
    {0}};

const pk_feature pk_fragmentation = {"fragmentation", functions, tables};
