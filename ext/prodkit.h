/*
** prodkit.h: the entry point, for programs that link prodkit in.
**
** A program that loads prodkit.so at run time needs no header. One that links
** the static library registers it for the connections it opens:
**
**     sqlite3_auto_extension((void (*)(void))sqlite3_prodkit_init);
**
** Returns SQLITE_OK, also when the connection has prodkit already. Fails with
** a message (from sqlite3_malloc) in *message on a SQLite older than 3.34.0.
*/
#ifndef PRODKIT_H
#define PRODKIT_H

#include <sqlite3.h>

#define PRODKIT_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3_api_routines;

int sqlite3_prodkit_init(sqlite3 *db, char **message,
                         const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
