/*
** workload.h: the statements that advice is given on, and how often each runs.
**
** They come from a text, a file, a table, or the captured statistics
** (prod_query_stats). Each was planned in the private copy of the schema; one
** that cannot be is kept with the reason.
*/
#ifndef PK_WORKLOAD_H
#define PK_WORKLOAD_H

#include "what_if.h"

typedef struct pk_statement {
  char *sql;
  int number;     /* as it was given, from 1 on */
  int alike;      /* so many were given of its form */
  char *left_out; /* why it was not looked at; NULL where it was */
  double calls;   /* 1 where nothing tells */
  bool writes;    /* it is planned, and never run */
  const pk_copied_table *written; /* where it writes; NULL where that is none */
  char *search;   /* the query that it amounts to before it writes, or NULL */
  pk_plan before; /* with the indexes that exist */
  pk_plan after;  /* and with those that were accepted */
} pk_statement;

typedef struct pk_workload {
  pk_statement *items;
  int count;
  bool counted;          /* the calls are known */
  const char *whole;     /* "captured statements", where they stand for all that
                            runs; NULL for those that somebody typed */
  const char *shortened; /* why some that run are not there; NULL for nothing */
  int *order; /* the numbers of the statements, once they are sorted */
} pk_workload;

/* One or several statements, separated by semicolons. One that is alone and
** bad is a failure. */
int pk_workload_add_text(pk_workload *all, pk_what_if *copy, const char *text,
                         pk_error *error);
int pk_workload_add_file(pk_workload *all, pk_what_if *copy, const char *path,
                         pk_error *error);

/* A table with a column sql or query and, if it likes, one named calls. */
int pk_workload_add_table(pk_workload *all, pk_what_if *copy, const char *table,
                          pk_error *error);

/* The statements of prod_query_stats that read or write rows; none where there
** are no statistics. */
int pk_workload_add_statistics(pk_workload *all, pk_what_if *copy,
                               pk_error *error);

/* What is run of a statement to measure it; NULL for nothing. */
const char *pk_statement_to_run(const pk_statement *one);

/* writing.c: the query that finds the rows which a DELETE, UPDATE or INSERT
** writes, from sqlite3_malloc; NULL for none. */
int pk_search_of(const char *sql, char **query, pk_error *error);

/* writing.c: the table that a statement names to write to; NULL where it is a
** view, or a table that the copy does not have. */
const pk_copied_table *pk_written_table(const pk_what_if *copy,
                                        const char *sql);

/* writing.c: the statements of a table's triggers, with ? in place of NEW.x and
** OLD.x, separated by semicolons; from sqlite3_malloc, NULL for none. */
int pk_triggered_statements(const pk_what_if *copy,
                            const pk_copied_table *table, char **statements,
                            pk_error *error);

/* Of hundreds of statements, one stands for all of its form, that differ in
** literals only: with their calls. */
int pk_workload_fold(pk_workload *all, pk_error *error);

/* Sets the order, from the plans `before`: by the rows that are scanned in all
** calls, those that scan most first. */
int pk_workload_sort(pk_workload *all, pk_error *error);

void pk_workload_free(pk_workload *all);

#endif
