/* select.c: see select.h. */
#include "select.h"

#include <math.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "evaluate.h"

/* What a run saves of less than this may have come by chance. */
#define NOISE_MS 0.02

/* So many indexes are tried for a statement that a step would make slower. */
#define MOST_COMPANIONS 8

/* So many statements are heard before steps are tried on the whole workload. */
#define MOST_HEARD 24

/* An index serves a statement that it makes so many times as fast; if that took
** longer than this. */
#define SERVED_FACTOR 10
#define LEAST_SERVED_MS 0.5

/* Of the time that is left, for the workload as it is. */
#define BEFORE_SHARE 0.3

/* A page at least: a set that adds nothing saves no more than a set can. */
#define LEAST_BYTES 4096.0

/* ---- each set on its own ---- */

/* What a step must save: its share, and more than what could be noise in a
** single statement. */
static double least_gain(const pk_selection *of) {
  double calls = 0;
  for (int i = 0; i < of->workload->count; i++)
    calls += of->workload->items[i].calls / of->workload->count;
  return fmax(of->limits.min_gain_ratio * of->state->current.cost,
              NOISE_MS * calls);
}

/* What a statement must take for indexes to be tried for it: as much as a step is
** to save or, among very many, as much as most of them, since an index can serve
** several. Where it is not known how often each runs, one that takes little of
** all may run most often. */
static double least_heard(const pk_selection *of) {
  double least =
      fmin(least_gain(of), of->state->current.cost / of->workload->count);
  return of->workload->counted ? least : fmin(least, LEAST_SERVED_MS);
}

/* Is there a statement that is served with one outcome, and not with the
** other? */
static bool serves_a_statement(const pk_selection *of, const pk_outcome *with,
                               const pk_outcome *without) {
  for (int i = 0; i < of->workload->count; i++) {
    double cost = pk_cost_of(&without->timings[i]);
    if (of->evidence[i].runs && cost > LEAST_SERVED_MS &&
        cost >= pk_cost_of(&with->timings[i]) * SERVED_FACTOR)
      return true;
  }
  return false;
}

/* The same where it may be the one that runs most often. */
static bool serves_uncounted(const pk_selection *of, const pk_outcome *with,
                             const pk_outcome *without) {
  return !of->workload->counted && serves_a_statement(of, with, without);
}

static void want_set(pk_selection *of, const pk_candidate_set *set) {
  pk_want_accepted(of);
  for (int i = 0; i < set->count; i++)
    of->state->slots[set->members[i]].wanted = true;
}

/* The set saves so much more than was known: it may do so for each byte. */
static void raise_hopes(pk_selection *of, pk_candidate_set *set, double ms) {
  double bytes = 0;
  for (int i = 0; i < set->count; i++)
    bytes += (double)of->pool->items[set->members[i]].bytes;
  set->saved += ms;
  set->ratio = set->saved / fmax(bytes, LEAST_BYTES);
  set->tried_in = 0;
}

/* What does a set save of a statement that it is proposed for? `best` is what
** the statement took with the best set so far. */
static int hold_audition(pk_selection *of, const pk_audition *audition,
                         pk_timing *best, pk_error *error) {
  int number = audition->statement;
  pk_candidate_set *set = &of->sets->items[audition->set];
  const pk_timing *now = &of->state->current.timings[number];
  pk_timing timing = {0};
  want_set(of, set);
  int rc = pk_provide_wanted(of, error);
  if (rc == SQLITE_OK)
    rc = pk_time_statement(of, number, pk_most_seconds(of, best), &timing,
                           error);
  if (rc != SQLITE_OK || timing.stopped) return rc;
  if (timing.ms < best->ms) *best = timing;
  double gain = pk_cost_of(now) - pk_cost_of(&timing);
  if (gain > 0) raise_hopes(of, set, gain * of->workload->items[number].calls);
  return SQLITE_OK;
}

/* A partial index, which has few rows, is narrower than any other. */
static int width_of(const pk_selection *of, const pk_candidate_set *set) {
  int width = 0;
  for (int i = 0; i < set->count; i++) {
    const pk_candidate *member = &of->pool->items[set->members[i]];
    width += member->predicate ? 0 : member->key.width;
  }
  return width;
}

/* The narrowest sets come first. */
static int sort_auditions(pk_selection *of, pk_error *error) {
  const pk_candidate_sets *sets = of->sets;
  pk_audition *sorted = pk_zeroed(sets->audition_count, sizeof *sorted);
  if (!sorted) return pk_fail_memory(error);
  int count = 0;
  for (int width = 0; count < sets->audition_count; width++)
    for (int i = 0; i < sets->audition_count; i++)
      if (width_of(of, &sets->items[sets->auditions[i].set]) == width)
        sorted[count++] = sets->auditions[i];
  sqlite3_free(of->sets->auditions);
  of->sets->auditions = sorted;
  return SQLITE_OK;
}

/* Until nothing worth mentioning is left to save: then the wider sets are not
** even built. They are heard later if the narrower ones prove to be of no use
** to the workload. */
static int hold_auditions_for(pk_selection *of, int statement,
                              pk_error *error) {
  const pk_candidate_sets *sets = of->sets;
  int *heard = &of->state->heard[statement];
  pk_timing best = of->state->current.timings[statement];
  double calls = of->workload->items[statement].calls;
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *heard < sets->audition_count &&
         pk_cost_of(&best) * calls > least_heard(of)) {
    const pk_audition *audition = &sets->auditions[(*heard)++];
    if (audition->statement != statement) continue;
    of->late = pk_proof_is_late(of->proof);
    if (of->late) return rc;
    rc = hold_audition(of, audition, &best, error);
  }
  return rc;
}

/* The most expensive statement of which not all sets were heard; -1 for none. */
static int next_statement(const pk_selection *of) {
  int next = -1;
  double most = least_heard(of);
  for (int i = 0; i < of->workload->count; i++) {
    if (of->state->heard[i] == of->sets->audition_count || of->state->told[i] ||
        !of->evidence[i].runs)
      continue;
    double cost = pk_cost_of(&of->state->current.timings[i]) *
                  of->workload->items[i].calls;
    if (cost > most) {
      next = i;
      most = cost;
    }
  }
  return next;
}

/* Hears the most expensive statements, which together take at least half of the
** time, or the first few of very many. */
static int hold_auditions(pk_selection *of, bool *any, pk_error *error) {
  int statement, rc = SQLITE_OK, count = 0;
  double heard = 0;
  memset(of->state->told, 0, (size_t)of->workload->count);
  while (rc == SQLITE_OK && !of->late && heard < of->state->current.cost / 2 &&
         count++ < MOST_HEARD && (statement = next_statement(of)) >= 0) {
    of->state->told[statement] = true;
    heard += pk_cost_of(&of->state->current.timings[statement]) *
             of->workload->items[statement].calls;
    rc = hold_auditions_for(of, statement, error);
  }
  *any = heard > 0;
  return rc;
}

/* ---- one step ---- */

/* Adds a set to what is accepted, in place of those that its members begin
** with. False where that is nothing new. */
static bool want_step(pk_selection *of, const pk_candidate_set *set) {
  bool any_new = false;
  pk_want_accepted(of);
  for (int i = 0; i < set->count; i++) {
    pk_slot *place = &of->state->slots[set->members[i]];
    any_new |= !place->wanted;
    place->wanted = true;
  }
  for (int i = 0; i < of->pool->count; i++) {
    if (!of->pool->items[i].accepted) continue;
    for (int j = 0; j < set->count; j++)
      if (pk_candidate_begins(&of->pool->items[i],
                              &of->pool->items[set->members[j]]))
        of->state->slots[i].wanted = false;
  }
  return any_new;
}

static bool is_within_limits(const pk_selection *of) {
  return pk_wanted_count(of) <= of->limits.max_indexes &&
         pk_wanted_bytes(of) <= of->limits.budget_bytes;
}

static void refuse(pk_selection *of, const pk_candidate_set *set,
                   const char *why) {
  for (int i = 0; i < set->count; i++)
    of->pool->items[set->members[i]].refusal = why;
}

/* Does what was tried save enough? The share that is asked for or, where it is
** not known how often each statement runs, most of what one takes. */
static bool saves_enough(const pk_selection *of) {
  const pk_select_state *all = of->state;
  return all->current.cost - all->trial.cost >= least_gain(of) ||
         serves_uncounted(of, &all->trial, &all->current);
}

/* How much a step saves for each byte; 0 where it is not to be taken. */
static int rate_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  double most = of->state->current.cost - NOISE_MS;
  set->tried_in = of->state->round;
  set->ratio = 0;
  of->state->trial.spoiler = -1;
  if (!want_step(of, set) || !is_within_limits(of)) return SQLITE_OK;
  int rc = pk_evaluate(of, most, &of->state->trial, error);
  if (rc != SQLITE_OK || !of->state->trial.complete || !saves_enough(of))
    return rc;
  if (pk_count_slower(of, &of->state->trial) >
      pk_count_slower(of, &of->state->current)) {
    of->state->trial.spoiler = pk_slowest(of, &of->state->trial);
    refuse(of, set, "tried; a statement would take longer with it");
    return SQLITE_OK;
  }
  sqlite3_int64 bytes = pk_wanted_bytes(of);
  pk_want_accepted(of);
  bytes -= pk_wanted_bytes(of);
  set->ratio = (of->state->current.cost - of->state->trial.cost) /
               fmax((double)bytes, LEAST_BYTES);
  return SQLITE_OK;
}

/* The members of both; false where they are too many. */
static bool join_sets(pk_candidate_set *joint, const pk_candidate_set *more) {
  for (int i = 0; i < more->count; i++) {
    bool there = false;
    for (int j = 0; j < joint->count; j++)
      there |= joint->members[j] == more->members[i];
    if (there) continue;
    if (joint->count == PK_MOST_TOGETHER) return false;
    joint->members[joint->count++] = more->members[i];
  }
  return true;
}

/* A step may save much and still be none to take, because one statement is
** slower with it. Is there an index for that one to take along? Then both
** become a set of their own. */
static int find_companion(pk_selection *of, pk_candidate_set set, int spoiler,
                          pk_error *error) {
  pk_candidate_sets *sets = of->sets;
  pk_candidate_set best = {.ratio = 0};
  int rc = SQLITE_OK, tries = 0;
  for (int i = 0; rc == SQLITE_OK && !of->late && tries < MOST_COMPANIONS &&
                  i < sets->audition_count;
       i++) {
    pk_candidate_set joint = set;
    if (sets->auditions[i].statement != spoiler ||
        !join_sets(&joint, &sets->items[sets->auditions[i].set]) ||
        joint.count == set.count)
      continue;
    tries++;
    rc = rate_step(of, &joint, error);
    if (joint.ratio > best.ratio) best = joint;
  }
  if (rc != SQLITE_OK || best.ratio == 0) return rc;
  pk_candidate_set *items =
      pk_array_room(sets->items, sets->count, sizeof *items);
  if (!items) return pk_fail_memory(error);
  sets->items = items;
  items[sets->count++] = best;
  return SQLITE_OK;
}

static int try_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  int rc = rate_step(of, set, error);
  int spoiler = of->state->trial.spoiler;
  if (rc != SQLITE_OK || set->ratio > 0 || spoiler < 0 ||
      set->saved <= least_gain(of))
    return rc;
  return find_companion(of, *set, spoiler, error);
}

static pk_candidate_set *most_promising(const pk_selection *of) {
  pk_candidate_set *best = NULL;
  for (int i = 0; i < of->sets->count; i++) {
    pk_candidate_set *set = &of->sets->items[i];
    if (set->ratio > 0 && (!best || set->ratio > best->ratio)) best = set;
  }
  return best;
}

/* Makes the indexes that are wanted, with which the trial was, the accepted
** ones. */
static void accept_trial(pk_selection *of) {
  pk_keep_outcome(of);
  for (int i = 0; i < of->pool->count; i++)
    of->pool->items[i].accepted = of->state->slots[i].wanted;
  of->state->round++;
}

static int wanted_for(const pk_selection *of, const pk_copied_table *table) {
  int count = 0;
  for (int i = 0; i < of->pool->count; i++)
    count += of->state->slots[i].wanted && of->pool->items[i].table == table;
  return count;
}

/* One new index a table may have in any case, since with keys in random order a
** single one can double the cost of an insert; and those without which a
** statement is hopeless. Where it is known how often the workload writes to the
** table, that has been counted against what the index saves. */
static int can_be_written(pk_selection *of, const pk_candidate_set *set,
                          bool *it_can, pk_error *error) {
  int rc = SQLITE_OK;
  *it_can = true;
  if (serves_a_statement(of, &of->state->trial, &of->state->current))
    return SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && *it_can && i < set->count; i++) {
    const pk_copied_table *table = of->pool->items[set->members[i]].table;
    double ratio;
    if (wanted_for(of, table) < 2 ||
        (of->workload->counted && pk_writes_to(of, table) > 0))
      continue;
    rc = pk_insert_ratio(of, table, &ratio, error);
    *it_can = ratio <= of->limits.max_write_cost_ratio;
  }
  return rc;
}

static int take_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  bool it_can;
  want_step(of, set);
  set->ratio = 0;
  int rc = pk_evaluate(of, INFINITY, &of->state->trial, error);
  if (rc != SQLITE_OK || of->late) return rc;
  rc = can_be_written(of, set, &it_can, error);
  if (it_can)
    accept_trial(of);
  else
    refuse(of, set, "tried; with it, inserting into the table takes too long");
  return rc;
}

/* When the most expensive statements are served, cheaper ones come to matter:
** they are heard then. */
static int take_steps(pk_selection *of, pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && !of->late) {
    pk_candidate_set *set = most_promising(of);
    if (!set) {
      bool any;
      rc = hold_auditions(of, &any, error);
      if (!any) break;
    } else {
      rc = set->tried_in == of->state->round ? take_step(of, set, error)
                                             : try_step(of, set, error);
    }
  }
  return rc;
}

/* ---- leaving out ---- */

/* The largest that is accepted and was not yet left out on trial. */
static int largest(const pk_selection *of, const bool *tried) {
  int found = -1;
  for (int i = 0; i < of->pool->count; i++)
    if (of->pool->items[i].accepted && !tried[i] &&
        (found < 0 || of->pool->items[i].bytes > of->pool->items[found].bytes))
      found = i;
  return found;
}

static int leave_out_superfluous(pk_selection *of, pk_error *error) {
  int number, rc = SQLITE_OK;
  bool *tried = pk_zeroed(of->pool->count, sizeof *tried);
  if (!tried) return pk_fail_memory(error);
  while (rc == SQLITE_OK && !of->late && (number = largest(of, tried)) >= 0) {
    double most = of->state->current.cost + least_gain(of);
    int slower = pk_count_slower(of, &of->state->current);
    tried[number] = true;
    pk_want_accepted(of);
    of->state->slots[number].wanted = false;
    rc = pk_evaluate(of, most, &of->state->trial, error);
    if (rc == SQLITE_OK && of->state->trial.complete &&
        pk_count_slower(of, &of->state->trial) <= slower &&
        !serves_uncounted(of, &of->state->current, &of->state->trial))
      accept_trial(of);
  }
  sqlite3_free(tried);
  return rc;
}

/* ---- afterwards ---- */

bool pk_select_slows(const pk_selection *of, int statement) {
  const pk_evidence *evidence = &of->evidence[statement];
  return evidence->runs && pk_is_slower(&evidence->after, &evidence->before);
}

bool pk_select_statistics_slow(const pk_selection *of, int statement) {
  const pk_evidence *evidence = &of->evidence[statement];
  return evidence->runs && evidence->analyzed.ms > 0 &&
         pk_is_slower(&evidence->analyzed, &evidence->before);
}

int pk_select_write_cost(pk_selection *of, const pk_copied_table *table,
                         double *ratio, pk_error *error) {
  pk_want_accepted(of);
  return pk_insert_ratio(of, table, ratio, error);
}

int pk_select_spares(pk_selection *of, const char *index, bool *spared,
                     pk_error *error) {
  pk_want_accepted(of);
  int rc = pk_provide_wanted(of, error);
  *spared = false;
  if (rc == SQLITE_OK) rc = pk_proof_put_aside(of->proof, index, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(of->proof, error);
  if (rc == SQLITE_OK)
    rc = pk_evaluate(of, of->state->current.cost + least_gain(of),
                     &of->state->trial, error);
  if (rc != SQLITE_OK) return rc;
  *spared =
      of->state->trial.complete && pk_count_slower(of, &of->state->trial) <=
                                       pk_count_slower(of, &of->state->current);
  if (!*spared) rc = pk_proof_bring_back(of->proof, index, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(of->proof, error);
  return rc;
}

int pk_select_needs_statistics(pk_selection *of, bool *needed,
                               pk_error *error) {
  int rc = pk_proof_forget_statistics(of->proof, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(of->proof, error);
  *needed = false;
  for (int i = 0; rc == SQLITE_OK && !*needed && i < of->workload->count; i++) {
    const pk_statement *one = &of->workload->items[i];
    char *plan;
    if (one->left_out) continue;
    rc = pk_proof_plan(of->proof, one->sql, &plan, error);
    if (rc == SQLITE_OK) *needed = strcmp(plan, one->after.text) != 0;
    sqlite3_free(plan);
  }
  return rc;
}

/* The plans and times that the advice leads to. */
static int conclude(pk_selection *of, pk_error *error) {
  pk_want_accepted(of);
  int rc = pk_provide_wanted(of, error);
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    pk_statement *one = &of->workload->items[i];
    if (one->left_out) continue;
    pk_plan_free(&one->after);
    rc = pk_proof_plan(of->proof, one->sql, &one->after.text, error);
    of->evidence[i].after = of->state->current.timings[i];
  }
  return rc;
}

/* ---- the beginning ---- */

static int prepare_state(pk_selection *of, pk_error *error) {
  int count = of->workload->count;
  pk_select_state *all = of->state = pk_zeroed(1, sizeof *all);
  of->evidence = pk_zeroed(count, sizeof *of->evidence);
  if (!all || !of->evidence) return pk_fail_memory(error);
  all->slots = pk_zeroed(of->pool->count, sizeof *all->slots);
  all->heard = pk_zeroed(count, sizeof *all->heard);
  all->told = pk_zeroed(count, sizeof *all->told);
  all->current.timings = pk_zeroed(count, sizeof(pk_timing));
  all->trial.timings = pk_zeroed(count, sizeof(pk_timing));
  all->insert_seconds = pk_zeroed(of->proof->copy->table_count, sizeof(double));
  if (!all->slots || !all->heard || !all->told || !all->current.timings ||
      !all->trial.timings || !all->insert_seconds)
    return pk_fail_memory(error);
  all->round = 1;
  return SQLITE_OK;
}

static double total_ms(const pk_selection *of, const pk_outcome *all) {
  double ms = 0;
  for (int i = 0; i < of->workload->count; i++)
    if (of->evidence[i].runs) ms += all->timings[i].ms;
  return ms;
}

static int add_analysis(pk_selection *of, const pk_analysis *made,
                        pk_error *error) {
  pk_analysis *items =
      pk_array_room(of->analyses, of->analysis_count, sizeof *items);
  if (!items) return pk_fail_memory(error);
  of->analyses = items;
  items[of->analysis_count++] = *made;
  return SQLITE_OK;
}

/* Statistics stay where no statement is slower for them and they save
** enough. */
static int try_statistics(pk_selection *of, const pk_copied_table *table,
                          double least, pk_error *error) {
  const pk_outcome *now = &of->state->current, *with = &of->state->trial;
  bool done;
  int rc = pk_proof_analyze(of->proof, table, &done, error);
  if (rc == SQLITE_OK) rc = pk_evaluate(of, INFINITY, &of->state->trial, error);
  if (rc != SQLITE_OK || !done) return rc;
  if (!table && with->complete)
    for (int i = 0; i < of->workload->count; i++)
      of->evidence[i].analyzed = with->timings[i];
  if (!with->complete || pk_slowest(of, with) >= 0 ||
      now->cost - with->cost < least)
    return pk_proof_undo_analyze(of->proof, error);
  rc = add_analysis(
      of, &(pk_analysis){table, total_ms(of, now), total_ms(of, with)}, error);
  pk_keep_outcome(of);
  return rc;
}

static bool lacks_statistics(const pk_copied_table *table) {
  return table->rows >= PK_FEW_ROWS &&
         (table->stat_rows < 0 || pk_table_is_stale(table));
}

static bool any_lacks_statistics(const pk_what_if *copy) {
  for (int i = 0; i < copy->table_count; i++)
    if (lacks_statistics(&copy->tables[i])) return true;
  return false;
}

static int time_before(pk_selection *of, int number, pk_error *error) {
  pk_evidence *evidence = &of->evidence[number];
  pk_timing *before = &of->state->current.timings[number];
  const char *sql = pk_statement_to_run(&of->workload->items[number]);
  int rc = pk_samples_take(&evidence->samples, of->proof->db, of->proof->copy,
                           sql, error);
  if (rc == SQLITE_OK)
    rc = pk_time_statement(of, number, pk_most_seconds(of, before), before,
                           error);
  return rc;
}

/* In thousands of statements, not all are run: those that scan most are. */
static int time_all_before(pk_selection *of, pk_error *error) {
  double stop_at = pk_proof_share(of->proof, BEFORE_SHARE);
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    int number = of->workload->order[i];
    if (!pk_statement_to_run(&of->workload->items[number])) continue;
    of->evidence[number].runs = pk_seconds() < stop_at;
    if (of->evidence[number].runs)
      rc = time_before(of, number, error);
    else
      of->not_run++;
  }
  return rc;
}

/* The workload as it is, and with statistics where they are missing. */
static int measure_before(pk_selection *of, pk_error *error) {
  int rc = time_all_before(of, error);
  if (rc == SQLITE_OK)
    rc = pk_evaluate(of, INFINITY, &of->state->current, error);
  for (int i = 0; i < of->workload->count; i++)
    of->evidence[i].before = of->state->current.timings[i];
  if (rc == SQLITE_OK && !of->late && any_lacks_statistics(of->proof->copy))
    rc = try_statistics(of, NULL, -INFINITY, error);
  return rc;
}

/* The statistics that were refused may serve, now that there are indexes; or
** those of some tables. */
static int reconsider_statistics(pk_selection *of, pk_error *error) {
  const pk_what_if *copy = of->proof->copy;
  if (!any_lacks_statistics(copy) || of->analysis_count > 0 || of->late)
    return SQLITE_OK;
  pk_want_accepted(of);
  int rc = pk_provide_wanted(of, error);
  if (rc == SQLITE_OK) rc = try_statistics(of, NULL, least_gain(of), error);
  if (of->analysis_count > 0) return rc;
  for (int i = 0; rc == SQLITE_OK && !of->late && i < copy->table_count; i++)
    if (lacks_statistics(&copy->tables[i]))
      rc = try_statistics(of, &copy->tables[i], least_gain(of), error);
  return rc;
}

int pk_select(pk_selection *of, pk_error *error) {
  int rc = sort_auditions(of, error);
  if (rc == SQLITE_OK) rc = prepare_state(of, error);
  if (rc == SQLITE_OK) rc = measure_before(of, error);
  if (rc == SQLITE_OK) rc = take_steps(of, error);
  if (rc == SQLITE_OK) rc = leave_out_superfluous(of, error);
  if (rc == SQLITE_OK) rc = reconsider_statistics(of, error);
  if (rc == SQLITE_OK) rc = conclude(of, error);
  return rc;
}

void pk_selection_free(pk_selection *of) {
  pk_select_state *all = of->state;
  for (int i = 0; of->evidence && i < of->workload->count; i++)
    pk_samples_free(&of->evidence[i].samples);
  sqlite3_free(of->evidence);
  sqlite3_free(of->analyses);
  of->evidence = NULL;
  of->analyses = NULL;
  if (!all) return;
  for (int i = 0; i < all->known_count; i++) sqlite3_free(all->known[i].plan);
  sqlite3_free(all->known);
  sqlite3_free(all->slots);
  sqlite3_free(all->heard);
  sqlite3_free(all->told);
  sqlite3_free(all->insert_seconds);
  sqlite3_free(all->current.timings);
  sqlite3_free(all->trial.timings);
  sqlite3_free(all);
  of->state = NULL;
}
