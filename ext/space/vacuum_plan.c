/*
** vacuum_plan.c: does a full VACUUM pay, and what does it need?
**
**     SELECT * FROM prod_vacuum_plan;
**
**     ATTACH 'archive.db' AS archive;
**     SELECT recommendation, reason, fix FROM prod_vacuum_plan('archive');
**
** The table amounts to
**
**     CREATE TABLE prod_vacuum_plan(
**       schema_name TEXT,
**       recommendation TEXT,      vacuum, incremental_vacuum, none, or no_space
**       reason TEXT,
**       fix TEXT,                 the SQL to run; or NULL
**       database_bytes INTEGER,   pages times page size
**       free_bytes INTEGER,       of these, on the freelist
**       reclaimable_bytes INTEGER, what a VACUUM would give back, an estimate
**       reclaimable_ratio REAL,   of database_bytes, 0 to 1
**       folder_needed_bytes INTEGER, beside the database, while it runs
**       folder_free_bytes INTEGER,
**       temp_needed_bytes INTEGER,  for the new copy, where temporary files go
**       temp_in_memory INTEGER,   1: temp_store has it in memory instead
**       read_bytes_per_second REAL, as measured now
**       least_seconds REAL,       how long a VACUUM takes at least
**       schema TEXT HIDDEN);      main (default) or an attached database
**
** with one row.
**
** How it works: what can be given back is the sum that prod_fragmentation
** estimates from a sample. VACUUM writes a copy of that size as a temporary
** file, then all of its pages back: in WAL mode into the log, which grows by
** the same size; otherwise the journal takes the database as it was
** (lang_vacuum.html: "as much as twice the size of the original"). The speed is
** that of some MB read from all over the file, for a quarter of a second at
** most. least_seconds is the time to move so many bytes at that speed: the
** database once, the copy twice. Sorting, writing and syncing add to it.
**
** A VACUUM pays, here, from a tenth of the file and 1 MiB on. Where free pages
** are nine tenths of that and auto_vacuum is incremental, prod_maintain gives
** them back without keeping anybody out.
**
** Locking: that of prod_fragmentation; nothing is written. A VACUUM itself
** keeps writers out from its beginning to its end.
**
** Limits: disk quotas are not seen. A file that is in memory is read faster
** than from the disk. The temporary folder's own free space is not looked at:
** SQLite does not tell which folder it is.
*/
#include <string.h>

#include "../base/feature.h"
#include "../base/folder.h"
#include "../base/sql.h"
#include "../format/prefetch.h"

#define LEAST_RATIO 0.10
#define LEAST_BYTES (1 << 20)
#define MOSTLY_FREE 0.90
enum { INCREMENTAL = 2, IN_MEMORY = 2 };

struct plan {
  const char *schema, *file;
  char *journal_mode;
  sqlite3_int64 page_count, page_size, free_pages, auto_vacuum, temp_store;
  sqlite3_int64 reclaimable, folder_free;
  double speed;
};

static sqlite3_int64 database_bytes(const struct plan *plan) {
  return plan->page_count * plan->page_size;
}

static sqlite3_int64 copy_bytes(const struct plan *plan) {
  return database_bytes(plan) - plan->reclaimable;
}

static sqlite3_int64 folder_needed(const struct plan *plan) {
  bool wal = plan->journal_mode && strcmp(plan->journal_mode, "wal") == 0;
  return wal ? copy_bytes(plan) : database_bytes(plan);
}

/* ---- what is there ---- */

static int ask(sqlite3 *db, const struct plan *plan, const char *pragma,
               sqlite3_int64 *value, pk_error *error) {
  return pk_query_int64(db, value, error, "PRAGMA \"%w\".%s", plan->schema,
                        pragma);
}

static int ask_pragmas(sqlite3 *db, struct plan *plan, pk_error *error) {
  int rc = ask(db, plan, "page_count", &plan->page_count, error);
  if (rc == SQLITE_OK) rc = ask(db, plan, "page_size", &plan->page_size, error);
  if (rc == SQLITE_OK)
    rc = ask(db, plan, "freelist_count", &plan->free_pages, error);
  if (rc == SQLITE_OK)
    rc = ask(db, plan, "auto_vacuum", &plan->auto_vacuum, error);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &plan->temp_store, error, "PRAGMA temp_store");
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &plan->journal_mode, error,
                       "PRAGMA \"%w\".journal_mode", plan->schema);
  return rc;
}

static int measure(sqlite3 *db, struct plan *plan, pk_error *error) {
  char *folder = pk_folder_of(plan->file);
  if (!folder) return pk_fail_memory(error);
  plan->folder_free = pk_folder_free_bytes(folder);
  sqlite3_free(folder);
  int rc = pk_read_speed(db, plan->schema, &plan->speed, error);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &plan->reclaimable, error,
                        "SELECT sum(reclaimable_bytes) "
                        "FROM prod_fragmentation(%Q, 'sample')",
                        plan->schema);
  return rc;
}

/* ---- what to make of it ---- */

enum advice { VACUUM_IT, LET_MAINTAIN, LEAVE_IT, MAKE_ROOM };

static const char *const advice_names[] = {"vacuum", "incremental_vacuum",
                                           "none", "no_space"};

static double reclaimable_ratio(const struct plan *plan) {
  sqlite3_int64 bytes = database_bytes(plan);
  return bytes > 0 ? (double)plan->reclaimable / (double)bytes : 0;
}

static enum advice advise(const struct plan *plan) {
  double free_bytes = (double)(plan->free_pages * plan->page_size);
  if (!*plan->file || plan->reclaimable < LEAST_BYTES ||
      reclaimable_ratio(plan) < LEAST_RATIO)
    return LEAVE_IT;
  if (plan->auto_vacuum == INCREMENTAL &&
      free_bytes >= MOSTLY_FREE * (double)plan->reclaimable)
    return LET_MAINTAIN;
  if (plan->folder_free >= 0 && plan->folder_free < folder_needed(plan))
    return MAKE_ROOM;
  return VACUUM_IT;
}

static void put_reason(pk_rows *rows, const struct plan *plan,
                       enum advice advice) {
  double percent = 100 * reclaimable_ratio(plan);
  if (!*plan->file)
    pk_row_text(rows, "an in-memory or temporary database has no file");
  else if (advice == LEAVE_IT)
    pk_row_format(rows,
                  "it would give back %lld bytes, %.1f %% of the database: "
                  "under 10 %% or 1 MiB it does not pay",
                  plan->reclaimable, percent);
  else if (advice == LET_MAINTAIN)
    pk_row_format(rows,
                  "%lld bytes, %.1f %% of the database, are nearly all free "
                  "pages, which auto_vacuum lets go in small steps",
                  plan->reclaimable, percent);
  else if (advice == MAKE_ROOM)
    pk_row_format(rows,
                  "it would give back %lld bytes, %.1f %% of the database, but "
                  "needs %lld bytes beside it, where %lld are free",
                  plan->reclaimable, percent, folder_needed(plan),
                  plan->folder_free);
  else
    pk_row_format(rows,
                  "it would give back %lld bytes, %.1f %% of the database; "
                  "writers wait until it is over%s",
                  plan->reclaimable, percent,
                  plan->temp_store == IN_MEMORY
                      ? ", and temp_store would have the whole copy in memory: "
                        "set it to file first"
                      : "");
}

static void put_fix(pk_rows *rows, const struct plan *plan,
                    enum advice advice) {
  if (advice == LET_MAINTAIN && sqlite3_stricmp(plan->schema, "main") == 0)
    pk_row_text(rows, "SELECT prod_maintain()");
  else if (advice == LET_MAINTAIN)
    pk_row_format(rows, "PRAGMA \"%w\".incremental_vacuum", plan->schema);
  else if (advice == VACUUM_IT)
    pk_row_format(
        rows, "%sVACUUM \"%w\"",
        plan->temp_store == IN_MEMORY ? "PRAGMA temp_store = file; " : "",
        plan->schema);
  else
    pk_row_null(rows);
}

static void number_or_null(pk_rows *rows, bool known, sqlite3_int64 number) {
  if (known)
    pk_row_int64(rows, number);
  else
    pk_row_null(rows);
}

static void put_times(pk_rows *rows, const struct plan *plan) {
  if (plan->speed <= 0) {
    pk_row_null(rows);
    pk_row_null(rows);
    return;
  }
  double moved = (double)(database_bytes(plan) + 2 * copy_bytes(plan));
  pk_row_double(rows, plan->speed);
  pk_row_double(rows, moved / plan->speed);
}

static void put_plan(pk_rows *rows, const struct plan *plan) {
  bool file = *plan->file != 0;
  enum advice advice = advise(plan);
  pk_row(rows);
  pk_row_text(rows, plan->schema);
  pk_row_text(rows, advice_names[advice]);
  put_reason(rows, plan, advice);
  put_fix(rows, plan, advice);
  pk_row_int64(rows, database_bytes(plan));
  pk_row_int64(rows, plan->free_pages * plan->page_size);
  number_or_null(rows, file, plan->reclaimable);
  if (file)
    pk_row_double(rows, reclaimable_ratio(plan));
  else
    pk_row_null(rows);
  number_or_null(rows, file, folder_needed(plan));
  number_or_null(rows, file && plan->folder_free >= 0, plan->folder_free);
  number_or_null(rows, file, copy_bytes(plan));
  pk_row_int64(rows, plan->temp_store == IN_MEMORY);
  put_times(rows, plan);
}

static int show_plan(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                     pk_error *error) {
  struct plan plan = {.schema = "main"};
  int rc = pk_optional_text(arguments[0], "schema", &plan.schema, error);
  if (rc == SQLITE_OK) rc = pk_schema_file(db, plan.schema, &plan.file, error);
  if (rc == SQLITE_OK) rc = ask_pragmas(db, &plan, error);
  if (rc == SQLITE_OK && *plan.file) rc = measure(db, &plan, error);
  if (rc == SQLITE_OK) put_plan(rows, &plan);
  sqlite3_free(plan.journal_mode);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_vacuum_plan",
     .columns = "schema_name TEXT, recommendation TEXT, reason TEXT, fix TEXT, "
                "database_bytes INTEGER, free_bytes INTEGER, "
                "reclaimable_bytes INTEGER, reclaimable_ratio REAL, "
                "folder_needed_bytes INTEGER, folder_free_bytes INTEGER, "
                "temp_needed_bytes INTEGER, temp_in_memory INTEGER, "
                "read_bytes_per_second REAL, least_seconds REAL",
     .arguments = "schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "whether a full VACUUM pays, and the disk and time it needs, "
                "measured on this file",
     .produce = show_plan},
    {0}};

const pk_feature pk_vacuum_plan = {.name = "vacuum_plan", .tables = tables};
