/*
** auto_configure.c: configures every connection that this process opens.
**
**     SELECT prod_auto_configure('web');
**     SELECT outcome, reason, connections, last_error
**       FROM prod_auto_configure WHERE connections > 0;
**     SELECT prod_auto_configure('off');
**
** A pool or a framework opens connections where the application cannot call
** prod_configure() after each. Once prod_auto_configure(profile [, options])
** was called, SQLite does it at the end of each open in this process, on
** whatever thread; those connections have prodkit's functions too. The
** connections that are open already, the caller's among them, stay as they are.
** It answers one JSON object:
**
**     {"profile":"web", "options":null, "profile_before":"off"}
**
** The table shows what became of the connections since it was last switched on:
**
**     CREATE TABLE prod_auto_configure(
**       profile TEXT,         as now, or off
**       options TEXT,         as they were given
**       outcome TEXT,         configured; kept: all but what the file would
**                             have had to change; skipped: not configured
**       reason TEXT,          why it was kept or skipped
**       connections INTEGER,
**       last_error TEXT);     of the last such one, where there was any
**
** prod_settings has the sum in its row auto_configure.
**
** How it works: sqlite3_auto_extension calls us inside sqlite3_open, and we
** call prod_configure() there, in SQL. An open never fails for it: a connection
** that cannot be configured is counted and left as it is. A file that is locked
** or read-only, or lies where WAL does not work, keeps its journal mode, and
** the connection's own settings are made all the same. A database in memory, a
** temporary one, one on another VFS than the default, and prodkit's own private
** connections are left alone.
**
** Locking: the state is guarded by a mutex, which is not held while SQL runs.
** An open does not wait to change the journal mode, but for the file to become
** readable, for as long as busy_timeout says. Cost: each open pays a call of
** prod_configure().
**
** Limits: what an application or its driver sets after the open wins, often
** busy_timeout. SQLite itself sets wal_autocheckpoint after this, so the option
** is refused. An empty file becomes a database in WAL mode as soon as it is
** opened. A database whose key is given after the open cannot be read at that
** time and is skipped. Attached databases are not configured.
*/
#include <pthread.h>
#include <string.h>

#include "../base/feature.h"
#include "../base/json.h"
#include "../base/pin.h"
#include "../base/private.h"
#include "../base/sql.h"

/* What can become of a connection. */
enum outcome {
  CONFIGURED,
  KEPT_READ_ONLY,
  KEPT_LOCKED,
  KEPT_ERROR,
  SKIPPED_MEMORY,
  SKIPPED_VFS,
  SKIPPED_LOCKED,
  SKIPPED_ERROR,
  OUTCOMES
};

static const struct {
  const char *outcome, *reason;
} in_words[OUTCOMES] = {
    [CONFIGURED] = {"configured", NULL},
    [KEPT_READ_ONLY] = {"kept", "read-only"},
    [KEPT_LOCKED] = {"kept", "locked"},
    [KEPT_ERROR] = {"kept", "error"},
    [SKIPPED_MEMORY] = {"skipped", "in-memory or temporary"},
    [SKIPPED_VFS] = {"skipped", "another VFS"},
    [SKIPPED_LOCKED] = {"skipped", "locked"},
    [SKIPPED_ERROR] = {"skipped", "error"},
};

/* What the open connections are to be set to. */
struct wish {
  char *profile; /* NULL: off */
  char *options; /* as given, or NULL */
  char *at_once; /* the same, but to wait for nobody: busy_timeout 0 */
  sqlite3_int64 busy_timeout; /* the one that was meant */
};

struct tally {
  sqlite3_int64 connections[OUTCOMES];
  char *last_error[OUTCOMES]; /* or NULL */
};

/* Of the process; to be touched under the mutex only. */
static struct wish wish;
static struct tally tally;

/* Not a mutex of SQLite's, which a host built for one thread lacks. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void free_wish(struct wish *old) {
  sqlite3_free(old->profile);
  sqlite3_free(old->options);
  sqlite3_free(old->at_once);
  *old = (struct wish){NULL};
}

static void clear_tally(struct tally *old) {
  for (int i = 0; i < OUTCOMES; i++) sqlite3_free(old->last_error[i]);
  *old = (struct tally){{0}};
}

/* A copy of a text that may be NULL; false when memory runs out. */
static bool copy_text(char **copy, const char *text) {
  *copy = text ? sqlite3_mprintf("%s", text) : NULL;
  return *copy || !text;
}

static bool copy_wish(struct wish *copy, const struct wish *from) {
  *copy = (struct wish){.busy_timeout = from->busy_timeout};
  return copy_text(&copy->profile, from->profile) &&
         copy_text(&copy->options, from->options) &&
         copy_text(&copy->at_once, from->at_once);
}

/* ---- inside sqlite3_open ---- */

static int register_features(sqlite3 *db) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && pk_features[i]; i++)
    rc = pk_feature_register(db, pk_features[i]);
  return rc;
}

static int configure_at_once(sqlite3 *db, const struct wish *wanted,
                             pk_error *error) {
  int rc = pk_run(db, error, "SELECT prod_configure(%Q, %Q)", wanted->profile,
                  wanted->at_once);
  if (rc == SQLITE_OK)
    rc = pk_run(db, error, "PRAGMA busy_timeout = %lld", wanted->busy_timeout);
  return rc;
}

/* All but a change of the journal mode; *kept if there would have been one. */
static int configure_keeping(sqlite3 *db, const struct wish *wanted,
                             sqlite3_int64 *kept, pk_error *error) {
  int rc =
      pk_run(db, error, "PRAGMA busy_timeout = %lld", wanted->busy_timeout);
  if (rc == SQLITE_OK)
    rc = pk_run(db, error,
                "SELECT prod_configure(%Q, json_set(%Q, "
                "'$.busy_timeout', %lld, '$.journal_mode', 'keep'))",
                wanted->profile, wanted->at_once, wanted->busy_timeout);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(
        db, kept, error,
        "SELECT value <> coalesce(json_extract(%Q, '$.journal_mode'), "
        "recommended) FROM prod_settings(%Q, 'main', 'settings') "
        "WHERE name = 'journal_mode'",
        wanted->at_once, wanted->profile);
  return rc;
}

/* Why a journal mode was kept, from the failure of the change. */
static enum outcome kept_because(int rc) {
  return pk_is_locked(rc)                 ? KEPT_LOCKED
         : (rc & 0xff) == SQLITE_READONLY ? KEPT_READ_ONLY
                                          : KEPT_ERROR;
}

static bool is_on_default_vfs(sqlite3 *db) {
  sqlite3_vfs *vfs = NULL;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  return vfs == sqlite3_vfs_find(NULL);
}

/* What fails at once is tried again without touching the journal mode. The
** failure of the first try is told only if it says more than the outcome. */
static enum outcome configure_file(sqlite3 *db, const struct wish *wanted,
                                   pk_error *error) {
  pk_error at_once = PK_NO_ERROR;
  enum outcome outcome = CONFIGURED;
  sqlite3_int64 kept = 0;
  int rc = configure_at_once(db, wanted, &at_once);
  if (rc != SQLITE_OK) {
    int again = configure_keeping(db, wanted, &kept, error);
    outcome = pk_is_locked(again)  ? SKIPPED_LOCKED
              : again != SQLITE_OK ? SKIPPED_ERROR
              : kept               ? kept_because(rc)
                                   : CONFIGURED;
  }
  if (outcome == KEPT_ERROR && at_once.message)
    pk_fail(error, rc, "%s", at_once.message);
  pk_error_clear(&at_once);
  return outcome;
}

static enum outcome configure(sqlite3 *db, const struct wish *wanted,
                              pk_error *error) {
  const char *file = sqlite3_db_filename(db, "main");
  if (!file || !*file) return SKIPPED_MEMORY;
  if (!is_on_default_vfs(db)) return SKIPPED_VFS;
  if (register_features(db) != SQLITE_OK) {
    pk_fail_db(error, db, "prodkit cannot be registered");
    return SKIPPED_ERROR;
  }
  return configure_file(db, wanted, error);
}

static void count(enum outcome outcome, pk_error *error) {
  pthread_mutex_lock(&mutex);
  tally.connections[outcome]++;
  if (error->message) {
    sqlite3_free(tally.last_error[outcome]);
    tally.last_error[outcome] = error->message;
    error->message = NULL;
  }
  pthread_mutex_unlock(&mutex);
  pk_error_clear(error);
}

/* Answers OK whatever comes; and since sqlite3_open takes what the connection
** said last for its own result, the last thing is to run nothing, which never
** fails. */
static int opened(sqlite3 *db, char **message,
                  const sqlite3_api_routines *api) {
  struct wish wanted;
  pk_error error = PK_NO_ERROR;
  (void)message, (void)api;
  if (pk_private_opening()) return SQLITE_OK;
  pthread_mutex_lock(&mutex);
  bool copied = copy_wish(&wanted, &wish);
  pthread_mutex_unlock(&mutex);
  if (!copied)
    count(SKIPPED_ERROR, &error);
  else if (wanted.profile)
    count(configure(db, &wanted, &error), &error);
  free_wish(&wanted);
  sqlite3_exec(db, "", NULL, NULL, NULL);
  return SQLITE_OK;
}

/* ---- switching it on and off ---- */

/* What makes no sense while a connection is opened. */
static int refuse_option(sqlite3 *private, const char *options,
                         pk_error *error) {
  char *key = NULL;
  int rc = pk_query_text(private, &key, error,
                         "SELECT key FROM json_each(%Q) WHERE key IN "
                         "('schema', 'dry_run', 'wal_autocheckpoint')",
                         options);
  if (rc == SQLITE_OK && key)
    rc = pk_fail(error, SQLITE_ERROR,
                 "the option \"%s\" of prod_configure has no effect on a "
                 "connection that is being opened; leave it out",
                 key);
  sqlite3_free(key);
  return rc;
}

/* prod_configure itself judges profile and options, in a dry run. What is no
** JSON object is handed to it as it is, to hear its complaint. */
static int check_request(sqlite3 *private, const char *profile,
                         const char *options, pk_error *error) {
  sqlite3_int64 object = 0;
  int rc = pk_require_json(private, "this needs", error);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(private, &object, error,
                        "SELECT CASE WHEN json_valid(%Q) "
                        "THEN json_type(%Q) = 'object' END",
                        options, options);
  if (rc == SQLITE_OK && !object)
    return pk_run(private, error, "SELECT prod_configure(%Q, %Q)", profile,
                  options);
  if (rc == SQLITE_OK) rc = refuse_option(private, options, error);
  if (rc == SQLITE_OK)
    rc = pk_run(private, error,
                "SELECT prod_configure(%Q, json_set(%Q, '$.dry_run', "
                "json('true')))",
                profile, options);
  return rc;
}

/* `private` is a database in memory. */
static int make_wish(sqlite3 *private, const char *profile, const char *options,
                     struct wish *made, pk_error *error) {
  const char *given = options ? options : "{}";
  int rc = check_request(private, profile, given, error);
  if (rc == SQLITE_OK)
    rc = pk_query_text(private, &made->at_once, error,
                       "SELECT json_set(%Q, '$.busy_timeout', 0)", given);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(private, &made->busy_timeout, error,
                        "SELECT coalesce(json_extract(%Q, '$.busy_timeout'), "
                        "recommended) FROM prod_settings(%Q) "
                        "WHERE name = 'busy_timeout'",
                        given, profile);
  if (rc == SQLITE_OK && (!copy_text(&made->profile, profile) ||
                          !copy_text(&made->options, options)))
    rc = pk_fail_memory(error);
  return rc;
}

static int read_wish(sqlite3 *db, const char *profile, const char *options,
                     struct wish *made, pk_error *error) {
  sqlite3 *private = NULL;
  bool off = strcmp(profile, "off") == 0;
  if (off && options)
    return pk_fail(error, SQLITE_ERROR, "'off' takes no options");
  if (off) return SQLITE_OK;
  int rc = pk_private_memory(db, &private, error);
  if (rc == SQLITE_OK && register_features(private) != SQLITE_OK)
    rc = pk_fail_db(error, private, "prodkit cannot be registered");
  if (rc == SQLITE_OK) rc = make_wish(private, profile, options, made, error);
  sqlite3_close(private);
  return rc;
}

static int switch_to(bool on, pk_error *error) {
  void (*entry)(void) = (void (*)(void))opened;
  if (!on)
    sqlite3_cancel_auto_extension(entry);
  else if (sqlite3_auto_extension(entry) != SQLITE_OK)
    return pk_fail_memory(error);
  return SQLITE_OK;
}

/* Leaves the old wish in *made. A new one begins to count. */
static int exchange(struct wish *made, pk_error *error) {
  pthread_mutex_lock(&mutex);
  int rc = switch_to(made->profile != NULL, error);
  if (rc == SQLITE_OK) {
    struct wish old = wish;
    wish = *made;
    *made = old;
    if (wish.profile) clear_tally(&tally);
  }
  pthread_mutex_unlock(&mutex);
  return rc;
}

static int auto_configure(sqlite3_context *context, sqlite3_value **arguments,
                          pk_error *error) {
  const char *profile, *options = NULL;
  struct wish made = {NULL};
  pk_json json;
  int rc = pk_text_argument(arguments[0], "profile", &profile, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "options", &options, error);
  if (rc == SQLITE_OK)
    rc = read_wish(sqlite3_context_db_handle(context), profile, options, &made,
                   error);
  if (rc == SQLITE_OK) rc = exchange(&made, error);
  if (rc == SQLITE_OK) {
    pk_json_begin(&json);
    pk_json_text(&json, "profile", profile);
    pk_json_text(&json, "options", options);
    pk_json_text(&json, "profile_before", made.profile ? made.profile : "off");
    rc = pk_json_result(&json, context);
  }
  free_wish(&made);
  return rc;
}

/* ---- the table ---- */

static int show(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                pk_error *error) {
  (void)db, (void)arguments, (void)error;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < OUTCOMES; i++) {
    pk_row(rows);
    pk_row_text(rows, wish.profile ? wish.profile : "off");
    pk_row_text(rows, wish.options);
    pk_row_text(rows, in_words[i].outcome);
    pk_row_text(rows, in_words[i].reason);
    pk_row_int64(rows, tally.connections[i]);
    pk_row_text(rows, tally.last_error[i]);
  }
  pthread_mutex_unlock(&mutex);
  return SQLITE_OK;
}

static const pk_function functions[] = {
    {.name = "prod_auto_configure",
     .arguments = "profile, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "configures every connection that this process opens from now "
                "on; 'off' ends it",
     .call = auto_configure},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_auto_configure",
     .columns = "profile TEXT, options TEXT, outcome TEXT, reason TEXT, "
                "connections INTEGER, last_error TEXT",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "what became of the connections that were opened since it was "
                "switched on",
     .produce = show},
    {0}};

const pk_feature pk_auto_configure = {"auto_configure", functions, tables};
