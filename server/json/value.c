/* value.c - see json_value.h. May know: jansson's values. */
#include "json/value.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_integer(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '.' || p[i] == 'e' || p[i] == 'E')
            return false;
    return true;
}

/* The nearest double may lie halfway between two floats, where the text is on one side of it: it is
 * moved there, by its last bit. */
static double double_of(const char *text, float nearest)
{
    double real = strtod(text, NULL);

    if ((float)real != nearest)
        real = nextafter(real, (double)nearest);
    return isinf(real) ? copysign(DBL_MAX, real) : real; /* jansson has no infinity */
}

json_t *json_number(const char *text, size_t length, float nearest)
{
    bool has_sign = *text == '-' && nearest == 0; /* "-0": no integer has it */

    if (is_integer(text, length) && !has_sign) {
        errno = 0;
        json_int_t integer = strtoll(text, NULL, 10);
        if (errno != ERANGE)
            return json_integer(integer);
    }
    return json_real(double_of(text, nearest));
}

float json_float(const json_t *number)
{
    return json_is_integer(number) ? (float)json_integer_value(number)
                                   : (float)json_number_value(number);
}

bool json_whole(const json_t *value, int64_t *whole)
{
    double real = json_real_value(value); /* 0 for what is not real */

    // cppcheck-suppress incorrectLogicOperator ; it cannot read 0x1p63
    if (!json_is_number(value) || real != trunc(real) || real < -0x1p63 || real >= 0x1p63)
        return false;
    *whole = json_is_integer(value) ? json_integer_value(value) : (int64_t)real;
    return true;
}

const json_t *json_member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}
