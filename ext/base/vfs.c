/* vfs.c: see vfs.h. */
#include "vfs.h"

#include <pthread.h>

/* The VFS below: the host's default when this one was registered, so that
** szOsFile, which was taken from it, stays right. */
static sqlite3_vfs *below(sqlite3_vfs *vfs) {
  return vfs->pAppData;
}

static int open_database(const pk_vfs *description, const char *path,
                         sqlite3_file *file, int *flags) {
  pk_error error = PK_NO_ERROR;
  file->pMethods = NULL;
  int rc = description->open(path, file, &error);
  if (rc != SQLITE_OK && error.message)
    sqlite3_log(rc, "%s: %s", description->name, error.message);
  if (flags) *flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
  pk_error_clear(&error);
  return rc;
}

static int layer_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                      int flags, int *flags_out) {
  if (flags & SQLITE_OPEN_MAIN_DB)
    return open_database(((pk_vfs_layer *)vfs)->description, path, file,
                         flags_out);
  return below(vfs)->xOpen(below(vfs), path, file, flags, flags_out);
}

static int layer_delete(sqlite3_vfs *vfs, const char *path, int sync) {
  return below(vfs)->xDelete(below(vfs), path, sync);
}

static int layer_access(sqlite3_vfs *vfs, const char *path, int flags,
                        int *answer) {
  return below(vfs)->xAccess(below(vfs), path, flags, answer);
}

static int layer_full_pathname(sqlite3_vfs *vfs, const char *path, int room,
                               char *full) {
  return below(vfs)->xFullPathname(below(vfs), path, room, full);
}

static void *layer_dl_open(sqlite3_vfs *vfs, const char *path) {
  return below(vfs)->xDlOpen(below(vfs), path);
}

static void layer_dl_error(sqlite3_vfs *vfs, int room, char *message) {
  below(vfs)->xDlError(below(vfs), room, message);
}

static void (*layer_dl_sym(sqlite3_vfs *vfs, void *library,
                           const char *symbol))(void) {
  return below(vfs)->xDlSym(below(vfs), library, symbol);
}

static void layer_dl_close(sqlite3_vfs *vfs, void *library) {
  below(vfs)->xDlClose(below(vfs), library);
}

static int layer_randomness(sqlite3_vfs *vfs, int bytes, char *to) {
  return below(vfs)->xRandomness(below(vfs), bytes, to);
}

static int layer_sleep(sqlite3_vfs *vfs, int microseconds) {
  return below(vfs)->xSleep(below(vfs), microseconds);
}

static int layer_current_time(sqlite3_vfs *vfs, double *days) {
  return below(vfs)->xCurrentTime(below(vfs), days);
}

static int layer_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *ms) {
  return below(vfs)->xCurrentTimeInt64(below(vfs), ms);
}

static int layer_get_last_error(sqlite3_vfs *vfs, int room, char *message) {
  return below(vfs)->xGetLastError(below(vfs), room, message);
}

static void fill_in(const pk_vfs *description, sqlite3_vfs *platform) {
  int bytes = description->file_bytes;
  *description->layer = (pk_vfs_layer){
      .description = description,
      .vfs = {
          .iVersion = platform->iVersion < 2 ? 1 : 2,
          .szOsFile = bytes < platform->szOsFile ? platform->szOsFile : bytes,
          .mxPathname = platform->mxPathname,
          .zName = description->name,
          .pAppData = platform,
          .xOpen = layer_open,
          .xDelete = layer_delete,
          .xAccess = layer_access,
          .xFullPathname = layer_full_pathname,
          .xDlOpen = layer_dl_open,
          .xDlError = layer_dl_error,
          .xDlSym = layer_dl_sym,
          .xDlClose = layer_dl_close,
          .xRandomness = layer_randomness,
          .xSleep = layer_sleep,
          .xCurrentTime = layer_current_time,
          .xGetLastError = layer_get_last_error,
          .xCurrentTimeInt64 = layer_current_time_int64}};
}

/* Two threads may load prodkit at once: one of them fills it in. Not a mutex of
** SQLite's, which a host built for one thread lacks. */
int pk_vfs_register(const pk_vfs *description) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  int rc = SQLITE_OK;
  pthread_mutex_lock(&mutex);
  if (!sqlite3_vfs_find(description->name)) {
    fill_in(description, sqlite3_vfs_find(NULL));
    rc = sqlite3_vfs_register(&description->layer->vfs, 0);
  }
  pthread_mutex_unlock(&mutex);
  return rc;
}
