/* health_surroundings.c: see health_surroundings.h. */
#include "health_surroundings.h"

#include <string.h>

#include "../base/file.h"
#include "../base/filesystem.h"
#include "../base/folder.h"
#include "../base/sql.h"
#include "../format/manifest.h"

static const char unseen[] = "the operating system shows no such file";

/* ---- the disk ---- */

static double larger(double one, double other) {
  return one > other ? one : other;
}

/* A limit that a large ratio makes may be beyond any size. */
static sqlite3_int64 as_bytes(double bytes) {
  const double most = 9e18;
  return (sqlite3_int64)(bytes < most ? bytes : most);
}

int pk_check_disk_space(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  const pk_health_limits *limits = &facts->limits;
  double bytes = (double)facts->page_count * (double)facts->page_size;
  double fail =
      larger(bytes * limits->disk_fail_ratio, (double)limits->disk_fail_bytes);
  double warn = larger(bytes * limits->disk_warn_ratio, fail);
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  sqlite3_int64 left = pk_folder_free_bytes(facts->file);
  if (left < 0)
    return pk_not_made(finding, "the operating system does not tell", error);
  pk_health_status status = pk_below((double)left, warn, fail);
  finding->value = pk_whole(left);
  finding->threshold = pk_whole(as_bytes(status == PK_FAIL ? fail : warn));
  if (status == PK_PASS)
    return pk_found(finding, PK_PASS, error, "the disk has room left");
  return pk_found(finding, status, error,
                  status == PK_FAIL
                      ? "%lld bytes are left on the disk, under %lld: writes "
                        "will soon fail"
                      : "%lld bytes are left on the disk, under %lld: a VACUUM "
                        "or a backup beside the database can fail",
                  left, finding->threshold.whole);
}

/* ---- permissions ---- */

/* Those whom `access` leaves out, among group and others. */
static int strangers(pk_access access) {
  return access == PK_OWNER ? 077 : access == PK_GROUP ? 007 : 0;
}

/* Of a file's mode, what its folder leaves: who may not enter that does not get
** at the file. */
static int reachable(int mode, int folder) {
  return mode & (0700 | (folder & 010 ? 070 : 0) | (folder & 001 ? 007 : 0));
}

static int too_open(pk_finding *finding, const char *path, int mode,
                    const char *meaning, pk_error *error) {
  char octal[5];
  sqlite3_snprintf(sizeof octal, octal, "%04o", mode);
  finding->value = pk_word(octal);
  return pk_found(finding, PK_WARN, error,
                  "%s: %s; prod_secure_files() mends it, or the option "
                  "access says that it is meant so",
                  path, meaning);
}

/* Judges the first of the files that others can use. */
static int judge_files(const pk_health_facts *facts, int folder,
                       pk_finding *finding, pk_error *error) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  int left_out = reachable(strangers(facts->limits.access), folder);
  for (int i = 0; i < 4; i++) {
    char *path = sqlite3_mprintf("%s%s", facts->file, suffixes[i]);
    if (!path) return pk_fail_memory(error);
    int mode = pk_file_mode(path);
    if (mode >= 0 && mode & left_out)
      too_open(finding, pk_base_name(path), mode,
               mode & left_out & 007 ? "every user may read or change it"
                                     : "its group may read or change it",
               error);
    sqlite3_free(path);
    if (error->code != SQLITE_OK || finding->message) break;
  }
  return error->code;
}

/* Who can write in the folder can replace what is in it. In a sticky one he
** can still put a -journal or -wal there. */
static int judge_folder(const pk_health_facts *facts, const char *path,
                        int folder, pk_finding *finding, pk_error *error) {
  int left_out = reachable(strangers(facts->limits.access) & 022, folder);
  if (!(folder & left_out)) return SQLITE_OK;
  return too_open(finding, path, folder,
                  "others may make or replace files in this folder", error);
}

/* Gives no message where nobody is to be warned of. */
static int judge_places(const pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  char *path = pk_folder_of(facts->file);
  if (!path) return pk_fail_memory(error);
  int folder = pk_file_mode(path);
  if (folder < 0) folder = 0755;
  int rc = judge_files(facts, folder, finding, error);
  if (rc == SQLITE_OK && !finding->message)
    rc = judge_folder(facts, path, folder, finding, error);
  sqlite3_free(path);
  return rc;
}

int pk_check_permissions(pk_health_facts *facts, pk_finding *finding,
                         pk_error *error) {
  static const char *const most[] = {"0600", "0660", "0666"};
  static const char *const messages[] = {
      "only the owner may use the files", "only owner and group may use them",
      "the option access lets everyone use them"};
  int access = facts->limits.access;
  char octal[5];
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  int mode = pk_file_mode(facts->file);
  if (mode < 0) return pk_not_made(finding, unseen, error);
  sqlite3_snprintf(sizeof octal, octal, "%04o", mode);
  finding->value = pk_word(octal);
  finding->threshold = pk_word(most[access]);
  int rc = judge_places(facts, finding, error);
  if (rc == SQLITE_OK && !finding->message)
    rc = pk_found(finding, PK_PASS, error, "%s", messages[access]);
  return rc;
}

/* ---- the file system ---- */

int pk_check_filesystem(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error) {
  bool wal = facts->readable && strcmp(facts->journal_mode, "wal") == 0;
  pk_filesystem found;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  if (!pk_filesystem_find(facts->file, &found))
    return pk_not_made(finding, unseen, error);
  finding->value = pk_word(found.name);
  if (found.reach == PK_LOCAL)
    return pk_found(finding, PK_PASS, error, "a local file system");
  if (found.reach == PK_REACH_UNKNOWN)
    return pk_found(finding, PK_PASS, error,
                    "for information: it cannot be told whether this file "
                    "system is local%s",
                    wal ? "; in WAL mode it has to be" : "");
  if (wal)
    return pk_found(finding, PK_WARN, error,
                    "a network file system: processes on two hosts share no "
                    "WAL index and corrupt the database; keep it on a local "
                    "disk, or at least leave WAL mode");
  return pk_found(finding, PK_PASS, error,
                  "for information: on a network file system locks are only "
                  "as good as its server's");
}

/* ---- the backups ---- */

/* A verified level, or none is known: the file was not found wanting. One from
** the future, by more than clocks differ, would look new for as long as that
** lasts. With max() alone, the other columns are of its row
** (lang_select.html). */
#define NEWEST_SQL                                                 \
  "SELECT max(taken_at), age_seconds, path,"                       \
  "       coalesce('verified ' || nullif(verified, 'none'),"       \
  "                'not verified')"                                \
  "  FROM prod_backups(%Q)"                                        \
  " WHERE database = %Q"                                           \
  "   AND coalesce(verified, 'none') IN ('none', 'quick', 'full')" \
  "   AND age_seconds > -3600"

/* The columns of NEWEST_SQL. */
static int judge_newest(const pk_health_facts *facts, pk_finding *finding,
                        const char *database, sqlite3_stmt *row,
                        pk_error *error) {
  sqlite3_int64 warn = facts->limits.backup_warn_seconds;
  sqlite3_int64 fail = facts->limits.backup_fail_seconds;
  sqlite3_int64 age = sqlite3_column_int64(row, 1);
  if (sqlite3_column_type(row, 0) == SQLITE_NULL) {
    finding->threshold = pk_whole(fail);
    return pk_found(finding, PK_FAIL, error,
                    "there is no usable backup of \"%s\" in %s; "
                    "prod_backup_rotate() makes one",
                    database, facts->limits.backup_dir);
  }
  pk_health_status status = pk_above((double)age, (double)warn, (double)fail);
  finding->value = pk_whole(age);
  finding->threshold = pk_whole(status == PK_FAIL ? fail : warn);
  return pk_found(finding, status, error, "the newest is %s, taken at %s, %s%s",
                  sqlite3_column_text(row, 2), sqlite3_column_text(row, 0),
                  sqlite3_column_text(row, 3),
                  status == PK_PASS ? ""
                                    : ": the job that makes them "
                                      "has stopped or fails");
}

/* A folder that cannot be read says nothing about the database: the check is
** one that could not be made, and so warns. */
static int no_catalogue(pk_finding *finding, pk_error *trouble,
                        pk_error *error) {
  if (pk_ends_the_call(trouble->code) || pk_is_damage(trouble->code))
    return pk_unanswered(finding, trouble, error);
  pk_fail(error, SQLITE_ERROR, "%s", trouble->message);
  pk_error_clear(trouble);
  return error->code;
}

int pk_check_backup(pk_health_facts *facts, pk_finding *finding,
                    pk_error *error) {
  const char *folder = facts->limits.backup_dir;
  char database[PK_DATABASE_BYTES];
  pk_error trouble = PK_NO_ERROR;
  sqlite3_stmt *row;
  if (!*facts->file) return pk_not_made(finding, pk_has_no_file, error);
  if (!folder) return pk_not_made(finding, "give the option backup_dir", error);
  pk_manifest_name(database, facts->file);
  int rc = pk_prepare(facts->db, &row, &trouble, NEWEST_SQL, folder, database);
  if (rc == SQLITE_OK) rc = pk_step(row, &trouble);
  rc = rc == SQLITE_ROW ? judge_newest(facts, finding, database, row, error)
                        : no_catalogue(finding, &trouble, error);
  sqlite3_finalize(row);
  return rc;
}
