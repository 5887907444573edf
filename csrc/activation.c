/* Element-wise activations. A derivative comes from the output y where that loses nothing, so that a layer need not keep its
 * input, and from the input x else: GELU, SiLU and mish are not monotone. NaN passes, so that it hides no explosion.
 *
 * The rectified: ReLU; leaky ReLU (Maas 2013); ELU (Clevert 2016); SELU (Klambauer 2017), which is lambda ELU(alpha).
 * The smooth: x times a gate. GELU (Hendrycks 2016): the normal distribution; SiLU (Elfwing 2018): the sigmoid;
 * mish (Misra 2019): tanh of softplus. */
#include "fastdl.h"
#include "vecmath.h"

static const float selu_lambda = 1.05070098735548049342f, selu_floor = 1.75809934084737685994f;   /* lambda, lambda alpha */
static const float normal_peak = 0.39894228040143267794f;                                         /* 1 / sqrt(2 pi) */
static const float saturated = 1000.0f;   /* where all gates are 0 or 1; infinity times such a gate would be NaN */

/* x, or a (e^x - 1) where it is not positive; positive x times scale */
FDL_INLINE v16 exponential_unit(v16 x, v16 a, v16 scale)
{
    const v16 below = v16_mul(a, v16_expm1_negative(v16_min(v16_zero(), x)));
    return v16_select(v16_lt(v16_zero(), x), v16_mul(scale, x), below);
}

FDL_INLINE v16 exponential_unit_slope(v16 y, v16 a, v16 scale)
{
    return v16_select(v16_lt(v16_zero(), y), scale, v16_add(y, a));
}

FDL_INLINE v16 gelu(v16 x)   /* max(x, 0) - |x| tail(|x|) */
{
    const v16 size = v16_min(v16_set1(14.0f), v16_magnitude(x));
    v16 ratio;
    const v16 e = normal_tail(size, &ratio);
    return v16_fnma(v16_mul(size, ratio), e, v16_max(v16_zero(), x));   /* |x| before e, which may be subnormal without it */
}

FDL_INLINE v16 gelu_slope(v16 x)   /* for x < 0: tail(|x|) - |x| density(x), and 1 minus that at -x */
{
    const v16 size = v16_min(v16_set1(14.0f), v16_magnitude(x));
    v16 ratio;
    const v16 e = normal_tail(size, &ratio), difference = v16_fnma(v16_set1(normal_peak), size, ratio);
    return v16_select(v16_lt(x, v16_zero()), v16_mul(difference, e), v16_fnma(difference, e, v16_set1(1.0f)));
}

FDL_INLINE v16 silu(v16 x) { return v16_mul(v16_max(v16_set1(-saturated), x), v16_sigmoid(x)); }

FDL_INLINE v16 silu_slope(v16 x)   /* s + x s (1 - s), with s = sigmoid(x) */
{
    const v16 one = v16_set1(1.0f), e = v16_exp_within(v16_minus(v16_magnitude(x)));
    const v16 upper = v16_div(one, v16_add(one, e)), lower = v16_mul(e, upper);   /* sigmoid of |x| and -|x| */
    const v16 inside = v16_max(v16_set1(-saturated), v16_min(v16_set1(saturated), x));
    return v16_fma(v16_mul(inside, upper), lower, v16_select(v16_lt(x, v16_zero()), lower, upper));
}

/* tanh(ln(1 + e^x)) = part / whole, both divided by e^2x for positive x; e is e^-|x| */
FDL_INLINE v16 mish_gate(v16 e, m16 negative, v16 *whole)
{
    const v16 twice = v16_add(e, e), part = v16_select(negative, v16_fma(e, e, twice), v16_add(v16_set1(1.0f), twice));
    *whole = v16_add(part, v16_select(negative, v16_set1(2.0f), v16_mul(twice, e)));
    return part;
}

FDL_INLINE v16 mish(v16 x)
{
    v16 whole;
    const v16 part = mish_gate(v16_exp_within(v16_minus(v16_magnitude(x))), v16_lt(x, v16_zero()), &whole);
    return v16_mul(v16_max(v16_set1(-saturated), x), v16_div(part, whole));
}

FDL_INLINE v16 mish_slope(v16 x)   /* gate + x sigmoid(x) (1 - gate^2) */
{
    const v16 one = v16_set1(1.0f), e = v16_exp_within(v16_minus(v16_magnitude(x)));
    const m16 negative = v16_lt(x, v16_zero());
    v16 whole;
    const v16 part = mish_gate(e, negative, &whole), inverse = v16_div(one, whole);
    const v16 inside = v16_max(v16_set1(-saturated), v16_min(v16_set1(saturated), x));
    const v16 rest = v16_mul(v16_mul(v16_set1(4.0f), v16_select(negative, e, v16_mul(e, e))), v16_add(one, e));
    return v16_mul(v16_fma(v16_mul(inside, rest), inverse, part), inverse);
}

FDL_INLINE v16 activation_value(v16 x, v16 alpha, const int kind)
{
    const v16 zero = v16_zero();
    switch (kind) {
    case FASTDL_RELU: return v16_max(zero, x);   /* which passes NaN on */
    case FASTDL_LEAKY_RELU: return v16_select(v16_lt(zero, x), x, v16_mul(alpha, x));
    case FASTDL_ELU: return exponential_unit(x, alpha, v16_set1(1.0f));
    case FASTDL_SELU: return exponential_unit(x, v16_set1(selu_floor), v16_set1(selu_lambda));
    case FASTDL_GELU: return gelu(x);
    case FASTDL_SILU: return silu(x);
    case FASTDL_MISH: return mish(x);
    case FASTDL_TANH: return v16_tanh(x);
    case FASTDL_SIGMOID: return v16_sigmoid(x);
    case FASTDL_SOFTPLUS: return v16_softplus(x);
    default: return x;
    }
}

/* dy times the derivative, s being x or y. The rectified ask "y <= 0?" so that at NaN the gradient comes through. */
FDL_INLINE v16 activation_slope(v16 dy, v16 s, v16 alpha, const int kind)
{
    const v16 zero = v16_zero(), one = v16_set1(1.0f);
    switch (kind) {
    case FASTDL_RELU: return v16_select(v16_le(s, zero), zero, dy);
    case FASTDL_LEAKY_RELU: return v16_select(v16_le(s, zero), v16_mul(alpha, dy), dy);
    case FASTDL_ELU: return v16_mul(dy, exponential_unit_slope(s, alpha, one));
    case FASTDL_SELU: return v16_mul(dy, exponential_unit_slope(s, v16_set1(selu_floor), v16_set1(selu_lambda)));
    case FASTDL_GELU: return v16_mul(dy, gelu_slope(s));
    case FASTDL_SILU: return v16_mul(dy, silu_slope(s));
    case FASTDL_MISH: return v16_mul(dy, mish_slope(s));
    case FASTDL_TANH: return v16_mul(dy, v16_fnma(s, s, one));
    case FASTDL_SIGMOID: return v16_mul(dy, v16_fnma(s, s, s));
    case FASTDL_SOFTPLUS: return v16_mul(dy, v16_minus(v16_expm1_negative(v16_minus(s))));   /* sigmoid(x) = 1 - e^-y */
    default: return dy;
    }
}

FDL_INLINE void activate_row(float *y, const float *x, ptrdiff_t cols, const int kind, float alpha)
{
    const v16 a = v16_set1(alpha);
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        v16_store(y + j, activation_value(v16_load(x + j), a, kind));
    if (j < cols)
        v16_store_n(y + j, activation_value(v16_load_n(x + j, (int)(cols - j)), a, kind), (int)(cols - j));
}

FDL_INLINE void activate_backward_row(float *dx, const float *dy, const float *s, ptrdiff_t cols, const int kind, float alpha)
{
    const v16 a = v16_set1(alpha);
    ptrdiff_t j = 0;
    for (; j + 16 <= cols; j += 16)
        v16_store(dx + j, activation_slope(v16_load(dy + j), v16_load(s + j), a, kind));
    if (j < cols) {
        const int n = (int)(cols - j);
        v16_store_n(dx + j, activation_slope(v16_load_n(dy + j, n), v16_load_n(s + j, n), a, kind), n);
    }
}

/* The kind is decided once a call, so that the loops hold no branch. */
#define FDL_CASE(call, k) \
    case k: \
        for (ptrdiff_t i = 0; i < rows; i++) \
            call(k); \
        break;
#define FDL_BY_KIND(call, kind) \
    switch (kind) { \
        FDL_CASE(call, FASTDL_LINEAR) \
        FDL_CASE(call, FASTDL_RELU) \
        FDL_CASE(call, FASTDL_TANH) \
        FDL_CASE(call, FASTDL_LEAKY_RELU) \
        FDL_CASE(call, FASTDL_ELU) \
        FDL_CASE(call, FASTDL_SELU) \
        FDL_CASE(call, FASTDL_GELU) \
        FDL_CASE(call, FASTDL_SILU) \
        FDL_CASE(call, FASTDL_MISH) \
        FDL_CASE(call, FASTDL_SIGMOID) \
        FDL_CASE(call, FASTDL_SOFTPLUS) \
    }

/* y = activation(x).   y: (rows, ldy)   x: (rows, ldx), may be y */
static void fdl_activate(float *y, const float *x, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t ldy, ptrdiff_t ldx, int kind,
                         float alpha)
{
#define FDL_ROW(k) activate_row(y + i * ldy, x + i * ldx, cols, k, alpha)
    FDL_BY_KIND(FDL_ROW, kind)
#undef FDL_ROW
}

/* dx = dy * activation'(x).   dx: (rows, lddx), may be dy   dy: (rows, lddy)   saved: (rows, lds), which is x for GELU, SiLU
 * and mish, else y */
static void fdl_activate_backward(float *dx, const float *dy, const float *saved, ptrdiff_t rows, ptrdiff_t cols,
                                  ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t lds, int kind, float alpha)
{
#define FDL_ROW(k) activate_backward_row(dx + i * lddx, dy + i * lddy, saved + i * lds, cols, k, alpha)
    FDL_BY_KIND(FDL_ROW, kind)
#undef FDL_ROW
}
