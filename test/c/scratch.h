/*
** scratch.h: a unit works in a new folder, which is removed after it.
**
**     static char folder[] = "/tmp/prodkit-file-XXXXXX";
**     static int enter(void **state) { return enter_scratch(folder); }
**     static int leave(void **state) { return remove_scratch(folder); }
*/
#ifndef SCRATCH_H
#define SCRATCH_H

#ifndef _GNU_SOURCE
#error define _GNU_SOURCE before the first include: mkdtemp, nftw
#endif
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Begins a new one each time: the X are written over by mkdtemp. */
static int enter_scratch(char *folder) {
  memcpy(strrchr(folder, '-'), "-XXXXXX", 7);
  return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

static int remove_scratch(const char *folder) {
  if (chdir("/") != 0) return -1;
  return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
