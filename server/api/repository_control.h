/* repository_control.h - a model that a client asks to load or to unload: by the loader's thread,
 * while the client waits. */
#ifndef API_REPOSITORY_CONTROL_H
#define API_REPOSITORY_CONTROL_H

#include "api/call.h"
#include "model/repository.h"

/* A call's state begins with it. Its strings live as long as the call. */
struct control {
    struct repository_ask ask;
    char name[MODEL_NAME_MAX + 1];  /* of ask, where the path does not have it */
    bool forget;                    /* of an unload */
    char *config, *folder, *opaque; /* of ask: of call_allocate() */
};

static inline struct control *control_of(const struct api_call *call)
{
    return (struct control *)(uintptr_t)call->state;
}

/* A copy of text for the rest of the call; NULL: call_no_memory() tells why. */
char *control_copy(struct api_call *call, const char *text);

/* COMPUTE: what the state asks for. WRITE returns the call's error first, for what came of it. */
enum error_id control_load(struct api_call *call);
enum error_id control_unload(struct api_call *call);

void control_fini(struct api_call *call, bool answered);

/* Nothing of it is long work: the loader's thread does what is. */
size_t control_elements(const struct api_call *call);

#endif
