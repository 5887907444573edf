#include "driver.h"

/* x, y: (B, n) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = strange(K, B * n, 1), *y = memory(B * n, sizeof *y);
    K->smooth_clip(y, x, B, n, n, n, 3.0f);
    mix_floats(y, B * n);
    free(x), free(y);
}

void drive_smooth_clip(const fastdl_table *K) { each_shape(K, drive); }
