/* x86-64 with AVX-512 F, VL, BW and DQ (servers since 2017). */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#ifndef __AVX512F__
#define __AVX512F__ 1   /* clang's attribute does not define it */
#endif
#define FASTDL_ISA avx512
#include "table.inc"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int fastdl_avx512_is_for_x86_64;
#endif
