/* encoding.h - Content-Encoding: bodies that were compressed, by zlib, a piece at a time.
 *
 * gzip is RFC 1952, of which the members are read one after another as gzip(1), nginx and Go do;
 * deflate is zlib's wrapper (RFC 1950), and read without it, too, since some clients send it so.
 * Invariant: memory is charged before it is allocated, whatever the bytes are. */
#ifndef BODY_ENCODING_H
#define BODY_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"

enum encoding_id {
    ENCODING_IDENTITY, /* as it is */
#define ENCODING(id, ...) ENCODING_##id,
#include "body/encodings.def"
#undef ENCODING
    ENCODING_COUNT
};

/* "gzip"; of IDENTITY "identity". Static storage. */
const char *encoding_name(enum encoding_id id);

/* "gzip, deflate", for those who sent something else. Static storage. */
const char *encoding_names(void);

/* The one that a Content-Encoding names; NULL and "" are IDENTITY. False: it names several, or one
 * that is unknown. */
bool encoding_find(const char *content_encoding, enum encoding_id *id);

/* The one that an Accept-Encoding (NULL: none was sent) likes best, as RFC 9110 12.5.3 has it. */
enum encoding_id encoding_choose(const char *accept_encoding);

/* ---- compressed bytes, to those that they stand for ---- */

struct decoder;

/* new; NULL: no memory, or the account has refused it. */
struct decoder *decoder_create(enum encoding_id id, struct memory_account *account);
void decoder_destroy(struct decoder *d);

/* Decode some of the compressed bytes [*size]: both are moved past those that were taken. Returns
 * the length of *piece, DECODER_PIECE_BYTES at most, which is the decoder's until the next call; 0:
 * all were taken, and they stand for no more. After an error all bytes are taken and stand for
 * nothing.
 */
enum { DECODER_PIECE_BYTES = 16384 };
size_t decoder_next(struct decoder *d, const char **bytes, size_t *size, const char **piece);

/* An error has been found. */
bool decoder_failed(const struct decoder *d);

/* All bytes were there. ERROR_OK, or ERROR_BAD_ENCODING or ERROR_OUT_OF_MEMORY and what was wrong.
 * d NULL: there were none at all. */
enum error_id decoder_finish(const struct decoder *d, enum encoding_id id, struct error *error);

/* Memory that it holds; 0 for NULL. */
size_t decoder_bytes(const struct decoder *d);

/* ---- bytes, compressed ---- */

struct encoder;

/* For a text of so many bytes; level 1 (fast) to 9. new; NULL as above. */
struct encoder *encoder_create(enum encoding_id id, int level, size_t text_bytes,
                               struct memory_account *account);
void encoder_destroy(struct encoder *e);

/* Append what the next bytes of the text become, ENCODER_PIECE_BYTES at most; they are the last if
 * that is said. No memory, or out's bound, shows in out->failed. */
enum { ENCODER_PIECE_BYTES = 65536 };
void encoder_go_on(struct encoder *e, struct buf *out, const char *text, size_t size, bool last);

#endif
