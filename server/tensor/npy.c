/* npy.c - see npy.h. The header is a Python literal; of that language just what NumPy writes is
 * read: one dict of descr, fortran_order and shape, in any order. */
#include "tensor/npy.h"
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/binary.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC_BYTES = 6, ALIGNMENT = 64, DESCR_MAX = 8, HEADER_BYTES_MAX = 65536 };

struct header {
    char descr[DESCR_MAX + 1];
    bool fortran_order;
    size_t rank, shape[TENSOR_RANK_MAX];
    unsigned seen; /* a bit per key */
};

static const struct npy_type dtypes[] = {
    {"<f4", 4, binary_f32}, {"<f8", 8, binary_f64}, {"<f2", 2, binary_f16}, {"|i1", 1, binary_i8},
    {"|u1", 1, binary_u8},  {"|b1", 1, binary_u8},  {"<i2", 2, binary_i16}, {"<u2", 2, binary_u16},
    {"<i4", 4, binary_i32}, {"<u4", 4, binary_u32}, {"<i8", 8, binary_i64}, {"<u8", 8, binary_u64},
};

/* ---- the dict: a cursor over text that ends with a NUL ---- */

static bool take(const char **p, char c)
{
    while (**p == ' ')
        ++*p;
    if (**p != c)
        return false;
    ++*p;
    return true;
}

/* 'text' in single or double quotes, cut at size - 1 as no valid one is longer. */
static bool take_string(const char **p, char *out, size_t size)
{
    char quote = take(p, '\'') ? '\'' : take(p, '"') ? '"' : '\0';
    const char *end = quote ? strchr(*p, quote) : NULL;
    size_t length = end ? (size_t)(end - *p) : size;

    if (length >= size)
        return false;
    memcpy(out, *p, length);
    out[length] = '\0';
    *p = end + 1;
    return true;
}

static bool take_word(const char **p, const char *word)
{
    size_t length = strlen(word);

    while (**p == ' ')
        ++*p;
    if (strncmp(*p, word, length) != 0)
        return false;
    *p += length;
    return true;
}

static bool read_descr(struct header *h, const char **p)
{
    return take_string(p, h->descr, sizeof h->descr);
}

static bool read_order(struct header *h, const char **p)
{
    h->fortran_order = take_word(p, "True");
    return h->fortran_order || take_word(p, "False");
}

/* "()", "(3,)", "(3, 4)". */
static bool read_shape(struct header *h, const char **p)
{
    if (!take(p, '('))
        return false;
    while (!take(p, ')')) {
        uint64_t n = 0;

        if (!isdigit((unsigned char)**p) || h->rank == TENSOR_RANK_MAX)
            return false;
        for (; isdigit((unsigned char)**p); ++*p)
            if (__builtin_mul_overflow(n, 10u, &n) ||
                __builtin_add_overflow(n, (uint64_t)(**p - '0'), &n))
                return false;
        h->shape[h->rank++] = n;
        if (!take(p, ',') && **p != ')')
            return false;
    }
    return true;
}

static const struct {
    const char *key;
    bool (*read)(struct header *h, const char **p);
} keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
enum { KEYS = sizeof keys / sizeof *keys };

static bool read_entry(struct header *h, const char **p)
{
    char key[16];

    if (!take_string(p, key, sizeof key) || !take(p, ':'))
        return false;
    for (unsigned i = 0; i < KEYS; i++)
        if (strcmp(key, keys[i].key) == 0 && !(h->seen & 1u << i)) {
            h->seen |= 1u << i;
            return keys[i].read(h, p);
        }
    return false;
}

static bool read_dict(struct header *h, const char *p)
{
    if (!take(&p, '{'))
        return false;
    while (!take(&p, '}'))
        if (!read_entry(h, &p) || (!take(&p, ',') && *p != '}'))
            return false;
    return h->seen == (1u << KEYS) - 1 && p[strspn(p, " \n")] == '\0';
}

/* ---- reading ---- */

/* Bytes of the dict, as the prefix tells. */
static size_t header_length(const unsigned char *b, size_t prefix)
{
    size_t length = (size_t)b[8] | (size_t)b[9] << 8;

    return prefix == 12 ? length | (size_t)b[10] << 16 | (size_t)b[11] << 24 : length;
}

/* The header, and where the numbers begin. */
static enum error_id read_header(struct header *h, const char *place, const char *bytes, size_t len,
                                 size_t *begin, struct error *error)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t prefix = len > MAGIC_BYTES && b[MAGIC_BYTES] == 1 ? 10 : 12, length;
    char *text;
    bool ok;

    if (len < prefix || memcmp(bytes, magic, MAGIC_BYTES) != 0 || b[6] < 1 || b[6] > 3)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: %zu bytes that are not a .npy file of version 1, 2 or 3", place, len);
    length = header_length(b, prefix);
    if (length > HEADER_BYTES_MAX || length > len - prefix)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: a .npy header of %zu bytes, but %zu bytes follow (at most %d)", place,
                         length, len - prefix, HEADER_BYTES_MAX);
    text = strndup(bytes + prefix, length);
    if (!text)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    ok = strlen(text) == length && read_dict(h, text);
    free(text);
    *begin = prefix + length;
    return ok ? ERROR_OK
              : error_set(error, ERROR_BAD_TENSOR,
                          "%s: the .npy header is not a dict of descr, fortran_order and a shape "
                          "of at most %d dimensions",
                          place, TENSOR_RANK_MAX);
}

static const struct npy_type *find_dtype(const char *descr)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].descr, descr) == 0)
            return &dtypes[i];
    return NULL;
}

/* The bytes after a header hold the numbers and nothing else, or others after them, or are to come.
 */
enum extent { SIZE_IS_ALL, SIZE_MAY_BE_MORE, SIZE_IS_TO_COME };

static bool is_other(enum extent extent, size_t want, size_t bytes)
{
    return extent == SIZE_IS_ALL ? want != bytes : extent == SIZE_MAY_BE_MORE && want > bytes;
}

static enum error_id check_size(struct npy_array *a, const char *place, size_t bytes,
                                enum extent extent, const struct tensor_limits *limits,
                                struct error *error)
{
    bool overflow = false;

    a->count = 1;
    for (size_t i = 0; i < a->rank; i++)
        overflow |= __builtin_mul_overflow(a->count, a->shape[i], &a->count);
    if (a->rank > limits->rank_max)
        return error_set(error, ERROR_LIMIT_EXCEEDED, "%s: rank %zu, at most %zu", place, a->rank,
                         limits->rank_max);
    if (overflow || a->count > limits->elements_max)
        return error_set(error, ERROR_LIMIT_EXCEEDED,
                         "%s: the shape has more than %zu elements (elements_max)", place,
                         limits->elements_max);
    if (__builtin_mul_overflow(a->count, a->type->width, &a->data_bytes) ||
        is_other(extent, a->data_bytes, bytes))
        return error_set(error, ERROR_SHAPE_MISMATCH,
                         "%s: %zu elements of %zu bytes, but %zu bytes of data%s", place, a->count,
                         a->type->width, bytes,
                         a->data_bytes > bytes ? "; was it written completely?" : "");
    return ERROR_OK;
}

static enum error_id find_array(struct npy_array *a, const char *place, const char *bytes,
                                size_t len, enum extent extent, const struct tensor_limits *limits,
                                struct error *error)
{
    struct header h = {0};
    size_t begin = 0;

    if (read_header(&h, place, bytes, len, &begin, error) != ERROR_OK)
        return error->id;
    *a = (struct npy_array){.type = find_dtype(h.descr),
                            .fortran_order = h.fortran_order,
                            .rank = h.rank,
                            .data = (const unsigned char *)bytes + begin};
    memcpy(a->shape, h.shape, sizeof a->shape);
    if (!a->type)
        return error_set(error, ERROR_BAD_TENSOR,
                         "%s: descr '%s' is not supported; <f4, <f8, <f2, integers and booleans "
                         "in little-endian order are",
                         place, h.descr);
    return check_size(a, place, len - begin, extent, limits, error);
}

enum error_id npy_find(struct npy_array *a, const char *place, const char *bytes, size_t len,
                       const struct tensor_limits *limits, struct error *error)
{
    return find_array(a, place, bytes, len, SIZE_IS_ALL, limits, error);
}

/* Numbers that only a double has room for are refused as those of JSON are; NaN and infinity are
 * none of these. p [count]: doubles, the first of which is number `first` of a. */
static enum error_id check_range(const struct npy_array *a, const unsigned char *p, size_t first,
                                 size_t count, const char *name, struct error *error)
{
    double value = 0;
    size_t i = 0, index[TENSOR_RANK_MAX];
    char place[TENSOR_RANK_MAX * 23] = "";
    int length = 0;

    for (; i < count; i++) {
        memcpy(&value, p + i * sizeof value, sizeof value);
        if (isfinite(value) && isinf((float)value))
            break;
    }
    if (i == count)
        return ERROR_OK;
    i += first;
    for (size_t n = 0; n < a->rank; n++) { /* from the index that runs fastest */
        size_t d = a->fortran_order ? n : a->rank - 1 - n;
        index[d] = i % a->shape[d];
        i /= a->shape[d];
    }
    for (size_t d = 0; d < a->rank; d++)
        length += snprintf(place + length, sizeof place - (size_t)length, "[%zu]", index[d]);
    return error_set(error, ERROR_BAD_TENSOR, "%s%s: %.9g is outside the range of float32", name,
                     place, value);
}

size_t npy_head_bytes(const char *bytes, size_t len)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t prefix = len > MAGIC_BYTES && b[MAGIC_BYTES] == 1 ? 10 : 12;

    if (len < prefix || memcmp(bytes, magic, MAGIC_BYTES) != 0)
        return prefix;
    return prefix + header_length(b, prefix);
}

enum error_id npy_head(struct npy_array *a, const char *place, const char *bytes, size_t len,
                       struct error *error)
{
    static const struct tensor_limits none = {.rank_max = TENSOR_RANK_MAX,
                                              .elements_max = SIZE_MAX};
    size_t header = npy_head_bytes(bytes, len);

    return find_array(a, place, bytes, len < header ? len : header, SIZE_IS_TO_COME, &none, error);
}

enum error_id npy_load(const struct npy_array *a, const void *bytes, size_t first, size_t count,
                       float *to, const char *place, struct error *error)
{
    const unsigned char *p = bytes;

    if (a->type->load == binary_f64 && check_range(a, p, first, count, place, error) != ERROR_OK)
        return error->id;
    for (size_t i = 0; i < count; i++)
        to[i] = a->type->load(p + i * a->type->width);
    return ERROR_OK;
}

/* Fortran order lets the first index run fastest: an odometer over row-major places. */
struct odometer {
    size_t steps[TENSOR_RANK_MAX], index[TENSOR_RANK_MAX], place;
};

static struct odometer odometer_of(const struct npy_array *a)
{
    struct odometer o = {.place = 0};
    size_t stride = 1;

    for (size_t d = a->rank; d-- > 0; stride *= a->shape[d])
        o.steps[d] = stride;
    return o;
}

/* The place of the element that is next in the file. */
static size_t odometer_next(struct odometer *o, const struct npy_array *a)
{
    size_t place = o->place;

    for (size_t d = 0; d < a->rank; d++) {
        o->place += o->steps[d];
        if (++o->index[d] < a->shape[d])
            break;
        o->place -= o->steps[d] * a->shape[d];
        o->index[d] = 0;
    }
    return place;
}

void npy_row_major(const struct npy_array *a, unsigned char *to)
{
    struct odometer o = odometer_of(a);
    size_t width = a->type->width;

    for (size_t i = 0; i < a->count; i++)
        memcpy(to + (a->fortran_order ? odometer_next(&o, a) : i) * width, a->data + i * width,
               width);
}

static void load(float *to, const struct npy_array *a)
{
    struct odometer o = odometer_of(a);

    if (a->fortran_order)
        for (size_t i = 0; i < a->count; i++)
            to[odometer_next(&o, a)] = a->type->load(a->data + i * a->type->width);
    else
        for (size_t i = 0; i < a->count; i++)
            to[i] = a->type->load(a->data + i * a->type->width);
}

/* Reads from bytes [*len]; *len becomes the length that the array takes. */
static enum error_id read_array(struct tensor *t, const char *place, const char *bytes, size_t *len,
                                bool more, const struct tensor_limits *limits, struct error *error)
{
    struct npy_array a = {.type = NULL};

    memset(t, 0, sizeof *t);
    if (find_array(&a, place, bytes, *len, more ? SIZE_MAY_BE_MORE : SIZE_IS_ALL, limits, error) !=
            ERROR_OK ||
        !a.type)
        return error->id;
    if (a.type->load == binary_f64 && check_range(&a, a.data, 0, a.count, place, error) != ERROR_OK)
        return error->id;
    if (memory_take(limits->account, a.count * sizeof *t->data))
        t->data = a.count ? reallocarray(NULL, a.count, sizeof *t->data) : NULL;
    if (a.count && !t->data)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    load(t->data, &a);
    t->count = t->cap = a.count;
    t->rank = a.rank;
    memcpy(t->shape, a.shape, sizeof t->shape);
    *len = (size_t)(a.data - (const unsigned char *)bytes) + a.data_bytes;
    return ERROR_OK;
}

enum error_id npy_read(struct tensor *t, const char *place, const char *bytes, size_t len,
                       const struct tensor_limits *limits, struct error *error)
{
    return read_array(t, place, bytes, &len, false, limits, error);
}

enum error_id npy_read_next(struct tensor *t, const char *place, const char **bytes, size_t *len,
                            const struct tensor_limits *limits, struct error *error)
{
    size_t taken = *len;

    if (read_array(t, place, *bytes, &taken, true, limits, error) != ERROR_OK)
        return error->id;
    *bytes += taken;
    *len -= taken;
    return ERROR_OK;
}

/* ---- writing ---- */

void npy_write_header(struct buf *out, const char *descr, size_t rank, const size_t *shape)
{
    struct buf text;
    size_t padding;

    buf_init(&text, 0);
    buf_printf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (size_t i = 0; i < rank; i++)
        buf_printf(&text, rank == 1 ? "%zu," : i ? ", %zu" : "%zu", shape[i]);
    buf_puts(&text, "), }");
    /* Spaces and a newline end the header at a multiple of 64, as NumPy likes to map it. */
    padding = ALIGNMENT - (MAGIC_BYTES + 4 + text.len + 1) % ALIGNMENT;
    for (size_t i = 0; i < padding; i++)
        buf_puts(&text, " ");
    buf_puts(&text, "\n");
    if (text.failed) {
        out->failed = true;
    } else {
        const char lengths[4] = {1, 0, (char)(text.len & 255), (char)(text.len >> 8)};

        buf_append(out, magic, MAGIC_BYTES);
        buf_append(out, lengths, sizeof lengths);
        buf_append(out, text.data, text.len);
    }
    buf_fini(&text);
}

void npy_write(struct buf *out, const float *data, size_t rank, const size_t *shape)
{
    size_t count = 1;

    for (size_t i = 0; i < rank; i++)
        count *= shape[i];
    npy_write_header(out, "<f4", rank, shape);
    buf_append(out, data, count * sizeof *data);
}
