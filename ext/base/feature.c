/* feature.c: see feature.h. */
#include "feature.h"

static int answer(const pk_function *function, sqlite3_context *context,
                  int argc, sqlite3_value **argv, pk_error *error) {
  sqlite3_value *arguments[PK_MOST_ARGUMENTS] = {NULL};
  if (argc > pk_argument_count(function->arguments))
    return pk_fail(error, SQLITE_ERROR, "too many arguments: %d", argc);
  for (int i = 0; i < argc; i++)
    if (sqlite3_value_type(argv[i]) != SQLITE_NULL) arguments[i] = argv[i];
  int rc = pk_require(arguments, function->name, function->arguments,
                      function->required, error);
  return rc == SQLITE_OK ? function->call(context, arguments, error) : rc;
}

/* Stands between SQLite and a feature's function. */
static void call(sqlite3_context *context, int argc, sqlite3_value **argv) {
  const pk_function *function = sqlite3_user_data(context);
  pk_error error = PK_NO_ERROR;
  int rc = answer(function, context, argc, argv, &error);
  if (rc == SQLITE_OK) return;
  char *message = pk_error_message(&error, function->name);
  if (error.message && !message) rc = SQLITE_NOMEM;
  if (message) sqlite3_result_error(context, message, -1);
  sqlite3_result_error_code(context, pk_error_code(rc));
  sqlite3_free(message);
  pk_error_clear(&error);
}

int pk_feature_register(sqlite3 *db, const pk_feature *feature) {
  int host = sqlite3_libversion_number();
  int rc = feature->vfs ? pk_vfs_register(feature->vfs) : SQLITE_OK;
  const pk_table *table = feature->tables;
  for (; table && table->name && rc == SQLITE_OK; table++)
    if (host >= table->least_sqlite) rc = pk_table_register(db, table);
  const pk_function *function = feature->functions;
  for (; function && function->name && rc == SQLITE_OK; function++)
    if (host >= function->least_sqlite)
      rc = sqlite3_create_function_v2(
          db, function->name, -1,
          SQLITE_UTF8 | SQLITE_RESULT_SUBTYPE | function->flags,
          (void *)function, call, NULL, NULL, NULL);
  return rc;
}
