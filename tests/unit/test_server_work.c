/* test_server_work.c - activations, losses, gradients and long replies as work of the pool: the
 * same answer as from the thread that reads, in pieces, in time or not at all. */
#include "clients.h"
#include "feed.h"

enum { MANY = 300000 }; /* numbers: some pieces of them */

/* "{HEAD"data": [[0.001, ...], ...]TAIL}": count numbers, in rows of width */
static char *body_of(const char *head, size_t count, size_t width, const char *tail)
{
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    buf_printf(&b, "{%s", head);
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%s%.3f",
                   i % width ? ","
                   : i       ? "],["
                             : "[[",
                   i % 7 ? "" : "-", (double)(i * 2654435761u % 4001) / 1000);
    buf_printf(&b, "]]%s}", tail);
    return buf_steal(&b, &size);
}

static struct api_request request_for(const char *target, const char *body)
{
    return (struct api_request){.method = "POST",
                                .target = target,
                                .body = body,
                                .body_bytes = strlen(body),
                                .received_ns = clock_ns()};
}

/* Up to where it waits, or not. */
static struct api_call *begin(const struct api_request *request, struct api_reply *reply,
                              bool waits)
{
    struct api_call *call = api_admit(&api, request, request->body_bytes, reply);

    ck_assert_ptr_nonnull(call);
    feed(call, request->body, request->body_bytes, SIZE_MAX);
    ck_assert_int_eq(api_run(call, request->received_ns), waits);
    return call;
}

/* ---- the same answer ------------------------------------------------------------------------ */

static const struct {
    const char *target, *head, *tail;
    size_t width;
} asked[] = {
    {"/v1/activations/mish", "\"data\":", "", 100},
    {"/v1/activations/relu", "\"gradient\":true,\"data\":", "", MANY},
    {"/v1/activations/softmax", "\"data\":", "", 10},
    {"/v1/activations/softmax", "\"axis\":0,\"data\":", "", 1000},
    {"/v1/activations/glu", "\"data\":", "", 1000},
    {"/v1/activations/reglu", "\"axis\":0,\"data\":", "", 3},
    {"/v1/activations/prelu", "\"parameters\":{\"alpha\":[0.1,0.2,0.3,0.4]},\"data\":", "", 4},
    {"/v1/activations/hard_tanh", "\"parameters\":{\"min\":0.5,\"max\":3},\"data\":", "", 50},
    {"/v1/losses/cross_entropy", "\"labels\":[3],\"logits\":", "", MANY},
    {"/v1/losses/mse", "\"predictions\":", "", 10}, /* refused */
    {"/v1/models/plain:predict", "\"instances\":", ",\"top_k\":1", FEATURES},
    {"/v1/models/plain:predict", "\"instances\":", "", FEATURES},
    {"/v1/models/plain:explain", "\"instances\":", "", FEATURES}, /* refused */
};

/* All but the last digits of mean and std, which the cut into pieces may change. */
static void assert_same(const struct api_reply *here, const struct api_reply *there)
{
    const char *end = strstr(here->body.data, ",\"mean\"");
    size_t size = end ? (size_t)(end - here->body.data) : here->body.len;

    ck_assert_uint_eq(there->http_status, here->http_status);
    ck_assert_str_eq(there->headers[REPLY_CONTENT_TYPE], here->headers[REPLY_CONTENT_TYPE]);
    ck_assert_uint_ge(there->body.len, size);
    ck_assert_mem_eq(there->body.data, here->body.data, size);
}

START_TEST(reply_of_a_worker_is_that_of_the_thread_that_reads)
{
    const struct api without = {.options = &options, .repository = repository};
    size_t count = MANY / asked[_i].width / 2 * 2 * asked[_i].width;
    char *body = body_of(asked[_i].head, count, asked[_i].width, asked[_i].tail);
    struct api_request request = request_for(asked[_i].target, body);
    struct api_reply here, there;

    api_handle(&without, &request, &here);
    request.received_ns = clock_ns();
    api_handle(&api, &request, &there);
    assert_same(&here, &there);
    api_reply_fini(&here);
    api_reply_fini(&there);
    free(body);
}
END_TEST

/* ---- who does it ---------------------------------------------------------------------------- */

/* A client that asks for the activation while the only worker is held. */
struct asker {
    struct client *blocker, *client; /* client: woken and asked "are you here?" */
    char *body;
    struct api_call *call;
    struct api_reply reply;
};

static void ask_held(struct asker *a, size_t numbers)
{
    struct api_request request;

    a->client = client_create(find("plain"), 1, 1);
    a->blocker = client_create(find("plain"), 1, 0);
    a->body = body_of("\"data\":", numbers, 10, "");
    request = request_for("/v1/activations/relu", a->body);
    hold(a->blocker);
    a->call = begin(&request, &a->reply, true);
    api_submit(a->call,
               &(struct api_waiter){.wake = woken, .is_here = is_here, .context = a->client});
}

static void let_go(struct asker *a)
{
    release(a->blocker);
    expect_end(a->blocker, TASK_DONE);
    sem_wait(&a->client->woken);
}

static void end(struct asker *a)
{
    api_end(a->call);
    api_reply_fini(&a->reply);
    destroy(a->client);
    destroy(a->blocker);
    free(a->body);
}

START_TEST(health_is_answered_while_every_worker_is_held)
{
    const struct api_request health = {.method = "GET", .target = "/v2/health/live", .body = ""};
    struct api_reply reply;
    struct asker a;

    ask_held(&a, 1000);
    api_handle(&api, &health, &reply);
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    let_go(&a);
    ck_assert(api_resume(a.call));
    ck_assert_uint_eq(a.reply.http_status, 200);
    end(&a);
}
END_TEST

START_TEST(small_work_is_done_at_once)
{
    char *body = body_of("\"data\":", 100, 10, "");
    struct api_request request = request_for("/v1/activations/mish", body);
    struct api_reply reply;

    pool_stop(pool);
    pool = api.pool = pool_start(1, 60, WORK_MAX);
    api_end(begin(&request, &reply, false));
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    free(body);
}
END_TEST

START_TEST(full_line_is_429_before_the_body_if_its_length_is_known)
{
    struct api_reply reply;
    struct asker a;
    struct api_request request;

    ask_held(&a, WORK_MAX - 100);
    request = request_for("/v1/activations/relu", a.body);
    ck_assert_ptr_null(api_admit(&api, &request, request.body_bytes, &reply));
    ck_assert_uint_eq(reply.http_status, 429);
    ck_assert_str_eq(reply.headers[REPLY_RETRY_AFTER], "1");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "work_elements_max"));
    api_reply_fini(&reply);
    request.body_bytes = API_BODY_UNKNOWN;
    struct api_call *call = api_admit(&api, &request, API_BODY_UNKNOWN, &reply);
    ck_assert_ptr_nonnull(call);
    feed(call, a.body, strlen(a.body), SIZE_MAX);
    ck_assert(!api_run(call, clock_ns()));
    ck_assert_uint_eq(reply.http_status, 429);
    api_end(call);
    api_reply_fini(&reply);
    let_go(&a);
    ck_assert(api_resume(a.call));
    ck_assert_uint_eq(a.reply.http_status, 200);
    end(&a);
    ask_held(&a, WORK_MAX - 100); /* there is room again */
    let_go(&a);
    end(&a);
}
END_TEST

START_TEST(more_than_the_line_holds_is_taken_if_nothing_waits)
{
    struct asker a;

    ask_held(&a, WORK_MAX + 100);
    let_go(&a);
    ck_assert(api_resume(a.call));
    ck_assert_uint_eq(a.reply.http_status, 200);
    end(&a);
}
END_TEST

START_TEST(deadline_in_the_line_is_504)
{
    struct asker a;

    ask_held(&a, 1000);
    api_look(&api, UINT64_MAX - 1);
    sem_wait(&a.client->woken);
    ck_assert(api_resume(a.call));
    ck_assert_uint_eq(a.reply.http_status, 504);
    release(a.blocker);
    sem_wait(&a.blocker->woken);
    end(&a);
}
END_TEST

START_TEST(client_that_has_gone_gets_nothing)
{
    struct asker a;

    ask_held(&a, 1000);
    a.client->leave = true;
    let_go(&a);
    ck_assert(!api_resume(a.call));
    end(&a);
}
END_TEST

/* The client is asked before each piece, and leaves after the first. */
struct leaver {
    unsigned asked;
    sem_t woken;
};

static bool stays_for_one(void *context)
{
    return ((struct leaver *)context)->asked++ == 0;
}

static void wake_leaver(void *context)
{
    sem_post(&((struct leaver *)context)->woken);
}

/* A request whose client leaves after its first piece: a second one, of which it is asked, is not
 * done. */
static void leave_after_a_piece(const struct api_request *request)
{
    struct api_reply reply;
    struct api_call *call = begin(request, &reply, true);
    struct leaver leaver = {.asked = 0};

    sem_init(&leaver.woken, 0, 0);
    api_submit(call, &(struct api_waiter){
                         .wake = wake_leaver, .is_here = stays_for_one, .context = &leaver});
    sem_wait(&leaver.woken);
    ck_assert(!api_resume(call));
    ck_assert_uint_eq(leaver.asked, 2);
    ck_assert_uint_eq(reply.body.len, 0);
    api_end(call);
    api_reply_fini(&reply);
    sem_destroy(&leaver.woken);
}

START_TEST(long_work_is_done_in_pieces)
{
    char *body = body_of("\"data\":", MANY, 10, "");
    struct api_request request = request_for("/v1/activations/relu", body);

    leave_after_a_piece(&request);
    free(body);
}
END_TEST

/* Its doubles take a hundred times as long as as many numbers of a body. */
START_TEST(a_small_baseline_is_no_small_work)
{
    struct api_request request = request_for("/v1/models/plain:baseline", "{}");
    struct api_reply reply;

    request.is_local = true;
    api_end(begin(&request, &reply, true));
    api_reply_fini(&reply);
}
END_TEST

/* The digest of 24 x 12,000 weights is two pieces; the text of what their units did is more. */
START_TEST(a_baseline_is_made_in_pieces)
{
    enum { ROWS = 300 };
    static float x[ROWS * FEATURES], y[ROWS];
    struct api_request request = request_for("/v1/models/wide:baseline", "{}");
    struct model *wide;

    folder_text(&root, "wide/config.json",
                "{\"input\": {\"features\": 24}, \"initializer\": \"he_normal\", \"seed\": 3, "
                "\"layers\": [{\"units\": 12000, \"activation\": \"relu\"}, "
                "{\"units\": 1, \"activation\": \"identity\"}]}");
    folder_text(&root, "wide/1/note", "");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    wide = find("wide");
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)(i % 101) / 101;
    ck_assert_int_eq(serve_rows(wide, x, ROWS, y), 0);
    request.is_local = true;
    leave_after_a_piece(&request);
    ck_assert_ptr_null(model_baseline(wide));
}
END_TEST

/* Rows with their targets for "plain", a regression without a name. */
static char *gradients_body(size_t rows)
{
    char *targets = body_of("\"targets\":", rows * OUTPUTS, OUTPUTS, ""), *body;
    size_t last = strlen(targets) - 1;

    targets[0] = ',';
    targets[last] = '\0';
    body = body_of("\"input_gradient\":true,\"instances\":", rows * FEATURES, FEATURES, targets);
    free(targets);
    return body;
}

START_TEST(gradients_of_a_worker_are_those_of_the_thread_that_reads)
{
    const struct api without = {.options = &options, .repository = repository};
    char *body = gradients_body(1000);
    struct api_request request = request_for("/v1/models/plain:gradients", body);
    struct api_reply here, there;

    api_handle(&without, &request, &here);
    ck_assert_uint_eq(here.http_status, 200);
    request.received_ns = clock_ns();
    api_handle(&api, &request, &there);
    assert_same(&here, &there);
    ck_assert_uint_eq(here.body.len, there.body.len);
    api_reply_fini(&here);
    api_reply_fini(&there);
    free(body);
}
END_TEST

START_TEST(gradients_end_with_their_client)
{
    char *body = gradients_body(1000);
    struct api_request request = request_for("/v1/models/plain:gradients", body);

    leave_after_a_piece(&request);
    free(body);
}
END_TEST

/* Its units may be many. */
START_TEST(neurons_are_told_by_a_worker)
{
    const struct api without = {.options = &options, .repository = repository};
    struct api_request request = request_for("/v1/models/plain/neurons?units=true", "");
    struct api_reply here, there, held;

    request.method = "GET";
    api_handle(&without, &request, &here);
    ck_assert_uint_eq(here.http_status, 200);
    ck_assert_ptr_nonnull(strstr(here.body.data, "{\"unit\":32,"));
    request.received_ns = clock_ns();
    api_handle(&api, &request, &there);
    ck_assert_str_eq(there.body.data, here.body.data);
    api_end(begin(&request, &held, true)); /* not by the thread that reads */
    api_reply_fini(&here);
    api_reply_fini(&there);
    api_reply_fini(&held);
}
END_TEST

START_TEST(cut_ends_work_too)
{
    struct asker a;
    struct api_reply reply;

    ask_held(&a, 1000);
    release(a.blocker);
    api_cut(&api);
    sem_wait(&a.client->woken);
    api_resume(a.call);
    end(&a);
    struct api_request request = request_for("/v1/activations/relu", "{\"data\": [1, 2]}");
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 503);
    api_reply_fini(&reply);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, reply_of_a_worker_is_that_of_the_thread_that_reads, 0,
                        sizeof asked / sizeof *asked);
    tcase_add_test(tc, health_is_answered_while_every_worker_is_held);
    tcase_add_test(tc, small_work_is_done_at_once);
    tcase_add_test(tc, full_line_is_429_before_the_body_if_its_length_is_known);
    tcase_add_test(tc, more_than_the_line_holds_is_taken_if_nothing_waits);
    tcase_add_test(tc, deadline_in_the_line_is_504);
    tcase_add_test(tc, client_that_has_gone_gets_nothing);
    tcase_add_test(tc, long_work_is_done_in_pieces);
    tcase_add_test(tc, a_small_baseline_is_no_small_work);
    tcase_add_test(tc, a_baseline_is_made_in_pieces);
    tcase_add_test(tc, gradients_of_a_worker_are_those_of_the_thread_that_reads);
    tcase_add_test(tc, gradients_end_with_their_client);
    tcase_add_test(tc, neurons_are_told_by_a_worker);
    tcase_add_test(tc, cut_ends_work_too);
    return run_suite("work", tc);
}
