/* tables.c - print the README's tables from the lists that the code expands. docs.sh compares.
 *
 * It shares nothing with the daemon but the .def files, so that what the README says is checked
 * against the rows themselves. `make lint T=docs` shows the difference; `tests/lint/docs.sh
 * --print` prints what belongs into the README. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void put(const char *text, char from, const char *to)
{
    for (; *text != '\0'; text++) {
        if (*text == from)
            fputs(to, stdout);
        else
            putchar(*text);
    }
}

static void put_case(const char *text, int (*convert)(int))
{
    for (; *text != '\0'; text++)
        putchar(convert((unsigned char)*text));
}

static void put_names(const char *id)
{
    printf("| `--");
    put(id, '_', "-");
    printf("` | `AXOND_");
    put_case(id, toupper);
    printf("` | ");
}

static void option_text(const char *id, const char *value, const char *choices, const char *help)
{
    put_names(id);
    printf("%s | %s", value[0] != '\0' ? value : "—", help);
    if (choices[0] != '\0') {
        printf(" (");
        put(choices, '|', ", ");
        putchar(')');
    }
    printf(" |\n");
}

static void option_size(const char *id, unsigned long long value, const char *unit,
                        const char *help)
{
    static const char *const powers[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t power = 0;

    while (strcmp(unit, "bytes") == 0 && value > 0 && value % 1024 == 0 && power < 4) {
        value /= 1024;
        power++;
    }
    put_names(id);
    printf("%llu %s | %s |\n", value, power > 0 ? powers[power] : unit, help);
}

static void option_time(const char *id, double value, const char *help)
{
    put_names(id);
    printf("%g s | %s |\n", value, help);
}

static void error_row(const char *id, int status, const char *text)
{
    if (status == 200)
        return;
    printf("| %d | `", status);
    put_case(id, tolower);
    printf("` | %s |\n", text);
}

static void metric_row(const char *id, const char *scope, const char *labels, const char *help)
{
    printf("| `%s%s` | ", strcmp(scope, "PROCESS") == 0 ? "" : "axond_", id);
    put(labels, ',', ", ");
    printf(" | %s |\n", help);
}

static void route_row(const char *path, const char *get, const char *post)
{
    if (strcmp(get, "NULL") != 0)
        printf("%s GET\n", path);
    if (strcmp(post, "NULL") != 0)
        printf("%s POST\n", path);
}

static void options(void)
{
#define OPT_TEXT(id, value, choices, help)        option_text(#id, value, choices, help);
#define OPT_SIZE(id, value, min, max, unit, help) option_size(#id, value, unit, help);
#define OPT_TIME(id, value, min, max, help)       option_time(#id, value, help);
#include "options.def"
}

static void errors(void)
{
#define ERR(id, status, text) error_row(#id, status, text);
#include "api/errors.def"
}

static void metrics(void)
{
#define METRIC(id, type, scope, labels, help) metric_row(#id, #scope, labels, help);
#include "metrics/metrics.def"
}

static void routes(void)
{
#define ROUTE(path, get, post, ...) route_row(path, #get, #post);
#include "api/routes.def"
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } tables[] = {
        {"options", options}, {"errors", errors}, {"metrics", metrics}, {"routes", routes}};

    for (size_t i = 0; argc == 2 && i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (strcmp(argv[1], tables[i].name) == 0) {
            tables[i].print();
            return 0;
        }
    }
    fputs("usage: tables options|errors|metrics|routes\n", stderr);
    return 2;
}
