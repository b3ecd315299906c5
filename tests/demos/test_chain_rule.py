import math

import pytest

from demos import chain_rule


@pytest.mark.parametrize("t", [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0])
def test_hand_backward_and_grad_agree(t: float) -> None:
    rows = [*chain_rule.two_paths(t), *chain_rule.total_derivative(t), *chain_rule.evaluate_at()]
    for row in rows:
        assert row.by_backward == pytest.approx(row.by_hand, rel=1e-13, abs=1e-15), row
        assert row.by_grad == pytest.approx(row.by_hand, rel=1e-13, abs=1e-15), row
    assert chain_rule.largest_difference(rows) < 1e-13


@pytest.mark.parametrize("t", [-1.5, 0.5, 2.0])
def test_the_derivatives_are_those_of_difference_quotients(t: float) -> None:
    def f(t: float) -> float:
        return t**2 + math.exp(math.cos(t) * t**2)

    def g(t: float) -> float:
        return t**2 + t**3 + 1

    h = 1e-6
    rows = {row.name: row for row in [*chain_rule.two_paths(t), *chain_rule.total_derivative(t)]}
    assert rows["t_bar"].by_backward == pytest.approx((f(t + h) - f(t - h)) / (2 * h), rel=1e-7)
    assert rows["dg/dt"].by_backward == pytest.approx((g(t + h) - g(t - h)) / (2 * h), rel=1e-7)


def test_the_rows_are_the_lecture_s_in_its_order() -> None:
    assert [row.name for row in chain_rule.two_paths(0.5)] == ["dx/dt", "dy/dt", "x_bar", "y_bar", "t_bar", "df/dt"]
    assert [row.by_backward for row in chain_rule.evaluate_at()] == [2.0, 1.0]
    assert chain_rule.total_derivative(2.0)[0].by_backward == 16.0


def test_a_difference_is_seen() -> None:
    row = chain_rule.Row("dg/dt", "2t + 3t^2", by_hand=4.0, by_backward=4.0, by_grad=5.0)
    assert chain_rule.largest_difference([row]) == 0.25


def test_the_printed_numbers_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    chain_rule.main(["--t", "2", "--small"])
    out, err = capsys.readouterr()
    assert err == ""
    rows = [line.split() for line in out.splitlines() if line.startswith("    d") or "_bar  " in line[:12]]
    assert len(rows) == 9
    assert all(row[-1] == row[-2] == row[-3] for row in rows)
    assert ["dg/dt", "2t", "+", "3t^2", *["16.000000000"] * 3] in rows
    assert ["d/dz1", "2", "z1", *["2.000000000"] * 3] in rows
    assert len({len(line) for line in out.splitlines() if line.startswith("    d")}) == 1
    paths = [float(line.split()[-1]) for line in out.splitlines() if "along" in line or "together" in line]
    assert paths[0] + paths[1] == pytest.approx(paths[2], abs=2e-9)


@pytest.mark.parametrize("t", ["inf", "nan", "1e200", "zero"])
def test_a_useless_t_is_refused_in_words(t: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        chain_rule.main(["--t", t])
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert t in err or "1e+200" in err
