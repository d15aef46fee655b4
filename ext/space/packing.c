/* packing.c: see packing.h. */
#include "packing.h"

#include <stdbool.h>

static uint32_t room_bytes(int level, uint32_t usable_bytes) {
  return usable_bytes -
         (level == 0 ? PK_LEAF_HEADER_BYTES : PK_INTERIOR_HEADER_BYTES);
}

/* Puts a cell on the page that is being filled; false if it did not fit, and a
** new page was begun. */
static bool put(pk_packing *packing, int level, uint32_t cell_bytes,
                uint32_t usable_bytes) {
  uint32_t filled =
      packing->levels[level].filled_bytes + cell_bytes + PK_CELL_POINTER_BYTES;
  bool fits = filled <= room_bytes(level, usable_bytes);
  packing->levels[level].filled_bytes = fits ? filled : 0;
  packing->levels[level].full_pages += !fits;
  return fits;
}

static uint32_t bytes_on_leaf(const pk_page *page, const pk_cell *cell) {
  uint32_t bytes = cell->bytes - (page->leaf ? 0 : PK_CHILD_BYTES);
  return bytes < PK_LEAST_CELL_BYTES ? PK_LEAST_CELL_BYTES : bytes;
}

void pk_packing_add(pk_packing *packing, const pk_page *page,
                    const pk_cell *cell) {
  uint32_t usable = page->usable_bytes;
  uint32_t bytes = bytes_on_leaf(page, cell);
  if (put(packing, 0, bytes, usable)) return;
  uint32_t divider = PK_CHILD_BYTES + bytes;
  if (page->table) {
    put(packing, 0, bytes, usable);
    divider = PK_CHILD_BYTES + cell->key_bytes;
  }
  for (int level = 1; level < PK_DEEPEST_BTREE; level++)
    if (put(packing, level, divider, usable)) return;
}

double pk_packing_leaf_pages(const pk_packing *packing, uint32_t usable_bytes) {
  return (double)packing->levels[0].full_pages +
         (double)packing->levels[0].filled_bytes / room_bytes(0, usable_bytes);
}

sqlite3_int64 pk_packing_pages(const pk_packing *packing) {
  sqlite3_int64 pages = packing->levels[0].full_pages + 1;
  for (int level = 1; level < PK_DEEPEST_BTREE; level++) {
    sqlite3_int64 full = packing->levels[level].full_pages;
    if (full > 0 || packing->levels[level].filled_bytes > 0) pages += full + 1;
  }
  return pages;
}
