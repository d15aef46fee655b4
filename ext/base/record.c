/* record.c: see record.h. */
#define _GNU_SOURCE /* flock, pwrite */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "folder.h"
#include "reader.h"

static int read_all(pk_reader *reader, const char *path, char **text,
                    pk_error *error) {
  if (reader->bytes > PK_RECORD_MOST_BYTES)
    return pk_fail(error, SQLITE_TOOBIG,
                   "%s is too large for a record of prodkit, and was left as "
                   "it is",
                   path);
  *text = sqlite3_malloc64((sqlite3_uint64)reader->bytes + 1);
  if (!*text) return pk_fail_memory(error);
  (*text)[reader->bytes] = 0;
  return pk_reader_read(reader, *text, (size_t)reader->bytes, 0, error);
}

/* An empty file is one whose first writer was killed. */
static int check_signature(const char *path, const char *signature,
                           const char *text, pk_error *error) {
  if (*text == 0 || strncmp(text, signature, strlen(signature)) == 0)
    return SQLITE_OK;
  return pk_fail(error, SQLITE_ERROR,
                 "%s is no such record of prodkit, and was left as it is: name "
                 "another file",
                 path);
}

int pk_record_read(const char *path, const char *signature, char **text,
                   pk_error *error) {
  pk_reader reader;
  *text = NULL;
  if (access(path, F_OK) != 0 && errno == ENOENT) return SQLITE_OK;
  int rc = pk_reader_open(&reader, path, error);
  if (rc == SQLITE_OK) rc = read_all(&reader, path, text, error);
  if (rc == SQLITE_OK) rc = check_signature(path, signature, *text, error);
  pk_reader_close(&reader);
  if (rc == SQLITE_OK && *text && **text) return rc;
  sqlite3_free(*text);
  *text = NULL;
  return rc;
}

/* Where flock() is not known, errno is another. */
static bool is_taken(int fd) {
  int rc = flock(fd, LOCK_EX | LOCK_NB);
  while (rc != 0 && errno == EINTR) rc = flock(fd, LOCK_EX | LOCK_NB);
  return rc != 0 && errno == EWOULDBLOCK;
}

int pk_record_open(pk_record *record, const char *path, const char *signature,
                   pk_error *error) {
  char *present;
  *record = PK_RECORD_CLOSED;
  int rc = pk_record_read(path, signature, &present, error);
  sqlite3_free(present);
  if (rc != SQLITE_OK) return rc;
  record->path = sqlite3_mprintf("%s", path);
  if (!record->path) return pk_fail_memory(error);
  record->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (record->fd < 0)
    return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot write %s", path);
  if (is_taken(record->fd))
    return pk_fail(error, SQLITE_BUSY, "%s is locked by another run", path);
  return SQLITE_OK;
}

static bool write_all(int fd, const char *text, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    ssize_t written = pwrite(fd, text + done, bytes - done, (off_t)done);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) done += (size_t)written;
  }
  return true;
}

/* Whatever is left of a longer one is cut off after it, so that the file is
** never empty. */
int pk_record_write(pk_record *record, const char *text, pk_error *error) {
  size_t bytes = strlen(text);
  if (!write_all(record->fd, text, bytes) ||
      ftruncate(record->fd, (off_t)bytes) != 0 || pk_sync(record->fd) != 0)
    return pk_fail_errno(error, SQLITE_IOERR, "cannot write %s", record->path);
  return SQLITE_OK;
}

void pk_record_close(pk_record *record) {
  if (record->fd >= 0) close(record->fd);
  sqlite3_free(record->path);
  *record = PK_RECORD_CLOSED;
}
