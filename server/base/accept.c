/* accept.c - the Accept headers as RFC 9110 has them, as far as a choice of two types, or of a
 * coding, needs them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/accept.h"

struct range {
    const char *type; /* [type_length], not terminated */
    size_t type_length;
    double q;
    const char *version; /* [version_length], the parameter; NULL: none */
    size_t version_length;
};

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static bool equals(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static void read_parameter(struct range *range, const char *text, size_t length)
{
    const char *value = memchr(text, '=', length);

    if (!value)
        return;
    value++;
    size_t name_length = (size_t)(value - 1 - text), value_length = length - name_length - 1;
    if (equals(text, name_length, "q")) {
        double q = strtod(value, NULL); /* stops at the delimiter; garbage reads as 0: refused */
        range->q = q >= 0 && q <= 1 ? q : 0;
    } else if (equals(text, name_length, "version")) {
        bool quoted = value_length >= 2 && *value == '"' && value[value_length - 1] == '"';

        range->version = value + quoted;
        range->version_length = value_length - (quoted ? 2 : 0);
    }
}

/* One element of the list; returns where the next begins. */
static const char *read_range(const char *at, struct range *range)
{
    at = skip_space(at);
    *range = (struct range){.type = at, .q = 1};
    range->type_length = strcspn(at, ";, \t");
    at = skip_space(at + range->type_length);
    while (*at == ';') {
        at = skip_space(at + 1);
        size_t length = strcspn(at, ";, \t");
        read_parameter(range, at, length);
        at = skip_space(at + length);
    }
    at += strcspn(at, ",");
    return *at ? at + 1 : at;
}

bool accept_prefers(const char *accept, const char *wanted, const char *version, const char *other)
{
    double wanted_q = 0, other_q = 0;

    for (const char *at = accept ? accept : ""; *at;) {
        struct range range;

        at = read_range(at, &range);
        if (equals(range.type, range.type_length, wanted)) {
            bool fits = !version || !range.version ||
                        equals(range.version, range.version_length, version);

            if (fits && range.q > wanted_q)
                wanted_q = range.q;
        } else if (equals(range.type, range.type_length, other) && range.q > other_q) {
            other_q = range.q;
        }
    }
    return wanted_q > 0 && wanted_q >= other_q;
}

double accept_quality(const char *accept, const char *name)
{
    double q = -1;

    for (const char *at = accept; *at;) {
        struct range range;

        at = read_range(at, &range);
        if (equals(range.type, range.type_length, name) && range.q > q)
            q = range.q;
    }
    return q;
}
