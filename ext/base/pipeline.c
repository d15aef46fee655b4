/* pipeline.c: see pipeline.h. */
#define _GNU_SOURCE /* sigset_t, _SC_NPROCESSORS_ONLN */
#include "pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Besides one item per thread: what waits for a thread, or to be taken. The
** least is for few threads, which would otherwise run dry whenever the system
** lets the caller wait, for the disk or for a processor. */
#define SPARE_ITEMS 4
#define LEAST_ITEMS 32

typedef struct slot {
  void *item;
  bool done; /* worked on, and not yet taken */
} slot;

typedef struct worker {
  pk_pipeline *pipeline;
  void *own; /* from worker_new */
  pthread_t thread;
} worker;

/* The slots are a ring. Item number n, counted from 0 in the order of
** submission, stands in slot n modulo slot_count; and always
** taken <= started <= submitted <= taken + slot_count. */
struct pk_pipeline {
  pk_pipeline_plan plan;
  worker workers[PK_THREADS_MOST];
  int worker_count;
  int running; /* threads; 0: the caller works with the first worker */
  slot slots[PK_THREADS_MOST + SPARE_ITEMS];
  int slot_count;

  pthread_mutex_t mutex;    /* guards what follows, and each slot's `done` */
  pthread_cond_t to_do;     /* an item was submitted, or stop was set */
  pthread_cond_t done;      /* an item is worked on */
  sqlite3_uint64 submitted; /* changed by the caller only, as is taken */
  sqlite3_uint64 started;
  sqlite3_uint64 taken;
  bool stop;
};

static slot *slot_of(pk_pipeline *pipeline, sqlite3_uint64 number) {
  return &pipeline->slots[number % (sqlite3_uint64)pipeline->slot_count];
}

static void *run_worker(void *argument) {
  worker *self = argument;
  pk_pipeline *pipeline = self->pipeline;
  pthread_mutex_lock(&pipeline->mutex);
  for (;;) {
    while (!pipeline->stop && pipeline->started == pipeline->submitted)
      pthread_cond_wait(&pipeline->to_do, &pipeline->mutex);
    if (pipeline->stop) break;
    slot *mine = slot_of(pipeline, pipeline->started++);
    pthread_mutex_unlock(&pipeline->mutex);
    pipeline->plan.work(self->own, mine->item);
    pthread_mutex_lock(&pipeline->mutex);
    mine->done = true;
    pthread_cond_signal(&pipeline->done);
  }
  pthread_mutex_unlock(&pipeline->mutex);
  return NULL;
}

/* As many threads as the system gives, if it is fewer than asked for. */
static void start_threads(pk_pipeline *pipeline) {
  sigset_t all, before;
  sigfillset(&all);
  /* A thread inherits the mask of the one that creates it. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pipeline->running < pipeline->worker_count) {
    worker *next = &pipeline->workers[pipeline->running];
    if (pthread_create(&next->thread, NULL, run_worker, next) != 0) break;
    pipeline->running++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int make_workers(pk_pipeline *pipeline, int count) {
  for (int i = 0; i < count; i++) {
    void *own = pipeline->plan.worker_new(pipeline->plan.context);
    if (!own) return SQLITE_NOMEM;
    pipeline->workers[i] = (worker){.pipeline = pipeline, .own = own};
    pipeline->worker_count++;
  }
  return SQLITE_OK;
}

static int make_items(pk_pipeline *pipeline, int count) {
  for (int i = 0; i < count; i++) {
    void *item = calloc(1, pipeline->plan.item_bytes);
    if (!item) return SQLITE_NOMEM;
    pipeline->slots[i].item = item;
    pipeline->slot_count++;
  }
  return SQLITE_OK;
}

static int items_for(int threads) {
  int items = threads + SPARE_ITEMS;
  return items > LEAST_ITEMS ? items : LEAST_ITEMS;
}

static int threads_for(int asked) {
  long threads = asked > 0 ? asked : sysconf(_SC_NPROCESSORS_ONLN);
  if (threads < 1) return 1;
  return threads < PK_THREADS_MOST ? (int)threads : PK_THREADS_MOST;
}

int pk_pipeline_open(pk_pipeline **result, const pk_pipeline_plan *plan,
                     int threads, pk_error *error) {
  *result = NULL;
  pk_pipeline *pipeline = calloc(1, sizeof *pipeline);
  if (!pipeline) return pk_fail_memory(error);
  pipeline->plan = *plan;
  pthread_mutex_init(&pipeline->mutex, NULL);
  pthread_cond_init(&pipeline->to_do, NULL);
  pthread_cond_init(&pipeline->done, NULL);
  threads = threads_for(threads);
  if (make_workers(pipeline, threads) != SQLITE_OK ||
      make_items(pipeline, items_for(threads)) != SQLITE_OK) {
    pk_pipeline_close(pipeline);
    return pk_fail_memory(error);
  }
  if (threads > 1) start_threads(pipeline);
  *result = pipeline;
  return SQLITE_OK;
}

static int take_oldest(pk_pipeline *pipeline, pk_error *error) {
  slot *oldest = slot_of(pipeline, pipeline->taken);
  pthread_mutex_lock(&pipeline->mutex);
  while (!oldest->done) pthread_cond_wait(&pipeline->done, &pipeline->mutex);
  oldest->done = false;
  pipeline->taken++;
  pthread_mutex_unlock(&pipeline->mutex);
  return pipeline->plan.take(pipeline->plan.context, oldest->item, error);
}

int pk_pipeline_item(pk_pipeline *pipeline, void **item, pk_error *error) {
  int rc = SQLITE_OK;
  if (pipeline->submitted - pipeline->taken ==
      (sqlite3_uint64)pipeline->slot_count)
    rc = take_oldest(pipeline, error);
  *item = slot_of(pipeline, pipeline->submitted)->item;
  return rc;
}

static void work_inline(pk_pipeline *pipeline) {
  slot *mine = slot_of(pipeline, pipeline->started++);
  pipeline->plan.work(pipeline->workers[0].own, mine->item);
  mine->done = true;
}

void pk_pipeline_submit(pk_pipeline *pipeline) {
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->submitted++;
  pthread_cond_signal(&pipeline->to_do);
  pthread_mutex_unlock(&pipeline->mutex);
  if (pipeline->running == 0) work_inline(pipeline);
}

int pk_pipeline_drain(pk_pipeline *pipeline, pk_error *error) {
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && pipeline->taken < pipeline->submitted)
    rc = take_oldest(pipeline, error);
  return rc;
}

void pk_pipeline_close(pk_pipeline *pipeline) {
  if (!pipeline) return;
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->stop = true;
  pthread_cond_broadcast(&pipeline->to_do);
  pthread_mutex_unlock(&pipeline->mutex);
  for (int i = 0; i < pipeline->running; i++)
    pthread_join(pipeline->workers[i].thread, NULL);
  for (int i = 0; i < pipeline->worker_count; i++)
    pipeline->plan.worker_free(pipeline->workers[i].own);
  for (int i = 0; i < pipeline->slot_count; i++) free(pipeline->slots[i].item);
  pthread_cond_destroy(&pipeline->done);
  pthread_cond_destroy(&pipeline->to_do);
  pthread_mutex_destroy(&pipeline->mutex);
  free(pipeline);
}
