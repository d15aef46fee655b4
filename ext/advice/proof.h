/*
** proof.h: a private copy of the data, on which indexes are built and
** statements are really run.
**
** What an index is worth is known only from running: by the planner's costs and
** by the counters of the virtual machine, an index that makes a statement ten
** times slower can look like a gain, since fetching row by row through it reads
** far more pages. So the verdict is the time of real runs together with the
** pages that they requested (SQLITE_DBSTATUS_CACHE_HIT and _MISS). The time is
** that of the processor, which other work on the machine hardly disturbs.
**
** The copy is a temporary database of SQLite's own, filled by sqlite3_backup,
** or by sample_copy.h with a part of the rows: it has no name, and is gone when
** it is closed or the process ends. Statements that write are not run. Triggers
** and foreign keys are off, as some hosts have these on from the beginning. Of
** a statement with parameters typical values of the compared columns are taken
** (samples.h).
**
** An index is built once. When it is not wanted, its row is moved out of the
** copy's sqlite_schema, so that it is not there for the planner, while its
** b-tree stays; moving the row back is all it takes to have it again. Nothing
** is written to a table meanwhile, but by insert_cost.h, which leaves the same
** rows as before.
*/
#ifndef PK_PROOF_H
#define PK_PROOF_H

#include "candidates.h"
#include "samples.h"

typedef struct pk_timing {
  double ms;           /* of the processor, for the fastest run */
  sqlite3_int64 pages; /* requested from the page cache */
  bool stopped;        /* it took longer than it was given */
} pk_timing;

typedef struct pk_proof {
  sqlite3 *db;
  const pk_what_if *copy;
  double deadline; /* of all that is done here; of the clock pk_seconds */
  double stop_at;  /* of the statement that is running; of the thread's clock */
  bool stops_when_late; /* what runs may not outlast the deadline */
  int one_in;    /* of the rows of large tables, one in so many is there */
  int looks;     /* at the clock, since the last one at the user */
  bool analyzed; /* all has statistics, which the original lacks */
} pk_proof;

/* Copies the schema, for `one_in` above 1 with a part of the rows, or fails:
** where it cannot be read at the moment, where the disk is full, where the
** deadline came first, or where the host's SQLite cannot stop a statement.
** pk_proof_close is due in every case. */
int pk_proof_open(pk_proof *proof, const pk_what_if *copy, int one_in,
                  double deadline, pk_error *error);
void pk_proof_close(pk_proof *proof);

/* Gives the copy the page cache again that it had at first. */
int pk_proof_use_cache(pk_proof *proof, pk_error *error);

bool pk_proof_is_late(const pk_proof *proof);

/* When a share of the time that is left is over, by the clock pk_seconds. */
double pk_proof_share(const pk_proof *proof, double share);

/* ANALYZE of a table, or of all for NULL, unless the deadline comes first; and
** back to the statistics that were there before. */
int pk_proof_analyze(pk_proof *proof, const pk_copied_table *table, bool *done,
                     pk_error *error);
int pk_proof_undo_analyze(pk_proof *proof, pk_error *error);

/* Builds an index, and measures the size that it has with all rows; it gets
** statistics where its table has some. It is there until it is put aside. Where
** the deadline comes first, it is not built. */
int pk_proof_build(pk_proof *proof, pk_candidate *index, bool *built,
                   pk_error *error);

/* As if ANALYZE had never been run; for good. */
int pk_proof_forget_statistics(pk_proof *proof, pk_error *error);

/* pk_proof_settle makes the planner see what was put aside and brought back. */
int pk_proof_put_aside(pk_proof *proof, const char *index, pk_error *error);
int pk_proof_bring_back(pk_proof *proof, const char *index, pk_error *error);
int pk_proof_settle(pk_proof *proof, pk_error *error);

/* The lines of EXPLAIN QUERY PLAN, from sqlite3_malloc; NULL after a failure. */
int pk_proof_plan(pk_proof *proof, const char *sql, char **plan,
                  pk_error *error);

/* Runs a statement that only reads: several times, if it is quick, and no
** longer than `most_seconds`. */
int pk_proof_time(pk_proof *proof, const char *sql, const pk_samples *samples,
                  double most_seconds, pk_timing *timing, pk_error *error);

#endif
