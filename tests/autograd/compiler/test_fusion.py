"""What the last pass makes of products, sums and slopes, and what it leaves alone: tables of functions and steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

import autograd
import nn
from autograd import Value, exp, operation, relu, sigmoid, sin, stop_gradient, tanh, where
from autograd.compiler import forms
from autograd.compiler.fusion import LONG, fuse
from autograd.compiler.powers import expand_powers
from autograd.tracing import Tape
from tests.autograd.compiler.test_adjoint import agree, computed
from tests.autograd.test_tracing import spelled, traced

ROWS = [[0.3, -1.2, 0.7], [-0.4, 0.5, 1.5], [2.0, -0.1, -0.6], [0.0, 1.0, 0.9]]


@operation(lambda out, x: (out * x,))
def custom(x: Any) -> Any:
    return x * x * 2.0


def numbers(count: int) -> list[Value]:
    return [Value(0.15 * ((7 * k) % 11) - 0.8) for k in range(count)]


def fused(
    function: Callable[[Any, Any], Any], inputs_vary: bool = True, p: Sequence[Value] = ()
) -> tuple[Tape, list[str]]:
    """The fused tape of a function of a row and of parameters, and what its results are; their numbers stay.

    As for programs in C, powers are spelled out before.
    """
    p = p or numbers(3)
    return checked(*traced(lambda x: function(x, p)), inputs_vary)


def checked(tape: Tape, outputs: Sequence[int], inputs_vary: bool = True) -> tuple[Tape, list[str]]:
    given = [leaf.data for leaf in tape.parameters]
    new, results = fuse(*expand_powers(tape, outputs), inputs_vary)
    before, after = (computed(either, ROWS, given, 0.75) for either in (tape, new))
    for output, result in zip(outputs, results, strict=True):
        agree(after[result], before[output])
    return new, [spelled(new, result) for result in results]


def with_sums(function: Callable[[Any, Any], Any]) -> tuple[Tape, list[str]]:
    """As `fused`, of the sums over the rows of what the function returns."""
    p = numbers(3)
    tape, outputs = traced(lambda x: function(x, p))
    return checked(tape, [tape.add(("row_sum", output)) for output in outputs])


# --------------------------------------------------------------------------------------------------- products and sums

Function = Callable[[Any, Any], Any]
TABLE: list[tuple[Function, str]] = [
    (lambda x, p: x[0] * x[1] + x[2], "multiply_add(x0, x1, x2)"),
    (lambda x, p: x[2] + x[0] * x[1], "multiply_add(x0, x1, x2)"),
    (lambda x, p: x[0] * x[1] - x[2], "multiply_subtract(x0, x1, x2)"),
    (lambda x, p: x[2] - x[0] * x[1], "subtract_product(x0, x1, x2)"),
    (lambda x, p: p[0] * x[1] + 2.0, "multiply_add(p0, x1, 2)"),
    (lambda x, p: -x[0] * x[1] + x[2], "subtract_product(x0, x1, x2)"),
    (lambda x, p: x[2] + (-x[0]) * x[1], "subtract_product(x0, x1, x2)"),
    (lambda x, p: x[2] - (-x[0]) * x[1], "multiply_add(x0, x1, x2)"),
    (lambda x, p: (-x[0]) * x[1] - x[2], "multiply_subtract(negative(x0), x1, x2)"),
    (lambda x, p: x[0] * (-x[1]) + x[2], "multiply_add(x0, negative(x1), x2)"),
    (lambda x, p: x[0] * x[1] + x[1] * x[2], "multiply_add(x0, x1, multiply(x1, x2))"),
    (lambda x, p: x[0] * x[1] - x[1] * x[2], "multiply_subtract(x0, x1, multiply(x1, x2))"),
    (lambda x, p: x[0] * x[0] + x[0], "multiply_add(x0, x0, x0)"),
    (lambda x, p: x[0] * x[1] * x[2] + 1.0, "multiply_add(multiply(x0, x1), x2, 1)"),
    (lambda x, p: (x[0] * x[1] + x[2]) * p[0] + p[1], "multiply_add(multiply_add(x0, x1, x2), p0, p1)"),
    (lambda x, p: x[0] * x[1] + x[1] * x[2] + x[2] * x[0],
     "multiply_add(x2, x0, multiply_add(x0, x1, multiply(x1, x2)))"),
    (lambda x, p: p[0] * p[1] + p[2], "multiply_add(p0, p1, p2)"),
    (lambda x, p: -(x[0] * x[1]) + x[2], "subtract_product(x0, x1, x2)"),
    (lambda x, p: x[2] - (-(x[0] * x[1])), "multiply_add(x0, x1, x2)"),
    (lambda x, p: -(x[0] * x[1]) - x[2], "subtract(subtract_product(x0, x1, -0), x2)"),
    (lambda x, p: -(x[0] * x[1]), "subtract_product(x0, x1, -0)"),
    (lambda x, p: exp(-(p[0] * p[1])), "exp(subtract_product(p0, p1, -0))"),
    (lambda x, p: -(x[0] + x[1]), "negative(add(x0, x1))"),
    # It is no sum, or not of a product.
    (lambda x, p: x[0] + x[1] - x[2], "subtract(add(x0, x1), x2)"),
    (lambda x, p: x[0] / x[1] + x[2], "add(divide(x0, x1), x2)"),
    (lambda x, p: exp(x[0] * x[1]) + x[2], "add(exp(multiply(x0, x1)), x2)"),
    (lambda x, p: x[0] * x[1], "multiply(x0, x1)"),
    # The product is computed for no row or for all, the sum for each.
    (lambda x, p: p[0] * p[1] + x[0], "add(multiply(p0, p1), x0)"),
    (lambda x, p: x[0] - p[0] * p[1], "subtract(x0, multiply(p0, p1))"),
]  # fmt: skip
USED_TWICE: list[tuple[Function, list[str]]] = [
    (lambda x, p: (lambda y: [y + x[2], y])(x[0] * x[1]), ["add(multiply(x0, x1), x2)", "multiply(x0, x1)"]),
    (lambda x, p: (lambda y: [y + x[2], y - x[2]])(x[0] * x[1]),
     ["add(multiply(x0, x1), x2)", "subtract(multiply(x0, x1), x2)"]),
    (lambda x, p: (lambda y: [y + y])(x[0] * x[1]), ["add(multiply(x0, x1), multiply(x0, x1))"]),
    (lambda x, p: (lambda y: [y + exp(y)])(x[0] * x[1]), ["add(multiply(x0, x1), exp(multiply(x0, x1)))"]),
    (lambda x, p: (lambda n: [n * x[1] + x[2], n])(-x[0]), ["multiply_add(negative(x0), x1, x2)", "negative(x0)"]),
    (lambda x, p: (lambda y: [y + x[1] * x[2], y])(x[0] * x[1]),
     ["multiply_add(x1, x2, multiply(x0, x1))", "multiply(x0, x1)"]),
    (lambda x, p: (lambda d: [x[2] * d, d])(1.0 - x[0] * x[0]), ["multiply(x2, subtract_product(x0, x0, 1))",
                                                                 "subtract_product(x0, x0, 1)"]),
    (lambda x, p: (lambda d: [x[2] * d + 1.0, x[1] * d])(x[0] * (1.0 - x[0])),
     ["multiply_add(x2, multiply(x0, subtract(1, x0)), 1)", "multiply(x1, multiply(x0, subtract(1, x0)))"]),
]  # fmt: skip
SLOPES: list[tuple[Function, str]] = [  # of an activation with the output h, times an adjoint
    (lambda h, p: h[1] * (1.0 - h[0] * h[0]), "tanh_slope(x1, x0)"),
    (lambda h, p: (1.0 - h[0] ** 2) * h[1], "tanh_slope(x1, x0)"),
    (lambda h, p: p[0] * (h[0] * (1.0 - h[0])), "sigmoid_slope(p0, x0)"),
    (lambda h, p: h[1] * where(h[0] > 0, 1.0, 0.0 * h[0]), "relu_slope(x1, x0)"),
    (lambda h, p: tanh(h[0]) * (1.0 - tanh(h[0]) * tanh(h[0])), "tanh_slope(tanh(x0), tanh(x0))"),
    (lambda h, p: h[1] * (1.0 - h[0] * h[0]) + h[2], "multiply_add(x1, subtract_product(x0, x0, 1), x2)"),
    # Others that look like one
    (lambda h, p: h[1] * (2.0 - h[0] * h[0]), "multiply(x1, subtract_product(x0, x0, 2))"),
    (lambda h, p: h[1] * (1.0 - h[0] * h[2]), "multiply(x1, subtract_product(x0, x2, 1))"),
    (lambda h, p: h[1] * (1.0 - h[0]), "multiply(x1, subtract(1, x0))"),
    (lambda h, p: h[1] * (h[0] * (1.0 - h[2])), "multiply(x1, multiply(x0, subtract(1, x2)))"),
    (lambda h, p: h[1] * (h[0] * h[0] - 1.0), "multiply(x1, multiply_subtract(x0, x0, 1))"),
    (lambda h, p: h[1] * where(h[0] >= 0, 1.0, 0.0 * h[0]),
     "multiply(x1, where(greater_equal(x0, 0), 1, multiply(0, x0)))"),
    (lambda h, p: h[1] * where(h[0] > 1, 1.0, 0.0 * h[0]), "multiply(x1, where(greater(x0, 1), 1, multiply(0, x0)))"),
    (lambda h, p: h[1] * where(h[0] > 0, 1.0, 0.0), "multiply(x1, where(greater(x0, 0), 1, 0))"),
    (lambda h, p: h[1] * where(h[0] > 0, 1.0, 0.0 * h[2]), "multiply(x1, where(greater(x0, 0), 1, multiply(0, x2)))"),
    (lambda h, p: h[1] * where(h[0] > 0, 2.0, 0.0 * h[0]), "multiply(x1, where(greater(x0, 0), 2, multiply(0, x0)))"),
    (lambda h, p: h[1] + (1.0 - h[0] * h[0]), "add(x1, subtract_product(x0, x0, 1))"),
]  # fmt: skip
DETOURS: list[tuple[Function, str]] = [
    (lambda x, p: stop_gradient(x[0] * x[1]) + x[2], "multiply_add(x0, x1, x2)"),
    (lambda x, p: stop_gradient(stop_gradient(x[0])) * p[0], "multiply(x0, p0)"),
    (lambda x, p: custom(x[0]) + x[1], "multiply_add(multiply(x0, x0), 2, x1)"),
    (lambda x, p: custom(stop_gradient(custom(x[0]))) + x[1],
     "multiply_add(multiply(multiply(multiply(x0, x0), 2), multiply(multiply(x0, x0), 2)), 2, x1)"),
    (lambda x, p: stop_gradient(x[0]), "x0"),
    (lambda x, p: x[0] * x[1] + stop_gradient(x[0] * x[1]), "add(multiply(x0, x1), multiply(x0, x1))"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*TABLE, *SLOPES, *DETOURS], ids=lambda case: case[1])
def test_what_becomes_one_step(case):
    function, expected = case
    assert fused(function)[1] == [expected]


@pytest.mark.parametrize("case", USED_TWICE, ids=lambda case: case[1][0])
def test_a_product_that_others_use_is_not_absorbed(case):
    function, expected = case
    assert fused(function)[1] == expected


def test_for_one_row_all_steps_are_of_one_rate():
    assert fused(lambda x, p: p[0] * p[1] + x[0], inputs_vary=False)[1] == ["multiply_add(p0, p1, x0)"]


def test_sums_over_rows_of_products_are_dot_products():
    cases: list[tuple[Function, list[str]]] = [
        (lambda x, p: x[0] * x[1], ["row_dot(x0, x1)"]),
        (lambda x, p: p[0] * x[1], ["row_dot(p0, x1)"]),
        (lambda x, p: x[0] * x[1] * x[2], ["row_dot(multiply(x0, x1), x2)"]),
        (lambda x, p: exp(x[0]), ["row_sum(exp(x0))"]),
        (lambda x, p: x[0] * x[1] + x[2], ["row_sum(multiply_add(x0, x1, x2))"]),
        (lambda x, p: [x[0] * x[1], x[0] * x[1] + x[2]],
         ["row_sum(multiply(x0, x1))", "row_sum(add(multiply(x0, x1), x2))"]),
    ]  # fmt: skip
    for function, expected in cases:
        assert with_sums(function)[1] == expected


# ----------------------------------------------------------------------------------------------------------- long sums


def kinds(tape: Tape) -> list[str]:
    return [step[0] for step in tape.steps if step[0] not in ("input", "parameter", "constant")]


def test_long_sums_of_uniform_numbers_are_one_step():
    p = numbers(4 * LONG)
    pairs = list(zip(p, p[1:]))  # noqa: RUF007
    few, many = LONG - 1, LONG
    cases: dict[str, tuple[Function, list[str]]] = {
        "many products": (lambda x, p: autograd.dot(p[:many], p[many : 2 * many]), ["dot"]),
        "few products": (lambda x, p: autograd.dot(p[:few], p[many : many + few]),
                         ["multiply"] + ["multiply_add"] * (few - 1)),
        "many terms": (lambda x, p: autograd.sum(p[:many]), ["sum"]),
        "few terms": (lambda x, p: autograd.sum(p[:few]), ["add"] * (few - 1)),
        "few terms and the zero of the built-in sum": (lambda x, p: sum(p[:few]), ["sum"]),
        "many squares": (lambda x, p: sum(q**2 for q in p), ["dot"]),
        "many terms and a product": (lambda x, p: sum(p[:many]) + p[0] * p[1], ["dot"]),
        "many products and a term": (lambda x, p: p[0] + sum(a * b for a, b in pairs[:many]), ["dot"]),
        "from the right": (lambda x, p: p[0] + (p[1] + (p[2] + (p[3] + (p[4] + (p[5] + (p[6] + p[7])))))), ["sum"]),
        "of functions": (lambda x, p: sum(exp(q) for q in p[:many]), ["exp"] * many + ["sum"]),
        "scaled": (lambda x, p: 0.5 * sum(q**2 for q in p), ["dot", "multiply"]),
    }  # fmt: skip
    for name, (function, expected) in cases.items():
        tape, _ = fused(function, p=p)
        assert kinds(tape) == expected, name
    tape, _ = fused(lambda x, p: sum(x[k % 3] * p[k] + p[k] for k in range(2 * LONG)), p=p)
    assert "sum" not in kinds(tape) and "dot" not in kinds(tape), "a row's sum is as it was"


def test_a_sum_that_is_used_again_is_a_term_of_the_others():
    p = numbers(3 * LONG)

    def function(x: Any, p: Any) -> Any:
        first = autograd.sum(p[:LONG])
        return [first + autograd.sum(p[LONG : 2 * LONG]), first * 2.0]

    tape, _ = fused(function, p=p)
    assert kinds(tape).count("sum") == 2
    (whole,) = [step for step in tape.steps if step[0] == "sum" and len(step) > 1 + LONG]
    assert len(whole) == 1 + LONG + 1


def test_the_result_of_a_product_in_a_long_sum_is_not_absorbed_where_it_is_used():
    p = numbers(2 * LONG)

    def function(x: Any, p: Any) -> Any:
        product = p[0] * p[1]
        return [product + sum(p[k] * p[k + 1] for k in range(1, LONG + 1)), exp(product)]

    tape, (result, _) = fused(function, p=p)
    assert kinds(tape).count("multiply") == 1 and "multiply(p0, p1), " in result


# ------------------------------------------------------------------------------------------------------ with the others


@pytest.mark.parametrize("f", ["tanh", "relu", "sigmoid"])
def test_the_steps_of_a_network_s_gradient(f):
    """Layers, in which the slopes are, and what the loss is made of."""
    model = nn.MLP(2, [4, 3, 1], f, seed=0)
    tape, (loss,) = traced(lambda x: nn.squared_error(model(x[:2]), x[2]))
    form = forms.parameter_gradient(tape, loss)
    names = [kind if type(kind) is str else type(kind).__name__ for kind in kinds(form.tape)]
    layers = ["Affine"] * 3 + ["Outer", "Transposed", "Outer", "Transposed", "Outer"]
    assert [name for name in names if name in ("Affine", "Outer", "Transposed")] == layers
    rest = [name for name in names if name not in (*layers, "Element")]
    assert len(rest) <= 7 and set(rest) <= {"subtract", "multiply", "add", "row_dot"}


def test_slopes_without_layers():
    for f, kind in {tanh: "tanh_slope", relu: "relu_slope", sigmoid: "sigmoid_slope"}.items():
        tape, outputs = traced(lambda x, f=f: f(sin(x[0])) * x[1], 2)
        form = forms.input_gradients(tape, outputs, 2)
        name = kind.removesuffix("_slope")
        assert kinds(form.tape) == ["sin", name, "multiply", kind, "cos", "multiply"]
