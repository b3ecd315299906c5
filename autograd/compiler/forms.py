"""What can be asked of a traced function: its values, its gradients by row, its gradient by the parameters.

Each form is a tape with outputs for each row and results of a whole run, ready to become a program.

inputs_vary  whether there are rows; else the form is one of a single row
native       whether it will run in C: then layers become steps of their own, and powers products, which have kernels
careful      whether gradients are right at the ends of the range and behind all selections, see `adjoint.adjoints`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.compiler.adjoint import adjoints
from autograd.compiler.branches import CHOICES, SELECTIONS, conditional_steps
from autograd.compiler.fusion import fuse
from autograd.compiler.layers import find_layers
from autograd.compiler.powers import expand_powers
from autograd.compiler.raising import add_raising, raising_rows
from autograd.tracing import Tape


class Form(NamedTuple):
    tape: Tape
    outputs: list[int]  # steps with a number for each row
    results: list[int]  # steps with one number
    gradients: dict[int, int] | None  # {place of a parameter: the step of its adjoint}
    inputs_vary: bool


def values(tape: Tape, outputs: Sequence[int], inputs_vary: bool = True, native: bool = True) -> Form:
    """The function itself: outputs for each row, or results for one."""
    tape, found = _prepared(tape, outputs, native and inputs_vary)
    tape, found = _finished(tape, found, inputs_vary, native)
    return Form(tape, found, [], None, True) if inputs_vary else Form(tape, [], found, None, False)


def input_gradients(
    tape: Tape,
    outputs: Sequence[int],
    n_inputs: int,
    inputs_vary: bool = True,
    native: bool = True,
    careful: bool = False,
) -> Form:
    """The outputs, and behind them for each output its derivatives by every input."""
    layers = native and inputs_vary
    selections = SELECTIONS if careful else CHOICES
    conditional = [conditional_steps(tape, [output], selections) for output in outputs if layers]
    tape, found = _prepared(tape, outputs, layers, [max(of) for of in zip(*conditional)])
    inputs = [tape.input(place)._number for place in range(n_inputs)]
    wanted = list(found)
    for output in found:
        gradient = adjoints(tape, [(output, tape.constant(1.0))], inputs, inputs_vary, careful)
        wanted += [gradient.get(number, tape.constant(0.0)) for number in inputs]
    tape, wanted = _finished(tape, wanted, inputs_vary, native)
    return Form(tape, wanted, [], None, True) if inputs_vary else Form(tape, [], wanted, None, False)


def raising(tape: Tape, outputs: Sequence[int], inputs_vary: bool = True, native: bool = True) -> Form:
    """A number that is not 0 where the function raises, see `raising_rows`."""
    tape, flag = raising_rows(tape, outputs)
    return values(tape, [flag], inputs_vary, native)


def parameter_gradient(
    tape: Tape,
    loss: int,
    penalty: int | None = None,
    native: bool = True,
    careful: bool = False,
    checked: bool = False,
) -> Form:
    """The weighted sum of the rows' losses, the penalty, and the adjoints of all parameters.

    checked  whether behind the penalty there is a number that is not 0 where loss or penalty raise, see `raising_rows`
    """
    results, raises = [loss] if penalty is None else [loss, penalty], []
    if checked:  # on a copy, since steps are added
        tape, results = tape.rewritten(results)
        raises = [add_raising(tape, [result]) for result in results]
    selections = SELECTIONS if careful else CHOICES
    conditional = conditional_steps(tape, results, selections)
    tape, found = _prepared(tape, [*results, *raises], native, conditional)
    found, raises = found[: len(results)], found[len(results) :]
    weight, one, zero = tape.input("weight")._number, tape.constant(1.0), tape.constant(0.0)
    total = tape.add(("row_sum", tape.apply("multiply", weight, found[0])))
    parameters = [number for number, step in enumerate(tape.steps) if step[0] == "parameter"]
    places = [tape.steps[number][1] for number in parameters]
    gradient = adjoints(tape, list(zip(found, (weight, one))), parameters, careful=careful)
    risk = [total, zero if penalty is None else found[1]]
    if checked:
        of_rows = tape.add(("row_sum", tape.apply("multiply", weight, raises[0])))
        risk.append(tape.apply("add", of_rows, raises[1]) if penalty is not None else of_rows)
    # The parameters themselves too, so that one stays of which only a gradient is needed, and no value.
    wanted = [*risk, *(gradient.get(number, zero) for number in parameters), *parameters]
    tape, wanted = _finished(tape, wanted, True, native)
    count = len(risk)
    return Form(tape, [], wanted[:count], dict(zip(places, wanted[count:])), True)


def _prepared(
    tape: Tape, outputs: Sequence[int], layers: bool, conditional: Sequence[int] = ()
) -> tuple[Tape, list[int]]:
    return find_layers(tape, outputs, conditional) if layers else tape.rewritten(outputs)


def _finished(tape: Tape, results: Sequence[int], inputs_vary: bool, native: bool) -> tuple[Tape, list[int]]:
    if native:
        tape, results = expand_powers(tape, results)
    return fuse(tape, results, inputs_vary)
