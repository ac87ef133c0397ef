/* advise.c - bounds and advice of a version that is being loaded. */
#include "model/advise.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "model/files.h"
#include "model/finding.h"
#include "neurons/advice.h"
#include "neurons/baseline.h"
#include "neurons/neurons.h"

static bool is_there(const struct version_source *from, const char *file)
{
    char path[VERSION_PATH_MAX];
    struct file_id none = {0}, id = files_identify(from->dirfd, version_path(from, file, path));

    return !files_same(&id, &none);
}

static void layers_describe(struct advice_layer *layers, const struct network *network,
                            const struct weights *weights)
{
    for (size_t l = 0; l < network->layers_count; l++) {
        const struct config_layer *layer = &network->layers[l];

        layers[l] = (struct advice_layer){.name = layer->name,
                                          .features = layer->features,
                                          .drawn = weights->drawn[l],
                                          .given = layer->params_given || *layer->params_tensor};
    }
    for (size_t i = 0; i < network->norms_count; i++)
        layers[network->norms[i].layer].normalized = true;
}

/* A warning or an error is a finding. One of a tensor is told when the weights are read. */
static void tell(const struct model *m, const struct version_source *from,
                 const struct network *network)
{
    for (size_t i = 0; i < m->advice->count; i++) {
        const struct advice *a = &m->advice->items[i];
        const struct advice_row *row = &advice_rows[a->id];
        struct finding f = {.event = row->id,
                            .model = from->model,
                            .version = from->version,
                            .key = a->layer == ADVICE_NOWHERE ? "place" : "layer",
                            .name = a->layer == ADVICE_NOWHERE ? "network"
                                                               : network->layers[a->layer].name,
                            .reason = a->message};

        if (a->level == ADVICE_INFO)
            log_write(LOG_INFO, row->id,
                      (struct log_field[]){LOG_S("model", from->model),
                                           LOG_U("version", from->version),
                                           LOG_S("reason", a->message)},
                      3);
        else if (a->id != ADVICE_tensor_unused)
            finding_tell(from->findings, &f);
    }
}

/* The bounds of every unit: over the declared range, else over that of the baseline's rows. -1: out
 * of memory. */
static int bound(struct model *m, const struct network *network, const struct baseline *baseline)
{
    const float *low = network->min, *high = network->max;

    m->bounds_declared = low && high;
    if (!m->bounds_declared && baseline) {
        low = baseline->input.min;
        high = baseline->input.max;
    }
    return low && high && axon_bounds_create(m->mlp, low, high, &m->bounds) != AXON_OK ? -1 : 0;
}

/* Units that bounds over the declared range prove dead, to those who count. -1: out of memory. */
static int prove(struct model *m)
{
    bool proves = m->bounds && m->bounds_declared && m->neurons;

    for (size_t l = 0; proves && l + 1 < m->layers_count; l++) {
        bool *proven = calloc(m->layers[l].units, sizeof *proven);
        int status = -1;

        for (size_t u = 0; proven && u < m->layers[l].units; u++)
            proven[u] = axon_bounds_proof(m->bounds, l, u) == AXON_PROOF_DEAD;
        if (proven)
            status = axon_mlp_layer_watched(m->mlp, l) ? neurons_prove(m->neurons, l, proven) : 0;
        free(proven);
        if (status != 0)
            return -1;
    }
    return 0;
}

int advise(struct model *m, const struct version_source *from, const struct config *config,
           const struct weights *weights)
{
    const struct network *network = &config->network;
    struct advice_layer layers[CONFIG_LAYERS_MAX];
    struct baseline *baseline = model_baseline(m);

    if (bound(m, network, baseline) != 0) {
        baseline_unref(baseline);
        return -1;
    }
    layers_describe(layers, network, weights);
    m->advice = advice_find(&(struct advice_subject){
        .task = model_task_name(network->task),
        .features = network->features,
        .scale = network->scale,
        .offset = network->offset,
        .min = network->min,
        .max = network->max,
        .weights = weights->layers,
        .layers = layers,
        .layers_count = network->layers_count,
        .labels_count = network->labels_count,
        .has_dialect = network->dialect_given,
        .has_golden = is_there(from, "golden.json"),
        .unused = weights->unused,
        .bounds = m->bounds,
        .baseline = baseline,
    });
    baseline_unref(baseline);
    if (!m->advice)
        return -1;
    tell(m, from, network);
    return prove(m);
}
