/* route.h - the route table: which row a parsed target belongs to. Expanded from routes.def. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/call.h"

enum route_access {
    ACCESS_PUBLIC,  /* whoever reaches the socket */
    ACCESS_INFER,   /* who may use the models     */
    ACCESS_ADMIN,   /* who runs the service       */
    ACCESS_METRICS, /* one of these: metrics_access */
    ACCESS_HOSTING  /* ADMIN, but from any address where a platform loads the models: multi_model */
};

struct route {
    const char *template;
    api_handler *get;             /* NULL: does not take it */
    const struct call_post *post; /* NULL: does not take it */
    api_handler *remove;          /* DELETE. NULL: does not take it */
    enum route_access access;
    unsigned bodies;   /* bit BODY_...: takes a body of that format */
    const char *query; /* the keys that its query may have, "a b c", or "*": not checked here */
};

/* The row whose template fits call->target, with call->args filled, for which the target's segments
 * are cut; NULL if there is none. */
const struct route *route_find(struct api_call *call);

/* The template that a path which fits none was most likely meant for: its last word is most like
 * the path's, and begins alike. NULL: none is near. */
const char *route_nearest(const struct target *target);

/* May it be asked like this, by whom? route is NULL for a path that is none. ERROR_OK, or
 * ERROR_WRONG_HOST, ERROR_CROSS_SITE, ERROR_UNAUTHORIZED, ERROR_BAD_REQUEST, ERROR_FORBIDDEN. In
 * access.c. */
enum error_id access_check(struct api_call *call, const struct route *route,
                           const struct api_request *request);

/* OPTIONS, of all routes: what the row takes, and what the page may send for which a browser asks
 * (CORS's preflight). In cors.c. */
api_handler options_answer;

/* Does the row take the method? HEAD is answered as GET, OPTIONS by all. */
bool route_takes(const struct route *route, const char *method);

/* Who answers the method, which the row takes and which is no POST. */
api_handler *route_handler(const struct route *route, const char *method);

/* Is it asked by those who probe and scrape? */
bool route_is_probe(const struct route *route);

/* "GET, HEAD, POST, DELETE, OPTIONS" as far as the row goes. */
void route_allow(const struct route *route, char *out, size_t out_bytes);

/* Who answers a POST of row number `route`; NULL: nobody does. */
const struct call_post *route_post(unsigned route);

/* Its number among the rows, and the row of a number. */
unsigned route_index(const struct route *route);
const struct route *route_at(unsigned index);

/* The query has a key that the row does not know: ERROR_BAD_REQUEST that names it. */
enum error_id route_check_query(const struct route *route, struct api_call *call);

/* Clients of the row's dialect take a compressed reply; of a row of routes.def, or API_ROUTE_OTHER.
 */
bool route_encodes(unsigned route);

#endif
