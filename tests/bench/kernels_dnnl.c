/* kernels_dnnl.c - oneDNN's eltwise and softmax primitives, created once per task and executed.
 *
 * Creating a primitive (which generates its code) is not timed: a network does it once. One thread,
 * because kernels.c sets OMP_NUM_THREADS before libgomp reads it. */
#include <oneapi/dnnl/dnnl.h>
#include <string.h>
#include "kernels.h"

static const struct {
    const char *name;
    dnnl_alg_kind_t kind;
    float alpha, beta;
} algorithms[] = {
    {"identity", dnnl_eltwise_linear, 1.0f, 0.0f},
    {"relu", dnnl_eltwise_relu, 0.0f, 0.0f},
    {"relu6", dnnl_eltwise_clip, 0.0f, 6.0f},
    {"leaky_relu", dnnl_eltwise_relu, 0.01f, 0.0f},
    {"prelu", dnnl_eltwise_relu, 0.25f, 0.0f},
    {"rrelu", dnnl_eltwise_relu, 0.229166667f, 0.0f},
    {"elu", dnnl_eltwise_elu, 1.0f, 0.0f},
    {"celu", dnnl_eltwise_elu, 1.0f, 0.0f},
    {"sigmoid", dnnl_eltwise_logistic, 0.0f, 0.0f},
    {"log_sigmoid", dnnl_eltwise_logsigmoid, 0.0f, 0.0f},
    {"tanh", dnnl_eltwise_tanh, 0.0f, 0.0f},
    {"hard_tanh", dnnl_eltwise_clip, -1.0f, 1.0f},
    {"softplus", dnnl_eltwise_soft_relu, 0.0f, 0.0f},
    {"silu", dnnl_eltwise_swish, 1.0f, 0.0f},
    {"hard_swish", dnnl_eltwise_hardswish, 0.0f, 0.0f},
    {"gelu", dnnl_eltwise_gelu_erf, 0.0f, 0.0f},
    {"gelu_tanh", dnnl_eltwise_gelu_tanh, 0.0f, 0.0f},
    {"quick_gelu", dnnl_eltwise_swish, 1.702f, 0.0f},
    {"mish", dnnl_eltwise_mish, 0.0f, 0.0f},
    {"exponential", dnnl_eltwise_exp, 0.0f, 0.0f},
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t primitive;
static dnnl_memory_t x, upstream, y;

static const char *open_dnnl(const struct contender *self, int fd)
{
    (void)self;
    (void)fd;
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success)
        return "oneDNN has no CPU engine";
    return NULL;
}

static void release(void)
{
    dnnl_primitive_destroy(primitive);
    dnnl_memory_destroy(x);
    dnnl_memory_destroy(upstream);
    dnnl_memory_destroy(y);
    primitive = NULL;
    x = upstream = y = NULL;
}

static void close_dnnl(const struct contender *self)
{
    (void)self;
    release();
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
}

static dnnl_status_t describe_eltwise(const struct task *task, const dnnl_memory_desc_t *shape,
                                      size_t row, dnnl_primitive_desc_t *out)
{
    dnnl_eltwise_desc_t forward, backward;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t status;

    dnnl_eltwise_forward_desc_init(
        &forward, task->gradient ? dnnl_forward_training : dnnl_forward_inference,
        algorithms[row].kind, shape, algorithms[row].alpha, algorithms[row].beta);
    if (!task->gradient)
        return dnnl_primitive_desc_create(out, &forward, NULL, engine, NULL);
    status = dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL);
    if (status != dnnl_success)
        return status;
    dnnl_eltwise_backward_desc_init(&backward, algorithms[row].kind, shape, shape,
                                    algorithms[row].alpha, algorithms[row].beta);
    status = dnnl_primitive_desc_create(out, &backward, NULL, engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return status;
}

static dnnl_status_t describe_softmax(const struct task *task, const dnnl_memory_desc_t *shape,
                                      dnnl_primitive_desc_t *out)
{
    dnnl_softmax_v2_desc_t forward;
    dnnl_alg_kind_t kind = strcmp(task->act->name, "softmax") == 0 ? dnnl_softmax_accurate
                                                                   : dnnl_softmax_log;

    dnnl_softmax_v2_forward_desc_init(&forward, dnnl_forward_inference, kind, shape, shape, 1);
    return dnnl_primitive_desc_create(out, &forward, NULL, engine, NULL);
}

/* The description of the task's primitive, or NULL: there is none. */
static dnnl_primitive_desc_t describe(const struct task *task, const dnnl_memory_desc_t *shape)
{
    const char *name = task->act->name;
    dnnl_primitive_desc_t description = NULL;

    if ((strcmp(name, "softmax") == 0 || strcmp(name, "log_softmax") == 0) && !task->gradient)
        return describe_softmax(task, shape, &description) == dnnl_success ? description : NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return describe_eltwise(task, shape, i, &description) == dnnl_success ? description
                                                                                  : NULL;
    return NULL;
}

static bool prepare_dnnl(const struct contender *self, const struct task *task)
{
    bool rows = task->act->kind == AXON_ROWWISE;
    dnnl_dims_t flat = {(dnnl_dim_t)task->n};
    dnnl_dims_t matrix = {(dnnl_dim_t)task->axis.outer, (dnnl_dim_t)task->axis.length};
    dnnl_memory_desc_t shape;
    dnnl_primitive_desc_t description;
    bool ready;

    (void)self;
    release();
    dnnl_memory_desc_init_by_tag(&shape, rows ? 2 : 1, rows ? matrix : flat, dnnl_f32,
                                 rows ? dnnl_ab : dnnl_a);
    description = describe(task, &shape);
    if (!description)
        return false;
    ready = dnnl_primitive_create(&primitive, description) == dnnl_success &&
            dnnl_memory_create(&x, &shape, engine, (void *)task->x) == dnnl_success &&
            dnnl_memory_create(&upstream, &shape, engine, (void *)task->upstream) == dnnl_success &&
            dnnl_memory_create(&y, &shape, engine, task->y) == dnnl_success;
    dnnl_primitive_desc_destroy(description);
    return ready;
}

static double time_dnnl(const struct contender *self, const struct task *task, size_t reps)
{
    dnnl_exec_arg_t forward[] = {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
    dnnl_exec_arg_t backward[] = {
        {DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, upstream}, {DNNL_ARG_DIFF_SRC, y}};
    double start = bench_clock();

    (void)self;
    for (size_t r = 0; r < reps; r++)
        if (dnnl_primitive_execute(primitive, stream, task->gradient ? 3 : 2,
                                   task->gradient ? backward : forward) != dnnl_success)
            return -1.0;
    dnnl_stream_wait(stream);
    return bench_clock() - start;
}

const struct contender contender_dnnl = {.name = "onednn",
                                         .open = open_dnnl,
                                         .prepare = prepare_dnnl,
                                         .time = time_dnnl,
                                         .close = close_dnnl};
