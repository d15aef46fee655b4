/* backup_file.c: see backup_file.h. */
#include "backup_file.h"

#include <string.h>

#include "../base/file.h"
#include "header.h"

#define CHUNK_BYTES (1 << 20)

/* RFC 1952, section 2.3.1: what every gzip file begins with. */
static int recognise(pk_reader *file, bool *compressed, pk_error *error) {
  unsigned char magic[2] = {0};
  if (file->bytes == 0)
    return pk_fail(error, SQLITE_NOTADB, "%s is empty", file->path);
  size_t bytes = file->bytes < 2 ? 1 : 2;
  int rc = pk_reader_read(file, magic, bytes, 0, error);
  *compressed = magic[0] == 0x1f && magic[1] == 0x8b;
  return rc;
}

static int refuse_sidecars(const pk_reader *file, pk_error *error) {
  static const char *const suffixes[] = {"-wal", "-journal"};
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < 2; i++) {
    char *sidecar = sqlite3_mprintf("%s%s", file->path, suffixes[i]);
    if (!sidecar) return pk_fail_memory(error);
    if (pk_file_bytes(sidecar) >= 0)
      rc = pk_fail(error, SQLITE_CANTOPEN,
                   "%s lies beside it, so this is a live database or what is "
                   "left of one, not a backup; make one with prod_backup_to",
                   sidecar);
    sqlite3_free(sidecar);
  }
  return rc;
}

int pk_backup_open(pk_reader *file, const char *path, bool *compressed,
                   pk_error *error) {
  int rc = pk_reader_open(file, path, error);
  if (rc == SQLITE_OK) rc = recognise(file, compressed, error);
  if (rc == SQLITE_OK && !*compressed) rc = refuse_sidecars(file, error);
  return rc;
}

pk_bgzf_source pk_backup_source(pk_reader *file) {
  return (pk_bgzf_source){.name = file->path,
                          .bytes = file->bytes,
                          .read = pk_reader_read,
                          .context = file};
}

/* ---- what it tells of itself ---- */

static int describe_plain(pk_reader *file, pk_backup_facts *facts,
                          pk_error *error) {
  unsigned char bytes[PK_HEADER_BYTES] = {0};
  pk_header header;
  if (file->bytes >= PK_HEADER_BYTES) {
    int rc = pk_reader_read(file, bytes, sizeof bytes, 0, error);
    if (rc != SQLITE_OK) return rc;
  }
  if (!pk_header_read(bytes, &header))
    return pk_fail(error, SQLITE_NOTADB,
                   "%s is neither a SQLite database nor a compressed backup",
                   file->path);
  *facts = (pk_backup_facts){.page_size = (int)header.page_size,
                             .pages = file->bytes / header.page_size,
                             .source_bytes = file->bytes};
  return SQLITE_OK;
}

static int describe_compressed(pk_reader *file, pk_backup_facts *facts,
                               pk_error *error) {
  pk_bgzf_source source = pk_backup_source(file);
  pk_bgzf_reader *backup;
  int rc = pk_bgzf_open(&backup, &source, error);
  if (rc != SQLITE_OK) return rc;
  const pk_bgzf_metadata *about = pk_bgzf_about(backup);
  *facts = (pk_backup_facts){.page_size = about->page_size,
                             .pages = about->page_count,
                             .source_bytes = pk_bgzf_bytes(backup),
                             .taken_at = about->taken_at};
  sqlite3_snprintf(sizeof facts->source, facts->source, "%s", about->source);
  if (about->page_size == 0)
    rc = pk_fail(error, SQLITE_NOTADB,
                 "%s is compressed by prodkit, but it holds no database",
                 file->path);
  pk_bgzf_close(backup);
  return rc;
}

int pk_backup_describe(pk_reader *file, bool compressed, pk_backup_facts *facts,
                       pk_error *error) {
  *facts = (pk_backup_facts){0};
  return compressed ? describe_compressed(file, facts, error)
                    : describe_plain(file, facts, error);
}

/* ---- what is in it ---- */

static int extract_plain(pk_reader *file, pk_bgzf_sink sink, void *context,
                         pk_error *error) {
  unsigned char *chunk = sqlite3_malloc(CHUNK_BYTES);
  int rc = chunk ? SQLITE_OK : pk_fail_memory(error);
  sqlite3_int64 at = 0;
  while (rc == SQLITE_OK && at < file->bytes) {
    sqlite3_int64 left = file->bytes - at;
    size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    rc = pk_reader_read(file, chunk, bytes, at, error);
    if (rc == SQLITE_OK) rc = sink(context, chunk, bytes, error);
    at += (sqlite3_int64)bytes;
  }
  sqlite3_free(chunk);
  return rc;
}

int pk_backup_extract(pk_reader *file, bool compressed, int threads,
                      pk_bgzf_sink sink, void *context, pk_error *error) {
  if (!compressed) return extract_plain(file, sink, context, error);
  pk_bgzf_source source = pk_backup_source(file);
  pk_bgzf_reader *backup;
  int rc = pk_bgzf_open(&backup, &source, error);
  if (rc == SQLITE_OK)
    rc = pk_bgzf_extract(backup, threads, sink, context, error);
  pk_bgzf_close(backup);
  return rc;
}
