/*
** insert_cost.h: what new indexes cost those who write.
**
** The newest rows of a table are taken out of the copy and inserted again as
** the application would: row by row with a prepared statement, in one
** transaction, at the end of the table and wherever their keys belong in the
** indexes. An index with keys in random order costs more the less of it the
** page cache holds, so that is as large meanwhile as the application's.
*/
#ifndef PK_INSERT_COST_H
#define PK_INSERT_COST_H

#include "proof.h"

/* Seconds of the processor, with the indexes that are there now; 0 where it
** cannot be measured: a WITHOUT ROWID table, one with a column named rowid or
** with few rows, a CHECK that calls a function of the application, a constraint
** that does not let its rows in again. */
int pk_insert_seconds(pk_proof *proof, const pk_copied_table *table,
                      double *seconds, pk_error *error);

#endif
