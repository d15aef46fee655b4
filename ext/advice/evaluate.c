/* evaluate.c: see evaluate.h. */
#include "evaluate.h"

#include <math.h>
#include <string.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "insert_cost.h"

/* A page that a run requests costs more when it is not in memory: so much is
** added to its time, which was taken with all in memory. */
#define PAGE_MS 0.0002

/* What takes less cannot be told from what takes nothing. */
#define LEAST_MS 0.005

/* What was stopped would have taken longer, nobody knows how much. */
#define STOPPED_FACTOR 8

/* What one more index adds to inserting a row, about. */
#define WRITE_MS 0.005

/* A statement may take so much longer than before. */
#define MOST_SLOWER 1.1
#define NOISE_MS 0.1

/* No run takes longer than this, nor than a share of the time that is left. A
** trial gets little more than what the statement takes now, or a small share of
** what all statements take. */
#define MOST_SECONDS 0.5
#define FIRST_SHARE 0.1
#define TRIAL_FACTOR 1.5
#define TRIAL_SHARE 0.05

double pk_cost_of(const pk_timing *timing) {
  double cost = timing->ms + (double)timing->pages * PAGE_MS;
  return fmax(timing->stopped ? cost * STOPPED_FACTOR : cost, LEAST_MS);
}

void *pk_zeroed(int count, size_t size) {
  size_t bytes = ((size_t)count + 1) * size;
  void *made = sqlite3_malloc64(bytes);
  if (made) memset(made, 0, bytes);
  return made;
}

/* ---- running ---- */

static pk_known_run *find_known(const pk_select_state *all, int statement,
                                const char *plan) {
  for (int i = 0; i < all->known_count; i++)
    if (all->known[i].statement == statement &&
        strcmp(all->known[i].plan, plan) == 0)
      return &all->known[i];
  return NULL;
}

/* Takes the plan over. */
static int remember(pk_select_state *all, int statement, char *plan,
                    const pk_timing *timing, pk_error *error) {
  pk_known_run *known = find_known(all, statement, plan);
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
  known[all->known_count++] = (pk_known_run){statement, plan, *timing};
  return SQLITE_OK;
}

static double seconds_left(const pk_selection *of) {
  return of->proof->deadline - pk_seconds();
}

double pk_most_seconds(const pk_selection *of, const pk_timing *now) {
  double most = fmin(MOST_SECONDS, seconds_left(of) * FIRST_SHARE);
  double trial_ms =
      fmax(now->ms * TRIAL_FACTOR, of->state->current.cost * TRIAL_SHARE);
  if (now->ms > 0) most = fmin(most, trial_ms * 1e-3);
  return fmax(most, 0.001);
}

bool pk_is_slower(const pk_timing *now, const pk_timing *before) {
  return now->stopped ? !before->stopped || now->ms > before->ms * MOST_SLOWER
                      : !before->stopped &&
                            now->ms > before->ms * MOST_SLOWER + NOISE_MS;
}

/* What is known of a statement with the indexes that are there: NULL where it
** was not run with its plan, or not for as long as `most`. The plan is given to
** the caller. */
static int recall(pk_selection *of, int number, double most, char **plan,
                  const pk_known_run **known, pk_error *error) {
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
      !pk_is_slower(timing, &evidence->before))
    return rc;
  rc = pk_proof_time(of->proof, sql, &evidence->samples, most, &again, error);
  if (rc == SQLITE_OK && again.ms < timing->ms) *timing = again;
  return rc;
}

/* Runs a statement, unless it was run with the same plan. */
int pk_time_statement(pk_selection *of, int number, double most,
                      pk_timing *timing, pk_error *error) {
  const pk_known_run *known;
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
  pk_slot *place = &of->state->slots[number];
  pk_candidate *index = &of->pool->items[number];
  int rc;
  if (place->wanted == place->present) return SQLITE_OK;
  *changed = true;
  if (!place->wanted)
    rc = pk_proof_put_aside(of->proof, index->name, error);
  else if (place->built)
    rc = pk_proof_bring_back(of->proof, index->name, error);
  else
    rc = pk_proof_build(of->proof, index, &place->built, error);
  place->present = place->wanted && place->built;
  return rc;
}

/* Those that go, go first: so nothing is built beside what is not wanted. */
int pk_provide_wanted(pk_selection *of, pk_error *error) {
  bool changed = false;
  int rc = SQLITE_OK;
  for (int wanted = 0; wanted < 2; wanted++)
    for (int i = 0; rc == SQLITE_OK && i < of->pool->count; i++)
      if (of->state->slots[i].wanted == wanted)
        rc = provide(of, i, &changed, error);
  if (rc == SQLITE_OK && changed) rc = pk_proof_settle(of->proof, error);
  return rc;
}

sqlite3_int64 pk_wanted_bytes(const pk_selection *of) {
  sqlite3_int64 bytes = 0;
  for (int i = 0; i < of->pool->count; i++)
    if (of->state->slots[i].wanted) bytes += of->pool->items[i].bytes;
  return bytes;
}

int pk_wanted_count(const pk_selection *of) {
  int count = 0;
  for (int i = 0; i < of->pool->count; i++) count += of->state->slots[i].wanted;
  return count;
}

void pk_want_accepted(pk_selection *of) {
  for (int i = 0; i < of->pool->count; i++)
    of->state->slots[i].wanted = of->pool->items[i].accepted;
}

/* ---- what a set of indexes costs ---- */

double pk_writes_to(const pk_selection *of, const pk_copied_table *table) {
  double calls = 0;
  for (int i = 0; i < of->workload->count; i++)
    if (of->workload->items[i].written == table)
      calls += of->workload->items[i].calls;
  return calls;
}

static double cost_of_writing(const pk_selection *of) {
  double ms = 0;
  for (int i = 0; i < of->pool->count; i++)
    if (of->state->slots[i].wanted)
      ms += pk_writes_to(of, of->pool->items[i].table) * WRITE_MS;
  return ms;
}

/* Takes what is known of all statements; of the others, what they take now. The
** sum of both is an estimate, that of what is known the least it can be. */
static int recall_all(pk_selection *of, pk_outcome *out, bool *known,
                      double *estimate, pk_error *error) {
  int rc = SQLITE_OK;
  *estimate = out->cost;
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    const pk_timing *now = &of->state->current.timings[i];
    const pk_known_run *run = NULL;
    char *plan = NULL;
    if (!of->evidence[i].runs) continue;
    rc = recall(of, i, pk_most_seconds(of, now), &plan, &run, error);
    sqlite3_free(plan);
    known[i] = run != NULL;
    if (run) out->timings[i] = run->timing;
    double cost =
        of->workload->items[i].calls * pk_cost_of(run ? &out->timings[i] : now);
    if (run) out->cost += cost;
    *estimate += cost;
  }
  return rc;
}

/* Runs the others. What is saved elsewhere may be spent: so much longer a run
** may take before it is stopped. */
static int run_others(pk_selection *of, double most, pk_outcome *out,
                      const bool *known, double estimate, pk_error *error) {
  double most_lost = 0;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < of->workload->count; i++) {
    const pk_timing *now = &of->state->current.timings[i];
    double calls = of->workload->items[i].calls;
    if (known[i] || !of->evidence[i].runs) continue;
    of->late = pk_proof_is_late(of->proof);
    out->complete = !of->late && out->cost <= most;
    if (!out->complete) return rc;
    double seconds = pk_most_seconds(of, now);
    double spare = (pk_cost_of(now) + (most - estimate) / calls) * 1e-3;
    if (now->ms > 0) seconds = fmin(fmax(seconds, spare), MOST_SECONDS);
    rc = pk_time_statement(of, i, seconds, &out->timings[i], error);
    double cost = calls * pk_cost_of(&out->timings[i]);
    double lost = cost - calls * pk_cost_of(now);
    out->cost += cost;
    estimate += lost;
    if (lost > most_lost) {
      most_lost = lost;
      out->spoiler = i;
    }
  }
  out->complete = out->cost <= most;
  return rc;
}

/* Times all statements with the indexes that are wanted. It is given up when it
** must cost more than `most`: then the outcome is not complete. After the
** deadline nothing is run. */
int pk_evaluate(pk_selection *of, double most, pk_outcome *out,
                pk_error *error) {
  double estimate = 0;
  bool *known = pk_zeroed(of->workload->count, sizeof *known);
  if (!known) return pk_fail_memory(error);
  int rc = pk_provide_wanted(of, error);
  out->cost = cost_of_writing(of);
  out->complete = false;
  out->spoiler = -1;
  of->late |= pk_proof_is_late(of->proof);
  if (rc == SQLITE_OK && !of->late)
    rc = recall_all(of, out, known, &estimate, error);
  if (rc == SQLITE_OK && !of->late)
    rc = run_others(of, most, out, known, estimate, error);
  sqlite3_free(known);
  return rc;
}

/* How many statements are slower than before all advice? */
int pk_count_slower(const pk_selection *of, const pk_outcome *with) {
  int count = 0;
  for (int i = 0; i < of->workload->count; i++)
    count += of->evidence[i].runs &&
             pk_is_slower(&with->timings[i], &of->evidence[i].before);
  return count;
}

int pk_slowest(const pk_selection *of, const pk_outcome *with) {
  int slowest = -1;
  double most = 0;
  for (int i = 0; i < of->workload->count; i++) {
    const pk_timing *before = &of->evidence[i].before;
    if (!of->evidence[i].runs || !pk_is_slower(&with->timings[i], before))
      continue;
    double lost = pk_cost_of(&with->timings[i]) - pk_cost_of(before);
    if (slowest >= 0 && lost <= most) continue;
    slowest = i;
    most = lost;
  }
  return slowest;
}

void pk_keep_outcome(pk_selection *of) {
  pk_outcome kept = of->state->trial;
  of->state->trial = of->state->current;
  of->state->current = kept;
}

/* ---- what they cost those who write ---- */

static int measure_bare(pk_selection *of, const pk_copied_table *table,
                        double *seconds, pk_error *error) {
  for (int i = 0; i < of->pool->count; i++) {
    pk_slot *place = &of->state->slots[i];
    place->kept = place->wanted;
    place->wanted &= of->pool->items[i].table != table;
  }
  int rc = pk_provide_wanted(of, error);
  if (rc == SQLITE_OK) rc = pk_insert_seconds(of->proof, table, seconds, error);
  if (*seconds == 0) *seconds = -1;
  for (int i = 0; i < of->pool->count; i++)
    of->state->slots[i].wanted = of->state->slots[i].kept;
  return rc;
}

int pk_insert_ratio(pk_selection *of, const pk_copied_table *table,
                    double *ratio, pk_error *error) {
  double *bare = &of->state->insert_seconds[table - of->proof->copy->tables];
  double seconds = 0;
  int rc = *bare == 0 ? measure_bare(of, table, bare, error) : SQLITE_OK;
  *ratio = 0;
  if (rc != SQLITE_OK || *bare < 0) return rc;
  rc = pk_provide_wanted(of, error);
  if (rc == SQLITE_OK)
    rc = pk_insert_seconds(of->proof, table, &seconds, error);
  *ratio = seconds / *bare;
  return rc;
}
