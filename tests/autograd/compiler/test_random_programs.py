"""Random functions, compiled and eager: networks of any shape, graphs that are no networks, sums of any form.

A program is made from its seed, so that a failure names the one to run again. Values stay small, so that both engines
stay within 1e-12 of the sum of the absolute terms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import autograd
from autograd import Value, maximum, minimum, operation, stop_gradient, where
from tests.autograd.compiler.eager import agree, eager, flat


class Random(NamedTuple):
    function: Callable[[Any], Any]
    inputs: int
    parameters: list[Value]


@operation(lambda out, x, y: (autograd.exp(y) * y, out))
def custom(x: Any, y: Any) -> Any:
    return x * y * 2.0


def leaves(generator: random.Random, count: int, size: float = 1.0) -> list[Value]:
    return [Value(generator.uniform(-size, size), f"p{k}") for k in range(count)]


# -------------------------------------------------------------------------------------------------------- the programs

ACTIVATIONS: list[Callable[[Any], Any]] = [
    autograd.relu, autograd.tanh, autograd.sigmoid, autograd.softplus, autograd.sin, autograd.gaussian, autograd.erf,
    autograd.leaky_relu, lambda z: z, lambda z: z * z / (1 + z * z), lambda z: maximum(z, 0.0),
    lambda z: where(z > 0, z, 0.1 * z),
]  # fmt: skip
LOSSES: list[Callable[[Sequence[Any], Any], Any]] = [
    lambda out, y: autograd.sum([(o - y) ** 2 for o in out]),
    lambda out, y: autograd.softplus(-out[0] * y) + sum(o * 0.1 for o in out),
    lambda out, y: maximum(0.0, 1 - y * out[-1]),
    lambda out, y: autograd.logsumexp([*out, y]) - out[0],
    lambda out, y: -autograd.log_softmax([*out, 0.0])[-1],
    lambda out, y: abs(out[0] - y) + out[-1] ** 4,
    lambda out, y: autograd.sqrt(1 + (out[0] - y) ** 2),
    lambda out, y: list(out),
    lambda out, y: [out[0], y * out[-1], 1.0],
]


def network(seed: int) -> Random:
    """Layers in all the spellings that scalar code has, of any width, with biases and skips or without."""
    generator = random.Random(f"network {seed}")
    pick = generator.choice
    widths = [
        pick([1, 2, 3, 5]),
        *(pick([1, 2, 3, 4, 5, 7, 8, 9, 12]) for _ in range(pick([1, 1, 2, 3]))),
        pick([1, 1, 2, 4]),
    ]
    activations = [pick(ACTIVATIONS[:3] if generator.random() < 0.6 else ACTIVATIONS) for _ in widths]
    loss, spelling, bias, tied = pick(LOSSES), pick(range(6)), pick([0, 1, 1, 2]), generator.random() < 0.15
    skip, drop, penalty = generator.random() < 0.25, generator.random() < 0.2, generator.random() < 0.3
    weights = [[leaves(generator, n) for _ in range(m)] for n, m in zip([widths[0], *widths[1:-1]], widths[1:])]
    biases = [leaves(generator, m) if bias else [0.0] * m for m in widths[1:]]
    if tied:
        weights[0][-1] = weights[0][0]
    parameters = list(dict.fromkeys(p for part in (*weights, biases) for row in part for p in row if type(p) is Value))

    def spelled(w: Sequence[Any], x: Sequence[Any], b: Any) -> Any:
        products = [wi * xi if (i + spelling) % 3 else xi * wi for i, (wi, xi) in enumerate(zip(w, x))]
        if spelling == 0:
            return autograd.sum(products) + b
        if spelling == 1:
            return b + autograd.dot(w[: len(x)], x)
        if spelling == 2:
            return sum(products, b)
        if spelling == 3:
            return b - sum(-product for product in products)
        if spelling == 4:
            total = products[-1]
            for product in reversed(products[:-1]):
                total = product + total
            return total - b
        return sum(products) * 1.0 + b / 2

    def run(x: Any) -> Any:
        *h, y = x
        for k, (rows, offsets) in enumerate(zip(weights, biases)):
            z = [spelled(row, h, b) for row, b in zip(rows, offsets)]
            new = [activations[k](number) for number in z] if k + 1 < len(weights) or bias == 2 else z
            if skip and k:
                new = [n + h[i % len(h)] for i, n in enumerate(new)]
            h = new[1:] if drop and len(new) > 1 and k + 1 < len(weights) else new
        result = loss(h, y)
        if penalty and not isinstance(result, list):
            result = result + 0.01 * sum(p * p for p in parameters)
        return result

    return Random(run, widths[0] + 1, parameters)


def graph(seed: int) -> Random:
    """Steps that take any of the last few numbers: of rows, of parameters, plain ones."""
    generator = random.Random(f"graph {seed}")
    inputs, count, reach = (
        generator.choice([0, 1, 2, 4]),
        generator.choice([3, 10, 30, 80]),
        generator.choice([3, 8, 40]),
    )
    p = leaves(generator, generator.choice([0, 1, 3, 8]), 1.5)
    results = generator.choice([1, 1, 1, 2, 3])
    choices = generator.randrange(10**9)

    def run(x: Any) -> Any:
        generator = random.Random(choices)
        nodes = [*p, *x, 0.5]
        for _ in range(count):
            a, b, c, d = generator.choices(nodes[-reach:] + nodes[: 1 + len(p)], k=4)
            k = generator.choice([2, 0.5, -1, 0.25, 1.5, 1.0, 0.0])
            step = generator.choice(STEPS)
            nodes.append(step(a, b, c, d, k))
        out = [autograd.tanh(node) * 2 for node in nodes[-3:]]
        return autograd.sum(out) if results == 1 else out[:results]

    return Random(run, inputs, p)


STEPS: list[Callable[..., Any]] = [
    lambda a, b, c, d, k: a * b / (b * b + 1.0),
    lambda a, b, c, d, k: (a - b) * 0.5,
    lambda a, b, c, d, k: a * 0.3 + b * 0.3 + c * 0.3,
    lambda a, b, c, d, k: (a * b + c * d) / 4,
    lambda a, b, c, d, k: (a * b - c * k) / 4,
    lambda a, b, c, d, k: (k - a * b) / 4,
    lambda a, b, c, d, k: 0.5 * k - a / 3,
    lambda a, b, c, d, k: k / (a * a + 1) + a * k / 4,
    lambda a, b, c, d, k: autograd.tanh(a) + autograd.sigmoid(a) * autograd.relu(b) / 4,
    lambda a, b, c, d, k: (a * a + 1) ** -0.5,
    lambda a, b, c, d, k: (autograd.tanh(a) + 1.5) ** (k + 0.5) / 4,
    lambda a, b, c, d, k: (maximum(a, b) + minimum(a, 0.5)) / 2,
    lambda a, b, c, d, k: autograd.logsumexp([a, b, c, a]) / 3,
    lambda a, b, c, d, k: autograd.softmax([a, b, d])[1],
    lambda a, b, c, d, k: custom(autograd.tanh(a), autograd.tanh(b)) / 3,
    lambda a, b, c, d, k: -autograd.leaky_relu(autograd.sqrt(autograd.softplus(abs(a))), 0.1),
    lambda a, b, c, d, k: choose(a, b, lambda: autograd.sin(c), lambda: autograd.log(1 + d * d)),
    lambda a, b, c, d, k: choose(a, k, lambda: choose(b, c, lambda: a / (a - k), d), lambda: d * c / 4),
    lambda a, b, c, d, k: choose(a, 0.0, lambda: autograd.sqrt(a), lambda: autograd.log1p(-a)),
    lambda a, b, c, d, k: stop_gradient(autograd.tanh(a)) * b / 2,
    lambda a, b, c, d, k: autograd.exp(-a * a) * autograd.cos(b),
    lambda a, b, c, d, k: autograd.erf(a) + autograd.arctan(b) / 2 - autograd.expm1(-abs(c)),
    lambda a, b, c, d, k: autograd.sin(a) * autograd.sech(b) + autograd.gaussian(c * d),
    lambda a, b, c, d, k: autograd.tanh(a * k + b * c + d),
    lambda a, b, c, d, k: autograd.dot([a, b, c], [d, k, a]) / 8,
]  # fmt: skip


def choose(a: Any, b: Any, first: Any, second: Any) -> Any:
    """where(a > b, ...), for a row's numbers. Parameters compare at once, as Python does: no choice of a program."""
    return where(autograd.identity(a) - b > 0, first, second)


def sums(seed: int) -> Random:
    """Nested sums and differences of products of all kinds: what the passes take apart and put together again."""
    generator = random.Random(f"sums {seed}")
    p, inputs = leaves(generator, generator.choice([1, 2, 4, 12])), generator.choice([1, 2, 3])
    depth, choices = generator.choice([2, 3, 4]), generator.randrange(10**9)

    def run(x: Any) -> Any:
        generator = random.Random(choices)
        shared: list[Any] = [*x, *p]

        def term(level: int) -> Any:
            pick = generator.random()
            if level == 0 or pick < 0.1:
                return generator.choice([*x, *p, *shared[-2:], 0.5, 2.0, 1.0, -1.0])
            if pick < 0.45:
                made = generator.choice(p) * term(level - 1) if pick < 0.35 else term(level - 1) * term(level - 1)
            elif pick < 0.55:
                made = -term(level - 1)
            else:
                made = term(level - 1)
                for _ in range(generator.choice([1, 2, 3, 9])):
                    other = term(level - 1)
                    made = made + other if generator.random() < 0.6 else made - other
                if generator.random() < 0.3:
                    made = generator.choice([autograd.tanh, autograd.relu, autograd.sigmoid])(made)
            shared.append(made)
            return made

        results = [autograd.tanh(term(depth)) for _ in range(generator.choice([1, 1, 3]))]
        return results[0] if len(results) == 1 else results

    return Random(run, inputs, p)


# ----------------------------------------------------------------------------------------------------------- the tests


def check(made: Random, seed: Any, count: int = 11) -> None:
    function, inputs, p = made
    generator = random.Random(f"rows {seed}")
    rows = [[generator.choice([generator.uniform(-1, 1), 0.5]) for _ in range(inputs)] for _ in range(count)]
    expected = eager(function, rows, p)
    table = np.array(rows, dtype=float).reshape(count, inputs)
    f = autograd.compile(function, n_inputs=inputs)
    values, slopes = f.batch_jacobian(table)
    agree(values, expected.values, expected.value_terms, seed)
    agree(slopes, expected.slopes, expected.slope_terms, seed)
    agree(flat(f(rows[0])), expected.values[0], expected.value_terms[0], seed)
    agree(f.batch(table).reshape(values.shape), expected.values, expected.value_terms, seed)
    if isinstance(function([Value(x) for x in rows[0]]), list):
        return
    value, (gradient,) = f.value_and_grad(rows[-1])
    agree(value, expected.values[-1, 0], expected.value_terms[-1, 0], seed)
    agree(gradient, expected.slopes[-1, 0], expected.slope_terms[-1, 0], seed)
    loss = f.backward(table, reduction="sum")
    agree(loss, expected.values.sum(), expected.value_terms.sum(), seed)
    agree(
        [leaf.grad for leaf in p],
        expected.by_parameters[:, 0].sum(axis=0),
        expected.parameter_terms[:, 0].sum(axis=0),
        seed,
    )


PROGRAMS = {"network": network, "graph": graph, "sums": sums}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_random_programs(kind: str):
    for seed in range(100):
        check(PROGRAMS[kind](seed), (kind, seed))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_random_programs_with_each_set_of_kernels(kind: str, kernels: str):
    for seed in range(1000, 1025):
        check(PROGRAMS[kind](seed), (kind, seed), random.Random(seed).choice([1, 2, 8, 17, 130]))


@settings(max_examples=60, deadline=None, database=None)
@given(st.sampled_from(sorted(PROGRAMS)), st.integers(0, 10**9), st.integers(1, 20))
def test_programs_that_hypothesis_thinks_of(kind: str, seed: int, count: int):
    check(PROGRAMS[kind](seed), (kind, seed), count)


if __name__ == "__main__":  # python -m tests.autograd.compiler.test_random_programs FIRST LAST: seeds, without an end
    import sys
    import traceback

    failed: dict[str, int] = {}
    for number in range(*map(int, sys.argv[1:3])):
        for name, make in PROGRAMS.items():
            try:
                check(make(number), (name, number), random.Random(number).choice([1, 2, 8, 17, 130]))
            except Exception as error:
                where_from = traceback.extract_tb(error.__traceback__)[-1]
                key = f"{type(error).__name__} {where_from.filename.rsplit('/', 1)[-1]}:{where_from.lineno}"
                if failed.setdefault(key, 0) < 3:
                    print(name, number, key, str(error)[:300])
                failed[key] += 1
    print(failed)
