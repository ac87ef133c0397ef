/* golden.c - predictions that a network must give before it may serve.
 *
 * It knows JSON and the core. Its rows run outside of any counter. */
#include "model/golden.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "json/object.h"
#include "model/files.h"
#include "base/slot.h"

enum { GOLDEN_BYTES_MAX = 64 << 20, GOLDEN_TOKENS_MAX = 4 << 20, GOLDEN_ROWS_MAX = 65536 };

static const float TOLERANCE_DEFAULT = 1e-5f;

struct golden {
    size_t rows;
    const json_t *from, *to;
    float *instances, *predictions; /* [rows, features], [rows, outputs] */
    float tolerance;
};

/* array: `rows` arrays of `columns` numbers; rows 0: any number of them, which is set. */
static enum error_id rows_read(float **numbers, const struct place *at, const char *key,
                               const json_t *array, size_t *rows, size_t columns)
{
    size_t n = json_array_size(array);
    char found[OBJECT_FOUND_MAX];

    if (n < 1 || n > GOLDEN_ROWS_MAX || (*rows && n != *rows))
        return object_fail(at, key, ERROR_BAD_FIELD,
                           "expected an array of %zu to %zu rows, found %s", *rows ? *rows : 1,
                           *rows ? *rows : GOLDEN_ROWS_MAX, object_found(array, found));
    *rows = n;
    *numbers = calloc(n, columns * sizeof **numbers);
    return *numbers ? object_rows(at, key, array, *numbers, n, columns)
                    : object_fail(at, key, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id golden_read(struct golden *g, const struct place *at, const json_t *json,
                                 const struct axon_mlp *mlp)
{
    static const struct object_key keys[] = {KEY_REQUIRED("instances", ARRAY, struct golden, from),
                                             KEY_REQUIRED("predictions", ARRAY, struct golden, to),
                                             KEY("tolerance", FLOAT, struct golden, tolerance),
                                             KEY_END};

    g->tolerance = TOLERANCE_DEFAULT;
    if (object_read(at, json, keys, g))
        return at->error->id;
    if (g->tolerance < 0)
        return object_fail(at, "tolerance", ERROR_BAD_PARAMETER,
                           "expected a number of at least 0, found %.9g", (double)g->tolerance);
    if (rows_read(&g->instances, at, "instances", g->from, &g->rows, axon_mlp_features(mlp)))
        return at->error->id;
    return rows_read(&g->predictions, at, "predictions", g->to, &g->rows, axon_mlp_outputs(mlp));
}

static enum error_id golden_compare(const struct golden *g, const struct place *at, const float *y,
                                    size_t outputs)
{
    char element[OBJECT_NAME_MAX];

    for (size_t i = 0; i < g->rows * outputs; i++) {
        double got = (double)y[i], want = (double)g->predictions[i];
        if (fabs(got - want) <= (double)g->tolerance * fmax(1, fabs(want)))
            continue;
        snprintf(element, sizeof element, "predictions[%zu][%zu]", i / outputs, i % outputs);
        return object_fail(at, element, ERROR_BAD_PARAMETER,
                           "the network gives %.9g, expected %.9g within %.9g", got, want,
                           (double)g->tolerance);
    }
    return ERROR_OK;
}

static enum error_id golden_run(const struct golden *g, const struct place *at,
                                const struct axon_mlp *mlp)
{
    size_t outputs = axon_mlp_outputs(mlp);
    float *y = calloc(g->rows, outputs * sizeof *y);
    void *scratch = slot_scratch(axon_mlp_scratch_bytes(mlp));
    enum error_id id;

    if (!y || !scratch) {
        id = object_fail(at, NULL, ERROR_OUT_OF_MEMORY, "out of memory");
    } else {
        axon_mlp_predict(mlp, g->instances, g->rows, y, scratch, NULL);
        id = golden_compare(g, at, y, outputs);
    }
    free(y);
    return id;
}

enum error_id golden_check(const struct version_source *from, const struct axon_mlp *mlp,
                           struct error *error)
{
    char path[VERSION_PATH_MAX];
    struct place at = {path, "", error};
    struct file_bytes bytes = {0};
    struct golden g = {0};
    json_t *json;
    enum error_id id;

    version_path(from, "golden.json", path);
    enum files_result result = files_read(from->dirfd, path, GOLDEN_BYTES_MAX, &bytes, error);
    if (result != FILES_OK)
        return result == FILES_ABSENT ? ERROR_OK : error->id;
    json = object_parse(path, bytes.data, bytes.len, GOLDEN_TOKENS_MAX, error);
    id = json ? golden_read(&g, &at, json, mlp) : error->id;
    if (!id)
        id = golden_run(&g, &at, mlp);
    free(g.instances);
    free(g.predictions);
    json_decref(json);
    free(bytes.data);
    return id;
}
