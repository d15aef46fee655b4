/* pace.c: see pace.h. */
#define _GNU_SOURCE /* isatty */
#include "pace.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "sql.h"

#define SLICE_MS 20
#define SECONDS_BETWEEN_LINES 0.2
#define MEGABYTE 1e6

pk_pace pk_pace_of(sqlite3 *db, const char *doing,
                   const pk_pace_options *options) {
  return (pk_pace){.db = db,
                   .doing = doing,
                   .max_seconds = options->max_seconds,
                   .rate_bytes = options->rate_mb_per_second * MEGABYTE,
                   .progress = options->progress != 0};
}

void pk_pace_begin(pk_pace *pace) {
  pace->began = pk_seconds();
  pace->shown = 0;
  pace->done = 0;
  if (pace->progress) pace->progress = isatty(STDERR_FILENO) != 0;
}

static void show_share(const pk_pace *pace, double speed) {
  double left = speed > 0 ? (double)(pace->total - pace->done) / speed : 0;
  fprintf(stderr,
          "\r%s  %3.0f %%  %.0f of %.0f MB  %.0f MB/s  %.0f s left \033[K",
          pace->doing, (double)pace->done / (double)pace->total * 100,
          (double)pace->done / MEGABYTE, (double)pace->total / MEGABYTE,
          speed / MEGABYTE, left);
}

static void show(pk_pace *pace, double now) {
  double seconds = now - pace->began;
  double speed = seconds > 0 ? (double)pace->done / seconds : 0;
  if (pace->total > 0)
    show_share(pace, speed);
  else
    fprintf(stderr, "\r%s  %.0f MB  %.0f MB/s \033[K", pace->doing,
            (double)pace->done / MEGABYTE, speed / MEGABYTE);
  fflush(stderr);
  pace->shown = now;
}

static int stop_late(const pk_pace *pace, pk_error *error) {
  if (pace->total > 0)
    return pk_fail(error, SQLITE_ERROR,
                   "stopped after max_seconds (%.15g) with %lld of %lld bytes "
                   "done",
                   pace->max_seconds, pace->done, pace->total);
  return pk_fail(error, SQLITE_ERROR,
                 "stopped after max_seconds (%.15g) with %lld bytes done",
                 pace->max_seconds, pace->done);
}

int pk_pace_check(const pk_pace *pace, pk_error *error) {
  if (pk_interrupted(pace->db))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  double seconds = pk_seconds() - pace->began;
  if (pace->max_seconds > 0 && seconds > pace->max_seconds)
    return stop_late(pace, error);
  return SQLITE_OK;
}

/* Is it to wait for its rate limit? Not after the last byte. */
static bool ahead(const pk_pace *pace, double now) {
  if (pace->rate_bytes <= 0) return false;
  if (pace->total > 0 && pace->done >= pace->total) return false;
  return (double)pace->done / pace->rate_bytes > now - pace->began;
}

int pk_pace_step(pk_pace *pace, sqlite3_int64 bytes, pk_error *error) {
  double now = pk_seconds();
  pace->done += bytes;
  int rc = pk_pace_check(pace, error);
  while (rc == SQLITE_OK && ahead(pace, now)) {
    pk_pause(SLICE_MS);
    now = pk_seconds();
    rc = pk_pace_check(pace, error);
  }
  if (pace->progress && now - pace->shown >= SECONDS_BETWEEN_LINES)
    show(pace, now);
  return rc;
}

void pk_pace_end(pk_pace *pace) {
  if (pace->progress && pace->shown > 0) fputs("\r\033[K", stderr);
  pace->progress = false;
}
