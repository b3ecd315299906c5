/* Reads a program from bytes, which may come from anywhere: afterwards no instruction leads out of the memory. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

const int32_t operand_count[ELEMENTWISE_COUNT] = {
#define ONE(name, ...) [OP_##name] = 1,
#define TWO(name, ...) [OP_##name] = 2,
    UNARY_OPERATIONS(ONE) BINARY_OPERATIONS(TWO)
    [OP_less] = 2, [OP_less_equal] = 2, [OP_greater] = 2, [OP_greater_equal] = 2, [OP_equal] = 2, [OP_unequal] = 2,
    [OP_where] = 3, [OP_multiply_add] = 3, [OP_multiply_subtract] = 3, [OP_subtract_product] = 3,
    [OP_relu_slope] = 2, [OP_tanh_slope] = 2, [OP_sigmoid_slope] = 2,
#undef ONE
#undef TWO
};

static int all_below(const int32_t *index, int64_t count, int32_t limit) {
    for (int64_t k = 0; k < count; k++)
        if (index[k] < 0 || index[k] >= limit)
            return 0;
    return 1;
}

static int all_within(const int32_t *index, int64_t count, int32_t from, int32_t limit) {
    for (int64_t k = 0; k < count; k++)
        if (index[k] < from || index[k] >= limit)
            return 0;
    return 1;
}

/* How the operands of a run lie. Those that the run itself computes are taken one by one. */
static int8_t stride_of(const int32_t *index, int32_t count, int32_t out) {
    int chained = count > 1 && index[0] < out;
    for (int32_t k = 1; k < count && chained; k++)
        chained = index[k] == out + k - 1;
    if (chained)
        return CHAINED;
    for (int32_t k = 0; k < count; k++)
        if (index[k] >= out && index[k] < out + count)
            return ANYWHERE;
    int neighbours = 1, same = 1;
    for (int32_t k = 1; k < count && (neighbours || same); k++) {
        neighbours &= index[k] == index[0] + k;
        same &= index[k] == index[0];
    }
    return same ? SAME : neighbours ? NEIGHBOURS : ANYWHERE;
}

static const char *check_run(const Program *p, Run *run) {
    const int reduces = run->op == OP_sum || run->op == OP_dot;
    if (run->op < 0 || (run->op >= ELEMENTWISE_COUNT && !reduces))
        return "a run has an operation that does not exist";
    const int32_t arity = reduces ? 1 + (run->op == OP_dot) : operand_count[run->op];
    if (run->count < 1 || run->out < p->constants + p->parameters
        || (int64_t)run->out + (reduces ? 1 : run->count) > p->uniforms)
        return "a run writes outside of its numbers";
    if (run->pool < 0 || run->pool + (int64_t)arity * run->count > p->pool_size
        || !all_below(p->pool + run->pool, (int64_t)arity * run->count, p->uniforms))
        return "a run reads outside of its numbers";
    for (int32_t k = 0; k < arity; k++)
        run->stride[k] = stride_of(p->pool + run->pool + k * (int64_t)run->count, run->count, run->out);
    return NULL;
}

static const char *check_layer(const Program *p, const Instruction *i) {
    if (i->n < 1 || i->m < 1 || i->activation < 0 || i->activation >= ACTIVATION_COUNT)
        return "a layer has an impossible shape";
    const int64_t n = i->n, m = i->m, before = i->op == OP_transposed && i->activation != LINEAR ? n : 0;
    const int64_t limit = i->op == OP_outer ? p->sums : p->uniforms;
    if (n * m > limit || i->out < 0 || i->out + n * m > limit || i->b < -1 || i->b + m > limit)
        return "a layer has more weights than there are";
    const int32_t *slot = p->pool + i->a;
    if (i->a < p->layers_at || i->a + n + m + before > p->pool_size)
        return "a layer reads outside of its slots";
    const int32_t *written = i->op == OP_affine ? slot + n : slot + m;
    if (i->op != OP_outer && !all_within(written, i->op == OP_affine ? m : n, p->inputs + 1, p->slots))
        return "a layer writes to an input";
    return NULL;
}

static const char *check_instruction(const Program *p, const Instruction *i) {
    if (i->op == OP_affine || i->op == OP_transposed || i->op == OP_outer)
        return check_layer(p, i);
    const int reduces = i->op == OP_row_sum || i->op == OP_row_dot;
    const int has_two = i->op == OP_sin_cos || i->op == OP_erf_gaussian;
    if (i->op < 0 || (i->op >= ELEMENTWISE_COUNT && !reduces && !has_two))
        return "an instruction has an operation that does not exist";
    const int32_t arity = has_two ? 1 : reduces ? 1 + (i->op == OP_row_dot) : operand_count[i->op];
    const int32_t operands[3] = {i->a, i->b, i->c}, limit = p->slots + (arity > 1 ? p->splats : 0);
    if (!all_below(operands, arity, limit))
        return "an instruction reads outside of its slots";
    const int32_t second = has_two ? i->c : i->out;
    if (reduces ? i->out < 0 || i->out >= p->sums
                : !all_within(&i->out, 1, p->inputs + 1, p->slots) || !all_within(&second, 1, p->inputs + 1, p->slots))
        return "an instruction writes outside of its slots";
    return NULL;
}

static const char *check(Program *p) {
    if (p->sums_at < p->constants + p->parameters || (int64_t)p->sums_at + p->sums > p->uniforms)
        return "the sums are not among the numbers";
    if ((int64_t)p->inputs + 1 + p->outputs > p->slots)
        return "there are fewer slots than inputs and outputs";
    if (p->lanes < WIDEST || p->lanes > 4096 || p->lanes % WIDEST != 0)
        return "the number of lanes is impossible";
    if (p->layers_at > p->pool_size || !all_below(p->pool + p->layers_at, p->pool_size - p->layers_at, p->slots))
        return "a layer reads outside of its slots";
    if (!all_below(p->splat, p->splats, p->uniforms) || !all_below(p->result, p->results, p->uniforms))
        return "a result is not among the numbers";
    const char *fault = NULL;
    for (int32_t k = 0; k < p->runs_before && fault == NULL; k++)
        fault = check_run(p, p->before + k);
    for (int32_t k = 0; k < p->runs_after && fault == NULL; k++)
        fault = check_run(p, p->after + k);
    for (int32_t k = 0; k < p->instructions && fault == NULL; k++)
        fault = check_instruction(p, p->instruction + k);
    return fault;
}

const char *read_program(Program *p, const char *bytes, size_t size) {
    int32_t head[HEAD];
    memset(p, 0, sizeof *p);
    if (size < sizeof head)
        return "it is too short";
    memcpy(head, bytes, sizeof head);
    if (head[0] != MAGIC)
        return "it does not start as a program does";
    if (head[1] != VERSION)
        return "it was written by another version of autograd";
    for (int k = 2; k < HEAD; k++)
        if (head[k] < 0)
            return "it has a negative size";
    int32_t *const fields[] = {&p->inputs, &p->parameters, &p->constants, &p->uniforms, &p->sums, &p->sums_at,
                               &p->outputs, &p->slots, &p->splats, &p->results, &p->lanes, &p->runs_before, &p->runs_after,
                               &p->instructions, &p->pool_size, &p->layers_at};
    for (int k = 0; k < HEAD - 2; k++)
        *fields[k] = head[k + 2];
    if ((int64_t)p->constants + p->parameters > p->uniforms || (int64_t)p->slots + p->splats > INT32_MAX / 2)
        return "its sizes do not fit together";
    const uint64_t runs = (uint64_t)p->runs_before + (uint64_t)p->runs_after;
    const uint64_t numbers = (uint64_t)p->splats + (uint64_t)p->results + (uint64_t)p->pool_size + 4 * runs
                             + 8 * (uint64_t)p->instructions;
    if (size != sizeof head + 8 * (uint64_t)p->constants + 4 * numbers)
        return "it has another size than it says";

    const size_t room = 8 * (size_t)p->constants + 4 * ((size_t)p->splats + (size_t)p->results + (size_t)p->pool_size)
                        + runs * sizeof(Run) + (size_t)p->instructions * sizeof(Instruction);
    char *memory = p->memory = malloc(room + 1);
    if (memory == NULL)
        return "";
    const char *from = bytes + sizeof head;
#define TAKE(field, count, type)                                                                                       \
    do {                                                                                                               \
        p->field = (type *)memory;                                                                                     \
        memcpy(memory, from, (size_t)(count) * sizeof(type));                                                          \
        memory += (size_t)(count) * sizeof(type), from += (size_t)(count) * sizeof(type);                              \
    } while (0)
    TAKE(constant, p->constants, double);
    TAKE(splat, p->splats, int32_t);
    TAKE(result, p->results, int32_t);
    TAKE(pool, p->pool_size, int32_t);
    TAKE(instruction, p->instructions, Instruction);
#undef TAKE
    p->before = (Run *)memory, p->after = p->before + p->runs_before;
    for (uint64_t k = 0; k < runs; k++) {
        int32_t run[4];
        memcpy(run, from + k * sizeof run, sizeof run);
        p->before[k] = (Run){run[0], run[1], run[2], run[3], {ANYWHERE, ANYWHERE, ANYWHERE}};
    }
    return check(p);
}

void forget_program(Program *p) { free(p->memory); }
