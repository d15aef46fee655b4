/*
** latencies.h: how long calls took, in logarithmic buckets.
**
** Four buckets for each doubling, from 256 ns to 11 minutes, so that a bucket
** is at most a quarter wider than it is long, and counting is a few shifts.
** A percentile is interpolated within its bucket: it is off by at most 25 %,
** mostly by far less, whatever the number of calls. 1 KB each.
*/
#ifndef PK_LATENCIES_H
#define PK_LATENCIES_H

#include "../base/host.h"

#define PK_LATENCY_BUCKETS 128

typedef struct pk_latencies {
  sqlite3_int64 calls[PK_LATENCY_BUCKETS];
} pk_latencies;

/* The bucket of a duration: 0 for the shortest, the last for all longer. */
int pk_latency_bucket(sqlite3_int64 nanoseconds);

/* Where a bucket begins, in nanoseconds. */
sqlite3_int64 pk_latency_least(int bucket);

/* The duration that `share` (0 to 1) of the calls stayed below, in nanoseconds;
** 0 where there are no calls. */
double pk_latency_percentile(const pk_latencies *latencies, double share);

#endif
