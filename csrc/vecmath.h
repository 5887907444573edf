/* Elementary functions of sixteen lanes, with explicit FMA, so that the bits are those of every instruction set that has it.
 * Subnormals count as zero, NaN gives NaN. The errors stated are the largest over all float32, with FMA; those of the
 * public kernels are held by tests/test_vecmath.py. Coefficients of log, sine and cosine are those of Cephes (S. L.
 * Moshier, single precision); the others were fitted in high precision for the least largest error (Lawson's weights),
 * and rounded to float32 one by one, lowest power first, with a new fit of the rest after each. */
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

FDL_INLINE v16 v16_magnitude(v16 x) { return v16_from_bits(w16_and(v16_bits(x), w16_set1(0x7fffffff))); }
FDL_INLINE w16 sign_bits(v16 x) { return w16_and(v16_bits(x), w16_set1(0x80000000u)); }
FDL_INLINE v16 v16_minus(v16 x) { return v16_from_bits(w16_xor(v16_bits(x), w16_set1(0x80000000u))); }

FDL_INLINE v16 v16_polynomial(v16 x, const float *coefficients, const int n)   /* highest power first */
{
    v16 y = v16_set1(coefficients[0]);
#pragma GCC unroll 10
    for (int i = 1; i < n; i++)
        y = v16_fma(y, x, v16_set1(coefficients[i]));
    return y;
}

/* e^r - 1 with x = n ln 2 + r and |r| at most ln 2 / 2; |x| below 2^21. Error below 0.7 ULP where n is 0. */
FDL_INLINE v16 expm1_reduced(v16 x, w16 *n)
{
    static const float series[] = {0x1.9e77aap-13f, 0x1.6d3a4ap-10f, 0x1.1112d6p-7f, 0x1.5554f8p-5f, 0x1.555554p-3f, 0.5f};
    const v16 whole = v16_round(v16_mul(x, v16_set1(1.44269504088896341f)), n);
    v16 r = v16_fnma(whole, v16_set1(0.693359375f), x);   /* exact: ten bits times at most eight */
    r = v16_fnma(whole, v16_set1(-2.12194440e-4f), r);
    return v16_fma(v16_mul(r, r), v16_polynomial(r, series, 6), r);
}

/* 2^n for -127 <= n <= 127, where 2^-127 counts as zero */
FDL_INLINE v16 v16_power_of_two(w16 n) { return v16_from_bits(w16_shl(w16_add(n, w16_set1(127)), 23)); }

/* e^x; infinity above 88.72283, 0 below -87.33654. Error below 0.99 ULP. */
FDL_INLINE v16 v16_exp(v16 x)
{
    const v16 low = v16_set1(-87.336544f), high = v16_set1(0x1.62e42ep6f), inside = v16_max(low, v16_min(high, x));
    w16 n;
    const v16 y = v16_add(v16_set1(1.0f), expm1_reduced(inside, &n));
    const v16 scaled = v16_from_bits(w16_add(v16_bits(y), w16_shl(n, 23)));   /* 2^128 is no float, but y 2^128 may be */
    const v16 other = v16_mul(inside, v16_set1(-0.0f));                      /* 0 where x is too low, and NaN stays */
    return v16_select(v16_lt(high, x), v16_set1(__builtin_inff()), v16_select(v16_le(low, x), scaled, other));
}

/* e^x where |x| is at most 88, e^88 or 0 beyond: what cheaply serves where only 1 + e^x matters, or 0 is right. */
FDL_INLINE v16 v16_exp_within(v16 x)
{
    w16 n;
    const v16 p = expm1_reduced(v16_max(v16_set1(-88.0f), v16_min(v16_set1(88.0f), x)), &n), scale = v16_power_of_two(n);
    return v16_fma(scale, p, scale);
}

/* e^x - 1 where x is not positive. Error below 0.9 ULP. */
FDL_INLINE v16 v16_expm1_negative(v16 x)
{
    w16 n;
    const v16 p = expm1_reduced(v16_max(v16_set1(-88.0f), x), &n), scale = v16_power_of_two(n);
    return v16_fma(scale, p, v16_sub(scale, v16_set1(1.0f)));
}

/* ln(1 + f) - f for sqrt(1/2) <= 1 + f <= sqrt(2), plus tail, in the order that loses least */
FDL_INLINE v16 log1p_rest(v16 f, v16 tail)
{
    static const float series[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,  -1.2420140846e-1f, 1.4249322787e-1f,
                                   -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const v16 ff = v16_mul(f, f);
    const v16 y = v16_fma(v16_mul(f, ff), v16_polynomial(f, series, 9), tail);
    return v16_fma(ff, v16_set1(-0.5f), y);
}

/* ln x; -infinity at 0 and subnormals, NaN below. Error below 0.83 ULP. */
FDL_INLINE v16 v16_log(v16 x)
{
    const w16 root_half = w16_set1(0x3f3504f3);   /* sqrt(1/2) */
    const w16 bits = w16_sub(v16_bits(x), root_half);
    const w16 biased = w16_shr(w16_add(bits, w16_set1(0x40000000)), 23);   /* exponent + 128 */
    const v16 e = v16_sub(w16_to_float(biased), v16_set1(128.0f));
    const v16 f = v16_sub(v16_from_bits(w16_add(w16_and(bits, w16_set1(0x7fffff)), root_half)), v16_set1(1.0f));
    v16 y = log1p_rest(f, v16_mul(e, v16_set1(-2.12194440e-4f)));
    y = v16_fma(e, v16_set1(0.693359375f), v16_add(f, y));
    const v16 tiny = v16_set1(0x1p-126f), infinity = v16_set1(__builtin_inff());
    y = v16_select(v16_lt(x, infinity), y, v16_add(x, x));                          /* infinity and NaN stay */
    y = v16_select(v16_lt(x, tiny), v16_sub(v16_zero(), infinity), y);
    return v16_select(v16_le(x, v16_set1(-0x1p-126f)), v16_set1(__builtin_nanf("")), y);
}

/* ln(1 + x) for 0 <= x <= 1. Error below 1.4 ULP. */
FDL_INLINE v16 v16_log1p_unit(v16 x)
{
    const m16 upper = v16_lt(v16_set1(0.41421356f), x);   /* then 1 + x = 2 (1 + f) */
    const v16 f = v16_select(upper, v16_mul(v16_sub(x, v16_set1(1.0f)), v16_set1(0.5f)), x);
    const v16 y = v16_add(f, log1p_rest(f, v16_select(upper, v16_set1(-2.12194440e-4f), v16_zero())));
    return v16_add(y, v16_select(upper, v16_set1(0.693359375f), v16_zero()));
}

/* 1 / (1 + e^-x). Error below 2 ULP: the order of the sum counts. */
FDL_INLINE v16 v16_sigmoid(v16 x)
{
    w16 n;
    const v16 one = v16_set1(1.0f), inside = v16_max(v16_set1(-88.0f), v16_min(v16_set1(88.0f), x));
    const v16 p = expm1_reduced(v16_minus(inside), &n), scale = v16_power_of_two(n);
    return v16_div(one, v16_add(scale, v16_fma(scale, p, one)));
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). Error below 1.7 ULP. */
FDL_INLINE v16 v16_softplus(v16 x)
{
    const v16 e = v16_exp_within(v16_minus(v16_magnitude(x)));
    return v16_add(v16_max(v16_zero(), x), v16_log1p_unit(e));
}

/* tanh x, exactly odd, 1 from 9.02 on. Error below 1.21 ULP. */
FDL_INLINE v16 v16_tanh(v16 x)
{
    static const float series[] = {-0x1.7547e2p-8f, 0x1.5203f4p-6f, -0x1.b836f4p-5f, 0x1.1106fcp-3f, -0x1.555532p-2f};
    const v16 one = v16_set1(1.0f), size = v16_min(v16_set1(9.1f), v16_magnitude(x)), square = v16_mul(size, size);
    const v16 small = v16_fma(v16_mul(v16_polynomial(square, series, 5), square), size, size);
    w16 n;
    const v16 p = expm1_reduced(v16_add(size, size), &n), scale = v16_power_of_two(n);
    const v16 large = v16_sub(one, v16_div(v16_set1(2.0f), v16_fma(scale, p, v16_add(scale, one))));
    const v16 y = v16_select(v16_lt(size, v16_set1(0.625f)), small, large);
    return v16_from_bits(w16_or(v16_bits(y), sign_bits(x)));
}

/* e^(-t^2/2) for 0 <= t <= 14 (0 where it underflows), and the ratio of the normal distribution's tail beyond t to it */
FDL_INLINE v16 normal_tail(v16 t, v16 *ratio)
{
    static const float series[] = {0x1.906076p-14f, 0x1.ad06fp-12f,  -0x1.edbc8ap-12f, -0x1.9da478p-9f, 0x1.a8d5ap-8f,
                                   0x1.1d0f3ep-6f,  -0x1.db5896p-4f, 0x1.42ff06p-2f,   -0x1.219152p-1f, 0x1.7d241ap-1f};
    const v16 one = v16_set1(1.0f), inverse = v16_div(one, v16_add(t, v16_set1(3.5f)));
    *ratio = v16_mul(v16_polynomial(v16_fnma(v16_set1(7.0f), inverse, one), series, 10), inverse);
    const v16 square = v16_mul(t, t), lost = v16_fma(t, t, v16_minus(square));
    const v16 e = v16_exp_within(v16_mul(v16_set1(-0.5f), square));
    return v16_fnma(v16_mul(lost, v16_set1(0.5f)), e, e);   /* a rounding of t^2 counts when t is large */
}

/* erf x, exactly odd, 1 from 3.92 on. Error below 1.81 ULP. */
FDL_INLINE v16 v16_erf(v16 x)
{
    static const float series[] = {-0x1.3c61c8p-11f, 0x1.47c73p-8f,   -0x1.b6a25p-6f,
                                   0x1.ce1bfp-4f,    -0x1.8126eep-2f, 0x1.06eba6p-3f};
    const v16 size = v16_min(v16_set1(4.0f), v16_magnitude(x));
    v16 ratio;
    const v16 e = normal_tail(v16_mul(size, v16_set1(1.41421356f)), &ratio);
    const v16 large = v16_fnma(v16_add(ratio, ratio), e, v16_set1(1.0f));
    const v16 small = v16_fma(v16_polynomial(v16_mul(size, size), series, 6), size, size);
    const v16 y = v16_select(v16_lt(size, v16_set1(0.9f)), small, large);
    return v16_from_bits(w16_or(v16_bits(y), sign_bits(x)));
}

/* Sine and cosine of r + quarter pi/2, |r| at most pi/4 */
FDL_INLINE void sincos_quarter(v16 r, w16 quarter, v16 *sine, v16 *cosine)
{
    static const float odd[] = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
    static const float even[] = {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f};
    const v16 rr = v16_mul(r, r);
    const v16 s = v16_fma(v16_mul(v16_polynomial(rr, odd, 3), rr), r, r);
    const v16 c = v16_fma(v16_mul(v16_polynomial(rr, even, 3), rr), rr, v16_fma(rr, v16_set1(-0.5f), v16_set1(1.0f)));
    const w16 one = w16_set1(1), two = w16_set1(2);
    const m16 straight = v16_lt(w16_to_float(w16_and(quarter, one)), v16_set1(0.5f));
    const w16 sine_sign = w16_shl(w16_and(quarter, two), 30), cosine_sign = w16_shl(w16_and(w16_add(quarter, one), two), 30);
    *sine = v16_from_bits(w16_xor(v16_bits(v16_select(straight, s, c)), sine_sign));
    *cosine = v16_from_bits(w16_xor(v16_bits(v16_select(straight, c, s)), cosine_sign));
}

/* Sine and cosine of u turns, |u| at most 1. Error below 2^-23. */
FDL_INLINE void v16_sincos_turns(v16 u, v16 *sine, v16 *cosine)
{
    w16 quarter;
    const v16 quarters = v16_mul(u, v16_set1(4.0f));
    const v16 r = v16_mul(v16_sub(quarters, v16_round(quarters, &quarter)), v16_set1(1.57079632679489662f));
    sincos_quarter(r, quarter, sine, cosine);
}

/* x = quarter pi/2 + r for one finite x of at least 2^20, by the bits of 2/pi that matter (Payne and Hanek, 1983) */
FDL_INLINE float far_quarter(float x, uint32_t *quarter)
{
    static const uint32_t two_over_pi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                           0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
    const uint32_t start = (bits >> 23) - 120;   /* x = mantissa 2^(start - 30): bits further to the left are whole turns */
    const uint32_t *word = two_over_pi + start / 32, shift = 32 - start % 32;
    uint64_t window[3];   /* 96 bits of 2/pi from there, behind 32 zeros */
    for (int i = 0; i < 3; i++)
        window[i] = (uint32_t)(((uint64_t)word[i] << 32 | word[i + 1]) >> shift);
    const uint64_t low = mantissa * window[2], middle = mantissa * window[1] + (low >> 32);
    const uint64_t turns = (mantissa * window[0] << 32) + middle;          /* in units of 2^-64 */
    *quarter = (uint32_t)((turns + ((uint64_t)1 << 61)) >> 62);
    const int64_t rest = (int64_t)(turns - ((uint64_t)*quarter << 62));
    return (float)((double)rest * 0x1.921fb54442d18p-62);                  /* pi/2 2^-62 */
}

/* Sine and cosine of x in radians, NaN at infinity. Error below 1.6 ULP. */
FDL_INLINE void v16_sincos(v16 x, v16 *sine, v16 *cosine)
{
    const d16 magic = d16_set1(0x1.8p52), unmagic = d16_set1(-0x1.8p52);
    const v16 size = v16_magnitude(x);
    const d16 wide = d16_from_v16(size);
    const d16 k = d16_add(d16_add(d16_mul(wide, d16_set1(0x1.45f306dc9c883p-1)), magic), unmagic);
    d16 rest = d16_fma(k, d16_set1(-0x1.921fb544p+0), wide);      /* the first two products are exact */
    rest = d16_fma(k, d16_set1(-0x1.0b4611a6p-34), rest);
    rest = d16_fma(k, d16_set1(-0x1.3198a2e037073p-69), rest);
    const d16 turns = d16_add(d16_add(d16_mul(k, d16_set1(0.25)), magic), unmagic);
    w16 quarter;
    v16_round(d16_to_v16(d16_fma(turns, d16_set1(-4.0), k)), &quarter);
    v16 r = d16_to_v16(rest);
    if (m16_any(v16_lt(v16_set1(0x1p20f), size))) {
        float lane[16], far[16];
        uint32_t quarters[16];
        v16_store(lane, size);
        v16_store(far, r);
        w16_store(quarters, quarter);
        for (int i = 0; i < 16; i++)
            if (lane[i] > 0x1p20f && lane[i] < __builtin_inff())
                far[i] = far_quarter(lane[i], &quarters[i]);
        r = v16_load(far);
        quarter = w16_load(quarters);
    }
    sincos_quarter(r, quarter, sine, cosine);
    *sine = v16_from_bits(w16_xor(v16_bits(*sine), sign_bits(x)));
}

/* Defines a function of a row, y = value(x).   y, x: (n,), may be the same */
#define FDL_MAP(function, value) \
    function(float *y, const float *x, ptrdiff_t n) \
    { \
        ptrdiff_t i = 0; \
        for (; i + 16 <= n; i += 16) \
            v16_store(y + i, value(v16_load(x + i))); \
        if (i < n) \
            v16_store_n(y + i, value(v16_load_n(x + i, (int)(n - i))), (int)(n - i)); \
    }
FDL_MAP(FDL_INLINE void tanh_row, v16_tanh)
#endif
