"""The trainings of the demos on both engines of `fit`: step by step from the same state, and along the whole way.

A step's numbers agree within 1e-12 of the sum of the absolute terms that make them up, all losses and parameters of a
training within 1e-9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import nn
from autograd import Value
from demos import moons, noisy_xor, regression, softmax_regression, xor
from tests.autograd.compiler.eager import slopes

STEP, TRAINING = 1e-12, 1e-9


class Problem(NamedTuple):
    """What a demo trains: its rows, its model from where it starts, and how the model moves."""

    x: Any
    y: Any
    model: nn.Module
    loss: Callable[[Any, Any], Any]
    optimizer: nn.Optimizer
    epochs: int
    batch_size: int | None = None
    penalty: Callable[[Sequence[Value]], Any] | None = None
    reduction: Any = "mean"
    schedule: Callable[[Any], Any] | None = None

    def fit(self, engine: Any, epochs: int | None = None, seed: int = 0) -> nn.History:
        return nn.fit(
            self.model, self.x, self.y, self.loss, self.optimizer, epochs or self.epochs, batch_size=self.batch_size,
            seed=seed, penalty=self.penalty, reduction=self.reduction, progress=False, engine=engine,
            callbacks=[self.schedule] if self.schedule else [],
        )  # fmt: skip

    def first_batch(self) -> Problem:
        count = self.batch_size or len(self.x)
        return self._replace(x=self.x[:count], y=self.y[:count], batch_size=None)


def two_moons(make: Callable[..., nn.Optimizer], lr: float, batch: int | None, epochs: int) -> Problem:
    (x, d), model = moons.moons(moons.SEED), moons.network(moons.SEED)
    optimizer = make(model.parameters(), lr=lr)
    schedule = nn.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=epochs)
    return Problem(x, d, model, nn.hinge, optimizer, epochs, batch, moons.penalty, "mean", schedule)


def patients() -> Problem:
    train = regression.split(0).train
    model = nn.MLP(len(train.names), [regression.HIDDEN, 1], seed=0)
    optimizer = nn.Adam(model.parameters(), lr=regression.LR)
    return Problem(
        train.x, regression.standardised_targets(train), model, nn.squared_error, optimizer, regression.EPOCHS_SMALL,
        regression.BATCH, lambda _: 0.1 * nn.l2_penalty(regression.weights(model)), "mean",
        nn.CosineAnnealingLR(optimizer, T_max=regression.EPOCHS_SMALL),
    )  # fmt: skip


def flowers() -> Problem:
    data = softmax_regression.iris(0)
    model = softmax_regression.SoftmaxRegression(data.train.x, len(data.classes))
    optimizer = nn.SGD(model.parameters(), lr=softmax_regression.LR)
    return Problem(
        data.train.x, data.train.c, model, nn.cross_entropy, optimizer, softmax_regression.EPOCHS_SMALL,
        penalty=model.penalty,
    )  # fmt: skip


def truth_table() -> Problem:
    x, y = zip(*xor.TRUTH_TABLE)
    model = nn.MLP(2, [xor.HIDDEN, 1], activation="tanh", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=xor.LEARNING_RATE)
    return Problem(x, y, model, nn.binary_cross_entropy_with_logits, optimizer, xor.STEPS)


def noisy_points() -> Problem:
    experiment = noisy_xor.draw()
    model = noisy_xor.engine_model(experiment.start)
    optimizer = nn.SGD(model.parameters(), lr=noisy_xor.ETA)
    x, d = experiment.x.T, experiment.d
    return Problem(x, d, model, nn.squared_error, optimizer, 10, reduction="sum")


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "moons, the recipe": lambda: two_moons(nn.SGD, 1.0, None, 10),
    "moons, small batches": lambda: two_moons(nn.Adam, moons.LR, moons.BATCH, 5),
    "regression": patients,
    "softmax regression": flowers,
    "xor": truth_table,
    "noisy xor": noisy_points,
}


def numbers(problem: Problem) -> np.ndarray:
    return np.array([parameter.data for parameter in problem.model.parameters()])


@pytest.mark.parametrize("name", PROBLEMS)
def test_whole_trainings_agree(name):
    (eager, expected), (compiled, found) = (
        (problem, problem.fit(engine)) for problem, engine in ((PROBLEMS[name](), e) for e in ("eager", "compiled"))
    )
    assert (expected.engine, found.engine) == ("eager", "compiled")
    assert len(found.loss) == len(expected.loss) == eager.epochs
    assert not np.allclose(numbers(eager), numbers(PROBLEMS[name]()), atol=1e-3), "it went somewhere"
    np.testing.assert_allclose(found.loss, expected.loss, rtol=TRAINING, atol=0)
    np.testing.assert_allclose(found.gradient_norm, expected.gradient_norm, rtol=TRAINING, atol=TRAINING)
    np.testing.assert_allclose(numbers(compiled), numbers(eager), rtol=TRAINING, atol=TRAINING)


@pytest.mark.parametrize("before", [0, 1], ids=["from the start", "after an epoch"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_step_from_the_same_state_agrees(name, before):
    """Of the rows of one step: the loss, the gradient, and where it leads."""
    found = []
    for engine in ("eager", "compiled"):
        problem = PROBLEMS[name]()
        if before:
            problem.fit("eager", before)
        problem = problem.first_batch()._replace(schedule=None)
        start, terms = numbers(problem), terms_of(problem)
        history = problem.fit(engine, 1)
        gradient = np.array([parameter.grad for parameter in problem.model.parameters()])
        found.append((start, history.loss[0], gradient, numbers(problem)))
    (start, loss, gradient, end), (same, loss_found, gradient_found, end_found) = found
    assert (start == same).all()
    assert abs(loss_found - loss) <= STEP * loss, "a sum of positive losses"
    assert (np.abs(gradient_found - gradient) <= STEP * terms).all()
    if type(problem.optimizer) is nn.SGD:  # Adam's step is no sum of terms
        assert (np.abs(end_found - end) <= STEP * (np.abs(start) + problem.optimizer.lr * terms)).all()
    np.testing.assert_allclose(end_found, end, rtol=TRAINING, atol=TRAINING)


def terms_of(problem: Problem) -> np.ndarray:
    """For each parameter the sum of the absolute terms that make up its gradient."""
    risk = nn.empirical_risk(problem.model, problem.x, problem.y, problem.loss, problem.penalty, problem.reduction)
    _, terms, of_the_value = slopes(risk, problem.model.parameters())  # the value's own are among them
    return np.array(terms) - of_the_value


def test_the_demos_train_on_compiled_steps():
    """As they are, with the engine that `fit` takes by itself: the same end as row by row."""
    problem = two_moons(nn.SGD, 1.0, None, moons.RECIPE_EPOCHS)
    problem.fit("eager", 2)
    model, states = moons.recipe(moons.SEED, 2)
    np.testing.assert_allclose([p.data for p in model.parameters()], numbers(problem), rtol=TRAINING, atol=TRAINING)
    assert states[-1].loss == pytest.approx(moons.state(problem.model, problem.x, problem.y).loss, rel=TRAINING)
    train = softmax_regression.iris(0)
    problem = flowers()
    expected = problem.fit("eager")
    _, losses = softmax_regression.by_gradient_descent(train.train, len(train.classes), problem.epochs)
    np.testing.assert_allclose(losses, expected.loss, rtol=TRAINING)
