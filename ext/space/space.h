/*
** space.h: a database whose pages are being counted.
**
**     pk_space space = {0};
**     int rc = pk_space_open(&space, db, "main", NULL, error);
**     if (rc == SQLITE_OK) rc = pk_space_page_walk(&space, error);
**     ...space.btrees...
**     pk_space_close(&space);                        due in every case
**
** Opening lists the b-trees and pins the pages, both of one moment. Then one of
** the walks fills in the figures of the b-trees, each as far as it can: `known`
** says how far. A corrupt page is an error that names it and its b-tree.
*/
#ifndef PK_SPACE_H
#define PK_SPACE_H

#include "../base/error.h"
#include "../format/page.h"
#include "../format/snapshot.h"
#include "packing.h"

/* What is known of every b-tree after a walk. */
enum {
  PK_KNOWS_OVERFLOW = 1, /* overflow_pages */
  PK_KNOWS_ORDER = 2,    /* jumps */
  PK_KNOWS_CONTENT = 4,  /* entries, payload, unused and packed pages */
  PK_ESTIMATED = 8,      /* the content, from a sample */
};

typedef struct pk_btree {
  char *name, *table_name, *kind; /* from sqlite3_malloc */
  uint32_t root;
  bool table; /* rows by rowid; else an index b-tree */
  int depth;
  sqlite3_int64 leaf_pages, interior_pages, overflow_pages;
  uint32_t last_leaf;  /* the one before, in key order; 0 before the first */
  sqlite3_int64 jumps; /* leaves that do not stand right behind that one */
  sqlite3_int64 overflow_needed; /* by its cells, where those are counted */
  sqlite3_int64 entries, payload_bytes, unused_bytes;
  sqlite3_int64 unused_bytes_low, unused_bytes_high; /* 95 %, of a sample */
  pk_packing packing;
  sqlite3_int64 packed_pages; /* that VACUUM would leave */
} pk_btree;

typedef struct pk_space {
  sqlite3 *db;           /* the user's, to whose interrupts we listen */
  sqlite3 *private;      /* another to the same file, or NULL */
  sqlite3_stmt *reading; /* holds a read transaction of the user's, or NULL */
  pk_snapshot *snapshot;
  uint32_t page_size, page_count, usable_bytes, first_trunk, free_pages;
  bool pointer_map;

  pk_btree *btrees; /* sqlite_schema first */
  int count;
  unsigned known;
  const char *source;
  sqlite3_int64 map_pages, lock_pages;
  sqlite3_int64 loose_pages; /* no b-tree was found for them */
  uint32_t first_loose;      /* 0 when it is not known */

  unsigned char *images; /* for descending: one page for each level */
  uint32_t visited;      /* b-tree pages seen while descending */
  uint32_t reads;        /* since the last look for an interrupt */
} pk_space;

/* avoid_direct: see pk_snapshot_open. */
int pk_space_open(pk_space *space, sqlite3 *db, const char *schema,
                  const char *avoid_direct, pk_error *error);

void pk_space_close(pk_space *space);

/* Reads pages, and looks for an interrupt now and then. */
int pk_space_read(pk_space *space, uint32_t first, uint32_t count,
                  unsigned char *images, pk_error *error);

/* Fails: "page 5, in the b-tree of "t", FAULT". `tree` NULL: in none. */
int pk_space_corrupt(const pk_btree *tree, uint32_t page, const char *fault,
                     pk_error *error);

/* Fails unless there is such a page; `from` is the page that names it. */
int pk_space_check_page(const pk_space *space, const pk_btree *tree,
                        uint32_t page, uint32_t from, pk_error *error);

/* The pointer-map page after `map` (0: the first); 0 after the last. */
uint32_t pk_space_next_map(const pk_space *space, uint32_t map);

sqlite3_int64 pk_btree_pages(const pk_btree *tree);

/* ---- going down from a root (descent.c) ---- */

/* Told of each page of a b-tree. Both may be NULL. */
typedef struct pk_visitor {
  int (*interior)(void *context, pk_btree *tree, const pk_page *page,
                  pk_error *error);
  int (*leaf)(void *context, pk_btree *tree, uint32_t page, pk_error *error);
  void *context;
} pk_visitor;

/* Reads the interior pages of every b-tree, which name its leaves: all its
** leaves are on one level. Fills in depth, pages and jumps, and tells the
** visitor, in key order. Reads one leaf of each b-tree. Constant memory. */
int pk_space_descend(pk_space *space, const pk_visitor *visitor,
                     pk_error *error);

/* Counts what belongs to no b-tree and is none of the file's own pages. After
** a descent these are the pages of overflow chains: if there are none, no
** b-tree has any, and that is known. */
int pk_space_count_loose(pk_space *space, pk_error *error);

/* ---- the walks, from exact to fast ---- */

/* page_walk.c: every page in file order. 8 bytes of memory a page. */
int pk_space_page_walk(pk_space *space, pk_error *error);

/* sample.c: interior pages, and some leaves. */
int pk_space_sample(pk_space *space, pk_error *error);

/* descent.c: interior pages only. */
int pk_space_interior_pages(pk_space *space, pk_error *error);

/* pointer_map.c: of a database with auto_vacuum. 8 bytes of memory a page. */
int pk_space_pointer_map(pk_space *space, pk_error *error);

#endif
