/* loss_registry.c - the losses of loss.def: data, look-up, options.
 *
 * Knows no kernels. Invariant: row i of the registry is row i of every table of kernels' losses. */
#include <string.h>
#include "loss_internal.h"
#include "names.h"

#define ALIASES(...) \
    {                \
        __VA_ARGS__  \
    }
/* sizeof counts what the row lists; the empty first element keeps an empty list valid C. */
#define COUNT(type, ...) (sizeof((type[]){{0}, __VA_ARGS__}) / sizeof(type) - 1)
#define VARIANTS(...) \
    .variants_count = COUNT(struct axon_loss_variant, __VA_ARGS__), .variants = {__VA_ARGS__}
#define VARIANT(name, reduction, parameter, value)         \
    {                                                      \
        name, AXON_REDUCTION_##reduction, parameter, value \
    }
#define PARAMETERS(...) \
    .parameters_count = COUNT(struct axon_loss_parameter, __VA_ARGS__), .parameters = {__VA_ARGS__}
#define NUMBER(name, description, value, minimum, maximum)           \
    {                                                                \
        name, description, AXON_LOSS_NUMBER, value, minimum, maximum \
    }
#define INTEGER(name, description, value, minimum, maximum)           \
    {                                                                 \
        name, description, AXON_LOSS_INTEGER, value, minimum, maximum \
    }
#define BOOLEAN(name, description, value)                 \
    {                                                     \
        name, description, AXON_LOSS_BOOLEAN, value, 0, 1 \
    }
enum { NO_LABELS, OR_LABELS, LABELS_ONLY };
enum { NO_ARRAYS = 0, WEIGHT = 1, POS_WEIGHT = 2, VARIANCES = 4 };

static const struct axon_loss table[AXON_LOSS_ID_COUNT] = {
#define LOSS(id, KIND, ALIASES_, VARIANTS_, input_, inputs_, activation_, formula_, latex_,       \
             gradient_, mean_, TARGET, LABELS, targets_, PARAMETERS_, ARRAYS, pros_, cons_, use_, \
             source_)                                                                             \
    {.name = #id,                                                                                 \
     .aliases = ALIASES_,                                                                         \
     .kind = AXON_LOSS_##KIND,                                                                    \
     .input = input_,                                                                             \
     .inputs = inputs_,                                                                           \
     .activation = activation_,                                                                   \
     .formula = formula_,                                                                         \
     .latex = latex_,                                                                             \
     .gradient = gradient_,                                                                       \
     .mean = mean_,                                                                               \
     .targets = targets_,                                                                         \
     .pros = pros_,                                                                               \
     .cons = cons_,                                                                               \
     .use = use_,                                                                                 \
     .source = source_,                                                                           \
     .target = AXON_TARGET_##TARGET,                                                              \
     .labels = (LABELS) != NO_LABELS,                                                             \
     .labels_only = (LABELS) == LABELS_ONLY,                                                      \
     .weight = ((ARRAYS)&WEIGHT) != 0,                                                            \
     .pos_weight = ((ARRAYS)&POS_WEIGHT) != 0,                                                    \
     .variances = ((ARRAYS)&VARIANCES) != 0,                                                      \
     VARIANTS_,                                                                                   \
     PARAMETERS_},
#include "loss.def"
#undef LOSS
};

/* ---- look-up ---- */

const struct axon_loss *axon_loss_table(size_t *count)
{
    *count = AXON_LOSS_ID_COUNT;
    return table;
}

const char *axon_reduction_name(enum axon_reduction reduction)
{
    static const char *const names[AXON_REDUCTION_COUNT] = {
        [AXON_REDUCTION_MEAN] = "mean",
        [AXON_REDUCTION_SUM] = "sum",
        [AXON_REDUCTION_NONE] = "none",
        [AXON_REDUCTION_BATCHMEAN] = "batchmean"};

    return (unsigned)reduction < AXON_REDUCTION_COUNT ? names[reduction] : NULL;
}

unsigned axon_loss_parameter_find(const struct axon_loss *loss, const char *name)
{
    unsigned i = 0;

    while (i < loss->parameters_count && strcmp(loss->parameters[i].name, name) != 0)
        i++;
    return i;
}

void axon_loss_defaults(const struct axon_loss *loss, struct axon_loss_options *options)
{
    *options = (struct axon_loss_options){.reduction = AXON_REDUCTION_MEAN};
    for (unsigned i = 0; i < loss->parameters_count; i++)
        options->values[i] = loss->parameters[i].value;
}

static void vary(const struct axon_loss *loss, const struct axon_loss_variant *variant,
                 struct axon_loss_options *options)
{
    options->reduction = variant->reduction;
    if (variant->parameter)
        options->values[axon_loss_parameter_find(loss, variant->parameter)] = variant->value;
}

/* Is it the loss's, or that of a variant of it? */
static bool goes_by(const struct axon_loss *loss, const char *name,
                    const struct axon_loss_variant **variant)
{
    *variant = NULL;
    if (axon__similar(name, loss->name))
        return true;
    for (const char *const *alias = loss->aliases; *alias; alias++)
        if (axon__similar(name, *alias))
            return true;
    for (unsigned i = 0; i < loss->variants_count; i++)
        if (axon__similar(name, loss->variants[i].name)) {
            *variant = &loss->variants[i];
            return true;
        }
    return false;
}

const struct axon_loss *axon_loss_find(const char *name, struct axon_loss_options *options)
{
    const struct axon_loss_variant *variant;
    size_t i = 0;

    while (i < AXON_LOSS_ID_COUNT && !goes_by(&table[i], name, &variant))
        i++;
    if (i == AXON_LOSS_ID_COUNT)
        return NULL;
    if (options) {
        axon_loss_defaults(&table[i], options);
        if (variant)
            vary(&table[i], variant, options);
    }
    return &table[i];
}

size_t axon__loss_id(const struct axon_loss *loss)
{
    return (size_t)(loss - table);
}

int32_t axon__loss_ignore(const struct axon_loss *loss, const struct axon_loss_options *options)
{
    unsigned i = axon_loss_parameter_find(loss, "ignore_index");

    return i < loss->parameters_count ? (int32_t)options->values[i] : -1;
}
