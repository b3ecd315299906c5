import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from autograd import grad
from demos import weight_space as demo

GOAL = demo.direct_solution()


def cost(w: float, b: float) -> float:
    return math.fsum(0.5 * (w * x + b - t) ** 2 for x, t in zip(demo.X, demo.T)) / 6


def test_the_direct_solution_is_numpy_s() -> None:
    a = np.column_stack([demo.X, np.ones(6)])
    w, b = GOAL
    assert (w, b) == pytest.approx(np.linalg.lstsq(a, np.array(demo.T), rcond=None)[0], rel=1e-12)
    assert (w, b) == pytest.approx((6 / 31, -6 / 31), rel=1e-12)
    assert demo.direct_solution([1.0, 2.0, 6.0], [3.0, 5.0, 13.0]) == pytest.approx((2.0, 1.0), rel=1e-12)


def test_gradient_descent_arrives_at_the_direct_solution() -> None:
    last = demo.descend(demo.ETA, demo.STEPS)[-1]
    assert (last.w, last.b) == pytest.approx(GOAL, abs=1e-11)
    assert last.cost == pytest.approx(cost(*GOAL), rel=1e-12)


def test_every_step_goes_against_the_gradient_of_plain_floats() -> None:
    path, h = demo.descend(0.07, 20), 1e-6
    assert (path[0].w, path[0].b) == demo.START
    for here, there in pairwise(path):
        dw = (cost(here.w + h, here.b) - cost(here.w - h, here.b)) / (2 * h)
        db = (cost(here.w, here.b + h) - cost(here.w, here.b - h)) / (2 * h)
        assert (here.dw, here.db) == pytest.approx((dw, db), abs=1e-7)
        assert here.cost == pytest.approx(cost(here.w, here.b), rel=1e-12)
        assert (there.w, there.b) == pytest.approx((here.w - 0.07 * here.dw, here.b - 0.07 * here.db), rel=1e-12)


def test_the_curvatures_are_the_eigenvalues_and_bound_the_rate() -> None:
    a = np.column_stack([demo.X, np.ones(6)])
    large, small = demo.curvatures()
    assert [small, large] == pytest.approx(np.linalg.eigvalsh(a.T @ a / 6), rel=1e-12)
    best = 2 / (large + small)
    steps = {eta: demo.steps_until_near(eta, 1000) for eta in (0.5 * best, best, 0.999 * 2 / large, 1.01 * 2 / large)}
    assert steps[best] is not None and steps[0.5 * best] is not None
    assert steps[best] < steps[0.5 * best]
    assert steps[1.01 * 2 / large] is None
    factor = 1 - best * small
    before, after = demo.descend(best, 60)[-2:]
    assert demo.distance(after, GOAL) <= factor * demo.distance(before, GOAL) * (1 + 1e-9)


def test_the_zero_one_loss_counts_and_is_flat() -> None:
    for place, wrong in ((demo.START, 5), (GOAL, 1), ((1.0, 0.0), 0), ((-1.0, 0.0), 6)):
        assert demo.zero_one(*place) == pytest.approx(wrong / 6)
        assert grad(demo.zero_one, argnums=(0, 1))(*place) == (0.0, 0.0)
        for w, b in ((1e-6, 0.0), (-1e-6, 0.0), (0.0, 1e-6), (0.0, -1e-6)):
            assert demo.zero_one(place[0] + w, place[1] + b) == demo.zero_one(*place)


def test_the_far_point_is_what_leaves_one_wrong() -> None:
    w, b = GOAL
    assert [(w * x + b) * t > 0 for x, t in zip(demo.X, demo.T)] == [True, True, True, False, True, True]
    assert w * 8.5 + b > 1
    w, b = demo.direct_solution(demo.X[:-1], demo.T[:-1])
    assert all((w * x + b) * t > 0 for x, t in zip(demo.X[:-1], demo.T[:-1]))


def test_what_is_printed_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    demo.main(["--small", "--plot", str(tmp_path / "surface.png")])
    out, _ = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    last, direct = (next(line for line in lines if line[:1] == [name]) for name in (str(demo.STEPS), "direct"))
    assert last[1:4] == direct[1:4] == ["0.193548387", "-0.193548387", "0.258064516"]
    assert [line[0] for line in lines if "never:" in line] == ["0.150"]
    assert max(len(line) for line in out.splitlines() if not line.startswith("Picture")) <= 100
    picture = (tmp_path / "surface.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
