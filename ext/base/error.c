/* error.c: see error.h. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static int fail(pk_error *error, int code, const char *format, va_list values,
                const char *cause) {
  if (error->code != SQLITE_OK) return error->code;
  error->code = code;
  error->message = sqlite3_vmprintf(format, values);
  if (error->message && cause) {
    char *both = sqlite3_mprintf("%s: %s", error->message, cause);
    sqlite3_free(error->message);
    error->message = both;
  }
  if (!error->message) error->code = SQLITE_NOMEM;
  return error->code;
}

int pk_fail(pk_error *error, int code, const char *format, ...) {
  va_list values;
  va_start(values, format);
  code = fail(error, code, format, values, NULL);
  va_end(values);
  return code;
}

/* "disk I/O error (Input/output error)": what the connection said last. SQLite
** keeps the system's reason for these two kinds of failure only; where it says
** a sentence that a function of ours made, the reason is in it. */
static char *said(sqlite3 *db) {
  static const char no_room_beside[] =
      "no journal, -wal or -shm can be made beside it: this process may not "
      "write in its folder";
  const char *message = sqlite3_errmsg(db);
  int code = sqlite3_errcode(db), cause = sqlite3_system_errno(db);
  bool of_system =
      (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if (sqlite3_extended_errcode(db) == SQLITE_READONLY_DIRECTORY)
    return sqlite3_mprintf("%s (%s)", message, no_room_beside);
  if (!of_system || cause == 0 || strcmp(message, sqlite3_errstr(code)) != 0)
    return sqlite3_mprintf("%s", message);
  return sqlite3_mprintf("%s (%s)", message, strerror(cause));
}

int pk_fail_sql(pk_error *error, int code, sqlite3 *db) {
  char *cause = said(db);
  code = cause ? pk_fail(error, code, "%s", cause) : pk_fail_memory(error);
  sqlite3_free(cause);
  return code;
}

int pk_fail_db(pk_error *error, sqlite3 *db, const char *format, ...) {
  int code = sqlite3_errcode(db);
  char *cause = said(db);
  va_list values;
  va_start(values, format);
  code = fail(error, code == SQLITE_OK ? SQLITE_ERROR : code, format, values,
              cause);
  va_end(values);
  sqlite3_free(cause);
  return code;
}

int pk_fail_errno(pk_error *error, int code, const char *format, ...) {
  const char *cause = strerror(errno);
  va_list values;
  va_start(values, format);
  code = fail(error, code, format, values, cause);
  va_end(values);
  return code;
}

int pk_fail_memory(pk_error *error) {
  if (error->code == SQLITE_OK) error->code = SQLITE_NOMEM;
  return error->code;
}

char *pk_error_message(const pk_error *error, const char *name) {
  if (!error->message) return NULL;
  return sqlite3_mprintf("%s: %s", name, error->message);
}

bool pk_is_damage(int code) {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

int pk_error_code(int code) {
  switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_SCHEMA:
      return SQLITE_ERROR;
    case SQLITE_CORRUPT:
      return SQLITE_CORRUPT_VTAB;
    default:
      return code;
  }
}

bool pk_is_unusable(int code) {
  return pk_is_damage(code) || (code & 0xff) == SQLITE_IOERR ||
         (code & 0xff) == SQLITE_CANTOPEN;
}

bool pk_ends_the_call(int code) {
  code &= 0xff;
  return code == SQLITE_INTERRUPT || code == SQLITE_NOMEM;
}

void pk_error_clear(pk_error *error) {
  sqlite3_free(error->message);
  *error = PK_NO_ERROR;
}
