/*
** watch.h: the trace hook of a connection, from which the statistics come.
**
** SQLite has one trace hook for each connection and no way to ask who holds it
** (https://sqlite.org/c3ref/trace_v2.html). It is taken by pk_watch_start and
** nowhere else. Who takes it after us gets it: the loss is found by running a
** statement and looking whether its event arrives, it is told, and the hook is
** not taken back unless pk_watch_start is called again.
**
** How it works. A statement's own text, by its address, begins an execution;
** the event at its end closes it. What a trigger does, and what functions and
** virtual tables run inside a statement, come with another text ("-- ...") and
** belong to the statement around them. Time is the monotonic clock's between
** the two events, so it includes the application's own between two rows.
** SQLite's counters of a statement go on from run to run; what they were at
** the beginning is subtracted, and they are never reset.
**
** Cost. The text is hashed at a statement's first run only, and taken apart
** only when this connection has not met it lately (TEXTS of them).
**
** Limits: an execution that finds the schema changed is begun a second time by
** SQLite and counts as two. Page cache hits are of the connection since its
** last statement ended: of statements that take turns, one gets the other's.
** EXPLAIN has no event.
**
** Locking: what belongs to a connection is used by its hook, under SQLite's own
** mutex. Executions of statements that the store knows wait in the connection
** for RECORDS of them, under a mutex of their own that nobody else wants but
** who reads the statistics and so fetches them. One mutex guards the list of
** connections. They are taken in the order list, connection, store, and no SQL
** is run under any. SQLite tells of a connection's end by the destructor of
** something registered on it: the function prod_stats_connection(), which has
** no other use.
*/
#ifndef PK_WATCH_H
#define PK_WATCH_H

#include "../base/error.h"

typedef enum pk_hook {
  PK_HOOK_OFF,  /* not started, or stopped */
  PK_HOOK_ON,   /* started, and events arrive */
  PK_HOOK_LOST, /* started, and no event arrives: somebody else has it */
} pk_hook;

/* Takes the hook, from whoever has it. */
int pk_watch_start(sqlite3 *db, pk_error *error);

/* Gives it up, unless it is somebody else's. *hook is what it was before. */
int pk_watch_stop(sqlite3 *db, pk_hook *hook, pk_error *error);

/* Runs a statement to see. */
int pk_watch_probe(sqlite3 *db, pk_hook *hook, pk_error *error);

/* Brings the executions that wait in any connection into the store: to be
** called before it is read or reset. */
void pk_watch_flush(void);

/* Connections of the process that have started and not stopped. */
int pk_watch_connections(void);

/* What the statistics have for the main database of a connection; it lives as
** long as the connection does. */
const char *pk_watch_file(sqlite3 *db);

#endif
