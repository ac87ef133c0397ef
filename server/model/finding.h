/* finding.h - what is odd about a model that may serve all the same: one line in the log, and one
 * of --check-config.
 *
 * A finding is a warning: whatever would make answers wrong is an error and fails the version. */
#ifndef FINDING_H
#define FINDING_H

#include <stddef.h>
#include <stdint.h>

struct finding {
    const char *event;      /* of the log: "version_ignored"                          */
    const char *model;      /* NULL: a finding about the repository                   */
    uint64_t version;       /* 0: about the model's folder or config.json             */
    const char *key, *name; /* the kind and name of the thing: "tensor", "0.weight"   */
    const char *reason;
};

/* The findings as lines of text, in the order in which they were told; zeros: none. */
struct findings {
    char **lines;
    size_t count;
};

/* Log it as a warning, and append "model m version 1: tensor_unused: tensor 0.weight: <reason>".
 * findings may be NULL. A finding for which memory does not suffice is in the log alone. */
void finding_tell(struct findings *findings, const struct finding *f);
void findings_fini(struct findings *findings); /* frees; zeros the struct */

#endif
