"""Eager engines side by side in one run: `python -m benchmarks.eager`.

Every engine computes the same graphs in a process of its own; the engines take turns, and their values and gradients
are compared before anything is timed. A ratio says how many times as long as ours an engine takes to build a graph and
go back: it is taken within a round, and the table shows the median of all rounds and the quartiles. Times are
processor times; absolute ones depend on the machine all the same. Freeing a graph is timed in the program alone.

`--small` is a quick run with micrograd alone that shows that it works; `--peers` chooses among all of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from tqdm import tqdm

from benchmarks import footprint
from benchmarks.engines import ENGINES, PEERS
from benchmarks.peers import Missing, Worker
from benchmarks.workloads import WORKLOADS


class Row(NamedTuple):
    workload: str
    size: int  # nodes, rows (moons) or steps (microgpt)
    rounds: int
    graphs: int = 1  # of a turn


ROWS = [
    *(Row(shape, 1_000, 21, 20) for shape in ("chain", "wide", "tree")),
    *(Row(shape, 10_000, 15, 2) for shape in ("chain", "wide", "tree")),
    *(Row(shape, 100_000, 9) for shape in ("chain", "wide", "tree")),
    Row("moons", 100, 9),
]
SMALL_ROWS = [*(Row(shape, 1_000, 3, 10) for shape in ("chain", "wide", "tree")), Row("moons", 5, 3)]
PROGRAM, SMALL_PROGRAM = Row("microgpt", 20, 9), Row("microgpt", 1, 2)

# At least so many times as long as ours; any other peer at least as long.
GOALS = {
    **{
        (shape, size, "micrograd-uncollected"): 40.0 for shape in ("chain", "wide") for size in (1_000, 10_000, 100_000)
    },
    **{("tree", size, "micrograd-uncollected"): 12.0 for size in (1_000, 10_000, 100_000)},
    **{(shape, 100_000, "micrograd"): 100.0 for shape in ("chain", "wide", "tree")},
    ("moons", 100, "micrograd"): 300.0,
    ("microgpt", 20, "own"): 20.0,
    ("microgpt", 20, "floats"): 1 / 1.6,
}


def compare(row: Row, workers: Sequence[Worker]) -> None:
    """Every engine computes the row once: it is warm then, and gave the numbers and the text of the first one."""
    ours, *others = [(w, w.ask(workload=row.workload, size=row.size, graphs=1)) for w in workers]
    for worker, reply in others:
        numbers = list(zip(reply["numbers"], ours[1]["numbers"]))
        same = all(abs(a - b) <= 1e-9 * max(1.0, abs(b)) for a, b in numbers)
        if worker.name != "floats":  # which never learn
            same &= reply.get("printed") == ours[1].get("printed")
        if not same or len(reply["numbers"]) != len(ours[1]["numbers"]):
            sys.exit(
                f"{row.workload} of size {row.size}: {ENGINES[worker.name].title} and {ENGINES[ours[0].name].title} "
                f"differ, so their times are not compared.\n  Value and gradients: {numbers}\n"
                "  Correct the adapter in benchmarks/engines.py, or leave the engine out: --peers NAME,NAME."
            )


def measured(row: Row, workers: Sequence[Worker]) -> dict[str, list[list[float]]]:
    """The seconds of each engine's turns, None where it sat out a round, in the order of the rounds."""
    compare(row, workers)
    turns: dict[str, list[list[float]]] = {worker.name: [] for worker in workers}
    for number in tqdm(range(row.rounds), f"{row.workload} {row.size}", leave=False, disable=None):
        for worker in workers:
            sits_out = number % 3 and ENGINES[worker.name].slow
            turns[worker.name].append(
                [] if sits_out else worker.ask(workload=row.workload, size=row.size, graphs=row.graphs)["seconds"]
            )
    return turns


def short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def spread(numbers: Sequence[float], unit: str = "") -> str:
    low, middle, high = map(short, quantiles(numbers, n=4, method="inclusive"))
    return f"{middle}{unit} ({low}-{high})"


def base_cell(row: Row, turns: Sequence[Sequence[float]]) -> str:
    """Ours: nanoseconds a node, build + backward, or milliseconds of the program, graphs + Adam."""
    scale = 1e9 / WORKLOADS[row.workload].nodes(row.size) if row.workload in WORKLOADS else 1e3
    first, second = (short(scale * median(phase)) for phase in zip(*turns))
    return f"{first} + {second} = {spread([scale * sum(seconds) for seconds in turns])}"


def ratio_cell(row: Row, name: str, ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> str:
    if name == "floats":
        ours = [seconds[:1] for seconds in ours]
    ratios = [sum(b) / sum(a) for a, b in zip(ours, theirs) if b]
    missed = median(ratios) < GOALS.get((row.workload, row.size, name), 1.0 if name in PEERS else 0.0)
    return spread(ratios, "x!" if missed else "x")


def print_table(rows: Sequence[Row], workers: Sequence[Worker], unit: str, first: str) -> None:
    titles = [ENGINES[worker.name].title for worker in workers]
    print(f"{'workload':9}{unit:>8}  {f'{titles[0]}, {first}':34}" + "".join(f"{title:21}" for title in titles[1:]))
    for row in rows:
        turns = measured(row, workers)
        ours, *others = turns.items()
        nodes = WORKLOADS[row.workload].nodes(row.size) if row.workload in WORKLOADS else row.size
        cells = "".join(f"{ratio_cell(row, name, ours[1], theirs):21}" for name, theirs in others)
        print(f"{row.workload:9}{nodes:8,}  {base_cell(row, ours[1]):34}{cells}".rstrip(), flush=True)
    print()


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} CPUs{load}; {platform.system()}, Python {platform.python_version()}"


def chosen(text: str | None, small: bool) -> list[str]:
    names = text.split(",") if text else ["micrograd"] if small else PEERS
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if "micrograd" in names and "micrograd-uncollected" not in names:
        names.insert(names.index("micrograd") + 1, "micrograd-uncollected")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="small sizes, few rounds, micrograd alone")
    parser.add_argument("--peers", metavar="NAME,NAME", help=f"of {', '.join(PEERS)}; all by default")
    options = parser.parse_args(arguments)
    try:
        peers = chosen(options.peers, options.small)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    workers: dict[str, Worker] = {}
    try:
        for name in ["native", "pure", *peers, "own", "floats"]:
            try:
                workers[name] = Worker(name)
            except Missing as missing:
                print(f"Left out: {ENGINES[name].title}: {missing}")
        run(workers, peers, options.small)
    except Missing as missing:
        sys.exit(f"Stopped: {missing}.")
    finally:
        for worker in workers.values():
            worker.close()


def run(workers: dict[str, Worker], peers: Sequence[str], small: bool) -> None:
    ours = [name for name in ("native", "pure") if name in workers]
    if not ours:
        sys.exit(
            "There is nothing to compare with: autograd runs neither natively nor in Python, see above.\n"
            f"  This Python is {sys.executable}.\n  Install the project in it: pip install -e '.[dev]'."
        )
    versions = {ENGINES[name].title: workers[name].version for name in (*ours, *peers) if name in workers}
    print(f"{ENGINES[ours[0]].title}: nanoseconds a node, build + backward. The others: how many times as long.")
    print("Median (quartiles) of the rounds; ! marks what misses its goal.")
    print(
        "Of the program: milliseconds, graphs + Adam. Floats: the forward pass without a graph, to ours without Adam,"
    )
    print("which is Python's own arithmetic; the goal is 0.625: ours takes at most 1.6 times as long.\n")
    graphs = [worker for name, worker in workers.items() if name in (*ours, *peers)]
    print_table(SMALL_ROWS if small else ROWS, graphs, "nodes", "ns")
    programs = [worker for name, worker in workers.items() if name in (*ours, "own", "floats")]
    print_table([SMALL_PROGRAM if small else PROGRAM], programs, "steps", "ms")
    print(f"{'':15}{'bytes a binary node':>20}{'resident memory':>17}  {'ms to import':21}modules from elsewhere")
    print(f"{'goal':15}{72:20}{72:17}  {40:<21}none")
    for title, size, grown, added, modules in footprint.rows(ours, small):
        print(
            f"{title:15}{size:>20}{grown:>17}  {spread([1e3 * seconds for seconds in added]):21}{modules}", flush=True
        )
    print("\n" + ", ".join(f"{title} {version}" for title, version in versions.items()))
    print(machine())


if __name__ == "__main__":
    main()
