/* sets.c - see sets.h. The rule is calibration.h's. */
#include "api/sets.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "json/value.h"
#include "neurons/calibration.h"

static enum error_id check(struct api_call *call, size_t rows)
{
    const struct model *m = call->model;

    if (m->answers.classes == 0)
        return call_fail(
            call, ERROR_BAD_FIELD,
            "set: model '%s' gives no probabilities of classes that exclude each other", m->name);
    /* rows_max and the number of classes bound the factors. */
    if (rows * m->answers.classes > call->api->options->classes_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "set: %zu rows of %zu classes are more than %llu (classes_max)", rows,
                         m->answers.classes, (unsigned long long)call->api->options->classes_max);
    return ERROR_OK;
}

static bool is_alpha(const json_t *value, double alpha)
{
    return json_is_number(value) && fabs(json_number_value(value) - alpha) < 1e-12;
}

static enum error_id read_alpha(struct api_call *call, const json_t *value,
                                const struct baseline *b, struct sets *sets)
{
    const struct model *m = call->model;
    char found[OBJECT_FOUND_MAX];
    size_t a = 0;

    while (a < BASELINE_ALPHAS && !is_alpha(value, baseline_alphas[a].alpha))
        a++;
    if (a == BASELINE_ALPHAS)
        return call_fail(call, ERROR_BAD_PARAMETER, "set: expected 0.1, 0.05 or 0.01, found %s",
                         object_found(value, found));
    if (!b || b->conformal_rows == 0)
        return call_fail(call, ERROR_BAD_FIELD,
                         "set: version %" PRIu64 " of model '%s' is not calibrated; "
                         "`axond baseline %s --labels labels.npy < rows.npy` does it",
                         m->version, m->name, m->name);
    sets->asked = true;
    sets->quantile = b->quantiles[a];
    return ERROR_OK;
}

enum error_id sets_read(struct api_call *call, const json_t *value, size_t rows, struct sets *sets)
{
    struct baseline *b;
    enum error_id id;

    if (!value)
        return ERROR_OK;
    if (check(call, rows) != ERROR_OK)
        return call->error.id;
    b = model_baseline(call->model);
    id = read_alpha(call, value, b, sets);
    baseline_unref(b);
    return id;
}

size_t sets_text_max(const struct api_call *call, const struct sets *sets, size_t rows)
{
    enum { BRACKETS = 5, QUOTES = 3, NUMBER = 8 };
    size_t label = call->model->label_text_max + QUOTES + NUMBER;

    return sets->asked ? rows * (BRACKETS + call->model->answers.classes * label) : 0;
}

/* A row with an output that is not finite has no set: an empty one would say that no class is
 * likely. */
static bool is_known(const float *y, size_t outputs)
{
    bool known = true;

    for (size_t i = 0; i < outputs; i++)
        known &= isfinite(y[i]);
    return known;
}

static void write_set(struct api_call *call, struct sets *sets, const double *p)
{
    struct buf *out = &call->reply->body;
    size_t size = 0;

    buf_puts(out, "[");
    for (size_t class = 0; class < call->model->answers.classes; class ++)
        if (calibration_holds(p[class], sets->quantile)) {
            buf_puts(out, size++ ? "," : "");
            call_write_string(out, call->model->classes[class]);
        }
    buf_puts(out, "]");
    sets->sizes[metrics_bucket(METRIC_conformal_set_size, (double)size)]++;
    sets->sizes_sum += size;
}

enum error_id sets_write(struct api_call *call, struct sets *sets,
                         const struct inference *inference)
{
    const struct predictions_shape *answers = &call->model->answers;
    struct buf *out = &call->reply->body;
    double *p;

    if (!sets->asked)
        return ERROR_OK;
    p = call_allocate(call, answers->classes, sizeof *p);
    if (!p)
        return call_no_memory(call);
    buf_puts(out, ",\"sets\":[");
    for (size_t row = 0; row < inference->rows; row++) {
        const float *y = inference->y + row * inference->outputs;

        buf_puts(out, row ? "," : "");
        if (is_known(y, inference->outputs)) {
            predictions_row(answers, y, p);
            write_set(call, sets, p);
        } else {
            buf_puts(out, "null");
        }
    }
    buf_puts(out, "]");
    free(p);
    return ERROR_OK;
}

void sets_count(const struct api_call *call, const struct sets *sets)
{
    if (sets->asked)
        metrics_model_observe_buckets(call->model->metrics, METRIC_conformal_set_size, sets->sizes,
                                      (double)sets->sizes_sum);
}
