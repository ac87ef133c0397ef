/* fuzz_encoding.c - libFuzzer entry: any bytes as a compressed body are a text or an error with a
 * message, the same in whatever pieces they come, for memory that has a bound; and a text that is
 * compressed is itself again.
 *
 * The first byte chooses the coding and the length of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 18, HELD_MAX = 1 << 16 };

static void encoding_require(int condition)
{
    if (!condition)
        abort();
}

/* The first TEXT_MAX bytes of the text, or a little more. False: there are more. */
static bool encoding_decode(enum encoding_id id, const char *bytes, size_t size, size_t piece_bytes,
                            struct buf *text, struct error *error)
{
    struct memory memory = {.max = HELD_MAX};
    struct memory_account account = {.memory = &memory};
    struct decoder *d = decoder_create(id, &account);

    buf_init(text, 0);
    encoding_require(d != NULL);
    for (size_t at = 0; at < size && text->len < TEXT_MAX; at += piece_bytes) {
        size_t left = piece_bytes < size - at ? piece_bytes : size - at, length;
        char *copy = malloc(left); /* exactly as long as what the caller promises */
        const char *next = memcpy(copy, bytes + at, left), *piece;

        while ((length = decoder_next(d, &next, &left, &piece)) > 0 && text->len < TEXT_MAX) {
            encoding_require(length <= DECODER_PIECE_BYTES && decoder_bytes(d) <= HELD_MAX);
            buf_append(text, piece, length);
        }
        encoding_require(length > 0 || left == 0);
        free(copy);
    }
    decoder_finish(d, id, error);
    decoder_destroy(d);
    encoding_require(account.used == 0 && (error->id == ERROR_OK) == !error->detail[0]);
    memory_close(&account);
    return text->len < TEXT_MAX;
}

static void encoding_back(enum encoding_id id, const struct buf *text)
{
    struct encoder *e = encoder_create(id, 1, text->len, NULL);
    struct buf out, again;
    struct error error = {0};
    size_t at = 0, n;

    buf_init(&out, 0);
    encoding_require(e != NULL);
    do {
        n = text->len - at < ENCODER_PIECE_BYTES ? text->len - at : ENCODER_PIECE_BYTES;
        encoder_go_on(e, &out, text->len ? text->data + at : "", n, at + n == text->len);
        at += n;
    } while (at < text->len);
    encoder_destroy(e);
    encoding_require(!out.failed);
    encoding_require(encoding_decode(id, out.data, out.len, out.len, &again, &error) &&
                     error.id == ERROR_OK && again.len == text->len &&
                     (text->len == 0 || memcmp(again.data, text->data, text->len) == 0));
    buf_fini(&again);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum encoding_id id;
    size_t piece_bytes;
    struct buf text, again;
    struct error error = {0}, error_again = {0};

    if (size == 0)
        return 0;
    id = ENCODING_IDENTITY + 1 + data[0] % (ENCODING_COUNT - 1);
    piece_bytes = 1 + data[0] / (ENCODING_COUNT - 1);
    data++;
    size--;
    if (encoding_decode(id, (const char *)data, size, size + !size, &text, &error) &&
        encoding_decode(id, (const char *)data, size, piece_bytes, &again, &error_again)) {
        encoding_require(error.id == error_again.id &&
                         strcmp(error.detail, error_again.detail) == 0);
        if (error.id == ERROR_OK) {
            encoding_require(text.len == again.len &&
                             (text.len == 0 || memcmp(text.data, again.data, text.len) == 0));
            encoding_back(id, &text);
        }
        buf_fini(&again);
    }
    buf_fini(&text);
    return 0;
}
