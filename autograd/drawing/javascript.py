"""The engine's operations in JavaScript, printed from their rules: `python -m autograd.drawing.javascript`.

Only what takes its forward from `math` is written here by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autograd.dispatch import Operation
from autograd.operations import OPERATIONS
from autograd.printer import Language, arity, forward_text, names, partials_text

FILE = Path(__file__).with_name("operations.js")

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


def literal(number: float) -> str:
    text = repr(number).removesuffix(".0")
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(text, text)


JAVASCRIPT = Language(
    literal, str, power="power({}, {})", absolute="Math.abs({})", equal="{} === {}", unequal="{} !== {}",
    constant="const {} = {};", variable="let {};",
)  # fmt: skip


def forward_function(operation: Operation, count: int) -> tuple[str, str]:
    """Parameters and body of `forward` on `count` operands."""
    statements, text = forward_text(JAVASCRIPT, operation, names(count))
    return ", ".join(names(count)), body(statements, text)


def partials_function(operation: Operation, count: int) -> tuple[str, str]:
    """Parameters and body of the derivative on `count` operands; it returns the list of partials."""
    statements, texts = partials_text(JAVASCRIPT, operation, names(count))
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
        selects = "selects: true, " if operation.selects else ""
        rows.append(f"ROWS.{name} = {{forward: {name}, {selects}partials: ({operands}) => {{\n{text}\n}}}};")
    return "\n".join([HEADER, *functions, "", "const ROWS = {};", *rows, ""])


if __name__ == "__main__":
    FILE.write_text(operations_javascript(), encoding="utf-8")
