/* private.c: see private.h. */
#include "private.h"

#include <stddef.h>

#include "sql.h"

/* VM instructions between two looks at the user's connection: some ms. */
#define STEPS_BETWEEN_LOOKS 100000

static int forward_interrupt(void *user) {
  return pk_interrupted(user);
}

static int open_private(sqlite3 *db, const char *name, int flags,
                        const char *vfs, sqlite3 **private, pk_error *error) {
  int rc = sqlite3_open_v2(name, private, flags, vfs);
  if (rc != SQLITE_OK) {
    rc = *private ? pk_fail(error, rc, "%s", sqlite3_errmsg(*private))
                  : pk_fail_memory(error);
    sqlite3_close(*private);
    *private = NULL;
    return rc;
  }
  sqlite3_extended_result_codes(*private, 1);
  sqlite3_db_config(*private, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(*private, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(*private, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
  if (PK_HOST_HAS(sqlite3_progress_handler))
    sqlite3_progress_handler(*private, STEPS_BETWEEN_LOOKS, forward_interrupt,
                             db);
  return SQLITE_OK;
}

int pk_private_memory(sqlite3 *db, sqlite3 **private, pk_error *error) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
  return open_private(db, ":memory:", flags, NULL, private, error);
}

int pk_private_temporary(sqlite3 *db, sqlite3 **private, pk_error *error) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  return open_private(db, "", flags, NULL, private, error);
}

/* The path as a URI, https://www.sqlite.org/uri.html: an empty authority for an
** absolute path, and an escape for what would end the path. */
static char *immutable_uri(const char *path) {
  sqlite3_str *uri = sqlite3_str_new(NULL);
  sqlite3_str_appendall(uri, *path == '/' ? "file://" : "file:");
  for (; *path; path++)
    if (*path == '%' || *path == '?' || *path == '#')
      sqlite3_str_appendf(uri, "%%%02x", *path);
    else
      sqlite3_str_appendchar(uri, 1, *path);
  sqlite3_str_appendall(uri, "?immutable=1");
  return sqlite3_str_finish(uri);
}

int pk_private_file(sqlite3 *db, const char *path, const char *vfs,
                    sqlite3 **private, pk_error *error) {
  *private = NULL;
  char *uri = immutable_uri(path);
  if (!uri) return pk_fail_memory(error);
  int rc = open_private(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, vfs,
                        private, error);
  sqlite3_free(uri);
  return rc;
}
