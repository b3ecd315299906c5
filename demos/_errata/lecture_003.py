"""Lecture 003, as `demos.errata` checks it: dC/dw and dC/dz, deep networks, initialisation, and autograd."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

import nn
from autograd import Value, log, relu, sigmoid
from demos._errata.shared import (
    Evidence,
    Row,
    agree,
    deep_network,
    error_signal,
    evidence,
    network,
    slope,
    slopes,
    through_the_activation,
    two_paths,
    weights_from_h,
)

# ---- Chain rule, dC/dw and dC/dz

A = [network(2, 2, 2).output(1, j) for j in (1, 2)]


def slopes_of_z_1(a: Sequence[float]) -> list[float]:
    """dz_1/dw of a layer of two units above the outputs a: by w_11, w_12, w_21 and w_22."""
    return slopes(lambda w: w[0] * a[0] + w[1] * a[1] + 0.3, [0.2, -0.5, 1.1, 0.6])


def z_of_the_wrong_row() -> Evidence:
    """dz_i/dw_ij where i differs from k (i = 1, k = 2)."""
    a = [0.4, 0.9]
    return evidence([0.0, 0.0], a, slopes_of_z_1(a)[:2])


def three_steps() -> Evidence:
    """All of dC/dW from dC/da^L alone, by the three steps."""
    net = deep_network()
    delta = {k: net.h[3, k].grad * net.slope(3, k) for k in net.units(3)}
    by_steps: list[float] = []
    for m in (3, 2, 1):
        by_steps += [delta[i] * net.output(m - 1, j) for i, j in net.indices(m)]
        if m > 1:
            above = {k: sum(net.w[m, e, k].data * delta[e] for e in net.units(m)) for k in net.units(m - 1)}
            delta = {k: above[k] * net.slope(m - 1, k) for k in above}
    return agree(by_steps, [g for m in (3, 2, 1) for g in net.gradient(m)])


ROWS = [
    Row("003", "Chain rule", "dC/dw = sum_i dC/dz_i dz_i/dw", lambda: two_paths(1.3)),
    Row("003", "dC/dw", "dz_i/dw_ij = a_j", lambda: agree(A, slopes_of_z_1(A)[:2])),
    Row("003", "dC/dw", "dz_k/dw_ij = 0 for i != k", lambda: agree([0.0, 0.0], slopes_of_z_1(A)[2:])),
    Row("003", "dC/dw", "dz_i/dw_ij = 0 for i != k, a_j for i = k", z_of_the_wrong_row, "slip",
        "dz_k/dw_ij = 0 for i != k, a_j for i = k",
        "dz_i/dw_ij is a_j whatever k is; the cases belong to z_k, with which the derivation began. i = 1, k = 2."),
    Row("003", "dC/dw", "dC/dW^m = dC/dz^m a^(m-1)^T", lambda: weights_from_h(bias=False)),
    Row("003", "dC/dz", "for m = L: dC/dz_k = dC/da_k da_k/dz_k", lambda: through_the_activation(2)),
    Row("003", "dC/dz", "dC/dz_k^m = sum for e = 1..N_m of dC/dz_e^(m+1) w_ek^(m+1) da_k/dz_k",
        lambda: error_signal(lambda k: [(e, e) for e in (1, 2)]), "slip", "e = 1..N^(m+1)",
        "e counts the units of layer m + 1. The limit stands there three times. 2-2-3 network, m = 1: the third "
        "unit is left out."),
    Row("003", "dC/dz", "dC/dz^m = (W^(m+1)^T dC/dz^(m+1)) o da^m/dz^m",
        lambda: error_signal(lambda k: [(e, e) for e in (1, 2, 3)])),
    Row("003", "How to compute", "the three steps give every dC/dW from dC/da^L", three_steps),
]  # fmt: skip

# ---- Example: sigmoid and cross-entropy, and many layers

A_L, Z_L, Y = sigmoid(0.8), 0.8, 0.3


def printed_loss(a: Any) -> Any:
    return (Y - 1) * log(1 - a) - Y * log(a)


def hidden_layer_under_cross_entropy() -> Evidence:
    """dL/dW^(L-1) = (W^L^T (a^L - y)) o a^(L-1) (1 - a^(L-1)) a^(L-2)^T in a 2-2-1 network."""
    below, w1, w2, y = [0.5, -1.2], [0.3, -0.8, 1.1, 0.4], [0.9, -0.6], 1.0

    def hidden(w: Sequence[Any]) -> list[Any]:
        return [sigmoid(w[2 * i] * below[0] + w[2 * i + 1] * below[1]) for i in (0, 1)]

    def logit(a: Sequence[Any]) -> Any:
        return w2[0] * a[0] + w2[1] * a[1]

    a = hidden(w1)
    residual = sigmoid(logit(a)) - y
    formula = [w2[i] * residual * a[i] * (1 - a[i]) * below[j] for i in (0, 1) for j in (0, 1)]
    return agree(formula, slopes(lambda w: nn.binary_cross_entropy_with_logits(logit(hidden(w)), y), w1))


def through_many_layers(weight: float) -> Evidence:
    """The adjoint after 20 sigmoid layers, each fed with z = 0, relative to the adjoint above them."""
    z = start = Value(0.0)
    for _ in range(20):
        z = weight * sigmoid(z) - weight / 2
    z.backward()
    return agree(math.log((weight * 0.25) ** 20), math.log(start.grad))


ROWS += [
    Row("003", "Example", "L = (y - 1) log(1 - a) - y log a is the cross-entropy",
        lambda: agree(printed_loss(A_L), nn.binary_cross_entropy(A_L, Y))),
    Row("003", "Example", "dL/da = (a - y) / (a (1 - a))",
        lambda: agree((A_L - Y) / (A_L * (1 - A_L)), slope(printed_loss, A_L))),
    Row("003", "Example", "dL/dz = a - y", lambda: agree(A_L - Y, slope(lambda z: printed_loss(sigmoid(z)), Z_L))),
    Row("003", "Example", "dL/dW^(L-1) = (W^T (a - y) o a (1 - a)) a^(L-2)^T", hidden_layer_under_cross_entropy),
    Row("003", "Example", "repeated factors vanish (20 layers, w = 1: ln of the adjoint)",
        lambda: through_many_layers(1.0)),
    Row("003", "Example", "repeated factors explode (20 layers, w = 8: ln of the adjoint)",
        lambda: through_many_layers(8.0)),
]  # fmt: skip

# ---- Parameter Initialization

N_IN, N_OUT, SIGMA, DRAWS = 8, 3, 0.5, 20_000


def variance(n: int) -> float:
    """The mean of o^2 over DRAWS draws of o = sum_i w_i x_i with n terms."""
    generator = Random(0)
    sums = (sum(generator.gauss(0, SIGMA) * generator.gauss(0, 1) for _ in range(n)) for _ in range(DRAWS))
    return math.fsum(o**2 for o in sums) / DRAWS


def xavier() -> Evidence:
    sigma = math.sqrt(2 / (N_IN + N_OUT))
    generator = Random(0)
    draws = [nn.xavier_normal(N_IN, N_OUT, generator) for _ in range(DRAWS)]
    measured = math.fsum(w * w for w in draws) / DRAWS
    return agree([1.0, sigma**2], [(N_IN * sigma**2 + N_OUT * sigma**2) / 2, measured], "20,000 draws", 0.03)


ROWS += [
    Row("003", "Parameter Initialization", "0 = sum_i w_i x_i",
        lambda: evidence(0.0, N_IN * SIGMA**2, variance(N_IN), "20,000 draws", 0.05), "transcription?",
        "o = sum_i w_i x_i", "The letter o was read as zero, whose variance is 0. n_in = 8, sigma = 0.5."),
    Row("003", "Parameter Initialization", "Var o = n_in sigma^2",
        lambda: agree(N_IN * SIGMA**2, variance(N_IN), "20,000 draws", 0.05)),
    Row("003", "Parameter Initialization", "backward the variance is n_out sigma^2",
        lambda: agree(N_OUT * SIGMA**2, variance(N_OUT), "20,000 draws", 0.05)),
    Row("003", "Parameter Initialization", "sigma = sqrt(2 / (n_in + n_out)) averages the two", xavier),
]  # fmt: skip

# ---- Autograd: L = (y - o)^2, o = w_o ReLU(w_h x + b_h) + b_o

X, Y_CHAIN, W_H, B_H, W_O, B_O = 1.5, 2.0, 0.8, 0.3, -1.3, 0.6
H = max(0.0, W_H * X + B_H)
L_BY_O = 2 * (Y_CHAIN - (W_O * H + B_O)) * -1
CHAINS = {"w_h": L_BY_O * W_O * 1.0 * X, "b_h": L_BY_O * W_O * 1.0, "w_o": L_BY_O * H, "b_o": L_BY_O}


def chain_of_operations(name: str) -> Evidence:
    gradient = slopes(lambda v: (Y_CHAIN - (v[2] * relu(v[0] * X + v[1]) + v[3])) ** 2, [W_H, B_H, W_O, B_O])
    return agree(CHAINS[name], gradient[list(CHAINS).index(name)])


def d_lost_below() -> Evidence:
    """do/m_o read as printed: a small change of o over m_o itself."""
    m_o, step = W_O * H, 1e-6
    return evidence(step / m_o, 1.0, slope(lambda m: m + B_O, m_o))


ROWS += [
    Row("003", "Autograd", "... do/m_o ... (in the chain for dL/dw_h)", d_lost_below, "transcription?",
        "... do/dm_o ...", "A d is lost in the denominator; in the same line n stands for h three times."),
    *(Row("003", "Autograd", f"dL/d{name} is the product of the operations' derivatives",
          partial(chain_of_operations, name)) for name in CHAINS),
]  # fmt: skip
