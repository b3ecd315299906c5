"""Every row of OPERATIONS: its value and its first, second and third derivatives against mpmath at 50 digits.

One `Case` for each row says at which points it is judged; what it is in mathematics stands in `benchmarks.references`,
and what it is at kinks, ties, signed zeros, infinities and NaN in test_edges. Errors are counted in ulp, units in the
last place of the exact result.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

import autograd
from autograd import OPERATIONS, Value
from benchmarks.references import REFERENCES, Reference, as_tuple, conditions, leaky_relu_of, mp, power_of, ulps

VALUE, FIRST, SECOND, THIRD = 2, 4, 8, 16  # the bars, in ulp; from the second derivative on times the conditioning


def spread(low: float, high: float, count: int = 60) -> list[float]:
    """Magnitudes from low to high, evenly spaced in the exponent."""
    a, b = math.log10(low), math.log10(high)
    return [low, *(10 ** (a + (b - a) * i / (count - 1)) for i in range(1, count - 1)), high]


def both_signs(magnitudes: Iterable[float]) -> list[float]:
    return [x for magnitude in magnitudes for x in (-magnitude, magnitude)]


def pairs(magnitudes: Iterable[float]) -> list[tuple[float, ...]]:
    return list(product(both_signs(magnitudes), repeat=2))


EVERYWHERE = both_signs([*spread(1e-300, 1e300), 1e-8, 0.1, 0.5, 1.0, 2.0, 3.0, 700.0, 1e8])
MODERATE = both_signs([*spread(1e-300, 700.0), *spread(1e-3, 40.0), 1e-8, 0.5, 1.0])
UNIT_INTERVAL = both_signs([*spread(1e-300, 0.999), *spread(1e-3, 0.999), 0.5, *(1 - x for x in spread(2e-16, 0.1))])
PAIRS = [*pairs([1e-300, 1e-8, 0.1, 0.7, 1.3, 3.0, 700.0, 1e8]), (1e300, -1e-5), (1e-8, 1e300), (-1e150, 1e150)]
POSITIVE_POWERS = [
    (x, exponent / math.log(x))
    for x in [1e-300, 1e-8, 0.3, 0.999, 1.001, 1.7, 20.0, 1e8, 1e300]
    for exponent in [-690.0, -40.0, -1.5, -0.01, 1e-12, 0.3, 2.0, 30.0, 690.0]
] + [(x, y) for x in [0.3, 1.0, 2.0, 7.7] for y in [1e-300, -1e-8, 0.5, 1.0, -1.0, 2.0, 3.0, 17.0, -20.5]]
# Not among these: operands whose logsumexp is close to 0. There the largest operand cancels against a logarithm, and
# no sum of doubles keeps the digits.
LOGITS = [
    (0.3,), (0.5, 0.25), (3.0, -2.0), (-5.0, -7.5), (40.0, 0.1), (0.1, 300.7), (-700.3, -1.5), (1e8, 1e8 + 1.5),
    (1e-8, 1e-300), (1.0, 1.0), (0.1, 0.2, 0.3), (7.7, 7.7, -7.7), (33.3, -0.7, 12.9), (1000.1, 999.9, 0.1, -1000.0),
    (2.0, 2.0, 2.0, 2.0, 2.0), (-40.1, 0.3, 35.7, 20.2, 35.6), (0.0, -40.0), (-40.0, 0.0, -50.0),
]  # fmt: skip
# log_softmax near its zero and far from it.
FAR = [(30.0, 0.1), (700.3, -0.7), (-700.3, 0.7), (1000.0, 300.5, 299.9), (-50.0, 0.1, 0.3), (0.1, 20.2, -35.5, -1.0)]


@dataclass(frozen=True)
class Case:
    """Where a row is judged. A single number stands for a tuple of one operand."""

    name: str
    points: Sequence[Any]
    call: Callable[..., Any] | None = None  # another spelling than OPERATIONS[name], for a parametrised operation
    reference: Reference | None = None
    note: str = ""

    def __call__(self, *operands: Any) -> Any:
        return (self.call or OPERATIONS[self.name])(*operands)

    def __str__(self) -> str:
        return f"{self.name} {self.note}".rstrip()

    @property
    def exact(self) -> Reference:
        return self.reference or REFERENCES[self.name]


def power_case(exponent: float) -> Case:
    """x ** exponent for a plain number, over every x whose power and slopes are ordinary doubles."""
    limit = 290 / max(1.0, abs(exponent - 2), abs(exponent))
    magnitudes = [*spread(10**-limit, 10**limit), 0.999, 1.001, 1.7]
    points = both_signs(magnitudes) if float(exponent).is_integer() else magnitudes
    return Case("power", points, lambda x: x**exponent, power_of(exponent), f"x ** {exponent!r}")


def leaky_relu_case(slope: float) -> Case:
    call = lambda x: autograd.leaky_relu(x, slope=slope)  # noqa: E731
    return Case("leaky_relu", EVERYWHERE, call, leaky_relu_of(slope), f"slope {slope}")


PAIRWISE = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
ANYWHERE = ["identity", "negative", "absolute", "relu", "leaky_relu", "sin", "cos", "arctan"]
CASES = [
    *(Case(name, EVERYWHERE) for name in ANYWHERE),
    *(Case(name, PAIRS) for name in PAIRWISE),
    Case("power", [*POSITIVE_POWERS, (0.5, 0.0), (1.0, 0.0), (2.0, 0.0)]),
    *map(power_case, [2.5, 2, 3, 1, 0, 0.5, 0.1, -1, -2.7, 1 + 2**-40, 51]),
    *map(leaky_relu_case, [0.25, -2.0]),
    Case("exp", [*MODERATE, 709.7, -740.0, -800.0, -1e8]),
    Case("expm1", [*MODERATE, 709.7, -740.0, -1e8]),
    Case("log", [*spread(1e-300, 1e300), *spread(0.5, 2.0), 5e-324, 1 - 1e-12, 1 + 1e-12]),
    Case("log1p", [x for x in EVERYWHERE if x > -1] + [-1 + x for x in spread(2**-53, 0.9)]),
    Case("sqrt", [*spread(1e-300, 1e300), 5e-324, 0.1, 2.0]),
    Case("tan", [*EVERYWHERE, math.pi / 2, -math.pi / 2, math.pi, 1.57, 1.5707963]),
    *(Case(name, [*UNIT_INTERVAL, 1 - 1e-12, 1e-12 - 1]) for name in ["arcsin", "arccos"]),
    *(Case(name, [*MODERATE, 710.4, -710.4]) for name in ["sinh", "cosh"]),
    Case("sech", [*MODERATE, 744.0, -744.0, 1e8]),
    # Between 26.6 and 27.3 the value is subnormal: 2 x, up to 55, multiplies what it has lost already.
    Case("gaussian", both_signs([*spread(1e-300, 26.0), *spread(0.01, 26.0), 26.6, 30.0, 99.9, 100.1, 1e8, 1e300])),
    *(Case(name, [*MODERATE, 1e8, -1e8]) for name in ["tanh", "sigmoid", "softplus"]),
    Case("erf", both_signs([*spread(1e-300, 26.0), *spread(0.01, 26.0), 30.0, 1e8, 1e300])),
    Case("logsumexp", LOGITS, lambda *xs: autograd.logsumexp(xs)),
    Case("log_softmax", [*LOGITS, *FAR], lambda *xs: autograd.log_softmax(xs)[0]),
]

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def partials(call: Callable[..., Any], operands: Sequence[float]) -> list[float]:
    leaves = [Value(x) for x in operands]
    call(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def test_the_cases_are_the_rows():
    assert {case.name for case in CASES} == set(OPERATIONS)


@each_case
def test_value(case: Case):
    misses = {}
    for operands in map(as_tuple, case.points):
        number = case(*operands)
        assert type(number) is float
        assert case(*map(Value, operands)).data == number, operands
        error = ulps(number, case.exact.value(*map(mp.mpf, operands)))
        if error > VALUE:
            misses[operands] = error
    assert not misses, f"ulp off, by operands: {misses}"


@each_case
def test_first_derivative(case: Case):
    misses = {}
    for operands in map(as_tuple, case.points):
        exact = as_tuple(case.exact.first(*map(mp.mpf, operands)))
        errors = list(map(ulps, partials(case, operands), exact))
        if max(errors) > FIRST:
            misses[operands] = errors
    assert not misses, f"ulp off, by operands: {misses}"


def flat(x: Any) -> list[float]:
    return [number for part in x for number in flat(part)] if isinstance(x, list) else [x]


def misses(points: Iterable[Any], found: Callable[..., Any], exact: Callable[..., Any], bar: float) -> dict[Any, Any]:
    """(ulp off, ulp allowed) for each derivative, by the operands where one is off by more."""
    misses = {}
    for operands in map(as_tuple, points):
        at = [mp.mpf(x) for x in operands]
        allowed = [bar * max(1.0, condition) for condition in conditions(exact, at)]
        errors = list(map(ulps, flat(found(list(operands))), as_tuple(exact(*at))))
        if any(error > most for error, most in zip(errors, allowed)):
            misses[operands] = list(zip(errors, allowed))
    return misses


@each_case
def test_second_derivative(case: Case):
    assert not misses(case.points, autograd.hessian(lambda xs: case(*xs)), case.exact.second, SECOND)


@each_case
def test_third_derivative(case: Case):
    # Farther out the terms of a third derivative overflow where their sum would not. Nearly equal logits are left out
    # as well: p (1 - p) (1 - 2 p) vanishes there, and doubles p do not keep 1 - 2 p.
    ordinary = [point for point in case.points if all(x == 0 or 1e-200 < abs(x) < 1e200 for x in as_tuple(point))]
    third = autograd.jacobian(autograd.hessian(lambda xs: case(*xs)))
    assert not misses(ordinary[::4], third, case.exact.third, THIRD)


OPERATORS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "negative": operator.neg, "absolute": operator.abs,
}  # fmt: skip
SPELLED_OTHERWISE = {name: getattr(Value, name) for name in OPERATIONS if hasattr(Value, name)} | OPERATORS


def test_every_operation_is_an_operator_or_a_method_but_these():
    assert set(OPERATIONS) - set(SPELLED_OTHERWISE) == {"maximum", "minimum", "logsumexp", "log_softmax"}


@pytest.mark.parametrize("case", [c for c in CASES if c.name in SPELLED_OTHERWISE and c.call is None], ids=str)
def test_operators_and_methods_are_the_row(case: Case):
    """v.exp(), v * w, v * 2.0 and 2.0 * v record the same numbers as OPERATIONS[name]."""
    way = SPELLED_OTHERWISE[case.name]
    for operands in map(as_tuple, case.points):
        value, slopes = case(*operands), partials(case, operands)
        assert way(*map(Value, operands)).data == value, operands
        assert partials(way, operands) == slopes, operands
        if len(operands) == 2:
            a, b = operands
            assert way(Value(a), b).data == way(a, Value(b)).data == value, operands
            assert partials(lambda x, b=b: way(x, b), [a]) == slopes[:1], operands
            assert partials(lambda y, a=a: way(a, y), [b]) == slopes[1:], operands
