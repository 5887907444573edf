#include "driver.h"

static void mix_loss(const fastdl_loss *a, ptrdiff_t B)
{
    mix_floats(a->loss, B);
    if (a->dx)
        mix_floats(a->dx, B * a->cols);
}

/* x, dx, target: (B, n)   loss, weights: (B,)   of softmax losses, of ordinary and of strange logits, in pieces */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    void (*const kernels[])(const fastdl_loss *, ptrdiff_t, ptrdiff_t) = {K->cross_entropy, K->probability_cross_entropy,
                                                                          K->focal};
    float *x = numbers(K, B * n, 1), *odd = strange(K, B * n, 4), *target = numbers(K, B * n, 2);
    float *weights = memory(B, sizeof *weights), *dx = memory(B * n, sizeof *dx), *loss = memory(B, sizeof *loss);
    int32_t *labels = memory(B, sizeof *labels), *best = memory(B, sizeof *best);
    const double total = (double)B;
    K->uniform(weights, 0, B, 42, 0, 3);
    for (ptrdiff_t i = 0; i < B; i++)
        labels[i] = (int32_t)(i % n);
    for (int form = 0; form < 12; form++) {   /* parameter, logits, weights */
        const float parameters[1] = {(float)(form % 3) / 2.0f};
        fastdl_loss of = {.loss = loss,
                          .dx = dx,
                          .x = form % 2 ? odd : x,
                          .target = target,
                          .labels = labels,
                          .weights = form < 6 ? weights : NULL,
                          .total_weight = &total,
                          .parameters = parameters,
                          .n_parameters = 1,
                          .cols = n,
                          .lddx = n,
                          .ldx = n,
                          .ldt = n};
        for (int k = 0; k < 3; k++) {
            of.dx = dx;
            kernels[k](&of, 0, B / 3);
            kernels[k](&of, B / 3, B);
            mix_loss(&of, B);
            of.dx = NULL;
            kernels[k](&of, 0, B);
            mix_loss(&of, B);
        }
    }
    K->softmax(dx, x, B, n, n, n);
    mix_floats(dx, B * n);
    K->log_softmax(target, x, B, n, n, n);
    mix_floats(target, B * n);
    K->argmax(best, dx, B, n, n);
    mix(best, (size_t)B * sizeof *best);
    free(x), free(odd), free(target), free(weights), free(dx), free(loss), free(labels), free(best);
}

void drive_loss(const fastdl_table *K) { each_shape(K, drive); }
