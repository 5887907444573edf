#include "driver.h"

/* x, dx, target: (B, n)   loss, weights: (B,) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = numbers(K, B * n, 1), *target = numbers(K, B * n, 2), *weights = memory(B, sizeof *weights);
    float *dx = memory(B * n, sizeof *dx), *loss = memory(B, sizeof *loss);
    int32_t *labels = memory(B, sizeof *labels), *best = memory(B, sizeof *best);
    K->uniform(weights, 0, B, 42, 0, 3);
    for (ptrdiff_t i = 0; i < B; i++)
        labels[i] = (int32_t)(i % n);
    for (int weighted = 0; weighted < 2; weighted++) {
        K->cross_entropy(loss, dx, x, labels, weighted ? weights : NULL, B, n, n, n, (double)B);
        mix_floats(loss, B);
        mix_floats(dx, B * n);
        K->squared_error(loss, dx, x, target, weighted ? weights : NULL, B, n, n, n, n, (double)B);
        mix_floats(loss, B);
        mix_floats(dx, B * n);
    }
    K->softmax(dx, x, B, n, n, n);
    mix_floats(dx, B * n);
    K->log_softmax(target, x, B, n, n, n);
    mix_floats(target, B * n);
    K->argmax(best, dx, B, n, n);
    mix(best, (size_t)B * sizeof *best);
    free(x), free(target), free(weights), free(dx), free(loss), free(labels), free(best);
}

void drive_loss(const fastdl_table *K) { each_shape(K, drive); }
