/*
** packing.h: how many pages a b-tree would have, freshly packed.
**
** VACUUM appends the cells of each b-tree in key order: a leaf is filled until
** the next cell does not fit. In a table b-tree that cell then opens the next
** leaf, and its parent gets a cell with the rowid; in an index b-tree it moves
** up as the parent's cell itself. Interior pages fill in the same way.
**
** The same is done here with the sizes of the cells alone, in whatever order
** the pages come along. Cells of one page are neighbours by key, so that the
** order of pages makes next to no difference. Constant memory for each b-tree.
*/
#ifndef PK_PACKING_H
#define PK_PACKING_H

#include "../base/host.h"
#include "../format/page.h"

typedef struct pk_packing {
  struct {
    sqlite3_int64 full_pages;
    uint32_t filled_bytes;    /* of the page that is being filled */
  } levels[PK_DEEPEST_BTREE]; /* leaves first */
} pk_packing;

/* Adds an entry of the b-tree: any cell of a leaf, or of an interior page of an
** index. `cell` is of `page`. */
void pk_packing_add(pk_packing *packing, const pk_page *page,
                    const pk_cell *cell);

/* Leaf pages so far, the last one by its filled part. */
double pk_packing_leaf_pages(const pk_packing *packing, uint32_t usable_bytes);

/* All pages of the b-tree but those of overflow chains. */
sqlite3_int64 pk_packing_pages(const pk_packing *packing);

#endif
