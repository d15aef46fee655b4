/*
** dump.c: a database as SQL text, plain or compressed.
**
**     SELECT prod_dump_to('/backups/app.sql');
**     SELECT prod_dump_to('/backups/app.sql.gz', 'gzip');
**     SELECT prod_dump_to('/backups/again.sql', 0, '{"schema":"main"}');
**
** The text has the content that the sqlite3 shell's .dump has, and is loaded
** the same way, into a new file:
**
**     sqlite3 -bail new.db < app.sql
**     zcat app.sql.gz | sqlite3 -bail new.db
**
** What it holds, in this order:
**
**     pragmas that must precede the first table, where they are not the usual
**       ones: encoding, page_size, auto_vacuum
**     PRAGMA foreign_keys=OFF, BEGIN
**     each table, followed by its rows; then sqlite_stat1 and sqlite_sequence
**     indexes, views, triggers: after the rows, so that no trigger fires
**     what can only be written into the schema itself (below)
**     user_version and application_id, COMMIT
**
** A dump that was cut off has no COMMIT and loads nothing.
**
** How it works. One statement at its first row holds a read transaction, and
** everything is read within it. Tables are scanned in rowid order, without
** their indexes, and written row by row. The text goes to a new file beside
** the target, which gets the target's name when it is complete and durable.
**
** Exactness.
**
**   values   every value loads in its storage class and with its bytes
**            (base/literal.h).
**   rowids   of a table without INTEGER PRIMARY KEY are written where loading
**            would not give the same one by itself. Full-text indexes with
**            external content refer to them.
**   schema   the statements as they are stored. What loading would change in
**            them (the shell drops a CR before a LF) is put back through
**            sqlite_master.
**
** A virtual table is a row of sqlite_master and the rows of its shadow tables,
** so that dumping and loading need no module. That, statistics other than
** sqlite_stat1, and the CR above load with writable_schema, which a defensive
** connection refuses; a database without them loads anywhere.
**
** Locking. In WAL mode writers go on; the reader keeps the WAL from being reset
** meanwhile. In a rollback-journal mode writers wait until the dump is done.
** The option max_seconds bounds both.
**
** Cost. Reads every table once, no index. Memory: the largest row, and some MB.
**
** Limits. A damaged table is an SQL error that names it, never a part of it.
** Indexes are not read, so damage in one goes unseen (prod_health('full')
** looks). A row whose statement would be longer than SQLite reads (10^9 bytes)
** is an error. Not carried over, being no content: WAL mode, reserved bytes,
** and the rows of a sqlite_sequence that no AUTOINCREMENT table uses.
*/
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/feature.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/literal.h"
#include "../base/pace.h"
#include "../base/pin.h"
#include "../base/sql.h"
#include "../base/target.h"
#include "../format/bgzf.h"
#include "../prodkit.h"

#define BUFFER_BYTES (1 << 16)

/* SQLITE_MAX_SQL_LENGTH and SQLITE_MAX_LENGTH of a host as it comes. */
#define MOST_STATEMENT_BYTES 1000000000

typedef struct dump_options {
  char *schema;
  int overwrite;
  sqlite3_int64 threads;
  pk_pace_options pace;
} dump_options;

#define OPTION(field) offsetof(dump_options, field)

static const pk_option options[] = {
    {"schema", PK_TEXT, OPTION(schema),
     .summary = "the attached database to dump (main)"},
    {"overwrite", PK_BOOLEAN, OPTION(overwrite),
     .summary = "replace an existing file (false)"},
    {"threads", PK_INTEGER, OPTION(threads), .least = 0, .most = 64,
     .summary = "to compress with (0: one for each core)"},
    PK_PACE_OPTIONS(dump_options),
    {0}};

/* The first failure stays in *error; writing does nothing after it, so only
** loops and reads ask failed(). */
typedef struct dump {
  sqlite3 *db;
  pk_error *error;
  const char *path;
  const char *schema;
  int level; /* PK_PLAIN, or that of the compression */
  dump_options options;
  pk_file file;
  pk_pace pace;
  pk_bgzf_writer *writer; /* NULL: plain */
  sqlite3_stmt *pin;      /* holds the snapshot */
  pk_literals literals;
  bool has_autoincrement;
  bool edits_schema; /* writable_schema is on */
  sqlite3_int64 sql_bytes, tables, rows;
  size_t filled;
  char *buffer; /* BUFFER_BYTES */
} dump;

static bool failed(const dump *job) {
  return job->error->code != SQLITE_OK;
}

/* ---- writing ---- */

static int write_file(void *context, const void *data, size_t bytes,
                      pk_error *error) {
  dump *job = context;
  return pk_file_write(&job->file, data, bytes, error);
}

static void flush(dump *job) {
  if (failed(job)) return;
  int rc = job->writer ? pk_bgzf_write(job->writer, job->buffer, job->filled,
                                       job->error)
                       : write_file(job, job->buffer, job->filled, job->error);
  pk_file_begin_sync(&job->file);
  if (rc == SQLITE_OK)
    pk_pace_step(&job->pace, (sqlite3_int64)job->filled, job->error);
  job->filled = 0;
}

static void put_bytes(void *context, const char *data, size_t bytes) {
  dump *job = context;
  job->sql_bytes += (sqlite3_int64)bytes;
  while (bytes > 0 && !failed(job)) {
    size_t room = BUFFER_BYTES - job->filled;
    size_t part = bytes < room ? bytes : room;
    memcpy(job->buffer + job->filled, data, part);
    job->filled += part;
    data += part;
    bytes -= part;
    if (job->filled == BUFFER_BYTES) flush(job);
  }
}

static void put(dump *job, const char *text) {
  put_bytes(job, text, strlen(text));
}

static void put_format(dump *job, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *text = sqlite3_vmprintf(format, values);
  va_end(values);
  if (text)
    put(job, text);
  else
    pk_fail_memory(job->error);
  sqlite3_free(text);
}

/* ---- the rows of a table ---- */

/* What the rowid can be called, unless a column is called so. */
enum { ROWID_NAMES = 3 };
static const char *const rowid_names[ROWID_NAMES] = {"rowid", "_rowid_", "oid"};

typedef struct table {
  const char *name;
  const char *rowid; /* a name that the rowid can be called by, or NULL */
  char *columns;     /* '"a","b"': those that can be inserted into */
  char *key;         /* the first column of the primary key, or NULL */
  bool numbered;     /* rows have a rowid that is no column */
} table;

static void free_table(table *t) {
  sqlite3_free(t->columns);
  sqlite3_free(t->key);
}

static int note_column(table *t, sqlite3_stmt *info, sqlite3_str *columns,
                       bool taken[], pk_error *error) {
  const char *name = (const char *)sqlite3_column_text(info, 1);
  bool first_of_key = sqlite3_column_int(info, 5) == 1;
  bool generated = sqlite3_column_int(info, 6) != 0;
  if (!name) return pk_fail_memory(error);
  for (int i = 0; i < ROWID_NAMES; i++)
    if (sqlite3_stricmp(name, rowid_names[i]) == 0) taken[i] = true;
  if (!generated)
    sqlite3_str_appendf(columns, "%s\"%w\"",
                        sqlite3_str_length(columns) ? "," : "", name);
  if (!first_of_key) return SQLITE_OK;
  t->key = sqlite3_mprintf("%s", name);
  return t->key ? SQLITE_OK : pk_fail_memory(error);
}

/* The pragma as a statement: a table named pragma_table_xinfo would stand
** before the table-valued function. */
static int read_columns(const dump *job, table *t, pk_error *error) {
  bool taken[ROWID_NAMES] = {false};
  sqlite3_stmt *info;
  sqlite3_str *columns = sqlite3_str_new(NULL);
  int rc = pk_prepare(job->db, &info, error, "PRAGMA \"%w\".table_xinfo(%Q)",
                      job->schema, t->name);
  while (rc == SQLITE_OK && (rc = pk_step(info, error)) == SQLITE_ROW)
    rc = note_column(t, info, columns, taken, error);
  sqlite3_finalize(info);
  t->columns = sqlite3_str_finish(columns);
  for (int i = ROWID_NAMES - 1; i >= 0; i--)
    if (!taken[i]) t->rowid = rowid_names[i];
  if (rc != SQLITE_DONE) return rc;
  return t->columns ? SQLITE_OK : pk_fail_memory(error);
}

/* A primary key that is the rowid, and only such a one, has no index. */
static int has_key_index(const dump *job, const table *t, bool *found,
                         pk_error *error) {
  sqlite3_stmt *list;
  int rc = pk_prepare(job->db, &list, error, "PRAGMA \"%w\".index_list(%Q)",
                      job->schema, t->name);
  while (rc == SQLITE_OK && (rc = pk_step(list, error)) == SQLITE_ROW) {
    const char *origin = (const char *)sqlite3_column_text(list, 3);
    if (origin && strcmp(origin, "pk") == 0) *found = true;
    rc = SQLITE_OK;
  }
  sqlite3_finalize(list);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool has_column(const dump *job, const table *t, const char *column,
                       int *autoincrement) {
  return sqlite3_table_column_metadata(job->db, job->schema, t->name, column,
                                       NULL, NULL, NULL, NULL,
                                       autoincrement) == SQLITE_OK;
}

static int describe_table(dump *job, table *t, pk_error *error) {
  int autoincrement = 0;
  bool key_index = false;
  int rc = read_columns(job, t, error);
  if (rc == SQLITE_OK) rc = has_key_index(job, t, &key_index, error);
  if (rc != SQLITE_OK) return rc;
  if (t->rowid && !has_column(job, t, t->rowid, NULL))
    t->rowid = NULL; /* WITHOUT ROWID */
  t->numbered = t->rowid && (!t->key || key_index);
  if (t->key && has_column(job, t, t->key, &autoincrement) && autoincrement)
    job->has_autoincrement = true;
  return SQLITE_OK;
}

/* In rowid order, from the table itself: an index may differ from a damaged
** table, and the connection may have reverse_unordered_selects on. */
static int select_rows(dump *job, const table *t, sqlite3_stmt **row,
                       pk_error *error) {
  return pk_prepare(job->db, row, error,
                    "SELECT %s%s%s FROM \"%w\".\"%w\" NOT INDEXED%s%s",
                    t->numbered ? t->rowid : "", t->numbered ? "," : "",
                    t->columns, job->schema, t->name,
                    t->rowid ? " ORDER BY " : "", t->rowid ? t->rowid : "");
}

/* `next` is the rowid that loading would give the row by itself. */
static void put_row(dump *job, const table *t, sqlite3_stmt *row,
                    sqlite3_int64 next) {
  sqlite3_int64 began = job->sql_bytes;
  int column = t->numbered && sqlite3_column_int64(row, 0) == next;
  put_format(job, "INSERT INTO \"%w\"", t->name);
  if (t->numbered && column == 0)
    put_format(job, "(%s,%s)", t->rowid, t->columns);
  put(job, " VALUES(");
  for (int comma = 0; column < sqlite3_column_count(row); column++) {
    if (comma++) put(job, ",");
    pk_literal_value(&job->literals, row, column);
  }
  put(job, ");\n");
  job->rows++;
  if (job->sql_bytes - began > MOST_STATEMENT_BYTES)
    pk_fail(job->error, SQLITE_TOOBIG,
            "a row of table \"%s\" makes a statement of %lld bytes, more than "
            "SQLite reads back; use prod_backup_to for this database",
            t->name, job->sql_bytes - began);
}

static void put_rows(dump *job, const table *t, sqlite3_stmt *row) {
  sqlite3_uint64 next = 1;
  int rc = SQLITE_ROW;
  while (!failed(job) && (rc = sqlite3_step(row)) == SQLITE_ROW) {
    put_row(job, t, row, (sqlite3_int64)next);
    if (t->numbered) next = (sqlite3_uint64)sqlite3_column_int64(row, 0) + 1;
  }
  if (rc == SQLITE_INTERRUPT)
    pk_fail(job->error, rc, "interrupted");
  else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    pk_fail_db(job->error, job->db, "cannot read table \"%s\"", t->name);
}

static void put_content(dump *job, const char *name) {
  table t = {.name = name};
  pk_error cause = PK_NO_ERROR;
  sqlite3_stmt *row = NULL;
  int rc = describe_table(job, &t, &cause);
  if (rc == SQLITE_OK) rc = select_rows(job, &t, &row, &cause);
  if (rc == SQLITE_OK)
    put_rows(job, &t, row);
  else
    pk_fail(job->error, rc, "cannot read table \"%s\": %s", name,
            cause.message ? cause.message : "out of memory");
  pk_error_clear(&cause);
  sqlite3_finalize(row);
  free_table(&t);
}

/* ---- the schema ---- */

/* A row of sqlite_schema. */
typedef struct object {
  const char *type, *name, *sql;
} object;

typedef void (*visitor)(dump *job, const object *found);

/* Hands every object that meets the condition to `visit`, in the order in
** which they were made. */
static void each(dump *job, visitor visit, const char *condition) {
  if (failed(job)) return;
  sqlite3_stmt *list;
  pk_prepare(job->db, &list, job->error,
             "SELECT type, name, sql FROM \"%w\".sqlite_schema "
             "WHERE sql IS NOT NULL AND %s ORDER BY rowid",
             job->schema, condition);
  while (!failed(job) && pk_step(list, job->error) == SQLITE_ROW) {
    object found = {(const char *)sqlite3_column_text(list, 0),
                    (const char *)sqlite3_column_text(list, 1),
                    (const char *)sqlite3_column_text(list, 2)};
    if (found.type && found.name && found.sql)
      visit(job, &found);
    else
      pk_fail_memory(job->error);
  }
  sqlite3_finalize(list);
}

static bool is_complete(const char *sql, const char *end) {
  int (*complete)(const char *) = sqlite3_complete; /* NULL if left out */
  char *whole = sqlite3_mprintf("%s%s", sql, end);
  bool yes = whole && complete && complete(whole);
  sqlite3_free(whole);
  return yes;
}

/* A statement as it is stored may end within a comment. */
static const char *ending(const char *sql) {
  if (is_complete(sql, ";")) return ";";
  bool open = !is_complete(sql, "\n;") && is_complete(sql, "*/;");
  return open ? "*/;" : "\n;";
}

static void put_statement(dump *job, const char *sql) {
  put(job, sql);
  put(job, ending(sql));
  put(job, "\n");
}

static void put_object(dump *job, const object *found) {
  put_statement(job, found->sql);
}

static void put_table(dump *job, const object *found) {
  put_statement(job, found->sql);
  put_content(job, found->name);
  job->tables++;
}

/* sqlite_stat1 cannot be created but by ANALYZE, which of the schema table
** alone finds nothing to note. */
static void put_statistics(dump *job, const object *found) {
  put(job, "ANALYZE sqlite_master;\n");
  put_content(job, found->name);
}

/* It is there once a table with AUTOINCREMENT is, and has rows from loading. */
static void put_sequence(dump *job, const object *found) {
  if (!job->has_autoincrement) return;
  put_format(job, "DELETE FROM %s;\n", found->name);
  put_content(job, found->name);
}

static void edit_schema(dump *job) {
  if (!job->edits_schema) put(job, "PRAGMA writable_schema=ON;\n");
  job->edits_schema = true;
}

/* sqlite_stat4 and the like, which not every SQLite makes by itself. */
static void put_internal_table(dump *job, const object *found) {
  static const char create[] = "CREATE TABLE ";
  edit_schema(job);
  put(job, "CREATE TABLE IF NOT EXISTS ");
  put_statement(job, found->sql + strlen(create));
  put_content(job, found->name);
}

static void put_virtual_table(dump *job, const object *found) {
  edit_schema(job);
  put(job,
      "INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql) "
      "VALUES('table',");
  pk_literal_text(&job->literals, found->name);
  put(job, ",");
  pk_literal_text(&job->literals, found->name);
  put(job, ",0,");
  pk_literal_text(&job->literals, found->sql);
  put(job, ");\n");
  job->tables++;
}

/* Puts back what loading changes in a statement: the shell drops a CR before a
** LF, and a comment that was open at the end has been closed. */
static void put_back(dump *job, const object *found) {
  bool open_comment = *ending(found->sql) == '*';
  if (!open_comment && !strstr(found->sql, "\r\n")) return;
  edit_schema(job);
  put(job, "UPDATE sqlite_master SET sql=");
  pk_literal_text(&job->literals, found->sql);
  put_format(job, " WHERE type=%Q AND name=", found->type);
  pk_literal_text(&job->literals, found->name);
  put(job, ";\n");
}

/* ---- the whole text ---- */

/* A number that the file's header holds, where it is not the usual one. */
static void put_pragma(dump *job, const char *name, sqlite3_int64 usual) {
  sqlite3_int64 value = usual;
  if (failed(job)) return;
  pk_query_int64(job->db, &value, job->error, "PRAGMA \"%w\".%s", job->schema,
                 name);
  if (value != usual) put_format(job, "PRAGMA %s=%lld;\n", name, value);
}

static void put_all(dump *job) {
  if (strcmp(job->literals.encoding, "UTF-8") != 0)
    put_format(job, "PRAGMA encoding='%s';\n", job->literals.encoding);
  put_pragma(job, "page_size", 4096);
  put_pragma(job, "auto_vacuum", 0);
  put(job, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
  each(job, put_table,
       "type = 'table' AND rootpage <> 0 AND name NOT GLOB 'sqlite_*'");
  each(job, put_statistics, "name = 'sqlite_stat1'");
  each(job, put_sequence, "name = 'sqlite_sequence'");
  each(job, put_object, "type = 'index'");
  each(job, put_object, "type = 'view'");
  each(job, put_object, "type = 'trigger'");
  each(job, put_internal_table,
       "type = 'table' AND name GLOB 'sqlite_*' "
       "AND name NOT IN ('sqlite_stat1', 'sqlite_sequence')");
  each(job, put_virtual_table, "type = 'table' AND rootpage = 0");
  each(job, put_back, "(type <> 'table' OR rootpage <> 0)");
  if (job->edits_schema) put(job, "PRAGMA writable_schema=RESET;\n");
  put_pragma(job, "user_version", 0);
  put_pragma(job, "application_id", 0);
  put(job, "COMMIT;\n");
  flush(job);
}

/* ---- the function ---- */

static int read_arguments(dump *job, sqlite3_value **arguments,
                          pk_error *error) {
  int rc = pk_text_argument(arguments[0], "path", &job->path, error);
  if (rc == SQLITE_OK)
    rc = pk_compression_level(arguments[1], &job->level, error);
  if (rc == SQLITE_OK)
    rc = pk_options_read(job->db, arguments[2], options, &job->options, error);
  job->schema = job->options.schema ? job->options.schema : "main";
  return rc;
}

/* Begins the file and pins the state that goes into it. */
static int begin(dump *job, pk_error *error) {
  int rc = pk_target_check(job->db, job->path, error);
  if (rc == SQLITE_OK)
    rc = pk_file_create(&job->file, job->path, job->options.overwrite, error);
  if (rc == SQLITE_OK) rc = pk_pin(job->db, job->schema, &job->pin, error);
  if (rc == SQLITE_OK)
    rc = pk_literals_begin(&job->literals, job->db, put_bytes, job, error);
  if (rc != SQLITE_OK) return rc;
  job->buffer = sqlite3_malloc(BUFFER_BYTES);
  return job->buffer ? SQLITE_OK : pk_fail_memory(error);
}

static int begin_compressing(dump *job, pk_error *error) {
  pk_bgzf_metadata metadata = {.taken_at = pk_utc_seconds()};
  sqlite3_snprintf(sizeof metadata.source, metadata.source, "%s",
                   pk_schema_title(job->db, job->schema));
  sqlite3_snprintf(sizeof metadata.writer, metadata.writer, PRODKIT_VERSION);
  return pk_bgzf_create(&job->writer, &metadata, job->level,
                        (int)job->options.threads, write_file, job, error);
}

/* Ends the read transaction. */
static void release(dump *job) {
  pk_literals_end(&job->literals);
  sqlite3_finalize(job->pin);
  job->pin = NULL;
}

static int make_dump(dump *job, pk_error *error) {
  int rc = begin(job, error);
  if (rc == SQLITE_OK && job->level != PK_PLAIN)
    rc = begin_compressing(job, error);
  if (rc != SQLITE_OK) return rc;
  pk_pace_begin(&job->pace);
  put_all(job);
  pk_pace_end(&job->pace);
  release(job);
  if (failed(job)) return error->code;
  if (job->writer) rc = pk_bgzf_finish(job->writer, error);
  return rc == SQLITE_OK ? pk_file_publish(&job->file, error) : rc;
}

static int answer(const dump *job, double seconds, sqlite3_context *context) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "path", job->path);
  pk_json_text(&json, "schema", job->schema);
  pk_json_int64(&json, "bytes", job->file.bytes);
  pk_json_int64(&json, "sql_bytes", job->sql_bytes);
  pk_json_int64(&json, "tables", job->tables);
  pk_json_int64(&json, "rows", job->rows);
  pk_json_text(&json, "compression", job->level == PK_PLAIN ? "none" : "gzip");
  pk_json_double(&json, "seconds", seconds);
  return pk_json_result(&json, context);
}

static int dump_to(sqlite3_context *context, sqlite3_value **arguments,
                   pk_error *error) {
  double began = pk_seconds();
  dump job = {
      .db = sqlite3_context_db_handle(context), .error = error, .file.fd = -1};
  int rc = read_arguments(&job, arguments, error);
  job.pace = pk_pace_of(job.db, "dump", &job.options.pace);
  if (rc == SQLITE_OK) rc = make_dump(&job, error);
  if (rc == SQLITE_OK) rc = answer(&job, pk_seconds_since(began), context);
  release(&job);
  pk_bgzf_abandon(job.writer);
  pk_file_discard(&job.file);
  sqlite3_free(job.buffer);
  pk_options_free(options, &job.options);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_dump_to",
     .arguments = "path, compress, options",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "the database as SQL text that loads back to an equal one",
     .options = options,
     .call = dump_to},
    {0}};

const pk_feature pk_dump = {"dump", functions, NULL};
