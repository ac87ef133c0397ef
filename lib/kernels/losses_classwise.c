/* kernels/losses_classwise.c - losses of a place's outputs and its class: the CLASSWISE rows of
 * loss.def.
 *
 * A wide row of a matrix is worked on by itself, a vector holding neighbours; all others side by
 * side, a place in each lane, since reductions would cost more than all else. Which of the two
 * depends on the shape alone, so a place's loss does not depend on the places beside it.
 *
 * Knows vectors of doubles; the batch has been checked by loss.c. Invariant: sums are of terms that
 * are not negative, and no exponential has a positive argument; that is why nothing cancels or
 * overflows. A place's input is loaded before its gradient is stored, so that the
 * gradient may take the place of the input. */
#include "kernels/losses.h"

enum { FROM_LOGITS = 0, LABEL_SMOOTHING = 1 };
enum { OUTPUTS_FEW = 12 }; /* too few for a vector */

/* Where the places at hand begin: one along, `lanes` side by side across. */
struct places {
    const struct axon_loss_part *part;
    size_t n, at, lanes, step, lane_step; /* floats from output to output, from place to place */
    vd label;                             /* of each lane; not read with targets */
    vl ignored;
    double keep, spread; /* of a target, and what label smoothing adds to it */
};

/* ---- memory ---- */

/* Element 0 of each place, `stride` floats apart; unused lanes are 0. */
ALWAYS vd column(const float *p, size_t stride, size_t lanes)
{
    vh v = {0};

    if (stride == 1)
        return vd_load(p, lanes, 0);
    if (lanes >= VD_LANES)
#pragma GCC unroll 8
        for (size_t r = 0; r < VD_LANES; r++)
            v[r] = p[r * stride];
    else
        for (size_t r = 0; r < lanes; r++)
            v[r] = p[r * stride];
    return vd_of(v);
}

ALWAYS vd load(int along, const struct places *l, const float *p, size_t j, float fill)
{
    p += l->at + j * l->step;
    return along ? vd_load(p, l->n - j, fill) : column(p, l->lane_step, l->lanes);
}

ALWAYS void store(int along, const struct places *l, size_t j, vd v)
{
    float *p = l->part->gradient + l->at + j * l->step;
    vh rounded = vh_of(v);

    if (along || l->lane_step == 1)
        vh_store(p, rounded, along ? l->n - j : l->lanes);
    else
        for (size_t r = 0; r < l->lanes; r++)
            p[r * l->lane_step] = rounded[r];
}

/* Which output each lane holds. */
ALWAYS vd index_of(int along, size_t j)
{
    static const double first[] = {0, 1, 2, 3, 4, 5, 6, 7};
    vd lanes;

    memcpy(&lanes, first, sizeof lanes);
    return along ? lanes + (double)j : vd_all((double)j);
}

/* The weight of each output: targets or the label's 1, smoothed and weighed; 0 beyond the last. */
ALWAYS vd target(int along, const struct places *l, size_t j)
{
    const float *weight = l->part->weight;
    vd index = index_of(along, j), y;

    if (l->part->y)
        y = load(along, l, l->part->y, j, 0);
    else
        y = vd_pick(l->label == index, vd_all(1), vd_all(0));
    y = y * l->keep + l->spread;
    if (weight)
        y *= along ? vd_load(weight + j, l->n - j, 0) : vd_all((double)weight[j]);
    return vd_pick((index >= (double)l->n) | l->ignored, vd_all(0), y);
}

/* ---- cross-entropy ---- */

/* A place's loss and gradient are made of these: the largest logit, and the sums of the others. */
struct sums {
    vd max, top; /* x_top, and which it is */
    vd rest;     /* sum of e^(x_j - max) over j != top; NaN if a logit is NaN or +inf */
    vd others;   /* sum of t_j over j != top */
    vd targets;  /* the same over all j */
    vd weighed;  /* sum of t_j (max - x_j) */
};

/* NaN is passed over: it shows in the sums. */
ALWAYS struct sums find_largest(int along, const struct places *l)
{
    struct sums s = {.max = vd_all(-(double)INFINITY), .top = vd_all(0)};
    double first = INFINITY;
    vd max;

    for (size_t j = 0; j < l->n; j += along ? VD_LANES : 1) {
        vd x = load(along, l, l->part->x, j, -INFINITY);
        vl larger = x > s.max;

        s.max = vd_pick(larger, x, s.max);
        s.top = vd_pick(larger, index_of(along, j), s.top);
    }
    if (!along)
        return s;
    max = vd_top_everywhere(s.max);
    for (size_t r = 0; r < VD_LANES; r++)
        if (s.max[r] == max[r] && s.top[r] < first)
            first = s.top[r];
    return (struct sums){.max = max, .top = vd_all(first)};
}

ALWAYS struct sums sums_of(int along, const struct places *l)
{
    struct sums s = find_largest(along, l);

    s.rest = s.others = s.targets = s.weighed = vd_all(0);
    for (size_t j = 0; j < l->n; j += along ? VD_LANES : 1) {
        vd x = load(along, l, l->part->x, j, -INFINITY) - s.max, t = target(along, l, j);
        vl is_top = s.top == index_of(along, j);

        s.rest += vd_pick(is_top, vd_all(0), exp_negative(x));
        s.others += vd_pick(is_top, vd_all(0), t);
        s.targets += t;
        s.weighed -= vd_pick(t > 0, t * x, vd_all(0));
    }
    if (along) {
        s.rest = vd_sum_everywhere(s.rest);
        s.others = vd_sum_everywhere(s.others);
        s.targets = vd_sum_everywhere(s.targets);
        s.weighed = vd_sum_everywhere(s.weighed);
    }
    s.rest += s.max - s.max;
    return s;
}

/* ln(1 + rest) is what the logsumexp has over max. Where one class dominates, 1 + rest would round
 * to 1, and logsumexp - x_label to 0. The top class's p is near 1 and only its
 * distance from t counts, so that its p - t is made of the other classes' probabilities. */
ALWAYS vd of_logits(int along, const struct places *l)
{
    struct sums s = sums_of(along, l);
    vd share = s.targets / (1.0 + s.rest), top = s.others - s.rest * share;

    for (size_t j = 0; l->part->gradient && j < l->n; j += along ? VD_LANES : 1) {
        vd e = exp_negative(load(along, l, l->part->x, j, -INFINITY) - s.max);
        vd g = vd_pick(s.top == index_of(along, j), top, e * share - target(along, l, j));

        store(along, l, j, vd_pick(l->ignored, vd_all(0), g * l->part->scale));
    }
    return vd_pick(l->ignored, vd_all(0), s.weighed + s.targets * vd_log1p(s.rest));
}

ALWAYS vd of_probabilities(int along, const struct places *l)
{
    vd loss = vd_all(0);

    for (size_t j = 0; j < l->n; j += along ? VD_LANES : 1) {
        vd p = load(along, l, l->part->x, j, 1), t = target(along, l, j);

        loss += weighed(t, surprise(p));
        if (l->part->gradient)
            store(along, l, j, 0.0 - weighed(t, l->part->scale / vd_max(p, 1e-12)));
    }
    return along ? vd_sum_everywhere(loss) : loss;
}

/* Place `first` of the batch and, across, those beside it that have no more than a step between
 * them. */
static struct places places_at(const struct axon_loss_part *part, size_t first, size_t lanes)
{
    size_t row = first / part->inner, i = first % part->inner;
    struct places l = {.part = part,
                       .n = part->n,
                       .at = row * part->n * part->inner + i,
                       .lanes = lanes,
                       .step = part->inner,
                       .lane_step = part->inner == 1 ? part->n : 1};
    double smoothing = part->values[LABEL_SMOOTHING];

    if (part->inner > 1 && l.lanes > part->inner - i)
        l.lanes = part->inner - i;
    if (l.lanes > VD_LANES)
        l.lanes = VD_LANES;
    for (size_t r = 0; part->labels && r < VD_LANES; r++) {
        int32_t label = part->labels[first + (r < l.lanes ? r : 0)];

        l.label[r] = label;
        l.ignored[r] = label == part->ignore ? -1 : 0;
    }
    l.keep = 1 - smoothing;
    l.spread = smoothing / (double)part->n;
    return l;
}

void AXON_KERNEL(loss, cross_entropy)(const struct axon_loss_part *part, double *losses)
{
    bool logits = part->values[FROM_LOGITS] != 0, along = part->inner == 1 && part->n > OUTPUTS_FEW;

    for (size_t done = 0; done < part->count;) {
        struct places l = places_at(part, part->first + done, along ? 1 : part->count - done);
        vd loss;

        if (along)
            loss = logits ? of_logits(1, &l) : of_probabilities(1, &l);
        else
            loss = logits ? of_logits(0, &l) : of_probabilities(0, &l);
        memcpy(losses + done, &loss, l.lanes * sizeof *losses);
        done += l.lanes;
    }
}

/* ---- negative log-likelihood ---- */

void AXON_KERNEL(loss, nll)(const struct axon_loss_part *part, double *losses)
{
    size_t n = part->n, inner = part->inner;

    for (size_t k = 0; k < part->count; k++) {
        size_t place = part->first + k, at = place / inner * n * inner + place % inner;
        int32_t label = part->labels[place];
        size_t picked = at + (label == part->ignore ? 0 : (size_t)label) * inner;
        double weight = part->weight && label != part->ignore ? (double)part->weight[label] : 1;

        if (label == part->ignore)
            weight = 0;
        losses[k] = weight == 0 ? 0 : 0.0 - weight * (double)part->x[picked];
        for (size_t j = 0; part->gradient && j < n; j++)
            part->gradient[at + j * inner] = 0;
        if (part->gradient && weight != 0)
            part->gradient[picked] = (float)(-weight * part->scale);
    }
}
