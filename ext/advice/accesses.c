/* accesses.c: see accesses.h. */
#include "accesses.h"

#include <stddef.h>

#include "../base/sql.h"

/* Since SQLite 3.38; never seen before. */
#ifndef SQLITE_INDEX_CONSTRAINT_LIMIT
#define SQLITE_INDEX_CONSTRAINT_LIMIT 73
#endif

typedef struct shadow_vtab {
  sqlite3_vtab base;
  pk_shadow *shadow;
  const pk_copied_table *table;
} shadow_vtab;

/* ---- recording ---- */

static bool same_access(const pk_access *one, const pk_access *other) {
  if (one->table != other->table || one->term_count != other->term_count ||
      one->order_count != other->order_count ||
      one->limited != other->limited || one->columns != other->columns)
    return false;
  for (int i = 0; i < one->term_count; i++)
    if (one->terms[i].column != other->terms[i].column ||
        one->terms[i].use != other->terms[i].use ||
        sqlite3_stricmp(one->terms[i].collation, other->terms[i].collation))
      return false;
  for (int i = 0; i < one->order_count; i++)
    if (one->order[i].column != other->order[i].column ||
        one->order[i].descending != other->order[i].descending)
      return false;
  return true;
}

static void record(pk_shadow *shadow, const pk_access *access) {
  pk_accesses *found = shadow->found;
  for (int i = 0; i < found->count; i++)
    if (same_access(&found->items[i], access)) return;
  pk_access *items = sqlite3_realloc64(
      found->items, ((sqlite3_uint64)found->count + 1) * sizeof *items);
  if (!items) {
    shadow->out_of_memory = true;
    return;
  }
  items[found->count++] = *access;
  found->items = items;
}

/* IN arrives as an equality; newer hosts tell which. */
static bool is_in(sqlite3_index_info *info, int constraint) {
#if SQLITE_VERSION_NUMBER >= 3038000
  if (sqlite3_libversion_number() >= 3038000)
    return sqlite3_vtab_in(info, constraint, -1);
#endif
  (void)info, (void)constraint;
  return false;
}

/* Can an index help with this operator, and how? */
static bool use_of(sqlite3_index_info *info, int constraint, pk_use *use) {
  switch (info->aConstraint[constraint].op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      *use = is_in(info, constraint) ? PK_IN : PK_EQUAL;
      return true;
    case SQLITE_INDEX_CONSTRAINT_IS:
    case SQLITE_INDEX_CONSTRAINT_ISNULL:
      *use = PK_EQUAL;
      return true;
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
    case SQLITE_INDEX_CONSTRAINT_LIKE:
    case SQLITE_INDEX_CONSTRAINT_GLOB:
      *use = PK_RANGE;
      return true;
    default:
      return false;
  }
}

/* LIKE is compared without case, GLOB with it, whatever the column says. */
static const char *collation_of(sqlite3_index_info *info, int constraint) {
  switch (info->aConstraint[constraint].op) {
    case SQLITE_INDEX_CONSTRAINT_LIKE:
      return "NOCASE";
    case SQLITE_INDEX_CONSTRAINT_GLOB:
      return "BINARY";
    default:
      return sqlite3_vtab_collation(info, constraint);
  }
}

static void add_term(pk_access *access, pk_term term) {
  for (int i = 0; i < access->term_count; i++)
    if (access->terms[i].column == term.column &&
        access->terms[i].use == term.use)
      return;
  if (access->term_count < PK_MOST_TERMS)
    access->terms[access->term_count++] = term;
}

static bool is_rowid(const pk_copied_table *table, int column) {
  return column < 0 || table->columns[column].is_rowid;
}

/* False for an access by rowid, which needs no index. */
static bool read_conditions(sqlite3_index_info *info, pk_access *access) {
  for (int i = 0; i < info->nConstraint; i++) {
    pk_term term = {.column = info->aConstraint[i].iColumn};
    if (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_LIMIT) {
      access->limited = true;
      continue;
    }
    if (!info->aConstraint[i].usable || !use_of(info, i, &term.use)) continue;
    if (!is_rowid(access->table, term.column)) {
      term.collation = collation_of(info, i);
      add_term(access, term);
    } else if (term.use != PK_RANGE) {
      return false;
    }
  }
  return true;
}

/* An index ends with the rowid: what is to be sorted after it needs no
** column. */
static void read_order(const sqlite3_index_info *info, pk_access *access) {
  for (int i = 0; i < info->nOrderBy; i++) {
    int column = info->aOrderBy[i].iColumn;
    if (is_rowid(access->table, column)) return;
    if (access->order_count == PK_MOST_TERMS) return;
    access->order[access->order_count++] =
        (pk_order){column, info->aOrderBy[i].desc};
  }
}

/* Conditions are answered as by an index on all of them, so that the planner
** goes on to ask for the joins in which they are of use. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  shadow_vtab *vtab = (shadow_vtab *)base;
  pk_access access = {.table = vtab->table, .columns = info->colUsed};
  int used = 0;
  for (int i = 0; i < info->nConstraint; i++) {
    pk_use use;
    if (info->aConstraint[i].usable && use_of(info, i, &use))
      info->aConstraintUsage[i].argvIndex = ++used;
  }
  if (vtab->shadow->found && read_conditions(info, &access)) {
    read_order(info, &access);
    record(vtab->shadow, &access);
  }
  info->estimatedCost = 1000000.0 / (used + 1);
  info->estimatedRows = used ? 10 : 1000000;
  return SQLITE_OK;
}

/* ---- the virtual tables ---- */

static char *declaration(const pk_copied_table *table) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "CREATE TABLE x(");
  for (int i = 0; i < table->column_count; i++) {
    const pk_copied_column *column = &table->columns[i];
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", column->name);
    if (*column->type) sqlite3_str_appendf(sql, " \"%w\"", column->type);
    if (column->not_null) sqlite3_str_appendall(sql, " NOT NULL");
    sqlite3_str_appendf(sql, " COLLATE \"%w\"", column->collation);
  }
  sqlite3_str_appendchar(sql, 1, ')');
  return sqlite3_str_finish(sql);
}

/* Views of the schema read these tables, and a schema that is not trusted may
** do so only where they are innocuous. */
static int shadow_connect(sqlite3 *db, void *context, int argc,
                          const char *const *argv, sqlite3_vtab **out,
                          char **message) {
  pk_shadow *shadow = context;
  (void)argc, (void)message;
  const pk_copied_table *table = pk_what_if_table(shadow->copy, argv[2]);
  char *sql = table ? declaration(table) : NULL;
  if (!sql) return SQLITE_NOMEM;
  int rc = sqlite3_declare_vtab(db, sql);
  sqlite3_free(sql);
  if (rc != SQLITE_OK) return rc;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  shadow_vtab *vtab = sqlite3_malloc(sizeof *vtab);
  if (!vtab) return SQLITE_NOMEM;
  *vtab = (shadow_vtab){.shadow = shadow, .table = table};
  *out = &vtab->base;
  return SQLITE_OK;
}

static int shadow_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/* A table without xUpdate refuses DELETE and UPDATE when they are prepared. */
static int shadow_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
                         sqlite3_int64 *rowid) {
  (void)vtab, (void)argc, (void)argv, (void)rowid;
  return SQLITE_READONLY;
}

/* Statements are prepared and not run: the methods of a cursor are not
** needed. */
static const sqlite3_module module = {
    .iVersion = 1,
    .xCreate = shadow_connect,
    .xConnect = shadow_connect,
    .xBestIndex = best_index,
    .xDisconnect = shadow_disconnect,
    .xDestroy = shadow_disconnect,
    .xUpdate = shadow_update,
};

/* ---- the shadow as a whole ---- */

/* Views as the copy took them in. One that does not come across is missed by
** the statements that read it, and they say so. */
static int create_views(pk_shadow *shadow, pk_error *error) {
  sqlite3_stmt *view;
  int rc = pk_prepare(shadow->copy->db, &view, error,
                      "SELECT sql FROM sqlite_schema WHERE type = 'view'");
  while (rc == SQLITE_OK && (rc = pk_step(view, error)) == SQLITE_ROW) {
    const char *sql = (const char *)sqlite3_column_text(view, 0);
    rc = sql ? SQLITE_OK : pk_fail_memory(error);
    if (sql) sqlite3_exec(shadow->db, sql, NULL, NULL, NULL);
  }
  sqlite3_finalize(view);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pk_shadow_open(pk_shadow *shadow, const pk_what_if *copy, pk_error *error) {
  *shadow = (pk_shadow){.copy = copy};
  int rc =
      pk_what_if_connection(copy->original, copy->schema, &shadow->db, error);
  if (rc == SQLITE_OK && sqlite3_create_module(shadow->db, "pk_shadow", &module,
                                               shadow) != SQLITE_OK)
    rc = pk_fail_db(error, shadow->db, "cannot read statements");
  for (int i = 0; rc == SQLITE_OK && i < copy->table_count; i++)
    rc =
        pk_run(shadow->db, error, "CREATE VIRTUAL TABLE \"%w\" USING pk_shadow",
               copy->tables[i].name);
  if (rc == SQLITE_OK) rc = create_views(shadow, error);
  return rc;
}

void pk_shadow_close(pk_shadow *shadow) {
  sqlite3_close(shadow->db);
  shadow->db = NULL;
}

int pk_accesses_find(pk_shadow *shadow, const char *sql, pk_accesses *found,
                     pk_error *error) {
  sqlite3_stmt *statement;
  *found = (pk_accesses){0};
  shadow->found = found;
  int rc = pk_prepare(shadow->db, &statement, error, "%s", sql);
  shadow->found = NULL;
  sqlite3_finalize(statement);
  if (shadow->out_of_memory) rc = pk_fail_memory(error);
  return rc;
}

void pk_accesses_free(pk_accesses *found) {
  sqlite3_free(found->items);
  *found = (pk_accesses){0};
}
