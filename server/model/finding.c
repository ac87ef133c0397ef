/* finding.c - what is odd about a model that may serve all the same.
 *
 * Names come from files that anyone may have written; they leave here printable. */
#include "model/finding.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/error.h"

static void log_it(const struct finding *f)
{
    const struct log_field model = LOG_S("model", f->model), version = LOG_U("version", f->version);
    const struct log_field what[] = {LOG_S(f->key, f->name), LOG_S("reason", f->reason)};
    struct log_field fields[4];
    int count = 0;

    if (f->model)
        fields[count++] = model;
    if (f->version)
        fields[count++] = version;
    fields[count++] = what[0];
    fields[count++] = what[1];
    log_write(LOG_WARN, f->event, fields, count);
}

static char *line_of(const struct finding *f)
{
    struct error line; /* for its filter */
    char version[sizeof " version 18446744073709551615"] = "";

    if (f->version)
        snprintf(version, sizeof version, " version %" PRIu64, f->version);
    error_set(&line, ERROR_OK, "%s%s%s%s%s: %s %s: %s", f->model ? "model " : "",
              f->model ? f->model : "models", version, ": ", f->event, f->key, f->name, f->reason);
    return strdup(line.detail);
}

void finding_tell(struct findings *findings, const struct finding *f)
{
    char **grown;

    log_it(f);
    if (!findings)
        return;
    grown = reallocarray(findings->lines, findings->count + 1, sizeof *grown);
    if (!grown)
        return;
    findings->lines = grown;
    grown[findings->count] = line_of(f);
    findings->count += grown[findings->count] != NULL;
}

void findings_fini(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free(findings->lines[i]);
    free(findings->lines);
    *findings = (struct findings){0};
}
