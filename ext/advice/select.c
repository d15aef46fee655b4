/* select.c: see select.h. */
#include "select.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/sql.h"
#include "../base/token.h"

/* A page that a run requests costs more when it is not in memory: so much is
** added to its time, which was taken with all in memory. */
#define PAGE_MS 0.0005

/* What one more index adds to inserting a row, about. */
#define WRITE_MS 0.005

/* A statement may take so much longer than before. */
#define MOST_SLOWER 1.1
#define NOISE_MS 0.1

/* The first run of a statement gets this share of the time that is left, and at
** most so many seconds; a trial little more than what it takes now. */
#define FIRST_SHARE 0.1
#define MOST_FIRST_SECONDS 2.0
#define TRIAL_FACTOR 1.5
#define TRIAL_SECONDS 0.02

/* A run that was made: a statement with a plan takes so long. */
typedef struct known_run {
  int statement;
  char *plan;
  pk_timing timing;
} known_run;

typedef struct slot {
  bool wanted, built, present;
} slot;

/* The workload with some set of indexes. */
typedef struct outcome {
  double cost; /* ms of all statements, weighted by calls */
  bool allowed;
  pk_timing *timings;
} outcome;

typedef struct pk_select_state {
  known_run *known;
  int known_count;
  slot *slots;     /* for each candidate of the pool */
  outcome current; /* with the accepted ones */
  outcome trial;
  int round;
} state;

static double cost_of(const pk_timing *timing) {
  return timing->ms + (double)timing->pages * PAGE_MS;
}

/* ---- running ---- */

static known_run *find_known(const state *all, int statement,
                             const char *plan) {
  for (int i = 0; i < all->known_count; i++)
    if (all->known[i].statement == statement &&
        strcmp(all->known[i].plan, plan) == 0)
      return &all->known[i];
  return NULL;
}

/* Takes the plan over. */
static int remember(state *all, int statement, char *plan,
                    const pk_timing *timing, pk_error *error) {
  known_run *known = pk_array_room(all->known, all->known_count, sizeof *known);
  if (!known) {
    sqlite3_free(plan);
    return pk_fail_memory(error);
  }
  all->known = known;
  known[all->known_count++] = (known_run){statement, plan, *timing};
  return SQLITE_OK;
}

static double seconds_left(const pk_selection *of) {
  return of->proof->deadline - pk_seconds();
}

/* How long may this run take? */
static double most_seconds(const pk_selection *of, int statement) {
  double left = seconds_left(of);
  const pk_timing *now = &of->state->current.timings[statement];
  double most = fmin(MOST_FIRST_SECONDS, left * FIRST_SHARE);
  if (now->pages > 0 || now->ms > 0)
    most = fmin(left, now->ms * TRIAL_FACTOR * 1e-3 + TRIAL_SECONDS);
  return fmax(most, 0.001);
}

static bool is_slower(const pk_timing *now, const pk_timing *before) {
  return now->stopped
             ? !before->stopped || now->ms > before->ms * MOST_SLOWER
             : !before->stopped &&
                   cost_of(now) > cost_of(before) * MOST_SLOWER + NOISE_MS;
}

/* Runs a statement, unless it was run with the same plan. What seems slower
** than before is run once more: it may have been disturbed. */
static int time_statement(pk_selection *of, int number, pk_timing *timing,
                          pk_error *error) {
  state *all = of->state;
  const char *sql = of->workload->items[number].sql;
  pk_evidence *evidence = &of->evidence[number];
  char *plan;
  int rc = pk_proof_plan(of->proof, sql, &plan, error);
  if (rc != SQLITE_OK) return rc;
  const known_run *known = find_known(all, number, plan);
  if (known) {
    *timing = known->timing;
    sqlite3_free(plan);
    return SQLITE_OK;
  }
  double most = most_seconds(of, number);
  rc = pk_proof_time(of->proof, sql, &evidence->samples, most, timing, error);
  if (rc == SQLITE_OK && evidence->before.ms > 0 && !timing->stopped &&
      is_slower(timing, &evidence->before)) {
    pk_timing again;
    rc = pk_proof_time(of->proof, sql, &evidence->samples, most, &again, error);
    if (rc == SQLITE_OK && again.ms < timing->ms) *timing = again;
  }
  if (rc == SQLITE_OK) return remember(all, number, plan, timing, error);
  sqlite3_free(plan);
  return rc;
}

/* ---- indexes that are there or not ---- */

static int provide(pk_selection *of, int number, bool *changed,
                   pk_error *error) {
  slot *place = &of->state->slots[number];
  pk_candidate *index = &of->pool->items[number];
  if (place->wanted == place->present) return SQLITE_OK;
  *changed = true;
  place->present = place->wanted;
  if (!place->wanted) return pk_proof_put_aside(of->proof, index->name, error);
  if (place->built) return pk_proof_bring_back(of->proof, index->name, error);
  place->built = true;
  return pk_proof_build(of->proof, index, error);
}

/* Those that go, go first: so nothing is built beside what is not wanted. */
static int provide_wanted(pk_selection *of, pk_error *error) {
  bool changed = false;
  int rc = SQLITE_OK;
  for (int wanted = 0; wanted < 2; wanted++)
    for (int i = 0; rc == SQLITE_OK && i < of->pool->count; i++)
      if (of->state->slots[i].wanted == wanted)
        rc = provide(of, i, &changed, error);
  if (rc == SQLITE_OK && changed) rc = pk_proof_settle(of->proof, error);
  return rc;
}

static sqlite3_int64 wanted_bytes(const pk_selection *of) {
  sqlite3_int64 bytes = 0;
  for (int i = 0; i < of->pool->count; i++)
    if (of->state->slots[i].wanted) bytes += of->pool->items[i].bytes;
  return bytes;
}

static int wanted_count(const pk_selection *of) {
  int count = 0;
  for (int i = 0; i < of->pool->count; i++) count += of->state->slots[i].wanted;
  return count;
}

static void want_accepted(pk_selection *of) {
  for (int i = 0; i < of->pool->count; i++)
    of->state->slots[i].wanted = of->pool->items[i].accepted;
}

/* ---- what a set of indexes costs ---- */

/* INSERT INTO t, UPDATE t, DELETE FROM t: the first name of a table. */
static bool writes_to(const pk_statement *one, const pk_copied_table *table) {
  pk_token token;
  const char *rest = one->sql;
  if (!one->writes) return false;
  for (int i = 0; i < 5 && (rest = pk_token_next(rest, &token)); i++)
    if (pk_token_names(&token, table->name)) return true;
  return false;
}

static double cost_of_writing(const pk_selection *of) {
  double ms = 0;
  for (int i = 0; i < of->pool->count; i++) {
    if (!of->state->slots[i].wanted) continue;
    for (int j = 0; j < of->workload->count; j++)
      if (writes_to(&of->workload->items[j], of->pool->items[i].table))
        ms += of->workload->items[j].calls * WRITE_MS;
  }
  return ms;
}

/* Times all statements with the indexes that are wanted. After the deadline
** nothing is run, and the outcome is not allowed. */
static int evaluate(pk_selection *of, outcome *out, pk_error *error) {
  int rc = provide_wanted(of, error);
  out->allowed = true;
  out->cost = cost_of_writing(of);
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    const pk_timing *before = &of->evidence[i].before;
    if (!of->evidence[i].runs) continue;
    if (pk_proof_is_late(of->proof)) {
      of->late = true;
      out->allowed = false;
      return SQLITE_OK;
    }
    rc = time_statement(of, i, &out->timings[i], error);
    out->cost += of->workload->items[i].calls * cost_of(&out->timings[i]);
    if (before->ms > 0 && is_slower(&out->timings[i], before) &&
        cost_of(&out->timings[i]) > cost_of(&of->state->current.timings[i]))
      out->allowed = false;
  }
  return rc;
}

static void keep_outcome(pk_selection *of) {
  outcome kept = of->state->trial;
  of->state->trial = of->state->current;
  of->state->current = kept;
}

/* ---- one step ---- */

/* Adds a set to what is accepted, in place of those that its members begin
** with. False where that is nothing new. */
static bool want_step(pk_selection *of, const pk_candidate_set *set) {
  bool any_new = false;
  want_accepted(of);
  for (int i = 0; i < set->count; i++) {
    slot *place = &of->state->slots[set->members[i]];
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
  return wanted_count(of) <= of->limits.max_indexes &&
         wanted_bytes(of) <= of->limits.budget_bytes;
}

static double least_gain(const pk_selection *of) {
  return of->limits.min_gain_ratio * of->state->current.cost;
}

/* How much a step saves for each byte; 0 where it is not to be taken. */
static int try_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  set->tried_in = of->state->round;
  set->ratio = 0;
  if (!want_step(of, set)) return SQLITE_OK;
  int rc = evaluate(of, &of->state->trial, error);
  double gain = of->state->current.cost - of->state->trial.cost;
  if (rc != SQLITE_OK || !of->state->trial.allowed || gain <= least_gain(of) ||
      !is_within_limits(of))
    return rc;
  sqlite3_int64 bytes = wanted_bytes(of);
  want_accepted(of);
  bytes -= wanted_bytes(of);
  set->ratio = gain / fmax((double)bytes, 4096);
  return SQLITE_OK;
}

static pk_candidate_set *most_promising(const pk_selection *of) {
  pk_candidate_set *best = NULL;
  for (int i = 0; i < of->sets->count; i++) {
    pk_candidate_set *set = &of->sets->items[i];
    if (set->ratio > 0 && (!best || set->ratio > best->ratio)) best = set;
  }
  return best;
}

static int take_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  want_step(of, set);
  int rc = evaluate(of, &of->state->trial, error);
  if (rc != SQLITE_OK || of->late) return rc;
  keep_outcome(of);
  for (int i = 0; i < of->pool->count; i++)
    of->pool->items[i].accepted = of->state->slots[i].wanted;
  set->ratio = 0;
  of->state->round++;
  return SQLITE_OK;
}

static int take_steps(pk_selection *of, pk_error *error) {
  int rc = SQLITE_OK;
  pk_candidate_set *set;
  while (rc == SQLITE_OK && !of->late && (set = most_promising(of)))
    rc = set->tried_in == of->state->round ? take_step(of, set, error)
                                           : try_step(of, set, error);
  return rc;
}

/* ---- afterwards ---- */

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
  size_t bytes = (size_t)of->pool->count + 1;
  bool *tried = sqlite3_malloc64(bytes);
  if (!tried) return pk_fail_memory(error);
  memset(tried, 0, bytes);
  while (rc == SQLITE_OK && !of->late && (number = largest(of, tried)) >= 0) {
    tried[number] = true;
    want_accepted(of);
    of->state->slots[number].wanted = false;
    rc = evaluate(of, &of->state->trial, error);
    if (rc != SQLITE_OK || !of->state->trial.allowed ||
        of->state->trial.cost > of->state->current.cost + least_gain(of))
      continue;
    of->pool->items[number].accepted = false;
    keep_outcome(of);
  }
  sqlite3_free(tried);
  return rc;
}

int pk_select_spares(pk_selection *of, const char *index, bool *spared,
                     pk_error *error) {
  want_accepted(of);
  int rc = provide_wanted(of, error);
  *spared = false;
  if (rc == SQLITE_OK) rc = pk_proof_put_aside(of->proof, index, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(of->proof, error);
  if (rc == SQLITE_OK) rc = evaluate(of, &of->state->trial, error);
  if (rc != SQLITE_OK) return rc;
  *spared = of->state->trial.allowed &&
            of->state->trial.cost <= of->state->current.cost + least_gain(of);
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
  want_accepted(of);
  int rc = provide_wanted(of, error);
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

static void *zeroed(int count, size_t size) {
  size_t bytes = ((size_t)count + 1) * size;
  void *made = sqlite3_malloc64(bytes);
  if (made) memset(made, 0, bytes);
  return made;
}

static int prepare_state(pk_selection *of, pk_error *error) {
  int count = of->workload->count;
  state *all = of->state = zeroed(1, sizeof *all);
  of->evidence = zeroed(count, sizeof *of->evidence);
  if (!all || !of->evidence) return pk_fail_memory(error);
  all->slots = zeroed(of->pool->count, sizeof *all->slots);
  all->current.timings = zeroed(count, sizeof(pk_timing));
  all->trial.timings = zeroed(count, sizeof(pk_timing));
  if (!all->slots || !all->current.timings || !all->trial.timings)
    return pk_fail_memory(error);
  all->round = 1;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < count; i++) {
    const pk_statement *one = &of->workload->items[i];
    of->evidence[i].runs = !one->left_out && !one->writes;
    if (of->evidence[i].runs)
      rc = pk_samples_take(&of->evidence[i].samples, of->proof->db,
                           of->proof->copy, one->sql, error);
  }
  return rc;
}

static double total_ms(const pk_selection *of, const outcome *all) {
  double ms = 0;
  for (int i = 0; i < of->workload->count; i++)
    if (of->evidence[i].runs) ms += all->timings[i].ms;
  return ms;
}

static int measure_before(pk_selection *of, pk_error *error) {
  int rc = evaluate(of, &of->state->current, error);
  for (int i = 0; i < of->workload->count; i++)
    of->evidence[i].before = of->state->current.timings[i];
  if (rc != SQLITE_OK || !of->analyze || of->late) return rc;
  of->analyze_before_ms = total_ms(of, &of->state->current);
  memset(of->state->current.timings, 0, /* the next runs are first runs too */
         (size_t)of->workload->count * sizeof(pk_timing));
  rc = pk_proof_analyze(of->proof, error);
  if (rc == SQLITE_OK) rc = evaluate(of, &of->state->trial, error);
  if (rc != SQLITE_OK || of->late) return rc;
  of->analyze_after_ms = total_ms(of, &of->state->trial);
  keep_outcome(of);
  return SQLITE_OK;
}

int pk_select(pk_selection *of, pk_error *error) {
  for (int i = 0; i < of->sets->count; i++) of->sets->items[i].ratio = INFINITY;
  int rc = prepare_state(of, error);
  if (rc == SQLITE_OK) rc = measure_before(of, error);
  if (rc == SQLITE_OK) rc = take_steps(of, error);
  if (rc == SQLITE_OK) rc = leave_out_superfluous(of, error);
  if (rc == SQLITE_OK) rc = conclude(of, error);
  return rc;
}

void pk_selection_free(pk_selection *of) {
  state *all = of->state;
  for (int i = 0; of->evidence && i < of->workload->count; i++)
    pk_samples_free(&of->evidence[i].samples);
  sqlite3_free(of->evidence);
  of->evidence = NULL;
  if (!all) return;
  for (int i = 0; i < all->known_count; i++) sqlite3_free(all->known[i].plan);
  sqlite3_free(all->known);
  sqlite3_free(all->slots);
  sqlite3_free(all->current.timings);
  sqlite3_free(all->trial.timings);
  sqlite3_free(all);
  of->state = NULL;
}
