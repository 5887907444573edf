#include "driver.h"

/* x, dy, y, dx: (B, n) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = strange(K, B * n, 1), *dy = strange(K, B * n, 2), *y = memory(B * n, sizeof *y), *dx = memory(B * n, sizeof *dx);
    for (int kind = FASTDL_LINEAR; kind <= FASTDL_SOFTPLUS; kind++) {
        K->activate(y, x, B, n, n, n, kind, 0.3f);
        mix_floats(y, B * n);
        K->activate_backward(dx, dy, y, B, n, n, n, n, kind, 0.3f);   /* some want the output */
        mix_floats(dx, B * n);
        K->activate_backward(dx, dy, x, B, n, n, n, n, kind, 0.3f);   /* and some the input */
        mix_floats(dx, B * n);
    }
    free(x), free(dy), free(y), free(dx);
}

void drive_activation(const fastdl_table *K) { each_shape(K, drive); }
