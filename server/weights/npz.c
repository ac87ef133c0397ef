/* npz.c - NumPy's .npz in memory as tensors: a ZIP archive of .npy files, stored or deflated.
 *
 * zlib inflates; of the archive just what NumPy and zipfile write is read: one disk, no encryption,
 * ZIP64 if it is there (PKWARE's APPNOTE 6.3). It knows the format and no models. Invariant: a size
 * from the archive is believed only as far as deflate can reach it, and all entries together stay
 * within the bound of a network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "tensor/npy.h"
#include "weights/formats.h"

static const char suffix[] = ".npy";

enum {
    ENTRIES_MAX = 4096,
    DEFLATE_RATIO_MAX = 1032, /* a byte of deflate is never more */
    ENTRY_SPARE_BYTES = 64,   /* even an empty one may have them */
    END_BYTES = 22,           /* of the record that ends an archive, without its comment */
    END64_BYTES = 56,         /* of ZIP64's, */
    LOCATOR_BYTES = 20,       /* and of what tells where that is */
    ROW_BYTES = 46,           /* of the directory, without name and extras */
    LOCAL_BYTES = 30          /* of an entry's own header, likewise */
};
static const uint64_t BYTES_MAX = (uint64_t)1 << 31;

/* "hidden1.weight" and its .npy file, which lies in the archive or was inflated; then its numbers
 * once more where they were not row-major. */
struct entry {
    char *name, *inflated;
    unsigned char *ordered;
    const unsigned char *bytes; /* [size] */
    size_t size;
};

struct held {
    size_t count;
    struct entry entries[];
};

/* The archive while it is read. */
struct reading {
    struct stored_file *file;
    const unsigned char *text; /* [len] */
    size_t len;
    uint64_t entries, directory; /* how many, and where their rows begin */
    uint64_t directory_bytes;    /* of the rows */
    uint64_t bytes;              /* of the entries so far */
    struct error *error;
};

/* A row of the directory. */
struct row {
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, offset;
    const char *name; /* [name_bytes] */
    size_t name_bytes;
};

/* The types that a weight may have; others can only be left over. */
static const struct stored_type types[] = {
    {"<f4", 32, binary_f32},
    {"<f8", 64, binary_f64},
    {"<f2", 16, binary_f16},
    {"an integer type", 0, NULL},
};
enum { TYPES_FLOATING = sizeof types / sizeof *types - 1 };

static const struct stored_type *type_of(const struct npy_array *a)
{
    size_t i = 0;

    while (i < TYPES_FLOATING && strcmp(types[i].name, a->type->descr) != 0)
        i++;
    return &types[i];
}

static enum error_id no_memory(const struct reading *r)
{
    return error_set(r->error, ERROR_OUT_OF_MEMORY, "%s: out of memory", r->file->path);
}

static enum error_id broken(const struct reading *r, const char *why)
{
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: not a readable .npz archive: %s",
                     r->file->path, why);
}

static enum error_id entry_broken(const struct reading *r, const struct row *row, const char *why)
{
    int shown = row->name_bytes < 64 ? (int)row->name_bytes : 64;

    return error_set(r->error, ERROR_BAD_TENSOR, "%s: entry %.*s: %s", r->file->path, shown,
                     row->name, why);
}

/* A little-endian number of so many bytes. */
static uint64_t number(const unsigned char *p, size_t bytes)
{
    uint64_t n = 0;

    while (bytes-- > 0)
        n = n << 8 | p[bytes];
    return n;
}

static bool is_within(const struct reading *r, uint64_t at, uint64_t bytes)
{
    return at <= r->len && bytes <= r->len - at;
}

static bool begins(const struct reading *r, uint64_t at, uint64_t bytes, const char *signature)
{
    return is_within(r, at, bytes) && memcmp(r->text + at, signature, 4) == 0;
}

/* ---- the directory ---- */

/* The record that ends the archive: its comment reaches the end exactly. 0: there is none. */
static size_t find_end(const struct reading *r)
{
    size_t most = r->len < END_BYTES + 65535 ? r->len : END_BYTES + 65535;

    for (size_t back = END_BYTES; back <= most; back++) {
        size_t at = r->len - back;

        if (begins(r, at, END_BYTES, "PK\5\6") && number(r->text + at + 20, 2) == back - END_BYTES)
            return at;
    }
    return 0;
}

/* Where ZIP64's record says what has no room in the other. */
static bool read_end64(struct reading *r, size_t end)
{
    uint64_t at;

    if (end < LOCATOR_BYTES || !begins(r, end - LOCATOR_BYTES, LOCATOR_BYTES, "PK\6\7"))
        return false;
    at = number(r->text + end - LOCATOR_BYTES + 8, 8);
    if (!begins(r, at, END64_BYTES, "PK\6\6"))
        return false;
    r->entries = number(r->text + at + 32, 8);
    r->directory_bytes = number(r->text + at + 40, 8);
    r->directory = number(r->text + at + 48, 8);
    return true;
}

static enum error_id read_end(struct reading *r)
{
    size_t end = find_end(r);
    const unsigned char *p = r->text + end;

    if (end == 0 && !begins(r, 0, END_BYTES, "PK\5\6"))
        return broken(r, "its end is not there; was it written completely?");
    if (number(p + 4, 4) != 0)
        return broken(r, "it is one of several disks");
    r->entries = number(p + 10, 2);
    r->directory_bytes = number(p + 12, 4);
    r->directory = number(p + 16, 4);
    if ((r->entries == UINT16_MAX || r->directory == UINT32_MAX) && !read_end64(r, end))
        return broken(r, "its ZIP64 record is not there");
    if (r->entries > ENTRIES_MAX)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED, "%s: %llu entries, at most %d",
                         r->file->path, (unsigned long long)r->entries, ENTRIES_MAX);
    return ERROR_OK;
}

/* ZIP64's extra field has those numbers, in this order, for which the row has no room. */
static bool read_extras(struct row *row, const unsigned char *p, size_t bytes)
{
    uint64_t *const wide[] = {&row->size, &row->packed, &row->offset};
    size_t n = 0, length;

    for (; bytes >= 4; p += 4 + length, bytes -= 4 + length) {
        length = (size_t)number(p + 2, 2);
        if (length > bytes - 4)
            return false;
        for (size_t i = 0; number(p, 2) == 1 && i < sizeof wide / sizeof *wide; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (n + 8 > length)
                return false;
            *wide[i] = number(p + 4 + n, 8);
            n += 8;
        }
    }
    return true;
}

/* The row at *at, which moves past it. */
static enum error_id read_row(const struct reading *r, uint64_t *at, struct row *row)
{
    const unsigned char *p;
    uint64_t extras, comment;

    if (!begins(r, *at, ROW_BYTES, "PK\1\2"))
        return broken(r, "a row of its directory is not there");
    p = r->text + *at;
    *row = (struct row){.flags = (unsigned)number(p + 8, 2),
                        .method = (unsigned)number(p + 10, 2),
                        .crc = (uint32_t)number(p + 16, 4),
                        .packed = number(p + 20, 4),
                        .size = number(p + 24, 4),
                        .offset = number(p + 42, 4),
                        .name = (const char *)p + ROW_BYTES,
                        .name_bytes = (size_t)number(p + 28, 2)};
    extras = number(p + 30, 2);
    comment = number(p + 32, 2);
    if (!is_within(r, *at, ROW_BYTES + row->name_bytes + extras + comment))
        return broken(r, "a row of its directory ends after the file");
    if (memchr(row->name, 0, row->name_bytes))
        return broken(r, "a name holds a NUL");
    if (!read_extras(row, p + ROW_BYTES + row->name_bytes, (size_t)extras))
        return entry_broken(r, row, "its extra fields are broken");
    *at += ROW_BYTES + row->name_bytes + extras + comment;
    return ERROR_OK;
}

/* ---- one entry ---- */

static enum error_id check_size(struct reading *r, const struct row *row)
{
    uint64_t reach = 0;

    if (__builtin_mul_overflow(row->packed, (uint64_t)DEFLATE_RATIO_MAX, &reach) ||
        __builtin_add_overflow(reach, (uint64_t)ENTRY_SPARE_BYTES, &reach))
        reach = UINT64_MAX;
    if (row->size > reach)
        return entry_broken(r, row, "more bytes than any compression gives");
    if (row->size > BYTES_MAX - r->bytes)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED,
                         "%s: its arrays have more than %llu bytes in all", r->file->path,
                         (unsigned long long)BYTES_MAX);
    r->bytes += row->size;
    return ERROR_OK;
}

/* packed [row->packed] as row->size bytes, no less and no more. */
static enum error_id inflate_all(const struct reading *r, const struct row *row,
                                 const unsigned char *packed, struct entry *e)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed, .avail_in = (uInt)row->packed};
    int result;

    e->inflated = malloc((size_t)row->size + 1);
    if (!e->inflated || row->packed > UINT32_MAX || inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return no_memory(r);
    z.next_out = (unsigned char *)e->inflated;
    z.avail_out = (uInt)row->size + 1;
    result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (result == Z_MEM_ERROR)
        return no_memory(r);
    if (result != Z_STREAM_END || z.total_out != row->size || z.avail_in != 0)
        return entry_broken(r, row, "its compressed bytes are broken");
    e->bytes = (unsigned char *)e->inflated;
    return ERROR_OK;
}

static enum error_id read_bytes(const struct reading *r, const struct row *row, struct entry *e)
{
    const unsigned char *p;
    uint64_t at;

    if (row->flags & 1)
        return entry_broken(r, row, "it is encrypted");
    if (!begins(r, row->offset, LOCAL_BYTES, "PK\3\4"))
        return entry_broken(r, row, "it is not where the directory says");
    p = r->text + row->offset;
    at = row->offset + LOCAL_BYTES + number(p + 26, 2) + number(p + 28, 2);
    if (!is_within(r, at, row->packed))
        return entry_broken(r, row, "it ends after the file");
    e->size = (size_t)row->size;
    e->bytes = r->text + at;
    if (row->method == 0 && row->packed != row->size)
        return entry_broken(r, row, "it is stored, but has two sizes");
    if (row->method != 0 && row->method != 8)
        return entry_broken(r, row, "neither stored nor deflated; numpy.savez writes no other");
    if (row->method == 8 && inflate_all(r, row, r->text + at, e))
        return r->error->id;
    if (crc32_z(0, e->bytes, e->size) != row->crc)
        return entry_broken(r, row, "its check sum is wrong");
    return ERROR_OK;
}

/* The array as a tensor that points into e; one of integers can only be left over. */
static enum error_id tensor_make(struct reading *r, struct entry *e)
{
    const struct tensor_limits limits = {.rank_max = STORED_RANK_MAX,
                                         .elements_max = (size_t)BYTES_MAX};
    struct stored *t = &r->file->tensors[r->file->tensors_count];
    struct npy_array a = {.type = NULL};
    char place[ERROR_DETAIL_MAX];

    snprintf(place, sizeof place, "%.120s: %.64s", r->file->path, e->name);
    if (npy_find(&a, place, (const char *)e->bytes, e->size, &limits, r->error) != ERROR_OK ||
        !a.type)
        return r->error->id;
    *t = (struct stored){
        .name = e->name, .type = type_of(&a), .rank = a.rank, .count = a.count, .data = a.data};
    for (size_t d = 0; d < a.rank; d++)
        t->shape[d] = a.shape[d];
    if (a.fortran_order && a.rank > 1 && a.data_bytes > 0) {
        e->ordered = malloc(a.data_bytes);
        if (!e->ordered)
            return no_memory(r);
        npy_row_major(&a, e->ordered);
        t->data = e->ordered;
    }
    r->file->tensors_count++;
    return ERROR_OK;
}

/* The array's key: NumPy writes "<key>.npy". */
static enum error_id read_name(const struct reading *r, const struct row *row, struct entry *e)
{
    size_t n = sizeof suffix - 1;

    if (row->name_bytes <= n || memcmp(row->name + row->name_bytes - n, suffix, n) != 0)
        return entry_broken(r, row, "not a .npy file; numpy.savez writes nothing else");
    e->name = strndup(row->name, row->name_bytes - n);
    if (!e->name)
        return no_memory(r);
    return stored_find(r->file, e->name) ? entry_broken(r, row, "it is there twice") : ERROR_OK;
}

static enum error_id read_entry(struct reading *r, uint64_t *at, struct entry *e)
{
    struct row row = {.name = NULL};

    if (read_row(r, at, &row) || read_name(r, &row, e) || check_size(r, &row) ||
        read_bytes(r, &row, e))
        return r->error->id;
    return tensor_make(r, e);
}

static enum error_id read_entries(struct reading *r)
{
    uint64_t at = r->directory;
    struct held *held;

    r->file->tensors = calloc(r->entries + 1, sizeof *r->file->tensors);
    r->file->held = held = calloc(1, sizeof *held + r->entries * sizeof *held->entries);
    if (!r->file->tensors || !held)
        return no_memory(r);
    while (held->count < r->entries)
        if (read_entry(r, &at, &held->entries[held->count++]))
            return r->error->id;
    if (at - r->directory != r->directory_bytes) /* an entry more or less than it has rows for */
        return broken(r, "its directory has other rows than its end counts");
    return ERROR_OK;
}

static void release(void *of)
{
    struct held *held = of;

    for (size_t i = 0; held && i < held->count; i++) {
        free(held->entries[i].name);
        free(held->entries[i].inflated);
        free(held->entries[i].ordered);
    }
    free(held);
}

enum error_id npz_read(struct stored_file *f, const char *path, const void *bytes, size_t len,
                       struct error *error)
{
    struct reading r = {.file = f, .text = bytes, .len = len, .error = error};
    enum error_id id;

    *f = (struct stored_file){.path = path, .release = release};
    if (len < 4 || memcmp(bytes, "PK", 2) != 0)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: not a .npz archive: %zu bytes that do not begin with PK", path, len);
    id = read_end(&r);
    if (!id)
        id = read_entries(&r);
    if (id)
        stored_fini(f);
    return id;
}
