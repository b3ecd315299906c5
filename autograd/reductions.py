"""Functions of a whole sequence of Values or numbers. Sums run from left to right, so that every backend agrees."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import reduce
from typing import Any

from autograd import operations
from autograd.dispatch import as_numbers, stop_gradient


def sum(values: Iterable[Any]) -> Any:
    """x_1 + x_2 + ... + x_n; 0.0 for an empty sequence.

    >>> sum([1.0, 2.0, 3.0])
    6.0
    """
    terms = as_numbers(values)
    return operations.total(terms) if terms else 0.0


def dot(a: Iterable[Any], b: Iterable[Any]) -> Any:
    """a_1 b_1 + a_2 b_2 + ... + a_n b_n; 0.0 for two empty sequences.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0

    Raises ValueError when the lengths differ.
    """
    return dot_of_lists(as_numbers(a), as_numbers(b))


def dot_of_lists(left: list[Any], right: list[Any]) -> Any:
    """`dot` without a look at the types of the numbers, for lists of which one holds Values only."""
    if len(left) != len(right):
        n = min(len(left), len(right))
        raise ValueError(
            f"dot needs two sequences of one length, got {len(left)} and {len(right)} numbers.\n"
            "  Each number of the first is multiplied by the one at its place in the second.\n"
            f"  Write dot(a, b) with as many numbers in both, or dot(a[:{n}], b[:{n}])."
        )
    return reduce(operator.add, map(operator.mul, left, right)) if left else 0.0


def logsumexp(values: Iterable[Any]) -> Any:
    """ln(e^x_1 + ... + e^x_n), without overflow; derivative: softmax. One node, whatever the length.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599

    Raises ValueError for an empty sequence.
    """
    return operations.logsumexp(*_some(values, "logsumexp"))


def softmax(values: Iterable[Any]) -> list[Any]:
    """e^x_i / (e^x_1 + ... + e^x_n) for each x_i, as a list; without overflow.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]

    Raises ValueError for an empty sequence. Source: lecture 000, vector activations.
    """
    xs = _some(values, "softmax")
    top = stop_gradient(reduce(operations.maximum, xs))
    exponentials = [operations.exp(x - top) for x in xs]
    partition = sum(exponentials)
    return [e / partition for e in exponentials]


def log_softmax(values: Iterable[Any]) -> list[Any]:
    """x_i - ln(e^x_1 + ... + e^x_n) for each x_i, as a list: the log of `softmax`, with all digits near 0 and far out.

    >>> log_softmax([0.0, 0.0])
    [-0.6931471805599453, -0.6931471805599453]

    Raises ValueError for an empty sequence.
    """
    xs = _some(values, "log_softmax")
    return [operations.log_softmax(x, *xs[:i], *xs[i + 1 :]) for i, x in enumerate(xs)]


def _some(values: Iterable[Any], name: str) -> list[Any]:
    numbers = as_numbers(values)
    if not numbers:
        raise ValueError(
            f"{name} of an empty sequence is not defined.\n  It needs a term to start from, the largest one.\n"
            f"  Write {name}([x]) with at least one number."
        )
    return numbers
