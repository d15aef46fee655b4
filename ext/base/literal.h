/*
** literal.h: values as SQL literals that are read back as they were, in storage
** class and in bytes, by the sqlite3 shell and by any other program.
**
**     pk_literals out;
**     int rc = pk_literals_begin(&out, db, sink, context, error);
**     if (rc == SQLITE_OK) pk_literal_value(&out, row, column);
**     pk_literals_end(&out);                         due in every case
**
** NULL, INTEGER and BLOB are written as one would. The others need care:
**
**   REAL   in decimal, as short as strtod() and the host's SQLite both read back
**          to the same number; otherwise as a product of powers of two, which
**          is exact in any SQLite. Infinity is 1e999.
**   TEXT   quoted, on one line. LF, CR and NUL stand as marks, \n, \r and \0
**          with as many backslashes as it takes not to occur in the text, that
**          replace() turns back: the shell drops a CR before a LF, and no
**          parser gets beyond a NUL. A text that is not valid in the encoding
**          of the database is CAST(X'..' AS TEXT), in that encoding.
**
** A value is written in pieces: memory does not grow with it.
*/
#ifndef PK_LITERAL_H
#define PK_LITERAL_H

#include <stddef.h>

#include "error.h"

/* Takes the next bytes of SQL. Its failures go to the error that was given to
** pk_literals_begin; after one it is not called any more. */
typedef void (*pk_literal_sink)(void *context, const char *sql, size_t bytes);

typedef struct pk_literals {
  pk_literal_sink sink;
  void *context;
  pk_error *error;
  char *encoding;       /* "UTF-8", "UTF-16le" or "UTF-16be" */
  sqlite3_stmt *reader; /* reads a number as loading will */
} pk_literals;

int pk_literals_begin(pk_literals *out, sqlite3 *db, pk_literal_sink sink,
                      void *context, pk_error *error);

/* A column of the statement's row. Out of memory is a failure, too. */
void pk_literal_value(pk_literals *out, sqlite3_stmt *row, int column);

/* A text of the schema, as SQLite gives it: in UTF-8. */
void pk_literal_text(pk_literals *out, const char *text);

/* Harmless when repeated. */
void pk_literals_end(pk_literals *out);

#endif
