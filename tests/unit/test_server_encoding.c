/* test_server_encoding.c - bodies that were compressed: whatever their pieces, what comes out is
 * the text, or an error; and what is compressed is itself again. */
#include "body/encoding.h"
#include <stdio.h>
#include "compressed.h"
#include "starve.h"
#include "suite.h"

static void assert_text(enum encoding_id id, struct bytes in, struct bytes text)
{
    for (size_t cut = 0; cut <= in.size + 3; cut++) { /* in two, then in pieces of 1, 2, 3 */
        size_t first = cut <= in.size ? cut : cut - in.size;
        struct decoded got = decode(id, in, first, cut <= in.size ? in.size : first, NULL);

        ck_assert_msg(got.error.id == ERROR_OK, "cut at %zu: %s", cut, got.error.detail);
        ck_assert(!got.odd);
        ck_assert_uint_eq(got.text.len, text.size);
        ck_assert(text.size == 0 || memcmp(got.text.data, text.data, text.size) == 0);
        buf_fini(&got.text);
    }
}

static void assert_error(enum encoding_id id, struct bytes in, const char *detail)
{
    struct decoded want = decode(id, in, in.size, in.size, NULL);

    ck_assert_int_eq(want.error.id, ERROR_BAD_ENCODING);
    if (detail)
        ck_assert_str_eq(want.error.detail, detail);
    for (size_t cut = 0; cut <= in.size + 3; cut++) {
        size_t first = cut <= in.size ? cut : cut - in.size;
        struct decoded got = decode(id, in, first, cut <= in.size ? in.size : first, NULL);

        ck_assert_str_eq(got.error.detail, want.error.detail);
        ck_assert(!got.odd);
        buf_fini(&got.text);
    }
    buf_fini(&want.text);
}

START_TEST(text_is_the_same_however_its_bytes_come)
{
    static const size_t sizes[][2] = {{0, 0}, {1, 0}, {300, 0}, {100, 60000}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes text = text_of(sizes[i][0], sizes[i][1]);
        struct bytes in = compressed(text, forms[_i].bits);

        assert_text(forms[_i].id, in, text);
        free(in.data);
        free(text.data);
    }
}
END_TEST

START_TEST(every_truncation_is_an_error)
{
    struct bytes text = text_of(60, 0), in = compressed(text, forms[_i].bits);

    for (size_t size = 0; size < in.size; size++)
        assert_error(forms[_i].id, (struct bytes){in.data, size}, NULL);
    free(in.data);
    free(text.data);
}
END_TEST

/* Raw deflate has no sum: a bit that flips may be another text. Nobody reads time, system and the
 * method's flags of gzip's head. */
START_TEST(every_flipped_bit_is_an_error_or_changes_nothing)
{
    struct bytes text = text_of(20, 0), in = compressed(text, forms[_i].bits);

    for (size_t bit = 0; bit < in.size * 8; bit++) {
        struct decoded got;

        in.data[bit / 8] ^= (char)(1 << bit % 8);
        got = decode(forms[_i].id, in, in.size, in.size, NULL);
        if (got.error.id == ERROR_OK && forms[_i].bits != RAW_BITS)
            ck_assert(got.text.len == text.size && !memcmp(got.text.data, text.data, text.size));
        buf_fini(&got.text);
        in.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(in.data);
    free(text.data);
}
END_TEST

START_TEST(members_of_gzip_follow_one_another)
{
    struct bytes a = text_of(50, 0), b = text_of(0, 30), none = text_of(0, 0);
    struct bytes za = compressed(a, GZIP_BITS), zb = compressed(b, GZIP_BITS),
                 z0 = compressed(none, GZIP_BITS);
    struct bytes ab = joined(a, b), zab = joined(za, zb), za0 = joined(za, z0);

    assert_text(ENCODING_GZIP, zab, ab);
    assert_text(ENCODING_GZIP, za0, a);
    free(ab.data);
    free(zab.data);
    free(za0.data);
    free(za.data);
    free(zb.data);
    free(z0.data);
    free(a.data);
    free(b.data);
}
END_TEST

START_TEST(bytes_after_the_end_are_an_error)
{
    static const char *const tails[] = {"x", "xyz", "\0\0\0\0", "{\"instances\": []}"};
    struct bytes text = text_of(10, 0), in = compressed(text, forms[_i].bits);

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        struct bytes tail = {(char *)(uintptr_t)tails[i], i == 2 ? 4 : strlen(tails[i])};
        struct bytes both = joined(in, tail);

        assert_error(forms[_i].id, both, NULL);
        free(both.data);
    }
    free(in.data);
    free(text.data);
}
END_TEST

START_TEST(refusals_say_what_is_wrong)
{
    struct bytes text = text_of(10, 0), in = compressed(text, GZIP_BITS);
    struct bytes dictionary = {"\x78\xbb\0\0\0\1", 6};
    struct bytes both = joined(in, (struct bytes){"xyz", 3});
    char want[100];

    assert_error(ENCODING_GZIP, (struct bytes){"", 0},
                 "the gzip body ends after 0 bytes, in the middle of its stream");
    assert_error(ENCODING_GZIP, (struct bytes){"{\"data\": 1}", 11},
                 "the gzip body, byte 2: incorrect header check");
    assert_error(ENCODING_DEFLATE, dictionary,
                 "the deflate body, byte 6: it needs a dictionary that only its sender has");
    snprintf(want, sizeof want,
             "the gzip body, byte %zu: the stream ends here, and bytes that follow are none",
             in.size);
    assert_error(ENCODING_GZIP, both, want);
    in.data[in.size - 5] ^= 1;
    snprintf(want, sizeof want, "the gzip body, byte %zu: incorrect data check", in.size - 4);
    assert_error(ENCODING_GZIP, in, want);
    free(both.data);
    free(in.data);
    free(text.data);
}
END_TEST

START_TEST(bomb_takes_no_memory)
{
    struct bytes text = text_of(0, 1 << 20), in = compressed(text, forms[_i].bits);
    struct memory memory = {.max = 1 << 17};
    struct memory_account account = {.memory = &memory};
    struct decoded got = decode(forms[_i].id, in, in.size, in.size, &account);

    ck_assert_int_eq(got.error.id, ERROR_OK);
    ck_assert_uint_eq(got.text.len, text.size);
    ck_assert_uint_gt(text.size, 900 * in.size);
    ck_assert_uint_lt(got.held_max, 1 << 16);
    ck_assert_uint_gt(got.held_max, 1 << 15); /* zlib's window is among it */
    ck_assert_uint_eq(account.used, 0);
    memory_close(&account);
    buf_fini(&got.text);
    free(in.data);
    free(text.data);
}
END_TEST

START_TEST(decoder_without_memory_is_refused)
{
    struct bytes text = text_of(0, 1 << 17), in = compressed(text, forms[_i].bits);

    for (uint64_t max = 0; max < 1 << 16; max += 1 << 12) {
        struct memory memory = {.max = max};
        struct memory_account account = {.memory = &memory};
        struct decoded got = decode(forms[_i].id, in, in.size, in.size, &account);

        ck_assert(got.error.id == ERROR_OK
                      ? max > 40000
                      : got.error.id == ERROR_OUT_OF_MEMORY && account.refused == MEMORY_NEVER);
        memory_close(&account);
        buf_fini(&got.text);
    }
    free(in.data);
    free(text.data);
}
END_TEST

/* ---- encoding ------------------------------------------------------------------------------- */

static bool encode(enum encoding_id id, int level, struct bytes text, size_t piece, size_t max,
                   struct buf *out)
{
    struct encoder *e = encoder_create(id, level, text.size, NULL);
    size_t at = 0, n;

    buf_init(out, max);
    if (!e)
        return false;
    do {
        n = text.size - at < piece ? text.size - at : piece;
        encoder_go_on(e, out, text.data + at, n, at + n == text.size);
        at += n;
    } while (at < text.size);
    encoder_destroy(e);
    return !out->failed;
}

static struct bytes noise(size_t size)
{
    struct bytes b = {malloc(size), size};
    uint64_t state = 1;

    for (size_t i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        b.data[i] = (char)(state >> 56);
    }
    return b;
}

START_TEST(encoded_text_is_itself_again)
{
    static const int levels[] = {1, 3, 4, 9};
    static const size_t pieces[] = {100, 8192, 8193, ENCODER_PIECE_BYTES};
    struct bytes texts[] = {text_of(1, 0),      text_of(1200, 0),     text_of(30000, 0),
                            text_of(0, 200000), text_of(100, 100000), noise(100000)};

    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t k = 0; k < 16; k++)
            for (enum encoding_id id = ENCODING_GZIP; id < ENCODING_COUNT; id++) {
                struct buf out;
                struct decoded back;

                ck_assert(encode(id, levels[k % 4], texts[t], pieces[k / 4], 0, &out));
                back = decode(id, (struct bytes){out.data, out.len}, out.len, out.len, NULL);
                ck_assert_int_eq(back.error.id, ERROR_OK);
                ck_assert_uint_eq(back.text.len, texts[t].size);
                ck_assert(!memcmp(back.text.data, texts[t].data, texts[t].size));
                buf_fini(&back.text);
                buf_fini(&out);
            }
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        free(texts[t].data);
}
END_TEST

START_TEST(numbers_halve_and_repetitions_vanish)
{
    struct bytes numbers = text_of(30000, 0), zeros = text_of(0, 100000);
    struct buf out;

    ck_assert(encode(ENCODING_GZIP, 1, numbers, ENCODER_PIECE_BYTES, 0, &out));
    ck_assert_uint_lt(out.len, numbers.size / 2);
    buf_fini(&out);
    ck_assert(encode(ENCODING_GZIP, 1, zeros, ENCODER_PIECE_BYTES, 0, &out));
    ck_assert_uint_lt(out.len, zeros.size / 100);
    buf_fini(&out);
    free(numbers.data);
    free(zeros.data);
}
END_TEST

START_TEST(what_becomes_longer_reaches_its_bound)
{
    struct bytes text = noise(20000);
    struct buf out;

    ck_assert(!encode(ENCODING_GZIP, 1, text, ENCODER_PIECE_BYTES, text.size, &out));
    ck_assert_uint_le(out.len, text.size);
    buf_fini(&out);
    free(text.data);
}
END_TEST

/* True if an allocation failed. */
static bool starved(long n, enum encoding_id id, struct bytes in, struct bytes text, bool decodes)
{
    long live = starve_live;
    struct decoded got = {.held_max = 0};
    struct buf out;
    bool encoded, hit;

    starve_countdown = n;
    if (decodes)
        got = decode(id, in, in.size, in.size, NULL);
    else
        encoded = encode(id, 1, text, ENCODER_PIECE_BYTES, 0, &out);
    hit = starve_countdown == 0;
    starve_countdown = 0;
    if (decodes)
        ck_assert_msg(hit ? got.error.id == ERROR_OUT_OF_MEMORY || got.text.failed
                          : got.error.id == ERROR_OK,
                      "allocation %ld: hit %d, %s", n, hit, got.error.detail);
    else
        ck_assert(encoded == !hit);
    buf_fini(decodes ? &got.text : &out);
    ck_assert_int_eq(starve_live, live);
    return hit;
}

START_TEST(every_failed_allocation_is_told_and_leaks_nothing)
{
    struct bytes text = text_of(20000, 0), in = compressed(text, forms[_i].bits);

    for (long n = 1; STARVE_WORKS && starved(n, forms[_i].id, in, text, true); n++)
        continue;
    for (long n = 1; STARVE_WORKS && starved(n, forms[_i].id, in, text, false); n++)
        continue;
    free(in.data);
    free(text.data);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

START_TEST(codings_go_by_their_names)
{
    static const struct {
        const char *name;
        enum encoding_id id;
    } known[] = {{NULL, ENCODING_IDENTITY},       {"", ENCODING_IDENTITY},
                 {"identity", ENCODING_IDENTITY}, {"gzip", ENCODING_GZIP},
                 {"GZip", ENCODING_GZIP},         {"x-gzip", ENCODING_GZIP},
                 {"deflate", ENCODING_DEFLATE}};
    static const char *const unknown[] = {"br",       "gzip, gzip", "gzip,",   "zstd",
                                          "compress", "gzi",        "gzip;q=1"};
    enum encoding_id id;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert(encoding_find(known[i].name, &id));
        ck_assert_int_eq(id, known[i].id);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert_msg(!encoding_find(unknown[i], &id), "%s", unknown[i]);
    ck_assert_str_eq(encoding_names(), "gzip, deflate");
}
END_TEST

START_TEST(client_gets_the_coding_that_it_likes_best)
{
    static const struct {
        const char *accept;
        enum encoding_id id;
    } cases[] = {
        {NULL, ENCODING_IDENTITY},
        {"", ENCODING_IDENTITY},
        {"identity", ENCODING_IDENTITY},
        {"br", ENCODING_IDENTITY},
        {"gzip", ENCODING_GZIP},
        {"GZIP", ENCODING_GZIP},
        {"x-gzip", ENCODING_GZIP},
        {"deflate", ENCODING_DEFLATE},
        {"gzip, deflate, br", ENCODING_GZIP},
        {"deflate, gzip", ENCODING_GZIP},
        {"gzip;q=0.5, deflate", ENCODING_DEFLATE},
        {"gzip;q=0", ENCODING_IDENTITY},
        {"gzip;q=0.0, deflate;q=0.1", ENCODING_DEFLATE},
        {"gzip ; q=0, *", ENCODING_DEFLATE},
        {"*", ENCODING_GZIP},
        {"*;q=0", ENCODING_IDENTITY},
        {"*;q=0, gzip", ENCODING_GZIP},
        {"identity;q=0.5, gzip;q=0.4", ENCODING_IDENTITY},
        {"identity;q=0.5, gzip;q=0.5", ENCODING_GZIP},
        {"identity;q=0, gzip;q=0.001", ENCODING_GZIP},
        {"gzip;q=x", ENCODING_IDENTITY},
        {"gzip;q=-1", ENCODING_IDENTITY},
        {"gzip;q=2", ENCODING_IDENTITY},
        {",,gzip", ENCODING_GZIP},
        {"gzipped", ENCODING_IDENTITY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(encoding_choose(cases[i].accept) == cases[i].id, "%s", cases[i].accept);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoding");
    TCase *tc = suite_case(suite, "cases");

    tcase_add_loop_test(tc, text_is_the_same_however_its_bytes_come, 0, FORMS);
    tcase_add_loop_test(tc, every_truncation_is_an_error, 0, FORMS);
    tcase_add_loop_test(tc, every_flipped_bit_is_an_error_or_changes_nothing, 0, FORMS);
    tcase_add_test(tc, members_of_gzip_follow_one_another);
    tcase_add_loop_test(tc, bytes_after_the_end_are_an_error, 0, FORMS);
    tcase_add_test(tc, refusals_say_what_is_wrong);
    tcase_add_loop_test(tc, bomb_takes_no_memory, 0, FORMS);
    tcase_add_loop_test(tc, decoder_without_memory_is_refused, 0, FORMS);
    tcase_add_test(tc, encoded_text_is_itself_again);
    tcase_add_test(tc, numbers_halve_and_repetitions_vanish);
    tcase_add_test(tc, what_becomes_longer_reaches_its_bound);
    tcase_add_loop_test(tc, every_failed_allocation_is_told_and_leaks_nothing, 0, FORMS);
    tcase_add_test(tc, codings_go_by_their_names);
    tcase_add_test(tc, client_gets_the_coding_that_it_likes_best);
    return suite_run(suite);
}
