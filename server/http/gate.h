/* gate.h - the framing gate: may the bytes that claim to be one HTTP request be trusted as such?
 *
 * Pure functions over header fields: no sockets, no libmicrohttpd, no memory, so that the unit
 * tests and the fuzzer call what the daemon calls. It refuses everything that two implementations
 * of HTTP could read differently, because that is how requests are smuggled past a proxy. */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "api/headers.h"
#include "base/error.h"

enum { GATE_METHOD_MAX = 23, GATE_REQUEST_ID_MAX = 64 };
/* The bytes of a traceparent, and where in it the id of a span stands. */
enum { GATE_TRACEPARENT_BYTES = 55, GATE_TRACEPARENT_SPAN = 36, GATE_TRACEPARENT_SPAN_DIGITS = 16 };

/* The headers of a request so far. For each row f of headers.def, value[f] is borrowed from the
 * caller: the first occurrence, or NULL; count[f] says how many there were. */
struct gate {
    const char *value[REQUEST_HEADERS];
    unsigned count[REQUEST_HEADERS];
    size_t headers;
    bool malformed; /* a name that is no token, a value with control bytes, bytes unaccounted for */
    /* Where the next field must begin, if the parser is lenient and hands out names and values
     * where they lie in its buffer (libmicrohttpd before 0.9.77): the fields must then tile the
     * header block without a gap. NULL: it is strict itself. */
    const char *tile;
    /* The caller's room for values whose blanks at the end a lenient parser leaves in place; what
     * does not fit is malformed. May be NULL if spare_bytes is 0. */
    char *spare;
    size_t spare_bytes;
};

/* The request that the headers belong to. */
struct gate_request {
    const char *method, *target, *version; /* NUL-terminated; version is "HTTP/1.1" */
    size_t header_bytes;                   /* request line and headers as received   */
};

/* The limits of options.def that the gate applies. */
struct gate_limits {
    uint64_t headers_bytes_max, headers_count_max;
    bool chunked_refused; /* whoever reads the chunks does not check their framing */
};

/* How the body of a request that passed is framed. */
struct gate_body {
    uint64_t bytes; /* the declared length, 0 without one; UINT64_MAX if chunked */
    bool expect_continue;
};

/* Begin with the request line, of which only the target may lie elsewhere. */
void gate_begin_tiling(struct gate *gate, const struct gate_request *request);

/* One header field; the strings are NUL-terminated and must outlive the gate. */
void gate_header(struct gate *gate, const char *name, size_t name_bytes, const char *value,
                 size_t value_bytes);

/* ERROR_OK and *body, or ERROR_BAD_FRAMING, ERROR_BAD_REQUEST, ERROR_HEADERS_TOO_LARGE,
 * ERROR_LENGTH_REQUIRED and a sentence. After anything but ERROR_OK the connection must be closed:
 * where the next request begins is unknown. */
enum error_id gate_check(const struct gate *gate, const struct gate_request *request,
                         const struct gate_limits *limits, struct gate_body *body,
                         struct error *error);

/* Only characters of RFC 3986 (no '#'), every '%' followed by two hex digits, not empty. *at is the
 * first offender. */
bool gate_target_ok(const char *target, size_t *at);

/* [A-Za-z0-9._-]{1,64}; NULL is not. */
bool gate_request_id_ok(const char *id);

/* W3C Trace Context, version 00: "00-", 32 hex digits, "-", 16, "-", 2, in lower case, neither id
 * all zeros; NULL is not. */
bool gate_traceparent_ok(const char *text);

#endif
