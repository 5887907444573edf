/* Penalties on the size of weights: L1 and L2 at once, value and gradient in one pass. */
#include "fastdl.h"
#include "vec.h"

/* g += c1 sign(w) + twice_c2 w; sums = (sum of |w|, sum of w^2), in float64 by 16 lanes. A term whose factor is 0 is left
 * out, so that an infinite weight is not multiplied by it; NaN reaches g either way.   g, w: (n,)   sums: (2,) */
static void fdl_penalty(float *g, double *sums, const float *w, ptrdiff_t n, float c1, float twice_c2)
{
    const v16 zero = v16_zero(), plus = v16_set1(c1), minus = v16_set1(-c1), slope = v16_set1(twice_c2);
    const w16 magnitude = w16_set1(0x7FFFFFFFu);
    d16 absolute = d16_set1(0.0), squares = d16_set1(0.0);
    for (ptrdiff_t i = 0; i < n; i += 16) {
        const int lanes = (int)(n - i < 16 ? n - i : 16);
        const v16 x = v16_load_n(w + i, lanes);
        v16 y = v16_load_n(g + i, lanes);
        if (twice_c2 != 0.0f) {
            const d16 exact = d16_from_v16(x);
            y = v16_fma(slope, x, y);
            squares = d16_fma(exact, exact, squares);
        }
        if (c1 != 0.0f) {
            const v16 neither = v16_mul(x, zero);   /* of 0 or NaN */
            y = v16_add(y, v16_select(v16_lt(zero, x), plus, v16_select(v16_lt(x, zero), minus, neither)));
            absolute = d16_add(absolute, d16_from_v16(v16_from_bits(w16_and(v16_bits(x), magnitude))));
        }
        v16_store_n(g + i, y, lanes);
    }
    sums[0] = d16_sum(absolute);
    sums[1] = d16_sum(squares);
}
