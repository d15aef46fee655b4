/*
** verify.c: proof that a backup is whole and holds a sound database.
**
**     SELECT prod_backup_to('/backups/app.db.gz', 6);
**     SELECT prod_backup_verify('/backups/app.db.gz');
**     SELECT prod_backup_verify('/backups/app.db.gz', 'full');
**
** Levels, each with all of the one before it:
**
**     checksum   compressed: every byte of the file is held against a CRC-32,
**                the index and the totals. plain: every page can be read, and
**                the header and the file agree on how many there are; a plain
**                file has no checksums, so a changed byte is not seen.
**     quick      (default) PRAGMA quick_check finds nothing.
**     full       PRAGMA integrity_check finds nothing; foreign keys are checked
**                and the rows of each table counted.
**
** The answer is a JSON object with what was looked at. Whatever is wrong is an
** SQL error that says where. Rows that break a foreign key are told and are no
** failure: the backup of a database that has such rows is a good backup.
**
** How it works. Plain or compressed is told by the first bytes of the file. The
** checks run on a private read-only connection, a compressed file is read in
** place through the VFS prodgz. That connection lacks functions and collations
** which the application defines: where the check of the whole database stops
** for one of them, the tables are checked one by one, and those that cannot be
** are listed as not_checked.
**
** Locking. None: the file is read as it lies there, and nothing is created
** beside it. So it must be a file that nobody writes to; one with a -wal or a
** -journal beside it is refused.
**
** Cost. checksum reads the file once, decompressing with all cores; quick and
** full read the pages again. full looks up each row in each index: in a
** compressed backup whose indexes are larger than the cache and in another
** order than the table, each look costs about 0.1 ms. Memory: up to 50 MB,
** whatever the size.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/json.h"
#include "../base/pace.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "../format/backup_file.h"
#include "../format/header.h"

/* The page cache of the checks. integrity_check looks every row up in every
** index, in the table's order, and a page that is not in the cache costs the
** decompression of a block. */
#define CACHE_KIB 40000

enum { LEVEL_CHECKSUM, LEVEL_QUICK, LEVEL_FULL };
static const char level_choices[] = "checksum quick full";
static const char *const level_names[] = {"checksum", "quick", "full"};
static const char *const pragmas[] = {NULL, "quick_check", "integrity_check"};

typedef struct verification {
  sqlite3 *db;
  const char *path;
  int level;
  bool compressed;
  pk_reader file;
  pk_pace pace; /* for interrupts */
  pk_header header;
  sqlite3_int64 source_bytes;  /* of the database, decompressed */
  char taken_at[PK_UTC_BYTES]; /* "" where the file does not tell */
  pk_json report;
} verification;

/* ---- the header ---- */

static int check_header(verification *job, const unsigned char *bytes,
                        pk_error *error) {
  if (!pk_header_is_database(bytes))
    return pk_fail(error, SQLITE_NOTADB,
                   "%s is neither a SQLite database nor a compressed backup",
                   job->path);
  if (!pk_header_read(bytes, &job->header))
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s is damaged: no SQLite writes a header like its own",
                   job->path);
  return SQLITE_OK;
}

static int check_page_count(const verification *job, pk_error *error) {
  sqlite3_int64 page_size = job->header.page_size;
  sqlite3_int64 pages = job->source_bytes / page_size;
  sqlite3_int64 promised = job->header.page_count;
  if (promised > 0 && pages < promised)
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s was cut off: it has %lld of %lld pages", job->path,
                   pages, promised);
  if (job->source_bytes % page_size != 0)
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s is damaged: page %lld, the last, is only a part of the "
                   "%lld bytes of a page",
                   job->path, pages + 1, page_size);
  if (promised > 0 && pages > promised)
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s is damaged: it has %lld pages, and its header says %lld",
                   job->path, pages, promised);
  return SQLITE_OK;
}

/* ---- level checksum ---- */

static int count_bytes(void *context, const void *data, size_t bytes,
                       pk_error *error) {
  verification *job = context;
  (void)data;
  return pk_pace_step(&job->pace, (sqlite3_int64)bytes, error);
}

/* What the metadata say of the content must be what the content says. */
static int check_content(verification *job, pk_bgzf_reader *backup,
                         pk_error *error) {
  unsigned char header[PK_HEADER_BYTES];
  const pk_bgzf_metadata *metadata = pk_bgzf_about(backup);
  job->source_bytes = pk_bgzf_bytes(backup);
  if (metadata->page_size == 0 ||
      job->source_bytes < (sqlite3_int64)sizeof header)
    return pk_fail(error, SQLITE_NOTADB,
                   "%s is compressed by prodkit, but it holds no database",
                   job->path);
  int rc = pk_bgzf_read(backup, header, sizeof header, 0, error);
  if (rc == SQLITE_OK) rc = check_header(job, header, error);
  if (rc != SQLITE_OK) return rc;
  if ((int)job->header.page_size != metadata->page_size)
    return pk_fail(error, SQLITE_CORRUPT,
                   "%s is damaged: it says that pages have %d bytes, and the "
                   "database in it says %u",
                   job->path, metadata->page_size, job->header.page_size);
  pk_utc_text(job->taken_at, metadata->taken_at);
  return check_page_count(job, error);
}

static int check_compressed(verification *job, pk_error *error) {
  pk_bgzf_source source = pk_backup_source(&job->file);
  pk_bgzf_reader *backup;
  int rc = pk_bgzf_open(&backup, &source, error);
  if (rc == SQLITE_OK) {
    job->pace.total = pk_bgzf_bytes(backup);
    rc = pk_bgzf_extract(backup, 0, count_bytes, job, error);
  }
  if (rc == SQLITE_OK) rc = check_content(job, backup, error);
  pk_bgzf_close(backup);
  return rc;
}

static int check_plain(verification *job, pk_error *error) {
  unsigned char header[PK_HEADER_BYTES];
  if (job->file.bytes < (sqlite3_int64)sizeof header)
    return pk_fail(error, SQLITE_NOTADB,
                   "%s has only %lld bytes; no database is that small",
                   job->path, job->file.bytes);
  job->source_bytes = job->pace.total = job->file.bytes;
  int rc = pk_reader_read(&job->file, header, sizeof header, 0, error);
  if (rc == SQLITE_OK) rc = check_header(job, header, error);
  if (rc == SQLITE_OK) rc = check_page_count(job, error);
  if (rc == SQLITE_OK)
    rc = pk_backup_extract(&job->file, false, 1, count_bytes, job, error);
  return rc;
}

static int check_file(verification *job, pk_error *error) {
  int rc = pk_backup_open(&job->file, job->path, &job->compressed, error);
  pk_pace_begin(&job->pace);
  if (rc == SQLITE_OK)
    rc = job->compressed ? check_compressed(job, error)
                         : check_plain(job, error);
  return rc;
}

/* ---- levels quick and full: the database in it ---- */

/* integrity_check's rows can begin with the name of the schema. */
static const char *in_short(const char *row) {
  static const char heading[] = "*** in database main ***\n";
  size_t bytes = sizeof heading - 1;
  return strncmp(row, heading, bytes) == 0 ? row + bytes : row;
}

/* SQLite uses SQLITE_ERROR for what it does not understand, such as a function
** that only the application has; damage has codes of its own. */
static bool is_misfit(int rc) {
  return (rc & 0xff) == SQLITE_ERROR;
}

/* A file that cannot be read is not therefore damaged. */
static bool is_system_failure(int rc) {
  return (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN ||
         (rc & 0xff) == SQLITE_FULL;
}

/* Hands on a failure of the private connection, with the file's name. */
static int failed(const verification *job, const pk_error *found,
                  pk_error *error) {
  int rc = found->code;
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc == SQLITE_INTERRUPT) return pk_fail(error, rc, "interrupted");
  return pk_fail(
      error, rc,
      is_system_failure(rc) ? "cannot check %s: %s" : "%s is damaged: %s",
      job->path, found->message);
}

/* Runs the level's check of everything (what is "1": one row is enough), or of
** one table. */
static int run_check(const verification *job, sqlite3 *private,
                     const char *what, pk_error *found) {
  const char *pragma = pragmas[job->level];
  char *row;
  int rc =
      pk_query_text(private, &row, found, "PRAGMA main.%s(%s)", pragma, what);
  if (rc == SQLITE_OK && (!row || strcmp(row, "ok") != 0))
    rc = pk_fail(found, SQLITE_CORRUPT, "%s says: %s", pragma,
                 row ? in_short(row) : "nothing");
  sqlite3_free(row);
  return rc;
}

static void not_checked(verification *job, const char *what,
                        const char *reason) {
  pk_json_object(&job->report, NULL);
  pk_json_text(&job->report, "what", what);
  pk_json_text(&job->report, "reason", reason);
  pk_json_end(&job->report);
}

/* Lists a misfit as not checked; any other failure is one. */
static int tolerate(verification *job, const char *what, pk_error *found,
                    pk_error *error) {
  int rc = SQLITE_OK;
  if (is_misfit(found->code))
    not_checked(job, what, found->message);
  else if (found->code != SQLITE_OK)
    rc = failed(job, found, error);
  pk_error_clear(found);
  return rc;
}

static int check_table(verification *job, sqlite3 *private, const char *name,
                       pk_error *error) {
  pk_error found = PK_NO_ERROR;
  char *quoted = sqlite3_mprintf("\"%w\"", name);
  if (!quoted) return pk_fail_memory(error);
  run_check(job, private, quoted, &found);
  sqlite3_free(quoted);
  return tolerate(job, name, &found, error);
}

static int check_each_table(verification *job, sqlite3 *private,
                            pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(private, &list, error,
                      "SELECT name FROM sqlite_schema "
                      "WHERE type = 'table' AND rootpage > 0 ORDER BY name");
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW)
    rc = check_table(job, private, (const char *)sqlite3_column_text(list, 0),
                     error);
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_structure(verification *job, sqlite3 *private,
                           pk_error *error) {
  pk_error found = PK_NO_ERROR;
  int rc = run_check(job, private, "1", &found);
  bool misfit = is_misfit(rc);
  rc = tolerate(job, "free pages, and pages that belong to nothing", &found,
                error);
  if (rc == SQLITE_OK && misfit) rc = check_each_table(job, private, error);
  return rc;
}

typedef struct violations {
  sqlite3_int64 count;
  char *first; /* "row 7 of items refers to orders" */
} violations;

static int count_violations(sqlite3 *private, violations *all,
                            pk_error *error) {
  sqlite3_stmt *rows;
  int rc = pk_prepare(private, &rows, error, "PRAGMA main.foreign_key_check");
  while (rc == SQLITE_OK && (rc = pk_step(rows, error)) == SQLITE_ROW) {
    const char *rowid = (const char *)sqlite3_column_text(rows, 1);
    if (all->count++ == 0)
      all->first = sqlite3_mprintf(
          "row %s of %s has no row to refer to in %s", rowid ? rowid : "?",
          sqlite3_column_text(rows, 0), sqlite3_column_text(rows, 2));
    rc = all->first ? SQLITE_OK : pk_fail_memory(error);
  }
  sqlite3_finalize(rows);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_foreign_keys(verification *job, sqlite3 *private,
                              violations *all, pk_error *error) {
  pk_error found = PK_NO_ERROR;
  count_violations(private, all, &found);
  return tolerate(job, "foreign keys", &found, error);
}

static int count_table(verification *job, sqlite3 *private, const char *name,
                       pk_error *error) {
  sqlite3_int64 rows = 0;
  int rc = pk_query_int64(private, &rows, error, "SELECT count(*) FROM \"%w\"",
                          name);
  pk_json_object(&job->report, NULL);
  pk_json_text(&job->report, "name", name);
  pk_json_int64(&job->report, "rows", rows);
  pk_json_end(&job->report);
  return rc;
}

static int count_tables(verification *job, sqlite3 *private, pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(private, &list, error,
                      "SELECT name FROM sqlite_schema WHERE type = 'table' "
                      "AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%%' "
                      "ESCAPE '\\' ORDER BY name");
  pk_json_array(&job->report, "tables");
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW)
    rc = count_table(job, private, (const char *)sqlite3_column_text(list, 0),
                     error);
  pk_json_end(&job->report);
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_rows(verification *job, sqlite3 *private,
                      const violations *all, pk_error *error) {
  pk_error found = PK_NO_ERROR;
  pk_json_int64(&job->report, "foreign_key_violations", all->count);
  if (all->count)
    pk_json_text(&job->report, "first_foreign_key_violation", all->first);
  int rc = count_tables(job, private, &found);
  if (rc != SQLITE_OK) rc = failed(job, &found, error);
  pk_error_clear(&found);
  return rc;
}

static int check_database(verification *job, pk_error *error) {
  violations all = {0};
  sqlite3 *private = NULL;
  pk_error found = PK_NO_ERROR;
  int rc =
      pk_private_file(job->db, job->path, job->compressed ? PK_GZIP_VFS : NULL,
                      &private, &found);
  if (rc == SQLITE_OK)
    rc = pk_run(private, &found, "PRAGMA cache_size = -%d", CACHE_KIB);
  if (rc != SQLITE_OK) rc = failed(job, &found, error);
  pk_error_clear(&found);
  pk_json_array(&job->report, "not_checked");
  if (rc == SQLITE_OK) rc = check_structure(job, private, error);
  if (rc == SQLITE_OK && job->level == LEVEL_FULL)
    rc = check_foreign_keys(job, private, &all, error);
  pk_json_end(&job->report);
  if (rc == SQLITE_OK && job->level == LEVEL_FULL)
    rc = check_rows(job, private, &all, error);
  sqlite3_free(all.first);
  sqlite3_close(private);
  return rc;
}

/* ---- the answer ---- */

static void report_file(verification *job) {
  pk_json *report = &job->report;
  pk_json_text(report, "path", job->path);
  pk_json_text(report, "level", level_names[job->level]);
  pk_json_text(report, "compression", job->compressed ? "gzip" : "none");
  pk_json_int64(report, "bytes", job->file.bytes);
  pk_json_int64(report, "source_bytes", job->source_bytes);
  pk_json_int64(report, "pages", job->source_bytes / job->header.page_size);
  pk_json_int64(report, "page_size", job->header.page_size);
  pk_json_text(report, "taken_at", *job->taken_at ? job->taken_at : NULL);
}

static int read_arguments(verification *job, sqlite3_value **arguments,
                          pk_error *error) {
  const char *level = level_names[job->level];
  int rc = pk_text_argument(arguments[0], "path", &job->path, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "level", &level, error);
  if (rc == SQLITE_OK)
    rc = pk_choice(level, level_choices, "level", &job->level, error);
  return rc;
}

static int verify(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error) {
  double began = pk_seconds();
  verification job = {.db = sqlite3_context_db_handle(context),
                      .level = LEVEL_QUICK};
  job.pace.db = job.db;
  pk_json_begin(&job.report);
  int rc = read_arguments(&job, arguments, error);
  if (rc == SQLITE_OK) rc = check_file(&job, error);
  if (rc == SQLITE_OK) report_file(&job);
  if (rc == SQLITE_OK && job.level > LEVEL_CHECKSUM)
    rc = check_database(&job, error);
  pk_json_double(&job.report, "seconds", pk_seconds_since(began));
  if (rc == SQLITE_OK)
    rc = pk_json_result(&job.report, context);
  else
    sqlite3_free(pk_json_finish(&job.report));
  pk_reader_close(&job.file);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_backup_verify",
     .arguments = "path, level",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "proves that a backup, plain or compressed, is whole and sound",
     .call = verify},
    {0}};

const pk_feature pk_verify = {"verify", functions, NULL};
