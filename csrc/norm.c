/* Batch normalisation (Ioffe & Szegedy 2015), one block of columns at a time. Sums run over the rows in float64.
 *
 * ReLU and dropout behind the norm happen in the same pass, in both directions: the operations are those of activation.c and
 * dropout.c in the same order, so that the bits are, too. The way back makes the norm's output anew from x. */
#include "fastdl.h"
#include "mask.h"
#include "vec.h"

enum { WIDE = 4 };   /* vectors of a row that are worked on together */

/* Biased variance and mean of each column.   mean, var: (cols,) float64   x: (rows, ldx), rows >= 1
 * Sums are taken of x - x[0]: for any data their error is then a few float64 ULP of the variance itself, so that a
 * large offset costs nothing. Even and odd rows have their own sums, which hides the latency of the additions. */
static void fdl_norm_stats(double *mean, double *var, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        const d16 origin = d16_from_v16(v16_load_n(x + j, n)), minus = d16_set1(-1.0);
        d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, squares[2] = {d16_set1(0.0), d16_set1(0.0)};
        for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
            for (int odd = 0; odd < 2; odd++) {
                if (i + odd == rows)
                    break;
                const d16 d = d16_fma(origin, minus, d16_from_v16(v16_load_n(x + (i + odd) * ldx + j, n)));
                sum[odd] = d16_add(sum[odd], d);
                squares[odd] = d16_fma(d, d, squares[odd]);
            }
        const double per_row = 1.0 / (double)rows;
        double start[16], s[16], q[16];
        d16_store(start, origin);
        d16_store(s, d16_add(sum[0], sum[1]));
        d16_store(q, d16_add(squares[0], squares[1]));
        for (int c = 0; c < n; c++) {
            const double shift = s[c] * per_row, v = q[c] * per_row - shift * shift;
            mean[j + c] = start[c] + shift;
            var[j + c] = v < 0.0 ? 0.0 : v;
        }
    }
}

FDL_INLINE v16 tail_value(v16 z, const fastdl_tail *t, ptrdiff_t i, ptrdiff_t j, const int relu, const int drop)
{
    const v16 y = relu ? v16_max(v16_zero(), z) : z;   /* NaN passes */
    return drop ? v16_mul(y, mask_factor(t->bits, (uint64_t)(i * t->width + t->column + j), v16_set1(t->keep))) : y;
}

/* dy times the derivative of the tail where the norm gave z. */
FDL_INLINE v16 tail_slope(v16 dy, v16 z, const fastdl_tail *t, ptrdiff_t i, ptrdiff_t j, const int relu, const int drop)
{
    const v16 g = drop ? v16_mul(dy, mask_factor(t->bits, (uint64_t)(i * t->width + t->column + j), v16_set1(t->keep))) : dy;
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

/* norm_apply for columns j .. j + 16 vectors - 1, of which the last vector has `lanes`. */
FDL_INLINE void apply_columns(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t j,
                              ptrdiff_t rows, ptrdiff_t ldy, ptrdiff_t ldx, const fastdl_tail *tail, const int vectors,
                              int lanes, const int relu, const int drop)
{
    v16 m[WIDE], a[WIDE], b[WIDE];
    for (int v = 0; v < vectors; v++) {
        const int n = v < vectors - 1 ? 16 : lanes;
        m[v] = v16_load_n(mean + j + 16 * v, n);
        a[v] = v16_load_n(scale + j + 16 * v, n);
        b[v] = v16_load_n(shift + j + 16 * v, n);
    }
    for (ptrdiff_t i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) {
            const int n = v < vectors - 1 ? 16 : lanes;
            const v16 d = v16_sub(v16_load_n(x + i * ldx + j + 16 * v, n), m[v]);
            v16_store_n(y + i * ldy + j + 16 * v, tail_value(v16_fma(d, a[v], b[v]), tail, i, j + 16 * v, relu, drop), n);
        }
}

/* y = tail((x - mean) scale + shift).   y: (rows, ldy)   x: (rows, ldx), may be y   mean, scale, shift: (cols,)
 * Four vectors of a row at a time: a walk down single ones would meet few cache sets where rows are 2 KiB apart. */
static void fdl_norm_apply(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t rows,
                           ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, const fastdl_tail *tail)
{
    const fastdl_tail t = *tail;
#define FDL_APPLY(relu, drop) \
    do { \
        ptrdiff_t j = 0; \
        for (; j + 16 * WIDE <= cols; j += 16 * WIDE) \
            apply_columns(y, x, mean, scale, shift, j, rows, ldy, ldx, &t, WIDE, 16, relu, drop); \
        for (; j < cols; j += 16) \
            apply_columns(y, x, mean, scale, shift, j, rows, ldy, ldx, &t, 1, (int)(cols - j < 16 ? cols - j : 16), relu, \
                          drop); \
    } while (0)
    FDL_BY_TAIL(tail, FDL_APPLY);
#undef FDL_APPLY
}

/* norm_sums for columns j .. j + n - 1, n at most 16. */
FDL_INLINE void sum_stripe(double *sum_g, double *sum_g_x, float *g, const float *dy, const float *x, const float *mean,
                           const float *scale, const float *shift, ptrdiff_t j, int n, ptrdiff_t rows, ptrdiff_t ldg,
                           ptrdiff_t lddy, ptrdiff_t ldx, const fastdl_tail *tail, const int relu, const int drop)
{
    const v16 m = v16_load_n(mean + j, n), a = v16_load_n(scale + j, n), b = v16_load_n(shift + j, n);
    d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, products[2] = {d16_set1(0.0), d16_set1(0.0)};
    for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            if (i + odd == rows)
                break;
            const v16 from_mean = v16_sub(v16_load_n(x + (i + odd) * ldx + j, n), m),
                      dy_ = v16_load_n(dy + (i + odd) * lddy + j, n);
            const v16 slope = tail_slope(dy_, v16_fma(from_mean, a, b), tail, i + odd, j, relu, drop);
            if (g)
                v16_store_n(g + (i + odd) * ldg + j, slope, n);
            const d16 wide = d16_from_v16(slope);
            sum[odd] = d16_add(sum[odd], wide);
            products[odd] = d16_fma(wide, d16_from_v16(from_mean), products[odd]);
        }
    double lane[16];
    d16_store(lane, d16_add(sum[0], sum[1]));
    memcpy(sum_g + j, lane, (size_t)n * sizeof *lane);
    d16_store(lane, d16_add(products[0], products[1]));
    memcpy(sum_g_x + j, lane, (size_t)n * sizeof *lane);
}

/* g = dy times the tail's derivative, unless NULL; column sums of it and of it (x - mean).
 * sum_g, sum_g_x: (cols,) float64   g: (rows, ldg), may be dy   dy: (rows, lddy)   x: (rows, ldx)   mean, scale, shift: (cols,) */
static void fdl_norm_sums(double *sum_g, double *sum_g_x, float *g, const float *dy, const float *x, const float *mean,
                          const float *scale, const float *shift, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldg, ptrdiff_t lddy,
                          ptrdiff_t ldx, const fastdl_tail *tail)
{
    const fastdl_tail t = *tail;
#define FDL_SUMS(relu, drop) \
    for (ptrdiff_t j = 0; j < cols; j += 16) \
    sum_stripe(sum_g, sum_g_x, g, dy, x, mean, scale, shift, j, (int)(cols - j < 16 ? cols - j : 16), rows, ldg, lddy, ldx, \
               &t, relu, drop)
    FDL_BY_TAIL(tail, FDL_SUMS);
#undef FDL_SUMS
}

/* dx = scale (dy - mean_dy - (x - mean) slope), where scale = gamma / std, mean_dy = sum(dy) / B and
 * slope = sum(dy (x - mean)) / (B std^2).   dx: (rows, lddx), may be dy   dy: (rows, lddy)   x: (rows, ldx)
 * mean, scale, mean_dy, slope: (cols,) */
static void fdl_norm_backward(float *dx, const float *dy, const float *x, const float *mean, const float *scale,
                              const float *mean_dy, const float *slope, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx,
                              ptrdiff_t lddy, ptrdiff_t ldx)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        const v16 m = v16_load_n(mean + j, n), a = v16_load_n(scale + j, n);
        const v16 b = v16_load_n(mean_dy + j, n), c = v16_load_n(slope + j, n);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const v16 d = v16_sub(v16_load_n(x + i * ldx + j, n), m), g = v16_sub(v16_load_n(dy + i * lddy + j, n), b);
            v16_store_n(dx + i * lddx + j, v16_mul(a, v16_fnma(d, c, g)), n);
        }
    }
}
