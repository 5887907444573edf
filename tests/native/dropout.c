#include "driver.h"

/* x, y: (B, n)   bits: of elements in groups of 128, and 4 bytes more */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    const ptrdiff_t groups = (B * n + 127) / 128;
    float *x = strange(K, B * n, 1), *y = memory(B * n, sizeof *y);
    uint8_t *bits = memory(groups * 16 + 4, 1);
    K->dropout_bits(bits, 3, groups, 7, 8, 9, 13107);
    K->dropout_apply(y, x, bits, 0, B, n, n, n, 1.25f);
    mix(bits, (size_t)groups * 16);
    mix_floats(y, B * n);
    K->alpha_dropout(y, x, bits, 0, B, n, n, n, 0.9f, 0.3f, -1.2f);
    mix_floats(y, B * n);
    free(x), free(y), free(bits);
}

void drive_dropout(const fastdl_table *K) { each_shape(K, drive); }
