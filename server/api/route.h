/* route.h - the route table: which row a parsed target belongs to. Expanded from routes.def. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/call.h"

struct route {
    const char *template;
    api_handler *get, *post;
    const char *query; /* the keys that its query may have, separated by spaces */
};

/* The row whose template fits call->target, with call->args filled; NULL if there is none. */
const struct route *route_find(struct api_call *call);

/* The handler for the method (HEAD is answered as GET), or NULL. */
api_handler *route_handler(const struct route *route, const char *method);

/* "GET, HEAD, POST" as far as the row goes. */
void route_allow(const struct route *route, char *out, size_t out_bytes);

/* Its number among the rows. */
unsigned route_index(const struct route *route);

/* NULL, or the first query key of the target that the row does not know. */
const char *route_unknown_query(const struct route *route, const struct target *target);

#endif
