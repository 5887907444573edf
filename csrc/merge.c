/* Where branches of a network meet. */
#include "fastdl.h"
#include "vec.h"

/* y = a + b.   y: (rows, ldy), may be a or b   a: (rows, lda)   b: (rows, ldb) */
static void fdl_add(float *y, const float *a, const float *b, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t lda,
                    ptrdiff_t ldb)
{
    for (ptrdiff_t i = 0; i < rows; i++, y += ldy, a += lda, b += ldb) {
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            v16_store(y + j, v16_add(v16_load(a + j), v16_load(b + j)));
        if (j < cols) {
            const int n = (int)(cols - j);
            v16_store_n(y + j, v16_add(v16_load_n(a + j, n), v16_load_n(b + j, n)), n);
        }
    }
}
