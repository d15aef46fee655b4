/*
** page_fuzz.c: hostile bytes for format/page.
**
** `make fuzz` builds and runs it.
**
** The first two bytes choose the page number and the usable size, the rest is
** the page. It stands in memory of just its usable size, so that the sanitizer
** sees any look beyond. What is decoded must keep the promises of page.h.
*/
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../../ext/format/header.h"
#include "../../ext/format/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool promise) {
  if (!promise) abort();
}

static void cells(const pk_page *page) {
  for (uint32_t i = 0; i < page->cells; i++) {
    pk_cell cell;
    if (!pk_page_cell(page, i, &cell)) return;
    check(cell.bytes >= PK_LEAST_CELL_BYTES);
    check(cell.bytes <= page->usable_bytes);
    check(cell.local_bytes <= cell.payload_bytes);
    check(cell.local_bytes < cell.bytes || cell.local_bytes == 0);
    check((cell.key_bytes > 0) == page->table);
    check(cell.payload_bytes <= 0x7fffffff);
    if (cell.local_bytes == cell.payload_bytes) {
      check(cell.overflow == 0);
      continue;
    }
    uint64_t room = page->usable_bytes - 4;
    uint64_t pages = pk_overflow_pages(&cell, page->usable_bytes);
    uint64_t unused = pk_overflow_unused_bytes(&cell, page->usable_bytes);
    check(unused < room);
    check(pages * room - unused == cell.payload_bytes - cell.local_bytes);
  }
}

static void as_btree(const uint8_t *image, uint32_t usable, uint32_t number) {
  pk_page page;
  if (!pk_page_decode(&page, image, usable, number)) return;
  check(page.unused_bytes <= usable);
  check(page.pointers + PK_CELL_POINTER_BYTES * page.cells <= usable);
  cells(&page);
}

static void as_trunk(const uint8_t *image, uint32_t usable) {
  pk_trunk trunk;
  volatile uint32_t leaf;
  if (!pk_trunk_decode(&trunk, image, usable)) return;
  for (uint32_t i = 0; i < trunk.leaves; i++) leaf = pk_trunk_leaf(&trunk, i);
  (void)leaf;
}

static void as_pointer_map(const uint8_t *image, uint32_t usable) {
  pk_pointer entry;
  for (uint32_t i = 0; i < pk_pointer_map_entries(usable); i++)
    if (pk_pointer_map_entry(image, i, &entry))
      check(entry.type >= PK_POINTER_ROOT && entry.type <= PK_POINTER_BTREE);
}

static void as_header(const uint8_t *image) {
  pk_header header;
  if (!pk_header_read(image, &header)) return;
  check(header.page_size >= 512 && header.page_size <= 65536);
  check(header.usable_bytes >= 480 && header.usable_bytes <= header.page_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  if (bytes < 2) return 0;
  uint32_t number = 1 + data[0] % 2;
  uint32_t page_size = 512u << (data[0] >> 1) % 8;
  uint32_t usable = page_size - data[1];
  if (usable < 480) usable = 480;
  uint8_t *image = calloc(1, usable);
  if (!image) return 0;
  bytes -= 2;
  memcpy(image, data + 2, bytes < usable ? bytes : usable);
  as_btree(image, usable, number);
  as_trunk(image, usable);
  as_pointer_map(image, usable);
  as_header(image);
  free(image);
  return 0;
}
