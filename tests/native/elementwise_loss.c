#include "driver.h"

/* x, dx: (B, n k), target: (B, n)   loss, weights: (B,)   k levels of a quantile loss, else 1 */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    void (*const kernels[])(const fastdl_loss *, ptrdiff_t, ptrdiff_t) = {
        K->squared_error, K->absolute_error, K->huber, K->poisson, K->binary_cross_entropy, K->quantile, K->quantile};
    const float parameters[] = {0.75f, 0.1f, 0.5f};
    const double total = (double)B;
    float *x = numbers(K, B * n * 3, 1), *odd = strange(K, B * n * 3, 2), *target = numbers(K, B * n, 3);
    float *weights = memory(B, sizeof *weights), *dx = memory(B * n * 3, sizeof *dx), *loss = memory(B, sizeof *loss);
    K->uniform(weights, 0, B, 42, 0, 4);
    for (int form = 0; form < 28; form++) {   /* kernel, logits, weights */
        const ptrdiff_t levels = form % 7 == 6 ? 3 : 1, cols = n * levels;
        fastdl_loss of = {.loss = loss,
                          .dx = dx,
                          .x = form % 2 ? odd : x,
                          .target = target,
                          .weights = form < 14 ? weights : NULL,
                          .total_weight = &total,
                          .parameters = parameters,
                          .n_parameters = levels,
                          .cols = cols,
                          .lddx = cols,
                          .ldx = cols,
                          .ldt = n};
        kernels[form % 7](&of, 0, B / 2);
        kernels[form % 7](&of, B / 2, B);
        mix_floats(loss, B);
        mix_floats(dx, B * cols);
        of.dx = NULL;
        kernels[form % 7](&of, 0, B);
        mix_floats(loss, B);
    }
    K->agreement(loss, odd, target, B, n, n, n);
    mix_floats(loss, B);
    free(x), free(odd), free(target), free(weights), free(dx), free(loss);
}

void drive_elementwise_loss(const fastdl_table *K) { each_shape(K, drive); }
