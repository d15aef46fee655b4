/*
** clock.h: the two clocks, and waiting. Durations come from the monotonic clock;
** times that a person reads are UTC in ISO 8601.
*/
#ifndef PK_CLOCK_H
#define PK_CLOCK_H

#include "host.h"

/* Seconds of the monotonic clock, for durations. */
double pk_seconds(void);

/* The same in nanoseconds, where the two readings themselves are to cost
** least. */
sqlite3_int64 pk_nanoseconds(void);

/* Seconds that this thread has had of the processor. */
double pk_thread_seconds(void);

/* Seconds since an earlier pk_seconds(), to the millisecond, as shown to
** people. */
double pk_seconds_since(double began);

/* Waits. Not sqlite3_sleep(): in a host that was built without HAVE_USLEEP
** that waits for a second at least. */
void pk_pause(int milliseconds);

/* Room for a time as pk_utc_now writes it. */
#define PK_UTC_BYTES 24

/* Seconds since 1970 as 2026-11-20T03:47:00Z, and as it stands in file names,
** 20261120T034700Z. */
void pk_utc_text(char text[PK_UTC_BYTES], sqlite3_int64 seconds);
void pk_utc_stamp(char text[PK_UTC_BYTES], sqlite3_int64 seconds);

/* Seconds since 1970, now. */
sqlite3_int64 pk_utc_seconds(void);

/* The time now, as pk_utc_text writes it. */
void pk_utc_now(char text[PK_UTC_BYTES]);

#endif
