/* LANES doubles side by side, in the vector extensions that gcc and clang share. */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
/* Of a function that is called from a small one, which would else save and align as much on its behalf. */
#define OWN_REGISTERS __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 32")

typedef double vd __attribute__((vector_size(LANES * 8)));
typedef long long vi __attribute__((vector_size(LANES * 8)));
typedef double vd_in_memory __attribute__((vector_size(LANES * 8), aligned(8), may_alias));
typedef double pair __attribute__((vector_size(16)));
typedef double pair_in_memory __attribute__((vector_size(16), aligned(8), may_alias));

INLINE vd load(const double *from) { return *(const vd_in_memory *)from; }
/* A vector that stays in a register, where the compiler would rather read it again for each of its uses. */
INLINE vd held(const double *from) {
    vd x = load(from);
#if defined(__x86_64__)
    __asm__("" : "+v"(x));
#endif
    return x;
}

INLINE void store(double *to, vd x) { *(vd_in_memory *)to = x; }

/* To an aligned place, past the caches: the line that it fills is not read before it is written. */
INLINE void stream(double *to, vd x) {
#if !defined(__x86_64__)
    store(to, x);
#elif LANES == 8
    _mm512_stream_pd(to, (__m512d)x);
#elif LANES == 4
    _mm256_stream_pd(to, (__m256d)x);
#else
    _mm_stream_pd(to, (__m128d)x);
#endif
}

INLINE double sum_of_lanes(vd x) {
#if LANES == 8
    typedef double v4 __attribute__((vector_size(32)));
    const v4 half = __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
    const pair quarter = __builtin_shufflevector(half, half, 0, 1) + __builtin_shufflevector(half, half, 2, 3);
    return quarter[0] + quarter[1];
#elif LANES == 4
    const pair half = __builtin_shufflevector(x, x, 0, 1) + __builtin_shufflevector(x, x, 2, 3);
    return half[0] + half[1];
#else
    return x[0] + x[1];
#endif
}

/* to[0] += the sum of a's lanes, to[1] += that of b's. */
INLINE void add_two_sums_of_lanes(vd a, vd b, double *to) {
    *(pair_in_memory *)to += (pair){sum_of_lanes(a), sum_of_lanes(b)};
}

/* to[0] += the sum of a's lanes, ..., to[3] += that of d's: neighbours are added in pairs, all four at once. */
INLINE void add_sums_of_lanes(vd a, vd b, vd c, vd d, double *to) {
#if LANES == 8
    typedef double v4 __attribute__((vector_size(32)));
    typedef double v4_in_memory __attribute__((vector_size(32), aligned(8), may_alias));
    const vd ab = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
                  + __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    const vd cd = __builtin_shufflevector(c, d, 0, 8, 2, 10, 4, 12, 6, 14)
                  + __builtin_shufflevector(c, d, 1, 9, 3, 11, 5, 13, 7, 15);
    const vd abcd = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13)
                    + __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    const v4 sums = __builtin_shufflevector(abcd, abcd, 0, 1, 2, 3) + __builtin_shufflevector(abcd, abcd, 4, 5, 6, 7);
    *(v4_in_memory *)to += sums;
#elif LANES == 4
    const vd ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const vd cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
    store(to, load(to) + __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
#else
    to[0] += sum_of_lanes(a), to[1] += sum_of_lanes(b), to[2] += sum_of_lanes(c), to[3] += sum_of_lanes(d);
#endif
}
