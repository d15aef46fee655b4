/*
** bytes.h: the big-endian numbers of the database file and the log.
*/
#ifndef PK_BYTES_H
#define PK_BYTES_H

#include <stdint.h>

static inline uint32_t pk_two_bytes(const unsigned char *at) {
  return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t pk_four_bytes(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
         at[3];
}

#endif
