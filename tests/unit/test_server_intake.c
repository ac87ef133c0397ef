/* test_server_intake.c - bodies on their way: how often the clock is read for them. The clock of
 * this program moves on by a microsecond with each look at it, and at no other time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "api/api.h"
#include "base/clock.h"
#include "suite.h"

static unsigned looks;

int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    looks++;
    *t = (struct timespec){.tv_sec = 1000 + looks / 1000000, .tv_nsec = looks % 1000000 * 1000};
    return 0;
}

/* A body of `bytes` in pieces: the microseconds that the reply says it took to read, but for the
 * one of the handler's own look. */
static double parse_us(size_t bytes, size_t piece, unsigned *looked)
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
    *looked = looks;
    for (size_t at = 0; at < bytes; at += piece)
        api_feed(call, body + at, piece < bytes - at ? piece : bytes - at);
    *looked = looks - *looked;
    ck_assert(!api_run(call, clock_ns()));
    api_end(call);
    ck_assert_msg(strncmp(reply.headers[REPLY_SERVER_TIMING], before, sizeof before - 1) == 0, "%s",
                  reply.headers[REPLY_SERVER_TIMING]);
    ms = strtod(reply.headers[REPLY_SERVER_TIMING] + sizeof before - 1, NULL);
    api_reply_fini(&reply);
    return ms * 1000 - 1;
}

/* All but a rest at the end, which takes as long as its share of the others. */
START_TEST(ordinary_pieces_are_timed_each)
{
    static const size_t pieces[] = {1024, 1500, 16384, 50000};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t bytes = 50000, count = bytes / pieces[i];
        unsigned looked;

        ck_assert_double_eq_tol(parse_us(bytes, pieces[i], &looked),
                                (double)bytes / (double)pieces[i], 1);
        ck_assert_uint_ge(looked, 2 * count);
        ck_assert_uint_le(looked, 2 * count + 2);
    }
}
END_TEST

START_TEST(a_small_body_in_one_piece_is_timed)
{
    unsigned looked;

    ck_assert_double_eq_tol(parse_us(40, 40, &looked), 1, 0.01);
    ck_assert_uint_eq(looked, 2);
}
END_TEST

START_TEST(of_crumbs_a_few_are_timed_for_all)
{
    unsigned looked;

    ck_assert_double_eq_tol(parse_us(40000, 4, &looked), 10000, 1);
    ck_assert_uint_le(looked, 2 * (40000 / 1024 + 1));
    ck_assert_double_eq_tol(parse_us(40000, 1, &looked), 40000, 1);
    ck_assert_uint_le(looked, 2 * (40000 / 1024 + 1));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("intake");
    TCase *t = tcase_create("the clock");

    tcase_add_test(t, ordinary_pieces_are_timed_each);
    tcase_add_test(t, a_small_body_in_one_piece_is_timed);
    tcase_add_test(t, of_crumbs_a_few_are_timed_for_all);
    suite_add_tcase(s, t);

    return suite_run(s);
}
