/* private.h - what the files of server/http share: the server, its connections and their phases.
 *
 * A connection belongs to the thread that libmicrohttpd gave it to; other threads (the keeper, a
 * drain) see it only under connections.mutex and touch only fd, state, progress and watch. */
#ifndef HTTP_PRIVATE_H
#define HTTP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include "http/gate.h"
#include "http/http.h"
#include "base/ip.h"
#include "metrics/metrics.h"

struct MHD_Connection;
struct MHD_Daemon;

enum { SOCKET_ADDRESS_MAX = 64 }; /* of an address and port as text */

/* Where a connection stands; every phase but HANDLING has a total deadline. */
enum phase {
    PHASE_NEW,      /* nothing was ever asked on it           */
    PHASE_IDLE,     /* a reply has been sent, no next request */
    PHASE_HEADERS,  /* the request line is there              */
    PHASE_BODY,     /* the headers are there                  */
    PHASE_HANDLING, /* the request is there                   */
    PHASE_REPLY,    /* the reply is being sent                */
    PHASE_CUT       /* shut down by us: nothing may follow    */
};

/* How much of a request there is, in this order. */
enum request_at {
    AT_NONE,
    AT_LINE,  /* its first line: headers are to come    */
    AT_BODY,  /* its headers                            */
    AT_WHOLE, /* its last byte                          */
    AT_WAITS  /* that, and its connection is suspended, or about to go on: for a worker */
};

/* The request that a connection is working on; all of it is the owning thread's. */
struct request {
    enum request_at at;
    char *target; /* undecoded, as sent; NULL between requests         */
    char id[GATE_REQUEST_ID_MAX + 1];
    char traceparent[GATE_TRACEPARENT_BYTES + 1]; /* a valid one, or ""             */
    char span[GATE_TRACEPARENT_BYTES + 1]; /* if so: the reply's, our span of that trace    */
    char method[GATE_METHOD_MAX + 1];      /* a longer one is cut: no route has it          */
    const char *value[REQUEST_HEADERS];    /* borrowed from libmicrohttpd until the reply    */
    char trimmed[256];                     /* or copies in here                              */
    uint64_t started_ns, received_ns;
    uint64_t header_bytes; /* request line and headers                          */
    struct gate_body declared;
    uint64_t received;     /* bytes of the body                                 */
    uint64_t refused_at;   /* received when the refusal was decided             */
    struct api_call *call; /* from the headers to the end of the reply, unless it is refused */
    struct api_reply reply;
    struct ip client;        /* who asked, as far as proxies are trusted           */
    struct address *proxied; /* its entry, if a proxy sent it for somebody else    */
    size_t reply_bytes;
    unsigned status; /* of the reply that was queued or sent; 0: none     */
    bool queued;     /* that reply is libmicrohttpd's to send             */
    bool closes;     /* it is the connection's last                       */
    uint64_t acked;  /* by the client before it, if it is a long one      */
    bool refused;    /* reply is complete; what comes in is discarded     */
};

struct address;

struct connection {
    struct http *http;
    int fd;
    size_t slot; /* in connections.items */
    struct ip ip;
    bool trusted;            /* a proxy: its requests are counted instead           */
    struct address *address; /* NULL then                                           */
    enum surplus {
        SURPLUS_NONE,
        SURPLUS_ALL,    /* beyond connections_max: gets a 503 and goes */
        SURPLUS_ADDRESS /* beyond connections_per_address_max: as well */
    } surplus;
    atomic_uint_fast64_t state;    /* since_ns, its low three bits replaced by the phase */
    atomic_uint_fast64_t progress; /* bytes of the body received                         */
    atomic_uint_fast64_t asked;    /* bytes of all requests so far, as received          */
    struct {                       /* what the keeper saw, while state stays the same    */
        uint64_t state, first_bytes, first_ns, last_bytes, last_ns;
    } watch;
    atomic_bool gone;                   /* the client left, and libmicrohttpd did not notice */
    atomic_uint_fast64_t slow_since_ns; /* a next request's first bytes were seen, 0: not */
    struct MHD_Connection *mhd;         /* from a request's first line to its end      */
    struct connection *parsed_next;     /* while parser.c watches it: its place        */
    struct connection **parsed_link;    /* in its thread's list                        */
    uint64_t untaken;                   /* of a long reply: the kernel has it, not the client */
    uint64_t parsed_bytes;              /* read from the socket when a chunk was last handed out */
    struct request request;
};

/* Every open connection, and how many each client address has. */
struct connections {
    pthread_mutex_t mutex;
    struct connection **items;
    size_t count, cap, max, surplus_max;
    struct address **addresses;
    size_t per_address_max, per_address_surplus_max;
};

/* Sockets whose reply has been sent while the client still writes: read for a while, so that the
 * reply is not destroyed by a reset. */
enum { LINGER_MAX = 64 };
struct linger_list {
    pthread_mutex_t mutex;
    size_t count, max;
    struct lingering {
        int fd;
        uint64_t until_ns, bytes_left;
    } items[LINGER_MAX];
};

struct http {
    struct api *api;
    const struct options *options;
    struct gate_limits limits;
    int listen_fd;
    char address[SOCKET_ADDRESS_MAX];
    unsigned daemon_flags;
    bool lenient_parser; /* libmicrohttpd before 0.9.77: see gate.h */
    struct serving {
        struct MHD_Daemon *daemon;
        int listen_fd; /* a duplicate, open until its thread has ended */
    } * threads;
    unsigned threads_count;
    struct connections connections;
    struct linger_list linger;
    struct networks trusted;
    atomic_uint_fast64_t accept_warned_ns, limit_warned_ns;
    pthread_t keeper;
    int keeper_wake; /* eventfd */
    bool keeper_started;
    atomic_bool keeper_stop;
    bool drained;
};

/* ---- connections.c ---- */
int connections_init(struct connections *list, const struct options *options, unsigned threads,
                     size_t *linger_max);
void connections_fini(struct connections *list);
/* May one more come in from this address? Counts it as rejected if not. */
bool connections_may_start(struct http *http, const struct sockaddr *address);
/* new and in the list, or NULL when out of memory. */
struct connection *connection_start(struct http *http, int fd, const struct sockaddr *address);
void connection_end(struct connection *connection);
size_t connections_count(struct connections *list);
/* Call visit for each, a few at a time under the mutex; opening and closing go on meanwhile. */
void connections_visit(struct connections *list,
                       void (*visit)(struct connection *connection, void *context), void *context);

/* A warning, now and then, that a limit keeps somebody out. */
void connections_warn(struct http *http, const char *limit, const struct ip *ip);

/* ---- client.c ---- */
/* Who asked: the connection's other end, or whom a trusted proxy names. False, and a refusal, if
 * what the proxy says is not to be understood, or that client has too many requests in flight. */
bool client_read(struct connection *connection, struct MHD_Connection *mhd);
void client_done(struct connection *connection);

/* ---- addresses.c: all under connections.mutex ---- */
int addresses_init(struct connections *list);
void addresses_fini(struct connections *list);
size_t addresses_count(const struct connections *list, const struct ip *ip);
struct address *addresses_add(struct connections *list, const struct ip *ip);
void addresses_remove(struct connections *list, struct address *address);

/* ---- report.c ---- */
/* Count and log a request that has ended. */
void request_report(const struct connection *c, struct MHD_Connection *mhd, unsigned status,
                    uint64_t now);

/* ---- phase.c ---- */
/* False: the connection was cut meanwhile, nothing may be done on it any more. */
bool phase_enter(struct connection *connection, enum phase phase, uint64_t now_ns);
/* The bytes of this request end here; the next belong to another. By the thread
 * of the connection. */
void phase_asked(struct connection *connection);
/* From exactly this state to PHASE_CUT; false if it moved on. The caller then shuts it down. */
bool phase_cut(struct connection *connection, uint64_t state);
static inline enum phase phase_of(uint64_t state)
{
    return (enum phase)(state & 7);
}
static inline uint64_t phase_since_ns(uint64_t state)
{
    return state & ~(uint64_t)7;
}

/* ---- socket.c ---- */
/* Bind and listen: the descriptor, or -1 and a message. name becomes "127.0.0.1:8000". */
int socket_listen(const char *listen_text, char name[static SOCKET_ADDRESS_MAX],
                  struct error *error);
/* "192.0.2.1:8000", "[2001:db8::1]:8000"; an IPv4 client of an IPv6 socket is told as IPv4. "" if
 * there is no such text. */
void socket_address_text(const struct sockaddr *address, char text[static SOCKET_ADDRESS_MAX]);
/* Connections to its port whose handshake has begun and not ended; 0 where the kernel does not
 * tell. */
size_t socket_handshakes(int listen_fd);
struct socket_progress {
    uint64_t received; /* bytes; a farewell may count as one */
    uint64_t acked, sent;
    uint32_t silent_ms; /* since the last byte came                               */
    bool farewell;      /* the client will send no more, and all it sent was read */
};
bool socket_has_unread(int fd);
bool socket_progress(int fd, struct socket_progress *progress);
/* Bytes that were read from it, which is fewer than have come; 0 if unknown. */
uint64_t socket_bytes_read(int fd);
/* Bytes that were written to it and not acknowledged. */
uint64_t socket_bytes_untaken(int fd);

/* ---- parser.c: what libmicrohttpd's parser refuses on its own ---- */
/* From the request line on; again when its body begins and with each piece of it; until the headers
 * or the body are over. By the thread of the connection. */
void parser_watch(struct connection *connection);
void parser_body(struct connection *connection);
void parser_unwatch(struct connection *connection);

/* ---- body.c ---- */
/* Hand the next bytes of the body to the call, within the limits; on failure the request is refused
 * and the call dismissed. Returns how many were taken, as api_feed() says. */
size_t body_feed(struct connection *connection, const char *bytes, size_t size);
/* Refuse the request: the refusal is complete in request->reply, the call is over, and what still
 * comes of the body is discarded. */
void body_refuse(struct connection *connection, enum error_id id, const char *detail);
/* End the call, if there still is one: its memory is free for others. */
void body_release(struct connection *connection);
/* The request was refused by its call: count that, if it is for lack of memory. */
void body_count_refusal(const struct connection *connection);

/* ---- reply.c ---- */
/* Hand request->reply to libmicrohttpd. False: it could not, close the connection. */
bool reply_queue(struct connection *connection, struct MHD_Connection *mhd, bool close);
/* The client did not take all of it: reply_bytes becomes what it has acknowledged, of a long reply.
 */
void reply_failed(struct connection *connection);
/* All of it was sent. The bytes of a long one that are not acknowledged yet are counted later, by
 * reply_settle(): as sent if the client asks for more, as a reply that was not read (reason
 * reply_unread) if the connection ends without. A connection's last reply counts as taken, since
 * nobody hears more of it. */
void reply_sent(struct connection *connection);
void reply_settle(struct connection *connection, bool at_end);
/* Write the reply straight to the socket, where libmicrohttpd takes none and has written nothing;
 * all that happens to a connection that is not plain is that it closes. */
void reply_write(struct connection *connection, struct api_reply *reply);
/* The same with request->reply, by the thread of the connection. False: it was cut meanwhile. */
bool reply_write_own(struct connection *connection);

/* ---- drain.c ---- */
/* Is this the address of a sentinel? No connection is made of it. */
bool drain_is_sentinel(const struct sockaddr *address);

/* ---- keeper.c: one thread that enforces the deadlines and reads lingering sockets ---- */
int keeper_start(struct http *http);
void keeper_stop(struct http *http);
/* Keep a duplicate of the socket open and read what its client still sends. */
void linger_add(struct http *http, int fd);
size_t linger_count(struct http *http);
void linger_init(struct linger_list *list, size_t max);
void linger_fini(struct linger_list *list);
/* Fill polls [1 + LINGER_MAX] from 1 on; the number of entries. Then read those that are ready. */
struct pollfd;
size_t linger_poll(struct linger_list *list, struct pollfd *polls);
void linger_read(struct http *http, const struct pollfd *polls, size_t count, uint64_t now_ns);

#endif
