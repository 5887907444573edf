/* Sums in float64 and in a fixed order. */
#include "fastdl.h"
#include "vec.h"

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

enum { TOGETHER = FASTDL_NV == 2 ? 4 : 1 };   /* vectors of columns whose sums fit the registers: walks down one are slow */

/* Column sums of x or, with squares, of x^2, of so many vectors of columns, of which the last has `lanes`. Even and odd rows
 * have their own sums, which hides the latency of the additions.   total: (vectors,)   x: (rows, ldx) */
FDL_INLINE void column_totals(d16 *total, const float *x, ptrdiff_t rows, ptrdiff_t ldx, const int squares, const int vectors,
                              int lanes)
{
    d16 sum[2][TOGETHER];
    for (int v = 0; v < vectors; v++)
        sum[0][v] = sum[1][v] = d16_set1(0.0);
    for (ptrdiff_t i = 0; i < rows; i += 2)
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; odd++) {
            if (i + odd == rows)
                break;
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                const d16 y = d16_from_v16(v16_load_n(x + (i + odd) * ldx + 16 * v, v < vectors - 1 ? 16 : lanes));
                sum[odd][v] = squares ? d16_fma(y, y, sum[odd][v]) : d16_add(sum[odd][v], y);
            }
        }
    for (int v = 0; v < vectors; v++)
        total[v] = d16_add(sum[0][v], sum[1][v]);
}

/* sums = column sums of x, rows in order, in float64.   sums: (cols,)   x: (rows, ldx) */
static void fdl_column_sums(float *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    d16 total[TOGETHER];
    ptrdiff_t j = 0;
    for (; j + 16 * TOGETHER <= cols; j += 16 * TOGETHER) {
        column_totals(total, x + j, rows, ldx, 0, TOGETHER, 16);
        for (int v = 0; v < TOGETHER; v++)
            v16_store(sums + j + 16 * v, d16_to_v16(total[v]));
    }
    for (; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        column_totals(total, x + j, rows, ldx, 0, 1, n);
        v16_store_n(sums + j, d16_to_v16(total[0]), n);
    }
}

/* sums = column sums of x^2, in chains of FMAs, in float64.   sums: (cols rounded up to 16,)   x: (rows, ldx) */
static void fdl_column_squares(double *sums, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldx)
{
    d16 total[TOGETHER];
    ptrdiff_t j = 0;
    for (; j + 16 * TOGETHER <= cols; j += 16 * TOGETHER) {
        column_totals(total, x + j, rows, ldx, 1, TOGETHER, 16);
        for (int v = 0; v < TOGETHER; v++)
            d16_store(sums + j + 16 * v, total[v]);
    }
    for (; j < cols; j += 16) {
        column_totals(total, x + j, rows, ldx, 1, 1, (int)(cols - j < 16 ? cols - j : 16));
        d16_store(sums + j, total[0]);
    }
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
