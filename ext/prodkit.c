/*
** prodkit.c: the entry point, and the list of features.
*/
#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT1

#include "base/feature.h"
#include "prodkit.h"

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

extern const pk_feature pk_about;
extern const pk_feature pk_auto_configure;
extern const pk_feature pk_backup_to;
extern const pk_feature pk_catalogue;
extern const pk_feature pk_checklist;
extern const pk_feature pk_configure;
extern const pk_feature pk_dump;
extern const pk_feature pk_explain;
extern const pk_feature pk_find_databases;
extern const pk_feature pk_fragmentation;
extern const pk_feature pk_full_scans;
extern const pk_feature pk_gzip_vfs;
extern const pk_feature pk_health;
extern const pk_feature pk_index_advice;
extern const pk_feature pk_integrity;
extern const pk_feature pk_metrics;
extern const pk_feature pk_permissions;
extern const pk_feature pk_maintain;
extern const pk_feature pk_restore;
extern const pk_feature pk_retain;
extern const pk_feature pk_indexes;
extern const pk_feature pk_settings;
extern const pk_feature pk_slow_log;
extern const pk_feature pk_statements;
extern const pk_feature pk_stats;
extern const pk_feature pk_table_sizes;
extern const pk_feature pk_vacuum_plan;
extern const pk_feature pk_verify;
extern const pk_feature pk_wal_feature;

/* `about` comes last: its prod_version() marks a connection as complete. */
/* clang-format off */
const pk_feature *const pk_features[] = {
    &pk_settings,
    &pk_configure,
    &pk_auto_configure,
    &pk_health,
    &pk_permissions,
    &pk_find_databases,
    &pk_wal_feature,
    &pk_integrity,
    &pk_metrics,
    &pk_maintain,
    &pk_vacuum_plan,
    &pk_checklist,
    &pk_backup_to,
    &pk_verify,
    &pk_restore,
    &pk_retain,
    &pk_catalogue,
    &pk_gzip_vfs,
    &pk_dump,
    &pk_fragmentation,
    &pk_table_sizes,
    &pk_explain,
    &pk_stats,
    &pk_slow_log,
    &pk_full_scans,
    &pk_statements,
    &pk_index_advice,
    &pk_indexes,
    &pk_about,
    NULL,
};
/* clang-format on */

/* A VFS of ours (base/vfs.h) and the record of statements (query/store.h) are
** in use beyond the connection that loaded them, so the library is never
** unloaded. Linked in, there is nothing to unload, and sqlite3_auto_extension
** takes any other code for a failure. */
#ifdef SQLITE_CORE
#define LOADED SQLITE_OK
#else
#define LOADED SQLITE_OK_LOAD_PERMANENTLY
#endif

/* Connection pools load again and again, some while a statement is active,
** when SQLite would refuse to replace a function. */
static int is_loaded(sqlite3 *db) {
  sqlite3_stmt *probe = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT prod_version()", -1, &probe, NULL);
  sqlite3_finalize(probe);
  return rc == SQLITE_OK;
}

EXPORTED int sqlite3_prodkit_init(sqlite3 *db, char **message,
                                  const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  if (sqlite3_libversion_number() < PK_LEAST_SQLITE) {
    *message =
        sqlite3_mprintf("prodkit " PRODKIT_VERSION
                        " needs SQLite 3.34.0 or later; this host has %s",
                        sqlite3_libversion());
    return SQLITE_ERROR;
  }
  if (is_loaded(db)) return SQLITE_OK;
  for (int i = 0; pk_features[i]; i++) {
    int rc = pk_feature_register(db, pk_features[i]);
    if (rc != SQLITE_OK) {
      *message = sqlite3_mprintf("prodkit: cannot register \"%s\": %s",
                                 pk_features[i]->name, sqlite3_errmsg(db));
      return rc;
    }
  }
  return LOADED;
}
