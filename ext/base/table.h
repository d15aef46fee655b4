/*
** table.h: read-only tables from a description.
**
** A table of prodkit is a row producer. A feature declares columns and
** parameters and writes one function that makes the rows; the kit does the
** rest of a virtual table. The parameters are hidden columns, so that both
**
**     SELECT * FROM prod_fragmentation('aux');
**     SELECT * FROM prod_fragmentation WHERE schema = 'aux';
**
** hand 'aux' to the producer, and a table can take them from a join:
**
**     SELECT d.name, f.* FROM pragma_database_list d, prod_fragmentation(d.name) f;
**
** All rows are made when a scan begins and are kept in memory until it ends:
** right for rows that are counted in thousands (objects, checks, files), with
** the snapshot of that moment. A producer of more rows than that only begins a
** stream, from which the kit asks for rows as the scan goes on. The tables
** exist from the load on and need no CREATE (they are eponymous-only virtual
** tables).
*/
#ifndef PK_TABLE_H
#define PK_TABLE_H

#include <stdbool.h>

#include "error.h"
#include "options.h"

typedef struct pk_rows pk_rows;

/* Makes the rows. arguments[i] is the i-th parameter's value; NULL where it
** was not given or is SQL NULL. */
typedef int (*pk_producer)(pk_rows *rows, sqlite3 *db,
                           sqlite3_value **arguments, pk_error *error);

typedef struct pk_table {
  const char *name;
  const char *columns;      /* "name TEXT, pages INTEGER": as in CREATE TABLE */
  const char *arguments;    /* "schema, tier": the parameters; "" for none */
  int required;             /* so many of them must be given */
  int flags;                /* SQLITE_DIRECTONLY or SQLITE_INNOCUOUS */
  int least_sqlite;         /* registered from this version on; 0: always */
  const char *summary;      /* one line */
  const pk_option *options; /* what its argument `options` knows, or NULL */
  pk_producer produce;
} pk_table;

/* Where further rows come from. `more` makes the next ones, no row at the end;
** the rows before them are forgotten. `close` is called once, when the scan
** ends, wherever it ends. */
typedef struct pk_stream {
  int (*more)(pk_rows *rows, void *state, pk_error *error);
  void (*close)(void *state);
  void *state;
} pk_stream;

/* Called by a producer: after the rows that it made itself, if any, come those
** of the stream, which from now on belongs to the kit. */
void pk_rows_stream(pk_rows *rows, const pk_stream *stream);

/* Registers the table; `table` must live as long as the library. */
int pk_table_register(sqlite3 *db, const pk_table *table);

/* Making a row: pk_row begins it, with all columns NULL; the others fill the
** next column. Texts are copied. Running out of memory is remembered and told
** by the kit when the producer returns. */
void pk_row(pk_rows *rows);
void pk_row_text(pk_rows *rows, const char *text); /* NULL: SQL NULL */
void pk_row_take(pk_rows *rows, char *text); /* from sqlite3_malloc, to be freed
                                                by the kit; NULL: no memory */
void pk_row_format(pk_rows *rows, const char *format, ...);
void pk_row_int64(pk_rows *rows, sqlite3_int64 value);
void pk_row_double(pk_rows *rows, double value);
void pk_row_null(pk_rows *rows);

/* Does the statement read this column? What is costly to make and is not read
** can be left NULL. */
bool pk_row_wanted(const pk_rows *rows, const char *column);

#endif
