/* scraped.h - for tests of metrics: a whole scrape, all pieces of it one after the other. */
#ifndef SCRAPED_H
#define SCRAPED_H

#include <check.h>
#include "metrics/metrics.h"

/* Initializes *out; returns the content type. */
static inline const char *scraped(struct buf *out, const char *accept)
{
    struct metrics_scrape s;

    buf_init(out, 0);
    metrics_scrape_begin(&s, accept);
    while (metrics_scrape_refresh(&s))
        ;
    while (metrics_scrape_write(&s, out))
        ;
    ck_assert(!out->failed);
    return metrics_scrape_content_type(&s);
}

#endif
