/* envelope.c - a request body: an object whose tensors are decoded in place.
 *
 * May know: json/read.h. Invariants: on failure nothing is left that the caller would have to
 * release; carry holds one unfinished token from its first byte on, and nothing else. */
#include "body/envelope.h"
#include "json/read.h"

#include <stdlib.h>
#include <string.h>

static void release_fields(struct envelope_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tensor_fini(&fields[i].tensor);
        free(fields[i].member);
        free(fields[i].place);
        fields[i].member = fields[i].place = NULL;
        fields[i].present = false;
    }
}

void envelope_reader_init(struct envelope_reader *r, struct envelope_field *fields,
                          size_t fields_count, const struct envelope_limits *limits,
                          enum non_finite policy, size_t bytes)
{
    *r = (struct envelope_reader){
        .limits = *limits,
        .policy = policy,
        .fields = fields,
        .fields_count = fields_count,
        .carry = {.max = bytes == WINDOW_UNKNOWN ? 0 : bytes, .account = limits->tensor.account},
        .key = {.account = limits->tensor.account},
        .word = {.account = limits->tensor.account},
        .window = {.text = "", .line = 1, .column = 1, .behind = bytes},
        .open = r->few,
        .depth_cap = JSON_DEPTH_FEW,
    };
    for (size_t i = 0; i < fields_count; i++) {
        fields[i].tensor = (struct tensor){0};
        fields[i].member = fields[i].place = NULL;
        fields[i].present = false;
    }
}

void envelope_reader_fini(struct envelope_reader *r)
{
    buf_fini(&r->carry);
    buf_fini(&r->key);
    buf_fini(&r->word);
    json_decref(r->root);
    r->root = NULL;
    if (r->open != r->few)
        free(r->open);
    r->open = r->few;
    r->depth_cap = JSON_DEPTH_FEW;
    release_fields(r->fields, r->fields_count);
    r->fields_count = 0;
}

/* Read on in the window; with an error nothing that was read is needed any more. */
static enum error_id read_on(struct envelope_reader *r)
{
    enum error_id id = json_read(r);

    if (id)
        envelope_reader_fini(r);
    return id;
}

static enum error_id keep(struct envelope_reader *r, const char *bytes, size_t len)
{
    buf_append(&r->carry, bytes, len);
    if (!r->carry.failed)
        return ERROR_OK;
    error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for the JSON");
    envelope_reader_fini(r);
    return ERROR_OUT_OF_MEMORY;
}

/* Complete the token in carry with the first of the new bytes: enough of them that it and what else
 * came along are read, or all. *taken are those that need not be looked at again. */
static enum error_id join(struct envelope_reader *r, const char *bytes, size_t len, size_t *taken)
{
    enum { PIECE_FIRST = 64 };
    struct window *w = &r->window;

    *taken = 0;
    while (*taken < len) {
        size_t piece = r->carry.len > PIECE_FIRST ? r->carry.len : PIECE_FIRST;
        if (piece > len - *taken)
            piece = len - *taken;
        if (keep(r, bytes + *taken, piece))
            return r->error.id;
        *taken += piece;
        w->text = r->carry.data;
        w->len = r->carry.len;
        if (read_on(r))
            return r->error.id;
        size_t read = w->pos, left = w->len - read;
        if (read == 0)
            continue;
        window_move(w, "", 0);
        if (left <= *taken) {
            *taken -= left;
            json_consumed(&r->carry);
            break;
        }
        memmove(r->carry.data, r->carry.data + read, left); /* a literal, and a word goes on */
        r->carry.data[left] = '\0';
        r->carry.len = left;
    }
    return ERROR_OK;
}

enum error_id envelope_feed(struct envelope_reader *r, const char *bytes, size_t len)
{
    struct window *w = &r->window;
    size_t taken = 0;

    if (r->error.id)
        return r->error.id;
    if (w->behind != WINDOW_UNKNOWN)
        w->behind -= len < w->behind ? len : w->behind;
    if (r->carry.len > 0 && join(r, bytes, len, &taken))
        return r->error.id;
    if (taken == len)
        return ERROR_OK;
    w->text = bytes + taken;
    w->len = len - taken;
    if (read_on(r))
        return r->error.id;
    bytes += taken + w->pos;
    len -= taken + w->pos;
    window_move(w, "", 0);
    return len > 0 ? keep(r, bytes, len) : ERROR_OK;
}

enum error_id envelope_finish(struct envelope_reader *r, struct envelope *e, struct error *error)
{
    *e = (struct envelope){.fields = r->fields, .fields_count = r->fields_count};
    if (!r->error.id) {
        r->window.text = r->carry.len > 0 ? r->carry.data : "";
        r->window.len = r->carry.len;
        r->window.last = true;
        r->window.behind = 0;
        read_on(r);
    }
    if (r->error.id) {
        *error = r->error;
        *e = (struct envelope){0};
        return error->id;
    }
    e->json = r->root;
    r->root = NULL;
    r->fields_count = 0; /* they are e's */
    envelope_reader_fini(r);
    return ERROR_OK;
}

size_t envelope_reader_bytes(const struct envelope_reader *r)
{
    size_t bytes = r->carry.cap + r->key.cap + r->word.cap;

    for (size_t i = 0; i < r->fields_count; i++)
        bytes += r->fields[i].tensor.cap * sizeof(float) +
                 (r->fields[i].member ? strlen(r->fields[i].member) : 0) +
                 (r->fields[i].place ? strlen(r->fields[i].place) : 0);
    if (r->open != r->few)
        bytes += r->depth_cap * sizeof *r->open;
    return bytes + (r->root ? r->tokens * JSON_TOKEN_BYTES + r->strings_bytes : 0);
}

enum error_id envelope_read(struct envelope *e, struct envelope_field *fields, size_t fields_count,
                            const char *body, size_t len, const struct envelope_limits *limits,
                            enum non_finite policy, struct error *error)
{
    struct envelope_reader r;

    envelope_reader_init(&r, fields, fields_count, limits, policy, len);
    envelope_feed(&r, body, len);
    return envelope_finish(&r, e, error);
}

void envelope_fini(struct envelope *e)
{
    json_decref(e->json);
    release_fields(e->fields, e->fields_count);
    *e = (struct envelope){0};
}

json_t *json_file_read(const char *text, size_t len, size_t tokens_max, struct error *error)
{
    const struct envelope_limits limits = {.depth_max = JSON_DEPTH_MAX, .tokens_max = tokens_max};
    struct envelope_reader r;
    struct envelope e;

    envelope_reader_init(&r, NULL, 0, &limits, NON_FINITE_STRICT, len);
    r.file = true;
    envelope_feed(&r, text, len);
    return envelope_finish(&r, &e, error) ? NULL : e.json;
}
