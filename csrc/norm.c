/* Batch normalisation (Ioffe & Szegedy 2015), one block of columns at a time. Sums run over the rows in float64.
 *
 * ReLU and dropout behind the norm happen in the same pass, in both directions: the operations are those of activation.c and
 * dropout.c in the same order, so that the bits are, too. The way back makes the norm's output anew from x. */
#include "fastdl.h"
#include "mask.h"
#include "vec.h"

/* Vectors of a row whose sums are made together: as many as registers hold, since a walk down single ones is slow in memory
 * that is not in the nearest cache. And rows that are mapped together, vector by vector: a walk down columns that also writes
 * would meet its own writes 4 KiB later, which processors take for the same address. */
enum { SUMMED = FASTDL_NV, MAPPED = 2 * FASTDL_NV };

/* norm_stats for so many vectors of columns, of which the last has `lanes`. */
FDL_INLINE void stats_columns(double *mean, double *var, const float *x, ptrdiff_t rows, ptrdiff_t ldx, const int vectors,
                              int lanes)
{
    const d16 minus = d16_set1(-1.0);
    d16 origin[SUMMED], sum[2][SUMMED], squares[2][SUMMED];
    for (int v = 0; v < vectors; v++) {
        origin[v] = d16_from_v16(v16_load_n(x + 16 * v, v < vectors - 1 ? 16 : lanes));
        sum[0][v] = sum[1][v] = squares[0][v] = squares[1][v] = d16_set1(0.0);
    }
    for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            if (i + odd == rows)
                break;
            for (int v = 0; v < vectors; v++) {
                const v16 y = v16_load_n(x + (i + odd) * ldx + 16 * v, v < vectors - 1 ? 16 : lanes);
                const d16 d = d16_fma(origin[v], minus, d16_from_v16(y));
                sum[odd][v] = d16_add(sum[odd][v], d);
                squares[odd][v] = d16_fma(d, d, squares[odd][v]);
            }
        }
    const double per_row = 1.0 / (double)rows;
    for (int v = 0; v < vectors; v++) {
        const int n = v < vectors - 1 ? 16 : lanes;
        double start[16], s[16], q[16];
        d16_store(start, origin[v]);
        d16_store(s, d16_add(sum[0][v], sum[1][v]));
        d16_store(q, d16_add(squares[0][v], squares[1][v]));
        for (int c = 0; c < n; c++) {
            const double shift = s[c] * per_row, square = q[c] * per_row - shift * shift;
            mean[16 * v + c] = start[c] + shift;
            var[16 * v + c] = square < 0.0 ? 0.0 : square;
        }
    }
}

/* Biased variance and mean of each column.   mean, var: (cols,) float64   x: (rows, ldx), rows >= 1
 * Sums are taken of x - x[0]: for any data their error is then a few float64 ULP of the variance itself, so that a
 * large offset costs nothing. Even and odd rows have their own sums, which hides the latency of the additions. */
static void fdl_norm_stats(double *mean, double *var, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    ptrdiff_t j = 0;
    for (; j + 16 * SUMMED <= cols; j += 16 * SUMMED)
        stats_columns(mean + j, var + j, x + j, rows, ldx, SUMMED, 16);
    for (; j < cols; j += 16)
        stats_columns(mean + j, var + j, x + j, rows, ldx, 1, (int)(cols - j < 16 ? cols - j : 16));
}

/* What norm_apply reads: the mean, gamma / std, and beta less what the mean lost when it was rounded to float32, scaled.
 * mean32, scale, shift: (cols,)   mean, var: (cols,) float64   gamma, beta: (cols,) */
static void fdl_norm_coefficients(float *mean32, float *scale, float *shift, const double *mean, const double *var,
                                  const float *gamma, const float *beta, ptrdiff_t cols, double eps)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        const d16 exact = d16_load_n(mean + j, n);
        const v16 rounded = d16_to_v16(exact);
        const d16 lost = d16_sub(exact, d16_from_v16(rounded));
        const d16 root = d16_sqrt(d16_add(d16_load_n(var + j, n), d16_set1(eps)));
        const d16 factor = d16_div(d16_from_v16(v16_load_n(gamma + j, n)), root);
        v16_store_n(mean32 + j, rounded, n);
        v16_store_n(scale + j, d16_to_v16(factor), n);
        v16_store_n(shift + j, d16_to_v16(d16_sub(d16_from_v16(v16_load_n(beta + j, n)), d16_mul(lost, factor))), n);
    }
}

/* From the sums of norm_sums: the gradients of gamma and beta, and what norm_backward reads, with per_row = 1 / B, or 0 where
 * mean and variance are constants. What the rounded mean lost is made good in float64.
 * dgamma, dbeta, mean_dy, slope: (cols,)   sum_g, sum_g_x, mean, var: (cols,) float64   mean32: (cols,) */
static void fdl_norm_gradients(float *dgamma, float *dbeta, float *mean_dy, float *slope, const double *sum_g,
                               const double *sum_g_x, const float *mean32, const double *mean, const double *var,
                               ptrdiff_t cols, double eps, double per_row)
{
    const d16 share = d16_set1(per_row);
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        const d16 lost = d16_sub(d16_load_n(mean + j, n), d16_from_v16(v16_load_n(mean32 + j, n)));
        const d16 root = d16_sqrt(d16_add(d16_load_n(var + j, n), d16_set1(eps)));
        const d16 sum = d16_load_n(sum_g + j, n), products = d16_sub(d16_load_n(sum_g_x + j, n), d16_mul(lost, sum));
        const v16 s = d16_to_v16(d16_div(d16_mul(share, products), d16_mul(root, root)));
        v16_store_n(dbeta + j, d16_to_v16(sum), n);
        v16_store_n(dgamma + j, d16_to_v16(d16_div(products, root)), n);
        v16_store_n(slope + j, s, n);
        v16_store_n(mean_dy + j, d16_to_v16(d16_sub(d16_mul(share, sum), d16_mul(lost, d16_from_v16(s)))), n);
    }
}

/* The mask of row i, from the tail's column on. */
FDL_INLINE mask_row tail_mask(const fastdl_tail *t, ptrdiff_t i, const int drop)
{
    return drop ? mask_from(t->bits, (uint64_t)(i * t->width + t->column)) : (mask_row){NULL, 0};
}

FDL_INLINE v16 tail_value(v16 z, mask_row mask, ptrdiff_t j, v16 keep, const int relu, const int drop)
{
    const v16 y = relu ? v16_max(v16_zero(), z) : z;   /* NaN passes */
    return drop ? v16_mul(y, mask_factor(mask, j, keep)) : y;
}

/* dy times the derivative of the tail where the norm gave z. */
FDL_INLINE v16 tail_slope(v16 dy, v16 z, mask_row mask, ptrdiff_t j, v16 keep, const int relu, const int drop)
{
    const v16 g = drop ? v16_mul(dy, mask_factor(mask, j, keep)) : dy;
    return relu ? v16_select(v16_le(z, v16_zero()), v16_zero(), g) : g;
}

/* Calls f(relu, drop) with constants, so that the loops hold no branch. */
#define FDL_BY_TAIL(tail, f) \
    do { \
        if ((tail)->activation == FASTDL_RELU) { \
            if ((tail)->bits) \
                f(1, 1); \
            else \
                f(1, 0); \
        } else if ((tail)->bits) \
            f(0, 1); \
        else \
            f(0, 0); \
    } while (0)

/* norm_apply for `rows` rows and `lanes` columns from j on. */
FDL_INLINE void apply_piece(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t j,
                            ptrdiff_t ldy, ptrdiff_t ldx, const mask_row *mask, v16 keep, const int rows, int lanes,
                            const int relu, const int drop)
{
    const v16 m = v16_load_n(mean + j, lanes), a = v16_load_n(scale + j, lanes), b = v16_load_n(shift + j, lanes);
    v16 z[MAPPED];
    for (int r = 0; r < rows; r++)
        z[r] = v16_fma(v16_sub(v16_load_n(x + r * ldx + j, lanes), m), a, b);
    for (int r = 0; r < rows; r++)
        v16_store_n(y + r * ldy + j, tail_value(z[r], mask[r], j, keep, relu, drop), lanes);
}

FDL_INLINE void apply_rows(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t i,
                           ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, const fastdl_tail *tail, const int rows,
                           const int relu, const int drop)
{
    mask_row mask[MAPPED];
    for (int r = 0; r < rows; r++)
        mask[r] = tail_mask(tail, i + r, drop);
    const v16 keep = v16_set1(tail->keep);
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        apply_piece(y, x, mean, scale, shift, j, ldy, ldx, mask, keep, rows, 16, relu, drop);
    if (j < cols)
        apply_piece(y, x, mean, scale, shift, j, ldy, ldx, mask, keep, rows, (int)(cols - j), relu, drop);
}

/* y = tail((x - mean) scale + shift).   y: (rows, ldy)   x: (rows, ldx), may be y   mean, scale, shift: (cols,) */
static void fdl_norm_apply(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t rows,
                           ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, const fastdl_tail *tail)
{
    const fastdl_tail t = *tail;
#define FDL_APPLY(relu, drop) \
    do { \
        ptrdiff_t i = 0; \
        for (; i + MAPPED <= rows; i += MAPPED) \
            apply_rows(y + i * ldy, x + i * ldx, mean, scale, shift, i, cols, ldy, ldx, &t, MAPPED, relu, drop); \
        for (; i < rows; i++) \
            apply_rows(y + i * ldy, x + i * ldx, mean, scale, shift, i, cols, ldy, ldx, &t, 1, relu, drop); \
    } while (0)
    FDL_BY_TAIL(tail, FDL_APPLY);
#undef FDL_APPLY
}

/* norm_sums for columns j .. j + 16 vectors - 1, of which the last vector has `lanes`. */
FDL_INLINE void sum_columns(double *sum_g, double *sum_g_x, float *g, const float *dy, const float *x, const float *mean,
                            const float *scale, const float *shift, ptrdiff_t j, ptrdiff_t rows, ptrdiff_t ldg, ptrdiff_t lddy,
                            ptrdiff_t ldx, const fastdl_tail *tail, const int vectors, int lanes, const int relu,
                            const int drop)
{
    const v16 keep = v16_set1(tail->keep);
    v16 m[SUMMED], a[SUMMED], b[SUMMED];
    d16 sum[2][SUMMED], products[2][SUMMED];
    for (int v = 0; v < vectors; v++) {
        const int n = v < vectors - 1 ? 16 : lanes;
        m[v] = v16_load_n(mean + j + 16 * v, n);
        a[v] = v16_load_n(scale + j + 16 * v, n);
        b[v] = v16_load_n(shift + j + 16 * v, n);
        sum[0][v] = sum[1][v] = products[0][v] = products[1][v] = d16_set1(0.0);
    }
    for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            if (i + odd == rows)
                break;
            const mask_row mask = tail_mask(tail, i + odd, drop);
            for (int v = 0; v < vectors; v++) {
                const int n = v < vectors - 1 ? 16 : lanes;
                const ptrdiff_t at = j + 16 * v;
                const v16 from_mean = v16_sub(v16_load_n(x + (i + odd) * ldx + at, n), m[v]);
                const v16 dy_ = v16_load_n(dy + (i + odd) * lddy + at, n);
                const v16 slope = tail_slope(dy_, v16_fma(from_mean, a[v], b[v]), mask, at, keep, relu, drop);
                if (g)
                    v16_store_n(g + (i + odd) * ldg + at, slope, n);
                const d16 wide = d16_from_v16(slope);
                sum[odd][v] = d16_add(sum[odd][v], wide);
                products[odd][v] = d16_fma(wide, d16_from_v16(from_mean), products[odd][v]);
            }
        }
    for (int v = 0; v < vectors; v++) {
        const size_t size = (size_t)(v < vectors - 1 ? 16 : lanes) * sizeof *sum_g;
        double lane[16];
        d16_store(lane, d16_add(sum[0][v], sum[1][v]));
        memcpy(sum_g + j + 16 * v, lane, size);
        d16_store(lane, d16_add(products[0][v], products[1][v]));
        memcpy(sum_g_x + j + 16 * v, lane, size);
    }
}

/* g = dy times the tail's derivative, unless NULL; column sums of it and of it (x - mean).
 * sum_g, sum_g_x: (cols,) float64   g: (rows, ldg), may be dy   dy: (rows, lddy)   x: (rows, ldx)   mean, scale, shift: (cols,) */
static void fdl_norm_sums(double *sum_g, double *sum_g_x, float *g, const float *dy, const float *x, const float *mean,
                          const float *scale, const float *shift, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldg, ptrdiff_t lddy,
                          ptrdiff_t ldx, const fastdl_tail *tail)
{
    const fastdl_tail t = *tail;
#define FDL_SUMS(relu, drop) \
    do { \
        ptrdiff_t j = 0; \
        for (; j + 16 * SUMMED <= cols; j += 16 * SUMMED) \
            sum_columns(sum_g, sum_g_x, g, dy, x, mean, scale, shift, j, rows, ldg, lddy, ldx, &t, SUMMED, 16, relu, drop); \
        for (; j < cols; j += 16) \
            sum_columns(sum_g, sum_g_x, g, dy, x, mean, scale, shift, j, rows, ldg, lddy, ldx, &t, 1, \
                        (int)(cols - j < 16 ? cols - j : 16), relu, drop); \
    } while (0)
    FDL_BY_TAIL(tail, FDL_SUMS);
#undef FDL_SUMS
}

/* norm_backward for `rows` rows and `lanes` columns. */
FDL_INLINE void gradient_piece(float *dx, const float *dy, const float *x, const float *mean, const float *scale,
                               const float *mean_dy, const float *slope, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx,
                               const int rows, int lanes)
{
    const v16 m = v16_load_n(mean, lanes), a = v16_load_n(scale, lanes), b = v16_load_n(mean_dy, lanes);
    const v16 c = v16_load_n(slope, lanes);
    v16 d[MAPPED], g[MAPPED];
    for (int r = 0; r < rows; r++) {
        d[r] = v16_sub(v16_load_n(x + r * ldx, lanes), m);
        g[r] = v16_sub(v16_load_n(dy + r * lddy, lanes), b);
    }
    for (int r = 0; r < rows; r++)
        v16_store_n(dx + r * lddx, v16_mul(a, v16_fnma(d[r], c, g[r])), lanes);
}

FDL_INLINE void gradient_rows(float *dx, const float *dy, const float *x, const float *mean, const float *scale,
                              const float *mean_dy, const float *slope, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy,
                              ptrdiff_t ldx, const int rows)
{
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        gradient_piece(dx + j, dy + j, x + j, mean + j, scale + j, mean_dy + j, slope + j, lddx, lddy, ldx, rows, 16);
    if (j < cols)
        gradient_piece(dx + j, dy + j, x + j, mean + j, scale + j, mean_dy + j, slope + j, lddx, lddy, ldx, rows,
                       (int)(cols - j));
}

/* dx = scale (dy - mean_dy - (x - mean) slope), where scale = gamma / std, mean_dy = sum(dy) / B and
 * slope = sum(dy (x - mean)) / (B std^2).   dx: (rows, lddx), may be dy   dy: (rows, lddy)   x: (rows, ldx)
 * mean, scale, mean_dy, slope: (cols,) */
static void fdl_norm_backward(float *dx, const float *dy, const float *x, const float *mean, const float *scale,
                              const float *mean_dy, const float *slope, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx,
                              ptrdiff_t lddy, ptrdiff_t ldx)
{
    ptrdiff_t i = 0;
    for (; i + MAPPED <= rows; i += MAPPED)
        gradient_rows(dx + i * lddx, dy + i * lddy, x + i * ldx, mean, scale, mean_dy, slope, cols, lddx, lddy, ldx, MAPPED);
    for (; i < rows; i++)
        gradient_rows(dx + i * lddx, dy + i * lddy, x + i * ldx, mean, scale, mean_dy, slope, cols, lddx, lddy, ldx, 1);
}
