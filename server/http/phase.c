/* phase.c - a connection's phase and the moment it began, in one atomic word.
 *
 * The owning thread moves the phase on, the keeper may cut. Invariant: after PHASE_CUT nothing
 * changes the word any more, so either the reply or the cut happens, never both. */
#include "http/private.h"

bool phase_enter(struct connection *c, enum phase phase, uint64_t now_ns)
{
    uint64_t old = atomic_load_explicit(&c->state, memory_order_relaxed);
    uint64_t next = (now_ns & ~(uint64_t)7) | phase;

    do {
        if (phase_of(old) == PHASE_CUT)
            return false;
    } while (!atomic_compare_exchange_weak(&c->state, &old, next));
    return true;
}

bool phase_cut(struct connection *c, uint64_t state)
{
    return atomic_compare_exchange_strong(&c->state, &state, phase_since_ns(state) | PHASE_CUT);
}

/* Nobody tells where chunks end: all that has been read counts as this request's. A next one that
 * came in the same piece then looks as if nothing of it had come. After a request that was not read
 * to its end comes nothing that will be. */
void phase_asked(struct connection *c)
{
    const struct request *r = &c->request;
    uint64_t asked = atomic_load_explicit(&c->asked, memory_order_relaxed);

    if (r->at < AT_WHOLE)
        asked = INT64_MAX;
    else if (r->declared.bytes == API_BODY_UNKNOWN)
        asked = socket_bytes_read(c->fd);
    else
        asked += r->header_bytes + r->received;
    atomic_store_explicit(&c->asked, asked, memory_order_relaxed);
}
