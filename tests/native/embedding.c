#include "driver.h"

enum { SIZE = 5 };

/* codes: (B,)   table, dtable: (SIZE, n)   y, dy, x: (B, n)   columns: (n,), each once, from the last */
static void drive(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n)
{
    float *codes = strange(K, B, 1), *table = numbers(K, SIZE * n, 2), *dtable = memory(SIZE * n, sizeof *dtable);
    float *y = memory(B * n, sizeof *y), *x = memory(B * n, sizeof *x);
    int64_t *columns = memory(n, sizeof *columns);
    for (ptrdiff_t i = 0; i < B; i++)   /* also what names no row */
        codes[i] = i % 4 ? (float)(i % SIZE) : codes[i];
    for (ptrdiff_t j = 0; j < n; j++)
        columns[j] = n - 1 - j;
    K->embedding(y, codes, table, B, n, SIZE, n, 1);
    mix_floats(y, B * n);
    K->embedding_backward(dtable, y, codes, 0, 2, B, n, SIZE, n, 1);
    K->embedding_backward(dtable, y, codes, 2, SIZE, B, n, SIZE, n, 1);
    mix_floats(dtable, SIZE * n);
    K->take_columns(x, y, columns, B, n, n, n);
    mix_floats(x, B * n);
    K->put_columns(y, x, columns, B, n - n / 2, n, n, n);
    mix_floats(y, B * n);
    free(codes), free(table), free(dtable), free(y), free(x), free(columns);
}

void drive_embedding(const fastdl_table *K) { each_shape(K, drive); }
