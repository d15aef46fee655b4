/*
** utf8.h: what is a character of UTF-8, and what is not.
*/
#ifndef PK_UTF8_H
#define PK_UTF8_H

#include <stddef.h>

/* How many bytes the character that begins here has; 0 if it is not well-formed
** (The Unicode Standard, table 3-7), or has more than the `left` ones. */
size_t pk_utf8_length(const char *character, size_t left);

/* What is shown for a byte that is no part of a character: U+FFFD. */
#define PK_UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
