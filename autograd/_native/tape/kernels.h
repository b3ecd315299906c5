/* What runs a program, written once for all instruction sets: included with LANES and NAME(function) defined.

   Row slots are whole vectors: lanes behind the last row repeat it, and weigh nothing. */
#include "tape.h"
#include "vector.h"

#include "../vector_math.h"

#include "layers.h"
#include "uniform.h"

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
#define SCALAR(name, value, slope)                                                                                     \
    static inline double scalar_##name(double x) { return value; }
UNARY_OPERATIONS(SCALAR)
#undef SCALAR

static void NAME(rows)(Context *context, int64_t lanes) {
    const Program *program = context->program;
    double *const *address = context->address, *sums = context->sums;
    const int64_t *mask = context->mask;
    const double *uniform = context->uniform;
    Ahead ahead = context->ahead;
    int32_t column = 0;
    int64_t line = 0;
    for (const Instruction *i = program->instruction, *end = i + program->instructions; i < end; i++) {
        for (int64_t k = 0; k < ahead.at_a_time && column < ahead.columns; k++) {
            const char *next = ahead.column[column] + 64 * line;
            if (column < ahead.read)
                __builtin_prefetch(next, 0);
            else
                __builtin_prefetch(next, 1);
            if (++line == ahead.lines)
                line = 0, column++;
        }
        switch (i->op) {
#define CASE(name, value)                                                                                              \
    case OP_##name: {                                                                                                  \
        double *out = address[i->out];                                                                                 \
        const double *left = address[i->a];                                                                            \
        for (int64_t t = 0; t < lanes; t += LANES) {                                                                   \
            const vd x = load(left + t);                                                                               \
            store(out + t, value);                                                                                     \
        }                                                                                                              \
        break;                                                                                                         \
    }
            VECTOR_OPERATIONS(CASE)
#undef CASE
#define CASE(name, value)                                                                                              \
    case OP_##name: {                                                                                                  \
        double *out = address[i->out];                                                                                 \
        const double *left = address[i->a], *right = address[i->b];                                                    \
        const int64_t first = mask[i->a], second = mask[i->b];                                                         \
        if (first & second)                                                                                            \
            for (int64_t t = 0; t < lanes; t += LANES) {                                                               \
                const vd a = load(left + t), b = load(right + t);                                                      \
                store(out + t, value);                                                                                 \
            }                                                                                                          \
        else                                                                                                           \
            for (int64_t t = 0; t < lanes; t += LANES) {                                                               \
                const vd a = load(left + (t & first)), b = load(right + (t & second));                                 \
                store(out + t, value);                                                                                 \
            }                                                                                                          \
        break;                                                                                                         \
    }
            VECTOR_PAIRS(CASE)
#undef CASE
#define CASE(name, value)                                                                                              \
    case OP_##name: {                                                                                                  \
        double *out = address[i->out];                                                                                 \
        const double *left = address[i->a], *right = address[i->b], *last = address[i->c];                             \
        const int64_t first = mask[i->a], second = mask[i->b], third = mask[i->c];                                     \
        for (int64_t t = 0; t < lanes; t += LANES) {                                                                   \
            const vd a = load(left + (t & first)), b = load(right + (t & second)), c = load(last + (t & third));       \
            store(out + t, value);                                                                                     \
        }                                                                                                              \
        break;                                                                                                         \
    }
            VECTOR_TRIPLES(CASE)
#undef CASE
#define CASE(name)                                                                                                     \
    case OP_##name: {                                                                                                  \
        double *out = address[i->out];                                                                                 \
        const double *left = address[i->a];                                                                            \
        for (int64_t t = 0; t < lanes; t++)                                                                            \
            out[t] = scalar_##name(left[t]);                                                                           \
        break;                                                                                                         \
    }
            LANE_BY_LANE(CASE)
#undef CASE
        case OP_power: {
            double *out = address[i->out];
            const double *left = address[i->a], *right = address[i->b];
            const int64_t first = mask[i->a], second = mask[i->b];
            for (int64_t t = 0; t < lanes; t++)
                out[t] = op_power(left[t & first], right[t & second]);
            break;
        }
        case OP_row_sum:
            sums[i->out] += sum_over_lanes(address[i->a], lanes);
            break;
        case OP_row_dot: {
            const double *left = address[i->a], *right = address[i->b];
            const int64_t first = mask[i->a], second = mask[i->b];
            vd sum = splat(0.0);
            for (int64_t t = 0; t < lanes; t += LANES)
                sum += load(left + (t & first)) * load(right + (t & second));
            sums[i->out] += sum_of_lanes(sum);
            break;
        }
        case OP_affine:
        case OP_transposed:
        case OP_outer: {
            double *const *layer = context->layer + (i->a - program->layers_at);
            if (i->op == OP_affine)
                affine(uniform + i->out, i->b < 0 ? NULL : uniform + i->b, i->n, i->m, layer, layer + i->n, lanes,
                       i->activation);
            else if (i->op == OP_transposed)
                transposed(uniform + i->out, i->n, i->m, layer, layer + i->m, layer + i->m + i->n, lanes, i->activation);
            else
                outer(sums + i->out, i->b < 0 ? NULL : sums + i->b, i->n, i->m, layer, layer + i->m, lanes);
            break;
        }
        default: break;
        }
    }
}

static int NAME(finite)(const double *number, int64_t lanes) {
    vd odd = splat(0.0);
    for (int64_t t = 0; t < lanes; t += LANES) {
        const vd x = load(number + t);
        odd += x - x;
    }
    return sum_of_lanes(odd) == 0.0;
}

const Kernels NAME(kernels) = {SET, LANES, NAME(rows), NAME(uniform), NAME(finite)};
