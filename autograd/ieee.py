"""IEEE 754 arithmetic that never raises: what a partial derivative is where Python's own arithmetic would stop.

A local derivative runs on plain floats. Where that raises (``0.5 / out`` of sqrt at 0), the rule runs again on
`IEEE` numbers, and the partial comes out as the limit or as NaN: sqrt'(0) is inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.dispatch import Operation


class IEEE(float):
    """A double with the arithmetic of IEEE 754: division by zero and overflow give inf, the undefined NaN.

    >>> IEEE(1.0) / 0.0, -IEEE(1.0) / 0.0, IEEE(10.0) ** 400, IEEE(-8.0) ** 0.5
    (inf, -inf, inf, nan)
    """

    __slots__ = ()

    @staticmethod
    def _apply(operation: Operation, operands: Sequence[Any]) -> IEEE:
        try:
            return IEEE(operation.forward(*map(IEEE, operands)))
        except OverflowError:
            odd = operation.name == "sinh" and operands[0] < 0
            return IEEE(-math.inf if odd else math.inf)
        except ValueError:
            pole = {"log": 0.0, "log1p": -1.0}.get(operation.name)
            return IEEE(-math.inf if operands[0] == pole else math.nan)


def _divide(a: float, b: float) -> float:
    try:
        return float(a) / float(b)
    except ZeroDivisionError:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _power(x: float, y: float) -> float:
    try:
        result = float(x) ** float(y)
    except (ZeroDivisionError, OverflowError):
        return -math.inf if math.copysign(1.0, x) < 0 and y % 2 == 1 else math.inf
    return math.nan if isinstance(result, complex) else result


def _method(function: Callable[..., float], reflected: bool = False) -> Callable[..., IEEE]:
    if reflected:
        return lambda self, other: IEEE(function(float(other), self))
    return lambda self, *others: IEEE(function(self, *map(float, others)))


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "neg": float.__neg__,
    "abs": float.__abs__,
    "add": float.__add__,
    "sub": float.__sub__,
    "mul": float.__mul__,
    "truediv": _divide,
    "pow": _power,
}
for _name, _function in _ARITHMETIC.items():
    setattr(IEEE, f"__{_name}__", _method(_function))
    if _name not in ("neg", "abs"):
        setattr(IEEE, f"__r{_name}__", _method(_function, reflected=True))
