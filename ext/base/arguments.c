/* arguments.c: see arguments.h. */
#include "arguments.h"

#include <string.h>

int pk_argument_count(const char *arguments) {
  if (!*arguments) return 0;
  int count = 1;
  for (; *arguments; arguments++) count += *arguments == ',';
  return count;
}

char *pk_signature(const char *name, const char *arguments, int required) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  int optional = pk_argument_count(arguments) - required;
  sqlite3_str_appendf(text, "%s(", name);
  for (int i = 0; *arguments; i++) {
    size_t bytes = strcspn(arguments, ",");
    const char *before = i >= required ? (i ? " [, " : "[") : (i ? ", " : "");
    sqlite3_str_appendf(text, "%s%.*s", before, (int)bytes, arguments);
    arguments += bytes;
    arguments += strspn(arguments, ", ");
  }
  sqlite3_str_appendchar(text, optional, ']');
  sqlite3_str_appendchar(text, 1, ')');
  return sqlite3_str_finish(text);
}

int pk_require(sqlite3_value **values, const char *name, const char *arguments,
               int required, pk_error *error) {
  for (int i = 0; i < required; i++) {
    if (values[i]) continue;
    char *signature = pk_signature(name, arguments, required);
    int rc = signature
                 ? pk_fail(error, SQLITE_ERROR,
                           "an argument is missing or NULL: %s", signature)
                 : pk_fail_memory(error);
    sqlite3_free(signature);
    return rc;
  }
  return SQLITE_OK;
}

int pk_text_argument(sqlite3_value *value, const char *name, const char **text,
                     pk_error *error) {
  if (!value || sqlite3_value_type(value) != SQLITE_TEXT)
    return pk_fail(error, SQLITE_MISMATCH, "%s must be a text", name);
  *text = (const char *)sqlite3_value_text(value);
  if (!*text) return pk_fail_memory(error);
  if (**text == 0) return pk_fail(error, SQLITE_MISMATCH, "%s is empty", name);
  if (strlen(*text) != (size_t)sqlite3_value_bytes(value))
    return pk_fail(error, SQLITE_MISMATCH, "%s has a NUL character in it",
                   name);
  return SQLITE_OK;
}

int pk_optional_text(sqlite3_value *value, const char *name, const char **text,
                     pk_error *error) {
  if (!value) return SQLITE_OK;
  return pk_text_argument(value, name, text, error);
}

/* "none quick full" as "none, quick, full". */
static char *with_commas(const char *words) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (; *words; words++)
    if (*words == ' ')
      sqlite3_str_appendall(text, ", ");
    else
      sqlite3_str_appendchar(text, 1, *words);
  return sqlite3_str_finish(text);
}

int pk_choice(const char *word, const char *choices, const char *name,
              int *place, pk_error *error) {
  size_t bytes = strlen(word);
  const char *choice = choices;
  for (int i = 0; *choice; i++) {
    size_t length = strcspn(choice, " ");
    if (length == bytes && memcmp(choice, word, bytes) == 0) {
      *place = i;
      return SQLITE_OK;
    }
    choice += length;
    if (*choice == ' ') choice++;
  }
  char *listed = with_commas(choices);
  int rc = listed
               ? pk_fail(error, SQLITE_ERROR,
                         "%s must be one of %s, not \"%s\"", name, listed, word)
               : pk_fail_memory(error);
  sqlite3_free(listed);
  return rc;
}

int pk_compression_level(sqlite3_value *value, int *level, pk_error *error) {
  const int usual = 6, best = 12;
  *level = PK_PLAIN;
  if (!value) return SQLITE_OK;
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    sqlite3_int64 number = sqlite3_value_int64(value);
    *level = (int)number;
    if (number >= PK_PLAIN && number <= best) return SQLITE_OK;
  } else if (sqlite3_value_type(value) == SQLITE_TEXT) {
    const char *word = (const char *)sqlite3_value_text(value);
    if (word && strcmp(word, "none") == 0) return SQLITE_OK;
    if (word && strcmp(word, "gzip") == 0) {
      *level = usual;
      return SQLITE_OK;
    }
  }
  return pk_fail(error, SQLITE_MISMATCH,
                 "compress must be 0 or 'none' for a plain file, or 1 to 12 or "
                 "'gzip' (6) for a compressed one");
}
