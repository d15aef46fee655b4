/*
** backup_to.c: a consistent copy of a live database, plain or compressed.
**
**     SELECT prod_backup_to('/backups/app.db');
**     SELECT prod_backup_to('/backups/app.db.gz', 6);
**     SELECT prod_backup_to('/backups/full.db.gz', 'gzip', '{"verify":"full"}');
**
** How it works. format/snapshot pins one state of the database and hands out
** its pages in order; they are written to a new file beside the target, as they
** are or through format/bgzf. The copy is verified (prod_backup_verify), made
** durable and only then gets the target's name, so that whatever goes wrong,
** nothing incomplete ever stands under it.
**
** Locking. In WAL mode writers go on; the pinned reader keeps the WAL from
** being reset meanwhile, for as long as the pages are copied and compressed
** (option max_seconds bounds that). In a rollback-journal mode writers wait,
** so a compressed backup is copied at the disk's speed first, the lock is
** released, and the copy is compressed. Verifying holds no lock in any mode.
**
** Cost. Reads every page once. Memory: some MB, whatever the size.
**
** Limits. One schema at a time: attached databases have no common instant. A
** connection that is inside a write transaction is refused.
*/
#include <stddef.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/pace.h"
#include "../base/sql.h"
#include "../base/target.h"
#include "../format/bgzf.h"
#include "../format/snapshot.h"
#include "../prodkit.h"

#define CHUNK_BYTES (1 << 20)

enum { VERIFY_NONE, VERIFY_QUICK, VERIFY_FULL };
static const char *const verify_levels[] = {"none", "quick", "full"};

typedef struct backup_options {
  char *schema;
  int overwrite;
  int verify;
  sqlite3_int64 threads;
  pk_pace_options pace;
} backup_options;

#define OPTION(field) offsetof(backup_options, field)

static const pk_option options[] = {
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to copy (main)"},
    {"overwrite", PK_BOOLEAN, OPTION(overwrite),
     .summary = "replace an existing file (false)"},
    {"verify", PK_CHOICE, OPTION(verify), .choices = "none quick full",
     .summary = "how the copy is checked before it is published (quick)"},
    {"threads", PK_INTEGER, OPTION(threads), .least = 0, .most = 64,
     .summary = "to compress with (0: one for each core)"},
    PK_PACE_OPTIONS(backup_options),
    {0}};

typedef struct backup {
  sqlite3 *db;
  const char *path;
  const char *schema;
  int level; /* PK_PLAIN, or that of the compression */
  backup_options options;
  pk_file file;
  pk_pace pace;
  pk_snapshot *snapshot;
  pk_snapshot_facts facts;
  sqlite3_int64 bytes; /* of the finished file */
} backup;

/* ---- what was asked for ---- */

static int read_arguments(backup *job, sqlite3_value **arguments,
                          pk_error *error) {
  int rc = pk_text_argument(arguments[0], "path", &job->path, error);
  if (rc == SQLITE_OK)
    rc = pk_compression_level(arguments[1], &job->level, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(job->db, arguments[2], options, &job->options, error);
  job->schema = job->options.schema ? job->options.schema : "main";
  return rc;
}

/* ---- the copy ---- */

static int write_plain(void *context, const void *data, size_t bytes,
                       pk_error *error) {
  backup *job = context;
  return pk_file_write(&job->file, data, bytes, error);
}

/* Reads the snapshot in order and gives its pages to the writer, or to the
** file where there is none. */
static int copy_pages(backup *job, pk_bgzf_writer *writer, pk_error *error) {
  uint32_t size = job->facts.page_size;
  uint64_t step = CHUNK_BYTES / size;
  unsigned char *chunk = sqlite3_malloc(CHUNK_BYTES);
  int rc = chunk ? SQLITE_OK : pk_fail_memory(error);
  for (uint64_t page = 1; rc == SQLITE_OK && page <= job->facts.page_count;
       page += step) {
    uint64_t left = job->facts.page_count - page + 1;
    uint32_t count = (uint32_t)(left < step ? left : step);
    size_t bytes = (size_t)count * size;
    rc = pk_snapshot_read(job->snapshot, (uint32_t)page, count, chunk, error);
    if (rc == SQLITE_OK)
      rc = writer ? pk_bgzf_write(writer, chunk, bytes, error)
                  : pk_file_write(&job->file, chunk, bytes, error);
    pk_file_begin_sync(&job->file);
    if (rc == SQLITE_OK)
      rc = pk_pace_step(&job->pace, (sqlite3_int64)bytes, error);
  }
  sqlite3_free(chunk);
  return rc;
}

static void describe(const backup *job, pk_bgzf_metadata *metadata) {
  *metadata = (pk_bgzf_metadata){.page_size = (int)job->facts.page_size,
                                 .page_count = job->facts.page_count,
                                 .taken_at = pk_utc_seconds()};
  sqlite3_snprintf(sizeof metadata->source, metadata->source, "%s",
                   pk_schema_title(job->db, job->schema));
  sqlite3_snprintf(sizeof metadata->writer, metadata->writer, PRODKIT_VERSION);
}

static int copy_compressed(backup *job, pk_error *error) {
  pk_bgzf_metadata metadata;
  pk_bgzf_writer *writer;
  if (job->facts.blocks_writers) { /* they must not wait for a compressor */
    int rc = pk_snapshot_spool(job->snapshot, error);
    if (rc != SQLITE_OK) return rc;
  }
  describe(job, &metadata);
  int rc = pk_bgzf_create(&writer, &metadata, job->level,
                          (int)job->options.threads, write_plain, job, error);
  if (rc == SQLITE_OK) rc = copy_pages(job, writer, error);
  if (rc == SQLITE_OK) rc = pk_bgzf_finish(writer, error);
  pk_bgzf_abandon(writer);
  return rc;
}

/* One try: a new file beside the target, with the whole copy in it. */
static int copy_snapshot(backup *job, const char *avoid_direct,
                         pk_error *error) {
  pk_pace_begin(&job->pace);
  int rc = pk_file_create(&job->file, job->path, job->options.overwrite, error);
  if (rc == SQLITE_OK)
    rc = pk_snapshot_open(&job->snapshot, job->db, job->schema, job->path,
                          avoid_direct, &job->pace, error);
  if (rc != SQLITE_OK) return rc;
  job->facts = *pk_snapshot_about(job->snapshot);
  if (job->facts.page_count == 0)
    return pk_fail(
        error, SQLITE_ERROR,
        "\"%s\" is empty, without a single page: there is nothing to "
        "back up",
        job->schema);
  job->pace.total = (sqlite3_int64)job->facts.page_count * job->facts.page_size;
  rc = job->level == PK_PLAIN ? copy_pages(job, NULL, error)
                              : copy_compressed(job, error);
  pk_pace_end(&job->pace);
  return rc;
}

static void discard(backup *job) {
  pk_snapshot_close(job->snapshot);
  job->snapshot = NULL;
  pk_file_discard(&job->file);
}

static int copy(backup *job, pk_error *error) {
  int rc = copy_snapshot(job, NULL, error);
  if (rc == PK_SNAPSHOT_LOST) {
    pk_error_clear(error);
    discard(job);
    rc = copy_snapshot(job, "the write-ahead log changed under the reader",
                       error);
  }
  pk_snapshot_close(job->snapshot);
  job->snapshot = NULL;
  return rc;
}

static int failed_verification(const backup *job, const pk_error *found,
                               pk_error *error) {
  if (found->code == SQLITE_NOMEM) return pk_fail_memory(error);
  if (found->code == SQLITE_INTERRUPT)
    return pk_fail(error, found->code, "interrupted");
  if (!pk_is_damage(found->code))
    return pk_fail(error, found->code,
                   "the copy of \"%s\" could not be verified, so nothing was "
                   "written (%s)",
                   job->schema, found->message);
  return pk_fail(error, found->code,
                 "the copy of \"%s\" did not pass its verification, so nothing "
                 "was written; SELECT prod_health('full') looks for damage in "
                 "the source (%s)",
                 job->schema, found->message);
}

static int verify(const backup *job, pk_error *error) {
  if (job->options.verify == VERIFY_NONE) return SQLITE_OK;
  char *report;
  pk_error found = PK_NO_ERROR;
  int rc = pk_query_text(job->db, &report, &found,
                         "SELECT prod_backup_verify(%Q, %Q)", job->file.path,
                         verify_levels[job->options.verify]);
  sqlite3_free(report);
  if (rc != SQLITE_OK) rc = failed_verification(job, &found, error);
  pk_error_clear(&found);
  return rc;
}

/* ---- the answer ---- */

static sqlite3_int64 wal_bytes(const backup *job) {
  const char *file = sqlite3_db_filename(job->db, job->schema);
  char *wal = file ? sqlite3_mprintf("%s-wal", file) : NULL;
  sqlite3_int64 bytes = wal ? pk_file_bytes(wal) : -1;
  sqlite3_free(wal);
  return bytes < 0 ? 0 : bytes;
}

static int answer(const backup *job, double seconds, sqlite3_context *context) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", job->path);
  pk_json_text(&json, "schema", job->schema);
  pk_json_int64(&json, "bytes", job->bytes);
  pk_json_int64(&json, "source_bytes", job->pace.total);
  pk_json_int64(&json, "pages", job->facts.page_count);
  pk_json_int64(&json, "page_size", job->facts.page_size);
  pk_json_text(&json, "compression", job->level == PK_PLAIN ? "none" : "gzip");
  pk_json_text(&json, "verified", verify_levels[job->options.verify]);
  pk_json_text(&json, "method", job->facts.method);
  if (job->facts.reason)
    pk_json_text(&json, "method_reason", job->facts.reason);
  pk_json_int64(&json, "wal_bytes_before", job->facts.wal_bytes);
  pk_json_int64(&json, "wal_bytes_after", wal_bytes(job));
  pk_json_double(&json, "seconds", seconds);
  return pk_json_result(&json, context);
}

static int make_backup(backup *job, pk_error *error) {
  int rc = pk_target_check(job->db, job->path, error);
  if (rc == SQLITE_OK) rc = copy(job, error);
  job->bytes = job->file.bytes;
  if (rc == SQLITE_OK) rc = verify(job, error);
  if (rc == SQLITE_OK) rc = pk_file_publish(&job->file, error);
  return rc;
}

static int backup_to(sqlite3_context *context, sqlite3_value **arguments,
                     pk_error *error) {
  double began = pk_seconds();
  backup job = {.db = sqlite3_context_db_handle(context),
                .options.verify = VERIFY_QUICK,
                .file.fd = -1};
  int rc = read_arguments(&job, arguments, error);
  job.pace = pk_pace_of(job.db, "backup", &job.options.pace);
  if (rc == SQLITE_OK) rc = make_backup(&job, error);
  if (rc == SQLITE_OK) rc = answer(&job, pk_seconds_since(began), context);
  discard(&job);
  pk_options_free(options, &job.options);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_backup_to",
     .arguments = "path, compress, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "a consistent online backup, plain or compressed, verified",
     .options = options,
     .call = backup_to},
    {0}};

const pk_feature pk_backup_to = {"backup_to", functions, NULL};
