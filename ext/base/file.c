/* file.c: see file.h. */
#define _GNU_SOURCE /* mkostemps, flock */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "folder.h"

#define PART_SUFFIX ".prodkit-part"
#define PART_RANDOM "XXXXXX" /* mkostemps */

/* A part's name is longer than its target's; so much of that goes into it, that
** it stays within the 255 bytes that a name may have. */
#define NAME_MOST 200

/* Ample for a writer that is between letting go and publishing. */
#define PUBLISHING_MS 50

/* ---- targets ---- */

static int check_name(const char *target, bool overwrite, pk_error *error) {
  struct stat found;
  if (pk_base_name(target)[0] == 0)
    return pk_fail(error, SQLITE_CANTOPEN, "%s is a folder: name a file in it",
                   target);
  if (lstat(target, &found) != 0) {
    if (errno == ENOENT) return SQLITE_OK;
    return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot write %s", target);
  }
  if (S_ISDIR(found.st_mode))
    return pk_fail(error, SQLITE_CANTOPEN, "%s is a folder: name a file in it",
                   target);
  if (!S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode))
    return pk_fail(error, SQLITE_CANTOPEN, "%s is not a regular file", target);
  if (!overwrite)
    return pk_fail(error, SQLITE_CANTOPEN,
                   "%s exists already; choose another name, or pass the option "
                   "{\"overwrite\":true}",
                   target);
  return SQLITE_OK;
}

static int check_folder(const char *target, pk_error *error) {
  char *folder = pk_folder_of(target);
  if (!folder) return pk_fail_memory(error);
  int rc = SQLITE_OK;
  if (access(folder, W_OK | X_OK) != 0)
    rc = pk_fail_errno(error, SQLITE_CANTOPEN, "cannot write %s", target);
  sqlite3_free(folder);
  return rc;
}

int pk_file_check_target(const char *target, bool overwrite, pk_error *error) {
  int rc = check_name(target, overwrite, error);
  return rc == SQLITE_OK ? check_folder(target, error) : rc;
}

/* ---- parts ---- */

/* Is this the name of a part, and if `only` is given, of that target? *bytes is
** the length of the target's name, which begins behind the dot. */
static bool is_part(const char *name, const char *only, size_t *bytes) {
  const size_t around = strlen(".." PART_RANDOM PART_SUFFIX);
  size_t length = strlen(name);
  if (length <= around || name[0] != '.') return false;
  *bytes = length - around;
  const char *end = name + 1 + *bytes;
  if (*end != '.' || strcmp(end + 1 + strlen(PART_RANDOM), PART_SUFFIX) != 0)
    return false;
  if (!only) return true;
  size_t most = strlen(only) < NAME_MOST ? strlen(only) : NAME_MOST;
  return most == *bytes && strncmp(name + 1, only, most) == 0;
}

/* Opens and locks a part that has no writer; -1 for any other. */
static int seize_part(const char *path) {
  struct stat found;
  if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

/* A part that has a second name was published, by a process that was killed
** before it could drop the first. It may be a live database by now, which must
** not be opened. */
static bool has_second_name(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0 && found.st_nlink > 1;
}

/* A writer lets its lock go just before it publishes. So only a part that is
** without one now, and still there without one a while later, is abandoned. */
static int remove_part(const char *path, const char *target, pk_abandoned tell,
                       void *context, pk_error *error) {
  if (has_second_name(path)) {
    unlink(path);
    return SQLITE_OK;
  }
  int fd = seize_part(path);
  if (fd < 0) return SQLITE_OK;
  close(fd);
  pk_pause(PUBLISHING_MS);
  fd = seize_part(path);
  if (fd < 0) return SQLITE_OK;
  int rc = tell ? tell(context, target, error) : SQLITE_OK;
  if (rc == SQLITE_OK) unlink(path);
  close(fd);
  return rc;
}

static int sweep(const char *folder, const char *only, pk_abandoned tell,
                 void *context, pk_error *error) {
  pk_names names;
  int rc = pk_folder_list(&names, folder, error);
  for (int i = 0; rc == SQLITE_OK && i < names.count; i++) {
    size_t bytes;
    if (!is_part(names.names[i], only, &bytes)) continue;
    char *path = pk_folder_path(folder, names.names[i]);
    char *name = sqlite3_mprintf("%.*s", (int)bytes, names.names[i] + 1);
    char *target = name ? pk_folder_path(folder, name) : NULL;
    rc = path && target ? remove_part(path, target, tell, context, error)
                        : pk_fail_memory(error);
    sqlite3_free(path);
    sqlite3_free(name);
    sqlite3_free(target);
  }
  pk_names_free(&names);
  return rc;
}

int pk_file_sweep(const char *folder, pk_abandoned tell, void *context,
                  pk_error *error) {
  return sweep(folder, NULL, tell, context, error);
}

int pk_file_begun(const char *target, bool *begun, pk_error *error) {
  pk_names names;
  size_t bytes;
  *begun = false;
  char *folder = pk_folder_of(target);
  if (!folder) return pk_fail_memory(error);
  int rc = pk_folder_list(&names, folder, error);
  for (int i = 0; rc == SQLITE_OK && i < names.count && !*begun; i++)
    *begun = is_part(names.names[i], pk_base_name(target), &bytes);
  pk_names_free(&names);
  sqlite3_free(folder);
  return rc;
}

/* Takes the lock that says that the part has a writer. False where a sweep came
** first, between mkostemps and this, and removed it. */
static bool hold_part(int fd) {
  struct stat found;
  while (flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return true; /* a filesystem without flock */
  return fstat(fd, &found) != 0 || found.st_nlink > 0;
}

/* Whatever the sweep meets is no failure of the new file. */
static int sweep_target(const char *target, pk_error *error) {
  pk_error ignored = PK_NO_ERROR;
  char *folder = pk_folder_of(target);
  if (!folder) return pk_fail_memory(error);
  sweep(folder, pk_base_name(target), NULL, NULL, &ignored);
  pk_error_clear(&ignored);
  sqlite3_free(folder);
  return SQLITE_OK;
}

static int open_part(pk_file *file, pk_error *error) {
  const char *name = pk_base_name(file->target);
  file->path = sqlite3_mprintf("%.*s.%.*s." PART_RANDOM PART_SUFFIX,
                               (int)(name - file->target), file->target,
                               NAME_MOST, name);
  if (!file->path) return pk_fail_memory(error);
  file->fd = mkostemps(file->path, (int)strlen(PART_SUFFIX), O_CLOEXEC);
  if (file->fd >= 0) return SQLITE_OK;
  int rc =
      pk_fail_errno(error, SQLITE_CANTOPEN, "cannot write %s", file->target);
  sqlite3_free(file->path);
  file->path = NULL;
  return rc;
}

/* ---- one new file ---- */

int pk_file_create(pk_file *file, const char *target, bool overwrite,
                   pk_error *error) {
  *file = (pk_file){.fd = -1, .overwrite = overwrite};
  int rc = check_name(target, overwrite, error);
  if (rc != SQLITE_OK) return rc;
  file->target = sqlite3_mprintf("%s", target);
  if (!file->target) return pk_fail_memory(error);
  rc = sweep_target(target, error);
  if (rc == SQLITE_OK) rc = open_part(file, error);
  while (rc == SQLITE_OK && !hold_part(file->fd)) {
    close(file->fd);
    sqlite3_free(file->path);
    rc = open_part(file, error);
  }
  return rc;
}

void pk_file_begin_sync(pk_file *file) {
#if defined(__linux__)
  const sqlite3_int64 step = 8 << 20;
  if (file->bytes - file->begun < step) return;
  sync_file_range(file->fd, file->begun, file->bytes - file->begun,
                  SYNC_FILE_RANGE_WRITE);
  file->begun = file->bytes;
#else
  (void)file;
#endif
}

int pk_file_write(pk_file *file, const void *data, size_t bytes,
                  pk_error *error) {
  const char *rest = data;
  while (bytes > 0) {
    ssize_t written = write(file->fd, rest, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return pk_fail_errno(error, errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR,
                           "cannot write %s", file->target);
    rest += written;
    bytes -= (size_t)written;
    file->bytes += written;
  }
  return SQLITE_OK;
}

int pk_file_share(pk_file *file, pk_error *error) {
  if (fchmod(file->fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) == 0)
    return SQLITE_OK;
  return pk_fail_errno(error, SQLITE_IOERR,
                       "cannot make %s readable to everybody", file->target);
}

/* Gives the file its final name in one step. link() refuses a name that is
** taken, which rename() would replace. */
static int take_name(pk_file *file, pk_error *error) {
  if (!file->overwrite && link(file->path, file->target) == 0) {
    unlink(file->path);
    return SQLITE_OK;
  }
  if (!file->overwrite) {
    if (errno == EEXIST || access(file->target, F_OK) == 0)
      return pk_fail(error, SQLITE_CANTOPEN,
                     "%s appeared while it was being written; it was left as "
                     "it is",
                     file->target);
    /* no hard links on this filesystem: rename, having looked */
  }
  if (rename(file->path, file->target) != 0)
    return pk_fail_errno(error, SQLITE_IOERR, "cannot publish %s",
                         file->target);
  return SQLITE_OK;
}

/* Makes the name durable, too. A file that is new is taken back where that
** fails. One that replaced another stays: the old one is gone. */
static int sync_name(const pk_file *file, pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  char *folder = pk_folder_of(file->target);
  int rc = folder ? pk_folder_sync(folder, &failure) : pk_fail_memory(&failure);
  sqlite3_free(folder);
  if (rc != SQLITE_OK && !file->overwrite) unlink(file->target);
  if (rc == SQLITE_NOMEM)
    pk_fail_memory(error);
  else if (rc != SQLITE_OK)
    pk_fail(error, rc,
            file->overwrite ? "%s is complete, but a power failure may bring "
                              "back what it replaced: %s"
                            : "cannot publish %s: %s",
            file->target, failure.message);
  pk_error_clear(&failure);
  return rc;
}

/* Closed before it has its name: as soon as it has that, it may be opened as a
** database in this process, whose locks our close would drop. */
int pk_file_publish(pk_file *file, pk_error *error) {
  if (pk_sync(file->fd) != 0)
    return pk_fail_errno(error, SQLITE_IOERR_FSYNC, "cannot sync %s",
                         file->target);
  int fd = file->fd;
  file->fd = -1;
  if (close(fd) != 0)
    return pk_fail_errno(error, SQLITE_IOERR_CLOSE, "cannot close %s",
                         file->target);
  int rc = take_name(file, error);
  if (rc != SQLITE_OK) return rc;
  sqlite3_free(file->path);
  file->path = NULL;
  return sync_name(file, error);
}

void pk_file_discard(pk_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
  if (file->path) unlink(file->path);
  sqlite3_free(file->path);
  sqlite3_free(file->target);
  file->path = file->target = NULL;
}

/* ---- existing files ---- */

int pk_file_remove(const char *path, pk_error *error) {
  if (unlink(path) == 0 || errno == ENOENT) return SQLITE_OK;
  return pk_fail_errno(error, SQLITE_IOERR_DELETE, "cannot remove %s", path);
}

/* O_NONBLOCK: to open a pipe would wait for its writer. */
int pk_file_text(const char *path, int most, char **text, pk_error *error) {
  *text = sqlite3_malloc(most + 1);
  if (!*text) return pk_fail_memory(error);
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  size_t bytes = file ? fread(*text, 1, (size_t)most + 1, file) : 0;
  int rc = SQLITE_OK;
  if (!file || ferror(file))
    rc = pk_fail_errno(error, SQLITE_CANTOPEN, "cannot read %s", path);
  else if (bytes > (size_t)most)
    rc = pk_fail(error, SQLITE_TOOBIG, "%s has more than %d bytes", path, most);
  else if (memchr(*text, 0, bytes))
    rc = pk_fail(error, SQLITE_MISMATCH, "%s is no text", path);
  else
    (*text)[bytes] = 0;
  if (file)
    fclose(file);
  else if (fd >= 0)
    close(fd);
  if (rc == SQLITE_OK) return SQLITE_OK;
  sqlite3_free(*text);
  *text = NULL;
  return rc;
}

bool pk_same_file(const char *one, const char *other) {
  struct stat a, b;
  return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

bool pk_same_place(const char *one, const char *other) {
  char *folder = pk_folder_of(one);
  char *other_folder = pk_folder_of(other);
  bool same = folder && other_folder && pk_same_file(folder, other_folder) &&
              strcmp(pk_base_name(one), pk_base_name(other)) == 0;
  sqlite3_free(folder);
  sqlite3_free(other_folder);
  return same;
}

sqlite3_int64 pk_file_bytes(const char *path) {
  struct stat found;
  if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
  return found.st_size;
}

sqlite3_int64 pk_file_modified(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 ? (sqlite3_int64)found.st_mtime : 0;
}

int pk_file_mode(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 ? (int)(found.st_mode & 07777) : -1;
}

bool pk_is_link(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0 && S_ISLNK(found.st_mode);
}

static pk_file_kind kind_of(mode_t mode) {
  return S_ISREG(mode)   ? PK_REGULAR_FILE
         : S_ISDIR(mode) ? PK_FOLDER
         : S_ISLNK(mode) ? PK_SYMBOLIC_LINK
                         : PK_SPECIAL_FILE;
}

int pk_file_look_in(int folder, const char *name, pk_file_facts *facts) {
  struct stat found;
  *facts = (pk_file_facts){.kind = PK_NO_FILE};
  if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  *facts = (pk_file_facts){.kind = kind_of(found.st_mode),
                           .mode = found.st_mode & 07777,
                           .owner = found.st_uid,
                           .bytes = found.st_size,
                           .modified_at = found.st_mtime,
                           .device = found.st_dev};
  return 0;
}

int pk_file_look(const char *path, pk_file_facts *facts, pk_error *error) {
  int failure = pk_file_look_in(AT_FDCWD, path, facts);
  if (failure == 0 || failure == ENOENT) return SQLITE_OK;
  errno = failure;
  return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot look at %s", path);
}

/* The C library opens the name with O_PATH at most, which drops no lock when it
** is closed. One that cannot do it without following links says ENOTSUP: then
** look, and follow. */
static int change_mode(const char *path, int mode) {
  pk_file_facts found;
  if (fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) == 0)
    return 0;
  if (errno != ENOTSUP && errno != EOPNOTSUPP) return errno;
  int failure = pk_file_look_in(AT_FDCWD, path, &found);
  if (failure == 0 && found.kind == PK_SYMBOLIC_LINK) failure = ELOOP;
  if (failure == 0 && chmod(path, (mode_t)mode) != 0) failure = errno;
  return failure;
}

int pk_file_set_mode(const char *path, int mode, pk_error *error) {
  pk_file_facts found;
  errno = change_mode(path, mode);
  if (errno != 0)
    return pk_fail_errno(error, SQLITE_PERM, "cannot change the mode of %s",
                         path);
  int rc = pk_file_look(path, &found, error);
  if (rc == SQLITE_OK && found.mode != mode)
    rc = pk_fail(error, SQLITE_PERM,
                 "the mode of %s was set to %04o and is %04o: its file system "
                 "keeps none",
                 path, mode, found.mode);
  return rc;
}

sqlite3_int64 pk_user(void) {
  return geteuid();
}
