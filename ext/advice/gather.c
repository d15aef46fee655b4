/* gather.c: see gather.h. */
#include "gather.h"

#include <string.h>

#include "../base/sql.h"
#include "../base/token.h"

/* No statement is tried with more indexes than this at a time. */
#define MOST_CANDIDATES 100

/* The part before ON CONFLICT: what follows is not for virtual tables, and
** finds its row by a unique index in any case. */
static char *without_upsert(const char *sql) {
  pk_token token;
  const char *on = NULL;
  for (const char *rest = sql; (rest = pk_token_next(rest, &token));) {
    if (on && pk_token_is(&token, "CONFLICT"))
      return sqlite3_mprintf("%.*s", (int)(on - sql), sql);
    on = pk_token_is(&token, "ON") ? token.text : NULL;
  }
  return sqlite3_mprintf("%s", sql);
}

static int gather_from(pk_candidates *list, pk_shadow *shadow, const char *text,
                       bool generous, pk_error *cause, pk_error *error) {
  pk_accesses accesses = {0};
  char *sql = without_upsert(text);
  if (!sql) return pk_fail_memory(error);
  int rc = pk_accesses_find(shadow, sql, &accesses, cause);
  if (rc == SQLITE_NOMEM) pk_fail_memory(error);
  for (int i = 0;
       rc == SQLITE_OK && i < accesses.count && list->count < MOST_CANDIDATES;
       i++)
    rc = pk_candidates_for(list, shadow->copy, &accesses.items[i], generous,
                           error);
  if (rc == SQLITE_OK)
    rc = pk_candidates_from_text(list, shadow->copy, &accesses, sql, error);
  pk_accesses_free(&accesses);
  sqlite3_free(sql);
  return rc;
}

int pk_gather(pk_candidates *list, pk_shadow *shadow, pk_statement *one,
              bool generous, pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  int rc = gather_from(list, shadow, one->sql, generous, &cause, error);
  if (rc != SQLITE_OK && error->code == SQLITE_OK && one->search) {
    pk_error_clear(&cause); /* RETURNING is not for virtual tables */
    rc = gather_from(list, shadow, one->search, generous, &cause, error);
  }
  if (rc != SQLITE_OK && error->code == SQLITE_OK) {
    one->left_out = sqlite3_mprintf(
        "SQLite does not tell what it asks of its tables (%s)", cause.message);
    rc = one->left_out ? SQLITE_OK : pk_fail_memory(error);
  }
  pk_error_clear(&cause);
  return rc;
}
