/* error.c - ids to status, code and text, and details that are safe to send.
 *
 * May know: error.h, errors.def and utf8.h. Invariant: a detail is always valid UTF-8 without
 * control characters, ends with a NUL and is never cut inside of a character, whatever went into
 * it. */
#include "base/error.h"
#include "base/utf8.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { CODE_MAX = 32 };

static const struct {
    const char *id, *text;
    unsigned http;
} rows[ERROR_COUNT] = {
#define ERR(name, status, sentence) \
    [ERROR_##name] = {.id = #name, .text = sentence, .http = status},
#include "base/errors.def"
#undef ERR
};

#define ERR(name, status, sentence) \
    _Static_assert(sizeof #name <= CODE_MAX, #name " is too long for a code");
#include "base/errors.def"
#undef ERR

static char codes[ERROR_COUNT][CODE_MAX];
static pthread_once_t codes_once = PTHREAD_ONCE_INIT;

static void fill_codes(void)
{
    for (size_t i = 0; i < ERROR_COUNT; i++)
        for (size_t k = 0; rows[i].id[k]; k++)
            codes[i][k] = (char)tolower((unsigned char)rows[i].id[k]);
}

/* An id from nowhere must not read past the table: it is a fault of ours. */
static enum error_id known(enum error_id id)
{
    return (size_t)id < ERROR_COUNT ? id : ERROR_INTERNAL;
}

unsigned error_http_status(enum error_id id)
{
    return rows[known(id)].http;
}

const char *error_code(enum error_id id)
{
    pthread_once(&codes_once, fill_codes);
    return codes[known(id)];
}

const char *error_text(enum error_id id)
{
    return rows[known(id)].text;
}

/* Length of the printable character at s, 0 if there is none: C0, DEL and C1 would let a client
 * write into terminals and split log lines. */
static size_t printable_length(const char *s)
{
    unsigned char first = (unsigned char)s[0], second = first ? (unsigned char)s[1] : 0;

    if (first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0))
        return 0;
    return utf8_length(s);
}

static void sanitise(char out[static ERROR_DETAIL_MAX], const char *in)
{
    size_t used = 0;

    while (*in) {
        size_t n = printable_length(in);
        size_t taken = n ? n : 1;
        if (used + taken >= ERROR_DETAIL_MAX)
            break;
        memcpy(out + used, n ? in : "?", taken);
        used += taken;
        in += taken;
    }
    out[used] = '\0';
}

enum error_id error_set(struct error *error, enum error_id id, const char *format, ...)
{
    /* Not straight into detail: the arguments may point there, and the room for one more character
     * lets the cut fall between two characters. */
    char text[ERROR_DETAIL_MAX + 8];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error->id = id;
    sanitise(error->detail, n < 0 ? "" : text);
    return id;
}
