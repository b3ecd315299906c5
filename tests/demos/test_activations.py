from pathlib import Path

import mpmath  # type: ignore[import-untyped]
import pytest

import autograd
from autograd import jacobian, softmax
from demos import activations as demo

EXACT = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "ReLU": lambda z: max(mpmath.mpf(0), z),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
}


@pytest.mark.parametrize("z", demo.Z)
def test_values_and_slopes_are_the_exact_ones(z: float) -> None:
    with mpmath.workdps(40):
        (values,), (slopes,) = demo.values([z]), demo.slopes([z])
        for a, (engine, formula) in zip(demo.ACTIVATIONS, values.pairs):
            exact = float(EXACT[a.name](mpmath.mpf(z)))
            assert (engine, formula) == pytest.approx((exact, exact), rel=1e-13, abs=1e-16), a.name
        for a, (engine, formula) in zip(demo.ACTIVATIONS, slopes.pairs):
            if a.name != "ReLU" or z != 0:
                exact = float(mpmath.diff(EXACT[a.name], mpmath.mpf(z), h=mpmath.mpf("1e-15")))
                assert (engine, formula) == pytest.approx((exact, exact), rel=1e-10, abs=1e-14), a.name


def test_lecture_and_engine_differ_for_relu_at_0_alone() -> None:
    for row in demo.slopes():
        for a, (engine, formula) in zip(demo.ACTIVATIONS, row.pairs):
            assert (abs(engine - formula) > 1e-12) == (a.name == "ReLU" and row.z == 0), (a.name, row.z)
    assert demo.slopes([0.0])[0].pairs[2] == (0.0, 1.0)
    assert demo.largest_difference(demo.slopes()) < 1e-15


@pytest.mark.parametrize(("s", "is_one"), [(-0.1, False), (0.0, True), (0.5, True), (1.0, True), (1.1, False)])
def test_the_subgradients_of_relu_at_0(s: float, is_one: bool) -> None:
    assert (demo.relu_margin(s) >= 0) == is_one


@pytest.mark.parametrize("z", [[2.0, 1.0, -1.0], [0.0, 0.0], [3.0], [-2.0, 0.5, 0.5, 4.0]])
def test_the_jacobian_of_softmax(z: list[float]) -> None:
    formula, engine, h = demo.softmax_jacobian_by_formula(z), jacobian(softmax)(z), 1e-6
    for j in range(len(z)):
        above, below = ([*z[:j], z[j] + step, *z[j + 1 :]] for step in (h, -h))
        for i, (up, down) in enumerate(zip(softmax(above), softmax(below))):
            assert formula[i][j] == pytest.approx((up - down) / (2 * h), abs=1e-9)
            assert engine[i][j] == pytest.approx(formula[i][j], abs=1e-15)
    assert [sum(row) for row in engine] == pytest.approx([0.0] * len(z), abs=1e-15)


@pytest.mark.parametrize("c", [0, 1, 2])
def test_the_chain_through_softmax_is_the_residual(c: int) -> None:
    rows = demo.through_softmax(demo.LOGITS, c)
    for chained, residual, engine in rows:
        assert chained == pytest.approx(residual, rel=1e-13)
        assert engine == pytest.approx(residual, rel=1e-13)
    assert [residual < 0 for _, residual, _ in rows] == [j == c for j in range(3)]


def test_far_out_the_engine_is_right_and_the_formula_is_not() -> None:
    with mpmath.workdps(400):
        exact = {
            "sigmoid'(40)": 1 / (1 + mpmath.exp(-40)) / (1 + mpmath.exp(40)),
            "tanh'(20)": mpmath.sech(20) ** 2,
            "softplus(-40)": mpmath.log1p(mpmath.exp(-40)),
            "sigmoid(-800)": 1 / (1 + mpmath.exp(800)),
            "softplus(800)": mpmath.log1p(mpmath.exp(800)),
            "softmax(1000, 1000)_1": mpmath.mpf("0.5"),
        }
        rows = demo.far_out()
        assert [row[0] for row in rows] == list(exact)
        for what, _, formula, engine in rows:
            assert engine == pytest.approx(float(exact[what]), rel=1e-15), what
            assert formula is None or abs(formula - exact[what]) > 0.1 * exact[what], what


def test_why_the_formulas_fail() -> None:
    assert demo.sigma(40.0) == 1.0 == autograd.tanh(20.0)
    assert 1.0 + autograd.exp(-40.0) == 1.0


def test_the_printed_tables_and_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "activations.png"
    demo.main(["--small", "--plot", str(file)])
    printed = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in printed]
    assert ["0.0", "0.250000", "0.250000", "1.000000", "1.000000", "0.000000", "1.000000", *["0.500000"] * 2] in lines
    assert ["0.5", "0.0", *["a", "subgradient:", "autograd.maximum(0,", "z)", "at", "the", "tie"]] in lines
    assert ["2", "-0.740504", "-0.740504", "-0.740504"] in lines
    assert any(line[:3] == ["softplus(800)", "overflow", "800"] for line in lines)
    assert max(map(len, printed[:-1])) <= 100
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 10_000
