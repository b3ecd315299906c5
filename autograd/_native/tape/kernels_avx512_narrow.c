/* The kernels for half of an avx512 vector, with all its registers: for runs of so few rows. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma,avx2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,avx2,prefer-vector-width=256")
#endif
#define LANES 4
#define SET "avx512"
#define NAME(function) avx512_narrow_##function
#include "kernels.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
