#include "driver.h"

/* x, f, dx, dy, y: (B, n)   alpha: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = strange(K, B * n, 1), *f = strange(K, B * n, 2), *dy = strange(K, B * n, 3), *alpha = numbers(K, n, 4);
    float *y = memory(B * n, sizeof *y);
    K->parametric(y, x, f, alpha, B, n, n, n, n);
    mix_floats(y, B * n);
    K->parametric_backward(f, dy, alpha, B, n, n, n);
    mix_floats(f, B * n);
    free(x), free(f), free(dy), free(alpha), free(y);
}

void drive_parametric(const fastdl_table *K) { each_shape(K, drive); }
