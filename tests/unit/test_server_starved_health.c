/* test_server_starved_health.c - every allocation of what tells the health of a network fails in
 * turn: neurons, advice, baselines, sets, explanations, metrics. The answer is the whole one or a
 * 503, and nothing stays behind. */
#include <check.h>
#include <jansson.h>
#include "ask.h"
#include "models.h"
#include "scraped.h"
#include "starve.h"

enum { ROWS = 40, ALLOCATIONS_MAX = 10000 };

static struct api api;
static struct memory memory = {.max = 1 << 30};
static char rows[2000];

static void post(const char *target, const char *body)
{
    struct api_reply reply = ask_for(&api, "POST", target, body);

    ck_assert_msg(reply.http_status == 200, "%s: %s", target, reply.body.data);
    api_reply_fini(&reply);
}

static void open_again(void)
{
    if (repository)
        repository_close(repository);
    open_repository();
    api = (struct api){.options = &options, .repository = repository, .memory = &memory};
}

/* A baseline of what was served, with quantiles that nobody has computed: room for them is needed.
 */
static void calibrate(void)
{
    struct api_reply reply = ask_for(&api, "POST", "/v1/models/m:baseline", "{}");
    json_t *b, *more;
    char *text;

    ck_assert_uint_eq(reply.http_status, 200);
    b = json_loadb(reply.body.data, reply.body.len, 0, NULL);
    api_reply_fini(&reply);
    more = json_pack("{s:i, s:{s:f, s:f, s:f}}", "rows", ROWS, "quantiles", "0.1", 0.7, "0.05", 0.8,
                     "0.01", 0.9);
    ck_assert_int_eq(json_object_set_new(b, "conformal", more), 0);
    text = json_dumps(b, JSON_REAL_PRECISION(17));
    folder_text(&root, "m/1/baseline.json", text);
    free(text);
    json_decref(b);
}

static void start(void)
{
    size_t length = 0;

    set_up();
    options_defaults(&options);
    options.neuron_rows_min = 3;
    snprintf(options.models, sizeof options.models, "%s", root.path);
    folder_text(&root, "m/config.json",
                "{\"task\": \"multiclass\", \"input\": {\"features\": 2, \"min\": -9, \"max\": 9},"
                " \"layers\": [{\"name\": \"h\", \"units\": 5, \"activation\": \"relu\"},"
                " {\"name\": \"g\", \"units\": 4, \"activation\": \"gelu\"},"
                " {\"name\": \"y\", \"units\": 3, \"activation\": \"softmax\"}],"
                " \"initializer\": \"he_normal\", \"seed\": 4,"
                " \"output\": {\"labels\": [\"a\", \"b\", \"c\"]}}");
    for (int i = 0; i < ROWS; i++)
        length += (size_t)snprintf(rows + length, sizeof rows - length, "%s[%d,%d]",
                                   i ? "," : "{\"instances\":[", i % 9 - 4, i * i % 7 - 3);
    snprintf(rows + length, sizeof rows - length, "]}");
    open_again();
    post("/v1/models/m:predict", rows);
    calibrate();
    open_again();
    post("/v1/models/m:predict", rows);
}

static const struct {
    const char *method, *target, *body;
} starved[] = {
    {"GET", "/v1/models/m/neurons?units=true&sort=drift", ""},
    {"GET", "/v1/models/m/neurons?window=60s&layer=h&units=true", ""},
    {"GET", "/v1/models/m/advice", ""},
    {"GET", "/metrics", ""},
    {"POST", "/v1/models/m:baseline", "{}"},
    {"POST", "/v1/models/m:baseline", "{\"window\": \"60s\", \"persist\": true}"},
    {"POST", "/v1/models/m:predict", "{\"instances\": [[1, 2], [3, 4]], \"set\": 0.1}"},
    {"POST", "/v1/models/m:explain", "{\"instances\": [[1, 2], [3, 4]], \"class\": \"b\"}"},
    {"POST", "/v1/models/m:gradients", "{\"instances\": [[1, 2]], \"targets\": [[0, 0.5, 0.5]]}"},
};

static void assert_whole(const struct api_reply *reply, const char *target)
{
    json_t *json = json_loadb(reply->body.data, reply->body.len, 0, NULL);

    ck_assert_msg(json || strcmp(target, "/metrics") == 0, "%s: %s", target, reply->body.data);
    json_decref(json);
}

START_TEST(answer_is_whole_or_503_and_nothing_stays_behind)
{
    struct api_reply whole = ask_for(&api, starved[_i].method, starved[_i].target,
                                     starved[_i].body);
    long n = 0;

    ck_assert_uint_eq(whole.http_status, 200); /* and what is loaded once is there */
    api_reply_fini(&whole);
    for (bool starving = STARVE_WORKS; starving && n < ALLOCATIONS_MAX;) {
        struct api_reply reply;
        long live = starve_live, after;

        starve_countdown = ++n;
        reply = ask_for(&api, starved[_i].method, starved[_i].target, starved[_i].body);
        starving = starve_countdown == 0;
        starve_countdown = 0;
        ck_assert_msg(reply.http_status == 200 || (starving && reply.http_status == 503),
                      "%s: allocation %ld: %u %s", starved[_i].target, n, reply.http_status,
                      reply.body.data);
        if (reply.http_status == 200)
            assert_whole(&reply, starved[_i].target);
        api_reply_fini(&reply);
        after = starve_live;
        ck_assert_msg(after == live, "%s: allocation %ld: %ld blocks", starved[_i].target, n,
                      after - live);
        ck_assert_uint_eq(memory.charged, 0);
    }
    ck_assert_int_lt(n, ALLOCATIONS_MAX);
    ck_assert(!STARVE_WORKS || n > 3);
}
END_TEST

static double rows_counted(void)
{
    struct api_reply reply = ask_for(&api, "GET", "/v1/models/m/neurons", "");
    json_t *json = json_loadb(reply.body.data, reply.body.len, 0, NULL);
    double value = json_number_value(json_object_get(json, "rows"));

    ck_assert_uint_eq(reply.http_status, 200);
    json_decref(json);
    api_reply_fini(&reply);
    return value;
}

/* The first rows of a worker need room for its counts: without, they are not counted, and the next
 * ones are. */
START_TEST(first_rows_are_counted_or_not_but_never_by_half)
{
    for (long n = 1; STARVE_WORKS && n < ALLOCATIONS_MAX; n++) {
        struct api_reply reply;
        double counted;
        bool starving;

        open_again();
        starve_countdown = n;
        reply = ask_for(&api, "POST", "/v1/models/m:predict", rows);
        starving = starve_countdown == 0;
        starve_countdown = 0;
        counted = rows_counted();
        ck_assert(counted == 0 || (counted == ROWS && reply.http_status == 200));
        ck_assert(starving || counted == ROWS);
        api_reply_fini(&reply);
        post("/v1/models/m:predict", rows);
        ck_assert_double_eq(rows_counted(), counted + ROWS);
        if (!starving)
            return;
    }
    ck_assert(!STARVE_WORKS);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, tear_down);
    tcase_add_loop_test(tc, answer_is_whole_or_503_and_nothing_stays_behind, 0,
                        sizeof starved / sizeof *starved);
    tcase_add_test(tc, first_rows_are_counted_or_not_but_never_by_half);
    return run_suite("starved health", tc);
}
