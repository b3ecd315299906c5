"""Which operation spoilt a row: the tape again on plain numbers, with Python's arithmetic, which raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.dispatch import Operation
from autograd.formatting import printable
from autograd.operations import OPERATIONS
from autograd.tracing import LEAVES, Rule, Tape, evaluate


def replay(tape: Tape, outputs: Sequence[int], inputs: Sequence[float], place: str = "") -> list[float]:
    """The outputs for one row. Raises what the function itself would raise, naming operation, numbers and label.

    A step runs when somebody needs it: of a choice only the branch that is taken. `place` says which row it is.
    """
    found: dict[int, float] = {}
    pending = list(reversed(outputs))
    while pending:
        number = pending[-1]
        if number in found:
            pending.pop()
            continue
        kind, *operands = tape.steps[number]
        if kind in LEAVES:
            (which,) = operands
            found[number] = (
                which if kind == "constant" else tape.parameters[which].data if kind == "parameter" else inputs[which]
            )
            continue
        passes_on = kind == "where" or kind == "stop_gradient" or isinstance(kind, Rule)
        if kind == "where":
            condition, a, b = operands
            operands = [condition if condition not in found else a if found[condition] else b]
        elif passes_on:
            operands = operands[:1]
        missing = [operand for operand in operands if operand not in found]
        if missing:
            pending += reversed(missing)
        elif passes_on:
            found[number] = found[operands[0]]
        else:
            found[number] = _computed(tape, number, kind, [found[operand] for operand in operands], place)
    return [found[number] for number in outputs]


def _computed(tape: Tape, number: int, kind: str, numbers: list[float], place: str) -> float:
    operation: Any = OPERATIONS.get(kind)
    try:
        return float(operation.forward(*numbers)) if isinstance(operation, Operation) else evaluate(kind, numbers)
    except (ArithmeticError, ValueError) as error:
        labels = [printable(label_of(tape, n)) for n in dict.fromkeys(tape.steps[number][1:])]
        text = str(operation.explain(error, numbers))
        first, *rest = text.split("\n")
        named = " and ".join(f"'{label}'" for label in labels if label)
        first = first.rstrip(".") + f" (node {named})" * bool(named) + place + "."
        raise type(error)("\n".join([first, *rest])) from None


def label_of(tape: Tape, number: int) -> str:
    kind, *operands = tape.steps[number]
    return tape.parameters[operands[0]].label if kind == "parameter" else tape.labels.get(number, "")
