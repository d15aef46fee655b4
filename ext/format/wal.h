/*
** wal.h: the write-ahead log of a live database, as its readers see it.
**
** A database in WAL mode is a file, a log of page images (frames) beside it,
** and a wal-index in shared memory that says which frames count (see
** sqlite.org/walformat.html). This file reads the last two through the
** connection's own sqlite3_file objects and never opens a file.
**
**     pk_wal wal;
**     pk_wal_header header;
**     const char *obstacle;
**     int rc = pk_wal_find(&wal, db, "main", &obstacle, error);
**     if (rc == SQLITE_OK && wal.log && !obstacle)
**       rc = pk_wal_header_read(&wal, &header);
**
** Locking protocol. Nothing is locked here, but for pk_wal_readers_find. A
** header is a moment's view that is whole (SQLite writes it twice for that) but
** may be out of date when the call returns; reading it needs no transaction.
** pk_wal_readers_find tries the exclusive lock of each read mark that is behind
** the last commit, without waiting, and gives it back at once, as a checkpoint
** does to move the marks along (walCheckpoint in SQLite's wal.c). Who meets
** that lock in those microseconds does what it does when it meets a checkpoint:
** a reader that begins takes another mark or tries again, a checkpoint leaves
** some frames to the next. A mark that this process holds cannot be locked
** either, and does not lose its lock. Frames may be read only while the
** connection holds a read transaction that began at this very header and did
** not find the log entirely copied back: then a read mark keeps frames
** 1..last_frame from being overwritten.
**
** Limits. The wal-index must be the shared memory that this connection uses: a
** connection in exclusive locking mode has a private one in its heap, where
** asking the VFS would create an -shm file that SQLite knows nothing of. A map
** has at most PK_WAL_MOST_FRAMES frames, which takes 32 MiB while it is built,
** and 8 bytes per distinct page afterwards.
*/
#ifndef PK_WAL_H
#define PK_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/error.h"

#define PK_WAL_MOST_FRAMES (4u << 20)
#define PK_WAL_READ_MARKS 5
#define PK_WAL_MARK_UNUSED 0xffffffffu

typedef struct pk_wal {
  sqlite3_file *database; /* its xShmMap gives the wal-index */
  sqlite3_file *log;      /* the -wal file; NULL when not in WAL mode */
} pk_wal;

/* The two parts of the wal-index header, in the words of walformat. */
typedef struct pk_wal_header {
  unsigned char image[48]; /* as it stands in memory, to tell two apart */
  uint32_t page_size;
  uint32_t page_count;   /* of the database, after the last commit in the log */
  uint32_t last_frame;   /* mxFrame */
  unsigned char salt[8]; /* that every valid frame carries */
  uint32_t backfilled;   /* nBackfill: frames 1..n are in the database file */
  uint32_t read_mark[PK_WAL_READ_MARKS]; /* last frame that readers may see */
} pk_wal_header;

/* The readers for whom a checkpoint leaves frames in the log. */
typedef struct pk_wal_readers {
  unsigned marks;     /* bit i: somebody holds read_mark[i], an old one */
  uint32_t held_back; /* frames that cannot be copied back meanwhile */
} pk_wal_readers;

/* Where a page stands in the log. */
typedef struct pk_wal_place {
  uint32_t page;
  uint32_t frame;
} pk_wal_place;

/* The pages that a reader takes from the log, in page order. */
typedef struct pk_wal_map {
  pk_wal_place *places; /* from sqlite3_malloc */
  size_t count;
} pk_wal_map;

/* Finds the log of a schema, reading the schema once so that SQLite has its
** files open. Where the schema is not in WAL mode, wal->log is NULL. *obstacle
** is NULL, or says why what readers see cannot be told here: the wal-index is
** out of reach, or the journal mode is none that we know. */
int pk_wal_find(pk_wal *wal, sqlite3 *db, const char *schema,
                const char **obstacle, pk_error *error);

/* Copies the header. SQLITE_BUSY: a writer was changing it, try again. */
int pk_wal_header_read(const pk_wal *wal, pk_wal_header *header);

/* Finds the readers that hold back a checkpoint: those before the log's last
** commit. Whether a mark is held only its lock tells, which is taken for a
** moment (see the locking protocol). A transaction of the connection itself
** counts like any other. SQLITE_READONLY: this connection may not take locks in
** the wal-index, and so cannot tell. */
int pk_wal_readers_find(const pk_wal *wal, const pk_wal_header *header,
                        pk_wal_readers *readers);

/* Nothing was committed and the log was not restarted between the two. */
bool pk_wal_header_same(const pk_wal_header *one, const pk_wal_header *other);

/* Bytes of the -wal file; 0 if that cannot be told. */
sqlite3_int64 pk_wal_bytes(const pk_wal *wal);

/* Maps each page to its last frame among those that are not yet copied back.
** SQLITE_TOOBIG: there are more than PK_WAL_MOST_FRAMES of them. */
int pk_wal_map_read(const pk_wal *wal, const pk_wal_header *header,
                    pk_wal_map *map);

/* The index of the first place at or after `page`; map->count if none. */
size_t pk_wal_map_seek(const pk_wal_map *map, uint32_t page);

void pk_wal_map_free(pk_wal_map *map);

/* Reads the page image of one frame. SQLITE_PROTOCOL: that frame is not, or
** no longer, the one of the header and the map. */
int pk_wal_frame_read(const pk_wal *wal, const pk_wal_header *header,
                      pk_wal_place place, void *page);

#endif
