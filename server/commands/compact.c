/* compact.c - see compact.h.
 *
 * Invariant: the target appears whole or not at all: it is written under a name that begins with a
 * dot, which no repository looks at, and renamed last. */
#include "commands/compact.h"
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/random.h"
#include "base/slot.h"
#include "model/compact.h"
#include "model/files.h"

enum { PATH_MAX_BYTES = 960, TEMPORARY_MAX = 1000 };
static const size_t ROWS = 1024;

/* Where it goes. */
struct target {
    char path[PATH_MAX_BYTES], temporary[TEMPORARY_MAX];
};

/* Bytes of a path up to the slashes that it ends with. */
static size_t without_slashes(const char *path)
{
    size_t bytes = strlen(path);

    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    return bytes;
}

static enum error_id target_name(struct target *t, const struct model *m,
                                 const struct options *options, const char *output,
                                 struct error *error)
{
    const char *slash;
    int length;

    if (output)
        length = snprintf(t->path, sizeof t->path, "%s", output);
    else if (*options->model_dir)
        length = snprintf(t->path, sizeof t->path, "%.*s-compact",
                          (int)without_slashes(options->model_dir), options->model_dir);
    else
        length = snprintf(t->path, sizeof t->path, "%s/%s-compact", options->models, m->name);
    if (length <= 0 || (size_t)length >= sizeof t->path)
        return error_set(error, ERROR_LIMIT_EXCEEDED, "--output: a path of %d bytes, at most %d",
                         length, PATH_MAX_BYTES - 1);
    t->path[without_slashes(t->path)] = '\0';
    slash = strrchr(t->path, '/');
    snprintf(t->temporary, sizeof t->temporary, "%.*s.%s.%ld",
             slash ? (int)(slash - t->path + 1) : 0, t->path, slash ? slash + 1 : t->path,
             (long)getpid());
    if (access(t->path, F_OK) == 0)
        return error_set(error, ERROR_NOT_WRITABLE, "%s is there already; --output names another",
                         t->path);
    return ERROR_OK;
}

/* Remove what was written under the temporary name: two levels of files. */
static int remove_file(void *fd, const char *name)
{
    int folder = *(int *)fd;

    if (unlinkat(folder, name, 0) != 0) {
        int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (inner >= 0) {
            files_each(inner, remove_file, &inner);
            close(inner);
            unlinkat(folder, name, AT_REMOVEDIR);
        }
    }
    return 0;
}

static void target_remove(const struct target *t)
{
    int fd = open(t->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    files_each(fd, remove_file, &fd);
    close(fd);
    rmdir(t->temporary);
}

/* ---- is it the same? ------------------------------------------------------------------------- */

static void rows_fill(float *x, const struct compaction *c, size_t features)
{
    struct random random = random_seed();

    for (size_t i = 0; i < ROWS * features; i++) {
        double share = (double)random_below(&random, UINT32_MAX) / UINT32_MAX;
        double low = (double)c->low[i % features], high = (double)c->high[i % features];

        x[i] = fminf(fmaxf((float)(low + share * (high - low)), c->low[i % features]),
                     c->high[i % features]);
    }
}

/* The largest difference of a and b as a share of max(1, |a|); 0: they are equal bit for bit. */
static double difference(const float *a, const float *b, size_t count)
{
    double most = DBL_TRUE_MIN; /* of zeros with other signs */

    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c): the bits
    if (memcmp(a, b, count * sizeof *a) == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (a[i] != b[i])
            most = fmax(most, fabs((double)a[i] - (double)b[i]) / fmax(1, fabs((double)a[i])));
    return most;
}

/* Random rows of the range through both. -1: out of memory. */
static double compare(const struct model *m, const struct model *compacted,
                      const struct compaction *c)
{
    size_t features = axon_mlp_features(m->mlp), outputs = axon_mlp_outputs(m->mlp);
    float *x = calloc(ROWS, features * sizeof *x), *y = calloc(2 * ROWS, outputs * sizeof *y);
    void *scratch = slot_scratch(axon_mlp_scratch_bytes(m->mlp)); /* the larger one */
    double result = -1;

    if (x && y && scratch) {
        rows_fill(x, c, features);
        axon_mlp_predict(m->mlp, x, ROWS, y, scratch, NULL);
        axon_mlp_predict(compacted->mlp, x, ROWS, y + ROWS * outputs, scratch, NULL);
        result = difference(y, y + ROWS * outputs, ROWS * outputs);
    }
    free(x);
    free(y);
    return result;
}

/* Load what was written, golden rows and all, and compare. */
static enum error_id prove(const struct target *t, const struct model *m,
                           const struct options *options, const struct compaction *c, double *found,
                           struct error *error)
{
    struct options own = *options;
    struct model *compacted;

    snprintf(own.model_dir, sizeof own.model_dir, "%s", t->temporary);
    snprintf(own.models, sizeof own.models, "%s", t->temporary);
    snprintf(own.model_name, sizeof own.model_name, "%s", m->name);
    compacted = command_model(&own, m->name, error);
    if (!compacted)
        return error->id;
    *found = compare(m, compacted, c);
    model_unref(compacted);
    if (*found < 0)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    if (*found > (c->exact ? 0 : 1e-6))
        return error_set(error, ERROR_INTERNAL,
                         "outputs of the compact model differ by %.3g, so it was not kept", *found);
    return ERROR_OK;
}

/* ---- the way in ------------------------------------------------------------------------------ */

static void tell(const struct target *t, const struct model *m, const struct compaction *c,
                 double found)
{
    for (size_t l = 0; l < c->layers_count; l++)
        if (c->after[l] < c->before[l])
            printf("layer %s: %zu units, were %zu\n", m->layers[l].name, c->after[l], c->before[l]);
    if (found > 0)
        printf("%zu random rows of the declared range: outputs differ by at most %.3g\n", ROWS,
               found);
    else
        printf("%zu random rows of the declared range: all outputs are equal bit for bit\n", ROWS);
    printf("model %s version %" PRIu64 " is in %s; a baseline.json would be of other weights: "
           "axond baseline makes one\n",
           m->name, m->version, t->path);
}

/* Not all file systems can refuse to replace; a folder that is not empty is never replaced. */
static int name_it(const struct target *t)
{
    int result = renameat2(AT_FDCWD, t->temporary, AT_FDCWD, t->path, RENAME_NOREPLACE);

    return result != 0 && errno == EINVAL ? rename(t->temporary, t->path) : result;
}

/* A half that Ctrl-C leaves would stay. */
static void hold_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static enum error_id target_write(const struct target *t, const struct model *m,
                                  const struct options *options, struct error *error)
{
    struct compaction c = {0};
    struct error why = {0};
    double found = 0;
    int fd = -1;
    enum error_id id;

    hold_signals();
    if (mkdir(t->temporary, 0755) == 0)
        fd = open(t->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ERROR_NOT_WRITABLE, "%s: %s", t->path, strerror(errno));
    id = compact_write(m, options, fd, &c, &why);
    close(fd);
    if (id == ERROR_NOT_WRITABLE)
        error_set(error, id, "%s: %s", t->path, why.detail);
    else if (id != ERROR_OK)
        *error = why;
    if (id == ERROR_OK)
        id = prove(t, m, options, &c, &found, error);
    if (id == ERROR_OK && name_it(t) != 0)
        id = error_set(error, ERROR_NOT_WRITABLE, "%s: %s", t->path, strerror(errno));
    if (id == ERROR_OK)
        tell(t, m, &c, found);
    else
        target_remove(t);
    compaction_fini(&c);
    return id;
}

int compact(const struct options *options, const struct command_line *line, struct error *error)
{
    struct model *m = command_model(options, line->arguments[ARGUMENT_MODEL], error);
    struct target t;

    if (!m)
        return 0;
    if (target_name(&t, m, options, line->arguments[ARGUMENT_OUTPUT], error) == ERROR_OK)
        target_write(&t, m, options, error);
    model_unref(m);
    return 0;
}
