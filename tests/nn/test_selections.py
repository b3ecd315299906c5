"""Losses with derivatives that are infinite where nothing flows: eager and compiled training end with one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import autograd
import nn
from autograd import Value, maximum, relu, sqrt, where

X, Y = [[0.0, 1.0], [1.0, 0.0], [2.0, -1.0], [0.5, 0.5], [1.0, 2.0]], [0.0, 1.0, 0.5, -1.0, 3.0]


def distance(y: Any, d: Any) -> Any:
    return sqrt((y - d) * (y - d))


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "a root or a constant": lambda y, d: maximum(distance(y, d), 1e-3),
    "beyond a margin": lambda y, d: relu(distance(y, d) - 0.1),
    "a root of what is cut off": lambda y, d: sqrt(relu(y - d)) + 0.1 * (y - d) ** 2,
    "a quotient": lambda y, d: maximum((y - d) / (1.0 + abs(y - d)), -0.5),
}
OPTIMIZERS: dict[str, Callable[[list[Value]], nn.Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.05),
    "momentum": lambda p: nn.SGD(p, lr=0.05, momentum=0.9),
    "Adam": lambda p: nn.Adam(p, lr=0.05),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01),
}


def trained(loss: Any, optimizer: str, batch_size: int | None, engine: Any) -> tuple[list[float], list[float]]:
    """The model fits the first rows exactly, so that their roots have no finite derivative from the start."""
    model = nn.Neuron(2, activation=None, seed=0)
    model.load_state_dict({"weights.0": 1.0, "weights.1": 0.0, "bias": 0.0})
    history = nn.fit(
        model, X, Y, loss, OPTIMIZERS[optimizer](model.parameters()), epochs=7, batch_size=batch_size, seed=1,
        engine=engine, progress=False,
    )  # fmt: skip
    return history.loss, [parameter.data for parameter in model.parameters()]


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_both_engines_learn_behind_selections(loss: str, optimizer: str, batch_size: int | None):
    eager = trained(LOSSES[loss], optimizer, batch_size, "eager")
    compiled = trained(LOSSES[loss], optimizer, batch_size, "compiled")
    assert all(map(math.isfinite, eager[1]))
    for numbers, expected in zip(compiled, eager):
        assert numbers == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_robust_loss_whose_condition_is_its_root(engine: Any):
    """The first rows take the constant branch: nothing flows to them, and no weight becomes NaN."""

    def loss(y: Any, d: Any) -> Any:
        r = distance(y, d)
        return where(r > 0.5, r, 0.5)

    losses, parameters = trained(loss, "SGD", None, engine)
    assert all(map(math.isfinite, [*losses, *parameters]))
    assert losses[-1] < losses[0]


def test_a_zero_that_was_computed_is_a_number(recwarn: pytest.WarningsRecorder):
    """0 * inf behind a product: both engines come to NaN, which is what the function says."""
    for engine in ("eager", "compiled"):
        _, parameters = trained(lambda y, d: distance(y, d) ** 2, "SGD", None, engine)
        assert any(map(math.isnan, parameters)), engine
    assert {type(warning.message) for warning in recwarn} <= {RuntimeWarning}


def test_minimize_finds_the_end_of_a_margin():
    w = Value(0.0)
    nn.minimize(lambda: (w - 3.0) ** 2 + maximum(sqrt(autograd.absolute(w)), 10.0), [w])
    assert w.data == pytest.approx(3.0)
