/* Learned vectors for category codes: rows of a table, and their gradient. A code is a whole number in a float, and is good
 * for a row if it is one of 0 .. size - 1, size at most 2^24. */
#include "fastdl.h"
#include "vec.h"

FDL_INLINE ptrdiff_t row_of_code(float code, ptrdiff_t size)   /* -1 if there is none */
{
    if (!(code >= 0.0f && code < (float)size))   /* NaN is not */
        return -1;
    const ptrdiff_t row = (ptrdiff_t)code;
    return (float)row == code ? row : -1;
}

/* y = the rows of the table that the codes name, NaN for a code that names none.
 * y: (rows, ldy), dim columns   codes: (rows,), ldx floats apart   table: (size, dim) */
static void fdl_embedding(float *y, const float *codes, const float *table, ptrdiff_t rows, ptrdiff_t dim, ptrdiff_t size,
                          ptrdiff_t ldy, ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t row = row_of_code(codes[i * ldx], size);
        for (ptrdiff_t j = 0; j < dim; j += 16) {
            const int n = (int)(dim - j < 16 ? dim - j : 16);
            const v16 vector = row < 0 ? v16_set1(__builtin_nanf("")) : v16_load_n(table + row * dim + j, n);
            v16_store_n(y + i * ldy + j, vector, n);
        }
    }
}

/* Rows first .. last - 1 of the table's gradient: the sum of dy over the batch rows of that code, in their order.
 * dtable: (size, dim)   dy: (rows, lddy), dim columns   codes: (rows,), ldx floats apart */
static void fdl_embedding_backward(float *dtable, const float *dy, const float *codes, ptrdiff_t first, ptrdiff_t last,
                                   ptrdiff_t rows, ptrdiff_t dim, ptrdiff_t size, ptrdiff_t lddy, ptrdiff_t ldx)
{
    memset(dtable + first * dim, 0, (size_t)((last - first) * dim) * sizeof *dtable);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t row = row_of_code(codes[i * ldx], size);
        if (row < first || row >= last)
            continue;
        float *sum = dtable + row * dim;
        for (ptrdiff_t j = 0; j < dim; j += 16) {
            const int n = (int)(dim - j < 16 ? dim - j : 16);
            v16_store_n(sum + j, v16_add(v16_load_n(sum + j, n), v16_load_n(dy + i * lddy + j, n)), n);
        }
    }
}

/* y_j = x_columns[j].   y: (rows, ldy)   x: (rows, ldx)   columns: (count,) */
static void fdl_take_columns(float *y, const float *x, const int64_t *columns, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t ldy,
                             ptrdiff_t ldx)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < count; j++)
            y[i * ldy + j] = x[i * ldx + columns[j]];
}

/* x_columns[j] = y_j, and 0 elsewhere.   x: (rows, ldx), cols columns   y: (rows, ldy)   columns: (count,) */
static void fdl_put_columns(float *x, const float *y, const int64_t *columns, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t cols,
                            ptrdiff_t ldx, ptrdiff_t ldy)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        memset(x + i * ldx, 0, (size_t)cols * sizeof *x);
        for (ptrdiff_t j = 0; j < count; j++)
            x[i * ldx + columns[j]] = y[i * ldy + j];
    }
}
