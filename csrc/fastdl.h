/* fastdl's C kernels: arithmetic on one tile, row or block. No Python, no threads, no allocation, no failure, no globals
 * but a thread's scratch for products.
 *
 * Legend, used at the head of every function:
 *   B rows of a mini-batch     I inputs and O outputs of a layer     n elements     ld* floats from one row to the next
 * Outputs come first, then const inputs, then sizes, then hyper-parameters. Rows are C-ordered; pointers to float need no
 * alignment. A pointer that is written overlaps no other unless the function says so. */
#ifndef FASTDL_H
#define FASTDL_H
#include <stddef.h>
#include <stdint.h>

/* Activations; a product applies the first three in its store. */
/* clang-format off */
enum {
    FASTDL_LINEAR, FASTDL_RELU, FASTDL_TANH, FASTDL_LEAKY_RELU, FASTDL_ELU, FASTDL_SELU, FASTDL_GELU, FASTDL_SILU,
    FASTDL_MISH, FASTDL_SIGMOID, FASTDL_SOFTPLUS
};
/* clang-format on */

/* Element types that gather reads. */
/* clang-format off */
enum {
    FASTDL_FLOAT32, FASTDL_FLOAT64, FASTDL_INT8, FASTDL_INT16, FASTDL_INT32, FASTDL_INT64,
    FASTDL_UINT8, FASTDL_UINT16, FASTDL_UINT32, FASTDL_UINT64, FASTDL_FLOAT16, FASTDL_BOOL
};
/* clang-format on */

/* C (m, n) = activation(A (m, k) B (k, n) + bias (n)), with A[i, p] = a[i a_i + p a_p] and B[p, j] = b[p b_p + j b_j], where
 * one of a_i, a_p and one of b_p, b_j is 1. That covers the three products of a dense layer: x w, xT dy and dy wT. */
typedef struct {
    float *c;
    const float *a, *b, *bias;   /* bias may be NULL */
    ptrdiff_t ldc, a_i, a_p, b_p, b_j, k;
    int activation;
} fastdl_gemm;

/* A product copies at most so many rows of A out of a layout that is slow to walk, K_BLOCK columns at a time (or columns, each
 * line padded to an odd number of cache lines), and a panel of K_BLOCK x 32 of B: into memory of the thread, since a stack
 * that a program has made small would not hold it. */
enum { FASTDL_COPIED_ROWS = 256, FASTDL_K_BLOCK = 512 };
enum { FASTDL_GEMM_SCRATCH = FASTDL_K_BLOCK * (FASTDL_COPIED_ROWS + 16 + 32) };
extern _Thread_local float fastdl_gemm_scratch[FASTDL_GEMM_SCRATCH];

/* What follows a norm in the same pass: an activation (linear or ReLU), then dropout, or nothing where bits is NULL. The
 * mask's element of row i and column j is i width + column + j. */
typedef struct {
    int activation;
    const uint8_t *bits;   /* of the whole batch, with 4 readable bytes after the last */
    ptrdiff_t width, column;
    float keep;            /* what a kept element is multiplied by */
} fastdl_tail;

/* A loss of a batch, each row's beside the gradient of sum(s loss) / sum(s). Kernels take rows i0 .. i1 of it. */
typedef struct {
    float *loss, *dx;             /* (B,), and (B, lddx) or NULL */
    const float *x, *target;      /* outputs of the network (B, ldx), and what they should be (B, ldt) */
    const int32_t *labels;        /* (B,), instead of target where classes are meant */
    const float *weights;         /* s: (B,), or NULL for 1 */
    const double *total_weight;   /* sum(s) over the batch */
    const float *parameters;      /* (n_parameters,): label smoothing, gamma, delta or the levels */
    ptrdiff_t n_parameters, cols, lddx, ldx, ldt;
} fastdl_loss;

/* The coefficients of a periodic embedding of `cols` columns. ld: doubles of a row of its gradient's sums, a multiple of 16 */
enum { FASTDL_MIXTURES = 8 };   /* at most */
typedef struct {
    const float *frequency, *phase;   /* (waves, cols), in turns */
    const float *weight;              /* (waves, mixtures, cols) */
    const float *bias;                /* (mixtures, cols) */
    ptrdiff_t waves, cols, ld;
    int mixtures;
} fastdl_periodic;

/* What an optimizer step needs beside its arrays; all of it is computed once a step. The gradient is multiplied by
 * grad_scale first; coupled_decay is added to it as coupled_decay * w; w is multiplied by shrink before the update. */
typedef struct {
    float lr, grad_scale, coupled_decay, shrink;
    float momentum;                         /* SGD: v = momentum v - lr g, or + g with the rate outside; RMSprop */
    int nesterov, rate_outside;
    float beta1, beta2, rest1, rest2;       /* decay of running means; rest = 1 - beta, rounded once; rho is beta2 */
    float eps, step_size, root_scale;       /* Adam: w -= step_size m / (sqrt(v) root_scale + eps) */
    float gradient_size;                    /* NAdam: step_size m + gradient_size g above the line */
    int rectified;                          /* RAdam: 0 as long as it does not divide */
} fastdl_update;

#define FASTDL_KERNELS(X) \
    X(gemm_block, (const fastdl_gemm *g, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t j0, ptrdiff_t j1)) \
    X(exp, (float *y, const float *x, ptrdiff_t n)) \
    X(log, (float *y, const float *x, ptrdiff_t n)) \
    X(tanh, (float *y, const float *x, ptrdiff_t n)) \
    X(erf, (float *y, const float *x, ptrdiff_t n)) \
    X(sin, (float *y, const float *x, ptrdiff_t n)) \
    X(cos, (float *y, const float *x, ptrdiff_t n)) \
    X(activate, \
      (float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, int kind, float alpha)) \
    X(activate_backward, (float *dx, const float *dy, const float *saved, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, \
                          ptrdiff_t lddy, ptrdiff_t lds, int kind, float alpha)) \
    X(add, \
      (float *y, const float *a, const float *b, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t lda, ptrdiff_t ldb)) \
    X(norm_stats, (double *mean, double *var, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)) \
    X(norm_coefficients, (float *mean32, float *scale, float *shift, const double *mean, const double *var, \
                          const float *gamma, const float *beta, ptrdiff_t cols, double eps)) \
    X(norm_gradients, \
      (float *dgamma, float *dbeta, float *mean_dy, float *slope, const double *sum_g, const double *sum_g_x, \
       const float *mean32, const double *mean, const double *var, ptrdiff_t cols, double eps, double per_row)) \
    X(norm_apply, (float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t rows, \
                   ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, const fastdl_tail *tail)) \
    X(norm_sums, (double *sum_g, double *sum_g_x, float *g, const float *dy, const float *x, const float *mean, \
                  const float *scale, const float *shift, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldg, ptrdiff_t lddy, \
                  ptrdiff_t ldx, const fastdl_tail *tail)) \
    X(norm_backward, (float *dx, const float *dy, const float *x, const float *mean, const float *scale, const float *mean_dy, \
                      const float *slope, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx)) \
    X(layernorm, (float *y, float *coef, const float *x, const float *gamma, const float *beta, ptrdiff_t rows, \
                  ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, double eps, int centered)) \
    X(layernorm_backward, (float *dx, const float *dy, const float *x, const float *coef, const float *gamma, ptrdiff_t rows, \
                           ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx, int centered)) \
    X(layernorm_sums, (double *sum_dy, double *sum_dy_h, const float *dy, const float *x, const float *coef, ptrdiff_t rows, \
                       ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx, int centered)) \
    X(add_partial, (float *sums, const double *partial, ptrdiff_t blocks, ptrdiff_t cols, ptrdiff_t ld)) \
    X(weightnorm, (float *w, const float *v, const float *g, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldw, ptrdiff_t ldv)) \
    X(weightnorm_backward, (float *dv, float *dg, const float *dw, const float *v, const float *g, ptrdiff_t rows, \
                            ptrdiff_t cols, ptrdiff_t lddv, ptrdiff_t lddw, ptrdiff_t ldv)) \
    X(dropout_bits, \
      (uint8_t *bits, uint64_t first, ptrdiff_t groups, uint64_t seed, uint32_t step, uint32_t stream, uint32_t threshold)) \
    X(dropout_apply, (float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols, \
                      ptrdiff_t ldy, ptrdiff_t ldx, float scale)) \
    X(alpha_dropout, (float *y, const float *x, const uint8_t *bits, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols, \
                      ptrdiff_t ldy, ptrdiff_t ldx, float scale, float kept, float dropped)) \
    X(noise, (float *y, const float *x, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, \
              float std, uint64_t seed, uint32_t step, uint32_t stream)) \
    X(smooth_clip, (float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, float clip)) \
    X(embedding, (float *y, const float *codes, const float *table, ptrdiff_t rows, ptrdiff_t dim, ptrdiff_t size, \
                  ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(embedding_backward, (float *dtable, const float *dy, const float *codes, ptrdiff_t first, ptrdiff_t last, \
                           ptrdiff_t rows, ptrdiff_t dim, ptrdiff_t size, ptrdiff_t lddy, ptrdiff_t ldx)) \
    X(take_columns, \
      (float *y, const float *x, const int64_t *columns, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(put_columns, (float *x, const float *y, const int64_t *columns, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t cols, \
                    ptrdiff_t ldx, ptrdiff_t ldy)) \
    X(dot64, (double *product, const double *a, const double *b, ptrdiff_t n)) \
    X(project_out, (double *x, const double *q, double factor, ptrdiff_t rows, ptrdiff_t n)) \
    X(philox, (uint32_t *words, uint64_t first, ptrdiff_t blocks, uint64_t seed, uint32_t step, uint32_t stream)) \
    X(uniform, (float *y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step, uint32_t stream)) \
    X(normal, (float *y, uint64_t first, ptrdiff_t n, uint64_t seed, uint32_t step, uint32_t stream)) \
    X(cross_entropy, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(probability_cross_entropy, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(focal, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(binary_cross_entropy, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(squared_error, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(absolute_error, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(huber, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(poisson, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(quantile, (const fastdl_loss *a, ptrdiff_t i0, ptrdiff_t i1)) \
    X(softmax, (float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(log_softmax, (float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(argmax, (int32_t *best, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)) \
    X(agreement, (float *hits, const float *x, const float *t, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx, ptrdiff_t ldt)) \
    X(sgd, (float *w, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(momentum, (float *w, float *v, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(lion, (float *w, float *m, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(adagrad, (float *w, float *s, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(adadelta, (float *w, float *s, float *d, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(rmsprop, (float *w, float *s, float *mean, float *v, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(adam, (float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(amsgrad, (float *w, float *m, float *v, float *vmax, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(nadam, (float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(radam, (float *w, float *m, float *v, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(adamax, (float *w, float *m, float *s, const float *g, ptrdiff_t n, const fastdl_update *u)) \
    X(sum_of_squares, (double *sum, const float *x, ptrdiff_t n)) \
    X(column_sums, (float *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)) \
    X(column_squares, (double *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)) \
    X(scale, (float *y, const float *x, ptrdiff_t n, float factor)) \
    X(scale_columns, \
      (float *y, const float *x, const float *factor, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(column_products, (double *sums, const float *dy, const float *x, const float *minus, ptrdiff_t rows, ptrdiff_t cols, \
                        ptrdiff_t lddy, ptrdiff_t ldx, ptrdiff_t ldm)) \
    X(parametric, (float *y, const float *x, const float *f, const float *alpha, ptrdiff_t rows, ptrdiff_t cols, \
                   ptrdiff_t ldy, ptrdiff_t ldx, ptrdiff_t ldf)) \
    X(parametric_backward, \
      (float *dx, const float *dy, const float *alpha, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy)) \
    X(periodic, (float *y, const float *x, const fastdl_periodic *p, ptrdiff_t rows, ptrdiff_t ldy, ptrdiff_t ldx)) \
    X(periodic_backward, (float *dx, double *sums, const float *dy, const float *x, const fastdl_periodic *p, ptrdiff_t rows, \
                          ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx)) \
    X(clip_value, (float *x, int *clipped, ptrdiff_t n, float limit)) \
    X(penalty, (float *g, double *sums, const float *w, ptrdiff_t n, float c1, float twice_c2)) \
    X(average, (float *a, const float *w, ptrdiff_t n, float rest)) \
    X(gather, (float *y, const void *x, const int64_t *indices, const double *offset, const double *factor, ptrdiff_t rows, \
               ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t row_bytes, int type))

/* One table per instruction set; dispatch.c picks the best one that the machine can run. */
typedef struct {
    const char *isa;
#define FASTDL_FIELD(name, parameters) void(*name) parameters;
    FASTDL_KERNELS(FASTDL_FIELD)
#undef FASTDL_FIELD
} fastdl_table;

/* The table called isa, or the best if isa is NULL. NULL: not on this machine. */
const fastdl_table *fastdl_select(const char *isa);
/* The i-th best table of this machine, NULL past the last. */
const fastdl_table *fastdl_available(int i);
#endif
