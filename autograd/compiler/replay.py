"""Which operation spoilt a row: the tape again on plain numbers, with Python's arithmetic, which raises."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from autograd.formatting import printable
from autograd.ieee import IEEE
from autograd.operations import OPERATIONS
from autograd.tracing import LEAVES, Rule, Tape, evaluate


def replay(tape: Tape, outputs: Sequence[int], inputs: Sequence[float], place: str = "") -> None:
    """Raises what the function itself would raise for a row, naming operation, numbers and label.

    Steps run in the order in which the function took them; of a choice only the branch that is taken. `place` says
    which row it is.
    """
    numbers: list[float] = []
    for kind, *operands in tape.steps:
        if kind in LEAVES:
            (which,) = operands
            number = (
                tape.parameters[which].data if kind == "parameter" else which if kind == "constant" else inputs[which]
            )
        elif isinstance(kind, Rule):
            number = numbers[operands[0]]
        else:
            number = float(evaluate(kind, [IEEE(numbers[operand]) for operand in operands]))
        numbers.append(number)
    runs = bytearray(len(tape.steps))
    for number in outputs:
        runs[number] = 1
    for index in range(len(tape.steps) - 1, -1, -1):
        kind, *operands = tape.steps[index]
        if runs[index] and kind not in LEAVES:
            if kind == "where":
                operands = [operands[0], operands[1] if numbers[operands[0]] else operands[2]]
            for operand in operands[:1] if isinstance(kind, Rule) else operands:
                runs[operand] = 1
    for index in compress(range(len(tape.steps)), runs):
        kind, *operands = tape.steps[index]
        if kind in OPERATIONS:
            _check(tape, index, kind, [numbers[operand] for operand in operands], place)


def _check(tape: Tape, number: int, kind: str, numbers: list[float], place: str) -> None:
    operation = OPERATIONS[kind]
    try:
        operation.forward(*numbers)
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
