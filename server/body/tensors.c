/* tensors.c - the tensors of a body: found by their paths, decoded while the text comes.
 *
 * May know: json/ as a hook of its reader, tensor_reader.h. */
#include "body/tensors.h"
#include "body/cell.h"
#include "body/records.h"
#include "body/series.h"
#include "json/fail.h"
#include "tensor/tensor_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct envelope_reader *reader_of(struct json_reader *json)
{
    return (struct envelope_reader *)json;
}

void tensors_release(struct envelope_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tensor_fini(&fields[i].tensor);
        free(fields[i].member);
        free(fields[i].place);
        free(fields[i].gaps);
        free(fields[i].series);
        fields[i].gaps = NULL;
        fields[i].series = NULL;
        fields[i].member = fields[i].place = NULL;
        fields[i].present = fields[i].blob = false;
    }
}

/* ---- the paths of tensors ---- */

/* The path's next segment after the one at `at`. */
static const char *next_segment(const char *at)
{
    at += at[0] == '[' ? 2 : strcspn(at, ".[");
    return at + (*at == '.');
}

/* The path's segment for a value within `depth` containers, of which the innermost is an array (key
 * NULL) or has it as key: where the path goes on, or NULL if it does not lead here. */
static const char *follow(const char *path, size_t depth, const char *key)
{
    size_t n = key ? strlen(key) : 0;

    for (; depth > 1; depth--)
        path = next_segment(path);
    if (key ? *path == '[' || strcspn(path, ".[") != n || memcmp(path, key, n) != 0 : *path != '[')
        return NULL;
    return next_segment(path);
}

/* Which paths lead to what is in the container that is about to be opened. */
static void lead_into(struct json_reader *json)
{
    struct envelope_reader *r = reader_of(json);
    const json_t *parent = r->json.depth ? r->json.open[r->json.depth - 1] : NULL;
    const char *key = parent && json_is_object(parent) ? r->json.key.data : NULL, *rest;
    unsigned leads = 0;

    if (r->json.depth >= ENVELOPE_SEGMENTS_MAX)
        return;
    for (size_t i = 0; i < r->fields_count && (!parent || r->leads[r->json.depth]); i++) {
        rest = parent ? follow(r->fields[i].path, r->json.depth, key) : r->fields[i].path;
        if (rest && *rest && (!parent || r->leads[r->json.depth] >> i & 1))
            leads |= 1u << i;
    }
    r->leads[r->json.depth + 1] = (uint8_t)leads;
}

/* The field that the key just read announces as a tensor: the first of its path that is free, or
 * the last; or NULL. */
static struct envelope_field *find_field(const struct envelope_reader *r)
{
    struct envelope_field *found = NULL;
    unsigned leads = r->json.depth <= ENVELOPE_SEGMENTS_MAX ? r->leads[r->json.depth] : 0;

    for (size_t i = 0; leads >> i && (!found || found->present); i++) {
        const char *rest = leads >> i & 1
                               ? follow(r->fields[i].path, r->json.depth, r->json.key.data)
                               : NULL;

        if (rest && !*rest)
            found = &r->fields[i];
    }
    return found;
}

/* "inputs[0].data": the path with the elements that are open. */
static char *place_of(const struct envelope_reader *r, const char *path)
{
    char text[TENSOR_PLACE_MAX];
    size_t used = 0;

    for (size_t depth = 0; *path && used < sizeof text; path = next_segment(path), depth++) {
        size_t n = strcspn(path, ".[");

        if (n > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", depth ? "." : "",
                                     (int)n, path);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "[%zu]",
                                     json_array_size(r->json.open[depth]) - 1);
    }
    return strdup(text);
}

static bool holds_records(const struct envelope_field *field)
{
    return field->objects >= ENVELOPE_RECORD;
}

/* Do objects in the place of rows name the features one by one, where the model's have names? */
static bool may_name_features(const struct envelope_field *field)
{
    return field->objects == ENVELOPE_OBJECT_ROWS && field->features && field->features->names &&
           field->features->count > 1;
}

/* In front of a value that is checked, and of which at most its kind is kept. */
static enum error_id begin_cell(struct envelope_reader *r)
{
    r->records.skip = (struct skip){.depth = 0};
    r->cell = cell_of_json(window_byte(&r->json.window));
    r->row = ENVELOPE_CELL;
    return ERROR_OK;
}

static enum error_id read_cell(struct envelope_reader *r)
{
    struct skip *skip = &r->records.skip;
    enum error_id id = skip_token(skip, &r->json, NON_FINITE_TOKEN);

    if (id || skip->state != SKIP_DONE)
        return id;
    r->row = r->field->series ? ENVELOPE_ROW_END : ENVELOPE_NO_ROW;
    if (r->field->series)
        return ERROR_OK;
    if (r->field->objects != ENVELOPE_SKIPPED)
        return tensor_reader_cell(&r->tensor, r->cell);
    r->tensor.state = TENSOR_DONE;
    return ERROR_OK;
}

static enum error_id begin_tensor(struct envelope_reader *r, struct envelope_field *field)
{
    if (field->present)
        return json_fail(&r->json, r->json.window.pos, ERROR_LIMIT_EXCEEDED,
                         "one more %s than this call takes", field->path);
    if (r->json.depth > 1 && !(field->place = place_of(r, field->path)))
        return json_no_memory(&r->json);
    bool cells = field->objects == ENVELOPE_CELLS || field->objects == ENVELOPE_RECORDS;
    tensor_reader_init(&r->tensor, &r->json.window, &field->tensor, envelope_field_place(field),
                       &r->limits, cells ? NON_FINITE_TOKEN : r->policy, &r->json.error);
    r->tensor.cells = cells;
    if (field->objects == ENVELOPE_OBJECT || window_byte(&r->json.window) == '{')
        r->tensor.object_depth = 0;
    else if (field->objects != ENVELOPE_NO_OBJECTS && field->objects != ENVELOPE_CELLS)
        r->tensor.object_depth = 1;
    r->field = field;
    if (holds_records(field))
        records_begin(r);
    r->json.state = JSON_HOOKED;
    r->row = ENVELOPE_NO_ROW;
    if (field->objects == ENVELOPE_SKIPPED)
        begin_cell(r);
    return ERROR_OK;
}

/* ---- objects that stand for an element: one key, the same in all ---------------------------- */

enum error_id tensors_read_key(struct envelope_reader *r)
{
    if (window_byte(&r->json.window) != '"')
        return json_expected(&r->json, ERROR_BAD_JSON, "a key in quotes");
    if (json_read_string(&r->json, &r->json.word))
        return r->json.error.id;
    r->json.strings_bytes -= r->json.word.len;
    memory_give(r->limits.account, r->json.word.len);
    return ERROR_OK;
}

static enum error_id read_row_key(struct envelope_reader *r)
{
    enum { MEMBER_MAX = 256 };
    struct tensor_reader *t = &r->tensor;
    char at[TENSOR_PLACE_MAX], first[TENSOR_PLACE_MAX];

    if (window_byte(&r->json.window) == '}' && !r->field->series)
        return error_set(&r->json.error, ERROR_BAD_FIELD,
                         "%s: an object without a key, expected the input's name",
                         tensor_reader_place(t, false, at));
    if (tensors_read_key(r))
        return r->json.error.id;
    if (series_begins(r))
        return series_key(r);
    if (r->json.word.len > MEMBER_MAX)
        return error_set(&r->json.error, ERROR_BAD_FIELD,
                         "%s: the key \"%.60s...\" has %zu bytes, an input's name at most %d",
                         tensor_reader_place(t, false, at), r->json.word.data, r->json.word.len,
                         MEMBER_MAX);
    if (!r->field->member)
        r->field->member = strdup(r->json.word.data);
    if (!r->field->member)
        return json_no_memory(&r->json);
    if (strcmp(r->field->member, r->json.word.data) != 0)
        return error_set(&r->json.error, ERROR_BAD_FIELD, "%s: the key \"%.60s\", %s has \"%.60s\"",
                         tensor_reader_place(t, false, at), r->json.word.data,
                         tensor_reader_place(t, true, first), r->field->member);
    t->member = r->field->member;
    json_consumed(&r->json.word);
    r->row = ENVELOPE_ROW_COLON;
    return ERROR_OK;
}

static enum error_id read_row_colon(struct envelope_reader *r)
{
    if (window_byte(&r->json.window) != ':')
        return json_expected(&r->json, ERROR_BAD_JSON, "':'");
    r->json.window.pos++;
    tensor_reader_value(&r->tensor);
    r->json.state = JSON_HOOKED;
    r->row = ENVELOPE_NO_ROW;
    return ERROR_OK;
}

static enum error_id read_row_end(struct envelope_reader *r)
{
    char c = window_byte(&r->json.window);

    if (c != '}' && c != ',')
        return json_expected(&r->json, ERROR_BAD_JSON, "',' or '}'");
    r->json.window.pos++;
    r->row = r->field->series ? ENVELOPE_ROW_KEY : ENVELOPE_ROW_MORE;
    if (c == '}') {
        tensor_reader_closed(&r->tensor);
        r->row = ENVELOPE_NO_ROW;
    }
    return ERROR_OK;
}

static enum error_id refuse_row_key(struct envelope_reader *r)
{
    char at[TENSOR_PLACE_MAX];

    if (tensors_read_key(r))
        return r->json.error.id;
    return error_set(&r->json.error, ERROR_BAD_FIELD,
                     "%s: the key \"%.60s\" beside \"%.60s\", expected one key, the input's name",
                     tensor_reader_place(&r->tensor, false, at), r->json.word.data,
                     r->field->member);
}

/* Does a value that begins so belong to the tensor reader? Also what only resembles a number: its
 * messages are the better ones. */
static bool begins_tensor(const struct envelope_field *field, char c)
{
    if (c == '{' && field->objects != ENVELOPE_SKIPPED)
        return field->objects == ENVELOPE_OBJECT || field->objects == ENVELOPE_OBJECT_OR_LIST ||
               field->objects == ENVELOPE_RECORD;
    if (field->objects == ENVELOPE_SKIPPED)
        return true;
    if (field->objects >= ENVELOPE_CELLS)
        return c == '[' && field->objects != ENVELOPE_RECORD;
    return c != '\0' && strchr("[-0123456789+.NI", c) != NULL;
}

/* ---- the hook ---- */

static bool takes(struct json_reader *json, char c)
{
    struct envelope_reader *r = reader_of(json);
    struct envelope_field *field = find_field(r);

    if (!field || !begins_tensor(field, c))
        return false;
    begin_tensor(r, field);
    return true;
}

/* After the bracket of what is a list of objects, in front of the first one. */
static enum error_id give_back(struct envelope_reader *r)
{
    r->json.window.pos--;
    r->field = NULL;
    return json_give_back_array(&r->json);
}

/* As far as the tensor reader goes, and whose turn it is then. */
static enum error_id read_elements(struct envelope_reader *r)
{
    enum error_id id = tensor_reader_read(&r->tensor);

    if (r->tensor.state == TENSOR_KEY && r->tensor.depth == 1 &&
        r->field->objects == ENVELOPE_OBJECT_OR_LIST)
        return give_back(r);

    if (r->tensor.state == TENSOR_KEY && !r->records.of && may_name_features(r->field))
        records_begin(r);
    if (r->tensor.state == TENSOR_KEY)
        r->row = r->records.of ? ENVELOPE_FEATURE_KEY : ENVELOPE_ROW_KEY;
    if (r->tensor.state == TENSOR_CLOSE)
        r->row = r->records.of ? ENVELOPE_FEATURE_END : ENVELOPE_ROW_END;
    if (r->tensor.state == TENSOR_CELL)
        begin_cell(r);
    if (!id && r->row == ENVELOPE_ROW_END && r->field->series)
        return series_end(r);
    return !id && r->row == ENVELOPE_FEATURE_END ? records_value_end(r) : id;
}

/* Is the next token of an object that stands for an element whole? */
static bool has_token(const struct envelope_reader *r)
{
    const struct window *w = &r->json.window;
    bool may_be_string = r->row == ENVELOPE_ROW_KEY || r->row == ENVELOPE_ROW_MORE ||
                         r->row == ENVELOPE_FEATURE_KEY || r->row == ENVELOPE_FEATURE_NEXT ||
                         r->row == ENVELOPE_FEATURE_SKIP || r->row == ENVELOPE_CELL;

    return may_be_string && window_byte(w) == '"' ? window_has_string((struct window *)w)
                                                  : window_has_word((struct window *)w);
}

static enum error_id read(struct json_reader *json)
{
    static enum error_id (*const readers[])(struct envelope_reader * r) = {
        [ENVELOPE_NO_ROW] = read_elements,        [ENVELOPE_ROW_KEY] = read_row_key,
        [ENVELOPE_ROW_COLON] = read_row_colon,    [ENVELOPE_ROW_END] = read_row_end,
        [ENVELOPE_ROW_MORE] = refuse_row_key,     [ENVELOPE_FEATURE_KEY] = records_key,
        [ENVELOPE_FEATURE_NEXT] = records_key,    [ENVELOPE_FEATURE_COLON] = records_colon,
        [ENVELOPE_FEATURE_VALUE] = records_value, [ENVELOPE_FEATURE_SKIP] = records_skip,
        [ENVELOPE_FEATURE_END] = records_end,     [ENVELOPE_CELL] = read_cell,
        [ENVELOPE_SERIES_COLON] = series_skip,    [ENVELOPE_SERIES_SKIP] = begin_cell,
    };
    struct envelope_reader *r = reader_of(json);
    enum error_id id = ERROR_OK;

    r->tensor.run_ends = NULL; /* the window may be another one */
    for (;;) {
        enum envelope_row row = r->row;

        window_skip_space(&json->window);
        if (row != ENVELOPE_NO_ROW && !has_token(r))
            return ERROR_OK;
        id = readers[row](r);
        if (id || (row == ENVELOPE_NO_ROW && r->row == ENVELOPE_NO_ROW))
            break;
    }
    if (id || r->tensor.state != TENSOR_DONE)
        return id;
    r->field->present = true;
    if (r->records.of)
        records_finish(r);
    return json_hooked(json);
}

static void fini(struct json_reader *json)
{
    struct envelope_reader *r = reader_of(json);

    tensors_release(r->fields, r->fields_count);
    r->fields_count = 0;
    records_fini(&r->records);
}

const struct json_hook tensors_hook = {
    .opens = lead_into, .takes = takes, .read = read, .fini = fini};
