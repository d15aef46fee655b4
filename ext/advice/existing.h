/*
** existing.h: the indexes that a schema has, and which of them are superfluous.
**
** An index is superfluous where the key of another one of its table begins with
** its key: same columns, collations and directions. A unique, partial or
** expression index, and one that a constraint made, is never called so. Of
** several that could stand for it the one is named that stays itself: the
** widest, then a unique one, then the oldest.
*/
#ifndef PK_EXISTING_H
#define PK_EXISTING_H

#include "../base/error.h"

/* Is the schema there, and can it be read? */
int pk_check_schema(sqlite3 *db, const char *schema, pk_error *error);

/*
** A query of one row for each index of the schema's tables, from
** sqlite3_malloc; NULL when memory runs out. Its columns:
**
**     table_name, index_name
**     columns        "customer_id, created_at DESC", "(expression)"
**     is_unique, is_partial
**     origin         c, u or pk, as in PRAGMA index_list
**     ddl            with the schema, unless that is main; NULL for the index of
**                    a constraint
**     is_droppable   nothing but its speed would be missed
**     begins_with_foreign_key   with a column of one
**     key            ", 'city' nocase 0" for each column, so that one key begins
**                    another where its text does
**     age            a lower number for one that was made earlier
**     served_by      the index that makes it superfluous, or NULL
**     is_duplicate   and that one has the same key
*/
char *pk_existing_indexes(const char *schema);

/* "DROP INDEX orders_city", from sqlite3_malloc. */
char *pk_drop_ddl(const char *schema, const char *index);

#endif
