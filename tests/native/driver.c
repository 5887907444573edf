/* Calls every kernel of csrc on odd shapes, in buffers of exactly the size that each may touch, and prints a hash of what
 * they wrote: one line an instruction set. Built with the sanitizers it finds what touches more; the hashes have to be the
 * same wherever there is FMA, on any machine and with any compiler. */
#include "fastdl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash;

static void mix(const void *memory, size_t size)   /* FNV-1a */
{
    const unsigned char *byte = memory;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 1099511628211u;
}

static void *memory(ptrdiff_t count, size_t size)
{
    void *block = calloc(count ? (size_t)count : 1, size);
    if (!block)
        exit(2);
    return block;
}

static float *numbers(const fastdl_table *K, ptrdiff_t n, uint32_t stream)
{
    float *x = memory(n, sizeof *x);
    K->normal(x, 0, n, 42, 0, stream);
    return x;
}

/* x, dx: (B, I)   w, dw: (I, O)   y, dy: (B, O) */
static void dense(const fastdl_table *K, ptrdiff_t B, ptrdiff_t I, ptrdiff_t O)
{
    float *x = numbers(K, B * I, 1), *w = numbers(K, I * O, 2), *b = numbers(K, O, 3);
    float *y = memory(B * O, sizeof *y), *dw = memory(I * O, sizeof *dw), *dx = memory(B * I, sizeof *dx);
    for (int activation = FASTDL_LINEAR; activation <= FASTDL_TANH; activation++) {
        const fastdl_gemm forward = {y, x, w, activation == FASTDL_LINEAR ? NULL : b, O, I, 1, O, 1, I, activation};
        K->gemm_block(&forward, 0, B, 0, O);
        mix(y, (size_t)(B * O) * sizeof *y);
    }
    const fastdl_gemm weights = {dw, x, y, NULL, O, 1, I, O, 1, B, FASTDL_LINEAR};
    for (ptrdiff_t i = 0; i < I; i += 168)
        K->gemm_block(&weights, i, i + 168 < I ? i + 168 : I, 0, O);
    const fastdl_gemm inputs = {dx, y, w, NULL, I, O, 1, 1, O, O, FASTDL_LINEAR};
    K->gemm_block(&inputs, 0, B, 0, I);
    K->column_sums(b, y, B, O, O);
    mix(dw, (size_t)(I * O) * sizeof *dw);
    mix(dx, (size_t)(B * I) * sizeof *dx);
    mix(b, (size_t)O * sizeof *b);
    free(x), free(w), free(b), free(y), free(dw), free(dx);
}

/* x, y: (B, n) */
static void rows_of(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *x = numbers(K, B * n, 4), *y = memory(B * n, sizeof *y), *c = numbers(K, n, 5), *loss = memory(B, sizeof *loss);
    double *stats = memory(4 * n, sizeof *stats), offset[1] = {0};
    int32_t *labels = memory(B, sizeof *labels);
    const ptrdiff_t groups = (B * n + 127) / 128;
    uint8_t *bits = memory(groups * 16 + 4, 1);
    for (int kind = FASTDL_LINEAR; kind <= FASTDL_TANH; kind++) {
        K->activate(y, x, B, n, n, n, kind);
        K->activate_backward(y, x, y, B, n, n, n, n, kind);
        mix(y, (size_t)(B * n) * sizeof *y);
    }
    if (B > 0) {
        K->norm_stats(stats, stats + n, x, B, n, n);
        K->norm_apply(y, x, c, c, c, B, n, n, n, &plain);
        K->norm_sums(stats + 2 * n, stats + 3 * n, NULL, y, x, c, c, c, B, n, n, n, n, &plain);
        K->norm_backward(y, y, x, c, c, c, c, B, n, n, n, n);
        mix(stats, (size_t)(4 * n) * sizeof *stats);
    }
    K->dropout_bits(bits, 3, groups, 7, 8, 9, 13107);
    K->dropout_apply(y, y, bits, 0, B, n, n, n, 1.25f);
    mix(bits, (size_t)groups * 16);
    mix(y, (size_t)(B * n) * sizeof *y);
    for (ptrdiff_t i = 0; i < B; i++)
        labels[i] = (int32_t)(i % n);
    K->cross_entropy(loss, y, x, labels, NULL, B, n, n, n, (double)B);
    mix(loss, (size_t)B * sizeof *loss);
    mix(y, (size_t)(B * n) * sizeof *y);
    K->softmax(y, x, B, n, n, n);
    K->squared_error(loss, y, x, y, loss, B, n, n, n, n, (double)B);
    K->argmax(labels, y, B, n, n);
    mix(loss, (size_t)B * sizeof *loss);
    mix(y, (size_t)(B * n) * sizeof *y);
    mix(labels, (size_t)B * sizeof *labels);
    K->gather(y, x, NULL, NULL, NULL, B, n, n, n * (ptrdiff_t)sizeof *x, FASTDL_FLOAT32);
    K->gather(y, labels, NULL, offset, offset, B, 1, n, sizeof *labels, FASTDL_INT32);
    mix(y, (size_t)(B * n) * sizeof *y);
    free(x), free(y), free(c), free(loss), free(stats), free(labels), free(bits);
}

/* w, g, m, v: (n,) */
static void flat(const fastdl_table *K, ptrdiff_t n)
{
    float *w = numbers(K, n, 6), *g = numbers(K, n, 7), *m = memory(n, sizeof *m), *v = memory(n, sizeof *v);
    uint32_t *words = memory(4 * n, sizeof *words);
    double sum;
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
    K->scale(g, g, n, 3.0f);
    K->sum_of_squares(&sum, w, n);
    K->philox(words, 5, n, 1, 2, 3);
    mix(w, (size_t)n * sizeof *w);
    mix(m, (size_t)n * sizeof *m);
    mix(v, (size_t)n * sizeof *v);
    mix(g, (size_t)n * sizeof *g);
    mix(words, (size_t)(4 * n) * sizeof *words);
    mix(&sum, sizeof sum);
    K->uniform(w, 64, n, 1, 2, 3);
    mix(w, (size_t)n * sizeof *w);
    free(w), free(g), free(m), free(v), free(words);
}

int main(void)
{
    static const ptrdiff_t sizes[] = {0, 1, 2, 15, 16, 17, 33, 47, 64, 131};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    const fastdl_table *K;
    for (int i = 0; (K = fastdl_available(i)) != NULL; i++) {
        hash = 14695981039346656037u;
        for (int a = 0; a < SIZES; a++) {
            flat(K, sizes[a]);
            for (int b = 1; b < SIZES; b++) {
                rows_of(K, sizes[a], sizes[b]);
                for (int c = 1; c < SIZES; c += 2)
                    dense(K, sizes[a], sizes[b], sizes[c]);
            }
        }
        dense(K, 30, 1037, 66);   /* several K-blocks, a stride that is a page, */
        dense(K, 300, 1040, 200); /* packed columns */
        dense(K, 40, 256, 200);   /* copied rows */
        dense(K, 70, 40, 512);    /* a stride that falls into few cache sets */
        printf("%s %016llx\n", K->isa, (unsigned long long)hash);
    }
    return 0;
}
