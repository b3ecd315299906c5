"""CasADi's SX: symbolic gradients of a row, mapped over the rows, in its virtual machine or as C that gcc compiles."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

import casadi
import numpy as np
from casadi import SX
from compilers import Task, Unfit

ACTIVATIONS = {
    "relu": lambda z: casadi.fmax(z, 0),
    "tanh": casadi.tanh,
    "sigmoid": lambda z: 1 / (1 + casadi.exp(-z)),
    "softplus": lambda z: casadi.fmax(z, 0) + casadi.log1p(casadi.exp(-casadi.fabs(z))),
    None: lambda z: z,
}
FLAGS = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
WHOLE = 10  # so few rows are one graph, and in C many steps one call
LOOP = 1000


def version() -> str:
    return f"CasADi {casadi.__version__}"


def cross_entropy(outputs: SX, targets: SX) -> SX:
    top = casadi.mmax(outputs)
    return casadi.log(casadi.sum1(casadi.exp(outputs - top))) - casadi.dot(targets, outputs - top)


LOSSES: dict[str, Callable[[SX, SX], SX]] = {
    "squared": lambda outputs, targets: casadi.sumsqr(outputs - targets),
    "hinge": lambda outputs, targets: casadi.sum1(casadi.fmax(1 - targets * outputs, 0)),
    "cross-entropy": cross_entropy,
}


def in_c(f: casadi.Function) -> casadi.Function:
    """The function again, from its generated C."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it writes to no other place
        try:
            generator = casadi.CodeGenerator("generated.c")
            generator.add(f)
            generator.generate()
            done = subprocess.run(["gcc", *FLAGS, "generated.c", "-o", "generated.so", "-lm"], capture_output=True)
            if done.returncode:
                raise Unfit("gcc could not compile its C")
            return casadi.external(f.name(), f"{folder}/generated.so")
        except FileNotFoundError:
            raise Unfit("there is no gcc to compile its C") from None
        finally:
            os.chdir(before)


class Call:
    """A function that reads and writes arrays in place."""

    def __init__(self, f: casadi.Function, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        buffer, self.run = f.buffer()
        for place, array in enumerate(inputs):
            buffer.set_arg(place, memoryview(array))
        for place, array in enumerate(outputs):
            buffer.set_res(place, memoryview(array))
        self.kept = f, buffer, inputs, outputs


def loss_and_gradient(problem: Any) -> tuple[casadi.Function, int]:
    """p -> loss, gradient, without the penalty; p is flat as everywhere."""
    n, rows = len(problem.parameters()), problem.rows
    p, x, y = SX.sym("p", n), SX.sym("x", problem.sizes[0]), SX.sym("y", problem.sizes[-1])
    weight = 1.0 if problem.reduction == "sum" else 1.0 / rows
    names = [problem.hidden] * (len(problem.sizes) - 2) + [problem.output]

    def loss_of(x: Any, y: Any) -> SX:
        h, at = x, 0
        for (n_out, n_in), name in zip(problem.shapes, names):
            W = casadi.reshape(p[at : at + n_out * n_in], n_in, n_out).T
            at += n_out * n_in
            h = ACTIVATIONS[name](W @ h + p[at : at + n_out])
            at += n_out
        return weight * LOSSES[problem.loss](h, y)

    X, targets = problem.data(rows)
    if rows <= WHOLE:
        loss = sum(loss_of(casadi.DM(a), casadi.DM(b)) for a, b in zip(X, targets))
        return casadi.Function("f", [p], [loss, casadi.gradient(loss, p)]), n
    loss = loss_of(x, y)
    row = casadi.Function("row", [p, x, y], [loss, casadi.gradient(loss, p)])
    P = casadi.MX.sym("P", n)
    mapped = row.map("mapped", "serial", rows, [0], [0, 1])  # p is the same for all rows, the results are summed
    return casadi.Function("f", [P], list(mapped(P, casadi.DM(X.T), casadi.DM(targets.T)))), n


def network(problem: Any, threads: int, way: str) -> Task:
    if threads > 1:
        raise Unfit("its maps that sum up have one thread")
    f, n = loss_and_gradient(problem)
    p = casadi.MX.sym("p", n)
    loss, gradient = f(p)
    loss, gradient = loss + problem.penalty * casadi.sumsqr(p), gradient + 2 * problem.penalty * p
    step, least = casadi.Function("step", [p], [p - problem.rate * gradient]), 1
    numbers_of = casadi.Function("numbers_of", [p], [loss, gradient])
    if way == "c":
        if problem.rows <= WHOLE:
            step, least = step.expand().fold(LOOP), LOOP
        step = in_c(step)
    now, then = problem.parameters(), problem.parameters()
    call = Call(step, [now], [then])

    def numbers() -> tuple[list[float], np.ndarray]:
        value, gradient = (np.array(part).ravel() for part in numbers_of(now))
        return value.tolist(), gradient

    def run(steps: int) -> None:
        for _ in range(steps // least):
            call.run()
            now[:] = then

    return Task(numbers, run, least=least)


class Functions:
    exp, log, sqrt, tanh, sin, erf = casadi.exp, casadi.log, casadi.sqrt, casadi.tanh, casadi.sin, casadi.erf


def function(problem: Any, threads: int, way: str) -> Task:
    x = SX.sym("x", problem.inputs)
    value = problem.formula([x[k] for k in range(problem.inputs)], Functions)
    row = casadi.Function("row", [x], [value, casadi.gradient(value, x)])
    share = row.map(problem.rows // threads)
    share = in_c(share) if way == "c" else share
    f = share.map(threads, "thread", threads) if threads > 1 else share
    rows, values = problem.columns().T.copy(), np.zeros(problem.rows)
    partials = np.zeros_like(rows)
    call = Call(f, [rows], [values, partials])

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        call.run()
        return values, partials.T.ravel()

    def run(steps: int) -> None:
        for _ in range(steps):
            call.run()

    return Task(numbers, run)


def tape(problem: Any, threads: int, way: str) -> Task:
    x = SX.sym("x", problem.inputs)
    root = problem.build([x[k] for k in range(problem.inputs)], problem.rows, lambda z: casadi.fmax(z, 0))
    f = casadi.Function("f", [x], [root, casadi.gradient(root, x)])
    value, partials = np.zeros(1), np.zeros(problem.inputs)
    call = Call(f, [np.array(problem.numbers())], [value, partials])

    def numbers() -> tuple[np.ndarray, np.ndarray]:
        call.run()
        return value, partials

    def run(steps: int) -> None:
        for _ in range(steps):
            call.run()

    return Task(numbers, run)
