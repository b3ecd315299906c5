"""Rules as text: a rule of an operation runs once on placeholders, and what it does is printed in another language.

The text is arithmetic on doubles, with common subterms bound once and each subterm in the innermost branch that needs
it. Arithmetic there must not raise, as IEEE 754 has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from autograd.dispatch import Operation
from autograd.tracing import COMPARISONS, Rule, Step, Tape

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
    variable: str  # declares a name, where that is a statement
    assignment: str = "{} = {};"
    choice: str = "{} ? {} : {}"
    divide: str = "{} / {}"
    blocks: tuple[str, str, str] = ("if ({}) {{", "}} else {{", "}}")
    indent: str = "  "


T = TypeVar("T")
Scope = tuple[tuple[int, int], ...]  # the way into nested choices: the number of each, and which of its branches


ARITHMETIC = {"add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}"}
ORDER = {"less": "{} < {}", "less_equal": "{} <= {}", "greater": "{} > {}", "greater_equal": "{} >= {}"}
BINDS = {"add": 2, "subtract": 2, "negative": 2, "multiply": 3, "divide": 3, "where": 0} | dict.fromkeys(COMPARISONS, 1)


def printed(language: Language, tape: Tape, results: Sequence[int]) -> tuple[list[str], list[str]]:
    """The statements that bind subterms of the steps `results`, and the text of each of them."""
    uses, scopes = uses_of(tape, results)
    inside: dict[Scope, list[int]] = {}
    for number, scope in enumerate(scopes):
        if scope is not None:
            inside.setdefault(scope, []).append(number)
    texts = [""] * len(tape.steps)
    names = 0

    def name(statement: str, *text: str) -> tuple[str, str]:
        nonlocal names
        names += 1
        return statement.format(f"t{names - 1}", *text), f"t{names - 1}"

    def statements(scope: Scope) -> list[str]:
        found: list[str] = []
        for number in inside.get(scope, []):
            step, operands = tape.steps[number], tape.operands(number)
            if step[0] == "where":
                branches = [statements((*scope, (number, side))) for side in (0, 1)]
                if any(branches):
                    declaration, texts[number] = name(language.variable)
                    condition, *values = (texts[operand] for operand in operands)
                    first, second, end = (part.format(condition) for part in language.blocks)
                    found += [declaration] * bool(declaration)
                    for head, lines, value in zip((first, second), branches, values):
                        result = language.assignment.format(texts[number], value)
                        found += [head, *(f"{language.indent}{line}" for line in [*lines, result])]
                    found += [end] * bool(end)
                    continue
            text = step_text(language, step, [texts[operand] for operand in operands])
            if operands and (uses[number] > 1 or len(text) > LONGEST):
                statement, text = name(language.constant, text)
                found.append(statement)
            texts[number] = text
        return found

    lines = statements(())
    return lines, [texts[number] for number in results]


def step_text(language: Language, step: Step, operands: Sequence[str], kinds: Sequence[Any] | None = None) -> str:
    """A step with the texts of its operands filled in.

    kinds  what each of these texts is: the kind of a step, "" for a name or a call. Then brackets stand only where the
           order needs them, else around all that is no atom
    """
    kind = step[0]
    if kind == "input":
        return str(step[1])
    if kind == "constant":
        return language.literal(step[1])
    if kind == "stop_gradient" or isinstance(kind, Rule):
        return operands[0]
    pattern = pattern_of(language, kind, len(operands))
    if not pattern.endswith(")"):
        atoms = map(is_atom, operands) if kinds is None else stand_alone(kind, operands, kinds)
        operands = [text if atom else f"({text})" for text, atom in zip(operands, atoms)]
    return pattern.format(*operands)


def stand_alone(kind: str, operands: Sequence[str], kinds: Sequence[Any]) -> list[bool]:
    """Which operands of a step need no brackets; a sum of a sum is read from left to right."""
    least = [1, 1, 1] if kind == "where" else [2, 2] if kind in COMPARISONS else [BINDS[kind], BINDS[kind] + 1]
    if kind == "negative":
        least = [4]
    binds = [min(BINDS.get(k, 4), 2 if text.startswith("-") else 4) for text, k in zip(operands, kinds)]
    return [operand >= enough for operand, enough in zip(binds, least)]


def pattern_of(language: Language, kind: str, count: int) -> str:
    patterns = {
        "where": language.choice, "power": language.power, "absolute": language.absolute, "equal": language.equal,
        "unequal": language.unequal, **ARITHMETIC, **ORDER, "divide": language.divide,
    }  # fmt: skip
    if kind in patterns:
        return patterns[kind]
    function = language.function(kind)
    return function if "{}" in function else f"{function}({', '.join(['{}'] * count)})"


def uses_of(tape: Tape, wanted: Sequence[int]) -> tuple[list[int], list[Scope | None]]:
    """How often each step is used, and the innermost branch of choices that holds all its uses; None without any."""
    uses = [0] * len(tape.steps)
    scopes: list[Scope | None] = [None] * len(tape.steps)

    def use(number: int, scope: Scope) -> None:
        uses[number] += 1
        earlier = scopes[number]
        scopes[number] = scope if earlier is None else common(earlier, scope)

    for number in wanted:
        use(number, ())
    for number in reversed(range(len(tape.steps))):
        scope = scopes[number]
        if scope is None:
            continue
        operands = tape.operands(number)
        if isinstance(tape.steps[number][0], Rule):
            operands = operands[:1]
        for place, operand in enumerate(operands):
            branch = tape.steps[number][0] == "where" and place
            use(operand, (*scope, (number, place - 1)) if branch else scope)
    return uses, scopes


def common(a: tuple[T, ...], b: tuple[T, ...]) -> tuple[T, ...]:
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return a[:n]


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


def names(count: int) -> list[str]:
    return {1: ["x"], 2: ["a", "b"]}.get(count, [f"x{i}" for i in range(1, count + 1)])


def forward_text(language: Language, operation: Operation, operands: Sequence[str]) -> tuple[list[str], str]:
    """The statements of `forward` on operands of these names, and its result."""
    tape = Tape(fold=False)
    result = operation.forward(*map(tape.input, operands))
    statements, (text,) = printed(language, tape, [tape.lift(result)])
    return statements, text


def partials_text(
    language: Language, operation: Operation, operands: Sequence[str], only: int | None = None
) -> tuple[list[str], list[str]]:
    """The statements of the derivative on the result `out` and these operands; its partials, or `only` one."""
    tape = Tape(fold=False)
    out, *terms = map(tape.input, ["out", *operands])
    partials = [tape.lift(partial) for partial in operation.partials(out, terms)]
    return printed(language, tape, partials if only is None else partials[only : only + 1])
