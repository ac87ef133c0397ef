/* guide.h - the selection guide: which activation and loss fit a task, a network and its depth, and
 * which metrics to watch.
 *
 * The rows of guide.def, chosen by a question. Everything is static storage; no function fails. */
#ifndef GUIDE_GUIDE_H
#define GUIDE_GUIDE_H

#include <axon/activation.h>
#include <stddef.h>

enum guide_task {
#define TASK(id, name) GUIDE_##id,
#include "guide/guide.def"
    GUIDE_TASKS
};

enum guide_network {
#define NETWORK(id, name) GUIDE_##id,
#include "guide/guide.def"
    GUIDE_NETWORKS
};

extern const char *const guide_tasks[GUIDE_TASKS], *const guide_networks[GUIDE_NETWORKS];

/* Hidden layers: a question has at least one. */
enum { GUIDE_DEPTH_MAX = 1000 };

struct guide_question {
    enum guide_task task;
    enum guide_network network;
    unsigned depth; /* 1 .. GUIDE_DEPTH_MAX */
};

/* The last layer. */
struct guide_output {
    unsigned tasks, networks; /* bits: 1 << an enum's value */
    const char *activation, *loss, *why;
};

/* A hidden layer. */
struct guide_hidden {
    unsigned networks, depth_min, depth_max;
    const char *activation, *why;
    unsigned params_count; /* 0: the activation's defaults */
    float params[AXON_PARAMETERS_MAX];
};

/* More than any table has rows. */
enum { GUIDE_ROWS_MAX = 64 };

/* Best first; an answer has at least one output, one hidden row and one metric. */
struct guide_answer {
    const struct guide_output *outputs[GUIDE_ROWS_MAX];
    const struct guide_hidden *hidden[GUIDE_ROWS_MAX];
    const char *watch[GUIDE_ROWS_MAX]; /* "axond_dead_relu_ratio" */
    size_t outputs_count, hidden_count, watch_count;
};

void guide_answer(const struct guide_question *question, struct guide_answer *answer);

#endif
