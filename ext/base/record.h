/*
** record.h: what was done last, in a small file beside a database.
**
** The file has one line of JSON that begins with a signature of its feature's,
** and is locked (flock) by whoever is about to write the next one, so that two
** do not do the same work at once:
**
**     static const char signature[] = "{\"prodkit_maintain\":1,";
**     pk_record record = PK_RECORD_CLOSED;
**     int rc = pk_record_open(&record, path, signature, error);
**     ...                               SQLITE_BUSY: another has it
**     if (rc == SQLITE_OK) rc = pk_record_write(&record, text, error);
**     pk_record_close(&record);                      due in every case
**
** The lock ends with the process; the file stays, since a lock on a file that
** comes and goes would keep nobody out. For the same reason it is written in
** place: a reader at that very moment may find it damaged. Where a filesystem
** knows no flock(), everyone gets the lock.
**
** A file of another kind is refused and left as it is, and is looked at through
** SQLite's VFS only, as it may be a live database.
*/
#ifndef PK_RECORD_H
#define PK_RECORD_H

#include "error.h"

#define PK_RECORD_MOST_BYTES (1 << 20)

typedef struct pk_record {
  char *path;
  int fd;
} pk_record;

#define PK_RECORD_CLOSED ((pk_record){.fd = -1})

/* Makes the file if it is not there (mode 0600), and locks it. */
int pk_record_open(pk_record *record, const char *path, const char *signature,
                   pk_error *error);

/* Replaces the record. */
int pk_record_write(pk_record *record, const char *text, pk_error *error);

/* Harmless when repeated. */
void pk_record_close(pk_record *record);

/* The record, from sqlite3_malloc; NULL where there is none yet. */
int pk_record_read(const char *path, const char *signature, char **text,
                   pk_error *error);

#endif
