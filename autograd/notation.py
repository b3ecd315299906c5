"""How nodes, numbers and tables are written: in text of 100 columns, and in LaTeX. Labels are data in both.

Nodes go by their labels; one without goes by its number, v1, v2, ..., its place in the topological order (the
lecture's v_1, ..., v_N). Plain numbers in an expression stand in formulas as themselves and have no place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from autograd import operations
from autograd.formatting import printable, short
from autograd.value import Value

WIDTH = 100  # columns of text
NARROWEST = 8  # a column does not give way further: of too many columns the table is wider than that
ROWS = 40  # a table with more folds its middle
FACTORS = 12  # so does a product
TERMS = 4  # and a sum


def numbering(order: Iterable[Value]) -> dict[Value, str]:
    """v1, v2, ... in topological order; a plain number in an expression is that number."""
    nodes = list(order)
    names, count = {}, 0
    for node in nodes:
        if node.operation is operations.constant and len(nodes) > 1:
            names[node] = short(node.data) if node.data >= 0 else f"({short(node.data)})"
        else:
            count += 1
            names[node] = f"v{count}"
    return names


def naming(order: Iterable[Value]) -> dict[Value, str]:
    """A name that says which node it is: its label, if no other node has it, else its number."""
    numbers = numbering(order)
    labels = {node: printable(node.label) for node in numbers if node.label}
    taken = Counter([*labels.values(), *numbers.values()])
    for node, label in labels.items():
        alone = taken[label] == 1 or (label == numbers[node] and taken[label] == 2)
        numbers[node] = label if alone else f"{label}[{numbers[node]}]"
    return numbers


def formula(node: Value, names: dict[Value, str]) -> str:
    if not node.parents:
        return ""
    symbol = printable(node.operation.symbol)
    operands = [names[parent] for parent in node.parents]
    if symbol in ("+", "-", "*", "/", "**") and len(operands) == 2:
        return f" {symbol} ".join(operands)
    if symbol == "neg":
        return f"-{operands[0]}"
    if symbol.startswith("**"):
        return operands[0] + symbol
    operands = folded(operands, TERMS, lambda n: "…") + [short(p) for p in node.operation.parameters]
    return f"{symbol}({', '.join(operands)})"


def over(of: str, by: str) -> str:
    """d of / d by."""
    return "/".join(f"d{name}" if re.fullmatch(r"[\w.\[\]]+", name) else f"d({name})" for name in (of, by))


def bar(name: str) -> str:
    return name[0] + "\u0304" + name[1:]


def rounded_count(n: int) -> str:
    return f"{n:,}" if n < 10**15 else f"about 10^{math.log10(n):.0f}"


def folded(items: Sequence[Any], limit: int, fold: Callable[[int], Any]) -> list[Any]:
    """The items; of more than `limit`, the first and the last, and between them fold(how many are left out)."""
    half = limit // 2
    if len(items) <= limit + 1:  # one in the middle takes no more room than the words for it
        return list(items)
    return [*items[:half], fold(len(items) - 2 * half), *items[-half:]]


def more(n: int) -> str:
    return f"⋮ {n:,} more"


def wrapped(head: str, parts: Sequence[str], joiner: str) -> list[str]:
    """head + the parts joined, in lines of at most WIDTH columns, the later ones indented below the first part."""
    lines, indent = [head + parts[0]], " " * len(head)
    for part in parts[1:]:
        if columns(lines[-1] + joiner + part) + 2 <= WIDTH:
            lines[-1] += joiner + part
        else:
            lines[-1] = (lines[-1] + joiner).rstrip()
            lines.append(indent + part.lstrip())
    return lines


def columns(text: str) -> int:
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def table(rows: Sequence[Sequence[str]], numbers: Sequence[int], without: Sequence[int] = ()) -> list[str]:
    """Rows in aligned columns, the first row being the heads; columns of numbers align at their decimal points."""
    kept = [i for i in range(len(rows[0])) if i not in without]
    cells = [[row[i] for i in kept] for row in rows]
    for column, i in enumerate(kept):
        if i in numbers:
            before = max(columns(re.split(r"[.e]", row[column])[0]) for row in cells[1:])
            for row in cells[1:]:
                row[column] = " " * (before - columns(re.split(r"[.e]", row[column])[0])) + row[column]
    widths = [max(columns(row[column]) for row in cells) for column in range(len(kept))]
    room = WIDTH + 1 - 3 * len(widths)
    most = max(widths)
    while most > NARROWEST and sum(min(width, most) for width in widths) > room:  # the widest columns give way
        most -= 1
    widths = [min(width, most) for width in widths]
    cells = [[cut(cell, width) for cell, width in zip(row, widths)] for row in cells]
    lines = ("   ".join(cell + " " * (w - columns(cell)) for cell, w in zip(row, widths)) for row in cells)
    return [f"  {line}".rstrip() for line in lines]


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` columns, with an ellipsis in place of its end where that does not fit.

    >>> cut("a long name", 7), cut("价格", 3), cut("name", 0)
    ('a long…', '价…', '')
    """
    if columns(text) <= limit:
        return text
    end, left = 0, limit - 1
    while end < len(text) and left >= columns(text[end]):
        left -= columns(text[end])
        end += 1
    return text[:end] + "…" if limit > 0 else ""


# ------------------------------------------------------------------------------------------------------- LaTeX

_SIGNS = {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", "<": r"\lt ", ">": r"\gt "} | {
    c: "\\" + c for c in "#$%&_{}"
}


def latex(name: str) -> str:
    """A name in mathematics: v_{1}, z_{1,in}; anything else as text, where every sign of LaTeX stands for itself."""
    found = re.fullmatch(r"([A-Za-z])([0-9]*)(?:_([A-Za-z0-9]+))?", name)
    if found:
        letter, digits, tail = found.groups()
        subscripts = [part for part in (digits, rf"\text{{{tail}}}" if tail else "") if part]
        return letter + (f"_{{{','.join(subscripts)}}}" if subscripts else "")
    runs = re.findall(r"[\\^~<>#$%&_{}]|[^\\^~<>#$%&_{}]+", name)
    return "".join(_SIGNS.get(run) or rf"\text{{{run}}}" for run in runs)


def latex_number(number: float) -> str:
    text = short(number).replace("inf", r"\infty").replace("nan", r"\text{NaN}")
    return re.sub(r"e([+-])0*(\d+)", lambda e: rf" \cdot 10^{{{e[1].replace('+', '')}{e[2]}}}", text)


def latex_sum(terms: list[str]) -> str:
    return " + ".join(folded(terms, 2 * TERMS, lambda n: r"\cdots"))


def latex_fraction(of: str, by: str) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"
