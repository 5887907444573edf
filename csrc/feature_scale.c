/* A factor for each column, and what it learns from. */
#include "fastdl.h"
#include "vec.h"

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

/* sums = column sums of dy (x - minus), or of dy x where minus is NULL, in float64, even and odd rows in a chain of FMAs
 * each; the difference is rounded once.   sums: (cols rounded up to 16,)   dy: (rows, lddy)   x: (rows, ldx)
 * minus: (rows, ldm) */
static void fdl_column_products(double *sums, const float *dy, const float *x, const float *minus, ptrdiff_t rows,
                                ptrdiff_t cols, ptrdiff_t lddy, ptrdiff_t ldx, ptrdiff_t ldm)
{
    for (ptrdiff_t j = 0; j < cols; j += 16) {
        const int n = (int)(cols - j < 16 ? cols - j : 16);
        d16 sum[2] = {d16_set1(0.0), d16_set1(0.0)};
        for (ptrdiff_t i = 0; i < rows; i++) {
            v16 of = v16_load_n(x + i * ldx + j, n);
            if (minus)
                of = v16_sub(of, v16_load_n(minus + i * ldm + j, n));
            sum[i & 1] = d16_fma(d16_from_v16(v16_load_n(dy + i * lddy + j, n)), d16_from_v16(of), sum[i & 1]);
        }
        d16_store(sums + j, d16_add(sum[0], sum[1]));
    }
}
