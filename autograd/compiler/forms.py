"""What can be asked of a traced function: its values, its gradients by row, its gradient by the parameters.

Each form is a tape with outputs for each row and results of a whole run, ready to become a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.compiler.adjoint import adjoints
from autograd.compiler.fusion import fuse
from autograd.compiler.layers import find_layers
from autograd.tracing import Tape


class Form(NamedTuple):
    tape: Tape
    outputs: list[int]  # steps with a number for each row
    results: list[int]  # steps with one number
    gradients: dict[int, int] | None  # {place of a parameter: the step of its adjoint}
    inputs_vary: bool


def values(tape: Tape, outputs: Sequence[int], inputs_vary: bool = True, layers: bool = True) -> Form:
    """The function itself: outputs for each row, or results for one."""
    tape, found = _prepared(tape, outputs, layers and inputs_vary)
    tape, found = fuse(tape, found, inputs_vary)
    return Form(tape, found, [], None, True) if inputs_vary else Form(tape, [], found, None, False)


def input_gradients(
    tape: Tape, outputs: Sequence[int], n_inputs: int, inputs_vary: bool = True, layers: bool = True
) -> Form:
    """The outputs, and behind them for each output its derivatives by every input."""
    tape, found = _prepared(tape, outputs, layers and inputs_vary)
    inputs = [tape.input(place)._number for place in range(n_inputs)]
    wanted = list(found)
    for output in found:
        gradient = adjoints(tape, [(output, tape.constant(1.0))], inputs, inputs_vary)
        wanted += [gradient.get(number, tape.constant(0.0)) for number in inputs]
    tape, wanted = fuse(tape, wanted, inputs_vary)
    return Form(tape, wanted, [], None, True) if inputs_vary else Form(tape, [], wanted, None, False)


def parameter_gradient(tape: Tape, loss: int, penalty: int | None = None, layers: bool = True) -> Form:
    """The weighted sum of the rows' losses, the penalty, and the adjoints of all parameters."""
    tape, found = _prepared(tape, [loss] if penalty is None else [loss, penalty], layers)
    weight, one, zero = tape.input("weight")._number, tape.constant(1.0), tape.constant(0.0)
    total = tape.add(("row_sum", tape.apply("multiply", weight, found[0])))
    parameters = [number for number, step in enumerate(tape.steps) if step[0] == "parameter"]
    places = [tape.steps[number][1] for number in parameters]
    gradient = adjoints(tape, list(zip(found, (weight, one))), parameters)
    results = [total, zero if penalty is None else found[1]]
    # The parameters themselves too, so that one stays of which only a gradient is needed, and no value.
    tape, wanted = fuse(tape, [*results, *(gradient.get(number, zero) for number in parameters), *parameters])
    return Form(tape, [], wanted[:2], dict(zip(places, wanted[2:])), True)


def _prepared(tape: Tape, outputs: Sequence[int], layers: bool) -> tuple[Tape, list[int]]:
    return find_layers(tape, outputs) if layers else tape.rewritten(outputs)
