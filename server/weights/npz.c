/* npz.c - NumPy's .npz in memory as tensors: a ZIP archive of .npy files, stored or deflated.
 *
 * libzip reads the archive. It knows the format and no models. Invariant: what an entry says of its
 * size is believed only as far as deflate can reach it, and all entries together stay within the
 * bound of a network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>
#include "tensor/npy.h"
#include "weights/formats.h"

static const char suffix[] = ".npy";

enum {
    ENTRIES_MAX = 4096,
    DEFLATE_RATIO_MAX = 1032, /* a byte of deflate is never more */
    ENTRY_SPARE_BYTES = 64,   /* what even an empty one may have */
};
static const uint64_t BYTES_MAX = (uint64_t)1 << 31;

/* "hidden1.weight" and the file's bytes, then its numbers once more where they were not row-major.
 */
struct entry {
    char *name, *bytes;
    unsigned char *ordered;
};

struct held {
    size_t count;
    struct entry entries[];
};

struct reading {
    struct stored_file *file;
    zip_t *zip;
    uint64_t bytes; /* of the entries so far */
    struct error *error;
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

/* libzip's words for what is wrong with it; some of its functions call an archive broken for which
 * they had no memory. */
static enum error_id zip_fail(const struct reading *r, const char *name, zip_error_t *why)
{
    if (zip_error_code_zip(why) == ZIP_ER_MEMORY || errno == ENOMEM)
        return no_memory(r);
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s%.64s%snot a readable .npz archive: %s",
                     r->file->path, name ? "entry " : "", name ? name : "", name ? ": " : "",
                     zip_error_strerror(why));
}

static enum error_id size_check(struct reading *r, const zip_stat_t *stat)
{
    uint64_t reach = 0;

    if (__builtin_mul_overflow(stat->comp_size, (uint64_t)DEFLATE_RATIO_MAX, &reach) ||
        __builtin_add_overflow(reach, (uint64_t)ENTRY_SPARE_BYTES, &reach))
        reach = UINT64_MAX;
    if (stat->size > reach)
        return error_set(r->error, ERROR_BAD_TENSOR,
                         "%s: entry %.64s: %llu bytes out of %llu, which no compression gives",
                         r->file->path, stat->name, (unsigned long long)stat->size,
                         (unsigned long long)stat->comp_size);
    if (stat->size > BYTES_MAX - r->bytes)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED,
                         "%s: entry %.64s: more than %llu bytes in all", r->file->path, stat->name,
                         (unsigned long long)BYTES_MAX);
    r->bytes += stat->size;
    return ERROR_OK;
}

/* Its bytes, to the end, where libzip compares the check sum. */
static enum error_id bytes_read(struct reading *r, const zip_stat_t *stat, struct entry *e)
{
    zip_file_t *file = zip_fopen_index(r->zip, stat->index, 0);
    enum error_id id = ERROR_OK;
    zip_int64_t got, beyond;

    if (!file)
        return zip_fail(r, stat->name, zip_get_error(r->zip));
    e->bytes = malloc((size_t)stat->size + 1);
    got = e->bytes ? zip_fread(file, e->bytes, stat->size) : 0;
    beyond = got >= 0 && e->bytes ? zip_fread(file, e->bytes + got, 1) : 0;
    if (!e->bytes)
        id = no_memory(r);
    else if (got < 0 || beyond < 0)
        id = zip_fail(r, stat->name, zip_file_get_error(file));
    else if ((uint64_t)got != stat->size || beyond != 0)
        id = error_set(r->error, ERROR_BAD_TENSOR,
                       "%s: entry %.64s: has not the %llu bytes that "
                       "the archive's directory says",
                       r->file->path, stat->name, (unsigned long long)stat->size);
    zip_fclose(file);
    return id;
}

/* Whatever the array is, as a tensor that points into e. */
static enum error_id tensor_make(struct reading *r, const zip_stat_t *stat, struct entry *e)
{
    const struct tensor_limits limits = {.rank_max = STORED_RANK_MAX,
                                         .elements_max = (size_t)BYTES_MAX};
    struct stored *t = &r->file->tensors[r->file->tensors_count];
    struct npy_array a;
    char place[ERROR_DETAIL_MAX];

    snprintf(place, sizeof place, "%.120s: %.64s", r->file->path, e->name);
    if (npy_find(&a, place, e->bytes, (size_t)stat->size, &limits, r->error) != ERROR_OK)
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
static enum error_id name_read(struct reading *r, const char *name, struct entry *e)
{
    size_t length = strlen(name), n = sizeof suffix - 1;

    if (length <= n || strcmp(name + length - n, suffix) != 0)
        return error_set(r->error, ERROR_BAD_TENSOR,
                         "%s: entry %.64s: not a .npy file; numpy.savez writes nothing else",
                         r->file->path, name);
    e->name = strndup(name, length - n);
    if (!e->name)
        return no_memory(r);
    if (stored_find(r->file, e->name))
        return error_set(r->error, ERROR_BAD_TENSOR, "%s: entry %.64s is there twice",
                         r->file->path, name);
    return ERROR_OK;
}

static enum error_id entry_read(struct reading *r, uint64_t index, struct entry *e)
{
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    zip_stat_t stat;

    if (zip_stat_index(r->zip, index, ZIP_FL_ENC_RAW, &stat) != 0)
        return zip_fail(r, NULL, zip_get_error(r->zip));
    if ((stat.valid & needed) != needed)
        return error_set(r->error, ERROR_BAD_TENSOR, "%s: entry %llu has no name or no size",
                         r->file->path, (unsigned long long)index);
    if (name_read(r, stat.name, e) || size_check(r, &stat) || bytes_read(r, &stat, e))
        return r->error->id;
    return tensor_make(r, &stat, e);
}

static enum error_id entries_read(struct reading *r)
{
    zip_int64_t count = zip_get_num_entries(r->zip, 0);
    struct held *held;

    if (count < 0 || count > ENTRIES_MAX)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED, "%s: %lld entries, at most %d",
                         r->file->path, (long long)count, ENTRIES_MAX);
    r->file->tensors = calloc((size_t)count + 1, sizeof *r->file->tensors);
    r->file->held = held = calloc(1, sizeof *held + (size_t)count * sizeof *held->entries);
    if (!r->file->tensors || !held)
        return no_memory(r);
    for (; held->count < (size_t)count; held->count++)
        if (entry_read(r, held->count, &held->entries[held->count])) {
            held->count++; /* what it has is to be freed, too */
            return r->error->id;
        }
    return ERROR_OK;
}

static void release(void *of)
{
    struct held *held = of;

    for (size_t i = 0; held && i < held->count; i++) {
        free(held->entries[i].name);
        free(held->entries[i].bytes);
        free(held->entries[i].ordered);
    }
    free(held);
}

enum error_id npz_read(struct stored_file *f, const char *path, const void *bytes, size_t len,
                       struct error *error)
{
    struct reading r = {.file = f, .error = error};
    zip_source_t *source;
    zip_error_t why;
    enum error_id id;

    *f = (struct stored_file){.path = path, .release = release};
    if (len < 4 || memcmp(bytes, "PK", 2) != 0) /* libzip takes no bytes for an empty archive */
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: not a .npz archive: %zu bytes that do not begin with PK", path, len);
    zip_error_init(&why);
    errno = 0;
    source = zip_source_buffer_create(bytes, len, 0, &why);
    r.zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &why) : NULL;
    if (!source) { /* of which libzip says no more */
        id = no_memory(&r);
    } else if (!r.zip) {
        id = zip_fail(&r, NULL, &why);
        zip_source_free(source);
    } else {
        id = entries_read(&r);
        zip_discard(r.zip);
    }
    zip_error_fini(&why);
    if (id)
        stored_fini(f);
    return id;
}
