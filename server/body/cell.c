/* cell.c - see cell.h. Marks are NaNs of their own, which no text is read as. */
#include "body/cell.h"
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "tensor/tensor.h"

enum other { OTHER_STRING, OTHER_ARRAY, OTHER_OBJECT, OTHER_COUNT };
static const uint32_t OTHER = 0x7fce1100;

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float mark(enum other other)
{
    uint32_t bits = OTHER + (uint32_t)other;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

bool cell_is_other(float value)
{
    return bits_of(value) - OTHER < OTHER_COUNT;
}

const char *cell_name(float value)
{
    static const char *const names[OTHER_COUNT] = {"a string", "an array", "an object"};

    if (cell_is_other(value))
        return names[bits_of(value) - OTHER];
    return isnan(value) ? "no value" : "infinity";
}

float cell_of_json(char first)
{
    switch (first) {
    case 't':
        return 1;
    case 'f':
        return 0;
    case 'n':
    case 'N':
        return NAN;
    case 'I':
        return INFINITY;
    case '[':
        return mark(OTHER_ARRAY);
    case '{':
        return mark(OTHER_OBJECT);
    default:
        return mark(OTHER_STRING);
    }
}

/* Pandas writes and reads these for no value, for truth and for infinity. */
static bool read_word(const char *text, size_t len, float *value)
{
    static const struct {
        const char *word;
        float value;
    } words[] = {{"", NAN},
                 {"NaN", NAN},
                 {"nan", NAN},
                 {"NA", NAN},
                 {"N/A", NAN},
                 {"<NA>", NAN},
                 {"null", NAN},
                 {"NULL", NAN},
                 {"None", NAN},
                 {"True", 1},
                 {"TRUE", 1},
                 {"true", 1},
                 {"False", 0},
                 {"FALSE", 0},
                 {"false", 0},
                 {"inf", INFINITY},
                 {"-inf", -INFINITY},
                 {"Infinity", INFINITY},
                 {"-Infinity", -INFINITY}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == len && memcmp(words[i].word, text, len) == 0) {
            *value = words[i].value;
            return true;
        }
    return false;
}

/* "+.5e3" is "0.5e3", and "5." is "5.0". */
static bool read_loosely(const char *text, size_t len, float *value)
{
    enum { LONG = 64 };
    char out[LONG + 4];
    size_t used = 0;

    if (len > LONG)
        return false;
    if (*text == '+' && len > 1 && text[1] != '-')
        text++, len--;
    else if (*text == '-')
        out[used++] = '-', text++, len--;
    for (size_t i = 0; i < len; i++) {
        bool point = text[i] == '.';

        if (point && (i == 0))
            out[used++] = '0';
        out[used++] = text[i];
        if (point && (i + 1 == len || text[i + 1] < '0' || text[i + 1] > '9')) {
            if (i == 0)
                return false;
            out[used++] = '0';
        }
        if (used + 3 > sizeof out)
            return false;
    }
    out[used] = '\0';
    return used > 0 && float_read(out, used, value) == used && isfinite(*value);
}

float cell_of_text(const char *text, size_t len)
{
    float value = 0;
    size_t n;

    while (len > 0 && (*text == ' ' || *text == '\t'))
        text++, len--;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    n = len > 0 ? float_read(text, len, &value) : 0;
    if (n > 0 && n == len)
        return value;
    return read_word(text, len, &value) || read_loosely(text, len, &value) ? value
                                                                           : mark(OTHER_STRING);
}
