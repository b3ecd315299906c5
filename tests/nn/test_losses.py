"""Losses: values, gradients as the lectures print them, and what happens at 0, at 1 and to wrong input."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, value_and_grad

LN2 = math.log(2.0)


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "value", "gradient"),
    [
        # lecture 000: real-valued output, gradient y - d
        (nn.squared_error, [3.0, -1.0], [1.0, 1.0], 4.0, [2.0, -2.0]),
        (nn.squared_error, 0.7525, 1.0, 0.5 * 0.2475**2, -0.2475),
        (nn.mean_squared_error, [3.0, -1.0], [1.0, 1.0], 4.0, [2.0, -2.0]),
        # lecture 000: binary class, -1/y for d = 1 and 1/(1 - y) for d = 0
        (nn.binary_cross_entropy, 0.25, 1, 2 * LN2, -4.0),
        (nn.binary_cross_entropy, 0.75, 0, 2 * LN2, 4.0),
        (nn.binary_cross_entropy, 0.5, 0.5, LN2, 0.0),
        (nn.binary_cross_entropy, [0.25, 0.75], [1, 0], 2 * LN2, [-2.0, 2.0]),
        # lecture 004's sanity check, 0 log 0 = 0
        (nn.binary_cross_entropy, 0.0, 0, 0.0, 1.0),
        (nn.binary_cross_entropy, 1.0, 1, 0.0, -1.0),
        # lecture 003: sigmoid with cross-entropy, a - y
        (nn.binary_cross_entropy_with_logits, 0.0, 1, LN2, -0.5),
        (nn.binary_cross_entropy_with_logits, 1000.0, 0, 1000.0, 1.0),
        (nn.binary_cross_entropy_with_logits, -1000.0, 0, 0.0, 0.0),
        (nn.binary_cross_entropy_with_logits, [0.0, 0.0], [1, 0], LN2, [-0.25, 0.25]),
        # lectures 000 and 002: softmax with cross-entropy, y - t
        (nn.cross_entropy, [0.0, 0.0], 1, LN2, [0.5, -0.5]),
        (nn.cross_entropy, [0.0, 0.0], [0.0, 1.0], LN2, [0.5, -0.5]),
        (nn.cross_entropy, [0.0, 0.0], [0.25, 0.75], LN2, [0.25, -0.25]),
        (nn.cross_entropy, [1000.0, 0.0], 1, 1000.0, [1.0, -1.0]),
        (nn.cross_entropy, [1000.0, 0.0], np.int64(0), 0.0, [0.0, 0.0]),
        (nn.cross_entropy, np.array([5.0]), 0, 0.0, [0.0]),
        (nn.mean_absolute_error, [3.0, -1.0, 1.0], [1.0, 1.0, 1.0], 4 / 3, [1 / 3, -1 / 3, 0.0]),
        (nn.huber, 1.5, 1.0, 0.125, 0.5),
        (nn.huber, -2.0, 1.0, 2.5, -1.0),
        (nn.huber, 2.0, 1.0, 0.5, 1.0),
        (nn.huber, [1.5, 4.0], [1.0, 1.0], 2.625 / 2, [0.25, 0.5]),
        (lambda y, d: nn.huber(y, d, 2.0), 4.0, 1.0, 4.0, 2.0),
        (nn.hinge, 0.25, 1, 0.75, -1.0),
        (nn.hinge, 0.25, -1, 1.25, 1.0),
        (nn.hinge, 1.0, 1, 0.0, 0.0),
        (nn.hinge, [0.5, 3.0], [1.0, -1.0], 2.25, [-0.5, 0.5]),
        # lecture 000: multi-class, -1/y_c for the class c and 0 for the others
        (nn.negative_log_likelihood, [0.25, 0.75], 0, 2 * LN2, [-4.0, 0.0]),
        (nn.negative_log_likelihood, [0.25, 0.75], [1, 0], 2 * LN2, [-4.0, 0.0]),
        (nn.negative_log_likelihood, [0.5, 0.5], [0.25, 0.75], LN2, [-0.5, -1.5]),
        (nn.negative_log_likelihood, [1.0, 0.0], [1, 0], 0.0, [-1.0, 0.0]),
        (lambda w, _: nn.l1_penalty(w), [3.0, -4.0, 0.0], None, 7.0, [1.0, -1.0, 0.0]),
    ],
)
def test_value_and_gradient(loss, prediction, target, value, gradient):
    assert loss(prediction, target) == pytest.approx(value, rel=1e-15)
    got = value_and_grad(lambda p: loss(p, target))(prediction)
    assert got[0] == pytest.approx(value, rel=1e-15)
    assert got[1] == pytest.approx(gradient, rel=1e-15)


def test_the_divergence_of_lecture_000_has_a_one_hot_gradient():
    # div(y, d) = -sum_i d_i log y_i: -1/y_c for the component c of the class, 0 for the others.
    y, d = [Value(p) for p in (0.2, 0.5, 0.3)], [0.0, 1.0, 0.0]
    divergence = -autograd.sum(d_i * autograd.log(y_i) for d_i, y_i in zip(d, y))
    divergence.backward()
    assert [y_i.grad for y_i in y] == [0.0, -2.0, 0.0]


@pytest.mark.parametrize("logits", [[0.3, -1.2, 2.0], [30.0, -40.0, 35.5]])
def test_cross_entropy_from_logits_is_that_of_the_softmax(logits):
    z = [Value(x) for x in logits]
    nn.cross_entropy(z, 2).backward()
    from_logits = [v.grad for v in z]
    y = autograd.softmax(logits)
    assert from_logits == pytest.approx([y[0], y[1], y[2] - 1.0], rel=1e-12, abs=1e-16)
    z = [Value(x) for x in logits]
    (-autograd.log(autograd.softmax(z)[2])).backward()
    assert [v.grad for v in z] == pytest.approx(from_logits, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("logit", [-3.0, 0.1, 4.0])
@pytest.mark.parametrize("target", [0, 1, 0.3])
def test_binary_cross_entropy_from_logits_is_that_of_the_sigmoid(logit, target):
    z, again = Value(logit), Value(logit)
    nn.binary_cross_entropy_with_logits(z, target).backward()
    nn.binary_cross_entropy(again.sigmoid(), target).backward()
    assert z.grad == pytest.approx(again.grad, rel=1e-13) == pytest.approx(autograd.sigmoid(logit) - target, rel=1e-13)


INFINITE = [  # logit, target, loss, gradient by the logit
    (math.inf, 1, 0.0, 0.0),
    (math.inf, 0, math.inf, 1.0),
    (math.inf, 0.25, math.inf, 0.75),
    (-math.inf, 0, 0.0, 0.0),
    (-math.inf, 1, math.inf, -1.0),
    (-math.inf, 0.25, math.inf, -0.25),
    (1e308, 1, 0.0, 0.0),
    (-1e308, 0, 0.0, 0.0),
    (0.0, 1, LN2, -0.5),
    (0.0, 0.25, LN2, 0.25),
    (math.nan, 1, math.nan, math.nan),
    (math.nan, 0.25, math.nan, math.nan),
]


@pytest.mark.parametrize(("z", "d", "value", "gradient"), INFINITE)
def test_logits_of_all_sizes_on_every_path(z, d, value, gradient):
    loss = nn.binary_cross_entropy_with_logits
    rows = [[z, d]] * 3
    compiled = autograd.compile(loss, example=(0.0, 0.0))
    of_column = autograd.compile(lambda x: loss(x, d))
    values, gradients = compiled.batch_value_and_grad(rows, errors="nan")
    found = {
        "float": (loss(z, d), gradient),
        "Value": value_and_grad(lambda z: loss(z, d))(z),
        "Value and target": (lambda value, grads: (value, grads[0]))(*value_and_grad(loss, argnums=(0, 1))(z, d)),
        "rows": (values[1], gradients[1][0]),
        "column": tuple(part[1].item() for part in of_column.batch_value_and_grad([[z]] * 3, errors="nan")),
    }
    for path, pair in found.items():
        assert pair == pytest.approx((value, gradient), rel=1e-14, nan_ok=True), path


@pytest.mark.parametrize("d", [0.0, 0.25, 1.0])
def test_the_derivative_by_a_target_is_minus_the_logit(d):
    for z in (-2.0, 0.0, 3.0):
        assert value_and_grad(lambda d, z=z: nn.binary_cross_entropy_with_logits(z, d))(d)[1] == pytest.approx(-z)


def test_penalties():
    weights = [Value(3.0), Value(-4.0)]
    nn.l2_penalty(weights).backward()
    assert [w.grad for w in weights] == [3.0, -4.0]
    assert nn.l2_penalty([]) == 0.0


@pytest.mark.parametrize(("prediction", "target"), [(0.0, 1), (1.0, 0), (0.0, 0.5), (-0.1, 1), (1.1, 0)])
def test_an_infinite_cross_entropy_raises_and_names_the_form_from_logits(prediction, target):
    for y in (prediction, Value(prediction)):
        with pytest.raises(ValueError, match="binary_cross_entropy_with_logits"):
            nn.binary_cross_entropy(y, target)


@pytest.mark.parametrize("target", [0, [1.0, 0.0], [0.5, 0.5]])
def test_an_infinite_likelihood_raises_and_names_the_form_from_logits(target):
    for y in ([0.0, 1.0], [Value(0.0), Value(1.0)]):
        with pytest.raises(ValueError, match=r"nn\.cross_entropy\(z, target\)"):
            nn.negative_log_likelihood(y, target)


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: nn.binary_cross_entropy(2.0, 1), ValueError, "must be a probability"),
        (lambda: nn.binary_cross_entropy(0.5, 2), ValueError, "from 0 to 1, got 2"),
        (lambda: nn.binary_cross_entropy_with_logits(0.5, -1), ValueError, r"\(target \+ 1\) / 2"),
        (lambda: nn.hinge(0.5, 0), ValueError, "2 \\* target - 1"),
        (lambda: nn.huber(0.5, 0, 0.0), ValueError, "above 0"),
        (lambda: nn.negative_log_likelihood([0.5, 0.5], 2), IndexError, "classes are 0 to 1"),
        (lambda: nn.negative_log_likelihood([0.5, 0.5], [1.0]), ValueError, "1 for 2"),
        (lambda: nn.squared_error([1.0, 2.0], [1.0]), ValueError, "1 for 2"),
        (lambda: nn.mean_squared_error([], []), ValueError, "at least one"),
        (lambda: nn.squared_error([1.0], 1.0), ValueError, "both"),
        (lambda: nn.cross_entropy([1.0, 2.0], 2), IndexError, "classes are 0 to 1"),
        (lambda: nn.cross_entropy([1.0, 2.0], -1), IndexError, "classes are 0 to 1"),
        (lambda: nn.cross_entropy([1.0, 2.0], [1.0]), ValueError, "1 for 2"),
        (lambda: nn.cross_entropy([1.0, 2.0], 1.0), TypeError, r"int\(target\)"),
    ],
)
def test_wrong_input_raises(action, error, message):
    with pytest.raises(error, match=message):
        action()
