/*
** gzip_vfs.c: queries on a compressed backup where it lies, without restoring.
**
**     SELECT prod_backup_to('/backups/app.db.gz', 6);
**     ATTACH 'file:/backups/app.db.gz?vfs=prodgz' AS old;
**     SELECT * FROM old.orders WHERE id = 7;
**     PRAGMA old.prodgz_error;
**
**     SELECT row FROM prod_backup_query('/backups/app.db.gz',
**                                       'SELECT * FROM orders WHERE id = 7');
**
** The VFS prodgz opens what prod_backup_to compressed (format/bgzf) as a
** read-only database. ATTACH needs a host with URI file names; a connection
** opened with the name of the VFS does not.
**
** prod_backup_query does without both, on plain backups too. It amounts to
**
**     CREATE TABLE prod_backup_query(row TEXT, path HIDDEN, sql HIDDEN);
**
** with one row for each row of one read-only statement, run on a private
** connection: a JSON object with the columns' names as keys. A REAL is written
** so that it reads back as the same number, a blob as hex() writes it.
**
** How it works. Opening reads the backup's index. Reading a page decompresses
** the block of at most 64 KiB that it is in and checks its CRC-32; the last
** blocks are kept. The file is immutable to SQLite (SQLITE_IOCAP_IMMUTABLE),
** which therefore looks for no journal or WAL, takes no lock, and opens the
** image of a WAL-mode database without a -wal or -shm.
**
** Failures. SQLite shows the code of what a VFS returns, not its sentence: what
** is not a backup is SQLITE_NOTADB, a damaged one SQLITE_CORRUPT, and ATTACH
** says "unable to open database" for both. The sentence goes to the host's
** error log (SQLITE_CONFIG_LOG); PRAGMA old.prodgz_error gives that of the last
** failed read, none after none; prod_backup_query and prod_backup_verify fail
** with it.
**
** Locking. None. A backup is replaced by rename, never written to, so an open
** one stays as it was.
**
** Threads. Each open file has its own reader and cache, used by the connection
** that opened it.
**
** Cost. Opening: the index, 33 KB for a database of 1 GB. A page: at most 64
** KiB to read and decompress. Memory: the index and up to 1 MiB of blocks for
** each open file. prod_backup_query holds one row at a time.
*/
#include <string.h>

#include "../base/feature.h"
#include "../base/json.h"
#include "../base/private.h"
#include "../base/sql.h"
#include "../format/backup_file.h"

/* ---- the VFS ---- */

typedef struct gzip_file {
  sqlite3_file base;
  pk_reader reader;
  pk_bgzf_reader *backup;
  char *failure; /* the sentence of the last one, or NULL */
} gzip_file;

static int file_close(sqlite3_file *base) {
  gzip_file *file = (gzip_file *)base;
  pk_bgzf_close(file->backup);
  pk_reader_close(&file->reader);
  sqlite3_free(file->failure);
  return SQLITE_OK;
}

/* Logs a failure and keeps its sentence for PRAGMA prodgz_error. */
static int failed_read(gzip_file *file, pk_error *error) {
  int rc = error->code;
  if (error->message) sqlite3_log(rc, PK_GZIP_VFS ": %s", error->message);
  sqlite3_free(file->failure);
  file->failure = error->message;
  return rc;
}

/* What lies behind the end reads as zeros (sqlite3_io_methods.xRead). */
static int file_read(sqlite3_file *base, void *buffer, int bytes,
                     sqlite3_int64 offset) {
  gzip_file *file = (gzip_file *)base;
  pk_error error = PK_NO_ERROR;
  sqlite3_int64 left = pk_bgzf_bytes(file->backup) - offset;
  int part = left < 0 ? 0 : left < bytes ? (int)left : bytes;
  if (part > 0 && pk_bgzf_read(file->backup, buffer, (size_t)part, offset,
                               &error) != SQLITE_OK)
    return failed_read(file, &error);
  if (part == bytes) return SQLITE_OK;
  memset((char *)buffer + part, 0, (size_t)(bytes - part));
  return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *data, int bytes,
                      sqlite3_int64 offset) {
  (void)file, (void)data, (void)bytes, (void)offset;
  return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 bytes) {
  (void)file, (void)bytes;
  return SQLITE_READONLY;
}

static int file_sync(sqlite3_file *file, int flags) {
  (void)file, (void)flags;
  return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *bytes) {
  *bytes = pk_bgzf_bytes(((gzip_file *)file)->backup);
  return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level) {
  (void)file, (void)level;
  return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *answer) {
  (void)file;
  *answer = 0;
  return SQLITE_OK;
}

/* SQLITE_FCNTL_PRAGMA hands in the answer, the name and the value. */
static int answer_pragma(const gzip_file *file, char **pragma) {
  if (sqlite3_stricmp(pragma[1], "prodgz_error") != 0) return SQLITE_NOTFOUND;
  if (!file->failure) return SQLITE_OK;
  pragma[0] = sqlite3_mprintf("%s", file->failure);
  return pragma[0] ? SQLITE_OK : SQLITE_NOMEM;
}

static int file_control(sqlite3_file *base, int what, void *argument) {
  switch (what) {
    case SQLITE_FCNTL_PRAGMA:
      return answer_pragma((gzip_file *)base, argument);
    case SQLITE_FCNTL_VFSNAME:
      *(char **)argument = sqlite3_mprintf(PK_GZIP_VFS);
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

static int file_sector_size(sqlite3_file *file) {
  (void)file;
  return 4096;
}

static int file_characteristics(sqlite3_file *file) {
  (void)file;
  return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int open_backup(gzip_file *file, const char *path, pk_error *error) {
  int rc = pk_reader_open(&file->reader, path, error);
  if (rc != SQLITE_OK) return rc;
  pk_bgzf_source source = pk_backup_source(&file->reader);
  rc = pk_bgzf_open(&file->backup, &source, error);
  if (rc == SQLITE_OK && pk_bgzf_about(file->backup)->page_size == 0)
    rc = pk_fail(error, SQLITE_NOTADB,
                 "%s is compressed by prodkit, but it holds no database", path);
  return rc;
}

static int file_open(const char *path, sqlite3_file *base, pk_error *error) {
  gzip_file *file = (gzip_file *)base;
  *file = (gzip_file){0};
  int rc = open_backup(file, path, error);
  if (rc == SQLITE_OK)
    file->base.pMethods = &file_methods;
  else
    file_close(base);
  return rc;
}

static pk_vfs_layer layer;

static const pk_vfs vfs = {.name = PK_GZIP_VFS,
                           .summary = "opens a compressed backup, read-only",
                           .file_bytes = sizeof(gzip_file),
                           .layer = &layer,
                           .open = file_open};

/* ---- prod_backup_query ---- */

typedef struct query {
  sqlite3 *private;
  sqlite3_stmt *statement;
} query;

static void query_close(void *state) {
  query *self = state;
  sqlite3_finalize(self->statement);
  sqlite3_close(self->private);
  sqlite3_free(self);
}

/* The sentence of the VFS where it has one, else SQLite's. */
static int failed_query(query *self, int rc, pk_error *error) {
  pk_error ignored = PK_NO_ERROR;
  char *sentence = NULL;
  char *words = sqlite3_mprintf("%s", sqlite3_errmsg(self->private));
  if ((rc & 0xff) == SQLITE_CORRUPT)
    pk_query_text(self->private, &sentence, &ignored, "PRAGMA prodgz_error");
  rc = pk_fail(error, rc, "%s", sentence ? sentence : words);
  pk_error_clear(&ignored);
  sqlite3_free(sentence);
  sqlite3_free(words);
  return rc;
}

static int query_more(pk_rows *rows, void *state, pk_error *error) {
  query *self = state;
  int rc = sqlite3_step(self->statement);
  if (rc == SQLITE_DONE) return SQLITE_OK;
  if (rc != SQLITE_ROW) return failed_query(self, rc, error);
  pk_json row;
  pk_json_begin(&row);
  for (int i = 0; i < sqlite3_column_count(self->statement); i++)
    pk_json_value(&row, sqlite3_column_name(self->statement, i),
                  sqlite3_column_value(self->statement, i));
  char *text = pk_json_finish(&row);
  if (!text) return pk_fail_memory(error);
  pk_row(rows);
  pk_row_text(rows, text);
  sqlite3_free(text);
  return SQLITE_OK;
}

/* A JSON object has each key once. */
static int check_names(sqlite3_stmt *statement, pk_error *error) {
  for (int i = 0; i < sqlite3_column_count(statement); i++)
    for (int j = 0; j < i; j++)
      if (strcmp(sqlite3_column_name(statement, i),
                 sqlite3_column_name(statement, j)) == 0)
        return pk_fail(error, SQLITE_ERROR,
                       "columns %d and %d of sql are both named \"%s\"; name "
                       "one of them with AS",
                       j + 1, i + 1, sqlite3_column_name(statement, i));
  return SQLITE_OK;
}

static int check_statement(query *self, const char *rest, pk_error *error) {
  sqlite3_stmt *second = NULL;
  int rc = sqlite3_prepare_v2(self->private, rest, -1, &second, NULL);
  bool more = rc != SQLITE_OK || second;
  sqlite3_finalize(second);
  if (rc == SQLITE_NOMEM) return pk_fail_memory(error);
  if (!self->statement)
    return pk_fail(error, SQLITE_ERROR, "sql has no statement in it");
  if (more)
    return pk_fail(error, SQLITE_ERROR, "sql must be one statement only");
  if (!sqlite3_stmt_readonly(self->statement))
    return pk_fail(error, SQLITE_READONLY,
                   "sql would write; a backup is only read");
  if (sqlite3_column_count(self->statement) == 0)
    return pk_fail(error, SQLITE_ERROR, "sql is no query: it gives no rows");
  return check_names(self->statement, error);
}

static int prepare_query(query *self, const char *sql, pk_error *error) {
  const char *rest;
  int rc = sqlite3_prepare_v2(self->private, sql, -1, &self->statement, &rest);
  if (rc != SQLITE_OK) return failed_query(self, rc, error);
  return check_statement(self, rest, error);
}

/* Why SQLite could not open a compressed backup: by opening it once more. */
static int explain_failure(const char *path, pk_error *error) {
  unsigned char header[100];
  gzip_file file = {0};
  int rc = open_backup(&file, path, error);
  if (rc == SQLITE_OK)
    rc = pk_bgzf_read(file.backup, header, sizeof header, 0, error);
  file_close(&file.base);
  return rc;
}

static int open_private(query *self, sqlite3 *db, const char *path,
                        pk_error *error) {
  pk_reader reader;
  bool compressed = false;
  int rc = pk_backup_open(&reader, path, &compressed, error);
  pk_reader_close(&reader);
  if (rc != SQLITE_OK) return rc;
  pk_error found = PK_NO_ERROR;
  rc = pk_private_file(db, path, compressed ? PK_GZIP_VFS : NULL,
                       &self->private, &found);
  if (rc == SQLITE_OK) /* SQLite opens any file; it is a query that reads it */
    rc = pk_run(self->private, &found, "SELECT count(*) FROM sqlite_schema");
  if (rc != SQLITE_OK && compressed) explain_failure(path, error);
  if (rc != SQLITE_OK)
    rc = pk_fail(error, rc, "cannot open %s: %s", path, found.message);
  pk_error_clear(&found);
  return rc;
}

static int backup_query(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                        pk_error *error) {
  const char *path, *sql;
  int rc = pk_text_argument(arguments[0], "path", &path, error);
  if (rc == SQLITE_OK) rc = pk_text_argument(arguments[1], "sql", &sql, error);
  if (rc != SQLITE_OK) return rc;
  query *self = sqlite3_malloc(sizeof *self);
  if (!self) return pk_fail_memory(error);
  *self = (query){0};
  pk_rows_stream(
      rows,
      &(pk_stream){.more = query_more, .close = query_close, .state = self});
  rc = open_private(self, db, path, error);
  if (rc == SQLITE_OK) rc = prepare_query(self, sql, error);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_backup_query",
     .columns = "row TEXT",
     .arguments = "path, sql",
     .required = 2,
     .flags = SQLITE_DIRECTONLY,
     .summary = "the rows of a query on a backup, plain or compressed, as JSON",
     .produce = backup_query},
    {0}};

const pk_feature pk_gzip_vfs = {
    .name = "gzip_vfs", .tables = tables, .vfs = &vfs};
