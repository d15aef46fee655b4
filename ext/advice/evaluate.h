/*
** evaluate.h: what the workload takes with some set of indexes. For select.c.
**
** A statement is run only with a plan that it was not run with yet, and no
** longer than can matter.
*/
#ifndef PK_EVALUATE_H
#define PK_EVALUATE_H

#include "select.h"

/* A run that was made: a statement with a plan takes so long. */
typedef struct pk_known_run {
  int statement;
  char *plan;
  pk_timing timing;
} pk_known_run;

/* A candidate on the copy. */
typedef struct pk_slot {
  bool wanted, built, present;
  bool kept; /* wanted, while something else is measured */
} pk_slot;

/* The workload with some set of indexes. */
typedef struct pk_outcome {
  double cost;   /* ms of all statements, weighted by calls */
  bool complete; /* all statements were run to their end */
  int spoiler;   /* the statement that loses most; -1 for none */
  pk_timing *timings;
} pk_outcome;

typedef struct pk_select_state {
  pk_known_run *known;
  int known_count;
  pk_slot *slots;     /* for each candidate of the pool */
  int *heard;         /* for each statement: up to which audition */
  bool *told;         /* and whether it was one of the last that were heard */
  pk_outcome current; /* with the accepted ones */
  pk_outcome trial;
  int round;
  double *insert_seconds; /* for each table, with no new index; below 0 where it
                          ** cannot be measured, 0 until it is */
} pk_select_state;

/* Zeroed memory for so many elements and one more. */
void *pk_zeroed(int count, size_t size);

/* Of one run, in ms: its time, and what its pages may add. */
double pk_cost_of(const pk_timing *timing);

/* Does a statement take over a tenth longer than before? */
bool pk_is_slower(const pk_timing *now, const pk_timing *before);

/* How long may a run take, if the statement takes so long now? */
double pk_most_seconds(const pk_selection *of, const pk_timing *now);

/* Runs a statement, unless it was run with the same plan. */
int pk_time_statement(pk_selection *of, int number, double most,
                      pk_timing *timing, pk_error *error);

/* Marks the accepted indexes, and no others, as wanted. */
void pk_want_accepted(pk_selection *of);
sqlite3_int64 pk_wanted_bytes(const pk_selection *of);
int pk_wanted_count(const pk_selection *of);

/* Builds what is wanted, and puts aside what is not. After the deadline nothing
** is built. */
int pk_provide_wanted(pk_selection *of, pk_error *error);

/* Times all statements with the indexes that are wanted. It is given up when it
** must cost more than `most`: then the outcome is not complete. After the
** deadline nothing is run. */
int pk_evaluate(pk_selection *of, double most, pk_outcome *out,
                pk_error *error);

/* How many statements are slower than before all advice, and which loses most?
** -1 for none. */
int pk_count_slower(const pk_selection *of, const pk_outcome *with);
int pk_slowest(const pk_selection *of, const pk_outcome *with);

/* How often does the workload write to a table? */
double pk_writes_to(const pk_selection *of, const pk_copied_table *table);

/* How much longer inserting into a table takes with the indexes that are wanted
** than with none of the pool: 1 for the same time, 0 where it cannot be
** measured. */
int pk_insert_ratio(pk_selection *of, const pk_copied_table *table,
                    double *ratio, pk_error *error);

/* The outcome of the trial becomes the current one. */
void pk_keep_outcome(pk_selection *of);

#endif
