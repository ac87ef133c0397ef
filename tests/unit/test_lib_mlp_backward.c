/* test_lib_mlp_backward.c - gradients of networks against a plain network in double: by finite
 * differences for every activation, by the chain rule for every shape.
 * test_lib_mlp_backward_rules.c has the rest of the contract, test_lib_torch.c holds both to
 * PyTorch. */
#include "../oracle/oracle.h"
#include "axon/cpu.h"
#include "test_lib_gradients.h"

/* ---- finite differences ---- */

static void reference_softmax(double *z, size_t n, double sign, int logarithm)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += exp(sign * z[i]);
    for (size_t i = 0; i < n; i++)
        z[i] = logarithm ? sign * z[i] - log(sum) : exp(sign * z[i]) / sum;
}

/* False: this file has no formula for it. */
static int reference_activate(const struct axon_activation *act, double *z, size_t n)
{
    size_t count;
    const struct oracle *oracle = oracle_for((size_t)(act - axon_activation_table(&count)));
    double params[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)act->parameters[k].value;
    for (size_t i = 0; act->kind == AXON_ELEMENTWISE && i < n; i++)
        z[i] = oracle->forward(z[i], params);
    if (strcmp(act->name, "softmax") == 0)
        reference_softmax(z, n, 1, 0);
    else if (strcmp(act->name, "softmin") == 0)
        reference_softmax(z, n, -1, 0);
    else if (strcmp(act->name, "log_softmax") == 0)
        reference_softmax(z, n, 1, 1);
    else
        return act->kind == AXON_ELEMENTWISE;
    return 1;
}

/* A network whose numbers are doubles, so that they can be moved by little. */
enum { SMALL = 64 };
struct doubles {
    double weight[DEPTH_MAX][SMALL], bias[DEPTH_MAX][SMALL], x[SMALL], scale[SMALL];
};

/* sum of upstream * network(x) */
static double reference_value(const struct network *net, const struct doubles *d, size_t rows,
                              const float *upstream)
{
    double value = 0;

    for (size_t r = 0; r < rows; r++) {
        double in[SMALL], out[SMALL];
        size_t outputs = net->sizes[net->depth];

        for (size_t f = 0; f < net->sizes[0]; f++)
            in[f] = d->x[r * net->sizes[0] + f] * d->scale[f];
        for (size_t l = 0; l < net->depth; l++) {
            for (size_t u = 0; u < net->sizes[l + 1]; u++) {
                out[u] = d->bias[l][u];
                for (size_t f = 0; f < net->sizes[l]; f++)
                    out[u] += in[f] * d->weight[l][u * net->sizes[l] + f];
            }
            reference_activate(net->activation[l], out, net->sizes[l + 1]);
            memcpy(in, out, sizeof in);
        }
        for (size_t u = 0; u < outputs; u++)
            value += in[u] * (double)upstream[r * outputs + u];
    }
    return value;
}

/* d value / d at[i] for each i, by central differences. */
static void differences(const struct network *net, struct doubles *d, size_t rows,
                        const float *upstream, double *at, size_t n, double *slopes)
{
    const double step = 1e-6;

    for (size_t i = 0; i < n; i++) {
        double kept = at[i], above, below;

        at[i] = kept + step;
        above = reference_value(net, d, rows, upstream);
        at[i] = kept - step;
        below = reference_value(net, d, rows, upstream);
        at[i] = kept;
        slopes[i] = (above - below) / (2 * step);
    }
}

static void to_doubles(double *to, const float *from, size_t n)
{
    ck_assert_uint_le(n, SMALL);
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static void check_differences(struct network *net, size_t rows, int scaled)
{
    static struct doubles d;
    float *x, *upstream;
    double slopes[SMALL];
    struct gradients g;

    network_create(net, scaled);
    x = random_floats(rows * net->sizes[0], 1.5f);
    upstream = random_floats(rows * net->sizes[net->depth], 1);
    back_propagate(&g, net, x, rows, upstream);
    to_doubles(d.x, x, rows * net->sizes[0]);
    for (size_t f = 0; f < net->sizes[0]; f++)
        d.scale[f] = net->scale ? (double)net->scale[f] : 1;
    for (size_t l = 0; l < net->depth; l++) {
        to_doubles(d.weight[l], net->weight[l], net->sizes[l] * net->sizes[l + 1]);
        to_doubles(d.bias[l], net->bias[l], net->sizes[l + 1]);
    }
    for (size_t l = 0; l < net->depth; l++) {
        size_t units = net->sizes[l + 1], n = units * net->sizes[l];

        differences(net, &d, rows, upstream, d.weight[l], n, slopes);
        check_close("weight", l, g.layers[l].weight, slopes, n);
        differences(net, &d, rows, upstream, d.bias[l], units, slopes);
        check_close("bias", l, g.layers[l].bias, slopes, units);
    }
    differences(net, &d, rows, upstream, d.x, rows * net->sizes[0], slopes);
    check_close("x", 0, g.all.x, slopes, rows * net->sizes[0]);
    gradients_destroy(&g);
    free(x);
    free(upstream);
    network_destroy(net);
}

START_TEST(every_activation_agrees_with_finite_differences_on_every_isa)
{
    double probe[2] = {0, 1};
    size_t rows, isas;
    const struct axon_activation *act = &axon_activation_table(&rows)[_i];
    const char *const *names = axon_isa_list(&isas);

    for (size_t i = 0; i < isas && reference_activate(act, probe, 2); i++) {
        struct network net = {.depth = 3, .sizes = {4, 7, 6, 3}, .activation = {act, act, act}};
        struct network one = {.depth = 1, .sizes = {5, 8}, .activation = {act}};

        ck_assert_int_eq(axon_isa_select(names[i]), AXON_OK);
        check_differences(&net, 5, 0);
        check_differences(&one, 2, 1);
    }
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
}
END_TEST

/* ---- the chain rule in double, for shapes that are too large for differences ---- */

static double pre[DEPTH_MAX][ROWS_MAX * WIDTH_MAX], post[DEPTH_MAX][ROWS_MAX * WIDTH_MAX],
    dpre[ROWS_MAX * WIDTH_MAX], dpost[ROWS_MAX * WIDTH_MAX], sums[WIDTH_MAX * WIDTH_MAX];

static const double *doubles_in(const struct network *net, const float *x, size_t rows,
                                size_t layer)
{
    static double in[ROWS_MAX * WIDTH_MAX];

    if (layer > 0)
        return post[layer - 1];
    for (size_t i = 0; i < rows * net->sizes[0]; i++)
        in[i] = (double)x[i] * (net->scale ? (double)net->scale[i % net->sizes[0]] : 1);
    return in;
}

static void chain_forward(const struct network *net, const float *x, size_t rows)
{
    for (size_t l = 0; l < net->depth; l++) {
        const double *in = doubles_in(net, x, rows, l);
        size_t units = net->sizes[l + 1], features = net->sizes[l];

        for (size_t r = 0; r < rows; r++) {
            double *z = pre[l] + r * units;

            for (size_t u = 0; u < units; u++) {
                z[u] = (double)net->bias[l][u];
                for (size_t f = 0; f < features; f++)
                    z[u] += in[r * features + f] * (double)net->weight[l][u * features + f];
            }
        }
        memcpy(post[l], pre[l], rows * units * sizeof **post);
        for (size_t r = 0; r < rows; r++)
            reference_activate(net->activation[l], post[l] + r * units, units);
    }
}

/* dpre of the layer is there: its weights and biases, and dpost of what is before it. */
static void chain_layer(const struct network *net, const float *x, size_t rows, size_t l,
                        const struct gradients *g)
{
    const double *in = doubles_in(net, x, rows, l);
    size_t units = net->sizes[l + 1], features = net->sizes[l];

    memset(sums, 0, units * features * sizeof *sums);
    memset(dpost, 0, rows * features * sizeof *dpost);
    for (size_t r = 0; r < rows; r++)
        for (size_t u = 0; u < units; u++)
            for (size_t f = 0; f < features; f++) {
                sums[u * features + f] += dpre[r * units + u] * in[r * features + f];
                dpost[r * features + f] += dpre[r * units + u] *
                                           (double)net->weight[l][u * features + f];
            }
    check_close("weight", l, g->layers[l].weight, sums, units * features);
    memset(sums, 0, units * sizeof *sums);
    for (size_t i = 0; i < rows * units; i++)
        sums[i % units] += dpre[i];
    check_close("bias", l, g->layers[l].bias, sums, units);
}

static void check_chain(struct network *net, size_t rows, int scaled)
{
    size_t count;
    float *x, *upstream;
    struct gradients g;
    const double params[AXON_PARAMETERS_MAX] = {0};

    network_create(net, scaled);
    x = random_floats(rows * net->sizes[0], 1);
    upstream = random_floats(rows * net->sizes[net->depth], 1);
    back_propagate(&g, net, x, rows, upstream);
    chain_forward(net, x, rows);
    for (size_t i = 0; i < rows * net->sizes[net->depth]; i++)
        dpost[i] = (double)upstream[i];
    for (size_t l = net->depth; l-- > 0;) {
        size_t row = (size_t)(net->activation[l] - axon_activation_table(&count));
        size_t n = rows * net->sizes[l + 1];

        for (size_t i = 0; i < n; i++)
            dpre[i] = dpost[i] * oracle_for(row)->derivative(pre[l][i], params);
        check_close("post", l, g.layers[l].post, dpost, n);
        check_close("pre", l, g.layers[l].pre, dpre, n);
        chain_layer(net, x, rows, l, &g);
    }
    for (size_t i = 0; i < rows * net->sizes[0] && net->scale; i++)
        dpost[i] *= (double)net->scale[i % net->sizes[0]];
    check_close("x", 0, g.all.x, dpost, rows * net->sizes[0]);
    gradients_destroy(&g);
    free(x);
    free(upstream);
    network_destroy(net);
}

static const struct {
    size_t rows, sizes[DEPTH_MAX + 1];
} shapes[] = {{1, {1, 1}},           {2, {1, 17, 1}},         {3, {30, 64}},
              {5, {2, 65, 63}},      {4, {100, 129, 1}},      {7, {7, 300, 48}},
              {300, {3, 15, 31, 2}}, {16, {64, 128, 64, 10}}, {1, {5, 8, 130, 9, 3}}};

START_TEST(any_shape_agrees_with_the_chain_rule)
{
    struct network net = {.names = {"tanh", "sigmoid", "gelu", "identity"}};

    while (net.depth < DEPTH_MAX && shapes[_i].sizes[net.depth + 1] != 0)
        net.depth++;
    memcpy(net.sizes, shapes[_i].sizes, sizeof net.sizes);
    check_chain(&net, shapes[_i].rows, _i % 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp_backward");
    TCase *tcase = suite_case(suite, "gradients");
    size_t count;

    axon_activation_table(&count);
    tcase_add_loop_test(tcase, every_activation_agrees_with_finite_differences_on_every_isa, 0,
                        (int)count);
    tcase_add_loop_test(tcase, any_shape_agrees_with_the_chain_rule, 0,
                        sizeof shapes / sizeof *shapes);
    return suite_run(suite);
}
