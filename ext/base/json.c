/* json.c: see json.h. */
#include "json.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>

#define JSON_SUBTYPE 'J' /* what SQLite's own JSON functions look for */

/* Bytes of the UTF-8 sequence at c (RFC 3629, section 4), or 0 where there is
** none. It does not look beyond the text's final NUL. */
static int sequence_bytes(const unsigned char *c) {
  int bytes = *c < 0x80 ? 1 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;
  if (bytes > 1 && (*c < 0xc2 || *c > 0xf4)) return 0;
  for (int i = 1; i < bytes; i++)
    if ((c[i] & 0xc0) != 0x80) return 0;
  bool overlong = (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xf0 && c[1] < 0x90);
  bool surrogate = *c == 0xed && c[1] > 0x9f;
  bool too_high = *c == 0xf4 && c[1] > 0x8f;
  return overlong || surrogate || too_high ? 0 : bytes;
}

static void quoted(sqlite3_str *text, const char *value) {
  sqlite3_str_appendchar(text, 1, '"');
  for (const unsigned char *c = (const unsigned char *)value; *c;) {
    int bytes = sequence_bytes(c);
    if (bytes == 0)
      sqlite3_str_appendall(text, "\\ufffd");
    else if (*c == '"' || *c == '\\')
      sqlite3_str_appendf(text, "\\%c", *c);
    else if (*c < 0x20)
      sqlite3_str_appendf(text, "\\u%04x", *c);
    else
      sqlite3_str_append(text, (const char *)c, bytes);
    c += bytes ? bytes : 1;
  }
  sqlite3_str_appendchar(text, 1, '"');
}

/* What stands before a value: the comma, and the key within an object. */
static sqlite3_str *before(pk_json *json, const char *key) {
  if (json->comma) sqlite3_str_appendchar(json->text, 1, ',');
  json->comma = true;
  if (key) {
    quoted(json->text, key);
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
    quoted(before(json, key), value);
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

void pk_json_value(pk_json *json, const char *key, sqlite3_value *value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      pk_json_int64(json, key, sqlite3_value_int64(value));
      break;
    case SQLITE_FLOAT:
      pk_json_double(json, key, sqlite3_value_double(value));
      break;
    case SQLITE_TEXT:
      pk_json_text(json, key, (const char *)sqlite3_value_text(value));
      break;
    default:
      pk_json_null(json, key);
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

int pk_json_result(pk_json *json, sqlite3_context *context) {
  char *text = pk_json_finish(json);
  if (!text) return SQLITE_NOMEM;
  sqlite3_result_text(context, text, -1, sqlite3_free);
  sqlite3_result_subtype(context, JSON_SUBTYPE);
  return SQLITE_OK;
}
