from math import sqrt
from pathlib import Path
from random import Random

import numpy as np
import pytest

import nn
from autograd import sigmoid
from demos import vanishing_gradients as demo

WIDTH = 12


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], demo.Deep]:
    kinds = [(f, weights) for f in demo.ACTIVATIONS for weights in demo.DEEP_WEIGHTS]
    return {kind: demo.deep(*kind, WIDTH, networks=3, seed=1) for kind in kinds}


def test_the_adjoints_are_those_of_the_lecture_s_recursion_on_matrices() -> None:
    zs, activations = demo.network(sigmoid, 0.3, width=4, generator=Random(5))
    generator = Random(5)  # draws again what the network drew, in the same order
    a, weights, z = np.array([generator.gauss(0, 1) for _ in range(4)]), [], []
    for _ in range(demo.LAYERS):
        weights.append(np.array([[generator.gauss(0, 0.3) for _ in range(4)] for _ in range(4)]))
        z.append(weights[-1] @ a)
        a = 1 / (1 + np.exp(-z[-1]))
    direction = np.array([generator.gauss(0, 1) for _ in range(4)])
    a_bar = direction / np.linalg.norm(direction)
    for m in reversed(range(demo.LAYERS)):
        s = 1 / (1 + np.exp(-z[m]))
        assert [node.grad for node in activations[m]] == pytest.approx(a_bar, rel=1e-11, abs=0)
        assert [node.grad for node in zs[m]] == pytest.approx(a_bar * s * (1 - s), rel=1e-11, abs=0)
        a_bar = weights[m].T @ (a_bar * s * (1 - s))


def test_xavier_is_that_of_nn() -> None:
    sigma = demo.SIGMAS["Xavier"](3, 5)
    assert sigma == sqrt(2 / 8)
    assert Random(2).gauss(0.0, sigma) == nn.xavier_normal(3, 5, Random(2))


def test_what_vanishes_and_what_explodes(rows: dict[tuple[str, str], demo.Deep]) -> None:
    verdicts = {kind: row.verdict for kind, row in rows.items() if row.flat < 0.3}  # else the draws decide
    assert verdicts == {
        ("linear", "tiny"): "vanish", ("linear", "unit"): "explode", ("linear", "large"): "explode",
        ("linear", "Xavier"): "", ("tanh", "tiny"): "vanish", ("tanh", "Xavier"): "", ("sigmoid", "tiny"): "vanish",
        ("sigmoid", "unit"): "vanish", ("sigmoid", "Xavier"): "vanish",
    }  # fmt: skip


def test_the_factors_multiply_to_the_change_over_nineteen_layers(rows: dict[tuple[str, str], demo.Deep]) -> None:
    for kind, row in rows.items():
        assert row.per_layer == pytest.approx(row.matrix * row.slope, rel=1e-9), kind
        assert row.norms[0] == pytest.approx(row.norms[-1] * (row.matrix * row.slope) ** 19, rel=1e-7), kind
        assert row.matrix == pytest.approx(sqrt(WIDTH) * row.sigma, rel=0.15), kind
    assert all(rows["linear", weights].slope == pytest.approx(1.0, rel=1e-12) for weights in demo.DEEP_WEIGHTS)


@pytest.mark.parametrize("weights", demo.DEEP_WEIGHTS)
def test_a_sigmoid_leaves_at_most_a_quarter(rows: dict[tuple[str, str], demo.Deep], weights: str) -> None:
    row = rows["sigmoid", weights]
    assert row.slope <= 0.25
    assert row.flat == 0 or weights in ("unit", "large")
    if weights == "Xavier":
        assert 0.22 < row.slope < 0.25
        assert row.norms[0] < 1e-10 * row.norms[-1]


@pytest.mark.parametrize(("activation", "sigma"), [("tanh", 0.05), ("tanh", 0.2), ("sigmoid", 0.05), ("sigmoid", 0.5)])
def test_wide_layers_of_plain_matrices_obey_the_theory(activation: str, sigma: float) -> None:
    width, generator, factors = 400, np.random.default_rng(0), []
    f, slope = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    }[activation]
    for _ in range(3):
        a, weights, slopes = generator.normal(size=width), [], []
        for _ in range(demo.LAYERS):
            weights.append(generator.normal(0, sigma, (width, width)))
            slopes.append(slope(weights[-1] @ a))
            a = f(weights[-1] @ a)
        z_bar = last = generator.normal(size=width) * slopes[-1]
        for m in reversed(range(demo.LAYERS - 1)):
            z_bar = (weights[m + 1].T @ z_bar) * slopes[m]
        factors.append((np.linalg.norm(z_bar) / np.linalg.norm(last)) ** (1 / 19))
    assert np.mean(factors) == pytest.approx(demo.theory(activation, sigma, width), rel=0.03)


def test_the_linear_theory_is_the_square_root_of_n_sigma() -> None:
    assert demo.theory("linear", 0.3, 25) == pytest.approx(1.5, rel=1e-12)


@pytest.mark.parametrize("shape", demo.SHAPES)
@pytest.mark.parametrize("weights", demo.SHALLOW_WEIGHTS)
def test_the_variances_are_n_in_and_n_out_times_sigma_squared(weights: str, shape: tuple[int, int]) -> None:
    n_in, n_out = shape
    row = demo.variances(weights, n_in, n_out, draws=100, seed=3)
    forward, backward = n_in * row.sigma**2, n_out * row.sigma**2
    assert abs(row.forward - forward) < 4 * row.forward_error < forward
    assert abs(row.backward - backward) < 4 * row.backward_error < backward
    wanted = {"1/sqrt(n_in)": forward, "1/sqrt(n_out)": backward, "Xavier": (forward + backward) / 2}[weights]
    assert wanted == pytest.approx(1.0, rel=1e-12)


def test_a_small_run_says_yes_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "adjoints.png"
    demo.main(["--small", "--plot", str(file)])
    out = capsys.readouterr().out
    row = demo.deep("sigmoid", "Xavier", width=12, networks=2, seed=0)
    assert f"   Yes: from {row.norms[-1]:.1e} at layer 20 to {row.norms[0]:.1e} at layer 1, by a factor" in out
    assert max(len(line) for line in out.splitlines() if "written to" not in line) <= 100
    picture = file.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert 20_000 < len(picture) < 1_000_000
