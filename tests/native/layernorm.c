#include "driver.h"

/* x, dy, y, dx: (B, n)   coef: (B, 3)   gamma, beta, sums: (n,)   partial: two blocks of the sums of dy, then of dy xhat */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    const ptrdiff_t half = B / 2;
    float *x = numbers(K, B * n, 1), *dy = numbers(K, B * n, 2), *gamma = numbers(K, n, 3), *beta = numbers(K, n, 4);
    float *y = memory(B * n, sizeof *y), *dx = memory(B * n, sizeof *dx);
    float *coef = memory(3 * B, sizeof *coef), *sums = memory(n, sizeof *sums);
    double *partial = memory(4 * n, sizeof *partial);
    for (int centered = 0; centered < 2; centered++) {
        K->layernorm(y, coef, x, gamma, centered ? beta : NULL, B, n, n, n, 1e-5, centered);
        mix_floats(y, B * n);
        K->layernorm_backward(dx, dy, x, coef, gamma, B, n, n, n, n, centered);
        mix_floats(dx, B * n);
        K->layernorm_sums(partial, partial + n, dy, x, coef, half, n, n, n, centered);
        K->layernorm_sums(partial + 2 * n, partial + 3 * n, dy + half * n, x + half * n, coef + 3 * half, B - half, n, n, n,
                          centered);
        K->add_partial(sums, partial + n, 2, n, 2 * n);
        mix_floats(sums, n);
    }
    free(x), free(dy), free(gamma), free(beta), free(y), free(dx), free(coef), free(sums), free(partial);
}

void drive_layernorm(const fastdl_table *K) { each_shape(K, drive); }
