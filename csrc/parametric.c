/* Activations of which each feature takes as much as it has learned to: y = x + alpha (f(x) - x) (Holzmueller et al. 2024,
 * RealMLP). */
#include "fastdl.h"
#include "vec.h"

FDL_INLINE void mix_piece(float *y, const float *x, const float *f, const float *alpha, const int n)
{
    const v16 start = v16_load_n(x, n);
    v16_store_n(y, v16_fma(v16_load_n(alpha, n), v16_sub(v16_load_n(f, n), start), start), n);
}

/* y = x + alpha (f - x).   y: (rows, ldy), may be f or x   x: (rows, ldx)   f: (rows, ldf)   alpha: (cols,) */
static void fdl_parametric(float *y, const float *x, const float *f, const float *alpha, ptrdiff_t rows, ptrdiff_t cols,
                           ptrdiff_t ldy, ptrdiff_t ldx, ptrdiff_t ldf)
{
    for (ptrdiff_t i = 0; i < rows; i++, y += ldy, x += ldx, f += ldf) {
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            mix_piece(y + j, x + j, f + j, alpha + j, 16);
        if (j < cols)
            mix_piece(y + j, x + j, f + j, alpha + j, (int)(cols - j));
    }
}

FDL_INLINE void slope_piece(float *dx, const float *dy, const float *alpha, const int n)
{
    const v16 through = v16_sub(v16_set1(1.0f), v16_load_n(alpha, n)), bent = v16_mul(v16_load_n(alpha, n), v16_load_n(dx, n));
    v16_store_n(dx, v16_fma(through, v16_load_n(dy, n), bent), n);
}

/* dx = alpha dx + (1 - alpha) dy, where dx was dy f'(x).   dx: (rows, lddx)   dy: (rows, lddy)   alpha: (cols,) */
static void fdl_parametric_backward(float *dx, const float *dy, const float *alpha, ptrdiff_t rows, ptrdiff_t cols,
                                    ptrdiff_t lddx, ptrdiff_t lddy)
{
    for (ptrdiff_t i = 0; i < rows; i++, dx += lddx, dy += lddy) {
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            slope_piece(dx + j, dy + j, alpha + j, 16);
        if (j < cols)
            slope_piece(dx + j, dy + j, alpha + j, (int)(cols - j));
    }
}
