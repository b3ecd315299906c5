"""How the parameters move, given their gradients: PyTorch's names, arguments, defaults and update formulas.

In the formulas p is a parameter, g its gradient, and t counts the steps from 1. A weight decay adds `weight_decay` p
to g, the gradient of an L2 penalty (AdamW shrinks p instead). A whole step is taken or none: every new number is
computed before the first parameter moves, and an interrupt waits until all have moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import hypot, isfinite, nan, sqrt
from typing import Any

from autograd import Value
from autograd.dispatch import as_float, as_int, as_number
from autograd.formatting import shown
from autograd.structure import is_sequence

State = tuple[float, ...]  # what an optimiser remembers of one parameter: momentum, mean square, ...


class Optimizer:
    """What all optimisers share: the parameters, the learning rate `lr`, which may be set anew between two steps.

    A subclass gives the formula, `_update(p, g, state, t) -> (new p, new state)`, and the `_start` of the states. Its
    settings become attributes, floats whenever they are set.
    """

    lr: float
    _start: State = ()
    _settings: frozenset[str] = frozenset()

    def __init__(self, parameters: Iterable[Value], lr: float, **settings: float) -> None:
        kind = type(self).__name__
        self.parameters = list(parameters) if isinstance(parameters, Iterable) else [parameters]
        for parameter in self.parameters:
            if not isinstance(parameter, Value):
                raise TypeError(
                    f"{kind} moves Values, got {shown(parameter)}.\n  It reads their grads and assigns their data.\n"
                    f"  Write {kind}(model.parameters(), lr=0.1)."
                )
        if not self.parameters:
            raise ValueError(
                f"{kind} was given no parameters.\n"
                "  A model finds its own in its attributes: Values, modules, and lists of these.\n"
                f"  Write {kind}(model.parameters(), lr=0.1)."
            )
        self._settings = frozenset(["lr", *settings])
        for name, given in {"lr": lr, **settings}.items():
            number = float_or_nan(given)
            if not (isfinite(number) and number >= 0):
                raise ValueError(
                    f"{kind} needs a finite {name} of at least 0, got {shown(given)}.\n"
                    "  Otherwise steps would lead uphill, or nowhere.\n"
                    f"  Write {kind}(model.parameters(), {_written(name, {'lr': 0.1, 'eps': 1e-8}.get(name, 0.0))})."
                )
            if name in ("momentum", "beta1", "beta2", "alpha") and number >= 1:
                raise ValueError(
                    f"{kind} needs {name} below 1, got {number}.\n"
                    "  It is the share of the past that is kept at each step: with 1 nothing would be forgotten.\n"
                    f"  Write {kind}(model.parameters(), {_written(name, 0.99 if name == 'alpha' else 0.9)})."
                )
            setattr(self, name, number)
        self.steps = 0
        self.states = [self._start] * len(self.parameters)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, as_float(value) if name in self._settings else value)

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        kind = type(self).__name__
        raise NotImplementedError(
            f"{kind} has no formula for a step.\n  An optimiser says how one parameter moves, given its gradient.\n"
            f"  Write def _update(self, p, g, state, t): return p - self.lr * g, () in the class {kind}."
        )

    def step(self) -> None:
        """Move every parameter once, against its gradient; a parameter whose grad is 0.0 may move too (momentum)."""
        t = self.steps + 1
        moved = [self._update(p.data, as_number(p.grad), state, t) for p, state in zip(self.parameters, self.states)]
        try:
            self._move(moved, t)
        except BaseException:
            self._move(moved, t)
            raise

    def _move(self, moved: list[tuple[float, State]], t: int) -> None:
        for parameter, (number, _) in zip(self.parameters, moved):
            parameter.data = number
        self.states = [state for _, state in moved]
        self.steps = t

    def zero_grad(self) -> None:
        """Set every parameter's grad to 0.0."""
        for parameter in self.parameters:
            parameter.grad = 0.0


class SGD(Optimizer):
    """Gradient descent, p <- p - lr g; stochastic when g is the gradient of a few rows.

    With momentum: b <- momentum b + (1 - dampening) g, b = g in the first step, and p <- p - lr b; with nesterov
    p <- p - lr (g + momentum b).

    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w
    Value(0.0, grad=2.0)

    Raises ValueError for a setting out of range or no parameters. Source: lecture 001, "Weight update rule".
    """

    momentum: float
    dampening: float
    weight_decay: float

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        self.nesterov = bool(nesterov)
        if nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "Nesterov momentum needs a momentum above 0 and no dampening, "
                f"got {self.momentum} and {self.dampening}.\n"
                "  It looks ahead by the momentum, as far as the whole gradient would lead.\n"
                "  Write SGD(model.parameters(), momentum=0.9, nesterov=True)."
            )

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        g += self.weight_decay * p
        if not self.momentum:
            return p - self.lr * g, ()
        b = self.momentum * state[0] + (1 - self.dampening) * g if state else g
        return p - self.lr * (g + self.momentum * b if self.nesterov else b), (b,)


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - lr m' / (sqrt(v') + eps).

    m' = m / (1 - b1^t) and v' = v / (1 - b2^t) make up for the start at 0; amsgrad takes the largest v so far.

    Source: Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization".
    """

    _start = (0.0, 0.0, 0.0)  # m, v, the largest v

    beta1: float
    beta2: float
    eps: float
    weight_decay: float

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        beta1, beta2 = self._pair(betas)
        super().__init__(parameters, lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
        self.amsgrad = bool(amsgrad)

    @property
    def betas(self) -> tuple[float, float]:
        return self.beta1, self.beta2

    @betas.setter
    def betas(self, betas: tuple[float, float]) -> None:
        self.beta1, self.beta2 = self._pair(betas)

    def _pair(self, betas: Any) -> list[Any]:
        pair = list(betas) if is_sequence(betas) else []
        if len(pair) != 2:
            kind = type(self).__name__
            raise ValueError(
                f"{kind} needs two betas, got {shown(betas)}.\n"
                "  They are the shares of the past that the means of the gradient and of its square keep.\n"
                f"  Write {kind}(model.parameters(), {_written('betas', 0.9)})."
            )
        return pair

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        return self._adam(p, g + self.weight_decay * p, state, t)

    def _adam(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        b1, b2, (m, v, largest) = self.beta1, self.beta2, state
        m = _between(m, g, 1 - b1)
        v = b2 * v + (1 - b2) * g * g
        largest = max(largest, v)
        size = sqrt(largest if self.amsgrad else v) / sqrt(1 - b2**t) + self.eps
        return p - self.lr / (1 - b1**t) * _ratio(m, size), (m, v, largest)


class AdamW(Adam):
    """Adam with decoupled weight decay: p <- (1 - lr weight_decay) p before the step, outside of m and v.

    Source: Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization".
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        return self._adam(p * (1 - self.lr * self.weight_decay), g, state, t)


class RMSprop(Optimizer):
    """v <- alpha v + (1 - alpha) g^2, p <- p - lr g / (sqrt(v) + eps).

    centered takes the variance, v minus the square of a running mean of g; momentum as b <- momentum b + g / (...).

    Source: Tieleman and Hinton (2012), "Neural Networks for Machine Learning", lecture 6.5.
    """

    _start = (0.0, 0.0, 0.0)  # v, the mean of g, b

    alpha: float
    eps: float
    weight_decay: float
    momentum: float

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(parameters, lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        self.centered = bool(centered)

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        v, mean, b = state
        g += self.weight_decay * p
        v = self.alpha * v + (1 - self.alpha) * g * g
        mean = _between(mean, g, 1 - self.alpha)
        # A variance, but for rounding: it can come out a little below 0.
        size = sqrt(max(0.0, v - mean * mean) if self.centered else v) + self.eps
        b = self.momentum * b + _ratio(g, size)
        return p - self.lr * b, (v, mean, b)


class Adagrad(Optimizer):
    """s <- s + g^2, p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps).

    Source: Duchi, Hazan and Singer (2011), "Adaptive Subgradient Methods".
    """

    lr_decay: float
    weight_decay: float
    initial_accumulator_value: float
    eps: float

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            parameters,
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        self.states = [(self.initial_accumulator_value,)] * len(self.parameters)

    def _update(self, p: float, g: float, state: State, t: int) -> tuple[float, State]:
        g += self.weight_decay * p
        s = state[0] + g * g
        return p - self.lr / (1 + (t - 1) * self.lr_decay) * _ratio(g, sqrt(s) + self.eps), (s,)


def _written(name: str, number: float) -> str:
    """A setting as code; the two betas of Adam are one argument."""
    return "betas=(0.9, 0.999)" if name.startswith("beta") else f"{name}={number}"


def float_or_nan(given: Any) -> float:
    try:
        return as_float(given)
    except (TypeError, OverflowError):
        return nan


def _between(a: float, b: float, weight: float) -> float:
    """a + weight (b - a), from the nearer end: exactly b for the weight 1, whatever a was."""
    return a + weight * (b - a) if weight < 0.5 else b - (b - a) * (1 - weight)


def _ratio(a: float, b: float) -> float:
    """a / b, and 0.0 for 0 / 0: a gradient that was always 0 moves nothing, also with eps = 0."""
    return a / b if b else 0.0


def clip_grad_norm(parameters: Iterable[Value], max_norm: float) -> float:
    """Scale all grads by max_norm / (norm + 1e-6) if that is below 1; returns the norm that they had.

    The norm is Euclidean, over all parameters together. Call it between backward() and step().

    >>> w = Value(1.0)
    >>> w.grad = 10.0
    >>> clip_grad_norm([w], max_norm=1.0), f"{w.grad:.4f}"
    (10.0, '1.0000')

    Raises ValueError for a negative max_norm. Source: PyTorch's clip_grad_norm_; Pascanu et al. (2013).
    """
    limit = float_or_nan(max_norm)
    if not limit >= 0:
        raise ValueError(
            f"clip_grad_norm needs a max_norm of at least 0, got {shown(max_norm)}.\n"
            "  It is the length that the gradient has afterwards, at most.\n"
            "  Write clip_grad_norm(model.parameters(), max_norm=1.0)."
        )
    clipped = list(parameters)
    norm = gradient_norm(clipped)
    coefficient = limit / (norm + 1e-6)
    if coefficient < 1:
        for parameter in clipped:
            parameter.grad = as_number(parameter.grad) * coefficient
    return norm


def gradient_norm(parameters: Iterable[Value]) -> float:
    """The Euclidean norm of the grads, sqrt(sum_i g_i^2).

    >>> u, v = Value(0.0), Value(0.0)
    >>> u.grad, v.grad = 3.0, -4.0
    >>> gradient_norm([u, v])
    5.0
    """
    return hypot(*(parameter.grad for parameter in parameters))


def minimize(
    objective: Callable[[], Value],
    parameters: Sequence[Value],
    max_iterations: int = 1000,
    tolerance: float = 1e-10,
    callback: Callable[[float], Any] | None = None,
) -> Any:
    """Minimise `objective()` over the parameters by SciPy's L-BFGS-B, which learns the curvature from the gradients.

    objective   builds and returns the loss, a Value, from the parameters as they are: the whole batch, no shuffling.
                To save memory it may call backward() on parts of the loss itself and return their numbers in the sum;
                where all of it is a plain number, it has no further gradient
    tolerance   stop when no component of the gradient is larger, or the loss no longer falls
    callback    called with the loss after every iteration

    Afterwards the parameters stand at the best point found; an error or Ctrl-C leaves them at the last iteration's.
    Returns SciPy's OptimizeResult (`fun`, `nit`, `success`, `message`, ...).

    >>> x, y = Value(-1.0), Value(2.0)
    >>> result = minimize(lambda: (1 - x) ** 2 + 100 * (y - x * x) ** 2, [x, y])
    >>> f"{x.data:.6f} {y.data:.6f}"
    '1.000000 1.000000'

    Raises ImportError, saying what to install, without SciPy. Source: Liu and Nocedal (1989).
    """
    try:
        from scipy import optimize
    except ImportError:
        raise ImportError(
            "minimize needs SciPy, which is not installed.\n"
            "  L-BFGS comes from there; nn.SGD and nn.Adam need nothing.\n"
            "  Run: pip install scipy"
        ) from None
    reached, most = [parameter.data for parameter in parameters], as_int(max_iterations)

    def move(numbers: Iterable[float]) -> None:
        for parameter, number in zip(parameters, numbers):
            parameter.data = number

    def loss_and_gradient(numbers: Iterable[float]) -> tuple[float, list[float]]:
        move(numbers)
        for parameter in parameters:
            parameter.grad = 0.0
        loss = objective()
        if isinstance(loss, Value):
            loss.backward()
        return loss.data if isinstance(loss, Value) else as_float(loss), [parameter.grad for parameter in parameters]

    def iterated(intermediate_result: Any) -> None:
        nonlocal reached
        reached = [float(number) for number in intermediate_result.x]
        if callback is not None:
            callback(float(intermediate_result.fun))

    try:
        result = optimize.minimize(
            loss_and_gradient,
            reached,
            jac=True,
            method="L-BFGS-B",
            callback=iterated,
            options={"maxiter": most, "maxfun": 10 * most, "gtol": as_float(tolerance), "ftol": 1e-15},
        )
        reached = [float(number) for number in result.x]
        return result
    finally:
        move(reached)
