import math
import re

import pytest

from demos import worked_example

ROWS = {row.name: row for row in worked_example.table()}


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def network(w: dict[str, float]) -> float:
    """f_out in plain floats."""
    z1 = sigma(w["W11"] * 1 + w["W21"] * 0 + w["b1"])
    z2 = sigma(w["W12"] * 1 + w["W22"] * 0 + w["b2"])
    return sigma(w["u1"] * z1 + w["u2"] * z2 + w["c"])


def slope(name: str) -> float:
    """d loss / d weight as a difference quotient."""
    h = 1e-6
    losses = [
        0.5 * (1 - network({**worked_example.WEIGHTS, name: worked_example.WEIGHTS[name] + d})) ** 2 for d in (h, -h)
    ]
    return (losses[0] - losses[1]) / (2 * h)


def test_the_forward_pass_is_that_of_plain_floats() -> None:
    assert ROWS["f_out"].engine == pytest.approx(network(worked_example.WEIGHTS), rel=1e-14)
    assert round(ROWS["f_in"].engine, 4) == 1.1270
    assert round(ROWS["f_out"].engine, 4) == 0.7553
    assert round(ROWS["dL/df_out"].engine, 4) == -0.2447


@pytest.mark.parametrize("name", worked_example.WEIGHTS)
def test_every_weight_moves_against_its_difference_quotient(name: str) -> None:
    moved = worked_example.engine_numbers()[f"new {name}"]
    assert moved == pytest.approx(worked_example.WEIGHTS[name] - 0.5 * slope(name), abs=1e-9)


def test_the_evaluation_after_the_update_uses_the_new_weights() -> None:
    numbers = worked_example.engine_numbers()
    after = network({name: numbers[f"new {name}"] for name in worked_example.WEIGHTS})
    assert numbers["new f_out"] == pytest.approx(after, rel=1e-14)
    assert numbers["new L"] == pytest.approx(0.5 * (1 - after) ** 2, rel=1e-13)
    assert numbers["new L"] < numbers["L"]


def test_the_factors_multiply_to_the_derivatives() -> None:
    n = worked_example.engine_numbers()
    delta_1 = n["dL/df_out"] * n["df_out/df_in"] * n["df_in/dz1_out"] * n["dz1_out/dz1_in"]
    assert n["dL/dz1_in"] == pytest.approx(delta_1, rel=1e-14)
    assert n["dL/dW11"] == pytest.approx(delta_1 * n["dz1_in/dW11"], rel=1e-14)
    assert n["dL/dW21"] == 0.0
    assert n["dL/du1"] == pytest.approx(n["dL/df_out"] * n["df_out/df_in"] * n["df_in/du1"], rel=1e-14)


def test_what_is_carried_over_and_what_is_a_slip() -> None:
    assert (
        {name for name, row in ROWS.items() if row.remark == "SLIP"} == {"f_in", "new f_out"} == {*worked_example.SLIPS}
    )
    assert [name for name, row in ROWS.items() if row.remark == "carried over"] == [
        "f_out", "L", "dL/df_out", "df_out/df_in", "dL/du1", "new u1", "dL/dW11", "new W12", "new b2", "new u2",
        "new c", "new L",
    ]  # fmt: skip


def test_a_number_agrees_up_to_half_a_unit_of_the_last_decimal() -> None:
    assert worked_example.Row("", slide=0.1234, engine=0.12344, follows=0.5).remark == ""
    assert worked_example.Row("", slide=0.1234, engine=0.12346, follows=0.12336).remark == "carried over"
    assert worked_example.Row("", slide=0.1234, engine=0.12346, follows=0.12346).remark == "SLIP"


def test_the_arithmetic_of_the_slips() -> None:
    f_in = 0.3705 * -0.22 + 0.7389 * 0.58 + 0.78
    assert f_in == pytest.approx(1.1271, abs=5e-5)
    assert sigma(-0.53) * -0.22 + sigma(1.04) * 0.56 + 0.78 == pytest.approx(1.1122, abs=5e-5)
    assert sigma(1.1122) == pytest.approx(0.7525, abs=5e-5)
    z1, z2 = sigma(-0.0712 - 0.4612), sigma(0.9426 + 0.1026)
    assert (round(z1, 4), round(z2, 4)) == (0.3700, 0.7399)
    assert -0.2115 * z1 + 0.5970 * z2 + 0.8030 == pytest.approx(1.1664, abs=5e-5)
    assert sigma(1.1664) == pytest.approx(0.7625, abs=5e-5)
    loss = 0.5 * (1 - 0.7615) ** 2
    assert loss == pytest.approx(0.0284, abs=5e-5)


def test_every_row_is_printed_with_its_three_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    worked_example.main(["--small"])
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["f_in", "1.1122", "1.1270", "1.12705", "SLIP"] in lines
    assert ["dL/df_out", "-0.2475", "-0.2447", "-0.24750", "carried", "over"] in lines
    assert ["z1_in", "-0.5300", "-0.5300", "-0.53000"] in lines
    for name in worked_example.SLIDES:
        assert re.search(rf"^{re.escape(name)}  +-?\d\.\d{{4}} +-?\d\.\d{{4}} +-?\d\.\d{{5}}", out, re.MULTILINE), name
    assert "The slides' f_in is off:" in out
    assert "The slides' new f_out is off:" in out
    assert out.endswith("12 of 26 numbers agree, 12 carry an earlier slip over, 2 are slips.\n")
