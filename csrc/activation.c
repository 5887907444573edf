/* Element-wise activations; their derivatives come from the output, which is what a layer keeps for its backward pass. */
#include "fastdl.h"
#include "vecmath.h"

FDL_INLINE v16 activation_value(v16 x, const int kind)
{
    return kind == FASTDL_RELU ? v16_max(v16_zero(), x) : kind == FASTDL_TANH ? v16_tanh(x) : x;   /* max passes NaN on */
}

/* dy times the derivative at output y. ReLU asks "y <= 0?" so that NaN lets the gradient through and hides no explosion. */
FDL_INLINE v16 activation_slope(v16 dy, v16 y, const int kind)
{
    return kind == FASTDL_RELU   ? v16_select(v16_le(y, v16_zero()), v16_zero(), dy)
           : kind == FASTDL_TANH ? v16_mul(dy, v16_fnma(y, y, v16_set1(1.0f)))
                                 : dy;
}

FDL_INLINE void activate_row(float *y, const float *x, ptrdiff_t cols, const int kind)
{
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        v16_store(y + j, activation_value(v16_load(x + j), kind));
    if (j < cols)
        v16_store_n(y + j, activation_value(v16_load_n(x + j, (int)(cols - j)), kind), (int)(cols - j));
}

FDL_INLINE void activate_backward_row(float *dx, const float *dy, const float *y, ptrdiff_t cols, const int kind)
{
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        v16_store(dx + j, activation_slope(v16_load(dy + j), v16_load(y + j), kind));
    if (j < cols) {
        const int n = (int)(cols - j);
        v16_store_n(dx + j, activation_slope(v16_load_n(dy + j, n), v16_load_n(y + j, n), kind), n);
    }
}

/* The kind is decided once a call, so that the loops hold no branch. */
#define FDL_BY_KIND(call, kind) \
    switch (kind) { \
    case FASTDL_RELU: \
        for (ptrdiff_t i = 0; i < rows; i++) \
            call(FASTDL_RELU); \
        break; \
    case FASTDL_TANH: \
        for (ptrdiff_t i = 0; i < rows; i++) \
            call(FASTDL_TANH); \
        break; \
    default: \
        for (ptrdiff_t i = 0; i < rows; i++) \
            call(FASTDL_LINEAR); \
    }

/* y = activation(x).   y: (rows, ldy)   x: (rows, ldx), may be y */
static void fdl_activate(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, int kind)
{
#define FDL_ROW(k) activate_row(y + i * ldy, x + i * ldx, cols, k)
    FDL_BY_KIND(FDL_ROW, kind)
#undef FDL_ROW
}

/* dx = dy * activation'(x), from the output y.   dx: (rows, lddx), may be dy   dy: (rows, lddy)   y: (rows, ldy) */
static void fdl_activate_backward(float *dx, const float *dy, const float *y, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t lddx,
                                  ptrdiff_t lddy, ptrdiff_t ldy, int kind)
{
#define FDL_ROW(k) activate_backward_row(dx + i * lddx, dy + i * lddy, y + i * ldy, cols, k)
    FDL_BY_KIND(FDL_ROW, kind)
#undef FDL_ROW
}
