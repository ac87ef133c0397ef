/* platform.c - variables of platforms as options, by the rows of platforms.def; and SageMaker's
 * model folder.
 *
 * Invariant: an option that a flag gives stays as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options/platform.h"

#define SAGEMAKER_LISTEN "0.0.0.0:8080"
#define SAGEMAKER_MODEL  "/opt/ml/model"

enum form { FORM_PORT, FORM_VALUE, FORM_NOTHING };

static const struct platform_row {
    const char *variable, *help;
    enum form form;
    enum option_index option;
} rows[] = {
#define PLATFORM(variable_, form_, option_, help_) \
    {#variable_, help_, FORM_##form_, OPTION_##option_},
#include "options/platforms.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

/* NULL: it is not set, or empty. */
static const char *value_of(char **environment, const char *variable)
{
    size_t length = strlen(variable);

    for (char **at = environment; *at; at++)
        if (strncmp(*at, variable, length) == 0 && (*at)[length] == '=')
            return (*at)[length + 1] ? *at + length + 1 : NULL;
    return NULL;
}

static int refuse(const struct platform_row *row, const char *value, struct error *error)
{
    error_set(error, error->id, "%s: %s, found \"%.100s\"", row->variable, error->detail, value);
    return OPTIONS_CONFIG;
}

/* "8080" as "0.0.0.0:8080". */
static bool port_text(const char *value, char out[static OPTION_NAME_MAX])
{
    size_t digits = strspn(value, "0123456789");
    unsigned long port = strtoul(value, NULL, 10);

    if (digits == 0 || digits > 5 || value[digits] || port == 0 || port > UINT16_MAX)
        return false;
    snprintf(out, OPTION_NAME_MAX, "0.0.0.0:%lu", port);
    return true;
}

static int apply(struct options *options, const struct platform_row *row, const char *value,
                 struct error *error)
{
    char listen[OPTION_NAME_MAX];
    const char *text = value;

    if (row->form == FORM_NOTHING)
        return OPTIONS_OK;
    if (row->form == FORM_PORT && !port_text(value, listen)) {
        error_set(error, ERROR_BAD_PARAMETER, "expected a port from 1 to 65535");
        return refuse(row, value, error);
    }
    if (row->form == FORM_PORT)
        text = listen;
    return option_set(options, &option_rows[row->option], text, error) == ERROR_OK
               ? OPTIONS_OK
               : refuse(row, value, error);
}

static bool has_folder(void)
{
    return access(SAGEMAKER_MODEL, F_OK) == 0;
}

static void set(struct options *options, enum option_index option, const char *text,
                const char *const values[OPTION_COUNT])
{
    struct error unused;

    if (!values[option])
        option_set(options, &option_rows[option], text, &unused);
}

/* The port, before a variable names another; and the model's folder. With many models the platform
 * tells where each is, and none is there at first. */
static void apply_sagemaker(struct options *options, bool many,
                            const char *const values[OPTION_COUNT])
{
    set(options, OPTION_listen, SAGEMAKER_LISTEN, values);
    if (values[OPTION_models] || (!many && !has_folder()))
        return;
    set(options, OPTION_model_dir, many ? "" : SAGEMAKER_MODEL, values);
    if (many)
        set(options, OPTION_models, "", values);
}

static bool is_many(char **environment)
{
    const char *value = value_of(environment, "SAGEMAKER_MULTI_MODEL");
    struct options unused;
    struct error error;

    options_defaults(&unused);
    return value && option_set(&unused, &option_rows[OPTION_multi_model], value, &error) == 0 &&
           unused.multi_model;
}

int platform_apply(struct options *options, char **environment,
                   const char *const values[OPTION_COUNT], bool has_serve, struct error *error)
{
    bool many = is_many(environment);
    int status = OPTIONS_OK;

    if (many || value_of(environment, "SAGEMAKER_BIND_TO_PORT") || (has_serve && has_folder()))
        apply_sagemaker(options, many, values);
    for (size_t i = 0; i < ROWS && status == OPTIONS_OK; i++) {
        const char *value = value_of(environment, rows[i].variable);

        if (value && !values[rows[i].option])
            status = apply(options, &rows[i], value, error);
    }
    return status;
}

const char *platform_also(char **environment, const char *const values[OPTION_COUNT])
{
    bool told = value_of(environment, "SAGEMAKER_BIND_TO_PORT") || is_many(environment) ||
                value_of(environment, "AIP_HTTP_PORT") || values[OPTION_listen];

    return has_folder() && !told ? SAGEMAKER_LISTEN : "";
}

bool options_platform_variable(char **environment, size_t *next, struct platform_variable *out)
{
    while (*next < ROWS) {
        const struct platform_row *row = &rows[(*next)++];
        const char *value = value_of(environment, row->variable);

        if (!value)
            continue;
        *out = (struct platform_variable){.name = row->variable,
                                          .value = value,
                                          .option = option_rows[row->option].id,
                                          .ignored = row->form == FORM_NOTHING};
        return true;
    }
    return false;
}

bool options_platform_help(size_t i, const char **variable, const char **help)
{
    if (i >= ROWS)
        return false;
    *variable = rows[i].variable;
    *help = rows[i].help;
    return true;
}
