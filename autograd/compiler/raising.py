"""Which rows raise: a function of a row that is not 0 where the traced function would have raised an error.

The kernels compute in IEEE arithmetic, which never raises; the function itself stops where Python's arithmetic and
`math` do: at a division by zero, and where a finite number makes an infinity or any number a NaN. Only steps that run
count: of a choice the condition and the branch that is taken. `replay` then runs such a row again, and raises.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.operations import OPERATIONS
from autograd.tracing import LEAVES, Rule, Tape

NEVER = frozenset(["tanh", "arctan", "erf"])  # of those that `math` computes: they have a result everywhere
MATH = frozenset(name for name, row in OPERATIONS.items() if getattr(row.forward, "__module__", "") == "math") - NEVER


def raising_rows(tape: Tape, outputs: Sequence[int]) -> tuple[Tape, int]:
    """A tape with one result for each row: not 0 where a step that runs raises."""
    tape, outputs = tape.rewritten(outputs)
    return tape, add_raising(tape, outputs)


def add_raising(tape: Tape, outputs: Sequence[int]) -> int:
    """The step, added to the tape, that is not 0 where a step behind these outputs runs and raises, else 0."""
    count, one, zero = len(tape.steps), tape.constant(1.0), tape.constant(0.0)
    runs: dict[int, int] = dict.fromkeys(outputs, one)  # the step that says whether a step runs: not 0 where it does
    total = zero

    def use(number: int, condition: int) -> None:
        before = runs.get(number)
        runs[number] = condition if before is None else tape.apply("where", before, one, condition)

    for number in range(count - 1, -1, -1):
        kind, *operands = tape.steps[number]
        if kind in LEAVES or number not in runs:
            continue
        running = runs[number]
        if kind == "where":
            condition, a, b = operands
            use(condition, running)
            use(a, tape.apply("where", condition, running, zero))
            use(b, tape.apply("where", condition, zero, running))
            continue
        for operand in operands[:1] if isinstance(kind, Rule) else operands:
            use(operand, running)
        raises = _raises(tape, number)
        if raises is not None:
            total = tape.apply("where", tape.apply("where", running, raises, zero), one, total)
    return total


def _raises(tape: Tape, number: int) -> int | None:
    """The step that says whether a step raises, None for one that never does."""
    kind, *operands = tape.steps[number]
    apply, zero = tape.apply, tape.constant(0.0)

    def finite(of: int) -> int:
        return apply("equal", apply("subtract", of, of), zero)

    if kind == "divide":
        return apply("equal", operands[1], zero)
    if kind == "power":
        both = apply("where", finite(operands[0]), finite(operands[1]), zero)
        return apply("where", finite(number), zero, both)
    if kind in MATH:
        (x,) = operands
        of_infinity = apply("where", apply("equal", x, x), apply("unequal", number, number), zero)
        return apply("where", finite(number), zero, apply("where", finite(x), tape.constant(1.0), of_infinity))
    return None
