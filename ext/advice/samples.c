/* samples.c: see samples.h. */
#include "samples.h"

#include <stddef.h>
#include <string.h>

#include "../base/sql.h"
#include "../base/token.h"

#define SAMPLED_ROWS 10000

/* Which value of its column a parameter gets. */
typedef enum place {
  TYPICAL,    /* one that many rows have */
  FROM_LOW,   /* x < ?: a tenth of the rows are below */
  FROM_HIGH,  /* x > ?: a tenth of the rows are above */
  RANGE_LOW,  /* x BETWEEN ? AND ...: a tenth of the rows lie between */
  RANGE_HIGH, /* ... AND ? */
  PREFIX,     /* x LIKE ? */
  LIMIT,
  OFFSET,
} place;

/* Where the text has got to. */
typedef struct reading {
  const pk_what_if *copy;
  const char *sql;
  const pk_copied_table *table; /* of the column that came last, or NULL */
  const char *column;
  place place;
} reading;

static const char *column_of(const pk_copied_table *table,
                             const pk_token *token) {
  for (int i = 0; i < table->column_count; i++)
    if (pk_token_names(token, table->columns[i].name))
      return table->columns[i].name;
  return NULL;
}

/* A column of a table that the statement names, else of any table, since the
** statement may read a view. */
static bool find_column(reading *at, const pk_token *token) {
  const pk_copied_table *found = NULL;
  for (int i = 0; i < at->copy->table_count; i++) {
    const pk_copied_table *table = &at->copy->tables[i];
    if (!column_of(table, token)) continue;
    if (!found || pk_token_mentions(at->sql, table->name)) found = table;
    if (pk_token_mentions(at->sql, found->name)) break;
  }
  if (!found) return false;
  at->table = found;
  at->column = column_of(found, token);
  at->place = TYPICAL;
  return true;
}

static void read_token(reading *at, const pk_token *token) {
  static const struct {
    const char *text;
    place place;
  } operators[] = {{"<", FROM_LOW},        {"<=", FROM_LOW},  {">", FROM_HIGH},
                   {">=", FROM_HIGH},      {"=", TYPICAL},    {"IN", TYPICAL},
                   {"BETWEEN", RANGE_LOW}, {"LIKE", PREFIX},  {"GLOB", PREFIX},
                   {"LIMIT", LIMIT},       {"OFFSET", OFFSET}};
  if (pk_token_is(token, "AND") && at->place == RANGE_LOW) {
    at->place = RANGE_HIGH;
    return;
  }
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (pk_token_is(token, operators[i].text)) {
      at->place = operators[i].place;
      return;
    }
  if (token->kind == PK_WORD || token->kind == PK_QUOTED)
    find_column(at, token);
}

/* Each value of the first rows counts once: of a skewed column the one that
** most rows have is not typical. The number tells parameters apart. */
static char *typical_value(const reading *at, int number) {
  return sqlite3_mprintf(
      "WITH s(v) AS (SELECT DISTINCT v FROM (SELECT \"%w\" AS v FROM \"%w\" "
      "LIMIT %d) WHERE v IS NOT NULL) "
      "SELECT %s FROM s LIMIT 1 "
      "OFFSET (SELECT (count(*) / 2 + %d) %% max(count(*), 1) FROM s)",
      at->column, at->table->name, SAMPLED_ROWS,
      at->place == PREFIX ? "substr(v, 1, 3) || '%'" : "v", number);
}

static char *query_for(const reading *at, int number) {
  static const double share[] = {[FROM_LOW] = 0.1,
                                 [FROM_HIGH] = 0.9,
                                 [RANGE_LOW] = 0.45,
                                 [RANGE_HIGH] = 0.55};
  if (at->place == LIMIT) return sqlite3_mprintf("SELECT 20");
  if (at->place == OFFSET || !at->table) return sqlite3_mprintf("SELECT 0");
  if (at->place == TYPICAL || at->place == PREFIX)
    return typical_value(at, number);
  sqlite3_int64 rows = at->table->rows;
  if (rows > SAMPLED_ROWS) rows = SAMPLED_ROWS;
  return sqlite3_mprintf(
      "SELECT v FROM (SELECT \"%w\" AS v FROM \"%w\" LIMIT %d) "
      "ORDER BY v LIMIT 1 OFFSET %lld",
      at->column, at->table->name, SAMPLED_ROWS,
      (sqlite3_int64)((double)rows * share[at->place]));
}

static int take_value(pk_samples *samples, int number, sqlite3 *data,
                      const reading *at, pk_error *error) {
  sqlite3_stmt *query = NULL;
  if (number < 1 || number > samples->count || samples->values[number - 1])
    return SQLITE_OK;
  char *sql = query_for(at, number);
  if (!sql) return pk_fail_memory(error);
  int rc = pk_prepare(data, &query, error, "%s", sql);
  sqlite3_free(sql);
  if (rc == SQLITE_OK) rc = pk_step(query, error);
  if (rc == SQLITE_ROW) {
    samples->values[number - 1] =
        sqlite3_value_dup(sqlite3_column_value(query, 0));
    rc = samples->values[number - 1] ? SQLITE_OK : pk_fail_memory(error);
  }
  sqlite3_finalize(query);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The number of a parameter; *last is that of the one before. */
static int number_of(sqlite3_stmt *statement, const pk_token *token,
                     int *last) {
  char name[64];
  if (token->bytes == 1) return ++*last;
  sqlite3_snprintf(sizeof name, name, "%.*s", (int)token->bytes, token->text);
  int number = sqlite3_bind_parameter_index(statement, name);
  if (number > *last) *last = number;
  return number;
}

static int take_all(pk_samples *samples, sqlite3 *data, sqlite3_stmt *statement,
                    reading *at, pk_error *error) {
  pk_token token;
  int rc = SQLITE_OK, last = 0;
  for (const char *rest = at->sql;
       rc == SQLITE_OK && (rest = pk_token_next(rest, &token));) {
    if (token.kind == PK_PARAMETER)
      rc = take_value(samples, number_of(statement, &token, &last), data, at,
                      error);
    else
      read_token(at, &token);
  }
  return rc;
}

int pk_samples_take(pk_samples *samples, sqlite3 *data, const pk_what_if *copy,
                    const char *sql, pk_error *error) {
  sqlite3_stmt *statement;
  reading at = {.copy = copy, .sql = sql};
  *samples = (pk_samples){0};
  int rc = pk_prepare(data, &statement, error, "%s", sql);
  if (rc != SQLITE_OK) return rc;
  int count = sqlite3_bind_parameter_count(statement);
  if (count > 0) {
    size_t bytes = (size_t)count * sizeof *samples->values;
    samples->values = sqlite3_malloc64(bytes);
    if (samples->values) {
      memset(samples->values, 0, bytes);
      samples->count = count;
      rc = take_all(samples, data, statement, &at, error);
    } else {
      rc = pk_fail_memory(error);
    }
  }
  sqlite3_finalize(statement);
  return rc;
}

int pk_samples_bind(const pk_samples *samples, sqlite3_stmt *statement,
                    pk_error *error) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < samples->count; i++)
    if (samples->values[i])
      rc = sqlite3_bind_value(statement, i + 1, samples->values[i]);
  return rc == SQLITE_OK ? rc : pk_fail_memory(error);
}

void pk_samples_free(pk_samples *samples) {
  for (int i = 0; i < samples->count; i++)
    sqlite3_value_free(samples->values[i]);
  sqlite3_free(samples->values);
  *samples = (pk_samples){0};
}
