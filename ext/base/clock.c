/* clock.c: see clock.h. */
#define _GNU_SOURCE /* clock_gettime, gmtime_r */
#include "clock.h"

#include <math.h>
#include <time.h>

double pk_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double pk_thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double pk_seconds_since(double began) {
  return round((pk_seconds() - began) * 1e3) / 1e3;
}

void pk_utc_now(char text[PK_UTC_BYTES]) {
  time_t now = time(NULL);
  struct tm parts;
  gmtime_r(&now, &parts);
  strftime(text, PK_UTC_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
