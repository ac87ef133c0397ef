/* load.h - a model from its folder, in the steps that the repository takes.
 *
 * dirfd is the model's folder; nothing outside of it is read (openat2 RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS, regular files only). */
#ifndef LOAD_H
#define LOAD_H

#include "model/config.h"
#include "model/files.h"
#include "model/fingerprint.h"
#include "weights/formats.h"
#include "weights/weights.h"

/* config.json beneath dirfd, or without one there that of the newest version's folder, and its
 * identity from before it was read. ERROR_OK and *config is
 * new, or error: if there is none, but a model in a format that is not read, there or in the newest
 * version's folder ("3/"; "" if there is none), then that. */
enum error_id load_config(int dirfd, const char *newest, struct config *config, struct file_id *id,
                          struct error *error);

/* The same of a text that stands in its place, under an identity of its own. */
enum error_id load_config_text(const char *text, struct config *config, struct file_id *id,
                               struct error *error);

/* A version from its weights file and the config that load_config() has read, golden.json checked
 * if there is one. new with one reference, or NULL and error. */
struct model *load_version(const struct version_source *from, const struct config *config,
                           const struct file_id *config_id, const struct options *options,
                           struct error *error);

/* The version is what its files would make now: they have not changed since it was loaded, but for
 * a baseline that it has written itself. */
bool model_is_current(struct model *m, const struct version_source *from,
                      const struct file_id *config_id);

#endif
