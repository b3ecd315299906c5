"""How an epoch of `fit` is computed: on the eager engine, row by row; or compiled, see `compiled_epochs`.

Both take the same steps, in the same order, with the same batches; they differ in the last digits.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any, Literal, NamedTuple

import autograd
from autograd import Value
from autograd.dispatch import as_float
from autograd.formatting import on_one_line, shown, written_line
from autograd.tracing import TracingError
from nn.guards import State
from nn.losses import Loss
from nn.modules import Module
from nn.optimizers import Optimizer, gradient_norm
from nn.rows import Target

Engine = Literal["auto", "eager", "compiled"]
Penalty = Callable[[list[Value]], Any]
PACKAGES = tuple(os.path.dirname(file) + os.sep for file in (autograd.__file__, __file__))
LIBRARIES = tuple(sysconfig.get_paths()[name] + os.sep for name in ("stdlib", "purelib", "platlib"))


class Problem(NamedTuple):
    """What is minimised: the mean or sum of the rows' losses, plus the penalty."""

    model: Module
    rows: list[list[float]]
    targets: list[Target]
    loss: Loss
    penalty: Penalty | None
    mean: bool

    @property
    def state(self) -> State:
        """What the three functions are made of now."""
        return State(self.model, self.loss, self.penalty)


class Convergence:
    """Whether `patience` epochs in a row were not better than the best loss by more than `tolerance`."""

    def __init__(self, tolerance: float | None, patience: int) -> None:
        self.tolerance, self.patience = tolerance, patience
        self.best, self.waited = math.inf, 0

    @property
    def reached(self) -> bool:
        return self.waited >= self.patience

    def look_at(self, losses: Sequence[float]) -> None:
        if self.tolerance is not None:
            for loss in losses:
                self.waited = 0 if loss < self.best - self.tolerance else self.waited + 1
                self.best = min(self.best, loss)


class Interrupts:
    """A block that Ctrl-C waits for: what has happened and what is noted of it go together.

    Only the main thread is interrupted, and only where Python has a handler for it. A block inside of another one
    leaves it to that.
    """

    def __init__(self) -> None:
        self._handler: Any = None
        self._pending: tuple[Any, ...] | None = None

    def __enter__(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        inside = getattr(handler, "__func__", None) is Interrupts._wait
        self._handler = handler if main and callable(handler) and not inside else None
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._wait)

    def _wait(self, *signal_and_frame: Any) -> None:
        self._pending = signal_and_frame

    def let_through(self) -> None:
        """Calls the handler, which as a rule raises KeyboardInterrupt, if Ctrl-C was pressed."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._handler(*pending)

    def __exit__(self, *error: Any) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            self.let_through()


def one_epoch(
    engine: Any, differentiate: Callable[[Sequence[int]], tuple[float, float]], order: list[int]
) -> tuple[list[float], list[float]]:
    """The loss of an epoch and the mean of its gradient's norms; a step of the optimiser for each batch.

    differentiate(batch) leaves the gradient in the parameters' grads. Raises OverflowError for a loss not finite.
    """
    total, norms, count, mean = 0.0, [], len(order), engine.problem.mean
    for first in range(0, count, engine.size):
        batch = order[first : first + engine.size]
        loss, penalty = differentiate(batch)
        if not math.isfinite(loss + penalty):
            raise OverflowError(f"the loss is {loss + penalty}")
        engine.optimizer.step()
        share = len(batch) / count
        total += (share * loss if mean else loss) + share * penalty
        norms.append(gradient_norm(engine.parameters))
    return [total], [sum(norms) / len(norms)]


class Eager:
    """The rows one after the other, each with a graph of its own.

    reason  why it is not the compiled engine, "" where it was asked for
    sure    whether it gets through a row itself; else what it raises says more than the reason
    """

    name = "eager"
    interrupts: Any = nullcontext()  # a step in Python may take long, and can be left at any point

    def __init__(self, problem: Problem, optimizer: Optimizer, size: int, error: Exception | None = None) -> None:
        self.problem, self.optimizer, self.size = problem, optimizer, size
        self.reason = "" if error is None else reason_of(error)
        self.sure = isinstance(error, TracingError) and self.is_fine()
        self.differentiable = False  # whether a row's loss was a Value
        self.look_again()

    def is_fine(self) -> bool:
        try:
            return isinstance(self.loss_of(0), Value)
        except Exception:
            return False

    def look_again(self) -> None:
        """The parameters of the model as it is now, those that move, and what else is captured."""
        self.of_model = self.problem.model.parameters()
        self.parameters = list(dict.fromkeys([*self.of_model, *self.optimizer.parameters]))
        self.captured = set(self.problem.state.values()).difference(self.parameters)

    def is_current(self) -> bool:
        """Whether it goes on as the model and its loss are now, which callbacks may have changed."""
        self.look_again()
        return True

    def run(self, order: list[int], epochs: int, convergence: Convergence) -> tuple[Sequence[float], Sequence[float]]:
        """One epoch: its loss and the mean of the gradient's norms. Raises OverflowError where a loss is not finite."""
        return one_epoch(self, self.differentiate, order)

    def differentiate(self, batch: Sequence[int]) -> tuple[float, float]:
        """The batch's loss and penalty; afterwards the gradient of their sum is in the parameters' grads."""
        _, _, _, _, penalty, mean = self.problem
        for parameter in self.parameters:
            parameter.grad = 0.0
        grads = [(value, value.grad) for value in self.captured]
        weight, total, plain = 1.0 / len(batch) if mean else 1.0, 0.0, True
        try:
            for i in batch:
                result = self.loss_of(i)
                if isinstance(result, Value):
                    result.backward(weight)
                    plain = False
                total += result.data if isinstance(result, Value) else as_float(result)
            extra = 0.0 if penalty is None else penalty(self.of_model)
            if isinstance(extra, Value):
                extra.backward()
        finally:
            for value, grad in grads:
                value.grad = grad
        self.differentiable = self.differentiable or not plain
        if not self.differentiable:
            self.check_dependence(result)
        return total * weight, extra.data if isinstance(extra, Value) else as_float(extra)

    def loss_of(self, i: int) -> Any:
        model, rows, targets, loss, _, _ = self.problem
        return loss(model(rows[i]), targets[i])

    def check_dependence(self, result: Any) -> None:
        """A row may have a plain number as its loss, but not all of them."""
        self.differentiable = any(isinstance(self.loss_of(i), Value) for i in range(len(self.problem.rows)))
        if not self.differentiable:
            raise TypeError(
                f"The loss of a row is to be a Value that depends on the parameters, got {shown(result)}.\n"
                "  A plain number has no gradient.\n"
                "  Write loss=nn.squared_error, or a function of prediction and target without .data and float()."
            )

    def sync(self) -> None:
        """Parameters and optimiser are up to date at all times."""


def epochs_of(problem: Problem, optimizer: Optimizer, size: int, engine: Engine, threads: int) -> Any:
    """The engine that was asked for. "auto" compiles where a trace says all; else the reason is in the eager one."""
    if engine == "eager":
        return Eager(problem, optimizer, size)
    from nn.compiled_epochs import Compiled  # imported here, so that `import nn` stays instant

    try:
        return Compiled(problem, optimizer, size, threads)
    except Exception as error:
        if engine == "compiled":
            raise
        return Eager(problem, optimizer, size, error)


def reason_of(error: Exception) -> str:
    what = on_one_line(str(error).partition("\n")[0] or type(error).__name__, 300).rstrip(".")
    line = getattr(error, "line", "") or line_of(traceback.walk_tb(error.__traceback__))
    return (
        f"fit stays eager: {what}{'' if not line or line in what else f', at {line}'}.\n"
        "  Only what a trace says completely is compiled; row by row the same takes longer.\n"
        '  Write autograd.where(c, a, b) for a if c else b, or engine="eager" to have it without this warning.'
    )


def line_of(frames: Iterable[tuple[Any, int]]) -> str:
    """The innermost line of the user's program, of frames from outside to inside; "" where there is none."""
    places = [(frame.f_code.co_filename, number) for frame, number in frames]
    mine = [place for place in places if not place[0].startswith((*PACKAGES, *LIBRARIES, "<frozen"))]
    return written_line(*mine[-1]) if mine else ""


def line_now() -> str:
    """The line of the user's program that is being executed."""
    return line_of([*traceback.walk_stack(sys._getframe(1))][::-1])


def timed(engine: Any, order: list[int], epochs: int, convergence: Convergence) -> tuple[Any, Any, Any]:
    """The losses, gradient norms and seconds of the epochs that the engine did."""
    start = perf_counter()
    losses, norms = engine.run(order, epochs, convergence)
    return losses, norms, [(perf_counter() - start) / len(losses)] * len(losses)
