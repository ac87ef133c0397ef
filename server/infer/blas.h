/* blas.h - OpenBLAS, which only gradients use: loaded by the first of them, not when the daemon
 * starts, since it takes 10 ms, 40 MB and a choice of kernels that must be right. */
#ifndef INFER_BLAS_H
#define INFER_BLAS_H

/* Put the settings that OpenBLAS reads when it is loaded into the environment: kernels that suit
 * this CPU, no threads of its own. The user's own settings win. Call it before any thread exists.
 */
void blas_prepare(void);

/* Load it, the first time, and log what there is; where there is no libopenblas.so.0 the core's own
 * kernels do its work. A thread that reads sockets should not wait for that. */
void blas_load(void);
double blas_load_s(void); /* seconds that it is going to take, about; 0 once it was done */

/* A sentence if its kernels are not those that suit this CPU, else NULL. */
const char *blas_warning(void);

#endif
