"""fit, predict and the empirical risk: what a step is, what the history says, how training ends, what is refused."""

from __future__ import annotations

import inspect
import math
import pickle

import numpy as np
import pandas as pd
import pytest

import autograd
import nn
from autograd import Value

X = [[0.0, 1.0], [1.0, -1.0], [0.5, 0.25], [-1.0, 2.0], [2.0, 0.5]]
Y = [1.0, -0.5, 0.25, 2.0, 0.0]


def network(seed=0, outputs=1):
    return nn.MLP(2, [3, outputs], seed=seed)


def trained(*, model=None, X=X, y=Y, loss=nn.squared_error, lr=0.1, epochs=3, **settings):
    model = model or network()
    history = nn.fit(model, X, y, loss, nn.SGD(model.parameters(), lr=lr), epochs, progress=False, **settings)
    return model, history


def l2(parameters):
    return 0.01 * nn.l2_penalty(parameters)


# ------------------------------------------------------------------------------------------------ what a step is


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("penalty", [None, l2])
def test_full_batches_are_gradient_descent_on_the_empirical_risk(reduction, penalty):
    by_hand, risks, norms = network(), [], []
    for _ in range(3):
        risk = nn.empirical_risk(by_hand, X, Y, nn.squared_error, penalty, reduction)
        by_hand.zero_grad()
        risk.backward()
        for parameter in by_hand.parameters():
            parameter.data -= 0.1 * parameter.grad
        risks.append(risk.data)
        norms.append(math.sqrt(sum(parameter.grad**2 for parameter in by_hand.parameters())))
    model, history = trained(reduction=reduction, penalty=penalty)
    assert list(model.state_dict().values()) == pytest.approx(list(by_hand.state_dict().values()), rel=1e-13)
    assert history.loss == pytest.approx(risks, rel=1e-13)
    assert history.gradient_norm == pytest.approx(norms, rel=1e-13)
    assert len(history.seconds) == 3 and min(history.seconds) > 0
    assert history.validation_loss == []


def test_the_empirical_risk_is_the_mean_of_the_losses():
    model = network()
    losses = [nn.squared_error(model(x), y).data for x, y in zip(X, Y)]
    assert nn.empirical_risk(model, X, Y, nn.squared_error).data == pytest.approx(sum(losses) / 5, rel=1e-15)
    assert nn.empirical_risk(model, X, Y, nn.squared_error, reduction="sum").data == pytest.approx(sum(losses), 1e-15)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_mini_batches_in_order(reduction):
    by_hand = network()
    risks, penalties = [], []
    for first, last in ((0, 2), (2, 4), (4, 5)):
        data = nn.empirical_risk(by_hand, X[first:last], Y[first:last], nn.squared_error, None, reduction)
        extra = l2(by_hand.parameters())
        by_hand.zero_grad()
        (data + extra).backward()
        for parameter in by_hand.parameters():
            parameter.data -= 0.1 * parameter.grad
        risks.append(data.data * (1 if reduction == "sum" else (last - first) / 5))
        penalties.append(extra.data * (last - first) / 5)
    model, history = trained(epochs=1, batch_size=2, shuffle=False, penalty=l2, reduction=reduction)
    assert list(model.state_dict().values()) == pytest.approx(list(by_hand.state_dict().values()), rel=1e-13)
    assert history.loss == pytest.approx([sum(risks) + sum(penalties)], rel=1e-13)


def test_each_epoch_takes_every_row_once_in_an_order_of_its_own():
    taken = []

    def watched(prediction, target):
        taken.append(target)
        return nn.squared_error(prediction, target)

    trained(y=[0, 1, 2, 3, 4], loss=watched, epochs=4, batch_size=2, seed=1, engine="eager")
    epochs = [tuple(taken[i : i + 5]) for i in range(0, 20, 5)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len(set(epochs)) > 1


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (trained(batch_size=1, seed=seed) for seed in (7, 7, 8))
    assert first[0].state_dict() == again[0].state_dict()
    assert first[1].loss == again[1].loss
    assert first[0].state_dict() != other[0].state_dict()


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        (np.array(X), np.array(Y)),
        (pd.DataFrame(X, columns=["a", "b"]), pd.Series(Y, index=list("vwxyz"))),
        (tuple(map(tuple, X)), [[y] for y in Y]),
        (pd.DataFrame(X), pd.DataFrame({"target": Y})),
        (np.array(X, dtype=object), np.array(Y, dtype=object)),
    ],
    ids=["numpy", "pandas", "one column", "pandas column", "objects"],
)
def test_rows_may_come_as_lists_arrays_or_pandas_objects(rows, targets):
    model, history = trained(X=rows, y=targets)
    expected, expected_history = trained()
    assert model.state_dict() == expected.state_dict()
    assert history.loss == expected_history.loss
    assert nn.predict(model, rows) == nn.predict(expected, X)


@pytest.mark.parametrize("classes", [[0, 1, 2, 1, 0], np.array([0, 1, 2, 1, 0]), pd.Series([0, 1, 2, 1, 0])])
def test_whole_targets_are_classes(classes):
    model, history = trained(model=network(outputs=3), y=classes, loss=nn.cross_entropy, epochs=200, lr=1.0)
    assert history.loss[-1] < 0.05
    assert [max(range(3), key=row.__getitem__) for row in nn.predict(model, X)] == [0, 1, 2, 1, 0]


def test_a_flat_x_has_one_number_for_each_row():
    line = nn.Neuron(1, activation=None, seed=0)
    trained(model=line, X=[0, 1, 2], y=[1, 3, 5], lr=0.5, epochs=200)
    assert nn.predict(line, np.array([10, 20])) == pytest.approx([21.0, 41.0], rel=1e-9)


def test_parameters_that_the_optimizer_does_not_have_stay():
    model = network()
    before = model.state_dict()
    nn.fit(model, X, Y, nn.squared_error, nn.SGD(model.layers[1].parameters(), lr=0.1), 2, progress=False)
    moved = {name for name, number in model.state_dict().items() if number != before[name]}
    assert moved == {name for name in before if name.startswith("layers.1")}


def test_predict_gives_numbers_for_one_output_and_lists_for_more():
    one, two = network(), network(outputs=2)
    assert nn.predict(one, X) == [one(x).data for x in X]
    assert nn.predict(two, X) == [[v.data for v in two(x)] for x in X]
    assert nn.predict(one, []) == []


# --------------------------------------------------------------------------------------- while it runs and how it ends


def test_validation_is_judged_after_each_epoch_without_the_penalty():
    model, history = trained(validation=(X[:2], Y[:2]), penalty=l2)
    assert len(history.validation_loss) == 3
    expected = nn.empirical_risk(model, X[:2], Y[:2], nn.squared_error).data
    assert history.validation_loss[-1] == pytest.approx(expected, rel=1e-14)


def test_it_stops_when_the_loss_has_converged():
    _, history = trained(lr=0.0, epochs=100, tolerance=0.0, patience=4)
    assert history.converged and len(history.epochs) == 5  # the first one, and four that are no better
    _, history = trained(epochs=2000, tolerance=1e-5, lr=0.2)
    assert history.converged and 20 < len(history.epochs) < 2000
    better = [min(history.loss[:epoch]) - history.loss[epoch] for epoch in range(1, len(history.epochs))]
    assert max(better[-10:]) <= 1e-5 < better[-11]
    _, history = trained(lr=0.0, epochs=30)
    assert not history.converged and len(history.epochs) == 30


def test_callbacks_see_the_history_and_may_stop_it():
    seen = []
    model = network()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    history = nn.fit(
        model, X, Y, nn.squared_error, optimizer, 10, progress=False,
        callbacks=[nn.StepLR(optimizer, 2, 0.1), lambda h: seen.append((len(h.epochs), optimizer.lr)),
                   lambda h: len(h.epochs) == 4],
    )  # fmt: skip
    assert len(history.epochs) == 4
    assert seen == [(1, 1.0), (2, pytest.approx(0.1)), (3, pytest.approx(0.1)), (4, pytest.approx(0.01))]


@pytest.mark.parametrize("name", ["squared_error", "mean_squared_error", "mean_absolute_error", "huber"])
def test_a_loss_may_go_by_its_name(name):
    loss = getattr(nn, name)
    assert trained(loss=name)[1].loss == trained(loss=loss)[1].loss
    assert nn.empirical_risk(network(), X, Y, name).data == nn.empirical_risk(network(), X, Y, loss).data


@pytest.mark.parametrize(("loss", "near"), [("mse", "mean_squared_error"), ("MAE", "mean_absolute_error"),
    ("bce", "binary_cross_entropy"), ("nll", "negative_log_likelihood"), ("squared_eror", "squared_error"),
    (None, ""), (3.0, "")])  # fmt: skip
def test_another_name_of_a_loss_is_refused_and_the_nearest_one_written(loss, near):
    for call in (lambda: trained(loss=loss), lambda: nn.empirical_risk(network(), X, Y, loss)):
        with pytest.raises(ValueError, match=f"(?s)got .*Write loss=nn.{near}"):
            call()


def test_callbacks_may_be_none_or_one_function():
    seen = []
    assert len(trained(callbacks=None)[1].loss) == 3
    assert len(trained(callbacks=lambda history: seen.append(len(history.loss)))[1].loss) == 3
    assert seen == [1, 2, 3]
    model = network()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    nn.fit(model, X, Y, nn.squared_error, optimizer, 2, progress=False, callbacks=nn.StepLR(optimizer, 1, 0.5))
    assert optimizer.lr == 0.25


def test_snapshots_are_the_parameters_at_the_start_and_after_every_so_many_epochs():
    model, history = trained(epochs=5, snapshot_every=2)
    parameters = model.parameters()
    assert [list(snapshot) for snapshot in history.snapshots] == [parameters] * 3
    for epochs, snapshot in zip((0, 2, 4), history.snapshots):
        stopped, _ = trained(epochs=epochs)
        assert list(snapshot.values()) == [parameter.data for parameter in stopped.parameters()]
    assert trained()[1].snapshots == []


@pytest.mark.parametrize("rows_until_interrupt", [0, 1, 4, 5, 7, 13])
def test_ctrl_c_returns_the_history_so_far_and_the_model_of_the_last_whole_step(rows_until_interrupt):
    left = rows_until_interrupt

    def interrupted(prediction, target):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return nn.squared_error(prediction, target)

    model, history = trained(loss=interrupted, epochs=5, batch_size=2, shuffle=False, engine="eager")
    assert history.interrupted
    assert len(history.epochs) == rows_until_interrupt // 5
    expected = network()
    optimizer = nn.SGD(expected.parameters(), lr=0.1)
    rows = [(x, y) for _ in range(5) for x, y in zip(X, Y)]
    steps = [
        step for epoch in range(5) for step in ((0, 2), (2, 4), (4, 5)) if 5 * epoch + step[1] <= rows_until_interrupt
    ]
    for number, (first, last) in enumerate(steps):
        batch = rows[first:last]
        nn.fit(expected, *zip(*batch), nn.squared_error, optimizer, 1, progress=False, engine="eager")
        assert number < len(steps)
    assert model.state_dict() == expected.state_dict()


def test_divergence_warns_and_keeps_the_last_finite_model():
    model = nn.Neuron(1, activation=None, seed=0)
    with pytest.warns(RuntimeWarning, match="(?s)diverged in epoch .* smaller learning rate"):
        _, history = trained(model=model, X=[1.0, 2.0], y=[1.0, 2.0], lr=1e6, epochs=1000)
    assert history.diverged and 1 < len(history.epochs) < 1000
    assert all(map(math.isfinite, model.state_dict().values()))
    assert all(map(math.isfinite, history.loss))


def test_a_bar_shows_the_loss(capsys):
    model = network()
    history = nn.fit(model, X, Y, nn.squared_error, nn.SGD(model.parameters(), lr=0.1), 20)
    shown = capsys.readouterr().err
    assert f"loss={history.loss[-1]:.4g}" in shown and "20/20" in shown
    trained()
    assert capsys.readouterr() == ("", "")


def test_the_history_reads_well():
    _, history = trained(lr=0.0, epochs=50, tolerance=0.0, patience=2)
    assert repr(history) == f"History(3 epochs, loss {history.loss[0]:.4g} -> {history.loss[0]:.4g}, converged)"
    assert repr(trained(epochs=0)[1]) == "History(0 epochs)"


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_the_lists_of_a_history_grow_with_the_epochs(engine):
    seen = []
    _, history = trained(epochs=4, engine=engine, callbacks=[lambda h: seen.append((h.loss, list(h.loss)))])
    assert [len(then) for _, then in seen] == [1, 2, 3, 4]
    assert all(now is history.loss for now, _ in seen)
    assert seen[-1][1] == history.loss == trained(epochs=4, engine=engine)[1].loss
    assert {type(x) for x in history.loss + history.gradient_norm + history.seconds} == {float}
    again = pickle.loads(pickle.dumps(history))
    assert (again.loss, again.epochs) == (history.loss, history.epochs)
    assert "loss" in dict(inspect.getmembers(nn.History)), "the class can be asked what it has, as help() does"


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"y": Y[:4]}, ValueError, "4 for 5 rows"),
        ({"X": [], "y": []}, ValueError, "at least one"),
        ({"X": [[1.0, 2.0], [3.0]]}, ValueError, "(?s)X is no table.*same length"),
        ({"X": [["a", "b"]]}, TypeError, "X must hold real numbers"),
        ({"X": [[1.0, 2.0], [math.nan, 1.0]], "y": [0, 1]}, ValueError, "not finite in row 1"),
        ({"y": [1.0, 2.0, math.inf, 0.0, 0.0]}, ValueError, "y has a number that is not finite in row 2"),
        ({"X": [[[1.0]]]}, ValueError, "shape"),
        ({"X": [[1.0], [2.0]], "y": [0, 1]}, ValueError, "takes 2 inputs, got 1"),
        ({"reduction": "max"}, ValueError, "max"),
        ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0, got -1"),
        ({"batch_size": -1}, ValueError, "batch_size must be a whole number of at least 1"),
        ({"batch_size": 0}, ValueError, "batch_size must be"),
        ({"epochs": 2.5}, ValueError, "got 2.5"),
        ({"patience": 0}, ValueError, "patience"),
        ({"snapshot_every": 0}, ValueError, "snapshot_every"),
        ({"validation": (X, Y[:1])}, ValueError, "1 for 5 rows"),
        ({"validation": 0.2}, TypeError, "validation is a tuple"),
        ({"validation": (X, Y, Y)}, TypeError, "validation is a tuple"),
        ({"callbacks": 3}, TypeError, "A callback is a function of the History, got 3"),
        ({"callbacks": [None]}, TypeError, "got None"),
        ({"loss": lambda prediction, target: prediction.data}, TypeError, "a Value that depends on the parameters"),
        ({"loss": lambda prediction, target: None}, TypeError, "without `return`"),
        ({"loss": lambda prediction, target: 1.0, "batch_size": 2}, TypeError, "a Value that depends on"),
        ({"loss": nn.cross_entropy}, TypeError, "binary_cross_entropy_with_logits"),
        ({"loss": lambda prediction, target: 1.0}, TypeError, "a Value that depends on the parameters"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_moves(settings, error, message):
    model = network()
    before = model.state_dict()
    with pytest.raises(error, match=message):
        trained(model=model, **settings)
    assert model.state_dict() == before


def test_an_optimizer_of_another_model_is_refused():
    other = nn.SGD(network().parameters(), lr=0.1)
    with pytest.raises(ValueError, match="none of this model's parameters"):
        nn.fit(network(), X, Y, nn.squared_error, other, 1, progress=False)


def test_an_optimizer_class_is_no_optimizer():
    with pytest.raises(TypeError, match=r"nn.SGD\(model.parameters\(\), lr=0.1\)"):
        nn.fit(network(), X, Y, nn.squared_error, nn.SGD, 1, progress=False)
    with pytest.raises(ValueError, match="max"):
        nn.empirical_risk(network(), X, Y, nn.squared_error, reduction="max")


def test_any_module_can_be_trained():
    class Parabola(nn.Module):
        def __init__(self):
            self.coefficients = [Value(0.0) for _ in range(3)]

        def __call__(self, row):
            (x,) = row
            return autograd.dot(self.coefficients, [1.0, x, x * x])

    model = Parabola()
    xs = [-1.0, -0.5, 0.0, 0.5, 1.0]
    nn.fit(model, xs, [1 - 2 * x + 3 * x * x for x in xs], nn.squared_error, nn.Adam(model.parameters(), lr=0.1), 400,
           progress=False)  # fmt: skip
    assert [c.data for c in model.coefficients] == pytest.approx([1.0, -2.0, 3.0], abs=1e-4)
    with pytest.raises(NotImplementedError, match="Module has no __call__"):
        nn.Module()([1.0])
