/*
** deflate.h: DEFLATE (RFC 1951) of a whole buffer at once, and CRC-32.
**
** One interface, two implementations: libdeflate where the build found it
** (PK_HAVE_LIBDEFLATE), otherwise zlib. Both write the same format; the bytes
** they choose differ. Making and freeing one allocates; using it does not, and
** may happen on any one thread at a time.
*/
#ifndef PK_DEFLATE_H
#define PK_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pk_deflater pk_deflater;
typedef struct pk_inflater pk_inflater;

/* Levels 1 (fast) to 12 (small); zlib does 10 to 12 as its 9. NULL: no memory.
** libdeflate needs up to 1 MB each, from level 10 on about 9 MB. */
pk_deflater *pk_deflater_new(int level);
void pk_deflater_free(pk_deflater *deflater);

/* Returns how many bytes of `output` were written, 0 if there was no room. */
size_t pk_deflate(pk_deflater *deflater, const void *input, size_t input_bytes,
                  void *output, size_t room);

pk_inflater *pk_inflater_new(void);
void pk_inflater_free(pk_inflater *inflater);

/* True if the input is one DEFLATE stream, to its last byte, of exactly
** output_bytes. */
bool pk_inflate(pk_inflater *inflater, const void *input, size_t input_bytes,
                void *output, size_t output_bytes);

/* CRC-32 as in RFC 1952, section 8. Begin with 0. */
uint32_t pk_crc32(uint32_t crc, const void *data, size_t bytes);

/* The CRC-32 of two texts, one after the other, from the CRC-32 of each. */
uint32_t pk_crc32_join(uint32_t first, uint32_t second, size_t second_bytes);

#endif
