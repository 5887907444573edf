#include "driver.h"

/* w, g, m, v: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t n)
{
    float *w = numbers(K, n, 1), *g = strange(K, n, 2), *m = memory(n, sizeof *m), *v = memory(n, sizeof *v);
    fastdl_update u = {.lr = 0.1f,
                       .grad_scale = 0.5f,
                       .coupled_decay = 0.01f,
                       .shrink = 0.999f,
                       .momentum = 0.9f,
                       .beta1 = 0.9f,
                       .beta2 = 0.999f,
                       .rest1 = 0.1f,
                       .rest2 = 0.001f,
                       .eps = 1e-8f,
                       .step_size = 0.01f,
                       .root_scale = 1.5f};
    K->sgd(w, g, n, &u);
    for (u.nesterov = 0; u.nesterov < 2; u.nesterov++)
        for (u.rate_outside = 0; u.rate_outside < 2; u.rate_outside++)
            K->momentum(w, m, g, n, &u);
    K->adam(w, m, v, g, n, &u);
    mix_floats(w, n);
    mix_floats(m, n);
    mix_floats(v, n);
    free(w), free(g), free(m), free(v);
}

void drive_optimizer(const fastdl_table *K) { each_length(K, drive); }
