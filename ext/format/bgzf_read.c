/* bgzf_read.c: the reader of bgzf.h. */
#include <stdbool.h>
#include <string.h>

#include "../base/pipeline.h"
#include "bgzf.h"
#include "bgzf_layout.h"
#include "deflate.h"

/* The offset of every 64th block is kept, and from there on the sizes are
** added up: 2 bytes per block instead of 8. */
#define LANDMARK_EVERY 64

/* Blocks that are kept decompressed for pk_bgzf_read, block n in place
** n % RECENT. */
#define RECENT 16

typedef struct recent {
  sqlite3_int64 block; /* -1: none */
  unsigned char *content;
} recent;

struct pk_bgzf_reader {
  pk_bgzf_source source;
  pk_bgzf_metadata metadata;
  sqlite3_int64 content_bytes;
  uint32_t content_crc;

  sqlite3_int64 blocks_offset; /* where in the file they begin */
  sqlite3_int64 index_offset;
  sqlite3_int64 trailer_offset;

  sqlite3_int64 blocks;
  uint16_t *sizes; /* of the members of blocks, minus one, as in BC */
  sqlite3_int64 *landmarks;

  pk_inflater *inflater;
  recent recent[RECENT];
  unsigned char member[BGZF_MEMBER_MOST];
};

/* ---- Failures ---- */

static int not_ours(pk_bgzf_reader *reader, const char *what, pk_error *error) {
  return pk_fail(error, SQLITE_NOTADB,
                 "%s is not a compressed backup of prodkit: %s",
                 reader->source.name, what);
}

static int cut_off(pk_bgzf_reader *reader, pk_error *error) {
  return pk_fail(error, SQLITE_CORRUPT,
                 "%s was cut off: no end marker after its %lld bytes",
                 reader->source.name, reader->source.bytes);
}

static int damaged(pk_bgzf_reader *reader, sqlite3_int64 offset,
                   const char *what, pk_error *error) {
  return pk_fail(error, SQLITE_CORRUPT, "%s is damaged at byte %lld: %s",
                 reader->source.name, offset, what);
}

static int damaged_block(pk_bgzf_reader *reader, sqlite3_int64 block,
                         sqlite3_int64 offset, const char *what,
                         pk_error *error) {
  return pk_fail(error, SQLITE_CORRUPT,
                 "%s is damaged at byte %lld: block %lld of %lld %s",
                 reader->source.name, offset, block + 1, reader->blocks, what);
}

static int read_file(pk_bgzf_reader *reader, void *buffer, size_t bytes,
                     sqlite3_int64 offset, pk_error *error) {
  return reader->source.read(reader->source.context, buffer, bytes, offset,
                             error);
}

/* ---- Members ---- */

static bool is_header(const unsigned char *member, size_t extra) {
  return memcmp(member, bgzf_fixed, sizeof bgzf_fixed) == 0 &&
         bgzf_get(member + sizeof bgzf_fixed, 2) == extra;
}

static bool is_bc(const unsigned char *at, size_t member_bytes) {
  return memcmp(at, "BC\2\0", 4) == 0 &&
         bgzf_get(at + 4, 2) == member_bytes - 1;
}

/* Is this an empty member of that kind, with every byte in its place? */
static bool is_empty(const unsigned char *member, size_t member_bytes,
                     char kind) {
  static const unsigned char footer[BGZF_FOOTER];
  if (member_bytes < BGZF_AROUND_FIELDS) return false;
  size_t payload_bytes = member_bytes - BGZF_AROUND_PAYLOAD;
  const unsigned char *payload = member + BGZF_PAYLOAD_AT;
  const unsigned char *rest = payload + payload_bytes;
  return is_header(member, BGZF_SUBFIELD + payload_bytes + BGZF_BC) &&
         memcmp(member + BGZF_HEADER, "PK", 2) == 0 &&
         bgzf_get(member + BGZF_HEADER + 2, 2) == payload_bytes &&
         payload[0] == (unsigned char)kind &&
         bgzf_get(rest - BGZF_SEAL, BGZF_SEAL) ==
             pk_crc32(0, payload, payload_bytes - BGZF_SEAL) &&
         is_bc(rest, member_bytes) &&
         memcmp(rest + BGZF_BC, bgzf_empty_data, BGZF_EMPTY_DATA) == 0 &&
         memcmp(rest + BGZF_BC + BGZF_EMPTY_DATA, footer, BGZF_FOOTER) == 0;
}

/* Decompresses a block. Returns what is wrong with it, or NULL. May run on a
** worker thread. */
static const char *inflate_block(pk_inflater *inflater,
                                 const unsigned char *member,
                                 size_t member_bytes, unsigned char *content,
                                 size_t bytes) {
  const unsigned char *footer = member + member_bytes - BGZF_FOOTER;
  if (!is_header(member, BGZF_BC) || !is_bc(member + BGZF_HEADER, member_bytes))
    return "does not begin where the index says";
  if (bgzf_get(footer + 4, 4) != bytes) return "has a wrong size";
  const unsigned char *data = member + BGZF_BLOCK_HEADER;
  if (!pk_inflate(inflater, data, (size_t)(footer - data), content, bytes))
    return "does not decompress";
  if (bgzf_get(footer, 4) != pk_crc32(0, content, bytes))
    return "does not match its CRC-32";
  return NULL;
}

/* ---- Opening: the metadata ---- */

static int recognise(pk_bgzf_reader *reader, const unsigned char *head,
                     size_t bytes, pk_error *error) {
  if (bytes < 2 || memcmp(head, bgzf_fixed, 2) != 0)
    return not_ours(reader, "it is not gzip", error);
  if (bytes <= BGZF_PAYLOAD_AT) return cut_off(reader, error);
  if (memcmp(head + BGZF_HEADER, "PK", 2) == 0) return SQLITE_OK;
  if (memcmp(head + BGZF_HEADER, "BC", 2) == 0)
    return not_ours(reader, "block gzip by another program (gunzip reads it)",
                    error);
  return not_ours(reader, "plain gzip (gunzip reads it)", error);
}

/* A byte with the length, and the text. Returns where it ends, or NULL. */
static const unsigned char *get_text(const unsigned char *at,
                                     const unsigned char *end, char *text,
                                     size_t room) {
  if (at == end) return NULL;
  size_t bytes = *at++;
  if (bytes >= room || bytes > (size_t)(end - at)) return NULL;
  memcpy(text, at, bytes);
  text[bytes] = 0;
  return at + bytes;
}

static bool is_page_size(int bytes) {
  return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

static bool get_metadata(pk_bgzf_metadata *metadata,
                         const unsigned char *fields, size_t bytes) {
  if (bytes < BGZF_METADATA_FIXED) return false;
  const unsigned char *end = fields + bytes;
  const unsigned char *at = fields + BGZF_METADATA_FIXED;
  metadata->page_size = (int)bgzf_get(fields + 1, 4);
  metadata->page_count = (sqlite3_int64)bgzf_get(fields + 5, 4);
  metadata->block_bytes = (int)bgzf_get(fields + 9, 4);
  metadata->taken_at = (sqlite3_int64)bgzf_get(fields + 13, 8);
  at = get_text(at, end, metadata->source, sizeof metadata->source);
  if (at) at = get_text(at, end, metadata->writer, sizeof metadata->writer);
  if (metadata->page_size == 0 && metadata->page_count > 0) return false;
  if (metadata->page_size != 0 && !is_page_size(metadata->page_size))
    return false;
  return at == end && metadata->block_bytes > 0 &&
         metadata->block_bytes <= BGZF_BLOCK_MOST;
}

static int read_metadata(pk_bgzf_reader *reader, pk_error *error) {
  unsigned char member[BGZF_AROUND_FIELDS + BGZF_METADATA_MOST];
  size_t bytes = sizeof member;
  if (reader->source.bytes < (sqlite3_int64)bytes)
    bytes = (size_t)reader->source.bytes;
  int rc = read_file(reader, member, bytes, 0, error);
  if (rc == SQLITE_OK) rc = recognise(reader, member, bytes, error);
  if (rc != SQLITE_OK) return rc;

  size_t extra = bgzf_get(member + sizeof bgzf_fixed, 2);
  size_t member_bytes = BGZF_HEADER + extra + BGZF_EMPTY_DATA + BGZF_FOOTER;
  if ((sqlite3_int64)member_bytes > reader->source.bytes)
    return cut_off(reader, error);
  if (member_bytes > bytes || !is_empty(member, member_bytes, 'M'))
    return damaged(reader, 0, "the metadata are not what was written", error);

  const unsigned char *fields = member + BGZF_PAYLOAD_AT + 1;
  size_t field_bytes = member_bytes - BGZF_AROUND_FIELDS;
  if (field_bytes > 0 && fields[0] != BGZF_FORMAT)
    return pk_fail(error, SQLITE_NOTADB,
                   "%s was written by a newer prodkit: its format is %d, and "
                   "this one reads %d",
                   reader->source.name, fields[0], BGZF_FORMAT);
  if (!get_metadata(&reader->metadata, fields, field_bytes))
    return damaged(reader, 0, "the metadata make no sense", error);
  reader->blocks_offset = (sqlite3_int64)member_bytes;
  return SQLITE_OK;
}

/* ---- Opening: the end ---- */

/* Do the blocks hold the content, and is the content the pages? */
static bool totals_agree(const pk_bgzf_reader *reader) {
  const pk_bgzf_metadata *metadata = &reader->metadata;
  sqlite3_int64 bytes = reader->content_bytes;
  sqlite3_int64 most = reader->blocks * metadata->block_bytes;
  if (bytes < 0 || bytes > most) return false;
  if (bytes <= most - metadata->block_bytes) return false;
  return metadata->page_size == 0 ||
         metadata->page_count * metadata->page_size == bytes;
}

/* The number of blocks decides how large the index is, which must begin where
** the trailer says: what pk_bgzf_open allocates is bounded by the file. */
static int read_trailer(pk_bgzf_reader *reader, pk_error *error) {
  unsigned char tail[BGZF_TRAILER + sizeof bgzf_end];
  sqlite3_int64 offset = reader->source.bytes - (sqlite3_int64)sizeof tail;
  if (offset < reader->blocks_offset) return cut_off(reader, error);
  int rc = read_file(reader, tail, sizeof tail, offset, error);
  if (rc != SQLITE_OK) return rc;
  if (memcmp(tail + BGZF_TRAILER, bgzf_end, sizeof bgzf_end) != 0)
    return cut_off(reader, error);
  if (!is_empty(tail, BGZF_TRAILER, 'T'))
    return damaged(reader, offset, "the trailer is not what was written",
                   error);

  const unsigned char *fields = tail + BGZF_PAYLOAD_AT + 1;
  reader->content_crc = (uint32_t)bgzf_get(fields, 4);
  reader->content_bytes = (sqlite3_int64)bgzf_get(fields + 4, 8);
  reader->blocks = (sqlite3_int64)bgzf_get(fields + 12, 4);
  reader->index_offset = (sqlite3_int64)bgzf_get(fields + 16, 8);
  reader->trailer_offset = offset;
  sqlite3_int64 index_at = offset - bgzf_index_bytes(reader->blocks);
  if (reader->index_offset < reader->blocks_offset || !totals_agree(reader))
    return damaged(reader, offset, "the trailer makes no sense", error);
  if (index_at != reader->index_offset)
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s is damaged: its index is at byte %lld instead of %lld, "
                   "so something before it was removed or added",
                   reader->source.name, index_at, reader->index_offset);
  return SQLITE_OK;
}

/* ---- Opening: the index ---- */

/* Takes the sizes of the blocks from `first` on. Returns where in the file
** the block after them begins, or 0 if a size is impossible. */
static sqlite3_int64 take_sizes(pk_bgzf_reader *reader, sqlite3_int64 first,
                                int count, sqlite3_int64 offset) {
  const unsigned char *fields = reader->member + BGZF_PAYLOAD_AT + 1;
  for (int i = 0; i < count; i++) {
    sqlite3_int64 block = first + i;
    uint16_t size = (uint16_t)bgzf_get(fields + 2 * i, 2);
    if (size < BGZF_BLOCK_HEADER + BGZF_FOOTER) return 0;
    if (block % LANDMARK_EVERY == 0)
      reader->landmarks[block / LANDMARK_EVERY] = offset;
    reader->sizes[block] = size;
    offset += size + 1;
  }
  return offset;
}

static int read_index(pk_bgzf_reader *reader, pk_error *error) {
  sqlite3_int64 blocks = reader->blocks;
  sqlite3_int64 landmarks = blocks / LANDMARK_EVERY + 1;
  reader->sizes =
      sqlite3_malloc64((sqlite3_uint64)blocks * sizeof *reader->sizes + 1);
  reader->landmarks =
      sqlite3_malloc64((sqlite3_uint64)landmarks * sizeof *reader->landmarks);
  if (!reader->sizes || !reader->landmarks) return pk_fail_memory(error);

  sqlite3_int64 at = reader->index_offset;
  sqlite3_int64 offset = reader->blocks_offset;
  for (sqlite3_int64 done = 0; done < blocks; done += BGZF_INDEX_SIZES) {
    int count = blocks - done < BGZF_INDEX_SIZES ? (int)(blocks - done)
                                                 : BGZF_INDEX_SIZES;
    size_t bytes = BGZF_AROUND_FIELDS + 2 * (size_t)count;
    int rc = read_file(reader, reader->member, bytes, at, error);
    if (rc != SQLITE_OK) return rc;
    if (!is_empty(reader->member, bytes, 'I'))
      return damaged(reader, at, "the index is not what was written", error);
    offset = take_sizes(reader, done, count, offset);
    if (offset == 0)
      return damaged(reader, at, "the index makes no sense", error);
    at += (sqlite3_int64)bytes;
  }
  if (offset != reader->index_offset)
    return damaged(reader, reader->index_offset,
                   "the index does not agree with the blocks", error);
  return SQLITE_OK;
}

int pk_bgzf_open(pk_bgzf_reader **result, const pk_bgzf_source *source,
                 pk_error *error) {
  *result = NULL;
  pk_bgzf_reader *reader = sqlite3_malloc(sizeof *reader);
  if (!reader) return pk_fail_memory(error);
  memset(reader, 0, sizeof *reader);
  reader->source = *source;
  int rc = read_metadata(reader, error);
  if (rc == SQLITE_OK) rc = read_trailer(reader, error);
  if (rc == SQLITE_OK) rc = read_index(reader, error);
  if (rc == SQLITE_OK)
    *result = reader;
  else
    pk_bgzf_close(reader);
  return rc;
}

void pk_bgzf_close(pk_bgzf_reader *reader) {
  if (!reader) return;
  for (int i = 0; i < RECENT; i++) sqlite3_free(reader->recent[i].content);
  pk_inflater_free(reader->inflater);
  sqlite3_free(reader->landmarks);
  sqlite3_free(reader->sizes);
  sqlite3_free(reader);
}

const pk_bgzf_metadata *pk_bgzf_about(const pk_bgzf_reader *reader) {
  return &reader->metadata;
}

sqlite3_int64 pk_bgzf_bytes(const pk_bgzf_reader *reader) {
  return reader->content_bytes;
}

/* ---- Blocks ---- */

static sqlite3_int64 offset_of(const pk_bgzf_reader *reader,
                               sqlite3_int64 block) {
  sqlite3_int64 n = block - block % LANDMARK_EVERY;
  sqlite3_int64 offset = reader->landmarks[n / LANDMARK_EVERY];
  while (n < block) offset += reader->sizes[n++] + 1;
  return offset;
}

static size_t content_of(const pk_bgzf_reader *reader, sqlite3_int64 block) {
  sqlite3_int64 block_bytes = reader->metadata.block_bytes;
  sqlite3_int64 rest = reader->content_bytes - block * block_bytes;
  return (size_t)(rest < block_bytes ? rest : block_bytes);
}

/* Reads a block's member and says how large it is and where it stands. */
static int read_member(pk_bgzf_reader *reader, sqlite3_int64 block,
                       unsigned char *member, size_t *bytes,
                       sqlite3_int64 *offset, pk_error *error) {
  *bytes = (size_t)reader->sizes[block] + 1;
  *offset = offset_of(reader, block);
  return read_file(reader, member, *bytes, *offset, error);
}

/* ---- Reading at random ---- */

static int load_block(pk_bgzf_reader *reader, sqlite3_int64 block,
                      recent *place, pk_error *error) {
  if (!reader->inflater) reader->inflater = pk_inflater_new();
  if (!place->content) place->content = sqlite3_malloc(BGZF_BLOCK_MOST);
  if (!reader->inflater || !place->content) return pk_fail_memory(error);
  place->block = -1;
  size_t bytes;
  sqlite3_int64 offset;
  int rc = read_member(reader, block, reader->member, &bytes, &offset, error);
  if (rc != SQLITE_OK) return rc;
  const char *wrong = inflate_block(reader->inflater, reader->member, bytes,
                                    place->content, content_of(reader, block));
  if (wrong) return damaged_block(reader, block, offset, wrong, error);
  place->block = block;
  return SQLITE_OK;
}

static int find_block(pk_bgzf_reader *reader, sqlite3_int64 block,
                      const unsigned char **content, pk_error *error) {
  recent *place = &reader->recent[block % RECENT];
  int rc = SQLITE_OK;
  if (!place->content || place->block != block)
    rc = load_block(reader, block, place, error);
  *content = place->content;
  return rc;
}

int pk_bgzf_read(pk_bgzf_reader *reader, void *buffer, size_t bytes,
                 sqlite3_int64 offset, pk_error *error) {
  unsigned char *to = buffer;
  if (offset < 0 || offset > reader->content_bytes ||
      bytes > (sqlite3_uint64)(reader->content_bytes - offset))
    return pk_fail(error, SQLITE_IOERR_SHORT_READ,
                   "%s has only %lld bytes of content", reader->source.name,
                   reader->content_bytes);
  while (bytes > 0) {
    sqlite3_int64 block = offset / reader->metadata.block_bytes;
    size_t from = (size_t)(offset % reader->metadata.block_bytes);
    size_t part = content_of(reader, block) - from;
    if (part > bytes) part = bytes;
    const unsigned char *content;
    int rc = find_block(reader, block, &content, error);
    if (rc != SQLITE_OK) return rc;
    memcpy(to, content + from, part);
    to += part;
    bytes -= part;
    offset += (sqlite3_int64)part;
  }
  return SQLITE_OK;
}

/* ---- Reading everything ---- */

typedef struct extraction {
  pk_bgzf_reader *reader;
  pk_bgzf_sink sink; /* or NULL */
  void *context;
  uint32_t crc; /* of the content so far */
} extraction;

/* One item of the pipeline: a member, and the block that it becomes. */
typedef struct block {
  sqlite3_int64 number;
  sqlite3_int64 offset;
  size_t member_bytes;
  size_t bytes;
  const char *wrong; /* with it; or NULL */
  unsigned char member[BGZF_MEMBER_MOST];
  unsigned char content[BGZF_BLOCK_MOST];
} block;

static void *new_inflater(const void *context) {
  (void)context;
  return pk_inflater_new();
}

static void free_inflater(void *inflater) {
  pk_inflater_free(inflater);
}

static void decompress_block(void *worker, void *item) {
  block *self = item;
  self->wrong = inflate_block(worker, self->member, self->member_bytes,
                              self->content, self->bytes);
}

static int take_block(void *context, void *item, pk_error *error) {
  extraction *self = context;
  const block *done = item;
  if (done->wrong)
    return damaged_block(self->reader, done->number, done->offset, done->wrong,
                         error);
  const unsigned char *footer = done->member + done->member_bytes - BGZF_FOOTER;
  self->crc =
      pk_crc32_join(self->crc, (uint32_t)bgzf_get(footer, 4), done->bytes);
  if (!self->sink) return SQLITE_OK;
  return self->sink(self->context, done->content, done->bytes, error);
}

static int submit_member(pk_pipeline *pipeline, pk_bgzf_reader *reader,
                         sqlite3_int64 number, pk_error *error) {
  void *item;
  int rc = pk_pipeline_item(pipeline, &item, error);
  if (rc != SQLITE_OK) return rc;
  block *next = item;
  next->number = number;
  next->bytes = content_of(reader, number);
  rc = read_member(reader, number, next->member, &next->member_bytes,
                   &next->offset, error);
  if (rc == SQLITE_OK) pk_pipeline_submit(pipeline);
  return rc;
}

int pk_bgzf_extract(pk_bgzf_reader *reader, int threads, pk_bgzf_sink sink,
                    void *context, pk_error *error) {
  extraction self = {.reader = reader, .sink = sink, .context = context};
  pk_pipeline_plan plan = {.item_bytes = sizeof(block),
                           .worker_new = new_inflater,
                           .worker_free = free_inflater,
                           .work = decompress_block,
                           .take = take_block,
                           .context = &self};
  pk_pipeline *pipeline;
  int rc = pk_pipeline_open(&pipeline, &plan, threads, error);
  for (sqlite3_int64 n = 0; rc == SQLITE_OK && n < reader->blocks; n++)
    rc = submit_member(pipeline, reader, n, error);
  if (rc == SQLITE_OK) rc = pk_pipeline_drain(pipeline, error);
  pk_pipeline_close(pipeline);
  if (rc == SQLITE_OK && self.crc != reader->content_crc)
    rc = damaged(reader, reader->trailer_offset,
                 "the content as a whole does not match its CRC-32", error);
  return rc;
}
