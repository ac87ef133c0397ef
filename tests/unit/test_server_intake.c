/* test_server_intake.c - bodies on their way: the time that it takes to read them. The clock of
 * this program moves on by a microsecond with each look at it, and at no other time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "api/api.h"
#include "base/clock.h"
#include "suite.h"
#include "feed.h"

static unsigned looks;

int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    looks++;
    *t = (struct timespec){.tv_sec = 1000 + looks / 1000000, .tv_nsec = looks % 1000000 * 1000};
    return 0;
}

/* A body of so many bytes in pieces: the microseconds that the reply says it took to read, but for
 * the one of the handler's own look. */
static double parse_us(size_t bytes, size_t piece)
{
    static const char before[] = "parse;dur=", head[] = "{\"predictions\":[1],\"targets\":[1]";
    static char body[1 << 16];
    static struct options options;
    struct api api = {.options = &options};
    struct api_request request = {.method = "POST", .target = "/v1/losses/mse"};
    struct api_reply reply;
    struct api_call *call;
    double ms;

    options_defaults(&options);
    memset(body, ' ', bytes);
    memcpy(body, head, sizeof head - 1);
    body[bytes - 1] = '}';
    call = api_admit(&api, &request, bytes, &reply);
    ck_assert_ptr_nonnull(call);
    feed(call, body, bytes, piece);
    ck_assert(!api_run(call, clock_ns()));
    api_end(call);
    ck_assert_msg(strncmp(reply.headers[REPLY_SERVER_TIMING], before, sizeof before - 1) == 0, "%s",
                  reply.headers[REPLY_SERVER_TIMING]);
    ms = strtod(reply.headers[REPLY_SERVER_TIMING] + sizeof before - 1, NULL);
    api_reply_fini(&reply);
    return ms * 1000 - 1;
}

START_TEST(each_piece_is_timed)
{
    static const size_t pieces[] = {1, 1024, 1500, 16384, 50000};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        ck_assert_double_eq_tol(parse_us(50000, pieces[i]),
                                (double)((50000 + pieces[i] - 1) / pieces[i]), 0.01);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("intake");
    TCase *t = tcase_create("the clock");

    tcase_add_test(t, each_piece_is_timed);
    suite_add_tcase(s, t);

    return suite_run(s);
}
