/* answers.c - see answers.h. Knows activations by their names. */
#include "model/answers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One output speaks for the second of two classes. */
static enum predictions_kind kind_of_one(const struct model *m, const struct config_layer *last)
{
    if (m->task == MODEL_BINARY && strcmp(last->activation->name, "identity") == 0)
        return PREDICTIONS_LOGIT;
    if (m->task == MODEL_BINARY || m->ranking == RANKING_PROBABILITY)
        return network_is_probability(last) ? PREDICTIONS_CHANCE : PREDICTIONS_NONE;
    return PREDICTIONS_NONE;
}

/* Without a task a softmax is a classifier. Logits may have a constant too much: log_softmax. */
static enum predictions_kind kind_of_many(const struct model *m, const struct config_layer *last)
{
    const char *name = last->activation->name;
    bool is_classifier = m->task == MODEL_MULTICLASS || m->task == MODEL_BINARY;

    if (strcmp(name, "softmax") == 0)
        return is_classifier || m->task == MODEL_TASK_NONE ? PREDICTIONS_SHARES : PREDICTIONS_NONE;
    if (is_classifier && (strcmp(name, "identity") == 0 || strcmp(name, "log_softmax") == 0))
        return PREDICTIONS_LOGITS;
    return PREDICTIONS_NONE;
}

static enum model_chances chances_of(const struct model *m, const struct config_layer *last)
{
    if (m->answers.kind != PREDICTIONS_NONE || m->task == MODEL_REGRESSION)
        return MODEL_CHANCES_NONE;
    if (network_is_probability(last) || strcmp(last->activation->name, "softmax") == 0)
        return MODEL_CHANCES_SERVED;
    return m->task == MODEL_MULTILABEL && strcmp(last->activation->name, "identity") == 0
               ? MODEL_CHANCES_LOGITS
               : MODEL_CHANCES_NONE;
}

int answers_init(struct model *m, const struct network *network)
{
    const struct config_layer *last = &network->layers[network->layers_count - 1];
    struct model_private *p = m->private;
    enum predictions_kind kind = m->task == MODEL_REGRESSION ? PREDICTIONS_NONE
                                 : last->units == 1          ? kind_of_one(m, last)
                                                             : kind_of_many(m, last);
    size_t classes = kind == PREDICTIONS_NONE ? 0 : last->units == 1 ? 2 : last->units;

    m->answers = (struct predictions_shape){kind, last->units, classes, 0};
    m->chances = chances_of(m, last);
    p->classes = calloc(classes + 1, sizeof *p->classes);
    if (classes != m->labels_count)
        p->numbers = calloc(classes + 1, sizeof *p->numbers);
    if (!p->classes || (classes != m->labels_count && !p->numbers))
        return -1;
    for (size_t i = 0; i < classes; i++) {
        if (p->numbers)
            snprintf(p->numbers[i], sizeof p->numbers[i], "%zu", i);
        p->classes[i] = p->numbers ? p->numbers[i] : m->labels[i];
    }
    m->classes = p->classes;
    return 0;
}
