"""The backward pass as steps of a tape: v_bar = sum over the children c of v of c_bar * dc/dv, children before parents.

The local derivatives are the rows of `operations`, run on placeholders, so that the steps of both passes share what
they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.choices import ALWAYS, Branches, branches_of
from autograd.compiler.layers import Affine, Element, Outer, Transposed, element, rates
from autograd.dispatch import where
from autograd.operations import OPERATIONS, power_exponent_slope
from autograd.tracing import COMPARISONS, LEAVES, Placeholder, Rule, Tape

# In place of forms that keep every digit in the tails: errors below 4 ulp of 1, and one product in place of a function.
SLOPES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "tanh": lambda out, x: (1.0 - out * out,),
    "sigmoid": lambda out, x: (out * (1.0 - out),),
    "divide": lambda out, a, b: (1.0 / b, -(out * (1.0 / b))),  # one division where the row has two
    "sqrt": lambda out, x: (0.5 * (1.0 / out),),
    "power": lambda out, x, y: (
        where(abs(y) > 0, lambda: y * x ** (y - 1.0), lambda: 0.0 * y),
        power_exponent_slope(out, x),
    ),
}
INDEPENDENT = LEAVES | {"stop_gradient", *COMPARISONS}
CONSTANT: dict[str, tuple[float, ...]] = {"add": (1.0, 1.0), "subtract": (1.0, -1.0), "negative": (-1.0,)}


def adjoints(
    tape: Tape, seeds: Sequence[tuple[int, int]], wanted: Sequence[int], inputs_vary: bool = True
) -> dict[int, int]:
    """The steps that hold the adjoints of `wanted`, where there are any, for the seeds (result, its adjoint).

    An adjoint of a number that is the same for all rows is the sum over the rows. The steps are added to the tape.
    """
    return BackwardPass(tape, seeds, wanted, inputs_vary).adjoints


class BackwardPass:
    def __init__(self, tape: Tape, seeds: Sequence[tuple[int, int]], wanted: Sequence[int], inputs_vary: bool) -> None:
        self.tape = tape
        roots = [number for number, _ in seeds]
        self.last = max(roots)
        self.rate = rates(tape, inputs_vary)
        self.between = self._depends_on(wanted)
        self.adjoints: dict[int, int] = {}
        self.elements: dict[int, dict[int, int]] = {}  # of a layer: the adjoints of its results
        self.done: set[int] = set()  # layers whose elements' adjoints include f' already
        self.users = tape.uses(roots)
        self.branches: list[Branches] = []
        self.taken: dict[Branches, tuple[int, int]] = {}  # 1 where one of the branches is taken, else 0; its rate
        self._find_choices(roots)
        for number, seed in seeds:
            self._add(number, seed, self.rate[seed])
        for number in range(self.last, -1, -1):
            if self.between[number]:
                self._pass_on(number)

    def _depends_on(self, wanted: Sequence[int]) -> bytearray:
        depends = bytearray(len(self.tape.steps))
        for number in wanted:
            depends[number] = 1
        for number, step in enumerate(self.tape.steps[: self.last + 1]):
            kind = step[0]
            if kind in INDEPENDENT:
                continue
            for operand in step[2 : 2 + kind.arity] if type(kind) is Rule else step[1:]:
                if depends[operand]:
                    depends[number] = 1
                    break
        return depends

    def _add(self, number: int, message: int, rate: int) -> None:
        """One more message for a step; from a step of each row to a uniform one, the sum over the rows."""
        if rate == 1 and self.rate[number] == 0:
            message = self.tape.add(("row_sum", message))
        before = self.adjoints.get(number)
        if before is None:
            self.adjoints[number] = message
            return
        kind, *negated = self.tape.steps[message]
        if kind == "negative":
            self.adjoints[number] = self.tape.apply("subtract", before, *negated)
        else:
            self.adjoints[number] = self.tape.apply("add", before, message)

    def _pass_on(self, number: int) -> None:
        kind, *operands = self.tape.steps[number]
        if type(kind) is Affine:
            if number in self.elements:
                self._through_layer(number, kind)
            return
        adjoint = self.adjoints.get(number)
        if adjoint is None or kind in LEAVES:
            return
        if type(kind) is Element:
            self.elements.setdefault(operands[0], {})[kind.place] = adjoint
            return
        apply, rate, between = self.tape.apply, self.rate[number], self.between
        if kind == "multiply":
            a, b = operands
            if a == b:  # 2 v_bar is one number for all squares of a sum
                self._add(a, self._guarded(number, apply("multiply", apply("add", adjoint, adjoint), a)), rate)
                return
            if between[a]:
                self._add(a, self._guarded(number, apply("multiply", adjoint, b)), rate)
            if between[b]:
                self._add(b, self._guarded(number, apply("multiply", adjoint, a)), rate)
        elif kind in CONSTANT:
            for operand, partial in zip(operands, CONSTANT[kind]):
                if between[operand]:
                    self._add(operand, adjoint if partial > 0 else apply("negative", adjoint), rate)
        elif kind == "where":
            condition, a, b = operands
            zero = self.tape.constant(0.0)
            if between[a]:
                self._add(a, apply("where", condition, adjoint, zero), rate)
            if between[b]:
                self._add(b, apply("where", condition, zero, adjoint), rate)
        else:
            self._by_rule(number, kind, operands, adjoint)

    def _by_rule(self, number: int, kind: Any, operands: list[int], adjoint: int) -> None:
        if isinstance(kind, Rule):
            operands, partials = operands[1 : 1 + kind.arity], operands[1 + kind.arity :]
        else:
            partials = self._partials(kind, number, operands)
        for operand, partial in zip(operands, partials):
            if self.between[operand]:
                message = self._guarded(number, self.tape.apply("multiply", adjoint, partial))
                self._add(operand, message, self.rate[number])

    def _partials(self, kind: str, out: int, operands: Sequence[int]) -> list[int]:
        """The steps of an operation's local derivatives."""
        result, *terms = (Placeholder(self.tape, number) for number in (out, *operands))
        rule = SLOPES.get(kind)
        found = rule(result, *terms) if rule else OPERATIONS[kind].partials(result, terms)
        return [self.tape.lift(partial) for partial in found]

    # ------------------------------------------------------------------ choices

    def _find_choices(self, roots: Sequence[int]) -> None:
        choices = [number for number in range(self.last, -1, -1) if self.tape.steps[number][0] == "where"]
        if choices:
            self.branches = branches_of(self.tape, roots)
            self.taken[ALWAYS] = self.tape.constant(1.0), 0
            for choice in choices:  # those around a choice come before it
                self._taken(self.branches[choice])

    def _guarded(self, number: int, message: int) -> int:
        """The message of a step that matters only in branches of choices: 0 where none is taken, not 0 * inf."""
        branches = self.branches[number] if self.branches else ALWAYS
        if not branches:
            return message
        (taken, rate), zero = self._taken(branches), self.tape.constant(0.0)
        if rate == 1 and self.rate[number] == 0:
            # The rows choose, the message is a sum over them: what counts is whether any row takes the branch.
            weight = self.tape.input("weight")._number
            taken = self.tape.add(("row_sum", self.tape.apply("where", taken, weight, zero)))
        return self.tape.apply("where", taken, message, zero)

    def _taken(self, branches: Branches) -> tuple[int, int]:
        known = self.taken.get(branches)
        if known is not None:
            return known
        one, zero = self.tape.constant(1.0), self.tape.constant(0.0)
        total, rate = zero, 0
        for choice, side in sorted(branches):
            condition = self.tape.steps[choice][1]
            around, rate_around = self.taken[self.branches[choice]]
            here = self.tape.apply("where", condition, *((zero, around) if side else (around, zero)))
            total = here if total == zero else self.tape.apply("where", total, one, here)
            rate = max(rate, rate_around, self.rate[condition])
        self.taken[branches] = total, rate
        return total, rate

    # ------------------------------------------------------------------ layers

    def _through_layer(self, number: int, layer: Affine) -> None:
        operands, n, m = self.tape.steps[number][1:], layer.inputs, layer.outputs
        x, weights, biases = operands[:n], operands[n : n + m * n], operands[n + m * n :]
        found = self.elements.pop(number)
        places = sorted(found)
        d = [found[place] for place in places]
        if layer.activation and number not in self.done:
            d = [self._times_slope(number, layer.activation, p, adjoint) for p, adjoint in zip(places, d)]
        if any(self.between[operand] for operand in (*weights, *biases)):
            sums = self.tape.add((Outer(n, len(d)), *d, *x))
            for k, place in enumerate(places):
                self._add_sums(weights[place * n : (place + 1) * n], sums, k * n)
                self._add_sums(biases[place : place + 1], sums, len(d) * n + k)
        if any(self.between[operand] for operand in x):
            rows = [weights[place * n + i] for place in places for i in range(n)]
            before = self._layer_before(x)
            if before is None:
                step = self.tape.add((Transposed(n, len(d), ""), *d, *rows))
            else:
                self.done.add(before)
                activation = self.tape.steps[before][0].activation
                step = self.tape.add((Transposed(n, len(d), activation), *d, *rows, *x))
            for i, operand in enumerate(x):
                if self.between[operand]:
                    self._add(operand, self.tape.add((element(i), step)), 1)

    def _add_sums(self, numbers: Sequence[int], sums: int, place: int) -> None:
        """The elements of `sums` from a place on are messages for these numbers."""
        add, between, adjoints = self.tape.add, self.between, self.adjoints
        for k, number in enumerate(numbers, place):
            if between[number]:
                message = add((element(k), sums))
                if number in adjoints:
                    self._add(number, message, 2)
                else:
                    adjoints[number] = message

    def _times_slope(self, number: int, activation: str, place: int, adjoint: int) -> int:
        out = self.tape.add((element(place), number))
        (slope,) = self._partials(activation, out, [out])  # those of layers are functions of the output alone
        return self.tape.apply("multiply", adjoint, slope)

    def _layer_before(self, x: Sequence[int]) -> int | None:
        """The layer that has just these results, for this layer alone, and an f: then f' is part of the step."""
        layers = {self.tape.steps[number][1] for number in x if type(self.tape.steps[number][0]) is Element}
        alone = all(self.users[number] == 1 and type(self.tape.steps[number][0]) is Element for number in x)
        if len(layers) != 1 or not alone or len(set(x)) != len(x):
            return None
        (layer,) = layers
        kind = self.tape.steps[layer][0]
        whole = getattr(kind, "activation", "") and kind.outputs == len(x)  # a result that goes elsewhere needs f' too
        return layer if whole and self.between[layer] else None
