/* record.c - see record.h.
 *
 * Invariants: row i of the first `rows` is written before seen passes it; a copy has, of each row
 * that is replaced after its begin, what stood there at its begin. */
#include "model/record.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/random.h"

/* Numbers that are copied in one go, with the lock held: some tens of microseconds. */
enum { PIECE = 1 << 16 };

struct record {
    pthread_mutex_t lock;
    struct record_shape shape;
    struct record_choice choice;
    struct random random; /* of the choice, if nobody gave another */
    uint64_t seen;
    LIST_HEAD(record_copies, record_copy) copies; /* that are on their way */
    float *inputs, *outputs;                      /* [rows, features], [rows, outputs] */
    double unix_seconds[];                        /* [rows] */
};

uint64_t record_bytes(const struct record_shape *shape)
{
    return (uint64_t)shape->rows *
           ((shape->features + shape->outputs) * sizeof(float) + sizeof(double));
}

static uint64_t below(void *random, uint64_t n)
{
    return random_below(random, n);
}

struct record *record_create(const struct record_shape *shape, const struct record_choice *choice)
{
    struct record *r = malloc(sizeof *r + (size_t)record_bytes(shape));

    if (!r)
        return NULL;
    *r = (struct record){.shape = *shape, .random = random_seed()};
    r->choice = choice ? *choice : (struct record_choice){below, &r->random};
    r->inputs = (float *)(r->unix_seconds + shape->rows);
    r->outputs = r->inputs + shape->rows * shape->features;
    pthread_mutex_init(&r->lock, NULL);
    LIST_INIT(&r->copies);
    return r;
}

void record_destroy(struct record *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct record_shape record_shape(const struct record *r)
{
    return r->shape;
}

uint64_t record_seen(struct record *r)
{
    uint64_t seen;

    pthread_mutex_lock(&r->lock);
    seen = r->seen;
    pthread_mutex_unlock(&r->lock);
    return seen;
}

static size_t rows_of(const struct record *r, uint64_t seen)
{
    return seen < r->shape.rows ? (size_t)seen : r->shape.rows;
}

size_t record_rows(struct record *r)
{
    return rows_of(r, record_seen(r));
}

static size_t piece_rows(const struct record *r)
{
    size_t rows = PIECE / (r->shape.features + r->shape.outputs);

    return rows > 0 ? rows : 1;
}

/* ---- rows that come ------------------------------------------------------------------------- */

static void copy_row(struct record_copy *c, size_t i)
{
    const struct record *r = c->record;
    size_t features = r->shape.features, outputs = r->shape.outputs;

    memcpy(c->inputs + i * features, r->inputs + i * features, features * sizeof *c->inputs);
    memcpy(c->outputs + i * outputs, r->outputs + i * outputs, outputs * sizeof *c->outputs);
    c->unix_seconds[i] = r->unix_seconds[i];
}

/* Row i is about to be replaced. */
static void save(struct record_copy *c, size_t i)
{
    if (i < c->next || i >= c->rows || c->saved[i])
        return;
    copy_row(c, i);
    c->saved[i] = true;
}

static void put(struct record *r, size_t i, const float *x, const float *y, double unix_s)
{
    size_t features = r->shape.features, outputs = r->shape.outputs;
    struct record_copy *c;

    LIST_FOREACH(c, &r->copies, link)
    save(c, i);
    memcpy(r->inputs + i * features, x, features * sizeof *x);
    memcpy(r->outputs + i * outputs, y, outputs * sizeof *y);
    r->unix_seconds[i] = unix_s;
}

/* The place of the next row; rows or more: it has none. */
static uint64_t place(struct record *r)
{
    uint64_t seen = r->seen++;

    return seen < r->shape.rows ? seen : r->choice.below(r->choice.context, seen + 1);
}

static void add_piece(struct record *r, const float *x, const float *y, size_t rows, double unix_s)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < rows; i++) {
        uint64_t at = place(r);

        if (at < r->shape.rows)
            put(r, (size_t)at, x + i * r->shape.features, y + i * r->shape.outputs, unix_s);
    }
    pthread_mutex_unlock(&r->lock);
}

void record_add(struct record *r, const float *x, const float *y, size_t rows, double unix_s)
{
    size_t most = piece_rows(r), some;

    for (; rows > 0; rows -= some) {
        some = rows < most ? rows : most;
        add_piece(r, x, y, some, unix_s);
        x += some * r->shape.features;
        y += some * r->shape.outputs;
    }
}

/* ---- a copy --------------------------------------------------------------------------------- */

size_t record_copy_bytes(const struct record *r)
{
    return sizeof(struct record_copy) + (size_t)record_bytes(&r->shape) +
           r->shape.rows * sizeof(bool);
}

struct record_copy *record_copy_begin(struct record *r, void *memory)
{
    struct record_copy *c = memory;
    size_t rows = r->shape.rows;

    *c = (struct record_copy){.record = r};
    c->unix_seconds = (double *)(c + 1);
    c->inputs = (float *)(c->unix_seconds + rows);
    c->outputs = c->inputs + rows * r->shape.features;
    c->saved = (bool *)(c->outputs + rows * r->shape.outputs);
    memset(c->saved, 0, rows * sizeof *c->saved);
    pthread_mutex_lock(&r->lock);
    c->rows = rows_of(r, r->seen);
    LIST_INSERT_HEAD(&r->copies, c, link);
    pthread_mutex_unlock(&r->lock);
    return c;
}

bool record_copy_go_on(struct record_copy *c, size_t rows)
{
    size_t most = piece_rows(c->record), end;

    rows = rows < most ? rows : most;
    pthread_mutex_lock(&c->record->lock);
    end = rows < c->rows - c->next ? c->next + rows : c->rows;
    for (; c->next < end; c->next++)
        if (!c->saved[c->next])
            copy_row(c, c->next);
    pthread_mutex_unlock(&c->record->lock);
    return end < c->rows;
}

void record_copy_end(struct record_copy *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->record->lock);
    LIST_REMOVE(c, link);
    pthread_mutex_unlock(&c->record->lock);
}
