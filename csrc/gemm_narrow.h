/* Products with a few columns, such as those of a layer with one or two outputs, which would leave most lanes of a tile
 * empty: lanes hold rows of C instead. The chain of each output is the one that a tile makes, so the bits are, too. */
#ifndef FASTDL_GEMM_NARROW_H
#define FASTDL_GEMM_NARROW_H
#include "fastdl.h"
#include "vec.h"

/* Where a transposition in registers costs more than empty lanes, there are no such products. */
enum { NARROW = FASTDL_NV == 2 ? 8 : 0, NARROW_SUMS = 16 };

/* C[i : i + rows, j : j + n] = sums [+ bias] [then ReLU].   sums: (n,) vectors of at most 16 rows */
FDL_INLINE void store_narrow(const fastdl_gemm *g, const v16 *sums, ptrdiff_t i, ptrdiff_t j, int rows, int n)
{
    const v16 floor = g->activation == FASTDL_RELU ? v16_zero() : v16_set1(-__builtin_inff());
    for (int q = 0; q < n; q++) {
        float lane[16];
        v16_store(lane, v16_max(floor, g->bias ? v16_add(sums[q], v16_set1(g->bias[j + q])) : sums[q]));   /* NaN passes */
        for (int r = 0; r < rows; r++)
            g->c[(i + r) * g->ldc + j + q] = lane[r];
    }
}

/* sums (n,) += a (rows, depth) b (depth, n).   a: (rows, a_i)   b: b_p and b_j apart   n at most cols, the others at most 16 */
FDL_INLINE void narrow_square(v16 *sums, const float *a, const float *b, ptrdiff_t a_i, ptrdiff_t b_p, ptrdiff_t b_j, int rows,
                              int depth, int n, const int cols)
{
    v16 x[16], sum[NARROW];
#pragma GCC unroll 16
    for (int r = 0; r < 16; r++)
        x[r] = r < rows ? v16_load_n(a + r * a_i, depth) : v16_zero();
    v16_transpose(x);
#pragma GCC unroll 8
    for (int q = 0; q < cols; q++)
        sum[q] = sums[q];
#pragma GCC unroll 16
    for (int d = 0; d < 16; d++)
        if (d < depth)
#pragma GCC unroll 8
            for (int q = 0; q < cols; q++)
                sum[q] = v16_fma(x[d], v16_set1(b[d * b_p + (q < n ? q : 0) * b_j]), sum[q]);
#pragma GCC unroll 8
    for (int q = 0; q < cols; q++)
        sums[q] = sum[q];
}

/* C[i : i1, j : j + n], at most 16 NARROW_SUMS / cols rows of it, where rows of A are contiguous. n is at most cols. */
FDL_INLINE void narrow_by_rows(const fastdl_gemm *g, ptrdiff_t i, ptrdiff_t i1, ptrdiff_t j, int n, const int cols)
{
    v16 sums[NARROW_SUMS];
    for (int q = 0; q < NARROW_SUMS; q++)
        sums[q] = v16_zero();
    const float *b = g->b + j * g->b_j;
    for (ptrdiff_t p = 0; p < g->k; p += 16, b += 16 * g->b_p) {
        const float *a = g->a + i * g->a_i + p;
        const ptrdiff_t depth = g->k - p;
        for (ptrdiff_t r = 0; i + r < i1; r += 16, a += 16 * g->a_i) {
            const ptrdiff_t rows = i1 - i - r;
            v16 *sum = sums + r / 16 * cols;
            if (rows >= 16 && depth >= 16)
                narrow_square(sum, a, b, g->a_i, g->b_p, g->b_j, 16, 16, n, cols);
            else
                narrow_square(sum, a, b, g->a_i, g->b_p, g->b_j, (int)(rows < 16 ? rows : 16), (int)(depth < 16 ? depth : 16),
                              n, cols);
        }
    }
    for (ptrdiff_t r = 0; i + r < i1; r += 16)
        store_narrow(g, sums + r / 16 * cols, i + r, j, (int)(i1 - i - r < 16 ? i1 - i - r : 16), n);
}

/* The same where columns of A are contiguous. */
FDL_INLINE void narrow_by_columns(const fastdl_gemm *g, ptrdiff_t i, ptrdiff_t i1, ptrdiff_t j, int n, const int cols)
{
    v16 sums[NARROW_SUMS];
    for (int q = 0; q < NARROW_SUMS; q++)
        sums[q] = v16_zero();
    const float *a = g->a + i, *b = g->b + j * g->b_j;
    const ptrdiff_t rows = i1 - i;
    for (ptrdiff_t p = 0; p < g->k; p++, a += g->a_p, b += g->b_p) {
        v16 factor[NARROW_SUMS];
        for (int q = 0; q < cols; q++)
            factor[q] = q < n ? v16_set1(b[q * g->b_j]) : v16_zero();
#pragma GCC unroll 16
        for (int group = 0; group < NARROW_SUMS / cols; group++) {
            const ptrdiff_t left = rows - 16 * group;
            const v16 x = v16_load_n(a + (left > 0 ? 16 * group : 0), (int)(left < 0 ? 0 : left < 16 ? left : 16));
#pragma GCC unroll 8
            for (int q = 0; q < cols; q++)
                sums[group * cols + q] = v16_fma(x, factor[q], sums[group * cols + q]);
        }
    }
    for (int group = 0; 16 * group < rows; group++) {
        const ptrdiff_t left = rows - 16 * group;
        store_narrow(g, sums + group * cols, i + 16 * group, j, (int)(left < 16 ? left : 16), n);
    }
}

FDL_INLINE void narrow(const fastdl_gemm *g, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t j, int n, const int cols)
{
    const ptrdiff_t step = 16 * NARROW_SUMS / cols;
    for (ptrdiff_t i = i0; i < i1; i += step)
        if (g->a_p == 1)
            narrow_by_rows(g, i, i + step < i1 ? i + step : i1, j, n, cols);
        else
            narrow_by_columns(g, i, i + step < i1 ? i + step : i1, j, n, cols);
}

/* C[i0 : i1, j0 : j1], at most NARROW columns, without the activations that products apply to finished blocks. */
static void narrow_block(const fastdl_gemm *g, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t j0, ptrdiff_t j1)
{
    const int n = (int)(j1 - j0);
    if (n == 1)
        narrow(g, i0, i1, j0, 1, 1);
    else if (n == 2)
        narrow(g, i0, i1, j0, 2, 2);
    else if (n <= 4)
        narrow(g, i0, i1, j0, n, 4);
    else
        narrow(g, i0, i1, j0, n, 8);
}
#endif
