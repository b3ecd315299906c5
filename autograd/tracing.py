"""A function run once on placeholders, and what it does with them written down as a tape: flat steps, no objects.

The same tape serves the compiler, which runs it over rows, and the printer, which writes rules in C and JavaScript.
Operations that have a row in `operations` are steps; all others are what their rule does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import compress
from math import copysign
from typing import Any, NamedTuple, NoReturn

from autograd import messages
from autograd.dispatch import Operation, as_float, where
from autograd.formatting import printable, program_line, short
from autograd.graph import interior_order
from autograd.ieee import IEEE
from autograd.operations import OPERATIONS, constant
from autograd.value import Value

COMPARISONS = {
    "less": float.__lt__,
    "less_equal": float.__le__,
    "greater": float.__gt__,
    "greater_equal": float.__ge__,
    "equal": float.__eq__,
    "unequal": float.__ne__,
}
LEAVES = frozenset(["input", "parameter", "constant"])  # a step without operands; behind its name stands what it is
Step = tuple[Any, ...]  # what kind it is, and the numbers of the steps that are its operands


class TracingError(TypeError):
    """A function that is traced asked a placeholder for a number, which it does not have."""


class Rule(NamedTuple):
    """The kind of a step with a derivative of its own, as an operation without a row has it.

    Its operands: what its forward came to, as many operands as its arity says, and the partial for each of these.
    """

    arity: int


class Tape:
    """Steps in the order in which they run; a step is known by its number.

    steps       ("input", place), ("parameter", place), ("constant", number), or the kind of a step and its operands:
                ("multiply", 3, 4). A kind is the name of an operation, or an object that says more
    parameters  the leaves that the function captured, in the order in which it used them
    arguments   the names of the inputs, where each argument is a number and has one
    labels      names that the function gave to steps
    fold        whether operations on plain numbers are carried out: not where rules are printed, to the last term
    """

    def __init__(self, fold: bool = True) -> None:
        self.fold = fold
        self.steps: list[Step] = []
        self.known: dict[Step, int] = {}
        self.parameters: list[Value] = []
        self.arguments: list[str] | None = None
        self.labels: dict[int, str] = {}
        self._captured: dict[Value, int] = {}
        self.ended = False  # whether the function returned: then its placeholders take part in nothing

    def add(self, step: Step) -> int:
        """The number of a step; equal steps are one."""
        number = self.known.get(step)
        if number is None:
            number = self.known[step] = len(self.steps)
            self.steps.append(step)
        return number

    def input(self, place: Any) -> Placeholder:
        return Placeholder(self, self.add(("input", place)))

    def placeholder(self, operand: Any) -> Placeholder:
        """What stands for an operand, a captured Value for one."""
        return Placeholder(self, self.lift(operand))

    def constant(self, number: float) -> int:
        step = ("constant", number)
        if number == number and number != 0.0:
            return self.add(step)
        key = ("constant", repr(number))  # 0.0 equals -0.0, and NaN nothing
        if key not in self.known:
            self.known[key] = len(self.steps)
            self.steps.append(step)
        return self.known[key]

    def constant_of(self, number: int) -> float | None:
        """The plain number that a step is, None for all others."""
        step = self.steps[number]
        return step[1] if step[0] == "constant" else None

    def apply(self, name: str, *operands: int) -> int:
        """The step of an operation: folded where the operands are plain numbers or change nothing."""
        if self.fold:
            for operand in operands:
                if self.steps[operand][0] == "constant":
                    simpler = self._folded(name, operands, list(map(self.constant_of, operands)))
                    if simpler is not None:
                        return simpler
                    break
        return self.add((name, *operands))

    def condition(self, number: int) -> int:
        """The step of whether a number is not 0, which is 1 or 0 and what a choice asks for."""
        if self.steps[number][0] in COMPARISONS:
            return number
        return self.apply("unequal", number, self.constant(0.0))

    def choice(self, condition: int, a: int, b: int) -> int:
        return self.apply("where", self.condition(condition), a, b)

    def _folded(self, name: str, operands: Sequence[int], numbers: Sequence[float | None]) -> int | None:
        if name == "where":
            return None if numbers[0] is None else operands[1 if numbers[0] else 2]
        if None not in numbers:
            return self.constant(float(evaluate(name, list(map(IEEE, numbers)))))  # type: ignore[arg-type]
        first, second = (*numbers, None)[:2]
        if (name == "multiply" and first == 1.0) or (name == "add" and is_zero(first, -1.0)):
            return operands[1]  # not x + 0.0, which is another zero than x for -0.0
        if name in ("multiply", "divide", "power") and second == 1.0:
            return operands[0]
        if (name == "add" and is_zero(second, -1.0)) or (name == "subtract" and is_zero(second, 1.0)):
            return operands[0]
        if name == "multiply" and -1.0 in (first, second):
            return self.apply("negative", operands[0] if second == -1.0 else operands[1])
        return None

    def names(self) -> list[str]:
        """What the steps are called: by label, else x0, p0 for inputs and parameters, v1, v2, ...; numbers as such."""
        found, count = [], 0
        for number, (kind, *rest) in enumerate(self.steps):
            count += kind not in LEAVES
            if kind == "constant":
                found.append(short(rest[0]))
                continue
            label = self.labels.get(number) or (self.parameters[rest[0]].label if kind == "parameter" else "")
            plain = {"input": "x", "parameter": "p"}
            found.append(printable(label) or (f"{plain[kind]}{rest[0]}" if kind in plain else f"v{count}"))
        return found

    def __repr__(self) -> str:
        """The steps line by line, "h = tanh(v3)"; the middle of a long tape is left out."""
        names, lines = self.names(), []
        for number, (kind, *operands) in enumerate(self.steps):
            if kind not in LEAVES:
                what = kind if isinstance(kind, str) else type(kind).__name__.lower()
                of = operands[: 1 + kind.arity] if isinstance(kind, Rule) else operands
                lines.append(f"{names[number]} = {what}({', '.join(names[operand] for operand in of)})")
        if len(lines) > 60:
            lines[30:-30] = [f"... {len(lines) - 60:,} more"]
        return "\n".join(lines) or "<no steps>"

    def lift(self, operand: Any) -> int:
        """The number of the step that stands for an operand: a placeholder, a Value, a plain number."""
        if type(operand) is Placeholder:
            if operand._tape is not self:
                operand._living()
                raise TracingError(messages.FOREIGN_PLACEHOLDER)
            return operand._number
        if type(operand) is Value:
            number = self._captured.get(operand)
            return self._capture(operand) if number is None else number
        return self.constant(as_float(operand))

    def _capture(self, value: Value) -> int:
        """A leaf is a parameter, which may change between two runs; an interior node is what its operation does."""
        if value.is_leaf:
            if value.operation is constant:
                number = self.constant(value._data)
            else:
                number = self.add(("parameter", len(self.parameters)))
                self.parameters.append(value)
            self._captured[value] = number
            return number
        for node in interior_order(value, self._captured):
            operands = [Placeholder(self, self.lift(parent)) for parent in node.parents]
            number = self._captured[node] = Placeholder._apply(node.operation, operands)._number
            if node.label:
                self.labels[number] = node.label
        return self._captured[value]

    def operands(self, number: int) -> tuple[int, ...]:
        step = self.steps[number]
        return () if step[0] in LEAVES else step[1:]

    def rewritten(
        self,
        results: Sequence[int],
        forms: Mapping[int, Step] | None = None,
        instead: Mapping[int, int] | None = None,
        final: bool = False,
    ) -> tuple[Tape, list[int]]:
        """The tape of what the results need, and where they are in it.

        forms    {number: the step in place of this one}
        instead  {number: the earlier step that everybody is to use in place of this one}
        final    whether nothing will be added to the new tape: then steps that are equal now are not looked for
        """
        steps, forms, instead = self.steps, forms or {}, instead or {}
        needed, kept = bytearray(len(steps)), []
        for number in results:
            needed[instead.get(number, number)] = 1
        for number in range(len(steps) - 1, -1, -1):
            if needed[number]:
                step = forms.get(number) or steps[number]
                if step[0] not in LEAVES:
                    if instead:
                        step = (step[0], *[instead.get(operand, operand) for operand in step[1:]])
                    kept.append((number, step))
                    for operand in step[1:]:
                        needed[operand] = 1
        new, place = Tape(), list(range(len(steps)))
        new.parameters = self.parameters
        # Leaves first: a form may use one that was added last.
        for number in compress(range(len(steps)), needed):
            if steps[number][0] in LEAVES:
                place[number] = len(new.steps)
                new.steps.append(steps[number])
        if not final:
            new.known = {step: number for number, step in enumerate(new.steps)}
        for number, step in reversed(kept):
            if len(step) == 2:
                step = (step[0], place[step[1]])
            elif len(step) == 3:
                step = (step[0], place[step[1]], place[step[2]])
            else:
                step = (step[0], *[place[operand] for operand in step[1:]])
            if final:
                place[number] = len(new.steps)
                new.steps.append(step)
            else:
                place[number] = new.add(step)
        for number, label in self.labels.items():
            if needed[instead.get(number, number)]:
                new.labels[place[instead.get(number, number)]] = label
        return new, [place[instead.get(number, number)] for number in results]

    def copied(self, outputs: Sequence[int], other: Tape, inputs: Sequence[int]) -> list[Placeholder]:
        """The outputs on another tape, for inputs that are steps of it; parameters are captured there."""
        place: list[int] = []
        for number, (kind, *operands) in enumerate(self.steps):
            if kind == "input":
                place.append(inputs[operands[0]])
            elif kind in LEAVES:
                captured = kind == "parameter"
                place.append(other.lift(self.parameters[operands[0]] if captured else operands[0]))
            else:
                step = (kind, *[place[operand] for operand in operands])
                place.append(other.add(step) if isinstance(kind, Rule) else other.apply(*step))
                if number in self.labels:
                    other.labels.setdefault(place[-1], self.labels[number])
        return [Placeholder(other, place[output]) for output in outputs]

    def uses(self, wanted: Sequence[int]) -> list[int]:
        """How often each step is used by those that the wanted ones need; to be wanted is a use, too."""
        steps, uses = self.steps, [0] * len(self.steps)
        for number in wanted:
            uses[number] += 1
        for number in range(max(wanted, default=-1), -1, -1):
            if uses[number] and steps[number][0] not in LEAVES:
                for operand in steps[number][1:]:
                    uses[operand] += 1
        return uses


class Placeholder:
    """What a traced function is given in place of a number: it takes part in operations, and writes them down."""

    __slots__ = ("_tape", "_number")
    __hash__ = None  # type: ignore[assignment]  # equality is refused

    def __init__(self, tape: Tape, number: int) -> None:
        self._tape, self._number = tape, number

    @staticmethod
    def _apply(operation: Operation, operands: Sequence[Any]) -> Placeholder:
        tape = next(operand._living() for operand in operands if type(operand) is Placeholder)
        numbers = [tape.lift(operand) for operand in operands]
        if has_row(operation, len(operands)) and not operation.parameters:
            name = operation.name
            return Placeholder(tape, numbers[0] if name == "identity" else tape.apply(name, *numbers))
        if operation.name == "power" and operation.parameters:
            return Placeholder(tape, tape.apply("power", *numbers, tape.constant(operation.parameters[0])))
        terms = [Placeholder(tape, number) for number in numbers]
        if tape.fold and operation.name in BRIEF:
            value, slopes = BRIEF[operation.name](terms)
        else:
            value = operation.forward(*terms)
            slopes = list(operation.partials(Placeholder(tape, tape.lift(value)), terms))
        result, partials = tape.lift(value), map(tape.lift, slopes)
        return Placeholder(tape, tape.add((Rule(len(numbers)), result, *numbers, *partials)))

    def _where(self, a: Any, b: Any) -> Placeholder:
        tape = self._living()
        branches = [tape.lift(x() if callable(x) else x) for x in (a, b)]
        return Placeholder(tape, tape.choice(self._number, *branches))

    def _and(self, other: Any) -> Any:
        """Of two conditions; `and` would take one of them once and for all."""
        tape = self._living()
        number = _operand(tape, other)
        if number < 0:
            return NotImplemented
        return Placeholder(tape, tape.choice(self._number, tape.condition(number), tape.constant(0.0)))

    def _or(self, other: Any) -> Any:
        tape = self._living()
        number = _operand(tape, other)
        if number < 0:
            return NotImplemented
        return Placeholder(tape, tape.choice(self._number, tape.constant(1.0), tape.condition(number)))

    def __invert__(self) -> Placeholder:
        tape = self._living()
        return Placeholder(tape, tape.choice(self._number, tape.constant(0.0), tape.constant(1.0)))

    __and__ = __rand__ = _and
    __or__ = __ror__ = _or

    def _compared(self, name: str, other: Any) -> Placeholder:
        tape = self._living()
        return Placeholder(tape, tape.apply(name, self._number, tape.lift(other)))

    def _refuse_comparison(self, other: Any, operator: str) -> Any:
        """`==` of numbers and nodes would be two things; what is neither is another thing, as everywhere."""
        if _operand(self._living(), other) < 0:
            return NotImplemented
        raise TracingError(messages.compared_in_a_trace(operator, program_line()))

    def __eq__(self, other: object) -> Any:
        return self._refuse_comparison(other, "==")

    def __ne__(self, other: object) -> Any:
        return self._refuse_comparison(other, "!=")

    def _stop_gradient(self) -> Placeholder:
        tape = self._living()
        return Placeholder(tape, tape.add(("stop_gradient", self._number)))

    def _living(self) -> Tape:
        """The tape, unless the trace has ended."""
        if self._tape.ended:
            self._refuse_use()
        return self._tape

    def _refuse_use(self) -> NoReturn:
        kind, *which = self._tape.steps[self._number]
        names = self._tape.arguments if kind == "input" else None
        name = self.label or (names[which[0]] if names else self._tape.names()[self._number])
        raise TracingError(messages.trace_has_ended(f"The placeholder {printable(name)}", program_line()))

    def leaky_relu(self, slope: float = 0.01) -> Any:
        from autograd.operations import leaky_relu

        return leaky_relu(self, slope)

    def __pos__(self) -> Placeholder:
        self._living()
        return self

    def _refuse(self, *_: Any) -> NoReturn:
        self._living()
        raise TracingError(messages.no_number_yet(program_line()))

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        self._living()
        raise TracingError(messages.numpy_in_a_trace(getattr(function, "__name__", "f"), program_line()))

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __round__ = __trunc__ = _refuse
    data = property(_refuse, _refuse)
    grad = property(_refuse, _refuse)
    parents = property(_refuse)
    backward = _refuse

    def _refuse_as_sequence(self, *_: Any) -> NoReturn:
        self._living()
        raise TracingError(messages.a_number_here(program_line()))

    __getitem__ = __len__ = _refuse_as_sequence

    @property
    def label(self) -> str:
        return self._tape.labels.get(self._number, "")

    @label.setter
    def label(self, label: str) -> None:
        self._tape.labels[self._number] = str(label)

    def __repr__(self) -> str:
        return f"<placeholder {self.label or self._number}>"


def is_zero(number: float | None, sign: float) -> bool:
    return number is not None and number == 0.0 and copysign(1.0, number) == sign


def brief_logsumexp(xs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """ln(e^x_1 + ...) and its partials, softmax, on placeholders: a function of each x once, the same for all orders.

    Within rounding these are the rows of the table, which also make up for the rounding of each difference.
    """
    parts = Parts(xs)
    return parts.top + parts.logarithm, [e / parts.total for e in parts.exponentials]


def brief_log_softmax(xs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """x_1 - ln(e^x_1 + ...) and its partials (1 - p_1, -p_2, ...): 1 - p_1 as the share of all others."""
    parts = Parts(xs)
    first, *others = parts.exponentials
    rest = where(parts.is_top[0], parts.rest, (parts.rest - first) + 1.0)
    return (xs[0] - parts.top) - parts.logarithm, [rest / parts.total, *(-(e / parts.total) for e in others)]


class Parts:
    """What logsumexp and its like have in common.

    top          the largest x, and for each x whether it is that one, 1.0 or 0.0
    exponentials e^(x_i - top)
    rest, total  the sum of these without the 1 of a largest one, and with it; ln total, with all digits of a small rest
    """

    top: Any
    rest: Any

    def __init__(self, xs: Sequence[Any]) -> None:
        tape, numbers = xs[0]._tape, [x._number for x in xs]
        ordered = sorted(numbers)
        self.top = reduce(OPERATIONS["maximum"], [Placeholder(tape, number) for number in ordered])
        exponential: dict[int, Any] = {x._number: (x - self.top).exp() for x in xs}
        is_top = {x._number: x >= self.top for x in xs}
        self.exponentials, self.is_top = ([of[number] for number in numbers] for of in (exponential, is_top))
        small = reduce(operator.add, [exponential[number] - is_top[number] for number in ordered])
        self.rest = small + (reduce(operator.add, [is_top[number] for number in ordered]) - 1.0)
        self.total = self.rest + 1.0
        self.logarithm = where(abs(self.top) < math.inf, lambda: self.rest.log1p(), 0.0)


BRIEF = {"logsumexp": brief_logsumexp, "log_softmax": brief_log_softmax}


def is_traced(x: Any) -> bool:
    """Whether x is a placeholder, so that a check of its number has to be left out."""
    return type(x) is Placeholder


# ------------------------------------------------------------------------- the operators, written for speed: a trace
# may have a million steps


def _operand(tape: Tape, other: Any) -> int:
    """The step of the other operand; -1 where it is no number, so that its own type may have a say."""
    try:
        return tape.lift(other)
    except TracingError:
        raise
    except TypeError:
        return -1


def _unary(name: str) -> Callable[[Placeholder], Placeholder]:
    def method(self: Placeholder) -> Placeholder:
        tape = self._living()
        return Placeholder(tape, tape.apply(name, self._number))

    return method


def _binary(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def method(self: Placeholder, other: Any) -> Any:
        tape = self._tape
        if tape.ended:
            self._refuse_use()
        if type(other) is Placeholder and other._tape is tape:
            step = (name, self._number, other._number)
        else:
            number = _operand(tape, other)
            if number < 0:
                return NotImplemented
            if tape.steps[number][0] == "constant":
                return Placeholder(tape, tape.apply(name, self._number, number))
            step = (name, self._number, number)
        number = tape.known.get(step, -1)
        if number < 0:
            number = tape.known[step] = len(tape.steps)
            tape.steps.append(step)
        return Placeholder(tape, number)

    def reflected(self: Placeholder, other: Any) -> Any:
        tape = self._living()
        number = _operand(tape, other)
        if number < 0:
            return NotImplemented
        if tape.steps[number][0] == "constant":
            return Placeholder(tape, tape.apply(name, number, self._number))
        return Placeholder(tape, tape.add((name, number, self._number)))

    return method, reflected


def _method(operation: Operation) -> Callable[[Placeholder], Placeholder]:
    return lambda self: Placeholder._apply(operation, [self])


for _name, _row in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power"}.items():
    _forward, _backward = _binary(_row)
    setattr(Placeholder, f"__{_name}__", _forward)
    setattr(Placeholder, f"__r{_name}__", _backward)
for _name, _row in zip(("lt", "le", "gt", "ge"), COMPARISONS):
    setattr(Placeholder, f"__{_name}__", _binary(_row)[0])
for _name, _row in {"neg": "negative", "abs": "absolute"}.items():
    setattr(Placeholder, f"__{_name}__", _unary(_row))
for _name, _operation in OPERATIONS.items():
    if not _operation.parameters and len(_operation.example) == 2:
        setattr(Placeholder, _name, _method(_operation))


def has_row(operation: Operation, count: int) -> bool:
    """Whether it is a step of that many operands."""
    row = OPERATIONS.get(operation.name) is operation and not takes_any(operation)
    return row and count == len(operation.example) - 1


def takes_any(operation: Operation) -> bool:
    """Whether it takes any number of operands, so that its row is no step of one size."""
    code = getattr(operation.forward, "__code__", None)
    return code is not None and bool(code.co_flags & 0x04)  # inspect.CO_VARARGS, without importing inspect


def evaluate(name: str, operands: Sequence[float]) -> float:
    """One step on plain numbers; on `IEEE` numbers it does not raise."""
    if name in COMPARISONS:
        return float(COMPARISONS[name](float(operands[0]), float(operands[1])))
    if name == "where":
        return operands[1] if operands[0] else operands[2]
    if name == "stop_gradient":
        return operands[0]
    if type(operands[0]) is IEEE:
        return IEEE._apply(OPERATIONS[name], operands)
    return float(OPERATIONS[name](*operands))
