#include "driver.h"

/* x, y: (B, n) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = strange(K, B * n, 1), *dy = strange(K, B * n, 2), *y = memory(B * n, sizeof *y);
    for (int kind = FASTDL_LINEAR; kind <= FASTDL_SOFTPLUS; kind++) {
        K->activate(y, x, B, n, n, n, kind, 0.5f);
        mix_floats(y, B * n);
        K->activate_backward(y, dy, y, B, n, n, n, n, kind, 0.5f);
        mix_floats(y, B * n);
    }
    free(x), free(dy), free(y);
}

void drive_activation(const fastdl_table *K) { each_shape(K, drive); }
