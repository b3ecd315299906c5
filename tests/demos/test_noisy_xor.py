import math
from pathlib import Path

import numpy as np
import pytest

from demos import noisy_xor as demo

EXPERIMENT = demo.draw()


def test_the_draws_are_those_of_the_global_legacy_generator() -> None:
    state = np.random.get_state()
    try:
        np.random.seed(1)
        numbers = np.random.randn(9)
        corner = np.random.rand(2, 1000) > 0.5
        noise = np.random.randn(2, 1000)
    finally:
        np.random.set_state(state)
    (w11, w12, b1), (w21, w22, b2) = EXPERIMENT.start[0]
    assert [w11, w12, w21, w22] == [*numbers[:4] * 0.5]
    assert [*EXPERIMENT.start[1][0, :2], b1, b2, EXPERIMENT.start[1][0, 2]] == [*numbers[4:] * 0.5]
    assert np.array_equal(EXPERIMENT.x, corner + 0.1 * noise)
    assert np.array_equal(EXPERIMENT.d, corner[0] ^ corner[1])  # no point crosses the middle
    assert np.array_equal(demo.draw().x, EXPERIMENT.x)


def test_the_notebook_as_it_stands_gives_all_its_printed_digits() -> None:
    run = demo.train_by_hand(EXPERIMENT, 200)
    assert np.abs(run.parameters - demo.PRINTED).max() < 0.51e-8
    assert np.abs(np.subtract(run.outputs, demo.PRINTED_OUTPUTS)).max() < 1e-12
    assert len(run.losses) == 201


def test_only_the_bias_slip_among_the_two_changes_a_number() -> None:
    near = {name for name, parameters, _ in demo.readings(EXPERIMENT) if parameters < 1e-8}
    assert near == {"the notebook as it stands", "dldhs[l][j] += m*Wl[i,j]"}
    start, x, d, _ = EXPERIMENT
    as_it_stands, summed = (demo.by_hand(start, x, d, mended)[0] for mended in ((), (demo.SUMMED,)))
    assert all(np.array_equal(a, b) for a, b in zip(as_it_stands, summed))


def test_the_printed_biases_kept_their_difference() -> None:
    printed = 4.72145779 - 3.46844846
    assert EXPERIMENT.start[0][0, 2] - EXPERIMENT.start[0][1, 2] == pytest.approx(printed, abs=1e-8)


def test_central_differences_side_with_the_engine() -> None:
    table = dict(zip(demo.NAMES, demo.gradients_at_the_start(EXPERIMENT)))
    for name, (judge, notebook, engine) in table.items():
        assert engine == pytest.approx(judge, abs=1e-6), name
        assert (notebook == pytest.approx(judge, abs=1e-6)) == (name != "b1[1]"), name
    assert table["b1[1]"][1] == table["b1[2]"][1]
    assert table["b1[1]"][0] > 0 > table["b1[1]"][1]


def test_the_mended_notebook_is_the_engine() -> None:
    by_hand = demo.train_by_hand(EXPERIMENT, 20, [demo.OWN_BIAS])
    engine = demo.train_by_engine(EXPERIMENT, 20)
    assert engine.parameters == pytest.approx(by_hand.parameters, abs=1e-12)
    assert engine.losses == pytest.approx(by_hand.losses, rel=1e-12)
    assert engine.outputs == pytest.approx(by_hand.outputs, abs=1e-12)


def test_forward_and_objective_in_plain_floats() -> None:
    def sigma(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    (w11, w12, b1), (w21, w22, b2) = EXPERIMENT.start[0].tolist()
    v1, v2, c = EXPERIMENT.start[1][0].tolist()
    total = 0.0
    for x1, x2, d in zip(*EXPERIMENT.x.tolist(), EXPERIMENT.d.tolist()):
        h1, h2 = sigma(w11 * x1 + w12 * x2 + b1), sigma(w21 * x1 + w22 * x2 + b2)
        total += 0.5 * (sigma(v1 * h1 + v2 * h2 + c) - d) ** 2
    assert demo.objective(EXPERIMENT.start, EXPERIMENT.x, EXPERIMENT.d) == pytest.approx(total, rel=1e-12)
    assert demo.engine_objective(demo.engine_model(EXPERIMENT.start), EXPERIMENT).data == pytest.approx(
        total, rel=1e-12
    )


def test_what_is_printed_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    demo.main(["--small", "--plot", str(tmp_path / "xor.png")])
    out, _ = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert ["b1[1]", "0.6075826", "-1.4904849", "0.6075826", "<-", "that", "of", "b1[2]"] in lines
    assert any(line[:3] == ["b1[1]", "4.72145779", "4.72145779"] and line[3] == line[4] for line in lines)
    assert "the right one after 20 only (--small)" in out
    assert max(len(line) for line in out.splitlines() if not line.startswith("Picture")) <= 100
    picture = (tmp_path / "xor.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
