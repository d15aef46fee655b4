/* integrity_state.c: see integrity_state.h. */
#include "integrity_state.h"

#include <string.h>

#include "../base/clock.h"
#include "../base/private.h"
#include "../base/reader.h"
#include "../base/sql.h"

/* How every file of ours begins. */
#define SIGNATURE "{\"prodkit_integrity\":1,"

/* A record takes some 150 bytes, so that this has all of any schema. */
#define MOST_BYTES (64 << 20)

/* The constraints refuse what we did not write. */
#define STORE                                                            \
  "CREATE TABLE object("                                                 \
  "  name TEXT NOT NULL,"                                                \
  "  whole INTEGER NOT NULL CHECK (whole IN (0, 1)),"                    \
  "  present INTEGER NOT NULL DEFAULT 0," /* in the schema now */        \
  "  alone INTEGER NOT NULL DEFAULT 0,"   /* can be checked by itself */ \
  "  tried INTEGER NOT NULL DEFAULT 0,"   /* in this call */             \
  "  checked_at TEXT CHECK (checked_at GLOB '2*-*-*T*:*:*Z'),"           \
  "  seconds REAL CHECK (seconds >= 0),"                                 \
  "  status TEXT NOT NULL DEFAULT 'not checked'"                         \
  "    CHECK (status IN ('not checked', 'ok', 'failed', 'unknown')),"    \
  "  message TEXT,"                                                      \
  "  found_at TEXT CHECK (status = 'failed' OR found_at IS NULL),"       \
  "  PRIMARY KEY (name, whole))"

#define LOAD                                                                  \
  "INSERT INTO object(name, whole, checked_at, seconds, status, message,"     \
  "                   found_at) "                                             \
  "SELECT json_extract(value, '$.name'), json_extract(value, '$.whole'),"     \
  "       min(json_extract(value, '$.checked_at'), ?2),"                      \
  "       json_extract(value, '$.seconds'), json_extract(value, '$.status')," \
  "       json_extract(value, '$.message'),"                                  \
  "       json_extract(value, '$.found_at') "                                 \
  "FROM json_each(?1, '$.objects')"

#define SAVE                                                                \
  "SELECT json_object('prodkit_integrity', 1, 'objects', json_group_array(" \
  "  json_object('name', name, 'whole', whole, 'checked_at', checked_at,"   \
  "    'seconds', seconds, 'status', status, 'message', message,"           \
  "    'found_at', found_at))) "                                            \
  "FROM object WHERE status <> 'not checked'"                               \
  "              AND (present OR whole OR status = 'failed')"

static const char *const status_names[] = {"unknown", "ok", "failed"};

static int remember_trouble(pk_integrity_state *state, const char *what,
                            const char *cause, pk_error *error) {
  if (state->trouble) return SQLITE_OK;
  state->trouble = sqlite3_mprintf("%s: %s", what, cause);
  return state->trouble ? SQLITE_OK : pk_fail_memory(error);
}

/* ---- the file ---- */

static int read_all(const char *path, char **text, pk_error *error) {
  pk_reader reader;
  int rc = pk_reader_open(&reader, path, error);
  if (rc == SQLITE_OK && reader.bytes > MOST_BYTES)
    rc = pk_fail(error, SQLITE_TOOBIG, "%s is too large", path);
  if (rc == SQLITE_OK) {
    *text = sqlite3_malloc64((sqlite3_uint64)reader.bytes + 1);
    rc = *text ? pk_reader_read(&reader, *text, (size_t)reader.bytes, 0, error)
               : pk_fail_memory(error);
    if (rc == SQLITE_OK) (*text)[reader.bytes] = 0;
  }
  pk_reader_close(&reader);
  return rc;
}

static int load_text(pk_integrity_state *state, const char *text,
                     pk_error *error) {
  char now[PK_UTC_BYTES];
  sqlite3_stmt *load;
  pk_utc_now(now);
  int rc = pk_prepare(state->store, &load, error, LOAD);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(load, 1, text, -1, SQLITE_STATIC);
  sqlite3_bind_text(load, 2, now, -1, SQLITE_STATIC);
  rc = sqlite3_step(load);
  if (rc != SQLITE_DONE)
    pk_fail_db(error, state->store, "%s is damaged", state->path);
  sqlite3_finalize(load);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Reads what there is. A failure is one of the file's, or ends the call. */
static int load_file(pk_integrity_state *state, bool *ours, pk_error *error) {
  char *text = NULL;
  int rc = read_all(state->path, &text, error);
  *ours = text && strncmp(text, SIGNATURE, strlen(SIGNATURE)) == 0;
  if (rc == SQLITE_OK && *ours)
    rc = load_text(state, text, error);
  else if (rc == SQLITE_OK)
    rc = pk_fail(error, SQLITE_ERROR,
                 "%s is not a state file of this prod_integrity", state->path);
  sqlite3_free(text);
  return rc;
}

static int load(pk_integrity_state *state, bool chosen, pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  bool ours;
  if (pk_file_bytes(state->path) < 0) return SQLITE_OK;
  int rc = load_file(state, &ours, &trouble);
  if (pk_ends_the_call(rc)) {
    *error = trouble;
    return rc;
  }
  if (rc != SQLITE_OK && chosen && !ours)
    rc = pk_fail(error, rc, "%s, and was left as it is: name another",
                 trouble.message);
  else if (rc != SQLITE_OK)
    rc = remember_trouble(state, "nothing is remembered of earlier checks",
                          trouble.message, error);
  pk_error_clear(&trouble);
  return rc;
}

/* Without JSON functions nothing can be kept. */
static int check_json(pk_integrity_state *state, pk_error *error) {
  sqlite3_stmt *probe = NULL;
  int rc = sqlite3_prepare_v2(state->store, SAVE, -1, &probe, NULL);
  sqlite3_finalize(probe);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc == SQLITE_OK || !state->path) return SQLITE_OK;
  sqlite3_free(state->path);
  state->path = NULL;
  return remember_trouble(state, "nothing is remembered",
                          "this host has no JSON functions", error);
}

int pk_integrity_open(pk_integrity_state *state, sqlite3 *db, const char *path,
                      bool chosen, pk_error *error) {
  *state = PK_INTEGRITY_CLOSED;
  if (path) {
    state->path = sqlite3_mprintf("%s", path);
    if (!state->path) return pk_fail_memory(error);
  }
  int rc = pk_private_memory(db, &state->store, error);
  if (rc == SQLITE_OK) rc = pk_run(state->store, error, STORE);
  if (rc == SQLITE_OK) rc = check_json(state, error);
  if (rc == SQLITE_OK && state->path) rc = load(state, chosen, error);
  if (rc == SQLITE_OK)
    rc = pk_run(state->store, error,
                "INSERT OR IGNORE INTO object(name, whole) VALUES ('', 1)");
  return rc;
}

/* Leaves a failure as trouble, unless it ends the call. */
static int tolerate(pk_integrity_state *state, pk_error *failure,
                    pk_error *error) {
  int rc = SQLITE_OK;
  if (pk_ends_the_call(failure->code)) {
    *error = *failure;
    return error->code;
  }
  if (failure->code != SQLITE_OK)
    rc = remember_trouble(state, "nothing will be remembered", failure->message,
                          error);
  pk_error_clear(failure);
  return rc;
}

int pk_integrity_begin_file(pk_integrity_state *state, bool chosen,
                            pk_error *error) {
  if (!state->path) return SQLITE_OK;
  pk_error failure = PK_NO_ERROR;
  int rc = pk_file_create(&state->file, state->path, true,
                          chosen ? error : &failure);
  state->begun = rc == SQLITE_OK;
  return chosen ? rc : tolerate(state, &failure, error);
}

int pk_integrity_save(pk_integrity_state *state, pk_error *error) {
  if (!state->begun) return SQLITE_OK;
  pk_error failure = PK_NO_ERROR;
  char *text;
  int rc = pk_query_text(state->store, &text, &failure, SAVE);
  if (rc == SQLITE_OK)
    rc = pk_file_write(&state->file, text, strlen(text), &failure);
  if (rc == SQLITE_OK) pk_file_publish(&state->file, &failure);
  sqlite3_free(text);
  return tolerate(state, &failure, error);
}

void pk_integrity_close(pk_integrity_state *state) {
  pk_file_discard(&state->file);
  sqlite3_finalize(state->add);
  sqlite3_close(state->store);
  sqlite3_free(state->path);
  sqlite3_free(state->trouble);
  *state = PK_INTEGRITY_CLOSED;
}

/* ---- the objects ---- */

int pk_integrity_add(pk_integrity_state *state, const char *name, bool alone,
                     pk_error *error) {
  int rc = SQLITE_OK;
  if (!state->add)
    rc = pk_prepare(state->store, &state->add, error,
                    "INSERT INTO object(name, whole, present, alone) "
                    "VALUES (?1, 0, 1, ?2) ON CONFLICT(name, whole) "
                    "DO UPDATE SET present = 1, alone = excluded.alone");
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(state->add, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_int(state->add, 2, alone);
  rc = pk_step(state->add, error);
  sqlite3_reset(state->add);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_integrity_next(pk_integrity_state *state, double seconds, char **name,
                      pk_error *error) {
  return pk_query_text(
      state->store, name, error,
      "SELECT name FROM object WHERE present AND alone AND NOT tried "
      "AND coalesce(seconds, 0) <= %!.15g "
      "ORDER BY checked_at IS NOT NULL, checked_at, name LIMIT 1",
      seconds);
}

int pk_integrity_waiting(pk_integrity_state *state, sqlite3_int64 *tables,
                         pk_error *error) {
  return pk_query_int64(
      state->store, tables, error,
      "SELECT count(*) FROM object WHERE present AND alone AND NOT tried");
}

int pk_integrity_record(pk_integrity_state *state, const char *name,
                        const pk_integrity_result *result, pk_error *error) {
  char now[PK_UTC_BYTES];
  const char *status = status_names[result->status];
  bool failed = result->status == PK_FAILED;
  pk_utc_now(now);
  return pk_run(
      state->store, error,
      "UPDATE object SET tried = 1, checked_at = %Q, seconds = %!.15g,"
      "  status = iif(status = 'failed', status, %Q),"
      "  message = iif(status = 'failed' AND NOT %d, message, %Q),"
      "  found_at = iif(%d, coalesce(found_at, %Q), found_at) "
      "WHERE name = %Q AND whole = %d",
      now, result->seconds, status, failed, result->message, failed, now,
      name ? name : "", name == NULL);
}

int pk_integrity_all_passed(pk_integrity_state *state, bool full,
                            pk_error *error) {
  char now[PK_UTC_BYTES];
  pk_utc_now(now);
  return pk_run(state->store, error,
                "UPDATE object SET checked_at = %Q, tried = 1, "
                "  status = iif(status = 'failed' AND NOT %d, status, 'ok'),"
                "  message = iif(status = 'failed' AND NOT %d, message, NULL),"
                "  found_at = iif(%d, NULL, found_at)",
                now, full, full, full);
}
