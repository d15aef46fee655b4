/* json.c: see json.h. */
#include "json.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define JSON_SUBTYPE 'J' /* what SQLite's own JSON functions look for */

static void quoted(sqlite3_str *text, const char *value, size_t bytes) {
  sqlite3_str_appendchar(text, 1, '"');
  while (bytes > 0) {
    size_t length = pk_utf8_length(value, bytes);
    if (*value == '"' || *value == '\\')
      sqlite3_str_appendf(text, "\\%c", *value);
    else if ((unsigned char)*value < 0x20)
      sqlite3_str_appendf(text, "\\u%04x", *value);
    else if (length > 0)
      sqlite3_str_append(text, value, (int)length);
    else
      sqlite3_str_appendall(text, PK_UTF8_REPLACEMENT);
    if (length == 0) length = 1;
    value += length;
    bytes -= length;
  }
  sqlite3_str_appendchar(text, 1, '"');
}

/* What stands before a value: the comma, and the key within an object. */
static sqlite3_str *before(pk_json *json, const char *key) {
  if (json->comma) sqlite3_str_appendchar(json->text, 1, ',');
  json->comma = true;
  if (key) {
    quoted(json->text, key, strlen(key));
    sqlite3_str_appendchar(json->text, 1, ':');
  }
  return json->text;
}

static void open_bracket(pk_json *json, char opener, char closer) {
  sqlite3_str_appendchar(json->text, 1, opener);
  json->closers[json->depth++] = closer;
  json->comma = false;
}

void pk_json_begin(pk_json *json) {
  *json = (pk_json){.text = sqlite3_str_new(NULL)};
  open_bracket(json, '{', '}');
}

void pk_json_object(pk_json *json, const char *key) {
  before(json, key);
  open_bracket(json, '{', '}');
}

void pk_json_array(pk_json *json, const char *key) {
  before(json, key);
  open_bracket(json, '[', ']');
}

void pk_json_end(pk_json *json) {
  sqlite3_str_appendchar(json->text, 1, json->closers[--json->depth]);
  json->comma = true;
}

void pk_json_text(pk_json *json, const char *key, const char *value) {
  if (value)
    quoted(before(json, key), value, strlen(value));
  else
    pk_json_null(json, key);
}

void pk_json_format(pk_json *json, const char *key, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *text = sqlite3_vmprintf(format, values);
  va_end(values);
  if (!text) json->out_of_memory = true;
  pk_json_text(json, key, text);
  sqlite3_free(text);
}

void pk_json_raw(pk_json *json, const char *key, const char *value) {
  sqlite3_str_appendall(before(json, key), value ? value : "null");
}

void pk_json_int64(pk_json *json, const char *key, sqlite3_int64 value) {
  sqlite3_str_appendf(before(json, key), "%lld", value);
}

void pk_json_double(pk_json *json, const char *key, double value) {
  if (isfinite(value))
    sqlite3_str_appendf(before(json, key), "%!.15g", value);
  else
    pk_json_null(json, key);
}

void pk_json_bool(pk_json *json, const char *key, bool value) {
  sqlite3_str_appendall(before(json, key), value ? "true" : "false");
}

void pk_json_null(pk_json *json, const char *key) {
  sqlite3_str_appendall(before(json, key), "null");
}

/* 17 digits, which tell any two numbers apart, from the C library. Its decimal
** point depends on the host's locale. */
static void all_digits(sqlite3_str *text, double value) {
  char digits[64];
  snprintf(digits, sizeof digits, "%.16e", value);
  int whole = value < 0 ? 2 : 1;
  size_t point = strcspn(digits + whole, "0123456789");
  sqlite3_str_appendf(text, "%.*s.%s", whole, digits, digits + whole + point);
}

/* The fewest digits from 15 on that are the same number when read. SQLite's
** own printing is inexact for some numbers, more so without a long double. */
static void exact_real(sqlite3_str *text, double value) {
  char digits[64];
  if (isinf(value)) {
    sqlite3_str_appendall(text, value < 0 ? "-9e999" : "9e999");
    return;
  }
  for (int precision = 15; precision <= 17; precision++) {
    sqlite3_snprintf(sizeof digits, digits, "%!.*g", precision, value);
    if (strtod(digits, NULL) == value) {
      sqlite3_str_appendall(text, digits);
      return;
    }
  }
  all_digits(text, value);
}

static void hexadecimal(sqlite3_str *text, const unsigned char *bytes,
                        int count) {
  sqlite3_str_appendchar(text, 1, '"');
  for (int i = 0; i < count; i++) sqlite3_str_appendf(text, "%02X", bytes[i]);
  sqlite3_str_appendchar(text, 1, '"');
}

void pk_json_value(pk_json *json, const char *key, sqlite3_value *value) {
  sqlite3_str *text = before(json, key);
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      sqlite3_str_appendf(text, "%lld", sqlite3_value_int64(value));
      break;
    case SQLITE_FLOAT:
      exact_real(text, sqlite3_value_double(value));
      break;
    case SQLITE_TEXT: {
      const void *characters = sqlite3_value_text(value);
      size_t bytes = characters ? (size_t)sqlite3_value_bytes(value) : 0;
      if (!characters) json->out_of_memory = true;
      quoted(text, characters, bytes);
      break;
    }
    case SQLITE_BLOB: {
      const void *bytes = sqlite3_value_blob(value);
      hexadecimal(text, bytes, sqlite3_value_bytes(value));
      break;
    }
    default:
      sqlite3_str_appendall(text, "null");
  }
}

char *pk_json_finish(pk_json *json) {
  while (json->depth > 0) pk_json_end(json);
  if (json->out_of_memory || sqlite3_str_errcode(json->text) != SQLITE_OK) {
    sqlite3_free(sqlite3_str_finish(json->text));
    return NULL;
  }
  return sqlite3_str_finish(json->text);
}

int pk_json_give(char *text, sqlite3_context *context) {
  if (!text) return SQLITE_NOMEM;
  sqlite3_result_text(context, text, -1, sqlite3_free);
  sqlite3_result_subtype(context, JSON_SUBTYPE);
  return SQLITE_OK;
}

int pk_json_result(pk_json *json, sqlite3_context *context) {
  return pk_json_give(pk_json_finish(json), context);
}
