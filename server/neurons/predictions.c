/* predictions.c - the class of an answer and its confidence, per request, worker and window.
 *
 * A tempered probability is computed from the outputs as they are served: softmax(z / T) needs
 * ratios of probabilities alone. Invariant: every count is in exactly one place, a part of the ring
 * or `retired`; a part's place is its number modulo the ring's size, as in lib/neurons.c. */
#include "neurons/predictions.h"
#include <axon/confidence.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a row ---- */

static double sigma(double z)
{
    return z < 0 ? exp(z) / (1 + exp(z)) : 1 / (1 + exp(-z));
}

static void softmax(const float *z, size_t n, double *p)
{
    double largest = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        largest = (double)z[i] > largest ? (double)z[i] : largest;
    for (size_t i = 0; i < n; i++)
        sum += p[i] = exp((double)z[i] - largest);
    for (size_t i = 0; i < n; i++)
        p[i] /= sum;
}

void predictions_row(const struct predictions_shape *shape, const float *y, double *p)
{
    switch (shape->kind) {
    case PREDICTIONS_NONE:
        break;
    case PREDICTIONS_SHARES:
        for (size_t i = 0; i < shape->classes; i++)
            p[i] = (double)y[i];
        break;
    case PREDICTIONS_LOGITS:
        softmax(y, shape->classes, p);
        break;
    case PREDICTIONS_CHANCE:
        p[1] = (double)y[0];
        p[0] = 1 - p[1];
        break;
    case PREDICTIONS_LOGIT:
        p[1] = sigma((double)y[0]);
        p[0] = sigma(-(double)y[0]);
        break;
    }
}

/* ---- a request ---- */

/* The message of a row. */
struct answer {
    size_t class;
    float confidence, tempered;
};

/* The first of the largest outputs. False: one is not finite. */
static bool largest_of(const float *y, size_t n, size_t *at)
{
    bool finite = true;

    *at = 0;
    for (size_t i = 0; i < n; i++) {
        finite &= fabsf(y[i]) <= FLT_MAX;
        *at = y[i] > y[*at] ? i : *at;
    }
    return finite;
}

/* e^-17 adds less than one part in 2^24 to a sum that is at least 1. */
#define LEAST_LOG 17.0f

/* 1 / the sum of (p_i / p)^power, p the largest. */
static float share_of(const float *p, size_t n, size_t largest, float power)
{
    float least = p[largest] * expf(-LEAST_LOG / power), sum = 0;

    for (size_t i = 0; i < n; i++)
        if (p[i] > least)
            sum += i == largest ? 1 : powf(p[i] / p[largest], power);
    return 1 / sum;
}

/* 1 / the sum of e^((z_i - z) * power), z the largest. */
static float logit_share_of(const float *z, size_t n, size_t largest, float power)
{
    float least = z[largest] - LEAST_LOG / power, sum = 0;

    for (size_t i = 0; i < n; i++)
        if (z[i] > least)
            sum += i == largest ? 1 : expf((z[i] - z[largest]) * power);
    return 1 / sum;
}

/* False: the row says nothing. power is 1 / temperature, or 0. */
static bool answer_of(const struct predictions_shape *shape, const float *y, float power,
                      struct answer *a)
{
    size_t n = shape->outputs;
    float z = fabsf(y[0]);

    if (!largest_of(y, n, &a->class))
        return false;
    a->tempered = 0;
    switch (shape->kind) {
    case PREDICTIONS_NONE:
        return false;
    case PREDICTIONS_SHARES:
        a->confidence = y[a->class];
        if (power > 0)
            a->tempered = share_of(y, n, a->class, power);
        break;
    case PREDICTIONS_LOGITS:
        a->confidence = logit_share_of(y, n, a->class, 1);
        if (power > 0)
            a->tempered = logit_share_of(y, n, a->class, power);
        break;
    case PREDICTIONS_CHANCE:
        a->class = y[0] >= 0.5f;
        a->confidence = a->class ? y[0] : 1 - y[0];
        if (power > 0)
            a->tempered = 1 / (1 + powf((1 - a->confidence) / a->confidence, power));
        break;
    case PREDICTIONS_LOGIT:
        a->class = y[0] >= 0;
        a->confidence = 1 / (1 + expf(-z));
        if (power > 0)
            a->tempered = 1 / (1 + expf(-z * power));
        break;
    }
    return true;
}

size_t predictions_tally_bytes(const struct predictions_shape *shape)
{
    size_t bytes = sizeof(struct predictions_tally) + shape->classes * sizeof(uint32_t);

    return (bytes + 7) / 8 * 8;
}

static void count(struct predictions_tally *tally, const struct answer *a)
{
    tally->rows++;
    tally->confidence += (double)a->confidence;
    tally->tempered += (double)a->tempered;
    tally->buckets[metrics_bucket(METRIC_prediction_confidence, (double)a->confidence)]++;
    tally->classes[a->class]++;
}

/* A vector of rows costs the core as much as three rows cost one by one. */
enum { TOGETHER_MIN = 4, TOGETHER_MAX = 64 };

static void count_together(const struct predictions_shape *shape, struct predictions_tally *tally,
                           const float *y, size_t rows, float power)
{
    uint32_t classes[TOGETHER_MAX];
    float confidence[TOGETHER_MAX], tempered[TOGETHER_MAX] = {0};

    axon_confidence_rows(&(struct axon_confidence){.y = y,
                                                   .rows = rows,
                                                   .n = shape->outputs,
                                                   .logits = shape->kind == PREDICTIONS_LOGITS ||
                                                             shape->kind == PREDICTIONS_LOGIT,
                                                   .power = power,
                                                   .classes = classes,
                                                   .confidence = confidence,
                                                   .tempered = tempered,
                                                   .binary = shape->outputs == 1});
    for (size_t r = 0; r < rows; r++)
        if (!isnan(confidence[r]))
            count(tally, &(struct answer){classes[r], confidence[r], tempered[r]});
}

void predictions_note(const struct predictions_shape *shape, struct predictions_tally *tally,
                      const float *y, size_t rows)
{
    float power = shape->temperature > 0 ? (float)(1 / shape->temperature) : 0;
    struct answer a = {0};

    if (shape->kind == PREDICTIONS_NONE)
        return;
    for (size_t some; rows > 0; rows -= some, y += some * shape->outputs) {
        some = rows >= TOGETHER_MIN ? rows < TOGETHER_MAX ? rows : TOGETHER_MAX : 1;
        if (some > 1)
            count_together(shape, tally, y, some, power);
        else if (answer_of(shape, y, power, &a))
            count(tally, &a);
    }
}

void predictions_tally_add(const struct predictions_shape *shape, struct predictions_tally *into,
                           const struct predictions_tally *from)
{
    into->rows += from->rows;
    into->confidence += from->confidence;
    into->tempered += from->tempered;
    for (size_t i = 0; i < METRICS_BUCKETS_MAX; i++)
        into->buckets[i] += from->buckets[i];
    for (size_t i = 0; i < shape->classes; i++)
        into->classes[i] += from->classes[i];
}

/* ---- a worker ---- */

enum { RING = AXON_NEURONS_PARTS + 1 };

struct part {
    uint64_t number;
    double last_s; /* of its newest row */
    struct predictions_sum sum;
    uint64_t *classes; /* [classes] */
};

struct predictions {
    size_t classes;
    struct axon_evidence evidence;
    struct part retired;
    struct part ring[RING];
    uint64_t counts[]; /* [1 + RING][classes] */
};

struct predictions *predictions_create(const struct predictions_shape *shape,
                                       const struct axon_evidence *evidence)
{
    size_t counts = (1 + RING) * shape->classes;
    struct predictions *p = calloc(1, sizeof *p + counts * sizeof *p->counts);

    if (!p)
        return NULL;
    p->classes = shape->classes;
    p->evidence = *evidence;
    p->retired.classes = p->counts;
    for (size_t i = 0; i < RING; i++)
        p->ring[i].classes = p->counts + (1 + i) * p->classes;
    return p;
}

void predictions_destroy(struct predictions *p)
{
    free(p);
}

static void sum_add(struct predictions_sum *into, const struct predictions_sum *from)
{
    into->rows += from->rows;
    into->confidence += from->confidence;
    into->tempered += from->tempered;
}

static void counts_add(uint64_t *into, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        into[i] += from[i];
}

/* The part of that number, begun anew if its place had another; `retired` if it has left the ring.
 */
static struct part *part_of(struct predictions *p, uint64_t number)
{
    struct part *part = &p->ring[number % RING];

    if (part->number > number)
        return &p->retired;
    if (part->number == number)
        return part;
    sum_add(&p->retired.sum, &part->sum);
    counts_add(p->retired.classes, part->classes, p->classes);
    memset(part->classes, 0, p->classes * sizeof *part->classes);
    *part = (struct part){.number = number, .classes = part->classes};
    return part;
}

void predictions_add(struct predictions *p, const struct predictions_tally *tally, uint64_t part,
                     double now_s)
{
    const struct predictions_sum sum = {tally->rows, tally->confidence, tally->tempered};
    struct part *to;

    if (tally->rows == 0)
        return;
    to = part_of(p, part);
    to->last_s = to->last_s < now_s ? now_s : to->last_s;
    sum_add(&to->sum, &sum);
    for (size_t i = 0; i < p->classes; i++)
        to->classes[i] += tally->classes[i];
}

void predictions_merge(struct predictions *into, const struct predictions *from)
{
    sum_add(&into->retired.sum, &from->retired.sum);
    counts_add(into->retired.classes, from->retired.classes, from->classes);
    for (size_t i = 0; i < RING; i++) {
        const struct part *part = &from->ring[i];
        struct part *to;

        if (part->sum.rows == 0)
            continue;
        to = part_of(into, part->number);
        to->last_s = to->last_s < part->last_s ? part->last_s : to->last_s;
        sum_add(&to->sum, &part->sum);
        counts_add(to->classes, part->classes, into->classes);
    }
}

size_t predictions_classes(const struct predictions *p)
{
    return p ? p->classes : 0;
}

static uint64_t newest(const struct predictions *p)
{
    uint64_t number = 0;

    for (size_t i = 0; i < RING; i++)
        number = p->ring[i].number > number ? p->ring[i].number : number;
    return number;
}

/* From the newest part to older ones: all since load, else as long as they are recent or their rows
 * are needed. */
struct predictions_sum predictions_window(const struct predictions *p, enum axon_window window,
                                          double now_s, uint64_t *classes)
{
    struct predictions_sum sum = {0};
    uint64_t number = newest(p);
    bool all = window == AXON_WINDOW_LOAD;

    memset(classes, 0, p->classes * sizeof *classes);
    if (all) {
        sum_add(&sum, &p->retired.sum);
        counts_add(classes, p->retired.classes, p->classes);
    }
    for (size_t back = 0; back < RING && (all || back <= number); back++) {
        const struct part *part = &p->ring[(number + RING - back) % RING];
        bool is_recent = part->last_s > now_s - p->evidence.window_s;

        bool is_next = part->number == number - back;

        if (!all && (!is_next || (!is_recent && sum.rows >= p->evidence.rows_min)))
            continue;
        sum_add(&sum, &part->sum);
        counts_add(classes, part->classes, p->classes);
    }
    return sum;
}
