/*
** metric_samples.h: the figures that prod_metrics shows, before they are rows
** or text.
**
**     pk_metric_samples samples;
**     int rc = pk_metric_samples_collect(&samples, db, &options, error);
**     for (int i = 0; rc == SQLITE_OK && i < samples.count; i++) ...
**     pk_metric_samples_free(&samples);                     due in every case
*/
#ifndef PK_METRIC_SAMPLES_H
#define PK_METRIC_SAMPLES_H

#include "../base/options.h"

typedef struct pk_sample_options {
  char *schema, *database, *backup_dir; /* from sqlite3_malloc, or NULL */
  sqlite3_int64 queries;
  int access; /* 0: the owner's alone */
  int space;
} pk_sample_options;

extern const pk_sample_options pk_sample_defaults;
extern const pk_option pk_sample_option_list[];

typedef enum pk_metric_type { PK_GAUGE, PK_COUNTER, PK_INFO } pk_metric_type;

/* One family: what has one name, whatever its labels. */
typedef struct pk_metric {
  const char
      *name; /* ends with _total for counters only, with _info for infos */
  pk_metric_type type;
  const char *unit; /* a base unit, with which the name ends; or NULL */
  const char *help;
} pk_metric;

/* Besides the label `database`, which every sample has. */
#define PK_MOST_LABELS 2

typedef struct pk_metric_sample {
  const pk_metric *metric;
  const char *collector;
  const char *const *labels; /* the names, ended by NULL */
  char *values[PK_MOST_LABELS];
  bool whole; /* the figure is `count`, not `amount` */
  sqlite3_int64 count;
  double amount;
  char *note; /* why the figure is what it is; or NULL */
  int place;  /* in the order in which they were made */
} pk_metric_sample;

typedef struct pk_metric_samples {
  pk_metric_sample *list; /* those of one family stand together */
  int count;
  char *database; /* what the label of that name says */
} pk_metric_samples;

/* Fails for an unknown schema, an interrupt and for want of memory. What else
** goes wrong is a sample: prodkit_collector_success is 0. */
int pk_metric_samples_collect(pk_metric_samples *samples, sqlite3 *db,
                              const pk_sample_options *options,
                              pk_error *error);

void pk_metric_samples_free(pk_metric_samples *samples);

/* The metrics about the collectors themselves. */
enum { PK_ENABLED, PK_SUCCESS, PK_DURATION };
extern const pk_metric pk_collector_metrics[];

#endif
