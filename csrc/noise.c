/* Gaussian noise added to a block of rows. Element e of the batch gets normal deviate e of (seed, step, stream), so that the
 * bits don't depend on how the batch is cut. */
#include "fastdl.h"
#include "rng.h"

/* y = x + std normal(seed, step, stream, element).   y: (rows, ldy)   x: (rows, ldx), may be y
 * row0: number of the first of these rows in the batch */
static void fdl_noise(float *y, const float *x, ptrdiff_t row0, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx,
                      float std, uint64_t seed, uint32_t step, uint32_t stream)
{
    const v16 size = v16_set1(std);
    ptrdiff_t element = row0 * cols, i = 0, j = 0;
    while (element < (row0 + rows) * cols) {
        float normal[64];
        ptrdiff_t at = element % 64;
        normal64(normal, (uint64_t)(element - at), seed, step, stream);
        while (at < 64 && i < rows) {   /* up to the end of the group, of the row or of a vector */
            ptrdiff_t n = cols - j < 64 - at ? cols - j : 64 - at;
            n = n < 16 ? n : 16;
            const v16 sum = v16_fma(v16_load_n(normal + at, (int)n), size, v16_load_n(x + i * ldx + j, (int)n));
            v16_store_n(y + i * ldy + j, sum, (int)n);
            at += n;
            element += n;
            j += n;
            if (j == cols) {
                j = 0;
                i++;
            }
        }
    }
}
