#include "driver.h"

/* x, dx: (B, I)   w, dw: (I, O)   y, dy: (B, O) */
static void layer(const fastdl_table *K, ptrdiff_t B, ptrdiff_t I, ptrdiff_t O)
{
    float *x = numbers(K, B * I, 1), *w = numbers(K, I * O, 2), *b = numbers(K, O, 3);
    float *y = memory(B * O, sizeof *y), *dw = memory(I * O, sizeof *dw), *dx = memory(B * I, sizeof *dx);
    for (int activation = FASTDL_LINEAR; activation <= FASTDL_TANH; activation++) {
        const fastdl_gemm forward = {y, x, w, activation == FASTDL_LINEAR ? NULL : b, O, I, 1, O, 1, I, activation};
        K->gemm_block(&forward, 0, B, 0, O);
        mix_floats(y, B * O);
    }
    const fastdl_gemm weights = {dw, x, y, NULL, O, 1, I, O, 1, B, FASTDL_LINEAR};
    for (ptrdiff_t i = 0; i < I; i += 168)
        K->gemm_block(&weights, i, i + 168 < I ? i + 168 : I, 0, O);
    const fastdl_gemm inputs = {dx, y, w, NULL, I, O, 1, 1, O, O, FASTDL_LINEAR};
    K->gemm_block(&inputs, 0, B, 0, I);
    K->column_sums(b, y, B, O, O);
    mix_floats(dw, I * O);
    mix_floats(dx, B * I);
    mix_floats(b, O);
    free(x), free(w), free(b), free(y), free(dw), free(dx);
}

static void layers(const fastdl_table *K, ptrdiff_t B, ptrdiff_t I)
{
    static const ptrdiff_t outputs[] = {1, 15, 17, 47, 131};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        layer(K, B, I, outputs[i]);
}

void drive_dense(const fastdl_table *K)
{
    each_shape(K, layers);
    layer(K, 30, 1037, 66);   /* several K-blocks, a stride that is a page, */
    layer(K, 300, 1040, 200); /* packed columns */
    layer(K, 40, 256, 200);   /* copied rows, */
    layer(K, 40, 1280, 100);  /* of several K-blocks, */
    layer(K, 70, 40, 512);    /* a stride that falls into few cache sets */
}
