/* array.c: see array.h. */
#include "array.h"

#include <stdbool.h>

#include "host.h"

void *pk_array_room(void *array, int count, size_t element_bytes) {
  bool full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8, ... */
  if (!full) return array;
  sqlite3_uint64 capacity = count ? 2 * (sqlite3_uint64)count : 1;
  return sqlite3_realloc64(array, capacity * element_bytes);
}
