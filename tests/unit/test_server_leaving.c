/* test_server_leaving.c - clients that leave while a worker is to answer them, in line or between
 * two pieces: the memory comes back, and so does the model, which a reload has taken away
 * meanwhile. */
#include "clients.h"
#include "model/private.h"
#include "model/record.h"
#include "feed.h"

enum { ROWS = 200, PIECES_MAX = 100 };

static struct memory memory = {.max = 1 << 30};

static void start_leaving(void)
{
    start();
    folder_text(&root, "left/config.json",
                "{\"task\": \"multiclass\", \"input\": {\"features\": 24}, \"layers\": ["
                "{\"name\": \"h\", \"units\": 3000, \"activation\": \"relu\"},"
                "{\"name\": \"y\", \"units\": 10, \"activation\": \"softmax\"}],"
                "\"initializer\": \"he_normal\", \"seed\": 7, \"record\": {\"rows\": 10000}}");
    options.neuron_rows_min = 3;
    repository_close(repository);
    open_repository();
    api.repository = repository;
    api.memory = &memory;
    struct client *c = client_create(find("left"), ROWS, 3);
    ck_assert_int_eq(serve_rows(find("left"), c->x, ROWS, c->y), 0);
    for (int i = 0; i < 30; i++)
        record_add(find("left")->record, c->x, c->y, ROWS, 1);
    destroy(c);
}

/* ---- the routes ----------------------------------------------------------------------------- */

static const struct route {
    const char *method, *target, *tail; /* tail: after the instances; NULL: there are none */
    bool labels;
} routes[] = {
    {"POST", "/v1/models/left:predict", ",\"top_k\":null", false},
    {"POST", "/v1/models/left:predict", ",\"capture\":[\"h\"]", false},
    {"POST", "/v1/models/left:gradients", ",\"input_gradient\":true", true},
    {"POST", "/v1/models/left:explain", ",\"top_k\":3", false},
    {"POST", "/v1/models/left:baseline", NULL, false},
    {"GET", "/v1/models/left/neurons?units=true", NULL, false},
    {"GET", "/v1/models/left/sample.npz", NULL, false},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static char *body_for(const struct route *r)
{
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    buf_puts(&b, r->tail ? "{\"instances\":[" : "{");
    for (size_t i = 0; r->tail && i < ROWS * FEATURES; i++)
        buf_printf(&b, "%s%.3f%s",
                   i % FEATURES ? ","
                   : i          ? ",["
                                : "[",
                   (double)(i * 2654435761u % 4001) / 1000 - 2,
                   i % FEATURES == FEATURES - 1 ? "]" : "");
    buf_printf(&b, "%s%s", r->tail ? "]" : "", r->tail ? r->tail : "");
    for (size_t i = 0; r->labels && i < ROWS; i++)
        buf_printf(&b, "%s%zu%s", i ? "," : ",\"labels\":[", i % OUTPUTS, i == ROWS - 1 ? "]" : "");
    buf_puts(&b, "}");
    return buf_steal(&b, &size);
}

/* Its client's reply is a worker's. */
static struct api_call *begin(const struct route *r, const char *body, struct api_reply *reply)
{
    const struct api_request request = {.method = r->method,
                                        .target = r->target,
                                        .is_local = true,
                                        .body_bytes = strlen(body),
                                        .received_ns = clock_ns()};
    struct api_call *call = api_admit(&api, &request, request.body_bytes, reply);

    ck_assert_msg(call != NULL, "%s: %s", r->target, reply->body.data);
    feed(call, body, request.body_bytes, SIZE_MAX);
    ck_assert_msg(api_run(call, request.received_ns), "%s: %s", r->target, reply->body.data);
    return call;
}

/* Who holds the model: the repository, its calls and this test. */
static unsigned holders(struct model *m)
{
    const struct model_private *p = m->private;

    return p->references;
}

/* The model, of which the caller has a reference now. */
static struct model *kept(void)
{
    struct model *m = find("left");

    model_ref(m);
    return m;
}

static void take_away(void)
{
    folder_remove(&root, "left");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
}

/* ---- in line -------------------------------------------------------------------------------- */

START_TEST(client_that_leaves_the_line_leaves_neither_memory_nor_its_model)
{
    struct client *blocker = client_create(find("other"), 1, 0),
                  *c = client_create(find("other"), 1, 1);
    struct model *m = kept();
    char *body = body_for(&routes[_i]);
    struct api_reply reply;
    struct api_call *call;

    hold(blocker);
    call = begin(&routes[_i], body, &reply);
    api_submit(call, &(struct api_waiter){.wake = woken, .is_here = is_here, .context = c});
    take_away();
    ck_assert_uint_eq(holders(m), 2);
    ck_assert_uint_gt(memory.charged, 0);
    c->leave = true;
    release(blocker);
    expect_end(blocker, TASK_DONE);
    sem_wait(&c->woken);
    ck_assert(!api_resume(call));
    api_end(call);
    api_reply_fini(&reply);
    ck_assert_uint_eq(holders(m), 1);
    ck_assert_uint_eq(memory.charged, 0);
    model_unref(m);
    free(body);
    destroy(blocker);
    destroy(c);
}
END_TEST

/* ---- between pieces ------------------------------------------------------------------------- */

/* The client is asked whether it is here before each piece, and stays for so many. */
struct leaver {
    unsigned asked, stays;
    sem_t woken;
};

static bool stays(void *context)
{
    struct leaver *l = context;

    return l->asked++ < l->stays;
}

static void wake_leaver(void *context)
{
    sem_post(&((struct leaver *)context)->woken);
}

/* True: the client was answered, for it stayed long enough. */
static bool answered_after(unsigned pieces, const struct route *r, const char *body)
{
    struct leaver l = {.stays = pieces};
    struct api_reply reply;
    struct api_call *call = begin(r, body, &reply);
    bool answered;

    sem_init(&l.woken, 0, 0);
    do {
        api_submit(call,
                   &(struct api_waiter){.wake = wake_leaver, .is_here = stays, .context = &l});
        sem_wait(&l.woken);
        answered = api_resume(call);
    } while (answered && !reply.http_status);
    ck_assert_uint_eq(answered ? reply.http_status : 200, 200);
    api_end(call);
    api_reply_fini(&reply);
    sem_destroy(&l.woken);
    ck_assert_uint_eq(memory.charged, 0);
    return answered;
}

START_TEST(client_that_leaves_between_any_two_pieces_leaves_nothing)
{
    struct model *m = kept();
    char *body = body_for(&routes[_i]);
    unsigned pieces = 0;

    while (pieces < PIECES_MAX && !answered_after(pieces, &routes[_i], body))
        pieces++;
    ck_assert_uint_gt(pieces, 0);
    ck_assert_uint_lt(pieces, PIECES_MAX);
    take_away();
    ck_assert_uint_eq(holders(m), 1);
    model_unref(m);
    free(body);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start_leaving, stop);
    tcase_add_loop_test(tc, client_that_leaves_the_line_leaves_neither_memory_nor_its_model, 0,
                        ROUTES);
    tcase_add_loop_test(tc, client_that_leaves_between_any_two_pieces_leaves_nothing, 0, ROUTES);
    return run_suite("leaving", tc);
}
