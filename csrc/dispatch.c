/* Which tables this machine can run, best first. Every feature that a variant is compiled with is tested here; gcc's and
 * clang's __builtin_cpu_supports also asks whether the operating system saves the registers. */
#include "fastdl.h"
#include <string.h>

#if defined(__aarch64__)
extern const fastdl_table fastdl_table_neon;
#else
extern const fastdl_table fastdl_table_baseline;
#endif
#if defined(__x86_64__)
extern const fastdl_table fastdl_table_avx2, fastdl_table_avx512;
#endif

_Alignas(64) _Thread_local float fastdl_gemm_scratch[FASTDL_GEMM_SCRATCH];

const fastdl_table *fastdl_available(int i)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (avx512 && i-- == 0)
        return &fastdl_table_avx512;
    if (avx2 && i-- == 0)
        return &fastdl_table_avx2;
#endif
#if defined(__aarch64__)
    return i == 0 ? &fastdl_table_neon : NULL;
#else
    return i == 0 ? &fastdl_table_baseline : NULL;
#endif
}

const fastdl_table *fastdl_select(const char *isa)
{
    const fastdl_table *table;
    for (int i = 0; (table = fastdl_available(i)) != NULL; i++)
        if (isa == NULL || strcmp(isa, table->isa) == 0)
            return table;
    return NULL;
}
