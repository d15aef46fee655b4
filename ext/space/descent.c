/* descent.c: see space.h. */
#include "space.h"

#include <stddef.h>

typedef struct descent {
  pk_space *space;
  pk_btree *tree;
  const pk_visitor *visitor;
} descent;

static unsigned char *image_of(const pk_space *space, int level) {
  return space->images + (size_t)level * space->page_size;
}

static int read_page(const descent *d, uint32_t number, int level,
                     pk_page *page, pk_error *error) {
  unsigned char *image = image_of(d->space, level);
  int rc = pk_space_read(d->space, number, 1, image, error);
  if (rc == SQLITE_OK &&
      !pk_page_decode(page, image, d->space->usable_bytes, number))
    rc = pk_space_corrupt(d->tree, number, "is corrupt", error);
  return rc;
}

/* Child 0 to page->cells: the last is the right one. */
static int child_of(const descent *d, const pk_page *page, uint32_t index,
                    uint32_t *child, pk_error *error) {
  pk_cell cell = {.child = page->right_child};
  if (index < page->cells && !pk_page_cell(page, index, &cell))
    return pk_space_corrupt(d->tree, page->number, "is corrupt", error);
  *child = cell.child;
  return pk_space_check_page(d->space, d->tree, *child, page->number, error);
}

/* Goes down on the left until it meets a leaf. */
static int find_depth(const descent *d, pk_error *error) {
  pk_page page;
  uint32_t number = d->tree->root;
  for (int depth = 1; depth <= PK_DEEPEST_BTREE; depth++) {
    int rc = read_page(d, number, 0, &page, error);
    if (rc != SQLITE_OK) return rc;
    d->tree->depth = depth;
    d->tree->table = page.table;
    if (page.leaf) return SQLITE_OK;
    rc = child_of(d, &page, 0, &number, error);
    if (rc != SQLITE_OK) return rc;
  }
  return pk_space_corrupt(d->tree, d->tree->root, "leads in a circle", error);
}

/* In a corrupt file a page can be the child of several. */
static int count_visit(const descent *d, uint32_t number, pk_error *error) {
  if (d->space->visited++ < d->space->page_count) return SQLITE_OK;
  return pk_space_corrupt(d->tree, number, "is in use twice", error);
}

static int visit_leaf(const descent *d, uint32_t number, pk_error *error) {
  pk_btree *tree = d->tree;
  int rc = count_visit(d, number, error);
  if (rc != SQLITE_OK) return rc;
  tree->leaf_pages++;
  tree->jumps += tree->last_leaf && number != tree->last_leaf + 1;
  tree->last_leaf = number;
  if (!d->visitor->leaf) return SQLITE_OK;
  return d->visitor->leaf(d->visitor->context, tree, number, error);
}

static int visit_interior(const descent *d, const pk_page *page,
                          pk_error *error) {
  int rc = count_visit(d, page->number, error);
  if (rc == SQLITE_OK && (page->leaf || page->table != d->tree->table))
    rc = pk_space_corrupt(d->tree, page->number, "is of a wrong type", error);
  if (rc != SQLITE_OK) return rc;
  d->tree->interior_pages++;
  if (!d->visitor->interior) return SQLITE_OK;
  return d->visitor->interior(d->visitor->context, d->tree, page, error);
}

/* Level 1 is the root's; it goes no deeper than PK_DEEPEST_BTREE. */
static int descend(const descent *d, uint32_t number, int level,
                   pk_error *error) {
  pk_page page;
  if (level == d->tree->depth) return visit_leaf(d, number, error);
  int rc = read_page(d, number, level - 1, &page, error);
  if (rc == SQLITE_OK) rc = visit_interior(d, &page, error);
  for (uint32_t i = 0; rc == SQLITE_OK && i <= page.cells; i++) {
    uint32_t child;
    rc = child_of(d, &page, i, &child, error);
    if (rc == SQLITE_OK) rc = descend(d, child, level + 1, error);
  }
  return rc;
}

int pk_space_descend(pk_space *space, const pk_visitor *visitor,
                     pk_error *error) {
  int rc = SQLITE_OK;
  if (space->page_count == 0) return SQLITE_OK;
  space->visited = 0;
  for (int i = 0; rc == SQLITE_OK && i < space->count; i++) {
    pk_btree *tree = &space->btrees[i];
    descent d = {space, tree, visitor};
    tree->leaf_pages = tree->interior_pages = tree->jumps = 0;
    tree->last_leaf = 0;
    rc = find_depth(&d, error);
    if (rc == SQLITE_OK) rc = descend(&d, tree->root, 1, error);
  }
  return rc;
}

/* ---- the walk of interior pages only ---- */

int pk_space_count_loose(pk_space *space, pk_error *error) {
  space->loose_pages = (sqlite3_int64)space->page_count - space->free_pages -
                       space->map_pages - space->lock_pages;
  for (int i = 0; i < space->count; i++)
    space->loose_pages -= pk_btree_pages(&space->btrees[i]);
  if (space->loose_pages < 0)
    return pk_fail(error, SQLITE_CORRUPT,
                   "the b-trees and the freelist have %lld pages more than the "
                   "database; PRAGMA integrity_check tells more",
                   -space->loose_pages);
  if (space->loose_pages == 0) space->known |= PK_KNOWS_OVERFLOW;
  return SQLITE_OK;
}

int pk_space_interior_pages(pk_space *space, pk_error *error) {
  static const pk_visitor nobody = {0};
  int rc = pk_space_descend(space, &nobody, error);
  if (rc == SQLITE_OK) rc = pk_space_count_loose(space, error);
  space->source = "interior pages";
  space->known |= PK_KNOWS_ORDER;
  return rc;
}
