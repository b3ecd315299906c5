"""How a graph goes into a pickle or a copy: as flat lists, so that a chain of a million nodes needs no recursion.

The leaves stay objects of their own: a pickle of several graphs keeps the leaves that they share, and a copy made by
`copy.copy` stands on the same leaves. An operation is found again by its name.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from autograd.graph import interior_order, topological_order

if TYPE_CHECKING:
    from autograd.value import Value


def reduce(root: Any) -> tuple[Any, ...]:
    """What `Value.__reduce__` returns: a function and the arguments that make the node again."""
    if root.is_leaf:
        return _leaf, (root.data, root.operation, root.grad, root.label)
    interior = interior_order(root)
    leaves = topological_order(root)[: -len(interior)]
    nodes = [*leaves, *interior]
    index = {node: i for i, node in enumerate(nodes)}
    operations = [node.operation for node in interior]
    counts = array("q", [len(node.parents) for node in interior])
    parents = array("q", [index[parent] for node in interior for parent in node.parents])
    data, grads = [node.data for node in interior], [node.grad for node in interior]
    labels = {index[node]: node.label for node in interior if node.label}
    return _graph, (leaves, operations, counts, parents, data, grads, labels)


def _leaf(data: float, operation: Any, grad: float, label: str) -> Value:
    from autograd.value import new_leaf

    return new_leaf(data, operation, grad, label)


def _graph(
    leaves: list[Value],
    operations: list[Any],
    counts: array[int],
    parents: array[int],
    data: list[float],
    grads: list[float],
    labels: dict[int, str],
) -> Value:
    from autograd.value import new_node

    nodes = list(leaves)
    start = 0
    for operation, count, number, grad in zip(operations, counts, data, grads):
        nodes.append(new_node(number, operation, [nodes[i] for i in parents[start : start + count]]))
        nodes[-1].grad = grad
        start += count
    for i, label in labels.items():
        nodes[i].label = label
    return nodes[-1]
