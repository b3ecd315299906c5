"""Random programs for the paths: choices that use the nodes of their branches, ties, powers, and numbers at all ends.

What conditions compare is computed without rounding that could differ between paths: inputs, and one exact operation on
them. A `Program` is data, so that a failure prints it: an operation's name and where its operands stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st

import autograd
from autograd import maximum, minimum, where

NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    0.1,
    10.0,
    -30.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -5e-324,
    1e-310,
    1e-200,
    1e-80,
    -1e90,
    1e154,
    1e200,
    -1e200,
    1.7e308,
    -1.7e308,
]
EXPONENTS = [-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0]
EXACT: dict[str, Callable[..., Any]] = {  # of inputs, rounded once and alike everywhere
    "sqrt": lambda a, b: autograd.sqrt(a),
    "abs": lambda a, b: abs(a),
    "negative": lambda a, b: -a,
    "relu": lambda a, b: autograd.relu(a),
    "maximum": maximum,
    "minimum": minimum,
    "add": lambda a, b: a + b,
    "divide": lambda a, b: a / b,
    "input": lambda a, b: a,
}
STEPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "square": lambda a, b: a * a,
    "negative": lambda a, b: -a,
    "plus": lambda a, b: a + 0.0,
    "exp": lambda a, b: autograd.exp(a),
    "log": lambda a, b: autograd.log(a),
    "sqrt": lambda a, b: autograd.sqrt(a),
    "tanh": lambda a, b: autograd.tanh(a),
    "sin": lambda a, b: autograd.sin(a),
    "log1p": lambda a, b: autograd.log1p(a),
    "softplus": lambda a, b: autograd.softplus(a),
    "logsumexp": lambda a, b: autograd.logsumexp([a, b]),
    "leaky_relu": lambda a, b: autograd.leaky_relu(a, 0.1),
    "times": lambda a, b: a * 0.25,
}

PAIRS = frozenset(["add", "subtract", "multiply", "divide", "logsumexp", "maximum", "minimum"])

Step = tuple[str, int, int, int, float]  # name, operands, exponent or threshold
programs = st.lists(
    st.tuples(
        st.sampled_from([*STEPS, *["power"] * 4, *["where"] * 6, *["selected"] * 4]),
        st.integers(0, 50),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from([*EXPONENTS, 0.0, 1.0]),
    ),
    min_size=1,
    max_size=12,
)
exact_steps = st.lists(
    st.tuples(st.sampled_from(sorted(EXACT)), st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=4
)
points = st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), min_size=1, max_size=2)


def function_of(exact: Sequence[tuple[str, int, int]], program: Sequence[Step]) -> Callable[..., Any]:
    """The function; steps whose result nobody uses are left out, since a compiled function does not run them."""

    def function(*x: Any) -> Any:
        given = len(x) + len(exact)
        operands: list[list[int]] = [[]] * len(x) + [[a % len(x), b % len(x)] for _, a, b in exact]
        for name, a, b, c, _ in program:
            count, test = len(operands), len(x) + c % len(exact)
            other = len(x) + b % len(exact) if name == "selected" else count - 1 - b % count
            operands.append([count - 1 - a % count, other, test])
        live = {len(operands) - 1, len(operands) - 2}
        for position in range(len(operands) - 1, len(x) - 1, -1):
            if position in live:
                step = exact[position - len(x)] if position < given else program[position - given]
                live.update(operands[position][k] for k in used(*step[:2]))
        nodes: list[Any] = [*x]
        for position in range(len(x), len(operands)):
            of = [nodes[operand] for operand in operands[position]]
            if position not in live:
                nodes.append(None)
            elif position < given:
                nodes.append(EXACT[exact[position - len(x)][0]](*of))
            else:
                nodes.append(computed(program[position - given], *of))
        return nodes[-1] + nodes[-2] * 0.5

    return function


def used(name: str, a: int) -> tuple[int, ...]:
    """Which of first, second and test an operation takes."""
    if name == "where":
        return 1, 2
    if name == "selected":
        return (2,) if a % 2 else (1, 2)
    return (0, 1) if name in PAIRS else (0,)


def computed(step: Step, first: Any, second: Any, test: Any) -> Any:
    name, a, _, _, number = step
    if name == "power":
        return first**number
    if name == "where":
        return where(test > number, lambda: test * 1.0, lambda: second * 1.0)
    if name == "selected":
        return maximum(test, number) if a % 2 else minimum(second, test)
    return STEPS[name](first, second)
