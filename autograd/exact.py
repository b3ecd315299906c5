"""Slopes of a recorded graph at 50 digits: its operations run again, on numbers of mpmath, along the branches it took.

No rule of a derivative is used: the slope of each primitive is a difference quotient at that precision.
"""

from __future__ import annotations

import math
import operator
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd import operations
from autograd.differences import EDGE, KINK, Estimate
from autograd.dispatch import Operation, as_float
from autograd.graph import interior_order
from autograd.value import Value, new_node

TOLERANCE = 1e-9  # relative: what doubles keep of a slope


class Exact:
    """A number that moves: the engine's double `at`, the `value` at 50 digits, its `slope` along some direction.

    A slope is a difference quotient too, over a step that 50 digits resolve. Comparisons go by the doubles, which
    freezes the branches that the engine took; a tie goes by the slopes, which asks for the branch on that side.
    """

    mp: Any  # the context of mpmath, and the smallest magnitude for it; see `_exact_kind`
    smallest: Any

    def __init__(self, at: float, value: Any = None, slope: Any = 0) -> None:
        self.at, self.slope = at, slope
        self.value = self.mp.mpf(at) if value is None else value

    def _lift(self, number: Any) -> Exact:
        return number if isinstance(number, Exact) else type(self)(as_float(number))

    def _stop_gradient(self) -> Exact:
        return type(self)(self.at, self.value)

    def _apply(self, operation: Operation, operands: Sequence[Any]) -> Exact:
        forward: Any = operation.forward
        try:
            if getattr(forward, "__module__", "") == "math":
                return self._primitive(forward, getattr(self.mp, forward.__name__), *operands)
            return self._lift(forward(*map(self._lift, operands)))
        except (TypeError, AttributeError) as error:
            raise TypeError(
                f"{operation.name} cannot be evaluated at 50 digits, since its forward does not run on them: "
                f"{str(error).partition(chr(10))[0].rstrip('.')}.\n"
                "  exact=True evaluates forwards on numbers of mpmath.\n"
                "  Write it with the engine's functions: autograd.exp(x), not math.exp(x)."
            ) from error

    def _primitive(self, function: Callable[..., Any], exact: Callable[..., Any], *operands: Any) -> Exact:
        numbers = [self._lift(operand) for operand in operands]

        def moved(h: Any) -> Any:
            result = exact(*[number.value + h * number.slope for number in numbers])
            return self.mp.nan if isinstance(result, self.mp.mpc) else result

        speed = sum(abs(number.slope) / max(abs(number.value), self.smallest) for number in numbers)  # NaN if one is
        slope: Any = 0
        if speed:
            h = self.mp.mpf(10) ** -20 / speed
            slope = (moved(h) - moved(-h)) / (2 * h)
        return type(self)(function(*[number.at for number in numbers]), moved(0), slope)

    def __abs__(self) -> Exact:
        return -self if self < 0.0 else self  # type: ignore[operator]

    def __bool__(self) -> bool:
        return self.at != 0


def _arithmetic(function: Callable[..., Any]) -> tuple[Callable[..., Exact], Callable[..., Exact]]:
    return (
        lambda self, *other: self._primitive(function, function, self, *other),
        lambda self, other: self._primitive(function, function, other, self),
    )


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Exact, Any], bool]:
    def method(self: Exact, other: Any) -> bool:
        other = self._lift(other)
        return compare(self.at, other.at) if self.at != other.at else compare(self.slope, other.slope)

    return method


for _name in ("neg", "add", "sub", "mul", "truediv", "pow"):
    _forwards, _backwards = _arithmetic(getattr(operator, _name))
    setattr(Exact, f"__{_name}__", _forwards)
    if _name != "neg":
        setattr(Exact, f"__r{_name}__", _backwards)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Exact, f"__{_name}__", _comparison(getattr(operator, _name)))


def _exact_kind(magnitudes: Iterator[float]) -> type[Exact]:
    """A class of exact numbers whose steps are resolved beside numbers of these magnitudes."""
    try:
        import mpmath  # type: ignore[import-untyped]  # heavy, for those who ask
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "gradcheck(..., exact=True) needs mpmath, which is not installed.\n"
            "  It evaluates the graph at 50 digits.\n  Run: pip install mpmath"
        ) from None
    mp = mpmath.MPContext()  # a context of our own: mpmath's global one belongs to everybody
    places = math.ceil(-math.log10(min((m for m in magnitudes if 0 < m < 1), default=1.0))) + 10
    mp.dps = 70 + 2 * places
    return type("Exact", (Exact,), {"mp": mp, "smallest": mp.mpf(10) ** -places})


def exact_slopes(outputs: list[Value], inputs: list[Value]) -> list[list[Estimate]]:
    """d output / d input at 50 digits along the recorded graph, for each input, each output."""
    if not outputs:
        return [[] for _ in inputs]
    order = interior_order(new_node(0.0, operations.logsumexp, outputs))[:-1]  # any operation does
    leaves = {node for node in (*inputs, *outputs, *(p for node in order for p in node.parents)) if not node.parents}
    kind = _exact_kind(abs(node.data) for node in (*leaves, *order))

    def walk(moving: dict[Value, Exact], still: dict[Value, Exact]) -> dict[Value, Exact]:
        numbers = ChainMap(moving, still)
        for node in order:
            if any(parent in moving for parent in node.parents):
                try:
                    result = node.operation(*[numbers[parent] for parent in node.parents])
                    moving[node] = kind(node.data, result.value, result.slope)
                except (ArithmeticError, ValueError):
                    moving[node] = kind(node.data, kind.mp.nan, kind.mp.nan)
        return moving

    still = walk({leaf: kind(leaf.data) for leaf in leaves}, {})
    rows = []
    for x in inputs:
        right, left = (walk({x: kind(x.data, slope=kind.mp.mpf(side))}, still) for side in (1, -1))
        sides = [(float(right[y].slope), -float(left[y].slope)) if y in right else (0.0, 0.0) for y in outputs]
        # Beyond the 25th digit of the function itself a difference of slopes is what the steps leave.
        rows.append([_between(*pair, 1e-25 * abs(y.data) / (abs(x.data) or 1.0)) for pair, y in zip(sides, outputs)])
    return rows


def _between(right: float, left: float, rest: float) -> Estimate:
    if not math.isfinite(rest) or math.isnan(right) or math.isnan(left):
        return Estimate(math.nan, math.nan, EDGE)
    apart = 0.0 if right == left else abs(right - left)
    kink = apart > TOLERANCE * max(abs(right), abs(left)) + rest
    return Estimate(right / 2 + left / 2, apart, KINK if kink else "")
