"""What the engines are timed on, written once for all of them, on the standard library alone.

`prepare(new, size)` makes the leaves and numbers that are there before and is not timed; `build(engine, given, size)`
is the forward pass and returns the result and some leaves whose gradients are compared; `nodes(size)` counts the
interior nodes, to within one. The sizes are nodes, and rows for the two moons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

Given = list[Any]


def numbers(count: int) -> list[float]:
    generator = Random(0)
    return [generator.uniform(-1, 1) for _ in range(count)]


def chain_leaves(new: Callable[[float], Any], size: int) -> Given:
    return [new(0.9999), new(0.001), new(1.0)]


def chain(engine: Any, leaves: Given, size: int) -> tuple[Any, Given]:
    """x <- x w + b, over and over: as deep as it has nodes."""
    w, b, x = leaves
    for _ in range(size // 2):
        x = x * w + b
    return x, leaves


def wide_leaves(new: Callable[[float], Any], size: int) -> Given:
    return [new(number) for number in numbers(size)]


def wide(engine: Any, leaves: Given, size: int) -> tuple[Any, Given]:
    """Sums of 1,000 products w x, added from left to right, and the sums added."""
    sums = []
    for start in range(0, size, 2000):
        pairs = zip(leaves[start : start + 2000 : 2], leaves[start + 1 : start + 2000 : 2])
        w, x = next(pairs)
        total = w * x
        for w, x in pairs:
            total = total + w * x
        sums.append(total)
    total = sums[0]
    for part in sums[1:]:
        total = total + part
    return total, leaves[:20]


def tree_numbers(new: Callable[[float], Any], size: int) -> Given:
    given = iter(numbers(size // 2 * 2))
    return list(zip(given, given))


def tree(engine: Any, given: Given, size: int) -> tuple[Any, Given]:
    """Products of two new leaves each, added in a balanced tree; making the leaves is part of the work."""
    new = engine.new
    pairs = [(new(a), new(b)) for a, b in given]
    engine.record()
    level = [a * b for a, b in pairs]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2])] + level[len(level) // 2 * 2 :]
    return level[0], [leaf for pair in pairs[:10] for leaf in pair]


LAYERS = [(2, 16), (16, 16), (16, 1)]  # inputs and outputs of each


def moons_leaves(new: Callable[[float], Any], size: int) -> Given:
    """Of each layer, of each neuron, its bias and its weights; and the rows."""
    given = iter(numbers(sum((n + 1) * m for n, m in LAYERS)))
    layers = [[(new(next(given)), [new(next(given)) for _ in range(n)]) for _ in range(m)] for n, m in LAYERS]
    return [layers, half_circles(size)]


def half_circles(rows: int) -> list[tuple[float, float, int]]:
    """Two interleaved half circles, classes -1 and 1 in turn."""
    generator, points = Random(1337), []
    for row in range(rows):
        angle, upper = generator.uniform(0, math.pi), row % 2 == 0
        x, y = (math.cos(angle), math.sin(angle)) if upper else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append((x + generator.gauss(0, 0.1), y + generator.gauss(0, 0.1), -1 if upper else 1))
    return points


def moons(engine: Any, given: Given, size: int) -> tuple[Any, Given]:
    """The loss of micrograd's demo: MLP 2-16-16-1 with ReLU, hinge over all rows, and a penalty on the squares."""
    relu, constant = engine.relu, engine.constant
    (layers, rows), losses = given, []
    for *row, target in rows:
        h = [constant(number) for number in row]
        for layer in layers:
            h = [sum((w * x for w, x in zip(weights, h)), bias) for bias, weights in layer]
            if layer is not layers[-1]:
                h = [relu(x) for x in h]
        losses.append(relu(1 + -target * h[0]))
    parameters = [p for layer in layers for bias, weights in layer for p in (*weights, bias)]
    loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)
    return loss, parameters[::17]


def moons_nodes(rows: int) -> int:
    neurons = sum((2 * n + 1) * m for n, m in LAYERS) - 1  # products, sums and ReLUs; the last layer has none
    parameters = sum((n + 1) * m for n, m in LAYERS)
    return rows * (neurons + 3) + rows + 1 + 2 * parameters + 2


class Workload(NamedTuple):
    prepare: Callable[[Callable[[float], Any], int], Given]
    build: Callable[[Any, Given, int], tuple[Any, Given]]
    nodes: Callable[[int], int]


WORKLOADS = {
    "chain": Workload(chain_leaves, chain, lambda size: size),
    "wide": Workload(wide_leaves, wide, lambda size: size),
    "tree": Workload(tree_numbers, tree, lambda size: size),
    "moons": Workload(moons_leaves, moons, moons_nodes),
}
