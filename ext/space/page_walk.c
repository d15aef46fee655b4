/*
** page_walk.c: every page of a database, in file order. See space.h.
**
** What a page is cannot be told from the page: a free page may look like a leaf
** of a b-tree that is gone. So ownership is given from the top only, and each
** page has one owner or is found out:
**
** 1. The trunks of the freelist name the free pages; pointer-map pages and the
**    lock page stand where they must.
** 2. The interior pages of each b-tree, from its root, name its leaves.
** 3. All pages are read in file order, in large chunks. Cells of leaves and
**    interior pages are counted; those that overflow name the head of a chain.
**    Of a page that has no owner yet, the next page is kept, in case it is
**    found to be of a chain.
** 4. The chains are followed in memory. What is left has no owner.
**
** Memory: 4 bytes a page for its owner, and 4 for the next page of a chain.
*/
#include "space.h"

#include <string.h>

#define CHUNK_BYTES (1u << 20)

/* An owner is a role and the index of a b-tree. */
typedef enum role {
  UNKNOWN = 0,
  FREE,
  MAP,
  LOCK,
  LEAF,
  INTERIOR,
  CHAIN_HEAD,
  CHAIN,
} role;

#define ROLE_SHIFT 28
#define INDEX_MASK ((1u << ROLE_SHIFT) - 1)

typedef struct page_walk {
  pk_space *space;
  uint32_t *owner; /* by page number */
  uint32_t *next;
} page_walk;

static role role_of(const page_walk *walk, uint32_t page) {
  return (role)(walk->owner[page] >> ROLE_SHIFT);
}

static pk_btree *tree_of(const page_walk *walk, uint32_t page) {
  role is = role_of(walk, page);
  if (is < LEAF) return NULL;
  return &walk->space->btrees[walk->owner[page] & INDEX_MASK];
}

/* `tree` is NULL for what belongs to none. */
static int claim(page_walk *walk, uint32_t page, role is, pk_btree *tree,
                 pk_error *error) {
  if (walk->owner[page] != 0)
    return pk_space_corrupt(tree ? tree : tree_of(walk, page), page,
                            "is in use twice", error);
  uint32_t index = tree ? (uint32_t)(tree - walk->space->btrees) : 0;
  walk->owner[page] = (uint32_t)is << ROLE_SHIFT | index;
  return SQLITE_OK;
}

/* ---- 1. pages of the file's own ---- */

static int claim_trunk(page_walk *walk, uint32_t number, pk_trunk *trunk,
                       sqlite3_int64 *pages, pk_error *error) {
  pk_space *space = walk->space;
  int rc = claim(walk, number, FREE, NULL, error);
  if (rc == SQLITE_OK)
    rc = pk_space_read(space, number, 1, space->images, error);
  if (rc != SQLITE_OK) return rc;
  if (!pk_trunk_decode(trunk, space->images, space->usable_bytes))
    return pk_space_corrupt(NULL, number, "of the freelist is corrupt", error);
  for (uint32_t i = 0; rc == SQLITE_OK && i < trunk->leaves; i++) {
    uint32_t leaf = pk_trunk_leaf(trunk, i);
    rc = pk_space_check_page(space, NULL, leaf, number, error);
    if (rc == SQLITE_OK) rc = claim(walk, leaf, FREE, NULL, error);
  }
  *pages += 1 + trunk->leaves;
  return rc;
}

static int claim_freelist(page_walk *walk, pk_error *error) {
  const pk_space *space = walk->space;
  sqlite3_int64 pages = 0;
  uint32_t from = 1;
  pk_trunk trunk = {.next = space->first_trunk};
  while (trunk.next != 0) {
    uint32_t number = trunk.next;
    int rc = pk_space_check_page(space, NULL, number, from, error);
    if (rc == SQLITE_OK) rc = claim_trunk(walk, number, &trunk, &pages, error);
    if (rc != SQLITE_OK) return rc;
    from = number;
  }
  if (pages != space->free_pages)
    return pk_fail(error, SQLITE_CORRUPT,
                   "the freelist has %lld pages, yet page 1 says %u; PRAGMA "
                   "integrity_check tells more",
                   pages, space->free_pages);
  return SQLITE_OK;
}

static int claim_own_pages(page_walk *walk, pk_error *error) {
  const pk_space *space = walk->space;
  int rc = SQLITE_OK;
  if (space->lock_pages > 0)
    rc = claim(walk, pk_lock_page(space->page_size), LOCK, NULL, error);
  for (uint32_t map = 0;
       rc == SQLITE_OK && (map = pk_space_next_map(space, map)) != 0;)
    rc = claim(walk, map, MAP, NULL, error);
  return rc == SQLITE_OK ? claim_freelist(walk, error) : rc;
}

/* ---- 2. b-trees ---- */

static int claim_interior(void *context, pk_btree *tree, const pk_page *page,
                          pk_error *error) {
  return claim(context, page->number, INTERIOR, tree, error);
}

static int claim_leaf(void *context, pk_btree *tree, uint32_t page,
                      pk_error *error) {
  return claim(context, page, LEAF, tree, error);
}

static int claim_btrees(page_walk *walk, pk_error *error) {
  pk_visitor visitor = {claim_interior, claim_leaf, walk};
  return pk_space_descend(walk->space, &visitor, error);
}

/* ---- 3. all pages ---- */

static int see_overflow(page_walk *walk, pk_btree *tree, const pk_page *page,
                        const pk_cell *cell, pk_error *error) {
  tree->overflow_needed += pk_overflow_pages(cell, page->usable_bytes);
  tree->unused_bytes += pk_overflow_unused_bytes(cell, page->usable_bytes);
  int rc = pk_space_check_page(walk->space, tree, cell->overflow, page->number,
                               error);
  if (rc != SQLITE_OK) return rc;
  return claim(walk, cell->overflow, CHAIN_HEAD, tree, error);
}

static int see_cells(page_walk *walk, pk_btree *tree, const pk_page *page,
                     pk_error *error) {
  pk_cell cell;
  bool entries = page->leaf || !page->table;
  for (uint32_t i = 0; i < page->cells; i++) {
    if (!pk_page_cell(page, i, &cell))
      return pk_space_corrupt(tree, page->number, "is corrupt", error);
    if (!entries) continue;
    tree->payload_bytes += cell.payload_bytes;
    pk_packing_add(&tree->packing, page, &cell);
    if (cell.local_bytes == cell.payload_bytes) continue;
    int rc = see_overflow(walk, tree, page, &cell, error);
    if (rc != SQLITE_OK) return rc;
  }
  if (entries) tree->entries += page->cells;
  tree->unused_bytes += page->unused_bytes;
  return SQLITE_OK;
}

static int see_btree_page(page_walk *walk, uint32_t number,
                          const unsigned char *image, pk_error *error) {
  pk_page page;
  pk_btree *tree = tree_of(walk, number);
  if (!pk_page_decode(&page, image, walk->space->usable_bytes, number))
    return pk_space_corrupt(tree, number, "is corrupt", error);
  if (page.leaf != (role_of(walk, number) == LEAF) || page.table != tree->table)
    return pk_space_corrupt(tree, number, "is of a wrong type", error);
  return see_cells(walk, tree, &page, error);
}

static int see_page(page_walk *walk, uint32_t number,
                    const unsigned char *image, pk_error *error) {
  switch (role_of(walk, number)) {
    case LEAF:
    case INTERIOR:
      return see_btree_page(walk, number, image, error);
    case UNKNOWN:
    case CHAIN_HEAD:
      walk->next[number] = pk_overflow_next(image);
      return SQLITE_OK;
    default:
      return SQLITE_OK;
  }
}

static int see_all_pages(page_walk *walk, pk_error *error) {
  pk_space *space = walk->space;
  uint32_t chunk_pages = CHUNK_BYTES / space->page_size, count;
  unsigned char *chunk = sqlite3_malloc(CHUNK_BYTES);
  int rc = chunk ? SQLITE_OK : pk_fail_memory(error);
  for (uint32_t done = 0; rc == SQLITE_OK && done < space->page_count;
       done += count) {
    uint32_t left = space->page_count - done;
    count = left < chunk_pages ? left : chunk_pages;
    rc = pk_space_read(space, done + 1, count, chunk, error);
    for (uint32_t i = 0; rc == SQLITE_OK && i < count; i++)
      rc = see_page(walk, done + 1 + i, chunk + (size_t)i * space->page_size,
                    error);
  }
  sqlite3_free(chunk);
  return rc;
}

/* ---- 4. overflow chains ---- */

/* Each page is claimed once, so a chain ends, and none runs into another. */
static int follow_chain(page_walk *walk, uint32_t head, pk_error *error) {
  pk_btree *tree = tree_of(walk, head);
  uint32_t page = head, next;
  for (tree->overflow_pages++; (next = walk->next[page]) != 0;
       tree->overflow_pages++) {
    int rc = pk_space_check_page(walk->space, tree, next, page, error);
    if (rc == SQLITE_OK) rc = claim(walk, next, CHAIN, tree, error);
    if (rc != SQLITE_OK) return rc;
    page = next;
  }
  return SQLITE_OK;
}

static int follow_chains(page_walk *walk, pk_error *error) {
  const pk_space *space = walk->space;
  for (uint32_t page = 1; page <= space->page_count; page++) {
    if (role_of(walk, page) != CHAIN_HEAD) continue;
    int rc = follow_chain(walk, page, error);
    if (rc != SQLITE_OK) return rc;
  }
  for (int i = 0; i < space->count; i++) {
    const pk_btree *tree = &space->btrees[i];
    if (tree->overflow_pages != tree->overflow_needed)
      return pk_fail(error, SQLITE_CORRUPT,
                     "the overflow chains of the b-tree of \"%s\", root page "
                     "%u, have %lld pages, yet its cells need %lld; PRAGMA "
                     "integrity_check tells more",
                     tree->name, tree->root, tree->overflow_pages,
                     tree->overflow_needed);
  }
  return SQLITE_OK;
}

static void count_loose(page_walk *walk) {
  pk_space *space = walk->space;
  for (uint32_t page = space->page_count; page > 0; page--) {
    if (role_of(walk, page) != UNKNOWN) continue;
    space->loose_pages++;
    space->first_loose = page;
  }
}

/* ---- the walk ---- */

static int begin(page_walk *walk, pk_error *error) {
  sqlite3_uint64 bytes =
      ((sqlite3_uint64)walk->space->page_count + 1) * sizeof *walk->owner;
  walk->owner = sqlite3_malloc64(bytes);
  walk->next = sqlite3_malloc64(bytes);
  if (!walk->owner || !walk->next) return pk_fail_memory(error);
  memset(walk->owner, 0, bytes);
  memset(walk->next, 0, bytes);
  return SQLITE_OK;
}

int pk_space_page_walk(pk_space *space, pk_error *error) {
  page_walk walk = {.space = space};
  int rc = begin(&walk, error);
  if (rc == SQLITE_OK) rc = claim_own_pages(&walk, error);
  if (rc == SQLITE_OK) rc = claim_btrees(&walk, error);
  if (rc == SQLITE_OK) rc = see_all_pages(&walk, error);
  if (rc == SQLITE_OK) rc = follow_chains(&walk, error);
  if (rc == SQLITE_OK) count_loose(&walk);
  sqlite3_free(walk.owner);
  sqlite3_free(walk.next);
  for (int i = 0; i < space->count; i++)
    space->btrees[i].packed_pages = pk_packing_pages(&space->btrees[i].packing);
  space->source = "page walk";
  space->known = PK_KNOWS_OVERFLOW | PK_KNOWS_ORDER | PK_KNOWS_CONTENT;
  return rc;
}
