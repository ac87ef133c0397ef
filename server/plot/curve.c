/* curve.c - see curve.h. A jump is told from a steep slope by halving: the jump stays, however near
 * the two points are. */
#include "plot/curve.h"
#include <math.h>

/* The row that is drawn of: x is its entry `at`, the others are fixed, and the output is the first.
 */
struct row {
    size_t length, at;
    float entries[3];
};

static const struct row rows[] = {[AXON_ELEMENTWISE] = {1, 0, {0}},
                                  [AXON_ROWWISE] = {3, 0, {0, 0, 1}},
                                  [AXON_GATED] = {2, 1, {1, 0}}};

enum { BLOCK = 64, LENGTH_MAX = 3 };

/* y [n] of x [n], n <= BLOCK */
static void evaluate_block(const struct plot_curve *of, bool derivative, const float *x, float *y,
                           size_t n)
{
    const struct axon_activation *act = of->activation;
    const struct row *row = &rows[act->kind];
    struct axon_axis axis = {n, row->length, 1}, out_axis = axon_activation_output(act, axis);
    float in[BLOCK * LENGTH_MAX], out[BLOCK * LENGTH_MAX], upstream[BLOCK * LENGTH_MAX] = {0};
    const float *params = act->parameters_count ? of->params : NULL;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < row->length; j++)
            in[i * row->length + j] = j == row->at ? x[i] : row->entries[j];
        upstream[i * out_axis.length] = 1;
    }
    if (derivative)
        axon_activation_gradient(act, in, upstream, out, axis, params, act->parameters_count);
    else
        axon_activation_forward(act, in, out, axis, params, act->parameters_count);
    for (size_t i = 0; i < n; i++)
        y[i] = derivative ? out[i * row->length + row->at] : out[i * out_axis.length];
}

static void evaluate(const struct plot_curve *of, bool derivative, const float *x, float *y,
                     size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK)
        evaluate_block(of, derivative, x + i, y + i, n - i < BLOCK ? n - i : BLOCK);
}

/* A step that is out of proportion to both of its neighbours, and can be seen. */
static bool stands_out(const float *y, size_t i, float visible)
{
    float step = fabsf(y[i + 1] - y[i]);
    float before = i > 0 ? fabsf(y[i] - y[i - 1]) : 0;
    float after = i + 2 <= CURVE_STEPS ? fabsf(y[i + 2] - y[i + 1]) : 0;

    return isfinite(step) && step > visible && !(step <= 2 * fmaxf(before, after));
}

/* Halve [a, b] until it is narrow, always on the side of the larger step. True: most of the step is
 * still there. */
static bool find_jump(const struct plot_curve *of, bool derivative, float x[2], float y[2],
                      float narrow)
{
    float whole = fabsf(y[1] - y[0]), middle, value;

    while (x[1] - x[0] > narrow) {
        middle = x[0] + (x[1] - x[0]) / 2;
        if (middle <= x[0] || middle >= x[1])
            break;
        evaluate(of, derivative, &middle, &value, 1);
        int side = fabsf(value - y[0]) >= fabsf(y[1] - value);
        x[side] = middle;
        y[side] = value;
    }
    return fabsf(y[1] - y[0]) > whole / 2;
}

static void append(struct curve *curve, float x, float y, bool apart)
{
    curve->x[curve->count] = x;
    curve->y[curve->count] = y;
    curve->apart[curve->count] = apart || curve->count == 0;
    curve->count++;
}

static float range(const float *y, size_t n)
{
    float low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < n; i++)
        if (isfinite(y[i])) {
            low = fminf(low, y[i]);
            high = fmaxf(high, y[i]);
        }
    return high - low;
}

void curve_sample(struct curve *curve, const struct plot_curve *of, bool derivative, double from,
                  double to)
{
    float x[CURVE_STEPS + 1], y[CURVE_STEPS + 1], visible, narrow = (float)((to - from) * 1e-9);
    size_t jumps = 0;
    bool apart = true;

    for (size_t i = 0; i <= CURVE_STEPS; i++)
        x[i] = (float)(from + (to - from) * (double)i / CURVE_STEPS);
    evaluate(of, derivative, x, y, CURVE_STEPS + 1);
    visible = range(y, CURVE_STEPS + 1) / 500;
    curve->count = 0;
    for (size_t i = 0; i <= CURVE_STEPS; i++) {
        if (isfinite(y[i]))
            append(curve, x[i], y[i], apart);
        apart = !isfinite(y[i]);
        if (i < CURVE_STEPS && jumps < CURVE_JUMPS_MAX && stands_out(y, i, visible)) {
            float ends[2] = {x[i], x[i + 1]}, values[2] = {y[i], y[i + 1]};

            if (find_jump(of, derivative, ends, values, narrow)) {
                append(curve, ends[0], values[0], false);
                append(curve, ends[1], values[1], true);
                jumps++;
            }
        }
    }
}
