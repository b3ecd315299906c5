"""A picture as DOT text, Graphviz's language, written by the `graphviz` package."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from autograd.drawing.picture import Edge, Node, Picture
from autograd.drawing.text import printable
from autograd.formatting import short

# One plain font: a list of them, as CSS has it, is measured as if it were the name of one.
FONT = "Helvetica"
# Blue and orange are told apart with every kind of colour blindness. Both are light enough for black numbers on them,
# and in grey the minus sign, and the dashes of an edge, still say which is which.
POSITIVE, NEGATIVE, NEUTRAL = (106, 174, 214), (244, 162, 89), (255, 255, 255)
POSITIVE_LINE, NEGATIVE_LINE, NEUTRAL_LINE = "#2a6f9e", "#b85c00", "#8a8a8a"
LARGE = 100  # from this number of nodes on, Graphviz is told to stop improving its layout early


def dot_text(picture: Picture, direction: str, digits: int, colour: bool) -> str:
    """The DOT text of `picture`. Labels are escaped: whatever they hold is shown as that text."""
    import graphviz

    graph = graphviz.Digraph("autograd")
    graph.attr(rankdir=direction, bgcolor="white", fontname=FONT, nodesep="0.2", ranksep="0.3")
    graph.attr("node", fontname=FONT, fontsize="10", shape="box", margin="0.08,0.04", style="filled", fillcolor="white")
    graph.attr("edge", fontname=FONT, fontsize="9", arrowsize="0.6", color="#555555", fontcolor="#444444")
    if len(picture.nodes) > LARGE:
        graph.attr(nslimit="1", nslimit1="1", splines="polyline")
    strongest = largest(node.adjoint for node in picture.nodes)
    for node in picture.nodes:
        attributes = node_attributes(node, digits)
        if node.name == picture.root:
            attributes["penwidth"] = "2"
        if colour and node.kind in ("leaf", "interior", "detached") and node.adjoint is not None:
            attributes["fillcolor"] = tint(node.adjoint, strength(node.adjoint, strongest))
        graph.node(node.name, **attributes)
    strongest = largest(edge.flow for edge in picture.edges)
    interior = {node.name for node in picture.nodes if node.kind == "interior"}
    for edge in picture.edges:
        attributes = edge_attributes(edge, digits)
        if edge.parent in interior:
            attributes["weight"] = "3"  # a chain of results is kept straight; leaves find their place beside it
        if colour and edge.flow is not None:
            attributes |= line(edge.flow, strength(edge.flow, strongest))
        graph.edge(edge.parent, edge.child, **attributes)
    add_clusters(graph, picture.clusters)
    return str(graph.source)


def node_attributes(node: Node, digits: int) -> dict[str, str]:
    if node.kind == "folded":
        return {"label": escape(node.label), "style": "filled,dashed", "fillcolor": "#f4f4f4", "fontcolor": "#444444"}
    label = "<BR/>".join(map(escape, re.split("\r\n|\r|\n", node.label))).strip()
    if node.kind in ("constant", "reference"):
        header = f"{label}<BR/>" if node.label else ""
        border = {"color": "#bbbbbb", "fontcolor": "#555555", "width": "0.3", "height": "0.25"}
        if node.kind == "reference":
            border["style"] = "filled,dotted"
        return {"label": f"<{header}{short(node.data, digits)}>", "tooltip": facts(node), **border}
    operation = "no_grad" if node.kind == "detached" else escape(node.operation)
    title = [f"<TD><B>{label}</B></TD>"] * bool(label)
    title += [f'<TD><FONT POINT-SIZE="12">{operation}</FONT></TD>'] * bool(operation)
    span = ' COLSPAN="2"' if len(title) == 1 else ""
    rows = ["".join(title).replace("<TD>", f"<TD{span}>")] * bool(title)
    rows += [
        f'<TD ALIGN="LEFT"><FONT COLOR="#444444">{key}</FONT></TD><TD ALIGN="RIGHT">{short(number, digits)}</TD>'
        for key, number in (("data", node.data), ("grad", node.adjoint))
    ]
    table = "".join(f"<TR>{row}</TR>" for row in rows)
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{table}</TABLE>'
    style = {"style": "filled,rounded"} if node.kind == "interior" else {}
    return {"label": f"<{table}>", "tooltip": facts(node), **style}


def edge_attributes(edge: Edge, digits: int) -> dict[str, str]:
    if edge.partial is None:
        return {"label": f"{edge.uses:,} edges" if edge.uses > 1 else "", "style": "dashed", "tooltip": " "}
    flow = f"\nadds {edge.flow!r} to the parent's adjoint" if edge.flow is not None else ""
    return {"label": short(edge.partial, digits), "tooltip": f"local derivative {edge.partial!r}{flow}"}


def facts(node: Node) -> str:
    """All the digits, for who rests the mouse on a node."""
    return "\n".join(
        f"{key} {number!r}"
        for key, number in (("data", node.data), ("d root / d node", node.adjoint), (".grad", node.grad))
        if number is not None
    )


def add_clusters(graph: Any, clusters: dict[tuple[str, ...], list[str]]) -> None:
    import graphviz

    paths = dict.fromkeys(path[:depth] for path in clusters for depth in range(1, len(path) + 1))
    drawn: dict[tuple[str, ...], Any] = {(): graph}
    for i, path in enumerate(paths):
        drawn[path] = graphviz.Digraph(f"cluster_{i}")
        drawn[path].attr(label=f"<{escape(path[-1])}>", style="rounded", color="#999999", fontsize="10", margin="6")
        for name in clusters.get(path, ()):
            drawn[path].node(name)
    for path in sorted(paths, key=len, reverse=True):  # inner ones first: a subgraph is copied as it is
        drawn[path[:-1]].subgraph(drawn[path])


def escape(text: str) -> str:
    """One line of text inside of an HTML-like label, where markup and Graphviz's own \\N would have a meaning.

    (And where Graphviz 2.43 takes a lone bracket that closes for a syntax error.)

    >>> escape(r"<b> & \\N")
    '&lt;b&gt; &amp; \\\\\\\\N'
    """
    for character, entity in (("\\", "\\\\"), ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("]", "&#93;")):
        text = text.replace(character, entity)
    return printable(text)


def largest(numbers: Iterable[float | None]) -> float:
    return max((abs(number) for number in numbers if number is not None and math.isfinite(number)), default=0.0)


def strength(number: float, strongest: float) -> float:
    """From 0 to 1, with a square root that keeps vanishing adjoints in sight; 1 for inf and NaN."""
    if not math.isfinite(number) or not strongest:
        return float(number != 0)
    return math.sqrt(abs(number) / strongest)


def tint(number: float, strong: float) -> str:
    if math.isnan(number):
        return "#d9d9d9"
    full = POSITIVE if number > 0 else NEGATIVE if number < 0 else NEUTRAL
    return "#" + "".join(f"{round(255 + (channel - 255) * strong):02x}" for channel in full)


def line(number: float, strong: float) -> dict[str, str]:
    color = POSITIVE_LINE if number > 0 else NEGATIVE_LINE if number < 0 else NEUTRAL_LINE
    style = {"style": "dashed"} if number < 0 else {}
    return {"color": color, "penwidth": f"{0.7 + 2.3 * strong:.2g}", **style}
