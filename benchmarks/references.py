"""What each operation is in mathematics: its value and derivatives at 50 digits, and errors in ulp.

The accuracy table (`benchmarks.accuracy`) and the tests of `autograd.OPERATIONS` judge the engine by these definitions,
which share no line with its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import mpmath

mp = mpmath.MPContext()  # a context of our own: mpmath's global one belongs to everybody
mp.dps = 50
STEP = mp.mpf(10) ** -20  # a relative change of an operand that these digits resolve


class Reference(NamedTuple):
    """Functions of mpmath's numbers. Partials are a plain number for one operand, else as many as there are, the second
    ones in row order: xx, xy, yx, yy."""

    value: Callable[..., Any]
    first: Callable[..., Any]
    second: Callable[..., Any]

    def third(self, *operands: Any) -> list[Any]:
        """The third partials, as differences of the second ones."""
        # Far from 1 the terms of a second derivative are far apart, and so are the digits that a difference needs.
        exponent = max(abs(mp.log10(abs(x))) for x in [*operands, mp.one] if x)
        with mp.workdps(100 + 3 * int(exponent)):
            return differences(self.second, operands)


def power_of(exponent: float) -> Reference:
    """x ** exponent for a plain number."""
    n = mp.mpf(exponent)
    return Reference(lambda x: x**n, lambda x: n * x ** (n - 1), lambda x: n * (n - 1) * x ** (n - 2) if n else 0)


def leaky_relu_of(slope: float) -> Reference:
    return Reference(lambda x: x if x > 0 else mp.mpf(slope) * x, lambda x: 1 if x > 0 else slope, lambda x: 0)


def power_second(x: Any, y: Any) -> Sequence[Any]:
    mixed = x ** (y - 1) * (1 + y * mp.log(x))
    return y * (y - 1) * x ** (y - 2), mixed, mixed, x**y * mp.log(x) ** 2


def sech2(x: Any) -> Any:
    return mp.sech(x) ** 2


def bell(x: Any) -> Any:
    return mp.exp(-x * x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def softmax(*xs: Any) -> list[Any]:
    top = max(xs)
    e = [mp.exp(x - top) for x in xs]
    return [a / mp.fsum(e) for a in e]


def softmax_slopes(*xs: Any) -> list[Any]:
    """d softmax_i / d x_j = s_i (delta_ij - s_j), with 1 - s_i as the sum of the others: nothing cancels."""
    s = softmax(*xs)
    return [
        a * (mp.fsum(s[:i] + s[i + 1 :]) if i == j else -b) for (i, a), (j, b) in product(enumerate(s), enumerate(s))
    ]


def logsumexp(*xs: Any) -> Any:
    top = max(xs)
    return top + mp.log(mp.fsum(mp.exp(x - top) for x in xs))


def others(x: Any, *xs: Any) -> Any:
    """e^x_2 / e^x_1 + ... + e^x_n / e^x_1, of which softmax and its log are made without a difference that cancels."""
    return mp.fsum(mp.exp(other - x) for other in xs)


def log_softmax_slopes(*xs: Any) -> list[Any]:
    return [others(*xs) / (1 + others(*xs)), *(-p for p in softmax(*xs)[1:])]


# fmt: off
REFERENCES = {
    "identity": Reference(lambda x: x, lambda x: 1, lambda x: 0),
    "add": Reference(lambda a, b: a + b, lambda a, b: (1, 1), lambda a, b: (0, 0, 0, 0)),
    "subtract": Reference(lambda a, b: a - b, lambda a, b: (1, -1), lambda a, b: (0, 0, 0, 0)),
    "multiply": Reference(lambda a, b: a * b, lambda a, b: (b, a), lambda a, b: (0, 1, 1, 0)),
    "divide": Reference(lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2),
                        lambda a, b: (0, -1 / b**2, -1 / b**2, 2 * a / b**3)),
    "power": Reference(lambda x, y: x**y, lambda x, y: (y * x ** (y - 1), x**y * mp.log(x)), power_second),
    "negative": Reference(lambda x: -x, lambda x: -1, lambda x: 0),
    "absolute": Reference(abs, mp.sign, lambda x: 0),
    "maximum": Reference(max, lambda a, b: (0.5, 0.5) if a == b else (a > b, a < b), lambda a, b: (0, 0, 0, 0)),
    "minimum": Reference(min, lambda a, b: (0.5, 0.5) if a == b else (a < b, a > b), lambda a, b: (0, 0, 0, 0)),
    "exp": Reference(mp.exp, mp.exp, mp.exp),
    "expm1": Reference(mp.expm1, mp.exp, mp.exp),
    "log": Reference(mp.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "log1p": Reference(mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2),
    "sqrt": Reference(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), lambda x: -1 / (4 * x * mp.sqrt(x))),
    "sin": Reference(mp.sin, mp.cos, lambda x: -mp.sin(x)),
    "cos": Reference(mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x)),
    "tan": Reference(mp.tan, lambda x: mp.sec(x) ** 2, lambda x: 2 * mp.tan(x) * mp.sec(x) ** 2),
    "arcsin": Reference(mp.asin, lambda x: 1 / mp.sqrt((1 - x) * (1 + x)),
                        lambda x: x / mp.sqrt((1 - x) * (1 + x)) ** 3),
    "arccos": Reference(mp.acos, lambda x: -1 / mp.sqrt((1 - x) * (1 + x)),
                        lambda x: -x / mp.sqrt((1 - x) * (1 + x)) ** 3),
    "arctan": Reference(mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "sinh": Reference(mp.sinh, mp.cosh, mp.sinh),
    "cosh": Reference(mp.cosh, mp.sinh, mp.cosh),
    "sech": Reference(mp.sech, lambda x: -mp.sech(x) * mp.tanh(x), lambda x: mp.sech(x) * (1 - 2 * sech2(x))),
    "gaussian": Reference(bell, lambda x: -2 * x * bell(x), lambda x: (4 * x * x - 2) * bell(x)),
    "tanh": Reference(mp.tanh, sech2, lambda x: -2 * mp.tanh(x) * sech2(x)),
    "sigmoid": Reference(sigmoid, lambda x: sech2(x / 2) / 4, lambda x: -mp.tanh(x / 2) * sech2(x / 2) / 4),
    "relu": Reference(lambda x: max(x, 0), lambda x: x > 0, lambda x: 0),
    "softplus": Reference(lambda x: max(x, 0) + mp.log1p(mp.exp(-abs(x))), sigmoid, lambda x: sech2(x / 2) / 4),
    "erf": Reference(mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * bell(x), lambda x: -4 * x / mp.sqrt(mp.pi) * bell(x)),
    "logsumexp": Reference(logsumexp, softmax, softmax_slopes),
    "log_softmax": Reference(lambda *xs: -mp.log1p(others(*xs)), log_softmax_slopes,
                             lambda *xs: [-slope for slope in softmax_slopes(*xs)]),
    "leaky_relu": leaky_relu_of(0.01),
}
# fmt: on


def as_tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def ulps(number: float, exact: Any) -> float:
    """How far a double is from the exact result, in units of its last place: of the smallest double for subnormals."""
    rounded = float(mp.mpf(exact))
    if not math.isfinite(number) or math.isinf(rounded):
        return 0.0 if number == rounded else math.inf
    return float(abs(mp.mpf(number) - exact) / mp.mpf(math.ulp(rounded)))


def differences(f: Callable[..., Any], operands: Sequence[Any]) -> list[Any]:
    """d f_i / d x_k for every result i and operand k, in row order."""
    columns = []
    for k, x in enumerate(operands):
        step = STEP * (min(abs(x), 1) or 1)
        above, below = (as_tuple(f(*operands[:k], x + s, *operands[k + 1 :])) for s in (step, -step))
        columns.append([(a - b) / (2 * step) for a, b in zip(above, below)])
    return [slope for row in zip(*columns) for slope in row]


def conditions(f: Callable[..., Any], operands: Sequence[Any]) -> list[float]:
    """By how many times a relative change of the operands moves each result of f: sum |x f'(x) / f(x)|."""
    at = as_tuple(f(*operands))
    totals = [0.0] * len(at)
    for i, x in enumerate(operands):
        moved = as_tuple(f(*operands[:i], x * (1 + STEP), *operands[i + 1 :]))
        for k, (before, after) in enumerate(zip(at, moved)):
            totals[k] += float(abs(after - before) / abs(before) / STEP) if before else 0.0
    return totals
