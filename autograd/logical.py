"""Comparisons of numbers, and conditions combined: functions that mean the same of numbers, Values and in a trace.

The operators do not: `==` of Values is identity, and `~True` is -2. On numbers and Values the result is a bool, as that
of `x > 0` is; in a trace it is a step, which is computed anew at each run.
"""

from __future__ import annotations

from typing import Any

from autograd import modes
from autograd.dispatch import as_float, refuse_inverted
from autograd.value import Value


def equal(a: Any, b: Any) -> Any:
    """Whether a and b are the same number; of Values, whether their data are. NaN is equal to nothing.

    >>> from autograd import Value
    >>> equal(Value(2.0), 2), equal(float("nan"), float("nan"))
    (True, False)

    Raises TypeError for what is no real number.
    """
    tape = _tape_of(a, b)
    return _number(a) == _number(b) if tape is None else tape.placeholder(a)._compared("equal", b)


def not_equal(a: Any, b: Any) -> Any:
    """Whether a and b are different numbers, see `equal`.

    >>> not_equal(2.0, 3.0), not_equal(float("nan"), float("nan"))
    (True, True)
    """
    tape = _tape_of(a, b)
    return _number(a) != _number(b) if tape is None else tape.placeholder(a)._compared("unequal", b)


def logical_not(condition: Any) -> Any:
    """Whether the condition does not hold. A number, or a Value, holds where it is not 0; so NaN does.

    >>> logical_not(2.0 > 3.0), logical_not(0.5)
    (True, False)

    Raises TypeError for what is no real number, and for -1 and -2, which are what `~` makes of a bool.
    """
    tape = _tape_of(condition)
    return not _holds(condition) if tape is None else ~_condition(tape, condition)


def logical_and(a: Any, b: Any) -> Any:
    """Whether both conditions hold, see `logical_not`.

    >>> logical_and(1.0 > 0, 2.0 > 3.0)
    False
    """
    tape = _tape_of(a, b)
    return _holds(a) & _holds(b) if tape is None else _condition(tape, a) & _condition(tape, b)


def logical_or(a: Any, b: Any) -> Any:
    """Whether one of the conditions holds, see `logical_not`.

    >>> logical_or(1.0 > 0, 2.0 > 3.0)
    True
    """
    tape = _tape_of(a, b)
    return _holds(a) | _holds(b) if tape is None else _condition(tape, a) | _condition(tape, b)


def _tape_of(*operands: Any) -> Any:
    """The tape on which to write down what is done to them; None where they are numbers."""
    for operand in operands:
        if hasattr(operand, "_compared"):  # a placeholder, also of a rule that runs outside of any trace
            return operand._living()
    return modes.tracing.get() if any(type(operand) is Value for operand in operands) else None


def _number(x: Any) -> float:
    return x._data if type(x) is Value else as_float(x)


def _holds(condition: Any) -> bool:
    refuse_inverted(condition)
    return _number(condition) != 0


def _condition(tape: Any, condition: Any) -> Any:
    refuse_inverted(condition)
    return tape.placeholder(condition)
