/* vec.h on AVX2 with FMA: two registers for sixteen floats, masks as all-ones lanes. */
#include <immintrin.h>

#define FASTDL_MR 6
#define FASTDL_NV 1
#define FASTDL_FREE_MASKS 0

typedef struct { __m256 a, b; } v16;
typedef struct { __m256d r[4]; } d16;
typedef struct { __m256i a, b; } w16;
typedef struct { __m256i r[4]; } q16;
typedef struct { __m256 a, b; } m16;

FDL_INLINE v16 v16_of(__m256 a, __m256 b) { return (v16){a, b}; }
FDL_INLINE w16 w16_of(__m256i a, __m256i b) { return (w16){a, b}; }
FDL_INLINE __m256i mask_of(int n)   /* the first n of eight lanes, n at most 8 and possibly negative */
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* float32: n counts lanes from the first, 0 <= n <= 16; lanes beyond it load as zero and are not stored */
FDL_INLINE v16 v16_set1(float x) { return v16_of(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
FDL_INLINE v16 v16_load(const float *p) { return v16_of(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
FDL_INLINE void v16_store(float *p, v16 x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
FDL_INLINE v16 v16_load_n(const float *p, int n)
{
    if (n == 16)
        return v16_load(p);
    if (n <= 8)
        return v16_of(_mm256_maskload_ps(p, mask_of(n)), _mm256_setzero_ps());
    return v16_of(_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, mask_of(n - 8)));
}
FDL_INLINE void v16_store_n(float *p, v16 x, int n)
{
    if (n == 16) {
        v16_store(p, x);
        return;
    }
    _mm256_maskstore_ps(p, mask_of(n), x.a);
    if (n > 8)
        _mm256_maskstore_ps(p + 8, mask_of(n - 8), x.b);
}
FDL_INLINE v16 v16_add(v16 x, v16 y) { return v16_of(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)); }
FDL_INLINE v16 v16_sub(v16 x, v16 y) { return v16_of(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)); }
FDL_INLINE v16 v16_mul(v16 x, v16 y) { return v16_of(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)); }
FDL_INLINE v16 v16_div(v16 x, v16 y) { return v16_of(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)); }
FDL_INLINE v16 v16_sqrt(v16 x) { return v16_of(_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)); }
FDL_INLINE v16 v16_fma(v16 x, v16 y, v16 z)   /* x y + z */
{
    return v16_of(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
FDL_INLINE v16 v16_fnma(v16 x, v16 y, v16 z)   /* z - x y */
{
    return v16_of(_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b));
}
FDL_INLINE v16 v16_max(v16 x, v16 y) { return v16_of(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)); }   /* y if NaN */
FDL_INLINE v16 v16_min(v16 x, v16 y) { return v16_of(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)); }   /* y if NaN */
FDL_INLINE m16 v16_lt(v16 x, v16 y) { return (m16){_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)}; }
FDL_INLINE m16 v16_le(v16 x, v16 y) { return (m16){_mm256_cmp_ps(x.a, y.a, _CMP_LE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LE_OQ)}; }
FDL_INLINE v16 v16_select(m16 m, v16 yes, v16 no)
{
    return v16_of(_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b));
}
FDL_INLINE __m256 lanes_from_bits(unsigned bits)   /* eight bits to eight lanes */
{
    const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), each), each));
}
FDL_INLINE m16 m16_from_bits(unsigned bits) { return (m16){lanes_from_bits(bits), lanes_from_bits(bits >> 8)}; }
FDL_INLINE int m16_any(m16 m) { return _mm256_movemask_ps(_mm256_or_ps(m.a, m.b)) != 0; }
FDL_INLINE w16 v16_bits(v16 x) { return w16_of(_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)); }
FDL_INLINE v16 v16_from_bits(w16 x) { return v16_of(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)); }

/* float64 */
#define FDL_D16(expression) \
    d16 y; \
    for (int i = 0; i < 4; i++) \
        y.r[i] = (expression); \
    return y
FDL_INLINE d16 d16_set1(double x) { FDL_D16(_mm256_set1_pd(x)); }
FDL_INLINE d16 d16_load(const double *p) { FDL_D16(_mm256_loadu_pd(p + 4 * i)); }
FDL_INLINE void d16_store(double *p, d16 x)
{
    for (int i = 0; i < 4; i++)
        _mm256_storeu_pd(p + 4 * i, x.r[i]);
}
FDL_INLINE d16 d16_add(d16 a, d16 b) { FDL_D16(_mm256_add_pd(a.r[i], b.r[i])); }
FDL_INLINE d16 d16_sub(d16 a, d16 b) { FDL_D16(_mm256_sub_pd(a.r[i], b.r[i])); }
FDL_INLINE d16 d16_div(d16 a, d16 b) { FDL_D16(_mm256_div_pd(a.r[i], b.r[i])); }
FDL_INLINE d16 d16_sqrt(d16 a) { FDL_D16(_mm256_sqrt_pd(a.r[i])); }
FDL_INLINE d16 d16_mul(d16 a, d16 b) { FDL_D16(_mm256_mul_pd(a.r[i], b.r[i])); }
FDL_INLINE d16 d16_fma(d16 a, d16 b, d16 c) { FDL_D16(_mm256_fmadd_pd(a.r[i], b.r[i], c.r[i])); }
FDL_INLINE d16 d16_from_v16(v16 x)
{
    return (d16){{_mm256_cvtps_pd(_mm256_castps256_ps128(x.a)), _mm256_cvtps_pd(_mm256_extractf128_ps(x.a, 1)),
                  _mm256_cvtps_pd(_mm256_castps256_ps128(x.b)), _mm256_cvtps_pd(_mm256_extractf128_ps(x.b, 1))}};
}
FDL_INLINE v16 d16_to_v16(d16 x)
{
    return v16_of(_mm256_set_m128(_mm256_cvtpd_ps(x.r[1]), _mm256_cvtpd_ps(x.r[0])),
                  _mm256_set_m128(_mm256_cvtpd_ps(x.r[3]), _mm256_cvtpd_ps(x.r[2])));
}

/* uint32 */
FDL_INLINE w16 w16_set1(uint32_t x) { return w16_of(_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)); }
FDL_INLINE w16 w16_load(const uint32_t *p)
{
    return w16_of(_mm256_loadu_si256((const __m256i *)(const void *)p),
                  _mm256_loadu_si256((const __m256i *)(const void *)(p + 8)));
}
FDL_INLINE void w16_store(uint32_t *p, w16 x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x.a);
    _mm256_storeu_si256((__m256i *)(void *)(p + 8), x.b);
}
FDL_INLINE w16 w16_add(w16 x, w16 y) { return w16_of(_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)); }
FDL_INLINE w16 w16_sub(w16 x, w16 y) { return w16_of(_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)); }
FDL_INLINE w16 w16_and(w16 x, w16 y) { return w16_of(_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)); }
FDL_INLINE w16 w16_or(w16 x, w16 y) { return w16_of(_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)); }
FDL_INLINE w16 w16_xor(w16 x, w16 y) { return w16_of(_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)); }
FDL_INLINE w16 w16_shl(w16 x, unsigned n)
{
    const __m128i by = _mm_cvtsi32_si128((int)n);
    return w16_of(_mm256_sll_epi32(x.a, by), _mm256_sll_epi32(x.b, by));
}
FDL_INLINE w16 w16_shr(w16 x, unsigned n)
{
    const __m128i by = _mm_cvtsi32_si128((int)n);
    return w16_of(_mm256_srl_epi32(x.a, by), _mm256_srl_epi32(x.b, by));
}
FDL_INLINE __m256i half_where_above(__m256i x, __m256i y, __m256i z)
{
    return _mm256_andnot_si256(_mm256_cmpeq_epi16(_mm256_subs_epu16(x, y), _mm256_setzero_si256()), z);
}
FDL_INLINE w16 w16_where_above(w16 x, w16 y, w16 z)   /* z where x > y, else 0; each half of a lane by itself */
{
    return w16_of(half_where_above(x.a, y.a, z.a), half_where_above(x.b, y.b, z.b));
}
FDL_INLINE v16 w16_to_float(w16 x) { return v16_of(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)); }   /* below 2^31 */
FDL_INLINE void w16_store_bytes(uint8_t *p, w16 x)   /* the lowest byte of each lane */
{
    const __m256i low = _mm256_set1_epi32(0xFF);
    const __m256i pairs = _mm256_packus_epi32(_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low));
    const __m256i ordered = _mm256_permute4x64_epi64(pairs, 0xD8);
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1)));
}

/* uint64: r[0] and r[1] are the even and the odd lanes of the first eight, r[2] and r[3] those of the others */
#define FDL_Q16(expression) \
    q16 y; \
    for (int i = 0; i < 4; i++) \
        y.r[i] = (expression); \
    return y
FDL_INLINE q16 q16_set1(uint32_t x) { FDL_Q16(_mm256_set1_epi64x((long long)x)); }
FDL_INLINE q16 q16_from_w16(w16 x) { return (q16){{x.a, _mm256_srli_epi64(x.a, 32), x.b, _mm256_srli_epi64(x.b, 32)}}; }
FDL_INLINE w16 q16_low(q16 x)
{
    return w16_of(_mm256_blend_epi32(x.r[0], _mm256_slli_epi64(x.r[1], 32), 0xAA),
                  _mm256_blend_epi32(x.r[2], _mm256_slli_epi64(x.r[3], 32), 0xAA));
}
FDL_INLINE q16 q16_high(q16 a) { FDL_Q16(_mm256_srli_epi64(a.r[i], 32)); }
FDL_INLINE q16 q16_mul(q16 a, q16 b) { FDL_Q16(_mm256_mul_epu32(a.r[i], b.r[i])); }
FDL_INLINE q16 q16_xor3(q16 a, q16 b, q16 c) { FDL_Q16(_mm256_xor_si256(_mm256_xor_si256(a.r[i], b.r[i]), c.r[i])); }

/* over the lanes: lane i and lane i + 8, then 4, 2, 1 */
#define FDL_ACROSS(operation) \
    __m256 eight = _mm256_##operation##_ps(x.a, x.b); \
    __m128 four = _mm_##operation##_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)); \
    four = _mm_##operation##_ps(four, _mm_movehl_ps(four, four)); \
    return _mm_cvtss_f32(_mm_##operation##_ss(four, _mm_movehdup_ps(four)))
FDL_INLINE float v16_sum(v16 x) { FDL_ACROSS(add); }
FDL_INLINE float v16_largest(v16 x) { FDL_ACROSS(max); }
FDL_INLINE double d16_sum(d16 x)
{
    const __m256d four = _mm256_add_pd(_mm256_add_pd(x.r[0], x.r[2]), _mm256_add_pd(x.r[1], x.r[3]));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/* r[i] lane j <-> r[j] lane i */
FDL_INLINE void transpose8(const __m256 x[8], __m256 y[8])
{
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        y[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        y[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}
FDL_INLINE void v16_transpose(v16 r[16])
{
    __m256 in[8], top_left[8], top_right[8], bottom_left[8], bottom_right[8];
    for (int i = 0; i < 8; i++)
        in[i] = r[i].a;
    transpose8(in, top_left);
    for (int i = 0; i < 8; i++)
        in[i] = r[i].b;
    transpose8(in, top_right);
    for (int i = 0; i < 8; i++)
        in[i] = r[8 + i].a;
    transpose8(in, bottom_left);
    for (int i = 0; i < 8; i++)
        in[i] = r[8 + i].b;
    transpose8(in, bottom_right);
    for (int i = 0; i < 8; i++) {
        r[i] = v16_of(top_left[i], bottom_left[i]);
        r[8 + i] = v16_of(top_right[i], bottom_right[i]);
    }
}
