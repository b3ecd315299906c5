"""Walks over the graph behind a Value, all of them iterative: a chain of a million nodes needs no recursion.

A node keeps its first parent in `_left` (None for a leaf) and the others in `_right`: None, one node, or a tuple. It is
a tuple, an empty one perhaps, where the operation has no row in the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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


def selected(node: Value, partials: Iterable[Any]) -> list[tuple[Value, Any]]:
    """The parents that the node passes something on to, each with its local derivative, a float or a Value.

    That of `maximum` and its like is 0 where the parent was not selected.

    >>> from autograd import Value, maximum
    >>> x, y = Value(1.0, "x"), Value(2.0, "y")
    >>> [(parent.label, partial) for parent, partial in selected(maximum(x, y), (0.0, 1.0))]
    [('y', 1.0)]
    """
    pairs = list(zip(node.parents, partials))
    if not node.operation.selects:
        return pairs
    return [(parent, partial) for parent, partial in pairs if getattr(partial, "_data", partial) != 0]


def interior_order(root: Value, stop: Collection[Value] = ()) -> list[Value]:
    """The interior nodes behind `root` in depth-first postorder, not going beyond the nodes in `stop`."""
    return sort(root, stop)[0]


def sort(root: Value, stop: Collection[Value] = ()) -> tuple[list[Value], Collection[Value]]:
    """`interior_order`, and which of these nodes keep their parents in a tuple."""
    if root._left is None or root in stop:
        return [], ()
    order: list[Value] = []
    path: list[Any] = []  # the nodes on the way down; a None on top of one says that its parents are done
    seen = {root, *stop}
    unseen: dict[Value, Iterator[Value]] = {}  # what is left to look at of a node with its parents in a tuple
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
                return order, unseen
            node = leave()
        see(parent)
        node = parent


if not TYPE_CHECKING and core is not None:
    interior_order = core.interior_order  # the same in C
