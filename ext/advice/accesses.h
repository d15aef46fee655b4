/*
** accesses.h: what a statement asks of each table it reads.
**
** SQLite itself says so. On a private connection every table of the schema is
** replaced by a virtual table of the same columns; when a statement is
** prepared there, the planner asks each one, in xBestIndex, how it would
** answer: which columns are compared and how, in which order rows are wanted,
** which columns are read at all. Joins, views, subqueries, CTEs and each
** branch of an OR come one by one, as the planner takes them apart. Nothing is
** ever run there.
*/
#ifndef PK_ACCESSES_H
#define PK_ACCESSES_H

#include "what_if.h"

/* More columns than this in one condition or order are not looked at. */
#define PK_MOST_TERMS 16

typedef enum pk_use { PK_EQUAL, PK_IN, PK_RANGE } pk_use;

typedef struct pk_term {
  int column;
  pk_use use;
  const char *collation; /* in which it is compared */
} pk_term;

typedef struct pk_order {
  int column;
  bool descending;
} pk_order;

typedef struct pk_access {
  const pk_copied_table *table;
  pk_term terms[PK_MOST_TERMS];
  int term_count;
  pk_order order[PK_MOST_TERMS];
  int order_count;
  bool limited;           /* with a LIMIT (known since SQLite 3.38) */
  sqlite3_uint64 columns; /* bit i: column i is read; bit 63: any from 63 on */
} pk_access;

typedef struct pk_accesses {
  pk_access *items; /* no two alike */
  int count;
} pk_accesses;

/* The private connection of the virtual tables. */
typedef struct pk_shadow {
  sqlite3 *db;
  const pk_what_if *copy;
  pk_accesses *found; /* where the statement being prepared is recorded */
  bool out_of_memory;
} pk_shadow;

int pk_shadow_open(pk_shadow *shadow, const pk_what_if *copy, pk_error *error);
void pk_shadow_close(pk_shadow *shadow);

/* Fails for a statement that virtual tables cannot take (INDEXED BY, an
** upsert). pk_accesses_free is due in every case. */
int pk_accesses_find(pk_shadow *shadow, const char *sql, pk_accesses *found,
                     pk_error *error);
void pk_accesses_free(pk_accesses *found);

#endif
