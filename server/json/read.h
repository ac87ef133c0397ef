/* read.h - JSON text to jansson's values under a budget, one window of the text after the other,
 * with a hook for values that the caller reads itself.
 *
 * Why not jansson's own parser: its lexer drops bytes when its buffer cannot grow and then reads
 * past the end (lex_save ignores strbuffer_append_byte, up to 2.14 at least), reports out of memory
 * as bad syntax, and knows no budget. Its values are used, so callers notice no difference. */
#ifndef JSON_READ_H
#define JSON_READ_H

#include <jansson.h>
#include "base/buf.h"
#include "base/error.h"
#include "json/window.h"

enum {
    JSON_DEPTH_MAX = 512, /* bounds every configured depth: json_decref recurses */
    JSON_DEPTH_FEW = 4,   /* no body that a handler takes is deeper */
    JSON_TOKEN_BYTES =
        240 /* the memory of a token of jansson's: an empty object's, the largest there is */
};

/* The token that is expected next. */
enum json_state {
    JSON_MARK,   /* a byte order mark, or not                           */
    JSON_START,  /* the object                                          */
    JSON_OPENED, /* its first member, or the end of the container       */
    JSON_MEMBER, /* a key, or an array's value                          */
    JSON_COLON,
    JSON_VALUE,
    JSON_HOOKED, /* the rest of a value that the hook reads             */
    JSON_BEHIND, /* a comma, or the end of the container                */
    JSON_END     /* nothing                                             */
};

struct json_reader;

/* The caller's reader of some values. Its struct begins with the json_reader. */
struct json_hook {
    /* A container is about to be opened: the value at hand. */
    void (*opens)(struct json_reader *r);
    /* A value of an object begins with c, under r->key: does the hook read it? If so, the state is
     * JSON_HOOKED, or there is an error. */
    bool (*takes)(struct json_reader *r, char c);
    /* Read on, as far as the window's whole tokens go. At the value's end: json_hooked(). */
    enum error_id (*read)(struct json_reader *r);
    /* With an error nothing that was read is needed any more. */
    void (*fini)(struct json_reader *r);
};

/* Tokens are keys and values. Their memory is charged to the account, jansson's values as an
 * estimate; memory that is freed while reading may stay charged. */
struct json_limits {
    size_t depth_max, tokens_max;
    struct memory_account *account; /* NULL: nothing is charged */
};

/* A text on its way, in any pieces: json_init(), json_feed() for each piece, json_finish(). The
 * members are the reader's and the hook's own. Must not be moved in memory. */
struct json_reader {
    struct json_limits limits;
    const struct json_hook *hook; /* or NULL */
    bool file;                    /* how errors begin: "2:7: " and not "line 2, column 7: " */
    struct window window;
    struct buf carry; /* the token that a piece's end has cut, in front of the next piece */
    struct error error;
    enum json_state state;
    size_t tokens;        /* keys and values read so far */
    size_t strings_bytes; /* in them */
    struct buf key, word; /* the current key, the current string */
    json_t *root;         /* owned */
    size_t depth, depth_cap;
    json_t **open; /* [depth_cap] the containers around the window's pos, borrowed from root */
    json_t *few[JSON_DEPTH_FEW]; /* what open is, or was until they were more */
};

/* bytes: how long the text will be at most, or WINDOW_UNKNOWN. That only bounds memory, which grows
 * with what has come. */
void json_init(struct json_reader *r, const struct json_limits *limits,
               const struct json_hook *hook, size_t bytes);

/* The next bytes [len]; they need no NUL after them and are not needed afterwards. From the first
 * error on, which is returned and kept, nothing more is read and nothing held. */
enum error_id json_feed(struct json_reader *r, const char *bytes, size_t len);

/* The text is complete: *root is new, or r->error says why there is none. r is released but for the
 * hook's part. */
enum error_id json_finish(struct json_reader *r, json_t **root);

/* Instead of json_finish(); fine after it. The hook's fini is called. */
void json_fini(struct json_reader *r);

/* Memory that is held, jansson's as an estimate. */
size_t json_bytes(const struct json_reader *r);

/* The text [len] of a file as an object: new, or NULL and error, whose detail begins with line and
 * column, "2:11: expected ':', found '1'", as editors like to find them after a file's name; out of
 * memory has none. */
json_t *json_file_read(const char *text, size_t len, size_t tokens_max, struct error *error);

/* ---- for the parts of the reader, and hooks ---- */

/* Read on, as far as the window's whole tokens go. After the last window the state is JSON_END, or
 * there is an error, which stands in r->error. */
enum error_id json_read(struct json_reader *r);

/* The value that the hook has read is complete; true stands in its place. */
enum error_id json_hooked(struct json_reader *r);

/* The hook has taken the first byte of an array, which is jansson's all the same: its elements are
 * read as any others from here on. */
enum error_id json_give_back_array(struct json_reader *r);

enum error_id json_no_memory(struct json_reader *r);

/* A string at the window's pos, unescaped into out (NUL-terminated even if empty). */
enum error_id json_read_string(struct json_reader *r, struct buf *out);

/* A literal, number or string there; *value is new. */
enum error_id json_read_scalar(struct json_reader *r, json_t **value);

/* The buffer's text has been taken over. The buffer is kept for the next token unless it is large:
 * a body that began with a giant string is not to hold its memory two or three times to the end. */
static inline void json_consumed(struct buf *b)
{
    enum { KEPT_MAX = 65536 };

    b->len = 0;
    if (b->cap > KEPT_MAX)
        buf_fini(b);
}

#endif
