"""A program where the kernels in C were not built: the steps as straight-line Python, generated and run row by row.

It computes as the kernels do, in IEEE arithmetic that never raises; what is wrong with a row is said afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.compiler.forms import Form
from autograd.compiler.layers import rates
from autograd.ieee import IEEE
from autograd.operations import OPERATIONS, total
from autograd.tracing import COMPARISONS

PATTERNS = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "negative": "-{}", "where": "{1} if {0} else {2}",
    "less": "{} < {}", "less_equal": "{} <= {}", "greater": "{} > {}", "greater_equal": "{} >= {}",
    "equal": "{} == {}", "unequal": "{} != {}", "multiply_add": "{} * {} + {}", "multiply_subtract": "{} * {} - {}",
    "subtract_product": "{2} - {0} * {1}", "row_sum": "{}", "row_dot": "{} * {}",
    "relu_slope": "{0} * (1.0 if {1} > 0.0 else 0.0 * {1})", "tanh_slope": "{0} * (1.0 - {1} * {1})",
    "sigmoid_slope": "{0} * ({1} * (1.0 - {1}))",
}  # fmt: skip


class PythonProgram:
    """run(...) as that of `_native.tapes.Program`, on rows that are lists."""

    def __init__(self, form: Form) -> None:
        tape = form.tape
        self.parameters = [step[1] for step in tape.steps if step[0] == "parameter"]
        self.raised: list[bool] = []  # an item for each operation that raised in the run
        names: dict[str, Any] = {name: never_raises(name, self.raised) for name in OPERATIONS}
        names.update(total=total, constants=[step[1] for step in tape.steps if step[0] == "constant"])
        exec(compile(source(form), "<compiled tape>", "exec"), names)
        self.function: Callable[..., Any] = names["run"]

    def run(
        self, parameters: Sequence[float], rows: Sequence[Sequence[float]] = (), weight: float = 1.0
    ) -> tuple[list[tuple[float, ...]], list[float], bool]:
        """The outputs of each row; the results, behind which stands the gradient by each parameter; whether an
        operation raised."""
        outputs: list[tuple[float, ...]] = []
        self.raised.clear()
        results = self.function(parameters, rows, weight, outputs)
        return outputs, results, bool(self.raised)


def source(form: Form) -> str:
    """def run(p, rows, weight, outputs): one statement for each step. No text in it comes from a user."""
    steps, rate = form.tape.steps, rates(form.tape, form.inputs_vary)
    sections: list[list[str]] = [[], [], []]  # before the rows, in each, and after them
    sums, constants, parameters, name = [], 0, 0, [""] * len(steps)
    for number, step in enumerate(steps):
        kind, name[number] = step[0], f"v{number}"
        if kind == "constant":
            sections[0].append(f"{name[number]} = constants[{constants}]")
            constants += 1
        elif kind == "parameter":
            sections[0].append(f"{name[number]} = p[{parameters}]")
            parameters += 1
        elif kind == "input":
            name[number] = "weight" if step[1] == "weight" else f"x[{step[1]}]"
        elif kind in ("row_sum", "row_dot"):
            sums.append(number)
            sections[1].append(f"{name[number]} += {PATTERNS[kind].format(*(name[n] for n in step[1:]))}")
        else:
            sections[rate[number]].append(f"{name[number]} = {expression(kind, [name[n] for n in step[1:]])}")
    wanted = [*form.results, *(form.gradients or {}).values()]
    rows = "for x in rows:" if form.inputs_vary else "for x in rows[:1]:"
    lines = [*sections[0], *(f"{name[number]} = 0.0" for number in sums)]
    if form.inputs_vary:
        inner = [*sections[1], f"outputs.append(({''.join(name[n] + ', ' for n in form.outputs)}))"]
        lines += [rows, *(f"    {line}" for line in inner)]
    else:
        lines = ["x = rows[0]", *lines]
    lines += [*sections[2], f"return [{', '.join(name[number] for number in wanted)}]"]
    return "def run(p, rows, weight, outputs):\n" + "\n".join(f"    {line}" for line in lines)


def expression(kind: str, operands: Sequence[str]) -> str:
    if kind == "sum":
        return f"total(({', '.join(operands)},))"  # not a + b + ...: Python's parser nests that, and gives up
    if kind == "dot":
        half = len(operands) // 2
        return f"total(({', '.join(f'{a} * {b}' for a, b in zip(operands[:half], operands[half:]))},))"
    pattern = PATTERNS.get(kind) or f"{kind}({', '.join(['{}'] * len(operands))})"
    text = pattern.format(*operands)
    return f"float({text})" if kind in COMPARISONS else text


def never_raises(name: str, raised: list[bool]) -> Callable[..., float]:
    """The operation on floats in IEEE arithmetic; `raised` gets an item where Python's own would have raised."""
    operation = OPERATIONS[name]

    def call(*numbers: float) -> float:
        try:
            return float(operation.forward(*numbers))
        except (ArithmeticError, ValueError):
            raised[:] = [True]
            return float(IEEE._apply(operation, numbers))

    return call
