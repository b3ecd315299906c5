"""What a gradient costs: multiply-adds counted on the graph itself, and the time that they take.

    python -m demos.cost [--small] [--plot FILE]

Forward, z_i = sum_j w_ij h_j + b_i takes one multiply-add per weight; backward, w_ij_bar = z_i_bar h_j and
h_j_bar = sum_i z_i_bar w_ij take two. So the backward pass costs about two forward passes, and both are linear in the
number of layers and quadratic in the units per layer (lecture 002, "Computational Cost").

1. Counts, by walking the graph: a product with a weight is, with the addition that takes it in, one multiply-add
   forward, and backward it is one for each operand that wants an adjoint. Plain numbers want none: with them as inputs
   the first layer's weights take one each, not two.
2. Times of the engine, with exponents p fitted to time ~ layers^p and time ~ width^p.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from random import Random
from timeit import timeit
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import Value, multiply, topological_order

COUNTED = ((1, 8), (2, 8), (4, 8), (8, 8), (4, 4), (4, 16), (4, 32))  # (layers, width)
TIMED = {"layers": [(m, 32) for m in (2, 4, 8, 16)], "width": [(4, n) for n in (16, 32, 64, 128)]}
TIMED_SMALL = {"layers": [(m, 16) for m in (2, 4, 8)], "width": [(4, n) for n in (8, 16, 32)]}


class Count(NamedTuple):
    """Multiply-adds of one row through `layers` layers of `width` units each, with `width` inputs."""

    layers: int
    width: int
    weights: int
    forward: int
    backward: int
    backward_plain: int  # with plain numbers as inputs


class Time(NamedTuple):
    """Seconds for one pass; forward builds the graph."""

    layers: int
    width: int
    forward: float
    backward: float


def network(layers: int, width: int, plain_inputs: bool = False) -> tuple[nn.MLP, Callable[[], Value]]:
    """A tanh network, and the forward pass that builds the graph of its loss."""
    generator = Random(0)
    model = nn.MLP(width, [width] * layers, "tanh", seed=generator)
    row = [generator.gauss(0.0, 1.0) for _ in range(width)]
    inputs = row if plain_inputs else [Value(number) for number in row]
    return model, lambda: nn.squared_error(model(inputs), [0.0] * width)


def products_with_weights(layers: int, width: int, plain_inputs: bool = False) -> list[Value]:
    """The nodes w * h of the graph."""
    model, forward = network(layers, width, plain_inputs)
    weights = {weight for layer in model.layers for neuron in layer.neurons for weight in neuron.weights}
    nodes = topological_order(forward())
    return [node for node in nodes if node.operation is multiply and not weights.isdisjoint(node.parents)]


def is_constant(node: Value) -> bool:
    """Whether the node is a plain number in the formula, which wants no adjoint."""
    return node.operation is not None and not node.parents


def messages(products: Sequence[Value]) -> int:
    """How many adjoints the products send back, each a multiplication added to what has arrived before."""
    return sum(not is_constant(parent) for product in products for parent in product.parents)


def count(layers: int, width: int) -> Count:
    products = products_with_weights(layers, width)
    return Count(
        layers, width,
        weights=layers * width**2,
        forward=len(products),
        backward=messages(products),
        backward_plain=messages(products_with_weights(layers, width, plain_inputs=True)),
    )  # fmt: skip


def measure(sizes: Sequence[tuple[int, int]], rounds: int) -> list[Time]:
    """The least of `rounds` times for each size; rounds go over all sizes, so that a slow spell hits them alike."""
    passes = []
    for size in sizes:
        _, forward = network(*size)
        passes.append((forward, forward().backward))
    # `timeit` switches the garbage collector off, whose pauses would grow with the number of live nodes.
    times = [[[timeit(call, number=1) for call in both] for both in passes] for _ in range(rounds)]
    return [
        Time(*size, min(forward for forward, _ in by_round), min(backward for _, backward in by_round))
        for size, by_round in zip(sizes, zip(*times))
    ]


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """p of the straight line log(seconds) = p log(size) + const, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def exponents(rows: Sequence[Any], varies: str) -> tuple[float, float]:
    """Of `forward` and `backward` in rows of Count or of Time that differ in "layers" or in "width"."""
    sizes = [getattr(row, varies) for row in rows]
    return exponent(sizes, [row.forward for row in rows]), exponent(sizes, [row.backward for row in rows])


def show_counts(counts: Sequence[Count]) -> None:
    print("1. Multiply-adds of one row, counted on the graph\n")
    print(f"   {'':23}{'forward':^20}{'backward':^20}{'backward, plain inputs':^24}")
    print("   layers width weights" + "     count per weight" * 2 + "      count per weight")
    for c in counts:
        print(f"   {c.layers:6} {c.width:5} {c.weights:7}", end="")
        for number in (c.forward, c.backward, c.backward_plain):
            print(f" {number:9} {number / c.weights:10.3f}", end="")
        print()
    print("\n   One per weight forward, two backward; plain inputs spare the first layer one: 2 - 1 / layers.")


def show_times(times: dict[str, list[Time]]) -> None:
    print("\n2. Times of the engine, the least of several rounds; ns are per multiply-add\n")
    print(f"   {'':13}{'forward':^18}{'backward':^18}{'backward':>12}")
    print("   layers width" + "       ms       ns" * 2 + "     / forward")
    for rows in times.values():
        for t in rows:
            weights = t.layers * t.width**2
            print(f"   {t.layers:6} {t.width:5} {1e3 * t.forward:8.2f} {1e9 * t.forward / weights:8.0f}", end="")
            print(f" {1e3 * t.backward:8.2f} {1e9 * t.backward / (2 * weights):8.0f} {t.backward / t.forward:13.2f}")
        print()
    print("   exponents of      counted             measured\n                 forward backward    forward backward")
    for varies, rows in times.items():
        counted, measured = exponents([count(t.layers, t.width) for t in rows], varies), exponents(rows, varies)
        print(f"   time ~ {varies:7}" + "   ".join(f"{p:8.2f} {q:8.2f}" for p, q in (counted, measured)))
    print("\n   The times hold, too, what a unit costs whatever its number of weights (a bias, a tanh, a call):")
    print("   that lowers the exponent of the width. And forward creates the nodes, which is no multiply-add:")
    print("   so backward / forward need not be 2. Other programs on the machine disturb all of them.")


def draw(times: dict[str, list[Time]], path: str) -> None:
    from demos._picture import MARKERS, STYLES, picture

    with picture(path, columns=2) as panels:
        for axes, (varies, rows) in zip(panels, times.items()):
            sizes = [getattr(t, varies) for t in rows]
            for name, style, marker in zip(("backward", "forward"), STYLES, MARKERS):
                axes.loglog(sizes, [1e3 * getattr(t, name) for t in rows], style, marker=marker, label=name)
            power = {"layers": 1, "width": 2}[varies]
            guide = [1e3 * rows[-1].forward / 2 * (size / sizes[-1]) ** power for size in sizes]
            axes.loglog(sizes, guide, ":", color="black", label=f"slope {power}")
            axes.set_xlabel({"layers": "layers", "width": "units per layer"}[varies])
            axes.set_xticks(sizes, labels=map(str, sizes), minor=False)
            axes.set_xticks([], minor=True)
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
            axes.grid(alpha=0.3)
            axes.legend(loc="upper left")
        panels[0].set_ylabel("time of one pass, milliseconds")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.cost", description="What a gradient costs.")
    parser.add_argument("--small", action="store_true", help="smaller networks")
    parser.add_argument("--plot", metavar="FILE", help="write a picture of the times")
    options = parser.parse_args(argv)

    show_counts([count(*size) for size in COUNTED])
    sizes = TIMED_SMALL if options.small else TIMED
    times = {varies: measure(grid, rounds=20 if options.small else 9) for varies, grid in sizes.items()}
    show_times(times)
    if options.plot:
        draw(times, options.plot)


if __name__ == "__main__":
    main()
