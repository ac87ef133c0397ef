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
            .features = post->objects ? &call->features : NULL};
    return count;
}

static struct envelope_limits limits_of(struct api_call *call)
{
    const struct options *options = call->api->options;

    return (struct envelope_limits){.tensor = {.rank_max = options->rank_max,
                                               .elements_max = options->elements_max,
                                               .account = &call->account},
                                    .depth_max = options->json_depth_max,
                                    .tokens_max = options->json_tokens_max};
}

static enum non_finite policy_of(struct api_call *call)
{
    enum non_finite policy;

    if (call_non_finite(call, &policy) != ERROR_OK)
        call->error.id = ERROR_OK; /* the handler's to refuse, after what it refuses first */
    return policy;
}

/* ---- the kinds of bodies ---- */

static void envelope_init(struct api_call *call, uint64_t bytes)
{
    const struct envelope_limits limits = limits_of(call);

    envelope_reader_init(&call->body.reader, call->fields, init_fields(call), &limits,
                         policy_of(call), bytes);
}

static enum error_id envelope_take(struct api_call *call, const char *bytes, size_t size)
{
    return envelope_feed(&call->body.reader, bytes, size);
}

static void envelope_release(struct api_call *call)
{
    envelope_reader_fini(&call->body.reader);
}

static void blobs_init(struct api_call *call, uint64_t bytes)
{
    const struct envelope_limits limits = limits_of(call);

    blobs_reader_init(&call->body.blobs, call->body.head, call->fields, init_fields(call), &limits,
                      policy_of(call), bytes);
}

static enum error_id blobs_take(struct api_call *call, const char *bytes, size_t size)
{
    return blobs_feed(&call->body.blobs, bytes, size);
}

static void blobs_release(struct api_call *call)
{
    blobs_reader_fini(&call->body.blobs);
}

static void table_init(struct api_call *call, uint64_t bytes)
{
    const struct envelope_limits limits = limits_of(call);

    (void)bytes;
    init_fields(call);
    csv_init(&call->body.csv, &call->fields[0], &call->features, &limits.tensor, policy_of(call));
}

static enum error_id table_take(struct api_call *call, const char *bytes, size_t size)
{
    return csv_feed(&call->body.csv, bytes, size);
}

static void table_release(struct api_call *call)
{
    csv_fini(&call->body.csv);
    if (!call->envelope.fields) /* else it is the envelope's */
        tensor_fini(&call->fields[0].tensor);
}

static enum error_id table_finish(struct api_call *call)
{
    if (csv_finish(&call->body.csv, &call->error) != ERROR_OK)
        return call->error.id;
    call->envelope = (struct envelope){.fields = call->fields, .fields_count = 1};
    return ERROR_OK;
}

static void bytes_init(struct api_call *call, uint64_t bytes)
{
    bool known = bytes != API_BODY_UNKNOWN;

    init_fields(call);
    buf_init(&call->body.bytes, (size_t)(known ? bytes : call->api->options->body_bytes_max));
    call->body.bytes.account = &call->account;
}

static enum error_id bytes_take(struct api_call *call, const char *bytes, size_t size)
{
    struct buf *kept = &call->body.bytes;

    if (kept->len == 0 && kept->max <= PROMISE_TRUSTED)
        buf_reserve(kept, kept->max);
    buf_append(kept, bytes, size);
    return ERROR_OK; /* a want of memory shows in `failed` */
}

static void bytes_release(struct api_call *call)
{
    buf_fini(&call->body.bytes);
}

static const struct kind {
    void (*init)(struct api_call *call, uint64_t bytes); /* API_BODY_UNKNOWN is SIZE_MAX, too */
    /* With an error nothing is held any more. */
    enum error_id (*take)(struct api_call *call, const char *bytes, size_t size);
    void (*release)(struct api_call *call);
} kinds[BODY_KINDS] = {[BODY_ENVELOPE] = {envelope_init, envelope_take, envelope_release},
                       [BODY_BLOBS] = {blobs_init, blobs_take, blobs_release},
                       [BODY_TABLE] = {table_init, table_take, table_release},
                       [BODY_BYTES] = {bytes_init, bytes_take, bytes_release}};
_Static_assert(API_BODY_UNKNOWN == WINDOW_UNKNOWN, "both are the largest number");

static const struct kind *kind_of(const struct api_call *call)
{
    return &kinds[call->body.format->kind];
}

/* ---- the body as it comes ---- */

void call_body_init(struct api_call *call, uint64_t body_bytes)
{
    struct call_body *body = &call->body;

    body->decoder = NULL;
    body->fed_bytes = body->fed_ns = 0;
    kind_of(call)->init(call, body->encoding ? API_BODY_UNKNOWN : body_bytes);
}

void call_body_fini(struct api_call *call)
{
    kind_of(call)->release(call);
    envelope_fini(&call->envelope);
    decoder_destroy(call->body.decoder);
    call->body.decoder = NULL;
}

/* With an error of the body nothing of it is held any more, and the account says so. */
static void feed(struct api_call *call, const char *bytes, size_t size)
{
    if (kind_of(call)->take(call, bytes, size) != ERROR_OK)
        memory_settle(&call->account, sizeof *call + decoder_bytes(call->body.decoder));
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
    /* Nobody comes again with no bytes, and the last one may stand for 2 KB. */
    for (; length > 0 && (fed < DECODED_AT_ONCE || left == 0) && !call->account.refused;
         fed += length) {
        length = decoder_next(body->decoder, &bytes, &left, &piece);
        if (length > max - body->fed_bytes)
            return call_fail(call, ERROR_BODY_TOO_LARGE,
                             "the %s body stands for more than the %llu bytes that are allowed "
                             "(body_bytes_max)",
                             encoding_name(body->encoding), (unsigned long long)max) == ERROR_OK;
        if (length > 0)
            feed(call, piece, length);
        body->fed_bytes += length;
    }
    if (decoder_failed(body->decoder))
        kind_of(call)->release(call); /* nobody needs what was read of it */
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
        feed(call, bytes, *size);
        body->fed_bytes += *size;
    }
    body->fed_ns += clock_ns() - begun_ns;
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

bool call_body_none(const struct api_call *call)
{
    const struct call_body *body = &call->body;
    const size_t head = body->format->kind == BODY_BLOBS ? body->head.bytes : BLOBS_ALL_JSON;
    struct error error = {0};

    return body->fed_bytes == 0 && (head == 0 || head == BLOBS_ALL_JSON) &&
           (!body->decoder || decoder_finish(body->decoder, body->encoding, &error) == ERROR_OK);
}

enum error_id call_envelope(struct api_call *call)
{
    if (call->envelope.fields) /* a reader before has asked for it */
        return ERROR_OK;
    if (finish_decoding(call) != ERROR_OK)
        return call->error.id;
    if (call->body.format->kind == BODY_TABLE)
        return table_finish(call);
    return call->body.format->kind == BODY_BLOBS
               ? blobs_finish(&call->body.blobs, &call->envelope, &call->error)
               : envelope_finish(&call->body.reader, &call->envelope, &call->error);
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
