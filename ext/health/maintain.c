/*
** maintain.c: the upkeep of a database, within a budget of time.
**
**     SELECT prod_maintain();
**     SELECT prod_maintain('{"max_seconds":300}');
**     SELECT prod_maintain('{"vacuum":false, "integrity":false}');
**     SELECT prod_maintain('{"run":false}');
**
** prod_maintain([options]) takes four steps, in this order, and answers
**
**     {"schema":"main", "started_at":"2026-11-20T03:47:00Z", "steps":[
**        {"step":"checkpoint", ..., "status":"done", "seconds":0.004,
**         "message":null}, ...],
**      "complete":true, "seconds":1.204}
**
** status is done; partial, where time ran out or others held the lock; skipped;
** or failed, where damage was found. message says why. complete: no step that
** was asked for is partial or failed.
**
**   checkpoint  prod_checkpoint('passive'), whose answer is in "result"
**   optimize    PRAGMA optimize, then ANALYZE of each table with rows and an
**               index that has no statistics, both under analysis_limit (set
**               back afterwards). Before SQLite 3.46 optimize looks only at
**               tables that this connection has queried: on a fresh one it
**               does nothing, and ANALYZE is what makes the step useful.
**   vacuum      gives free pages back to the file system by incremental_vacuum.
**               That is possible with auto_vacuum = incremental only.
**   integrity   prod_integrity with the time that is left: tables in turns
**
** How writers are spared: the vacuum moves a few pages at a time, so that a
** batch holds the write lock for about 2 milliseconds; how many those are is
** measured from batch to batch. Between two it lets go of the lock for 20
** milliseconds or twice as long as it held it, whichever is more: SQLite's busy
** handler tries after 1, 3, 8, 18 and 33 ms, so that a writer that waits finds
** a gap. A passive checkpoint follows each 1,000 pages.
**
** The last answer is kept, in a JSON file of mode 0600 beside the database,
** NAME-prodkit-maintain.json or the option `state`; {"run":false} answers it,
** which is all that it does, and prod_checklist judges it. A run holds a lock
** on it (base/record): a second one at the same time is an error, and does
** nothing.
**
** Locking: as that of each step's statement; none between two. ANALYZE holds
** the write lock while it reads at most analysis_limit entries of each index of
** one table.
** A lock of others is waited for as long as the connection's busy timeout says,
** which may exceed max_seconds; then the step goes on later or is partial.
**
** Cost: that of the steps; without any work to do, some milliseconds.
**
** Limits: under a limit ANALYZE estimates how many rows there are, on some
** hosts several times too few: analysis_limit 0 has them counted, at a quiet
** hour. A checkpoint or the check of one table, once begun, is not cut short. A
** full vacuum is for the administrator: see prod_vacuum_plan. In a
** rollback-journal mode each batch of the vacuum waits for the disk, and the
** lock is held as long as that takes.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/json.h"
#include "../base/pin.h"
#include "../base/record.h"
#include "../base/sql.h"
#include "../base/target.h"

#define STATE_SUFFIX "-prodkit-maintain.json"
enum { ANALYSIS_LIMIT = 400 }; /* lang_analyze.html advises 100 to 1000 */

#define LOCK_SECONDS 0.002
#define LEAST_PAUSE_SECONDS 0.020
enum { LEAST_BATCH = 8, MOST_PAGES = 10000, PAGES_BETWEEN_CHECKPOINTS = 1000 };

/* A check makes at least one table's: not begun with less time than this. */
#define LEAST_CHECK_SECONDS 0.05

struct maintain_options {
  double max_seconds;
  sqlite3_int64 analysis_limit;
  int checkpoint, optimize, vacuum, integrity, run;
  char *state, *integrity_state, *schema;
};

#define OPTION(field) offsetof(struct maintain_options, field)

static const pk_option options[] = {
    {"max_seconds", PK_REAL, OPTION(max_seconds), 0.001, 86400,
     .summary = "begin nothing more after so long (30)"},
    {"checkpoint", PK_BOOLEAN, OPTION(checkpoint),
     .summary = "copy the WAL back, without waiting for anybody (true)"},
    {"optimize", PK_BOOLEAN, OPTION(optimize),
     .summary = "keep the planner's statistics (true)"},
    {"analysis_limit", PK_INTEGER, OPTION(analysis_limit), 0, 1000000,
     .summary = "entries of an index that ANALYZE reads; 0: all, and writers "
                "wait meanwhile (400)"},
    {"vacuum", PK_BOOLEAN, OPTION(vacuum),
     .summary =
         "give free pages back, where auto_vacuum is incremental (true)"},
    {"integrity", PK_BOOLEAN, OPTION(integrity),
     .summary = "check tables in turns with the time that is left (true)"},
    {"run", PK_BOOLEAN, OPTION(run),
     .summary = "false: do nothing and answer what the last run did (true)"},
    {"state", PK_TEXT, OPTION(state),
     .summary = "the file that remembers (NAME" STATE_SUFFIX ")"},
    {"integrity_state", PK_TEXT, OPTION(integrity_state),
     .summary = "the option `state` for prod_integrity"},
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to maintain (main)"},
    {0}};

static const char signature[] = "{\"prodkit_maintain\":1,";

struct upkeep {
  sqlite3 *db;
  struct maintain_options options;
  const char *schema;
  double deadline; /* of pk_seconds() */
  char started_at[PK_UTC_BYTES];
  pk_json json;
  bool complete;
};

enum status { DONE, PARTIAL, SKIPPED, FAILED };

static const char *const status_names[] = {"done", "partial", "skipped",
                                           "failed"};

/* How a step ended; its figures go into the JSON as they come. */
struct outcome {
  enum status status;
  char *message; /* from sqlite3_malloc; NULL: nothing to say */
};

static int conclude(struct outcome *outcome, enum status status, char *message,
                    pk_error *error) {
  outcome->status = status;
  outcome->message = message;
  return message ? SQLITE_OK : pk_fail_memory(error);
}

static double seconds_left(const struct upkeep *upkeep) {
  return upkeep->deadline - pk_seconds();
}

/* ---- checkpoint ---- */

/* What a feature of ours that is asked in SQL is told: {"schema":…} and
** more. */
static char *asking(const struct upkeep *upkeep, double max_seconds,
                    const char *state) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "schema", upkeep->schema);
  if (max_seconds > 0) pk_json_double(&json, "max_seconds", max_seconds);
  if (state) pk_json_text(&json, "state", state);
  return pk_json_finish(&json);
}

static bool is_main(const struct upkeep *upkeep) {
  return sqlite3_stricmp(upkeep->schema, "main") == 0;
}

/* Main needs no options, and so no JSON functions of the host's. */
static int make_checkpoint(struct upkeep *upkeep, char **answer,
                           pk_error *error) {
  if (is_main(upkeep))
    return pk_query_text(upkeep->db, answer, error, "SELECT prod_checkpoint()");
  char *asked = asking(upkeep, 0, NULL);
  if (!asked) return pk_fail_memory(error);
  int rc = pk_query_text(upkeep->db, answer, error,
                         "SELECT prod_checkpoint('passive', %Q)", asked);
  sqlite3_free(asked);
  return rc;
}

static int checkpoint(struct upkeep *upkeep, struct outcome *outcome,
                      pk_error *error) {
  char *mode, *answer = NULL;
  int rc = pk_query_text(upkeep->db, &mode, error, "PRAGMA \"%w\".journal_mode",
                         upkeep->schema);
  if (rc == SQLITE_OK && mode && strcmp(mode, "wal") != 0)
    rc = conclude(outcome, SKIPPED,
                  sqlite3_mprintf("journal_mode is %s: there is no log", mode),
                  error);
  else if (rc == SQLITE_OK)
    rc = make_checkpoint(upkeep, &answer, error);
  if (answer) pk_json_raw(&upkeep->json, "result", answer);
  sqlite3_free(mode);
  sqlite3_free(answer);
  return rc;
}

/* ---- optimize ---- */

/* Tables with a b-tree and an index whose statistics a limited ANALYZE makes
** without counting rows: one that is not partial. */
#define ANALYZABLE                                                       \
  "SELECT name FROM \"%w\".sqlite_schema AS one "                        \
  "WHERE type = 'table' AND rootpage > 0 "                               \
  "AND substr(name, 1, 7) <> 'sqlite_' "                                 \
  "AND EXISTS (SELECT 1 FROM pragma_index_list(one.name, %Q) WHERE NOT " \
  "partial)"

/* The tables that have no statistics, by name. NOT IN rather than NOT EXISTS:
** sqlite_stat1 has no index, and is read once so, whatever the number of
** tables. */
static int find_without(const struct upkeep *upkeep, sqlite3_stmt **found,
                        pk_error *error) {
  const char *schema = upkeep->schema;
  sqlite3_int64 kept = 0;
  *found = NULL;
  int rc = pk_query_int64(upkeep->db, &kept, error,
                          "SELECT count(*) FROM \"%w\".sqlite_schema "
                          "WHERE name = 'sqlite_stat1'",
                          schema);
  if (rc != SQLITE_OK) return rc;
  if (kept == 0)
    return pk_prepare(upkeep->db, found, error, ANALYZABLE " ORDER BY name",
                      schema, schema);
  return pk_prepare(upkeep->db, found, error,
                    ANALYZABLE
                    " AND name NOT IN (SELECT tbl FROM \"%w\".sqlite_stat1 "
                    "WHERE tbl IS NOT NULL) ORDER BY name",
                    schema, schema, schema);
}

/* A list, so that no statement reads while ANALYZE writes. */
static int list_without(const struct upkeep *upkeep, pk_names *tables,
                        pk_error *error) {
  sqlite3_stmt *found;
  *tables = (pk_names){0};
  int rc = find_without(upkeep, &found, error);
  while (rc == SQLITE_OK && (rc = pk_step(found, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(found, 0);
    rc = name ? pk_names_add(tables, name, error) : pk_fail_memory(error);
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Of an empty table ANALYZE keeps no statistics; and one that somebody dropped
** after the list was made has none to keep. */
static int has_rows(const struct upkeep *upkeep, const char *table,
                    sqlite3_int64 *some, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  *some = 0;
  int rc = pk_query_int64(upkeep->db, some, &failure,
                          "SELECT EXISTS (SELECT 1 FROM \"%w\".\"%w\")",
                          upkeep->schema, table);
  if (rc == SQLITE_ERROR) { /* no such table */
    pk_error_clear(&failure);
    return SQLITE_OK;
  }
  *error = failure;
  return rc;
}

struct statistics {
  sqlite3_int64 missing;  /* tables that had none */
  sqlite3_int64 analyzed; /* of these, they have now */
};

/* With `analyze`, as long as there is time. */
static int visit_tables(struct upkeep *upkeep, bool analyze,
                        struct statistics *found, pk_error *error) {
  pk_names tables;
  int rc = list_without(upkeep, &tables, error);
  for (int i = 0; rc == SQLITE_OK && i < tables.count; i++) {
    sqlite3_int64 some = 0;
    rc = has_rows(upkeep, tables.names[i], &some, error);
    found->missing += some;
    if (rc != SQLITE_OK || !some || !analyze || seconds_left(upkeep) <= 0)
      continue;
    rc = pk_run(upkeep->db, error, "ANALYZE \"%w\".\"%w\"", upkeep->schema,
                tables.names[i]);
    found->analyzed += rc == SQLITE_OK;
  }
  pk_names_free(&tables);
  return rc;
}

/* 0x10002 has hosts from 3.46 on look at every table; older ones analyze only
** what this connection has used, whatever is asked. */
#define OPTIMIZE_ALL_SINCE 3046000

static int update_statistics(struct upkeep *upkeep, struct statistics *found,
                             pk_error *error) {
  bool all = sqlite3_libversion_number() >= OPTIMIZE_ALL_SINCE;
  int rc =
      pk_run(upkeep->db, error,
             all ? "PRAGMA \"%w\".optimize(0x10002)" : "PRAGMA \"%w\".optimize",
             upkeep->schema);
  return rc == SQLITE_OK ? visit_tables(upkeep, true, found, error) : rc;
}

/* Set by the parser, at the semicolon. After an interrupt SQLite parses no
** further than to the next blank, so there is none. */
static void set_analysis_limit_back(sqlite3 *db, sqlite3_int64 limit) {
  pk_error ignored = PK_NO_ERROR;
  pk_run(db, &ignored, "PRAGMA\"main\".analysis_limit=%lld;", limit);
  pk_error_clear(&ignored);
}

static int with_analysis_limit(struct upkeep *upkeep, struct statistics *found,
                               pk_error *error) {
  sqlite3_int64 before = 0;
  int rc = pk_query_int64(upkeep->db, &before, error, "PRAGMA analysis_limit");
  if (rc != SQLITE_OK) return rc;
  rc = pk_run(upkeep->db, error, "PRAGMA analysis_limit = %lld",
              upkeep->options.analysis_limit);
  if (rc == SQLITE_OK) rc = update_statistics(upkeep, found, error);
  set_analysis_limit_back(upkeep->db, before);
  return rc;
}

static int optimize(struct upkeep *upkeep, struct outcome *outcome,
                    pk_error *error) {
  struct statistics found = {0};
  pk_error failure = PK_NO_ERROR;
  int rc = with_analysis_limit(upkeep, &found, &failure);
  pk_json_int64(&upkeep->json, "tables_without_statistics", found.missing);
  pk_json_int64(&upkeep->json, "tables_analyzed", found.analyzed);
  if (pk_is_locked(rc)) {
    rc = conclude(outcome, PARTIAL,
                  sqlite3_mprintf("another connection held the write lock: %s",
                                  failure.message),
                  error);
    pk_error_clear(&failure);
    return rc;
  }
  *error = failure;
  if (rc == SQLITE_OK && found.analyzed < found.missing)
    rc = conclude(outcome, PARTIAL, sqlite3_mprintf("max_seconds were over"),
                  error);
  return rc;
}

/* ---- vacuum ---- */

struct vacuum {
  sqlite3_int64 free_before, free_now, bytes_freed;
  sqlite3_int64 batch, since_checkpoint;
  int batches, waits;
  double held, longest; /* seconds of the write lock */
  double deadline;
};

/* Moves the pages of a batch, fewer if that takes too long: a row comes for
** each. *began is when the first had moved, and so when the lock was there. */
static int move_pages(const struct vacuum *vacuum, sqlite3_stmt *moving,
                      double *began, pk_error *error) {
  int rc = pk_step(moving, error);
  *began = pk_seconds();
  for (sqlite3_int64 moved = 1; rc == SQLITE_ROW; moved++) {
    if (moved >= vacuum->batch || pk_seconds() - *began > LOCK_SECONDS) break;
    rc = pk_step(moving, error);
  }
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* To finalize the statement at a row commits what it did. The connection's
** automatic checkpoint, which only follows a last step, is left to the next
** statement, so that what is measured is how long the lock was held. */
static int vacuum_batch(struct upkeep *upkeep, struct vacuum *vacuum,
                        pk_error *error) {
  sqlite3_stmt *moving;
  double began;
  int rc = pk_prepare(upkeep->db, &moving, error,
                      "PRAGMA \"%w\".incremental_vacuum", upkeep->schema);
  if (rc != SQLITE_OK) return rc;
  rc = move_pages(vacuum, moving, &began, error);
  int ended = sqlite3_finalize(moving);
  if (rc == SQLITE_OK && ended != SQLITE_OK)
    rc = pk_fail_sql(error, ended, upkeep->db);
  if (rc != SQLITE_OK) return rc;
  vacuum->held = pk_seconds() - began;
  if (vacuum->held > vacuum->longest) vacuum->longest = vacuum->held;
  vacuum->batches++;
  return SQLITE_OK;
}

/* As many pages as would have taken LOCK_SECONDS, but no leap: the next pages
** may be slower ones. Nor fewer than LEAST_BATCH: where a commit waits for a slow
** disk, a page by itself takes as long. */
static void adapt_batch(struct vacuum *vacuum) {
  double fitting = (double)vacuum->batch * LOCK_SECONDS / (vacuum->held + 1e-6);
  sqlite3_int64 most = 2 * vacuum->batch;
  vacuum->batch = fitting < (double)most ? (sqlite3_int64)fitting : most;
  if (vacuum->batch < LEAST_BATCH) vacuum->batch = LEAST_BATCH;
  if (vacuum->batch > MOST_PAGES) vacuum->batch = MOST_PAGES;
}

static int count_free(struct upkeep *upkeep, sqlite3_int64 *pages,
                      pk_error *error) {
  return pk_query_int64(upkeep->db, pages, error,
                        "PRAGMA \"%w\".freelist_count", upkeep->schema);
}

static int checkpoint_between(struct upkeep *upkeep, struct vacuum *vacuum,
                              bool last, pk_error *error) {
  char *answer = NULL;
  if (vacuum->since_checkpoint < PAGES_BETWEEN_CHECKPOINTS &&
      !(last && vacuum->since_checkpoint > 0))
    return SQLITE_OK;
  vacuum->since_checkpoint = 0;
  int rc = make_checkpoint(upkeep, &answer, error);
  sqlite3_free(answer);
  return rc;
}

static void pause_for_writers(const struct vacuum *vacuum) {
  double pause = 2 * vacuum->held;
  if (pause < LEAST_PAUSE_SECONDS) pause = LEAST_PAUSE_SECONDS;
  pk_pause((int)(pause * 1e3));
}

/* One batch, and what follows it. A lock of another's is met again later. */
static int vacuum_once(struct upkeep *upkeep, struct vacuum *vacuum,
                       pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  sqlite3_int64 before = vacuum->free_now;
  int rc = vacuum_batch(upkeep, vacuum, &failure);
  if (pk_is_locked(rc)) {
    vacuum->waits++;
    pk_error_clear(&failure);
  } else if (rc != SQLITE_OK) {
    *error = failure;
    return rc;
  } else {
    adapt_batch(vacuum);
  }
  rc = count_free(upkeep, &vacuum->free_now, error);
  vacuum->since_checkpoint += before - vacuum->free_now;
  if (rc == SQLITE_OK) rc = checkpoint_between(upkeep, vacuum, false, error);
  return rc;
}

static int vacuum_in_batches(struct upkeep *upkeep, struct vacuum *vacuum,
                             pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && vacuum->free_now > 0) {
    rc = vacuum_once(upkeep, vacuum, error);
    if (rc != SQLITE_OK || vacuum->free_now == 0) break;
    if (pk_seconds() > vacuum->deadline) break;
    pause_for_writers(vacuum);
    if (pk_interrupted(upkeep->db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  }
  return rc == SQLITE_OK ? checkpoint_between(upkeep, vacuum, true, error) : rc;
}

static void put_vacuum(pk_json *json, const struct vacuum *vacuum,
                       sqlite3_int64 page_size) {
  sqlite3_int64 freed = vacuum->free_before - vacuum->free_now;
  pk_json_int64(json, "free_pages_before", vacuum->free_before);
  pk_json_int64(json, "free_pages_after", vacuum->free_now);
  pk_json_int64(json, "returned_bytes", freed * page_size);
  pk_json_int64(json, "batches", vacuum->batches);
  pk_json_int64(json, "locked_out", vacuum->waits);
  pk_json_double(json, "longest_lock_seconds",
                 (double)(sqlite3_int64)(vacuum->longest * 1e6) / 1e6);
}

/* NULL where there are pages that can be given back. */
static char *nothing_to_vacuum(sqlite3_int64 auto_vacuum, sqlite3_int64 free) {
  static const char *const modes[] = {"none", "full"};
  if (auto_vacuum != 2)
    return sqlite3_mprintf(
        "auto_vacuum is %s: only incremental gives free pages back this way; "
        "SELECT * FROM prod_vacuum_plan tells whether a full VACUUM pays",
        modes[auto_vacuum == 1]);
  return free == 0 ? sqlite3_mprintf("there are no free pages") : NULL;
}

static int vacuum(struct upkeep *upkeep, struct outcome *outcome,
                  pk_error *error) {
  struct vacuum work = {.batch = LEAST_BATCH};
  sqlite3_int64 auto_vacuum = 0, page_size = 0;
  int rc = pk_query_int64(upkeep->db, &auto_vacuum, error,
                          "PRAGMA \"%w\".auto_vacuum", upkeep->schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(upkeep->db, &page_size, error,
                        "PRAGMA \"%w\".page_size", upkeep->schema);
  if (rc == SQLITE_OK) rc = count_free(upkeep, &work.free_before, error);
  if (rc != SQLITE_OK) return rc;
  char *nothing = nothing_to_vacuum(auto_vacuum, work.free_before);
  if (nothing || auto_vacuum != 2 || work.free_before == 0)
    return conclude(outcome, SKIPPED, nothing, error);
  double left = seconds_left(upkeep);
  work.deadline = pk_seconds() + (upkeep->options.integrity ? left / 2 : left);
  work.free_now = work.free_before;
  rc = vacuum_in_batches(upkeep, &work, error);
  if (rc != SQLITE_OK) return rc;
  put_vacuum(&upkeep->json, &work, page_size);
  if (work.free_now > 0)
    rc = conclude(outcome, PARTIAL,
                  sqlite3_mprintf("the time for it was over; the next run goes "
                                  "on"),
                  error);
  return rc;
}

/* ---- integrity ---- */

/* A row of what was checked in this run, what failed, what never had its turn,
** and the first failure, or else what could not be checked. The row (whole
** database) never has to have a turn. */
#define CHECKS                                                          \
  "SELECT total(checked_at >= %Q AND status IN ('ok', 'failed')),"      \
  "  total(status = 'failed'),"                                         \
  "  total(status = 'not checked' AND object <> '(whole database)'),"   \
  "  total(status = 'unknown'),"                                        \
  "  coalesce("                                                         \
  "    max(iif(status = 'failed', object || ': ' || message, NULL)),"   \
  "    max(iif(status = 'unknown', object || ': ' || message, NULL))) " \
  "FROM prod_integrity(%Q)"

static int conclude_checks(struct upkeep *upkeep, sqlite3_stmt *checks,
                           struct outcome *outcome, pk_error *error) {
  sqlite3_int64 failed = sqlite3_column_int64(checks, 1);
  sqlite3_int64 waiting = sqlite3_column_int64(checks, 2);
  sqlite3_int64 unknown = sqlite3_column_int64(checks, 3);
  pk_json_int64(&upkeep->json, "checked", sqlite3_column_int64(checks, 0));
  pk_json_int64(&upkeep->json, "failed", failed);
  pk_json_int64(&upkeep->json, "never_checked", waiting);
  if (failed > 0 || unknown > 0)
    return conclude(outcome, failed > 0 ? FAILED : PARTIAL,
                    sqlite3_mprintf("%s", sqlite3_column_text(checks, 4)),
                    error);
  if (waiting > 0)
    return conclude(outcome, PARTIAL,
                    sqlite3_mprintf("the time for it was over; the next run "
                                    "goes on"),
                    error);
  return SQLITE_OK;
}

static int check_tables(struct upkeep *upkeep, struct outcome *outcome,
                        pk_error *error) {
  sqlite3_stmt *checks = NULL;
  double left = seconds_left(upkeep);
  if (left < LEAST_CHECK_SECONDS) left = LEAST_CHECK_SECONDS;
  char *asked = asking(upkeep, left, upkeep->options.integrity_state);
  if (!asked) return pk_fail_memory(error);
  int rc =
      pk_prepare(upkeep->db, &checks, error, CHECKS, upkeep->started_at, asked);
  if (rc == SQLITE_OK) rc = pk_step(checks, error);
  if (rc == SQLITE_ROW) rc = conclude_checks(upkeep, checks, outcome, error);
  sqlite3_finalize(checks);
  sqlite3_free(asked);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* prod_integrity has to be told the time that is left, and remembers in JSON
** whose turn it is. */
static int integrity(struct upkeep *upkeep, struct outcome *outcome,
                     pk_error *error) {
  bool json;
  int rc = pk_host_has_json(upkeep->db, &json, error);
  if (rc != SQLITE_OK) return rc;
  if (json) return check_tables(upkeep, outcome, error);
  return conclude(outcome, SKIPPED,
                  sqlite3_mprintf("this host's SQLite (%s) was built without "
                                  "JSON functions, by which tables take turns",
                                  sqlite3_libversion()),
                  error);
}

/* ---- the run ---- */

struct step {
  const char *name;
  size_t wanted; /* the option */
  int (*take)(struct upkeep *, struct outcome *, pk_error *);
};

static const struct step steps[] = {
    {"checkpoint", OPTION(checkpoint), checkpoint},
    {"optimize", OPTION(optimize), optimize},
    {"vacuum", OPTION(vacuum), vacuum},
    {"integrity", OPTION(integrity), integrity},
};

enum { STEP_COUNT = sizeof steps / sizeof *steps };

static bool is_wanted(const struct upkeep *upkeep, const struct step *step) {
  return *(const int *)((const char *)&upkeep->options + step->wanted);
}

/* Says which step it was that failed. */
static int blame(const struct step *step, pk_error *failure, pk_error *error) {
  if (failure->message)
    pk_fail(error, failure->code, "%s: %s", step->name, failure->message);
  else
    pk_fail_memory(error);
  pk_error_clear(failure);
  return error->code;
}

/* Damage ends the step that meets it. The others are taken: they include that
** which finds out more. */
static int tell_damage(struct outcome *outcome, pk_error *failure,
                       pk_error *error) {
  int rc = conclude(
      outcome, FAILED,
      sqlite3_mprintf("%s", failure->message ? failure->message
                                             : sqlite3_errstr(failure->code)),
      error);
  pk_error_clear(failure);
  return rc;
}

static int take(struct upkeep *upkeep, const struct step *step,
                struct outcome *outcome, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  if (!is_wanted(upkeep, step))
    return conclude(outcome, SKIPPED,
                    sqlite3_mprintf("the option %s is false", step->name),
                    error);
  if (seconds_left(upkeep) <= 0) {
    upkeep->complete = false;
    return conclude(outcome, SKIPPED, sqlite3_mprintf("max_seconds were over"),
                    error);
  }
  int rc = step->take(upkeep, outcome, &failure);
  if (rc == SQLITE_OK) return rc;
  if ((rc & 0xff) == SQLITE_CORRUPT)
    return tell_damage(outcome, &failure, error);
  return blame(step, &failure, error);
}

static int take_and_tell(struct upkeep *upkeep, const struct step *step,
                         pk_error *error) {
  struct outcome outcome = {DONE, NULL};
  double began = pk_seconds();
  pk_json_object(&upkeep->json, NULL);
  pk_json_text(&upkeep->json, "step", step->name);
  int rc = take(upkeep, step, &outcome, error);
  pk_json_text(&upkeep->json, "status", status_names[outcome.status]);
  pk_json_double(&upkeep->json, "seconds", pk_seconds_since(began));
  pk_json_text(&upkeep->json, "message", outcome.message);
  pk_json_end(&upkeep->json);
  if (outcome.status == PARTIAL || outcome.status == FAILED)
    upkeep->complete = false;
  sqlite3_free(outcome.message);
  return rc;
}

/* The answer; NULL after a failure. */
static int take_steps(struct upkeep *upkeep, char **answer, pk_error *error) {
  double began = pk_seconds();
  int rc = SQLITE_OK;
  upkeep->deadline = began + upkeep->options.max_seconds;
  upkeep->complete = true;
  pk_utc_now(upkeep->started_at);
  pk_json_begin(&upkeep->json);
  pk_json_text(&upkeep->json, "schema", upkeep->schema);
  pk_json_text(&upkeep->json, "started_at", upkeep->started_at);
  pk_json_array(&upkeep->json, "steps");
  for (int i = 0; rc == SQLITE_OK && i < STEP_COUNT; i++)
    rc = take_and_tell(upkeep, &steps[i], error);
  pk_json_end(&upkeep->json);
  pk_json_bool(&upkeep->json, "complete", upkeep->complete);
  pk_json_double(&upkeep->json, "seconds", pk_seconds_since(began));
  *answer = pk_json_finish(&upkeep->json);
  if (rc == SQLITE_OK) return *answer ? rc : pk_fail_memory(error);
  sqlite3_free(*answer);
  *answer = NULL;
  return rc;
}

/* A statement with a FROM has a transaction, in which no checkpoint can be. */
static int check_idle(const struct upkeep *upkeep, pk_error *error) {
  sqlite3 *db = upkeep->db;
  if (!sqlite3_get_autocommit(db))
    return pk_fail(error, SQLITE_LOCKED,
                   "a transaction is open on this connection, and would last "
                   "through it: COMMIT or ROLLBACK first; nothing was done");
  if (sqlite3_txn_state(db, NULL) != SQLITE_TXN_NONE)
    return pk_fail(error, SQLITE_LOCKED,
                   "a statement of this connection is reading: call it in a "
                   "SELECT without FROM, when no other statement is active; "
                   "nothing was done");
  if (sqlite3_db_readonly(db, upkeep->schema) == 1)
    return pk_fail(error, SQLITE_READONLY,
                   "the database \"%s\" is read-only on this connection; "
                   "nothing was done",
                   upkeep->schema);
  return SQLITE_OK;
}

/* ---- what is remembered ---- */

static int state_path(const struct upkeep *upkeep, char **path,
                      pk_error *error) {
  const char *file, *chosen = upkeep->options.state;
  *path = NULL;
  int rc = pk_schema_file(upkeep->db, upkeep->schema, &file, error);
  if (rc != SQLITE_OK) return rc;
  if (!*file)
    return pk_fail(error, SQLITE_ERROR,
                   "\"%s\" is an in-memory or temporary database, which needs "
                   "no maintenance; the option schema chooses another",
                   upkeep->schema);
  *path = chosen ? sqlite3_mprintf("%s", chosen)
                 : sqlite3_mprintf("%s" STATE_SUFFIX, file);
  return *path ? pk_target_check(upkeep->db, *path, error)
               : pk_fail_memory(error);
}

static int open_record(pk_record *record, const char *path, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  int rc = pk_record_open(record, path, signature, &failure);
  if (rc != SQLITE_BUSY) {
    *error = failure;
    return rc;
  }
  pk_error_clear(&failure);
  return pk_fail(error, rc,
                 "another prod_maintain is at work on this database, and holds "
                 "%s; nothing was done",
                 path);
}

static int keep(pk_record *record, const char *answer, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  char *text = sqlite3_mprintf("%s\"last\":%s}\n", signature, answer);
  if (!text) return pk_fail_memory(error);
  int rc = pk_record_write(record, text, &failure);
  if (rc != SQLITE_OK)
    pk_fail(error, rc, "all steps were taken, but not recorded: %s",
            failure.message);
  pk_error_clear(&failure);
  sqlite3_free(text);
  return rc;
}

/* The lock is taken before anything is done, and the file is seen to be
** writable. */
static int run(struct upkeep *upkeep, const char *path, char **answer,
               pk_error *error) {
  pk_record record = PK_RECORD_CLOSED;
  int rc = check_idle(upkeep, error);
  if (rc == SQLITE_OK) rc = open_record(&record, path, error);
  if (rc == SQLITE_OK) rc = take_steps(upkeep, answer, error);
  if (rc == SQLITE_OK) rc = keep(&record, *answer, error);
  pk_record_close(&record);
  if (rc == SQLITE_OK) return rc;
  sqlite3_free(*answer);
  *answer = NULL;
  return rc;
}

/* Where there was no run, "last" is null. */
static int recall(struct upkeep *upkeep, const char *path, char **answer,
                  pk_error *error) {
  struct statistics found = {0};
  char *text, *last = NULL;
  pk_json json;
  int rc = pk_record_read(path, signature, &text, error);
  if (rc == SQLITE_OK && text)
    rc = pk_query_text(upkeep->db, &last, error,
                       "SELECT json_extract(%Q, '$.last')", text);
  sqlite3_free(text);
  if (rc == SQLITE_OK) rc = visit_tables(upkeep, false, &found, error);
  if (rc == SQLITE_OK) {
    pk_json_begin(&json);
    pk_json_raw(&json, "last", last);
    pk_json_int64(&json, "tables_without_statistics", found.missing);
    *answer = pk_json_finish(&json);
    if (!*answer) rc = pk_fail_memory(error);
  }
  sqlite3_free(last);
  return rc;
}

/* ---- the function ---- */

static int maintain(sqlite3_context *context, sqlite3_value **arguments,
                    pk_error *error) {
  struct upkeep upkeep = {.db = sqlite3_context_db_handle(context),
                          .options = {.max_seconds = 30,
                                      .analysis_limit = ANALYSIS_LIMIT,
                                      .checkpoint = true,
                                      .optimize = true,
                                      .vacuum = true,
                                      .integrity = true,
                                      .run = true}};
  char *path = NULL, *answer = NULL;
  int rc =
      pk_options_read(upkeep.db, arguments[0], options, &upkeep.options, error);
  upkeep.schema = upkeep.options.schema ? upkeep.options.schema : "main";
  if (rc == SQLITE_OK) rc = state_path(&upkeep, &path, error);
  if (rc == SQLITE_OK)
    rc = upkeep.options.run ? run(&upkeep, path, &answer, error)
                            : recall(&upkeep, path, &answer, error);
  if (rc == SQLITE_OK) rc = pk_json_give(answer, context);
  sqlite3_free(path);
  pk_options_free(options, &upkeep.options);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_maintain",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "checkpoint, statistics, incremental vacuum and checks, "
                "within a budget of time",
     .options = options,
     .call = maintain},
    {0}};

const pk_feature pk_maintain = {.name = "maintain", .functions = functions};
