/*
** fingerprint_fuzz.c: hostile text for the tokenizer and for fingerprints.
**
** `make fuzz` builds and runs it.
**
** What holds for any bytes: tokens lie within the text, in order; a form that
** was not cut is its own form, with the same fingerprint; and the fingerprint
** does not depend on how much of the form is kept.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/token.h"
#include "query/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_tokens(const char *sql) {
  const char *end = sql + strlen(sql), *before = sql;
  pk_token token;
  for (const char *rest = sql; (rest = pk_token_next(rest, &token));) {
    if (token.bytes == 0 || token.text < before) abort();
    if (rest != token.text + token.bytes || rest > end) abort();
    before = rest;
  }
}

static void check_form(const char *sql, size_t room) {
  char *form = malloc(room), *again = malloc(room), few[5];
  if (!form || !again) abort();
  sqlite3_uint64 fingerprint = pk_fingerprint(sql, form, room);
  if (pk_fingerprint(form, again, room) != fingerprint) abort();
  if (strcmp(form, again) != 0) abort();
  if (pk_fingerprint(sql, few, sizeof few) != fingerprint) abort();
  if (strlen(few) >= sizeof few) abort();
  free(form);
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  char *sql = malloc(bytes + 1);
  if (!sql) abort();
  memcpy(sql, data, bytes);
  sql[bytes] = 0;
  check_tokens(sql);
  check_form(sql, 3 * bytes + 1); /* each token may get a blank */
  free(sql);
  return 0;
}
