/*
** bgzf_test.c: the compressed backup of format/bgzf, as its own reader, zlib
** and the description in bgzf.h see it.
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "../../ext/format/bgzf.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- Files in memory ---- */

typedef struct blob {
  unsigned char *data;
  size_t bytes;
  size_t room;
  sqlite3_int64 fail_after; /* a sink or source of so many calls; 0: any */
} blob;

static void append(blob *to, const void *data, size_t bytes) {
  if (to->bytes + bytes > to->room) {
    to->room = 2 * (to->bytes + bytes);
    to->data = realloc(to->data, to->room);
    assert_non_null(to->data);
  }
  if (bytes > 0) memcpy(to->data + to->bytes, data, bytes);
  to->bytes += bytes;
}

static int sink(void *context, const void *data, size_t bytes,
                pk_error *error) {
  blob *to = context;
  if (to->fail_after > 0 && --to->fail_after == 0)
    return pk_fail(error, SQLITE_FULL, "the disk is full");
  append(to, data, bytes);
  return SQLITE_OK;
}

static int read_blob(void *context, void *buffer, size_t bytes,
                     sqlite3_int64 offset, pk_error *error) {
  blob *from = context;
  assert_true(offset >= 0 && (size_t)offset <= from->bytes);
  assert_true(bytes <= from->bytes - (size_t)offset);
  if (from->fail_after > 0 && --from->fail_after == 0)
    return pk_fail(error, SQLITE_IOERR_READ, "the disk is gone");
  if (bytes > 0) memcpy(buffer, from->data + offset, bytes);
  return SQLITE_OK;
}

static pk_bgzf_source source_of(blob *file) {
  return (pk_bgzf_source){.name = "app.db.gz",
                          .bytes = (sqlite3_int64)file->bytes,
                          .read = read_blob,
                          .context = file};
}

/* ---- Content ---- */

typedef enum texture { ZEROS, ROWS, NOISE } texture;

static uint32_t random_state = 1;

static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

/* Like the rows of a table, about half of it compressible; or the extremes. */
static blob make_content(size_t bytes, texture kind) {
  static const char *const words[] = {"paid", "shipped", "new", "returned"};
  blob content = {0};
  random_state = 88172645;
  while (kind == ROWS && content.bytes < bytes) {
    uint32_t value = next_random();
    append(&content, &value, sizeof value);
    append(&content, words[value % 4], strlen(words[value % 4]));
  }
  while (content.bytes < bytes) {
    unsigned char value = kind == NOISE ? (unsigned char)next_random() : 0;
    append(&content, &value, 1);
  }
  content.bytes = bytes;
  return content;
}

/* ---- Writing and reading ---- */

static pk_bgzf_metadata about(int page_size, size_t content_bytes) {
  pk_bgzf_metadata metadata = {.page_size = page_size,
                               .taken_at = 1763610420,
                               .source = "app.db",
                               .writer = "0.1.0"};
  if (page_size > 0)
    metadata.page_count = (sqlite3_int64)content_bytes / page_size;
  return metadata;
}

/* Compresses in portions that are no divisors of anything. */
static int compress_to(blob *file, const blob *content, int page_size,
                       int level, int threads, pk_error *error) {
  pk_bgzf_metadata metadata = about(page_size, content->bytes);
  pk_bgzf_writer *writer;
  int rc =
      pk_bgzf_create(&writer, &metadata, level, threads, sink, file, error);
  size_t portion = 0;
  for (size_t at = 0; rc == SQLITE_OK && at < content->bytes; at += portion) {
    portion = content->bytes - at < 100003 ? content->bytes - at : 100003;
    rc = pk_bgzf_write(writer, content->data + at, portion, error);
  }
  if (rc == SQLITE_OK) rc = pk_bgzf_finish(writer, error);
  pk_bgzf_abandon(writer);
  return rc;
}

static blob compressed(const blob *content, int page_size, int level,
                       int threads) {
  blob file = {0};
  pk_error error = PK_NO_ERROR;
  int rc = compress_to(&file, content, page_size, level, threads, &error);
  assert_int_equal(rc, SQLITE_OK);
  return file;
}

/* Opens and extracts; what pk_bgzf_open fails with, or pk_bgzf_extract. */
static int extract(blob *file, blob *content, int threads, pk_error *error) {
  pk_bgzf_source source = source_of(file);
  pk_bgzf_reader *reader;
  int rc = pk_bgzf_open(&reader, &source, error);
  if (rc != SQLITE_OK) assert_null(reader);
  if (rc == SQLITE_OK)
    rc =
        pk_bgzf_extract(reader, threads, content ? sink : NULL, content, error);
  pk_bgzf_close(reader);
  return rc;
}

static void assert_same(const blob *one, const blob *other) {
  assert_int_equal(one->bytes, other->bytes);
  if (one->bytes > 0) assert_memory_equal(one->data, other->data, one->bytes);
}

static void assert_refused(blob *file, int code, const char *message) {
  pk_error error = PK_NO_ERROR;
  assert_int_equal(extract(file, NULL, 1, &error), code);
  assert_non_null(error.message);
  if (!strstr(error.message, message)) fail_msg("%s", error.message);
  pk_error_clear(&error);
}

/* ---- The file by its description ---- */

static uint64_t get(const unsigned char *at, int bytes) {
  uint64_t value = 0;
  while (bytes-- > 0) value = value << 8 | at[bytes];
  return value;
}

static void put(blob *to, int bytes, uint64_t value) {
  for (; bytes > 0; bytes--, value >>= 8) {
    unsigned char byte = (unsigned char)value;
    append(to, &byte, 1);
  }
}

static void put_start(blob *file, size_t extra) {
  append(file, "\x1f\x8b\x08\x04\0\0\0\0\0\xff", 10);
  put(file, 2, extra);
}

static void put_bc(blob *file, size_t member_bytes) {
  append(file, "BC\2\0", 4);
  put(file, 2, member_bytes - 1);
}

/* An empty member with a subfield PK around these fields. */
static void put_empty(blob *file, char kind, const blob *fields) {
  size_t payload = 1 + fields->bytes + 4;
  size_t at = file->bytes + 16;
  put_start(file, 4 + payload + 6);
  append(file, "PK", 2);
  put(file, 2, payload);
  append(file, &kind, 1);
  append(file, fields->data, fields->bytes);
  put(file, 4, crc32(0, file->data + at, (uInt)(payload - 4)));
  put_bc(file, 12 + 4 + payload + 6 + 2 + 8);
  append(file, "\3\0\0\0\0\0\0\0\0\0", 10);
}

/* A block whose DEFLATE data is one stored block. */
static void put_block(blob *file, const void *content, size_t bytes) {
  put_start(file, 6);
  put_bc(file, 12 + 6 + 5 + bytes + 8);
  put(file, 1, 1);
  put(file, 2, bytes);
  put(file, 2, ~(uint64_t)bytes);
  append(file, content, bytes);
  put(file, 4, crc32(0, content, (uInt)bytes));
  put(file, 4, bytes);
}

static void put_end(blob *file) {
  put_start(file, 6);
  put_bc(file, 28);
  append(file, "\3\0\0\0\0\0\0\0\0\0", 10);
}

static void put_metadata(blob *file, int version, int block_bytes) {
  blob fields = {0};
  put(&fields, 1, (uint64_t)version);
  put(&fields, 4, 0);
  put(&fields, 4, 0);
  put(&fields, 4, (uint64_t)block_bytes);
  put(&fields, 8, 1763610420);
  put(&fields, 1, 6);
  append(&fields, "app.db", 6);
  put(&fields, 1, 5);
  append(&fields, "0.1.0", 5);
  put_empty(file, 'M', &fields);
  free(fields.data);
}

static void put_trailer(blob *file, uLong crc, sqlite3_int64 content_bytes,
                        uint64_t blocks, uint64_t index_offset) {
  blob fields = {0};
  put(&fields, 4, crc);
  put(&fields, 8, (uint64_t)content_bytes);
  put(&fields, 4, blocks);
  put(&fields, 8, index_offset);
  put_empty(file, 'T', &fields);
  free(fields.data);
}

/* A file by hand, with one byte of content in each block. */
static blob by_hand(const blob *content) {
  blob file = {0}, fields = {0};
  put_metadata(&file, 1, 1);
  for (size_t i = 0; i < content->bytes; i++)
    put_block(&file, content->data + i, 1);
  size_t index_offset = file.bytes;
  for (size_t i = 0; i < content->bytes; i++) {
    put(&fields, 2, 12 + 6 + 5 + 1 + 8 - 1);
    if (i % 32000 < 31999 && i + 1 < content->bytes) continue;
    put_empty(&file, 'I', &fields);
    fields.bytes = 0;
  }
  put_trailer(&file, crc32(0, content->data, (uInt)content->bytes),
              (sqlite3_int64)content->bytes, content->bytes, index_offset);
  put_end(&file);
  free(fields.data);
  return file;
}

/* What gunzip makes of the file: zlib, member after member. */
static blob gunzip(const blob *file) {
  static unsigned char buffer[1 << 16];
  blob content = {0};
  z_stream stream = {.next_in = file->data, .avail_in = (uInt)file->bytes};
  assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
  int rc = Z_STREAM_END;
  while (stream.avail_in > 0 || rc == Z_OK) {
    if (rc == Z_STREAM_END) assert_int_equal(inflateReset(&stream), Z_OK);
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    rc = inflate(&stream, Z_NO_FLUSH);
    assert_true(rc == Z_OK || rc == Z_STREAM_END);
    append(&content, buffer, sizeof buffer - stream.avail_out);
  }
  assert_int_equal(rc, Z_STREAM_END);
  inflateEnd(&stream);
  return content;
}

/* ---- Tests: what is written is read ---- */

static void check_round_trip(size_t bytes, texture kind, int page_size,
                             int level, int threads) {
  pk_error error = PK_NO_ERROR;
  blob content = make_content(bytes, kind);
  blob file = compressed(&content, page_size, level, threads);
  blob unzipped = gunzip(&file);
  blob extracted = {0};
  assert_same(&content, &unzipped);
  assert_int_equal(extract(&file, &extracted, threads, &error), SQLITE_OK);
  assert_same(&content, &extracted);
  free(content.data);
  free(file.data);
  free(unzipped.data);
  free(extracted.data);
}

static void sizes(void **state) {
  (void)state;
  static const size_t bytes[] = {0,     1,     100,    65279,
                                 65280, 65281, 130560, 1000000};
  for (size_t i = 0; i < LENGTH(bytes); i++)
    for (int kind = ZEROS; kind <= NOISE; kind++)
      check_round_trip(bytes[i], (texture)kind, 0, 6, 2);
}

static void page_sizes(void **state) {
  (void)state;
  for (int page_size = 512; page_size <= 65536; page_size *= 2) {
    check_round_trip(0, ROWS, page_size, 1, 2);
    check_round_trip((size_t)page_size, ROWS, page_size, 1, 2);
    check_round_trip((size_t)page_size * 30, ROWS, page_size, 1, 2);
  }
}

static void levels(void **state) {
  (void)state;
  size_t sizes_of[13] = {0};
  blob content = make_content(300000, ROWS);
  for (int level = 1; level <= 12; level++) {
    blob file = compressed(&content, 0, level, 2);
    sizes_of[level] = file.bytes;
    free(file.data);
    check_round_trip(300000, ROWS, 0, level, 2);
  }
  assert_true(sizes_of[12] < sizes_of[1]);
  assert_true(sizes_of[1] < content.bytes);
  free(content.data);
}

static void threads_change_nothing(void **state) {
  (void)state;
  static const int threads[] = {2, 3, 8, 64, 0};
  blob content = make_content(4096 * 700, ROWS);
  blob one = compressed(&content, 4096, 1, 1);
  for (size_t i = 0; i < LENGTH(threads); i++) {
    blob file = compressed(&content, 4096, 1, threads[i]);
    assert_same(&one, &file);
    free(file.data);
  }
  free(content.data);
  free(one.data);
}

/* A block that does not compress costs no more than its framing. */
static void noise_is_stored(void **state) {
  (void)state;
  blob content = make_content(65280 * 4, NOISE);
  blob file = compressed(&content, 0, 12, 1);
  assert_true(file.bytes < content.bytes + 4 * 31 + 300);
  free(content.data);
  free(file.data);
}

static void metadata_is_kept(void **state) {
  (void)state;
  static const struct {
    int page_size, block_bytes;
  } blocks[] = {
      {0, 65280},    {512, 65024},   {1024, 64512},
      {4096, 61440}, {32768, 32768}, {65536, 65280},
  };
  for (size_t i = 0; i < LENGTH(blocks); i++) {
    pk_error error = PK_NO_ERROR;
    blob content = make_content(65536 * 3, ROWS);
    blob file = compressed(&content, blocks[i].page_size, 1, 1);
    pk_bgzf_source source = source_of(&file);
    pk_bgzf_reader *reader;
    assert_int_equal(pk_bgzf_open(&reader, &source, &error), SQLITE_OK);
    const pk_bgzf_metadata *metadata = pk_bgzf_about(reader);
    pk_bgzf_metadata expected = about(blocks[i].page_size, content.bytes);
    assert_int_equal(metadata->page_size, expected.page_size);
    assert_int_equal(metadata->page_count, expected.page_count);
    assert_int_equal(metadata->block_bytes, blocks[i].block_bytes);
    assert_int_equal(metadata->taken_at, expected.taken_at);
    assert_string_equal(metadata->source, expected.source);
    assert_string_equal(metadata->writer, expected.writer);
    assert_int_equal(pk_bgzf_bytes(reader), content.bytes);
    pk_bgzf_close(reader);
    free(content.data);
    free(file.data);
  }
}

static void longest_names(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  blob file = {0};
  pk_bgzf_metadata metadata = {.taken_at = -1};
  memset(metadata.source, 's', sizeof metadata.source - 1);
  memset(metadata.writer, 'w', sizeof metadata.writer - 1);
  pk_bgzf_writer *writer;
  assert_int_equal(
      pk_bgzf_create(&writer, &metadata, 6, 1, sink, &file, &error), SQLITE_OK);
  assert_int_equal(pk_bgzf_finish(writer, &error), SQLITE_OK);
  pk_bgzf_abandon(writer);
  pk_bgzf_source source = source_of(&file);
  pk_bgzf_reader *reader;
  assert_int_equal(pk_bgzf_open(&reader, &source, &error), SQLITE_OK);
  assert_string_equal(pk_bgzf_about(reader)->source, metadata.source);
  assert_string_equal(pk_bgzf_about(reader)->writer, metadata.writer);
  assert_int_equal(pk_bgzf_about(reader)->taken_at, -1);
  pk_bgzf_close(reader);
  free(file.data);
}

static void random_reads(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  static unsigned char buffer[200000];
  blob content = make_content(4096 * 700, ROWS);
  blob file = compressed(&content, 4096, 1, 2);
  pk_bgzf_source source = source_of(&file);
  pk_bgzf_reader *reader;
  assert_int_equal(pk_bgzf_open(&reader, &source, &error), SQLITE_OK);
  for (int i = 0; i < 2000; i++) {
    size_t offset = next_random() % content.bytes;
    size_t bytes = next_random() % (i % 10 == 0 ? sizeof buffer : 4096);
    if (bytes > content.bytes - offset) bytes = content.bytes - offset;
    assert_int_equal(
        pk_bgzf_read(reader, buffer, bytes, (sqlite3_int64)offset, &error),
        SQLITE_OK);
    assert_memory_equal(buffer, content.data + offset, bytes);
  }
  pk_bgzf_close(reader);
  free(content.data);
  free(file.data);
}

static void reads_beyond_the_end(void **state) {
  (void)state;
  static const struct {
    sqlite3_int64 offset;
    size_t bytes;
  } reads[] = {
      {8191, 2}, {8192, 1}, {8193, 0}, {-1, 1}, {INT64_MAX, 1}, {0, SIZE_MAX},
  };
  pk_error error = PK_NO_ERROR;
  unsigned char byte;
  blob content = make_content(8192, ROWS);
  blob file = compressed(&content, 4096, 1, 1);
  pk_bgzf_source source = source_of(&file);
  pk_bgzf_reader *reader;
  assert_int_equal(pk_bgzf_open(&reader, &source, &error), SQLITE_OK);
  assert_int_equal(pk_bgzf_read(reader, &byte, 0, 8192, &error), SQLITE_OK);
  assert_int_equal(pk_bgzf_read(reader, &byte, 1, 8191, &error), SQLITE_OK);
  for (size_t i = 0; i < LENGTH(reads); i++) {
    assert_int_equal(
        pk_bgzf_read(reader, &byte, reads[i].bytes, reads[i].offset, &error),
        SQLITE_IOERR_SHORT_READ);
    pk_error_clear(&error);
  }
  pk_bgzf_close(reader);
  free(content.data);
  free(file.data);
}

/* ---- Tests: the description holds ---- */

static void every_member_is_bgzf(void **state) {
  (void)state;
  blob content = make_content(500000, ROWS);
  blob file = compressed(&content, 0, 6, 2);
  size_t at = 0, members = 0;
  while (at < file.bytes) {
    const unsigned char *member = file.data + at;
    const unsigned char *bc = member + 12;
    assert_memory_equal(member, "\x1f\x8b\x08\x04\0\0\0\0\0\xff", 10);
    if (memcmp(bc, "PK", 2) == 0) bc += 4 + get(bc + 2, 2);
    assert_memory_equal(bc, "BC\2\0", 4);
    assert_ptr_equal(bc + 6, member + 12 + get(member + 10, 2));
    at += get(bc + 4, 2) + 1;
    members++;
  }
  assert_int_equal(at, file.bytes);
  assert_int_equal(members, 1 + 8 + 1 + 1 + 1);
  free(content.data);
  free(file.data);
}

static void files_made_by_hand(void **state) {
  (void)state;
  static const size_t blocks[] = {0, 1, 63, 64, 65, 31999, 32000, 32001, 64500};
  for (size_t i = 0; i < LENGTH(blocks); i++) {
    pk_error error = PK_NO_ERROR;
    blob content = make_content(blocks[i], ROWS);
    blob file = by_hand(&content);
    blob extracted = {0};
    assert_int_equal(extract(&file, &extracted, 1, &error), SQLITE_OK);
    assert_same(&content, &extracted);
    free(content.data);
    free(file.data);
    free(extracted.data);
  }
}

/* ---- Tests: damage ---- */

/* A bit that DEFLATE does not look at (padding) may change, as long as the
** content does not. */
static void any_altered_bit(void **state) {
  (void)state;
  blob content = make_content(1000, ROWS);
  blob file = compressed(&content, 0, 6, 1);
  size_t unnoticed = 0;
  for (size_t bit = 0; bit < 8 * file.bytes; bit++) {
    pk_error error = PK_NO_ERROR;
    blob extracted = {0};
    file.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    if (extract(&file, &extracted, 1, &error) == SQLITE_OK) {
      assert_same(&content, &extracted);
      unnoticed++;
    }
    pk_error_clear(&error);
    free(extracted.data);
    file.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  assert_in_range(unnoticed, 0, 10);
  free(content.data);
  free(file.data);
}

static void any_truncation(void **state) {
  (void)state;
  blob content = make_content(70000, ZEROS);
  blob file = compressed(&content, 0, 6, 1);
  while (--file.bytes > 1)
    assert_refused(&file, SQLITE_CORRUPT, "app.db.gz was cut off");
  free(content.data);
  free(file.data);
}

static void damage_is_located(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  unsigned char byte;
  blob content = make_content(65280 * 4, NOISE);
  blob file = compressed(&content, 0, 1, 1);
  size_t first = 12 + get(file.data + 10, 2) + 10;
  file.data[first + 2 * 65311 + 1000] ^= 1;
  char *message = sqlite3_mprintf(
      "app.db.gz is damaged at byte %lld: block 3 of 4 does not match its "
      "CRC-32",
      (sqlite3_int64)(first + 2 * 65311));
  assert_refused(&file, SQLITE_CORRUPT, message);

  pk_bgzf_source source = source_of(&file);
  pk_bgzf_reader *reader;
  assert_int_equal(pk_bgzf_open(&reader, &source, &error), SQLITE_OK);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(pk_bgzf_read(reader, &byte, 1, 2 * 65280, &error),
                     SQLITE_CORRUPT);
    assert_string_equal(error.message, message);
    pk_error_clear(&error);
    assert_int_equal(pk_bgzf_read(reader, &byte, 1, 3 * 65280, &error),
                     SQLITE_OK);
  }
  pk_bgzf_close(reader);
  sqlite3_free(message);
  free(content.data);
  free(file.data);
}

/* Only the CRC-32 of the whole content sees that. */
static void exchanged_blocks(void **state) {
  (void)state;
  static unsigned char other[65311];
  blob content = make_content(65280 * 4, NOISE);
  blob file = compressed(&content, 0, 1, 1);
  unsigned char *first = file.data + 12 + get(file.data + 10, 2) + 10;
  memcpy(other, first, sizeof other);
  memcpy(first, first + sizeof other, sizeof other);
  memcpy(first + sizeof other, other, sizeof other);
  assert_refused(&file, SQLITE_CORRUPT, "the content as a whole");
  free(content.data);
  free(file.data);
}

static void missing_and_added_members(void **state) {
  (void)state;
  blob content = make_content(65280 * 4, NOISE);
  blob file = compressed(&content, 0, 1, 1);
  size_t first = 12 + get(file.data + 10, 2) + 10;
  blob less = {0}, more = {0}, junk = {0};
  append(&less, file.data, first);
  append(&less, file.data + first + 65311, file.bytes - first - 65311);
  assert_refused(&less, SQLITE_CORRUPT, "app.db.gz is damaged");
  append(&more, file.data, first + 65311);
  append(&more, file.data + first, file.bytes - first);
  assert_refused(&more, SQLITE_CORRUPT, "app.db.gz is damaged");
  append(&junk, file.data, file.bytes);
  append(&junk, "junk", 4);
  assert_refused(&junk, SQLITE_CORRUPT, "app.db.gz was cut off");
  free(content.data);
  free(file.data);
  free(less.data);
  free(more.data);
  free(junk.data);
}

static void totals_that_lie(void **state) {
  (void)state;
  static const struct {
    sqlite3_int64 bytes;
    uint64_t blocks;
  } lies[] = {
      {10, 0},    {-10, 0},         {0, 1},         {10, 2},
      {65281, 1}, {10, UINT32_MAX}, {INT64_MAX, 1}, {INT64_MIN, 0},
  };
  for (size_t i = 0; i < LENGTH(lies); i++) {
    blob file = {0};
    put_metadata(&file, 1, 65280);
    put_trailer(&file, 0, lies[i].bytes, lies[i].blocks, file.bytes);
    put_end(&file);
    assert_refused(&file, SQLITE_CORRUPT, "the trailer makes no sense");
    free(file.data);
  }
}

/* ---- Tests: what is no backup of ours ---- */

static blob plain_gzip(const blob *content) {
  blob file = {0};
  uLong room = compressBound((uLong)content->bytes) + 64;
  file.data = malloc(room);
  assert_non_null(file.data);
  z_stream stream = {.next_in = content->data,
                     .avail_in = (uInt)content->bytes,
                     .next_out = file.data,
                     .avail_out = (uInt)room};
  assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
  assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
  file.bytes = stream.total_out;
  deflateEnd(&stream);
  return file;
}

static void foreign_files(void **state) {
  (void)state;
  blob content = make_content(100000, ROWS);
  blob nothing = {0}, database = {0}, foreign = {0}, newer = {0};
  blob gzip = plain_gzip(&content);
  assert_refused(&nothing, SQLITE_NOTADB, "it is not gzip");
  append(&database, "SQLite format 3", 16);
  assert_refused(&database, SQLITE_NOTADB, "it is not gzip");
  assert_refused(&gzip, SQLITE_NOTADB, "plain gzip");
  put_block(&foreign, content.data, 50000);
  put_end(&foreign);
  assert_refused(&foreign, SQLITE_NOTADB, "block gzip by another program");
  put_metadata(&newer, 2, 65280);
  put_end(&newer);
  assert_refused(&newer, SQLITE_NOTADB, "a newer prodkit: its format is 2");
  free(content.data);
  free(gzip.data);
  free(database.data);
  free(foreign.data);
  free(newer.data);
}

/* ---- Tests: failures around it ---- */

static void the_sink_fails(void **state) {
  (void)state;
  blob content = make_content(65280 * 10, ROWS);
  blob file = compressed(&content, 0, 1, 1);
  for (int threads = 1; threads <= 3; threads += 2) {
    for (int call = 1; call <= 1 + 10 + 1 + 1 + 1; call++) {
      pk_error error = PK_NO_ERROR;
      blob full = {.fail_after = call};
      assert_int_equal(compress_to(&full, &content, 0, 1, threads, &error),
                       SQLITE_FULL);
      assert_string_equal(error.message, "the disk is full");
      pk_error_clear(&error);
      free(full.data);
    }
    for (int call = 1; call <= 10; call++) {
      pk_error error = PK_NO_ERROR;
      blob full = {.fail_after = call};
      assert_int_equal(extract(&file, &full, threads, &error), SQLITE_FULL);
      pk_error_clear(&error);
      free(full.data);
    }
  }
  free(content.data);
  free(file.data);
}

static void the_source_fails(void **state) {
  (void)state;
  blob content = make_content(65280 * 10, ROWS);
  blob file = compressed(&content, 0, 1, 1);
  for (int call = 1; call <= 1 + 1 + 1 + 10; call++) {
    pk_error error = PK_NO_ERROR;
    file.fail_after = call;
    assert_int_equal(extract(&file, NULL, 2, &error), SQLITE_IOERR_READ);
    assert_string_equal(error.message, "the disk is gone");
    pk_error_clear(&error);
  }
  free(content.data);
  free(file.data);
}

static void pages_that_were_promised(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  blob content = make_content(4096 * 20, ROWS);
  blob file = {0};
  content.bytes -= 100; /* 19 pages are promised, and most of a 20th given */
  assert_int_equal(compress_to(&file, &content, 4096, 1, 1, &error),
                   SQLITE_INTERNAL);
  assert_non_null(strstr(error.message, "81820 bytes, not 19 pages of 4096"));
  pk_error_clear(&error);
  free(content.data);
  free(file.data);
}

/* ---- Tests: no memory ---- */

static sqlite3_mem_methods memory;
static int allocations_left = -1; /* -1: any number */

static bool may_allocate(void) {
  if (allocations_left == 0) return false;
  if (allocations_left > 0) allocations_left--;
  return true;
}

static void *limited_malloc(int bytes) {
  return may_allocate() ? memory.xMalloc(bytes) : NULL;
}

static void *limited_realloc(void *old, int bytes) {
  return may_allocate() ? memory.xRealloc(old, bytes) : NULL;
}

static void no_memory(void **state) {
  (void)state;
  blob content = make_content(100000, ROWS);
  int rc = SQLITE_NOMEM;
  for (int budget = 0; rc != SQLITE_OK; budget++) {
    pk_error error = PK_NO_ERROR;
    blob file = {0};
    allocations_left = budget;
    rc = compress_to(&file, &content, 0, 1, 1, &error);
    if (rc == SQLITE_OK) rc = extract(&file, NULL, 1, &error);
    allocations_left = -1;
    assert_int_equal(rc, error.code);
    assert_true(rc == SQLITE_OK || rc == SQLITE_NOMEM);
    assert_in_range(budget, 0, 10);
    pk_error_clear(&error);
    free(file.data);
  }
  free(content.data);
}

static void limit_memory(void) {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
  sqlite3_mem_methods limited = memory;
  limited.xMalloc = limited_malloc;
  limited.xRealloc = limited_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &limited);
  sqlite3_initialize();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes),
      cmocka_unit_test(page_sizes),
      cmocka_unit_test(levels),
      cmocka_unit_test(threads_change_nothing),
      cmocka_unit_test(noise_is_stored),
      cmocka_unit_test(metadata_is_kept),
      cmocka_unit_test(longest_names),
      cmocka_unit_test(random_reads),
      cmocka_unit_test(reads_beyond_the_end),
      cmocka_unit_test(every_member_is_bgzf),
      cmocka_unit_test(files_made_by_hand),
      cmocka_unit_test(any_altered_bit),
      cmocka_unit_test(any_truncation),
      cmocka_unit_test(damage_is_located),
      cmocka_unit_test(exchanged_blocks),
      cmocka_unit_test(missing_and_added_members),
      cmocka_unit_test(totals_that_lie),
      cmocka_unit_test(foreign_files),
      cmocka_unit_test(the_sink_fails),
      cmocka_unit_test(the_source_fails),
      cmocka_unit_test(pages_that_were_promised),
      cmocka_unit_test(no_memory),
  };
  limit_memory();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
