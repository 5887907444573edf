/* Elements held within an interval. */
#include "fastdl.h"
#include "vec.h"

/* x = min(max(x, -limit), limit), NaN kept; clipped = whether that changed any.   x: (n,), limit at least 0 */
static void fdl_clip_value(float *x, int *clipped, ptrdiff_t n, float limit)
{
    const v16 high = v16_set1(limit), low = v16_set1(-limit), one = v16_set1(1.0f);
    v16 outside = v16_zero();
    for (ptrdiff_t i = 0; i < n; i += 16) {
        const int lanes = (int)(n - i < 16 ? n - i : 16);
        const v16 v = v16_load_n(x + i, lanes);
        const m16 above = v16_lt(high, v), below = v16_lt(v, low);
        outside = v16_select(above, one, v16_select(below, one, outside));
        v16_store_n(x + i, v16_select(above, high, v16_select(below, low, v)), lanes);
    }
    *clipped = v16_sum(outside) > 0.0f;
}
