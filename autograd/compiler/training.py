"""Training on rows: the gradient of a loss and its penalty by the parameters, and whole epochs of steps in C."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple

from autograd import modes
from autograd.compiler import forms
from autograd.compiler.runner import Runner, runner_of
from autograd.tracing import Tape
from autograd.value import Value

SGD, ADAM, ADAMW = range(3)  # the rules that run in C, see _native/tape/train.c


class UpdateRule(NamedTuple):
    """How parameters move; the settings are those of PyTorch's optimisers of these names."""

    kind: int
    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    amsgrad: bool = False


class Progress(NamedTuple):
    """Where a training stands: epochs done by a call, rows of the next one that are done, how it may have ended."""

    epochs: int
    at: int
    steps: int
    started: int  # 1 where SGD has a momentum to go on with
    waited: int
    converged: int  # 1 or 0, as the next
    diverged: int
    stopped: int = 0  # why a step was not taken: one of the following, or 0


WANTS_CHECKS, RAISES, WANTS_CARE = 1, 2, 3  # something may have raised; it did; a gradient is not finite


class RowsRaise(Exception):
    """The loss of a row, or the penalty, raises where it is computed by itself."""


class Trainer:
    """The loss of a row and the penalty, traced; what is asked of them while a model learns.

    loss        a function of a list of n_inputs placeholders, which are the numbers of a row
    penalty     a function of the list of parameters, or None
    parameters  what is to be trained
    tape        where to write the trace, in place of a new tape
    """

    def __init__(
        self,
        loss: Callable[[list[Any]], Any],
        n_inputs: int,
        penalty: Callable[[list[Any]], Any] | None,
        parameters: Sequence[Value],
        tape: Tape | None = None,
    ) -> None:
        tape = Tape() if tape is None else tape
        try:
            with modes.traced_on(tape):
                result = tape.lift(loss([tape.input(place) for place in range(n_inputs)]))
                placeholders = [tape.placeholder(parameter) for parameter in parameters]
                extra = None if penalty is None else tape.lift(penalty(placeholders))
        finally:
            tape.ended = True
        self.tape, self.results = tape, (result, extra)
        self.n_inputs = n_inputs
        self.careful = self.checked = False
        self._runner: Runner | None = None

    def same_as(self, other: Trainer) -> bool:
        """Whether two traces are of one function: without chance, counters, and numbers that change."""
        return (
            self.results == other.results
            and list(map(id, self.tape.parameters)) == list(map(id, other.tape.parameters))
            and self.steps == other.steps
        )

    @property
    def steps(self) -> list[Any]:
        """Those of the tape, to be compared: 0.0 equals -0.0, and NaN nothing."""
        return [repr(step) if step[0] == "constant" else step for step in self.tape.steps]

    @property
    def runner(self) -> Runner:
        if self._runner is None:
            loss, penalty = self.results
            self._runner = runner_of(
                lambda native: forms.parameter_gradient(self.tape, loss, penalty, native, self.careful, self.checked),
                self.tape.parameters,
                self.n_inputs,
            )
        return self._runner

    def change(self, stopped: int) -> None:
        """From now on the gradient is a careful one, see `adjoint.adjoints`, or what raises is looked for; slower."""
        self.careful, self.checked = self.careful or stopped == WANTS_CARE, self.checked or stopped == WANTS_CHECKS
        self._runner = None

    @property
    def parameters(self) -> list[Value]:
        """In the order of the gradients."""
        return self.runner.parameters

    @property
    def runs_in_c(self) -> bool:
        return self.runner.native is not None

    def gradient(self, table: Any, weight: float, threads: int = 1) -> tuple[float, float, list[float]]:
        """The weighted sum of the rows' losses, the penalty, and the gradient of their sum, as `parameters` now are.

        Raises RowsRaise where a loss or the penalty raises.
        """
        (loss, penalty, *gradient), raised = self.runner.run_sums(table, weight, threads)
        raises = gradient.pop(0) if self.checked else 0.0
        if raises:
            raise RowsRaise
        wants = WANTS_CHECKS if raised and not self.checked else 0
        if not self.careful and not all(map(isfinite, gradient)):
            wants = wants or WANTS_CARE
        if wants:
            self.change(wants)
            return self.gradient(table, weight, threads)
        return loss, penalty, gradient


class Loop:
    """Steps of a rule over epochs, inside of C; the numbers of the parameters stay there until `write_back`."""

    def __init__(self, trainer: Trainer, state: Sequence[Sequence[float]]) -> None:
        self.trainer = trainer
        self.numbers = array("d", [parameter.data for parameter in trainer.parameters])
        self.gradients = array("d", bytes(8 * len(self.numbers)))
        self.state = array("d", [number for part in state for number in part])
        self.totals = array("d", [0.0, 0.0, float("inf")])  # of the epoch so far: losses, norms; the best loss

    def run(
        self,
        rule: UpdateRule,
        table: Any,
        order: Any,
        batch: int,
        mean: bool,
        progress: Progress,
        epochs: int,
        tolerance: float | None,
        patience: int,
        seconds: float,
        threads: int,
    ) -> tuple[Progress, array[float], array[float]]:
        """Up to so many epochs, or what `seconds` allow: where the training stands, the losses and the gradient norms.

        order  the number of rows where they are taken in order and the table is padded, else their places
        """
        losses, norms = array("d", bytes(8 * epochs)), array("d", bytes(8 * epochs))
        settings = array("d", [float(setting) for setting in rule[1:]])
        limit = -1.0 if tolerance is None else tolerance
        found = self.trainer.runner.native.train(
            self.numbers, table, order, rule.kind, settings, self.state, progress.steps, progress.started, batch,
            mean, epochs, progress.at, self.totals, limit, progress.waited, patience, losses, norms, self.gradients,
            seconds, threads, self.trainer.careful,
        )  # fmt: skip
        after = Progress(*found)
        if after.stopped in (WANTS_CHECKS, WANTS_CARE):  # the step was not taken: the next call does it again
            self._change(after.stopped)
        del losses[after.epochs :], norms[after.epochs :]
        return after, losses, norms

    def _change(self, stopped: int) -> None:
        """Goes on with another program, which may have the parameters in another order."""
        index = {parameter: i for i, parameter in enumerate(self.trainer.parameters)}
        self.trainer.change(stopped)
        order = [index[parameter] for parameter in self.trainer.parameters]
        self.state = array("d", [part[i] for part in self.parts_of_state() for i in order])
        self.numbers, self.gradients = (array("d", [of[i] for i in order]) for of in (self.numbers, self.gradients))

    def parts_of_state(self) -> list[list[float]]:
        count = len(self.numbers)
        return [self.state[k : k + count].tolist() for k in range(0, len(self.state), count)]

    def write_back(self) -> None:
        for parameter, number, gradient in zip(self.trainer.parameters, self.numbers, self.gradients):
            parameter.data, parameter.grad = number, gradient
