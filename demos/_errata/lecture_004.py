"""Lecture 004, as `demos.errata` checks it: the objective, the gradient layer by layer, and the notebook's code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import nn
from autograd import Value, identity, sigmoid
from demos import gradient_check, noisy_xor
from demos._errata.shared import (
    START,
    XOR,
    Evidence,
    Network,
    Numbers,
    Row,
    agree,
    deep_network,
    derivative,
    evidence,
    forward,
    gradients_by_example,
    network,
    risk,
    slide_loss,
    slope,
    slopes,
    two_paths,
    weights_from_h,
)

# ---- Loss functions, objective, total derivative


def loss_is_larger_when_wrong() -> Evidence:
    losses = [nn.squared_error(0, 0), nn.squared_error(1, 0), nn.binary_cross_entropy(1.0, 1.0)]
    larger = nn.binary_cross_entropy(0.9, 0.0) > nn.binary_cross_entropy(0.0, 0.0)
    return agree([0.0, 0.5, 0.0, True], [*losses, larger])


def objective_without_t() -> Evidence:
    literal = sum(slide_loss(START, (1.0, 0.0), t) for t in XOR.values())
    right = sum(slide_loss(START, x, t) for x, t in XOR.items())
    return evidence(literal, right, 4 * risk([Value(w) for w in START]).data)


ROWS = [
    Row("004", "Common loss functions", "both losses are larger when wrong, with 0 log 0 = 0",
        loss_is_larger_when_wrong),
    Row("004", "Looking at the objective", "E = sum_t loss(y_hat(x), y^t)", objective_without_t, "harmless",
        "E = sum_t loss(y_hat(x^t), y^t)",
        "Sections 5 and 12 have x^t. Lecture 001's network on the four XOR points, x = (1, 0) for all t as printed."),
    Row("004", "Total derivative", "df/dt = sum_i df/dz_i dz_i/dt", lambda: two_paths(0.9)),
    Row("004", "Total derivative", "f(t, t, 1)' = 2t + 3t^2",
        lambda: derivative(lambda t: t**2 + t**3 + 1.0, lambda t: 2 * t + 3 * t**2)),
    Row("004", "Evaluate-at notation", "d(z1^2 + z2)/dz1 at (1, -1) = 2",
        lambda: agree(2.0, slopes(lambda z: z[0] ** 2 + z[1], [1.0, -1.0])[0])),
]  # fmt: skip

# ---- Equations 14 to 23: dloss/dh, layer by layer


def partial_lost_above() -> Evidence:
    """y_hat / dh read as printed: y_hat itself over a small change of h."""
    h, step = 0.7, 1e-6
    return evidence(h / step, ((h + step) - h) / step, slope(identity, h), tolerance=1e-9)


def sum_over_paths(net: Network, m: int, j: int) -> float:
    """sum_i dloss/dh_i(m) f'(z_i) w_ij, the paths from h_j of layer m - 1 through layer m."""
    return sum(net.h[m, i].grad * net.slope(m, i) * net.w[m, i, j].data for i in net.units(m))


def theta_in_a_lower_layer() -> Evidence:
    net = network(2, 2, 2)
    formula = [sum_over_paths(net, 2, i) * net.slope(1, i) * net.output(0, j) for i, j in net.indices(1)]
    return agree(formula, net.gradient(1))


def theta_in_the_last_layer() -> Evidence:
    """d loss / dw of the last layer: equation 18 goes through h^(L-1), which does not depend on it."""
    net = network(2, 2, 2)
    right = [net.h[2, i].grad * net.slope(2, i) * net.output(1, j) for i, j in net.indices(2)]
    return evidence([0.0] * 4, right, net.gradient(2))


def brace_of_equation_19() -> Evidence:
    """What stands over the brace, for the two i of the sum, and what it is said to be."""
    net = network(2, 2, 2)
    over = [net.h[2, i].grad * net.slope(2, i) for i in net.units(2)]
    return evidence(over, [sum_over_paths(net, 2, j) for j in net.units(1)], net.adjoints(net.h, 1))


def correct_sum() -> Evidence:
    net = deep_network()
    formula = [sum_over_paths(net, m, j) for m in (1, 2, 3) for j in net.units(m - 1)]
    return agree(formula, [adjoint for m in (0, 1, 2) for adjoint in net.adjoints(net.h, m)])


ROWS += [
    Row("004", "Equations 14 to 19 and 21", "y_hat / dh^L", partial_lost_above, "harmless", "dy_hat / dh^L",
        "Seven equations lack the sign in the numerator, (33) and (43) have it: not the transcription. As printed, "
        "a number over a small change (1e-6); as meant, 1. Nothing is computed from it."),
    Row("004", "Equations 17 and 18", "for theta below the last layer", theta_in_a_lower_layer),
    Row("004", "Equation 18", "dloss/dtheta goes through dh_j^(L-1)/dtheta, theta being 'some parameter'",
        theta_in_the_last_layer, "harmless", "for theta below layer L; for W^L and b^L stop at (17)",
        "h^(L-1) does not depend on W^L, so (18) gives 0. Equations (24) to (27) treat these parameters rightly."),
    Row("004", "Equation 19", "the brace 'dloss/dh_j^(L-1)' spans dloss/dy_hat dy_hat/dh_i dh_i/dz_i",
        brace_of_equation_19, "transcription?", "it spans sum_i ... dz_i/dh_j as well",
        "What it spans is dloss/dz_i^L. The transcription may have cut the brace short. 2-2-2 network."),
    Row("004", "Equations 22, 23, 34 and 44", "dloss/dh_j(l-1) = sum_i dloss/dh_i(l) f'(z_i) w_ij", correct_sum),
]  # fmt: skip

# ---- Within a layer: equations 24 to 27, 35, 36, 45 and 46


def within_a_layer(layer: int, bias: bool) -> Evidence:
    """d h_1 of a layer (2 is L) / d theta for theta in layer l = 1 of a 2-2-2 network, by the formula for layer l."""
    net = network(2, 2, 2)
    keys = [(1, 1, 0)] if bias else [(1, 1, 1), (1, 1, 2)]
    formula = [net.slope(1, 1) * net.output(0, j) for _, _, j in keys]

    def h_1(theta: Sequence[Any]) -> Any:
        numbers = {key: leaf.data for key, leaf in net.w.items()} | dict(zip(keys, theta))
        return forward(net.sizes, numbers, [net.output(0, j) for j in (1, 2)], net.target, sigmoid).h[layer, 1]

    through = net.slope(2, 1) * net.w[2, 1, 1].data if layer == 2 else 1.0
    return evidence(formula, [through * f for f in formula], slopes(h_1, [net.w[key].data for key in keys]))


def one_sample_for_all() -> Evidence:
    """dE/du1 for two samples, by the formula for one."""
    rows = [(1.0, 0.0), (0.0, 1.0)]
    by_u1 = [gradient[6] for x, gradient in zip(XOR, gradients_by_example()) if x in rows]
    whole = slopes(lambda w: sum(slide_loss(w, x, XOR[x]) for x in rows), START)[6]
    return evidence(by_u1[0], sum(by_u1), whole)


ROWS += [
    *(Row("004", f"Within a layer, equation {equation}", f"dh_i^L/d{wrt}", partial(within_a_layer, 2, bias), "slip",
          f"dh_i^l/d{wrt}",
          "L is the last layer; for l < L the layers between are missing. The z_i^l beside it and (25) have the small "
          "l. 2-2-2 network, l = 1; the numbers are of h_1^L, the right ones with the missing f'(z_1^L) w_11^L.")
      for equation, bias, wrt in ((26, False, "w_ij^l = f'(z_i^l) h_j^(l-1)"), (27, True, "b_i^l = f'(z_i^l)"))),
    Row("004", "Within a layer", "dh_i^l/dw_ij^l = f'(z_i^l) h_j^(l-1)", lambda: within_a_layer(1, bias=False)),
    Row("004", "Within a layer", "dh_i^l/db_i^l = f'(z_i^l)", lambda: within_a_layer(1, bias=True)),
    Row("004", "Equations 35 and 45", "dloss/dw_ij = dloss/dh_i f'(z_i) h_j", lambda: weights_from_h(bias=False)),
    Row("004", "Equations 36 and 46", "dloss/db_i = dloss/dh_i f'(z_i)", lambda: weights_from_h(bias=True)),
    Row("004", "Equations 24, 25, 35, 36, 45, 46", "dE/dtheta = dloss/dh_i dh_i/dtheta", one_sample_for_all,
        "harmless", "dloss/dtheta = ...; dE/dtheta is its sum over the samples",
        "E was defined as the sum over t. The training loop adds the samples up, rightly. Two samples, u1 of lecture "
        "001's network."),
]  # fmt: skip

# ---- An XOR Network, and the notebook's functions


def xor_network(factor: float, x: Sequence[float]) -> Network:
    units = {(1, 1): (-0.5, 1, -1), (1, 2): (-0.5, -1, 1), (2, 1): (-0.5, 1, 1)}  # bias first
    w = {(m, i, j): factor * number for (m, i), numbers in units.items() for j, number in enumerate(numbers)}
    return forward((2, 2, 1), w, x, [0.0], sigmoid)


def xor_table(printed: Sequence[float], unit: tuple[int, int]) -> Evidence:
    return agree(printed, [xor_network(50.0, x).h[unit] for x in XOR], tolerance=1e-6)


def xor_outputs() -> Evidence:
    printed = [0.149132886381, 0.893163783089, 0.893163783089, 0.149132886381]
    return agree(printed, [xor_network(5.0, x).h[2, 1] for x in XOR])


def overwritten(below: int, *sizes: int) -> Evidence:
    """d loss / dh of layer `below` by the printed assignment, where the last unit of the layer above has the word."""
    net = network(*sizes)
    m, last = below + 1, net.sizes[below + 1]
    literal = [net.h[m, last].grad * net.slope(m, last) * net.w[m, last, j].data for j in net.units(below)]
    return evidence(literal, [sum_over_paths(net, m, j) for j in net.units(below)], net.adjoints(net.h, below))


def stale_global() -> Evidence:
    """d loss / d y_hat for a second sample, hs being left over from the first."""
    first, second = (network(2, 2, 1, x=x) for x in ((1.0, 0.0), (0.0, 1.0)))
    target = second.target[0]
    return evidence(first.output(2, 1) - target, second.output(2, 1) - target, second.h[2, 1].grad)


def last_bias_for_all() -> Evidence:
    """dL/db of the two hidden units: `dbs[m] =` keeps the last one's and numpy gives it to both."""
    net = network(2, 2, 1)
    right = [net.h[1, i].grad * net.slope(1, i) for i in net.units(1)]
    return evidence([right[-1]] * 2, right, net.gradient(1, bias=True))


ROWS += [
    *(Row("004", "An XOR Network", f"table, row {name} (F = 50; the zeros and ones are the limit)",
          partial(xor_table, printed, unit))
      for name, printed, unit in (("h1", (0, 1, 0, 0), (1, 1)), ("h2", (0, 0, 1, 0), (1, 2)),
                                  ("y", (0, 1, 1, 0), (2, 1)))),
    Row("004", "loss", "its second result, yhat - y, is the derivative",
        lambda: derivative(lambda y: nn.squared_error(y, 0.3), lambda y: y - 0.3)),
    Row("004", "forward_prop", "four outputs for F = 5", xor_outputs),
    Row("004", "backward_prop", "dldhs[l][j] = m*Wl[i,j]", lambda: overwritten(0, 2, 2, 2, 1), "slip",
        "dldhs[l][j] += m*Wl[i,j]",
        "Equation (44) sums over i; as printed the last unit above overwrites the others. Here dloss/dx of a 2-2-2-1 "
        "network, overwritten in the lowest sum alone. The lecture's 2-2-1 network escapes: there only dldhs[0] is "
        "wrong, which nobody reads. So its "
        "printed results cannot tell whether the transcription lost a +."),
    Row("004", "backward_prop", "in a 2-2-1 network dloss/dh of layer 1 comes out right",
        lambda: overwritten(1, 2, 2, 1)),
    Row("004", "backward_prop", "takes zs and y, and reads hs from outside", stale_global, "harmless",
        "hs is an argument", "Right as long as forward_prop ran last on the same sample, as it does in the notebook. "
        "Here dloss/dy_hat with the hs of another sample."),
    Row("004", "compute_gradients", "dbs[l] = dldhs[l+1][i]*g", last_bias_for_all, "slip",
        "dbs[l][i] = dldhs[l+1][i]*g, dbs[l] having a row for each unit",
        "The last hidden unit's derivative moves both biases. Not the transcription: the nine trained numbers come "
        "out to the last digit so, and not otherwise (see the end)."),
]  # fmt: skip

# ---- Gradient check and Training, which demos.gradient_check and demos.noisy_xor run again

WEIGHTS_THEN_BIASES = (0, 1, 3, 4, 2, 5, 6, 7, 8)  # noisy_xor has each unit's bias after its weights


def in_printed_order(parameters: Sequence[float]) -> Numbers:
    """W1, b1, W2, b2."""
    return tuple(parameters[place] for place in WEIGHTS_THEN_BIASES)


TRAINED = in_printed_order(noisy_xor.PRINTED)


def trained(each_bias_its_own: bool) -> Numbers:
    """The notebook's 200 steps on 1000 noisy rows, seed 1, by its own code or with a derivative for each bias."""
    mended = [noisy_xor.OWN_BIAS] if each_bias_its_own else []
    return in_printed_order(noisy_xor.train_by_hand(noisy_xor.draw(), noisy_xor.STEPS, mended).parameters.tolist())


def trained_outputs() -> Evidence:
    model = nn.MLP(2, [2, 1], "sigmoid", "sigmoid")
    for parameter, number in zip(model.parameters(), noisy_xor.PRINTED):
        parameter.data = number
    return agree(noisy_xor.PRINTED_OUTPUTS, nn.predict(model, noisy_xor.CORNERS), tolerance=1e-8)


def printed_gradients() -> Evidence:
    """The six printed pairs without the two that stand there twice."""
    quotients, backpropagated = zip(*dict.fromkeys(gradient_check.PRINTED.values()))
    return agree(quotients, backpropagated, "notebook", 2e-9)


def equal_pairs() -> Evidence:
    """x1 = x2 = 1, so the two weights into a hidden unit have one gradient: the printed lines 1, 2 and 3, 4."""
    gradient = network(2, 2, 1, x=(1.0, 1.0)).gradient(1)
    return agree([0.0, 0.0], [gradient[0] - gradient[1], gradient[2] - gradient[3]])


ROWS += [
    Row("004", "Gradient check", "difference quotients and gradients agree to 2e-9", printed_gradients),
    Row("004", "Gradient check", "lines 1 = 2 and 3 = 4, as x1 = x2 = 1", equal_pairs),
    Row("004", "Training", "the nine trained numbers follow from the code as printed",
        lambda: agree(TRAINED, trained(each_bias_its_own=False), "numpy, seed 1", 1e-8)),
    Row("004", "Training", "the four outputs follow from the nine trained numbers", trained_outputs),
]  # fmt: skip
