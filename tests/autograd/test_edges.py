"""Every row of OPERATIONS where no formula decides: signed zeros, infinities, NaN, subnormals, the largest doubles,
ties, the ends of the domain and one ulp beyond.

The tables are by hand. A row of one operand has a cell for each of -inf, -0.0, 0.0, inf and NaN: the value and the
first three derivatives, or the exception. At the other edges of STANDARD, which are finite, mpmath judges it, unless
the row says that it raises there: a new row can leave none out. Errors are counted in ulp, as in test_operations.
"""

from __future__ import annotations

import math
import operator
import random
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import OPERATIONS, Value
from benchmarks.references import REFERENCES, Reference, as_tuple, conditions, leaky_relu_of, mp, power_of, ulps

inf, nan, pi = math.inf, math.nan, math.pi
TINY, SMALL, MAX = 5e-324, 1e-310, 1.797e308  # the smallest double, another subnormal, nearly the largest one
FINITE = [-MAX, -SMALL, -TINY, TINY, SMALL, MAX]
STANDARD = [-inf, *FINITE[:3], -0.0, 0.0, *FINITE[3:], inf, nan]
BARS = (2, 4, 8, 16)  # ulp of the value and of each order of derivative, from the second on times the conditioning

Cell = Any  # (value, first, second, third) or the type of an exception
NOUGHT, NANS, UP = (0.0, 0, 0, 0), (nan, nan, nan, nan), (inf, inf, inf, inf)
INVALID, OVERFLOW, POLE = ValueError, OverflowError, ZeroDivisionError


@dataclass(frozen=True)
class Row:
    cells: tuple[Cell, Cell, Cell, Cell, Cell]  # at -inf, -0.0, 0.0, inf and NaN
    raises: Mapping[type[Exception], Sequence[float]] = field(default_factory=dict)
    inside: Sequence[float] = ()  # more points for mpmath: the last ones of the domain, where a formula changes
    hand: Mapping[float, Cell] = field(default_factory=dict)  # finite, but mpmath has no derivative there
    call: Callable[[Any], Any] | None = None  # another spelling than OPERATIONS[name], for a parametrised operation
    reference: Reference | None = None

    def by_hand(self) -> list[tuple[float, Cell]]:
        raising = [(x, error) for error, xs in self.raises.items() for x in xs]
        return [*zip([-inf, -0.0, 0.0, inf, nan], self.cells), *self.hand.items(), *raising]

    def by_mpmath(self) -> list[float]:
        decided = [x for x, _ in self.by_hand()]
        return [x for x in [*FINITE, *self.inside] if x not in decided]


def power(n: float, *cells: Cell, **more: Any) -> Row:
    return Row(cells, call=lambda x: x**n, reference=power_of(n), **more)


def leaky_relu(slope: float, minus_inf: float, minus_zero: float) -> Row:
    at_most_zero = (slope, 0, 0)
    cells = (minus_inf, *at_most_zero), (minus_zero, *at_most_zero), (-minus_zero, *at_most_zero)
    return Row((*cells, (inf, 1, 0, 0), NANS),
               call=lambda x: autograd.leaky_relu(x, slope), reference=leaky_relu_of(slope))  # fmt: skip


BELOW_ZERO = [-MAX, -SMALL, -TINY]
OUTSIDE = [x for a in (1.0000000000000002, 2.0, MAX) for x in (-a, a)]
LAST = 0.9999999999999999
PEAK = 2 / math.sqrt(pi)

# fmt: off
UNARY = {
    "identity": Row(((-inf, 1, 0, 0), (-0.0, 1, 0, 0), (0.0, 1, 0, 0), (inf, 1, 0, 0), (nan, 1, 0, 0))),
    "negative": Row(((inf, -1, 0, 0), (0.0, -1, 0, 0), (-0.0, -1, 0, 0), (-inf, -1, 0, 0), (nan, -1, 0, 0))),
    "absolute": Row(((inf, -1, 0, 0), NOUGHT, NOUGHT, (inf, 1, 0, 0), NANS)),
    "relu": Row((NOUGHT, NOUGHT, NOUGHT, (inf, 1, 0, 0), NANS)),
    "leaky_relu": leaky_relu(0.01, -inf, -0.0),
    "leaky_relu 0.25": leaky_relu(0.25, -inf, -0.0),
    "leaky_relu -2": leaky_relu(-2.0, inf, 0.0),
    "exp": Row((NOUGHT, (1, 1, 1, 1), (1, 1, 1, 1), UP, NANS), {OVERFLOW: [709.7827128933841, MAX]},
        inside=[709.782712893384, -745.1, -745.2]),
    "expm1": Row(((-1, 0, 0, 0), (-0.0, 1, 1, 1), (0.0, 1, 1, 1), UP, NANS), {OVERFLOW: [709.7827128933841, MAX]},
        inside=[709.782712893384]),
    "log": Row((INVALID, INVALID, INVALID, (inf, 0, 0, 0), NANS), {INVALID: BELOW_ZERO}, inside=[LAST, 1.0]),
    "log1p": Row((INVALID, (-0.0, 1, -1, 2), (0.0, 1, -1, 2), (inf, 0, 0, 0), NANS),
        {INVALID: [-1.0, -1.0000000000000002, -MAX]}, inside=[-LAST]),
    "sqrt": Row((INVALID, (-0.0, -inf, inf, -inf), (0.0, inf, -inf, inf), (inf, 0, 0, 0), NANS),
        {INVALID: BELOW_ZERO}),
    "sin": Row((INVALID, (-0.0, 1, 0, -1), (0.0, 1, 0, -1), INVALID, NANS), inside=[pi, -pi / 2]),
    "cos": Row((INVALID, (1, 0, -1, 0), (1, 0, -1, 0), INVALID, NANS), inside=[pi, -pi / 2]),
    "tan": Row((INVALID, (-0.0, 1, 0, 2), (0.0, 1, 0, 2), INVALID, NANS), inside=[pi / 2, -pi / 2, pi]),
    "arcsin": Row((INVALID, (-0.0, 1, 0, 1), (0.0, 1, 0, 1), INVALID, NANS), {INVALID: OUTSIDE}, [LAST, -LAST],
        {1.0: (pi / 2, inf, inf, inf), -1.0: (-pi / 2, inf, -inf, inf)}),
    "arccos": Row((INVALID, (pi / 2, -1, 0, -1), (pi / 2, -1, 0, -1), INVALID, NANS), {INVALID: OUTSIDE},
        [LAST, -LAST], {1.0: (0.0, -inf, -inf, -inf), -1.0: (pi, -inf, inf, -inf)}),
    "arctan": Row(((-pi / 2, 0, 0, 0), (-0.0, 1, 0, -2), (0.0, 1, 0, -2), (pi / 2, 0, 0, 0), NANS),
        inside=[99999999.0, 1e8, 1e154, 1e155]),
    "sinh": Row(((-inf, inf, -inf, inf), (-0.0, 1, 0, 1), (0.0, 1, 0, 1), UP, NANS),
        {OVERFLOW: [-710.475860073944, 710.475860073944, -MAX, MAX]}, [-710.4758600739439, 710.4758600739439]),
    "cosh": Row(((inf, -inf, inf, -inf), (1, 0, 1, 0), (1, 0, 1, 0), UP, NANS),
        {OVERFLOW: [-710.475860073944, 710.475860073944, -MAX, MAX]}, [-710.4758600739439, 710.4758600739439]),
    "sech": Row((NOUGHT, (1, 0, -1, 0), (1, 0, -1, 0), NOUGHT, NANS), inside=[299.9, 360.0, 745.0, -746.0, 800.0]),
    "gaussian": Row((NOUGHT, (1, 0, -2, 0), (1, 0, -2, 0), NOUGHT, NANS), inside=[-26.6, 29.999999999999996, 30.0]),
    "tanh": Row(((-1, 0, 0, 0), (-0.0, 1, 0, -2), (0.0, 1, 0, -2), (1, 0, 0, 0), NANS), inside=[19.1, -22.0, 360.0]),
    "sigmoid": Row((NOUGHT, (0.5, 0.25, 0, -0.125), (0.5, 0.25, 0, -0.125), (1, 0, 0, 0), NANS),
        inside=[-745.1, 745.1, 37.0]),
    "softplus": Row((NOUGHT, (math.log(2), 0.5, 0.25, 0), (math.log(2), 0.5, 0.25, 0), (inf, 1, 0, 0), NANS),
        inside=[-745.1, 745.1, 37.0]),
    "erf": Row(((-1, 0, 0, 0), (-0.0, PEAK, 0, -2 * PEAK), (0.0, PEAK, 0, -2 * PEAK), (1, 0, 0, 0), NANS),
        inside=[5.9, 6.0, -26.5]),
    # x ** a plain number: a row of one operand for each number
    "x ** 0": power(0, *[(1, 0, 0, 0)] * 5),
    "x ** 1": power(1, (-inf, 1, 0, 0), (-0.0, 1, 0, 0), (0.0, 1, 0, 0), (inf, 1, 0, 0), (nan, 1, 0, 0)),
    "x ** 2": power(2, (inf, -inf, 2, 0), (0.0, 0, 2, 0), (0.0, 0, 2, 0), (inf, inf, 2, 0), (nan, nan, 2, 0),
        raises={OVERFLOW: [1.3407807929942597e154, -MAX, MAX]}, inside=[1.3407807929942596e154]),
    "x ** 3": power(3, (-inf, inf, -inf, 6), (-0.0, 0, 0, 6), (0.0, 0, 0, 6), (inf, inf, inf, 6), (nan, nan, nan, 6),
        raises={OVERFLOW: [-MAX, MAX]}),
    "x ** 51": power(51, (-inf, inf, -inf, inf), (-0.0, 0, 0, 0), NOUGHT, UP, NANS, raises={OVERFLOW: [-MAX, MAX]}),
    "x ** 0.5": power(0.5, (inf, 0, 0, 0), (0.0, inf, -inf, inf), (0.0, inf, -inf, inf), (inf, 0, 0, 0), NANS,
        raises={INVALID: BELOW_ZERO}),
    "x ** 0.1": power(0.1, (inf, 0, 0, 0), (0.0, inf, -inf, inf), (0.0, inf, -inf, inf), (inf, 0, 0, 0), NANS,
        raises={INVALID: BELOW_ZERO}),
    "x ** (1/3)": power(1 / 3, (inf, 0, 0, 0), (0.0, inf, -inf, inf), (0.0, inf, -inf, inf), (inf, 0, 0, 0), NANS,
        raises={INVALID: [-8.0, *BELOW_ZERO]}),
    "x ** 2.5": power(2.5, (inf, inf, inf, 0), (0.0, 0, 0, inf), (0.0, 0, 0, inf), (inf, inf, inf, 0), NANS,
        raises={INVALID: BELOW_ZERO[1:], OVERFLOW: [-MAX, MAX]}),  # Python sees the overflow first
    "x ** -1": power(-1, (-0.0, 0, 0, 0), POLE, POLE, NOUGHT, NANS,
        raises={OVERFLOW: [-SMALL, -TINY, TINY, SMALL, 5.56268464626800e-309]}, inside=[5.562684646268010e-309]),
    "x ** -2.7": power(-2.7, NOUGHT, POLE, POLE, NOUGHT, NANS,
        raises={OVERFLOW: FINITE[1:5], INVALID: [-MAX, -1.0]}),
}
# fmt: on

POWER = """
value    -inf    -2     -1    -0.5     0    0.5     1      2     3    inf    nan
-inf       0      0     -0      0      1    inf   -inf    inf  -inf   inf    nan
  -2       0    0.25  -0.5   INVALID   1  INVALID  -2      4    -8    inf    nan
  -0     inf   POLE   POLE   POLE      1      0    -0      0    -0      0    nan
   0     inf   POLE   POLE   POLE      1      0     0      0     0      0    nan
   1       1      1      1      1      1      1     1      1     1      1      1
 inf       0      0      0      0      1    inf   inf    inf   inf    inf    nan
 nan     nan    nan    nan    nan      1    nan   nan    nan   nan    nan    nan

d / dx   -inf    -2     -1    -0.5     0    0.5     1      2     3    inf    nan
-inf     nan      0      0      0      0      0     1   -inf   inf    inf    nan
  -2     nan    0.25  -0.25  INVALID   0  INVALID   1     -4    12    inf    nan
  -0    -inf   POLE   POLE   POLE      0    inf     1      0     0    nan    nan
   0    -inf   POLE   POLE   POLE      0    inf     1      0     0    nan    nan
   1    -inf     -2     -1   -0.5      0    0.5     1      2     3    inf    nan
 inf     nan      0      0      0      0      0     1    inf   inf    inf    nan
 nan     nan    nan    nan    nan      0    nan     1    nan   nan    nan    nan

d / dy   -inf    -2     -1    -0.5     0    0.5     1      2     3    inf    nan
-inf     nan    nan    nan    nan    nan    nan   nan    nan   nan    nan    nan
  -2     nan    nan    nan  INVALID  nan  INVALID nan    nan   nan    nan    nan
  -0     nan   POLE   POLE   POLE      0      0     0      0     0      0    nan
   0     nan   POLE   POLE   POLE      0      0     0      0     0      0    nan
   1       0      0      0      0      0      0     0      0     0      0      0
 inf     nan    nan    nan    nan    inf    inf   inf    inf   inf    inf    nan
 nan     nan    nan    nan    nan    nan    nan   nan    nan   nan    nan    nan
"""

# Second derivatives of x ** y where mpmath has none, as rows: a choice, a NaN that stays one, the slopes on the right.
POWER_HESSIANS = {
    (0.0, 0.0): [[0, 0], [0, 0]], (0.0, 2.0): [[2, 0], [0, 0]], (0.0, 3.0): [[0, 0], [0, 0]],
    (0.0, 1.5): [[inf, 0], [0, 0]], (-2.0, 3.0): [[-12, nan], [nan, nan]], (-2.0, 0.0): [[0, nan], [nan, nan]],
    (2.0, 0.0): [[0, 0.5], [0.5, math.log(2) ** 2]],
}  # fmt: skip

# Partials of two operands in the words of IEEE arithmetic, judged at every pair of edges.
PAIR_SLOPES: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "add": lambda a, b: (1, 1),
    "subtract": lambda a, b: (1, -1),
    "multiply": lambda a, b: (b, a),
    "divide": lambda a, b: (1 / b, -(a / b) / b),
    "maximum": lambda a, b: NANS[:2] if a != a or b != b else (0.5, 0.5) if a == b else (a > b, a < b),
    "minimum": lambda a, b: NANS[:2] if a != a or b != b else (0.5, 0.5) if a == b else (a < b, a > b),
}
PAIRS = list(product([*STANDARD, 1.0, -2.0], repeat=2))

LOGSUMEXP = [  # operands, value, partials
    ((2.0,), 2.0, 1), ((inf,), inf, nan), ((-inf,), -inf, nan), ((nan,), nan, nan),
    ((0.0, -0.0), math.log(2.0), (0.5, 0.5)), ((TINY, -SMALL), math.log(2.0), (0.5, 0.5)),
    ((MAX, MAX), MAX, (0.5, 0.5)), ((-MAX, -MAX), -MAX, (0.5, 0.5)), ((-MAX, MAX), MAX, (0, 1)),
    ((-inf, 3.0), 3.0, (0, 1)), ((-inf, -MAX), -MAX, (0, 1)), ((-inf, -inf), -inf, (nan, nan)),
    ((inf, 1.0), inf, (nan, nan)), ((inf, inf), inf, (nan, nan)), ((-inf, inf), inf, (nan, nan)),
    ((nan, 1.0), nan, (nan, nan)), ((1.0, nan), nan, (nan, nan)), ((nan, -inf, inf), nan, (nan, nan, nan)),
]  # fmt: skip

LOG_SOFTMAX = [  # operands, of which the first is meant; value, partials
    ((2.0,), -0.0, 0), ((inf,), nan, nan), ((nan,), nan, nan), ((0.0, -0.0), -math.log(2.0), (0.5, -0.5)),
    ((TINY, -SMALL), -math.log(2.0), (0.5, -0.5)), ((MAX, MAX), -math.log(2.0), (0.5, -0.5)),
    ((1000.0, 0.0), -0.0, (0, 0)), ((0.0, 1000.0), -1000.0, (1, -1)), ((MAX, -MAX), -0.0, (0, 0)),
    ((-MAX, MAX), -inf, (1, -1)), ((3.0, -inf), -0.0, (0, 0)), ((3.0, -inf, 3.0), -math.log(2.0), (0.5, 0, -0.5)),
    ((-inf, 3.0), -inf, (1, -1)), ((-inf, -inf), nan, (nan, nan)), ((inf, inf), nan, (nan, nan)),
    ((nan, 1.0), nan, (nan, nan)), ((1.0, nan), nan, (nan, nan)), ((1.0, 2.0, nan), nan, (nan, nan, nan)),
]  # fmt: skip


IEEE = [  # what a partial comes to, where the plain call of Python raises
    (autograd.sinh, 800.0, inf), (autograd.sinh, -800.0, -inf), (autograd.cosh, -800.0, inf),
    (autograd.log, 0.0, -inf), (autograd.log, -1.0, nan), (autograd.log1p, -1.0, -inf), (autograd.log1p, -2.0, nan),
    (autograd.sqrt, -1.0, nan), (autograd.sin, inf, nan), (lambda x: 1 / x, -0.0, -inf), (lambda x: x / x, 0.0, nan),
    (lambda x: -1 / x, 0.0, -inf), (lambda x: x**-1, -0.0, -inf), (lambda x: x**3, -1e200, -inf),
    (lambda x: x**-2, -0.0, inf), (lambda x: x**2, -1e200, inf), (lambda x: 10**x, 400.0, inf),
]  # fmt: skip


def real(number: Any) -> float:
    """A number as Python's arithmetic returns it, unless it is complex."""
    if isinstance(number, complex):
        raise ValueError("complex")
    return number


# The plain call of Python for each row that is one; the other rows never raise.
PLAIN: dict[str, Callable[..., float]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": lambda x, y: real(x**y), "negative": operator.neg, "absolute": abs, "identity": float, "exp": math.exp,
    "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "sinh": math.sinh,
    "cosh": math.cosh, "tanh": math.tanh, "erf": math.erf,
}  # fmt: skip
PLAIN |= {name: lambda x, row=row: real(row.call(x)) for name, row in UNARY.items() if name.startswith("x **")}
CALLS = {name: row.call or OPERATIONS[name] for name, row in UNARY.items()}
CALLS |= {name: OPERATIONS[name] for name in [*PAIR_SLOPES, "power", "logsumexp", "log_softmax"]}
each_unary = pytest.mark.parametrize("name", UNARY)
each_call = pytest.mark.parametrize("name", CALLS)


def same(a: float, b: float) -> bool:
    """The same double, the sign of a zero and NaN included."""
    return repr(float(a)) == repr(float(b))


def agree(slope: float, expected: float) -> bool:
    """The same but for a few ulp; the sign of a zero slope says nothing."""
    return same(slope + 0.0, expected + 0.0) or abs(slope - expected) <= 4 * math.ulp(expected)


def by_backward(call: Callable[..., Any], operands: Sequence[float]) -> list[float]:
    leaves = [Value(x) for x in operands]
    call(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def partials(call: Callable[..., Any], operands: Sequence[float]) -> list[float]:
    """The first derivatives, the same to the bit from `backward`, from `grad` at numbers and from `grad` at Values."""
    gradient = autograd.grad(call, tuple(range(len(operands))))
    ways = [by_backward(call, operands), gradient(*operands), [p.data for p in gradient(*map(Value, operands))]]
    backward, *others = [[partial + 0.0 for partial in way] for way in ways]
    assert all(all(map(same, backward, other)) for other in others), f"{operands}: by backward, grad, grad: {ways}"
    return backward


def orders(call: Callable[[Any], Any], x: float) -> list[float]:
    """The value and the first three derivatives."""
    first = autograd.grad(call)
    second = autograd.grad(first)
    return [call(Value(x)).data, *partials(call, (x,)), second(x), autograd.grad(second)(x)]


def outcome(call: Callable[..., Any], *operands: Any) -> str:
    """What a call comes to: the double, or the type of the exception."""
    try:
        result = call(*operands)
        return repr(result.data if isinstance(result, Value) else result)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__


def random_doubles(count: int) -> Iterator[float]:
    """Bits at random: every exponent, both signs, subnormals, infinities and NaN among them; and some near 1."""
    generator = random.Random(0)
    for _ in range(count):
        yield struct.unpack("<d", generator.randbytes(8))[0]
        yield generator.choice([1, 10, 1000]) * generator.uniform(-1, 1)


def samples(name: str, count: int) -> Iterator[tuple[float, ...]]:
    if name in UNARY:
        row = UNARY[name]
        yield from ((x,) for x in [*STANDARD, *row.inside, *(x for x, _ in row.by_hand()), *random_doubles(count)])
    else:
        doubles = list(random_doubles(count))
        yield from [*PAIRS, *zip(doubles, reversed(doubles)), *((x, float(i % 9 - 4)) for i, x in enumerate(doubles))]


def test_every_row_has_its_edges_here():
    rows = {name.split()[0] for name in UNARY if not name.startswith("x **")}
    assert rows | {*PAIR_SLOPES, "power", "logsumexp", "log_softmax"} == set(OPERATIONS)
    for name, row in UNARY.items():
        assert len(row.cells) == 5, name
        assert all(isinstance(cell, type) or len(cell) == 4 for _, cell in row.by_hand()), name
        judged = {repr(x) for x, _ in row.by_hand()} | {repr(x) for x in row.by_mpmath()}
        assert judged >= set(map(repr, STANDARD)), name


@each_unary
def test_edges_by_hand(name: str):
    for x, cell in UNARY[name].by_hand():
        if isinstance(cell, type):
            for call in (CALLS[name], autograd.grad(CALLS[name])):
                assert outcome(call, Value(x)) == cell.__name__, x
            continue
        value, *slopes = orders(CALLS[name], x)
        assert same(value, cell[0]), x
        assert all(map(agree, slopes, cell[1:])), f"{x}: {slopes} instead of {cell[1:]}"


@each_unary
def test_finite_edges_by_mpmath(name: str):
    row = UNARY[name]
    reference = row.reference or REFERENCES[name]
    misses = {}
    for x in row.by_mpmath():
        at = mp.mpf(x)
        functions = [reference.value, reference.first, reference.second, reference.third]
        errors = [ulps(found, as_tuple(f(at))[0]) for f, found in zip(functions, orders(CALLS[name], x))]
        scales = [1.0, 1.0, *(max([1.0, *conditions(f, [at])]) for f in functions[2:])]
        if any(error > bar * scale for error, bar, scale in zip(errors, BARS, scales)):
            misses[x] = list(zip(errors, scales))
    assert not misses, f"(ulp off, conditioning) of the value and each derivative: {misses}"


@pytest.mark.parametrize("name", PAIR_SLOPES)
def test_pairs_of_edges(name: str):
    for a, b in PAIRS:
        if outcome(CALLS[name], a, b).endswith("Error"):
            continue
        with np.errstate(all="ignore"):
            expected = [float(x) for x in PAIR_SLOPES[name](np.float64(a), np.float64(b))]
        found = partials(CALLS[name], (a, b))
        assert all(map(same, found, [x + 0.0 for x in expected])), f"{a, b}: {found} instead of {expected}"
        if name in ("maximum", "minimum"):
            extreme = nan if a != a or b != b else (max if name == "maximum" else min)(a, b)
            assert CALLS[name](a, b) == extreme or extreme != extreme != CALLS[name](a, b)


def power_cells() -> Iterator[tuple[int, float, float, str]]:
    for k, block in enumerate(POWER.strip().split("\n\n")):
        head, *rows = block.splitlines()
        for line in rows:
            x, *cells = line.split()
            for y, cell in zip(head.split()[-len(cells) :], cells):
                yield k, float(x), float(y), cell


def test_powers_of_edges():
    errors = {"POLE": "ZeroDivisionError", "INVALID": "ValueError"}
    for k, x, y, cell in power_cells():
        if cell in errors:
            assert outcome(CALLS["power"], Value(x), Value(y)) == errors[cell], (x, y)
        else:
            found = [CALLS["power"](Value(x), Value(y)).data, *partials(CALLS["power"], (x, y))][k]
            assert same(found, float(cell)), f"{['value', 'dx', 'dy'][k]} at {x, y}: {found} instead of {cell}"


def test_powers_between_the_edges():
    # No exponent beside 2 has a real power of -0.5; 2^53 + 2 less 1 is rounded.
    for operands, slopes in [((-0.5, 2.0), (-1.0, nan)), ((inf, 2.0**53 + 2), (inf, inf))]:
        assert all(map(same, partials(CALLS["power"], operands), slopes)), operands


def test_of_two_zeros_maximum_and_minimum_give_the_second():
    for a, b in [(0.0, -0.0), (-0.0, 0.0)]:
        assert same(autograd.maximum(a, b), b) and same(autograd.minimum(a, b), b)


def test_leaky_relu_has_pytorch_s_slope_where_none_is_given():
    assert autograd.leaky_relu(-2.0) == Value(-2.0).leaky_relu().data == -0.02


def test_second_derivatives_of_powers():
    for (x, y), expected in POWER_HESSIANS.items():
        found = autograd.hessian(lambda v: v[0] ** v[1])([x, y])
        assert all(map(agree, np.ravel(found), np.ravel(expected).astype(float))), f"{x, y}: {found}"


@pytest.mark.parametrize(
    ("name", "operands", "value", "slopes"),
    [*(("logsumexp", *row) for row in LOGSUMEXP), *(("log_softmax", *row) for row in LOG_SOFTMAX)],
    ids=str,
)
def test_any_number_of_operands(name: str, operands: tuple[float, ...], value: float, slopes: Any):
    found = getattr(autograd, name)(operands)
    assert same(found if name == "logsumexp" else found[0], value)
    assert all(map(same, partials(CALLS[name], operands), [float(slope) for slope in as_tuple(slopes)]))


@each_call
def test_it_raises_exactly_where_python_raises(name: str):
    """The same double or the same type of exception; rows that are no call of Python's never raise."""
    for operands in samples(name, 1000):
        found = outcome(CALLS[name], *map(Value, operands))
        if name in PLAIN:
            assert found == outcome(PLAIN[name], *operands), operands
            if not name.startswith("x **"):  # of two plain numbers it is Python's own
                assert found == outcome(CALLS[name], *operands), operands
        else:
            assert not found.endswith("Error"), operands


@each_call
def test_partials_never_raise(name: str):
    """Where the value exists, derivatives of orders 1 to 3 are doubles, the first one by every way the same."""
    call = CALLS[name]
    for operands in samples(name, 60):
        if not outcome(call, *map(Value, operands)).endswith("Error"):
            assert all(type(partial) is float for partial in partials(call, operands))
            f = call
            for _ in range(3):
                f = autograd.grad(f)
            assert type(f(*operands)) is float


@pytest.mark.parametrize(("slope", "x", "expected"), IEEE)
def test_what_raises_in_python_is_ieee_in_a_partial(slope: Callable[[Any], Any], x: float, expected: float):
    operation = autograd.operation(lambda out, x: (slope(x),))(lambda x: 0.0)
    assert all(map(same, partials(operation, (x,)), [expected]))


@each_call
def test_the_message_names_the_operation_and_the_operands(name: str):
    for operands in samples(name, 0):
        nodes = [Value(x, f"p{i}") for i, x in enumerate(operands)]
        try:
            CALLS[name](*nodes)
        except (ArithmeticError, ValueError) as error:
            head = str(error).splitlines()[0]
            assert head.startswith("power " if name.startswith("x **") else f"{name} ")
            assert all(repr(x.data) in head and f"'{x.label}'" in head for x in nodes), head
