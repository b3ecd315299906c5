"""Labels as text, and a picture in plain text, for where none can be shown."""

from __future__ import annotations

import re

from autograd.drawing.picture import Picture
from autograd.formatting import short

MOST_LINES = 20


def listing(picture: Picture, digits: int) -> str:
    """A line for each node, the root last; of many nodes those nearest to the root."""
    nodes = [node for node in picture.nodes if node.kind != "reference"]
    parents: dict[str, list[str]] = {}
    for edge in picture.edges:
        parents.setdefault(edge.child, []).append(edge.parent.partition("_for_")[0])
    rows = []
    for node in nodes[-MOST_LINES:]:
        operands = f"({', '.join(parents[node.name])})" if node.name in parents else ""
        of = f"{printable(node.operation)} {operands}" if node.operation else operands or node.kind
        numbers = (node.data, None if node.kind == "constant" else node.adjoint)
        rows.append([node.name, printable(node.label), of, *("" if x is None else short(x, digits) for x in numbers)])
    titles = ["node", "label", "operation", "data", "grad"]
    widths = [max(map(len, column)) for column in zip(titles, *rows)]
    edges = "1 edge" if len(picture.edges) == 1 else f"{len(picture.edges)} edges"
    lines = [f"Drawing of {len(nodes)} node{'s' * (len(nodes) != 1)} and {edges}:"]
    for i, row in enumerate([titles, *rows]):
        cells = [cell.ljust(width) if n < 3 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  " + "  ".join(cells).rstrip())
        if i == 0 and len(nodes) > MOST_LINES:
            lines.append(f"  … {len(nodes) - MOST_LINES:,} more")
    return "\n".join(lines)


def printable(text: str) -> str:
    """`text` without what a terminal would obey or XML does not allow: control characters become their pictures.

    >>> printable("a\\tb\\x1b[31m")
    'a␉b␛[31m'
    """
    text = re.sub("[\x00-\x1f]", lambda found: chr(0x2400 + ord(found[0])), text).replace("\x7f", "␡")
    return re.sub("[\x80-\x9f\ud800-\udfff\ufffe\uffff]", "\N{REPLACEMENT CHARACTER}", text)
