#include "driver.h"

static const ptrdiff_t bytes_of[] = {
    [FASTDL_FLOAT32] = 4, [FASTDL_FLOAT64] = 8, [FASTDL_INT8] = 1,    [FASTDL_INT16] = 2,
    [FASTDL_INT32] = 4,   [FASTDL_INT64] = 8,   [FASTDL_UINT8] = 1,   [FASTDL_UINT16] = 2,
    [FASTDL_UINT32] = 4,  [FASTDL_UINT64] = 8,  [FASTDL_FLOAT16] = 2, [FASTDL_BOOL] = 1,
};
enum { TYPES = sizeof bytes_of / sizeof *bytes_of };

/* y: (B, n)   x: (B, n) of each type   indices: (B,)   offset, factor: (n,) */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *y = memory(B * n, sizeof *y);
    double *offset = memory(n, sizeof *offset), *factor = memory(n, sizeof *factor);
    int64_t *indices = memory(B, sizeof *indices);
    for (ptrdiff_t i = 0; i < B; i++)
        indices[i] = B - 1 - i;
    for (ptrdiff_t j = 0; j < n; j++)
        offset[j] = 0.5 * (double)j, factor[j] = 1.0 / (double)(j + 3);
    for (int type = 0; type < TYPES; type++) {
        const ptrdiff_t row = n * bytes_of[type];
        unsigned char *x = memory(B * row, 1);
        if (type == FASTDL_FLOAT64)
            for (ptrdiff_t i = 0; i < B * n; i++)
                ((double *)x)[i] = 1e8 + (double)i / 7.0;
        else
            for (ptrdiff_t i = 0; i < B * row; i++)
                x[i] = (unsigned char)(37 * i);
        K->gather(y, x, NULL, NULL, NULL, B, n, n, row, type);
        mix_floats(y, B * n);
        K->gather(y, x, indices, offset, factor, B, n, n, row, type);
        mix_floats(y, B * n);
        free(x);
    }
    free(y), free(offset), free(factor), free(indices);
}

void drive_gather(const fastdl_table *K) { each_shape(K, drive); }
