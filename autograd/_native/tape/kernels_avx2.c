/* The kernels for avx2 vectors. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define LANES 4
#define SET "avx2"
#define NAME(function) avx2_##function
#include "kernels.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
