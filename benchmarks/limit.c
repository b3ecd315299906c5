// What careful C reaches: value, gradient and step of each problem in problems.py, written out by hand. Compiled with
//     gcc -O3 -march=native -ffast-math -fopenmp -shared -fPIC limit.c -lm
// Parameters p and gradients g are flat: of each layer W (n_out x n_in), then b.
#include <string.h>

#include "layers.h"

// ---- moons: 2-16-16-1 relu, 100 rows, mean hinge + 1e-4 sum of squares; rows that fill up have the target 0 --------

enum { MOONS_V = VECTORS(100), MOONS_S = STRIDE(MOONS_V), MOONS_P = 337 };

static double moons_step(double *restrict p, const vec *x, const vec *y, double *restrict g, double rate) {
    static vec a1[16 * MOONS_S], a2[16 * MOONS_S], s[MOONS_S];
    static vec a1_bar[16 * MOONS_S], a2_bar[16 * MOONS_S], s_bar[MOONS_S];
    const double *W1 = p, *b1 = p + 32, *W2 = p + 48, *b2 = p + 304, *W3 = p + 320, *b3 = p + 336;
    const int n = 16 * MOONS_S;
    vec losses = {};
    double squares = 0;
    for (int k = 0; k < MOONS_P; k++) squares += p[k] * p[k], g[k] = 2e-4 * p[k];
    forward(W1, b1, 2, 16, x, a1, MOONS_V);
    RELU(n, a1);
    forward(W2, b2, 16, 16, a1, a2, MOONS_V);
    RELU(n, a2);
    forward(W3, b3, 16, 1, a2, s, MOONS_V);
    for (int v = 0; v < MOONS_V; v++) {
        const vec margin = 1 - y[v] * s[v];
        losses += where((margin > 0) & (y[v] != 0), margin);
        s_bar[v] = where(margin > 0, y[v] * -0.01);
    }
    backward(W3, 16, 1, s_bar, a2_bar, MOONS_V);
    RELU_BAR(n, a2_bar, a2);
    backward(W2, 16, 16, a2_bar, a1_bar, MOONS_V);
    RELU_BAR(n, a1_bar, a1);
    gradients(g, 2, 16, a1_bar, x, MOONS_V);
    gradients(g + 48, 16, 16, a2_bar, a1, MOONS_V);
    gradients(g + 320, 16, 1, s_bar, a2, MOONS_V);
    descend(p, g, rate, MOONS_P);
    return 0.01 * total(losses) + 1e-4 * squares;
}

// ---- regression: 16-64-64-1 tanh, 1,024 rows in chunks, mean square ------------------------------------------------

enum { CHUNKS = 4, REG_V = VECTORS(1024 / CHUNKS), REG_S = STRIDE(REG_V), REG_P = 5313 };

typedef struct {
    vec a1[64 * REG_S], a2[64 * REG_S], s[REG_S], s_bar[REG_S], a1_bar[64 * REG_S], a2_bar[64 * REG_S];
    double g[REG_P], loss;
} regression_room;

static void regression_chunk(const double *p, const vec *x, const vec *y, regression_room *r) {
    const double *W1 = p, *b1 = p + 1024, *W2 = p + 1088, *b2 = p + 5184, *W3 = p + 5248, *b3 = p + 5312;
    const int n = 64 * REG_S;
    vec losses = {};
    forward(W1, b1, 16, 64, x, r->a1, REG_V);
    TANH(n, r->a1);
    forward(W2, b2, 64, 64, r->a1, r->a2, REG_V);
    TANH(n, r->a2);
    forward(W3, b3, 64, 1, r->a2, r->s, REG_V);
    for (int v = 0; v < REG_V; v++) {
        const vec error = r->s[v] - y[v];
        losses += error * error;
        r->s_bar[v] = error * (2.0 / 1024);
    }
    r->loss += total(losses);
    backward(W3, 64, 1, r->s_bar, r->a2_bar, REG_V);
    TANH_BAR(n, r->a2_bar, r->a2);
    backward(W2, 64, 64, r->a2_bar, r->a1_bar, REG_V);
    TANH_BAR(n, r->a1_bar, r->a1);
    gradients(r->g, 16, 64, r->a1_bar, x, REG_V);
    gradients(r->g + 1088, 64, 64, r->a2_bar, r->a1, REG_V);
    gradients(r->g + 5248, 64, 1, r->s_bar, r->a2, REG_V);
}

static double regression_step(double *restrict p, const vec *x, const vec *y, double *restrict g, double rate,
                              int threads) {
    static regression_room rooms[2];
    double loss = 0;
#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
    for (int t = 0; t < threads; t++) {
        memset(rooms[t].g, 0, sizeof rooms[t].g);
        rooms[t].loss = 0;
        for (int c = t * CHUNKS / threads; c < (t + 1) * CHUNKS / threads; c++)
            regression_chunk(p, x + c * 16 * REG_S, y + c * REG_S, &rooms[t]);
    }
    memset(g, 0, REG_P * sizeof *g);
    for (int t = 0; t < threads; t++) {
        descend(g, rooms[t].g, -1, REG_P);
        loss += rooms[t].loss;
    }
    descend(p, g, rate, REG_P);
    return loss / 1024;
}

// ---- classes: 5-24-8-3 softplus, 200 rows, mean cross-entropy of a softmax; targets of rows that fill up are all 0 -

enum { CLASSES_V = VECTORS(200), CLASSES_S = STRIDE(CLASSES_V), CLASSES_P = 371 };

static double classes_step(double *restrict p, const vec *x, const vec *y, double *restrict g, double rate) {
    static vec a1[24 * CLASSES_S], a2[8 * CLASSES_S], z[3 * CLASSES_S], e[3 * CLASSES_S], z_bar[3 * CLASSES_S];
    static vec a1_bar[24 * CLASSES_S], a2_bar[8 * CLASSES_S], sums[CLASSES_S];
    const double *W1 = p, *b1 = p + 120, *W2 = p + 144, *b2 = p + 336, *W3 = p + 344, *b3 = p + 368;
    const int S = CLASSES_S;
    vec losses = {};
    memset(g, 0, CLASSES_P * sizeof *g);
    forward(W1, b1, 5, 24, x, a1, CLASSES_V);
    SOFTPLUS(24 * S, a1);
    forward(W2, b2, 24, 8, a1, a2, CLASSES_V);
    SOFTPLUS(8 * S, a2);
    forward(W3, b3, 8, 3, a2, z, CLASSES_V);
    for (int v = 0; v < S; v++) {  // less the greatest, so that nothing overflows
        const vec top = greater(z[v], greater(z[v + S], z[v + 2 * S]));
        for (int k = 0; k < 3; k++) e[v + k * S] = z[v + k * S] -= top;
    }
    EACH(3 * S, e, exp(x_[k]));
    for (int v = 0; v < S; v++) sums[v] = e[v] + e[v + S] + e[v + 2 * S];
    for (int v = 0; v < CLASSES_V; v++) {
        const vec weight = y[v] + y[v + S] + y[v + 2 * S];
        for (int k = 0; k < 3; k++) {
            losses -= y[v + k * S] * z[v + k * S];
            z_bar[v + k * S] = (e[v + k * S] / sums[v] * weight - y[v + k * S]) * 0.005;
        }
    }
    EACH(S, sums, log(x_[k]));
    for (int v = 0; v < CLASSES_V; v++) losses += (y[v] + y[v + S] + y[v + 2 * S]) * sums[v];
    backward(W3, 8, 3, z_bar, a2_bar, CLASSES_V);
    SOFTPLUS_BAR(8 * S, a2_bar, a2);
    backward(W2, 24, 8, a2_bar, a1_bar, CLASSES_V);
    SOFTPLUS_BAR(24 * S, a1_bar, a1);
    gradients(g, 5, 24, a1_bar, x, CLASSES_V);
    gradients(g + 144, 24, 8, a2_bar, a1, CLASSES_V);
    gradients(g + 344, 8, 3, z_bar, a2, CLASSES_V);
    descend(p, g, rate, CLASSES_P);
    return total(losses) * 0.005;
}

// ---- deep: 4-8-8-8-8-8-1 sigmoid, 64 rows, mean square -------------------------------------------------------------

enum { DEEP_V = VECTORS(64), DEEP_S = STRIDE(DEEP_V), DEEP_P = 337 };

static double deep_step(double *restrict p, const vec *x, const vec *y, double *restrict g, double rate) {
    static vec a[5][8 * DEEP_S], a_bar[5][8 * DEEP_S], s[DEEP_S], s_bar[DEEP_S];
    const int n = 8 * DEEP_S;
    vec losses = {};
    memset(g, 0, DEEP_P * sizeof *g);
    forward(p, p + 32, 4, 8, x, a[0], DEEP_V);
    SIGMOID(n, a[0]);
    for (int l = 1; l < 5; l++) {
        const double *W = p + 40 + (l - 1) * 72;
        forward(W, W + 64, 8, 8, a[l - 1], a[l], DEEP_V);
        SIGMOID(n, a[l]);
    }
    forward(p + 328, p + 336, 8, 1, a[4], s, DEEP_V);
    for (int v = 0; v < DEEP_V; v++) {
        const vec error = s[v] - y[v];
        losses += error * error;
        s_bar[v] = error * (2.0 / 64);
    }
    backward(p + 328, 8, 1, s_bar, a_bar[4], DEEP_V);
    SIGMOID_BAR(n, a_bar[4], a[4]);
    gradients(g + 328, 8, 1, s_bar, a[4], DEEP_V);
    for (int l = 4; l > 0; l--) {
        const int W = 40 + (l - 1) * 72;
        backward(p + W, 8, 8, a_bar[l], a_bar[l - 1], DEEP_V);
        SIGMOID_BAR(n, a_bar[l - 1], a[l - 1]);
        gradients(g + W, 8, 8, a_bar[l], a[l - 1], DEEP_V);
    }
    gradients(g, 4, 8, a_bar[0], x, DEEP_V);
    descend(p, g, rate, DEEP_P);
    return total(losses) / 64;
}

// ---- xor: 2-2-1 sigmoid, 4 rows, sum of squares; x and y are [input][row] ------------------------------------------

enum { XOR_P = 9 };

static double xor_step(double *restrict p, const double *restrict x, const double *restrict y, double *restrict g,
                       double rate) {
    double h0[4], h1[4], s[4], loss = 0;
    double w0 = 0, w1 = 0, w2 = 0, w3 = 0, b0 = 0, b1 = 0, v0 = 0, v1 = 0, b = 0;
#pragma omp simd
    for (int r = 0; r < 4; r++) {
        h0[r] = 1 / (1 + exp(-(p[0] * x[r] + p[1] * x[4 + r] + p[4])));
        h1[r] = 1 / (1 + exp(-(p[2] * x[r] + p[3] * x[4 + r] + p[5])));
    }
#pragma omp simd
    for (int r = 0; r < 4; r++) s[r] = 1 / (1 + exp(-(p[6] * h0[r] + p[7] * h1[r] + p[8])));
#pragma omp simd reduction(+ : loss, w0, w1, w2, w3, b0, b1, v0, v1, b)
    for (int r = 0; r < 4; r++) {
        const double error = s[r] - y[r], bar = 2 * error * s[r] * (1 - s[r]);
        const double bar0 = bar * p[6] * h0[r] * (1 - h0[r]), bar1 = bar * p[7] * h1[r] * (1 - h1[r]);
        loss += error * error;
        v0 += bar * h0[r], v1 += bar * h1[r], b += bar;
        w0 += bar0 * x[r], w1 += bar0 * x[4 + r], b0 += bar0;
        w2 += bar1 * x[r], w3 += bar1 * x[4 + r], b1 += bar1;
    }
    g[0] = w0, g[1] = w1, g[2] = w2, g[3] = w3, g[4] = b0, g[5] = b1, g[6] = v0, g[7] = v1, g[8] = b;
    descend(p, g, rate, XOR_P);
    return loss;
}

// ---- loops over steps: all of a kind, double name(p, x, y, g, rate, threads, steps), the loss of the last one ------

#define STEPS(name, type, ...)                                                                                         \
    double name(double *p, const type *x, const type *y, double *g, double rate, int threads, long steps) {            \
        double loss = 0;                                                                                               \
        for (long i = 0; i < steps; i++) loss = name##_step(p, x, y, g, rate __VA_ARGS__);                             \
        return loss;                                                                                                   \
    }
STEPS(moons, vec)
STEPS(classes, vec)
STEPS(deep, vec)
STEPS(xor, double)
STEPS(regression, vec, , threads)

// ---- functions of a row: x and the gradient g are [input][row], f has a value for each row -------------------------

#define X(i) x[(i) * n + r]
#define G(i) g[(i) * n + r]

// A price by a formula like Black and Scholes's, of a basket of four, and what somebody makes of it: 20 inputs.
static void options_rows(const double *restrict x, double *restrict f, double *restrict g, long n, long from, long to) {
    const double c = 0.7978845608028654, c3 = 0.044715;  // of the tanh that stands for the normal distribution
#pragma GCC ivdep
    for (long r = from; r < to; r++) {
        const double w0 = X(4), w1 = X(5), w2 = X(6), w3 = X(7), K = X(12), rate = X(13), yield = X(14), T = X(15);
        const double S = w0 * X(0) + w1 * X(1) + w2 * X(2) + w3 * X(3);
        const double u0 = w0 * X(8), u1 = w1 * X(9), u2 = w2 * X(10), u3 = w3 * X(11);
        const double variance = u0 * u0 + u1 * u1 + u2 * u2 + u3 * u3;
        const double vol = sqrt(variance * T), per_vol = 1 / vol, drift = log(S / K) + (rate - yield) * T;
        const double d1 = drift * per_vol + 0.5 * vol, d2 = d1 - vol;
        const double t1 = 1 - 2 / (exp(2 * c * (d1 + c3 * d1 * d1 * d1)) + 1), N1 = 0.5 + 0.5 * t1;
        const double t2 = 1 - 2 / (exp(2 * c * (d2 + c3 * d2 * d2 * d2)) + 1), N2 = 0.5 + 0.5 * t2;
        const double growth = exp(-(yield * T)), discount = exp(-(rate * T)), a = S * growth, b = K * discount;
        const double price = a * N1 - b * N2, decay = exp(-(X(18) * price)), t3 = 1 - 2 / (exp(2 * X(19) * d1) + 1);
        f[r] = X(16) * price + X(17) * decay + t3;

        const double price_bar = X(16) - X(17) * X(18) * decay, t3_bar = 1 - t3 * t3;
        const double a_bar = price_bar * N1, b_bar = -price_bar * N2;
        const double d2_bar = -0.5 * price_bar * b * (1 - t2 * t2) * c * (1 + 3 * c3 * d2 * d2);
        const double d1_bar =
            0.5 * price_bar * a * (1 - t1 * t1) * c * (1 + 3 * c3 * d1 * d1) + t3_bar * X(19) + d2_bar;
        const double drift_bar = d1_bar * per_vol, vol_bar = d1_bar * (0.5 - drift * per_vol * per_vol) - d2_bar;
        const double under_bar = 0.5 * vol_bar * per_vol;  // the root
        const double S_bar = a_bar * growth + drift_bar / S, spread = 2 * under_bar * T;
        G(0) = S_bar * w0, G(1) = S_bar * w1, G(2) = S_bar * w2, G(3) = S_bar * w3;
        G(4) = S_bar * X(0) + spread * u0 * X(8), G(5) = S_bar * X(1) + spread * u1 * X(9);
        G(6) = S_bar * X(2) + spread * u2 * X(10), G(7) = S_bar * X(3) + spread * u3 * X(11);
        G(8) = spread * u0 * w0, G(9) = spread * u1 * w1, G(10) = spread * u2 * w2, G(11) = spread * u3 * w3;
        G(12) = b_bar * discount - drift_bar / K;
        G(13) = (drift_bar - b_bar * b) * T;
        G(14) = -(drift_bar + a_bar * a) * T;
        G(15) = drift_bar * (rate - yield) - a_bar * a * yield - b_bar * b * rate + under_bar * variance;
        G(16) = price, G(17) = decay, G(18) = -X(17) * decay * price, G(19) = t3_bar * d1;
    }
}

// Of no field at all: sin, log, sqrt, a division and erf of 6 inputs. A cosine is a sine a quarter of a turn later: gcc
// would join sin and cos of the same number to sincos, which has no form for vectors.
static void waves_rows(const double *restrict x, double *restrict f, double *restrict g, long n, long from, long to) {
    const double two_over_root_pi = 1.1283791670955126, quarter = 1.5707963267948966;
#pragma GCC ivdep
    for (long r = from; r < to; r++) {
        const double phase = X(0) * X(1) + X(2), wave = sin(phase), squares = X(3) * X(3) + X(4) * X(4) + 1;
        const double length = sqrt(squares), level = log(squares + X(5) * X(5)), ratio = wave / length;
        const double inner = ratio * level - X(5), step = erf(inner), beat = sin(X(5) * X(0));
        f[r] = step * length + ratio * X(1) + level * beat;

        const double inner_bar = length * two_over_root_pi * exp(-inner * inner);
        const double ratio_bar = X(1) + inner_bar * level, level_bar = beat + inner_bar * ratio;
        const double log_bar = level_bar / (squares + X(5) * X(5)), wave_bar = ratio_bar / length;
        const double length_bar = step - ratio_bar * ratio / length, squares_bar = log_bar + 0.5 * length_bar / length;
        const double phase_bar = wave_bar * sin(phase + quarter), beat_bar = level * sin(X(5) * X(0) + quarter);
        G(0) = phase_bar * X(1) + beat_bar * X(5);
        G(1) = phase_bar * X(0) + ratio;
        G(2) = phase_bar;
        G(3) = 2 * squares_bar * X(3);
        G(4) = 2 * squares_bar * X(4);
        G(5) = 2 * log_bar * X(5) - inner_bar + beat_bar * X(0);
    }
}

#define ROWS(name)                                                                                                     \
    void name(const double *x, double *f, double *g, long n, int threads) {                                            \
        _Pragma("omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)")                          \
        for (int t = 0; t < threads; t++) name##_rows(x, f, g, n, n * t / threads, n * (t + 1) / threads);             \
    }
ROWS(options)
ROWS(waves)

int lanes(void) { return LANES; }
