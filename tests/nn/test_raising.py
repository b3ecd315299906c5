"""Errors of a loss or a penalty while a model learns: the compiled engine ends as the eager one does.

The errors are those that vanish on the way to a finite loss: in a condition, or behind what brings an infinity back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nn
from autograd import Value, exp, log, maximum, sqrt, where

OPTIMIZERS: dict[str, Callable[[list[Value]], nn.Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.05),
    "Adam": lambda p: nn.Adam(p, lr=0.05),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.02),
}
MANY = ([[float(i)] for i in range(30)], [0.0] * 30)
TWO = ([[1.0], [2.0]], [0.0, 0.0])
LATER = ([[1.0], [1.0], [2.0]], [0.0, -1.0, 2.0])  # the last row is singular before the first step alone

Case = tuple[str, Callable[[Any, Any], Any], Callable[[list[Value]], Any] | None, tuple[Any, Any], int, int | None]
CASES: list[Case] = [
    ("in a condition, row 25", lambda p, d: where(log(25.0 - p) > 0, p, p * 0.5) * 0.01, None, MANY, 1, None),
    ("an overflow that vanishes", lambda p, d: 1 / exp(p * 40.0) + (p - d) ** 2 * 0.001, None, MANY, 3, None),
    ("in a condition, after some steps", lambda p, d: -where(log(3.0 - p) > 0, p, p * 0.5), None, TWO, 60, None),
    ("in a condition of the penalty", lambda p, d: (p + 9.0 * (d + 1)) ** 2 * 0.1,
     lambda ps: where(log(ps[0]) > 0, 1.0, 2.0) * ps[1] ** 2, TWO, 60, None),
    ("an overflow of the penalty", lambda p, d: (p - 9.0) ** 2, lambda ps: 1 / exp(300.0 * ps[0]), TWO, 60, None),
    ("a batch that is met later", lambda p, d: -log(p - d), None, LATER, 1, 2),
    ("a quotient that is met later", lambda p, d: 1 / (p - d), None, LATER, 1, 2),
    ("an error that is met later", lambda p, d: sqrt(p - d), None, LATER, 1, 2),
    ("nothing that raises, flags at every step",
     lambda p, d: where(p > 5.0, lambda: log(p), lambda: p * 0.1) ** 2, None,
     MANY, 5, 7),
    ("nothing that raises behind a maximum", lambda p, d: maximum(sqrt(maximum(p - 10.0, 0.0)), 0.5), None, MANY, 5, 7),
]  # fmt: skip


def outcome(case: Case, optimizer: str, engine: Any, threads: int = 1) -> tuple[Any, list[float]]:
    _, loss, penalty, (X, y), epochs, batch_size = case
    model = nn.Neuron(1, activation=None, seed=0)
    model.load_state_dict({"weights.0": 1.0, "bias": 0.0})
    try:
        history = nn.fit(
            model, X, y, loss, OPTIMIZERS[optimizer](model.parameters()), epochs=epochs, batch_size=batch_size,
            shuffle=False, penalty=penalty, engine=engine, threads=threads, progress=False,
        )  # fmt: skip
        end: Any = (len(history.loss), history.diverged)
    except (ArithmeticError, ValueError) as error:
        end = f"{type(error).__name__}: {str(error)[:22]}"
    return end, [parameter.data for parameter in model.parameters()]


@pytest.mark.filterwarnings("ignore:Training diverged:RuntimeWarning")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_both_engines_end_alike(case: Case, optimizer: str):
    end, numbers = outcome(case, optimizer, "eager")
    for threads in (1, 2):
        found, parameters = outcome(case, optimizer, "compiled", threads)
        assert found == end
        assert parameters == pytest.approx(numbers, rel=1e-9, abs=1e-12)
