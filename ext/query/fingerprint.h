/*
** fingerprint.h: what statements that differ only in their values have in
** common.
**
**     SELECT * FROM Orders WHERE id IN (1,2,3) -- page 7
**     select * from orders where id in (?)
**     1d56173345d1d65d
**
** The form of a statement is its tokens in one spelling:
**  - a literal, with its sign, and a parameter of any kind is ?; so are NULL,
**    TRUE and FALSE where they are values (not behind IS, NOT, DEFAULT or SET);
**  - a list of values in IN, of any length, is (?);
**  - rows of VALUES that have one form are one row;
**  - keywords and bare names are in lower case; names in quotes stay as they
**    are, which holds for a text in double quotes too: in SQL it is a name;
**  - comments are dropped, white space is one blank where it helps reading, and
**    the semicolon at the end goes.
** Digits within names stay: log_2025 and log_2026 are two tables.
**
** The form is SQL again, and its own form. The fingerprint is the 64-bit FNV-1a
** hash of all its bytes (draft-eastlake-fnv, section 2), so it is the same in
** every process, on every machine and with every version of SQLite.
**
** No list of SQLite's keywords is used, because it grows with its versions.
*/
#ifndef PK_FINGERPRINT_H
#define PK_FINGERPRINT_H

#include <stddef.h>

#include "../base/host.h"

/* A fingerprint as text, 16 digits and the NUL. */
#define PK_FINGERPRINT_BYTES 17
#define PK_FINGERPRINT_FORMAT "%016llx"

/* The fingerprint of a statement. Its form goes into form[0..room-1], cut
** between characters where it is longer, and ended by a NUL. room is at least
** 1. Allocates nothing; the time is linear in the text. */
sqlite3_uint64 pk_fingerprint(const char *sql, char *form, size_t room);

#endif
