/* clock.c: see clock.h. */
#define _GNU_SOURCE /* clock_gettime, nanosleep, gmtime_r */
#include "clock.h"

#include <errno.h>
#include <math.h>
#include <time.h>

double pk_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

sqlite3_int64 pk_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (sqlite3_int64)now.tv_sec * 1000000000 + now.tv_nsec;
}

double pk_thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double pk_seconds_since(double began) {
  return round((pk_seconds() - began) * 1e3) / 1e3;
}

void pk_pause(int milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR)
    ;
}

/* A year of more than four digits does not fit, and gives the empty text. */
static void write_utc(char text[PK_UTC_BYTES], const char *format,
                      sqlite3_int64 seconds) {
  struct tm parts;
  time_t moment = (time_t)seconds;
  if (!gmtime_r(&moment, &parts) ||
      strftime(text, PK_UTC_BYTES, format, &parts) == 0)
    text[0] = 0;
}

void pk_utc_text(char text[PK_UTC_BYTES], sqlite3_int64 seconds) {
  write_utc(text, "%Y-%m-%dT%H:%M:%SZ", seconds);
}

void pk_utc_stamp(char text[PK_UTC_BYTES], sqlite3_int64 seconds) {
  write_utc(text, "%Y%m%dT%H%M%SZ", seconds);
}

sqlite3_int64 pk_utc_seconds(void) {
  return (sqlite3_int64)time(NULL);
}

void pk_utc_now(char text[PK_UTC_BYTES]) {
  pk_utc_text(text, pk_utc_seconds());
}
