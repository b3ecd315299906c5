"""What the checks of the five lectures share: rows and their evidence, difference quotients, small networks.

What decides is, as a rule, the engine; the gradients that it gives of functions and of networks are compared with
difference quotients first (`insist`).
Networks follow lecture 003's indices, counted from 1: w[m, i, j] leads to unit i of layer m from unit j of layer m - 1,
and j = 0 is the bias, whose unit is h[m, 0] = 1 (lecture 000's convention).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

import nn
from autograd import Value, cos, exp, grad, sigmoid
from demos import worked_example

Numbers = tuple[float, ...]


class Evidence(NamedTuple):
    """The printed claim in numbers, the right one, and the numbers that decide between them."""

    printed: Numbers
    right: Numbers
    decisive: Numbers
    by: str
    tolerance: float

    def agrees(self, claim: Numbers) -> bool:
        """Whether a claim gives the decisive numbers. A number that the claim does not give (nan) never agrees."""
        return len(claim) == len(self.decisive) and all(
            abs(a - b) <= self.tolerance * max(1.0, abs(b)) for a, b in zip(claim, self.decisive)
        )


def evidence(printed: Any, right: Any, decisive: Any, by: str = "engine", tolerance: float = 1e-12) -> Evidence:
    columns = [tuple(map(float, c)) if isinstance(c, Sequence) else (float(c),) for c in (printed, right, decisive)]
    return Evidence(*columns, by, tolerance)


def agree(printed: Any, decisive: Any, by: str = "engine", tolerance: float = 1e-12) -> Evidence:
    """Evidence for a claim that is right as printed."""
    return evidence(printed, printed, decisive, by, tolerance)


@dataclass(frozen=True)
class Row:
    """A claim: where it is printed, the check that proves it, and, unless it holds, its kind, what is right and why."""

    lecture: str
    place: str
    printed: str
    check: Callable[[], Evidence] = field(repr=False)
    kind: str = "holds"
    right: str = ""
    why: str = ""

    @cached_property
    def evidence(self) -> Evidence:
        return self.check()

    @property
    def proven(self) -> bool:
        """Whether the evidence bears the row out."""
        as_printed, corrected = (self.evidence.agrees(c) for c in (self.evidence.printed, self.evidence.right))
        return corrected and as_printed == (self.kind == "holds")


# ---- derivatives of functions


def insist(by_engine: Sequence[float], f: Callable[[list[float]], float], at: Sequence[float]) -> None:
    """Raise unless the engine's derivatives of f are those of central difference quotients."""
    for i, derivative in enumerate(by_engine):
        up, down = ([x + h * (i == j) for j, x in enumerate(at)] for h in (1e-5, -1e-5))
        quotient = (f(up) - f(down)) / 2e-5
        if abs(derivative - quotient) > 1e-8 * max(1.0, abs(quotient)):
            raise ArithmeticError(f"The engine gives {derivative}, the difference quotient {quotient}.")


def slopes(f: Callable[[Any], Any], at: Sequence[float]) -> list[float]:
    """The engine's gradient of a function of a list of numbers."""
    gradient = grad(f)(list(at))
    insist(gradient, f, at)
    return gradient


def slope(f: Callable[[Any], Any], at: float) -> float:
    return slopes(lambda x: f(x[0]), [at])[0]


def derivative(f: Callable[[Any], Any], formula: Callable[[float], float]) -> Evidence:
    points = (-2.0, -0.5, 0.3, 1.7)
    return agree([formula(z) for z in points], [slope(f, z) for z in points])


def slope_of_sigmoid(z: Any) -> Any:
    return sigmoid(z) * (1 - sigmoid(z))


def two_paths(t: float) -> Evidence:
    """The chain rule for y + e^(xy) with x = cos t, y = t^2, lecture 002's example, at t."""
    x, y = math.cos(t), t * t
    formula = y * math.exp(x * y) * -math.sin(t) + (1 + x * math.exp(x * y)) * 2 * t
    return agree(formula, slope(lambda t: t**2 + exp(cos(t) * t**2), t))


# ---- small networks


class Network(NamedTuple):
    sizes: tuple[int, ...]
    w: Mapping[tuple[int, int, int], Any]
    z: Mapping[tuple[int, int], Any]
    h: Mapping[tuple[int, int], Any]
    target: Sequence[float]
    loss: Any

    def units(self, m: int) -> range:
        return range(1, self.sizes[m] + 1)

    def indices(self, m: int, bias: bool = False) -> list[tuple[int, int]]:
        """(i, j) of the weights, or of the biases, of layer m."""
        return [(i, j) for i in self.units(m) for j in ([0] if bias else self.units(m - 1))]

    def gradient(self, m: int, bias: bool = False) -> list[float]:
        """The engine's derivatives of the loss by the weights, or the biases, of layer m."""
        return [self.w[m, i, j].grad for i, j in self.indices(m, bias)]

    def adjoints(self, nodes: Mapping[tuple[int, int], Any], m: int) -> list[float]:
        """The engine's derivatives of the loss by layer m of `nodes`, which are z or h."""
        return [nodes[m, i].grad for i in self.units(m)]

    def output(self, m: int, j: int) -> float:
        """h_j of layer m as a number; 1 for j = 0."""
        return self.h[m, j].data if j else 1.0

    def slope(self, m: int, i: int) -> float:
        """The slide's f'(z_i) of layer m, a layer of sigmoids."""
        return slope_of_sigmoid(self.z[m, i].data)


def forward(sizes: tuple[int, ...], w: Mapping[Any, Any], x: Sequence[Any], target: Any, output: Any) -> Network:
    """A network with hidden sigmoids and the given weights, which are Values or plain numbers."""
    h: dict[tuple[int, int], Any] = {(0, j): number for j, number in enumerate([1.0, *x])}
    z: dict[tuple[int, int], Any] = {}
    last = len(sizes) - 1
    for m in range(1, len(sizes)):
        h[m, 0] = 1.0
        for i in range(1, sizes[m] + 1):
            z[m, i] = sum(w[m, i, j] * h[m - 1, j] for j in range(sizes[m - 1] + 1))
            h[m, i] = (output if m == last else sigmoid)(z[m, i])
    return Network(sizes, w, z, h, target, nn.squared_error([h[last, i] for i in range(1, sizes[last] + 1)], target))


def network(*sizes: int, output: Callable[[Any], Any] = sigmoid, x: Sequence[float] | None = None) -> Network:
    """A network with seeded weights after its backward pass, its gradient compared with difference quotients."""
    generator = Random(sum(sizes))
    inputs = list(x or [generator.uniform(-1, 1) for _ in range(sizes[0])])
    target = [generator.uniform(0, 1) for _ in range(sizes[-1])]
    keys = [(m, i, j) for m in range(1, len(sizes)) for i in range(1, sizes[m] + 1) for j in range(sizes[m - 1] + 1)]
    start = [generator.uniform(-1.5, 1.5) for _ in keys] + inputs

    def run(numbers: Sequence[Any]) -> Network:
        return forward(sizes, dict(zip(keys, numbers)), numbers[len(keys) :], target, output)

    leaves = [Value(number) for number in start]
    net = run(leaves)
    net.loss.backward()
    insist([leaf.grad for leaf in leaves], lambda numbers: run(numbers).loss, start)
    return net


def deep_network() -> Network:
    return network(2, 3, 2, 3)


def through_the_activation(m: int) -> Evidence:
    """dL/dz = f'(z) dL/dh in layer m of a 2-2-2 network."""
    net = network(2, 2, 2)
    return agree([net.slope(m, i) * net.h[m, i].grad for i in net.units(m)], net.adjoints(net.z, m))


def error_signal(printed: Callable[[int], Iterable[tuple[int, int]]]) -> Evidence:
    """dL/dz_k of layer 1 in a 2-2-3 network, f'(z_k) times a sum of terms dL/dz_a w_bk of layer 2.

    printed(k) gives the pairs (a, b) of the sum as printed; the right ones are (1, 1), (2, 2) and (3, 3).
    """
    net = network(2, 2, 3)
    literal, right = (
        [sum(net.z[2, a].grad * net.w[2, b, k].data for a, b in pairs(k)) * net.slope(1, k) for k in net.units(1)]
        for pairs in (printed, lambda k: [(m, m) for m in (1, 2, 3)])
    )
    return evidence(literal, right, net.adjoints(net.z, 1))


def weights_from_h(bias: bool) -> Evidence:
    """dL/dw_ij = dL/dh_i f'(z_i) h_j, or dL/db_i without the h_j, in all layers of a deep network."""
    net = deep_network()
    formula = [
        net.h[m, i].grad * net.slope(m, i) * net.output(m - 1, j) for m in (1, 2, 3) for i, j in net.indices(m, bias)
    ]
    return agree(formula, [g for m in (1, 2, 3) for g in net.gradient(m, bias)])


# ---- lecture 001's network

XOR = {(0.0, 0.0): 0.0, (1.0, 0.0): 1.0, (0.0, 1.0): 1.0, (1.0, 1.0): 0.0}
START = list(worked_example.WEIGHTS.values())


def slide_loss(weights: Sequence[Any], x: Sequence[float] = (1.0, 0.0), target: float = 1.0) -> Any:
    """The loss of one example, for weights in the order of START."""
    w11, w21, w12, w22, b1, b2, u1, u2, c = weights
    z1, z2 = sigmoid(w11 * x[0] + w21 * x[1] + b1), sigmoid(w12 * x[0] + w22 * x[1] + b2)
    return nn.squared_error(sigmoid(u1 * z1 + u2 * z2 + c), target)


def risk(weights: Sequence[Any]) -> Any:
    """R_emp, the mean loss of the four XOR points."""
    return sum(slide_loss(weights, x, target) for x, target in XOR.items()) / len(XOR)


def gradients_by_example() -> list[list[float]]:
    """The gradient of the loss of each XOR point at START."""
    return [slopes(lambda w, x=x, t=t: slide_loss(w, x, t), START) for x, t in XOR.items()]
