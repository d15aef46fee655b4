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
#define PAGE_MS 0.0002

/* What takes less cannot be told from what takes nothing. */
#define LEAST_MS 0.005

/* What one more index adds to inserting a row, about. */
#define WRITE_MS 0.005

/* A statement may take so much longer than before. */
#define MOST_SLOWER 1.1
#define NOISE_MS 0.1

/* The first run of a statement gets this share of the time that is left, and at
** most so many seconds; a trial little more than what it takes now, or a small
** share of what all statements take. */
#define FIRST_SHARE 0.1
#define MOST_FIRST_SECONDS 0.5
#define MOST_TRIAL_SECONDS 2.0
#define TRIAL_FACTOR 1.5
#define TRIAL_SHARE 0.05

/* A page at least: a set that adds nothing saves no more than a set can. */
#define LEAST_BYTES 4096.0

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
  double cost;   /* ms of all statements, weighted by calls */
  bool complete; /* all statements were run to their end */
  pk_timing *timings;
} outcome;

typedef struct pk_select_state {
  known_run *known;
  int known_count;
  slot *slots;     /* for each candidate of the pool */
  int *heard;      /* for each statement: up to which audition */
  bool *told;      /* and whether it was one of the last that were heard */
  outcome current; /* with the accepted ones */
  outcome trial;
  int round;
} state;

static double cost_of(const pk_timing *timing) {
  return fmax(timing->ms + (double)timing->pages * PAGE_MS, LEAST_MS);
}

static void *zeroed(int count, size_t size) {
  size_t bytes = ((size_t)count + 1) * size;
  void *made = sqlite3_malloc64(bytes);
  if (made) memset(made, 0, bytes);
  return made;
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
  known_run *known = find_known(all, statement, plan);
  if (known) {
    known->timing = *timing;
    sqlite3_free(plan);
    return SQLITE_OK;
  }
  known = pk_array_room(all->known, all->known_count, sizeof *known);
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

/* How long may a run take, if a statement takes so long now? */
static double most_seconds(const pk_selection *of, const pk_timing *now) {
  double left = seconds_left(of);
  double most = fmin(MOST_FIRST_SECONDS, left * FIRST_SHARE);
  double factor = now->stopped ? 1 : TRIAL_FACTOR;
  if (now->ms > 0)
    most = fmin(
        left,
        fmax(now->ms * factor, of->state->current.cost * TRIAL_SHARE) * 1e-3);
  return fmax(most, 0.001);
}

static bool is_slower(const pk_timing *now, const pk_timing *before) {
  return now->stopped
             ? !before->stopped || now->ms > before->ms * MOST_SLOWER
             : !before->stopped &&
                   cost_of(now) > cost_of(before) * MOST_SLOWER + NOISE_MS;
}

/* What is known of a statement with the indexes that are there: NULL where it
** was not run with its plan, or not for as long as `most`. The plan is given to
** the caller. */
static int recall(pk_selection *of, int number, double most, char **plan,
                  const known_run **known, pk_error *error) {
  const char *sql = pk_statement_to_run(&of->workload->items[number]);
  int rc = pk_proof_plan(of->proof, sql, plan, error);
  *known = rc == SQLITE_OK ? find_known(of->state, number, *plan) : NULL;
  if (*known && (*known)->timing.stopped && (*known)->timing.ms < most * 1e3)
    *known = NULL;
  return rc;
}

/* Runs a statement. What seems slower than before is run once more: it may have
** been disturbed. */
static int run_statement(pk_selection *of, int number, double most,
                         pk_timing *timing, pk_error *error) {
  const char *sql = pk_statement_to_run(&of->workload->items[number]);
  const pk_evidence *evidence = &of->evidence[number];
  pk_timing again;
  int rc =
      pk_proof_time(of->proof, sql, &evidence->samples, most, timing, error);
  if (rc != SQLITE_OK || evidence->before.ms <= 0 || timing->stopped ||
      !is_slower(timing, &evidence->before))
    return rc;
  rc = pk_proof_time(of->proof, sql, &evidence->samples, most, &again, error);
  if (rc == SQLITE_OK && again.ms < timing->ms) *timing = again;
  return rc;
}

/* Runs a statement, unless it was run with the same plan. */
static int time_statement(pk_selection *of, int number, double most,
                          pk_timing *timing, pk_error *error) {
  const known_run *known;
  char *plan;
  int rc = recall(of, number, most, &plan, &known, error);
  if (rc != SQLITE_OK) return rc;
  if (known) {
    *timing = known->timing;
    sqlite3_free(plan);
    return SQLITE_OK;
  }
  rc = run_statement(of, number, most, timing, error);
  if (rc == SQLITE_OK) return remember(of->state, number, plan, timing, error);
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

/* Takes what is known of all statements; of the others, what they take now. The
** sum of both is an estimate, that of what is known the least it can be. */
static int recall_all(pk_selection *of, outcome *out, bool *known,
                      double *estimate, pk_error *error) {
  int rc = SQLITE_OK;
  *estimate = out->cost;
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    const pk_timing *now = &of->state->current.timings[i];
    const known_run *run = NULL;
    char *plan = NULL;
    if (!of->evidence[i].runs) continue;
    rc = recall(of, i, most_seconds(of, now), &plan, &run, error);
    sqlite3_free(plan);
    known[i] = run != NULL;
    if (run) out->timings[i] = run->timing;
    double cost =
        of->workload->items[i].calls * cost_of(run ? &out->timings[i] : now);
    if (run) out->cost += cost;
    *estimate += cost;
  }
  return rc;
}

/* Runs the others. What is saved elsewhere may be spent: so much longer a run may
** take before it is stopped. */
static int run_others(pk_selection *of, double most, outcome *out,
                      const bool *known, double estimate, pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    const pk_timing *now = &of->state->current.timings[i];
    double calls = of->workload->items[i].calls;
    if (known[i] || !of->evidence[i].runs) continue;
    of->late = pk_proof_is_late(of->proof);
    out->complete = !of->late && out->cost <= most;
    if (!out->complete) return rc;
    double seconds = most_seconds(of, now);
    double spare = (cost_of(now) + (most - estimate) / calls) * 1e-3;
    if (now->ms > 0 && spare > seconds) seconds = fmin(spare, seconds_left(of));
    rc = time_statement(of, i, fmin(seconds, MOST_TRIAL_SECONDS),
                        &out->timings[i], error);
    double cost = calls * cost_of(&out->timings[i]);
    out->cost += cost;
    estimate += cost - calls * cost_of(now);
  }
  out->complete = out->cost <= most;
  return rc;
}

/* Times all statements with the indexes that are wanted. It is given up when it
** must cost more than `most`: then the outcome is not complete. After the
** deadline nothing is run. */
static int evaluate(pk_selection *of, double most, outcome *out,
                    pk_error *error) {
  double estimate;
  bool *known = zeroed(of->workload->count, sizeof *known);
  if (!known) return pk_fail_memory(error);
  int rc = provide_wanted(of, error);
  out->cost = cost_of_writing(of);
  out->complete = false;
  if (rc == SQLITE_OK) rc = recall_all(of, out, known, &estimate, error);
  if (rc == SQLITE_OK) rc = run_others(of, most, out, known, estimate, error);
  sqlite3_free(known);
  return rc;
}

/* How many statements are slower than before all advice? */
static int count_slower(const pk_selection *of, const outcome *with) {
  int count = 0;
  for (int i = 0; i < of->workload->count; i++)
    count += of->evidence[i].runs &&
             is_slower(&with->timings[i], &of->evidence[i].before);
  return count;
}

static void keep_outcome(pk_selection *of) {
  outcome kept = of->state->trial;
  of->state->trial = of->state->current;
  of->state->current = kept;
}

/* ---- each set on its own ---- */

/* What a step must save: its share, and more than what could be noise in a
** single statement. */
static double least_gain(const pk_selection *of) {
  double calls = 0;
  for (int i = 0; i < of->workload->count; i++)
    calls += of->workload->items[i].calls / of->workload->count;
  return fmax(of->limits.min_gain_ratio * of->state->current.cost,
              LEAST_MS * calls);
}

static void want_set(pk_selection *of, const pk_candidate_set *set) {
  want_accepted(of);
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
  pk_timing timing;
  want_set(of, set);
  int rc = provide_wanted(of, error);
  if (rc == SQLITE_OK)
    rc = time_statement(of, number, most_seconds(of, best), &timing, error);
  if (rc != SQLITE_OK || timing.stopped) return rc;
  if (timing.ms < best->ms) *best = timing;
  double gain = cost_of(now) - cost_of(&timing);
  if (gain > 0) raise_hopes(of, set, gain * of->workload->items[number].calls);
  return SQLITE_OK;
}

static int width_of(const pk_selection *of, const pk_candidate_set *set) {
  int width = 0;
  for (int i = 0; i < set->count; i++)
    width += of->pool->items[set->members[i]].key.width;
  return width;
}

/* The narrowest sets come first. */
static void sort_auditions(pk_selection *of) {
  pk_audition *list = of->sets->auditions;
  for (int i = 1; i < of->sets->audition_count; i++) {
    pk_audition moved = list[i];
    int width = width_of(of, &of->sets->items[moved.set]), place = i;
    for (; place > 0 &&
           width_of(of, &of->sets->items[list[place - 1].set]) > width;
         place--)
      list[place] = list[place - 1];
    list[place] = moved;
  }
}

/* Until nothing worth mentioning is left to save: then the wider sets are not
** even built. They are heard later if the narrower ones prove to be of no use to
** the workload. */
static int hold_auditions_for(pk_selection *of, int statement,
                              pk_error *error) {
  const pk_candidate_sets *sets = of->sets;
  int *heard = &of->state->heard[statement];
  pk_timing best = of->state->current.timings[statement];
  double calls = of->workload->items[statement].calls;
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && *heard < sets->audition_count &&
         cost_of(&best) * calls > least_gain(of)) {
    const pk_audition *audition = &sets->auditions[(*heard)++];
    if (audition->statement != statement) continue;
    of->late = pk_proof_is_late(of->proof);
    if (of->late) return rc;
    rc = hold_audition(of, audition, &best, error);
  }
  return rc;
}

/* The most expensive statement of which not all sets were heard, and that takes
** more than the least that a step is to save; -1 for none. */
static int next_statement(const pk_selection *of) {
  int next = -1;
  double most = least_gain(of);
  for (int i = 0; i < of->workload->count; i++) {
    if (of->state->heard[i] == of->sets->audition_count || of->state->told[i] ||
        !of->evidence[i].runs)
      continue;
    double cost =
        cost_of(&of->state->current.timings[i]) * of->workload->items[i].calls;
    if (cost > most) {
      next = i;
      most = cost;
    }
  }
  return next;
}

/* Hears the most expensive statements, which together take at least half of the
** time. */
static int hold_auditions(pk_selection *of, bool *any, pk_error *error) {
  int statement, rc = SQLITE_OK;
  double heard = 0;
  memset(of->state->told, 0, (size_t)of->workload->count);
  while (rc == SQLITE_OK && !of->late && heard < of->state->current.cost / 2 &&
         (statement = next_statement(of)) >= 0) {
    of->state->told[statement] = true;
    heard += cost_of(&of->state->current.timings[statement]) *
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

/* How much a step saves for each byte; 0 where it is not to be taken. */
static int try_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  double most = of->state->current.cost - least_gain(of);
  set->tried_in = of->state->round;
  set->ratio = 0;
  if (!want_step(of, set) || !is_within_limits(of)) return SQLITE_OK;
  int rc = evaluate(of, most, &of->state->trial, error);
  if (rc != SQLITE_OK || !of->state->trial.complete) return rc;
  sqlite3_int64 bytes = wanted_bytes(of);
  want_accepted(of);
  bytes -= wanted_bytes(of);
  set->ratio = (of->state->current.cost - of->state->trial.cost) /
               fmax((double)bytes, LEAST_BYTES);
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

/* Makes the indexes that are wanted the accepted ones. */
static int accept_wanted(pk_selection *of, pk_error *error) {
  int rc = evaluate(of, INFINITY, &of->state->trial, error);
  if (rc != SQLITE_OK || of->late) return rc;
  keep_outcome(of);
  for (int i = 0; i < of->pool->count; i++)
    of->pool->items[i].accepted = of->state->slots[i].wanted;
  of->state->round++;
  return SQLITE_OK;
}

static int take_step(pk_selection *of, pk_candidate_set *set, pk_error *error) {
  want_step(of, set);
  set->ratio = 0;
  return accept_wanted(of, error);
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
  bool *tried = zeroed(of->pool->count, sizeof *tried);
  if (!tried) return pk_fail_memory(error);
  while (rc == SQLITE_OK && !of->late && (number = largest(of, tried)) >= 0) {
    double most = of->state->current.cost + least_gain(of);
    int slower = count_slower(of, &of->state->current);
    tried[number] = true;
    want_accepted(of);
    of->state->slots[number].wanted = false;
    rc = evaluate(of, most, &of->state->trial, error);
    if (rc == SQLITE_OK && of->state->trial.complete &&
        count_slower(of, &of->state->trial) <= slower)
      rc = accept_wanted(of, error);
  }
  sqlite3_free(tried);
  return rc;
}

/* ---- no statement is to get slower ---- */

/* What may be changed so that fewer statements are slower than before: a set is
** added, or an index left out again. */
typedef struct remedy {
  const pk_candidate_set *added; /* or NULL */
  int left_out;                  /* or -1 */
  double cost;
  int slower;
} remedy;

static void want_remedy(pk_selection *of, const remedy *change) {
  if (change->added)
    want_step(of, change->added);
  else
    want_accepted(of);
  if (change->left_out >= 0) of->state->slots[change->left_out].wanted = false;
}

/* Keeps the better of two remedies: fewer statements that are slower, then the
** lower cost. */
static int consider(pk_selection *of, remedy change, remedy *best,
                    pk_error *error) {
  want_remedy(of, &change);
  if (of->late || !is_within_limits(of)) return SQLITE_OK;
  int rc = evaluate(of, INFINITY, &of->state->trial, error);
  if (rc != SQLITE_OK || !of->state->trial.complete) return rc;
  change.cost = of->state->trial.cost;
  change.slower = count_slower(of, &of->state->trial);
  if (change.slower < best->slower ||
      (change.slower == best->slower && change.cost < best->cost))
    *best = change;
  return SQLITE_OK;
}

static int find_remedy(pk_selection *of, remedy *best, pk_error *error) {
  const pk_candidate_sets *sets = of->sets;
  int rc = SQLITE_OK;
  *best = (remedy){.left_out = -1,
                   .slower = count_slower(of, &of->state->current),
                   .cost = 0};
  for (int i = 0; rc == SQLITE_OK && i < sets->audition_count; i++) {
    int statement = sets->auditions[i].statement;
    if (is_slower(&of->state->current.timings[statement],
                  &of->evidence[statement].before))
      rc = consider(of,
                    (remedy){.added = &sets->items[sets->auditions[i].set],
                             .left_out = -1},
                    best, error);
  }
  for (int i = 0; rc == SQLITE_OK && i < of->pool->count; i++)
    if (of->pool->items[i].accepted)
      rc = consider(of, (remedy){.left_out = i}, best, error);
  return rc;
}

static int remedy_slower(pk_selection *of, pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && !of->late &&
         count_slower(of, &of->state->current) > 0) {
    remedy best;
    rc = find_remedy(of, &best, error);
    if (rc != SQLITE_OK || (!best.added && best.left_out < 0)) return rc;
    want_remedy(of, &best);
    rc = accept_wanted(of, error);
  }
  return rc;
}

/* ---- afterwards ---- */

bool pk_select_slows(const pk_selection *of, int statement) {
  const pk_evidence *evidence = &of->evidence[statement];
  return evidence->runs && is_slower(&evidence->after, &evidence->before);
}

int pk_select_spares(pk_selection *of, const char *index, bool *spared,
                     pk_error *error) {
  want_accepted(of);
  int rc = provide_wanted(of, error);
  *spared = false;
  if (rc == SQLITE_OK) rc = pk_proof_put_aside(of->proof, index, error);
  if (rc == SQLITE_OK) rc = pk_proof_settle(of->proof, error);
  if (rc == SQLITE_OK)
    rc = evaluate(of, of->state->current.cost + least_gain(of),
                  &of->state->trial, error);
  if (rc != SQLITE_OK) return rc;
  *spared =
      of->state->trial.complete && count_slower(of, &of->state->trial) <=
                                       count_slower(of, &of->state->current);
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

static int prepare_state(pk_selection *of, pk_error *error) {
  int count = of->workload->count;
  state *all = of->state = zeroed(1, sizeof *all);
  of->evidence = zeroed(count, sizeof *of->evidence);
  if (!all || !of->evidence) return pk_fail_memory(error);
  all->slots = zeroed(of->pool->count, sizeof *all->slots);
  all->heard = zeroed(count, sizeof *all->heard);
  all->told = zeroed(count, sizeof *all->told);
  all->current.timings = zeroed(count, sizeof(pk_timing));
  all->trial.timings = zeroed(count, sizeof(pk_timing));
  if (!all->slots || !all->heard || !all->told || !all->current.timings ||
      !all->trial.timings)
    return pk_fail_memory(error);
  all->round = 1;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < count; i++) {
    const pk_statement *one = &of->workload->items[i];
    const char *sql = pk_statement_to_run(one);
    of->evidence[i].runs = sql != NULL;
    if (of->evidence[i].runs)
      rc = pk_samples_take(&of->evidence[i].samples, of->proof->db,
                           of->proof->copy, sql, error);
  }
  return rc;
}

static double total_ms(const pk_selection *of, const outcome *all) {
  double ms = 0;
  for (int i = 0; i < of->workload->count; i++)
    if (of->evidence[i].runs) ms += all->timings[i].ms;
  return ms;
}

/* The workload as it is, and with statistics where they are missing. */
static int measure_before(pk_selection *of, pk_error *error) {
  state *all = of->state;
  size_t count = (size_t)of->workload->count;
  int rc = evaluate(of, INFINITY, &all->current, error);
  memcpy(all->trial.timings, all->current.timings, count * sizeof(pk_timing));
  if (rc == SQLITE_OK && of->analyze && !of->late) {
    of->analyze_before_ms = total_ms(of, &all->current);
    memset(all->current.timings, 0, count * sizeof(pk_timing));
    rc = pk_proof_analyze(of->proof, error);
    if (rc == SQLITE_OK) rc = evaluate(of, INFINITY, &all->current, error);
    of->analyze_after_ms = total_ms(of, &all->current);
  }
  for (size_t i = 0; i < count; i++)
    of->evidence[i].before = all->trial.timings[i];
  return rc;
}

int pk_select(pk_selection *of, pk_error *error) {
  sort_auditions(of);
  int rc = prepare_state(of, error);
  if (rc == SQLITE_OK) rc = measure_before(of, error);
  if (rc == SQLITE_OK) rc = take_steps(of, error);
  if (rc == SQLITE_OK) rc = leave_out_superfluous(of, error);
  if (rc == SQLITE_OK) rc = remedy_slower(of, error);
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
  sqlite3_free(all->heard);
  sqlite3_free(all->told);
  sqlite3_free(all->current.timings);
  sqlite3_free(all->trial.timings);
  sqlite3_free(all);
  of->state = NULL;
}
