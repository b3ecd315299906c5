import sys
from pathlib import Path

import numpy as np
import pytest

from demos import regularized_regression as demo


def test_the_engine_and_the_difference_quotient_side_with_the_line_without_x() -> None:
    c = demo.calculus_class()
    assert c["dL/dw, engine"] == pytest.approx(c["dL/dw"], rel=1e-14)
    assert c["dL/db, engine"] == pytest.approx(c["dL/db"], rel=1e-14)
    assert c["dL/db, quotient"] == pytest.approx(c["dL/db"], rel=1e-9)
    assert c["dL/db, lecture"] == pytest.approx(demo.X * c["dL/db"], rel=1e-14)
    assert demo.X != 1, "at x = 1 the two lines could not be told apart"


def test_every_adjoint_is_the_hand_s() -> None:
    rows = demo.backward_pass()
    assert [row[0] for row in rows] == ["L_reg_bar", "R_bar", "L_bar", "y_bar", "z_bar", "w_bar", "b_bar"]
    for name, _, by_hand, engine in rows:
        assert engine == pytest.approx(by_hand, rel=1e-14), name
    adjoints = {name: engine for name, _, _, engine in rows}
    c = demo.calculus_class()
    assert adjoints["w_bar"] == pytest.approx(c["dL/dw"] + demo.LAMBDA * demo.W, rel=1e-14)
    assert adjoints["b_bar"] == pytest.approx(c["dL/db"], rel=1e-14)


def test_features_are_standardised_by_the_training_rows_alone() -> None:
    train, held_out = demo.diabetes(60, seed=1)
    assert (train.x.shape, held_out.x.shape) == ((60, 10), (382, 10))
    assert train.x.mean(axis=0) == pytest.approx(np.zeros(10), abs=1e-12)
    assert train.x.std(axis=0) == pytest.approx(np.ones(10), rel=1e-12)
    assert np.abs(held_out.x.mean(axis=0)).max() > 0.01
    again, other = demo.diabetes(60, seed=1)[0], demo.diabetes(60, seed=2)[0]
    assert np.array_equal(train.t, again.t)
    assert not np.array_equal(train.t, other.t)


@pytest.mark.parametrize("lam", [0.0, 0.1, 3.0])
def test_the_objective_penalises_the_weights_and_not_the_bias(lam: float) -> None:
    value = demo.objective([3.0, 4.0, 5.0], [[1.0, 0.0], [0.0, 1.0]], [8.0, 7.0], lam)
    assert value == pytest.approx((0.5 * 0.0**2 + 0.5 * 2.0**2) / 2 + lam * 0.5 * 25.0)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_path_is_that_of_the_closed_form(seed: int) -> None:
    train, held_out = demo.diabetes(60, seed)
    fits = list(demo.path(train, held_out, demo.LAMBDAS_SMALL))
    for row in fits:
        assert np.abs(row.parameters - demo.closed_form(train, row.lam)).max() <= row.difference < 1e-8
        assert row.parameters[-1] == pytest.approx(train.t.mean()), "standardised features leave the mean to the bias"
    sizes = [np.linalg.norm(row.parameters[:-1]) for row in fits]
    assert sizes == sorted(sizes, reverse=True)
    errors = [row.train for row in fits]
    assert errors == sorted(errors)


def test_the_closed_form_is_scikit_learn_s() -> None:
    from sklearn.linear_model import Ridge  # type: ignore[import-untyped]

    train, _ = demo.diabetes(60, seed=0)
    ridge = Ridge(alpha=0.3 * 60).fit(train.x, train.t)  # scikit-learn sums where E takes the mean
    assert demo.closed_form(train, 0.3) == pytest.approx(np.append(ridge.coef_, ridge.intercept_), rel=1e-9)


def test_the_printed_lines(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(["--small"])
    out = capsys.readouterr().out
    assert "dL/db = (y - t) sigma'(z)   = -0.310026 * 0.213910      -0.066317  -0.066317" in out
    assert "(y - t) sigma'(z) x = -0.310026 * 0.213910 * 2 = -0.132635." in out
    assert "The line without x is right." in out
    lines = [line.split() for line in out.splitlines()]
    for name, _, _, engine in demo.backward_pass():
        assert any(line[:1] == [name] and line[-2:] == [f"{engine:.6f}"] * 2 for line in lines), name
    table = [line for line in lines if len(line) == 16 and line[0] != "lambda"]
    assert [float(line[0]) for line in table] == [*demo.LAMBDAS_SMALL]
    assert all(float(line[-1]) < 1e-8 for line in table)
    best = min(table, key=lambda line: float(line[-2]))
    assert f"Best on the held-out rows: lambda = {best[0]}, error {best[-2]} ({table[0][-2]} without a penalty)." in out
    assert float(lines[-1][-1]) == max(float(line[-1]) for line in table)


def test_without_scikit_learn_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match=r"pip install scikit-learn"):
        demo.diabetes(60, seed=0)


def test_the_picture_is_written(tmp_path: Path) -> None:
    demo.main(["--small", "--plot", str(tmp_path / "path.png")])
    assert (tmp_path / "path.png").read_bytes().startswith(b"\x89PNG")
