"""What a picture shows, as plain data: nodes, edges and clusters. How it looks is the business of `dot`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Collection
from typing import Any, NamedTuple

from autograd.adjoints import Edges, adjoints, consumers
from autograd.formatting import short
from autograd.operations import constant
from autograd.value import Value

# Graphviz breaks an edge that spans k ranks into k pieces and needs minutes for some thousands of them, as many as a
# loop of 100 steps makes that uses one leaf in each step. Longer edges then start from a reference beside their child.
MOST_PIECES = 400


class Node(NamedTuple):
    """name       for edges and clusters: "n3" is the node at place 3 of the topological order
    kind       "leaf", "interior", "constant", "detached", "folded", or "reference": a node shown once more
    label      the user's; a parameter's name in the model where that is empty
    operation  its symbol, with the constants that are hidden
    adjoint    d root / d node
    grad       the number that the node's own `.grad` holds, which may stem from elsewhere
    """

    name: str
    kind: str
    label: str
    operation: str = ""
    data: float | None = None
    adjoint: float | None = None
    grad: float | None = None


class Edge(NamedTuple):
    """partial    the local derivative d child / d parent; None where several edges to folded nodes are drawn as one
    flow       what it adds to the parent's adjoint: the child's adjoint times `partial`
    uses       how many edges it stands for
    """

    parent: str
    child: str
    partial: float | None = None
    flow: float | None = None
    uses: int = 1


class Picture(NamedTuple):
    """root      the name of the node that is differentiated
    clusters  names of parameters by their way through the model: {("layer 0", "neuron 1"): ["n3", "n4"]}
    """

    root: str
    nodes: list[Node]
    edges: list[Edge]
    clusters: dict[tuple[str, ...], list[str]]


def picture_of(root: Value, constants: bool, max_nodes: int, model: Any = None) -> Picture:
    """The nodes nearest to `root`, at most `max_nodes`, the rest folded into one; see `autograd.draw`.

    >>> x = Value(3.0, "x")
    >>> picture = picture_of(x * x, constants=True, max_nodes=100)
    >>> [(node.name, node.label or node.operation, node.adjoint) for node in picture.nodes]
    [('n0', 'x', 6.0), ('n1', '*', 1.0)]
    >>> [(edge.parent, edge.child, edge.partial) for edge in picture.edges]
    [('n0', 'n1', 3.0), ('n0', 'n1', 3.0)]
    """
    leading_from = consumers(root)
    adjoint = adjoints(root, leading_from)
    hidden = set() if constants else {node for node in leading_from if node.operation is constant and node is not root}
    n_visible = len(leading_from) - len(hidden)
    everything = n_visible <= max_nodes
    shown = leading_from.keys() - hidden if everything else nearest(root, leading_from, hidden, max_nodes - 1)
    name = {node: f"n{place}" for place, node in enumerate(leading_from) if node in shown}
    parameters = paths_of(model)

    nodes = [described(node, name[node], adjoint[node], hidden, parameters) for node in name]
    edges: list[Edge] = []
    partials: defaultdict[tuple[Value, Value], deque[float]] = defaultdict(deque)
    merged: Counter[tuple[str, str]] = Counter()
    for parent in name:
        for child, partial in leading_from[parent]:
            if child in shown:
                partials[parent, child].append(partial)
            else:
                merged[name[parent], "folded"] += 1
    for child in name:  # edges in the order of the operands
        for parent in child.parents:
            if parent in shown:
                partial = partials[parent, child].popleft()
                edges.append(Edge(name[parent], name[child], partial, adjoint[child] * partial))
            elif parent not in hidden:
                merged["folded", name[child]] += 1
    edges += [Edge(parent, child, uses=uses) for (parent, child), uses in merged.items()]
    if not everything:
        # Behind the leaves, which it may use, and before all others: a topological order still.
        first = next((i for i, node in enumerate(nodes) if node.kind == "interior"), 0)
        nodes.insert(first, Node("folded", "folded", f"… {n_visible - len(shown):,} more nodes"))
    clusters: dict[tuple[str, ...], list[str]] = {}
    for parameter, path in parameters.items():
        if parameter in shown and way(path)[0]:
            clusters.setdefault(way(path)[0], []).append(name[parameter])
    return Picture(name[root], *with_references(nodes, edges), clusters)


def nearest(root: Value, leading_from: Edges, hidden: Collection[Value], size: int) -> set[Value]:
    """`size` nodes around the root, level by level.

    An interior node comes after all of its children. So no interior node that is shown is a parent of what is left
    over, and drawing that as one node makes no cycle.
    """
    seen: Counter[Value] = Counter()
    shown, queue = {root}, deque([root])
    while queue:
        for parent in queue.popleft().parents:
            if len(shown) >= size:
                return shown
            seen[parent] += 1
            ready = seen[parent] == len(leading_from[parent]) or not parent.parents
            if ready and parent not in shown and parent not in hidden:
                shown.add(parent)
                queue.append(parent)
    return shown


def described(node: Value, name: str, adjoint: float, hidden: Collection[Value], parameters: dict[Value, str]) -> Node:
    operation, symbol = node.operation, ""
    kind = "leaf" if operation is None else operation.name if not node.parents else "interior"
    if node.parents:
        symbol = operation.symbol
        if operation.parameters and symbol == operation.name:
            symbol += f"({', '.join(map(short, operation.parameters))})"
        operands = [short(parent.data) if parent in hidden else "" for parent in node.parents]
        if any(operands):
            infix = len(operands) == 2 and not symbol.isidentifier()
            text = (
                f"{operands[0]} {symbol} {operands[1]}"
                if infix
                else f"{symbol}({', '.join(x or '·' for x in operands)})"
            )
            symbol = text.strip()
    label = str(node.label) or (way(parameters[node])[1] if node in parameters else "")
    return Node(name, kind, label, symbol, node.data, adjoint, node.grad)


def paths_of(model: Any) -> dict[Value, str]:
    """The parameters of a network with their names; of None, none."""
    return {} if model is None else {parameter: path for path, parameter in model.named_parameters()}


def way(path: str) -> tuple[tuple[str, ...], str]:
    """The clusters around a parameter and its name inside of them.

    >>> way("layers.0.neurons.12.weights.2")
    (('layer 0', 'neuron 12'), 'weights.2')
    >>> way("bias")
    ((), 'bias')
    """
    groups = words_of(path)
    around = tuple((word.removesuffix("s") if index else word) + index.replace(".", " ") for word, index in groups[:-1])
    return around, "".join(groups[-1])


def brief(path: str) -> str:
    """A parameter's name where there is little room: the initials of what has a number.

    >>> brief("layers.0.neurons.12.weights.2"), brief("layers.0.neurons.12.bias")
    ('l0.n12.w2', 'l0.n12.bias')
    """
    return ".".join((word[0] if index else word) + index[1:] for word, index in words_of(path))


def words_of(path: str) -> list[tuple[str, str]]:
    """ "weights.2" is ("weights", ".2")."""
    return re.findall(r"([^.]+)((?:\.\d+)*)(?:\.|$)", path) or [(path, "")]


def with_references(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """The picture with its longest edges starting from a reference to their parent, where there are too many."""
    rank = dict.fromkeys((node.name for node in nodes), 0)
    leading_from: dict[str, list[str]] = {node.name: [] for node in nodes}
    for edge in edges:
        leading_from[edge.parent].append(edge.child)
    for node in reversed(nodes):
        rank[node.name] = max((rank[child] + 1 for child in leading_from[node.name]), default=0)
    span = [rank[edge.parent] - rank[edge.child] for edge in edges]
    pieces = sum(span)
    references: dict[tuple[str, str], Node] = {}
    by_name = {node.name: node for node in nodes}
    edges = list(edges)
    for i in sorted(range(len(edges)), key=span.__getitem__, reverse=True):
        if pieces <= MOST_PIECES or span[i] <= 2:
            break
        parent, child = by_name[edges[i].parent], edges[i].child
        if not parent.label:  # it needs a name, to be recognised by
            parent = by_name[parent.name] = parent._replace(label=f"#{parent.name[1:]}")
        name = f"{parent.name}_for_{child}"
        references[parent.name, child] = Node(name, "reference", parent.label, data=parent.data)
        edges[i] = edges[i]._replace(parent=name)
        pieces -= span[i] - 1
    return [*references.values(), *by_name.values()], edges
