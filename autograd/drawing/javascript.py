"""The engine's operations in JavaScript, printed from their rules: `python -m autograd.drawing.javascript`.

A rule, forward or derivative, runs once on placeholders that write down what is done to them. The text is arithmetic
on doubles, with common subterms bound once; a choice becomes `condition ? a : b`. JavaScript's arithmetic never raises,
as IEEE 754 has it, so both branches may be computed. Only what takes its forward from `math` is written here by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from autograd.dispatch import Operation, as_float
from autograd.operations import OPERATIONS

FILE = Path(__file__).with_name("operations.js")
LONGEST = 70  # a subterm with a longer text gets a name, so that no line and no nesting grows without bound

POWER = """function power(x, y) {
  // As C has it: 1 to any power is 1, and (-1)^(+-inf) too; Math.pow says NaN.
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
}"""
ERF = """function erf(x) {
  const z = Math.abs(x);
  if (z < 2.5) {
    // 2/sqrt(pi) e^(-z^2) (z + 2 z^3/3 + 4 z^5/(3 5) + ...): no term is negative, nothing cancels.
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-18; n++) sum += term *= (2 * z * z) / (2 * n + 1);
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * gaussian(z) * sum;
  }
  // 1 - erfc(z) by the continued fraction z + (1/2)/(z + 1/(z + (3/2)/(z + ...))).
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return x !== x ? x : Math.sign(x) * (1 - gaussian(z) / Math.sqrt(Math.PI) / fraction);
}"""
MATH = {"exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt", "sin": "sin", "cos": "cos",
        "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
        "tanh": "tanh"}  # fmt: skip
PRIMITIVES = {"power": POWER, "erf": ERF} | {
    name: f"function {name}(x) {{\n  return Math.{function}(x);\n}}" for name, function in MATH.items()
}
HEADER = """// Printed from the rules in autograd/operations.py by `python -m autograd.drawing.javascript`. Do not edit.
"use strict";
"""


class Trace:
    """What a rule did, step by step: each step a pattern and the numbers of the steps that fill it in."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, tuple[int, ...]]] = []
        self.numbers: dict[tuple[str, tuple[int, ...]], int] = {}

    def term(self, pattern: str, *operands: Any) -> Term:
        step = (pattern, tuple(self.lift(operand).number for operand in operands))
        if step not in self.numbers:
            self.numbers[step] = len(self.steps)
            self.steps.append(step)
        return Term(self, self.numbers[step])

    def lift(self, number: Any) -> Term:
        return number if isinstance(number, Term) else self.term(literal(as_float(number)))

    def printed(self, results: Sequence[Any]) -> tuple[list[str], list[str]]:
        """The statements that bind subterms, and the text of each result."""
        wanted = [self.lift(result).number for result in results]
        uses = [0] * len(self.steps)
        for number in wanted:
            uses[number] += 1
        for number in reversed(range(len(self.steps))):
            for operand in self.steps[number][1] if uses[number] else ():
                uses[operand] += 1
        statements: list[str] = []
        texts = [""] * len(self.steps)
        for number, (pattern, operands) in enumerate(self.steps):
            if not uses[number]:
                continue
            call = pattern.endswith(")")
            filled = [texts[operand] for operand in operands]
            text = pattern.format(*(part if call or is_atom(part) else f"({part})" for part in filled))
            if operands and (uses[number] > 1 or len(text) > LONGEST):
                statements.append(f"const t{len(statements)} = {text};")
                text = f"t{len(statements) - 1}"
            texts[number] = text
        return statements, [texts[number] for number in wanted]


class Term:
    """A placeholder for a number: it takes part in arithmetic, comparisons and operations, and writes them down."""

    __slots__ = ("number", "trace")
    __hash__ = None  # type: ignore[assignment]  # equality writes a comparison down

    def __init__(self, trace: Trace, number: int) -> None:
        self.trace, self.number = trace, number

    def _apply(self, operation: Operation, operands: Sequence[Any]) -> Any:
        if has_row(operation, len(operands)):
            return self.trace.term(f"{operation.name}({', '.join(['{}'] * len(operands))})", *operands)
        return operation.forward(*map(self.trace.lift, operands))

    def _where(self, a: Any, b: Any) -> Term:
        is_comparison = self.trace.steps[self.number][0] in COMPARISONS.values()
        condition = self if is_comparison else self.trace.term("{} !== {}", self, 0.0)
        return self.trace.term("{} ? {} : {}", condition, *(x() if callable(x) else x for x in (a, b)))

    def _stop_gradient(self) -> Term:
        return self

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "A rule that is traced has no numbers to branch on.\n"
            "  It runs once on placeholders, and what it does with them is written down.\n"
            "  Write autograd.where(condition, a, b) in place of a if condition else b."
        )


ARITHMETIC = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "truediv": "{} / {}", "pow": "power({}, {})"}
COMPARISONS = {"lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}", "eq": "{} === {}",
               "ne": "{} !== {}"}  # fmt: skip


def _method(pattern: str, reflected: bool = False) -> Callable[..., Term]:
    if reflected:
        return lambda self, other: self.trace.term(pattern, other, self)
    return lambda self, *others: self.trace.term(pattern, self, *others)


for _name, _pattern in (ARITHMETIC | COMPARISONS | {"neg": "-{}", "abs": "Math.abs({})"}).items():
    setattr(Term, f"__{_name}__", _method(_pattern))
for _name, _pattern in ARITHMETIC.items():
    setattr(Term, f"__r{_name}__", _method(_pattern, reflected=True))


def literal(number: float) -> str:
    text = repr(number).removesuffix(".0")
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text, text)


def is_atom(text: str) -> bool:
    """A name, a number, or a call with nothing behind it: what needs no brackets."""
    name, bracket, inside = text.partition("(")
    closes_at_the_end = bracket and inside.endswith(")") and inside.count("(") + 1 == inside.count(")")
    depth = 1
    for character in inside[:-1]:
        depth += (character == "(") - (character == ")")
        closes_at_the_end = closes_at_the_end and depth > 0
    plain = name.replace(".", "").replace("e-", "").replace("e+", "").isalnum()
    return plain and (not bracket or bool(closes_at_the_end))


def arity(operation: Operation) -> int:
    return len(operation.example) - 1


def has_row(operation: Operation, count: int) -> bool:
    return OPERATIONS.get(operation.name) is operation and count == arity(operation)


def names(count: int) -> list[str]:
    return {1: ["x"], 2: ["a", "b"]}.get(count, [f"x{i}" for i in range(1, count + 1)])


def forward_function(operation: Operation, count: int) -> tuple[str, str]:
    """Parameters and body of `forward` on `count` operands."""
    trace = Trace()
    result = operation.forward(*map(trace.term, names(count)))
    statements, (text,) = trace.printed([result])
    return ", ".join(names(count)), body(statements, text)


def partials_function(operation: Operation, count: int) -> tuple[str, str]:
    """Parameters and body of the derivative on `count` operands; it returns the list of partials."""
    trace = Trace()
    out, *operands = map(trace.term, ["out", *names(count)])
    statements, texts = trace.printed(operation.partials(out, operands))
    return ", ".join(["out", *names(count)]), body(statements, f"[{', '.join(texts)}]")


def body(statements: Sequence[str], result: str) -> str:
    return "\n".join(f"  {statement}" for statement in [*statements, f"return {result};"])


def traced(operation: Operation, count: int) -> str:
    """An object with the functions `forward` and `partials` of an operation that has no row of its own.

    >>> from autograd import operation
    >>> @operation(lambda out, x: (3 * x * x,))
    ... def cube(x):
    ...     return x * x * x
    >>> print(traced(cube, 1))
    {forward: (x) => {
      return (x * x) * x;
    }, partials: (out, x) => {
      return [(3 * x) * x];
    }}

    Raises whatever the rule raises on placeholders: TypeError for a branch on a number or a call of `math`.
    """
    (operands, forward), (all_operands, partials) = (
        forward_function(operation, count),
        partials_function(operation, count),
    )
    return f"{{forward: ({operands}) => {{\n{forward}\n}}, partials: ({all_operands}) => {{\n{partials}\n}}}}"


def operations_javascript() -> str:
    """The text of operations.js: a function for each row, and the tables ROWS[name].forward and ROWS[name].partials."""
    functions, rows = [], []
    for name, operation in OPERATIONS.items():
        if name in PRIMITIVES:
            functions.append(PRIMITIVES[name])
        else:
            functions.append("function {}({}) {{\n{}\n}}".format(name, *forward_function(operation, arity(operation))))
        operands, text = partials_function(operation, arity(operation))
        rows.append(f"ROWS.{name} = {{forward: {name}, partials: ({operands}) => {{\n{text}\n}}}};")
    return "\n".join([HEADER, *functions, "", "const ROWS = {};", *rows, ""])


if __name__ == "__main__":
    FILE.write_text(operations_javascript(), encoding="utf-8")
