"""gradcheck finds wrong rules and names them, passes right ones, and says what it could not judge.

The checker is checked with rules that are wrong on purpose, made with `@autograd.operation`.
"""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import autograd
from autograd import OPERATIONS, Operation, Value, operation, stop_gradient
from autograd.checking import GradcheckError, gradcheck, numerical_gradient

nan = math.nan


def named(name: str, derivative: Callable[..., Any], forward: Callable[..., Any]) -> Operation:
    forward.__name__ = name
    return operation(derivative)(forward)


def cube_with(slope: Callable[..., Any]) -> Operation:
    return named("cube", lambda out, x: (slope(x),), lambda x: x * x * x)


def product_with(slopes: Callable[..., Any]) -> Operation:
    return named("product", lambda out, a, b: slopes(a, b), lambda a, b: a * b * b)


def failure(*args: Any, **kwargs: Any) -> GradcheckError:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(*args, **kwargs)
    return caught.value


# ------------------------------------------------------------------------------------------------------ wrong rules

CUBE = cube_with(lambda x: 3 * x * x)
WRONG = {
    "a factor": cube_with(lambda x: 3.003 * x * x),
    "a sign": cube_with(lambda x: -3 * x * x),
    "nothing": cube_with(lambda x: 0.0 * x),
    "NaN": cube_with(lambda x: nan * x),
    "infinity": cube_with(lambda x: math.inf + x),
    "a dropped term": cube_with(lambda x: 2 * x * x),
    "a swapped pair": product_with(lambda a, b: (2 * a * b, b * b)),
    "the second of a pair": product_with(lambda a, b: (b * b, 2.002 * a * b)),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("rule", WRONG)
def test_a_wrong_first_derivative_is_found_and_its_operation_named(rule: str, exact: bool):
    wrong = WRONG[rule]
    operands = (lambda x, y: (x,)) if wrong.name == "cube" else (lambda x, y: (x, y))
    error = failure(lambda x, y: (wrong(*operands(x, y)) * y + x.sin()).tanh(), (0.4, 0.7), exact=exact)
    assert {c.suspects for c in error.failures} == {(wrong.name,)}
    assert f"Correct the derivative of {wrong.name}" in str(error)
    assert error.failures[0].by == ((1,) if "second" in rule else (0,))


@pytest.mark.parametrize("x", [1e-9, 1e-3, -0.7, 1.0, 37.5, -1e6, 1e100])
def test_a_factor_of_1_001_is_found_at_every_magnitude(x: float):
    assert gradcheck(CUBE, (x,)).compared == 1
    error = failure(WRONG["a factor"], (x,))
    assert error.failures[0].error == pytest.approx(1e-3, rel=0.01)


def test_50_digits_see_what_differences_cannot():
    circle = named("circle", lambda out, x: (2 * 3.1415927 * x,), lambda x: math.pi * (x * x))
    assert gradcheck(circle, (1.5,), exact=False).compared == 1
    assert failure(circle, (1.5,), exact=True).failures[0].suspects == ("circle",)
    noisy = failure(lambda x: 1e12 + WRONG["a factor"](x), (1.0,), exact=True)
    assert noisy.failures[0].suspects == ("cube",)
    assert "do not settle" in repr(gradcheck(lambda x: 1e12 + WRONG["a factor"](x), (1.0,)))


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    "slope", [lambda x: 3 * stop_gradient(x * x), lambda x: 3 * x * stop_gradient(x)], ids=["no second", "half of it"]
)
def test_a_right_first_and_a_wrong_second_derivative(slope: Callable[..., Any], exact: bool):
    cube = cube_with(slope)
    assert gradcheck(lambda x: cube(x).exp(), (0.5,), exact=exact).compared == 1
    error = failure(lambda x: cube(x).exp(), (0.5,), order=2, exact=exact)
    assert error.failures[0].suspects == ("cube",)
    assert "d2cube/dx1 dx1 at x1 = 0.5" in str(error)


def test_a_wrong_third_derivative():
    slow = named("slow", lambda out, x: (wrong_slope(x),), lambda x: x**4)
    wrong_slope = named("slope", lambda out, x: (12 * x * stop_gradient(x),), lambda x: 4 * x**3)
    assert gradcheck(slow, (0.7,), order=2).compared == 2
    assert failure(slow, (0.7,), order=3).failures[0].suspects == ("slow",)


def test_all_wrong_operations_on_the_way_are_named_and_no_others():
    factor, sign = WRONG["a factor"], named("negation", (1.0,), lambda x: -x)
    error = failure(lambda x, y, z: [factor(x) * y, sign(y).sin(), factor(x).exp() + sign(z), z], (0.3, 0.5, 0.7))
    found = {(c.output, c.by[0]): c.suspects for c in error.failures}
    only_factor, only_sign = ("cube",), ("negation",)
    assert found == {(0, 0): only_factor, (1, 1): only_sign, (2, 0): only_factor, (2, 2): only_sign}
    assert str(error).splitlines()[0] == "4 of 12 derivatives are wrong."


# ------------------------------------------------------------- right rules, and what else is wrong with a derivative


def test_a_missing_accumulation():
    assert gradcheck(lambda x: x * x + x, (3.0,), gradient=lambda x: 2 * x + 1).compared == 1
    error = failure(lambda x: x * x + x, (3.0,), gradient=lambda x: x)
    assert error.failures[0].suspects == ()
    assert "every local derivative is right, yet their sum is wrong" in str(error)
    assert "a missing accumulation of 1.0 + 3.0 + 3.0" in str(error)
    assert "Write gradient += term for each use of x" in str(error)


@pytest.mark.parametrize("exact", [False, True])
def test_a_number_that_leaves_the_graph(exact: bool):
    for f in (lambda x: x * x.data, lambda x: x * stop_gradient(x)):
        error = failure(f, (3.0,), exact=exact)
        assert (error.failures[0].analytic, error.failures[0].suspects) == (3.0, ())
        assert "f uses the input outside of the graph" in str(error)


def test_a_forward_that_stops_a_gradient():
    half = named("half", lambda out, x: (stop_gradient(x) * 2,), lambda x: x * stop_gradient(x) * 2)
    assert failure(half, (3.0,)).failures[0].numeric == pytest.approx(12.0)  # differences see both factors
    assert gradcheck(lambda x: 1e12 + half(x), (3.0,), exact=True).compared == 1  # 50 digits see one


def test_the_table_of_a_failure():
    error = failure(lambda x: WRONG["a sign"](x), (2.0,), exact=True)
    head, titles, row, why, remedy = str(error).splitlines()
    assert head == "1 of 1 derivatives are wrong."
    assert [title.strip() for title in titles.split("   ") if title.strip()] == [
        "derivative", "input", "analytic", "numeric", "relative error", "suspect"
    ]  # fmt: skip
    assert [cell.strip() for cell in row.split("   ") if cell.strip()][:3] == ["df/dx", "x = 2.0", "-12.0"]
    assert row.endswith("cube")
    assert why.startswith("  dcube/dx1 at x1 = 2.0 is -12.0, its forward says 1")
    assert remedy.startswith("  Correct the derivative of cube")
    assert isinstance(error, AssertionError)


POINTS = [-1.3, -0.4, 1e-9, 0.9, 40.0]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_engine_s_own_rules_are_right_to_the_second_order(name: str):
    op = OPERATIONS[name]
    count = len(op.example) - 1
    places = [(x,) for x in POINTS] if count == 1 else itertools.product([-1.3, 0.3, 20.0], repeat=count)
    judged = 0
    for operands in places:
        try:
            op(*operands)
        except ValueError:
            continue
        report = gradcheck(op, operands, order=2, exact=True)
        kinked = name in ("maximum", "minimum") and operands[0] == operands[1]
        complex_nearby = name == "power" and operands[0] < 0
        assert bool(report.skipped) == (kinked or complex_nearby), (operands, report)
        assert report.worst < 1e-5
        judged += report.compared
    assert judged >= 6, judged


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "sech", "gaussian", "tanh", "erf", "expm1", "log1p", "arctan"])
def test_a_branch_that_is_no_kink_is_judged(name: str):
    report = gradcheck(OPERATIONS[name], (0.0,), order=3, exact=True)
    assert (report.compared, report.skipped) == (3, ())


@pytest.mark.parametrize("x", [0.1 * i for i in range(1, 12)])
def test_rounding_is_no_error(x: float):
    assert gradcheck(lambda x: x.sin() ** 2 + x.cos() ** 2, (x,), exact=True).compared == 1
    assert gradcheck(lambda x: 3e6 + x.sin(), (x,)).worst > 0


def test_ties_that_are_no_kink_are_judged():
    report = gradcheck(lambda xs: autograd.logsumexp(xs), ([0.5, 0.5, 0.5],), order=2, exact=True)
    assert (report.compared, report.skipped) == (12, ())


# --------------------------------------------------------------------------------------------- kinks, edges, shapes


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("f", "inputs", "compared", "skipped"),
    [
        (lambda x: x.relu(), (0.0,), 0, 1),
        (lambda x: abs(x - 0.3) * 5, (0.3,), 0, 1),
        (lambda x: autograd.relu(3 * x - 0.3), (0.1,), 0, 1),
        (lambda x, y: autograd.maximum(x, y) + y, (2.0, 2.0), 0, 2),
        (lambda x, y: autograd.minimum(x, 2.0) * y, (2.0, 3.0), 1, 1),
        (lambda x: autograd.where(x > 1, lambda: x * x, lambda: x), (1.0,), 0, 1),
        (lambda x: x.relu() - (-x).relu(), (0.0,), 0, 1),
        (lambda x: 1 + x.relu(), (2.0,), 1, 0),
        (lambda x: 1 + x.relu(), (-1e-4,), 1, 0),
    ],
)
def test_kinks_are_skipped_and_listed(f: Any, inputs: tuple[float, ...], compared: int, skipped: int, exact: bool):
    report = gradcheck(f, inputs, exact=exact)
    assert report
    assert (report.compared, len(report.skipped)) == (compared, skipped)
    assert repr(report).startswith(f"gradcheck, order 1: {compared} derivatives agree")
    assert repr(report).count("a kink") == skipped


def test_a_jump_is_skipped():
    report = gradcheck(lambda x: autograd.where(x > 1, lambda: x * x, lambda: 2 + x), (1.0,))
    assert (report.compared, "a jump is near" in repr(report)) == (0, True)


def test_a_kink_within_the_step():
    for distance in (1e-8, 3e-7):
        report = gradcheck(lambda x, d=distance: (x - 1 + d).relu(), (1.0,))
        assert "slopes on its two sides differ" in repr(report)
    # Around a number close to 0 the steps are as small, and the slope is the one on its side.
    assert gradcheck(lambda x: x.relu(), (1e-9,)).compared == 1


def test_a_kink_hides_neither_a_wrong_rule_nor_a_nan():
    error = failure(lambda x: WRONG["a sign"](x.relu() + x), (1.0,))
    assert error.failures[0].suspects == ("cube",)
    error = failure(lambda x: (x * x).sqrt(), (0.0,))
    assert error.failures[0].suspects == ("sqrt",)
    assert "dsqrt/dx1 at x1 = 0.0 is inf" in str(error)


def test_the_second_derivative_has_a_kink_of_its_own():
    report = gradcheck(lambda x: x.relu() ** 2, (0.0,), order=2, exact=True)
    assert report.compared == 1
    assert report.skipped[0].name == "d2f/dx dx"


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("name", "x"),
    [("sqrt", 1e-9), ("sqrt", 1e-300), ("log", 1e-9), ("log", 1e-300), ("log1p", 1e-9 - 1), ("arcsin", 1 - 1e-3)],
)
def test_close_to_the_edge_of_the_domain(name: str, x: float, exact: bool):
    if name == "log1p" and not exact:
        assert gradcheck(OPERATIONS[name], (x,)).skipped[0].doubt  # no step of doubles fits into 1e-9
    else:
        assert gradcheck(OPERATIONS[name], (x,), exact=exact).compared == 1


@pytest.mark.parametrize("exact", [False, True])
def test_at_the_edge_of_the_domain(exact: bool):
    report = gradcheck(lambda x, y: x.sqrt() + y, (0.0, 1.0), exact=exact)
    assert (report.compared, len(report.skipped)) == (1, 1)
    assert "not defined" in repr(report)
    with pytest.raises(ValueError, match="log is not defined"):
        gradcheck(autograd.log, (0.0,))


W = Value(3.0, "w")
SHAPES: list[tuple[Any, Any, int, Any]] = [
    (lambda x: x * x, 3.0, 1, 6.0),
    (lambda x: x * x, (3,), 1, (6.0,)),
    (lambda x: x * x, [Value(3.0, "x")], 1, [6.0]),
    (lambda x, y: x * y, (2.0, 3.0), 2, (3.0, 2.0)),
    (lambda *xs: autograd.dot(xs, xs), (1.0, 2.0), 2, (2.0, 4.0)),
    (lambda xs: autograd.dot(xs, xs), ([1.0, 2.0],), 2, ([2.0, 4.0],)),
    (lambda w, b: w[0][0] * w[1][1] + b, ([[2.0, 0.0], [0.0, 4.0]], 1.0), 5, ([[4.0, 0.0], [0.0, 2.0]], 1.0)),
    (lambda a: (a @ a).sum(), (numpy.eye(2),), 4, ([[2.0, 2.0], [2.0, 2.0]],)),
    (lambda a: (a * 2).sum(), numpy.ones(3), 3, [2.0, 2.0, 2.0]),
    (lambda x, unused: x * 2, (1.0, 5.0), 2, (2.0, 0.0)),
    (lambda x: 7.0, (1.0,), 1, (0.0,)),
    (lambda x: x, (1.0,), 1, (1.0,)),
    (lambda x: W * x * x + W, (2.0,), 1, (12.0,)),
    (max, (2.0, 3.0), 2, (0.0, 1.0)),
]


@pytest.mark.parametrize(("f", "inputs", "count", "expected"), SHAPES)
def test_inputs_of_every_shape(f: Any, inputs: Any, count: int, expected: Any):
    for order in (1, 2):
        report = gradcheck(f, inputs, order, exact=True)
        assert (report.compared, report.skipped) == (count + (order == 2) * count**2, ())
    found = numerical_gradient(f, inputs)
    assert type(found) is type(expected)
    assert str(rounded(found)) == str(expected)


def rounded(x: Any) -> Any:
    return round(x, 8) + 0.0 if isinstance(x, float) else type(x)(map(rounded, x))


def test_several_results_and_their_names():
    report = gradcheck(lambda x, ys: [x * ys[0], (ys[1].exp(), x)], (2.0, [1.0, 0.5]), order=3)
    assert report.compared == 9 + 27 + 81
    error = failure(lambda x, ys: [x, WRONG["a sign"](ys[1])], (2.0, [1.0, 0.5]))
    assert [(c.name, c.place) for c in error.failures] == [("df[1]/dys[1]", "ys[1] = 0.5")]
    error = failure(lambda x: WRONG["a sign"](x), (Value(2.0, "speed"),))
    assert error.failures[0].name == "df/dspeed"


def test_nobody_s_grad_is_touched():
    w, x = Value(3.0), Value(2.0)
    w.grad, x.grad = 5.0, 7.0
    gradcheck(lambda x: (w * x).exp(), (x,), order=2, exact=True)
    failure(lambda x: WRONG["a sign"](w * x), (x,), order=2, exact=True)
    with autograd.no_grad():
        assert gradcheck(lambda x: w * x * x, (x,), order=2).compared == 2
    assert (w.grad, x.grad) == (5.0, 7.0)


# ------------------------------------------------------------------------------------------------- what is refused


def test_a_function_that_is_not_deterministic():
    calls = itertools.count()
    late = itertools.count()
    for f in (lambda x: x * next(calls), lambda x: [x] * (next(calls) + 1), lambda x: x * (1 + (next(late) > 20))):
        with pytest.raises(GradcheckError, match="f is not deterministic: at the same inputs it returned") as caught:
            gradcheck(f, (1.0,))
        assert "random.seed(0)" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "Orders are 1, 2", lambda: gradcheck(CUBE, (1.0,), order=0)),
        (ValueError, "Orders are 1, 2", lambda: gradcheck(CUBE, (1.0,), order=1.5)),  # type: ignore[arg-type]
        (ValueError, "Write order=1", lambda: gradcheck(CUBE, (1.0,), 2, gradient=lambda x: x)),
        (ValueError, "2 numbers, for 1 inputs", lambda: gradcheck(CUBE, (1.0,), gradient=lambda x: [x, x])),
        (TypeError, r"Write \(\[2.0, 3.0\],\)", lambda: gradcheck(lambda xs: xs[0], [2.0, 3.0])),
        (TypeError, "f returned None", lambda: gradcheck(lambda x: None, (1.0,))),
        (TypeError, "Expected a real number, got str", lambda: gradcheck(CUBE, ("1",))),
        (TypeError, "returns one number, got 2", lambda: numerical_gradient(lambda x: [x, x], 1.0)),
        (ValueError, "It is the step: positive", lambda: numerical_gradient(CUBE, 1.0, eps=0.0)),
        (TypeError, "autograd.exp.x., not math.exp.x.",
         lambda: gradcheck(named("own", lambda out, x: (out,), lambda x: math.exp(x)), (1.0,), exact=True)),
    ],
)  # fmt: skip
def test_errors_say_what_to_write(error: type[Exception], message: str, call: Callable[[], Any]):
    with pytest.raises(error, match=message) as caught:
        call()
    assert all(line.startswith("  ") for line in str(caught.value).splitlines()[1:])


def test_without_mpmath():
    program = (
        "import sys; sys.modules['mpmath'] = None\nfrom autograd.checking import gradcheck\n"
        "gradcheck(lambda x: x * x, (1.0,))\ntry: gradcheck(lambda x: x * x, (1.0,), exact=True)\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "Run: pip install mpmath" in done.stdout


def test_numerical_gradient():
    assert numerical_gradient(lambda x: x**3, 1.0, eps=0.5) == 3.25  # 3 + eps^2: nothing is extrapolated
    assert numerical_gradient(lambda x: x.exp(), 1.0) == pytest.approx(math.e, rel=1e-11)
    assert math.isnan(numerical_gradient(autograd.sqrt, 0.0))
    assert math.isnan(numerical_gradient(autograd.sqrt, 0.5, eps=1.0))
    assert numerical_gradient(autograd.relu, 0.0) == 0.5
