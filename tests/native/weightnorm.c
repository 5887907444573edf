#include "driver.h"

/* v, w, dw, dv: (I, O)   g, dg: (O,) */
static void drive(const fastdl_table *K, ptrdiff_t I, ptrdiff_t O)
{
    float *v = numbers(K, I * O, 1), *g = strange(K, O, 2), *dw = numbers(K, I * O, 3);
    float *w = memory(I * O, sizeof *w), *dv = memory(I * O, sizeof *dv), *dg = memory(O, sizeof *dg);
    for (ptrdiff_t i = 0; i < I; i++)
        v[i * O] = 0.0f;   /* a unit without a length */
    K->weightnorm(w, v, g, I, O, O, O);
    mix_floats(w, I * O);
    K->weightnorm_backward(dv, dg, dw, v, g, I, O, O, O, O);
    mix_floats(dv, I * O);
    mix_floats(dg, O);
    free(v), free(g), free(dw), free(w), free(dv), free(dg);
}

void drive_weightnorm(const fastdl_table *K) { each_shape(K, drive); }
