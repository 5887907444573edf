/* Rows of the caller's own array, of any number type, into float32: as they are, or scaled in float64 before rounding, so
 * that a small signal on a large offset survives. */
#include "fastdl.h"
#include "vec.h"

/* An IEEE half as a float, exactly. Its subnormals are normal floats, which integer arithmetic finds; shifting their bits
 * into a float's and multiplying would meet the processor's flush to zero. */
FDL_INLINE float half_value(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7FFFu;
    const float small = (float)(int32_t)magnitude * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    if (magnitude >= 0x0400u)
        bits = (magnitude << 13) + (112u << 23);   /* the exponent's bias is 127 instead of 15 */
    if (magnitude >= 0x7C00u)
        bits += 112u << 23;   /* infinity and NaN */
    bits |= sign;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define FDL_GATHER_ROW(name, type, value) \
    static void gather_row_##name(float *restrict y, const void *x, const double *restrict offset, \
                                  const double *restrict factor, ptrdiff_t cols) \
    { \
        const type *restrict from = x; \
        if (offset) \
            for (ptrdiff_t j = 0; j < cols; j++) \
                y[j] = (float)(((double)value(from[j]) - offset[j]) * factor[j]); \
        else \
            for (ptrdiff_t j = 0; j < cols; j++) \
                y[j] = (float)value(from[j]); \
    }
#define FDL_NUMBER(x) (x)
#define FDL_TRUTH(x) ((x) != 0)
FDL_GATHER_ROW(float16, uint16_t, half_value)
FDL_GATHER_ROW(float32, float, FDL_NUMBER)
FDL_GATHER_ROW(float64, double, FDL_NUMBER)
FDL_GATHER_ROW(int8, int8_t, FDL_NUMBER)
FDL_GATHER_ROW(int16, int16_t, FDL_NUMBER)
FDL_GATHER_ROW(int32, int32_t, FDL_NUMBER)
FDL_GATHER_ROW(int64, int64_t, FDL_NUMBER)
FDL_GATHER_ROW(uint8, uint8_t, FDL_NUMBER)
FDL_GATHER_ROW(uint16, uint16_t, FDL_NUMBER)
FDL_GATHER_ROW(uint32, uint32_t, FDL_NUMBER)
FDL_GATHER_ROW(uint64, uint64_t, FDL_NUMBER)
FDL_GATHER_ROW(bool, uint8_t, FDL_TRUTH)

typedef void gather_row_fn(float *y, const void *x, const double *offset, const double *factor, ptrdiff_t cols);

/* y_r = (x_indices[r] - offset) factor.   y: (rows, ldy)   x: rows of cols elements of the given type, row_bytes apart
 * indices: (rows,) or NULL for 0, 1, 2, ...   offset, factor: (cols,) float64 or both NULL */
static void fdl_gather(float *y, const void *x, const int64_t *indices, const double *offset, const double *factor,
                       ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t row_bytes, int type)
{
    static gather_row_fn *const by_type[] = {
        [FASTDL_FLOAT16] = gather_row_float16, [FASTDL_FLOAT32] = gather_row_float32, [FASTDL_FLOAT64] = gather_row_float64,
        [FASTDL_INT8] = gather_row_int8,       [FASTDL_INT16] = gather_row_int16,     [FASTDL_INT32] = gather_row_int32,
        [FASTDL_INT64] = gather_row_int64,     [FASTDL_UINT8] = gather_row_uint8,     [FASTDL_UINT16] = gather_row_uint16,
        [FASTDL_UINT32] = gather_row_uint32,   [FASTDL_UINT64] = gather_row_uint64,   [FASTDL_BOOL] = gather_row_bool,
    };
    for (ptrdiff_t r = 0; r < rows; r++) {
        const char *from = (const char *)x + (indices ? indices[r] : r) * row_bytes;
        if (type == FASTDL_FLOAT32 && !offset)
            memcpy(y + r * ldy, from, (size_t)cols * sizeof *y);
        else
            by_type[type](y + r * ldy, from, offset, factor, cols);
    }
}
