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

struct neurons_asked {
    enum axon_window window;
    const char *window_name;
    double now_s;
    size_t layer; /* layers_count: all */
    bool units;
    uint64_t top_k;
    enum neurons_sort sort;
};

/* The answer for call->model, of which n are the neurons; NULL: nobody watches. */
enum error_id neurons_reply(struct api_call *call, const struct axon_neurons *n,
                            const struct neurons_asked *a);

#endif
