import math
from dataclasses import replace

import pytest

from demos import errata, noisy_xor, worked_example
from demos._errata import lecture_004, shared

ERRATA = [row for row in errata.ROWS if row.kind != "holds"]


def row_of(lecture: str, printed: str) -> shared.Row:
    (found,) = (row for row in ERRATA if row.lecture == lecture and row.printed == printed)
    return found


def name_of(row: shared.Row) -> str:
    return f"{row.lecture} {row.printed}"


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("row", errata.ROWS, ids=name_of)
def test_the_numbers_bear_every_row_out(row: shared.Row) -> None:
    assert row.kind in errata.KINDS
    assert row.proven, row.evidence
    if row.kind == "holds":
        assert not row.right
    else:
        assert row.right and row.right != row.printed
        assert row.why or row.kind == "carried over"
    opposite = "slip" if row.kind == "holds" else "holds"
    assert not replace(row, check=lambda: row.evidence, kind=opposite).proven


def test_a_correction_that_is_wrong_proves_nothing() -> None:
    check = lambda: shared.evidence(1.0, 2.0, 3.0)  # noqa: E731
    assert not any(shared.Row("000", "", "", check, kind).proven for kind in errata.KINDS)


def test_a_missing_number_agrees_with_nothing() -> None:
    found = shared.evidence([math.nan, 1.0], [1.0], [1.0, 1.0])
    assert not found.agrees(found.printed) and not found.agrees(found.right) and found.agrees((1.0, 1.0))


def test_a_wrong_derivative_is_not_believed() -> None:
    shared.insist([6.0], lambda v: v[0] ** 2, [3.0])
    with pytest.raises(ArithmeticError, match=r"engine gives 6\.001"):
        shared.insist([6.001], lambda v: v[0] ** 2, [3.0])


def test_lecture_001_has_two_slips_and_twelve_numbers_carried_over_in_the_example() -> None:
    example = [row for row in ERRATA if row.place == "XOR example"]
    assert [row.printed.split(" = ")[0] for row in example if row.kind == "slip"] == ["f_in", "new f_out"]
    carried = {row.printed.split(" = ")[0] for row in example if row.kind == "carried over"}
    assert carried == {row.name for row in worked_example.table() if row.remark == "carried over"}
    assert len(carried) == 12


def test_the_counts_add_up() -> None:
    totals = {lecture: kinds.total() for lecture, kinds in errata.counts(errata.ROWS).items()}
    assert sum(totals.values()) == len(errata.ROWS)
    assert [row.lecture for row in errata.ROWS] == sorted(row.lecture for row in errata.ROWS)
    slips = {lecture: kinds["slip"] for lecture, kinds in errata.counts(errata.ROWS).items()}
    assert slips == {"000": 3, "001": 3, "002": 0, "003": 2, "004": 4}


def test_the_stray_x_is_the_only_difference() -> None:
    found = row_of("002", "dL/db = (sigmoid(wx + b) - t) sigmoid'(wx + b) x").evidence
    y = sigma(0.7 * 2.0 - 0.3)
    assert found.right == pytest.approx([(y - 0.2) * y * (1 - y)])
    assert found.printed == pytest.approx([2 * found.right[0]])


def test_the_slope_of_the_sigmoid_at_the_two_places() -> None:
    found = row_of("001", "the derivative of the sigmoid at z1_out").evidence
    z = -0.53
    assert found.right == pytest.approx([sigma(z) * (1 - sigma(z))])
    assert found.printed == pytest.approx([sigma(sigma(z)) * (1 - sigma(sigma(z)))])


def test_the_missing_unit_is_the_whole_difference_in_lecture_003s_sum() -> None:
    (found,) = (row.evidence for row in ERRATA if row.lecture == "003" and row.place == "dC/dz")
    net = shared.network(2, 2, 3)
    for k in (1, 2):
        slope = sigma(net.z[1, k].data) * (1 - sigma(net.z[1, k].data))
        third = net.z[2, 3].grad * net.w[2, 3, k].data * slope
        assert found.right[k - 1] - found.printed[k - 1] == pytest.approx(third)


def test_both_hidden_biases_of_lecture_004_move_alike_and_only_by_its_own_code() -> None:
    import numpy as np

    start = 0.5 * np.random.RandomState(1).randn(9)[6:8]  # W1 and W2 take the first six draws
    assert lecture_004.TRAINED[4] - start[0] == pytest.approx(lecture_004.TRAINED[5] - start[1], abs=1e-8)
    assert lecture_004.trained(each_bias_its_own=False) == pytest.approx(lecture_004.TRAINED, abs=1e-8)
    mended = lecture_004.trained(each_bias_its_own=True)
    assert abs((mended[4] - start[0]) - (mended[5] - start[1])) > 1


def test_the_overwritten_sum_is_that_of_the_notebooks_own_backward_pass() -> None:
    import numpy as np

    found = lecture_004.overwritten(0, 2, 2, 1)  # only this sum has several terms, so that no other is overwritten
    net = shared.network(2, 2, 1)
    layers = [np.array([[net.w[m, i, j].data for j in (*net.units(m - 1), 0)] for i in net.units(m)]) for m in (1, 2)]
    x, target = np.array([[net.output(0, 1)], [net.output(0, 2)]]), np.array([net.target])
    for numbers, mended in ((found.printed, []), (found.right, [noisy_xor.SUMMED])):
        assert numbers == pytest.approx(noisy_xor.by_hand(layers, x, target, mended)[1][:, 0].tolist())


def test_the_network_is_that_of_plain_floats() -> None:
    net = shared.network(2, 2, x=(0.5, -1.0))
    for i in (1, 2):
        z = net.w[1, i, 0].data + net.w[1, i, 1].data * 0.5 - net.w[1, i, 2].data
        assert net.z[1, i].data == pytest.approx(z)
        residual = sigma(z) - net.target[i - 1]
        assert net.z[1, i].grad == pytest.approx(residual * sigma(z) * (1 - sigma(z)))


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    errata.main(["--small"])
    out = capsys.readouterr().out
    assert out.count("[slip]") == 12 and "[holds]" not in out and "NOT PROVEN" not in out
    assert out.endswith("0 rows are not proven.\n")
    errata.main(["--all"])
    everything = capsys.readouterr().out
    assert everything.count("[holds]") == len(errata.ROWS) - len(ERRATA)
    assert max(map(len, everything.splitlines())) <= 100
