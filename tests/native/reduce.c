#include "driver.h"

/* x: (n,) */
static void flat(const fastdl_table *K, ptrdiff_t n)
{
    float *x = numbers(K, n, 1);
    double sum;
    K->sum_of_squares(&sum, x, n);
    mix(&sum, sizeof sum);
    K->scale(x, x, n, 3.0f);
    mix_floats(x, n);
    free(x);
}

/* x: (B, n)   sums: (n rounded up to 16,) */
static void columns(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = numbers(K, B * n, 1), *factor = strange(K, n, 2);
    double *sums = memory((n + 15) / 16 * 16, sizeof *sums);
    K->column_squares(sums, x, B, n, n);
    mix(sums, (size_t)n * sizeof *sums);
    K->scale_columns(x, x, factor, B, n, n, n);
    mix_floats(x, B * n);
    free(x), free(factor), free(sums);
}

void drive_reduce(const fastdl_table *K)
{
    each_length(K, flat);
    each_shape(K, columns);
}
