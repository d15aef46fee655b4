/* options.c: see options.h. */
#include "options.h"

#include <math.h>
#include <string.h>

#include "arguments.h"
#include "private.h"
#include "sql.h"

#define AT(type, into, option) \
  ((type *)(void *)((char *)(into) + (option)->offset))

static int unknown_key(const char *key, const pk_option *known,
                       pk_error *error) {
  sqlite3_str *names = sqlite3_str_new(NULL);
  for (const pk_option *option = known; option->name; option++)
    sqlite3_str_appendf(names, "%s%s", option == known ? "" : ", ",
                        option->name);
  char *listed = sqlite3_str_finish(names);
  int rc = listed ? pk_fail(error, SQLITE_ERROR,
                            "unknown option \"%s\"; known are %s", key, listed)
                  : pk_fail_memory(error);
  sqlite3_free(listed);
  return rc;
}

static int read_number(sqlite3_stmt *entry, const pk_option *option, void *into,
                       pk_error *error) {
  const char *type = (const char *)sqlite3_column_text(entry, 1);
  double value = sqlite3_column_double(entry, 2);
  bool whole = strcmp(type, "integer") == 0;
  bool bounded = option->least != 0 || option->most != 0;
  if (!whole && (option->type == PK_INTEGER || strcmp(type, "real") != 0))
    return pk_fail(error, SQLITE_MISMATCH, "option \"%s\" must be %s",
                   option->name,
                   option->type == PK_INTEGER ? "a whole number" : "a number");
  if (bounded && (value < option->least || value > option->most))
    return pk_fail(error, SQLITE_RANGE,
                   "option \"%s\" must be from %.15g to %.15g", option->name,
                   option->least, option->most);
  if (!bounded && value < 0)
    return pk_fail(error, SQLITE_RANGE, "option \"%s\" must not be negative",
                   option->name);
  /* json_each gives a whole number beyond 64 bits as a real, 1e999 as Inf. */
  if (isinf(value) || (option->type == PK_INTEGER &&
                       sqlite3_column_type(entry, 2) != SQLITE_INTEGER))
    return pk_fail(error, SQLITE_RANGE, "option \"%s\" is too large",
                   option->name);
  if (option->type == PK_INTEGER)
    *AT(sqlite3_int64, into, option) = sqlite3_column_int64(entry, 2);
  else
    *AT(double, into, option) = value;
  return SQLITE_OK;
}

static int read_text(sqlite3_stmt *entry, const pk_option *option, void *into,
                     pk_error *error) {
  char label[80];
  const char *text;
  sqlite3_snprintf(sizeof label, label, "option \"%s\"", option->name);
  int rc =
      pk_text_argument(sqlite3_column_value(entry, 2), label, &text, error);
  if (rc != SQLITE_OK) return rc;
  if (option->type == PK_CHOICE)
    return pk_choice(text, option->choices, label, AT(int, into, option),
                     error);
  sqlite3_free(*AT(char *, into, option));
  *AT(char *, into, option) = sqlite3_mprintf("%s", text);
  return *AT(char *, into, option) ? SQLITE_OK : pk_fail_memory(error);
}

static int read_boolean(sqlite3_stmt *entry, const pk_option *option,
                        void *into, pk_error *error) {
  const char *type = (const char *)sqlite3_column_text(entry, 1);
  bool yes = strcmp(type, "true") == 0;
  if (!yes && strcmp(type, "false") != 0)
    return pk_fail(error, SQLITE_MISMATCH,
                   "option \"%s\" must be true or false", option->name);
  *AT(int, into, option) = yes;
  return SQLITE_OK;
}

/* One key and its value; `seen` has a bit for each known option. */
static int read_entry(sqlite3_stmt *entry, const pk_option *known, void *into,
                      sqlite3_uint64 *seen, pk_error *error) {
  const char *key = (const char *)sqlite3_column_text(entry, 0);
  if (!key) return pk_fail_memory(error);
  const pk_option *option = known;
  while (option->name && strcmp(option->name, key) != 0) option++;
  if (!option->name) return unknown_key(key, known, error);
  sqlite3_uint64 bit = (sqlite3_uint64)1 << (option - known);
  if (*seen & bit)
    return pk_fail(error, SQLITE_ERROR, "option \"%s\" is given twice", key);
  *seen |= bit;
  switch (option->type) {
    case PK_BOOLEAN:
      return read_boolean(entry, option, into, error);
    case PK_INTEGER:
    case PK_REAL:
      return read_number(entry, option, into, error);
    case PK_TEXT:
    case PK_CHOICE:
      return read_text(entry, option, into, error);
  }
  return SQLITE_OK;
}

static int fail_without_json(const char *what_needs, const char *advice,
                             pk_error *error) {
  return pk_fail(error, SQLITE_ERROR,
                 "%s JSON functions, which this host's SQLite (%s) was built "
                 "without%s",
                 what_needs, sqlite3_libversion(), advice);
}

/* Is it a JSON object? Asked apart from reading it, for a clear message. */
static int check_object(sqlite3 *reader, sqlite3_value *json, pk_error *error) {
  static const char must_be[] =
      "options must be a JSON object such as {\"name\":value}";
  sqlite3_stmt *check = NULL;
  if (sqlite3_value_type(json) != SQLITE_TEXT)
    return pk_fail(error, SQLITE_MISMATCH, must_be);
  int rc = sqlite3_prepare_v2(reader, "SELECT json_type(?1) = 'object'", -1,
                              &check, NULL);
  if (rc == SQLITE_ERROR)
    return fail_without_json("options need", "; leave them out", error);
  if (rc == SQLITE_OK) rc = sqlite3_bind_value(check, 1, json);
  if (rc == SQLITE_OK) rc = sqlite3_step(check);
  bool object = rc == SQLITE_ROW && sqlite3_column_int(check, 0);
  if (object)
    rc = SQLITE_OK;
  else if (rc == SQLITE_ROW || rc == SQLITE_ERROR) /* no object; malformed */
    rc = pk_fail(error, SQLITE_MISMATCH, "%s, not %s", must_be,
                 sqlite3_value_text(json));
  else
    rc = pk_fail_db(error, reader, "options");
  sqlite3_finalize(check);
  return rc;
}

static int read_entries(sqlite3 *reader, sqlite3_value *json,
                        const pk_option *known, void *into, pk_error *error) {
  sqlite3_stmt *entry;
  int rc = pk_prepare(reader, &entry, error,
                      "SELECT key, type, atom FROM json_each(?1)");
  if (rc != SQLITE_OK) return rc;
  sqlite3_uint64 seen = 0;
  if (sqlite3_bind_value(entry, 1, json) != SQLITE_OK)
    rc = pk_fail_memory(error);
  while (rc == SQLITE_OK && (rc = pk_step(entry, error)) == SQLITE_ROW)
    rc = read_entry(entry, known, into, &seen, error);
  sqlite3_finalize(entry);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* On the user's connection a FROM reads the schema of main, and so would fail
** where that is locked or damaged: the JSON is read on a private one. */
int pk_options_read(sqlite3 *db, sqlite3_value *json, const pk_option *known,
                    void *into, pk_error *error) {
  sqlite3 *reader;
  if (!json) return SQLITE_OK;
  int rc = pk_private_memory(db, &reader, error);
  if (rc != SQLITE_OK) return rc;
  rc = check_object(reader, json, error);
  if (rc == SQLITE_OK) rc = read_entries(reader, json, known, into, error);
  sqlite3_close(reader);
  return rc;
}

/* Not asked of the user's connection, where an interrupt would answer. */
int pk_host_has_json(sqlite3 *db, bool *has, pk_error *error) {
  sqlite3 *private;
  sqlite3_stmt *probe = NULL;
  int rc = pk_private_memory(db, &private, error);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_prepare_v2(private, "SELECT json_type('{}')", -1, &probe, NULL);
  *has = rc == SQLITE_OK;
  if (rc != SQLITE_OK && rc != SQLITE_ERROR) pk_fail_sql(error, rc, private);
  sqlite3_finalize(probe);
  sqlite3_close(private);
  return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

int pk_require_json(sqlite3 *db, const char *what_needs, pk_error *error) {
  bool has;
  int rc = pk_host_has_json(db, &has, error);
  if (rc != SQLITE_OK || has) return rc;
  return fail_without_json(what_needs, "", error);
}

void pk_options_free(const pk_option *known, void *into) {
  for (const pk_option *option = known; option->name; option++) {
    if (option->type != PK_TEXT) continue;
    sqlite3_free(*AT(char *, into, option));
    *AT(char *, into, option) = NULL;
  }
}
