/* lints.c - lints of the architecture: activations, depth, input, what config.json leaves out.
 * lints_weights.c has those of the numbers. */
#include <math.h>
#include <string.h>
#include <axon/dialect.h>
#include "neurons/baseline.h"
#include "neurons/lints.h"

static const struct axon_activation *activation_of(const struct advice_subject *s, size_t layer)
{
    return s->weights[layer].activation;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* ---- activations ----------------------------------------------------------------------------- */

void lint_softmax_of_one(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; l < s->layers_count; l++)
        if (activation_of(s, l)->kind == AXON_ROWWISE && s->weights[l].units == 1)
            lint_tell(found, ADVICE_softmax_of_one, l, ADVICE_NOWHERE,
                      "%s over one unit: its output never changes", activation_of(s, l)->name);
}

/* The activations that the outputs of a task may end in; NULL: any but rowwise ones. */
static const char *const *fitting(const char *task, size_t outputs)
{
    static const char *const one[] = {
        "sigmoid", "hard_sigmoid", "sparse_sigmoid", "log_sigmoid", "laplace", "identity", NULL};
    static const char *const many[] = {"softmax",   "log_softmax", "softmin", "hardmax",
                                       "sparsemax", "identity",    NULL};

    if (strcmp(task, "multilabel") == 0 || (strcmp(task, "binary") == 0 && outputs == 1))
        return one;
    return strcmp(task, "regression") == 0 ? NULL : many;
}

void lint_output_activation(const struct advice_subject *s, struct advice_list *found)
{
    size_t last = s->layers_count - 1, outputs = s->weights[last].units;
    const struct axon_activation *act = activation_of(s, last);
    const char *const *names = fitting(s->task, outputs);

    if (!*s->task || (names ? is_one_of(act->name, names) : act->kind != AXON_ROWWISE))
        return;
    lint_tell(found, ADVICE_output_activation, last, ADVICE_NOWHERE,
              "%s at the output of a %s network with %zu output%s; expected %s", act->name, s->task,
              outputs, outputs == 1 ? "" : "s", names ? names[0] : "identity");
}

/* As many outputs as inputs: the second one was to stand in place of the first. */
static bool doubles(const struct advice_subject *s, size_t layer)
{
    return layer + 1 < s->layers_count && activation_of(s, layer)->kind == AXON_ROWWISE &&
           activation_of(s, layer + 1)->kind == AXON_ROWWISE &&
           s->weights[layer].units == s->weights[layer + 1].units;
}

void lint_softmax_hidden(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; l + 1 < s->layers_count; l++)
        if (activation_of(s, l)->kind == AXON_ROWWISE)
            lint_tell(found, ADVICE_softmax_hidden, l, ADVICE_NOWHERE, "%s in a hidden layer",
                      activation_of(s, l)->name);
}

void lint_softmax_doubled(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; l < s->layers_count; l++)
        if (doubles(s, l))
            lint_tell(found, ADVICE_softmax_doubled, l + 1, ADVICE_NOWHERE,
                      "%s of layer %s, which ends in %s already", activation_of(s, l + 1)->name,
                      s->layers[l].name, activation_of(s, l)->name);
}

/* Hidden layers in a row that one may have of an activation: a slope of 1/4 is a hundredth after
 * four, that of tanh is near 1 for small signals alone. */
enum { SIGMOIDS_MAX = 2, TANHS_MAX = 4 };

static size_t stack_max(const struct axon_activation *act)
{
    if (act->ascending || !(act->saturation_low < act->saturation_high))
        return SIZE_MAX;
    return act->saturation_low < 0 ? TANHS_MAX : SIGMOIDS_MAX;
}

void lint_deep_saturating(const struct advice_subject *s, struct advice_list *found)
{
    size_t run = 0;

    for (size_t l = 0; l + 1 < s->layers_count; l++) {
        size_t most = stack_max(activation_of(s, l));

        run = most == SIZE_MAX || s->layers[l].normalized ? 0 : run + 1;
        if (run == 0 || run <= most)
            continue;
        lint_tell(found, ADVICE_deep_saturating, l, ADVICE_NOWHERE,
                  "%zu hidden layers of %s and its kind in a row, without normalization", run,
                  activation_of(s, l)->name);
        return;
    }
}

/* ---- dialects -------------------------------------------------------------------------------- */

/* The dialect of another framework that means another function by the activation's name. */
static const struct axon_dialect *rival(const struct axon_activation *act,
                                        struct axon_meaning *meaning)
{
    size_t count;
    const struct axon_dialect *table = axon_dialect_table(&count);

    for (size_t i = 1; i < count; i++) {
        if (!axon_dialect_meaning(&table[i], act->name, meaning))
            continue;
        if (meaning->activation != act)
            return &table[i];
        for (unsigned k = 0; k < act->parameters_count; k++)
            if (meaning->params[k] != act->parameters[k].value &&
                strcmp(act->parameters[k].name, "threshold") != 0) /* the tail of softplus: 1e-9 */
                return &table[i];
    }
    return NULL;
}

void lint_dialect_trap(const struct advice_subject *s, struct advice_list *found)
{
    struct axon_meaning other;

    for (size_t l = 0; l < s->layers_count && !s->has_dialect && !s->has_golden; l++) {
        const struct axon_activation *act = activation_of(s, l);
        const struct axon_dialect *dialect = s->layers[l].given ? NULL : rival(act, &other);

        if (!dialect)
            continue;
        if (other.activation != act)
            lint_tell(found, ADVICE_dialect_trap, l, ADVICE_NOWHERE,
                      "%s is PyTorch's here; %s computes %s by that name", act->name,
                      dialect->title, other.activation->name);
        else
            lint_tell(found, ADVICE_dialect_trap, l, ADVICE_NOWHERE,
                      "%s has %s %.6g, PyTorch's default; %s has %.6g", act->name,
                      act->parameters[0].name, (double)act->parameters[0].value, dialect->title,
                      (double)other.params[0]);
    }
}

/* ---- the input ------------------------------------------------------------------------------- */

/* Mean and standard deviation of a feature as the first layer sees it. A declared range is
 * taken for equally likely values. */
static void moments(const struct advice_subject *s, size_t f, double *mean, double *std)
{
    double scale = s->scale ? (double)s->scale[f] : 1,
           offset = s->offset ? (double)s->offset[f] : 0;

    if (s->baseline) {
        *mean = s->baseline->input.mean[f];
        *std = s->baseline->input.std[f];
    } else {
        *mean = ((double)s->min[f] + (double)s->max[f]) / 2;
        *std = ((double)s->max[f] - (double)s->min[f]) / sqrt(12);
    }
    *mean = *mean * scale + offset;
    *std *= fabs(scale);
}

void lint_input_not_centred(const struct advice_subject *s, struct advice_list *found)
{
    enum { GAMMA_MAX = 3 }; /* arXiv 2605.31518 */
    double means = 0, variances = 0, mean, std;

    if ((!s->baseline && (!s->min || !s->max)) || s->layers[0].normalized)
        return;
    for (size_t f = 0; f < s->features; f++) {
        moments(s, f, &mean, &std);
        means += mean * mean;
        variances += std * std;
    }
    if (means > GAMMA_MAX * GAMMA_MAX * variances)
        lint_tell(found, ADVICE_input_not_centred, 0, ADVICE_NOWHERE,
                  "|mean| / |standard deviation| of the input is %.3g by %s, above %d",
                  sqrt(means / variances), s->baseline ? "the baseline" : "the declared range",
                  GAMMA_MAX);
}

static bool is_small(const struct advice_subject *s)
{
    for (size_t f = 0; f < s->features; f++)
        if (!s->min || !s->max || fabsf(s->min[f]) > 10 || fabsf(s->max[f]) > 10)
            return false;
    return true;
}

void lint_input_not_scaled(const struct advice_subject *s, struct advice_list *found)
{
    if (!s->scale && !s->offset && !s->layers[0].normalized && !is_small(s))
        lint_tell(found, ADVICE_input_not_scaled, ADVICE_NOWHERE, ADVICE_NOWHERE,
                  "the input has neither scale nor offset");
}

void lint_no_normalization(const struct advice_subject *s, struct advice_list *found)
{
    enum { DEPTH = 8 };
    bool normalized = false;

    for (size_t l = 0; l + 1 < s->layers_count; l++)
        normalized |= s->layers[l].normalized || strcmp(activation_of(s, l)->name, "selu") == 0;
    if (s->layers_count > DEPTH && !normalized)
        lint_tell(found, ADVICE_no_normalization, ADVICE_NOWHERE, ADVICE_NOWHERE,
                  "%zu hidden layers without batch normalization", s->layers_count - 1);
}

/* ---- what is left out ------------------------------------------------------------------------ */

void lint_tensor_unused(const struct advice_subject *s, struct advice_list *found)
{
    if (*s->unused)
        lint_tell(found, ADVICE_tensor_unused, ADVICE_NOWHERE, ADVICE_NOWHERE,
                  "no layer takes the tensor %.64s; its type and shape fit none", s->unused);
}

void lint_model_untrained(const struct advice_subject *s, struct advice_list *found)
{
    for (size_t l = 0; l < s->layers_count; l++)
        if (s->layers[l].drawn) {
            lint_tell(found, ADVICE_model_untrained, l, ADVICE_NOWHERE,
                      "its weights come from an initializer");
            return;
        }
}

void lint_labels_missing(const struct advice_subject *s, struct advice_list *found)
{
    bool classifies = strcmp(s->task, "multiclass") == 0 || strcmp(s->task, "multilabel") == 0 ||
                      strcmp(s->task, "binary") == 0;

    if (classifies && s->labels_count == 0)
        lint_tell(found, ADVICE_labels_missing, ADVICE_NOWHERE, ADVICE_NOWHERE,
                  "a %s network of %zu outputs without labels", s->task,
                  s->weights[s->layers_count - 1].units);
}
