/* feed.c - a JSON text in pieces: what a piece's end cuts is kept for the next one.
 *
 * Invariants: with an error nothing is left that the caller would have to release; carry holds one
 * unfinished token from its first byte on, and nothing else. */
#include "json/read.h"

#include <stdlib.h>
#include <string.h>

void json_init(struct json_reader *r, const struct json_limits *limits,
               const struct json_hook *hook, size_t bytes)
{
    *r = (struct json_reader){
        .limits = *limits,
        .hook = hook,
        .carry = {.max = bytes == WINDOW_UNKNOWN ? 0 : bytes, .account = limits->account},
        .key = {.account = limits->account},
        .word = {.account = limits->account},
        .window = {.text = "", .line = 1, .column = 1, .behind = bytes},
        .open = r->few,
        .depth_cap = JSON_DEPTH_FEW,
    };
}

static void release(struct json_reader *r)
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
}

void json_fini(struct json_reader *r)
{
    release(r);
    if (r->hook)
        r->hook->fini(r);
}

/* Read on in the window; with an error nothing that was read is needed any more. */
static enum error_id read_on(struct json_reader *r)
{
    enum error_id id = json_read(r);

    if (id)
        json_fini(r);
    return id;
}

static enum error_id keep(struct json_reader *r, const char *bytes, size_t len)
{
    buf_append(&r->carry, bytes, len);
    if (!r->carry.failed)
        return ERROR_OK;
    error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for the JSON");
    json_fini(r);
    return ERROR_OUT_OF_MEMORY;
}

/* Complete the token in carry with the first of the new bytes: enough of them that it and what else
 * came along are read, or all. *taken are those that need not be looked at again. */
static enum error_id join(struct json_reader *r, const char *bytes, size_t len, size_t *taken)
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

enum error_id json_feed(struct json_reader *r, const char *bytes, size_t len)
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

enum error_id json_finish(struct json_reader *r, json_t **root)
{
    if (!r->error.id) {
        r->window.text = r->carry.len > 0 ? r->carry.data : "";
        r->window.len = r->carry.len;
        r->window.last = true;
        r->window.behind = 0;
        read_on(r);
    }
    if (r->error.id)
        return r->error.id;
    *root = r->root;
    r->root = NULL;
    release(r);
    return ERROR_OK;
}

size_t json_bytes(const struct json_reader *r)
{
    size_t bytes = r->carry.cap + r->key.cap + r->word.cap;

    if (r->open != r->few)
        bytes += r->depth_cap * sizeof *r->open;
    return bytes + (r->root ? r->tokens * JSON_TOKEN_BYTES + r->strings_bytes : 0);
}

json_t *json_file_read(const char *text, size_t len, size_t tokens_max, struct error *error)
{
    const struct json_limits limits = {.depth_max = JSON_DEPTH_MAX, .tokens_max = tokens_max};
    struct json_reader r;
    json_t *root = NULL;

    json_init(&r, &limits, NULL, len);
    r.file = true;
    json_feed(&r, text, len);
    if (json_finish(&r, &root))
        *error = r.error;
    return root;
}
