/* Weight norm (Salimans & Kingma 2016): the direction of a unit's weights apart from their length. All of it in float64, so
 * that lengths far outside the range of float32 do no harm; weights are few beside the work that is done with them. */
#include "columns.h"
#include "fastdl.h"

/* 1 / length by lanes; 0 for 0: what has no length has no direction either */
FDL_INLINE d16 inverse_lengths(d16 squares)
{
    double lane[16];
    d16_store(lane, squares);
    for (int c = 0; c < 16; c++)
        lane[c] = lane[c] == 0.0 ? 0.0 : 1.0 / __builtin_sqrt(lane[c]);
    return d16_load(lane);
}

/* w = g v / |v| by columns; 0 where |v| is 0.   w: (rows, ldw)   v: (rows, ldv), may be w   g: (cols,) */
static void fdl_weightnorm(float *w, const float *v, const float *g, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldw,
                           ptrdiff_t ldv)
{
    d16 factor[TOGETHER];
#define FDL_STRIP(j, vectors, lanes) \
    do { \
        column_totals(factor, v + (j), NULL, NULL, rows, ldv, 0, 0, 1, vectors, lanes); \
        for (int q = 0; q < (vectors); q++) \
            factor[q] = d16_mul(d16_from_v16(v16_load_n(g + (j) + 16 * q, q < (vectors) - 1 ? 16 : (lanes))), \
                                inverse_lengths(factor[q])); \
        for (ptrdiff_t i = 0; i < rows; i++) \
            for (int q = 0; q < (vectors); q++) { \
                const int n = q < (vectors) - 1 ? 16 : (lanes); \
                const d16 x = d16_from_v16(v16_load_n(v + i * ldv + (j) + 16 * q, n)); \
                v16_store_n(w + i * ldw + (j) + 16 * q, d16_to_v16(d16_mul(x, factor[q])), n); \
            } \
    } while (0)
    FDL_DOWN(cols, FDL_STRIP);
#undef FDL_STRIP
}

/* dg = sum(dw v) / |v| and dv = g / |v| (dw - v sum(dw v) / |v|^2) by columns; where |v| is 0, both are 0 (or NaN, if dw
 * or g is).
 * dv: (rows, lddv)   dg: (cols,)   dw: (rows, lddw), may be dv   v: (rows, ldv)   g: (cols,) */
static void fdl_weightnorm_backward(float *dv, float *dg, const float *dw, const float *v, const float *g, ptrdiff_t rows,
                                    ptrdiff_t cols, ptrdiff_t lddv, ptrdiff_t lddw, ptrdiff_t ldv)
{
    const d16 zero = d16_set1(0.0);   /* 0 - NaN has the sign of NaN, which -NaN has not */
    d16 factor[TOGETHER], slope[TOGETHER];
#define FDL_STRIP(j, vectors, lanes) \
    do { \
        column_totals(factor, v + (j), NULL, NULL, rows, ldv, 0, 0, 1, vectors, lanes); \
        column_totals(slope, v + (j), dw + (j), NULL, rows, ldv, lddw, 0, 0, vectors, lanes); \
        for (int q = 0; q < (vectors); q++) { \
            const int n = q < (vectors) - 1 ? 16 : (lanes); \
            const d16 inverse = inverse_lengths(factor[q]), along = d16_mul(slope[q], inverse); \
            v16_store_n(dg + (j) + 16 * q, d16_to_v16(along), n); \
            factor[q] = d16_mul(d16_from_v16(v16_load_n(g + (j) + 16 * q, n)), inverse); \
            slope[q] = d16_mul(d16_sub(zero, along), inverse); \
        } \
        for (ptrdiff_t i = 0; i < rows; i++) \
            for (int q = 0; q < (vectors); q++) { \
                const int n = q < (vectors) - 1 ? 16 : (lanes); \
                const d16 x = d16_from_v16(v16_load_n(v + i * ldv + (j) + 16 * q, n)); \
                const d16 d = d16_from_v16(v16_load_n(dw + i * lddw + (j) + 16 * q, n)); \
                v16_store_n(dv + i * lddv + (j) + 16 * q, d16_to_v16(d16_mul(factor[q], d16_fma(x, slope[q], d))), n); \
            } \
    } while (0)
    FDL_DOWN(cols, FDL_STRIP);
#undef FDL_STRIP
}
