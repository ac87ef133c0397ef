/* fuzz_pieces.c - libFuzzer entry: a request body read in pieces is what it is in one piece, with
 * the same values or the same message.
 *
 * The first three bytes choose the cuts: the length of the first piece, and of those that follow in
 * turn; then comes the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES_FIELDS_COUNT = 4, PIECES_HEAD = 3 };

static const struct envelope_limits pieces_limits = {
    .tensor = {.rank_max = 8, .elements_max = 4096}, .depth_max = 64, .tokens_max = 1000};

struct pieces_result {
    struct envelope_field fields[PIECES_FIELDS_COUNT];
    struct envelope e;
    struct error error;
};

static void pieces_require(int condition)
{
    if (!condition)
        abort();
}

static void feed_copy(struct envelope_reader *r, const char *bytes, size_t len)
{
    char *copy = malloc(len + !len); /* exactly as long as what the caller promises */

    pieces_require(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    envelope_feed(r, copy, len);
    free(copy);
}

/* lengths NULL: all at once */
static void read_pieces(struct pieces_result *out, const char *body, size_t len,
                        const uint8_t *lengths)
{
    static struct envelope_reader r;

    *out = (struct pieces_result){.fields = {{.path = "data"},
                                             {.path = "upstream"},
                                             {.path = "instances", .objects = ENVELOPE_OBJECT_ROWS},
                                             {.path = "inputs", .objects = ENVELOPE_OBJECT}}};
    envelope_reader_init(&r, out->fields, PIECES_FIELDS_COUNT, &pieces_limits, NON_FINITE_TOKEN,
                         lengths ? WINDOW_UNKNOWN : len);
    for (size_t at = 0, turn = 0; at < len; turn = turn == 2 ? 1 : turn + 1) {
        size_t piece = lengths ? (size_t)lengths[turn] + (turn > 0) : len;
        piece = piece < len - at ? piece : len - at;
        feed_copy(&r, body + at, piece);
        at += piece;
    }
    envelope_finish(&r, &out->e, &out->error);
}

static int same_tensor(const struct envelope_field *a, const struct envelope_field *b)
{
    const struct tensor *s = &a->tensor, *t = &b->tensor;

    return a->present == b->present && s->rank == t->rank && s->count == t->count &&
           memcmp(s->shape, t->shape, sizeof s->shape) == 0 &&
           (s->count == 0 || memcmp(s->data, t->data, s->count * sizeof(float)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces_result whole, cut;

    if (size < PIECES_HEAD)
        return 0;
    const char *body = (const char *)data + PIECES_HEAD;
    read_pieces(&whole, body, size - PIECES_HEAD, NULL);
    read_pieces(&cut, body, size - PIECES_HEAD, data);
    pieces_require(whole.error.id == cut.error.id);
    pieces_require(strcmp(whole.error.detail, cut.error.detail) == 0);
    pieces_require(whole.error.id ? !whole.e.json && !cut.e.json
                                  : json_equal(whole.e.json, cut.e.json));
    for (size_t i = 0; i < PIECES_FIELDS_COUNT; i++)
        pieces_require(same_tensor(&whole.fields[i], &cut.fields[i]));
    envelope_fini(&whole.e);
    envelope_fini(&cut.e);
    return 0;
}
