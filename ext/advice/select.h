/*
** select.h: which of the candidates are worth having, by running the workload
** with and without them on a copy of the data (proof.h).
**
** The Extend algorithm (Schlosser, Kossmann, Boissier: Efficient Scalable
** Multi-Attribute Index Selection Using Recursive Strategies, ICDE 2019): from
** no index on, each round takes the step that saves most for each byte that it
** adds. A step adds an index, or a few that serve one statement together, or
** replaces a chosen index by a wider one. It ends when a step saves less than
** min_gain_ratio of what the workload still takes, and makes no statement ten
** times as fast of which it is not known how often it runs, or at the limits. Then each
** chosen index is left out once, and for good if nothing is lost.
**
** Each step is first tried on the statements that it is proposed for, the most
** expensive statement first, and stopped when it is no better than the best so
** far. Steps are then tried on the whole workload lazily: what one saved before
** is taken as the most that it can save now, so that only the best few are
** tried again in a round. A statement is run again only if its plan is one that
** it was not run with yet.
**
** A step with which a statement would take over a tenth longer than before all
** advice is not taken. It is tried together with an index for that statement.
** Nor is a second new index taken for a table, where inserting would then take
** over max_write_cost_ratio times as long as with no new index (insert_cost.h),
** unless it makes a statement ten times as fast, or the workload tells how
** often it writes to the table.
**
** Statistics that are missing are gathered first, unless they alone make a
** statement slower. Then the steps are taken without, and in the end it is seen
** whether all is better with them after all, or with those of some tables.
*/
#ifndef PK_SELECT_H
#define PK_SELECT_H

#include "proof.h"
#include "workload.h"

typedef struct pk_limits {
  sqlite3_int64 max_indexes;
  sqlite3_int64 budget_bytes; /* of all new indexes together */
  double min_gain_ratio;
  double max_write_cost_ratio;
} pk_limits;

/* Indexes of the pool that are tried together, by their numbers. */
#define PK_MOST_TOGETHER 4

typedef struct pk_candidate_set {
  int members[PK_MOST_TOGETHER];
  int count;
  double saved; /* ms of the statements that it is proposed for */
  double ratio; /* ms saved for each byte, when last tried */
  int tried_in; /* the round */
} pk_candidate_set;

/* A set is proposed for a statement. */
typedef struct pk_audition {
  int set, statement;
} pk_audition;

typedef struct pk_candidate_sets {
  pk_candidate_set *items;
  int count;
  pk_audition *auditions;
  int audition_count;
} pk_candidate_sets;

/* What was measured of a statement. */
typedef struct pk_evidence {
  pk_samples samples;
  bool runs;               /* it was measured at all */
  pk_timing before, after; /* without and with the advice */
  pk_timing analyzed;      /* with statistics, where they were refused */
} pk_evidence;

/* Statistics that serve: those of a table, or of all where it is NULL. */
typedef struct pk_analysis {
  const pk_copied_table *table;
  double before_ms, after_ms; /* one run of each statement */
} pk_analysis;

typedef struct pk_selection {
  pk_proof *proof;
  pk_workload *workload;
  pk_candidates *pool;
  pk_candidate_sets *sets;
  pk_limits limits;

  /* what comes out */
  pk_evidence *evidence; /* for each statement of the workload */
  pk_analysis *analyses;
  int analysis_count;
  int not_run; /* statements for which there was no time */
  bool late;   /* the deadline came before all steps were tried */
  struct pk_select_state *state;
} pk_selection;

/* Marks candidates of the pool as accepted, sets the plans `after` of the
** workload and the evidence. pk_selection_free is due in every case. */
int pk_select(pk_selection *selection, pk_error *error);
void pk_selection_free(pk_selection *selection);

/* Does a statement take longer with the advice, by more than a tenth? Would it
** with the statistics that were refused? */
bool pk_select_slows(const pk_selection *selection, int statement);
bool pk_select_statistics_slow(const pk_selection *selection, int statement);

/* How much longer inserting into a table takes with the accepted indexes: 1 for
** the same time, 0 where it could not be measured. */
int pk_select_write_cost(pk_selection *selection, const pk_copied_table *table,
                         double *ratio, pk_error *error);

/* Would all statements do as well without an index that exists? */
int pk_select_spares(pk_selection *selection, const char *index, bool *spared,
                     pk_error *error);

/* Would any statement be planned otherwise without the statistics? They are
** gone then. */
int pk_select_needs_statistics(pk_selection *selection, bool *needed,
                               pk_error *error);

#endif
