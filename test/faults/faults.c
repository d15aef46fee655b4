/*
** faults.c: system calls that fail when they are told to, for tests of what a
** program does then. Preloaded into it (glibc):
**
**     cc -shared -fPIC -o faults.so test/faults/faults.c -ldl
**     LD_PRELOAD=./faults.so FAULTS_BELOW=/tmp/backups FAULT='write 3 ENOSPC' \
**       sqlite3 app.db ...
**
** FAULTS_BELOW  a folder, absolute: calls fail on it and on what is in it only
** FAULT         CALL N HOW
**
**     CALL  write, sync, read, open, truncate, name (rename and link), and
**           thread and memory, which have no path: pthread_create, and the
**           malloc and calloc of prodkit and of what it compresses with
**     N     the how-manieth such call fails; with a + behind, all from there on
**     HOW   an error (EIO, ENOSPC, EINTR, EROFS, ENOMEM, EAGAIN, EPERM), or
**           short: half of a write is done
**
** FILESYSTEM    a type number as in statfs(2): statfs() tells that the same
**               folder is on a file system of this type
**
** All are looked at with each call, so that a program can change them while it
** runs; counting begins anew when FAULT changes. faults_met() tells how many
** calls have failed since then.
**
** Limits. Calls that the C library makes by itself are not seen, but for
** mkostemps, which is an open. Calls on standard streams neither. The counters
** are for programs that do their input and output on one thread.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int faults_met(void);
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);

/* ---- what is to fail ---- */

enum { PASS = 0, SHORT = -1 }; /* or else an errno */

static struct fault {
  char text[64]; /* FAULT, as it was when it was read */
  char call[16];
  int first;
  bool lasting;
  int how;
  int seen;
  int met;
} fault;

static int error_named(const char *name) {
  static const struct {
    const char *name;
    int number;
  } errors[] = {{"EIO", EIO},     {"ENOSPC", ENOSPC}, {"EINTR", EINTR},
                {"EROFS", EROFS}, {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN},
                {"EPERM", EPERM}, {"short", SHORT}};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strcmp(name, errors[i].name) == 0) return errors[i].number;
  fprintf(stderr, "faults: unknown error %s\n", name);
  abort();
}

static void read_fault(void) {
  const char *text = getenv("FAULT");
  if (!text) text = "";
  if (strcmp(text, fault.text) == 0) return;
  char number[16] = "", how[16] = "";
  fault = (struct fault){.seen = 0};
  snprintf(fault.text, sizeof fault.text, "%s", text);
  if (sscanf(text, "%15s %15s %15s", fault.call, number, how) < 3) return;
  fault.first = atoi(number);
  fault.lasting = strchr(number, '+') != NULL;
  fault.how = error_named(how);
}

/* What becomes of a call of this kind: PASS, SHORT or an errno. */
static int fate(const char *call) {
  if (strcmp(call, fault.call) != 0) return PASS;
  fault.seen++;
  if (fault.seen != fault.first && !(fault.lasting && fault.seen > fault.first))
    return PASS;
  fault.met++;
  if (fault.how != SHORT) errno = fault.how;
  return fault.how;
}

static bool is_below(const char *path) {
  const char *below = getenv("FAULTS_BELOW");
  size_t bytes = below ? strlen(below) : 0;
  if (bytes == 0 || strncmp(path, below, bytes) != 0) return false;
  return path[bytes] == '/' || path[bytes] == 0;
}

static int fate_of_path(const char *call, const char *path) {
  read_fault();
  return is_below(path) ? fate(call) : PASS;
}

/* A file whose name was removed still tells it. */
static int fate_of_file(const char *call, int fd) {
  char link[64], path[4096];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t bytes = readlink(link, path, sizeof path - 1);
  errno = before;
  if (bytes < 0) return PASS;
  path[bytes] = 0;
  return fate_of_path(call, path);
}

static int fate_of_memory(const void *caller) {
  Dl_info from;
  if (strncmp(fault.call, "memory", 6) != 0 || !dladdr(caller, &from) ||
      !from.dli_fname)
    return PASS;
  return strstr(from.dli_fname, "/prodkit.") ||
                 strstr(from.dli_fname, "libdeflate") ||
                 strstr(from.dli_fname, "libz.")
             ? fate("memory")
             : PASS;
}

int faults_met(void) {
  read_fault();
  return fault.met;
}

/* ---- the calls ---- */

/* The function that would have been called without us, in `next`. */
#define FIND_NEXT(name)          \
  static __typeof__(&name) next; \
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)

#define WRITES(name, parameters, arguments)    \
  ssize_t name parameters {                    \
    FIND_NEXT(name);                           \
    int how = fate_of_file("write", fd);       \
    if (how > 0) return -1;                    \
    if (how == SHORT && bytes > 1) bytes /= 2; \
    return next arguments;                     \
  }

#define FILE_CALL(result, name, kind, parameters, arguments) \
  result name parameters {                                   \
    FIND_NEXT(name);                                         \
    return fate_of_file(kind, fd) > 0 ? -1 : next arguments; \
  }

WRITES(write, (int fd, const void *data, size_t bytes), (fd, data, bytes))
WRITES(pwrite, (int fd, const void *data, size_t bytes, off_t at),
       (fd, data, bytes, at))
WRITES(pwrite64, (int fd, const void *data, size_t bytes, off64_t at),
       (fd, data, bytes, at))

FILE_CALL(ssize_t, read, "read", (int fd, void *data, size_t bytes),
          (fd, data, bytes))
FILE_CALL(ssize_t, pread, "read", (int fd, void *data, size_t bytes, off_t at),
          (fd, data, bytes, at))
FILE_CALL(ssize_t, pread64, "read",
          (int fd, void *data, size_t bytes, off64_t at), (fd, data, bytes, at))
FILE_CALL(int, fsync, "sync", (int fd), (fd))
FILE_CALL(int, fdatasync, "sync", (int fd), (fd))
FILE_CALL(int, ftruncate, "truncate", (int fd, off_t bytes), (fd, bytes))
FILE_CALL(int, ftruncate64, "truncate", (int fd, off64_t bytes), (fd, bytes))

#define RENAMES(name)                                          \
  int name(const char *from, const char *to) {                 \
    FIND_NEXT(name);                                           \
    return fate_of_path("name", to) > 0 ? -1 : next(from, to); \
  }

RENAMES(rename)
RENAMES(link)

#define OPENS(name)                                                       \
  int name(const char *path, int flags, ...) {                            \
    FIND_NEXT(name);                                                      \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;             \
    va_end(rest);                                                         \
    return fate_of_path("open", path) > 0 ? -1 : next(path, flags, mode); \
  }

OPENS(open)
OPENS(open64)

#define OPENS_TEMPORARY(name)                                               \
  int name(char *path, int suffix, int flags) {                             \
    FIND_NEXT(name);                                                        \
    return fate_of_path("open", path) > 0 ? -1 : next(path, suffix, flags); \
  }

OPENS_TEMPORARY(mkostemps)
OPENS_TEMPORARY(mkostemps64)

int statfs(const char *path, struct statfs *told) {
  FIND_NEXT(statfs);
  const char *type = getenv("FILESYSTEM");
  int rc = next(path, told);
  if (rc == 0 && type && is_below(path))
    told->f_type = (__typeof__(told->f_type))strtoul(type, NULL, 0);
  return rc;
}

/* pthread_create gives its error as its result. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument) {
  FIND_NEXT(pthread_create);
  read_fault();
  int how = fate("thread");
  return how > 0 ? how : next(thread, attributes, start, argument);
}

/* FAULT is not read here: getenv may be what asks for memory. */
void *malloc(size_t bytes) {
  return fate_of_memory(__builtin_return_address(0)) > 0 ? NULL
                                                         : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  return fate_of_memory(__builtin_return_address(0)) > 0
             ? NULL
             : __libc_calloc(count, bytes);
}
