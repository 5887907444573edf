/* Layer norm (Ba, Kiros & Hinton 2016) and, with centered = 0, RMS norm (Zhang & Sennrich 2019), one block of rows at a time.
 *
 * Sums run in float64: along a row in 16 lanes and by v16_sum's tree, down the columns row by row. What the element-wise
 * loops need of a row are three floats, coef: its mean, factor = 1 / std, and shift. A mean that does not fit float32 can
 * be off by more than a small signal on a large offset; what its rounding lost is in the shift, so that nothing is. */
#include "fastdl.h"
#include "vec.h"

/* (x - mean) / std of sixteen elements of a row.   coef: (3,) */
FDL_INLINE v16 normalised(v16 x, const float *coef, const int centered)
{
    if (!centered)
        return v16_mul(x, v16_set1(coef[1]));
    return v16_fma(v16_sub(x, v16_set1(coef[0])), v16_set1(coef[1]), v16_set1(coef[2]));
}

/* The first lanes from x; the others hold fill, so that they add nothing to a sum of differences from it. */
FDL_INLINE v16 load_filled(const float *x, const int lanes, float fill)
{
    const v16 loaded = v16_load_n(x, lanes);
    return lanes == 16 ? loaded : v16_select(m16_from_bits((1u << lanes) - 1u), loaded, v16_set1(fill));
}

/* Adds x - origin and its square to two sums each. */
FDL_INLINE void add_deviations(d16 *sum, d16 *squares, v16 x, d16 minus_origin, const int centered)
{
    d16 d = d16_from_v16(x);
    if (centered) {
        d = d16_add(d, minus_origin);
        *sum = d16_add(*sum, d);
    }
    *squares = d16_fma(d, d, *squares);
}

/* What normalises a row.   coef: (3,)   x: (n,), n >= 1
 * Sums are taken of x - x[0], as in norm.c; even and odd vectors have their own, which hides the latency of additions. */
FDL_INLINE void row_coefficients(float *coef, const float *x, ptrdiff_t n, double eps, const int centered)
{
    const double origin = centered ? (double)x[0] : 0.0;
    const d16 minus = d16_set1(-origin);
    d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, squares[2] = {d16_set1(0.0), d16_set1(0.0)};
    ptrdiff_t j = 0;
    for (; j + 32 <= n; j += 32)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++)
            add_deviations(&sum[odd], &squares[odd], v16_load(x + j + 16 * odd), minus, centered);
    for (; j < n; j += 16) {
        const int lanes = (int)(n - j < 16 ? n - j : 16);
        add_deviations(&sum[0], &squares[0], load_filled(x + j, lanes, (float)origin), minus, centered);
    }
    const double per_element = 1.0 / (double)n, shift = centered ? d16_sum(d16_add(sum[0], sum[1])) * per_element : 0.0;
    const double var = d16_sum(d16_add(squares[0], squares[1])) * per_element - shift * shift;
    const double mean = origin + shift, factor = 1.0 / __builtin_sqrt((var < 0.0 ? 0.0 : var) + eps);
    coef[0] = (float)mean;
    coef[1] = (float)factor;
    coef[2] = (float)(((double)coef[0] - mean) * factor);
}

FDL_INLINE void forward_piece(float *y, const float *x, const float *coef, const float *gamma, const float *beta,
                              const int lanes, const int centered)
{
    const v16 h = normalised(v16_load_n(x, lanes), coef, centered), scale = v16_load_n(gamma, lanes);
    v16_store_n(y, centered ? v16_fma(h, scale, v16_load_n(beta, lanes)) : v16_mul(h, scale), lanes);
}

FDL_INLINE void forward_rows(float *y, float *coef, const float *x, const float *gamma, const float *beta, ptrdiff_t rows,
                             ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, double eps, const int centered)
{
    for (ptrdiff_t i = 0; i < rows; i++, y += ldy, x += ldx, coef += 3) {
        row_coefficients(coef, x, cols, eps, centered);
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            forward_piece(y + j, x + j, coef, gamma + j, centered ? beta + j : NULL, 16, centered);
        if (j < cols)
            forward_piece(y + j, x + j, coef, gamma + j, centered ? beta + j : NULL, (int)(cols - j), centered);
    }
}

/* y = (x - mean) / sqrt(var + eps) gamma + beta, mean and biased variance those of the row; not centered: x / sqrt(mean of
 * x^2 + eps) gamma.   y: (rows, ldy)   coef: (rows, 3), for the backward pass   x: (rows, ldx), may be y, cols >= 1
 * gamma, beta: (cols,), beta only if centered */
static void fdl_layernorm(float *y, float *coef, const float *x, const float *gamma, const float *beta, ptrdiff_t rows,
                          ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, double eps, int centered)
{
    if (centered)
        forward_rows(y, coef, x, gamma, beta, rows, cols, ldy, ldx, eps, 1);
    else
        forward_rows(y, coef, x, gamma, NULL, rows, cols, ldy, ldx, eps, 0);
}

/* Adds g = dy gamma and g xhat of sixteen elements to two sums. */
FDL_INLINE void add_products(d16 *sum, d16 *products, const float *dy, const float *x, const float *coef, const float *gamma,
                             const int lanes, const int centered)
{
    const d16 g = d16_from_v16(v16_mul(v16_load_n(dy, lanes), v16_load_n(gamma, lanes)));
    if (centered)
        *sum = d16_add(*sum, g);
    const v16 h = normalised(load_filled(x, lanes, centered ? coef[0] : 0.0f), coef, centered);
    *products = d16_fma(g, d16_from_v16(h), *products);
}

FDL_INLINE void backward_piece(float *dx, const float *dy, const float *x, const float *coef, const float *gamma, v16 mean,
                               v16 slope, const int lanes, const int centered)
{
    v16 g = v16_mul(v16_load_n(dy, lanes), v16_load_n(gamma, lanes));
    if (centered)
        g = v16_sub(g, mean);
    g = v16_fnma(normalised(v16_load_n(x, lanes), coef, centered), slope, g);
    v16_store_n(dx, v16_mul(g, v16_set1(coef[1])), lanes);
}

FDL_INLINE void backward_rows(float *dx, const float *dy, const float *x, const float *coef, const float *gamma, ptrdiff_t rows,
                              ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx, const int centered)
{
    const double per_element = 1.0 / (double)cols;
    for (ptrdiff_t i = 0; i < rows; i++, dx += lddx, dy += lddy, x += ldx, coef += 3) {
        d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, products[2] = {d16_set1(0.0), d16_set1(0.0)};
        ptrdiff_t j = 0;
        for (; j + 32 <= cols; j += 32)
#pragma GCC unroll 2
            for (int odd = 0; odd < 2; odd++) {
                const ptrdiff_t at = j + 16 * odd;
                add_products(&sum[odd], &products[odd], dy + at, x + at, coef, gamma + at, 16, centered);
            }
        for (; j < cols; j += 16)
            add_products(&sum[0], &products[0], dy + j, x + j, coef, gamma + j, (int)(cols - j < 16 ? cols - j : 16), centered);
        const v16 mean = v16_set1((float)(d16_sum(d16_add(sum[0], sum[1])) * per_element));
        const v16 slope = v16_set1((float)(d16_sum(d16_add(products[0], products[1])) * per_element));
        for (j = 0; j + 16 <= cols; j += 16)
            backward_piece(dx + j, dy + j, x + j, coef, gamma + j, mean, slope, 16, centered);
        if (j < cols)
            backward_piece(dx + j, dy + j, x + j, coef, gamma + j, mean, slope, (int)(cols - j), centered);
    }
}

/* dx = (g - mean of g - xhat mean of g xhat) / std, where g = dy gamma and xhat = (x - mean) / std; not centered: without
 * the mean of g.   dx: (rows, lddx), may be dy   dy: (rows, lddy)   x: (rows, ldx)   coef: (rows, 3)   gamma: (cols,) */
static void fdl_layernorm_backward(float *dx, const float *dy, const float *x, const float *coef, const float *gamma,
                                   ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx, int centered)
{
    if (centered)
        backward_rows(dx, dy, x, coef, gamma, rows, cols, lddx, lddy, ldx, 1);
    else
        backward_rows(dx, dy, x, coef, gamma, rows, cols, lddx, lddy, ldx, 0);
}

/* Sums down so many vectors of columns, of which the last has `lanes`. */
FDL_INLINE void sum_down(double *sum_dy, double *sum_dy_h, const float *dy, const float *x, const float *coef, ptrdiff_t rows,
                         ptrdiff_t lddy, ptrdiff_t ldx, const int vectors, int lanes, const int centered)
{
    d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)}, products[2] = {d16_set1(0.0), d16_set1(0.0)};
    for (ptrdiff_t i = 0; i < rows; i++, dy += lddy, x += ldx, coef += 3)
        for (int v = 0; v < vectors; v++) {
            const int n = v < vectors - 1 ? 16 : lanes;
            const d16 g = d16_from_v16(v16_load_n(dy + 16 * v, n));
            sum[v] = d16_add(sum[v], g);
            products[v] = d16_fma(g, d16_from_v16(normalised(v16_load_n(x + 16 * v, n), coef, centered)), products[v]);
        }
    for (int v = 0; v < vectors; v++) {
        double lane[16];
        const size_t n = (size_t)(v < vectors - 1 ? 16 : lanes);
        d16_store(lane, sum[v]);
        memcpy(sum_dy + 16 * v, lane, n * sizeof *lane);
        d16_store(lane, products[v]);
        memcpy(sum_dy_h + 16 * v, lane, n * sizeof *lane);
    }
}

/* Column sums of dy and of dy xhat.   sum_dy, sum_dy_h: (cols,) float64   dy: (rows, lddy)   x: (rows, ldx)   coef: (rows, 3)
 */
static void fdl_layernorm_sums(double *sum_dy, double *sum_dy_h, const float *dy, const float *x, const float *coef,
                               ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx, int centered)
{
    ptrdiff_t j = 0;
    for (; j + 32 <= cols; j += 32)
        if (centered)
            sum_down(sum_dy + j, sum_dy_h + j, dy + j, x + j, coef, rows, lddy, ldx, 2, 16, 1);
        else
            sum_down(sum_dy + j, sum_dy_h + j, dy + j, x + j, coef, rows, lddy, ldx, 2, 16, 0);
    for (; j < cols; j += 16)
        sum_down(sum_dy + j, sum_dy_h + j, dy + j, x + j, coef, rows, lddy, ldx, 1, (int)(cols - j < 16 ? cols - j : 16),
                 centered);
}

/* sums = the partial sums of all blocks, added in order.   sums: (cols,)   partial: (blocks, ld) float64 */
static void fdl_add_partial(float *sums, const double *partial, ptrdiff_t blocks, ptrdiff_t cols, ptrdiff_t ld)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        double total[16] = {0.0};
        for (ptrdiff_t b = 0; b < blocks; b++)
            for (int c = 0; c < n; c++)
                total[c] += partial[b * ld + j + c];
        for (int c = 0; c < n; c++)
            sums[j + c] = (float)total[c];
    }
}
