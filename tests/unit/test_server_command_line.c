/* test_server_command_line.c - commands, their words and flags, and what each says of itself. */
#include <check.h>
#include <stdlib.h>
#include "options_read.h"
#include "suite.h"

START_TEST(a_command_takes_its_words_and_flags_in_any_order)
{
    ck_assert_int_eq(FLAGS("predict", "--top-k=3", "digits/1", "--format", "csv"), OPTIONS_OK);
    ck_assert_int_eq(line.command, COMMAND_PREDICT);
    ck_assert_str_eq(line.arguments[ARGUMENT_MODEL], "digits/1");
    ck_assert_str_eq(line.arguments[ARGUMENT_TOP_K], "3");
    ck_assert_str_eq(line.arguments[ARGUMENT_FORMAT], "csv");
    ck_assert_ptr_null(line.arguments[ARGUMENT_OUTPUT_FORMAT]);
    ck_assert_int_eq(FLAGS("--threads", "2", "predict", "--models", "x", "digits"), OPTIONS_OK);
    ck_assert_str_eq(options.models, "x");
}
END_TEST

START_TEST(pairs_are_told_from_the_word_and_kept_in_their_order)
{
    ck_assert_int_eq(FLAGS("apply", "alpha=0.2", "relu", "axis=-1", "--gradient"), OPTIONS_OK);
    ck_assert_str_eq(line.arguments[ARGUMENT_ACTIVATION], "relu");
    ck_assert_uint_eq(line.words_count, 2);
    ck_assert_str_eq(line.words[0], "alpha=0.2");
    ck_assert_str_eq(line.words[1], "axis=-1");
    ck_assert_ptr_nonnull(line.arguments[ARGUMENT_GRADIENT]);
}
END_TEST

START_TEST(pairs_are_at_most_as_many_as_there_is_room_for)
{
    char *words[COMMAND_WORDS_MAX + 4] = {"axond", "apply", "relu"};
    int count = 3;

    while (count < COMMAND_WORDS_MAX + 4)
        words[count++] = "a=1";
    error = (struct error){0};
    ck_assert_int_eq(options_read(&options, &line, count, words, nothing, &error), OPTIONS_USAGE);
    ck_assert_str_eq(error.detail, "a=1: apply takes at most 16 words NAME=VALUE");
}
END_TEST

START_TEST(a_model_is_left_out_where_one_is_named_otherwise)
{
    ck_assert_int_eq(FLAGS("predict", "--model-dir", "here"), OPTIONS_OK);
    ck_assert_ptr_null(line.arguments[ARGUMENT_MODEL]);
    ck_assert_int_eq(read_all((char *[]){"replay", NULL}, (char *[]){"AXOND_MODEL_DIR=here", NULL}),
                     OPTIONS_OK);
}
END_TEST

static const struct {
    const char *words[4];
    const char *message;
} wrong[] = {
    {{"predict"},
     "predict: expected MODEL: a model of --models: its newest version, or NAME/VERSION, "
     "NAME/LABEL; none with --model-dir"},
    {{"predict", "a", "b"}, "b: MODEL was given already: a"},
    {{"predict", "a", "x=1"}, "x=1: MODEL was given already: a"},
    {{"predict", "a", "--gradient"}, "--gradient: predict takes no such argument"},
    {{"predict", "a", "--format"}, "--format: expected a value"},
    {{"predict", "a", "--format=xml"},
     "--format: expected one of json|ndjson|npy|csv, found \"xml\""},
    {{"predict", "a", "--format=js"},
     "--format: expected one of json|ndjson|npy|csv, found \"js\""},
    {{"predict", "a", "--format=json|npy"},
     "--format: expected one of json|ndjson|npy|csv, found \"json|npy\""},
    {{"predict", "a", "--format="}, "--format: expected FORMAT, found an empty text"},
    {{"predict", "a", "--top-k=0"},
     "--top-k: expected a whole number from 1 to 999999999, found \"0\""},
    {{"predict", "a", "--top-k=1.5"},
     "--top-k: expected a whole number from 1 to 999999999, found \"1.5\""},
    {{"predict", "a", "--top-k=-1"},
     "--top-k: expected a whole number from 1 to 999999999, found \"-1\""},
    {{"predict", "a", "--top-k=1000000000"},
     "--top-k: expected a whole number from 1 to 999999999, found \"1000000000\""},
    {{"predict", "a", "--topk=1"}, "--topk: no such option; did you mean \"--top-k\"?"},
    {{"apply", "relu", "--gradient=yes"}, "--gradient: takes no value"},
    {{"apply", "relu", "--gradient", "--gradient"},
     "--gradient: --gradient was given already: "
     "--gradient"},
    {{"apply", "a=1"},
     "apply: expected ACTIVATION: its name or an alias of it, such as relu or swish"},
    {{"inspect"}, "inspect: expected FILE|FOLDER: weights, rows, a model's folder, a repository"},
    {{"predikt", "a"},
     "predikt: no such command, and options start with --; did you mean "
     "\"predict\"?"},
    {{"predict", "--version"}, "--version: one command at a time"},
};

START_TEST(wrong_usage_names_the_word_and_what_is_right)
{
    char **words = (char **)(uintptr_t)wrong[_i].words;

    ck_assert_int_eq(read_all((char *[]){words[0], words[1], words[2], words[3], NULL}, nothing),
                     OPTIONS_USAGE);
    ck_assert_str_eq(error.detail, wrong[_i].message);
}
END_TEST

START_TEST(help_is_about_the_command_that_stands_beside_it)
{
    ck_assert_int_eq(FLAGS("--help"), OPTIONS_OK);
    ck_assert_int_eq(line.about, COMMAND_HELP);
    ck_assert_int_eq(FLAGS("predict", "--help"), OPTIONS_OK);
    ck_assert_int_eq(line.command, COMMAND_HELP);
    ck_assert_int_eq(line.about, COMMAND_PREDICT);
    ck_assert_int_eq(FLAGS("--help", "predict"), OPTIONS_OK);
    ck_assert_int_eq(line.about, COMMAND_PREDICT);
    ck_assert_int_eq(FLAGS("--check-config", "-h"), OPTIONS_OK);
    ck_assert_int_eq(line.about, COMMAND_CHECK_CONFIG);
}
END_TEST

/* But for --version and --help, of which the list says all. */
START_TEST(each_command_says_what_it_does_and_how_it_exits)
{
    char *text = options_help_command((enum command)_i), *next;

    ck_assert_ptr_nonnull(text);
    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        if (command_rows[_i].takes & 1U << a && *argument_rows[a].flag)
            ck_assert_ptr_nonnull(strstr(text, argument_rows[a].flag));
    ck_assert_ptr_nonnull(strstr(text, "\nExit:\n  0 "));
    ck_assert_ptr_nonnull(strstr(text, "\nExamples:\n  "));
    for (char *at = text; *at; at = next) {
        next = at + strcspn(at, "\n") + 1;
        ck_assert_int_le(next - at, 101);
    }
    free(text);
}
END_TEST

START_TEST(completion_knows_all_commands_and_flags)
{
    char *text = options_completion();

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        ck_assert_ptr_nonnull(strstr(text, command_rows[i].name));
    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        ck_assert_ptr_nonnull(strstr(text, argument_rows[a].flag));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command line");
    TCase *tc = suite_case(suite, "command line");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_command_takes_its_words_and_flags_in_any_order);
    tcase_add_test(tc, pairs_are_told_from_the_word_and_kept_in_their_order);
    tcase_add_test(tc, pairs_are_at_most_as_many_as_there_is_room_for);
    tcase_add_test(tc, a_model_is_left_out_where_one_is_named_otherwise);
    tcase_add_loop_test(tc, wrong_usage_names_the_word_and_what_is_right, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, help_is_about_the_command_that_stands_beside_it);
    tcase_add_loop_test(tc, each_command_says_what_it_does_and_how_it_exits, 0, COMMAND_VERSION);
    tcase_add_test(tc, completion_knows_all_commands_and_flags);
    return suite_run(suite);
}
