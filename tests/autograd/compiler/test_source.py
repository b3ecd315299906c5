"""to_python and to_c: the printed source computes what the engine computes, and labels never become code."""

from __future__ import annotations

import ctypes
import itertools
import keyword
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import autograd
from autograd import OPERATIONS, Value, where
from autograd.compiler.identifiers import RESERVED_FUNCTIONS, identifier
from autograd.compiler.source import to_c, to_python
from autograd.tracing import Tape

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]
Result = tuple[list[float], list[list[float]]]  # the outputs; for each the derivatives by inputs and parameters
HOSTILE = [
    'x; system("rm")', "*/ #include <stdlib.h>", "int", "lambda", "été", "", "\n", "2x", "exp", "v1", "x_bar", "f_out",
    "y" * 10_000, "h", "h", "h_bar", "_Reserved", "__init__", "parameters", "inputs_bar", "relu", "op_relu", "t1", "f",
    "f_value_and_grad", "f_parameters", "class", "None", "linux", "NAN", "M_PI", "a\\\nb", "%d {0}", '"""', "???/",
    "x0", "p0", "\0", "\u202e", "σ", "math", "abs", "y0", "main", "register", "true", "long double", "//", "\\",
    "h_2",
]  # fmt: skip


@autograd.operation(lambda out, x: (3 * x * x,))
def cube(x):
    return x * x * x


@autograd.operation(lambda out, x: (-1.0,))
def reverse(x):
    return x


@autograd.operation(lambda out, x, y: (y * autograd.cos(x), autograd.sin(x)))
def wave(x, y):
    return y * autograd.sin(x)


def traced(function: Callable[..., Any], n: int) -> tuple[Tape, list[int]]:
    tape = Tape()
    result = function(*[tape.input(place) for place in range(n)])
    results = result if isinstance(result, (list, tuple)) else [result]
    return tape, [tape.lift(number) for number in results]


def eager(function: Callable[..., Any], point: Sequence[float], parameters: Sequence[Value]) -> Result:
    outputs, gradients = [], []
    for place in itertools.count():
        inputs = [Value(x) for x in point]
        results = function(*inputs)
        results = results if isinstance(results, (list, tuple)) else [results]
        if place == len(results):
            return outputs, gradients
        for parameter in parameters:
            parameter.grad = 0.0
        output = results[place]
        if isinstance(output, Value):
            output.backward()
        outputs.append(float(output.data if isinstance(output, Value) else output))
        gradients.append([leaf.grad for leaf in (*inputs, *parameters)])


def from_python(text: str, point: Sequence[float], name: str = "f") -> Result:
    scope: dict[str, Any] = {}
    exec(compile(text, "source", "exec"), scope)
    if f"{name}_value_and_grad" in scope:
        value, *gradient = scope[f"{name}_value_and_grad"](*point)
        assert scope[name](*point) == value or value != value
        return [value], [[bar for group in gradient for bar in group]]
    outputs, gradients = scope[name](*point), []
    for place in range(len(outputs)):
        again, *gradient = scope[f"{name}_vjp"](*point, [float(i == place) for i in range(len(outputs))])
        assert again == outputs
        gradients.append([bar for group in gradient for bar in group])
    return outputs, gradients


class Compiled(NamedTuple):
    """The source compiled as C; a call gives what `eager` gives."""

    library: ctypes.CDLL
    n_inputs: int
    n_parameters: int
    n_outputs: int
    name: str = "f"

    def __call__(self, point: Sequence[float], parameters: Sequence[float] | None = None) -> Result:
        numbers = map(ctypes.c_double, point)
        inputs = list(numbers) if self.n_inputs <= 16 else [array(point)]
        live = [None if parameters is None else array(parameters)] if self.n_parameters else []
        bars = [array([math.nan] * n) for n in (self.n_inputs, self.n_parameters) if n]
        if self.n_outputs == 1:
            value, gradient = self._function(self.name), self._function(f"{self.name}_value_and_grad")
            outputs = [value(*inputs, *live)]
            assert gradient(*inputs, *live, *bars) == outputs[0] or outputs[0] != outputs[0]
            return outputs, [[bar for group in bars for bar in group]]
        outputs, again, gradients = array([0.0] * self.n_outputs), array([0.0] * self.n_outputs), []
        self._function(self.name)(*inputs, *live, outputs)
        for place in range(self.n_outputs):
            seeds = array([float(i == place) for i in range(self.n_outputs)])
            self._function(f"{self.name}_vjp")(*inputs, seeds, *live, again, *bars)
            gradients.append([bar for group in bars for bar in group])
            assert list(again) == list(outputs)
        return list(outputs), gradients

    def _function(self, name: str) -> Any:
        function = self.library[name]
        function.restype = ctypes.c_double if self.n_outputs == 1 else None
        return function


def array(numbers: Sequence[float]) -> Any:
    return (ctypes.c_double * len(numbers))(*numbers)


def built(text: str, directory: Path, compiler: str) -> ctypes.CDLL:
    source, library = directory / "f.c", directory / f"f_{compiler}.so"
    source.write_text(text, encoding="ascii")
    for extra in (["-c", "-o", str(directory / "f.o")], ["-O1", "-shared", "-fPIC", "-o", str(library), "-lm"]):
        run = subprocess.run([compiler, *STRICT, str(source), *extra], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    return ctypes.CDLL(str(library))


def assert_close(found: Result, expected: Result) -> None:
    assert len(found[0]) == len(expected[0]) and len(found[1]) == len(expected[1])
    for numbers, right in zip([found[0], *found[1]], [expected[0], *expected[1]]):
        assert numbers == pytest.approx(right, rel=1e-12, abs=1e-14, nan_ok=True)


@pytest.fixture(params=["gcc", "clang"])
def compiler(request):
    if request.param not in COMPILERS:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def short(label: object) -> str:
    return ascii(label)[:30]


# ------------------------------------------------------------------------------------------------ functions and points

W = [Value(x, f"w{i}") for i, x in enumerate([0.5, -1.25, 2.0, 0.1, -0.7, 1.0 / 3.0, -2e-3, 1.75, 0.9])]
SIMPLE = [
    name for name, op in OPERATIONS.items() if len(op.example) == 2 and not op.parameters and name != "leaky_relu"
]


def elementwise(x, y):
    """All operations of one operand, each at a number where it is defined."""
    inside = {"arcsin": 0.9, "arccos": -0.8}
    positive = ("log", "sqrt", "log1p")
    terms = [
        OPERATIONS[name](inside.get(name, 1.0) * autograd.sin(x) if name not in positive else autograd.exp(x) + 0.5)
        for name in SIMPLE
        if name not in ("logsumexp", "log_softmax")
    ]
    return autograd.sum(terms) * y + autograd.absolute(x) ** y


def binary(x, y):
    return autograd.maximum(x, y) * autograd.minimum(x, 2 * y) + (x * x + 1) ** y / (y - 0.3) - 3 / x - (2.0**x - -y)


def powers(x, y):
    return x**2 + y**3 - (x * x + 1.0) ** -1.5 + (y * y) ** 0.7 + x**5 + (x * x) ** 0.5 + x**-2 + autograd.power(2.5, y)


def choices(x, y):
    log = where(x > 0, lambda: autograd.log(x) * y, lambda: x - y)
    root = where(y >= 1, lambda: where(x >= 1, lambda: autograd.sqrt(x - 1 + 1e-3), lambda: 1 / (x - 1)), lambda: 3 * y)
    unused = where(x <= 0, lambda: autograd.exp(-100 * x) * 0.0 + x, lambda: x)
    return log + root * where(x < y, 2.0, where(x >= 0.5, 5.0, y)) + where(y < 0, unused, x)


def flags(x, y):
    return x * (y > 0) + where(x, y, 1.0) + (x < y) * (x * y)


def network(x, y):
    hidden = []
    for i in range(2):
        h = autograd.tanh(W[3 * i] * x + W[3 * i + 1] * y + W[3 * i + 2])
        h.label = f"h[{i}]"
        hidden.append(h)
    z = W[6] * hidden[0] + W[7] * hidden[1] + W[8]
    z.label = "z"
    loss = autograd.softplus(-z) + autograd.leaky_relu(z, 0.2) + 1e-3 * autograd.sum([w * w for w in W])
    loss.label = "loss"
    return loss


def several(x, y):
    z = autograd.sigmoid(x) * W[0]
    return z, z * y, x, 3.0, z, where(y > 0, z, lambda: autograd.exp(y)), W[1]


def rules(x, y):
    made = cube(x) + wave(x, y) * reverse(y) + reverse(x)
    return made + autograd.logsumexp([x, y, x * y]) * autograd.log_softmax([x, y])[0] + autograd.softmax([y, x])[1]


def frozen(x, y):
    s = autograd.stop_gradient(x * y)
    s.label = "s"
    return s * x + autograd.stop_gradient(x) * y


def extreme(x, y):
    return x * 1e-300 * 1e300 + 5e-324 * y + where(x > math.inf, math.nan, -0.0) + autograd.minimum(y, math.inf)


FUNCTIONS = {
    "elementwise": elementwise, "binary": binary, "powers": powers, "choices": choices, "flags": flags,
    "network": network, "several": several, "rules": rules, "frozen": frozen, "extreme": extreme,
    "an input": lambda x, y: y, "a constant": lambda x, y: 2.5, "a parameter": lambda x, y: W[0],
    "no input used": lambda x, y: W[0] * W[1], "a comparison": lambda x, y: x > y, "identity": lambda x, y: +x - (-y),
    "one rule": lambda x, y: reverse(x), "sums": lambda x, y: x - (y - (x + y)) - (-x) * (x / (y / x)) - (-(x * y)),
}  # fmt: skip
POINTS = [(0.7, -1.3), (-0.4, 1.6), (1.9, 2.2), (-2.5, -0.2), (1.0 / 3.0, 1.0)]


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_python_computes_what_the_engine_computes(function):
    tape, outputs = traced(function, 2)
    text = to_python(tape, outputs, 2)
    for point in POINTS:
        assert_close(from_python(text, point), eager(function, point, tape.parameters))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_c_compiles_alone_without_a_warning_and_computes_what_the_engine_computes(function, compiler, tmp_path):
    tape, outputs = traced(function, 2)
    run = Compiled(built(to_c(tape, outputs, 2), tmp_path, compiler), 2, len(tape.parameters), len(outputs))
    for point in POINTS:
        assert_close(run(point), eager(function, point, tape.parameters))


def test_many_inputs_are_an_array_in_c(compiler, tmp_path):
    def function(*xs):
        return autograd.sum([x * x * (i + 1) for i, x in enumerate(xs[:-1])])

    tape, outputs = traced(function, 20)
    point = [0.1 * i - 1 for i in range(20)]
    run = Compiled(built(to_c(tape, outputs, 20), tmp_path, compiler), 20, 0, 1)
    assert_close(run(point), eager(function, point, []))
    assert_close(from_python(to_python(tape, outputs, 20), point), eager(function, point, []))


def test_parameters_have_their_numbers_as_default_and_can_be_given(compiler, tmp_path):
    w = Value(0.1, "w")
    tape, outputs = traced(lambda x: autograd.exp(w * x), 1)
    run = Compiled(built(to_c(tape, outputs, 1), tmp_path, compiler), 1, 1, 1)
    scope: dict[str, Any] = {}
    exec(to_python(tape, outputs, 1), scope)
    assert run([2.0])[0] == [scope["f"](2.0)] == [pytest.approx(math.exp(0.2), rel=1e-15)]
    assert run([2.0], [3.0])[0] == [scope["f"](2.0, parameters=[3.0])] == [pytest.approx(math.exp(6.0), rel=1e-15)]
    assert scope["f_value_and_grad"](2.0, parameters=[3.0])[1:] == ([3 * math.exp(6.0)], [2 * math.exp(6.0)])


def test_every_double_is_exact(compiler, tmp_path):
    numbers = [0.1, 1.0 / 3.0, 5e-324, -1.7976931348623157e308, -0.0, math.inf, -math.inf, math.nan, 1e22, 123456789.0]
    tape, outputs = traced(lambda: list(numbers), 0)
    run = Compiled(built(to_c(tape, outputs, 0), tmp_path, compiler), 0, 0, len(numbers))
    outputs_of_c = array([1.0] * len(numbers))
    run._function("f")(outputs_of_c)
    assert list(map(repr, outputs_of_c)) == list(map(repr, numbers))
    scope: dict[str, Any] = {}
    exec(to_python(tape, outputs, 0), scope)
    assert list(map(repr, scope["f"]())) == list(map(repr, numbers))


def test_the_branch_that_is_not_taken_is_not_computed_in_python():
    def function(x):
        root = where(x > 0, lambda: autograd.log(x) / autograd.sqrt(x), lambda: where(x < -1, lambda: 1 / (x + 1), x))
        return autograd.exp(root)

    tape, outputs = traced(function, 1)
    for point in ([0.5], [0.0], [-1.0], [-2.0]):
        assert_close(from_python(to_python(tape, outputs, 1), point), eager(function, point, []))


def test_a_step_that_two_choices_by_one_condition_share_is_not_computed_where_none_takes_it():
    def function(x):
        return where(x > 0, lambda: autograd.sqrt(x), 0.0) + where(x > 0, lambda: 2 * autograd.sqrt(x), x)

    tape, outputs = traced(function, 1)
    for point in ([0.5], [0.0], [-1.0]):
        assert_close(from_python(to_python(tape, outputs, 1), point), eager(function, point, []))


def test_choices_nest_deeper_than_python_can_indent(compiler, tmp_path):
    def function(x):
        result = x
        for i in reversed(range(30)):
            result = where(x < i, lambda i=i: x * (i + 1), lambda result=result: result * 1.0 + 0.5)
        return result

    tape, outputs = traced(function, 1)
    run = Compiled(built(to_c(tape, outputs, 1), tmp_path, compiler), 1, 0, 1)
    for point in ([-0.5], [20.25], [28.5], [200.0]):
        expected = eager(function, point, [])
        assert_close(from_python(to_python(tape, outputs, 1), point), expected)
        assert_close(run(point), expected)


def deep(count: int) -> Callable[[Any], Any]:
    """sqrt(count - x) in the innermost of so many choices, and logarithms that are not defined there."""

    def choice(x: Any, k: int) -> Any:
        if k == count:
            return autograd.sqrt(count - x)
        return where(x > k - count, lambda: choice(x, k + 1), lambda: autograd.log(-x) * k)

    return lambda x: choice(x, 0)


@pytest.mark.parametrize("count", [22, 60])
def test_no_branch_is_computed_that_is_not_taken_however_deep_it_is(count):
    text = to_python(*traced(deep(count), 1), 1)
    for point in ([0.5], [-0.5], [-1.5], [-7.25], [2.0 - count], [-count - 1.0], [0.0], [float(count)]):
        assert_close(from_python(text, point), eager(deep(count), point, []))
    scope: dict[str, Any] = {}
    exec(text, scope)
    for name in ("f", "f_value_and_grad"):
        with pytest.raises(ValueError, match="domain"):
            scope[name](count + 1.0)


SHARED = {
    "in two choices": lambda x, y: (
        where(x > 0, lambda: autograd.log(x), 0.0) + where(x > 1, lambda: autograd.log(x) * y, y)
    ),
    "in three choices": lambda x, y: (
        where(x > 0, lambda: 1 / x, 0.0) + where(y > 0, lambda: y / x, 1.0) * where(x > y, lambda: 1 / x + y, 2.0)
    ),
    "in both sides of one": lambda x, y: where(x > 0, lambda: autograd.sqrt(x + y), lambda: 2 * autograd.sqrt(x + y)),
    "by a condition": lambda x, y: where(y > 0, lambda: where(autograd.log(y) > 0, lambda: autograd.log(y) / x, x), x),
    "a negative branch": lambda x, y: where(x > 0, lambda: where(y > 0, -x, 0.0), y),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_choices_share_is_computed_where_one_of_them_takes_it(name):
    function = SHARED[name]
    text = to_python(*traced(function, 2), 2)
    for point in itertools.product([-2.0, -1.0, 0.5, 1.0, 3.0], repeat=2):
        try:
            expected = eager(function, point, [])
        except (ArithmeticError, ValueError) as error:
            with pytest.raises(type(error)):
                from_python(text, point)
        else:
            assert_close(from_python(text, point), expected)


SINGULAR: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "sqrt": (autograd.sqrt, [0.0, 4.0]),
    "a root": (lambda x: (x * x) ** 0.5 + x**1.5, [0.0, 1.0]),
    "arcsin": (autograd.arcsin, [1.0, -1.0, 0.5]),
    "arccos": (lambda x: autograd.arccos(x) * 2, [1.0, -1.0]),
    "a power": (lambda x: x**0.25 + (2 - x) ** 2.5, [0.0, 2.0, 1.0]),
    "of a power": (lambda x: autograd.power(x, autograd.sqrt(x)), [0.0, 1.0]),
    "where a root is taken": (lambda x: where(x >= 0, lambda: autograd.sqrt(x) * 3, 1.0), [0.0, -1.0, 1.0]),
    "log of 0, unused": (lambda x: where(x > 0, lambda: autograd.log(x), lambda: autograd.sqrt(-x)), [0.0, -0.0, 2.0]),
}
UNDEFINED: list[tuple[Callable[[Any], Any], float]] = [
    (autograd.sqrt, -1.0), (autograd.log, 0.0), (lambda x: 1 / x, 0.0), (autograd.exp, 1000.0),
    (autograd.sin, math.inf), (lambda x: x**-3, 0.0), (lambda x: x**2.5, -1.0), (lambda x: x**300.0, 1e10),
    (autograd.arcsin, 2.0),
    (lambda x: where(x > 0, lambda: autograd.log(x - 5), x), 1.0), (autograd.sinh, -1000.0),
]  # fmt: skip


@pytest.mark.parametrize("name", SINGULAR)
def test_partials_at_singular_points_are_those_of_the_engine(name):
    function, points = SINGULAR[name]
    text = to_python(*traced(function, 1), 1)
    for point in points:
        assert_close(from_python(text, [point]), eager(function, [point], []))


def test_the_forward_pass_raises_what_the_engine_raises():
    for function, point in UNDEFINED:
        scope: dict[str, Any] = {}
        exec(to_python(*traced(function, 1), 1), scope)
        with pytest.raises((ArithmeticError, ValueError)) as expected:
            function(Value(point))
        for name in ("f", "f_value_and_grad"):
            with pytest.raises(expected.type):
                scope[name](point)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_several_sources_in_c_stand_in_one_file(language, tmp_path):
    functions = {"first": elementwise, "second": rules, "third": network, "fourth": several}
    texts = [to_c(*traced(function, 2), 2, name) for name, function in functions.items()]
    (tmp_path / "all.c").write_text("\n".join(texts), encoding="ascii")
    standard = ["-std=c99", "-pedantic"] if language == "c" else ["-std=c++14"]
    command = ["gcc", "-x", language, "-Wall", "-Wextra", "-Werror", *standard, "-c", "all.c", "-o", "all.o"]
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr


def test_equality_is_that_of_numbers():
    tape, outputs = traced(
        lambda x: where(autograd.equal(x, 1.0), lambda: x * x, lambda: where(autograd.not_equal(x, 2.0), -x, 7.0)), 1
    )
    text = to_python(tape, outputs, 1)
    assert [from_python(text, [x]) for x in (1.0, 2.0, 3.0)] == [([1.0], [[2.0]]), ([7.0], [[0.0]]), ([-3.0], [[-1.0]])]


def test_partials_follow_ieee(compiler, tmp_path):
    tape, outputs = traced(lambda x: autograd.sqrt(x), 1)
    run = Compiled(built(to_c(tape, outputs, 1), tmp_path, compiler), 1, 0, 1)
    assert run([0.0]) == from_python(to_python(tape, outputs, 1), [0.0]) == ([0.0], [[math.inf]])


def test_a_parameter_that_comes_to_nothing_keeps_its_place(compiler, tmp_path):
    unused = Value(0.5, "unused")
    tape, outputs = traced(lambda x: [x, unused * x][0], 1)
    run = Compiled(built(to_c(tape, outputs, 1), tmp_path, compiler), 1, 1, 1)
    assert run([3.0]) == ([3.0], [[1.0, 0.0]])


# -------------------------------------------------------------------------------------------------- what it looks like


def example() -> tuple[Tape, list[int]]:
    w, b = Value(0.5, "w"), Value(-0.25, "b")

    def function(x, y):
        h = autograd.relu(w * x + b)
        h.label = "h"
        return h * y + x**2

    return traced(function, 2)


IN_PYTHON = '''\
"""f and f_value_and_grad, its adjoint code. They raise where Python and math raise."""

import math


f_parameters = (
    0.5,  # w
    -0.25,  # b
)


# x^y, where it is real
def power(x, y):
    result = x**y
    if isinstance(result, complex):
        raise ValueError("the result would be complex")
    return result


# max(0, x)
def relu(x):
    return 0.0 if (x <= 0.0) else x


def f(x, y, parameters=f_parameters):
    w = parameters[0]
    b = parameters[1]
    v1 = w * x
    v2 = v1 + b
    h = relu(v2)
    v3 = h * y
    v4 = power(x, 2.0)
    f_out = v3 + v4
    return f_out


def f_value_and_grad(x, y, parameters=f_parameters):
    """Return f_out and its derivatives by inputs and parameters."""
    # Forward pass.
    w = parameters[0]
    b = parameters[1]
    v1 = w * x
    v2 = v1 + b
    h = relu(v2)
    v3 = h * y
    v4 = power(x, 2.0)
    f_out = v3 + v4

    # Backward pass.
    f_out_bar = 1.0
    t1 = 1.0 if h > 0.0 else 0.0 * h
    if t1 != 0.0:
        h_bar = f_out_bar * y
    y_bar = f_out_bar * h
    v2_bar = h_bar * t1 if t1 != 0.0 else 0.0  # = v1_bar
    w_bar = v2_bar * x if t1 != 0.0 else 0.0
    x_bar = f_out_bar * (2.0 * x) + (v2_bar * w if t1 != 0.0 else 0.0)
    b_bar = v2_bar
    return f_out, [x_bar, y_bar], [w_bar, b_bar]
'''

IN_C = """\
/*
    f, and its adjoint code: f_value_and_grad finds f_out and its derivatives by inputs and parameters.
    parameters may be NULL: then they are the numbers below.
    Compile with -ffp-contract=off for the same bits on every machine. Example:

        double inputs_bar[2], parameters_bar[2];
        double value = f(1.0, 2.0, NULL);
        value = f_value_and_grad(1.0, 2.0, NULL, inputs_bar, parameters_bar);
*/
#include <math.h>

static const double f_parameters[2] = {
    0.5, /* w */
    -0.25, /* b */
};

/* max(0, x) */
#ifndef AUTOGRAD_OP_RELU
#define AUTOGRAD_OP_RELU
static inline double op_relu(double x) {
    return (x <= 0.0) ? 0.0 : x;
}
#endif

double f(double x, double y, const double parameters[]) {
    if (!parameters) parameters = f_parameters;
    const double w = parameters[0];
    const double b = parameters[1];
    const double v1 = w * x;
    const double v2 = v1 + b;
    const double h = op_relu(v2);
    const double v3 = h * y;
    const double v4 = x * x;
    const double f_out = v3 + v4;
    return f_out;
}

double f_value_and_grad(double x, double y, const double parameters[], double inputs_bar[2],
        double parameters_bar[2]) {
    if (!parameters) parameters = f_parameters;
    /* Forward pass. */
    const double w = parameters[0];
    const double b = parameters[1];
    const double v1 = w * x;
    const double v2 = v1 + b;
    const double h = op_relu(v2);
    const double v3 = h * y;
    const double v4 = x * x;
    const double f_out = v3 + v4;

    /* Backward pass. */
    const double f_out_bar = 1.0;
    const double h_bar = f_out_bar * y;
    const double y_bar = f_out_bar * h;
    const double t1 = h > 0.0 ? 1.0 : 0.0 * h;
    const double v2_bar = t1 != 0.0 ? h_bar * t1 : 0.0;  /* = v1_bar */
    const double w_bar = t1 != 0.0 ? v2_bar * x : 0.0;
    const double x_bar = f_out_bar * (2.0 * x) + (t1 != 0.0 ? v2_bar * w : 0.0);
    const double b_bar = v2_bar;
    inputs_bar[0] = x_bar;
    inputs_bar[1] = y_bar;
    parameters_bar[0] = w_bar;
    parameters_bar[1] = b_bar;
    return f_out;
}
"""


def test_the_text_in_python():
    assert to_python(*example(), 2, input_names=["x", "y"]) == IN_PYTHON


def test_the_text_in_c():
    assert to_c(*example(), 2, input_names=["x", "y"]) == IN_C


def test_the_text_of_a_choice_in_python():
    def function(x):
        return where(x > 0, lambda: autograd.log(x), lambda: x * x)

    text = to_python(*traced(function, 1), 1, input_names=["x"])
    assert (
        text[text.index("    # Forward") :]
        == """\
    # Forward pass.
    if x > 0.0:
        v1 = math.log(x)
    else:
        v2 = x * x
    f_out = v1 if x > 0.0 else v2

    # Backward pass.
    f_out_bar = 1.0
    if x > 0.0:
        v1_bar = f_out_bar
    else:
        v2_bar = f_out_bar
    t1 = 0.0 if x > 0.0 else v2_bar * x
    x_bar = t1 + t1 + (v1_bar * (1.0 / x) if x > 0.0 else 0.0)
    return f_out, [x_bar]
"""
    )


def test_several_outputs_have_an_adjoint_each():
    text = to_c(*traced(lambda x, y: (x * y, autograd.sin(x)), 2), 2, input_names=["x", "y"])
    assert "void f(double x, double y, double outputs[2]) {" in text
    assert "const double f_out1_bar = outputs_bar[1];" in text
    assert "f_vjp(1.0, 2.0, outputs_bar, outputs, inputs_bar);" in text


# ------------------------------------------------------------------------------------------------------------- labels


def labelled(labels: Sequence[str]) -> tuple[Callable[..., Any], list[Value]]:
    weights = [Value(0.25 * (i + 1), label) for i, label in enumerate(labels)]

    def function(x, y):
        total = autograd.relu(x) * autograd.sigmoid(y)
        for weight, label in zip(weights, labels):
            total = total * 0.5 + weight * autograd.tanh(x)
            total.label = label
        x.label, y.label = labels[0], labels[-1]
        return total

    return function, weights


@pytest.mark.parametrize("labels", [HOSTILE, *[[label, label] for label in HOSTILE]], ids=short)
def test_hostile_labels_give_the_same_numbers_in_python(labels):
    function, weights = labelled(labels)
    tape, outputs = traced(function, 2)
    expected = eager(function, (0.3, -0.8), weights)
    assert_close(from_python(to_python(tape, outputs, 2), (0.3, -0.8)), expected)
    named = to_python(tape, outputs, 2, name=labels[0], input_names=[labels[0], labels[-1]])
    scope: dict[str, Any] = {}
    exec(named, scope)
    name = re.findall(r"^def (\w+)", named, re.M)[-2]
    value, by_inputs, by_parameters = scope[f"{name}_value_and_grad"](0.3, -0.8)
    assert_close(([value], [by_inputs + by_parameters]), expected)
    assert scope[name](0.3, -0.8) == value


def test_hostile_labels_compile_and_give_the_same_numbers(compiler, tmp_path):
    function, weights = labelled(HOSTILE)
    tape, outputs = traced(function, 2)
    text = to_c(tape, outputs, 2, input_names=["*/", "\n"])
    assert text.count("/*") == text.count("*/") and "system(" not in text and "<stdlib" not in text
    run = Compiled(built(text, tmp_path, compiler), 2, len(weights), 1)
    assert_close(run((0.3, -0.8)), eager(function, (0.3, -0.8), weights))


def test_every_hostile_label_can_name_the_function(compiler, tmp_path):
    tape, outputs = traced(lambda x: x * x, 1)
    labels = [*HOSTILE, *RESERVED_FUNCTIONS, "sinf", "expl", "cexpf"]
    texts = [to_c(tape, outputs, 1, name=label) for label in labels if label != "f_value_and_grad"]
    functions = {re.search(r"^double (\w+)\(", text, re.M)[1]: text for text in texts}
    assert len(functions) > 30
    built("\n".join(functions.values()), tmp_path, compiler)


@pytest.mark.parametrize(
    "label", [*HOSTILE, "Δx", "w[0][3]", "a.b", "x'", "émile zola"], ids=lambda label: ascii(label)[:30]
)
def test_identifiers(label):
    name = identifier(label)
    assert name == "" or re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
    assert len(name) <= 41 and "__" not in name and not keyword.iskeyword(name)


def test_names_are_unique_and_readable():
    function, _ = labelled(["h", "h", "h_bar", "σ", "w[0][1]"])
    tape, outputs = traced(function, 2)
    text = to_python(tape, outputs, 2, input_names=["x", "y"])
    body = text[text.index("def f_value_and_grad") :]
    bound = re.findall(r"^ +(\w+) = ", body, re.M)
    assert len(bound) == len(set(bound))
    assert {"h", "h_2", "h_3", "h_4", "sigma", "w_0_1", "h_bar", "sigma_bar", "x_bar", "y_bar"} <= set(bound)


def test_a_long_tape_is_printed_in_time():
    def function(x):
        for _ in range(5_000):
            x = autograd.sin(x) * 0.5 + x
        return x

    tape, outputs = traced(function, 1)
    assert to_c(tape, outputs, 1).count("\n") > 25_000
