/* file.c: see file.h. */
#define _GNU_SOURCE /* mkostemp */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the file's own name begins in a path. */
static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

char *pk_folder_of(const char *path) {
  int bytes = (int)(base_name(path) - path);
  if (bytes == 0) return sqlite3_mprintf(".");
  if (bytes > 1) bytes--;
  return sqlite3_mprintf("%.*s", bytes, path);
}

static int check_target(const char *target, bool overwrite, pk_error *error) {
  struct stat found;
  if (base_name(target)[0] == 0)
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

int pk_file_create(pk_file *file, const char *target, bool overwrite,
                   pk_error *error) {
  *file = (pk_file){.fd = -1, .overwrite = overwrite};
  int rc = check_target(target, overwrite, error);
  if (rc != SQLITE_OK) return rc;
  const char *name = base_name(target);
  file->target = sqlite3_mprintf("%s", target);
  file->path = sqlite3_mprintf("%.*s.%.200s.XXXXXX.prodkit-part",
                               (int)(name - target), target, name);
  if (!file->target || !file->path) return pk_fail_memory(error);
  file->fd = mkostemps(file->path, (int)strlen(".prodkit-part"), O_CLOEXEC);
  if (file->fd < 0) {
    rc = pk_fail_errno(error, SQLITE_CANTOPEN, "cannot write %s", target);
    sqlite3_free(file->path);
    file->path = NULL;
  }
  return rc;
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

static int sync_folder(const char *target, pk_error *error) {
  char *folder = pk_folder_of(target);
  if (!folder) return pk_fail_memory(error);
  int rc = SQLITE_OK;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* Some filesystems cannot sync a folder and say EINVAL. */
  if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
    rc = pk_fail_errno(error, SQLITE_IOERR,
                       "%s is complete, but its folder cannot be synced, so "
                       "that a power failure may take its name",
                       target);
  if (fd >= 0) close(fd);
  sqlite3_free(folder);
  return rc;
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

int pk_file_publish(pk_file *file, pk_error *error) {
  if (fsync(file->fd) != 0)
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
  return sync_folder(file->target, error);
}

void pk_file_discard(pk_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
  if (file->path) unlink(file->path);
  sqlite3_free(file->path);
  sqlite3_free(file->target);
  file->path = file->target = NULL;
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
              strcmp(base_name(one), base_name(other)) == 0;
  sqlite3_free(folder);
  sqlite3_free(other_folder);
  return same;
}

sqlite3_int64 pk_file_bytes(const char *path) {
  struct stat found;
  if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
  return found.st_size;
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
