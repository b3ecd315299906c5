"""grad, value_and_grad, jacobian, hessian, jvp, hvp and operations of one's own: they nest to any order, take numbers,
sequences and arrays, leave nobody's `.grad` and no mode behind, cost what they promise, and say what was wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy
import pytest

import autograd
from autograd import Value, grad, hessian, hvp, jacobian, jvp, no_grad, operation, value_and_grad

inf, nan = math.inf, math.nan


def cube(x: Any) -> Any:
    return x * x * x


def rosenbrock(xs: Any) -> Any:
    return autograd.sum((1 - a) ** 2 + 100 * (b - a * a) ** 2 for a, b in pairwise(xs))


def engine_is_idle() -> bool:
    """Outside of every derivative and every mode: operations record, results are floats, log(0) raises."""
    recorded = (Value(2.0) * 3.0).parents != ()
    with pytest.raises(ValueError, match="log is not defined"):
        Value(0.0).log()
    return recorded and type(grad(cube)(1.0)) is float


@pytest.fixture(autouse=True)
def _no_state_is_left_behind():
    assert engine_is_idle()
    yield
    assert engine_is_idle()


# Nesting


NESTED = [
    ("the DESIGN page's", grad(lambda x: x * grad(lambda y: x * y)(1.0)), 2.0, 4.0),
    ("the inner one ignores the outer variable", grad(lambda x: x * grad(lambda y: y * y)(3.0)), 2.0, 6.0),
    ("the inner one at the outer variable", grad(lambda x: grad(cube)(x)), 2.0, 12.0),
    ("x + y inside of x", grad(lambda x: x * grad(lambda y: x + y)(1.0)), 1.0, 1.0),
    ("one variable shadows the other", grad(lambda x: x * grad(lambda x: x * x)(x)), 3.0, 12.0),
    ("inner at a function of the outer", grad(lambda x: grad(lambda y: x * x * y * y)(x * x)), 2.0, 8 * 2.0**3),
    ("three deep", grad(lambda x: x * grad(lambda y: y * grad(lambda z: x * y * z)(1.0))(x)), 2.0, 24.0),
    ("jvp inside of grad", grad(lambda x: x * jvp(lambda y: x * y, 1.0, 1.0)[1]), 2.0, 4.0),
    ("grad inside of jvp", lambda x: jvp(lambda x: x * grad(lambda y: x * y)(1.0), x, 1.0)[1], 2.0, 4.0),
    ("jvp inside of jvp", lambda x: jvp(lambda x: x * jvp(lambda y: x * y, 1.0, 1.0)[1], x, 1.0)[1], 2.0, 4.0),
    ("a tangent that depends on x", grad(lambda x: jvp(cube, 2.0, x)[1]), 5.0, 12.0),
    ("value_and_grad inside", grad(lambda x: sum(value_and_grad(cube)(x))), 2.0, 12.0 + 12.0),
    ("hvp inside of grad", grad(lambda x: hvp(lambda y: y**4, x, 1.0)), 2.0, 24 * 2.0),
    ("hessian inside of grad", grad(lambda x: hessian(lambda y: x * y**3)(x)), 2.0, 12 * 2.0),
    ("jacobian inside of grad", grad(lambda x: autograd.sum(jacobian(lambda y: [x * y, y * y])(x))), 2.0, 3.0),
    ("fourth derivative", grad(grad(grad(grad(lambda x: x**5)))), 2.0, 240.0),
    ("fourth derivative of exp", grad(grad(grad(grad(autograd.exp)))), 0.0, 1.0),
    ("fourth derivative of sin", grad(grad(grad(grad(autograd.sin)))), 0.5, math.sin(0.5)),
    ("fourth derivative of tanh at 0", grad(grad(grad(grad(autograd.tanh)))), 0.0, 0.0),
    ("third derivative of tanh at 0", grad(grad(grad(autograd.tanh))), 0.0, -2.0),
    ("fourth derivative of log", grad(grad(grad(grad(autograd.log)))), 2.0, -6 / 2.0**4),
]  # fmt: skip


@pytest.mark.parametrize(("derivative", "x", "expected"), [row[1:] for row in NESTED], ids=[row[0] for row in NESTED])
def test_derivatives_nest(derivative: Any, x: float, expected: float):
    result = derivative(x)
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-14, abs=1e-15)
    result = derivative(Value(x))
    assert type(result) is Value
    assert result.data == pytest.approx(expected, rel=1e-14, abs=1e-15)


def test_the_gradient_of_a_captured_value_is_a_constant_of_the_function():
    w = Value(3.0, "w")
    assert grad(lambda x: w * x * x)(2.0) == 12.0
    assert type(grad(lambda x: w * x * x)(2.0)) is float
    assert w.grad == 0.0


@pytest.mark.parametrize(
    "slope",
    [
        grad(cube),
        lambda w: value_and_grad(cube)(w)[1],
        lambda w: jvp(cube, w, 1.0)[1],
        lambda w: jvp(cube, 1.0, w)[1] * w,
        lambda w: grad(lambda x, c: c * x * x * x)(1.0, w) * w,
    ],
    ids=["grad", "value_and_grad", "jvp at a Value", "jvp along a Value", "a Value among the other arguments"],
)
def test_a_derivative_at_a_value_is_a_node_that_goes_back_to_it(slope: Any):
    """Each of these is 3 w^2."""
    w = Value(2.0)
    result = slope(w)
    assert result.data == 12.0
    result.backward()
    assert w.grad == 12.0


def test_a_keyword_argument_may_be_a_value():
    w = Value(5.0)
    slope = grad(lambda x, scale: scale * x * x)(2.0, scale=w)
    slope.backward()
    assert (slope.data, w.grad) == (20.0, 4.0)


def test_results_are_values_exactly_when_an_argument_is_one():
    for x, kind in [(2.0, float), (2, float), (numpy.float64(2.0), float), (Value(2.0), Value)]:
        value, slope = value_and_grad(cube)(x)
        assert type(value) is type(slope) is type(grad(cube)(x)) is kind
        assert type(hessian(cube)(x)) is type(hvp(cube, x, 1.0)) is kind
        assert set(map(type, jvp(cube, x, 1.0))) == {kind}
        assert [type(y) for row in jacobian(lambda xs: [xs[0], 1.0])([x, 1.0]) for y in row] == [kind] * 4


# Shapes of arguments


def test_value_and_grad_is_the_value_and_grad():
    assert value_and_grad(cube)(2.0) == (8.0, 12.0)
    assert value_and_grad(rosenbrock)([1.0, 2.0]) == (100.0, grad(rosenbrock)([1.0, 2.0]))


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 12.0), (1, [2.0, 4.0]), (-1, [2.0, 4.0]), ((0,), (12.0,)), ((1, 0), ([2.0, 4.0], 12.0)), ((), ())],
    ids=str,
)
def test_argnums(argnums: Any, expected: Any):
    assert grad(lambda x, ys: x * ys[0] + x**2 * ys[1], argnums)(2.0, [0.0, 3.0]) == expected


def test_blocks_for_several_arguments():
    def f(x: Any, ys: Any) -> Any:
        return x * ys[0] + x**2 * ys[1] * ys[0]

    x, ys = 2.0, [0.5, 3.0]
    assert jacobian(lambda x, ys: [x * ys[0], ys[1] - x], (0, 1))(x, ys) == ([3 / 6, -1.0], [[2.0, 0.0], [0.0, 1.0]])
    blocks = hessian(f, (0, 1))(x, ys)
    # d2f/dx2 = 2 y0 y1; d2f/dx dy = (1 + 2 x y1, 2 x y0); d2f/dy2 = [[0, x^2], [x^2, 0]]
    assert blocks == ((3.0, [13.0, 2.0]), ([13.0, 2.0], [[0.0, 4.0], [4.0, 0.0]]))
    a, b = [1.0, 2.0], [3.0, 4.0, 5.0]
    ((_, ab), (ba, _)) = hessian(lambda a, b: a[0] * b[0] + 2 * a[1] * b[2], (0, 1))(a, b)
    assert ab == [[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]  # a row for each of a, a column for each of b
    assert ba == [[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]
    assert jacobian(lambda x: [], 0)(1.0) == []


def test_a_dictionary_is_no_sequence_of_numbers_but_may_be_a_setting():
    with pytest.raises(TypeError, match=r"Write list\(numbers.values\(\)\)"):
        grad(lambda v: v[0] * v[1])({0: 2.0, 1: 3.0})
    assert grad(lambda x, settings: x * settings["factor"])(1.0, {"factor": 3.0}) == 3.0


@pytest.mark.parametrize(
    "xs",
    [
        [1.0, 2.0, 4.0],
        (1.0, 2.0, 4.0),
        [1, 2, 4],
        numpy.array([1.0, 2.0, 4.0]),
        numpy.array([1, 2, 4]),
        numpy.array([1.0, 2.0, 4.0], dtype=numpy.float32),
    ],
    ids=["list", "tuple", "ints", "array", "array of ints", "array of float32"],
)
def test_sequences_and_arrays(xs: Any):
    def f(xs: Any) -> Any:
        return xs[0] * xs[1] + xs[1] * xs[2]

    assert grad(f)(xs) == [2.0, 5.0, 2.0]
    assert hessian(f)(xs) == [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    assert jacobian(lambda xs: [xs[2], xs[0] * xs[0]])(xs) == [[0.0, 0.0, 1.0], [2.0, 0.0, 0.0]]


def test_arrays_reach_the_function_as_arrays():
    """So that NumPy's own arithmetic and methods serve: they call the operations of the elements."""
    x = numpy.array([[1.0, 2.0], [3.0, 4.0]])
    assert grad(lambda x: (x @ x).sum())(x) == (numpy.add.outer(x.sum(axis=1), x.sum(axis=0)).T).tolist()
    assert grad(lambda x: numpy.exp(x[0]).sum())(x) == [[math.exp(1.0), math.exp(2.0)], [0.0, 0.0]]
    assert x.dtype == float
    assert jvp(lambda x: x * x, x, numpy.ones((2, 2)))[1] == (2 * x).tolist()


def test_nested_sequences_keep_their_shape():
    def f(layers: Any) -> Any:
        return autograd.sum(w * w for layer in layers for w in layer)

    assert grad(f)([[1.0, 2.0], [3.0]]) == [[2.0, 4.0], [6.0]]
    assert grad(f)([[], [3.0]]) == [[], [6.0]]


def test_derivatives_of_several_results():
    def f(xs: Any) -> Any:
        return [xs[0] * xs[1], xs[0] + 0.0, 7.0]

    assert jacobian(f)([2.0, 3.0]) == [[3.0, 2.0], [1.0, 0.0], [0.0, 0.0]]
    assert jacobian(cube)(2.0) == 12.0
    assert jacobian(lambda x: [x, x * x])(3.0) == [1.0, 6.0]
    assert jvp(f, [2.0, 3.0], [1.0, 10.0]) == ([6.0, 2.0, 7.0], [23.0, 1.0, 0.0])


def test_hvp_is_the_hessian_times_a_vector():
    x, v = [0.5, -1.5, 2.0, 0.25], [1.0, 0.0, -2.0, 3.0]
    expected = [autograd.dot(row, v) for row in hessian(rosenbrock)(x)]
    assert hvp(rosenbrock, x, v) == pytest.approx(expected, rel=1e-13)
    assert hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 10.0)) == [46.0, 4.0]  # [[2y, 2x], [2x, 0]] v
    assert hvp(cube, 2.0, 10.0) == 120.0


def test_one_leaf_in_two_arguments_keeps_two_derivatives():
    x = Value(3.0)
    by_first, by_second = grad(lambda a, b: a * a * b, (0, 1))(x, x)
    assert (by_first.data, by_second.data) == (18.0, 9.0)


# Functions that do not depend on their input


@pytest.mark.parametrize(
    "f",
    [lambda x: 7.0, lambda x: 7, lambda x: Value(7.0), lambda x: autograd.stop_gradient(x) * 3.5],
    ids=["float", "int", "Value", "stop_gradient"],
)
def test_constant_functions_have_derivative_zero(f: Any):
    assert value_and_grad(f)(2.0) == (7.0, 0.0)
    assert hessian(f)(2.0) == 0.0
    assert jacobian(lambda xs: [f(xs[0])])([2.0, 1.0]) == [[0.0, 0.0]]
    assert jvp(f, 2.0, 5.0) == (7.0, 0.0)
    assert hvp(f, 2.0, 5.0) == 0.0
    at_a_value = grad(f)(Value(2.0))
    assert (type(at_a_value), at_a_value.data) == (Value, 0.0)


def test_the_identity_function():
    assert value_and_grad(lambda x: x)(2.0) == (2.0, 1.0)
    assert jvp(lambda x: x, 2.0, 5.0) == (2.0, 5.0)
    assert hessian(lambda x: x)(2.0) == 0.0


def test_an_input_that_is_not_used_has_derivative_zero():
    assert grad(lambda xs: xs[1] * 2.0)([1.0, 2.0, 3.0]) == [0.0, 2.0, 0.0]
    assert hessian(lambda xs: xs[1] ** 2)([1.0, 2.0]) == [[0.0, 0.0], [0.0, 2.0]]


# Nothing else is touched


def test_nobodys_grad_is_touched():
    w = Value(3.0)
    inner = w * 2.0
    inner.backward()
    x = Value(2.0)
    outside = x * x
    before = [node.grad for node in (w, inner, x, outside)]
    for derive in (
        lambda: grad(lambda a: a * inner * w)(x),
        lambda: grad(lambda a: a * inner * w)(outside),
        lambda: hessian(lambda a: a * a * inner)(x),
        lambda: jacobian(lambda xs: [xs[0] * inner, xs[1] * w])([x, 1.0]),
        lambda: jvp(lambda a: a * inner, x, w),
        lambda: hvp(lambda a: a * a * inner, x, w),
    ):
        derive()
        assert [node.grad for node in (w, inner, x, outside)] == before == [2.0, 1.0, 0.0, 0.0]


def test_backward_inside_of_a_function_reaches_its_own_leaves_only():
    w = Value(3.0)

    def f(x: Any) -> Any:
        (w * w).backward()
        return x * x

    assert grad(f)(2.0) == 4.0
    assert w.grad == 6.0


def test_derivatives_inside_of_no_grad():
    """A derivative records for itself what it needs, and leaves no_grad on."""
    with no_grad():
        assert grad(cube)(2.0) == 12.0
        assert grad(grad(cube))(2.0) == 12.0
        assert hessian(rosenbrock)([1.0, 1.0]) == [[802.0, -400.0], [-400.0, 200.0]]
        assert jvp(cube, 2.0, 1.0) == (8.0, 12.0)
        assert hvp(cube, 2.0, 1.0) == 12.0
        assert (Value(2.0) * 3.0).parents == ()


def test_no_grad_inside_of_a_function_makes_a_constant():
    def f(x: Any) -> Any:
        with no_grad():
            factor = x * x
        return factor * x

    assert value_and_grad(f)(3.0) == (27.0, 9.0)


@pytest.mark.parametrize(
    "derive",
    [grad, value_and_grad, jacobian, hessian, lambda f: lambda x: jvp(f, x, 1.0), lambda f: lambda x: hvp(f, x, 1.0)],
    ids=["grad", "value_and_grad", "jacobian", "hessian", "jvp", "hvp"],
)
def test_a_function_that_raises_midway_leaves_the_engine_as_it_was(derive: Any):
    """`_no_state_is_left_behind` looks at the modes afterwards."""
    w = Value(3.0)

    def f(x: Any) -> Any:
        grad(lambda y: y * x)(1.0)
        with no_grad():
            w * x
        raise LookupError("midway")

    with pytest.raises(LookupError, match="midway"):
        derive(f)(2.0)
    with pytest.raises(ValueError, match=r"^log is not defined at -1\.0"):
        derive(lambda x: (x * w).log())(-1 / 3)
    assert engine_is_idle()
    assert w.grad == 0.0


# Singular points


SINGULAR = [
    ("sqrt", autograd.sqrt, 0.0, inf, -inf),
    ("x ** 0.5", lambda x: x**0.5, 0.0, inf, -inf),
    ("x ** 1.5", lambda x: x**1.5, 0.0, 0.0, inf),
    ("arcsin at 1", autograd.arcsin, 1.0, inf, inf),
    ("arcsin at -1", autograd.arcsin, -1.0, inf, -inf),
    ("arccos at 1", autograd.arccos, 1.0, -inf, -inf),
    ("x ** 200, which overflows when derived", lambda x: x**200, 34.6, inf, inf),
    ("1 / x, which does", lambda x: 1 / x, 1e-200, -inf, inf),
]


@pytest.mark.parametrize(("f", "x", "first", "second"), [r[1:] for r in SINGULAR], ids=[r[0] for r in SINGULAR])
def test_singular_points_give_the_limit_and_raise_nothing(f: Any, x: float, first: float, second: float):
    assert grad(f)(x) == jvp(f, x, 1.0)[1] == first
    assert grad(f)(Value(x)).data == first
    assert grad(grad(f))(x) == hvp(f, x, 1.0) == hessian(f)(x) == second


def test_nan_stays_nan():
    for f in (autograd.relu, autograd.absolute, autograd.tanh, cube):
        assert math.isnan(grad(f)(nan))
        assert math.isnan(jvp(f, nan, 1.0)[1])


# Cost


@pytest.mark.parametrize("n", [2, 50])
def test_passes_do_not_depend_on_the_number_of_inputs(n: int):
    """Counted: how often the forward and the derivative of one operation, called once for each input, are evaluated."""
    calls: Counter[str] = Counter()

    def square_derivative(out: Any, x: Any) -> Any:
        calls["derivative"] += 1
        return (2 * x,)

    @operation(square_derivative)
    def square(x: Any) -> Any:
        calls["forward"] += 1
        return x * x

    def f(xs: Any) -> Any:
        calls["f"] += 1
        return autograd.sum(map(square, xs))

    def counted(compute: Any) -> tuple[float, float, float]:
        calls.clear()
        compute()
        return calls["f"], calls["forward"] / n, calls["derivative"] / n

    x, v = [1.0] * n, [2.0] * n
    assert counted(lambda: grad(f)(x)) == (1, 1, 1)
    assert counted(lambda: value_and_grad(f)(x)) == (1, 1, 1)
    assert counted(lambda: jvp(f, x, v)) == (1, 1, 1)
    assert counted(lambda: hvp(f, x, v)) == (1, 1, 1)


# Errors: what happened, why, and what to write


def two_results(xs: Any) -> Any:
    return [xs[0], xs[1]]


ERRORS = [
    ("several results", lambda: grad(two_results)([1.0, 2.0]), TypeError,
     ["grad needs a function that returns one number, got list", "Write autograd.jacobian(f)"]),
    ("an array", lambda: grad(lambda x: x)(numpy.array([1.0, 2.0])), TypeError, ["got ndarray", "autograd.jacobian"]),
    ("None", lambda: grad(lambda x: None)(1.0), TypeError, ["Expected a real number, got NoneType"]),
    ("text", lambda: grad(lambda x: "7")(1.0), TypeError, ["Expected a real number, got str"]),
    ("a complex number", lambda: grad(lambda x: 1j)(1.0), TypeError,
     ["got complex", "Write z.real or z.imag"]),
    ("no such argument", lambda: grad(cube, 1)(2.0), TypeError, ["argnums=1 names no argument", "called with 1"]),
    ("no such argument from the end", lambda: grad(cube, -2)(2.0), TypeError,
     ["argnums=-2 names no argument"]),
    ("an argument that is no number", lambda: grad(cube)(None), TypeError, ["Expected a real number, got NoneType"]),
    ("text among the arguments", lambda: grad(cube)("2"), TypeError, ["got str", "Write float(text)"]),
    ("fewer tangents than inputs", lambda: jvp(rosenbrock, [1.0, 2.0], [1.0]), ValueError,
     ["one tangent for each input", "1 for 2 inputs"]),
    ("more tangents than inputs", lambda: hvp(rosenbrock, [1.0, 2.0], [1.0] * 3), ValueError, ["3 for 2 inputs"]),
    ("math.exp inside", lambda: grad(math.exp)(1.0), TypeError, ["would lose the gradient", "autograd.exp(v)"]),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "said"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_errors_say_what_and_why_and_what_to_write(wrong: Any, error: type[Exception], said: list[str]):
    with pytest.raises(error) as raised:
        wrong()
    for words in said:
        assert words in str(raised.value)


# Operations of one's own


@operation(lambda out, x: (3 * x * x,))
def cubed(x: Any) -> Any:
    """x^3, one operand."""
    return x * x * x


@operation(lambda out, a, b: (2 * a * b, a * a))
def a_squared_b(a: Any, b: Any) -> Any:
    return a * a * b


@operation(lambda out, a, b, c: (b * c, a * c, a * b))
def product(a: Any, b: Any, c: Any) -> Any:
    return a * b * c


@operation(lambda out, x: (math.cos(x),))
def sine_once(x: Any) -> Any:
    return math.sin(x)


@operation(lambda out, a, b: (1.0,))
def one_partial_short(a: Any, b: Any) -> Any:
    return a + b


@operation(lambda out, x: 3 * x * x)  # type: ignore[arg-type,return-value]
def no_tuple(x: Any) -> Any:
    return x * x * x


@pytest.mark.parametrize(
    ("f", "operands", "value", "gradient", "hessian_rows"),
    [
        (cubed, [2.0], 8.0, [12.0], [[12.0]]),
        (a_squared_b, [2.0, 3.0], 12.0, [12.0, 4.0], [[6.0, 4.0], [4.0, 0.0]]),
        (product, [2.0, 3.0, 5.0], 30.0, [15.0, 10.0, 6.0], [[0.0, 5.0, 3.0], [5.0, 0.0, 2.0], [3.0, 2.0, 0.0]]),
    ],
    ids=["one operand", "two operands", "three operands"],
)
def test_operations_of_ones_own(f: Any, operands: Any, value: float, gradient: Any, hessian_rows: Any):
    assert f(*operands) == value
    assert type(f(*map(int, operands))) is float
    leaves = [Value(x) for x in operands]
    node = f(*leaves)
    assert (node.data, node.operation, node.parents) == (value, f, tuple(leaves))
    node.backward()
    assert [leaf.grad for leaf in leaves] == gradient
    assert grad(f, tuple(range(len(operands))))(*operands) == tuple(gradient)
    assert hessian(lambda xs: f(*xs))(operands) == hessian_rows
    value_again, pushed = jvp(f, tuple(operands), tuple([1.0] * len(operands)))
    assert (value_again, pushed) == (value, sum(gradient))


def test_an_operation_of_ones_own_beside_plain_numbers_and_itself():
    x = Value(2.0)
    y = product(x, 3.0, x) + cubed(cubed(x)) + a_squared_b(x, x)
    y.backward()
    assert y.data == 12.0 + 512.0 + 8.0
    assert x.grad == 2 * 3 * 2.0 + 9 * 2.0**8 + 3 * 2.0**2
    assert grad(grad(grad(grad(cubed))))(2.0) == 0.0
    assert grad(grad(grad(cubed)))(2.0) == 6.0


def test_an_operation_of_ones_own_keeps_its_name_and_its_words():
    assert cubed.name == cubed.__name__ == "cubed"
    assert cubed.__doc__ == "x^3, one operand."
    assert repr(cubed) == "<operation cubed>"


def test_a_derivative_written_for_floats_serves_once():
    x = Value(0.5)
    sine_once(x).backward()
    assert x.grad == grad(sine_once)(0.5) == math.cos(0.5)
    with pytest.raises(TypeError) as raised:
        grad(grad(sine_once))(0.5)
    what, why, remedy = str(raised.value).split("\n")
    assert what.startswith("The derivative of sine_once cannot be differentiated again: float(v), and so math.exp(v)")
    assert why == "  Higher derivatives run it on Values."
    assert remedy == "  Write it with the engine's functions: autograd.exp(x), not math.exp(x)."


@pytest.mark.parametrize("f", [one_partial_short, no_tuple], ids=["one partial short", "no tuple"])
def test_wrong_partials_are_named(f: Any):
    leaves = [Value(2.0) for _ in range(2 if f is one_partial_short else 1)]
    node = f(*leaves)
    for differentiate in (node.backward, lambda: grad(f)(*[2.0] * len(leaves))):
        with pytest.raises(TypeError) as raised:
            differentiate()
        message = str(raised.value)
        assert message.startswith(f"The derivative of {f.name} returned ")
        assert f"for {len(leaves)} operand(s)" in message
        assert "(3 * x * x,) for one operand, lambda out, a, b: (b, a) for two." in message
    assert [leaf.grad for leaf in leaves] == [0.0] * len(leaves)


def test_an_operation_of_ones_own_that_raises_names_itself():
    @operation(lambda out, x: (1 / x,))
    def reciprocal_log(x: Any) -> Any:
        return math.log(x)

    for call in (lambda: reciprocal_log(-1.0), lambda: reciprocal_log(Value(-1.0)), lambda: grad(reciprocal_log)(-1.0)):
        with pytest.raises(ValueError, match=r"^reciprocal_log failed at -1\.0"):
            call()


def test_a_derivative_of_ones_own_that_divides_by_zero_follows_ieee():
    @operation(lambda out, x: (0.5 / out,))
    def root(x: Any) -> Any:
        return autograd.sqrt(x)

    x = Value(0.0)
    root(x).backward()
    assert x.grad == grad(root)(0.0) == inf
