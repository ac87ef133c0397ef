/* float_text.h - runs of numbers as text, for tensor_read.c and tensor_write.c only. */
#ifndef TENSOR_FLOAT_TEXT_H
#define TENSOR_FLOAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    FLOAT_ROOM = 40,   /* what a run may touch of the buffer at and after its last number's text */
    FLOAT_ROW_END = 3, /* bytes of "],[" */
};

/* Arrays of `length` numbers, of which the present one lacks `left`; neither is 0. */
struct float_rows {
    size_t length, left;
};

/* The text after a number, at which `at` is the place after its comma: "],[" if it is the last of
 * its row. Returns the end of that. */
static inline char *float_row_next(char *at, struct float_rows *rows)
{
    if (--rows->left > 0)
        return at;
    rows->left = rows->length;
    memcpy(at - 1, "],[", FLOAT_ROW_END);
    return at - 1 + FLOAT_ROW_END;
}

/* "1,-0.5],[2,": some of the n values from the first on, each with a comma or the end of its row
 * after it; none only if the first is not finite. Returns the length; *written values were. out
 * has room for n times FLOAT_TEXT_MAX + FLOAT_ROW_END bytes and FLOAT_ROOM more. */
size_t float_write_run(char *out, const float *values, size_t n, struct float_rows *rows,
                       size_t *written);

/* The same, with nothing that this machine's processor has and others have not. */
size_t float_write_run_portable(char *out, const float *values, size_t n, struct float_rows *rows,
                                size_t *written);

struct float_run {
    size_t count;
    bool complete; /* the last one has a ']' after it, not a comma */
};

/* "1, -0.5,2]": some of the numbers at p, up to `room` of them, to values. Returns where the next
 * number begins, or whatever is there instead (white space, a number that float_read must decide
 * on), or if the run is complete where the ']' is. *end is readable and cannot go on a number. */
const char *float_read_run(const char *p, const char *end, float *values, size_t room,
                           struct float_run *done);

/* The same, with nothing that this machine's processor has and others have not; and with what all
 * but the oldest have, with AVX2 and BMI, and with AVX-512BW besides (the caller makes sure of
 * that, and that doubles round to nearest). */
const char *float_read_run_portable(const char *p, const char *end, float *values, size_t room,
                                    struct float_run *done);
#if defined(__x86_64__)
const char *float_read_run_ssse3(const char *p, const char *end, float *values, size_t room,
                                 struct float_run *done);
const char *float_read_run_avx2(const char *p, const char *end, float *values, size_t room,
                                struct float_run *done);
#endif

#endif
