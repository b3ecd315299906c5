"""How the parameters move, given their gradients. PyTorch's names and update formulas."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from autograd import Value


class SGD:
    """Gradient descent: p <- p - lr * p.grad at every `step()`; stochastic when the gradient is that of a few rows.

    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w
    Value(0.0, grad=2.0)

    Raises ValueError unless lr is finite and >= 0 and there is a parameter. Source: lecture 001, "Weight update rule".
    """

    def __init__(self, parameters: Iterable[Value], lr: float = 1e-3) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("SGD was given no parameters.\n  Write SGD(model.parameters(), lr=0.1).")
        if not (isfinite(lr) and lr >= 0):
            raise ValueError(f"The learning rate must be finite and at least 0, got {lr}.")
        self.lr = lr

    def step(self) -> None:
        """Move every parameter one step against its gradient."""
        for parameter in self.parameters:
            parameter.data -= self.lr * parameter.grad

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0.0."""
        for parameter in self.parameters:
            parameter.grad = 0.0
