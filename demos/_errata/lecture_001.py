"""Lecture 001, as `demos.errata` checks it: the XOR example in numbers, the update rule, caching and the formalism."""

from __future__ import annotations

import math

from autograd import jvp
from demos import worked_example
from demos._errata.shared import (
    START,
    Evidence,
    Row,
    agree,
    error_signal,
    evidence,
    gradients_by_example,
    network,
    risk,
    slide_loss,
    slope_of_sigmoid,
    slopes,
)

SLIDES = worked_example.table()
ENGINE = worked_example.engine_numbers()
HALF_A_UNIT = 0.5e-4 + 1e-12  # of the slides' fourth decimal

# ---- XOR example: the numbers, which demos.worked_example computes again step by step

WHY = {
    "f_in": "0.3705 * (-0.22) + 0.7389 * 0.58 + 0.78 = 1.1271 (1.1270 unrounded); u2 = 0.56 in place of 0.58 "
    "gives the printed 1.1122. sigmoid(1.1122) = 0.7525 is printed next: not the transcription.",
    "new f_out": "The slides' own new weights give f_in = 1.1664 and sigmoid(1.1664) = 0.7625 (0.7624 without "
    "the earlier slip). The loss 0.0284 follows from the printed 0.7615: not the transcription.",
}


def slide_row(number: worked_example.Row) -> Row:
    def check() -> Evidence:
        right = number.engine if number.remark else number.slide
        return evidence(number.slide, right, number.engine, tolerance=HALF_A_UNIT)

    printed = f"{number.name} = {number.slide:.4f}"
    if not number.remark:
        return Row("001", "XOR example", printed, check)
    right, why = f"{number.name} = {number.engine:.4f}", WHY.get(number.name, "")
    return Row("001", "XOR example", printed, check, number.remark.lower(), right, why)


def slide_arithmetic() -> Evidence:
    """The numbers that follow from those which the slides print before them: all but the two slips."""
    rows = [row for row in SLIDES if row.remark != "SLIP"]
    return agree([row.slide for row in rows], [row.follows for row in rows], "slides", HALF_A_UNIT)


def slide_factors(result: str, factors: str) -> Evidence:
    return agree(math.prod(ENGINE[factor] for factor in factors.split()), ENGINE[result])


ROWS = [
    *map(slide_row, SLIDES),
    Row("001", "XOR example", "24 of the 26 numbers follow from those printed before them", slide_arithmetic),
    Row("001", "XOR example", "dL/du1 = its three factors",
        lambda: slide_factors("dL/du1", "dL/df_out df_out/df_in df_in/du1")),
    Row("001", "XOR example", "dL/dW11 = its five factors",
        lambda: slide_factors("dL/dW11", "dL/df_out df_out/df_in df_in/dz1_out dz1_out/dz1_in dz1_in/dW11")),
]  # fmt: skip

# ---- Summary and Weight update rule


def forward_mode() -> Evidence:
    directions = [[float(i == j) for j in range(len(START))] for i in range(len(START))]
    return agree([jvp(slide_loss, (START,), (d,))[1] for d in directions], slopes(slide_loss, START))


def one_step() -> Evidence:
    """1 where the loss of the example falls in the step, as printed."""
    after = slide_loss([w - 0.5 * g for w, g in zip(START, slopes(slide_loss, START))])
    return agree(0.0284 < 0.0306, after < slide_loss(START))


def slope_at_the_output() -> Evidence:
    at_output, at_input = (slope_of_sigmoid(ENGINE[place]) for place in ("z1_out", "z1_in"))
    return evidence(at_output, at_input, ENGINE["dz1_out/dz1_in"])


def sum_of_gradients() -> Evidence:
    by_c = [gradient[-1] for gradient in gradients_by_example()]
    return evidence(sum(by_c), sum(by_c) / len(by_c), slopes(risk, START)[-1])


def always_lower() -> Evidence:
    """The sign of the change of the risk after a step with alpha = 0.5 and with a long one."""
    gradient = slopes(risk, START)
    after = [risk([w - alpha * g for w, g in zip(START, gradient)]) for alpha in (0.5, 50.0)]
    return evidence([-1, -1], [-1, 1], [math.copysign(1, loss - risk(START)) for loss in after], "engine's step")


ROWS += [
    Row("001", "Summary", "the gradient has as many components as weights and biases",
        lambda: agree(2 * 2 + 2 + 2 + 1, len(slopes(slide_loss, START)), "count")),
    Row("001", "Summary", "forward computation gives the same gradient", forward_mode),
    Row("001", "XOR example", "the loss of the example is lower after the step", one_step),
    Row("001", "Summary", "the derivative of the sigmoid at z1_out", slope_at_the_output, "harmless",
        "at z1_in", "sigmoid'(0.3705) is not sigmoid'(-0.53). The formula that follows on the slide has z1_in."),
    Row("001", "Weight update rule", "sum the gradients for a full GD step", sum_of_gradients, "convention",
        "R_emp has 1/n: the mean of the gradients, or n alpha for alpha",
        "Four XOR points, derivative by c: the sum is n = 4 times the gradient of R_emp."),
    Row("001", "Summary", "the empirical loss for the new weights is now lower", always_lower, "harmless",
        "lower if alpha is small enough",
        "Sign of the change of the loss over the four XOR points, from the initial weights, alpha = 0.5 and 50."),
]  # fmt: skip

# ---- Caching and Formalism


def slide_delta() -> Evidence:
    return agree([ENGINE["dL/dz1_in"] * x for x in (1.0, 0.0)], [ENGINE["dL/dW11"], ENGINE["dL/dW21"]])


def nothing_to_plug_in() -> Evidence:
    """Products from the weight upwards, for W11 (x1 = 1) and W21 (x2 = 0): how many of the first four are shared."""
    factors = [ENGINE[f] for f in ("dz1_out/dz1_in", "df_in/dz1_out", "df_out/df_in", "dL/df_out")]
    shared = sum(1.0 * math.prod(factors[:k]) == 0.0 * math.prod(factors[:k]) for k in range(4))
    return agree(0, shared, "count")


def sum_over_m() -> Evidence:
    return error_signal(lambda k: [(m, m) for m in (1, 2, 3)])


def weight_from_delta(bias: bool) -> Evidence:
    net = network(2, 2, 3)
    return agree([net.z[2, i].grad * net.output(1, j) for i, j in net.indices(2, bias)], net.gradient(2, bias))


def output_delta() -> Evidence:
    net = network(2, 2, 3)
    residual = [(net.output(2, i) - t) * net.slope(2, i) for i, t in enumerate(net.target, 1)]
    return agree(residual, net.adjoints(net.z, 2))


ROWS += [
    Row("001", "Caching", "dL/dW11 = delta_1 x1, dL/dW21 = delta_1 x2", slide_delta),
    Row("001", "Caching", "forward products have no subexpression in common", nothing_to_plug_in),
    Row("001", "Formalism", "delta_k(i) = sum_m (dL/dz_m(i+1) w_km) sigmoid'(z_k)", sum_over_m),
    Row("001", "Formalism", "delta_k(i) = sum_m (delta_k(i+1) w_km(i+1)) sigmoid'(z_k(i))",
        lambda: error_signal(lambda k: [(k, m) for m in (1, 2, 3)]), "slip",
        "delta_k(i) = sum_m (delta_m(i+1) w_km(i+1)) sigmoid'(z_k(i))",
        "The equation's left neighbour has dL/dz_m(i+1), which is delta_m(i+1). 2-2-3 network."),
    Row("001", "Formalism", "dL/dW_jk = delta_k z_j,out", lambda: weight_from_delta(bias=False)),
    Row("001", "Formalism", "dL/db_k = delta_k", lambda: weight_from_delta(bias=True)),
    Row("001", "Formalism", "delta(O) = grad L o tau'(f_in)", output_delta),
    Row("001", "Formalism", "delta(i) = W(i+1) delta(i+1) o sigmoid'(z), W of shape n_i x n_(i+1)", sum_over_m),
]  # fmt: skip
