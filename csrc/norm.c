/* Batch normalisation (Ioffe & Szegedy 2015), one block of columns at a time. Sums run over the rows in float64. */
#include "fastdl.h"
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

/* norm_apply for so many vectors of columns, of which the last has `lanes`. */
FDL_INLINE void apply_columns(float *y, const float *x, const float *mean, const float *scale, const float *shift,
                              ptrdiff_t rows, ptrdiff_t ldy, ptrdiff_t ldx, const int vectors, int lanes)
{
    v16 m[WIDE], a[WIDE], b[WIDE];
    for (int v = 0; v < vectors; v++) {
        const int n = v < vectors - 1 ? 16 : lanes;
        m[v] = v16_load_n(mean + 16 * v, n);
        a[v] = v16_load_n(scale + 16 * v, n);
        b[v] = v16_load_n(shift + 16 * v, n);
    }
    for (ptrdiff_t i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) {
            const int n = v < vectors - 1 ? 16 : lanes;
            const v16 d = v16_sub(v16_load_n(x + i * ldx + 16 * v, n), m[v]);
            v16_store_n(y + i * ldy + 16 * v, v16_fma(d, a[v], b[v]), n);
        }
}

/* y = (x - mean) scale + shift.   y: (rows, ldy)   x: (rows, ldx), may be y   mean, scale, shift: (cols,)
 * Four vectors of a row at a time: a walk down single ones would meet few cache sets where rows are 2 KiB apart. */
static void fdl_norm_apply(float *y, const float *x, const float *mean, const float *scale, const float *shift, ptrdiff_t rows,
                           ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx)
{
    ptrdiff_t j = 0;
    for (; j + 16 * WIDE <= cols; j += 16 * WIDE)
        apply_columns(y + j, x + j, mean + j, scale + j, shift + j, rows, ldy, ldx, WIDE, 16);
    for (; j < cols; j += 16)
        apply_columns(y + j, x + j, mean + j, scale + j, shift + j, rows, ldy, ldx, 1, (int)(cols - j < 16 ? cols - j : 16));
}

/* Column sums of dy and of dy (x - mean).   sum_dy, sum_dy_x: (cols,) float64   dy: (rows, lddy)   x: (rows, ldx) */
static void fdl_norm_sums(double *sum_dy, double *sum_dy_x, const float *dy, const float *x, const float *mean, ptrdiff_t rows,
                          ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        const v16 m = v16_load_n(mean + j, n);
        d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, products[2] = {d16_set1(0.0), d16_set1(0.0)};
        for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
            for (int odd = 0; odd < 2; odd++) {
                if (i + odd == rows)
                    break;
                const d16 g = d16_from_v16(v16_load_n(dy + (i + odd) * lddy + j, n));
                const d16 d = d16_from_v16(v16_sub(v16_load_n(x + (i + odd) * ldx + j, n), m));
                sum[odd] = d16_add(sum[odd], g);
                products[odd] = d16_fma(g, d, products[odd]);
            }
        double lane[16];
        d16_store(lane, d16_add(sum[0], sum[1]));
        memcpy(sum_dy + j, lane, (size_t)n * sizeof *lane);
        d16_store(lane, d16_add(products[0], products[1]));
        memcpy(sum_dy_x + j, lane, (size_t)n * sizeof *lane);
    }
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
