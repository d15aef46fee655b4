/* bgzf_write.c: the writer of bgzf.h. */
#include <assert.h>
#include <string.h>

#include "../base/pipeline.h"
#include "bgzf.h"
#include "bgzf_layout.h"
#include "deflate.h"

/* One item of the pipeline: a block, and the member that it becomes. */
typedef struct block {
  size_t bytes;
  size_t member_bytes;
  uint32_t crc;
  unsigned char content[BGZF_BLOCK_MOST];
  unsigned char member[BGZF_MEMBER_MOST];
} block;

struct pk_bgzf_writer {
  pk_bgzf_metadata metadata;
  int level;
  pk_bgzf_sink sink;
  void *context;
  pk_pipeline *pipeline;
  block *filling; /* NULL: none is begun */

  sqlite3_int64 content_bytes;
  uint32_t content_crc;
  sqlite3_int64 file_bytes;
  uint16_t *sizes; /* of the members of blocks, minus one, as in BC */
  sqlite3_int64 blocks;
  sqlite3_int64 room; /* in `sizes` */
  unsigned char index_member[BGZF_INDEX_MOST];
};

/* ---- Members ---- */

/* The header of a member whose extra field has so many bytes. */
static void put_header(unsigned char *member, size_t extra) {
  memcpy(member, bgzf_fixed, sizeof bgzf_fixed);
  bgzf_put(member + sizeof bgzf_fixed, 2, extra);
}

static void put_bc(unsigned char *at, size_t member_bytes) {
  memcpy(at, "BC", 2);
  bgzf_put(at + 2, 2, 2);
  bgzf_put(at + 4, 2, member_bytes - 1);
}

/* A stored DEFLATE block (RFC 1951, section 3.2.4), final and alone. */
static size_t store(const unsigned char *content, size_t bytes,
                    unsigned char *output) {
  output[0] = 1;
  bgzf_put(output + 1, 2, bytes);
  bgzf_put(output + 3, 2, ~bytes);
  memcpy(output + 5, content, bytes);
  return bytes + 5;
}

/* Makes the member of a block; on a worker thread. */
static void compress_block(void *worker, void *item) {
  block *self = item;
  unsigned char *data = self->member + BGZF_BLOCK_HEADER;
  size_t data_bytes =
      pk_deflate(worker, self->content, self->bytes, data, self->bytes);
  if (data_bytes == 0) data_bytes = store(self->content, self->bytes, data);
  self->crc = pk_crc32(0, self->content, self->bytes);
  self->member_bytes = BGZF_BLOCK_HEADER + data_bytes + BGZF_FOOTER;
  put_header(self->member, BGZF_BC);
  put_bc(self->member + BGZF_HEADER, self->member_bytes);
  bgzf_put(data + data_bytes, 4, self->crc);
  bgzf_put(data + data_bytes + 4, 4, self->bytes);
}

static int emit(pk_bgzf_writer *writer, const void *data, size_t bytes,
                pk_error *error) {
  writer->file_bytes += (sqlite3_int64)bytes;
  return writer->sink(writer->context, data, bytes, error);
}

/* Completes an empty member, whose fields the caller has put in place, and
** writes it. */
static int emit_empty(pk_bgzf_writer *writer, unsigned char *member, char kind,
                      size_t field_bytes, pk_error *error) {
  size_t payload_bytes = 1 + field_bytes + BGZF_SEAL;
  size_t member_bytes = BGZF_AROUND_PAYLOAD + payload_bytes;
  unsigned char *payload = member + BGZF_PAYLOAD_AT;
  unsigned char *rest = payload + payload_bytes;
  put_header(member, BGZF_SUBFIELD + payload_bytes + BGZF_BC);
  memcpy(member + BGZF_HEADER, "PK", 2);
  bgzf_put(member + BGZF_HEADER + 2, 2, payload_bytes);
  payload[0] = (unsigned char)kind;
  bgzf_put(rest - BGZF_SEAL, BGZF_SEAL,
           pk_crc32(0, payload, payload_bytes - BGZF_SEAL));
  put_bc(rest, member_bytes);
  memcpy(rest + BGZF_BC, bgzf_empty_data, BGZF_EMPTY_DATA);
  memset(rest + BGZF_BC + BGZF_EMPTY_DATA, 0, BGZF_FOOTER);
  return emit(writer, member, member_bytes, error);
}

static unsigned char *put_text(unsigned char *at, const char *text) {
  size_t bytes = strlen(text);
  *at++ = (unsigned char)bytes;
  memcpy(at, text, bytes);
  return at + bytes;
}

static int emit_metadata(pk_bgzf_writer *writer, pk_error *error) {
  const pk_bgzf_metadata *metadata = &writer->metadata;
  unsigned char member[BGZF_AROUND_FIELDS + BGZF_METADATA_MOST];
  unsigned char *fields = member + BGZF_PAYLOAD_AT + 1;
  bgzf_put(fields, 1, BGZF_FORMAT);
  bgzf_put(fields + 1, 4, (uint64_t)metadata->page_size);
  bgzf_put(fields + 5, 4, (uint64_t)metadata->page_count);
  bgzf_put(fields + 9, 4, (uint64_t)metadata->block_bytes);
  bgzf_put(fields + 13, 8, (uint64_t)metadata->taken_at);
  unsigned char *end = put_text(fields + BGZF_METADATA_FIXED, metadata->source);
  end = put_text(end, metadata->writer);
  return emit_empty(writer, member, 'M', (size_t)(end - fields), error);
}

static int emit_index(pk_bgzf_writer *writer, pk_error *error) {
  unsigned char *member = writer->index_member;
  unsigned char *fields = member + BGZF_PAYLOAD_AT + 1;
  int rc = SQLITE_OK;
  sqlite3_int64 done = 0;
  while (rc == SQLITE_OK && done < writer->blocks) {
    int count = 0;
    while (count < BGZF_INDEX_SIZES && done < writer->blocks)
      bgzf_put(fields + 2 * count++, 2, writer->sizes[done++]);
    rc = emit_empty(writer, member, 'I', 2 * (size_t)count, error);
  }
  return rc;
}

static int emit_trailer(pk_bgzf_writer *writer, sqlite3_int64 index_offset,
                        pk_error *error) {
  unsigned char member[BGZF_TRAILER];
  unsigned char *fields = member + BGZF_PAYLOAD_AT + 1;
  bgzf_put(fields, 4, writer->content_crc);
  bgzf_put(fields + 4, 8, (uint64_t)writer->content_bytes);
  bgzf_put(fields + 12, 4, (uint64_t)writer->blocks);
  bgzf_put(fields + 16, 8, (uint64_t)index_offset);
  return emit_empty(writer, member, 'T', BGZF_TRAILER_FIELDS, error);
}

/* ---- The pipeline ---- */

static void *new_deflater(const void *context) {
  const pk_bgzf_writer *writer = context;
  return pk_deflater_new(writer->level);
}

static void free_deflater(void *deflater) {
  pk_deflater_free(deflater);
}

static int remember_size(pk_bgzf_writer *writer, size_t member_bytes,
                         pk_error *error) {
  if (writer->blocks == writer->room) {
    sqlite3_int64 room = writer->room ? 2 * writer->room : 1024;
    uint16_t *sizes = sqlite3_realloc64(
        writer->sizes, (sqlite3_uint64)room * sizeof *writer->sizes);
    if (!sizes) return pk_fail_memory(error);
    writer->sizes = sizes;
    writer->room = room;
  }
  writer->sizes[writer->blocks++] = (uint16_t)(member_bytes - 1);
  return SQLITE_OK;
}

static int take_member(void *context, void *item, pk_error *error) {
  pk_bgzf_writer *writer = context;
  const block *done = item;
  int rc = remember_size(writer, done->member_bytes, error);
  if (rc != SQLITE_OK) return rc;
  writer->content_bytes += (sqlite3_int64)done->bytes;
  writer->content_crc =
      pk_crc32_join(writer->content_crc, done->crc, done->bytes);
  return emit(writer, done->member, done->member_bytes, error);
}

/* ---- The writer ---- */

/* Whole pages, so that no page of up to 32 KiB lies in two blocks. */
static int block_bytes_for(int page_size) {
  if (page_size == 0 || page_size > BGZF_BLOCK_MOST) return BGZF_BLOCK_MOST;
  return BGZF_BLOCK_MOST / page_size * page_size;
}

int pk_bgzf_create(pk_bgzf_writer **result, const pk_bgzf_metadata *metadata,
                   int level, int threads, pk_bgzf_sink sink, void *context,
                   pk_error *error) {
  *result = NULL;
  assert(level >= 1 && level <= 12);
  pk_bgzf_writer *writer = sqlite3_malloc(sizeof *writer);
  if (!writer) return pk_fail_memory(error);
  *writer = (pk_bgzf_writer){
      .metadata = *metadata, .level = level, .sink = sink, .context = context};
  writer->metadata.block_bytes = block_bytes_for(metadata->page_size);
  pk_pipeline_plan plan = {.item_bytes = sizeof(block),
                           .worker_new = new_deflater,
                           .worker_free = free_deflater,
                           .work = compress_block,
                           .take = take_member,
                           .context = writer};
  int rc = pk_pipeline_open(&writer->pipeline, &plan, threads, error);
  if (rc == SQLITE_OK) rc = emit_metadata(writer, error);
  if (rc == SQLITE_OK)
    *result = writer;
  else
    pk_bgzf_abandon(writer);
  return rc;
}

static int begin_block(pk_bgzf_writer *writer, pk_error *error) {
  void *item;
  int rc = pk_pipeline_item(writer->pipeline, &item, error);
  if (rc != SQLITE_OK) return rc;
  writer->filling = item;
  writer->filling->bytes = 0;
  return SQLITE_OK;
}

static void submit_block(pk_bgzf_writer *writer) {
  writer->filling = NULL;
  pk_pipeline_submit(writer->pipeline);
}

int pk_bgzf_write(pk_bgzf_writer *writer, const void *data, size_t bytes,
                  pk_error *error) {
  const unsigned char *rest = data;
  size_t full = (size_t)writer->metadata.block_bytes;
  while (bytes > 0) {
    int rc = writer->filling ? SQLITE_OK : begin_block(writer, error);
    if (rc != SQLITE_OK) return rc;
    block *filling = writer->filling;
    size_t part = full - filling->bytes < bytes ? full - filling->bytes : bytes;
    memcpy(filling->content + filling->bytes, rest, part);
    filling->bytes += part;
    rest += part;
    bytes -= part;
    if (filling->bytes == full) submit_block(writer);
  }
  return SQLITE_OK;
}

static int check_promise(const pk_bgzf_writer *writer, pk_error *error) {
  const pk_bgzf_metadata *metadata = &writer->metadata;
  if (metadata->page_size == 0 ||
      metadata->page_count * metadata->page_size == writer->content_bytes)
    return SQLITE_OK;
  return pk_fail(error, SQLITE_INTERNAL,
                 "the backup of %s has %lld bytes, not %lld pages of %d",
                 metadata->source, writer->content_bytes, metadata->page_count,
                 metadata->page_size);
}

int pk_bgzf_finish(pk_bgzf_writer *writer, pk_error *error) {
  if (writer->filling) submit_block(writer);
  int rc = pk_pipeline_drain(writer->pipeline, error);
  if (rc == SQLITE_OK) rc = check_promise(writer, error);
  sqlite3_int64 index_offset = writer->file_bytes;
  if (rc == SQLITE_OK) rc = emit_index(writer, error);
  if (rc == SQLITE_OK) rc = emit_trailer(writer, index_offset, error);
  if (rc == SQLITE_OK) rc = emit(writer, bgzf_end, sizeof bgzf_end, error);
  return rc;
}

void pk_bgzf_abandon(pk_bgzf_writer *writer) {
  if (!writer) return;
  pk_pipeline_close(writer->pipeline);
  sqlite3_free(writer->sizes);
  sqlite3_free(writer);
}
