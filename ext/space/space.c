/*
** space.c: see space.h.
**
** Which connection. There are two cases in which a snapshot of the user's own
** would be copied before it is read, or refused (see snapshot.h): in WAL mode,
** because a statement with a FROM has its read transaction before
** prod_fragmentation is called; and in a write transaction. The pages are then
** read through a private connection to the same file, which sees what is
** committed, if there can be one: not in memory, in exclusive locking mode,
** with a VFS that is not SQLite's usual one, or with encryption. In all other
** cases the user's own connection it is, and the snapshot decides how to read.
*/
#include "../format/header.h"
#include "space.h"

#include <string.h>

#include "../base/array.h"
#include "../base/pin.h"
#include "../base/private.h"
#include "../base/sql.h"

#define READS_BETWEEN_LOOKS 64

/* ---- the b-trees ---- */

static char *text(sqlite3_stmt *row, int column) {
  return sqlite3_mprintf("%s", sqlite3_column_text(row, column));
}

static int add_btree(pk_space *space, sqlite3_stmt *object, pk_error *error) {
  pk_btree *btrees = pk_array_room(space->btrees, space->count, sizeof *btrees);
  if (!btrees) return pk_fail_memory(error);
  space->btrees = btrees;
  pk_btree *tree = &btrees[space->count++];
  *tree = (pk_btree){.name = text(object, 0),
                     .table_name = text(object, 1),
                     .kind = text(object, 2)};
  if (!tree->name || !tree->table_name || !tree->kind)
    return pk_fail_memory(error);
  sqlite3_int64 root = sqlite3_column_int64(object, 3);
  tree->root = (uint32_t)root;
  if (root > space->page_count && space->page_count > 0)
    return pk_fail(error, SQLITE_CORRUPT,
                   "the b-tree of \"%s\" begins on page %lld, of %u; PRAGMA "
                   "integrity_check tells more",
                   tree->name, root, space->page_count);
  return SQLITE_OK;
}

/* Views, triggers and virtual tables have no b-tree: their rootpage is 0 or
** NULL. */
static int list_btrees(pk_space *space, sqlite3 *db, const char *schema,
                       pk_error *error) {
  sqlite3_stmt *object;
  int rc = pk_prepare(db, &object, error,
                      "SELECT 'sqlite_schema', 'sqlite_schema', 'schema', 1 "
                      "UNION ALL SELECT name, tbl_name, type, rootpage "
                      "FROM \"%w\".sqlite_schema WHERE rootpage > 0",
                      schema);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(object, error)) == SQLITE_ROW) {
    rc = add_btree(space, object, error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(object);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- opening ---- */

/* With other VFSes of SQLite the locks of one connection lock out a second. */
static bool has_usual_vfs(sqlite3 *db, const char *schema) {
  sqlite3_vfs *vfs = NULL;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
  return vfs && strcmp(vfs->zName, "unix") == 0;
}

static int pragma_is(sqlite3 *db, const char *schema, const char *pragma,
                     const char *word, bool *is, pk_error *error) {
  char *value;
  int rc = pk_query_text(db, &value, error, "PRAGMA \"%w\".%s", schema, pragma);
  *is = value && strcmp(value, word) == 0;
  sqlite3_free(value);
  return rc;
}

/* Is a private connection to the file called for, and can there be one? */
static int wants_private(sqlite3 *db, const char *schema, bool *wanted,
                         pk_error *error) {
  const char *file = sqlite3_db_filename(db, schema);
  bool wal = false, shared = false;
  *wanted = false;
  if (!file || !*file || !has_usual_vfs(db, schema)) return SQLITE_OK;
  int rc = pragma_is(db, schema, "journal_mode", "wal", &wal, error);
  if (rc == SQLITE_OK)
    rc = pragma_is(db, schema, "locking_mode", "normal", &shared, error);
  bool writing = sqlite3_txn_state(db, schema) == SQLITE_TXN_WRITE;
  *wanted = shared && (wal || writing);
  return rc;
}

static int open_private(pk_space *space, const char *schema, pk_error *error) {
  int rc = pk_private_twin(space->db, schema, &space->private, error);
  if (rc == SQLITE_OK)
    rc = pk_snapshot_open(&space->snapshot, space->private, "main", NULL, NULL,
                          NULL, error);
  if (rc != SQLITE_OK) return rc;
  const pk_snapshot_facts *facts = pk_snapshot_about(space->snapshot);
  if (facts->reason)
    return pk_fail(error, SQLITE_CANTOPEN, "%s", facts->reason);
  space->page_count = facts->page_count;
  return list_btrees(space, space->private, "main", error);
}

/* A copy for reading ends the snapshot's own transaction: this one keeps the
** schema as it is in the copy. */
static int open_own(pk_space *space, const char *schema,
                    const char *avoid_direct, pk_error *error) {
  int rc = pk_pin(space->db, schema, &space->reading, error);
  if (rc != SQLITE_OK) return rc;
  rc = pk_snapshot_open(&space->snapshot, space->db, schema, NULL, avoid_direct,
                        NULL, error);
  if (rc != SQLITE_OK) return rc;
  space->page_count = pk_snapshot_about(space->snapshot)->page_count;
  return list_btrees(space, space->db, schema, error);
}

static int read_header(pk_space *space, pk_error *error) {
  pk_header header;
  space->page_size = pk_snapshot_about(space->snapshot)->page_size;
  space->images =
      sqlite3_malloc64((sqlite3_uint64)space->page_size * PK_DEEPEST_BTREE);
  if (!space->images) return pk_fail_memory(error);
  if (space->page_count == 0) return SQLITE_OK;
  int rc = pk_space_read(space, 1, 1, space->images, error);
  if (rc != SQLITE_OK) return rc;
  if (!pk_header_read(space->images, &header) ||
      header.page_size != space->page_size)
    return pk_space_corrupt(NULL, 1, "is not a database header", error);
  space->usable_bytes = header.usable_bytes;
  space->first_trunk = header.first_trunk;
  space->free_pages = header.free_pages;
  space->pointer_map = header.pointer_map;
  space->lock_pages = space->page_count >= pk_lock_page(space->page_size);
  for (uint32_t map = 0; (map = pk_space_next_map(space, map)) != 0;)
    space->map_pages++;
  return SQLITE_OK;
}

int pk_space_open(pk_space *space, sqlite3 *db, const char *schema,
                  const char *avoid_direct, pk_error *error) {
  const char *file;
  bool private;
  *space = (pk_space){.db = db};
  int rc = pk_schema_file(db, schema, &file, error);
  if (rc == SQLITE_OK) rc = wants_private(db, schema, &private, error);
  if (rc != SQLITE_OK) return rc;
  if (private && !avoid_direct) {
    pk_error obstacle = PK_NO_ERROR;
    rc = open_private(space, schema, &obstacle);
    pk_error_clear(&obstacle);
    if (rc == SQLITE_OK) return read_header(space, error);
    pk_space_close(space);
    space->db = db;
  }
  rc = open_own(space, schema, avoid_direct, error);
  return rc == SQLITE_OK ? read_header(space, error) : rc;
}

void pk_space_close(pk_space *space) {
  pk_snapshot_close(space->snapshot);
  sqlite3_finalize(space->reading);
  sqlite3_close(space->private);
  for (int i = 0; i < space->count; i++) {
    sqlite3_free(space->btrees[i].name);
    sqlite3_free(space->btrees[i].table_name);
    sqlite3_free(space->btrees[i].kind);
  }
  sqlite3_free(space->btrees);
  sqlite3_free(space->images);
  *space = (pk_space){0};
}

/* ---- reading ---- */

int pk_space_read(pk_space *space, uint32_t first, uint32_t count,
                  unsigned char *images, pk_error *error) {
  if ((count > 1 || space->reads++ % READS_BETWEEN_LOOKS == 0) &&
      pk_interrupted(space->db))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  return pk_snapshot_read(space->snapshot, first, count, images, error);
}

int pk_space_corrupt(const pk_btree *tree, uint32_t page, const char *fault,
                     pk_error *error) {
  if (!tree)
    return pk_fail(error, SQLITE_CORRUPT,
                   "page %u %s; PRAGMA integrity_check tells more", page,
                   fault);
  return pk_fail(error, SQLITE_CORRUPT,
                 "page %u, in the b-tree of \"%s\", %s; PRAGMA "
                 "integrity_check tells more",
                 page, tree->name, fault);
}

int pk_space_check_page(const pk_space *space, const pk_btree *tree,
                        uint32_t page, uint32_t from, pk_error *error) {
  if (page > 0 && page <= space->page_count) return SQLITE_OK;
  return pk_space_corrupt(tree, from, "leads to a page that is not there",
                          error);
}

uint32_t pk_space_next_map(const pk_space *space, uint32_t map) {
  if (!space->pointer_map) return 0;
  uint64_t behind = (uint64_t)map + pk_pointer_map_entries(space->usable_bytes);
  uint64_t next = map == 0 ? 2 : behind + 1;
  if (next > space->page_count) return 0;
  next = pk_pointer_map_page((uint32_t)next, space->page_size,
                             space->usable_bytes);
  return next > map && next <= space->page_count ? (uint32_t)next : 0;
}

sqlite3_int64 pk_btree_pages(const pk_btree *tree) {
  return tree->leaf_pages + tree->interior_pages + tree->overflow_pages;
}
