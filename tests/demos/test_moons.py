import sys
from pathlib import Path

import numpy as np
import pytest

from demos import moons as demo


def scores(model: demo.nn.MLP, x: np.ndarray) -> np.ndarray:
    """The network by matrices, with none of the engine's code."""
    h = x
    for i, layer in enumerate(model.layers):
        weights = np.array([[w.data for w in neuron.weights] for neuron in layer.neurons])
        h = h @ weights.T + np.array([neuron.bias.data for neuron in layer.neurons])
        h = h if i == 2 else np.maximum(h, 0)
    return h[:, 0]


def test_the_recipe_s_first_steps_are_the_notebook_s_to_the_last_digits() -> None:
    _, states = demo.recipe(demo.SEED, 3)
    for step in range(4):
        loss, percent = demo.NOTEBOOK[step]
        assert states[step].loss == pytest.approx(loss, rel=1e-12)
        assert states[step].correct == percent


def test_a_state_is_that_of_numpy() -> None:
    x, d = demo.moons(3)
    model = demo.network(3)
    f = scores(model, np.array(x))
    losses = np.maximum(0, 1 - np.array(d) * f)
    squares = sum(p.data**2 for p in model.parameters())
    seen = demo.state(model, x, d)
    assert seen.loss == pytest.approx(losses.mean() + 1e-4 * squares, rel=1e-12)
    assert (seen.correct, seen.in_margin) == ((f * d > 0).sum(), (losses > 0).sum())
    assert len(model.parameters()) == 337


def test_rows_outside_of_the_margin_push_no_weight() -> None:
    x, d = demo.moons(demo.SEED)
    model = demo.network(demo.SEED)
    f = scores(model, np.array(x))
    for wanted in (True, False):
        row = next(t for t in range(100) if (d[t] * f[t] < 1) == wanted)
        model.zero_grad()
        demo.nn.hinge(model(x[row]), d[row]).backward()
        assert any(p.grad for p in model.parameters()) == wanted


def test_the_penalty_pulls_by_its_own_gradient() -> None:
    model = demo.network(0)
    demo.penalty(model.parameters()).backward()
    for p in model.parameters():
        assert p.grad == pytest.approx(2e-4 * p.data, rel=1e-12)


@pytest.mark.parametrize(("seed", "epochs"), [(8, demo.EPOCHS_SMALL)])
def test_every_row_gets_its_sign_from_other_seeds_too(seed: int, epochs: int) -> None:
    model, states = demo.small_batches(seed, epochs)
    x, d = demo.moons(seed)
    assert (scores(model, np.array(x)) * np.array(d) > 0).all()
    assert states[-1].correct == 100 and len(states) == epochs + 1
    assert demo.first_all_correct(states) <= demo.all_correct_for_good(states) <= epochs


def test_first_and_for_good() -> None:
    def run(*numbers: int) -> list[demo.State]:
        return [demo.State(0.0, correct, 0) for correct in numbers]

    assert (demo.first_all_correct(run(9, 100, 99, 100)), demo.all_correct_for_good(run(9, 100, 99, 100))) == (1, 3)
    assert (demo.first_all_correct(run(9, 100, 99)), demo.all_correct_for_good(run(9, 100, 99))) == (1, None)
    assert (demo.first_all_correct(run(9, 99)), demo.all_correct_for_good(run(100, 100))) == (None, 0)


def test_the_drawing_has_the_scores_signs_and_the_rows() -> None:
    x, d = demo.moons(demo.SEED)
    lines = demo.drawing(demo.network(demo.SEED), x, d, columns=16)
    assert [len(line) for line in lines] == [16] * 5
    empty = demo.drawing(demo.network(demo.SEED), [], [], columns=16)
    centres = np.array([(-1.5 + (i + 0.5) / 4, 1.5 - (j + 0.5) / 2) for j in range(5) for i in range(16)])
    signs = "".join("+" if f > 0 else "." for f in scores(demo.network(demo.SEED), centres))
    assert "".join(empty) == signs
    assert demo.drawing(demo.network(demo.SEED), [[-1.45, 1.45], [9.0, 9.0]], [1, -1], columns=16)[0][0] == "O"


def test_the_printed_lines_and_the_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "moons.png"
    demo.main(["--small", "--plot", str(picture)])
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["1", "1.723590533697202", "81", "1.723590533697202", "81", "23"] in lines
    assert "Accuracy on the training rows: 100 %" in out
    assert max(len(line) for line in out.splitlines() if "written to" not in line) <= 100
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000


def test_without_scikit_learn_it_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match=r"pip install scikit-learn"):
        demo.moons(0)
