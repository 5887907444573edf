/* Periodic embeddings of numbers, PBLD (Holzmueller et al. 2024, RealMLP; after Gorishniy et al. 2022): column x becomes x
 * itself and some mixtures of its waves, z_q = bias_q + sum over h of weight_hq cos(2 pi (frequency_h x + phase_h)), with
 * coefficients of its own. Vectors run over columns, so that no sum crosses lanes. */
#include "fastdl.h"
#include "vec.h"
#include "vecmath.h"

/* Sine and cosine of any number of turns, NaN at infinity. Those of 2^23 turns and more are whole in float32. */
FDL_INLINE void wave(v16 turns, v16 *sine, v16 *cosine)
{
    const v16 size = v16_magnitude(turns), magic = v16_set1(0x1p23f);
    const v16 nearest = v16_select(v16_lt(size, magic), v16_sub(v16_add(size, magic), magic), size);
    v16_sincos_turns(v16_sub(turns, v16_from_bits(w16_or(v16_bits(nearest), sign_bits(turns)))), sine, cosine);
}

/* Outputs of one piece of columns of one row. */
FDL_INLINE void embed_piece(float *y, const float *x, const fastdl_periodic *p, ptrdiff_t j, const int n, const int mixtures)
{
    const ptrdiff_t cols = p->cols;
    const v16 value = v16_load_n(x + j, n);
    v16 z[FASTDL_MIXTURES], sine, cosine;
    for (int q = 0; q < mixtures; q++)
        z[q] = v16_load_n(p->bias + q * cols + j, n);
    for (ptrdiff_t h = 0; h < p->waves; h++) {
        const float *weight = p->weight + h * mixtures * cols + j;
        const v16 turns = v16_fma(value, v16_load_n(p->frequency + h * cols + j, n), v16_load_n(p->phase + h * cols + j, n));
        wave(turns, &sine, &cosine);
        for (int q = 0; q < mixtures; q++)
            z[q] = v16_fma(v16_load_n(weight + q * cols, n), cosine, z[q]);
    }
    v16_store_n(y + j, value, n);
    for (int q = 0; q < mixtures; q++)
        v16_store_n(y + (q + 1) * cols + j, z[q], n);
}

FDL_INLINE void embed_rows(float *y, const float *x, const fastdl_periodic *p, ptrdiff_t rows, ptrdiff_t ldy, ptrdiff_t ldx,
                           const int mixtures)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < p->cols; j += 16)
            embed_piece(y + i * ldy, x + i * ldx, p, j, (int)(p->cols - j < 16 ? p->cols - j : 16), mixtures);
}

/* y = x, z_0, z_1 ... side by side.   y: (rows, ldy), (1 + mixtures) cols of each row   x: (rows, ldx) */
static void fdl_periodic(float *y, const float *x, const fastdl_periodic *p, ptrdiff_t rows, ptrdiff_t ldy, ptrdiff_t ldx)
{
    if (p->mixtures == 3)
        embed_rows(y, x, p, rows, ldy, ldx, 3);
    else
        embed_rows(y, x, p, rows, ldy, ldx, p->mixtures);
}

FDL_INLINE void store_sum(double *sums, v16 sum) { d16_store(sums, d16_from_v16(sum)); }

/* What wave h of a piece of columns learns from some rows, and what it passes back to x. */
FDL_INLINE void wave_backward(float *dx, double *sums, const float *dy, const float *x, const fastdl_periodic *p, ptrdiff_t h,
                              ptrdiff_t j, const int n, ptrdiff_t rows, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx,
                              const int mixtures)
{
    const ptrdiff_t cols = p->cols, ld = p->ld;
    const v16 frequency = v16_load_n(p->frequency + h * cols + j, n), phase = v16_load_n(p->phase + h * cols + j, n);
    const v16 turn = v16_set1(-6.28318530717958648f);
    v16 weight[FASTDL_MIXTURES], dweight[FASTDL_MIXTURES], dfrequency = v16_zero(), dphase = v16_zero(), sine, cosine;
    for (int q = 0; q < mixtures; q++) {
        weight[q] = v16_load_n(p->weight + (h * mixtures + q) * cols + j, n);
        dweight[q] = v16_zero();
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        const v16 value = v16_load_n(x + i * ldx + j, n);
        v16 slope = v16_zero();
        wave(v16_fma(value, frequency, phase), &sine, &cosine);
        for (int q = 0; q < mixtures; q++) {
            const v16 dz = v16_load_n(dy + i * lddy + (q + 1) * cols + j, n);
            slope = v16_fma(dz, weight[q], slope);
            dweight[q] = v16_fma(dz, cosine, dweight[q]);
        }
        slope = v16_mul(v16_mul(slope, sine), turn);
        dphase = v16_add(dphase, slope);
        dfrequency = v16_fma(slope, value, dfrequency);
        if (dx) {
            const v16 before = h ? v16_load_n(dx + i * lddx + j, n) : v16_load_n(dy + i * lddy + j, n);
            v16_store_n(dx + i * lddx + j, v16_fma(slope, frequency, before), n);
        }
    }
    store_sum(sums + h * ld + j, dfrequency);
    store_sum(sums + (p->waves + h) * ld + j, dphase);
    for (int q = 0; q < mixtures; q++)
        store_sum(sums + (2 * p->waves + h * mixtures + q) * ld + j, dweight[q]);
}

FDL_INLINE void periodic_backward(float *dx, double *sums, const float *dy, const float *x, const fastdl_periodic *p,
                                  ptrdiff_t rows, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx, const int mixtures)
{
    for (ptrdiff_t j = 0; j < p->cols; j += 16) {
        const int n = (int)(p->cols - j < 16 ? p->cols - j : 16);
        for (ptrdiff_t h = 0; h < p->waves; h++)
            wave_backward(dx, sums, dy, x, p, h, j, n, rows, lddx, lddy, ldx, mixtures);
        for (int q = 0; q < mixtures; q++) {
            v16 sum = v16_zero();
            for (ptrdiff_t i = 0; i < rows; i++)
                sum = v16_add(sum, v16_load_n(dy + i * lddy + (q + 1) * p->cols + j, n));
            store_sum(sums + ((2 + mixtures) * p->waves + q) * p->ld + j, sum);
        }
    }
}

/* dx = the gradient of x; sums = those of frequency, phase, weight and bias, in this order, from these rows alone. They are
 * summed in float32: give some dozens of rows.   dx: (rows, lddx), not dy, or NULL   sums: ((2 + mixtures) waves + mixtures, ld)
 * dy: (rows, lddy), (1 + mixtures) cols of each row   x: (rows, ldx) */
static void fdl_periodic_backward(float *dx, double *sums, const float *dy, const float *x, const fastdl_periodic *p,
                                  ptrdiff_t rows, ptrdiff_t lddx, ptrdiff_t lddy, ptrdiff_t ldx)
{
    if (p->mixtures == 3)
        periodic_backward(dx, sums, dy, x, p, rows, lddx, lddy, ldx, 3);
    else
        periodic_backward(dx, sums, dy, x, p, rows, lddx, lddy, ldx, p->mixtures);
}
