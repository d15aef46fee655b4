/*
** bgzf.h: compressed backups, block gzip with an index.
**
** A backup is a BGZF file (SAM specification, section 4.1): a row of gzip
** members (RFC 1952) of at most 64 KiB each, so that members are compressed
** and decompressed in parallel and any of them can be read on its own, while
** gunzip, zcat, pigz, bgzip and Python's gzip see one plain .gz file.
**
** Writing, from any source of bytes to any sink:
**
**     pk_bgzf_writer *writer;
**     int rc = pk_bgzf_create(&writer, &metadata, 6, threads, sink, context,
**                             error);
**     while (rc == SQLITE_OK && there_is_more())
**       rc = pk_bgzf_write(writer, page, page_size, error);
**     if (rc == SQLITE_OK) rc = pk_bgzf_finish(writer, error);
**     pk_bgzf_abandon(writer);                       due in every case
**
** Reading, at random or all of it:
**
**     pk_bgzf_reader *reader;
**     int rc = pk_bgzf_open(&reader, &source, error);
**     if (rc == SQLITE_OK)
**       rc = pk_bgzf_read(reader, page, 4096, 6 * 4096, error);
**     if (rc == SQLITE_OK)
**       rc = pk_bgzf_extract(reader, threads, sink, context, error);
**     pk_bgzf_close(reader);                         due in every case
**
** Opening reads the first member, the last two and the index between (2 bytes
** per block: 33 KB for a database of 1 GB); pk_bgzf_read decompresses one
** block of at most 64 KiB. Nothing scans the file but pk_bgzf_extract, which
** reads every byte of it and checks it.
**
** Memory: 4 MiB of blocks while writing or extracting (128 KiB per thread
** above 28 threads), and the compressors (deflate.h); measured at level 6, the
** whole process takes 7 MB with 2 threads and 32 MB with 64. 2 bytes per block
** for the index. Up to 1 MiB of recent blocks in a reader used at random.
**
** A writer or a reader is used by one thread at a time, and calls its sink or
** source on that thread only. The threads of a writer live until
** pk_bgzf_abandon, those of pk_bgzf_extract until it returns.
**
**
** THE FILE
**
**     metadata   one empty member that says what the file is
**     blocks     the content, block_bytes of it in each member but the last,
**                which has 1 to block_bytes; none if there is no content
**     index      empty members with the compressed sizes of all blocks
**     trailer    one empty member of 61 bytes with the totals
**     end        the empty member of 28 bytes that ends any BGZF file
**
** An empty member has no content (ISIZE 0); it is there for its extra field,
** which other programs skip. All numbers are little-endian. Every byte of the
** file is either prescribed here, or covered by a CRC-32 itself or by that of
** the content it decompresses to. So any change is noticed that changes the
** content, and most others (not a padding bit in DEFLATE data).
**
** Every member starts with 1f 8b 08 04, MTIME 0, XFL 0, OS 255, XLEN. The
** extra field (RFC 1952, section 2.3.1.1) of a block has one subfield and that
** of the end marker too:
**
**     'B' 'C'   2 bytes   u16 size of the whole member - 1
**
** The metadata, the index and the trailer have one more, which stands first:
**
**     'P' 'K'   n bytes   u8 kind, the kind's fields, u32 CRC-32 of both
**
**     kind 'M'  u8  version of this format, 1
**               u32 page_size    512 to 65536; 0 when not a database
**               u32 page_count   0 when not a database
**               u32 block_bytes  at most 65280
**               i64 taken_at     seconds since 1970-01-01 00:00 UTC
**               u8  length, then so many bytes of source
**               u8  length, then so many bytes of writer
**     kind 'I'  u16 size - 1, as in BC, of 32000 blocks; of the rest in the
**                   last such member. No blocks, no member.
**     kind 'T'  u32 CRC-32 of the whole content
**               i64 content, in bytes
**               u32 number of blocks
**               i64 offset of the index in the file
**
** PK stands before BC on purpose. htslib (the library of bgzip) decides by the
** bytes at 12 to 15 whether a file is BGZF, and later refuses a BGZF member
** whose extra field is not exactly BC. Seeing PK there, it reads the file as
** the plain gzip file that it also is: bgzip -t and -d work, with any number
** of threads, but it does not use its own index (.gzi) with it.
*/
#ifndef PK_BGZF_H
#define PK_BGZF_H

#include <stddef.h>

#include "../base/error.h"

typedef struct pk_bgzf_metadata {
  int page_size;            /* 0: the content is not a database */
  sqlite3_int64 page_count; /* with a page_size, the content is so many pages */
  int block_bytes;          /* set by the writer: whole pages where they fit */
  sqlite3_int64 taken_at;   /* seconds since 1970, UTC */
  char source[256];         /* the name of what was backed up, UTF-8 */
  char writer[32];          /* the version of prodkit */
} pk_bgzf_metadata;

/* Takes the next bytes, in order: the file from a writer, the content from a
** reader. */
typedef int (*pk_bgzf_sink)(void *context, const void *data, size_t bytes,
                            pk_error *error);

/* A file to read. */
typedef struct pk_bgzf_source {
  const char *name;    /* for messages; must live as long as the reader */
  sqlite3_int64 bytes; /* its size */
  /* Reads all of `bytes`, which lie within the file, or fails. */
  int (*read)(void *context, void *buffer, size_t bytes, sqlite3_int64 offset,
              pk_error *error);
  void *context;
} pk_bgzf_source;

typedef struct pk_bgzf_writer pk_bgzf_writer;
typedef struct pk_bgzf_reader pk_bgzf_reader;

/* Begins a file. Level 1 (fast) to 12 (small), threads as in pipeline.h. The
** metadata is copied. *writer is NULL after a failure. */
int pk_bgzf_create(pk_bgzf_writer **writer, const pk_bgzf_metadata *metadata,
                   int level, int threads, pk_bgzf_sink sink, void *context,
                   pk_error *error);

/* Adds content. Any size does; the best is many pages at once. */
int pk_bgzf_write(pk_bgzf_writer *writer, const void *data, size_t bytes,
                  pk_error *error);

/* Writes what is still to be written, the index and the end. Fails if the
** content is not the pages that the metadata promised. */
int pk_bgzf_finish(pk_bgzf_writer *writer, pk_error *error);

/* Joins the threads and frees the writer. What the sink got before is not a
** complete file unless pk_bgzf_finish succeeded. NULL is harmless. */
void pk_bgzf_abandon(pk_bgzf_writer *writer);

/* Opens a file for reading. Fails with SQLITE_NOTADB for what is not a backup
** of ours and with SQLITE_CORRUPT for one that was cut off or altered, each
** with a message that says so. *reader is NULL after a failure. */
int pk_bgzf_open(pk_bgzf_reader **reader, const pk_bgzf_source *source,
                 pk_error *error);

const pk_bgzf_metadata *pk_bgzf_about(const pk_bgzf_reader *reader);

/* The size of the content. */
sqlite3_int64 pk_bgzf_bytes(const pk_bgzf_reader *reader);

/* Reads content that lies within pk_bgzf_bytes. A block with a wrong CRC-32
** is a failure. */
int pk_bgzf_read(pk_bgzf_reader *reader, void *buffer, size_t bytes,
                 sqlite3_int64 offset, pk_error *error);

/* Gives the whole content to the sink (NULL: to nobody) and so verifies it:
** every member, and the totals. Fails at the first damage, with the block and
** its place in the file. The sink has got only good content by then. */
int pk_bgzf_extract(pk_bgzf_reader *reader, int threads, pk_bgzf_sink sink,
                    void *context, pk_error *error);

void pk_bgzf_close(pk_bgzf_reader *reader);

#endif
