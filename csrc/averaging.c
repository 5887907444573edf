/* Running averages of weights. */
#include "fastdl.h"
#include "vec.h"

/* a += rest (w - a), which is a = (1 - rest) a + rest w but stays at w once it is there, whatever rest's rounding.
 * a, w: (n,) */
static void fdl_average(float *a, const float *w, ptrdiff_t n, float rest)
{
    const v16 share = v16_set1(rest);
    for (ptrdiff_t i = 0; i < n; i += 16) {
        const int lanes = (int)(n - i < 16 ? n - i : 16);
        const v16 old = v16_load_n(a + i, lanes);
        v16_store_n(a + i, v16_fma(share, v16_sub(v16_load_n(w + i, lanes), old), old), lanes);
    }
}
