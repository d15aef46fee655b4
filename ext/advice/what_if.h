/*
** what_if.h: a private copy of the schema, in which an index is tried.
**
** The copy is an in-memory database with the tables, indexes, views and
** triggers of one schema, without their rows. SQLite's planner needs no more:
** it sees the sizes of the tables in a copied sqlite_stat1. Statements are
** planned there, never run.
**
**     pk_what_if *copy;
**     rc = pk_what_if_open(&copy, db, "main", error);
**     rc = pk_what_if_plan(copy, sql, &before, error);
**     rc = pk_run(copy->db, error, "CREATE INDEX i ON t(a)");
**     rc = pk_what_if_plan(copy, sql, &after, error);
**     if (pk_plan_compare(&after, &before) < 0) ...   the index serves
**     pk_what_if_close(copy);                         due in every case
**
** The application's connection is only read, with SELECT. The text of a schema
** is foreign text: it runs under an authorizer of the copy that lets nothing
** pass but the CREATE of a table, index, view or trigger; the connection is
** defensive and loads no extension. A collation of the
** application is replaced by a stand-in of its name, since nothing is ever
** compared. What cannot be copied (a virtual table, an expression that calls a
** function of the application) is left out and listed.
*/
#ifndef PK_WHAT_IF_H
#define PK_WHAT_IF_H

#include <stdbool.h>

#include "../base/error.h"

typedef struct pk_copied_column {
  char *name;
  char *type;      /* as declared; "" where nothing was */
  char *collation; /* as declared; BINARY where nothing was */
  bool not_null;
  double bytes;  /* in an index record, on average; 0 until measured */
  bool is_rowid; /* the column that is the rowid, INTEGER PRIMARY KEY */
} pk_copied_column;

typedef struct pk_copied_table {
  char *name;
  pk_copied_column *columns;
  int column_count;
  sqlite3_int64 rows;
  bool rows_exact;         /* counted, not estimated */
  sqlite3_int64 stat_rows; /* what sqlite_stat1 says; -1 for nothing */
} pk_copied_table;

typedef struct pk_what_if {
  sqlite3 *db;        /* the copy, for statements of our own */
  sqlite3 *original;  /* the application's connection: for SELECT only */
  const char *schema; /* of it, that is copied */
  pk_copied_table *tables;
  int table_count;
  sqlite3_str *left_out; /* "docs: virtual table; t: no such ..." */
  bool incomplete;       /* one of them was not just a virtual table */
  int guard;             /* whose text runs: see what_if.c */
  bool is_query;         /* the statement prepared last reads or writes rows */
  bool refused;          /* it does something else */
} pk_what_if;

/* `schema` must live as long as the copy. In the copy it keeps its name. */
int pk_what_if_open(pk_what_if **copy, sqlite3 *db, const char *schema,
                    pk_error *error);
void pk_what_if_close(pk_what_if *copy);

/* NULL where there is no such table, or it was left out. */
const pk_copied_table *pk_what_if_table(const pk_what_if *copy,
                                        const char *name);

/* Has the original a sqlite_stat1? */
int pk_what_if_has_statistics(const pk_what_if *copy, bool *has,
                              pk_error *error);

/* Is sqlite_stat1 off by more than ten times? Then it is not copied. */
bool pk_table_is_stale(const pk_copied_table *table);

/* The columns of a table that can be inserted, quoted, and a question mark for
** each; from sqlite3_malloc. */
int pk_insertable_columns(sqlite3 *db, const char *table, char **columns,
                          char **marks, pk_error *error);

/* Inserts the first columns of a row, one for each parameter. */
int pk_insert_row(sqlite3_stmt *insert, sqlite3_stmt *row, pk_error *error);

/* "docs: virtual table; ...", or NULL. Lives until something is added. */
const char *pk_what_if_left_out(const pk_what_if *copy);

/* Is `sql` one statement that can be planned? Fails with SQLite's message.
** *empty: it has no statement, only blanks and comments. *writes: it is not
** only a query. */
int pk_what_if_check(pk_what_if *copy, const char *sql, bool *empty,
                     bool *writes, pk_error *error);

/* How SQLite would run a statement. */
#define PK_MOST_SCANS 16

typedef struct pk_plan {
  const pk_copied_table *scanned[PK_MOST_SCANS]; /* read from end to end */
  int scanned_count;
  sqlite3_int64 scanned_rows; /* the sum of their rows */
  int scans;                  /* SCAN lines of EXPLAIN QUERY PLAN */
  int automatic_indexes;      /* built for one run of the statement */
  int temp_btrees;            /* sorting, grouping, removing duplicates */
  char *text;                 /* the lines, one below the other */
} pk_plan;

int pk_what_if_plan(pk_what_if *copy, const char *sql, pk_plan *plan,
                    pk_error *error);
void pk_plan_free(pk_plan *plan);

/* Below 0 where `one` does less work, above 0 where it does more: first by the
** rows that are scanned, then by the number of scans and temporary b-trees. */
int pk_plan_compare(const pk_plan *one, const pk_plan *other);
bool pk_plan_uses(const pk_plan *plan, const char *index);
bool pk_plan_scans(const pk_plan *plan, const pk_copied_table *table);

/* A private in-memory connection on which a collation that only the application
** has compares bytes. */
int pk_what_if_connection(sqlite3 *original, const char *schema, sqlite3 **db,
                          pk_error *error);

/* Makes any private connection such a one. It trusts the schema as far as the
** application's does: else SQLite before 3.41 would refuse an index on
** json_extract(). No function of the application is there to be called. Foreign
** keys are not enforced, as on some hosts they are from the beginning. */
void pk_what_if_prepare_connection(sqlite3 *db, sqlite3 *original,
                                   const char *schema);

#endif
