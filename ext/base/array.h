/*
** array.h: arrays that grow by one element at a time.
**
**     step *steps = pk_array_room(plan->steps, plan->count, sizeof *steps);
**     if (!steps) return pk_fail_memory(error);
**     plan->steps = steps;
**     plan->steps[plan->count++] = ...;
**
** The array is from sqlite3_malloc and belongs to the caller: sqlite3_free.
*/
#ifndef PK_ARRAY_H
#define PK_ARRAY_H

#include <stddef.h>

/* The array, moved if need be, with room for one element after the first
** `count`; NULL, the old array unchanged, when memory runs out. Begin with
** NULL and 0. The capacity is not kept anywhere: it is the power of two from
** `count` up. */
void *pk_array_room(void *array, int count, size_t element_bytes);

#endif
