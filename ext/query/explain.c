/*
** explain.c: the query plan of a statement, with what to look for marked.
**
**     SELECT detail, table_name, full_scan FROM prod_explain(
**       'SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id');
**
** amounts to
**
**     CREATE TABLE prod_explain(
**       id INTEGER, parent INTEGER, detail TEXT, table_name TEXT,
**       index_name TEXT, full_scan INTEGER, temp_btree INTEGER,
**       auto_index INTEGER, covering INTEGER,
**       sql HIDDEN);
**
** one row for each row of EXPLAIN QUERY PLAN, in its order. The statement is
** compiled on the connection that asks, with its schemas, functions and
** statistics, and is never run.
**
** How it works. The text of EXPLAIN QUERY PLAN is for people: it changed in
** 3.36, and it shows the alias, not the table. What a loop really reads stands
** in the bytecode (EXPLAIN): the loop begins with an opcode that positions a
** cursor, the cursor was opened on a root page, and sqlite_schema tells whose
** root page that is.
**
**     id  EXPLAIN QUERY PLAN                            addr  EXPLAIN
**                                                          2  OpenRead 0 3
**                                                          3  OpenRead 1 2
**      4  SCAN o                                           4  Rewind 0
**      6  SEARCH c USING INTEGER PRIMARY KEY (rowid=?)     5  Column 0 1
**                                                          6  SeekRowid 1
**
** The two programs are one, but for an Explain opcode at the address `id` of
** each row of the plan, so that the k-th row (from 0) stands at id - k in the
** other. The opcodes used here have had their names and operands since before
** 3.34 (https://sqlite.org/opcode.html). Where a loop is not found so, its
** table is NULL rather than guessed.
**
** Locking: none beyond that of compiling and of reading sqlite_schema. Cost:
** two compilations, and one reading of sqlite_schema for each loop. Limits:
** loops over virtual tables have no root page, so that their table_name is
** NULL; what triggers do is not in a query plan.
*/
#include <string.h>

#include "../base/array.h"
#include "../base/feature.h"
#include "../base/sql.h"
#include "../base/token.h"
#include "plan.h"

/* What an opcode does, as far as it matters here. */
typedef enum opcode_role {
  NOTHING,
  OPENS_BTREE,      /* cursor p1 on root page p2 of database p3 */
  REOPENS_BTREE,    /* the same, by a branch of an OR */
  OPENS_AUTO_INDEX, /* cursor p1; the loop that fills it comes next */
  POSITIONS,        /* cursor p1: a loop begins */
  COUNTS,           /* cursor p1: count(*) without a loop */
  RESUMES,          /* a loop begins over what a subquery yields */
} opcode_role;

static const struct {
  const char *name;
  opcode_role role;
} opcodes[] = {
    {"OpenRead", OPENS_BTREE},    {"OpenWrite", OPENS_BTREE},
    {"ReopenIdx", REOPENS_BTREE}, {"OpenAutoindex", OPENS_AUTO_INDEX},
    {"Rewind", POSITIONS},        {"Last", POSITIONS},
    {"SeekGE", POSITIONS},        {"SeekGT", POSITIONS},
    {"SeekLE", POSITIONS},        {"SeekLT", POSITIONS},
    {"SeekRowid", POSITIONS},     {"NotExists", POSITIONS},
    {"VFilter", POSITIONS},       {"Count", COUNTS},
    {"Yield", RESUMES},
};

typedef struct opcode {
  opcode_role role;
  int p1, p2, p3;
} opcode;

/* A row of EXPLAIN QUERY PLAN. */
typedef struct plan_step {
  int id, parent;
  int place; /* of its code in the program */
  char *detail;
} plan_step;

typedef struct query_plan {
  plan_step *steps;
  int step_count;
  opcode *program;
  int length;
} query_plan;

/* ---- the statement ---- */

/* Where the first token stands that is no semicolon; "" if there is none. */
static const char *first_token(const char *sql) {
  pk_token token;
  do sql = pk_token_next(sql, &token);
  while (sql && pk_token_is(&token, ";"));
  return sql ? token.text : "";
}

/* Compiles "EXPLAIN QUERY PLAN <sql>" or "EXPLAIN <sql>". */
static int compile(sqlite3 *db, const char *explain, const char *sql,
                   sqlite3_stmt **statement, pk_error *error) {
  const char *rest = NULL;
  *statement = NULL;
  char *whole = sqlite3_mprintf("%s %s", explain, sql);
  if (!whole) return pk_fail_memory(error);
  int rc = sqlite3_prepare_v2(db, whole, -1, statement, &rest);
  if (rc != SQLITE_OK)
    rc = pk_fail(error, rc, "%s", sqlite3_errmsg(db));
  else if (*(rest = first_token(rest)))
    rc = pk_fail(error, SQLITE_ERROR,
                 "sql holds more than one statement; leave out \"%!.60s\"",
                 rest);
  if (rc != SQLITE_OK) {
    sqlite3_finalize(*statement);
    *statement = NULL;
  }
  sqlite3_free(whole);
  return rc;
}

/* ---- the plan ---- */

static bool begins_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int read_steps(query_plan *plan, sqlite3_stmt *row, pk_error *error) {
  int rc;
  while ((rc = pk_step(row, error)) == SQLITE_ROW) {
    plan_step *steps =
        pk_array_room(plan->steps, plan->step_count, sizeof *steps);
    if (!steps) return pk_fail_memory(error);
    plan->steps = steps;
    plan_step *step = &steps[plan->step_count++];
    *step = (plan_step){
        .id = sqlite3_column_int(row, 0),
        .parent = sqlite3_column_int(row, 1),
        .place = sqlite3_column_int(row, 0) - (plan->step_count - 1),
        .detail = sqlite3_mprintf("%s", sqlite3_column_text(row, 3))};
    if (!step->detail) return pk_fail_memory(error);
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static opcode_role role_of(const char *name) {
  for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
    if (strcmp(opcodes[i].name, name) == 0) return opcodes[i].role;
  return NOTHING;
}

/* Hosts built for debugging keep the Explain opcodes in both programs. */
static int read_program(query_plan *plan, sqlite3_stmt *row, pk_error *error) {
  int rc;
  while ((rc = pk_step(row, error)) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(row, 1);
    if (!name) return pk_fail_memory(error);
    if (strcmp(name, "Explain") == 0) continue;
    bool is_trigger = plan->length > 0 && sqlite3_column_int(row, 0) == 0;
    if (is_trigger) return SQLITE_OK;
    opcode *program =
        pk_array_room(plan->program, plan->length, sizeof *program);
    if (!program) return pk_fail_memory(error);
    plan->program = program;
    program[plan->length++] = (opcode){.role = role_of(name),
                                       .p1 = sqlite3_column_int(row, 2),
                                       .p2 = sqlite3_column_int(row, 3),
                                       .p3 = sqlite3_column_int(row, 4)};
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_plan(query_plan *plan, sqlite3 *db, const char *sql,
                     pk_error *error) {
  sqlite3_stmt *row;
  int rc = compile(db, "EXPLAIN QUERY PLAN", sql, &row, error);
  if (rc == SQLITE_OK) rc = read_steps(plan, row, error);
  sqlite3_finalize(row);
  if (rc != SQLITE_OK) return rc;
  rc = compile(db, "EXPLAIN", sql, &row, error);
  if (rc == SQLITE_OK) rc = read_program(plan, row, error);
  sqlite3_finalize(row);
  return rc;
}

static void free_plan(query_plan *plan) {
  for (int i = 0; i < plan->step_count; i++)
    sqlite3_free(plan->steps[i].detail);
  sqlite3_free(plan->steps);
  sqlite3_free(plan->program);
}

/* ---- from a loop to what it reads ---- */

static opcode_role role_at(const query_plan *plan, int place) {
  bool is_inside = place >= 0 && place < plan->length;
  return is_inside ? plan->program[place].role : NOTHING;
}

/* The opcode that opened the cursor which program[at] positions; NULL for a
** cursor on anything but a b-tree of the schema or an automatic index. */
static const opcode *opener(const query_plan *plan, int at) {
  for (int i = at - 1; i >= 0; i--) {
    const opcode *opened = &plan->program[i];
    if (opened->p1 != plan->program[at].p1) continue;
    if (opened->role == OPENS_BTREE || opened->role == REOPENS_BTREE ||
        opened->role == OPENS_AUTO_INDEX)
      return opened;
  }
  return NULL;
}

/* What the first loop from program[begin] on, and before program[end],
** reads. */
static const opcode *first_loop(const query_plan *plan, int begin, int end) {
  for (int i = begin; i < end; i++) {
    opcode_role role = role_at(plan, i);
    if (role == POSITIONS) return opener(plan, i);
    if (role == RESUMES || role == OPENS_AUTO_INDEX) return NULL;
  }
  return NULL;
}

/* A SCAN positions its cursor before anything else is coded, so that nothing
** from the next step on belongs to it. A count(*) of a whole table is told of
** after it was coded (OpenRead, Count, Close). */
static const opcode *scanned(const query_plan *plan, const plan_step *scan) {
  bool is_last = scan + 1 == plan->steps + plan->step_count;
  int end = is_last ? plan->length : scan[1].place;
  if (role_at(plan, scan->place - 2) == COUNTS)
    return opener(plan, scan->place - 2);
  return first_loop(plan, scan->place, end);
}

static const plan_step *parent_of(const query_plan *plan,
                                  const plan_step *child) {
  for (const plan_step *step = plan->steps; step < child; step++)
    if (step->id == child->parent) return step;
  return NULL;
}

/* The step "INDEX n" that a branch of an OR stands under; NULL for others. */
static const plan_step *branch_of(const query_plan *plan,
                                  const plan_step *search) {
  const plan_step *parent = parent_of(plan, search);
  return parent && begins_with(parent->detail, "INDEX ") ? parent : NULL;
}

/* A SEARCH may run a subquery for its key before it positions its own cursor.
** The subquery opens its cursors then, the SEARCH had opened its before. A
** branch of an OR is told of after it was coded: its code begins where "INDEX
** n" stands, and there it opens its index again. */
static const opcode *searched(const query_plan *plan, const plan_step *search) {
  const plan_step *branch = branch_of(plan, search);
  int begin = branch ? branch->place : search->place;
  for (int i = begin; i < plan->length; i++) {
    if (role_at(plan, i) != POSITIONS) continue;
    const opcode *opened = opener(plan, i);
    if (!opened) continue;
    if (opened < plan->program + begin ||
        (branch && opened->role == REOPENS_BTREE))
      return opened;
  }
  return NULL;
}

/* An IN (SELECT ...) that looks into a table or index as it lies there opens
** it right behind the step or, by rowid, right before. */
static const opcode *looked_into(const query_plan *plan,
                                 const plan_step *step) {
  bool by_rowid = begins_with(step->detail, "USING ROWID SEARCH ");
  int place = step->place - by_rowid;
  return role_at(plan, place) == OPENS_BTREE ? &plan->program[place] : NULL;
}

/* The opcode that opened what a step reads; NULL where it reads no b-tree. A
** SEARCH without a key, for min() or max(), is coded like a SCAN. */
static const opcode *opened_for(const query_plan *plan, const plan_step *step) {
  const char *detail = step->detail;
  if (begins_with(detail, "SEARCH ") && strstr(detail, " USING "))
    return searched(plan, step);
  if (begins_with(detail, "SCAN ") || begins_with(detail, "SEARCH "))
    return scanned(plan, step);
  if (ends_with(detail, " FOR IN-OPERATOR")) return looked_into(plan, step);
  return NULL;
}

/* An automatic index stands for the table that it is filled from. */
static const opcode *filled_from(const query_plan *plan,
                                 const opcode *automatic) {
  int place = (int)(automatic - plan->program);
  return first_loop(plan, place + 1, plan->length);
}

/* ---- the rows ---- */

/* The columns table_name and index_name. */
static int name_columns(pk_rows *rows, sqlite3 *db, const opcode *opened,
                        pk_error *error) {
  sqlite3_stmt *object = NULL;
  char *schema = NULL;
  int rc = pk_query_text(db, &schema, error,
                         "SELECT name FROM pragma_database_list WHERE seq = %d",
                         opened->p3);
  if (rc == SQLITE_OK)
    rc = pk_prepare(db, &object, error,
                    "SELECT tbl_name, CASE type WHEN 'index' THEN name END "
                    "FROM \"%w\".sqlite_schema WHERE rootpage = %d "
                    "UNION ALL SELECT 'sqlite_schema', NULL WHERE %d = 1",
                    schema, opened->p2, opened->p2);
  if (rc == SQLITE_OK) rc = pk_step(object, error);
  if (rc == SQLITE_ROW) {
    pk_row_text(rows, (const char *)sqlite3_column_text(object, 0));
    pk_row_text(rows, (const char *)sqlite3_column_text(object, 1));
  } else if (rc == SQLITE_DONE) {
    pk_row_null(rows);
    pk_row_null(rows);
  }
  sqlite3_finalize(object);
  sqlite3_free(schema);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* "USE TEMP B-TREE FOR ORDER BY", "UNION USING TEMP B-TREE" */
static bool sorts(const char *detail) {
  return begins_with(detail, "USE TEMP B-TREE ") ||
         ends_with(detail, " USING TEMP B-TREE");
}

static int step_row(pk_rows *rows, sqlite3 *db, const query_plan *plan,
                    const plan_step *step, pk_error *error) {
  const opcode *opened = opened_for(plan, step);
  bool automatic = opened && opened->role == OPENS_AUTO_INDEX;
  const opcode *source = automatic ? filled_from(plan, opened) : opened;
  int rc = SQLITE_OK;
  pk_row(rows);
  pk_row_int64(rows, step->id);
  pk_row_int64(rows, step->parent);
  pk_row_text(rows, step->detail);
  if (source) {
    rc = name_columns(rows, db, source, error);
  } else {
    pk_row_null(rows);
    pk_row_null(rows);
  }
  pk_row_int64(rows, opened && begins_with(step->detail, "SCAN "));
  pk_row_int64(rows, !opened && sorts(step->detail));
  pk_row_int64(rows, automatic);
  pk_row_int64(rows, opened && strstr(step->detail, " COVERING INDEX "));
  return rc;
}

static int explain(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                   pk_error *error) {
  query_plan plan = {0};
  const char *sql;
  int rc = pk_text_argument(arguments[0], "sql", &sql, error);
  if (rc != SQLITE_OK) return rc;
  sql = first_token(sql);
  if (*sql == 0) return pk_fail(error, SQLITE_ERROR, "sql holds no statement");
  if (!pk_has_plan(sql))
    return pk_fail(error, SQLITE_ERROR,
                   "cannot explain \"%!.60s\": give one SELECT, VALUES, WITH, "
                   "INSERT, REPLACE, UPDATE or DELETE statement",
                   sql);
  rc = read_plan(&plan, db, sql, error);
  for (int i = 0; i < plan.step_count && rc == SQLITE_OK; i++)
    rc = step_row(rows, db, &plan, &plan.steps[i], error);
  free_plan(&plan);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_explain",
     .columns = "id INTEGER, parent INTEGER, detail TEXT, table_name TEXT, "
                "index_name TEXT, full_scan INTEGER, temp_btree INTEGER, "
                "auto_index INTEGER, covering INTEGER",
     .arguments = "sql",
     .required = 1,
     .flags = SQLITE_DIRECTONLY,
     .summary = "the query plan of a statement, with full scans, temporary "
                "b-trees and automatic indexes marked",
     .produce = explain},
    {0}};

const pk_feature pk_explain = {"explain", NULL, tables};
