/* x86-64 with AVX2 and FMA (2013 and later). */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#ifndef __AVX2__
#define __AVX2__ 1   /* clang's attribute does not define it */
#endif
#define FASTDL_ISA avx2
#include "table.inc"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int fastdl_avx2_is_for_x86_64;
#endif
