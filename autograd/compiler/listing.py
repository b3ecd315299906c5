"""A traced function and its adjoint code as statements: one for each step, named after its label, its adjoint h_bar.

What `source` frames as functions in Python and in C. The steps are those of `adjoint`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from autograd.compiler import messages
from autograd.compiler.adjoint import adjoints
from autograd.compiler.identifiers import function_identifier, identifier
from autograd.printer import LONGEST, Language, Scope, common, step_text
from autograd.tracing import COMPARISONS, LEAVES, Rule, Tape

DEEPEST = 20  # so many choices within each other are nested in Python; what is deeper is computed at any rate
ALSO = 4  # so many more names of one adjoint stand in a comment


Ways = frozenset[Scope]  # where one of them is gone


class Seed(NamedTuple):
    """The place of an input that is the adjoint of an output."""

    place: int


class Statement(NamedTuple):
    scope: Scope  # the choices that must have gone its way
    name: str
    text: str
    also: Sequence[str]  # the other adjoints that it is


class Listing:
    """The steps of a function and of its adjoint code, a name for each, and their statements in a language.

    language  in which they are written
    branches  whether a step that only one branch of a choice needs must not be computed elsewhere: it may raise there
    remark    how the language marks a comment
    """

    language: Language
    branches: bool
    remark: str

    def __init__(
        self,
        tape: Tape,
        outputs: Sequence[int],
        n_inputs: int,
        name: str,
        input_names: Sequence[str] | None,
    ) -> None:
        if not outputs:
            raise ValueError(messages.NO_OUTPUTS)
        self.called: dict[str, None] = {}
        self.spell = self.language.function
        self.language = replace(self.language, function=self._function)
        self.numbers = [float(value.data) for value in tape.parameters]
        self.taken: set[str] = set()
        self.last: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.also: dict[int, list[str]] = {}
        self._name_frame(name, len(outputs))
        self._differentiate(tape, outputs, n_inputs)
        self._name_leaves(tape, input_names)
        self._name_steps()
        self._name_adjoints()

    def _function(self, name: str) -> str:
        self.called[name] = None
        return self.spell(name)

    # ------------------------------------------------------------------ steps

    def _differentiate(self, tape: Tape, outputs: Sequence[int], n_inputs: int) -> None:
        both, found = tape.rewritten(outputs)
        seeds = [both.input(Seed(place))._number for place in range(len(found))]
        inputs = [both.input(place)._number for place in range(n_inputs)]
        parameters = [both.add(("parameter", place)) for place in range(len(self.numbers))]
        bars = adjoints(both, list(zip(found, seeds)), [*inputs, *parameters], False, careful=True)
        zero = both.constant(0.0)
        results = [*found, *(bars.get(number, zero) for number in [*inputs, *parameters])]
        self.tape, place = plain(both)
        self.outputs, self.gradient = [place[number] for number in found], [place[n] for n in results[len(found) :]]
        self.seeds = [place[number] for number in seeds]
        self.inputs, self.parameters = [place[n] for n in inputs], [place[n] for n in parameters]
        self.bars = [(place[number], place[bars[number]]) for number in sorted(bars, reverse=True)]
        self.forward = self.tape.uses(self.outputs)

    # ------------------------------------------------------------------ names

    def _new_name(self, wanted: str) -> str:
        """The name, or with a number behind it where it or that of its adjoint is taken."""
        name = wanted
        while {name, f"{name}_bar"} & self.taken:
            self.last[wanted] = self.last.get(wanted, 1) + 1
            name = f"{wanted}_{self.last[wanted]}"
        self.taken |= {name, f"{name}_bar"}
        return name

    def _numbered(self, letter: str) -> str:
        while True:
            self.last[letter] = self.last.get(letter, 0) + 1
            if f"{letter}{self.last[letter]}" not in self.taken:
                return self._new_name(f"{letter}{self.last[letter]}")

    def _name_frame(self, name: str, count: int) -> None:
        self.name = function_identifier(name)
        self.gradient_name = f"{self.name}_value_and_grad" if count == 1 else f"{self.name}_vjp"
        self.taken |= {self.name, self.gradient_name, f"{self.name}_parameters"}
        places: Iterable[object] = [""] if count == 1 else range(count)
        self.output_names = [self._new_name(f"{self.name}_out{place}") for place in places]

    def _name_leaves(self, tape: Tape, input_names: Sequence[str] | None) -> None:
        for place, number in enumerate(self.inputs):
            label = input_names[place] if input_names is not None else self.tape.labels.get(number, "")
            self.names[number] = self._new_name(identifier(label) or f"x{place}")
        for place, (number, value) in enumerate(zip(self.parameters, tape.parameters)):
            self.names[number] = self._new_name(identifier(value.label) or f"p{place}")
        for number, name in zip(self.seeds, self.output_names):
            self.names[number] = f"{name}_bar"
        self.input_names = [self.names[number] for number in self.inputs]
        self.parameter_names = [self.names[number] for number in self.parameters]

    def _name_steps(self) -> None:
        """Labels first, so that they have their names to themselves; f_out for a result that is nothing else."""
        order = [number for number in range(len(self.tape.steps)) if self.forward[number]]
        inner = {operand for number in order for operand in self.tape.operands(number)}
        kinds = ((number, self.tape.steps[number][0]) for number in order)
        named = [number for number, kind in kinds if kind not in LEAVES and kind not in COMPARISONS]
        for number in named:
            label = identifier(self.tape.labels.get(number, ""))
            if label:
                self.names[number] = self._new_name(label)
        ends = {number: name for number, name in zip(self.outputs, self.output_names) if number not in inner}
        for number in named:
            if number not in self.names:
                alone = number in ends and self.outputs.count(number) == 1
                self.names[number] = ends[number] if alone else self._numbered("v")

    def _name_adjoints(self) -> None:
        """x_bar for what is the adjoint of x; where it is that of several, the last step gives the name."""
        leaves = dict.fromkeys([*self.inputs, *self.parameters])
        given = {self.names[leaf] + "_bar" for leaf in leaves}
        bars = [bar for bar in self.bars if bar[0] not in leaves] + list(zip(leaves, self.gradient))
        for number, adjoint in bars:
            kind, name = self.tape.steps[adjoint][0], self.names.get(number, "") + "_bar"
            if adjoint in self.names:
                if number not in leaves and name not in (self.names[adjoint], "_bar"):
                    self.also.setdefault(adjoint, []).append(name)
            elif kind not in LEAVES and (number in leaves or name not in given) and name != "_bar":
                self.names[adjoint] = name
                given.add(name)

    # ------------------------------------------------------------------ statements

    def statements(self, results: Sequence[int]) -> tuple[list[Statement], list[Statement], list[str]]:
        """The statements of the forward and of the backward pass for these results, and the texts of the results."""
        uses, scopes = self._uses(results)
        order = [number for number, count in enumerate(uses) if count]
        order.sort(key=lambda number: not self.forward[number])  # stable: the forward pass comes first
        passes: tuple[list[Statement], list[Statement]] = ([], [])
        self.texts = texts = dict(self.names)
        kinds: dict[int, object] = {}
        for number in order:
            step, operands = self.tape.steps[number], self.tape.operands(number)
            if not operands:
                if number not in texts:
                    texts[number] = self.language.literal(step[1])
                continue
            side = taken(operands[0], scopes[number]) if step[0] == "where" else None
            if side is None:
                of = [kinds.get(operand, "") for operand in operands]
                text, kind = step_text(self.language, step, [texts[operand] for operand in operands], of), step[0]
            else:
                text, kind = texts[operands[1 + side]], kinds.get(operands[1 + side], "")
            name = self.names.get(number, "")
            if not name and step[0] not in COMPARISONS and (uses[number] > 1 or len(text) > LONGEST):
                name = self._numbered("t")
            if name:
                also = self.also.get(number, [])
                passes[not self.forward[number]].append(Statement(scopes[number], name, text, also))
            else:
                kinds[number] = kind
            texts[number] = name or text
        return *passes, [texts[number] for number in results]

    def _uses(self, results: Sequence[int]) -> tuple[list[int], list[Scope]]:
        """How often each step is written, and the choices, of those known by then, that must have gone its way."""
        steps = self.tape.steps
        uses = [0] * len(steps)
        scopes: list[Scope] = [()] * len(steps)

        def use(number: int, scope: Scope, times: int) -> None:
            scopes[number] = common(scopes[number], scope) if uses[number] else scope
            uses[number] += times

        for number in results:
            use(number, (), 1)
        for number in reversed(range(len(steps))):
            if not uses[number]:
                continue
            scope = scopes[number] if self.branches else ()
            kept = [condition < number for condition, _ in scope[:DEEPEST]]
            scopes[number] = scope = scope[: kept.index(False) if False in kept else len(kept)]
            for operand, inner, times in self._operand_scopes(number, scope):
                use(operand, inner, times)
        return uses, scopes

    def _operand_scopes(self, number: int, scope: Scope) -> list[tuple[int, Scope, int]]:
        """The operands of a step in that scope, each with its own scope, and how often it is written."""
        kind, operands = self.tape.steps[number][0], self.tape.operands(number)
        times = 1 + (kind in COMPARISONS)  # a comparison is written at every choice
        if kind != "where":
            return [(operand, scope, times) for operand in operands]
        condition, *values = operands
        side = taken(condition, scope)
        if side is not None:
            return [(values[side], scope, 1)]
        return [(condition, scope, 1), *((value, (*scope, (condition, i)), 1) for i, value in enumerate(values))]

    def body(self, gradient: bool) -> tuple[list[str], list[str]]:
        """The lines of the forward pass, and of the backward pass where the gradient is asked for."""
        results = [*self.outputs, *(self.gradient if gradient else [])]
        used = self.tape.uses(results)
        forward, backward, texts = self.statements(results)
        lines = [self.bind(self.names[n], f"parameters[{p}]") for p, n in enumerate(self.parameters) if used[n]]
        lines += self.lines(forward)
        lines += [self.bind(name, text) for name, text in zip(self.output_names, texts) if name != text]
        if not gradient:
            return lines, []
        values = [f"outputs_bar[{place}]" * (len(self.seeds) > 1) or "1.0" for place in range(len(self.seeds))]
        after = [self.bind(self.names[n], value) for n, value in zip(self.seeds, values) if used[n]]
        after += self.lines(backward)
        bars = zip(bars_of(self.input_names + self.parameter_names), texts[len(self.outputs) :])
        return lines, after + [self.bind(name, text) for name, text in bars if name != text]

    def bind(self, name: str, text: str, also: Sequence[str] = ()) -> str:
        more = "".join(f"= {other} " for other in also[:ALSO]) + "... " * (len(also) > ALSO)
        return self.language.constant.format(name, text) + (f"  {self.remark.format(more.strip())}" if more else "")

    def lines(self, statements: Sequence[Statement]) -> list[str]:
        """The statements, each inside the choices that it needs; neighbours share theirs."""
        found: list[str] = []
        now: Scope = ()
        first, second, _ = self.language.blocks
        for scope, name, text, also in statements:
            depth = len(common(now, scope))
            for level, (condition, side) in enumerate(scope[depth:], depth):
                test = self.texts[condition]
                head = first.format(f"not {test}" if side else test)
                if level == depth and now[depth : depth + 1] == ((condition, 0),):
                    head = second
                found.append(self.language.indent * level + head)
            found.append(self.language.indent * len(scope) + self.bind(name, text, also))
            now = scope
        return found


def taken(condition: int, scope: Scope) -> int | None:
    """Which branch a choice takes where its condition is settled by the choices around it."""
    return next((side for test, side in scope if test == condition), None)


def bars_of(names: Sequence[str]) -> list[str]:
    return [f"{name}_bar" for name in names]


def plain(tape: Tape) -> tuple[Tape, list[int]]:
    """The tape in plain steps, and where the old ones are: every condition is a comparison, no comparison is a number.

    A rule, whose derivative has done its work, is its result, and so is stop_gradient, unless both have labels.
    """
    new = Tape()
    new.parameters = tape.parameters
    place: list[int] = []
    tests: dict[int, int] = {}
    one, zero = new.constant(1.0), new.constant(0.0)
    ways: dict[int, Ways] = {one: frozenset([()]), zero: frozenset()}
    for old, step in enumerate(tape.steps):
        kind, label = step[0], tape.labels.get(old, "")
        if kind in LEAVES:
            number = new.constant(step[1]) if kind == "constant" else new.add(step)
        elif kind == "where":
            condition = tests.get(step[1], place[step[1]])
            if condition not in ways and new.steps[condition][0] not in (*COMPARISONS, "constant"):
                condition = new.add(("unequal", condition, zero))
            choice = condition, place[step[2]], place[step[3]]
            number = chosen(new, *choice, ways)
            add_ways(ways, number, *choice)
        elif kind in COMPARISONS:
            tests[old] = new.add((kind, place[step[1]], place[step[2]]))
            number = new.apply("where", tests[old], one, zero)
        elif kind == "stop_gradient" or isinstance(kind, Rule):
            number = place[step[1]]
            if label and (number in new.labels or new.steps[number][0] in LEAVES):
                number = new.add(("stop_gradient", number))
        else:
            number = new.add((kind, *[place[operand] for operand in step[1:]]))
        if label:
            new.labels.setdefault(number, label)
        place.append(number)
    return new, place


def chosen(tape: Tape, condition: int, a: int, b: int, ways: Mapping[int, Ways]) -> int:
    """A choice by comparisons. One that asks whether choices went a certain way becomes choices like those."""
    found = ways.get(condition, ())
    if len(found) == 1:
        (way,) = found
        number = a
        for test, side in reversed(way):
            number = tape.apply("where", test, *((b, number) if side else (number, b)))
        return number
    if tape.steps[condition][0] not in (*COMPARISONS, "constant"):
        condition = tape.add(("unequal", condition, tape.constant(0.0)))
    return tape.apply("where", condition, a, b)


def add_ways(ways: dict[int, Ways], number: int, condition: int, a: int, b: int) -> None:
    """What a choice between 1, 0 and choices like this one asks: `adjoint` puts the innermost condition first."""
    if a not in ways or b not in ways:
        return
    if condition in ways:
        found = ways[condition] | ways[b] if () in ways[a] else None
    else:
        found = frozenset((*way, (condition, side)) for side, of in enumerate((a, b)) for way in ways[of])
    if found is not None and len(found) <= 2 and all(len(way) <= DEEPEST for way in found):
        ways[number] = found
