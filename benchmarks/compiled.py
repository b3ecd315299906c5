"""Compiled programs side by side in one run: `python -m benchmarks.compiled`.

Everybody solves the same problems (problems.py), each in a process of its own; all take turns, and their values and
gradients are compared with gradients.py before anything is timed. A ratio says how many times as long as hand-written C
(limit.c) somebody takes for a step with as many threads: it is taken within a round, and the table shows the median of
all rounds and the quartiles. Ours runs in the loop of `nn.fit`, the C in a loop of its own; a call of `backward` is
shown beside, without the update.

`--small` is a quick run beside C and NumPy alone that shows that it works; `--peers` chooses among all of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks import scaling
from benchmarks.compilers import COMPILERS, PEERS
from benchmarks.eager import machine, spread
from benchmarks.peers import Missing
from benchmarks.problems import FUNCTIONS, NETWORKS
from benchmarks.rounds import Row, measured, print_left_out, start

BASES = ("c", "numpy")  # what all are compared with: the first one that takes part

ROWS = [
    Row("moons", 1.0),
    Row("xor", 2.0),
    Row("regression", 1.0),
    Row("classes", 1.0),
    Row("deep", 1.0),
    Row("options", 1.3),
    Row("waves", 1.3),
    Row("regression", 1.0, threads=2),
    Row("options", 1.3, threads=2),
    Row("waves", 1.3, threads=2),
]
QUICK = {"rounds": 2, "burst": 0.002, "bursts": 1}
SMALL_ROWS = [
    *(Row(name, **QUICK) for name in NETWORKS),
    *(Row(name, size=1000, **QUICK) for name in FUNCTIONS),
    Row("waves", threads=2, size=1000, **QUICK),
]


def seconds_cell(turns: Sequence[float]) -> str:
    middle = median(turns)
    scale, unit = (1e9, "ns") if middle < 1e-6 else (1e6, "us") if middle < 1e-3 else (1e3, "ms")
    return spread([scale * seconds for seconds in turns], f" {unit}")


def ratio_cells(row: Row, base: str, turns: Mapping[str, Sequence[float]], names: Sequence[str]) -> list[str]:
    """! marks ours where it misses its goal, and a peer that is ahead of ours."""
    bases = turns.get(base, [])
    ratios = {name: [a / b for a, b in zip(turns[name], bases)] for name in names if name in turns and bases}
    ours = median(ratios["ours"]) if "ours" in ratios else 0.0
    cells = []
    for name in names:
        if name not in ratios:
            cells.append("-")
            continue
        middle = median(ratios[name])
        missed = row.goal is not None and base == "c" and middle > row.goal if name == "ours" else middle < ours
        cells.append(spread(ratios[name], "x!" if missed else "x"))
    return cells


def print_table(rows: Sequence[Row], names: Sequence[str]) -> dict[str, str]:
    """Of each number of threads the processes are started, used and ended. The versions of all who took part."""
    base, others = "", list[str]()
    versions: dict[str, str] = {}
    left_out: list[str] = []
    for threads in sorted({row.threads for row in rows}):
        workers = start(names, threads, silent=bool(versions))
        try:
            if not versions:
                versions = {name: worker.version for name, worker in workers.items()}
                base = next((name for name in BASES if name in versions), "")
                if not base:
                    sys.exit("There is nothing to compare with: hand-written C and NumPy are left out, see above.")
                others = [name for name in versions if name != base]
                head = "".join(f"{COMPILERS[name].title:22}" for name in others)
                print(f"\n{'problem':12}threads  {COMPILERS[base].title:24}{head}".rstrip(), flush=True)
            for row in (row for row in rows if row.threads == threads):
                turns = measured(row, workers, left_out)
                cells = "".join(f"{cell:22}" for cell in ratio_cells(row, base, turns, others))
                first = seconds_cell(turns[base]) if base in turns else "-"
                print(f"{row.problem:12}{threads:7}  {first:24}{cells}".rstrip(), flush=True)
        finally:
            scaling.end(workers)
    print_left_out(left_out)
    return versions


def chosen(text: str | None, small: bool) -> list[str]:
    names = text.split(",") if text else ["numpy"] if small else PEERS
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return ["c", "ours", "ours-call", *names]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="small sizes, few rounds, C and NumPy alone")
    parser.add_argument("--peers", metavar="NAME,NAME", help=f"of {', '.join(PEERS)}; all by default")
    options = parser.parse_args(arguments)
    try:
        names = chosen(options.peers, options.small)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    print("Hand-written C: the time of a step. The others: how many times as long. Median (quartiles) of the rounds;")
    print("! marks where ours misses its goal, and a peer that is ahead of ours.")
    if options.small:
        print("A small run shows that everything works; its times say little.")
    try:
        versions = print_table(SMALL_ROWS if options.small else ROWS, names)
        scaling.print_tapes(names, options.small)
        scaling.print_sizes(options.small)
        scaling.print_first_results(names, options.small)
    except Missing as missing:
        sys.exit(f"Stopped: {missing}.")
    print("\n" + ", ".join(dict.fromkeys(versions.values())))
    print(machine())


if __name__ == "__main__":
    main()
