/* advice.h - lints: what is odd about a network that serves all the same, with a reason and a way
 * out. A row of advice.def each; run once, when the version is loaded.
 *
 * They look at the weights as they are used, batch normalizations folded in, at most ADVICE_MAX
 * entries are kept, and no lint costs more than a few passes over the weights. */
#ifndef NEURONS_ADVICE_H
#define NEURONS_ADVICE_H

#include <axon/bounds.h>
#include <stdbool.h>
#include <stddef.h>

struct baseline;

enum advice_id {
#define ADVICE(id, level, why, fix) ADVICE_##id,
#include "neurons/advice.def"
    ADVICE_COUNT
};

enum advice_level { ADVICE_INFO, ADVICE_WARNING, ADVICE_ERROR };
extern const char *const advice_level_names[];

struct advice_row {
    const char *id, *why, *fix;
    enum advice_level level;
};
extern const struct advice_row advice_rows[ADVICE_COUNT];

/* A layer of the network that is looked at. */
struct advice_layer {
    const char *name;
    size_t features;
    bool drawn;      /* its weights come from an initialiser                     */
    bool normalized; /* a batch normalization was folded into it                 */
    bool given;      /* config.json gives parameters of its activation           */
};

/* The network; all of it borrowed. */
struct advice_subject {
    const char *task; /* "multiclass", or "" */
    size_t features;
    const float *scale, *offset, *min, *max; /* [features] or NULL */
    const struct axon_layer *weights;        /* [layers_count] as axon_mlp_create() takes them */
    const struct advice_layer *layers;       /* [layers_count] */
    size_t layers_count, labels_count;
    bool has_dialect;                 /* config.json names one */
    bool has_golden;                  /* golden rows were checked */
    const char *unused;               /* a tensor that no layer takes, or "" */
    const struct axon_bounds *bounds; /* over min and max if they are declared, else over the
                                         baseline's, which proves nothing; or NULL */
    const struct baseline *baseline;  /* or NULL */
};

enum { ADVICE_MAX = 256, ADVICE_MESSAGE_MAX = 240 };
#define ADVICE_NOWHERE ((size_t)-1)

struct advice {
    enum advice_id id;
    enum advice_level level; /* the row's, or INFO: a lesser case of it */
    size_t layer, unit;      /* ADVICE_NOWHERE: about the whole network, or the whole layer */
    char message[ADVICE_MESSAGE_MAX];
};

struct advice_list {
    size_t count;
    struct advice items[ADVICE_MAX];
};

/* In the order of the table and, within a lint, of the layers. new (free() it), or NULL when out
 * of memory. */
struct advice_list *advice_find(const struct advice_subject *subject);

#endif
