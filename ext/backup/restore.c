/*
** restore.c: brings a backup back as a database file.
**
**     SELECT prod_backup_to('/backups/app.db.gz', 6);
**     SELECT prod_restore('/backups/app.db.gz', 'restored.db');
**     SELECT prod_restore('/backups/app.db.gz', 'restored.db',
**                         '{"overwrite":true,"verify":"full"}');
**     SELECT prod_restore('/backups/app.db.gz', 'other.db', '{"dry_run":true}');
**
** How it works. The database in the backup, plain or compressed, is written to
** a new file beside the target, mode 0600, verified there (prod_backup_verify),
** made durable and only then renamed to the target. Until that moment the
** target is what it was; after it, it is the whole restored database.
**
** What is refused. A target that exists, unless overwrite is asked for. And in
** any case one that is in use, or has the -wal, -shm or -journal of another
** database beside it, which SQLite would replay over the restored file: a
** target that is open on this connection, that somebody holds a lock on, or
** that is a symbolic link. That is looked at first, and once more just before
** the rename.
**
** Limits. SQLite holds no lock on a database in a rollback-journal mode that
** is open and idle, so a process that has one open is not seen, and would go
** on with the file that was replaced: stop the application before its database
** is replaced.
**
** Locking. None on the backup. On an existing target an exclusive lock, taken
** by SQLite on a connection of ours and let go at once.
**
** dry_run makes all of these checks and the verification, and writes nothing.
**
** Cost. Reads the backup once, decompressing with all cores, and the restored
** file once more to verify it. Memory: some MB, whatever the size.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/json.h"
#include "../base/pace.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "../base/target.h"
#include "../format/backup_file.h"
#include "../format/manifest.h"

enum { VERIFY_NONE, VERIFY_QUICK, VERIFY_FULL };
static const char *const verify_levels[] = {"none", "quick", "full"};

typedef struct restore_options {
  int overwrite;
  int verify;
  int dry_run;
  sqlite3_int64 threads;
  pk_pace_options pace;
} restore_options;

#define OPTION(field) offsetof(restore_options, field)

static const pk_option options[] = {
    {"overwrite", PK_BOOLEAN, OPTION(overwrite),
     .summary = "replace an existing database (false)"},
    {"verify", PK_CHOICE, OPTION(verify), .choices = "none quick full",
     .summary = "how the database is checked before it is published (quick)"},
    {"dry_run", PK_BOOLEAN, OPTION(dry_run),
     .summary = "make every check and write nothing (false)"},
    {"threads", PK_INTEGER, OPTION(threads), .least = 0, .most = 64,
     .summary = "to decompress with (0: one for each core)"},
    PK_PACE_OPTIONS(restore_options),
    {0}};

typedef struct restoration {
  sqlite3 *db;
  const char *backup;
  const char *target;
  restore_options options;
  bool replaces; /* an existing target */
  bool compressed;
  pk_reader source;
  pk_backup_facts facts;
  pk_pace pace;
  pk_file file;
} restoration;

/* ---- the target ---- */

static int refuse_sidecars(const restoration *job, pk_error *error) {
  static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < 3; i++) {
    char *sidecar = sqlite3_mprintf("%s%s", job->target, suffixes[i]);
    if (!sidecar) return pk_fail_memory(error);
    if (pk_file_bytes(sidecar) >= 0)
      rc = pk_fail(error, SQLITE_CANTOPEN,
                   "%s lies beside the target: the database is open somewhere, "
                   "or was when its process died. Stop what uses it; then open "
                   "and close it once in the sqlite3 shell, or move its files "
                   "away together",
                   sidecar);
    sqlite3_free(sidecar);
  }
  return rc;
}

/* In locking mode EXCLUSIVE, a database in WAL mode is locked without a WAL
** index, against all who have it open. What keeps SQLite from asking for the
** lock, such as damage, is no sign of use. */
static int refuse_locked(const restoration *job, pk_error *error) {
  sqlite3 *private;
  pk_error failure = PK_NO_ERROR;
  int rc = pk_private_live(job->db, job->target, &private, &failure);
  if (rc == SQLITE_OK)
    rc = pk_run(private, &failure, "PRAGMA locking_mode = EXCLUSIVE");
  if (rc == SQLITE_OK) rc = pk_run(private, &failure, "BEGIN EXCLUSIVE");
  sqlite3_close(private);
  pk_error_clear(&failure);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if ((rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
    return SQLITE_OK;
  return pk_fail(error, SQLITE_BUSY,
                 "%s is in use: somebody holds a lock on it; stop what uses it "
                 "first",
                 job->target);
}

static int refuse_in_use(const restoration *job, pk_error *error) {
  int rc = pk_target_check(job->db, job->target, error);
  if (rc == SQLITE_OK) rc = refuse_sidecars(job, error);
  if (rc == SQLITE_OK && job->replaces) rc = refuse_locked(job, error);
  return rc;
}

static int check_space(const restoration *job, pk_error *error) {
  char *folder = pk_folder_of(job->target);
  if (!folder) return pk_fail_memory(error);
  sqlite3_int64 free_bytes = pk_folder_free_bytes(folder);
  sqlite3_free(folder);
  if (free_bytes < 0 || free_bytes >= job->facts.source_bytes) return SQLITE_OK;
  return pk_fail(error, SQLITE_FULL,
                 "%s needs %lld bytes, and its disk has %lld free", job->target,
                 job->facts.source_bytes, free_bytes);
}

static int check_target(restoration *job, pk_error *error) {
  job->replaces = pk_file_bytes(job->target) >= 0;
  if (pk_same_file(job->backup, job->target))
    return pk_fail(error, SQLITE_CANTOPEN,
                   "the backup and the target are one file, %s", job->target);
  if (pk_is_link(job->target))
    return pk_fail(error, SQLITE_CANTOPEN,
                   "%s is a symbolic link; name the file that it points to",
                   job->target);
  int rc = refuse_in_use(job, error);
  if (rc == SQLITE_OK)
    rc = pk_file_check_target(job->target, job->options.overwrite, error);
  if (rc == SQLITE_OK) rc = check_space(job, error);
  return rc;
}

/* ---- the backup ---- */

/* A plain backup does not tell when it was taken; its manifest may. */
static int read_time(restoration *job, pk_error *error) {
  sqlite3 *reader;
  pk_error ignored = PK_NO_ERROR;
  pk_manifest manifest;
  bool found;
  int rc = pk_private_memory(job->db, &reader, error);
  if (rc == SQLITE_OK && pk_manifest_read(reader, job->backup, &found,
                                          &manifest, &ignored) == SQLITE_OK)
    job->facts.taken_at = manifest.taken_at;
  pk_error_clear(&ignored);
  sqlite3_close(reader);
  return rc;
}

static int open_backup(restoration *job, pk_error *error) {
  int rc = pk_backup_open(&job->source, job->backup, &job->compressed, error);
  if (rc == SQLITE_OK)
    rc = pk_backup_describe(&job->source, job->compressed, &job->facts, error);
  if (rc == SQLITE_OK && !job->facts.taken_at) rc = read_time(job, error);
  return rc;
}

static int failed_verification(const restoration *job, const pk_error *found,
                               pk_error *error) {
  int rc = found->code;
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc == SQLITE_INTERRUPT) return pk_fail(error, rc, "interrupted");
  return pk_fail(error, rc, "what is in %s %s, so nothing was written (%s)",
                 job->backup,
                 pk_is_damage(rc) ? "did not pass its verification"
                                  : "could not be verified",
                 found->message);
}

/* Of the backup itself in a dry run, else of what was made of it. */
static int verify(const restoration *job, const char *path, pk_error *error) {
  if (job->options.verify == VERIFY_NONE) return SQLITE_OK;
  char *report;
  pk_error found = PK_NO_ERROR;
  int rc = pk_query_text(job->db, &report, &found,
                         "SELECT prod_backup_verify(%Q, %Q)", path,
                         verify_levels[job->options.verify]);
  sqlite3_free(report);
  if (rc != SQLITE_OK) rc = failed_verification(job, &found, error);
  pk_error_clear(&found);
  return rc;
}

/* ---- the copy ---- */

static int take_bytes(void *context, const void *data, size_t bytes,
                      pk_error *error) {
  restoration *job = context;
  int rc = pk_file_write(&job->file, data, bytes, error);
  pk_file_begin_sync(&job->file);
  if (rc == SQLITE_OK)
    rc = pk_pace_step(&job->pace, (sqlite3_int64)bytes, error);
  return rc;
}

static int copy(restoration *job, pk_error *error) {
  int rc =
      pk_file_create(&job->file, job->target, job->options.overwrite, error);
  if (rc != SQLITE_OK) return rc;
  job->pace.total = job->facts.source_bytes;
  pk_pace_begin(&job->pace);
  rc = pk_backup_extract(&job->source, job->compressed,
                         (int)job->options.threads, take_bytes, job, error);
  pk_pace_end(&job->pace);
  return rc;
}

static int publish(restoration *job, pk_error *error) {
  int rc = copy(job, error);
  if (rc == SQLITE_OK) rc = verify(job, job->file.path, error);
  if (rc == SQLITE_OK) rc = refuse_in_use(job, error);
  if (rc == SQLITE_OK) rc = pk_file_publish(&job->file, error);
  return rc;
}

/* ---- the call ---- */

static int read_arguments(restoration *job, sqlite3_value **arguments,
                          pk_error *error) {
  int rc = pk_text_argument(arguments[0], "backup", &job->backup, error);
  if (rc == SQLITE_OK)
    rc = pk_text_argument(arguments[1], "target", &job->target, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(job->db, arguments[2], options, &job->options, error);
  job->pace = pk_pace_of(job->db, "restore", &job->options.pace);
  return rc;
}

static int answer(const restoration *job, double seconds,
                  sqlite3_context *context) {
  char taken_at[PK_UTC_BYTES];
  pk_utc_text(taken_at, job->facts.taken_at);
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "backup", job->backup);
  pk_json_text(&json, "target", job->target);
  pk_json_int64(&json, "bytes", job->facts.source_bytes);
  pk_json_int64(&json, "pages", job->facts.pages);
  pk_json_int64(&json, "page_size", job->facts.page_size);
  pk_json_text(&json, "taken_at", job->facts.taken_at ? taken_at : NULL);
  pk_json_text(&json, "verified", verify_levels[job->options.verify]);
  pk_json_bool(&json, "dry_run", job->options.dry_run != 0);
  pk_json_bool(&json, "replaced", job->replaces);
  pk_json_double(&json, "seconds", seconds);
  return pk_json_result(&json, context);
}

static int restore(sqlite3_context *context, sqlite3_value **arguments,
                   pk_error *error) {
  double began = pk_seconds();
  restoration job = {.db = sqlite3_context_db_handle(context),
                     .options.verify = VERIFY_QUICK,
                     .file.fd = -1};
  int rc = read_arguments(&job, arguments, error);
  if (rc == SQLITE_OK) rc = open_backup(&job, error);
  if (rc == SQLITE_OK) rc = check_target(&job, error);
  if (rc == SQLITE_OK)
    rc = job.options.dry_run ? verify(&job, job.backup, error)
                             : publish(&job, error);
  if (rc == SQLITE_OK) rc = answer(&job, pk_seconds_since(began), context);
  pk_reader_close(&job.source);
  pk_file_discard(&job.file);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_restore",
     .arguments = "backup, target, options",
     .required = 2,
     .flags = SQLITE_DIRECTONLY,
     .summary = "brings a backup back as a database file, verified first",
     .options = options,
     .call = restore},
    {0}};

const pk_feature pk_restore = {"restore", functions, NULL};
