"""What the eager engine says of a function and its rows, and when a compiled one agrees with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value

ROUNDING = 1e-12


def flat(result: Any) -> list[Any]:
    return [leaf for element in result for leaf in flat(element)] if isinstance(result, (list, tuple)) else [result]


class Expected(NamedTuple):
    """What the eager engine says of each row, and the sum of the absolute terms behind it."""

    values: np.ndarray  # (n, outputs)
    slopes: np.ndarray  # (n, outputs, inputs)
    by_parameters: np.ndarray  # (n, outputs, parameters)
    value_terms: np.ndarray
    slope_terms: np.ndarray
    parameter_terms: np.ndarray


def eager(function: Callable[[Any], Any], rows: Sequence[Sequence[float]], parameters: Sequence[Value]) -> Expected:
    found: list[list[Any]] = [[] for _ in Expected._fields]
    for row in rows:
        x = [Value(number) for number in row]
        leaves = [*x, *parameters]
        outputs = [output if type(output) is Value else Value(output) for output in flat(function(x))]
        results = [slopes(output, leaves) for output in outputs]
        found[0].append([output.data for output in outputs])
        found[3].append([result[2] for result in results])
        for which in (0, 1):
            found[1 + 3 * which].append([result[which][: len(x)] for result in results])
            found[2 + 3 * which].append([result[which][len(x) :] for result in results])
    shapes = [(len(rows), -1)] + [(len(rows), len(found[0][0]), k) for k in (len(rows[0]), len(parameters))]
    return Expected(*(np.array(part, dtype=float).reshape(shape) for part, shape in zip(found, shapes * 2)))


def slopes(root: Value, leaves: Sequence[Value]) -> tuple[list[float], list[float], float]:
    """The gradient; for each of its numbers the sum of the absolute terms; and the same for the value."""
    saved = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0
    root.backward()
    gradient = [leaf.grad for leaf in leaves]
    sizes = {root: 1.0}
    terms = 0.0
    for node in reversed(autograd.topological_order(root)):
        size = sizes.get(node, 0.0)
        terms += abs(size * node.data)
        for parent, partial in zip(node.parents, partials(node)):
            sizes[parent] = sizes.get(parent, 0.0) + size * abs(partial)
    for leaf, grad in zip(leaves, saved):
        leaf.grad = grad
    found = [sizes.get(leaf, 0.0) + terms for leaf in leaves]
    return gradient, [size if math.isfinite(size) else 0.0 for size in found], terms if math.isfinite(terms) else 0.0


def partials(node: Value) -> Sequence[float]:
    if not node.parents:
        return ()
    return node.operation.partials(node.data, [parent.data for parent in node.parents])


def agree(found: Any, expected: Any, terms: Any, what: Any = "") -> None:
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape, what
    with np.errstate(invalid="ignore"):
        right = np.abs(found - expected) <= ROUNDING * np.maximum(1.0, terms)
    right |= (found == expected) | (np.isnan(found) & np.isnan(expected))
    assert right.all(), (what, found[~right][:3], expected[~right][:3], np.argwhere(~right)[:3].tolist())
