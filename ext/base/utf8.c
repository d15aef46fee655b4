/* utf8.c: see utf8.h. */
#include "utf8.h"

size_t pk_utf8_length(const char *character, size_t left) {
  const unsigned char *text = (const unsigned char *)character;
  unsigned char lead = text[0], least = 0x80, most = 0xbf;
  if (lead < 0x80) return 1;
  size_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || bytes > left) return 0;
  if (lead == 0xe0) least = 0xa0; /* or it would fit in two bytes */
  if (lead == 0xed) most = 0x9f;  /* surrogates */
  if (lead == 0xf0) least = 0x90; /* or it would fit in three */
  if (lead == 0xf4) most = 0x8f;  /* beyond U+10FFFF */
  if (text[1] < least || text[1] > most) return 0;
  for (size_t i = 2; i < bytes; i++)
    if ((text[i] & 0xc0) != 0x80) return 0;
  return bytes;
}
