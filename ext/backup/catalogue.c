/*
** catalogue.c: the backups in a folder, and the mark that keeps one.
**
**     SELECT path, taken_at, bytes, verified FROM prod_backups('/backups');
**     SELECT min(age_seconds) / 3600 AS hours_ago FROM prod_backups('/backups')
**      WHERE database = 'app' AND verified IN ('quick', 'full');
**     SELECT prod_backup_hold(path, true) FROM prod_backups('/backups')
**      WHERE taken_at LIKE '2026-01-01%';
**
** The table amounts to
**
**     CREATE TABLE prod_backups(
**       path TEXT, database TEXT, taken_at TEXT, bytes INTEGER,
**       source_bytes INTEGER, pages INTEGER, compression TEXT, verified TEXT,
**       held INTEGER, age_seconds INTEGER, dir HIDDEN);
**
** with one row for each backup in the folder (folders in it are not looked
** into), ordered by taken_at. What prod_backup_rotate made has a manifest
** (format/manifest), from which the row is taken. For any other backup the row
** has what the file tells: a compressed one its metadata; a plain one its
** header and, as taken_at, when it was last written. What is not known is NULL,
** held is 0. `verified` is the level that a backup passed when it was made, or
** why that says nothing of what lies there now:
**
**     none, quick, full   the level
**     NULL                there is no manifest
**     bad manifest        the manifest is damaged; held is NULL
**     unread manifest     the host has no JSON functions; held is NULL
**     changed             the file is not as large as its manifest says
**     missing             there is a manifest, and no backup
**     damaged             a compressed backup without a manifest, not whole
**
** Parts of unfinished files and all that is no backup are left out. A plain
** SQLite file cannot be told from a backup: backups want a folder of their own.
**
** prod_backup_hold(path, on) sets `held` in a backup's manifest, or clears it.
** prod_backup_prune never removes a held backup.
**
** Locking. Reading takes no lock; each row is what its manifest was at one
** moment. prod_backup_hold holds the folder's lock (base/folder), so a prune
** sees the mark or is over.
**
** Cost. A backup with a manifest: reading that. Another: opening the file, and
** of a compressed one reading the index.
*/
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/folder.h"
#include "../base/private.h"
#include "../format/backup_file.h"
#include "../format/manifest.h"

/* ---- one backup ---- */

typedef struct entry {
  char *path;
  pk_manifest facts; /* 0 and "" for what is not known */
  const char *state; /* shown as verified, in place of the level; or NULL */
  bool held_unknown;
} entry;

/* From the file itself. Fails where it is no backup, with SQLITE_CORRUPT where
** it was one. */
static int read_file(entry *self, pk_error *error) {
  pk_manifest *facts = &self->facts;
  pk_backup_facts found;
  pk_reader file;
  bool compressed;
  int rc = pk_backup_open(&file, self->path, &compressed, error);
  if (rc == SQLITE_OK)
    rc = pk_backup_describe(&file, compressed, &found, error);
  pk_reader_close(&file);
  if (rc != SQLITE_OK) return rc;
  facts->taken_at = compressed ? found.taken_at : pk_file_modified(self->path);
  facts->source_bytes = found.source_bytes;
  facts->pages = found.pages;
  facts->page_size = found.page_size;
  sqlite3_snprintf(sizeof facts->compression, facts->compression, "%s",
                   compressed ? "gzip" : "none");
  if (found.source[0]) pk_manifest_name(facts->database, found.source);
  return SQLITE_OK;
}

/* A file without a usable manifest. *is_one is false for what is no backup. */
static int describe(entry *self, bool *is_one, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  int rc = read_file(self, &failure);
  pk_error_clear(&failure);
  *is_one = self->state != NULL || rc == SQLITE_OK || rc == SQLITE_CORRUPT;
  if (rc == SQLITE_CORRUPT && !self->state) self->state = "damaged";
  return rc == SQLITE_NOMEM ? pk_fail_memory(error) : SQLITE_OK;
}

typedef struct catalogue {
  const char *folder;
  sqlite3 *reader;      /* of manifests */
  const char *unusable; /* the state of an entry whose manifest is not */
  entry *entries;
  int count;
} catalogue;

static int read_entry(entry *self, const catalogue *of, bool *is_one,
                      pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  bool found;
  sqlite3_int64 bytes = pk_file_bytes(self->path);
  int rc =
      pk_manifest_read(of->reader, self->path, &found, &self->facts, &failure);
  pk_error_clear(&failure);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (rc != SQLITE_OK) {
    self->state = of->unusable;
    self->held_unknown = true;
    self->facts = (pk_manifest){0};
  } else if (found && bytes < 0) {
    self->state = "missing";
  } else if (found && bytes != self->facts.bytes) {
    self->state = "changed";
  }
  self->facts.bytes = bytes < 0 ? 0 : bytes;
  if (rc == SQLITE_OK && found) return SQLITE_OK;
  return describe(self, is_one, error);
}

/* ---- the backups of a folder ---- */

/* Takes the path over. */
static int add_entry(catalogue *self, char *path, pk_error *error) {
  bool is_one = true;
  entry *all = pk_array_room(self->entries, self->count, sizeof *all);
  if (!all) {
    sqlite3_free(path);
    return pk_fail_memory(error);
  }
  self->entries = all;
  entry *next = &all[self->count];
  *next = (entry){.path = path};
  int rc = read_entry(next, self, &is_one, error);
  if (rc == SQLITE_OK && is_one)
    self->count++;
  else
    sqlite3_free(path);
  return rc;
}

/* A manifest stands for its backup only where that is missing. */
static int add_path(catalogue *self, const char *path, pk_error *error) {
  char *backup;
  int rc = pk_manifest_backup(path, &backup, error);
  if (rc == SQLITE_OK && !backup && pk_file_bytes(path) >= 0) {
    backup = sqlite3_mprintf("%s", path);
    if (!backup) rc = pk_fail_memory(error);
  } else if (backup && pk_file_bytes(backup) >= 0) {
    sqlite3_free(backup);
    backup = NULL;
  }
  return rc == SQLITE_OK && backup ? add_entry(self, backup, error) : rc;
}

static int compare(const void *one, const void *other) {
  const entry *a = one, *b = other;
  if (a->facts.taken_at != b->facts.taken_at)
    return a->facts.taken_at < b->facts.taken_at ? -1 : 1;
  return strcmp(a->path, b->path);
}

static int read_folder(catalogue *self, pk_error *error) {
  pk_names names;
  int rc = pk_folder_list(&names, self->folder, error);
  for (int i = 0; rc == SQLITE_OK && i < names.count; i++) {
    if (names.names[i][0] == '.') continue;
    char *path = pk_folder_path(self->folder, names.names[i]);
    rc = path ? add_path(self, path, error) : pk_fail_memory(error);
    sqlite3_free(path);
  }
  pk_names_free(&names);
  if (self->count > 0)
    qsort(self->entries, (size_t)self->count, sizeof *self->entries, compare);
  return rc;
}

static void known_text(pk_rows *rows, const char *text) {
  pk_row_text(rows, *text ? text : NULL);
}

static void known_number(pk_rows *rows, sqlite3_int64 number) {
  if (number)
    pk_row_int64(rows, number);
  else
    pk_row_null(rows);
}

static void show(pk_rows *rows, const entry *self, sqlite3_int64 now) {
  const pk_manifest *facts = &self->facts;
  char taken_at[PK_UTC_BYTES] = "";
  if (facts->taken_at) pk_utc_text(taken_at, facts->taken_at);
  pk_row(rows);
  pk_row_text(rows, self->path);
  known_text(rows, facts->database);
  known_text(rows, taken_at);
  known_number(rows, facts->bytes);
  known_number(rows, facts->source_bytes);
  known_number(rows, facts->pages);
  known_text(rows, facts->compression);
  known_text(rows, self->state ? self->state : facts->verified);
  if (self->held_unknown)
    pk_row_null(rows);
  else
    pk_row_int64(rows, facts->held);
  if (facts->taken_at)
    pk_row_int64(rows, now - facts->taken_at);
  else
    pk_row_null(rows);
}

static int open_reader(catalogue *self, sqlite3 *db, pk_error *error) {
  bool json;
  int rc = pk_host_has_json(db, &json, error);
  if (rc != SQLITE_OK) return rc;
  self->unusable = json ? "bad manifest" : "unread manifest";
  return pk_private_memory(db, &self->reader, error);
}

static int backups(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                   pk_error *error) {
  catalogue self = {0};
  int rc = pk_text_argument(arguments[0], "dir", &self.folder, error);
  if (rc == SQLITE_OK) rc = open_reader(&self, db, error);
  if (rc == SQLITE_OK) rc = read_folder(&self, error);
  sqlite3_int64 now = pk_utc_seconds();
  for (int i = 0; i < self.count; i++) {
    if (rc == SQLITE_OK) show(rows, &self.entries[i], now);
    sqlite3_free(self.entries[i].path);
  }
  sqlite3_free(self.entries);
  sqlite3_close(self.reader);
  return rc;
}

/* ---- hold ---- */

static int read_switch(sqlite3_value *value, bool *on, pk_error *error) {
  sqlite3_int64 number = sqlite3_value_int64(value);
  if (sqlite3_value_type(value) != SQLITE_INTEGER || number < 0 || number > 1)
    return pk_fail(error, SQLITE_MISMATCH, "on must be true or false");
  *on = number == 1;
  return SQLITE_OK;
}

static int read_manifest(sqlite3 *db, const char *path, pk_manifest *manifest,
                         pk_error *error) {
  sqlite3 *reader = NULL;
  bool found = false;
  int rc = pk_require_json(db, "manifests need", error);
  if (rc == SQLITE_OK) rc = pk_private_memory(db, &reader, error);
  if (rc == SQLITE_OK)
    rc = pk_manifest_read(reader, path, &found, manifest, error);
  sqlite3_close(reader);
  if (rc != SQLITE_OK || found) return rc;
  return pk_fail(error, SQLITE_CANTOPEN,
                 pk_file_bytes(path) < 0
                     ? "there is no backup %s"
                     : "%s has no manifest, so prod_backup_prune never removes "
                       "it; only what prod_backup_rotate made can be held",
                 path);
}

static int set_held(sqlite3 *db, const char *path, bool on,
                    pk_manifest *manifest, pk_error *error) {
  pk_file file = {.fd = -1};
  int rc = read_manifest(db, path, manifest, error);
  if (rc == SQLITE_OK && pk_file_bytes(path) < 0)
    rc = pk_fail(error, SQLITE_CANTOPEN,
                 "there is no backup %s, only its manifest", path);
  if (rc != SQLITE_OK || manifest->held == on) return rc;
  manifest->held = on;
  rc = pk_manifest_begin(&file, path, true, error);
  if (rc == SQLITE_OK) rc = pk_manifest_publish(&file, path, manifest, error);
  pk_file_discard(&file);
  return rc;
}

static int hold(sqlite3_context *context, sqlite3_value **arguments,
                pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  const char *path;
  bool on = false;
  pk_manifest manifest;
  int lock = -1;
  int rc = pk_text_argument(arguments[0], "path", &path, error);
  if (rc == SQLITE_OK) rc = read_switch(arguments[1], &on, error);
  if (rc != SQLITE_OK) return rc;
  char *folder = pk_folder_of(path);
  rc =
      folder ? pk_folder_lock(&lock, db, folder, error) : pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = set_held(db, path, on, &manifest, error);
  pk_folder_unlock(&lock);
  sqlite3_free(folder);
  if (rc != SQLITE_OK) return rc;

  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", path);
  pk_manifest_facts(&json, &manifest);
  return pk_json_result(&json, context);
}

static const pk_table tables[] = {
    {.name = "prod_backups",
     .columns = "path TEXT, database TEXT, taken_at TEXT, bytes INTEGER, "
                "source_bytes INTEGER, pages INTEGER, compression TEXT, "
                "verified TEXT, held INTEGER, age_seconds INTEGER",
     .arguments = "dir",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary =
         "the backups in a folder: what, when, how large, verified, held",
     .produce = backups},
    {0}};

static const pk_function functions[] = {
    {.name = "prod_backup_hold",
     .arguments = "path, on",
     .required = 2,
     .flags = SQLITE_DIRECTONLY,
     .summary = "keeps a backup from being pruned, or lets it go again",
     .call = hold},
    {0}};

const pk_feature pk_catalogue = {"catalogue", functions, tables};
