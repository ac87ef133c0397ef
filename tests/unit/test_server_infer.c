/* test_server_infer.c - the Open Inference Protocol through the API where time and threads matter:
 * who is served first, whose deadline has passed, and long replies that workers write.
 *
 * One worker, which is held at a known place (clients.h): nothing here depends on speed. */
#include <jansson.h>
#include "clients.h"
#include "starve.h"

static struct api_request request_for(const char *body, size_t bytes, const char *length)
{
    struct api_request request = {.method = "POST",
                                  .target = "/v2/models/apart/infer",
                                  .body = body,
                                  .body_bytes = bytes,
                                  .received_ns = clock_ns()};

    request.headers[REQUEST_INFERENCE_LENGTH] = length;
    return request;
}

/* One row for the model "apart", which takes one at a time, and these parameters. */
static void write_row(char *out, size_t size, const char *parameters)
{
    size_t used = (size_t)snprintf(out, size,
                                   "{\"parameters\": {%s}, \"inputs\": [{\"name\": \"input\", "
                                   "\"datatype\": \"FP32\", \"shape\": [1, %d], \"data\": [0",
                                   parameters, FEATURES);

    for (int i = 1; i < FEATURES; i++)
        used += (size_t)snprintf(out + used, size - used, ", %d", i);
    snprintf(out + used, size - used, "]}]}");
}

/* ---- priority ---- */

enum { WAITING = 7 };

struct waiting {
    struct api_call *call;
    struct api_reply reply;
    sem_t woken;
    int place; /* among those that were woken */
};

static int places; /* the only worker's */

static void wake_in_order(void *context)
{
    struct waiting *w = context;

    w->place = places++;
    sem_post(&w->woken);
}

static void begin(struct waiting *w, const char *parameters)
{
    char body[1024];
    struct api_request request;
    size_t bytes;

    write_row(body, sizeof body, parameters);
    request = request_for(body, strlen(body), NULL);
    w->call = api_admit(&api, &request, request.body_bytes, &w->reply);
    ck_assert_ptr_nonnull(w->call);
    bytes = request.body_bytes;
    api_feed(w->call, request.body, &bytes);
    ck_assert(api_run(w->call, request.received_ns));
    sem_init(&w->woken, 0, 0);
    api_submit(w->call, &(struct api_waiter){.wake = wake_in_order, .context = w});
}

static void end(struct waiting *w, unsigned status)
{
    while (sem_wait(&w->woken) != 0)
        continue;
    ck_assert(api_resume(w->call));
    ck_assert_uint_eq(w->reply.http_status, status);
    api_end(w->call);
    sem_destroy(&w->woken);
}

START_TEST(urgent_requests_are_served_first_and_equals_in_turn)
{
    static const struct {
        const char *parameters;
        int place;
    } rows[WAITING] = {{"", 5},
                       {"\"priority\": 9", 2},
                       {"\"priority\": 1", 0},
                       {"\"priority\": 0", 6},
                       {"\"priority\": 9e18", 4},
                       {"\"priority\": 1", 1},
                       {"\"priority\": 9.0", 3}};
    struct client *blocker = client_create(find("apart"), 1, 0);
    struct waiting waiting[WAITING];

    places = 0;
    hold(blocker);
    for (size_t i = 0; i < WAITING; i++)
        begin(&waiting[i], rows[i].parameters);
    release(blocker);
    for (size_t i = 0; i < WAITING; i++) {
        end(&waiting[i], 200);
        ck_assert_msg(waiting[i].place == rows[i].place, "%s: %d", rows[i].parameters,
                      waiting[i].place);
        api_reply_fini(&waiting[i].reply);
    }
    expect_end(blocker, TASK_DONE);
    destroy(blocker);
}
END_TEST

START_TEST(who_overtakes_does_not_prolong_the_wait_for_company)
{
    struct model *m = find("calm"); /* queue_delay_us: 10 s */
    struct client *first = client_create(m, 1, 0), *urgent = client_create(m, 1, 1),
                  *most = client_create(m, 1, 2), *company = client_create(m, 8, 3);

    urgent->job.task.priority = 2;
    most->job.task.priority = 1;
    submit(first);
    submit(urgent);
    submit(most);
    ck_assert_uint_eq(most->job.task.since_ns, first->job.task.submitted_ns);
    ck_assert_uint_eq(urgent->job.task.since_ns, first->job.task.submitted_ns);
    submit(company); /* rows_max: nobody waits any more */
    expect_end(most, TASK_DONE);
    expect_end(urgent, TASK_DONE);
    expect_end(first, TASK_DONE);
    expect_end(company, TASK_DONE);
    destroy(first);
    destroy(urgent);
    destroy(most);
    destroy(company);
}
END_TEST

/* ---- timeout ---- */

START_TEST(timeout_of_a_request_is_its_deadline_unless_the_service_gives_up_before)
{
    struct client *blocker = client_create(find("apart"), 1, 0);
    struct waiting short_one, none, zero, longer;
    uint64_t now;

    options.request_timeout = 100;
    hold(blocker);
    begin(&short_one, "\"timeout\": 10000000"); /* 10 s */
    begin(&none, "");
    begin(&zero, "\"timeout\": 0");
    begin(&longer, "\"timeout\": 9000000000000000000");
    now = clock_ns();
    api_look(&api, now + 20 * UINT64_C(1000000000));
    end(&short_one, 504);
    ck_assert_ptr_nonnull(
        strstr(short_one.reply.body.data, "deadline of 10 s has passed (timeout)"));
    ck_assert_int_eq(sem_trywait(&none.woken), -1);
    ck_assert_int_eq(sem_trywait(&zero.woken), -1);
    ck_assert_int_eq(sem_trywait(&longer.woken), -1);
    api_look(&api, now + 200 * UINT64_C(1000000000));
    end(&none, 504);
    end(&zero, 504);
    end(&longer, 504);
    ck_assert_ptr_nonnull(
        strstr(longer.reply.body.data, "deadline of 100 s has passed (request_timeout)"));
    release(blocker);
    expect_end(blocker, TASK_DONE);
    destroy(blocker);
    api_reply_fini(&short_one.reply);
    api_reply_fini(&none.reply);
    api_reply_fini(&zero.reply);
    api_reply_fini(&longer.reply);
}
END_TEST

/* ---- long replies ---- */

enum { ROWS = 20000 }; /* more numbers than a piece of a reply has */

/* JSON, and 20,000 rows after it; *length is the JSON's. */
static char *long_body(const char *outputs, char length[static 24], size_t *bytes)
{
    struct buf b;
    float x[FEATURES];

    buf_init(&b, 0);
    buf_printf(&b,
               "{\"inputs\": [{\"name\": \"input\", \"datatype\": \"FP32\", \"shape\": [%d, %d], "
               "\"parameters\": {\"binary_data_size\": %zu}}], \"outputs\": [%s]}",
               ROWS, FEATURES, ROWS * sizeof x, outputs);
    snprintf(length, 24, "%zu", b.len);
    for (unsigned row = 0; row < ROWS; row++) {
        for (unsigned i = 0; i < FEATURES; i++)
            x[i] = (float)((row * FEATURES + i) * 2654435761u % 2003) / 1001 - 1;
        buf_append(&b, x, sizeof x);
    }
    return buf_steal(&b, bytes);
}

static const char *const long_outputs[] = {
    "{\"name\": \"output\", \"parameters\": {\"binary_data\": true}}",
    "{\"name\": \"h\", \"parameters\": {\"binary_data\": true}}, {\"name\": \"output\"}",
    "{\"name\": \"output\"}, {\"name\": \"h\", \"parameters\": {\"binary_data\": true}}, "
    "{\"name\": \"y\", \"parameters\": {\"classification\": 4, \"binary_data\": true}}",
    "{\"name\": \"h\", \"parameters\": {\"classification\": 3}}, {\"name\": \"output\", "
    "\"parameters\": {\"binary_data\": true, \"classification\": 10}}",
};

START_TEST(reply_of_a_worker_is_that_of_the_thread_that_read)
{
    const struct api without = {.options = &options, .repository = repository};
    char length[24];
    size_t bytes;
    char *body = long_body(long_outputs[_i], length, &bytes);
    struct api_request request = request_for(body, bytes, length);
    struct api_reply here, there;

    options.rows_max = ROWS;
    options.elements_max = options.classes_max = 1 << 24;
    api_handle(&without, &request, &here);
    api_handle(&api, &request, &there);
    ck_assert_msg(here.http_status == 200, "%.300s", here.body.data);
    ck_assert_uint_eq(there.http_status, 200);
    ck_assert_uint_eq(here.body.len, there.body.len);
    ck_assert_mem_eq(here.body.data, there.body.data, here.body.len);
    ck_assert_str_eq(here.headers[REPLY_CONTENT_TYPE], "application/octet-stream");
    ck_assert_str_eq(here.headers[REPLY_INFERENCE_LENGTH], there.headers[REPLY_INFERENCE_LENGTH]);
    api_reply_fini(&here);
    api_reply_fini(&there);
    free(body);
}
END_TEST

/* The bytes that the JSON of a reply announces are those that follow it; a class's text is as long
 * as it says. */
START_TEST(what_the_reply_says_of_its_bytes_holds)
{
    const struct api without = {.options = &options, .repository = repository};
    char length[24];
    size_t bytes, at, i;
    char *body = long_body(long_outputs[_i], length, &bytes);
    struct api_request request = request_for(body, bytes, length);
    struct api_reply reply;
    json_t *json, *output;

    options.rows_max = ROWS;
    options.elements_max = options.classes_max = 1 << 24;
    api_handle(&without, &request, &reply);
    at = strtoul(reply.headers[REPLY_INFERENCE_LENGTH], NULL, 10);
    json = json_loadb(reply.body.data, at, 0, NULL);
    ck_assert_ptr_nonnull(json);
    json_array_foreach (json_object_get(json, "outputs"), i, output) {
        bool texts = strcmp(json_string_value(json_object_get(output, "datatype")), "BYTES") == 0;
        json_int_t width = json_integer_value(json_array_get(json_object_get(output, "shape"), 1));
        json_int_t size = json_integer_value(
            json_object_get(json_object_get(output, "parameters"), "binary_data_size"));
        size_t next = at + (size_t)size, count = 0;

        ck_assert_uint_le(next, reply.body.len);
        if (!json_object_get(output, "parameters")) {
            ck_assert_uint_eq(json_array_size(json_object_get(output, "data")),
                              (size_t)(ROWS * width));
            continue;
        }
        for (uint32_t text; texts && at < next; at += sizeof text + text, count++)
            memcpy(&text, reply.body.data + at, sizeof text);
        if (texts)
            ck_assert_uint_eq(count, (size_t)(ROWS * width));
        else
            ck_assert_int_eq(size, ROWS * width * 4);
        ck_assert(!texts || at == next);
        at = next;
    }
    ck_assert_uint_eq(at, reply.body.len);
    json_decref(json);
    api_reply_fini(&reply);
    free(body);
}
END_TEST

/* Every allocation of a request fails in turn: what comes out is the whole answer or a 503. */
START_TEST(request_without_memory_is_503_and_leaves_nothing)
{
    static const char json[] =
        "{\"id\": \"1\", \"inputs\": [{\"name\": \"input\", \"datatype\": \"FP32\", \"shape\": [1, "
        "24], \"parameters\": {\"binary_data_size\": 96}}], \"outputs\": [{\"name\": \"h\"}, "
        "{\"name\": \"output\", \"parameters\": {\"binary_data\": true, \"classification\": 2}}]}";
    const struct api without = {.options = &options, .repository = repository};
    char body[sizeof json - 1 + FEATURES * sizeof(float)] = "", length[24];
    struct api_request request;
    struct api_reply whole;
    bool done = false;

    memcpy(body, json, sizeof json - 1);
    snprintf(length, sizeof length, "%zu", sizeof json - 1);
    request = request_for(body, sizeof body, length);
    api_handle(&without, &request, &whole);
    ck_assert_uint_eq(whole.http_status, 200);
    for (long n = 1; STARVE_WORKS && !done; n++) {
        struct api_reply reply;
        long before = starve_live;

        starve_countdown = n;
        api_handle(&without, &request, &reply);
        done = starve_countdown > 0;
        starve_countdown = 0;
        if (reply.http_status == 200) { /* counters and trimming may go without */
            ck_assert_uint_eq(reply.body.len, whole.body.len);
            ck_assert_mem_eq(reply.body.data, whole.body.data, whole.body.len);
        } else {
            ck_assert_uint_eq(reply.http_status, 503);
            ck_assert_ptr_null(reply.headers[REPLY_INFERENCE_LENGTH]);
        }
        api_reply_fini(&reply);
        ck_assert_int_eq(starve_live, before);
    }
    api_reply_fini(&whole);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, urgent_requests_are_served_first_and_equals_in_turn);
    tcase_add_test(tc, who_overtakes_does_not_prolong_the_wait_for_company);
    tcase_add_test(tc, timeout_of_a_request_is_its_deadline_unless_the_service_gives_up_before);
    tcase_add_loop_test(tc, reply_of_a_worker_is_that_of_the_thread_that_read, 0,
                        (int)(sizeof long_outputs / sizeof *long_outputs));
    tcase_add_loop_test(tc, what_the_reply_says_of_its_bytes_holds, 0,
                        (int)(sizeof long_outputs / sizeof *long_outputs));
    tcase_add_test(tc, request_without_memory_is_503_and_leaves_nothing);
    return run_suite("infer", tc);
}
