/* vec.h in GNU C vectors of 128 bits: SSE2 without FMA on x86-64, NEON with FMA on aarch64, plain code elsewhere. */
#if defined(__aarch64__)
#include <arm_neon.h>
#define FASTDL_MR 6
#else
#define FASTDL_MR 3
#endif
#if defined(__SSE2__)
#include <emmintrin.h>
#elif !defined(__aarch64__)
#include <math.h>
#endif
#define FASTDL_NV 1
#define FASTDL_FREE_MASKS 0

typedef float f4 __attribute__((vector_size(16)));
typedef float s2 __attribute__((vector_size(8)));
typedef double f2 __attribute__((vector_size(16)));
typedef uint32_t u4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef uint16_t u8 __attribute__((vector_size(16)));
typedef uint64_t u2 __attribute__((vector_size(16)));
typedef struct { f4 r[4]; } v16;
typedef struct { f2 r[8]; } d16;
typedef struct { u4 r[4]; } w16;
typedef struct { u2 r[8]; } q16;
typedef struct { i4 r[4]; } m16;

#define FDL_EACH(type, parts, expression) \
    type y; \
    for (int i = 0; i < (parts); i++) \
        y.r[i] = (expression); \
    return y

FDL_INLINE f4 f4_set1(float x) { return (f4){x, x, x, x}; }
FDL_INLINE u4 u4_set1(uint32_t x) { return (u4){x, x, x, x}; }
FDL_INLINE f4 f4_fma(f4 a, f4 b, f4 c)
{
#if defined(__aarch64__)
    return (f4)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;   /* two roundings: the one instruction set whose bits differ */
#endif
}
FDL_INLINE f2 f2_fma(f2 a, f2 b, f2 c)
{
#if defined(__aarch64__)
    return (f2)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return a * b + c;
#endif
}
FDL_INLINE f4 f4_sqrt(f4 a)
{
#if defined(__aarch64__)
    return (f4)vsqrtq_f32((float32x4_t)a);
#elif defined(__SSE2__)
    return (f4)_mm_sqrt_ps((__m128)a);
#else
    return (f4){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
#endif
}
FDL_INLINE f2 f2_sqrt(f2 a)
{
#if defined(__aarch64__)
    return (f2)vsqrtq_f64((float64x2_t)a);
#elif defined(__SSE2__)
    return (f2)_mm_sqrt_pd((__m128d)a);
#else
    return (f2){sqrt(a[0]), sqrt(a[1])};
#endif
}
FDL_INLINE f4 f4_choose(i4 m, f4 yes, f4 no) { return (f4)((m & (i4)yes) | (~m & (i4)no)); }

/* float32: n counts lanes from the first, 0 <= n <= 16; lanes beyond it load as zero and are not stored */
FDL_INLINE v16 v16_set1(float x) { FDL_EACH(v16, 4, f4_set1(x)); }
FDL_INLINE v16 v16_load(const float *p)
{
    v16 y;
    memcpy(&y, p, sizeof y);
    return y;
}
FDL_INLINE void v16_store(float *p, v16 x) { memcpy(p, &x, sizeof x); }
FDL_INLINE v16 v16_load_n(const float *p, int n)
{
    float lane[16] = {0};
    memcpy(lane, p, (size_t)n * sizeof *p);
    return v16_load(lane);
}
FDL_INLINE void v16_store_n(float *p, v16 x, int n) { memcpy(p, &x, (size_t)n * sizeof *p); }
FDL_INLINE v16 v16_add(v16 a, v16 b) { FDL_EACH(v16, 4, a.r[i] + b.r[i]); }
FDL_INLINE v16 v16_sub(v16 a, v16 b) { FDL_EACH(v16, 4, a.r[i] - b.r[i]); }
FDL_INLINE v16 v16_mul(v16 a, v16 b) { FDL_EACH(v16, 4, a.r[i] * b.r[i]); }
FDL_INLINE v16 v16_div(v16 a, v16 b) { FDL_EACH(v16, 4, a.r[i] / b.r[i]); }
FDL_INLINE v16 v16_sqrt(v16 a) { FDL_EACH(v16, 4, f4_sqrt(a.r[i])); }
FDL_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { FDL_EACH(v16, 4, f4_fma(a.r[i], b.r[i], c.r[i])); }     /* a b + c */
FDL_INLINE v16 v16_fnma(v16 a, v16 b, v16 c) { FDL_EACH(v16, 4, f4_fma(-a.r[i], b.r[i], c.r[i])); }   /* c - a b */
FDL_INLINE v16 v16_max(v16 a, v16 b) { FDL_EACH(v16, 4, f4_choose(a.r[i] > b.r[i], a.r[i], b.r[i])); }   /* b if NaN */
FDL_INLINE v16 v16_min(v16 a, v16 b) { FDL_EACH(v16, 4, f4_choose(a.r[i] < b.r[i], a.r[i], b.r[i])); }   /* b if NaN */
FDL_INLINE m16 v16_lt(v16 a, v16 b) { FDL_EACH(m16, 4, a.r[i] < b.r[i]); }
FDL_INLINE m16 v16_le(v16 a, v16 b) { FDL_EACH(m16, 4, a.r[i] <= b.r[i]); }
FDL_INLINE v16 v16_select(m16 m, v16 yes, v16 no) { FDL_EACH(v16, 4, f4_choose(m.r[i], yes.r[i], no.r[i])); }
FDL_INLINE i4 lanes_from_bits(unsigned bits)   /* four bits to four lanes */
{
    const u4 each = {1, 2, 4, 8};
    return (u4_set1(bits) & each) == each;
}
FDL_INLINE m16 m16_from_bits(unsigned bits) { FDL_EACH(m16, 4, lanes_from_bits(bits >> 4 * i)); }
FDL_INLINE int m16_any(m16 m)
{
    const i4 any = m.r[0] | m.r[1] | m.r[2] | m.r[3];
    return (any[0] | any[1] | any[2] | any[3]) != 0;
}
FDL_INLINE w16 v16_bits(v16 x) { FDL_EACH(w16, 4, (u4)x.r[i]); }
FDL_INLINE v16 v16_from_bits(w16 x) { FDL_EACH(v16, 4, (f4)x.r[i]); }

/* float64 */
FDL_INLINE d16 d16_set1(double x) { FDL_EACH(d16, 8, ((f2){x, x})); }
FDL_INLINE d16 d16_load(const double *p)
{
    d16 y;
    memcpy(&y, p, sizeof y);
    return y;
}
FDL_INLINE void d16_store(double *p, d16 x) { memcpy(p, &x, sizeof x); }
FDL_INLINE d16 d16_add(d16 a, d16 b) { FDL_EACH(d16, 8, a.r[i] + b.r[i]); }
FDL_INLINE d16 d16_sub(d16 a, d16 b) { FDL_EACH(d16, 8, a.r[i] - b.r[i]); }
FDL_INLINE d16 d16_div(d16 a, d16 b) { FDL_EACH(d16, 8, a.r[i] / b.r[i]); }
FDL_INLINE d16 d16_sqrt(d16 a) { FDL_EACH(d16, 8, f2_sqrt(a.r[i])); }
FDL_INLINE d16 d16_mul(d16 a, d16 b) { FDL_EACH(d16, 8, a.r[i] * b.r[i]); }
FDL_INLINE d16 d16_fma(d16 a, d16 b, d16 c) { FDL_EACH(d16, 8, f2_fma(a.r[i], b.r[i], c.r[i])); }
/* Not by the lanes one by one: gcc 12 takes a lane that was rounded to float32 and widened again for the lane itself. */
FDL_INLINE d16 d16_from_v16(v16 x)
{
    s2 half[8];
    memcpy(half, &x, sizeof half);
    FDL_EACH(d16, 8, __builtin_convertvector(half[i], f2));
}
FDL_INLINE v16 d16_to_v16(d16 x)
{
    s2 half[8];
    v16 y;
    for (int i = 0; i < 8; i++)
        half[i] = __builtin_convertvector(x.r[i], s2);
    memcpy(&y, half, sizeof y);
    return y;
}

/* uint32 */
FDL_INLINE w16 w16_set1(uint32_t x) { FDL_EACH(w16, 4, u4_set1(x)); }
FDL_INLINE w16 w16_load(const uint32_t *p)
{
    w16 y;
    memcpy(&y, p, sizeof y);
    return y;
}
FDL_INLINE void w16_store(uint32_t *p, w16 x) { memcpy(p, &x, sizeof x); }
FDL_INLINE w16 w16_add(w16 a, w16 b) { FDL_EACH(w16, 4, a.r[i] + b.r[i]); }
FDL_INLINE w16 w16_sub(w16 a, w16 b) { FDL_EACH(w16, 4, a.r[i] - b.r[i]); }
FDL_INLINE w16 w16_and(w16 a, w16 b) { FDL_EACH(w16, 4, a.r[i] & b.r[i]); }
FDL_INLINE w16 w16_or(w16 a, w16 b) { FDL_EACH(w16, 4, a.r[i] | b.r[i]); }
FDL_INLINE w16 w16_xor(w16 a, w16 b) { FDL_EACH(w16, 4, a.r[i] ^ b.r[i]); }
FDL_INLINE w16 w16_shl(w16 a, unsigned n) { FDL_EACH(w16, 4, a.r[i] << n); }
FDL_INLINE w16 w16_shr(w16 a, unsigned n) { FDL_EACH(w16, 4, a.r[i] >> n); }
FDL_INLINE w16 w16_where_above(w16 a, w16 b, w16 c)   /* c where a > b, else 0; each half of a lane by itself */
{
    FDL_EACH(w16, 4, (u4)((u8)a.r[i] > (u8)b.r[i]) & c.r[i]);
}
FDL_INLINE v16 w16_to_float(w16 a) { FDL_EACH(v16, 4, __builtin_convertvector((i4)a.r[i], f4)); }   /* a below 2^31 */
FDL_INLINE void w16_store_bytes(uint8_t *p, w16 x)   /* the lowest byte of each lane */
{
    uint32_t lane[16];
    w16_store(lane, x);
    for (int i = 0; i < 16; i++)
        p[i] = (uint8_t)lane[i];
}

/* uint64: r[2 i] and r[2 i + 1] are the even and the odd lanes of four; little-endian, as all machines that we know */
FDL_INLINE u2 u2_mul(u2 a, u2 b)   /* of the low halves */
{
#if defined(__SSE2__)
    return (u2)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__aarch64__)
    return (u2)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}
FDL_INLINE q16 q16_set1(uint32_t x) { FDL_EACH(q16, 8, ((u2){x, x})); }
FDL_INLINE q16 q16_from_w16(w16 a) { FDL_EACH(q16, 8, i % 2 ? (u2)a.r[i / 2] >> 32 : (u2)a.r[i / 2]); }
FDL_INLINE w16 q16_low(q16 a) { FDL_EACH(w16, 4, (u4)((a.r[2 * i] & 0xFFFFFFFFu) | a.r[2 * i + 1] << 32)); }
FDL_INLINE q16 q16_high(q16 a) { FDL_EACH(q16, 8, a.r[i] >> 32); }
FDL_INLINE q16 q16_mul(q16 a, q16 b) { FDL_EACH(q16, 8, u2_mul(a.r[i], b.r[i])); }
FDL_INLINE q16 q16_xor3(q16 a, q16 b, q16 c) { FDL_EACH(q16, 8, a.r[i] ^ b.r[i] ^ c.r[i]); }

/* over the lanes: lane i and lane i + 8, then 4, 2, 1 */
FDL_INLINE float v16_sum(v16 x)
{
    float lane[16];
    v16_store(lane, x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}
FDL_INLINE double d16_sum(d16 x)
{
    double lane[16];
    d16_store(lane, x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}
FDL_INLINE float v16_largest(v16 x)
{
    float lane[16];
    v16_store(lane, x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

/* r[i] lane j <-> r[j] lane i */
FDL_INLINE void v16_transpose(v16 r[16])
{
    float from[16][16], to[16][16];
    memcpy(from, r, sizeof from);
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++)
            to[j][i] = from[i][j];
    memcpy(r, to, sizeof to);
}
