/* fingerprint.c: see fingerprint.h. */
#include "fingerprint.h"

#include <string.h>

#include "../base/token.h"

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* What has been written, and what decides how it goes on. Small, so that a
** copy of it can try what comes next. */
typedef struct writer {
  sqlite3_uint64 hash;
  char *form;
  size_t room, bytes; /* bytes of the whole form; room 0 keeps none of it */
  bool starts;        /* nothing was written yet */
  bool glued;         /* no blank before what comes next */
  /* Of the last token: */
  bool operand;     /* ends an operand, so that a sign is an operator */
  bool keeps_null;  /* makes of NULL something else than a value */
  bool before_list; /* is IN */
  bool before_rows; /* is VALUES */
} writer;

static void put_byte(writer *to, char c) {
  to->hash = (to->hash ^ (unsigned char)c) * FNV_PRIME;
  if (to->bytes < to->room) to->form[to->bytes] = c;
  to->bytes++;
}

static bool is_one_of(const pk_token *token, const char *const *words) {
  for (; *words; words++)
    if (pk_token_is(token, *words)) return true;
  return false;
}

/* Words that an operand or a subquery follows: a sign behind them belongs to
** the number, and a bracket is no function's. */
static bool opens_operand(const pk_token *token) {
  static const char *const words[] = {
      "all",          "and",       "as",       "between", "by",     "case",
      "check",        "default",   "distinct", "else",    "escape", "except",
      "exists",       "filter",    "from",     "glob",    "having", "in",
      "intersect",    "is",        "join",     "like",    "limit",  "match",
      "materialized", "not",       "offset",   "on",      "or",     "over",
      "regexp",       "returning", "select",   "set",     "then",   "union",
      "using",        "values",    "when",     "where",   NULL};
  return token->kind == PK_WORD && is_one_of(token, words);
}

static bool is_value(const pk_token *token) {
  static const char *const words[] = {"null", "true", "false", NULL};
  return token->kind == PK_NUMBER || token->kind == PK_STRING ||
         token->kind == PK_PARAMETER ||
         (token->kind == PK_WORD && is_one_of(token, words));
}

/* Behind signs, in *token what is there; NULL at the end. */
static const char *behind_signs(const char *rest, pk_token *token) {
  do rest = pk_token_next(rest, token);
  while (rest && (pk_token_is(token, "-") || pk_token_is(token, "+")));
  return rest;
}

/* f(x), but in (x); a, b; t.c */
static bool blank_before(const writer *to, const pk_token *token) {
  if (to->starts || to->glued) return false;
  if (pk_token_is(token, "(")) return !to->operand;
  return !pk_token_is(token, ",") && !pk_token_is(token, ")") &&
         !pk_token_is(token, ".") && !pk_token_is(token, ";");
}

static void put_text(writer *to, const pk_token *token) {
  bool folds = token->kind == PK_WORD;
  for (size_t i = 0; i < token->bytes; i++) {
    char c = token->text[i];
    put_byte(to, folds && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
  }
}

static void put_token(writer *to, const pk_token *token) {
  static const char *const null_keepers[] = {"is", "not", "default", "set",
                                             NULL};
  bool value = is_value(token) && !(token->kind == PK_WORD && to->keeps_null);
  if (blank_before(to, token)) put_byte(to, ' ');
  if (value)
    put_byte(to, '?');
  else
    put_text(to, token);
  to->starts = false;
  to->glued = pk_token_is(token, "(") || pk_token_is(token, ".");
  to->operand = value || pk_token_is(token, ")") || token->kind == PK_QUOTED ||
                (token->kind == PK_WORD && !opens_operand(token));
  to->keeps_null = is_one_of(token, null_keepers);
  to->before_list = pk_token_is(token, "in");
  to->before_rows = pk_token_is(token, "values");
}

/* Signs belong to the value behind them, and go; in front of anything else
** they are operators. */
static const char *put_signs(writer *to, const pk_token *first,
                             const char *rest) {
  pk_token token = *first, end;
  const char *behind = behind_signs(rest, &end);
  const char *stop = behind ? end.text : NULL;
  bool go = behind && is_value(&end);
  for (;;) {
    if (!go) put_token(to, &token);
    const char *next = pk_token_next(rest, &token);
    if (!next || token.text == stop) return rest;
    rest = next;
  }
}

static const char *put_plain(writer *to, const pk_token *token,
                             const char *rest) {
  bool sign = pk_token_is(token, "-") || pk_token_is(token, "+");
  if (sign && !to->operand) return put_signs(to, token, rest);
  put_token(to, token);
  return rest;
}

/* ---- lists of IN ---- */

/* Behind the bracket that closes a list of nothing but values; NULL where it
** is something else. */
static const char *behind_values(const char *sql) {
  pk_token token;
  for (;;) {
    if (!(sql = behind_signs(sql, &token)) || !is_value(&token)) return NULL;
    if (!(sql = pk_token_next(sql, &token))) return NULL;
    if (pk_token_is(&token, ")")) return sql;
    if (!pk_token_is(&token, ",")) return NULL;
  }
}

static const char *put_list(writer *to, const pk_token *open,
                            const char *rest) {
  static const pk_token value = {PK_PARAMETER, "?", 1};
  static const pk_token close = {PK_OPERATOR, ")", 1};
  const char *behind = behind_values(rest);
  put_token(to, open);
  if (!behind) return rest;
  put_token(to, &value);
  put_token(to, &close);
  return behind;
}

/* ---- rows of VALUES ---- */

/* Writes a row up to its closing bracket. */
static const char *put_row(writer *to, const pk_token *open, const char *rest) {
  pk_token token;
  int depth = 1;
  put_token(to, open);
  while (depth > 0) {
    const char *behind = pk_token_next(rest, &token);
    if (!behind) return rest;
    depth += pk_token_is(&token, "(") ? 1 : pk_token_is(&token, ")") ? -1 : 0;
    rest = put_plain(to, &token, behind);
  }
  return rest;
}

/* The hash of a row by itself. */
static sqlite3_uint64 row_hash(const pk_token *open, const char *rest) {
  writer trial = {.hash = FNV_BASIS, .starts = true};
  put_row(&trial, open, rest);
  return trial.hash;
}

/* The bracket that opens a further row, and what follows it; NULL where there
** is none. */
static const char *next_row(const char *rest, pk_token *comma, pk_token *open) {
  rest = pk_token_next(rest, comma);
  if (!rest || !pk_token_is(comma, ",")) return NULL;
  rest = pk_token_next(rest, open);
  return rest && pk_token_is(open, "(") ? rest : NULL;
}

static const char *put_rows(writer *to, const pk_token *open,
                            const char *rest) {
  pk_token comma, next;
  sqlite3_uint64 last = row_hash(open, rest);
  const char *row;
  rest = put_row(to, open, rest);
  while ((row = next_row(rest, &comma, &next))) {
    writer unseen = {.hash = FNV_BASIS, .starts = true};
    rest = put_row(&unseen, &next, row);
    if (unseen.hash == last) continue;
    last = unseen.hash;
    put_token(to, &comma);
    rest = put_row(to, &next, row);
  }
  return rest;
}

/* ---- the whole statement ---- */

/* Ends the form with a NUL, where need be in place of the first byte of the
** character that does not fit. */
static void end_form(const writer *to) {
  size_t end = to->bytes;
  if (end >= to->room) {
    end = to->room - 1;
    while (end > 0 && ((unsigned char)to->form[end] & 0xc0) == 0x80) end--;
  }
  to->form[end] = 0;
}

sqlite3_uint64 pk_fingerprint(const char *sql, char *form, size_t room) {
  writer to = {.hash = FNV_BASIS, .form = form, .room = room, .starts = true};
  static const pk_token semicolon = {PK_OPERATOR, ";", 1};
  int semicolons = 0;
  pk_token token;
  const char *rest = sql;
  while ((rest = pk_token_next(rest, &token))) {
    if (pk_token_is(&token, ";")) {
      semicolons++;
      continue;
    }
    for (; semicolons > 0; semicolons--) put_token(&to, &semicolon);
    if (pk_token_is(&token, "(") && to.before_list)
      rest = put_list(&to, &token, rest);
    else if (pk_token_is(&token, "(") && to.before_rows)
      rest = put_rows(&to, &token, rest);
    else
      rest = put_plain(&to, &token, rest);
  }
  end_form(&to);
  return to.hash;
}
