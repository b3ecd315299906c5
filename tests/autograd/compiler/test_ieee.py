"""NaN, infinities, domains, choices and singular points in rows: IEEE arithmetic, and errors that name the row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, erf, exp, log, log1p, maximum, minimum, relu, sigmoid, softplus, sqrt, tanh, where
from tests.autograd.compiler.eager import agree

inf, nan = math.inf, math.nan

COUNTS = (1, 2, 3, 7, 8, 9, 17, 130)


@autograd.operation(lambda out, x: (1.0 / x,))
def odd(x: Any) -> Any:
    """Its derivative is not defined at 0, where it is itself."""
    return 2 * x


# What spoils a row, the number that does, the error that the eager engine raises.
SPOILT: list[tuple[str, Callable[[Any], Any], float, type[Exception]]] = [
    ("log is not defined at -1.0", lambda x: log(x), -1.0, ValueError),
    ("log is not defined at 0.0", lambda x: log(x) * 2, 0.0, ValueError),
    ("log1p is not defined at -1.0", lambda x: log1p(-x) + x, 1.0, ValueError),
    ("sqrt is not defined at -4.0", lambda x: sqrt(x) - x, -4.0, ValueError),
    ("divide is not defined at 1.0, 0.0", lambda x: 1 / (x - 3), 3.0, ZeroDivisionError),
    ("divide is not defined at 0.0, 0.0", lambda x: x / (x * 2), 0.0, ZeroDivisionError),
    ("exp overflows at 800.0", lambda x: exp(x), 800.0, OverflowError),
    ("sinh overflows at -800.0", lambda x: autograd.sinh(x), -800.0, OverflowError),
    ("sin is not defined at inf", lambda x: x.sin(), inf, ValueError),
    ("tan is not defined at -inf", lambda x: autograd.tan(x), -inf, ValueError),
    ("arcsin is not defined at 4.0", lambda x: autograd.arcsin(x - 1), 5.0, ValueError),
    ("power is not defined at -2.0, 1.5", lambda x: x**1.5, -2.0, ValueError),
    ("power is not defined at 0.0, -1.5", lambda x: x**-1.5, 0.0, ZeroDivisionError),
    ("log is not defined at -5.0", lambda x: where(x < 0, lambda: log(x), lambda: x * 2), -5.0, ValueError),
    ("log is not defined at -9.0", lambda x: odd(x + 9) + log(x), -9.0, ValueError),
    ("log is not defined at -6.0", lambda x: log(tanh(x) * 0 + x) + 0 / (x + 7), -6.0, ValueError),
]


@pytest.mark.parametrize(("message", "function", "bad", "error"), SPOILT, ids=[case[0] for case in SPOILT])
def test_an_error_names_the_first_bad_row(message: str, function: Any, bad: float, error: type[Exception]):
    fine = 0.5 if "arcsin" not in message else 1.0
    f = autograd.compile(function)
    with pytest.raises(error):
        function(Value(bad))
    for call in (f, f.value_and_grad):
        with pytest.raises(error, match=rf"^{re.escape(message)}\.\n"):
            call(bad)
    for count in COUNTS:
        for row in {0, count // 2, count - 1}:
            table = np.full((count, 1), fine)
            table[row:] = bad
            for call in (f.batch, f.batch_value_and_grad, f.batch_jacobian, f.backward):
                with pytest.raises(error, match=rf"^{re.escape(message)}, in row {row}\.\n"):
                    call(table)
                call(table, errors="nan")
            values = f.batch(table, errors="nan")
            assert np.isfinite(values[:row]).all() and not np.isfinite(values[row:]).any()
    assert math.isfinite(f(fine)), "the next call is none the worse"


# What raises although the result shows nothing of it: a function, where it raises, the result without errors.
VANISHES: list[tuple[Callable[[Any], Any], float, float]] = [
    (lambda x: 1.0 / exp(x), 1000.0, 0.0),
    (lambda x: tanh(exp(x)), 710.0, 1.0),
    (lambda x: minimum(exp(x), x), 800.0, 800.0),
    (lambda x: relu(-exp(x)) + x, 800.0, 800.0),
    (lambda x: where(exp(x) > 1.0, x, -x), 800.0, 800.0),
    (lambda x: erf(autograd.sinh(x)), -800.0, -1.0),
    (lambda x: exp(log(x)), 0.0, 0.0),
    (lambda x: 1.0 / (1.0 / x), 0.0, 0.0),
    (lambda x: exp(-1.0 / (x * x)), 0.0, 0.0),
    (lambda x: 1.0 / x**3, 1e200, 0.0),
    (lambda x: 1.0 / x**4, -1e160, 0.0),
    (lambda x: 1.0 / x**-1, 0.0, 0.0),
    (lambda x: tanh(x**-2), 0.0, 1.0),
    (lambda x: tanh(x**1.7), 1e300, 1.0),
    (lambda x: maximum(log(x), -1.0), 0.0, -1.0),
    (lambda x: sqrt(x) ** 0, -1.0, 1.0),
    (lambda x: (0.0 / x) ** 0, 0.0, 1.0),
    (lambda x: where(x > 1, lambda: 1.0 / exp(x * x), lambda: x), 800.0, 0.0),
    (lambda x: where(log1p(x) < 5.0, x, 2 * x), -1.0, -1.0),
    (lambda x: exp(autograd.logsumexp([log(x), 0.0])), 0.0, 1.0),
    (lambda x: odd(1.0 / exp(x)), 800.0, 0.0),
]


@pytest.mark.parametrize(("function", "bad", "result"), VANISHES)
def test_what_raises_and_vanishes_raises_all_the_same(function: Any, bad: float, result: float, kernels: str):
    """What the function raises, at any row of however many."""
    with pytest.raises((ArithmeticError, ValueError)) as eager:
        function(Value(bad))
    first = str(eager.value).split("\n")[0].rstrip(".")
    f = autograd.compile(function)
    for call in (f, f.value_and_grad):
        with pytest.raises(eager.type, match=f"^{re.escape(first)}\\.\n"):
            call(bad)
    for count in (*COUNTS, 1000):
        for row in {0, count // 2, count - 1}:
            table = np.full((count, 1), 0.5)
            table[row] = bad
            for call in (f.batch, f.batch_value_and_grad, f.batch_jacobian, f.backward):
                with pytest.raises(eager.type, match=f"^{re.escape(first)}, in row {row}\\.\n"):
                    call(table)
            assert f.batch(table, errors="nan")[row] == result
    assert math.isfinite(f(0.5)) and math.isfinite(f.batch([[0.5]] * 9).sum()), "the next call is none the worse"


def test_an_overflow_of_no_operation_that_raises_is_no_error():
    """Sums and products overflow to infinity, as Python's do."""
    for function, row in [
        (lambda x: 1.0 / (x * x), 1e200),
        (lambda x: tanh(x + x), 1e308),
        (lambda x: 1.0 / (x / 1e-200), 1e200),
        (lambda x: where(x > 0, lambda: 2.0 * x, lambda: log(x)), 1.0),
    ]:
        f = autograd.compile(function)
        expected = function(Value(row)).data
        for count in COUNTS:
            assert f.batch(np.full((count, 1), row)).tolist() == [expected] * count
        assert f(row) == expected


def test_an_error_names_the_label_of_a_parameter_and_leaves_every_gradient():
    w = Value(-1.0, "rate")
    w.grad = 7.0
    f = autograd.compile(lambda x: log(w) * x)
    for call in (lambda: f(1.0), lambda: f.batch([[1.0]]), lambda: f.backward([[1.0], [2.0]])):
        with pytest.raises(ValueError, match=r"^log is not defined at -1.0 \(node 'rate'\)"):
            call()
    assert w.grad == 7.0
    w.data = 1.0
    assert (f.backward([[1.0], [3.0]]), w.grad) == (0.0, 9.0)


def test_infinities_and_nan_that_were_given_are_no_error():
    f = autograd.compile(lambda x: x * x)
    rows = [[inf], [2.0], [nan], [-inf], [1e200]]
    for found in (f.batch(rows), f.batch_value_and_grad(rows)[0], [f(row) for (row,) in rows]):
        assert np.array_equal(found, [inf, 4.0, nan, inf, inf], equal_nan=True)
    assert np.array_equal(f.batch_value_and_grad(rows)[1].ravel(), [inf, 4, nan, -inf, 2e200], equal_nan=True)


def test_many_bad_rows_do_not_take_long():
    f = autograd.compile(lambda x: x * 2.0)
    table = np.full((100_000, 1), nan)
    assert np.isnan(f.batch(table)).all()
    values = autograd.compile(lambda x: x * 1e200).batch(np.full((50_000, 1), 1e100))
    assert np.isfinite(values).all() or values[0] == inf, "a sum over the rows that overflows is no bad row"


STAY: list[Callable[[Any], Any]] = [
    relu, tanh, sigmoid, softplus, erf, abs, lambda x: maximum(x, 0.0), lambda x: maximum(0.0, x), exp, log, sqrt,
    log1p, lambda x: minimum(x, 0.0), lambda x: minimum(0.0, x), lambda x: x.leaky_relu(0.1),
    lambda x: where(x > 0, x, 2 * x), lambda x: -x, lambda x: x * 0.0, lambda x: x - x, lambda x: x**3, lambda x: x / x,
    lambda x: tanh(x * 0.5 + 1.0),
    autograd.expm1, autograd.sin, autograd.cos, autograd.gaussian, lambda x: autograd.logsumexp([x, 1.0]),
    lambda x: autograd.softmax([x, 1.0])[1], lambda x: where(x <= 0, 0.0, x), lambda x: x**-0.5, autograd.arctan,
]  # fmt: skip


def test_nan_stays_nan_and_so_does_its_gradient(kernels: str):
    for place, function in enumerate(STAY):
        w, x = Value(1.0), Value(nan)
        (function(x) * w).backward()
        f = autograd.compile(lambda x, function=function, w=w: function(x) * w)
        for count in (1, 3, 8, 9):
            table = np.full((count, 1), 0.75)
            table[count - 1] = nan
            values, slopes = f.batch_value_and_grad(table)
            assert math.isnan(values[-1]), place
            agree(slopes[-1, 0], x.grad, 1.0, place)
            assert np.isfinite(values[:-1]).all() and np.isfinite(slopes[:-1]).all(), place
            w.grad = 0.0
            assert math.isnan(f.backward(table)) and math.isnan(w.grad), place
        value, (gradient,) = f.value_and_grad(nan)
        assert math.isnan(value), place
        agree(gradient, x.grad, 1.0, place)


def test_nan_in_a_layer_stays_in_its_row(kernels: str):
    for activation in (relu, tanh, sigmoid):
        w = [Value(0.5 + 0.1 * k) for k in range(9)]

        def network(x: Any, w: Any = w, activation: Any = activation) -> Any:
            h = [activation(w[2 * k] * x[0] + w[2 * k + 1] * x[1] + w[8]) for k in range(4)]
            return sum(a * b for a, b in zip(h, w))

        f = autograd.compile(network, n_inputs=2)
        for count in (5, 8, 131):
            table = np.full((count, 2), 0.25)
            clean = f.batch_value_and_grad(table)
            for row in {0, count - 1}:
                table[row, 1] = nan
            values, slopes = f.batch_value_and_grad(table)
            assert np.isnan(values[[0, -1]]).all() and np.isnan(slopes[[0, -1]]).all()
            assert np.array_equal(values[1:-1], clean[0][1:-1]) and np.array_equal(slopes[1:-1], clean[1][1:-1])


# Of a choice only the branch that is taken has a say: function, row, value, gradient by the row and by w = 4.
CHOSEN: list[tuple[Callable[[Any, Any], Any], float, float, float, float]] = [
    (lambda x, w: where(x > 0, lambda: log(x), 0.0), 0.0, 0.0, 0.0, 0.0),
    (lambda x, w: where(x > 0, lambda: sqrt(x), lambda: x), 0.0, 0.0, 1.0, 0.0),
    (lambda x, w: where(x > 0, lambda: sqrt(x), lambda: w * x), -9.0, -36.0, 4.0, -9.0),
    (lambda x, w: where(x < 0, lambda: w, lambda: w / x), -1.0, 4.0, 0.0, 1.0),
    (lambda x, w: where(x < 0, lambda: w, lambda: log(x)), 0.0, -inf, inf, 0.0),
    (lambda x, w: where(x > 0, lambda: log(x * w), lambda: exp(-x * 1e3)), 1.0, math.log(4.0), 1.0, 0.25),
    (lambda x, w: where(x > 5, lambda: exp(x), lambda: x), 800.0, inf, inf, 0.0),
    (lambda x, w: where(x > 5, lambda: x, lambda: exp(x * x)), 800.0, 800.0, 1.0, 0.0),
    (lambda x, w: where(x > 0, lambda: where(x > 1, lambda: log(x - 1), lambda: sqrt(1 - x)), w), 1.0, 0.0, -inf, 0.0),
    (lambda x, w: where(x > 0, lambda: where(x > 1, lambda: log(x - 1), lambda: x), w), 1.0, 1.0, 1.0, 0.0),
    (lambda x, w: where(x > 0, lambda: where(x > -1, lambda: x, lambda: log(-x)), lambda: w * 2), 0.0, 8.0, 0.0, 2.0),
    (lambda x, w: where(autograd.not_equal(x, 0), lambda: abs(x) ** 0.5 * w, 0.0), 0.0, 0.0, 0.0, 0.0),
    (lambda x, w: where(autograd.not_equal(x, 0), lambda: x.sin() / x, 1.0), 0.0, 1.0, 0.0, 0.0),
    (lambda x, w: where(x > 0, lambda: sqrt(w - 4), lambda: x), -1.0, -1.0, 1.0, 0.0),
    (lambda x, w: where(x > 0, lambda: sqrt(w - 4) * x, lambda: x), -1.0, -1.0, 1.0, 0.0),
    (lambda x, w: where(x > 0, lambda: where(x > 2, lambda: log(w - 4), 1.0), lambda: x), 1.0, 1.0, 0.0, 0.0),
    (lambda x, w: where(x > 0, lambda: maximum(log(x), sqrt(x)), 3.0) * w, 0.0, 12.0, 0.0, 3.0),
    (lambda x, w: where(x > 0, 1.0, where(x < 0, lambda: log(-x), lambda: w)), 0.0, 4.0, 0.0, 1.0),
    (lambda x, w: where(x > 0, lambda: autograd.logsumexp([log(x), 0.0]), w), 0.0, 4.0, 0.0, 1.0),
    (lambda x, w: where(autograd.equal(x, 0), 5.0, lambda: w / x), 0.0, 5.0, 0.0, 0.0),
    (lambda x, w: where(x, lambda: w / x, 5.0), 0.0, 5.0, 0.0, 0.0),
    (lambda x, w: where(autograd.equal(x, x), x, 7.0), nan, 7.0, 0.0, 0.0),
    (lambda x, w: where(x > 0, lambda: 1 / x, w) + where(x > 1, lambda: 1 / x, 0.0), 0.0, 4.0, 0.0, 1.0),
    (lambda x, w: where(x > 0, lambda: 1 / x, w) + where(x < 0, lambda: 0.0, lambda: 1 / x), 0.0, inf, -inf, 1.0),
    (lambda x, w: where(x > 0, lambda: 1 / x, lambda: 0 / x + w), 1.0, 1.0, -1.0, 0.0),
    (
        lambda x, w: where(x > 0, lambda: where(x > 1, lambda: 1 / x, 1.0) + where(x > 2, lambda: 1 / x, 1.0), 0.0),
        0.0,
        0.0,
        0.0,
        0.0,
    ),
    (lambda x, w: where(autograd.equal(x, x), lambda: tanh(w * x + 2 * w * x + w), 0.5), nan, 0.5, 0.0, 0.0),
    (lambda x, w: where(autograd.equal(x, x), lambda: w * x + w * (x * x), 0.5), inf, inf, inf, inf),
    (lambda x, w: where(x < 1e9, lambda: w * x + w * (x * x), lambda: w), inf, 4.0, 0.0, 1.0),
]


def test_the_branch_that_is_not_taken_contributes_nothing(kernels: str):
    for place, (function, row, value, by_row, by_w) in enumerate(CHOSEN):
        w = Value(5.0)
        f = autograd.compile(lambda x, function=function, w=w: function(x, w))
        assert f.parameters in ([w], [])
        w.data = 4.0  # now that it is traced: log(w - 4) of a Value would raise at once
        for count in COUNTS:
            table = np.full((count, 1), row)
            values, slopes = f.batch_value_and_grad(table, errors="nan")
            agree(values, [value] * count, 1.0, place)
            agree(slopes[:, 0], [by_row] * count, 1.0, place)
            w.grad = 0.0
            agree(f.backward(table, errors="nan"), value, 1.0, place)
            agree(w.grad, by_w, 1.0, place)
        if math.isfinite(value):
            found = f.value_and_grad(row)
            agree([found[0], found[1][0]], [value, by_row], 1.0, place)


def test_rows_take_branches_of_their_own(kernels: str):
    def function(x: Any, w: Any) -> Any:
        root = lambda: where(x[0] > 1, lambda: sqrt(x[0] - 1) * w[0], lambda: log(2 - x[0]) * w[1])  # noqa: E731
        return where(x[1] > 0, root, lambda: x[0] / x[1])

    w = [Value(2.0), Value(3.0)]
    f = autograd.compile(lambda x: function(x, w), n_inputs=2)
    rows = np.array([[a, b] for a in (-2.0, 1.0, 1.5, 5.0) for b in (-1.0, -0.5, 1.0)] * 11)
    expected = []
    for row in rows.tolist():
        x = [Value(number) for number in row]
        root = function(x, w)
        root.backward()
        expected.append([root.data, *(leaf.grad for leaf in x)])
    total = [leaf.grad for leaf in w]
    values, slopes = f.batch_value_and_grad(rows)
    agree(np.column_stack([values, slopes]), expected, 1.0)
    for leaf in w:
        leaf.grad = 0.0
    f.backward(rows, reduction="sum")
    agree([leaf.grad for leaf in w], total, 1.0)


# Where a partial is infinite: function of (x, w), w, rows, loss, gradient by w; the last row is the singular one.
SINGULAR: list[tuple[Callable[[Any, Any], Any], float, float, float, float, float]] = [
    (lambda x, w: sqrt(w + x), 0.0, 4.0, 0.0, 0.25, inf),
    (lambda x, w: sqrt(w) + x, 0.0, 1.0, 2.0, inf, inf),
    (lambda x, w: where(x > 1, sqrt(w), x), 0.0, 1.0, 2.0, 0.0, inf),
    (lambda x, w: w * x, 3.0, 1.0, inf, 1.0, inf),
    (lambda x, w: -(abs(w - x) ** 0.5), 1.0, 2.0, 1.0, 0.5, 0.0),
    (lambda x, w: (w * 2 - x) ** 0.5, 1.0, 1.0, 2.0, 1.0, inf),
    (lambda x, w: autograd.arcsin(w + x), 0.5, -0.5, 0.5, 1.0, inf),
    (lambda x, w: (w + x) ** 0.25, 0.0, 1.0, 0.0, 0.25, inf),
    (lambda x, w: w * exp(x), 1.0, 0.0, inf, 1.0, inf),
]


def test_gradients_at_singular_points_are_infinite_whatever_stands_beside(kernels: str):
    """Rows fill up vectors, and what fills the last one up is no row: it does not make NaN of an infinity."""
    for place, (function, start, plain, singular, by_plain, by_singular) in enumerate(SINGULAR):
        w = Value(start)
        f = autograd.compile(lambda x, function=function, w=w: function(x, w))
        for count in COUNTS:
            for row in {0, count - 1}:
                table = np.full((count, 1), plain)
                table[row] = singular
                w.grad = 0.0
                loss = f.backward(table, reduction="sum", errors="nan")
                total = sum(function(Value(number), w).data for number in table[:, 0].tolist())
                agree(loss, total, 1e3, (place, count, row))
                agree(w.grad, (by_plain * (count - 1) if count > 1 else 0.0) + by_singular, 1e3, (place, count, row))


def test_values_at_ties_and_kinks_are_those_of_the_rules(kernels: str):
    points: Sequence[tuple[Callable[[Any, Any], Any], tuple[float, float], tuple[float, float]]] = [
        (maximum, (1.0, 1.0), (0.5, 0.5)), (minimum, (1.0, 1.0), (0.5, 0.5)), (maximum, (-0.0, 0.0), (0.5, 0.5)),
        (minimum, (inf, inf), (0.5, 0.5)), (maximum, (inf, 1.0), (1.0, 0.0)), (minimum, (-inf, 1.0), (1.0, 0.0)),
        (lambda x, y: relu(x) + y, (0.0, 0.0), (0.0, 1.0)), (lambda x, y: relu(x) + y, (-0.0, 0.0), (0.0, 1.0)),
        (lambda x, y: abs(x) + y, (0.0, 0.0), (0.0, 1.0)), (lambda x, y: x.leaky_relu(0.1) + y, (0.0, 0.0), (0.1, 1.0)),
        (lambda x, y: x**0 + y, (0.0, 0.0), (0.0, 1.0)), (lambda x, y: x**1 + y, (0.0, 0.0), (1.0, 1.0)),
        (lambda x, y: x**2 + y, (0.0, 0.0), (0.0, 1.0)), (lambda x, y: x**y, (2.0, 0.0), (0.0, math.log(2))),
        (lambda x, y: x**y, (-2.0, 2.0), (-4.0, nan)), (lambda x, y: x**y, (0.0, 2.0), (0.0, 0.0)),
        (lambda x, y: x**y, (0.0, 0.0), (0.0, 0.0)), (lambda x, y: x**y, (nan, 0.0), (0.0, nan)),
        (lambda x, y: sqrt(x) + y, (inf, 0.0), (0.0, 1.0)), (lambda x, y: tanh(x) + y, (inf, 0.0), (0.0, 1.0)),
        (lambda x, y: sigmoid(x) + y, (-inf, 0.0), (0.0, 1.0)), (lambda x, y: softplus(x) + y, (-inf, 0.0), (0.0, 1.0)),
        (lambda x, y: relu(x) + y, (inf, 0.0), (1.0, 1.0)), (lambda x, y: relu(x) + y, (-inf, 0.0), (nan, 1.0)),
        (lambda x, y: autograd.logsumexp([x, y]), (1e308, 1e308), (0.5, 0.5)),
        (lambda x, y: autograd.log_softmax([x, y])[0], (1000.0, 0.0), (0.0, 0.0)),
    ]  # fmt: skip
    for place, (function, point, expected) in enumerate(points):
        f = autograd.compile(function, example=(0.0, 0.0))
        eager = []
        for _ in range(2):
            x = [Value(number) for number in point]
            function(*x).backward()
            eager = [leaf.grad for leaf in x]
        expected = tuple(e if math.isnan(e) or k in eager else k for e, k in zip(eager, expected))
        found = [f.value_and_grad(*point)[1], *f.batch_value_and_grad([point] * 9, errors="nan")[1]]
        for gradient in found:
            agree(gradient, eager, 1.0, place)
