/* window.c - see window.h.
 *
 * Invariant: every byte of a text is scanned for a token's end once, and once for lines and
 * columns.
 */
#include "json/window.h"
#include "json/token.h"

#include <stdint.h>
#include <string.h>

/* A message shows 40 bytes of a word that begins no number; no other word is so long. */
enum { WORD_MAX = 64 };

static bool is_endless(char first)
{
    return first == '-' || (first >= '0' && first <= '9');
}

bool window_word_ends(struct window *w)
{
    size_t at = w->pos + w->scanned;

    w->scanned = 0;
    if (w->last)
        return true;
    while (at < w->len && token_is_word(w->text[at]))
        at++;
    if (at < w->len || (at - w->pos > WORD_MAX && !is_endless(w->text[w->pos])))
        return true;
    w->scanned = at - w->pos;
    return false;
}

bool window_has_string(struct window *w)
{
    size_t at = w->pos + (w->scanned ? w->scanned : 1);

    while (at < w->len && w->text[at] != '"') {
        if (w->text[at] == '\\' && at + 1 == w->len)
            break;
        at += w->text[at] == '\\' ? 2 : 1;
    }
    bool there = w->last || (at < w->len && w->text[at] == '"');
    w->scanned = there ? 0 : at - w->pos;
    return there;
}

typedef signed char lanes __attribute__((vector_size(16)));

/* Line feeds, or the bytes of UTF-8 that go on a character: below -64 as signed ones. All that is
 * read comes by here, so 16 at once. */
static inline __attribute__((always_inline)) size_t count(const char *p, size_t n, bool line_feeds)
{
    enum { ROUNDS_MAX = 127 }; /* that a lane can count */
    const char *end = p + n;
    size_t found = 0;

    while ((size_t)(end - p) >= sizeof(lanes)) {
        lanes sum = {0};
        for (int i = 0; i < ROUNDS_MAX && (size_t)(end - p) >= sizeof(lanes); i++) {
            lanes bytes;
            memcpy(&bytes, p, sizeof bytes);
            sum -= line_feeds ? bytes == '\n' : bytes < -64;
            p += sizeof bytes;
        }
        for (size_t i = 0; i < sizeof sum; i++)
            found += (size_t)sum[i];
    }
    for (; p < end; p++)
        found += line_feeds ? *p == '\n' : (signed char)*p < -64;
    return found;
}

/* Numbers are: that is known sooner than it is counted. */
static bool is_ascii(const char *p, size_t n)
{
    enum { BLOCK = 4 };
    lanes bytes[BLOCK], any = {0};
    uint64_t halves[2];
    unsigned rest = 0;

    for (; n >= sizeof bytes; p += sizeof bytes, n -= sizeof bytes) {
        memcpy(bytes, p, sizeof bytes);
        any |= bytes[0] | bytes[1] | bytes[2] | bytes[3];
    }
    for (; n >= sizeof any; p += sizeof any, n -= sizeof any) {
        memcpy(bytes, p, sizeof any);
        any |= bytes[0];
    }
    for (size_t i = 0; i < n; i++)
        rest |= (unsigned char)p[i];
    memcpy(halves, &any, sizeof any);
    return ((halves[0] | halves[1]) & 0x8080808080808080) == 0 && rest < 0x80;
}

void window_place(const struct window *w, size_t pos, size_t *line, size_t *column)
{
    const char *feed = pos ? memrchr(w->text, '\n', pos) : NULL;
    size_t start = feed ? (size_t)(feed - w->text) + 1 : 0;

    *line = w->line + (feed ? count(w->text, start, true) : 0);
    *column = (feed ? 1 : w->column) + (pos - start);
    if (!is_ascii(w->text + start, pos - start))
        *column -= count(w->text + start, pos - start, false);
}

void window_move(struct window *w, const char *text, size_t len)
{
    size_t line, column;

    window_place(w, w->pos, &line, &column);
    w->line = line;
    w->column = column;
    w->text = text;
    w->len = len;
    w->pos = 0;
}
