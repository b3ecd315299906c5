"""The arguments of a function that is to be compiled, as its signature has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from autograd.compiler import messages
from autograd.dispatch import Operation
from autograd.messages import names_of_operands
from autograd.tracing import takes_any


def names_of_arguments(function: Callable[..., Any] | None) -> list[str] | None:
    """The names of the positional arguments without a default; None where the signature does not say.

    >>> names_of_arguments(lambda x, y, scale=1.0: x), names_of_arguments(lambda *xs: xs)
    (['x', 'y'], None)
    """
    if isinstance(function, Operation) and not takes_any(function):
        return names_of_operands(function.forward)
    try:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in positional if p.default is p.empty]


def count_of_arguments(function: Callable[..., Any] | None) -> int:
    """How many numbers it takes. Raises TypeError where its signature does not say."""
    names = names_of_arguments(function)
    if names is None:
        raise TypeError(messages.no_signature(function))
    return len(names)
