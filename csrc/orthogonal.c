/* Gram and Schmidt in float64: sixteen fixed lanes, so that the bits are those of every instruction set with FMA. */
#include "fastdl.h"
#include "vec.h"

/* The inner product.   product: (1,)   a, b: (n,), n a multiple of 16 */
static void fdl_dot64(double *product, const double *a, const double *b, ptrdiff_t n)
{
    d16 sum = d16_set1(0.0);
    for (ptrdiff_t j = 0; j < n; j += 16)
        sum = d16_fma(d16_load(a + j), d16_load(b + j), sum);
    *product = d16_sum(sum);
}

/* Takes out of each row of x what points along q: x -= (x . q) factor q, where factor = 1 / (q . q).
 * x: (rows, n)   q: (n,)   n: a multiple of 16 */
static void fdl_project_out(double *x, const double *q, double factor, ptrdiff_t rows, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        double *row = x + i * n, product;
        fdl_dot64(&product, row, q, n);
        const d16 along = d16_set1(-product * factor);
        for (ptrdiff_t j = 0; j < n; j += 16)
            d16_store(row + j, d16_fma(d16_load(q + j), along, d16_load(row + j)));
    }
}
