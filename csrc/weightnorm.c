/* Weight norm (Salimans & Kingma 2016): the direction of a unit's weights apart from their length. All of it in float64, so
 * that lengths far outside the range of float32 do no harm; weights are few beside the work that is done with them. */
#include "fastdl.h"
#include "vec.h"

/* Column sums of v^2 and, if dw is there, of dw v, even and odd rows apart.   sums: (16,)   v, dw: (rows, ld), n columns */
FDL_INLINE void column_products(double *squares, double *products, const float *v, const float *dw, ptrdiff_t rows,
                                ptrdiff_t ldv, ptrdiff_t lddw, int n)
{
    d16 s[2] = {d16_set1(0.0), d16_set1(0.0)}, p[2] = {d16_set1(0.0), d16_set1(0.0)};
    for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            if (i + odd == rows)
                break;
            const d16 x = d16_from_v16(v16_load_n(v + (i + odd) * ldv, n));
            s[odd] = d16_fma(x, x, s[odd]);
            if (dw)
                p[odd] = d16_fma(x, d16_from_v16(v16_load_n(dw + (i + odd) * lddw, n)), p[odd]);
        }
    d16_store(squares, d16_add(s[0], s[1]));
    if (dw)
        d16_store(products, d16_add(p[0], p[1]));
}

FDL_INLINE double inverse_length(double square)   /* 0 for 0: what has no length has no direction either */
{
    return square == 0.0 ? 0.0 : 1.0 / __builtin_sqrt(square);
}

/* w = g v / |v| by columns; 0 where |v| is 0.   w: (rows, ldw)   v: (rows, ldv), may be w   g: (cols,) */
static void fdl_weightnorm(float *w, const float *v, const float *g, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldw,
                           ptrdiff_t ldv)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        double square[16], factor[16] = {0.0};
        column_products(square, NULL, v + j, NULL, rows, ldv, 0, n);
        for (int c = 0; c < n; c++)
            factor[c] = (double)g[j + c] * inverse_length(square[c]);
        const d16 a = d16_load(factor);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const d16 x = d16_from_v16(v16_load_n(v + i * ldv + j, n));
            v16_store_n(w + i * ldw + j, d16_to_v16(d16_mul(x, a)), n);
        }
    }
}

/* dg = sum(dw v) / |v| and dv = g / |v| (dw - v sum(dw v) / |v|^2) by columns; where |v| is 0, both are 0 (or NaN, if dw
 * or g is).
 * dv: (rows, lddv)   dg: (cols,)   dw: (rows, lddw), may be dv   v: (rows, ldv)   g: (cols,) */
static void fdl_weightnorm_backward(float *dv, float *dg, const float *dw, const float *v, const float *g, ptrdiff_t rows,
                                    ptrdiff_t cols, ptrdiff_t lddv, ptrdiff_t lddw, ptrdiff_t ldv)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        double square[16], dot[16], factor[16] = {0.0}, slope[16] = {0.0};
        column_products(square, dot, v + j, dw + j, rows, ldv, lddw, n);
        for (int c = 0; c < n; c++) {
            const double inverse = inverse_length(square[c]);
            dg[j + c] = (float)(dot[c] * inverse);
            factor[c] = (double)g[j + c] * inverse;
            slope[c] = -(dot[c] * inverse) * inverse;
        }
        const d16 a = d16_load(factor), b = d16_load(slope);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const d16 x = d16_from_v16(v16_load_n(v + i * ldv + j, n)), d = d16_from_v16(v16_load_n(dw + i * lddw + j, n));
            v16_store_n(dv + i * lddv + j, d16_to_v16(d16_mul(a, d16_fma(x, b, d))), n);
        }
    }
}
