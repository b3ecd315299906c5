/* What runs a program, written once for all instruction sets: included with LANES and NAME(function) defined.

   Row slots are whole vectors: lanes behind the last row repeat it, and weigh nothing. */
#include "tape.h"
#include "vector.h"

#include "../vector_math.h"

/* One instruction over the lanes of a chunk, of which there is at least one vector. */
typedef void Kernel(const Instruction *i, const Context *context, int64_t lanes);
#define KERNEL(name) void row_##name(const Instruction *i, const Context *context, int64_t lanes)
#define EACH_VECTOR(t) for (int64_t t = 0; t < lanes; t += LANES)

#include "layers.h"
#include "uniform.h"
#include "optimizers.h"
#include "transpose.h"

#define VECTOR_OPERATIONS(X)                                                                                           \
    X(identity, x) X(negative, -x) X(absolute, (vd)((vi)x & 0x7fffffffffffffffLL))                                     \
    X(exp, v_exp(x)) X(expm1, v_expm1(x)) X(log, v_log(x)) X(log1p, v_log1p(x)) X(sin, v_sin(x)) X(cos, v_cos(x))      \
    X(tanh, v_tanh(x)) X(sigmoid, v_sigmoid(x)) X(softplus, v_softplus(x)) X(erf, v_erf(x))                            \
    X(gaussian, v_gaussian(x)) X(relu, vselect(x <= 0.0, splat(0.0), x))

#define VECTOR_PAIRS(X)                                                                                                \
    X(add, a + b) X(subtract, a - b) X(multiply, a * b) X(divide, a / b)                                               \
    X(maximum, vselect(a > b, a, vselect(b >= a, b, a + b)))                                                           \
    X(minimum, vselect(a < b, a, vselect(b <= a, b, a + b)))                                                           \
    X(less, vselect(a < b, splat(1.0), splat(0.0))) X(less_equal, vselect(a <= b, splat(1.0), splat(0.0)))             \
    X(greater, vselect(a > b, splat(1.0), splat(0.0))) X(greater_equal, vselect(a >= b, splat(1.0), splat(0.0)))       \
    X(relu_slope, times_slope(a, b, RELU)) X(tanh_slope, times_slope(a, b, TANH))                                      \
    X(sigmoid_slope, times_slope(a, b, SIGMOID))                                                                       \
    X(equal, vselect(a == b, splat(1.0), splat(0.0))) X(unequal, vselect(a != b, splat(1.0), splat(0.0)))

#define VECTOR_TRIPLES(X)                                                                                              \
    X(where, vselect(a != 0.0, b, c)) X(multiply_add, a * b + c) X(multiply_subtract, a * b - c)                       \
    X(subtract_product, c - a * b)

/* Those of the table that have no vector form are computed lane by lane, with the rows of the table. */
#define LANE_BY_LANE(X) X(tan) X(arcsin) X(arccos) X(arctan) X(sinh) X(cosh) X(sech) X(sqrt)
#define SCALAR(name, selects, value, partial)                                                                          \
    static inline double scalar_##name(double x) { return value; }
UNARY_OPERATIONS(SCALAR)
#undef SCALAR

#define CASE(name, value)                                                                                              \
    static KERNEL(name) {                                                                                              \
        double *out = context->address[i->out];                                                                        \
        const double *from = context->address[i->a];                                                                   \
        EACH_VECTOR(t) {                                                                                               \
            const vd x = load(from + t);                                                                               \
            store(out + t, value);                                                                                     \
        }                                                                                                              \
    }
VECTOR_OPERATIONS(CASE)
#undef CASE

#define CASE(name, value)                                                                                              \
    static KERNEL(name) {                                                                                              \
        double *out = context->address[i->out];                                                                        \
        const double *left = context->address[i->a], *right = context->address[i->b];                                  \
        const int64_t first = context->mask[i->a], second = context->mask[i->b];                                       \
        if (first & second)                                                                                            \
            EACH_VECTOR(t) {                                                                                           \
                const vd a = load(left + t), b = load(right + t);                                                      \
                store(out + t, value);                                                                                 \
            }                                                                                                          \
        else                                                                                                           \
            EACH_VECTOR(t) {                                                                                           \
                const vd a = load(left + (t & first)), b = load(right + (t & second));                                 \
                store(out + t, value);                                                                                 \
            }                                                                                                          \
    }
VECTOR_PAIRS(CASE)
#undef CASE

#define CASE(name, value)                                                                                              \
    static KERNEL(name) {                                                                                              \
        double *out = context->address[i->out];                                                                        \
        const double *left = context->address[i->a], *right = context->address[i->b], *last = context->address[i->c];  \
        const int64_t first = context->mask[i->a], second = context->mask[i->b], third = context->mask[i->c];          \
        EACH_VECTOR(t) {                                                                                               \
            const vd a = load(left + (t & first)), b = load(right + (t & second)), c = load(last + (t & third));       \
            store(out + t, value);                                                                                     \
        }                                                                                                              \
    }
VECTOR_TRIPLES(CASE)
#undef CASE

#define CASE(name)                                                                                                     \
    static KERNEL(name) {                                                                                              \
        double *out = context->address[i->out];                                                                        \
        const double *from = context->address[i->a];                                                                   \
        for (int64_t t = 0; t < lanes; t++)                                                                            \
            out[t] = scalar_##name(from[t]);                                                                           \
    }
LANE_BY_LANE(CASE)
#undef CASE

static KERNEL(power) {
    double *out = context->address[i->out];
    const double *left = context->address[i->a], *right = context->address[i->b];
    const int64_t first = context->mask[i->a], second = context->mask[i->b];
    for (int64_t t = 0; t < lanes; t++)
        out[t] = op_power(left[t & first], right[t & second]);
}

static KERNEL(row_sum) { context->sums[i->out] += sum_over_lanes(context->address[i->a], lanes); }

static KERNEL(row_dot) {
    const double *left = context->address[i->a], *right = context->address[i->b];
    const int64_t first = context->mask[i->a], second = context->mask[i->b];
    vd sum = splat(0.0);
    EACH_VECTOR(t) sum += load(left + (t & first)) * load(right + (t & second));
    context->sums[i->out] += sum_of_lanes(sum);
}

#define CASE(name)                                                                                                     \
    static KERNEL(name) {                                                                                              \
        double *first = context->address[i->out], *second = context->address[i->c];                                    \
        const double *from = context->address[i->a];                                                                   \
        EACH_VECTOR(t) {                                                                                               \
            vd a, b;                                                                                                   \
            v_##name(load(from + t), &a, &b);                                                                          \
            store(first + t, a), store(second + t, b);                                                                 \
        }                                                                                                              \
    }
CASE(sin_cos)
CASE(erf_gaussian)
#undef CASE

#define ENTRY(name, ...) [OP_##name] = row_##name,
static Kernel *const kernel[OPERATION_COUNT] = {
    VECTOR_OPERATIONS(ENTRY) VECTOR_PAIRS(ENTRY) VECTOR_TRIPLES(ENTRY) LANE_BY_LANE(ENTRY)
    ENTRY(power) ENTRY(row_sum) ENTRY(row_dot) ENTRY(affine) ENTRY(transposed) ENTRY(outer)
    ENTRY(sin_cos) ENTRY(erf_gaussian)
};
#undef ENTRY

static void NAME(rows)(const Context *context, int64_t lanes) {
    const Instruction *i = context->program->instruction, *end = i + context->program->instructions;
    const Ahead *ahead = &context->ahead;
    int32_t piece = 0;
    int64_t line = 0;
    for (; piece < ahead->pieces && i < end; i++) {
        const char *next = ahead->start + piece * ahead->step + 64 * line;
        for (int64_t k = 0; k < ahead->at_a_time; k++)
            __builtin_prefetch(next + 64 * k, 0);
        line += ahead->at_a_time;
        if (line >= ahead->lines)
            line = 0, piece++;
        kernel[i->op](i, context, lanes);
    }
    for (; i < end; i++)
        kernel[i->op](i, context, lanes);
}

/* Whether all numbers are finite: infinity and NaN times 0 are NaN, and so is a sum of theirs. On the way they are
   copied to `to`, past the caches, unless it is NULL. */
static int NAME(finite)(const double *number, int64_t count, double *to) {
    vd odd = splat(0.0);
    double rest = 0.0;
    int64_t k = 0;
    for (; to != NULL && k < count && (uintptr_t)(to + k) % sizeof(vd) != 0; k++)
        rest += (to[k] = number[k]) * 0.0;
    for (; k + LANES <= count; k += LANES) {
        const vd x = load(number + k);
        odd += x * 0.0;
        if (to != NULL)
            stream(to + k, x);
    }
    for (; k < count; k++) {
        rest += number[k] * 0.0;
        if (to != NULL)
            to[k] = number[k];
    }
    return sum_of_lanes(odd) + rest == 0.0;
}

#ifndef NARROW
#define NARROW NULL
#endif
const Kernels NAME(kernels) = {SET, LANES, NARROW, NAME(rows), NAME(uniform), NAME(finite), NAME(step),
                              NAME(transpose)};
