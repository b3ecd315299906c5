"""The shapes of arguments and results: a number, or a sequence of numbers, or sequences of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from autograd.operations import identity
from autograd.value import Value


def is_sequence(x: Any) -> bool:
    """Whether x holds numbers, as lists, tuples and arrays do, and is not one itself."""
    return hasattr(x, "__iter__") and not isinstance(x, (str, Mapping, Set)) and getattr(x, "ndim", 1) != 0


def flat(x: Any) -> list[Any]:
    """The numbers in x, in order.

    >>> flat([1.0, [2.0, 3.0]])
    [1.0, 2.0, 3.0]
    """
    return [leaf for element in x for leaf in flat(element)] if is_sequence(x) else [x]


def like(x: Any, numbers: Iterator[Any]) -> Any:
    """The next numbers in the shape of x: a list for every sequence.

    >>> like((0.0, [0.0, 0.0]), iter([1.0, 2.0, 3.0]))
    [1.0, [2.0, 3.0]]
    """
    return [like(element, numbers) for element in x] if is_sequence(x) else next(numbers)


def gathered(x: Any) -> Any:
    """x with a list in place of every iterator, which can be walked over only once.

    >>> gathered(i * i for i in range(3))
    [0, 1, 4]
    """
    if type(x) is float:  # most of them, at every call of a compiled function
        return x
    if type(x) is tuple:
        return tuple(map(gathered, x))
    return list(map(gathered, x)) if type(x) is list or hasattr(x, "__next__") else x


def alike(x: Any, other: Any) -> bool:
    """Whether both are numbers, or sequences of as many elements that are alike.

    >>> alike([[1.0, 2.0], [3.0]], ([0.0, 0.0], [0.0])), alike([[1.0, 2.0], [3.0]], [0.0, 0.0, 0.0])
    (True, False)
    """
    if type(x) is float and type(other) is float:
        return True
    if not is_sequence(x) or not is_sequence(other):
        return not is_sequence(x) and not is_sequence(other)
    x, other = list(x), list(other)
    return len(x) == len(other) and all(map(alike, x, other))


def in_place_of(x: Any, items: Iterator[Any]) -> Any:
    """The next items in the shape of x and in its kind: a tuple stays one, and a NumPy array one of objects.

    >>> in_place_of((0.0, [0.0, 0.0]), iter("abc"))
    ('a', ['b', 'c'])
    """
    if not is_sequence(x):
        return next(items)
    found = [in_place_of(element, items) for element in x]
    if isinstance(x, tuple):
        return type(x)(*found) if hasattr(x, "_fields") else tuple(found)
    if hasattr(x, "astype") and hasattr(x, "flat"):
        array = x.astype(object)
        array[...] = found
        return array
    return found


def fresh_nodes(x: Any) -> Any:
    """New nodes in the shape of x. A Value becomes the child of an identity, which keeps outer derivatives apart."""
    if not is_sequence(x):
        return identity(x) if type(x) is Value else Value(x)
    nodes = [fresh_nodes(element) for element in x]
    if hasattr(x, "astype"):  # a NumPy array stays one, of objects
        x = x.astype(object)
        x[...] = nodes
        return x
    return nodes
