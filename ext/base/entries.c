/* entries.c: see entries.h. */
#define _GNU_SOURCE /* openat, fdopendir */
#include "entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

struct pk_entries {
  char *path;
  DIR *entries;
};

char *pk_entries_path_of(const pk_entries *folder, const char *name) {
  return pk_folder_path(folder->path, name);
}

static DIR *open_entries(const pk_entries *parent, const char *name) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  int fd = parent ? openat(dirfd(parent->entries), name, flags | O_NOFOLLOW)
                  : open(name, flags);
  if (fd < 0) return NULL;
  DIR *entries = fdopendir(fd);
  if (!entries) close(fd);
  return entries;
}

int pk_entries_open(pk_entries **folder, const pk_entries *parent,
                    const char *name, pk_error *error) {
  int rc = SQLITE_OK;
  pk_entries *made = sqlite3_malloc(sizeof *made);
  *folder = NULL;
  if (!made) return pk_fail_memory(error);
  *made = (pk_entries){.path = parent ? pk_entries_path_of(parent, name)
                                      : sqlite3_mprintf("%s", name)};
  if (!made->path)
    rc = pk_fail_memory(error);
  else if (!(made->entries = open_entries(parent, name)))
    rc = pk_fail_errno(error, SQLITE_CANTOPEN, "cannot open the folder %s",
                       made->path);
  if (rc == SQLITE_OK)
    *folder = made;
  else
    pk_entries_close(made);
  return rc;
}

static bool is_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int pk_entries_next(pk_entries *folder, const char **name, pk_file_facts *facts,
                    pk_error *error) {
  for (;;) {
    errno = 0; /* readdir says the end and a failure alike */
    const struct dirent *entry = readdir(folder->entries);
    *name = entry ? entry->d_name : NULL;
    if (!entry && errno != 0)
      return pk_fail_errno(error, SQLITE_IOERR, "cannot read the folder %s",
                           folder->path);
    if (!entry) return SQLITE_OK;
    if (is_dots(*name)) continue;
    errno = pk_file_look_in(dirfd(folder->entries), *name, facts);
    if (errno == 0) return SQLITE_OK;
    if (errno != ENOENT)
      return pk_fail_errno(error, SQLITE_CANTOPEN, "cannot look at %s in %s",
                           *name, folder->path);
  }
}

const char *pk_entries_path(const pk_entries *folder) {
  return folder->path;
}

void pk_entries_close(pk_entries *folder) {
  if (!folder) return;
  if (folder->entries) closedir(folder->entries);
  sqlite3_free(folder->path);
  sqlite3_free(folder);
}
