"""A fused tape as a program: flat numbers that the kernels in C run, and that can be stored; see _native/tape/tape.h.

Uniform steps (the same for all rows) become runs: operations of one kind side by side. Steps of each row become
instructions on row slots, which are used again as soon as nobody needs their content.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autograd.compiler.layers import ACTIVATIONS, AFTER_ROWS, Affine, Element, Outer, Transposed, rates
from autograd.tracing import LEAVES, Tape

MAGIC, VERSION = 0x50475441, 1
ARENA = 40_000  # doubles that the row slots of a thread may take: they are to stay in the second-level cache
MOST_LANES = 256
# Of one number, the two share most of their work: a function and its derivative often meet in a gradient.
TWO_AT_ONCE = {("sin", "cos"): "sin_cos", ("erf", "gaussian"): "erf_gaussian"}


class Program(NamedTuple):
    """What `_native.tapes.Program` is made of; `parameters` are places among the tape's, in the program's order."""

    data: bytes
    parameters: list[int]


def program_of(
    tape: Tape,
    outputs: Sequence[int],
    results: Sequence[int],
    n_inputs: int,
    operations: Sequence[str],
    inputs_vary: bool = True,
    gradients: Mapping[int, int] | None = None,
) -> Program:
    """The program that computes `outputs` for each row and `results` once.

    operations   the names whose places are the codes, `_native.tapes.OPERATIONS`
    inputs_vary  whether inputs differ from row to row; else they are the first parameters, and there are no rows
    gradients    {place of a parameter: its adjoint}: behind the results there is one for each parameter of the program,
                 side by side, as a training wants them
    """
    return Lowering(tape, outputs, results, n_inputs, operations, inputs_vary, gradients).program()


class Lowering:
    def __init__(
        self,
        tape: Tape,
        outputs: Sequence[int],
        results: Sequence[int],
        n_inputs: int,
        operations: Sequence[str],
        inputs_vary: bool,
        gradients: Mapping[int, int] | None,
    ) -> None:
        self.tape, self.outputs, self.results = tape, outputs, list(results)
        self.code = {name: code for code, name in enumerate(operations)}
        self.n_inputs, self.inputs_vary = n_inputs if inputs_vary else 0, inputs_vary
        self.rate = rates(tape, inputs_vary)
        self.constants: list[float] = []
        self.pool = array("i")
        self.at: dict[int, int] = {}  # where a uniform step stands among the numbers
        self.places: list[int] = []  # of the tape's parameters, in the order of the program
        self.sums: dict[int, int] = {}  # where the sums of a step begin
        self.blocks: dict[tuple[int, ...], int] = {}
        self._sort_steps()
        self._number_leaves(n_inputs)
        self.count = len(self.constants) + len(self.places)
        self.before = self._runs(0)
        self._gather_blocks()
        self.sums_at = self.count
        self._place_sums()
        self.after = self._runs(2)
        self.result_places = [self.at[number] for number in self.results]
        if gradients is not None:
            self.result_places += self._side_by_side([self.at[gradients[place]] for place in self.places])
        self.slot: dict[int, int] = {}
        self.splats: dict[int, int] = {}
        self.code_of_rows: list[list[Any]] = []  # operands are ("slot", n) or ("splat", n) until all are counted
        self.slots = self.n_inputs + 1 + len(outputs)
        self.free: list[int] = []
        self.layers_at = len(self.pool)
        if inputs_vary:
            self._rows()

    def _sort_steps(self) -> None:
        """The steps by what becomes of them, each kind in the order of the tape."""
        self.leaves: list[int] = []
        self.elements: list[int] = []  # of layers
        self.element_at: dict[tuple[int, int], int] = {}  # {(layer of each row, place): element}
        self.uniform: tuple[list[int], ...] = ([], [], [])  # by their rate; 1 stays empty
        self.of_rows: list[int] = []  # sums over the rows among them
        for number, step in enumerate(self.tape.steps):
            kind = step[0]
            if kind in LEAVES:
                self.leaves.append(number)
            elif type(kind) is Element:
                self.elements.append(number)
                if self.rate[number] == 1:
                    self.element_at[step[1], kind.place] = number
            elif self.rate[number] == 1 or kind in AFTER_ROWS or type(kind) is Outer:
                self.of_rows.append(number)
            else:
                self.uniform[self.rate[number]].append(number)

    # ------------------------------------------------------------------ uniform numbers

    def _number_leaves(self, n_inputs: int) -> None:
        """Constants, then parameters: of a layer W row by row, then b, so that its kernel finds them side by side."""
        steps, varies = self.tape.steps, self.inputs_vary
        constants = [number for number in self.leaves if steps[number][0] == "constant"]
        self.constants = [steps[number][1] for number in constants]
        first = len(constants) + (0 if varies else n_inputs)
        layers = [steps[number] for number in self.of_rows if type(steps[number][0]) is Affine]
        ordered = [operand for step in layers for operand in step[1 + step[0].inputs :]] + self.leaves
        parameters = dict.fromkeys(number for number in ordered if steps[number][0] == "parameter")
        self.at = {number: place for place, number in enumerate(constants)}
        self.at.update(zip(parameters, range(first, first + len(parameters))))
        self.places = [steps[number][1] for number in parameters]
        if not varies:
            inputs = [number for number in self.leaves if steps[number][0] == "input"]
            self.at.update((number, len(constants) + steps[number][1]) for number in inputs)
            self.places = [-1 - place for place in range(n_inputs)] + self.places

    def _runs(self, rate: int) -> array[int]:
        """Runs of the uniform steps of a rate. Of those that are ready, the most frequent kind goes first."""
        steps, at = self.tape.steps, self.at
        waiting: dict[int, int] = {}
        children: dict[int, list[int]] = {}
        ready: dict[Any, list[int]] = {}
        for number in self.uniform[rate]:
            step = steps[number]
            missing = [operand for operand in step[1:] if operand not in at]
            waiting[number] = len(missing)
            for operand in missing:
                children.setdefault(operand, []).append(number)
            if not missing:
                ready.setdefault(step[0], []).append(number)
        runs = array("i")
        while ready:
            kind = max(ready, key=lambda kind: len(ready[kind]))
            members = ready.pop(kind)
            members.sort(key=lambda number: [at[operand] for operand in steps[number][1:3]])
            for number in members:  # grows while it is walked over
                at[number] = self.count
                self.count += 1
                for child in children.get(number, ()):
                    waiting[child] -= 1
                    if not waiting[child]:
                        child_kind = steps[child][0]
                        (members if child_kind == kind else ready.setdefault(child_kind, [])).append(child)
                if kind in ("sum", "dot"):
                    operands = steps[number][1:]
                    length = len(operands) // (1 + (kind == "dot"))
                    runs.extend((self.code[kind], length, at[number], len(self.pool)))
                    self.pool.extend([at[operand] for operand in operands])
            if kind not in ("sum", "dot"):
                runs.extend((self.code[kind], len(members), at[members[0]], len(self.pool)))
                for place in range(1, len(steps[members[0]])):
                    self.pool.extend([at[steps[number][place]] for number in members])
        return runs

    def _gather_blocks(self) -> None:
        """Copies of weights and biases that do not lie side by side."""
        for step in self.tape.steps:
            kind = step[0]
            if type(kind) is Affine:
                first = 1 + kind.inputs
                weights = step[first : first + kind.inputs * kind.outputs]
                self._block(weights)
                self._block(step[first + kind.inputs * kind.outputs :])
            elif type(kind) is Transposed:
                self._block(step[1 + kind.outputs : 1 + kind.outputs + kind.inputs * kind.outputs])

    def _block(self, numbers: tuple[int, ...]) -> int:
        if numbers not in self.blocks:
            places = [self.at[number] for number in numbers]
            if places != list(range(places[0], places[0] + len(places))):
                places = self._copies(places, self.before)
            self.blocks[numbers] = places[0]
        return self.blocks[numbers]

    def _copies(self, places: list[int], runs: array[int]) -> list[int]:
        runs.extend((self.code["identity"], len(places), self.count, len(self.pool)))
        self.pool.extend(places)
        self.count += len(places)
        return list(range(self.count - len(places), self.count))

    def _place_sums(self) -> None:
        """The sums over the rows: of the layers in the order of the parameters, which is that of the forward pass."""
        steps = self.tape.steps
        for number in reversed([n for n in self.of_rows if self.rate[n] == 2]):
            kind = steps[number][0]
            self.sums[number] = self.count
            if type(kind) is Outer:
                self.count += (kind.inputs + 1) * kind.outputs
            else:
                self.at[number] = self.count
                self.count += 1
        for number in self.elements:
            kind, layer = steps[number]
            if layer in self.sums:
                self.at[number] = self.sums[layer] + kind.place

    def _side_by_side(self, places: list[int]) -> list[int]:
        neighbours = not places or places == list(range(places[0], places[0] + len(places)))
        return places if neighbours else self._copies(places, self.after)

    # ------------------------------------------------------------------ rows

    def _rows(self) -> None:
        steps, rate = self.tape.steps, self.rate
        first_output = self.n_inputs + 1
        pinned: dict[int, int] = {}
        for place, number in enumerate(self.outputs):
            if rate[number] == 1 and steps[number][0] != "input":
                pinned.setdefault(number, first_output + place)
        for number in self.leaves:
            if steps[number][0] == "input":
                place = steps[number][1]
                self.slot[number] = self.n_inputs if place == "weight" else place
        last, self.two = self._last_uses(), self._two_at_once()
        for number in self.of_rows:
            self._instruction(number, steps[number], pinned)
            for dying in last.get(number, ()):
                if dying not in pinned and dying in self.slot:
                    self.free.append(self.slot[dying])
        for place, number in enumerate(self.outputs):
            if self.slot.get(number) != first_output + place:  # an input, a uniform number, or an output again
                if rate[number] == 1:
                    self.code_of_rows.append(["identity", first_output + place, ("slot", self.slot[number])])
                else:
                    self._copy_splat(number, first_output + place)

    def _two_at_once(self) -> dict[int, tuple[str, int, int]]:
        """{step: (operation, step, other step)} of those that one instruction computes."""
        steps, found = self.tape.steps, {}
        place = {steps[number]: number for number in self.of_rows}
        for (first, second), kind in TWO_AT_ONCE.items():
            for step, number in place.items():
                other = place.get((second, *step[1:])) if step[0] == first else None
                if other is not None:
                    found[number] = found[other] = (kind, number, other)
        return found

    def _copy_splat(self, number: int, slot: int) -> None:
        """A uniform number in every lane of a slot."""
        term = self._splat(number)
        self.code_of_rows.append(["maximum", slot, term, term])

    def _last_uses(self) -> dict[int, list[int]]:
        """{step: the steps of each row, inputs aside, that nobody needs after it}."""
        steps, rate, last = self.tape.steps, self.rate, {}
        for number in self.of_rows:
            for operand in steps[number][1:]:
                if rate[operand] == 1:
                    last[operand] = number
        dying: dict[int, list[int]] = {}
        for number, user in last.items():
            if steps[number][0] != "input":
                dying.setdefault(user, []).append(number)
        return dying

    def _new_slot(self, number: int, pinned: dict[int, int]) -> int:
        if number in pinned:
            slot = pinned[number]
        elif self.free:
            slot = self.free.pop()
        else:
            slot = self.slots
            self.slots += 1
        self.slot[number] = slot
        return slot

    def _splat(self, number: int) -> tuple[str, int]:
        place = self.at[number]
        return "splat", self.splats.setdefault(place, len(self.splats))

    def _operand(self, number: int) -> tuple[str, int]:
        return ("slot", self.slot[number]) if self.rate[number] == 1 else self._splat(number)

    def _instruction(self, number: int, step: tuple[Any, ...], pinned: dict[int, int]) -> None:
        kind = step[0]
        if kind in ("row_sum", "row_dot"):
            operands = [self._operand(operand) for operand in step[1:]]
            if operands[0][0] == "splat":  # one operand at least is a row's
                operands.reverse()
            self.code_of_rows.append([kind, self.sums[number] - self.sums_at, *operands])
        elif type(kind) is Affine:
            n, m = kind.inputs, kind.outputs
            pool = self._row_slots(step[1 : 1 + n])
            pool += self._results(number, m, pinned)
            weights, biases = step[1 + n : 1 + n + n * m], step[1 + n + n * m :]
            self._layer("affine", pool, self._block(weights), self._block(biases), n, m, kind.activation)
        elif type(kind) is Transposed:
            n, m = kind.inputs, kind.outputs
            d, weights, h = step[1 : 1 + m], step[1 + m : 1 + m + n * m], step[1 + m + n * m :]
            pool = self._row_slots(d) + self._results(number, n, pinned) + self._row_slots(h)
            self._layer("transposed", pool, self._block(weights), -1, n, m, kind.activation)
        elif type(kind) is Outer:
            n, m = kind.inputs, kind.outputs
            at = self.sums[number] - self.sums_at
            self._layer("outer", self._row_slots(step[1:]), at, at + n * m, n, m, "")
        elif number in self.two:
            if number not in self.slot:
                both, first, second = self.two[number]
                slots = [self._new_slot(which, pinned) for which in (first, second)]
                self.code_of_rows.append([both, slots[0], self._operand(step[1]), 0, slots[1]])
        else:
            operands = [self._operand(operand) for operand in step[1:]]
            self.code_of_rows.append([kind, self._new_slot(number, pinned), *operands])

    def _row_slots(self, numbers: Sequence[int]) -> list[int]:
        """Layers read whole slots: a uniform number among their operands is copied into one."""
        slots = []
        for number in numbers:
            if self.rate[number] != 1 and number not in self.slot:
                self._copy_splat(number, self._new_slot(number, {}))
            slots.append(self.slot[number])
        return slots

    def _results(self, number: int, count: int, pinned: dict[int, int]) -> list[int]:
        """The slots of a layer's results; those that nobody uses are free again at once."""
        elements = [self.element_at.get((number, place), -1) for place in range(count)]
        slots = [self._new_slot(element, pinned) for element in elements]
        self.free += [slot for element, slot in zip(elements, slots) if element < 0]
        return slots

    def _layer(self, kind: str, slots: list[int], out: int, b: int, n: int, m: int, activation: str) -> None:
        self.code_of_rows.append([kind, out, len(self.pool), b, 0, n, m, ACTIVATIONS.index(activation)])
        self.pool.extend(slots)

    # ------------------------------------------------------------------ the numbers

    def program(self) -> Program:
        rows = array("i")
        for kind, *words in self.code_of_rows:
            flat = [word if type(word) is int else word[1] + self.slots * (word[0] == "splat") for word in words]
            rows.extend([self.code[kind], *flat, *[0] * (7 - len(flat))])
        lanes = max(8, min(MOST_LANES, ARENA // max(1, self.slots) // 8 * 8))
        sizes = [
            self.n_inputs, len(self.places), len(self.constants), self.count, self._sum_count(), self.sums_at,
            len(self.outputs), self.slots, len(self.splats), len(self.result_places), lanes,
            len(self.before) // 4, len(self.after) // 4, len(self.code_of_rows), len(self.pool), self.layers_at,
        ]  # fmt: skip
        numbers = [*self.splats, *self.result_places]
        words = [self.pool, rows, self.before, self.after]
        parts = [array("i", [MAGIC, VERSION, *sizes]), array("d", self.constants), array("i", numbers), *words]
        return Program(b"".join(part.tobytes() for part in parts), self.places)

    def _sum_count(self) -> int:
        kinds = (self.tape.steps[number][0] for number in self.sums)
        return sum((kind.inputs + 1) * kind.outputs if type(kind) is Outer else 1 for kind in kinds)
