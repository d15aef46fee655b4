/* folder.c: see folder.h. */
#define _GNU_SOURCE /* O_DIRECTORY, flock */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "array.h"
#include "clock.h"
#include "sql.h"

#define LOCK_WAIT_SECONDS 10
#define LOCK_SLICE_MS 20

const char *pk_base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

char *pk_folder_of(const char *path) {
  int bytes = (int)(pk_base_name(path) - path);
  if (bytes == 0) return sqlite3_mprintf(".");
  if (bytes > 1) bytes--;
  return sqlite3_mprintf("%.*s", bytes, path);
}

char *pk_folder_path(const char *folder, const char *name) {
  size_t bytes = strlen(folder);
  bool slash = bytes > 0 && folder[bytes - 1] == '/';
  return sqlite3_mprintf("%s%s%s", folder, slash ? "" : "/", name);
}

/* ---- names ---- */

static int compare_names(const void *one, const void *other) {
  return strcmp(*(char *const *)one, *(char *const *)other);
}

int pk_names_add(pk_names *names, const char *name, pk_error *error) {
  char **all = pk_array_room(names->names, names->count, sizeof *all);
  if (!all) return pk_fail_memory(error);
  names->names = all;
  all[names->count] = sqlite3_mprintf("%s", name);
  if (!all[names->count]) return pk_fail_memory(error);
  names->count++;
  return SQLITE_OK;
}

static bool is_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int pk_folder_list(pk_names *names, const char *folder, pk_error *error) {
  *names = (pk_names){0};
  DIR *open_folder = opendir(folder);
  if (!open_folder)
    return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot read the folder %s",
                         folder);
  int rc = SQLITE_OK;
  do {
    errno = 0;
    const struct dirent *entry = readdir(open_folder);
    if (!entry) break;
    if (!is_dots(entry->d_name)) rc = pk_names_add(names, entry->d_name, error);
  } while (rc == SQLITE_OK);
  if (rc == SQLITE_OK && errno != 0)
    rc = pk_fail_errno(error, SQLITE_IOERR_READ, "cannot read the folder %s",
                       folder);
  closedir(open_folder);
  if (names->count > 0)
    qsort(names->names, (size_t)names->count, sizeof *names->names,
          compare_names);
  return rc;
}

void pk_names_free(pk_names *names) {
  for (int i = 0; i < names->count; i++) sqlite3_free(names->names[i]);
  sqlite3_free(names->names);
  *names = (pk_names){0};
}

/* ---- the folder itself ---- */

static int open_folder(const char *folder, pk_error *error) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    pk_fail_errno(error, SQLITE_CANTOPEN, "cannot open the folder %s", folder);
  return fd;
}

int pk_folder_lock(int *lock, sqlite3 *db, const char *folder,
                   pk_error *error) {
  *lock = open_folder(folder, error);
  if (*lock < 0) return error->code;
  double began = pk_seconds();
  while (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    if (pk_interrupted(db))
      return pk_fail(error, SQLITE_INTERRUPT, "interrupted");
    if (pk_seconds() - began > LOCK_WAIT_SECONDS)
      return pk_fail(error, SQLITE_BUSY,
                     "another process is changing what is in %s; try again "
                     "when it is done",
                     folder);
    pk_pause(LOCK_SLICE_MS);
  }
  return SQLITE_OK;
}

void pk_folder_unlock(int *lock) {
  if (*lock >= 0) close(*lock);
  *lock = -1;
}

int pk_sync(int fd) {
  int rc = fsync(fd);
  while (rc != 0 && errno == EINTR) rc = fsync(fd);
  return rc;
}

int pk_folder_sync(const char *folder, pk_error *error) {
  int fd = open_folder(folder, error);
  if (fd < 0) return error->code;
  int rc = SQLITE_OK;
  /* Some filesystems cannot sync a folder and say EINVAL. */
  if (pk_sync(fd) != 0 && errno != EINVAL)
    rc = pk_fail_errno(error, SQLITE_IOERR_FSYNC, "cannot sync the folder %s",
                       folder);
  close(fd);
  return rc;
}

sqlite3_int64 pk_folder_free_bytes(const char *path) {
  struct statvfs found;
  if (statvfs(path, &found) != 0) return -1;
  return (sqlite3_int64)found.f_bavail * (sqlite3_int64)found.f_frsize;
}
