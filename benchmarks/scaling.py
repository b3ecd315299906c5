"""What compiled.py shows beside its table: tapes of a million operations, sizes, and the time to a first result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.compilers import COMPILERS
from benchmarks.eager import short, spread
from benchmarks.peers import Worker
from benchmarks.problems import TAPES
from benchmarks.rounds import Row, measured, print_left_out, start

# Here a goal is in nanoseconds an operation.
TAPE_ROWS = [Row("chain", 3.0, rounds=7), Row("random", 8.0, rounds=7)]
SMALL_TAPE_ROWS = [Row(name, rounds=2, burst=0.002, bursts=1, size=10_000) for name in TAPES]

# Sizes from, to and in a small run to: powers of ten.
SIZES = {"waves": (2, 7, 3), "moons": (2, 5, 2), "chain": (2, 6, 3)}
FIRST, FIRST_GOAL, TRACE_GOAL = "regression", 100.0, 50.0  # ms
SLOW = 2.0  # seconds: who takes longer to a first result is asked once


def print_tapes(names: Sequence[str], small: bool) -> None:
    rows = SMALL_TAPE_ROWS if small else TAPE_ROWS
    workers = start([name for name in names if "tape" in COMPILERS[name].problems], 1, silent=True)
    left_out: list[str] = []
    if not workers:
        return
    print(f"\nOne row, {(rows[0].size or TAPES['chain'].rows):,} operations, forward and backward: ns an operation")
    print(f"{'':12}{'goal':>6}  " + "".join(f"{COMPILERS[name].title:20}" for name in workers).rstrip(), flush=True)
    try:
        for row in rows:
            turns, operations = measured(row, workers, left_out), row.size or TAPES[row.problem].rows
            cells = {name: [1e9 * seconds / operations for seconds in turns[name]] for name in turns}
            shown = "".join(f"{mark(cells[name], row.goal, name) if name in cells else '-':20}" for name in workers)
            print(f"{row.problem:12}{row.goal or '-':>6}  {shown}".rstrip(), flush=True)
    finally:
        end(workers)
    print_left_out(left_out)


def mark(numbers: Sequence[float], goal: float | None, name: str) -> str:
    return spread(numbers, "!" if name == "ours" and goal and median(numbers) > goal else "")


def print_sizes(small: bool) -> None:
    """Ours: nanoseconds a row or an operation at each size; where they are the same, the cost is linear."""
    workers = start(["ours"], 1, silent=True)
    left_out: list[str] = []
    if not workers:
        return
    powers = range(2, 1 + max(to[2 if small else 1] for to in SIZES.values()))
    print("\nOurs, nanoseconds a row (an operation of chain) by their number; of moons a step in the loop of nn.fit")
    print(f"{'':12}" + "".join(f"{10**power:>12,}" for power in powers), flush=True)
    try:
        for problem, (low, high, small_high) in SIZES.items():
            cells = []
            for size in (10**power for power in range(low, 1 + (small_high if small else high))):
                row = Row(problem, rounds=5, size=size)
                row = row._replace(rounds=2, burst=0.002, bursts=1) if small else row
                turns = measured(row, workers, left_out)
                cells.append(short(1e9 * median(turns["ours"]) / size) if turns else "-")
            print(f"{problem:12}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
    finally:
        end(workers)
    print_left_out(left_out)


def print_first_results(names: Sequence[str], small: bool) -> None:
    """Each time in a new process, from the numbers to the first value and gradient; imports are done before."""
    print(f"\nMilliseconds to a first value and gradient of {FIRST}, in a new process, after import; ", end="")
    print(f"goal of ours: {FIRST_GOAL:.0f}")
    for name in names:
        if name in ("c", "ours"):
            continue  # the C is compiled before; ours is asked for a call of `backward`
        seconds: list[float] = []
        while len(seconds) < (1 if small else 5) and sum(seconds) < SLOW:
            workers = start([name], 1, silent=True)
            try:
                replies = [worker.ask(do="prepare", problem=FIRST) for worker in workers.values()]
            finally:
                end(workers)
            if not replies or "error" in replies[0]:
                break
            seconds.append(replies[0]["seconds"])
        if seconds:
            middle = 1e3 * median(seconds)
            shown = short(middle) + ("!" if name == "ours-call" and middle > FIRST_GOAL else "")
            print(f"{COMPILERS[name].title:20}{shown:>10}", flush=True)
    print_trace(small)


def print_trace(small: bool) -> None:
    workers = start(["ours"], 1, silent=True)
    try:
        for worker in workers.values():
            traces = [1e3 * worker.ask(do="trace", problem=FIRST)["seconds"] for _ in range(1 if small else 5)]
            shown = short(median(traces)) + ("!" if median(traces) > TRACE_GOAL else "")
            print(f"{'ours, trace + fuse':20}{shown:>10}   goal {TRACE_GOAL:.0f}", flush=True)
    finally:
        end(workers)


def end(workers: Mapping[str, Worker]) -> None:
    for worker in workers.values():
        worker.close()
