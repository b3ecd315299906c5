"""Why a gradient has its value: the chain rule as a ledger of numbers, and both passes as numbered tables.

Nodes go by their labels or by their numbers, see `notation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from textwrap import fill
from typing import Any, NamedTuple

from autograd import messages, operations
from autograd.adjoints import Edges, Path, adjoints, consumers, largest_paths, number_of_paths, share
from autograd.formatting import printable, short, shown
from autograd.notation import (
    FACTORS,
    ROWS,
    TERMS,
    WIDTH,
    bar,
    folded,
    formula,
    latex,
    latex_fraction,
    latex_number,
    latex_sum,
    more,
    naming,
    numbering,
    over,
    rounded_count,
    table,
    wrapped,
)
from autograd.value import Value


class Consumer(NamedTuple):
    """What one use of x contributes to its adjoint: `product`, the consumer's adjoint times d consumer / d x."""

    node: Value
    name: str
    formula: str
    adjoint: float
    partial: float
    product: float


class Factor(NamedTuple):
    """d `of` / d `by`, a factor in a path that is written out."""

    of: str
    by: str
    number: float


class Explanation(NamedTuple):
    """What `explain` returns: text for `print` and the prompt, LaTeX for Jupyter, and these attributes.

    loss, x           the nodes that it is about, their names in loss_name and x_name
    total             d loss / d x, the sum over the consumers
    consumers         a `Consumer` for each use of x, in the order in which a backward pass adds them up
    number_of_paths   how many paths lead from loss to x, an exact integer
    paths             the largest of them: nodes, partials, product
    products          these paths as they are written out: a `Factor` for each step between two named nodes
    remark            why x.grad holds another number than total, if it does
    """

    loss: Value
    x: Value
    loss_name: str
    x_name: str
    total: float
    consumers: tuple[Consumer, ...]
    number_of_paths: int
    paths: tuple[Path, ...]
    products: tuple[tuple[Factor, ...], ...]
    remark: str

    def __repr__(self) -> str:
        return "\n".join([*self._sum_lines(), *self._path_lines(), *["", fill(self.remark, WIDTH)] * bool(self.remark)])

    def _sum_lines(self) -> list[str]:
        head = f"{over(self.loss_name, self.x_name)} = {short(self.total)}"
        if self.x is self.loss:
            return [f"{head}: here the backward pass starts."]
        if not self.consumers:
            return [f"{head}: {self.loss_name} was not computed from {self.x_name}, no path leads there."]
        count = len(self.consumers)
        uses = f"the only use of {self.x_name}," if count == 1 else f"{count:,} uses of {self.x_name}, each"
        head += f": {uses} with its adjoint times its local derivative."
        rows = [("use c", over(self.loss_name, "c"), over("c", self.x_name), "product")]
        for c in folded(self.consumers, ROWS, more):
            if isinstance(c, str):
                hidden = sum(c.product for c in self.consumers[ROWS // 2 : -(ROWS // 2)])
                rows.append((c, "", "", short(hidden)))
            else:
                rows.append((f"{c.name} = {c.formula}", short(c.adjoint), short(c.partial), short(c.product)))
        rows += [("sum", "", "", short(self.total))] * (count > 1)
        return [fill(head, WIDTH), "", *table(rows, numbers=(1, 2, 3))]

    def _path_lines(self) -> list[str]:
        if not self.paths or self.x is self.loss:
            return []
        shown, count = len(self.paths), self.number_of_paths
        ends = f"from {self.loss_name} to {self.x_name}"
        if count == 1:
            lines = ["", f"The only path {ends}:"]
        elif shown == count:
            lines = ["", f"All {count} paths {ends}, the largest product first:"]
        elif shown == 1:
            lines = ["", f"The largest of {rounded_count(count)} paths {ends}:"]
        else:
            lines = ["", f"The {shown} largest of {rounded_count(count)} paths {ends}:"]
        for i, (path, factors) in enumerate(zip(self.paths, self.products), 1):
            head = f"  {over(self.loss_name, self.x_name)} = " if count == 1 else f"  {i}. "
            equals = " " * (len(head) - 2) + "= "
            names = written(factors, lambda f: over(f.of, f.by), lambda n: f"… {n:,} more …")
            numbers = written(factors, lambda f: f"({short(f.number)})", lambda n: f" … {n:,} more … ")
            lines += wrapped(head, names, " · ") + wrapped(equals, numbers, "")
            lines += [equals + short(path.product)] if len(factors) > 1 else []
        return lines

    def _repr_latex_(self) -> str:
        loss, x, total = latex(self.loss_name), latex(self.x_name), f"&= {latex_number(self.total)}"
        lines = [f"{latex_fraction(loss, x)} {total}"]
        if self.consumers:
            shown = [(latex(c.name), c.adjoint, c.partial) for c in self.consumers]
            names = [latex_fraction(loss, c) + latex_fraction(c, x) for c, _, _ in shown]
            numbers = [f"({latex_number(adjoint)})({latex_number(partial)})" for _, adjoint, partial in shown]
            lines = [f"{latex_fraction(loss, x)} &= {latex_sum(names)}", f"&= {latex_sum(numbers)}", total]
        for i, (path, factors) in enumerate(zip(self.paths, self.products), 1):
            names = written(factors, lambda f: latex_fraction(latex(f.of), latex(f.by)), lambda n: r"\cdots")
            numbers = written(factors, lambda f: f"({latex_number(f.number)})", lambda n: r"\cdots")
            product = "" if len(factors) == 1 else f" = {latex_number(path.product)}"
            lines.append(rf"\text{{path {i}:}}\quad {' '.join(names)} &= {''.join(numbers)}{product}")
        body = r" \\" + "\n"
        return "$$\\begin{aligned}\n" + body.join(lines) + "\n\\end{aligned}$$"


def written(factors: Sequence[Factor], write: Callable[[Factor], str], fold: Callable[[int], str]) -> list[str]:
    """Folded first: the path may have a hundred thousand factors, of which a dozen are shown."""
    return [f if isinstance(f, str) else write(f) for f in folded(factors, FACTORS, fold)]


def explain(loss: Value, x: Value, paths: int = 0) -> Explanation:
    """Why d loss / d x is this number: x_bar = sum over the consumers c of x of c_bar * dc/dx, with every number.

    paths: how many of the largest paths from loss to x to write out as products of local derivatives, as the slides
    do: dL/dx = dL/dh * dh/dx = (0.5)(2.0). A step between two labelled nodes that only one path takes is one factor.

    >>> x = Value(3.0, "x")
    >>> L = x * x + 2 * x
    >>> L.label = "L"
    >>> L.backward()
    >>> explain(L, x)
    dL/dx = 8.0: 3 uses of x, each with its adjoint times its local derivative.
    <BLANKLINE>
      use c          dL/dc   dc/dx   product
      v3 = 2.0 * x   1.0     2.0     2.0
      v2 = x * x     1.0     3.0     3.0
      v2 = x * x     1.0     3.0     3.0
      sum                            8.0

    Nobody's `.grad` is touched. Raises TypeError where loss or x is no Value, RuntimeError for a result of `no_grad`.
    """
    for node in (loss, x):
        _check(node, "explain(loss, x)")
    if not isinstance(paths, Integral) or paths < 0:
        raise ValueError(
            f"explain was asked for paths={shown(paths)}.\n  It is a count.\n  Write paths=3, or 0 for none."
        )
    edges = consumers(loss)
    bars, names = adjoints(loss, edges), naming(edges)
    names.setdefault(x, printable(x.label) or "x")
    uses = tuple(
        Consumer(child, names[child], formula(child, names), bars[child], partial, share(child, bars[child], partial))
        for child, partial in edges.get(x, ())
    )
    largest = tuple(largest_paths(loss, x, paths, edges) if paths else ())
    total = bars.get(x, 0.0)
    return Explanation(
        loss, x, names[loss], names[x], total, uses, number_of_paths(loss, x, edges), largest,
        tuple(_factors(largest, names, edges)), _remark(x, names[x], total),
    )  # fmt: skip


def _remark(x: Value, name: str, total: float) -> str:
    held: Any = x.grad
    if not isinstance(held, (float, int)) or math.isclose(held, total, rel_tol=1e-9) or held != held:
        return ""
    if held == 0:
        why = "backward() has not run since it was made or reset"
    elif x.parents:
        why = "the last backward() started at another node"
    else:
        why = "a leaf adds up over backward() calls until it is set to 0.0"
    return f"The .grad of {name} holds {short(held)}: {why}."


def _factors(paths: Iterable[Path], names: dict[Value, str], edges: Edges) -> Iterable[tuple[Factor, ...]]:
    """Each path as written: its labelled nodes, and the others where d a / d b has more than this one path."""
    place = {node: i for i, node in enumerate(edges)}
    order = list(edges)
    unique: dict[tuple[Value, Value], bool] = {}

    def only_one(a: Value, b: Value) -> bool:
        counts = {a: 1}
        for i in range(place[a], place[b], -1):
            count = counts.pop(order[i], 0)
            for parent in order[i].parents if count else ():
                if place[parent] >= place[b]:
                    counts[parent] = min(2, counts.get(parent, 0) + count)
        return counts[b] == 1

    for nodes, partials, _ in paths:
        last = len(nodes) - 1
        stops = [i for i, node in enumerate(nodes) if i in (0, last) or node.label]
        if len(stops) == 2:  # no label between the ends
            stops = list(range(len(nodes)))
        factors = []
        for i, j in pairwise(stops):
            ends = nodes[i], nodes[j]
            if j > i + 1 and ends not in unique:
                unique[ends] = only_one(*ends)
            inner = [i, j] if j == i + 1 or unique[ends] else range(i, j + 1)
            for a, b in pairwise(inner):
                factors.append(Factor(names[nodes[a]], names[nodes[b]], math.prod(partials[a:b], start=1.0)))
        yield tuple(factors)


# ------------------------------------------------------------------------------------------------------- trace


class Forward(NamedTuple):
    """A row of the forward pass: v_i, its formula in its parents, its number."""

    name: str
    node: Value
    formula: str
    value: float


class Term(NamedTuple):
    """What a consumer adds to an adjoint: `product`, its own adjoint times the local derivative."""

    consumer: str
    adjoint: float
    partial: float
    product: float


class Backward(NamedTuple):
    """A row of the backward pass: v_i with a bar, the terms it sums over its consumers, their sum."""

    name: str
    node: Value
    terms: tuple[Term, ...]
    adjoint: float


class Trace:
    """What `trace` returns: both passes as text. Rows are made when they are looked at.

    forward    a `Forward` for each v_i, v_1 first
    backward   a `Backward` for each adjoint, that of v_N first
    """

    def __init__(self, value: Value) -> None:
        self._edges = consumers(value)
        self._adjoints, self._names = adjoints(value, self._edges), numbering(self._edges)
        self._nodes = [(node, node.data) for node in self._edges if self._names[node][0] == "v"]

    @cached_property
    def forward(self) -> tuple[Forward, ...]:
        return tuple([self._forward(i) for i in range(len(self._nodes))])

    @cached_property
    def backward(self) -> tuple[Backward, ...]:
        return tuple([self._backward(i) for i in reversed(range(len(self._nodes)))])

    def _forward(self, i: int) -> Forward:
        node, data = self._nodes[i]
        return Forward(self._names[node], node, formula(node, self._names), data)

    def _backward(self, i: int) -> Backward:
        node, _ = self._nodes[i]
        bars = self._adjoints
        terms = [
            Term(self._names[child], bars[child], partial, share(child, bars[child], partial))
            for child, partial in self._edges[node]
        ]
        return Backward(bar(self._names[node]), node, tuple(terms), bars[node])

    def __repr__(self) -> str:
        count = len(self._nodes)
        without = () if any(node.label for node, _ in self._nodes) else (1,)
        values = [("node", "label", "formula", "value")]
        for i in folded(range(count), ROWS, more):
            if isinstance(i, str):
                values.append((i, "", "", ""))
            else:
                name, node, formula, number = self._forward(i)
                values.append((name, printable(node.label), formula or "leaf", short(number)))
        sums = [("node", "label", "sum", "numbers", "adjoint")]
        for i in folded(range(count)[::-1], ROWS, more):
            sums += [(i, "", "", "", "")] if isinstance(i, str) else _terms(self._backward(i))
        lines = ["Forward pass: each node from its parents", "", *table(values, (3,), without), ""]
        lines += ["Backward pass: each adjoint is the sum over the consumers of the node", ""]
        return "\n".join([*lines, *table(sums, (4,), without)])


def trace(value: Value) -> Trace:
    """The forward and the backward pass behind `value`, node by node, as two numbered tables.

    v_i is computed from its parents; its adjoint, v_i with a bar, is the sum over its consumers j of
    v_j bar * dv_j/dv_i.

    >>> trace(Value(3.0, "x") * 2).forward[-1].formula
    'v1 * 2.0'

    Nobody's `.grad` is touched. Raises TypeError for anything but a Value, RuntimeError for a result of `no_grad`.
    Source: lecture 002, "Full backpropagation algorithm".
    """
    _check(value, "trace(value)")
    return Trace(value)


def _terms(step: Backward) -> list[tuple[str, str, str, str, str]]:
    """The lines of one adjoint: a term each, the sum beside the last one."""
    name, label = step.name.replace("\u0304", ""), printable(step.node.label)
    lines = []
    for term in folded(step.terms, TERMS, more):
        if isinstance(term, str):
            hidden = sum(t.product for t in step.terms[TERMS // 2 : -(TERMS // 2)])
            lines.append((term, short(hidden)))
        else:
            symbols = f"{bar(term.consumer)} · {over(term.consumer, name)}"
            lines.append((symbols, f"({short(term.adjoint)})({short(term.partial)})"))
    lines = lines or [("1", "")]
    last = len(lines) - 1
    return [
        (step.name * (not i), label * (not i), "+ " * bool(i) + symbols, numbers, short(step.adjoint) * (i == last))
        for i, (symbols, numbers) in enumerate(lines)
    ]


def _check(node: Any, call: str) -> None:
    if type(node) is not Value:
        raise TypeError(
            f"{call} was given {type(node).__name__}: {shown(node)}.\n  Only a Value knows how it was computed.\n"
            "  Write x = Value(2.0, 'x'), then compute the expression in x."
        )
    if node.operation is operations.detached:
        raise RuntimeError(messages.NOT_RECORDED.format(call=call))
