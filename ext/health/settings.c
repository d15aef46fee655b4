/*
** settings.c: how a database is set and designed, against how it should be in
** production.
**
**     SELECT * FROM prod_settings;
**     SELECT name, value, recommended, fix FROM prod_settings('durable')
**      WHERE status = 'differs';
**     SELECT name, reason, fix FROM prod_settings
**      WHERE part = 'findings' AND status = 'advice';
**
**     ATTACH 'archive.db' AS archive;
**     SELECT * FROM prod_settings('web', 'archive');
**
** prod_settings amounts to
**
**     CREATE TABLE prod_settings(
**       name TEXT,           the pragma, or the finding and what it is about:
**                            "foreign_key_index: orders(customer_id)"
**       value,               what it is now: a number, or the pragma's word
**       recommended,         what the profile wants, likewise
**       status TEXT,         ok; differs: prod_configure() sets it;
**                            advice: for you to decide; unknown: cannot be
**                            judged
**       scope TEXT,          connection: to be set after each open; file: kept
**                            in the database, for everybody; creation: the
**                            same, but fixed once the database has content;
**                            schema: of its tables; process
**       reason TEXT,         why it is wanted
**       fix TEXT,            the SQL that mends it; NULL where it takes more,
**                            as the reason says
**       profile TEXT HIDDEN, web (default), durable or small
**       schema TEXT HIDDEN,  main (default) or an attached database
**       part TEXT HIDDEN);   all (default), settings or findings
**
** The settings come first, in the order in which they must be made:
** busy_timeout at the head, since the switch to WAL can itself meet a lock, and
** what only an empty database takes before the switch, which fills it. Then
** come the findings: whether prod_auto_configure is on, pragmas of which no
** profile is sure, and the faults of the schema, a row for each, or one row
** "ok" where there is none of the kind.
**
** How it works: one PRAGMA is read for each row of the tables `settings` and
** `advised` below, and one query made for each of `findings`; nothing is set.
** A setting is ok if its value is the profile's own: a stricter one
** (synchronous = extra) differs too.
**
** Locking: a read lock on the main database while the table is read, as for
** every table. Cost: fifteen pragmas; the findings read the schema, as SQLite
** keeps it in memory, and no table or index.
**
** Limits: a busy handler or a WAL hook of the application's own shows as
** busy_timeout or wal_autocheckpoint 0, as SQLite tells no more. AUTOINCREMENT
** is found in the text of CREATE TABLE, where a comment can hold it too. A
** table whose name begins as a virtual table's, and an underscore, is taken for
** its shadow and left out. Whether an index on a foreign key would pay,
** prod_index_advice says, which reads the data.
*/
#include <stdlib.h>
#include <string.h>

#include "../base/feature.h"
#include "../base/sql.h"

#define PROFILES "web durable small"
enum { PROFILE_COUNT = 3 };

enum scope { CONNECTION, IN_FILE, AT_CREATION };

static const char *const scope_names[] = {"connection", "file", "creation"};

/* What changes a setting of a database that has content. */
enum mend { BY_PRAGMA, BY_VACUUM, BY_VACUUM_OUTSIDE_WAL, BY_HAND };

struct setting {
  const char *name;
  const char *recommended[PROFILE_COUNT]; /* in the order of PROFILES */
  const char *also_fine;    /* other values, between blanks, or NULL */
  const char *const *words; /* of a pragma whose numbers have names, or NULL */
  bool number;              /* its value is a number */
  enum scope scope;
  enum mend mend;
  bool of_schema;        /* each attached database has its own */
  bool only_advised;     /* prod_configure leaves it alone */
  const char *in_memory; /* why it is not judged there; NULL where it is */
  const char *reason;
};

static const char *const off_on[] = {"off", "on", NULL};
static const char *const synchronous[] = {"off", "normal", "full", "extra",
                                          NULL};
static const char *const temp_store[] = {"default", "file", "memory", NULL};
static const char *const auto_vacuum[] = {"none", "full", "incremental", NULL};
static const char *const secure_delete[] = {"off", "on", "fast", NULL};

#define EVERYWHERE(value) \
  { value, value, value }
#define ENDS_WITH_CONNECTION \
  "an in-memory or temporary database ends with its connection"

static const struct setting settings[] = {
    {.name = "busy_timeout",
     .recommended = EVERYWHERE("5000"),
     .number = true,
     .reason = "milliseconds to wait for a lock; with 0 every collision is "
               "an error at once"},
    {.name = "page_size",
     .recommended = EVERYWHERE("4096"),
     .also_fine = " 8192 16384 ",
     .number = true,
     .scope = AT_CREATION,
     .mend = BY_VACUUM_OUTSIDE_WAL,
     .of_schema = true,
     .in_memory = ENDS_WITH_CONNECTION,
     .reason = "bytes: 4096 is what disks and systems write at once; smaller "
               "pages make deep trees, much larger ones write too much for a "
               "small change"},
    {.name = "auto_vacuum",
     .recommended = EVERYWHERE("incremental"),
     .words = auto_vacuum,
     .scope = AT_CREATION,
     .mend = BY_VACUUM,
     .of_schema = true,
     .in_memory = ENDS_WITH_CONNECTION,
     .reason = "with incremental, free pages can be given back in small steps; "
               "with none, only by a VACUUM of the whole file; with full, each "
               "commit moves pages"},
    {.name = "journal_mode",
     .recommended = EVERYWHERE("wal"),
     .scope = IN_FILE,
     .of_schema = true,
     .in_memory = "an in-memory or temporary database has no write-ahead log",
     .reason = "with a write-ahead log, readers and the writer do not block "
               "each other"},
    {.name = "synchronous",
     .recommended = {"normal", "full", "normal"},
     .words = synchronous,
     .of_schema = true,
     .reason = "in WAL mode a power loss never corrupts the file; normal may "
               "lose the last commits, full syncs each commit"},
    {.name = "foreign_keys",
     .recommended = EVERYWHERE("on"),
     .words = off_on,
     .reason = "REFERENCES is enforced only where this is on; SQLite's "
               "default is off"},
    {.name = "cache_size",
     .recommended = {"-65536", "-65536", "-2048"},
     .number = true,
     .of_schema = true,
     .reason = "page cache of this connection: a negative number is KiB, a "
               "positive one pages"},
    {.name = "temp_store",
     .recommended = EVERYWHERE("memory"),
     .words = temp_store,
     .reason = "sorts and temporary tables stay out of the file system"},
    {.name = "journal_size_limit",
     .recommended = EVERYWHERE("67108864"),
     .number = true,
     .of_schema = true,
     .reason = "bytes a WAL is cut back to when it is reset; without a limit "
               "it keeps its largest size"},
    {.name = "mmap_size",
     .recommended = EVERYWHERE("0"),
     .number = true,
     .of_schema = true,
     .reason = "with memory mapping an I/O error kills the process (SIGBUS) "
               "instead of failing one statement"},
    {.name = "wal_autocheckpoint",
     .recommended = EVERYWHERE("1000"),
     .number = true,
     .reason = "pages after which a commit checkpoints the WAL; with 0 it "
               "grows until somebody else does"},
};

/* Pragmas that prod_configure leaves alone: what is right depends. */
static const struct setting advised[] = {
    {.name = "encoding",
     .recommended = EVERYWHERE("UTF-8"),
     .scope = AT_CREATION,
     .mend = BY_HAND,
     .only_advised = true,
     .reason = "UTF-16 doubles most texts, and each is converted for functions "
               "that work in UTF-8; only a new database can have another: dump "
               "this one and load it there"},
    {.name = "secure_delete",
     .recommended = EVERYWHERE("fast"),
     .also_fine = " on ",
     .words = secure_delete,
     .of_schema = true,
     .only_advised = true,
     .in_memory = ENDS_WITH_CONNECTION,
     .reason = "with off, deleted content stays in the file and its backups; "
               "fast overwrites it where that costs no further write, on "
               "everywhere"},
    {.name = "trusted_schema",
     .recommended = EVERYWHERE("off"),
     .words = off_on,
     .only_advised = true,
     .reason = "with on, views and triggers of a file from elsewhere can call "
               "the application's functions; off, unless views and triggers "
               "of its own need them"},
};

/* The pragma's value as it is shown; NULL where SQLite gives none. */
static int read_pragma(sqlite3 *db, const char *schema,
                       const struct setting *setting, char **value,
                       pk_error *error) {
  int rc = pk_query_text(db, value, error, "PRAGMA \"%w\".%s", schema,
                         setting->name);
  if (rc != SQLITE_OK || !*value || !setting->words) return rc;
  for (int i = 0; setting->words[i]; i++) {
    if (atoi(*value) != i) continue;
    sqlite3_free(*value);
    *value = sqlite3_mprintf("%s", setting->words[i]);
    return *value ? SQLITE_OK : pk_fail_memory(error);
  }
  return SQLITE_OK;
}

static void put(pk_rows *rows, const struct setting *setting,
                const char *value) {
  if (value && setting->number)
    pk_row_int64(rows, strtoll(value, NULL, 10));
  else
    pk_row_text(rows, value);
}

static void put_pragma(pk_rows *rows, const struct setting *setting,
                       const char *schema, const char *recommended) {
  if (setting->of_schema)
    pk_row_format(rows, "PRAGMA \"%w\".%s = %s", schema, setting->name,
                  recommended);
  else
    pk_row_format(rows, "PRAGMA %s = %s", setting->name, recommended);
}

static void put_fix(pk_rows *rows, const struct setting *setting,
                    const char *schema, const char *recommended, bool empty) {
  bool free = empty && setting->mend != BY_HAND;
  switch (free ? BY_PRAGMA : setting->mend) {
    case BY_PRAGMA:
      put_pragma(rows, setting, schema, recommended);
      break;
    case BY_VACUUM:
      pk_row_format(rows, "PRAGMA \"%w\".%s = %s; VACUUM \"%w\"", schema,
                    setting->name, recommended, schema);
      break;
    case BY_VACUUM_OUTSIDE_WAL:
      pk_row_format(rows,
                    "PRAGMA \"%w\".journal_mode = delete; "
                    "PRAGMA \"%w\".%s = %s; VACUUM \"%w\"; "
                    "PRAGMA \"%w\".journal_mode = wal",
                    schema, schema, setting->name, recommended, schema, schema);
      break;
    case BY_HAND:
      break;
  }
}

static bool is_fine(const struct setting *setting, const char *value,
                    const char *recommended) {
  char word[40];
  if (strcmp(value, recommended) == 0) return true;
  if (!setting->also_fine) return false;
  sqlite3_snprintf(sizeof word, word, " %s ", value);
  return strstr(setting->also_fine, word) != NULL;
}

/* What the rows are about. */
struct subject {
  sqlite3 *db;
  const char *schema;
  int profile;
  bool in_memory;
  bool empty; /* it has no page yet */
};

/* Why a setting cannot be judged; NULL where it can be. */
static const char *unknown_because(const struct subject *subject,
                                   const struct setting *setting,
                                   const char *value) {
  if (!value) return "SQLite does not tell it for this database";
  return subject->in_memory ? setting->in_memory : NULL;
}

static const char *status_of(const struct subject *subject,
                             const struct setting *setting, const char *value) {
  if (unknown_because(subject, setting, value)) return "unknown";
  if (is_fine(setting, value, setting->recommended[subject->profile]))
    return "ok";
  bool fixed = setting->scope == AT_CREATION && !subject->empty;
  return fixed || setting->only_advised ? "advice" : "differs";
}

static void add_setting(pk_rows *rows, const struct subject *subject,
                        const struct setting *setting, const char *value) {
  const char *recommended = setting->recommended[subject->profile];
  const char *unknown = unknown_because(subject, setting, value);
  const char *status = status_of(subject, setting, value);
  pk_row(rows);
  pk_row_text(rows, setting->name);
  put(rows, setting, value);
  put(rows, setting, unknown ? NULL : recommended);
  pk_row_text(rows, status);
  pk_row_text(rows, scope_names[setting->scope]);
  pk_row_text(rows, unknown ? unknown : setting->reason);
  if (!unknown && strcmp(status, "ok") != 0)
    put_fix(rows, setting, subject->schema, recommended, subject->empty);
}

static int show_pragmas(pk_rows *rows, const struct subject *subject,
                        const struct setting *list, size_t count,
                        pk_error *error) {
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < count; i++) {
    char *value;
    rc = read_pragma(subject->db, subject->schema, &list[i], &value, error);
    if (rc == SQLITE_OK) add_setting(rows, subject, &list[i], value);
    sqlite3_free(value);
  }
  return rc;
}

/* ---- findings on the schema ---- */

/* A fault that a schema can have. The query gives a row for each: what has it
** (or NULL), its value, and the SQL that mends it (or NULL). It can read
** names(name) and tables(name, sql), and ?1 is the schema. */
struct finding {
  const char *name;
  const char *recommended;
  const char *reason;
  int least_sqlite;
  const char *query;
};

/* All names, and the tables that somebody created: no virtual table (it has no
** root page) and none that belongs to one. */
static const char tables_of_schema[] =
    "WITH names(name) AS (SELECT name FROM \"%w\".sqlite_schema),"
    " tables(name, sql) AS"
    " (SELECT name, sql FROM \"%w\".sqlite_schema"
    "  WHERE type = 'table' AND rootpage > 0"
    "   AND substr(name, 1, 7) <> 'sqlite_'"
    "   AND name NOT IN (SELECT n.name"
    "    FROM \"%w\".sqlite_schema AS v CROSS JOIN names AS n"
    "    WHERE v.type = 'table' AND v.rootpage = 0"
    "     AND substr(n.name, 1, length(v.name) + 1) = v.name || '_')) %s";

/* Goes on with the WITH. An index serves a foreign key if it begins with one of
** its columns; so does a primary key, be it an index or the rowid. */
static const char unindexed_keys[] =
    ", keys(name, id, seq, column) AS"
    " (SELECT t.name, f.id, f.seq, f.\"from\""
    "  FROM tables AS t, pragma_foreign_key_list(t.name, ?1) AS f),"
    " heads(name, column) AS"
    " (SELECT t.name, lower(c.name)"
    "  FROM tables AS t, pragma_index_list(t.name, ?1) AS i,"
    "   pragma_index_info(i.name, ?1) AS c"
    "  WHERE NOT i.partial AND c.seqno = 0"
    "  UNION ALL SELECT t.name, lower(p.name)"
    "  FROM tables AS t, pragma_table_info(t.name, ?1) AS p WHERE p.pk = 1),"
    " unindexed(name, columns, joined, quoted) AS"
    " (SELECT name, group_concat(column, ', '), name || '_' ||"
    "   group_concat(column, '_'), group_concat(printf('\"%w\"', column), ', ')"
    "  FROM (SELECT * FROM keys ORDER BY name, id, seq) GROUP BY name, id"
    "  HAVING NOT max((name, lower(column)) IN heads)) "
    "SELECT DISTINCT name || '(' || columns || ')', 'none',"
    " printf('CREATE INDEX \"%w\".\"%w\" ON \"%w\"(%s)', ?1, joined ||"
    "  iif(lower(joined) IN (SELECT lower(name) FROM names), '_fk', ''),"
    "  name, quoted) FROM unindexed";

static const struct finding findings[] = {
    {.name = "foreign_key_enforcement",
     .recommended = "on",
     .reason = "foreign keys are declared, and this connection does not "
               "enforce them; PRAGMA foreign_key_check lists the rows that "
               "break them by now",
     .query = "SELECT NULL, 'off', 'PRAGMA foreign_keys = on'"
              " WHERE (SELECT NOT foreign_keys FROM pragma_foreign_keys)"
              " AND EXISTS (SELECT 1 FROM tables AS t,"
              "  pragma_foreign_key_list(t.name, ?1))"},
    {.name = "foreign_key_index",
     .recommended = "index",
     .reason = "no index begins with it: whenever a row of the other table is "
               "deleted or its key changes, this table is scanned in full; "
               "prod_index_advice tells whether an index pays",
     .query = unindexed_keys},
    {.name = "primary_key",
     .recommended = "declared",
     .reason =
         "without one, rows have no lasting name: a rowid can change with "
         "VACUUM, and nothing keeps duplicates out; a table gets one by "
         "being made anew",
     .query = "SELECT t.name, 'none', NULL FROM tables AS t WHERE NOT EXISTS"
              " (SELECT 1 FROM pragma_table_info(t.name, ?1) WHERE pk)"},
    {.name = "autoincrement",
     .recommended = "off",
     .reason = "it writes to sqlite_sequence at each insert, and is needed "
               "only where the number of a deleted last row must never come "
               "again; a table loses it by being made anew",
     .query = "SELECT name, 'on', NULL FROM tables"
              " WHERE sql LIKE '%primary%key%autoincrement%'"},
    {.name = "strict",
     .recommended = "on",
     .reason = "a column of a STRICT table holds values of its type only, "
               "others take any; a table becomes STRICT by being made anew",
     .least_sqlite = 3037000,
     .query = "SELECT name, 'off', NULL FROM tables WHERE name IN"
              " (SELECT name FROM pragma_table_list"
              "  WHERE schema = ?1 COLLATE NOCASE AND NOT strict)"},
};

static void add_finding(pk_rows *rows, const struct finding *finding,
                        sqlite3_stmt *fault) {
  const char *about = (const char *)sqlite3_column_text(fault, 0);
  pk_row(rows);
  pk_row_format(rows, "%s%s%s", finding->name, about ? ": " : "",
                about ? about : "");
  pk_row_text(rows, (const char *)sqlite3_column_text(fault, 1));
  pk_row_text(rows, finding->recommended);
  pk_row_text(rows, "advice");
  pk_row_text(rows, "schema");
  pk_row_text(rows, finding->reason);
  pk_row_text(rows, (const char *)sqlite3_column_text(fault, 2));
}

/* The one row of a finding that there is not, or that cannot be looked for. */
static void add_no_finding(pk_rows *rows, const struct finding *finding,
                           const char *unknown) {
  pk_row(rows);
  pk_row_text(rows, finding->name);
  pk_row_null(rows);
  pk_row_text(rows, unknown ? NULL : finding->recommended);
  pk_row_text(rows, unknown ? "unknown" : "ok");
  pk_row_text(rows, "schema");
  pk_row_text(rows, unknown ? unknown : "nothing of the kind was found");
}

static int look_for(pk_rows *rows, const struct subject *subject,
                    const struct finding *finding, pk_error *error) {
  sqlite3_stmt *fault;
  int count = 0;
  if (sqlite3_libversion_number() < finding->least_sqlite) {
    add_no_finding(rows, finding, "this host's SQLite is older than the check");
    return SQLITE_OK;
  }
  int rc =
      pk_prepare(subject->db, &fault, error, tables_of_schema, subject->schema,
                 subject->schema, subject->schema, finding->query);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(fault, 1, subject->schema, -1, SQLITE_STATIC);
  for (; (rc = pk_step(fault, error)) == SQLITE_ROW; count++)
    add_finding(rows, finding, fault);
  sqlite3_finalize(fault);
  if (rc == SQLITE_DONE && count == 0) add_no_finding(rows, finding, NULL);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* "12 connections configured, 3 skipped (in-memory or temporary: 3)" */
static const char auto_configure_in_words[] =
    "SELECT profile, sum(connections * (outcome <> 'skipped'))"
    " || ' connections configured, '"
    " || sum(connections * (outcome = 'skipped')) || ' skipped'"
    " || coalesce(' (' || group_concat(iif(connections AND reason NOT NULL,"
    "  reason || ': ' || connections, NULL), ', ') || ')', '')"
    " FROM prod_auto_configure";

static int show_auto_configure(pk_rows *rows, sqlite3 *db, pk_error *error) {
  sqlite3_stmt *state;
  int rc = pk_prepare(db, &state, error, "%s", auto_configure_in_words);
  if (rc != SQLITE_OK) return rc;
  rc = pk_step(state, error);
  if (rc == SQLITE_ROW) {
    pk_row(rows);
    pk_row_text(rows, "auto_configure");
    pk_row_text(rows, (const char *)sqlite3_column_text(state, 0));
    pk_row_null(rows);
    pk_row_text(rows, "ok");
    pk_row_text(rows, "process");
    pk_row_text(rows, (const char *)sqlite3_column_text(state, 1));
    rc = SQLITE_OK;
  }
  sqlite3_finalize(state);
  return rc;
}

static int show_findings(pk_rows *rows, const struct subject *subject,
                         pk_error *error) {
  int rc = show_auto_configure(rows, subject->db, error);
  if (rc == SQLITE_OK)
    rc = show_pragmas(rows, subject, advised, sizeof advised / sizeof *advised,
                      error);
  const size_t count = sizeof findings / sizeof *findings;
  for (size_t i = 0; rc == SQLITE_OK && i < count; i++)
    rc = look_for(rows, subject, &findings[i], error);
  return rc;
}

/* ---- the table ---- */

#define PARTS "all settings findings"
enum part { ALL, SETTINGS, FINDINGS };

static int is_empty(struct subject *subject, pk_error *error) {
  sqlite3_int64 pages = 0;
  int rc = pk_query_int64(subject->db, &pages, error,
                          "PRAGMA \"%w\".page_count", subject->schema);
  subject->empty = pages == 0;
  return rc;
}

static int read_arguments(struct subject *subject, int *part,
                          sqlite3_value **arguments, pk_error *error) {
  const char *profile = "web", *part_name = "all", *file = "";
  int rc = pk_optional_text(arguments[0], "profile", &profile, error);
  if (rc == SQLITE_OK)
    rc = pk_choice(profile, PROFILES, "profile", &subject->profile, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[1], "schema", &subject->schema, error);
  if (rc == SQLITE_OK)
    rc = pk_optional_text(arguments[2], "part", &part_name, error);
  if (rc == SQLITE_OK) rc = pk_choice(part_name, PARTS, "part", part, error);
  if (rc == SQLITE_OK)
    rc = pk_schema_file(subject->db, subject->schema, &file, error);
  if (rc == SQLITE_OK) subject->in_memory = !*file;
  return rc;
}

static int show_settings(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                         pk_error *error) {
  struct subject subject = {.db = db, .schema = "main"};
  int part;
  int rc = read_arguments(&subject, &part, arguments, error);
  if (rc == SQLITE_OK) rc = is_empty(&subject, error);
  if (rc == SQLITE_OK && part != FINDINGS)
    rc = show_pragmas(rows, &subject, settings,
                      sizeof settings / sizeof *settings, error);
  if (rc == SQLITE_OK && part != SETTINGS)
    rc = show_findings(rows, &subject, error);
  return rc;
}

static const pk_table tables[] = {
    {.name = "prod_settings",
     .columns = "name TEXT, value, recommended, status TEXT, scope TEXT, "
                "reason TEXT, fix TEXT",
     .arguments = "profile, schema, part",
     .flags = SQLITE_DIRECTONLY,
     .summary =
         "each setting against a profile (web, durable, small), and faults "
         "of the schema, and what mends them",
     .produce = show_settings},
    {0}};

const pk_feature pk_settings = {"settings", NULL, tables};
