/* fail.c - the place of an error in a JSON text, as the caller wants it told.
 *
 * Below both parts of the reader, read.c and scalar.c. */
#include "json/fail.h"
#include "json/token.h"

#include <stdarg.h>
#include <stdio.h>

enum error_id json_fail(struct json_reader *r, size_t pos, enum error_id id, const char *format,
                        ...)
{
    char what[ERROR_DETAIL_MAX];
    size_t line, column;
    va_list args;

    window_place(&r->window, pos, &line, &column);
    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start() here
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (r->file)
        return error_set(&r->error, id, "%zu:%zu: %s", line, column, what);
    return error_set(&r->error, id, "line %zu, column %zu: %s", line, column, what);
}

enum error_id json_expected(struct json_reader *r, enum error_id id, const char *what)
{
    const struct window *w = &r->window;
    char found[TOKEN_TEXT_MAX];

    token_describe(found, w->text + w->pos, w->len - w->pos);
    return json_fail(r, w->pos, id, "expected %s, found %s", what, found);
}
