/* repository.h - the models that serve: a folder scanned at start and at reload, looked up by name.
 *
 * Readers take references to immutable models; a reload swaps what they find. A model that does not
 * load leaves the one that serves in place. */
#ifndef REPOSITORY_H
#define REPOSITORY_H

#include <stdbool.h>
#include "model/finding.h"
#include "model/model.h"

/* One version as listings show it. */
struct repository_version {
    uint64_t version;
    struct model *model; /* borrowed from the snapshot; NULL: found, but did not load */
    char error[512];     /* why the newest attempt failed, or "" */
};

struct repository_entry {
    char name[MODEL_NAME_MAX + 1];
    struct repository_version *versions; /* ascending */
    size_t versions_count;
    struct {
        char name[MODEL_NAME_MAX + 1];
        uint64_t version;
    } * labels; /* "stable" -> 1 */
    size_t labels_count;
    struct findings findings; /* of the scan that made the entry */
};

/* An immutable state of the whole repository; entries sorted by name. */
struct repository_snapshot {
    struct repository_entry *entries;
    size_t entries_count;
    struct findings findings; /* about the repository's folder */
};

struct repository;

/* dir "" means no models. stop (may be NULL) is asked before each model. new, or NULL and error if
 * the folder cannot be read or stop was true. Models that do not load do not fail it: each is
 * logged and counted in *failed. */
struct repository *repository_open(const char *dir, const struct options *options,
                                   bool (*stop)(void), size_t *failed, struct error *error);
void repository_close(struct repository *r);

/* Scan again. Versions whose files did not change stay as they are, counters included. stop (may be
 * NULL) is asked before each model; once it is true, the reload is given up. Returns the number of
 * versions that failed to load (0: all well), -1 if the folder cannot be read or the reload was
 * given up; what served goes on serving. */
int repository_reload(struct repository *r, bool (*stop)(void));

/* False if there are models, and not one of them serves. Without models it is a service of
 * activations; a single failure leaves the others in place. */
bool repository_serves(struct repository *r);

/* A reference to the state of now, and its release. Acquiring takes a lock that is held for a few
 * instructions only, never for a reload. */
const struct repository_snapshot *repository_acquire(struct repository *r);
void repository_release(struct repository *r, const struct repository_snapshot *s);

/* Can a model be called so: 1 to MODEL_NAME_MAX letters, digits, '.', '_' or '-'? */
bool repository_name_valid(const char *name);

/* Look-ups in a snapshot; borrowed from it, NULL if there is none. */
const struct repository_entry *repository_find(const struct repository_snapshot *s,
                                               const char *name);
/* version 0: the newest available. */
const struct repository_version *repository_find_version(const struct repository_entry *e,
                                                         uint64_t version);
const struct repository_version *repository_find_label(const struct repository_entry *e,
                                                       const char *label);

#endif
