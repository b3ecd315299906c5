/* Threads that wait for work, of the locks and threads that Python has on every platform; none needs the GIL.

   Whoever waits looks for a moment (steps of a training follow each other within microseconds, and to be woken takes
   fifty), then sleeps on a lock. The lock is released only for somebody who said that they sleep: `asleep` is taken back
   by the one or by the other, whoever comes first. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "program.h"

#define LOOKS 4000 /* some 50 microseconds */

typedef struct {
    PyThread_type_lock lock; /* locked but for a moment */
    int asleep;
} Bed;

typedef struct {
    Team *team;
    int number, gone;
    Bed bed;
} Member;

struct Team {
    void (*work)(void *task, int member);
    void *task;
    int threads, stopping;
    int64_t round; /* how often there was work */
    int busy;      /* members that have not finished it */
    Bed bed;       /* of the one who asked for it */
    Member *member;
};

static inline void pause_a_little(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static int make_bed(Bed *bed) {
    bed->lock = PyThread_allocate_lock();
    return bed->lock != NULL && PyThread_acquire_lock(bed->lock, WAIT_LOCK);
}

static void wake(Bed *bed) {
    if (__atomic_exchange_n(&bed->asleep, 0, __ATOMIC_SEQ_CST))
        PyThread_release_lock(bed->lock);
}

/* Waits until ready(what): it is made true before `wake` is called. A call may come late, when what it was for is long
   done and the next is waited for: whoever wakes looks again. */
static void wait_for(Bed *bed, int (*ready)(const void *what, int64_t seen), const void *what, int64_t seen) {
    for (;;) {
        for (int look = 0; look < LOOKS; look++) {
            if (ready(what, seen))
                return;
            pause_a_little();
        }
        __atomic_store_n(&bed->asleep, 1, __ATOMIC_SEQ_CST);
        if (!ready(what, seen) || !__atomic_exchange_n(&bed->asleep, 0, __ATOMIC_SEQ_CST))
            PyThread_acquire_lock(bed->lock, WAIT_LOCK); /* it was released, or will be */
    }
}

static int has_work(const void *team, int64_t seen) {
    return __atomic_load_n(&((const Team *)team)->round, __ATOMIC_SEQ_CST) != seen;
}

static int is_done(const void *team, int64_t seen) {
    return (void)seen, __atomic_load_n(&((const Team *)team)->busy, __ATOMIC_SEQ_CST) == 0;
}

static void live(void *argument) {
    Member *member = argument;
    Team *team = member->team;
    for (int64_t seen = 0;; seen++) {
        wait_for(&member->bed, has_work, team, seen);
        const int stopping = team->stopping;
        if (!stopping)
            team->work(team->task, member->number);
        if (__atomic_sub_fetch(&team->busy, 1, __ATOMIC_SEQ_CST) == 0)
            wake(&team->bed);
        if (stopping) {
            __atomic_store_n(&member->gone, 1, __ATOMIC_RELEASE); /* from here on its memory may be freed */
            return;
        }
    }
}

static void call(Team *team) {
    __atomic_store_n(&team->busy, team->threads - 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&team->round, 1, __ATOMIC_SEQ_CST);
    for (int k = 1; k < team->threads; k++)
        wake(&team->member[k].bed);
}

/* NULL where not a single further thread is to be had: then the caller does the work alone. */
Team *start_team(int threads, void (*work)(void *task, int member), void *task) {
    Team *team = PyMem_RawCalloc(1, sizeof(Team));
    if (team == NULL)
        return NULL;
    team->work = work, team->task = task, team->threads = 1;
    team->member = PyMem_RawCalloc((size_t)threads, sizeof(Member));
    for (int k = 1; k < threads && team->member != NULL && (k > 1 || make_bed(&team->bed)); k++) {
        Member *member = &team->member[k];
        member->team = team, member->number = k;
        if (!make_bed(&member->bed) || PyThread_start_new_thread(live, member) == PYTHREAD_INVALID_THREAD_ID)
            break;
        team->threads = k + 1;
    }
    if (team->threads > 1)
        return team;
    end_team(team);
    return NULL;
}

void run_team(Team *team) {
    call(team);
    team->work(team->task, 0);
    wait_for(&team->bed, is_done, team, 0);
}

static void take_bed_away(Bed *bed) {
    if (bed->lock != NULL) {
        PyThread_release_lock(bed->lock);
        PyThread_free_lock(bed->lock);
    }
}

void end_team(Team *team) {
    team->stopping = 1;
    if (team->threads > 1) {
        call(team);
        wait_for(&team->bed, is_done, team, 0);
    }
    for (int k = 1; k < team->threads; k++) {
        while (!__atomic_load_n(&team->member[k].gone, __ATOMIC_ACQUIRE))
            pause_a_little();
        take_bed_away(&team->member[k].bed);
    }
    take_bed_away(&team->bed);
    PyMem_RawFree(team->member);
    PyMem_RawFree(team);
}
