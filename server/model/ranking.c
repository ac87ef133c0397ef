/* ranking.c - which classes a row of outputs speaks for, and with which scores.
 *
 * The best so far are a heap with the worst of them on top, so that a row of n classes costs
 * n log k at most and little more than n where k is small. */
#include "model/ranking.h"
#include <axon/activation.h>
#include <math.h>
#include <stdbool.h>

static float sigma(float z)
{
    static const struct axon_axis one = {.outer = 1, .length = 1, .inner = 1};
    float y = z;

    axon_activation_forward(axon_activation_find("sigmoid"), &z, &y, one, NULL, 0);
    return y;
}

float ranking_score(enum ranking ranking, const float *outputs, size_t class)
{
    switch (ranking) {
    case RANKING_NONE:
    case RANKING_OUTPUTS:
        break;
    case RANKING_PROBABILITY:
        return class == 0 ? 1 - outputs[0] : outputs[0];
    case RANKING_LOGIT:
        return sigma(class == 0 ? -outputs[0] : outputs[0]);
    }
    return outputs[class];
}

struct heap {
    enum ranking ranking;
    const float *outputs;
    size_t *classes;
    size_t count;
};

static bool is_better(const struct heap *h, size_t a, size_t b)
{
    float x = ranking_score(h->ranking, h->outputs, a);
    float y = ranking_score(h->ranking, h->outputs, b);

    if (isnan(x) || isnan(y) || x == y)
        return isnan(x) == isnan(y) ? a < b : isnan(y);
    return x > y;
}

static void exchange(size_t *a, size_t *b)
{
    size_t c = *a;

    *a = *b;
    *b = c;
}

/* Let the class at i sink below all that are worse than it. */
static void sink(const struct heap *h, size_t i)
{
    for (size_t child = 2 * i + 1; child < h->count; child = 2 * i + 1) {
        if (child + 1 < h->count && is_better(h, h->classes[child], h->classes[child + 1]))
            child++;
        if (!is_better(h, h->classes[i], h->classes[child]))
            return;
        exchange(&h->classes[i], &h->classes[child]);
        i = child;
    }
}

void ranking_best(enum ranking ranking, const float *outputs, size_t classes, size_t *best,
                  size_t top_k)
{
    struct heap h = {ranking, outputs, best, top_k};

    for (size_t class = 0; class < top_k; class ++)
        best[class] = class;
    for (size_t i = top_k / 2; i-- > 0;)
        sink(&h, i);
    for (size_t class = top_k; class < classes; class ++) {
        if (!is_better(&h, class, best[0]))
            continue;
        best[0] = class;
        sink(&h, 0);
    }
    while (h.count > 1) { /* the worst goes to the end */
        exchange(&best[0], &best[--h.count]);
        sink(&h, 0);
    }
}
