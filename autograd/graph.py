"""Walks over the graph behind a Value, all of them iterative: a chain of a million nodes needs no recursion.

A node keeps its first parent in `_left` (None for a leaf) and the others in `_right`: None, one node, or a tuple.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from autograd._native import core

if TYPE_CHECKING:
    from autograd.value import Value


def topological_order(value: Value) -> list[Value]:
    """Every node behind `value`, parents before children: the lecture's v_1, ..., v_N. Leaves first, `value` last.

    >>> from autograd import Value
    >>> x = Value(3.0, "x")
    >>> [node.operation.symbol if node.operation else node.label for node in topological_order(x * x + x)]
    ['x', '*', '+']
    """
    interior = interior_order(value)
    leaves = dict.fromkeys(parent for node in interior for parent in node.parents if parent.is_leaf)
    return [*leaves, *interior] or [value]


def interior_order(root: Value, stop: Collection[Value] = ()) -> list[Value]:
    """The interior nodes behind `root` in depth-first postorder, not going beyond the nodes in `stop`."""
    if root._left is None or root in stop:
        return []
    order: list[Value] = []
    path: list[Any] = []  # the nodes on the way down; a None on top of one says that its parents are done
    seen = {root, *stop}
    unseen: dict[Value, Iterator[Value]] = {}  # what is left to look at of a node with more than two parents
    see, leave = seen.add, path.pop
    node: Any = root
    while True:
        parent = node._left
        while parent._left is not None and parent not in seen:
            see(parent)
            path.append(node)
            node, parent = parent, parent._left
        while True:
            parent = node._right
            if type(parent) is tuple:
                others = unseen.setdefault(node, iter(parent))
                parent = next((other for other in others if other._left is not None and other not in seen), None)
                if parent is not None:
                    path.append(node)
                    break
            elif parent is not None and parent._left is not None and parent not in seen:
                path += (node, None)
                break
            order.append(node)
            while path and path[-1] is None:
                leave()
                order.append(leave())
            if not path:
                return order
            node = leave()
        see(parent)
        node = parent


if not TYPE_CHECKING and core is not None:
    interior_order = core.interior_order  # the same in C
