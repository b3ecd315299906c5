"""Every operation of the engine, once: its name, its forward and its local derivatives, side by side.

A row reads ``Operation(name, forward, derivative, formula, slope)``: ``forward(*operands)`` is the value,
``derivative(out, *operands)`` one partial d out / d operand per operand (or that tuple, where it is constant). Both are
written with the engine's own operations, so that a row runs on floats (first order) and Values (higher order) alike; a
primitive's forward is from `math` or `operator`. Operators, methods, tests and README's table are derived from them.

Where a row `selects`, a partial of 0 means that nothing flows to that operand: where it was not the one that counted,
an infinite derivative behind it does not turn the gradient into NaN.

A derivative uses the output only where nothing cancels (``1 - out*out`` has no right digit left beyond tanh(19), so
tanh has `sech`). A choice is a `where` whose last branch keeps NaN a NaN. At a kink the derivative is PyTorch's.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import accumulate
from typing import Any

from autograd.dispatch import Operation, as_float, stop_gradient, where


def total(terms: Sequence[Any]) -> Any:
    """The terms added from left to right; the built-in sum compensates on floats, which other backends do not."""
    return reduce(operator.add, terms)


def real_power(x: Any, y: Any) -> Any:
    result = x**y
    if isinstance(result, complex):
        raise ValueError("the result would be complex")
    return result


def power_slope(x: Any, y: Any) -> Any:
    """d x**y / dx = y x**(y-1), and 0 for y = 0."""
    # y - 1 may be rounded, which would cost |ln x| times as much, up to 300 ulp: x**rest makes up for it.
    # (1e25, since rest * x alone would underflow for a small x.)
    rest = y - ((y - 1) + 1)
    rounding = where(abs(1e25 * rest * x) > 0, lambda: where(abs(x) < math.inf, lambda: x**rest, 1.0), 1.0)
    slope = where(abs(y) > 0, lambda: y * x ** (y - 1), lambda: where(abs(x) > 0, lambda: y / x * x**y, 0.0 * y))
    return slope * stop_gradient(rounding)


def power_exponent_slope(out: Any, x: Any) -> Any:
    """d x**y / dy = x**y ln x, 0 at x = 0, NaN for x < 0, where no neighbouring exponent has a real power."""
    return where(x > 0, lambda: out * log(x), lambda: where(x < 0, lambda: math.nan * out, 0.0 * x * out))


def shares(first: Any, second: Any, tie: Any, out: Any) -> tuple[Any, Any]:
    """The partials of maximum and minimum: all to the one that is taken, half each at a tie."""
    share = where(first, 1.0, where(second, 0.0, where(tie, 0.5, 0.0 * out)))
    return share, 1.0 - share


def one_minus_square(x: Any) -> Any:
    """1 - x^2 with the digits of (1 - x) (1 + x) and the derivative -2 x."""
    rounded = 1 - x * x
    return rounded + stop_gradient((1 - x) * (1 + x) - rounded)


def stable_sech(x: Any) -> Any:
    # 2 e^-|x| / (1 + e^-2|x|) by its square: the root halves the error of all that it is taken of.
    e = exp(-2 * abs(x))
    return where(abs(x) < 300, lambda: 2 * sqrt(e / (1 + e * (2 + e))), lambda: 2 * exp(-abs(x)))


def stable_sigmoid(x: Any) -> Any:
    e = exp(-abs(x))
    return where(x >= 0, 1.0, e) / (1 + e)


def stable_softplus(x: Any) -> Any:
    return where(x > 0, x, 0.0) + log1p(exp(-abs(x)))


def stable_gaussian(x: Any) -> Any:
    # x^2 = high^2 + low (x + high) with high^2 exact (Veltkamp's splitting): rounding x*x would cost x^2 ulp.
    scaled = 134217729.0 * x
    high = scaled - (scaled - x)
    return where(abs(x) < 30, lambda: exp(-high * high) * exp(-(x - high) * (x + high)), lambda: exp(-30 * abs(x)))


def stable_logsumexp(*xs: Any, less: Any = 0.0) -> Any:
    top, e, others = exponentials(xs)
    rest = (reduce(maximum, e) - 1) + reduce(minimum, others)  # the largest is e^0, the 1 of log1p
    return (top - less) + where(abs(top) < math.inf, lambda: log1p(rest), 0.0)


def log_softmax_slopes(out: Any, *xs: Any) -> tuple[Any, ...]:
    """1 - p and the others' -p; 1 - p as the share of the others, since a p near 1 leaves it no digits."""
    _, parts, others = exponentials(xs)
    return share(others[0], parts[0]), *(-p for p in map(share, parts[1:], others[1:]))


def share(p: Any, q: Any) -> Any:
    """p / (p + q), in the form where neither it nor its derivatives cancel."""
    return where(p >= q, lambda: 1 / (1 + q / p), lambda: p / (p + q))


def exponentials(xs: Sequence[Any]) -> tuple[Any, list[Any], list[Any]]:
    """The largest x; e^(x_i - largest) for each i; and for each the sum of all others."""
    top = stop_gradient(reduce(maximum, xs))
    e = [exp(x - top) * (1 + stop_gradient(difference_rounding(x, top))) for x in xs]
    before = [0.0, *accumulate(e[:-1])]
    after = [0.0, *accumulate(reversed(e[1:]))][::-1]
    return top, e, list(map(operator.add, before, after))


def difference_rounding(x: Any, y: Any) -> Any:
    """What rounding took from x - y (Knuth's two-sum), and 0 far out, where e^(x - y) is 0 anyway."""
    d = x - y
    return where(d > -800, lambda: (x - (d + (x - d))) + ((x - d) - y), 0.0 * y)


# fmt: off
LECTURE = "lecture 000, activation functions"
identity = Operation("identity", lambda x: x, (1.0,), "x", "1", example=(2.0, 2.0))
add = Operation("add", operator.add, (1.0, 1.0), "a + b", "(1, 1)", "+", example=(2.0, 3.0, 5.0))
subtract = Operation("subtract", operator.sub, (1.0, -1.0), "a - b", "(1, -1)", "-", example=(2.0, 3.0, -1.0))
multiply = Operation("multiply", operator.mul, lambda out, a, b: (b, a), "a b", "(b, a)", "*", example=(2.0, 3.0, 6.0))
divide = Operation("divide", operator.truediv, lambda out, a, b: (1 / b, -out / b), "a / b", "(1/b, -a/b^2)", "/",
    example=(3.0, 2.0, 1.5), domain="b != 0", remedy="where(abs(b) > 1e-12, lambda: a / b, 0.0)")
power = Operation("power", real_power, lambda out, x, y: (power_slope(x, y), power_exponent_slope(out, x)),
    "x^y", "(y x^(y-1), x^y ln x)", "**", example=(2.0, 3.0, 8.0),
    domain="x > 0, or x = 0 and y >= 0, or x < 0 and a whole y",
    remedy="where(abs(x) > 1e-12, lambda: abs(x) ** y, 0.0)")
negative = Operation("negative", operator.neg, (-1.0,), "-x", "-1", "neg", example=(2.0, -2.0))
absolute = Operation("absolute", operator.abs, lambda out, x: (where(x > 0, 1.0, where(x < 0, -1.0, 0.0 * out)),),
    "|x|", "sign x; 0 at 0", "abs", example=(-2.0, 2.0), selects=True)
maximum = Operation("maximum", lambda a, b: where(a > b, a, where(b >= a, b, a + b)),
    lambda out, a, b: shares(a > b, a < b, a >= b, out), "max(a, b)", "1 for the larger; 1/2 each at a tie",
    example=(2.0, 3.0, 3.0), selects=True)
minimum = Operation("minimum", lambda a, b: where(a < b, a, where(b <= a, b, a + b)),
    lambda out, a, b: shares(a < b, a > b, a >= b, out), "min(a, b)", "1 for the smaller; 1/2 each at a tie",
    example=(2.0, 3.0, 2.0), selects=True)

exp = Operation("exp", math.exp, lambda out, x: (out,), "e^x", "e^x", example=(0.0, 1.0),
    remedy="exp(minimum(x, 700.0)), or take the loss from logits: nn.cross_entropy(logits, target)")
expm1 = Operation("expm1", math.expm1, lambda out, x: (exp(x),), "e^x - 1", "e^x", example=(0.0, 0.0))
log = Operation("log", math.log, lambda out, x: (1 / x,), "ln x", "1/x", example=(1.0, 0.0), domain="x > 0",
    remedy="log(maximum(x, 1e-12)), or take the loss from logits: nn.cross_entropy(logits, target)")
log1p = Operation("log1p", math.log1p, lambda out, x: (1 / (1 + x),), "ln(1 + x)", "1/(1 + x)", example=(0.0, 0.0),
    domain="x > -1", remedy="log1p(maximum(x, 1e-12 - 1))")
sqrt = Operation("sqrt", math.sqrt, lambda out, x: (0.5 / out,), "sqrt x", "1/(2 sqrt x)", example=(9.0, 3.0),
    domain="x >= 0", remedy="sqrt(maximum(x, 0.0))")
sin = Operation("sin", math.sin, lambda out, x: (cos(x),), "sin x", "cos x", example=(0.0, 0.0), domain="a finite x")
cos: Operation = Operation("cos", math.cos, lambda out, x: (-sin(x),), "cos x", "-sin x", example=(0.0, 1.0),
    domain="a finite x")
tan = Operation("tan", math.tan, lambda out, x: (1 + out * out,), "tan x", "1 + tan^2 x", example=(0.0, 0.0),
    domain="a finite x")
arcsin = Operation("arcsin", math.asin, lambda out, x: (1 / sqrt(one_minus_square(x)),), "arcsin x",
    "1/sqrt(1 - x^2)", example=(0.0, 0.0), domain="-1 <= x <= 1", remedy="arcsin(maximum(-1.0, minimum(x, 1.0)))")
arccos = Operation("arccos", math.acos, lambda out, x: (-1 / sqrt(one_minus_square(x)),), "arccos x",
    "-1/sqrt(1 - x^2)", example=(1.0, 0.0), domain="-1 <= x <= 1", remedy="arccos(maximum(-1.0, minimum(x, 1.0)))")
arctan = Operation("arctan", math.atan,
    lambda out, x: (where(abs(x) < 1e8, lambda: 1 / (1 + x * x), lambda: 1 / x / x),),
    "arctan x", "1/(1 + x^2)", example=(0.0, 0.0))
sinh = Operation("sinh", math.sinh, lambda out, x: (cosh(x),), "sinh x", "cosh x", example=(0.0, 0.0))
cosh: Operation = Operation("cosh", math.cosh, lambda out, x: (sinh(x),), "cosh x", "sinh x", example=(0.0, 1.0))

sech = Operation("sech", stable_sech, lambda out, x: (-out * tanh(x),), "1/cosh x", "-sech x tanh x",
    example=(0.0, 1.0))
gaussian = Operation("gaussian", stable_gaussian,
    lambda out, x: (where(abs(x) < 30, lambda: -2 * x * out, lambda: -out),),
    "e^(-x^2)", "-2 x e^(-x^2)", example=(0.0, 1.0))
tanh: Operation = Operation("tanh", math.tanh, lambda out, x: (sech(x) ** 2,), "tanh x",
    "1 - tanh^2 x, computed as sech^2 x", example=(0.0, 0.0), source=LECTURE)
sigmoid = Operation("sigmoid", stable_sigmoid, lambda out, x: ((0.5 * sech(0.5 * x)) ** 2,), "1/(1 + e^-x)",
    "s(x) (1 - s(x)), computed as sech^2(x/2)/4", example=(0.0, 0.5), source=LECTURE)
relu = Operation("relu", lambda x: where(x <= 0, 0.0, x), lambda out, x: (where(out > 0, 1.0, 0.0 * out),),
    "max(0, x)", "1 for x > 0, else 0 (lecture 000: 1 at 0, a subgradient too)", example=(-2.0, 0.0), source=LECTURE,
    selects=True)
softplus = Operation("softplus", stable_softplus, lambda out, x: (sigmoid(x),), "ln(1 + e^x)", "1/(1 + e^-x)",
    example=(0.0, 0.6931471805599453), source=LECTURE)
erf = Operation("erf", math.erf, lambda out, x: (2 / math.sqrt(math.pi) * gaussian(x),),
    "2/sqrt(pi) times the integral of e^(-t^2) from 0 to x", "2/sqrt(pi) e^(-x^2)", example=(0.0, 0.0))
logsumexp = Operation("logsumexp", stable_logsumexp, lambda out, *xs: tuple(map(share, *exponentials(xs)[1:])),
    "ln(e^x_1 + ... + e^x_n)", "softmax", example=(0.0, 0.0, 0.6931471805599453))
log_softmax = Operation("log_softmax", lambda x, *xs: -stable_logsumexp(x, *xs, less=x), log_softmax_slopes,
    "x_1 - ln(e^x_1 + ... + e^x_n), the log of softmax's first",
    "(1 - p_1, -p_2, ..., -p_n) for p = softmax", example=(0.0, 0.0, -0.6931471805599453))


@lru_cache(maxsize=1024)
def power_of(exponent: float) -> Operation:
    """x**exponent for a plain number: an operation of x alone, so that no logarithm is taken for a constant."""
    return Operation("power", lambda x: real_power(x, exponent),
        lambda out, x: (power_slope(x, exponent) if exponent else 0.0,),
        symbol=f"**{int(exponent) if exponent.is_integer() else exponent}", domain=power.domain, remedy=power.remedy,
        factory=power_of, parameters=(exponent,))


@lru_cache(maxsize=1024)
def leaky_relu_of(slope: float) -> Operation:
    """leaky_relu for a plain number as its slope below zero."""
    return Operation("leaky_relu", lambda x: where(x > 0, x, slope * x),
        lambda out, x: (where(x > 0, 1.0, where(x <= 0, slope, 0.0 * out)),), "x for x > 0, else slope x",
        "1 for x > 0, else slope", example=(2.0, 2.0), factory=leaky_relu_of, parameters=(slope,))


# fmt: on


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x for x > 0, else slope x; derivative 1 for x > 0, else slope.

    >>> leaky_relu(-2.0, slope=0.25)
    -0.5
    """
    return leaky_relu_of(as_float(slope))(x)


OPERATIONS = {op.name: op for op in [*globals().values(), leaky_relu_of(0.01)] if isinstance(op, Operation)}

# What a node without parents says of itself in place of an operation, unless it is a plain leaf.
constant = Operation("constant", float, lambda out: (), arity=0)  # a number in an expression: it takes no gradient
detached = Operation("detached", float, lambda out: (), arity=0)  # a result computed under no_grad

__test__ = {name: op.__doc__ for name, op in OPERATIONS.items()}  # the examples in the rows are doctests
