"""What powers by plain numbers become where they are spelled out, and that this changes none of their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import OPERATIONS, Value, exp, operation, stop_gradient, where
from autograd.compiler import forms
from autograd.compiler.forms import Form
from autograd.compiler.layers import Affine, find_layers
from autograd.compiler.powers import POWERS, expand_powers
from autograd.ieee import IEEE
from autograd.tracing import Tape
from tests.autograd.compiler.test_adjoint import computed
from tests.autograd.test_tracing import spelled, traced

inf, nan = math.inf, math.nan
ROOT = "where(less(x0, -1.79769e+308), inf, sqrt(add(x0, 0)))"
INVERSE = "divide(1, x0)"
SQUARE = f"multiply({INVERSE}, {INVERSE})"
SPELLED = {
    0.5: ROOT,
    2.0: "multiply(x0, x0)",
    3.0: "multiply(multiply(x0, x0), x0)",
    4.0: "multiply(multiply(x0, x0), multiply(x0, x0))",
    -0.5: f"divide(1, {ROOT})",
    -1.0: INVERSE,
    -2.0: SQUARE,
    -3.0: f"multiply({SQUARE}, {INVERSE})",
    -4.0: f"multiply({SQUARE}, {SQUARE})",
}
POINTS = [
    0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 2.0, -2.0, 0.3, 1e-310, -1e-310, 5e-324, 1e200, -1e200, 1e160, -1e160,
    1e-160, -1e-160, 1e103, -1e103, 1e-103, 1.7976931348623157e308, -1.7976931348623157e308,
]  # fmt: skip


def expanded(function: Callable[[Any], Any], n_inputs: int = 3) -> tuple[Tape, list[int]]:
    return expand_powers(*traced(function, n_inputs))


def test_what_each_power_is_spelled_as():
    assert SPELLED.keys() == POWERS.keys()
    for exponent, expected in SPELLED.items():
        tape, (output,) = traced(lambda x, y=exponent: x[0] ** y)
        assert spelled(tape, output) == f"power(x0, {exponent:g})"
        tape, (output,) = expand_powers(tape, [output])
        assert spelled(tape, output) == expected
        assert not any(step[0] == "power" for step in tape.steps)


OTHERS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: x[0] ** 5, "power(x0, 5)"),
    (lambda x: x[0] ** -5, "power(x0, -5)"),
    (lambda x: x[0] ** 1.5, "power(x0, 1.5)"),
    (lambda x: x[0] ** 2.5, "power(x0, 2.5)"),
    (lambda x: x[0] ** math.nextafter(2.0, 3.0), "power(x0, 2)"),  # which is not quite 2
    (lambda x: x[0] ** (1 / 3), "power(x0, 0.333333)"),
    (lambda x: x[0] ** inf, "power(x0, inf)"),
    (lambda x: x[0] ** nan, "power(x0, nan)"),
    (lambda x: x[0] ** x[1], "power(x0, x1)"),
    (lambda x: x[0] ** Value(2.0), "power(x0, p0)"),  # it may change
    (lambda x: 2.0 ** x[0], "power(2, x0)"),
    (lambda x: x[0] * x[0], "multiply(x0, x0)"),
    (lambda x: x[0].sqrt(), "sqrt(x0)"),
]


def test_other_powers_stay():
    for function, expected in OTHERS:
        before, (output,) = traced(function)
        assert spelled(before, output) == expected
        tape, (output,) = expand_powers(before, [output])
        assert spelled(tape, output) == expected
        assert (tape is before) == ("power" not in expected), "a tape without powers is left as it is"


@operation(lambda out, x: (x**4,))
def cube(x: Any) -> Any:
    return x**3


WITHIN: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: exp(x[0] ** 2 + x[1]) * x[2] ** 5, "multiply(exp(add(multiply(x0, x0), x1)), power(x2, 5))"),
    (lambda x: (x[0] ** 2) ** -1, "divide(1, multiply(x0, x0))"),
    (lambda x: (x[0] * Value(3.0)) ** 2, "multiply(multiply(x0, p0), multiply(x0, p0))"),
    (lambda x: Value(3.0) ** 2 * x[0], "multiply(multiply(p0, p0), x0)"),
    (lambda x: where(x[0] ** 2 > 1, x[1] ** -1, x[2]), "where(greater(multiply(x0, x0), 1), divide(1, x1), x2)"),
    (lambda x: stop_gradient(x[0] ** 2), "stop_gradient(multiply(x0, x0))"),
    (lambda x: x[0] ** 0 + x[1], "add(power(x0, 0), x1)"),
    (lambda x: x[0] ** 2 - x[0] * x[0], "subtract(multiply(x0, x0), multiply(x0, x0))"),
    (
        lambda x: cube(x[0]),
        "rule(multiply(multiply(x0, x0), x0), x0, multiply(multiply(x0, x0), multiply(x0, x0)))",
    ),
]


def test_powers_are_spelled_out_wherever_they_stand():
    for function, expected in WITHIN:
        tape, (output,) = expanded(function)
        assert spelled(tape, output) == expected


def test_equal_steps_are_one_afterwards():
    tape, (square, product, fourth) = expanded(lambda x: [x[0] ** 2, x[0] * x[0], x[0] ** 4])
    assert square == product and tape.steps[fourth] == ("multiply", square, square)


def test_constants_keep_every_bit():
    tape, outputs = expanded(lambda x: [x[0] ** 2, x[0] / -0.0, x[0] / 0.0, x[0] * nan, x[0] / 0.1])
    numbers = [tape.constant_of(tape.steps[output][2]) for output in outputs[1:]]
    assert list(map(repr, numbers)) == ["-0.0", "0.0", "nan", "0.1"]


def test_labels_and_parameters_survive():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    square = b**2
    square.label = "b squared"

    def function(x: Any) -> Any:
        base, power = x[0] * a, (x[0] * a) ** 3
        base.label, power.label, x[1].label = "base", "power", "input"
        return [power + square, x[1]]

    before, outputs = traced(function)
    tape, results = expand_powers(before, outputs)
    assert tape.parameters == before.parameters == [a, b]
    assert {label: spelled(tape, number) for number, label in tape.labels.items()} == {
        "base": "multiply(x0, p0)",
        "power": "multiply(multiply(multiply(x0, p0), multiply(x0, p0)), multiply(x0, p0))",
        "b squared": "multiply(p1, p1)",
        "input": "x1",
    }
    assert spelled(tape, results[1]) == "x1"
    assert "power(" in repr(before), "the tape that was given stays as it is"


def test_layers_stay_layers():
    w = [Value(0.5), Value(-0.25)]
    tape, outputs = find_layers(*traced(lambda x: (w[0] * x[0] + w[1] * x[1]) ** 2))
    tape, (output,) = expand_powers(tape, outputs)
    kind, first, second = tape.steps[output]
    assert kind == "multiply" and first == second
    assert [step[0] for step in tape.steps if type(step[0]) is Affine] == [Affine(2, 1, "")]


# ------------------------------------------------------------------------------------------------------------- numbers


def same(found: float, expected: float) -> bool:
    if math.isnan(expected) or math.isnan(found):
        return math.isnan(expected) and math.isnan(found)
    if found == expected:
        return math.copysign(1.0, found) == math.copysign(1.0, expected)
    return abs(found - expected) <= 4e-16 * abs(expected)


@pytest.mark.parametrize("exponent", SPELLED)
def test_the_numbers_are_those_of_the_power(exponent):
    """In IEEE arithmetic, step by step."""
    tape, (output,) = expanded(lambda x: x[0] ** exponent, 1)
    for point, found in zip(POINTS, computed(tape, [[point] for point in POINTS])[output], strict=True):
        assert same(found, OPERATIONS["power"].forward(IEEE(point), exponent)), (point, found)


@pytest.mark.parametrize("exponent", SPELLED)
def test_compiled_powers_are_those_of_python(exponent, kernels):
    f = autograd.compile(lambda x: x**exponent)
    expected = [float(IEEE(point) ** exponent) for point in POINTS]
    rows = f.batch([[point] for point in POINTS], errors="nan")
    for point, found, right in zip(POINTS, rows.tolist(), expected, strict=True):
        assert same(found, right), (point, found, right)
        assert same(f.batch([[point]], errors="nan").item(), right), point


@pytest.mark.parametrize("exponent", SPELLED)
def test_compiled_powers_raise_where_python_does(exponent, kernels):
    f = autograd.compile(lambda x: x**exponent)
    for point in POINTS:
        try:
            expected = f"{(Value(point) ** exponent).data!r}"
        except (ArithmeticError, ValueError) as error:
            first = str(error).split("\n")[0].rstrip(".")
            with pytest.raises(type(error)) as one:
                f(point)
            with pytest.raises(type(error)) as many:
                f.batch([[1.0]] * 9 + [[point]])
            assert str(one.value).split("\n")[0].rstrip(".") == first
            assert str(many.value).split("\n")[0] == f"{first}, in row 9."
        else:
            assert same(f(point), float(expected)) and same(f.batch([[1.0], [point]])[1], float(expected)), point


def test_ordinary_numbers_are_within_a_few_ulp():
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.uniform(-3, 3, 1000), 10.0 ** generator.uniform(-60, 60, 1000)]).tolist()
    for exponent in SPELLED:
        tape, (output,) = expanded(lambda x, y=exponent: x[0] ** y, 1)
        rows = [number for number in x if number > 0 or exponent.is_integer()]
        for number, found in zip(rows, computed(tape, [[number] for number in rows])[output], strict=True):
            assert abs(found - number**exponent) <= 1e-15 * abs(number**exponent), (number, exponent)


# --------------------------------------------------------------------------------------------------------------- forms

FORMS: dict[str, Callable[[Tape, list[int], bool], Form]] = {
    "values": lambda tape, outputs, native: forms.values(tape, outputs, True, native),
    "values of one row": lambda tape, outputs, native: forms.values(tape, outputs, False, native),
    "gradients": lambda tape, outputs, native: forms.input_gradients(tape, outputs, 3, True, native),
    "gradients of one row": lambda tape, outputs, native: forms.input_gradients(tape, outputs, 3, False, native),
    "backward": lambda tape, outputs, native: forms.parameter_gradient(tape, outputs[0], None, native),
    "raising": lambda tape, outputs, native: forms.raising(tape, outputs, True, native),
}


@pytest.mark.parametrize("name", FORMS)
def test_programs_in_c_have_products_and_those_in_python_powers(name):
    def exponents(native: bool) -> set[float]:
        tape = FORMS[name](*traced(lambda x: (x[0] * w) ** 4 + (x[1] * w) ** 7), native).tape
        return {tape.steps[step[2]][1] for step in tape.steps if step[0] == "power"}

    w = Value(2.0)
    derivatives = {3.0, 6.0} if name in ("gradients", "gradients of one row", "backward") else set()
    assert exponents(native=False) == {4.0, 7.0} | derivatives
    assert exponents(native=True) == ({4.0, 7.0} | derivatives) - POWERS.keys()
