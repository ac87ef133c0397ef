/* guide.c - see guide.h. Knows no row by itself: what is asked is compared with the rows' sets. */
#include "guide/guide.h"
#include "metrics/metrics.h"

enum {
#define TASK(id, name)    id = 1u << GUIDE_##id,
#define NETWORK(id, name) id = 1u << GUIDE_##id,
#include "guide/guide.def"
};
#define ANY  (~0u)
#define MOST GUIDE_DEPTH_MAX

const char *const guide_tasks[GUIDE_TASKS] = {
#define TASK(id, name) name,
#include "guide/guide.def"
};

const char *const guide_networks[GUIDE_NETWORKS] = {
#define NETWORK(id, name) name,
#include "guide/guide.def"
};

static const struct guide_output outputs[] = {
#define OUTPUT(tasks, networks, activation, loss, why) {tasks, networks, activation, loss, why},
#include "guide/guide.def"
};

#define DEPTH(least, most) .depth_min = least, .depth_max = most
#define DEFAULTS           .params_count = 0
#define GIVEN(value)       .params_count = 1, .params = {value}

static const struct guide_hidden hidden[] = {
#define HIDDEN(networks_, DEPTH_, activation_, PARAMETERS_, why_) \
    {.networks = networks_, DEPTH_, .activation = activation_, PARAMETERS_, .why = why_},
#include "guide/guide.def"
};

static const struct {
    unsigned tasks, networks;
    enum metric metric;
} watched[] = {
#define WATCH(tasks, networks, id) {tasks, networks, METRIC_##id},
#include "guide/guide.def"
};

static const char *const metric_names[METRIC_COUNT] = {
#define METRIC(id, ...) "axond_" #id,
#include "metrics/metrics.def"
#undef METRIC
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
_Static_assert(COUNT(outputs) <= GUIDE_ROWS_MAX && COUNT(hidden) <= GUIDE_ROWS_MAX &&
                   COUNT(watched) <= GUIDE_ROWS_MAX,
               "an answer's room");

void guide_answer(const struct guide_question *question, struct guide_answer *answer)
{
    unsigned task = 1u << question->task, network = 1u << question->network;
    unsigned depth = question->depth;

    *answer = (struct guide_answer){.outputs_count = 0};
    for (size_t i = 0; i < COUNT(outputs); i++)
        if ((outputs[i].tasks & task) && (outputs[i].networks & network))
            answer->outputs[answer->outputs_count++] = &outputs[i];
    for (size_t i = 0; i < COUNT(hidden); i++)
        if ((hidden[i].networks & network) && hidden[i].depth_min <= depth &&
            depth <= hidden[i].depth_max)
            answer->hidden[answer->hidden_count++] = &hidden[i];
    for (size_t i = 0; i < COUNT(watched); i++)
        if ((watched[i].tasks & task) && (watched[i].networks & network))
            answer->watch[answer->watch_count++] = metric_names[watched[i].metric];
}
