/* Rows of the caller's own array, of any number type, into float32: as they are, or scaled in float64 before rounding, so
 * that a small signal on a large offset survives. */
#include "fastdl.h"
#include "vec.h"

#define FDL_GATHER_ROW(type) \
    static void gather_row_##type(float *restrict y, const void *x, const double *restrict offset, \
                                  const double *restrict factor, ptrdiff_t cols) \
    { \
        const type *restrict from = x; \
        if (offset) \
            for (ptrdiff_t j = 0; j < cols; j++) \
                y[j] = (float)(((double)from[j] - offset[j]) * factor[j]); \
        else \
            for (ptrdiff_t j = 0; j < cols; j++) \
                y[j] = (float)from[j]; \
    }
FDL_GATHER_ROW(float)
FDL_GATHER_ROW(double)
FDL_GATHER_ROW(int8_t)
FDL_GATHER_ROW(int16_t)
FDL_GATHER_ROW(int32_t)
FDL_GATHER_ROW(int64_t)
FDL_GATHER_ROW(uint8_t)
FDL_GATHER_ROW(uint16_t)
FDL_GATHER_ROW(uint32_t)
FDL_GATHER_ROW(uint64_t)

typedef void gather_row_fn(float *y, const void *x, const double *offset, const double *factor, ptrdiff_t cols);

/* y_r = (x_indices[r] - offset) factor.   y: (rows, ldy)   x: rows of cols elements of the given type, row_bytes apart
 * indices: (rows,) or NULL for 0, 1, 2, ...   offset, factor: (cols,) float64 or both NULL */
static void fdl_gather(float *y, const void *x, const int64_t *indices, const double *offset, const double *factor,
                       ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t row_bytes, int type)
{
    static gather_row_fn *const by_type[] = {
        [FASTDL_FLOAT32] = gather_row_float,   [FASTDL_FLOAT64] = gather_row_double,  [FASTDL_INT8] = gather_row_int8_t,
        [FASTDL_INT16] = gather_row_int16_t,   [FASTDL_INT32] = gather_row_int32_t,   [FASTDL_INT64] = gather_row_int64_t,
        [FASTDL_UINT8] = gather_row_uint8_t,   [FASTDL_UINT16] = gather_row_uint16_t, [FASTDL_UINT32] = gather_row_uint32_t,
        [FASTDL_UINT64] = gather_row_uint64_t,
    };
    for (ptrdiff_t r = 0; r < rows; r++) {
        const char *from = (const char *)x + (indices ? indices[r] : r) * row_bytes;
        if (type == FASTDL_FLOAT32 && !offset)
            memcpy(y + r * ldy, from, (size_t)cols * sizeof *y);
        else
            by_type[type](y + r * ldy, from, offset, factor, cols);
    }
}
