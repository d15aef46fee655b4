/*
** stats_file.h: the statistics in a file, to outlive a process.
**
** The file is a SQLite database, so that any SQLite can read it, compare two
** of them, or draw a chart from them. application_id is 0x706b7374 ("pkst"),
** user_version 1, and the schema
**
**     CREATE TABLE statements(
**       id INTEGER PRIMARY KEY,
**       fingerprint TEXT,      16 digits, fingerprint.h
**       query TEXT,            the form; no literals
**       database_file TEXT, readonly INTEGER,
**       squares_ns2 REAL,      sum of the squared durations
**       calls INTEGER, total_ns INTEGER, min_ns INTEGER, max_ns INTEGER,
**       rows INTEGER, vm_steps INTEGER, fullscan_steps INTEGER, sorts INTEGER,
**       autoindex_rows INTEGER, reprepares INTEGER, cache_hit INTEGER,
**       cache_miss INTEGER,
**       most_fullscan_steps INTEGER,                 in one call
**       no_index_used INTEGER,
**       first_seen INTEGER, last_seen INTEGER);      seconds since 1970
**     CREATE TABLE latencies(
**       statement_id INTEGER, least_ns INTEGER, calls INTEGER);
**
** latencies has a row for each bucket (latencies.h) with calls in it, by where
** the bucket begins. Slow executions and literals are not saved.
**
** Written on a private connection in memory and then as a file that is whole or
** not there (base/file.h). Read on a private connection, as it lies there:
** SQLite checks it first (integrity_check), then each value must be of its type
** and range, the fingerprint the query's, and the buckets must add up; only
** then is anything added to the statistics.
*/
#ifndef PK_STATS_FILE_H
#define PK_STATS_FILE_H

#include "../base/feature.h"

extern const pk_option pk_stats_save_options[];

/* The functions prod_stats_save(path [, options]) and prod_stats_load(path). */
int pk_stats_save(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error);
int pk_stats_load(sqlite3_context *context, sqlite3_value **arguments,
                  pk_error *error);

#endif
