/* vec.h on AVX-512 (F, VL, BW, DQ): one register for sixteen floats, masks in mask registers. */
#include <immintrin.h>

#define FASTDL_MR 14
#define FASTDL_NV 2
#define FASTDL_FREE_MASKS 1

typedef struct { __m512 r; } v16;
typedef struct { __m512d lo, hi; } d16;
typedef struct { __m512i r; } w16;
typedef struct { __m512i even, odd; } q16;
typedef struct { __mmask16 m; } m16;

FDL_INLINE v16 v16_of(__m512 r) { return (v16){r}; }
FDL_INLINE w16 w16_of(__m512i r) { return (w16){r}; }
FDL_INLINE __mmask16 mask_of(int n) { return (__mmask16)((1u << n) - 1u); }

/* float32: n counts lanes from the first, 0 <= n <= 16; lanes beyond it load as zero and are not stored */
FDL_INLINE v16 v16_set1(float x) { return v16_of(_mm512_set1_ps(x)); }
FDL_INLINE v16 v16_load(const float *p) { return v16_of(_mm512_loadu_ps(p)); }
FDL_INLINE void v16_store(float *p, v16 x) { _mm512_storeu_ps(p, x.r); }
FDL_INLINE v16 v16_load_n(const float *p, int n)
{
    return __builtin_constant_p(n) && n == 16 ? v16_load(p) : v16_of(_mm512_maskz_loadu_ps(mask_of(n), p));
}
FDL_INLINE void v16_store_n(float *p, v16 x, int n)
{
    if (__builtin_constant_p(n) && n == 16)
        v16_store(p, x);
    else
        _mm512_mask_storeu_ps(p, mask_of(n), x.r);
}
FDL_INLINE v16 v16_add(v16 a, v16 b) { return v16_of(_mm512_add_ps(a.r, b.r)); }
FDL_INLINE v16 v16_sub(v16 a, v16 b) { return v16_of(_mm512_sub_ps(a.r, b.r)); }
FDL_INLINE v16 v16_mul(v16 a, v16 b) { return v16_of(_mm512_mul_ps(a.r, b.r)); }
FDL_INLINE v16 v16_div(v16 a, v16 b) { return v16_of(_mm512_div_ps(a.r, b.r)); }
FDL_INLINE v16 v16_sqrt(v16 a) { return v16_of(_mm512_sqrt_ps(a.r)); }
FDL_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return v16_of(_mm512_fmadd_ps(a.r, b.r, c.r)); }     /* a b + c */
FDL_INLINE v16 v16_fnma(v16 a, v16 b, v16 c) { return v16_of(_mm512_fnmadd_ps(a.r, b.r, c.r)); }   /* c - a b */
FDL_INLINE v16 v16_max(v16 a, v16 b) { return v16_of(_mm512_max_ps(a.r, b.r)); }   /* b where either is NaN */
FDL_INLINE v16 v16_min(v16 a, v16 b) { return v16_of(_mm512_min_ps(a.r, b.r)); }   /* b where either is NaN */
FDL_INLINE m16 v16_lt(v16 a, v16 b) { return (m16){_mm512_cmp_ps_mask(a.r, b.r, _CMP_LT_OQ)}; }
FDL_INLINE m16 v16_le(v16 a, v16 b) { return (m16){_mm512_cmp_ps_mask(a.r, b.r, _CMP_LE_OQ)}; }
FDL_INLINE v16 v16_select(m16 m, v16 yes, v16 no) { return v16_of(_mm512_mask_blend_ps(m.m, no.r, yes.r)); }
FDL_INLINE m16 m16_from_bits(unsigned bits) { return (m16){(__mmask16)bits}; }
FDL_INLINE int m16_any(m16 m) { return m.m != 0; }
FDL_INLINE w16 v16_bits(v16 x) { return w16_of(_mm512_castps_si512(x.r)); }
FDL_INLINE v16 v16_from_bits(w16 x) { return v16_of(_mm512_castsi512_ps(x.r)); }

/* float64 */
FDL_INLINE d16 d16_set1(double x) { return (d16){_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
FDL_INLINE d16 d16_load(const double *p) { return (d16){_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)}; }
FDL_INLINE void d16_store(double *p, d16 x)
{
    _mm512_storeu_pd(p, x.lo);
    _mm512_storeu_pd(p + 8, x.hi);
}
FDL_INLINE d16 d16_add(d16 a, d16 b) { return (d16){_mm512_add_pd(a.lo, b.lo), _mm512_add_pd(a.hi, b.hi)}; }
FDL_INLINE d16 d16_sub(d16 a, d16 b) { return (d16){_mm512_sub_pd(a.lo, b.lo), _mm512_sub_pd(a.hi, b.hi)}; }
FDL_INLINE d16 d16_div(d16 a, d16 b) { return (d16){_mm512_div_pd(a.lo, b.lo), _mm512_div_pd(a.hi, b.hi)}; }
FDL_INLINE d16 d16_sqrt(d16 a) { return (d16){_mm512_sqrt_pd(a.lo), _mm512_sqrt_pd(a.hi)}; }
FDL_INLINE d16 d16_mul(d16 a, d16 b) { return (d16){_mm512_mul_pd(a.lo, b.lo), _mm512_mul_pd(a.hi, b.hi)}; }
FDL_INLINE d16 d16_fma(d16 a, d16 b, d16 c)
{
    return (d16){_mm512_fmadd_pd(a.lo, b.lo, c.lo), _mm512_fmadd_pd(a.hi, b.hi, c.hi)};
}
FDL_INLINE d16 d16_from_v16(v16 x)
{
    return (d16){_mm512_cvtps_pd(_mm512_castps512_ps256(x.r)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.r, 1))};
}
FDL_INLINE v16 d16_to_v16(d16 x)
{
    return v16_of(_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.lo)), _mm512_cvtpd_ps(x.hi), 1));
}

/* uint32 */
FDL_INLINE w16 w16_set1(uint32_t x) { return w16_of(_mm512_set1_epi32((int)x)); }
FDL_INLINE w16 w16_load(const uint32_t *p) { return w16_of(_mm512_loadu_si512(p)); }
FDL_INLINE void w16_store(uint32_t *p, w16 x) { _mm512_storeu_si512(p, x.r); }
FDL_INLINE w16 w16_add(w16 a, w16 b) { return w16_of(_mm512_add_epi32(a.r, b.r)); }
FDL_INLINE w16 w16_sub(w16 a, w16 b) { return w16_of(_mm512_sub_epi32(a.r, b.r)); }
FDL_INLINE w16 w16_and(w16 a, w16 b) { return w16_of(_mm512_and_si512(a.r, b.r)); }
FDL_INLINE w16 w16_or(w16 a, w16 b) { return w16_of(_mm512_or_si512(a.r, b.r)); }
FDL_INLINE w16 w16_xor(w16 a, w16 b) { return w16_of(_mm512_xor_si512(a.r, b.r)); }
FDL_INLINE w16 w16_shl(w16 a, unsigned n) { return w16_of(_mm512_sll_epi32(a.r, _mm_cvtsi32_si128((int)n))); }
FDL_INLINE w16 w16_shr(w16 a, unsigned n) { return w16_of(_mm512_srl_epi32(a.r, _mm_cvtsi32_si128((int)n))); }
FDL_INLINE w16 w16_where_above(w16 a, w16 b, w16 c)   /* c where a > b, else 0; each half of a lane by itself */
{
    return w16_of(_mm512_maskz_mov_epi16(_mm512_cmpgt_epu16_mask(a.r, b.r), c.r));
}
FDL_INLINE v16 w16_to_float(w16 a) { return v16_of(_mm512_cvtepi32_ps(a.r)); }   /* a below 2^31 */
FDL_INLINE void w16_store_bytes(uint8_t *p, w16 x)   /* the lowest byte of each lane */
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x.r));
}

/* uint64 */
FDL_INLINE q16 q16_set1(uint32_t x) { return (q16){_mm512_set1_epi64((long long)x), _mm512_set1_epi64((long long)x)}; }
FDL_INLINE q16 q16_from_w16(w16 a) { return (q16){a.r, _mm512_srli_epi64(a.r, 32)}; }
FDL_INLINE w16 q16_low(q16 a) { return w16_of(_mm512_mask_blend_epi32(0xAAAA, a.even, _mm512_slli_epi64(a.odd, 32))); }
FDL_INLINE q16 q16_high(q16 a) { return (q16){_mm512_srli_epi64(a.even, 32), _mm512_srli_epi64(a.odd, 32)}; }
FDL_INLINE q16 q16_mul(q16 a, q16 b) { return (q16){_mm512_mul_epu32(a.even, b.even), _mm512_mul_epu32(a.odd, b.odd)}; }
FDL_INLINE q16 q16_xor3(q16 a, q16 b, q16 c)
{
    return (q16){_mm512_ternarylogic_epi64(a.even, b.even, c.even, 0x96), _mm512_ternarylogic_epi64(a.odd, b.odd, c.odd, 0x96)};
}

/* over the lanes: lane i and lane i + 8, then 4, 2, 1 */
#define FDL_ACROSS(operation) \
    const __m256 eight = _mm256_##operation##_ps(_mm512_castps512_ps256(x.r), _mm512_extractf32x8_ps(x.r, 1)); \
    __m128 four = _mm_##operation##_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)); \
    four = _mm_##operation##_ps(four, _mm_movehl_ps(four, four)); \
    return _mm_cvtss_f32(_mm_##operation##_ss(four, _mm_movehdup_ps(four)))
FDL_INLINE float v16_sum(v16 x) { FDL_ACROSS(add); }
FDL_INLINE float v16_largest(v16 x) { FDL_ACROSS(max); }
FDL_INLINE double d16_sum(d16 x)
{
    const __m512d eight = _mm512_add_pd(x.lo, x.hi);
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/* r[i] lane j <-> r[j] lane i */
FDL_INLINE void v16_transpose(v16 r[16])
{
    __m512 t[16], u[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i].r, r[i + 1].r);
        t[i + 1] = _mm512_unpackhi_ps(r[i].r, r[i + 1].r);
    }
    for (int i = 0; i < 16; i += 4) {
        u[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        u[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        u[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
        u[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    }
    for (int j = 0; j < 4; j++) {   /* u[4 b + j] holds, in 128-bit part p, column 4 p + j of rows 4 b .. 4 b + 3 */
        const __m512 a = _mm512_shuffle_f32x4(u[j], u[4 + j], 0x88), b = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0x88);
        const __m512 c = _mm512_shuffle_f32x4(u[j], u[4 + j], 0xDD), d = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0xDD);
        r[j].r = _mm512_shuffle_f32x4(a, b, 0x88);
        r[8 + j].r = _mm512_shuffle_f32x4(a, b, 0xDD);
        r[4 + j].r = _mm512_shuffle_f32x4(c, d, 0x88);
        r[12 + j].r = _mm512_shuffle_f32x4(c, d, 0xDD);
    }
}
