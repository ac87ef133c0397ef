/* model_error.c - messages about files that do not load.
 *
 * They quote bytes of files that anyone may have written and end up in logs and JSON replies, so
 * what leaves here is always printable UTF-8. */
#include "model/model_error.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include "base/utf8.h"

int model_error_set(struct model_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start() here
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    for (char *s = error->text; *s;) {
        size_t n = (unsigned char)*s < 0x20 || *s == 0x7f ? 0 : utf8_length(s);
        if (n == 0)
            *s = '?';
        s += n ? n : 1;
    }
    return -1;
}
