from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from demos import gradient_descent as demo


def network(w: demo.Numbers, x: np.ndarray) -> np.ndarray:
    """The outputs for a matrix of rows, by matrices, with none of the demo's code."""
    first = np.array([[w[1, i, j] for j in (1, 2, 3)] for i in (0, 1, 2)])
    second = np.array([[w[2, i, j] for j in (1, 2)] for i in (0, 1, 2, 3)])
    hidden = np.tanh(first[0] + x @ first[1:])
    return 1 / (1 + np.exp(-(second[0] + hidden @ second[1:])))


def error(w: demo.Numbers, rows: list[demo.Row]) -> float:
    x, d = (np.array(column) for column in zip(*rows))
    return float(0.5 * ((network(w, x) - d) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("row", demo.BITS)
def test_every_adjoint_by_hand_is_the_engine_s(seed: int, row: demo.Row) -> None:
    _, _, pairs = demo.one_row(seed, row)
    assert len(pairs) == 7 + 5 + 17, "y of all units, z of all but the inputs, all weights"
    for name, by_hand, engine in pairs:
        assert by_hand == pytest.approx(engine, rel=1e-12, abs=1e-15), name


def test_the_derivatives_are_those_of_difference_quotients() -> None:
    w, h = demo.initialise(1), 1e-6
    adjoints = {name: by_hand for name, by_hand, _ in demo.one_row(1, demo.BITS[3])[2]}
    for k, i, j in w:
        above, below = ({**w, (k, i, j): w[k, i, j] + step} for step in (h, -h))
        quotient = (error(above, [demo.BITS[3]]) - error(below, [demo.BITS[3]])) / (2 * h)
        assert adjoints[f"w_{i}{j}^{k}"] == pytest.approx(quotient, abs=1e-9)


def test_the_targets_add_two_bits() -> None:
    assert all(x[0] + x[1] == d[0] + 2 * d[1] for x, d in demo.BITS)


def test_e_is_the_mean_divergence() -> None:
    assert demo.error(demo.initialise(2), demo.BITS) == pytest.approx(error(demo.initialise(2), list(demo.BITS)))


def test_the_loop_by_hand_and_by_the_engine_take_the_same_way() -> None:
    rounds = demo.until_converged(1, fall=1e-4)
    assert [row.number for row in rounds] == list(range(len(rounds)))
    for row in rounds:
        assert row.by_hand == pytest.approx(row.engine, rel=1e-12)
        assert row.difference < 1e-12
    falls = [before.by_hand - after.by_hand for before, after in pairwise(rounds)]
    assert min(falls[:-1]) >= 1e-4 > falls[-1]


def test_at_the_end_the_network_adds() -> None:
    w = demo.epochs(1, demo.BITS, demo.ETA, 1345)[-1]
    x, d = (np.array(column) for column in zip(*demo.BITS))
    assert np.array_equal(network(w, x).round(), d)


def test_a_full_batch_step_is_the_mean_of_single_steps() -> None:
    w, rows = demo.initialise(3), demo.scattered(3)[:5]
    singles = [demo.step(w, [row], 0.5) for row in rows]
    together = demo.step(w, rows, 0.5)
    for kij in w:
        assert together[kij] == pytest.approx(sum(single[kij] for single in singles) / 5, rel=1e-12)


def test_ten_times_smaller_steps_part_a_hundred_times_less() -> None:
    rows = demo.scattered(1)
    ways, differences = zip(*(demo.first_epoch(1, rows, eta) for eta in (1e-3, 1e-4)))
    assert ways[0] / ways[1] == pytest.approx(10, rel=1e-6)
    assert differences[0] / differences[1] == pytest.approx(100, rel=0.05)


def test_single_rows_learn_faster_by_epoch() -> None:
    rows = demo.scattered(1)
    full, single = (error(demo.epochs(1, rows, demo.ETA_ROWS, 15, one)[-1], rows) for one in (False, True))
    assert single < 0.5 * full


def test_what_the_lecture_s_last_line_asks_for() -> None:
    assert demo.read_literally() == ["y_3^0", "z_3^2"]
    for name in demo.read_literally():
        unit, layer = map(int, name[2:].split("^"))
        assert unit > demo.D[layer]


def test_the_printed_table_and_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "curves.png"
    demo.main(["--small", "--plot", str(file)])
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["2", "1", "-1.857095", "0.135042", *["0.135042"] * 2, *["0.015774"] * 2] in lines
    (largest,) = (line for line in lines if line[:2] == ["Largest", "difference"])
    assert float(largest[-1]) < 1e-15
    for epoch in (0, 30):
        assert any(line[0] == str(epoch) and len(line) == 4 for line in lines if line)
    assert max(map(len, out.splitlines()[:-1])) <= 100
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 10_000
