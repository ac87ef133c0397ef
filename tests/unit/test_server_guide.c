/* test_server_guide.c - every question has an answer, in names that the catalogue and the metrics
 * have. */
#include <axon/activation.h>
#include <axon/initializer.h>
#include <axon/loss.h>
#include <string.h>
#include "guide/guide.h"
#include "suite.h"

static const unsigned depths[] = {1, 2, 3, 7, 8, 9, 10, GUIDE_DEPTH_MAX};
enum {
    DEPTHS = sizeof depths / sizeof *depths,
    QUESTIONS = (int)GUIDE_TASKS * (int)GUIDE_NETWORKS * DEPTHS
};

static void ask(int i, struct guide_question *question, struct guide_answer *answer)
{
    *question = (struct guide_question){(enum guide_task)(i % GUIDE_TASKS),
                                        (enum guide_network)(i / GUIDE_TASKS % GUIDE_NETWORKS),
                                        depths[i / GUIDE_TASKS / GUIDE_NETWORKS]};
    guide_answer(question, answer);
}

START_TEST(every_question_has_an_answer_that_repeats_nothing)
{
    struct guide_question q;
    struct guide_answer a;

    ask(_i, &q, &a);
    ck_assert_uint_ge(a.outputs_count, 1);
    ck_assert_uint_ge(a.hidden_count, 3);
    ck_assert_uint_ge(a.watch_count, 1);
    for (size_t i = 0; i < a.hidden_count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(a.hidden[i]->activation, a.hidden[j]->activation);
    for (size_t i = 0; i < a.watch_count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(a.watch[i], a.watch[j]);
}
END_TEST

START_TEST(names_are_those_of_the_catalogue)
{
    struct guide_question q;
    struct guide_answer a;

    ask(_i, &q, &a);
    for (size_t i = 0; i < a.outputs_count; i++) {
        const struct axon_activation *act = axon_activation_find(a.outputs[i]->activation);
        const struct axon_loss *loss = axon_loss_find(a.outputs[i]->loss, NULL);

        ck_assert_msg(act && strcmp(act->name, a.outputs[i]->activation) == 0, "%s",
                      a.outputs[i]->activation);
        ck_assert_msg(loss && strcmp(loss->name, a.outputs[i]->loss) == 0, "%s",
                      a.outputs[i]->loss);
    }
    for (size_t i = 0; i < a.hidden_count; i++) {
        const struct guide_hidden *h = a.hidden[i];
        const struct axon_activation *act = axon_activation_find(h->activation);

        ck_assert_msg(act && strcmp(act->name, h->activation) == 0, "%s", h->activation);
        ck_assert_ptr_nonnull(axon_initializer_find(act->initializer));
        ck_assert(h->params_count == 0 || h->params_count == act->parameters_count);
        ck_assert_int_eq(axon_activation_check(act, h->params_count ? h->params : NULL,
                                               h->params_count, h->params_count, NULL),
                         AXON_OK);
    }
}
END_TEST

START_TEST(the_output_is_the_tasks_and_the_loss_is_made_for_it)
{
    static const char *const want[GUIDE_TASKS][2] = {
        [GUIDE_BINARY] = {"sigmoid", "binary_cross_entropy"},
        [GUIDE_MULTICLASS] = {"softmax", "cross_entropy"},
        [GUIDE_MULTILABEL] = {"sigmoid", "binary_cross_entropy"},
        [GUIDE_REGRESSION] = {"identity", "mse"}};
    struct guide_question q;
    struct guide_answer a;

    ask(_i, &q, &a);
    ck_assert_str_eq(a.outputs[0]->activation, want[q.task][0]);
    ck_assert_str_eq(a.outputs[0]->loss, want[q.task][1]);
    ck_assert_str_eq(axon_loss_find(a.outputs[0]->loss, NULL)->activation,
                     a.outputs[0]->activation);
}
END_TEST

START_TEST(each_kind_of_network_has_its_first_choice)
{
    static const char *const want[GUIDE_NETWORKS] = {[GUIDE_MLP] = "relu",
                                                     [GUIDE_CNN] = "relu",
                                                     [GUIDE_RNN] = "tanh",
                                                     [GUIDE_GAN] = "leaky_relu",
                                                     [GUIDE_TRANSFORMER] = "gelu"};
    struct guide_question q;
    struct guide_answer a;

    ask(_i, &q, &a);
    ck_assert_str_eq(a.hidden[0]->activation, want[q.network]);
    if (strcmp(want[q.network], "relu") == 0) {
        ck_assert_str_eq(axon_activation_find("relu")->initializer, "he_normal");
        ck_assert_str_eq(a.hidden[1]->activation, "leaky_relu"); /* where units die */
        ck_assert_str_eq(a.watch[0], "axond_dead_relu_ratio");
    }
}
END_TEST

/* GELU and tanh are never exactly 0, so a share of dead units would say nothing. */
START_TEST(a_metric_fits_the_activations_that_are_recommended)
{
    struct guide_question q;
    struct guide_answer a;
    bool dead = false, saturated = false, classes = false;

    ask(_i, &q, &a);
    for (size_t i = 0; i < a.watch_count; i++) {
        dead |= strcmp(a.watch[i], "axond_dead_relu_ratio") == 0;
        saturated |= strcmp(a.watch[i], "axond_saturated_output_ratio") == 0;
        classes |= strcmp(a.watch[i], "axond_prediction_confidence") == 0;
    }
    ck_assert(
        dead == axon_activation_has_zeros(axon_activation_find(a.hidden[0]->activation), NULL, 0) ||
        q.network == GUIDE_GAN); /* of the generator's relu */
    ck_assert(saturated == (q.network == GUIDE_RNN));
    ck_assert(classes == (q.task == GUIDE_BINARY || q.task == GUIDE_MULTICLASS));
}
END_TEST

/* Saturation adds up over layers: a deep MLP is offered no tanh. */
START_TEST(depth_decides)
{
    struct guide_answer a;
    bool bounded[2] = {false}, normalising[2] = {false};

    for (unsigned deep = 0; deep < 2; deep++) {
        guide_answer(&(struct guide_question){GUIDE_BINARY, GUIDE_MLP, deep ? 20 : 2}, &a);
        for (size_t i = 0; i < a.hidden_count; i++) {
            bounded[deep] |= strcmp(a.hidden[i]->activation, "tanh") == 0;
            normalising[deep] |= strcmp(a.hidden[i]->activation, "selu") == 0;
        }
    }
    ck_assert(bounded[0] && !bounded[1] && !normalising[0] && normalising[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guide");
    TCase *tc = suite_case(suite, "guide");

    tcase_add_loop_test(tc, every_question_has_an_answer_that_repeats_nothing, 0, QUESTIONS);
    tcase_add_loop_test(tc, names_are_those_of_the_catalogue, 0, QUESTIONS);
    tcase_add_loop_test(tc, the_output_is_the_tasks_and_the_loss_is_made_for_it, 0, QUESTIONS);
    tcase_add_loop_test(tc, each_kind_of_network_has_its_first_choice, 0, QUESTIONS);
    tcase_add_loop_test(tc, a_metric_fits_the_activations_that_are_recommended, 0, QUESTIONS);
    tcase_add_test(tc, depth_decides);
    return suite_run(suite);
}
