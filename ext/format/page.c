/* page.c: see page.h. */
#include "page.h"

#include <stddef.h>
#include <string.h>

#include "bytes.h"
#include "header.h"

enum {
  TABLE_LEAF = 0x0d,
  TABLE_INTERIOR = 0x05,
  INDEX_LEAF = 0x0a,
  INDEX_INTERIOR = 0x02,

  FREEBLOCK_BYTES = 4, /* its own header */
  OVERFLOW_HEADER_BYTES = 4,
  TRUNK_HEADER_BYTES = 8,
  POINTER_BYTES = 5,
};

/* What SQLite accepts as the length of a payload. */
#define MOST_PAYLOAD_BYTES 0x7fffffff

uint32_t pk_lock_page(uint32_t page_size) {
  return (1u << 30) / page_size + 1;
}

/* ---- b-tree pages ---- */

/* Adds up the freeblocks, which stand in ascending order within the content
** and never touch: a shorter distance than their header would make a circle. */
static bool add_freeblocks(pk_page *page, uint32_t first, uint32_t content) {
  uint32_t least = content;
  for (uint32_t at = first; at != 0;) {
    if (at < least || at + FREEBLOCK_BYTES > page->usable_bytes) return false;
    uint32_t next = pk_two_bytes(page->image + at);
    uint32_t bytes = pk_two_bytes(page->image + at + 2);
    if (bytes < FREEBLOCK_BYTES || bytes > page->usable_bytes - at)
      return false;
    page->unused_bytes += bytes;
    least = at + bytes;
    at = next;
  }
  return true;
}

bool pk_page_decode(pk_page *page, const unsigned char *image,
                    uint32_t usable_bytes, uint32_t number) {
  uint32_t start = number == 1 ? PK_HEADER_BYTES : 0;
  const unsigned char *header = image + start;
  unsigned char type = header[0];
  bool leaf = type == TABLE_LEAF || type == INDEX_LEAF;
  if (!leaf && type != TABLE_INTERIOR && type != INDEX_INTERIOR) return false;

  uint32_t content = pk_two_bytes(header + 5);
  if (content == 0) content = 65536;
  *page = (pk_page){
      .image = image,
      .number = number,
      .usable_bytes = usable_bytes,
      .leaf = leaf,
      .table = type == TABLE_LEAF || type == TABLE_INTERIOR,
      .cells = pk_two_bytes(header + 3),
      .pointers =
          start + (leaf ? PK_LEAF_HEADER_BYTES : PK_INTERIOR_HEADER_BYTES),
      .right_child = leaf ? 0 : pk_four_bytes(header + 8),
  };
  uint32_t gap = page->pointers + PK_CELL_POINTER_BYTES * page->cells;
  if (gap > content || content > usable_bytes) return false;
  page->unused_bytes = content - gap + header[7];
  return add_freeblocks(page, pk_two_bytes(header + 1), content) &&
         page->unused_bytes <= usable_bytes;
}

/* Reads a varint (section 1.6) that ends before `end`. Returns its length, 0 if
** it does not end there. Most are of one byte. */
static uint32_t varint(const unsigned char *at, const unsigned char *end,
                       uint64_t *value) {
  uint64_t read = 0;
  for (uint32_t i = 0; i < 8; i++) {
    if (at + i >= end) return 0;
    read = read << 7 | (at[i] & 0x7f);
    if (at[i] < 0x80) {
      *value = read;
      return i + 1;
    }
  }
  if (at + 8 >= end) return 0;
  *value = read << 8 | at[8];
  return 9;
}

/* How much of a payload stays on the page (section 1.6, with its letters). */
static uint32_t local_bytes(const pk_page *page, uint32_t payload) {
  uint32_t u = page->usable_bytes;
  uint32_t x = page->table ? u - 35 : (u - 12) * 64 / 255 - 23;
  if (payload <= x) return payload;
  uint32_t m = (u - 12) * 32 / 255 - 23;
  uint32_t k = m + (payload - m) % (u - 4);
  return k <= x ? k : m;
}

bool pk_page_cell(const pk_page *page, uint32_t index, pk_cell *cell) {
  const unsigned char *end = page->image + page->usable_bytes;
  uint32_t pointer = page->pointers + PK_CELL_POINTER_BYTES * index;
  uint32_t start = pk_two_bytes(page->image + pointer);
  uint32_t least = page->pointers + PK_CELL_POINTER_BYTES * page->cells;
  if (start < least || start + PK_LEAST_CELL_BYTES > page->usable_bytes)
    return false;

  const unsigned char *at = page->image + start;
  uint64_t payload = 0, key;
  *cell = (pk_cell){0};
  if (!page->leaf) {
    cell->child = pk_four_bytes(at);
    at += PK_CHILD_BYTES;
  }
  if (page->leaf || !page->table) {
    uint32_t length = varint(at, end, &payload);
    if (length == 0 || payload > MOST_PAYLOAD_BYTES) return false;
    at += length;
  }
  if (page->table) {
    cell->key_bytes = varint(at, end, &key);
    if (cell->key_bytes == 0) return false;
    at += cell->key_bytes;
  }
  cell->payload_bytes = (uint32_t)payload;
  cell->local_bytes = local_bytes(page, cell->payload_bytes);
  if (cell->local_bytes > (size_t)(end - at)) return false;
  at += cell->local_bytes;
  if (cell->local_bytes < cell->payload_bytes) {
    if (end - at < OVERFLOW_HEADER_BYTES) return false;
    cell->overflow = pk_four_bytes(at);
    at += OVERFLOW_HEADER_BYTES;
  }
  cell->bytes = (uint32_t)(at - page->image) - start;
  if (cell->bytes < PK_LEAST_CELL_BYTES) cell->bytes = PK_LEAST_CELL_BYTES;
  return true;
}

/* ---- overflow chains ---- */

uint32_t pk_overflow_pages(const pk_cell *cell, uint32_t usable_bytes) {
  uint32_t room = usable_bytes - OVERFLOW_HEADER_BYTES;
  return (cell->payload_bytes - cell->local_bytes + room - 1) / room;
}

uint32_t pk_overflow_unused_bytes(const pk_cell *cell, uint32_t usable_bytes) {
  uint32_t room = usable_bytes - OVERFLOW_HEADER_BYTES;
  uint32_t last = (cell->payload_bytes - cell->local_bytes) % room;
  return last == 0 ? 0 : room - last;
}

uint32_t pk_overflow_next(const unsigned char *image) {
  return pk_four_bytes(image);
}

/* ---- the freelist ---- */

bool pk_trunk_decode(pk_trunk *trunk, const unsigned char *image,
                     uint32_t usable_bytes) {
  *trunk = (pk_trunk){.image = image,
                      .next = pk_four_bytes(image),
                      .leaves = pk_four_bytes(image + 4)};
  return trunk->leaves <= (usable_bytes - TRUNK_HEADER_BYTES) / 4;
}

uint32_t pk_trunk_leaf(const pk_trunk *trunk, uint32_t index) {
  return pk_four_bytes(trunk->image + TRUNK_HEADER_BYTES + 4 * index);
}

/* ---- the pointer map ---- */

uint32_t pk_pointer_map_entries(uint32_t usable_bytes) {
  return usable_bytes / POINTER_BYTES;
}

uint32_t pk_pointer_map_page(uint32_t number, uint32_t page_size,
                             uint32_t usable_bytes) {
  if (number < 2) return 0;
  uint32_t group = pk_pointer_map_entries(usable_bytes) + 1;
  uint32_t map = (number - 2) / group * group + 2;
  return map == pk_lock_page(page_size) ? map + 1 : map;
}

bool pk_pointer_map_entry(const unsigned char *image, uint32_t index,
                          pk_pointer *pointer) {
  const unsigned char *at = image + POINTER_BYTES * index;
  if (at[0] < PK_POINTER_ROOT || at[0] > PK_POINTER_BTREE) return false;
  *pointer = (pk_pointer){(pk_pointer_type)at[0], pk_four_bytes(at + 1)};
  return true;
}
