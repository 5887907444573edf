#include "driver.h"

/* x: (B, n), float64, n made a multiple of 16 */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    const ptrdiff_t width = (n + 15) / 16 * 16;
    float *from = numbers(K, (B + 1) * width, 1);
    double *x = memory((B + 1) * width, sizeof *x), square;
    for (ptrdiff_t i = 0; i < (B + 1) * width; i++)
        x[i] = (double)from[i];
    K->dot64(&square, x + B * width, x + B * width, width);
    mix(&square, sizeof square);
    K->project_out(x, x + B * width, 1.0 / square, B, width);
    mix(x, (size_t)(B * width) * sizeof *x);
    free(from), free(x);
}

void drive_orthogonal(const fastdl_table *K) { each_shape(K, drive); }
