/* manifest.c: see manifest.h. */
#include "manifest.h"

#include <string.h>

#include "../base/arguments.h"
#include "../base/clock.h"
#include "../base/folder.h"
#include "../base/sql.h"
#include "../prodkit.h"

#define FORMAT "prodkit backup"
#define MOST_BYTES 65536

/* ---- names ---- */

/* A name is part of paths, patterns and shell commands. */
static bool is_awkward(char c) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  bool beyond_ascii = (unsigned char)c >= 0x80;
  return !beyond_ascii && (c == 0 || !strchr(plain, c));
}

/* How many of the first `most` bytes are whole UTF-8 characters. */
static size_t whole_characters(const char *text, size_t bytes, size_t most) {
  if (bytes <= most) return bytes;
  while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80) most--;
  return most;
}

void pk_manifest_name(char name[PK_DATABASE_BYTES], const char *file) {
  const char *own = pk_base_name(file);
  const char *dot = strrchr(own, '.');
  size_t bytes = dot && dot > own ? (size_t)(dot - own) : strlen(own);
  bytes = whole_characters(own, bytes, PK_DATABASE_BYTES - 1);
  for (size_t i = 0; i < bytes; i++)
    name[i] = is_awkward(own[i]) ? '_' : own[i];
  name[bytes] = 0;
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
}

char *pk_manifest_path(const char *backup) {
  return sqlite3_mprintf("%s" PK_MANIFEST_SUFFIX, backup);
}

int pk_manifest_backup(const char *path, char **backup, pk_error *error) {
  size_t bytes = strlen(path), suffix = strlen(PK_MANIFEST_SUFFIX);
  *backup = NULL;
  if (bytes <= suffix || strcmp(path + bytes - suffix, PK_MANIFEST_SUFFIX) != 0)
    return SQLITE_OK;
  *backup = sqlite3_mprintf("%.*s", (int)(bytes - suffix), path);
  return *backup ? SQLITE_OK : pk_fail_memory(error);
}

/* ---- reading ---- */

/* The columns of the query below, and the type that each must have. */
static const struct field {
  const char *key;
  int type;
} fields[] = {
    {"format", SQLITE_TEXT},      {"version", SQLITE_INTEGER},
    {"database", SQLITE_TEXT},    {"taken_at", SQLITE_INTEGER},
    {"bytes", SQLITE_INTEGER},    {"source_bytes", SQLITE_INTEGER},
    {"pages", SQLITE_INTEGER},    {"page_size", SQLITE_INTEGER},
    {"compression", SQLITE_TEXT}, {"verified", SQLITE_TEXT},
    {"held", SQLITE_INTEGER},
};
enum {
  FORMAT_,
  VERSION,
  DATABASE,
  TAKEN_AT,
  BYTES,
  SOURCE_BYTES,
  PAGES,
  PAGE_SIZE,
  COMPRESSION,
  VERIFIED,
  HELD,
  FIELDS
};

static const char query[] =
    "SELECT json_extract(?1, '$.format'), json_extract(?1, '$.version'), "
    "json_extract(?1, '$.database'), "
    "CAST(strftime('%%s', json_extract(?1, '$.taken_at')) AS INTEGER), "
    "json_extract(?1, '$.bytes'), json_extract(?1, '$.source_bytes'), "
    "json_extract(?1, '$.pages'), json_extract(?1, '$.page_size'), "
    "json_extract(?1, '$.compression'), json_extract(?1, '$.verified'), "
    "json_extract(?1, '$.held')";

static int check_fields(sqlite3_stmt *row, pk_error *error) {
  for (int i = 0; i < FIELDS; i++) {
    bool right = sqlite3_column_type(row, i) == fields[i].type;
    if (right && fields[i].type == SQLITE_INTEGER)
      right = sqlite3_column_int64(row, i) >= 0;
    if (right && fields[i].type == SQLITE_TEXT)
      right = sqlite3_column_bytes(row, i) > 0;
    if (!right)
      return pk_fail(error, SQLITE_CORRUPT, "it has no valid \"%s\"",
                     fields[i].key);
  }
  return SQLITE_OK;
}

static int take_word(sqlite3_stmt *row, int column, const char *choices,
                     char word[8], pk_error *error) {
  int place;
  const char *text = (const char *)sqlite3_column_text(row, column);
  if (!text) return pk_fail_memory(error);
  int rc = pk_choice(text, choices, fields[column].key, &place, error);
  if (rc == SQLITE_OK) sqlite3_snprintf(8, word, "%s", text);
  return rc;
}

static int take_fields(sqlite3_stmt *row, pk_manifest *manifest,
                       pk_error *error) {
  const char *format = (const char *)sqlite3_column_text(row, FORMAT_);
  const char *database = (const char *)sqlite3_column_text(row, DATABASE);
  if (!format || !database) return pk_fail_memory(error);
  if (strcmp(format, FORMAT) != 0 || sqlite3_column_int(row, VERSION) != 1)
    return pk_fail(error, SQLITE_CORRUPT,
                   "it is not in version 1 of the format \"" FORMAT "\"");
  *manifest = (pk_manifest){
      .taken_at = sqlite3_column_int64(row, TAKEN_AT),
      .bytes = sqlite3_column_int64(row, BYTES),
      .source_bytes = sqlite3_column_int64(row, SOURCE_BYTES),
      .pages = sqlite3_column_int64(row, PAGES),
      .page_size = sqlite3_column_int64(row, PAGE_SIZE),
      .held = sqlite3_column_int(row, HELD) != 0,
  };
  sqlite3_snprintf(sizeof manifest->database, manifest->database, "%s",
                   database);
  int rc =
      take_word(row, COMPRESSION, "none gzip", manifest->compression, error);
  if (rc == SQLITE_OK)
    rc = take_word(row, VERIFIED, "none quick full", manifest->verified, error);
  return rc;
}

static int parse(sqlite3 *reader, const char *text, pk_manifest *manifest,
                 pk_error *error) {
  sqlite3_stmt *row;
  int rc = pk_prepare(reader, &row, error, query);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(row, 1, text, -1, SQLITE_STATIC);
  rc = pk_step(row, error);
  if (rc == SQLITE_ERROR) rc = error->code = SQLITE_CORRUPT; /* no JSON */
  if (rc == SQLITE_ROW) rc = check_fields(row, error);
  if (rc == SQLITE_OK) rc = take_fields(row, manifest, error);
  sqlite3_finalize(row);
  return rc;
}

int pk_manifest_read(sqlite3 *reader, const char *backup, bool *found,
                     pk_manifest *manifest, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  char *text = NULL;
  *manifest = (pk_manifest){0};
  char *path = pk_manifest_path(backup);
  if (!path) return pk_fail_memory(error);
  *found = pk_file_bytes(path) >= 0;
  int rc = SQLITE_OK;
  if (*found) rc = pk_file_text(path, MOST_BYTES, &text, &failure);
  if (text) rc = parse(reader, text, manifest, &failure);
  if (rc != SQLITE_OK && failure.message)
    pk_fail(error, rc, "the manifest %s cannot be used: %s", path,
            failure.message);
  else if (rc != SQLITE_OK)
    pk_fail_memory(error);
  pk_error_clear(&failure);
  sqlite3_free(text);
  sqlite3_free(path);
  return rc;
}

/* ---- writing ---- */

int pk_manifest_begin(pk_file *file, const char *backup, bool replace,
                      pk_error *error) {
  *file = (pk_file){.fd = -1};
  char *path = pk_manifest_path(backup);
  if (!path) return pk_fail_memory(error);
  int rc = pk_file_create(file, path, replace, error);
  sqlite3_free(path);
  return rc;
}

void pk_manifest_facts(pk_json *json, const pk_manifest *manifest) {
  char taken_at[PK_UTC_BYTES];
  pk_utc_text(taken_at, manifest->taken_at);
  pk_json_text(json, "database", manifest->database);
  pk_json_text(json, "taken_at", taken_at);
  pk_json_int64(json, "bytes", manifest->bytes);
  pk_json_int64(json, "source_bytes", manifest->source_bytes);
  pk_json_int64(json, "pages", manifest->pages);
  pk_json_int64(json, "page_size", manifest->page_size);
  pk_json_text(json, "compression", manifest->compression);
  pk_json_text(json, "verified", manifest->verified);
  pk_json_bool(json, "held", manifest->held);
}

int pk_manifest_publish(pk_file *file, const char *backup,
                        const pk_manifest *manifest, pk_error *error) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "format", FORMAT);
  pk_json_int64(&json, "version", 1);
  pk_json_text(&json, "prodkit", PRODKIT_VERSION);
  pk_json_text(&json, "file", pk_base_name(backup));
  pk_manifest_facts(&json, manifest);
  char *text = pk_json_finish(&json);
  if (!text) return pk_fail_memory(error);
  int rc = pk_file_write(file, text, strlen(text), error);
  if (rc == SQLITE_OK) rc = pk_file_write(file, "\n", 1, error);
  if (rc == SQLITE_OK) rc = pk_file_publish(file, error);
  sqlite3_free(text);
  return rc;
}
