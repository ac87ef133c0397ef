/* bodies.c - see bodies.h. */
#include "body/bodies.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct body_format rows[BODY_COUNT] = {
#define BODY(id, as, ...) [BODY_##id] = {BODY_##id, BODY_##as, {__VA_ARGS__, NULL}},
#include "body/bodies.def"
#undef BODY
};

static bool announces(const struct body_format *row, const char *type, size_t length)
{
    for (size_t i = 0; row->types[i]; i++)
        if (strlen(row->types[i]) == length && strncasecmp(row->types[i], type, length) == 0)
            return true;
    return false;
}

const struct body_format *body_find(const char *content_type, unsigned formats)
{
    const char *type = content_type ? content_type : "";
    size_t length = strcspn(type, "; \t");

    for (size_t i = 0; i < BODY_COUNT; i++)
        if (formats >> i & 1 && announces(&rows[i], type, length))
            return &rows[i];
    return NULL;
}

const struct body_format *body_row(enum body_id id)
{
    return &rows[id];
}

const char *body_parameter(const char *content_type, const char *name, size_t *bytes)
{
    size_t length = strlen(name);
    const char *at = content_type + strcspn(content_type, ";");

    while (*at == ';') {
        at++;
        at += strspn(at, " \t");
        if (strncasecmp(at, name, length) == 0 && at[length] == '=') {
            at += length + 1;
            *bytes = strcspn(at, "; \t");
            return at;
        }
        at += strcspn(at, ";");
    }
    return NULL;
}

const char *body_types(unsigned formats, char text[static BODY_TYPES_TEXT_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < BODY_COUNT && used < BODY_TYPES_TEXT_MAX; i++)
        if (formats >> i & 1)
            used += (size_t)snprintf(text + used, BODY_TYPES_TEXT_MAX - used, "%s%s",
                                     used ? " or " : "", rows[i].types[0]);
    return text;
}
