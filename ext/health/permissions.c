/*
** permissions.c: a database that nobody but its owner can read.
**
**     SELECT prod_secure_files('{"dry_run":true, "folder":false}');
**     SELECT prod_secure_files('{"folder":false}');
**
** prod_secure_files([options]) takes every permission of the group and of
** others from the database, its -wal, -shm and -journal, and its folder: modes
** 0644 and 0755 become 0600 and 0700. It gives nobody a permission that he did
** not have, so a file of mode 0400 stays so. SQLite makes later sidecars with
** the mode of the database. It answers one JSON object:
**
**     {"schema":"main", "dry_run":false,
**      "paths":[{"path":"/srv/app/app.db", "kind":"database", "owner":1000,
**                "mode_before":"0644", "mode_after":"0600", "changed":true},
**               ...],
**      "findings":["/srv: every user can write in it, and so replace ..."]}
**
** kind is folder, database, wal, shm or journal; owner is a user id, and modes
** are octal. With dry_run the modes are what would become of them.
**
** How it works: everything is looked at first, and what would fail or lock
** somebody out is refused before anything changes: a file of another user's
** than this process acts for, a sidecar with another owner than the database
** or that is a symbolic link. The folder is left as it is, with a finding that
** says why, where others rely on it: it is sticky (as /tmp), is the root
** folder, has another owner than the database, or holds entries of other
** owners. Then the modes are set by path and read back. findings also names
** each folder above that lets other users replace what lies below it: one that
** every user can write in, unless sticky, or that belongs to neither root nor
** the database's owner.
**
** Locking: none; no file is opened, since closing it would drop the locks that
** SQLite holds (POSIX). Cost: a look at each path and at each entry of the
** folder.
**
** Limits: access control lists are not looked at, though on Linux a mode
** without group permissions masks their entries. Programs that reach the
** database by a group of users lose it.
*/
#include <string.h>

#include "../base/array.h"
#include "../base/feature.h"
#include "../base/entries.h"
#include "../base/folder.h"
#include "../base/json.h"
#include "../base/sql.h"

struct request {
  int dry_run, folder;
  char *schema;
};

static const pk_option options[] = {
    {"dry_run", PK_BOOLEAN, offsetof(struct request, dry_run),
     .summary = "change nothing, and say what would change (false)"},
    {"folder", PK_BOOLEAN, offsetof(struct request, folder),
     .summary = "secure the database's folder too (true)"},
    {"schema", PK_TEXT, offsetof(struct request, schema),
     .summary = "the attached database to secure (main)"},
    {0}};

struct guarded {
  const char *kind;
  char *path;
  pk_file_facts facts;
  int mode_after;
};

/* The folder and the database are always looked at, the sidecars that exist. */
enum place { FOLDER, DATABASE, FIRST_SIDECAR, MOST_PATHS = 5 };

struct plan {
  struct guarded paths[MOST_PATHS];
  int count;
  bool secure_folder;
  char **findings;
  int finding_count;
};

static void free_plan(struct plan *plan) {
  for (int i = 0; i < plan->count; i++) sqlite3_free(plan->paths[i].path);
  for (int i = 0; i < plan->finding_count; i++) sqlite3_free(plan->findings[i]);
  sqlite3_free(plan->findings);
}

/* Takes the text over. */
static int add_finding(struct plan *plan, char *text, pk_error *error) {
  char **findings =
      pk_array_room(plan->findings, plan->finding_count, sizeof *findings);
  if (findings) plan->findings = findings;
  if (!findings || !text) {
    sqlite3_free(text);
    return pk_fail_memory(error);
  }
  findings[plan->finding_count++] = text;
  return SQLITE_OK;
}

/* ---- what there is ---- */

/* Takes the path over. A sidecar that does not exist is not added. */
static int add_path(struct plan *plan, const char *kind, char *path,
                    pk_error *error) {
  struct guarded *guarded = &plan->paths[plan->count];
  *guarded = (struct guarded){.kind = kind, .path = path};
  if (!path) return pk_fail_memory(error);
  int rc = pk_file_look(path, &guarded->facts, error);
  bool sidecar = plan->count >= FIRST_SIDECAR;
  if (rc == SQLITE_OK && guarded->facts.kind == PK_NO_FILE && !sidecar)
    rc = pk_fail(error, SQLITE_CANTOPEN, "there is no %s", path);
  if (rc == SQLITE_OK && guarded->facts.kind != PK_NO_FILE) {
    int kept = guarded->facts.kind == PK_FOLDER ? 0700 : 0600;
    guarded->mode_after = guarded->facts.mode & kept;
    plan->count++;
  } else {
    sqlite3_free(path);
  }
  return rc;
}

static int gather(struct plan *plan, const char *file, pk_error *error) {
  static const char *const sidecars[] = {"wal", "shm", "journal"};
  int rc = add_path(plan, "folder", pk_folder_of(file), error);
  if (rc == SQLITE_OK)
    rc = add_path(plan, "database", sqlite3_mprintf("%s", file), error);
  for (int i = 0; rc == SQLITE_OK && i < 3; i++)
    rc = add_path(plan, sidecars[i],
                  sqlite3_mprintf("%s-%s", file, sidecars[i]), error);
  return rc;
}

/* ---- what is refused ---- */

static int check_file(const struct guarded *guarded,
                      const struct guarded *database, pk_error *error) {
  if (guarded->facts.kind == PK_SYMBOLIC_LINK)
    return pk_fail(error, SQLITE_PERM,
                   "%s is a symbolic link, which is not followed; put a file "
                   "in its place. Nothing was changed",
                   guarded->path);
  if (guarded->facts.kind != PK_REGULAR_FILE)
    return pk_fail(error, SQLITE_PERM,
                   "%s is not a regular file. Nothing was changed",
                   guarded->path);
  if (guarded->facts.owner != database->facts.owner)
    return pk_fail(error, SQLITE_PERM,
                   "%s belongs to user %lld and the database to user %lld, so "
                   "that one of them would be locked out; chown it first. "
                   "Nothing was changed",
                   guarded->path, guarded->facts.owner, database->facts.owner);
  return SQLITE_OK;
}

static int check_files(const struct plan *plan, pk_error *error) {
  const struct guarded *database = &plan->paths[DATABASE];
  sqlite3_int64 user = pk_user();
  int rc = SQLITE_OK;
  for (int i = DATABASE; rc == SQLITE_OK && i < plan->count; i++)
    rc = check_file(&plan->paths[i], database, error);
  if (rc == SQLITE_OK && user != 0 && user != database->facts.owner)
    rc = pk_fail(error, SQLITE_PERM,
                 "%s belongs to user %lld, and this process acts as user %lld; "
                 "only the owner or root can change its mode. Nothing was "
                 "changed",
                 database->path, database->facts.owner, user);
  return rc;
}

/* ---- what is left, and what is found ---- */

static int holds_others(const char *path, sqlite3_int64 owner, bool *others,
                        pk_error *error) {
  pk_entries *folder;
  pk_file_facts entry;
  const char *name;
  *others = false;
  int rc = pk_entries_open(&folder, NULL, path, error);
  while (rc == SQLITE_OK && !*others) {
    rc = pk_entries_next(folder, &name, &entry, error);
    if (rc != SQLITE_OK || !name) break;
    *others = entry.owner != owner;
  }
  pk_entries_close(folder);
  return rc;
}

/* Why the folder is not to be changed, though it was asked for; NULL where it
** is. */
static int left_because(const struct plan *plan, const char **reason,
                        pk_error *error) {
  const struct guarded *folder = &plan->paths[FOLDER];
  sqlite3_int64 owner = plan->paths[DATABASE].facts.owner;
  bool others = false;
  *reason = NULL;
  if (folder->facts.mode & 01000)
    *reason = "it is sticky, a folder that users share";
  else if (strcmp(folder->path, "/") == 0)
    *reason = "it is the root folder";
  else if (folder->facts.owner != owner)
    *reason = "it has another owner than the database";
  else if (holds_others(folder->path, owner, &others, error) != SQLITE_OK)
    return error->code;
  else if (others)
    *reason = "it holds entries of other owners";
  return SQLITE_OK;
}

static int judge_folder(struct plan *plan, bool wanted, pk_error *error) {
  const struct guarded *folder = &plan->paths[FOLDER];
  const char *reason;
  if (!wanted) return SQLITE_OK;
  int rc = left_because(plan, &reason, error);
  plan->secure_folder = rc == SQLITE_OK && !reason;
  if (rc != SQLITE_OK || !reason) return rc;
  return add_finding(plan,
                     sqlite3_mprintf("%s was left at mode %04o: %s; move the "
                                     "database into a folder of its own",
                                     folder->path, folder->facts.mode, reason),
                     error);
}

/* sshd looks at a key's folders in the same way. */
static int judge_above(struct plan *plan, const char *path, pk_error *error) {
  sqlite3_int64 owner = plan->paths[DATABASE].facts.owner;
  pk_file_facts facts;
  char *finding = NULL;
  int rc = pk_file_look(path, &facts, error);
  if (rc != SQLITE_OK) return rc;
  if ((facts.mode & 01002) == 0002)
    finding = sqlite3_mprintf(
        "%s: every user can write in it (mode %04o), and so replace what lies "
        "below it",
        path, facts.mode);
  else if (facts.owner != 0 && facts.owner != owner)
    finding = sqlite3_mprintf(
        "%s: it belongs to user %lld, who can replace what lies below it", path,
        facts.owner);
  else
    return SQLITE_OK;
  return add_finding(plan, finding, error);
}

/* From the folder that stays as it is up to the root. */
static int judge_parents(struct plan *plan, pk_error *error) {
  char *path = sqlite3_mprintf("%s", plan->paths[FOLDER].path);
  bool judged = plan->secure_folder;
  int rc = SQLITE_OK;
  while (path && rc == SQLITE_OK) {
    if (!judged) rc = judge_above(plan, path, error);
    if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0) break;
    char *above = pk_folder_of(path);
    sqlite3_free(path);
    path = above;
    judged = false;
  }
  if (!path) rc = pk_fail_memory(error);
  sqlite3_free(path);
  return rc;
}

/* ---- changing it ---- */

/* Another connection may have closed, and its sidecars gone with it. */
static bool has_gone(const struct guarded *guarded) {
  pk_error ignored = PK_NO_ERROR;
  pk_file_facts now;
  int rc = pk_file_look(guarded->path, &now, &ignored);
  pk_error_clear(&ignored);
  return rc == SQLITE_OK && now.kind == PK_NO_FILE;
}

static int secure(struct guarded *guarded, bool may_go, bool first,
                  pk_error *error) {
  pk_error failure = PK_NO_ERROR;
  if (guarded->mode_after == guarded->facts.mode) return SQLITE_OK;
  int rc = pk_file_set_mode(guarded->path, guarded->mode_after, &failure);
  if (rc != SQLITE_OK && may_go && has_gone(guarded)) {
    guarded->mode_after = guarded->facts.mode;
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_OK && failure.message)
    rc = pk_fail(error, rc, "%s. %s", failure.message,
                 first ? "Nothing was changed"
                       : "What comes before it was changed: the folder, the "
                         "database, -wal, -shm and -journal, in this order");
  else if (rc != SQLITE_OK)
    rc = pk_fail_memory(error);
  pk_error_clear(&failure);
  return rc;
}

/* The folder first, behind which the rest is out of reach. */
static int secure_all(struct plan *plan, pk_error *error) {
  int first = plan->secure_folder ? FOLDER : DATABASE;
  int rc = SQLITE_OK;
  for (int i = first; rc == SQLITE_OK && i < plan->count; i++)
    rc = secure(&plan->paths[i], i >= FIRST_SIDECAR, i == first, error);
  return rc;
}

/* ---- the answer ---- */

static void add_to_answer(pk_json *json, const struct guarded *guarded) {
  int before = guarded->facts.mode;
  pk_json_object(json, NULL);
  pk_json_text(json, "path", guarded->path);
  pk_json_text(json, "kind", guarded->kind);
  pk_json_int64(json, "owner", guarded->facts.owner);
  pk_json_format(json, "mode_before", "%04o", before);
  pk_json_format(json, "mode_after", "%04o", guarded->mode_after);
  pk_json_bool(json, "changed", guarded->mode_after != before);
  pk_json_end(json);
}

static int answer(sqlite3_context *context, const struct request *request,
                  const struct plan *plan) {
  pk_json json;
  pk_json_begin(&json);
  pk_json_text(&json, "schema", request->schema ? request->schema : "main");
  pk_json_bool(&json, "dry_run", request->dry_run);
  pk_json_array(&json, "paths");
  for (int i = request->folder ? FOLDER : DATABASE; i < plan->count; i++)
    add_to_answer(&json, &plan->paths[i]);
  pk_json_end(&json);
  pk_json_array(&json, "findings");
  for (int i = 0; i < plan->finding_count; i++)
    pk_json_text(&json, NULL, plan->findings[i]);
  return pk_json_result(&json, context);
}

static int make_plan(sqlite3 *db, const struct request *request,
                     struct plan *plan, pk_error *error) {
  const char *schema = request->schema ? request->schema : "main";
  const char *file = "";
  int rc = pk_schema_file(db, schema, &file, error);
  if (rc == SQLITE_OK && !*file)
    rc = pk_fail(error, SQLITE_ERROR,
                 "%s is an in-memory or temporary database: it has no file",
                 schema);
  if (rc == SQLITE_OK) rc = gather(plan, file, error);
  if (rc == SQLITE_OK) rc = check_files(plan, error);
  if (rc == SQLITE_OK) rc = judge_folder(plan, request->folder, error);
  if (rc == SQLITE_OK && !plan->secure_folder)
    plan->paths[FOLDER].mode_after = plan->paths[FOLDER].facts.mode;
  if (rc == SQLITE_OK) rc = judge_parents(plan, error);
  return rc;
}

static int secure_files(sqlite3_context *context, sqlite3_value **arguments,
                        pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  struct request request = {.folder = true};
  struct plan plan = {.count = 0};
  int rc = pk_options_read(db, arguments[0], options, &request, error);
  if (rc == SQLITE_OK) rc = make_plan(db, &request, &plan, error);
  if (rc == SQLITE_OK && !request.dry_run) rc = secure_all(&plan, error);
  if (rc == SQLITE_OK) rc = answer(context, &request, &plan);
  free_plan(&plan);
  pk_options_free(options, &request);
  return rc;
}

static const pk_function functions[] = {
    {.name = "prod_secure_files",
     .arguments = "options",
     .flags = SQLITE_DIRECTONLY,
     .summary = "takes the permissions of group and others from the database, "
                "its sidecars and folder",
     .options = options,
     .call = secure_files},
    {0}};

const pk_feature pk_permissions = {"permissions", functions, NULL};
