/*
** find_databases.c: the SQLite databases below a folder, from their headers.
**
**     SELECT path, bytes, journal_mode FROM prod_find_databases('.');
**     SELECT path, written_by_version, modified_at
**       FROM prod_find_databases('.', '{"max_depth":3}')
**      WHERE problem IS NULL ORDER BY bytes DESC;
**
** prod_find_databases amounts to
**
**     CREATE TABLE prod_find_databases(
**       path TEXT,               begins with root as it was given
**       bytes INTEGER,           of the file
**       page_size INTEGER,       in bytes
**       page_count INTEGER,
**       encoding TEXT,           UTF-8, UTF-16le, UTF-16be; NULL while empty
**       user_version INTEGER,    the application's numbers
**       application_id INTEGER,
**       journal_mode TEXT,       wal or rollback
**       written_by_version TEXT, the SQLite that wrote last, as 3.40.1
**       has_wal INTEGER,         1: a -wal with content lies beside it
**       modified_at TEXT,        UTC, ISO 8601; of the file, not of its WAL
**       problem TEXT,            why the row is not a readable database's
**       root TEXT HIDDEN,        the folder to search
**       options TEXT HIDDEN);    max_depth, cross_filesystems
**
** A database is a file of at least 512 bytes that begins with "SQLite format
** 3"; its name does not matter. What could not be looked into has a row with
** its path and the problem: a file or folder that may not be read, a folder
** deeper than max_depth or on another file system, a header that no SQLite
** writes. No symbolic link is followed, but root may be one.
**
** How it works: the folders are walked depth first, with one row made for each
** that SQLite asks for, so that a LIMIT ends the search. Files whose names end
** in -wal, -shm or -journal are never opened: closing a -shm would drop the
** locks of a database that is open in this process. All others are opened
** through the host's default VFS, which keeps the locks of its own databases
** (base/reader.h).
**
** Locking: none. A database that is written meanwhile is seen before or after.
** Cost: for each file a look, an open and a read of 100 bytes. Memory: one open
** folder for each level of depth.
**
** Limits: what only the WAL knows is not seen: page_count and user_version are
** those of the last checkpoint. An encrypted database and an empty file do not
** begin as a database does and are left out. A file that another copy of SQLite
** in this process has open, or that this process has locked by other means
** than SQLite, loses those locks when it is looked into: do not search such
** folders from within such a process.
*/
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/entries.h"
#include "../base/reader.h"
#include "../base/sql.h"
#include "../format/header.h"

/* The smallest page, and so the smallest database. */
#define LEAST_BYTES 512

#define MOST_DEPTH 200 /* each level keeps a folder open */
#define ENTRIES_BETWEEN_LOOKS 256

struct limits {
  sqlite3_int64 max_depth;
  int cross_filesystems;
};

static const pk_option options[] = {
    {"max_depth", PK_INTEGER, offsetof(struct limits, max_depth), 0, MOST_DEPTH,
     .summary = "how many folders below root to enter (32); 0: only root"},
    {"cross_filesystems", PK_BOOLEAN,
     offsetof(struct limits, cross_filesystems),
     .summary = "enter folders on other file systems than root's (false)"},
    {0}};

/* A search that goes on: the folders that are open, root first. */
struct search {
  sqlite3 *db;
  struct limits limits;
  pk_entries **folders;
  int depth;             /* of them are open */
  sqlite3_uint64 device; /* of root */
  sqlite3_int64 entries; /* seen so far */
  pk_rows *rows;
  bool found; /* a row was made */
};

static void begin_row(struct search *search, const char *path) {
  search->found = true;
  pk_row(search->rows);
  pk_row_text(search->rows, path);
}

/* A row for what could not be looked into; `file` is NULL for a folder. */
static void tell_problem(struct search *search, const char *path,
                         const pk_file_facts *file, const char *problem) {
  char modified_at[PK_UTC_BYTES];
  begin_row(search, path);
  if (file)
    pk_row_int64(search->rows, file->bytes);
  else
    pk_row_null(search->rows);
  for (int unknown = 0; unknown < 8; unknown++) /* page_size to has_wal */
    pk_row_null(search->rows);
  if (file) pk_utc_text(modified_at, file->modified_at);
  pk_row_text(search->rows, file ? modified_at : NULL);
  pk_row_text(search->rows, problem);
}

/* Turns a failure into a row, but for want of memory. */
static int survive(struct search *search, const char *path,
                   const pk_file_facts *file, pk_error *failure,
                   pk_error *error) {
  if (failure->message && !pk_ends_the_call(failure->code))
    tell_problem(search, path, file, failure->message);
  else
    pk_fail_memory(error);
  pk_error_clear(failure);
  return error->code;
}

/* ---- a file ---- */

static bool ends_with(const char *name, const char *suffix) {
  size_t bytes = strlen(name), suffix_bytes = strlen(suffix);
  return bytes >= suffix_bytes &&
         strcmp(name + bytes - suffix_bytes, suffix) == 0;
}

static bool is_sidecar(const char *name) {
  return ends_with(name, "-wal") || ends_with(name, "-shm") ||
         ends_with(name, "-journal");
}

static int read_header(const char *path, unsigned char header[PK_HEADER_BYTES],
                       pk_error *error) {
  pk_reader file;
  int rc = pk_reader_open(&file, path, error);
  if (rc == SQLITE_OK)
    rc = pk_reader_read(&file, header, PK_HEADER_BYTES, 0, error);
  pk_reader_close(&file);
  return rc;
}

static int has_wal(const char *path, bool *answer, pk_error *error) {
  char *wal = sqlite3_mprintf("%s-wal", path);
  if (!wal) return pk_fail_memory(error);
  *answer = pk_file_bytes(wal) > 0;
  sqlite3_free(wal);
  return SQLITE_OK;
}

static int add_database(struct search *search, const char *path,
                        const pk_file_facts *file, const pk_header *header,
                        pk_error *error) {
  pk_rows *rows = search->rows;
  char modified_at[PK_UTC_BYTES];
  uint32_t version = header->written_by;
  bool wal = false;
  int rc = has_wal(path, &wal, error);
  if (rc != SQLITE_OK) return rc;
  pk_utc_text(modified_at, file->modified_at);
  begin_row(search, path);
  pk_row_int64(rows, file->bytes);
  pk_row_int64(rows, header->page_size);
  pk_row_int64(rows, header->page_count ? header->page_count
                                        : file->bytes / header->page_size);
  pk_row_text(rows, header->encoding);
  pk_row_int64(rows, header->user_version);
  pk_row_int64(rows, header->application_id);
  pk_row_text(rows, header->wal ? "wal" : "rollback");
  if (version)
    pk_row_format(rows, "%u.%u.%u", version / 1000000, version / 1000 % 1000,
                  version % 1000);
  else
    pk_row_null(rows);
  pk_row_int64(rows, wal);
  pk_row_text(rows, modified_at);
  return SQLITE_OK;
}

static int look_at_file(struct search *search, const char *path,
                        const pk_file_facts *file, pk_error *error) {
  unsigned char bytes[PK_HEADER_BYTES];
  pk_header header;
  pk_error failure = PK_NO_ERROR;
  if (file->bytes < LEAST_BYTES || is_sidecar(path)) return SQLITE_OK;
  if (read_header(path, bytes, &failure) != SQLITE_OK)
    return survive(search, path, file, &failure, error);
  if (!pk_header_is_database(bytes)) return SQLITE_OK;
  if (pk_header_read(bytes, &header))
    return add_database(search, path, file, &header, error);
  tell_problem(search, path, file,
               "it begins as a database does, but the header is damaged");
  return SQLITE_OK;
}

/* ---- a folder ---- */

/* Why a folder is not to be entered; NULL where it is. */
static const char *barred_because(const struct search *search,
                                  const pk_file_facts *folder) {
  if (search->depth > search->limits.max_depth)
    return "not entered: deeper than the option max_depth";
  if (folder->device != search->device && !search->limits.cross_filesystems)
    return "not entered: another file system; the option "
           "{\"cross_filesystems\":true} lets it be searched";
  return NULL;
}

/* Enters `name` in the innermost open folder; root where none is open. */
static int enter(struct search *search, const char *name, pk_error *error) {
  pk_entries **folders =
      pk_array_room(search->folders, search->depth, sizeof *folders);
  if (!folders) return pk_fail_memory(error);
  search->folders = folders;
  int rc = pk_entries_open(&folders[search->depth],
                           search->depth ? folders[search->depth - 1] : NULL,
                           name, error);
  if (rc == SQLITE_OK) search->depth++;
  return rc;
}

static void leave(struct search *search) {
  pk_entries_close(search->folders[--search->depth]);
}

static int look_at_folder(struct search *search, const char *name,
                          const char *path, const pk_file_facts *folder,
                          pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  const char *barred = barred_because(search, folder);
  if (barred) {
    tell_problem(search, path, NULL, barred);
    return SQLITE_OK;
  }
  if (enter(search, name, &failure) == SQLITE_OK) return SQLITE_OK;
  return survive(search, path, NULL, &failure, error);
}

/* ---- the walk ---- */

static int look_at_entry(struct search *search, const pk_entries *folder,
                         const char *name, const pk_file_facts *entry,
                         pk_error *error) {
  int rc = SQLITE_OK;
  if (++search->entries % ENTRIES_BETWEEN_LOOKS == 0 &&
      pk_interrupted(search->db))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  if (entry->kind != PK_REGULAR_FILE && entry->kind != PK_FOLDER)
    return SQLITE_OK;
  char *path = pk_entries_path_of(folder, name);
  if (!path) return pk_fail_memory(error);
  if (entry->kind == PK_FOLDER)
    rc = look_at_folder(search, name, path, entry, error);
  else
    rc = look_at_file(search, path, entry, error);
  sqlite3_free(path);
  return rc;
}

/* One entry of the innermost folder; at its end, back to the one above. */
static int walk_on(struct search *search, pk_error *error) {
  pk_entries *folder = search->folders[search->depth - 1];
  pk_error failure = PK_NO_ERROR;
  pk_file_facts entry;
  const char *name;
  int rc = pk_entries_next(folder, &name, &entry, &failure);
  if (rc == SQLITE_OK && name)
    return look_at_entry(search, folder, name, &entry, error);
  if (rc != SQLITE_OK)
    survive(search, pk_entries_path(folder), NULL, &failure, error);
  leave(search);
  return error->code;
}

static int next_row(pk_rows *rows, void *state, pk_error *error) {
  struct search *search = state;
  int rc = SQLITE_OK;
  search->rows = rows;
  search->found = false;
  while (rc == SQLITE_OK && search->depth > 0 && !search->found)
    rc = walk_on(search, error);
  return rc;
}

static void end_search(void *state) {
  struct search *search = state;
  while (search->depth > 0) leave(search);
  sqlite3_free(search->folders);
  sqlite3_free(search);
}

/* A link as root is followed, once: "root/." is what it leads to. */
static int enter_root(struct search *search, const char *root,
                      pk_error *error) {
  pk_file_facts facts;
  int rc = enter(search, root, error);
  if (rc != SQLITE_OK) return rc;
  char *itself = pk_entries_path_of(search->folders[0], ".");
  rc = itself ? pk_file_look(itself, &facts, error) : pk_fail_memory(error);
  if (rc == SQLITE_OK) search->device = facts.device;
  sqlite3_free(itself);
  return rc;
}

static int find_databases(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                          pk_error *error) {
  const char *root;
  struct search *search = sqlite3_malloc(sizeof *search);
  if (!search) return pk_fail_memory(error);
  *search = (struct search){.db = db, .limits = {.max_depth = 32}};
  int rc = pk_text_argument(arguments[0], "root", &root, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(db, arguments[1], options, &search->limits, error);
  if (rc == SQLITE_OK) rc = enter_root(search, root, error);
  if (rc == SQLITE_OK)
    pk_rows_stream(rows, &(pk_stream){next_row, end_search, search});
  else
    end_search(search);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_find_databases",
     .columns = "path TEXT, bytes INTEGER, page_size INTEGER, "
                "page_count INTEGER, encoding TEXT, user_version INTEGER, "
                "application_id INTEGER, journal_mode TEXT, "
                "written_by_version TEXT, has_wal INTEGER, modified_at TEXT, "
                "problem TEXT",
     .arguments = "root, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "the SQLite databases below a folder, from their headers",
     .options = options,
     .produce = find_databases},
    {0}};

const pk_feature pk_find_databases = {"find_databases", NULL, tables};
