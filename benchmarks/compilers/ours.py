"""Ours: networks in the loop of nn.fit or by calls of `backward`, functions and tapes by autograd.compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import version as version_of
from time import perf_counter
from typing import Any

import numpy as np
from compilers import Task

import autograd
import nn

if not hasattr(autograd, "compile"):
    raise ImportError("this autograd has no compile")

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": lambda y, d: (y - d) ** 2,
    "hinge": nn.hinge,
    "cross-entropy": nn.cross_entropy,
}
# nn.hinge looks at the target, which is an input of the row here.
TRACED = {**LOSSES, "hinge": lambda y, d: autograd.relu(1 - d * y)}


def version() -> str:
    return f"ours {version_of('scalar-autograd')}, {autograd.backend}"


class Trained:
    """A model of nn with the parameters of a problem, and its numbers in the order of the problem."""

    def __init__(self, problem: Any) -> None:
        n_in, *sizes = problem.sizes
        self.problem = problem
        self.model = nn.MLP(n_in, sizes, activation=problem.hidden, output_activation=problem.output, seed=0)
        self.leaves = self.model.parameters()
        layers = problem.layers(problem.parameters())
        numbers = np.concatenate([np.column_stack(layer).ravel() for layer in layers])  # a neuron: weights, then bias
        for leaf, number in zip(self.leaves, numbers.tolist()):
            leaf.data = number

    def flat(self, numbers: Iterable[float]) -> np.ndarray:
        """What a neuron has together, its weights and its bias, as the problem has it: all W, all b."""
        given, at, parts = np.array(list(numbers)), 0, []
        for n_out, n_in in self.problem.shapes:
            neurons = given[at : at + n_out * (n_in + 1)].reshape(n_out, n_in + 1)
            parts += [neurons[:, :-1].ravel(), neurons[:, -1]]
            at += neurons.size
        return np.concatenate(parts)

    def penalty(self, parameters: list[Any]) -> Any:
        return self.problem.penalty * autograd.sum(p * p for p in parameters)

    def loss(self, prediction: Any, targets: Any) -> Any:
        return LOSSES[self.problem.loss](prediction, targets)

    def of_row(self, row: list[Any]) -> Any:
        n_in = self.problem.sizes[0]
        targets = row[n_in:]
        return TRACED[self.problem.loss](self.model(row[:n_in]), targets if len(targets) > 1 else targets[0])

    def compiled(self) -> Any:
        return autograd.compile(self.of_row, n_inputs=self.problem.sizes[0] + self.problem.sizes[-1])


def network(problem: Any, threads: int, way: str) -> Task:
    trained = Trained(problem)
    X, targets = problem.data(problem.rows)
    y = targets if targets.shape[1] > 1 else targets[:, 0]

    def fit(epochs: int) -> Any:
        return nn.fit(
            trained.model,
            X,
            y,
            trained.loss,
            nn.SGD(trained.leaves, lr=problem.rate),
            epochs=epochs,
            shuffle=False,
            penalty=trained.penalty if problem.penalty else None,
            reduction=problem.reduction,
            engine="compiled",
            threads=threads,
            progress=False,
        )

    rows, f = np.column_stack([X, targets]), trained.compiled()

    def backward() -> float:
        """As a loop of one's own would call it; the update is not part of it."""
        value: float = f.backward(rows, reduction=problem.reduction, threads=threads)
        if not problem.penalty:
            return value
        penalty = trained.penalty(trained.leaves)
        penalty.backward()
        return value + float(penalty.data)

    def numbers() -> tuple[list[float], np.ndarray]:
        trained.model.zero_grad()
        return [backward()], trained.flat(leaf.grad for leaf in trained.leaves)

    def call(steps: int) -> None:
        for _ in range(steps):
            backward()

    return Task(numbers, call, learns=False) if way == "call" else Task(numbers, fit, short=1)


def function(problem: Any, threads: int, way: str) -> Task:
    f = autograd.compile(lambda x: problem.formula(x, autograd), n_inputs=problem.inputs)
    rows = problem.columns().T  # columns are contiguous: they are read in place, and the partials come alike

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        values, partials = f.batch_value_and_grad(rows, threads=threads)
        return np.asarray(values), np.asarray(partials).T.ravel()

    def run(steps: int) -> None:
        for _ in range(steps):
            f.batch_value_and_grad(rows, threads=threads)

    return Task(numbers, run)


def tape(problem: Any, threads: int, way: str) -> Task:
    given = problem.numbers()
    f = autograd.compile(lambda x: problem.build(x, problem.rows, autograd.relu), n_inputs=problem.inputs)
    row = np.array([given])

    def numbers() -> tuple[list[float], np.ndarray]:
        values, partials = f.batch_value_and_grad(row)
        return [float(values[0])], np.asarray(partials)[0]

    def run(steps: int) -> None:
        for _ in range(steps):
            f.batch_value_and_grad(row)

    return Task(numbers, run)


def trace_seconds(problem: Any) -> float:
    """What the first call of a compiled model takes longer than the second one."""
    trained, rows, calls = Trained(problem), np.column_stack(problem.data(problem.rows)), []
    f = trained.compiled()
    for _ in range(2):
        start = perf_counter()
        f.backward(rows, reduction=problem.reduction)
        calls.append(perf_counter() - start)
    return calls[0] - calls[1]
