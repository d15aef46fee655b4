/* literal.c: see literal.h. */
#include "literal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"
#include "utf8.h"

static bool failed(const pk_literals *out) {
  return out->error->code != SQLITE_OK;
}

static void put_bytes(pk_literals *out, const char *sql, size_t bytes) {
  if (!failed(out)) out->sink(out->context, sql, bytes);
}

static void put(pk_literals *out, const char *sql) {
  put_bytes(out, sql, strlen(sql));
}

/* ---- numbers ---- */

static void put_integer(pk_literals *out, sqlite3_int64 value) {
  char text[24];
  sqlite3_snprintf(sizeof text, text, "%lld", value);
  put(out, text);
}

/* Makes "%g" of a number an SQL literal, whatever the locale's decimal point
** is, and a REAL where it looks like an integer. */
static void make_literal(char *text) {
  char *end = text + strspn(text, "-0123456789");
  if (*end == 0) {
    strcpy(end, ".0");
  } else if (*end != 'e') {
    size_t bytes = strcspn(end, "0123456789");
    memmove(end + 1, end + bytes, strlen(end + bytes) + 1);
    *end = '.';
  }
}

static bool reads_back(pk_literals *out, const char *text, double value) {
  sqlite3_bind_text(out->reader, 1, text, -1, SQLITE_STATIC);
  bool same = sqlite3_step(out->reader) == SQLITE_ROW &&
              sqlite3_column_double(out->reader, 0) == value;
  sqlite3_reset(out->reader);
  return same;
}

/* value as an integer of 53 bits, multiplied or divided by powers of two: each
** literal and each step is exact, for no step has more bits than the value. */
static void put_product(pk_literals *out, double value) {
  const int most = 53;
  int exponent;
  double mantissa = ldexp(frexp(value, &exponent), most);
  exponent -= most;
  char operation = exponent < 0 ? '/' : '*';
  put_integer(out, (sqlite3_int64)mantissa);
  put(out, ".0");
  for (int left = abs(exponent); left > 0; left -= most) {
    int step = left < most ? left : most;
    put_bytes(out, &operation, 1);
    put_integer(out, (sqlite3_int64)1 << step);
    put(out, ".0");
  }
}

/* SQLite's own printing and parsing is inexact at the ends of the range, and
** not alike in all versions; the C library's is exact. */
static void put_real(pk_literals *out, double value) {
  char text[48];
  if (isinf(value)) {
    put(out, value < 0 ? "-1e999" : "1e999");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) != value) continue;
    make_literal(text);
    if (!reads_back(out, text, value)) continue;
    put(out, text);
    return;
  }
  put_product(out, value);
}

/* ---- texts and blobs ---- */

static void put_hex(pk_literals *out, const unsigned char *bytes,
                    size_t count) {
  static const char digits[] = "0123456789abcdef";
  char text[1024];
  size_t filled = 0;
  for (size_t i = 0; i < count && !failed(out); i++) {
    text[filled++] = digits[bytes[i] >> 4];
    text[filled++] = digits[bytes[i] & 15];
    if (filled < sizeof text && i + 1 < count) continue;
    put_bytes(out, text, filled);
    filled = 0;
  }
}

/* The characters that would not survive within quotes, and their marks. */
enum { SPECIALS = 3, MOST_BACKSLASHES = 8 };
static const struct {
  char letter; /* of the mark */
  int code;
} specials[SPECIALS] = {{'n', '\n'}, {'r', '\r'}, {'0', 0}};

/* A mark is as many backslashes as no run in the text has, and a letter: that
** it does not occur by chance needs no search. */
typedef struct text_facts {
  bool plain; /* well-formed, and with marks that are short enough */
  bool has[SPECIALS];
  int backslashes;
} text_facts;

static text_facts examine(const char *text, size_t bytes) {
  text_facts facts = {.plain = true};
  int run = 0, longest = 0;
  for (size_t i = 0; i < bytes;) {
    size_t width = pk_utf8_length(text + i, bytes - i);
    if (width == 0) facts.plain = false;
    for (int s = 0; s < SPECIALS; s++)
      if (text[i] == specials[s].code) facts.has[s] = true;
    run = text[i] == '\\' ? run + 1 : 0;
    if (run > longest) longest = run;
    i += width ? width : 1;
  }
  facts.backslashes = longest + 1;
  for (int s = 0; s < SPECIALS; s++)
    if (facts.has[s] && longest >= MOST_BACKSLASHES) facts.plain = false;
  return facts;
}

static void put_mark(pk_literals *out, const text_facts *facts, int special) {
  for (int i = 0; i < facts->backslashes; i++) put(out, "\\");
  put_bytes(out, &specials[special].letter, 1);
}

static void put_character(pk_literals *out, const text_facts *facts,
                          char character) {
  for (int s = 0; s < SPECIALS; s++)
    if (character == specials[s].code) put_mark(out, facts, s);
  if (character == '\'') put(out, "''");
}

static bool stands_for_itself(char c) {
  return c != '\'' && c != '\n' && c != '\r' && c != 0;
}

static void put_quoted(pk_literals *out, const char *text, size_t bytes,
                       const text_facts *facts) {
  for (int s = 0; s < SPECIALS; s++)
    if (facts->has[s]) put(out, "replace(");
  put(out, "'");
  for (size_t i = 0; i < bytes && !failed(out);) {
    size_t run = i;
    while (run < bytes && stands_for_itself(text[run])) run++;
    put_bytes(out, text + i, run - i);
    if (run < bytes) put_character(out, facts, text[run]);
    i = run + 1;
  }
  put(out, "'");
  for (int s = 0; s < SPECIALS; s++) {
    if (!facts->has[s]) continue;
    put(out, ",'");
    put_mark(out, facts, s);
    put(out, "',char(");
    put_integer(out, specials[s].code);
    put(out, "))");
  }
}

static bool is_utf16(const uint16_t *text, size_t units) {
  for (size_t i = 0; i < units; i++) {
    if (text[i] < 0xd800 || text[i] > 0xdfff) continue;
    bool pair = text[i] < 0xdc00 && i + 1 < units && text[i + 1] >= 0xdc00 &&
                text[i + 1] <= 0xdfff;
    if (!pair) return false;
    i++;
  }
  return true;
}

/* sqlite3_column_text16 has the byte order of the machine. */
static void put_utf16_hex(pk_literals *out, const uint16_t *text,
                          size_t units) {
  bool little = strcmp(out->encoding, "UTF-16le") == 0;
  for (size_t i = 0; i < units && !failed(out); i++) {
    unsigned char low = text[i] & 0xff, high = (unsigned char)(text[i] >> 8);
    unsigned char pair[2] = {little ? low : high, little ? high : low};
    put_hex(out, pair, 2);
  }
}

/* The bytes of a text in the encoding of the database. */
static void put_cast(pk_literals *out, sqlite3_stmt *row, int column) {
  put(out, "CAST(X'");
  if (strcmp(out->encoding, "UTF-8") == 0) {
    const unsigned char *text = sqlite3_column_text(row, column);
    put_hex(out, text, (size_t)sqlite3_column_bytes(row, column));
  } else {
    const uint16_t *text = sqlite3_column_text16(row, column);
    put_utf16_hex(out, text, (size_t)sqlite3_column_bytes16(row, column) / 2);
  }
  put(out, "' AS TEXT)");
}

static void put_text(pk_literals *out, sqlite3_stmt *row, int column) {
  if (strcmp(out->encoding, "UTF-8") != 0) { /* converting would lose it */
    const uint16_t *wide = sqlite3_column_text16(row, column);
    size_t units = (size_t)sqlite3_column_bytes16(row, column) / 2;
    if (wide && !is_utf16(wide, units)) {
      put_cast(out, row, column);
      return;
    }
  }
  const char *text = (const char *)sqlite3_column_text(row, column);
  if (!text) {
    pk_fail_memory(out->error);
    return;
  }
  size_t bytes = (size_t)sqlite3_column_bytes(row, column);
  text_facts facts = examine(text, bytes);
  if (facts.plain)
    put_quoted(out, text, bytes, &facts);
  else
    put_cast(out, row, column);
}

static void put_blob(pk_literals *out, sqlite3_stmt *row, int column) {
  const void *blob = sqlite3_column_blob(row, column);
  size_t bytes = (size_t)sqlite3_column_bytes(row, column);
  if (bytes > 0 && !blob) pk_fail_memory(out->error);
  put(out, "X'");
  put_hex(out, blob, bytes);
  put(out, "'");
}

void pk_literal_value(pk_literals *out, sqlite3_stmt *row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      put_integer(out, sqlite3_column_int64(row, column));
      break;
    case SQLITE_FLOAT:
      put_real(out, sqlite3_column_double(row, column));
      break;
    case SQLITE_TEXT:
      put_text(out, row, column);
      break;
    case SQLITE_BLOB:
      put_blob(out, row, column);
      break;
    default:
      put(out, "NULL");
  }
}

void pk_literal_text(pk_literals *out, const char *text) {
  size_t bytes = strlen(text);
  text_facts facts = examine(text, bytes);
  put_quoted(out, text, bytes, &facts);
}

int pk_literals_begin(pk_literals *out, sqlite3 *db, pk_literal_sink sink,
                      void *context, pk_error *error) {
  *out = (pk_literals){.sink = sink, .context = context, .error = error};
  int rc = pk_query_text(db, &out->encoding, error, "PRAGMA encoding");
  if (rc == SQLITE_OK)
    rc = pk_prepare(db, &out->reader, error, "SELECT CAST(?1 AS REAL)");
  return rc;
}

void pk_literals_end(pk_literals *out) {
  sqlite3_finalize(out->reader);
  sqlite3_free(out->encoding);
  *out = (pk_literals){.sink = NULL};
}
