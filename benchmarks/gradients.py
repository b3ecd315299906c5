"""What is right: gradients of networks by hand in NumPy, of functions by complex steps, of tapes in plain floats.

A problem is one of problems.py; nothing of it is imported, as the worker and the table know that file by other names.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0.0), lambda h: h > 0.0),  # and the slope from the output
    "tanh": (np.tanh, lambda h: 1.0 - h * h),
    "sigmoid": (lambda z: 1.0 / (1.0 + np.exp(-z)), lambda h: h * (1.0 - h)),
    "softplus": (lambda z: np.logaddexp(0.0, z), lambda h: -np.expm1(-h)),
    None: (lambda z: z, lambda h: 1.0),
}


def loss_of(name: str, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """The sum of the losses of all rows, and what it changes by with the outputs."""
    if name == "squared":
        error = outputs - targets
        return float(np.vdot(error, error)), 2.0 * error
    if name == "hinge":
        margin = 1.0 - targets * outputs
        return float(np.maximum(margin, 0.0).sum()), np.where(margin > 0.0, -targets, 0.0)
    shifted = outputs - outputs.max(1, keepdims=True)
    e = np.exp(shifted)
    sums = e.sum(1, keepdims=True)
    return float(np.log(sums).sum() - np.vdot(targets, shifted)), e / sums - targets


def of_network(problem: Any, parameters: np.ndarray, X: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its gradient, flat as the parameters are."""
    layers = problem.layers(parameters)
    hs, names = [X], [problem.hidden] * (len(layers) - 1) + [problem.output]
    for (W, b), name in zip(layers, names):
        hs.append(ACTIVATIONS[name][0](hs[-1] @ W.T + b))
    loss, bar = loss_of(problem.loss, hs[-1], targets)
    weight = 1.0 if problem.reduction == "sum" else 1.0 / len(X)
    bar = bar * weight
    parts = []
    for (W, _), name, h, out in zip(layers[::-1], names[::-1], hs[-2::-1], hs[:0:-1]):
        bar = bar * ACTIVATIONS[name][1](out)
        parts = [(bar.T @ h).ravel(), bar.sum(0), *parts]
        bar = bar @ W
    gradient = np.concatenate(parts)
    if problem.penalty:
        loss_of_size = problem.penalty * float(np.vdot(parameters, parameters))
        return weight * loss + loss_of_size, gradient + 2.0 * problem.penalty * parameters
    return weight * loss, gradient


def loss_later(problem: Any, steps: int) -> float:
    """The loss after so many steps from the beginning."""
    data, parameters = problem.data(problem.rows), problem.parameters()
    for _ in range(steps):
        parameters -= problem.rate * of_network(problem, parameters, *data)[1]
    return of_network(problem, parameters, *data)[0]


@np.vectorize
def complex_erf(z: complex) -> complex:
    """erf near the real axis: NumPy has none."""
    return math.erf(z.real) + 2.0 / math.sqrt(math.pi) * math.exp(-z.real * z.real) * complex(0.0, z.imag)


COMPLEX = SimpleNamespace(exp=np.exp, log=np.log, sqrt=np.sqrt, tanh=np.tanh, sin=np.sin, erf=complex_erf)
STEP = 1e-30


def of_function(problem: Any, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and partials (inputs x rows): f(x + ih) = f(x) + ih f'(x), exact as h squared is lost in rounding."""
    partials = []
    for shifted in range(problem.inputs):
        z = columns.astype(complex)
        z[shifted] += 1j * STEP
        outputs = problem.formula(z, COMPLEX)
        partials.append(outputs.imag / STEP)
    return outputs.real, np.stack(partials)


class Number:
    """A float that knows where it came from: the plainest reverse mode there is, to check tapes by."""

    __slots__ = ("bar", "data", "parents")

    def __init__(self, data: float, *parents: tuple[Number, float]) -> None:
        self.data, self.parents, self.bar = data, parents, 0.0
        MADE.append(self)

    def __add__(self, other: Number) -> Number:
        return Number(self.data + other.data, (self, 1.0), (other, 1.0))

    def __sub__(self, other: Number) -> Number:
        return Number(self.data - other.data, (self, 1.0), (other, -1.0))

    def __mul__(self, other: Any) -> Number:
        if isinstance(other, Number):
            return Number(self.data * other.data, (self, other.data), (other, self.data))
        return Number(self.data * other, (self, other))

    def __neg__(self) -> Number:
        return Number(-self.data, (self, -1.0))

    def relu(self) -> Number:
        return Number(max(self.data, 0.0), (self, float(self.data > 0.0)))


MADE: list[Number] = []


def of_tape(problem: Any) -> tuple[float, list[float]]:
    """The value and the partials of all inputs."""
    MADE.clear()
    leaves = [Number(x) for x in problem.numbers()]
    root = problem.build(leaves, problem.rows, Number.relu)
    root.bar = 1.0
    for node in reversed(MADE):
        for parent, partial in node.parents:
            parent.bar += partial * node.bar
    MADE.clear()
    return root.data, [leaf.bar for leaf in leaves]
