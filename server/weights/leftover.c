/* leftover.c - tensors of a weights file that no layer took.
 *
 * A forgotten layer predicts wrongly without a sign, so what could be one fails the version. */
#include <stdio.h>
#include <string.h>
#include "weights/filling.h"
#include "model/finding.h"

/* A batch normalization's count of batches, an integer, says nothing of its output. */
static bool is_harmless(const struct stored *t)
{
    static const char suffix[] = "num_batches_tracked";
    size_t n = strlen(t->name), m = strlen(suffix);

    return !stored_is_floating(t) && t->count == 1 && n >= m &&
           strcmp(t->name + n - m, suffix) == 0;
}

static bool could_be_a_layers(const struct stored *t)
{
    return stored_is_floating(t) && (t->rank == 1 || t->rank == 2);
}

/* Does the file have <stem>.<last>? */
static bool has_sibling(const struct stored_file *s, const char *stem, size_t stem_length,
                        const char *last)
{
    char name[CONFIG_TENSOR_NAME_MAX + 1];
    int n = snprintf(name, sizeof name, "%.*s%s", (int)stem_length, stem, last);

    return n > 0 && (size_t)n < sizeof name && stored_find(s, name);
}

/* The way out, by the names and the shape: text. */
static const char *hint(const struct stored_file *s, const struct stored *t, char *text,
                        size_t size)
{
    const char *dot = strrchr(t->name, '.');
    size_t stem = dot ? (size_t)(dot - t->name) : 0;
    bool normalizes = has_sibling(s, t->name, stem, ".running_var");
    bool has_bias = has_sibling(s, t->name, stem, ".bias");

    if (normalizes)
        snprintf(
            text, size,
            "a batch normalization is the layer {\"name\": \"%.*s\", \"type\": \"batch_norm\"}",
            stem > 64 ? 64 : (int)stem, t->name);
    else if (t->rank == 2)
        snprintf(text, size, "a dense layer is {\"units\": %llu, \"weight\": \"%.64s\", ...}",
                 (unsigned long long)t->shape[0], t->name);
    else if (dot && strcmp(dot, ".weight") == 0 && !has_bias)
        snprintf(text, size,
                 "slopes are \"activation\": {\"name\": \"prelu\", \"alpha\": \"%.64s\"}", t->name);
    else if (dot && strcmp(dot, ".weight") == 0)
        snprintf(text, size, "a normalization of rows (LayerNorm) is not supported");
    else
        snprintf(text, size, "add the layer that takes it");
    return text;
}

static int leftover_fail(const struct filling *f, const struct stored *t, size_t others)
{
    char shape[STORED_SHAPE_MAX], more[48] = "", text[160];

    if (others > 0)
        snprintf(more, sizeof more, " (and %zu more tensor%s)", others, others == 1 ? "" : "s");
    return error_set(f->error, ERROR_BAD_TENSOR,
                     "%s: %.64s %s%s: no layer takes it; %s; if the network is right "
                     "without it, list it under \"ignore_tensors\"",
                     f->path, t->name, stored_shape(t->shape, t->rank, shape), more,
                     hint(&f->file, t, text, sizeof text));
}

static void tell(const struct filling *f, const char *event, const char *name, const char *reason)
{
    finding_tell(f->from->findings, &(struct finding){.event = event,
                                                      .model = f->from->model,
                                                      .version = f->from->version,
                                                      .key = "tensor",
                                                      .name = name,
                                                      .reason = reason});
}

static bool is_ignored(const struct network *network, const char *name)
{
    for (size_t i = 0; i < network->ignored_count; i++)
        if (strcmp(network->ignored[i], name) == 0)
            return true;
    return false;
}

static void ignored_check(const struct filling *f)
{
    for (size_t i = 0; i < f->network->ignored_count; i++) {
        const char *name = f->network->ignored[i];
        const struct stored *t = stored_find(&f->file, name);

        if (!t)
            tell(f, "tensor_not_there", name, "\"ignore_tensors\" names it");
        else if (t->used)
            tell(f, "tensor_not_ignored", name,
                 "\"ignore_tensors\" names it, but a layer takes it");
    }
}

int filling_leftover(struct filling *f)
{
    const struct stored *first = NULL;
    size_t others = 0;

    ignored_check(f);
    for (size_t i = 0; i < f->file.tensors_count; i++) {
        const struct stored *t = &f->file.tensors[i];

        if (t->used || is_harmless(t) || is_ignored(f->network, t->name))
            continue;
        if (!could_be_a_layers(t)) {
            snprintf(f->w->unused, sizeof f->w->unused, "%s", t->name);
            tell(f, "tensor_unused", t->name, "no layer takes it; its type and shape fit none");
        } else if (first) {
            others++;
        } else {
            first = t;
        }
    }
    return first ? leftover_fail(f, first, others) : 0;
}
