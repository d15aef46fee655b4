/*
** utf8.h: what is a character of UTF-8, and what is not.
*/
#ifndef PK_UTF8_H
#define PK_UTF8_H

#include <stddef.h>

/* The length of the UTF-8 character that begins here, 0 if none does (RFC 3629,
** section 4). */
int pk_utf8_length(const unsigned char *c, size_t bytes);

/* What stands for a byte that is no part of a character: U+FFFD. */
#define PK_UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
