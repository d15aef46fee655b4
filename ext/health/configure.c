/*
** configure.c: sets a database up for production, and proves that it took.
**
**     SELECT prod_configure('web', '{"dry_run":true}');
**     SELECT prod_configure();
**     SELECT prod_configure('durable', '{"cache_size":-16384}');
**
**     ATTACH 'archive.db' AS archive;
**     SELECT prod_configure('small', '{"schema":"archive"}');
**
** Most settings belong to the connection, so an application calls this after
** each open. It answers one JSON object:
**
**     {"profile":"web", "schema":"main", "dry_run":false,
**      "settings":[{"name":"busy_timeout", "before":0, "after":5000,
**                   "changed":true, "scope":"connection"}, ...],
**      "not_set":["journal_mode: an in-memory ... database has no ..."]}
**
** How it works: the settings and the profile's values are what prod_settings
** says, in its order; an option of a setting's name replaces the profile's
** value. What can be foreseen is refused before anything is set: an open
** transaction, a read-only file that would have to change, temporary tables
** that a new temp_store would drop. Each pragma is then set and read back; the
** first that does not take ends the call with an error that says what had been
** set before it.
**
** page_size and auto_vacuum are set only while the database is empty, and then
** before the switch to WAL, which writes its first page. With dry_run the same
** is refused, nothing is set, and `after` is what would be.
**
** A setting that prod_settings calls unknown is left alone and named in
** not_set, unless an option asks for it: then it must take. So is the journal
** mode where the option is "keep".
**
** Locking: the change to or from WAL needs the file for itself for a moment;
** other connections are waited for as long as the busy timeout says.
** Cost: a few dozen pragmas, under a millisecond; fsyncs when the journal mode
** changes.
**
** Limits: busy_timeout and wal_autocheckpoint replace a busy handler and a WAL
** hook of the application's own, which SQLite lets nobody see; install those
** afterwards. SQLite ignores foreign_keys within a transaction and refuses the
** WAL switch while a statement reads, hence a call without FROM.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/json.h"
#include "../base/sql.h"

struct request {
  const char *profile;
  sqlite3_value *options; /* as given, or NULL */
  char *schema;
  sqlite3_int64 busy_timeout; /* how long to wait for the settings, too */
  /* The other values go to the pragmas as the JSON has them (plan_settings);
  ** here they are only read to be checked. */
  sqlite3_int64 cache_size, journal_size_limit, mmap_size, wal_autocheckpoint;
  sqlite3_int64 page_size;
  int journal_mode, synchronous, foreign_keys, temp_store, auto_vacuum;
  int dry_run;
};

#define MOST_INT 2147483647.0

static const pk_option options[] = {
    {"busy_timeout", PK_INTEGER, offsetof(struct request, busy_timeout), 0,
     MOST_INT, .summary = "milliseconds to wait for a lock (the profile's)"},
    {"page_size", PK_INTEGER, offsetof(struct request, page_size), 512, 65536,
     .summary =
         "bytes, a power of two; an empty database only (the profile's)"},
    {"auto_vacuum", PK_CHOICE, offsetof(struct request, auto_vacuum),
     .choices = "none full incremental",
     .summary = "giving free pages back; an empty database only (the "
                "profile's)"},
    {"journal_mode", PK_CHOICE, offsetof(struct request, journal_mode),
     .choices = "wal delete truncate persist memory off keep",
     .summary = "kind of journal, or to keep it as it is (the profile's)"},
    {"synchronous", PK_CHOICE, offsetof(struct request, synchronous),
     .choices = "off normal full extra",
     .summary = "how often to sync (the profile's)"},
    {"foreign_keys", PK_BOOLEAN, offsetof(struct request, foreign_keys),
     .summary = "enforce REFERENCES (the profile's)"},
    {"cache_size", PK_INTEGER, offsetof(struct request, cache_size), -MOST_INT,
     MOST_INT, .summary = "KiB as a negative number, or pages (the profile's)"},
    {"temp_store", PK_CHOICE, offsetof(struct request, temp_store),
     .choices = "default file memory",
     .summary = "where temporary tables are kept (the profile's)"},
    {"journal_size_limit", PK_INTEGER,
     offsetof(struct request, journal_size_limit), -1, 9007199254740991.0,
     .summary = "bytes a journal is cut back to, -1 for never (the profile's)"},
    {"mmap_size", PK_INTEGER, offsetof(struct request, mmap_size),
     .summary = "bytes of the file to map into memory (the profile's)"},
    {"wal_autocheckpoint", PK_INTEGER,
     offsetof(struct request, wal_autocheckpoint), 0, MOST_INT,
     .summary = "pages of WAL that start a checkpoint, 0 for never (the "
                "profile's)"},
    {"schema", PK_TEXT, offsetof(struct request, schema),
     .summary = "the attached database to set (main)"},
    {"dry_run", PK_BOOLEAN, offsetof(struct request, dry_run),
     .summary = "set nothing, and say what would change (false)"},
    {0}};

/* One pragma that is to be set, or that is left alone for a reason. */
struct change {
  sqlite3_value *name, *scope, *before, *wanted, *after, *not_set;
};

#define MOST_CHANGES 32

struct plan {
  struct change changes[MOST_CHANGES];
  int count;
};

/* Never NULL: copy_column made it. */
static const char *text(sqlite3_value *value) {
  return (const char *)sqlite3_value_text(value);
}

static bool same(sqlite3_value *one, sqlite3_value *other) {
  return strcmp(text(one), text(other)) == 0;
}

static bool is_set_by(const struct change *change, const char *name) {
  return strcmp(text(change->name), name) == 0 && !change->not_set;
}

static void free_plan(struct plan *plan) {
  for (int i = 0; i < plan->count; i++) {
    struct change *change = &plan->changes[i];
    sqlite3_value_free(change->name);
    sqlite3_value_free(change->scope);
    sqlite3_value_free(change->before);
    sqlite3_value_free(change->wanted);
    sqlite3_value_free(change->after);
    sqlite3_value_free(change->not_set);
  }
  plan->count = 0;
}

/* ---- what is to be set ---- */

/* NULL for SQL NULL and for want of memory. The value keeps its text, so that
** asking for it cannot fail later. */
static sqlite3_value *copy_column(sqlite3_stmt *row, int i) {
  if (sqlite3_column_type(row, i) == SQLITE_NULL) return NULL;
  sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(row, i));
  if (value && sqlite3_value_text(value)) return value;
  sqlite3_value_free(value);
  return NULL;
}

static int add_change(struct plan *plan, sqlite3_stmt *row, pk_error *error) {
  if (plan->count == MOST_CHANGES)
    return pk_fail(error, SQLITE_ERROR, "prod_settings has too many rows");
  struct change *change = &plan->changes[plan->count++];
  change->name = copy_column(row, 0);
  change->scope = copy_column(row, 1);
  change->before = copy_column(row, 2);
  change->wanted = copy_column(row, 3);
  change->not_set = copy_column(row, 4);
  bool complete = change->name && change->scope &&
                  (change->not_set || (change->before && change->wanted));
  return complete ? SQLITE_OK : pk_fail_memory(error);
}

/* What only an empty database takes is part of the plan where it would change
** there, or was asked for. The join with the options is left out without
** options, since a host may have no JSON. */
static const char plan_profile[] =
    "SELECT name, scope, value, recommended,"
    "       CASE WHEN status = 'unknown' THEN reason END"
    "  FROM prod_settings(?1, ?2, 'settings')"
    " WHERE scope <> 'creation' OR status = 'differs'";
static const char plan_options[] =
    "SELECT s.name, s.scope, coalesce(s.value, 'unknown'),"
    "       CASE o.type WHEN 'true' THEN 'on' WHEN 'false' THEN 'off'"
    "                   ELSE coalesce(o.atom, s.recommended) END,"
    "       CASE WHEN o.atom = 'keep' THEN 'kept, as was asked'"
    "            WHEN s.status = 'unknown' AND o.key IS NULL THEN s.reason END"
    "  FROM prod_settings(?1, ?2, 'settings') AS s"
    "  LEFT JOIN json_each(?3) AS o ON o.key = s.name"
    " WHERE s.scope <> 'creation' OR s.status = 'differs' OR o.key NOT NULL";

static int plan_settings(sqlite3 *db, const struct request *request,
                         struct plan *plan, pk_error *error) {
  sqlite3_stmt *row;
  int rc = pk_prepare(db, &row, error, "%s",
                      request->options ? plan_options : plan_profile);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(row, 1, request->profile, -1, SQLITE_STATIC);
  sqlite3_bind_text(row, 2, request->schema, -1, SQLITE_STATIC);
  if (request->options)
    rc = sqlite3_bind_value(row, 3, request->options); /* a copy */
  if (rc != SQLITE_OK) rc = pk_fail_memory(error);
  while (rc == SQLITE_OK && (rc = pk_step(row, error)) == SQLITE_ROW)
    rc = add_change(plan, row, error);
  sqlite3_finalize(row);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Until the busy timeout is set, any commit elsewhere refuses even the reading
** of the settings: wait here for as long as it will say. */
static int plan_patiently(sqlite3 *db, const struct request *request,
                          struct plan *plan, pk_error *error) {
  const int pause = 10; /* ms */
  int rc = plan_settings(db, request, plan, error);
  for (sqlite3_int64 waited = 0; (rc & 0xff) == SQLITE_BUSY; waited += pause) {
    pk_error_clear(error);
    free_plan(plan);
    if (pk_interrupted(db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted; nothing was set");
    if (waited >= request->busy_timeout)
      return pk_fail(error, SQLITE_BUSY,
                     "another connection has the database locked for itself, "
                     "for over %lld ms; try again later. Nothing was set",
                     waited);
    pk_pause(pause);
    rc = plan_settings(db, request, plan, error);
  }
  return rc;
}

/* ---- what is refused beforehand ---- */

static int refuse_transaction(sqlite3 *db, pk_error *error) {
  if (!sqlite3_get_autocommit(db))
    return pk_fail(error, SQLITE_ERROR,
                   "a transaction is open, and journal_mode and foreign_keys "
                   "cannot change within one; COMMIT or ROLLBACK first. "
                   "Nothing was set");
  if (sqlite3_txn_state(db, NULL) != SQLITE_TXN_NONE)
    return pk_fail(error, SQLITE_ERROR,
                   "a statement is reading, and journal_mode cannot change "
                   "meanwhile; finish it, and call SELECT prod_configure() "
                   "without FROM. Nothing was set");
  return SQLITE_OK;
}

static int refuse_read_only(sqlite3 *db, const struct request *request,
                            const struct change *change, pk_error *error) {
  if (strcmp(text(change->scope), "connection") == 0 || change->not_set ||
      same(change->before, change->wanted) ||
      sqlite3_db_readonly(db, request->schema) != 1)
    return SQLITE_OK;
  return pk_fail(error, SQLITE_READONLY,
                 "%s is read-only, so its %s cannot change from %s to %s; open "
                 "it for writing, or pass the option {\"%s\":\"%s\"}. Nothing "
                 "was set",
                 request->schema, text(change->name), text(change->before),
                 text(change->wanted), text(change->name),
                 text(change->before));
}

/* What SQLite would only make at the next VACUUM. */
static int refuse_fixed(sqlite3 *db, const struct request *request,
                        const struct change *change, pk_error *error) {
  sqlite3_int64 pages = 0;
  if (strcmp(text(change->scope), "creation") != 0 ||
      same(change->before, change->wanted))
    return SQLITE_OK;
  int rc = pk_query_int64(db, &pages, error, "PRAGMA \"%w\".page_count",
                          request->schema);
  if (rc != SQLITE_OK || pages == 0) return rc;
  return pk_fail(error, SQLITE_ERROR,
                 "%s has content, so its %s stays %s until a VACUUM; SELECT "
                 "name, fix FROM prod_settings shows the SQL. Nothing was set",
                 request->schema, text(change->name), text(change->before));
}

/* SQLite drops all temporary tables when temp_store changes. */
static int refuse_loss(sqlite3 *db, const struct change *change,
                       pk_error *error) {
  sqlite3_int64 objects = 0;
  if (!is_set_by(change, "temp_store") || same(change->before, change->wanted))
    return SQLITE_OK;
  int rc = pk_query_int64(db, &objects, error,
                          "SELECT count(*) FROM temp.sqlite_schema");
  if (rc != SQLITE_OK || objects == 0) return rc;
  return pk_fail(error, SQLITE_ERROR,
                 "the connection has %lld temporary tables, indexes, views or "
                 "triggers, which changing temp_store to %s would drop; call "
                 "this before they are made, or pass the option "
                 "{\"temp_store\":\"%s\"}. Nothing was set",
                 objects, text(change->wanted), text(change->before));
}

static int refuse_foreseeable(sqlite3 *db, const struct request *request,
                              const struct plan *plan, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; i < plan->count && rc == SQLITE_OK; i++) {
    rc = refuse_read_only(db, request, &plan->changes[i], error);
    if (rc == SQLITE_OK)
      rc = refuse_fixed(db, request, &plan->changes[i], error);
    if (rc == SQLITE_OK) rc = refuse_loss(db, &plan->changes[i], error);
  }
  return rc;
}

/* ---- setting it ---- */

static int read_back(sqlite3 *db, const struct request *request,
                     struct change *change, pk_error *error) {
  sqlite3_stmt *row;
  int rc = pk_prepare(db, &row, error,
                      "SELECT coalesce(value, 'unknown') "
                      "FROM prod_settings(%Q, %Q, 'settings') WHERE name = %Q",
                      request->profile, request->schema, text(change->name));
  if (rc != SQLITE_OK) return rc;
  rc = pk_step(row, error);
  if (rc == SQLITE_ROW) {
    change->after = copy_column(row, 0);
    rc = change->after ? SQLITE_OK : pk_fail_memory(error);
  }
  sqlite3_finalize(row);
  return rc;
}

static int apply(sqlite3 *db, const struct request *request,
                 struct change *change, pk_error *error) {
  if (change->not_set) return SQLITE_OK;
  int rc = pk_run(db, error, "PRAGMA \"%w\".%s = %s", request->schema,
                  text(change->name), text(change->wanted));
  if (rc == SQLITE_OK) rc = read_back(db, request, change, error);
  if (rc == SQLITE_OK && !same(change->after, change->wanted))
    rc = pk_fail(error, SQLITE_ERROR, "it is %s", text(change->after));
  return rc;
}

/* "busy_timeout = 5000, journal_mode = wal" */
static char *applied_before(const struct plan *plan, int place) {
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (int i = 0; i < place; i++) {
    const struct change *change = &plan->changes[i];
    if (change->not_set) continue;
    sqlite3_str_appendf(list, "%s%s = %s", sqlite3_str_length(list) ? ", " : "",
                        text(change->name), text(change->after));
  }
  if (sqlite3_str_length(list) == 0) sqlite3_str_appendall(list, "nothing");
  return sqlite3_str_finish(list);
}

static int did_not_take(const struct plan *plan, int place,
                        const struct request *request, const pk_error *cause,
                        pk_error *error) {
  const struct change *change = &plan->changes[place];
  bool busy = (cause->code & 0xff) == SQLITE_BUSY;
  char *before = applied_before(plan, place);
  if (!cause->message || !before) {
    sqlite3_free(before);
    return pk_fail_memory(error);
  }
  int rc =
      pk_fail(error, cause->code,
              "%s of %s cannot be set from %s to %s: %s%s. Set before "
              "it: %s",
              text(change->name), request->schema, text(change->before),
              text(change->wanted), cause->message,
              busy ? " by another connection; try again later" : "", before);
  sqlite3_free(before);
  return rc;
}

static int apply_all(sqlite3 *db, const struct request *request,
                     struct plan *plan, pk_error *error) {
  for (int i = 0; i < plan->count; i++) {
    pk_error cause = PK_NO_ERROR;
    int rc = apply(db, request, &plan->changes[i], &cause);
    if (rc == SQLITE_OK) continue;
    rc = did_not_take(plan, i, request, &cause, error);
    pk_error_clear(&cause);
    return rc;
  }
  return SQLITE_OK;
}

/* ---- the answer ---- */

static void add_setting(pk_json *json, const struct change *change) {
  /* a dry run has read nothing back */
  sqlite3_value *after = change->after ? change->after : change->wanted;
  pk_json_object(json, NULL);
  pk_json_value(json, "name", change->name);
  pk_json_value(json, "before", change->before);
  pk_json_value(json, "after", after);
  pk_json_bool(json, "changed", !same(change->before, after));
  pk_json_value(json, "scope", change->scope);
  pk_json_end(json);
}

static int answer(sqlite3_context *context, const struct request *request,
                  const struct plan *plan) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "profile", request->profile);
  pk_json_text(&json, "schema", request->schema);
  pk_json_bool(&json, "dry_run", request->dry_run);
  pk_json_array(&json, "settings");
  for (int i = 0; i < plan->count; i++)
    if (!plan->changes[i].not_set) add_setting(&json, &plan->changes[i]);
  pk_json_end(&json);
  pk_json_array(&json, "not_set");
  for (int i = 0; i < plan->count; i++)
    if (plan->changes[i].not_set)
      pk_json_format(&json, NULL, "%s: %s", text(plan->changes[i].name),
                     text(plan->changes[i].not_set));
  return pk_json_result(&json, context);
}

static int read_request(sqlite3 *db, sqlite3_value **arguments,
                        struct request *request, pk_error *error) {
  *request = (struct request){
      .profile = "web", .options = arguments[1], .busy_timeout = 5000};
  int rc = pk_optional_text(arguments[0], "profile", &request->profile, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(db, arguments[1], options, request, error);
  if (rc == SQLITE_OK && !request->schema) {
    request->schema = sqlite3_mprintf("main");
    if (!request->schema) rc = pk_fail_memory(error);
  }
  return rc;
}

static int configure(sqlite3_context *context, sqlite3_value **arguments,
                     pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  struct request request;
  struct plan plan = {.count = 0};
  int rc = refuse_transaction(db, error);
  if (rc != SQLITE_OK) return rc;
  rc = read_request(db, arguments, &request, error);
  if (rc == SQLITE_OK) rc = plan_patiently(db, &request, &plan, error);
  if (rc == SQLITE_OK) rc = refuse_foreseeable(db, &request, &plan, error);
  if (rc == SQLITE_OK && !request.dry_run)
    rc = apply_all(db, &request, &plan, error);
  if (rc == SQLITE_OK) rc = answer(context, &request, &plan);
  free_plan(&plan);
  pk_options_free(options, &request);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_configure",
     .arguments = "profile, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "sets the pragmas of a profile (web, durable, small), reads "
                "each back, and says what changed",
     .options = options,
     .call = configure},
    {0}};

const pk_feature pk_configure = {"configure", functions, NULL};
