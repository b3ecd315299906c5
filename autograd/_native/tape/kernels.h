/* What runs a program, written once for all instruction sets: included with LANES and NAME(function) defined.

   Row slots are whole vectors: lanes behind the last row repeat it, and weigh nothing. Register blocks have sizes
   that the compiler knows, so that every accumulator is a register. */
#include "tape.h"
#include "vector.h"

#include "../vector_math.h"

#define BLOCK 4 /* outputs of a layer side by side */
#if LANES == 8
#define MOST_VECTORS 5 /* of rows beside them: 20 of 32 registers */
#else
#define MOST_VECTORS 3 /* 12 of 16 */
#endif

/* ------------------------------------------------------------------ layers */

INLINE vd activated(vd z, const int activation) {
    switch (activation) {
    case RELU: return vselect(z <= 0.0, splat(0.0), z);
    case TANH: return v_tanh(z);
    case SIGMOID: return v_sigmoid(z);
    default: return z;
    }
}

/* d times f'(z), from h = f(z). */
INLINE vd times_slope(vd d, vd h, const int activation) {
    switch (activation) {
    case RELU: return d * vselect(h > 0.0, splat(1.0), 0.0 * h); /* NaN stays NaN */
    case TANH: return d * (1.0 - h * h);
    case SIGMOID: return d * (h * (1.0 - h));
    default: return d;
    }
}

/* `outputs` rows of a product of weights with `count` slots, over `vectors` vectors of lanes: out_p = b_p + sum_i w_pi x_i.
   The weight w_pi stands at weights[p * across + i * along]. */
INLINE void product(const double *weights, const int64_t across, const int64_t along, const double *bias, int count,
                    double *const *x, double *const *out, double *const *h, int64_t at, const int activation,
                    const int outputs, const int vectors) {
    vd sum[2 * BLOCK * MOST_VECTORS];
    UNROLL for (int p = 0; p < outputs; p++)
        UNROLL for (int q = 0; q < vectors; q++)
            sum[p * vectors + q] = splat(bias ? bias[p] : 0.0);
    for (int i = 0; i < count; i++) {
        const double *from = x[i] + at;
        vd side[MOST_VECTORS];
        UNROLL for (int q = 0; q < vectors; q++)
            side[q] = held(from + q * LANES);
        UNROLL for (int p = 0; p < outputs; p++) {
            const double weight = weights[p * across + i * along];
            UNROLL for (int q = 0; q < vectors; q++)
                sum[p * vectors + q] += weight * side[q];
        }
    }
    UNROLL for (int p = 0; p < outputs; p++)
        UNROLL for (int q = 0; q < vectors; q++) {
            vd result = sum[p * vectors + q];
            if (h)
                result = times_slope(result, load(h[p] + at + q * LANES), activation);
            else
                result = activated(result, activation);
            store(out[p] + at + q * LANES, result);
        }
}

/* The same over all outputs, in blocks. */
INLINE void product_of_vectors(const double *weights, int64_t across, int64_t along, const double *bias, int count,
                               double *const *x, int outputs, double *const *out, double *const *h, int64_t at,
                               const int activation, const int vectors, const int block) {
    int p = 0;
    for (; p + block <= outputs; p += block)
        product(weights + p * across, across, along, bias ? bias + p : bias, count, x, out + p, h ? h + p : h, at,
                activation, block, vectors);
    for (; p < outputs; p++)
        product(weights + p * across, across, along, bias ? bias + p : bias, count, x, out + p, h ? h + p : h, at,
                activation, 1, vectors);
}

INLINE void product_of_rows(const double *weights, int64_t across, int64_t along, const double *bias, int count,
                            double *const *x, int outputs, double *const *out, double *const *h, int64_t lanes,
                            const int activation) {
#define OF(vectors, block)                                                                                             \
    product_of_vectors(weights, across, along, bias, count, x, outputs, out, h, at, activation, vectors, block)
    int64_t left = lanes / LANES, at = 0;
    if (left == 1) {
        OF(1, 2 * BLOCK);
        return;
    }
    /* Blocks of nearly equal width, none wider than the registers hold. */
    for (int64_t blocks = (left + MOST_VECTORS - 1) / MOST_VECTORS; blocks > 0; blocks--) {
        const int64_t width = (left + blocks - 1) / blocks;
        switch (width) {
        case 1: OF(1, BLOCK); break;
        case 2: OF(2, BLOCK); break;
        case 3: OF(3, BLOCK); break;
#if MOST_VECTORS == 5
        case 4: OF(4, BLOCK); break;
        default: OF(5, BLOCK); break;
#endif
        }
        at += width * LANES;
        left -= width;
    }
#undef OF
}

static void affine(const double *weights, const double *bias, int n, int m, double *const *x, double *const *h,
                   int64_t lanes, int activation) {
    switch (activation) {
    case RELU: product_of_rows(weights, n, 1, bias, n, x, m, h, NULL, lanes, RELU); break;
    case TANH: product_of_rows(weights, n, 1, bias, n, x, m, h, NULL, lanes, TANH); break;
    case SIGMOID: product_of_rows(weights, n, 1, bias, n, x, m, h, NULL, lanes, SIGMOID); break;
    default: product_of_rows(weights, n, 1, bias, n, x, m, h, NULL, lanes, LINEAR);
    }
}

static void transposed(const double *weights, int n, int m, double *const *d, double *const *x_bar, double *const *h,
                       int64_t lanes, int activation) {
    switch (activation) {
    case RELU: product_of_rows(weights, 1, n, NULL, m, d, n, x_bar, h, lanes, RELU); break;
    case TANH: product_of_rows(weights, 1, n, NULL, m, d, n, x_bar, h, lanes, TANH); break;
    case SIGMOID: product_of_rows(weights, 1, n, NULL, m, d, n, x_bar, h, lanes, SIGMOID); break;
    default: product_of_rows(weights, 1, n, NULL, m, d, n, x_bar, NULL, lanes, LINEAR);
    }
}

/* sums[p * n + q] += sum over the lanes of d_p x_q. */
INLINE void outer_block(double *sums, int n, double *const *d, double *const *x, int64_t lanes, const int outputs,
                        const int inputs) {
    vd sum[4 * BLOCK];
    UNROLL for (int k = 0; k < outputs * inputs; k++)
        sum[k] = splat(0.0);
    for (int64_t t = 0; t < lanes; t += LANES) {
        vd side[8];
        UNROLL for (int q = 0; q < inputs; q++)
            side[q] = held(x[q] + t);
        UNROLL for (int p = 0; p < outputs; p++) {
            const vd adjoint = held(d[p] + t);
            UNROLL for (int q = 0; q < inputs; q++)
                sum[p * inputs + q] += adjoint * side[q];
        }
    }
    UNROLL for (int p = 0; p < outputs; p++) {
        const vd *of = sum + p * inputs;
        if (inputs % 4 == 0)
            UNROLL for (int q = 0; q < inputs; q += 4)
                add_sums_of_lanes(of[q], of[q + 1], of[q + 2], of[q + 3], sums + p * n + q);
        else
            UNROLL for (int q = 0; q < inputs; q++)
                sums[p * n + q] += sum_of_lanes(of[q]);
    }
}

INLINE void outer_rows(double *sums, int n, double *const *d, double *const *x, int64_t lanes, const int outputs,
                       const int widest) {
    int q = 0;
    if (widest == 8)
        for (; q + 8 <= n; q += 8)
            outer_block(sums + q, n, d, x + q, lanes, outputs, 8);
    for (; q + 4 <= n; q += 4)
        outer_block(sums + q, n, d, x + q, lanes, outputs, 4);
    for (; q + 2 <= n; q += 2)
        outer_block(sums + q, n, d, x + q, lanes, outputs, 2);
    if (q < n)
        outer_block(sums + q, n, d, x + q, lanes, outputs, 1);
}

static double sum_over_lanes(const double *a, int64_t lanes) {
    vd sum = load(a);
    for (int64_t t = LANES; t < lanes; t += LANES)
        sum += load(a + t);
    return sum_of_lanes(sum);
}

/* The same, and the biases behind, for a single vector and few inputs: all products in a row. What is left over of
   fours is added in twos and ones: a wider store over what was just stored narrow would have to wait for it. */
static void outer_of_vector(double *sums, int n, int m, double *const *d, double *const *x) {
    const int weights = m * n, all = weights + m;
    vd product[4];
    int p = 0, q = 0, k = 0;
    while (k < all) {
        const int count = all - k >= 4 ? 4 : all - k >= 2 ? 2 : 1;
        for (int j = 0; j < count; j++)
            if (k + j < weights) {
                product[j] = load(d[p]) * load(x[q]);
                if (++q == n)
                    q = 0, p++;
            } else
                product[j] = load(d[k + j - weights]);
        if (count == 4)
            add_sums_of_lanes(product[0], product[1], product[2], product[3], sums + k);
        else if (count == 2)
            add_two_sums_of_lanes(product[0], product[1], sums + k);
        else
            sums[k] += sum_of_lanes(product[0]);
        k += count;
    }
}

static void outer(double *weights, double *biases, int n, int m, double *const *d, double *const *x, int64_t lanes) {
    const int block = LANES == 8 ? 4 : 2;
    int p = 0;
    if (lanes == LANES && n < 4 && biases == weights + m * n) {
        outer_of_vector(weights, n, m, d, x);
        return;
    }
    for (; p + block <= m; p += block)
        outer_rows(weights + (int64_t)p * n, n, d + p, x, lanes, block, 4);
    for (; p < m; p++)
        outer_rows(weights + (int64_t)p * n, n, d + p, x, lanes, 1, 8);
    if (biases == NULL)
        return;
    for (p = 0; p + 4 <= m; p += 4) {
        vd a = splat(0.0), b = a, c = a, e = a;
        for (int64_t t = 0; t < lanes; t += LANES)
            a += load(d[p] + t), b += load(d[p + 1] + t), c += load(d[p + 2] + t), e += load(d[p + 3] + t);
        add_sums_of_lanes(a, b, c, e, biases + p);
    }
    for (; p < m; p++)
        biases[p] += sum_over_lanes(d[p], lanes);
}

/* ------------------------------------------------------------------ rows */

#define VECTOR_OPERATIONS(X)                                                                                           \
    X(identity, x) X(negative, -x) X(absolute, (vd)((vi)x & 0x7fffffffffffffffLL))                                     \
    X(exp, v_exp(x)) X(expm1, v_expm1(x)) X(log, v_log(x)) X(log1p, v_log1p(x)) X(sin, v_sin(x)) X(cos, v_cos(x))      \
    X(tanh, v_tanh(x)) X(sigmoid, v_sigmoid(x)) X(softplus, v_softplus(x)) X(erf, v_erf(x)) X(gaussian, v_gaussian(x))                \
    X(relu, vselect(x <= 0.0, splat(0.0), x))

#define VECTOR_PAIRS(X)                                                                                                \
    X(add, a + b) X(subtract, a - b) X(multiply, a * b) X(divide, a / b)                                               \
    X(maximum, vselect(a > b, a, vselect(b >= a, b, a + b))) X(minimum, vselect(a < b, a, vselect(b <= a, b, a + b)))              \
    X(less, vselect(a < b, splat(1.0), splat(0.0))) X(less_equal, vselect(a <= b, splat(1.0), splat(0.0)))                   \
    X(greater, vselect(a > b, splat(1.0), splat(0.0))) X(greater_equal, vselect(a >= b, splat(1.0), splat(0.0)))             \
    X(relu_slope, times_slope(a, b, RELU)) X(tanh_slope, times_slope(a, b, TANH))                                       \
    X(sigmoid_slope, times_slope(a, b, SIGMOID))                                                                       \
    X(equal, vselect(a == b, splat(1.0), splat(0.0))) X(unequal, vselect(a != b, splat(1.0), splat(0.0)))

#define VECTOR_TRIPLES(X)                                                                                              \
    X(where, vselect(a != 0.0, b, c)) X(multiply_add, a * b + c) X(multiply_subtract, a * b - c)                          \
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

/* ------------------------------------------------------------------ uniform numbers */

static double sum_of(const double *number, const int32_t *index, int32_t count, int neighbours) {
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    int32_t k = 0;
    if (neighbours) {
        const double *from = number + index[0];
        vd sums = splat(0.0);
        for (; k + LANES <= count; k += LANES)
            sums += load(from + k);
        sum[0] = sum_of_lanes(sums);
        for (; k < count; k++)
            sum[1] += from[k];
    } else {
        for (; k + 4 <= count; k += 4)
            UNROLL for (int j = 0; j < 4; j++)
                sum[j] += number[index[k + j]];
        for (; k < count; k++)
            sum[0] += number[index[k]];
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double dot_of(const double *number, const int32_t *left, const int32_t *right, int32_t count, int neighbours) {
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    int32_t k = 0;
    if (neighbours) {
        const double *a = number + left[0], *b = number + right[0];
        vd sums = splat(0.0);
        for (; k + LANES <= count; k += LANES)
            sums += load(a + k) * load(b + k);
        sum[0] = sum_of_lanes(sums);
        for (; k < count; k++)
            sum[1] += a[k] * b[k];
    } else {
        for (; k + 4 <= count; k += 4)
            UNROLL for (int j = 0; j < 4; j++)
                sum[j] += number[left[k + j]] * number[right[k + j]];
        for (; k < count; k++)
            sum[0] += number[left[k]] * number[right[k]];
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The operations whose runs are worth three loops: on neighbours, where vectors serve, beside one number, and anywhere. */
#define QUICK_PAIRS(X)                                                                                                 \
    X(add, a + b) X(subtract, a - b) X(multiply, a * b) X(divide, a / b)

static void NAME(uniform)(const Program *program, const Run *run, int32_t runs, double *number) {
    const int32_t *pool = program->pool;
    for (const Run *end = run + runs; run < end; run++) {
        const int32_t count = run->count, *first = pool + run->pool, *second = first + count, *third = second + count;
        double *out = number + run->out;
        switch (run->op) {
#define CASE(name, value, slope)                                                                                       \
    case OP_##name:                                                                                                    \
        for (int32_t k = 0; k < count; k++) {                                                                          \
            const double x = number[first[k]];                                                                         \
            out[k] = value;                                                                                            \
        }                                                                                                              \
        break;
            UNARY_OPERATIONS(CASE)
#undef CASE
#define CASE(name, value)                                                                                              \
    case OP_##name:                                                                                                    \
        if (run->stride[0] == CHAINED) {                                                                               \
            double a = number[first[0]];                                                                               \
            for (int32_t k = 0; k < count; k++) {                                                                      \
                const double b = number[second[k]];                                                                    \
                out[k] = a = value;                                                                                    \
            }                                                                                                          \
        } else if (run->stride[1] == CHAINED) {                                                                        \
            double b = number[second[0]];                                                                              \
            for (int32_t k = 0; k < count; k++) {                                                                      \
                const double a = number[first[k]];                                                                     \
                out[k] = b = value;                                                                                    \
            }                                                                                                          \
        } else if (count >= LANES && run->stride[0] >= SAME && run->stride[1] >= SAME) {                               \
            const double *left = number + first[0], *right = number + second[0];                                       \
            const int64_t s0 = run->stride[0] ? -1 : 0, s1 = run->stride[1] ? -1 : 0;                                  \
            const vd left_splat = splat(left[0]), right_splat = splat(right[0]);                                       \
            int32_t k = 0;                                                                                             \
            for (; k + LANES <= count; k += LANES) {                                                                   \
                const vd a = s0 ? load(left + k) : left_splat, b = s1 ? load(right + k) : right_splat;                 \
                store(out + k, value);                                                                                 \
            }                                                                                                          \
            for (; k < count; k++) {                                                                                   \
                const double a = left[k & s0], b = right[k & s1];                                                      \
                out[k] = value;                                                                                        \
            }                                                                                                          \
        } else                                                                                                         \
            for (int32_t k = 0; k < count; k++) {                                                                      \
                const double a = number[first[k]], b = number[second[k]];                                              \
                out[k] = value;                                                                                        \
            }                                                                                                          \
        break;
            QUICK_PAIRS(CASE)
#undef CASE
#define CASE(name, value)                                                                                              \
    case OP_##name:                                                                                                    \
        for (int32_t k = 0; k < count; k++) {                                                                          \
            const double a = number[first[k]], b = number[second[k]];                                                  \
            out[k] = value;                                                                                            \
        }                                                                                                              \
        break;
            CASE(power, op_power(a, b)) CASE(maximum, op_maximum(a, b)) CASE(minimum, op_minimum(a, b))
            CASE(less, a < b) CASE(less_equal, a <= b) CASE(greater, a > b) CASE(greater_equal, a >= b)
            CASE(equal, a == b) CASE(unequal, a != b) CASE(relu_slope, a * (b > 0.0 ? 1.0 : 0.0 * b))
            CASE(tanh_slope, a * (1.0 - b * b)) CASE(sigmoid_slope, a * (b * (1.0 - b)))
#undef CASE
#define CASE(name, value)                                                                                              \
    case OP_##name:                                                                                                    \
        for (int32_t k = 0; k < count; k++) {                                                                          \
            const double a = number[first[k]], b = number[second[k]], c = number[third[k]];                            \
            out[k] = value;                                                                                            \
        }                                                                                                              \
        break;
            CASE(where, a != 0.0 ? b : c) CASE(multiply_subtract, a * b - c) CASE(subtract_product, c - a * b)
#undef CASE
        case OP_multiply_add:
            if (run->stride[0] == CHAINED) {
                double a = number[first[0]];
                for (int32_t k = 0; k < count; k++)
                    out[k] = a = a * number[second[k]] + number[third[k]];
            } else if (run->stride[2] == CHAINED) {
                double c = number[third[0]];
                for (int32_t k = 0; k < count; k++)
                    out[k] = c = number[first[k]] * number[second[k]] + c;
            } else if (count >= LANES && run->stride[0] >= SAME && run->stride[1] >= SAME && run->stride[2] >= SAME) {
                const double *a = number + first[0], *b = number + second[0], *c = number + third[0];
                const int64_t s0 = run->stride[0] ? -1 : 0, s1 = run->stride[1] ? -1 : 0, s2 = run->stride[2] ? -1 : 0;
                const vd a0 = splat(a[0]), b0 = splat(b[0]), c0 = splat(c[0]);
                int32_t k = 0;
                for (; k + LANES <= count; k += LANES)
                    store(out + k, (s0 ? load(a + k) : a0) * (s1 ? load(b + k) : b0) + (s2 ? load(c + k) : c0));
                for (; k < count; k++)
                    out[k] = a[k & s0] * b[k & s1] + c[k & s2];
            } else
                for (int32_t k = 0; k < count; k++)
                    out[k] = number[first[k]] * number[second[k]] + number[third[k]];
            break;
        case OP_sum: out[0] = sum_of(number, first, count, run->stride[0] == NEIGHBOURS); break;
        case OP_dot: out[0] = dot_of(number, first, second, count, run->stride[0] == NEIGHBOURS && run->stride[1] == NEIGHBOURS); break;
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
