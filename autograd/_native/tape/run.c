/* A run: chunk of rows by chunk, in groups whose sums are added in order, so that threads change no digit. */
#include "program.h"

#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
static long this_process(void) { return 0; } /* there is no fork */
#else
#include <unistd.h>
static long this_process(void) { return (long)getpid(); }
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#include <xmmintrin.h>

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512bw");
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static const Kernels *const all_kernels[] = {&avx512_kernels, &avx2_kernels, &baseline_kernels};
static int (*const all_supported[])(void) = {has_avx512, has_avx2, NULL};
#else
static const Kernels *const all_kernels[] = {&baseline_kernels};
static int (*const all_supported[])(void) = {NULL};
#endif

/* The widest that this processor has; the one that was asked for by name, NULL where there is none. */
const Kernels *best_kernels(const char *asked) {
    for (size_t k = 0; k < sizeof all_kernels / sizeof *all_kernels; k++)
        if ((all_supported[k] == NULL || all_supported[k]()) && (asked == NULL || !strcmp(asked, all_kernels[k]->name)))
            return all_kernels[k];
    return NULL;
}

static void *aligned(void *memory) { return (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63); }

int start_workspace(Workspace *work, const Program *program, const Kernels *kernels) {
    memset(work, 0, sizeof *work);
    work->program = program, work->kernels = work->of_rows = kernels;
    work->uniform = calloc((size_t)program->uniforms + 1, sizeof(double));
    work->splat = malloc((size_t)program->splats * WIDEST * sizeof(double) + 128);
    work->sums = malloc((size_t)program->sums * GROUPS * sizeof(double) + 1);
    if (work->uniform == NULL || work->splat == NULL || work->sums == NULL)
        return -1;
    memcpy(work->uniform, program->constant, (size_t)program->constants * sizeof(double));
    return 0;
}

static void end_contexts(Workspace *work) {
    for (int k = 0; k < work->contexts; k++)
        free(work->context[k].arena), free(work->context[k].address), free(work->context[k].mask),
            free(work->context[k].layer);
    free(work->context);
    work->context = NULL, work->contexts = 0;
}

/* Ends the threads; those that a fork left behind are forgotten, locks and all. */
static void end_threads(Workspace *work) {
    if (work->team != NULL && work->process == this_process())
        end_team(work->team);
    work->team = NULL, work->threads = 0;
}

void end_workspace(Workspace *work) {
    end_threads(work);
    end_contexts(work);
    free(work->uniform), free(work->splat), free(work->sums);
}

/* In a fresh context every slot is the thread's own. -1 where memory ran out. */
static int make_context(const Workspace *work, Context *context, int64_t lanes) {
    const Program *p = work->program;
    const size_t operands = (size_t)p->slots + (size_t)p->splats;
    context->program = p, context->uniform = work->uniform;
    context->arena = calloc(((size_t)p->slots + (size_t)p->outputs) * (size_t)lanes + 16, sizeof(double));
    context->address = malloc((operands + 1) * sizeof *context->address);
    context->mask = malloc((operands + 1) * sizeof *context->mask);
    context->layer = malloc(((size_t)(p->pool_size - p->layers_at) + 1) * sizeof *context->layer);
    if (!context->arena || !context->address || !context->mask || !context->layer)
        return -1;
    const double *splats = aligned(work->splat);
    context->own = aligned(context->arena), context->turned = context->own + p->slots * lanes;
    for (int32_t slot = 0; slot < p->slots; slot++)
        context->address[slot] = context->own + slot * lanes, context->mask[slot] = -1;
    for (int32_t s = 0; s < p->splats; s++)
        context->address[p->slots + s] = (double *)splats + s * WIDEST, context->mask[p->slots + s] = 0;
    return 0;
}

/* Row slots for so many threads. */
static int make_contexts(Workspace *work, int count, int64_t lanes) {
    if (work->contexts >= count && work->lanes >= lanes)
        return 0;
    end_contexts(work);
    work->context = calloc((size_t)count, sizeof(Context));
    if (work->context == NULL)
        return -1;
    work->contexts = count, work->lanes = lanes;
    for (int k = 0; k < count; k++)
        if (make_context(work, &work->context[k], lanes) < 0) {
            end_contexts(work); /* else the next run would take them for whole ones */
            return -1;
        }
    return 0;
}

/* Beyond it, to keep a table in the caches is in vain: results go past them, inputs that come next are fetched ahead.
   Results of 1 to 2 MB are already written faster past the caches, but then whoever reads them waits. */
#define MOST_IN_CACHES (4 << 20)

static int outgrows_caches(int64_t rows, int32_t columns) {
    return rows * columns > MOST_IN_CACHES / (int64_t)sizeof(double);
}

/* Whether each column is without gaps, or the table as a whole, row by row. */
static int lies_densely(const Table *table, int32_t columns) {
    const ptrdiff_t size = sizeof(double);
    return table->row == size || (table->column == size && table->row == columns * size);
}

static void repeat_last(double *column, int64_t rows, int64_t lanes) {
    for (int64_t t = rows; t < lanes; t++)
        column[t] = column[rows - 1];
}

/* Rows that are run at once. */
typedef struct {
    int64_t first, rows, lanes;
    int in_place; /* whether outputs are computed in the table itself, which holds whole columns of lanes */
} Chunk;

/* A column of a chunk, where it lies if it lies side by side and fills its vectors, else a copy in `own`. */
static double *column_in(const Job *job, const Chunk *chunk, int32_t column, double *own) {
    const Table *from = &job->input;
    const char *start = from->start + column * from->column, *at = start + chunk->first * from->row;
    const int64_t rows = chunk->rows;
    const int filled = rows == chunk->lanes || (job->padded && chunk->first + rows == job->rows);
    if (job->index == NULL && from->row == sizeof(double) && filled)
        return (double *)at;
    for (int64_t t = 0; t < rows; t++)
        memcpy(own + t, job->index != NULL ? start + job->index[chunk->first + t] * from->row : at + t * from->row,
               sizeof(double));
    repeat_last(own, rows, chunk->lanes);
    return own;
}

/* Inputs that the caches can't hold are fetched ahead: columns because the processor itself foresees fewer streams than
   there are, rows because it does not see where the next chunk begins. */
static void look_ahead(const Workspace *work, Context *context, const Job *job, int64_t next) {
    const Program *p = work->program;
    const Table *from = &job->input;
    Ahead *ahead = &context->ahead;
    ahead->pieces = 0;
    if (next + work->chunk > job->rows || job->index != NULL || !outgrows_caches(job->rows, p->inputs)
        || !lies_densely(from, p->inputs))
        return;
    ahead->start = from->start + next * from->row, ahead->step = from->column;
    ahead->pieces = from->row == sizeof(double) ? p->inputs : 1;
    ahead->lines = work->chunk * from->row / 64;
    ahead->at_a_time = ahead->lines * ahead->pieces / p->instructions + 1;
}

static int64_t lanes_of(const Workspace *work, int64_t rows) {
    const int64_t width = work->of_rows->lanes;
    return (rows + width - 1) & ~(width - 1);
}

/* Where a chunk's inputs are; whether that is somewhere else than in the chunk before. */
static int place_inputs(const Workspace *work, Context *context, const Job *job, const Chunk *chunk) {
    const Program *p = work->program;
    const Table *from = &job->input;
    const int turned = job->index == NULL && from->column == sizeof(double) && from->row != sizeof(double);
    if (turned)
        work->of_rows->transpose(from->start + chunk->first * from->row, from->row, (char *)context->own,
                                 work->lanes * (ptrdiff_t)sizeof(double), chunk->rows, p->inputs);
    int moved = 0;
    for (int32_t k = 0; k < p->inputs; k++) {
        double *column = context->own + k * work->lanes;
        if (turned)
            repeat_last(column, chunk->rows, chunk->lanes);
        else
            column = column_in(job, chunk, k, column);
        moved |= column != context->address[k];
        context->address[k] = column;
    }
    return moved;
}

/* What each lane weighs: a row as much as the job says, copies of the last one nothing, or all of these their share. */
static void weigh(const Workspace *work, Context *context, const Job *job, const Chunk *chunk) {
    const int64_t rows = chunk->rows, lanes = chunk->lanes, weighted = work->shares ? -rows : rows;
    if (context->weight == job->weight && context->weighted == weighted)
        return;
    double *weight = context->address[work->program->inputs];
    const double share = job->weight / (double)(lanes - rows + 1);
    for (int64_t t = 0; t < lanes; t++)
        weight[t] = t < rows ? job->weight : 0.0;
    for (int64_t t = rows - 1; work->shares && t < lanes; t++)
        weight[t] = share;
    context->weight = job->weight, context->weighted = weighted;
}

/* Where a chunk's outputs go; whether that is somewhere else than in the chunk before. */
static int place_outputs(const Workspace *work, Context *context, const Job *job, const Chunk *chunk) {
    const Program *p = work->program;
    const Table *to = &job->output;
    int moved = 0;
    for (int32_t k = 0; k < p->outputs; k++) {
        const int32_t slot = p->inputs + 1 + k;
        double *column = chunk->in_place ? (double *)(to->start + k * to->column + chunk->first * to->row)
                                         : context->own + slot * work->lanes;
        moved |= column != context->address[slot];
        context->address[slot] = column;
    }
    return moved;
}

/* Copies a chunk's outputs to where they are not yet; whether all of them are finite. */
static int deliver_outputs(const Workspace *work, Context *context, const Job *job, const Chunk *chunk) {
    const Program *p = work->program;
    const Kernels *kernels = work->of_rows;
    const Table *to = &job->output;
    const ptrdiff_t step = work->lanes * (ptrdiff_t)sizeof(double);
    const int64_t rows = chunk->rows;
    char *start = to->start + chunk->first * to->row, *found = (char *)(context->own + (p->inputs + 1) * work->lanes);
    if (work->streams && to->row != sizeof(double)) {
        kernels->transpose(found, step, (char *)context->turned, to->row, p->outputs, rows);
        return kernels->finite(context->turned, rows * p->outputs, (double *)start);
    }
    int finite = 1;
    for (int32_t k = 0; k < p->outputs; k++) {
        double *past_caches = work->streams ? (double *)(start + k * to->column) : NULL;
        finite &= kernels->finite(context->address[p->inputs + 1 + k], rows, past_caches);
    }
    if (work->streams || chunk->in_place)
        return finite;
    if (to->column == sizeof(double))
        kernels->transpose(found, step, start, to->row, p->outputs, rows);
    else
        for (int32_t k = 0; k < p->outputs; k++)
            for (int64_t t = 0; t < rows; t++)
                memcpy(start + k * to->column + t * to->row, found + k * step + 8 * t, sizeof(double));
    return finite;
}

static void run_chunk(Workspace *work, Context *context, const Job *job, int64_t first, int64_t rows) {
    const Program *p = work->program;
    Chunk chunk = {first, rows, lanes_of(work, rows), 0};
    chunk.in_place = job->output.row == sizeof(double) && rows == chunk.lanes && !work->streams;
    int moved = context->weighted == 0; /* in the first chunk of all */
    moved |= place_inputs(work, context, job, &chunk);
    moved |= place_outputs(work, context, job, &chunk);
    weigh(work, context, job, &chunk);
    if (moved)
        for (int32_t k = p->layers_at; k < p->pool_size; k++)
            context->layer[k - p->layers_at] = context->address[p->pool[k]];
    work->of_rows->rows(context, chunk.lanes);
    if (!deliver_outputs(work, context, job, &chunk))
        __atomic_store_n(&work->nonfinite, 1, __ATOMIC_RELAXED);
}

static void run_group(Workspace *work, Context *context, int64_t group, double *sums) {
    context->sums = sums;
    memset(sums, 0, (size_t)work->program->sums * sizeof(double));
    for (int64_t c = work->chunks * group / work->groups; c < work->chunks * (group + 1) / work->groups; c++) {
        const int64_t first = c * work->chunk, left = work->job->rows - first;
        look_ahead(work, context, work->job, first + work->chunk);
        run_chunk(work, context, work->job, first, left < work->chunk ? left : work->chunk);
    }
}

/* What was stored past the caches is where other threads see it. */
static void finish_streams(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    _mm_sfence();
#endif
}

static void run_groups(void *argument, int member) {
    Workspace *work = argument;
    int64_t group;
    if (member != 0) /* the first member is the caller, who has looked after that */
        forget_exceptions();
    while ((group = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED)) < work->groups)
        run_group(work, &work->context[member], group, work->sums + group * work->program->sums);
    finish_streams();
    if (exceptions())
        __atomic_store_n(&work->raised, 1, __ATOMIC_RELAXED);
}

/* As many threads as asked for, kept from run to run: to start one takes as long as thousands of rows. */
static void take_threads(Workspace *work, int threads) {
    if (work->threads == threads && work->process == this_process())
        return;
    end_threads(work);
    work->threads = threads, work->process = this_process();
    work->team = start_team(threads, run_groups, work);
}

/* Numbers that all lanes share, as often as a vector has lanes. */
static void spread(const Workspace *work) {
    const Program *p = work->program;
    double *splats = aligned(work->splat);
    for (int32_t s = 0; s < p->splats; s++)
        for (int k = 0; k < WIDEST; k++)
            splats[s * WIDEST + k] = work->uniform[p->splat[s]];
}

static inline void start_sums(Workspace *work) {
    double *sums = work->context->sums;
    spread(work);
    for (int32_t k = 0; k < work->program->sums; k++)
        sums[k] = 0.0;
}

static int divide_rows(Workspace *work, const Job *job) {
    const Program *p = work->program;
    double *sums = work->uniform + p->sums_at;
    const int64_t most = (job->rows + WIDEST - 1) / WIDEST * WIDEST;
    work->chunk = most < p->lanes ? most : p->lanes;
    work->streams = 0;
    if (job->rows <= work->chunk) {
        if (make_contexts(work, 1, work->chunk) < 0)
            return -1;
        work->context->sums = sums, work->context->ahead.pieces = 0;
        start_sums(work);
        run_chunk(work, work->context, job, 0, job->rows);
        return 0;
    }
    work->job = job, work->next = 0;
    work->streams = outgrows_caches(job->rows, p->outputs) && lies_densely(&job->output, p->outputs);
    work->chunks = (job->rows + work->chunk - 1) / work->chunk;
    work->groups = work->chunks < GROUPS ? work->chunks : GROUPS;
    const int threads = (int)(job->threads < work->groups ? job->threads : work->groups);
    if (make_contexts(work, threads > 1 ? threads : 1, work->chunk) < 0)
        return -1;
    spread(work);
    if (threads > 1)
        take_threads(work, threads);
    if (threads > 1 && work->team != NULL)
        run_team(work->team);
    else
        run_groups(work, 0);
    memcpy(sums, work->sums, (size_t)p->sums * sizeof(double));
    for (int64_t group = 1; group < work->groups; group++)
        for (int32_t k = 0; k < p->sums; k++)
            sums[k] += work->sums[group * p->sums + k];
    return 0;
}

/* Lanes behind the last row repeat it, and weigh nothing. Where that row has an infinity they add 0 * inf, NaN: then the
   copies share what the row weighs instead, which is right but for a last digit. */
static int run_rows(Workspace *work, const Job *job) {
    if (job->again && work->context->weighted == job->rows) {
        start_sums(work);
        work->of_rows->rows(work->context, lanes_of(work, job->rows));
    } else {
        const Kernels *narrow = work->kernels->narrow;
        work->of_rows = narrow != NULL && job->rows <= narrow->lanes ? narrow : work->kernels;
        if (divide_rows(work, job) < 0)
            return -1;
    }
    const Program *p = work->program;
    if (job->rows == lanes_of(work, job->rows) || work->of_rows->finite(work->uniform + p->sums_at, p->sums, NULL))
        return 0;
    work->shares = 1;
    const int failed = divide_rows(work, job);
    work->shares = 0;
    return failed;
}

int run_program(Workspace *work, const Job *job) {
    const Program *p = work->program;
    work->nonfinite = work->raised = 0;
    if (p->runs_before > 0)
        work->kernels->uniform(p, p->before, p->runs_before, work->uniform);
    if (job->rows > 0 && p->instructions > 0) {
        if (run_rows(work, job) < 0)
            return -1;
    } else
        memset(work->uniform + p->sums_at, 0, (size_t)p->sums * sizeof(double));
    if (p->runs_after > 0)
        work->kernels->uniform(p, p->after, p->runs_after, work->uniform);
    if (exceptions())
        work->raised = 1;
    return 0;
}
