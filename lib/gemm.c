/* gemm.c - the general product: by an OpenBLAS that the program has handed over, else by the
 * kernels that predict. The only file that includes <cblas.h>, for its types: nothing of it is
 * linked.
 *
 * Knows OpenBLAS and nothing of layers. Invariants: dimensions fit an int, which axon_mlp_create()
 * has checked against AXON_GEMM_MAX, and batches of rows are shorter still; the BLAS is one atomic
 * pointer, so a product uses the one or the other from its begin to its end. */
#include <cblas.h>
#include <stdatomic.h>
#include <stdint.h>
#include "axon/cpu.h"
#include "gemm.h"
#include "kernels/dispatch.h"

/* ---- by OpenBLAS ---- */

struct blas {
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(openblas_get_corename) *core_name;
    __typeof__(openblas_set_num_threads) *threads_set;
};

static struct blas handed_over;                  /* written once, before: */
static _Atomic(const struct blas *) blas_in_use; /* NULL: kernels of our own */

static const struct blas *in_use(void)
{
    return atomic_load_explicit(&blas_in_use, memory_order_acquire);
}

enum axon_status axon_blas_bind(void *(*find)(void *library, const char *name), void *library)
{
    struct blas found = {
        (__typeof__(found.sgemm))(uintptr_t)find(library, "cblas_sgemm"),
        (__typeof__(found.core_name))(uintptr_t)find(library, "openblas_get_corename"),
        (__typeof__(found.threads_set))(uintptr_t)find(library, "openblas_set_num_threads")};

    if (!found.sgemm || !found.core_name || !found.threads_set || in_use())
        return AXON_EUNSUPPORTED;
    handed_over = found;
    atomic_store_explicit(&blas_in_use, &handed_over, memory_order_release);
    return AXON_OK;
}

const char *axon_blas_core(void)
{
    const struct blas *blas = in_use();

    return blas ? blas->core_name() : "";
}

void axon_blas_threads_set(int threads)
{
    const struct blas *blas = in_use();

    if (blas)
        blas->threads_set(threads);
}

static enum CBLAS_TRANSPOSE transpose(enum axon__transposed transposed)
{
    return transposed == AXON_TRANSPOSED ? CblasTrans : CblasNoTrans;
}

/* ---- by the kernels of the forward pass, block by block ---- */

enum { ROWS = 32, DEPTH = 128 };

/* A matrix as it is stored, and whether it is the transpose that is meant. */
struct operand {
    const float *at;
    size_t stride;
    enum axon__transposed transposed;
};

static const float *part(const struct operand *o, size_t row, size_t column)
{
    return o->transposed ? o->at + column * o->stride + row : o->at + row * o->stride + column;
}

/* A panel as kernels/dense.c takes it: [rows, width] of b, of which `columns` are there. */
static void pack_panel(const struct operand *b, size_t row, size_t column, size_t rows,
                       size_t columns, size_t width, float *panel)
{
    const float *from = part(b, row, column);
    size_t down = b->transposed ? 1 : b->stride, across = b->transposed ? b->stride : 1;

    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < width; j++)
            panel[r * width + j] = j < columns ? from[r * down + j * across] : 0.0f;
}

/* Rows of a, side by side: in place, or out of its columns into `room`. */
static const float *rows_of(const struct operand *a, size_t row, size_t column, size_t rows,
                            size_t columns, float *room, size_t *stride)
{
    const float *from = part(a, row, column);

    *stride = a->transposed ? columns : a->stride;
    if (!a->transposed)
        return from;
    for (size_t k = 0; k < columns; k++)
        for (size_t r = 0; r < rows; r++)
            room[r * columns + k] = from[k * a->stride + r];
    return room;
}

static void add_block(const float *z, size_t width, float beta, float *c, size_t ldc, size_t rows,
                      size_t columns)
{
    for (size_t r = 0; r < rows; r++, z += width, c += ldc)
        for (size_t j = 0; j < columns; j++)
            c[j] = beta == 0 ? z[j] : beta * c[j] + z[j];
}

/* Columns `first` ... of c: a panel of b after the other, and the rows past each. */
static void own_panel(const struct operand *a, const struct operand *b, size_t m, size_t first,
                      size_t columns, size_t k, float beta, float *c, size_t ldc)
{
    _Alignas(64) float panel[DEPTH * AXON_PANEL], z[ROWS * AXON_PANEL], room[ROWS * DEPTH];
    struct axon_dense d = {.weight = panel, .z = z, .finish = AXON_FINISH_NONE};
    size_t multiple = AXON_UNITS_MULTIPLE;

    d.units = d.z_stride = (columns + multiple - 1) / multiple * multiple;
    for (size_t l = 0; l < k; l += DEPTH) {
        d.features = k - l < DEPTH ? k - l : (size_t)DEPTH;
        pack_panel(b, l, first, d.features, columns, d.units, panel);
        for (size_t row = 0; row < m; row += ROWS) {
            d.rows = m - row < ROWS ? m - row : (size_t)ROWS;
            d.x = rows_of(a, row, l, d.rows, d.features, room, &d.x_stride);
            axon__kernels()->dense(&d);
            add_block(z, d.units, l == 0 ? beta : 1, c + row * ldc + first, ldc, d.rows, columns);
        }
    }
}

void axon__gemm(enum axon__transposed trans_a, enum axon__transposed trans_b, size_t m, size_t n,
                size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                float *c, size_t ldc)
{
    const struct blas *blas = in_use();
    const struct operand left = {a, lda, trans_a}, right = {b, ldb, trans_b};

    if (blas) {
        blas->sgemm(CblasRowMajor, transpose(trans_a), transpose(trans_b), (blasint)m, (blasint)n,
                    (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
        return;
    }
    for (size_t first = 0; first < n; first += AXON_PANEL)
        own_panel(&left, &right, m, first, n - first < AXON_PANEL ? n - first : (size_t)AXON_PANEL,
                  k, beta, c, ldc);
}
