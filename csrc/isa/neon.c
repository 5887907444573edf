/* Every aarch64 machine has NEON with FMA. */
#if defined(__aarch64__)
#define FASTDL_ISA neon
#include "table.inc"
#else
typedef int fastdl_neon_is_for_aarch64;
#endif
