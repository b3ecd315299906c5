/* Layers over vectors of lanes: h = f(W x + b), x_bar = W^T d, W_bar = the sum over the lanes of d x^T.

   Register blocks have sizes that the compiler knows, so that every accumulator is a register. */
#define BLOCK 4 /* outputs of a layer side by side */
#define FEW_INPUTS 3
#if LANES == 8
#define MOST_VECTORS 5 /* of rows beside them: 20 of 32 registers */
#else
#define MOST_VECTORS 3 /* 12 of 16 */
#endif

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
#define OF(outputs)                                                                                                    \
    product(weights + p * across, across, along, bias ? bias + p : bias, count, x, out + p, h ? h + p : h, at,         \
            activation, outputs, vectors)
    for (; p + block <= outputs; p += block)
        OF(block);
    if (vectors == 1 && p + 4 <= outputs)
        OF(4), p += 4;
    if (vectors == 1 && p + 2 <= outputs)
        OF(2), p += 2;
    for (; p < outputs; p++)
        OF(1);
#undef OF
}

/* The same over a single vector and few inputs, a number that the compiler knows. */
INLINE void product_of_few(const double *weights, int64_t across, int64_t along, const double *bias, const int count,
                           double *const *x, int outputs, double *const *out, double *const *h, const int activation) {
    vd side[FEW_INPUTS];
    UNROLL for (int i = 0; i < count; i++)
        side[i] = held(x[i]);
    for (int p = 0; p < outputs; p++) {
        vd sum = splat(bias ? bias[p] : 0.0);
        UNROLL for (int i = 0; i < count; i++)
            sum += weights[p * across + i * along] * side[i];
        store(out[p], h ? times_slope(sum, load(h[p]), activation) : activated(sum, activation));
    }
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

/* Where the slots of a layer stand. */
INLINE double *const *slots_of(const Instruction *i, const Context *context) {
    return context->layer + (i->a - context->program->layers_at);
}

/* A product by the number of its inputs: few of them and a single vector, or any. */
INLINE void product_of(const double *weights, int64_t across, int64_t along, const double *bias, int count,
                       double *const *x, int outputs, double *const *out, double *const *h, int64_t lanes,
                       const int activation, const int few) {
#define OF(count) product_of_few(weights, across, along, bias, count, x, outputs, out, h, activation)
    if (!few)
        product_of_rows(weights, across, along, bias, count, x, outputs, out, h, lanes, activation);
    else if (count == 1)
        OF(1);
    else if (count == 2)
        OF(2);
    else
        OF(3);
#undef OF
}

INLINE void affine(const Instruction *i, const Context *context, int64_t lanes, const int activation, const int few) {
    double *const *x = slots_of(i, context), *const *h = x + i->n;
    const double *biases = i->b < 0 ? NULL : context->uniform + i->b;
    product_of(context->uniform + i->out, i->n, 1, biases, i->n, x, i->m, h, NULL, lanes, activation, few);
}

INLINE void transposed(const Instruction *i, const Context *context, int64_t lanes, const int activation,
                       const int few) {
    double *const *d = slots_of(i, context), *const *x_bar = d + i->m;
    double *const *h = activation == LINEAR ? NULL : x_bar + i->n;
    product_of(context->uniform + i->out, 1, i->n, NULL, i->m, d, i->n, x_bar, h, lanes, activation, few);
}

#define BY_ACTIVATION(layer, few)                                                                                      \
    switch (i->activation) {                                                                                           \
    case RELU: layer(i, context, lanes, RELU, few); break;                                                             \
    case TANH: layer(i, context, lanes, TANH, few); break;                                                             \
    case SIGMOID: layer(i, context, lanes, SIGMOID, few); break;                                                       \
    default: layer(i, context, lanes, LINEAR, few);                                                                    \
    }
#define LAYER(layer, inputs)                                                                                           \
    static OWN_REGISTERS KERNEL(layer##_of_few) { BY_ACTIVATION(layer, 1) }                                            \
    static OWN_REGISTERS KERNEL(layer##_of_rows) { BY_ACTIVATION(layer, 0) }                                           \
    static KERNEL(layer) {                                                                                             \
        if (lanes == LANES && i->inputs <= FEW_INPUTS)                                                                 \
            row_##layer##_of_few(i, context, lanes);                                                                   \
        else                                                                                                           \
            row_##layer##_of_rows(i, context, lanes);                                                                  \
    }
LAYER(affine, n)
LAYER(transposed, m)
#undef LAYER
#undef BY_ACTIVATION

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

/* sums[0] += the sum of a[0]'s lanes, ...: four, two or one at a time, as the next reader wants to find them. */
INLINE void add_sums(const vd *a, const int count, double *sums) {
    int k = 0;
    UNROLL for (; k + 4 <= count; k += 4)
        add_sums_of_lanes(a[k], a[k + 1], a[k + 2], a[k + 3], sums + k);
    if (k + 2 <= count)
        add_two_sums_of_lanes(a[k], a[k + 1], sums + k), k += 2;
    if (k < count)
        sums[k] += sum_of_lanes(a[k]);
}

/* The same, and the biases behind, for a single vector and few inputs, a number that the compiler knows. */
INLINE void outer_of_vector(double *sums, const int n, int m, double *const *d, double *const *x) {
    const int block = n == 2 ? 2 : 4;
    vd side[FEW_INPUTS], product[4 * FEW_INPUTS], adjoint[4];
    int p = 0;
    UNROLL for (int q = 0; q < n; q++)
        side[q] = held(x[q]);
    for (; p + block <= m; p += block) {
        UNROLL for (int k = 0; k < block * n; k++)
            product[k] = load(d[p + k / n]) * side[k % n];
        add_sums(product, block * n, sums + p * n);
    }
    for (; p < m; p++) {
        UNROLL for (int q = 0; q < n; q++)
            product[q] = load(d[p]) * side[q];
        add_sums(product, n, sums + p * n);
    }
    for (p = 0; p < m; p += 4) {
        UNROLL for (int k = 0; k < 4; k++)
            adjoint[k] = load(d[p + k < m ? p + k : p]);
        switch (m - p) {
        case 1: add_sums(adjoint, 1, sums + m * n + p); break;
        case 2: add_sums(adjoint, 2, sums + m * n + p); break;
        case 3: add_sums(adjoint, 3, sums + m * n + p); break;
        default: add_sums(adjoint, 4, sums + m * n + p); break;
        }
    }
}

static OWN_REGISTERS KERNEL(outer_of_few) {
    double *const *d = slots_of(i, context), *const *x = d + i->m, *sums = context->sums + i->out;
    if (i->n == 1)
        outer_of_vector(sums, 1, i->m, d, x);
    else if (i->n == 2)
        outer_of_vector(sums, 2, i->m, d, x);
    else
        outer_of_vector(sums, 3, i->m, d, x);
}

static OWN_REGISTERS KERNEL(outer_of_rows) {
    double *const *d = slots_of(i, context), *const *x = d + i->m;
    double *weights = context->sums + i->out, *biases = i->b < 0 ? NULL : context->sums + i->b;
    const int n = i->n, m = i->m, block = LANES == 8 ? 4 : 2;
    int p = 0;
    for (; p + block <= m; p += block)
        outer_rows(weights + (int64_t)p * n, n, d + p, x, lanes, block, 4);
    for (; p < m; p++)
        outer_rows(weights + (int64_t)p * n, n, d + p, x, lanes, 1, 8);
    if (biases == NULL)
        return;
    for (p = 0; p + 4 <= m; p += 4) {
        vd a = splat(0.0), b = a, c = a, e = a;
        EACH_VECTOR(t) a += load(d[p] + t), b += load(d[p + 1] + t), c += load(d[p + 2] + t), e += load(d[p + 3] + t);
        add_sums_of_lanes(a, b, c, e, biases + p);
    }
    for (; p < m; p++)
        biases[p] += sum_over_lanes(d[p], lanes);
}

static KERNEL(outer) {
    if (lanes == LANES && i->n <= FEW_INPUTS && i->b == i->out + i->m * i->n)
        row_outer_of_few(i, context, lanes);
    else
        row_outer_of_rows(i, context, lanes);
}
