/* npz.c - see npz.h. An entry's header is written before the bytes whose check sum it has, so that
 * sum is filled in after them. */
#include "tensor/npz.h"
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include "tensor/npy.h"

enum {
    LOCAL_BYTES = 30, /* without the name, as the next */
    ROW_BYTES = 46,
    END_BYTES = 22,
    CRC_OFFSET = 14, /* in an entry's own header */
    VERSION = 20,    /* of the format that is needed to read it: 2.0 */
    DATE = 0x21,     /* 1980-01-01, the first there is, as NumPy has it */
    MODE = 0600      /* of the file that an unpacker makes */
};

static size_t bytes_of(const struct npz_array *a)
{
    size_t bytes = a->width;

    for (size_t d = 0; d < a->rank; d++)
        bytes *= a->shape[d];
    return bytes;
}

size_t npz_bytes_max(const struct npz_array *arrays, size_t count)
{
    enum { SUFFIX_BYTES = 4 };
    size_t bytes = END_BYTES;

    for (size_t i = 0; i < count; i++)
        bytes += LOCAL_BYTES + ROW_BYTES + 2 * (strlen(arrays[i].name) + SUFFIX_BYTES) +
                 NPY_HEADER_MAX + bytes_of(&arrays[i]);
    return bytes;
}

static void put(struct buf *out, uint64_t number, size_t bytes)
{
    char text[8];

    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(number >> 8 * i);
    buf_append(out, text, bytes);
}

/* The fields that an entry's own header and its row of the directory share. */
static void put_facts(struct npz_writer *w, size_t i)
{
    const struct npz_entry *e = &w->entries[i];

    put(w->out, VERSION, 2);
    put(w->out, 0, 4); /* flags; method: stored */
    put(w->out, 0, 2); /* time */
    put(w->out, DATE, 2);
    put(w->out, e->crc, 4);
    put(w->out, e->bytes, 4);
    put(w->out, e->bytes, 4);
    put(w->out, strlen(w->arrays[i].name) + strlen(".npy"), 2);
    put(w->out, 0, 2); /* extra fields */
}

static void put_name(struct npz_writer *w, size_t i)
{
    buf_puts(w->out, w->arrays[i].name);
    buf_puts(w->out, ".npy");
}

static void begin_entry(struct npz_writer *w)
{
    const struct npz_array *a = &w->arrays[w->index];
    struct npz_entry *e = &w->entries[w->index];
    struct buf header;

    buf_init(&header, 0);
    npy_write_header(&header, a->descr, a->rank, a->shape);
    w->out->failed |= header.failed;
    *e = (struct npz_entry){.offset = w->out->len - w->begin,
                            .bytes = header.len + bytes_of(a),
                            .crc = (uint32_t)crc32_z(0, (unsigned char *)header.data, header.len)};
    buf_append(w->out, "PK\3\4", 4);
    put_facts(w, w->index);
    put_name(w, w->index);
    buf_append(w->out, header.data, header.len);
    buf_fini(&header);
    w->written = 0;
}

/* The check sum to its place, if there was memory so far. */
static void end_entry(struct npz_writer *w)
{
    const struct npz_entry *e = &w->entries[w->index++];

    if (w->out->failed)
        return;
    for (size_t i = 0; i < 4; i++)
        w->out->data[w->begin + e->offset + CRC_OFFSET + i] = (char)(e->crc >> 8 * i);
}

static void put_directory(struct npz_writer *w)
{
    size_t begin = w->out->len - w->begin;

    for (size_t i = 0; i < w->count; i++) {
        buf_append(w->out, "PK\1\2", 4);
        put(w->out, VERSION | 3 << 8, 2); /* made by: 3, Unix */
        put_facts(w, i);
        put(w->out, 0, 6); /* comment, disk, kind of file */
        put(w->out, (uint64_t)MODE << 16, 4);
        put(w->out, w->entries[i].offset, 4);
        put_name(w, i);
    }
    buf_append(w->out, "PK\5\6", 4);
    size_t end = w->out->len - w->begin - 4;
    put(w->out, 0, 4); /* disks */
    put(w->out, w->count, 2);
    put(w->out, w->count, 2);
    put(w->out, end - begin, 4);
    put(w->out, begin, 4);
    put(w->out, 0, 2); /* comment */
}

void npz_writer_init(struct npz_writer *w, struct buf *out, const struct npz_array *arrays,
                     size_t count)
{
    *w = (struct npz_writer){.out = out, .arrays = arrays, .count = count, .begin = out->len};
    if (count > 0)
        begin_entry(w);
}

static void write_some(struct npz_writer *w, size_t bytes)
{
    const struct npz_array *a = &w->arrays[w->index];
    struct npz_entry *e = &w->entries[w->index];
    const unsigned char *data = (const unsigned char *)a->data + w->written;

    e->crc = (uint32_t)crc32_z(e->crc, data, bytes);
    buf_append(w->out, data, bytes);
    w->written += bytes;
}

void npz_writer_go_on(struct npz_writer *w, size_t bytes)
{
    while (w->index < w->count && bytes > 0 && !w->out->failed) {
        size_t left = bytes_of(&w->arrays[w->index]) - w->written;
        size_t some = left < bytes ? left : bytes;

        if (some > 0)
            write_some(w, some);
        bytes -= some;
        if (some < left)
            return;
        end_entry(w);
        if (w->index < w->count)
            begin_entry(w);
    }
    if (w->index < w->count && !w->out->failed)
        return;
    w->done = true;
    if (!w->out->failed)
        put_directory(w);
}
