/* tensor_reader.h - a tensor that is read while its text comes. For the readers of bodies only. */
#ifndef TENSOR_TENSOR_READER_H
#define TENSOR_TENSOR_READER_H

#include "tensor/tensor.h"
#include "json/window.h"

/* From TENSOR_KEY on it is not the tensor reader's turn. */
enum tensor_state {
    TENSOR_ELEMENT,
    TENSOR_OPENED,
    TENSOR_BEHIND,
    TENSOR_KEY,   /* after the '{' of an object that stands for an element */
    TENSOR_CLOSE, /* after the element in it                               */
    TENSOR_CELL,  /* in front of an element that is no number              */
    TENSOR_DONE
};

/* The form of the elements at object_depth: the first decides. */
enum tensor_form { TENSOR_ANY, TENSOR_PLAIN, TENSOR_OBJECTS };

struct tensor_reader {
    struct window *w;
    struct tensor *t;
    const char *name;
    size_t rank_max, elements_max;
    struct memory_account *account;
    enum non_finite policy;
    struct error *error;

    enum tensor_state state;
    size_t depth;                  /* arrays that are open */
    size_t index[TENSOR_RANK_MAX]; /* of the current element in each of them */
    bool rank_known;               /* a number or an empty array was seen: t->rank holds */
    bool known[TENSOR_RANK_MAX];   /* an array of this level was closed: t->shape[level] holds */

    size_t object_depth; /* arrays around what an object with one key may stand for; more than
                            there can be: nowhere */
    enum tensor_form form;
    bool in_object;
    bool features; /* it must be such an object, of any number of keys: numbers, or arrays of them,
                      each of a shape of its own; the reader's owner makes rows of the values */
    bool cells; /* elements of rows may be other values than numbers, and those of such objects true
                   or false: the reader's owner reads them */
    const char *member; /* that key, once it is known; borrowed */

    const char *run_ends; /* in this window; NULL: not looked for yet, as w's owner sets it when it
                             shows another one */
};

/* Arguments as tensor_read()'s; w, t, name and error are borrowed while the reader is used. t
 * becomes empty. */
void tensor_reader_init(struct tensor_reader *r, struct window *w, struct tensor *t,
                        const char *name, const struct tensor_limits *limits,
                        enum non_finite policy, struct error *error);

/* Read as far as the window's whole tokens go. The tensor is complete when the state is
 * TENSOR_DONE; after the last window it is, or there is an error, or an object that ends too
 * early. On failure t is empty. */
enum error_id tensor_reader_read(struct tensor_reader *r);

/* TENSOR_KEY: key and colon of the object were read, its value comes. TENSOR_CLOSE: so was its '}'.
 */
void tensor_reader_value(struct tensor_reader *r);
void tensor_reader_closed(struct tensor_reader *r);

/* The length of a NaN, Infinity or -Infinity at the window's pos; 0: there is none. */
size_t tensor_token_length(const struct window *w);

/* TENSOR_CELL: the element was read, and stands for this number. */
enum error_id tensor_reader_cell(struct tensor_reader *r, float value);

/* Where the reader is, "instances[3]", or with `first` the element that set what a later one does
 * not fit. Returns out. */
enum { TENSOR_PLACE_MAX = 256 };
const char *tensor_reader_place(const struct tensor_reader *r, bool first,
                                char out[static TENSOR_PLACE_MAX]);

#endif
