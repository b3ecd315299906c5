/* Whole epochs: a run for each batch, and the step of the optimiser after it. */
#include <math.h>
#include <time.h>

#include "program.h"

static double now(void) {
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* One batch, which `job` is made to describe: 0, or -1 where memory ran out. A loss that is not finite moves nothing. */
static int step(Workspace *work, const Job *all, Job *job, Optimizer *o, Training *training) {
    const Program *p = work->program;
    const int64_t left = all->rows - training->at;
    if (training->batch < all->rows) {
        job->rows = left < training->batch ? left : training->batch;
        /* Else the next rows stand behind the last one, or the table ends within its last vector. */
        job->padded = all->padded && job->rows == left && training->at % WIDEST == 0;
        if (all->index != NULL)
            job->index = all->index + training->at;
        else
            job->input.start = all->input.start + training->at * all->input.row;
    }
    job->weight = training->mean ? 1.0 / (double)job->rows : 1.0;
    if (run_program(work, job) < 0)
        return -1;
    job->again = job->rows == all->rows && all->rows <= p->lanes;
    const int checked = p->results == p->parameters + 3;
    const double *g = work->uniform + p->result[2 + checked];
    /* Without checks an infinity or NaN in the gradient has been seen by the processor. */
    if (!checked && work->raised)
        training->stopped = WANTS_CHECKS;
    else if (checked && result_of(work, 2) != 0.0)
        training->stopped = RAISES;
    else if (checked && !training->careful && !work->kernels->finite(g, p->parameters, NULL))
        training->stopped = WANTS_CARE;
    if (training->stopped)
        return 0;
    const double loss = result_of(work, 0), penalty = result_of(work, 1), sum = loss + penalty;
    if (!(sum - sum == 0.0)) {
        training->diverged = 1;
        return 0;
    }
    training->norms += sqrt(work->of_rows->step(o, g, p->parameters));
    o->steps++;
    const double share = job->rows == all->rows ? 1.0 : (double)job->rows / (double)all->rows;
    training->total += (training->mean ? share * loss : loss) + share * penalty;
    training->at += job->rows;
    return 0;
}

static void end_epoch(const Job *job, Training *training) {
    const int64_t batches = training->batch >= job->rows ? 1 : (job->rows + training->batch - 1) / training->batch;
    const double total = training->total, steps = (double)batches;
    training->losses[training->epochs] = total;
    training->gradient_norms[training->epochs++] = training->norms / steps;
    training->waited = training->tolerance < 0.0 || total < training->best - training->tolerance ? 0
                                                                                                 : training->waited + 1;
    training->best = total < training->best ? total : training->best;
    training->converged = training->waited >= training->patience;
    training->at = 0, training->total = training->norms = 0.0;
}

int train(Workspace *work, const Job *job, Optimizer *o, Training *training, int64_t epochs, double seconds) {
    const double end = now() + seconds;
    int64_t steps = 0, look = 1; /* the clock is looked at seldom where steps are short */
    Job batch = *job;
    o->parameter = parameters_of(work);
    forget_exceptions();
    while (training->epochs < epochs && !training->converged) {
        if (step(work, job, &batch, o, training) < 0)
            return -1;
        if (training->diverged || training->stopped)
            break;
        if (training->at == job->rows)
            end_epoch(job, training);
        if (++steps == look) {
            const double left = end - now();
            if (left <= 0.0)
                break;
            look += left > 0.5 * seconds ? steps : 1 + steps / 16;
        }
    }
    return 0;
}
