/* listing.h - the models of a repository as the items of a long reply, a piece at a time.
 *
 * A call_post whose state begins with a struct listing: listing_begin() is its READ, or what READ
 * ends with, listing_nothing() its COMPUTE, its WRITE calls listing_write(). */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "api/call.h"
#include "model/repository.h"

struct listing {
    struct repository *repository;
    const struct repository_snapshot *snapshot;
    size_t next, items;
};

static inline struct listing *listing_of(const struct api_call *call)
{
    return (struct listing *)(uintptr_t)call->state;
}

/* Hold the repository as it is now. */
enum error_id listing_begin(struct api_call *call);
enum error_id listing_nothing(struct api_call *call);

/* The reply: `before`, the items that write() appends of each model, and that last() appends (NULL:
 * none), `after`. */
struct listing_text {
    const char *before, *after;
    void (*write)(struct api_call *call, const struct repository_entry *entry);
    void (*last)(struct api_call *call);
};
enum error_id listing_write(struct api_call *call, const struct listing_text *text);

/* Begin the next item: a comma, but in front of the first. Returns the reply's body. */
struct buf *listing_item(struct api_call *call);

/* An item takes about as long as so many numbers of text. */
size_t listing_elements(const struct api_call *call, size_t numbers);

void listing_fini(struct api_call *call, bool answered);

#endif
