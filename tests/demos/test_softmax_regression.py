import sys
from pathlib import Path

import numpy as np
import pytest

from demos import softmax_regression as demo

DATA = demo.iris(0)


def weights_of(model: demo.SoftmaxRegression) -> tuple[np.ndarray, np.ndarray]:
    neurons = model.layer.neurons
    return np.array([[w.data for w in n.weights] for n in neurons]), np.array([n.bias.data for n in neurons])


def probabilities(model: demo.SoftmaxRegression, x: list[list[float]], train: list[list[float]]) -> np.ndarray:
    """The model's, by matrices and with none of the engine's code."""
    w, b = weights_of(model)
    z = (np.array(x) - np.mean(train, axis=0)) / np.std(train, axis=0) @ w.T + b
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("c", [0, 1, 2])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_adjoint_of_the_logits_is_y_minus_t_on_both_ways(c: int, seed: int) -> None:
    row = demo.one_flower([5.1, 3.5, 1.4, 0.2], c, 3, seed)
    z = np.array(row.z)
    y = np.exp(z) / np.exp(z).sum()
    t = np.eye(3)[c]
    assert row.y == pytest.approx(y, rel=1e-13)
    assert row.z_bar == pytest.approx(y - t, rel=1e-12)
    assert row.z_bar_from_logits == pytest.approx(y - t, rel=1e-12)
    assert row.b_bar == pytest.approx(y - t, rel=1e-12)
    assert np.array(row.w_bar) == pytest.approx(np.outer(y - t, row.x), rel=1e-12)
    assert row.y_bar == pytest.approx(-t / y, rel=1e-12)
    assert row.slopes == pytest.approx(y[c] * (t - y), rel=1e-12)
    difference, outer = demo.by_hand(row)
    assert difference == pytest.approx(y - t, rel=1e-13)
    assert np.array(outer) == pytest.approx(np.outer(y - t, row.x), rel=1e-13)


def test_y_minus_t_is_the_slope_that_a_difference_quotient_sees() -> None:
    row, h = demo.one_flower([5.1, 3.5, 1.4, 0.2], 2, 3, 1), 1e-6

    def loss(z: np.ndarray) -> float:
        return float(np.log(np.exp(z).sum()) - z[2])

    for k in range(3):
        step = h * np.eye(3)[k]
        quotient = (loss(np.array(row.z) + step) - loss(np.array(row.z) - step)) / (2 * h)
        assert row.z_bar[k] == pytest.approx(quotient, abs=1e-8)


def test_the_rows_are_split_and_none_is_lost() -> None:
    assert (len(DATA.train.x), len(DATA.held_out.x)) == (100, 50)
    everything = sorted(map(tuple, DATA.train.x + DATA.held_out.x))
    other = demo.iris(1)
    assert everything == sorted(map(tuple, other.train.x + other.held_out.x))
    assert DATA.train.x != other.train.x
    assert sorted(DATA.train.c + DATA.held_out.c) == [0] * 50 + [1] * 50 + [2] * 50


def test_the_minimum_is_scikit_learn_s() -> None:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    model, losses = demo.by_lbfgs(DATA.train, 3)
    mean, deviation = np.mean(DATA.train.x, axis=0), np.std(DATA.train.x, axis=0)
    # It minimises C times the sum of L plus 1/2 ||W||^2.
    judge = LogisticRegression(C=1 / (demo.LAMBDA * 100), tol=1e-8, max_iter=1000)
    judge.fit((np.array(DATA.train.x) - mean) / deviation, DATA.train.c)
    assert weights_of(model)[0] == pytest.approx(judge.coef_, abs=1e-4)
    expected = judge.predict_proba((np.array(DATA.held_out.x) - mean) / deviation)
    assert probabilities(model, DATA.held_out.x, DATA.train.x) == pytest.approx(expected, abs=1e-4)

    y = probabilities(model, DATA.train.x, DATA.train.x)
    risk = -np.log(y[range(100), DATA.train.c]).mean() + demo.LAMBDA / 2 * (weights_of(model)[0] ** 2).sum()
    assert losses[-1] == pytest.approx(risk, rel=1e-9)
    assert losses == sorted(losses, reverse=True)
    assert np.abs((y - np.eye(3)[DATA.train.c]).mean(axis=0)).max() < 1e-5
    assert max(map(abs, demo.mean_difference(model, DATA.train))) < 1e-5


def test_gradient_descent_goes_down_to_the_same_minimum() -> None:
    _, losses = demo.by_gradient_descent(DATA.train, 3, 30)
    start = demo.by_lbfgs(DATA.train, 3)[1]
    assert losses[0] == pytest.approx(start[0], rel=1e-12)
    assert losses == sorted(losses, reverse=True)
    assert start[-1] < losses[-1] < 1.5 * start[-1]


def test_the_confusion_counts_every_held_out_flower_once() -> None:
    model, _ = demo.by_lbfgs(DATA.train, 3)
    table = np.array(demo.confusion(model, DATA.held_out, 3))
    expected = np.zeros((3, 3), int)
    guesses = probabilities(model, DATA.held_out.x, DATA.train.x).argmax(axis=1)
    np.add.at(expected, (DATA.held_out.c, guesses), 1)
    assert (table == expected).all()
    assert demo.correct(table.tolist()) == (guesses == DATA.held_out.c).sum() >= 45


def test_two_features_are_those_of_the_petal() -> None:
    assert demo.two_features(demo.Flowers([[1.0, 2.0, 3.0, 4.0]], [1])) == demo.Flowers([[3.0, 4.0]], [1])
    assert [DATA.features[j] for j in demo.TWO] == ["petal length", "petal width"]


def test_the_printed_lines_and_the_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "iris.png"
    demo.main(["--small", "--plot", str(picture)])
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    row = demo.one_flower(DATA.train.x[0], DATA.train.c[0], 3, 0)
    for k, name in enumerate(DATA.classes):
        same = [f"{row.z_bar[k]:.6f}"] * 4
        assert any(line[:1] == [name] and line[-4:] == same for line in lines), name
    model, losses = demo.by_lbfgs(DATA.train, 3)
    number = demo.correct(demo.confusion(model, DATA.held_out, 3))
    assert any("(the table)" in line and f"{number} of 50" in line for line in out.splitlines())
    assert any(line[:1] == [str(len(losses) - 1)] and line[-1:] == [f"{losses[-1]:.6f}"] for line in lines)
    assert max(len(line) for line in out.splitlines() if "written to" not in line) <= 100
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000


def test_without_scikit_learn_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match=r"pip install scikit-learn"):
        demo.iris(0)
