"""lint: what keeps a network from learning, read off the graph of one loss, in words."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from textwrap import fill
from typing import Any, NamedTuple

from autograd.adjoints import Edges, adjoints, consumers
from autograd.formatting import printable, short
from autograd.ieee import IEEE
from autograd.notation import WIDTH
from autograd.operations import constant
from autograd.value import Value

ACTIVATIONS = ("relu", "leaky_relu", "softplus", "sigmoid", "tanh")
FLAT = {"tanh": 0.01 * 1.0, "sigmoid": 0.01 * 0.25}  # 1 % of the largest slope: |tanh| > 0.995
STEEP = 1000.0  # the ratio of two layers' adjoints beyond which they vanish or explode


class Finding(NamedTuple):
    """kind   "unreached", "dead", "saturated", "vanishing", "exploding" or "changed"
    nodes  the parameters, activations or leaves that it is about
    text   what is the matter, why, and what helps
    """

    kind: str
    nodes: tuple[Value, ...]
    text: str


class Findings(list[Finding]):
    """What `lint` returns: a list that prints itself as text."""

    def __repr__(self) -> str:
        if not self:
            return "Nothing found."
        return "\n".join(fill(f"{kind}: {text}", WIDTH, subsequent_indent="  ") for kind, _, text in self)


def lint(loss: Value, parameters: Any) -> Findings:
    """What looks wrong in the graph of `loss`, for the `parameters` that are to be trained.

    parameters   a list of Values, or a network with `named_parameters()`, whose names the text then uses

    unreached    parameters that the loss does not depend on: they never move
    dead         units whose ReLU is off wherever it is used: nothing flows back through it
    saturated    units whose sigmoid or tanh is flat, below 1 % of its largest slope, wherever it is used
    vanishing    the adjoints of the first layer are a thousandth of the last one's, or less (root mean squares)
    exploding    they are a thousand times as large, or more
    changed      leaves that were assigned after the graph was built: its numbers no longer follow from them

    A unit is an activation with the parameters in its operand. Take the loss of all rows (`nn.empirical_risk`): in the
    graph of a single row about half of all ReLUs are off, as they should be.

    >>> w, b = Value(2.0, "w"), Value(-9.0, "b")
    >>> lint(((w * 1.0 + b).relu() - 1) ** 2 + ((w * 3.0 + b).relu() - 2) ** 2, [w, b])
    dead: 1 of 1 relu units is off in all of its 2 uses: 'w' …. Nothing flows back through it. A smaller
      learning rate keeps units from being pushed there, leaky_relu lets a little through, other initial
      weights may help.

    Nobody's `.grad` is touched. Source: lecture 000 on activation functions; lecture 003 on vanishing gradients.
    """
    if not isinstance(loss, Value):
        raise TypeError(
            f"lint was given {type(loss).__name__} in place of the loss, which is a Value.\n"
            "  It looks at the graph that was recorded behind it.\n"
            "  Write lint(nn.empirical_risk(model, X, y, nn.squared_error), model)."
        )
    names = _names(parameters)
    edges = consumers(loss)
    units = _units(edges, names)
    return Findings(
        [
            *_unreached(edges, names),
            *_changed(edges, names),
            *_flat(units, names),
            *_uneven(units, adjoints(loss, edges)),
        ]
    )


def _names(parameters: Any) -> dict[Value, str]:
    if hasattr(parameters, "named_parameters"):
        return {parameter: f"'{path}'" for path, parameter in parameters.named_parameters()}
    named = {}
    for i, parameter in enumerate(parameters if isinstance(parameters, Iterable) else [parameters]):
        if not isinstance(parameter, Value):
            raise TypeError(
                f"lint was given {type(parameter).__name__} as parameter {i}, which is no Value.\n"
                "  It looks for the parameters in the graph of the loss.\n  Write lint(loss, model.parameters())."
            )
        named[parameter] = f"'{printable(parameter.label)}'" if parameter.label else f"parameter {i}"
    return named


def _listed(names: Sequence[str], most: int = 4) -> str:
    """'a', 'b' and 'c'; of more than four, the first three and how many more."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


# ------------------------------------------------------------------------------------------- parameters and leaves


def _unreached(edges: Edges, names: Mapping[Value, str]) -> Iterator[Finding]:
    missing = tuple(parameter for parameter in names if parameter not in edges)
    if missing:
        which = _listed([names[parameter] for parameter in missing])
        yield Finding(
            "unreached",
            missing,
            f"The loss does not depend on {which if len(missing) < len(names) else 'any of these parameters'}: no step"
            " will move what it does not reach. Was it computed with another model, from .data or under no_grad()?",
        )


def _changed(edges: Edges, names: Mapping[Value, str]) -> Iterator[Finding]:
    """A node that does not follow from its parents accuses its leaves; one that does clears those that it feels."""
    stale = {node for node in edges if node.parents and not _follows(node)}
    leaves = [node for node in edges if not node.parents and node.operation is not constant]
    accused = [leaf for leaf in leaves if any(child in stale for child, _ in edges[leaf])]
    cleared = {leaf for leaf in accused if any(partial and child not in stale for child, partial in edges[leaf])}
    changed = tuple(leaf for leaf in accused if leaf not in cleared) or tuple(accused)
    if changed:
        named = _listed(
            [names.get(leaf) or (f"'{printable(leaf.label)}'" if leaf.label else "a leaf") for leaf in changed]
        )
        yield Finding(
            "changed",
            changed,
            f"The recorded numbers do not follow from {named}: assigned after the graph was built. backward() would mix"
            " old and new numbers. Compute the loss again after each assignment, and then call backward().",
        )


def _follows(node: Value) -> bool:
    number = float(IEEE._apply(node.operation, [parent.data for parent in node.parents]))
    alike = number == node.data or math.isclose(number, node.data, rel_tol=1e-12)
    return alike or (number != number and node.data != node.data)


# ------------------------------------------------------------------------------------------------ units and layers


class Unit(NamedTuple):
    """The uses of an activation, one node for each row, over the same parameters."""

    name: str
    layer: int
    parameters: tuple[Value, ...]
    uses: list[Value]


def _units(order: Iterable[Value], names: Mapping[Value, str]) -> list[Unit]:
    """order: the nodes, parents before children. A unit's layer says how many activations lie before it."""
    place = {parameter: i for i, parameter in enumerate(names)}
    layer: dict[Value, int] = {}
    units: dict[tuple[Any, ...], Unit] = {}
    for node in order:
        layer[node] = max((layer[parent] + _is_activation(parent) for parent in node.parents), default=0)
        if _is_activation(node):
            parameters = tuple(sorted(_behind(node, place), key=place.__getitem__))
            name = node.operation.name
            if parameters:
                units.setdefault((name, parameters), Unit(name, layer[node], parameters, [])).uses.append(node)
    return list(units.values())


def _is_activation(node: Value) -> bool:
    return bool(node.parents) and node.operation.name in ACTIVATIONS


def _behind(activation: Value, parameters: Container[Value]) -> list[Value]:
    """The parameters in the operand of an activation, not looking beyond the activations before it."""
    seen, stack = set(activation.parents), list(activation.parents)
    while stack:
        node = stack.pop()
        for parent in () if _is_activation(node) else node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return [node for node in seen if node in parameters]


def _flat(units: list[Unit], names: Mapping[Value, str]) -> Iterator[Finding]:
    for name in ACTIVATIONS:
        alike = [unit for unit in units if unit.name == name]
        flat = [unit for unit in alike if all(map(_is_flat, unit.uses))]
        if not flat:
            continue
        uses = max(len(unit.uses) for unit in flat)
        its, it = ("its", "it") if len(flat) == 1 else ("their", "them")
        where = f"in {its} only use" if uses == 1 else f"in all of {its} {uses} uses"
        these = _listed([_unit_name(unit, names) for unit in flat])
        nodes = tuple(use for unit in flat for use in unit.uses)
        if name == "relu":
            kind, state, what = "dead", "off", "Nothing flows back through"
            remedy = (
                "A smaller learning rate keeps units from being pushed there, leaky_relu lets a little through, other"
                " initial weights may help."
            )
        else:
            kind, state, what = "saturated", "flat", "Less than 1 % of the largest slope flows back through"
            remedy = "Scale the inputs to about -1 to 1, start with smaller weights, or take a smaller learning rate."
        remark = " In the graph of one row that may be chance: look at the loss of all rows." if uses == 1 else ""
        yield Finding(
            kind,
            nodes,
            f"{len(flat)} of {len(alike)} {name} units {'is' if len(flat) == 1 else 'are'} {state} {where}: {these}."
            f" {what} {it}. {remedy}{remark}",
        )


def _is_flat(activation: Value) -> bool:
    (slope,) = activation.operation.partials(activation.data, [parent.data for parent in activation.parents])
    return bool(slope == 0) if activation.operation.name == "relu" else slope < FLAT.get(activation.operation.name, 0)


def _unit_name(unit: Unit, names: Mapping[Value, str]) -> str:
    """Of layers.0.neurons.1.weights.0, ...weights.1 and ...bias what they share, else the first one's name."""
    first, *others = (names[parameter] for parameter in unit.parameters)
    words = zip(*(name.strip("'").split(".") for name in (first, *others)))
    shared = ".".join(word[0] for word in takewhile(lambda word: len(set(word)) == 1, words))
    return f"'{shared}'" if shared else f"{first} …" if others else first


def _uneven(units: list[Unit], bars: Mapping[Value, float]) -> Iterator[Finding]:
    squares: dict[int, list[float]] = {}
    for unit in units:
        squares.setdefault(unit.layer, []).extend(bars[use] ** 2 for use in unit.uses)
    sizes = {layer: math.sqrt(sum(numbers) / len(numbers)) for layer, numbers in sorted(squares.items())}
    first, last = (sizes[0], sizes[max(sizes)]) if 0 in sizes else (0.0, 0.0)
    if not first or not last or 1 / STEEP < first / last < STEEP:
        return
    small = first < last
    grow, effect, remedy = (
        ("shrink", "hardly learn", "")
        if small
        else ("grow", "take steps far too large", "; nn.clip_grad_norm bounds a step")
    )
    yield Finding(
        "vanishing" if small else "exploding",
        tuple(use for unit in units if unit.layer == 0 for use in unit.uses),
        f"Adjoints {grow} from {short(last)} in the last of {len(sizes)} layers of activations to {short(first)} in the"
        f" first (root mean squares): the first layers {effect}. Initial weights after Xavier (tanh, sigmoid) or He"
        f" (ReLU), a ReLU in place of a sigmoid, or fewer layers keep them alike{remedy}.",
    )
