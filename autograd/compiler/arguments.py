"""The arguments of a function that is to be compiled, as its signature has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.compiler import messages
from autograd.dispatch import Operation
from autograd.formatting import on_one_line
from autograd.messages import names_of_operands
from autograd.tracing import takes_any

SETTINGS = (str, bool, type(None))  # of an argument with a default: no numbers, but what the function branches on


class Required(NamedTuple):
    """The names of the arguments without a default: those by position, and those by name alone."""

    positional: list[str]
    by_name: list[str]


class Call(NamedTuple):
    """What a call gives: arguments by position, and behind them those that are given by name."""

    positional: tuple[Any, ...]
    named: dict[str, Any]

    def split(self) -> tuple[tuple[str, ...], dict[str, Any], tuple[Any, ...]]:
        """The names of the numbers that are given by name; the settings; all numbers in order."""
        settings = {name: x for name, x in self.named.items() if isinstance(x, SETTINGS)}
        numbers = {name: x for name, x in self.named.items() if name not in settings}
        return tuple(numbers), settings, (*self.positional, *numbers.values())


def required(function: Callable[..., Any] | None) -> Required | None:
    """The arguments without a default; None where the signature does not say.

    >>> required(lambda x, y, scale=1.0, *, rate: x), required(lambda *xs: xs)
    (Required(positional=['x', 'y'], by_name=['rate']), None)
    """
    if isinstance(function, Operation) and not takes_any(function):
        return Required(names_of_operands(function.forward), [])
    try:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    without = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    by_name = [p.name for p in without if p.kind is p.KEYWORD_ONLY]
    return Required([p.name for p in without if p.kind is not p.KEYWORD_ONLY], by_name)


def names_of_positional(function: Callable[..., Any], count: int) -> list[str] | None:
    """The names of the first `count` arguments; None where the signature does not say."""
    found = required(function)
    if isinstance(function, Operation) or found is None:
        return found.positional[:count] if found else None
    parameters = inspect.signature(function).parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[:count] if len(names) >= count else None


def bound(function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: dict[str, Any], count: int) -> Call:
    """A call as the signature orders it: `count` arguments by position, the others by name where they have one.

    Raises TypeError where the function could not be called like that.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function in C that does not tell
        return Call(tuple(args), kwargs)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(messages.wrong_call(name, on_one_line(signature, 100), error)) from None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    if any(p.kind is p.VAR_POSITIONAL and p.name in given for p in signature.parameters.values()):
        count = len(args)  # those in front of *xs cannot be given by name
    for parameter in signature.parameters.values():
        if parameter.name not in given:
            count = 0  # what comes behind it has to be given by name
            continue
        value = given[parameter.name]
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= value
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is parameter.POSITIONAL_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and len(positional) < count
        ):
            positional.append(value)
        else:
            named[parameter.name] = value
    return Call(tuple(positional), named)
