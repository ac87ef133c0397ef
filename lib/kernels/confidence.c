/* kernels/confidence.c - class, confidence and tempered confidence, a vector of rows at a time.
 *
 * A lane is a row, so nothing is added across lanes. Lanes beyond the last row repeat it. */
#include <float.h>
#include <math.h>
#include "kernels/kernels.h"
#include "kernels/vmathf.h"

/* The class's values of VF_LANES rows. */
static inline vf column(const float *y, const size_t *at, size_t class)
{
    float values[VF_LANES];

    for (size_t lane = 0; lane < VF_LANES; lane++)
        values[lane] = y[at[lane] + class];
    return vf_load(values);
}

/* ln(a) within 3e-7 + 1e-7 |ln(a)|, a normal: a = m 2^k, sqrt(1/2) <= m < sqrt(2), and ln(m) = 2
 * atanh((m - 1) / (m + 1)) by its series. */
static inline vf logarithm(vf a)
{
    vi shifted = (vi)a - 0x3f3504f3; /* sqrt(1/2) */
    vf k = __builtin_convertvector(shifted >> 23, vf);
    vf m = (vf)((shifted & 0x7fffff) + 0x3f3504f3), s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
    vf series = s2 * (0x1.555556p-1f +
                      s2 * (0x1.99999ap-2f + s2 * (0x1.24924ap-2f + s2 * 0x1.c71c72p-3f)));

    return k * 0x1.62e430p-1f + s * (2.0f + series);
}

/* The sum of e^(power ln(p_i / p)) over a row's probabilities, or of e^(power (z_i - z)). */
static inline vf sum_of(const struct axon_confidence *c, const size_t *at, vf largest, float power)
{
    vf sum = vf_all(0.0f);

    for (size_t i = 0; i < c->n; i++) {
        vf y = column(c->y, at, i);

        if (c->logits) {
            sum += vf_exp((y - largest) * power);
        } else {
            vf ratio = y / largest;

            sum += vf_pick(ratio >= FLT_MIN, vf_exp(logarithm(ratio) * power), vf_all(0.0f));
        }
    }
    return sum;
}

/* Up to VF_LANES rows from `row` on. */
static void some_rows(const struct axon_confidence *c, size_t row, size_t rows)
{
    size_t at[VF_LANES];
    vf largest, confidence;
    vi class = {0}, finite;

    for (size_t lane = 0; lane < VF_LANES; lane++)
        at[lane] = (row + (lane < rows ? lane : rows - 1)) * c->n;
    largest = column(c->y, at, 0);
    finite = vf_abs(largest) <= FLT_MAX;
    for (size_t i = 1; i < c->n; i++) {
        vf y = column(c->y, at, i);
        vi more = y > largest;

        finite &= vf_abs(y) <= FLT_MAX;
        largest = vf_pick(more, y, largest);
        class = (vi)vf_pick(more, (vf)((vi){0} + (int32_t)i), (vf) class);
    }
    confidence = c->logits ? 1.0f / sum_of(c, at, largest, 1) : largest;
    vf_store_part(c->confidence + row, vf_pick(finite, confidence, vf_all(NAN)), rows);
    for (size_t lane = 0; lane < rows; lane++)
        c->classes[row + lane] = (uint32_t) class[lane];
    if (c->power > 0)
        vf_store_part(c->tempered + row,
                      vf_pick(finite, 1.0f / sum_of(c, at, largest, c->power), vf_all(NAN)), rows);
}

void AXON_KERNEL(rows, confidence)(const struct axon_confidence *c)
{
    for (size_t row = 0; row < c->rows; row += VF_LANES)
        some_rows(c, row, c->rows - row < VF_LANES ? c->rows - row : (size_t)VF_LANES);
}
