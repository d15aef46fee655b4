/*
** sample.c: the interior pages of a database, and some of its leaves. See
** space.h.
**
** Which pages a b-tree has, its depth and its order on disk are exact, as the
** interior pages tell them. What is in the leaves is estimated for each b-tree
** from a random sample without replacement: MOST_LEAVES for the whole database
** in proportion to its leaves, but LEAST_LEAVES of each b-tree, all if it has
** no more. For the unused bytes there is a 95 % confidence interval: mean and
** variance between leaves, Student's t, and the correction for a sample that is
** a good part of the whole.
**
** The dice begin with the same number each time: as long as the b-trees stay
** as they are, so does the answer.
**
** Memory: 8 bytes for a leaf that is looked at.
*/
#include "space.h"

#include <math.h>
#include <stdlib.h>

#define MOST_LEAVES 2000
#define LEAST_LEAVES 30

typedef struct chosen_leaf {
  uint32_t page;
  int tree;
} chosen_leaf;

/* Sums over the leaves of a b-tree that were looked at. */
typedef struct leaf_sums {
  sqlite3_int64 leaves, wanted, chosen, passed;
  double entries, payload, unused, unused_squared, overflow;
} leaf_sums;

typedef struct sample {
  pk_space *space;
  leaf_sums *sums; /* by b-tree */
  chosen_leaf *leaves;
  int count;
  uint64_t dice;
} sample;

/* A number from 0 to 1 (splitmix64). */
static double throw_dice(sample *taken) {
  uint64_t z = taken->dice += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* ---- what is on a page ---- */

typedef struct page_sums {
  sqlite3_int64 entries, payload, unused, overflow;
} page_sums;

static int sum_page(pk_btree *tree, const pk_page *page, page_sums *sums,
                    pk_error *error) {
  pk_cell cell;
  *sums = (page_sums){.unused = page->unused_bytes};
  if (!page->leaf && page->table) return SQLITE_OK;
  sums->entries = page->cells;
  for (uint32_t i = 0; i < page->cells; i++) {
    if (!pk_page_cell(page, i, &cell))
      return pk_space_corrupt(tree, page->number, "is corrupt", error);
    sums->payload += cell.payload_bytes;
    sums->overflow += pk_overflow_pages(&cell, page->usable_bytes);
    sums->unused += pk_overflow_unused_bytes(&cell, page->usable_bytes);
    if (page->leaf) pk_packing_add(&tree->packing, page, &cell);
  }
  return SQLITE_OK;
}

/* ---- choosing ---- */

/* Interior pages are all read: their part is exact. */
static int add_interior(void *context, pk_btree *tree, const pk_page *page,
                        pk_error *error) {
  page_sums sums;
  (void)context;
  int rc = sum_page(tree, page, &sums, error);
  if (rc != SQLITE_OK) return rc;
  tree->entries += sums.entries;
  tree->payload_bytes += sums.payload;
  tree->unused_bytes += sums.unused;
  tree->overflow_needed += sums.overflow;
  return SQLITE_OK;
}

static sqlite3_int64 leaves_wanted(const pk_btree *tree, double share) {
  sqlite3_int64 wanted = (sqlite3_int64)((double)tree->leaf_pages * share);
  if (wanted < LEAST_LEAVES) wanted = LEAST_LEAVES;
  return wanted < tree->leaf_pages ? wanted : tree->leaf_pages;
}

static int make_room(sample *taken, pk_error *error) {
  const pk_space *space = taken->space;
  sqlite3_int64 leaves = 0, wanted = 0;
  for (int i = 0; i < space->count; i++) leaves += space->btrees[i].leaf_pages;
  double share = leaves > 0 ? (double)MOST_LEAVES / (double)leaves : 0;
  taken->sums =
      sqlite3_malloc64((sqlite3_uint64)space->count * sizeof *taken->sums);
  if (!taken->sums) return pk_fail_memory(error);
  for (int i = 0; i < space->count; i++) {
    const pk_btree *tree = &space->btrees[i];
    taken->sums[i] = (leaf_sums){.leaves = tree->leaf_pages,
                                 .wanted = leaves_wanted(tree, share)};
    wanted += taken->sums[i].wanted;
  }
  taken->leaves =
      sqlite3_malloc64((sqlite3_uint64)(wanted + 1) * sizeof *taken->leaves);
  return taken->leaves ? SQLITE_OK : pk_fail_memory(error);
}

/* Selection sampling (Knuth, volume 2, 3.4.2, algorithm S): the leaves pass by
** once, and exactly as many as are wanted are taken. */
static int pass_leaf(void *context, pk_btree *tree, uint32_t page,
                     pk_error *error) {
  sample *taken = context;
  int index = (int)(tree - taken->space->btrees);
  leaf_sums *sums = &taken->sums[index];
  double left = (double)(sums->leaves - sums->passed++);
  double needed = (double)(sums->wanted - sums->chosen);
  (void)error;
  if (throw_dice(taken) * left >= needed) return SQLITE_OK;
  sums->chosen++;
  taken->leaves[taken->count++] = (chosen_leaf){page, index};
  return SQLITE_OK;
}

static int choose_leaves(sample *taken, pk_error *error) {
  const pk_visitor first = {.interior = add_interior};
  const pk_visitor second = {.leaf = pass_leaf, .context = taken};
  int rc = pk_space_descend(taken->space, &first, error);
  if (rc == SQLITE_OK) rc = make_room(taken, error);
  if (rc == SQLITE_OK) rc = pk_space_descend(taken->space, &second, error);
  return rc;
}

/* ---- looking ---- */

static int by_page(const void *one, const void *other) {
  uint32_t a = ((const chosen_leaf *)one)->page;
  uint32_t b = ((const chosen_leaf *)other)->page;
  return (a > b) - (a < b);
}

static int look_at(sample *taken, chosen_leaf leaf, pk_error *error) {
  pk_space *space = taken->space;
  pk_btree *tree = &space->btrees[leaf.tree];
  leaf_sums *sums = &taken->sums[leaf.tree];
  pk_page page;
  page_sums of_page;
  int rc = pk_space_read(space, leaf.page, 1, space->images, error);
  if (rc != SQLITE_OK) return rc;
  if (!pk_page_decode(&page, space->images, space->usable_bytes, leaf.page))
    return pk_space_corrupt(tree, leaf.page, "is corrupt", error);
  if (!page.leaf || page.table != tree->table)
    return pk_space_corrupt(tree, leaf.page, "is of a wrong type", error);
  rc = sum_page(tree, &page, &of_page, error);
  if (rc != SQLITE_OK) return rc;
  sums->entries += (double)of_page.entries;
  sums->payload += (double)of_page.payload;
  sums->overflow += (double)of_page.overflow;
  sums->unused += (double)of_page.unused;
  sums->unused_squared += (double)of_page.unused * (double)of_page.unused;
  return SQLITE_OK;
}

static int look_at_leaves(sample *taken, pk_error *error) {
  int rc = SQLITE_OK;
  qsort(taken->leaves, (size_t)taken->count, sizeof *taken->leaves, by_page);
  for (int i = 0; rc == SQLITE_OK && i < taken->count; i++)
    rc = look_at(taken, taken->leaves[i], error);
  return rc;
}

/* ---- estimating ---- */

/* Student's t for 95 %, good to 1 % from 10 degrees of freedom up. */
static double students_t(double freedom) {
  return 1.96 + 2.4 / freedom;
}

/* Half the width of the confidence interval for the sum over all leaves. */
static double margin(const leaf_sums *sums) {
  double n = (double)sums->chosen, all = (double)sums->leaves;
  if (n < 2 || n >= all) return 0;
  double mean = sums->unused / n;
  double variance = fmax(0, (sums->unused_squared - n * mean * mean) / (n - 1));
  return all * students_t(n - 1) * sqrt(variance / n * (1 - n / all));
}

/* Those of all entries, in proportion to the leaves that were packed. In an
** index b-tree the entries of interior pages come in addition. */
static sqlite3_int64 packed_pages(const pk_btree *tree, const leaf_sums *sums,
                                  uint32_t usable_bytes) {
  if (sums->entries == 0) return tree->leaf_pages;
  double factor = (double)tree->entries / sums->entries;
  double leaves =
      ceil(pk_packing_leaf_pages(&tree->packing, usable_bytes) * factor);
  if (leaves <= 1) return 1;
  double shrink = leaves / (double)sums->leaves;
  return (sqlite3_int64)(leaves + ceil((double)tree->interior_pages * shrink));
}

static void estimate(pk_btree *tree, const leaf_sums *sums,
                     uint32_t usable_bytes) {
  if (sums->chosen == 0) return;
  double factor = (double)sums->leaves / (double)sums->chosen;
  sqlite3_int64 exact_unused = tree->unused_bytes;
  sqlite3_int64 half = (sqlite3_int64)ceil(margin(sums));
  tree->entries += llround(sums->entries * factor);
  tree->payload_bytes += llround(sums->payload * factor);
  tree->unused_bytes += llround(sums->unused * factor);
  tree->overflow_needed += llround(sums->overflow * factor);
  tree->unused_bytes_low = tree->unused_bytes - half;
  if (tree->unused_bytes_low < exact_unused)
    tree->unused_bytes_low = exact_unused;
  tree->unused_bytes_high = tree->unused_bytes + half;
  tree->packed_pages = packed_pages(tree, sums, usable_bytes);
}

int pk_space_sample(pk_space *space, pk_error *error) {
  sample taken = {.space = space};
  int rc = choose_leaves(&taken, error);
  if (rc == SQLITE_OK) rc = look_at_leaves(&taken, error);
  for (int i = 0; rc == SQLITE_OK && i < space->count; i++)
    estimate(&space->btrees[i], &taken.sums[i], space->usable_bytes);
  sqlite3_free(taken.sums);
  sqlite3_free(taken.leaves);
  if (rc == SQLITE_OK) rc = pk_space_count_loose(space, error);
  space->source = "sample";
  space->known |= PK_KNOWS_ORDER | PK_KNOWS_CONTENT | PK_ESTIMATED;
  return rc;
}
