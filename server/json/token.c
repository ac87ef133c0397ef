/* token.c - how to call a piece of JSON text in an error message.
 *
 * Knows nothing else. Invariant: what comes out is short, printable and never looks beyond len. */
#include "json/token.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_SHOWN_MAX = 40 };

static const struct {
    const char *text, *name;
    bool word; /* must not go on */
} tokens[] = {
    {"\"", "a string", false}, {"[", "an array", false},       {"{", "an object", false},
    {"true", "true", true},    {"false", "false", true},       {"null", "null", true},
    {"NaN", "NaN", true},      {"Infinity", "Infinity", true}, {"-Infinity", "-Infinity", true},
};

const bool token_word_bytes[256] = {
    ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['+'] = true,
    ['-'] = true,         ['.'] = true,         ['_'] = true,
};

static size_t word_length(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && n <= WORD_SHOWN_MAX && token_is_word(text[n]))
        n++;
    return n;
}

const char *token_word(char out[static TOKEN_TEXT_MAX], const char *text, size_t len)
{
    size_t n = word_length(text, len);
    bool cut = n > WORD_SHOWN_MAX;

    snprintf(out, TOKEN_TEXT_MAX, "%.*s%s", cut ? WORD_SHOWN_MAX : (int)n, text, cut ? "..." : "");
    return out;
}

static const char *named(char out[static TOKEN_TEXT_MAX], const char *name)
{
    snprintf(out, TOKEN_TEXT_MAX, "%s", name);
    return out;
}

const char *token_describe(char out[static TOKEN_TEXT_MAX], const char *text, size_t len)
{
    char word[TOKEN_TEXT_MAX];

    if (len == 0)
        return named(out, "the end");
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        size_t n = strlen(tokens[i].text);
        bool same = n <= len && memcmp(text, tokens[i].text, n) == 0;
        if (same && !(tokens[i].word && n < len && token_is_word(text[n])))
            return named(out, tokens[i].name);
    }
    if (token_is_word(*text))
        snprintf(out, TOKEN_TEXT_MAX, "'%s'", token_word(word, text, len));
    else if (isprint((unsigned char)*text))
        snprintf(out, TOKEN_TEXT_MAX, *text == '\'' ? "\"%c\"" : "'%c'", *text);
    else
        snprintf(out, TOKEN_TEXT_MAX, "byte 0x%02x", (unsigned)(unsigned char)*text);
    return out;
}
