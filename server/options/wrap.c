/* wrap.c - see wrap.h. */
#include "options/wrap.h"
#include <string.h>

enum { COLUMNS = 100 };

void wrap(struct buf *out, size_t indent, const char *text)
{
    size_t column = indent;

    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > COLUMNS) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_puts(out, " ");
            column++;
        }
        buf_append(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    buf_puts(out, "\n");
}
