/* filter.c - see filter.h. */
#include "commands/filter.h"
#include <string.h>

static enum rows_id find_format(const char *name)
{
    enum rows_id id = 0;

    while (strcmp(name, rows_formats[id].name) != 0)
        id++;
    return id;
}

static enum non_finite find_policy(const char *name)
{
    static const char *const names[] = {"strict", "null", "string", "token"};
    unsigned i = 0;

    while (name && strcmp(name, names[i]) != 0)
        i++;
    return (enum non_finite)i;
}

enum error_id filter_open(struct filter *f, const struct command_line *line, struct input *in,
                          struct error *error)
{
    const char *const *given = line->arguments;
    const char *output = given[ARGUMENT_OUTPUT_FORMAT];

    if (rows_find(given[ARGUMENT_FORMAT], in, &f->format, error) != ERROR_OK)
        return error->id;
    f->wanted = (struct results_wanted){.format = output ? find_format(output)
                                                         : (enum rows_id)(f->format - rows_formats),
                                        .policy = find_policy(given[ARGUMENT_NON_FINITE])};
    return ERROR_OK;
}

bool filter_is_request(const struct filter *f, const struct input *in)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    const char *p = input_at(in), *end = p + input_left(in);

    if (f->format != &rows_formats[ROWS_JSON] || f->wanted.format != ROWS_JSON)
        return false;
    if (input_left(in) >= sizeof mark && memcmp(p, mark, sizeof mark) == 0)
        p += sizeof mark;
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p < end && *p == '{';
}

enum error_id filter_request(struct local *local, const char *target, struct input *in,
                             struct error *error)
{
    struct buf reply;

    if (local_post(local, target, "application/json", in, NULL, 0, &reply, error) != ERROR_OK)
        return error->id;
    if (results_put(reply.data, reply.len, error) == ERROR_OK)
        results_put("\n", 1, error);
    buf_fini(&reply);
    return error->id;
}
