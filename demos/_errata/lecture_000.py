"""Lecture 000, as `demos.errata` checks it: activations, divergences, gradient descent, forward and backward pass."""

from __future__ import annotations

import math
from itertools import product

import nn
from autograd import Value, grad, relu, sigmoid, softmax, softplus, tanh
from demos._errata.shared import (
    Evidence,
    Row,
    agree,
    derivative,
    evidence,
    network,
    slope,
    slope_of_sigmoid,
    slopes,
    through_the_activation,
)

# ---- Activation functions


def relu_is_maximum() -> Evidence:
    points = (-2.0, -0.0, 0.0, 0.7)
    return agree([max(0.0, z) for z in points], [relu(z) for z in points])


def softmax_of_an_affine_layer() -> Evidence:
    x, w, b = [0.5, -1.0], {(1, 1): 0.2, (2, 1): -0.4, (1, 2): 1.1, (2, 2): 0.3}, {1: 0.1, 2: -0.2}
    z = [sum(w[j, i] * x[j - 1] for j in (1, 2)) + b[i] for i in (1, 2)]
    y = [math.exp(z_i) / sum(math.exp(z_j) for z_j in z) for z_i in z]
    return agree([*y, 1.0], [*softmax([0.1 + 0.4 + 0.1, 0.55 - 0.3 - 0.2]), math.fsum(y)])


ROWS = [
    Row("000", "Activation functions", "sigmoid' = sigmoid (1 - sigmoid)",
        lambda: derivative(sigmoid, slope_of_sigmoid)),
    Row("000", "Activation functions", "tanh' = 1 - tanh^2", lambda: derivative(tanh, lambda z: 1 - tanh(z) ** 2)),
    Row("000", "Activation functions", "tanh' = 1 - tanh^2 z = max(0, z)",
        lambda: evidence(max(0.0, 1.0), 1 - math.tanh(1.0) ** 2, slope(tanh, 1.0)), "transcription?",
        "ReLU: f(z) = max(0, z)",
        "The second line belongs to ReLU, which follows; the transcription put it one heading too early. At z = 1."),
    Row("000", "Activation functions", "ReLU: z for z >= 0, else 0, is max(0, z)", relu_is_maximum),
    Row("000", "Activation functions", "ReLU' = 1 for z > 0, 0 for z < 0",
        lambda: derivative(relu, lambda z: float(z > 0))),
    Row("000", "Activation functions", "ReLU' = 1 at z = 0", lambda: evidence(1.0, 0.0, grad(relu)(0.0)), "convention",
        "not differentiable; the engine takes 0, as PyTorch does",
        "From the left the difference quotient is 0, from the right 1: every number in [0, 1] is a subgradient."),
    Row("000", "Activation functions", "softplus' = 1 / (1 + e^-z)", lambda: derivative(softplus, sigmoid)),
    Row("000", "Activation functions", "softplus approximates ReLU (gap: ln 2 at 0, 0 far away)",
        lambda: agree([math.log(2), 0.0, 0.0], [softplus(z) - relu(z) for z in (0.0, 40.0, -40.0)])),
    Row("000", "Vector activations", "y_i = exp z_i / sum_j exp z_j, z_i = sum_j w_ji x_j + b_i",
        softmax_of_an_affine_layer),
]  # fmt: skip

# ---- Divergences: real-valued output, binary and multi-class classification


def squared_divergence() -> Evidence:
    y, d = [0.9, -0.4, 2.0], [1.0, 0.5, 0.0]
    return agree([y_i - d_i for y_i, d_i in zip(y, d)], slopes(lambda y: nn.squared_error(y, d), y))


def gradient_in_the_weight() -> Evidence:
    x, w, t = 2.0, 1.5, 1.0
    return evidence(w * x - t, (w * x - t) * x, slope(lambda w: nn.squared_error(w * x, t), w))


def binary_slope(y: float, d: float) -> float:
    return slope(lambda y: nn.binary_cross_entropy(y, d), y)


def binary_target_in_between() -> Evidence:
    y, d = 0.3, 0.5
    return evidence([-1 / y, 1 / (1 - y)], -d / y + (1 - d) / (1 - y), binary_slope(y, d))


LOGITS, CLASSES = [[0.2, -1.0, 0.7], [1.5, 0.3, -0.4]], [2, 0]  # two instances of three classes
LN_Y = [[math.log(y) for y in softmax(z)] for z in LOGITS]


def error_of_all_instances() -> float:
    return sum(nn.cross_entropy(z, c) for z, c in zip(LOGITS, CLASSES))


def error_without_the_instance() -> Evidence:
    literal = -sum(LN_Y[0][c] for c in CLASSES)  # y_k(z; w) names no instance: the first one's for both
    return evidence(literal, -sum(LN_Y[n][c] for n, c in enumerate(CLASSES)), error_of_all_instances())


ROWS += [
    Row("000", "Real-valued output", "div = 1/2 |y - d|^2, ddiv/dy_i = y_i - d_i", squared_divergence),
    Row("000", "Real-valued output", "dE/dw_k = y_k - t_k", gradient_in_the_weight, "transcription?",
        "dE/dy_k = y_k - t_k; in a weight, for y = w x, it is (y - t) x",
        "With x = 2, w = 1.5, t = 1. The lines above it differentiate by y; Bishop differentiates by the activation "
        "a_k, which may have been read as w_k."),
    Row("000", "Binary class.", "ddiv/dy = -1/y for d = 1, 1/(1 - y) for d = 0",
        lambda: agree([-1 / 0.3, 1 / (1 - 0.3)], [binary_slope(0.3, 1.0), binary_slope(0.3, 0.0)])),
    Row("000", "Binary class.", "d in (0, 1), and ddiv/dy is one of two cases", binary_target_in_between,
        "transcription?", "d in {0, 1}; for d in between ddiv/dy = -d/y + (1 - d)/(1 - y)",
        "At y = 0.3, d = 0.5 neither case is right. Braces read as parentheses would explain it."),
    Row("000", "Multi-class", "div = -sum_i d_i log y_i = -log y_c",
        lambda: agree(-LN_Y[0][2], nn.cross_entropy(LOGITS[0], 2))),
    Row("000", "Multi-class", "gradient: -1/y_c at c, 0 elsewhere",
        lambda: agree([0.0, -1 / 0.5, 0.0], slopes(lambda y: nn.negative_log_likelihood(y, 1), [0.2, 0.5, 0.3]))),
    Row("000", "Multi-class", "E = -sum_n sum_k t_n k ln y_k(z; w)", error_without_the_instance, "transcription?",
        "E = -sum_n sum_k t_nk ln y_k(x_n; w)",
        "As printed y_k does not depend on the instance n; evaluated with the first instance's y for both."),
    Row("000", "Multi-class", "E = sum_k E_k, here k is the instance and n the class",
        lambda: agree(sum(-ln_y[c] for ln_y, c in zip(LN_Y, CLASSES)), error_of_all_instances())),
]  # fmt: skip

# ---- Gradient descent


def update_loop(times: int) -> Evidence:
    """The weight after w - eta (sum of the gradients) / T, T = 2, is run `times` times with the same gradients."""
    rows, w, eta = [(2.0, 1.0), (-1.0, 0.5)], 1.5, 0.1
    step = eta * sum((w * x - d) * x for x, d in rows) / len(rows)
    weight = Value(w)
    (sum(nn.squared_error(weight * x, d) for x, d in rows) / len(rows)).backward()
    nn.SGD([weight], lr=eta).step()
    return evidence(w - step * times, w - step, weight.data)


ROWS += [
    Row("000", "Gradient descent", "w - eta (sum of the gradients) / T is a step on the mean", lambda: update_loop(1)),
    Row("000", "Gradient descent", "the update runs for every layer k and every t", lambda: update_loop(2),
        "transcription?", "once for every layer (and i, j), after the loop over t",
        "Run for every t, it takes the step T times (here T = 2). 't' for 'i, j' would explain it."),
]  # fmt: skip

# ---- Forward pass and Backpropagation; here y is h, w_ij leads from unit i to unit j, and N = 2


def bias_unit(first_layer: int) -> Evidence:
    """z of the first unit of layer 1, when y_0 = 1 is set from this layer on."""
    net = network(2, 3, 2)
    inputs = sum(net.w[1, 1, j].data * net.output(0, j) for j in (1, 2))
    bias = net.w[1, 1, 0].data
    return evidence(inputs + (bias if first_layer == 0 else 0.0), inputs + bias, net.z[1, 1].data)


def layer_below() -> Evidence:
    net = network(2, 2, 2)
    formula = [sum(net.w[2, j, i].data * net.z[2, j].grad for j in net.units(2)) for i in net.units(1)]
    return agree(formula, net.adjoints(net.h, 1))


def superscript_of_z() -> Evidence:
    net = network(2, 2, 2)
    literal, right = ([net.output(0, i) * net.z[m, j].grad for j, i in net.indices(1)] for m in (2, 1))
    return evidence(literal, right, net.gradient(1))


def bias_weight() -> Evidence:
    net = network(2, 2, 2)
    return agree(net.adjoints(net.z, 2), net.gradient(2, bias=True))


ROWS += [
    Row("000", "Forward pass", "y_0^(k) = 1 for k = 1..N", lambda: bias_unit(1), "harmless",
        "y_0^(k) = 1 for k = 0..N-1",
        "z^(1) reads y_0^(0), and nothing reads y_0^(N). Harmless if the x_0 = 1 beside it is taken for y_0^(0)."),
    Row("000", "Forward pass", "z_j = sum from i = 0 of w_ij y_i, with y_0 = 1, is W y + b", lambda: bias_unit(0)),
    Row("000", "Backpropagation", "ddiv/dy_i(N-1) = sum_j w_ij(N) ddiv/dz_j(N)", layer_below),
    Row("000", "Backpropagation", "ddiv/dz(N-1) = f'(z) ddiv/dy(N-1)", lambda: through_the_activation(1)),
    Row("000", "Backpropagation", "ddiv/dw_ij(N-1) = y_i(N-2) ddiv/dz_j(N)", superscript_of_z, "slip",
        "ddiv/dw_ij(N-1) = y_i(N-2) ddiv/dz_j(N-1)",
        "w(N-1) enters z(N-1). The superscript N stands there three times, so it was hardly misread. 2-2-2 network."),
    Row("000", "Backpropagation", "the bias's y_0 is 1, so ddiv/dw_0j = ddiv/dz_j", bias_weight),
]  # fmt: skip

# ---- Backward pass


def softmax_output() -> Evidence:
    z, c = [0.2, -1.0, 0.7], 2
    y = softmax(z)
    literal = [(-1 / y[i] if i == c else 0.0) * slopes(lambda z, i=i: softmax(z)[i], z)[i] for i in range(3)]
    return evidence(literal, [y[i] - (i == c) for i in range(3)], slopes(lambda z: nn.cross_entropy(z, c), z))


def input_layer_has_no_z() -> Evidence:
    """How many z the loop asks for when k goes down to 0, and when it stops at 1."""
    net = network(2, 3, 2)
    return evidence(net.sizes[1] + net.sizes[0], net.sizes[1], sum(layer < 2 for layer, _ in net.z), "count")


def ranges_of_the_weights() -> Evidence:
    """w_ji of layer 2 by the printed ranges, i up to D_1 = 3 and j up to D_2 = 2: only w_11, w_12, w_21, w_22."""
    net = network(2, 3, 2)
    pairs = list(product(net.units(1), net.units(2)))  # (j, i): from unit j to unit i
    right = [net.output(1, j) * net.z[2, i].grad for j, i in pairs]
    literal = [n if j <= net.sizes[2] and i <= net.sizes[1] else math.nan for (j, i), n in zip(pairs, right)]
    return evidence(literal, right, [net.w[2, i, j].grad for j, i in pairs])


def bias_is_left_out() -> Evidence:
    net = network(2, 3, 2)
    return evidence([math.nan] * 2, net.adjoints(net.z, 2), net.gradient(2, bias=True))


ROWS += [
    Row("000", "Backward pass", "output layer, scalar f: ddiv/dz_i = ddiv/dy_i dy_i/dz_i",
        lambda: through_the_activation(2)),
    Row("000", "Backward pass", "output layer: ddiv/dz_i = ddiv/dy_i dy_i/dz_i", softmax_output, "convention",
        "for a vector activation ddiv/dz_i = sum_j ddiv/dy_j dy_j/dz_i (softmax and cross-entropy: y_i - d_i)",
        "Right for the scalar form that the heading announces (a row that holds); here for the softmax of 'Vector "
        "activations', whose y_j all depend on z_i."),
    Row("000", "Backward pass", "for k = N-1 to 0: ddiv/dz_i(k) = ddiv/dy_i(k) f'(z_i(k))", input_layer_has_no_z,
        "harmless", "this line for k >= 1 only",
        "The inputs y(0) have no z(0). Number of z below the output that the loop asks for, in a 2-3-2 network."),
    Row("000", "Backward pass", "i = 1..D_k, j = 1..D_(k+1): ddiv/dw_ji(k+1) = y_j(k) ddiv/dz_i(k+1)",
        ranges_of_the_weights, "slip", "j = 1..D_k, i = 1..D_(k+1)",
        "The ranges are exchanged: in a 2-3-2 network w_31 and w_32 of layer 2 are never reached (none), and a z_3 "
        "that does not exist is asked for. Numbers: w_11, w_12, w_21, w_22, w_31, w_32."),
    Row("000", "Backward pass", "ddiv/dw_ji(k+1) for j from 1", bias_is_left_out, "slip", "j from 0",
        "The forward pass has weights w_0i, the biases; from j = 1 on their derivatives are never computed (none)."),
]  # fmt: skip
