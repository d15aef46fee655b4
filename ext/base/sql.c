/* sql.c: see sql.h. */
#include "sql.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

static int prepare(sqlite3 *db, sqlite3_stmt **statement, pk_error *error,
                   const char *format, va_list values) {
  *statement = NULL;
  char *sql = sqlite3_vmprintf(format, values);
  if (!sql) return pk_fail_memory(error);
  int rc = sqlite3_prepare_v2(db, sql, -1, statement, NULL);
  if (rc != SQLITE_OK) rc = pk_fail_sql(error, rc, db);
  sqlite3_free(sql);
  return rc;
}

int pk_prepare(sqlite3 *db, sqlite3_stmt **statement, pk_error *error,
               const char *format, ...) {
  va_list values;
  va_start(values, format);
  int rc = prepare(db, statement, error, format, values);
  va_end(values);
  return rc;
}

int pk_step(sqlite3_stmt *statement, pk_error *error) {
  int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) return rc;
  return pk_fail_sql(error, rc, sqlite3_db_handle(statement));
}

int pk_run(sqlite3 *db, pk_error *error, const char *format, ...) {
  sqlite3_stmt *statement;
  va_list values;
  va_start(values, format);
  int rc = prepare(db, &statement, error, format, values);
  va_end(values);
  if (rc != SQLITE_OK) return rc;
  do rc = pk_step(statement, error);
  while (rc == SQLITE_ROW);
  sqlite3_finalize(statement);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Prepares and steps to the first row. Without one, *statement is NULL. */
static int first_row(sqlite3 *db, sqlite3_stmt **statement, pk_error *error,
                     const char *format, va_list values) {
  int rc = prepare(db, statement, error, format, values);
  if (rc != SQLITE_OK) return rc;
  rc = pk_step(*statement, error);
  if (rc == SQLITE_ROW) return SQLITE_OK;
  sqlite3_finalize(*statement);
  *statement = NULL;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_query_int64(sqlite3 *db, sqlite3_int64 *value, pk_error *error,
                   const char *format, ...) {
  sqlite3_stmt *statement;
  va_list values;
  va_start(values, format);
  int rc = first_row(db, &statement, error, format, values);
  va_end(values);
  if (statement) *value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return rc;
}

int pk_query_text(sqlite3 *db, char **value, pk_error *error,
                  const char *format, ...) {
  sqlite3_stmt *statement;
  va_list values;
  *value = NULL;
  va_start(values, format);
  int rc = first_row(db, &statement, error, format, values);
  va_end(values);
  if (statement && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
    const unsigned char *text = sqlite3_column_text(statement, 0);
    if (text) *value = sqlite3_mprintf("%s", text);
    if (!*value) rc = pk_fail_memory(error);
  }
  sqlite3_finalize(statement);
  return rc;
}

void pk_append_identifier(sqlite3_str *text, const char *name) {
  static const char digits[] = "0123456789";
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  size_t bytes = strspn(name, plain);
  bool bare = bytes > 0 && name[bytes] == 0 && !strchr(digits, name[0]) &&
              !sqlite3_keyword_check(name, (int)bytes);
  sqlite3_str_appendf(text, bare ? "%s" : "\"%w\"", name);
}

void pk_append_qualifier(sqlite3_str *text, const char *schema) {
  if (sqlite3_stricmp(schema, "main") == 0) return;
  pk_append_identifier(text, schema);
  sqlite3_str_appendchar(text, 1, '.');
}

int pk_finish_text(sqlite3_str *text, char **whole, pk_error *error) {
  int rc = sqlite3_str_errcode(text);
  *whole = sqlite3_str_finish(text);
  return rc == SQLITE_OK ? rc : pk_fail_memory(error);
}

int pk_schema_file(sqlite3 *db, const char *schema, const char **file,
                   pk_error *error) {
  *file = sqlite3_db_filename(db, schema);
  if (*file) return SQLITE_OK;
  /* An in-memory database has no name on some hosts, yet it is attached; temp
  ** is listed only when it has been used. */
  char *attached = NULL;
  sqlite3_int64 there = sqlite3_stricmp(schema, "temp") == 0;
  int rc = pk_query_int64(db, &there, error,
                          "SELECT 1 FROM pragma_database_list "
                          "WHERE name = %Q COLLATE NOCASE",
                          schema);
  if (rc == SQLITE_OK && there) {
    *file = "";
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &attached, error,
                       "SELECT group_concat(name, ', ') "
                       "FROM pragma_database_list");
  if (rc == SQLITE_OK)
    rc = pk_fail(error, SQLITE_ERROR,
                 "there is no schema \"%s\" on this connection; there are: %s",
                 schema, attached);
  sqlite3_free(attached);
  return rc;
}

const char *pk_schema_title(sqlite3 *db, const char *schema) {
  const char *file = sqlite3_db_filename(db, schema);
  const char *slash = file ? strrchr(file, '/') : NULL;
  return slash ? slash + 1 : schema;
}

bool pk_interrupted(sqlite3 *db) {
  sqlite3_stmt *probe = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT 1", -1, &probe, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(probe);
  sqlite3_finalize(probe);
  return rc == SQLITE_INTERRUPT;
}
