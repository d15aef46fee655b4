/*
** candidates.h: the indexes that could serve an access to a table.
**
** An index begins with the columns compared for equality, the most selective
** one first (measured on a sample), and goes on with the column of a range or
** with the columns of the order. Where that alone would not pay, because too
** many rows are found and each has to be fetched from the table, the other
** columns that the statement reads are added, so that the index covers it.
**
** For a proof by execution they are proposed generously: with and without the
** columns that make them covering, and also where fetching would not seem to
** pay. Which of them SQLite would use is found out in the private copy of the
** schema (what_if.h), what they are worth on a copy of the data (proof.h).
*/
#ifndef PK_CANDIDATES_H
#define PK_CANDIDATES_H

#include "accesses.h"

#define PK_FEW_ROWS 100 /* a table with fewer rows needs no index */
#define PK_MOST_KEY 8   /* no candidate has more columns */

/* Fetching rows one by one through an index is slower than reading a table
** from end to end, unless few are fetched: at most this share of it. */
#define PK_MOST_SHARE 0.1

#define PK_EXPRESSION -2 /* instead of a column's number */

typedef struct pk_key_column {
  int column;            /* or PK_EXPRESSION, in the first place only */
  const char *collation; /* NULL: the column's own */
  bool descending;
} pk_key_column;

typedef struct pk_key {
  pk_key_column columns[PK_MOST_KEY];
  int width;
} pk_key;

typedef struct pk_candidate {
  const pk_copied_table *table;
  pk_key key;
  char *expression;    /* of the first key column, or NULL */
  char *predicate;     /* of a partial index, or NULL */
  double share;        /* of the rows for which the predicate holds, at most */
  char *name;          /* free in the schema, and readable */
  char *columns;       /* "customer_id, created_at DESC" */
  char *ddl;           /* CREATE INDEX ... */
  char *purpose;       /* "to find customer_id = ? and sorted by ..." */
  const char *kind;    /* plain, composite, covering, partial, ... */
  const char *benefit; /* what the index changes */
  const char *warning; /* or NULL */
  bool in_copy;        /* it exists in the private copy just now */
  bool accepted;
  int queries;               /* how many of the statements use it */
  double calls;              /* of those statements */
  sqlite3_int64 spared_rows; /* that they no longer scan */
  sqlite3_int64 bytes;       /* estimated, or measured where it was built */
  double write_cost_ratio;   /* of inserting into its table; 0: not known */
  char *replaces;            /* an existing index that it makes superfluous */
  const char *refusal;       /* why it was not taken, where that is known */
} pk_candidate;

typedef struct pk_candidates {
  pk_candidate *items;
  int count;
} pk_candidates;

/* Adds the indexes that could serve one access. */
int pk_candidates_for(pk_candidates *list, const pk_what_if *copy,
                      const pk_access *access, bool generous, pk_error *error);

/* The same for an access under a predicate, which is taken over: the indexes
** that have only the rows for which it holds, `share` of all. `column` is what
** it is about. */
int pk_candidates_partial(pk_candidates *list, const pk_what_if *copy,
                          const pk_access *access, int column, char *predicate,
                          double share, pk_error *error);

/* The one like it, or NULL. */
pk_candidate *pk_candidates_find(const pk_candidates *list,
                                 const pk_candidate *like);

/* Has the schema such an index already, by whatever name? For pk_list_indexes'
** table. */
int pk_candidate_exists(const pk_what_if *copy, const pk_candidate *candidate,
                        bool *exists, pk_error *error);

/* Does the key of one begin the other's, of the same table and rows? */
bool pk_candidate_begins(const pk_candidate *one, const pk_candidate *other);

/* Adds one index, unless there is one like it, described by `made`: its table,
** key and constant texts are set; name, columns and ddl are made here; purpose,
** expression and predicate are taken over. */
int pk_candidates_add(pk_candidates *list, const pk_what_if *copy,
                      pk_candidate *made, pk_error *error);

/* How many rows one value of the key finds, on average. */
int pk_key_rows(const pk_what_if *copy, const pk_copied_table *table,
                const pk_key *key, double *rows, pk_error *error);

/* "customer_id, created_at DESC", from sqlite3_malloc. */
char *pk_candidate_columns(const pk_candidate *candidate);

/* About how large the index will be. */
int pk_candidate_bytes(const pk_what_if *copy, const pk_candidate *candidate,
                       sqlite3_int64 *bytes, pk_error *error);

/* Moves a candidate to another list, unless that has one like it, under a name
** that is free there, and gives its number in that list. */
int pk_candidates_move(pk_candidates *to, const pk_what_if *copy,
                       pk_candidate *candidate, int *number, pk_error *error);

void pk_candidate_free(pk_candidate *candidate);
void pk_candidates_free(pk_candidates *list);

#endif
