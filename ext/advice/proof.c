/* proof.c: see proof.h. */
#include "proof.h"

#include <stddef.h>

#include "../base/clock.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "sample_copy.h"

#define PAGES_AT_A_TIME 1000

/* Large, so that building an index is quick; what a run would have to read from
** the disk shows in the pages that it requests. */
#define CACHE_KIB (64 << 10)

/* The clock is looked at after so many instructions of the virtual machine,
** the user's connection after so many looks at the clock. */
#define STEPS_BETWEEN_LOOKS 1000
#define LOOKS_BETWEEN_INTERRUPTS 100

/* A statement runs again while it has taken no longer than this in all, but no
** more often than so. */
#define MOST_RUNS 3
#define QUICK_MS 50

/* ---- the copy ---- */

bool pk_proof_is_late(const pk_proof *proof) {
  return pk_seconds() > proof->deadline;
}

double pk_proof_share(const pk_proof *proof, double share) {
  double now = pk_seconds();
  return now + (proof->deadline - now) * share;
}

/* Asked again and again while a statement runs: is it to stop? */
static int look(void *context) {
  pk_proof *proof = context;
  if (proof->stop_at > 0 && pk_thread_seconds() > proof->stop_at) return 1;
  if (proof->stops_when_late && pk_proof_is_late(proof)) return 1;
  if (++proof->looks < LOOKS_BETWEEN_INTERRUPTS) return 0;
  proof->looks = 0;
  return pk_interrupted(proof->copy->original);
}

static int copy_pages(pk_proof *proof, sqlite3_backup *backup,
                      pk_error *error) {
  int rc;
  do {
    rc = sqlite3_backup_step(backup, PAGES_AT_A_TIME);
    if (pk_interrupted(proof->copy->original))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    if (rc == SQLITE_OK && pk_proof_is_late(proof))
      return pk_fail(error, SQLITE_ERROR, "max_seconds were over");
  } while (rc == SQLITE_OK);
  if (rc == SQLITE_DONE) return SQLITE_OK;
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (sqlite3_txn_state(proof->copy->original, proof->copy->schema) ==
      SQLITE_TXN_WRITE)
    return pk_fail(error, rc, "a write transaction is open on this connection");
  return pk_fail(error, rc, "cannot copy the database: %s", sqlite3_errstr(rc));
}

static int copy_data(pk_proof *proof, pk_error *error) {
  sqlite3_backup *backup = sqlite3_backup_init(
      proof->db, "main", proof->copy->original, proof->copy->schema);
  if (!backup) return pk_fail_db(error, proof->db, "cannot copy");
  int rc = copy_pages(proof, backup, error);
  sqlite3_backup_finish(backup);
  return rc;
}

/* Where indexes are put aside: outside of the schemas that statements mean.
** sqlite_stat1 is there afterwards, if without a row. */
static int make_room_aside(pk_proof *proof, pk_error *error) {
  int rc = pk_run(proof->db, error, "ATTACH ':memory:' AS prodkit_aside");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "CREATE TABLE prodkit_aside.objects AS SELECT type, name, "
                "tbl_name, rootpage, sql FROM main.sqlite_schema WHERE 0");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "CREATE TABLE prodkit_aside.statistics(tbl, idx, stat)");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error, "ANALYZE main.sqlite_schema");
  return rc;
}

int pk_proof_open(pk_proof *proof, const pk_what_if *copy, int one_in,
                  double deadline, pk_error *error) {
  *proof = (pk_proof){.copy = copy, .one_in = one_in, .deadline = deadline};
  if (!PK_HOST_HAS(sqlite3_progress_handler))
    return pk_fail(error, SQLITE_ERROR,
                   "this host's SQLite cannot stop a statement that takes too "
                   "long");
  int rc = pk_private_temporary(copy->original, &proof->db, error);
  if (rc != SQLITE_OK) return rc;
  pk_what_if_prepare_connection(proof->db, copy->original, copy->schema);
  sqlite3_db_config(proof->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config(proof->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
  rc = one_in > 1 ? pk_sample_copy(proof->db, copy, one_in, deadline, error)
                  : copy_data(proof, error);
  if (rc == SQLITE_OK)
    sqlite3_progress_handler(proof->db, STEPS_BETWEEN_LOOKS, look, proof);
  if (rc == SQLITE_OK) rc = pk_proof_use_cache(proof, error);
  if (rc == SQLITE_OK) /* to sort by, when an index is built */
    rc = pk_run(proof->db, error, "PRAGMA threads = 2");
  if (rc == SQLITE_OK) rc = make_room_aside(proof, error);
  return rc;
}

int pk_proof_use_cache(pk_proof *proof, pk_error *error) {
  return pk_run(proof->db, error, "PRAGMA main.cache_size = -%d", CACHE_KIB);
}

void pk_proof_close(pk_proof *proof) {
  sqlite3_close(proof->db);
  proof->db = NULL;
}

/* ---- indexes ---- */

/* Runs what may take long, unless the deadline comes first. */
static int run_in_time(pk_proof *proof, bool *done, pk_error *error,
                       const char *sql) {
  pk_error cause = PK_NO_ERROR;
  proof->stops_when_late = true;
  int rc = pk_run(proof->db, &cause, "%s", sql);
  proof->stops_when_late = false;
  *done = rc == SQLITE_OK;
  if (rc == SQLITE_INTERRUPT && !pk_interrupted(proof->copy->original)) {
    pk_error_clear(&cause);
    return SQLITE_OK;
  }
  if (rc != SQLITE_OK) *error = cause;
  return rc;
}

/* Hosts with SQLITE_ENABLE_STAT4 keep samples of keys besides. */
static int has_samples(pk_proof *proof, sqlite3_int64 *has, pk_error *error) {
  return pk_query_int64(proof->db, has, error,
                        "SELECT count(*) FROM main.sqlite_schema "
                        "WHERE name = 'sqlite_stat4'");
}

static int keep_statistics(pk_proof *proof, pk_error *error) {
  sqlite3_int64 samples = 0;
  int rc = pk_run(proof->db, error,
                  "DROP TABLE IF EXISTS prodkit_aside.statistics_before");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "CREATE TABLE prodkit_aside.statistics_before AS "
                "SELECT tbl, idx, stat FROM main.sqlite_stat1");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "DROP TABLE IF EXISTS prodkit_aside.samples_before");
  if (rc == SQLITE_OK) rc = has_samples(proof, &samples, error);
  if (rc == SQLITE_OK && samples)
    rc = pk_run(proof->db, error,
                "CREATE TABLE prodkit_aside.samples_before AS "
                "SELECT * FROM main.sqlite_stat4");
  return rc;
}

int pk_proof_analyze(pk_proof *proof, const pk_copied_table *table, bool *done,
                     pk_error *error) {
  *done = false;
  int rc = keep_statistics(proof, error);
  if (rc != SQLITE_OK) return rc;
  char *sql = table ? sqlite3_mprintf("ANALYZE main.\"%w\"", table->name)
                    : sqlite3_mprintf("ANALYZE main");
  if (!sql) return pk_fail_memory(error);
  rc = run_in_time(proof, done, error, sql);
  sqlite3_free(sql);
  proof->analyzed = *done && !table;
  return rc;
}

int pk_proof_undo_analyze(pk_proof *proof, pk_error *error) {
  sqlite3_int64 samples = 0;
  int rc = pk_proof_forget_statistics(proof, error);
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "INSERT INTO main.sqlite_stat1 "
                "SELECT tbl, idx, stat FROM prodkit_aside.statistics_before");
  if (rc == SQLITE_OK) rc = has_samples(proof, &samples, error);
  if (rc == SQLITE_OK && samples)
    rc = pk_run(proof->db, error,
                "INSERT INTO main.sqlite_stat4 "
                "SELECT * FROM prodkit_aside.samples_before");
  if (rc == SQLITE_OK) rc = pk_proof_settle(proof, error);
  proof->analyzed = false;
  return rc;
}

static int used_bytes(pk_proof *proof, sqlite3_int64 *bytes, pk_error *error) {
  sqlite3_int64 pages = 0, unused = 0, size = 0;
  int rc = pk_query_int64(proof->db, &pages, error, "PRAGMA main.page_count");
  if (rc == SQLITE_OK)
    rc =
        pk_query_int64(proof->db, &unused, error, "PRAGMA main.freelist_count");
  if (rc == SQLITE_OK)
    rc = pk_query_int64(proof->db, &size, error, "PRAGMA main.page_size");
  *bytes = (pages - unused) * size;
  return rc;
}

int pk_proof_build(pk_proof *proof, pk_candidate *index, bool *built,
                   pk_error *error) {
  sqlite3_int64 before, after;
  *built = false;
  int rc = used_bytes(proof, &before, error);
  if (rc == SQLITE_OK) rc = run_in_time(proof, built, error, index->ddl);
  if (rc != SQLITE_OK || !*built) return rc;
  rc = used_bytes(proof, &after, error);
  if (rc == SQLITE_OK && (proof->analyzed || index->table->stat_rows >= 0))
    rc = pk_run(proof->db, error, "ANALYZE main.\"%w\"", index->name);
  if (rc != SQLITE_OK) return rc;
  index->bytes = after - before;
  if (pk_table_is_sampled(proof->copy, index->table))
    index->bytes *= proof->one_in;
  return rc;
}

static int move_index(pk_proof *proof, const char *name, const char *from,
                      const char *to, const char *statistics_from,
                      const char *statistics_to, pk_error *error) {
  static const char where[] = "WHERE type = 'index' AND name = %Q";
  char *which = sqlite3_mprintf(where, name);
  if (!which) return pk_fail_memory(error);
  int rc = pk_run(proof->db, error,
                  "INSERT INTO %s SELECT type, name, tbl_name, rootpage, sql "
                  "FROM %s %s",
                  to, from, which);
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error, "DELETE FROM %s %s", from, which);
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error,
                "INSERT INTO %s SELECT tbl, idx, stat FROM %s WHERE idx = %Q",
                statistics_to, statistics_from, name);
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error, "DELETE FROM %s WHERE idx = %Q",
                statistics_from, name);
  sqlite3_free(which);
  return rc;
}

static int move_in_schema(pk_proof *proof, const char *index, bool aside,
                          pk_error *error) {
  static const char schema[] = "main.sqlite_schema";
  static const char objects[] = "prodkit_aside.objects";
  static const char stat1[] = "main.sqlite_stat1";
  static const char statistics[] = "prodkit_aside.statistics";
  int rc = pk_run(proof->db, error, "PRAGMA writable_schema = ON");
  if (rc == SQLITE_OK)
    rc = aside ? move_index(proof, index, schema, objects, stat1, statistics,
                            error)
               : move_index(proof, index, objects, schema, statistics, stat1,
                            error);
  return rc;
}

int pk_proof_put_aside(pk_proof *proof, const char *index, pk_error *error) {
  return move_in_schema(proof, index, true, error);
}

int pk_proof_bring_back(pk_proof *proof, const char *index, pk_error *error) {
  return move_in_schema(proof, index, false, error);
}

int pk_proof_forget_statistics(pk_proof *proof, pk_error *error) {
  sqlite3_int64 samples = 0;
  int rc = pk_run(proof->db, error, "DELETE FROM main.sqlite_stat1");
  if (rc == SQLITE_OK) rc = has_samples(proof, &samples, error);
  if (rc == SQLITE_OK && samples)
    rc = pk_run(proof->db, error, "DELETE FROM main.sqlite_stat4");
  return rc;
}

/* After a change of a schema that is rolled back, SQLite reads all of them
** anew. PRAGMA writable_schema = RESET has it do so since 3.37 only. */
int pk_proof_settle(pk_proof *proof, pk_error *error) {
  int rc = pk_run(proof->db, error, "PRAGMA writable_schema = OFF");
  if (rc == SQLITE_OK) rc = pk_run(proof->db, error, "BEGIN");
  if (rc == SQLITE_OK)
    rc = pk_run(proof->db, error, "CREATE TABLE prodkit_aside.passing(x)");
  if (rc == SQLITE_OK) rc = pk_run(proof->db, error, "ROLLBACK");
  return rc;
}

/* ---- statements ---- */

int pk_proof_plan(pk_proof *proof, const char *sql, char **plan,
                  pk_error *error) {
  sqlite3_stmt *line;
  *plan = NULL;
  int rc = pk_prepare(proof->db, &line, error, "EXPLAIN QUERY PLAN %s", sql);
  if (rc != SQLITE_OK) return rc;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(text, 1, '\n');
  while ((rc = pk_step(line, error)) == SQLITE_ROW)
    sqlite3_str_appendf(text, "%s\n", sqlite3_column_text(line, 3));
  sqlite3_finalize(line);
  int finished = pk_finish_text(text, plan, error);
  if (rc == SQLITE_DONE && finished == SQLITE_OK) return SQLITE_OK;
  sqlite3_free(*plan);
  *plan = NULL;
  return error->code;
}

static sqlite3_int64 requested_pages(pk_proof *proof) {
  int hits = 0, misses = 0, highest;
  sqlite3_db_status(proof->db, SQLITE_DBSTATUS_CACHE_HIT, &hits, &highest, 1);
  sqlite3_db_status(proof->db, SQLITE_DBSTATUS_CACHE_MISS, &misses, &highest,
                    1);
  return (sqlite3_int64)hits + misses;
}

static int run_once(pk_proof *proof, sqlite3_stmt *statement,
                    double most_seconds, pk_timing *timing, pk_error *error) {
  int rc;
  requested_pages(proof);
  proof->stop_at = pk_thread_seconds() + most_seconds;
  double began = pk_thread_seconds();
  do rc = sqlite3_step(statement);
  while (rc == SQLITE_ROW);
  double ms = (pk_thread_seconds() - began) * 1e3;
  proof->stop_at = 0;
  if (timing->ms < 0 || ms < timing->ms) timing->ms = ms;
  timing->pages = requested_pages(proof);
  if (rc == SQLITE_INTERRUPT) {
    if (pk_interrupted(proof->copy->original))
      return pk_fail(error, rc, "interrupted");
    timing->stopped = true;
    rc = SQLITE_DONE;
  }
  if (rc != SQLITE_DONE) return pk_fail_db(error, proof->db, "cannot run");
  sqlite3_reset(statement);
  return SQLITE_OK;
}

int pk_proof_time(pk_proof *proof, const char *sql, const pk_samples *samples,
                  double most_seconds, pk_timing *timing, pk_error *error) {
  sqlite3_stmt *statement;
  *timing = (pk_timing){.ms = -1};
  int rc = pk_prepare(proof->db, &statement, error, "%s", sql);
  if (rc == SQLITE_OK && !sqlite3_stmt_readonly(statement))
    rc = pk_fail(error, SQLITE_READONLY, "a statement that writes is not run");
  if (rc == SQLITE_OK) rc = pk_samples_bind(samples, statement, error);
  for (int i = 0; rc == SQLITE_OK && i < MOST_RUNS && !timing->stopped &&
                  timing->ms * i <= QUICK_MS;
       i++)
    rc = run_once(proof, statement, most_seconds, timing, error);
  sqlite3_finalize(statement);
  return rc;
}
