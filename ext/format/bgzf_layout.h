/*
** bgzf_layout.h: the numbers of the file that bgzf.h describes, for its writer
** and its reader.
*/
#ifndef PK_BGZF_LAYOUT_H
#define PK_BGZF_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "../base/host.h"

#define BGZF_FORMAT 1

/* A member's size must fit into BC. The most content is what bgzip puts into a
** block: it leaves room for data that does not compress. */
#define BGZF_MEMBER_MOST 65536
#define BGZF_BLOCK_MOST 65280

/* The parts of a member: 12 fixed bytes, the extra field, DEFLATE data, CRC-32
** and ISIZE. */
#define BGZF_HEADER 12
#define BGZF_BC 6
#define BGZF_BLOCK_HEADER (BGZF_HEADER + BGZF_BC)
#define BGZF_FOOTER 8

/* A subfield's id and length; what an empty member has around its payload; and
** what a payload has around its fields: kind and CRC-32. */
#define BGZF_SUBFIELD 4
#define BGZF_PAYLOAD_AT (BGZF_HEADER + BGZF_SUBFIELD)
#define BGZF_EMPTY_DATA 2
#define BGZF_AROUND_PAYLOAD \
  (BGZF_PAYLOAD_AT + BGZF_BC + BGZF_EMPTY_DATA + BGZF_FOOTER)
#define BGZF_SEAL 4
#define BGZF_AROUND_FIELDS (BGZF_AROUND_PAYLOAD + 1 + BGZF_SEAL)

/* The fields of the metadata up to the texts, and with the longest texts. */
#define BGZF_METADATA_FIXED 21
#define BGZF_METADATA_MOST (BGZF_METADATA_FIXED + 1 + 255 + 1 + 31)

#define BGZF_TRAILER_FIELDS 24
#define BGZF_TRAILER (BGZF_AROUND_FIELDS + BGZF_TRAILER_FIELDS)

#define BGZF_INDEX_SIZES 32000 /* in one index member */
#define BGZF_INDEX_MOST (BGZF_AROUND_FIELDS + 2 * BGZF_INDEX_SIZES)

static const unsigned char bgzf_fixed[10] = {0x1f, 0x8b, 8, 4, 0,
                                             0,    0,    0, 0, 0xff};

static const unsigned char bgzf_empty_data[BGZF_EMPTY_DATA] = {3, 0};

/* SAM specification, section 4.1.2. */
static const unsigned char bgzf_end[28] = {
    0x1f, 0x8b, 8,  4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C',
    2,    0,    27, 0, 3, 0, 0, 0, 0, 0,    0, 0, 0,   0};

/* How large the index of so many blocks is. */
static inline sqlite3_int64 bgzf_index_bytes(sqlite3_int64 blocks) {
  sqlite3_int64 members = (blocks + BGZF_INDEX_SIZES - 1) / BGZF_INDEX_SIZES;
  return members * BGZF_AROUND_FIELDS + 2 * blocks;
}

static inline void bgzf_put(unsigned char *to, int bytes, uint64_t value) {
  for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t bgzf_get(const unsigned char *from, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << 8 * i;
  return value;
}

#endif
