/*
** advice.h: the rows of prod_index_advice, and the parts that make them.
*/
#ifndef PK_ADVICE_H
#define PK_ADVICE_H

#include "../base/table.h"
#include "candidates.h"
#include "select.h"
#include "workload.h"

/* In the order of the words in the option's declaration. */
typedef enum pk_proof_kind {
  PK_BY_SIZE,
  PK_NO_PROOF,
  PK_SAMPLE,
  PK_COPY
} pk_proof_kind;

/* What was asked for. */
typedef struct pk_request {
  pk_limits limits;
  double max_seconds;
  int proof; /* a pk_proof_kind */
  int show_rejected;
  int captured; /* the captured statements are the workload, if none is given */
  char *schema;
  char *workload_table;
  char *workload_file;
} pk_request;

typedef struct pk_advice {
  const char *action, *ddl, *undo_ddl, *table, *columns, *kind;
  int queries;                /* 0: NULL */
  double calls;               /* 0: NULL */
  double before_ms, after_ms; /* below 0: NULL, both */
  sqlite3_int64 before_pages, after_pages;
  sqlite3_int64 bytes;     /* 0: NULL */
  double write_cost_ratio; /* 0: NULL */
  const char *verified, *reason, *warnings;
} pk_advice;

typedef struct pk_advice_rows {
  pk_rows *rows;
  int count;
} pk_advice_rows;

void pk_advise(pk_advice_rows *out, const pk_advice *advice);

/* CREATE INDEX, for a candidate that the planner was seen to use; what was
** measured of it is in *measured, NULL for nothing. */
int pk_advise_create(pk_advice_rows *out, const pk_what_if *copy,
                     const pk_candidate *index, const char *reason,
                     const pk_advice *measured, pk_error *error);

/* DROP INDEX, for one that exists: table, name and ddl of it are set, and what
** is to be said in `row`: kind, verified, reason, warnings. */
int pk_advise_drop(pk_advice_rows *out, const pk_what_if *copy,
                   pk_candidate *index, pk_advice row, pk_error *error);

/* "50,123 rows", or "about 1,200,000 rows"; from sqlite3_malloc. */
char *pk_rows_in_words(const pk_copied_table *table);

/* One look at a workload. */
typedef struct pk_review {
  const pk_request *request;
  pk_what_if *copy;
  pk_workload *workload;
  pk_shadow shadow;
  pk_candidates pool;     /* the accepted ones are marked */
  pk_candidate_sets sets; /* of the pool, to be tried together */
  pk_proof proof;
  pk_selection selection; /* evidence is NULL where nothing was run */
  pk_candidates unused;   /* existing ones, that no statement uses */
  bool no_room;           /* for a copy of all */
  char *unproven;         /* why nothing was run, though it was asked for */
} pk_review;

/* review.c: which indexes would serve the workload. */
int pk_review_workload(pk_review *review, pk_error *error);
void pk_review_free(pk_review *review);

/* unused.c: what the statements use, to be noted before an index is tried; then
** which indexes are unused, which takes them out of the proof; then what each
** adds to writing; and the rows. */
int pk_note_uses(pk_review *review, pk_error *error);
int pk_find_unused(pk_review *review, pk_error *error);
int pk_measure_unused(pk_review *review, pk_error *error);
int pk_report_unused(pk_advice_rows *out, pk_review *review,
                     const char *verified, pk_error *error);

/* report.c: the rows about it. */
int pk_report(pk_advice_rows *out, pk_review *review, pk_error *error);

/* audit.c: lists the indexes that exist now in the temporary table
** prodkit_listed of the private copy: the columns of existing.h, and
** is_settled: a new index replaces it. To be done before an index is tried
** there. */
int pk_list_indexes(pk_what_if *copy, pk_error *error);

/* audit.c: which of them are of no use beside others. */
int pk_advise_on_indexes(pk_advice_rows *out, pk_what_if *copy,
                         pk_error *error);

/* audit.c: which are missing under foreign keys. */
int pk_advise_on_foreign_keys(pk_advice_rows *out, pk_what_if *copy,
                              pk_error *error);

#endif
