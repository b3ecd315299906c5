"""fit: minimise the empirical risk of a model over rows; predict: what the model says of rows.

    risk = (1/T) sum_t loss(model(x_t), y_t) + penalty(parameters)

Each row's loss is differentiated by itself and the adjoints add up in the parameters' grads, as in the lectures' loop,
so that only the graph of one row is in memory.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from random import Random
from typing import Any, Literal, NamedTuple, overload

import autograd
from autograd import Value, no_grad
from autograd.dispatch import as_float, as_int
from autograd.formatting import shown
from nn.epochs import Convergence, Engine, Interrupts, Penalty, Problem, epochs_of, timed
from nn.initialization import generator_of
from nn.losses import Loss, loss_of
from nn.modules import Module
from nn.optimizers import Optimizer
from nn.rows import Target, checked_rows, rows_of
from nn.schedules import Schedule

Reduction = Literal["mean", "sum"]
Callback = Callable[["History"], Any]
MOST_EPOCHS = 100_000  # of one call into C
MOST_THREADS = 1024


class Epoch(NamedTuple):
    """One pass over the rows, as `History` describes it."""

    loss: float
    validation_loss: float | None
    gradient_norm: float
    seconds: float


class Numbers:
    """An attribute that is a list of numbers. What `more` adds waits until somebody looks.

    A small network's epoch takes less time in C than its floats do in Python.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.place = "_" + name

    def __set__(self, history: Any, numbers: Iterable[float]) -> None:
        vars(history)[self.place] = list(numbers), []

    @overload
    def __get__(self, history: None, owner: type) -> Numbers: ...
    @overload
    def __get__(self, history: object, owner: type) -> list[float]: ...
    def __get__(self, history: Any, owner: type) -> Any:
        if history is None:
            return self
        listed, waiting = vars(history)[self.place]
        for start, numbers in waiting:
            listed[start:] = numbers  # which may be done again: Ctrl-C comes at any time
        waiting.clear()
        return listed

    def more(self, history: Any, numbers: Sequence[float]) -> None:
        listed, waiting = vars(history)[self.place]
        start = waiting[-1][0] + len(waiting[-1][1]) if waiting else len(listed)
        waiting.append((start, numbers))


class History:
    """What happened in `fit`: a number for each whole epoch, and how it ended.

    loss             the risk with its penalty; of several batches the mean, each before its own step
    validation_loss  the risk of the validation rows after the epoch, without the penalty; empty without such rows
    gradient_norm    the Euclidean norm of the gradient, the mean over the epoch's steps
    seconds          how long the epoch took
    epochs           the same as one tuple for each epoch
    engine           "compiled" or "eager", see `fit`
    snapshots        the parameters' numbers, see `snapshot_every` in `fit`; autograd.explore shows them
    converged        the loss no longer fell, see `tolerance` in `fit`
    interrupted      Ctrl-C ended it; the model is as the last whole step left it
    diverged         a loss became infinite or NaN; the model is as the step before left it
    """

    loss, gradient_norm, seconds = Numbers(), Numbers(), Numbers()

    def __init__(self) -> None:
        self.loss, self.gradient_norm, self.seconds = [], [], []
        self.validation_loss: list[float] = []
        self.engine = ""
        self.snapshots: list[dict[Value, float]] = []
        self.converged = self.interrupted = self.diverged = False

    @property
    def epochs(self) -> list[Epoch]:
        validation: list[Any] = list(self.validation_loss) or [None] * len(self.loss)
        return [Epoch(*numbers) for numbers in zip(self.loss, validation, self.gradient_norm, self.seconds)]

    def add(self, losses: Sequence[float], gradient_norms: Sequence[float], seconds: Sequence[float]) -> None:
        """More epochs: their numbers, which become part of the lists."""
        History.loss.more(self, losses)
        History.gradient_norm.more(self, gradient_norms)
        History.seconds.more(self, seconds)

    def plot(self, axes: Any = None) -> Any:
        """Draw the losses over the epochs; see `nn.plot_history`."""
        from nn.plots import plot_history  # plots.py uses this module

        return plot_history(self, axes)

    def __repr__(self) -> str:
        end = "".join(f", {how}" for how in ("converged", "interrupted", "diverged") if getattr(self, how))
        loss = f", loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}" if self.loss else ""
        return f"History({len(self.loss)} epochs{loss}{end})"


def fit(
    model: Module,
    X: Any,
    y: Any,
    loss: Loss | str,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: int | Random | None = None,
    penalty: Penalty | None = None,
    reduction: Reduction = "mean",
    validation: tuple[Any, Any] | None = None,
    tolerance: float | None = None,
    callbacks: Callback | Iterable[Callback] | None = (),
    progress: bool = True,
    patience: int = 10,
    snapshot_every: int | None = None,
    engine: Engine = "auto",
    threads: int = 1,
) -> History:
    """Train `model` on rows X (T x n_inputs) and targets y (T, or T x n_outputs); returns how it went.

    model       a Module; its call on one row gives the prediction
    loss        loss(prediction, target) of one row, see `nn.losses`, or a name from there: "squared_error"
    optimizer   moves the model's parameters, as nn.SGD(model.parameters(), lr=0.1): one step for each batch
    batch_size  the rows of one step; None for all of them, as a number beyond them
    shuffle     take the rows of small batches in a new order in each epoch, drawn with `seed`
    penalty     a function of the parameters that is added to the risk: lambda ps: 1e-4 * nn.l2_penalty(ps)
    reduction   "mean" of the losses over the rows of a batch, or their "sum"
    validation  rows (X, y) to be judged after each epoch
    tolerance   stop as converged when `patience` epochs in a row are not better than the best by more than this
    callbacks   functions that are called with the History after every epoch; one that returns True stops the training.
                What they change of the model, its loss and the penalty counts from the next epoch on
    progress    show a bar with the loss
    snapshot_every  keep the parameters' numbers in `History.snapshots`: at the start and after every so many epochs
    engine      "compiled": model and loss are traced and run over rows, whole epochs in C with SGD, Adam and AdamW;
                "eager": row by row; "auto": compiled where two traces agree with each other and with the eager engine,
                else eager, with a warning that says why
    threads     over which compiled rows are divided; worth it above some 50 microseconds a step

    X and y are lists, NumPy arrays or pandas objects. The same seed gives the same result, to the last bit. A row whose
    loss is a plain number adds that number and no gradient. Ctrl-C returns the history so far. Raises ValueError for
    rows that do not fit together and settings out of range.

    >>> from nn import SGD, Neuron, squared_error
    >>> line = Neuron(1, activation=None, seed=0)
    >>> fit(line, [0, 1, 2], [1, 3, 5], squared_error, SGD(line.parameters(), lr=0.5), epochs=100, progress=False)
    History(100 epochs, loss 2.492 -> 6.057e-16)
    >>> [f"{number:.3f}" for number in predict(line, [10])]
    ['21.000']

    Source: lecture 001, "Training by gradient descent"; lecture 000, the empirical risk.
    """
    rows, targets = checked_rows(X, y)
    held_out = None if validation is None else _held_out(validation)
    loss, after_epochs = loss_of(loss), _callbacks(callbacks)
    _check(model.parameters(), optimizer, reduction, engine)
    counts = {"epochs": epochs, "batch_size": batch_size, "patience": patience, "snapshot_every": snapshot_every}
    last, size, patience, snapshot_every, threads = map(_count, (counts | {"threads": threads}).items())
    tolerance = None if tolerance is None else as_float(tolerance)
    generator = generator_of(seed)
    order, size = list(range(len(rows))), min(size or len(rows), len(rows))
    problem = Problem(model, rows, targets, loss, penalty, reduction == "mean")
    history, convergence = History(), Convergence(tolerance, min(patience, last + 1))
    computing: Any = None
    done, bar = 0, _bar(last, progress)

    def snap() -> None:
        if snapshot_every and done % snapshot_every == 0:
            history.snapshots.append({parameter: parameter.data for parameter in model.parameters()})

    def note(validation_losses: Sequence[float] = ()) -> None:
        nonlocal done
        with Interrupts():
            convergence.look_at(losses)
            history.add(losses, norms, seconds)
            history.validation_loss += validation_losses
            done += len(losses)

    def warn() -> None:
        if computing.reason:
            warnings.warn(computing.reason, RuntimeWarning, stacklevel=3)
            computing.reason = ""

    shuffles = shuffle and size < len(rows)
    looks = bool(after_epochs) or held_out is not None or snapshot_every is not None
    changes = any(type(callback).__module__ != Schedule.__module__ for callback in after_epochs)
    snap()
    try:
        computing = epochs_of(problem, optimizer, size, engine, threads)
        history.engine = computing.name
        while done < last and not convergence.reached:
            if done and changes and not computing.is_current():
                computing = epochs_of(problem, optimizer, size, engine, threads)
                history.engine = computing.name
            if computing.sure:
                warn()
            if shuffles:
                generator.shuffle(order)
            block = 1 if shuffles or looks else min(last - done, MOST_EPOCHS)
            with computing.interrupts:
                losses, norms, seconds = timed(computing, order, block, convergence)
                if held_out is None:
                    note()
            warn()
            if looks:
                computing.sync()
            if held_out is not None:
                with no_grad():
                    risk = _number(_risk(model, *held_out, loss, reduction))
                if not math.isfinite(risk):
                    raise OverflowError(f"the validation loss is {risk}")
                note([risk])
            snap()
            bar.set_postfix(loss=f"{losses[-1]:.4g}", refresh=False)
            bar.update(len(losses))
            history.converged = convergence.reached
            if True in [callback(history) for callback in after_epochs]:
                break
    except KeyboardInterrupt:
        history.interrupted = True
    except OverflowError as error:
        history.diverged = True
        warnings.warn(
            f"Training diverged in epoch {done + 1}: {str(error).rstrip('.')}.\n"
            "  The model is as the step before left it. Take a smaller learning rate, or scale the inputs.",
            RuntimeWarning,
            stacklevel=2,
        )
    finally:
        if computing is not None:
            computing.sync()
        bar.close()
    return history


def empirical_risk(
    model: Module, X: Any, y: Any, loss: Loss | str, penalty: Penalty | None = None, reduction: Reduction = "mean"
) -> Any:
    """The mean (or sum) of loss(model(x_t), y_t) over the rows, plus the penalty: one Value, the graph of all rows.

    A row whose loss is a plain number adds that number; where all of them are, so is the risk.

    >>> from nn import Neuron, minimize, squared_error
    >>> line = Neuron(1, activation=None, seed=0)
    >>> result = minimize(lambda: empirical_risk(line, [0, 1, 2], [1, 3, 5], squared_error), line.parameters())
    >>> f"{line.weights[0]:.6f} {line.bias:.6f}"
    '2.000000 1.000000'

    Source: lecture 000, the empirical risk.
    """
    _check_reduction(reduction)
    risk = _risk(model, *checked_rows(X, y), loss_of(loss), reduction)
    return risk if penalty is None else risk + penalty(model.parameters())


def predict(model: Module, X: Any) -> list[Any]:
    """What the model says of each row of X: a number for a single output, else a list of numbers.

    >>> from nn import MLP
    >>> predict(MLP(2, [3, 2], seed=0), [[0.0, 0.0], [0.0, 0.0]])
    [[0.0, 0.0], [0.0, 0.0]]
    """
    with no_grad():
        outputs = [model(row) for row in rows_of(X)]
    return [
        [_number(v) for v in output] if isinstance(output, (list, tuple)) else _number(output) for output in outputs
    ]


def _risk(model: Module, rows: list[list[float]], targets: list[Target], loss: Loss, reduction: Reduction) -> Any:
    total = autograd.sum(loss(model(row), target) for row, target in zip(rows, targets))
    return total / len(rows) if reduction == "mean" else total


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else as_float(x)


def _check(parameters: list[Value], optimizer: Optimizer, reduction: str, engine: str) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit needs an optimizer, got {shown(optimizer)}.\n  It moves the parameters after each batch.\n"
            "  Write optimizer=nn.SGD(model.parameters(), lr=0.1)."
        )
    if not set(parameters) & set(optimizer.parameters):
        raise ValueError(
            "The optimizer moves none of this model's parameters.\n"
            "  It was made for another model, or for this one before it was made anew.\n"
            f"  Write optimizer={type(optimizer).__name__}(model.parameters(), lr={optimizer.lr})."
        )
    _check_reduction(reduction)
    if engine not in ("auto", "eager", "compiled"):
        raise ValueError(
            f'The engine is "auto", "eager" or "compiled", got {shown(engine)}.\n'
            "  It says how the steps are computed; the steps are the same.\n"
            '  Write engine="auto", which compiles where it can.'
        )


COUNTS = {  # the least number, the largest that makes a difference, what it counts, an example
    "epochs": (0, None, "passes over all rows", "100"),
    "batch_size": (1, None, "the rows of one step", "None for all of them, or 32"),
    "patience": (1, None, "the epochs without a better loss that end the training", "10"),
    "snapshot_every": (1, None, "epochs", "10, or None"),
    "threads": (1, MOST_THREADS, "the threads that rows are divided over", "2"),
}


def _count(setting: tuple[str, Any]) -> Any:
    """A setting that counts something, as an int; None stays None where it may be."""
    name, given = setting
    least, most, counted, example = COUNTS[name]
    if given is None and "None" in example:
        return None
    try:
        number = as_int(given)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, got {shown(given)}.\n"
            f"  It counts {counted}.\n  Write {name}={example}."
        )
    return number if most is None else min(number, most)


def _held_out(validation: Any) -> tuple[list[list[float]], list[Target]]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(
            f"validation is a tuple of rows and their targets, got {shown(validation)}.\n"
            "  These rows are judged after each epoch, and are not trained on; nothing is split off.\n"
            "  Write fit(model, X[20:], y[20:], ..., validation=(X[:20], y[:20])) for the first 20 rows."
        )
    return checked_rows(*validation)


def _callbacks(callbacks: Any) -> list[Callback]:
    """None is none, and a function is one."""
    several = [callbacks] if callable(callbacks) else [] if callbacks is None else callbacks
    listed = list(several) if isinstance(several, Iterable) else [several]
    for callback in listed:
        if not callable(callback):
            raise TypeError(
                f"A callback is a function of the History, got {shown(callback)}.\n"
                "  It is called after each epoch.\n"
                "  Write callbacks=[lambda history: print(history.loss[-1])]."
            )
    return listed


def _check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum"):
        raise ValueError(
            f'The reduction is "mean" or "sum", got {shown(reduction)}.\n'
            '  It says how the losses of the rows become the risk.\n  Write reduction="mean".'
        )


def _bar(epochs: int, progress: bool) -> Any:
    # Python without a console, pythonw or a daemon, has no stderr, or a closed one.
    progress = progress and sys.stderr is not None and not getattr(sys.stderr, "closed", False)
    # Imported here, so that `import nn` stays instant; and tqdm.auto warns where a notebook has no widgets.
    tqdm = import_module("tqdm.auto" if progress else "tqdm").tqdm
    return tqdm(total=epochs, desc="fit", unit="epoch", disable=not progress)
