#include "driver.h"

/* x: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t n)
{
    float *x = strange(K, n, 1);
    int clipped = 0;
    K->clip_value(x, &clipped, n, 0.5f);
    mix(&clipped, sizeof clipped);
    mix_floats(x, n);
    free(x);
}

void drive_clip(const fastdl_table *K) { each_length(K, drive); }
