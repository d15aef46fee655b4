/*
** snapshot_test.c: pages of live databases, through format/snapshot and
** format/wal.
**
** What sqlite3_serialize() gives is the measure: the page images as SQLite's
** own pager sees them. A direct snapshot equals it byte for byte; one through
** sqlite3_backup in all but four counters on page 1.
*/
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../ext/base/sql.h"
#include "../../ext/format/snapshot.h"
#include "../../ext/format/wal.h"

/* ---- a database in a folder of its own ---- */

static char folder[300];
static char database[400];
static char beside[400];
static sqlite3 *db, *other; /* two connections to it */

static void run(sqlite3 *on, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *sql = sqlite3_vmprintf(format, values);
  va_end(values);
  int rc = sqlite3_exec(on, sql, NULL, NULL, NULL);
  if (rc != SQLITE_OK) print_error("%s: %s\n", sql, sqlite3_errmsg(on));
  assert_int_equal(rc, SQLITE_OK);
  sqlite3_free(sql);
}

static sqlite3 *connect_to(const char *name) {
  sqlite3 *connection;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  assert_int_equal(sqlite3_open_v2(name, &connection, flags, NULL), SQLITE_OK);
  run(connection, "PRAGMA synchronous = OFF");
  return connection;
}

static void new_folder(void) {
  const char *parent = getenv("TMPDIR");
  sqlite3_snprintf(sizeof folder, folder, "%s/snapshot-XXXXXX",
                   parent ? parent : "/tmp");
  assert_non_null(mkdtemp(folder));
  sqlite3_snprintf(sizeof database, database, "%s/app.db", folder);
  sqlite3_snprintf(sizeof beside, beside, "%s/backup.db", folder);
}

static int set_up(void **state) {
  (void)state;
  new_folder();
  db = connect_to(database);
  other = connect_to(database);
  return 0;
}

/* How many names in the folder contain `part`; removes them if asked. */
static int files(const char *part, bool removing) {
  int found = 0;
  DIR *names = opendir(folder);
  for (struct dirent *entry; (entry = readdir(names));) {
    if (entry->d_name[0] == '.' && strlen(entry->d_name) < 3) continue;
    if (!strstr(entry->d_name, part)) continue;
    found++;
    if (removing) assert_int_equal(unlinkat(dirfd(names), entry->d_name, 0), 0);
  }
  closedir(names);
  return found;
}

static int tear_down(void **state) {
  (void)state;
  int left = files("prodkit-part", false);
  int busy = sqlite3_close(db) | sqlite3_close(other);
  files("", true);
  rmdir(folder);
  return left || busy;
}

static void fill(sqlite3 *on, const char *schema, int rows) {
  run(on,
      "CREATE TABLE IF NOT EXISTS \"%w\".t(a INTEGER PRIMARY KEY, b);"
      "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
      "INSERT INTO \"%w\".t(b) SELECT randomblob(1000) FROM n",
      schema, rows, schema);
}

/* ---- snapshots and what they should be ---- */

typedef struct image {
  unsigned char *bytes;
  sqlite3_int64 size;
} image;

static image serialized(sqlite3 *on, const char *schema) {
  image result;
  result.bytes = sqlite3_serialize(on, schema, &result.size, 0);
  return result;
}

static int try_open(pk_snapshot **snapshot, const char *schema,
                    pk_error *error) {
  return pk_snapshot_open(snapshot, db, schema, beside, NULL, NULL, error);
}

static pk_snapshot *open_snapshot(const char *schema) {
  pk_snapshot *snapshot;
  pk_error error = PK_NO_ERROR;
  int rc = try_open(&snapshot, schema, &error);
  if (rc != SQLITE_OK) print_error("%s\n", error.message);
  assert_int_equal(rc, SQLITE_OK);
  return snapshot;
}

static int try_read(pk_snapshot *snapshot, image *into, uint32_t step,
                    pk_error *error) {
  const pk_snapshot_facts *facts = pk_snapshot_about(snapshot);
  int rc = SQLITE_OK;
  into->size = (sqlite3_int64)facts->page_size * facts->page_count;
  into->bytes = sqlite3_malloc64((sqlite3_uint64)into->size);
  for (uint32_t page = 1; rc == SQLITE_OK && page <= facts->page_count;
       page += step) {
    uint32_t left = facts->page_count - page + 1;
    rc = pk_snapshot_read(snapshot, page, left < step ? left : step,
                          into->bytes + (size_t)(page - 1) * facts->page_size,
                          error);
  }
  return rc;
}

/* Reads all pages, `step` at a time, and compares. */
static void check_pages(pk_snapshot *snapshot, image expected, uint32_t step) {
  image read;
  pk_error error = PK_NO_ERROR;
  assert_int_equal(try_read(snapshot, &read, step, &error), SQLITE_OK);
  assert_int_equal(read.size, expected.size);
  if (strcmp(pk_snapshot_about(snapshot)->method, "backup_api") == 0) {
    /* fileformat2 1.3: change counter, schema cookie, version-valid-for and
    ** version number are the copy's own. */
    static const int own[] = {24, 40, 92, 96};
    for (int i = 0; i < 4; i++)
      memcpy(read.bytes + own[i], expected.bytes + own[i], 4);
  }
  assert_memory_equal(read.bytes, expected.bytes, (size_t)expected.size);
  sqlite3_free(read.bytes);
}

static void check_facts(pk_snapshot *snapshot, const char *method,
                        const char *reason) {
  const pk_snapshot_facts *facts = pk_snapshot_about(snapshot);
  assert_string_equal(facts->reason ? facts->reason : "", reason);
  assert_string_equal(facts->method, method);
}

/* Nothing of the snapshot is left on the connection. */
static void check_untouched(void) {
  assert_true(sqlite3_get_autocommit(db));
  assert_int_equal(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
  assert_null(sqlite3_next_stmt(db, NULL));
}

/* Takes a snapshot of a schema that nobody writes to. */
static void check_snapshot(const char *schema, const char *method,
                           const char *reason) {
  image expected = serialized(db, schema);
  pk_snapshot *snapshot = open_snapshot(schema);
  check_facts(snapshot, method, reason);
  check_pages(snapshot, expected, 7);
  pk_snapshot_close(snapshot);
  check_untouched();
  sqlite3_free(expected.bytes);
}

/* ---- tests: the direct method ---- */

static void each_format(void **state) {
  static const char *const modes[] = {"delete", "truncate", "persist",
                                      "memory", "off",      "wal"};
  for (int page_size = 512; page_size <= 65536; page_size *= 2)
    for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
      run(db,
          "PRAGMA page_size = %d; PRAGMA encoding = 'UTF-16'; "
          "PRAGMA auto_vacuum = %d; PRAGMA journal_mode = %s",
          page_size, (int)mode % 3, modes[mode]);
      fill(db, "main", 200);
      check_snapshot("main", "direct", "");
      assert_int_equal(tear_down(state), 0);
      set_up(state);
    }
}

static void reserved_bytes(void **state) {
  (void)state;
  int reserve = 37;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
  fill(db, "main", 100);
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 100);
  check_snapshot("main", "direct", "");
}

static void log_half_copied_back(void **state) {
  (void)state;
  run(db, "PRAGMA journal_mode = WAL");
  run(db, "PRAGMA wal_autocheckpoint = 0");
  fill(db, "main", 3000); /* more frames than one region of the index has */
  fill(db, "main", 20000);
  run(other, "BEGIN; SELECT count(*) FROM t");
  fill(db, "main", 500);
  run(db, "UPDATE t SET b = a WHERE a %% 7 = 0");
  run(db, "PRAGMA wal_checkpoint"); /* as far as other's mark */
  check_snapshot("main", "direct", "");
  run(other, "COMMIT");
  run(db, "PRAGMA wal_checkpoint");
  check_snapshot("main", "direct", "");
  run(db, "DELETE FROM t WHERE a > 1000; VACUUM");
  check_snapshot("main", "direct", "");
}

static void writers_go_on_in_wal_mode(void **state) {
  (void)state;
  for (int copied_back = 0; copied_back < 2; copied_back++) {
    run(db, "PRAGMA journal_mode = WAL");
    fill(db, "main", 300);
    if (copied_back) run(db, "PRAGMA wal_checkpoint");
    image expected = serialized(db, "main");
    pk_snapshot *snapshot = open_snapshot("main");
    check_facts(snapshot, "direct", "");
    assert_false(pk_snapshot_about(snapshot)->blocks_writers);
    assert_true(pk_snapshot_about(snapshot)->wal_bytes > 0);
    for (int i = 0; i < 10; i++) {
      run(other, "UPDATE t SET b = randomblob(900)");
      sqlite3_wal_checkpoint_v2(other, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                NULL);
      check_pages(snapshot, expected, 64);
    }
    pk_snapshot_close(snapshot);
    check_untouched();
    sqlite3_free(expected.bytes);
  }
}

static void writers_wait_for_a_rollback_journal(void **state) {
  (void)state;
  fill(db, "main", 300);
  image expected = serialized(db, "main");
  pk_snapshot *snapshot = open_snapshot("main");
  assert_true(pk_snapshot_about(snapshot)->blocks_writers);
  assert_int_equal(sqlite3_exec(other, "DELETE FROM t", NULL, NULL, NULL),
                   SQLITE_BUSY);
  pk_error error = PK_NO_ERROR;
  assert_int_equal(pk_snapshot_spool(snapshot, &error), SQLITE_OK);
  check_untouched();
  assert_false(pk_snapshot_about(snapshot)->blocks_writers);
  assert_int_equal(files("backup", false), 0); /* it has no name any more */
  run(other, "DELETE FROM t");
  check_facts(snapshot, "direct", "");
  check_pages(snapshot, expected, 64);
  pk_snapshot_close(snapshot);
  sqlite3_free(expected.bytes);
}

static void large_offsets(void **state) {
  (void)state;
  const uint32_t pages = 3u << 14; /* 3 GiB, past 2^31 and the lock byte page */
  run(db, "PRAGMA page_size = 65536");
  fill(db, "main", 1);
  sqlite3_close(db);
  sqlite3_close(other);
  int fd = open(database, O_RDWR);
  unsigned char count[4] = {0, 0, (unsigned char)(pages >> 8), 0};
  assert_int_equal(ftruncate(fd, (off_t)pages * 65536), 0);
  assert_int_equal(pwrite(fd, count, 4, 28), 4);
  assert_int_equal(pwrite(fd, "the end", 7, (off_t)(pages - 1) * 65536), 7);
  close(fd);
  db = connect_to(database);
  other = connect_to(database);

  unsigned char *read = malloc(2 * 65536);
  pk_error error = PK_NO_ERROR;
  pk_snapshot *snapshot = open_snapshot("main");
  check_facts(snapshot, "direct", "");
  assert_int_equal(pk_snapshot_about(snapshot)->page_count, pages);
  assert_int_equal(pk_snapshot_read(snapshot, pages - 1, 2, read, &error),
                   SQLITE_OK);
  assert_memory_equal(read + 65536, "the end", 7);
  assert_int_equal(pk_snapshot_read(snapshot, 16385, 1, read, &error),
                   SQLITE_OK);
  pk_snapshot_close(snapshot);
  free(read);
}

static void names_and_links(void **state) {
  (void)state;
  char name[500], link[500];
  sqlite3_snprintf(sizeof name, name, "%s/bank's \"\xc3\xa4\" ?%%.db", folder);
  sqlite3_snprintf(sizeof link, link, "%s/link", folder);
  run(db, "ATTACH %Q AS \"we\"\"ird \xc3\xa4'\"", name);
  fill(db, "we\"ird \xc3\xa4'", 50);
  check_snapshot("we\"ird \xc3\xa4'", "direct", "");
  assert_int_equal(symlink(name, link), 0);
  run(db, "ATTACH %Q AS link; PRAGMA link.journal_mode = WAL", link);
  fill(db, "link", 50);
  check_snapshot("link", "direct", "");
  check_snapshot("LINK", "direct", "");
}

static void read_only_ways(void **state) {
  (void)state;
  char uri[500];
  static const char *const ways[] = {"mode=ro", "immutable=1", "nolock=1",
                                     "vfs=unix-none", "vfs=unix-excl"};
  fill(db, "main", 50);
  sqlite3_close(db);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    sqlite3_snprintf(sizeof uri, uri, "file:%s?%s", database, ways[i]);
    db = connect_to(uri);
    check_snapshot("main", "direct", "");
    sqlite3_close(db);
  }
  run(other, "PRAGMA journal_mode = WAL");
  fill(other, "main", 50);
  sqlite3_snprintf(sizeof uri, uri, "file:%s?mode=ro", database);
  db = connect_to(uri);
  check_snapshot("main", "direct", "");
}

static void empty_database(void **state) {
  (void)state;
  pk_snapshot *snapshot = open_snapshot("main");
  check_facts(snapshot, "direct", "");
  assert_int_equal(pk_snapshot_about(snapshot)->page_count, 0);
  pk_snapshot_close(snapshot);
  sqlite3 *memory = connect_to(":memory:");
  pk_error error = PK_NO_ERROR;
  assert_int_equal(
      pk_snapshot_open(&snapshot, memory, "main", beside, NULL, NULL, &error),
      SQLITE_OK);
  assert_int_equal(pk_snapshot_about(snapshot)->page_count, 0);
  pk_snapshot_close(snapshot);
  sqlite3_close(memory);
}

static void out_of_range(void **state) {
  (void)state;
  static const uint32_t wrong[][2] = {
      {0, 1}, {1, 100000}, {2, UINT32_MAX}, {UINT32_MAX, 1}, {UINT32_MAX, 2}};
  char page[8192];
  fill(db, "main", 1);
  pk_snapshot *snapshot = open_snapshot("main");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    pk_error error = PK_NO_ERROR;
    assert_int_equal(
        pk_snapshot_read(snapshot, wrong[i][0], wrong[i][1], page, &error),
        SQLITE_MISUSE);
    pk_error_clear(&error);
  }
  pk_snapshot_close(snapshot);
}

/* ---- tests: falling back ---- */

static const char in_memory[] =
    "an in-memory or temporary database has no file";

static void without_a_file(void **state) {
  (void)state;
  fill(db, "temp", 100);
  check_snapshot("temp", "backup_api", in_memory);
  run(db, "ATTACH ':memory:' AS memory");
  fill(db, "memory", 100);
  check_snapshot("memory", "backup_api", in_memory);
  run(db, "ATTACH '' AS nameless");
  fill(db, "nameless", 100);
  check_snapshot("nameless", "backup_api", in_memory);
  assert_int_equal(files("prodkit-part", false), 0);
}

static void exclusive_locking(void **state) {
  (void)state;
  sqlite3_close(other);
  other = NULL;
  run(db, "PRAGMA locking_mode = EXCLUSIVE");
  fill(db, "main", 100);
  check_snapshot("main", "direct", "");
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 100);
  assert_int_equal(files("-shm", false), 0);
  check_snapshot("main", "backup_api",
                 "the WAL index is not shared (exclusive locking mode)");
  assert_int_equal(files("-shm", false), 0); /* and we made none */
  run(db, "PRAGMA locking_mode = NORMAL");   /* has no effect on a heap index */
  check_snapshot("main", "backup_api",
                 "the WAL index is not shared (exclusive locking mode)");
}

static void another_vfs(void **state) {
  (void)state;
  sqlite3_vfs vfs = *sqlite3_vfs_find("unix");
  vfs.zName = "shim";
  assert_int_equal(sqlite3_vfs_register(&vfs, 0), SQLITE_OK);
  run(db, "ATTACH 'file:%s/odd.db?vfs=shim' AS odd", folder);
  fill(db, "odd", 100);
  check_snapshot("odd", "backup_api",
                 "the VFS is not one of the platform's own");
  run(db, "DETACH odd");
  sqlite3_vfs_unregister(&vfs);
}

static void shared_cache(void **state) {
  (void)state;
  fill(db, "main", 100);
  sqlite3_close(db);
  sqlite3_close(other);
  char uri[500];
  sqlite3_snprintf(sizeof uri, uri, "file:%s?cache=shared", database);
  db = connect_to(uri);
  check_snapshot("main", "direct", "");
  pk_snapshot *snapshot = open_snapshot("main");
  other = connect_to(uri);
  run(other, "SELECT count(*) FROM t");
  char page[4096];
  pk_error error = PK_NO_ERROR;
  assert_int_equal(pk_snapshot_read(snapshot, 1, 1, page, &error),
                   PK_SNAPSHOT_LOST);
  pk_error_clear(&error);
  pk_snapshot_close(snapshot);
  check_snapshot("main", "backup_api",
                 "the page cache is shared with other connections");
}

/* Overwrites bytes of the file behind SQLite's back. */
static void patch(off_t at, const char *bytes) {
  int fd = open(database, O_RDWR);
  assert_int_equal(pwrite(fd, bytes, 4, at), 4);
  close(fd);
}

/* An encrypting pager shows SQLite another page 1 than the file has. So does,
** here, one that has it in its cache. */
static void another_page_one(void **state) {
  (void)state;
  run(db, "PRAGMA locking_mode = EXCLUSIVE");
  fill(db, "main", 10);
  patch(28, "many");
  check_snapshot("main", "backup_api",
                 "page 1 and SQLite disagree about the size");
  patch(16, "\x02\0\1\1");
  check_snapshot("main", "backup_api",
                 "page 1 and SQLite disagree about the size");
  patch(0, "salt");
  check_snapshot("main", "backup_api",
                 "page 1 is not a plain SQLite header (encrypted?)");
}

static void on_request(void **state) {
  (void)state;
  fill(db, "main", 100);
  image expected = serialized(db, "main");
  pk_error error = PK_NO_ERROR;
  pk_snapshot *snapshot;
  assert_int_equal(pk_snapshot_open(&snapshot, db, "main", NULL, "as was said",
                                    NULL, &error),
                   SQLITE_OK);
  check_untouched();
  check_facts(snapshot, "backup_api", "as was said");
  check_pages(snapshot, expected, 5);
  assert_int_equal(pk_snapshot_spool(snapshot, &error), SQLITE_OK);
  check_pages(snapshot, expected, 5);
  pk_snapshot_close(snapshot);
  sqlite3_free(expected.bytes);
}

/* ---- tests: transactions of the connection ---- */

static void write_transaction(void **state) {
  (void)state;
  static const char *const modes[] = {"delete", "wal"};
  for (int i = 0; i < 2; i++) {
    run(db, "PRAGMA journal_mode = %s", modes[i]);
    fill(db, "main", 10);
    run(db, "BEGIN IMMEDIATE");
    pk_error error = PK_NO_ERROR;
    pk_snapshot *snapshot;
    assert_int_equal(try_open(&snapshot, "main", &error), SQLITE_BUSY);
    assert_non_null(strstr(error.message, "COMMIT or ROLLBACK first"));
    pk_error_clear(&error);
    pk_snapshot_close(snapshot);
    run(db, "COMMIT");
    check_untouched();
  }
}

static void unknown_schema(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  pk_snapshot *snapshot;
  assert_int_equal(try_open(&snapshot, "nowhere", &error), SQLITE_ERROR);
  assert_non_null(strstr(error.message, "nowhere"));
  pk_error_clear(&error);
  pk_snapshot_close(snapshot);
}

static void read_transaction(void **state) {
  (void)state;
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 200);
  run(db, "BEGIN; SELECT count(*) FROM t");
  image expected = serialized(db, "main");
  run(other, "UPDATE t SET b = 1");
  pk_snapshot *snapshot = open_snapshot("main");
  check_facts(snapshot, "backup_api",
              "a transaction was already open on this connection (WAL mode)");
  check_pages(snapshot, expected, 10);
  pk_snapshot_close(snapshot);
  assert_false(sqlite3_get_autocommit(db));
  assert_int_equal(sqlite3_txn_state(db, "main"), SQLITE_TXN_READ);
  run(db, "COMMIT");
  sqlite3_free(expected.bytes);

  run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_close(other);
  run(db, "PRAGMA journal_mode = DELETE");
  other = connect_to(database);
  run(db, "BEGIN; SELECT count(*) FROM t");
  expected = serialized(db, "main");
  snapshot = open_snapshot("main");
  check_facts(snapshot, "direct", ""); /* its SHARED lock is as good as ours */
  check_pages(snapshot, expected, 10);
  pk_snapshot_close(snapshot);
  run(db, "COMMIT");
  check_untouched();
  sqlite3_free(expected.bytes);
}

/* ---- tests: others at work ---- */

static int commit_by_other(void *unused) {
  (void)unused;
  sqlite3_exec(other, "UPDATE t SET b = random() WHERE a = 1", NULL, NULL,
               NULL);
  return 0;
}

/* At each instruction of ours another connection commits: no two looks at the
** index agree, and no snapshot may be believed. */
static void commits_without_a_pause(void **state) {
  (void)state;
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 20);
  sqlite3_progress_handler(db, 1, commit_by_other, NULL);
  pk_snapshot *snapshot = open_snapshot("main");
  sqlite3_progress_handler(db, 0, NULL, NULL);
  check_facts(snapshot, "backup_api",
              "the WAL index never stayed the same for a moment");
  pk_snapshot_close(snapshot);
  check_untouched();
}

static void *unlock_soon(void *unused) {
  (void)unused;
  sqlite3_sleep(200);
  run(other, "COMMIT");
  return NULL;
}

static void waits_for_a_lock(void **state) {
  (void)state;
  fill(db, "main", 20);
  sqlite3_close(db);
  db = connect_to(database); /* with no schema in memory yet */
  run(other, "BEGIN EXCLUSIVE");
  pthread_t unlocker;
  assert_int_equal(pthread_create(&unlocker, NULL, unlock_soon, NULL), 0);
  pk_snapshot *snapshot = open_snapshot("main");
  pthread_join(unlocker, NULL);
  check_facts(snapshot, "direct", "");
  pk_snapshot_close(snapshot);
  check_untouched();
}

/* A frame that is not the one that was counted on. Opening the -wal file is
** harmless; it carries no locks. */
static void a_frame_is_lost(void **state) {
  (void)state;
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 20);
  pk_snapshot *snapshot = open_snapshot("main");
  check_facts(snapshot, "direct", "");
  char *wal = sqlite3_mprintf("%s-wal", database);
  int fd = open(wal, O_RDWR);
  for (off_t frame = 32; pwrite(fd, "salt", 4, frame + 8) == 4; frame += 4120)
    if (frame > 4120 * 40) break;
  close(fd);
  sqlite3_free(wal);
  image read;
  pk_error error = PK_NO_ERROR;
  assert_int_equal(try_read(snapshot, &read, 3, &error), PK_SNAPSHOT_LOST);
  pk_error_clear(&error);
  assert_int_equal(pk_snapshot_spool(snapshot, &error), PK_SNAPSHOT_LOST);
  pk_error_clear(&error);
  pk_snapshot_close(snapshot);
  check_untouched();
  sqlite3_free(read.bytes);
}

static int copying; /* what came of it */

/* SELECT interrupt_and_copy(reason): is interrupted before it copies. */
static void interrupt_and_copy(sqlite3_context *context, int count,
                               sqlite3_value **values) {
  (void)count;
  pk_snapshot *snapshot;
  pk_error error = PK_NO_ERROR;
  const char *reason = (const char *)sqlite3_value_text(values[0]);
  if (reason) sqlite3_interrupt(db);
  int rc =
      pk_snapshot_open(&snapshot, db, "main", beside, reason, NULL, &error);
  if (!reason) sqlite3_interrupt(db);
  if (rc == SQLITE_OK) rc = pk_snapshot_spool(snapshot, &error);
  pk_snapshot_close(snapshot);
  pk_error_clear(&error);
  sqlite3_result_null(context);
  copying = rc;
}

static void an_interrupt(void **state) {
  (void)state;
  fill(db, "main", 3000);
  sqlite3_create_function(db, "interrupt_and_copy", 1, SQLITE_UTF8, NULL,
                          interrupt_and_copy, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    sqlite3_exec(db,
                 i ? "SELECT interrupt_and_copy(NULL)"
                   : "SELECT interrupt_and_copy('forced')",
                 NULL, NULL, NULL);
    assert_int_equal(copying, SQLITE_INTERRUPT);
    assert_int_equal(files("prodkit-part", false), 0);
    check_untouched();
  }
  check_snapshot("main", "direct", "");
}

static int ignore_pragmas(void *unused, int action, const char *one,
                          const char *two, const char *three,
                          const char *four) {
  (void)unused, (void)one, (void)two, (void)three, (void)four;
  return action == SQLITE_PRAGMA ? SQLITE_IGNORE : SQLITE_OK;
}

static void an_authorizer(void **state) {
  (void)state;
  fill(db, "main", 10);
  sqlite3_set_authorizer(db, ignore_pragmas, NULL);
  pk_snapshot *snapshot;
  pk_error error = PK_NO_ERROR;
  assert_int_equal(try_open(&snapshot, "main", &error), SQLITE_AUTH);
  pk_error_clear(&error);
  pk_snapshot_close(snapshot);
  check_untouched();
}

static void no_room_beside(void **state) {
  (void)state;
  fill(db, "main", 10);
  pk_snapshot *snapshot;
  pk_error error = PK_NO_ERROR;
  assert_int_equal(pk_snapshot_open(&snapshot, db, "main", "/nowhere/at/all.db",
                                    "forced", NULL, &error),
                   SQLITE_CANTOPEN);
  assert_non_null(error.message);
  pk_error_clear(&error);
  pk_snapshot_close(snapshot);
  check_untouched();
}

/* ---- tests: the wal-index ---- */

static void wal_header(void **state) {
  (void)state;
  pk_wal wal;
  pk_wal_header before, after;
  pk_wal_map map;
  const char *obstacle;
  pk_error error = PK_NO_ERROR;
  assert_int_equal(pk_wal_find(&wal, db, "main", &obstacle, &error), SQLITE_OK);
  assert_null(wal.log);
  assert_null(obstacle);

  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 10);
  run(other, "BEGIN; SELECT count(*) FROM t");
  assert_int_equal(pk_wal_find(&wal, db, "main", &obstacle, &error), SQLITE_OK);
  assert_null(obstacle);
  assert_int_equal(pk_wal_header_read(&wal, &before), SQLITE_OK);
  assert_int_equal(before.page_size, 4096);
  assert_int_equal(pk_wal_bytes(&wal), 32 + before.last_frame * (4096 + 24));
  assert_int_equal(before.backfilled, 0);
  bool marked = false;
  for (int i = 0; i < PK_WAL_READ_MARKS; i++)
    marked = marked || before.read_mark[i] == before.last_frame;
  assert_true(marked);
  run(other, "COMMIT");
  check_untouched();

  assert_int_equal(pk_wal_map_read(&wal, &before, &map), SQLITE_OK);
  assert_true(map.count <= before.last_frame);
  assert_int_equal(pk_wal_map_seek(&map, 1), 0);
  assert_int_equal(map.places[0].page, 1);
  assert_int_equal(pk_wal_map_seek(&map, UINT32_MAX), map.count);
  pk_wal_map_free(&map);

  run(other, "PRAGMA wal_checkpoint");
  assert_int_equal(pk_wal_header_read(&wal, &after), SQLITE_OK);
  assert_true(pk_wal_header_same(&before, &after));
  assert_int_equal(after.backfilled, after.last_frame);
  fill(other, "main", 1);
  assert_int_equal(pk_wal_header_read(&wal, &after), SQLITE_OK);
  assert_false(pk_wal_header_same(&before, &after));

  after.last_frame = PK_WAL_MOST_FRAMES + 1;
  after.backfilled = 0;
  assert_int_equal(pk_wal_map_read(&wal, &after, &map), SQLITE_TOOBIG);
}

/* Each frame, across the regions of the index, is where the map says. */
static void wal_frames(void **state) {
  (void)state;
  pk_wal wal;
  pk_wal_header header;
  pk_wal_map map;
  const char *obstacle;
  char page[512];
  pk_error error = PK_NO_ERROR;
  run(db, "PRAGMA page_size = 512; PRAGMA journal_mode = WAL");
  run(db, "PRAGMA wal_autocheckpoint = 0");
  fill(db, "main", 5000);
  assert_int_equal(pk_wal_find(&wal, db, "main", &obstacle, &error), SQLITE_OK);
  assert_int_equal(pk_wal_header_read(&wal, &header), SQLITE_OK);
  uint32_t frames = header.last_frame;
  assert_true(frames > 2 * 4096);
  for (uint32_t frame = 1; frame <= frames; frame++) {
    header.backfilled = frame - 1;
    header.last_frame = frame;
    assert_int_equal(pk_wal_map_read(&wal, &header, &map), SQLITE_OK);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.places->frame, frame);
    assert_int_equal(pk_wal_frame_read(&wal, &header, *map.places, page),
                     SQLITE_OK);
    pk_wal_map_free(&map);
  }
  pk_wal_place beyond = {.page = 1, .frame = frames + 1};
  assert_int_equal(pk_wal_frame_read(&wal, &header, beyond, page),
                   SQLITE_PROTOCOL);
}

/* ---- tests: memory runs out ---- */

static sqlite3_mem_methods host_memory;
static int allocations_left = -1; /* -1: no limit */

static void *limited_malloc(int bytes) {
  if (allocations_left == 0) return NULL;
  if (allocations_left > 0) allocations_left--;
  return host_memory.xMalloc(bytes);
}

static void *limited_realloc(void *block, int bytes) {
  if (allocations_left == 0) return NULL;
  if (allocations_left > 0) allocations_left--;
  return host_memory.xRealloc(block, bytes);
}

static void limit_memory(void) {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &host_memory);
  sqlite3_mem_methods limited = host_memory;
  limited.xMalloc = limited_malloc;
  limited.xRealloc = limited_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &limited);
}

/* Allows one allocation more each time, until all goes well. */
static void out_of_memory(void **state) {
  (void)state;
  static const char *const reasons[] = {NULL, "forced"};
  run(db, "PRAGMA journal_mode = WAL");
  fill(db, "main", 50);
  for (int i = 0; i < 2; i++) {
    int rc = SQLITE_NOMEM;
    for (int allowed = 0; rc != SQLITE_OK; allowed++) {
      pk_snapshot *snapshot;
      pk_error error = PK_NO_ERROR;
      allocations_left = allowed;
      rc = pk_snapshot_open(&snapshot, db, "main", beside, reasons[i], NULL,
                            &error);
      if (rc == SQLITE_OK) rc = pk_snapshot_spool(snapshot, &error);
      bool spared = allocations_left > 0;
      allocations_left = -1;
      pk_snapshot_close(snapshot);
      pk_error_clear(&error);
      assert_true(rc == SQLITE_OK || !spared);
      assert_true(allowed < 10000);
      check_untouched();
    }
  }
  check_snapshot("main", "direct", "");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(each_format),
      TEST(reserved_bytes),
      TEST(log_half_copied_back),
      TEST(writers_go_on_in_wal_mode),
      TEST(writers_wait_for_a_rollback_journal),
      TEST(large_offsets),
      TEST(names_and_links),
      TEST(read_only_ways),
      TEST(empty_database),
      TEST(out_of_range),
      TEST(without_a_file),
      TEST(exclusive_locking),
      TEST(another_vfs),
      TEST(shared_cache),
      TEST(another_page_one),
      TEST(on_request),
      TEST(write_transaction),
      TEST(unknown_schema),
      TEST(read_transaction),
      TEST(commits_without_a_pause),
      TEST(waits_for_a_lock),
      TEST(a_frame_is_lost),
      TEST(an_interrupt),
      TEST(an_authorizer),
      TEST(no_room_beside),
      TEST(wal_header),
      TEST(wal_frames),
      TEST(out_of_memory),
  };
  limit_memory();
  return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
