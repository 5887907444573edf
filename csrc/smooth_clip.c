/* A bound that outliers come near but never cross (Holzmueller et al. 2024, RealMLP). */
#include "fastdl.h"
#include "vec.h"

/* x / sqrt(1 + r^2) with r = x / clip; where |r| > 1, whose square might not be a float, +-clip / sqrt(1 + 1 / r^2). NaN stays:
 * it is not above 1. */
FDL_INLINE v16 smooth_clip_value(v16 x, v16 clip)
{
    const v16 one = v16_set1(1.0f), r = v16_div(x, clip), inverse = v16_div(one, r);
    const w16 sign = w16_and(v16_bits(x), w16_set1(0x80000000u));
    const m16 large = v16_lt(one, v16_from_bits(w16_xor(v16_bits(r), sign)));
    const v16 limit = v16_from_bits(w16_or(v16_bits(clip), sign)), q = v16_select(large, inverse, r);
    return v16_div(v16_select(large, limit, x), v16_sqrt(v16_fma(q, q, one)));
}

/* y = x / sqrt(1 + (x / clip)^2).   y: (rows, ldy)   x: (rows, ldx), may be y   clip > 0 */
static void fdl_smooth_clip(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, float clip)
{
    const v16 limit = v16_set1(clip);
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += 16) {
            const int n = (int)(cols - j < 16 ? cols - j : 16);
            v16_store_n(y + i * ldy + j, smooth_clip_value(v16_load_n(x + i * ldx + j, n), limit), n);
        }
}
