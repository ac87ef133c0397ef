/* network.h - the part of config.json that says what a model computes: input, layers, output.
 *
 * It knows the JSON and the tables of the core (activations, initialisers), no files and no
 * weights. Whatever is wrong is an error that names the JSON path. */
#ifndef MODEL_NETWORK_H
#define MODEL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <axon/activation.h>
#include <axon/dialect.h>
#include <axon/initializer.h>
#include "json/object.h"
#include "model/model.h"

/* Bounds, against files that would ask for absurd amounts of memory. */
enum {
    CONFIG_BYTES_MAX = 64 << 20,
    CONFIG_TOKENS_MAX = 4 << 20, /* values and keys, inline weights included */
    CONFIG_LAYERS_MAX = 64,      /* dense ones, that is                       */
    CONFIG_NORMS_MAX = 64,       /* batch normalizations, which become part of them */
    CONFIG_IGNORED_MAX = 4096,
    CONFIG_UNITS_MAX = 65536,        /* of a layer; of features, too */
    CONFIG_PARAMETERS_MAX = 1 << 28, /* of the network: 1 GiB of float32 */
    CONFIG_TENSOR_NAME_MAX = 255,
    CONFIG_OUTPUT_LABEL_BYTES_MAX = 256
};

/* Where the numbers of a weight or bias come from. */
enum config_source {
    CONFIG_DEFAULT, /* the tensor "<layer>.weight", if there is a weights file, else initialised */
    CONFIG_TENSOR,  /* the tensor that the config names */
    CONFIG_INLINE,
    CONFIG_RANDOM, /* the layer's own initialiser */
    CONFIG_NONE    /* bias only: null */
};

struct config_values {
    enum config_source source;
    char tensor[CONFIG_TENSOR_NAME_MAX + 1]; /* its name, the default one included */
    float *numbers;                          /* CONFIG_INLINE: [units, features] or [units] */
};

struct config_layer {
    char name[OBJECT_NAME_MAX + 1];
    size_t place; /* in "layers", for messages */
    size_t features, units;
    const struct axon_activation *activation;
    float *params; /* [params_count] as axon_activation_check(), or NULL for the defaults */
    size_t params_count;
    bool params_given;                              /* some of them, by config.json */
    char params_tensor[CONFIG_TENSOR_NAME_MAX + 1]; /* that has [units] or [1] of them; "": none */
    struct config_values weight, bias;
    const struct axon_initializer *initializer; /* the layer's or the top's; NULL: none */
    uint64_t seed;
};

/* The four tensors of a batch normalization, [width] each. */
enum config_norm_part { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VARIANCE, NORM_PARTS };
extern const char *const config_norm_keys[NORM_PARTS]; /* "weight", ... */

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias, to be folded into a dense layer. */
struct config_norm {
    char name[OBJECT_NAME_MAX + 1];
    size_t place; /* in "layers", for messages */
    size_t width;
    double epsilon;
    struct config_values parts[NORM_PARTS];
    size_t layer; /* of `layers`, which takes it ...           */
    bool before;  /* ... in front of its weights, else after them */
};

struct network {
    enum model_task task;
    char input_name[OBJECT_NAME_MAX + 1], output_name[OBJECT_NAME_MAX + 1];
    size_t features;
    float *scale, *offset; /* [features] or NULL */
    float *min, *max;      /* [features] or NULL: the range that a feature is declared to have */
    char **columns;        /* the features' names; columns_count 0: none */
    size_t columns_count;
    const struct axon_dialect *dialect; /* whose names and defaults the activations have */
    bool dialect_given;                 /* by config.json */
    struct config_layer *layers;
    size_t layers_count;
    struct config_norm *norms; /* in the order in which a row meets them */
    size_t norms_count;
    char **ignored; /* tensors that no layer has to take */
    size_t ignored_count;
    char **labels; /* of the outputs */
    size_t labels_count;
    enum ranking ranking;
};

/* True if some layer's numbers must come from a weights file. */
bool network_needs_weights(const struct network *network);

/* Do the values of the last layer lie within [0, 1]? */
bool network_is_probability(const struct config_layer *last);

void network_fini(struct network *network); /* frees; zeros the struct */

/* The parts of the parser share these. An array of strings, each of at most bytes_max; *texts is
 * owned by the network from the start. */
enum error_id network__texts_read(char ***texts, size_t *count, const struct place *at,
                                  const char *key, const json_t *array, size_t bytes_max);

/* "activation" of the object json, whose units are the layer's. */
enum error_id network__activation_read(struct config_layer *layer,
                                       const struct axon_dialect *dialect, const struct place *at,
                                       const json_t *json);

/* A tensor's name, numbers [rows, columns] (rows 0: [columns]), or null. */
enum error_id network__values_read(struct config_values *v, const struct place *at,
                                   const json_t *json, const char *key, size_t rows,
                                   size_t columns);

/* An entry of "layers" that is a batch normalization; at the end, those that no layer took yet. */
enum error_id network__norm_read(struct network *network, const struct place *at,
                                 const json_t *json, size_t place);
enum error_id network__norms_check(const struct network *network, const struct place *top);

/* These take the top of the JSON. */
enum error_id network__layers_read(struct network *network, const struct place *top,
                                   const json_t *json);

#endif
