/* scalar.c - the leaves of a JSON text: strings, numbers, true, false, null.
 *
 * May know: json_value.h, float_read, utf8.h. Invariant: accepts exactly what RFC 8259 does, but
 * U+0000. */
#include "json/fail.h"
#include "json/read.h"
#include "json/token.h"
#include "json/value.h"
#include "base/utf8.h"
#include "tensor/tensor.h"

#include <stdint.h>
#include <string.h>

/* Four hex digits at p, or -1. */
static int hex4(const char *p)
{
    static const char digits[] = "0123456789abcdef";
    int value = 0;

    for (int i = 0; i < 4; i++) {
        const char *digit = p[i] >= '0' ? strchr(digits, p[i] | 0x20) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

static void append_utf8(struct buf *out, unsigned c)
{
    char text[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; c >>= 6)
        text[i] = (char)(0x80 | (c & 0x3f));
    text[0] = (char)(lead[n] | c);
    buf_append(out, text, n);
}

static enum error_id bad_escape(struct json_reader *r, const char *why)
{
    return json_fail(r, r->window.pos, ERROR_BAD_JSON, "%s", why);
}

/* It is JSON, but there is no field for which such a text would be right. */
static enum error_id refuse_nul(struct json_reader *r, const struct buf *out)
{
    if (out == &r->key || r->key.len == 0)
        return json_fail(r, r->window.pos, ERROR_BAD_FIELD, "\\u0000 is not allowed");
    return json_fail(r, r->window.pos, ERROR_BAD_FIELD, "%.100s: \\u0000 is not allowed",
                     r->key.data);
}

/* \uXXXX at pos, or a pair of them. */
static enum error_id read_unicode(struct json_reader *r, struct buf *out)
{
    const char *p = r->window.text + r->window.pos;
    int c = hex4(p + 2);
    size_t n = 6;

    if (c < 0)
        return bad_escape(r, "\\u needs four hexadecimal digits");
    if (c == 0)
        return refuse_nul(r, out);
    if (c >= 0xd800 && c <= 0xdfff) {
        int low = c < 0xdc00 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return bad_escape(r, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        n = 12;
    }
    append_utf8(out, (unsigned)c);
    r->window.pos += n;
    return ERROR_OK;
}

static enum error_id read_escape(struct json_reader *r, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char name = r->window.text[r->window.pos + 1];
    const char *at = name ? strchr(names, name) : NULL;

    if (name == 'u')
        return read_unicode(r, out);
    if (!at)
        return bad_escape(r, "unknown escape in a string");
    buf_append(out, &bytes[at - names], 1);
    r->window.pos += 2;
    return ERROR_OK;
}

/* Bytes from pos that stand for themselves. */
static size_t plain_length(const struct json_reader *r)
{
    const char *start = r->window.text + r->window.pos, *p = start;

    while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\') {
        size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_length(p); /* most need no table */
        if (n == 0)
            break;
        p += n;
    }
    return (size_t)(p - start);
}

/* Reports why a string ended before its quote. */
static enum error_id bad_string(struct json_reader *r)
{
    unsigned byte = (unsigned char)r->window.text[r->window.pos];

    if (r->window.pos == r->window.len)
        return json_fail(r, r->window.pos, ERROR_BAD_JSON, "the text ends inside of a string");
    if (byte < 0x20)
        return json_fail(r, r->window.pos, ERROR_BAD_JSON, "control character 0x%02x in a string",
                         byte);
    return json_fail(r, r->window.pos, ERROR_BAD_JSON, "byte 0x%02x is not valid UTF-8", byte);
}

enum error_id json_read_string(struct json_reader *r, struct buf *out)
{
    out->len = 0;
    r->window.pos++;
    for (;;) {
        size_t n = plain_length(r);
        buf_append(out, r->window.text + r->window.pos, n);
        r->window.pos += n;
        char c = r->window.text[r->window.pos];
        if (c == '"')
            break;
        enum error_id id = c == '\\' ? read_escape(r, out) : bad_string(r);
        if (id)
            return id;
    }
    r->window.pos++;
    r->strings_bytes += out->len;
    if (out->failed || !memory_take(r->limits.account, out->len))
        return error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for a string of the request");
    return ERROR_OK;
}

static enum error_id read_number(struct json_reader *r, json_t **value)
{
    const char *p = r->window.text + r->window.pos;
    char word[TOKEN_TEXT_MAX];
    float nearest;
    size_t n = float_read(p, r->window.len - r->window.pos, &nearest);

    if (n == 0)
        return json_fail(r, r->window.pos, ERROR_BAD_JSON, "malformed number %s",
                         token_word(word, p, r->window.len - r->window.pos));
    *value = json_number(p, n, nearest);
    r->window.pos += n;
    return *value ? ERROR_OK : error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for a number");
}

static enum error_id read_literal(struct json_reader *r, json_t **value)
{
    static const struct {
        const char *text;
        size_t length;
        json_t *(*make)(void);
    } literals[] = {{"true", 4, json_true}, {"false", 5, json_false}, {"null", 4, json_null}};

    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        if (strncmp(r->window.text + r->window.pos, literals[i].text, literals[i].length) == 0) {
            r->window.pos += literals[i].length;
            *value = literals[i].make();
            return ERROR_OK;
        }
    }
    return json_expected(r, ERROR_BAD_JSON, "a value");
}

enum error_id json_read_scalar(struct json_reader *r, json_t **value)
{
    char c = r->window.text[r->window.pos];

    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, value);
    if (c != '"')
        return read_literal(r, value);
    enum error_id id = json_read_string(r, &r->word);
    if (id)
        return id;
    *value = json_stringn_nocheck(r->word.data, r->word.len);
    json_consumed(&r->word);
    return *value ? ERROR_OK : error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for a string");
}
