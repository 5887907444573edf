#include "driver.h"

/* x, dy, minus, y: (B, n)   factor: (n,)   sums: (n rounded up to 16,) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    const ptrdiff_t padded = (n + 15) / 16 * 16;
    float *x = numbers(K, B * n, 1), *dy = numbers(K, B * n, 2), *minus = numbers(K, B * n, 3), *factor = numbers(K, n, 4);
    float *y = memory(B * n, sizeof *y);
    double *sums = memory(padded, sizeof *sums);
    K->scale_columns(y, x, factor, B, n, n, n);
    mix_floats(y, B * n);
    for (int differs = 0; differs < 2; differs++) {
        K->column_products(sums, dy, x, differs ? minus : NULL, B, n, n, n, n);
        mix(sums, (size_t)n * sizeof *sums);
    }
    free(x), free(dy), free(minus), free(factor), free(y), free(sums);
}

void drive_feature_scale(const fastdl_table *K) { each_shape(K, drive); }
