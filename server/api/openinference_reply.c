/* openinference_reply.c - what the Open Inference Protocol answers: JSON, and after it the bytes of
 * the outputs that are wanted so.
 *
 * A long reply is written in pieces: each tensor, and each one's bytes, is a part (call.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/capture.h"
#include "api/openinference.h"

enum {
    FRAME_BYTES = 1024,
    OUTPUT_BYTES = 320, /* of an output, besides its data */
    SIZE_DIGITS = sizeof "18446744073709551615" - 1,
    BINARY_COST = 32 /* numbers as bytes cost what one costs as text */
};

struct infer_values infer_values_of(const struct api_call *call, const struct infer_output *output)
{
    const struct inference *p = inference_of(call);
    const struct model *m = call->model;
    struct infer_values v = {.ranking = RANKING_OUTPUTS};

    if (output->captured != INFER_MODEL_OUTPUT) {
        const struct model_captured *c = &p->capture->layers[output->captured];

        v.name = m->layers[c->layer].name;
        v.values = c->values;
        v.width = v.classes = m->layers[c->layer].units;
        return v;
    }
    v.name = m->output_name;
    v.values = p->y;
    v.width = v.classes = p->outputs;
    if (m->labels_count == 0)
        return v;
    v.labels = m->labels;
    v.classes = m->labels_count;
    v.ranking = m->ranking == RANKING_NONE ? RANKING_OUTPUTS : m->ranking;
    return v;
}

/* ---- an output as classes ---- */

/* Without the quotes around what is written next to it. */
static void write_label(struct buf *out, const char *label)
{
    size_t at = out->len;

    call_write_string(out, label);
    if (out->failed)
        return;
    out->len--;
    memmove(out->data + at, out->data + at + 1, out->len - at);
    out->len--;
}

static void write_score(struct buf *out, float score)
{
    char text[FLOAT_TEXT_MAX];

    if (isfinite(score))
        buf_append(out, text, float_write(text, score));
    else
        buf_puts(out, isnan(score) ? "NaN" : score > 0 ? "Infinity" : "-Infinity");
}

/* "0.9:3:cat" as JSON, or its length and its bytes. */
static void write_class(struct buf *out, const struct infer_values *v, const float *row,
                        size_t class, bool binary)
{
    uint32_t length = 0;
    size_t start = out->len;

    if (binary)
        buf_append(out, &length, sizeof length);
    else
        buf_puts(out, "\"");
    write_score(out, ranking_score(v->ranking, row, class));
    buf_puts(out, ":");
    buf_number(out, class);
    if (v->labels)
        buf_puts(out, ":");
    if (v->labels && binary)
        buf_puts(out, v->labels[class]);
    else if (v->labels)
        write_label(out, v->labels[class]);
    if (!binary)
        buf_puts(out, "\"");
    length = (uint32_t)(out->len - start - sizeof length);
    if (binary && !out->failed)
        memcpy(out->data + start, &length, sizeof length);
}

/* Numbers that are not finite are no JSON, nor are their texts unless the client says so. */
static enum error_id check_scores(struct api_call *call, const struct infer_values *v, size_t row,
                                  const size_t *best, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(ranking_score(v->ranking, v->values + row * v->width, best[i])))
            return call_fail(call, ERROR_NON_FINITE,
                             "%s[%zu][%zu] is not finite; ?non_finite=string writes it", v->name,
                             row, best[i]);
    return ERROR_OK;
}

static enum error_id write_row(struct api_call *call, const struct infer_output *output,
                               const struct infer_values *v, size_t row)
{
    struct infer_request *r = infer_request_of(call);
    struct buf *out = &call->reply->body;
    const float *values = v->values + row * v->width;

    ranking_best(v->ranking, values, v->classes, r->best, output->classes);
    if (!output->binary && r->inference.policy == NON_FINITE_STRICT &&
        check_scores(call, v, row, r->best, output->classes))
        return call->error.id;
    for (size_t i = 0; i < output->classes; i++) {
        if (!output->binary && row + i > 0)
            buf_puts(out, ",");
        write_class(out, v, values, r->best[i], output->binary);
    }
    return ERROR_OK;
}

/* Rows of classes, as many as a piece may have. */
static enum error_id write_rows(struct api_call *call, const struct infer_output *output)
{
    enum { PIECE = 1 << 16 };
    struct infer_request *r = infer_request_of(call);
    const struct infer_values v = infer_values_of(call, output);
    const size_t rows = r->inference.rows, piece = PIECE / (v.classes + output->classes) + 1;
    enum error_id id = ERROR_OK;

    for (size_t i = 0; i < piece && r->at < rows && id == ERROR_OK; i++)
        id = write_row(call, output, &v, r->at++);
    call_part_ends(call, id != ERROR_OK || call->reply->body.failed || r->at == rows);
    return id;
}

/* Room for the classes of a row: the same for all outputs. */
static enum error_id prepare_best(struct api_call *call)
{
    struct infer_request *r = infer_request_of(call);
    size_t most = 0;

    for (size_t i = 0; i < r->outputs_count; i++)
        most = r->outputs[i].classes > most ? r->outputs[i].classes : most;
    if (most == 0 || r->best)
        return ERROR_OK;
    r->best = call_allocate(call, most, sizeof *r->best);
    return r->best ? ERROR_OK : call_no_memory(call);
}

/* ---- the JSON ---- */

/* The id is as it came, as JSON: six bytes for each of its own at most. */
static void write_head(struct api_call *call)
{
    const struct infer_request *r = infer_request_of(call);
    struct buf *out = &call->reply->body;

    if (out->len > 0)
        return;
    buf_puts(out, "{\"model_name\":\"");
    buf_puts(out, call->model->name);
    buf_puts(out, "\",\"model_version\":\"");
    buf_number(out, call->model->version);
    buf_puts(out, "\"");
    if (r->has_id) {
        buf_puts(out, ",\"id\":");
        call_write_string(out, r->id);
    }
    buf_puts(out, ",\"outputs\":[");
}

/* {"name":"scores","datatype":"FP32","shape":[2,10], after the output before it. */
static void describe(struct api_call *call, const struct infer_output *output,
                     const struct infer_values *v)
{
    const struct infer_request *r = infer_request_of(call);
    struct buf *out = &call->reply->body;

    buf_puts(out, output == r->outputs ? "{\"name\":\"" : "},{\"name\":\"");
    buf_puts(out, v->name); /* letters, digits, . _ - */
    buf_puts(out, output->classes ? "\",\"datatype\":\"BYTES\",\"shape\":["
                                  : "\",\"datatype\":\"FP32\",\"shape\":[");
    buf_number(out, r->inference.rows);
    buf_puts(out, ",");
    buf_number(out, output->classes ? output->classes : v->width);
    buf_puts(out, output->binary ? "],\"parameters\":{\"binary_data_size\":" : "],\"data\":");
}

/* The bytes of texts are counted when they are written: blanks are kept for their number. */
static void announce(struct api_call *call, struct infer_output *output)
{
    const struct infer_values v = infer_values_of(call, output);
    struct buf *out = &call->reply->body;

    output->size_at = out->len;
    if (output->classes)
        buf_printf(out, "%*s", SIZE_DIGITS, "");
    else
        buf_number(out, inference_of(call)->rows * v.width * sizeof *v.values);
    buf_puts(out, "}");
}

static enum error_id write_classes(struct api_call *call, struct infer_output *output)
{
    enum error_id id;

    if (!call_part_begins(call))
        return ERROR_OK;
    if (!call->writing) {
        infer_request_of(call)->at = 0;
        buf_puts(&call->reply->body, "[");
    }
    id = write_rows(call, output);
    if (!call->again)
        buf_puts(&call->reply->body, "]");
    return id;
}

/* Two parts: the description, and the data or how many bytes they will be. */
static enum error_id write_json(struct api_call *call, struct infer_output *output)
{
    const struct inference *p = inference_of(call);
    const struct infer_values v = infer_values_of(call, output);
    const size_t count = p->rows * v.width;

    if (call_part_begins(call)) {
        describe(call, output, &v);
        if (output->binary)
            announce(call, output);
        call_part_ends(call, true);
    }
    if (output->binary)
        return ERROR_OK;
    return output->classes ? write_classes(call, output)
                           : call_write_part(call, "", v.values, 1, &count, v.name, p->policy);
}

/* ---- the bytes ---- */

static void write_values(struct api_call *call, const struct infer_output *output)
{
    enum { PIECE = 1 << 20 };
    struct infer_request *r = infer_request_of(call);
    struct buf *out = &call->reply->body;
    const struct infer_values v = infer_values_of(call, output);
    const size_t count = r->inference.rows * v.width, left = count - r->at;
    const size_t piece = left < PIECE ? left : PIECE;

    if (piece > 0) /* of no rows there is no array */
        buf_append(out, v.values + r->at, piece * sizeof *v.values);
    r->at += piece;
    call_part_ends(call, out->failed || r->at == count);
}

/* The number of bytes from size_at's end on, where blanks are kept for it. */
static void write_size(struct buf *out, size_t size_at, size_t bytes)
{
    char text[SIZE_DIGITS + 1];

    snprintf(text, sizeof text, "%*zu", SIZE_DIGITS, bytes);
    if (!out->failed)
        memcpy(out->data + size_at, text, SIZE_DIGITS);
}

static enum error_id write_bytes(struct api_call *call, struct infer_output *output)
{
    struct infer_request *r = infer_request_of(call);
    struct buf *out = &call->reply->body;
    enum error_id id = ERROR_OK;

    if (!output->binary || !call_part_begins(call))
        return ERROR_OK;
    if (!call->writing) {
        r->at = 0;
        r->bytes_at = out->len;
    }
    if (output->classes)
        id = write_rows(call, output);
    else
        write_values(call, output);
    if (output->classes && !call->again)
        write_size(out, output->size_at, out->len - r->bytes_at);
    return id;
}

/* Where the JSON ends, in the words in which the client has said so of its own; without bytes after
 * it the reply is plain JSON. */
static void write_headers(struct api_call *call)
{
    const struct body_format *format = call->body.format;
    const size_t json_bytes = infer_request_of(call)->json_bytes;
    struct api_reply *reply = call->reply;

    if (format->id == BODY_SAGEMAKER || format->id == BODY_VERTEX) {
        snprintf(reply->content_type, sizeof reply->content_type, "%s;json-header-size=%zu",
                 format->types[0], json_bytes);
        reply->headers[REPLY_CONTENT_TYPE] = reply->content_type;
        return;
    }
    reply->headers[REPLY_CONTENT_TYPE] = "application/octet-stream";
    snprintf(reply->inference_length, sizeof reply->inference_length, "%zu", json_bytes);
    reply->headers[REPLY_INFERENCE_LENGTH] = reply->inference_length;
}

static void end_json(struct api_call *call)
{
    struct infer_request *r = infer_request_of(call);
    bool binary = false;

    if (r->json_bytes > 0)
        return;
    buf_puts(&call->reply->body, "}]}");
    r->json_bytes = call->reply->body.len;
    for (size_t i = 0; i < r->outputs_count; i++)
        binary |= r->outputs[i].binary;
    if (binary)
        write_headers(call);
}

enum error_id infer_write(struct api_call *call)
{
    struct infer_request *r = infer_request_of(call);
    enum error_id id = prepare_best(call);

    write_head(call);
    for (size_t i = 0; i < r->outputs_count && id == ERROR_OK && !call->again; i++)
        id = write_json(call, &r->outputs[i]);
    if (id == ERROR_OK && !call->again)
        end_json(call);
    for (size_t i = 0; i < r->outputs_count && id == ERROR_OK && !call->again; i++)
        id = write_bytes(call, &r->outputs[i]);
    return id;
}

/* ---- what it takes ---- */

static size_t data_bytes_max(const struct api_call *call, const struct infer_output *output)
{
    enum { CLASS_BYTES = sizeof "\"::\"," + FLOAT_TEXT_MAX + SIZE_DIGITS };
    const struct infer_values v = infer_values_of(call, output);
    const size_t rows = inference_of(call)->rows, count = rows * v.width;

    if (output->classes)
        return rows * output->classes *
               (CLASS_BYTES + (v.labels ? call->model->label_text_max : 0));
    return output->binary ? count * sizeof *v.values : tensor_text_max(1, &count);
}

struct call_needs infer_needs(const struct api_call *call)
{
    const struct infer_request *r = infer_request_of(call);
    struct call_needs needs = {.state = inference_state_bytes(call),
                               .reply = FRAME_BYTES + 6 * INFER_ID_BYTES_MAX};
    size_t most = 0;

    for (size_t i = 0; i < r->outputs_count; i++) {
        needs.reply += OUTPUT_BYTES + data_bytes_max(call, &r->outputs[i]);
        most = r->outputs[i].classes > most ? r->outputs[i].classes : most;
    }
    needs.state += most * sizeof *r->best;
    return needs;
}

/* Numbers as bytes cost little, classes as many numbers as are ranked and written for them. */
size_t infer_elements(const struct api_call *call)
{
    const struct infer_request *r = infer_request_of(call);
    size_t elements = inference_elements(call);

    if (call->phase != CALL_WRITE)
        return elements;
    for (size_t i = 0; i < r->outputs_count; i++) {
        const struct infer_output *output = &r->outputs[i];
        const struct infer_values v = infer_values_of(call, output);
        const size_t count = r->inference.rows * v.width;

        if (output->classes)
            elements += r->inference.rows * output->classes;
        else if (output->binary)
            elements -= count - count / BINARY_COST;
    }
    return elements;
}
