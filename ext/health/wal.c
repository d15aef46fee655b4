/*
** wal.c: the write-ahead log, who holds it back, and checkpoints.
**
**     SELECT * FROM prod_wal;
**     SELECT schema_name, wal_bytes, pinned FROM prod_wal WHERE pinned;
**     SELECT prod_checkpoint();
**     SELECT prod_checkpoint('truncate', '{"max_wait_ms":2000}');
**
** prod_wal amounts to
**
**     CREATE TABLE prod_wal(
**       schema_name TEXT,       main, or an attached database
**       journal_mode TEXT,
**       wal_bytes INTEGER,      size of the -wal file
**       frames INTEGER,         page images in the log since it last began anew
**       backfilled_frames INTEGER, of these, copied back into the database
**       page_size INTEGER,      bytes
**       autocheckpoint INTEGER, frames after which a commit checkpoints
**       journal_size_limit INTEGER, bytes the -wal is cut to; -1: no limit
**       pinned INTEGER,         1: readers hold back a checkpoint
**       held_back_frames INTEGER,  so many frames cannot be copied back now
**       reader_marks TEXT,      the last frames that those see: "0, 12"
**       last_commit_pages INTEGER, size of the database after the last commit
**       salts TEXT,             of the log since it last began anew, in hex
**       note TEXT,              why a figure is not known; or NULL
**       schema TEXT HIDDEN);    one schema only, in whatever mode it is
**
** with a row for each schema in WAL mode. Where the parameter names a schema it
** has that row, and note says if there is no log.
**
** prod_checkpoint([mode [, options]]) runs a checkpoint, mode passive
** (default), full, restart or truncate, and answers
**
**     {"schema":"main", "mode":"passive", "busy":false, "log_frames":12,
**      "checkpointed_frames":12, "wal_bytes_before":49472,
**      "wal_bytes_after":49472, "pinned":false, "seconds":0.004,
**      "message":null}
**
** busy is what SQLite answers: others kept the mode from being carried out in
** full. A passive one that leaves frames to readers is not busy, but pinned.
** The frames are null where SQLite gives none; after truncate they are 0.
**
** How it works: the figures are those of the wal-index, the shared memory by
** which connections agree on the log; nothing is written and no checkpoint is
** made (see format/wal.h for what is read, and how a read mark is known to be
** held).
**
** Locking of prod_wal: a read transaction of SQLite's on main while the
** statement runs, as for every table, and one on each schema that is looked at;
** none after. They count as readers: a commit that comes in between is held
** back by them for that moment. Of prod_checkpoint: as PRAGMA wal_checkpoint.
** The modes after passive keep writers out while they work. While SQLite's busy
** timeout waits for readers it would keep them out, too, so the connection's
** own is put aside and set again before the function returns; max_wait_ms is
** waited between tries, when nobody is kept out. A busy handler of the
** application's own can neither be seen nor put aside, and is called by SQLite
** in each try.
**
** Cost: prod_wal three pragmas and a page of memory a schema, whatever the size
** of the log. A checkpoint writes the frames that it copies, and syncs.
**
** Limits: a checkpoint cannot run inside a transaction of its own connection,
** and a statement with a FROM has one. Readers behind the last commit are seen,
** but not how many, nor who. Where all frames are copied back
** (backfilled_frames = frames) and the log still grows, readers overlap so that
** it can never begin anew, although none holds back a checkpoint.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/json.h"
#include "../base/sql.h"
#include "../format/wal.h"

/* Looks at a header that a writer is changing, for microseconds. */
#define MOST_GLANCES 100

static int read_header(const pk_wal *wal, pk_wal_header *header) {
  int rc = SQLITE_BUSY;
  for (int i = 0; rc == SQLITE_BUSY && i < MOST_GLANCES; i++)
    rc = pk_wal_header_read(wal, header);
  return rc;
}

/* What one look at a log shows. */
struct look {
  const char *unread; /* why the header is not known; NULL if it is */
  const char *blind;  /* why the readers are not */
  pk_wal_header header;
  pk_wal_readers readers;
};

/* Finds the log first. Without one, wal->log is NULL and nothing is known. */
static int look_at(struct look *look, pk_wal *wal, sqlite3 *db,
                   const char *schema, pk_error *error) {
  *look = (struct look){0};
  int rc = pk_wal_find(wal, db, schema, &look->unread, error);
  if (rc != SQLITE_OK) return rc;
  if (!wal->log && !look->unread) look->unread = "not in WAL mode";
  if (!look->unread && read_header(wal, &look->header) != SQLITE_OK)
    look->unread = "the WAL index could not be read";
  if (look->unread)
    look->blind = look->unread;
  else if (pk_wal_readers_find(wal, &look->header, &look->readers) != SQLITE_OK)
    look->blind =
        "this connection may not lock the WAL index, and cannot see "
        "its readers";
  return SQLITE_OK;
}

/* ---- the table ---- */

struct log_facts {
  const char *schema;
  char *journal_mode; /* from sqlite3_malloc */
  sqlite3_int64 wal_bytes, page_size, autocheckpoint, size_limit;
  pk_wal wal;
  struct look look;
};

static int gather(struct log_facts *facts, sqlite3 *db, pk_error *error) {
  const char *schema = facts->schema;
  int rc = look_at(&facts->look, &facts->wal, db, schema, error);
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &facts->journal_mode, error,
                       "PRAGMA \"%w\".journal_mode", schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &facts->page_size, error, "PRAGMA \"%w\".page_size",
                        schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &facts->autocheckpoint, error,
                        "PRAGMA wal_autocheckpoint");
  if (rc == SQLITE_OK)
    rc = pk_query_int64(db, &facts->size_limit, error,
                        "PRAGMA \"%w\".journal_size_limit", schema);
  if (rc == SQLITE_OK && facts->wal.log)
    facts->wal_bytes = pk_wal_bytes(&facts->wal);
  return rc;
}

/* A figure, or NULL where it is not known. */
static void put(pk_rows *rows, bool known, sqlite3_int64 figure) {
  if (known)
    pk_row_int64(rows, figure);
  else
    pk_row_null(rows);
}

static void put_readers(pk_rows *rows, const struct look *look) {
  char marks[PK_WAL_READ_MARKS * sizeof "4294967295, "] = "";
  bool known = !look->blind;
  for (int i = 0; i < PK_WAL_READ_MARKS; i++) {
    if (!(look->readers.marks & 1u << i)) continue;
    int used = (int)strlen(marks);
    sqlite3_snprintf((int)sizeof marks - used, marks + used, "%s%u",
                     used ? ", " : "", look->header.read_mark[i]);
  }
  put(rows, known, look->readers.marks != 0);
  put(rows, known, look->readers.held_back);
  pk_row_text(rows, known ? marks : NULL);
}

static void put_salts(pk_rows *rows, const unsigned char salt[8]) {
  char text[2 * 8 + 1];
  for (int i = 0; i < 8; i++)
    sqlite3_snprintf(3, text + 2 * i, "%02x", salt[i]);
  pk_row_text(rows, text);
}

static void put_log(pk_rows *rows, const struct log_facts *facts) {
  const struct look *look = &facts->look;
  const pk_wal_header *header = &look->header;
  bool known = !look->unread, has_log = facts->wal.log != NULL;
  bool has_frames = known && header->last_frame > 0;
  pk_row(rows);
  pk_row_text(rows, facts->schema);
  pk_row_text(rows, facts->journal_mode);
  put(rows, has_log, facts->wal_bytes);
  put(rows, known, header->last_frame);
  put(rows, known, header->backfilled);
  pk_row_int64(rows, facts->page_size);
  put(rows, has_log, facts->autocheckpoint);
  put(rows, has_log, facts->size_limit);
  put_readers(rows, look);
  put(rows, has_frames, header->page_count);
  if (has_frames)
    put_salts(rows, header->salt);
  else
    pk_row_null(rows);
  pk_row_text(rows, look->blind);
}

/* A schema that cannot be read. */
static void put_trouble(pk_rows *rows, const char *schema,
                        const pk_error *trouble) {
  enum { COLUMNS_BETWEEN = 12 };
  pk_row(rows);
  pk_row_text(rows, schema);
  for (int i = 0; i < COLUMNS_BETWEEN; i++) pk_row_null(rows);
  pk_row_text(rows, trouble->message);
}

/* `listed`: the schema was not asked for by name, and has a row only if it is
** in WAL mode or cannot be read. */
static int add_schema(pk_rows *rows, sqlite3 *db, const char *schema,
                      bool listed, pk_error *error) {
  struct log_facts facts = {.schema = schema};
  pk_error trouble = PK_NO_ERROR;
  int rc = gather(&facts, db, &trouble);
  if (pk_ends_the_call(rc)) {
    *error = trouble;
  } else {
    if (rc != SQLITE_OK)
      put_trouble(rows, schema, &trouble);
    else if (facts.wal.log || !listed)
      put_log(rows, &facts);
    pk_error_clear(&trouble);
    rc = SQLITE_OK;
  }
  sqlite3_free(facts.journal_mode);
  return rc;
}

static int add_every_schema(pk_rows *rows, sqlite3 *db, pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(db, &list, error, "PRAGMA database_list");
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(list, 1);
    rc = name ? add_schema(rows, db, name, true, error) : pk_fail_memory(error);
  }
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int show_logs(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                     pk_error *error) {
  const char *schema = NULL, *file;
  int rc = pk_optional_text(arguments[0], "schema", &schema, error);
  if (rc != SQLITE_OK) return rc;
  if (!schema) return add_every_schema(rows, db, error);
  rc = pk_schema_file(db, schema, &file, error);
  return rc == SQLITE_OK ? add_schema(rows, db, schema, false, error) : rc;
}

/* ---- the checkpoint ---- */

#define MODES "passive full restart truncate"
enum { PAUSE_MILLISECONDS = 5, MOST_WAIT_MS = 3600 * 1000 };

static const char *const mode_names[] = {"passive", "full", "restart",
                                         "truncate"};

struct checkpoint_options {
  sqlite3_int64 max_wait_ms;
  char *schema;
};

static const pk_option options[] = {
    {"max_wait_ms", PK_INTEGER,
     offsetof(struct checkpoint_options, max_wait_ms), 0, MOST_WAIT_MS,
     .summary = "try again for so long until the mode is carried out in full, "
                "milliseconds (0: one try)"},
    {"schema", PK_TEXT, offsetof(struct checkpoint_options, schema),
     .summary = "the attached database (main)"},
    {0}};

struct checkpoint {
  sqlite3 *db;
  const char *schema;
  int mode; /* SQLITE_CHECKPOINT_PASSIVE and on: in the order of MODES */
  struct checkpoint_options options;
  pk_wal wal;
  sqlite3_int64 bytes_before, bytes_after;
  bool busy;
  int log_frames, copied_frames; /* -1: SQLite does not tell */
  struct look look;              /* after it, or before where there is no log */
  double seconds;
};

/* Reading ends on every schema when the connection's last statement does, so a
** statement that reads another database is in the way, too. */
static int check_no_transaction(const struct checkpoint *run, pk_error *error) {
  if (!sqlite3_get_autocommit(run->db))
    return pk_fail(error, SQLITE_LOCKED,
                   "a transaction is open on this connection, and would be "
                   "waited for: COMMIT or ROLLBACK first");
  if (sqlite3_txn_state(run->db, NULL) != SQLITE_TXN_NONE)
    return pk_fail(error, SQLITE_LOCKED,
                   "a statement of this connection is reading: call it in a "
                   "SELECT without FROM, when no other statement is active");
  return SQLITE_OK;
}

/* All frames are in the database, and the mode got what it waits for. */
static bool is_complete(const struct checkpoint *run) {
  return !run->busy && run->copied_frames == run->log_frames;
}

static int try_checkpoint(struct checkpoint *run, pk_error *error) {
  int rc = sqlite3_wal_checkpoint_v2(run->db, run->schema, run->mode,
                                     &run->log_frames, &run->copied_frames);
  run->busy = (rc & 0xff) == SQLITE_BUSY;
  if (rc == SQLITE_OK || run->busy) return SQLITE_OK;
  return pk_fail_db(error, run->db, "cannot checkpoint the database \"%s\"",
                    run->schema);
}

static int try_until_complete(struct checkpoint *run, pk_error *error) {
  double give_up = pk_seconds() + (double)run->options.max_wait_ms / 1e3;
  int rc = try_checkpoint(run, error);
  while (rc == SQLITE_OK && !is_complete(run) && pk_seconds() < give_up) {
    pk_pause(PAUSE_MILLISECONDS);
    if (pk_interrupted(run->db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    rc = try_checkpoint(run, error);
  }
  return rc;
}

/* SQLite says a timeout over 0 only where its own busy handler is in place, and
** so setting it again is to have everything as before. */
static int without_busy_timeout(struct checkpoint *run, pk_error *error) {
  sqlite3_int64 timeout = 0;
  int rc = pk_query_int64(run->db, &timeout, error, "PRAGMA busy_timeout");
  if (rc != SQLITE_OK) return rc;
  if (timeout > 0) sqlite3_busy_timeout(run->db, 0);
  rc = try_until_complete(run, error);
  if (timeout > 0) sqlite3_busy_timeout(run->db, (int)timeout);
  return rc;
}

static int run_checkpoint(struct checkpoint *run, pk_error *error) {
  const char *file;
  double began = pk_seconds();
  run->log_frames = run->copied_frames = -1;
  int rc = pk_schema_file(run->db, run->schema, &file, error);
  if (rc == SQLITE_OK) rc = check_no_transaction(run, error);
  if (rc == SQLITE_OK)
    rc = look_at(&run->look, &run->wal, run->db, run->schema, error);
  if (rc != SQLITE_OK || !run->wal.log) return rc;
  if (sqlite3_db_readonly(run->db, run->schema) == 1)
    return pk_fail(error, SQLITE_READONLY,
                   "the database \"%s\" is read-only on this connection",
                   run->schema);
  run->bytes_before = pk_wal_bytes(&run->wal);
  rc = without_busy_timeout(run, error);
  run->bytes_after = pk_wal_bytes(&run->wal);
  if (rc == SQLITE_OK)
    rc = look_at(&run->look, &run->wal, run->db, run->schema, error);
  run->seconds = pk_seconds_since(began);
  return rc;
}

static bool is_pinned(const struct checkpoint *run) {
  return !is_complete(run) && run->look.readers.marks != 0;
}

/* What the figures mean; null where everything was done. */
static void put_message(pk_json *json, const struct checkpoint *run) {
  const char *key = "message";
  if (!run->wal.log)
    pk_json_format(json, key, "%s: there is nothing to checkpoint",
                   run->look.unread);
  else if (is_pinned(run))
    pk_json_format(json, key,
                   "readers hold back %u frames: a transaction has been open "
                   "since before they were written",
                   run->look.readers.held_back);
  else if (run->busy && run->log_frames < 0)
    pk_json_text(json, key, "another connection is checkpointing");
  else if (run->busy)
    pk_json_text(json, key,
                 "a writer or a reader was at work, for which this mode waits; "
                 "give max_wait_ms, or leave it to the next call");
  else if (!is_complete(run))
    pk_json_text(json, key, "a reader ended meanwhile: try again");
  else if (run->mode >= SQLITE_CHECKPOINT_RESTART &&
           sqlite3_libversion_number() < PK_WAL_RESET_MENDED)
    pk_json_format(json, key,
                   "SQLite %s has the WAL-reset bug, unless the distribution "
                   "has mended it: use passive as a rule",
                   sqlite3_libversion());
  else
    pk_json_null(json, key);
}

static void put_frames(pk_json *json, const char *key, int frames) {
  if (frames < 0)
    pk_json_null(json, key);
  else
    pk_json_int64(json, key, frames);
}

static int answer(const struct checkpoint *run, sqlite3_context *context) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "schema", run->schema);
  pk_json_text(&json, "mode", mode_names[run->mode]);
  pk_json_bool(&json, "busy", run->busy);
  put_frames(&json, "log_frames", run->log_frames);
  put_frames(&json, "checkpointed_frames", run->copied_frames);
  pk_json_int64(&json, "wal_bytes_before", run->bytes_before);
  pk_json_int64(&json, "wal_bytes_after", run->bytes_after);
  if (run->look.blind && !is_complete(run))
    pk_json_null(&json, "pinned");
  else
    pk_json_bool(&json, "pinned", is_pinned(run));
  pk_json_double(&json, "seconds", run->seconds);
  put_message(&json, run);
  return pk_json_result(&json, context);
}

static int checkpoint(sqlite3_context *context, sqlite3_value **arguments,
                      pk_error *error) {
  struct checkpoint run = {.db = sqlite3_context_db_handle(context)};
  const char *mode = mode_names[SQLITE_CHECKPOINT_PASSIVE];
  int rc = pk_optional_text(arguments[0], "mode", &mode, error);
  if (rc == SQLITE_OK) rc = pk_choice(mode, MODES, "mode", &run.mode, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(run.db, arguments[1], options, &run.options, error);
  run.schema = run.options.schema ? run.options.schema : "main";
  if (rc == SQLITE_OK) rc = run_checkpoint(&run, error);
  if (rc == SQLITE_OK) rc = answer(&run, context);
  pk_options_free(options, &run.options);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_checkpoint",
     .arguments = "mode, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "copies the WAL into the database: modes passive, full, "
                "restart and truncate",
     .options = options,
     .call = checkpoint},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_wal",
     .columns = "schema_name TEXT, journal_mode TEXT, wal_bytes INTEGER, "
                "frames INTEGER, backfilled_frames INTEGER, page_size INTEGER, "
                "autocheckpoint INTEGER, journal_size_limit INTEGER, "
                "pinned INTEGER, held_back_frames INTEGER, reader_marks TEXT, "
                "last_commit_pages INTEGER, salts TEXT, note TEXT",
     .arguments = "schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the write-ahead logs: size, frames copied back, readers that "
                "hold back a checkpoint",
     .produce = show_logs},
    {0}};

/* pk_wal is the log itself, in format/wal.h. */
const pk_feature pk_wal_feature = {
    .name = "wal", .functions = functions, .tables = tables};
