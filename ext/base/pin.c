/* pin.c: see pin.h. */
#include "pin.h"

#include <stddef.h>

#include "clock.h"
#include "sql.h"

#define PAUSE_MILLISECONDS 5

/* What this connection wrote is not committed: nobody wants it in a copy. */
static int check_not_writing(sqlite3 *db, const char *schema, pk_error *error) {
  const char *file;
  int rc = pk_schema_file(db, schema, &file, error);
  if (rc == SQLITE_OK && sqlite3_txn_state(db, schema) == SQLITE_TXN_WRITE)
    rc = pk_fail(error, SQLITE_BUSY,
                 "a write transaction is open on this connection: COMMIT or "
                 "ROLLBACK first");
  return rc;
}

/* EXISTS gives a row for any schema; until the statement is reset, that row
** keeps the read transaction open. */
static int try_to_pin(sqlite3 *db, const char *schema, sqlite3_stmt **pin,
                      pk_error *error) {
  int rc = SQLITE_OK;
  if (!*pin) /* preparing may read the schema, and so meet a lock, too */
    rc = pk_prepare(db, pin, error,
                    "SELECT EXISTS (SELECT 1 FROM \"%w\".sqlite_schema)",
                    schema);
  if (rc == SQLITE_OK) rc = pk_step(*pin, error);
  if (rc == SQLITE_ROW) return SQLITE_OK;
  sqlite3_reset(*pin);
  return rc;
}

bool pk_is_locked(int rc) {
  return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
}

int pk_wait_for_lock(sqlite3 *db, const char *schema, double give_up,
                     pk_error *error) {
  if (pk_seconds() > give_up)
    return pk_fail(error, SQLITE_BUSY,
                   "the database \"%s\" is locked by another connection, and "
                   "stayed so for %d seconds",
                   schema, PK_PATIENCE_SECONDS);
  pk_pause(PAUSE_MILLISECONDS);
  if (!pk_interrupted(db)) return SQLITE_OK;
  return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
}

int pk_pin(sqlite3 *db, const char *schema, sqlite3_stmt **pin,
           pk_error *error) {
  double give_up = pk_seconds() + PK_PATIENCE_SECONDS;
  int rc = check_not_writing(db, schema, error);
  while (rc == SQLITE_OK) {
    pk_error failure = PK_NO_ERROR;
    rc = try_to_pin(db, schema, pin, &failure);
    bool done = rc == SQLITE_OK;
    if (pk_is_locked(rc))
      rc = pk_wait_for_lock(db, schema, give_up, error);
    else if (!done)
      rc = pk_fail(error, rc, "cannot read the database \"%s\": %s", schema,
                   failure.message);
    pk_error_clear(&failure);
    if (done) break;
  }
  return rc;
}
