/*
** bgzf_fuzz.c: hostile bytes for the reader of format/bgzf.
**
**     make fuzz FUZZ_SECONDS=60          by libFuzzer, with clang
**
** The suite replays test/fuzz/corpus/bgzf/, and some mutations of each file
** (test/fuzz/replay.c).
**
** Random bytes never get past a CRC-32. So the mutator begins with a valid
** file, and mends the checksums of the metadata, the index and the trailer
** after libFuzzer has altered it (three times out of four).
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../ext/format/bgzf.h"
#include "../../ext/format/bgzf_layout.h"
#include "../../ext/format/deflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most,
                               unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);

typedef struct buffer {
  const uint8_t *data;
  size_t bytes;
} buffer;

static int read_buffer(void *context, void *to, size_t bytes,
                       sqlite3_int64 offset, pk_error *error) {
  const buffer *from = context;
  (void)error;
  if (offset < 0 || (sqlite3_uint64)offset > from->bytes ||
      bytes > from->bytes - (size_t)offset)
    abort(); /* the reader must not ask for what is not there */
  if (bytes > 0) memcpy(to, from->data + offset, bytes);
  return SQLITE_OK;
}

static int count_bytes(void *context, const void *data, size_t bytes,
                       pk_error *error) {
  (void)data, (void)error;
  *(sqlite3_int64 *)context += (sqlite3_int64)bytes;
  return SQLITE_OK;
}

static void read_here_and_there(pk_bgzf_reader *reader) {
  static unsigned char page[70000];
  sqlite3_int64 bytes = pk_bgzf_bytes(reader);
  sqlite3_int64 offsets[] = {0, 1, bytes / 3, bytes / 2, bytes - 1, bytes, -1};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    pk_error error = PK_NO_ERROR;
    pk_bgzf_read(reader, page, i % 2 ? 1 : sizeof page, offsets[i], &error);
    pk_error_clear(&error);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  buffer file = {data, bytes};
  pk_bgzf_source source = {.name = "fuzz",
                           .bytes = (sqlite3_int64)bytes,
                           .read = read_buffer,
                           .context = &file};
  pk_error error = PK_NO_ERROR;
  pk_bgzf_reader *reader;
  if (pk_bgzf_open(&reader, &source, &error) == SQLITE_OK) {
    sqlite3_int64 extracted = 0;
    read_here_and_there(reader);
    int rc = pk_bgzf_extract(reader, 1, count_bytes, &extracted, &error);
    if (rc == SQLITE_OK && extracted != pk_bgzf_bytes(reader)) abort();
  }
  pk_bgzf_close(reader);
  pk_error_clear(&error);
  return 0;
}

/* ---- The mutator ---- */

typedef struct sample {
  uint8_t data[4096];
  size_t bytes;
} sample;

static int add(void *context, const void *data, size_t bytes, pk_error *error) {
  sample *to = context;
  (void)error;
  if (bytes > sizeof to->data - to->bytes) abort();
  memcpy(to->data + to->bytes, data, bytes);
  to->bytes += bytes;
  return SQLITE_OK;
}

/* A valid file of three blocks. */
static size_t begin(uint8_t *data, size_t most) {
  static const char content[32 * 4096] = "SQLite format 3";
  pk_bgzf_metadata metadata = {.page_size = 4096,
                               .page_count = sizeof content / 4096,
                               .source = "app.db",
                               .writer = "0.1.0"};
  pk_error error = PK_NO_ERROR;
  pk_bgzf_writer *writer;
  sample file = {.bytes = 0};
  if (pk_bgzf_create(&writer, &metadata, 6, 1, add, &file, &error) ||
      pk_bgzf_write(writer, content, sizeof content, &error) ||
      pk_bgzf_finish(writer, &error) || file.bytes > most)
    abort();
  pk_bgzf_abandon(writer);
  memcpy(data, file.data, file.bytes);
  return file.bytes;
}

/* Mends the checksum of an empty member that begins at `at`. */
static void mend(uint8_t *data, size_t bytes, uint64_t at) {
  if (bytes < BGZF_PAYLOAD_AT || at > bytes - BGZF_PAYLOAD_AT) return;
  uint8_t *payload = data + at + BGZF_PAYLOAD_AT;
  size_t payload_bytes = bgzf_get(payload - 2, 2);
  size_t rest = bytes - (size_t)at - BGZF_PAYLOAD_AT;
  if (payload_bytes < BGZF_SEAL || payload_bytes > rest) return;
  size_t sealed = payload_bytes - BGZF_SEAL;
  bgzf_put(payload + sealed, BGZF_SEAL, pk_crc32(0, payload, sealed));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most,
                               unsigned int seed) {
  const size_t tail = BGZF_TRAILER + sizeof bgzf_end;
  if (bytes < tail && most >= sizeof(sample)) return begin(data, most);
  bytes = LLVMFuzzerMutate(data, bytes, most);
  if (seed % 4 == 0 || bytes < tail) return bytes;
  const uint8_t *fields = data + bytes - tail + BGZF_PAYLOAD_AT + 1;
  mend(data, bytes, 0);
  mend(data, bytes, bgzf_get(fields + 16, 8));
  mend(data, bytes, bytes - tail);
  return bytes;
}
