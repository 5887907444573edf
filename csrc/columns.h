/* Sums down the columns of a matrix, in float64. Even and odd rows have a chain each, which hides the latency of the
 * additions and is part of the promise of equal bits. */
#ifndef FASTDL_COLUMNS_H
#define FASTDL_COLUMNS_H
#include "vec.h"

/* Vectors of columns whose sums fit the registers: a walk down single ones is slow in memory that is not in the nearest cache. */
enum { TOGETHER = FASTDL_NV == 2 ? 4 : 1 };

/* Sums of x, or with squares of x^2, or else with z of x z, or with z and minus of x (z - minus), the difference rounded to
 * float32, down so many vectors of columns, of which the last has `lanes`; squares and products in chains of FMAs.
 * total: (vectors,)   x: (rows, ldx)   z: (rows, ldz) or NULL   minus: (rows, ldm) or NULL */
FDL_INLINE void column_totals(d16 *total, const float *x, const float *z, const float *minus, ptrdiff_t rows, ptrdiff_t ldx,
                              ptrdiff_t ldz, ptrdiff_t ldm, const int squares, const int vectors, int lanes)
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
                const int n = v < vectors - 1 ? 16 : lanes;
                const d16 y = d16_from_v16(v16_load_n(x + (i + odd) * ldx + 16 * v, n));
                if (squares) {
                    sum[odd][v] = d16_fma(y, y, sum[odd][v]);
                } else if (z) {
                    v16 other = v16_load_n(z + (i + odd) * ldz + 16 * v, n);
                    if (minus)
                        other = v16_sub(other, v16_load_n(minus + (i + odd) * ldm + 16 * v, n));
                    sum[odd][v] = d16_fma(y, d16_from_v16(other), sum[odd][v]);
                } else {
                    sum[odd][v] = d16_add(sum[odd][v], y);
                }
            }
        }
    for (int v = 0; v < vectors; v++)
        total[v] = d16_add(sum[0][v], sum[1][v]);
}

/* Calls f(j, vectors, lanes) for all columns, as many vectors together as there are. */
#define FDL_DOWN(cols, f) \
    do { \
        ptrdiff_t j = 0; \
        for (; j + 16 * TOGETHER <= (cols); j += 16 * TOGETHER) \
            f(j, TOGETHER, 16); \
        for (; j < (cols); j += 16) \
            f(j, 1, (int)((cols) - j < 16 ? (cols) - j : 16)); \
    } while (0)
#endif
