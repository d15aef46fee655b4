/* deflate.c: see deflate.h. */
#define ZLIB_CONST /* zlib takes its input as const */
#include "deflate.h"

#include <zlib.h>

#if PK_HAVE_LIBDEFLATE

#include <libdeflate.h>

pk_deflater *pk_deflater_new(int level) {
  return (pk_deflater *)libdeflate_alloc_compressor(level);
}

void pk_deflater_free(pk_deflater *deflater) {
  libdeflate_free_compressor((struct libdeflate_compressor *)deflater);
}

size_t pk_deflate(pk_deflater *deflater, const void *input, size_t input_bytes,
                  void *output, size_t room) {
  return libdeflate_deflate_compress((struct libdeflate_compressor *)deflater,
                                     input, input_bytes, output, room);
}

pk_inflater *pk_inflater_new(void) {
  return (pk_inflater *)libdeflate_alloc_decompressor();
}

void pk_inflater_free(pk_inflater *inflater) {
  libdeflate_free_decompressor((struct libdeflate_decompressor *)inflater);
}

bool pk_inflate(pk_inflater *inflater, const void *input, size_t input_bytes,
                void *output, size_t output_bytes) {
  size_t consumed;
  /* Without a place for the output's size, any other size is a failure. */
  enum libdeflate_result result = libdeflate_deflate_decompress_ex(
      (struct libdeflate_decompressor *)inflater, input, input_bytes, output,
      output_bytes, &consumed, NULL);
  return result == LIBDEFLATE_SUCCESS && consumed == input_bytes;
}

uint32_t pk_crc32(uint32_t crc, const void *data, size_t bytes) {
  return libdeflate_crc32(crc, data, bytes);
}

#else

#include <stdlib.h>

#define RAW_DEFLATE (-15) /* windowBits: 32 KiB, and no zlib header */
#define MEMORY_LEVEL 8    /* zlib's default */

struct pk_deflater {
  z_stream stream;
};

struct pk_inflater {
  z_stream stream;
};

static void set_buffers(z_stream *stream, const void *input, size_t input_bytes,
                        void *output, size_t room) {
  stream->next_in = input;
  stream->avail_in = (uInt)input_bytes;
  stream->next_out = output;
  stream->avail_out = (uInt)room;
}

pk_deflater *pk_deflater_new(int level) {
  pk_deflater *deflater = calloc(1, sizeof *deflater);
  if (!deflater) return NULL;
  int zlib_level = level < Z_BEST_COMPRESSION ? level : Z_BEST_COMPRESSION;
  if (deflateInit2(&deflater->stream, zlib_level, Z_DEFLATED, RAW_DEFLATE,
                   MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
    return deflater;
  free(deflater);
  return NULL;
}

void pk_deflater_free(pk_deflater *deflater) {
  if (deflater) deflateEnd(&deflater->stream);
  free(deflater);
}

size_t pk_deflate(pk_deflater *deflater, const void *input, size_t input_bytes,
                  void *output, size_t room) {
  z_stream *stream = &deflater->stream;
  deflateReset(stream);
  set_buffers(stream, input, input_bytes, output, room);
  if (deflate(stream, Z_FINISH) != Z_STREAM_END) return 0;
  return room - stream->avail_out;
}

pk_inflater *pk_inflater_new(void) {
  pk_inflater *inflater = calloc(1, sizeof *inflater);
  if (!inflater) return NULL;
  if (inflateInit2(&inflater->stream, RAW_DEFLATE) == Z_OK) return inflater;
  free(inflater);
  return NULL;
}

void pk_inflater_free(pk_inflater *inflater) {
  if (inflater) inflateEnd(&inflater->stream);
  free(inflater);
}

bool pk_inflate(pk_inflater *inflater, const void *input, size_t input_bytes,
                void *output, size_t output_bytes) {
  z_stream *stream = &inflater->stream;
  inflateReset(stream);
  set_buffers(stream, input, input_bytes, output, output_bytes);
  return inflate(stream, Z_FINISH) == Z_STREAM_END && stream->avail_in == 0 &&
         stream->avail_out == 0;
}

uint32_t pk_crc32(uint32_t crc, const void *data, size_t bytes) {
  return (uint32_t)crc32(crc, data, (uInt)bytes);
}

#endif

uint32_t pk_crc32_join(uint32_t first, uint32_t second, size_t second_bytes) {
  return (uint32_t)crc32_combine(first, second, (z_off_t)second_bytes);
}
