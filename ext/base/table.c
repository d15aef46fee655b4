/* table.c: see table.h. */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

typedef struct cell {
  int type; /* SQLITE_INTEGER, _FLOAT, _TEXT or _NULL */
  union {
    sqlite3_int64 integer;
    double real;
    char *text;
  } as;
} cell;

struct pk_rows {
  cell *cells; /* row after row, `width` each */
  int width;
  sqlite3_int64 count, capacity; /* in rows */
  int next;                      /* the column to be filled next */
  const char *columns;           /* their declaration */
  sqlite3_uint64 wanted; /* a bit for each that is read; 63 and on: one */
  bool out_of_memory;
  pk_stream stream; /* all NULL where the rows are complete */
};

typedef struct table_vtab {
  sqlite3_vtab base;
  sqlite3 *db;
  const pk_table *table;
  int width; /* columns a user sees; the parameters follow */
} table_vtab;

typedef struct table_cursor {
  sqlite3_vtab_cursor base;
  sqlite3_value *arguments[PK_MOST_ARGUMENTS]; /* NULL where not given */
  pk_rows rows;
  sqlite3_int64 row;    /* within rows */
  sqlite3_int64 passed; /* rows of the stream before those */
} table_cursor;

/* ---- rows ---- */

static bool grow(pk_rows *rows) {
  sqlite3_int64 capacity = rows->capacity ? rows->capacity * 2 : 16;
  cell *cells = sqlite3_realloc64(
      rows->cells, (sqlite3_uint64)(capacity * rows->width) * sizeof *cells);
  if (!cells) return false;
  rows->cells = cells;
  rows->capacity = capacity;
  return true;
}

static void forget_rows(pk_rows *rows) {
  for (sqlite3_int64 i = 0; i < rows->count * rows->width; i++)
    if (rows->cells[i].type == SQLITE_TEXT)
      sqlite3_free(rows->cells[i].as.text);
  rows->count = 0;
}

static void free_rows(pk_rows *rows) {
  forget_rows(rows);
  sqlite3_free(rows->cells);
  if (rows->stream.close) rows->stream.close(rows->stream.state);
  *rows = (pk_rows){.width = rows->width, .columns = rows->columns};
}

void pk_rows_stream(pk_rows *rows, const pk_stream *stream) {
  rows->stream = *stream;
}

void pk_row(pk_rows *rows) {
  if (rows->count == rows->capacity && !grow(rows)) {
    rows->out_of_memory = true;
    return;
  }
  cell *row = rows->cells + rows->count * rows->width;
  for (int i = 0; i < rows->width; i++) row[i] = (cell){.type = SQLITE_NULL};
  rows->count++;
  rows->next = 0;
}

static void fill(pk_rows *rows, cell value) {
  if (rows->out_of_memory) return;
  assert(rows->next < rows->width);
  rows->cells[(rows->count - 1) * rows->width + rows->next++] = value;
}

void pk_row_take(pk_rows *rows, char *text) {
  if (!text) rows->out_of_memory = true;
  if (rows->out_of_memory)
    sqlite3_free(text);
  else
    fill(rows, (cell){.type = SQLITE_TEXT, .as.text = text});
}

void pk_row_text(pk_rows *rows, const char *text) {
  if (text)
    pk_row_take(rows, sqlite3_mprintf("%s", text));
  else
    pk_row_null(rows);
}

void pk_row_format(pk_rows *rows, const char *format, ...) {
  va_list values;
  va_start(values, format);
  pk_row_take(rows, sqlite3_vmprintf(format, values));
  va_end(values);
}

void pk_row_int64(pk_rows *rows, sqlite3_int64 value) {
  fill(rows, (cell){.type = SQLITE_INTEGER, .as.integer = value});
}

void pk_row_double(pk_rows *rows, double value) {
  fill(rows, (cell){.type = SQLITE_FLOAT, .as.real = value});
}

void pk_row_null(pk_rows *rows) {
  fill(rows, (cell){.type = SQLITE_NULL});
}

/* Columns are declared as "name TEXT, pages INTEGER". */
bool pk_row_wanted(const pk_rows *rows, const char *column) {
  size_t bytes = strlen(column);
  const char *declared = rows->columns;
  for (int i = 0; *declared; i++) {
    if (strncmp(declared, column, bytes) == 0 && strchr(" ,", declared[bytes]))
      return rows->wanted >> (i < 63 ? i : 63) & 1;
    declared += strcspn(declared, ",");
    declared += strspn(declared, ", ");
  }
  assert(!"a column of the table");
  return true;
}

/* ---- the virtual table ---- */

/* CREATE TABLE x(name TEXT, ..., schema HIDDEN, tier HIDDEN) */
static char *declaration(const pk_table *table) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "CREATE TABLE x(%s", table->columns);
  const char *argument = table->arguments;
  while (*argument) {
    size_t bytes = strcspn(argument, ",");
    sqlite3_str_appendf(sql, ", %.*s HIDDEN", (int)bytes, argument);
    argument += bytes;
    argument += strspn(argument, ", ");
  }
  sqlite3_str_appendchar(sql, 1, ')');
  return sqlite3_str_finish(sql);
}

static int table_connect(sqlite3 *db, void *description, int argc,
                         const char *const *argv, sqlite3_vtab **out,
                         char **message) {
  const pk_table *table = description;
  (void)argc, (void)argv, (void)message;
  char *sql = declaration(table);
  if (!sql) return SQLITE_NOMEM;
  int rc = sqlite3_declare_vtab(db, sql);
  sqlite3_free(sql);
  if (rc != SQLITE_OK) return rc;
  if (table->flags & SQLITE_DIRECTONLY)
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if (table->flags & SQLITE_INNOCUOUS)
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  table_vtab *vtab = sqlite3_malloc(sizeof *vtab);
  if (!vtab) return SQLITE_NOMEM;
  *vtab = (table_vtab){
      .db = db, .table = table, .width = pk_argument_count(table->columns)};
  *out = &vtab->base;
  return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/*
** idxNum is the set of parameters that are given: bit i for the i-th. Their
** values are handed to xFilter in ascending order. idxStr is the set of columns
** that are read, colUsed as a number in hexadecimal. A plan in which a
** parameter is bound to a table further in is refused, so that the planner
** finds the join order in which its value is known.
*/
static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  const table_vtab *vtab = (const table_vtab *)base;
  int constraint_of[PK_MOST_ARGUMENTS];
  info->idxNum = 0;
  for (int i = 0; i < info->nConstraint; i++) {
    int argument = info->aConstraint[i].iColumn - vtab->width;
    if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
      continue;
    if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
    info->idxNum |= 1 << argument;
    constraint_of[argument] = i;
  }
  int place = 0;
  for (int argument = 0; argument < PK_MOST_ARGUMENTS; argument++) {
    if (!(info->idxNum & 1 << argument)) continue;
    int i = constraint_of[argument];
    info->aConstraintUsage[i].argvIndex = ++place;
    info->aConstraintUsage[i].omit = 1;
  }
  info->idxStr = sqlite3_mprintf("%llx", info->colUsed);
  if (!info->idxStr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  info->estimatedCost = 1000;
  info->estimatedRows = 100;
  return SQLITE_OK;
}

static int table_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  table_cursor *cursor = sqlite3_malloc(sizeof *cursor);
  if (!cursor) return SQLITE_NOMEM;
  const table_vtab *of = (const table_vtab *)vtab;
  *cursor = (table_cursor){
      .rows = {.width = of->width, .columns = of->table->columns}};
  *out = &cursor->base;
  return SQLITE_OK;
}

static void reset(table_cursor *cursor) {
  free_rows(&cursor->rows);
  for (int i = 0; i < PK_MOST_ARGUMENTS; i++) {
    sqlite3_value_free(cursor->arguments[i]);
    cursor->arguments[i] = NULL;
  }
  cursor->row = cursor->passed = 0;
}

static int table_close(sqlite3_vtab_cursor *cursor) {
  reset((table_cursor *)cursor);
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int take_arguments(table_cursor *cursor, int given, sqlite3_value **argv,
                          pk_error *error) {
  int place = 0;
  for (int i = 0; i < PK_MOST_ARGUMENTS; i++) {
    if (!(given & 1 << i)) continue;
    sqlite3_value *value = argv[place++];
    if (sqlite3_value_type(value) == SQLITE_NULL) continue;
    cursor->arguments[i] = sqlite3_value_dup(value);
    if (!cursor->arguments[i]) return pk_fail_memory(error);
  }
  return SQLITE_OK;
}

/* Makes the next rows of a stream, when those before them have been read. */
static int refill(table_cursor *cursor, pk_error *error) {
  pk_rows *rows = &cursor->rows;
  if (cursor->row < rows->count || !rows->stream.more) return SQLITE_OK;
  cursor->passed += rows->count;
  cursor->row = 0;
  forget_rows(rows);
  int rc = rows->stream.more(rows, rows->stream.state, error);
  if (rc == SQLITE_OK && rows->out_of_memory) rc = pk_fail_memory(error);
  return rc;
}

static int make_rows(const table_vtab *vtab, table_cursor *cursor,
                     pk_error *error) {
  const pk_table *table = vtab->table;
  int rc = pk_require(cursor->arguments, table->name, table->arguments,
                      table->required, error);
  if (rc != SQLITE_OK) return rc;
  rc = table->produce(&cursor->rows, vtab->db, cursor->arguments, error);
  if (rc == SQLITE_OK && cursor->rows.out_of_memory) rc = pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = refill(cursor, error);
  return rc;
}

/* Hands a failure to SQLite: its sentence and its code. */
static int failed(sqlite3_vtab *base, pk_error *error) {
  int rc = pk_error_code(error->code);
  sqlite3_free(base->zErrMsg);
  base->zErrMsg = pk_error_message(error, ((table_vtab *)base)->table->name);
  if (error->message && !base->zErrMsg) rc = SQLITE_NOMEM;
  pk_error_clear(error);
  return rc;
}

static int table_filter(sqlite3_vtab_cursor *base, int given,
                        const char *columns, int argc, sqlite3_value **argv) {
  table_cursor *cursor = (table_cursor *)base;
  table_vtab *vtab = (table_vtab *)base->pVtab;
  pk_error error = PK_NO_ERROR;
  (void)argc;
  reset(cursor);
  cursor->rows.wanted = strtoull(columns, NULL, 16);
  int rc = take_arguments(cursor, given, argv, &error);
  if (rc == SQLITE_OK) rc = make_rows(vtab, cursor, &error);
  return rc == SQLITE_OK ? rc : failed(base->pVtab, &error);
}

static int table_next(sqlite3_vtab_cursor *base) {
  table_cursor *cursor = (table_cursor *)base;
  pk_error error = PK_NO_ERROR;
  cursor->row++;
  int rc = refill(cursor, &error);
  return rc == SQLITE_OK ? rc : failed(base->pVtab, &error);
}

static int table_eof(sqlite3_vtab_cursor *base) {
  const table_cursor *cursor = (const table_cursor *)base;
  return cursor->row >= cursor->rows.count;
}

static int table_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                        int column) {
  const table_cursor *cursor = (const table_cursor *)base;
  int width = cursor->rows.width;
  if (column >= width) {
    sqlite3_value *argument = cursor->arguments[column - width];
    if (argument) sqlite3_result_value(context, argument);
    return SQLITE_OK;
  }
  const cell *value = &cursor->rows.cells[cursor->row * width + column];
  switch (value->type) {
    case SQLITE_INTEGER:
      sqlite3_result_int64(context, value->as.integer);
      break;
    case SQLITE_FLOAT:
      sqlite3_result_double(context, value->as.real);
      break;
    case SQLITE_TEXT:
      sqlite3_result_text(context, value->as.text, -1, SQLITE_TRANSIENT);
      break;
    default:
      break; /* NULL is what a result is when nothing is set */
  }
  return SQLITE_OK;
}

static int table_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  const table_cursor *cursor = (const table_cursor *)base;
  *rowid = cursor->passed + cursor->row + 1;
  return SQLITE_OK;
}

/* Without xCreate the table is eponymous-only: it is there, and cannot be
** created under another name. */
static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xOpen = table_open,
    .xClose = table_close,
    .xFilter = table_filter,
    .xNext = table_next,
    .xEof = table_eof,
    .xColumn = table_column,
    .xRowid = table_rowid,
};

int pk_table_register(sqlite3 *db, const pk_table *table) {
  return sqlite3_create_module_v2(db, table->name, &module, (void *)table,
                                  NULL);
}
