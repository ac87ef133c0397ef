/* input.c - see input.h. */
#include "commands/input.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 18 };

enum error_id input_open(struct input *in, const char *should_be, struct error *error)
{
    struct stat is;
    off_t at;

    *in = (struct input){.bytes = malloc(PIECE + 1), .cap = PIECE};
    if (!in->bytes)
        return error_set(error, ERROR_OUT_OF_MEMORY, INPUT_NAME ": out of memory");
    if (isatty(STDIN_FILENO))
        return error_set(error, ERROR_BAD_REQUEST,
                         INPUT_NAME " is a terminal, expected a file: < %s", should_be);
    at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (at >= 0 && fstat(STDIN_FILENO, &is) == 0 && S_ISREG(is.st_mode) && is.st_size > at)
        in->size = (uint64_t)(is.st_size - at);
    if (input_need(in, 1, error) == ERROR_OK && input_left(in) == 0)
        error_set(error, ERROR_BAD_REQUEST, INPUT_NAME " is empty, expected %s", should_be);
    return error->id;
}

void input_fini(struct input *in)
{
    free(in->bytes);
    *in = (struct input){NULL};
}

/* Room for so many bytes after those at hand. */
static enum error_id make_room(struct input *in, size_t bytes, struct error *error)
{
    size_t left = input_left(in), cap = in->cap;
    char *grown = in->bytes;

    if (in->cap - in->end >= bytes)
        return ERROR_OK;
    memmove(in->bytes, input_at(in), left);
    in->begin = 0;
    in->end = left;
    while (cap - left < bytes && cap <= SIZE_MAX / 4)
        cap *= 2;
    if (cap > in->cap)
        grown = realloc(in->bytes, cap + 1);
    if (!grown || cap - left < bytes)
        return error_set(error, ERROR_OUT_OF_MEMORY, INPUT_NAME ": out of memory for %zu bytes",
                         cap);
    in->bytes = grown;
    in->cap = cap;
    return ERROR_OK;
}

enum error_id input_more(struct input *in, size_t bytes, struct error *error)
{
    ssize_t got;

    if (in->ended || make_room(in, bytes, error) != ERROR_OK)
        return error->id;
    do
        got = read(STDIN_FILENO, in->bytes + in->end, bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(error, ERROR_BAD_REQUEST, INPUT_NAME ": %s", strerror(errno));
    in->end += (size_t)got;
    in->ended = got == 0;
    return ERROR_OK;
}

enum error_id input_need(struct input *in, size_t bytes, struct error *error)
{
    while (input_left(in) < bytes && !in->ended) {
        size_t lacking = bytes - input_left(in), much = input_left(in) + PIECE;

        /* no more memory at once than twice what has come */
        if (input_more(in, lacking < PIECE ? PIECE : lacking < much ? lacking : much, error))
            return error->id;
    }
    return ERROR_OK;
}
