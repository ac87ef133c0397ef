/* kernels/confidence.c - class, confidence and tempered confidence, a vector of rows at a time.
 *
 * A lane is a row, so nothing is added across lanes. Lanes beyond the last row repeat it. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/vmathf.h"
#include "kernels/vmathf_log.h"

/* The first n lanes, 1 <= n <= VF_LANES */
static inline void vf_store_some(float *p, vf v, size_t n)
{
    if (n < VF_LANES)
        vf_store_part(p, v, n);
    else
        vf_store(p, v);
}

/* Up to VF_LANES rows: a vector for each class, as many classes at once as a vector has lanes. */
struct lanes {
    const struct axon_confidence *c;
    size_t row[VF_LANES];
    size_t first; /* of the classes in y */
    vf y[VF_LANES];
};

/* l->y becomes the classes from `first` on, a multiple of VF_LANES, unless it holds them already.
 */
static inline void turn(struct lanes *l, size_t first)
{
    const struct axon_confidence *c = l->c;

    if (l->first == first)
        return;
    l->first = first;
    for (size_t lane = 0; lane < VF_LANES; lane++) {
        size_t at = l->row[lane] * c->n + first, left = c->rows * c->n - at;

        l->y[lane] = left < VF_LANES ? vf_load_part(c->y + at, left, 0.0f) : vf_load(c->y + at);
    }
    transpose(l->y);
}

/* log2(a) within 4e-7 + 1e-7 |log2(a)|, a normal: a = m 2^k, sqrt(1/2) <= m < sqrt(2), and ln(m) =
 * 2 atanh((m - 1) / (m + 1)) by its series. */
static inline vf logarithm(vf a)
{
    vi shifted = (vi)a - 0x3f3504f3; /* sqrt(1/2) */
    vf k = __builtin_convertvector(shifted >> 23, vf);
    vf m = (vf)((shifted & 0x7fffff) + 0x3f3504f3), s = vf_quotient(m - 1.0f, m + 1.0f);
    vf s2 = s * s, series = vf_fma(s2, vf_all(0x1.c71c72p-3f), vf_all(0x1.24924ap-2f));

    series = vf_fma(s2, vf_fma(s2, series, vf_all(0x1.99999ap-2f)), vf_all(0x1.555556p-1f));
    return vf_fma(s * vf_fma(s2, series, vf_all(2.0f)), vf_all(0x1.715476p+0f), k);
}

/* 2^x, x <= 0; what is below 2^-126 adds nothing to a sum that is at least 1. */
static inline vf power_of_2(vf x)
{
    vf within = vf_max(x, vf_all(-126.0f)), n = within + VF_MAGIC;

    return vf_fma(vf_exp2m1_near_0(within - (n - VF_MAGIC)), vf_power(n), vf_power(n));
}

/* The sum of (p_i / p)^power over a row's probabilities, or of e^(power (z_i - z)). */
static inline vf sum_of(struct lanes *l, vf largest, float power)
{
    bool logits = l->c->logits;
    vf sum = vf_all(0.0f), top = logits ? largest : logarithm(largest);

    for (size_t i = 0; i < l->c->n; i++) {
        vf y;

        turn(l, i - i % VF_LANES);
        y = l->y[i % VF_LANES];
        if (logits)
            sum += power_of_2((y - top) * (power * 0x1.715476p+0f));
        else
            sum += vf_pick(y >= FLT_MIN, power_of_2((logarithm(y) - top) * power), vf_all(0.0f));
    }
    return sum;
}

static void some_rows(const struct axon_confidence *c, size_t row, size_t rows)
{
    struct lanes l = {.c = c, .first = SIZE_MAX};
    vf largest = vf_all(-INFINITY), confidence;
    vi class = {0}, finite = ~(vi){0};
    uint32_t classes[VF_LANES];

    for (size_t lane = 0; lane < VF_LANES; lane++)
        l.row[lane] = row + (lane < rows ? lane : rows - 1);
    for (size_t i = 0; i < c->n; i++) {
        vf y;
        vi more;

        turn(&l, i - i % VF_LANES);
        y = l.y[i % VF_LANES];
        more = y > largest;
        finite &= vf_abs(y) <= FLT_MAX;
        largest = vf_pick(more, y, largest);
        class = (vi)vf_pick(more, (vf)((vi){0} + (int32_t)i), (vf) class);
    }
    confidence = c->logits ? 1.0f / sum_of(&l, largest, 1) : largest;
    vf_store_some(c->confidence + row, vf_pick(finite, confidence, vf_all(NAN)), rows);
    memcpy(classes, &class, sizeof classes);
    memcpy(c->classes + row, classes, rows * sizeof *classes);
    if (c->power > 0)
        vf_store_some(c->tempered + row,
                      vf_pick(finite, 1.0f / sum_of(&l, largest, c->power), vf_all(NAN)), rows);
}

/* One output for two classes: the other one's share is what this one leaves. */
static void binary_rows(const struct axon_confidence *c, size_t row, size_t rows)
{
    vf y = rows < VF_LANES ? vf_load_part(c->y + row, rows, 0.0f) : vf_load(c->y + row);
    vf less = vf_abs(y) * -0x1.715476p+0f; /* log2 of the loser's share over the winner's */
    vi second = c->logits ? y >= 0.0f : y >= 0.5f, finite = vf_abs(y) <= FLT_MAX;
    vf winner = vf_pick(second, y, 1.0f - y), rest = (1.0f - winner) / winner;
    vi some = ~(vi){0};
    uint32_t classes[VF_LANES];

    if (c->logits) {
        winner = 1.0f / (1.0f + power_of_2(less));
    } else {
        less = logarithm(rest);
        some = rest >= FLT_MIN;
    }
    second = -second; /* a true lane is -1 */
    memcpy(classes, &second, sizeof classes);
    memcpy(c->classes + row, classes, rows * sizeof *classes);
    vf_store_some(c->confidence + row, vf_pick(finite, winner, vf_all(NAN)), rows);
    if (c->power > 0) {
        vf loser = vf_pick(some, power_of_2(less * c->power), vf_all(0.0f));

        vf_store_some(c->tempered + row, vf_pick(finite, 1.0f / (1.0f + loser), vf_all(NAN)), rows);
    }
}

void AXON_KERNEL(rows, confidence)(const struct axon_confidence *c)
{
    void (*some)(const struct axon_confidence *, size_t, size_t) = c->binary ? binary_rows
                                                                             : some_rows;

    for (size_t row = 0; row < c->rows; row += VF_LANES)
        some(c, row, c->rows - row < VF_LANES ? c->rows - row : (size_t)VF_LANES);
}
