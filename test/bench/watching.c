/*
** watching.c: what watching statements costs an application.
**
**     build/release/test/bench/watching PRODKIT DATABASE HOW THREADS ROUNDS
**
** Point reads by primary key on a WAL-mode file database, each thread on a
** connection of its own; HOW is `once` for a statement that is prepared once,
** `each` for one that is prepared each time. Rounds with and without
** prod_stats_start() take turns, since a machine's speed varies from minute to
** minute, and neighbours are compared: prints the nanoseconds for each read of
** the best round without and with, and the median of what the throughput fell
** by from one round to the next, as a ratio.
**
** A program of its own because an interpreter's own cost would hide that of the
** hook.
*/
#define _GNU_SOURCE /* clock_gettime */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 100000
#define READS 5000 /* of each thread in a round */
#define MOST_THREADS 64
#define MOST_ROUNDS 10000

static const char query[] = "SELECT name FROM customers WHERE id = ?";

typedef struct reader {
  sqlite3 *db;
  sqlite3_stmt *prepared; /* NULL: prepare each time */
  unsigned next;          /* of a fixed sequence of ids */
} reader;

static void check(int rc, sqlite3 *db) {
  if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) return;
  fprintf(stderr, "watching: %s\n", sqlite3_errmsg(db));
  exit(1);
}

static void run(sqlite3 *db, const char *sql) {
  check(sqlite3_exec(db, sql, NULL, NULL, NULL), db);
}

static sqlite3 *open_database(const char *path, const char *prodkit) {
  sqlite3 *db;
  check(sqlite3_open(path, &db), db);
  check(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL),
        db);
  check(sqlite3_load_extension(db, prodkit, NULL, NULL), db);
  return db;
}

static void make_database(const char *path, const char *prodkit) {
  sqlite3 *db = open_database(path, prodkit);
  char *insert = sqlite3_mprintf(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      "WHERE i < %d) INSERT INTO customers "
      "SELECT i, 'customer ' || i, hex(randomblob(30)) FROM n",
      ROWS);
  run(db, "PRAGMA journal_mode = wal");
  run(db, "CREATE TABLE customers(id INTEGER PRIMARY KEY, name, email)");
  run(db, insert);
  run(db, "PRAGMA wal_checkpoint(truncate)");
  sqlite3_free(insert);
  sqlite3_close(db);
}

static void read_one(reader *one) {
  sqlite3_stmt *statement = one->prepared;
  if (!statement)
    check(sqlite3_prepare_v2(one->db, query, -1, &statement, NULL), one->db);
  one->next = one->next * 1664525u + 1013904223u;
  sqlite3_bind_int(statement, 1, (int)(one->next >> 8) % ROWS + 1);
  check(sqlite3_step(statement), one->db);
  sqlite3_column_text(statement, 0);
  if (one->prepared)
    sqlite3_reset(statement);
  else
    sqlite3_finalize(statement);
}

static void *read_many(void *context) {
  for (int i = 0; i < READS; i++) read_one(context);
  return NULL;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Nanoseconds for each read, of all threads together. */
static double measure(reader *readers, int threads) {
  pthread_t ids[MOST_THREADS];
  double began = seconds();
  for (int i = 0; i < threads; i++)
    if (pthread_create(&ids[i], NULL, read_many, &readers[i]) != 0) exit(1);
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  return (seconds() - began) * 1e9 / ((double)READS * threads);
}

static void on_all(reader *readers, int threads, const char *sql) {
  for (int i = 0; i < threads; i++) run(readers[i].db, sql);
}

static int by_value(const void *a, const void *b) {
  double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static void compare(reader *readers, int threads, int rounds) {
  static double falls[MOST_ROUNDS];
  double least_without = 1e18, least_with = 1e18;
  measure(readers, threads); /* warm up */
  for (int round = 0; round < rounds; round++) {
    double without = measure(readers, threads);
    on_all(readers, threads, "SELECT prod_stats_start()");
    double with = measure(readers, threads);
    on_all(readers, threads, "SELECT prod_stats_stop()");
    if (without < least_without) least_without = without;
    if (with < least_with) least_with = with;
    falls[round] = 1 - without / with;
  }
  qsort(falls, (size_t)rounds, sizeof *falls, by_value);
  printf("%.0f %.0f %.4f\n", least_without, least_with, falls[rounds / 2]);
}

int main(int count, char **words) {
  static reader readers[MOST_THREADS];
  if (count != 6) return 2;
  int once = strcmp(words[3], "once") == 0;
  int threads = atoi(words[4]), rounds = atoi(words[5]);
  if (threads < 1 || threads > MOST_THREADS) return 2;
  if (rounds < 1 || rounds > MOST_ROUNDS) return 2;
  make_database(words[2], words[1]);
  for (int i = 0; i < threads; i++) {
    reader *one = &readers[i];
    one->db = open_database(words[2], words[1]);
    one->next = (unsigned)i;
    if (once)
      check(sqlite3_prepare_v2(one->db, query, -1, &one->prepared, NULL),
            one->db);
  }
  compare(readers, threads, rounds);
  for (int i = 0; i < threads; i++) {
    sqlite3_finalize(readers[i].prepared);
    check(sqlite3_close(readers[i].db), readers[i].db);
  }
  return 0;
}
