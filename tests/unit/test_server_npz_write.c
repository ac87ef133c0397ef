/* test_server_npz_write.c - .npz archives that the service writes: its own reader takes them, the
 * check sums included, and the pieces do not matter. */
#include <check.h>
#include <string.h>
#include "starve.h"
#include "suite.h"
#include "tensor/npz.h"
#include "weights/formats.h"

static const float numbers[6] = {1, -2, 0.5f, 3, 1e-30f, -0.0f};
static const double times[2] = {1796000000.25, -1};

static const struct npz_array arrays[] = {
    {"inputs", "<f4", 4, 2, {2, 3}, numbers},
    {"none", "<f4", 4, 2, {0, 3}, numbers},
    {"unix_seconds", "<f8", 8, 1, {2}, times},
    {"one", "<f4", 4, 0, {0}, numbers},
    {"deep", "<f4", 4, 8, {1, 1, 1, 1, 1, 1, 1, 2}, numbers},
};
enum { ARRAYS = sizeof arrays / sizeof *arrays };

/* After `before` bytes of something else. */
static void write_all(struct buf *out, size_t before, size_t piece)
{
    struct npz_writer w;

    buf_init(out, 0);
    for (size_t i = 0; i < before; i++)
        buf_puts(out, "x");
    npz_writer_init(&w, out, arrays, ARRAYS);
    while (!w.done) /* no assertion here: it allocates, too */
        npz_writer_go_on(&w, piece);
}

static void expect(const struct stored_file *f, size_t i)
{
    const struct npz_array *a = &arrays[i];
    const struct stored *t = &f->tensors[i];

    ck_assert_str_eq(t->name, a->name);
    ck_assert_str_eq(t->type->name, a->descr);
    ck_assert_uint_eq(t->rank, a->rank);
    for (size_t d = 0; d < a->rank; d++)
        ck_assert_uint_eq(t->shape[d], a->shape[d]);
    ck_assert_mem_eq(t->data, a->data, t->count * a->width);
}

START_TEST(arrays_are_read_back_bit_by_bit)
{
    struct stored_file f;
    struct error error = {0};
    struct buf out;

    write_all(&out, 0, SIZE_MAX);
    ck_assert_uint_le(out.len, npz_bytes_max(arrays, ARRAYS));
    ck_assert_msg(npz_read(&f, "s.npz", out.data, out.len, &error) == ERROR_OK, "%s", error.detail);
    ck_assert_uint_eq(f.tensors_count, ARRAYS);
    for (size_t i = 0; i < ARRAYS; i++)
        expect(&f, i);
    stored_fini(&f);
    buf_fini(&out);
}
END_TEST

START_TEST(pieces_do_not_matter_nor_does_what_stands_before)
{
    struct buf whole, pieces;

    write_all(&whole, 0, SIZE_MAX);
    write_all(&pieces, 5, (size_t)_i);
    ck_assert_uint_eq(pieces.len, whole.len + 5);
    ck_assert_mem_eq(pieces.data + 5, whole.data, whole.len);
    buf_fini(&whole);
    buf_fini(&pieces);
}
END_TEST

/* A bit that falls over anywhere in the numbers is found. */
START_TEST(check_sums_hold_the_numbers)
{
    struct buf out;
    unsigned found = 0;

    write_all(&out, 0, SIZE_MAX);
    for (size_t i = 0; i < out.len; i++) {
        struct stored_file f;
        struct error error = {0};

        if (i + sizeof times > out.len || memcmp(out.data + i, times, sizeof times) != 0)
            continue;
        for (size_t bit = 0; bit < 8 * sizeof times; bit++, found++) {
            out.data[i + bit / 8] ^= (char)(1 << bit % 8);
            ck_assert_int_ne(npz_read(&f, "s.npz", out.data, out.len, &error), ERROR_OK);
            ck_assert_ptr_nonnull(strstr(error.detail, "unix_seconds.npy: its check sum is wrong"));
            out.data[i + bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    ck_assert_uint_eq(found, 8 * sizeof times);
    buf_fini(&out);
}
END_TEST

START_TEST(an_archive_of_nothing_is_one)
{
    struct stored_file f;
    struct error error = {0};
    struct npz_writer w;
    struct buf out;

    buf_init(&out, 0);
    npz_writer_init(&w, &out, NULL, 0);
    npz_writer_go_on(&w, 1);
    ck_assert(w.done);
    ck_assert_msg(npz_read(&f, "s.npz", out.data, out.len, &error) == ERROR_OK, "%s", error.detail);
    ck_assert_uint_eq(f.tensors_count, 0);
    stored_fini(&f);
    buf_fini(&out);
}
END_TEST

START_TEST(no_memory_shows_in_the_buffer)
{
    for (long n = 1; STARVE_WORKS; n++) {
        struct buf out;
        bool starved;

        starve_countdown = n;
        write_all(&out, 0, 7);
        starved = starve_countdown == 0;
        starve_countdown = 0;
        ck_assert_int_eq(out.failed, starved);
        buf_fini(&out);
        if (!starved)
            break;
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("npz_write");
    TCase *t = suite_case(s, "npz_write");

    tcase_add_test(t, arrays_are_read_back_bit_by_bit);
    tcase_add_loop_test(t, pieces_do_not_matter_nor_does_what_stands_before, 1, 40);
    tcase_add_test(t, check_sums_hold_the_numbers);
    tcase_add_test(t, an_archive_of_nothing_is_one);
    tcase_add_test(t, no_memory_shows_in_the_buffer);
    return suite_run(s);
}
