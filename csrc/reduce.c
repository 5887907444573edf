/* Sums in float64 and in a fixed order. */
#include "columns.h"
#include "fastdl.h"

/* sum = sum of x^2; the squares are taken in float64, so that 1e25 neither overflows nor 1e-30 vanishes.   x: (n,) */
static void fdl_sum_of_squares(double *sum, const float *x, ptrdiff_t n)
{
    d16 part[2] = {d16_set1(0.0), d16_set1(0.0)};
    ptrdiff_t i = 0;
    for (; i + 32 <= n; i += 32)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            const d16 v = d16_from_v16(v16_load(x + i + 16 * j));
            part[j] = d16_fma(v, v, part[j]);
        }
    for (; i < n; i += 16) {
        const d16 v = d16_from_v16(v16_load_n(x + i, (int)(n - i < 16 ? n - i : 16)));
        part[0] = d16_fma(v, v, part[0]);
    }
    *sum = d16_sum(d16_add(part[0], part[1]));
}

/* sums = column sums of x, in float64.   sums: (cols,)   x: (rows, ldx) */
static void fdl_column_sums(float *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    d16 total[TOGETHER];
#define FDL_STRIP(j, vectors, lanes) \
    do { \
        column_totals(total, x + (j), NULL, NULL, rows, ldx, 0, 0, 0, vectors, lanes); \
        for (int v = 0; v < (vectors); v++) \
            v16_store_n(sums + (j) + 16 * v, d16_to_v16(total[v]), v < (vectors) - 1 ? 16 : (lanes)); \
    } while (0)
    FDL_DOWN(cols, FDL_STRIP);
#undef FDL_STRIP
}

/* sums = column sums of x^2, in chains of FMAs, in float64.   sums: (cols rounded up to 16,)   x: (rows, ldx) */
static void fdl_column_squares(double *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    d16 total[TOGETHER];
#define FDL_STRIP(j, vectors, lanes) \
    do { \
        column_totals(total, x + (j), NULL, NULL, rows, ldx, 0, 0, 1, vectors, lanes); \
        for (int v = 0; v < (vectors); v++) \
            d16_store(sums + (j) + 16 * v, total[v]); \
    } while (0)
    FDL_DOWN(cols, FDL_STRIP);
#undef FDL_STRIP
}

/* y = factor x.   y, x: (n,), may be the same */
static void fdl_scale(float *y, const float *x, ptrdiff_t n, float factor)
{
    const v16 a = v16_set1(factor);
    for (ptrdiff_t i = 0; i < n; i += 16) {
        const int lanes = (int)(n - i < 16 ? n - i : 16);
        v16_store_n(y + i, v16_mul(v16_load_n(x + i, lanes), a), lanes);
    }
}
