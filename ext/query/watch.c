/* watch.c: see watch.h. */
#include "watch.h"

#include <pthread.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/sql.h"
#include "fingerprint.h"
#include "store.h"

/* Of the texts that a connection met last, the fingerprints are kept. */
#define TEXTS 512

/* So many executions wait in a connection before they go into the store. */
#define RECORDS 32

/* The table of statements begins with so many, and forgets those that are not
** running when it would outgrow the other. Powers of two. */
#define FEWEST_STATEMENTS 64
#define MOST_IDLE_STATEMENTS 1024

/* The counters of a statement that are read at its beginning and end. */
enum { STATUSES = 4 };
static const struct {
  int status;
  pk_counter counter;
} statuses[STATUSES] = {
    {SQLITE_STMTSTATUS_VM_STEP, PK_VM_STEPS},
    {SQLITE_STMTSTATUS_FULLSCAN_STEP, PK_FULLSCAN_STEPS},
    {SQLITE_STMTSTATUS_SORT, PK_SORTS},
    {SQLITE_STMTSTATUS_AUTOINDEX, PK_AUTOINDEX_ROWS},
};

/* A statement that runs, or one that ran and may do so again. */
typedef struct statement {
  sqlite3_stmt *handle; /* NULL: free. Of an idle one not to be followed */
  bool running;
  bool known; /* the fingerprint is that of its text */
  sqlite3_uint64 fingerprint;
  pk_place place;
  int reprepares; /* the counter's last value */
  /* Since it began: */
  sqlite3_int64 began; /* ns of the clock */
  sqlite3_int64 rows;
  int before[STATUSES];
  bool readonly;
  int changes; /* the connection's total; of a statement that writes */
} statement;

/* A text by its hash; 64 bits tell all texts of an application apart. */
typedef struct known_text {
  sqlite3_uint64 hash, fingerprint;
  pk_place place;
} known_text;

typedef struct watch {
  struct watch *next;
  sqlite3 *db;
  bool started;
  pk_database database;
  unsigned events;   /* that came, for the probe */
  bool counts_cache; /* the counters below have been read lately */
  int cache_hits, cache_misses;
  statement *statements; /* linear probing by handle */
  unsigned mask;
  unsigned used, running;
  known_text texts[TEXTS];
  pthread_mutex_t mutex; /* guards the records */
  pk_record records[RECORDS];
  int waiting;
} watch;

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static watch *watches;

/* ---- the table of statements ---- */

static statement *slot_of(const watch *on, const sqlite3_stmt *handle) {
  unsigned at =
      (unsigned)(((sqlite3_uint64)(size_t)handle * 0x9e3779b97f4a7c15u) >> 32);
  for (;; at++) {
    statement *slot = &on->statements[at & on->mask];
    if (!slot->handle || slot->handle == handle) return slot;
  }
}

static bool set_size(watch *on, unsigned size, bool keep_idle) {
  statement *old = on->statements;
  unsigned old_size = old ? on->mask + 1 : 0;
  statement *statements =
      sqlite3_malloc64((sqlite3_uint64)size * sizeof *statements);
  if (!statements) return false;
  memset(statements, 0, size * sizeof *statements);
  on->statements = statements;
  on->mask = size - 1;
  on->used = 0;
  for (unsigned i = 0; i < old_size; i++) {
    if (!old[i].handle || (!old[i].running && !keep_idle)) continue;
    *slot_of(on, old[i].handle) = old[i];
    on->used++;
  }
  sqlite3_free(old);
  return true;
}

/* Is there a free slot, with enough others to keep the probing short? */
static bool has_room(watch *on) {
  unsigned size = on->mask + 1;
  if (on->used < size / 2) return true;
  bool grow = size < MOST_IDLE_STATEMENTS || on->running > size / 4;
  if (set_size(on, grow ? 2 * size : size, grow)) return true;
  return on->used < size - 1;
}

static statement *enter(watch *on, sqlite3_stmt *handle) {
  statement *one = slot_of(on, handle);
  if (one->handle) return one;
  if (!has_room(on)) return NULL;
  one = slot_of(on, handle);
  *one = (statement){.handle = handle,
                     .reprepares = sqlite3_stmt_status(
                         handle, SQLITE_STMTSTATUS_REPREPARE, 0)};
  on->used++;
  return one;
}

/* ---- the way into the store ---- */

static known_text *text_of(watch *on, const char *sql) {
  char none[1];
  sqlite3_uint64 hash = pk_store_hash(sql);
  known_text *text = &on->texts[hash % TEXTS];
  if (text->hash != hash)
    *text = (known_text){.hash = hash,
                         .fingerprint = pk_fingerprint(sql, none, sizeof none)};
  return text;
}

static void flush(watch *on) {
  pthread_mutex_lock(&on->mutex);
  pk_store_add_records(&on->database, on->records, on->waiting);
  on->waiting = 0;
  pthread_mutex_unlock(&on->mutex);
}

static void wait_for_others(watch *on, const statement *one,
                            const pk_execution *run) {
  pthread_mutex_lock(&on->mutex);
  on->records[on->waiting++] = (pk_record){
      .fingerprint = one->fingerprint, .place = one->place, .run = *run};
  bool full = on->waiting == RECORDS;
  pthread_mutex_unlock(&on->mutex);
  if (full) flush(on);
}

static void keep_run(watch *on, statement *one, const pk_execution *run) {
  const char *sql = sqlite3_sql(one->handle);
  known_text *text = NULL;
  if (!one->known) {
    text = text_of(on, sql);
    one->fingerprint = text->fingerprint;
    one->place = text->place;
    one->known = true;
  }
  if (!pk_store_needs_text(&one->place, run)) {
    wait_for_others(on, one, run);
    return;
  }
  flush(on);
  pk_store_add(&on->database, sql, one->fingerprint, run, &one->place);
  if (text) text->place = one->place;
}

/* ---- an execution ---- */

/* A handle that is new can have the address of one that is gone; it has no run
** behind it then. */
static void begin(watch *on, sqlite3_stmt *handle) {
  statement *one = enter(on, handle);
  if (!one) return;
  if (sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_RUN, 0) == 0) {
    one->known = false;
    one->reprepares = 0;
  }
  if (!one->running) on->running++;
  one->running = true;
  one->rows = 0;
  one->readonly = sqlite3_stmt_readonly(handle);
  if (!one->readonly) one->changes = sqlite3_total_changes(on->db);
  for (int i = 0; i < STATUSES; i++)
    one->before[i] = sqlite3_stmt_status(handle, statuses[i].status, 0);
  one->began = pk_nanoseconds();
}

static void count_row(watch *on, sqlite3_stmt *handle) {
  statement *one = slot_of(on, handle);
  if (one->handle) one->rows++;
}

/* How far a counter went. It wraps around at 32 bits, and is back at 0 where
** the application has reset it. */
static sqlite3_int64 gone(int before, int now) {
  return now == 0 ? 0 : (sqlite3_int64)((unsigned)now - (unsigned)before);
}

static sqlite3_int64 rows_of(const watch *on, const statement *one) {
  if (one->readonly || one->rows > 0) return one->rows;
  bool changed = sqlite3_total_changes(on->db) != one->changes;
  return changed ? sqlite3_changes(on->db) : 0;
}

static sqlite3_int64 cache_gone(sqlite3 *db, int status, int *last) {
  int now = 0, highest, before = *last;
  if (sqlite3_db_status(db, status, &now, &highest, 0) != SQLITE_OK) return 0;
  *last = now;
  return gone(before, now);
}

/* Costs about as much as one reading of the clock, so only where it is asked
** for. The first reading begins the count. */
static void count_cache(watch *on, sqlite3_int64 *counters) {
  bool wanted = pk_store_wants_page_cache(), begun = on->counts_cache;
  on->counts_cache = wanted;
  if (!wanted) return;
  sqlite3_int64 hits =
      cache_gone(on->db, SQLITE_DBSTATUS_CACHE_HIT, &on->cache_hits);
  sqlite3_int64 misses =
      cache_gone(on->db, SQLITE_DBSTATUS_CACHE_MISS, &on->cache_misses);
  if (!begun) return;
  counters[PK_CACHE_HITS] = hits;
  counters[PK_CACHE_MISSES] = misses;
}

static pk_execution measure(watch *on, const statement *one,
                            sqlite3_int64 ended) {
  sqlite3_stmt *handle = one->handle;
  pk_execution run = {.at = pk_utc_seconds(),
                      .nanoseconds = ended - one->began,
                      .readonly = one->readonly};
  for (int i = 0; i < STATUSES; i++) {
    int now = sqlite3_stmt_status(handle, statuses[i].status, 0);
    run.counters[statuses[i].counter] = gone(one->before[i], now);
  }
  int reprepares = sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_REPREPARE, 0);
  run.counters[PK_REPREPARES] = gone(one->reprepares, reprepares);
  run.counters[PK_ROWS] = rows_of(on, one);
  count_cache(on, run.counters);
  return run;
}

static void end(watch *on, sqlite3_stmt *handle) {
  statement *one = slot_of(on, handle);
  if (!one->handle || !one->running) return;
  sqlite3_int64 ended = pk_nanoseconds();
  pk_execution run = measure(on, one, ended);
  one->running = false;
  on->running--;
  one->reprepares += (int)run.counters[PK_REPREPARES];
  keep_run(on, one, &run);
}

static int traced(unsigned event, void *context, void *handle, void *text) {
  watch *on = context;
  on->events++;
  switch (event) {
    case SQLITE_TRACE_STMT:
      if (text == sqlite3_sql(handle)) begin(on, handle);
      break;
    case SQLITE_TRACE_ROW:
      count_row(on, handle);
      break;
    case SQLITE_TRACE_PROFILE:
      end(on, handle);
      break;
  }
  return 0;
}

/* ---- the connections ---- */

static watch *watch_of(sqlite3 *db) {
  pthread_mutex_lock(&list_mutex);
  watch *on = watches;
  while (on && on->db != db) on = on->next;
  pthread_mutex_unlock(&list_mutex);
  return on;
}

int pk_watch_connections(void) {
  int connections = 0;
  pthread_mutex_lock(&list_mutex);
  for (const watch *on = watches; on; on = on->next) connections += on->started;
  pthread_mutex_unlock(&list_mutex);
  return connections;
}

void pk_watch_flush(void) {
  pthread_mutex_lock(&list_mutex);
  for (watch *on = watches; on; on = on->next) flush(on);
  pthread_mutex_unlock(&list_mutex);
}

static void set_started(watch *on, bool started) {
  pthread_mutex_lock(&list_mutex);
  on->started = started;
  pthread_mutex_unlock(&list_mutex);
}

static void free_watch(watch *on) {
  pthread_mutex_destroy(&on->mutex);
  sqlite3_free(on->database.file);
  sqlite3_free(on->statements);
  sqlite3_free(on);
}

/* The connection has been closed. */
static void forget_connection(void *context) {
  watch *gone_one = context;
  pthread_mutex_lock(&list_mutex);
  watch **link = &watches;
  while (*link && *link != gone_one) link = &(*link)->next;
  if (*link) *link = gone_one->next;
  pthread_mutex_unlock(&list_mutex);
  flush(gone_one);
  free_watch(gone_one);
}

static void no_answer(sqlite3_context *context, int argc,
                      sqlite3_value **argv) {
  (void)context, (void)argc, (void)argv;
}

static watch *new_watch(sqlite3 *db) {
  const char *file = pk_watch_file(db);
  watch *on = sqlite3_malloc(sizeof *on);
  if (!on) return NULL;
  *on = (watch){.db = db,
                .database = {.file = sqlite3_mprintf("%s", file),
                             .hash = pk_store_hash(file)}};
  pthread_mutex_init(&on->mutex, NULL);
  if (on->database.file && set_size(on, FEWEST_STATEMENTS, false)) return on;
  free_watch(on);
  return NULL;
}

/* Until the connection closes. SQLite calls the destructor also where it cannot
** register the function. */
static int keep(watch *on, pk_error *error) {
  sqlite3 *db = on->db;
  int rc = sqlite3_create_function_v2(db, "prod_stats_connection", 0,
                                      SQLITE_UTF8 | SQLITE_DIRECTONLY, on,
                                      no_answer, NULL, NULL, forget_connection);
  if (rc != SQLITE_OK)
    return pk_fail_db(error, db, "cannot watch this connection");
  pthread_mutex_lock(&list_mutex);
  on->next = watches;
  watches = on;
  pthread_mutex_unlock(&list_mutex);
  return SQLITE_OK;
}

/* ---- starting and stopping ---- */

const char *pk_watch_file(sqlite3 *db) {
  const char *file = sqlite3_db_filename(db, "main");
  return file ? file : "";
}

/* Nothing runs, as far as we know, and no address of before is to be
** trusted. */
static void begin_anew(watch *on) {
  sqlite3_int64 none[PK_COUNTERS];
  memset(on->statements, 0, ((size_t)on->mask + 1) * sizeof *on->statements);
  on->used = on->running = 0;
  on->counts_cache = false;
  count_cache(on, none);
}

int pk_watch_start(sqlite3 *db, pk_error *error) {
  const unsigned events =
      SQLITE_TRACE_STMT | SQLITE_TRACE_ROW | SQLITE_TRACE_PROFILE;
  /* NULL on a host that was built without tracing. */
  int (*trace)(sqlite3 *, unsigned, int (*)(unsigned, void *, void *, void *),
               void *) = sqlite3_trace_v2;
  if (!trace)
    return pk_fail(error, SQLITE_ERROR,
                   "this host's SQLite %s was built without tracing "
                   "(SQLITE_OMIT_TRACE); prod_statements works without",
                   sqlite3_libversion());
  pk_hook hook;
  int rc = pk_watch_probe(db, &hook, error);
  if (rc != SQLITE_OK || hook == PK_HOOK_ON) return rc;
  watch *on = watch_of(db);
  if (!on) {
    on = new_watch(db);
    if (!on) return pk_fail_memory(error);
    rc = keep(on, error);
    if (rc != SQLITE_OK) return rc;
  }
  begin_anew(on);
  trace(db, events, traced, on);
  set_started(on, true);
  return SQLITE_OK;
}

int pk_watch_stop(sqlite3 *db, pk_hook *hook, pk_error *error) {
  int rc = pk_watch_probe(db, hook, error);
  if (rc != SQLITE_OK || *hook == PK_HOOK_OFF) return rc;
  if (*hook == PK_HOOK_ON) sqlite3_trace_v2(db, 0, NULL, NULL);
  set_started(watch_of(db), false);
  return SQLITE_OK;
}

int pk_watch_probe(sqlite3 *db, pk_hook *hook, pk_error *error) {
  const watch *on = watch_of(db);
  *hook = PK_HOOK_OFF;
  if (!on || !on->started) return SQLITE_OK;
  unsigned before = on->events;
  int rc = pk_run(db, error, "SELECT 'is the trace hook ours?'");
  *hook = on->events == before ? PK_HOOK_LOST : PK_HOOK_ON;
  return rc;
}
