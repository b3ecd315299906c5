/* Elementary functions on small vectors of doubles, each within 3 ulp over the whole range of doubles
   (sine and cosine of angles beyond 50000: what the C library gives).

   Include this after a header that defines LANES (2, 4 or 8), `vd` and `vi` (vectors of LANES doubles and of LANES
   64-bit integers) and INLINE; all that depends on an instruction set is left to the compiler. A comparison of two vd
   gives a vi that is all ones in the lanes where it holds and 0 in the others.

   Every function evaluates one branch-free formula in all lanes at once, so each case a scalar library would branch on
   is settled by selecting between lanes. The formulas are right whether or not the compiler contracts a*b + c into a
   fused multiply-add: wherever a product must be exact, its factors are short enough for the rounded product to be so.
   -ffast-math is not allowed: it would reassociate the additions that round to an integer or recover a rounding error.

   The coefficients of all polynomials were computed for this file with Remez's exchange algorithm at 50 digits, then
   rounded to doubles. The error given with each is the worst one on the interval, relative to the function's value. */

#include <math.h>

typedef unsigned long long vu __attribute__((vector_size(LANES * 8)));  /* vi for shifts and sums that may wrap */

/* ---- Lanes, bits and polynomials ---- */

INLINE vd splat(double c) {
    return c - (vd){0};  /* c - 0 is c for every c, -0 too */
}

/* In each lane a where the mask is set, else b. */
INLINE vd vselect(vi mask, vd a, vd b) {
    return (vd)(((vi)a & mask) | ((vi)b & ~mask));
}

/* The smaller of x and c; NaN where x is. */
INLINE vd at_most(vd x, double c) {
    return vselect((vi)(x > c), splat(c), x);
}

INLINE vd at_least(vd x, double c) {
    return vselect((vi)(x < c), splat(c), x);
}

INLINE vd magnitude(vd x) {
    return (vd)((vi)x & ~(vi)splat(-0.0));
}

/* x, which is not negative, with the sign of `sign`. */
INLINE vd with_sign(vd x, vd sign) {
    return (vd)((vi)x | ((vi)sign & (vi)splat(-0.0)));
}

/* c[0] + c[1] x + ... + c[n-1] x^(n-1), four terms at a time: (c0 + c1 x) + (c2 + c3 x) x^2, and these by a Horner chain
   in x^4 (Estrin's scheme): few of the operations wait for one another. n is a constant where this is inlined, so the
   loops unroll and the coefficients become operands. */
INLINE vd polynomial(const double *c, int n, vd x) {
    vd square = x * x, fourth = square * square, sum = splat(0.0);
    for (int i = (n - 1) / 4 * 4; i >= 0; i -= 4) {
        vd four = i + 1 < n ? c[i] + c[i + 1] * x : splat(c[i]);
        if (i + 2 < n)
            four += (i + 3 < n ? c[i + 2] + c[i + 3] * x : splat(c[i + 2])) * square;
        sum = i + 4 < n ? four + fourth * sum : four;
    }
    return sum;
}
#define POLYNOMIAL(coefficients, x) polynomial(coefficients, sizeof(coefficients) / sizeof(double), x)

/* ---- Exponentials ---- */

/* Adding 1.5 * 2^52 to a double below 2^51 rounds it to an integer k, and leaves k in the low bits of the sum. */
#define ROUNDER 0x1.8p52

/* ln 2 in two parts. The first has 42 bits, so that its product with an integer of up to 11 bits is exact. */
#define LN2_HIGH 0x1.62e42fefa3800p-1
#define LN2_LOW 0x1.ef35793c76730p-45

/* (e^r - 1 - r) / r^2 on |r| <= ln2/2; error 2^-55.3 of e^r - 1, 2^-56.7 of e^r. */
static const double EXPM1[] = {
    0x1.0000000000005p-1, 0x1.555555555555cp-3, 0x1.55555555520f4p-5, 0x1.111111110e738p-7, 0x1.6c16c17f37851p-10,
    0x1.a01a01b5b4afbp-13, 0x1.a019a68598ef1p-16, 0x1.71ddea56604fbp-19, 0x1.28a2abc366608p-22, 0x1.af762b573b5dbp-26,
};

/* p and k with e^x = 2^k (1 + p), for |x| < 800: x = k ln2 + r with |r| <= ln2/2, and p = e^r - 1. Only the low 12 bits
   of k are significant, and only they matter to power_of_two. */
INLINE vd reduced_expm1(vd x, vu *k) {
    vd rounded = x * 0x1.71547652b82fep0 + ROUNDER;  /* x / ln2 */
    vd multiple = rounded - ROUNDER;
    vd r = (x - multiple * LN2_HIGH) - multiple * LN2_LOW;
    *k = (vu)rounded;
    return r + r * r * POLYNOMIAL(EXPM1, r);
}

/* 2^k for -1022 <= k <= 1023. */
INLINE vd power_of_two(vu k) {
    return (vd)((k + 1023) << 52);
}

/* 2^k itself may be too large or too small to be a double, so the result is scaled in two steps: by 2^(k-1) and 2, or by
   2^(k+127) and 2^-127 where it or a summand may be subnormal. e^710 is infinite. */
INLINE vd v_exp(vd x) {
    vu k;
    vi small = (vi)(x < -700.0);
    vd p = reduced_expm1(at_most(at_least(x, -746.0), 710.0), &k);  /* e^-746 rounds to 0 */
    vd scale = power_of_two(k - 1 + ((vu)small & 128));
    return (scale + scale * p) * vselect(small, splat(0x1p-127), splat(2.0));
}

/* 2^k for -1076 <= k <= 0, exact where it is subnormal too. `small`: whether k may be below -1022. */
INLINE vd power_below_1(vu k, vi small) {
    return power_of_two(k + ((vu)small & 128)) * vselect(small, splat(0x1p-128), splat(1.0));
}

/* e^x for x <= 0, rounded once. */
INLINE vd exp_below_0(vd x) {
    vu k;
    vd p = reduced_expm1(at_least(x, -746.0), &k);
    vd scale = power_below_1(k, (vi)(x < -700.0));
    return scale * p + scale;
}

/* e^x - 1 = 2 (2^(k-1) p + 2^(k-1) - 1/2): half of it, since 2^k may overflow where the result does not. */
INLINE vd v_expm1(vd x) {
    vu k;
    vi tiny = (vi)(magnitude(x) < 0x1p-54);  /* the result is x, and its half may not be a double */
    vd p = reduced_expm1(at_most(at_least(x, -40.0), 710.0), &k);  /* e^-40 - 1 rounds to -1 */
    vd scale = power_of_two(k - 1);
    return vselect(tiny, x, 2.0 * (scale * p + (scale - 0.5)));
}

/* tanh |x| = m / (m + 2) with m = e^(2|x|) - 1, where nothing cancels, however small x is. */
INLINE vd v_tanh(vd x) {
    vu k;
    vd p = reduced_expm1(at_most(2.0 * magnitude(x), 40.0), &k);  /* tanh 20 rounds to 1 */
    vd scale = power_of_two(k);
    return with_sign((scale * p + (scale - 1.0)) / (scale * p + (scale + 1.0)), x);
}

/* With u = e^-|x|, which does not overflow: 1 / (1 + u) for x >= 0 and u / (1 + u), tiny where u is, for x < 0. */
INLINE vd v_sigmoid(vd x) {
    vu k;
    vi negative = (vi)(x < 0.0), far = (vi)(magnitude(x) > 746.0);  /* e^-746 rounds to 0 */
    vd p = reduced_expm1(-magnitude(x), &k);
    vd scale = power_below_1(k, (vi)(magnitude(x) > 700.0));
    vd y = vselect(negative, scale * p + scale, splat(1.0)) / (scale * p + (1.0 + scale));
    return vselect(far, vselect(negative, splat(0.0), splat(1.0)), y);
}

/* e^(-x^2). The rounding of x^2 counts up to 700 times as much in the result, so it is made up for: with x in two halves
   of 26 and 27 bits the products that matter are exact, and e^-(y + d) = e^-y (1 - d) for the tiny d. */
INLINE vd v_gaussian(vd x) {
    vd z = at_most(magnitude(x), 40.0);  /* e^-1600 rounds to 0 */
    vd high = (vd)((vu)z & 0xfffffffff8000000), low = z - high, y = z * z;
    vd d = ((high * high - y) + 2.0 * high * low) + low * low;
    return exp_below_0(-y) * (1.0 - d);
}

/* ---- Logarithms ---- */

/* (ln(1 + f) - 2s) / s^3 in s^2, where s = f / (2 + f), for 1 + f from sqrt(1/2) to sqrt(2); error 2^-58.8. */
static const double LOG[] = {
    0x1.5555555555592p-1, 0x1.999999997fd34p-2, 0x1.24924941f8f74p-2, 0x1.c71c520298433p-3,
    0x1.7466406085c78p-3, 0x1.39a192d1d52b3p-3, 0x1.2f0708dc861b1p-3,
};

/* m and e with x = 2^e m and m from sqrt(1/2) to sqrt(2), for normal x > 0. e0 is added to e. */
INLINE vd mantissa(vd x, vd e0, vd *e) {
    vu above = (vu)x - 0x3fe6a09e667f3bcd;  /* less the bits of sqrt(1/2): e is in the exponent field */
    vu field = above & 0xfff0000000000000;
    vu biased = (field + 0x4000000000000000) >> 52;  /* e + 1024 > 0 */
    *e = (vd)(biased | 0x4330000000000000) - (0x1p52 + 1024.0) + e0;  /* 2^52 + n has n in its low bits */
    return (vd)((vu)x - field);
}

/* e ln2 + ln(1 + f) + c for 1 + f from sqrt(1/2) to sqrt(2) and a tiny c. The series of ln(1 + f) in s = f / (2 + f)
   starts with 2s, written f - s f: the leading term f is exact, and the error of s counts only in proportion to f. */
INLINE vd log_of_parts(vd e, vd f, vd c) {
    vd s = f / (2.0 + f), square = s * s;
    vd bend = s * (f - square * POLYNOMIAL(LOG, square));
    return e * LN2_HIGH + (f - (bend - (e * LN2_LOW + c)));
}

/* The logarithm y of an argument x that is singular at `pole`, with its special values put in. At the pole and below it
   a product overflows, so that the processor's flags say of these what the C library's logarithm would make them say. */
INLINE vd log_edges(vd y, vd x, double pole) {
    vi edge = (vi)(x <= pole);
    y = vselect(edge, splat(-0x1p1023), y) * vselect(edge, splat(4.0), splat(1.0));
    y = vselect((vi)(x == INFINITY), x, y);
    return (vd)((vi)y | ~(vi)(x >= pole));  /* all ones is a NaN: for x below the pole and for NaN */
}

INLINE vd v_log(vd x) {
    vi subnormal = (vi)(x < 0x1p-1022);
    vd normal = vselect(subnormal, x * 0x1p54, x), e;
    vd m = mantissa(normal, vselect(subnormal, splat(-54.0), splat(0.0)), &e);
    return log_edges(log_of_parts(e, m - 1.0, splat(0.0)), x, 0.0);
}

/* ln(1 + x) for finite x > -1. Where 1 + x lies from sqrt(1/2) to sqrt(2), f is x itself; elsewhere 1 + x is rounded
   to w, and what the rounding lost is made up for: ln(w + lost) = ln w + lost / w. */
INLINE vd log1p_finite(vd x) {
    vd w = 1.0 + x, e;
    vd m = mantissa(w, splat(0.0), &e);
    vd added = w - 1.0, lost = (1.0 - (w - added)) + (x - added);
    vi near_1 = (vi)(e == 0.0);
    vd f = vselect(near_1, x, m - 1.0);
    vd c = vselect(near_1, splat(0.0), lost / w);
    return log_of_parts(e, f, c);
}

INLINE vd v_log1p(vd x) {
    vd y = log1p_finite(x);
    y = vselect((vi)(x == 0.0), x, y);  /* the sign of 0 */
    return log_edges(y, x, -1.0);
}

/* max(x, 0) + ln(1 + e^-|x|): neither overflow nor, for large negative x, a loss of relative precision. */
INLINE vd v_softplus(vd x) {
    return at_least(x, 0.0) + log1p_finite(exp_below_0(-magnitude(x)));
}

/* ---- Sine and cosine ---- */

/* (sin r / r - 1) / r^2 and (cos r - 1 + r^2/2) / r^4 in r^2 on |r| <= pi/4; errors 2^-57.1 and 2^-59.6. */
static const double SIN[] = {
    -0x1.5555555555549p-3, 0x1.111111110f87ap-7, -0x1.a01a019c11965p-13,
    0x1.71de3577b469fp-19, -0x1.ae5e6639191adp-26, 0x1.5d93009d79658p-33,
};
static const double COS[] = {
    0x1.555555555554bp-5, -0x1.6c16c16c14f8ap-10, 0x1.a01a019c83923p-16,
    -0x1.27e4f7ea387b9p-22, 0x1.1ee9d75329a43p-29, -0x1.8fa4663a92245p-37,
};

/* pi/2 in three parts, the first two of 38 bits: their products with integers below 2^15 are exact. So is subtracting
   the first product from x, and also the second where the difference is small, that is where x is so close to a
   multiple of pi/2 that a rounding would show. The three add up to pi/2 within 2^-130. */
#define HALF_PI_HIGH 0x1.921fb54440000p0
#define HALF_PI_MIDDLE 0x1.68c234c4c0000p-39
#define HALF_PI_LOW 0x1.98a2e03707345p-77
#define LARGEST_ANGLE 50000.0  /* below 2^15 pi/2 */

/* Sine and cosine of x, for |x| <= LARGEST_ANGLE. They share all but the last two steps. */
INLINE void small_sin_cos(vd x, vd *sin_x, vd *cos_x) {
    vd rounded = magnitude(x) * 0x1.45f306dc9c883p-1 + ROUNDER;  /* |x| / (pi/2) */
    vd multiple = rounded - ROUNDER;
    vd r = ((magnitude(x) - multiple * HALF_PI_HIGH) - multiple * HALF_PI_MIDDLE) - multiple * HALF_PI_LOW;
    vd square = r * r;
    vd sine = r + r * square * POLYNOMIAL(SIN, square);
    vd cosine = (1.0 - 0.5 * square) + square * square * POLYNOMIAL(COS, square);
    vu quadrant = (vu)rounded;
    vi odd = -(vi)(quadrant & 1);
    vu sign = (vu)x & (vu)splat(-0.0);  /* sin(-x) = -sin x, and -0 stays -0 */
    *sin_x = (vd)((vu)vselect(odd, cosine, sine) ^ (quadrant & 2) << 62 ^ sign);
    *cos_x = (vd)((vu)vselect(odd, sine, cosine) ^ ((quadrant + 1) & 2) << 62);
}

/* Puts f(x) into the lanes of y where |x| is beyond LARGEST_ANGLE: rare, so they are left to the C library. */
static __attribute__((noinline, cold, unused)) void redo_large_angles(vd *y, const vd *x, double (*f)(double)) {
    for (int i = 0; i < LANES; i++)
        if (fabs((*x)[i]) > LARGEST_ANGLE)
            (*y)[i] = f((*x)[i]);
}

INLINE int any_large_angle(vd x) {
    vi large = (vi)(magnitude(x) > LARGEST_ANGLE);
    long long any = 0;
    for (int i = 0; i < LANES; i++)
        any |= large[i];
    return any != 0;
}

INLINE void v_sin_cos(vd x, vd *sin_x, vd *cos_x) {
    small_sin_cos(x, sin_x, cos_x);
    if (__builtin_expect(any_large_angle(x), 0)) {
        vd angles = x, sines = *sin_x, cosines = *cos_x;  /* copies, so that the originals need no address */
        redo_large_angles(&sines, &angles, sin);
        redo_large_angles(&cosines, &angles, cos);
        *sin_x = sines, *cos_x = cosines;
    }
}

INLINE vd v_sin(vd x) {
    vd sine, cosine;
    v_sin_cos(x, &sine, &cosine);
    return sine;
}

INLINE vd v_cos(vd x) {
    vd sine, cosine;
    v_sin_cos(x, &sine, &cosine);
    return cosine;
}

/* ---- Error function ---- */

/* erf(x) / x - 1 in x^2 on 0 <= x <= 1; error 2^-54.8. */
static const double ERF[] = {
    0x1.06eba8214db68p-3, -0x1.812746b0379bdp-2, 0x1.ce2f21a040d16p-4, -0x1.b82ce311fa950p-6, 0x1.565bccf92b4cep-8,
    -0x1.c02db03dda8f4p-11, 0x1.f9a2baa941ec3p-14, -0x1.f4ca4d72a1be7p-17, 0x1.b97fd3f6938fcp-20,
    -0x1.5c07278e0b470p-23, 0x1.d71b12f513174p-27, -0x1.abae539fa4ec4p-31,
};
/* e^(x^2) (1 - erf x) in (x - 2.5) / (x + 3) on 1 <= x <= 6; error 2^-56.8 of erf x. */
static const double ERFC[] = {
    0x1.afbb3f3b7342ap-3, -0x1.a2b968ea24202p-2, 0x1.61c150e5a68f9p-2, -0x1.d9f42398dc9a7p-3, 0x1.e30295586f315p-4,
    -0x1.5055a6d34b850p-5, 0x1.9659c2c41fd96p-8, 0x1.150f18712085bp-9, -0x1.3f419bbe88085p-10,
    -0x1.75665b3d5b3e3p-16, 0x1.b80086452e2a8p-13, 0x1.4da85c003fe33p-15,
};

/* erf x and e^(-x^2). Beyond 1 the complement 1 - erf x is below 0.16, so that its error, of a few ulp, hardly counts. */
INLINE void v_erf_gaussian(vd x, vd *erf_x, vd *gaussian_x) {
    vd size = at_most(magnitude(x), 6.0);  /* erf 6 rounds to 1 */
    vd square = size * size;
    vd near = size + size * POLYNOMIAL(ERF, square);
    *gaussian_x = v_gaussian(x);
    vd complement = *gaussian_x * POLYNOMIAL(ERFC, (size - 2.5) / (size + 3.0));
    *erf_x = with_sign(vselect((vi)(size < 1.0), near, 1.0 - complement), x);
}

INLINE vd v_erf(vd x) {
    vd erf_x, gaussian_x;
    v_erf_gaussian(x, &erf_x, &gaussian_x);
    return erf_x;
}
