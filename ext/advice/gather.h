/*
** gather.h: the candidates for a statement.
**
** What the planner asks of the tables (accesses.h) gives indexes on columns;
** the text of the statement gives what the planner does not ask a virtual table
** about: expressions (lower(email) = ?) and conditions with a literal, for
** which a partial index may do (status = 'open').
*/
#ifndef PK_GATHER_H
#define PK_GATHER_H

#include "candidates.h"
#include "workload.h"

/* Adds the candidates for a statement. One whose accesses cannot be found is
** left out, with the reason in one->left_out. */
int pk_gather(pk_candidates *list, pk_shadow *shadow, pk_statement *one,
              bool generous, pk_error *error);

/* text_candidates.c: the indexes that the text of a statement suggests. */
int pk_candidates_from_text(pk_candidates *list, const pk_what_if *copy,
                            const pk_accesses *accesses, const char *sql,
                            pk_error *error);

#endif
