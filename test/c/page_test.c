/*
** page_test.c: format/page on images made by hand, where real databases are
** hard to come by: pages at every bound, and numbers beyond the lock page.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../ext/format/header.h"
#include "../../ext/format/page.h"

static unsigned char image[65536];

static void put(uint32_t at, int bytes, uint32_t value) {
  for (int i = 0; i < bytes; i++)
    image[at + (uint32_t)i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
}

/* A leaf of a table, empty, of a page of 512 bytes. */
static int set_up(void **state) {
  (void)state;
  memset(image, 0, sizeof image);
  image[0] = 0x0d;
  put(5, 2, 512);
  return 0;
}

/* ---- the database header ---- */

static void header_fields(void **state) {
  pk_header header;
  (void)state;
  memcpy(image, "SQLite format 3", 16);
  put(16, 2, 1);
  image[18] = image[19] = 1; /* rollback journal */
  image[20] = 7;
  put(32, 4, 11);
  put(36, 4, 12);
  put(52, 4, 3);
  assert_true(pk_header_read(image, &header));
  assert_int_equal(header.page_size, 65536);
  assert_int_equal(header.usable_bytes, 65529);
  assert_int_equal(header.first_trunk, 11);
  assert_int_equal(header.free_pages, 12);
  assert_true(header.pointer_map);
}

static void header_refused(void **state) {
  static const struct {
    int page_size, reserved;
  } bad[] = {{0, 0}, {256, 0}, {1000, 0}, {512, 33}};
  pk_header header;
  (void)state;
  assert_false(pk_header_read(image, &header));
  memcpy(image, "SQLite format 3", 16);
  image[18] = image[19] = 1;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    put(16, 2, (uint32_t)bad[i].page_size);
    image[20] = (unsigned char)bad[i].reserved;
    assert_false(pk_header_read(image, &header));
  }
}

/* The header of a database of 10 pages, 2 of them free, with a pointer map. */
static void make_header(void) {
  memset(image, 0, PK_HEADER_BYTES);
  memcpy(image, "SQLite format 3", 16);
  put(16, 2, 4096);
  image[18] = image[19] = 2;
  image[21] = 64, image[22] = image[23] = 32;
  put(24, 4, 77), put(92, 4, 77); /* page count is valid */
  put(28, 4, 10);
  put(32, 4, 9), put(36, 4, 2);
  put(44, 4, 4);
  put(52, 4, 5);
  put(56, 4, 1);
  put(64, 4, 1);
}

static void header_faults(void **state) {
  static const struct {
    uint32_t at;
    int bytes;
    uint32_t value;
    const char *fault;
  } faults[] = {
      {0, 1, 's', "it does not begin with \"SQLite format 3\""},
      {15, 1, 'x', "it does not begin with \"SQLite format 3\""},
      {16, 2, 4097, "the page size is no power of two from 512 to 65536"},
      {16, 2, 0, "the page size is no power of two from 512 to 65536"},
      {18, 1, 0, "the format version is neither 1 nor 2"},
      {19, 1, 3, "the format version is neither 1 nor 2"},
      {21, 1, 63, "the payload fractions are not 64, 32 and 32"},
      {23, 1, 0, "the payload fractions are not 64, 32 and 32"},
      {32, 4, 0, "the freelist has pages but no beginning, or the reverse"},
      {36, 4, 0, "the freelist has pages but no beginning, or the reverse"},
      {32, 4, 11, "the freelist begins on a page that does not exist"},
      {36, 4, 10, "there are no fewer free pages than pages"},
      {44, 4, 5, "the schema format is over 4"},
      {52, 4, 0, "auto_vacuum is incremental, without a pointer map"},
      {52, 4, 11, "the largest root page does not exist"},
      {56, 4, 4, "the text encoding is none of UTF-8, UTF-16le and UTF-16be"},
      {72, 1, 1, "the bytes reserved for later are used"},
      {91, 1, 1, "the bytes reserved for later are used"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    make_header();
    assert_null(pk_header_fault(image));
    put(faults[i].at, faults[i].bytes, faults[i].value);
    assert_non_null(pk_header_fault(image));
    assert_string_equal(pk_header_fault(image), faults[i].fault);
  }
  make_header();
  put(16, 2, 512), put(20, 1, 33);
  assert_string_equal(pk_header_fault(image),
                      "so much of each page is reserved that less than 480 "
                      "bytes are left");
}

/* What an old SQLite writes, which does not keep the page count, and the header
** of a database without content. */
static void headers_without_fault(void **state) {
  (void)state;
  make_header();
  put(24, 4, 78);
  put(28, 4, 1);
  assert_null(pk_header_fault(image));
  make_header();
  put(28, 4, 1), put(32, 4, 0), put(36, 4, 0);
  put(44, 4, 0), put(52, 4, 0), put(56, 4, 0), put(64, 4, 0);
  assert_null(pk_header_fault(image));
}

/* ---- b-tree pages ---- */

static void empty_pages(void **state) {
  pk_page page;
  (void)state;
  assert_true(pk_page_decode(&page, image, 512, 2));
  assert_true(page.leaf && page.table);
  assert_int_equal(page.cells, 0);
  assert_int_equal(page.unused_bytes, 512 - 8);

  put(5, 2, 0); /* 65536 */
  assert_true(pk_page_decode(&page, image, 65536, 2));
  assert_int_equal(page.unused_bytes, 65536 - 8);
  assert_false(pk_page_decode(&page, image, 512, 2));

  image[100] = 0x05; /* page 1 has its header behind that of the database */
  put(105, 2, 500);
  put(108, 4, 9);
  assert_true(pk_page_decode(&page, image, 512, 1));
  assert_false(page.leaf);
  assert_int_equal(page.right_child, 9);
  assert_int_equal(page.unused_bytes, 500 - 112);
}

static void freeblocks(void **state) {
  pk_page page;
  (void)state;
  put(1, 2, 400);
  put(5, 2, 400);
  image[7] = 3;
  put(400, 2, 450), put(402, 2, 20);
  put(450, 2, 0), put(452, 2, 62);
  assert_true(pk_page_decode(&page, image, 512, 2));
  assert_int_equal(page.unused_bytes, 400 - 8 + 3 + 20 + 62);
  put(452, 2, 63); /* beyond the end */
  assert_false(pk_page_decode(&page, image, 512, 2));
  put(450, 2, 400), put(452, 2, 62); /* in a circle */
  assert_false(pk_page_decode(&page, image, 512, 2));
  put(400, 2, 400); /* its own successor */
  assert_false(pk_page_decode(&page, image, 512, 2));
  put(1, 2, 20); /* outside the content */
  assert_false(pk_page_decode(&page, image, 512, 2));
  put(1, 2, 510); /* its header does not fit */
  assert_false(pk_page_decode(&page, image, 512, 2));
}

static void pages_refused(void **state) {
  pk_page page;
  (void)state;
  for (int type = 0; type < 256; type++) {
    image[0] = (unsigned char)type;
    bool known = type == 2 || type == 5 || type == 10 || type == 13;
    assert_int_equal(pk_page_decode(&page, image, 512, 2), known);
  }
  image[0] = 0x0d;
  put(3, 2, 252);
  assert_true(pk_page_decode(&page, image, 512, 2));
  put(3, 2, 253); /* more pointers than fit */
  assert_false(pk_page_decode(&page, image, 512, 2));
  put(3, 2, 65535);
  assert_false(pk_page_decode(&page, image, 512, 2));
}

/* ---- cells ---- */

/* Decodes the only cell of a page of 512 bytes; it begins at `at`. */
static bool only_cell(unsigned char type, uint32_t at, pk_cell *cell) {
  pk_page page;
  image[0] = type;
  put(3, 2, 1);
  put(5, 2, at < 14 || at > 512 ? 512 : at);
  put(type == 0x0d || type == 0x0a ? 8 : 12, 2, at);
  assert_true(pk_page_decode(&page, image, 512, 2));
  return pk_page_cell(&page, 0, cell);
}

static void cells_of_each_type(void **state) {
  pk_cell cell;
  (void)state;
  image[500] = 5; /* payload; the rowid behind it is 0 */
  assert_true(only_cell(0x0d, 500, &cell));
  assert_int_equal(cell.bytes, 1 + 1 + 5);
  assert_int_equal(cell.key_bytes, 1);
  assert_int_equal(cell.payload_bytes, 5);
  assert_int_equal(cell.local_bytes, 5);

  image[500] = 0; /* shorter than a freeblock */
  assert_true(only_cell(0x0a, 500, &cell));
  assert_int_equal(cell.bytes, PK_LEAST_CELL_BYTES);

  put(400, 4, 77), image[404] = 0x81, image[405] = 0x00;
  assert_true(only_cell(0x05, 400, &cell));
  assert_int_equal(cell.child, 77);
  assert_int_equal(cell.key_bytes, 2);
  assert_int_equal(cell.payload_bytes, 0);
  assert_int_equal(cell.bytes, 6);

  image[404] = 3;
  assert_true(only_cell(0x02, 400, &cell));
  assert_int_equal(cell.child, 77);
  assert_int_equal(cell.bytes, 4 + 1 + 3);
}

/* U = 512: X = 477 for tables, 102 for indexes, M = 39 (section 1.6). */
static void payload_that_overflows(void **state) {
  pk_cell cell;
  (void)state;
  image[100] = 0x84, image[101] = 0x00; /* 512 */
  put(100 + 3 + 39, 4, 99);
  assert_true(only_cell(0x0d, 100, &cell));
  assert_int_equal(cell.local_bytes, 39); /* K = 39 + 473 % 508 > X */
  assert_int_equal(cell.overflow, 99);
  assert_int_equal(cell.bytes, 2 + 1 + 39 + 4);
  assert_int_equal(pk_overflow_pages(&cell, 512), 1);
  assert_int_equal(pk_overflow_unused_bytes(&cell, 512), 508 - 473);

  image[101] = 0x28;                        /* 552 */
  assert_true(only_cell(0x0a, 100, &cell)); /* K = 39 + 513 % 508 */
  assert_int_equal(cell.local_bytes, 44);
  assert_int_equal(pk_overflow_pages(&cell, 512), 1);
  assert_int_equal(pk_overflow_unused_bytes(&cell, 512), 0);
}

static void cells_refused(void **state) {
  pk_cell cell;
  (void)state;
  assert_false(only_cell(0x0d, 9, &cell)); /* in the array of pointers */
  assert_true(only_cell(0x0d, 508, &cell));
  assert_false(only_cell(0x0d, 509, &cell)); /* too short */
  assert_false(only_cell(0x0d, 65535, &cell));
  image[500] = 11; /* one byte beyond the end */
  assert_false(only_cell(0x0d, 500, &cell));
  memset(image + 500, 0xff, 12); /* a varint without an end; a huge payload */
  assert_false(only_cell(0x0d, 508, &cell));
  assert_false(only_cell(0x0d, 500, &cell));
}

/* ---- freelist and pointer map ---- */

static void trunks(void **state) {
  pk_trunk trunk;
  (void)state;
  put(0, 4, 5), put(4, 4, 126), put(8, 4, 6), put(508, 4, 7);
  assert_true(pk_trunk_decode(&trunk, image, 512));
  assert_int_equal(trunk.next, 5);
  assert_int_equal(pk_trunk_leaf(&trunk, 0), 6);
  assert_int_equal(pk_trunk_leaf(&trunk, 125), 7);
  assert_false(pk_trunk_decode(&trunk, image, 511));
  put(4, 4, 0xffffffff);
  assert_false(pk_trunk_decode(&trunk, image, 512));
}

static void pointer_map_pages(void **state) {
  (void)state;
  assert_int_equal(pk_pointer_map_page(1, 512, 512), 0);
  assert_int_equal(pk_pointer_map_page(2, 512, 512), 2);
  assert_int_equal(pk_pointer_map_page(104, 512, 512), 2);
  assert_int_equal(pk_pointer_map_page(105, 512, 512), 105);
  /* Usable sizes for which a pointer map would stand on the lock page; it
  ** stands on the next. */
  int moved = 0;
  for (uint32_t reserved = 0; reserved < 256; reserved++) {
    uint32_t usable = 1024 - reserved, lock = pk_lock_page(1024);
    if ((lock - 2) % (usable / 5 + 1) != 0) continue;
    assert_int_equal(pk_pointer_map_page(lock + 1, 1024, usable), lock + 1);
    assert_int_equal(pk_pointer_map_page(lock + 2, 1024, usable), lock + 1);
    moved++;
  }
  assert_true(moved > 0);
}

static void pointer_map_entries(void **state) {
  pk_pointer entry;
  (void)state;
  assert_int_equal(pk_pointer_map_entries(512), 102);
  image[5] = 5, put(6, 4, 1234);
  assert_true(pk_pointer_map_entry(image, 1, &entry));
  assert_int_equal(entry.type, PK_POINTER_BTREE);
  assert_int_equal(entry.parent, 1234);
  image[5] = 6;
  assert_false(pk_pointer_map_entry(image, 1, &entry));
  image[5] = 0;
  assert_false(pk_pointer_map_entry(image, 1, &entry));
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(header_fields, set_up),
      cmocka_unit_test_setup(header_refused, set_up),
      cmocka_unit_test_setup(header_faults, set_up),
      cmocka_unit_test_setup(headers_without_fault, set_up),
      cmocka_unit_test_setup(empty_pages, set_up),
      cmocka_unit_test_setup(freeblocks, set_up),
      cmocka_unit_test_setup(pages_refused, set_up),
      cmocka_unit_test_setup(cells_of_each_type, set_up),
      cmocka_unit_test_setup(payload_that_overflows, set_up),
      cmocka_unit_test_setup(cells_refused, set_up),
      cmocka_unit_test_setup(trunks, set_up),
      cmocka_unit_test_setup(pointer_map_pages, set_up),
      cmocka_unit_test_setup(pointer_map_entries, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
