/* snapshot.c: see snapshot.h. */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/pin.h"
#include "../base/sql.h"
#include "header.h"
#include "wal.h"

enum {
  CHUNK_BYTES = 1 << 20, /* copied between two looks for an interrupt */
  MOST_GLANCES = 1000,   /* at a wal-index that writers keep changing */
};

/* The file system's own VFS, whatever the application made its default. */
#define SPOOL_VFS "unix"

struct pk_snapshot {
  pk_snapshot_facts facts;
  sqlite3 *db;
  const pk_pace *pace; /* or NULL */
  char *schema;
  char *beside;
  sqlite3_stmt *pin;  /* at its first row; holds the read transaction */
  sqlite3_file *file; /* has the pages that the log has not: the live one,
                      ** which belongs to SQLite, or the spool */
  pk_wal wal;
  pk_wal_header wal_header;
  pk_wal_map in_wal;   /* empty without a log, and when it is not needed */
  pk_file spool_file;  /* written; the VFS keeps its path while it is read */
  sqlite3_file *spool; /* the same, when it is complete and is read */
};

/* ---- waiting ---- */

/* Is the copy to go on? */
static int check_pace(const pk_snapshot *s, pk_error *error) {
  pk_pace unlimited = {.db = s->db};
  return pk_pace_check(s->pace ? s->pace : &unlimited, error);
}

/* ---- the read transaction ---- */

static bool has_transaction(sqlite3 *db) {
  return !sqlite3_get_autocommit(db) ||
         sqlite3_txn_state(db, NULL) != SQLITE_TXN_NONE;
}

static int pin(pk_snapshot *s, pk_error *error) {
  return pk_pin(s->db, s->schema, &s->pin, error);
}

static void unpin(pk_snapshot *s) {
  sqlite3_finalize(s->pin);
  s->pin = NULL;
}

static int read_size(pk_snapshot *s, pk_error *error) {
  sqlite3_int64 page_size = -1, page_count = -1;
  int rc = pk_query_int64(s->db, &page_size, error, "PRAGMA \"%w\".page_size",
                          s->schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(s->db, &page_count, error, "PRAGMA \"%w\".page_count",
                        s->schema);
  if (rc == SQLITE_OK && (page_size < 0 || page_count < 0))
    rc = pk_fail(error, SQLITE_AUTH, "PRAGMA page_count does not answer here");
  s->facts.page_size = (uint32_t)page_size;
  s->facts.page_count = (uint32_t)page_count;
  return rc;
}

/* ---- reading directly: may we? ---- */

/* The VFSes of SQLite itself that read and write a plain file. With those that
** lock nothing (unix-none) the application vouches for quiet. */
static bool is_platform_vfs(sqlite3 *db, const char *schema) {
  static const char *const names[] = {"unix",       "unix-excl",
                                      "unix-none",  "unix-dotfile",
                                      "unix-flock", "unix-posix"};
  sqlite3_vfs *vfs = NULL;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
  for (size_t i = 0; vfs && i < sizeof names / sizeof *names; i++)
    if (strcmp(vfs->zName, names[i]) == 0) return true;
  return false;
}

/* Does another connection use the cache of one of ours (shared-cache mode)?
** The second counter charges us only with our share of such a cache. */
static bool shares_cache(sqlite3 *db) {
  int used = 0, charged = 0, highest;
  sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &used, &highest, 0);
  sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED_SHARED, &charged, &highest,
                    0);
  return used != charged;
}

/* Finds the live file. Returns why it must not be read directly, or NULL. */
static const char *find_file(pk_snapshot *s) {
  const char *name = sqlite3_db_filename(s->db, s->schema);
  if (!name || !*name) return "an in-memory or temporary database has no file";
  if (!is_platform_vfs(s->db, s->schema))
    return "the VFS is not one of the platform's own";
  if (shares_cache(s->db))
    return "the page cache is shared with other connections";
  sqlite3_file_control(s->db, s->schema, SQLITE_FCNTL_FILE_POINTER, &s->file);
  return NULL;
}

/* Begins the read transaction anew until the wal-index says the same before
** and after: that header is then the transaction's own. With it, nBackfill
** tells which read lock SQLite took (see snapshot.h): lock 0 only if all was
** copied back, and then it still is. If all was copied back only since, the
** file has our last frames all the same. */
static int pin_at_header(pk_snapshot *s, const char **obstacle,
                         pk_error *error) {
  pk_wal_header before;
  for (int i = 0; i < MOST_GLANCES; i++) {
    sqlite3_reset(s->pin);
    int seen = pk_wal_header_read(&s->wal, &before);
    int rc = pin(s, error);
    if (rc != SQLITE_OK) return rc;
    if (seen == SQLITE_OK) seen = pk_wal_header_read(&s->wal, &s->wal_header);
    if (seen == SQLITE_OK && pk_wal_header_same(&before, &s->wal_header))
      return SQLITE_OK;
    if (seen != SQLITE_OK && seen != SQLITE_BUSY) {
      *obstacle = "the WAL index could not be mapped";
      return SQLITE_OK;
    }
  }
  *obstacle = "the WAL index never stayed the same for a moment";
  return SQLITE_OK;
}

/* Learns which pages the log has. */
static int map_log(pk_snapshot *s, const char **obstacle, pk_error *error) {
  int rc = pk_wal_map_read(&s->wal, &s->wal_header, &s->in_wal);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc == SQLITE_TOOBIG)
    *obstacle = "too many WAL frames wait for a checkpoint";
  else if (rc != SQLITE_OK)
    *obstacle = "the WAL index could not be mapped";
  return SQLITE_OK;
}

/* Sees whether the file and the log may be read, and pins their state.
** Leaves in facts.reason why not. */
static int prepare_direct(pk_snapshot *s, bool pinned_before, pk_error *error) {
  const char **obstacle = &s->facts.reason, *wal_obstacle;
  int rc = pk_wal_find(&s->wal, s->db, s->schema, &wal_obstacle, error);
  if (rc != SQLITE_OK) return rc;
  if (s->wal.log) s->facts.wal_bytes = pk_wal_bytes(&s->wal);
  if (!*obstacle) *obstacle = find_file(s);
  if (!*obstacle) *obstacle = wal_obstacle;
  if (*obstacle || !s->wal.log) return SQLITE_OK;

  if (pinned_before) {
    *obstacle = "a transaction was already open on this connection (WAL mode)";
    return SQLITE_OK;
  }
  rc = pin_at_header(s, obstacle, error);
  if (rc == SQLITE_OK && !*obstacle) rc = map_log(s, obstacle, error);
  return rc;
}

/* Compares a database header with what SQLite says. */
static const char *compare_header(const unsigned char *page,
                                  const pk_snapshot_facts *facts) {
  pk_header header;
  if (!pk_header_is_database(page))
    return "page 1 is not a plain SQLite header (encrypted?)";
  if (!pk_header_read(page, &header) || header.page_size != facts->page_size ||
      (header.page_count != 0 && header.page_count != facts->page_count))
    return "page 1 and SQLite disagree about the size";
  return NULL;
}

/* Leaves in facts.reason what is odd about page 1 or the log's header. */
static int check_sizes(pk_snapshot *s, pk_error *error) {
  const pk_wal_header *log = &s->wal_header;
  unsigned char *page = sqlite3_malloc((int)s->facts.page_size);
  if (!page) return pk_fail_memory(error);
  pk_error failure = PK_NO_ERROR;
  if (pk_snapshot_read(s, 1, 1, page, &failure) != SQLITE_OK)
    s->facts.reason = "page 1 could not be read";
  else
    s->facts.reason = compare_header(page, &s->facts);
  pk_error_clear(&failure);
  sqlite3_free(page);
  if (!s->facts.reason && s->wal.log && log->page_count != 0 &&
      (log->page_count != s->facts.page_count ||
       log->page_size != s->facts.page_size))
    s->facts.reason = "the WAL index and SQLite disagree about the size";
  return SQLITE_OK;
}

/* ---- the spool: a private copy ---- */

/* Where temporary files go: the folders that SQLite itself asks for. */
static char *temporary_name(void) {
  const char *folder = getenv("SQLITE_TMPDIR");
  if (!folder) folder = getenv("TMPDIR");
  if (!folder) folder = "/var/tmp";
  return sqlite3_mprintf("%s/prodkit", folder);
}

static int create_spool(pk_snapshot *s, pk_error *error) {
  if (!s->beside) s->beside = temporary_name();
  if (!s->beside) return pk_fail_memory(error);
  return pk_file_create(&s->spool_file, s->beside, true, error);
}

/* The finished spool is read as SQLite reads a temporary file: nameless. */
static int open_spool(pk_snapshot *s, pk_error *error) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(SPOOL_VFS);
  s->spool = vfs ? sqlite3_malloc(vfs->szOsFile) : NULL;
  if (!s->spool) return pk_fail_memory(error);
  memset(s->spool, 0, (size_t)vfs->szOsFile);
  int rc = vfs->xOpen(vfs, s->spool_file.path, s->spool,
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_TRANSIENT_DB, NULL);
  if (rc != SQLITE_OK)
    return pk_fail_errno(error, rc, "cannot read back %s", s->spool_file.path);
  vfs->xDelete(vfs, s->spool_file.path, 0);
  return SQLITE_OK;
}

/* From here on pages come from the spool, and nothing is locked. */
static int use_spool(pk_snapshot *s, pk_error *error) {
  int rc = open_spool(s, error);
  if (rc != SQLITE_OK) return rc;
  s->file = s->spool;
  s->facts.blocks_writers = false;
  pk_wal_map_free(&s->in_wal);
  unpin(s);
  return SQLITE_OK;
}

static int copy_pages(pk_snapshot *s, pk_error *error) {
  uint32_t chunk_pages = CHUNK_BYTES / s->facts.page_size, count;
  uint32_t left = s->facts.page_count;
  unsigned char *chunk = sqlite3_malloc(CHUNK_BYTES);
  int rc = chunk ? SQLITE_OK : pk_fail_memory(error);
  for (; rc == SQLITE_OK && left > 0; left -= count) {
    count = left < chunk_pages ? left : chunk_pages;
    rc = pk_snapshot_read(s, s->facts.page_count - left + 1, count, chunk,
                          error);
    if (rc == SQLITE_OK)
      rc = pk_file_write(&s->spool_file, chunk,
                         (size_t)count * s->facts.page_size, error);
    if (rc == SQLITE_OK) rc = check_pace(s, error);
  }
  sqlite3_free(chunk);
  return rc;
}

int pk_snapshot_spool(pk_snapshot *s, pk_error *error) {
  if (s->file == s->spool) return SQLITE_OK;
  int rc = create_spool(s, error);
  if (rc == SQLITE_OK) rc = copy_pages(s, error);
  if (rc == SQLITE_OK) rc = use_spool(s, error);
  return rc;
}

/* ---- reading through sqlite3_backup ---- */

static int run_backup(pk_snapshot *s, sqlite3 *copy, pk_error *error) {
  sqlite3_backup *backup = sqlite3_backup_init(copy, "main", s->db, s->schema);
  if (!backup)
    return pk_fail_db(error, copy, "cannot copy the database \"%s\" to %s",
                      s->schema, s->spool_file.path);
  double give_up = pk_seconds() + PK_PATIENCE_SECONDS;
  int step, rc;
  do {
    step = sqlite3_backup_step(backup, CHUNK_BYTES / (int)s->facts.page_size);
    if (pk_is_locked(step)) {
      rc = pk_wait_for_lock(s->db, s->schema, give_up, error);
    } else {
      rc = check_pace(s, error);
      give_up = pk_seconds() + PK_PATIENCE_SECONDS;
    }
  } while (rc == SQLITE_OK && (step == SQLITE_OK || pk_is_locked(step)));
  s->facts.page_count = (uint32_t)sqlite3_backup_pagecount(backup);
  sqlite3_backup_finish(backup);
  if (rc == SQLITE_OK && step != SQLITE_DONE)
    rc = pk_fail_db(error, copy, "cannot copy the database \"%s\" to %s",
                    s->schema, s->spool_file.path);
  return rc;
}

/* A private file needs neither a journal nor a sync. */
static int backup_to_spool(pk_snapshot *s, pk_error *error) {
  sqlite3 *copy = NULL;
  int rc = create_spool(s, error);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_open_v2(s->spool_file.path, &copy, SQLITE_OPEN_READWRITE,
                       SPOOL_VFS);
  if (rc != SQLITE_OK)
    rc = copy ? pk_fail_db(error, copy, "cannot write %s", s->spool_file.path)
              : pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = pk_run(copy, error, "PRAGMA journal_mode = OFF");
  if (rc == SQLITE_OK) rc = pk_run(copy, error, "PRAGMA synchronous = OFF");
  if (rc == SQLITE_OK) rc = run_backup(s, copy, error);
  sqlite3_close(copy);
  return rc == SQLITE_OK ? use_spool(s, error) : rc;
}

static int fall_back(pk_snapshot *s, pk_error *error) {
  s->facts.method = "backup_api";
  s->file = NULL;
  pk_wal_map_free(&s->in_wal);
  /* sqlite3_backup would make a page of an empty database. */
  return s->facts.page_count == 0 ? SQLITE_OK : backup_to_spool(s, error);
}

/* ---- the interface ---- */

static int open_snapshot(pk_snapshot *s, pk_error *error) {
  bool pinned_before = has_transaction(s->db);
  int rc = pin(s, error);
  if (rc == SQLITE_OK) rc = prepare_direct(s, pinned_before, error);
  if (rc == SQLITE_OK) rc = read_size(s, error);
  if (rc == SQLITE_OK && !s->facts.reason && s->facts.page_count > 0)
    rc = check_sizes(s, error);
  if (rc != SQLITE_OK) return rc;
  if (s->facts.reason) return fall_back(s, error);
  s->facts.blocks_writers = !s->wal.log;
  return SQLITE_OK;
}

int pk_snapshot_open(pk_snapshot **snapshot, sqlite3 *db, const char *schema,
                     const char *beside, const char *avoid_direct,
                     const pk_pace *pace, pk_error *error) {
  pk_snapshot *s = *snapshot = sqlite3_malloc(sizeof *s);
  if (!s) return pk_fail_memory(error);
  *s = (pk_snapshot){.db = db,
                     .pace = pace,
                     .facts = {.method = "direct", .reason = avoid_direct},
                     .schema = sqlite3_mprintf("%s", schema),
                     .beside = beside ? sqlite3_mprintf("%s", beside) : NULL,
                     .spool_file = {.fd = -1}};
  if (!s->schema || (beside && !s->beside)) return pk_fail_memory(error);
  return open_snapshot(s, error);
}

const pk_snapshot_facts *pk_snapshot_about(const pk_snapshot *snapshot) {
  return &snapshot->facts;
}

/* The VFS keeps the system's reason for the file (os_unix.c, lastErrno). */
static int failed_read(const pk_snapshot *s, uint32_t page, int rc,
                       pk_error *error) {
  errno = EIO;
  s->file->pMethods->xFileControl(s->file, SQLITE_FCNTL_LAST_ERRNO, &errno);
  if (s->file == s->spool)
    return pk_fail_errno(error, rc, "cannot read back page %u of %s", page,
                         s->spool_file.path);
  return pk_fail_errno(error, rc, "cannot read page %u of the database \"%s\"",
                       page, s->schema);
}

/* Pages that are not in the log, in one read. What lies behind the file's end
** was never written, and SQLite too reads it as zeros. */
static int read_run(pk_snapshot *s, uint32_t first, uint32_t count, void *pages,
                    pk_error *error) {
  int64_t size = s->facts.page_size;
  int rc = s->file->pMethods->xRead(s->file, pages, (int)(count * size),
                                    (first - 1) * size);
  if (rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ) return SQLITE_OK;
  return failed_read(s, first, rc, error);
}

static int lost(pk_error *error) {
  return pk_fail(error, PK_SNAPSHOT_LOST,
                 "the database changed while it was read directly");
}

static int read_frame(pk_snapshot *s, pk_wal_place place, void *page,
                      pk_error *error) {
  int rc = pk_wal_frame_read(&s->wal, &s->wal_header, place, page);
  if (rc == SQLITE_PROTOCOL) return lost(error);
  if (rc != SQLITE_OK)
    return pk_fail(error, rc, "cannot read WAL frame %u of the database \"%s\"",
                   place.frame, s->schema);
  return SQLITE_OK;
}

static bool in_range(const pk_snapshot *s, uint32_t first, uint32_t count) {
  return s->file && first > 0 && first <= s->facts.page_count &&
         count <= s->facts.page_count - first + 1 &&
         count <= PK_SNAPSHOT_MOST_BYTES / s->facts.page_size;
}

int pk_snapshot_read(pk_snapshot *s, uint32_t first, uint32_t count,
                     void *pages, pk_error *error) {
  if (!in_range(s, first, count))
    return pk_fail(error, SQLITE_MISUSE, "cannot read %u pages from %u on",
                   count, first);
  const pk_wal_map *log = &s->in_wal;
  size_t place = pk_wal_map_seek(log, first);
  uint32_t end = first + count, run;
  unsigned char *into = pages;
  int rc = SQLITE_OK;
  for (uint32_t page = first; rc == SQLITE_OK && page < end; page += run) {
    uint32_t next = place < log->count ? log->places[place].page : end;
    if (page < next) {
      run = (next < end ? next : end) - page;
      rc = read_run(s, page, run, into, error);
    } else {
      run = 1;
      rc = read_frame(s, log->places[place++], into, error);
    }
    into += (size_t)run * s->facts.page_size;
  }
  /* A connection that came to share our cache writes under our own lock. */
  if (rc == SQLITE_OK && s->file != s->spool && shares_cache(s->db))
    rc = lost(error);
  return rc;
}

void pk_snapshot_close(pk_snapshot *s) {
  if (!s) return;
  unpin(s);
  pk_wal_map_free(&s->in_wal);
  if (s->spool && s->spool->pMethods) s->spool->pMethods->xClose(s->spool);
  pk_file_discard(&s->spool_file);
  sqlite3_free(s->spool);
  sqlite3_free(s->schema);
  sqlite3_free(s->beside);
  sqlite3_free(s);
}
