/* fuzz_gate.c - libFuzzer entry: any bytes as the head of a request are refused with a sentence, or
 * have one reading of where the body ends, found again here by other means.
 *
 * The first byte chooses how strict the parser before the gate is, and whether chunks are served;
 * then comes the head. The parser here is as lenient as libmicrohttpd 0.9.75: lines end at LF. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GATE_LENIENT = 1, GATE_CHUNKS_REFUSED = 2, GATE_HEADERS_MAX = 8, GATE_BYTES_MAX = 512 };

struct gate_seen {
    unsigned hosts, lengths, encodings, headers;
    const char *length, *encoding;
    bool bare_line_feed, control;
};

static void gate_require(int condition)
{
    if (!condition)
        abort();
}

/* The word before the next blank or the line's end, ended by NUL. */
static char *gate_word(char **at)
{
    char *word = *at, *end = word + strcspn(word, " ");

    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* The line at *at, ended by NUL; NULL after the last. */
static char *gate_line(char **at, struct gate_seen *seen)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *at = end + 1;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    else
        seen->bare_line_feed = true;
    return line;
}

static void gate_note(struct gate_seen *seen, const char *name, const char *value)
{
    seen->headers++;
    for (const char *c = value; *c; c++)
        seen->control |= (unsigned char)*c < ' ' && *c != '\t';
    if (strcasecmp(name, "Host") == 0)
        seen->hosts++;
    if (strcasecmp(name, "Content-Length") == 0 && !seen->lengths++)
        seen->length = value;
    if (strcasecmp(name, "Transfer-Encoding") == 0 && !seen->encodings++)
        seen->encoding = value;
}

/* All header lines. False: no empty one ends them. */
static bool gate_read(struct gate *gate, char **at, struct gate_seen *seen)
{
    char *line;

    while ((line = gate_line(at, seen)) != NULL && *line) {
        char *colon = strchr(line, ':'), *value = colon ? colon + 1 : line + strlen(line);

        value += strspn(value, " \t");
        if (colon)
            *colon = '\0';
        gate_note(seen, line, value);
        gate_header(gate, line, strlen(line), value, strlen(value));
    }
    return line != NULL;
}

static void gate_check_passed(const struct gate_seen *seen, const struct gate_request *request,
                              const struct gate_body *body, unsigned flags)
{
    size_t at;

    gate_require(seen->headers <= GATE_HEADERS_MAX && request->header_bytes <= GATE_BYTES_MAX);
    gate_require(gate_target_ok(request->target, &at) && !seen->control);
    gate_require(seen->hosts == 1 ||
                 (seen->hosts == 0 && strcmp(request->version, "HTTP/1.0") == 0));
    gate_require(seen->lengths + seen->encodings <= 1);
    gate_require(!(flags & GATE_LENIENT) || !seen->bare_line_feed);
    if (seen->encodings)
        gate_require(strcasecmp(seen->encoding, "chunked") == 0 && body->bytes == UINT64_MAX &&
                     !(flags & GATE_CHUNKS_REFUSED));
    else if (seen->lengths)
        gate_require(body->bytes == strtoull(seen->length, NULL, 10) &&
                     seen->length[strspn(seen->length, "0123456789")] == '\0');
    else
        gate_require(body->bytes == 0);
}

static void gate_run(char *head, unsigned flags)
{
    const struct gate_limits limits = {.headers_bytes_max = GATE_BYTES_MAX,
                                       .headers_count_max = GATE_HEADERS_MAX,
                                       .chunked_refused = (flags & GATE_CHUNKS_REFUSED) != 0};
    char spare[64], *at = head, *line;
    struct gate gate = {.spare = spare, .spare_bytes = sizeof spare};
    struct gate_request request = {0};
    struct gate_seen seen = {0};
    struct gate_body body;
    struct error error = {0};

    line = gate_line(&at, &seen);
    if (!line)
        return;
    request.method = gate_word(&line);
    request.target = gate_word(&line);
    request.version = line;
    if (flags & GATE_LENIENT)
        gate_begin_tiling(&gate, &request);
    if (!gate_read(&gate, &at, &seen))
        return;
    request.header_bytes = (size_t)(at - head);
    enum error_id id = gate_check(&gate, &request, &limits, &body, &error);
    gate_require(id == error.id);
    if (id == ERROR_OK)
        gate_check_passed(&seen, &request, &body, flags);
    else
        gate_require(error.detail[0] != '\0');
    if (gate_request_id_ok(gate.value[REQUEST_X_REQUEST_ID]))
        gate_require(strlen(gate.value[REQUEST_X_REQUEST_ID]) <= GATE_REQUEST_ID_MAX);
    if (gate_traceparent_ok(gate.value[REQUEST_TRACEPARENT]))
        gate_require(strlen(gate.value[REQUEST_TRACEPARENT]) == GATE_TRACEPARENT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = size ? size - 1 : 0;
    char *head = malloc(len + 1); /* exactly as long as what the caller promises */

    gate_require(head != NULL);
    if (len)
        memcpy(head, data + 1, len);
    head[len] = '\0';
    if (size)
        gate_run(head, data[0]);
    free(head);
    return 0;
}
