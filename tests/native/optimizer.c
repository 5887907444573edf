#include "driver.h"

enum { SLOTS = 3 };

/* w, g: (n,)   slots: SLOTS of (n,), set anew for each optimizer */
static void drive(const fastdl_table *K, ptrdiff_t n)
{
    float *w = numbers(K, n, 1), *g = strange(K, n, 2), *start = strange(K, SLOTS * n, 3);
    float *a = memory(SLOTS * n, sizeof *a), *b = a + n, *c = b + n;
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
                       .root_scale = 1.5f,
                       .gradient_size = 0.02f};
    for (int which = 0; which < 17; which++) {
        for (ptrdiff_t i = 0; i < SLOTS * n; i++)
            a[i] = start[i];
        u.nesterov = which & 1;
        u.rate_outside = u.rectified = which >> 1 & 1;
        switch (which) {
        case 0: K->sgd(w, g, n, &u); break;
        case 1: K->lion(w, a, g, n, &u); break;
        case 2: K->adagrad(w, a, g, n, &u); break;
        case 3: K->adadelta(w, a, b, g, n, &u); break;
        case 4: K->rmsprop(w, a, NULL, NULL, g, n, &u); break;
        case 5: K->rmsprop(w, a, b, NULL, g, n, &u); break;
        case 6: K->rmsprop(w, a, NULL, b, g, n, &u); break;
        case 7: K->rmsprop(w, a, b, c, g, n, &u); break;
        case 8: K->adam(w, a, b, g, n, &u); break;
        case 9: K->amsgrad(w, a, b, c, g, n, &u); break;
        case 10: K->nadam(w, a, b, g, n, &u); break;
        case 11: K->radam(w, a, b, g, n, &u); break;
        case 12: K->adamax(w, a, b, g, n, &u); break;
        default: K->momentum(w, a, g, n, &u);
        }
        mix_floats(w, n);
        mix_floats(a, SLOTS * n);
        free(w);
        w = numbers(K, n, 1);
    }
    K->radam(w, a, b, g, n, &u);   /* not rectified */
    mix_floats(w, n);
    free(w), free(g), free(start), free(a);
}

void drive_optimizer(const fastdl_table *K) { each_length(K, drive); }
