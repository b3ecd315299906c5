"""operations.h, the engine's operations in C, printed from their rows: `make generate`.

A line for each operation of one or two operands: whether it selects, and the value and the partials as C expressions of
the operands and of the value `out`; where subterms are shared, as calls of the functions above. Nothing is written by
hand: a primitive is the function of the C library that Python's `math` calls. For a parametrised operation, `x**3` or
`leaky_relu`, the operands are x and the plain number, and the only partial is that for x.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from autograd.dispatch import Operation
from autograd.operations import OPERATIONS, leaky_relu_of
from autograd.printer import Language, arity, forward_text, names, partials_text
from autograd.tracing import takes_any

FILE = Path(__file__).with_name("operations.h")
HEADER = """/* Printed from the rows of autograd/operations.py by `make generate`. Do not edit. */
#ifndef AUTOGRAD_OPERATIONS_H
#define AUTOGRAD_OPERATIONS_H

#include <math.h>
"""


# The slope as a second operand, of which no partial is printed.
LEAKY_RELU = Operation(
    "leaky_relu",
    lambda x, slope: leaky_relu_of.__wrapped__(slope).forward(x),
    lambda out, x, slope: (*leaky_relu_of.__wrapped__(slope).derivative(out, x), 0.0),  # type: ignore[operator]
)


def literal(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return "(double)NAN" if number != number else "(double)INFINITY" if number > 0 else "-(double)INFINITY"


def function(name: str) -> str:
    """The C library's own where the row takes its forward from `math`, else one that is printed."""
    forward = OPERATIONS[name].forward
    return forward.__name__ if is_primitive(OPERATIONS[name]) else f"op_{name}"


def is_primitive(operation: Operation) -> bool:
    return getattr(operation.forward, "__module__", "") == "math"


C = Language(
    literal, function, power="pow({}, {})", absolute="fabs({})", equal="{} == {}", unequal="{} != {}",
    constant="const double {} = {};", variable="double {};",
)  # fmt: skip


def operations_header() -> str:
    """The text of operations.h."""
    functions: list[str] = []
    lines: dict[str, list[str]] = {"UNARY": [], "BINARY": [], "PARAMETRISED": []}
    for operation in OPERATIONS.values():
        if not operation.parameters and not takes_any(operation):
            kind = "UNARY" if arity(operation) == 1 else "BINARY"
            lines[kind].append(line(operation, names(arity(operation)), functions))
    for operation in (OPERATIONS["power"], LEAKY_RELU):
        lines["PARAMETRISED"].append(line(operation, ["a", "b"], functions, partials=1))
    tables = [f"#define {kind}_OPERATIONS(X) \\\n" + " \\\n".join(rows) + "\n" for kind, rows in lines.items()]
    return "\n".join([HEADER, *functions, *tables, "#endif\n"])


def line(operation: Operation, operands: list[str], functions: list[str], partials: int | None = None) -> str:
    """The operation's line in its table; what does not fit into an expression goes into `functions`."""
    name = operation.name
    if not is_primitive(operation):
        add(functions, printed(f"op_{name}", operands, *forward_text(C, operation, operands)))
    columns = [name, str(int(operation.selects)), f"{function(name)}({', '.join(operands)})"]
    for i, operand in enumerate(operands[:partials]):
        statements, (partial,) = partials_text(C, operation, operands, only=i)
        if statements:
            slope = f"slope_{name}" + f"_{operand}" * (len(operands) > 1)
            add(functions, printed(slope, ["out", *operands], statements, partial))
            partial = f"{slope}({', '.join(['out', *operands])})"
        columns.append(partial)
    return f"    X({', '.join(columns)})"


def add(functions: list[str], text: str) -> None:
    """x**y and x**3 share their functions."""
    if text not in functions:
        functions.append(text)


def printed(name: str, operands: Sequence[str], statements: Sequence[str], result: str) -> str:
    lines = [f"    {statement}" for statement in [*statements, f"return {result};"]]
    unused = [f"    (void){operand};" for operand in operands if not re.search(rf"\b{operand}\b", "\n".join(lines))]
    parameters = ", ".join(f"double {operand}" for operand in operands)
    return "\n".join([f"static inline double {name}({parameters}) {{", *unused, *lines, "}"])


if __name__ == "__main__":
    FILE.write_text(operations_header(), encoding="utf-8")
