/* progress.c - see progress.h. */
#include "commands/progress.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"

enum { EVERY_NS = 200000000 };

void progress_start(struct progress *p, const struct input *in)
{
    uint64_t now = clock_ns();

    *p = (struct progress){
        .in = in, .shown = isatty(STDERR_FILENO) == 1, .begun_ns = now, .next_ns = now + EVERY_NS};
}

/* The share of the input that is done, and the time for the rest of it. */
static void print_share(const struct progress *p, double seconds)
{
    double share = (double)p->in->taken / (double)p->in->size;
    uint64_t left;

    if (p->in->size == 0 || share <= 0)
        return;
    left = share < 1 ? (uint64_t)(seconds * (1 - share) / share + 0.5) : 0;
    fprintf(stderr, ", %.0f %%, %" PRIu64 ":%02" PRIu64 " left", share < 1 ? 100 * share : 100,
            left / 60, left % 60);
}

void progress_tell(struct progress *p, uint64_t rows)
{
    uint64_t now;
    double seconds;

    if (!p->shown)
        return;
    now = clock_ns();
    if (now < p->next_ns)
        return;
    p->next_ns = now + EVERY_NS;
    p->dirty = true;
    seconds = (double)(now - p->begun_ns) * 1e-9;
    fprintf(stderr, "\r\033[K%" PRIu64 " rows, %.0f rows/s", rows, (double)rows / seconds);
    print_share(p, seconds);
    fflush(stderr);
}

void progress_stop(struct progress *p)
{
    if (p->dirty)
        fputs("\r\033[K", stderr);
    p->dirty = false;
}
