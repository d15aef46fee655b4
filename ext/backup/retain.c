/*
** retain.c: backups that are made every night, and those that are let go.
**
**     SELECT prod_backup_rotate('/backups');
**     SELECT prod_backup_rotate('/backups',
**                               '{"keep_daily":7,"keep_weekly":5}');
**     SELECT json_extract(prod_backup_prune('/backups',
**                         '{"keep_last":3,"dry_run":true}'), '$.removed');
**
** prod_backup_rotate makes <database>-YYYYMMDDTHHMMSSZ.db.gz in a folder with
** prod_backup_to, writes its manifest beside it (format/manifest), last, and
** then prunes the backups of that database by the keep_* options it was given;
** without any it removes nothing. prod_backup_prune only prunes.
**
** Pruning. Each database, by the name in the manifests, is taken by itself.
** What any one of these keeps is kept:
**
**     keep_last N      the newest N
**     keep_days N      those of the last N days before the newest one
**     keep_daily N     the newest of each of the last N days that have one,
**     keep_weekly N    of each of the last N weeks, which begin on Monday,
**     keep_monthly N   of each of the last N months; all in UTC
**
** Each is applied twice: to all finished backups, and to those that were
** verified when they were made. So one that was not verified never takes the
** place of one that was. Besides, whatever the options,
**
**     - the newest verified backup of each database is kept,
**     - and every held one (prod_backup_hold),
**     - and one that was taken in the future: some clock is wrong, and it neither
**       counts nor displaces others;
**     - and only what has a sound manifest that fits it is ever removed.
**
** Nothing is measured from the present time: when backups are no longer made,
** those that there are stay.
**
** Interrupted at any moment, a run leaves what the next one mends. The parts of
** unfinished files are removed once nobody holds them (pk_file_sweep). A rotate
** holds the part of the manifest from before the backup begins: where that part
** was abandoned and the backup has its name, it is complete, and the next run
** writes its manifest, as not verified. A prune removes the backups first,
** makes that durable, and then removes their manifests: what is left in between
** is a manifest without a backup, which prod_backups shows as missing and the
** next prune removes.
**
** Locking. The folder's lock (base/folder) while a name is chosen, and while it
** is decided what to remove and removed; not while a backup is made.
**
** Cost. That of prod_backup_to; of pruning, reading the manifests in the
** folder.
*/
#include <string.h>
#include <time.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/folder.h"
#include "../base/pace.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "../format/backup_file.h"
#include "../format/manifest.h"

#define SLICE_MS 20 /* of waiting, so that an interrupt ends it promptly */

/* ---- the rules ---- */

/* 0 is a rule that was not given. */
typedef struct policy {
  sqlite3_int64 last, days, daily, weekly, monthly;
} policy;

#define MOST_KEPT 100000
#define KEEP(type, field, what)                             \
  {                                                         \
    "keep_" #field, PK_INTEGER, offsetof(type, keep.field), \
        .least = 1, .most = MOST_KEPT, .summary = what      \
  }
#define KEEP_OPTIONS(type)                                                \
  KEEP(type, last, "the newest so many backups"),                         \
      KEEP(type, days, "those of so many days before the newest one"),    \
      KEEP(type, daily, "the newest of each of the last so many days"),   \
      KEEP(type, weekly, "the newest of each of the last so many weeks"), \
      KEEP(type, monthly, "the newest of each of the last so many months")

/* A rule divides the backups into buckets and keeps the newest of each of the
** last N buckets. 'weekday 0' is the Sunday to come, so six days before it is
** the Monday of the week (ISO 8601). */
static const struct rule {
  const char *name;
  size_t offset; /* in policy */
  const char *bucket;
  const char *label; /* of the bucket, in the reason */
} rules[] = {
    {"keep_last", offsetof(policy, last), "taken_at || path", "''"},
    {"keep_daily", offsetof(policy, daily), "date(taken_at)",
     "' of ' || bucket"},
    {"keep_weekly", offsetof(policy, weekly),
     "date(taken_at, 'weekday 0', '-6 days')", "' from ' || bucket"},
    {"keep_monthly", offsetof(policy, monthly), "strftime('%Y-%m', taken_at)",
     "' of ' || bucket"},
};
#define RULES (sizeof rules / sizeof *rules)

static sqlite3_int64 number_of(const policy *keep, const struct rule *rule) {
  return *(const sqlite3_int64 *)(const void *)((const char *)keep +
                                                rule->offset);
}

/* "not kept by keep_last 3, keep_daily 7" */
static char *reason_of_removal(const policy *keep) {
  const char *between = " ";
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "not kept by");
  for (size_t i = 0; i < RULES; i++) {
    sqlite3_int64 number = number_of(keep, &rules[i]);
    if (number == 0) continue;
    sqlite3_str_appendf(text, "%s%s %lld", between, rules[i].name, number);
    between = ", ";
  }
  if (keep->days)
    sqlite3_str_appendf(text, "%skeep_days %lld", between, keep->days);
  return sqlite3_str_finish(text);
}

static bool keeps_everything(const policy *keep) {
  return !(keep->last || keep->days || keep->daily || keep->weekly ||
           keep->monthly);
}

/* ---- the plan: a private database in which the rules are applied ---- */

typedef struct pruning {
  sqlite3 *db;
  const char *folder;
  const char *database; /* only backups of that one; NULL: of each */
  policy keep;
  sqlite3 *plan;
} pruning;

static const char plan_schema[] =
    "CREATE TABLE backup(path TEXT PRIMARY KEY, database, taken_at, bytes, "
    "verified, held, age_seconds)";

static const char *const plan_views[] = {
    "CREATE TABLE kept(path, reason, UNIQUE(path, reason) ON CONFLICT IGNORE)",
    "CREATE VIEW finished AS SELECT * FROM backup WHERE age_seconds >= 0 "
    "AND verified IN ('none', 'quick', 'full')",
    "CREATE VIEW verified AS SELECT * FROM finished WHERE verified <> 'none'",
    "CREATE VIEW verdict AS "
    "SELECT path, bytes, verified = 'missing' AS is_missing, "
    "(SELECT group_concat(reason, ', ') FROM kept "
    "WHERE kept.path = backup.path) AS reason "
    "FROM backup ORDER BY taken_at, path",
};

/* What is kept whatever the rules say. */
static const char *const always[] = {
    "INSERT INTO kept SELECT path, CASE verified "
    "WHEN 'bad manifest' THEN 'its manifest is damaged' "
    "WHEN 'changed' THEN 'it is not the file that its manifest describes' "
    "WHEN 'damaged' THEN 'it is damaged, and not made by prod_backup_rotate' "
    "ELSE 'not made by prod_backup_rotate' END FROM backup "
    "WHERE verified IS NULL OR verified IN ('bad manifest', 'changed', "
    "'damaged')",
    "INSERT INTO kept SELECT path, 'held' FROM backup WHERE held",
    "INSERT INTO kept SELECT path, 'taken in the future' FROM backup "
    "WHERE age_seconds < 0 AND verified IN ('none', 'quick', 'full')",
    "INSERT INTO kept SELECT path, 'the newest verified' FROM "
    "(SELECT path, row_number() OVER (PARTITION BY database "
    "ORDER BY taken_at DESC, path DESC) AS place FROM verified) "
    "WHERE place = 1",
};

static int run_each(sqlite3 *plan, const char *const *statements, size_t count,
                    pk_error *error) {
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < count; i++)
    rc = pk_run(plan, error, "%s", statements[i]);
  return rc;
}

static int copy_row(sqlite3_stmt *from, sqlite3_stmt *to, pk_error *error) {
  for (int i = 0; i < sqlite3_column_count(from); i++)
    if (sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i)) !=
        SQLITE_OK)
      return pk_fail_memory(error);
  int rc = pk_step(to, error);
  sqlite3_reset(to);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_catalogue(const pruning *self, pk_error *error) {
  sqlite3_stmt *from, *to;
  int rc = pk_prepare(self->db, &from, error,
                      "SELECT path, database, taken_at, bytes, verified, held, "
                      "age_seconds FROM prod_backups(%Q) "
                      "WHERE %Q IS NULL OR database = %Q",
                      self->folder, self->database, self->database);
  if (rc != SQLITE_OK) return rc;
  rc = pk_prepare(self->plan, &to, error,
                  "INSERT INTO backup VALUES (?, ?, ?, ?, ?, ?, ?)");
  while (rc == SQLITE_OK && (rc = pk_step(from, error)) == SQLITE_ROW)
    rc = copy_row(from, to, error);
  sqlite3_finalize(from);
  sqlite3_finalize(to);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int apply_rule(const pruning *self, const struct rule *rule,
                      const char *to, pk_error *error) {
  sqlite3_int64 number = number_of(&self->keep, rule);
  if (number == 0) return SQLITE_OK;
  return pk_run(self->plan, error,
                "INSERT INTO kept SELECT path, '%s' || %s FROM "
                "(SELECT path, bucket, "
                "row_number() OVER (PARTITION BY database, bucket "
                "ORDER BY taken_at DESC, path DESC) AS place_in_bucket, "
                "dense_rank() OVER (PARTITION BY database "
                "ORDER BY bucket DESC) AS place_of_bucket "
                "FROM (SELECT *, %s AS bucket FROM %s)) "
                "WHERE place_in_bucket = 1 AND place_of_bucket <= %lld",
                rule->name, rule->label, rule->bucket, to, number);
}

static int apply_days(const pruning *self, const char *to, pk_error *error) {
  if (self->keep.days == 0) return SQLITE_OK;
  return pk_run(self->plan, error,
                "INSERT INTO kept SELECT path, 'keep_days' FROM "
                "(SELECT path, julianday(max(taken_at) OVER "
                "(PARTITION BY database)) - julianday(taken_at) AS days "
                "FROM %s) WHERE days < %lld",
                to, self->keep.days);
}

static int apply_rules(const pruning *self, const char *to, pk_error *error) {
  int rc = apply_days(self, to, error);
  for (size_t i = 0; rc == SQLITE_OK && i < RULES; i++)
    rc = apply_rule(self, &rules[i], to, error);
  return rc;
}

/* Without a rule nothing is removed, not even a lone manifest. */
static int apply_policy(const pruning *self, pk_error *error) {
  if (keeps_everything(&self->keep))
    return pk_run(
        self->plan, error,
        "INSERT INTO kept SELECT path, 'no keep_ option' FROM backup");
  int rc = apply_rules(self, "finished", error);
  if (rc == SQLITE_OK) rc = apply_rules(self, "verified", error);
  return rc;
}

static int make_plan(pruning *self, pk_error *error) {
  int rc = pk_private_memory(self->db, &self->plan, error);
  if (rc == SQLITE_OK) rc = pk_run(self->plan, error, "%s", plan_schema);
  if (rc == SQLITE_OK)
    rc = run_each(self->plan, plan_views,
                  sizeof plan_views / sizeof *plan_views, error);
  if (rc == SQLITE_OK) rc = read_catalogue(self, error);
  if (rc == SQLITE_OK)
    rc = run_each(self->plan, always, sizeof always / sizeof *always, error);
  if (rc == SQLITE_OK) rc = apply_policy(self, error);
  return rc;
}

/* ---- carrying it out ---- */

static int remove_backup(const char *path, pk_error *error) {
  return pk_file_remove(path, error);
}

static int remove_manifest(const char *path, pk_error *error) {
  char *manifest = pk_manifest_path(path);
  if (!manifest) return pk_fail_memory(error);
  int rc = pk_file_remove(manifest, error);
  sqlite3_free(manifest);
  return rc;
}

static int remove_each(const pruning *self,
                       int (*removal)(const char *path, pk_error *error),
                       pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(self->plan, &list, error,
                      "SELECT path FROM verdict WHERE reason IS NULL");
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW)
    rc = removal((const char *)sqlite3_column_text(list, 0), error);
  sqlite3_finalize(list);
  if (rc == SQLITE_DONE) rc = pk_folder_sync(self->folder, error);
  return rc;
}

/* A manifest that outlives its backup is seen and mended; a backup that
** outlived its manifest would be one that nobody may remove. */
static int remove_both(const pruning *self, pk_error *error) {
  int rc = remove_each(self, remove_backup, error);
  if (rc == SQLITE_OK) rc = remove_each(self, remove_manifest, error);
  return rc;
}

static int prune(pruning *self, bool dry_run, pk_error *error) {
  int lock;
  int rc = pk_folder_lock(&lock, self->db, self->folder, error);
  if (rc == SQLITE_OK) rc = make_plan(self, error);
  if (rc == SQLITE_OK && !dry_run) rc = remove_both(self, error);
  pk_folder_unlock(&lock);
  return rc;
}

/* ---- what was done ---- */

/* An array with the path and the reason of each backup that is kept, or is not;
** *bytes is what they have together. */
static int report(const pruning *self, pk_json *json, const char *key,
                  bool kept, sqlite3_int64 *bytes, pk_error *error) {
  sqlite3_stmt *list;
  *bytes = 0;
  char *otherwise = reason_of_removal(&self->keep);
  if (!otherwise) return pk_fail_memory(error);
  int rc = pk_prepare(self->plan, &list, error,
                      "SELECT path, bytes, coalesce(reason, CASE is_missing "
                      "WHEN 1 THEN 'its backup is gone, only the manifest was "
                      "left' ELSE %Q END) "
                      "FROM verdict WHERE (reason IS NOT NULL) = %d",
                      otherwise, kept);
  sqlite3_free(otherwise);
  pk_json_array(json, key);
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW) {
    pk_json_object(json, NULL);
    pk_json_text(json, "path", (const char *)sqlite3_column_text(list, 0));
    pk_json_text(json, "reason", (const char *)sqlite3_column_text(list, 2));
    pk_json_end(json);
    *bytes += sqlite3_column_int64(list, 1);
    rc = SQLITE_OK;
  }
  pk_json_end(json);
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- mending what an interrupted run left ---- */

/* "app" of "app-20261120T030000Z.db.gz". */
static void database_in(const char *backup, char name[PK_DATABASE_BYTES]) {
  const char *own = pk_base_name(backup);
  const char *dash = strrchr(own, '-');
  sqlite3_snprintf(PK_DATABASE_BYTES, name, "%.*s",
                   dash ? (int)(dash - own) : (int)strlen(own), own);
}

static int describe_backup(const char *backup, pk_manifest *manifest,
                           pk_error *error) {
  pk_backup_facts facts;
  pk_reader file;
  bool compressed;
  int rc = pk_backup_open(&file, backup, &compressed, error);
  if (rc == SQLITE_OK)
    rc = pk_backup_describe(&file, compressed, &facts, error);
  if (rc == SQLITE_OK)
    *manifest = (pk_manifest){
        .taken_at = compressed ? facts.taken_at : pk_file_modified(backup),
        .bytes = file.bytes,
        .source_bytes = facts.source_bytes,
        .pages = facts.pages,
        .page_size = facts.page_size,
        .verified = "none",
    };
  pk_reader_close(&file);
  if (rc != SQLITE_OK) return rc;
  database_in(backup, manifest->database);
  strcpy(manifest->compression, compressed ? "gzip" : "none");
  return SQLITE_OK;
}

/* A backup that has its name is complete; only its manifest is wanting. What
** cannot be described is somebody else's, and is left. */
static int finish_backup(const char *backup, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  pk_manifest manifest;
  pk_file file = {.fd = -1};
  if (describe_backup(backup, &manifest, &failure) != SQLITE_OK) {
    pk_error_clear(&failure);
    return SQLITE_OK;
  }
  int rc = pk_manifest_begin(&file, backup, false, error);
  if (rc == SQLITE_OK)
    rc = pk_manifest_publish(&file, backup, &manifest, error);
  pk_file_discard(&file);
  return rc;
}

/* Hears of each part that an interrupted run left in the folder. */
static int mend(void *context, const char *target, pk_error *error) {
  char *backup;
  (void)context;
  int rc = pk_manifest_backup(target, &backup, error);
  if (backup && pk_file_bytes(target) < 0 && pk_file_bytes(backup) >= 0)
    rc = finish_backup(backup, error);
  sqlite3_free(backup);
  return rc;
}

/* ---- prod_backup_prune ---- */

typedef struct prune_options {
  policy keep;
  char *database;
  int dry_run;
} prune_options;

static const pk_option prune_known[] = {
    KEEP_OPTIONS(prune_options),
    {"database", PK_TEXT, offsetof(prune_options, database),
     .summary = "only backups of the database of that name (of each)"},
    {"dry_run", PK_BOOLEAN, offsetof(prune_options, dry_run),
     .summary = "tell what would be removed, and remove nothing (false)"},
    {0}};

static int answer_prune(const pruning *self, bool dry_run, pk_json *json,
                        pk_error *error) {
  sqlite3_int64 removed = 0, kept = 0;
  pk_json_text(json, "dir", self->folder);
  pk_json_bool(json, "dry_run", dry_run);
  int rc = report(self, json, "removed", false, &removed, error);
  if (rc == SQLITE_OK) rc = report(self, json, "kept", true, &kept, error);
  pk_json_int64(json, "removed_bytes", removed);
  pk_json_int64(json, "kept_bytes", kept);
  return rc;
}

static int read_prune(pruning *self, prune_options *options,
                      sqlite3_value **arguments, pk_error *error) {
  int rc = pk_text_argument(arguments[0], "dir", &self->folder, error);
  if (rc == SQLITE_OK) rc = pk_require_json(self->db, "manifests need", error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(self->db, arguments[1], prune_known, options, error);
  self->keep = options->keep;
  self->database = options->database;
  if (rc == SQLITE_OK && keeps_everything(&self->keep))
    rc = pk_fail(error, SQLITE_ERROR,
                 "say what to keep: at least one of the options keep_last, "
                 "keep_days, keep_daily, keep_weekly, keep_monthly");
  return rc;
}

static int backup_prune(sqlite3_context *context, sqlite3_value **arguments,
                        pk_error *error) {
  pruning self = {.db = sqlite3_context_db_handle(context)};
  prune_options options = {0};
  pk_json json;
  pk_json_begin(&json);
  int rc = read_prune(&self, &options, arguments, error);
  if (rc == SQLITE_OK && !options.dry_run)
    rc = pk_file_sweep(self.folder, mend, NULL, error);
  if (rc == SQLITE_OK) rc = prune(&self, options.dry_run, error);
  if (rc == SQLITE_OK) rc = answer_prune(&self, options.dry_run, &json, error);
  if (rc == SQLITE_OK)
    rc = pk_json_result(&json, context);
  else
    sqlite3_free(pk_json_finish(&json));
  sqlite3_close(self.plan);
  pk_options_free(prune_known, &options);
  return rc;
}

/* ---- prod_backup_rotate ---- */

typedef struct rotate_options {
  policy keep;
  char *schema, *name;
  sqlite3_int64 compress, threads;
  int verify;
  pk_pace_options pace;
} rotate_options;

static const char *const verify_levels[] = {"none", "quick", "full"};

#define OPTION(field) offsetof(rotate_options, field)

static const pk_option rotate_known[] = {
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to copy (main)"},
    {"name", PK_TEXT, OPTION(name),
     .summary = "what the backups are called (the database file's name)"},
    {"compress", PK_INTEGER, OPTION(compress), .least = 0, .most = 12,
     .summary = "0 for a plain file, 1 to 12 for gzip (6)"},
    {"verify", PK_CHOICE, OPTION(verify), .choices = "none quick full",
     .summary = "how the backup is checked before it is published (quick)"},
    {"threads", PK_INTEGER, OPTION(threads), .least = 0, .most = 64,
     .summary = "to compress with (0: one for each core)"},
    PK_PACE_OPTIONS(rotate_options),
    KEEP_OPTIONS(rotate_options),
    {0}};

typedef struct rotation {
  sqlite3 *db;
  const char *folder;
  rotate_options options;
  char *path; /* of the backup */
  pk_file manifest_file;
  pk_manifest manifest;
} rotation;

static int choose_name(rotation *job, pk_error *error) {
  const char *schema = job->options.schema ? job->options.schema : "main";
  const char *name = job->options.name;
  const char *file;
  int rc = pk_schema_file(job->db, schema, &file, error);
  if (rc != SQLITE_OK) return rc;
  if (!name) name = pk_schema_title(job->db, schema);
  pk_manifest_name(job->manifest.database, name);
  return SQLITE_OK;
}

/* Is the path somebody's: a finished backup's, a lone manifest's, or that of a
** backup that is being made? */
static int is_taken(const char *path, bool *taken, pk_error *error) {
  char *manifest = pk_manifest_path(path);
  if (!manifest) return pk_fail_memory(error);
  int rc = SQLITE_OK;
  *taken = pk_file_bytes(path) >= 0 || pk_file_bytes(manifest) >= 0;
  if (!*taken) rc = pk_file_begun(manifest, taken, error);
  sqlite3_free(manifest);
  return rc;
}

/* Is a name taken, plain or compressed? Sets the path to the one that is asked
** for. */
static int try_name(rotation *job, const char *name, bool *taken,
                    pk_error *error) {
  char *plain = sqlite3_mprintf("%z.db", pk_folder_path(job->folder, name));
  char *compressed = plain ? sqlite3_mprintf("%s.gz", plain) : NULL;
  int rc = compressed ? is_taken(plain, taken, error) : pk_fail_memory(error);
  if (rc == SQLITE_OK && !*taken) rc = is_taken(compressed, taken, error);
  sqlite3_free(job->path);
  job->path = job->options.compress ? compressed : plain;
  sqlite3_free(job->options.compress ? plain : compressed);
  return rc;
}

/* One second has one backup of a database, so that their times have an order:
** the next one waits for the next second. */
static int choose_path(rotation *job, pk_error *error) {
  char stamp[PK_UTC_BYTES];
  char name[PK_DATABASE_BYTES + PK_UTC_BYTES];
  for (;;) {
    bool taken;
    job->manifest.taken_at = pk_utc_seconds();
    pk_utc_stamp(stamp, job->manifest.taken_at);
    sqlite3_snprintf(sizeof name, name, "%s-%s", job->manifest.database, stamp);
    int rc = try_name(job, name, &taken, error);
    if (rc != SQLITE_OK || !taken) return rc;
    if (pk_interrupted(job->db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    pk_pause(SLICE_MS);
  }
}

/* Takes a name: the part of its manifest stands for it from here on. */
static int begin(rotation *job, pk_error *error) {
  int lock;
  int rc = pk_folder_lock(&lock, job->db, job->folder, error);
  if (rc == SQLITE_OK) rc = choose_path(job, error);
  if (rc == SQLITE_OK)
    rc = pk_manifest_begin(&job->manifest_file, job->path, false, error);
  pk_folder_unlock(&lock);
  return rc;
}

/* The options of prod_backup_to. */
static char *backup_options(const rotate_options *options) {
  pk_json json;
  pk_json_begin(&json);
  if (options->schema) pk_json_text(&json, "schema", options->schema);
  pk_json_text(&json, "verify", verify_levels[options->verify]);
  pk_json_int64(&json, "threads", options->threads);
  pk_json_double(&json, "max_seconds", options->pace.max_seconds);
  pk_json_double(&json, "rate_mb_per_second", options->pace.rate_mb_per_second);
  pk_json_bool(&json, "progress", options->pace.progress != 0);
  return pk_json_finish(&json);
}

static int read_answer(rotation *job, const char *answer, pk_error *error) {
  pk_manifest *manifest = &job->manifest;
  sqlite3_stmt *row;
  int rc = pk_prepare(job->db, &row, error,
                      "SELECT json_extract(?1, '$.bytes'), "
                      "json_extract(?1, '$.source_bytes'), "
                      "json_extract(?1, '$.pages'), "
                      "json_extract(?1, '$.page_size')");
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(row, 1, answer, -1, SQLITE_STATIC);
  rc = pk_step(row, error);
  manifest->bytes = sqlite3_column_int64(row, 0);
  manifest->source_bytes = sqlite3_column_int64(row, 1);
  manifest->pages = sqlite3_column_int64(row, 2);
  manifest->page_size = sqlite3_column_int64(row, 3);
  sqlite3_finalize(row);
  strcpy(manifest->compression, job->options.compress ? "gzip" : "none");
  strcpy(manifest->verified, verify_levels[job->options.verify]);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int make_backup(rotation *job, pk_error *error) {
  char *answer = NULL;
  char *options = backup_options(&job->options);
  if (!options) return pk_fail_memory(error);
  int rc = pk_query_text(job->db, &answer, error,
                         "SELECT prod_backup_to(%Q, %lld, %Q)", job->path,
                         job->options.compress, options);
  sqlite3_free(options);
  if (rc == SQLITE_OK) rc = read_answer(job, answer, error);
  sqlite3_free(answer);
  if (rc == SQLITE_OK)
    rc = pk_manifest_publish(&job->manifest_file, job->path, &job->manifest,
                             error);
  return rc;
}

/* The backup is there by now, whatever happens here. */
static int prune_after(rotation *job, pk_json *json, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  pruning self = {.db = job->db,
                  .folder = job->folder,
                  .database = job->manifest.database,
                  .keep = job->options.keep};
  sqlite3_int64 bytes, kept = 0;
  int rc = prune(&self, false, &failure);
  if (rc == SQLITE_OK)
    rc = report(&self, json, "pruned", false, &bytes, &failure);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(self.plan, &kept, &failure,
                        "SELECT count(reason) FROM verdict");
  pk_json_int64(json, "kept", kept);
  if (rc != SQLITE_OK)
    pk_fail(error, rc, "the backup %s was made; pruning failed: %s", job->path,
            failure.message ? failure.message : "out of memory");
  pk_error_clear(&failure);
  sqlite3_close(self.plan);
  return rc;
}

static void describe_new(pk_json *json, const rotation *job) {
  pk_json_object(json, "backup");
  pk_json_text(json, "path", job->path);
  pk_manifest_facts(json, &job->manifest);
  pk_json_end(json);
}

static int rotate(rotation *job, pk_json *json, pk_error *error) {
  int rc = pk_file_sweep(job->folder, mend, NULL, error);
  if (rc == SQLITE_OK) rc = choose_name(job, error);
  if (rc == SQLITE_OK) rc = begin(job, error);
  if (rc == SQLITE_OK) rc = make_backup(job, error);
  if (rc != SQLITE_OK) return rc;
  describe_new(json, job);
  return prune_after(job, json, error);
}

static int backup_rotate(sqlite3_context *context, sqlite3_value **arguments,
                         pk_error *error) {
  double began = pk_seconds();
  rotation job = {.db = sqlite3_context_db_handle(context),
                  .options = {.verify = 1, .compress = 6},
                  .manifest_file.fd = -1};
  pk_json json;
  pk_json_begin(&json);
  int rc = pk_text_argument(arguments[0], "dir", &job.folder, error);
  if (rc == SQLITE_OK) rc = pk_require_json(job.db, "manifests need", error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(job.db, arguments[1], rotate_known, &job.options,
                         error);
  if (rc == SQLITE_OK) rc = rotate(&job, &json, error);
  pk_json_double(&json, "seconds", pk_seconds_since(began));
  if (rc == SQLITE_OK)
    rc = pk_json_result(&json, context);
  else
    sqlite3_free(pk_json_finish(&json));
  pk_file_discard(&job.manifest_file);
  sqlite3_free(job.path);
  pk_options_free(rotate_known, &job.options);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_backup_rotate",
     .arguments = "dir, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary =
         "for cron: a named, verified backup with a manifest; then prunes",
     .options = rotate_known,
     .call = backup_rotate},
    {.name = "prod_backup_prune",
     .arguments = "dir, options",
     .required = 2,
     .flags = SQLITE_DIRECTONLY,
     .summary = "removes the backups that none of the keep_ options keeps",
     .options = prune_known,
     .call = backup_prune},
    {0}};

const pk_feature pk_retain = {"retain", functions, NULL};
