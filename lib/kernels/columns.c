/* kernels/columns.c - moments and extremes of the columns of a matrix, and how many of its values
 * are out of their column's range; and how moments are joined. */
#include "kernels/kernels.h"
#include "kernels/tally.h"
#include "kernels/vec.h"

/* The columns of one vector; n of them, which is VF_LANES but at the end. */
struct lane_sums {
    struct sums sums;
    vf least, most;
    vi out;
};

static inline vf load(const float *x, size_t n)
{
    return n == VF_LANES ? vf_load(x) : vf_load_part(x, n, 0.0f);
}

static inline __attribute__((always_inline)) void walk(const struct axon_columns *c, size_t first,
                                                       size_t n, struct lane_sums *s)
{
    bool ranged = c->low != NULL;
    vf low = ranged ? load(c->low + first, n) : vf_all(0.0f);
    vf high = ranged ? load(c->high + first, n) : vf_all(0.0f);
    vf least, most;

    s->sums.first = least = most = load(c->x + first, n);
    for (size_t r = 0; r < c->rows; r++) {
        vf x = load(c->x + r * c->n + first, n), apart = x - s->sums.first;

        s->sums.shift += apart;
        s->sums.squares += apart * apart;
        least = vf_min(x, least);
        most = vf_max(x, most);
        if (ranged)
            s->out -= (x < low) | (x > high);
    }
    s->least = least;
    s->most = most;
}

static uint64_t lanes_sum(vi counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < VF_LANES; i++)
        sum += (uint64_t)counts[i];
    return sum;
}

bool AXON_KERNEL(count, columns)(struct axon_columns *c)
{
    struct join j = join_of(c->before, c->rows);
    vi lost = {0};

    for (size_t first = 0; first < c->n; first += VF_LANES) {
        struct lane_sums s = {0};

        if (c->n - first >= VF_LANES)
            walk(c, first, VF_LANES, &s);
        else
            walk(c, first, c->n - first, &s);
        moments_add(c->mean + first, c->squares + first, &j, &s.sums);
        vf_store(c->least + first, j.first ? s.least : vf_min(s.least, vf_load(c->least + first)));
        vf_store(c->most + first, j.first ? s.most : vf_max(s.most, vf_load(c->most + first)));
        lost |= ~(s.sums.squares <= FLT_MAX);
        if (c->low)
            c->out += lanes_sum(s.out);
    }
    return !vi_any(lost);
}

static void join_moments(const struct axon_join *j)
{
    for (size_t i = 0; i < j->moments; i += VF_LANES / 2) {
        vd before = vd_load(j->into.mean + i), apart = vd_load(j->from.mean + i) - before;
        vd squares = vd_load(j->into.squares + i) + vd_load(j->from.squares + i);

        vd_store(j->into.mean + i, before + apart * j->share);
        vd_store(j->into.squares + i, squares + apart * apart * j->between);
    }
}

void AXON_KERNEL(count, join)(const struct axon_join *j)
{
    const struct axon_joined *into = &j->into, *from = &j->from;

    join_moments(j);
    for (size_t i = 0; i < j->magnitudes; i += VF_LANES / 2)
        vd_store(into->magnitude + i, vd_load(into->magnitude + i) + vd_load(from->magnitude + i));
    for (size_t i = 0; i < j->features; i += VF_LANES) {
        vf_store(into->least + i, vf_min(vf_load(into->least + i), vf_load(from->least + i)));
        vf_store(into->most + i, vf_max(vf_load(into->most + i), vf_load(from->most + i)));
    }
    for (size_t i = 0; i < j->counts; i += VF_LANES) {
        vi more;

        memcpy(&more, from->counts + i, sizeof more);
        counts_add(into->counts + i, more);
    }
}
