/* wal.c: see wal.h. */
#include "wal.h"

#include <stdlib.h>
#include <string.h>

#include "../base/sql.h"
#include "bytes.h"

/* walformat 2.2: the index is mapped in regions of 32 KiB. Each begins with
** the page numbers of its frames; in the first, the header takes the room of
** 34 of them. */
enum {
  REGION_BYTES = 32768,
  REGION_FRAMES = 4096,
  HEADER_BYTES = 136,
  FIRST_REGION_FRAMES = REGION_FRAMES - HEADER_BYTES / 4,
};

/* walformat 2.1: offsets in the wal-index header, in native byte order. */
enum {
  AT_VERSION = 0,
  AT_INITIALIZED = 12,
  AT_PAGE_SIZE = 14,
  AT_LAST_FRAME = 16,
  AT_PAGE_COUNT = 20,
  AT_SALT = 32,
  AT_SECOND_COPY = 48,
  AT_BACKFILLED = 96,
  AT_READ_MARKS = 100,
};
#define WAL_INDEX_VERSION 3007000u

/* walformat 2.1, lock bytes 120..127: places of two that xShmLock knows. */
enum { CHECKPOINT_LOCK = 1, FIRST_READ_LOCK = 3 };

/* fileformat2 4.1: the log is a header and frames, each a header and a page. */
enum { LOG_HEADER_BYTES = 32, FRAME_HEADER_BYTES = 24, FRAME_SALT = 8 };

static uint32_t native32(const void *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

/* An authorizer can keep a pragma from answering: then `mode` is NULL. */
static bool is(const char *mode, const char *word) {
  return mode && strcmp(mode, word) == 0;
}

/* Journal modes in which the database file alone is what readers see. Branches
** of SQLite have others, such as wal2. */
static bool is_rollback_mode(const char *mode) {
  static const char *const modes[] = {"delete", "truncate", "persist", "memory",
                                      "off"};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (is(mode, modes[i])) return true;
  return false;
}

static const char *find_files(pk_wal *wal, sqlite3 *db, const char *schema) {
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &wal->database);
  sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, &wal->log);
  const sqlite3_io_methods *methods = wal->database->pMethods;
  if (methods->iVersion >= 2 && methods->xShmMap) return NULL;
  return "the VFS has no shared WAL index";
}

int pk_wal_find(pk_wal *wal, sqlite3 *db, const char *schema,
                const char **obstacle, pk_error *error) {
  char *journal = NULL, *locking = NULL;
  *wal = (pk_wal){NULL, NULL};
  *obstacle = NULL;
  int rc = pk_run(db, error, "PRAGMA \"%w\".schema_version", schema);
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &journal, error, "PRAGMA \"%w\".journal_mode",
                       schema);
  /* Asked of the schema, this is the mode of its pager; without a schema it
  ** would be the default for databases that are attached later. */
  if (rc == SQLITE_OK)
    rc = pk_query_text(db, &locking, error, "PRAGMA \"%w\".locking_mode",
                       schema);
  if (rc == SQLITE_OK && is(journal, "wal")) {
    *obstacle = find_files(wal, db, schema);
    if (!is(locking, "normal"))
      *obstacle = "the WAL index is not shared (exclusive locking mode)";
  } else if (rc == SQLITE_OK && !is_rollback_mode(journal)) {
    *obstacle = "the journal mode is not one of SQLite's own";
  }
  sqlite3_free(journal);
  sqlite3_free(locking);
  return rc;
}

/* A region of the wal-index. A connection that may only read it is answered
** SQLITE_READONLY together with the region. */
static int map_region(const pk_wal *wal, uint32_t number,
                      const volatile unsigned char **region) {
  void volatile *mapped = NULL;
  int rc = wal->database->pMethods->xShmMap(wal->database, (int)number,
                                            REGION_BYTES, 0, &mapped);
  *region = mapped;
  if (mapped && (rc == SQLITE_OK || rc == SQLITE_READONLY)) return SQLITE_OK;
  return rc == SQLITE_OK ? SQLITE_IOERR_SHMMAP : rc;
}

int pk_wal_header_read(const pk_wal *wal, pk_wal_header *header) {
  const volatile unsigned char *region;
  unsigned char raw[HEADER_BYTES];
  int rc = map_region(wal, 0, &region);
  if (rc != SQLITE_OK) return rc;

  /* A writer writes the second copy, then the first; one that restarts the
  ** log then sets nBackfill to 0. Read against that order, two equal copies
  ** also vouch for the nBackfill between them. */
  void (*barrier)(sqlite3_file *) = wal->database->pMethods->xShmBarrier;
  memcpy(raw, (const void *)region, AT_SECOND_COPY);
  barrier(wal->database);
  memcpy(raw + AT_BACKFILLED, (const void *)(region + AT_BACKFILLED),
         HEADER_BYTES - AT_BACKFILLED);
  barrier(wal->database);
  memcpy(raw + AT_SECOND_COPY, (const void *)(region + AT_SECOND_COPY),
         AT_SECOND_COPY);

  if (memcmp(raw, raw + AT_SECOND_COPY, AT_SECOND_COPY) != 0 ||
      !raw[AT_INITIALIZED])
    return SQLITE_BUSY;
  if (native32(raw + AT_VERSION) != WAL_INDEX_VERSION) return SQLITE_CANTOPEN;

  uint16_t page_size;
  memcpy(&page_size, raw + AT_PAGE_SIZE, sizeof page_size);
  memcpy(header->image, raw, sizeof header->image);
  header->page_size = page_size == 1 ? 65536 : page_size;
  header->page_count = native32(raw + AT_PAGE_COUNT);
  header->last_frame = native32(raw + AT_LAST_FRAME);
  memcpy(header->salt, raw + AT_SALT, sizeof header->salt);
  header->backfilled = native32(raw + AT_BACKFILLED);
  memcpy(header->read_mark, raw + AT_READ_MARKS, sizeof header->read_mark);
  return SQLITE_OK;
}

/* Does somebody hold this lock? Readers share theirs, so whoever gets one alone
** has met nobody. */
static int try_lock(const pk_wal *wal, int place, bool *held) {
  sqlite3_file *file = wal->database;
  int rc = file->pMethods->xShmLock(file, place, 1,
                                    SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
  if (rc == SQLITE_OK)
    file->pMethods->xShmLock(file, place, 1,
                             SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  *held = rc == SQLITE_BUSY;
  return *held ? SQLITE_OK : rc;
}

/* Has the wal-index this number still, at this place? */
static bool is_still(const pk_wal *wal, const volatile void *region, int at,
                     uint32_t number) {
  wal->database->pMethods->xShmBarrier(wal->database);
  return native32((const unsigned char *)region + at) == number;
}

/* Does a reader hold this mark? Who moves a mark holds its lock meanwhile, and
** a checkpoint that copies holds that of mark 0; it notes what it has copied
** before it lets go. So neither the mark nor nBackfill must have changed. */
static int try_mark(const pk_wal *wal, const pk_wal_header *header, int mark,
                    const volatile void *region, bool *held) {
  bool copying = false;
  int rc = try_lock(wal, FIRST_READ_LOCK + mark, held);
  if (rc == SQLITE_OK && *held && mark == 0)
    rc = try_lock(wal, CHECKPOINT_LOCK, &copying);
  *held = *held && !copying &&
          is_still(wal, region, AT_READ_MARKS + 4 * mark,
                   header->read_mark[mark]) &&
          is_still(wal, region, AT_BACKFILLED, header->backfilled);
  return rc;
}

/* A mark that is not behind the last commit is not held against a checkpoint.
** Readers of mark 0 read the bare file, to which nothing may be copied. */
int pk_wal_readers_find(const pk_wal *wal, const pk_wal_header *header,
                        pk_wal_readers *readers) {
  void volatile *region;
  *readers = (pk_wal_readers){0, 0};
  if (header->backfilled >= header->last_frame) return SQLITE_OK;
  int rc = wal->database->pMethods->xShmMap(wal->database, 0, REGION_BYTES, 0,
                                            &region);
  for (int i = 0; rc == SQLITE_OK && i < PK_WAL_READ_MARKS; i++) {
    uint32_t frame = i == 0 ? header->backfilled : header->read_mark[i];
    bool held;
    if (frame >= header->last_frame) continue;
    rc = try_mark(wal, header, i, region, &held);
    if (!held) continue;
    readers->marks |= 1u << i;
    if (header->last_frame - frame > readers->held_back)
      readers->held_back = header->last_frame - frame;
  }
  return rc;
}

bool pk_wal_header_same(const pk_wal_header *one, const pk_wal_header *other) {
  return memcmp(one->image, other->image, sizeof one->image) == 0;
}

sqlite3_int64 pk_wal_bytes(const pk_wal *wal) {
  sqlite3_int64 bytes = 0;
  if (wal->log->pMethods->xFileSize(wal->log, &bytes) != SQLITE_OK) return 0;
  return bytes;
}

/* The last frame whose page number stands in a region, counted from 0. */
static uint32_t region_end(uint32_t region) {
  return FIRST_REGION_FRAMES + region * REGION_FRAMES;
}

/* The region in which a frame's page number stands. */
static uint32_t region_of(uint32_t frame) {
  return (frame + REGION_FRAMES - FIRST_REGION_FRAMES - 1) / REGION_FRAMES;
}

/* Adds frames first..last, which lie in one region, to the map. */
static int read_page_numbers(const pk_wal *wal, uint32_t first, uint32_t last,
                             pk_wal_map *map) {
  uint32_t number = region_of(first);
  const volatile unsigned char *region;
  int rc = map_region(wal, number, &region);
  if (rc != SQLITE_OK) return rc;
  /* A region ends its page numbers at the same place, however many it has. */
  const unsigned char *end = (const unsigned char *)region + 4 * REGION_FRAMES;
  for (uint32_t frame = first; frame <= last; frame++) {
    uint32_t page =
        native32(end - 4 * (size_t)(region_end(number) - frame + 1));
    map->places[map->count++] = (pk_wal_place){page, frame};
  }
  return SQLITE_OK;
}

static int by_page_then_frame(const void *one, const void *other) {
  const pk_wal_place *a = one, *b = other;
  if (a->page != b->page) return a->page < b->page ? -1 : 1;
  return (a->frame > b->frame) - (a->frame < b->frame);
}

/* Sorts, and keeps the last frame of each page. */
static void keep_last_frames(pk_wal_map *map) {
  qsort(map->places, map->count, sizeof *map->places, by_page_then_frame);
  size_t kept = 0;
  for (size_t i = 0; i < map->count; i++)
    if (i + 1 == map->count || map->places[i].page != map->places[i + 1].page)
      map->places[kept++] = map->places[i];
  map->count = kept;
}

int pk_wal_map_read(const pk_wal *wal, const pk_wal_header *header,
                    pk_wal_map *map) {
  *map = (pk_wal_map){NULL, 0};
  if (header->backfilled >= header->last_frame) return SQLITE_OK;
  uint32_t frames = header->last_frame - header->backfilled;
  if (frames > PK_WAL_MOST_FRAMES) return SQLITE_TOOBIG;
  map->places = sqlite3_malloc64((sqlite3_uint64)frames * sizeof *map->places);
  if (!map->places) return SQLITE_NOMEM;

  int rc = SQLITE_OK;
  uint32_t first = header->backfilled + 1, last;
  for (; rc == SQLITE_OK && first <= header->last_frame; first = last + 1) {
    last = region_end(region_of(first));
    if (last > header->last_frame) last = header->last_frame;
    rc = read_page_numbers(wal, first, last, map);
  }
  if (rc != SQLITE_OK) {
    pk_wal_map_free(map);
    return rc;
  }
  keep_last_frames(map);
  pk_wal_place *smaller =
      sqlite3_realloc64(map->places, map->count * sizeof *map->places);
  if (smaller) map->places = smaller;
  return SQLITE_OK;
}

size_t pk_wal_map_seek(const pk_wal_map *map, uint32_t page) {
  size_t low = 0, high = map->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (map->places[middle].page < page)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void pk_wal_map_free(pk_wal_map *map) {
  sqlite3_free(map->places);
  *map = (pk_wal_map){NULL, 0};
}

int pk_wal_frame_read(const pk_wal *wal, const pk_wal_header *header,
                      pk_wal_place place, void *page) {
  unsigned char frame[FRAME_HEADER_BYTES];
  sqlite3_int64 at =
      LOG_HEADER_BYTES + (sqlite3_int64)(place.frame - 1) *
                             (FRAME_HEADER_BYTES + header->page_size);
  int (*read)(sqlite3_file *, void *, int, sqlite3_int64) =
      wal->log->pMethods->xRead;
  int rc = read(wal->log, frame, FRAME_HEADER_BYTES, at);
  if (rc == SQLITE_OK)
    rc = read(wal->log, page, (int)header->page_size, at + FRAME_HEADER_BYTES);
  if (rc == SQLITE_IOERR_SHORT_READ) return SQLITE_PROTOCOL;
  if (rc != SQLITE_OK) return rc;
  if (pk_four_bytes(frame) != place.page ||
      memcmp(frame + FRAME_SALT, header->salt, sizeof header->salt) != 0)
    return SQLITE_PROTOCOL;
  return SQLITE_OK;
}
