// Layers of a network over rows, for limit.c: forward, backward and the gradients of the weights, by hand.
//
// The rows are innermost: a vector holds one number of LANES rows, and a layer is an array [neuron][stride] of vectors.
// Blocks of neurons x vectors stay in registers; all sizes are constants where a kernel is inlined.
#include <math.h>

#if defined(__AVX512F__)
enum { LANES = 8, BLOCK = 4 };  // 4 neurons x BLOCK vectors, and one vector more at the end: 20 of 32 registers
#elif defined(__AVX__)
enum { LANES = 4, BLOCK = 2 };  // 12 of 16
#else
enum { LANES = 2, BLOCK = 2 };
#endif
typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
typedef long long mask __attribute__((vector_size(LANES * sizeof(double))));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#define VECTORS(rows) (((rows) + LANES - 1) / LANES)
// An odd number of cache lines from neuron to neuron: a power of two would put all neurons into the same few sets.
#define STRIDE(vectors) ((vectors) | 1)

INLINE vec where(mask chosen, vec x) { return (vec)(chosen & (mask)x); }

INLINE vec greater(vec a, vec b) { return (vec)(((a > b) & (mask)a) | ((a <= b) & (mask)b)); }

INLINE double total(vec v) {
    double sum = 0;
    UNROLL for (int k = 0; k < LANES; k++) sum += v[k];
    return sum;
}

// In a register: gcc would rather read the cache again with every product, and is bound by that.
INLINE vec loaded(const vec *place) {
    vec v = *place;
#ifdef __x86_64__
    __asm__("" : "+v"(v));
#endif
    return v;
}

// to[k] += the total of v[k], for 1 to 4 of them; four at once take half the shuffles.
INLINE void add_totals(double *to, const vec *v, int n) {
#if defined(__AVX512F__)
    if (n == 4) {
        typedef double four __attribute__((vector_size(32), aligned(8)));
        const vec ab = __builtin_shufflevector(v[0], v[1], 0, 8, 2, 10, 4, 12, 6, 14)
                     + __builtin_shufflevector(v[0], v[1], 1, 9, 3, 11, 5, 13, 7, 15);
        const vec cd = __builtin_shufflevector(v[2], v[3], 0, 8, 2, 10, 4, 12, 6, 14)
                     + __builtin_shufflevector(v[2], v[3], 1, 9, 3, 11, 5, 13, 7, 15);
        const vec all = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13)
                      + __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
        *(four *)to += __builtin_shufflevector(all, all, 0, 1, 2, 3) + __builtin_shufflevector(all, all, 4, 5, 6, 7);
        return;
    }
#endif
    UNROLL for (int k = 0; k < n; k++) to[k] += total(v[k]);
}

// ---- layers: blocks ------------------------------------------------------------------------------------------------

typedef vec block[4][BLOCK + 1];

// out[j] = b[j] + sum over i of W[j][i] in[i], for J outputs and V vectors.
INLINE void forward_block(int J, int V, const double *W, const double *b, int n_in, const vec *in, vec *out,
                          int stride) {
    block sum;
    UNROLL for (int j = 0; j < J; j++) UNROLL for (int v = 0; v < V; v++) sum[j][v] = b[j] - (vec){};
    for (int i = 0; i < n_in; i++) {
        vec x[BLOCK + 1];
        UNROLL for (int v = 0; v < V; v++) x[v] = loaded(in + i * stride + v);
        UNROLL for (int j = 0; j < J; j++) UNROLL for (int v = 0; v < V; v++) sum[j][v] += W[j * n_in + i] * x[v];
    }
    UNROLL for (int j = 0; j < J; j++) UNROLL for (int v = 0; v < V; v++) out[j * stride + v] = sum[j][v];
}

// in_bar[i] = sum over j of W[j][i] out_bar[j], for I inputs and V vectors.
INLINE void backward_block(int I, int V, const double *W, int n_in, int n_out, const vec *out_bar, vec *in_bar,
                           int stride) {
    block sum;
    UNROLL for (int i = 0; i < I; i++) UNROLL for (int v = 0; v < V; v++) sum[i][v] = (vec){};
    for (int j = 0; j < n_out; j++) {
        vec x[BLOCK + 1];
        UNROLL for (int v = 0; v < V; v++) x[v] = loaded(out_bar + j * stride + v);
        UNROLL for (int i = 0; i < I; i++) UNROLL for (int v = 0; v < V; v++) sum[i][v] += W[j * n_in + i] * x[v];
    }
    UNROLL for (int i = 0; i < I; i++) UNROLL for (int v = 0; v < V; v++) in_bar[i * stride + v] = sum[i][v];
}

// W_bar[j][i] += sum over the rows of out_bar[j] in[i], for J x I of them.
INLINE void weights_block(int J, int I, double *W_bar, int n_in, const vec *out_bar, const vec *in, int vectors,
                          int stride) {
    block sum;
    UNROLL for (int j = 0; j < J; j++) UNROLL for (int i = 0; i < I; i++) sum[j][i] = (vec){};
    for (int v = 0; v < vectors; v++) {
        vec x[BLOCK + 1];
        UNROLL for (int i = 0; i < I; i++) x[i] = loaded(in + i * stride + v);
        UNROLL for (int j = 0; j < J; j++) {
            const vec bar = loaded(out_bar + j * stride + v);
            UNROLL for (int i = 0; i < I; i++) sum[j][i] += bar * x[i];
        }
    }
    UNROLL for (int j = 0; j < J; j++) add_totals(W_bar + j * n_in, sum[j], I);
}

// b_bar[j] += sum over the rows of out_bar[j], for J of them.
INLINE void bias_block(int J, double *b_bar, const vec *out_bar, int vectors, int stride) {
    vec sum[4] = {};
    for (int v = 0; v < vectors; v++)
        UNROLL for (int j = 0; j < J; j++) sum[j] += out_bar[j * stride + v];
    add_totals(b_bar, sum, J);
}

// ---- layers: all blocks of one -------------------------------------------------------------------------------------

// A rest of one vector goes with the block before it.
#define REST(count) ((count) > 1 && (count) % BLOCK == 1 ? BLOCK + 1 : (count) % BLOCK)

INLINE void outputs(int V, const double *W, const double *b, int n_in, int n_out, const vec *in, vec *out, int stride) {
    const int whole = n_out / 4 * 4;
    for (int j = 0; j < whole; j += 4) forward_block(4, V, W + j * n_in, b + j, n_in, in, out + j * stride, stride);
    if (n_out % 4) forward_block(n_out % 4, V, W + whole * n_in, b + whole, n_in, in, out + whole * stride, stride);
}

// The vectors are the outer loop: what a block reads of the layer stays in the first cache while the outputs pass by.
INLINE void forward(const double *W, const double *b, int n_in, int n_out, const vec *in, vec *out, int vectors) {
    const int stride = STRIDE(vectors), whole = vectors - REST(vectors);
    for (int v = 0; v < whole; v += BLOCK) outputs(BLOCK, W, b, n_in, n_out, in + v, out + v, stride);
    if (whole < vectors) outputs(REST(vectors), W, b, n_in, n_out, in + whole, out + whole, stride);
}

INLINE void inputs(int V, const double *W, int n_in, int n_out, const vec *out_bar, vec *in_bar, int stride) {
    const int whole = n_in / 4 * 4;
    for (int i = 0; i < whole; i += 4) backward_block(4, V, W + i, n_in, n_out, out_bar, in_bar + i * stride, stride);
    if (n_in % 4) backward_block(n_in % 4, V, W + whole, n_in, n_out, out_bar, in_bar + whole * stride, stride);
}

INLINE void backward(const double *W, int n_in, int n_out, const vec *out_bar, vec *in_bar, int vectors) {
    const int stride = STRIDE(vectors), whole = vectors - REST(vectors);
    for (int v = 0; v < whole; v += BLOCK) inputs(BLOCK, W, n_in, n_out, out_bar + v, in_bar + v, stride);
    if (whole < vectors) inputs(REST(vectors), W, n_in, n_out, out_bar + whole, in_bar + whole, stride);
}

INLINE void neurons(int J, double *W_bar, int n_in, const vec *out_bar, const vec *in, int vectors, int stride) {
    const int whole = n_in - REST(n_in);
    for (int i = 0; i < whole; i += BLOCK)
        weights_block(J, BLOCK, W_bar + i, n_in, out_bar, in + i * stride, vectors, stride);
    if (whole < n_in) weights_block(J, REST(n_in), W_bar + whole, n_in, out_bar, in + whole * stride, vectors, stride);
}

// Adds to the gradients of a layer, W and then b.
INLINE void gradients(double *g, int n_in, int n_out, const vec *out_bar, const vec *in, int vectors) {
    const int stride = STRIDE(vectors), whole = n_out / 4 * 4;
    for (int j = 0; j < whole; j += 4) neurons(4, g + j * n_in, n_in, out_bar + j * stride, in, vectors, stride);
    if (n_out % 4) neurons(n_out % 4, g + whole * n_in, n_in, out_bar + whole * stride, in, vectors, stride);
    for (int j = 0; j < whole; j += 4) bias_block(4, g + n_in * n_out + j, out_bar + j * stride, vectors, stride);
    if (n_out % 4) bias_block(n_out % 4, g + n_in * n_out + whole, out_bar + whole * stride, vectors, stride);
}

// ---- activations in place, and their slopes from the output --------------------------------------------------------

#define EACH(n, x, new)                                                                                                \
    do {                                                                                                               \
        double *restrict x_ = (double *)(x);                                                                           \
        for (int k = 0; k < (n) * LANES; k++) x_[k] = (new);                                                           \
    } while (0)
#define RELU(n, x) EACH(n, x, x_[k] > 0 ? x_[k] : 0)
#define TANH(n, x) EACH(n, x, 1 - 2 / (exp(2 * x_[k]) + 1))
#define SIGMOID(n, x) EACH(n, x, 1 / (1 + exp(-x_[k])))
// max(x, 0) + log(1 + exp(-|x|)), whose slope is 1 - exp(-output)
#define SOFTPLUS(n, x) EACH(n, x, (x_[k] > 0 ? x_[k] : 0) + log(1 + exp(-fabs(x_[k]))))

#define SLOPES(n, x_bar, x, new)                                                                                       \
    do {                                                                                                               \
        double *restrict bar_ = (double *)(x_bar);                                                                     \
        const double *restrict x_ = (const double *)(x);                                                               \
        for (int k = 0; k < (n) * LANES; k++) bar_[k] = (new);                                                         \
    } while (0)
#define RELU_BAR(n, x_bar, x) SLOPES(n, x_bar, x, x_[k] > 0 ? bar_[k] : 0)
#define TANH_BAR(n, x_bar, x) SLOPES(n, x_bar, x, bar_[k] * (1 - x_[k] * x_[k]))
#define SIGMOID_BAR(n, x_bar, x) SLOPES(n, x_bar, x, bar_[k] * x_[k] * (1 - x_[k]))
#define SOFTPLUS_BAR(n, x_bar, x) SLOPES(n, x_bar, x, bar_[k] * (1 - exp(-x_[k])))

INLINE void descend(double *restrict p, const double *restrict g, double rate, int n) {
    for (int k = 0; k < n; k++) p[k] -= rate * g[k];
}
