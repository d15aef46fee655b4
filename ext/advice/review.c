/*
** review.c: from a workload to the indexes that would serve it.
**
** With a proof, all candidates of which the planner would use one are tried on
** a copy of the data (select.h). Without, the planner alone decides: for each
** statement all its candidates are created in the private copy of the schema
** and dropped again one by one, the widest first; one without which the plan is
** no worse stays dropped.
*/
#include <stddef.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/sql.h"
#include "advice.h"
#include "gather.h"

/* Other databases are copied only where that is asked for: in a smaller one
** there is nothing to measure, and of a larger one a sample does. */
#define LEAST_COPIED_BYTES (1 << 20)
#define MOST_COPIED_BYTES (1 << 30)

/* About so large is a sample. Where there was no room for a copy, it has at
** most one row in so many. */
#define SAMPLE_BYTES (256 << 20)
#define SPARSE_SAMPLE 16

/* Of the time for the proof. */
#define CANDIDATES_SHARE 0.25

/* A small database may grow by more than the usual share. */
#define LEAST_BUDGET_BYTES (8 << 20)

/* ---- indexes in the private copy of the schema ---- */

/* An index on what turns out not to be deterministic, say, is not made. */
static int create_in_copy(pk_what_if *copy, pk_candidate *index,
                          pk_error *error) {
  pk_error cause = PK_NO_ERROR;
  int rc = pk_run(copy->db, &cause, "%s", index->ddl);
  index->in_copy = rc == SQLITE_OK;
  pk_error_clear(&cause);
  return rc == SQLITE_NOMEM ? pk_fail_memory(error) : SQLITE_OK;
}

static int drop_from_copy(pk_what_if *copy, pk_candidate *index,
                          pk_error *error) {
  if (!index->in_copy) return SQLITE_OK;
  index->in_copy = false;
  return pk_run(copy->db, error, "DROP INDEX \"%w\"", index->name);
}

static int create_all(pk_what_if *copy, pk_candidates *list, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
    rc = create_in_copy(copy, &list->items[i], error);
  return rc;
}

static int drop_all(pk_what_if *copy, pk_candidates *list, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
    rc = drop_from_copy(copy, &list->items[i], error);
  return rc;
}

/* Makes *plan the plan of now. */
static int plan_again(pk_review *all, const pk_statement *one, pk_plan *plan,
                      pk_error *error) {
  pk_plan_free(plan);
  if (pk_interrupted(all->copy->original))
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  return pk_what_if_plan(all->copy, one->sql, plan, error);
}

static int plan_all(pk_review *all, bool before, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->workload->count; i++) {
    pk_statement *one = &all->workload->items[i];
    if (!one->left_out)
      rc = plan_again(all, one, before ? &one->before : &one->after, error);
  }
  return rc;
}

/* ---- by the planner alone ---- */

/* Drops an index for good where the statement's plan is no worse without. */
static int do_without(pk_review *all, const pk_statement *one,
                      pk_candidate *index, const pk_plan *best,
                      pk_error *error) {
  pk_plan without = {0};
  if (!index->in_copy) return SQLITE_OK;
  int rc = drop_from_copy(all->copy, index, error);
  if (rc == SQLITE_OK) rc = plan_again(all, one, &without, error);
  if (rc == SQLITE_OK && pk_plan_compare(&without, best) > 0)
    rc = create_in_copy(all->copy, index, error);
  pk_plan_free(&without);
  return rc;
}

/* All candidates at once, since an OR or a join may need two; then, from the
** widest to the narrowest, those that are not needed go. */
static int try_by_plan(pk_review *all, const pk_statement *one,
                       pk_candidates *list, pk_error *error) {
  pk_plan without = {0}, with = {0};
  int rc = plan_again(all, one, &without, error);
  if (rc == SQLITE_OK) rc = create_all(all->copy, list, error);
  if (rc == SQLITE_OK) rc = plan_again(all, one, &with, error);
  if (rc == SQLITE_OK && pk_plan_compare(&with, &without) >= 0)
    rc = drop_all(all->copy, list, error);
  for (int width = PK_MOST_KEY; width > 0; width--)
    for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
      if (list->items[i].key.width == width)
        rc = do_without(all, one, &list->items[i], &with, error);
  pk_plan_free(&without);
  pk_plan_free(&with);
  return rc;
}

/* Those that remain are kept in the copy, under the names they have there. */
static int accept(pk_review *all, pk_candidates *list, pk_error *error) {
  for (int i = 0; i < list->count; i++) {
    if (!list->items[i].in_copy) continue;
    pk_candidate *items =
        pk_array_room(all->pool.items, all->pool.count, sizeof *items);
    if (!items) return pk_fail_memory(error);
    all->pool.items = items;
    items[all->pool.count] = list->items[i];
    items[all->pool.count++].accepted = true;
    list->items[i] = (pk_candidate){0};
  }
  return SQLITE_OK;
}

static bool has_wider(const pk_candidates *list, const pk_candidate *index) {
  for (int i = 0; i < list->count; i++)
    if (list->items[i].accepted && pk_candidate_begins(index, &list->items[i]))
      return true;
  return false;
}

/* Are all statements as well off without an index? */
static int all_do_without(pk_review *all, bool *they_do, pk_error *error) {
  pk_plan plan = {0};
  int rc = SQLITE_OK;
  *they_do = true;
  for (int i = 0; rc == SQLITE_OK && *they_do && i < all->workload->count;
       i++) {
    const pk_statement *one = &all->workload->items[i];
    if (one->left_out) continue;
    rc = plan_again(all, one, &plan, error);
    if (rc == SQLITE_OK) *they_do = pk_plan_compare(&plan, &one->after) <= 0;
  }
  pk_plan_free(&plan);
  return rc;
}

/* An index of one statement that begins a wider one of another is merged into
** it. */
static int merge_prefixes(pk_review *all, pk_error *error) {
  for (int i = 0; i < all->pool.count; i++) {
    pk_candidate *index = &all->pool.items[i];
    bool merged;
    if (!has_wider(&all->pool, index)) continue;
    int rc = drop_from_copy(all->copy, index, error);
    if (rc == SQLITE_OK) rc = all_do_without(all, &merged, error);
    if (rc == SQLITE_OK && !merged)
      rc = create_in_copy(all->copy, index, error);
    if (rc != SQLITE_OK) return rc;
    index->accepted = !merged;
  }
  return SQLITE_OK;
}

/* ---- the candidates of a statement ---- */

static bool needs_help(const pk_plan *plan) {
  return plan->scanned_rows > 0 || plan->automatic_indexes > 0 ||
         plan->temp_btrees > 0;
}

/* One that takes more than half of the budget is not tried, nor one that there
** is already: the planner may prefer the newer of two that are alike, and the
** measurements differ by chance. */
static int is_worth_a_try(pk_review *all, pk_candidate *index, bool *worth,
                          pk_error *error) {
  bool exists = false;
  int rc = pk_candidate_bytes(all->copy, index, &index->bytes, error);
  if (rc == SQLITE_OK)
    rc = pk_candidate_exists(all->copy, index, &exists, error);
  *worth = !exists && index->bytes <= all->selection.limits.budget_bytes / 2;
  return rc;
}

static int keep_worthwhile(pk_review *all, pk_candidates *list,
                           pk_error *error) {
  int kept = 0, rc = SQLITE_OK;
  for (int i = 0; i < list->count; i++) {
    pk_candidate *index = &list->items[i];
    bool worth = false;
    if (rc == SQLITE_OK) rc = is_worth_a_try(all, index, &worth, error);
    if (worth)
      list->items[kept++] = *index;
    else
      pk_candidate_free(index);
  }
  list->count = kept;
  return rc;
}

/* Which of the candidates does the planner use: alone, or all together? */
static int mark_used(pk_review *all, const pk_statement *one,
                     pk_candidates *list, bool *alone, bool *together,
                     pk_error *error) {
  pk_plan plan = {0};
  int rc = create_all(all->copy, list, error);
  if (rc == SQLITE_OK) rc = plan_again(all, one, &plan, error);
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++)
    together[i] = pk_plan_uses(&plan, list->items[i].name);
  if (rc == SQLITE_OK) rc = drop_all(all->copy, list, error);
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++) {
    rc = create_in_copy(all->copy, &list->items[i], error);
    if (rc != SQLITE_OK || !list->items[i].in_copy) continue;
    rc = plan_again(all, one, &plan, error);
    alone[i] = rc == SQLITE_OK && pk_plan_uses(&plan, list->items[i].name);
    if (rc == SQLITE_OK) rc = drop_from_copy(all->copy, &list->items[i], error);
  }
  pk_plan_free(&plan);
  return rc;
}

static int find_set(const pk_candidate_sets *sets,
                    const pk_candidate_set *like) {
  for (int i = 0; i < sets->count; i++)
    if (sets->items[i].count == like->count &&
        memcmp(sets->items[i].members, like->members,
               (size_t)like->count * sizeof like->members[0]) == 0)
      return i;
  return -1;
}

static int add_set(pk_candidate_sets *sets, const pk_candidate_set *made,
                   pk_error *error) {
  if (find_set(sets, made) >= 0) return SQLITE_OK;
  pk_candidate_set *items =
      pk_array_room(sets->items, sets->count, sizeof *items);
  if (!items) return pk_fail_memory(error);
  sets->items = items;
  items[sets->count++] = *made;
  return SQLITE_OK;
}

static int propose_set(pk_candidate_sets *sets, const pk_candidate_set *made,
                       int statement, pk_error *error) {
  int rc = add_set(sets, made, error);
  if (rc != SQLITE_OK) return rc;
  pk_audition *auditions =
      pk_array_room(sets->auditions, sets->audition_count, sizeof *auditions);
  if (!auditions) return pk_fail_memory(error);
  sets->auditions = auditions;
  auditions[sets->audition_count++] =
      (pk_audition){find_set(sets, made), statement};
  return SQLITE_OK;
}

/* Moves what the planner would use to the pool: each alone, and those that it
** uses together as a set besides. */
static int pool_used(pk_review *all, int statement, pk_candidates *list,
                     const bool *alone, const bool *together, pk_error *error) {
  pk_candidate_set joint = {.count = 0};
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < list->count; i++) {
    pk_candidate_set single = {.count = 1};
    if (!alone[i] && !together[i]) continue;
    rc = pk_candidates_move(&all->pool, all->copy, &list->items[i],
                            &single.members[0], error);
    if (rc == SQLITE_OK)
      rc = propose_set(&all->sets, &single, statement, error);
    if (together[i] && joint.count < PK_MOST_TOGETHER)
      joint.members[joint.count++] = single.members[0];
  }
  if (rc == SQLITE_OK && joint.count > 1)
    rc = propose_set(&all->sets, &joint, statement, error);
  return rc;
}

static int pool_candidates(pk_review *all, const pk_statement *one,
                           pk_candidates *list, pk_error *error) {
  size_t bytes = 2 * ((size_t)list->count + 1);
  bool *used = sqlite3_malloc64(bytes);
  if (!used) return pk_fail_memory(error);
  memset(used, 0, bytes);
  int rc = mark_used(all, one, list, used, used + list->count, error);
  if (rc == SQLITE_OK)
    rc = pool_used(all, (int)(one - all->workload->items), list, used,
                   used + list->count, error);
  sqlite3_free(used);
  return rc;
}

static int improve(pk_review *all, pk_statement *one, bool for_proof,
                   pk_error *error) {
  pk_candidates list = {0};
  if (!for_proof && !needs_help(&one->before)) return SQLITE_OK;
  int rc = pk_gather(&list, &all->shadow, one, for_proof, error);
  if (rc == SQLITE_OK && list.count > 0) {
    if (for_proof) {
      rc = keep_worthwhile(all, &list, error);
      if (rc == SQLITE_OK) rc = pool_candidates(all, one, &list, error);
    } else {
      rc = try_by_plan(all, one, &list, error);
      if (rc == SQLITE_OK) rc = accept(all, &list, error);
    }
  }
  pk_candidates_free(&list);
  return rc;
}

/* Of thousands of statements, to find the candidates may take all the time that
** there is to prove them: those that scan most come first. */
static int improve_all(pk_review *all, bool for_proof, pk_error *error) {
  double stop_at = pk_proof_share(&all->proof, CANDIDATES_SHARE);
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < all->workload->count; i++) {
    pk_statement *one = &all->workload->items[all->workload->order[i]];
    if (for_proof && pk_seconds() > stop_at) return SQLITE_OK;
    if (!one->left_out) rc = improve(all, one, for_proof, error);
  }
  return rc;
}

static int choose_by_plan(pk_review *all, pk_error *error) {
  int rc = improve_all(all, false, error);
  if (rc == SQLITE_OK) rc = plan_all(all, false, error);
  if (rc == SQLITE_OK) rc = merge_prefixes(all, error);
  if (rc == SQLITE_OK) rc = plan_all(all, false, error);
  for (int i = 0; rc == SQLITE_OK && i < all->pool.count; i++)
    rc = pk_candidate_bytes(all->copy, &all->pool.items[i],
                            &all->pool.items[i].bytes, error);
  return rc;
}

/* ---- by running ---- */

static int database_bytes(const pk_what_if *copy, sqlite3_int64 *bytes,
                          pk_error *error) {
  sqlite3_int64 size = 0;
  int rc = pk_query_int64(copy->original, bytes, error,
                          "PRAGMA \"%w\".page_count", copy->schema);
  if (rc == SQLITE_OK)
    rc = pk_query_int64(copy->original, &size, error, "PRAGMA \"%w\".page_size",
                        copy->schema);
  *bytes *= size;
  return rc;
}

static pk_proof_kind choose_proof(const pk_review *all, sqlite3_int64 bytes) {
  if (all->request->proof != PK_BY_SIZE)
    return (pk_proof_kind)all->request->proof;
  return bytes < LEAST_COPIED_BYTES   ? PK_NO_PROOF
         : bytes <= MOST_COPIED_BYTES ? PK_COPY
                                      : PK_SAMPLE;
}

static int sample_of(sqlite3_int64 bytes) {
  return (int)(bytes / SAMPLE_BYTES) + 2;
}

static bool any_accepted(const pk_candidates *pool) {
  for (int i = 0; i < pool->count; i++)
    if (pool->items[i].accepted) return true;
  return false;
}

/* Was something not run to its end? */
static bool is_unfinished(const pk_selection *of) {
  for (int i = 0; i < of->workload->count; i++)
    if (of->evidence[i].before.stopped) return true;
  return of->late;
}

/* All new indexes together may take a third of the database's size, unless
** another budget was given. */
static int choose_by_running(pk_review *all, int one_in, double deadline,
                             sqlite3_int64 bytes, pk_error *error) {
  pk_selection *of = &all->selection;
  *of = (pk_selection){.proof = &all->proof,
                       .workload = all->workload,
                       .pool = &all->pool,
                       .sets = &all->sets,
                       .limits = all->request->limits};
  if (of->limits.budget_bytes == 0)
    of->limits.budget_bytes = bytes / 3 + LEAST_BUDGET_BYTES;
  int rc = pk_proof_open(&all->proof, all->copy, one_in, deadline, error);
  if (rc == SQLITE_OK) rc = improve_all(all, true, error);
  if (rc == SQLITE_OK) rc = pk_select(of, error);
  if (rc == SQLITE_OK && !any_accepted(&all->pool) && is_unfinished(of))
    rc = pk_fail(error, SQLITE_ERROR,
                 "max_seconds are too few to prove anything");
  return rc;
}

static void free_sets(pk_candidate_sets *sets) {
  sqlite3_free(sets->items);
  sqlite3_free(sets->auditions);
  *sets = (pk_candidate_sets){0};
}

static void clear_proof(pk_review *all) {
  pk_selection_free(&all->selection);
  all->selection = (pk_selection){0};
  pk_proof_close(&all->proof);
  pk_candidates_free(&all->pool);
  free_sets(&all->sets);
}

/* What hinders a proof does not hinder advice. */
static int give_up_proof(pk_review *all, const pk_error *cause,
                         pk_error *error) {
  if (cause->code == SQLITE_NOMEM) return pk_fail_memory(error);
  if (cause->code == SQLITE_INTERRUPT)
    return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
  clear_proof(all);
  all->unproven =
      sqlite3_mprintf("%s", cause->message ? cause->message : "no proof");
  return all->unproven ? SQLITE_OK : pk_fail_memory(error);
}

/* On a copy of all, on a sample where there is no room for that, or not at all:
** then the selection has no evidence. */
static int prove(pk_review *all, pk_proof_kind kind, sqlite3_int64 bytes,
                 pk_error *error) {
  double deadline = pk_seconds() + all->request->max_seconds;
  int one_in = kind == PK_SAMPLE ? sample_of(bytes) : 1;
  pk_error cause = PK_NO_ERROR;
  int rc = choose_by_running(all, one_in, deadline, bytes, &cause);
  if (rc == SQLITE_FULL && kind == PK_COPY) {
    pk_error_clear(&cause);
    clear_proof(all);
    all->no_room = true;
    one_in = sample_of(bytes);
    if (one_in < SPARSE_SAMPLE) one_in = SPARSE_SAMPLE;
    rc = choose_by_running(all, one_in, deadline, bytes, &cause);
  }
  if (rc != SQLITE_OK) rc = give_up_proof(all, &cause, error);
  pk_error_clear(&cause);
  return rc;
}

int pk_review_workload(pk_review *all, pk_error *error) {
  sqlite3_int64 bytes = 0;
  int rc = pk_shadow_open(&all->shadow, all->copy, error);
  if (rc == SQLITE_OK) rc = plan_all(all, true, error);
  if (rc == SQLITE_OK) rc = pk_workload_sort(all->workload, error);
  if (rc == SQLITE_OK) rc = pk_note_uses(all, error);
  if (rc == SQLITE_OK) rc = database_bytes(all->copy, &bytes, error);
  if (rc != SQLITE_OK) return rc;
  pk_proof_kind kind = choose_proof(all, bytes);
  if (kind != PK_NO_PROOF) rc = prove(all, kind, bytes, error);
  if (rc == SQLITE_OK && !all->selection.evidence)
    rc = choose_by_plan(all, error);
  return rc;
}

void pk_review_free(pk_review *all) {
  clear_proof(all);
  pk_candidates_free(&all->unused);
  sqlite3_free(all->unproven);
  pk_shadow_close(&all->shadow);
}
