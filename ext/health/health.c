/*
** health.c: is the database all right, and what it lives in?
**
**     SELECT prod_health();
**     SELECT * FROM prod_health('quick');
**     SELECT prod_health_code('fast', '{"wal_warn_bytes":1000000}');
**     SELECT prod_health('fast', '{"format":"rfc", "backup_dir":"/backups"}');
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
** or, with the option format, the same as application/health+json
** (draft-inadarei-api-health-check-06), which has pass, warn or fail for the
** whole, too.
**
** One failing check makes the database unhealthy, one warning degraded.
** not_checked names the checks that the tier leaves out and, with the reason,
** those that could not be made. A check that was to be made and failed for
** another cause than damage (a lock, a missing collation) is a warning, never
** a pass.
**
** How it works: this file has the options, the list of checks and the answers;
** what each check looks at is in health_checks.c (the database) and
** health_surroundings.c (disk, permissions, file system, backups). `fast` reads
** the header, the schema as any query would, and asks the operating system for
** sizes, modes and free space. It asks prod_wal which readers hold the WAL
** back, prod_integrity what it found last (a corruption stays reported until a
** full check passes there) and, where backup_dir is given, prod_backups.
** `quick` adds PRAGMA quick_check; `full` makes PRAGMA integrity_check instead,
** which includes it, and PRAGMA foreign_key_check. These read every page, in
** the order of the tables; a file that is not in memory is read ahead first,
** from beginning to end, which takes a fraction of the time (see
** format/prefetch.h).
**
** Some checks inform and always pass. busy_timeout and foreign_keys belong to
** the connection that asks, which in a probe is fresh and never has them set:
** they are judged where the option connection says that it is the
** application's. host_sqlite: no test tells whether a distribution has mended
** an older number, and a probe that is never green is not looked at.
**
** Locking: one read transaction while the facts are gathered, and one for each
** statement; none is left when the call returns. Nothing is written and no file
** is made, beyond what SQLite does when a database is first read: it creates
** -wal and -shm in WAL mode, and rolls back what a crash left behind.
**
** Cost of `fast`: the same whatever the size of the database; it grows with the
** number of tables, and with backup_dir by a look at each file in that folder.
**
** Limits: the table stands in a FROM, for which SQLite itself reads the schema
** of main; where that cannot be read the table is an SQL error, and only the
** function reports it. A host that grows files in chunks
** (SQLITE_FCNTL_CHUNK_SIZE) sees a page_count warning outside WAL mode. The
** header is that of the file, and in WAL mode may be older than the log's.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/json.h"
#include "../base/sql.h"
#include "health_checks.h"
#include "health_surroundings.h"

#define TIERS "fast quick full"
enum tier { FAST, QUICK, FULL };

static const char *const tier_names[] = {"fast", "quick", "full"};

#define FORMATS "json rfc"
enum format { OWN_JSON, RFC };

/* ---- options ---- */

#define OPTION(field) offsetof(pk_health_limits, field)

enum { MB = 1024 * 1024, HOUR_SECONDS = 3600 };

/* A failure takes a service out of use, so a disk fails only where writes will
** soon: less is left than 1 % of the database, or than a WAL may grow to under
** prod_configure(). A daily backup is late after 26 hours. */
static const pk_health_limits defaults = {
    .wal_warn_bytes = 100 * MB,
    .wal_fail_bytes = 500 * MB,
    .pinned_warn_bytes = 50 * MB,
    .free_warn_ratio = 0.20,
    .free_fail_ratio = 0.50,
    .disk_warn_ratio = 1.0,
    .disk_fail_ratio = 0.01,
    .disk_fail_bytes = 64 * MB,
    .backup_warn_seconds = 26 * HOUR_SECONDS,
    .backup_fail_seconds = 72 * HOUR_SECONDS,
};

/* Only the function that answers JSON has a format: the table and the code know
** the options behind it. */
static const pk_option options_and_format[] = {
    {"format", PK_CHOICE, OPTION(format), .choices = FORMATS,
     .summary = "rfc: application/health+json (json)"},
    {"wal_warn_bytes", PK_INTEGER, OPTION(wal_warn_bytes),
     .summary = "a WAL over this is a warning (104857600)"},
    {"wal_fail_bytes", PK_INTEGER, OPTION(wal_fail_bytes),
     .summary = "a WAL over this is a failure (524288000)"},
    {"pinned_warn_bytes", PK_INTEGER, OPTION(pinned_warn_bytes),
     .summary = "more than this held back by readers is a warning (52428800)"},
    {"free_warn_ratio", PK_REAL, OPTION(free_warn_ratio), 0, 1,
     .summary = "a share of free pages over this is a warning (0.2)"},
    {"free_fail_ratio", PK_REAL, OPTION(free_fail_ratio), 0, 1,
     .summary = "a share of free pages over this is a failure (0.5)"},
    {"disk_warn_ratio", PK_REAL, OPTION(disk_warn_ratio),
     .summary = "disk left under so many times the database's size is a "
                "warning (1)"},
    {"disk_fail_ratio", PK_REAL, OPTION(disk_fail_ratio),
     .summary = "the same is a failure (0.01)"},
    {"disk_fail_bytes", PK_INTEGER, OPTION(disk_fail_bytes),
     .summary = "disk left under this is a failure too (67108864)"},
    {"access", PK_CHOICE, OPTION(access), .choices = "owner group everyone",
     .summary = "who may use the files without a warning (owner)"},
    {"connection", PK_BOOLEAN, OPTION(connection),
     .summary = "warn of how the connection that asks is set (false)"},
    {"backup_dir", PK_TEXT, OPTION(backup_dir),
     .summary = "the folder of the backups; without it they are not checked"},
    {"backup_warn_seconds", PK_INTEGER, OPTION(backup_warn_seconds),
     .summary = "an older newest backup is a warning (93600)"},
    {"backup_fail_seconds", PK_INTEGER, OPTION(backup_fail_seconds),
     .summary = "an older newest backup is a failure (259200)"},
    {"integrity_state", PK_TEXT, OPTION(integrity_state),
     .summary = "the option `state` that prod_integrity is given"},
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to check (main)"},
    {0}};

#define OPTIONS (options_and_format + 1)

/* Two limits of which the first must not be beyond the second. */
static int check_order(const char *low_name, double low, const char *high_name,
                       double high, pk_error *error) {
  if (low <= high) return SQLITE_OK;
  return pk_fail(error, SQLITE_RANGE,
                 "%s (%.15g) is over %s (%.15g); give both", low_name, low,
                 high_name, high);
}

static int read_limits(sqlite3 *db, sqlite3_value *json, const pk_option *known,
                       pk_health_limits *limits, pk_error *error) {
  *limits = defaults;
  int rc = pk_options_read(db, json, known, limits, error);
  if (rc == SQLITE_OK)
    rc = check_order("wal_warn_bytes", (double)limits->wal_warn_bytes,
                     "wal_fail_bytes", (double)limits->wal_fail_bytes, error);
  if (rc == SQLITE_OK)
    rc = check_order("free_warn_ratio", limits->free_warn_ratio,
                     "free_fail_ratio", limits->free_fail_ratio, error);
  if (rc == SQLITE_OK)
    rc = check_order("disk_fail_ratio", limits->disk_fail_ratio,
                     "disk_warn_ratio", limits->disk_warn_ratio, error);
  if (rc == SQLITE_OK)
    rc = check_order("backup_warn_seconds", (double)limits->backup_warn_seconds,
                     "backup_fail_seconds", (double)limits->backup_fail_seconds,
                     error);
  return rc;
}

/* ---- the checks ---- */

static const char *const status_names[] = {NULL, "pass", "warn", "fail"};
static const char *const health_names[] = {NULL, "healthy", "degraded",
                                           "unhealthy"};

/* The first one gathers the facts for the others. */
static const pk_health_check checks[] = {
    {"database_readable", NULL, FAST, FULL, pk_check_readable},
    {"header", "faults", FAST, FULL, pk_check_header},
    {"page_count", "pages", FAST, FULL, pk_check_page_count},
    {"free_pages", "ratio", FAST, FULL, pk_check_free_pages},
    {"wal_size", "bytes", FAST, FULL, pk_check_wal_size},
    {"wal_pinned", "bytes", FAST, FULL, pk_check_wal_pinned},
    {"journal_mode", NULL, FAST, FULL, pk_check_journal_mode},
    {"busy_timeout", "ms", FAST, FULL, pk_check_busy_timeout},
    {"foreign_keys", NULL, FAST, FULL, pk_check_foreign_keys},
    {"disk_space", "bytes", FAST, FULL, pk_check_disk_space, .always = true},
    {"permissions", NULL, FAST, FULL, pk_check_permissions, .always = true},
    {"filesystem", NULL, FAST, FULL, pk_check_filesystem, .always = true},
    {"host_sqlite", NULL, FAST, FULL, pk_check_host},
    {"statistics", NULL, FAST, FULL, pk_check_statistics},
    {"backup", "seconds", FAST, FULL, pk_check_backup},
    {"integrity", "objects", FAST, FULL, pk_check_integrity},
    {"quick_check", "problems", QUICK, QUICK, pk_check_pages},
    {"integrity_check", "problems", FULL, FULL, pk_check_pages},
    {"foreign_key_check", "rows", FULL, FULL, pk_check_references},
};

#define CHECK_COUNT (sizeof checks / sizeof *checks)

/* ---- the report ---- */

struct report {
  int tier;
  char checked_at[PK_UTC_BYTES];
  pk_finding findings[CHECK_COUNT];
  int count;
  pk_health_status worst;
  pk_health_facts facts;
};

static void free_report(struct report *report) {
  for (int i = 0; i < report->count; i++) {
    sqlite3_free(report->findings[i].message);
    sqlite3_free(report->findings[i].not_checked);
  }
  sqlite3_free(report->facts.journal_mode);
  pk_options_free(OPTIONS, &report->facts.limits);
}

/* A check that ended with an error of SQLite's. */
static int judge_trouble(pk_finding *finding, const pk_error *trouble,
                         pk_error *error) {
  const char *cause = trouble->message ? trouble->message : "no reason given";
  if (pk_is_unusable(trouble->code))
    return pk_found(finding, PK_FAIL, error, "%s", cause);
  int rc = pk_not_made(finding, cause, error);
  if (rc == SQLITE_OK)
    rc = pk_found(finding, PK_WARN, error, "could not be checked: %s", cause);
  return rc;
}

static int make_check(pk_health_facts *facts, pk_finding *finding,
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

static int add_finding(struct report *report, const pk_health_check *check,
                       pk_error *error) {
  pk_finding *finding = &report->findings[report->count++];
  *finding = (pk_finding){.check = check};
  int rc = SQLITE_OK;
  if (check->from > report->tier)
    rc = pk_not_made(finding, "", error);
  else if (report->count > 1 && !report->facts.readable && !check->always)
    rc = pk_not_made(finding, "the database cannot be read", error);
  else
    rc = make_check(&report->facts, finding, error);
  if (finding->status > report->worst) report->worst = finding->status;
  return rc;
}

/* Fills the report from the arguments tier and options; free_report is due in
** every case. */
static int make_report(sqlite3 *db, sqlite3_value **arguments,
                       const pk_option *known, struct report *report,
                       pk_error *error) {
  const char *tier = tier_names[FAST];
  pk_health_facts *facts = &report->facts;
  *report = (struct report){.facts.db = db};
  int rc = pk_optional_text(arguments[0], "tier", &tier, error);
  if (rc == SQLITE_OK)
    rc = pk_choice(tier, TIERS, "tier", &report->tier, error);
  if (rc == SQLITE_OK)
    rc = read_limits(db, arguments[1], known, &facts->limits, error);
  facts->schema = facts->limits.schema ? facts->limits.schema : "main";
  if (rc == SQLITE_OK)
    rc = pk_schema_file(db, facts->schema, &facts->file, error);
  pk_utc_now(report->checked_at);
  for (size_t i = 0; i < CHECK_COUNT && rc == SQLITE_OK; i++)
    if (checks[i].to >= report->tier)
      rc = add_finding(report, &checks[i], error);
  return rc;
}

/* ---- the JSON object ---- */

static void json_amount(pk_json *json, const char *key,
                        const pk_amount *amount) {
  if (amount->type == SQLITE_INTEGER)
    pk_json_int64(json, key, amount->whole);
  else if (amount->type == SQLITE_FLOAT)
    pk_json_double(json, key, amount->real);
  else
    pk_json_text(json, key, amount->type ? amount->text : NULL);
}

static void json_check(pk_json *json, const pk_finding *finding) {
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
static void json_remark(pk_json *json, const pk_finding *finding,
                        const char *text) {
  pk_json_format(json, NULL, "%s%s%s", finding->check->name, *text ? ": " : "",
                 text);
}

static void json_checks(pk_json *json, const struct report *report) {
  pk_json_array(json, "checks");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].status != PK_NOT_MADE)
      json_check(json, &report->findings[i]);
  pk_json_end(json);
}

static void json_issues(pk_json *json, const struct report *report) {
  pk_json_array(json, "issues");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].status > PK_PASS)
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

static int give_json(sqlite3_context *context, const struct report *report) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "status", health_names[report->worst]);
  pk_json_text(&json, "tier", tier_names[report->tier]);
  pk_json_text(&json, "checked_at", report->checked_at);
  json_checks(&json, report);
  json_issues(&json, report);
  json_not_checked(&json, report);
  return pk_json_result(&json, context);
}

/* ---- application/health+json (draft-inadarei-api-health-check-06) ---- */

/* What a check that passes has to say is left out of `output`: section 4.8.
** `threshold` is a key of our own: section 4.10. */
static void rfc_check(pk_json *json, const struct report *report,
                      const char *title, const pk_finding *finding) {
  char key[40];
  sqlite3_snprintf(sizeof key, key, "sqlite:%s", finding->check->name);
  pk_json_array(json, key);
  pk_json_object(json, NULL);
  pk_json_text(json, "componentId", title);
  pk_json_text(json, "componentType", "datastore");
  pk_json_text(json, "status", status_names[finding->status]);
  if (finding->value.type) json_amount(json, "observedValue", &finding->value);
  if (finding->value.type && finding->check->unit)
    pk_json_text(json, "observedUnit", finding->check->unit);
  if (finding->threshold.type)
    json_amount(json, "threshold", &finding->threshold);
  pk_json_text(json, "time", report->checked_at);
  if (finding->status > PK_PASS) pk_json_text(json, "output", finding->message);
  pk_json_end(json);
  pk_json_end(json);
}

static void rfc_notes(pk_json *json, const struct report *report) {
  pk_json_array(json, "notes");
  for (int i = 0; i < report->count; i++) {
    const pk_finding *finding = &report->findings[i];
    if (finding->not_checked)
      pk_json_format(json, NULL, "not checked: %s%s%s", finding->check->name,
                     *finding->not_checked ? ": " : "", finding->not_checked);
  }
  pk_json_end(json);
}

/* The first of the worst issues. */
static void rfc_output(pk_json *json, const struct report *report) {
  for (int i = 0; i < report->count; i++) {
    const pk_finding *finding = &report->findings[i];
    if (finding->status != report->worst || finding->status == PK_PASS)
      continue;
    pk_json_format(json, "output", "%s: %s", finding->check->name,
                   finding->message);
    return;
  }
}

static int give_rfc(sqlite3_context *context, const struct report *report) {
  const char *title = pk_schema_title(report->facts.db, report->facts.schema);
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "status", status_names[report->worst]);
  pk_json_text(&json, "version", sqlite3_libversion());
  pk_json_text(&json, "serviceId", title);
  pk_json_format(&json, "description", "SQLite database %s, tier %s", title,
                 tier_names[report->tier]);
  rfc_output(&json, report);
  rfc_notes(&json, report);
  pk_json_object(&json, "checks");
  for (int i = 0; i < report->count; i++)
    if (report->findings[i].status != PK_NOT_MADE)
      rfc_check(&json, report, title, &report->findings[i]);
  return pk_json_result(&json, context);
}

static int health(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error) {
  struct report report;
  int rc = make_report(sqlite3_context_db_handle(context), arguments,
                       options_and_format, &report, error);
  if (rc == SQLITE_OK)
    rc = report.facts.limits.format == RFC ? give_rfc(context, &report)
                                           : give_json(context, &report);
  free_report(&report);
  return rc;
}

/* ---- the code and the table ---- */

static int health_code(sqlite3_context *context, sqlite3_value **arguments,
                       pk_error *error) {
  struct report report;
  int rc = make_report(sqlite3_context_db_handle(context), arguments, OPTIONS,
                       &report, error);
  if (rc == SQLITE_OK)
    sqlite3_result_int(context, report.worst == PK_FAIL ? 503 : 200);
  free_report(&report);
  return rc;
}

static void row_amount(pk_rows *rows, const pk_amount *amount) {
  if (amount->type == SQLITE_INTEGER)
    pk_row_int64(rows, amount->whole);
  else if (amount->type == SQLITE_FLOAT)
    pk_row_double(rows, amount->real);
  else
    pk_row_text(rows, amount->type ? amount->text : NULL);
}

static void add_row(pk_rows *rows, const struct report *report,
                    const pk_finding *finding) {
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
  int rc = make_report(db, arguments, OPTIONS, &report, error);
  for (int i = 0; i < report.count && rc == SQLITE_OK; i++)
    add_row(rows, &report, &report.findings[i]);
  free_report(&report);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_health",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "is the database all right? One JSON object; tiers fast, "
                "quick and full",
     .options = options_and_format,
     .call = health},
    {.name = "prod_health_code",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "200, or 503 when prod_health() says unhealthy: for an HTTP "
                "probe",
     .options = OPTIONS,
     .call = health_code},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_health",
     .columns = "name TEXT, status TEXT, value, unit TEXT, threshold, "
                "message TEXT",
     .arguments = "tier, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the same, a row for each check",
     .options = OPTIONS,
     .produce = health_rows},
    {0}};

const pk_feature pk_health = {"health", functions, tables};
