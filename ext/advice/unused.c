/*
** unused.c: existing indexes that no statement of a whole workload uses.
**
** Typed statements are not all that runs; captured ones, and those of a table
** or file, are taken for it. An index is used where a plan names it or a
** program opens it: in the private copy of the schema, before and with the
** advice, in a trigger, or on the application's own connection, which may know
** more of the data than the copy (prod_explain). One that would serve in place
** of a superfluous index which is used is used too.
**
** Never called unused are a unique, partial or expression index, that of a
** constraint, one that begins with a column of a foreign key, and any index of
** a table that has few rows, is not touched by the workload, or may be read by
** a statement that could not be looked at. With a proof the workload is also
** planned without the index, and run where that gives another plan.
*/
#include <string.h>

#include "../base/array.h"
#include "../base/sql.h"
#include "../base/token.h"
#include "advice.h"
#include "insert_cost.h"

/* ---- what the statements open ---- */

/* What a program opens, those of its triggers included. To write into an index
** is not to use it. */
static int note_program(pk_what_if *copy, const char *sql, int statement,
                        pk_error *error) {
  sqlite3_stmt *step;
  int rc = pk_prepare(copy->db, &step, error, "EXPLAIN %s", sql);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(step, error)) == SQLITE_ROW) {
    const char *opcode = (const char *)sqlite3_column_text(step, 1);
    if (!opcode || sqlite3_column_int(step, 4) != 0) continue; /* not main */
    bool reads =
        strcmp(opcode, "OpenRead") == 0 || strcmp(opcode, "ReopenIdx") == 0;
    if (!reads && strcmp(opcode, "OpenWrite") != 0) continue;
    rc = pk_run(copy->db, error,
                "INSERT INTO temp.prodkit_opened SELECT %d, tbl_name, name, %d "
                "FROM main.sqlite_schema WHERE rootpage = %lld",
                statement, reads, sqlite3_column_int64(step, 3));
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(step);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What cannot be explained there is known from the copy only. */
static int note_own_plan(pk_what_if *copy, const char *sql, int statement,
                         pk_error *error) {
  sqlite3_stmt *line;
  pk_error unknown = PK_NO_ERROR;
  int rc = pk_prepare(copy->original, &line, &unknown,
                      "SELECT table_name, index_name FROM prod_explain(%Q) "
                      "WHERE index_name IS NOT NULL",
                      sql);
  while (rc == SQLITE_OK && (rc = pk_step(line, &unknown)) == SQLITE_ROW)
    rc = pk_run(copy->db, error,
                "INSERT INTO temp.prodkit_opened VALUES(%d, %Q, %Q, 1)",
                statement, sqlite3_column_text(line, 0),
                sqlite3_column_text(line, 1));
  sqlite3_finalize(line);
  if (unknown.code == SQLITE_NOMEM) pk_fail_memory(error);
  pk_error_clear(&unknown);
  return error->code;
}

int pk_note_uses(pk_review *all, pk_error *error) {
  pk_what_if *copy = all->copy;
  if (!all->workload->whole) return SQLITE_OK;
  int rc =
      pk_run(copy->db, error,
             "CREATE TEMP TABLE prodkit_opened(statement, table_name, name, "
             "is_read)");
  for (int i = 0; rc == SQLITE_OK && i < all->workload->count; i++) {
    const pk_statement *one = &all->workload->items[i];
    if (one->left_out) continue;
    if (pk_interrupted(copy->original))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    rc = note_program(copy, one->sql, i, error);
    if (rc == SQLITE_OK) rc = note_own_plan(copy, one->sql, i, error);
  }
  return rc;
}

/* ---- is an index used? ---- */

static bool is_planned(const pk_workload *workload, const char *index) {
  for (int i = 0; i < workload->count; i++) {
    const pk_statement *one = &workload->items[i];
    if (one->before.text && pk_plan_uses(&one->before, index)) return true;
    if (one->after.text && pk_plan_uses(&one->after, index)) return true;
  }
  return false;
}

/* It, or a superfluous one for which it would stand in. */
static int is_used(pk_review *all, const char *index, bool *used,
                   pk_error *error) {
  sqlite3_stmt *name;
  int rc =
      pk_prepare(all->copy->db, &name, error,
                 "SELECT index_name, EXISTS (SELECT 1 FROM temp.prodkit_opened "
                 " WHERE name = index_name COLLATE NOCASE AND is_read) "
                 "FROM temp.prodkit_listed WHERE %Q IN (index_name, served_by)",
                 index);
  if (rc != SQLITE_OK) return rc;
  *used = false;
  while (!*used && pk_step(name, error) == SQLITE_ROW)
    *used =
        sqlite3_column_int(name, 1) ||
        is_planned(all->workload, (const char *)sqlite3_column_text(name, 0));
  sqlite3_finalize(name);
  return error->code;
}

/* A statement that could not be planned, and that may read the table: it names
** the table, or a view, or a table that has a trigger. -1 for none. */
static int find_unknown(pk_review *all, const char *table, int *number,
                        pk_error *error) {
  sqlite3_stmt *name;
  int rc =
      pk_prepare(all->copy->original, &name, error,
                 "SELECT %Q UNION SELECT iif(type = 'view', name, tbl_name)"
                 " FROM \"%w\".sqlite_schema "
                 "WHERE type IN ('view', 'trigger')",
                 table, all->copy->schema);
  if (rc != SQLITE_OK) return rc;
  *number = -1;
  while (*number < 0 && pk_step(name, error) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(name, 0);
    for (int i = 0; text && *number < 0 && i < all->workload->count; i++)
      if (!all->workload->items[i].before.text &&
          pk_token_mentions(all->workload->items[i].sql, text))
        *number = i;
  }
  sqlite3_finalize(name);
  return error->code;
}

/* ---- the unused ones ---- */

/* Takes over what `made` holds. */
static int add_unused(pk_review *all, pk_candidate made, pk_error *error) {
  pk_candidate *items =
      pk_array_room(all->unused.items, all->unused.count, sizeof *items);
  if (items) {
    all->unused.items = items;
    items[all->unused.count++] = made;
  }
  bool whole = items && made.name && made.ddl;
  if (!items) pk_candidate_free(&made);
  return whole ? SQLITE_OK : pk_fail_memory(error);
}

/* `found` is a row of `droppable`. */
static int review_index(pk_review *all, sqlite3_stmt *found, pk_error *error) {
  const char *name = (const char *)sqlite3_column_text(found, 1);
  const pk_copied_table *table =
      pk_what_if_table(all->copy, (const char *)sqlite3_column_text(found, 0));
  bool used, spared = true;
  if (!table || table->rows < PK_FEW_ROWS) return SQLITE_OK;
  int rc = is_used(all, name, &used, error);
  if (rc != SQLITE_OK || used) return rc;
  if (all->selection.evidence && !all->selection.late)
    rc = pk_select_spares(&all->selection, name, &spared, error);
  if (rc != SQLITE_OK || !spared) return rc;
  return add_unused(all,
                    (pk_candidate){.table = table,
                                   .name = sqlite3_mprintf("%s", name),
                                   .ddl = sqlite3_mprintf(
                                       "%s", sqlite3_column_text(found, 2)),
                                   .queries = sqlite3_column_int(found, 3)},
                    error);
}

/* The superfluous ones are told as such. */
static const char droppable[] =
    "SELECT l.table_name, l.index_name, l.ddl, count(DISTINCT o.statement)"
    " FROM temp.prodkit_listed l"
    " JOIN temp.prodkit_opened o ON o.table_name = l.table_name COLLATE NOCASE"
    " WHERE l.is_droppable AND NOT l.begins_with_foreign_key"
    "  AND l.served_by IS NULL AND NOT l.is_settled"
    " GROUP BY l.table_name, l.index_name";

int pk_find_unused(pk_review *all, pk_error *error) {
  sqlite3_stmt *found;
  if (!all->workload->whole) return SQLITE_OK;
  int rc = pk_prepare(all->copy->db, &found, error, "%s", droppable);
  if (rc != SQLITE_OK) return rc;
  while ((rc = pk_step(found, error)) == SQLITE_ROW) {
    rc = review_index(all, found, error);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(found);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Inserting without an index, by inserting with it. */
static int measure_index(pk_review *all, pk_candidate *index, pk_error *error) {
  pk_proof *proof = &all->proof;
  double with = 0, without = 0;
  int rc = pk_proof_bring_back(proof, index->name, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(proof, error);
  if (rc == SQLITE_OK)
    rc = pk_insert_seconds(proof, index->table, &with, error);
  if (rc == SQLITE_OK) rc = pk_proof_put_aside(proof, index->name, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(proof, error);
  if (rc == SQLITE_OK)
    rc = pk_insert_seconds(proof, index->table, &without, error);
  if (rc == SQLITE_OK && with > 0) index->write_cost_ratio = without / with;
  return rc;
}

int pk_measure_unused(pk_review *all, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->unused.count; i++)
    if (!pk_proof_is_late(&all->proof))
      rc = measure_index(all, &all->unused.items[i], error);
  return rc;
}

/* ---- the rows ---- */

/* Why an index that seems to be unused is not to be dropped; NULL for
** nothing. */
static int find_doubt(pk_review *all, const pk_candidate *index, char **doubt,
                      pk_error *error) {
  int number;
  *doubt = NULL;
  int rc = find_unknown(all, index->table->name, &number, error);
  if (rc != SQLITE_OK) return rc;
  if (number >= 0)
    *doubt = sqlite3_mprintf("statement %d was left out",
                             all->workload->items[number].number);
  else if (all->workload->shortened)
    *doubt = sqlite3_mprintf("%s", all->workload->shortened);
  else if (all->selection.late)
    *doubt = sqlite3_mprintf("max_seconds were over");
  else
    return SQLITE_OK;
  return *doubt ? SQLITE_OK : pk_fail_memory(error);
}

static int report_doubt(pk_advice_rows *out, const pk_candidate *index,
                        const char *doubt, pk_error *error) {
  char *reason =
      sqlite3_mprintf("%s seems not to be used; that is not certain, as %s",
                      index->name, doubt);
  if (!reason) return pk_fail_memory(error);
  pk_advise(out, &(pk_advice){.action = "skipped",
                              .table = index->table->name,
                              .before_ms = -1,
                              .reason = reason});
  sqlite3_free(reason);
  return SQLITE_OK;
}

static int count_planned(const pk_workload *workload) {
  int count = 0;
  for (int i = 0; i < workload->count; i++)
    count += workload->items[i].before.text != NULL;
  return count;
}

static int report_drop(pk_advice_rows *out, const pk_review *all,
                       pk_candidate *index, const char *verified,
                       pk_error *error) {
  char *reason = sqlite3_mprintf(
      "%s is not used by any of the %,d %s, of which %,d touch%s %s",
      index->name, count_planned(all->workload), all->workload->whole,
      index->queries, index->queries == 1 ? "es" : "", index->table->name);
  int rc = pk_advise_drop(
      out, all->copy, index,
      (pk_advice){.kind = "unused",
                  .write_cost_ratio = index->write_cost_ratio,
                  .verified = verified,
                  .reason = reason,
                  .warnings = "what runs seldom may be missing among these "
                              "statements, and need it"},
      error);
  sqlite3_free(reason);
  return rc;
}

int pk_report_unused(pk_advice_rows *out, pk_review *all, const char *verified,
                     pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->unused.count; i++) {
    pk_candidate *index = &all->unused.items[i];
    char *doubt;
    rc = find_doubt(all, index, &doubt, error);
    if (rc == SQLITE_OK)
      rc = doubt ? report_doubt(out, index, doubt, error)
                 : report_drop(out, all, index, verified, error);
    sqlite3_free(doubt);
  }
  return rc;
}
