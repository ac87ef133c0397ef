/* neurons_reply.h - what GET /v1/models/{model}/neurons may be asked, and its answer. */
#ifndef API_NEURONS_REPLY_H
#define API_NEURONS_REPLY_H

#include <axon/neurons.h>
#include "api/call.h"
#include "model/model.h"

/* How units_detail is sorted: by number; least active first; or what has moved most first. */
enum neurons_sort {
    NEURONS_BY_UNIT,
    NEURONS_BY_FIRING_RATE,
    NEURONS_BY_DORMANT_SCORE,
    NEURONS_BY_DRIFT
};

enum { NEURONS_WINDOW_MAX = 32 };

struct neurons_asked {
    enum axon_window window;
    char window_name[NEURONS_WINDOW_MAX];
    double now_s; /* of the counts */
    size_t layer; /* layers_count: all */
    bool units;
    uint64_t top_k;
    enum neurons_sort sort;
};

/* The answer on its way. n is NULL if nobody watches, baseline if there is none. */
struct neurons_reply {
    struct neurons_asked asked;
    struct axon_neurons *n;
    struct baseline *baseline;
    size_t layer; /* the next one */
};

/* Appends the next layer that was asked for to the reply of call->model, the first with all that
 * stands in front of the layers; call->again is set until the answer is complete. */
enum error_id neurons_reply(struct api_call *call, struct neurons_reply *r);

/* The longest that it can be. */
size_t neurons_reply_bytes_max(const struct model *m, const struct neurons_asked *a);

/* Is the layer one of those that were asked for? Not the last one, whose units are the outputs. */
bool neurons_reply_has(const struct model *m, const struct neurons_asked *a, size_t layer);

#endif
