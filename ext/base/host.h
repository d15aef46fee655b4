/*
** host.h: the host's SQLite, as every file of prodkit sees it.
**
** prodkit.so is loaded into somebody else's process and calls the SQLite that
** is already there, through the table of routines it was handed; it is never
** linked to a SQLite of its own. Entries newer than PK_LEAST_SQLITE may be
** called only after sqlite3_libversion_number() was asked, and entries that a
** host can compile out only after a test for NULL.
*/
#ifndef PK_HOST_H
#define PK_HOST_H

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3

/* The oldest host that prodkit loads into: 3.34.0. */
#define PK_LEAST_SQLITE 3034000

/* Has the host an entry that it can compile out? (A program that links prodkit
** in would not link without it.) */
#ifdef SQLITE_CORE
#define PK_HOST_HAS(routine) 1
#else
#define PK_HOST_HAS(routine) ((routine) != NULL)
#endif

/* The first host without the WAL-reset bug (sqlite.org/wal.html), by which a
** checkpoint that races with a write can, very rarely, corrupt the file. */
#define PK_WAL_RESET_MENDED 3051003

/* Functions that answer JSON say so (SQLite 3.45); older hosts ignore it. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

#endif
