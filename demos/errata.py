"""The engine reads the five lectures critically: every number and formula that can be checked, and what does not hold.

    python -m demos.errata [--all] [--small]

Each row of ROWS is a claim of a lecture with its place and a check. A check evaluates the claim as printed and, where
that is wrong, the right one at a concrete example; the engine decides (with difference quotients beside it), or a
count, a simulation, or the lecture's own numbers. A row is proven when the numbers bear out what it says: a claim that
holds gives the decisive numbers, an erratum does not and its correction does. The lectures are transcriptions, so an
erratum says what kind it is:

slip            wrong as printed, and the transcription is an unlikely cause
carried over    the step is right, its input was a slip
harmless        loose rather than wrong: too wide, or set right by what stands beside it
transcription?  a sign that reads like another, a lost stroke or a doubled line may be to blame
convention      right or wrong by what is agreed on, and the engine or another page agrees on something else

Not in the table is what no number can refute: letters that change their meaning from line to line, lost words.

Sources: lectures 000 to 004, the place being the section or slide. dA/dB stands for total and partial derivatives.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import nn
from autograd import relu, sigmoid, softplus, tanh
from demos import _errata_checks as checks

KINDS = ("holds", "slip", "carried over", "harmless", "transcription?", "convention")
LECTURES = ("000", "001", "002", "003", "004")


@dataclass(frozen=True)
class Row:
    """A claim: where it is printed, what is right (empty where it holds), why, and the check that proves it."""

    lecture: str
    place: str
    printed: str
    check: Callable[[], checks.Evidence] = field(repr=False)
    kind: str = "holds"
    right: str = ""
    why: str = ""

    @cached_property
    def evidence(self) -> checks.Evidence:
        return self.check()

    @property
    def proven(self) -> bool:
        """Whether the evidence bears the row out."""
        as_printed, corrected = (self.evidence.agrees(c) for c in (self.evidence.printed, self.evidence.right))
        return corrected and as_printed == (self.kind == "holds")


def holds(lecture: str, place: str, printed: str, check: Callable[..., checks.Evidence], *arguments: object) -> Row:
    return Row(lecture, place, printed, partial(check, *arguments))


def slide_row(name: str) -> Row:
    """A number of lecture 001's example, which demos.worked_example computes again step by step."""
    row = checks.SLIDE_ROWS[name]
    if not row.remark:
        return holds("001", "XOR example", f"{name} = {row.slide:.4f}", checks.slide_number, name)
    why = {
        "f_in": "0.3705 * (-0.22) + 0.7389 * 0.58 + 0.78 = 1.1271 (1.1270 unrounded); u2 = 0.56 in place of 0.58 "
        "gives the printed 1.1122. sigmoid(1.1122) = 0.7525 is printed next: not the transcription.",
        "new f_out": "The slides' own new weights give f_in = 1.1664 and sigmoid(1.1664) = 0.7625 (0.7624 without "
        "the earlier slip). The loss 0.0284 follows from the printed 0.7615: not the transcription.",
    }.get(name, "")
    kind = {"SLIP": "slip"}.get(row.remark, row.remark)
    check = partial(checks.slide_number, name)
    return Row("001", "XOR example", f"{name} = {row.slide:.4f}", check, kind, f"{name} = {row.engine:.4f}", why)


ROWS = [
    # ---- lecture 000
    holds("000", "Activation functions", "sigmoid' = sigmoid (1 - sigmoid)", checks.derivative, sigmoid,
          checks.slope_of_sigmoid),
    holds("000", "Activation functions", "tanh' = 1 - tanh^2", checks.derivative, tanh, lambda z: 1 - tanh(z) ** 2),
    Row("000", "Activation functions", "tanh' = 1 - tanh^2 z = max(0, z)", checks.misplaced_maximum, "transcription?",
        "ReLU: f(z) = max(0, z)",
        "The second line belongs to ReLU, which follows; the transcription put it one heading too early. At z = 1."),
    holds("000", "Activation functions", "ReLU: z for z >= 0, else 0, is max(0, z)", checks.relu_is_maximum),
    holds("000", "Activation functions", "ReLU' = 1 for z > 0, 0 for z < 0", checks.derivative, relu,
          lambda z: float(z > 0)),
    Row("000", "Activation functions", "ReLU' = 1 at z = 0", checks.relu_at_zero, "convention",
        "not differentiable; the engine takes 0, as PyTorch does",
        "From the left the difference quotient is 0, from the right 1: every number in [0, 1] is a subgradient."),
    holds("000", "Activation functions", "softplus' = 1 / (1 + e^-z)", checks.derivative, softplus, sigmoid),
    holds("000", "Activation functions", "softplus approximates ReLU (gap: ln 2 at 0, 0 far away)",
          checks.softplus_near_relu),
    holds("000", "Vector activations", "y_i = exp z_i / sum_j exp z_j, z_i = sum_j w_ji x_j + b_i",
          checks.softmax_of_an_affine_layer),
    holds("000", "Real-valued output", "div = 1/2 |y - d|^2, ddiv/dy_i = y_i - d_i", checks.squared_divergence),
    Row("000", "Real-valued output", "dE/dw_k = y_k - t_k", checks.gradient_in_the_weight, "transcription?",
        "dE/dy_k = y_k - t_k; in a weight, for y = w x, it is (y - t) x",
        "With x = 2, w = 1.5, t = 1. The lines above it differentiate by y; Bishop differentiates by the activation "
        "a_k, which may have been read as w_k."),
    holds("000", "Binary class.", "ddiv/dy = -1/y for d = 1, 1/(1 - y) for d = 0", checks.binary_cases),
    Row("000", "Binary class.", "d in (0, 1), and ddiv/dy is one of two cases", checks.binary_target_in_between,
        "transcription?", "d in {0, 1}; for d in between ddiv/dy = -d/y + (1 - d)/(1 - y)",
        "At y = 0.3, d = 0.5 neither case is right. Braces read as parentheses would explain it."),
    holds("000", "Multi-class", "div = -sum_i d_i log y_i = -log y_c", checks.log_of_the_right_class),
    holds("000", "Multi-class", "gradient: -1/y_c at c, 0 elsewhere", checks.multiclass_gradient),
    Row("000", "Multi-class", "E = -sum_n sum_k t_n k ln y_k(z; w)", checks.error_of_all_instances, "transcription?",
        "E = -sum_n sum_k t_nk ln y_k(x_n; w)",
        "As printed y_k does not depend on the instance n; evaluated with the first instance's y for both."),
    holds("000", "Multi-class", "E = sum_k E_k, here k is the instance and n the class", checks.error_by_instances),
    holds("000", "Gradient descent", "w - eta (sum of the gradients) / T is a step on the mean", checks.update_loop,
          False),
    Row("000", "Gradient descent", "the update runs for every layer k and every t", partial(checks.update_loop, True),
        "transcription?", "once for every layer (and i, j), after the loop over t",
        "Run for every t, it takes the step T times (here T = 2). 't' for 'i, j' would explain it."),
    Row("000", "Forward pass", "y_0^(k) = 1 for k = 1..N", partial(checks.bias_unit, 1), "harmless",
        "y_0^(k) = 1 for k = 0..N-1",
        "z^(1) reads y_0^(0), and nothing reads y_0^(N). Harmless if the x_0 = 1 beside it is taken for y_0^(0)."),
    holds("000", "Forward pass", "z_j = sum from i = 0 of w_ij y_i, with y_0 = 1, is W y + b", checks.bias_unit, 0),
    holds("000", "Backpropagation", "ddiv/dy_i(N-1) = sum_j w_ij(N) ddiv/dz_j(N)", checks.layer_below),
    holds("000", "Backpropagation", "ddiv/dz(N-1) = f'(z) ddiv/dy(N-1)", checks.through_the_activation, 1),
    Row("000", "Backpropagation", "ddiv/dw_ij(N-1) = y_i(N-2) ddiv/dz_j(N)", checks.superscript_of_z, "slip",
        "ddiv/dw_ij(N-1) = y_i(N-2) ddiv/dz_j(N-1)",
        "w(N-1) enters z(N-1). The superscript N stands there three times, so it was hardly misread. 2-2-2 network."),
    holds("000", "Backpropagation", "the bias's y_0 is 1, so ddiv/dw_0j = ddiv/dz_j", checks.bias_weight),
    holds("000", "Backward pass", "output layer, scalar f: ddiv/dz_i = ddiv/dy_i dy_i/dz_i",
          checks.through_the_activation, 2),
    Row("000", "Backward pass", "output layer: ddiv/dz_i = ddiv/dy_i dy_i/dz_i", checks.softmax_output, "convention",
        "for a vector activation ddiv/dz_i = sum_j ddiv/dy_j dy_j/dz_i (softmax and cross-entropy: y_i - d_i)",
        "Right for the scalar form that the heading announces (a row that holds); here for the softmax of 'Vector "
        "activations', whose y_j all depend on z_i."),
    Row("000", "Backward pass", "for k = N-1 to 0: ddiv/dz_i(k) = ddiv/dy_i(k) f'(z_i(k))",
        checks.input_layer_has_no_z, "harmless", "this line for k >= 1 only",
        "The inputs y(0) have no z(0). Number of z below the output that the loop asks for, in a 2-3-2 network."),
    Row("000", "Backward pass", "i = 1..D_k, j = 1..D_(k+1): ddiv/dw_ji(k+1) = y_j(k) ddiv/dz_i(k+1)",
        checks.ranges_of_the_weights, "slip", "j = 1..D_k, i = 1..D_(k+1)",
        "The ranges are exchanged: in a 2-3-2 network w_31 and w_32 of layer 2 are never reached (none), and a z_3 "
        "that does not exist is asked for. Numbers: w_11, w_12, w_21, w_22, w_31, w_32."),
    Row("000", "Backward pass", "ddiv/dw_ji(k+1) for j from 1", checks.bias_is_left_out, "slip", "j from 0",
        "The forward pass has weights w_0i, the biases; from j = 1 on their derivatives are never computed (none)."),
    # ---- lecture 001
    *map(slide_row, checks.SLIDE_ROWS),
    holds("001", "XOR example", "24 of the 26 numbers follow from those printed before them", checks.slide_arithmetic),
    holds("001", "XOR example", "dL/du1 = its three factors", checks.slide_factors, "dL/du1",
          "dL/df_out df_out/df_in df_in/du1"),
    holds("001", "XOR example", "dL/dW11 = its five factors", checks.slide_factors, "dL/dW11",
          "dL/df_out df_out/df_in df_in/dz1_out dz1_out/dz1_in dz1_in/dW11"),
    holds("001", "Summary", "the gradient has as many components as weights and biases",
          checks.components_of_the_gradient),
    holds("001", "Summary", "forward computation gives the same gradient", checks.forward_mode),
    holds("001", "XOR example", "the loss of the example is lower after the step", checks.one_step),
    Row("001", "Summary", "the derivative of the sigmoid at z1_out", checks.slope_at_the_output, "harmless",
        "at z1_in", "sigmoid'(0.3705) is not sigmoid'(-0.53). The formula that follows on the slide has z1_in."),
    Row("001", "Weight update rule", "sum the gradients for a full GD step", checks.sum_of_gradients, "convention",
        "R_emp has 1/n: the mean of the gradients, or n alpha for alpha",
        "Four XOR points, derivative by c: the sum is n = 4 times the gradient of R_emp."),
    Row("001", "Summary", "the empirical loss for the new weights is now lower", checks.always_lower, "harmless",
        "lower if alpha is small enough",
        "Sign of the change of the loss over the four XOR points, from the initial weights, alpha = 0.5 and 50."),
    holds("001", "Caching", "dL/dW11 = delta_1 x1, dL/dW21 = delta_1 x2", checks.slide_delta),
    holds("001", "Caching", "forward products have no subexpression in common", checks.nothing_to_plug_in),
    holds("001", "Formalism", "delta_k(i) = sum_m (dL/dz_m(i+1) w_km) sigmoid'(z_k)", checks.error_signal, "m"),
    Row("001", "Formalism", "delta_k(i) = sum_m (delta_k(i+1) w_km(i+1)) sigmoid'(z_k(i))",
        partial(checks.error_signal, "k"), "slip", "delta_k(i) = sum_m (delta_m(i+1) w_km(i+1)) sigmoid'(z_k(i))",
        "The equation's left neighbour has dL/dz_m(i+1), which is delta_m(i+1). 2-2-3 network."),
    holds("001", "Formalism", "dL/dW_jk = delta_k z_j,out", checks.weight_from_delta, False),
    holds("001", "Formalism", "dL/db_k = delta_k", checks.weight_from_delta, True),
    holds("001", "Formalism", "delta(O) = grad L o tau'(f_in)", checks.output_delta),
    holds("001", "Formalism", "delta(i) = W(i+1) delta(i+1) o sigmoid'(z), W of shape n_i x n_(i+1)",
          checks.error_signal, "m"),
    # ---- lecture 002
    holds("002", "Recap", "dE/dw is the average of dL/dw over the examples", checks.average_gradient),
    holds("002", "Calculus class", "dL/dw = (sigmoid(wx + b) - t) sigmoid'(wx + b) x", checks.calculus_class, "w",
          checks.X),
    Row("002", "Calculus class", "dL/db = (sigmoid(wx + b) - t) sigmoid'(wx + b) x",
        partial(checks.calculus_class, "b", checks.X), "transcription?",
        "dL/db = (sigmoid(wx + b) - t) sigmoid'(wx + b)",
        "d(wx + b)/db = 1. The last line of dL/dw stands doubled under dL/db, and the structured version is right. "
        "x = 2."),
    holds("002", "Structured version", "dL/db = dL/dz", checks.calculus_class, "b", 1.0),
    Row("002", "Multiclass", "y_k = c / sum_l e^z_l", checks.numerator_c, "transcription?",
        "y_k = e^z_k / sum_l e^z_l",
        "e^z_k stands alone on the line above: the numerator was torn off. z = 1, 2, 0.5, with c = 1; any c makes "
        "all y_k equal."),
    holds("002", "Multiclass", "L = -sum_k t_k log y_k", checks.cross_entropy_of_softmax),
    holds("002", "Multivariate Chain Rule", "df/dt of y + e^(xy), x = cos t, y = t^2", checks.two_paths),
    holds("002", "Multivariate Chain Rule", "t_bar = x_bar dx/dt + y_bar dy/dt", checks.two_paths, 2.0),
    holds("002", "Full algorithm", "topological order: parents before children, v_N last", checks.parents_first),
    holds("002", "Full algorithm", "v_bar_i = sum over children of v_bar_j dv_j/dv_i", checks.whole_algorithm),
    *(holds("002", "Regularised regression", claim, checks.regularised, name) for name, claim in {
        "R": "R_bar = L_reg_bar lambda", "L": "L_bar = L_reg_bar", "y": "y_bar = L_bar (y - t)",
        "z": "z_bar = y_bar sigmoid'(z)", "w": "w_bar = z_bar dz/dw + R_bar dR/dw", "b": "b_bar = z_bar"}.items()),
    Row("002", "Regularised regression", "w_bar = z_bar × + R_bar w", checks.product_for_x, "transcription?",
        "w_bar = z_bar x + R_bar w", "The letter x was read as a multiplication sign."),
    Row("002", "Multilayer Perceptron", "L = 1/2 sum_i (y_k - t_k)^2", checks.sum_over_i, "transcription?",
        "L = 1/2 sum_k (y_k - t_k)^2",
        "i counts the hidden units; the printed y_bar_k = y_k - t_k fits the sum over k only. 2-3-2 network, the "
        "printed sum for k = 1 and k = 2."),
    *(holds("002", "Multilayer Perceptron", claim, checks.mlp_backward, name) for name, claim in {
        "y": "y_bar_k = L_bar (y_k - t_k)", "w2": "w_bar_ki(2) = y_bar_k h_i", "b2": "b_bar_k(2) = y_bar_k",
        "h": "h_bar_i = sum_k y_bar_k w_ki(2)", "z": "z_bar_i = h_bar_i sigmoid'(z_i)",
        "w1": "w_bar_ij(1) = z_bar_i x_j", "b1": "b_bar_i(1) = z_bar_i"}.items()),
    *(holds("002", "Vectorized form", claim, checks.mlp_backward, name) for name, claim in {
        "y": "y_bar = L_bar (y - t)", "w2": "W_bar(2) = y_bar h^T", "b2": "b_bar(2) = y_bar",
        "h": "h_bar = W(2)^T y_bar", "z": "z_bar = h_bar o sigmoid'(z)", "w1": "W_bar(1) = z_bar x^T"}.items()),
    Row("002", "Vectorized form", "h_bar(1) = z_bar (last line)", checks.bar_of_h, "transcription?",
        "b_bar(1) = z_bar", "h_bar is W(2)^T y_bar, three lines above. b and h differ by one stroke. 2-3-2 network, "
        "numbers of h_bar."),
    holds("002", "Computational Cost", "forward: one add-multiply per weight", checks.cost, "forward"),
    Row("002", "Computational Cost", "backward: two add-multiplies per weight", partial(checks.cost, "backward"),
        "harmless", "two per weight, one in the first layer",
        "Nothing asks for x_bar, and the printed backward pass does not compute it: 2-3-2 network, 12 weights. A rule "
        "of thumb that is right for many layers."),
    holds("002", "Computational Cost", "linear in the layers, quadratic in the units", checks.growth),
    # ---- lecture 003
    holds("003", "Chain rule", "dC/dw = sum_i dC/dz_i dz_i/dw", checks.two_paths, 1.3),
    holds("003", "dC/dw", "dz_i/dw_ij = a_j", checks.preactivation, True),
    holds("003", "dC/dw", "dz_k/dw_ij = 0 for i != k", checks.preactivation, False),
    Row("003", "dC/dw", "dz_i/dw_ij = 0 for i != k, a_j for i = k", checks.z_of_the_wrong_row, "slip",
        "dz_k/dw_ij = 0 for i != k, a_j for i = k",
        "dz_i/dw_ij is a_j whatever k is; the cases belong to z_k, with which the derivation began. i = 1, k = 2."),
    holds("003", "dC/dw", "dC/dW^m = dC/dz^m a^(m-1)^T", checks.weights_from_h, False),
    holds("003", "dC/dz", "for m = L: dC/dz_k = dC/da_k da_k/dz_k", checks.through_the_activation, 2),
    Row("003", "dC/dz", "dC/dz_k^m = sum for e = 1..N_m of dC/dz_e^(m+1) w_ek^(m+1) da_k/dz_k",
        partial(checks.recursion, 2), "slip", "e = 1..N^(m+1)",
        "e counts the units of layer m + 1. The limit stands there three times. 2-2-3 network, m = 1: the third "
        "unit is left out."),
    holds("003", "dC/dz", "dC/dz^m = (W^(m+1)^T dC/dz^(m+1)) o da^m/dz^m", checks.recursion, 3),
    holds("003", "How to compute", "the three steps give every dC/dW from dC/da^L", checks.three_steps),
    holds("003", "Example", "L = (y - 1) log(1 - a) - y log a is the cross-entropy", checks.sigmoid_and_cross_entropy,
          "loss"),
    holds("003", "Example", "dL/da = (a - y) / (a (1 - a))", checks.sigmoid_and_cross_entropy, "a"),
    holds("003", "Example", "dL/dz = a - y", checks.sigmoid_and_cross_entropy, "z"),
    holds("003", "Example", "dL/dW^(L-1) = (W^T (a - y) o a (1 - a)) a^(L-2)^T",
          checks.hidden_layer_under_cross_entropy),
    holds("003", "Example", "repeated factors vanish (20 layers, w = 1: ln of the adjoint)",
          checks.through_many_layers, 1.0),
    holds("003", "Example", "repeated factors explode (20 layers, w = 8: ln of the adjoint)",
          checks.through_many_layers, 8.0),
    Row("003", "Parameter Initialization", "0 = sum_i w_i x_i", checks.zero_for_o, "transcription?",
        "o = sum_i w_i x_i", "The letter o was read as zero, whose variance is 0. n_in = 8, sigma = 0.5."),
    holds("003", "Parameter Initialization", "Var o = n_in sigma^2", checks.variance, checks.N_IN),
    holds("003", "Parameter Initialization", "backward the variance is n_out sigma^2", checks.variance, checks.N_OUT),
    holds("003", "Parameter Initialization", "sigma = sqrt(2 / (n_in + n_out)) averages the two", checks.xavier),
    Row("003", "Autograd", "... do/m_o ... (in the chain for dL/dw_h)", checks.d_lost_below, "transcription?",
        "... do/dm_o ...", "A d is lost in the denominator; in the same line n stands for h three times."),
    *(holds("003", "Autograd", f"dL/d{name} is the product of the operations' derivatives", checks.chain_of_operations,
            name) for name in ("w_h", "b_h", "w_o", "b_o")),
    # ---- lecture 004
    holds("004", "Common loss functions", "both losses are larger when wrong, with 0 log 0 = 0",
          checks.loss_is_larger_when_wrong),
    Row("004", "Looking at the objective", "E = sum_t loss(y_hat(x), y^t)", checks.objective_without_t, "harmless",
        "E = sum_t loss(y_hat(x^t), y^t)",
        "Sections 5 and 12 have x^t. Lecture 001's network on the four XOR points, x = (1, 0) for all t as printed."),
    holds("004", "Total derivative", "df/dt = sum_i df/dz_i dz_i/dt", checks.two_paths, 0.9),
    holds("004", "Total derivative", "f(t, t, 1)' = 2t + 3t^2", checks.derivative,
          lambda t: t**2 + t**3 + 1.0, lambda t: 2 * t + 3 * t**2),
    holds("004", "Evaluate-at notation", "d(z1^2 + z2)/dz1 at (1, -1) = 2", checks.evaluate_at),
    Row("004", "Equations 14 to 19 and 21", "y_hat / dh^L", checks.partial_lost_above, "harmless",
        "dy_hat / dh^L",
        "Seven equations lack the sign in the numerator, (33) and (43) have it: not the transcription. As printed, "
        "a number over a small change (1e-6); as meant, 1. Nothing is computed from it."),
    holds("004", "Equations 17 and 18", "for theta below the last layer", checks.theta_in_a_lower_layer),
    Row("004", "Equation 18", "dloss/dtheta goes through dh_j^(L-1)/dtheta, theta being 'some parameter'",
        checks.theta_in_the_last_layer, "harmless", "for theta below layer L; for W^L and b^L stop at (17)",
        "h^(L-1) does not depend on W^L, so (18) gives 0. Equations (24) to (27) treat these parameters rightly."),
    Row("004", "Equation 19", "the brace 'dloss/dh_j^(L-1)' spans dloss/dy_hat dy_hat/dh_i dh_i/dz_i",
        checks.brace_of_equation_19, "transcription?", "it spans sum_i ... dz_i/dh_j as well",
        "What it spans is dloss/dz_i^L. The transcription may have cut the brace short. 2-2-2 network."),
    holds("004", "Equations 22, 23, 34 and 44", "dloss/dh_j(l-1) = sum_i dloss/dh_i(l) f'(z_i) w_ij",
          checks.correct_sum),
    *(Row("004", "Within a layer, equation " + ("27" if bias else "26"), "dh_i^L/d" + wrt,
          partial(checks.within_a_layer, True, bias), "slip", "dh_i^l/d" + wrt,
          "L is the last layer; for l < L the layers between are missing. The z_i^l beside it and (25) have the small "
          "l. 2-2-2 network, l = 1; the numbers are of h_1^L, the right ones with the missing f'(z_1^L) w_11^L.")
      for bias, wrt in ((False, "w_ij^l = f'(z_i^l) h_j^(l-1)"), (True, "b_i^l = f'(z_i^l)"))),
    holds("004", "Within a layer", "dh_i^l/dw_ij^l = f'(z_i^l) h_j^(l-1)", checks.within_a_layer, False, False),
    holds("004", "Within a layer", "dh_i^l/db_i^l = f'(z_i^l)", checks.within_a_layer, False, True),
    holds("004", "Equations 35 and 45", "dloss/dw_ij = dloss/dh_i f'(z_i) h_j", checks.weights_from_h, False),
    holds("004", "Equations 36 and 46", "dloss/db_i = dloss/dh_i f'(z_i)", checks.weights_from_h, True),
    Row("004", "Equations 24, 25, 35, 36, 45, 46", "dE/dtheta = dloss/dh_i dh_i/dtheta", checks.one_sample_for_all,
        "harmless", "dloss/dtheta = ...; dE/dtheta is its sum over the samples",
        "E was defined as the sum over t. The training loop adds the samples up, rightly. Two samples, u1 of lecture "
        "001's network."),
    *(holds("004", "An XOR Network", f"table, row {row} (F = 50; the zeros and ones are the limit)", checks.xor_table,
            row) for row in ("h1", "h2", "y")),
    holds("004", "loss", "its second result, yhat - y, is the derivative", checks.derivative,
          lambda y: nn.squared_error(y, 0.3), lambda y: y - 0.3),
    holds("004", "forward_prop", "four outputs for F = 5", checks.xor_outputs),
    Row("004", "backward_prop", "dldhs[l][j] = m*Wl[i,j]", partial(checks.overwritten, 0, 2, 2, 2, 1), "slip",
        "dldhs[l][j] += m*Wl[i,j]",
        "Equation (44) sums over i; as printed the last unit above overwrites the others. Here dloss/dx of a 2-2-2-1 "
        "network. The lecture's 2-2-1 network escapes: there only dldhs[0] is wrong, which nobody reads. So its "
        "printed results cannot tell whether the transcription lost a +."),
    holds("004", "backward_prop", "in a 2-2-1 network dloss/dh of layer 1 comes out right", checks.overwritten,
          1, 2, 2, 1),
    Row("004", "backward_prop", "takes zs and y, and reads hs from outside", checks.stale_global, "harmless",
        "hs is an argument", "Right as long as forward_prop ran last on the same sample, as it does in the notebook. "
        "Here dloss/dy_hat with the hs of another sample."),
    Row("004", "compute_gradients", "dbs[l] = dldhs[l+1][i]*g", checks.last_bias_for_all, "slip",
        "dbs[l][i] = dldhs[l+1][i]*g, dbs[l] having a row for each unit",
        "The last hidden unit's derivative moves both biases. Not the transcription: the nine trained numbers come "
        "out to the last digit so, and not otherwise (see the end)."),
    holds("004", "Gradient check", "difference quotients and gradients agree to 2e-9", checks.gradient_check),
    holds("004", "Gradient check", "lines 1 = 2 and 3 = 4, as x1 = x2 = 1", checks.equal_pairs),
    holds("004", "Training", "the nine trained numbers follow from the code as printed", checks.training_reproduced),
    holds("004", "Training", "the four outputs follow from the nine trained numbers", checks.trained_outputs),
]  # fmt: skip


def listed(numbers: checks.Numbers) -> str:
    return "  ".join("none" if number != number else f"{number + 0.0:.6g}" for number in numbers)


def block(row: Row) -> str:
    """An erratum in a few lines; a number that was carried over, or a claim that holds, in one or two."""
    e = row.evidence
    head = f"[{row.kind if row.proven else 'NOT PROVEN'}] {row.lecture}, {row.place}"
    if row.kind == "carried over":
        return f"{head}: printed {row.printed}, right {row.right}"
    if row.kind == "holds":
        return f"{head}: {row.printed}\n" + filled(e.by, listed(e.decisive[:5]))
    lines = {"printed": row.printed, "right": row.right, "printed gives": listed(e.printed),
             "right gives": listed(e.right), e.by: listed(e.decisive), "": row.why}  # fmt: skip
    return "\n".join([head, *(filled(name, text) for name, text in lines.items())])


def filled(name: str, text: str) -> str:
    return textwrap.fill(text, 98, initial_indent=f"  {name:15}", subsequent_indent=" " * 17, break_on_hyphens=False)


def counts(rows: Sequence[Row]) -> dict[str, Counter[str]]:
    """For each lecture, how many claims are of which kind."""
    return {lecture: Counter(row.kind for row in rows if row.lecture == lecture) for lecture in LECTURES}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.errata", description="The five lectures, checked.")
    parser.add_argument("--all", action="store_true", help="list the claims that hold, too")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    everything = parser.parse_args(argv).all

    print("What does not hold in the five lectures. Under the two claims stand the numbers that each gives at")
    print("a concrete example, and those that decide. 'none': the claim gives no number there.")
    blocks = [
        block(row) if row.kind in ("holds", "carried over") else f"\n{block(row)}\n"
        for row in ROWS
        if everything or row.kind != "holds"
    ]
    print(re.sub("\n{3,}", "\n\n", "\n" + "\n".join(blocks)))

    print("\nLecture 004's training, run again (seed 1, 200 steps): W1, b1, W2, b2 as printed, by the printed")
    print("code, and with a derivative for each bias. The lecture's two hidden biases move by the same number:\n")
    runs = {"printed": checks.TRAINED, "code as is": checks.trained(False), "mended": checks.trained(True)}
    for name, weights in runs.items():
        print(f"  {name:11}" + "".join(f"{weight:9.4f}" for weight in weights))

    print(f"\n{'lecture':9}{'checked':>9}" + "".join(f"{kind:>{len(kind) + 3}}" for kind in KINDS))
    for lecture, kinds in counts(ROWS).items():
        print(f"{lecture:9}{kinds.total():9}" + "".join(f"{kinds[kind]:{len(kind) + 3}}" for kind in KINDS))
    wrong = sum(row.kind != "holds" for row in ROWS)
    unproven = sum(not row.proven for row in ROWS)
    print(f"\n{len(ROWS)} claims checked: {len(ROWS) - wrong} hold, {wrong} do not; {unproven} rows are not proven.")


if __name__ == "__main__":
    main()
