/* gate.c - the framing gate.
 *
 * Pure: knows bytes and error ids. Invariant: what passes has exactly one reading of where its body
 * ends, whatever libmicrohttpd (0.9.75 takes Content-Length and Transfer-Encoding together, and two
 * different lengths) or a proxy in front of it would have made of the rest. */
#include "http/gate.h"
#include <string.h>
#include <strings.h>

enum use { FRAMING, ADMIT, KEPT };
static const struct {
    const char *name;
    size_t bytes;
    enum use use;
} fields[REQUEST_HEADERS] = {
#define REQUEST_HEADER(id, name, use) {name, sizeof(name) - 1, use},
#include "api/headers.def"
};

/* Classes of bytes, one bit each. */
enum { TOKEN = 1, TARGET = 2, ID = 4, HEX = 8, CONTROL = 16 };

#define ALNUM_CLASSES (TOKEN | TARGET | ID)
static const unsigned char classes[256] = {
    ['0' ... '9'] = ALNUM_CLASSES | HEX,
    ['A' ... 'F'] = ALNUM_CLASSES | HEX,
    ['G' ... 'Z'] = ALNUM_CLASSES,
    ['a' ... 'f'] = ALNUM_CLASSES | HEX,
    ['g' ... 'z'] = ALNUM_CLASSES,
    ['-'] = ALNUM_CLASSES,
    ['.'] = ALNUM_CLASSES,
    ['_'] = ALNUM_CLASSES,
    ['~'] = TOKEN | TARGET,
    ['!'] = TOKEN | TARGET,
    ['$'] = TOKEN | TARGET,
    ['&'] = TOKEN | TARGET,
    ['\''] = TOKEN | TARGET,
    ['*'] = TOKEN | TARGET,
    ['+'] = TOKEN | TARGET,
    ['%'] = TOKEN,
    ['#'] = TOKEN,
    ['^'] = TOKEN,
    ['`'] = TOKEN,
    ['|'] = TOKEN,
    [':'] = TARGET,
    ['/'] = TARGET,
    ['?'] = TARGET,
    ['['] = TARGET,
    [']'] = TARGET,
    ['@'] = TARGET,
    ['('] = TARGET,
    [')'] = TARGET,
    [','] = TARGET,
    [';'] = TARGET,
    ['='] = TARGET,
    ['\0' ... '\t' - 1] = CONTROL,
    ['\t' + 1 ... ' ' - 1] = CONTROL,
    [0x7f] = CONTROL,
};

static bool is(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

/* The first byte that is not of the class; the length of the text if all are. */
static size_t span(const char *text, unsigned class)
{
    size_t n = 0;

    while (is(text[n], class))
        n++;
    return n;
}

static bool value_ok(const char *value, size_t bytes)
{
    unsigned any = 0;

    for (size_t i = 0; i < bytes; i++)
        any |= classes[(unsigned char)value[i]];
    return (any & CONTROL) == 0;
}

/* libmicrohttpd 0.9.75 joins folded lines (to the *name* of the field), takes a bare LF for a
 * line's end and a line that begins with ':' for the end of the headers, and stops at a NUL. Each
 * of them leaves bytes between the fields that it hands out, or moves one away. */
static bool lay_tile(struct gate *gate, const char *name, size_t name_bytes, const char *value,
                     size_t value_bytes)
{
    const char *at = name + name_bytes + 1;
    bool fits = name == gate->tile && (uintptr_t)value >= (uintptr_t)at;

    while (fits && at < value && (*at == ' ' || *at == '\t'))
        at++;
    gate->tile = value + value_bytes + 2;
    return fits && at == value;
}

void gate_begin_tiling(struct gate *gate, const struct gate_request *request)
{
    size_t line = strlen(request->method) + 1 + strlen(request->target) + 1;

    gate->tile = request->version + strlen(request->version) + 2;
    gate->malformed = request->method + line != request->version;
}

/* The value without blanks at its end: itself, or a copy; NULL if there is no room for one. */
static const char *trim(struct gate *gate, const char *value, size_t bytes)
{
    size_t n = bytes;
    char *copy = gate->spare;

    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    if (n == bytes)
        return value;
    if (n >= gate->spare_bytes)
        return NULL;
    memcpy(copy, value, n);
    copy[n] = '\0';
    gate->spare += n + 1;
    gate->spare_bytes -= n + 1;
    return copy;
}

/* The fields of the framing are taken as they are: the parser has read them already, blanks and
 * all. */
static void see_field(struct gate *gate, enum request_header field, const char *value, size_t bytes)
{
    if (gate->count[field]++ > 0)
        return;
    gate->value[field] = fields[field].use == FRAMING ? value : trim(gate, value, bytes);
    if (!gate->value[field])
        gate->malformed = true;
}

void gate_header(struct gate *gate, const char *name, size_t name_bytes, const char *value,
                 size_t value_bytes)
{
    gate->headers++;
    if (name_bytes == 0 || span(name, TOKEN) != name_bytes || !value ||
        !value_ok(value, value_bytes) ||
        (gate->tile && !lay_tile(gate, name, name_bytes, value, value_bytes))) {
        gate->malformed = true;
        return;
    }
    for (enum request_header f = 0; f < REQUEST_HEADERS; f++)
        if (fields[f].bytes == name_bytes && strcasecmp(fields[f].name, name) == 0) {
            see_field(gate, f, value, value_bytes);
            return;
        }
}

bool gate_target_ok(const char *target, size_t *at)
{
    size_t i = span(target, TARGET);

    while (target[i] == '%' && is(target[i + 1], HEX) && is(target[i + 2], HEX))
        i += 3 + span(target + i + 3, TARGET);
    *at = i;
    return i > 0 && target[i] == '\0';
}

bool gate_request_id_ok(const char *id)
{
    size_t n = id ? span(id, ID) : 0;

    return n > 0 && n <= GATE_REQUEST_ID_MAX && id[n] == '\0';
}

bool gate_traceparent_ok(const char *text)
{
    static const char form[] = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    enum { TRACE = 3, TRACE_DIGITS = 32 };

    _Static_assert(sizeof form == GATE_TRACEPARENT_BYTES + 1, "the form is as long as its texts");
    if (!text || strlen(text) != GATE_TRACEPARENT_BYTES)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'h' ? !is(text[i], HEX) || (text[i] >= 'A' && text[i] <= 'F')
                           : text[i] != form[i])
            return false;
    return strspn(text + TRACE, "0") < TRACE_DIGITS &&
           strspn(text + GATE_TRACEPARENT_SPAN, "0") < GATE_TRACEPARENT_SPAN_DIGITS;
}

/* Digits only, as RFC 9110 has it: no sign, no list, no blank, no overflow. */
static bool read_length(const char *text, uint64_t *length)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(unsigned char)*text - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value == UINT64_MAX) /* which stands for chunked */
        return false;
    *length = value;
    return true;
}

static enum error_id check_line(const struct gate_request *request, struct error *error)
{
    size_t at;

    if (!request->method[0] || request->method[span(request->method, TOKEN)] != '\0')
        return error_set(error, ERROR_BAD_REQUEST, "the method is not a token");
    if (!gate_target_ok(request->target, &at))
        return error_set(error, ERROR_BAD_REQUEST,
                         "the request target is empty or holds a byte that must be "
                         "percent-encoded, at byte %zu",
                         at);
    return ERROR_OK;
}

/* Two keys: one would be looked at here, and perhaps the other by a proxy in front. */
static enum error_id check_keys(const struct gate *gate, struct error *error)
{
    static const enum request_header keys[] = {REQUEST_AUTHORIZATION, REQUEST_X_API_KEY};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (gate->count[keys[i]] > 1)
            return error_set(error, ERROR_BAD_REQUEST, "%u %s headers, at most one is allowed",
                             gate->count[keys[i]], fields[keys[i]].name);
    return ERROR_OK;
}

static enum error_id check_body(const struct gate *gate, bool http_1_1, bool chunked_refused,
                                struct gate_body *body, struct error *error)
{
    static const enum request_header single[] = {REQUEST_CONTENT_LENGTH, REQUEST_TRANSFER_ENCODING,
                                                 REQUEST_INFERENCE_LENGTH};
    unsigned lengths = gate->count[REQUEST_CONTENT_LENGTH];
    unsigned encodings = gate->count[REQUEST_TRANSFER_ENCODING];

    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (gate->count[single[i]] > 1)
            return error_set(error, ERROR_BAD_FRAMING, "%u %s headers, at most one is allowed",
                             gate->count[single[i]], fields[single[i]].name);
    if (lengths && encodings)
        return error_set(error, ERROR_BAD_FRAMING,
                         "both Content-Length and Transfer-Encoding are given");
    if (lengths && !read_length(gate->value[REQUEST_CONTENT_LENGTH], &body->bytes))
        return error_set(error, ERROR_BAD_FRAMING, "Content-Length is not a number of bytes");
    if (encodings &&
        (!http_1_1 || strcasecmp(gate->value[REQUEST_TRANSFER_ENCODING], "chunked") != 0))
        return error_set(error, ERROR_BAD_FRAMING,
                         "the only Transfer-Encoding supported is chunked, with HTTP/1.1");
    if (encodings && chunked_refused)
        return error_set(error, ERROR_LENGTH_REQUIRED,
                         "a body in chunks is refused (chunked_bodies): the HTTP library of this "
                         "service does not check where chunks end; send Content-Length");
    if (encodings)
        body->bytes = UINT64_MAX;
    return ERROR_OK;
}

enum error_id gate_check(const struct gate *gate, const struct gate_request *request,
                         const struct gate_limits *limits, struct gate_body *body,
                         struct error *error)
{
    bool http_1_1 = strcmp(request->version, "HTTP/1.0") != 0;
    unsigned hosts = gate->count[REQUEST_HOST];

    *body = (struct gate_body){0};
    if (gate->headers > limits->headers_count_max)
        return error_set(error, ERROR_HEADERS_TOO_LARGE,
                         "%zu headers, at most %llu are allowed (headers_count_max)", gate->headers,
                         (unsigned long long)limits->headers_count_max);
    if (request->header_bytes > limits->headers_bytes_max)
        return error_set(error, ERROR_HEADERS_TOO_LARGE,
                         "%zu bytes of headers, at most %llu are allowed (headers_bytes_max)",
                         request->header_bytes, (unsigned long long)limits->headers_bytes_max);
    if (check_line(request, error) != ERROR_OK)
        return error->id;
    if (gate->malformed ||
        (gate->tile && gate->tile + 2 != request->method + request->header_bytes))
        return error_set(error, ERROR_BAD_FRAMING,
                         "the request line or a header field is malformed or folded");
    if (hosts > 1 || (http_1_1 && hosts == 0))
        return error_set(error, ERROR_BAD_FRAMING, "%u Host headers, exactly one is needed", hosts);
    if (gate->count[REQUEST_CONTENT_ENCODING] > 1)
        return error_set(error, ERROR_UNSUPPORTED_ENCODING,
                         "%u Content-Encoding headers: a body that was compressed more than once "
                         "is not supported",
                         gate->count[REQUEST_CONTENT_ENCODING]);
    if (check_keys(gate, error) != ERROR_OK)
        return error->id;
    if (check_body(gate, http_1_1, limits->chunked_refused, body, error) != ERROR_OK)
        return error->id;
    body->expect_continue = http_1_1 && gate->count[REQUEST_EXPECT] &&
                            strcasecmp(gate->value[REQUEST_EXPECT], "100-continue") == 0;
    return ERROR_OK;
}
