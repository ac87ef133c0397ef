/* listing.c - see listing.h. Knows no protocol; a piece is some models. */
#include "api/listing.h"

_Static_assert(sizeof(struct listing) <= CALL_STATE_MAX, "a call's state");

enum error_id listing_begin(struct api_call *call)
{
    struct listing *l = listing_of(call);

    l->repository = call->api->repository;
    l->snapshot = repository_acquire(l->repository);
    return ERROR_OK;
}

enum error_id listing_nothing(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

struct buf *listing_item(struct api_call *call)
{
    struct buf *out = &call->reply->body;

    if (listing_of(call)->items++ > 0)
        buf_puts(out, ",");
    return out;
}

enum error_id listing_write(struct api_call *call, const struct listing_text *text)
{
    enum { PIECE_MODELS = 32, PIECE_BYTES = 1 << 16 };
    struct listing *l = listing_of(call);
    struct buf *out = &call->reply->body;
    size_t end = l->next + PIECE_MODELS, bytes = out->len + PIECE_BYTES;

    if (l->next == 0)
        buf_puts(out, text->before);
    while (l->next < l->snapshot->entries_count && l->next < end && out->len < bytes)
        text->write(call, &l->snapshot->entries[l->next++]);
    call->again = l->next < l->snapshot->entries_count && !out->failed;
    if (call->again)
        return ERROR_OK;
    if (text->last)
        text->last(call);
    buf_puts(out, text->after);
    return ERROR_OK;
}

size_t listing_elements(const struct api_call *call, size_t numbers)
{
    const struct listing *l = listing_of(call);
    size_t items = 0;

    if (call->phase != CALL_WRITE)
        return 0;
    for (size_t i = l->next; i < l->snapshot->entries_count; i++)
        items += l->snapshot->entries[i].versions_count;
    return items * numbers;
}

void listing_fini(struct api_call *call, bool answered)
{
    struct listing *l = listing_of(call);

    (void)answered;
    if (l->snapshot)
        repository_release(l->repository, l->snapshot);
}
