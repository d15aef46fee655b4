/* backup_file.c: see backup_file.h. */
#include "backup_file.h"

#include "../base/file.h"

/* RFC 1952, section 2.3.1: what every gzip file begins with. */
static int recognise(pk_reader *file, bool *compressed, pk_error *error) {
  unsigned char magic[2] = {0};
  if (file->bytes == 0)
    return pk_fail(error, SQLITE_NOTADB, "%s is empty", file->path);
  size_t bytes = file->bytes < 2 ? 1 : 2;
  int rc = pk_reader_read(file, magic, bytes, 0, error);
  *compressed = magic[0] == 0x1f && magic[1] == 0x8b;
  return rc;
}

static int refuse_sidecars(const pk_reader *file, pk_error *error) {
  static const char *const suffixes[] = {"-wal", "-journal"};
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < 2; i++) {
    char *sidecar = sqlite3_mprintf("%s%s", file->path, suffixes[i]);
    if (!sidecar) return pk_fail_memory(error);
    if (pk_file_bytes(sidecar) >= 0)
      rc = pk_fail(error, SQLITE_CANTOPEN,
                   "%s lies beside it, so this is a live database or what is "
                   "left of one, not a backup; make one with prod_backup_to",
                   sidecar);
    sqlite3_free(sidecar);
  }
  return rc;
}

int pk_backup_open(pk_reader *file, const char *path, bool *compressed,
                   pk_error *error) {
  int rc = pk_reader_open(file, path, error);
  if (rc == SQLITE_OK) rc = recognise(file, compressed, error);
  if (rc == SQLITE_OK && !*compressed) rc = refuse_sidecars(file, error);
  return rc;
}

pk_bgzf_source pk_backup_source(pk_reader *file) {
  return (pk_bgzf_source){.name = file->path,
                          .bytes = file->bytes,
                          .read = pk_reader_read,
                          .context = file};
}
