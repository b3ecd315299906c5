"""How an epoch of `fit` is computed: on the eager engine, row by row; or compiled, see `compiled_epochs`.

Both take the same steps, in the same order, with the same batches; they differ in the last digits.
"""

from __future__ import annotations

import math
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any, Literal, NamedTuple

from autograd import Value
from autograd.formatting import on_one_line, shown
from nn.modules import Module
from nn.optimizers import Optimizer, gradient_norm
from nn.rows import Target

Engine = Literal["auto", "eager", "compiled"]
Loss = Callable[[Any, Any], Any]
Penalty = Callable[[list[Value]], Any]


class Problem(NamedTuple):
    """What is minimised: the mean or sum of the rows' losses, plus the penalty."""

    model: Module
    rows: list[list[float]]
    targets: list[Target]
    loss: Loss
    penalty: Penalty | None
    mean: bool


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

    Only the main thread is interrupted, and only where Python has a handler for it.
    """

    def __init__(self) -> None:
        self._handler: Any = None
        self._pending: tuple[Any, ...] | None = None

    def __enter__(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        self._handler = handler if main and callable(handler) else None
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
    """The rows one after the other, each with a graph of its own."""

    name = "eager"
    interrupts: Any = nullcontext()  # a step in Python may take long, and can be left at any point

    def __init__(self, problem: Problem, optimizer: Optimizer, size: int) -> None:
        self.problem, self.optimizer, self.size = problem, optimizer, size
        self.parameters = problem.model.parameters()

    def run(self, order: list[int], epochs: int, convergence: Convergence) -> tuple[Sequence[float], Sequence[float]]:
        """One epoch: its loss and the mean of the gradient's norms. Raises OverflowError where a loss is not finite."""
        return one_epoch(self, self.differentiate, order)

    def differentiate(self, batch: Sequence[int]) -> tuple[float, float]:
        """The batch's loss and penalty; afterwards the gradient of their sum is in the parameters' grads."""
        model, rows, targets, loss, penalty, mean = self.problem
        for parameter in self.parameters:
            parameter.grad = 0.0
        weight, total = 1.0 / len(batch) if mean else 1.0, 0.0
        for i in batch:
            result = loss(model(rows[i]), targets[i])
            if not isinstance(result, Value):
                raise TypeError(
                    f"The loss of a row is to be a Value that depends on the parameters, got {shown(result)}.\n"
                    "  A plain number has no gradient.\n"
                    "  Write loss=nn.squared_error, or a function of prediction and target without .data and float()."
                )
            result.backward(weight)
            total += result.data
        extra = 0.0 if penalty is None else penalty(self.parameters)
        if isinstance(extra, Value):
            extra.backward()
        return total * weight, extra.data if isinstance(extra, Value) else float(extra)

    def sync(self) -> None:
        """Parameters and optimiser are up to date at all times."""


def epochs_of(problem: Problem, optimizer: Optimizer, size: int, engine: Engine, threads: int) -> Any:
    """The engine that was asked for. "auto" compiles where a trace says all, and says so where it does not."""
    if engine == "eager":
        return Eager(problem, optimizer, size)
    from nn.compiled_epochs import Compiled, TracesDiffer  # imported here, so that `import nn` stays instant

    try:
        return Compiled(problem, optimizer, size, threads)
    except TracesDiffer as error:
        if engine == "compiled":
            raise
        warnings.warn(f"fit stays eager: {on_one_line(str(error), 200)}", RuntimeWarning, stacklevel=3)
    except Exception:
        # Whatever the model or its loss has against a trace, the eager engine says it at the row where it happens.
        if engine == "compiled":
            raise
    return Eager(problem, optimizer, size)


def timed(engine: Any, order: list[int], epochs: int, convergence: Convergence) -> tuple[Any, Any, Any]:
    """The losses, gradient norms and seconds of the epochs that the engine did."""
    start = perf_counter()
    losses, norms = engine.run(order, epochs, convergence)
    return losses, norms, [(perf_counter() - start) / len(losses)] * len(losses)
