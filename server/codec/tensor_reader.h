/* tensor_reader.h - a tensor that is read while its text comes. For the codec only. */
#ifndef CODEC_TENSOR_READER_H
#define CODEC_TENSOR_READER_H

#include "codec/tensor.h"
#include "codec/window.h"

enum tensor_state { TENSOR_ELEMENT, TENSOR_OPENED, TENSOR_BEHIND, TENSOR_DONE };

struct tensor_reader {
    struct window *w;
    struct tensor *t;
    const char *name;
    size_t rank_max, elements_max;
    enum non_finite policy;
    struct error *error;

    enum tensor_state state;
    size_t depth;                  /* arrays that are open */
    size_t index[TENSOR_RANK_MAX]; /* of the current element in each of them */
    bool rank_known;               /* a number or an empty array was seen: t->rank holds */
    bool known[TENSOR_RANK_MAX];   /* an array of this level was closed: t->shape[level] holds */
};

/* What tensor_read() takes; w, t, name and error are borrowed while the reader is used. t becomes
 * empty. */
void tensor_reader_init(struct tensor_reader *r, struct window *w, struct tensor *t,
                        const char *name, const struct tensor_limits *limits,
                        enum non_finite policy, struct error *error);

/* Read as far as the window's whole tokens go. The tensor is complete when the state is
 * TENSOR_DONE; behind the last window it is, or there is an error. On failure t is empty. */
enum error_id tensor_reader_read(struct tensor_reader *r);

#endif
