/* exp, log, tanh, sine and cosine of sixteen lanes. Polynomials after Cephes (S. L. Moshier, single precision set), with
 * explicit FMA, so that the bits are those of every instruction set that has it. Subnormals count as zero. */
#ifndef FASTDL_VECMATH_H
#define FASTDL_VECMATH_H
#include "vec.h"

/* Rounds to the nearest integer by adding and subtracting 1.5 * 2^23; |x| below 2^22. n gets the integers modulo 2^32. */
FDL_INLINE v16 v16_round(v16 x, w16 *n)
{
    const v16 magic = v16_set1(0x1.8p23f), shifted = v16_add(x, magic);
    *n = w16_sub(v16_bits(shifted), v16_bits(magic));
    return v16_sub(shifted, magic);
}

FDL_INLINE v16 v16_polynomial(v16 x, const float *coefficients, const int n)   /* highest power first */
{
    v16 y = v16_set1(coefficients[0]);
#pragma GCC unroll 10
    for (int i = 1; i < n; i++)
        y = v16_fma(y, x, v16_set1(coefficients[i]));
    return y;
}

/* e^x; infinity above 88.7228, 0 below -87.33. Error below 1 ULP. */
FDL_INLINE v16 v16_exp(v16 x)
{
    static const float taylor[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                   4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    const v16 low = v16_set1(-87.336544f), high = v16_set1(88.722839f);
    const m16 over = v16_lt(high, x), under = v16_lt(x, low);
    const v16 inside = v16_max(low, v16_min(high, x));
    w16 n;
    const v16 whole = v16_round(v16_mul(inside, v16_set1(1.44269504088896341f)), &n);
    v16 r = v16_fnma(whole, v16_set1(0.693359375f), inside);
    r = v16_fnma(whole, v16_set1(-2.12194440e-4f), r);
    v16 y = v16_fma(v16_polynomial(r, taylor, 6), v16_mul(r, r), v16_add(r, v16_set1(1.0f)));
    /* 2^n as two factors, since 2^128 is not a float */
    const w16 half = w16_shr(w16_add(n, w16_set1(256)), 1);   /* floor(n / 2) + 128 */
    const v16 first = v16_from_bits(w16_shl(w16_sub(half, w16_set1(1)), 23));
    const v16 second = v16_from_bits(w16_shl(w16_add(w16_sub(n, half), w16_set1(255)), 23));
    y = v16_mul(v16_mul(y, first), second);
    y = v16_select(over, v16_set1(__builtin_inff()), y);
    return v16_select(under, v16_zero(), y);   /* NaN: neither over nor under, and it came through */
}

/* ln x; -infinity at 0 and subnormals, NaN below. Error below 1 ULP. */
FDL_INLINE v16 v16_log(v16 x)
{
    static const float series[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                                   -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const w16 root_half = w16_set1(0x3f3504f3);   /* sqrt(1/2) */
    const w16 bits = w16_sub(v16_bits(x), root_half);
    const w16 biased = w16_shr(w16_add(bits, w16_set1(0x40000000)), 23);   /* exponent + 128 */
    const v16 e = v16_sub(w16_to_float(biased), v16_set1(128.0f));
    const v16 f = v16_sub(v16_from_bits(w16_add(w16_and(bits, w16_set1(0x7fffff)), root_half)), v16_set1(1.0f));
    const v16 ff = v16_mul(f, f);
    v16 y = v16_mul(v16_mul(f, ff), v16_polynomial(f, series, 9));
    y = v16_fma(e, v16_set1(-2.12194440e-4f), y);
    y = v16_fma(ff, v16_set1(-0.5f), y);
    y = v16_fma(e, v16_set1(0.693359375f), v16_add(f, y));
    const v16 tiny = v16_set1(0x1p-126f), infinity = v16_set1(__builtin_inff());
    y = v16_select(v16_lt(x, infinity), y, v16_add(x, x));                          /* infinity and NaN stay */
    y = v16_select(v16_lt(x, tiny), v16_sub(v16_zero(), infinity), y);
    return v16_select(v16_le(x, v16_set1(-0x1p-126f)), v16_set1(__builtin_nanf("")), y);
}

/* tanh x, exactly odd, 1 from 9.02 on. Error below 2 ULP. */
FDL_INLINE v16 v16_tanh(v16 x)
{
    static const float series[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                                   -3.33332819422e-1f};
    const w16 sign = w16_and(v16_bits(x), w16_set1(0x80000000u));
    const v16 size = v16_from_bits(w16_xor(v16_bits(x), sign)), one = v16_set1(1.0f), xx = v16_mul(x, x);
    const v16 small = v16_fma(v16_mul(v16_polynomial(xx, series, 5), xx), size, size);
    const v16 e = v16_exp(v16_add(size, size));
    const v16 large = v16_sub(one, v16_div(v16_set1(2.0f), v16_add(e, one)));
    const v16 y = v16_select(v16_lt(size, v16_set1(0.625f)), small, large);
    return v16_from_bits(w16_or(v16_bits(y), sign));
}

/* Sine and cosine of u turns, 0 <= u <= 1. Error below 2^-23. */
FDL_INLINE void v16_sincos_turns(v16 u, v16 *sine, v16 *cosine)
{
    static const float odd[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
    static const float even[] = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};
    w16 quarter;
    const v16 quarters = v16_mul(u, v16_set1(4.0f));
    const v16 r = v16_mul(v16_sub(quarters, v16_round(quarters, &quarter)), v16_set1(1.57079632679489662f));
    const v16 rr = v16_mul(r, r);
    const v16 s = v16_fma(v16_mul(v16_polynomial(rr, odd, 3), rr), r, r);
    const v16 c = v16_fma(v16_mul(v16_polynomial(rr, even, 3), rr), rr, v16_fma(rr, v16_set1(-0.5f), v16_set1(1.0f)));
    const w16 one = w16_set1(1), two = w16_set1(2);
    const m16 straight = v16_lt(w16_to_float(w16_and(quarter, one)), v16_set1(0.5f));
    const w16 sine_sign = w16_shl(w16_and(quarter, two), 30), cosine_sign = w16_shl(w16_and(w16_add(quarter, one), two), 30);
    *sine = v16_from_bits(w16_xor(v16_bits(v16_select(straight, s, c)), sine_sign));
    *cosine = v16_from_bits(w16_xor(v16_bits(v16_select(straight, c, s)), cosine_sign));
}

/* y = tanh x.   y, x: (n,), may be the same */
FDL_INLINE void tanh_row(float *y, const float *x, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; i + 16 <= n; i += 16)
        v16_store(y + i, v16_tanh(v16_load(x + i)));
    if (i < n)
        v16_store_n(y + i, v16_tanh(v16_load_n(x + i, (int)(n - i))), (int)(n - i));
}
#endif
