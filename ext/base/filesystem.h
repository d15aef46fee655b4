/*
** filesystem.h: what kind of file system a file lies on.
**
**     pk_filesystem found;
**     if (pk_filesystem_find("/srv/app/app.db", &found) &&
**         found.reach == PK_NETWORK) ... found.name ...
**
** On a file system that several hosts mount, two of SQLite's foundations are
** missing: shared memory, by which connections in WAL mode agree on the log,
** never leaves a host, and file locks are often not kept (sqlite.org/wal.html,
** sqlite.org/useovernet.html).
**
** Linux gives the type as a number, of which those below are known by name;
** macOS and the BSDs give the name and say whether it is local. What FUSE
** stands for (sshfs, virtiofs, or a disk) cannot be told, nor what lies below
** an overlay.
*/
#ifndef PK_FILESYSTEM_H
#define PK_FILESYSTEM_H

#include <stdbool.h>

typedef enum pk_reach {
  PK_LOCAL,
  PK_NETWORK,
  PK_REACH_UNKNOWN, /* local or not */
} pk_reach;

typedef struct pk_filesystem {
  char name[32]; /* "ext4"; "type 0x1234" where the number has no name here */
  pk_reach reach;
} pk_filesystem;

/* False where the operating system does not tell. No file is opened. */
bool pk_filesystem_find(const char *path, pk_filesystem *found);

/* What a type number of Linux's statfs() stands for. */
void pk_filesystem_of_type(unsigned long type, pk_filesystem *found);

#endif
