"""The checks of `demos.errata`: each evaluates a printed claim, and the right one, at a concrete example.

What decides is, as a rule, the engine; the gradients that it gives of functions and of networks are compared with
difference quotients first (`insist`).
Networks follow lecture 003's indices, counted from 1: w[m, i, j] leads to unit i of layer m from unit j of layer m - 1,
and j = 0 is the bias, whose unit is h[m, 0] = 1 (lecture 000's convention).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from random import Random
from typing import Any, NamedTuple

import nn
from autograd import (
    OPERATIONS,
    Value,
    cos,
    exp,
    grad,
    jvp,
    log,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
    topological_order,
)
from demos import worked_example

Numbers = tuple[float, ...]
XOR = {(0.0, 0.0): 0.0, (1.0, 0.0): 1.0, (0.0, 1.0): 1.0, (1.0, 1.0): 0.0}


class Evidence(NamedTuple):
    """The printed claim in numbers, the right one, and the numbers that decide between them."""

    printed: Numbers
    right: Numbers
    decisive: Numbers
    by: str
    tolerance: float

    def agrees(self, claim: Numbers) -> bool:
        """Whether a claim gives the decisive numbers. A number that the claim does not give (nan) never agrees."""
        return len(claim) == len(self.decisive) and all(
            abs(a - b) <= self.tolerance * max(1.0, abs(b)) for a, b in zip(claim, self.decisive)
        )


def evidence(printed: Any, right: Any, decisive: Any, by: str = "engine", tolerance: float = 1e-12) -> Evidence:
    columns = [tuple(map(float, c)) if isinstance(c, Sequence) else (float(c),) for c in (printed, right, decisive)]
    return Evidence(*columns, by, tolerance)


def agree(printed: Any, decisive: Any, by: str = "engine", tolerance: float = 1e-12) -> Evidence:
    """Evidence for a claim that is right as printed."""
    return evidence(printed, printed, decisive, by, tolerance)


def insist(by_engine: Sequence[float], f: Callable[[list[float]], float], at: Sequence[float]) -> None:
    """Raise unless the engine's derivatives of f are those of central difference quotients."""
    for i, derivative in enumerate(by_engine):
        up, down = ([x + h * (i == j) for j, x in enumerate(at)] for h in (1e-5, -1e-5))
        quotient = (f(up) - f(down)) / 2e-5
        if abs(derivative - quotient) > 1e-8 * max(1.0, abs(quotient)):
            raise ArithmeticError(f"The engine gives {derivative}, the difference quotient {quotient}.")


def slopes(f: Callable[[Any], Any], at: Sequence[float]) -> list[float]:
    """The engine's gradient of a function of a list of numbers."""
    gradient = grad(f)(list(at))
    insist(gradient, f, at)
    return gradient


def slope(f: Callable[[Any], Any], at: float) -> float:
    return slopes(lambda x: f(x[0]), [at])[0]


def derivative(f: Callable[[Any], Any], formula: Callable[[float], float]) -> Evidence:
    points = (-2.0, -0.5, 0.3, 1.7)
    return agree([formula(z) for z in points], [slope(f, z) for z in points])


def slope_of_sigmoid(z: Any) -> Any:
    return sigmoid(z) * (1 - sigmoid(z))


class Network(NamedTuple):
    sizes: tuple[int, ...]
    w: Mapping[tuple[int, int, int], Any]
    z: Mapping[tuple[int, int], Any]
    h: Mapping[tuple[int, int], Any]
    target: Sequence[float]
    loss: Any

    def units(self, layer: int) -> range:
        return range(1, self.sizes[layer] + 1)

    def numbers(self, m: int, bias: bool = False) -> list[tuple[int, int]]:
        """(i, j) of the weights, or of the biases, of layer m."""
        return [(i, j) for i in self.units(m) for j in ([0] if bias else self.units(m - 1))]

    def gradient(self, m: int, bias: bool = False) -> list[float]:
        return [self.w[m, i, j].grad for i, j in self.numbers(m, bias)]


def forward(sizes: tuple[int, ...], w: Mapping[Any, Any], x: Sequence[Any], target: Any, output: Any) -> Network:
    h: dict[tuple[int, int], Any] = {(0, j): number for j, number in enumerate([1.0, *x])}
    z: dict[tuple[int, int], Any] = {}
    last = len(sizes) - 1
    for m in range(1, len(sizes)):
        h[m, 0] = 1.0
        for i in range(1, sizes[m] + 1):
            z[m, i] = sum(w[m, i, j] * h[m - 1, j] for j in range(sizes[m - 1] + 1))
            h[m, i] = (output if m == last else sigmoid)(z[m, i])
    return Network(sizes, w, z, h, target, nn.squared_error([h[last, i] for i in range(1, sizes[last] + 1)], target))


def network(*sizes: int, output: Callable[[Any], Any] = sigmoid, x: Sequence[float] | None = None) -> Network:
    """A network with seeded weights after its backward pass, its gradient compared with difference quotients."""
    generator = Random(sum(sizes))
    inputs = list(x or [generator.uniform(-1, 1) for _ in range(sizes[0])])
    target = [generator.uniform(0, 1) for _ in range(sizes[-1])]
    keys = [(m, i, j) for m in range(1, len(sizes)) for i in range(1, sizes[m] + 1) for j in range(sizes[m - 1] + 1)]
    start = [generator.uniform(-1.5, 1.5) for _ in keys] + inputs

    def run(numbers: Sequence[Any]) -> Network:
        return forward(sizes, dict(zip(keys, numbers)), numbers[len(keys) :], target, output)

    leaves = [Value(number) for number in start]
    net = run(leaves)
    net.loss.backward()
    insist([leaf.grad for leaf in leaves], lambda numbers: run(numbers).loss, start)
    return net


def linear(z: Any) -> Any:
    return 1.0 * z  # a node of its own, so that z and y have an adjoint each


# ---- lecture 000


def misplaced_maximum() -> Evidence:
    return evidence(max(0.0, 1.0), 1 - math.tanh(1.0) ** 2, slope(tanh, 1.0))


def relu_at_zero() -> Evidence:
    return evidence(1.0, 0.0, grad(relu)(0.0))


def relu_is_maximum() -> Evidence:
    points = (-2.0, -0.0, 0.0, 0.7)
    return agree([max(0.0, z) for z in points], [relu(z) for z in points])


def softplus_near_relu() -> Evidence:
    gaps = [softplus(z) - relu(z) for z in (0.0, 40.0, -40.0)]
    return agree([math.log(2), 0.0, 0.0], gaps)


def softmax_of_an_affine_layer() -> Evidence:
    x, w, b = [0.5, -1.0], {(1, 1): 0.2, (2, 1): -0.4, (1, 2): 1.1, (2, 2): 0.3}, {1: 0.1, 2: -0.2}
    z = [sum(w[j, i] * x[j - 1] for j in (1, 2)) + b[i] for i in (1, 2)]
    y = [math.exp(z_i) / sum(math.exp(z_j) for z_j in z) for z_i in z]
    return agree([*y, 1.0], [*softmax([0.1 + 0.4 + 0.1, 0.55 - 0.3 - 0.2]), math.fsum(y)])


def squared_divergence() -> Evidence:
    y, d = [0.9, -0.4, 2.0], [1.0, 0.5, 0.0]
    return agree([y_i - d_i for y_i, d_i in zip(y, d)], slopes(lambda y: nn.squared_error(y, d), y))


def gradient_in_the_weight() -> Evidence:
    x, w, t = 2.0, 1.5, 1.0
    return evidence(w * x - t, (w * x - t) * x, slope(lambda w: nn.squared_error(w * x, t), w))


def binary_cases() -> Evidence:
    y = 0.3
    return agree([-1 / y, 1 / (1 - y)], [slope(lambda y, d=d: nn.binary_cross_entropy(y, d), y) for d in (1.0, 0.0)])


def binary_target_in_between() -> Evidence:
    y, d = 0.3, 0.5
    engine = slope(lambda y: nn.binary_cross_entropy(y, d), y)
    return evidence([-1 / y, 1 / (1 - y)], -d / y + (1 - d) / (1 - y), engine)


def log_of_the_right_class() -> Evidence:
    z, c = [0.2, -1.0, 0.7], 2
    return agree(-math.log(softmax(z)[c]), nn.cross_entropy(z, c))


def multiclass_gradient() -> Evidence:
    y, d = [0.2, 0.5, 0.3], [0.0, 1.0, 0.0]
    return agree([0.0, -1 / y[1], 0.0], slopes(lambda y: -sum(d_i * log(y_i) for d_i, y_i in zip(d, y)), y))


LOGITS, CLASSES = [[0.2, -1.0, 0.7], [1.5, 0.3, -0.4]], [2, 0]  # two instances of three classes


def error_of_all_instances() -> Evidence:
    ln_y = [[math.log(y) for y in softmax(z)] for z in LOGITS]
    literal = -sum(ln_y[0][c] for c in CLASSES)  # y_k(z; w) names no instance: the first one's for both
    right = -sum(ln_y[n][c] for n, c in enumerate(CLASSES))
    return evidence(literal, right, sum(nn.cross_entropy(z, c) for z, c in zip(LOGITS, CLASSES)))


def error_by_instances() -> Evidence:
    parts = [-math.log(softmax(z)[c]) for z, c in zip(LOGITS, CLASSES)]
    return agree(sum(parts), sum(nn.cross_entropy(z, c) for z, c in zip(LOGITS, CLASSES)))


def update_loop(as_printed: bool) -> Evidence:
    rows, w, eta = [(2.0, 1.0), (-1.0, 0.5)], 1.5, 0.1
    total = sum((w * x - d) * x for x, d in rows)
    step = eta * total / len(rows)
    weight = Value(w)
    (sum(nn.squared_error(weight * x, d) for x, d in rows) / len(rows)).backward()
    nn.SGD([weight], lr=eta).step()
    return evidence(w - step * (len(rows) if as_printed else 1), w - step, weight.data)


def bias_unit(first_layer: int) -> Evidence:
    """z of the first unit of layer 1, when y_0 = 1 is set from this layer on."""
    net = network(2, 3, 2)
    inputs = sum(net.w[1, 1, j].data * net.h[0, j].data for j in (1, 2))
    bias = net.w[1, 1, 0].data
    return evidence(inputs + (bias if first_layer == 0 else 0.0), inputs + bias, net.z[1, 1].data)


def layer_below() -> Evidence:
    net = network(2, 2, 2)
    formula = [sum(net.w[2, j, i].data * net.z[2, j].grad for j in (1, 2)) for i in (1, 2)]
    return agree(formula, [net.h[1, i].grad for i in (1, 2)])


def through_the_activation(layer: int) -> Evidence:
    net = network(2, 2, 2)
    formula = [slope_of_sigmoid(net.z[layer, i].data) * net.h[layer, i].grad for i in (1, 2)]
    return agree(formula, [net.z[layer, i].grad for i in (1, 2)])


def superscript_of_z() -> Evidence:
    net = network(2, 2, 2)
    literal, right = ([net.h[0, i].data * net.z[m, j].grad for j, i in net.numbers(1)] for m in (2, 1))
    return evidence(literal, right, net.gradient(1))


def bias_weight() -> Evidence:
    net = network(2, 2, 2)
    return agree([net.z[2, j].grad for j in (1, 2)], net.gradient(2, bias=True))


def input_layer_has_no_z() -> Evidence:
    net = network(2, 3, 2)
    printed = sum(net.sizes[k] for k in (1, 0))
    right = sum(net.sizes[k] for k in (1,))
    return evidence(printed, right, sum(layer < 2 for layer, _ in net.z), "count")


def ranges_of_the_weights() -> Evidence:
    """w_ji of layer 2 by the printed ranges, i up to D_1 = 3 and j up to D_2 = 2: only w_11, w_12, w_21, w_22."""
    net = network(2, 3, 2)
    pairs = list(product(net.units(1), net.units(2)))  # (j, i): from unit j to unit i
    right = [net.h[1, j].data * net.z[2, i].grad for j, i in pairs]
    literal = [n if j <= net.sizes[2] and i <= net.sizes[1] else math.nan for (j, i), n in zip(pairs, right)]
    return evidence(literal, right, [net.w[2, i, j].grad for j, i in pairs])


def bias_is_left_out() -> Evidence:
    net = network(2, 3, 2)
    return evidence([math.nan] * 2, [1.0 * net.z[2, i].grad for i in (1, 2)], net.gradient(2, bias=True))


def softmax_output() -> Evidence:
    z, c = [0.2, -1.0, 0.7], 2
    y = softmax(z)
    literal = [(-1 / y[i] if i == c else 0.0) * slopes(lambda z, i=i: softmax(z)[i], z)[i] for i in range(3)]
    return evidence(literal, [y[i] - (i == c) for i in range(3)], slopes(lambda z: nn.cross_entropy(z, c), z))


# ---- lecture 001

SLIDE_ROWS = {row.name: row for row in worked_example.table()}


def slide_number(name: str) -> Evidence:
    row = SLIDE_ROWS[name]
    return evidence(row.slide, row.engine if row.remark else row.slide, row.engine, "engine", 0.5e-4 + 1e-12)


def slide_arithmetic() -> Evidence:
    """The numbers that follow from those which the slides print before them: all but the two slips."""
    rows = [row for row in SLIDE_ROWS.values() if row.remark != "SLIP"]
    return agree([r.slide for r in rows], [r.follows for r in rows], "slides", 0.5e-4 + 1e-12)


def slide_factors(result: str, factors: str) -> Evidence:
    n = worked_example.engine_numbers()
    return agree(math.prod(n[factor] for factor in factors.split()), n[result])


def slide_delta() -> Evidence:
    n = worked_example.engine_numbers()
    return agree([n["dL/dz1_in"] * x for x in (1.0, 0.0)], [n["dL/dW11"], n["dL/dW21"]])


def slide_loss(numbers: Sequence[Any], x: Sequence[float] = (1.0, 0.0), target: float = 1.0) -> Any:
    """The loss of lecture 001's network, its weights in the order of WEIGHTS."""
    w11, w21, w12, w22, b1, b2, u1, u2, c = numbers
    z1, z2 = sigmoid(w11 * x[0] + w21 * x[1] + b1), sigmoid(w12 * x[0] + w22 * x[1] + b2)
    return nn.squared_error(sigmoid(u1 * z1 + u2 * z2 + c), target)


def risk(numbers: Sequence[Any]) -> Any:
    return sum(slide_loss(numbers, x, target) for x, target in XOR.items()) / len(XOR)


START = list(worked_example.WEIGHTS.values())


def components_of_the_gradient() -> Evidence:
    return agree(2 * 2 + 2 + 2 + 1, len(slopes(slide_loss, START)), "count")


def forward_mode() -> Evidence:
    directions = [[float(i == j) for j in range(len(START))] for i in range(len(START))]
    return agree([jvp(slide_loss, (START,), (d,))[1] for d in directions], slopes(slide_loss, START))


def nothing_to_plug_in() -> Evidence:
    """Products from the weight upwards, for W11 (x1 = 1) and W21 (x2 = 0): how many of the first four are shared."""
    n = worked_example.engine_numbers()
    factors = [n[f] for f in ("dz1_out/dz1_in", "df_in/dz1_out", "df_out/df_in", "dL/df_out")]
    shared = sum(1.0 * math.prod(factors[:k]) == 0.0 * math.prod(factors[:k]) for k in range(4))
    return agree(0, shared, "count")


def slope_at_the_output() -> Evidence:
    n = worked_example.engine_numbers()
    return evidence(slope_of_sigmoid(n["z1_out"]), slope_of_sigmoid(n["z1_in"]), n["dz1_out/dz1_in"])


def sum_of_gradients() -> Evidence:
    first = [slopes(lambda w, x=x, t=t: slide_loss(w, x, t), START)[-1] for x, t in XOR.items()]
    return evidence(sum(first), sum(first) / 4, slopes(risk, START)[-1])


def one_step() -> Evidence:
    """1 where the loss of the example falls in the step, as printed."""
    after = slide_loss([w - 0.5 * g for w, g in zip(START, slopes(slide_loss, START))])
    return agree(0.0284 < 0.0306, after < slide_loss(START))


LONG_STEP = 50.0


def always_lower() -> Evidence:
    """The sign of the change of the risk after a step with alpha = 0.5 and with a long one."""
    gradient = slopes(risk, START)
    after = [risk([w - alpha * g for w, g in zip(START, gradient)]) for alpha in (0.5, LONG_STEP)]
    signs = [math.copysign(1, loss - risk(START)) for loss in after]
    return evidence([-1, -1], [-1, 1], signs, "engine's step")


def error_signal(index: str) -> Evidence:
    """delta of layer 1 in a 2-2-3 network, with delta_k or delta_m of layer 2 in the sum over m."""
    net = network(2, 2, 3)
    literal, right = (
        [
            sum(net.z[2, pick(k, m)].grad * net.w[2, m, k].data for m in (1, 2, 3)) * slope_of_sigmoid(net.z[1, k].data)
            for k in (1, 2)
        ]
        for pick in (lambda k, m: k, lambda k, m: m)
    )
    return evidence(literal if index == "k" else right, right, [net.z[1, k].grad for k in (1, 2)])


def weight_from_delta(bias: bool) -> Evidence:
    net = network(2, 2, 3)
    below = {0: 1.0, 1: net.h[1, 1].data, 2: net.h[1, 2].data}
    return agree([net.z[2, i].grad * below[j] for i, j in net.numbers(2, bias)], net.gradient(2, bias))


def output_delta() -> Evidence:
    net = network(2, 2, 3)
    residual = [(net.h[2, i].data - t) * slope_of_sigmoid(net.z[2, i].data) for i, t in enumerate(net.target, 1)]
    return agree(residual, [net.z[2, i].grad for i in (1, 2, 3)])


# ---- lecture 002

X, W, B, T, LAMBDA = 2.0, 0.7, -0.3, 0.2, 0.05


def univariate() -> dict[str, Value]:
    """The regularised logistic model, every node by the lecture's name, after its backward pass."""
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


def calculus_class(name: str, factor: float) -> Evidence:
    common = (sigmoid(W * X + B) - T) * slope_of_sigmoid(W * X + B)
    engine = slopes(lambda v: nn.squared_error(sigmoid(v[0] * X + v[1]), T), [W, B])
    return evidence(common * factor, common * (X if name == "w" else 1.0), engine[name == "b"])


def regularised(name: str) -> Evidence:
    n = univariate()
    z_bar = n["y"].grad * slope_of_sigmoid(n["z"].data)
    formulas = {
        "R": n["L_reg"].grad * LAMBDA, "L": n["L_reg"].grad, "y": n["L"].grad * (n["y"].data - T), "z": z_bar,
        "w": z_bar * X + n["R"].grad * W, "b": z_bar,
    }  # fmt: skip
    return agree(formulas[name], n[name].grad)


def product_for_x() -> Evidence:
    n = univariate()
    return evidence(n["z"].grad * (n["R"].grad * W), n["z"].grad * X + n["R"].grad * W, n["w"].grad)


def numerator_c() -> Evidence:
    z = [1.0, 2.0, 0.5]
    total = sum(math.exp(z_l) for z_l in z)
    return evidence([1.0 / total] * 3, [math.exp(z_k) / total for z_k in z], softmax(z))


def cross_entropy_of_softmax() -> Evidence:
    z, t = [1.0, 2.0, 0.5], [0.2, 0.5, 0.3]
    return agree(-sum(t_k * math.log(y_k) for t_k, y_k in zip(t, softmax(z))), nn.cross_entropy(z, t))


def two_paths(t: float = 0.5) -> Evidence:
    x, y = math.cos(t), t * t
    formula = y * math.exp(x * y) * -math.sin(t) + (1 + x * math.exp(x * y)) * 2 * t
    return agree(formula, slope(lambda t: t**2 + exp(cos(t) * t**2), t))


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


def parents_first() -> Evidence:
    order = topological_order(network(2, 3, 2).loss)
    place = {node: k for k, node in enumerate(order)}
    late = sum(place[parent] > place[node] for node in order for parent in node.parents)
    return agree([0, len(order) - 1], [late, place[order[-1]]], "count")


def regression_network() -> Network:
    return network(2, 3, 2, output=linear)


def mlp_backward(name: str) -> Evidence:
    """Lecture 002's multilayer perceptron with linear outputs; a bar is the adjoint of the layer above."""
    net = regression_network()
    y_bar = {k: net.h[2, k].data - t for k, t in enumerate(net.target, 1)}
    h_bar = {i: sum(net.h[2, k].grad * net.w[2, k, i].data for k in (1, 2)) for i in (1, 2, 3)}
    z_bar = {i: net.h[1, i].grad * slope_of_sigmoid(net.z[1, i].data) for i in (1, 2, 3)}
    cases: dict[str, tuple[list[float], list[float]]] = {
        "y": (list(y_bar.values()), [net.h[2, k].grad for k in (1, 2)]),
        "w2": ([net.h[2, k].grad * net.h[1, i].data for k, i in net.numbers(2)], net.gradient(2)),
        "b2": ([net.h[2, k].grad for k in (1, 2)], net.gradient(2, bias=True)),
        "h": (list(h_bar.values()), [net.h[1, i].grad for i in (1, 2, 3)]),
        "z": (list(z_bar.values()), [net.z[1, i].grad for i in (1, 2, 3)]),
        "w1": ([net.z[1, i].grad * net.h[0, j].data for i, j in net.numbers(1)], net.gradient(1)),
        "b1": ([net.z[1, i].grad for i in (1, 2, 3)], net.gradient(1, bias=True)),
    }
    return agree(*cases[name])


def sum_over_i() -> Evidence:
    """With three hidden units and two outputs: the sum over i = 1..3 of a term with k = 1 and with k = 2."""
    net = regression_network()
    squares = [(net.h[2, k].data - t) ** 2 for k, t in enumerate(net.target, 1)]
    return evidence([0.5 * 3 * square for square in squares], 0.5 * sum(squares), net.loss.data)


def bar_of_h() -> Evidence:
    net = regression_network()
    z_bar = [net.z[1, i].grad for i in (1, 2, 3)]
    right = [sum(net.w[2, k, i].data * net.h[2, k].grad for k in (1, 2)) for i in (1, 2, 3)]
    return evidence(z_bar, right, [net.h[1, i].grad for i in (1, 2, 3)])


class Counted(float):
    """A number that counts the products in which it stands on the left."""

    products = 0

    def __mul__(self, other: float) -> Counted:
        Counted.products += 1
        return Counted(float(self) * other)


def cost(claim: str) -> Evidence:
    """Products of weights in a 2-3-2 network: the slide's formulas run line by line."""
    x, h, y = ([Counted(0.5)] * n for n in (2, 3, 2))
    weights = 2 * 3 + 3 * 2
    Counted.products = 0
    if claim == "forward":
        [[w * x_j for w, x_j in zip(x, x)] for _ in h], [[w * h_i for w, h_i in zip(h, h)] for _ in y]
        return agree(weights, Counted.products, "count")
    [[y_bar * h_i for h_i in h] for y_bar in y]  # W_bar(2)
    [[w * y_bar for w, y_bar in zip(y, y)] for _ in h]  # h_bar
    [[z_bar * x_j for x_j in x] for z_bar in h]  # W_bar(1), z_bar being as long as h; no line for x_bar follows
    return evidence(2 * weights, 2 * weights - 2 * 3, Counted.products, "count")


def growth() -> Evidence:
    """Twice the layers, and twice the units of each: how many times the products in the engine's graph."""

    def products(sizes: Sequence[int]) -> int:
        h: list[Any] = [0.5] * sizes[0]
        for n in sizes[1:]:
            h = [sigmoid(sum(Value(0.1) * h_j for h_j in h)) for _ in range(n)]
        return sum(node.operation is OPERATIONS["multiply"] for node in topological_order(sum(h)))

    base = products([8] * 11)
    return agree([2, 4], [products([8] * 21) / base, products([16] * 11) / base], "count")


def average_gradient() -> Evidence:
    parts = [slopes(lambda w, x=x, t=t: slide_loss(w, x, t), START) for x, t in XOR.items()]
    return agree([sum(column) / 4 for column in zip(*parts)], slopes(risk, START))


# ---- lecture 003


def deep_network() -> Network:
    return network(2, 3, 2, 3)


def preactivation(k_is_i: bool) -> Evidence:
    """dz_1/dw_1j and, for i = 2, k = 1, dz_k/dw_ij."""
    net = network(2, 2, 2)
    a = [net.h[1, j].data for j in (1, 2)]

    def z(row: int) -> Callable[[Any], Any]:
        return lambda w: w[2 * row] * a[0] + w[2 * row + 1] * a[1] + 0.3

    gradient = slopes(z(0), [net.w[2, i, j].data for i in (1, 2) for j in (1, 2)])
    return agree(a, gradient[:2]) if k_is_i else agree([0.0, 0.0], gradient[2:])


def z_of_the_wrong_row() -> Evidence:
    """dz_i/dw_ij where i differs from k (i = 1, k = 2)."""
    a = [0.4, 0.9]
    return evidence([0.0, 0.0], a, slopes(lambda w: w[0] * a[0] + w[1] * a[1] + 0.3, [0.2, -0.5]))


def recursion(upper: int) -> Evidence:
    """dC/dz of layer 1 in a 2-2-3 network: the sum over e of layer 2, up to `upper`."""
    net = network(2, 2, 3)
    literal, right = (
        [
            sum(net.z[2, e].grad * net.w[2, e, k].data for e in range(1, last + 1)) * slope_of_sigmoid(net.z[1, k].data)
            for k in (1, 2)
        ]
        for last in (upper, 3)
    )
    return evidence(literal, right, [net.z[1, k].grad for k in (1, 2)])


def three_steps() -> Evidence:
    """All of dC/dW from dC/da^L alone, by the three steps."""
    net = deep_network()
    delta = {k: net.h[3, k].grad * slope_of_sigmoid(net.z[3, k].data) for k in net.units(3)}
    by_steps: list[float] = []
    for m in (3, 2, 1):
        by_steps += [delta[i] * net.h[m - 1, j].data for i, j in net.numbers(m)]
        if m > 1:
            above = {k: sum(net.w[m, e, k].data * delta[e] for e in net.units(m)) for k in net.units(m - 1)}
            delta = {k: above[k] * slope_of_sigmoid(net.z[m - 1, k].data) for k in above}
    return agree(by_steps, [g for m in (3, 2, 1) for g in net.gradient(m)])


def sigmoid_and_cross_entropy(variable: str) -> Evidence:
    def loss(a: Any) -> Any:
        return (y - 1) * log(1 - a) - y * log(a)

    z, y = 0.8, 0.3
    a = sigmoid(z)
    if variable == "loss":
        return agree(loss(a), nn.binary_cross_entropy(a, y))
    if variable == "a":
        return agree((a - y) / (a * (1 - a)), slope(loss, a))
    return agree(a - y, slope(lambda z: loss(sigmoid(z)), z))


def hidden_layer_under_cross_entropy() -> Evidence:
    """dL/dW^(L-1) = (W^L^T (a^L - y)) o a^(L-1) (1 - a^(L-1)) a^(L-2)^T in a 2-2-1 network."""
    below, w1, w2, y = [0.5, -1.2], [0.3, -0.8, 1.1, 0.4], [0.9, -0.6], 1.0

    def loss(w: Sequence[Any]) -> Any:
        hidden = [sigmoid(w[2 * i] * below[0] + w[2 * i + 1] * below[1]) for i in (0, 1)]
        return nn.binary_cross_entropy_with_logits(w2[0] * hidden[0] + w2[1] * hidden[1], y)

    a = [sigmoid(w1[2 * i] * below[0] + w1[2 * i + 1] * below[1]) for i in (0, 1)]
    residual = sigmoid(w2[0] * a[0] + w2[1] * a[1]) - y
    formula = [w2[i] * residual * a[i] * (1 - a[i]) * below[j] for i in (0, 1) for j in (0, 1)]
    return agree(formula, slopes(loss, w1))


def through_many_layers(weight: float) -> Evidence:
    """The adjoint after 20 sigmoid layers, each fed with z = 0, relative to the adjoint above them."""
    z = start = Value(0.0)
    for _ in range(20):
        z = weight * sigmoid(z) - weight / 2
    z.backward()
    return agree(math.log((weight * 0.25) ** 20), math.log(start.grad))


N_IN, N_OUT, SIGMA = 8, 3, 0.5


def simulated(units: int, moment: int) -> float:
    """The mean of o^moment over 20,000 draws of o = sum_i w_i x_i."""
    generator, draws = Random(0), 20_000
    sums = (sum(generator.gauss(0, SIGMA) * generator.gauss(0, 1) for _ in range(units)) for _ in range(draws))
    return math.fsum(o**moment for o in sums) / draws


def variance(units: int) -> Evidence:
    return agree(units * SIGMA**2, simulated(units, 2), "20,000 draws", 0.05)


def zero_for_o() -> Evidence:
    return evidence(0.0, N_IN * SIGMA**2, simulated(N_IN, 2), "20,000 draws", 0.05)


def xavier() -> Evidence:
    sigma = math.sqrt(2 / (N_IN + N_OUT))
    generator = Random(0)
    draws = [nn.xavier_normal(N_IN, N_OUT, generator) for _ in range(20_000)]
    measured = math.fsum(w * w for w in draws) / len(draws)
    return agree([1.0, sigma**2], [(N_IN * sigma**2 + N_OUT * sigma**2) / 2, measured], "20,000 draws", 0.03)


CHAIN = [0.8, 0.3, -1.3, 0.6]  # w_h, b_h, w_o, b_o
CHAIN_X, CHAIN_Y = 1.5, 2.0


def chain_of_operations(name: str) -> Evidence:
    w_h, b_h, w_o, b_o = CHAIN
    h = max(0.0, w_h * CHAIN_X + b_h)
    above = 2 * (CHAIN_Y - (w_o * h + b_o)) * -1
    formula = {"w_h": above * w_o * 1.0 * CHAIN_X, "b_h": above * w_o * 1.0, "w_o": above * h, "b_o": above}[name]
    engine = slopes(lambda v: (CHAIN_Y - (v[2] * relu(v[0] * CHAIN_X + v[1]) + v[3])) ** 2, CHAIN)
    return agree(formula, engine[["w_h", "b_h", "w_o", "b_o"].index(name)])


def d_lost_below() -> Evidence:
    """do/m_o read as printed: a small change of o over m_o itself."""
    w_h, b_h, w_o, b_o = CHAIN
    m_o, step = w_o * max(0.0, w_h * CHAIN_X + b_h), 1e-6
    return evidence(step / m_o, 1.0, slope(lambda m: m + b_o, m_o))


# ---- lecture 004


def loss_is_larger_when_wrong() -> Evidence:
    losses = [nn.squared_error(0, 0), nn.squared_error(1, 0), nn.binary_cross_entropy(1.0, 1.0)]
    larger = nn.binary_cross_entropy(0.9, 0.0) > nn.binary_cross_entropy(0.0, 0.0)
    return agree([0.0, 0.5, 0.0, True], [*losses, larger])


def objective_without_t() -> Evidence:
    literal = sum(slide_loss(START, (1.0, 0.0), t) for t in XOR.values())
    right = sum(slide_loss(START, x, t) for x, t in XOR.items())
    return evidence(literal, right, 4 * risk([Value(w) for w in START]).data)


def evaluate_at() -> Evidence:
    return agree(2.0, slopes(lambda z: z[0] ** 2 + z[1], [1.0, -1.0])[0])


def partial_lost_above() -> Evidence:
    """y_hat / dh read as printed: y_hat itself over a small change of h."""
    h, step = 0.7, 1e-6
    return evidence(h / step, ((h + step) - h) / step, slope(linear, h), tolerance=1e-9)


def theta_in_the_last_layer() -> Evidence:
    """d loss / dw of the last layer: equation 18 goes through h^(L-1), which does not depend on it."""
    net = network(2, 2, 2)
    right = [net.h[2, i].grad * slope_of_sigmoid(net.z[2, i].data) * net.h[1, j].data for i, j in net.numbers(2)]
    return evidence([0.0] * 4, right, net.gradient(2))


def theta_in_a_lower_layer() -> Evidence:
    net = network(2, 2, 2)
    paths = {
        j: sum(net.h[2, i].grad * slope_of_sigmoid(net.z[2, i].data) * net.w[2, i, j].data for i in (1, 2))
        for j in (1, 2)
    }
    formula = [paths[i] * slope_of_sigmoid(net.z[1, i].data) * net.h[0, j].data for i, j in net.numbers(1)]
    return agree(formula, net.gradient(1))


def brace_of_equation_19() -> Evidence:
    """What stands over the brace, for the two i of the sum, and what it is said to be."""
    net = network(2, 2, 2)
    over = {i: net.h[2, i].grad * slope_of_sigmoid(net.z[2, i].data) for i in (1, 2)}
    right = [sum(over[i] * net.w[2, i, j].data for i in (1, 2)) for j in (1, 2)]
    return evidence(list(over.values()), right, [net.h[1, j].grad for j in (1, 2)])


def within_a_layer(last_layer: bool, bias: bool) -> Evidence:
    """d h_1^l / d theta and d h_1^L / d theta for theta in layer l = 1 of a 2-2-2 network (L = 2)."""
    net = network(2, 2, 2)
    keys = [(1, 0)] if bias else [(1, 1), (1, 2)]
    formula = [slope_of_sigmoid(net.z[1, 1].data) * (net.h[0, j].data if j else 1.0) for _, j in keys]
    layer = 2 if last_layer else 1
    x = [net.h[0, j].data for j in (1, 2)]

    def output(theta: Sequence[Any]) -> Any:
        numbers = {key: leaf.data for key, leaf in net.w.items()} | {(1, i, j): t for (i, j), t in zip(keys, theta)}
        return forward(net.sizes, numbers, x, net.target, sigmoid).h[layer, 1]

    engine = slopes(output, [net.w[1, i, j].data for i, j in keys])
    through = slope_of_sigmoid(net.z[2, 1].data) * net.w[2, 1, 1].data if last_layer else 1.0
    return evidence(formula, [through * f for f in formula], engine)


def one_sample_for_all() -> Evidence:
    """dE/dw for two samples, by the formula for one."""
    rows = [(1.0, 0.0), (0.0, 1.0)]
    each = [slopes(lambda w, x=x: slide_loss(w, x, XOR[x]), START)[6] for x in rows]
    whole = slopes(lambda w: sum(slide_loss(w, x, XOR[x]) for x in rows), START)[6]
    return evidence(each[0], sum(each), whole)


def weights_from_h(bias: bool) -> Evidence:
    net = deep_network()
    formula = [
        net.h[m, i].grad * slope_of_sigmoid(net.z[m, i].data) * (net.h[m - 1, j].data if j else 1.0)
        for m in (1, 2, 3)
        for i, j in net.numbers(m, bias)
    ]
    return agree(formula, [g for m in (1, 2, 3) for g in net.gradient(m, bias)])


def xor_network(factor: float, x: Sequence[float]) -> Network:
    w = {(1, 1): (-0.5, 1, -1), (1, 2): (-0.5, -1, 1), (2, 1): (-0.5, 1, 1)}
    scaled = {(m, i, j): factor * number for (m, i), row in w.items() for j, number in enumerate(row)}
    return forward((2, 2, 1), scaled, x, [0.0], sigmoid)


def xor_table(row: str) -> Evidence:
    unit = {"h1": (1, 1), "h2": (1, 2), "y": (2, 1)}[row]
    printed = {"h1": (0, 1, 0, 0), "h2": (0, 0, 1, 0), "y": (0, 1, 1, 0)}[row]
    return agree(printed, [xor_network(50.0, x).h[unit] for x in XOR], tolerance=1e-6)


def xor_outputs() -> Evidence:
    printed = [0.149132886381, 0.893163783089, 0.893163783089, 0.149132886381]
    return agree(printed, [xor_network(5.0, x).h[2, 1] for x in XOR], tolerance=1e-12)


def correct_sum() -> Evidence:
    net = deep_network()
    formula = [
        sum(net.h[m, i].grad * slope_of_sigmoid(net.z[m, i].data) * net.w[m, i, j].data for i in net.units(m))
        for m in (1, 2, 3)
        for j in net.units(m - 1)
    ]
    return agree(formula, [net.h[m, j].grad for m in (0, 1, 2) for j in net.units(m)])


def overwritten(below: int, *sizes: int) -> Evidence:
    """d loss / dh of layer `below` by the printed assignment, where the last unit of the layer above has the word."""
    net = network(*sizes)
    above = {i: net.h[below + 1, i].grad * slope_of_sigmoid(net.z[below + 1, i].data) for i in net.units(below + 1)}
    terms = {j: [above[i] * net.w[below + 1, i, j].data for i in above] for j in net.units(below)}
    engine = [net.h[below, j].grad for j in net.units(below)]
    return evidence([t[-1] for t in terms.values()], [sum(t) for t in terms.values()], engine)


def stale_global() -> Evidence:
    """d loss / d y_hat for a second sample, hs being left over from the first."""
    first, second = (network(2, 2, 1, x=x) for x in ((1.0, 0.0), (0.0, 1.0)))
    target = second.target[0]
    return evidence(first.h[2, 1].data - target, second.h[2, 1].data - target, second.h[2, 1].grad)


def last_bias_for_all() -> Evidence:
    """dL/db of the two hidden units: `dbs[m] =` keeps the last one's and numpy gives it to both."""
    net = network(2, 2, 1)
    right = [net.h[1, i].grad * slope_of_sigmoid(net.z[1, i].data) for i in (1, 2)]
    return evidence([right[-1]] * 2, right, net.gradient(1, bias=True))


TRAINED = (
    -3.2933533, -3.3736506, -6.57363912, -6.7182171, 4.72145779, 3.46844846, 9.89952122, -9.51866265, -4.20933528,
)  # fmt: skip


def trained(each_bias_its_own: bool) -> Numbers:
    """Lecture 004's 200 steps on 1000 noisy rows, seed 1: W1, b1, W2, b2 in the order of TRAINED."""
    import numpy as np

    stream = np.random.RandomState(1)  # numpy's old generator, which np.random.seed(1) of the notebook means
    w1, w2 = 0.5 * stream.randn(2, 2), 0.5 * stream.randn(1, 2)
    b1, b2 = 0.5 * stream.randn(2, 1), 0.5 * stream.randn(1, 1)
    x = (stream.rand(2, 1000) > 0.5).astype(float)
    x = x + 0.1 * stream.randn(2, 1000)
    y = np.logical_xor(x[0] > 0.5, x[1] > 0.5).astype(float)
    for _ in range(200):
        h = 1 / (1 + np.exp(-(w1 @ x + b1)))
        out = 1 / (1 + np.exp(-(w2 @ h + b2)))
        delta_2 = (out - y) * out * (1 - out)
        delta_1 = (w2.T @ delta_2) * h * (1 - h)
        b1_bar = delta_1.sum(axis=1, keepdims=True)
        w1, w2 = w1 - 0.03 * delta_1 @ x.T, w2 - 0.03 * delta_2 @ h.T
        b1 = b1 - 0.03 * (b1_bar if each_bias_its_own else b1_bar[-1])
        b2 = b2 - 0.03 * delta_2.sum(axis=1, keepdims=True)
    return tuple(float(number) for block in (w1, b1, w2, b2) for number in block.ravel())


def training_reproduced() -> Evidence:
    return agree(TRAINED, trained(each_bias_its_own=False), "numpy, seed 1", 1e-8)


def trained_outputs() -> Evidence:
    w11, w12, w21, w22, b1, b2, u1, u2, c = TRAINED
    w = {(1, 1): (b1, w11, w12), (1, 2): (b2, w21, w22), (2, 1): (c, u1, u2)}
    flat = {(m, i, j): number for (m, i), row in w.items() for j, number in enumerate(row)}
    outputs = [forward((2, 2, 1), flat, x, [0.0], sigmoid).h[2, 1] for x in sorted(XOR)]
    return agree([0.0258780857113, 0.96419601442, 0.966669564212, 0.0487062060114], outputs, tolerance=1e-8)


def gradient_check() -> Evidence:
    quotients = (0.0031136092315531272, -0.0047451058360348242, 0.05932591112811636, 0.053831228363776518)
    backpropagated = (0.0031136087408337918, -0.0047451063432885328, 0.059325910360931711, 0.053831228615190692)
    return agree(quotients, backpropagated, "notebook", 2e-9)


def equal_pairs() -> Evidence:
    """x1 = x2 = 1, so the two weights into a hidden unit have one gradient: the printed lines 1, 2 and 3, 4."""
    gradient = network(2, 2, 1, x=(1.0, 1.0)).gradient(1)
    return agree([0.0, 0.0], [gradient[0] - gradient[1], gradient[2] - gradient[3]])
