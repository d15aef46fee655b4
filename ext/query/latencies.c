/* latencies.c: see latencies.h. */
#include "latencies.h"

#include <math.h>

/* Everything below 2^8 ns is in bucket 0. */
#define FIRST_POWER 8
#define PER_POWER 4

int pk_latency_bucket(sqlite3_int64 nanoseconds) {
  if (nanoseconds < 1 << FIRST_POWER) return 0;
  int power = 63 - __builtin_clzll((unsigned long long)nanoseconds);
  int quarter = (int)(nanoseconds >> (power - 2)) & 3;
  int bucket = 1 + (power - FIRST_POWER) * PER_POWER + quarter;
  return bucket < PK_LATENCY_BUCKETS ? bucket : PK_LATENCY_BUCKETS - 1;
}

sqlite3_int64 pk_latency_least(int bucket) {
  if (bucket == 0) return 0;
  int power = FIRST_POWER + (bucket - 1) / PER_POWER;
  int quarter = (bucket - 1) % PER_POWER;
  return (sqlite3_int64)(PER_POWER + quarter) << (power - 2);
}

double pk_latency_percentile(const pk_latencies *latencies, double share) {
  double calls = 0, below = 0;
  for (int i = 0; i < PK_LATENCY_BUCKETS; i++)
    calls += (double)latencies->calls[i];
  double rank = ceil(share * calls);
  for (int i = 0; i < PK_LATENCY_BUCKETS; i++) {
    double here = (double)latencies->calls[i];
    if (here > 0 && below + here >= rank) {
      double least = (double)pk_latency_least(i);
      double width = (double)pk_latency_least(i + 1) - least;
      return least + width * (rank - below - 0.5) / here;
    }
    below += here;
  }
  return 0;
}
