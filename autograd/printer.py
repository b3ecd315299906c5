"""Rules as text: a rule of an operation runs once on placeholders, and what it does is printed in another language.

The text is arithmetic on doubles, with common subterms bound once and each subterm in the innermost branch that needs
it. Arithmetic there must not raise, as IEEE 754 has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from autograd.dispatch import Operation, as_float
from autograd.operations import OPERATIONS

LONGEST = 70  # a subterm with a longer text gets a name, so that no line and no nesting grows without bound


@dataclass(frozen=True)
class Language:
    """How numbers, calls of operations and what is not spelled alike everywhere are written."""

    literal: Callable[[float], str]
    function: Callable[[str], str]  # the function of an operation, by its name
    power: str
    absolute: str
    equal: str
    unequal: str
    constant: str  # declares a name and gives it its text
    variable: str  # declares a name


Scope = tuple[tuple[int, int], ...]  # the way into nested choices: the number of each, and which of its branches


class Trace:
    """What a rule did, step by step: each step a pattern and the numbers of the steps that fill it in."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.steps: list[tuple[str, tuple[int, ...]]] = []
        self.numbers: dict[tuple[str, tuple[int, ...]], int] = {}

    def term(self, pattern: str, *operands: Any) -> Term:
        step = (pattern, tuple(self.lift(operand).number for operand in operands))
        if step not in self.numbers:
            self.numbers[step] = len(self.steps)
            self.steps.append(step)
        return Term(self, self.numbers[step])

    def lift(self, number: Any) -> Term:
        return number if isinstance(number, Term) else self.term(self.language.literal(as_float(number)))

    def printed(self, results: Sequence[Any]) -> tuple[list[str], list[str]]:
        """The statements that bind subterms, and the text of each result."""
        wanted = [self.lift(result).number for result in results]
        uses, scopes = self._uses(wanted)
        inside: dict[Scope, list[int]] = {}
        for number, scope in enumerate(scopes):
            if scope is not None:
                inside.setdefault(scope, []).append(number)
        texts = [""] * len(self.steps)
        names = 0

        def name(statement: str, *text: str) -> tuple[str, str]:
            nonlocal names
            names += 1
            return statement.format(f"t{names - 1}", *text), f"t{names - 1}"

        def statements(scope: Scope) -> list[str]:
            found: list[str] = []
            for number in inside.get(scope, []):
                pattern, operands = self.steps[number]
                if pattern == CHOICE:
                    branches = [statements((*scope, (number, side))) for side in (0, 1)]
                    if any(branches):
                        declaration, texts[number] = name(self.language.variable)
                        found.append(declaration)
                        condition, *values = (texts[operand] for operand in operands)
                        for head, lines, value in zip((f"if ({condition}) {{", "} else {"), branches, values):
                            found += [head, *(f"  {line}" for line in [*lines, f"{texts[number]} = {value};"])]
                        found.append("}")
                        continue
                call = pattern.endswith(")")
                filled = [texts[operand] for operand in operands]
                text = pattern.format(*(part if call or is_atom(part) else f"({part})" for part in filled))
                if operands and (uses[number] > 1 or len(text) > LONGEST):
                    statement, text = name(self.language.constant, text)
                    found.append(statement)
                texts[number] = text
            return found

        lines = statements(())
        return lines, [texts[number] for number in wanted]

    def _uses(self, wanted: Sequence[int]) -> tuple[list[int], list[Scope | None]]:
        """How often each step is used, and the innermost scope that holds all its uses; None without any."""
        uses = [0] * len(self.steps)
        scopes: list[Scope | None] = [None] * len(self.steps)

        def use(number: int, scope: Scope) -> None:
            uses[number] += 1
            earlier = scopes[number]
            scopes[number] = scope if earlier is None else common(earlier, scope)

        for number in wanted:
            use(number, ())
        for number in reversed(range(len(self.steps))):
            scope = scopes[number]
            if scope is None:
                continue
            pattern, operands = self.steps[number]
            for place, operand in enumerate(operands):
                branch = pattern == CHOICE and place
                use(operand, (*scope, (number, place - 1)) if branch else scope)
        return uses, scopes


CHOICE = "{} ? {} : {}"


def common(a: Scope, b: Scope) -> Scope:
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return a[:n]


class Term:
    """A placeholder for a number: it takes part in arithmetic, comparisons and operations, and writes them down."""

    __slots__ = ("number", "trace")
    __hash__ = None  # type: ignore[assignment]  # equality writes a comparison down

    def __init__(self, trace: Trace, number: int) -> None:
        self.trace, self.number = trace, number

    def _apply(self, operation: Operation, operands: Sequence[Any]) -> Any:
        if has_row(operation, len(operands)):
            name = self.trace.language.function(operation.name)
            return self.trace.term(f"{name}({', '.join(['{}'] * len(operands))})", *operands)
        return operation.forward(*map(self.trace.lift, operands))

    def _where(self, a: Any, b: Any) -> Term:
        comparisons = {self.trace.language.equal, self.trace.language.unequal, *ORDER.values()}
        is_comparison = self.trace.steps[self.number][0] in comparisons
        condition = self if is_comparison else self != 0.0
        return self.trace.term(CHOICE, condition, *(x() if callable(x) else x for x in (a, b)))

    def _stop_gradient(self) -> Term:
        return self

    def __pow__(self, other: Any) -> Term:
        return self.trace.term(self.trace.language.power, self, other)

    def __rpow__(self, other: Any) -> Term:
        return self.trace.term(self.trace.language.power, other, self)

    def __neg__(self) -> Term:
        return self.trace.term("-{}", self)

    def __abs__(self) -> Term:
        return self.trace.term(self.trace.language.absolute, self)

    def __eq__(self, other: Any) -> Term:  # type: ignore[override]
        return self.trace.term(self.trace.language.equal, self, other)

    def __ne__(self, other: Any) -> Term:  # type: ignore[override]
        return self.trace.term(self.trace.language.unequal, self, other)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "A rule that is traced has no numbers to branch on.\n"
            "  It runs once on placeholders, and what it does with them is written down.\n"
            "  Write autograd.where(condition, a, b) in place of a if condition else b."
        )


ARITHMETIC = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "truediv": "{} / {}"}
ORDER = {"lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}"}


def _method(pattern: str, reflected: bool = False) -> Callable[..., Term]:
    if reflected:
        return lambda self, other: self.trace.term(pattern, other, self)
    return lambda self, other: self.trace.term(pattern, self, other)


for _name, _pattern in (ARITHMETIC | ORDER).items():
    setattr(Term, f"__{_name}__", _method(_pattern))
for _name, _pattern in ARITHMETIC.items():
    setattr(Term, f"__r{_name}__", _method(_pattern, reflected=True))


def is_atom(text: str) -> bool:
    """A name, a number, or a call with nothing behind it: what needs no brackets."""
    name, bracket, inside = text.partition("(")
    closes_at_the_end = bracket and inside.endswith(")") and inside.count("(") + 1 == inside.count(")")
    depth = 1
    for character in inside[:-1]:
        depth += (character == "(") - (character == ")")
        closes_at_the_end = closes_at_the_end and depth > 0
    plain = name.replace(".", "").replace("_", "").replace("e-", "").replace("e+", "").isalnum()
    return plain and (not bracket or bool(closes_at_the_end))


def arity(operation: Operation) -> int:
    return len(operation.example) - 1


def has_row(operation: Operation, count: int) -> bool:
    return OPERATIONS.get(operation.name) is operation and count == arity(operation)


def names(count: int) -> list[str]:
    return {1: ["x"], 2: ["a", "b"]}.get(count, [f"x{i}" for i in range(1, count + 1)])


def forward_text(language: Language, operation: Operation, operands: Sequence[str]) -> tuple[list[str], str]:
    """The statements of `forward` on operands of these names, and its result."""
    trace = Trace(language)
    result = operation.forward(*map(trace.term, operands))
    statements, (text,) = trace.printed([result])
    return statements, text


def partials_text(
    language: Language, operation: Operation, operands: Sequence[str], only: int | None = None
) -> tuple[list[str], list[str]]:
    """The statements of the derivative on the result `out` and these operands; its partials, or `only` one."""
    trace = Trace(language)
    out, *terms = map(trace.term, ["out", *operands])
    partials = operation.partials(out, terms)
    return trace.printed(partials if only is None else partials[only : only + 1])
