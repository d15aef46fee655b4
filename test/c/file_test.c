/*
** file_test.c: units of base/file: whatever happens while a file is written,
** either all of it stands under its name or nothing that was not there before.
** Each test runs in a folder of its own.
*/
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/filesystem.h"
#include "scratch.h"

static char folder[] = "/tmp/prodkit-file-XXXXXX";

static int enter_folder(void **state) {
  (void)state;
  return enter_scratch(folder);
}

static int remove_folder(void **state) {
  (void)state;
  return remove_scratch(folder);
}

/* ---- what tests say ---- */

static void put(const char *path, const char *content) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(content, file);
  fclose(file);
}

static void assert_content(const char *path, const char *expected) {
  char content[64] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  content[fread(content, 1, sizeof content - 1, file)] = 0;
  fclose(file);
  assert_string_equal(content, expected);
}

static int names_in(const char *path) {
  int count = 0;
  DIR *list = opendir(path);
  assert_non_null(list);
  for (struct dirent *entry; (entry = readdir(list));) {
    const char *name = entry->d_name;
    count += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
  }
  closedir(list);
  return count;
}

/* Writes "new" to a target from begin to end. */
static int write_new(const char *target, bool overwrite, pk_error *error) {
  pk_file file;
  int rc = pk_file_create(&file, target, overwrite, error);
  if (rc == SQLITE_OK) rc = pk_file_write(&file, "new", 3, error);
  if (rc == SQLITE_OK) rc = pk_file_publish(&file, error);
  pk_file_discard(&file);
  return rc;
}

static void assert_refused(const char *target, bool overwrite, int code,
                           const char *message) {
  pk_error error = PK_NO_ERROR;
  assert_int_equal(write_new(target, overwrite, &error), code);
  assert_string_equal(error.message, message);
  pk_error_clear(&error);
}

/* ---- tests ---- */

static void test_publish(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  struct stat found;
  (void)state;
  mode_t mask = umask(0);
  assert_int_equal(pk_file_create(&file, "a.db", false, &error), SQLITE_OK);
  umask(mask);
  assert_int_equal(pk_file_write(&file, "one", 3, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&file, "", 0, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&file, " two", 4, &error), SQLITE_OK);
  assert_int_equal(file.bytes, 7);
  assert_int_not_equal(access("a.db", F_OK), 0);
  assert_int_equal(pk_file_publish(&file, &error), SQLITE_OK);
  assert_null(file.path);
  pk_file_discard(&file);
  pk_file_discard(&file);
  assert_content("a.db", "one two");
  assert_int_equal(stat("a.db", &found), 0);
  assert_int_equal(found.st_mode & 07777, 0600);
  assert_int_equal(found.st_nlink, 1);
  assert_int_equal(names_in("."), 1);
}

static void test_absolute_and_odd_names(void **state) {
  pk_error error = PK_NO_ERROR;
  char *path = sqlite3_mprintf("%s/Zoë's \"100%%s\" file", folder);
  (void)state;
  assert_int_equal(write_new(path, false, &error), SQLITE_OK);
  assert_content(path, "new");
  assert_int_equal(names_in("."), 1);
  sqlite3_free(path);
}

static void test_discard(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  (void)state;
  assert_int_equal(pk_file_create(&file, "a.db", false, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&file, "half", 4, &error), SQLITE_OK);
  assert_int_equal(names_in("."), 1);
  pk_file_discard(&file);
  assert_int_equal(names_in("."), 0);
}

static void test_existing_target(void **state) {
  (void)state;
  put("a.db", "old");
  assert_refused("a.db", false, SQLITE_CANTOPEN,
                 "a.db exists already; choose another name, or pass the option "
                 "{\"overwrite\":true}");
  assert_content("a.db", "old");
  assert_int_equal(names_in("."), 1);
}

static void test_overwrite(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  (void)state;
  put("a.db", "old");
  assert_int_equal(pk_file_create(&file, "a.db", true, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&file, "half", 4, &error), SQLITE_OK);
  pk_file_discard(&file);
  assert_content("a.db", "old");
  assert_int_equal(write_new("a.db", true, &error), SQLITE_OK);
  assert_content("a.db", "new");
  assert_int_equal(names_in("."), 1);
}

static void test_share(void **state) {
  const mode_t permissions = S_IRWXU | S_IRWXG | S_IRWXO;
  pk_error error = PK_NO_ERROR;
  struct stat found;
  pk_file file;
  (void)state;
  assert_int_equal(pk_file_create(&file, "a.txt", false, &error), SQLITE_OK);
  assert_int_equal(pk_file_share(&file, &error), SQLITE_OK);
  assert_int_equal(pk_file_publish(&file, &error), SQLITE_OK);
  pk_file_discard(&file);
  assert_int_equal(stat("a.txt", &found), 0);
  assert_int_equal(found.st_mode & permissions, 0644);
}

static void test_target_appears_meanwhile(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  (void)state;
  assert_int_equal(pk_file_create(&file, "a.db", false, &error), SQLITE_OK);
  put("a.db", "somebody's");
  assert_int_equal(pk_file_publish(&file, &error), SQLITE_CANTOPEN);
  assert_string_equal(error.message,
                      "a.db appeared while it was being written; it was left "
                      "as it is");
  pk_error_clear(&error);
  pk_file_discard(&file);
  assert_content("a.db", "somebody's");
  assert_int_equal(names_in("."), 1);
}

static void test_two_writers_of_one_target(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file one, other;
  (void)state;
  assert_int_equal(pk_file_create(&one, "a.db", false, &error), SQLITE_OK);
  assert_int_equal(pk_file_create(&other, "a.db", false, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&one, "one", 3, &error), SQLITE_OK);
  assert_int_equal(pk_file_write(&other, "other", 5, &error), SQLITE_OK);
  assert_int_equal(pk_file_publish(&other, &error), SQLITE_OK);
  assert_int_equal(pk_file_publish(&one, &error), SQLITE_CANTOPEN);
  pk_error_clear(&error);
  pk_file_discard(&one);
  pk_file_discard(&other);
  assert_content("a.db", "other");
  assert_int_equal(names_in("."), 1);
}

/* What a process leaves that is killed while it writes. */
static void test_parts_without_a_writer(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  bool begun;
  (void)state;
  put(".a.db.AbCdEf.prodkit-part", "abandoned");
  put(".b.db.AbCdEf.prodkit-part", "abandoned");
  assert_int_equal(pk_file_begun("a.db", &begun, &error), SQLITE_OK);
  assert_true(begun);
  assert_int_equal(pk_file_begun("db", &begun, &error), SQLITE_OK);
  assert_false(begun);
  assert_int_equal(pk_file_create(&file, "a.db", false, &error), SQLITE_OK);
  assert_int_equal(names_in("."), 2); /* the new part, and that of b.db */
  pk_file_discard(&file);
  assert_int_equal(names_in("."), 1);
}

static int note_target(void *context, const char *target, pk_error *error) {
  strcat(context, target);
  return strcmp(target, "./kept") == 0
             ? pk_fail(error, SQLITE_ERROR, "not this one")
             : SQLITE_OK;
}

static void test_sweep(void **state) {
  pk_error error = PK_NO_ERROR;
  char told[64] = "";
  pk_file file;
  (void)state;
  assert_int_equal(pk_file_create(&file, "mine", false, &error), SQLITE_OK);
  put(".a.db.AbCdEf.prodkit-part", "abandoned");
  put(".a.db.AbCdEf.other", "somebody's");
  put("a.db.AbCdEf.prodkit-part", "somebody's");
  put("..AbCdEf.prodkit-part", "somebody's");
  assert_int_equal(mkdir(".sub.AbCdEf.prodkit-part", 0700), 0);
  assert_int_equal(mkfifo(".pipe.AbCdEf.prodkit-part", 0600), 0);
  assert_int_equal(pk_file_sweep(".", note_target, told, &error), SQLITE_OK);
  assert_string_equal(told, "./a.db");
  assert_int_equal(names_in("."), 6);

  put(".kept.AbCdEf.prodkit-part", "abandoned");
  assert_int_equal(pk_file_sweep(".", note_target, told, &error), SQLITE_ERROR);
  pk_error_clear(&error);
  assert_int_equal(names_in("."), 7);
  assert_int_equal(pk_file_sweep("missing", NULL, NULL, &error),
                   SQLITE_CANTOPEN);
  pk_error_clear(&error);
  pk_file_discard(&file);
}

/* Killed between link and unlink: the part is the published file's second
** name, and that file may be a live database. */
static void test_sweep_of_a_second_name(void **state) {
  pk_error error = PK_NO_ERROR;
  (void)state;
  put("a.db", "whole");
  assert_int_equal(link("a.db", ".a.db.AbCdEf.prodkit-part"), 0);
  assert_int_equal(pk_file_sweep(".", NULL, NULL, &error), SQLITE_OK);
  assert_content("a.db", "whole");
  assert_int_equal(names_in("."), 1);
}

static void test_long_names(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  char name[256], other[256];
  bool begun;
  (void)state;
  memset(name, 'n', 255);
  memset(other, 'n', 255);
  name[255] = other[255] = 0;
  other[10] = 'o';
  assert_int_equal(pk_file_create(&file, name, false, &error), SQLITE_OK);
  assert_int_equal(pk_file_begun(name, &begun, &error), SQLITE_OK);
  assert_true(begun);
  assert_int_equal(pk_file_begun(other, &begun, &error), SQLITE_OK);
  assert_false(begun);
  assert_int_equal(pk_file_publish(&file, &error), SQLITE_OK);
  pk_file_discard(&file);
  assert_int_equal(names_in("."), 1);
}

static void test_text(void **state) {
  pk_error error = PK_NO_ERROR;
  char *text;
  (void)state;
  put("a.txt", "ten bytes.");
  assert_int_equal(pk_file_text("a.txt", 10, &text, &error), SQLITE_OK);
  assert_string_equal(text, "ten bytes.");
  sqlite3_free(text);
  assert_int_equal(pk_file_text("a.txt", 9, &text, &error), SQLITE_TOOBIG);
  assert_null(text);
  pk_error_clear(&error);
  assert_int_equal(pk_file_text("missing", 9, &text, &error), SQLITE_CANTOPEN);
  pk_error_clear(&error);
  assert_int_equal(pk_file_text(".", 9, &text, &error), SQLITE_CANTOPEN);
  pk_error_clear(&error);
  assert_int_equal(pk_file_remove("a.txt", &error), SQLITE_OK);
  assert_int_equal(pk_file_remove("a.txt", &error), SQLITE_OK);
}

static void test_folders_and_special_files(void **state) {
  (void)state;
  assert_int_equal(mkdir("sub", 0700), 0);
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_refused("sub", true, SQLITE_CANTOPEN,
                 "sub is a folder: name a file in it");
  assert_refused("sub/", true, SQLITE_CANTOPEN,
                 "sub/ is a folder: name a file in it");
  assert_refused("pipe", true, SQLITE_CANTOPEN, "pipe is not a regular file");
  assert_int_equal(names_in("."), 2);
  assert_int_equal(names_in("sub"), 0);
}

static void test_folder_that_cannot_be_used(void **state) {
  (void)state;
  put("file", "old");
  assert_refused("missing/a.db", false, SQLITE_CANTOPEN,
                 "cannot write missing/a.db: No such file or directory");
  assert_refused("file/a.db", false, SQLITE_CANTOPEN,
                 "cannot write file/a.db: Not a directory");
  assert_int_equal(names_in("."), 1);
}

static void test_folder_without_permission(void **state) {
  (void)state;
  assert_int_equal(mkdir("closed", 0555), 0);
  assert_int_equal(chmod(folder, 0755), 0);
  bool root = geteuid() == 0; /* may write anywhere: step down */
  if (root) assert_int_equal(seteuid(65534), 0);
  assert_refused("closed/a.db", false, SQLITE_CANTOPEN,
                 "cannot write closed/a.db: Permission denied");
  if (root) assert_int_equal(seteuid(0), 0);
  assert_int_equal(names_in("closed"), 0);
}

static void test_symbolic_links(void **state) {
  pk_error error = PK_NO_ERROR;
  struct stat found;
  (void)state;
  put("a.db", "old");
  assert_int_equal(symlink("a.db", "link"), 0);
  assert_int_equal(symlink("nowhere", "dangling"), 0);
  assert_refused("link", false, SQLITE_CANTOPEN,
                 "link exists already; choose another name, or pass the option "
                 "{\"overwrite\":true}");
  assert_refused("dangling", false, SQLITE_CANTOPEN,
                 "dangling exists already; choose another name, or pass the "
                 "option {\"overwrite\":true}");
  /* the link is replaced, not what it leads to */
  assert_int_equal(write_new("link", true, &error), SQLITE_OK);
  assert_content("link", "new");
  assert_content("a.db", "old");
  assert_int_equal(lstat("link", &found), 0);
  assert_true(S_ISREG(found.st_mode));
  assert_int_equal(names_in("."), 3);
}

static void test_write_that_fails(void **state) {
  static char block[1 << 16];
  struct rlimit before, small = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
  pk_error error = PK_NO_ERROR;
  pk_file file;
  (void)state;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  assert_int_equal(pk_file_create(&file, "a.db", false, &error), SQLITE_OK);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  int first = pk_file_write(&file, block, sizeof block, &error);
  int second = pk_file_write(&file, block, sizeof block, &error);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_int_equal(first, SQLITE_OK);
  assert_int_equal(second, SQLITE_IOERR);
  assert_string_equal(error.message, "cannot write a.db: File too large");
  pk_error_clear(&error);
  pk_file_discard(&file);
  assert_int_equal(names_in("."), 0);
}

static void test_publish_into_a_folder_that_went(void **state) {
  pk_error error = PK_NO_ERROR;
  pk_file file;
  (void)state;
  assert_int_equal(mkdir("sub", 0700), 0);
  assert_int_equal(pk_file_create(&file, "sub/a.db", false, &error), SQLITE_OK);
  assert_int_equal(rename("sub", "moved"), 0);
  assert_int_equal(pk_file_publish(&file, &error), SQLITE_IOERR);
  assert_string_equal(error.message,
                      "cannot publish sub/a.db: No such file or directory");
  pk_error_clear(&error);
  pk_file_discard(&file);
  assert_int_not_equal(access("moved/a.db", F_OK), 0);
}

static void test_same_file_and_bytes(void **state) {
  (void)state;
  put("a.db", "four");
  assert_int_equal(link("a.db", "hard"), 0);
  assert_int_equal(symlink("a.db", "soft"), 0);
  put("b.db", "four");
  assert_true(pk_same_file("a.db", "./a.db"));
  assert_true(pk_same_file("a.db", "hard"));
  assert_true(pk_same_file("a.db", "soft"));
  assert_false(pk_same_file("a.db", "b.db"));
  assert_false(pk_same_file("missing", "missing"));
  assert_int_equal(pk_file_bytes("a.db"), 4);
  assert_int_equal(pk_file_bytes("missing"), -1);
  assert_int_equal(pk_file_bytes("."), -1);
}

/* ---- file systems ---- */

static void assert_filesystem(unsigned long type, const char *name,
                              pk_reach reach) {
  pk_filesystem found;
  pk_filesystem_of_type(type, &found);
  assert_string_equal(found.name, name);
  assert_int_equal(found.reach, reach);
}

static void test_filesystem_types(void **state) {
  (void)state;
  assert_filesystem(0xef53, "ext4", PK_LOCAL);
  assert_filesystem(0x01021994, "tmpfs", PK_LOCAL);
  assert_filesystem(0x6969, "nfs", PK_NETWORK);
  assert_filesystem(0xff534d42, "cifs", PK_NETWORK);
  assert_filesystem((unsigned long)(int)0xff534d42, "cifs", PK_NETWORK);
  assert_filesystem(0x01021997, "9p", PK_NETWORK);
  assert_filesystem(0x65735546, "fuse", PK_REACH_UNKNOWN);
  assert_filesystem(0x12345, "type 0x12345", PK_REACH_UNKNOWN);
}

static void test_filesystem_of_a_path(void **state) {
  pk_filesystem of_folder, of_file;
  (void)state;
  put("file", "x");
  assert_true(pk_filesystem_find(".", &of_folder));
  assert_true(pk_filesystem_find("file", &of_file));
  assert_string_equal(of_file.name, of_folder.name);
  assert_false(pk_filesystem_find("missing", &of_file));
}

#define UNIT(test) \
  cmocka_unit_test_setup_teardown(test, enter_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT(test_publish),
      UNIT(test_absolute_and_odd_names),
      UNIT(test_discard),
      UNIT(test_existing_target),
      UNIT(test_overwrite),
      UNIT(test_share),
      UNIT(test_target_appears_meanwhile),
      UNIT(test_two_writers_of_one_target),
      UNIT(test_parts_without_a_writer),
      UNIT(test_sweep),
      UNIT(test_sweep_of_a_second_name),
      UNIT(test_long_names),
      UNIT(test_text),
      UNIT(test_folders_and_special_files),
      UNIT(test_folder_that_cannot_be_used),
      UNIT(test_folder_without_permission),
      UNIT(test_symbolic_links),
      UNIT(test_write_that_fails),
      UNIT(test_publish_into_a_folder_that_went),
      UNIT(test_same_file_and_bytes),
      UNIT(test_filesystem_types),
      UNIT(test_filesystem_of_a_path),
  };
  return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
