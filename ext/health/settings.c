/*
** settings.c: how a database is set, against how it should be in production.
**
**     SELECT * FROM prod_settings;
**     SELECT name, value, recommended, fix FROM prod_settings('durable')
**      WHERE status = 'differs';
**
**     ATTACH 'archive.db' AS archive;
**     SELECT * FROM prod_settings('web', 'archive');
**
** prod_settings amounts to
**
**     CREATE TABLE prod_settings(
**       name TEXT,           the pragma
**       value,               what it is now: a number, or the pragma's word
**       recommended,         what the profile wants, likewise
**       status TEXT,         ok, differs, or unknown where it cannot be judged
**       scope TEXT,          file: kept in the database, for everybody;
**                            connection: to be set after each open
**       reason TEXT,         why the profile wants it
**       fix TEXT,            the SQL that mends it, where it differs
**       profile TEXT HIDDEN, web (default), durable or small
**       schema TEXT HIDDEN); main (default) or an attached database
**
** The rows stand in the order in which the settings must be made:
** busy_timeout first, since the switch to WAL can itself meet a lock.
**
** How it works: one PRAGMA is read for each row of the table `settings` below;
** nothing is set. status says whether the value is the profile's own: a
** stricter one (synchronous = extra) differs too.
**
** Locking: a read lock on the main database while the table is read, as for
** every table. Cost: nine pragmas, no page of data.
**
** Limits: a busy handler or a WAL hook of the application's own shows as
** busy_timeout or wal_autocheckpoint 0, as SQLite tells no more.
*/
#include <stdlib.h>
#include <string.h>

#include "../base/feature.h"
#include "../base/sql.h"

#define PROFILES "web durable small"
enum { PROFILE_COUNT = 3 };

struct setting {
  const char *name;
  const char *recommended[PROFILE_COUNT]; /* in the order of PROFILES */
  const char *const *words; /* of a pragma whose numbers have names, or NULL */
  bool number;              /* its value is a number */
  bool in_file;             /* kept in the file, or for the connection only */
  bool of_schema;           /* each attached database has its own */
  const char *reason;
};

static const char *const off_on[] = {"off", "on", NULL};
static const char *const synchronous[] = {"off", "normal", "full", "extra",
                                          NULL};
static const char *const temp_store[] = {"default", "file", "memory", NULL};

static const struct setting settings[] = {
    {.name = "busy_timeout",
     .recommended = {"5000", "5000", "5000"},
     .number = true,
     .reason = "milliseconds to wait for a lock; with 0 every collision is "
               "an error at once"},
    {.name = "journal_mode",
     .recommended = {"wal", "wal", "wal"},
     .in_file = true,
     .of_schema = true,
     .reason = "with a write-ahead log, readers and the writer do not block "
               "each other"},
    {.name = "synchronous",
     .recommended = {"normal", "full", "normal"},
     .words = synchronous,
     .of_schema = true,
     .reason = "in WAL mode a power loss never corrupts the file; normal may "
               "lose the last commits, full syncs each commit"},
    {.name = "foreign_keys",
     .recommended = {"on", "on", "on"},
     .words = off_on,
     .reason = "REFERENCES is enforced only where this is on; SQLite's "
               "default is off"},
    {.name = "cache_size",
     .recommended = {"-65536", "-65536", "-2048"},
     .number = true,
     .of_schema = true,
     .reason = "page cache of this connection: a negative number is KiB, a "
               "positive one pages"},
    {.name = "temp_store",
     .recommended = {"memory", "memory", "memory"},
     .words = temp_store,
     .reason = "sorts and temporary tables stay out of the file system"},
    {.name = "journal_size_limit",
     .recommended = {"67108864", "67108864", "67108864"},
     .number = true,
     .of_schema = true,
     .reason = "bytes a WAL is cut back to when it is reset; without a limit "
               "it keeps its largest size"},
    {.name = "mmap_size",
     .recommended = {"0", "0", "0"},
     .number = true,
     .of_schema = true,
     .reason = "with memory mapping an I/O error kills the process (SIGBUS) "
               "instead of failing one statement"},
    {.name = "wal_autocheckpoint",
     .recommended = {"1000", "1000", "1000"},
     .number = true,
     .reason = "pages after which a commit checkpoints the WAL; with 0 it "
               "grows until somebody else does"},
};

/* The pragma's value as it is shown; NULL where SQLite gives none. */
static int read_pragma(sqlite3 *db, const char *schema,
                       const struct setting *setting, char **value,
                       pk_error *error) {
  int rc = pk_query_text(db, value, error, "PRAGMA \"%w\".%s", schema,
                         setting->name);
  if (rc != SQLITE_OK || !*value || !setting->words) return rc;
  for (int i = 0; setting->words[i]; i++) {
    if (atoi(*value) != i) continue;
    sqlite3_free(*value);
    *value = sqlite3_mprintf("%s", setting->words[i]);
    return *value ? SQLITE_OK : pk_fail_memory(error);
  }
  return SQLITE_OK;
}

static void put(pk_rows *rows, const struct setting *setting,
                const char *value) {
  if (value && setting->number)
    pk_row_int64(rows, strtoll(value, NULL, 10));
  else
    pk_row_text(rows, value);
}

static void put_fix(pk_rows *rows, const struct setting *setting,
                    const char *schema, const char *recommended) {
  if (setting->of_schema)
    pk_row_format(rows, "PRAGMA \"%w\".%s = %s", schema, setting->name,
                  recommended);
  else
    pk_row_format(rows, "PRAGMA %s = %s", setting->name, recommended);
}

/* Why a setting cannot be judged; NULL where it can be. */
static const char *unknown_because(const struct setting *setting,
                                   const char *value, bool in_memory) {
  if (!value) return "SQLite does not tell it for this database";
  if (in_memory && setting->in_file)
    return "an in-memory or temporary database has no write-ahead log";
  return NULL;
}

static void add_row(pk_rows *rows, const struct setting *setting,
                    const char *schema, const char *recommended,
                    const char *value, bool in_memory) {
  const char *unknown = unknown_because(setting, value, in_memory);
  bool differs = !unknown && strcmp(value, recommended) != 0;
  pk_row(rows);
  pk_row_text(rows, setting->name);
  put(rows, setting, value);
  put(rows, setting, unknown ? NULL : recommended);
  pk_row_text(rows, unknown ? "unknown" : differs ? "differs" : "ok");
  pk_row_text(rows, setting->in_file ? "file" : "connection");
  pk_row_text(rows, unknown ? unknown : setting->reason);
  if (differs) put_fix(rows, setting, schema, recommended);
}

static int show_settings(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                         pk_error *error) {
  const char *profile = "web", *schema = "main", *file = "";
  int place = 0;
  int rc = pk_optional_text(arguments[0], "profile", &profile, error);
  if (rc == SQLITE_OK)
    rc = pk_choice(profile, PROFILES, "profile", &place, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "schema", &schema, error);
  if (rc == SQLITE_OK) rc = pk_schema_file(db, schema, &file, error);
  const size_t count = sizeof settings / sizeof *settings;
  for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
    char *value;
    rc = read_pragma(db, schema, &settings[i], &value, error);
    if (rc == SQLITE_OK)
      add_row(rows, &settings[i], schema, settings[i].recommended[place], value,
              !*file);
    sqlite3_free(value);
  }
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_settings",
     .columns = "name TEXT, value, recommended, status TEXT, scope TEXT, "
                "reason TEXT, fix TEXT",
     .arguments = "profile, schema",
     .flags = SQLITE_DIRECTONLY,
     .summary = "each production setting: its value, the profile's (web, "
                "durable, small), and the SQL that mends it",
     .produce = show_settings},
    {0}};

const pk_feature pk_settings = {"settings", NULL, tables};
