"""How a graph goes into a pickle or a copy: as flat lists, so that a chain of a million nodes needs no recursion.

The leaves stay objects of their own: a pickle of several graphs keeps the leaves that they share, and a copy made by
`copy.copy` stands on the same leaves. An operation is found again by its name.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from autograd import messages
from autograd.dispatch import Operation, as_float
from autograd.formatting import on_one_line, shown
from autograd.graph import interior_order, topological_order
from autograd.operations import constant, detached

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


# A pickle says what to call with what: whatever these functions are given, they make a whole graph or raise.


def _leaf(data: float, operation: Any, grad: float, label: str) -> Value:
    from autograd.value import new_leaf

    if operation is not None and operation is not constant and operation is not detached:
        raise ValueError(messages.damaged_graph(f"{shown(operation)} makes no leaf"))
    try:
        return new_leaf(as_float(data), operation, as_float(grad), label)
    except (TypeError, OverflowError) as error:
        raise ValueError(messages.damaged_graph(first_line(error))) from None


def first_line(error: Exception) -> str:
    return on_one_line(str(error).partition("\n")[0]).rstrip(".")


def _graph(*lists: Any) -> Value:
    try:
        return _whole_graph(*lists)
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        raise ValueError(messages.damaged_graph(first_line(error))) from None


def _whole_graph(
    leaves: list[Value],
    operations: list[Operation],
    counts: array[int],
    parents: array[int],
    data: list[float],
    grads: list[float],
    labels: dict[int, str],
) -> Value:
    from autograd.value import Value, new_node

    nodes = list(leaves)
    if any(type(leaf) is not Value for leaf in nodes):
        raise ValueError(messages.damaged_graph(f"its leaves are {shown(leaves)}"))
    lengths = {len(operations), len(counts), len(data), len(grads)}
    if len(lengths) != 1 or not operations or min(counts) < 1 or sum(counts) != len(parents) or min(parents) < 0:
        raise ValueError(messages.damaged_graph("its lists do not fit together"))
    start, fitting = 0, set()
    for operation, count, number, grad in zip(operations, counts, data, grads):
        places = parents[start : start + count]
        if operation.arity is None and (operation, count) not in fitting:
            if messages.rejects(operation.forward, count):
                raise ValueError(messages.damaged_graph(f"{shown(operation)} does not take {count} operands"))
            fitting.add((operation, count))
        nodes.append(new_node(as_float(number), operation, [nodes[i] for i in places]))
        nodes[-1].grad = as_float(grad)
        start += count
    for i, label in labels.items():
        nodes[i].label = label
    return nodes[-1]
