/* kernels/losses.c - losses of rows and their gradients: a function per row of loss.def.
 *
 * A wide row is worked on by itself, a vector holding neighbours; narrow rows are, a row in each
 * lane, since for them reductions and logarithms would cost more than all else. Which of the two
 * depends on n alone, so a row's loss does not depend on the rows beside it.
 *
 * Knows vectors of doubles; the row has been checked by loss.c. Invariant: sums are of terms that
 * are not negative, and no exponential has a positive argument; that is why nothing cancels or
 * overflows. vd_exp() is within 2^-37, and so is all that is made of it here. Of a row, a vector's
 * worth is loaded before it is stored, so that the gradient may take the place of the input. */
#include <float.h>
#include <math.h>
#include "kernels/rowwise.h"
#include "kernels/vmath.h"

#define HALF VD_LANES

/* A row, as struct axon_loss_rows has them. */
struct row {
    const float *x, *y;
    size_t n, label;
    double scale;
    float *gradient;
};

enum { NARROW = 12 }; /* most values of a row that is a lane */

/* Rows side by side: x[j] and y[j] hold element j of each. The gradient takes the place of x. */
struct lanes {
    size_t n;
    double scale;
    vd x[NARROW], y[NARROW], loss;
};

/* The vector of p [n] from i on; beyond its end `fill`. */
static inline vf load(const float *p, size_t i, size_t n, float fill)
{
    return n - i < VF_LANES ? vf_load_part(p + i, n - i, fill) : vf_load(p + i);
}

static inline void store(float *p, size_t i, size_t n, vf v)
{
    if (n - i < VF_LANES)
        vf_store_part(p + i, v, n - i);
    else
        vf_store(p + i, v);
}

/* e^x for x <= 0; 0 where it would be less than 2^-1000, at -inf too. NaN comes through. */
static inline vd exp_negative(vd x)
{
    return vd_pick(x < -693.0, vd_all(0.0), vd_exp(vd_max(x, -693.0)));
}

/* ---- cross-entropy ---- */

/* What a row's loss and gradient are made of: the largest logit, and what there is besides. */
struct sums {
    size_t top;
    double max;     /* x[top] */
    double rest;    /* sum of e^(x_j - max) over j != top; NaN if a logit is NaN or +inf */
    double targets; /* sum of y_j, 1 but for rounding */
    double others;  /* the same over j != top */
    double weighed; /* sum of y_j (max - x_j) */
};

/* NaN is passed over: it shows in the sums. */
static size_t top_of(const float *x, size_t n)
{
    vf most = vf_all(-INFINITY);
    size_t top = 0;
    float max;

    for (size_t i = 0; i < n; i += VF_LANES) {
        vf v = load(x, i, n, -INFINITY);

        most = vf_pick(v > most, v, most);
    }
    max = most[0];
    for (size_t i = 1; i < VF_LANES; i++)
        max = most[i] > max ? most[i] : max;
    while (top < n && x[top] != max)
        top++;
    return top < n ? top : 0;
}

/* Every lane but that of the top, which is `here` (VF_LANES: in another vector). */
static inline vd without(vd v, size_t here)
{
    if (here < HALF)
        v[here] = 0;
    return v;
}

static struct sums sums_of(const struct row *r)
{
    size_t top = top_of(r->x, r->n);
    struct sums s = {.top = top, .max = (double)r->x[top]};
    vd rest = vd_all(0), others = vd_all(0), weighed = vd_all(0);

    for (size_t i = 0; i < r->n; i += VF_LANES) {
        vf x = load(r->x, i, r->n, -INFINITY), y = r->y ? load(r->y, i, r->n, 0) : vf_all(0);
        size_t low = top - i, high = top - i - HALF; /* wraps beyond HALF where it is not */
        vd x_low = vd_low(x) - s.max, x_high = vd_high(x) - s.max;
        vd y_low = vd_low(y), y_high = vd_high(y);

        rest += without(exp_negative(x_low), low) + without(exp_negative(x_high), high);
        others += without(y_low, low) + without(y_high, high);
        weighed -= vd_pick(y_low > 0, y_low * x_low, vd_all(0)) +
                   vd_pick(y_high > 0, y_high * x_high, vd_all(0));
    }
    s.rest = vd_sum(rest) + (s.max - s.max);
    s.others = r->y ? vd_sum(others) : (double)(top != r->label);
    s.targets = r->y ? s.others + (double)r->y[top] : 1;
    s.weighed = r->y ? vd_sum(weighed) : s.max - (double)r->x[r->label];
    return s;
}

/* Of the top and of the label p - y is made by hand: they are near 1, and what the others leave of
 * them is all that counts. */
static void cross_entropy_gradient(const struct row *r, const struct sums *s)
{
    double share = s->targets / (1 + s->rest), scale = r->scale;
    double label = r->y ? 0 : exp((double)r->x[r->label] - s->max) * share - 1;

    for (size_t i = 0; i < r->n; i += VF_LANES) {
        vf x = load(r->x, i, r->n, -INFINITY), y = r->y ? load(r->y, i, r->n, 0) : vf_all(0);
        vd low = exp_negative(vd_low(x) - s->max) * share - vd_low(y);
        vd high = exp_negative(vd_high(x) - s->max) * share - vd_high(y);

        store(r->gradient, i, r->n, vf_join(low * scale, high * scale));
    }
    if (!r->y)
        r->gradient[r->label] = (float)(label * scale);
    r->gradient[s->top] = (float)((s->others - s->rest * share) * scale);
}

/* ln(1 + rest) is what the logsumexp has over max. Where one class dominates, 1 + rest would
 * round to 1, and logsumexp - x_label to 0. */
static double cross_entropy_row(const struct row *r)
{
    struct sums s = sums_of(r);

    if (r->gradient)
        cross_entropy_gradient(r, &s);
    return s.weighed + s.targets * log1p(s.rest);
}

/* The same, lane by lane. */
static void cross_entropy_lanes(struct lanes *l)
{
    vd max = vd_all(-(double)INFINITY), top = vd_all(0), rest = top, others = top, y_top = top;
    vd weighed = top, share;

    for (size_t j = 0; j < l->n; j++) {
        vl larger = l->x[j] > max;

        max = vd_pick(larger, l->x[j], max);
        top = vd_pick(larger, vd_all((double)j), top);
    }
    for (size_t j = 0; j < l->n; j++) {
        vl is_top = top == (double)j;
        vd x = l->x[j] - max, e = exp_negative(x);

        rest += vd_pick(is_top, vd_all(0), e);
        others += vd_pick(is_top, vd_all(0), l->y[j]);
        y_top = vd_pick(is_top, l->y[j], y_top);
        weighed -= vd_pick(l->y[j] > 0, l->y[j] * x, vd_all(0));
        l->x[j] = e;
    }
    rest += max - max;
    share = (others + y_top) / (1.0 + rest);
    for (size_t j = 0; j < l->n; j++)
        l->x[j] = vd_pick(top == (double)j, others - rest * share, l->x[j] * share - l->y[j]) *
                  l->scale;
    l->loss = weighed + (others + y_top) * vd_log1p(rest);
}

/* ---- binary cross-entropy ---- */

/* ln(1 + e) of many e in [0, 1] by one logarithm: of the product of all 1 + e, which must not
 * exceed 2^1023. An e so small that 1 + e would forget it is summed by its series instead. */
struct log_sum {
    vd product, small;
};

static inline void add_log1p(struct log_sum *s, vd e)
{
    vl small = e < 0x1p-20;

    s->product *= vd_pick(small, vd_all(1), 1.0 + e);
    s->small += vd_pick(small, e * (1.0 - e * (0.5 - e * (1 / 3.0))), vd_all(0));
}

static double log_sum_total(const struct log_sum *s)
{
    double product = s->product[0];

    for (size_t i = 1; i < HALF; i++)
        product *= s->product[i];
    return log(product) + vd_sum(s->small);
}

/* softplus(x) y(1) ... without its logarithm, which is that of 1 + e and has weight
 * y + (1 - y) = 1; and sigmoid - y. A weight of 0 counts for nothing, be the logit infinite. */
static inline vd binary_terms(vd x, vd y, vd *e, vd *linear)
{
    vd small, large, no = 1.0 - y;

    *e = exp_negative(-vd_abs(x));
    large = vd_reciprocal(1.0 + *e);
    small = *e * large;
    *linear += vd_pick(y < 1, no * vd_max(x, 0), vd_all(0)) +
               vd_pick(y > 0, y * vd_max(-x, 0), vd_all(0));
    return vd_pick(x > 0, no * large - y * small, no * small - y * large);
}

static void binary_cross_entropy_lanes(struct lanes *l)
{
    vd loss = vd_all(0), e;

    for (size_t j = 0; j < l->n; j++) {
        l->x[j] = binary_terms(l->x[j], l->y[j], &e, &loss) * (l->scale / (double)l->n);
        loss += vd_log1p(e);
    }
    l->loss = loss / (double)l->n;
}

static double binary_cross_entropy_row(const struct row *r)
{
    enum { VALUES = 960 }; /* of one product */
    double loss = 0, scale = r->scale / (double)r->n;

    for (size_t first = 0; first < r->n; first += VALUES) {
        size_t end = r->n - first < VALUES ? r->n : first + VALUES;
        struct log_sum logs = {vd_all(1), vd_all(0)};
        vd linear = vd_all(0);

        for (size_t i = first; i < end; i += VF_LANES) {
            vf x = load(r->x, i, end, INFINITY), y = load(r->y, i, end, 1); /* a loss of 0 */
            vd e_low, e_high, low = binary_terms(vd_low(x), vd_low(y), &e_low, &linear);
            vd high = binary_terms(vd_high(x), vd_high(y), &e_high, &linear);

            add_log1p(&logs, e_low);
            add_log1p(&logs, e_high);
            if (r->gradient)
                store(r->gradient, i, end, vf_join(low * scale, high * scale));
        }
        loss += log_sum_total(&logs) + vd_sum(linear);
    }
    return loss / (double)r->n;
}

/* ---- squared error ---- */

static double mse_row(const struct row *r)
{
    double scale = 2 * r->scale / (double)r->n;
    vd sum = vd_all(0);

    for (size_t i = 0; i < r->n; i += VF_LANES) {
        vf x = load(r->x, i, r->n, 0), y = load(r->y, i, r->n, 0);
        vd low = vd_low(x) - vd_low(y), high = vd_high(x) - vd_high(y);

        sum += low * low + high * high;
        if (r->gradient)
            store(r->gradient, i, r->n, vf_join(low * scale, high * scale));
    }
    return vd_sum(sum) / (double)r->n;
}

static void mse_lanes(struct lanes *l)
{
    vd sum = vd_all(0);

    for (size_t j = 0; j < l->n; j++) {
        vd d = l->x[j] - l->y[j];

        sum += d * d;
        l->x[j] = d * (2 * l->scale / (double)l->n);
    }
    l->loss = sum / (double)l->n;
}

/* ---- rows ---- */

/* Element 0 of each of up to HALF rows, `stride` floats apart. */
static inline vd column(const float *p, size_t stride, size_t rows)
{
    vh v = {0};

    if (stride == 1)
        return vd_load(p, rows, 0);
    if (rows >= HALF)
#pragma GCC unroll 8
        for (size_t r = 0; r < HALF; r++)
            v[r] = p[r * stride];
    else
        for (size_t r = 0; r < rows; r++)
            v[r] = p[r * stride];
    return vd_of(v);
}

static inline void column_store(float *p, size_t stride, size_t rows, vh v)
{
    if (stride == 1) {
        vh_store(p, v, rows);
        return;
    }
    if (rows >= HALF)
#pragma GCC unroll 8
        for (size_t r = 0; r < HALF; r++)
            p[r * stride] = v[r];
    else
        for (size_t r = 0; r < rows; r++)
            p[r * stride] = v[r];
}

static void one_hot(struct lanes *l, const uint32_t *labels, size_t rows)
{
    double label[HALF] = {0};
    vd labelled;

    for (size_t r = 0; r < rows; r++)
        label[r] = (double)labels[r];
    memcpy(&labelled, label, sizeof labelled);
    for (size_t j = 0; j < l->n; j++)
        l->y[j] = vd_pick(labelled == (double)j, vd_all(1), vd_all(0));
}

/* Up to HALF rows from `first` on. */
static void narrow_rows(void (*evaluate)(struct lanes *), const struct axon_loss_rows *all,
                        size_t first, double *losses)
{
    size_t n = all->n, at = first * n, left = all->rows - first, rows = left < HALF ? left : HALF;
    struct lanes l;

    l.n = n;
    l.scale = all->scale;
    for (size_t j = 0; j < n; j++)
        l.x[j] = column(all->x + at + j, n, rows);
    for (size_t j = 0; all->y && j < n; j++)
        l.y[j] = column(all->y + at + j, n, rows);
    if (!all->y)
        one_hot(&l, all->labels + first, rows);
    evaluate(&l);
    memcpy(losses + first, &l.loss, rows * sizeof *losses);
    for (size_t j = 0; all->gradient && j < n; j++)
        column_store(all->gradient + at + j, n, rows, vh_of(l.x[j]));
}

static void each_row(double (*evaluate)(const struct row *), const struct axon_loss_rows *all,
                     double *losses)
{
    struct row row = {.n = all->n, .scale = all->scale};

    for (size_t r = 0; r < all->rows; r++) {
        row.x = all->x + r * row.n;
        row.y = all->y ? all->y + r * row.n : NULL;
        row.label = all->y ? 0 : all->labels[r];
        row.gradient = all->gradient ? all->gradient + r * row.n : NULL;
        losses[r] = evaluate(&row);
    }
}

#define DEFINE(id)                                                                     \
    void AXON_KERNEL(loss, id)(const struct axon_loss_rows *rows, double *losses)      \
    {                                                                                  \
        if (rows->n > NARROW)                                                          \
            each_row(id##_row, rows, losses);                                          \
        for (size_t first = 0; rows->n <= NARROW && first < rows->rows; first += HALF) \
            narrow_rows(id##_lanes, rows, first, losses);                              \
    }

DEFINE(cross_entropy)
DEFINE(binary_cross_entropy)
DEFINE(mse)
