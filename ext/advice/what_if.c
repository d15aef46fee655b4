/* what_if.c: see what_if.h. */
#include "what_if.h"

#include <stddef.h>
#include <string.h>

#include "../base/private.h"
#include "../base/sql.h"
#include "measure.h"

/* Whose text the copy is given, and so what its authorizer lets pass. */
enum { GUARD_OWN, GUARD_SCHEMA, GUARD_STATEMENT };

/* ---- a private connection ---- */

static int compare_bytes(void *context, int one_bytes, const void *one,
                         int other_bytes, const void *other) {
  int bytes = one_bytes < other_bytes ? one_bytes : other_bytes;
  int order = memcmp(one, other, (size_t)bytes);
  (void)context;
  return order ? order : one_bytes - other_bytes;
}

static void stand_in_collation(void *context, sqlite3 *db, int encoding,
                               const char *name) {
  (void)context, (void)encoding;
  sqlite3_create_collation(db, name, SQLITE_UTF8, NULL, compare_bytes);
}

void pk_what_if_prepare_connection(sqlite3 *db, sqlite3 *original,
                                   const char *schema) {
  sqlite3_collation_needed(db, NULL, stand_in_collation);
  int trusted = 0;
  sqlite3_db_config(original, SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &trusted);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_MAINDBNAME, schema);
}

int pk_what_if_connection(sqlite3 *original, const char *schema, sqlite3 **db,
                          pk_error *error) {
  int rc = pk_private_memory(original, db, error);
  if (rc != SQLITE_OK) return rc;
  pk_what_if_prepare_connection(*db, original, schema);
  return pk_run(*db, error, "PRAGMA temp_store = MEMORY");
}

static int authorize_schema(int action, const char *table) {
  switch (action) {
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_REINDEX:
    case SQLITE_FUNCTION:
    case SQLITE_READ:
      return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
      return sqlite3_strnicmp(table, "sqlite_", 7) == 0 ? SQLITE_OK
                                                        : SQLITE_DENY;
    default: /* SELECT too: CREATE TABLE ... AS would run it */
      return SQLITE_DENY;
  }
}

static int authorize_statement(pk_what_if *copy, int action) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      copy->is_query = true;
      return SQLITE_OK;
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    default: /* a PRAGMA takes effect while it is being prepared */
      copy->refused = true;
      return SQLITE_DENY;
  }
}

static int authorize(void *context, int action, const char *one,
                     const char *two, const char *schema, const char *inner) {
  pk_what_if *copy = context;
  (void)two, (void)schema, (void)inner;
  switch (copy->guard) {
    case GUARD_SCHEMA:
      return authorize_schema(action, one);
    case GUARD_STATEMENT:
      return authorize_statement(copy, action);
    default:
      return SQLITE_OK;
  }
}

/* ---- copying the schema ---- */

static void leave_out(pk_what_if *copy, const char *name, const char *why) {
  sqlite3_str_appendf(copy->left_out, "%s%s: %s",
                      sqlite3_str_length(copy->left_out) ? "; " : "", name,
                      why);
}

/* Runs a CREATE statement of the schema; what fails is left out, unless it
** fails for want of memory. */
static int copy_object(pk_what_if *copy, const char *name, const char *sql,
                       pk_error *error) {
  sqlite3_stmt *statement = NULL;
  const char *rest = "";
  copy->guard = GUARD_SCHEMA;
  int rc = sqlite3_prepare_v2(copy->db, sql, -1, &statement, &rest);
  if (rc == SQLITE_OK && *rest == 0) rc = sqlite3_step(statement);
  if (rc == SQLITE_OK)
    leave_out(copy, name, "not one CREATE statement");
  else if (rc != SQLITE_DONE)
    leave_out(copy, name, sqlite3_errmsg(copy->db));
  copy->incomplete |= rc != SQLITE_DONE;
  sqlite3_finalize(statement);
  copy->guard = GUARD_OWN;
  return rc == SQLITE_NOMEM ? pk_fail_memory(error) : SQLITE_OK;
}

static int copy_objects(pk_what_if *copy, const char *type, pk_error *error) {
  sqlite3_stmt *object;
  int rc = pk_prepare(copy->original, &object, error,
                      "SELECT name, sql, rootpage FROM \"%w\".sqlite_schema "
                      "WHERE type = %Q AND sql IS NOT NULL "
                      "AND name NOT LIKE 'sqlite\\_%%' ESCAPE '\\' "
                      "ORDER BY rowid",
                      copy->schema, type);
  if (rc != SQLITE_OK) return rc;
  bool is_table = strcmp(type, "table") == 0;
  while (rc == SQLITE_OK && (rc = pk_step(object, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(object, 0);
    const char *sql = (const char *)sqlite3_column_text(object, 1);
    rc = SQLITE_OK;
    if (!name || !sql)
      rc = pk_fail_memory(error);
    else if (is_table && sqlite3_column_int64(object, 2) == 0)
      leave_out(copy, name, "virtual table");
    else
      rc = copy_object(copy, name, sql, error);
  }
  sqlite3_finalize(object);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- the tables of the copy ---- */

static int describe_column(pk_what_if *copy, pk_copied_table *table,
                           const char *name, bool only_key_column,
                           pk_error *error) {
  const char *type, *collation;
  int not_null, is_key, autoincrement;
  if (sqlite3_table_column_metadata(copy->db, "main", table->name, name, &type,
                                    &collation, &not_null, &is_key,
                                    &autoincrement) != SQLITE_OK)
    return pk_fail_db(error, copy->db, "cannot describe %s.%s", table->name,
                      name);
  if (!type) type = "";
  pk_copied_column *column = &table->columns[table->column_count++];
  *column =
      (pk_copied_column){.name = sqlite3_mprintf("%s", name),
                         .type = sqlite3_mprintf("%s", type),
                         .collation = sqlite3_mprintf("%s", collation),
                         .not_null = not_null,
                         .is_rowid = is_key && only_key_column &&
                                     sqlite3_stricmp(type, "INTEGER") == 0};
  return column->name && column->type && column->collation
             ? SQLITE_OK
             : pk_fail_memory(error);
}

static int describe_columns(pk_what_if *copy, pk_copied_table *table,
                            pk_error *error) {
  sqlite3_stmt *column;
  int rc = pk_prepare(copy->db, &column, error,
                      "SELECT x.name, s.all_columns, s.key_columns "
                      "FROM pragma_table_xinfo(%Q) x, "
                      "(SELECT count(*) AS all_columns, "
                      "sum(pk > 0) AS key_columns "
                      "FROM pragma_table_xinfo(%Q)) s ORDER BY x.cid",
                      table->name, table->name);
  while (rc == SQLITE_OK && (rc = pk_step(column, error)) == SQLITE_ROW) {
    if (!table->columns)
      table->columns =
          sqlite3_malloc64((sqlite3_uint64)sqlite3_column_int64(column, 1) *
                           sizeof *table->columns);
    if (!table->columns)
      rc = pk_fail_memory(error);
    else
      rc = describe_column(copy, table,
                           (const char *)sqlite3_column_text(column, 0),
                           sqlite3_column_int(column, 2) == 1, error);
  }
  sqlite3_finalize(column);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int describe_tables(pk_what_if *copy, pk_error *error) {
  sqlite3_stmt *found;
  int rc = pk_prepare(copy->db, &found, error,
                      "SELECT name, (SELECT count(*) FROM sqlite_schema) "
                      "FROM sqlite_schema WHERE type = 'table' "
                      "AND name NOT LIKE 'sqlite\\_%%' ESCAPE '\\'");
  while (rc == SQLITE_OK && (rc = pk_step(found, error)) == SQLITE_ROW) {
    if (!copy->tables)
      copy->tables =
          sqlite3_malloc64((sqlite3_uint64)sqlite3_column_int64(found, 1) *
                           sizeof *copy->tables);
    if (!copy->tables) {
      rc = pk_fail_memory(error);
      break;
    }
    pk_copied_table *table = &copy->tables[copy->table_count];
    *table = (pk_copied_table){
        .name = sqlite3_mprintf("%s", sqlite3_column_text(found, 0)),
        .stat_rows = -1};
    copy->table_count++;
    rc = table->name ? describe_columns(copy, table, error)
                     : pk_fail_memory(error);
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

const pk_copied_table *pk_what_if_table(const pk_what_if *copy,
                                        const char *name) {
  for (int i = 0; name && i < copy->table_count; i++)
    if (sqlite3_stricmp(copy->tables[i].name, name) == 0)
      return &copy->tables[i];
  return NULL;
}

int pk_insertable_columns(sqlite3 *db, const char *table, char **columns,
                          char **marks, pk_error *error) {
  static const char list[] =
      "SELECT group_concat(%s) FROM pragma_table_xinfo(%Q) WHERE hidden = 0";
  int rc = pk_query_text(db, columns, error, list,
                         "'\"' || replace(name, '\"', '\"\"') || '\"'", table);
  if (rc == SQLITE_OK) rc = pk_query_text(db, marks, error, list, "'?'", table);
  return rc;
}

int pk_insert_row(sqlite3_stmt *insert, sqlite3_stmt *row, pk_error *error) {
  int count = sqlite3_bind_parameter_count(insert), rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < count; i++)
    rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
  if (rc != SQLITE_OK) return pk_fail_sql(error, rc, sqlite3_db_handle(insert));
  rc = pk_step(insert, error);
  sqlite3_reset(insert);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- statistics ---- */

int pk_what_if_has_statistics(const pk_what_if *copy, bool *has,
                              pk_error *error) {
  sqlite3_int64 found = 0;
  int rc = pk_query_int64(copy->original, &found, error,
                          "SELECT 1 FROM \"%w\".sqlite_schema "
                          "WHERE name = 'sqlite_stat1'",
                          copy->schema);
  *has = found;
  return rc;
}

/* The first number of a sqlite_stat1 text is the number of rows. */
static int read_stat_rows(pk_what_if *copy, pk_error *error) {
  sqlite3_stmt *stat;
  int rc = pk_prepare(copy->original, &stat, error,
                      "SELECT tbl, max(CAST(stat AS INTEGER)) "
                      "FROM \"%w\".sqlite_stat1 GROUP BY tbl",
                      copy->schema);
  while (rc == SQLITE_OK && (rc = pk_step(stat, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stat, 0);
    pk_copied_table *table = (pk_copied_table *)pk_what_if_table(copy, name);
    if (table) table->stat_rows = sqlite3_column_int64(stat, 1);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(stat);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool pk_table_is_stale(const pk_copied_table *table) {
  if (table->stat_rows < 0) return false;
  return table->stat_rows > table->rows * 10 + 10 ||
         table->rows > table->stat_rows * 10 + 10;
}

static int insert_stat(pk_what_if *copy, const char *table, const char *index,
                       const char *stat, pk_error *error) {
  return pk_run(copy->db, error, "INSERT INTO sqlite_stat1 VALUES(%Q, %Q, %Q)",
                table, index, stat);
}

/* The rows of sqlite_stat1 for tables whose size they know. */
static int copy_statistics(pk_what_if *copy, pk_error *error) {
  sqlite3_stmt *stat;
  int rc = pk_prepare(copy->original, &stat, error,
                      "SELECT tbl, idx, stat FROM \"%w\".sqlite_stat1 "
                      "WHERE idx IS NOT NULL",
                      copy->schema);
  while (rc == SQLITE_OK && (rc = pk_step(stat, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stat, 0);
    const pk_copied_table *table = pk_what_if_table(copy, name);
    rc = SQLITE_OK;
    if (table && !pk_table_is_stale(table))
      rc = insert_stat(copy, name, (const char *)sqlite3_column_text(stat, 1),
                       (const char *)sqlite3_column_text(stat, 2), error);
  }
  sqlite3_finalize(stat);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int measure_table(pk_what_if *copy, pk_copied_table *table,
                         pk_error *error) {
  char rows[24];
  pk_error cause = PK_NO_ERROR;
  int rc = pk_measure_rows(copy->original, copy->schema, table->name,
                           table->column_count, table->stat_rows, &table->rows,
                           &table->rows_exact, &cause);
  if (rc != SQLITE_OK)
    pk_fail(error, rc, "cannot count the rows of %s: %s", table->name,
            cause.message ? cause.message : sqlite3_errstr(rc));
  pk_error_clear(&cause);
  if (rc != SQLITE_OK) return rc;
  sqlite3_snprintf(sizeof rows, rows, "%lld", table->rows);
  return insert_stat(copy, table->name, NULL, rows, error);
}

/* ANALYZE of the schema table reads no rows: at first it makes sqlite_stat1,
** then it has the planner read what was written there. */
static int give_statistics(pk_what_if *copy, pk_error *error) {
  bool has;
  int rc = pk_what_if_has_statistics(copy, &has, error);
  if (rc == SQLITE_OK && has) rc = read_stat_rows(copy, error);
  if (rc == SQLITE_OK) rc = pk_run(copy->db, error, "ANALYZE sqlite_schema");
  for (int i = 0; rc == SQLITE_OK && i < copy->table_count; i++)
    rc = measure_table(copy, &copy->tables[i], error);
  if (rc == SQLITE_OK && has) rc = copy_statistics(copy, error);
  if (rc == SQLITE_OK) rc = pk_run(copy->db, error, "ANALYZE sqlite_schema");
  return rc;
}

/* ---- the copy as a whole ---- */

static int open_copy(pk_what_if *copy, pk_error *error) {
  static const char *const types[] = {"table", "index", "view", "trigger"};
  int rc =
      pk_what_if_connection(copy->original, copy->schema, &copy->db, error);
  if (rc != SQLITE_OK) return rc;
  if (!PK_HOST_HAS(sqlite3_set_authorizer))
    return pk_fail(error, SQLITE_ERROR,
                   "this host's SQLite was built without the authorizer that "
                   "guards the private copy of the schema");
  sqlite3_set_authorizer(copy->db, authorize, copy);
  for (int i = 0; rc == SQLITE_OK && i < 4; i++)
    rc = copy_objects(copy, types[i], error);
  if (rc == SQLITE_OK) rc = describe_tables(copy, error);
  if (rc == SQLITE_OK) rc = give_statistics(copy, error);
  return rc;
}

int pk_what_if_open(pk_what_if **out, sqlite3 *db, const char *schema,
                    pk_error *error) {
  pk_what_if *copy = *out = sqlite3_malloc(sizeof *copy);
  if (!copy) return pk_fail_memory(error);
  *copy = (pk_what_if){
      .original = db, .schema = schema, .left_out = sqlite3_str_new(NULL)};
  return open_copy(copy, error);
}

static void free_table(pk_copied_table *table) {
  for (int i = 0; i < table->column_count; i++) {
    sqlite3_free(table->columns[i].name);
    sqlite3_free(table->columns[i].type);
    sqlite3_free(table->columns[i].collation);
  }
  sqlite3_free(table->columns);
  sqlite3_free(table->name);
}

void pk_what_if_close(pk_what_if *copy) {
  if (!copy) return;
  for (int i = 0; i < copy->table_count; i++) free_table(&copy->tables[i]);
  sqlite3_free(copy->tables);
  sqlite3_free(sqlite3_str_finish(copy->left_out));
  sqlite3_close(copy->db);
  sqlite3_free(copy);
}

const char *pk_what_if_left_out(const pk_what_if *copy) {
  return sqlite3_str_length(copy->left_out) ? sqlite3_str_value(copy->left_out)
                                            : NULL;
}

/* ---- statements ---- */

static const char no_query[] =
    "advice is given on SELECT, INSERT, UPDATE and DELETE, not on this";

static int explain_failure(pk_what_if *copy, pk_error *error) {
  const char *message = sqlite3_errmsg(copy->db);
  const char *left_out = pk_what_if_left_out(copy);
  if (copy->refused) return pk_fail(error, SQLITE_ERROR, "%s", no_query);
  if (strncmp(message, "no such function", 16) == 0)
    return pk_fail(error, SQLITE_ERROR,
                   "%s (a function that the application adds is not known to "
                   "the private copy of the schema)",
                   message);
  if (strncmp(message, "no such", 7) == 0 && left_out)
    return pk_fail(error, SQLITE_ERROR,
                   "%s (the private copy of %s could not take in %s)", message,
                   copy->schema, left_out);
  return pk_fail(error, SQLITE_ERROR, "%s", message);
}

int pk_what_if_check(pk_what_if *copy, const char *sql, bool *empty,
                     bool *writes, pk_error *error) {
  sqlite3_stmt *statement = NULL;
  copy->is_query = copy->refused = false;
  copy->guard = GUARD_STATEMENT;
  int rc = sqlite3_prepare_v2(copy->db, sql, -1, &statement, NULL);
  copy->guard = GUARD_OWN;
  *empty = rc == SQLITE_OK && !statement;
  *writes = statement && !sqlite3_stmt_readonly(statement);
  if (rc == SQLITE_NOMEM)
    rc = pk_fail_memory(error);
  else if (rc != SQLITE_OK)
    rc = explain_failure(copy, error);
  else if (statement && sqlite3_stmt_isexplain(statement))
    rc = pk_fail(error, SQLITE_ERROR, "give the statement without EXPLAIN");
  else if (statement && !copy->is_query)
    rc = pk_fail(error, SQLITE_ERROR, "%s", no_query);
  sqlite3_finalize(statement);
  return rc;
}

static int prepare_plan(pk_what_if *copy, sqlite3_stmt **plan,
                        const char *explain, const char *sql, pk_error *error) {
  copy->guard = GUARD_STATEMENT;
  int rc = pk_prepare(copy->db, plan, error, "%s %s", explain, sql);
  copy->guard = GUARD_OWN;
  return rc;
}

/* The search of a min() or max() reads the whole table unless it uses an
** index. */
static bool is_scan(const char *detail) {
  return strncmp(detail, "SCAN", 4) == 0 ||
         (strncmp(detail, "SEARCH", 6) == 0 && !strstr(detail, " USING "));
}

static int read_query_plan(pk_what_if *copy, const char *sql, pk_plan *plan,
                           pk_error *error) {
  sqlite3_stmt *line;
  int rc = prepare_plan(copy, &line, "EXPLAIN QUERY PLAN", sql, error);
  if (rc != SQLITE_OK) return rc;
  sqlite3_str *text = sqlite3_str_new(NULL);
  while ((rc = pk_step(line, error)) == SQLITE_ROW) {
    const char *detail = (const char *)sqlite3_column_text(line, 3);
    if (!detail) continue;
    plan->scans += is_scan(detail);
    plan->automatic_indexes += strstr(detail, " AUTOMATIC ") != NULL;
    plan->temp_btrees += strncmp(detail, "USE TEMP B-TREE", 15) == 0;
    sqlite3_str_appendf(text, "%s\n", detail);
  }
  sqlite3_finalize(line);
  if (sqlite3_str_errcode(text) != SQLITE_OK) rc = pk_fail_memory(error);
  plan->text = sqlite3_str_finish(text);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The table to which a b-tree of the copy belongs. */
static const pk_copied_table *table_of_root(pk_what_if *copy,
                                            sqlite3_int64 root,
                                            pk_error *error) {
  char *name = NULL;
  pk_query_text(copy->db, &name, error,
                "SELECT tbl_name FROM sqlite_schema WHERE rootpage = %lld",
                root);
  const pk_copied_table *table = pk_what_if_table(copy, name);
  sqlite3_free(name);
  return table;
}

static void add_scan(pk_plan *plan, const pk_copied_table *table) {
  plan->scanned_rows += table->rows;
  if (plan->scanned_count < PK_MOST_SCANS)
    plan->scanned[plan->scanned_count++] = table;
}

/*
** EXPLAIN QUERY PLAN names a scanned table by its alias; the program itself
** has its root page. A cursor that is opened on a b-tree of the schema and set
** to its first or last entry goes through all of it.
*/
static int read_program(pk_what_if *copy, const char *sql, pk_plan *plan,
                        pk_error *error) {
  enum { MOST_CURSORS = 512 };
  sqlite3_int64 root_of[MOST_CURSORS] = {0};
  sqlite3_stmt *step;
  int rc = prepare_plan(copy, &step, "EXPLAIN", sql, error);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(step, error)) == SQLITE_ROW) {
    const char *opcode = (const char *)sqlite3_column_text(step, 1);
    int cursor = sqlite3_column_int(step, 2);
    if (!opcode || cursor < 0 || cursor >= MOST_CURSORS) continue;
    if (strcmp(opcode, "OpenRead") == 0 || strcmp(opcode, "OpenWrite") == 0 ||
        strcmp(opcode, "ReopenIdx") == 0) {
      root_of[cursor] = sqlite3_column_int64(step, 3);
    } else if (strncmp(opcode, "Open", 4) == 0) {
      root_of[cursor] = 0;
    } else if ((strcmp(opcode, "Rewind") == 0 || strcmp(opcode, "Last") == 0) &&
               root_of[cursor]) {
      const pk_copied_table *table =
          table_of_root(copy, root_of[cursor], error);
      if (table) add_scan(plan, table);
    }
  }
  sqlite3_finalize(step);
  return rc == SQLITE_DONE ? error->code : rc;
}

int pk_what_if_plan(pk_what_if *copy, const char *sql, pk_plan *plan,
                    pk_error *error) {
  *plan = (pk_plan){0};
  int rc = read_query_plan(copy, sql, plan, error);
  if (rc == SQLITE_OK && !plan->text) plan->text = sqlite3_mprintf("");
  if (rc == SQLITE_OK && !plan->text) rc = pk_fail_memory(error);
  if (rc == SQLITE_OK) rc = read_program(copy, sql, plan, error);
  return rc;
}

void pk_plan_free(pk_plan *plan) {
  sqlite3_free(plan->text);
  *plan = (pk_plan){0};
}

int pk_plan_compare(const pk_plan *one, const pk_plan *other) {
  if (one->scanned_rows != other->scanned_rows)
    return one->scanned_rows < other->scanned_rows ? -1 : 1;
  return (one->scans + one->automatic_indexes + one->temp_btrees) -
         (other->scans + other->automatic_indexes + other->temp_btrees);
}

bool pk_plan_uses(const pk_plan *plan, const char *index) {
  size_t bytes = strlen(index);
  const char *found = plan->text;
  while ((found = strstr(found, " INDEX "))) {
    found += 7;
    if (strncmp(found, index, bytes) == 0 &&
        (found[bytes] == ' ' || found[bytes] == '\n'))
      return true;
  }
  return false;
}

bool pk_plan_scans(const pk_plan *plan, const pk_copied_table *table) {
  for (int i = 0; i < plan->scanned_count; i++)
    if (plan->scanned[i] == table) return true;
  return false;
}
