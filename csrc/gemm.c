/* Matrix product, one block of the output at a time, with bias and activation in the store.
 *
 * Each output is one chain of fused multiply-adds with p ascending from zero, then + bias, then the activation. So its bits
 * depend neither on the block, nor on the tile, nor on the instruction set (where there is FMA), nor on the other rows.
 *
 * A tile of mr rows x nv vectors lives in registers while p runs over a K-block. A is read where it lies: broadcasts walk
 * along rows (x w, dy wT) or along columns (xT dy). B is read where it lies unless its columns are strided (wT), its row
 * stride would make the lines of a panel fall into few cache sets, or its edge needs masks that cost; then a panel of
 * K-block x 32 is copied once and used for all rows of the block. Where rows of B are contiguous, the first tile does that
 * on its way: it waits for the multiply-add units, so that the stores are free. */
#include "fastdl.h"
#include "gemm_narrow.h"
#include "vecmath.h"

enum { PANEL = 16 * FASTDL_NV, K_BLOCK = FASTDL_K_BLOCK, PACK_FROM_TILES = 4, COPY_FROM_PANELS = 3 };
enum { FEW_SETS = 256, PAGE = 1024 };   /* row strides in floats: 1 KiB, 4 KiB */
enum { FAR_OUTPUT = 1 << 17 };          /* floats: 512 KiB of C, which with A and B don't stay in L2 */
enum { NARROW_FROM_ROWS = 16 };
enum { ROWS_AHEAD = 32 };               /* of B are fetched while a panel is copied: some 400 cycles */

enum { ROW_VECTORS = FASTDL_NV == 2 ? 8 : FASTDL_MR > 3 ? 4 : 2 };   /* of a product of one row: enough chains */

typedef void tile_fn(float *c, const float *a, const float *b, const float *bias, ptrdiff_t k, ptrdiff_t ldc, ptrdiff_t lda,
                     ptrdiff_t ldb, int lanes, int first, int relu, const float *ahead, float *panel);

/* C (mr, 16 (nv - 1) + lanes) = [first: 0, else C] + A (mr, k) B (k, ...) [+ bias] [then ReLU].
 * c: (mr, ldc)   a: row i begins at a + i lda (by_rows), or column p at a + p lda (not)   b: (k, ldb)   bias: or NULL
 * ahead: C of the next tile (mr, ldc), which is fetched meanwhile, or NULL   panel: (k, PANEL) gets a copy of B, or NULL */
FDL_INLINE void tile(float *restrict c, const float *restrict a, const float *restrict b, const float *bias, ptrdiff_t k,
                     ptrdiff_t ldc, ptrdiff_t lda, ptrdiff_t ldb, int lanes, int first, int relu, const float *ahead,
                     float *restrict panel, const int mr, const int nv, const int by_rows)
{
    v16 acc[FASTDL_MR][FASTDL_NV];
    if (first) {
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++)
                acc[i][j] = v16_zero();
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++)
                acc[i][j] = j < nv - 1 ? v16_load(c + i * ldc + 16 * j) : v16_load_n(c + i * ldc + 16 * j, lanes);
    }
    if (ahead)
        for (int i = 0; i < mr; i++) {
            __builtin_prefetch(ahead + i * ldc);
            for (int j = 1; j <= nv; j++)   /* one more: rows may begin within a line */
                __builtin_prefetch(ahead + i * ldc + 16 * j - 1);
        }
    /* five pointers reach fourteen rows as [p], [p + lda] and [p + 2 lda]: one each would not fit the integer registers */
    const float *a0 = a, *a3 = mr > 3 ? a + 3 * lda : a, *a6 = mr > 6 ? a + 6 * lda : a, *a9 = mr > 9 ? a + 9 * lda : a;
    const float *a12 = mr > 12 ? a + 12 * lda : a;
    for (ptrdiff_t p = 0; p < k; p++) {
        v16 row[FASTDL_NV];
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++)
            row[j] = FASTDL_FREE_MASKS && j == nv - 1 ? v16_load_n(b + 16 * j, lanes) : v16_load(b + 16 * j);
        if (panel) {
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++) {
                v16_store(panel + 16 * j, row[j]);
                __builtin_prefetch(b + ROWS_AHEAD * ldb + 16 * j);
            }
            __builtin_prefetch(b + ROWS_AHEAD * ldb + 16 * nv - 1);   /* rows may begin within a line */
            panel += PANEL;
        }
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            const float *base = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : i < 12 ? a9 : a12;
            const v16 x = v16_set1(by_rows ? base[i % 3 * lda] : a[i]);
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++)
                acc[i][j] = v16_fma(x, row[j], acc[i][j]);
        }
        b += ldb;
        if (by_rows) {
            a0++;
            a3++;
            a6++;
            a9++;
            a12++;
        } else {
            a += lda;
        }
    }
    v16 offset[FASTDL_NV];
    const v16 floor = relu ? v16_zero() : v16_set1(-__builtin_inff());
#pragma GCC unroll 2
    for (int j = 0; j < nv; j++)
        offset[j] = bias ? v16_load_n(bias + 16 * j, j < nv - 1 ? 16 : lanes) : v16_zero();
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++) {
            const v16 y = v16_max(floor, bias ? v16_add(acc[i][j], offset[j]) : acc[i][j]);   /* NaN passes */
            if (j < nv - 1)
                v16_store(c + i * ldc + 16 * j, y);
            else
                v16_store_n(c + i * ldc + 16 * j, y, lanes);
        }
}

#define TILE(mr, nv, by_rows) \
    static void tile_##mr##_##nv##_##by_rows(float *c, const float *a, const float *b, const float *bias, ptrdiff_t k, \
                                             ptrdiff_t ldc, ptrdiff_t lda, ptrdiff_t ldb, int lanes, int first, int relu, \
                                             const float *ahead, float *panel) \
    { \
        tile(c, a, b, bias, k, ldc, lda, ldb, lanes, first, relu, ahead, panel, mr, nv, by_rows); \
    }
/* clang-format off */
#if FASTDL_NV == 2
#define TILES(mr) TILE(mr, 1, 0) TILE(mr, 1, 1) TILE(mr, 2, 0) TILE(mr, 2, 1)
#define ENTRY(mr) {{tile_##mr##_1_0, tile_##mr##_1_1}, {tile_##mr##_2_0, tile_##mr##_2_1}}
#else
#define TILES(mr) TILE(mr, 1, 0) TILE(mr, 1, 1)
#define ENTRY(mr) {{tile_##mr##_1_0, tile_##mr##_1_1}}
#endif
TILES(1) TILES(2) TILES(3)
#if FASTDL_MR > 3
TILES(4) TILES(5) TILES(6)
#endif
#if FASTDL_MR > 6
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12) TILES(13) TILES(14)
#endif

static tile_fn *const tiles[FASTDL_MR][FASTDL_NV][2] = {   /* by rows - 1, vectors - 1, A by rows */
    ENTRY(1), ENTRY(2), ENTRY(3),
#if FASTDL_MR > 3
    ENTRY(4), ENTRY(5), ENTRY(6),
#endif
#if FASTDL_MR > 6
    ENTRY(7), ENTRY(8), ENTRY(9), ENTRY(10), ENTRY(11), ENTRY(12), ENTRY(13), ENTRY(14),
#endif
};
/* clang-format on */

/* panel (depth, PANEL) = the transposed of a square of at most 16 rows of n = depth floats, rows from `rows` on zero.
 * panel: (depth, PANEL)   b: (rows, ldb) */
FDL_INLINE void transpose_square(float *restrict panel, const float *restrict b, ptrdiff_t ldb, int rows, int depth)
{
    v16 r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = i < rows ? v16_load_n(b + i * ldb, depth) : v16_zero();
    v16_transpose(r);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        if (i < depth)
            v16_store(panel + i * PANEL, r[i]);
}

/* panel (k, PANEL) = B[p0 : p0 + k, j0 : j0 + n], columns from n on zero.   panel: (k, PANEL)   n at most PANEL */
static void pack_b(float *restrict panel, const fastdl_gemm *g, ptrdiff_t p0, ptrdiff_t k, ptrdiff_t j0, ptrdiff_t n)
{
    const float *b = g->b + p0 * g->b_p + j0 * g->b_j;
    for (ptrdiff_t j = 0; j < PANEL; j += 16) {
        const int columns = (int)(n - j < 0 ? 0 : n - j < 16 ? n - j : 16);
        if (g->b_j == 1) {
            for (ptrdiff_t p = 0; p < k; p++)
                v16_store(panel + p * PANEL + j, v16_load_n(b + p * g->b_p + (columns ? j : 0), columns));
            continue;
        }
        const float *rows = b + (columns ? j : 0) * g->b_j;
        ptrdiff_t p = 0;
        if (columns == 16)
            for (; p + 16 <= k; p += 16)
                transpose_square(panel + p * PANEL + j, rows + p, g->b_j, 16, 16);
        for (; p < k; p += 16)
            transpose_square(panel + p * PANEL + j, rows + p, g->b_j, columns, (int)(k - p < 16 ? k - p : 16));
    }
}

/* copy (lines, ld) = the lines of a block of A, rows or columns of n elements, `from` floats apart.   a: (lines, from) */
static void copy_a(float *restrict copy, const float *restrict a, ptrdiff_t lines, ptrdiff_t n, ptrdiff_t ld, ptrdiff_t from)
{
    for (ptrdiff_t i = 0; i < lines; i++)
        for (ptrdiff_t j = 0; j < n; j += 16) {
            const int lanes = (int)(n - j < 16 ? n - j : 16);
            v16_store_n(copy + i * ld + j, v16_load_n(a + i * from + j, lanes), lanes);
        }
}

/* One row of C, 16 (nv - 1) + lanes columns of it: many vectors, since as many chains hide the latency of each other.
 * c: (16 nv)   a: (k)   b: (k, ldb)   bias: as c, or NULL */
FDL_INLINE void row_of_tiles(float *restrict c, const float *restrict a, const float *restrict b, const float *bias,
                             ptrdiff_t k, ptrdiff_t ldb, int lanes, int relu, const int nv)
{
    v16 acc[ROW_VECTORS];
    for (int j = 0; j < nv; j++)
        acc[j] = v16_zero();
    for (ptrdiff_t p = 0; p < k; p++, b += ldb) {
        const v16 x = v16_set1(a[p]);
#pragma GCC unroll 8
        for (int j = 0; j < nv - 1; j++)
            acc[j] = v16_fma(x, v16_load(b + 16 * j), acc[j]);
        acc[nv - 1] = v16_fma(x, v16_load_n(b + 16 * (nv - 1), lanes), acc[nv - 1]);
    }
    const v16 floor = relu ? v16_zero() : v16_set1(-__builtin_inff());
#pragma GCC unroll 8
    for (int j = 0; j < nv; j++) {
        const int n = j < nv - 1 ? 16 : lanes;
        const v16 y = bias ? v16_add(acc[j], v16_load_n(bias + 16 * j, n)) : acc[j];
        v16_store_n(c + 16 * j, v16_max(floor, y), n);   /* NaN passes */
    }
}

/* C[i, j0 : j1] where rows of B are contiguous. */
static void one_row(const fastdl_gemm *g, ptrdiff_t i, ptrdiff_t j0, ptrdiff_t j1)
{
    const int relu = g->activation == FASTDL_RELU;
    for (ptrdiff_t j = j0; j < j1;) {
        const ptrdiff_t left = (j1 - j + 15) / 16;
        const int nv = left >= ROW_VECTORS ? ROW_VECTORS : left >= 4 && ROW_VECTORS > 4 ? 4 : left >= 2 ? 2 : 1;
        const int lanes = (int)(j1 - j < 16 * nv ? j1 - j - 16 * (nv - 1) : 16);
        float *c = g->c + i * g->ldc + j;
        const float *a = g->a + i * g->a_i, *b = g->b + j, *bias = g->bias ? g->bias + j : NULL;
        if (nv == ROW_VECTORS)
            row_of_tiles(c, a, b, bias, g->k, g->b_p, lanes, relu, ROW_VECTORS);
        else if (nv == 4)
            row_of_tiles(c, a, b, bias, g->k, g->b_p, lanes, relu, 4);
        else if (nv == 2)
            row_of_tiles(c, a, b, bias, g->k, g->b_p, lanes, relu, 2);
        else
            row_of_tiles(c, a, b, bias, g->k, g->b_p, lanes, relu, 1);
        j += 16 * nv;
    }
}

/* C[i0 : i1, j0 : j1] of the product g. */
static void fdl_gemm_block(const fastdl_gemm *g, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t j0, ptrdiff_t j1)
{
    if (i1 - i0 == 1 && g->a_p == 1 && g->b_j == 1) {
        one_row(g, i0, j0, j1);
        if (g->activation == FASTDL_TANH)
            tanh_row(g->c + i0 * g->ldc + j0, g->c + i0 * g->ldc + j0, j1 - j0);
        return;
    }
    const ptrdiff_t last_columns = (j1 - j0) % PANEL, all_columns = j1;
    if (last_columns > 0 && last_columns <= NARROW && i1 - i0 >= NARROW_FROM_ROWS) {
        narrow_block(g, i0, i1, j1 - last_columns, j1);
        j1 -= last_columns;
    }
    float *panel = fastdl_gemm_scratch, *copy = panel + K_BLOCK * PANEL;
    const ptrdiff_t rows = i1 - i0, n_tiles = (rows + FASTDL_MR - 1) / FASTDL_MR;
    const ptrdiff_t n_blocks = g->k > K_BLOCK ? (g->k + K_BLOCK - 1) / K_BLOCK : 1;
    const int by_rows = g->a_p == 1, far = rows * g->ldc >= FAR_OUTPUT;
    const int bad_b = (g->b_p % FEW_SETS == 0 || g->b_p >= PAGE) && n_tiles >= PACK_FROM_TILES;
    const ptrdiff_t stride = by_rows ? g->a_i : g->a_p;
    const int copies_a =
        stride % FEW_SETS == 0 && rows > 1 && rows <= FASTDL_COPIED_ROWS && j1 - j0 >= COPY_FROM_PANELS * PANEL;
    for (ptrdiff_t block = 0; block < n_blocks; block++) {   /* near-equal blocks and tiles, so that none is a remnant */
        const ptrdiff_t p0 = g->k * block / n_blocks, k = g->k * (block + 1) / n_blocks - p0;
        const int last = block == n_blocks - 1;
        const float *first_a = g->a + i0 * g->a_i + p0 * g->a_p;
        ptrdiff_t lda = stride;
        if (copies_a) {
            const ptrdiff_t lines = by_rows ? rows : k, length = by_rows ? k : rows;
            lda = ((length + 15) / 16 | 1) * 16;   /* an odd number of cache lines */
            copy_a(copy, first_a, lines, length, lda, stride);
            first_a = copy;
        }
        for (ptrdiff_t j = j0; j < j1; j += PANEL) {
            const ptrdiff_t n = j1 - j < PANEL ? j1 - j : PANEL;
            const int nv = (int)((n + 15) / 16), lanes = (int)(n - 16 * (nv - 1));
            const int packs_b = g->b_j != 1 || (lanes < 16 && !FASTDL_FREE_MASKS);
            if (packs_b)
                pack_b(panel, g, p0, k, j, n);
            const float *b = packs_b ? panel : g->b + p0 * g->b_p + j;
            const float *bias = last && g->bias ? g->bias + j : NULL;
            for (ptrdiff_t t = 0; t < n_tiles; t++) {
                const ptrdiff_t i = rows * t / n_tiles, mr = rows * (t + 1) / n_tiles - i;
                float *c = g->c + (i0 + i) * g->ldc + j;
                const float *ahead = !far              ? NULL
                                     : t + 1 < n_tiles ? c + mr * g->ldc
                                     : j + PANEL < j1  ? c - i * g->ldc + PANEL
                                                       : NULL;
                const int copies_b = bad_b && b != panel;
                tiles[mr - 1][nv - 1][by_rows](c, first_a + (by_rows ? i * lda : i), b, bias, k, g->ldc, lda,
                                               b == panel ? PANEL : g->b_p, lanes, block == 0,
                                               last && g->activation == FASTDL_RELU, ahead, copies_b ? panel : NULL);
                if (copies_b)
                    b = panel;
            }
        }
    }
    if (g->activation == FASTDL_TANH)
        for (ptrdiff_t i = i0; i < i1; i++)
            tanh_row(g->c + i * g->ldc + j0, g->c + i * g->ldc + j0, all_columns - j0);
}
