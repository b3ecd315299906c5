"""Which layers are found in scalar code, however it is written; what is none stays as it is.

A layer is told as its activation and, for each output, its sum of products: "tanh: p0 x0 + p1 x1 + p2 | p3 x0 ...",
without the bias -0, which adds nothing; the built-in sum starts from 0, which makes 0 of -0 and so stays in the bias.
The results of the first layer are a0, a1, ..., those of the second b0, b1, ...
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import pytest

import autograd
import nn
from autograd import Value, exp, relu, sigmoid, sin, softplus, stop_gradient, tanh, where
from autograd.compiler.branches import CHOICES, SELECTIONS, conditional_steps
from autograd.compiler.layers import AFTER_ROWS, Affine, Element, Outer, find_layers, rates
from autograd.tracing import Tape
from tests.autograd.compiler.test_adjoint import agree, computed
from tests.autograd.test_tracing import traced

ROWS = [[0.3, -1.2, 0.7], [-0.4, 0.5, 1.5], [2.0, -0.1, -0.6], [0.0, 1.0, 0.9]]


class Told:
    """A tape in words: its layers, and what its results are made of."""

    def __init__(self, tape: Tape, results: Sequence[int]) -> None:
        self.tape = tape
        layers = [number for number, step in enumerate(tape.steps) if type(step[0]) is Affine]
        self.letters = dict(zip(layers, "abcdefgh"))
        self.layers = list(map(self.layer, layers))
        self.results = list(map(self.step, results))

    def step(self, number: int) -> str:
        kind, *operands = self.tape.steps[number]
        if kind == "input":
            return f"x{operands[0]}"
        if kind == "parameter":
            return self.tape.parameters[operands[0]].label or f"p{operands[0]}"
        if kind == "constant":
            return f"{operands[0]:g}"
        if type(kind) is Element:
            return f"{self.letters[operands[0]]}{kind.place}"
        told = list(map(self.step, operands))
        if kind == "negative":
            return f"-{told[0]}"
        signs = {"add": " + ", "subtract": " - ", "multiply": " "}
        return f"({signs[kind].join(told)})" if kind in signs else f"{kind}({', '.join(told)})"

    def layer(self, number: int) -> str:
        kind, *operands = self.tape.steps[number]
        n, m = kind.inputs, kind.outputs
        told = list(map(self.step, operands))
        x, weights, biases = told[:n], told[n : n + n * m], told[n + n * m :]
        assert len(biases) == m
        outputs = []
        for j, bias in enumerate(biases):
            terms = [f"{w} {of}" for w, of in zip(weights[j * n : (j + 1) * n], x)]
            outputs.append(" + ".join(terms if bias == "-0" else [*terms, bias]))
        return f"{kind.activation or 'linear'}: {' | '.join(outputs)}"


def told(function: Callable[[Any], Any], n_inputs: int = 3) -> Told:
    """What is found in a function of a row; its results are what they were before."""
    tape, outputs = traced(function, n_inputs)
    new, results = find_layers(tape, outputs, conditional_steps(tape, outputs, CHOICES))
    given = [leaf.data for leaf in tape.parameters]
    expected, found = (computed(either, ROWS, given) for either in (tape, new))
    for output, result in zip(outputs, results, strict=True):
        agree(found[result], expected[output])
    return Told(new, results)


def sizes(function: Callable[[Any], Any], n_inputs: int = 3) -> str:
    """The layers without their numbers: "3-5 tanh, 5-1"."""
    kinds = [step[0] for step in told(function, n_inputs).tape.steps]
    return ", ".join(f"{k.inputs}-{k.outputs} {k.activation}".rstrip() for k in kinds if type(k) is Affine)


# ------------------------------------------------------------------------------------------------------------ networks

NETWORKS = {
    "3-4 tanh, 4-1": nn.MLP(3, [4, 1]),
    "3-4 relu, 4-5 relu, 5-2": nn.MLP(3, [4, 5, 2], "relu"),
    "3-2 sigmoid, 2-2 sigmoid, 2-1 sigmoid": nn.MLP(3, [2, 2, 1], "sigmoid", "sigmoid"),
    "3-4, 4-2": nn.MLP(3, [4, 2], "softplus"),  # the function stays a step for each output
    "3-4, 4-1 tanh": nn.MLP(3, [4, 1], "leaky_relu", "tanh"),
    "3-6, 6-1": nn.MLP(3, [6, 1], None),
    "3-1": nn.Neuron(3, None),
    "3-1 sigmoid": nn.Neuron(3, "sigmoid"),
    "3-2 tanh, 2-9 tanh, 9-1 tanh, 1-3 tanh, 3-2": nn.MLP(3, [2, 9, 1, 3, 2]),
    "3-3, 3-3 relu": nn.MLP(3, [3, 3], lambda z: z.sin(), "relu"),
}


@pytest.mark.parametrize("expected", NETWORKS)
def test_a_network_is_one_step_for_each_of_its_layers(expected):
    model = NETWORKS[expected]
    assert sizes(model) == expected
    rest = {step[0] for step in told(model).tape.steps if type(step[0]) is str}
    assert not rest & {"add", "subtract", "tanh", "relu", "sigmoid"}, "nothing is left of what the layers are made of"


@pytest.mark.parametrize("width", [1, 2, 17, 40])
def test_layers_of_any_width(width):
    model = nn.MLP(2, [width, width, 1], "relu", seed=1)
    last = f", {width}-{width} relu, {width}-1" if width > 1 else ""  # a single product is no layer
    assert sizes(model, 2) == f"2-{width} relu" + last


# ----------------------------------------------------------------------------------------------------- one, many styles


def by_loop(w: Sequence[Any], x: Sequence[Any], b: Any) -> Any:
    total = 0.0
    for k in range(len(w)):
        total += w[k] * x[k]
    return total + b


def in_pairs(w: Sequence[Any], x: Sequence[Any], b: Any) -> Any:
    terms = [wk * xk for wk, xk in zip(w, x)]
    return (terms[0] + b) + reduce(operator.add, terms[1:])


STYLES = {
    "the built-in sum": lambda w, x, b: sum(wk * xk for wk, xk in zip(w, x)) + b,
    "with a start": lambda w, x, b: sum((wk * xk for wk, xk in zip(w, x)), b),
    "autograd.sum": lambda w, x, b: autograd.sum(wk * xk for wk, xk in zip(w, x)) + b,
    "dot": lambda w, x, b: autograd.dot(w, x) + b,
    "dot, the other way": lambda w, x, b: autograd.dot(x, w) + b,
    "a loop": by_loop,
    "in pairs": in_pairs,
    "the bias first": lambda w, x, b: b + autograd.dot(w, x),
    "the bias among the products": lambda w, x, b: w[0] * x[0] + b + autograd.dot(w[1:], x[1:]),
    "x w": lambda w, x, b: sum(xk * wk for wk, xk in zip(w, x)) + b,
    "by turns": lambda w, x, b: w[0] * x[0] + x[1] * w[1] + w[2] * x[2] + b,
    "from behind": lambda w, x, b: sum(wk * xk for wk, xk in zip(w[::-1], x[::-1])) + b,
    "from the right": lambda w, x, b: w[0] * x[0] + (w[1] * x[1] + (w[2] * x[2] + b)),
    "times one, plus zero": lambda w, x, b: (0.0 + 1.0 * autograd.dot(w, x) * 1.0 + b) / 1 - 0.0,
    "times one, plus minus zero": lambda w, x, b: (-0.0 + 1.0 * autograd.dot(w, x) * 1.0 + b) / 1 - 0.0,
}
FROM_ZERO = ("the built-in sum", "a loop", "x w", "from behind", "times one, plus zero")  # which is a term of the bias
NEGATED = {  # all weights and the bias with a minus
    "minus each": lambda w, x, b: (-w[0]) * x[0] - x[1] * w[1] - w[2] * x[2] - b,
    "minus a loop": lambda w, x, b: -b - by_loop(w[:1], x[:1], w[1] * x[1]) - w[2] * x[2],
    "minus the sum, from minus the bias": lambda w, x, b: -b - (w[0] * x[0] + (w[1] * x[1] + w[2] * x[2])),
    "minus a difference": lambda w, x, b: (-w[0]) * x[0] - (w[1] * x[1] - (-w[2]) * x[2]) - b,
    "times minus one": lambda w, x, b: (w[0] * -1) * x[0] + x[1] * (-1.0 * w[1]) - w[2] * x[2] + -1 * b,
}


def labelled(names: str) -> list[Value]:
    return [Value(0.15 * ((7 * k) % 11) - 0.8, name) for k, name in enumerate(names.split())]


@pytest.mark.parametrize("style", [*STYLES, *NEGATED])
def test_a_layer_is_found_in_whatever_style_it_is_written(style):
    write = {**STYLES, **NEGATED}[style]
    u, v, w = labelled("u0 u1 u2 c"), labelled("v0 v1 v2 d"), labelled("w0 w1 b")
    found = told(lambda x: autograd.dot(w[:2], [relu(write(p[:3], x, p[3])) for p in (u, v)]) + w[2])
    expected = "relu: u0 x0 + u1 x1 + u2 x2 + c | v0 x0 + v1 x1 + v2 x2 + d"
    if style in FROM_ZERO:
        expected = "relu: u0 x0 + u1 x1 + u2 x2 + (0 + c) | v0 x0 + v1 x1 + v2 x2 + (0 + d)"
    elif style in NEGATED:
        expected = "relu: -u0 x0 + -u1 x1 + -u2 x2 + -c | -v0 x0 + -v1 x1 + -v2 x2 + -d"
    assert found.layers == [expected, "linear: w0 a0 + w1 a1 + b"]
    assert found.results == ["b0"]


# ------------------------------------------------------------------------------------------------ functions and layers


class Case(NamedTuple):
    name: str
    function: Callable[[Any, Any], Any]  # of the row x and of parameters p0, p1, ...
    layers: Sequence[str]
    results: Sequence[str]


def dots(p: Sequence[Any], x: Sequence[Any], f: Callable[[Any], Any] = lambda z: z, count: int = 2) -> list[Any]:
    """f(W x), the rows of W from p one after the other."""
    return [f(autograd.dot(p[j * len(x) : (j + 1) * len(x)], x)) for j in range(count)]


def skip(x: Any, p: Any) -> list[Any]:
    h = dots(p, x[:2], tanh)
    return [h[0] + h[1], autograd.dot(p[4:6], h)]


FIRST = "p0 x0 + p1 x1 | p2 x0 + p3 x1"
CASES = [
    Case("scaled weights", lambda x, p: 3 * p[0] * x[0] + p[1] / 2 * x[1],
         ["linear: (3 p0) x0 + divide(p1, 2) x1"], ["a0"]),
    Case("weights that are functions", lambda x, p: tanh(p[0]) * x[0] + x[1] * (p[1] - p[2]),
         ["linear: tanh(p0) x0 + (p1 - p2) x1"], ["a0"]),
    Case("weights that are held", lambda x, p: stop_gradient(p[0]) * x[0] + p[1] * x[1],
         ["linear: stop_gradient(p0) x0 + p1 x1"], ["a0"]),
    Case("a bias of several terms", lambda x, p: p[2] + p[0] * x[0] - 0.5 + p[1] * x[1] + p[3] * p[4],
         ["linear: p0 x0 + p1 x1 + ((p2 + -0.5) + (p3 p4))"], ["a0"]),
    Case("the same weights on other inputs", lambda x, p: dots(p[:2], x[:2], tanh, 1) + dots(p[:2], x[1:], tanh, 1),
         ["tanh: p0 x0 + p1 x1", "tanh: p0 x1 + p1 x2"], ["a0", "b0"]),
    Case("one weight for all", lambda x, p: sum(p[0] * xi for xi in x) + p[0],
         ["linear: p0 x0 + p0 x1 + p0 x2 + (0 + p0)"], ["a0"]),
    Case("from zero, without a bias", lambda x, p: sum(pi * xi for pi, xi in zip(p, x)),
         ["linear: p0 x0 + p1 x1 + p2 x2 + 0"], ["a0"]),
    Case("weights in another order", lambda x, p: dots([p[0], p[1], p[1], p[0]], x[:2], sigmoid),
         ["sigmoid: p0 x0 + p1 x1 | p1 x0 + p0 x1"], ["a0", "a1"]),
    Case("one input, several outputs", lambda x, p: [p[0] * x[0] + p[1], p[2] * x[0] + p[3]],
         ["linear: p0 x0 + p1 | p2 x0 + p3"], ["a0", "a1"]),
    Case("one input twice", lambda x, p: p[0] * x[0] + p[1] * x[0], ["linear: p0 x0 + p1 x0"], ["a0"]),
    Case("a term with a plain weight", lambda x, p: 2.0 * x[0] + p[0] * x[1], ["linear: 2 x0 + p0 x1"], ["a0"]),
    Case("a term without a weight", lambda x, p: p[0] * x[0] + 1.0 * x[1] + p[1] * x[2],
         ["linear: p0 x0 + p1 x2"], ["(a0 + x1)"]),
    Case("a row's term that is taken away", lambda x, p: tanh(p[0] * x[0] - exp(x[1]) + p[1] * x[2] + p[2]),
         ["linear: p0 x0 + p1 x2 + p2"], ["tanh((a0 - exp(x1)))"]),
    Case("of functions of the row", lambda x, p: p[0] * sin(x[0]) + p[1] * (x[0] * x[1]) + p[2],
         ["linear: p0 sin(x0) + p1 (x0 x1) + p2"], ["a0"]),
    Case("other inputs, other layers", lambda x, p: dots(p, x[:2], tanh, 1) + dots(p[2:], [x[0], x[2]], tanh, 1),
         ["tanh: p0 x0 + p1 x1", "tanh: p2 x0 + p3 x2"], ["a0", "b0"]),
    Case("fewer inputs, another layer", lambda x, p: dots(p, x, tanh, 1) + dots(p[3:], x[:2], tanh, 1),
         ["tanh: p0 x0 + p1 x1 + p2 x2", "tanh: p3 x0 + p4 x1"], ["a0", "b0"]),
    Case("side by side whatever lies between",
         lambda x, p: [dots(p, x[:2], tanh, 1)[0], exp(x[0]), dots(p[2:], x[:2], tanh, 1)[0]],
         [f"tanh: {FIRST}"], ["a0", "exp(x0)", "a1"]),
    # Activations
    Case("two functions", lambda x, p: dots(p, x[:2], tanh, 1) + dots(p[2:], x[:2], relu, 1),
         [f"linear: {FIRST}"], ["tanh(a0)", "relu(a1)"]),
    Case("a function after one of two", lambda x, p: dots(p, x[:2], tanh, 1) + dots(p[2:], x[:2], count=1),
         [f"linear: {FIRST}"], ["tanh(a0)", "a1"]),
    Case("another function", lambda x, p: dots(p, x[:2], softplus), [f"linear: {FIRST}"],
         ["softplus(a0)", "softplus(a1)"]),
    Case("a function of a function", lambda x, p: dots(p, x[:2], lambda z: tanh(relu(z))),
         [f"relu: {FIRST}"], ["tanh(a0)", "tanh(a1)"]),
    Case("used as it is as well", lambda x, p: dots(p, x[:2], lambda z: tanh(z) * z), [f"linear: {FIRST}"],
         ["(tanh(a0) a0)", "(tanh(a1) a1)"]),
    Case("one is used as it is as well", lambda x, p: (lambda z: [tanh(z[0]), tanh(z[1]) + z[1]])(dots(p, x[:2])),
         [f"linear: {FIRST}"], ["tanh(a0)", "(tanh(a1) + a1)"]),
    Case("a result is to be had as it is", lambda x, p: (lambda z: [tanh(z[0]), tanh(z[1]), z[0]])(dots(p, x[:2])),
         [f"linear: {FIRST}"], ["tanh(a0)", "tanh(a1)", "a0"]),
    Case("by two functions", lambda x, p: dots(p, x[:2], lambda z: tanh(z) + relu(z)), [f"linear: {FIRST}"],
         ["(tanh(a0) + relu(a0))", "(tanh(a1) + relu(a1))"]),
    Case("the function used twice", lambda x, p: dots(p, x[:2], lambda z: tanh(z) * tanh(z)), [f"tanh: {FIRST}"],
         ["(a0 a0)", "(a1 a1)"]),
    # Connections
    Case("results that are used elsewhere", skip, [f"tanh: {FIRST}", "linear: p4 a0 + p5 a1"], ["(a0 + a1)", "b0"]),
    Case("around a layer", lambda x, p: [h + xi for h, xi in zip(dots(p, x[:2], tanh), x)], [f"tanh: {FIRST}"],
         ["(a0 + x0)", "(a1 + x1)"]),
    Case("inside of the function", lambda x, p: [tanh(z + xi) for z, xi in zip(dots(p, x[:2]), x)],
         [f"linear: {FIRST}"], ["tanh((a0 + x0))", "tanh((a1 + x1))"]),
    Case("inputs beside results", lambda x, p: dots(p[4:], [*dots(p, x[:2], tanh), x[2]], count=1),
         [f"tanh: {FIRST}", "linear: p6 x2 + p4 a0 + p5 a1"], ["b0"]),
    Case("a shared part", lambda x, p: (lambda h: [h + p[2] * x[2], tanh(h)])(p[0] * x[0] + p[1] * x[1]),
         ["linear: p0 x0 + p1 x1"], ["(a0 + (p2 x2))", "tanh(a0)"]),
]  # fmt: skip
UNCHANGED = [
    Case("products of a row", lambda x, p: x[0] * x[1] + x[1] * x[2], [], ["((x0 x1) + (x1 x2))"]),
    Case("a single product", lambda x, p: p[0] * x[0] + p[1], [], ["((p0 x0) + p1)"]),
    Case("a product, a row's term", lambda x, p: p[0] * x[0] + x[1], [], ["((p0 x0) + x1)"]),
    Case("plain weights", lambda x, p: 2 * x[0] + 3 * x[1] + 4, [], ["(((2 x0) + (3 x1)) + 4)"]),
    Case("plain weights, more than others", lambda x, p: 2 * x[0] + 3 * x[1] + p[0] * x[2], [],
         ["(((2 x0) + (3 x1)) + (p0 x2))"]),
    Case("of parameters alone", lambda x, p: p[0] * p[1] + p[2] * p[3], [], ["((p0 p1) + (p2 p3))"]),
    Case("quotients", lambda x, p: x[0] / p[0] + x[1] / p[1], [], ["(divide(x0, p0) + divide(x1, p1))"]),
    Case("products that are used again", lambda x, p: (lambda a, b: [a + b, a - b])(p[0] * x[0], p[1] * x[1]), [],
         ["((p0 x0) + (p1 x1))", "((p0 x0) - (p1 x1))"]),
    Case("squares of a difference", lambda x, p: autograd.sum((xi - pi) * (xi - pi) for xi, pi in zip(x, p[:2])), [],
         ["(((x0 - p0) (x0 - p0)) + ((x1 - p1) (x1 - p1)))"]),
    Case("powers of a difference", lambda x, p: sum((xi - pi) ** 2 for xi, pi in zip(x, p[:2])), [],
         ["((0 + power((x0 - p0), 2)) + power((x1 - p1), 2))"]),
    Case("in a branch", lambda x, p: where(x[0] > 0, lambda: p[0] * x[0] + p[1] * x[1], 0.0), [],
         ["where(greater(x0, 0), ((p0 x0) + (p1 x1)), 0)"]),
]  # fmt: skip
BRANCHES = [
    Case("in both branches and so always",
         lambda x, p: (lambda z: where(x[2] > 0, tanh(z), z))(p[0] * x[0] + p[1] * x[1]),
         ["linear: p0 x0 + p1 x1"], ["where(greater(x2, 0), tanh(a0), a0)"]),
    Case("in a condition", lambda x, p: where(p[0] * x[0] + p[1] * x[1] > 0, x[0], x[1]),
         ["linear: p0 x0 + p1 x1"], ["where(greater(a0, 0), x0, x1)"]),
    Case("in a branch and outside", lambda x, p: (lambda z: where(x[2] > 0, z, 0.0) + z)(p[0] * x[0] + p[1] * x[1]),
         ["linear: p0 x0 + p1 x1"], ["(where(greater(x2, 0), a0, 0) + a0)"]),
]  # fmt: skip


@pytest.mark.parametrize("case", [*CASES, *UNCHANGED, *BRANCHES], ids=lambda case: case.name)
def test_what_is_a_layer_and_what_is_none(case):
    p = labelled(" ".join(f"p{k}" for k in range(7)))
    found = told(lambda x: case.function(x, p))
    assert found.layers == list(case.layers)
    assert found.results == list(case.results)


def test_steps_that_are_to_be_guarded_are_part_of_no_layer():
    p = labelled("p0 p1 p2 p3")
    tape, outputs = traced(lambda x: autograd.maximum(p[0] * x[0] + p[1] * x[1], p[2] * x[0] + p[3] * x[1]))
    for selections, layers in ((CHOICES, [f"linear: {FIRST}"]), (SELECTIONS, [])):
        conditional = conditional_steps(tape, outputs, selections)
        assert Told(*find_layers(tape, outputs, conditional)).layers == layers
    one = bytearray(len(tape.steps))
    one[tape.steps[outputs[0]][2]] = 1  # the second of the sums
    found = Told(*find_layers(tape, outputs, one))
    assert found.layers == ["linear: p0 x0 + p1 x1"]
    assert found.results == ["maximum(a0, ((p2 x0) + (p3 x1)))"]


def test_a_layer_needs_what_its_results_need_and_nothing_else():
    p = [Value(0.1 * k) for k in range(9)]
    tape, outputs = traced(lambda x: [dots(p, x, tanh, 3)[1], exp(x[0]) * 2.0])
    new, results = find_layers(tape, outputs[:1])
    assert Told(new, results).layers == ["tanh: p3 x0 + p4 x1 + p5 x2"]
    assert {step[0] for step in new.steps if type(step[0]) is str} == {"input", "parameter", "constant"}
    assert new.parameters == tape.parameters


def test_labels_stay_with_what_has_their_number():
    def function(x: Any) -> Any:
        z = p[0] * x[0] + p[1] * x[1]
        h = tanh(z)
        y = h * 2.0
        z.label, h.label, y.label = "z", "h", "y"
        return y

    p = labelled("p0 p1")
    tape, outputs = traced(function)
    new, results = find_layers(tape, outputs)
    assert [label for _, label in sorted(new.labels.items())] == ["h", "y"]
    assert new.labels[results[0]] == "y"


# --------------------------------------------------------------------------------------------------------------- rates


def test_which_steps_are_the_same_for_all_rows():
    p = labelled("p0 p1 p2 p3")

    def function(x: Any) -> Any:
        h = dots(p, x[:2], tanh)
        return [h[0] * p[0], exp(p[0]) + 2.0, where(p[1] > 0, x[0], x[1])]

    tape, outputs = find_layers(*traced(function))
    total = tape.add((AFTER_ROWS[0], outputs[0]))
    scaled = tape.apply("multiply", total, outputs[1])
    sums = tape.add((Outer(2, 1), outputs[1], outputs[1], outputs[1]))
    rate = rates(tape)
    assert [rate[number] for number in (*outputs, total, scaled, sums)] == [1, 0, 1, 2, 2, 2]
    for number, (kind, *of) in enumerate(tape.steps):
        if kind in ("input", "parameter", "constant"):
            assert rate[number] == (kind == "input"), (kind, of)
        elif type(kind) is Affine:
            assert rate[number] == 1
    assert not any(rates(tape, inputs_vary=False))
