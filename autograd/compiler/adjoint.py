"""The backward pass as steps of a tape: v_bar = sum over the children c of v of c_bar * dc/dv, children before parents.

The local derivatives are the rows of `operations`, run on placeholders, so that the steps of both passes share what
they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.branches import CHOICES, INDEPENDENT, SELECTIONS, conditional_steps
from autograd.compiler.layers import Affine, Element, Outer, Transposed, element, rates
from autograd.dispatch import where
from autograd.operations import OPERATIONS, power_exponent_slope
from autograd.tracing import LEAVES, Placeholder, Rule, Tape

# In place of forms that keep every digit in the tails: errors below 4 ulp of 1, and one product in place of a function.
PARTIALS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "tanh": lambda out, x: (1.0 - out * out,),
    "sigmoid": lambda out, x: (out * (1.0 - out),),
    "divide": lambda out, a, b: (1.0 / b, -(out / b)),  # so that the minus can become part of a sum
    "sqrt": lambda out, x: (0.5 * (1.0 / out),),
    "power": lambda out, x, y: (
        where(abs(y) > 0, lambda: y * x ** (y - 1.0), lambda: 0.0 * y),
        power_exponent_slope(out, x),
    ),
}
# Shorter still, and wrong at the ends of the range of doubles: then the gradient is not finite, and is asked for again.
QUICK = PARTIALS | {"divide": lambda out, a, b: (1.0 / b, -(out * (1.0 / b)))}
CONSTANT: dict[str, tuple[float, ...]] = {"add": (1.0, 1.0), "subtract": (1.0, -1.0), "negative": (-1.0,)}


def adjoints(
    tape: Tape,
    seeds: Sequence[tuple[int, int]],
    wanted: Sequence[int],
    inputs_vary: bool = True,
    careful: bool = False,
) -> dict[int, int]:
    """The steps that hold the adjoints of `wanted`, where there are any, for the seeds (result, its adjoint).

    An adjoint of a number that is the same for all rows is the sum over the rows. The steps are added to the tape.

    careful  whether nothing is passed behind any selection that did not select it, and no partial leaves the range of
             doubles before it must. Else that holds of choices alone, and may make a gradient infinite or NaN that is
             neither; never finite that is not right
    """
    return BackwardPass(tape, seeds, wanted, inputs_vary, careful).adjoints


class BackwardPass:
    def __init__(
        self,
        tape: Tape,
        seeds: Sequence[tuple[int, int]],
        wanted: Sequence[int],
        inputs_vary: bool,
        careful: bool,
    ) -> None:
        self.tape, self.careful = tape, careful
        self.selections = SELECTIONS if careful else CHOICES
        roots = [number for number, _ in seeds]
        self.last = max(roots)
        self.rate = rates(tape, inputs_vary)
        self.between = self._depends_on(wanted)
        self.adjoints: dict[int, int] = {}
        self.elements: dict[int, dict[int, int]] = {}  # of a layer: the adjoints of its results
        self.done: set[int] = set()  # layers whose elements' adjoints include f' already
        self.users = tape.uses(roots)
        self.conditional = conditional_steps(tape, roots, self.selections)
        self.reached: dict[int, tuple[int, int]] = {}  # of conditional steps: not 0 where one is reached; its rate
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
        apply, zero = self.tape.apply, self.tape.constant(0.0)
        if kind == "where":
            condition, *values = operands
            for operand, side in zip(values, (1, 0)):
                self._pass_to(number, operand, self._if(condition, side, adjoint, zero), condition, side)
        elif kind in CONSTANT:
            for operand, partial in zip(operands, CONSTANT[kind]):
                self._pass_to(number, operand, adjoint if partial > 0 else apply("negative", adjoint))
        elif not self.careful and self._is_square(kind, operands):  # 2 v_bar is one number for all squares of a sum
            message = apply("multiply", apply("add", adjoint, adjoint), operands[0])
            self._pass_to(number, operands[0], self._guarded(number, message))
        else:
            if type(kind) is Rule:
                operands, partials = operands[1 : 1 + kind.arity], operands[1 + kind.arity :]
            elif kind == "multiply":
                partials = operands[::-1]
            else:
                partials = self._partials(kind, number, operands)
            for operand, partial in zip(operands, partials):
                if not self.between[operand]:
                    continue
                message = self._guarded(number, apply("multiply", adjoint, partial))
                if kind in self.selections:
                    self._pass_to(number, operand, self._if(partial, 1, message, zero), partial, 1)
                else:
                    self._pass_to(number, operand, message)

    def _is_square(self, kind: Any, operands: Sequence[int]) -> bool:
        if kind == "power":
            return self.tape.constant_of(operands[1]) == 2.0
        return bool(kind == "multiply" and operands[0] == operands[1])

    def _partials(self, kind: str, out: int, operands: Sequence[int]) -> list[int]:
        """The steps of an operation's local derivatives."""
        result, *terms = (Placeholder(self.tape, number) for number in (out, *operands))
        exponent = self.tape.constant_of(operands[1]) if kind == "power" else None
        if exponent is not None:  # no logarithm is taken for its partial, and x**1 is x
            x: Any = terms[0]
            return [self.tape.lift(exponent * x ** (exponent - 1.0) if exponent else 0.0), self.tape.constant(0.0)]
        rule = (PARTIALS if self.careful else QUICK).get(kind)
        partials = rule(result, *terms) if rule else OPERATIONS[kind].partials(result, terms)
        return [self.tape.lift(partial) for partial in partials]

    # ------------------------------------------------------------------ selections

    def _pass_to(self, number: int, operand: int, message: int, condition: int = -1, side: int = 1) -> None:
        """A message from a step to an operand of it, which is selected where the condition holds (or not: side 0)."""
        if not self.between[operand]:
            return
        self._add(operand, message, self.rate[number])
        if not self.conditional[operand]:
            return
        one, zero = self.tape.constant(1.0), self.tape.constant(0.0)
        reached, rate = self.reached[number] if self.conditional[number] else (one, 0)
        if condition >= 0:
            reached = self._if(condition, side, reached, zero)
            rate = max(rate, self.rate[condition] if condition < len(self.rate) else self.rate[number])
        if rate == 1 and self.rate[operand] == 0:  # a uniform number is reached where any row reaches it
            weight = self.tape.input("weight")._number
            reached, rate = self.tape.add(("row_sum", self.tape.apply("where", reached, weight, zero))), 2
        if operand in self.reached:
            before, rate_before = self.reached[operand]
            reached, rate = self.tape.apply("where", before, one, reached), max(rate, rate_before)
        self.reached[operand] = reached, rate

    def _guarded(self, number: int, message: int) -> int:
        """The message of a step: 0 where the step is not reached, not 0 * inf."""
        if not self.conditional[number]:
            return message
        return self.tape.apply("where", self.reached[number][0], message, self.tape.constant(0.0))

    def _if(self, condition: int, side: int, a: int, b: int) -> int:
        """`a` where the condition holds, else `b`; the other way round for side 0."""
        return self.tape.apply("where", condition, *((a, b) if side else (b, a)))

    # ------------------------------------------------------------------ layers

    def _through_layer(self, number: int, layer: Affine) -> None:
        operands, n, m = self.tape.steps[number][1:], layer.inputs, layer.outputs
        x, weights, biases = operands[:n], operands[n : n + m * n], operands[n + m * n :]
        found = self.elements.pop(number)
        places = sorted(found)
        d = [found[place] for place in places]
        if layer.activation and number not in self.done:
            d = [self._times_partial(number, layer.activation, p, adjoint) for p, adjoint in zip(places, d)]
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

    def _times_partial(self, number: int, activation: str, place: int, adjoint: int) -> int:
        out = self.tape.add((element(place), number))
        (partial,) = self._partials(activation, out, [out])  # those of layers are functions of the output alone
        return self.tape.apply("multiply", adjoint, partial)

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
