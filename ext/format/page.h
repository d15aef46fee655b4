/*
** page.h: what stands on a page of a SQLite database.
**
** Decodes the pages that the file format
** (https://www.sqlite.org/fileformat2.html) knows: the database header, b-tree
** pages and their cells, pages of an overflow chain, trunks of the freelist,
** and pointer-map pages.
**
**     pk_page page;
**     pk_cell cell;
**     if (!pk_page_decode(&page, image, usable_bytes, number)) ...corrupt...
**     for (uint32_t i = 0; i < page.cells; i++)
**       if (!pk_page_cell(&page, i, &cell)) ...corrupt...
**
** All functions are pure: they look at one page image, keep nothing and
** allocate nothing. An image may hold any bytes whatever. It is of page_size
** bytes, and nothing beyond its first usable_bytes is looked at. What is not
** as the format says is told by `false`, and what was decoded until then is not
** to be used. Numbers of other pages are given as they stand there: whether
** they lie within the database, and lead in a circle, is for the caller to see.
**
** A cell is decoded in constant time, a page in the number of its freeblocks.
*/
#ifndef PK_PAGE_H
#define PK_PAGE_H

#include <stdbool.h>
#include <stdint.h>

/* The page that byte 2^30 is on, which SQLite locks and never uses. */
uint32_t pk_lock_page(uint32_t page_size);

/* ---- b-tree pages (section 1.6) ---- */

/* Header of a leaf page, and of an interior page. */
#define PK_LEAF_HEADER_BYTES 8
#define PK_INTERIOR_HEADER_BYTES 12

/* What a cell's pointer takes on its page. */
#define PK_CELL_POINTER_BYTES 2

/* The number of an interior cell's child, which stands before the rest. */
#define PK_CHILD_BYTES 4

/* Cells are at least so long, for a freeblock to fit where one was. */
#define PK_LEAST_CELL_BYTES 4

/* The deepest b-tree that SQLite reads (BTCURSOR_MAX_DEPTH). */
#define PK_DEEPEST_BTREE 20

typedef struct pk_page {
  const unsigned char *image;
  uint32_t number;
  uint32_t usable_bytes;
  bool leaf;  /* else interior */
  bool table; /* keys are rowids; else an index b-tree, which those
                         ** of WITHOUT ROWID tables are, too */
  uint32_t cells;
  uint32_t pointers;     /* where the array of cell pointers begins */
  uint32_t unused_bytes; /* gap, freeblocks and fragments, as dbstat counts */
  uint32_t right_child;  /* 0 on a leaf page */
} pk_page;

typedef struct pk_cell {
  uint32_t bytes;         /* on the page, with everything but its pointer */
  uint32_t child;         /* 0 on a leaf page */
  uint32_t key_bytes;     /* of the rowid in a table b-tree; 0 in an index */
  uint32_t payload_bytes; /* 0 on an interior page of a table */
  uint32_t local_bytes;   /* so much of the payload is on this page */
  uint32_t overflow;      /* the page where it goes on; 0 if all is here */
} pk_cell;

bool pk_page_decode(pk_page *page, const unsigned char *image,
                    uint32_t usable_bytes, uint32_t number);

/* Cell 0 to page->cells - 1, in key order. */
bool pk_page_cell(const pk_page *page, uint32_t index, pk_cell *cell);

/* ---- overflow chains (section 1.6.2) ---- */

/* Pages that the rest of a payload takes, and what stays empty on the last. */
uint32_t pk_overflow_pages(const pk_cell *cell, uint32_t usable_bytes);
uint32_t pk_overflow_unused_bytes(const pk_cell *cell, uint32_t usable_bytes);

/* The next page of the chain; 0 on the last. */
uint32_t pk_overflow_next(const unsigned char *image);

/* ---- the freelist (section 1.5) ---- */

typedef struct pk_trunk {
  const unsigned char *image;
  uint32_t next;   /* trunk; 0 on the last */
  uint32_t leaves; /* free pages that this trunk lists */
} pk_trunk;

bool pk_trunk_decode(pk_trunk *trunk, const unsigned char *image,
                     uint32_t usable_bytes);

/* Leaf 0 to trunk->leaves - 1. */
uint32_t pk_trunk_leaf(const pk_trunk *trunk, uint32_t index);

/* ---- the pointer map (section 1.8) ---- */

typedef enum pk_pointer_type {
  PK_POINTER_ROOT = 1,      /* of a b-tree; has no parent */
  PK_POINTER_FREE = 2,      /* on the freelist; has no parent */
  PK_POINTER_OVERFLOW = 3,  /* first of a chain; parent: the cell's page */
  PK_POINTER_CONTINUED = 4, /* later in a chain; parent: the page before */
  PK_POINTER_BTREE = 5,     /* parent: the interior page above */
} pk_pointer_type;

typedef struct pk_pointer {
  pk_pointer_type type;
  uint32_t parent;
} pk_pointer;

/* The page with the entry of page `number`, which is `number` itself if that is
** a pointer-map page. Page 1 has none: 0. (The lock page has one, unused.) */
uint32_t pk_pointer_map_page(uint32_t number, uint32_t page_size,
                             uint32_t usable_bytes);

/* Entries of a pointer-map page; entry i is of the page behind it by 1 + i. */
uint32_t pk_pointer_map_entries(uint32_t usable_bytes);
bool pk_pointer_map_entry(const unsigned char *image, uint32_t index,
                          pk_pointer *pointer);

#endif
