/* test_server_float_run.c - runs of numbers with commas, quick and portable, are read number by
 * number as float_read and the C library read them. */
#include <check.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/float_text.h"
#include "tensor/tensor.h"
#include "random.h"
#include "text.h"
#include "suite.h"

typedef const char *run_fn(const char *p, const char *end, float *values, size_t room,
                           struct float_run *done);

/* Those that may be called in any rounding mode first. */
static run_fn *const runs[] = {
    float_read_run,
    float_read_run_portable,
#if defined(__x86_64__)
    float_read_run_ssse3,
    float_read_run_avx2,
#endif
};

/* Sanitizers slow this down eight times. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 8 };
#else
enum { SLOWER = 1 };
#endif

enum { RUNS = sizeof runs / sizeof *runs, ANY_MODE = 2, NUMBERS = 200, NUMBER_MAX = 160 };

/* Has this machine what the last of them needs? */
static int runs_here(void)
{
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2");
    return avx2 ? RUNS : RUNS - 1;
#else
    return RUNS;
#endif
}

static float random_float(void)
{
    uint32_t bits = (uint32_t)random_bits();
    float value;

    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 0.5f;
}

/* Halfway between two floats that are not far from 1, or next to that. */
static double random_half(void)
{
    float near = (float)((int32_t)random_bits()) * 0x1p-28f;
    double half = ((double)near + (double)nextafterf(near, INFINITY)) / 2;
    uint64_t side = random_bits() % 4;

    return side == 0 ? nextafter(half, -9) : side == 1 ? nextafter(half, 9) : half;
}

static int put_number(char out[NUMBER_MAX])
{
    uint64_t digits = random_bits() % 20;

    switch (random_bits() % 7) {
    case 0:
        return snprintf(out, NUMBER_MAX, "%.*g", (int)digits, (double)random_float());
    case 1:
        return snprintf(out, NUMBER_MAX, "%.*f", (int)digits,
                        (double)(int64_t)random_bits() * 0x1p-60);
    case 2:
        return snprintf(out, NUMBER_MAX, "%lld",
                        (long long)((int64_t)random_bits() >> (random_bits() % 64)));
    case 3:
        return snprintf(out, NUMBER_MAX, "%.*g", 6 + (int)digits, random_half());
    case 4:
        return snprintf(out, NUMBER_MAX, "%.*g", 100, random_half());
    case 5:
        return snprintf(out, NUMBER_MAX, "%s0.0", random_bits() % 2 ? "-" : "");
    default:
        return snprintf(out, NUMBER_MAX, "%.*e", (int)digits % 9, (double)random_float());
    }
}

/* Checks all numbers of the text, by runs where they go on and by float_read where they stop. */
static void check_text(run_fn *run, const struct text *t, const float *want, size_t n)
{
    const char *p = t->data, *end = t->data + t->len;
    float got[NUMBERS];
    struct float_run done = {0};
    size_t count = 0;

    while (!done.complete) {
        p = run(p, end, got + count, n - count, &done);
        count += done.count;
        if (done.complete)
            break;
        p += *p == ' ';
        size_t length = float_read(p, (size_t)(end - p), &got[count++]);
        ck_assert_msg(length > 0, "no number at %.40s", p);
        p += length;
        done.complete = *p == ']';
        p += !done.complete;
    }
    ck_assert_ptr_eq(p, end - 1);
    ck_assert_uint_eq(count, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(memcmp(&got[i], &want[i], sizeof *want) == 0, "number %zu: %a, want %a", i,
                      (double)got[i], (double)want[i]);
}

START_TEST(runs_are_read_as_the_c_library_reads_each_number)
{
    static char text[NUMBERS * (NUMBER_MAX + 2)];

    for (int round = 0; round < 400; round++) {
        float want[NUMBERS];
        size_t n = 1 + random_bits() % NUMBERS, len = 0;
        bool spaces = round % 2;
        for (size_t i = 0; i < n; i++) {
            char *at = text + len;
            len += (size_t)put_number(at);
            want[i] = strtof(at, NULL);
            text[len++] = i + 1 < n ? ',' : ']';
            if (spaces && i + 1 < n)
                text[len++] = ' ';
        }
        struct text t = text_create(text, len);
        check_text(runs[_i], &t, want, n);
        text_destroy(&t);
    }
}
END_TEST

/* Each after 0 to 20 numbers and in front of many, so that the quick way meets it everywhere. */
START_TEST(a_run_stops_in_front_of_what_is_no_number)
{
    static const char *const bad[] = {
        "01",  "-01", "00",  "-",    ".5",    "-.5",  "1.",    "1.e5",  "1e",   "1e+", "1.5.5",
        "--1", "+1",  "1-2", "1x",   "NaN",   "1e5x", "[1",    "\"1\"", "1e1e", "-e1", "",
        " ",   "1 2", "0x1", "1e39", "-1e99", "null", "0.1.2", "00.5",  "1..2", "1.5-"};
    char text[1024];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t before = 0; before <= 20; before++) {
            size_t n = 0;
            for (size_t k = 0; k < before; k++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%zu.25,", k);
            size_t at = n;
            n += (size_t)snprintf(text + n, sizeof text - n, "%s,", bad[i]);
            memset(text + n, '7', 100);
            n += 100;
            struct text t = text_create(text, n);
            float values[NUMBERS];
            struct float_run done;
            const char *p = runs[_i](t.data, t.data + n, values, NUMBERS, &done);
            ck_assert_msg(done.count <= before && !done.complete, "%s", bad[i]);
            at += *bad[i] == ' '; /* one may be skipped */
            ck_assert_msg(p <= t.data + at, "%s: %zu bytes too far", bad[i],
                          (size_t)(p - t.data) - at);
            text_destroy(&t);
        }
}
END_TEST

/* A run must take what float_read takes, one number after the other. */
static void check_taken(const char *p, const char *end, const char *behind, const float *got,
                        const struct float_run *done)
{
    const char *start = p;
    char last = ',';

    for (size_t i = 0; i < done->count; i++) {
        float want = NAN;
        ck_assert_msg(last == ',', "%.80s: goes on", start);
        p += *p == ' ';
        size_t n = float_read(p, (size_t)(end - p), &want);
        ck_assert_msg(n && strchr(",]", p[n]) && p[n], "%.200s: number %zu", start, i);
        ck_assert_msg(isfinite(want) && memcmp(&got[i], &want, sizeof want) == 0,
                      "%.200s: number %zu is %a, not %a", start, i, (double)got[i], (double)want);
        last = p[n];
        p += n + (last == ',');
    }
    ck_assert_msg(done->complete == (last == ']'), "%.200s: complete", start);
    ck_assert_msg(p == behind || (*p == ' ' && p + 1 == behind), "%.200s: %zu bytes, %zu taken",
                  start, (size_t)(p - start), (size_t)(behind - start));
}

/* Mostly plain, so that the quick ways meet what is not among what is. */
static size_t put_plain(char *out, bool space)
{
    static const char *const odd[] = {"1e5",
                                      "-0",
                                      "0",
                                      "16777217",
                                      "33554434.5",
                                      "007",
                                      "123456789012345",
                                      "12345678901234567",
                                      "0.00000000000001",
                                      "-.5",
                                      "5.",
                                      "1.2.3"};
    static const int widths[] = {1, 1, 2, 5, 9, 12};
    uint64_t kind = random_bits() % 64;
    size_t n = 0;

    if (space)
        out[n++] = ' ';
    if (kind < sizeof odd / sizeof *odd)
        return n + (size_t)snprintf(out + n, NUMBER_MAX, "%s", odd[kind]);
    double x = (double)(int64_t)random_bits() * 0x1p-60;
    return n + (size_t)snprintf(out + n, NUMBER_MAX, "%.*f",
                                (int)(random_bits() % 3) * widths[kind % 6] / 2, x);
}

START_TEST(what_a_run_takes_is_what_float_read_takes)
{
    static const char bytes[] = "0123456789.-+eE,] x[\n\"/:";
    char text[800] = "";
    float got[NUMBERS];
    struct text guarded = text_create(text, sizeof text - 1);

    for (int round = 0; round < 100000 / SLOWER; round++) {
        size_t len = 0, wrong = random_bits() % 4;
        bool spaces = random_bits() % 4 == 0;
        for (size_t numbers = 1 + random_bits() % 20; numbers > 0; numbers--) {
            len += put_plain(text + len, spaces && len);
            text[len++] = numbers > 1 ? ',' : ']';
        }
        len -= random_bits() % 2 ? random_bits() % len : 0;
        for (size_t i = 1; i < wrong; i++)
            text[random_bits() % len] = bytes[random_bits() % (sizeof bytes - 1)];
        text[len] = '\0';
        size_t room = random_bits() % 2 ? NUMBERS : random_bits() % 24;
        struct float_run done;
        /* flush against the end of the page, which the NUL is the last byte of */
        char *at = guarded.data + guarded.len - len;
        memcpy(at, text, len);
        const char *behind = runs[_i](at, at + len, got, room, &done);
        ck_assert_uint_le(done.count, room);
        check_taken(at, at + len, behind, got, &done);
    }
    text_destroy(&guarded);
}
END_TEST

/* Short texts and the last bytes of long ones are read in one go too. */
START_TEST(a_plain_array_is_one_run)
{
    char text[1024];
    float got[NUMBERS];

    for (size_t n = 1; n < NUMBERS; n++) {
        size_t len = 0;
        struct float_run done;
        for (size_t i = 0; i < n; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%zu%s", i % 17,
                                    i + 1 < n ? "," : "]");
        struct text t = text_create(text, len);
        const char *behind = runs[_i](t.data, t.data + len, got, n, &done);
        ck_assert(done.complete && done.count == n && behind == t.data + len - 1);
        for (size_t i = 0; i < n; i++)
            ck_assert(got[i] == (float)(i % 17));
        text_destroy(&t);
    }
}
END_TEST

START_TEST(no_more_is_read_than_there_is_room_for)
{
    struct text t = text_create(
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26"
        ",27,28,29,30,31,32,33,34,35,36,37,38,39,40]",
        111);
    float values[41];

    for (size_t room = 0; room <= 20; room++) {
        struct float_run done;
        values[room] = -1;
        runs[_i](t.data, t.data + t.len, values, room, &done);
        ck_assert(values[room] == -1.0f);
        ck_assert_uint_eq(done.count, room < 15 ? room : done.count);
    }
    text_destroy(&t);
}
END_TEST

/* Somebody's rounding mode must not change a digit. */
START_TEST(rounding_modes_do_not_matter)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const char text[] =
        "0.1,0.2,0.3,123456.7,-0.7,1e-5,3.14159274,0.000123,-1234567.8,16777"
        "217,33554435,0.33333334,9.87654321,-5.4321e-5,1,2,3,4,5,6,7,8,9,10,1"
        "1,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31]";
    float want[NUMBERS], got[NUMBERS];
    struct float_run done, again;

    runs[_i](text, text + sizeof text - 1, want, NUMBERS, &done);
    ck_assert_uint_ge(done.count, 9);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        fesetround(modes[i]);
        runs[_i](text, text + sizeof text - 1, got, NUMBERS, &again);
        fesetround(FE_TONEAREST);
        size_t n = done.count < again.count ? done.count : again.count;
        ck_assert_uint_ge(n, 9);
        ck_assert_mem_eq(got, want, n * sizeof *want);
    }
}
END_TEST

/* ---- written ---- */

typedef size_t write_fn(char *out, const float *values, size_t n, struct float_rows *rows,
                        size_t *written);

static write_fn *const writes[] = {float_write_run, float_write_run_portable};

enum { WRITES = sizeof writes / sizeof *writes, UNTOUCHED = '#' };

/* All in front of the first that is not finite, each as alone, and nothing far after them; in rows
 * of `length`, of which the first lacks `left`. */
static void check_write_rows(write_fn *write, const float *values, size_t n, size_t length,
                             size_t left)
{
    static char got[NUMBERS * (FLOAT_TEXT_MAX + FLOAT_ROW_END) + FLOAT_ROOM];
    static char want[sizeof got];
    char *at = want;
    size_t finite = 0, written;
    struct float_rows rows = {length, left};

    for (; finite < n && isfinite(values[finite]); finite++) {
        bool row_ends = finite % length == (left - 1) % length;
        at += float_write(at, values[finite]);
        *at++ = ',';
        if (row_ends) {
            memcpy(at - 1, "],[", 3);
            at += 2;
        }
    }
    size_t bytes = (size_t)(at - want);
    memset(got, UNTOUCHED, sizeof got);
    ck_assert_uint_eq(write(got, values, n, &rows, &written), bytes);
    ck_assert_uint_eq(written, finite);
    ck_assert_uint_eq(rows.left, length - (finite + length - left) % length);
    ck_assert_mem_eq(got, want, bytes);
    memset(want, UNTOUCHED, sizeof want);
    size_t touched = bytes + FLOAT_ROOM < sizeof got ? bytes + FLOAT_ROOM : sizeof got;
    ck_assert_int_eq(memcmp(got + touched, want + touched, sizeof got - touched), 0);
}

static void check_write_run(write_fn *write, const float *values, size_t n)
{
    check_write_rows(write, values, n, 2 * NUMBERS, 2 * NUMBERS);
}

static float of_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* One in eight is zero, a power of two, a small integer, subnormal or not finite. */
static float random_or_rare(bool finite)
{
    uint32_t bits = (uint32_t)random_bits(), kind = (uint32_t)random_bits() % 40;
    const uint32_t rare[] = {bits & 0x80000000, bits & 0xff800000, bits & 0x807fffff,
                             finite ? 0 : bits | 0x7f800000};

    if (kind == 4)
        return (float)(bits % 1000);
    float value = of_bits(kind < 4 ? rare[kind] : bits);
    return finite && !isfinite(value) ? 1 : value;
}

START_TEST(a_run_is_written_as_its_numbers_are)
{
    float values[NUMBERS];

    for (size_t i = 0; i < 10000 / SLOWER; i++) {
        size_t n = random_bits() % 80;
        for (size_t j = 0; j < n; j++)
            values[j] = random_or_rare(i % 8);
        size_t length = 1 + random_bits() % (i % 2 ? 20 : 100);
        check_write_rows(writes[_i], values, n, length, 1 + random_bits() % length);
    }
}
END_TEST

START_TEST(each_exponent_and_count_of_digits_is_written_in_a_run)
{
    float values[NUMBERS];

    for (int e = -45; e <= 38; e++) {
        for (int i = 0; i < NUMBERS; i++) {
            char text[32];
            snprintf(text, sizeof text, "%s%.*se%d", i % 2 ? "-" : "", 1 + i / 2 % 9,
                     &"12345678912345678"[i / 2 % 8], e - i / 2 % 9);
            values[i] = strtof(text, NULL);
        }
        check_write_run(writes[_i], values, NUMBERS);
    }
    for (uint32_t field = 0; field < 255; field++) {
        for (uint32_t i = 0; i < NUMBERS; i++)
            values[i] = of_bits((field << 23) + i - (field ? NUMBERS / 2 : 0));
        check_write_run(writes[_i], values, NUMBERS);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runs of numbers");
    TCase *t = suite_case(s, "read");

    tcase_add_loop_test(t, runs_are_read_as_the_c_library_reads_each_number, 0, runs_here());
    tcase_add_loop_test(t, a_run_stops_in_front_of_what_is_no_number, 0, runs_here());
    tcase_add_loop_test(t, what_a_run_takes_is_what_float_read_takes, 0, runs_here());
    tcase_add_loop_test(t, a_plain_array_is_one_run, 0, runs_here());
    tcase_add_loop_test(t, no_more_is_read_than_there_is_room_for, 0, runs_here());
    tcase_add_loop_test(t, rounding_modes_do_not_matter, 0, ANY_MODE);

    t = suite_case(s, "write");
    tcase_add_loop_test(t, a_run_is_written_as_its_numbers_are, 0, WRITES);
    tcase_add_loop_test(t, each_exponent_and_count_of_digits_is_written_in_a_run, 0, WRITES);

    return suite_run(s);
}
