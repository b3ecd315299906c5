"""The numbers of a backward pass, without touching anybody's `.grad`: adjoints, the edges they flow along, and paths.

An adjoint is d root / d node, the lecture's v_i with a bar. It sums over the node's consumers (its children):
v_bar = sum of c_bar * dc/dv; or over all paths from the root, of the product of the local derivatives along the path.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from autograd.graph import selected, topological_order
from autograd.value import Value

Edges = dict[Value, list[tuple[Value, float]]]  # each node with its consumers and the local derivatives to them
Cost = tuple[int, int, int, float]  # of a path, lower for a larger product


def consumers(root: Value) -> dict[Value, list[tuple[Value, float]]]:
    """Each node behind `root`, in topological order, with its children and the local derivatives d child / d node.

    One entry per edge, x * x has two, in the order in which a backward pass adds them up. Behind a node that its own
    children did not select nothing flows: a local derivative there that is infinite or NaN counts as 0.0.

    >>> x = Value(3.0, "x")
    >>> [(child.operation.symbol, partial) for child, partial in consumers(x * x)[x]]
    [('*', 3.0), ('*', 3.0)]
    """
    order = topological_order(root)
    edges: dict[Value, list[tuple[Value, float]]] = {node: [] for node in order}
    reached = {root}
    for node in reversed(order):
        if node.parents:
            partials = node.operation.partials(node.data, [parent.data for parent in node.parents])
            if node in reached:
                reached.update(parent for parent, _ in selected(node, partials))
            else:
                partials = [partial if math.isfinite(partial) else 0.0 for partial in partials]
            for parent, partial in zip(node.parents, partials):
                edges[parent].append((node, float(partial)))
    return edges


def adjoints(root: Value, edges: Edges | None = None) -> dict[Value, float]:
    """d root / d node for each node behind `root`, in topological order; 1.0 for `root` itself.

    The same bits as `root.backward()` adds to `.grad`. edges: `consumers(root)`, for who has them already.

    >>> x, y = Value(3.0, "x"), Value(2.0, "y")
    >>> adjoints(x * x + y)[x]
    6.0
    """
    edges = consumers(root) if edges is None else edges
    result = dict.fromkeys(edges, 0.0)
    for node in reversed(result):
        total = 0.0
        for child, partial in edges[node]:
            total += share(child, result[child], partial)
        result[node] = total if node is not root else 1.0
    return result


def share(child: Value, adjoint: float, partial: float) -> float:
    """What `child` adds to the adjoint of a parent: its own adjoint times the local derivative; 0.0 where `maximum` and
    its like did not select the parent, however large the adjoint.
    """
    return 0.0 if partial == 0 and child.operation.selects else adjoint * partial


def number_of_paths(root: Value, x: Value, edges: Edges | None = None) -> int:
    """How many paths lead from `root` down to `x`: exactly, by addition along the edges. They may be 2**100000.

    >>> x = Value(3.0, "x")
    >>> number_of_paths(x * x + x, x)
    3
    """
    counts = {root: 1}
    for node in reversed(edges or topological_order(root)):
        if node is x:
            break
        count = counts.pop(node, 0)  # popped, so that the large ones do not pile up
        for parent in node.parents if count else ():
            counts[parent] = counts.get(parent, 0) + count
    return counts.get(x, 0)


class Path(NamedTuple):
    """A path from the root to x: its nodes, both ends included, the local derivatives between them, their product."""

    nodes: tuple[Value, ...]
    partials: tuple[float, ...]
    product: float


def largest_paths(root: Value, x: Value, k: int, edges: Edges | None = None) -> list[Path]:
    """The `k` paths from `root` to `x` whose products of local derivatives are largest in absolute value, in order.

    Exact without enumeration: the best path to a node extends a best one to a consumer of it, so each node offers its
    paths one by one, the next one only when it is asked for. That is one pass over the graph, and the length of a path
    for each further one. Paths through an inf or a NaN come first, those through a zero last.

    >>> x = Value(3.0, "x")
    >>> [path.product for path in largest_paths(x * x + x, x, 2)]
    [3.0, 3.0]
    """
    return list(islice(_paths_by_size(root, x, consumers(root) if edges is None else edges), k))


def _paths_by_size(root: Value, x: Value, edges: Edges) -> Iterator[Path]:
    between = _descendants(x, edges)
    if root not in between:
        return
    order = [node for node in reversed(edges) if node in between]  # children before parents, the root first
    index = {node: i for i, node in enumerate(order)}
    # A way is (cost, child, edge, rank): the path goes on as the child's way of that rank. Found ones are in order.
    found: list[list[tuple[Cost, int, int, int]]] = []
    offered: list[list[tuple[Cost, int, int, int]]] = []
    for node in order:
        ways = [
            (_extended(found[index[child]][0][0], partial), index[child], edge, 0)
            for edge, (child, partial) in enumerate(edges[node])
        ] or [((0, 0, 0, -1.0), -1, 0, 0)]
        heapq.heapify(ways)
        found.append([heapq.heappop(ways)])
        offered.append(ways)

    def find_next(i: int) -> None:
        # The last way found at i makes room for its child's next one, which may have to be found first, and so on.
        chain = [i]
        while (way := found[chain[-1]][-1])[1] >= 0 and len(found[way[1]]) == way[3] + 1:
            chain.append(way[1])
        for j in reversed(chain):
            _, child, edge, rank = found[j][-1]
            if child >= 0 and len(found[child]) > rank + 1:
                cost = _extended(found[child][rank + 1][0], edges[order[j]][edge][1])
                heapq.heappush(offered[j], (cost, child, edge, rank + 1))
            if offered[j]:
                found[j].append(heapq.heappop(offered[j]))

    end, rank = index[x], 0
    while rank < len(found[end]):
        nodes, partials, i, at = [x], [], end, rank
        while (way := found[i][at])[1] >= 0:
            partials.append(edges[order[i]][way[2]][1])
            i, at = way[1], way[3]
            nodes.append(order[i])
        yield Path(tuple(reversed(nodes)), tuple(reversed(partials)), math.prod(reversed(partials), start=1.0))
        rank += 1
        find_next(end)


def _descendants(x: Value, edges: Edges) -> set[Value]:
    """x and every node that depends on it."""
    reached, stack = {x}, [x]
    while stack:
        for child, _ in edges.get(stack.pop(), ()):
            if child not in reached:
                reached.add(child)
                stack.append(child)
    return reached


def _extended(cost: Cost, partial: float) -> Cost:
    """The cost of a path with one more factor: (infs and NaNs, zeros, then the magnitude of the other factors).

    The magnitude is kept as mantissa * 2**-exponent, negative, so that products of any length stay in range.
    """
    wild, zeros, exponent, mantissa = cost
    if not math.isfinite(partial):
        return wild - 1, zeros, exponent, mantissa
    if partial == 0:
        return wild, zeros + 1, exponent, mantissa
    factor, shift = math.frexp(abs(partial))
    mantissa, carry = math.frexp(mantissa * factor)
    return wild, zeros, exponent - shift - carry, mantissa
