/*
** snapshot.h: the pages of a live database, all of one moment.
**
**     pk_snapshot *snapshot;
**     int rc = pk_snapshot_open(&snapshot, db, "main", "/backups/app.db", NULL,
**                               NULL, error);
**     if (rc == SQLITE_OK)
**       rc = pk_snapshot_read(snapshot, 1, 256, pages, error);
**     pk_snapshot_close(snapshot);                   due in every case
**
** Two methods. `direct` reads the file and the write-ahead log through the
** connection's own sqlite3_file objects, as fast as cp and in page order, with
** no copy in between. `backup_api` lets sqlite3_backup copy the database into a
** private file and reads that. Direct is taken where every condition below was
** seen to hold; anything else falls back, and facts->reason says why:
**
**   - the schema has a file (it is not in memory, not temporary), the VFS is
**     one of SQLite's own, and the page cache is not shared with other
**     connections, whose uncommitted pages could have been spilled to the file.
**   - page 1 is a plain SQLite header (not encrypted) whose page size and page
**     count, where it vouches for them, are those that SQLite tells.
**   - in WAL mode, the wal-index is shared memory that can be read, and no more
**     than PK_WAL_MOST_FRAMES frames wait for a checkpoint.
**   - in WAL mode, no transaction was open on the connection, and the wal-index
**     header is the same before and after ours begins. The state of one that
**     was open may be older than anything that can be seen of the log now;
**     sqlite3_backup reads through that same transaction.
**
** So in WAL mode a function is direct when it is called from a SELECT without
** FROM outside of BEGIN. Any FROM opens a transaction before the function is
** called; so does the FROM of a table-valued function. Such a table may pass a
** private connection to the same file instead of the user's.
**
** Locking protocol. A statement at its first row holds a read transaction from
** open to close; no BEGIN, so no commit or rollback hook of the application
** runs. What that holds still:
**
**   rollback journal   SHARED lock: the file does not change, and writers wait
**                      (facts->blocks_writers). Use pk_snapshot_spool before
**                      anything slow.
**   WAL, all frames    read lock 0: no checkpoint writes to the file. A writer
**   copied back        may restart and overwrite the log, which is not read.
**   WAL, otherwise     read lock 1 to 4: checkpoints copy back no frame after
**                      ours, and the log is not restarted. For each page the
**                      last frame that counts is read, else the file. The log
**                      can only grow meanwhile.
**
** In autocommit mode closing ends the transaction and leaves the connection as
** it was. After the caller's own BEGIN the transaction stays open, as after
** any SELECT. The live database, its -wal and -shm are never opened or closed
** here, which would drop this process's POSIX locks on them.
**
** Waiting. A database that is locked is tried again for 10 seconds, beyond the
** connection's own busy timeout; sqlite3_interrupt() ends waiting and copying.
**
** Memory: 1 MiB while copying; in WAL mode 8 bytes per page that is in the
** log, at most 32 MiB. Disk: backup_api and pk_snapshot_spool take the
** database's size beside the target, in a file of mode 0600 whose name is
** removed as soon as it is complete.
*/
#ifndef PK_SNAPSHOT_H
#define PK_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/error.h"
#include "../base/pace.h"

/* Told by pk_snapshot_read and pk_snapshot_spool when the pages read so far
** turn out to prove nothing. What was made of them is to be thrown away and
** the snapshot opened once more, with avoid_direct. */
#define PK_SNAPSHOT_LOST SQLITE_PROTOCOL

#define PK_SNAPSHOT_MOST_BYTES (1 << 30)

typedef struct pk_snapshot pk_snapshot;

typedef struct pk_snapshot_facts {
  uint32_t page_size;
  uint32_t page_count;     /* 0: an empty database, which has no page to read */
  const char *method;      /* "direct" or "backup_api" */
  const char *reason;      /* why it is not direct; NULL if it is */
  sqlite3_int64 wal_bytes; /* size of the -wal file; 0 without one */
  bool blocks_writers;     /* until it is spooled or closed */
} pk_snapshot_facts;

/* Pins a snapshot of a schema. Private copies are made beside `beside`, or in
** the folder for temporary files if that is NULL. `avoid_direct`, if given, is
** the reason to take sqlite3_backup. `pace`, if given, has the time limit
** within which copies are made; both must live as long as the snapshot. Fails
** while a write transaction is open on the schema here. */
int pk_snapshot_open(pk_snapshot **snapshot, sqlite3 *db, const char *schema,
                     const char *beside, const char *avoid_direct,
                     const pk_pace *pace, pk_error *error);

/* Lives as long as the snapshot; spooling changes blocks_writers. */
const pk_snapshot_facts *pk_snapshot_about(const pk_snapshot *snapshot);

/* Reads pages first..first+count-1, numbered from 1, of together no more than
** PK_SNAPSHOT_MOST_BYTES. In page order and many at a time is fastest: a run of
** pages that are not in the log is one xRead. */
int pk_snapshot_read(pk_snapshot *snapshot, uint32_t first, uint32_t count,
                     void *pages, pk_error *error);

/* Copies the pages into a private file, ends the read transaction, and reads
** from the copy from then on. Nothing to do where that is so already. */
int pk_snapshot_spool(pk_snapshot *snapshot, pk_error *error);

/* Ends the read transaction and frees everything. NULL is harmless. */
void pk_snapshot_close(pk_snapshot *snapshot);

#endif
