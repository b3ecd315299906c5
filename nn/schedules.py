"""How the learning rate changes over the epochs: PyTorch's names, arguments and formulas.

A schedule sets `optimizer.lr` at every `step()`. It is a callback for `nn.fit` as well, called after each epoch.
Below, lr_0 is the rate that the optimiser had before its first schedule, t the number of steps taken. Several
schedules of one optimiser act together, as in PyTorch: each changes the rate that it finds by its own share.
"""

from __future__ import annotations

from math import cos, pi
from typing import Any

from autograd.dispatch import as_float
from autograd.formatting import shown
from nn.optimizers import Optimizer, float_or_nan


class Schedule:
    """What all schedules share. A subclass gives the formula, `rate(t)`."""

    floor = 0.0  # what the rate falls to; what lies above it is what a schedule scales

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer, self.steps = optimizer, 0
        self.initial_lr: float = vars(optimizer).setdefault("initial_lr", optimizer.lr)
        optimizer.lr = self._after(self.initial_lr, self.rate(0))

    def rate(self, t: int) -> float:
        """The learning rate after t steps."""
        kind = type(self).__name__
        raise NotImplementedError(
            f"{kind} has no formula for the learning rate.\n  A schedule says what the rate is after t steps.\n"
            f"  Write def rate(self, t): return self.initial_lr / (1 + t) in the class {kind}."
        )

    def step(self) -> None:
        """One epoch is over: set the rate of the next one."""
        self.steps += 1
        self.optimizer.lr = self._after(self.rate(self.steps - 1), self.rate(self.steps))

    def _after(self, before: float, now: float) -> float:
        """The optimiser's rate, scaled as this schedule goes from `before` to `now`; `now` where it stood at `before`.

        PyTorch's recursive form, and its closed form where nobody else changed the rate.
        """
        lr, height = self.optimizer.lr, before - self.floor
        if lr == before:
            return now
        return self.floor + (lr - self.floor) * ((now - self.floor) / height) if height else lr + (now - before)

    def __call__(self, history: Any) -> None:
        self.step()


class StepLR(Schedule):
    """lr_0 gamma^floor(t / step_size): a drop every `step_size` epochs.

    >>> from autograd import Value
    >>> from nn import SGD
    >>> schedule = StepLR(SGD([Value(1.0)], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.rate(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = _at_least_1("step_size", step_size), as_float(gamma)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        share: float = self.gamma ** (t // self.step_size)
        return self.initial_lr * share


class CosineAnnealingLR(Schedule):
    """eta_min + (lr_0 - eta_min) (1 + cos(pi t / T_max)) / 2: from lr_0 down to eta_min in T_max epochs, then up again.

    Source: Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts".
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = _at_least_1("T_max", T_max), as_float(eta_min)
        self.floor = self.eta_min
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        return self.eta_min + (self.initial_lr - self.eta_min) * (1 + cos(pi * t / self.T_max)) / 2


class LinearLR(Schedule):
    """lr_0 times a factor that goes in a straight line from start_factor to end_factor, there after total_iters epochs.

    With the defaults a warm-up; with LinearLR(optimizer, 1.0, 0.0, epochs) the rate falls to 0.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor, self.end_factor = as_float(start_factor), as_float(end_factor)
        self.total_iters = _at_least_1("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, t: int) -> float:
        share = min(t, self.total_iters) / self.total_iters
        return self.initial_lr * (self.start_factor + (self.end_factor - self.start_factor) * share)


def _at_least_1(name: str, given: Any) -> float:
    number = float_or_nan(given)
    if not number >= 1:
        raise ValueError(
            f"A schedule needs a {name} of at least 1, got {shown(given)}.\n"
            f"  It is a number of epochs.\n  Write {name}=10."
        )
    return number
