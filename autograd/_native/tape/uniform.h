/* Runs: operations of one kind on numbers that are the same for all rows. */
static double sum_of(const double *number, const int32_t *index, int32_t count, int neighbours) {
    double sum[4] = {-0.0, -0.0, -0.0, -0.0}; /* to which the first terms add nothing, not even a sign */
    int32_t k = 0;
    if (neighbours) {
        const double *from = number + index[0];
        vd sums = splat(-0.0);
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
    double sum[4] = {-0.0, -0.0, -0.0, -0.0}; /* to which the first terms add nothing, not even a sign */
    int32_t k = 0;
    if (neighbours) {
        const double *a = number + left[0], *b = number + right[0];
        vd sums = splat(-0.0);
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
#define CASE(name, selects, value, partial)                                                                            \
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
