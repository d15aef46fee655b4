/*
** sample_copy.h: a private copy of a part of the data, for a proof where a copy
** of all would take too long or too much room.
**
** Small tables are copied as a whole; of each of the others the rows that have
** one in so many hashes of a key. So that the rows of a join meet, the key is
** one that tables have in common: a table that others refer to is chosen by
** what they refer to, another by its reference to the largest table. Where the
** schema declares no reference, the key is the first column of the primary key,
** or the rowid.
**
** The copy has the indexes of the original and its sqlite_stat1, so that
** statements are planned there as for all the data.
**
** Cost: reads all rows of the original, on the application's connection.
*/
#ifndef PK_SAMPLE_COPY_H
#define PK_SAMPLE_COPY_H

#include "what_if.h"

/* Fills an empty database with one row in `one_in`. Fails where the deadline,
** of the clock pk_seconds, comes first. */
int pk_sample_copy(sqlite3 *to, const pk_what_if *copy, int one_in,
                   double deadline, pk_error *error);

/* Is a table large enough that only a part of it is copied? */
bool pk_table_is_sampled(const pk_what_if *copy, const pk_copied_table *table);

#endif
