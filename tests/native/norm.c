#include "driver.h"

/* x, dy, g, y: (B, n)   bits: of elements in groups of 128, and 4 bytes more */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    const ptrdiff_t groups = (B * n + 127) / 128;
    float *x = numbers(K, B * n, 1), *dy = numbers(K, B * n, 2), *c = numbers(K, n, 3);
    float *g = memory(B * n, sizeof *g), *y = memory(B * n, sizeof *y);
    double *stats = memory(4 * n, sizeof *stats);
    float *coef = memory(7 * n, sizeof *coef);
    uint8_t *bits = memory(groups * 16 + 4, 1);
    K->dropout_bits(bits, 0, groups, 7, 8, 9, 13107);
    const fastdl_tail tails[] = {{.activation = FASTDL_LINEAR}, {FASTDL_RELU, bits, n, 0, 1.25f}};
    for (int i = 0; i < 2 && B > 0; i++) {   /* the mean of no rows is nothing */
        K->norm_stats(stats, stats + n, x, B, n, n);
        K->norm_apply(y, x, c, c, c, B, n, n, n, &tails[i]);
        K->norm_sums(stats + 2 * n, stats + 3 * n, i ? g : NULL, dy, x, c, c, c, B, n, n, n, n, &tails[i]);
        mix(stats, (size_t)(4 * n) * sizeof *stats);
        mix_floats(y, B * n);
        mix_floats(g, B * n);
        K->norm_backward(y, y, x, c, c, c, c, B, n, n, n, n);
        mix_floats(y, B * n);
    }
    for (int i = 0; i < 2 && B > 0; i++) {
        const double eps = i ? 0.0 : 1e-5;
        K->norm_stats(stats, stats + n, x, B, n, n);
        for (ptrdiff_t j = 0; i && j < n; j++)
            stats[j] += 1e6;   /* which float32 rounds */
        K->norm_coefficients(coef, coef + n, coef + 2 * n, stats, stats + n, c, c, n, eps);
        K->norm_gradients(coef + 3 * n, coef + 4 * n, coef + 5 * n, coef + 6 * n, stats + 2 * n, stats + 3 * n, coef, stats,
                          stats + n, n, eps, 1.0 / (double)B);
        mix_floats(coef, 7 * n);
    }
    free(x), free(dy), free(c), free(g), free(y), free(stats), free(coef), free(bits);
}

void drive_norm(const fastdl_table *K) { each_shape(K, drive); }
