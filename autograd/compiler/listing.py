"""A traced function and its adjoint code as statements: one for each step, named after its label, its adjoint h_bar.

What `source` frames as functions in Python and in C. The steps are those of `adjoint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from autograd.compiler import messages
from autograd.compiler.adjoint import adjoints
from autograd.compiler.identifiers import function_identifier, identifier
from autograd.compiler.powers import without_powers
from autograd.compiler.scopes import ALWAYS, OUTSIDE, Needs, Scopes
from autograd.printer import LONGEST, Language, Scope, common, pattern_of, step_text
from autograd.tracing import COMPARISONS, LEAVES, Rule, Tape

DEEPEST = 20  # so many choices within each other are nested as blocks: Python's parser takes 100
# What cannot raise where the forward pass has computed one of these: 1 / x after log(x).
SAFE_AFTER = {
    "sin": ("sin", "cos", "tan"), "cos": ("sin", "cos", "tan"), "tan": ("sin", "cos", "tan"), "exp": ("exp", "expm1"),
    "sinh": ("sinh", "cosh"), "cosh": ("sinh", "cosh"), "log": ("log",), "log1p": ("log1p",), "sqrt": ("sqrt",),
}  # fmt: skip
ALSO = 4  # so many more names of one adjoint stand in a comment


Ways = frozenset[Scope]  # where one of them is gone


class Seed(NamedTuple):
    """The place of an input that is the adjoint of an output."""

    place: int


Tests = tuple[tuple[str, bool], ...]  # the texts of conditions, and whether their contrary is meant


class Statement(NamedTuple):
    tests: Tests  # what must hold, the outermost first
    name: str
    text: str
    also: Sequence[str]  # the other adjoints that it is


class Listing:
    """The steps of a function and of its adjoint code, a name for each, and their statements in a language.

    language  in which they are written
    partials  the same with functions that do not raise, for the backward pass. Where there are such, a step that only
              one branch of a choice needs is not computed elsewhere, since it may raise there
    remark    how the language marks a comment
    """

    language: Language
    partials: Language | None
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
        self.language = replace(self.language, function=self._calling(self.language))
        if self.partials is not None:
            self.partials = replace(self.partials, function=self._calling(self.partials))
        self.scopes = Scopes()
        self.without: dict[int, set[int]] = {}  # for a step the conditions that are not looked at
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

    def _calling(self, language: Language) -> Callable[[str], str]:
        """The language's spelling of functions, which remembers those that are called."""

        def function(name: str) -> str:
            self.called[name] = None
            return language.function(name)

        return function

    # ------------------------------------------------------------------ steps

    def _differentiate(self, tape: Tape, outputs: Sequence[int], n_inputs: int) -> None:
        both, found = tape.rewritten(outputs)
        seeds = [both.input(Seed(place))._number for place in range(len(found))]
        inputs = [both.input(place)._number for place in range(n_inputs)]
        parameters = [both.add(("parameter", place)) for place in range(len(self.numbers))]
        bars = adjoints(both, list(zip(found, seeds)), [*inputs, *parameters], False, careful=True)
        zero = both.constant(0.0)
        results = [*found, *(bars.get(number, zero) for number in [*inputs, *parameters])]
        if self.partials is None:  # where nothing raises, it need not be seen that a power does
            both, position = without_powers(both)
            self.tape, place = plain(both)
            place = [place[index] for index in position]
        else:
            self.tape, place = plain(both)
        self.outputs, self.gradient = [place[number] for number in found], [place[n] for n in results[len(found) :]]
        self.seeds = [place[number] for number in seeds]
        self.inputs, self.parameters = [place[n] for n in inputs], [place[n] for n in parameters]
        self.bars = [(place[number], place[bars[number]]) for number in sorted(bars, reverse=True)]
        self.forward, needs = self._needs(self.outputs, [1] * len(self.tape.steps))
        if self.partials is not None:
            self._compute_again(needs)
        self.computing = self._by_operand()

    def _compute_again(self, computed: Sequence[Needs]) -> None:
        """Give the backward pass steps of its own where it needs one that the forward pass may not have computed."""
        steps, forward = self.tape.steps, self.forward
        needed: dict[int, set[int]] = {number: {OUTSIDE} for number in self.gradient}
        again = set()
        for number in reversed(range(len(steps))):
            if number not in needed or steps[number][0] in LEAVES:
                continue
            needs = self.scopes.simplified(needed.pop(number))
            if forward[number]:
                if self.scopes.implied(needs, computed[number]):
                    continue
                again.add(number)
            for operand, inner, _ in self._operand_needs(number, needs):
                needed.setdefault(operand, set()).update(inner)
        if not again:
            return
        new, place, own = Tape(), {}, {}
        new.parameters = self.tape.parameters
        for number, step in enumerate(steps):
            if step[0] in LEAVES or forward[number]:
                place[number] = len(new.steps)
                # What the other choices around a choice have ruled out is not written, and may stand for anything.
                operands = [place.get(operand, 0) for operand in self.tape.operands(number)]
                new.steps.append(step if step[0] in LEAVES else (step[0], *operands))
        for number, step in enumerate(steps):
            if number in again or number not in place:
                own[number] = len(new.steps)
                new.steps.append((step[0], *[own.get(operand, place.get(operand, 0)) for operand in step[1:]]))
        function, backward = {**own, **place}, {**place, **own}
        new.labels = {function[number]: label for number, label in self.tape.labels.items()}
        self.tape, self.outputs = new, [function[number] for number in self.outputs]
        self.gradient = [backward[number] for number in self.gradient]
        self.bars = [(function[number], backward[adjoint]) for number, adjoint in self.bars]
        self.seeds = [function[number] for number in self.seeds]
        self.inputs = [function[number] for number in self.inputs]
        self.parameters = [function[number] for number in self.parameters]
        self.forward, _ = self._needs(self.outputs, [1] * len(new.steps))

    def _by_operand(self) -> dict[tuple[str, int], list[int]]:
        """The steps of the forward pass, by their kind and their last operand."""
        found: dict[tuple[str, int], list[int]] = {}
        for number, step in enumerate(self.tape.steps):
            if self.forward[number] and step[0] not in LEAVES:
                found.setdefault((step[0], step[-1]), []).append(number)
        return found

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
        order, uses, needs = self._scheduled(results)
        passes: tuple[list[Statement], list[Statement]] = ([], [])
        self.texts = texts = dict(self.names)
        self.flags: dict[object, str] = {}  # the names of conditions that are computed by themselves
        kinds: dict[int, object] = {}
        for number in order:
            step, operands = self.tape.steps[number], self.tape.operands(number)
            if not operands:
                if number not in texts:
                    texts[number] = self.language.literal(step[1])
                continue
            side = self.scopes.settled(operands[0], needs[number]) if step[0] == "where" else None
            if side is None:
                language = self._language_of(number, needs)
                of = [kinds.get(operand, "") for operand in operands]
                text = step_text(language, step, [texts[operand] for operand in operands], of)
                kind = "" if pattern_of(language, step[0], len(operands)).endswith(")") else step[0]
            else:
                text, kind = texts[operands[1 + side]], kinds.get(operands[1 + side], "")
            name = self.names.get(number, "")
            if not name and step[0] not in COMPARISONS and (uses[number] > 1 or len(text) > LONGEST):
                name = self._numbered("t")
            if name:
                written = passes[not self.forward[number]]
                tests = self._tests(needs[number], written)
                written.append(Statement(tests, name, text, self.also.get(number, [])))
            else:
                kinds[number] = kind
            texts[number] = name or text
        return *passes, [texts[number] for number in results]

    def _language_of(self, number: int, needs: Sequence[Needs]) -> Language:
        """That of partials for what may raise in the backward pass, unless the forward pass would have raised."""
        kind, *operands = self.tape.steps[number]
        if self.partials is None or self.forward[number] or kind in COMPARISONS or kind == "where":
            return self.language
        if kind == "divide" and self.tape.constant_of(operands[1]):
            return self.language
        before = ("divide", "log") if kind == "divide" else SAFE_AFTER.get(kind, ())
        computed = [step for other in before for step in self.computing.get((other, operands[-1]), [])]
        safe = any(self.scopes.implied(needs[number], needs[step]) for step in computed)
        return self.language if safe else self.partials

    def _needs(self, results: Sequence[int], forward: Sequence[int]) -> tuple[list[int], list[Needs]]:
        """How often each step is written, and where it is needed.

        forward  what the forward pass computes; the backward pass needs it in no other scope
        """
        steps = self.tape.steps
        uses, needs = [0] * len(steps), [ALWAYS] * len(steps)
        found: dict[int, set[int]] = {}
        for number in results:
            uses[number] += 1
            found.setdefault(number, set()).add(OUTSIDE)
        for number in reversed(range(len(steps))):
            if not uses[number] or steps[number][0] in LEAVES:
                continue
            if self.partials is not None:
                needs[number] = self.scopes.simplified(found.pop(number))
                for condition in self.without.get(number, ()):
                    needs[number] = self.scopes.without(condition, needs[number])
            for operand, inner, times in self._operand_needs(number, needs[number]):
                uses[operand] += times
                if forward[number] or not forward[operand]:
                    found.setdefault(operand, set()).update(inner)
        return uses, needs

    def _operand_needs(self, number: int, needs: Needs) -> list[tuple[int, Needs, int]]:
        """The operands of a step that is needed there, where each of them is, and how often it is written."""
        kind, operands = self.tape.steps[number][0], self.tape.operands(number)
        times = 1 + (kind in COMPARISONS)  # a comparison is written at every choice
        if kind != "where":
            return [(operand, needs, times) for operand in operands]
        condition, *values = operands
        side = self.scopes.settled(condition, needs)
        if side is not None:
            return [(values[side], needs, 1)]
        return [
            (condition, needs, 1),
            *((value, self.scopes.taking(i, condition, needs), 1) for i, value in enumerate(values)),
        ]

    def _scheduled(self, results: Sequence[int]) -> tuple[list[int], list[int], list[Needs]]:
        """The steps in an order in which each comes after its operands, and after the conditions around it; how often
        each is written, and where it is needed.

        Two steps may each wait for the condition that the other one is for: then one of them is computed without.
        """
        while True:
            uses, needs = self._needs(results, self.forward)
            order = [number for number, count in enumerate(uses) if count]
            order.sort(key=lambda number: not self.forward[number])  # stable: the forward pass comes first
            found = self._in_order(order, uses, needs)
            if found is not None:
                return found, uses, needs

    def _in_order(self, order: Sequence[int], uses: Sequence[int], needs: Sequence[Needs]) -> list[int] | None:
        """None where steps wait for each other; then one of them will no longer."""
        around, test = self.scopes.around, self.scopes.test
        done, known, found = bytearray(len(uses)), {OUTSIDE}, []
        waiting: dict[int, int] = {}  # for a step the one that waits for it
        circles = False
        for last in order:
            pending = [last]
            while pending:
                number = pending[-1]
                if done[number]:
                    pending.pop()
                    continue
                missing = [operand for operand in self.tape.operands(number) if uses[operand] and not done[operand]]
                for scope in () if self.tape.steps[number][0] in COMPARISONS else needs[number]:
                    way = []
                    while scope not in known:
                        way.append(scope)
                        scope = around[scope]
                    unknown = [test[scope][0] for scope in way if not done[test[scope][0]]]
                    missing += [condition for condition in unknown if condition not in self.without.get(number, ())]
                    known.update(() if unknown else way)
                if not missing:
                    done[number] = 1
                    found.append(number)
                    waiting.pop(number, None)
                    continue
                for other in missing:
                    if other in waiting or other == last:
                        last_cut = self._cut(number, other, waiting)
                        while pending[-1] != last_cut:
                            waiting.pop(pending.pop(), None)
                        circles = True
                        break
                    waiting[other] = number
                    pending.append(other)
                    break
        return None if circles else found

    def _cut(self, number: int, other: int, waiting: Mapping[int, int]) -> int:
        """Let one step of a circle no longer wait for a condition: it is computed whatever comes of that."""
        while other in self.tape.operands(number):
            number, other = waiting[number], number
        self.without.setdefault(number, set()).add(other)
        return number

    # ------------------------------------------------------------------ choices

    def _tests(self, needs: Needs, written: list[Statement]) -> Tests:
        """The tests in front of a statement. One of several scopes is a condition that is computed by itself."""
        around = self.scopes.common(needs)
        tests = self._chain(around, written)
        if len(needs) == 1:
            return tests
        if needs not in self.flags:
            chains = [self._joined(self._texts_of(scope, around)) for scope in sorted(needs)]
            self._add_flag(needs, tests, " or ".join(chains), written)
        return (*tests, (self.flags[needs], False))

    def _chain(self, scope: int, written: list[Statement]) -> Tests:
        """The tests of a scope; the first ones of many in one condition that is computed by itself."""
        start, depth = scope, self.scopes.depth
        while depth[start] and (start == scope or depth[start] % DEEPEST):
            start = self.scopes.around[start]
        tests = self._texts_of(scope, start)
        if start == OUTSIDE:
            return tests
        if start not in self.flags:
            self._add_flag(start, (), self._joined(self._chain(start, written)), written)
        return ((self.flags[start], False), *tests)

    def _texts_of(self, scope: int, start: int) -> Tests:
        return tuple((self.texts[condition], bool(side)) for condition, side in self.scopes.path(scope, start))

    def _joined(self, tests: Tests) -> str:
        return " and ".join(f"not {text}" if contrary else text for text, contrary in tests)

    def _add_flag(self, key: object, tests: Tests, text: str, written: list[Statement]) -> None:
        self.flags[key] = self._numbered("when")
        written.append(Statement(tests, self.flags[key], text, ()))

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
        now: Tests = ()
        first, second, _ = self.language.blocks
        for tests, name, text, also in statements:
            depth = len(common(now, tests))
            for level, test in enumerate(tests[depth:], depth):
                head = first.format(self._joined((test,)))
                if level == depth and test[1] and now[depth : depth + 1] == ((test[0], False),):
                    head = second
                found.append(self.language.indent * level + head)
            found.append(self.language.indent * len(tests) + self.bind(name, text, also))
            now = tests
        return found


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
