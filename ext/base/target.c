/* target.c: see target.h. */
#include "target.h"

#include "file.h"
#include "sql.h"

static int refuse_live_file(const char *path, const char *live,
                            pk_error *error) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < 4; i++) {
    char *name = sqlite3_mprintf("%s%s", live, suffixes[i]);
    if (!name) return pk_fail_memory(error);
    if (pk_same_place(name, path) || pk_same_file(name, path))
      rc = pk_fail(error, SQLITE_CANTOPEN,
                   "%s belongs to a database that is open here; choose "
                   "another name",
                   path);
    sqlite3_free(name);
  }
  return rc;
}

/* The pragma, and not its table: that would read the schema first, which a
** damaged database has none of. */
int pk_target_check(sqlite3 *db, const char *path, pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(db, &list, error, "PRAGMA database_list");
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW) {
    const char *file = (const char *)sqlite3_column_text(list, 2);
    rc = file && *file ? refuse_live_file(path, file, error) : SQLITE_OK;
  }
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
