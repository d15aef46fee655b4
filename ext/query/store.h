/*
** store.h: what was recorded of statements, for the whole process.
**
** An entry for each fingerprint and database file, and the last slow
** executions. Connections add to it from their hooks (watch.h), the tables of
** this folder show it.
**
** Bounded: at most max_entries entries of about 1.4 KB plus the texts, which
** are cut (PK_FORM_BYTES) or left out (PK_SAMPLE_BYTES). When they are used up,
** the twentieth of them with the least total time goes at once, so that making
** room is cheap for each statement; how many went is counted.
**
** Locking: one mutex, held while executions are added (some hundred
** instructions each; connections bring several at a time, so that they seldom
** meet) and while entries are copied for reading. No SQL is run and no other
** mutex is taken under it. It is a mutex of the system's, since hosts built
** with SQLITE_THREADSAFE=0 have none to give.
**
** The store is never freed: the library stays loaded (prodkit.c).
*/
#ifndef PK_STORE_H
#define PK_STORE_H

#include <stdbool.h>

#include "../base/error.h"
#include "latencies.h"

/* Longest form that is kept, with its NUL; longer ones are cut. */
#define PK_FORM_BYTES 4096

/* Longest statement that is kept as it was run, with its NUL. */
#define PK_SAMPLE_BYTES 8192

/* What is counted for each execution. */
typedef enum pk_counter {
  PK_ROWS, /* returned or, by a statement that writes, changed */
  PK_VM_STEPS,
  PK_FULLSCAN_STEPS,
  PK_SORTS,
  PK_AUTOINDEX_ROWS,
  PK_REPREPARES,
  PK_CACHE_HITS,
  PK_CACHE_MISSES,
  PK_COUNTERS /* how many there are */
} pk_counter;

typedef struct pk_execution {
  sqlite3_int64 at; /* its end, seconds since 1970 */
  sqlite3_int64 nanoseconds;
  sqlite3_int64 counters[PK_COUNTERS];
  bool readonly;
} pk_execution;

/* The main database of a connection. */
typedef struct pk_database {
  char *file; /* absolute path; "" where it is in memory or temporary */
  sqlite3_uint64 hash;
} pk_database;

typedef struct pk_entry {
  sqlite3_uint64 fingerprint;
  pk_database database;
  char *form;
  char *sample; /* one statement of this form as it was run; may be NULL */
  bool readonly;
  sqlite3_int64 calls;
  sqlite3_int64 total_ns, min_ns, max_ns;
  double squares; /* sum of the squared durations, ns² */
  sqlite3_int64 counters[PK_COUNTERS];
  sqlite3_int64 most_fullscan_steps;   /* in one call */
  sqlite3_int64 fullscan_calls;        /* calls with any */
  sqlite3_int64 first_seen, last_seen; /* seconds since 1970 */
  pk_latencies latencies;
} pk_entry;

typedef struct pk_slow {
  sqlite3_uint64 fingerprint;
  char *database;
  char *form;
  char *sample;  /* as it was run; NULL where it is too long */
  bool literals; /* the sample may be shown */
  pk_execution run;
} pk_slow;

typedef struct pk_store_settings {
  sqlite3_int64 max_entries;
  double slow_ms;
  sqlite3_int64 slow_entries; /* how many executions the slow log keeps */
  int literals;
  int page_cache; /* count hits and misses */
} pk_store_settings;

typedef struct pk_store_state {
  pk_store_settings settings;
  sqlite3_int64 entries, slow;
  sqlite3_int64 evicted; /* entries, for want of room */
  sqlite3_int64 lost;    /* executions, for want of memory */
  sqlite3_int64 since;   /* seconds since 1970: the first start or last reset */
} pk_store_state;

/* Where an entry stands. It does until entries are dropped, when a new
** generation begins. Zeroed: not known. */
typedef struct pk_place {
  int index;
  unsigned generation;
} pk_place;

/* An execution of a statement whose entry is there already. */
typedef struct pk_record {
  sqlite3_uint64 fingerprint;
  pk_place place;
  pk_execution run;
} pk_record;

/* Must this execution be added at once, with its text? Else it may wait for
** others as a pk_record. Takes no lock. */
bool pk_store_needs_text(const pk_place *place, const pk_execution *run);

/* Are page cache hits and misses to be counted? Takes no lock. */
bool pk_store_wants_page_cache(void);

/* Adds an execution of `sql`, whose fingerprint the caller knows, and tells the
** place of its entry. */
void pk_store_add(const pk_database *database, const char *sql,
                  sqlite3_uint64 fingerprint, const pk_execution *run,
                  pk_place *place);

/* Adds executions. Those whose entry was dropped meanwhile are lost. */
void pk_store_add_records(const pk_database *database, const pk_record *records,
                          int count);

pk_store_state pk_store_look(void);
int pk_store_configure(const pk_store_settings *settings, pk_error *error);

/* Forgets all entries and slow executions; the settings stay. */
void pk_store_reset(void);

/* Copies of all entries, the greatest total time first, as an array of
** pointers; and of the slow executions, the latest first. */
int pk_store_entries(pk_entry ***entries, int *count, pk_error *error);
int pk_store_slow(pk_slow **slow, int *count, pk_error *error);

/* Adds entries to those of the same fingerprint and file. Takes over the
** entries, but not the array. */
int pk_store_merge(pk_entry **entries, int count, pk_error *error);

void pk_entry_free(pk_entry *entry);
void pk_entries_free(pk_entry **entries, int count);
void pk_slow_free(pk_slow *slow, int count);

sqlite3_uint64 pk_store_hash(const char *text);

#endif
