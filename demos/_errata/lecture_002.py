"""Lecture 002, as `demos.errata` checks it: chain rule, the full algorithm, regularisation, perceptron, cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import nn
from autograd import Value, identity, sigmoid, softmax, topological_order
from demos import cost
from demos._errata.shared import (
    START,
    Evidence,
    Network,
    Row,
    agree,
    evidence,
    gradients_by_example,
    insist,
    network,
    risk,
    slope_of_sigmoid,
    slopes,
    two_paths,
)

# ---- Recap, Calculus class and Multiclass

X, W, B, T, LAMBDA = 2.0, 0.7, -0.3, 0.2, 0.05


def average_gradient() -> Evidence:
    return agree([sum(column) / 4 for column in zip(*gradients_by_example())], slopes(risk, START))


def calculus_class(name: str, factor: float) -> Evidence:
    """dL/dw or dL/db, whose last factor is printed as `factor`."""
    common = (sigmoid(W * X + B) - T) * slope_of_sigmoid(W * X + B)
    engine = slopes(lambda v: nn.squared_error(sigmoid(v[0] * X + v[1]), T), [W, B])
    return evidence(common * factor, common * (X if name == "w" else 1.0), engine[name == "b"])


def numerator_c() -> Evidence:
    z = [1.0, 2.0, 0.5]
    total = sum(math.exp(z_l) for z_l in z)
    return evidence([1.0 / total] * 3, [math.exp(z_k) / total for z_k in z], softmax(z))


def cross_entropy_of_softmax() -> Evidence:
    z, t = [1.0, 2.0, 0.5], [0.2, 0.5, 0.3]
    return agree(-sum(t_k * math.log(y_k) for t_k, y_k in zip(t, softmax(z))), nn.cross_entropy(z, t))


ROWS = [
    Row("002", "Recap", "dE/dw is the average of dL/dw over the examples", average_gradient),
    Row("002", "Calculus class", "dL/dw = (sigmoid(wx + b) - t) sigmoid'(wx + b) x", lambda: calculus_class("w", X)),
    Row("002", "Calculus class", "dL/db = (sigmoid(wx + b) - t) sigmoid'(wx + b) x", lambda: calculus_class("b", X),
        "transcription?", "dL/db = (sigmoid(wx + b) - t) sigmoid'(wx + b)",
        "d(wx + b)/db = 1. The last line of dL/dw stands doubled under dL/db, and the structured version is right. "
        "x = 2."),
    Row("002", "Structured version", "dL/db = dL/dz", lambda: calculus_class("b", 1.0)),
    Row("002", "Multiclass", "y_k = c / sum_l e^z_l", numerator_c, "transcription?", "y_k = e^z_k / sum_l e^z_l",
        "e^z_k stands alone on the line above: the numerator was torn off. z = 1, 2, 0.5, with c = 1; any c makes "
        "all y_k equal."),
    Row("002", "Multiclass", "L = -sum_k t_k log y_k", cross_entropy_of_softmax),
]  # fmt: skip

# ---- Multivariate Chain Rule and Full algorithm


def parents_first() -> Evidence:
    order = topological_order(network(2, 3, 2).loss)
    place = {node: k for k, node in enumerate(order)}
    late = sum(place[parent] > place[node] for node in order for parent in node.parents)
    return agree([0, len(order) - 1], [late, place[order[-1]]], "count")


def whole_algorithm() -> Evidence:
    """p = a b, q = p a, f = q + p: the printed sum over the children of each node, with fan-out in a and in p."""
    a, b = Value(1.5), Value(-0.7)
    p = a * b
    q = p * a
    f = q + p
    f.backward()
    insist([a.grad, b.grad], lambda v: v[0] * v[1] * v[0] + v[0] * v[1], [a.data, b.data])
    f_bar = 1.0
    q_bar = f_bar
    p_bar = q_bar * a.data + f_bar
    b_bar = p_bar * a.data
    a_bar = p_bar * b.data + q_bar * p.data
    return agree([a_bar, b_bar, p_bar, q_bar, f_bar], [node.grad for node in (a, b, p, q, f)])


ROWS += [
    Row("002", "Multivariate Chain Rule", "df/dt of y + e^(xy), x = cos t, y = t^2", lambda: two_paths(0.5)),
    Row("002", "Multivariate Chain Rule", "t_bar = x_bar dx/dt + y_bar dy/dt", lambda: two_paths(2.0)),
    Row("002", "Full algorithm", "topological order: parents before children, v_N last", parents_first),
    Row("002", "Full algorithm", "v_bar_i = sum over children of v_bar_j dv_j/dv_i", whole_algorithm),
]  # fmt: skip

# ---- Regularised regression: the logistic model of one weight


def regularised_model() -> dict[str, Value]:
    """Every node by the lecture's name, after its backward pass."""
    w, b = Value(W), Value(B)
    z = w * X + b
    y = sigmoid(z)
    loss, penalty = nn.squared_error(y, T), nn.l2_penalty([w])
    total = loss + LAMBDA * penalty
    total.backward()
    insist(
        [w.grad, b.grad],
        lambda v: nn.squared_error(sigmoid(v[0] * X + v[1]), T) + LAMBDA * nn.l2_penalty([v[0]]),
        [W, B],
    )
    return {"w": w, "b": b, "z": z, "y": y, "L": loss, "R": penalty, "L_reg": total}


def regularised(name: str, formula: Callable[[dict[str, Value]], float]) -> Evidence:
    n = regularised_model()
    return agree(formula(n), n[name].grad)


def product_for_x() -> Evidence:
    n = regularised_model()
    return evidence(n["z"].grad * (n["R"].grad * W), n["z"].grad * X + n["R"].grad * W, n["w"].grad)


ROWS += [
    *(Row("002", "Regularised regression", claim, partial(regularised, name, formula)) for claim, name, formula in [
        ("R_bar = L_reg_bar lambda", "R", lambda n: n["L_reg"].grad * LAMBDA),
        ("L_bar = L_reg_bar", "L", lambda n: n["L_reg"].grad),
        ("y_bar = L_bar (y - t)", "y", lambda n: n["L"].grad * (n["y"].data - T)),
        ("z_bar = y_bar sigmoid'(z)", "z", lambda n: n["y"].grad * slope_of_sigmoid(n["z"].data)),
        ("w_bar = z_bar dz/dw + R_bar dR/dw", "w", lambda n: n["z"].grad * X + n["R"].grad * W),
        ("b_bar = z_bar", "b", lambda n: n["z"].grad),
    ]),
    Row("002", "Regularised regression", "w_bar = z_bar × + R_bar w", product_for_x, "transcription?",
        "w_bar = z_bar x + R_bar w", "The letter x was read as a multiplication sign."),
]  # fmt: skip

# ---- Multilayer Perceptron and Vectorized form: a 2-3-2 network with linear outputs y, hidden units h and inputs x


def perceptron() -> Network:
    return network(2, 3, 2, output=identity)


def h_bar(net: Network) -> list[float]:
    return [sum(net.h[2, k].grad * net.w[2, k, i].data for k in net.units(2)) for i in net.units(1)]


def backward_pass(formula: Callable[[Network], Any], engine: Callable[[Network], Any]) -> Evidence:
    net = perceptron()
    return agree(formula(net), engine(net))


def sum_over_i() -> Evidence:
    """With three hidden units and two outputs: the sum over i = 1..3 of a term with k = 1 and with k = 2."""
    net = perceptron()
    squares = [(net.output(2, k) - t) ** 2 for k, t in enumerate(net.target, 1)]
    return evidence([0.5 * 3 * square for square in squares], 0.5 * sum(squares), net.loss.data)


def bar_of_h() -> Evidence:
    net = perceptron()
    return evidence(net.adjoints(net.z, 1), h_bar(net), net.adjoints(net.h, 1))


# The printed line, the same in vectors, its right-hand side, and the engine's number for its left-hand side.
BACKWARD_PASS = [
    ("y_bar_k = L_bar (y_k - t_k)", "y_bar = L_bar (y - t)",
     lambda n: [n.output(2, k) - t for k, t in enumerate(n.target, 1)], lambda n: n.adjoints(n.h, 2)),
    ("w_bar_ki(2) = y_bar_k h_i", "W_bar(2) = y_bar h^T",
     lambda n: [n.h[2, k].grad * n.output(1, i) for k, i in n.indices(2)], lambda n: n.gradient(2)),
    ("b_bar_k(2) = y_bar_k", "b_bar(2) = y_bar", lambda n: n.adjoints(n.h, 2), lambda n: n.gradient(2, bias=True)),
    ("h_bar_i = sum_k y_bar_k w_ki(2)", "h_bar = W(2)^T y_bar", h_bar, lambda n: n.adjoints(n.h, 1)),
    ("z_bar_i = h_bar_i sigmoid'(z_i)", "z_bar = h_bar o sigmoid'(z)",
     lambda n: [n.h[1, i].grad * n.slope(1, i) for i in n.units(1)], lambda n: n.adjoints(n.z, 1)),
    ("w_bar_ij(1) = z_bar_i x_j", "W_bar(1) = z_bar x^T",
     lambda n: [n.z[1, i].grad * n.output(0, j) for i, j in n.indices(1)], lambda n: n.gradient(1)),
    ("b_bar_i(1) = z_bar_i", None, lambda n: n.adjoints(n.z, 1), lambda n: n.gradient(1, bias=True)),
]  # fmt: skip

ROWS += [
    Row("002", "Multilayer Perceptron", "L = 1/2 sum_i (y_k - t_k)^2", sum_over_i, "transcription?",
        "L = 1/2 sum_k (y_k - t_k)^2",
        "i counts the hidden units; the printed y_bar_k = y_k - t_k fits the sum over k only. 2-3-2 network, the "
        "printed sum for k = 1 and k = 2."),
    *(Row("002", "Multilayer Perceptron", claim, partial(backward_pass, formula, engine))
      for claim, _, formula, engine in BACKWARD_PASS),
    *(Row("002", "Vectorized form", claim, partial(backward_pass, formula, engine))
      for _, claim, formula, engine in BACKWARD_PASS if claim),
    Row("002", "Vectorized form", "h_bar(1) = z_bar (last line)", bar_of_h, "transcription?",
        "b_bar(1) = z_bar", "h_bar is W(2)^T y_bar, three lines above. b and h differ by one stroke. 2-3-2 network, "
        "numbers of h_bar."),
]  # fmt: skip

# ---- Computational Cost


class Counted(float):
    """A number that counts the products in which it stands on the left."""

    products = 0

    def __mul__(self, other: float) -> Counted:
        Counted.products += 1
        return Counted(float(self) * other)


def outer(a: list[Counted], b: list[Counted]) -> list[list[Counted]]:
    return [[a_i * b_j for b_j in b] for a_i in a]


def matrix_times(rows: int, vector: list[Counted]) -> list[Counted]:
    return [Counted(sum(Counted(0.5) * v for v in vector)) for _ in range(rows)]


def forward_cost() -> Evidence:
    """Products in a 2-3-2 network: the slide's formulas run line by line."""
    Counted.products = 0
    h = matrix_times(3, [Counted(0.5)] * 2)
    matrix_times(2, h)
    return agree(2 * 3 + 3 * 2, Counted.products, "count")


def backward_cost() -> Evidence:
    x, h, y_bar = ([Counted(0.5)] * n for n in (2, 3, 2))
    weights = 2 * 3 + 3 * 2
    Counted.products = 0
    outer(y_bar, h)  # W_bar(2)
    z_bar = matrix_times(3, y_bar)  # h_bar; the product with sigmoid' is none with a weight
    outer(z_bar, x)  # W_bar(1), and no line for x_bar follows
    return evidence(2 * weights, 2 * weights - 2 * 3, Counted.products, "count")


def growth() -> Evidence:
    """Twice the layers, and twice the units of each: how many times the products with weights in the engine's graph."""
    base, longer, wider = (cost.count(*size).forward for size in ((10, 8), (20, 8), (10, 16)))
    return agree([2, 4], [longer / base, wider / base], "count")


ROWS += [
    Row("002", "Computational Cost", "forward: one add-multiply per weight", forward_cost),
    Row("002", "Computational Cost", "backward: two add-multiplies per weight", backward_cost, "harmless",
        "two per weight, one in the first layer",
        "Nothing asks for x_bar, and the printed backward pass does not compute it: 2-3-2 network, 12 weights. A rule "
        "of thumb that is right for many layers."),
    Row("002", "Computational Cost", "linear in the layers, quadratic in the units", growth),
]  # fmt: skip
