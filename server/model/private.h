/* private.h - what model.c and load.c share: the part of a model that nobody else sees.
 */
#ifndef MODEL_PRIVATE_H
#define MODEL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "model/line.h"
#include "model/load.h"
#include "model/model.h"

enum { CLASS_NUMBER_MAX = 24 };

struct model_life {
    atomic_uint references;
    atomic_bool is_over;
};

struct model_private {
    atomic_uint references;
    struct model_life *life;
    struct model_line line;
    struct fingerprint fingerprint;
    char input_name[MODEL_NAME_MAX + 1], output_name[MODEL_NAME_MAX + 1];
    char layer_names[CONFIG_LAYERS_MAX][MODEL_NAME_MAX + 1];
    char **labels;  /* [labels_count] */
    char **columns; /* [columns_count] */
    size_t columns_count;
    const char *layer_list[CONFIG_LAYERS_MAX];
    char (*numbers)[CLASS_NUMBER_MAX]; /* classes without labels, as text; NULL: none */
    const char **classes;
    char *root; /* of the model's folder, if that is not the repository's; or NULL */
    char folder[VERSION_TEXT_MAX + 2]; /* of the version, as struct version_source has it */
    struct baseline *unwatched;        /* the one in force where no neurons are counted, or NULL */
    pthread_mutex_t baseline_lock;     /* of those who put a baseline in force, and of: */
    char weights_sha256[SHA256_TEXT + 1]; /* "": nobody has asked yet */
    bool biased[CONFIG_LAYERS_MAX];       /* layers that were given a bias */
};

/* Free what there is, also of a model that is only half made. */
void model_destroy(struct model *m);

#endif
