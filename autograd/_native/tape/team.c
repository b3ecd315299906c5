/* Threads that wait for work, of the locks and threads that Python has on every platform; none needs the GIL. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "program.h"

typedef struct {
    Team *team;
    int number;
    PyThread_type_lock start, done; /* both are locked while the member waits */
} Member;

struct Team {
    void (*work)(void *task, int member);
    void *task;
    int threads, stopping;
    Member *member; /* of the other threads, from 1 on */
};

static void live(void *argument) {
    Member *member = argument;
    for (;;) {
        PyThread_acquire_lock(member->start, WAIT_LOCK);
        const int stopping = member->team->stopping;
        if (!stopping)
            member->team->work(member->team->task, member->number);
        PyThread_release_lock(member->done);
        if (stopping)
            return;
    }
}

/* NULL where not a single further thread is to be had: then the caller does the work alone. */
Team *start_team(int threads, void (*work)(void *task, int member), void *task) {
    Team *team = PyMem_RawCalloc(1, sizeof(Team));
    if (team == NULL)
        return NULL;
    team->work = work, team->task = task, team->threads = 1;
    team->member = PyMem_RawCalloc((size_t)threads, sizeof(Member));
    for (int k = 1; k < threads && team->member != NULL; k++) {
        Member *member = &team->member[k];
        *member = (Member){team, k, PyThread_allocate_lock(), PyThread_allocate_lock()};
        if (member->start != NULL && member->done != NULL) {
            PyThread_acquire_lock(member->start, WAIT_LOCK);
            PyThread_acquire_lock(member->done, WAIT_LOCK);
            if (PyThread_start_new_thread(live, member) != PYTHREAD_INVALID_THREAD_ID) {
                team->threads = k + 1;
                continue;
            }
            PyThread_release_lock(member->start), PyThread_release_lock(member->done);
        }
        if (member->start != NULL)
            PyThread_free_lock(member->start);
        if (member->done != NULL)
            PyThread_free_lock(member->done);
        break;
    }
    if (team->threads > 1)
        return team;
    end_team(team);
    return NULL;
}

void run_team(Team *team) {
    for (int k = 1; k < team->threads; k++)
        PyThread_release_lock(team->member[k].start);
    team->work(team->task, 0);
    for (int k = 1; k < team->threads; k++)
        PyThread_acquire_lock(team->member[k].done, WAIT_LOCK);
}

void end_team(Team *team) {
    team->stopping = 1;
    for (int k = 1; k < team->threads; k++) {
        PyThread_release_lock(team->member[k].start);
        PyThread_acquire_lock(team->member[k].done, WAIT_LOCK);
        PyThread_release_lock(team->member[k].start), PyThread_free_lock(team->member[k].start);
        PyThread_release_lock(team->member[k].done), PyThread_free_lock(team->member[k].done);
    }
    PyMem_RawFree(team->member);
    PyMem_RawFree(team);
}
