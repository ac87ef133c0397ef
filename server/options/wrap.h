/* wrap.h - text for a terminal: lines that stay within 100 columns. */
#ifndef OPTIONS_WRAP_H
#define OPTIONS_WRAP_H

#include "base/buf.h"

/* Append text and a newline, broken at spaces; the cursor stands at column indent, and so does each
 * further line. A word that is longer than a line stays whole. */
void wrap(struct buf *out, size_t indent, const char *text);

#endif
