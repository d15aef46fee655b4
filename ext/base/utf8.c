/* utf8.c: see utf8.h. */
#include "utf8.h"

#include <stdbool.h>

int pk_utf8_length(const unsigned char *c, size_t bytes) {
  int length = *c < 0x80   ? 1
               : *c < 0xc2 ? 0
               : *c < 0xe0 ? 2
               : *c < 0xf0 ? 3
               : *c < 0xf5 ? 4
                           : 0;
  if ((size_t)length > bytes) return 0;
  for (int i = 1; i < length; i++)
    if ((c[i] & 0xc0) != 0x80) return 0;
  bool overlong =
      (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
  bool surrogate = c[0] == 0xed && c[1] > 0x9f;
  bool too_high = c[0] == 0xf4 && c[1] > 0x8f;
  return overlong || surrogate || too_high ? 0 : length;
}
