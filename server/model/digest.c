/* digest.c - see digest.h. Invariant: the text is written once, under the model's lock. */
#include "model/digest.h"
#include <string.h>
#include "model/private.h"

/* Machines that do not store numbers so are not supported anywhere. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian float32");

void digest_start(struct digest *d)
{
    *d = (struct digest){.layer = 0};
    sha256_init(&d->sum);
}

static bool is_known(const struct model *m)
{
    struct model_private *p = m->private;
    bool known;

    pthread_mutex_lock(&p->baseline_lock);
    known = *p->weights_sha256 != '\0';
    pthread_mutex_unlock(&p->baseline_lock);
    return known;
}

static void keep(struct digest *d, const struct model *m)
{
    struct model_private *p = m->private;
    char text[SHA256_TEXT + 1];

    sha256_end(&d->sum, text);
    pthread_mutex_lock(&p->baseline_lock);
    if (!*p->weights_sha256)
        memcpy(p->weights_sha256, text, sizeof text);
    pthread_mutex_unlock(&p->baseline_lock);
}

/* The unit's weights. Returns how many. */
static size_t add_weights(struct digest *d, const struct model *m)
{
    enum { SOME = 1024 };
    size_t features = d->layer > 0 ? m->layers[d->layer - 1].units : axon_mlp_features(m->mlp);
    float weights[SOME];

    for (size_t at = 0, some; at < features; at += some) {
        some = features - at < SOME ? features - at : SOME;
        axon_mlp_weights(m->mlp, d->layer, d->unit, at, some, weights);
        sha256_add(&d->sum, weights, some * sizeof *weights);
    }
    return features;
}

/* The layer is complete. */
static void add_biases(struct digest *d, const struct model *m)
{
    const struct model_private *p = m->private;

    for (size_t u = 0; p->biased[d->layer] && u < m->layers[d->layer].units; u++) {
        float bias = axon_mlp_bias(m->mlp, d->layer, u);

        sha256_add(&d->sum, &bias, sizeof bias);
    }
    d->layer++;
    d->unit = 0;
}

bool digest_advance(struct digest *d, const struct model *m)
{
    enum { PIECE = 1 << 18 }; /* numbers: 4 ms */
    size_t done = 0;

    if (is_known(m))
        return false;
    while (done < PIECE && d->layer < m->layers_count) {
        done += add_weights(d, m);
        if (++d->unit == m->layers[d->layer].units)
            add_biases(d, m);
    }
    if (d->layer < m->layers_count)
        return true;
    keep(d, m);
    return false;
}
