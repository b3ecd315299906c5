"""What an operation is, and how a call finds its way by the kind of its operands.

One rule serves several kinds of number: floats, Values, `IEEE` numbers, and whatever else brings the methods `_apply`,
`_where` and `_stop_gradient`. Nothing here knows these classes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from numbers import Complex, Real
from typing import Any

from autograd import messages, modes
from autograd.formatting import on_one_line, shown
from autograd.ieee import IEEE


def as_float(number: Any) -> float:
    """`number` as a float: any real number, NumPy's scalars and zero-dimensional arrays included.

    >>> as_float(3)
    3.0

    Raises TypeError, naming the type, for everything else, OverflowError for a whole number beyond 1.8e308.
    """
    if isinstance(number, Real):
        try:
            return float(number)
        except OverflowError:
            raise OverflowError(messages.no_double(number)) from None
    held = plain(number)
    if type(held) is not type(number):
        return as_float(held)
    raise TypeError(messages.no_number(number, "complex" if isinstance(number, Complex) else ""))


def as_int(number: Any) -> int:
    """`number` as an int: any whole number, NumPy's included. Raises TypeError for everything else, 3.0 for one."""
    return operator.index(plain(number))


def plain(x: Any) -> Any:
    """What a scalar of NumPy's or an array without dimensions holds, x itself for everything else."""
    return x.item() if getattr(x, "ndim", None) == 0 and hasattr(x, "item") else x


def as_number(x: Any) -> Any:
    """What comes in from a user: a float, or a node, a placeholder or another kind of number as it is.

    NumPy's scalars would keep their own arithmetic, in which 3 - 5 is 254 and 0.1 has seven digits.

    >>> as_number(True)
    1.0
    """
    return x if type(x) is float or hasattr(x, "_apply") else as_float(x)


def as_numbers(values: Iterable[Any]) -> list[Any]:
    """`as_number` of each, as a list."""
    numbers = list(values)
    if not _taken_as_they_are.issuperset(map(type, numbers)):
        numbers = [as_number(x) for x in numbers]
        _taken_as_they_are.update(map(type, numbers))
    return numbers


_taken_as_they_are: set[Any] = {float}  # the types that as_number has left alone: one look for a whole sequence, in C


class Operation:
    """A differentiable function of numbers, called like a function.

    With plain numbers it returns a float and raises where Python's own arithmetic raises; with at least one Value
    among the operands it returns the Value that records the step.

    name, symbol       what code and pictures call it ("multiply", "*")
    forward            forward(*operands) -> the result
    derivative         derivative(out, *operands) -> a tuple, one partial per operand; or a tuple of constants
    formula, slope     the value and the derivative in words of mathematics, for documentation
    domain, remedy     where it is defined, and what to write outside
    parameters         the plain numbers that a parametrised operation was made with
    selects            whether a partial of 0 says that the operand was not selected: then nothing is passed on to it,
                       not even 0 * inf
    arity              how many operands it takes; None where that is left to its forward
    """

    _original: Operation | None = None  # of a twin; one to itself would keep alive what it closes over

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        derivative: Callable[..., tuple[Any, ...]] | tuple[float, ...],
        formula: str = "",
        slope: str = "",
        symbol: str = "",
        *,
        domain: str = "",
        remedy: str = "",
        example: tuple[float, ...] = (),
        source: str = "",
        factory: Callable[..., Operation] | None = None,
        parameters: tuple[float, ...] = (),
        selects: bool = False,
        arity: int | None = None,
    ) -> None:
        self.name, self.symbol = name, symbol or name
        self.forward, self.derivative = forward, derivative
        self.formula, self.slope, self.domain, self.remedy = formula, slope, domain, remedy
        self.factory, self.parameters, self.example, self.selects = factory, parameters, example, selects
        self.arity = len(example) - 1 if arity is None and example and not takes_any(forward) else arity
        self.line = ""
        self.__name__ = self.__qualname__ = name
        self.__module__ = "autograd.operations"  # where pickle finds the rows; `operation` sets it anew
        if formula:
            lines = [f"{formula}; derivative: {slope}. Takes Values or plain numbers and returns the same kind."]
            lines += [f"Raises where {domain} does not hold."] * bool(domain) + [f"Source: {source}."] * bool(source)
            *arguments, result = map(repr, example)
            self.__doc__ = "\n".join([*lines, "", f">>> {name}({', '.join(arguments)})", result])

    def __call__(self, *operands: Any) -> Any:
        for operand in operands:
            if type(operand) is not float:
                return self._call_with(operands)
        try:
            return self.forward(*operands)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise self.explain(error, operands) from None

    def _call_with(self, operands: tuple[Any, ...]) -> Any:
        for operand in operands:
            if hasattr(operand, "_apply"):
                return operand._apply(self, operands)
        return as_float(self(*map(as_float, operands)))

    def partials(self, out: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
        """derivative(out, *operands), following IEEE 754 where Python's arithmetic on floats would raise.

        For sqrt at 0 that is inf, the limit.
        """
        derivative: Any = self.derivative
        try:
            partials = derivative if isinstance(derivative, tuple) else derivative(out, *operands)
        except (ArithmeticError, ValueError):
            if type(out) is not float:
                raise
            partials = tuple(map(float, derivative(IEEE(out), *map(IEEE, operands))))
        except TypeError:
            if messages.takes(derivative, 1 + len(operands)):
                raise
            raise TypeError(messages.wrong_derivative(self.name, "cannot be called", len(operands))) from None
        if not isinstance(partials, (tuple, list)) or len(partials) != len(operands):
            raise TypeError(messages.wrong_derivative(self.name, f"returned {shown(partials)}", len(operands)))
        return tuple(partials)

    def explain(self, error: Exception, numbers: Sequence[float], nodes: Iterable[Any] = ()) -> Exception:
        """The same kind of error, saying which operation failed, at which operands, why, and what to write."""
        if isinstance(error, TypeError):
            fits = messages.takes(self.forward, len(numbers))
            return error if fits else TypeError(messages.wrong_count(self.name, self.forward, len(numbers)))
        names = " and ".join(filter(None, map(told, dict.fromkeys(nodes))))
        place = f"at {', '.join(map(repr, (*numbers, *self.parameters)))}" + f" (node {names})" * bool(names)
        call = f"lambda: {self.name}({', '.join(messages.names_of_operands(self.forward))})"
        if isinstance(error, OverflowError):
            what, why = "overflows", "The result is beyond the largest double, 1.8e308."
            remedy = f"where(abs(x) < 700.0, {call}, 0.0), or scale the operands down"
            if self.symbol.startswith("**"):
                remedy = f"exp(minimum({', '.join(map(repr, self.parameters)) or 'y'} * log(abs(x)), 700.0))"
            elif self.remedy and not self.domain:  # else it says how to come back into the domain
                remedy = self.remedy
        elif self.domain:
            what, why = "is not defined", f"It needs {self.domain}."
            remedy = self.remedy or f"where(abs(x) < math.inf, {call}, 0.0)"
        else:
            what, why = "failed", f"{on_one_line(str(error) or type(error).__name__, 200).rstrip('.')}."
            remedy = f"where(condition, {call}, 0.0), with the condition under which it is defined"
        explained = type(error)(f"{self.name} {what} {place}.\n  {why}\n  Write {remedy}.")
        explained.operation = self  # type: ignore[attr-defined]  # so that nobody takes it for the error of a check
        return explained

    def __repr__(self) -> str:
        return f"<operation {self.symbol}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._original is not None:
            return _same, (self._original,)
        return (self.factory, self.parameters) if self.factory else self.__qualname__

    @property
    def original(self) -> Operation:
        """What this is a twin of; itself, where it is none."""
        return self._original or self

    def called_at(self, line: str) -> Operation:
        """The same operation for one node, which knows the line of the program that made it; see `detect_anomaly`."""
        twin = object.__new__(Operation)
        twin.__dict__.update(self.__dict__, line=line, _original=self.original)
        return twin


def _same(operation: Operation) -> Operation:
    return operation


def takes_any(forward: Callable[..., Any]) -> bool:
    """Whether it takes any number of operands."""
    code = getattr(forward, "__code__", None)
    return code is not None and bool(code.co_flags & 0x04)  # inspect.CO_VARARGS, without importing inspect


def recorded(data: float, partials: tuple[float, ...]) -> Operation:
    """The operation of a node that was given its number and its partials, and no function that they belong to."""

    def forward(*operands: Any) -> float:
        _refuse_all_but_numbers(operands)
        return data

    def derivative(out: Any, *operands: Any) -> tuple[float, ...]:
        _refuse_all_but_numbers([out])
        return partials

    made = Operation("local_grads", forward, derivative, symbol="f", arity=len(partials),
                     remedy="Value(data, (x,), (dx,)) with finite numbers")  # fmt: skip
    made.factory = partial(recorded, data, partials)  # with no parameters beside them: nobody is to see these
    return made


def _refuse_all_but_numbers(operands: Iterable[Any]) -> None:
    """A placeholder passes: the tape of a function takes the node for what it is, a constant with partials."""
    for x in operands:
        if not isinstance(x, float) and hasattr(x, "_apply") and not hasattr(x, "_where"):
            raise TypeError(messages.NUMBERS_FOR_A_RULE)


def told(node: Any) -> str:
    """What a message says of a node: its label, and where it was made."""
    line = node.operation.line if node.operation else ""
    return ", ".join([*[f"'{on_one_line(node.label, 40)}'"] * bool(node.label), *[f"made at {line}"] * bool(line)])


def operation(
    derivative: Callable[..., tuple[Any, ...]] | tuple[float, ...],
) -> Callable[[Callable[..., Any]], Operation]:
    """Decorator: an operation of your own, from its forward and its local derivative.

    derivative(out, *operands) returns a tuple with one partial d out / d operand for each operand, in order.

    >>> @operation(lambda out, x: (3 * x * x,))
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0

    Written with the engine's functions (`autograd.exp`, not `math.exp`) it can be differentiated again.
    """

    def decorate(forward: Callable[..., Any]) -> Operation:
        if not callable(forward):
            raise TypeError(
                f"@operation was given {shown(forward)} in place of a function to decorate.\n"
                "  It takes the local derivative first and stands above the function.\n"
                "  Write @operation(lambda out, x: (3 * x * x,)) above def cube(x): return x * x * x."
            )
        made = Operation(forward.__name__, forward, checked(derivative, forward))
        update_wrapper(made, forward)
        return made

    return decorate


def checked(derivative: Any, forward: Callable[..., Any]) -> Any:
    """The same derivative, which raises where a partial is no number: in a rule of the user's, None for one."""
    if isinstance(derivative, tuple):
        return tuple(as_partial(1.0, partial, i, forward) for i, partial in enumerate(derivative))

    def partials(out: Any, *operands: Any) -> Any:
        found = derivative(out, *operands)
        if not isinstance(found, (tuple, list)):
            return found
        return tuple([as_partial(out, partial, i, forward) for i, partial in enumerate(found)])

    return update_wrapper(partials, derivative)


def as_partial(out: Any, partial: Any, i: int, forward: Callable[..., Any]) -> Any:
    """A partial as a float, or of the kind of `out` where a derivative is differentiated again."""
    if type(partial) is float or (type(out) is not float and hasattr(partial, "_apply")):
        return partial
    try:
        return as_float(partial)
    except TypeError:
        raise TypeError(messages.wrong_partial(forward, partial, i)) from None


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`. Of callables only the chosen one runs.

    >>> where(0.0 > 0, lambda: 1 / 0, -1.0)
    -1.0

    A number that is chosen over a Value comes back as a Value, so that the result is of one kind. Conditions are
    combined by `logical_and`, `logical_or` and `logical_not`. Raises TypeError for -1 and -2, which are what `~` makes
    of True and False.
    """
    if condition is not True and condition is not False:
        if hasattr(condition, "_where"):
            return condition._where(a, b)
        tape = modes.tracing.get() if hasattr(condition, "_stop_gradient") else None
        if tape is not None:  # a captured Value may change until the next run
            return tape.placeholder(condition)._where(a, b)
        refuse_inverted(condition)
    chosen, other = (a, b) if condition else (b, a)
    if callable(chosen):
        chosen = chosen()
    if type(chosen) is not float and not hasattr(chosen, "_apply") and isinstance(plain(chosen), Real):
        chosen = as_float(chosen)
    if type(chosen) is float and type(other) is not float and hasattr(other, "_apply") and not hasattr(other, "_where"):
        return type(other)(chosen)
    return chosen


def refuse_inverted(condition: Any) -> None:
    """Raises TypeError for what `~` makes of a bool, which holds whatever the bool was."""
    if type(condition) is int and condition in (-2, -1):
        raise TypeError(messages.inverted(condition))


def stop_gradient(x: Any) -> Any:
    """x as a constant: the same number, and nothing flows back through it.

    >>> stop_gradient(2.0)
    2.0
    """
    if not hasattr(x, "_stop_gradient"):
        return as_float(x)
    tape = modes.tracing.get()  # of a captured Value it is to be taken anew at each run
    return x._stop_gradient() if tape is None else tape.placeholder(x)._stop_gradient()
