"""ddx-ad: a row's equation over a batch of points, compiled by its LLVM where it has one."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Any

import ddx
import numpy as np
from compilers import Task, Unfit

ZERO = ddx.Expression(0.0)
ACTIVATIONS = {
    "relu": lambda z: ddx.max(z, ZERO),
    "tanh": ddx.tanh,
    "sigmoid": lambda z: 1.0 / (1.0 + ddx.exp(-z)),
    "softplus": lambda z: ddx.log(1.0 + ddx.exp(z)),
    None: lambda z: z,
}
WHOLE = 10  # so few rows are one graph


def version() -> str:
    return f"ddx-ad {version_of('ddx-ad')}"


def total(terms: Any) -> Any:
    first, *others = terms
    for term in others:
        first = first + term
    return first


def squared(outputs: list[Any], targets: list[Any]) -> Any:
    return total((z - y) * (z - y) for z, y in zip(outputs, targets))


def hinge(outputs: list[Any], targets: list[Any]) -> Any:
    return total(ddx.max(1.0 - y * z, ZERO) for z, y in zip(outputs, targets))


def cross_entropy(outputs: list[Any], targets: list[Any]) -> Any:
    return ddx.log(total(ddx.exp(z) for z in outputs)) - total(y * z for z, y in zip(outputs, targets))


LOSSES = {"squared": squared, "hinge": hinge, "cross-entropy": cross_entropy}


def network(problem: Any, threads: int, way: str) -> Task:
    if threads > 1:
        raise Unfit("it has one thread")
    X, targets = problem.data(problem.rows)
    p, (n_in, n_out), whole = problem.parameters(), (X.shape[1], targets.shape[1]), problem.rows <= WHOLE
    weight = 1.0 if problem.reduction == "sum" else 1.0 / problem.rows
    names = [problem.hidden] * (len(problem.sizes) - 2) + [problem.output]

    def loss_of(symbols: list[Any], x: list[Any], y: list[Any]) -> Any:
        h, given = x, iter(symbols)
        for (outputs, inputs), name in zip(problem.shapes, names):
            W = [[next(given) for _ in range(inputs)] for _ in range(outputs)]
            h = [ACTIVATIONS[name](total((next(given), *(w * i for w, i in zip(row, h))))) for row in W]
        return LOSSES[problem.loss](h, y) * weight

    def model() -> Any:
        symbols = [ddx.var(f"p{k}") for k in range(len(p))]
        if whole:
            return total(loss_of(symbols, a, b) for a, b in zip(X.tolist(), targets.tolist()))
        x, y = [ddx.param(f"x{k}") for k in range(n_in)], [ddx.param(f"y{k}") for k in range(n_out)]
        return loss_of(symbols, x, y)

    f = ddx.equation(model)
    if ddx.has_jit:
        f.compile(points=1 if whole else problem.rows)
    given = p.copy() if whole else np.concatenate([np.repeat(p[:, None], problem.rows, 1), X.T, targets.T])
    call = f.buffer(given)

    def differentiate() -> np.ndarray:
        if whole:
            call.x[:] = p
        else:
            call.x[: len(p)] = p[:, None]
        call()
        gradient = call.jacobian if whole else call.jacobian.sum(1)
        return gradient + 2 * problem.penalty * p if problem.penalty else gradient

    def numbers() -> tuple[list[float], np.ndarray]:
        gradient = np.array(differentiate())
        return [float(np.sum(call.value)) + problem.penalty * float(p @ p)], gradient

    def run(steps: int) -> None:
        for _ in range(steps):
            p[:] -= problem.rate * differentiate()

    return Task(numbers, run)


class Functions:
    exp, log, sqrt, tanh, sin, erf = ddx.exp, ddx.log, ddx.sqrt, ddx.tanh, ddx.sin, ddx.erf


def function(problem: Any, threads: int, way: str) -> Task:
    if threads > 1:
        raise Unfit("it has one thread")
    f = ddx.equation(lambda: problem.formula([ddx.var(f"x{k:02}") for k in range(problem.inputs)], Functions))
    if ddx.has_jit:
        f.compile(points=problem.rows)
    return buffered(f, problem.columns())


def tape(problem: Any, threads: int, way: str) -> Task:
    """Interpreted: LLVM would need minutes for a million operations."""
    numbers = np.array(problem.numbers())

    def model() -> Any:
        leaves = [ddx.var(f"x{k:04}") for k in range(problem.inputs)]
        return problem.build(leaves, problem.rows, lambda z: ddx.max(z, ZERO))

    return buffered(ddx.equation(model), numbers)


def buffered(f: Any, inputs: np.ndarray) -> Task:
    order = np.argsort([int(name[1:]) for name in f.symbols])  # its symbols are in the order in which they are met
    call = f.buffer(np.ascontiguousarray(inputs[[int(name[1:]) for name in f.symbols]]))

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        call()
        return np.ravel(call.value), np.asarray(call.jacobian)[order].ravel()

    def run(steps: int) -> None:
        for _ in range(steps):
            call()

    return Task(numbers, run)
