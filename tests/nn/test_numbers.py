"""Numbers as users have them: whatever its type, a number counts as the float, a class, a size or a seed as the int."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

KINDS = {
    **{kind.__name__: kind for kind in (bool, int, Fraction, np.bool_, np.uint8, np.int8, np.int64)},
    **{kind.__name__: kind for kind in (np.float16, np.float32, np.float64, np.longdouble)},
    **{f"array of {dtype}": lambda x, dtype=dtype: np.array(x, dtype) for dtype in ("bool", "uint8", "float32")},
}
WHOLE = {name: kind for name, kind in KINDS.items() if "float" not in name and name not in ("longdouble", "Fraction")}


def settings_of(optimizer):
    return {name: number for name, number in vars(optimizer).items() if name not in ("parameters", "states")}


def set_anew(optimizer, **settings):
    for name, number in settings.items():
        setattr(optimizer, name, number)
    return settings_of(optimizer)


def after_a_step(schedule):
    schedule.step()
    return schedule.optimizer.lr


def sgd(lr=1.0):
    return nn.SGD([Value(1.0)], lr=lr)


def clipped(grad, max_norm):
    w = Value(0.0)
    w.grad = grad
    return nn.clip_grad_norm([w], max_norm), w.grad


def gradient_of(loss, *arguments):
    w = Value(0.25)
    loss(w, *arguments).backward()
    return w.grad


CALLS = {  # n makes a number of the kind of 0 and 1, which all kinds have
    "squared error": lambda n: nn.squared_error(n(0), n(1)),
    "mean squared error": lambda n: nn.mean_squared_error([n(0), n(1)], [n(1), n(1)]),
    "absolute error": lambda n: nn.mean_absolute_error(n(0), n(1)),
    "huber": lambda n: nn.huber(n(0), n(1), n(1)),
    "hinge": lambda n: nn.hinge(n(0), n(1)),
    "cross entropy": lambda n: nn.cross_entropy([n(0), n(1), n(0)], [n(1), n(0), n(0)]),
    "likelihood": lambda n: nn.negative_log_likelihood([n(1), n(0)], [n(1), n(0)]),
    "binary": lambda n: [nn.binary_cross_entropy(0.25, n(target)) for target in (0, 1)],
    "logits": lambda n: [nn.binary_cross_entropy_with_logits(n(1), n(target)) for target in (0, 1)],
    "l1": lambda n: nn.l1_penalty([n(1)] * 300),
    "l2": lambda n: nn.l2_penalty([n(1)] * 600),
    "sum": lambda n: autograd.sum([n(1)] * 300),
    "dot": lambda n: autograd.dot([n(1)] * 300, [n(1)] * 300),
    "logsumexp": lambda n: autograd.logsumexp([n(0), n(1)]),
    "softmax": lambda n: autograd.softmax([n(0), n(1)]),
    "log_softmax": lambda n: autograd.log_softmax([n(0), n(1)]),
    "where": lambda n: [autograd.where(n(0), 0.0, n(1)), autograd.where(n(1), lambda: n(1), 0.0)],
    "leaky_relu": lambda n: [autograd.leaky_relu(-2.0, n(1)), Value(-2.0).leaky_relu(n(1)).data],
    "SGD": lambda n: settings_of(nn.SGD([Value(1.0)], n(1), n(0), n(0), n(1))),
    "Adam": lambda n: settings_of(nn.Adam([Value(1.0)], n(1), [n(0), n(0)], n(1), n(1))),
    "AdamW": lambda n: nn.AdamW([Value(1.0)], n(1), (n(0), n(0)), n(1), n(1)).betas,
    "RMSprop": lambda n: settings_of(nn.RMSprop([Value(1.0)], n(1), n(0), n(1), n(1), n(0))),
    "Adagrad": lambda n: nn.Adagrad([Value(1.0)], n(1), n(1), n(1), n(1), n(1)).states,
    "lr anew": lambda n: set_anew(sgd(), lr=n(1), momentum=n(1)),
    "betas anew": lambda n: set_anew(nn.Adam([Value(1.0)]), betas=(n(0), n(1)), eps=n(1)),
    "StepLR": lambda n: after_a_step(nn.StepLR(sgd(n(1)), n(1), n(1))),
    "CosineAnnealingLR": lambda n: after_a_step(nn.CosineAnnealingLR(sgd(), n(1), n(1))),
    "LinearLR": lambda n: after_a_step(nn.LinearLR(sgd(), n(1), n(0), n(1))),
    "clip": lambda n: clipped(n(1), n(1)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_number_of_any_type_counts_as_the_float(kind, call):
    assert repr(call(kind)) == repr(call(float))  # which says the type as well


def test_numpy_keeps_its_own_arithmetic_out():
    assert nn.mean_absolute_error(np.uint8(3), np.uint8(5)) == 2.0
    assert nn.binary_cross_entropy(Value(0.25), np.uint8(1)).data == nn.binary_cross_entropy(0.25, 1.0)
    assert autograd.sum(np.array([200, 100], dtype=np.uint8)) == 300.0
    assert autograd.dot(np.array([200, 100], dtype=np.uint8), [2, 2]) == 600.0
    assert nn.squared_error(np.float32(0.1), 0.0) == 0.5 * float(np.float32(0.1)) ** 2
    assert gradient_of(nn.squared_error, np.float32(0.1)) == 0.25 - float(np.float32(0.1))


@pytest.mark.parametrize("kind", WHOLE.values(), ids=WHOLE)
def test_a_whole_number_of_any_type_counts_as_the_int(kind):
    one = kind(1)
    assert nn.cross_entropy([0.0, 1.0], one) == nn.cross_entropy([0.0, 1.0], 1)
    assert nn.negative_log_likelihood([0.25, 0.75], one) == nn.negative_log_likelihood([0.25, 0.75], 1)
    assert nn.MLP(one, [one, one], seed=one).state_dict() == nn.MLP(1, [1, 1], seed=1).state_dict()
    assert nn.Neuron(one, seed=one).state_dict() == nn.Neuron(1, seed=1).state_dict()
    for draw in nn.INITIALIZERS.values():
        assert draw(one, one, random.Random(0)) == draw(1, 1, random.Random(0))
    w = Value(1.0)
    assert nn.minimize(lambda: w * w, [w], max_iterations=one).nit == 1
    with pytest.raises(IndexError, match="classes are 0 to 0"):
        nn.cross_entropy([0.0], one)


def test_sizes_do_not_overflow():
    assert nn.Layer(np.int8(100), np.int8(100), seed=0).state_dict() == nn.Layer(100, 100, seed=0).state_dict()
    w = Value(1.0)
    assert nn.minimize(lambda: w * w, [w], max_iterations=np.uint8(200)).success


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop, nn.Adagrad])
def test_weights_stay_doubles(make, engine):
    def trained(number):
        line = nn.Neuron(1, None, seed=0)
        optimizer = make(line.parameters(), lr=number(0.1), weight_decay=number(0.1))
        nn.fit(line, [0.3, 0.7], [1.0, 2.0], nn.squared_error, optimizer, 5, progress=False, engine=engine)
        return line.state_dict()

    assert trained(np.float32) == trained(lambda x: float(np.float32(x)))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.array], ids=["uint8", "int64", "array"])
def test_the_settings_of_fit_may_be_whole_numbers_of_any_type(kind):
    def trained(number):
        line = nn.Neuron(1, None, seed=0)
        return nn.fit(
            line, [0.3, 0.7, 0.9], [1, 2, 3], nn.squared_error, nn.SGD(line.parameters(), lr=0.1), progress=False,
            epochs=number(3), batch_size=number(2), seed=number(7), patience=number(1), snapshot_every=number(1),
            threads=number(1), tolerance=number(0),
        ).loss  # fmt: skip

    assert trained(kind) == trained(int)


def test_targets_of_more_bits_than_a_double_are_doubles():
    line = nn.Neuron(1, None, seed=0)
    targets = np.array([1, 2], dtype=np.longdouble) / 3
    risk = nn.empirical_risk(line, [0.3, 0.7], targets, nn.squared_error)
    assert risk.data == nn.empirical_risk(line, [0.3, 0.7], targets.astype(float), nn.squared_error).data
