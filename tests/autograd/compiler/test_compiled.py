"""Compiled functions beside the eager engine: values, gradients by row, Jacobians, gradients by parameters.

A case is a function of a row x and of parameters p, with the box that its rows are drawn from. Two numbers agree when
they differ by at most 1e-12 of the sum of the absolute terms that make them up.
"""

from __future__ import annotations

import gc
import math
import os
import random
import subprocess
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd
from autograd import OPERATIONS, Value, maximum, minimum, operation, stop_gradient, where
from autograd._native import extension
from autograd.compiler.runner import collector_paused
from tests.autograd.compiler.eager import Expected, agree, eager, flat

COUNTS = (1, 2, 7, 8, 9, 63, 64, 65, 300)
native = pytest.mark.skipif(extension("tapes") is None, reason="about the kernels in C")


class Case(NamedTuple):
    name: str
    body: Callable[[Any, Any], Any]  # of the row x and the parameters p
    inputs: int = 2
    parameters: int = 3
    low: float = -3.0
    high: float = 3.0
    corners: Sequence[Sequence[float]] = ()  # rows that are no accident: kinks and ties


@operation(lambda out, x, y: (autograd.exp(y) * y, out))
def custom(x: Any, y: Any) -> Any:
    return x * y * 2.0


@operation((3.0,))
def tripled(x: Any) -> Any:
    return 3 * x


@operation(lambda out, x, y: (where(x > y, 2.0, 5.0), 0.0))
def chosen(x: Any, y: Any) -> Any:
    return where(x > y, lambda: x / y, y)


# ----------------------------------------------------------------------------------------------------------- the cases

DOMAINS = {
    "log": (0.05, 5.0), "log1p": (-0.9, 5.0), "sqrt": (0.05, 5.0), "arcsin": (-0.95, 0.95), "arccos": (-0.95, 0.95),
    "tan": (-1.4, 1.4), "divide": (0.2, 3.0), "power": (0.2, 3.0),
}  # fmt: skip


def of_one(name: str, call: Callable[[Any], Any]) -> list[Case]:
    low, high = DOMAINS.get(name, (-3.0, 3.0))
    corners = [[0.0], [-0.0]] if name in ("absolute", "relu", "leaky_relu", "tanh", "sigmoid") else []
    return [
        Case(f"{name}(x)", lambda x, p: call(x[0]), 1, 0, low, high, corners),
        Case(f"{name}(p) x", lambda x, p: call(p[0]) * x[0] + p[1], 1, 2, low, high),
        Case(f"x {name}(x)", lambda x, p: x[0] * call(x[0]) - p[0] * call(x[1]), 2, 1, low, high),
    ]


def of_two(name: str, call: Callable[[Any, Any], Any]) -> list[Case]:
    low, high = DOMAINS.get(name, (-3.0, 3.0))
    ties = [[1.0, 1.0], [0.5, 2.0], [2.0, 0.5]]
    return [
        Case(f"{name}(x, x)", lambda x, p: call(x[0], x[1]), 2, 0, low, high, ties),
        Case(f"{name}(x0, x0)", lambda x, p: call(x[0], x[0]), 1, 0, low, high),
        Case(f"{name}(x, p)", lambda x, p: call(x[0], p[0]), 1, 1, low, high),
        Case(f"{name}(p, x)", lambda x, p: call(p[0], x[0]), 1, 1, low, high),
        Case(f"{name}(p, p)", lambda x, p: call(p[0], p[1]) * x[0], 1, 2, low, high),
        Case(f"{name}(x, 2)", lambda x, p: call(x[0], 2.0) + call(2, x[0]), 1, 0, low, high, [[2.0], [1.0]]),
        Case(f"{name}(x, np.float64)", lambda x, p: call(x[0], np.float64(0.75)), 1, 0, low, high),
        Case(f"{name}(0.7, x)", lambda x, p: call(0.7, x[0]) * call(x[0], 0.7), 1, 0, low, high),
    ]


def operations() -> list[Case]:
    found: list[Case] = []
    for name, row in OPERATIONS.items():
        if name in ("logsumexp", "log_softmax"):
            continue
        found += of_one(name, row) if len(row.example) == 2 else of_two(name, row)
        if hasattr(Value, name) and len(row.example) == 2:
            low, high = DOMAINS.get(name, (-3.0, 3.0))
            found.append(Case(f"x.{name}()", lambda x, p, n=name: getattr(x[0], n)() + p[0], 1, 1, low, high))
    return found


POWERS = [2, 3, 4, 5, 0, 1, -1, -2, -3, 0.5, -0.5, 1.5, 2.5, -2.7, 1 + 2**-40, 17]
OPERATORS = [
    Case("+", lambda x, p: (x[0] + x[1] + p[0] + 2) + (1.5 + x[0]) + (p[1] + x[1]) + (+x[0])),
    Case("-", lambda x, p: (x[0] - x[1] - p[0] - 2) - (1.5 - x[0]) - (p[1] - x[1]) - (-x[0])),
    Case("*", lambda x, p: (x[0] * x[1] * p[0] * 2) * (1.5 * x[0]) * (p[1] * x[1])),
    Case("/", lambda x, p: x[0] / x[1] / p[0] / 2 + 1.5 / x[0] + p[1] / x[1] + 1 / p[0], low=0.2),
    Case("**", lambda x, p: x[0] ** x[1] + x[0] ** p[0] + p[1] ** x[1] + 2 ** x[0] + 1.5 ** p[0], low=0.2),
    Case("abs", lambda x, p: abs(x[0]) * abs(p[0]) + abs(x[0] - p[0]), corners=[[0.0, 0.0]]),
    *(Case(f"x ** {k}", lambda x, p, k=k: x[0] ** k + (p[0] * x[1]) ** k, low=0.2) for k in POWERS),
    *(Case(f"x ** {k}, x of both signs", lambda x, p, k=k: x[0] ** k - x[1] ** k) for k in POWERS[:6]),
    *(
        Case(f"slope {k}", lambda x, p, k=k: x[0].leaky_relu(k) + autograd.leaky_relu(x[1] * p[0], k), corners=[[0, 0]])
        for k in (0.01, 0.25, 0.0, 1.0, -2.0)
    ),
]

CHOICES = [
    Case("lambdas", lambda x, p: where(x[0] > p[0], lambda: x[0] * p[1], lambda: x[1] - p[2])),
    Case("plain values", lambda x, p: where(x[0] > 0.5, x[0] * p[1], 3.0) + where(x[1] < 0, -1, p[0])),
    Case(
        "comparisons",
        lambda x, p: autograd.sum(
            where(c, a, b)
            for c, a, b in [
                (x[0] < x[1], x[0], 1.0), (x[0] <= x[1], 2.0, x[1]), (x[0] > 1, x[0] * 3, x[1]),
                (x[1] <= 1, p[0], p[1]),
                (x[0] >= x[1], x[0] * 7, x[1] * 9), (p[0] >= x[0], p[1] * x[0], p[0]), (p[0] < x[0], x[1], p[1]),
            ]
        ),
        corners=[[0.0, 0.0], [1.0, 1.0], [-0.0, 0.0], [2.0, 2.0]],
    ),
    Case(
        "nested",
        lambda x, p: where(
            x[0] > 0,
            lambda: where(x[1] > 0, lambda: autograd.log(x[1]) * p[0], lambda: autograd.log(-x[1]) * p[1]),
            lambda: where(x[0] > -1, lambda: autograd.sqrt(1 + x[0]), lambda: autograd.sqrt(-x[0] - 1) * p[2]),
        ),
    ),
    Case(
        "shared by branches",
        lambda x, p: (lambda e: where(x[0] > 0, lambda: e * p[0], lambda: e - p[1]) + where(x[1] > 0, e, 0.0))(
            autograd.exp(x[0] * x[1])
        ),
    ),
    Case("a choice of a choice", lambda x, p: where(where(x[0] > 0, x[1], p[0]) > 0, p[1] * x[0], p[2])),
    Case("chosen by a parameter", lambda x, p: where(p[0] > 0, p[1] * x[0], p[2] * x[1]) + where(p[0] < 0, p[1], p[2])),
    Case("maximum", lambda x, p: maximum(x[0], x[1]) + maximum(p[0] * x[0], 0.0) + maximum(1, x[1]),
         corners=[[1.0, 1.0], [0.0, 0.0], [-0.0, 0.0], [2.0, 1.0]]),
    Case("minimum", lambda x, p: minimum(x[0], x[1]) - minimum(p[0] * x[0], 0.0) - minimum(1, x[1]),
         corners=[[1.0, 1.0], [0.0, 0.0], [-0.0, 0.0], [2.0, 1.0]]),
    Case("stop_gradient", lambda x, p: stop_gradient(x[0] * p[0]) * x[0] + stop_gradient(x[1] * 2) * p[1]),
    Case("only stop_gradient", lambda x, p: stop_gradient(x[0] * p[0])),
]  # fmt: skip

REDUCTIONS = [
    Case("logsumexp", lambda x, p: autograd.logsumexp([*x, *p, 1.0])),
    Case("logsumexp of one", lambda x, p: autograd.logsumexp([x[0] * p[0]])),
    Case("logsumexp of ties", lambda x, p: autograd.logsumexp([x[0], x[0], x[1]]), corners=[[1.0, 1.0]]),
    Case("softmax", lambda x, p: autograd.softmax([x[0] * p[0], x[1], p[1]])),
    Case("log_softmax", lambda x, p: autograd.log_softmax([x[0] * p[0], x[1], 0.5])),
    Case("cross-entropy", lambda x, p: -autograd.log_softmax([x[0] * p[0] + p[1], x[1] * p[2], p[1]])[1]),
    Case("dot", lambda x, p: autograd.dot(x, p) + autograd.dot(x, x), 3, 3),
    Case("sum", lambda x, p: autograd.sum([*x, *p]) * autograd.sum([]) + autograd.sum(x), 3, 3),
    Case("sum and max of Python", lambda x, p: sum(x) + sum(w * w for w in p)),
]

CUSTOM = [
    Case("custom", lambda x, p: custom(x[0], p[0]) + custom(p[1], x[1]) * x[0]),
    Case("custom of numbers", lambda x, p: custom(x[0], 2.0) + tripled(x[1] * p[0]) + tripled(2.0)),
    Case("custom with a choice", lambda x, p: chosen(x[0], p[0]) * chosen(p[1], x[1]), low=0.2),
    Case("custom in a branch", lambda x, p: where(x[0] > 0, lambda: custom(x[0], p[0]), lambda: tripled(x[1]))),
    Case("custom of custom", lambda x, p: custom(custom(x[0], x[1]), tripled(p[0]))),
]

SHARED = Value(0.75, "shared")
INTERIOR = (SHARED * 2.0 + Value(0.5, "offset")).tanh()
INTERIOR.label = "interior"
WITH_LIST = autograd.logsumexp([SHARED, INTERIOR, 1.0])
CAPTURED = [
    Case("interior Values", lambda x, p: x[0] * INTERIOR + WITH_LIST * x[1]),
    Case("interior and its leaf", lambda x, p: x[0] * INTERIOR + SHARED * p[0]),
    Case("a Value that is all", lambda x, p: INTERIOR * p[0]),
    Case("the parameter itself", lambda x, p: p[0]),
    Case("the input itself", lambda x, p: x[0]),
    Case("inputs that are not used", lambda x, p: x[1] * p[1], 4, 3),
    Case("a constant", lambda x, p: 3.5),
    Case("a whole number", lambda x, p: 3),
    Case("without a parameter", lambda x, p: x[0] * x[1], 2, 0),
    Case("without an input", lambda x, p: p[0] * p[1], 0),
    Case("of nothing", lambda x, p: 2.0, 0, 0),
    Case("folded", lambda x, p: (x[0] * 1.0 + 0.0) / 1 * -1 - 0.0 + (-1) * p[0] + 0 * x[1]),
]


def affine(w: Sequence[Any], x: Sequence[Any], b: Any, minus: bool = False) -> Any:
    total = b
    for weight, number in zip(w, x):
        total = total - weight * number if minus else total + weight * number
    return total


def layer(p: Sequence[Any], x: Sequence[Any], m: int, f: Callable[[Any], Any], at: int = 0) -> list[Any]:
    n = len(x)
    return [f(affine(p[at + j * (n + 1) :][:n], x, p[at + j * (n + 1) + n])) for j in range(m)]


def network(
    widths: Sequence[int], f: Callable[[Any], Any], loss: Callable[[Any], Any] = lambda out: out[0] ** 2
) -> Case:
    def body(x: Any, p: Any) -> Any:
        at, h = 0, list(x)
        for k, m in enumerate(widths[1:], 2):
            count = m * (len(h) + 1)
            h = layer(p, h, m, f if k < len(widths) else (lambda z: z), at)
            at += count
        return loss(h)

    count = sum(m * (n + 1) for n, m in zip(widths, widths[1:]))  # noqa: RUF007
    return Case(f"network {widths}", body, widths[0], count, -1.0, 1.0)


tanh, relu, sigmoid = autograd.tanh, autograd.relu, autograd.sigmoid
LAYERS = [
    network([2, 3, 1], tanh),
    network([3, 5, 4, 2], relu, lambda out: autograd.logsumexp(out) - out[1]),
    network([2, 9, 8, 1], sigmoid),
    network([1, 1, 1], tanh),
    network([2, 4, 3, 3, 1], autograd.softplus),
    network([3, 2], tanh, list),
    network([2, 5, 4], relu, list),
    network([2, 3, 2], lambda z: z.leaky_relu(0.1), lambda out: autograd.maximum(out[0], out[1])),
    Case("a parameter twice in a layer",
         lambda x, p: sum(layer([p[0], p[1], p[2], p[1], p[0], p[2]], x, 2, tanh)), 2, 3),
    Case("a tied weight", lambda x, p: tanh(p[0] * x[0] + p[0] * x[1] + p[0]) * p[0], 2, 3),
    Case("an input twice", lambda x, p: tanh(p[0] * x[0] + p[1] * x[0] + p[2] * x[1]), 2, 3),
    Case("a square of a layer's input", lambda x, p: layer(p, [x[0] * x[0], x[0] * x[1]], 2, relu)[1], 2, 6),
    Case("minus signs",
         lambda x, p: tanh(-(p[0] * x[0]) - p[1] * x[1] - p[2]) * sigmoid(p[3] - p[0] * x[0] - x[1]), 2, 4),
    Case("minus a layer", lambda x, p: 1.0 - affine(p, x, p[3], True) - (x[0] - affine(p[4:], x, 0.5)), 3, 8),
    Case("nested minus", lambda x, p: p[0] - (p[1] * x[0] - (p[2] * x[1] - (p[3] - p[4] * x[0]))), 2, 5),
    Case("skip connections",
         lambda x, p: (lambda h: sum(a + b * x[0] for a, b in zip(layer(p, h, 2, tanh, 6), h)))(layer(p, x, 2, tanh)),
         2, 12),
    Case("residual", lambda x, p: [h + z for h, z in zip(layer(p, x, 2, relu), x)], 2, 6),
    Case("sums with other terms", lambda x, p: tanh(p[0] * x[0] + p[1] * x[1] + x[0] * x[1] - x[1] + p[2]), 2, 3),
    Case("some outputs", lambda x, p: (lambda h: h[0] * h[2] + p[0])(layer(p, x, 4, tanh)), 2, 12),
    Case("some outputs of two layers", lambda x, p: layer(p, layer(p, x, 5, relu), 3, relu, 15)[1], 2, 33),
    Case("an output without its activation", lambda x, p: (lambda z: tanh(z) + z)(affine(p, x, p[2])), 2, 3),
    Case("one layer, two activations", lambda x, p: tanh(affine(p, x, p[2])) * relu(affine(p[3:], x, p[5])), 2, 6),
    Case("activation as a result too", lambda x, p: (lambda h: [h[0], h[1], h[0] * h[1]])(layer(p, x, 2, tanh)), 2, 6),
    Case("one result twice", lambda x, p: [x[0], p[0], x[0], p[0], 1.0, 1.0, x[0] * p[0], x[0] * p[0]], 1, 1),
    Case("constant weights", lambda x, p: tanh(0.5 * x[0] - 0.25 * x[1] + p[0]) + tanh(2.0 * x[0] + p[1] * x[1]), 2, 2),
    Case("weights that are computed",
         lambda x, p: relu(p[0] * p[1] * x[0] + autograd.exp(p[1]) * x[1] - p[2] / 2), 2, 3),
    Case("regularised", lambda x, p: network([2, 3, 1], tanh).body(x, p) + 0.01 * sum(w * w for w in p), 2, 13),
    Case("a layer of the same layer", lambda x, p: (lambda f: f(f(x)))(lambda h: layer(p, h, 2, tanh))[0], 2, 6),
    Case("stopped", lambda x, p: layer(p, [stop_gradient(h) for h in layer(p, x, 2, tanh)], 1, tanh, 6)[0], 2, 9),
    Case("a layer behind a choice",
         lambda x, p: where(x[0] > 0, lambda: layer(p, x, 2, tanh)[0], lambda: layer(p, x, 2, tanh)[1]), 2, 6),
    Case("elementwise",
         lambda x, p: autograd.exp(-x[0] * p[0]) * autograd.erf(x[1] / (x[0] * x[0] + 1)) + (x[0] * x[1]).sin(), 2, 1),
    Case("a long sum", lambda x, p: sum(w * w * x[i % 2] for i, w in enumerate(p)) + sum(p), 2, 40),
    Case("many numbers", lambda x, p: sum(x[i] * x[-1 - i] for i in range(30)) + autograd.logsumexp(x), 30, 0),
    Case("several results", lambda x, p: [x[0] * p[0], x[1] / 2, 4.0, p[1], x[0] + x[1]]),
    Case("nested results", lambda x, p: ([x[0] * p[0], (x[1], 2.0)], p[1]), 2, 2),
    Case("a tuple of one", lambda x, p: (x[0] * p[0],), 1, 1),
]  # fmt: skip

CASES = [*operations(), *OPERATORS, *CHOICES, *REDUCTIONS, *CUSTOM, *CAPTURED, *LAYERS]


# ------------------------------------------------------------------------------------------------------------- helpers


def made(case: Case, count: int = 300, seed: int = 7) -> tuple[Callable[[Any], Any], list[Value], np.ndarray]:
    """The function of a row, its parameters, and rows: the corners first, then some at random."""
    generator = random.Random(f"{case.name} {seed}")

    def draw() -> float:
        number = generator.uniform(case.low, case.high)
        return generator.choice([number, round(number, 1) or 0.5])

    p = [Value(draw(), f"p{k}") for k in range(case.parameters)]
    rows = [list(map(float, row)) for row in case.corners]
    rows += [[draw() for _ in range(case.inputs)] for _ in range(count - len(rows))]
    return lambda x: case.body(x, p), p, np.array(rows, dtype=float).reshape(len(rows), case.inputs)


def leaves_of(case: Case, p: Sequence[Value]) -> list[Value]:
    return [*p, SHARED, *(leaf for leaf in autograd.topological_order(INTERIOR) if leaf.label == "offset")]


# ----------------------------------------------------------------------------------------------------------- the tests


def check_case(case: Case, counts: Sequence[int] = COUNTS) -> None:
    function, p, rows = made(case, max(counts))
    leaves = leaves_of(case, p)
    expected = eager(function, rows.tolist(), leaves)
    f = autograd.compile(function, n_inputs=case.inputs)
    outputs = expected.values.shape[1]
    single = not isinstance(function([Value(x) for x in rows[0]]), (list, tuple))
    for row in range(min(len(rows), len(case.corners) + 2)):
        numbers, what = rows[row].tolist(), (case.name, row)
        agree(flat(f(numbers)), expected.values[row], expected.value_terms[row], what)
        if single:
            value, (gradient,) = f.value_and_grad(numbers)
            agree(value, expected.values[row, 0], expected.value_terms[row, 0], what)
            agree(gradient, expected.slopes[row, 0], expected.slope_terms[row, 0], what)
    for count in counts:
        part = Expected(*(field[:count] for field in expected))
        table, what = rows[:count], (case.name, count)
        values, slopes = f.batch_jacobian(table)
        agree(values, part.values, part.value_terms, what)
        agree(slopes, part.slopes, part.slope_terms, what)
        values = f.batch(table)
        assert values.shape == ((count,) if single else (count, outputs))
        agree(values.reshape(count, outputs), part.values, part.value_terms, what)
        if not single:
            continue
        values, slopes = f.batch_value_and_grad(table)
        agree(values, part.values[:, 0], part.value_terms[:, 0], what)
        agree(slopes, part.slopes[:, 0], part.slope_terms[:, 0], what)
        for leaf in leaves:
            leaf.grad = 0.0
        total = np.zeros(len(leaves))
        for reduction, weight in [("mean", 1.0 / count), ("sum", 1.0)]:
            loss = f.backward(table, reduction=reduction)
            agree(loss, math.fsum(part.values[:, 0]) * weight, part.value_terms[:, 0].sum() * weight, what)
            total += part.by_parameters[:, 0].sum(axis=0) * weight
            terms = np.abs(part.parameter_terms[:, 0]).sum(axis=0) * (weight + 1.0)
            agree([leaf.grad for leaf in leaves], total, terms, (*what, reduction))
    assert [leaf for leaf in f.parameters if leaf not in leaves] == []


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_compiled_function_computes_what_the_eager_one_does(case: Case):
    check_case(case, COUNTS if case in LAYERS or case in CHOICES else (1, 9, 65, 300))


@native
def test_each_set_of_kernels_does(kernels: str):
    for case in CASES:
        check_case(case, (1, 3, 9, 140))


@native
def test_the_set_of_kernels_is_the_one_asked_for(kernels: str):
    f = autograd.compile(lambda x: x * x)
    assert f(3.0) == 9.0
    assert [runner.native.kernels for runner in f._programs.values()] == [kernels]


def test_the_number_of_threads_changes_no_bit(kernels: str):
    for case in [*LAYERS, *CHOICES[:5], *REDUCTIONS[:2]]:
        function, p, rows = made(case, 40)
        rows = np.tile(rows, (50, 1))[:1999]
        results = []
        for threads in (1, 2, 3):
            f = autograd.compile(function, n_inputs=case.inputs)
            for leaf in p:
                leaf.grad = 0.0
            found = [*f.batch_jacobian(rows, threads=threads), f.batch(rows, threads=threads)]
            if found[2].ndim == 1:
                found += [f.backward(rows, threads=threads), [leaf.grad for leaf in p]]
            results.append([np.asarray(part).tobytes() for part in found])
        assert results[0] == results[1] == results[2], case.name


MANY_THREADS = """
import numpy, autograd
f = autograd.compile(lambda x: x * x)
rows = numpy.arange(3000.0).reshape(3000, 1)
wanted = f.batch(rows)
print(sum((f.batch(rows, threads=8) == wanted).all() for _ in range(1000)))
"""


@native
def test_more_threads_than_processors_wait_for_one_another():
    """Some are then called late, when what they were called for is long done."""
    found = subprocess.run([sys.executable, "-c", MANY_THREADS], capture_output=True, text=True, timeout=60)
    assert found.stdout == "1000\n", found.stderr


LITTLE_MEMORY = """
import resource, numpy, autograd
f = autograd.compile(lambda x: sum(a * a.sin() for a in x), n_inputs=2000)
rows = numpy.ones((800, 2000))
wanted = f.batch(rows)
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2_000_000, -1))
try:
    f.batch(rows, threads=32)
except MemoryError:
    print("refused")
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print((f.batch(rows, threads=32) == wanted).all())
"""


@native
@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux")
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer needs more memory than that")
def test_a_run_that_memory_is_short_of_can_be_repeated():
    found = subprocess.run([sys.executable, "-c", LITTLE_MEMORY], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "refused\nTrue\n"), found.stderr


def test_the_collector_stands_still_until_the_last_thread_is_done():
    with collector_paused:
        collector_paused.__enter__()
        assert not gc.isenabled()
    assert not gc.isenabled()
    collector_paused.__exit__()
    assert gc.isenabled()


def layouts(table: np.ndarray) -> dict[str, Any]:
    n, m = table.shape
    padded = np.full((2 * n + 1, 3 * m + 1), np.nan)
    padded[1 : 2 * n : 2, 1 : 3 * m : 3] = table
    columns = np.full((2 * n, m), np.nan, order="F")
    columns[::2] = table
    unaligned = np.frombuffer(b"?" + table.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(n, m)
    return {
        "Fortran": np.asfortranarray(table), "rows apart": columns[::2],
        "strided": padded[1 : 2 * n : 2, 1 : 3 * m : 3],
        "reversed rows": table[::-1].copy()[::-1], "reversed columns": table[:, ::-1].copy()[:, ::-1],
        "reversed both": np.asfortranarray(table[::-1, ::-1])[::-1, ::-1], "big-endian": table.astype(">f8"),
        "lists": table.tolist(), "tuples": tuple(map(tuple, table.tolist())), "objects": table.astype(object),
        "memoryview": memoryview(array("d", table.ravel().tolist())).cast("B").cast("d", (n, m)),
        "unaligned": unaligned,
    }  # fmt: skip


def test_rows_may_lie_in_any_way(kernels: str):
    several = next(case for case in LAYERS if case.name == "several results")
    wide = Case("wider than vectors", lambda x, p: [x[k] * x[k - 1] + p[k % 3] for k in range(11)], 11)
    for case in [LAYERS[0], LAYERS[4], CHOICES[4], several, wide]:
        for count in (1, 3, 8, 13, 130) if case is not wide else (5, 8, 21, 300):
            function, p, rows = made(case, count)
            f = autograd.compile(function, n_inputs=case.inputs)
            terms = eager(function, rows.tolist(), p)
            wanted = f.batch_jacobian(rows)
            for name, table in layouts(rows).items():
                before = np.array(table, dtype=float)
                found = f.batch_jacobian(table)
                agree(found[0], wanted[0], terms.value_terms, (case.name, name))
                agree(found[1], wanted[1], terms.slope_terms, (case.name, name))
                assert np.array_equal(np.array(table, dtype=float), before), "the rows are only read"
            half, whole = rows.astype(np.float32), np.round(rows)
            for table, same in [(half, half.astype(float)), (whole.astype(int), whole), (whole > 0, (whole > 0) * 1.0)]:
                assert all(
                    map(np.array_equal, f.batch_jacobian(table, errors="nan"), f.batch_jacobian(same, errors="nan"))
                )


def test_tables_that_outgrow_the_caches_give_the_same(kernels: str):
    """More than 4 MB are read ahead and written past the caches, a thousand rows are not."""
    f = autograd.compile(lambda x: autograd.sum(x[k] * x[k] for k in range(47)) + x[0] / x[46], n_inputs=47)
    for count in (11_003, 11_200):
        rows = np.random.default_rng(count).normal(size=(count, 47))
        parts = [f.batch_value_and_grad(rows[first : first + 1000]) for first in range(0, count, 1000)]
        wanted = [np.concatenate(part) for part in zip(*parts)]
        for table in (rows, np.asfortranarray(rows)):
            for threads in (1, 3):
                assert all(map(np.array_equal, f.batch_value_and_grad(table, threads=threads), wanted))
            for bad in (0, 7, 5_000, count - 1):
                table[bad, 46], before = 0.0, table[bad, 46]
                with pytest.raises(ZeroDivisionError, match=rf"in row {bad}\.\n"):
                    f.batch_value_and_grad(table)
                table[bad, 46] = before


def test_a_column_is_a_table_where_a_row_has_one_number():
    f = autograd.compile(lambda x: x * x)
    for rows in ([1.0, 2.0], np.array([1.0, 2.0]), array("d", [1.0, 2.0]), [[1.0], [2.0]], (1, 2)):
        assert f.batch(rows).tolist() == [1.0, 4.0]


# ------------------------------------------------------------------------------------------------ arguments and shapes


def test_arguments_have_the_shapes_that_the_function_takes():
    w = Value(2.0)
    cases: list[tuple[Any, dict[str, Any], tuple[Any, ...], Any]] = [
        (lambda: w * 3, {}, (), ()),
        (lambda x: x * w, {}, (3.0,), (2.0,)),
        (lambda x, y: x * y, {}, (3.0, 5), (5.0, 3.0)),
        (lambda x, y=4.0: x * y, {}, (3.0,), (4.0,)),
        (lambda x: x[0] * x[1], {"n_inputs": 2}, ([3.0, 5.0],), ([5.0, 3.0],)),
        (lambda x: x[0] * x[1], {"n_inputs": 2}, (np.array([3.0, 5.0]),), ([5.0, 3.0],)),
        (lambda x: x[0] * x[1], {}, ([3.0, 5.0],), ([5.0, 3.0],)),
        (lambda x, y: x[0] * y + x[1], {"example": ([0.0, 0.0], 1.0)}, ((3.0, 5.0), 7.0), ([7.0, 1.0], 3.0)),
        (lambda x: x[0][1] * x[1], {"example": ([[0, 0], 0],)}, ([[1.0, 2.0], 3.0],), ([[0.0, 3.0], 2.0],)),
        (lambda *xs: xs[0] * xs[1], {"example": (0.0, 0.0)}, (3.0, 5.0), (5.0, 3.0)),
        (max_of_two, {"example": (0.0, 0.0)}, (3.0, 5.0), (0.0, 1.0)),
        (autograd.logsumexp, {"n_inputs": 2}, ([1.0, 1.0],), ([0.5, 0.5],)),
        (autograd.tanh, {"example": (0.0,)}, (0.0,), (1.0,)),
        (lambda x: x * w, {}, (np.float64(3.0),), (2.0,)),
    ]
    for function, options, args, gradient in cases:
        f = autograd.compile(function, **options)
        value, found = f.value_and_grad(*args)
        assert type(value) is float and type(found) is tuple
        assert (value, found) == (f(*args), gradient), options
        assert value == (function(*args).data if type(function(*args)) is Value else function(*args))


def max_of_two(x: Any, y: Any) -> Any:
    """The larger."""
    return maximum(x, y)


def test_as_a_decorator_it_keeps_the_name_and_the_text():
    @autograd.compile
    def product(x, y):
        """x times y."""
        return x * y

    @autograd.compile(n_inputs=2)
    def second(x):
        return x[1]

    assert (product(2.0, 3.0), second([1.0, 7.0]), second.n_inputs) == (6.0, 7.0, 2)
    assert (product.__name__, product.__doc__, product.n_inputs) == ("product", "x times y.", 2)
    assert "product" in repr(product) and product.__wrapped__(2, 3) == 6


def test_parameters_are_the_leaves_in_the_order_of_their_use_and_constants_are_none():
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    f = autograd.compile(lambda x: x * b + (c * 2.0).tanh() + a * b + x * 4.0)
    assert f.parameters == [b, c, a]
    assert "tanh(" in repr(f.tape) and "a" in repr(f.tape)


def test_parameters_are_live():
    w = Value(2.0)
    inner = w * 3.0  # an interior node follows its leaves
    f = autograd.compile(lambda x: x * w + inner)
    for number in (2.0, -1.5, 0.0, 7):
        w.data, w.grad = number, 0.0
        assert f(2.0) == f.batch([[2.0]])[0] == 5.0 * number
        assert f.value_and_grad(2.0) == (5.0 * number, (float(number),))
        assert f.batch_value_and_grad([[2.0]])[1].tolist() == [[number]]
        assert (f.backward([[2.0], [4.0]]), w.grad) == (6.0 * number, 6.0)


def test_a_parameter_is_live_behind_stop_gradient_too():
    w = Value(2.0)
    f = autograd.compile(lambda x: x * w + x * stop_gradient(w) + x * stop_gradient(w * 2))
    assert f(1.0) == 8.0
    w.data = 5.0
    assert f(1.0) == 20.0
    assert (f.backward([[1.0]]), w.grad, f.parameters) == (20.0, 1.0, [w])


def test_a_parameter_lives_as_long_as_the_function():
    f = autograd.compile((lambda w: lambda x: x * w)(Value(2.0, "w")))
    assert f(3.0) == 6.0
    del f.function
    assert f.batch([[3.0]]).tolist() == [6.0] and f.parameters[0].label == "w"


def test_the_rule_of_a_custom_operation_is_its_own_also_where_it_is_wrong():
    """As the eager engine does, the compiler takes the derivative that was given."""
    wrong = operation((10.0,))(lambda x: x * x)
    assert autograd.compile(wrong, example=(0.0,)).value_and_grad(3.0) == (9.0, (10.0,))


def test_functions_that_do_nothing_to_their_inputs():
    w = Value(2.0)
    for function, gradient in [(lambda x: 3.5, 0.0), (lambda x: w, 0.0), (lambda x: x, 1.0), (lambda x: x * 0, 0.0)]:
        f = autograd.compile(function)
        assert f.value_and_grad(5.0)[1] == (gradient,)
        assert f.batch_value_and_grad([[5.0], [6.0]])[1].tolist() == [[gradient]] * 2
        w.grad = 0.0
        f.backward([[5.0], [6.0], [7.0]])
        assert w.grad == (function(1.0) is w)
    nothing = autograd.compile(list)
    assert nothing() == [] and nothing.batch(np.zeros((3, 0))).shape == (3, 0)


def test_a_backward_pass_leaves_everything_else_alone():
    w, other = Value(2.0), Value(3.0)
    node = w * other
    other.grad = 7.0
    f = autograd.compile(lambda x: x * w + stop_gradient(other * 1.0))
    f.backward([[1.0], [3.0]], reduction="sum")
    assert (w.grad, other.grad, node.grad) == (4.0, 7.0, 0.0)


@pytest.mark.skipif(os.environ.get("AUTOGRAD_PURE_PYTHON", "0") in ("", "0"), reason="about the programs in Python")
def test_without_c_the_programs_are_python():
    f = autograd.compile(lambda x: x * x)
    assert f(3.0) == 9.0 and f._programs["value"].native is None


def test_tracing_and_running_take_time_in_proportion_to_the_operations():
    """200,000 operations (in Python fewer); anything that grows faster would not end."""
    many, w = (50_000 if extension("tapes") else 5_000), Value(1.0 + 1e-9)

    def chain(x: Any, count: int) -> Any:
        for k in range(count):
            x = (x * w + 0.001) - x * (0.0005 + k * 1e-12)
        return x

    for count in (many // 10, many):
        f = autograd.compile(lambda x, count=count: chain(x, count), example=(0.0,))
        w.grad, x = 0.0, Value(0.5)
        root = chain(x, count)
        root.backward()
        value, (gradient,) = f.value_and_grad(0.5)
        agree([value, gradient], [root.data, x.grad], 1e3)
        assert len(f.tape.steps) > 3 * count
        if count < many:
            by_w, w.grad = w.grad, 0.0
            agree([f.backward([[0.5], [0.5]]), w.grad], [root.data, by_w], 1e3 * count)
