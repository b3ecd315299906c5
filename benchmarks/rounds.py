"""Rounds: starts the processes of those who are compared, checks what they compute, lets them take turns."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from benchmarks import gradients
from benchmarks.compilers import COMPILERS
from benchmarks.peers import Missing, Worker
from benchmarks.problems import FUNCTIONS, NETWORKS, PROBLEMS, TAPES

TOLERANCE = 1e-9  # of the greatest value or gradient of a kind: by one input, or by the weights of one layer


class Row(NamedTuple):
    problem: str
    goal: float | None = None  # ours takes at most so many times as long as C
    threads: int = 1
    rounds: int = 11
    burst: float = 0.03  # seconds
    bursts: int = 3  # of a turn; the fastest one counts
    size: int | None = None  # rows or operations, if not those of the problem


Numbers = tuple[np.ndarray, list[np.ndarray]]  # values, and gradients of a kind together


def start(names: Sequence[str], threads: int, silent: bool = False) -> dict[str, Worker]:
    """The processes of all who can take part; who cannot is told of once."""
    workers = {}
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), str(threads))
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    # What a process frees it keeps: else a step pays for the pages of its arrays or not, as the heap happens to lie.
    variables.update(dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(2**30)))
    for name in names:
        compiler = COMPILERS[name]
        try:
            workers[name] = Worker(name, compiler, "compiled_worker.py", [str(threads)], variables, compiler.room)
        except Missing as missing:
            if not silent:
                print(f"Left out: {compiler.title}: {missing}", flush=True)
    return workers


def kind_of(name: str) -> str:
    return "network" if name in NETWORKS else "function" if name in FUNCTIONS else "tape"


def problem_of(row: Row) -> Any:
    return PROBLEMS[row.problem] if row.size is None else PROBLEMS[row.problem]._replace(rows=row.size)


def right(row: Row) -> Numbers:
    """The value and the gradient as they should be; of a function, of its first and last rows."""
    problem = problem_of(row)
    if row.problem in NETWORKS:
        value, gradient = gradients.of_network(problem, problem.parameters(), *problem.data(problem.rows))
        return np.array([value]), [part.ravel() for layer in problem.layers(gradient) for part in layer]
    if row.problem in TAPES:
        value, gradient = gradients.of_tape(problem)
        return np.array([value]), [np.array(gradient)]
    columns = problem.columns()
    values, partials = gradients.of_function(problem, np.concatenate([columns[:, :32], columns[:, -32:]], 1))
    return values, list(partials)


def differs(reply: Mapping[str, Any], wanted: Numbers) -> str:
    """What is wrong, or nothing."""
    values, parts = wanted
    got = np.split(np.array(reply["gradients"]), np.cumsum([len(part) for part in parts])[:-1])
    pairs = [("values", np.array(reply["values"]), values), *(("gradients", *pair) for pair in zip(got, parts))]
    for what, found, want in pairs:
        if len(found) != len(want):
            return f"there are {len(found)} {what} instead of {len(want)}"
        error = float(np.abs(found - want).max() / np.abs(want).max())
        if not error <= TOLERANCE:  # NaN is not
            return f"{what} are off by {error:.1e} of the greatest"
    return ""


def learns_else(reply: Mapping[str, Any], row: Row) -> str:
    """What is wrong with the steps, or nothing."""
    if "later" not in reply:
        return ""
    wanted, found = gradients.loss_later(problem_of(row), reply["steps"]), reply["later"][0]
    if abs(found - wanted) <= TOLERANCE * abs(wanted):
        return ""
    return f"the loss after {reply['steps']} steps is {found!r} instead of {wanted!r}"


def ready(row: Row, workers: Mapping[str, Worker], left_out: list[str]) -> dict[str, Worker]:
    """Those who solve the problem, which are warm then; the reasons of the others go into a list. A wrong number ends
    the run."""
    wanted, fit = right(row), {}
    for name, worker in workers.items():
        if kind_of(row.problem) not in COMPILERS[name].problems:
            continue
        reply = worker.ask(do="prepare", problem=row.problem, rows=row.size)
        if "error" in reply:
            left_out.append(f"{row.problem}: {COMPILERS[name].title}: {reply['error']}")
            continue
        if wrong := differs(reply, wanted) or learns_else(reply, row):
            sys.exit(
                f"{row.problem}: of {COMPILERS[name].title}, {wrong}, so nothing is timed.\n"
                f"  Correct benchmarks/compilers/{COMPILERS[name].module}.py, or leave it out: --peers NAME,NAME."
            )
        worker.ask(do="calibrate", seconds=row.burst, bursts=row.bursts)
        fit[name] = worker
    return fit


def measured(row: Row, workers: Mapping[str, Worker], left_out: list[str]) -> dict[str, list[float]]:
    """The seconds of a step in each round, of those who solve the problem."""
    fit = ready(row, workers, left_out)
    turns: dict[str, list[float]] = {name: [] for name in fit}
    for _ in tqdm(range(row.rounds), row.problem, leave=False, disable=None):
        for name, worker in fit.items():
            turns[name].append(worker.ask(do="turn")["seconds"])
    return turns


def print_left_out(left_out: Sequence[str]) -> None:
    for reason in dict.fromkeys(left_out):
        print(f"Left out of {reason}", flush=True)
