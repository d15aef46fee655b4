/* stats_file.c: see stats_file.h. */
#include "stats_file.h"

#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "fingerprint.h"
#include "store.h"
#include "watch.h"

#define APPLICATION_ID 0x706b7374
#define USER_VERSION 1

/* No number of a true file is greater: as nanoseconds it is 31 years. */
#define GREATEST 1000000000000000000

/* The latest time that pk_utc can write: the end of the year 9999. */
#define LATEST 253402300799

/* The columns that stand before the numbers. */
enum { ID, FINGERPRINT, QUERY, DATABASE_FILE, READONLY, SQUARES, NUMBERS };

static const struct number {
  const char *name;
  size_t offset; /* of a sqlite3_int64 in pk_entry */
} numbers[] = {
    {"calls", offsetof(pk_entry, calls)},
    {"total_ns", offsetof(pk_entry, total_ns)},
    {"min_ns", offsetof(pk_entry, min_ns)},
    {"max_ns", offsetof(pk_entry, max_ns)},
    {"rows", offsetof(pk_entry, counters[PK_ROWS])},
    {"vm_steps", offsetof(pk_entry, counters[PK_VM_STEPS])},
    {"fullscan_steps", offsetof(pk_entry, counters[PK_FULLSCAN_STEPS])},
    {"sorts", offsetof(pk_entry, counters[PK_SORTS])},
    {"autoindex_rows", offsetof(pk_entry, counters[PK_AUTOINDEX_ROWS])},
    {"reprepares", offsetof(pk_entry, counters[PK_REPREPARES])},
    {"cache_hit", offsetof(pk_entry, counters[PK_CACHE_HITS])},
    {"cache_miss", offsetof(pk_entry, counters[PK_CACHE_MISSES])},
    {"most_fullscan_steps", offsetof(pk_entry, most_fullscan_steps)},
    {"no_index_used", offsetof(pk_entry, fullscan_calls)},
    {"first_seen", offsetof(pk_entry, first_seen)},
    {"last_seen", offsetof(pk_entry, last_seen)},
};
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers };

static sqlite3_int64 *number_in(pk_entry *entry, int i) {
  return (sqlite3_int64 *)((char *)entry + numbers[i].offset);
}

/* ---- saving ---- */

typedef struct save_options {
  int overwrite;
} save_options;

const pk_option pk_stats_save_options[] = {
    {"overwrite", PK_BOOLEAN, offsetof(save_options, overwrite),
     .summary = "replace an existing file (false)"},
    {0}};

static int create_tables(sqlite3 *file, pk_error *error) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(
      sql,
      "CREATE TABLE statements(id INTEGER PRIMARY KEY, fingerprint TEXT, "
      "query TEXT, database_file TEXT, readonly INTEGER, squares_ns2 REAL");
  for (int i = 0; i < NUMBER_COUNT; i++)
    sqlite3_str_appendf(sql, ", %s INTEGER", numbers[i].name);
  sqlite3_str_appendchar(sql, 1, ')');
  char *statements = sqlite3_str_finish(sql);
  if (!statements) return pk_fail_memory(error);
  int rc = pk_run(file, error, "%s", statements);
  sqlite3_free(statements);
  if (rc == SQLITE_OK)
    rc = pk_run(file, error,
                "CREATE TABLE latencies(statement_id INTEGER, "
                "least_ns INTEGER, calls INTEGER)");
  if (rc == SQLITE_OK)
    rc = pk_run(file, error, "PRAGMA application_id = %d", APPLICATION_ID);
  if (rc == SQLITE_OK)
    rc = pk_run(file, error, "PRAGMA user_version = %d", USER_VERSION);
  return rc;
}

/* "INSERT INTO statements VALUES (?, ?, ...)" */
static int prepare_insert(sqlite3 *file, sqlite3_stmt **insert,
                          pk_error *error) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "INSERT INTO statements VALUES (?");
  for (int i = 1; i < NUMBERS + NUMBER_COUNT; i++)
    sqlite3_str_appendall(sql, ", ?");
  sqlite3_str_appendchar(sql, 1, ')');
  char *text = sqlite3_str_finish(sql);
  *insert = NULL;
  if (!text) return pk_fail_memory(error);
  int rc = pk_prepare(file, insert, error, "%s", text);
  sqlite3_free(text);
  return rc;
}

static int run_insert(sqlite3_stmt *insert, pk_error *error) {
  int rc = pk_step(insert, error);
  sqlite3_reset(insert);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int save_statement(sqlite3_stmt *insert, pk_entry *entry, int id,
                          pk_error *error) {
  char fingerprint[PK_FINGERPRINT_BYTES];
  sqlite3_snprintf(sizeof fingerprint, fingerprint, PK_FINGERPRINT_FORMAT,
                   entry->fingerprint);
  sqlite3_bind_int(insert, 1 + ID, id);
  sqlite3_bind_text(insert, 1 + FINGERPRINT, fingerprint, -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 1 + QUERY, entry->form, -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 1 + DATABASE_FILE, entry->database.file, -1,
                    SQLITE_STATIC);
  sqlite3_bind_int(insert, 1 + READONLY, entry->readonly);
  sqlite3_bind_double(insert, 1 + SQUARES, entry->squares);
  for (int i = 0; i < NUMBER_COUNT; i++)
    sqlite3_bind_int64(insert, 1 + NUMBERS + i, *number_in(entry, i));
  return run_insert(insert, error);
}

static int save_latencies(sqlite3_stmt *insert, const pk_entry *entry, int id,
                          pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; i < PK_LATENCY_BUCKETS && rc == SQLITE_OK; i++) {
    if (entry->latencies.calls[i] == 0) continue;
    sqlite3_bind_int(insert, 1, id);
    sqlite3_bind_int64(insert, 2, pk_latency_least(i));
    sqlite3_bind_int64(insert, 3, entry->latencies.calls[i]);
    rc = run_insert(insert, error);
  }
  return rc;
}

static int save_entries(sqlite3 *file, pk_entry **entries, int count,
                        pk_error *error) {
  sqlite3_stmt *statement = NULL, *latency = NULL;
  int rc = prepare_insert(file, &statement, error);
  if (rc == SQLITE_OK)
    rc = pk_prepare(file, &latency, error,
                    "INSERT INTO latencies VALUES (?, ?, ?)");
  for (int i = 0; i < count && rc == SQLITE_OK; i++) {
    rc = save_statement(statement, entries[i], i + 1, error);
    if (rc == SQLITE_OK) rc = save_latencies(latency, entries[i], i + 1, error);
  }
  sqlite3_finalize(statement);
  sqlite3_finalize(latency);
  return rc;
}

/* VACUUM INTO fills a file that exists and is empty
** (https://sqlite.org/lang_vacuum.html). */
static int write_file(sqlite3 *content, pk_file *file, pk_error *error) {
  int rc = pk_run(content, error, "VACUUM INTO %Q", file->path);
  if (rc == SQLITE_OK) file->bytes = pk_file_bytes(file->path);
  return rc == SQLITE_OK ? pk_file_publish(file, error) : rc;
}

static int answer_saved(sqlite3_context *context, const char *path, int entries,
                        sqlite3_int64 bytes) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", path);
  pk_json_int64(&json, "entries", entries);
  pk_json_int64(&json, "bytes", bytes);
  return pk_json_result(&json, context);
}

int pk_stats_save(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context), *content = NULL;
  save_options chosen = {.overwrite = false};
  pk_file file = {.fd = -1};
  pk_entry **entries = NULL;
  int count = 0;
  const char *path;
  int rc = pk_text_argument(arguments[0], "path", &path, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(db, arguments[1], pk_stats_save_options, &chosen,
                         error);
  if (rc == SQLITE_OK)
    rc = pk_file_create(&file, path, chosen.overwrite, error);
  pk_watch_flush();
  if (rc == SQLITE_OK) rc = pk_store_entries(&entries, &count, error);
  if (rc == SQLITE_OK) rc = pk_private_memory(db, &content, error);
  if (rc == SQLITE_OK) rc = create_tables(content, error);
  if (rc == SQLITE_OK) rc = save_entries(content, entries, count, error);
  if (rc == SQLITE_OK) rc = write_file(content, &file, error);
  sqlite3_int64 bytes = file.bytes;
  sqlite3_close(content);
  pk_entries_free(entries, count);
  pk_file_discard(&file);
  return rc == SQLITE_OK ? answer_saved(context, path, count, bytes) : rc;
}

/* ---- loading ---- */

typedef struct loading {
  const char *path;
  sqlite3 *file;
  pk_entry **entries;
  int count;
} loading;

/* What is wrong with the file; read_file says of which. */
static int damaged(const char *what, pk_error *error) {
  return pk_fail(error, SQLITE_CORRUPT, "%s", what);
}

static char *read_text(sqlite3_stmt *row, int column) {
  if (sqlite3_column_type(row, column) != SQLITE_TEXT) return NULL;
  return sqlite3_mprintf("%s", sqlite3_column_text(row, column));
}

/* A whole number from 0 up. */
static bool read_number(sqlite3_stmt *row, int column, sqlite3_int64 *number) {
  *number = sqlite3_column_int64(row, column);
  return sqlite3_column_type(row, column) == SQLITE_INTEGER && *number >= 0 &&
         *number <= GREATEST;
}

static bool read_fingerprint(sqlite3_stmt *row, sqlite3_uint64 *fingerprint) {
  const char *text = (const char *)sqlite3_column_text(row, FINGERPRINT);
  if (!text || strlen(text) != PK_FINGERPRINT_BYTES - 1) return false;
  if (strspn(text, "0123456789abcdef") != strlen(text)) return false;
  *fingerprint = strtoull(text, NULL, 16);
  return true;
}

/* The form has the fingerprint, unless it was cut; so it tells whether either
** was altered. */
static bool is_form(const pk_entry *entry) {
  char form[PK_FORM_BYTES];
  size_t bytes = strlen(entry->form);
  if (bytes >= sizeof form) return false;
  if (bytes >= sizeof form - 4) return true; /* a character may be missing */
  return pk_fingerprint(entry->form, form, sizeof form) == entry->fingerprint &&
         strcmp(form, entry->form) == 0;
}

static bool read_numbers(sqlite3_stmt *row, pk_entry *entry) {
  sqlite3_int64 readonly;
  if (!read_number(row, READONLY, &readonly) || readonly > 1) return false;
  entry->readonly = readonly;
  entry->squares = sqlite3_column_double(row, SQUARES);
  bool good = entry->squares >= 0;
  for (int i = 0; i < NUMBER_COUNT; i++)
    good &= read_number(row, NUMBERS + i, number_in(entry, i));
  return good && entry->calls > 0 && entry->min_ns <= entry->max_ns &&
         entry->max_ns <= entry->total_ns && entry->first_seen <= LATEST &&
         entry->last_seen <= LATEST;
}

/* Puts the calls into their buckets, which must add up to all of them. */
static int read_latencies(sqlite3_stmt *latency, sqlite3_int64 id,
                          pk_entry *entry, pk_error *error) {
  sqlite3_int64 all = 0, least, calls;
  int rc;
  sqlite3_reset(latency);
  sqlite3_bind_int64(latency, 1, id);
  while ((rc = pk_step(latency, error)) == SQLITE_ROW) {
    if (!read_number(latency, 0, &least) || !read_number(latency, 1, &calls) ||
        (all += calls) > entry->calls)
      return damaged("latencies", error);
    entry->latencies.calls[pk_latency_bucket(least)] += calls;
  }
  if (rc != SQLITE_DONE) return rc;
  return all == entry->calls ? SQLITE_OK : damaged("latencies", error);
}

static pk_entry *add_entry(loading *from) {
  pk_entry **entries =
      pk_array_room(from->entries, from->count, sizeof *entries);
  if (!entries) return NULL;
  from->entries = entries;
  pk_entry *entry = sqlite3_malloc(sizeof *entry);
  if (!entry) return NULL;
  *entry = (pk_entry){.calls = 0};
  return entries[from->count++] = entry;
}

static int read_entry(loading *from, sqlite3_stmt *row, sqlite3_stmt *latency,
                      pk_error *error) {
  pk_entry *entry = add_entry(from);
  if (!entry) return pk_fail_memory(error);
  entry->form = read_text(row, QUERY);
  entry->database.file = read_text(row, DATABASE_FILE);
  if (!entry->form || !entry->database.file)
    return damaged("a statement without text", error);
  entry->database.hash = pk_store_hash(entry->database.file);
  if (!read_fingerprint(row, &entry->fingerprint) || !is_form(entry))
    return damaged("a fingerprint that is not the query's", error);
  if (!read_numbers(row, entry)) return damaged("numbers", error);
  return read_latencies(latency, sqlite3_column_int64(row, ID), entry, error);
}

static int read_entries(loading *from, pk_error *error) {
  sqlite3_stmt *row = NULL, *latency = NULL;
  int rc = pk_prepare(from->file, &row, error, "SELECT * FROM statements");
  if (rc == SQLITE_OK && sqlite3_column_count(row) != NUMBERS + NUMBER_COUNT)
    rc = damaged("its columns", error);
  if (rc == SQLITE_OK)
    rc = pk_prepare(from->file, &latency, error,
                    "SELECT least_ns, calls FROM latencies "
                    "WHERE statement_id = ?");
  while (rc == SQLITE_OK && (rc = pk_step(row, error)) == SQLITE_ROW)
    rc = read_entry(from, row, latency, error);
  sqlite3_finalize(row);
  sqlite3_finalize(latency);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Is it a file of ours, of a format that we know? */
static int check_format(const loading *from, pk_error *error) {
  pk_error reason = PK_NO_ERROR;
  sqlite3_int64 id = 0, version = 0;
  int rc = pk_query_int64(from->file, &id, &reason, "PRAGMA application_id");
  if (rc == SQLITE_OK)
    rc = pk_query_int64(from->file, &version, &reason, "PRAGMA user_version");
  if (rc == SQLITE_NOMEM)
    pk_fail_memory(error);
  else if (rc != SQLITE_OK && rc != SQLITE_NOTADB)
    pk_fail(error, rc, "cannot read %s: %s", from->path, reason.message);
  else if (rc == SQLITE_NOTADB || id != APPLICATION_ID)
    rc = pk_fail(error, SQLITE_NOTADB,
                 "%s is not a file that prod_stats_save has written",
                 from->path);
  else if (version != USER_VERSION)
    rc = pk_fail(error, SQLITE_ERROR,
                 "%s has the format %lld, this prodkit reads %d", from->path,
                 version, USER_VERSION);
  pk_error_clear(&reason);
  return rc;
}

static int check_integrity(const loading *from, pk_error *error) {
  char *verdict = NULL;
  int rc =
      pk_query_text(from->file, &verdict, error, "PRAGMA integrity_check(1)");
  if (rc == SQLITE_OK && (!verdict || strcmp(verdict, "ok") != 0))
    rc = damaged(verdict ? verdict : "integrity_check", error);
  sqlite3_free(verdict);
  return rc;
}

static int read_content(loading *from, pk_error *error) {
  pk_error reason = PK_NO_ERROR;
  int rc = check_integrity(from, &reason);
  if (rc == SQLITE_OK) rc = read_entries(from, &reason);
  if (rc == SQLITE_NOMEM)
    pk_fail_memory(error);
  else if (rc != SQLITE_OK)
    pk_fail(error, rc, "%s is damaged (%s); nothing was loaded", from->path,
            reason.message);
  pk_error_clear(&reason);
  return rc;
}

static int read_file(loading *from, sqlite3 *db, pk_error *error) {
  if (pk_file_bytes(from->path) < 0)
    return pk_fail(error, SQLITE_CANTOPEN, "there is no file %s", from->path);
  int rc = pk_private_file(db, from->path, NULL, &from->file, error);
  if (rc == SQLITE_OK) rc = check_format(from, error);
  if (rc == SQLITE_OK) rc = read_content(from, error);
  sqlite3_close(from->file);
  return rc;
}

int pk_stats_load(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error) {
  loading from = {.path = NULL};
  int rc = pk_text_argument(arguments[0], "path", &from.path, error);
  if (rc == SQLITE_OK)
    rc = read_file(&from, sqlite3_context_db_handle(context), error);
  if (rc == SQLITE_OK) rc = pk_store_merge(from.entries, from.count, error);
  pk_entries_free(from.entries, from.count);
  if (rc != SQLITE_OK) return rc;
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", from.path);
  pk_json_int64(&json, "entries", from.count);
  return pk_json_result(&json, context);
}
