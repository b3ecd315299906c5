"""equal, not_equal, logical_and, logical_or and logical_not: the same of numbers, of Values and in a trace."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile, equal, grad, logical_and, logical_not, logical_or, not_equal, where
from autograd.ieee import IEEE
from autograd.tracing import TracingError

NAN, INF = math.nan, math.inf
BINARY = {
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
}
NUMBERS = [0.0, -0.0, 1.0, -1.0, 2.5, NAN, INF, -INF, 5e-324]
PAIRS = [(a, b) for a in NUMBERS for b in NUMBERS]
FINITE: list[tuple[float, ...]] = [(a, b) for a, b in PAIRS if math.inf not in (abs(a), abs(b))]

# (name, function of plain numbers, points): values and derivatives are those of the eager engine on every path.
CASES: list[tuple[str, Callable[..., Any], list[tuple[float, ...]]]] = [
    ("equal", lambda x, y: where(equal(x, y), x * y, x - y), FINITE),
    ("not_equal", lambda x, y: where(not_equal(x, y), x * y, x - y), FINITE),
    ("logical_and", lambda x, y: where(logical_and(x, y), x * y, x - y), FINITE),
    ("logical_or", lambda x, y: where(logical_or(x, y), x * y, x - y), FINITE),
    ("logical_not", lambda x: where(logical_not(x > 0), lambda: x * x, lambda: x.exp()), [(-1.0,), (0.0,), (2.0,)]),
    ("not of a number", lambda x: where(logical_not(x), 3 * x, x**2), [(0.0,), (-0.0,), (1.0,), (NAN,), (-2.0,)]),
    ("equal as a number", lambda x, y: equal(x, y) * x + not_equal(x, 1.0) * y, [(1.0, 1.0), (1.0, 2.0), (3.0, 3.0)]),
    ("and as a number", lambda x, y: logical_and(x, y) * x + logical_or(x, y) * 2.0, [(2.0, 3.0), (0.0, 3.0)]),
    (
        "within each other",
        lambda x, y: where(logical_or(logical_and(x > 0, logical_not(equal(y, 2.0))), y > 5), lambda: y / x, lambda: x),
        [(1.0, 2.0), (1.0, 3.0), (0.0, 2.0), (-1.0, 6.0)],
    ),
    (
        "equal to a constant",
        lambda x: where(equal(x, 0.0), 1.0, lambda: autograd.sin(x) / x),
        [(0.0,), (1.0,), (-2.0,)],
    ),
]


def point_of(function: Callable[..., Any], numbers: tuple[float, ...]) -> tuple[float, list[float]]:
    x = [Value(number) for number in numbers]
    result = function(*x)
    if not isinstance(result, Value):
        result = Value(result)
    result.backward()
    return result.data, [leaf.grad for leaf in x]


@pytest.mark.parametrize(("name", "function", "points"), CASES, ids=[name for name, *_ in CASES])
def test_every_path_gives_the_eager_numbers(name, function, points):
    compiled = compile(function)
    scope: dict[str, Any] = {}
    exec(compiled.to_python("f"), scope)
    loaded = pickle.loads(pickle.dumps(compiled))
    rows = np.array([*points] * 3)
    values, slopes = compiled.batch_value_and_grad(rows, errors="nan")
    for place, point in enumerate(points):
        value, gradient = point_of(function, point)
        same = {"nan_ok": True, "rel": 1e-12}
        assert compiled(*point) == loaded(*point) == pytest.approx(value, **same) or value != value, point
        assert compiled.value_and_grad(*point)[1] == pytest.approx(tuple(gradient), **same), point
        assert values[place] == pytest.approx(value, **same), point
        assert slopes[place].tolist() == pytest.approx(gradient, **same), point
        found = scope["f_value_and_grad"](*point)
        assert found[0] == pytest.approx(value, **same) and found[1] == pytest.approx(gradient, **same), point
        for k in range(len(point)):
            assert grad(function, k)(*map(Value, point)).data == pytest.approx(gradient[k], **same), point


@pytest.mark.parametrize("name", BINARY)
def test_of_numbers_and_values_the_result_is_a_bool(name):
    function, expected = getattr(autograd, name), BINARY[name]
    kinds = [float, Value, np.float64, IEEE, lambda x: np.array(x)]
    for a, b in PAIRS:
        for first in kinds:
            for second in kinds:
                assert function(first(a), second(b)) is bool(expected(a, b)), (a, b, first, second)
    assert function(True, 1) is function(np.bool_(True), Fraction(1)) is (name != "not_equal")
    assert logical_not(Value(0.0)) is logical_not(0) is True and logical_not(NAN) is logical_not(np.True_) is False


def test_what_is_no_number_is_refused():
    for wrong in ("a", None, [1.0], 1j, np.zeros(2)):
        for function in (equal, not_equal, logical_and, logical_or):
            for operands in ((wrong, 1.0), (1.0, wrong), (0.0, wrong), (Value(1.0), wrong)):
                with pytest.raises(TypeError):
                    function(*operands)
            with pytest.raises(TypeError):
                compile(lambda x, function=function, wrong=wrong: function(x, wrong))(1.0)
        with pytest.raises(TypeError):
            logical_not(wrong)


def test_captured_values_are_compared_anew_at_each_run():
    w, v = Value(2.0, "w"), Value(2.0, "v")
    f = compile(lambda x: where(equal(w, v), x * w, where(logical_and(w, not_equal(v, 7)), x, 0.0)))
    g = compile(lambda x: where(logical_not(w), x, 2 * x))
    h = compile(lambda x: where(w, x, 2 * x))
    assert (f(3.0), g(3.0), h(3.0)) == (6.0, 6.0, 3.0)
    v.data = 5.0
    assert f(3.0) == 3.0 and f.batch([[3.0], [4.0]]).tolist() == [3.0, 4.0]
    w.data, v.data = 0.0, 7.0
    assert (f(3.0), g(3.0), h(3.0)) == (0.0, 3.0, 6.0)
    w.data = v.data = 4.0
    w.grad = 0.0
    assert f.backward([[3.0], [1.0]], "sum") == 16.0 and w.grad == 4.0


def test_equality_of_placeholders_is_refused_and_of_nodes_it_is_identity():
    w, other = Value(2.0), Value(2.0)
    for compare in (
        lambda x: x == 3.0, lambda x: x != 3.0, lambda x: x == x + 1, lambda x: w == x, lambda x: x != w,
        lambda x: np.float64(2.0) == x, lambda x: x in [1.0, 2.0], lambda x: [x + 1] == [2.0],
    ):  # fmt: skip
        with pytest.raises(TracingError, match=r"autograd\.(not_)?equal"):
            compile(compare)(1.0)
    frozen = [w]
    f = compile(lambda x: x if w in frozen and other not in frozen and w == w and w != other else -x)
    assert f(1.0) == 1.0
    assert compile(lambda x: -x if x == "a" or x == None else x)(2.0) == 2.0  # noqa: E711
    for trace in (False, True):
        remedy = lambda x: where(equal(w, 3.0), x, 2 * x)  # noqa: E731
        assert (compile(remedy) if trace else remedy)(1.0) == 2.0
    with pytest.raises(TypeError, match=r"Write autograd\.equal\(v, 3\.0\)"):
        compile(lambda x: x * (w == 3.0))(1.0)


def test_what_inversion_makes_of_a_bool_is_no_condition():
    for condition in (-1, -2):  # ~False and ~True
        for call in (
            lambda c: where(c, 1.0, 2.0),
            lambda c: logical_not(c),
            lambda c: logical_and(True, c),
            lambda c: logical_or(c, False),
            lambda c: compile(lambda x: where(c, x, 2 * x))(1.0),
            lambda c: compile(lambda x: logical_and(x > 0, c))(1.0),
        ):
            with pytest.raises(TypeError, match="logical_not"):
                call(condition)
    assert where(-1.0, 1.0, 2.0) == where(-3, 1.0, 2.0) == where(2, 1.0, 2.0) == 1.0
    assert where(~np.bool_(True), 1.0, 2.0) == 2.0 and equal(-1, -1.0) and not_equal(-2, -1)
    assert compile(lambda x: where(~(x > 0), 1.0, 2.0)).batch([[1.0], [-1.0]]).tolist() == [2.0, 1.0]
