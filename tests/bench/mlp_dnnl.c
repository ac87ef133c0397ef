/* mlp_dnnl.c - the network as oneDNN has it: inner products with relu as a post-op, then softmax.
 *
 * Weights are reordered into the format that oneDNN likes, and primitives made, before the clock
 * runs. One thread, because mlp.c sets OMP_NUM_THREADS before libgomp reads it. */
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include "mlp.h"

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t products[LAYERS], softmax;
static dnnl_memory_t weights[LAYERS], biases[LAYERS], activations[LAYERS + 1];
static int failed;

/* The first failure is remembered; open_dnnl() tells it. */
static void check(dnnl_status_t status)
{
    failed |= status != dnnl_success;
}

static dnnl_memory_desc_t shape(size_t rows, size_t columns, dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    dnnl_memory_desc_t desc;

    check(dnnl_memory_desc_init_by_tag(&desc, columns ? 2 : 1, dims, dnnl_f32, tag));
    return desc;
}

static dnnl_memory_t memory(const dnnl_memory_desc_t *desc, void *data)
{
    dnnl_memory_t memory = NULL;

    check(dnnl_memory_create(&memory, desc, engine, data));
    return memory;
}

static dnnl_primitive_desc_t describe_product(const struct net *net, size_t rows, int layer)
{
    size_t features = net->sizes[layer], units = net->sizes[layer + 1];
    dnnl_memory_desc_t src = shape(rows, features, dnnl_ab), dst = shape(rows, units, dnnl_ab);
    dnnl_memory_desc_t weight = shape(units, features, dnnl_format_tag_any);
    dnnl_memory_desc_t bias = shape(units, 0, dnnl_a);
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_desc_t out = NULL;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t relu = NULL;

    check(dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &src, &weight, &bias,
                                               &dst));
    check(dnnl_primitive_attr_create(&attributes));
    check(dnnl_post_ops_create(&relu));
    if (layer + 1 < LAYERS)
        check(dnnl_post_ops_append_eltwise(relu, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f));
    check(dnnl_primitive_attr_set_post_ops(attributes, relu));
    check(dnnl_primitive_desc_create(&out, &desc, attributes, engine, NULL));
    dnnl_post_ops_destroy(relu);
    dnnl_primitive_attr_destroy(attributes);
    return out;
}

/* weights[layer] in the format that `desc` asks for. */
static void reorder_weights(const struct net *net, int layer, const_dnnl_primitive_desc_t desc)
{
    dnnl_memory_desc_t plain = shape(net->sizes[layer + 1], net->sizes[layer], dnnl_ab);
    dnnl_memory_t from = memory(&plain, net->weight[layer]);
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t reorder = NULL;

    weights[layer] = memory(dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0),
                            DNNL_MEMORY_ALLOCATE);
    check(dnnl_reorder_primitive_desc_create(
        &reorder_desc, &plain, engine, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0),
        engine, NULL));
    if (!failed) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, weights[layer]}};

        check(dnnl_primitive_create(&reorder, reorder_desc));
        check(dnnl_primitive_execute(reorder, stream, 2, arguments));
        check(dnnl_stream_wait(stream));
    }
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(reorder_desc);
    dnnl_memory_destroy(from);
}

static void open_layer(const struct net *net, size_t rows, int layer)
{
    dnnl_memory_desc_t dst = shape(rows, net->sizes[layer + 1], dnnl_ab);
    dnnl_memory_desc_t bias = shape(net->sizes[layer + 1], 0, dnnl_a);
    dnnl_primitive_desc_t desc = describe_product(net, rows, layer);

    activations[layer + 1] = memory(&dst, layer + 1 == LAYERS ? net->y : DNNL_MEMORY_ALLOCATE);
    biases[layer] = memory(&bias, net->bias[layer]);
    if (!failed)
        reorder_weights(net, layer, desc);
    if (!failed)
        check(dnnl_primitive_create(&products[layer], desc));
    dnnl_primitive_desc_destroy(desc);
}

static const char *open_dnnl(const struct net *net, size_t rows)
{
    dnnl_memory_desc_t src, dst;
    dnnl_softmax_desc_t desc;
    dnnl_primitive_desc_t softmax_desc = NULL;

    failed = 0;
    check(dnnl_engine_create(&engine, dnnl_cpu, 0));
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    if (failed)
        return "no CPU engine";
    src = shape(rows, net->sizes[0], dnnl_ab);
    dst = shape(rows, net->sizes[LAYERS], dnnl_ab);
    activations[0] = memory(&src, net->x);
    for (int layer = 0; layer < LAYERS; layer++)
        open_layer(net, rows, layer);
    check(dnnl_softmax_forward_desc_init(&desc, dnnl_forward_inference, &dst, 1));
    check(dnnl_primitive_desc_create(&softmax_desc, &desc, NULL, engine, NULL));
    if (!failed)
        check(dnnl_primitive_create(&softmax, softmax_desc));
    dnnl_primitive_desc_destroy(softmax_desc);
    return failed ? "a primitive could not be made" : NULL;
}

static void run_dnnl(const struct net *net, size_t rows)
{
    dnnl_exec_arg_t softmax_arguments[] = {{DNNL_ARG_SRC, activations[LAYERS]},
                                           {DNNL_ARG_DST, activations[LAYERS]}};

    (void)net;
    (void)rows;
    for (int layer = 0; layer < LAYERS; layer++) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, activations[layer]},
                                       {DNNL_ARG_WEIGHTS, weights[layer]},
                                       {DNNL_ARG_BIAS, biases[layer]},
                                       {DNNL_ARG_DST, activations[layer + 1]}};

        dnnl_primitive_execute(products[layer], stream, 4, arguments);
    }
    dnnl_primitive_execute(softmax, stream, 2, softmax_arguments);
    dnnl_stream_wait(stream);
}

static void close_dnnl(void)
{
    for (int i = 0; i <= LAYERS; i++)
        dnnl_memory_destroy(activations[i]);
    for (int i = 0; i < LAYERS; i++) {
        dnnl_primitive_destroy(products[i]);
        dnnl_memory_destroy(weights[i]);
        dnnl_memory_destroy(biases[i]);
        products[i] = NULL;
        weights[i] = biases[i] = NULL;
    }
    dnnl_primitive_destroy(softmax);
    softmax = NULL;
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
}

const struct contender contender_dnnl = {
    .name = "oneDNN", .open = open_dnnl, .run = run_dnnl, .close = close_dnnl, .answers = 1};
