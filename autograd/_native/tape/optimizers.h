/* The steps of the optimisers: the formulas of nn/optimizers.py, in loops that the compiler makes vectors of. */
#define FEW 32 /* gradients: stored in pairs just now, and a load of more than that would wait for the memory */

/* p -= lr (g + decay p). The square of g's norm falls off on the way. */
static OWN_REGISTERS double descend_in_pairs(double *restrict p, const double *restrict g, int32_t count, double lr,
                                             double decay) {
    pair squares = {0.0, 0.0};
    int32_t k = 0;
    for (; k + 2 <= count; k += 2) {
        const pair x = *(const pair_in_memory *)(p + k), slope = *(const pair_in_memory *)(g + k);
        squares += slope * slope;
        *(pair_in_memory *)(p + k) = x - lr * (slope + decay * x);
    }
    if (k < count) {
        squares[0] += g[k] * g[k];
        p[k] -= lr * (g[k] + decay * p[k]);
    }
    return squares[0] + squares[1];
}

static double descend(double *restrict p, const double *restrict g, int32_t count, double lr, double decay) {
    vd squares = splat(0.0);
    int32_t k = 0;
    for (; k + LANES <= count; k += LANES) {
        const vd x = load(p + k), slope = load(g + k);
        squares += slope * slope;
        store(p + k, x - lr * (slope + decay * x));
    }
    return sum_of_lanes(squares) + descend_in_pairs(p + k, g + k, count - k, lr, decay);
}

static void gather_momentum(Optimizer *o, const double *restrict g, int32_t count) {
    double *restrict p = o->parameter, *restrict b = o->state;
    const double keep = o->started ? o->momentum : 0.0, add = o->started ? 1.0 - o->dampening : 1.0;
    const double ahead = o->nesterov ? o->momentum : 1.0, now = o->nesterov ? 1.0 : 0.0;
    for (int32_t k = 0; k < count; k++) {
        const double slope = g[k] + o->weight_decay * p[k];
        b[k] = keep * b[k] + add * slope;
        p[k] -= o->lr * (now * slope + ahead * b[k]);
    }
    o->started = 1;
}

static void adapt(Optimizer *o, const double *restrict g, int32_t count) {
    double *restrict p = o->parameter, *restrict m = o->state, *restrict v = m + count, *restrict largest = v + count;
    const double t = (double)o->steps + 1.0, lr = o->lr / (1.0 - pow(o->beta1, t));
    const double root = sqrt(1.0 - pow(o->beta2, t)), decay = o->rule == ADAMW ? 1.0 - o->lr * o->weight_decay : 1.0;
    const double penalty = o->rule == ADAM ? o->weight_decay : 0.0, weight = 1.0 - o->beta1;
    for (int32_t k = 0; k < count; k++) {
        const double slope = g[k] + penalty * p[k];
        m[k] = weight < 0.5 ? m[k] + weight * (slope - m[k]) : slope - (slope - m[k]) * (1.0 - weight);
        v[k] = o->beta2 * v[k] + (1.0 - o->beta2) * slope * slope;
        largest[k] = largest[k] > v[k] ? largest[k] : v[k];
        const double size = sqrt(o->amsgrad ? largest[k] : v[k]) / root + o->eps;
        p[k] = p[k] * decay - (size != 0.0 ? lr * (m[k] / size) : 0.0);
    }
}

static double square_norm(const double *g, int32_t count) {
    double sum = 0.0;
    vd squares = splat(0.0);
    int32_t k = 0;
    for (; k + LANES <= count; k += LANES)
        squares += load(g + k) * load(g + k);
    for (; k < count; k++)
        sum += g[k] * g[k];
    return sum + sum_of_lanes(squares);
}

static OWN_REGISTERS double other_step(Optimizer *o, const double *g, int32_t count) {
    if (o->rule == SGD && o->momentum == 0.0)
        return descend(o->parameter, g, count, o->lr, o->weight_decay);
    if (o->rule == SGD)
        gather_momentum(o, g, count);
    else
        adapt(o, g, count);
    return square_norm(g, count);
}

static double NAME(step)(Optimizer *o, const double *g, int32_t count) {
    if (o->rule == SGD && o->momentum == 0.0 && count < FEW)
        return descend_in_pairs(o->parameter, g, count, o->lr, o->weight_decay);
    return other_step(o, g, count);
}
