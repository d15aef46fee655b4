/* reader.c: see reader.h. */
#define _GNU_SOURCE /* S_ISDIR, access */
#include "reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An xRead takes an int. */
#define MOST_AT_ONCE (1 << 30)

/* Opening a pipe or a device could wait for ever. */
static int check_regular(const char *path, pk_error *error) {
  struct stat found;
  if (stat(path, &found) != 0)
    return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot open %s", path);
  if (S_ISDIR(found.st_mode))
    return pk_fail(error, SQLITE_CANTOPEN, "%s is a folder", path);
  if (!S_ISREG(found.st_mode))
    return pk_fail(error, SQLITE_CANTOPEN, "%s is not a regular file", path);
  if (access(path, R_OK) != 0)
    return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot read %s", path);
  return SQLITE_OK;
}

/* Only what is opened as a main database is counted with the other
** descriptors of its file (unixOpen and unixClose in SQLite's os_unix.c; all
** other kinds are opened without locks and closed at once). Such a name must
** be made by sqlite3_create_filename. */
static int open_file(pk_reader *reader, pk_error *error) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  reader->file = sqlite3_malloc(vfs->szOsFile);
  if (!reader->file) return pk_fail_memory(error);
  memset(reader->file, 0, (size_t)vfs->szOsFile);
  if (!reader->path) return pk_fail_memory(error);
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
  errno = 0;
  int rc = vfs->xOpen(vfs, reader->path, reader->file, flags, &flags);
  if (rc == SQLITE_OK)
    rc = reader->file->pMethods->xFileSize(reader->file, &reader->bytes);
  if (rc == SQLITE_OK) return SQLITE_OK;
  return errno ? pk_fail_errno(error, rc, "cannot open %s", reader->path)
               : pk_fail(error, rc, "cannot open %s: %s", reader->path,
                         sqlite3_errstr(rc));
}

int pk_reader_open(pk_reader *reader, const char *path, pk_error *error) {
  *reader = (pk_reader){0};
  int rc = check_regular(path, error);
  if (rc != SQLITE_OK) return rc;
  reader->path = sqlite3_create_filename(path, "", "", 0, NULL);
  return open_file(reader, error);
}

int pk_reader_read(void *reader, void *buffer, size_t bytes,
                   sqlite3_int64 offset, pk_error *error) {
  const pk_reader *self = reader;
  char *to = buffer;
  while (bytes > 0) {
    int part = bytes < MOST_AT_ONCE ? (int)bytes : MOST_AT_ONCE;
    int rc = self->file->pMethods->xRead(self->file, to, part, offset);
    if (rc != SQLITE_OK)
      return pk_fail(error, rc, "cannot read %d bytes of %s at byte %lld: %s",
                     part, self->path, offset, sqlite3_errstr(rc));
    to += part;
    offset += part;
    bytes -= (size_t)part;
  }
  return SQLITE_OK;
}

void pk_reader_close(pk_reader *reader) {
  if (reader->file && reader->file->pMethods)
    reader->file->pMethods->xClose(reader->file);
  sqlite3_free(reader->file);
  if (reader->path) sqlite3_free_filename((char *)reader->path);
  *reader = (pk_reader){0};
}
