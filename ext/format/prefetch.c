/* prefetch.c: see prefetch.h. */
#define _GNU_SOURCE /* _SC_PHYS_PAGES */
#include "prefetch.h"

#include <string.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/sql.h"

enum {
  CHUNK_BYTES = 1 << 20, /* read between two looks at the clock */
  SAMPLES = 64,
  SAMPLE_BYTES = 4096,
};

/* Of a read speed: chunks from all over the file, for so long. */
#define SPEED_CHUNKS 32
#define SPEED_SECONDS 0.25

/* A page from memory takes 1 to 3 microseconds, from the fastest disks 50. */
#define SECONDS_FROM_MEMORY 20e-6

/* The file, if it is one of the platform's own; or NULL. */
static sqlite3_file *find_file(sqlite3 *db, const char *schema,
                               sqlite3_int64 *bytes) {
  sqlite3_vfs *vfs = NULL;
  sqlite3_file *file = NULL;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &file);
  if (!vfs || strncmp(vfs->zName, "unix", 4) != 0) return NULL;
  if (!file || !file->pMethods) return NULL;
  if (file->pMethods->xFileSize(file, bytes) != SQLITE_OK) return NULL;
  return file;
}

static bool fits_in_memory(sqlite3_int64 bytes) {
  sqlite3_int64 memory =
      (sqlite3_int64)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  return bytes <= memory / 2;
}

/* Reads pages from all over the file. */
static bool is_in_memory(sqlite3_file *file, sqlite3_int64 bytes) {
  char page[SAMPLE_BYTES];
  double give_up = pk_seconds() + SAMPLES * SECONDS_FROM_MEMORY;
  for (int i = 0; i < SAMPLES; i++) {
    sqlite3_int64 at = bytes / SAMPLES * i;
    if (file->pMethods->xRead(file, page, SAMPLE_BYTES, at) != SQLITE_OK ||
        pk_seconds() > give_up)
      return false;
  }
  return true;
}

static int read_through(sqlite3 *db, sqlite3_file *file, double max_seconds,
                        void *chunk, pk_error *error) {
  double began = pk_seconds();
  int rc = SQLITE_OK;
  for (sqlite3_int64 at = 0; rc == SQLITE_OK; at += CHUNK_BYTES) {
    if (pk_interrupted(db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    if (max_seconds > 0 && pk_seconds() - began > max_seconds) break;
    rc = file->pMethods->xRead(file, chunk, CHUNK_BYTES, at);
  }
  return SQLITE_OK;
}

int pk_prefetch(sqlite3 *db, const char *schema, double max_seconds,
                pk_error *error) {
  sqlite3_int64 bytes;
  sqlite3_file *file = find_file(db, schema, &bytes);
  if (!file || bytes < SAMPLES * SAMPLE_BYTES || !fits_in_memory(bytes) ||
      is_in_memory(file, bytes))
    return SQLITE_OK;
  void *chunk = sqlite3_malloc(CHUNK_BYTES);
  if (!chunk) return pk_fail_memory(error);
  int rc = read_through(db, file, max_seconds, chunk, error);
  sqlite3_free(chunk);
  return rc;
}

/* Short reads, at the end of the file, are none. */
static int time_chunks(sqlite3 *db, sqlite3_file *file, sqlite3_int64 bytes,
                       void *chunk, double *bytes_per_second, pk_error *error) {
  double began = pk_seconds(), took = 0;
  sqlite3_int64 read = 0;
  for (int i = 0; i < SPEED_CHUNKS && took < SPEED_SECONDS; i++) {
    if (pk_interrupted(db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    sqlite3_int64 at = bytes / SPEED_CHUNKS * i;
    int part = bytes - at < CHUNK_BYTES ? (int)(bytes - at) : CHUNK_BYTES;
    if (file->pMethods->xRead(file, chunk, part, at) != SQLITE_OK) break;
    read += part;
    took = pk_seconds() - began;
  }
  *bytes_per_second = took > 0 ? (double)read / took : 0;
  return SQLITE_OK;
}

int pk_read_speed(sqlite3 *db, const char *schema, double *bytes_per_second,
                  pk_error *error) {
  sqlite3_int64 bytes;
  sqlite3_file *file = find_file(db, schema, &bytes);
  *bytes_per_second = 0;
  if (!file || bytes == 0) return SQLITE_OK;
  void *chunk = sqlite3_malloc(CHUNK_BYTES);
  if (!chunk) return pk_fail_memory(error);
  int rc = time_chunks(db, file, bytes, chunk, bytes_per_second, error);
  sqlite3_free(chunk);
  return rc;
}
