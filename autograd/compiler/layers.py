"""Finds the layers of a network in the products and sums that scalar code spells out: h = f(W x + b).

A sum of products of a uniform number and a row's number is a dot product; dot products over the same numbers of the row
are the outputs of one layer; an activation that follows every one of them belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import compress
from typing import NamedTuple

from autograd.tracing import LEAVES, Tape

ACTIVATIONS = ("", "relu", "tanh", "sigmoid")
AFTER_ROWS = ("row_sum", "row_dot")  # sums over the rows


class Affine(NamedTuple):
    """h = f(W x + b): operands x (n), W row by row (m n), b (m). Its results are Elements."""

    inputs: int
    outputs: int
    activation: str


class Element:
    """One of the results of a step that has several; its operand is that step. `element` makes one for each place."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place


@cache
def element(place: int) -> Element:
    return Element(place)


class Dot(NamedTuple):
    weights: tuple[int, ...]
    bias: list[int]  # uniform terms, the sum of which is the bias
    rest: list[tuple[int, bool]]  # terms of the row that are no products, and whether they are subtracted


class Transposed(NamedTuple):
    """x_bar = W^T d, times f' of the layer before: operands d (m), W (m n), and that layer's h (n) if it has an f."""

    inputs: int
    outputs: int
    activation: str


class Outer(NamedTuple):
    """The sums over the rows of d x^T (m n) and of d (m): operands d (m), x (n)."""

    inputs: int
    outputs: int


KINDS_OF_LAYERS = (Affine, Transposed, Outer)


def rates(tape: Tape, inputs_vary: bool = True) -> bytearray:
    """0 for a step that is the same for all rows, 1 for one of each row, 2 for one that follows from sums over rows."""
    found = bytearray(len(tape.steps))
    if not inputs_vary:
        return found
    for number, step in enumerate(tape.steps):  # written for speed: a tape may have a million steps
        kind = step[0]
        if type(kind) is not str and type(kind) in KINDS_OF_LAYERS:
            found[number] = 2 if type(kind) is Outer else 1  # also where all of its operands are the same for all rows
        elif kind in LEAVES:
            if kind == "input":
                found[number] = 1
        elif kind in AFTER_ROWS:
            found[number] = 2
        elif len(step) == 2:
            found[number] = found[step[1]]
        elif len(step) == 3:
            a, b = found[step[1]], found[step[2]]
            found[number] = a if a > b else b
        else:
            found[number] = max(map(found.__getitem__, step[1:]))
    return found


def find_layers(tape: Tape, results: Sequence[int], conditional: Sequence[int] = ()) -> tuple[Tape, list[int]]:
    """The tape with every layer as one step, and where the results are now.

    conditional  1 for each step whose adjoints are to be guarded, see `branches`: those stay single steps, since a
                 layer is computed for all rows, and NaN in one would spoil the sums over them
    """
    finder = Finder(tape, results, conditional or bytes(len(tape.steps)))
    return finder.rebuilt(results)


class Finder:
    def __init__(self, tape: Tape, results: Sequence[int], conditional: Sequence[int]) -> None:
        self.tape, self.conditional = tape, conditional
        self.rate = rates(tape)
        self.uses = tape.uses([*results, *results])  # a result is to be had as it is
        kinds = [step[0] for step in tape.steps]
        self.dots: dict[int, Dot] = {}
        self.groups: dict[tuple[int, ...], list[int]] = {}
        self.group_of: dict[int, tuple[int, ...]] = {}
        self._find_dots()
        known = frozenset(ACTIVATIONS)
        activations = [number for number, kind in enumerate(kinds) if kind in known and self.uses[number]]
        self.activated = {tape.steps[number][1]: kinds[number] for number in activations}
        self.activation = {key: self._shared_activation(roots) for key, roots in self.groups.items()}

    def _find_dots(self) -> None:
        steps, rate, uses = self.tape.steps, self.rate, self.uses
        inside = bytearray(len(steps))  # sums that are part of a larger one
        for number in range(len(steps) - 1, -1, -1):
            if not self.uses[number] or rate[number] != 1 or inside[number] or self.conditional[number]:
                continue
            if steps[number][0] not in ("add", "subtract"):
                continue
            products: list[tuple[int, int, bool]] = []
            bias: list[tuple[int, bool]] = []
            rest: list[tuple[int, bool]] = []
            pending = [(number, False)]
            while pending:
                term, minus = pending.pop()
                step = steps[term]
                kind = step[0]
                if rate[term] == 0:
                    bias.append((term, minus))
                elif kind in ("add", "subtract") and (term == number or uses[term] == 1):
                    inside[term] = 1
                    pending += (step[1], minus), (step[2], minus != (kind == "subtract"))
                elif kind == "negative" and uses[term] == 1:
                    pending.append((step[1], not minus))
                elif kind == "multiply" and uses[term] == 1 and rate[step[1]] != rate[step[2]]:
                    weight, x = step[1:] if rate[step[1]] == 0 else (step[2], step[1])
                    products.append((x, weight, minus))
                else:
                    rest.append((term, minus))
            if sum(steps[weight][0] != "constant" for _, weight, _ in products) * 2 >= len(products) > 0:
                products.sort()
                self._add_dot(number, products, bias, rest)
        for key in [key for key, roots in self.groups.items() if len(key) * len(roots) < 2]:
            for root in self.groups.pop(key):
                del self.dots[root], self.group_of[root]
        for roots in self.groups.values():
            roots.reverse()  # in the order in which the function computes them

    def _add_dot(
        self,
        number: int,
        products: list[tuple[int, int, bool]],
        bias: list[tuple[int, bool]],
        rest: list[tuple[int, bool]],
    ) -> None:
        apply = self.tape.apply
        weights = tuple(apply("negative", weight) if minus else weight for _, weight, minus in products)
        biases = [apply("negative", term) if minus else term for term, minus in bias]
        key = tuple(x for x, _, _ in products)
        self.dots[number] = Dot(weights, biases[::-1], rest[::-1])
        self.groups.setdefault(key, []).append(number)
        self.group_of[number] = key

    def _shared_activation(self, roots: Sequence[int]) -> str:
        """The activation that follows each of the dot products, and nothing else does; "" if there is none."""
        kinds = set()
        for root in roots:
            alone = self.uses[root] == 1 and not self.dots[root].rest
            kinds.add(self.activated.get(root, "") if alone else "")
        return kinds.pop() if len(kinds) == 1 else ""

    def rebuilt(self, results: Sequence[int]) -> tuple[Tape, list[int]]:
        old, new, needed = self.tape, Tape(), self._needed(results)
        rate = self.rate + bytes(len(old.steps) - len(self.rate))  # what was added since are negated weights
        new.parameters = old.parameters
        place = [-1] * len(old.steps)
        layers: dict[tuple[int, ...], int] = {}

        def output_of_layer(number: int) -> int:
            key, dot = self.group_of[number], self.dots[number]
            if key not in layers:
                layers[key] = self._layer(new, place, key)
            result = new.add((element(self.groups[key].index(number)), layers[key]))
            for term, minus in dot.rest:
                result = new.apply("subtract" if minus else "add", result, place[term])
            return result

        kept = list(compress(range(len(rate)), needed))
        # The uniform steps first: a layer is one step, and needs the weights of its last output too.
        for number in [n for n in kept if not rate[n]] + [n for n in kept if rate[n]]:
            step = old.steps[number]
            if step[0] in LEAVES:
                place[number] = new.constant(step[1]) if step[0] == "constant" else new.add(step)
            elif number in self.dots:
                place[number] = output_of_layer(number)
            elif self._is_activation(number):
                place[number] = place[step[1]]
            else:
                place[number] = new.add((step[0], *[place[operand] for operand in step[1:]]))
        new.labels = {place[number]: label for number, label in old.labels.items() if needed[number]}
        return new, [place[number] for number in results]

    def _is_activation(self, number: int) -> bool:
        step = self.tape.steps[number]
        return step[0] in ACTIVATIONS and self.activation.get(self.group_of.get(step[1], ())) == step[0]

    def _needed(self, results: Sequence[int]) -> bytearray:
        """The steps that the new tape keeps: of a dot product, what it is made of."""
        needed = bytearray(len(self.tape.steps))
        for number in results:
            needed[number] = 1
        for number in range(len(needed) - 1, -1, -1):
            if not needed[number]:
                continue
            dot = self.dots.get(number)
            for operand in self.tape.operands(number) if dot is None else self.group_of[number]:
                needed[operand] = 1
            if dot is not None:
                for operand in (*dot.weights, *dot.bias, *(term for term, _ in dot.rest)):
                    needed[operand] = 1
                    if operand > number:  # a negated weight, which came last
                        for negated in self.tape.operands(operand):
                            needed[negated] = 1
        return needed

    def _layer(self, new: Tape, place: list[int], key: tuple[int, ...]) -> int:
        roots = self.groups[key]
        weights = [place[weight] for root in roots for weight in self.dots[root].weights]
        biases = []
        for root in roots:
            total = new.constant(-0.0)  # to which a first term adds nothing, not even a sign
            for term in self.dots[root].bias:
                total = new.apply("add", total, place[term])
            biases.append(total)
        kind = Affine(len(key), len(roots), self.activation[key])
        return new.add((kind, *(place[x] for x in key), *weights, *biases))
