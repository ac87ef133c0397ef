/* fold.c - batch normalizations become part of a dense layer.
 *
 * In use, one is x -> x * s + t with s = weight / sqrt(variance + epsilon), t = bias - mean * s.
 * After a layer:    (W x + b) s + t = (s W) x + (s b + t), by rows of W.
 * In front of one:  W (x s + t) + b = (W s) x + (W t + b), by columns.
 * Invariant: everything is computed in double from the numbers of the file and rounded once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "weights/filling.h"

static const double PART_DEFAULTS[NORM_PARTS] = {[NORM_WEIGHT] = 1, [NORM_VARIANCE] = 1};

/* numbers [count], which came from the tensor of that name if there is one, as they are there. */
static void widen(const struct filling *f, const struct config_values *v, const float *numbers,
                  size_t count, double *out)
{
    const struct stored *t = stored_find(&f->file, v->tensor);

    if (t && t->used && v->source != CONFIG_INLINE && v->source != CONFIG_RANDOM)
        stored_doubles(t, out);
    else
        for (size_t i = 0; i < count; i++)
            out[i] = (double)numbers[i];
}

/* Is the part nowhere, and may be: affine=False, or a network that is not trained yet? */
static bool is_default(const struct filling *f, const struct config_norm *norm, size_t part)
{
    const struct config_values *v = &norm->parts[part];

    if (v->source == CONFIG_NONE)
        return true;
    if (v->source != CONFIG_DEFAULT)
        return false;
    if (!f->file.path)
        return f->network->layers[norm->layer].initializer != NULL;
    return part <= NORM_BIAS && !stored_find(&f->file, v->tensor);
}

/* out [width] */
static int part_read(struct filling *f, const struct config_norm *norm, size_t part, double *out)
{
    const struct config_values *v = &norm->parts[part];
    const uint64_t shape[] = {norm->width};
    const float *numbers = v->numbers;
    char whose[64];

    for (size_t i = 0; i < norm->width; i++)
        out[i] = PART_DEFAULTS[part];
    if (is_default(f, norm, part))
        return 0;
    snprintf(whose, sizeof whose, "\"%s\" of layers[%zu]", config_norm_keys[part], norm->place);
    if (v->source != CONFIG_INLINE)
        numbers = filling_take(f, whose, v->tensor, shape, 1);
    if (!numbers)
        return -1;
    widen(f, v, numbers, norm->width, out);
    return 0;
}

/* parts [NORM_PARTS][width] become scale and shift, in the place of weight and bias. */
static int affine_make(struct filling *f, const struct config_norm *norm, double *parts)
{
    double *scale = parts, *shift = parts + norm->width, *mean = parts + NORM_MEAN * norm->width,
           *variance = parts + NORM_VARIANCE * norm->width;

    for (size_t part = 0; part < NORM_PARTS; part++)
        if (part_read(f, norm, part, parts + part * norm->width) != 0)
            return -1;
    for (size_t i = 0; i < norm->width; i++) {
        if (!(variance[i] >= 0 && variance[i] + norm->epsilon > 0))
            return error_set(f->error, ERROR_BAD_PARAMETER,
                             "%s: %.64s[%zu]: a variance of %.9g with an epsilon of %.9g", f->path,
                             norm->parts[NORM_VARIANCE].tensor, i, variance[i], norm->epsilon);
        scale[i] /= sqrt(variance[i] + norm->epsilon);
        shift[i] -= mean[i] * scale[i];
    }
    return 0;
}

/* A layer while norms are folded into it. */
struct wide {
    size_t units, features;
    double *weight, *bias; /* [units, features], [units] */
};

static void fold_after(const struct wide *l, const double *scale, const double *shift)
{
    for (size_t u = 0; u < l->units; u++) {
        for (size_t i = 0; i < l->features; i++)
            l->weight[u * l->features + i] *= scale[u];
        l->bias[u] = l->bias[u] * scale[u] + shift[u];
    }
}

static void fold_before(const struct wide *l, const double *scale, const double *shift)
{
    for (size_t u = 0; u < l->units; u++)
        for (size_t i = 0; i < l->features; i++) {
            double *weight = &l->weight[u * l->features + i];
            l->bias[u] += *weight * shift[i];
            *weight *= scale[i];
        }
}

static int fold_one(struct filling *f, const struct config_norm *norm, const struct wide *l)
{
    double *parts = calloc(NORM_PARTS * norm->width, sizeof *parts);
    int status = -1;

    if (!parts) {
        error_set(f->error, ERROR_OUT_OF_MEMORY, "out of memory");
        return -1;
    }
    if (affine_make(f, norm, parts) == 0) {
        (norm->before ? fold_before : fold_after)(l, parts, parts + norm->width);
        status = 0;
    }
    free(parts);
    return status;
}

/* The rows meet the norms in their order, so of those in front of a layer the last is the nearest.
 */
static int fold_all(struct filling *f, size_t layer, const struct wide *l)
{
    const struct network *c = f->network;

    for (size_t n = c->norms_count; n-- > 0;)
        if (c->norms[n].layer == layer && c->norms[n].before && fold_one(f, &c->norms[n], l) != 0)
            return -1;
    for (size_t n = 0; n < c->norms_count; n++)
        if (c->norms[n].layer == layer && !c->norms[n].before && fold_one(f, &c->norms[n], l) != 0)
            return -1;
    return 0;
}

/* [count] that the weights own; NULL and error. */
static const float *rounded_to_float(struct filling *f, size_t layer, const double *numbers,
                                     size_t count)
{
    float *out = filling_own(f, count);

    for (size_t i = 0; out && i < count; i++) {
        out[i] = (float)numbers[i];
        if (isfinite(out[i]))
            continue;
        error_set(f->error, ERROR_NON_FINITE,
                  "%s: layers[%zu] with its batch_norm has a number outside the range of "
                  "float32: %.9g",
                  f->path, f->network->layers[layer].place, numbers[i]);
        return NULL;
    }
    return out;
}

static bool has_norm(const struct network *c, size_t layer)
{
    for (size_t n = 0; n < c->norms_count; n++)
        if (c->norms[n].layer == layer)
            return true;
    return false;
}

int filling_fold(struct filling *f, size_t layer)
{
    const struct config_layer *from = &f->network->layers[layer];
    struct axon_layer *to = &f->w->layers[layer];
    struct wide l = {.units = from->units, .features = from->features};
    int status = -1;

    if (!has_norm(f->network, layer))
        return 0;
    l.weight = calloc(l.units * l.features, sizeof *l.weight);
    l.bias = calloc(l.units, sizeof *l.bias);
    if (!l.weight || !l.bias) {
        error_set(f->error, ERROR_OUT_OF_MEMORY, "out of memory for %zu weights",
                  l.units * l.features);
        goto out;
    }
    widen(f, &from->weight, to->weight, l.units * l.features, l.weight);
    if (to->bias)
        widen(f, &from->bias, to->bias, l.units, l.bias);
    if (fold_all(f, layer, &l) != 0)
        goto out;
    to->weight = rounded_to_float(f, layer, l.weight, l.units * l.features);
    to->bias = to->weight ? rounded_to_float(f, layer, l.bias, l.units) : NULL;
    status = to->bias ? 0 : -1;
out:
    free(l.weight);
    free(l.bias);
    return status;
}
