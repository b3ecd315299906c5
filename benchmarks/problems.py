"""What compiled engines are timed on: networks, functions of many rows, and tapes of one long row.

Numbers are drawn with a seed, so that every process has the same. Parameters are flat in the order of limit.c: of each
layer the weights W (n_out x n_in), then the biases. `m` stands for the module whose functions a formula is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple

import numpy as np

Rows = tuple[np.ndarray, np.ndarray]


class Network(NamedTuple):
    """A step is: the loss of all rows, its gradient, and w <- w - rate * gradient."""

    sizes: tuple[int, ...]
    hidden: str  # activations
    output: str | None
    loss: str  # "squared", "hinge" or "cross-entropy"
    rows: int
    data: Callable[[int], Rows]  # X (rows x inputs), targets (rows x outputs)
    rate: float
    reduction: str = "mean"
    penalty: float = 0.0  # times the sum of the squares of all parameters
    scaled: bool = True  # weights by 1 / sqrt(inputs)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes[1:], self.sizes))

    def parameters(self) -> np.ndarray:
        generator, parts = np.random.default_rng(7), []
        for n_out, n_in in self.shapes:
            parts += [generator.uniform(-1, 1, n_out * n_in) / (math.sqrt(n_in) if self.scaled else 1.0)]
            parts += [generator.uniform(-0.1, 0.1, n_out)]
        return np.concatenate(parts)

    def layers(self, parameters: Any) -> list[tuple[Any, Any]]:
        """(W, b) of each layer as views of something flat that slices and reshapes."""
        found, at = [], 0
        for n_out, n_in in self.shapes:
            end = at + n_out * n_in
            found.append((parameters[at:end].reshape(n_out, n_in), parameters[end : end + n_out]))
            at = end + n_out
        return found


class Function(NamedTuple):
    """A step is: the value of every row and all of its partials."""

    ranges: tuple[tuple[float, float], ...]  # of each input
    rows: int
    formula: Callable[[Sequence[Any], Any], Any]

    @property
    def inputs(self) -> int:
        return len(self.ranges)

    def columns(self) -> np.ndarray:
        """The inputs as an array (inputs x rows): each input is contiguous."""
        generator = np.random.default_rng(11)
        return np.stack([generator.uniform(low, high, self.rows) for low, high in self.ranges])


class Tape(NamedTuple):
    """A step is: one value and the partials of all inputs. `rows` counts the operations."""

    inputs: int
    rows: int
    build: Callable[[Sequence[Any], int, Callable[[Any], Any]], Any]  # inputs, operations, relu
    numbers: Callable[[], list[float]]


def half_circles(rows: int) -> Rows:
    generator = np.random.default_rng(1)
    angle, upper = generator.uniform(0, math.pi, rows), np.arange(rows) % 2 == 0
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], 1) + generator.normal(0, 0.1, (rows, 2)), np.where(upper, -1.0, 1.0)[:, None]


def exclusive_or(rows: int) -> Rows:
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])


def waves_of(inputs: int) -> Callable[[int], Rows]:
    def data(rows: int) -> Rows:
        generator = np.random.default_rng(2)
        X = generator.normal(size=(rows, inputs))
        return X, np.sin(X @ generator.normal(size=(inputs, 1)))

    return data


def three_classes(rows: int) -> Rows:
    generator = np.random.default_rng(3)
    chosen = generator.integers(0, 3, rows)
    return generator.normal(size=(rows, 5)) + 0.7 * chosen[:, None], np.eye(3)[chosen]


def options(x: Sequence[Any], m: Any) -> Any:
    """A price by a formula like Black and Scholes's, of a basket of four, and what somebody makes of it."""
    prices, weights, volatilities, (strike, rate, yield_, time) = x[0:4], x[4:8], x[8:12], x[12:16]
    basket = weights[0] * prices[0] + weights[1] * prices[1] + weights[2] * prices[2] + weights[3] * prices[3]
    u = [weights[k] * volatilities[k] for k in range(4)]
    variance = u[0] * u[0] + u[1] * u[1] + u[2] * u[2] + u[3] * u[3]
    vol = m.sqrt(variance * time)
    d1 = (m.log(basket / strike) + (rate - yield_) * time) / vol + 0.5 * vol
    n1, n2 = (
        0.5 * (1.0 + m.tanh(0.7978845608028654 * (d + 0.044715 * (d * d * d)))) for d in (d1, d1 - vol)
    )  # as good as the normal distribution
    price = basket * m.exp(-(yield_ * time)) * n1 - strike * m.exp(-(rate * time)) * n2
    return x[16] * price + x[17] * m.exp(-(x[18] * price)) + m.tanh(x[19] * d1)


def waves(x: Sequence[Any], m: Any) -> Any:
    """Of no field at all."""
    squares = x[3] * x[3] + x[4] * x[4] + 1.0
    length, level = m.sqrt(squares), m.log(squares + x[5] * x[5])
    ratio = m.sin(x[0] * x[1] + x[2]) / length
    return m.erf(ratio * level - x[5]) * length + ratio * x[1] + level * m.sin(x[5] * x[0])


def chain(x: Sequence[Any], operations: int, relu: Callable[[Any], Any]) -> Any:
    w, b, h = x
    for _ in range(operations // 2):
        h = h * w + b
    return h


WIDTH = 1000  # of the random graph: numbers that are alive at any time


@cache
def plan(operations: int) -> list[tuple[str, int, int, float]]:
    """(operation, place, other place, constant): the result takes the place of the first operand, so nothing is dead.

    What would leave -2 to 2 is multiplied by a constant instead; the values are those of `random_numbers`.
    """
    generator, values, steps = Random(5), random_numbers(), []
    for _ in range(operations - WIDTH + 1):
        name = generator.choice(("add", "mul", "sub", "neg", "scale", "relu"))
        a, b, constant = generator.randrange(WIDTH), generator.randrange(WIDTH), generator.uniform(-0.9, 0.9)
        result = apply(name, values[a], values[b], constant, lambda x: max(x, 0.0))
        if abs(result) > 2 or (name == "relu" and result == 0):
            name, result = "scale", values[a] * constant
        values[a] = result
        steps.append((name, a, b, constant))
    return steps


def apply(name: str, a: Any, b: Any, constant: float, relu: Callable[[Any], Any]) -> Any:
    if name == "add":
        return a + b
    if name == "mul":
        return a * b
    if name == "sub":
        return a - b
    if name == "neg":
        return -a
    return a * constant if name == "scale" else relu(a)


def random_numbers() -> list[float]:
    generator = Random(4)
    return [generator.uniform(-1, 1) for _ in range(WIDTH)]


def random_graph(x: Sequence[Any], operations: int, relu: Callable[[Any], Any]) -> Any:
    alive = list(x)
    for name, a, b, constant in plan(operations):
        alive[a] = apply(name, alive[a], alive[b], constant, relu)
    total = alive[0]
    for number in alive[1:]:
        total = total + number
    return total


NETWORKS = {
    "moons": Network((2, 16, 16, 1), "relu", None, "hinge", 100, half_circles, 0.01, penalty=1e-4, scaled=False),
    "xor": Network((2, 2, 1), "sigmoid", "sigmoid", "squared", 4, exclusive_or, 0.5, "sum", scaled=False),
    "regression": Network((16, 64, 64, 1), "tanh", None, "squared", 1024, waves_of(16), 0.01),
    "classes": Network((5, 24, 8, 3), "softplus", None, "cross-entropy", 200, three_classes, 0.01),
    "deep": Network((4, 8, 8, 8, 8, 8, 1), "sigmoid", None, "squared", 64, waves_of(4), 0.01),
}
FUNCTIONS = {
    "options": Function(
        (
            *([(80.0, 120.0)] * 4),  # prices, weights, volatilities
            *([(0.1, 0.4)] * 4),
            *([(0.1, 0.5)] * 4),
            *((80.0, 120.0), (0.01, 0.05), (0.0, 0.03), (0.25, 2.0)),  # strike, rate, yield, time
            *((0.5, 1.5), (0.0, 1.0), (0.001, 0.05), (-1.0, 1.0)),
        ),
        100_000,
        options,
    ),
    "waves": Function(((-2.0, 2.0),) * 6, 50_000, waves),
}
TAPES = {
    "chain": Tape(3, 1_000_000, chain, lambda: [0.9999, 0.001, 0.5]),
    "random": Tape(WIDTH, 1_000_000, random_graph, random_numbers),
}
PROBLEMS: dict[str, Any] = {**NETWORKS, **FUNCTIONS, **TAPES}
