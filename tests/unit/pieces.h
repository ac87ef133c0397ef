/* pieces.h - a request body as an envelope, read in pieces: whatever they are, what comes out is
 * what came out of the whole. Each piece is a block of its own whose end is that of a page. */
#ifndef PIECES_H
#define PIECES_H

#include <check.h>
#include <string.h>
#include "body/envelope.h"
#include "text.h"

static const char *const pieces_names[] = {"a", "b", "c"}, *const *pieces_alphabetical[] = {
                                                               pieces_names, pieces_names + 1,
                                                               pieces_names + 2};
static const struct names pieces_columns = {pieces_names, pieces_alphabetical, 3};
static const struct envelope_features pieces_features = {&pieces_columns, "x", 3};

/* Tensors of every form. */
static const struct envelope_field pieces_fields[] = {
    {.path = "data"},
    {.path = "upstream"},
    {.path = "instances", .objects = ENVELOPE_OBJECT_ROWS},
    {.path = "inputs", .objects = ENVELOPE_OBJECT},
    {.path = "requests[].data"},
    {.path = "requests[].data"},
    {.path = "a.b.c"},
    {.path = "examples", .objects = ENVELOPE_EXAMPLES, .features = &pieces_features},
};
enum { PIECES_FIELDS = sizeof pieces_fields / sizeof *pieces_fields };

struct reading {
    struct envelope_field fields[PIECES_FIELDS];
    struct envelope e;
    struct error error;
    size_t held_max; /* what the reader said that it holds, at most */
    const struct envelope_limits *limits;
    enum non_finite policy;
};

static inline void pieces_feed(struct envelope_reader *r, const char *bytes, size_t len)
{
    struct text text;

    if (len == 0) {
        envelope_feed(r, bytes, 0);
        return;
    }
    text = text_create(bytes, len - 1); /* the NUL's place is the last byte's */
    text.data[len - 1] = bytes[len - 1];
    envelope_feed(r, text.data, len);
    text_destroy(&text);
}

/* A first piece, then pieces of `rest` bytes; the limits and the policy are set by the caller. */
static inline void pieces_read(struct reading *in, const char *body, size_t len, size_t first,
                               size_t rest)
{
    static struct envelope_reader r;

    memcpy(in->fields, pieces_fields, sizeof in->fields);
    in->error = (struct error){0};
    in->held_max = 0;
    envelope_reader_init(&r, in->fields, PIECES_FIELDS, in->limits, in->policy, WINDOW_UNKNOWN);
    for (size_t at = 0, n = first; at < len; at += n, n = rest) {
        n = n < len - at ? n : len - at;
        pieces_feed(&r, body + at, n);
        size_t held = envelope_reader_bytes(&r);
        in->held_max = held > in->held_max ? held : in->held_max;
        if (n == 0 && rest == 0)
            break;
    }
    envelope_finish(&r, &in->e, &in->error);
    ck_assert_uint_eq(envelope_reader_bytes(&r), 0);
}

static inline bool pieces_same_gaps(const struct envelope_gaps *a, const struct envelope_gaps *b)
{
    if (!a || !b)
        return a == b;
    return a->whole == b->whole && a->count == b->count &&
           memcmp(a->places, b->places, a->count * sizeof *a->places) == 0;
}

static inline void pieces_assert_same(const struct reading *want, const struct reading *got,
                                      const char *how)
{
    ck_assert_msg(got->error.id == want->error.id &&
                      strcmp(got->error.detail, want->error.detail) == 0,
                  "%s: \"%s\", in one piece \"%s\"", how, got->error.detail, want->error.detail);
    ck_assert_msg(want->error.id ? !got->e.json : json_equal(want->e.json, got->e.json), "%s", how);
    for (size_t i = 0; i < PIECES_FIELDS; i++) {
        const struct tensor *a = &want->fields[i].tensor, *b = &got->fields[i].tensor;

        ck_assert_msg(want->fields[i].present == got->fields[i].present && a->rank == b->rank &&
                          pieces_same_gaps(want->fields[i].gaps, got->fields[i].gaps) &&
                          a->count == b->count && !memcmp(a->shape, b->shape, sizeof a->shape),
                      "%s: another shape", how);
        const char *x = want->fields[i].member, *y = got->fields[i].member;
        ck_assert_msg(!x == !y && (!x || strcmp(x, y) == 0), "%s: another key in objects", how);
        ck_assert_msg(want->error.id || !want->fields[i].present ||
                          strcmp(envelope_field_place(&want->fields[i]),
                                 envelope_field_place(&got->fields[i])) == 0,
                      "%s: another place", how);
        ck_assert_msg(a->count == 0 || memcmp(a->data, b->data, a->count * sizeof(float)) == 0,
                      "%s: other values", how);
    }
}

/* Cut in two at every place, and into bytes. */
static inline void pieces_check(const char *body, size_t len, const struct envelope_limits *limits,
                                enum non_finite policy)
{
    struct reading want = {.limits = limits, .policy = policy}, got = want;
    char how[64];

    pieces_read(&want, body, len, len, len);
    for (size_t cut = 0; cut <= len; cut++) {
        pieces_read(&got, body, len, cut, len);
        snprintf(how, sizeof how, "cut at %zu", cut);
        pieces_assert_same(&want, &got, how);
        envelope_fini(&got.e);
    }
    for (size_t size = 1; size <= 3; size++) {
        pieces_read(&got, body, len, size, size);
        snprintf(how, sizeof how, "in pieces of %zu", size);
        pieces_assert_same(&want, &got, how);
        envelope_fini(&got.e);
    }
    envelope_fini(&want.e);
}

#endif
