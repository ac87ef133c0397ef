/* local.h - a request to the service's own API without a network: what a handler answers over HTTP
 * it answers here. */
#ifndef COMMANDS_LOCAL_H
#define COMMANDS_LOCAL_H

#include "api/api.h"
#include "commands/input.h"
#include "model/repository.h"

struct local {
    struct options options; /* without bounds that guard a service */
    struct api api;
};

/* repository is borrowed, NULL: none. */
void local_init(struct local *l, const struct options *options, struct repository *repository);

/* POST a body to target: bytes [size], or all of standard input if in is given. reply is new if it
 * is a 200; else error is what the reply says. */
enum error_id local_post(struct local *l, const char *target, const char *content_type,
                         struct input *in, const char *bytes, size_t size, struct buf *reply,
                         struct error *error);

#endif
