"""What a compiled function refuses: branches on placeholders, tables of other shapes, arguments that are none.

The texts stand in errors.txt; here stand all the ways to come to them, and that nothing is left behind.
"""

from __future__ import annotations

import math
import re
import sys
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, where
from autograd.tracing import TracingError


def branch(x: Any) -> Any:
    if x > 0:
        return x
    return -x


def loop(x: Any) -> Any:
    while x < 10:
        x = x * 2
    return x


def assertion(x: Any) -> Any:
    assert x > 0
    return x


def assigned(x: Any) -> Any:
    x.data = 3.0
    return x


def zeroed(x: Any) -> Any:
    x.grad = 0.0
    return x


ASKS: list[Callable[[Any], Any]] = [
    branch, loop, assertion, assigned, zeroed,
    lambda x: x if x else -x, lambda x: float(x), lambda x: int(x), lambda x: complex(x), lambda x: bool(x),
    lambda x: not x, lambda x: x and 1.0, lambda x: x or 1.0, lambda x: 0 < x < 1, lambda x: 1.0 in [x + 1],
    lambda x: x in [2.0, 3.0], lambda x: 2.0 in x, lambda x: max(x, 1.0), lambda x: min(1.0, x),
    lambda x: sorted([x, -x]), lambda x: math.exp(x), lambda x: math.floor(x), lambda x: round(x), lambda x: range(x),
    lambda x: [1.0, 2.0][x], lambda x: x[0], lambda x: x[0:1], lambda x: len(x), lambda x: list(x), lambda x: sum(x),
    lambda x: dict(x), lambda x: any([x > 1]), lambda x: all([x, x]), lambda x: x.data, lambda x: x.grad,
    lambda x: x.parents, lambda x: x.backward(), lambda x: math.isnan(x), lambda x: "ab" * x,
    lambda x: where((x > 0) and (x < 1), x, 1.0), lambda x: where(x > 0, lambda: branch(x), 1.0),
    lambda x: divmod(1, int(x)),
]  # fmt: skip


def test_whoever_asks_a_placeholder_for_a_number_is_told_the_line():
    for place, function in enumerate(ASKS):
        first = function.__code__.co_firstlineno
        for call in ("__call__", "value_and_grad", "batch", "batch_value_and_grad", "batch_jacobian", "backward"):
            f = autograd.compile(function)
            with pytest.raises(TracingError) as caught:
                getattr(f, call)(0.5 if call in ("__call__", "value_and_grad") else [[0.5]])
            what, why, remedy = str(caught.value).split("\n")
            line = re.search(r"at test_bad_input\.py:(\d+) \((.+)\)\.$", what)
            assert line, (place, what)
            inner = [first, *(branch.__code__.co_firstlineno for _ in "a" if "branch" in line[2] or "x > 0" in line[2])]
            assert any(0 <= int(line[1]) - start <= 2 for start in inner), (place, what)
            if "sequence" in what or "sequence" in remedy:
                assert "n_inputs" in remedy, "an index, a length, a loop"
            else:
                assert "where" in remedy and "branch" in why
            assert isinstance(caught.value, TypeError)


def test_a_trace_that_failed_leaves_nothing_behind_and_can_be_tried_again():
    w = Value(2.0, "w")
    wrong = [True]

    def function(x: Any) -> Any:
        y = x * w
        y.label = "y"
        return y * 3 if not wrong[0] else y.data

    f = autograd.compile(function)
    for call in (
        lambda: f(1.0),
        lambda: f.batch([[1.0]]),
        lambda: f.backward([[1.0]]),
        lambda: f.tape,
        lambda: f.parameters,
    ):
        with pytest.raises(TracingError):
            call()
    assert (w.data, w.grad, w.label) == (2.0, 0.0, "w")
    wrong[0] = False
    assert (f(1.0), f.batch([[1.0], [2.0]]).tolist(), f.parameters) == (6.0, [6.0, 12.0], [w])
    y = w * 3.0
    y.backward()
    assert w.grad == 3.0, "the engine is as before"


def test_an_error_of_the_function_itself_comes_through():
    for function, error in [
        (lambda x: 1 / 0, ZeroDivisionError), (lambda x: {}["a"], KeyError), (lambda x: x.nothing, AttributeError),
        (lambda x: x + "a", TypeError), (lambda x: x * None, TypeError), (lambda x: x * two, TypeError),
        (lambda x: x * 1j, TypeError), (lambda x: x + 10**400, OverflowError), (lambda x: x < None, TypeError),
        (lambda x: autograd.log(-1.0) * x, ValueError), (lambda x: x.exp(1), TypeError), (lambda x: hash(x), TypeError),
        (lambda x: Value(x), TypeError), (lambda x: pow(x, 2, 3), TypeError),
        (lambda x: where(x > 0, "a", 1.0), TypeError),
        (lambda x: autograd.dot([x], [x, x]), ValueError), (lambda x: autograd.logsumexp([]), ValueError),
        (lambda x: None, TypeError), (lambda x: "text", TypeError), (lambda x: {"a": x}, TypeError),
        (lambda x: [x, None], TypeError), (lambda x: 1j, TypeError), (lambda x: sys.exit(3), SystemExit),
    ]:  # fmt: skip
        f = autograd.compile(function)
        for _ in range(2):
            with pytest.raises(error):
                f(0.5)
            with pytest.raises(error):
                f.batch([[0.5]])


def test_a_placeholder_of_another_trace_is_refused():
    for function in (
        lambda x: autograd.compile(lambda y: x * y),
        lambda x: autograd.compile(lambda y: y - x),
        lambda x: autograd.compile(lambda y: x),
        lambda x: autograd.compile(lambda y: autograd.maximum(y, x)),
    ):
        with pytest.raises(TracingError, match="another function"):
            autograd.compile(lambda x, function=function: function(x).batch([[1.0]])[0], example=(1.0,))(1.0)


def test_a_compiled_function_inside_of_another_is_traced_through():
    inner = autograd.compile(lambda x, y: x * x + y)
    outer = autograd.compile(lambda x: inner(x, 2 * x) * inner(y=x, x=1.0))
    assert outer.value_and_grad(3.0) == (15.0 * 4.0, (8.0 * 4.0 + 15.0,))
    assert autograd.compile(inner)(3.0, 1.0) == inner(x=3.0, y=1.0) == 10.0


def test_conditions_are_combined_by_and_or_not():
    f = autograd.compile(lambda x: autograd.where((x > 1) & (x < 3) | ~(x > -1), 1.0, 0.0))
    assert f.batch([[-2.0], [0.0], [2.0], [4.0]]).tolist() == [1.0, 0.0, 1.0, 0.0]
    g = autograd.compile(lambda x: autograd.where(True & (x > 1), 1.0, autograd.where(False | (x > 0), 2.0, 3.0)))
    assert g.batch([[2.0], [0.5], [-1.0]]).tolist() == [1.0, 2.0, 3.0]


def test_the_number_of_a_captured_value_is_not_read():
    w = Value(2.0, "w")
    reads = [lambda x: x * w.data, lambda x: x * (w * w).data, lambda x: x if w else -x]
    reads += [lambda x: x * w.grad]
    for function in reads:
        with pytest.raises(TracingError, match="asked for a number"):
            autograd.compile(function)(1.0)
    assert autograd.compile(lambda x: x * w)(1.0) == w.data


# --------------------------------------------------------------------------------------------------------------- tables

W = Value(2.0, "W")


def two(x: Any, y: Any) -> Any:
    return x * y * W


TABLES: list[tuple[Any, type[Exception]]] = [
    *((np.zeros(shape), ValueError) for shape in [(3,), (2,), (3, 1), (3, 3), (0, 3), (3, 2, 1), (1, 3, 2), (2, 0)]),
    ([1.0, 2.0], ValueError), ([[1.0]], ValueError), ([[1.0, 2.0, 3.0]], ValueError), ([[[1.0, 2.0]]], ValueError),
    ([[]], ValueError), (3.0, ValueError), ("ab", TypeError), (b"ab", TypeError), (None, TypeError),
    ([None], TypeError), ({1.0: 2.0}, TypeError),
    ([[1.0, None]], TypeError), ([["1", "2"]], TypeError), ([[1.0, 2.0], [3.0]], TypeError),
    ([[1.0, 2.0], 3.0], TypeError), ([[1.0, 2j]], TypeError), ([[1.0, W]], TypeError), ([[1.0, [2.0]]], TypeError),
    ([{"x": 1.0, "y": 2.0}], TypeError), (object(), TypeError), (two, TypeError),
    (np.array([[1j, 2.0]]), TypeError), (np.array([["a", "b"]]), TypeError), (np.array([[None, 1.0]]), TypeError),
    (np.array([[1, 2]], dtype="datetime64[D]"), TypeError), (memoryview(b"abcd"), ValueError),
    (array("d", [1.0, 2.0]), ValueError), ([[10**400, 1.0]], OverflowError),
    ([[1.0, 2.0], [1.0, 2.0], [1.0]], TypeError),
]  # fmt: skip


def test_what_is_no_table_of_the_right_width_is_refused():
    f = autograd.compile(two)
    W.grad = 7.0
    for place, (table, error) in enumerate(TABLES):
        for call in (f.batch, f.batch_value_and_grad, f.batch_jacobian, f.backward):
            for errors in ("raise", "nan"):
                with pytest.raises(error) as caught:
                    call(table, errors=errors)
                assert len(str(caught.value).split("\n")) == 3, (place, str(caught.value))
                assert len(str(caught.value)) < 800
    assert W.grad == 7.0
    W.grad = 0.0
    assert f.batch([[3.0, 4.0]]).tolist() == [24.0], "the next call is none the worse"


def test_tables_without_rows():
    f, empty = autograd.compile(two), autograd.compile(lambda: W)
    for none in ([], (), np.zeros((0, 2)), np.zeros((0, 2), dtype=int), array("d")):
        assert f.batch(none).shape == (0,)
        values, slopes = f.batch_value_and_grad(none)
        assert (values.shape, slopes.shape) == ((0,), (0, 2))
        assert [part.shape for part in f.batch_jacobian(none)] == [(0, 1), (0, 1, 2)]
        with pytest.raises(ValueError, match="no rows"):
            f.backward(none)
    assert empty.batch(np.zeros((0, 0))).shape == (0,) and empty.batch(np.zeros((3, 0))).tolist() == [2.0] * 3
    assert empty.batch([]).shape == (0,)


def test_arguments_that_are_none():
    f, g = autograd.compile(two), autograd.compile(lambda x: x[0] * x[1], n_inputs=2)
    for args in [(), (1.0,), (1.0, 2.0, 3.0), ([1.0], 2.0), ([1.0, 2.0],), ("a", 2.0), (None, 2.0), (W, 2.0), (1j, 2.0),
                 ({}, 1.0), (1.0, {2.0}), (np.zeros(2), 1.0)]:  # fmt: skip
        for call in (f, f.value_and_grad):
            with pytest.raises(TypeError):
                call(*args)
    for args in [
        (),
        (1.0, 2.0),
        (1.0,),
        ([1.0],),
        ([1.0, 2.0, 3.0],),
        ([1.0, None],),
        ("ab",),
        (np.zeros(3),),
    ]:
        for call in (g, g.value_and_grad):
            with pytest.raises(TypeError):
                call(*args)
    assert f(3.0, 4) == 24.0 and g((3, 4.0)) == g(np.array([3, 4])) == 12.0
    late = autograd.compile(lambda x, y: x * y)
    with pytest.raises(TypeError):
        late([1.0, 2.0], 2.0)
    assert late(3.0, 2.0) == 6.0, "what failed has not settled the shapes"


def test_options_that_are_none():
    f = autograd.compile(two)
    rows = [[1.0, 2.0]]
    wrong = [
        *({"threads": threads} for threads in (0, -1, 1.5, "2", None)),
        *({"errors": e} for e in ("no", None, True)),
    ]
    for options in wrong:
        for call in (f.batch, f.batch_value_and_grad, f.batch_jacobian, f.backward):
            with pytest.raises(ValueError, match=r"threads|errors"):
                call(rows, **options)
    for reduction in ("max", None, "", 1):
        with pytest.raises(ValueError, match="reduction"):
            f.backward(rows, reduction=reduction)
    for n_inputs in (-1, 1.0, "2"):
        with pytest.raises(ValueError, match="n_inputs"):
            autograd.compile(two, n_inputs=n_inputs)
    for function in (3, "f", None.__class__(), [two]):
        if function is not None:
            with pytest.raises(TypeError):
                autograd.compile(function)
    for example in ([0.0, 0.0], 1.0, "ab"):
        with pytest.raises(TypeError):
            autograd.compile(two, example=example)
    for function in (lambda *x: x[0], max):
        with pytest.raises(TypeError, match="example"):
            autograd.compile(function)(1.0)
    several = autograd.compile(lambda x: [x, x * W])
    for call in (lambda: several.value_and_grad(1.0), lambda: several.batch_value_and_grad([[1.0]]),
                 lambda: several.backward([[1.0]])):  # fmt: skip
        with pytest.raises(TypeError, match="batch_jacobian"):
            call()
    assert autograd.compile(lambda x: [x]).batch([[1.0]]).tolist() == [[1.0]]
    assert f.batch(rows, threads=64).tolist() == f.batch(rows, threads=1024).tolist() == [4.0]


def test_deleted_names_and_changed_parameters():
    p = [Value(2.0), Value(3.0)]
    f = autograd.compile((lambda a, b: lambda x: a * x + b)(*p))
    assert f(1.0) == 5.0
    f.parameters.clear()
    a, b = f.parameters
    del p[:]
    a.data, b.data = 5, -1.0
    assert (f(2.0), f.batch([[2.0]]).tolist()) == (9.0, [9.0])
    a.data = math.nan
    assert math.isnan(f(2.0)) and math.isnan(f.batch([[2.0]])[0])
    a.data = 1.0
    with pytest.raises(TypeError):
        a.data = "a"
    assert f(2.0) == 1.0
