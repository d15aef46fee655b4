/*
** checklist.c: is this database ready for production?
**
**     SELECT * FROM prod_checklist;
**     SELECT item, detail, fix
**       FROM prod_checklist('{"backup_dir":"/backups", "restore":true}')
**      WHERE status <> 'pass';
**
** The table amounts to
**
**     CREATE TABLE prod_checklist(
**       item TEXT,
**       status TEXT,            pass, warn, fail, or unknown: not looked at
**       detail TEXT,            what was found
**       fix TEXT,               the SQL or the command that mends it; or NULL
**       options TEXT HIDDEN);
**
** with one row for each item, always the same ones in the same order:
**
**   database_file        only its owner may read and write it
**   sidecar_files        the same for -wal, -shm and -journal
**   folder               nobody else may replace files in it
**   journal_mode         wal
**   busy_timeout         over 0, on this connection
**   foreign_keys         on, on this connection
**   synchronous          not off, on this connection
**   backup_present       a backup of this database in backup_dir
**   backup_recent        the newest is no older than backup_max_hours
**   backup_verified      the newest passed a check when it was made
**   backup_restorable    with restore: it was restored just now
**   metrics_fresh        metrics_file is no older than metrics_max_minutes
**   maintenance          prod_maintain ran to its end lately
**   integrity            prod_integrity found nothing, and looked lately
**   statistics           the planner has them for each table with an index
**   foreign_key_indexes  no table with 100 rows is searched in full for one
**
** How it works: each item is asked of the feature that knows, in SQL, but for
** modes and times of files, which are looked up by name. What needs an option
** that was not given is unknown, and says which. An item that fails to be
** looked at is unknown, with the reason; the others are looked at all the same.
**
** restore writes the newest backup, whole, to the file .prodkit-restore-test.db
** in backup_dir, verifies it there (prod_restore) and removes it. The folder
** must have room for it.
**
** Locking: a read transaction on main, as for every table. No file of the
** database is opened, nothing is written into it.
**
** Cost: reads of the schema, of backup_dir and of two small files; with restore
** that of prod_restore.
**
** Limits: settings of a connection are those of the one that asks. Access
** control lists are not looked at. Only backups that prod_backup_rotate named
** after this database, or compressed ones, are known for its own.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/json.h"
#include "../base/sql.h"
#include "../format/manifest.h"

#define RESTORED_NAME ".prodkit-restore-test.db"

struct checklist_options {
  char *backup_dir, *metrics_file, *maintain_state, *integrity_state, *schema;
  double backup_max_hours, metrics_max_minutes, maintain_max_days,
      integrity_max_days;
  int restore;
};

#define OPTION(field) offsetof(struct checklist_options, field)

static const pk_option options[] = {
    {"backup_dir", PK_TEXT, OPTION(backup_dir),
     .summary = "the folder of the backups; without it they are unknown"},
    {"backup_max_hours", PK_REAL, OPTION(backup_max_hours),
     .summary = "an older newest backup fails (26)"},
    {"restore", PK_BOOLEAN, OPTION(restore),
     .summary = "restore the newest backup into a file in backup_dir, and "
                "remove it again (false)"},
    {"metrics_file", PK_TEXT, OPTION(metrics_file),
     .summary = "the file that monitoring reads; without it that is unknown"},
    {"metrics_max_minutes", PK_REAL, OPTION(metrics_max_minutes),
     .summary = "an older one fails (10)"},
    {"maintain_max_days", PK_REAL, OPTION(maintain_max_days),
     .summary = "an older last run of prod_maintain is a warning (7)"},
    {"maintain_state", PK_TEXT, OPTION(maintain_state),
     .summary = "the option `state` that prod_maintain is given"},
    {"integrity_max_days", PK_REAL, OPTION(integrity_max_days),
     .summary = "a table checked longer ago is a warning (30)"},
    {"integrity_state", PK_TEXT, OPTION(integrity_state),
     .summary = "the option `state` that prod_integrity is given"},
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to look at (main)"},
    {0}};

struct checklist {
  sqlite3 *db;
  pk_rows *rows;
  struct checklist_options options;
  const char *schema, *file; /* "" for an in-memory or temporary database */
  bool host_has_json;
  char database[PK_DATABASE_BYTES]; /* its name among backups */
};

/* ---- rows ---- */

static void put(const struct checklist *list, const char *item,
                const char *status, const char *detail, const char *fix) {
  pk_row(list->rows);
  pk_row_text(list->rows, item);
  pk_row_text(list->rows, status);
  pk_row_text(list->rows, detail);
  pk_row_text(list->rows, fix);
}

/* Takes the failure over, unless it ends the call. */
static int put_unknown(const struct checklist *list, const char *item,
                       pk_error *failure, pk_error *error) {
  if (pk_ends_the_call(failure->code)) {
    *error = *failure;
    return error->code;
  }
  put(list, item, "unknown", failure->message, NULL);
  pk_error_clear(failure);
  return SQLITE_OK;
}

/* ---- permissions ---- */

enum { OF_OTHERS = 07, OF_GROUP_AND_OTHERS = 077, WRITABLE = 022 };
#define STICKY 01000

/* prod_secure_files, told to leave the folder, which is another item. NULL:
** for want of memory. */
static char *secure_files(const struct checklist *list) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_bool(&json, "folder", false);
  if (sqlite3_stricmp(list->schema, "main") != 0)
    pk_json_text(&json, "schema", list->schema);
  char *told = pk_json_finish(&json);
  char *call =
      told ? sqlite3_mprintf("SELECT prod_secure_files(%Q)", told) : NULL;
  sqlite3_free(told);
  return call;
}

/* COMMAND 'PATH', as a shell reads it. */
static char *shell_command(const char *command, const char *path) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s '", command);
  for (; *path; path++)
    if (*path == '\'')
      sqlite3_str_appendall(text, "'\\''");
    else
      sqlite3_str_appendchar(text, 1, *path);
  sqlite3_str_appendchar(text, 1, '\'');
  return sqlite3_str_finish(text);
}

static void put_mode(const struct checklist *list, const char *item,
                     const char *status, int mode, const char *path,
                     const char *meaning) {
  pk_row(list->rows);
  pk_row_text(list->rows, item);
  pk_row_text(list->rows, status);
  pk_row_format(list->rows, "%s has mode %c%c%c%c: %s", path,
                '0' + (mode >> 9 & 7), '0' + (mode >> 6 & 7),
                '0' + (mode >> 3 & 7), '0' + (mode & 7), meaning);
}

static void put_file_mode(const struct checklist *list, const char *item,
                          const char *path, int mode) {
  if (mode & OF_OTHERS)
    put_mode(list, item, "fail", mode, path,
             "every user may read or change it");
  else if (mode & OF_GROUP_AND_OTHERS)
    put_mode(list, item, "warn", mode, path, "its group may read or change it");
  else
    put_mode(list, item, "pass", mode, path, "only its owner may use it");
  if (mode & OF_GROUP_AND_OTHERS)
    pk_row_take(list->rows, list->host_has_json
                                ? secure_files(list)
                                : shell_command("chmod 600", path));
}

static int check_database_file(const struct checklist *list, const char *item,
                               pk_error *error) {
  int mode = pk_file_mode(list->file);
  if (mode < 0)
    return pk_fail(error, SQLITE_CANTOPEN, "%s cannot be looked at",
                   list->file);
  put_file_mode(list, item, list->file, mode);
  return SQLITE_OK;
}

/* The first one that others may use stands for all. */
static int check_sidecars(const struct checklist *list, const char *item,
                          pk_error *error) {
  static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
  for (int i = 0; i < 3; i++) {
    char *path = sqlite3_mprintf("%s%s", list->file, suffixes[i]);
    if (!path) return pk_fail_memory(error);
    int mode = pk_file_mode(path);
    bool open = mode >= 0 && mode & OF_GROUP_AND_OTHERS;
    if (open) put_file_mode(list, item, path, mode);
    sqlite3_free(path);
    if (open) return SQLITE_OK;
  }
  put(list, item, "pass", "only their owner may use those that are there",
      NULL);
  return SQLITE_OK;
}

static int check_folder(const struct checklist *list, const char *item,
                        pk_error *error) {
  char *folder = pk_folder_of(list->file);
  if (!folder) return pk_fail_memory(error);
  int mode = pk_file_mode(folder);
  if (mode < 0)
    pk_fail(error, SQLITE_CANTOPEN, "%s cannot be looked at", folder);
  else if (mode & WRITABLE && mode & STICKY)
    put_mode(list, item, "warn", mode, folder,
             "every user may make files in it: keep the database in a folder "
             "of its own");
  else if (mode & WRITABLE)
    put_mode(list, item, "fail", mode, folder,
             "others may replace the files in it");
  else
    put_mode(list, item, "pass", mode, folder,
             "only its owner may replace what is in it");
  if (mode >= 0 && mode & WRITABLE && !(mode & STICKY))
    pk_row_take(list->rows, shell_command("chmod go-w", folder));
  sqlite3_free(folder);
  return error->code;
}

/* ---- what another feature tells ---- */

#define BACKUPS "FROM prod_backups(:backup_dir) WHERE database = :database "

#define SETTING "FROM prod_settings('web', :schema, 'settings') WHERE name = "

/* Options for another feature: json_patch drops those that are null. */
#define STATE(given, path) \
  "json_patch('" given "', json_object('schema', :schema, 'state', " path "))"

/* The options that a fix needs because they are not the defaults, as SQL writes
** them, with `before` and `after` around them; '' where it needs none. */
#define TOLD(before, options, after)                                    \
  "(SELECT iif(told = '{}', '', '" before "' || quote(told) || '" after \
  "') FROM (SELECT json_patch('{}', json_object('schema',"              \
  "  iif(lower(:schema) = 'main', NULL, :schema)" options ")) AS told))"

#define STATES ", 'state', :maintain_state, 'integrity_state', :integrity_state"
#define CHECKED ", 'state', :integrity_state"

/* clang-format off */
#define ROTATE \
  "'SELECT prod_backup_rotate(' || quote(:backup_dir) || " \
  TOLD(", ", "", "") " || ')'"

#define MAINTAIN \
  "'SELECT prod_maintain(' || " TOLD("", STATES, "") " || ')'"

#define CHECK_INTEGRITY \
  "'SELECT * FROM prod_integrity' || " TOLD("(", CHECKED, ")")
/* clang-format on */

static const char journal_mode[] =
    "SELECT CASE status WHEN 'ok' THEN 'pass' WHEN 'differs' THEN 'fail' "
    "  ELSE 'unknown' END,"
    "  coalesce('it is ' || value || ': ', '') || reason, fix " SETTING
    "'journal_mode'";

static const char busy_timeout[] =
    "SELECT iif(value > 0, 'pass', 'fail'),"
    "  'this connection waits ' || value || ' ms for a lock',"
    "  iif(value > 0, NULL, fix) " SETTING "'busy_timeout'";

static const char foreign_keys[] =
    "SELECT iif(status = 'ok', 'pass', 'warn'),"
    "  'on this connection it is ' || value || ': ' || reason, fix " SETTING
    "'foreign_keys'";

static const char synchronous[] =
    "SELECT iif(value = 'off', 'fail', 'pass'),"
    "  'on this connection it is ' || value || ': ' || reason,"
    "  iif(value = 'off', fix, NULL) " SETTING "'synchronous'";

static const char backup_present[] =
    "SELECT iif(count(*) > 0, 'pass', 'fail'),"
    "  count(*) || ' of \"' || :database || '\" in ' || :backup_dir,"
    "  iif(count(*) > 0, NULL,"
    "    " ROTATE ") " BACKUPS "AND verified IS NOT 'missing'";

/* One from the future, by more than clocks differ, is not the newest. */
static const char backup_recent[] =
    "SELECT iif(newest <= :backup_max_hours, 'pass', 'fail'),"
    "  iif(newest IS NULL, 'there is no backup',"
    "    printf('the newest is %.1f hours old, of at most %g', newest,"
    "      :backup_max_hours)),"
    "  iif(newest <= :backup_max_hours, NULL,"
    "    " ROTATE ") FROM (SELECT min(age_seconds) / 3600.0 AS newest " BACKUPS
    "AND verified IS NOT 'missing' AND age_seconds > -3600)";

/* With max() alone, the other columns are of its row (lang_select.html). */
static const char backup_verified[] =
    "SELECT CASE WHEN verified IN ('quick', 'full') THEN 'pass' "
    "  WHEN coalesce(verified, 'none') = 'none' AND path IS NOT NULL"
    "  THEN 'warn' ELSE 'fail' END,"
    "  coalesce(path || ': ' || coalesce(verified, 'there is no manifest'),"
    "    'there is no backup'),"
    "  iif(verified IN ('quick', 'full'), NULL, " ROTATE
    ")"
    "FROM (SELECT path, verified, max(taken_at) " BACKUPS ")";

static const char maintenance[] =
    "WITH last(at, complete, days) AS (SELECT at, complete,"
    "  julianday('now') - julianday(at) FROM (SELECT"
    "    json_extract(told, '$.last.started_at') AS at,"
    "    json_extract(told, '$.last.complete') AS complete"
    "    FROM (SELECT prod_maintain(" STATE("{\"run\":false}",
                                            ":maintain_state") ") AS told))) "
    "SELECT iif(complete AND days <= :maintain_max_days, 'pass', 'warn'),"
    "  CASE WHEN at IS NULL THEN 'it never ran' "
    "  WHEN days > :maintain_max_days THEN printf('it ran last at %s,"
    " more than %g days ago', at, :maintain_max_days) "
    "  WHEN complete THEN 'it ran last at ' || at "
    "  ELSE 'it ran last at ' || at || ', and not to its end' END,"
    "  iif(complete AND days <= :maintain_max_days, NULL,"
    "    " MAINTAIN ") FROM last";

static const char integrity[] =
    "WITH found AS (SELECT total(status = 'failed') AS failed,"
    "  total(status = 'not checked' AND object <> '(whole database)') AS never,"
    "  max(iif(status = 'unknown' AND object <> '(state file)',"
    "    object || ': ' || message, NULL)) AS hindered,"
    "  julianday('now') - julianday(min(checked_at)) AS days,"
    "  min(checked_at) AS at,"
    "  max(iif(status = 'failed', object || ': ' || message, NULL)) AS problem "
    "  FROM prod_integrity(" STATE("{\"check\":false}", ":integrity_state")
    ")), judged AS (SELECT *, CASE WHEN failed THEN 'fail' "
    "  WHEN hindered NOT NULL OR never OR days > :integrity_max_days"
    "  THEN 'warn' ELSE 'pass' END "
    "  AS status FROM found) "
    "SELECT status, CASE WHEN failed THEN problem "
    "  WHEN hindered NOT NULL THEN hindered "
    "  WHEN never THEN printf('tables never checked: %d', never) "
    "  WHEN status = 'warn' THEN printf('a table was checked last at %s, more"
    " than %g days ago', at, :integrity_max_days) "
    "  ELSE 'every table was checked, the first one at ' || at END,"
    "  CASE WHEN status = 'warn' AND hindered IS NULL THEN " CHECK_INTEGRITY
    "  WHEN failed THEN 'restore a backup: prod_backups, prod_restore' END "
    "FROM judged";

static const char statistics[] =
    "WITH missing(tables) AS (SELECT json_extract(told,"
    "  '$.tables_without_statistics') "
    "  FROM (SELECT prod_maintain(" STATE("{\"run\":false}",
                                          ":maintain_state") ") AS told)) "
    "SELECT iif(tables = 0, 'pass', 'warn'),"
    "  'tables with an index and without statistics: ' || tables,"
    "  iif(tables = 0, NULL, " MAINTAIN ") FROM missing";

static const char foreign_key_indexes[] =
    "SELECT iif(count(*) = 0, 'pass', 'warn'),"
    "  'foreign keys without an index: ' || count(*),"
    "  group_concat(ddl, '; ') "
    "FROM prod_index_advice(NULL, "
    "  json_object('schema', :schema, 'captured', json('false'))) "
    "WHERE action = 'create' AND kind = 'foreign_key'";

static void bind_text(sqlite3_stmt *item, const char *name, const char *text) {
  int place = sqlite3_bind_parameter_index(item, name);
  if (place > 0 && text)
    sqlite3_bind_text(item, place, text, -1, SQLITE_STATIC);
}

static void bind_real(sqlite3_stmt *item, const char *name, double number) {
  int place = sqlite3_bind_parameter_index(item, name);
  if (place > 0) sqlite3_bind_double(item, place, number);
}

static void bind_options(sqlite3_stmt *item, const struct checklist *list) {
  const struct checklist_options *given = &list->options;
  bind_text(item, ":schema", list->schema);
  bind_text(item, ":database", list->database);
  bind_text(item, ":backup_dir", given->backup_dir);
  bind_text(item, ":maintain_state", given->maintain_state);
  bind_text(item, ":integrity_state", given->integrity_state);
  bind_real(item, ":backup_max_hours", given->backup_max_hours);
  bind_real(item, ":maintain_max_days", given->maintain_max_days);
  bind_real(item, ":integrity_max_days", given->integrity_max_days);
}

static const char *text(sqlite3_stmt *row, int column) {
  return (const char *)sqlite3_column_text(row, column);
}

/* One row: status, detail, fix. */
static int put_answer(const struct checklist *list, const char *item,
                      const char *sql, pk_error *error) {
  sqlite3_stmt *asked;
  int rc = pk_prepare(list->db, &asked, error, "%s", sql);
  if (rc != SQLITE_OK) return rc;
  bind_options(asked, list);
  rc = pk_step(asked, error);
  if (rc == SQLITE_ROW)
    put(list, item, text(asked, 0), text(asked, 1), text(asked, 2));
  sqlite3_finalize(asked);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- restoring, and the file of monitoring ---- */

static int restore_newest(const struct checklist *list, const char *item,
                          const char *path, const char *target,
                          pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  double began = pk_seconds();
  int rc = pk_run(list->db, &failure,
                  "SELECT prod_restore(%Q, %Q, '{\"overwrite\":true}')", path,
                  target);
  if (pk_ends_the_call(rc)) {
    *error = failure;
    return rc;
  }
  if (rc == SQLITE_OK && pk_file_remove(target, error) != SQLITE_OK)
    return error->code;
  pk_row(list->rows);
  pk_row_text(list->rows, item);
  pk_row_text(list->rows, rc == SQLITE_OK ? "pass" : "fail");
  if (rc == SQLITE_OK)
    pk_row_format(list->rows, "%s was restored and verified in %.1f seconds",
                  path, pk_seconds_since(began));
  else
    pk_row_text(list->rows, failure.message);
  pk_error_clear(&failure);
  return SQLITE_OK;
}

static int check_restorable(const struct checklist *list, const char *item,
                            pk_error *error) {
  if (!list->options.restore)
    return pk_fail(error, SQLITE_ERROR, "the option restore tells");
  char *path, *target = pk_folder_path(list->options.backup_dir, RESTORED_NAME);
  int rc = pk_query_text(list->db, &path, error,
                         "SELECT path FROM prod_backups(%Q) "
                         "WHERE database = %Q AND verified IS NOT 'missing' "
                         "ORDER BY taken_at DESC LIMIT 1",
                         list->options.backup_dir, list->database);
  if (rc == SQLITE_OK && !target)
    rc = pk_fail_memory(error);
  else if (rc == SQLITE_OK && !path)
    put(list, item, "fail", "there is no backup", NULL);
  else if (rc == SQLITE_OK)
    rc = restore_newest(list, item, path, target, error);
  sqlite3_free(path);
  sqlite3_free(target);
  return rc;
}

static int seconds_now(sqlite3 *db, sqlite3_int64 *now, pk_error *error) {
  return pk_query_int64(db, now, error, "SELECT strftime('%%s', 'now')");
}

static int check_metrics(const struct checklist *list, const char *item,
                         pk_error *error) {
  const char *path = list->options.metrics_file;
  sqlite3_int64 written = pk_file_modified(path), now = 0;
  double most = list->options.metrics_max_minutes;
  int rc = seconds_now(list->db, &now, error);
  if (rc != SQLITE_OK) return rc;
  double minutes = (double)(now - written) / 60;
  pk_row(list->rows);
  pk_row_text(list->rows, item);
  pk_row_text(list->rows, written && minutes <= most ? "pass" : "fail");
  if (written)
    pk_row_format(list->rows, "%s is %.1f minutes old, of at most %g", path,
                  minutes, most);
  else
    pk_row_format(list->rows, "%s is not there", path);
  return SQLITE_OK;
}

/* ---- the list ---- */

struct item {
  const char *name;
  const char *sql; /* asks another feature; or */
  int (*check)(const struct checklist *, const char *item, pk_error *);
  bool of_file;       /* unknown for an in-memory or temporary database */
  bool of_json;       /* unknown on a host without JSON functions */
  const char *option; /* without which it is unknown; or NULL */
  size_t given;
};

#define OF_BACKUPS .option = "backup_dir", .given = OPTION(backup_dir)

static const struct item items[] = {
    {"database_file", .check = check_database_file, .of_file = true},
    {"sidecar_files", .check = check_sidecars, .of_file = true},
    {"folder", .check = check_folder, .of_file = true},
    {"journal_mode", journal_mode, .of_file = true},
    {"busy_timeout", busy_timeout},
    {"foreign_keys", foreign_keys},
    {"synchronous", synchronous},
    {"backup_present", backup_present, .of_file = true, OF_BACKUPS},
    {"backup_recent", backup_recent, .of_file = true, OF_BACKUPS},
    {"backup_verified", backup_verified, .of_file = true, OF_BACKUPS},
    {"backup_restorable", .check = check_restorable, .of_file = true,
     OF_BACKUPS},
    {"metrics_fresh", .check = check_metrics, .option = "metrics_file",
     .given = OPTION(metrics_file)},
    {"maintenance", maintenance, .of_file = true, .of_json = true},
    {"integrity", integrity, .of_file = true, .of_json = true},
    {"statistics", statistics, .of_file = true, .of_json = true},
    {"foreign_key_indexes", foreign_key_indexes, .of_json = true},
};

static bool is_missing(const struct checklist *list, const struct item *item) {
  return item->option &&
         !*(char *const *)((const char *)&list->options + item->given);
}

static int look(const struct checklist *list, const struct item *item,
                pk_error *error) {
  if (item->of_file && !*list->file)
    return pk_fail(error, SQLITE_ERROR,
                   "an in-memory or temporary database has no file");
  if (is_missing(list, item))
    return pk_fail(error, SQLITE_ERROR, "the option %s tells", item->option);
  if (item->of_json && !list->host_has_json)
    return pk_require_json(list->db, "this needs", error);
  return item->sql ? put_answer(list, item->name, item->sql, error)
                   : item->check(list, item->name, error);
}

static int put_items(const struct checklist *list, pk_error *error) {
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < sizeof items / sizeof *items; i++) {
    pk_error failure = PK_NO_ERROR;
    if (look(list, &items[i], &failure) != SQLITE_OK)
      rc = put_unknown(list, items[i].name, &failure, error);
  }
  return rc;
}

static int show_checklist(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                          pk_error *error) {
  struct checklist list = {.db = db,
                           .rows = rows,
                           .options = {.backup_max_hours = 26,
                                       .metrics_max_minutes = 10,
                                       .maintain_max_days = 7,
                                       .integrity_max_days = 30}};
  int rc = pk_options_read(db, arguments[0], options, &list.options, error);
  list.schema = list.options.schema ? list.options.schema : "main";
  if (rc == SQLITE_OK) rc = pk_schema_file(db, list.schema, &list.file, error);
  if (rc == SQLITE_OK) rc = pk_host_has_json(db, &list.host_has_json, error);
  if (rc == SQLITE_OK && list.options.restore && !list.options.backup_dir)
    rc = pk_fail(error, SQLITE_ERROR,
                 "the option restore needs the option backup_dir");
  if (rc == SQLITE_OK) {
    pk_manifest_name(list.database, list.file);
    rc = put_items(&list, error);
  }
  pk_options_free(options, &list.options);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_checklist",
     .columns = "item TEXT, status TEXT, detail TEXT, fix TEXT",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "what a database in production should have: permissions, "
                "settings, backups, monitoring, maintenance",
     .options = options,
     .produce = show_checklist},
    {0}};

const pk_feature pk_checklist = {.name = "checklist", .tables = tables};
