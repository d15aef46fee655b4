/*
** metric_samples.c: see metric_samples.h.
**
** How it works: a collector is one SELECT, which asks the other features as a
** user would. Its first columns are the values of its labels, the others the
** figures of its metrics, in the order in which they are declared. A column
** that is NULL is a figure that is not known, and has no sample. A second
** SELECT, `off`, says beforehand why the collector has nothing to do, with no
** row where it has.
**
** Parameters of the statements, bound where they have them: :schema, :file (of
** the schema), :backup_dir, :queries, :space, :health_options, and the counters
** of the connection, :cache_hits, :cache_misses, :cache_writes, :cache_spills.
*/
#include "metric_samples.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/json.h"
#include "../base/sql.h"

/* ---- options ---- */

enum { USUAL_QUERIES = 20, MOST_QUERIES = 200 };

/* As prod_health has them. */
#define ACCESSES "owner group everyone"
static const char *const access_names[] = {"owner", "group", "everyone"};

const pk_sample_options pk_sample_defaults = {.queries = USUAL_QUERIES};

const pk_option pk_sample_option_list[] = {
    {"schema", PK_TEXT, offsetof(pk_sample_options, schema),
     .summary = "the attached database (main)"},
    {"database", PK_TEXT, offsetof(pk_sample_options, database),
     .summary = "what the label `database` says (the path of the file)"},
    {"backup_dir", PK_TEXT, offsetof(pk_sample_options, backup_dir),
     .summary = "the folder of the backups to look at (none)"},
    {"access", PK_CHOICE, offsetof(pk_sample_options, access),
     .choices = ACCESSES,
     .summary = "the option `access` that prod_health is given (owner)"},
    {"queries", PK_INTEGER, offsetof(pk_sample_options, queries), .least = 0,
     .most = MOST_QUERIES,
     .summary = "so many statements, those with the greatest total time (20)"},
    {"space", PK_BOOLEAN, offsetof(pk_sample_options, space),
     .summary = "estimate the unused bytes within pages, which reads pages "
                "(false)"},
    {0}};

/* ---- collectors and their metrics ---- */

typedef struct collector {
  const char *name;
  const char *labels[PK_MOST_LABELS + 1];
  const char *off; /* or NULL: it always has something to do */
  const char *sql;
  const pk_metric *metrics; /* ends with one without a name */
} collector;

/* A verified level, or none is known: the file was not found wanting. */
#define USABLE "(verified IS NULL OR verified IN ('none', 'quick', 'full'))"

#define BACKUPS_OFF \
  "SELECT 'give the option backup_dir' WHERE :backup_dir IS NULL"

static const collector collectors[] = {
    {.name = "info",
     .labels = {"version", "sqlite"},
     .sql = "SELECT prod_version(), sqlite_version(), 1",
     .metrics =
         (const pk_metric[]){
             {"prodkit_info", PK_INFO, NULL,
              "The versions of prodkit and of the SQLite that it runs in."},
             {0}}},

    /* The ratio is that of two whole numbers, and one of them is here; the
    ** pragma's own table takes no schema. */
    {.name = "database",
     .sql = "SELECT page_count * page_size, page_count, "
            "CAST(round(prod_fragmentation(:schema) * page_count) AS INTEGER), "
            "page_size FROM pragma_page_count AS c, pragma_page_size AS s "
            "WHERE c.schema = :schema AND s.schema = :schema",
     .metrics =
         (const pk_metric[]){
             {"prodkit_database_bytes", PK_GAUGE, "bytes",
              "Size of the database after the last commit."},
             {"prodkit_database_pages", PK_GAUGE, NULL,
              "Pages of the database after the last commit."},
             {"prodkit_database_free_pages", PK_GAUGE, NULL,
              "Pages on the freelist, which a VACUUM gives back."},
             {"prodkit_database_page_size_bytes", PK_GAUGE, "bytes",
              "Size of a page."},
             {0}}},

    {.name = "wal",
     .off = "SELECT note FROM prod_wal(:schema) WHERE journal_mode <> 'wal'",
     .sql = "SELECT wal_bytes, frames, backfilled_frames, held_back_frames, "
            "pinned FROM prod_wal(:schema)",
     .metrics =
         (const pk_metric[]){
             {"prodkit_wal_bytes", PK_GAUGE, "bytes", "Size of the -wal file."},
             {"prodkit_wal_frames", PK_GAUGE, NULL,
              "Page images in the log since it last began anew."},
             {"prodkit_wal_backfilled_frames", PK_GAUGE, NULL,
              "Of the frames, those copied back into the database."},
             {"prodkit_wal_held_back_frames", PK_GAUGE, NULL,
              "Frames that readers keep from being copied back."},
             {"prodkit_wal_pinned", PK_GAUGE, NULL,
              "1 if readers hold back a checkpoint, else 0."},
             {0}}},

    {.name = "cache",
     .sql = "SELECT :cache_hits, :cache_misses, :cache_writes, :cache_spills",
     .metrics =
         (const pk_metric[]){
             {"prodkit_cache_hits_total", PK_COUNTER, NULL,
              "Pages this connection found in its cache, of all its "
              "databases."},
             {"prodkit_cache_misses_total", PK_COUNTER, NULL,
              "Pages this connection had to read, of all its databases."},
             {"prodkit_cache_writes_total", PK_COUNTER, NULL,
              "Pages this connection wrote, to all its databases."},
             {"prodkit_cache_spills_total", PK_COUNTER, NULL,
              "Pages this connection wrote before the commit, for want of "
              "cache."},
             {0}}},

    /* No table of ours in the FROM: it works on a damaged file. */
    {.name = "health",
     .labels = {"status"},
     .sql = "SELECT status, report LIKE '{\"status\":\"' || status || '\"%' "
            "FROM (SELECT prod_health('fast', :health_options) AS report "
            "LIMIT 1), (SELECT 'healthy' AS status UNION ALL "
            "SELECT 'degraded' UNION ALL SELECT 'unhealthy')",
     .metrics =
         (const pk_metric[]){
             {"prodkit_health_status", PK_GAUGE, NULL,
              "1 for the status that prod_health('fast') has, 0 for the "
              "others."},
             {0}}},

    {.name = "health_checks",
     .labels = {"check", "status"},
     .sql = "SELECT name, made.status, found.status = made.status "
            "FROM prod_health('fast', :health_options) AS found, "
            "(SELECT 'pass' AS status UNION ALL SELECT 'warn' "
            "UNION ALL SELECT 'fail') AS made WHERE found.status IS NOT NULL",
     .metrics =
         (const pk_metric[]){
             {"prodkit_health_check_status", PK_GAUGE, NULL,
              "1 for the status that a check of prod_health('fast') has, 0 "
              "for the others."},
             {0}}},

    {.name = "backups",
     .labels = {"source"},
     .off = BACKUPS_OFF,
     .sql = "SELECT database, strftime('%s', max(taken_at)) + 0, bytes, "
            "coalesce(verified, 'none') <> 'none' "
            "FROM prod_backups(:backup_dir) WHERE database IS NOT NULL "
            "AND " USABLE " GROUP BY database ORDER BY 2 DESC LIMIT 100",
     .metrics =
         (const pk_metric[]){
             {"prodkit_backup_newest_timestamp_seconds", PK_GAUGE, "seconds",
              "When the newest backup of a database was taken, in seconds "
              "since 1970."},
             {"prodkit_backup_newest_bytes", PK_GAUGE, "bytes",
              "Size of that backup's file."},
             {"prodkit_backup_newest_verified", PK_GAUGE, NULL,
              "1 if that backup was verified when it was made, else 0."},
             {0}}},

    {.name = "backup_files",
     .labels = {"state"},
     .off = BACKUPS_OFF,
     .sql = "SELECT 'usable', count(*) FILTER (WHERE " USABLE ") "
            "FROM prod_backups(:backup_dir) UNION ALL "
            "SELECT 'unusable', count(*) FILTER (WHERE NOT " USABLE ") "
            "FROM prod_backups(:backup_dir)",
     .metrics =
         (const pk_metric[]){
             {"prodkit_backup_files", PK_GAUGE, NULL,
              "Backups in the folder; unusable ones are damaged, changed or "
              "missing."},
             {0}}},

    {.name = "queries",
     .labels = {"fingerprint", "query"},
     .off = "SELECT 'no statement is recorded: prod_stats_start() begins' "
            "WHERE NOT EXISTS (SELECT 1 FROM prod_query_stats) "
            "UNION ALL SELECT 'the option queries is 0' WHERE :queries = 0 "
            "LIMIT 1",
     .sql = "SELECT fingerprint, substr(query, 1, 200), calls, "
            "total_ms / 1000.0, rows, vm_steps, fullscan_steps "
            "FROM prod_query_stats WHERE database_file = :file "
            "ORDER BY total_ms DESC LIMIT :queries",
     .metrics =
         (const pk_metric[]){
             {"prodkit_query_calls_total", PK_COUNTER, NULL,
              "Executions of a form of statement."},
             {"prodkit_query_seconds_total", PK_COUNTER, "seconds",
              "Time that its executions took."},
             {"prodkit_query_rows_total", PK_COUNTER, NULL,
              "Rows that its executions returned."},
             {"prodkit_query_vm_steps_total", PK_COUNTER, NULL,
              "Steps of SQLite's virtual machine that they took."},
             {"prodkit_query_fullscan_steps_total", PK_COUNTER, NULL,
              "Rows that they stepped over in full table scans."},
             {0}}},

    {.name = "space",
     .off = "SELECT 'give the option space' WHERE NOT :space",
     .sql = "SELECT sum(unused_bytes) "
            "FROM prod_fragmentation(:schema, 'sample')",
     .metrics =
         (const pk_metric[]){
             {"prodkit_database_unused_bytes", PK_GAUGE, "bytes",
              "Bytes within pages in use that hold nothing, estimated from a "
              "sample."},
             {0}}},
};

enum { COLLECTOR_COUNT = sizeof collectors / sizeof *collectors };

const pk_metric pk_collector_metrics[] = {
    [PK_ENABLED] = {"prodkit_collector_enabled", PK_GAUGE, NULL,
                    "1 if the collector was run, 0 if it has nothing to do or "
                    "was not asked for."},
    [PK_SUCCESS] = {"prodkit_collector_success", PK_GAUGE, NULL,
                    "1 if the collector that was run could tell its figures, "
                    "else 0."},
    [PK_DURATION] = {"prodkit_collector_duration_seconds", PK_GAUGE, "seconds",
                     "Time that the collector took."},
};

static const char *const collector_label[] = {"collector", NULL};

/* ---- samples ---- */

static void free_sample(pk_metric_sample *sample) {
  for (int i = 0; i < PK_MOST_LABELS; i++) sqlite3_free(sample->values[i]);
  sqlite3_free(sample->note);
}

static void drop_from(pk_metric_samples *samples, int count) {
  while (samples->count > count) free_sample(&samples->list[--samples->count]);
}

void pk_metric_samples_free(pk_metric_samples *samples) {
  drop_from(samples, 0);
  sqlite3_free(samples->list);
  sqlite3_free(samples->database);
  *samples = (pk_metric_samples){0};
}

static int copy(char **to, const char *text, pk_error *error) {
  *to = sqlite3_mprintf("%s", text);
  return *to ? SQLITE_OK : pk_fail_memory(error);
}

/* NULL is the empty text, as a label without a value is. */
static int copy_column(char **to, sqlite3_stmt *row, int column,
                       pk_error *error) {
  bool none = sqlite3_column_type(row, column) == SQLITE_NULL;
  const char *text = (const char *)sqlite3_column_text(row, column);
  if (!text && !none) return pk_fail_memory(error);
  return copy(to, none ? "" : text, error);
}

static pk_metric_sample *add(pk_metric_samples *samples,
                             const pk_metric *metric, const char *name,
                             const char *const *labels, pk_error *error) {
  pk_metric_sample *list =
      pk_array_room(samples->list, samples->count, sizeof *samples->list);
  if (!list) {
    pk_fail_memory(error);
    return NULL;
  }
  samples->list = list;
  list[samples->count] = (pk_metric_sample){.metric = metric,
                                            .collector = name,
                                            .labels = labels,
                                            .place = samples->count};
  return &list[samples->count++];
}

/* Neither format lets a label set stand twice in a family. */
static int check_not_repeated(const pk_metric_samples *samples, int from,
                              pk_error *error) {
  const pk_metric_sample *last = &samples->list[samples->count - 1];
  for (const pk_metric_sample *s = samples->list + from; s < last; s++) {
    bool same = s->metric == last->metric;
    for (int i = 0; same && last->labels[i]; i++)
      same = strcmp(s->values[i], last->values[i]) == 0;
    if (same)
      return pk_fail(error, SQLITE_INTERNAL,
                     "%s would have two samples with the same labels",
                     last->metric->name);
  }
  return SQLITE_OK;
}

/* ---- running a collector ---- */

typedef struct collection {
  sqlite3 *db;
  const pk_sample_options *options;
  const char *schema, *file;
  char *health_options; /* from sqlite3_malloc, or NULL */
  pk_metric_samples *samples;
} collection;

static int bind_text(sqlite3_stmt *statement, const char *name,
                     const char *text) {
  int place = sqlite3_bind_parameter_index(statement, name);
  if (place == 0) return SQLITE_OK;
  return sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static void bind_int64(sqlite3_stmt *statement, const char *name,
                       sqlite3_int64 number) {
  int place = sqlite3_bind_parameter_index(statement, name);
  if (place > 0) sqlite3_bind_int64(statement, place, number);
}

/* SQLite counts in 32 bits without a sign. */
static void bind_counter(sqlite3_stmt *statement, const char *name,
                         int counter) {
  int now = 0, highest;
  sqlite3_db_status(sqlite3_db_handle(statement), counter, &now, &highest, 0);
  bind_int64(statement, name, (unsigned)now);
}

static int prepare(const collection *self, const char *sql,
                   sqlite3_stmt **statement, pk_error *error) {
  int rc = pk_prepare(self->db, statement, error, "%s", sql);
  if (rc != SQLITE_OK) return rc;
  rc = bind_text(*statement, ":schema", self->schema);
  if (rc == SQLITE_OK) rc = bind_text(*statement, ":file", self->file);
  if (rc == SQLITE_OK)
    rc = bind_text(*statement, ":backup_dir", self->options->backup_dir);
  if (rc == SQLITE_OK)
    rc = bind_text(*statement, ":health_options", self->health_options);
  bind_int64(*statement, ":queries", self->options->queries);
  bind_int64(*statement, ":space", self->options->space);
  bind_counter(*statement, ":cache_hits", SQLITE_DBSTATUS_CACHE_HIT);
  bind_counter(*statement, ":cache_misses", SQLITE_DBSTATUS_CACHE_MISS);
  bind_counter(*statement, ":cache_writes", SQLITE_DBSTATUS_CACHE_WRITE);
  bind_counter(*statement, ":cache_spills", SQLITE_DBSTATUS_CACHE_SPILL);
  return rc == SQLITE_OK ? rc : pk_fail_memory(error);
}

/* *reason stays NULL where the collector has something to do. A table that is
** not there is one that this prodkit, or this host, does not have. */
static int ask_why_off(const collection *self, const collector *of,
                       char **reason, pk_error *error) {
  sqlite3_stmt *statement;
  int rc = SQLITE_OK;
  *reason = NULL;
  if (!of->off) return SQLITE_OK;
  rc = prepare(self, of->off, &statement, error);
  if (rc == SQLITE_ERROR) {
    *reason = error->message;
    *error = PK_NO_ERROR;
    return SQLITE_OK;
  }
  if (rc == SQLITE_OK) rc = pk_step(statement, error);
  if (rc == SQLITE_ROW) rc = copy_column(reason, statement, 0, error);
  sqlite3_finalize(statement);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int add_figure(const collection *self, const collector *of,
                      const pk_metric *metric, sqlite3_stmt *row, int column,
                      pk_error *error) {
  pk_metric_sample *sample =
      add(self->samples, metric, of->name, of->labels, error);
  int rc = sample ? SQLITE_OK : SQLITE_NOMEM;
  for (int i = 0; rc == SQLITE_OK && of->labels[i]; i++)
    rc = copy_column(&sample->values[i], row, i, error);
  if (rc != SQLITE_OK) return rc;
  sample->whole = sqlite3_column_type(row, column) == SQLITE_INTEGER;
  sample->count = sqlite3_column_int64(row, column);
  sample->amount = sqlite3_column_double(row, column);
  return SQLITE_OK;
}

static int metric_count(const collector *of) {
  int count = 0;
  while (of->metrics[count].name) count++;
  return count;
}

/* A row without any figure is one that could not be read. */
static int add_row(const collection *self, const collector *of, int from,
                   sqlite3_stmt *row, pk_error *error) {
  int column = 0, known = 0;
  int rc = SQLITE_OK;
  while (of->labels[column]) column++;
  assert(column + metric_count(of) == sqlite3_column_count(row));
  for (const pk_metric *metric = of->metrics; rc == SQLITE_OK && metric->name;
       metric++, column++) {
    if (sqlite3_column_type(row, column) == SQLITE_NULL) continue;
    known++;
    rc = add_figure(self, of, metric, row, column, error);
    if (rc == SQLITE_OK) rc = check_not_repeated(self->samples, from, error);
  }
  if (rc == SQLITE_OK && known == 0)
    rc = pk_fail(error, SQLITE_ERROR, "no figure could be read");
  return rc;
}

static int run(const collection *self, const collector *of, pk_error *error) {
  int from = self->samples->count;
  sqlite3_stmt *statement;
  int rc = prepare(self, of->sql, &statement, error);
  while (rc == SQLITE_OK && (rc = pk_step(statement, error)) == SQLITE_ROW)
    rc = add_row(self, of, from, statement, error);
  sqlite3_finalize(statement);
  if (rc == SQLITE_DONE) return SQLITE_OK;
  drop_from(self->samples, from);
  return rc;
}

/* One sample about a collector. Takes the note over. */
static int report(const collection *self, const collector *of, int which,
                  double figure, char *note, pk_error *error) {
  pk_metric_sample *sample = add(self->samples, &pk_collector_metrics[which],
                                 of->name, collector_label, error);
  if (!sample) {
    sqlite3_free(note);
    return SQLITE_NOMEM;
  }
  sample->whole = which != PK_DURATION;
  sample->amount = figure;
  sample->count = (sqlite3_int64)figure;
  sample->note = note;
  return copy(&sample->values[0], of->name, error);
}

static int collect(const collection *self, const collector *of,
                   pk_error *error) {
  pk_error trouble = PK_NO_ERROR;
  char *off;
  double began = pk_seconds();
  int rc = ask_why_off(self, of, &off, &trouble);
  if (rc == SQLITE_OK && off)
    return report(self, of, PK_ENABLED, 0, off, error);
  if (rc == SQLITE_OK) rc = run(self, of, &trouble);
  if (pk_ends_the_call(rc)) {
    *error = trouble;
    return rc;
  }
  double seconds = pk_seconds() - began;
  rc = report(self, of, PK_SUCCESS, rc == SQLITE_OK, trouble.message, error);
  if (rc == SQLITE_OK) rc = report(self, of, PK_ENABLED, 1, NULL, error);
  if (rc == SQLITE_OK) rc = report(self, of, PK_DURATION, seconds, NULL, error);
  return rc;
}

/* ---- all of them ---- */

/* Where a family stands among all; those about the collectors come last. */
static int family(const pk_metric *metric) {
  int number = 0;
  for (int i = 0; i < COLLECTOR_COUNT; i++)
    for (const pk_metric *m = collectors[i].metrics; m->name; m++, number++)
      if (m == metric) return number;
  return number + (int)(metric - pk_collector_metrics);
}

static int compare(const void *one, const void *other) {
  const pk_metric_sample *a = one, *b = other;
  int difference = family(a->metric) - family(b->metric);
  return difference ? difference : a->place - b->place;
}

/* Options want a host with JSON functions: without need, none are given. */
static int make_health_options(collection *self, pk_error *error) {
  int access = self->options->access;
  if (access == 0 && sqlite3_stricmp(self->schema, "main") == 0)
    return SQLITE_OK;
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "schema", self->schema);
  pk_json_text(&json, "access", access_names[access]);
  self->health_options = pk_json_finish(&json);
  return self->health_options ? SQLITE_OK : pk_fail_memory(error);
}

static int name_database(const collection *self, pk_error *error) {
  const char *name = self->options->database;
  if (!name) name = *self->file ? self->file : self->schema;
  return copy(&self->samples->database, name, error);
}

int pk_metric_samples_collect(pk_metric_samples *samples, sqlite3 *db,
                              const pk_sample_options *options,
                              pk_error *error) {
  collection self = {.db = db, .options = options, .samples = samples};
  *samples = (pk_metric_samples){0};
  self.schema = options->schema ? options->schema : "main";
  int rc = pk_schema_file(db, self.schema, &self.file, error);
  if (rc == SQLITE_OK) rc = name_database(&self, error);
  if (rc == SQLITE_OK) rc = make_health_options(&self, error);
  for (int i = 0; rc == SQLITE_OK && i < COLLECTOR_COUNT; i++)
    rc = collect(&self, &collectors[i], error);
  sqlite3_free(self.health_options);
  if (rc == SQLITE_OK)
    qsort(samples->list, (size_t)samples->count, sizeof *samples->list,
          compare);
  return rc;
}
