/* A factor for each column, and what it learns from. */
#include "columns.h"
#include "fastdl.h"

/* y = x with column j multiplied by factor j.   y: (rows, ldy), may be x   x: (rows, ldx)   factor: (cols,) */
static void fdl_scale_columns(float *y, const float *x, const float *factor, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy,
                              ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++, y += ldy, x += ldx) {
        ptrdiff_t j = 0;
        for (; j + 16 <= cols; j += 16)
            v16_store(y + j, v16_mul(v16_load(x + j), v16_load(factor + j)));
        if (j < cols) {
            const int n = (int)(cols - j);
            v16_store_n(y + j, v16_mul(v16_load_n(x + j, n), v16_load_n(factor + j, n)), n);
        }
    }
}

/* sums = column sums of dy (x - minus), or of dy x where minus is NULL, in float64, in chains of FMAs; the difference is
 * rounded once.   sums: (cols rounded up to 16,)   dy: (rows, lddy)   x: (rows, ldx)   minus: (rows, ldm) */
static void fdl_column_products(double *sums, const float *dy, const float *x, const float *minus, ptrdiff_t rows,
                                ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx, ptrdiff_t ldm)
{
    d16 total[TOGETHER];
#define FDL_STRIP(j, vectors, lanes) \
    do { \
        column_totals(total, dy + (j), x + (j), minus ? minus + (j) : NULL, rows, lddy, ldx, ldm, 0, vectors, lanes); \
        for (int v = 0; v < (vectors); v++) \
            d16_store(sums + (j) + 16 * v, total[v]); \
    } while (0)
    FDL_DOWN(cols, FDL_STRIP);
#undef FDL_STRIP
}
