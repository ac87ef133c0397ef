/* fuzz_blobs.c - libFuzzer entry: JSON with the bytes of its tensors after it, read in pieces, is
 * what it is in one piece; what is accepted adds up, and its tensors are the body's own bytes.
 *
 * The first three bytes choose the cuts (fuzz_pieces.c), two the length of the JSON, of which the
 * largest is "all of it"; then comes the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/blobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOBS_FIELDS_COUNT = 3, BLOBS_CUTS = 3, BLOBS_HEAD = 5 };

static const struct envelope_limits blobs_limits = {
    .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 64, .tokens_max = 1000};

struct blobs_result {
    struct envelope_field fields[BLOBS_FIELDS_COUNT];
    struct envelope e;
    struct error error;
};

static void blobs_require(int condition)
{
    if (!condition)
        abort();
}

static void blobs_feed_copy(struct blobs_reader *r, const char *bytes, size_t len)
{
    char *copy = malloc(len + !len); /* exactly as long as what the caller promises */

    blobs_require(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    blobs_feed(r, copy, len);
    free(copy);
}

/* lengths NULL: all at once */
static void read_blobs(struct blobs_result *out, size_t head, const char *body, size_t len,
                       const uint8_t *lengths)
{
    static struct blobs_reader r;

    *out = (struct blobs_result){.fields = {{.path = "inputs[].data"},
                                            {.path = "inputs[].data"},
                                            {.path = "inputs[].data"}}};
    blobs_reader_init(&r, (struct blobs_head){head, "Length"}, out->fields, BLOBS_FIELDS_COUNT,
                      &blobs_limits, NON_FINITE_TOKEN, lengths ? WINDOW_UNKNOWN : len);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = lengths ? (size_t)lengths[turn] + (turn > 0) : len;
        piece = piece < len - at ? piece : len - at;
        blobs_feed_copy(&r, body + at, piece);
        at += piece;
    }
    blobs_finish(&r, &out->e, &out->error);
    blobs_reader_fini(&r);
}

static int same_field(const struct envelope_field *a, const struct envelope_field *b)
{
    const struct tensor *s = &a->tensor, *t = &b->tensor;

    return a->present == b->present && a->blob == b->blob && s->rank == t->rank &&
           s->count == t->count && memcmp(s->shape, t->shape, sizeof s->shape) == 0 &&
           (s->count == 0 || memcmp(s->data, t->data, s->count * sizeof(float)) == 0);
}

/* The bytes of the fields, one after another, are those after the JSON; only tensors beyond the
 * fields have some after them. */
static void check_bytes(const struct blobs_result *in, size_t head, const char *body, size_t len)
{
    for (size_t i = 0; i < BLOBS_FIELDS_COUNT; i++) {
        const struct envelope_field *field = &in->fields[i];

        if (!field->blob)
            continue;
        blobs_require(field->blob_bytes <= len - head);
        blobs_require(field->tensor.count == field->blob_bytes / sizeof(float));
        if (field->blob_bytes)
            blobs_require(memcmp(field->tensor.data, body + head, field->blob_bytes) == 0);
        head += field->blob_bytes;
    }
    blobs_require(head == len || in->fields[BLOBS_FIELDS_COUNT - 1].present || !in->e.json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct blobs_result whole, cut;
    uint16_t head;

    if (size < BLOBS_HEAD)
        return 0;
    memcpy(&head, data + BLOBS_CUTS, sizeof head);
    size_t json = head == UINT16_MAX ? BLOBS_ALL_JSON : head;
    const char *body = (const char *)data + BLOBS_HEAD;
    size_t len = size - BLOBS_HEAD;
    read_blobs(&whole, json, body, len, NULL);
    read_blobs(&cut, json, body, len, data);
    blobs_require(whole.error.id == cut.error.id);
    blobs_require(strcmp(whole.error.detail, cut.error.detail) == 0);
    blobs_require(!whole.error.id || (whole.error.detail[0] && !whole.fields[0].tensor.data));
    blobs_require(whole.e.json ? json_equal(whole.e.json, cut.e.json) : !cut.e.json);
    for (size_t i = 0; i < BLOBS_FIELDS_COUNT; i++)
        blobs_require(same_field(&whole.fields[i], &cut.fields[i]));
    if (!whole.error.id && json != BLOBS_ALL_JSON)
        check_bytes(&whole, json, body, len);
    envelope_fini(&whole.e);
    envelope_fini(&cut.e);
    return 0;
}
