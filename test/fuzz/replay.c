/*
** replay.c: a main for fuzz targets where there is no libFuzzer.
**
**     bgzf_fuzz FOLDER
**
** Each file of the folder goes to the target as it is, and then MUTATIONS times
** altered, by the target's own mutator if it has one. The dice begin with the
** same number each time, so that what fails once fails again.
*/
#define _GNU_SOURCE /* DT_REG */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUTATIONS 200
#define ROOM (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data,
                                                     size_t bytes, size_t most,
                                                     unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);

/* xorshift32 */
static uint32_t dice = 2463534242;

static uint32_t throw_dice(void) {
  dice ^= dice << 13;
  dice ^= dice >> 17;
  dice ^= dice << 5;
  return dice;
}

/* What libFuzzer would do, in small: some bytes get another value. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most) {
  (void)most;
  for (uint32_t i = throw_dice() % 4 + 1; bytes > 0 && i > 0; i--)
    data[throw_dice() % bytes] = (uint8_t)throw_dice();
  return bytes;
}

/* The target gets a copy of its very size, so that a sanitizer sees what it
** reads beyond. */
static void test_one(const uint8_t *data, size_t bytes) {
  uint8_t *copy = malloc(bytes ? bytes : 1);
  if (!copy) abort();
  memcpy(copy, data, bytes);
  LLVMFuzzerTestOneInput(copy, bytes);
  free(copy);
}

static int replay(const char *folder, const char *name) {
  static uint8_t original[ROOM], mutated[ROOM];
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return -1;
  size_t bytes = fread(original, 1, ROOM, file);
  fclose(file);
  test_one(original, bytes);
  for (int i = 0; i < MUTATIONS; i++) {
    memcpy(mutated, original, bytes);
    size_t left =
        LLVMFuzzerCustomMutator
            ? LLVMFuzzerCustomMutator(mutated, bytes, ROOM, throw_dice())
            : LLVMFuzzerMutate(mutated, bytes, ROOM);
    test_one(mutated, left);
  }
  return 0;
}

int main(int count, char **arguments) {
  struct dirent **entries;
  int files = 0;
  if (count != 2) return 2;
  int found = scandir(arguments[1], &entries, NULL, alphasort);
  for (int i = 0; i < found; i++) {
    if (entries[i]->d_type != DT_DIR &&
        replay(arguments[1], entries[i]->d_name) == 0)
      files++;
    free(entries[i]);
  }
  if (found >= 0) free(entries);
  printf("%d files, each as it is and mutated %d times\n", files, MUTATIONS);
  return files > 0 ? 0 : 1;
}
