#include "driver.h"

/* words: (4 n,)   x: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t n)
{
    uint32_t *words = memory(4 * n, sizeof *words);
    float *x = memory(n, sizeof *x);
    K->philox(words, 5, n, 1, 2, 3);
    mix(words, (size_t)(4 * n) * sizeof *words);
    K->uniform(x, 64, n, 1, 2, 3);
    mix_floats(x, n);
    K->normal(x, 64, n, 1, 2, 3);
    mix_floats(x, n);
    free(words), free(x);
}

void drive_random(const fastdl_table *K) { each_length(K, drive); }
