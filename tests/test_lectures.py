"""The numbers and formulas of the five lectures that are right, computed by the engine.

The divergences of lecture 000 and the gradients y - t and a - y are in tests/nn/test_losses.py; the worked example of
lecture 001, whose numbers are partly wrong, is in tests/demos/test_worked_example.py.
"""

from __future__ import annotations

from math import exp
from random import Random

import pytest

import nn
from autograd import Value, dot, grad, sum


def sigma(z: float) -> float:
    return 1 / (1 + exp(-z))


def slope(z: float) -> float:
    return sigma(z) * (1 - sigma(z))


def randoms(generator: Random, *shape: int):
    if not shape:
        return generator.uniform(-1, 1)
    return [randoms(generator, *shape[1:]) for _ in range(shape[0])]


@pytest.mark.parametrize(
    ("x", "printed"),
    [((0, 0), "0.149132886381"), ((0, 1), "0.893163783089"), ((1, 0), "0.893163783089"), ((1, 1), "0.149132886381")],
)
def test_the_xor_network_of_lecture_004(x, printed):
    # "An XOR Network", F = 5: h1 = s(F(-0.5 + x1 - x2)), h2 = s(F(-0.5 - x1 + x2)), y = s(F(-0.5 + h1 + h2))
    network = nn.MLP(2, [2, 1], "sigmoid", "sigmoid")
    hidden, output = network.layers
    rows = [(hidden.neurons[0], [1, -1]), (hidden.neurons[1], [-1, 1]), (output.neurons[0], [1, 1])]
    for neuron, weights in rows:
        neuron.load_state_dict({"weights.0": 5.0 * weights[0], "weights.1": 5.0 * weights[1], "bias": 5.0 * -0.5})
    assert f"{network(x):.12f}" == printed


def test_the_backward_pass_of_the_regularised_model_of_lecture_002():
    x, t, lam, w0, b0 = 0.7, 1.0, 0.3, -0.4, 0.2
    w, b = Value(w0), Value(b0)
    z = w * x + b
    y = z.sigmoid()
    loss = 0.5 * (y - t) ** 2
    penalty = 0.5 * w**2
    total = loss + lam * penalty
    total.backward()
    y_bar = sigma(w0 * x + b0) - t
    z_bar = y_bar * slope(w0 * x + b0)
    assert (total.grad, penalty.grad, loss.grad) == (1.0, lam, 1.0)
    assert y.grad == pytest.approx(y_bar, rel=1e-15)
    assert z.grad == pytest.approx(z_bar, rel=1e-14)
    assert w.grad == pytest.approx(z_bar * x + lam * w0, rel=1e-14), "fan-out: two paths lead to w"
    assert b.grad == pytest.approx(z_bar, rel=1e-14)


def test_the_multi_output_perceptron_of_lecture_002():
    n, hidden, outputs = 3, 4, 2
    generator = Random(0)
    x, t = randoms(generator, n), randoms(generator, outputs)
    w1, b1 = randoms(generator, hidden, n), randoms(generator, hidden)
    w2, b2 = randoms(generator, outputs, hidden), randoms(generator, outputs)
    W1, B1, W2, B2 = ([[Value(e) for e in row] for row in m] for m in (w1, [b1], w2, [b2]))

    h = [(dot(row, x) + b).sigmoid() for row, b in zip(W1, B1[0])]
    y = [dot(row, h) + b for row, b in zip(W2, B2[0])]
    loss = 0.5 * sum((y_k - t_k) ** 2 for y_k, t_k in zip(y, t))
    loss.backward()

    zs = [dot(row, x) + b for row, b in zip(w1, b1)]
    hs = [sigma(z) for z in zs]
    y_bar = [dot(row, hs) + b - t_k for row, b, t_k in zip(w2, b2, t)]
    h_bar = [sum(y_bar[k] * w2[k][i] for k in range(outputs)) for i in range(hidden)]
    z_bar = [h_bar[i] * slope(zs[i]) for i in range(hidden)]
    close = {"rel": 1e-13}
    assert [v.grad for v in y] == pytest.approx(y_bar, **close)
    assert [v.grad for v in h] == pytest.approx(h_bar, **close)
    assert [v.grad for v in B2[0]] == pytest.approx(y_bar, **close)
    assert [v.grad for v in B1[0]] == pytest.approx(z_bar, **close)
    for k in range(outputs):
        assert [v.grad for v in W2[k]] == pytest.approx([y_bar[k] * h_i for h_i in hs], **close)
    for i in range(hidden):
        assert [v.grad for v in W1[i]] == pytest.approx([z_bar[i] * x_j for x_j in x], **close)


def test_the_three_gradients_of_lecture_003s_autograd_example():
    # h = ReLU(w_h x + b_h), o = w_o h + b_o, L = (y - o)^2
    x, y = 2.0, 1.0
    w_h, b_h, w_o, b_o = Value(0.5), Value(0.25), Value(-1.5), Value(0.75)
    h = (w_h * x + b_h).relu()
    o = w_o * h + b_o
    ((y - o) ** 2).backward()
    e_bar = -2 * (y - (-1.5 * 1.25 + 0.75))
    assert (w_o.grad, b_o.grad) == (e_bar * 1.25, e_bar)
    assert (w_h.grad, b_h.grad) == (e_bar * -1.5 * x, e_bar * -1.5)


def test_the_total_derivative_of_lecture_004():
    def f(x, y, z):
        return x**2 + y**3 + z**4

    for t in (-1.5, 0.0, 2.0):
        assert grad(lambda t: f(t, t, 1))(t) == 2 * t + 3 * t**2
    assert grad(lambda z: z[0] ** 2 + z[1])([1.0, -1.0]) == [2.0, 1.0]
