/* What must not be compiled otherwise: with these options NaN and infinities are lost and sums are reordered, without a
   word. setup.py takes the options back; where that fails, no engine in C is better than a wrong one. */
#ifndef AUTOGRAD_IEEE_H
#define AUTOGRAD_IEEE_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) \
    || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) \
    || defined(_M_FP_FAST)
#error "autograd: the engine needs IEEE arithmetic; build it without -ffast-math, -Ofast and their parts."
#endif
#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "autograd: the engine needs arithmetic in doubles; build it without -mfpmath=387."
#endif

#endif
