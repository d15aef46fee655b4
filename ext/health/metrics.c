/*
** metrics.c: the database's figures for Prometheus.
**
**     SELECT name, labels, value FROM prod_metrics;
**     SELECT prod_metrics_text();
**     SELECT prod_metrics_text('openmetrics', '{"backup_dir":"/backups"}');
**     SELECT prod_metrics_write('/backups/app.prom');
**
** prod_metrics amounts to
**
**     CREATE TABLE prod_metrics(
**       name TEXT,              of the sample
**       type TEXT,              gauge, counter or info
**       unit TEXT,              bytes or seconds; NULL where there is none
**       help TEXT,
**       labels TEXT,            a JSON object
**       value,                  a number
**       collector TEXT,         what made the sample
**       note TEXT,              why a collector is off or failed; else NULL
**       options TEXT HIDDEN);
**
** prod_metrics_text([format [, options]]) is the same as text: `prometheus`,
** the text format 0.0.4 of Prometheus, or `openmetrics`, OpenMetrics 1.0.
** prod_metrics_write(path [, options]) writes the former to a file NAME.prom
** for the textfile collector of node_exporter, and answers
**
**     {"path":"/metrics/app.prom", "bytes":6104, "samples":62,
**      "failed":["backups: cannot read the folder /backups: ..."],
**      "off":["space: give the option space"], "seconds":0.012}
**
** How it works: a collector is a SELECT from the other features
** (metric_samples.c). One that fails leaves the others as they are;
** prodkit_collector_success is 0 for it. The cheap ones run always; backups and
** space when asked for. Samples have no time of their own: neither format needs
** one, and the textfile collector refuses it.
**
** The file has mode 0644, since node_exporter runs as another user, and is
** replaced as a whole by a rename. Only a name that ends with .prom is read by
** node_exporter, so no other is taken: it also keeps prod_metrics_write from
** replacing what is no file of metrics.
**
** Locking: that of prod_health('fast') and prod_wal; no transaction is left.
** Cost: a few milliseconds, whatever the size of the database; with `space` the
** sample of prod_fragmentation, with `backup_dir` two looks into that folder.
**
** Limits: busy waits are not counted, as SQLite has no counter of them. The
** counters of the cache are those of the connection that asks.
*/
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/target.h"
#include "../base/utf8.h"
#include "metric_samples.h"

#define FORMATS "prometheus openmetrics"
enum format { PROMETHEUS, OPENMETRICS };

static const char *const type_names[] = {"gauge", "counter", "info"};

/* Reads the options and collects; pk_metric_samples_free is due in every
** case. */
static int collect(pk_metric_samples *samples, sqlite3 *db, sqlite3_value *json,
                   pk_error *error) {
  pk_sample_options options = pk_sample_defaults;
  *samples = (pk_metric_samples){0};
  int rc = pk_options_read(db, json, pk_sample_option_list, &options, error);
  if (rc == SQLITE_OK)
    rc = pk_metric_samples_collect(samples, db, &options, error);
  pk_options_free(pk_sample_option_list, &options);
  return rc;
}

/* ---- the table ---- */

static void put_labels(pk_rows *rows, const pk_metric_samples *samples,
                       const pk_metric_sample *sample) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "database", samples->database);
  for (int i = 0; sample->labels[i]; i++)
    pk_json_text(&json, sample->labels[i], sample->values[i]);
  pk_row_take(rows, pk_json_finish(&json));
}

static void put_sample(pk_rows *rows, const pk_metric_samples *samples,
                       const pk_metric_sample *sample) {
  const pk_metric *metric = sample->metric;
  pk_row(rows);
  pk_row_text(rows, metric->name);
  pk_row_text(rows, type_names[metric->type]);
  pk_row_text(rows, metric->unit);
  pk_row_text(rows, metric->help);
  put_labels(rows, samples, sample);
  if (sample->whole)
    pk_row_int64(rows, sample->count);
  else
    pk_row_double(rows, sample->amount);
  pk_row_text(rows, sample->collector);
  pk_row_text(rows, sample->note);
}

static int show_metrics(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                        pk_error *error) {
  pk_metric_samples samples;
  int rc = collect(&samples, db, arguments[0], error);
  for (int i = 0; rc == SQLITE_OK && i < samples.count; i++)
    put_sample(rows, &samples, &samples.list[i]);
  pk_metric_samples_free(&samples);
  return rc;
}

/* ---- the text formats ---- */

/* A line break, a quote and a backslash are escaped; a byte that is no UTF-8,
** which Prometheus refuses, becomes U+FFFD. */
static void escaped(sqlite3_str *text, const char *value) {
  for (size_t left = strlen(value), length; left > 0; left -= length) {
    length = pk_utf8_length(value, left);
    if (*value == '\n')
      sqlite3_str_appendall(text, "\\n");
    else if (*value == '"' || *value == '\\')
      sqlite3_str_appendf(text, "\\%c", *value);
    else if (length > 0)
      sqlite3_str_append(text, value, (int)length);
    else
      sqlite3_str_appendall(text, PK_UTF8_REPLACEMENT);
    if (length == 0) length = 1;
    value += length;
  }
}

static void label(sqlite3_str *text, const char *before, const char *name,
                  const char *value) {
  sqlite3_str_appendf(text, "%s%s=\"", before, name);
  escaped(text, value);
  sqlite3_str_appendchar(text, 1, '"');
}

static void sample_line(sqlite3_str *text, const pk_metric_samples *samples,
                        const pk_metric_sample *sample) {
  sqlite3_str_appendall(text, sample->metric->name);
  label(text, "{", "database", samples->database);
  for (int i = 0; sample->labels[i]; i++)
    label(text, ",", sample->labels[i], sample->values[i]);
  if (sample->whole)
    sqlite3_str_appendf(text, "} %lld\n", sample->count);
  else
    sqlite3_str_appendf(text, "} %!.15g\n", sample->amount);
}

/* In OpenMetrics a family's name goes without the suffix that its samples have
** for their type (OpenMetrics 1.0, "Suffixes"). */
static int family_bytes(const pk_metric *metric, enum format format) {
  static const char *const suffixes[] = {"", "_total", "_info"};
  size_t bytes = strlen(metric->name);
  if (format == OPENMETRICS) bytes -= strlen(suffixes[metric->type]);
  return (int)bytes;
}

/* The older format knows no infos. */
static const char *type_name(const pk_metric *metric, enum format format) {
  bool unknown = format == PROMETHEUS && metric->type == PK_INFO;
  return type_names[unknown ? PK_GAUGE : metric->type];
}

/* The help texts are ours and have nothing to be escaped. */
static void family_lines(sqlite3_str *text, const pk_metric *metric,
                         enum format format) {
  int bytes = family_bytes(metric, format);
  sqlite3_str_appendf(text, "# HELP %.*s %s\n", bytes, metric->name,
                      metric->help);
  sqlite3_str_appendf(text, "# TYPE %.*s %s\n", bytes, metric->name,
                      type_name(metric, format));
  if (format == OPENMETRICS && metric->unit)
    sqlite3_str_appendf(text, "# UNIT %.*s %s\n", bytes, metric->name,
                        metric->unit);
}

/* From sqlite3_malloc; NULL when memory ran out. */
static char *exposition(const pk_metric_samples *samples, enum format format) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  const pk_metric *family = NULL;
  for (int i = 0; i < samples->count; i++) {
    const pk_metric_sample *sample = &samples->list[i];
    if (sample->metric != family) family_lines(text, sample->metric, format);
    family = sample->metric;
    sample_line(text, samples, sample);
  }
  if (format == OPENMETRICS) sqlite3_str_appendall(text, "# EOF\n");
  return sqlite3_str_finish(text);
}

static int metrics_text(sqlite3_context *context, sqlite3_value **arguments,
                        pk_error *error) {
  pk_metric_samples samples = {0};
  const char *word = "prometheus";
  int format = PROMETHEUS;
  int rc = pk_optional_text(arguments[0], "format", &word, error);
  if (rc == SQLITE_OK) rc = pk_choice(word, FORMATS, "format", &format, error);
  if (rc == SQLITE_OK)
    rc = collect(&samples, sqlite3_context_db_handle(context), arguments[1],
                 error);
  char *text = rc == SQLITE_OK ? exposition(&samples, format) : NULL;
  if (rc == SQLITE_OK && !text) rc = pk_fail_memory(error);
  if (text) sqlite3_result_text(context, text, -1, sqlite3_free);
  pk_metric_samples_free(&samples);
  return rc;
}

/* ---- the file ---- */

static int check_path(sqlite3 *db, const char *path, pk_error *error) {
  static const char suffix[] = ".prom";
  size_t bytes = strlen(path), most = strlen(suffix);
  if (bytes < most || strcmp(path + bytes - most, suffix) != 0)
    return pk_fail(error, SQLITE_CANTOPEN,
                   "the name must end with .prom, as node_exporter reads no "
                   "other file: %s",
                   path);
  return pk_target_check(db, path, error);
}

static int write_file(const char *path, const char *text, pk_error *error) {
  pk_file file;
  int rc = pk_file_create(&file, path, true, error);
  if (rc == SQLITE_OK) rc = pk_file_write(&file, text, strlen(text), error);
  if (rc == SQLITE_OK) rc = pk_file_share(&file, error);
  if (rc == SQLITE_OK) rc = pk_file_publish(&file, error);
  pk_file_discard(&file);
  return rc;
}

/* The collectors of which a metric is 0, with the reason. */
static void list_collectors(pk_json *json, const char *key,
                            const pk_metric_samples *samples,
                            const pk_metric *metric) {
  pk_json_array(json, key);
  for (int i = 0; i < samples->count; i++) {
    const pk_metric_sample *sample = &samples->list[i];
    if (sample->metric == metric && sample->count == 0)
      pk_json_format(json, NULL, "%s: %s", sample->collector,
                     sample->note ? sample->note : "no reason given");
  }
  pk_json_end(json);
}

static int metrics_write(sqlite3_context *context, sqlite3_value **arguments,
                         pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  pk_metric_samples samples = {0};
  char *text = NULL;
  const char *path;
  double began = pk_seconds();
  int rc = pk_text_argument(arguments[0], "path", &path, error);
  if (rc == SQLITE_OK) rc = check_path(db, path, error);
  if (rc == SQLITE_OK) rc = collect(&samples, db, arguments[1], error);
  if (rc != SQLITE_OK) goto done;
  text = exposition(&samples, PROMETHEUS);
  rc = text ? write_file(path, text, error) : pk_fail_memory(error);
  if (rc != SQLITE_OK) goto done;

  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", path);
  pk_json_int64(&json, "bytes", (sqlite3_int64)strlen(text));
  pk_json_int64(&json, "samples", samples.count);
  list_collectors(&json, "failed", &samples, &pk_collector_metrics[PK_SUCCESS]);
  list_collectors(&json, "off", &samples, &pk_collector_metrics[PK_ENABLED]);
  pk_json_double(&json, "seconds", pk_seconds_since(began));
  rc = pk_json_result(&json, context);
done:
  sqlite3_free(text);
  pk_metric_samples_free(&samples);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_metrics_text",
     .arguments = "format, options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the metrics as text for a scrape: prometheus or openmetrics",
     .options = pk_sample_option_list,
     .call = metrics_text},
    {.name = "prod_metrics_write",
     .arguments = "path, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "the metrics to a .prom file, for node_exporter's textfile "
                "collector",
     .options = pk_sample_option_list,
     .call = metrics_write},
    {0}};

static const pk_table tables[] = {
    {.name = "prod_metrics",
     .columns = "name TEXT, type TEXT, unit TEXT, help TEXT, labels TEXT, "
                "value, collector TEXT, note TEXT",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "the database's figures as Prometheus would have them, a row "
                "for each",
     .options = pk_sample_option_list,
     .produce = show_metrics},
    {0}};

const pk_feature pk_metrics = {"metrics", functions, tables};
