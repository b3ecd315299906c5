"""fit: minimise the empirical risk of a model over rows; predict: what the model says of rows.

    risk = (1/T) sum_t loss(model(x_t), y_t) + penalty(parameters)

Each row's loss is differentiated by itself and the adjoints add up in the parameters' grads, as in the lectures' loop,
so that only the graph of one row is in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from math import inf, isfinite
from numbers import Integral
from random import Random
from time import perf_counter
from typing import Any, Literal, NamedTuple

import autograd
from autograd import Value, no_grad
from autograd.formatting import shown
from nn.modules import Module
from nn.optimizers import Optimizer, gradient_norm
from nn.rows import Target, checked_rows, rows_of

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[list[Value]], Any]
Reduction = Literal["mean", "sum"]


class Epoch(NamedTuple):
    """One pass over the rows, as `History` describes it."""

    loss: float
    validation_loss: float | None
    gradient_norm: float
    seconds: float


class History:
    """What happened in `fit`: a number for each whole epoch, and how it ended.

    loss             the risk with its penalty; of several batches the mean, each before its own step
    validation_loss  the risk of the validation rows after the epoch, without the penalty; empty without such rows
    gradient_norm    the Euclidean norm of the gradient, the mean over the epoch's steps
    seconds          how long the epoch took
    snapshots        the parameters' numbers, see `snapshot_every` in `fit`; autograd.explore shows them
    converged        the loss no longer fell, see `tolerance` in `fit`
    interrupted      Ctrl-C ended it; the model is as the last whole step left it
    diverged         a loss became infinite or NaN; the model is as it was before
    """

    def __init__(self) -> None:
        self.epochs: list[Epoch] = []
        self.snapshots: list[dict[Value, float]] = []
        self.converged = self.interrupted = self.diverged = False

    @property
    def loss(self) -> list[float]:
        return [epoch.loss for epoch in self.epochs]

    @property
    def validation_loss(self) -> list[float]:
        return [epoch.validation_loss for epoch in self.epochs if epoch.validation_loss is not None]

    @property
    def gradient_norm(self) -> list[float]:
        return [epoch.gradient_norm for epoch in self.epochs]

    @property
    def seconds(self) -> list[float]:
        return [epoch.seconds for epoch in self.epochs]

    def plot(self, axes: Any = None) -> Any:
        """Draw the losses over the epochs; see `nn.plot_history`."""
        from nn.plots import plot_history  # plots.py uses this module

        return plot_history(self, axes)

    def __repr__(self) -> str:
        end = "".join(f", {how}" for how in ("converged", "interrupted", "diverged") if getattr(self, how))
        loss = f", loss {self.epochs[0].loss:.4g} -> {self.epochs[-1].loss:.4g}" if self.epochs else ""
        return f"History({len(self.epochs)} epochs{loss}{end})"


def fit(
    model: Module,
    X: Any,
    y: Any,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: int | Random | None = None,
    penalty: Penalty | None = None,
    reduction: Reduction = "mean",
    validation: tuple[Any, Any] | None = None,
    tolerance: float | None = None,
    callbacks: Sequence[Callable[[History], Any]] = (),
    progress: bool = True,
    patience: int = 10,
    snapshot_every: int | None = None,
) -> History:
    """Train `model` on rows X (T x n_inputs) and targets y (T, or T x n_outputs); returns how it went.

    model       a Module; its call on one row gives the prediction
    loss        loss(prediction, target) of one row, see `nn.losses`
    optimizer   moves the model's parameters, as nn.SGD(model.parameters(), lr=0.1): one step for each batch
    batch_size  the rows of one step; None for all of them
    shuffle     take the rows of small batches in a new order in each epoch, drawn with `seed`
    penalty     a function of the parameters that is added to the risk: lambda ps: 1e-4 * nn.l2_penalty(ps)
    reduction   "mean" of the losses over the rows of a batch, or their "sum"
    validation  rows (X, y) to be judged after each epoch
    tolerance   stop as converged when `patience` epochs in a row are not better than the best by more than this
    callbacks   called with the History after every epoch; one that returns True stops the training
    progress    show a bar with the loss
    snapshot_every  keep the parameters' numbers in `History.snapshots`: at the start and after every so many epochs

    X and y are lists, NumPy arrays or pandas objects. The same seed gives the same result, to the last bit. Ctrl-C
    returns the history so far. Raises ValueError for rows that do not fit together and settings out of range.

    >>> from nn import SGD, Neuron, squared_error
    >>> line = Neuron(1, activation=None, seed=0)
    >>> fit(line, [0, 1, 2], [1, 3, 5], squared_error, SGD(line.parameters(), lr=0.5), epochs=100, progress=False)
    History(100 epochs, loss 2.492 -> 6.057e-16)
    >>> [f"{number:.3f}" for number in predict(line, [10])]
    ['21.000']

    Source: lecture 001, "Training by gradient descent"; lecture 000, the empirical risk.
    """
    rows, targets = checked_rows(X, y)
    held_out = None if validation is None else checked_rows(*validation)
    parameters = model.parameters()
    _check(parameters, optimizer, epochs, batch_size, reduction, patience, snapshot_every)
    generator = seed if isinstance(seed, Random) else Random(seed)
    order, size = list(range(len(rows))), batch_size or len(rows)
    history, best, waited = History(), inf, 0
    bar = _bar(epochs, progress)

    def snap() -> None:
        if snapshot_every and len(history.epochs) % snapshot_every == 0:
            history.snapshots.append({parameter: parameter.data for parameter in parameters})

    snap()
    try:
        while len(history.epochs) < epochs and not history.converged:
            start = perf_counter()
            if shuffle and size < len(rows):
                generator.shuffle(order)
            total, norms = 0.0, []
            for first in range(0, len(rows), size):
                batch = [(rows[i], targets[i]) for i in order[first : first + size]]
                batch_loss, batch_penalty = _differentiate(model, batch, loss, penalty, reduction)
                if not isfinite(batch_loss + batch_penalty):
                    raise OverflowError(f"the loss is {batch_loss + batch_penalty}")
                optimizer.step()
                share = len(batch) / len(rows)
                total += (batch_loss if reduction == "sum" else share * batch_loss) + share * batch_penalty
                norms.append(gradient_norm(parameters))
            with no_grad():
                validation_loss = None if held_out is None else _number(_risk(model, *held_out, loss, reduction))
            history.epochs.append(Epoch(total, validation_loss, sum(norms) / len(norms), perf_counter() - start))
            snap()
            bar.set_postfix(loss=f"{total:.4g}", refresh=False)
            bar.update()
            waited = 0 if tolerance is None or total < best - tolerance else waited + 1
            best = min(best, total)
            history.converged = waited >= patience
            if True in [callback(history) for callback in callbacks]:
                break
    except KeyboardInterrupt:
        history.interrupted = True
    except OverflowError as error:
        history.diverged = True
        warnings.warn(
            f"Training diverged in epoch {len(history.epochs) + 1}: {str(error).rstrip('.')}.\n"
            "  The model is as the step before left it. Take a smaller learning rate, or scale the inputs.",
            RuntimeWarning,
            stacklevel=2,
        )
    finally:
        bar.close()
    return history


def empirical_risk(
    model: Module, X: Any, y: Any, loss: Loss, penalty: Penalty | None = None, reduction: Reduction = "mean"
) -> Any:
    """The mean (or sum) of loss(model(x_t), y_t) over the rows, plus the penalty: one Value, the graph of all rows.

    >>> from nn import Neuron, minimize, squared_error
    >>> line = Neuron(1, activation=None, seed=0)
    >>> result = minimize(lambda: empirical_risk(line, [0, 1, 2], [1, 3, 5], squared_error), line.parameters())
    >>> f"{line.weights[0]:.6f} {line.bias:.6f}"
    '2.000000 1.000000'

    Source: lecture 000, the empirical risk.
    """
    _check_reduction(reduction)
    risk = _risk(model, *checked_rows(X, y), loss, reduction)
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


def _differentiate(
    model: Module, batch: list[tuple[list[float], Target]], loss: Loss, penalty: Penalty | None, reduction: Reduction
) -> tuple[float, float]:
    """The batch's loss and penalty; afterwards the gradient of their sum is in the parameters' grads."""
    model.zero_grad()
    weight = 1.0 if reduction == "sum" else 1.0 / len(batch)
    total = 0.0
    for row, target in batch:
        result = loss(model(row), target)
        if not isinstance(result, Value):
            raise TypeError(
                f"The loss of a row is to be a Value that depends on the parameters, got {shown(result)}.\n"
                "  A plain number has no gradient.\n"
                "  Write loss=nn.squared_error, or a function of prediction and target without .data and float()."
            )
        result.backward(weight)
        total += result.data
    extra = 0.0 if penalty is None else penalty(model.parameters())
    if isinstance(extra, Value):
        extra.backward()
    return total * weight, _number(extra)


def _risk(model: Module, rows: list[list[float]], targets: list[Target], loss: Loss, reduction: Reduction) -> Any:
    total = autograd.sum(loss(model(row), target) for row, target in zip(rows, targets))
    return total / len(rows) if reduction == "mean" else total


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


def _check(
    parameters: list[Value],
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None,
    reduction: str,
    patience: int,
    snapshot_every: int | None,
) -> None:
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
    settings = {
        "epochs": (epochs, 0, "passes over all rows", 100),
        "batch_size": (
            1 if batch_size is None else batch_size,
            1,
            "the rows of one step",
            "None for all of them, or 32",
        ),
        "patience": (patience, 1, "the epochs without a better loss that end the training", 10),
        "snapshot_every": (1 if snapshot_every is None else snapshot_every, 1, "epochs", "10, or None"),
    }
    for name, (number, least, counted, example) in settings.items():
        if not isinstance(number, Integral) or number < least:
            raise ValueError(
                f"{name} must be a whole number of at least {least}, got {shown(number)}.\n"
                f"  It counts {counted}.\n  Write {name}={example}."
            )


def _check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum"):
        raise ValueError(
            f'The reduction is "mean" or "sum", got {shown(reduction)}.\n'
            '  It says how the losses of the rows become the risk.\n  Write reduction="mean".'
        )


def _bar(epochs: int, progress: bool) -> Any:
    # Imported here, so that `import nn` stays instant; and tqdm.auto warns where a notebook has no widgets.
    tqdm = import_module("tqdm.auto" if progress else "tqdm").tqdm
    return tqdm(total=epochs, desc="fit", unit="epoch", disable=not progress)
