import math

import numpy as np
import pytest

from demos import gradient_check as demo
from demos import noisy_xor

LAYERS = demo.weights()
ROWS = {row.name: row for row in demo.table(LAYERS)}
EXPERIMENT = noisy_xor.draw()


def test_the_lecture_s_printed_digits() -> None:
    assert [name for name, row in ROWS.items() if row.printed] == [*demo.PRINTED]
    for name, (difference, backward) in demo.PRINTED.items():
        assert ROWS[name].difference == pytest.approx(difference, abs=1e-9), name
        assert ROWS[name].engine == pytest.approx(backward, abs=1e-15), name


def test_the_engine_and_the_difference_agree_for_every_parameter() -> None:
    assert len(ROWS) == 9
    for row in ROWS.values():
        assert row.engine == pytest.approx(row.difference, abs=1e-8), row


def test_the_gradient_written_out() -> None:
    def sigma(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    (w11, w12, b1), (w21, w22, b2) = LAYERS[0].tolist()
    v1, v2, c = LAYERS[1][0].tolist()
    h1, h2 = sigma(w11 + w12 + b1), sigma(w21 + w22 + b2)
    y = sigma(v1 * h1 + v2 * h2 + c)
    z_bar = y * y * (1 - y)
    first, second = z_bar * v1 * h1 * (1 - h1), z_bar * v2 * h2 * (1 - h2)
    expected = [first] * 3 + [second] * 3 + [z_bar * h1, z_bar * h2, z_bar]
    assert [row.engine for row in ROWS.values()] == pytest.approx(expected, rel=1e-12)


def test_the_notebook_s_backward_pass_is_wrong_for_one_bias() -> None:
    wrong = [name for name, row in ROWS.items() if abs(row.by_hand - row.engine) > 1e-12]
    assert wrong == ["b1[1]"]
    assert ROWS["b1[1]"].by_hand == pytest.approx(ROWS["b1[2]"].engine, rel=1e-12)


def test_where_the_slips_matter() -> None:
    right = {name: [error < 1e-8 for error in errors] for name, errors in demo.where_slips_matter(EXPERIMENT)}
    assert right == {  # neither line mended, +=, [i], both
        "2-1": [True, True, True, True],
        "2-2-1": [False, False, True, True],
        "2-2-2": [False, False, False, True],
        "2-2-2-1": [False, False, False, True],
    }


def test_the_slopes_that_nobody_reads() -> None:
    slopes = demo.unread_slopes(LAYERS)
    assert slopes["with +="] == pytest.approx(slopes["difference"], abs=1e-9)
    assert np.abs(np.subtract(slopes["with ="], slopes["difference"])).min() > 1e-5


def test_the_global_output_matters_only_when_it_is_stale() -> None:
    own = demo.forward(EXPERIMENT.start, EXPERIMENT.x)[-1]
    mended = (demo.SUMMED, demo.OWN_BIAS)
    assert demo.largest_error(EXPERIMENT.start, EXPERIMENT, mended, output=own) < 1e-8
    assert demo.stale_output_error(EXPERIMENT) > 0.1


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(["--small"])
    out, _ = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert any(line[:2] == ["W2[1,1]", "0.059325911128"] and line[3:] == ["0.059325910361"] * 3 for line in lines)
    assert [line[0] for line in lines if line[-1:] == ["SLIP"]] == ["b1[1]"]
    assert max(len(line) for line in out.splitlines() if "written to" not in line) <= 100
