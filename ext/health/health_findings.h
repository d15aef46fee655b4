/*
** health_findings.h: what prod_health looks at, and how a check says what it
** found.
**
** A check is a judge: a function that looks at one thing among the facts and
** ends with one of these, which makes its finding complete.
**
**     static const char in_memory[] = "...";
**
**     int pk_check_something(pk_health_facts *facts, pk_finding *finding,
**                            pk_error *error) {
**       if (!*facts->file) return pk_not_made(finding, in_memory, error);
**       finding->value = pk_whole(facts->wal_bytes);
**       finding->threshold = pk_whole(1000);
**       return pk_found(finding, PK_PASS, error, "the message");
**     }
**
** A judge that fails instead has not judged: if SQLite says damage, the check
** fails, and otherwise warns that it could not be made (health.c, make_check).
*/
#ifndef PK_HEALTH_FINDINGS_H
#define PK_HEALTH_FINDINGS_H

#include <stdbool.h>

#include "../base/error.h"
#include "../format/header.h"

/* The options of prod_health. */
typedef struct pk_health_limits {
  sqlite3_int64 wal_warn_bytes, wal_fail_bytes, pinned_warn_bytes;
  double free_warn_ratio, free_fail_ratio;
  double disk_warn_ratio, disk_fail_ratio; /* of the database's size */
  sqlite3_int64 disk_fail_bytes;
  sqlite3_int64 backup_warn_seconds, backup_fail_seconds;
  int access;     /* pk_access */
  int connection; /* the caller's own connection is asked about */
  int format;     /* of the JSON */
  char *backup_dir, *integrity_state, *schema;
} pk_health_limits;

/* Who may use the files without a warning. */
typedef enum pk_access { PK_OWNER, PK_GROUP, PK_EVERYONE } pk_access;

/* What the checks look at. The first one gathers those of the file, which are
** of one moment. */
typedef struct pk_health_facts {
  sqlite3 *db;
  const char *schema;
  pk_health_limits limits;
  const char *file; /* "" for an in-memory or temporary database */
  bool readable;    /* the rest holds only if so, and is 0 otherwise */
  sqlite3_int64 page_count, page_size, free_pages;
  char *journal_mode;
  sqlite3_int64 file_bytes, wal_bytes; /* -1: there is no such file */
  int header_read;                     /* the result code of reading the next */
  unsigned char header[PK_HEADER_BYTES];
} pk_health_facts;

/* A value or a threshold: a number, a text, or nothing. */
typedef struct pk_amount {
  int type; /* SQLITE_INTEGER, _FLOAT or _TEXT; 0 for nothing */
  sqlite3_int64 whole;
  double real;
  char text[40];
} pk_amount;

typedef enum pk_health_status {
  PK_NOT_MADE,
  PK_PASS,
  PK_WARN,
  PK_FAIL,
} pk_health_status;

typedef struct pk_health_check pk_health_check;

typedef struct pk_finding {
  const pk_health_check *check;
  pk_health_status status;
  pk_amount value, threshold;
  char *message;     /* from sqlite3_malloc, or NULL */
  char *not_checked; /* why it was not made, likewise */
} pk_finding;

typedef int (*pk_judge)(pk_health_facts *facts, pk_finding *finding,
                        pk_error *error);

struct pk_health_check {
  const char *name;
  const char *unit;
  int from, to; /* the tiers that make it */
  pk_judge judge;
  bool always; /* also where the database cannot be read */
};

pk_amount pk_whole(sqlite3_int64 number);
pk_amount pk_real(double number);
pk_amount pk_word(const char *text); /* cut off where it is too long */

/* The status of a value that is better when it is low, and when it is high. */
pk_health_status pk_above(double value, double warn, double fail);
pk_health_status pk_below(double value, double warn, double fail);

/* Ends a judgement, with its message (a format of sqlite3_mprintf's). */
int pk_found(pk_finding *finding, pk_health_status status, pk_error *error,
             const char *format, ...);

/* The same where there is nothing to judge, or nothing to judge it by. */
int pk_not_made(pk_finding *finding, const char *reason, pk_error *error);

/* The same where a table of another feature could not be asked: that stands in
** a FROM, for which SQLite reads the schema of main, so that its failure says
** nothing about the database in question. Takes the trouble over. */
int pk_unanswered(pk_finding *finding, pk_error *trouble, pk_error *error);

/* The reason of checks that need a file. */
extern const char pk_has_no_file[];

#endif
