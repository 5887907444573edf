/* What the files of this folder share. Each drives the kernels of one noun on odd shapes, in buffers of exactly the size
 * that they may touch, and mixes what they wrote into a hash: built with the sanitizers it finds what touches more, and
 * the hashes have to be the same wherever there is FMA, on any machine and with any compiler. */
#ifndef DRIVER_H
#define DRIVER_H
#include "fastdl.h"
#include <stdlib.h>

#define NOUNS(X) \
    X(activation) \
    X(averaging) \
    X(clip) \
    X(dense) \
    X(dropout) \
    X(elementwise_loss) \
    X(embedding) \
    X(feature_scale) \
    X(gather) \
    X(layernorm) \
    X(loss) \
    X(merge) \
    X(noise) \
    X(norm) \
    X(optimizer) \
    X(orthogonal) \
    X(parametric) \
    X(penalty) \
    X(periodic) \
    X(random) \
    X(reduce) \
    X(smooth_clip) \
    X(vecmath) \
    X(weightnorm)

#define DRIVE(noun) void drive_##noun(const fastdl_table *K);
NOUNS(DRIVE)
#undef DRIVE

/* Mix bytes into the hash; of float32, any NaN like any other. */
void mix(const void *block, size_t size);
void mix_floats(const float *x, ptrdiff_t n);

/* Zeroed, and exactly so large that one byte more is found. */
void *memory(ptrdiff_t count, size_t size);
/* Normal deviates. */
float *numbers(const fastdl_table *K, ptrdiff_t n, uint32_t stream);
/* The same, but every fifth is NaN, an infinity, a zero, huge or subnormal. */
float *strange(const fastdl_table *K, ptrdiff_t n, uint32_t stream);

/* Call drive for each (rows, columns) and for each length. */
void each_shape(const fastdl_table *K, void (*drive)(const fastdl_table *K, ptrdiff_t B, ptrdiff_t n));
void each_length(const fastdl_table *K, void (*drive)(const fastdl_table *K, ptrdiff_t n));
#endif
