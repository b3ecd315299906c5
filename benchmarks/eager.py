"""Build and backward per node, this engine beside micrograd in one run: `python -m benchmarks.eager`.

Three shapes at three sizes. The engines take turns, the garbage collector is on as in any program, and micrograd is
measured once more with the collector off, which is the best that it can do. Absolute times depend on the machine and
on what else it is doing: read the ratios of the medians. `--small` is a quick run that shows that it works.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import sys
import threading
from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import micrograd.engine
from tqdm import tqdm

import autograd

Graph = tuple[Any, list[Any]]  # the result and the leaves whose gradients are compared


def chain(new: Callable[[float], Any], size: int) -> Callable[[], Graph]:
    """x <- x w + b, over and over: as deep as it has nodes."""
    w, b, start = new(0.9999), new(0.001), new(1.0)

    def build() -> Graph:
        x = start
        for _ in range(size // 2):
            x = x * w + b
        return x, [w, b, start]

    return build


def wide(new: Callable[[float], Any], size: int) -> Callable[[], Graph]:
    """Sums of 1,000 products w x of leaves that were there before, added from left to right, and the sums added."""
    generator = random.Random(0)
    pairs = [(new(generator.uniform(-1, 1)), new(generator.uniform(-1, 1))) for _ in range(size // 2)]

    def build() -> Graph:
        sums = []
        for start in range(0, len(pairs), 1000):
            (w, x), *others = pairs[start : start + 1000]
            total = w * x
            for w, x in others:
                total = total + w * x
            sums.append(total)
        total = sums[0]
        for part in sums[1:]:
            total = total + part
        return total, [leaf for pair in pairs[:10] for leaf in pair]

    return build


def tree(new: Callable[[float], Any], size: int) -> Callable[[], Graph]:
    """Products of two new leaves each, added in a balanced tree; making the leaves is part of the work."""
    generator = random.Random(0)
    numbers = [(generator.uniform(-1, 1), generator.uniform(-1, 1)) for _ in range(size // 2)]

    def build() -> Graph:
        leaves = [(new(a), new(b)) for a, b in numbers]
        level = [a * b for a, b in leaves]
        while len(level) > 1:
            level = [a + b for a, b in zip(level[::2], level[1::2])] + level[len(level) // 2 * 2 :]
        return level[0], [leaf for pair in leaves[:10] for leaf in pair]

    return build


def seconds(build: Callable[[], Graph], collector: bool) -> tuple[float, float]:
    """(build, backward) in seconds for one new graph."""
    gc.collect()
    (gc.enable if collector else gc.disable)()
    try:
        start = perf_counter()
        root, _ = build()
        built = perf_counter()
        root.backward()
        return built - start, perf_counter() - built
    finally:
        gc.enable()


def check(shape: Callable[..., Callable[[], Graph]], size: int) -> None:
    """Both engines give the same value and the same gradients, or there is nothing to compare."""
    results = []
    for engine in (autograd.Value, micrograd.engine.Value):
        root, leaves = shape(engine, size)()
        root.backward()
        results.append([root.data, *(leaf.grad for leaf in leaves)])
    ours, theirs = results
    if any(abs(a - b) > 1e-9 * max(1.0, abs(b)) for a, b in zip(ours, theirs)):
        sys.exit(f"{shape.__name__}: the gradients differ, {ours} and {theirs}")


def spread(times: list[float]) -> str:
    low, middle, high = quantiles(times, n=4)
    return f"{middle:6.2f} ({low:.2f}-{high:.2f})"


def measure(sizes: tuple[int, ...], nodes_per_cell: int) -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}, micrograd 0.1.0")
    print("Microseconds a node, build + backward: median (quartiles). Ratios: micrograd / ours, of the medians.\n")
    print(f"{'shape':6}{'nodes':>8}   {'ours':22}{'micrograd':22}{'micrograd, gc off':22}{'ratio':>7}{'gc off':>8}")
    for size in sizes:
        for shape in (chain, wide, tree):
            check(shape, min(size, 10_000))
            ours, theirs = shape(autograd.Value, size), shape(micrograd.engine.Value, size)
            runs: dict[str, list[float]] = {"ours": [], "theirs": [], "theirs, gc off": []}
            for _ in tqdm(range(max(9, nodes_per_cell // size)), leave=False, disable=None):
                runs["ours"].append(sum(seconds(ours, True)) / size * 1e6)
                runs["theirs"].append(sum(seconds(theirs, True)) / size * 1e6)
                runs["theirs, gc off"].append(sum(seconds(theirs, False)) / size * 1e6)
            base = median(runs["ours"])
            on, off = median(runs["theirs"]) / base, median(runs["theirs, gc off"]) / base
            columns = "".join(f"{spread(times):22}" for times in runs.values())
            print(f"{shape.__name__:6}{size:8,}   {columns}{on:6.1f}x{off:7.1f}x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="1,000 nodes only, few repetitions")
    small = parser.parse_args().small
    # micrograd sorts by recursion: it needs a stack as deep as the graph.
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(512 * 1024 * 1024)
    sizes, nodes_per_cell = ((1_000,), 10_000) if small else ((1_000, 10_000, 100_000), 200_000)
    thread = threading.Thread(target=measure, args=(sizes, nodes_per_cell))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
