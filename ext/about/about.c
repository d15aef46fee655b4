/*
** about.c: what this library is, how it was built, and what it adds.
**
**     SELECT prod_version();
**     SELECT prod_debug();
**     SELECT signature, summary FROM prod_help WHERE kind = 'function';
**
** prod_help amounts to
**
**     CREATE TABLE prod_help(
**       name TEXT, kind TEXT, signature TEXT, summary TEXT,
**       options TEXT, page TEXT);
**
** made from the declarations that the names were registered from, so it lists
** what is there. kind is `function`, `table` or `vfs`; a name can be the first
** two at once. options is one line for each key that the argument `options`
** knows, NULL where there is no such argument. page is the name's page in
** docs/.
*/
#include <string.h>
#include <zlib.h>

#include "../base/feature.h"
#include "../base/json.h"
#include "../base/sql.h"
#include "../prodkit.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static int version(sqlite3_context *context, sqlite3_value **arguments,
                   pk_error *error) {
  (void)arguments, (void)error;
  sqlite3_result_text(context, PRODKIT_VERSION, -1, SQLITE_STATIC);
  return SQLITE_OK;
}

/* What a host can be built without, and prodkit then does without. */
static const struct capability {
  const char *name;
  const char *probe; /* a statement that compiles where it is there */
} capabilities[] = {
    {"json", "SELECT json_valid('')"},
    {"dbstat", "SELECT 1 FROM dbstat"},
    {"stmt", "SELECT 1 FROM sqlite_stmt"},
};

static bool compiles(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  sqlite3_finalize(statement);
  return rc == SQLITE_OK;
}

/* The build, the process and whoever opened the connection each have a say in
** this. A mode that there is none of is refused where the name is read as a
** URI; as a path it is in a folder that is not there. */
static bool reads_uris(sqlite3 *db) {
  char *refusal = NULL;
  sqlite3_exec(db, "ATTACH 'file:/prodkit/probe?mode=none' AS prodkit_probe",
               NULL, NULL, &refusal);
  bool reads = refusal && strstr(refusal, "no such access mode");
  sqlite3_free(refusal);
  return reads;
}

static int debug(sqlite3_context *context, sqlite3_value **arguments,
                 pk_error *error) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  pk_json json;
  (void)arguments, (void)error;
  pk_json_begin(&json);
  pk_json_text(&json, "version", PRODKIT_VERSION);
  pk_json_text(&json, "compiler", COMPILER);
  pk_json_text(&json, "built_for_sqlite", SQLITE_VERSION);
  pk_json_text(&json, "host_sqlite", sqlite3_libversion());
  pk_json_text(&json, "host_source_id", sqlite3_sourceid());
  pk_json_int64(&json, "host_threadsafe", sqlite3_threadsafe());
  pk_json_text(&json, "zlib", zlibVersion());
  pk_json_object(&json, "host_has");
  for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
    pk_json_bool(&json, capabilities[i].name,
                 compiles(db, capabilities[i].probe));
  pk_json_bool(&json, "uri", reads_uris(db));
  pk_json_end(&json);
  return pk_json_result(&json, context);
}

static void option_lines(pk_rows *rows, const pk_option *options) {
  if (!options) {
    pk_row_null(rows);
    return;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (const pk_option *option = options; option->name; option++) {
    sqlite3_str_appendf(text, "%s%s: %s", option == options ? "" : "\n",
                        option->name, option->summary);
    if (option->choices) sqlite3_str_appendf(text, " [%s]", option->choices);
  }
  pk_row_take(rows, sqlite3_str_finish(text));
}

/* Takes the signature over. */
static void help_row(pk_rows *rows, const char *kind, const char *name,
                     char *signature, const char *summary,
                     const pk_option *options, const char *page) {
  pk_row(rows);
  pk_row_text(rows, name);
  pk_row_text(rows, kind);
  pk_row_take(rows, signature);
  pk_row_text(rows, summary);
  option_lines(rows, options);
  pk_row_format(rows, "docs/%s.md", page);
}

static void help_function(pk_rows *rows, const pk_function *function,
                          const char *page) {
  char *signature =
      pk_signature(function->name, function->arguments, function->required);
  help_row(rows, "function", function->name, signature, function->summary,
           function->options, page);
}

static void help_table(pk_rows *rows, const pk_table *table, const char *page) {
  char *signature =
      *table->arguments
          ? pk_signature(table->name, table->arguments, table->required)
          : sqlite3_mprintf("%s", table->name);
  help_row(rows, "table", table->name, signature, table->summary,
           table->options, page);
}

static void help_vfs(pk_rows *rows, const pk_vfs *vfs, const char *page) {
  char *signature = sqlite3_mprintf("file:PATH?vfs=%s", vfs->name);
  help_row(rows, "vfs", vfs->name, signature, vfs->summary, NULL, page);
}

static int help(pk_rows *rows, sqlite3 *db, sqlite3_value **arguments,
                pk_error *error) {
  (void)db, (void)arguments, (void)error;
  int host = sqlite3_libversion_number();
  for (int i = 0; pk_features[i]; i++) {
    const pk_feature *feature = pk_features[i];
    const pk_function *function = feature->functions;
    for (; function && function->name; function++)
      if (host >= function->least_sqlite)
        help_function(rows, function, feature->name);
    const pk_table *table = feature->tables;
    for (; table && table->name; table++)
      if (host >= table->least_sqlite) help_table(rows, table, feature->name);
    if (feature->vfs) help_vfs(rows, feature->vfs, feature->name);
  }
  return SQLITE_OK;
}

static const pk_table tables[] = {
    {.name = "prod_help",
     .columns = "name TEXT, kind TEXT, signature TEXT, summary TEXT, "
                "options TEXT, page TEXT",
     .arguments = "",
     .flags = SQLITE_INNOCUOUS,
     .summary = "every name that prodkit adds, with its arguments",
     .produce = help},
    {0}};

static const pk_function functions[] = {
    {.name = "prod_debug",
     .arguments = "",
     .flags = SQLITE_DIRECTONLY,
     .summary = "how prodkit was built, the host's SQLite and what it has, "
                "as JSON",
     .call = debug},
    {.name = "prod_version",
     .arguments = "",
     .flags = SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
     .summary = "the version of prodkit",
     .call = version},
    {0}};

const pk_feature pk_about = {"about", functions, tables};
