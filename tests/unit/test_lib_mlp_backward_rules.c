/* test_lib_mlp_backward_rules.c - what axon/backward.h promises besides the numbers: what is kept,
 * what may be left out, what NaN may touch, buffer ends, no rows, what is refused, threads. */
#include <float.h>
#include <pthread.h>
#include "../oracle/guard.h"
#include "axon/cpu.h"
#include "test_lib_gradients.h"

enum { ROWS = 6 };

static struct network small_network(int scaled)
{
    struct network net = {
        .depth = 3, .sizes = {5, 19, 7, 3}, .names = {"relu", "prelu", "softmax"}};

    network_create(&net, scaled);
    return net;
}

/* Everything that g points to, as bytes are compared. */
static void check_same(const struct gradients *a, const struct gradients *b,
                       const struct network *net, size_t rows)
{
    ck_assert_mem_eq(a->all.x, b->all.x, rows * net->sizes[0] * sizeof(float));
    for (size_t l = 0; l < net->depth; l++) {
        const struct axon_layer_gradients *p = &a->layers[l], *q = &b->layers[l];
        size_t units = net->sizes[l + 1];

        ck_assert_mem_eq(p->weight, q->weight, units * net->sizes[l] * sizeof(float));
        ck_assert_mem_eq(p->bias, q->bias, units * sizeof(float));
        ck_assert_mem_eq(p->pre, q->pre, rows * units * sizeof(float));
        if (p->post && q->post)
            ck_assert_mem_eq(p->post, q->post, rows * units * sizeof(float));
    }
}

/* Units of which panels are full, padded, or both; more rows than any block has. */
START_TEST(the_forward_pass_is_bitwise_that_of_predict)
{
    enum { MANY = 300 };
    static const struct network nets[] = {
        {.depth = 3, .sizes = {5, 19, 7, 3}, .names = {"relu", "prelu", "softmax"}},
        {.depth = 3, .sizes = {300, 64, 32, 32}, .names = {"relu", "identity", "gelu"}},
        {.depth = 3, .sizes = {12, 100, 70, 1}, .names = {"softmax", "selu", "sigmoid"}},
    };
    static float y[MANY * 32], want[MANY * 32];
    struct network net = nets[_i / 2];
    size_t outputs = net.sizes[net.depth];
    float *x = random_floats(MANY * net.sizes[0], 1);
    void *scratch, *other;

    network_create(&net, _i % 2);
    scratch = scratch_for(net.mlp, MANY);
    other = aligned_alloc(64, axon_mlp_scratch_bytes(net.mlp));
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, MANY, y, scratch), AXON_OK);
    axon_mlp_predict(net.mlp, x, MANY, want, other, NULL);
    ck_assert_mem_eq(y, want, MANY * outputs * sizeof *y);
    ck_assert_mem_eq(axon_mlp_kept_post(net.mlp, MANY, scratch, net.depth - 1), y,
                     MANY * outputs * sizeof *y);
    for (size_t i = 0; _i / 2 == 0 && i < (size_t)MANY * 19; i++) {
        float z = axon_mlp_kept_pre(net.mlp, MANY, scratch, 0)[i];

        ck_assert_same(axon_mlp_kept_post(net.mlp, MANY, scratch, 0)[i], z > 0 ? z : 0);
    }
    free(scratch);
    free(other);
    free(x);
    network_destroy(&net);
}
END_TEST

START_TEST(an_upstream_at_the_logits_skips_the_last_activation)
{
    struct network net = small_network(1);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients whole, part;

    back_propagate(&whole, &net, x, ROWS, upstream);
    gradients_create(&part, &net, ROWS);
    free(part.layers[2].post);
    part.layers[2].post = NULL;
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, ROWS, NULL, part.scratch), AXON_OK);
    ck_assert_int_eq(axon_mlp_backward(net.mlp, x, ROWS, whole.layers[2].pre, AXON_UPSTREAM_PRE,
                                       &part.all, part.scratch),
                     AXON_OK);
    check_same(&whole, &part, &net, ROWS);
    gradients_destroy(&whole);
    gradients_destroy(&part);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

START_TEST(what_was_kept_serves_again)
{
    struct network net = small_network(1);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients once, again;

    back_propagate(&once, &net, x, ROWS, upstream);
    gradients_create(&again, &net, ROWS);
    free(again.scratch);
    again.scratch = once.scratch;
    once.scratch = NULL;
    ck_assert_int_eq(axon_mlp_backward(net.mlp, x, ROWS, upstream, AXON_UPSTREAM_POST, &again.all,
                                       again.scratch),
                     AXON_OK);
    check_same(&once, &again, &net, ROWS);
    gradients_destroy(&once);
    gradients_destroy(&again);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

static void check_near(float a, float b)
{
    ck_assert_msg(fabsf(a - b) <= 1e-5f, "%.9g, not %.9g", (double)a, (double)b);
}

START_TEST(parts_of_a_batch_add_up_to_it)
{
    enum { FIRST = ROWS / 2 }; /* sum has room for so many */
    struct network net = small_network(1);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients whole, sum;

    back_propagate(&whole, &net, x, ROWS, upstream);
    back_propagate(&sum, &net, x, FIRST, upstream);
    free(sum.scratch);
    sum.scratch = whole.scratch;
    whole.scratch = NULL;
    axon_mlp_forward_keep(net.mlp, x + FIRST * 5, ROWS - FIRST, NULL, sum.scratch);
    ck_assert_int_eq(axon_mlp_backward_add(net.mlp, x + FIRST * 5, ROWS - FIRST,
                                           upstream + FIRST * 3, AXON_UPSTREAM_POST, &sum.all,
                                           sum.scratch),
                     AXON_OK);
    for (size_t l = 0; l < net.depth; l++) {
        size_t units = net.sizes[l + 1];

        for (size_t i = 0; i < net.sizes[l] * units; i++)
            check_near(sum.layers[l].weight[i], whole.layers[l].weight[i]);
        for (size_t u = 0; u < units; u++)
            check_near(sum.layers[l].bias[u], whole.layers[l].bias[u]);
        for (size_t u = 0; sum.layers[l].slope && u < units; u++)
            check_near(sum.layers[l].slope[u], whole.layers[l].slope[u]);
    }
    axon_mlp_backward_add(net.mlp, x, 0, upstream, AXON_UPSTREAM_POST, &whole.all, sum.scratch);
    check_near(sum.layers[0].bias[0], whole.layers[0].bias[0]);
    gradients_destroy(&whole);
    gradients_destroy(&sum);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

/* upstream is the gradient by post, and what comes of it by pre is upstream times the slope. */
START_TEST(slopes_are_those_that_gradients_go_through)
{
    struct network net = small_network(0);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients g;
    float *slopes = floats(ROWS * WIDTH_MAX);

    back_propagate(&g, &net, x, ROWS, upstream);
    for (size_t l = 0; l < net.depth; l++) {
        if (net.activation[l]->kind != AXON_ELEMENTWISE) {
            ck_assert_int_eq(axon_mlp_slopes(net.mlp, ROWS, g.scratch, l, slopes),
                             AXON_EUNSUPPORTED);
            continue;
        }
        ck_assert_int_eq(axon_mlp_slopes(net.mlp, ROWS, g.scratch, l, slopes), AXON_OK);
        for (size_t i = 0; i < ROWS * net.sizes[l + 1]; i++)
            check_near(slopes[i] * g.layers[l].post[i], g.layers[l].pre[i]);
    }
    gradients_destroy(&g);
    free(slopes);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

START_TEST(any_gradient_may_be_left_out)
{
    struct network net = small_network(0);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1), dx[ROWS * 5];
    struct axon_layer_gradients none[3] = {{.weight = NULL}};
    struct axon_mlp_gradients wanted = {.layers = none};
    struct gradients g;
    float bias[7];

    back_propagate(&g, &net, x, ROWS, upstream);
    none[1].bias = bias;
    axon_mlp_backward(net.mlp, x, ROWS, upstream, AXON_UPSTREAM_POST, &wanted, g.scratch);
    ck_assert_mem_eq(bias, g.layers[1].bias, sizeof bias);
    wanted = (struct axon_mlp_gradients){.x = dx};
    axon_mlp_backward(net.mlp, x, ROWS, upstream, AXON_UPSTREAM_POST, &wanted, g.scratch);
    ck_assert_mem_eq(dx, g.all.x, sizeof dx);
    wanted = (struct axon_mlp_gradients){.x = NULL};
    ck_assert_int_eq(
        axon_mlp_backward(net.mlp, x, ROWS, upstream, AXON_UPSTREAM_POST, &wanted, g.scratch),
        AXON_OK);
    gradients_destroy(&g);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

START_TEST(no_rows_have_gradients_of_zero)
{
    struct network net = small_network(1);
    struct gradients g;
    const struct axon_layer_gradients *layer;
    const float zeros[19 * 7] = {0};

    back_propagate(&g, &net, NULL, 0, NULL);
    for (size_t l = 0; l < 3; l++) {
        layer = &g.layers[l];
        ck_assert_mem_eq(layer->weight, zeros, net.sizes[l] * net.sizes[l + 1] * sizeof(float));
        ck_assert_mem_eq(layer->bias, zeros, net.sizes[l + 1] * sizeof(float));
    }
    ck_assert_mem_eq(g.layers[1].slope, zeros, 7 * sizeof(float));
    gradients_destroy(&g);
    network_destroy(&net);
}
END_TEST

START_TEST(a_row_of_nan_or_infinity_leaves_the_other_rows_alone)
{
    struct network net = small_network(1);
    float bad = _i == 0 ? NAN : INFINITY;
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients clean, g;

    back_propagate(&clean, &net, x, ROWS, upstream);
    for (size_t f = 0; f < 5; f++)
        x[2 * 5 + f] = bad;
    back_propagate(&g, &net, x, ROWS, upstream);
    ck_assert_mem_eq(g.all.x, clean.all.x, 2 * 5 * sizeof(float));
    ck_assert_mem_eq(g.all.x + 3 * 5, clean.all.x + 3 * 5, 3 * 5 * sizeof(float));
    ck_assert_mem_eq(g.layers[1].pre + 3 * 7, clean.layers[1].pre + 3 * 7, 3 * 7 * sizeof(float));
    for (size_t u = 0; u < 3; u++)
        ck_assert(isnan(g.layers[2].bias[u]) && isnan(g.layers[2].weight[u * 7]));
    gradients_destroy(&clean);
    gradients_destroy(&g);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

/* Arrays of a layer [units, 3] and its batch of 5 rows, each flush against an unreadable page. */
static void check_guarded(size_t units, enum guard_side side)
{
    struct network net = {.depth = 2, .sizes = {3, units, 2}, .names = {"prelu", "tanh"}};
    enum { X, DX, UP, WEIGHT, BIAS, SLOPE, PRE, POST, SCRATCH, COUNT };
    size_t sizes[COUNT] = {15, 15, 10, units * 3, units, units, 5 * units, 5 * units, 0};
    struct guard at[COUNT];
    struct axon_layer_gradients layers[2] = {{.bias = NULL}, {.bias = NULL}};
    struct axon_mlp_gradients wanted = {.layers = layers};
    size_t bytes;

    network_create(&net, units % 2 == 0);
    ck_assert_int_eq(axon_mlp_backward_scratch_bytes(net.mlp, 5, &bytes), AXON_OK);
    sizes[SCRATCH] = bytes / sizeof(float);
    for (size_t i = 0; i < COUNT; i++)
        at[i] = guard_create(sizes[i], side);
    layers[0] = (struct axon_layer_gradients){at[WEIGHT].data, at[BIAS].data, at[SLOPE].data,
                                              at[PRE].data, at[POST].data};
    wanted.x = at[DX].data;
    axon_mlp_forward_keep(net.mlp, at[X].data, 5, NULL, at[SCRATCH].data);
    ck_assert_int_eq(axon_mlp_backward(net.mlp, at[X].data, 5, at[UP].data, AXON_UPSTREAM_POST,
                                       &wanted, at[SCRATCH].data),
                     AXON_OK);
    for (size_t i = 0; i < COUNT; i++)
        guard_destroy(&at[i]);
    network_destroy(&net);
}

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    for (size_t units = 1; units < 70; units += units < 18 ? 1 : 46)
        for (int side = 0; side < GUARD_SIDES; side++)
            check_guarded(units, (enum guard_side)side);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(rows_that_do_not_fit_are_refused)
{
    static const size_t too_many[] = {((size_t)1 << 30) + 1, SIZE_MAX / 100, SIZE_MAX};
    struct network net = small_network(0);
    struct axon_mlp_gradients wanted = {.x = NULL};
    size_t bytes = 1;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(axon_mlp_backward_scratch_bytes(net.mlp, too_many[i], &bytes),
                         AXON_ESHAPE);
        ck_assert_uint_eq(bytes, 0);
        ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, NULL, too_many[i], NULL, NULL),
                         AXON_ESHAPE);
        ck_assert_int_eq(
            axon_mlp_backward(net.mlp, NULL, too_many[i], NULL, AXON_UPSTREAM_POST, &wanted, NULL),
            AXON_ESHAPE);
    }
    network_destroy(&net);
}
END_TEST

START_TEST(gradients_that_are_not_there_are_refused)
{
    struct network net = small_network(0);
    float x[5] = {1}, upstream[3] = {1}, room[64], dx[5] = {7};
    void *scratch = scratch_for(net.mlp, 1);

    axon_mlp_forward_keep(net.mlp, x, 1, NULL, scratch);
    for (size_t l = 0; l < 3; l++) {
        struct axon_layer_gradients layers[3] = {{.weight = NULL}};
        struct axon_mlp_gradients wanted = {dx, layers};
        enum axon_status want = l == 1 ? AXON_OK : AXON_EUNSUPPORTED;

        layers[l].slope = room;
        dx[0] = 7;
        ck_assert_int_eq(
            axon_mlp_backward(net.mlp, x, 1, upstream, AXON_UPSTREAM_POST, &wanted, scratch), want);
        ck_assert_int_eq(dx[0] == 7, want != AXON_OK);
        layers[l].slope = NULL;
        layers[l].post = room;
        ck_assert_int_eq(
            axon_mlp_backward(net.mlp, x, 1, upstream, AXON_UPSTREAM_PRE, &wanted, scratch),
            l == 2 ? AXON_EUNSUPPORTED : AXON_OK);
    }
    free(scratch);
    network_destroy(&net);
}
END_TEST

/* Every array laid upon every other in turn, by its last float: all but inputs that share. */
START_TEST(arrays_that_overlap_are_refused)
{
    enum { X, UPSTREAM, READ_ONLY, SCRATCH = READ_ONLY, DX, WEIGHT, BIAS, SLOPE, PRE, POST, ALL };
    struct network net = small_network(0);
    size_t bytes, counts[ALL] = {2 * 5, 2 * 3, 0, 2 * 5, 7 * 19, 7, 7, 2 * 7, 2 * 7};
    float *room = aligned_alloc(64, 1 << 20), *at[ALL], *before = malloc(1 << 20);

    ck_assert_int_eq(axon_mlp_backward_scratch_bytes(net.mlp, 2, &bytes), AXON_OK);
    counts[SCRATCH] = bytes / sizeof *room;
    memset(room, 0, 1 << 20);
    for (size_t i = 0; i < ALL; i++)
        for (size_t j = 0; j < ALL; j++) {
            struct axon_layer_gradients layers[3] = {{NULL}};
            struct axon_mlp_gradients wanted = {NULL, layers};
            size_t end = 0;

            for (size_t k = 0; k < ALL; k++, end += 1024)
                at[k] = room + end + (k > SCRATCH) * ((bytes + 4095) / 4096 * 1024);
            if (i != j && i != SCRATCH) /* which has to stay aligned */
                at[i] = at[j] + counts[j] - 1;
            wanted.x = at[DX];
            layers[1] = (struct axon_layer_gradients){at[WEIGHT], at[BIAS], at[SLOPE], at[PRE],
                                                      at[POST]};
            memcpy(before, room, 1 << 20);
            ck_assert_int_eq(axon_mlp_backward(net.mlp, at[X], 2, at[UPSTREAM], AXON_UPSTREAM_POST,
                                               &wanted, at[SCRATCH]),
                             i == j || i == SCRATCH || (i < READ_ONLY && j < READ_ONLY)
                                 ? AXON_OK
                                 : AXON_EOVERLAP);
            if (i != j && i != SCRATCH && (i >= READ_ONLY || j >= READ_ONLY))
                ck_assert_mem_eq(before, room, 1 << 20);
            ck_assert_int_eq(axon_mlp_backward(net.mlp, at[X], 2, at[UPSTREAM],
                                               (enum axon_upstream)2, &wanted, at[SCRATCH]),
                             AXON_EPARAM);
        }
    free(before);
    free(room);
    network_destroy(&net);
}
END_TEST

START_TEST(a_forward_pass_into_its_own_input_is_refused)
{
    struct network net = small_network(1);
    float *scratch = scratch_for(net.mlp, 2), x[10] = {0}, y[6], *inside = scratch + 3;

    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, 2, x + 9, scratch), AXON_EOVERLAP);
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, inside, 2, y, scratch), AXON_EOVERLAP);
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, 2, inside, scratch), AXON_EOVERLAP);
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, 2, y, scratch + 1), AXON_EALIGN);
    ck_assert_int_eq(axon_mlp_forward_keep(net.mlp, x, 2, y, scratch), AXON_OK);
    free(scratch);
    network_destroy(&net);
}
END_TEST

/* ---- threads, norms ---- */

enum { THREADS = 4, ROUNDS = 50 };

struct worker {
    const struct network *net;
    const float *x, *upstream;
    struct gradients g;
    pthread_t thread;
};

static void *work(void *argument)
{
    struct worker *w = argument;

    for (int i = 0; i < ROUNDS; i++) {
        axon_mlp_forward_keep(w->net->mlp, w->x, ROWS, NULL, w->g.scratch);
        axon_mlp_backward(w->net->mlp, w->x, ROWS, w->upstream, AXON_UPSTREAM_POST, &w->g.all,
                          w->g.scratch);
    }
    return NULL;
}

START_TEST(one_model_serves_many_threads)
{
    static struct worker workers[THREADS];
    struct network net = small_network(1);
    float *x = random_floats(ROWS * 5, 1), *upstream = random_floats(ROWS * 3, 1);
    struct gradients want;

    back_propagate(&want, &net, x, ROWS, upstream);
    for (size_t t = 0; t < THREADS; t++) {
        workers[t].net = &net;
        workers[t].x = x;
        workers[t].upstream = upstream;
        gradients_create(&workers[t].g, &net, ROWS);
        ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(workers[t].thread, NULL);
        check_same(&want, &workers[t].g, &net, ROWS);
        gradients_destroy(&workers[t].g);
    }
    gradients_destroy(&want);
    free(x);
    free(upstream);
    network_destroy(&net);
}
END_TEST

START_TEST(norms_neither_overflow_nor_vanish)
{
    const float huge[] = {FLT_MAX, -FLT_MAX}, tiny[] = {3e-45f, -4e-45f}, three[] = {3, 4};

    ck_assert_same(axon_norm(three, 2), 5);
    ck_assert_same(axon_norm(NULL, 0), 0);
    ck_assert_near(axon_norm(huge, 2) / (double)FLT_MAX, sqrt(2), 1e-15);
    ck_assert_near(axon_norm(tiny, 2) / hypot((double)tiny[0], (double)tiny[1]), 1, 1e-15);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp_backward_rules");
    TCase *rest = suite_case(suite, "rules");

    tcase_add_loop_test(rest, the_forward_pass_is_bitwise_that_of_predict, 0, 6);
    tcase_add_test(rest, an_upstream_at_the_logits_skips_the_last_activation);
    tcase_add_test(rest, what_was_kept_serves_again);
    tcase_add_test(rest, parts_of_a_batch_add_up_to_it);
    tcase_add_test(rest, slopes_are_those_that_gradients_go_through);
    tcase_add_test(rest, any_gradient_may_be_left_out);
    tcase_add_test(rest, no_rows_have_gradients_of_zero);
    tcase_add_loop_test(rest, a_row_of_nan_or_infinity_leaves_the_other_rows_alone, 0, 2);
    tcase_add_test(rest, nothing_outside_of_the_buffers_is_touched);
    tcase_add_test(rest, rows_that_do_not_fit_are_refused);
    tcase_add_test(rest, gradients_that_are_not_there_are_refused);
    tcase_add_test(rest, arrays_that_overlap_are_refused);
    tcase_add_test(rest, a_forward_pass_into_its_own_input_is_refused);
    tcase_add_test(rest, one_model_serves_many_threads);
    tcase_add_test(rest, norms_neither_overflow_nor_vanish);
    return suite_run(suite);
}
