/* token.c: see token.h. */
#include "token.h"

#include <string.h>

#include "host.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What a bare name may have; all of UTF-8 beyond ASCII may be in one. */
static bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_blank(const char *sql) {
  for (;;) {
    sql += strspn(sql, " \t\n\f\r");
    if (strncmp(sql, "--", 2) == 0) {
      sql += strcspn(sql, "\n");
    } else if (strncmp(sql, "/*", 2) == 0) {
      const char *end = strstr(sql + 2, "*/");
      sql = end ? end + 2 : sql + strlen(sql);
    } else {
      return sql;
    }
  }
}

static const char *behind_name(const char *c) {
  while (is_name(*c)) c++;
  return c;
}

/* Behind the closing quote; a doubled one stands for itself, but for "]". */
static const char *behind_quoted(const char *c, char quote) {
  for (; *c; c++) {
    if (*c != quote) continue;
    if (quote == ']' || c[1] != quote) return c + 1;
    c++;
  }
  return c;
}

static const char *behind_digits(const char *c, bool (*is_one)(char)) {
  while (is_one(*c) || (*c == '_' && is_one(c[1]))) c++;
  return c;
}

static const char *behind_number(const char *c) {
  if (*c == '0' && (c[1] == 'x' || c[1] == 'X') && is_hex(c[2]))
    return behind_digits(c + 2, is_hex);
  c = behind_digits(c, is_digit);
  if (*c == '.') c = behind_digits(c + 1, is_digit);
  if (*c == 'e' || *c == 'E') {
    const char *power = c[1] == '+' || c[1] == '-' ? c + 2 : c + 1;
    if (is_digit(*power)) c = behind_digits(power, is_digit);
  }
  return c;
}

/* "$ns::name(x)" is one parameter: it is how Tcl writes its variables. */
static const char *behind_parameter(const char *c) {
  if (*c == '?') return behind_digits(c + 1, is_digit);
  const char *name = c + 1;
  for (c = name; is_name(*c) || (c[0] == ':' && c[1] == ':');)
    c += *c == ':' ? 2 : 1;
  if (*c == '(' && c > name) {
    const char *end = c + strcspn(c, ") \t\n\f\r");
    if (*end == ')') c = end + 1;
  }
  return c;
}

static size_t operator_bytes(const char *c) {
  static const char *const longer[] = {"->>", "->", "||", "<=", "<>",
                                       "<<",  ">=", ">>", "==", "!="};
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++)
    if (strncmp(c, longer[i], strlen(longer[i])) == 0) return strlen(longer[i]);
  return strchr("()+-*/%,;.<>=&|~", *c) ? 1 : 0;
}

static pk_token_kind token_at(const char *c, const char **end) {
  bool is_blob = (*c == 'x' || *c == 'X') && c[1] == '\'';
  if (*c == '\'' || is_blob) {
    *end = behind_quoted(c + (is_blob ? 2 : 1), '\'');
    return PK_STRING;
  }
  if (*c == '"' || *c == '`' || *c == '[') {
    *end = behind_quoted(c + 1, *c == '[' ? ']' : *c);
    return PK_QUOTED;
  }
  if (is_digit(*c) || (*c == '.' && is_digit(c[1]))) {
    *end = behind_number(c);
    return PK_NUMBER;
  }
  if (*c == '?' || (strchr("$@:#", *c) && is_name(c[1]))) {
    *end = behind_parameter(c);
    return PK_PARAMETER;
  }
  if (is_name(*c)) {
    *end = behind_name(c);
    return PK_WORD;
  }
  size_t bytes = operator_bytes(c);
  *end = c + (bytes ? bytes : 1);
  return bytes ? PK_OPERATOR : PK_ILLEGAL;
}

const char *pk_token_next(const char *sql, pk_token *token) {
  const char *end;
  sql = skip_blank(sql);
  if (*sql == 0) return NULL;
  token->kind = token_at(sql, &end);
  token->text = sql;
  token->bytes = (size_t)(end - sql);
  return end;
}

bool pk_token_is(const pk_token *token, const char *text) {
  if (token->kind != PK_WORD && token->kind != PK_OPERATOR) return false;
  if ((token->text[0] | 0x20) != (text[0] | 0x20)) return false;
  return token->bytes == strlen(text) &&
         sqlite3_strnicmp(token->text, text, (int)token->bytes) == 0;
}

bool pk_token_names(const pk_token *token, const char *name) {
  size_t bytes = strlen(name), quotes = token->kind == PK_QUOTED ? 2 : 0;
  if (token->kind != PK_WORD && token->kind != PK_QUOTED) return false;
  return token->bytes == bytes + quotes &&
         sqlite3_strnicmp(token->text + quotes / 2, name, (int)bytes) == 0;
}

bool pk_token_mentions(const char *sql, const char *name) {
  pk_token token;
  while ((sql = pk_token_next(sql, &token)))
    if (pk_token_names(&token, name)) return true;
  return false;
}
