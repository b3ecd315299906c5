/* The kernels for avx512 vectors. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,avx2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,avx2,prefer-vector-width=512")
#endif
#define LANES 8
#define SET "avx512"
#define NARROW &avx512_narrow_kernels
#define NAME(function) avx512_##function
#include "kernels.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
