"""Calls of compiled functions beside those of the functions themselves: names, defaults, iterators, shapes, methods."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, compile
from autograd.tracing import TracingError


def by_name(x, *, y=1.0):
    return x - y


def defaults(x, y=1.0, z=2.0):
    return x - y * z


def any_names(x, **others):
    return x - others.get("a", 0.0) * others.get("b", 1.0)


def only_by_name(x, *, y):
    return x - y


def by_position(x, y=1.0, /, z=2.0):
    return x - y * z


def settings(x, mode="double", flag=False, factor=None):
    y = 2 * x if mode == "double" and not flag else 3 * x
    return y if factor is None else y * factor


def variadic(x, *others, scale=1.0):
    return x - autograd.sum(others) * scale


CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (by_name, (5.0,), {}), (by_name, (5.0,), {"y": 3.0}), (by_name, (), {"y": 3.0, "x": 5.0}),
    (defaults, (5.0,), {}), (defaults, (5.0, 3.0), {}), (defaults, (5.0,), {"z": 3.0}),
    (defaults, (5.0,), {"z": 3.0, "y": 4.0}), (defaults, (), {"z": 3.0, "y": 4.0, "x": 5.0}),
    (defaults, (5.0, 3.0, 4.0), {}), (by_position, (5.0,), {"z": 3.0}), (by_position, (5.0, 3.0), {"z": 4.0}),
    (any_names, (5.0,), {"a": 2.0, "b": 3.0}), (any_names, (5.0,), {"b": 3.0, "a": 2.0}), (any_names, (5.0,), {}),
    (only_by_name, (5.0,), {"y": 3.0}), (only_by_name, (), {"y": 3.0, "x": 5.0}),
    (functools.partial(defaults, y=3.0), (5.0,), {}), (functools.partial(defaults, y=3.0), (5.0,), {"z": 3.0}),
    (functools.partial(defaults, y=3.0), (5.0,), {"y": 4.0}), (functools.partial(defaults, 5.0), (3.0,), {}),
    (settings, (5.0,), {"mode": "triple"}), (settings, (5.0,), {"flag": True}), (settings, (5.0, "triple"), {}),
    (settings, (5.0,), {"factor": 2.0}), (settings, (5.0, "double", True), {"factor": 2}),
    (defaults, (5,), {"y": np.float64(3.0), "z": True}), (lambda x, y=1.0: x * y, (5.0,), {"y": 0.0}),
]  # fmt: skip


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_a_call_gives_what_the_function_gives(function, args, kwargs):
    expected = function(*args, **kwargs)
    fresh, used = compile(function), compile(function)
    if function is not only_by_name and getattr(function, "func", None) is None:
        used(*args[:1] or (1.0,))
    for compiled in (fresh, used):
        for _ in range(2):
            assert compiled(*args, **kwargs) == compiled.value_and_grad(*args, **kwargs)[0] == expected
    with_nodes = {name: Value(x) if isinstance(x, float) else x for name, x in kwargs.items()}
    nodes = [Value(x) if isinstance(x, (float, int)) and type(x) is not bool else x for x in args]
    function(*nodes, **with_nodes).backward()
    found = fresh.value_and_grad(*args, **kwargs)[1]
    leaves = [x for x in (*nodes, *with_nodes.values()) if isinstance(x, Value)]
    if all(type(x) is float for x in (*args, *kwargs.values())):
        assert sorted(found) == sorted(leaf.grad for leaf in leaves)


def test_the_gradient_is_by_the_arguments_that_are_given_in_the_order_of_the_signature():
    f = compile(defaults)
    assert f.value_and_grad(5.0) == (3.0, (1.0,))
    assert f.value_and_grad(5.0, z=3.0, y=4.0) == f.value_and_grad(5.0, 4.0, 3.0) == (-7.0, (1.0, -3.0, -4.0))
    assert f.value_and_grad(5.0, z=3.0) == (2.0, (1.0, -1.0))
    assert compile(only_by_name).batch([[5.0, 3.0]]).tolist() == [2.0]
    w = Value(2.0)
    g = compile(lambda xs, scale=1.0: [w * x * scale for x in xs], n_inputs=2)
    assert g([1.0, 2.0], scale=3.0) == [6.0, 12.0] and g([1.0, 2.0]) == [2.0, 4.0]
    w.data = 1.0
    assert g([1.0, 2.0], scale=3.0) == [3.0, 6.0], "parameters are live in each trace"
    assert compile(variadic, example=(0.0, 0.0))(5.0, 3.0, scale=2.0) == -1.0


def test_what_the_function_would_not_take_is_refused():
    for function, args, kwargs in [
        (by_name, (1.0, 2.0), {}), (by_name, (1.0,), {"z": 1.0}), (by_name, (1.0,), {"x": 1.0}), (by_name, (), {}),
        (only_by_name, (1.0,), {}), (by_position, (), {"x": 1.0}), (defaults, (1.0, 2.0, 3.0, 4.0), {}),
        (by_name, (1.0,), {"y": {}}), (by_name, (1.0,), {"y": Value(1.0)}),
    ]:  # fmt: skip
        for call in (compile(function), compile(function).value_and_grad):
            with pytest.raises(TypeError):
                call(*args, **kwargs)


def test_a_copy_knows_the_names_of_its_arguments():
    copy = pickle.loads(pickle.dumps(compile(lambda x, y: x - y)))
    assert copy(5.0, 3.0) == copy(y=3.0, x=5.0) == copy(5.0, y=3.0) == 2.0
    assert copy.to_python() == compile(lambda x, y: x - y).to_python()
    for kwargs in ({"z": 1.0}, {"x": 1.0}, {"y": 1.0, "z": 1.0}):
        with pytest.raises(TypeError, match=r"It takes \(x, y\)"):
            copy(1.0, **kwargs)


def test_an_iterator_is_the_sequence_of_what_it_gives():
    squares = lambda xs: (x * x for x in xs)  # noqa: E731
    for function in (
        squares,
        lambda xs: map(lambda x, y: x * y, xs, xs),
        lambda xs: [iter([xs[0] ** 2, xs[1] ** 2])][0],
    ):
        f = compile(function, n_inputs=2)
        assert f([2.0, 3.0]) == [4.0, 9.0] and f.batch([[2.0, 3.0]]).tolist() == [[4.0, 9.0]]
        assert autograd.jacobian(function)([2.0, 3.0]) == [[4.0, 0.0], [0.0, 6.0]]
        assert autograd.jvp(function, [2.0, 3.0], [1.0, 1.0]) == ([4.0, 9.0], [4.0, 6.0])
    assert compile(lambda x: ((x * i for i in range(2)) for _ in range(2)))(3.0) == [[0.0, 3.0], [0.0, 3.0]]
    assert compile(lambda xs: xs[0] * xs[1], n_inputs=2)(i for i in [2.0, 3.0]) == 6.0
    assert autograd.grad(lambda xs: xs[0] * xs[1])(i for i in [2.0, 3.0]) == [3.0, 2.0]


NESTED = ([[0.0, 0.0], [0.0]], 0.0)


@pytest.mark.parametrize(
    ("example", "args"),
    [
        (NESTED, ([1.0, 2.0, 3.0], 1.0)), (NESTED, ([[1.0], [2.0, 3.0]], 1.0)), (NESTED, ([[1.0, 2.0], 3.0], 1.0)),
        (NESTED, ([[1.0, 2.0], [3.0]], [1.0])), (NESTED, ([[[1.0], 2.0], [3.0]], 1.0)),
        (([0.0] * 6,), (np.ones((2, 3)),)),
        ((np.zeros((2, 3)),), ([0.0] * 6,)), ((np.zeros((2, 3)),), (np.zeros((3, 2)),)), ((0.0,), ((1.0,),)),
        (((0.0,),), (1.0,)), (([],), ([1.0],)), (([0.0],), ([],)), ((0.0,), (np.ones(1),)),
    ],
)  # fmt: skip
def test_an_argument_of_another_shape_is_refused(example, args):
    f = compile(lambda *args: 1.0, example=example)
    for call in (f, f.value_and_grad):
        with pytest.raises(TypeError, match=r"compiled for arguments like|takes numbers"):
            call(*args)
    assert f(*example) == 1.0


def test_of_equal_shape_are_lists_tuples_and_arrays():
    f = compile(lambda rows: rows[0][0] - rows[1][1], example=([[0.0, 0.0]] * 2,))
    for rows in ([[1, 2], [3, 4]], ((1, 2), (3, 4)), np.array([[1, 2], [3, 4]]), [np.array([1, 2]), (3, 4)]):
        assert f(rows) == -3.0
    assert compile(lambda x: (x * 2)[1] * x[0] if type(x) is tuple else 0.0, example=((0.0,),))((3.0,)) == 9.0
    assert compile(lambda x: (2 * x)[1], example=(np.zeros(2),))(np.array([1.0, 2.0])) == 4.0


def test_an_array_for_a_function_of_numbers_names_batch_and_example():
    for function in (lambda x: x * x, lambda x: 2 * x, lambda x: x.exp(), autograd.exp):
        for used in (False, True):
            f = compile(function)
            if used:
                f(1.0)
            with pytest.raises(TypeError, match=r"batch.*example="):
                f(np.array([1.0, 2.0]))
            assert f(np.array(1.0)) == f(1.0)
    with pytest.raises(TypeError, match=r"batch.*example="):
        compile(lambda x, y: x * y)([1.0, 2.0], [3.0, 4.0])
    assert compile(lambda xs: xs[0] * xs[1])(np.array([2.0, 3.0])) == 6.0


def test_columns_one_by_one_are_refused():
    f = compile(lambda x, y: x * y)
    xs, ys = np.ones(3), [1.0, 2.0, 3.0]
    for name in ("batch", "batch_value_and_grad", "batch_jacobian", "backward"):
        for columns in ((xs, ys), (xs, ys, xs), (xs, ys, xs, ys, xs)):
            with pytest.raises(TypeError, match=rf"(?s){len(columns)} columns.*f\.{name}\(numpy\.column_stack"):
                getattr(f, name)(*columns)
    assert f.batch(np.column_stack([xs, ys]), 2).tolist() == f.batch(rows=np.column_stack([xs, ys])).tolist() == ys


def test_a_method_is_refused_and_a_static_one_is_none():
    class Model:
        @compile
        def loss(self, x):
            return x

        @staticmethod
        @compile
        def double(x):
            return 2 * x

        def __init__(self):
            self.mine = compile(self._mine)
            self.w = Value(3.0)

        def _mine(self, x):
            return self.w * x

    assert Model().double(2.0) == Model.double(2.0) == 4.0 and Model().mine(2.0) == 6.0
    assert isinstance(Model.loss, autograd.Compiled)
    with pytest.raises(TypeError, match="compiled as a method of Model"):
        Model().loss(1.0)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_compiled_function_in_a_trace_becomes_part_of_it(loaded):
    w = Value(2.0, "w")
    g = compile(lambda a, b: autograd.where(a > b, w * a + b, autograd.log(b)))
    g = pickle.loads(pickle.dumps(g)) if loaded else g
    inner = g.parameters[0] if loaded else w
    f = compile(lambda x: g(w, x) + g(3.0, 2.0) + g(b=1.0, a=x))
    assert f(1.5) == (4.0 + 1.5) + 8.0 + 4.0
    w.data = inner.data = 1.0
    assert f(1.5) == np.log(1.5) + 5.0 + 2.5, "its parameters and its arguments are live"
    w.grad = inner.grad = 0.0
    f.backward([[0.5]], "sum")
    assert inner.grad == pytest.approx(1.0 + 3.0 + (1.0 if inner is w else 0.0))
    pair = compile(lambda xs: [xs[0] * xs[1], xs[0]], n_inputs=2)
    pair = pickle.loads(pickle.dumps(pair)) if loaded else pair
    assert compile(lambda x: autograd.sum(pair([x, w])))(2.0) == 4.0
    if loaded:
        with pytest.raises(TypeError, match="compiled for arguments like"):
            compile(lambda x: pair([x, x, x]))(2.0)


USES: list[Callable[[Any], Any]] = [
    lambda p: p + 1, lambda p: 1 - p, lambda p: p.exp(), autograd.exp, lambda p: p > 0, bool, lambda p: Value(1.0) * p,
    lambda p: autograd.where(p, 1.0, 2.0), lambda p: autograd.equal(1.0, p), lambda p: p == 1, lambda p: -p,
    lambda p: p * p, lambda p: ~p, autograd.stop_gradient, lambda p: autograd.logical_and(True, p), lambda p: p.data,
    autograd.leaky_relu, lambda p: p**2, lambda p: +p, float, lambda p: autograd.logsumexp([p, 1.0]),
    lambda p: autograd.grad(lambda x: x * p)(1.0), lambda p: p[0], lambda p: p & True, lambda p: abs(p),
    lambda p: compile(lambda x: x * p)(1.0), lambda p: compile(lambda x: p)(1.0), lambda p: np.exp(p),
]  # fmt: skip


@pytest.mark.parametrize("failed", [False, True])
def test_a_placeholder_is_of_no_use_after_its_trace(failed):
    held: list[Any] = []

    def function(rate):
        y = 2 * rate
        y.label = "y"
        held.extend([rate, y])
        return 1 / 0 if failed else y

    with pytest.raises(ZeroDivisionError) if failed else np.errstate():
        compile(function)(1.0)
    for placeholder, name in zip(held, ("rate", "y")):
        assert repr(placeholder).startswith("<placeholder")
        for use in USES:
            with pytest.raises(TracingError, match=rf"The placeholder {name} was used after the trace"):
                use(placeholder)
