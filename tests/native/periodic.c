#include "driver.h"

enum { WAVES = 5 };

/* x, dx: (B, n)   y, dy: (B, (1 + m) n)   frequency, phase: (WAVES, n)   weight: (WAVES, m, n)   bias: (m, n)
 * sums: ((2 + m) WAVES + m, n rounded up to 16) */
static void drive_mixtures(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n, int m)
{
    const ptrdiff_t ld = (n + 15) / 16 * 16, groups = (2 + m) * WAVES + m, wide = (1 + m) * n;
    float *x = numbers(K, B * n, 1), *dy = numbers(K, B * wide, 2), *y = memory(B * wide, sizeof *y);
    float *frequency = numbers(K, WAVES * n, 3), *phase = numbers(K, WAVES * n, 4), *dx = memory(B * n, sizeof *dx);
    float *weight = numbers(K, WAVES * m * n, 5), *bias = numbers(K, m * n, 6);
    double *sums = memory(groups * ld, sizeof *sums);
    const fastdl_periodic p = {frequency, phase, weight, bias, WAVES, n, ld, m};
    K->periodic(y, x, &p, B, wide, n);
    mix_floats(y, B * wide);
    K->periodic_backward(dx, sums, dy, x, &p, B, n, wide, n);
    mix_floats(dx, B * n);
    for (ptrdiff_t g = 0; g < groups; g++)
        mix(sums + g * ld, (size_t)n * sizeof *sums);
    K->periodic_backward(NULL, sums, dy, x, &p, B, n, wide, n);
    mix(sums, (size_t)n * sizeof *sums);
    free(x), free(dy), free(y), free(frequency), free(phase), free(dx), free(weight), free(bias), free(sums);
}

static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    drive_mixtures(K, B, n, 3);
    drive_mixtures(K, B, n, FASTDL_MIXTURES);
}

void drive_periodic(const fastdl_table *K) { each_shape(K, drive); }
