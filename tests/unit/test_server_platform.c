/* test_server_platform.c - variables of platforms: what they set, what they win over, and in which
 * words they are refused. */
#include <check.h>
#include <stdlib.h>
#include "options_read.h"
#include "suite.h"

static char *const variables[] = {
#define PLATFORM(variable, ...) #variable,
#include "options/platforms.def"
};
enum { VARIABLES = sizeof variables / sizeof *variables };

/* By a flag and by variables. */
#define BOTH(flag, ...) read_all((char *[]){(flag), NULL}, (char *[]){__VA_ARGS__, NULL})

START_TEST(a_port_is_served_on_every_address)
{
    ck_assert_int_eq(ENVIRONMENT("AIP_HTTP_PORT=8085"), OPTIONS_OK);
    ck_assert_str_eq(options.listen, "0.0.0.0:8085");
    ck_assert_int_eq(ENVIRONMENT("SAGEMAKER_BIND_TO_PORT=65535"), OPTIONS_OK);
    ck_assert_str_eq(options.listen, "0.0.0.0:65535");
}
END_TEST

START_TEST(routes_are_told)
{
    ck_assert_int_eq(ENVIRONMENT("AIP_HEALTH_ROUTE=/v1/endpoints/7/deployedModels/8",
                                 "AIP_PREDICT_ROUTE=/v1/endpoints/7/deployedModels/8:predict"),
                     OPTIONS_OK);
    ck_assert_str_eq(options.health_route, "/v1/endpoints/7/deployedModels/8");
    ck_assert_str_eq(options.predict_route, "/v1/endpoints/7/deployedModels/8:predict");
}
END_TEST

START_TEST(they_win_over_our_variables_and_the_file_but_not_over_flags)
{
    char config[256];

    folder_text(&folder, "axond.json", "{\"listen\": \":1\", \"health_route\": \"/file\"}");
    snprintf(config, sizeof config, "AXOND_CONFIG=%s", path);
    ck_assert_int_eq(ENVIRONMENT("AXOND_LISTEN=0.0.0.0:8000", "AIP_HTTP_PORT=8085",
                                 "AIP_HEALTH_ROUTE=/told", config),
                     OPTIONS_OK);
    ck_assert_str_eq(options.listen, "0.0.0.0:8085");
    ck_assert_str_eq(options.health_route, "/told");
    ck_assert_int_eq(BOTH("--listen=:9", "AIP_HTTP_PORT=8085", "SAGEMAKER_BIND_TO_PORT=8086"),
                     OPTIONS_OK);
    ck_assert_str_eq(options.listen, ":9");
    ck_assert_int_eq(BOTH("--health-route=/flag", "AIP_HEALTH_ROUTE=/told"), OPTIONS_OK);
    ck_assert_str_eq(options.health_route, "/flag");
}
END_TEST

START_TEST(many_models_come_later)
{
    ck_assert_int_eq(ENVIRONMENT("SAGEMAKER_MULTI_MODEL=true", "AXOND_MODELS=/models"), OPTIONS_OK);
    ck_assert(options.multi_model);
    ck_assert_str_eq(options.listen, "0.0.0.0:8080");
    ck_assert_str_eq(options.models, "");
    ck_assert_str_eq(options.model_dir, "");
    ck_assert_int_eq(ENVIRONMENT("SAGEMAKER_MULTI_MODEL=true", "SAGEMAKER_BIND_TO_PORT=8081"),
                     OPTIONS_OK);
    ck_assert_str_eq(options.listen, "0.0.0.0:8081");
    ck_assert_int_eq(BOTH("--models=/flag", "SAGEMAKER_MULTI_MODEL=true"), OPTIONS_OK);
    ck_assert_str_eq(options.models, "/flag");
    ck_assert_int_eq(ENVIRONMENT("SAGEMAKER_MULTI_MODEL=false"), OPTIONS_OK);
    ck_assert(!options.multi_model);
    ck_assert_str_eq(options.listen, "127.0.0.1:8000");
}
END_TEST

START_TEST(an_empty_one_is_as_good_as_none)
{
    char variable[64];

    for (size_t i = 0; i < VARIABLES; i++) {
        snprintf(variable, sizeof variable, "%s=", variables[i]);
        ck_assert_int_eq(ENVIRONMENT(variable), OPTIONS_OK);
        ck_assert_str_eq(options.listen, "127.0.0.1:8000");
    }
}
END_TEST

static const struct {
    char *variable;
    const char *text;
} wrong[] = {
    {"AIP_HTTP_PORT=0", "AIP_HTTP_PORT: expected a port from 1 to 65535, found \"0\""},
    {"AIP_HTTP_PORT=65536", "AIP_HTTP_PORT: expected a port from 1 to 65535, found \"65536\""},
    {"AIP_HTTP_PORT=80a", "AIP_HTTP_PORT: expected a port"},
    {"SAGEMAKER_BIND_TO_PORT=-1", "SAGEMAKER_BIND_TO_PORT: expected a port"},
    {"SAGEMAKER_BIND_TO_PORT=00000000000000000080", "SAGEMAKER_BIND_TO_PORT: expected a port"},
    {"SAGEMAKER_MULTI_MODEL=maybe", "SAGEMAKER_MULTI_MODEL: expected on or off, found \"maybe\""},
    {"AIP_HEALTH_ROUTE=health", "AIP_HEALTH_ROUTE: expected a path such as /v1/predict"},
    {"AIP_HEALTH_ROUTE=/a//b", "AIP_HEALTH_ROUTE: expected a path"},
    {"AIP_PREDICT_ROUTE=/a/", "AIP_PREDICT_ROUTE: expected a path"},
    {"AIP_PREDICT_ROUTE=/a?b=c", "AIP_PREDICT_ROUTE: expected a path"},
    {"AIP_PREDICT_ROUTE=/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
     "AIP_PREDICT_ROUTE: expected a path"},
};

START_TEST(a_wrong_value_is_told_by_the_variables_name)
{
    ck_assert_int_eq(ENVIRONMENT(wrong[_i].variable), OPTIONS_CONFIG);
    ck_assert_msg(strncmp(error.detail, wrong[_i].text, strlen(wrong[_i].text)) == 0, "%s",
                  error.detail);
}
END_TEST

START_TEST(a_long_path_is_refused)
{
    static char variable[4 * OPTION_TEXT_MAX];

    memset(variable, 'a', 2 * OPTION_TEXT_MAX);
    memcpy(variable, "AIP_HEALTH_ROUTE=/", strlen("AIP_HEALTH_ROUTE=/"));
    ck_assert_int_eq(ENVIRONMENT(variable), OPTIONS_CONFIG);
    ck_assert_ptr_nonnull(strstr(error.detail, "AIP_HEALTH_ROUTE: expected at most 1023 bytes"));
}
END_TEST

START_TEST(what_is_ignored_is_told)
{
    char *environment[] = {"AIP_STORAGE_URI=gs://bucket/model", "AIP_HTTP_PORT=8080", NULL};
    struct platform_variable v;
    size_t next = 0;

    ck_assert_int_eq(read_all(nothing, environment), OPTIONS_OK);
    ck_assert(options_platform_variable(environment, &next, &v));
    ck_assert_str_eq(v.name, "AIP_HTTP_PORT");
    ck_assert_str_eq(v.option, "listen");
    ck_assert(!v.ignored);
    ck_assert(options_platform_variable(environment, &next, &v));
    ck_assert_str_eq(v.name, "AIP_STORAGE_URI");
    ck_assert_str_eq(v.option, "model_dir");
    ck_assert(v.ignored);
    ck_assert(!options_platform_variable(environment, &next, &v));
}
END_TEST

START_TEST(help_has_each)
{
    char *text = options_help();

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < VARIABLES; i++)
        ck_assert_ptr_nonnull(strstr(text, variables[i]));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("platforms");
    TCase *tc = tcase_create("platforms");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_port_is_served_on_every_address);
    tcase_add_test(tc, routes_are_told);
    tcase_add_test(tc, they_win_over_our_variables_and_the_file_but_not_over_flags);
    tcase_add_test(tc, many_models_come_later);
    tcase_add_test(tc, an_empty_one_is_as_good_as_none);
    tcase_add_loop_test(tc, a_wrong_value_is_told_by_the_variables_name, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, a_long_path_is_refused);
    tcase_add_test(tc, what_is_ignored_is_told);
    tcase_add_test(tc, help_has_each);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
