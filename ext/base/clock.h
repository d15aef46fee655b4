/*
** clock.h: the two clocks. Durations come from the monotonic one; times that a
** person reads are UTC in ISO 8601.
*/
#ifndef PK_CLOCK_H
#define PK_CLOCK_H

/* Seconds of the monotonic clock, for durations. */
double pk_seconds(void);

/* Seconds since an earlier pk_seconds(), to the millisecond, as shown to people. */
double pk_seconds_since(double began);

/* Room for a time as pk_utc writes it. */
#define PK_UTC_BYTES 24

/* Seconds since 1970, as 2026-11-20T03:47:00Z; "" for a time that
** does not fit. */
void pk_utc(char text[PK_UTC_BYTES], long long seconds);

/* The time now. */
void pk_utc_now(char text[PK_UTC_BYTES]);

#endif
