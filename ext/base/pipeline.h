/*
** pipeline.h: an ordered parallel map with bounded memory.
**
** Items go in on the caller's thread, are worked on by worker threads, and
** come out on the caller's thread again, in the order they went in:
**
**     pk_pipeline *pipeline;
**     int rc = pk_pipeline_open(&pipeline, &plan, threads, error);
**     while (rc == SQLITE_OK && there_is_more()) {
**       rc = pk_pipeline_item(pipeline, &item, error);
**       if (rc != SQLITE_OK) break;
**       fill(item);
**       pk_pipeline_submit(pipeline);
**     }
**     if (rc == SQLITE_OK) rc = pk_pipeline_drain(pipeline, error);
**     pk_pipeline_close(pipeline);                  due in every case
**
** Memory: an item per thread and four more, at least 32, all made by
** pk_pipeline_open. Nothing is allocated later, so work cannot fail for want
** of memory; what else goes wrong there, the item carries to take().
**
** Threads: a worker calls work() and nothing else, no SQLite and no pk_error.
** All signals are blocked in it, so that the host's handlers run where they
** always did. Every thread is joined before pk_pipeline_close returns. With
** one thread asked for, or none to be had from the system, pk_pipeline_submit
** does the work itself; the results are the same.
**
** Locking: an item belongs to the caller from pk_pipeline_item to _submit,
** then to one worker until the work is done, then to the caller again. One
** mutex guards the counters by which it changes hands.
*/
#ifndef PK_PIPELINE_H
#define PK_PIPELINE_H

#include <stddef.h>

#include "error.h"

#define PK_THREADS_MOST 64

typedef struct pk_pipeline pk_pipeline;

typedef struct pk_pipeline_plan {
  size_t item_bytes; /* of one item: zeroed at first, then as it was left */

  /* Makes and frees what one worker keeps from item to item, such as a
  ** compressor; on the caller's thread. NULL from the first is no memory. */
  void *(*worker_new)(const void *context);
  void (*worker_free)(void *worker);

  void (*work)(void *worker, void *item);

  /* Gets the results, in order, on the caller's thread; a failure ends it. */
  int (*take)(void *context, void *item, pk_error *error);

  void *context; /* of worker_new and take */
} pk_pipeline_plan;

/* Starts so many threads: 1 to PK_THREADS_MOST, 0 for one per processor.
** *pipeline is NULL after a failure. */
int pk_pipeline_open(pk_pipeline **pipeline, const pk_pipeline_plan *plan,
                     int threads, pk_error *error);

/* Gives an item to fill. When all are in use it waits for the oldest, whose
** result goes to take() first. */
int pk_pipeline_item(pk_pipeline *pipeline, void **item, pk_error *error);

/* Hands in the item that pk_pipeline_item gave last. */
void pk_pipeline_submit(pk_pipeline *pipeline);

/* Waits for everything that was handed in and has it taken. */
int pk_pipeline_drain(pk_pipeline *pipeline, pk_error *error);

/* Stops and joins the threads and frees everything. What was not taken is
** dropped. NULL is harmless. */
void pk_pipeline_close(pk_pipeline *pipeline);

#endif
