/* report.c: the rows of prod_index_advice about a workload. */
#include <stddef.h>
#include <string.h>

#include "../base/sql.h"
#include "advice.h"
#include "existing.h"

static bool is_measured(const pk_review *all) {
  return all->selection.evidence != NULL;
}

/* "copy", or why it is less. */
static char *verified_by(const pk_review *all) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (!is_measured(all)) {
    sqlite3_str_appendall(text, "planner");
    if (all->unproven) sqlite3_str_appendf(text, " (%s)", all->unproven);
    return sqlite3_str_finish(text);
  }
  if (all->proof.one_in > 1)
    sqlite3_str_appendf(text, "sample (one row in %d of the large tables%s)",
                        all->proof.one_in,
                        all->no_room ? ": no room for a copy of all" : "");
  else
    sqlite3_str_appendall(text, "copy");
  if (all->selection.not_run > 0)
    sqlite3_str_appendf(text, " (for want of time %,d statements were not run)",
                        all->selection.not_run);
  if (all->selection.late)
    sqlite3_str_appendall(text, " (stopped at max_seconds: not all was tried)");
  return sqlite3_str_finish(text);
}

/* ---- statistics ---- */

/* What is saved of less than this could as well be noise. */
#define LEAST_RATIO 0.1
#define LEAST_MS 0.1

/* Those of all tables are advised where they help, or some plan depends on
** them; those of a single one were taken for what they save. */
static int is_analysis_due(pk_review *all, const pk_analysis *made, bool *due,
                           pk_error *error) {
  double least = made->before_ms * LEAST_RATIO + LEAST_MS;
  *due = made->table || made->before_ms - made->after_ms > least;
  if (all->selection.late || *due) return SQLITE_OK;
  return pk_select_needs_statistics(&all->selection, due, error);
}

/* "ANALYZE", "ANALYZE aux", "ANALYZE main.orders"; from sqlite3_malloc. */
static char *analyze_ddl(const pk_what_if *copy, const pk_copied_table *table) {
  sqlite3_str *ddl = sqlite3_str_new(NULL);
  bool is_main = sqlite3_stricmp(copy->schema, "main") == 0;
  sqlite3_str_appendall(ddl, "ANALYZE");
  if (table || !is_main) sqlite3_str_appendchar(ddl, 1, ' ');
  if (table) {
    pk_append_qualifier(ddl, copy->schema);
    pk_append_identifier(ddl, table->name);
  } else if (!is_main) {
    pk_append_identifier(ddl, copy->schema);
  }
  return sqlite3_str_finish(ddl);
}

static int report_analysis(pk_advice_rows *out, const pk_review *all,
                           const pk_analysis *made, const char *verified,
                           pk_error *error) {
  char *ddl = analyze_ddl(all->copy, made->table);
  if (!ddl) return pk_fail_memory(error);
  pk_advise(
      out,
      &(pk_advice){
          .action = "analyze",
          .ddl = ddl,
          .table = made->table ? made->table->name : NULL,
          .kind = "statistics",
          .before_ms = made->before_ms,
          .after_ms = made->after_ms,
          .before_pages = -1,
          .verified = verified,
          .reason =
              made->table
                  ? "with the indexes below, the statistics of this table, "
                    "which are missing or out of date, lead to better plans. "
                    "Run it when the indexes have been created"
                  : "the statistics that the planner decides by are missing or "
                    "out of date; all that follows was measured with them. Run "
                    "it again when the indexes have been created"});
  sqlite3_free(ddl);
  return SQLITE_OK;
}

static int report_statistics(pk_advice_rows *out, pk_review *all,
                             const char *verified, pk_error *error) {
  const pk_selection *of = &all->selection;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < of->analysis_count; i++) {
    bool due;
    rc = is_analysis_due(all, &of->analyses[i], &due, error);
    if (rc == SQLITE_OK && due)
      rc = report_analysis(out, all, &of->analyses[i], verified, error);
  }
  return rc;
}

/* "statement 7 takes 215.0 ms instead of 128.0 ms; statement 12 ...", of those
** that statistics would make slower; from sqlite3_malloc, NULL for none. */
static int slowed_in_words(const pk_selection *of, char **words,
                           pk_error *error) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < of->workload->count; i++) {
    const pk_evidence *evidence = &of->evidence[i];
    if (pk_select_statistics_slow(of, i))
      sqlite3_str_appendf(
          text, "%sstatement %d takes %s%.1f ms instead of %.1f ms",
          sqlite3_str_length(text) ? "; " : "", of->workload->items[i].number,
          evidence->analyzed.stopped ? "over " : "", evidence->analyzed.ms,
          evidence->before.ms);
  }
  return pk_finish_text(text, words, error);
}

/* That they are missing, and why they are not advised all the same. */
static int report_refused_statistics(pk_advice_rows *out, const pk_review *all,
                                     const char *verified, pk_error *error) {
  char *slowed;
  int rc = slowed_in_words(&all->selection, &slowed, error);
  if (!slowed) return rc;
  char *reason = sqlite3_mprintf(
      "ANALYZE of all tables is not advised: the statistics that the planner "
      "decides by are missing or out of date, but with them %s",
      slowed);
  sqlite3_free(slowed);
  if (!reason) return pk_fail_memory(error);
  pk_advise(out, &(pk_advice){.action = "skipped",
                              .kind = "statistics",
                              .before_ms = -1,
                              .verified = verified,
                              .reason = reason});
  sqlite3_free(reason);
  return SQLITE_OK;
}

/* ---- indexes to create ---- */

static bool uses(const pk_statement *one, const pk_candidate *index) {
  return !one->left_out && one->after.text &&
         pk_plan_uses(&one->after, index->name);
}

static const pk_statement *first_user(const pk_review *all,
                                      const pk_candidate *index) {
  for (int i = 0; i < all->workload->count; i++)
    if (uses(&all->workload->items[i], index)) return &all->workload->items[i];
  return NULL;
}

static void count_uses(pk_review *all, pk_candidate *index) {
  for (int i = 0; i < all->workload->count; i++) {
    const pk_statement *one = &all->workload->items[i];
    if (!uses(one, index)) continue;
    index->queries += one->alike;
    index->calls += one->calls;
    index->spared_rows += one->before.scanned_rows - one->after.scanned_rows;
  }
}

/* One run of each statement that uses the index. */
static pk_advice measured_of(const pk_review *all, const pk_candidate *index) {
  pk_advice sum = {.before_ms = -1};
  if (!is_measured(all)) return sum;
  for (int i = 0; i < all->workload->count; i++) {
    const pk_evidence *evidence = &all->selection.evidence[i];
    if (!evidence->runs || !uses(&all->workload->items[i], index)) continue;
    if (sum.before_ms < 0) sum.before_ms = 0;
    sum.before_ms += evidence->before.ms;
    sum.after_ms += evidence->after.ms;
    sum.before_pages += evidence->before.pages;
    sum.after_pages += evidence->after.pages;
  }
  return sum;
}

/* What is to be said of the runs of the statements that use the index; NULL for
** nothing. */
static int runs_in_words(const pk_review *all, const pk_candidate *index,
                         char **words, pk_error *error) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; is_measured(all) && i < all->workload->count; i++) {
    const pk_evidence *evidence = &all->selection.evidence[i];
    if (!evidence->runs || !uses(&all->workload->items[i], index)) continue;
    if (evidence->before.stopped)
      sqlite3_str_appendf(text, "%sstatement %d was stopped after %.0f ms",
                          sqlite3_str_length(text) ? "; " : "",
                          all->workload->items[i].number, evidence->before.ms);
    if (pk_select_slows(&all->selection, i))
      sqlite3_str_appendf(text,
                          "%sstatement %d takes longer with all of the advice "
                          "(%.1f ms, before %.1f ms)",
                          sqlite3_str_length(text) ? "; " : "",
                          all->workload->items[i].number, evidence->after.ms,
                          evidence->before.ms);
  }
  return pk_finish_text(text, words, error);
}

/* "orders is scanned in full (50,123 rows) to find customer_id = ? and sorted
** by created_at; with the index they are read in that order" */
static char *reason_for(const pk_review *all, const pk_candidate *index) {
  const pk_statement *user = first_user(all, index);
  const char *how = "is read by an index that fits less";
  if (user && user->before.temp_btrees) how = "is sorted in each run";
  if (user && pk_plan_scans(&user->before, index->table))
    how = user->before.automatic_indexes
              ? "is scanned in full, or indexed anew in each run,"
              : "is scanned in full";
  char *rows = pk_rows_in_words(index->table);
  char *reason =
      rows ? sqlite3_mprintf("%s %s (%s) %s; %s", index->table->name, how, rows,
                             index->purpose, index->benefit)
           : NULL;
  sqlite3_free(rows);
  return reason;
}

/* By all calls of the statements that use the index. */
static double saved_ms(const pk_review *all, const pk_candidate *index) {
  double ms = 0;
  for (int i = 0; i < all->workload->count; i++) {
    const pk_evidence *evidence = &all->selection.evidence[i];
    if (evidence->runs && uses(&all->workload->items[i], index))
      ms += all->workload->items[i].calls *
            (evidence->before.ms - evidence->after.ms);
  }
  return ms;
}

/* The index that saves most first; where nothing was measured, the one of most
** use. */
static bool is_better(const pk_review *all, const pk_candidate *one,
                      const pk_candidate *other) {
  if (!is_measured(all))
    return one->queries != other->queries
               ? one->queries > other->queries
               : one->spared_rows > other->spared_rows;
  return saved_ms(all, one) > saved_ms(all, other);
}

static pk_candidate *next_best(pk_review *all, const bool *told) {
  pk_candidate *best = NULL;
  for (int i = 0; i < all->pool.count; i++) {
    pk_candidate *index = &all->pool.items[i];
    if (index->accepted && !told[i] && index->queries > 0 &&
        (!best || is_better(all, index, best)))
      best = index;
  }
  return best;
}

/* ---- an index that a new one replaces ---- */

/* An existing index with whose key that of the new one begins, and which no
** other new one replaces. In the private copy the new one may not be there
** yet. */
static int find_replaced(pk_review *all, pk_candidate *index, pk_error *error) {
  if (index->expression || index->predicate) return SQLITE_OK;
  int rc = index->in_copy ? SQLITE_OK
                          : pk_run(all->copy->db, error, "%s", index->ddl);
  if (rc != SQLITE_OK) return rc;
  index->in_copy = true;
  char *existing = pk_existing_indexes(all->copy->schema);
  if (!existing) return pk_fail_memory(error);
  rc = pk_query_text(
      all->copy->db, &index->replaces, error,
      "SELECT old.index_name FROM temp.prodkit_listed old, (%s) new "
      "WHERE new.index_name = %Q AND old.is_droppable AND NOT old.is_settled "
      "AND old.table_name = new.table_name "
      "AND substr(new.key, 1, length(old.key)) = old.key "
      "LIMIT 1",
      existing, index->name);
  sqlite3_free(existing);
  return rc;
}

/* It stays where a statement would miss it. */
static int confirm_replaced(pk_review *all, pk_candidate *index,
                            pk_error *error) {
  bool spared = true;
  int rc = SQLITE_OK;
  if (!index->replaces) return rc;
  if (is_measured(all))
    rc = pk_select_spares(&all->selection, index->replaces, &spared, error);
  if (rc == SQLITE_OK && spared)
    return pk_run(
        all->copy->db, error,
        "UPDATE temp.prodkit_listed SET is_settled = 1 WHERE index_name = %Q",
        index->replaces);
  sqlite3_free(index->replaces);
  index->replaces = NULL;
  return rc;
}

static int find_all_replaced(pk_review *all, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->pool.count; i++) {
    if (!all->pool.items[i].accepted || all->pool.items[i].queries == 0)
      continue;
    rc = find_replaced(all, &all->pool.items[i], error);
    if (rc == SQLITE_OK) rc = confirm_replaced(all, &all->pool.items[i], error);
  }
  return rc;
}

static int report_replace(pk_advice_rows *out, pk_review *all,
                          const pk_candidate *index, pk_advice *row,
                          pk_error *error) {
  char *old_ddl = NULL;
  int rc =
      pk_query_text(all->copy->db, &old_ddl, error,
                    "SELECT ddl FROM temp.prodkit_listed WHERE index_name = %Q",
                    index->replaces);
  if (rc != SQLITE_OK) return rc;
  char *drop_old = pk_drop_ddl(all->copy->schema, index->replaces);
  char *drop_new = pk_drop_ddl(all->copy->schema, index->name);
  char *ddl = sqlite3_mprintf("%s; %s", index->ddl, drop_old);
  char *undo = sqlite3_mprintf("%s; %s", old_ddl, drop_new);
  char *reason = sqlite3_mprintf(
      "%s; it begins with the columns of %s, which "
      "it replaces",
      row->reason, index->replaces);
  row->action = "replace";
  row->ddl = ddl;
  row->undo_ddl = undo;
  if (old_ddl && drop_old && drop_new && row->reason && ddl && undo && reason)
    rc = pk_advise_create(out, all->copy, index, reason, row, error);
  else
    rc = pk_fail_memory(error);
  sqlite3_free(old_ddl);
  sqlite3_free(drop_old);
  sqlite3_free(drop_new);
  sqlite3_free(ddl);
  sqlite3_free(undo);
  sqlite3_free(reason);
  return rc;
}

/* ---- the cost of writing ---- */

/* A table's cost is that of all its new indexes together. */
static int measure_writing(pk_review *all, pk_error *error) {
  pk_candidate *items = all->pool.items;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->pool.count; i++) {
    if (!items[i].accepted) continue;
    for (int j = 0; j < i && items[i].write_cost_ratio == 0; j++)
      if (items[j].accepted && items[j].table == items[i].table)
        items[i].write_cost_ratio = items[j].write_cost_ratio;
    if (items[i].write_cost_ratio == 0)
      rc = pk_select_write_cost(&all->selection, items[i].table,
                                &items[i].write_cost_ratio, error);
  }
  return rc;
}

/* ---- the rows ---- */

static int report_index(pk_advice_rows *out, pk_review *all,
                        const pk_candidate *index, const char *verified,
                        pk_error *error) {
  pk_advice row = measured_of(all, index);
  char *warnings;
  int rc = runs_in_words(all, index, &warnings, error);
  if (rc != SQLITE_OK) return rc;
  char *reason = reason_for(all, index);
  row.warnings = warnings;
  row.verified = verified;
  row.reason = reason;
  if (all->workload->counted) row.calls = index->calls;
  rc = index->replaces
           ? report_replace(out, all, index, &row, error)
           : pk_advise_create(out, all->copy, index, reason, &row, error);
  sqlite3_free(reason);
  sqlite3_free(warnings);
  return rc;
}

/* Without a proof the limits are kept here. */
static bool is_within_limits(const pk_review *all, const pk_candidate *index,
                             int count, sqlite3_int64 bytes) {
  const pk_limits *limits = &all->request->limits;
  return is_measured(all) || (count < limits->max_indexes &&
                              (limits->budget_bytes == 0 ||
                               bytes + index->bytes <= limits->budget_bytes));
}

static int report_indexes(pk_advice_rows *out, pk_review *all,
                          const char *verified, bool *told, pk_error *error) {
  pk_candidate *index;
  sqlite3_int64 bytes = 0;
  int rc = SQLITE_OK, count = 0;
  while (rc == SQLITE_OK && (index = next_best(all, told))) {
    told[index - all->pool.items] = true;
    if (!is_within_limits(all, index, count, bytes)) {
      index->accepted = false;
      continue;
    }
    rc = report_index(out, all, index, verified, error);
    bytes += index->bytes;
    count++;
  }
  return rc;
}

static int report_rejected(pk_advice_rows *out, const pk_review *all,
                           const char *verified, pk_error *error) {
  if (!all->request->show_rejected) return SQLITE_OK;
  for (int i = 0; i < all->pool.count; i++) {
    const pk_candidate *index = &all->pool.items[i];
    if (index->accepted && index->queries > 0) continue;
    int rc = pk_advise_create(
        out, all->copy, index,
        index->refusal     ? index->refusal
        : is_measured(all) ? "tried, and not worth its size beside the others"
                           : "another index does as well, or the limits are "
                             "reached",
        &(pk_advice){
            .action = "rejected", .before_ms = -1, .verified = verified},
        error);
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK;
}

/* ---- statements that nothing is told of ---- */

static int report_left_out(pk_advice_rows *out, const pk_review *all,
                           pk_error *error) {
  for (int i = 0; i < all->workload->count; i++) {
    const pk_statement *one = &all->workload->items[i];
    if (!one->left_out) continue;
    char *reason = sqlite3_mprintf("statement %d was left out: %s", one->number,
                                   one->left_out);
    if (!reason) return pk_fail_memory(error);
    pk_advise(out, &(pk_advice){
                       .action = "skipped", .before_ms = -1, .reason = reason});
    sqlite3_free(reason);
  }
  return SQLITE_OK;
}

int pk_report(pk_advice_rows *out, pk_review *all, pk_error *error) {
  size_t bytes = (size_t)all->pool.count + 1;
  bool *told = sqlite3_malloc64(bytes);
  char *verified = verified_by(all);
  int rc = told && verified ? SQLITE_OK : pk_fail_memory(error);
  if (rc == SQLITE_OK) {
    memset(told, 0, bytes);
    for (int i = 0; i < all->pool.count; i++)
      if (all->pool.items[i].accepted) count_uses(all, &all->pool.items[i]);
    rc = find_all_replaced(all, error);
  }
  if (rc == SQLITE_OK) rc = pk_find_unused(all, error);
  if (rc == SQLITE_OK && is_measured(all) && !all->selection.late)
    rc = measure_writing(all, error);
  if (rc == SQLITE_OK && is_measured(all) && !all->selection.late)
    rc = pk_measure_unused(all, error);
  if (rc == SQLITE_OK) rc = report_statistics(out, all, verified, error);
  if (rc == SQLITE_OK) rc = report_indexes(out, all, verified, told, error);
  if (rc == SQLITE_OK) rc = pk_report_unused(out, all, verified, error);
  if (rc == SQLITE_OK) rc = report_rejected(out, all, verified, error);
  if (rc == SQLITE_OK && is_measured(all))
    rc = report_refused_statistics(out, all, verified, error);
  if (rc == SQLITE_OK) rc = report_left_out(out, all, error);
  sqlite3_free(told);
  sqlite3_free(verified);
  return rc;
}
