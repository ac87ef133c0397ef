/* scrape.h - for tests of metrics: a registry with three routes, and what a scrape of it says.
 *
 * Scrapes are compared as text, line by line, as a scraper sees them. */
#ifndef SCRAPE_H
#define SCRAPE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "metrics/registry.h"
#include "scraped.h"

static const char *const route_labels[] = {"/metrics", "/v1/x/{x}", "/v1/y/{y}"};

static const char *label_of(unsigned route)
{
    return route_labels[route];
}

static inline bool takes(unsigned route, const char *method)
{
    return strcmp(method, route == 0 ? "GET" : "POST") == 0;
}

static inline void scrape_start(void)
{
    const struct metrics_info info = {.version = "1.2.3",
                                      .revision = "abc",
                                      .compiler = "a \"quoted\\\" one\n",
                                      .isa = "i",
                                      .route_label = label_of,
                                      .route_takes = takes,
                                      .routes_count = 3,
                                      .window_s = 60};
    ck_assert_int_eq(metrics_init(&info), 0);
}

static inline void scrape_stop(void)
{
    metrics_fini();
}

/* new */
static inline char *scrape_as(const char *accept)
{
    struct buf out;
    size_t length;

    scraped(&out, accept);
    return buf_steal(&out, &length);
}

static const char openmetrics[] = "application/openmetrics-text; version=1.0.0";

static inline unsigned times(const char *text, const char *line)
{
    char whole[512];
    unsigned count = 0;

    snprintf(whole, sizeof whole, "\n%s\n", line);
    for (const char *at = text; (at = strstr(at, whole)); at++)
        count++;
    return count;
}

/* The line stands in the scrape exactly once. */
static inline void expect(const char *line)
{
    char *text = scrape_as(NULL);
    const char *like = strstr(text, "\n");

    for (size_t n = strlen(line); n > 0 && times(text, line) != 1; n--) {
        char start[512]; /* the longest beginning that does stand there, to see what differs */
        snprintf(start, sizeof start, "\n%.*s", (int)n, line);
        if ((like = strstr(text, start)))
            break;
    }
    ck_assert_msg(times(text, line) == 1, "\"%s\" stands %u times; there is: %.200s", line,
                  times(text, line), like ? like : "nothing like it");
    free(text);
}

static inline void expect_nothing_of(const char *part)
{
    char *text = scrape_as(NULL);

    const char *at = strstr(text, part);
    ck_assert_msg(!at, "\"%s\" stands there: %.200s", part, at);
    free(text);
}

#endif
