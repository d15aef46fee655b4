/*
** pin.h: a read transaction that a long job holds on one schema.
**
**     sqlite3_stmt *pin = NULL;
**     int rc = pk_pin(db, "main", &pin, error);
**     ...                                  every read sees the same state
**     sqlite3_finalize(pin);               due in every case
**
** A statement at its first row holds the transaction, not a BEGIN, so that no
** commit or rollback hook of the application runs. Other statements of the
** connection read the same state until the pin is finalized or reset. Within a
** transaction of the caller's it is that one's state.
*/
#ifndef PK_PIN_H
#define PK_PIN_H

#include <stdbool.h>

#include "error.h"

/* How long a lock of another connection is waited for. */
#define PK_PATIENCE_SECONDS 10

/* Is it the result of a lock that another connection holds? */
bool pk_is_locked(int rc);

/* Waits a little, or fails when pk_seconds() is beyond `give_up` or after an
** interrupt. */
int pk_wait_for_lock(sqlite3 *db, const char *schema, double give_up,
                     pk_error *error);

/* Begins the transaction; *pin is NULL, or a pin that was reset. Fails while a
** write transaction is open on the schema here. A database that is locked is
** tried again for so long, beyond the connection's own busy timeout. */
int pk_pin(sqlite3 *db, const char *schema, sqlite3_stmt **pin,
           pk_error *error);

#endif
