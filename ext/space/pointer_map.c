/*
** pointer_map.c: the pages of a database with auto_vacuum, from its pointer
** map. See space.h.
**
** The map has five bytes for each page: what it is, and which page leads to it
** (file format, section 1.8). One page in a thousand is read, and tells of the
** thousand behind it. A page belongs to the b-tree of its parent, and so on up
** to a root; on the way up each page takes the owner that was found.
**
** Memory: 4 bytes a page for its type and owner, and 4 for its parent.
*/
#include "space.h"

#include <string.h>

/* What the low bits of an owner are: a b-tree's index, or one of these. */
#define INDEX_BITS 28
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define NOT_YET INDEX_MASK
#define NOBODY (INDEX_MASK - 1)

typedef enum role { NOTHING, FREE, LEAF, INTERIOR, CHAIN } role;

typedef struct map_walk {
  pk_space *space;
  uint32_t *owner; /* by page number */
  uint32_t *parent;
  sqlite3_int64 free_pages;
} map_walk;

static role role_of(const map_walk *walk, uint32_t page) {
  return (role)(walk->owner[page] >> INDEX_BITS);
}

static uint32_t index_of(const map_walk *walk, uint32_t page) {
  return walk->owner[page] & INDEX_MASK;
}

static void set(map_walk *walk, uint32_t page, role is, uint32_t index) {
  walk->owner[page] = (uint32_t)is << INDEX_BITS | index;
}

/* ---- reading the map ---- */

static int see_entry(map_walk *walk, uint32_t page, pk_pointer entry,
                     uint32_t map, pk_error *error) {
  bool leads = entry.type == PK_POINTER_BTREE ||
               entry.type == PK_POINTER_OVERFLOW ||
               entry.type == PK_POINTER_CONTINUED;
  if (leads) {
    int rc = pk_space_check_page(walk->space, NULL, entry.parent, map, error);
    if (rc != SQLITE_OK) return rc;
    walk->parent[page] = entry.parent;
  }
  /* Its children may have been seen before it. */
  role is = role_of(walk, page) == INTERIOR ? INTERIOR : LEAF;
  if (entry.type == PK_POINTER_FREE) is = FREE;
  if (leads && entry.type != PK_POINTER_BTREE) is = CHAIN;
  set(walk, page, is, leads ? NOT_YET : NOBODY);
  if (entry.type == PK_POINTER_BTREE)
    set(walk, entry.parent, INTERIOR, index_of(walk, entry.parent));
  walk->free_pages += entry.type == PK_POINTER_FREE;
  return SQLITE_OK;
}

static int read_map_page(map_walk *walk, uint32_t map, pk_error *error) {
  pk_space *space = walk->space;
  uint32_t entries = pk_pointer_map_entries(space->usable_bytes);
  uint32_t lock = pk_lock_page(space->page_size);
  uint32_t next_map = pk_space_next_map(space, map);
  int rc = pk_space_read(space, map, 1, space->images, error);
  for (uint32_t i = 0; rc == SQLITE_OK && i < entries; i++) {
    pk_pointer entry;
    if (i >= space->page_count - map) break;
    uint32_t page = map + 1 + i;
    if (page == lock || page == next_map) continue;
    if (!pk_pointer_map_entry(space->images, i, &entry))
      return pk_space_corrupt(NULL, map, "of the pointer map is corrupt",
                              error);
    rc = see_entry(walk, page, entry, map, error);
  }
  return rc;
}

static int read_map(map_walk *walk, pk_error *error) {
  const pk_space *space = walk->space;
  int rc = SQLITE_OK;
  for (uint32_t map = 0;
       rc == SQLITE_OK && (map = pk_space_next_map(space, map)) != 0;)
    rc = read_map_page(walk, map, error);
  if (rc == SQLITE_OK && walk->free_pages != space->free_pages)
    rc = pk_fail(error, SQLITE_CORRUPT,
                 "the pointer map has %lld free pages, yet page 1 says %u; "
                 "PRAGMA integrity_check tells more",
                 walk->free_pages, space->free_pages);
  return rc;
}

/* ---- to whom a page belongs ---- */

static int own_roots(map_walk *walk, pk_error *error) {
  for (int i = 0; i < walk->space->count; i++) {
    pk_btree *tree = &walk->space->btrees[i];
    role is = tree->root == 1 && role_of(walk, 1) == NOTHING
                  ? LEAF
                  : role_of(walk, tree->root);
    if (walk->parent[tree->root] != 0 || (is != LEAF && is != INTERIOR))
      return pk_space_corrupt(tree, tree->root,
                              "is not a root in the pointer map", error);
    if (tree->root != 1 && index_of(walk, tree->root) != NOBODY)
      return pk_space_corrupt(tree, tree->root, "is in use twice", error);
    set(walk, tree->root, is, (uint32_t)i);
  }
  return SQLITE_OK;
}

/* Goes up to the first page whose owner is known, then hands it down. */
static int find_owner(map_walk *walk, uint32_t page, pk_error *error) {
  uint32_t up = page, steps = 0;
  while (index_of(walk, up) == NOT_YET) {
    up = walk->parent[up];
    if (steps++ > walk->space->page_count)
      return pk_space_corrupt(NULL, page, "leads in a circle", error);
  }
  uint32_t index = index_of(walk, up);
  bool in_btree = role_of(walk, up) >= LEAF;
  while (index_of(walk, page) == NOT_YET) {
    set(walk, page, role_of(walk, page), in_btree ? index : NOBODY);
    page = walk->parent[page];
  }
  return SQLITE_OK;
}

/* The first leaf that is met tells the depth: all are on one level. */
static int find_depth(const map_walk *walk, pk_btree *tree, uint32_t leaf,
                      pk_error *error) {
  tree->depth = 1;
  for (uint32_t page = leaf; page != tree->root; page = walk->parent[page])
    if (++tree->depth > PK_DEEPEST_BTREE)
      return pk_space_corrupt(tree, leaf, "lies too deep", error);
  return SQLITE_OK;
}

static int count_page(map_walk *walk, uint32_t page, pk_error *error) {
  uint32_t index = index_of(walk, page);
  if (index == NOBODY) {
    walk->space->loose_pages++;
    if (!walk->space->first_loose) walk->space->first_loose = page;
    return SQLITE_OK;
  }
  pk_btree *tree = &walk->space->btrees[index];
  role is = role_of(walk, page);
  tree->interior_pages += is == INTERIOR;
  tree->overflow_pages += is == CHAIN;
  tree->leaf_pages += is == LEAF;
  if (is != LEAF || tree->depth > 0) return SQLITE_OK;
  return find_depth(walk, tree, page, error);
}

static int count_pages(map_walk *walk, pk_error *error) {
  int rc = SQLITE_OK;
  for (uint32_t page = 1; rc == SQLITE_OK && page <= walk->space->page_count;
       page++) {
    role is = role_of(walk, page);
    if (is == NOTHING || is == FREE) continue;
    rc = find_owner(walk, page, error);
    if (rc == SQLITE_OK) rc = count_page(walk, page, error);
  }
  return rc;
}

/* ---- the walk ---- */

static int begin(map_walk *walk, pk_error *error) {
  sqlite3_uint64 bytes =
      ((sqlite3_uint64)walk->space->page_count + 1) * sizeof *walk->owner;
  walk->owner = sqlite3_malloc64(bytes);
  walk->parent = sqlite3_malloc64(bytes);
  if (!walk->owner || !walk->parent) return pk_fail_memory(error);
  memset(walk->owner, 0, bytes);
  memset(walk->parent, 0, bytes);
  return SQLITE_OK;
}

int pk_space_pointer_map(pk_space *space, pk_error *error) {
  map_walk walk = {.space = space};
  int rc = begin(&walk, error);
  if (rc == SQLITE_OK) rc = read_map(&walk, error);
  if (rc == SQLITE_OK) rc = own_roots(&walk, error);
  if (rc == SQLITE_OK) rc = count_pages(&walk, error);
  sqlite3_free(walk.owner);
  sqlite3_free(walk.parent);
  space->source = "pointer map";
  space->known = PK_KNOWS_OVERFLOW;
  return rc;
}
