/* page_check.c: see page_check.h. */
#include "page_check.h"

#include <string.h>

#include "sql.h"

/* One row can hold several lines, under the heading "*** in database main ***";
** a sound database gives the single line "ok". */
static bool is_problem(const char *line, int bytes) {
  static const char heading[] = "*** in database";
  if (bytes == 0 || (bytes == 2 && memcmp(line, "ok", 2) == 0)) return false;
  return strncmp(line, heading, sizeof heading - 1) != 0;
}

static int add_lines(pk_problems *problems, const char *lines,
                     pk_error *error) {
  if (!lines) return pk_fail_memory(error);
  while (*lines) {
    int bytes = (int)strcspn(lines, "\n");
    if (is_problem(lines, bytes) && problems->count++ == 0) {
      problems->first = sqlite3_mprintf("%.*s", bytes, lines);
      if (!problems->first) return pk_fail_memory(error);
    }
    lines += bytes + (lines[bytes] == '\n');
  }
  return SQLITE_OK;
}

int pk_page_check(sqlite3 *db, const char *schema, const char *pragma,
                  const char *table, pk_problems *problems, pk_error *error) {
  sqlite3_stmt *row;
  *problems = (pk_problems){0, NULL};
  int rc = table ? pk_prepare(db, &row, error, "PRAGMA \"%w\".%s(%Q)", schema,
                              pragma, table)
                 : pk_prepare(db, &row, error, "PRAGMA \"%w\".%s(%d)", schema,
                              pragma, PK_MOST_PROBLEMS);
  while (rc == SQLITE_OK && (rc = pk_step(row, error)) == SQLITE_ROW)
    rc = add_lines(problems, (const char *)sqlite3_column_text(row, 0), error);
  sqlite3_finalize(row);
  if (problems->count > PK_MOST_PROBLEMS) problems->count = PK_MOST_PROBLEMS;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* sqlite3GetInt32 in SQLite's util.c reads a sign, digits, and hexadecimal. */
bool pk_page_check_takes(const char *table) {
  table += *table == '-' || *table == '+';
  return strspn(table, "0123456789") == 0;
}

void pk_problems_free(pk_problems *problems) {
  sqlite3_free(problems->first);
  *problems = (pk_problems){0, NULL};
}
