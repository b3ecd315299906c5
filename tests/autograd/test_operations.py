"""Every row of OPERATIONS: its value and its first and second derivatives against mpmath at 50 digits, its domain and
its kinks.

One `Case` for each row says what the operation is in mathematics, at which points it is judged, where it raises, and
what it is, exactly, where no formula decides: at kinks, ties, signed zeros, infinities and NaN. Errors are counted in
ulp, units in the last place of the exact result.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import pytest

import autograd
from autograd import OPERATIONS, Value

mp = mpmath.MPContext()  # a context of our own: mpmath's global one belongs to everybody
mp.dps = 50
STEP = mp.mpf(10) ** -20  # a relative change of an operand that 50 digits resolve

VALUE, FIRST, SECOND = 2, 4, 8  # the bars, in ulp
inf, nan = math.inf, math.nan
AT_NAN = (nan, nan, nan)


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
    (2.0, 2.0, 2.0, 2.0, 2.0), (-40.1, 0.3, 35.7, 20.2, 35.6),
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What a row is in mathematics. A single number stands for a tuple of one: operands, partials and second partials
    alike. Second partials are in row order: xx, xy, yx, yy."""

    name: str
    reference: Callable[..., Any]
    first: Callable[..., Any]
    second: Callable[..., Any]
    points: Sequence[Any]
    raises: Mapping[type[Exception], Sequence[Any]] = field(default_factory=dict)
    kinks: Sequence[tuple[Any, float, Any]] = ()  # (operands, value, partials)
    call: Callable[..., Any] | None = None  # another spelling than OPERATIONS[name], for a parametrised operation
    note: str = ""

    def __call__(self, *operands: Any) -> Any:
        return (self.call or OPERATIONS[self.name])(*operands)

    def __str__(self) -> str:
        return f"{self.name} {self.note}".rstrip()


def power_case(exponent: float, kinks: Sequence[tuple[Any, float, Any]], **more: Any) -> Case:
    """x ** exponent for a plain number, over every x whose power and slopes are ordinary doubles."""
    limit = 290 / max(1.0, abs(exponent - 2), abs(exponent))
    magnitudes = [*spread(10**-limit, 10**limit), 0.999, 1.001, 1.7]
    n = mp.mpf(exponent)
    return Case(
        "power",
        lambda x: x**n,
        lambda x: n * x ** (n - 1),
        lambda x: n * (n - 1) * x ** (n - 2),
        points=both_signs(magnitudes) if float(exponent).is_integer() else magnitudes,
        kinks=kinks,
        call=lambda x: x**exponent,
        note=f"x ** {exponent!r}",
        **more,
    )


def leaky_relu_case(slope: float, **more: Any) -> Case:
    return Case(
        "leaky_relu",
        lambda x: x if x > 0 else mp.mpf(slope) * x,
        lambda x: 1 if x > 0 else slope,
        lambda x: 0,
        points=EVERYWHERE,
        kinks=[(zero, zero * slope, slope) for zero in (0.0, -0.0)]
        + [(inf, inf, 1), (-inf, -inf * slope, slope), AT_NAN],
        **more,
    )


def sech2(x: Any) -> Any:
    return mp.sech(x) ** 2


def bell(x: Any) -> Any:
    return mp.exp(-x * x)


def softmax(*xs: Any) -> list[Any]:
    partition = mp.fsum(map(mp.exp, xs))
    return [mp.exp(x) / partition for x in xs]


def softmax_slopes(*xs: Any) -> list[Any]:
    """d softmax_i / d x_j = s_i (delta_ij - s_j), with 1 - s_i as the sum of the others: nothing cancels."""
    s = softmax(*xs)
    return [
        a * (mp.fsum(s[:i] + s[i + 1 :]) if i == j else -b) for (i, a), (j, b) in product(enumerate(s), enumerate(s))
    ]


OUTSIDE_THE_UNIT_INTERVAL = {ValueError: [-2.0, -1.0000000000000002, 1.0000000000000002, inf, -inf]}
NOT_FINITE = {ValueError: [inf, -inf]}

CASES = [
    Case("identity", lambda x: x, lambda x: 1, lambda x: 0, EVERYWHERE,
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, inf, 1), (nan, nan, 1)]),
    Case("add", lambda a, b: a + b, lambda a, b: (1, 1), lambda a, b: (0, 0, 0, 0), PAIRS,
         kinks=[((-0.0, -0.0), -0.0, (1, 1)), ((inf, -inf), nan, (1, 1)), ((nan, 1.0), nan, (1, 1)),
                ((1e308, 1e308), inf, (1, 1))]),
    Case("subtract", lambda a, b: a - b, lambda a, b: (1, -1), lambda a, b: (0, 0, 0, 0), PAIRS,
         kinks=[((0.0, 0.0), 0.0, (1, -1)), ((-0.0, 0.0), -0.0, (1, -1)), ((inf, inf), nan, (1, -1)),
                ((1.0, nan), nan, (1, -1))]),
    Case("multiply", lambda a, b: a * b, lambda a, b: (b, a), lambda a, b: (0, 1, 1, 0), PAIRS,
         kinks=[((0.0, -3.0), -0.0, (-3, 0)), ((0.0, inf), nan, (inf, 0)), ((nan, 2.0), nan, (2, nan)),
                ((1e200, 1e200), inf, (1e200, 1e200))]),
    Case("divide", lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2),
         lambda a, b: (0, -1 / b**2, -1 / b**2, 2 * a / b**3), PAIRS,
         raises={ZeroDivisionError: [(1.0, 0.0), (0.0, 0.0), (-1.0, -0.0)]},
         kinks=[((0.0, 2.0), 0.0, (0.5, 0)), ((0.0, -2.0), -0.0, (-0.5, 0)), ((3.0, inf), 0.0, (0, 0)),
                ((inf, 2.0), inf, (0.5, -inf)), ((inf, inf), nan, (0, nan)), ((nan, 2.0), nan, (0.5, nan)),
                ((1.0, nan), nan, (nan, nan)), ((1.0, 1e-320), inf, (inf, -inf))]),
    Case("power", lambda x, y: x**y, lambda x, y: (y * x ** (y - 1), x**y * mp.log(x)),
         lambda x, y: (y * (y - 1) * x ** (y - 2), *2 * [x ** (y - 1) * (1 + y * mp.log(x))], x**y * mp.log(x) ** 2),
         POSITIVE_POWERS,
         raises={ZeroDivisionError: [(0.0, -1.0), (-0.0, -0.5)], ValueError: [(-8.0, 0.5), (-2.0, -1.5)],
                 OverflowError: [(10.0, 400.0), (-10.0, 401.0)]},
         kinks=[((0.0, 0.0), 1.0, (0, 0)), ((0.0, 2.0), 0.0, (0, 0)), ((0.0, 1.0), 0.0, (1, 0)),
                ((0.0, 0.5), 0.0, (inf, 0)), ((-0.0, 3.0), -0.0, (0, 0)), ((-0.0, 2.0), 0.0, (0, 0)),
                ((-2.0, 3.0), -8.0, (12, nan)), ((-2.0, 2.0), 4.0, (-4, nan)), ((-2.0, 0.0), 1.0, (0, nan)),
                ((-2.0, -1.0), -0.5, (-0.25, nan)), ((5.0, 0.0), 1.0, (0, math.log(5.0))), ((1.0, 7.0), 1.0, (7, 0)),
                ((inf, 2.0), inf, (inf, inf)), ((inf, -1.0), 0.0, (0, nan)), ((2.0, inf), inf, (inf, inf)),
                ((2.0, -inf), 0.0, (nan, 0)), ((nan, 2.0), nan, (nan, nan)), ((nan, 0.0), 1.0, (0, nan)),
                ((2.0, nan), nan, (nan, nan)), ((1.0, nan), 1.0, (nan, 0)), ((0.0, nan), nan, (nan, nan))]),
    power_case(2.5, [(0.0, 0.0, 0), (-0.0, 0.0, 0), (inf, inf, inf), AT_NAN],
               raises={ValueError: [-1.0], OverflowError: [1e200]}),
    power_case(2, [(0.0, 0.0, 0), (-0.0, 0.0, 0), (-inf, inf, -inf), AT_NAN], raises={OverflowError: [-1e200]}),
    power_case(3, [(0.0, 0.0, 0), (-0.0, -0.0, 0), (-2.0, -8.0, 12), (-inf, -inf, inf), AT_NAN]),
    power_case(1, [(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, inf, 1), (nan, nan, 1)]),
    power_case(0, [(0.0, 1.0, 0), (-0.0, 1.0, 0), (-2.0, 1.0, 0), (inf, 1.0, 0), (nan, 1.0, 0)]),
    power_case(0.5, [(0.0, 0.0, inf), (inf, inf, 0), AT_NAN], raises={ValueError: [-1.0]}),
    power_case(0.1, [(0.0, 0.0, inf), (inf, inf, 0), AT_NAN], raises={ValueError: [-1.0]}),
    power_case(-1, [(inf, 0.0, 0), (-inf, -0.0, 0), AT_NAN], raises={ZeroDivisionError: [0.0, -0.0]}),
    power_case(-2.7, [(inf, 0.0, 0), AT_NAN], raises={ZeroDivisionError: [0.0], ValueError: [-1.0]}),
    power_case(1 + 2**-40, [(0.0, 0.0, 0), AT_NAN]),
    power_case(51, [(0.0, 0.0, 0), (-1.0, -1.0, 51), AT_NAN], raises={OverflowError: [-1e7]}),
    Case("negative", lambda x: -x, lambda x: -1, lambda x: 0, EVERYWHERE,
         kinks=[(0.0, -0.0, -1), (-0.0, 0.0, -1), (inf, -inf, -1), (nan, nan, -1)]),
    Case("absolute", abs, mp.sign, lambda x: 0, EVERYWHERE,
         kinks=[(0.0, 0.0, 0), (-0.0, 0.0, 0), (-inf, inf, -1), AT_NAN]),
    Case("maximum", max, lambda a, b: (0.5, 0.5) if a == b else (a > b, a < b), lambda a, b: (0, 0, 0, 0), PAIRS,
         kinks=[((2.0, 2.0), 2.0, (0.5, 0.5)), ((0.0, 0.0), 0.0, (0.5, 0.5)), ((inf, inf), inf, (0.5, 0.5)),
                ((-inf, 1.0), 1.0, (0, 1)), ((nan, 1.0), nan, (nan, nan)), ((1.0, nan), nan, (nan, nan))]),
    Case("minimum", min, lambda a, b: (0.5, 0.5) if a == b else (a < b, a > b), lambda a, b: (0, 0, 0, 0), PAIRS,
         kinks=[((2.0, 2.0), 2.0, (0.5, 0.5)), ((0.0, 0.0), 0.0, (0.5, 0.5)), ((-inf, -inf), -inf, (0.5, 0.5)),
                ((-inf, 1.0), -inf, (1, 0)), ((nan, 1.0), nan, (nan, nan)), ((1.0, nan), nan, (nan, nan))]),
    Case("exp", mp.exp, mp.exp, mp.exp, [*MODERATE, 709.7, -740.0, -800.0, -1e8],
         raises={OverflowError: [709.8, 1e300]},
         kinks=[(0.0, 1.0, 1), (inf, inf, inf), (-inf, 0.0, 0), AT_NAN]),
    Case("expm1", mp.expm1, mp.exp, mp.exp, [*MODERATE, 709.7, -740.0, -1e8],
         raises={OverflowError: [709.8, 1e300]},
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, inf, inf), (-inf, -1.0, 0), AT_NAN]),
    Case("log", mp.log, lambda x: 1 / x, lambda x: -1 / x**2,
         [*spread(1e-300, 1e300), *spread(0.5, 2.0), 5e-324, 1 - 1e-12, 1 + 1e-12],
         raises={ValueError: [-1.0, 0.0, -0.0, -inf]},
         kinks=[(1.0, 0.0, 1), (inf, inf, 0), (5e-324, math.log(5e-324), inf), AT_NAN]),
    Case("log1p", mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2,
         [x for x in EVERYWHERE if x > -1] + [-1 + x for x in spread(2**-53, 0.9)],
         raises={ValueError: [-1.0, -2.0, -inf]},
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, inf, 0), AT_NAN]),
    Case("sqrt", mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), lambda x: -1 / (4 * x * mp.sqrt(x)),
         [*spread(1e-300, 1e300), 5e-324, 0.1, 2.0],
         raises={ValueError: [-1.0, -5e-324, -inf]},
         kinks=[(0.0, 0.0, inf), (-0.0, -0.0, -inf), (inf, inf, 0), AT_NAN]),
    Case("sin", mp.sin, mp.cos, lambda x: -mp.sin(x), EVERYWHERE, raises=NOT_FINITE,
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), AT_NAN]),
    Case("cos", mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x), EVERYWHERE, raises=NOT_FINITE,
         kinks=[(0.0, 1.0, 0), AT_NAN]),
    Case("tan", mp.tan, lambda x: mp.sec(x) ** 2, lambda x: 2 * mp.tan(x) * mp.sec(x) ** 2,
         [*EVERYWHERE, math.pi / 2, -math.pi / 2, math.pi, 1.57, 1.5707963], raises=NOT_FINITE,
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), AT_NAN]),
    Case("arcsin", mp.asin, lambda x: 1 / mp.sqrt(1 - x * x), lambda x: x / mp.sqrt(1 - x * x) ** 3,
         [*UNIT_INTERVAL, 1 - 1e-12, 1e-12 - 1], raises=OUTSIDE_THE_UNIT_INTERVAL,
         kinks=[(1.0, math.pi / 2, inf), (-1.0, -math.pi / 2, inf), (0.0, 0.0, 1), (-0.0, -0.0, 1), AT_NAN]),
    Case("arccos", mp.acos, lambda x: -1 / mp.sqrt(1 - x * x), lambda x: -x / mp.sqrt(1 - x * x) ** 3,
         [*UNIT_INTERVAL, 1 - 1e-12, 1e-12 - 1], raises=OUTSIDE_THE_UNIT_INTERVAL,
         kinks=[(1.0, 0.0, -inf), (-1.0, math.pi, -inf), (0.0, math.pi / 2, -1), AT_NAN]),
    Case("arctan", mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, EVERYWHERE,
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, math.pi / 2, 0), (-inf, -math.pi / 2, 0), AT_NAN]),
    Case("sinh", mp.sinh, mp.cosh, mp.sinh, [*MODERATE, 710.4, -710.4],
         raises={OverflowError: [711.0, -711.0]},
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, inf, inf), (-inf, -inf, inf), AT_NAN]),
    Case("cosh", mp.cosh, mp.sinh, mp.cosh, [*MODERATE, 710.4, -710.4],
         raises={OverflowError: [711.0, -711.0]},
         kinks=[(0.0, 1.0, 0), (inf, inf, inf), (-inf, inf, -inf), AT_NAN]),
    Case("sech", mp.sech, lambda x: -mp.sech(x) * mp.tanh(x), lambda x: mp.sech(x) * (1 - 2 * sech2(x)),
         [*MODERATE, 744.0, -744.0, 1e8], kinks=[(0.0, 1.0, 0), (inf, 0.0, 0), (-inf, 0.0, 0), AT_NAN]),
    Case("gaussian", bell, lambda x: -2 * x * bell(x), lambda x: (4 * x * x - 2) * bell(x),
         # Between 26.6 and 27.3 the value is subnormal: 2 x, up to 55, multiplies what it has lost already.
         both_signs([*spread(1e-300, 26.0), *spread(0.01, 26.0), 26.6, 30.0, 99.9, 100.1, 1e8, 1e300]),
         kinks=[(0.0, 1.0, 0), (inf, 0.0, 0), (-inf, 0.0, 0), AT_NAN]),
    Case("tanh", mp.tanh, sech2, lambda x: -2 * mp.tanh(x) * sech2(x), [*MODERATE, 1e8, -1e8],
         kinks=[(0.0, 0.0, 1), (-0.0, -0.0, 1), (inf, 1.0, 0), (-inf, -1.0, 0), AT_NAN]),
    Case("sigmoid", lambda x: 1 / (1 + mp.exp(-x)), lambda x: sech2(x / 2) / 4,
         lambda x: -mp.tanh(x / 2) * sech2(x / 2) / 4, [*MODERATE, 1e8, -1e8],
         kinks=[(0.0, 0.5, 0.25), (inf, 1.0, 0), (-inf, 0.0, 0), AT_NAN]),
    Case("relu", lambda x: max(x, 0), lambda x: x > 0, lambda x: 0, EVERYWHERE,
         kinks=[(0.0, 0.0, 0), (-0.0, 0.0, 0), (inf, inf, 1), (-inf, 0.0, 0), AT_NAN]),
    Case("softplus", lambda x: mp.log1p(mp.exp(x)), lambda x: 1 / (1 + mp.exp(-x)), lambda x: sech2(x / 2) / 4,
         [*MODERATE, 1e8, -1e8],
         kinks=[(1e308, 1e308, 1), (-1e308, 0.0, 0), (inf, inf, 1), (-inf, 0.0, 0), AT_NAN]),
    Case("erf", mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * bell(x), lambda x: -4 * x / mp.sqrt(mp.pi) * bell(x),
         both_signs([*spread(1e-300, 26.0), *spread(0.01, 26.0), 30.0, 1e8, 1e300]),
         kinks=[(0.0, 0.0, 2 / math.sqrt(math.pi)), (inf, 1.0, 0), (-inf, -1.0, 0), AT_NAN]),
    Case("logsumexp", lambda *xs: mp.log(mp.fsum(map(mp.exp, xs))), softmax, softmax_slopes, LOGITS,
         call=lambda *xs: autograd.logsumexp(xs),
         kinks=[((2.0,), 2.0, 1), ((0.0, 0.0), math.log(2.0), (0.5, 0.5)), ((1e308, 1e308), 1e308, (0.5, 0.5)),
                ((-1e308, 1e308), 1e308, (0, 1)), ((-inf, 3.0), 3.0, (0, 1)), ((nan, 1.0), nan, (nan, nan)),
                ((1.0, nan), nan, (nan, nan)), ((inf, 1.0), inf, (nan, nan))]),
    leaky_relu_case(0.01),
    leaky_relu_case(0.25, call=lambda x: autograd.leaky_relu(x, 0.25), note="slope 0.25"),
    leaky_relu_case(-2.0, call=lambda x: autograd.leaky_relu(x, slope=-2.0), note="slope -2"),
]  # fmt: skip

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def as_tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def ulps(number: float, exact: Any) -> float:
    """How far a double is from the exact result, in units of its last place: of the smallest double for subnormals."""
    rounded = float(mp.mpf(exact))
    if not math.isfinite(number) or math.isinf(rounded):
        return 0.0 if number == rounded else inf
    return float(abs(mp.mpf(number) - exact) / mp.mpf(math.ulp(rounded)))


def same(a: float, b: float) -> bool:
    """The same double, the sign of a zero and NaN included."""
    return repr(float(a)) == repr(float(b))


def partials_by_backward(call: Callable[..., Any], operands: Sequence[float]) -> list[float]:
    leaves = [Value(x) for x in operands]
    call(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def partials(case: Case, operands: Sequence[float]) -> list[float]:
    """The first derivatives, the same to the bit from `backward`, from `grad` at numbers and from `grad` at Values."""
    gradient = autograd.grad(case, tuple(range(len(operands))))
    ways = [
        partials_by_backward(case, operands),
        gradient(*operands),
        [partial.data for partial in gradient(*map(Value, operands))],
    ]
    # + 0.0 drops the sign of a zero slope, which says nothing.
    backward, *others = [[partial + 0.0 for partial in way] for way in ways]
    for other in others:
        assert all(map(same, backward, other)), f"{case} at {operands}: backward {backward}, grad {other}"
    return backward


def conditions(case: Case, operands: Sequence[Any]) -> list[float]:
    """For each second partial f'': by how many times a relative change of the operands moves it, sum |x f''' / f''|."""
    at = as_tuple(case.second(*operands))
    totals = [0.0] * len(at)
    for i, x in enumerate(operands):
        moved = as_tuple(case.second(*operands[:i], x * (1 + STEP), *operands[i + 1 :]))
        for k, (before, after) in enumerate(zip(at, moved)):
            totals[k] += float(abs(after - before) / abs(before) / STEP) if before else 0.0
    return totals


def test_the_cases_are_the_rows():
    assert {case.name for case in CASES} == set(OPERATIONS)


@each_case
def test_value(case: Case):
    misses = {}
    for operands in map(as_tuple, case.points):
        number = case(*operands)
        assert type(number) is float
        assert same(case(*map(Value, operands)).data, number), operands
        error = ulps(number, case.reference(*map(mp.mpf, operands)))
        if error > VALUE:
            misses[operands] = error
    assert not misses, f"ulp off, by operands: {misses}"


@each_case
def test_first_derivative(case: Case):
    misses = {}
    for operands in map(as_tuple, case.points):
        exact = as_tuple(case.first(*map(mp.mpf, operands)))
        errors = [ulps(partial, x) for partial, x in zip(partials(case, operands), exact)]
        if max(errors) > FIRST:
            misses[operands] = errors
    assert not misses, f"ulp off, by operands: {misses}"


@each_case
def test_second_derivative(case: Case):
    misses = {}
    for operands in map(as_tuple, case.points):
        exact = [mp.mpf(x) for x in operands]
        rows = autograd.hessian(lambda xs: case(*xs))(list(operands))
        second = [x for row in rows for x in row]
        if len(operands) == 1:
            assert same(autograd.grad(autograd.grad(case))(*operands), second[0])
        tolerances = [SECOND * max(1.0, condition) for condition in conditions(case, exact)]
        errors = list(map(ulps, second, as_tuple(case.second(*exact))))
        if any(error > tolerance for error, tolerance in zip(errors, tolerances)):
            misses[operands] = list(zip(errors, tolerances))
    assert not misses, f"(ulp off, ulp allowed), by operands: {misses}"


@each_case
def test_kinks_and_edges(case: Case):
    for point, value, slopes in case.kinks:
        operands, expected = as_tuple(point), [float(slope) for slope in as_tuple(slopes)]
        assert same(case(*operands), value), operands
        assert same(case(*map(Value, operands)).data, value), operands
        found = partials(case, operands)
        assert all(map(same, found, expected)), f"{operands}: {found} instead of {expected}"


@each_case
def test_domain(case: Case):
    """Nodes, the derivative and plain numbers raise alike, naming the operation, the operands and their labels."""
    for error, points in case.raises.items():
        for operands in map(as_tuple, points):
            labels = [f"p{i}" for i in range(len(operands))]
            with pytest.raises(error) as raised:
                case(*map(Value, operands, labels))
            message = str(raised.value)
            assert message.startswith(f"{case.name} ")
            assert all(word in message for word in [*map(repr, operands), *map(repr, labels)]), message
            with pytest.raises(error, match=f"^{case.name} "):
                autograd.grad(case)(*operands)
            if case.call is None:  # the power of two plain numbers is Python's own
                with pytest.raises(error, match=f"^{case.name} "):
                    case(*operands)


OPERATORS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "negative": operator.neg, "absolute": operator.abs,
}  # fmt: skip
SPELLED_OTHERWISE = {name: getattr(Value, name) for name in OPERATIONS if hasattr(Value, name)} | OPERATORS


def test_every_operation_is_an_operator_or_a_method_but_these():
    assert set(OPERATIONS) - set(SPELLED_OTHERWISE) == {"maximum", "minimum", "logsumexp"}


@pytest.mark.parametrize("case", [c for c in CASES if c.name in SPELLED_OTHERWISE and c.call is None], ids=str)
def test_operators_and_methods_are_the_row(case: Case):
    """v.exp(), v * w, v * 2.0 and 2.0 * v record the same numbers as OPERATIONS[name]."""
    way = SPELLED_OTHERWISE[case.name]
    for operands in map(as_tuple, case.points):
        value, slopes = case(*operands), partials(case, operands)
        assert same(way(*map(Value, operands)).data, value), operands
        assert partials_by_backward(way, operands) == slopes, operands
        if len(operands) == 2:
            a, b = operands
            assert same(way(Value(a), b).data, value), operands
            assert same(way(a, Value(b)).data, value), operands
            assert partials_by_backward(lambda x, b=b: way(x, b), [a]) == slopes[:1], operands
            assert partials_by_backward(lambda y, a=a: way(a, y), [b]) == slopes[1:], operands
