/*
** clock.h: the two clocks. Durations come from the monotonic one; times that a
** person reads are UTC in ISO 8601.
*/
#ifndef PK_CLOCK_H
#define PK_CLOCK_H

/* Seconds of the monotonic clock, for durations. */
double pk_seconds(void);

/* Seconds that this thread has had of the processor. */
double pk_thread_seconds(void);

/* Seconds since an earlier pk_seconds(), to the millisecond, as shown to people. */
double pk_seconds_since(double began);

/* Room for a time as pk_utc_now writes it. */
#define PK_UTC_BYTES 24

/* The time now, as 2026-11-20T03:47:00Z. */
void pk_utc_now(char text[PK_UTC_BYTES]);

#endif
