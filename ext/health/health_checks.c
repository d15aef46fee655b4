/* health_checks.c: see health_checks.h. */
#include "health_checks.h"

#include <string.h>

#include "../base/file.h"
#include "../base/json.h"
#include "../base/options.h"
#include "../base/page_check.h"
#include "../base/sql.h"
#include "../format/prefetch.h"

/* ---- the file ---- */

static int ask_pragmas(pk_health_facts *facts, pk_error *error) {
  sqlite3 *db = facts->db;
  const char *schema = facts->schema;
  int rc = pk_query_int64(db, &facts->page_count, error,
                          "PRAGMA \"%w\".page_count", schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &facts->page_size, error, "PRAGMA \"%w\".page_size",
                        schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &facts->free_pages, error,
                        "PRAGMA \"%w\".freelist_count", schema);
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &facts->journal_mode, error,
                       "PRAGMA \"%w\".journal_mode", schema);
  if (rc == SQLITE_OK && !facts->journal_mode) rc = pk_fail_memory(error);
  return rc;
}

/* Read once more where it seems wrong: in WAL mode a checkpoint of another
** process may be writing page 1 at this moment. */
static void read_header(pk_health_facts *facts) {
  for (int i = 0; i < 2; i++) {
    facts->header_read =
        pk_header_of_file(facts->db, facts->schema, facts->header);
    if (facts->header_read != SQLITE_OK || !pk_header_fault(facts->header))
      break;
  }
}

static void look_at_files(pk_health_facts *facts) {
  facts->file_bytes = facts->wal_bytes = -1;
  if (!*facts->file) return;
  facts->file_bytes = pk_file_bytes(facts->file);
  facts->wal_bytes = pk_file_bytes(sqlite3_filename_wal(facts->file));
  read_header(facts);
}

/* A lock goes away. A schema that this SQLite cannot make sense of, or a file
** that it may not read, is as lost to the application as a damaged one. */
static bool is_lost(int rc) {
  int code = rc & 0xff;
  return rc != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED &&
         !pk_ends_the_call(rc);
}

/* The statement is on its row while the facts are gathered and so holds a read
** transaction: the page count and the file's size are of the same moment. */
int pk_check_readable(pk_health_facts *facts, pk_finding *finding,
                      pk_error *error) {
  sqlite3_stmt *reading;
  int rc = pk_prepare(facts->db, &reading, error,
                      "SELECT (SELECT 1 FROM \"%w\".sqlite_schema LIMIT 1)",
                      facts->schema);
  if (rc == SQLITE_OK) rc = pk_step(reading, error);
  if (rc == SQLITE_ROW) rc = ask_pragmas(facts, error);
  if (rc == SQLITE_OK) look_at_files(facts);
  sqlite3_finalize(reading);
  if (is_lost(rc)) rc = error->code = SQLITE_CORRUPT;
  if (rc != SQLITE_OK) return rc;
  facts->readable = true;
  return pk_found(finding, PK_PASS, error, "the schema can be read");
}

/* SQLCipher and its like answer this pragma, SQLite does not. Their page 1 has
** no header that could be read. */
static int is_encrypted(sqlite3 *db, bool *encrypted, pk_error *error) {
  char *version = NULL;
  int rc = pk_query_text(db, &version, error, "PRAGMA cipher_version");
  *encrypted = version != NULL;
  sqlite3_free(version);
  return rc;
}

static int judge_header(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  bool encrypted = false;
  const char *fault = pk_header_fault(facts->header);
  if (!pk_header_is_database(facts->header)) {
    int rc = is_encrypted(facts->db, &encrypted, error);
    if (rc != SQLITE_OK) return rc;
    if (encrypted) return pk_not_made(finding, "the file is encrypted", error);
  }
  finding->value = pk_whole(fault != NULL);
  finding->threshold = pk_whole(0);
  if (fault)
    return pk_found(finding, PK_FAIL, error,
                    "the header is damaged: %s; restore a backup "
                    "(prod_backups, prod_restore)",
                    fault);
  return pk_found(finding, PK_PASS, error,
                  "the header is as the file format says");
}

int pk_check_header(pk_health_facts *facts, pk_finding *finding,
                    pk_error *error) {
  int rc = facts->header_read;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  if (facts->page_count == 0)
    return pk_not_made(finding, "the database is empty", error);
  if (sqlite3_txn_state(facts->db, facts->schema) == SQLITE_TXN_WRITE)
    return pk_not_made(finding, "this connection is writing", error);
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
    return pk_fail(error, rc, "cannot read the header of %s: %s", facts->file,
                   sqlite3_errstr(rc));
  return judge_header(facts, finding, error);
}

int pk_check_wal_size(pk_health_facts *facts, pk_finding *finding,
                      pk_error *error) {
  sqlite3_int64 warn = facts->limits.wal_warn_bytes;
  sqlite3_int64 fail = facts->limits.wal_fail_bytes;
  sqlite3_int64 bytes = facts->wal_bytes > 0 ? facts->wal_bytes : 0;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  pk_health_status status = pk_above((double)bytes, (double)warn, (double)fail);
  finding->value = pk_whole(bytes);
  finding->threshold = pk_whole(status == PK_FAIL ? fail : warn);
  if (facts->wal_bytes < 0)
    return pk_found(finding, PK_PASS, error, "there is no WAL file");
  if (status == PK_PASS)
    return pk_found(finding, PK_PASS, error, "the WAL is within its limit");
  return pk_found(
      finding, status, error,
      "the WAL has %lld bytes, over %lld: no checkpoint completes (a "
      "long reader?) or none is made; prod_checkpoint() tells",
      bytes, finding->threshold.whole);
}

/* The columns of PINNED_SQL. */
static int judge_pinned(pk_health_facts *facts, pk_finding *finding,
                        sqlite3_stmt *row, pk_error *error) {
  const char *note = (const char *)sqlite3_column_text(row, 2);
  sqlite3_int64 bytes = sqlite3_column_int64(row, 0);
  sqlite3_int64 warn = facts->limits.pinned_warn_bytes;
  if (note) return pk_not_made(finding, note, error);
  finding->value = pk_whole(bytes);
  finding->threshold = pk_whole(warn);
  if (bytes == 0)
    return pk_found(finding, PK_PASS, error,
                    "no reader holds back a checkpoint");
  return pk_found(
      finding, bytes > warn ? PK_WARN : PK_PASS, error,
      "readers hold back %lld bytes, in transactions that began before "
      "they were written (read marks %s)",
      bytes, sqlite3_column_text(row, 1));
}

#define PINNED_SQL                                           \
  "SELECT held_back_frames * page_size, reader_marks, note " \
  "FROM prod_wal(%Q)"

int pk_check_wal_pinned(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  sqlite3_stmt *row;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  finding->value = pk_whole(0);
  finding->threshold = pk_whole(facts->limits.pinned_warn_bytes);
  if (strcmp(facts->journal_mode, "wal") != 0)
    return pk_found(finding, PK_PASS, error, "there is no WAL");
  int rc = pk_prepare(facts->db, &row, &trouble, PINNED_SQL, facts->schema);
  if (rc == SQLITE_OK) rc = pk_step(row, &trouble);
  rc = rc == SQLITE_ROW ? judge_pinned(facts, finding, row, error)
                        : pk_unanswered(finding, &trouble, error);
  sqlite3_finalize(row);
  return rc;
}

int pk_check_free_pages(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  double warn = facts->limits.free_warn_ratio;
  double fail = facts->limits.free_fail_ratio;
  double ratio = 0; /* of an empty database */
  if (facts->page_count > 0)
    ratio = (double)facts->free_pages / (double)facts->page_count;
  pk_health_status status = pk_above(ratio, warn, fail);
  finding->value = pk_real(ratio);
  finding->threshold = pk_real(status == PK_FAIL ? fail : warn);
  return pk_found(finding, status, error, "%lld of %lld pages are free%s",
                  facts->free_pages, facts->page_count,
                  status == PK_PASS ? "" : "; VACUUM gives them back");
}

/* Outside WAL mode, and with an empty WAL, the file is its pages and nothing
** else; otherwise the newest pages, or the news of a cut, are in the WAL. */
static int judge_file_bytes(pk_health_facts *facts, pk_finding *finding,
                            pk_error *error) {
  sqlite3_int64 excess =
      facts->file_bytes - facts->page_count * facts->page_size;
  if (facts->wal_bytes > 0)
    return pk_found(finding, PK_PASS, error,
                    "the file and its WAL hold the pages");
  if (excess > 0)
    return pk_found(
        finding, PK_WARN, error,
        "%lld bytes follow the last page, which SQLite does not use", excess);
  if (excess < 0)
    return pk_found(finding, PK_FAIL, error,
                    "the file is cut off: it lacks %lld bytes of its pages",
                    -excess);
  return pk_found(finding, PK_PASS, error, "the file is as long as its pages");
}

int pk_check_page_count(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  if (sqlite3_txn_state(facts->db, facts->schema) == SQLITE_TXN_WRITE)
    return pk_not_made(finding, "this connection is writing", error);
  if (facts->file_bytes < 0)
    return pk_not_made(finding, "the operating system shows no such file",
                       error);
  finding->value = pk_whole(facts->page_count);
  finding->threshold = pk_whole(facts->file_bytes / facts->page_size);
  if (facts->page_count == 0)
    return pk_found(
        finding, PK_WARN, error,
        "the database is empty: it is new, or was made by opening a "
        "file that was missing");
  return judge_file_bytes(facts, finding, error);
}

int pk_check_journal_mode(pk_health_facts *facts, pk_finding *finding,
                          pk_error *error) {
  const char *mode = facts->journal_mode;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  finding->value = pk_word(mode);
  if (strcmp(mode, "wal") == 0)
    return pk_found(finding, PK_PASS, error,
                    "readers and the writer do not block each other");
  if (strcmp(mode, "off") == 0 || strcmp(mode, "memory") == 0)
    return pk_found(
        finding, PK_WARN, error,
        "a crash while this connection writes can corrupt the file; "
        "SELECT prod_configure()");
  return pk_found(finding, PK_PASS, error,
                  "safe, but the writer blocks readers; prod_configure() sets "
                  "WAL");
}

int pk_check_host(pk_health_facts *facts, pk_finding *finding,
                  pk_error *error) {
  const char *message = "the WAL-reset bug is mended";
  if (sqlite3_libversion_number() < PK_WAL_RESET_MENDED)
    message = strcmp(facts->journal_mode, "wal") == 0
                  ? "for information: up to 3.51.2 a checkpoint that races "
                    "with a write can, very rarely, corrupt a WAL database, "
                    "unless the distribution has mended it"
                  : "up to 3.51.2 there is a rare bug in WAL mode, which this "
                    "database is not in";
  finding->value = pk_word(sqlite3_libversion());
  finding->threshold = pk_word("3.51.3");
  return pk_found(finding, PK_PASS, error, "%s", message);
}

/* ---- the connection that asks ---- */

/* A probe's own connection is fresh, and shows what no application has set. */
static int about_connection(pk_health_facts *facts, pk_finding *finding,
                            bool fine, const char *message, pk_error *error) {
  bool warn = !fine && facts->limits.connection;
  return pk_found(finding, warn ? PK_WARN : PK_PASS, error, "%s%s%s",
                  fine || warn ? "" : "for information: ", message,
                  fine ? ""
                       : "; each connection sets its own: prod_configure(), "
                         "prod_auto_configure()");
}

int pk_check_busy_timeout(pk_health_facts *facts, pk_finding *finding,
                          pk_error *error) {
  sqlite3_int64 ms = 0;
  int rc = pk_query_int64(facts->db, &ms, error, "PRAGMA busy_timeout");
  if (rc != SQLITE_OK) return rc;
  finding->value = pk_whole(ms);
  finding->threshold = pk_whole(0);
  return about_connection(
      facts, finding, ms > 0,
      ms > 0 ? "this connection waits for a lock"
             : "this connection does not wait for a lock, so that every "
               "collision is an error at once",
      error);
}

static int has_references(pk_health_facts *facts, sqlite3_int64 *some,
                          pk_error *error) {
  return pk_query_int64(facts->db, some, error,
                        "SELECT EXISTS (SELECT 1 FROM \"%w\".sqlite_schema "
                        "WHERE type = 'table' "
                        "AND instr(lower(sql), 'references'))",
                        facts->schema);
}

int pk_check_foreign_keys(pk_health_facts *facts, pk_finding *finding,
                          pk_error *error) {
  sqlite3_int64 on = 0, references = 0;
  int rc = pk_query_int64(facts->db, &on, error, "PRAGMA foreign_keys");
  if (rc == SQLITE_OK && !on) rc = has_references(facts, &references, error);
  if (rc != SQLITE_OK) return rc;
  finding->value = pk_word(on ? "on" : "off");
  return about_connection(
      facts, finding, on || !references,
      on           ? "this connection enforces REFERENCES"
      : references ? "this connection does not enforce the REFERENCES of the "
                     "schema"
                   : "no table has REFERENCES",
      error);
}

/* ---- the planner's statistics ---- */

/* Whether the table is there is asked first: a host logs what fails. */
static int has_statistics(pk_health_facts *facts, bool *some, pk_error *error) {
  sqlite3_int64 rows = 0;
  char *column = NULL;
  int rc =
      pk_query_text(facts->db, &column, error,
                    "PRAGMA \"%w\".table_info(sqlite_stat1)", facts->schema);
  if (rc == SQLITE_OK && column)
    rc = pk_query_int64(facts->db, &rows, error,
                        "SELECT EXISTS (SELECT 1 FROM \"%w\".sqlite_stat1)",
                        facts->schema);
  *some = rows > 0;
  sqlite3_free(column);
  return rc;
}

/* So many tables with an index are looked into, to stay in constant time. */
#define TABLES_LOOKED_INTO 8

#define INDEXED_TABLES                    \
  "SELECT DISTINCT tbl_name FROM \"%w\"." \
  "sqlite_schema WHERE type = 'index' "   \
  "AND substr(tbl_name, 1, 7) <> 'sqlite_' LIMIT %d"

/* The first table that has an index and a row; NULL where none is found. */
static int find_indexed(pk_health_facts *facts, char **table, pk_error *error) {
  sqlite3_stmt *tables;
  sqlite3_int64 some = 0;
  *table = NULL;
  int rc = pk_prepare(facts->db, &tables, error, INDEXED_TABLES, facts->schema,
                      TABLES_LOOKED_INTO);
  while (rc == SQLITE_OK && (rc = pk_step(tables, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(tables, 0);
    rc = pk_query_int64(facts->db, &some, error,
                        "SELECT EXISTS (SELECT 1 FROM \"%w\".\"%w\")",
                        facts->schema, name ? name : "");
    if (rc != SQLITE_OK || !some) continue;
    *table = sqlite3_mprintf("%s", name);
    rc = *table ? SQLITE_DONE : pk_fail_memory(error);
  }
  sqlite3_finalize(tables);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_check_statistics(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  bool some = false;
  char *table = NULL;
  int rc = has_statistics(facts, &some, error);
  if (rc == SQLITE_OK && !some) rc = find_indexed(facts, &table, error);
  if (rc != SQLITE_OK) return rc;
  finding->value = pk_word(some ? "present" : table ? "missing" : "not needed");
  if (table)
    rc = pk_found(finding, PK_WARN, error,
                  "the planner has no statistics of the indexes, as those of "
                  "%s, and can choose a wrong one: prod_maintain() or ANALYZE",
                  table);
  else
    rc = pk_found(finding, PK_PASS, error,
                  some ? "the planner has statistics"
                       : "no table with an index was found to have rows");
  sqlite3_free(table);
  return rc;
}

/* ---- the last integrity checks ---- */

/* What prod_integrity found last; it is not to check anything now. */
static char *integrity_options(const pk_health_facts *facts) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_bool(&json, "check", false);
  pk_json_text(&json, "schema", facts->schema);
  if (facts->limits.integrity_state)
    pk_json_text(&json, "state", facts->limits.integrity_state);
  return pk_json_finish(&json);
}

#define INTEGRITY_SQL                                                    \
  "SELECT sum(status = 'failed'), sum(status = 'ok'),"                   \
  "       sum(object <> '(state file)'), min(checked_at),"               \
  "       max(iif(status = 'failed', object || ': ' || message, NULL))," \
  "       max(iif(object = '(state file)', message, NULL))"              \
  "  FROM prod_integrity(%Q)"

static int judge_integrity(pk_finding *finding, sqlite3_stmt *row,
                           pk_error *error) {
  sqlite3_int64 failed = sqlite3_column_int64(row, 0);
  const char *since = (const char *)sqlite3_column_text(row, 3);
  const char *trouble = (const char *)sqlite3_column_text(row, 5);
  if (!since)
    return pk_not_made(
        finding, trouble ? trouble : "never made: SELECT * FROM prod_integrity",
        error);
  finding->value = pk_whole(failed);
  finding->threshold = pk_whole(0);
  if (failed > 0)
    return pk_found(finding, PK_FAIL, error, "%s", sqlite3_column_text(row, 4));
  return pk_found(finding, PK_PASS, error,
                  "no problem found in %lld of %lld objects, the least recent "
                  "check at %s",
                  sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2),
                  since);
}

/* What it found is kept as JSON. */
static int no_integrity(pk_health_facts *facts, pk_finding *finding,
                        pk_error *trouble, pk_error *error) {
  bool has_json;
  int rc = pk_host_has_json(facts->db, &has_json, error);
  if (rc == SQLITE_OK && has_json)
    return pk_unanswered(finding, trouble, error);
  pk_error_clear(trouble);
  if (rc != SQLITE_OK) return rc;
  return pk_not_made(finding,
                     "this host's SQLite was built without the JSON functions "
                     "that prod_integrity needs",
                     error);
}

int pk_check_integrity(pk_health_facts *facts, pk_finding *finding,
                       pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  sqlite3_stmt *row;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  char *choices = integrity_options(facts);
  if (!choices) return pk_fail_memory(error);
  int rc = pk_prepare(facts->db, &row, &trouble, INTEGRITY_SQL, choices);
  sqlite3_free(choices);
  if (rc == SQLITE_OK) rc = pk_step(row, &trouble);
  rc = rc == SQLITE_ROW ? judge_integrity(finding, row, error)
                        : no_integrity(facts, finding, &trouble, error);
  sqlite3_finalize(row);
  return rc;
}

/* ---- the checks that read every page ---- */

int pk_check_pages(pk_health_facts *facts, pk_finding *finding,
                   pk_error *error) {
  pk_problems problems;
  int rc = pk_prefetch(facts->db, facts->schema, 0, error);
  if (rc != SQLITE_OK) return rc;
  rc = pk_page_check(facts->db, facts->schema, finding->check->name, NULL,
                     &problems, error);
  finding->value = pk_whole(problems.count);
  finding->threshold = pk_whole(0);
  if (rc == SQLITE_OK)
    rc = problems.count > 0
             ? pk_found(finding, PK_FAIL, error, "%s", problems.first)
             : pk_found(finding, PK_PASS, error, "no problem found");
  pk_problems_free(&problems);
  return rc;
}

/* "orders, rowid 7, refers to a row that is missing in customers" */
static char *describe_violation(sqlite3_stmt *row) {
  const char *table = (const char *)sqlite3_column_text(row, 0);
  const char *parent = (const char *)sqlite3_column_text(row, 2);
  if (sqlite3_column_type(row, 1) == SQLITE_NULL)
    return sqlite3_mprintf("a row of %s refers to one that is missing in %s",
                           table, parent);
  return sqlite3_mprintf(
      "%s, rowid %lld, refers to a row that is missing in "
      "%s",
      table, sqlite3_column_int64(row, 1), parent);
}

int pk_check_references(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  sqlite3_int64 violations = 0;
  sqlite3_stmt *row;
  char *first = NULL;
  int rc = pk_prepare(facts->db, &row, error, "PRAGMA \"%w\".%s", facts->schema,
                      finding->check->name);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(row, error)) == SQLITE_ROW)
    if (violations++ == 0) first = describe_violation(row);
  sqlite3_finalize(row);
  finding->value = pk_whole(violations);
  finding->threshold = pk_whole(0);
  if (rc == SQLITE_DONE && violations == 0)
    rc = pk_found(finding, PK_PASS, error, "every reference is met");
  else if (rc == SQLITE_DONE)
    rc = first ? pk_found(finding, PK_WARN, error, "%s", first)
               : pk_fail_memory(error);
  sqlite3_free(first);
  return rc;
}
