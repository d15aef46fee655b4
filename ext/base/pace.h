/*
** pace.h: how fast a long job may go, when it must stop, and how far it is.
**
** A job that copies many bytes calls pk_pace_step after each chunk. There it
** hears of an interrupt (Ctrl-C in the shell), runs into its time limit, waits
** for its rate limit, and shows its progress on stderr, if that is a terminal:
**
**     backing up app.db   43 %   1.2 of 2.8 GB   310 MB/s   5 s left
**
** The wait is in slices of 20 ms, so that an interrupt ends it promptly.
*/
#ifndef PK_PACE_H
#define PK_PACE_H

#include <stdbool.h>

#include "error.h"
#include "options.h"

/* What a user may say of it. */
typedef struct pk_pace_options {
  double max_seconds;
  double rate_mb_per_second;
  int progress;
} pk_pace_options;

/* Rows for the options of a feature whose struct has one of these, `pace`. */
/* clang-format off */
#define PK_PACE_OPTIONS(type)                                               \
  {"max_seconds", PK_REAL, offsetof(type, pace.max_seconds),                \
   .summary = "give up after so many seconds (0: never)"},                  \
  {"rate_mb_per_second", PK_REAL, offsetof(type, pace.rate_mb_per_second),  \
   .summary = "go no faster than so many MB per second (0: no limit)"},     \
  {"progress", PK_BOOLEAN, offsetof(type, pace.progress),                   \
   .summary = "a progress line on stderr, where that is a terminal (false)"}
/* clang-format on */

typedef struct pk_pace {
  sqlite3 *db;         /* whose interrupts count */
  const char *doing;   /* "backing up app.db", for the progress line */
  double max_seconds;  /* 0: no limit */
  double rate_bytes;   /* bytes per second; 0: no limit */
  bool progress;       /* show the line, if stderr is a terminal */
  sqlite3_int64 total; /* bytes of the whole job; 0: not known */
  sqlite3_int64 done;  /* so far */
  double began;        /* set by pk_pace_begin; seconds of the clock */
  double shown;        /* when the line was last written */
} pk_pace;

/* A pace with these limits, before it begins. */
pk_pace pk_pace_of(sqlite3 *db, const char *doing,
                   const pk_pace_options *options);

/* Starts the clock. */
void pk_pace_begin(pk_pace *pace);

/* `bytes` more are done. Fails when the job is to stop: SQLITE_INTERRUPT after
** an interrupt, SQLITE_ERROR when its time is over. */
int pk_pace_step(pk_pace *pace, sqlite3_int64 bytes, pk_error *error);

/* The same for work that does not count as progress and does not wait for the
** rate limit: it hears of an interrupt and of the time limit. */
int pk_pace_check(const pk_pace *pace, pk_error *error);

/* Ends the progress line. Due in every case; harmless when repeated. */
void pk_pace_end(pk_pace *pace);

#endif
