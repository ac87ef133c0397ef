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
    struct model *model;        /* borrowed from the snapshot; NULL: found, but did not load */
    struct model_life *leaving; /* of the model that was unloaded here; NULL: none was      */
    enum error_id cause;        /* of a failed attempt, or ERROR_OK */
    char error[512];            /* why the newest attempt failed, or "unloaded", or "" */
};

/* Where a version stands. One of which the model is being loaded is LOADING unless it is READY. */
enum repository_state {
    REPOSITORY_READY,
    REPOSITORY_LOADING,
    REPOSITORY_UNLOADING, /* requests that found it before still hold it */
    REPOSITORY_UNAVAILABLE
};

struct repository_entry {
    char name[MODEL_NAME_MAX + 1];
    char *opaque;  /* how a platform calls it; NULL: by its name                    */
    char *folder;  /* of the model, outside of the repository; NULL: it lies within */
    char *config;  /* what stands in the place of its config.json; NULL: nothing    */
    bool unloaded; /* on request: no reload brings it back */
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

/* A model that is asked for by name. All strings are borrowed. */
struct repository_ask {
    const char *name;
    const char *config; /* in the place of its config.json; NULL: none                        */
    const char *folder; /* of the model, outside of the repository; NULL: where it lay before */
    const char *opaque; /* how whoever gave the folder calls it; NULL: by its name            */
};

/* Load it, or load it anew where its files have changed; as a reload does, but for one model.
 * ERROR_OK: all that should serve does. Else error tells why, and what served goes on:
 * ERROR_UNKNOWN_MODEL: there is no such folder; ERROR_ALREADY_LOADED: a folder was given, and the
 * name is taken; ERROR_NO_ROOM: no more models, or memory, and a folder was given;
 * ERROR_LOAD_FAILED or ERROR_OUT_OF_MEMORY. A model of a folder that was given, and that fails, is
 * not there. */
enum error_id repository_load(struct repository *r, const struct repository_ask *ask,
                              struct error *error);

/* From now on nobody finds it; requests that have found it go on. Until it is loaded by name it is
 * listed as unloaded, whatever is reloaded, as long as its folder is there. forget: nor is it
 * listed. One that is not there is unloaded. ERROR_OK, or ERROR_OUT_OF_MEMORY. */
enum error_id repository_unload(struct repository *r, const char *name, bool forget,
                                struct error *error);

enum repository_state repository_state(const struct repository_version *v);

/* The name of the model that is being loaded now; "": none. It may be in no snapshot yet. */
void repository_loading(struct repository *r, char name[static MODEL_NAME_MAX + 1]);

/* False if there are models that should serve, and not one of them does. Without models it is a
 * service of activations; a single failure leaves the others in place. */
bool repository_serves(struct repository *r);

/* A reference to the state of now, and its release. Acquiring takes a lock that is held for a few
 * instructions only, never for a reload. */
const struct repository_snapshot *repository_acquire(struct repository *r);
void repository_release(struct repository *r, const struct repository_snapshot *s);

/* Can a model be called so: 1 to MODEL_NAME_MAX letters, digits, '.', '_' or '-'? */
bool repository_name_valid(const char *name);

/* The name of a model that a platform calls so, whatever bytes that has: the same if it is valid
 * and begins with no dot, else its SHA-256. Returns name. */
const char *repository_name(const char *opaque, char name[static MODEL_NAME_MAX + 1]);

/* The folder of a snapshot's model, as the options or a platform gave it. Returns out. */
enum { REPOSITORY_FOLDER_MAX = OPTION_TEXT_MAX + MODEL_NAME_MAX + 2 };
const char *repository_folder(const struct repository *r, const struct repository_snapshot *s,
                              const struct repository_entry *e,
                              char out[static REPOSITORY_FOLDER_MAX]);

/* How a platform calls the model; borrowed. */
const char *repository_opaque(const struct repository_entry *e);

/* Look-ups in a snapshot; borrowed from it, NULL if there is none. */
const struct repository_entry *repository_find(const struct repository_snapshot *s,
                                               const char *name);
/* version 0: the newest available. */
const struct repository_version *repository_find_version(const struct repository_entry *e,
                                                         uint64_t version);
const struct repository_version *repository_find_label(const struct repository_entry *e,
                                                       const char *label);

#endif
