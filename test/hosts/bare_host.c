/*
** bare_host.c: the smallest host, to be linked with a sqlite3.c of whatever version
** and options.
**
**     bare_host DATABASE LIBRARY < script.sql
**
** loads the library and runs the statements of the script, each whatever became
** of those before it. Rows are printed as the shell does in its list mode, a
** failure as "Error: MESSAGE". Ends with 1 if the library could not be loaded,
** or the connection not be closed, and with 3 if a transaction was left open.
*/
#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

static void print_row(sqlite3_stmt *statement) {
  for (int i = 0; i < sqlite3_column_count(statement); i++) {
    const unsigned char *text = sqlite3_column_text(statement, i);
    printf("%s%s", i ? "|" : "", text ? (const char *)text : "");
  }
  putchar('\n');
}

/* Gives what follows the statement, NULL at the end of the script. */
static const char *run_next(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  const char *rest = sql;
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, &rest);
  if (rc == SQLITE_OK && !statement) return NULL; /* blanks only */
  if (rc == SQLITE_OK) {
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) print_row(statement);
    rc = sqlite3_finalize(statement);
  }
  if (rc != SQLITE_OK) printf("Error: %s\n", sqlite3_errmsg(db));
  fflush(stdout);
  return rest > sql ? rest : NULL;
}

int main(int argc, char **argv) {
  static char script[1 << 20];
  sqlite3 *db;
  char *message = NULL;
  if (argc != 3) return fputs("usage: bare_host DATABASE LIBRARY\n", stderr), 2;
  script[fread(script, 1, sizeof script - 1, stdin)] = 0;
  if (sqlite3_initialize() != SQLITE_OK ||
      sqlite3_open(argv[1], &db) != SQLITE_OK ||
      sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL) ||
      sqlite3_load_extension(db, argv[2], NULL, &message) != SQLITE_OK) {
    printf("Error: %s\n", message ? message : sqlite3_errmsg(db));
    return 1;
  }
  for (const char *rest = script; rest;) rest = run_next(db, rest);
  int left_open = !sqlite3_get_autocommit(db);
  if (sqlite3_close(db) != SQLITE_OK) return 1;
  return left_open ? 3 : 0;
}
