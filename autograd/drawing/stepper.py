"""A page that steps through the chain rule: forward through the values, backward through the adjoints.

One HTML file without a request to anywhere: the templates beside this module, the operations in JavaScript, and the
graph as JSON. Everything is computed again in the page, so that a leaf can be edited there.
"""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from autograd.dispatch import Operation, as_float
from autograd.drawing import check_model, javascript
from autograd.drawing.picture import brief, paths_of
from autograd.graph import topological_order
from autograd.tracing import has_row
from autograd.value import Value

SCRIPTS = (
    "operations.js",
    "numbers.js",
    "layout.js",
    "formulas.js",
    "picture.js",
    "leaves.js",
    "details.js",
    "page.js",
)
TEMPLATES = ("page.html", "page.css", *SCRIPTS)
MOST_OPERANDS = 500  # of a rule traced for the page; a wider node keeps the number that it has


def explore(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    snapshots: Sequence[Mapping[Value | str, float]] = (),
    max_nodes: int = 2000,
    model: Any = None,
) -> Page:
    """The page to step through the graph behind `value`; written to `path`, an .html file, where one is given.

    snapshots   training steps to scrub through: for each a mapping from leaves, or their labels, to numbers; nn.fit
                records them, see its `snapshot_every`
    max_nodes   a larger graph folds: what is farthest from `value` becomes one node, its numbers fixed
    model       a network after which unlabelled parameters are named: l0.n1.w2 is layers.0.neurons.1.weights.2

    In a notebook the result shows itself.

    >>> x = Value(2.0, "x")
    >>> explore(x * x + x)
    <page to step through 3 nodes>

    Raises TypeError when value is no Value or model no network, ValueError for snapshots of something that is not
    among its leaves.
    """
    if not isinstance(value, Value):
        raise TypeError(
            f"explore was given {type(value).__name__} in place of a Value.\n"
            "  The page shows the graph that was recorded behind a node.\n"
            "  Write explore(x * y) with at least one of x and y a Value."
        )
    if max_nodes < 3:
        raise ValueError(
            f"max_nodes={max_nodes} leaves nothing to step through.\n"
            "  A page shows at least the result and its parents.\n  Write max_nodes=3 or more."
        )
    check_model(model, "explore")
    nodes, count, shared = visible(value, max_nodes)
    rules: dict[tuple[Operation, int], int | None] = {}  # where the page finds a rule that has no row of its own
    functions: list[str] = []
    position = {node: i for i, node in enumerate(nodes)}
    inside = {node for node in nodes if node.parents and all(parent in position for parent in node.parents)}
    paths = paths_of(model)
    graph = {
        "nodes": [describe(node, node in inside, position, rules, functions) | named(node, paths) for node in nodes],
        "folded": count - len(nodes),
        "shared": sorted(position[node] for node in shared),
        "snapshots": [read_snapshot(snapshot, nodes, count) for snapshot in snapshots],
    }
    page = Page(assemble(graph, functions), count)
    if path is not None:
        page.save(path)
    return page


class Page:
    """One self-contained HTML document. `html` is its text."""

    def __init__(self, html: str, count: int) -> None:
        self.html, self.count = html, count

    def save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        # A frame of its own origin: pages in one notebook share neither names nor style with it or each other.
        return (
            '<iframe title="Step through the chain rule" sandbox="allow-scripts" loading="lazy"'
            ' style="width:100%;height:720px;border:1px solid #8884;border-radius:12px"'
            f' srcdoc="{html.escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<page to step through {self.count} node{'s' * (self.count != 1)}>"


def visible(root: Value, max_nodes: int) -> tuple[list[Value], int, set[Value]]:
    """The nodes to show, parents before children; how many there are in all; the leaves that the others use too.

    Interior nodes by their longest path to the root: with a node come all its consumers, so that its adjoint is whole.
    """
    order = topological_order(root)
    if len(order) <= max_nodes:
        return order, len(order), set()
    level = dict.fromkeys(order, 0)
    for node in reversed(order):
        for parent in node.parents:
            level[parent] = max(level[parent], level[node] + 1)
    kept: set[Value] = set()
    for node in sorted((node for node in reversed(order) if node.parents), key=level.__getitem__):
        # Parents not shown yet stand for what is folded behind them, or are leaves.
        new = {node, *node.parents} - kept
        if len(kept) + len(new) > max_nodes:
            break
        kept |= new
    kept = kept or {root}
    passing = {node for node in kept if all(parent in kept for parent in node.parents)}
    shared = {parent for node in order if node not in passing for parent in node.parents if parent in kept}
    return [node for node in order if node in kept], len(order), shared


def describe(
    node: Value,
    inside: bool,
    position: Mapping[Value, int],
    rules: dict[tuple[Operation, int], int | None],
    functions: list[str],
) -> dict[str, Any]:
    """What the page needs to know of a node. `inside`: all its parents are shown, else it is a leaf there."""
    operation = node.operation
    kind = "leaf" if operation is None else "folded" if node.parents else operation.name
    facts: dict[str, Any] = {"data": number(node.data), "kind": kind, "parents": []}
    if operation is not None and node.parents:
        facts |= {"name": operation.name, "symbol": operation.symbol}
        facts["parameters"] = [number(parameter) for parameter in operation.parameters]
    if operation is not None and inside:
        count = len(node.parents)
        facts |= {"kind": "interior", "parents": [position[parent] for parent in node.parents]}
        if has_row(operation, count):
            facts["row"] = operation.name
        else:
            if (operation, count) not in rules:
                rules[operation, count] = trace(operation, count, functions)
            if rules[operation, count] is not None:
                facts["traced"] = rules[operation, count]
            partials = operation.partials(node.data, [parent.data for parent in node.parents])
            facts["slopes"] = [number(partial) for partial in partials]  # where the page has no rule
    return facts


def named(node: Value, paths: Mapping[Value, str]) -> dict[str, str]:
    if node.label or node not in paths:
        return {"label": str(node.label)}
    return {"label": brief(paths[node]), "path": paths[node]}


def trace(operation: Operation, count: int, functions: list[str]) -> int | None:
    """Where in `functions` the rule stands in JavaScript, None when it cannot be traced."""
    try:
        if count > MOST_OPERANDS:
            return None
        functions.append(javascript.traced(operation, count))
    except Exception:  # it is the user's code, and may raise whatever it likes on a placeholder
        return None
    return len(functions) - 1


def number(data: Any) -> float | str:
    """A double for JSON, which has no words for infinities and NaN."""
    double = as_float(data)
    return double if math.isfinite(double) else repr(double)


def read_snapshot(snapshot: Mapping[Value | str, float], nodes: Sequence[Value], count: int) -> list[list[Any]]:
    leaves: dict[Any, int] = {}
    for i, node in enumerate(nodes):
        if not node.parents:
            leaves[node] = i
            leaves.setdefault(node.label, i)
    for key in snapshot:
        if key not in leaves or key == "":
            raise ValueError(
                f"A snapshot has a number for {key!r}, which is no leaf of the graph that is shown.\n"
                "  Its keys are leaves or their labels.\n  Write snapshots=[{w: 0.5, 'b': 0.1}, ...]"
                + (f", and max_nodes={count} where folded nodes hide it." if count > len(nodes) else ".")
            )
    return [[leaves[key], number(data)] for key, data in snapshot.items()]


def assemble(graph: Mapping[str, Any], functions: Sequence[str]) -> str:
    """The templates filled in. The graph is data throughout: `<` is escaped, so that no label ends the script."""
    folder = files(__package__)  # which may be inside of a zip file
    parts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in TEMPLATES}
    parts["traced.js"] = f"const TRACED = [{', '.join(functions)}];"
    parts["graph.json"] = json.dumps(graph, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    first, *pieces = parts["page.html"].split("{{")
    return first + "".join(parts[name] + rest for name, rest in (piece.split("}}", 1) for piece in pieces))
