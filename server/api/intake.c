/* intake.c - what has come of a request's body, read as it comes.
 *
 * Knows how the routes want their bodies, no resource. Invariant: memory grows with what has come,
 * and a body that is wrong holds none. */
#include "api/call.h"
#include "base/clock.h"

enum {
    PROMISE_TRUSTED = 1 << 16, /* a small body that is kept as it is gets its memory at once   */
    DECODED_AT_ONCE = 1 << 16, /* more wait for others' turn: 8 KB of a bomb are 8 MB, or 30 ms */
};

/* Empty, whatever kind of body fills them. Returns their count. */
static size_t init_fields(struct api_call *call)
{
    const struct call_post *post = call->post;
    size_t count = 0;

    for (; post->tensors[count]; count++)
        call->fields[count] = (struct envelope_field){
            .path = post->tensors[count],
            .objects = post->objects ? post->objects[count] : ENVELOPE_NO_OBJECTS,
            .features = post->objects && post->objects[count] >= ENVELOPE_RECORD ? &call->features
                                                                                 : NULL};
    return count;
}

static void init_reader(struct api_call *call, size_t fields_count, size_t bytes)
{
    const struct options *options = call->api->options;
    const struct envelope_limits limits = {.tensor = {.rank_max = options->rank_max,
                                                      .elements_max = options->elements_max,
                                                      .account = &call->account},
                                           .depth_max = options->json_depth_max,
                                           .tokens_max = options->json_tokens_max};
    enum non_finite policy;

    if (call_non_finite(call, &policy) != ERROR_OK)
        call->error.id = ERROR_OK; /* the handler's to refuse, after what it refuses first */
    envelope_reader_init(&call->body.reader, call->fields, fields_count, &limits, policy, bytes);
}

void call_body_init(struct api_call *call, uint64_t body_bytes)
{
    struct call_body *body = &call->body;
    bool known = body_bytes != API_BODY_UNKNOWN && !body->encoding;
    size_t fields_count = init_fields(call);

    body->decoder = NULL;
    body->fed_bytes = body->fed_ns = 0;
    if (body->format->kind == BODY_BYTES) {
        buf_init(&body->bytes, (size_t)(known ? body_bytes : call->api->options->body_bytes_max));
        body->bytes.account = &call->account;
    } else {
        init_reader(call, fields_count, known ? (size_t)body_bytes : WINDOW_UNKNOWN);
    }
}

/* Nobody needs any more what was read of it. */
static void drop(struct call_body *body)
{
    if (body->format->kind == BODY_BYTES)
        buf_fini(&body->bytes);
    else
        envelope_reader_fini(&body->reader);
}

void call_body_fini(struct api_call *call)
{
    drop(&call->body);
    envelope_fini(&call->envelope);
    decoder_destroy(call->body.decoder);
    call->body.decoder = NULL;
}

static void feed(struct call_body *body, const char *bytes, size_t size)
{
    if (body->format->kind == BODY_ENVELOPE) {
        envelope_feed(&body->reader, bytes, size);
        return;
    }
    if (body->bytes.len == 0 && body->bytes.max <= PROMISE_TRUSTED)
        buf_reserve(&body->bytes, body->bytes.max);
    buf_append(&body->bytes, bytes, size);
}

/* The bytes that these stand for; *size becomes how many of these were taken. */
static bool feed_decoded(struct api_call *call, const char *bytes, size_t *size)
{
    struct call_body *body = &call->body;
    uint64_t max = call->api->options->body_bytes_max;
    size_t left = *size, length = 1, fed = 0;
    const char *piece;

    if (!body->decoder)
        body->decoder = decoder_create(body->encoding, &call->account);
    if (!body->decoder)
        return call_no_memory(call) == ERROR_OK;
    for (; length > 0 && fed < DECODED_AT_ONCE && !call->account.refused; fed += length) {
        length = decoder_next(body->decoder, &bytes, &left, &piece);
        if (length > max - body->fed_bytes)
            return call_fail(call, ERROR_BODY_TOO_LARGE,
                             "the %s body stands for more than the %llu bytes that are allowed "
                             "(body_bytes_max)",
                             encoding_name(body->encoding), (unsigned long long)max) == ERROR_OK;
        if (length > 0)
            feed(body, piece, length);
        body->fed_bytes += length;
    }
    if (decoder_failed(body->decoder))
        drop(body);
    *size -= left;
    return true;
}

bool call_body_feed(struct api_call *call, const char *bytes, size_t *size)
{
    struct call_body *body = &call->body;
    uint64_t begun_ns = clock_ns();

    if (body->encoding) {
        if (!feed_decoded(call, bytes, size))
            return false;
    } else {
        feed(body, bytes, *size);
        body->fed_bytes += *size;
    }
    body->fed_ns += clock_ns() - begun_ns;
    if (body->format->kind == BODY_ENVELOPE && body->reader.json.error.id)
        memory_settle(&call->account, sizeof *call + envelope_reader_bytes(&body->reader) +
                                          decoder_bytes(body->decoder));
    return !call->account.refused || call_no_memory(call) == ERROR_OK;
}

/* A compressed body is complete: what held its bytes goes, and tells what was wrong with them. */
static enum error_id finish_decoding(struct api_call *call)
{
    struct call_body *body = &call->body;
    enum error_id id = ERROR_OK;

    if (!body->encoding)
        return ERROR_OK;
    id = decoder_finish(body->decoder, body->encoding, &call->error);
    decoder_destroy(body->decoder);
    body->decoder = NULL;
    body->encoding = ENCODING_IDENTITY; /* from here on: whoever asks again gets the same bytes */
    return id;
}

size_t api_call_bytes(const struct api_call *call)
{
    return call->account.used - sizeof *call;
}

/* Arrays of a tensor that hold nothing or other arrays cost as much to read and write as numbers
 * do. A shape may tell of more than the body had brackets for. */
static size_t arrays_of(const struct api_call *call, const struct tensor *t)
{
    size_t count = 1, brackets = call->body.fed_bytes / 2;

    for (size_t i = 0; i + 1 < t->rank && count > 0 && count < brackets; i++)
        count = t->shape[i] < brackets / count ? count * t->shape[i] : brackets;
    return t->rank > 1 ? count : 0;
}

size_t call_body_elements(const struct api_call *call)
{
    size_t count = 0;

    if (call->body.format->kind == BODY_BYTES && call->phase == CALL_READ)
        return call->body.bytes.len / sizeof(float);
    for (size_t i = 0; call->post->tensors[i]; i++)
        count += call->fields[i].tensor.count + arrays_of(call, &call->fields[i].tensor);
    return count;
}

enum error_id call_envelope(struct api_call *call)
{
    if (call->envelope.json) /* a reader before has asked for it */
        return ERROR_OK;
    if (finish_decoding(call) != ERROR_OK)
        return call->error.id;
    return envelope_finish(&call->body.reader, &call->envelope, &call->error);
}

enum error_id call_binary(struct api_call *call, const char **bytes, size_t *size)
{
    const struct buf *body = &call->body.bytes;

    if (finish_decoding(call) != ERROR_OK)
        return call->error.id;
    if (body->failed)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    *bytes = body->len > 0 ? body->data : "";
    *size = body->len;
    return ERROR_OK;
}
