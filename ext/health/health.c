/*
** health.c: is the database file all right?
**
**     SELECT prod_health();
**     SELECT * FROM prod_health('quick');
**     SELECT prod_health_code('fast', '{"wal_warn_bytes":1000000}');
**
** The function answers one JSON object, the table a row for each check, the
** code 503 when the database is unhealthy and otherwise 200. The table amounts
** to
**
**     CREATE TABLE prod_health(
**       name TEXT,           the check
**       status TEXT,         pass, warn or fail; NULL where it was not made
**       value, unit TEXT,    what was found
**       threshold,           what it was held against: the limit that was
**                            crossed, or the next one
**       message TEXT,
**       tier TEXT HIDDEN,    fast (default), quick or full
**       options TEXT HIDDEN);
**
** and the JSON object is
**
**     {"status":"healthy", "tier":"fast", "checked_at":"2026-11-20T03:47:00Z",
**      "checks":[{"name":..., "status":..., "value":..., "unit":...,
**                 "threshold":..., "message":...}, ...],
**      "issues":["free_pages: 40 of 100 pages are free ..."],
**      "not_checked":["quick_check", "integrity_check", "foreign_key_check"]}
**
** One failing check makes the database unhealthy, one warning degraded.
** not_checked names the checks that the tier leaves out and, with the reason,
** those that could not be made. A check that was to be made and failed for
** another cause than damage (a lock, a missing collation) is a warning, never
** a pass.
**
** How it works: `fast` reads the header, the schema as any query would, and the
** sizes of the file and its WAL: constant time whatever the database's size. It
** asks prod_wal which readers hold the WAL back, and prod_integrity what it
** found last (a corruption stays reported until a full check passes there).
** `quick` adds PRAGMA quick_check; `full` makes PRAGMA integrity_check instead,
** which includes it, and PRAGMA foreign_key_check. These read every page, in
** the order of the tables; a file that is not in memory is read ahead first,
** from beginning to end, which takes a fraction of the time (see
** format/prefetch.h).
**
** It is about the file. What belongs to a connection (busy_timeout,
** foreign_keys) is in prod_settings: a fresh connection never has it set.
** host_sqlite always passes: no test tells whether a distribution has mended
** an older number, and a probe that is never green is not looked at.
**
** Locking: one read transaction while the facts are gathered, and one for each
** PRAGMA; none is left when the call returns. Nothing is written and no file is
** made, beyond what SQLite does when a database is first read: it creates -wal
** and -shm in WAL mode, and rolls back what a crash left behind.
**
** Limits: the table stands in a FROM, for which SQLite itself reads the schema
** of main; where that cannot be read the table is an SQL error, and only the
** function reports it. A host that grows files in chunks
** (SQLITE_FCNTL_CHUNK_SIZE) sees a page_count warning outside WAL mode.
*/
#include <stdarg.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/page_check.h"
#include "../base/sql.h"
#include "../format/prefetch.h"

#define TIERS "fast quick full"
enum tier { FAST, QUICK, FULL };

static const char *const tier_names[] = {"fast", "quick", "full"};

struct health_options {
  sqlite3_int64 wal_warn_bytes, wal_fail_bytes, pinned_warn_bytes;
  double free_warn_ratio, free_fail_ratio;
  char *integrity_state, *schema;
};

static const struct health_options defaults = {
    .wal_warn_bytes = 100 * 1024 * 1024,
    .wal_fail_bytes = 500 * 1024 * 1024,
    .pinned_warn_bytes = 50 * 1024 * 1024,
    .free_warn_ratio = 0.20,
    .free_fail_ratio = 0.50,
};

static const pk_option options[] = {
    {"wal_warn_bytes", PK_INTEGER,
     offsetof(struct health_options, wal_warn_bytes),
     .summary = "a WAL over this is a warning (104857600)"},
    {"wal_fail_bytes", PK_INTEGER,
     offsetof(struct health_options, wal_fail_bytes),
     .summary = "a WAL over this is a failure (524288000)"},
    {"pinned_warn_bytes", PK_INTEGER,
     offsetof(struct health_options, pinned_warn_bytes),
     .summary = "more than this held back by readers is a warning (52428800)"},
    {"free_warn_ratio", PK_REAL,
     offsetof(struct health_options, free_warn_ratio), 0, 1,
     .summary = "a share of free pages over this is a warning (0.2)"},
    {"free_fail_ratio", PK_REAL,
     offsetof(struct health_options, free_fail_ratio), 0, 1,
     .summary = "a share of free pages over this is a failure (0.5)"},
    {"integrity_state", PK_TEXT,
     offsetof(struct health_options, integrity_state),
     .summary = "the option `state` that prod_integrity is given"},
    {"schema", PK_TEXT, offsetof(struct health_options, schema),
     .summary = "the attached database to check (main)"},
    {0}};

/* What the checks look at, gathered once. */
struct facts {
  sqlite3 *db;
  const char *schema;
  struct health_options limits;
  const char *file; /* "" for an in-memory or temporary database */
  bool readable;    /* the rest holds only if so */
  sqlite3_int64 page_count, page_size, free_pages;
  char *journal_mode;
  sqlite3_int64 file_bytes, wal_bytes; /* -1: there is no such file */
};

/* A value or a threshold: a number, a text, or nothing. */
struct amount {
  int type; /* SQLITE_INTEGER, _FLOAT or _TEXT; 0 for nothing */
  sqlite3_int64 whole;
  double real;
  const char *text; /* of the facts or static */
};

enum status { NOT_MADE, PASS, WARN, FAIL };

static const char *const status_names[] = {NULL, "pass", "warn", "fail"};
static const char *const health_names[] = {NULL, "healthy", "degraded",
                                           "unhealthy"};

struct finding {
  const struct check *check;
  enum status status;
  struct amount value, threshold;
  char *message;     /* from sqlite3_malloc, or NULL */
  char *not_checked; /* why it was not made, likewise */
};

/* Judges one thing. A failure is either damage, which fails the check, or a
** reason why it could not be made (see make_check). */
typedef int (*judge)(struct facts *facts, struct finding *finding,
                     pk_error *error);

struct check {
  const char *name;
  const char *unit;
  enum tier from, to; /* the tiers that make it */
  judge judge;
};

static struct amount whole(sqlite3_int64 number) {
  return (struct amount){.type = SQLITE_INTEGER, .whole = number};
}

static struct amount real(double number) {
  return (struct amount){.type = SQLITE_FLOAT, .real = number};
}

static struct amount word(const char *text) {
  return (struct amount){.type = SQLITE_TEXT, .text = text};
}

/* Ends a judgement, with its message. */
static int found(struct finding *finding, enum status status, pk_error *error,
                 const char *format, ...) {
  va_list values;
  va_start(values, format);
  finding->message = sqlite3_vmprintf(format, values);
  va_end(values);
  finding->status = status;
  return finding->message ? SQLITE_OK : pk_fail_memory(error);
}

/* The same where there is nothing to judge. */
static int not_checked(struct finding *finding, const char *reason,
                       pk_error *error) {
  finding->not_checked = sqlite3_mprintf("%s", reason);
  return finding->not_checked ? SQLITE_OK : pk_fail_memory(error);
}

static const char in_memory[] = "in-memory or temporary database";

/* ---- the checks of tier fast ---- */

static int read_header(struct facts *facts, pk_error *error) {
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

static void measure_files(struct facts *facts) {
  facts->file_bytes = facts->wal_bytes = -1;
  if (!*facts->file) return;
  facts->file_bytes = pk_file_bytes(facts->file);
  facts->wal_bytes = pk_file_bytes(sqlite3_filename_wal(facts->file));
}

/* The statement is on its row while the facts are gathered and so holds a read
** transaction: the page count and the file's size are of the same moment. */
static int check_readable(struct facts *facts, struct finding *finding,
                          pk_error *error) {
  sqlite3_stmt *reading;
  int rc = pk_prepare(facts->db, &reading, error,
                      "SELECT (SELECT 1 FROM \"%w\".sqlite_schema LIMIT 1)",
                      facts->schema);
  if (rc == SQLITE_OK) rc = pk_step(reading, error);
  if (rc == SQLITE_ROW) rc = read_header(facts, error);
  if (rc == SQLITE_OK) measure_files(facts);
  sqlite3_finalize(reading);
  /* An ERROR here is a schema that this SQLite cannot make sense of; to the
  ** application it is as lost as a damaged one. */
  if (rc == SQLITE_ERROR) rc = error->code = SQLITE_CORRUPT;
  if (rc != SQLITE_OK) return rc;
  facts->readable = true;
  return found(finding, PASS, error, "the schema can be read");
}

static enum status above(double value, double warn, double fail) {
  return value > fail ? FAIL : value > warn ? WARN : PASS;
}

static int check_wal_size(struct facts *facts, struct finding *finding,
                          pk_error *error) {
  sqlite3_int64 warn = facts->limits.wal_warn_bytes;
  sqlite3_int64 fail = facts->limits.wal_fail_bytes;
  sqlite3_int64 bytes = facts->wal_bytes > 0 ? facts->wal_bytes : 0;
  if (!*facts->file) return not_checked(finding, in_memory, error);
  enum status status = above((double)bytes, (double)warn, (double)fail);
  finding->value = whole(bytes);
  finding->threshold = whole(status == FAIL ? fail : warn);
  if (facts->wal_bytes < 0)
    return found(finding, PASS, error, "there is no WAL file");
  if (status == PASS)
    return found(finding, PASS, error, "the WAL is within its limit");
  return found(finding, status, error,
               "the WAL has %lld bytes, over %lld: no checkpoint completes (a "
               "long reader?) or none is made; prod_checkpoint() tells",
               bytes, finding->threshold.whole);
}

/* Another feature's table stands in a FROM, for which SQLite reads the schema
** of main: that it fails says nothing about the database in question. */
static int unanswered(struct finding *finding, pk_error *trouble,
                      pk_error *error) {
  if (pk_ends_the_call(trouble->code)) {
    *error = *trouble;
    return error->code;
  }
  int rc = not_checked(finding, trouble->message, error);
  pk_error_clear(trouble);
  return rc;
}

/* The columns of PINNED_SQL. */
static int judge_pinned(struct facts *facts, struct finding *finding,
                        sqlite3_stmt *row, pk_error *error) {
  const char *note = (const char *)sqlite3_column_text(row, 2);
  sqlite3_int64 bytes = sqlite3_column_int64(row, 0);
  sqlite3_int64 warn = facts->limits.pinned_warn_bytes;
  if (note) return not_checked(finding, note, error);
  finding->value = whole(bytes);
  finding->threshold = whole(warn);
  if (bytes == 0)
    return found(finding, PASS, error, "no reader holds back a checkpoint");
  return found(
      finding, bytes > warn ? WARN : PASS, error,
      "readers hold back %lld bytes, in transactions that began before "
      "they were written (read marks %s)",
      bytes, sqlite3_column_text(row, 1));
}

#define PINNED_SQL                                           \
  "SELECT held_back_frames * page_size, reader_marks, note " \
  "FROM prod_wal(%Q)"

static int check_wal_pinned(struct facts *facts, struct finding *finding,
                            pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  sqlite3_stmt *row;
  if (!*facts->file) return not_checked(finding, in_memory, error);
  finding->value = whole(0);
  finding->threshold = whole(facts->limits.pinned_warn_bytes);
  if (strcmp(facts->journal_mode, "wal") != 0)
    return found(finding, PASS, error, "there is no WAL");
  int rc = pk_prepare(facts->db, &row, &trouble, PINNED_SQL, facts->schema);
  if (rc == SQLITE_OK) rc = pk_step(row, &trouble);
  rc = rc == SQLITE_ROW ? judge_pinned(facts, finding, row, error)
                        : unanswered(finding, &trouble, error);
  sqlite3_finalize(row);
  return rc;
}

static int check_free_pages(struct facts *facts, struct finding *finding,
                            pk_error *error) {
  double warn = facts->limits.free_warn_ratio;
  double fail = facts->limits.free_fail_ratio;
  double ratio = 0; /* of an empty database */
  if (facts->page_count > 0)
    ratio = (double)facts->free_pages / (double)facts->page_count;
  enum status status = above(ratio, warn, fail);
  finding->value = real(ratio);
  finding->threshold = real(status == FAIL ? fail : warn);
  return found(finding, status, error, "%lld of %lld pages are free%s",
               facts->free_pages, facts->page_count,
               status == PASS ? "" : "; VACUUM gives them back");
}

/* Outside WAL mode, and with an empty WAL, the file is its pages and nothing
** else; otherwise the newest pages, or the news of a cut, are in the WAL. */
static int judge_file_bytes(struct facts *facts, struct finding *finding,
                            pk_error *error) {
  sqlite3_int64 excess =
      facts->file_bytes - facts->page_count * facts->page_size;
  if (facts->wal_bytes > 0)
    return found(finding, PASS, error, "the file and its WAL hold the pages");
  if (excess > 0)
    return found(finding, WARN, error,
                 "%lld bytes follow the last page, which SQLite does not use",
                 excess);
  if (excess < 0)
    return found(finding, FAIL, error,
                 "the file is cut off: it lacks %lld bytes of its pages",
                 -excess);
  return found(finding, PASS, error, "the file is as long as its pages");
}

static int check_page_count(struct facts *facts, struct finding *finding,
                            pk_error *error) {
  if (!*facts->file) return not_checked(finding, in_memory, error);
  if (sqlite3_txn_state(facts->db, facts->schema) == SQLITE_TXN_WRITE)
    return not_checked(finding, "this connection is writing", error);
  if (facts->file_bytes < 0)
    return not_checked(finding, "the operating system shows no such file",
                       error);
  finding->value = whole(facts->page_count);
  finding->threshold = whole(facts->file_bytes / facts->page_size);
  if (facts->page_count == 0)
    return found(finding, WARN, error,
                 "the database is empty: it is new, or was made by opening a "
                 "file that was missing");
  return judge_file_bytes(facts, finding, error);
}

static int check_journal_mode(struct facts *facts, struct finding *finding,
                              pk_error *error) {
  const char *mode = facts->journal_mode;
  if (!*facts->file) return not_checked(finding, in_memory, error);
  finding->value = word(mode);
  if (strcmp(mode, "wal") == 0)
    return found(finding, PASS, error,
                 "readers and the writer do not block each other");
  if (strcmp(mode, "off") == 0 || strcmp(mode, "memory") == 0)
    return found(finding, WARN, error,
                 "a crash while this connection writes can corrupt the file; "
                 "SELECT prod_configure()");
  return found(finding, PASS, error,
               "safe, but the writer blocks readers; prod_configure() sets "
               "WAL");
}

static int check_host(struct facts *facts, struct finding *finding,
                      pk_error *error) {
  const char *message = "the WAL-reset bug is mended";
  if (sqlite3_libversion_number() < PK_WAL_RESET_MENDED)
    message = strcmp(facts->journal_mode, "wal") == 0
                  ? "for information: up to 3.51.2 a checkpoint that races "
                    "with a write can, very rarely, corrupt a WAL database, "
                    "unless the distribution has mended it"
                  : "up to 3.51.2 there is a rare bug in WAL mode, which this "
                    "database is not in";
  finding->value = word(sqlite3_libversion());
  finding->threshold = word("3.51.3");
  return found(finding, PASS, error, "%s", message);
}

/* What prod_integrity found last; it is not to check anything now. */
static char *integrity_options(const struct facts *facts) {
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

static int judge_integrity(struct finding *finding, sqlite3_stmt *row,
                           pk_error *error) {
  sqlite3_int64 failed = sqlite3_column_int64(row, 0);
  const char *since = (const char *)sqlite3_column_text(row, 3);
  const char *trouble = (const char *)sqlite3_column_text(row, 5);
  if (!since)
    return not_checked(
        finding, trouble ? trouble : "never made: SELECT * FROM prod_integrity",
        error);
  finding->value = whole(failed);
  finding->threshold = whole(0);
  if (failed > 0)
    return found(finding, FAIL, error, "%s", sqlite3_column_text(row, 4));
  return found(finding, PASS, error,
               "no problem found in %lld of %lld objects, the least recent "
               "check at %s",
               sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2),
               since);
}

static int check_integrity(struct facts *facts, struct finding *finding,
                           pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  sqlite3_stmt *row;
  if (!*facts->file) return not_checked(finding, in_memory, error);
  char *choices = integrity_options(facts);
  if (!choices) return pk_fail_memory(error);
  int rc = pk_prepare(facts->db, &row, &trouble, INTEGRITY_SQL, choices);
  sqlite3_free(choices);
  if (rc == SQLITE_OK) rc = pk_step(row, &trouble);
  rc = rc == SQLITE_ROW ? judge_integrity(finding, row, error)
                        : unanswered(finding, &trouble, error);
  sqlite3_finalize(row);
  return rc;
}

/* ---- the checks that read every page ---- */

/* quick_check and integrity_check, by the check's name. */
static int check_pages(struct facts *facts, struct finding *finding,
                       pk_error *error) {
  pk_problems problems;
  int rc = pk_prefetch(facts->db, facts->schema, 0, error);
  if (rc != SQLITE_OK) return rc;
  rc = pk_page_check(facts->db, facts->schema, finding->check->name, NULL,
                     &problems, error);
  finding->value = whole(problems.count);
  finding->threshold = whole(0);
  if (rc == SQLITE_OK)
    rc = problems.count > 0 ? found(finding, FAIL, error, "%s", problems.first)
                            : found(finding, PASS, error, "no problem found");
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

/* A warning, not a failure: the file serves as before; the data wants
** mending. */
static int check_foreign_keys(struct facts *facts, struct finding *finding,
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
  finding->value = whole(violations);
  finding->threshold = whole(0);
  if (rc == SQLITE_DONE)
    rc = violations > 0 ? found(finding, WARN, error, "%s", first)
                        : found(finding, PASS, error, "every reference is met");
  sqlite3_free(first);
  return rc;
}

/* The first one gathers the facts for the others. */
static const struct check checks[] = {
    {"database_readable", NULL, FAST, FULL, check_readable},
    {"page_count", "pages", FAST, FULL, check_page_count},
    {"free_pages", "ratio", FAST, FULL, check_free_pages},
    {"wal_size", "bytes", FAST, FULL, check_wal_size},
    {"wal_pinned", "bytes", FAST, FULL, check_wal_pinned},
    {"journal_mode", NULL, FAST, FULL, check_journal_mode},
    {"host_sqlite", NULL, FAST, FULL, check_host},
    {"integrity", "objects", FAST, FULL, check_integrity},
    {"quick_check", "problems", QUICK, QUICK, check_pages},
    {"integrity_check", "problems", FULL, FULL, check_pages},
    {"foreign_key_check", "rows", FULL, FULL, check_foreign_keys},
};

#define CHECK_COUNT (sizeof checks / sizeof *checks)

/* ---- the report ---- */

struct report {
  int tier;
  char checked_at[PK_UTC_BYTES];
  struct finding findings[CHECK_COUNT];
  int count;
  enum status worst;
  struct facts facts;
};

static void free_report(struct report *report) {
  for (int i = 0; i < report->count; i++) {
    sqlite3_free(report->findings[i].message);
    sqlite3_free(report->findings[i].not_checked);
  }
  sqlite3_free(report->facts.journal_mode);
  pk_options_free(options, &report->facts.limits);
}

/* A check that ended with an error of SQLite's. */
static int judge_trouble(struct finding *finding, const pk_error *trouble,
                         pk_error *error) {
  const char *cause = trouble->message ? trouble->message : "no reason given";
  if (pk_is_damage(trouble->code))
    return found(finding, FAIL, error, "%s", cause);
  finding->value = (struct amount){0};
  int rc = not_checked(finding, cause, error);
  if (rc == SQLITE_OK)
    rc = found(finding, WARN, error, "could not be checked: %s", cause);
  return rc;
}

static int make_check(struct facts *facts, struct finding *finding,
                      pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  int rc = finding->check->judge(facts, finding, &trouble);
  if (rc == SQLITE_OK) return rc;
  if (pk_ends_the_call(rc)) {
    *error = trouble;
    return rc;
  }
  rc = judge_trouble(finding, &trouble, error);
  pk_error_clear(&trouble);
  return rc;
}

static int add_finding(struct report *report, const struct check *check,
                       pk_error *error) {
  struct finding *finding = &report->findings[report->count++];
  *finding = (struct finding){.check = check};
  int rc = SQLITE_OK;
  if ((int)check->from > report->tier)
    rc = not_checked(finding, "", error);
  else if (report->count > 1 && !report->facts.readable)
    rc = not_checked(finding, "the database cannot be read", error);
  else
    rc = make_check(&report->facts, finding, error);
  if (finding->status > report->worst) report->worst = finding->status;
  return rc;
}

static int read_limits(sqlite3 *db, sqlite3_value *json,
                       struct health_options *limits, pk_error *error) {
  *limits = defaults;
  int rc = pk_options_read(db, json, options, limits, error);
  if (rc != SQLITE_OK) return rc;
  if (limits->wal_warn_bytes > limits->wal_fail_bytes)
    return pk_fail(error, SQLITE_RANGE,
                   "wal_warn_bytes (%lld) is over wal_fail_bytes (%lld); give "
                   "both",
                   limits->wal_warn_bytes, limits->wal_fail_bytes);
  if (limits->free_warn_ratio > limits->free_fail_ratio)
    return pk_fail(error, SQLITE_RANGE,
                   "free_warn_ratio (%g) is over free_fail_ratio (%g); give "
                   "both",
                   limits->free_warn_ratio, limits->free_fail_ratio);
  return SQLITE_OK;
}

/* Fills the report from the arguments tier and options; free_report is due in
** every case. */
static int make_report(sqlite3 *db, sqlite3_value **arguments,
                       struct report *report, pk_error *error) {
  const char *tier = tier_names[FAST];
  struct facts *facts = &report->facts;
  *report = (struct report){.facts.db = db};
  int rc = pk_optional_text(arguments[0], "tier", &tier, error);
  if (rc == SQLITE_OK)
    rc = pk_choice(tier, TIERS, "tier", &report->tier, error);
  if (rc == SQLITE_OK)
    rc = read_limits(db, arguments[1], &facts->limits, error);
  facts->schema = facts->limits.schema ? facts->limits.schema : "main";
  if (rc == SQLITE_OK)
    rc = pk_schema_file(db, facts->schema, &facts->file, error);
  pk_utc_now(report->checked_at);
  for (size_t i = 0; i < CHECK_COUNT && rc == SQLITE_OK; i++)
    if ((int)checks[i].to >= report->tier)
      rc = add_finding(report, &checks[i], error);
  return rc;
}

/* ---- its faces: JSON, rows, a code ---- */

static void json_amount(pk_json *json, const char *key,
                        const struct amount *amount) {
  if (amount->type == SQLITE_INTEGER)
    pk_json_int64(json, key, amount->whole);
  else if (amount->type == SQLITE_FLOAT)
    pk_json_double(json, key, amount->real);
  else
    pk_json_text(json, key, amount->text);
}

static void json_check(pk_json *json, const struct finding *finding) {
  pk_json_object(json, NULL);
  pk_json_text(json, "name", finding->check->name);
  pk_json_text(json, "status", status_names[finding->status]);
  json_amount(json, "value", &finding->value);
  pk_json_text(json, "unit", finding->check->unit);
  json_amount(json, "threshold", &finding->threshold);
  pk_json_text(json, "message", finding->message);
  pk_json_end(json);
}

/* "name: text", or the name alone where there is no text. */
static void json_remark(pk_json *json, const struct finding *finding,
                        const char *text) {
  pk_json_format(json, NULL, "%s%s%s", finding->check->name, *text ? ": " : "",
                 text);
}

static void json_checks(pk_json *json, const struct report *report) {
  pk_json_array(json, "checks");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].status != NOT_MADE)
      json_check(json, &report->findings[i]);
  pk_json_end(json);
}

static void json_issues(pk_json *json, const struct report *report) {
  pk_json_array(json, "issues");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].status > PASS)
      json_remark(json, &report->findings[i], report->findings[i].message);
  pk_json_end(json);
}

static void json_not_checked(pk_json *json, const struct report *report) {
  pk_json_array(json, "not_checked");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].not_checked)
      json_remark(json, &report->findings[i], report->findings[i].not_checked);
  pk_json_end(json);
}

static int health(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error) {
  struct report report;
  int rc = make_report(sqlite3_context_db_handle(context), arguments, &report,
                       error);
  if (rc == SQLITE_OK) {
    pk_json json;
    pk_json_begin(&json);
    pk_json_text(&json, "status", health_names[report.worst]);
    pk_json_text(&json, "tier", tier_names[report.tier]);
    pk_json_text(&json, "checked_at", report.checked_at);
    json_checks(&json, &report);
    json_issues(&json, &report);
    json_not_checked(&json, &report);
    rc = pk_json_result(&json, context);
  }
  free_report(&report);
  return rc;
}

static int health_code(sqlite3_context *context, sqlite3_value **arguments,
                       pk_error *error) {
  struct report report;
  int rc = make_report(sqlite3_context_db_handle(context), arguments, &report,
                       error);
  if (rc == SQLITE_OK)
    sqlite3_result_int(context, report.worst == FAIL ? 503 : 200);
  free_report(&report);
  return rc;
}

static void row_amount(pk_rows *rows, const struct amount *amount) {
  if (amount->type == SQLITE_INTEGER)
    pk_row_int64(rows, amount->whole);
  else if (amount->type == SQLITE_FLOAT)
    pk_row_double(rows, amount->real);
  else
    pk_row_text(rows, amount->text);
}

static void add_row(pk_rows *rows, const struct report *report,
                    const struct finding *finding) {
  pk_row(rows);
  pk_row_text(rows, finding->check->name);
  pk_row_text(rows, status_names[finding->status]);
  row_amount(rows, &finding->value);
  pk_row_text(rows, finding->check->unit);
  row_amount(rows, &finding->threshold);
  if (finding->message)
    pk_row_text(rows, finding->message);
  else if (*finding->not_checked)
    pk_row_format(rows, "not checked: %s", finding->not_checked);
  else
    pk_row_format(rows, "not checked in tier %s", tier_names[report->tier]);
}

static int health_rows(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                       pk_error *error) {
  struct report report;
  int rc = make_report(db, arguments, &report, error);
  for (int i = 0; i < report.count && rc == SQLITE_OK; i++)
    add_row(rows, &report, &report.findings[i]);
  free_report(&report);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_health",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "is the database file all right? One JSON object; tiers fast, "
                "quick and full",
     .options = options,
     .call = health},
    {.name = "prod_health_code",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "200, or 503 when prod_health() says unhealthy: for an HTTP "
                "probe",
     .options = options,
     .call = health_code},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_health",
     .columns = "name TEXT, status TEXT, value, unit TEXT, threshold, "
                "message TEXT",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the same, a row for each check",
     .options = options,
     .produce = health_rows},
    {0}};

const pk_feature pk_health = {"health", functions, tables};
