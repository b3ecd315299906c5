"""Compiled epochs of `fit`: batches are rows of a table that a traced loss runs over, see `autograd.compile`."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from autograd import Value, no_grad
from autograd.compiler.training import ADAM, ADAMW, RAISES, Loop, Progress, RowsRaise, Trainer, UpdateRule
from autograd.compiler.training import SGD as SGD_RULE
from autograd.tracing import Tape, TracingError
from nn.epochs import Convergence, Eager, Interrupts, Problem, line_now, line_of, one_epoch
from nn.guards import State
from nn.optimizers import SGD, Adam, AdamW, Optimizer

SLICE = 0.1  # seconds in C between two looks at Ctrl-C and the progress bar
CHECKED = 16  # rows on which both engines are compared first


class TracesDiffer(TracingError):
    """What was traced is not what the model and its loss do; `line` is where, as far as that is known."""

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line


class Compiled:
    """Batches as rows of a table that a traced loss runs over; SGD, Adam and AdamW step inside of C as well."""

    name = "compiled"

    def __init__(self, problem: Problem, optimizer: Optimizer, size: int, threads: int) -> None:
        self.problem, self.optimizer, self.threads = problem, optimizer, threads
        self.trainer, self.state = checked_trace(problem)
        trainer = self.trainer
        self.eager, self.size, self.reason, self.sure = Eager(problem, optimizer, size), size, "", True
        self.of_model, self.parameters = self.eager.of_model, self.eager.parameters
        self.unused = set(self.parameters).difference(trainer.parameters)
        self.moved = list(optimizer.parameters)
        self.count = len(problem.rows)
        self.table = padded_table(problem)
        self.loop: Loop | None = None
        self.progress = Progress(0, 0, 0, 0, 0, 0, 0)
        mine, theirs = trainer.parameters, optimizer.parameters
        self.in_c = trainer.runs_in_c and len(theirs) == len(set(theirs)) and set(mine) == set(theirs)
        self.in_c = self.in_c and type(optimizer) in (SGD, Adam, AdamW)
        self.place = {parameter: i for i, parameter in enumerate(theirs)}
        self.interrupts = Interrupts() if self.in_c else self.eager.interrupts
        check_against_eager(self)
        check_targets(problem)

    def is_current(self) -> bool:
        """Whether a new trace would be the same; a callback may have changed what the model or its loss is made of."""
        if self.optimizer.parameters != self.moved:
            return False
        state = self.problem.state
        if not (state.complete and state.same_as(self.state)):
            try:
                if not self.trainer.same_as(traced(self.problem)):
                    return False
            except Exception:  # the next trace says what it is
                return False
            self.state = state
        return True

    def run(self, order: list[int], epochs: int, convergence: Convergence) -> tuple[Sequence[float], Sequence[float]]:
        """The losses and gradient norms of the epochs that were done: one, or what a slice of time allowed."""
        return self._in_c(order, epochs, convergence) if self.in_c else one_epoch(self, self._differentiate, order)

    def _differentiate(self, batch: Sequence[int]) -> tuple[float, float]:
        """As `Eager.differentiate`. A loss that is not finite raises what it raises there."""
        np = import_module("numpy")
        weight = 1.0 / len(batch) if self.problem.mean else 1.0
        try:
            loss, penalty, gradient = self.trainer.gradient(self.table[np.array(batch)], weight, self.threads)
        except RowsRaise:
            loss = penalty = math.nan
        if not math.isfinite(loss + penalty):
            self._say_why(batch, loss + penalty)
        adjoints = dict(zip(self.trainer.parameters, gradient))
        for parameter in self.parameters:
            parameter.grad = adjoints.get(parameter, 0.0)
        return loss, penalty

    def _in_c(self, order: list[int], epochs: int, convergence: Convergence) -> tuple[Sequence[float], Sequence[float]]:
        in_order = order == sorted(order)
        places = self.count if in_order else array("q", order)
        losses = norms = array("d")
        while not losses:  # an epoch may take several slices
            if self.loop is None:
                self._start()
            loop = self.loop
            assert loop is not None
            loop.totals[2] = convergence.best
            self.progress, losses, norms = loop.run(
                rule_of(self.optimizer), self.table, places, self.size, self.problem.mean,
                self.progress._replace(waited=convergence.waited), epochs, convergence.tolerance,
                convergence.patience, SLICE, self.threads,
            )  # fmt: skip
            if not losses:
                self.interrupts.let_through()
            if self.progress.diverged or self.progress.stopped == RAISES:
                if losses:  # what was done before counts; the next call comes back to the batch that failed
                    break
                at = self.progress.at
                self.sync()
                self._say_why(order[at : at + self.size], math.nan)
        return losses, norms

    def _say_why(self, batch: Sequence[int], loss: float) -> None:
        """Raises what the eager engine raises for a batch whose loss raises, or is not finite."""
        found, penalty = self.eager.differentiate(batch)
        raise OverflowError(f"the loss is {loss if math.isfinite(found + penalty) else found + penalty}")

    def _start(self) -> None:
        optimizer = self.optimizer
        states = [optimizer.states[self.place[parameter]] for parameter in self.trainer.parameters]
        width = 1 if type(optimizer) is SGD else 3
        parts = [[state[k] if state else 0.0 for state in states] for k in range(width)]
        self.loop = Loop(self.trainer, parts)
        self.progress = self.progress._replace(steps=optimizer.steps, started=int(any(states)))

    def sync(self) -> None:
        """Writes what moved in C into the parameters and the optimiser, and forgets it: they may be changed."""
        loop, optimizer = self.loop, self.optimizer
        if loop is None:
            return
        for parameter in self.unused:
            parameter.grad = 0.0
        loop.write_back()
        has_state = type(optimizer) is not SGD or self.progress.started
        if has_state:
            states = dict(zip(self.trainer.parameters, zip(*loop.parts_of_state())))
            optimizer.states = [states[parameter] for parameter in self.place]
        optimizer.steps = self.progress.steps
        self.loop = None


def rule_of(optimizer: Optimizer) -> UpdateRule:
    if isinstance(optimizer, SGD):
        return UpdateRule(
            SGD_RULE, optimizer.lr, optimizer.momentum, optimizer.dampening, optimizer.weight_decay, optimizer.nesterov
        )
    assert isinstance(optimizer, Adam)
    beta1, beta2 = optimizer.betas
    return UpdateRule(
        ADAMW if isinstance(optimizer, AdamW) else ADAM, optimizer.lr, weight_decay=optimizer.weight_decay,
        beta1=beta1, beta2=beta2, eps=optimizer.eps, amsgrad=optimizer.amsgrad,
    )  # fmt: skip


def padded_table(problem: Problem) -> Any:
    """Rows and targets as columns of doubles; the last row again until the length is a multiple of 8, a vector's."""
    np = import_module("numpy")
    targets = np.asarray(problem.targets, dtype=float).reshape(len(problem.rows), -1)
    table = np.column_stack([np.asarray(problem.rows, dtype=float).reshape(len(targets), -1), targets])
    return np.asfortranarray(np.pad(table, ((0, -len(table) % 8), (0, 0)), mode="edge"))


# ------------------------------------------------------------------------------------------------ the trace


def checked_trace(problem: Problem) -> tuple[Trainer, State]:
    """The trace of a row's loss and of the penalty, and what they are made of. Raises TracingError, TracesDiffer where
    a second trace is another, or where a call leaves something changed."""
    trainer, before = traced(problem), problem.state
    with moved(problem.model.parameters()):  # a trace that used the parameters' numbers differs
        again = traced(problem)
    if not trainer.same_as(again):
        raise TracesDiffer(
            "Two traces of the model and its loss differ.\n"
            "  What is drawn by chance, counted, or read from a number that changes would be fixed for good.\n"
            '  Write engine="eager", or make the model a function of its inputs and parameters alone.',
            line_of_difference(problem),
        )
    after = problem.state
    if not before.same_as(after):
        raise TracesDiffer(
            "A call of the model or its loss changes something.\n"
            "  A trace calls them once, not for each row: what they count or keep would be missing.\n"
            '  Write engine="eager", or make the model a function of its inputs and parameters alone.',
            line_of_definition(problem),
        )
    return trainer, after


def traced(problem: Problem, tape: Tape | None = None) -> Trainer:
    model, rows, targets, loss, penalty, _ = problem
    n, first = len(rows[0]), targets[0]

    def of_row(numbers: list[Any]) -> Any:
        return loss(model(numbers[:n]), numbers[n:] if isinstance(first, list) else numbers[n])

    width = len(first) if isinstance(first, list) else 1
    return Trainer(of_row, n + width, penalty, model.parameters(), tape)


class Lines(list[Any]):
    """Steps of a tape, each with the line of the program that made it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def append(self, step: Any) -> None:
        super().append(step)
        self.lines.append(line_now())


def line_of_difference(problem: Problem) -> str:
    """Where two traces part, from two more of them."""
    tapes = [Tape(), Tape()]
    for tape in tapes:
        tape.steps = Lines()
    with moved(problem.model.parameters()):
        first, second = (traced(problem, tape) for tape in tapes)
    pairs = zip(first.steps, second.steps, tapes[1].steps.lines)  # type: ignore[attr-defined]
    return next((line for mine, theirs, line in pairs if mine != theirs and line), line_of_definition(problem))


def line_of_definition(problem: Problem) -> str:
    """Where the user's part of the problem is written: the model's call, the loss or the penalty."""
    functions: list[Any] = [type(problem.model).__call__, problem.loss, problem.penalty]
    codes = [function.__code__ for function in functions if hasattr(function, "__code__")]
    lines = [line_of([(SimpleNamespace(f_code=code), code.co_firstlineno)]) for code in codes]
    return next(filter(None, lines), "the model")


@contextmanager
def moved(parameters: Sequence[Value]) -> Iterator[None]:
    before = [parameter.data for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.data = parameter.data * 1.0009765625 + 1e-6
        yield
    finally:
        for parameter, number in zip(parameters, before):
            parameter.data = number


def check_against_eager(compiled: Compiled) -> None:
    """Compares the gradients of the first rows. Raises TracesDiffer where they differ, or the loss's own error."""
    problem, eager, trainer = compiled.problem, compiled.eager, compiled.trainer
    batch = list(range(min(CHECKED, len(problem.rows))))
    eager.captured.update(set(trainer.parameters).difference(eager.parameters))
    before = [(value, value.grad) for value in eager.parameters]
    try:
        try:
            loss, penalty = eager.differentiate(batch)
        except (ArithmeticError, ValueError):  # when the turn of that row comes, the parameters may be others
            batch = rows_that_do_not_raise(problem)
            if not batch:
                return
            loss, penalty = eager.differentiate(batch)
        weight = 1.0 / len(batch) if problem.mean else 1.0
        found, extra, gradient = trainer.gradient(compiled.table[: len(batch)], weight)
        pairs = [(found, loss), (extra, penalty)]
        adjoints = dict(zip(trainer.parameters, gradient))
        pairs += [(adjoints.get(value, 0.0), value.grad) for value in eager.parameters]
    finally:
        for value, grad in before:
            value.grad = grad
    size = max(abs(b) for _, b in pairs)
    if any(abs(a - b) > 1e-9 * max(abs(b), 1e-3 * size, 1e-300) for a, b in pairs if math.isfinite(b)):
        raise TracesDiffer(
            "The traced loss and the eager one differ on the first rows.\n"
            "  Something in the model or its loss depends on more than inputs and parameters.\n"
            '  Write engine="eager", or make the model a function of its inputs and parameters alone.',
            line_of_definition(problem),
        )


def rows_that_do_not_raise(problem: Problem) -> list[int]:
    """The first rows, up to one whose loss raises; none where the penalty does."""
    with no_grad():
        for i, (row, target) in enumerate(zip(problem.rows[:CHECKED], problem.targets)):
            try:
                problem.loss(problem.model(row), target)
            except (ArithmeticError, ValueError):
                return list(range(i))
    return []


def check_targets(problem: Problem) -> None:
    """The loss looks at every target once, since a trace cannot refuse one."""
    with no_grad():
        output = problem.model(problem.rows[0])
        for target in {tuple(t) if isinstance(t, list) else t: t for t in problem.targets}.values():
            try:
                problem.loss(output, target)
            except (ArithmeticError, ValueError) as error:
                if not hasattr(error, "operation"):  # else it is about these outputs, not about the target
                    raise
