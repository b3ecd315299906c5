/* A program read from bytes, and a run of it. */
#ifndef AUTOGRAD_PROGRAM_H
#define AUTOGRAD_PROGRAM_H

#include "tape.h"

#define MAGIC 0x50475441 /* "ATGP" */
#define VERSION 1
#define HEAD 18 /* words before the numbers: magic, version, the sizes in the order of `fields` in program.c */

/* Fills in a program. NULL, or what is wrong; "" where memory ran out. `forget_program` is due in any case. */
const char *read_program(Program *program, const char *bytes, size_t size);
void forget_program(Program *program);

/* Doubles in memory, rows and columns any number of bytes apart. */
typedef struct {
    char *start;
    ptrdiff_t row, column;
} Table;

/* What a run reads and writes. */
typedef struct {
    int64_t rows;
    Table input, output;  /* rows x inputs, rows x outputs */
    const int64_t *index; /* which row of `input` each row is, or NULL for all in order */
    int padded;           /* whether rows behind the last one repeat it, up to a whole vector */
    int again;            /* whether all but the parameters is as it was in the last run, which was a single chunk */
    double weight;        /* of a row in the sums */
    int threads;
} Job;

/* team.c: threads that wait for work. */
typedef struct Team Team;
Team *start_team(int threads, void (*work)(void *task, int member), void *task);
void run_team(Team *team); /* each member, the caller among them, does the work once */
void end_team(Team *team);

#define GROUPS 32 /* at most: parts of the rows whose sums are added in order, whichever thread computed them */

/* The memory of a run, kept for the next one. */
typedef struct {
    const Program *program;
    const Kernels *kernels, *of_rows; /* for uniform numbers, and for this run's rows */
    double *uniform, *splat, *sums; /* the sums of each group of rows */
    Context *context;               /* one for each thread */
    int contexts;
    int64_t lanes; /* that the contexts have room for */
    Team *team;    /* from the first run with threads on */
    int threads;   /* that it was asked for */
    long process;  /* in which it lives: a fork takes no threads along */
    const Job *job;
    int nonfinite; /* whether an output of the last run was infinite or NaN */
    int raised;    /* whether something overflowed, was divided by zero or had no real result since `forget_exceptions` */
    int shares; /* whether the copies of the last row that fill a vector share its weight */
    int streams; /* whether outputs are written past the caches */
    int64_t chunk, chunks, groups, next; /* how the rows are divided, and the group that nobody has taken yet */
} Workspace;

int start_workspace(Workspace *work, const Program *program, const Kernels *kernels);
void end_workspace(Workspace *work);

/* Runs a program whose parameters stand in the workspace. 0, or -1 where memory ran out. */
int run_program(Workspace *work, const Job *job);
static inline double *parameters_of(Workspace *work) { return work->uniform + work->program->constants; }
static inline double result_of(const Workspace *work, int32_t k) { return work->uniform[work->program->result[k]]; }

const Kernels *best_kernels(const char *asked);

/* The processor's sticky flags of a thread. Subnormal and rounded results are no exceptions here. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <xmmintrin.h>
#define EXCEPTIONS (_MM_EXCEPT_INVALID | _MM_EXCEPT_DIV_ZERO | _MM_EXCEPT_OVERFLOW)
static inline void forget_exceptions(void) { _mm_setcsr(_mm_getcsr() & ~(unsigned)EXCEPTIONS); }
static inline int exceptions(void) { return (_mm_getcsr() & EXCEPTIONS) != 0; }
#else
#include <fenv.h>
#define EXCEPTIONS (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW)
static inline void forget_exceptions(void) { feclearexcept(EXCEPTIONS); }
static inline int exceptions(void) { return fetestexcept(EXCEPTIONS) != 0; }
#endif

/* Where a training stands; it may stop after any step and go on. The program's first results are the loss of the rows
   and the penalty, then a gradient for each parameter. */
typedef struct {
    int64_t batch, at;         /* rows of a step; rows of this epoch that are done */
    double total, norms;       /* of this epoch's steps so far */
    double best, tolerance;    /* tolerance below 0: never converged */
    int64_t waited, patience, epochs;
    int mean, converged, diverged;
    int careful; /* whether the gradient is right even if it is not finite */
    int stopped; /* why the last step was not taken, a Stop */
    double *losses, *gradient_norms; /* of whole epochs */
} Training;

/* Something may have raised, and the program has no result that says so; it does say so; a gradient is not finite. */
typedef enum { WANTS_CHECKS = 1, RAISES, WANTS_CARE } Stop;

/* Steps until so many epochs are done, `seconds` are over, or the training ends. -1 where memory ran out. */
int train(Workspace *work, const Job *job, Optimizer *optimizer, Training *training, int64_t epochs, double seconds);

#endif
