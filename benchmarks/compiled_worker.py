"""One compiler in a process of its own: `python compiled_worker.py NAME THREADS`, talked to in lines of JSON.

It says hello with {"version": ...} or {"error": ...}. {"do": "prepare", "problem": "moons"} makes the problem ready and
gives {"values": [...], "gradients": [...], "seconds": ...}: of a function for some rows, of the time what it took from
the numbers to the first result; of a network also the loss after some "steps", as "later".

{"do": "calibrate", "seconds": 0.03, "bursts": 3} finds how many steps take that long; {"do": "turn"} gives the seconds
of a step, on the wall, as several threads are not to count several times: those of the fastest burst, for what else the
machine does only ever adds. {"do": "trace"} is for ours alone.

It is started by its path, so that only this folder is on Python's path beside the environment's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np
from compilers import COMPILERS, Task, Unfit
from problems import PROBLEMS, Function, Network, plan

LATER = 10
ENDS = 32  # of a function the first and last rows are compared


def kind_of(problem: Any) -> str:
    return "network" if isinstance(problem, Network) else "function" if isinstance(problem, Function) else "tape"


class Solver:
    def __init__(self, name: str, threads: int) -> None:
        self.compiler, self.threads = COMPILERS[name], threads
        self.module = import_module(f"compilers.{self.compiler.module}")
        self.steps, self.bursts, self.once = 1, 3, 0.0

    def prepare(self, problem: str, rows: int | None = None) -> dict[str, Any]:
        self.task: Task | None = None  # the one before is freed
        chosen = PROBLEMS[problem] if rows is None else PROBLEMS[problem]._replace(rows=rows)
        kind = kind_of(chosen)
        if kind == "tape":
            plan(chosen.rows)  # drawn before the clock runs
        start = perf_counter()
        try:
            self.task = getattr(self.module, kind)(chosen, self.threads, self.compiler.way)
            values, gradients = (np.array(numbers, float) for numbers in self.task.numbers())
            seconds = perf_counter() - start
            later = self.later() if kind == "network" and self.task.learns else {}
        except Unfit as unfit:
            return {"error": str(unfit)}
        except Exception as error:  # whatever a peer raises: it is left out, and the table says why
            return {"error": f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]}
        if kind == "function" and len(values) > 2 * ENDS:
            gradients = gradients.reshape(chosen.inputs, -1)
            values, gradients = (np.concatenate([a[..., :ENDS], a[..., -ENDS:]], -1) for a in (values, gradients))
        return {"values": values.ravel().tolist(), "gradients": gradients.ravel().tolist(), "seconds": seconds, **later}

    def later(self) -> dict[str, Any]:
        """The loss after some steps: a loop that learns nothing, or something else, is not to be timed."""
        assert self.task is not None
        steps = max(LATER, self.task.least)
        self.task.run(steps)
        return {"steps": steps, "later": list(self.task.numbers()[0])}

    def timed(self, steps: int) -> float:
        assert self.task is not None
        start = perf_counter()
        self.task.run(steps)
        return perf_counter() - start

    def least(self, steps: int) -> float:
        """Of a few bursts, and without what happens once in a run, the seconds of the fastest."""
        assert self.task is not None
        short = self.task.short
        once, long = [], []
        for _ in range(self.bursts):
            once.append(self.timed(short) if short else 0.0)
            long.append(self.timed(short + steps))
        self.once = min(once)
        return min(long) - self.once

    def calibrate(self, seconds: float, bursts: int) -> dict[str, Any]:
        """The steps of a burst: they take that long; up to ten times as long where what happens once takes longer."""
        assert self.task is not None
        multiple = self.steps = self.task.least
        self.bursts = bursts
        self.timed(self.task.short or multiple)  # not counted: some compile when they are first called
        while True:
            taken = self.least(self.steps)
            target = max(seconds, min(self.once, 10 * seconds))
            if taken > target / 2 or self.steps > 10**8:
                return {"steps": self.steps}
            growth = min(max(target / max(taken, 1e-9), 2), 10)  # a short burst says little
            self.steps = int(self.steps * growth) // multiple * multiple

    def turn(self) -> dict[str, Any]:
        return {"seconds": self.least(self.steps) / self.steps}

    def trace(self, problem: str) -> dict[str, Any]:
        return {"seconds": self.module.trace_seconds(PROBLEMS[problem])}


def main() -> None:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a compiler prints goes beside the replies

    def say(reply: dict[str, Any]) -> None:
        print(json.dumps(reply), file=replies, flush=True)

    try:
        solver = Solver(sys.argv[1], int(sys.argv[2]))
    except (ImportError, OSError, AttributeError) as error:
        return say({"error": str(error).splitlines()[0]})
    say({"version": solver.module.version()})
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            request = json.loads(line)
            say(getattr(solver, request.pop("do"))(**request))


if __name__ == "__main__":
    main()
