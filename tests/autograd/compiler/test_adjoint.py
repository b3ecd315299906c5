"""The steps of the backward pass: their numbers are those of `autograd.grad`, and there are no more than are asked for.

A small interpreter runs a tape over rows, step by step and by the formulas of each kind of step; the compiler's own
ways to run one have tests of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

import autograd
import nn
from autograd import OPERATIONS, Value, exp, log, relu, sigmoid, sin, softplus, sqrt, stop_gradient, tanh, where
from autograd.compiler.adjoint import adjoints
from autograd.compiler.layers import Affine, Element, Outer, Transposed, find_layers
from autograd.ieee import IEEE
from autograd.tracing import Rule, Tape, evaluate
from tests.autograd.test_tracing import spelled, traced

FUSED: dict[str, Callable[..., float]] = {
    "multiply_add": lambda a, b, c: a * b + c,
    "multiply_subtract": lambda a, b, c: a * b - c,
    "subtract_product": lambda a, b, c: c - a * b,
    "relu_slope": lambda adjoint, h: adjoint * (1.0 if h > 0.0 else 0.0 * h),
    "tanh_slope": lambda adjoint, h: adjoint * (1.0 - h * h),
    "sigmoid_slope": lambda adjoint, h: adjoint * (h * (1.0 - h)),
    "sum": lambda *terms: sum(terms),
    "dot": lambda *terms: sum(a * b for a, b in zip(terms[: len(terms) // 2], terms[len(terms) // 2 :])),
}


def computed(
    tape: Tape, rows: Sequence[Sequence[float]], parameters: Sequence[float] = (), weight: float = 1.0
) -> list[list[Any]]:
    """What each step comes to in each row; of a sum over the rows, the same number in each."""
    found: list[list[Any]] = []
    for kind, *operands in tape.steps:
        count = len(rows)
        if kind == "input":
            found.append([weight if operands[0] == "weight" else row[operands[0]] for row in rows])
        elif kind in ("parameter", "constant"):
            found.append([parameters[operands[0]] if kind == "parameter" else operands[0]] * count)
        else:
            columns = [found[operand] for operand in operands]
            if kind == "row_sum":
                found.append([sum(columns[0])] * count)
            elif kind == "row_dot":
                found.append([sum(a * b for a, b in zip(*columns))] * count)
            elif type(kind) is Outer:
                d, x = columns[: kind.outputs], columns[kind.outputs :]
                sums = [sum(a * b for a, b in zip(dj, xi)) for dj in d for xi in x] + [sum(dj) for dj in d]
                found.append([sums] * count)
            elif type(kind) is Element:
                found.append([results[kind.place] for results in columns[0]])
            else:
                found.append([of_row(kind, numbers) for numbers in zip(*columns)])
    return found


def of_row(kind: Any, numbers: Sequence[float]) -> Any:
    if type(kind) is Affine:
        n, m = kind.inputs, kind.outputs
        x, w, b = numbers[:n], numbers[n : n + n * m], numbers[n + n * m :]
        z = [sum(w[j * n + i] * x[i] for i in range(n)) + b[j] for j in range(m)]
        return [float(OPERATIONS[kind.activation](number)) for number in z] if kind.activation else z
    if type(kind) is Transposed:
        n, m = kind.inputs, kind.outputs
        d, w, h = numbers[:m], numbers[m : m + m * n], numbers[m + m * n :]
        assert len(h) == n * bool(kind.activation)
        x_bar = [sum(d[j] * w[j * n + i] for j in range(m)) for i in range(n)]
        return [FUSED[f"{kind.activation}_slope"](*pair) for pair in zip(x_bar, h)] if h else x_bar
    if isinstance(kind, Rule):
        return numbers[0]
    return FUSED[kind](*numbers) if kind in FUSED else float(evaluate(kind, list(map(IEEE, numbers))))


def agree(found: Sequence[float], expected: Sequence[float], what: Any = "") -> None:
    for a, b in zip(found, expected, strict=True):
        assert a == b or abs(a - b) <= 1e-12 * max(1.0, abs(b)) or (a != a and b != b), (what, found, expected)


# ------------------------------------------------------------------------------------------------------------- numbers


class Case(NamedTuple):
    name: str
    function: Callable[[Any, Any], Any]  # of the row x and of parameters p
    rows: Sequence[Sequence[float]] = ((0.3, -1.2), (-0.4, 0.5), (2.0, 0.25), (0.7, 0.7))


DOMAINS = {
    "log": (0.01, 0.5, 30.0), "log1p": (-0.9, 0.5, 30.0), "sqrt": (0.01, 0.5, 30.0), "arcsin": (-0.9, 0.0, 0.6),
    "arccos": (-0.9, 0.0, 0.6), "divide": (0.5, -3.0, 0.7), "power": (0.5, 3.0, 0.7),
}  # fmt: skip


def of_operation(name: str) -> Case:
    row, numbers = OPERATIONS[name], DOMAINS.get(name, (-2.5, 0.0, 0.4, 1.5))
    if len(row.example) == 2:
        return Case(name, lambda x, p: row(x[0]) * 3.0 - x[1], [(number, 0.1) for number in numbers])
    pairs = [(a, b) for a in numbers for b in (*DOMAINS.get(name, ()), 2.0, 0.4)]
    return Case(name, lambda x, p: row(x[0], x[1]) * 3.0 + x[0], pairs)


def network(x: Any, p: Any, f: Callable[[Any], Any] = tanh, last: Callable[[Any], Any] = lambda z: z) -> Any:
    h = [f(autograd.dot(p[2 * j : 2 * j + 2], x) + p[6 + j]) for j in range(3)]
    return last(autograd.dot(p[9:12], h) + p[12])


def hidden(x: Any, p: Any) -> list[Any]:
    return [tanh(autograd.dot(p[2 * j : 2 * j + 2], x)) for j in range(3)]


def shared(x: Any, p: Any) -> Any:
    """Results that two layers use."""
    h = hidden(x, p)
    return tanh(autograd.dot(p[6:8], h[:2])) + sigmoid(autograd.dot(p[8:11], h))


def apart(x: Any, p: Any) -> Any:
    """Two results of a layer go into the next one, and the third goes elsewhere."""
    h = hidden(x, p)
    return sin(h[0]) + tanh(autograd.dot(p[6:8], h[1:]))


CASES = [
    *(of_operation(name) for name in OPERATIONS if name not in ("logsumexp", "log_softmax", "leaky_relu")),
    Case("logsumexp", lambda x, p: autograd.logsumexp([x[0], x[1], p[0]]) * 2.0),
    Case("log_softmax", lambda x, p: autograd.log_softmax([x[0], x[1], x[0]])[1] * 2.0),
    Case("leaky_relu", lambda x, p: x[0].leaky_relu(0.2) * p[0] + autograd.leaky_relu(x[1] * p[1])),
    *(Case(f"x ** {k}", lambda x, p, k=k: x[0] ** k - (x[1] * 2.0) ** k * p[0], [(0.5, 1.5), (2.0, 3.0)])
      for k in (0, 0.5, 1, 2, 3, 4, 5, -0.5, -1, -2, -3, 1.7)),
    Case("ties", lambda x, p: autograd.maximum(x[0], x[1]) + autograd.minimum(x[0], x[0]), [(1.0, 1.0), (0.0, -0.0)]),
    Case("differences", lambda x, p: (x[0] - x[1]) - (p[0] - x[0]) - (-x[1]) - p[1]),
    Case("one number, many uses", lambda x, p: x[0] * x[0] + x[0] * x[1] - x[0] / p[0] + exp(x[0]) - x[0]),
    Case("cubes of squares", lambda x, p: ((x[0] * x[0]) * (x[0] * p[0])) ** 3),
    Case("stopped", lambda x, p: x[0] * stop_gradient(x[0] * p[0]) + stop_gradient(p[1]) * x[1]),
    Case("nothing", lambda x, p: stop_gradient(x[0]) * 2.0),
    Case("of parameters", lambda x, p: exp(p[0]) * x[0] + p[1] * p[0] * p[1] + (p[2] * 2.0) / x[1]),
    Case("of parameters alone", lambda x, p: tanh(p[0] * p[1]) - p[2] ** 2),
    Case("comparisons", lambda x, p: (x[0] > x[1]) * x[0] * p[0]),
    Case("a choice", lambda x, p: where(x[0] > 0, x[0] * p[0], x[1] * p[1])),
    Case("a choice of what is not defined", lambda x, p: where(x[0] > 0, lambda: log(x[0]) * p[0], lambda: sqrt(-x[0])),
         [(0.5, 0.0), (-2.0, 0.0)]),
    Case("a choice by parameters", lambda x, p: where(p[0] < 0, lambda: x[0] * p[1], lambda: log(p[0]) * x[0])),
    Case("no row takes it", lambda x, p: where(x[0] > 9, lambda: log(p[0]) * x[0], x[1])),
    Case("a rule", lambda x, p: crooked(x[0], p[0]) * crooked(x[1], x[0])),
    Case("a rule of zero", lambda x, p: crooked(x[0] * x[1], 0.0)),
    *(Case(f"a network, {f.name}, {last.name}", lambda x, p, f=f, last=last: network(x, p, f, last))
      for f in (tanh, relu, sigmoid, softplus) for last in (OPERATIONS["identity"], sigmoid)),
    Case("a network beside its inputs", lambda x, p: tanh(network(x, p) * x[0] + p[0]) + x[1] * p[1]),
    Case("a network of a network", lambda x, p: network([network(x, p), x[1]], p, relu)),
    Case("results that two layers use", shared),
]  # fmt: skip


@autograd.operation(lambda out, x, y: (exp(y) * y, out))
def crooked(x: Any, y: Any) -> Any:
    """Its derivative is its own affair."""
    return x * y * 2.0


def expected_gradients(case: Case, p: Sequence[Value]) -> list[list[float]]:
    """For each row the slopes by its numbers, then by the parameters."""
    count = len(case.rows[0])

    def flat(numbers: Any) -> Any:
        return case.function(numbers[:count], numbers[count:])

    return [autograd.grad(flat)([*row, *(leaf.data for leaf in p)]) for row in case.rows]


@pytest.mark.parametrize("layers", [False, True], ids=["steps", "layers"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_adjoints_are_the_gradients_of_the_eager_engine(case, layers):
    check(case, layers)


def test_a_result_of_a_layer_that_the_next_one_does_not_use():
    check(Case("apart", apart), layers=True)


def check(case: Case, layers: bool) -> None:
    p = [Value(0.15 * ((7 * k) % 11) - 0.8) for k in range(13)]
    tape, (output,) = traced(lambda x: case.function(x, p), len(case.rows[0]))
    if layers:
        tape, (output,) = find_layers(tape, [output])
    expected = expected_gradients(case, p)
    leaves = {step[:2]: number for number, step in enumerate(tape.steps) if step[0] in ("input", "parameter")}
    found = adjoints(tape, [(output, tape.input("weight")._number)], list(leaves.values()))
    numbers = computed(tape, case.rows, [leaf.data for leaf in tape.parameters], weight=0.75)
    places = {leaf: place for place, leaf in enumerate(p)}
    for (kind, place), number in leaves.items():
        if kind == "input":
            slopes = [0.75 * row[place] for row in expected]
        else:  # an adjoint of what is the same for all rows is the sum over the rows
            slopes = [0.75 * sum(row[len(case.rows[0]) + places[tape.parameters[place]]] for row in expected)] * len(
                expected
            )
        agree(numbers[found[number]] if number in found else [0.0] * len(expected), slopes, (kind, place))


def test_for_one_row_inputs_are_uniform_numbers_and_there_are_no_sums():
    for function in (network, lambda x, p: where(x[0] > 9, lambda: log(p[0]) * x[0], x[1] * p[1])):
        p = [Value(0.15 * ((7 * k) % 11) - 0.8) for k in range(13)]
        tape, (output,) = traced(lambda x, p=p, function=function: function(x, p), 2)
        found = adjoints(tape, [(output, tape.constant(1.0))], [0, 1], inputs_vary=False)
        numbers = computed(tape, [(0.3, -1.2)], [leaf.data for leaf in tape.parameters])
        expected = autograd.grad(lambda x, p=p, function=function: function(x, p))([0.3, -1.2])
        agree([numbers[found[place]][0] if place in found else 0.0 for place in (0, 1)], expected)
        assert not any(step[0] == "row_sum" for step in tape.steps)


# --------------------------------------------------------------------------------------- the steps, and no more of them

SHARE = (
    "where(greater(x0, x1), 1, where(less(x0, x1), 0, where(greater_equal(x0, x1), 0.5, multiply(0, maximum(x0, x1)))))"
)
STEP = "where(greater(relu(x0), 0), 1, multiply(0, relu(x0)))"
SPELLED: list[tuple[Callable[[Any, Any], Any], str, str]] = [  # a function, a leaf, its adjoint
    (lambda x, p: x[0] * x[1], "x0", "multiply(weight, x1)"),
    (lambda x, p: x[0] * x[0], "x0", "multiply(add(weight, weight), x0)"),
    (lambda x, p: x[1] - x[0], "x0", "negative(weight)"),
    (lambda x, p: x[0] + x[0] * x[1], "x0", "add(weight, multiply(weight, x1))"),
    (lambda x, p: x[0] - x[1] * exp(x[0]), "x0", "add(weight, multiply(multiply(negative(weight), x1), exp(x0)))"),
    (lambda x, p: -x[0] * x[1] + x[0], "x0", "subtract(weight, multiply(weight, x1))"),
    (lambda x, p: sin(x[0]) - x[0], "x0", "add(negative(weight), multiply(weight, cos(x0)))"),
    (lambda x, p: tanh(x[0]), "x0", "multiply(weight, subtract(1, multiply(tanh(x0), tanh(x0))))"),
    (lambda x, p: sigmoid(x[0]), "x0", "multiply(weight, multiply(sigmoid(x0), subtract(1, sigmoid(x0))))"),
    (lambda x, p: sqrt(x[0]), "x0", "multiply(weight, multiply(0.5, divide(1, sqrt(x0))))"),
    (lambda x, p: x[0] ** 2, "x0", "multiply(add(weight, weight), x0)"),
    (lambda x, p: x[0] ** 3, "x0", "multiply(weight, multiply(3, power(x0, 2)))"),
    (lambda x, p: x[0] ** 1.5, "x0", "multiply(weight, multiply(1.5, power(x0, 0.5)))"),
    (lambda x, p: x[0] ** 0, "x0", "multiply(weight, 0)"),
    (lambda x, p: x[0] / x[1], "x0", "multiply(weight, divide(1, x1))"),
    (lambda x, p: x[0] / x[1], "x1", "multiply(weight, negative(multiply(divide(x0, x1), divide(1, x1))))"),
    (lambda x, p: autograd.maximum(x[0], x[1]), "x0", f"multiply(weight, {SHARE})"),
    (lambda x, p: relu(x[0]), "x0", f"multiply(weight, {STEP})"),
    (lambda x, p: p[0] * x[0], "p0", "row_sum(multiply(weight, x0))"),
    (lambda x, p: exp(p[0]) * x[0], "p0", "multiply(row_sum(multiply(weight, x0)), exp(p0))"),
    (lambda x, p: p[0] * x[0] + p[0] * x[1], "p0", "add(row_sum(multiply(weight, x1)), row_sum(multiply(weight, x0)))"),
    (lambda x, p: x[0] - p[0], "p0", "row_sum(negative(weight))"),
    (lambda x, p: where(x[1] > 0, x[0], 2.0), "x0", "where(greater(x1, 0), weight, 0)"),
    (lambda x, p: where(x[1] > 0, 2.0, x[0]), "x0", "where(greater(x1, 0), 0, weight)"),
]


CAREFUL: list[tuple[Callable[[Any, Any], Any], str, str]] = [  # where these are others
    (lambda x, p: x[0] * x[0], "x0", "add(multiply(weight, x0), multiply(weight, x0))"),
    (lambda x, p: x[0] ** 2, "x0", "multiply(weight, multiply(2, x0))"),
    (lambda x, p: x[0] / x[1], "x1", "multiply(weight, negative(divide(divide(x0, x1), x1)))"),
    (lambda x, p: autograd.maximum(x[0], x[1]), "x0", f"where({SHARE}, multiply(weight, {SHARE}), 0)"),
    (lambda x, p: relu(x[0]), "x0", f"where({STEP}, multiply(weight, {STEP}), 0)"),
]


def adjoint_of(function: Callable[[Any, Any], Any], leaf: str, careful: bool = False) -> tuple[str, list[Any]]:
    p = [Value(0.5), Value(-0.5)]
    tape, (output,) = traced(lambda x: function(x, p), 2)
    before = len(tape.steps)
    number = next(n for n in range(before) if spelled(tape, n) == leaf)
    found = adjoints(tape, [(output, tape.input("weight")._number)], [number], careful=careful)
    return spelled(tape, found[number]), [step[0] for step in tape.steps[before + 1 :]]


@pytest.mark.parametrize("place", range(len(SPELLED)))
def test_the_steps_of_an_adjoint(place):
    function, leaf, expected = SPELLED[place]
    assert adjoint_of(function, leaf)[0] == expected


@pytest.mark.parametrize("place", range(len(CAREFUL)))
def test_the_steps_of_a_careful_adjoint(place):
    function, leaf, expected = CAREFUL[place]
    assert adjoint_of(function, leaf, careful=True)[0] == expected


def kinds_added(function: Callable[[Any, Any], Any], wanted: Sequence[str]) -> tuple[list[str], list[Any]]:
    """The leaves that have adjoints, and the kinds of the steps that were added for those that are wanted."""
    p = [Value(0.1 * k + 0.3) for k in range(13)]
    tape, outputs = find_layers(*traced(lambda x: function(x, p), 2))
    weight, before = tape.input("weight")._number, len(tape.steps)
    numbers = {
        spelled(tape, number): number for number in range(before) if tape.steps[number][0] in ("input", "parameter")
    }
    found = adjoints(tape, [(outputs[0], weight)], [numbers[leaf] for leaf in wanted])
    kinds = [step[0] for step in tape.steps[before:] if type(step[0]) is not Element and step[0] != "constant"]
    return [leaf for leaf, number in numbers.items() if number in found], kinds


def mixed(x: Any, p: Any) -> Any:
    return sin(x[0]) * exp(x[1]) + tanh(p[0]) * log(p[1])


WANTED: list[tuple[Callable[[Any, Any], Any], str, list[Any]]] = [  # a function, the leaves, the kinds of their steps
    (mixed, "x0", ["multiply", "cos", "multiply"]),
    (mixed, "x1", ["multiply", "multiply"]),
    (mixed, "p0", ["row_sum", "multiply", "multiply", "subtract", "multiply"]),
    (mixed, "p1", ["row_sum", "multiply", "divide", "multiply"]),
    (mixed, "", []),
    (lambda x, p: p[0] * p[0] + x[0], "x0", []),  # it is the weight
    (lambda x, p: (x[0] > p[0]) * x[1] + p[1] * stop_gradient(x[0] * p[2]), "x0 p0 p1", []),
    (lambda x, p: network(x, p), "", []),
    (lambda x, p: network(x, p), "x0", [Transposed(3, 1, "tanh"), Transposed(2, 3, "")]),
    (lambda x, p: network(x, p), "p2", [Transposed(3, 1, "tanh"), Outer(2, 3)]),
    (lambda x, p: network(x, p), "p9", [Outer(3, 1)]),
    (lambda x, p: network(x, p), "p2 p9", [Outer(3, 1), Transposed(3, 1, "tanh"), Outer(2, 3)]),
    (lambda x, p: network(x, p, relu), "x0 p0", [Transposed(3, 1, "relu"), Outer(2, 3), Transposed(2, 3, "")]),
    (lambda x, p: network(x, p, sigmoid), "x1", [Transposed(3, 1, "sigmoid"), Transposed(2, 3, "")]),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(WANTED)))
def test_only_what_is_wanted_is_computed(place):
    function, wanted, expected = WANTED[place]
    leaves, kinds = kinds_added(function, wanted.split())
    assert kinds == expected
    assert set(leaves) <= set(wanted.split())
    if expected:
        assert set(leaves) == set(wanted.split())


def beside(x: Any, p: Any) -> Any:
    """A layer whose results are used beside the next one."""
    h = hidden(x, p)
    return autograd.dot(p[6:9], h) + sum(h)


TRANSPOSED: dict[str, tuple[Callable[[Any, Any], Any], list[Transposed]]] = {
    "a layer for itself": (network, [Transposed(3, 1, "tanh"), Transposed(2, 3, "")]),
    "used elsewhere": (beside, [Transposed(3, 1, ""), Transposed(2, 3, "")]),
    "a result used elsewhere": (lambda x, p: (lambda h: autograd.dot(p[6:9], h) * h[1])(hidden(x, p)),
                                [Transposed(3, 1, ""), Transposed(2, 3, "")]),
    "by two layers": (shared, [Transposed(3, 1, ""), Transposed(2, 1, ""), Transposed(2, 3, "")]),
    "by two layers, an f between": (
        lambda x, p: (lambda h: relu(autograd.dot(p[6:9], h)) + autograd.dot(p[9:12], map(sin, h)))(hidden(x, p)),
                                    [Transposed(3, 1, ""), Transposed(3, 1, ""), Transposed(2, 3, "")]),
    "a result twice": (lambda x, p: (lambda h: autograd.dot(p[6:10], [*h, h[0]]))(hidden(x, p)),
                       [Transposed(4, 1, ""), Transposed(2, 3, "")]),
    "beside an input": (lambda x, p: autograd.dot(p[6:10], [*hidden(x, p), x[0]]),
                        [Transposed(4, 1, ""), Transposed(2, 3, "")]),
    "no f": (lambda x, p: network(x, p, lambda z: z), [Transposed(3, 1, ""), Transposed(2, 3, "")]),
    "an f that is a step": (lambda x, p: network(x, p, softplus), [Transposed(3, 1, ""), Transposed(2, 3, "")]),
    "of two before": (lambda x, p: autograd.dot(
        p[6:10], [*hidden(x, p)[:2], *(relu(p[k] * x[0] + p[k]) for k in (6, 7))]),
                      [Transposed(4, 1, ""), Transposed(1, 2, ""), Transposed(2, 2, "")]),
    "not by the unused": (lambda x, p: autograd.dot(p[6:8], hidden(x, p)[1:]),
                          [Transposed(2, 1, "tanh"), Transposed(2, 2, "")]),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSPOSED)
def test_the_slope_of_the_layer_before_belongs_to_the_step_where_nobody_else_uses_it(name):
    function, expected = TRANSPOSED[name]
    found = [kind for kind in kinds_added(function, ["x0", "x1"])[1] if type(kind) is Transposed]
    assert found == expected
    check(Case(name, function), layers=True)


def test_a_result_of_the_function_is_a_use_as_well():
    model = nn.MLP(2, [3, 1], seed=0)
    tape, outputs = find_layers(*traced(lambda x: [model(x), model.layers[0](x)[0]], 2))
    seed, inputs = tape.constant(1.0), [number for number, step in enumerate(tape.steps) if step[0] == "input"]
    adjoints(tape, [(output, seed) for output in outputs], inputs)
    assert [step[0].activation for step in tape.steps if type(step[0]) is Transposed] == ["", ""]


def test_the_weights_lie_in_the_order_of_the_layer():
    """Outer has W row by row and then b, as the layer has."""
    model = nn.MLP(2, [3, 1], seed=0)
    tape, outputs = find_layers(*traced(model, 2))
    parameters = [number for number, step in enumerate(tape.steps) if step[0] == "parameter"]
    found = adjoints(tape, [(outputs[0], tape.input("weight")._number)], parameters)
    for number, step in enumerate(tape.steps):
        if type(step[0]) is Outer:
            n, m = step[0].inputs, step[0].outputs
            layer = next(s for s in tape.steps if type(s[0]) is Affine and (s[0].inputs, s[0].outputs) == (n, m))
            places = [(tape.steps[found[leaf]][0].place, tape.steps[found[leaf]][1]) for leaf in layer[1 + n :]]
            assert places == [(place, number) for place in range(n * m + m)]


# ------------------------------------------------------------------------------------------------------------- choices


def test_a_branch_that_is_not_taken_sends_nothing_back():
    """Not 0 * inf; and where no row takes it, a sum over the rows is 0 as well."""
    cases: list[tuple[Callable[[Any, Any], Any], Sequence[Sequence[float]]]] = [
        (lambda x, p: where(x[0] > 0, lambda: log(x[0]), x[1]), [(0.0, 1.0), (2.0, 1.0)]),
        (lambda x, p: where(x[0] > 0, lambda: x[1] / x[0] * p[0], lambda: p[1] * x[1]), [(0.0, 1.0), (-0.0, 2.0)]),
        (lambda x, p: where(x[0] > 0, lambda: sqrt(p[0] - 0.5), lambda: x[1]), [(-1.0, 1.0), (-2.0, 2.0)]),
        (lambda x, p: where(x[0] > 0, lambda: where(x[1] > 0, lambda: log(x[0] * x[1]), 0.0), 1.0),
         [(1.0, 0.0), (0.0, 1.0)]),
    ]  # fmt: skip
    for function, rows in cases:
        p = [Value(0.5), Value(-1.5)]
        tape, (output,) = traced(lambda x, function=function, p=p: function(x, p), 2)
        leaves = [number for number, step in enumerate(tape.steps) if step[0] in ("input", "parameter")]
        found = adjoints(tape, [(output, tape.input("weight")._number)], leaves)
        numbers = computed(tape, rows, [leaf.data for leaf in tape.parameters])
        for leaf in leaves:
            if leaf in found:
                assert all(map(math.isfinite, numbers[found[leaf]])), (spelled(tape, found[leaf]), numbers[found[leaf]])


def test_what_matters_in_all_branches_is_not_guarded():
    tape, (output,) = traced(lambda x: (lambda e: where(x[1] > 0, e, lambda: e * 2.0))(exp(x[0])))
    found = adjoints(tape, [(output, tape.input("weight")._number)], [0])
    assert spelled(tape, found[0]).startswith("multiply(add(where(")  # the branches' messages, and exp's slope once
    tape, (output,) = traced(lambda x: where(x[1] > 0, lambda: exp(x[0]), 0.0))
    found = adjoints(tape, [(output, tape.input("weight")._number)], [0])
    assert spelled(tape, found[0]).startswith("where(where(greater(x1, 0), 1, 0), multiply(where(")


def test_what_a_selection_does_not_select_is_passed_nothing_with_care():
    """Behind maximum and its like a 0 times an infinite derivative is NaN, unless all selections are guarded."""
    cases: list[tuple[Callable[[Any], Any], Sequence[float]]] = [
        (lambda x: autograd.maximum(sqrt(x[0]), x[1]), (0.0, 1.0)),
        (lambda x: autograd.minimum(x[1], sqrt(x[0]) + 2.0), (0.0, 1.0)),
        (lambda x: relu(sqrt(x[0]) - 1.0) + x[1], (0.0, 1.0)),
        (lambda x: relu(x[1] - 2.0 * sqrt(x[0]) - 2.0), (0.0, 1.0)),
        (lambda x: abs(x[1] * sqrt(x[0])), (0.0, 0.0)),
        (lambda x: autograd.maximum(autograd.maximum(sqrt(x[0]), 0.5), x[1]), (0.0, 1.0)),
        (lambda x: where(x[1] > 0, lambda: autograd.maximum(sqrt(x[0]), x[1]), 0.0), (0.0, 1.0)),
    ]
    for function, row in cases:
        expected = autograd.grad(lambda *x, function=function: function(x), (0, 1))(*row)
        agree(gradient_at(function, row, careful=True), expected)
        assert any(map(math.isnan, gradient_at(function, row, careful=False))), "there is something to guard"
        assert not any(map(math.isnan, expected))


def test_at_the_ends_of_the_range_a_gradient_is_right_with_care_and_not_finite_without():
    cases: list[tuple[Callable[[Any], Any], Sequence[float]]] = [
        (lambda x: 1e-320 / x[0] + x[1], (1e-309, 1.0)),
        (lambda x: x[0] / x[1], (0.0, 1e-310)),
        (lambda x: (x[0] * x[0]) * 1e308 + x[1], (1e-300, 1.0)),
        (lambda x: x[0] ** 2 * 1e308 + x[1], (1e-300, 1.0)),
    ]
    for function, row in cases:
        expected = autograd.grad(lambda *x, function=function: function(x), (0, 1))(*row)
        agree(gradient_at(function, row, careful=True), expected, row)
        assert not all(map(math.isfinite, gradient_at(function, row, careful=False))), "it asks for a careful one"


def gradient_at(function: Callable[[Any], Any], row: Sequence[float], careful: bool) -> list[float]:
    tape, (output,) = traced(function, 2)
    found = adjoints(tape, [(output, tape.constant(1.0))], [0, 1], careful=careful)
    numbers = computed(tape, [row])
    return [numbers[found[place]][0] if place in found else 0.0 for place in (0, 1)]
