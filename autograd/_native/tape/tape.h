/* A compiled program: what autograd/compiler/program.py wrote down, checked, and how it is run.

   uniform numbers  one double each: plain numbers, parameters, what follows from them, sums over the rows
   row slots        one double for each lane: inputs, the weight of a row, outputs, what follows from them
   lanes            the rows that one pass over the instructions computes side by side

   A run goes: `before` on uniform numbers; the instructions, chunk of rows by chunk; `after` on the sums. */
#ifndef AUTOGRAD_TAPE_H
#define AUTOGRAD_TAPE_H

#include <stddef.h>
#include <stdint.h>

#include "../ieee.h"
#include "../operations.h"

#define CODE(name, ...) OP_##name,
enum {
    UNARY_OPERATIONS(CODE) BINARY_OPERATIONS(CODE)
    OP_less, OP_less_equal, OP_greater, OP_greater_equal, OP_equal, OP_unequal,
    OP_where,             /* a ? b : c */
    OP_multiply_add,      /* a b + c */
    OP_multiply_subtract, /* a b - c */
    OP_subtract_product,  /* c - a b */
    OP_relu_slope,        /* an adjoint a times the slope of an activation whose output is b */
    OP_tanh_slope,
    OP_sigmoid_slope,
    ELEMENTWISE_COUNT,
    OP_sum = ELEMENTWISE_COUNT, /* of uniform numbers: a_1 + ... + a_n */
    OP_dot,                     /* a_1 b_1 + ... + a_n b_n */
    OP_affine,     /* h = f(W x + b) of m outputs and n inputs */
    OP_transposed, /* x_bar = W^T d, times f' of the layer before */
    OP_outer,      /* W_bar += sum over the rows of d x^T, b_bar += sum of d */
    OP_row_sum,    /* a uniform number += sum over the rows of a */
    OP_row_dot,   /* ... of a b */
    OP_sin_cos,   /* two functions of a that share most of their work: the second one to slot c */
    OP_erf_gaussian,
    OPERATION_COUNT
};
#undef CODE

typedef enum { LINEAR, RELU, TANH, SIGMOID, ACTIVATION_COUNT } Activation;

/* Operations of one kind on uniform numbers; the results lie side by side. A sum and a dot have one result. */
typedef struct {
    int32_t op, count, out, pool; /* the operands are count indices for each operand, from pool on */
    int8_t stride[3];             /* how the operands lie, see below */
} Run;

enum { ANYWHERE = -1, SAME, NEIGHBOURS, CHAINED }; /* chained: each is the result before */

/* An operation on row slots. For layers `a` is where their slots stand in the pool:
     affine      the n inputs, the m outputs; `out` the weights and `b` the biases among the uniform numbers
     transposed  the m adjoints, the n results, the n outputs of the layer before unless it is linear
     outer       the m adjoints, the n inputs; `out` the sums of the weights' adjoints, `b` those of the biases */
typedef struct {
    int32_t op, out, a, b, c, n, m, activation;
} Instruction;

typedef struct {
    int32_t inputs, parameters, constants, uniforms; /* uniform numbers: constants, parameters, others */
    int32_t sums, sums_at;                           /* which of them are sums over the rows */
    int32_t outputs, slots;                          /* row slots: inputs, weight, outputs, others */
    int32_t splats, results;                         /* uniform numbers that rows use; what a run returns */
    int32_t lanes;                                   /* at most */
    int32_t runs_before, runs_after, instructions, pool_size, layers_at; /* where the slots of layers begin in the pool */
    double *constant;
    int32_t *splat, *result, *pool;
    Run *before, *after;
    Instruction *instruction;
    void *memory;
} Program;

/* The inputs of the next chunk, which are fetched into the cache a few lines with each instruction. */
typedef struct {
    const char *start;
    ptrdiff_t step;           /* from piece to piece */
    int32_t pieces;           /* the columns, or all rows as one; 0 where the caches have them already */
    int64_t lines, at_a_time; /* of a piece; with an instruction */
} Ahead;

/* One thread's row slots. Each operand has an address and a mask for the lane: 0 for a number that all lanes share. */
typedef struct {
    const Program *program;
    double **address;
    int64_t *mask;
    const double *uniform;
    double *sums; /* of the rows so far, from `sums_at` on */
    double **layer; /* the address of each slot in the pool from layers_at on */
    double *arena, *own, *turned; /* the memory; in it the slots' own places, and room for outputs row by row */
    Ahead ahead;
    double weight; /* what stands in the weights' slot, in so many lanes */
    int64_t weighted;
} Context;

/* How parameters move: the formulas of nn/optimizers.py. */
typedef enum { SGD, ADAM, ADAMW } Rule;
typedef struct {
    Rule rule;
    double lr, momentum, dampening, weight_decay, beta1, beta2, eps;
    int nesterov, amsgrad, started; /* whether SGD has a momentum yet */
    double *parameter, *state;      /* `state`: the momenta; of Adam m, v and the largest v, one array after the other */
    int64_t steps;
} Optimizer;

#define WIDEST 8 /* doubles in the largest vector */

/* The kernels of one instruction set. */
typedef struct Kernels {
    const char *name;
    int lanes;
    const struct Kernels *narrow; /* of fewer lanes, for runs of so few rows; or NULL */
    void (*rows)(const Context *context, int64_t lanes);
    void (*uniform)(const Program *program, const Run *runs, int32_t count, double *number);
    /* whether all numbers are; where `to` is not NULL, they are copied there past the caches */
    int (*finite)(const double *number, int64_t count, double *to);
    double (*step)(Optimizer *, const double *gradient, int32_t count); /* the square of the gradient's norm */
    /* to[c][r] = from[r][c], for tables of so many bytes from row to row */
    void (*transpose)(const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step, int64_t rows, int64_t columns);
} Kernels;

extern const Kernels baseline_kernels, avx2_kernels, avx512_kernels, avx512_narrow_kernels;
extern const int32_t operand_count[ELEMENTWISE_COUNT];

#endif
