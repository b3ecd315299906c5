import sys
from pathlib import Path

import numpy as np
import pytest

from demos import regression as demo
from demos.regularized_regression import Rows, closed_form

DATA = demo.split(0)


class Constant(demo.nn.Module):
    """Predicts `number` standard deviations above the mean of the training rows."""

    def __init__(self, number: float) -> None:
        self.number = demo.Value(number)

    def __call__(self, inputs: object) -> demo.Value:
        return self.number


def few(rows: int) -> Rows:
    return Rows(DATA.train.names, DATA.train.x[:rows], DATA.train.t[:rows])


def test_the_three_parts_share_no_row_and_lose_none() -> None:
    assert [rows.x.shape for rows in DATA] == [(242, 10), (100, 10), (100, 10)]
    assert len(np.unique(np.concatenate([rows.x for rows in DATA]), axis=0)) == 442
    assert demo.split(1).test.t.tolist() != DATA.test.t.tolist()


def test_inputs_are_standardised_by_the_training_rows_alone() -> None:
    assert DATA.train.x.mean(axis=0) == pytest.approx(np.zeros(10), abs=1e-12)
    assert DATA.train.x.std(axis=0) == pytest.approx(np.ones(10), rel=1e-12)
    for rows in (DATA.validation, DATA.test):
        assert np.abs(rows.x.mean(axis=0)).max() > 0.01
    targets = np.array(demo.standardised_targets(DATA.train))
    assert (targets.mean(), targets.std()) == pytest.approx((0, 1), abs=1e-12)
    assert targets * DATA.train.t.std() + DATA.train.t.mean() == pytest.approx(DATA.train.t)


@pytest.mark.parametrize("lam", [0.01, 0.3])
def test_the_linear_model_is_the_closed_form(lam: float) -> None:
    model = demo.linear_model(DATA.train, lam)
    standard = Rows(DATA.train.names, DATA.train.x, np.array(demo.standardised_targets(DATA.train)))
    solution = closed_form(standard, lam)
    found = [w.data for w in model.weights] + [model.bias.data]
    assert found == pytest.approx(solution, abs=1e-3)
    expected = (DATA.test.x @ solution[:-1] + solution[-1]) * DATA.train.t.std() + DATA.train.t.mean()
    assert demo.predictions(model, DATA.train, DATA.test.x) == pytest.approx(expected, abs=0.1)


def test_the_penalty_is_on_the_weights_and_shrinks_them() -> None:
    model = demo.nn.MLP(10, [demo.HIDDEN, 1], seed=0)
    assert (len(model.parameters()), len(demo.weights(model))) == (61, 55)
    sizes = []
    for lam in (0.0, 0.1, 10.0):
        trained = demo.network(few(60), lam, epochs=8)
        sizes.append(sum(w.data**2 for w in demo.weights(trained)))
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_network_learns_and_the_same_call_gives_the_same_network() -> None:
    rows = few(60)
    model, again = demo.network(rows, 0.01, epochs=8), demo.network(rows, 0.01, epochs=8)
    assert model.state_dict() == again.state_dict()
    assert demo.error(demo.predictions(model, rows, rows.x), rows.t) < 0.8 * rows.t.std()


def test_errors_are_roots_of_mean_squares_of_the_right_rows() -> None:
    (fit,) = demo.path(DATA, lambda train, lam: Constant(lam), [1.0])
    guess = DATA.train.t.mean() + DATA.train.t.std()
    for found, rows in ((fit.train, DATA.train), (fit.validation, DATA.validation)):
        assert found == pytest.approx(np.sqrt(np.mean((rows.t - guess) ** 2)), rel=1e-12)


def test_validation_alone_chooses() -> None:
    fits = [demo.Fit(lam, Constant(0.0), train, val) for lam, train, val in ((0, 1, 9), (1, 5, 7), (2, 6, 8))]
    assert demo.chosen(fits).lam == 1


def test_the_verdict_is_of_the_paired_differences() -> None:
    linear, mlp = Constant(1.0), Constant(0.0)
    mean, deviation = DATA.train.t.mean(), DATA.train.t.std()
    differences = (DATA.test.t - mean - deviation) ** 2 - (DATA.test.t - mean) ** 2
    judged = demo.verdict(DATA, linear, mlp)
    assert judged.difference == pytest.approx(differences.mean(), rel=1e-12)
    assert judged.standard_error == pytest.approx(np.sqrt(differences.var(ddof=1) / 100), rel=1e-12)
    assert judged.words == "the network"
    assert demo.verdict(DATA, mlp, linear).words == "the linear model"
    assert demo.Verdict(-19.0, 10.0).words.startswith("neither")
    assert demo.Verdict(-21.0, 10.0).words == "the linear model"


def test_the_printed_lines_and_the_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "path.png"
    demo.main(["--small", "--plot", str(picture)])
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    baseline = np.sqrt(np.mean((DATA.test.t - DATA.train.t.mean()) ** 2))
    assert ["baseline:", "the", "mean", "1", f"{baseline:.2f}", "0.0", "%"] in lines
    fits = demo.path(DATA, demo.linear_model, demo.LAMBDAS_SMALL)
    best = demo.chosen(fits)
    found = demo.error(demo.predictions(best.model, DATA.train, DATA.test.x), DATA.test.t)
    assert any(line[:5] == ["linear", "model", f"{best.lam:g}", "11", f"{found:.2f}"] for line in lines)
    assert found < 0.85 * baseline
    assert sum(f"{fit.validation:.2f}*" in out for fit in fits) == 1
    assert "Who wins, if two standard errors are asked for: " in out
    assert max(len(line) for line in out.splitlines() if "written to" not in line) <= 100
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000


def test_without_scikit_learn_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match=r"pip install scikit-learn"):
        demo.split(0)
