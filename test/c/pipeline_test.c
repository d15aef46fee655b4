/*
** pipeline_test.c: order, bounds, failures and threads of base/pipeline.
**
** pthread_create is replaced by one that can be told to fail.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../ext/base/pipeline.h"

/* ---- A thread budget ---- */

static int threads_left = 1000;

typedef int (*create_function)(pthread_t *, const pthread_attr_t *,
                               void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument) {
  create_function create;
  *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
  if (threads_left-- <= 0) return 11; /* EAGAIN */
  return create(thread, attributes, start, argument);
}

/* ---- A pipeline that squares numbers ---- */

typedef struct number {
  int value;
  long square;
  pthread_t worked_by;
  bool signals_blocked;
} number;

typedef struct run {
  int workers_made;   /* since the last one was freed */
  int workers_most;   /* worker_new gives NULL after so many; 0: no limit */
  int taken;          /* so many results, each the expected one */
  int fail_at;        /* take() fails at this one; -1: never */
  bool all_blocked;   /* signals, in every worker */
  bool on_the_caller; /* something was worked on there */
} run;

static int workers_freed;

static void *make_worker(const void *context) {
  run *self = (run *)(uintptr_t)context;
  static int worker;
  if (self->workers_most > 0 && self->workers_made == self->workers_most)
    return NULL;
  self->workers_made++;
  return &worker;
}

static void free_worker(void *worker) {
  assert_non_null(worker);
  workers_freed++;
}

static bool blocks_signals(void) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  return sigismember(&mask, SIGINT) && sigismember(&mask, SIGALRM) &&
         sigismember(&mask, SIGTERM);
}

/* Uneven, so that items overtake each other. */
static void square(void *worker, void *item) {
  (void)worker;
  number *self = item;
  if (self->value % 7 == 0) usleep(300);
  self->square = (long)self->value * self->value;
  self->worked_by = pthread_self();
  self->signals_blocked = blocks_signals();
}

static int take(void *context, void *item, pk_error *error) {
  run *self = context;
  const number *done = item;
  assert_int_equal(done->value, self->taken);
  assert_int_equal(done->square, (long)self->taken * self->taken);
  if (self->taken == self->fail_at)
    return pk_fail(error, SQLITE_FULL, "no room for %d", self->taken);
  self->taken++;
  self->all_blocked = self->all_blocked && done->signals_blocked;
  if (pthread_equal(done->worked_by, pthread_self()))
    self->on_the_caller = true;
  return SQLITE_OK;
}

static pk_pipeline_plan plan_of(run *self) {
  return (pk_pipeline_plan){.item_bytes = sizeof(number),
                            .worker_new = make_worker,
                            .worker_free = free_worker,
                            .work = square,
                            .take = take,
                            .context = self};
}

static int submit(pk_pipeline *pipeline, int value, pk_error *error) {
  void *item;
  int rc = pk_pipeline_item(pipeline, &item, error);
  if (rc != SQLITE_OK) return rc;
  ((number *)item)->value = value;
  pk_pipeline_submit(pipeline);
  return SQLITE_OK;
}

/* Squares 0 to count-1, and drains if that went well. */
static int square_all(run *self, int threads, int count, pk_error *error) {
  pk_pipeline *pipeline;
  pk_pipeline_plan plan = plan_of(self);
  workers_freed = 0;
  int rc = pk_pipeline_open(&pipeline, &plan, threads, error);
  for (int i = 0; rc == SQLITE_OK && i < count; i++)
    rc = submit(pipeline, i, error);
  if (rc == SQLITE_OK) rc = pk_pipeline_drain(pipeline, error);
  pk_pipeline_close(pipeline);
  assert_int_equal(workers_freed, self->workers_made);
  return rc;
}

/* ---- Tests ---- */

static void order_is_kept(void **state) {
  (void)state;
  static const int threads[] = {1, 2, 3, 8, 64};
  static const int counts[] = {0, 1, 2, 5, 1000};
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
    for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
      pk_error error = PK_NO_ERROR;
      run self = {.fail_at = -1};
      assert_int_equal(square_all(&self, threads[i], counts[j], &error), 0);
      assert_int_equal(self.taken, counts[j]);
    }
}

static void threads_are_clamped(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  run many = {.fail_at = -1}, machine = {.fail_at = -1};
  assert_int_equal(square_all(&many, 100000, 10, &error), SQLITE_OK);
  assert_int_equal(many.workers_made, PK_THREADS_MOST);
  assert_int_equal(square_all(&machine, 0, 10, &error), SQLITE_OK);
  assert_in_range(machine.workers_made, 1, PK_THREADS_MOST);
}

static void one_thread_is_the_callers(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  run self = {.fail_at = -1};
  threads_left = 0;
  assert_int_equal(square_all(&self, 1, 50, &error), SQLITE_OK);
  threads_left = 1000;
  assert_true(self.on_the_caller);
}

static void items_are_bounded(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  run self = {.fail_at = -1};
  pk_pipeline_plan plan = plan_of(&self);
  pk_pipeline *pipeline;
  assert_int_equal(pk_pipeline_open(&pipeline, &plan, 2, &error), SQLITE_OK);
  for (int i = 0; i < 500; i++) {
    assert_int_equal(submit(pipeline, i, &error), SQLITE_OK);
    assert_in_range(i + 1 - self.taken, 1, 32);
  }
  assert_int_equal(pk_pipeline_drain(pipeline, &error), SQLITE_OK);
  assert_int_equal(self.taken, 500);
  assert_int_equal(submit(pipeline, 500, &error), SQLITE_OK);
  assert_int_equal(pk_pipeline_drain(pipeline, &error), SQLITE_OK);
  assert_int_equal(self.taken, 501);
  pk_pipeline_close(pipeline);
}

static void a_failure_ends_it(void **state) {
  (void)state;
  static const int threads[] = {1, 2, 8};
  for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
    for (int fail_at = 0; fail_at < 50; fail_at++) {
      pk_error error = PK_NO_ERROR;
      run self = {.fail_at = fail_at};
      assert_int_equal(square_all(&self, threads[i], 50, &error), SQLITE_FULL);
      assert_int_equal(self.taken, fail_at);
      assert_non_null(strstr(error.message, "no room"));
      pk_error_clear(&error);
    }
}

static void what_was_not_taken_is_dropped(void **state) {
  (void)state;
  for (int i = 0; i < 50; i++) {
    pk_error error = PK_NO_ERROR;
    run self = {.fail_at = -1};
    pk_pipeline_plan plan = plan_of(&self);
    pk_pipeline *pipeline;
    assert_int_equal(pk_pipeline_open(&pipeline, &plan, 3, &error), SQLITE_OK);
    for (int j = 0; j < 4; j++)
      assert_int_equal(submit(pipeline, j, &error), SQLITE_OK);
    pk_pipeline_close(pipeline);
    assert_int_equal(self.taken, 0);
  }
  pk_pipeline_close(NULL);
}

static void works_without_threads(void **state) {
  (void)state;
  for (int budget = 0; budget < 4; budget++) {
    pk_error error = PK_NO_ERROR;
    run self = {.fail_at = -1};
    threads_left = budget;
    assert_int_equal(square_all(&self, 4, 100, &error), SQLITE_OK);
    threads_left = 1000;
    assert_int_equal(self.taken, 100);
    assert_int_equal(self.on_the_caller, budget == 0);
  }
}

static void workers_block_signals(void **state) {
  (void)state;
  pk_error error = PK_NO_ERROR;
  run self = {.fail_at = -1, .all_blocked = true};
  assert_int_equal(square_all(&self, 3, 100, &error), SQLITE_OK);
  assert_true(self.all_blocked);
  assert_false(self.on_the_caller);
  assert_false(blocks_signals());
}

static void no_memory_for_a_worker(void **state) {
  (void)state;
  for (int most = 1; most < 4; most++) {
    pk_error error = PK_NO_ERROR;
    run self = {.fail_at = -1, .workers_most = most};
    pk_pipeline_plan plan = plan_of(&self);
    pk_pipeline *pipeline;
    workers_freed = 0;
    assert_int_equal(pk_pipeline_open(&pipeline, &plan, 4, &error),
                     SQLITE_NOMEM);
    assert_null(pipeline);
    assert_int_equal(workers_freed, most);
    pk_error_clear(&error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_is_kept),
      cmocka_unit_test(threads_are_clamped),
      cmocka_unit_test(one_thread_is_the_callers),
      cmocka_unit_test(items_are_bounded),
      cmocka_unit_test(a_failure_ends_it),
      cmocka_unit_test(what_was_not_taken_is_dropped),
      cmocka_unit_test(works_without_threads),
      cmocka_unit_test(workers_block_signals),
      cmocka_unit_test(no_memory_for_a_worker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
