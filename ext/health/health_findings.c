/* health_findings.c: see health_findings.h. */
#include "health_findings.h"

#include <stdarg.h>

const char pk_has_no_file[] = "in-memory or temporary database";

pk_amount pk_whole(sqlite3_int64 number) {
  return (pk_amount){.type = SQLITE_INTEGER, .whole = number};
}

pk_amount pk_real(double number) {
  return (pk_amount){.type = SQLITE_FLOAT, .real = number};
}

pk_amount pk_word(const char *text) {
  pk_amount amount = {.type = SQLITE_TEXT};
  sqlite3_snprintf(sizeof amount.text, amount.text, "%s", text);
  return amount;
}

pk_health_status pk_above(double value, double warn, double fail) {
  return value > fail ? PK_FAIL : value > warn ? PK_WARN : PK_PASS;
}

pk_health_status pk_below(double value, double warn, double fail) {
  return value < fail ? PK_FAIL : value < warn ? PK_WARN : PK_PASS;
}

int pk_found(pk_finding *finding, pk_health_status status, pk_error *error,
             const char *format, ...) {
  va_list values;
  va_start(values, format);
  finding->message = sqlite3_vmprintf(format, values);
  va_end(values);
  finding->status = status;
  return finding->message ? SQLITE_OK : pk_fail_memory(error);
}

int pk_not_made(pk_finding *finding, const char *reason, pk_error *error) {
  finding->value = (pk_amount){0};
  finding->not_checked = sqlite3_mprintf("%s", reason);
  return finding->not_checked ? SQLITE_OK : pk_fail_memory(error);
}

int pk_unanswered(pk_finding *finding, pk_error *trouble, pk_error *error) {
  if (pk_ends_the_call(trouble->code)) {
    *error = *trouble;
    return error->code;
  }
  int rc = pk_not_made(finding, trouble->message, error);
  pk_error_clear(trouble);
  return rc;
}
