/* private.c: see private.h. */
#include "private.h"

#include <pthread.h>
#include <stddef.h>

#include "sql.h"

/* VM instructions between two looks at the user's connection: some ms. */
#define STEPS_BETWEEN_LOOKS 100000

/* The threads that are opening one; each node is on its thread's stack. Not a
** thread-local variable: under one, LeakSanitizer fails in a library that is
** loaded at run time. */
typedef struct opening {
  pthread_t thread;
  struct opening *next;
} opening;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static opening *openings;

bool pk_private_opening(void) {
  pthread_mutex_lock(&mutex);
  const opening *one = openings;
  while (one && !pthread_equal(one->thread, pthread_self())) one = one->next;
  pthread_mutex_unlock(&mutex);
  return one != NULL;
}

static void begin_opening(opening *self) {
  pthread_mutex_lock(&mutex);
  *self = (opening){pthread_self(), openings};
  openings = self;
  pthread_mutex_unlock(&mutex);
}

static void end_opening(const opening *self) {
  pthread_mutex_lock(&mutex);
  opening **place = &openings;
  while (*place != self) place = &(*place)->next;
  *place = self->next;
  pthread_mutex_unlock(&mutex);
}

static int forward_interrupt(void *user) {
  return pk_interrupted(user);
}

static int open_private(sqlite3 *db, const char *name, int flags,
                        const char *vfs, sqlite3 **private, pk_error *error) {
  opening self;
  begin_opening(&self);
  int rc = sqlite3_open_v2(name, private, flags, vfs);
  end_opening(&self);
  if (rc != SQLITE_OK) {
    rc = *private ? pk_fail_sql(error, rc, *private) : pk_fail_memory(error);
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

/* With SQLITE_OPEN_MEMORY, VACUUM INTO would make a file in memory too. */
int pk_private_memory(sqlite3 *db, sqlite3 **private, pk_error *error) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  return open_private(db, ":memory:", flags, NULL, private, error);
}

int pk_private_temporary(sqlite3 *db, sqlite3 **private, pk_error *error) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  return open_private(db, "", flags, NULL, private, error);
}

/* The path as a URI, https://www.sqlite.org/uri.html: an empty authority for an
** absolute path, and an escape for what would end the path. */
static char *uri_of(const char *path, const char *query) {
  sqlite3_str *uri = sqlite3_str_new(NULL);
  sqlite3_str_appendall(uri, *path == '/' ? "file://" : "file:");
  for (; *path; path++)
    if (*path == '%' || *path == '?' || *path == '#')
      sqlite3_str_appendf(uri, "%%%02x", *path);
    else
      sqlite3_str_appendchar(uri, 1, *path);
  sqlite3_str_appendall(uri, query);
  return sqlite3_str_finish(uri);
}

static int open_file(sqlite3 *db, const char *path, const char *query,
                     int flags, const char *vfs, sqlite3 **private,
                     pk_error *error) {
  *private = NULL;
  char *uri = uri_of(path, query);
  if (!uri) return pk_fail_memory(error);
  int rc = open_private(db, uri, flags | SQLITE_OPEN_URI, vfs, private, error);
  sqlite3_free(uri);
  return rc;
}

int pk_private_file(sqlite3 *db, const char *path, const char *vfs,
                    sqlite3 **private, pk_error *error) {
  return open_file(db, path, "?immutable=1", SQLITE_OPEN_READONLY, vfs, private,
                   error);
}

int pk_private_live(sqlite3 *db, const char *path, sqlite3 **private,
                    pk_error *error) {
  return open_file(db, path, "", SQLITE_OPEN_READWRITE, NULL, private, error);
}

/* Not in shared-cache mode, whatever the application chose for its own. */
int pk_private_twin(sqlite3 *db, const char *schema, sqlite3 **private,
                    pk_error *error) {
  sqlite3_vfs *vfs = NULL;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
  return open_private(db, sqlite3_db_filename(db, schema),
                      SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE,
                      vfs ? vfs->zName : NULL, private, error);
}
