"""SGD: the update rule of the lectures, and what it refuses."""

from __future__ import annotations

import math

import pytest

import nn
from autograd import Value


def test_a_step_goes_against_the_gradient():
    # lecture 001: u_1 new = -0.22 - 0.5 (-0.0171)
    u = Value(-0.22)
    u.grad = -0.0171
    optimizer = nn.SGD([u], lr=0.5)
    optimizer.step()
    assert u.data == -0.22 - 0.5 * -0.0171
    optimizer.zero_grad()
    assert u.grad == 0.0


def test_gradient_descent_finds_the_minimum():
    x, y = Value(5.0), Value(-3.0)
    optimizer = nn.SGD([x, y], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        ((x - 1) ** 2 + (y + x) ** 2).backward()
        optimizer.step()
    assert (x.data, y.data) == pytest.approx((1.0, -1.0), abs=1e-4)


@pytest.mark.parametrize(
    ("parameters", "lr", "message"),
    [([], 0.1, "no parameters"), ([Value(1.0)], -0.1, "-0.1"), ([Value(1.0)], math.nan, "nan")],
)
def test_it_refuses_nonsense(parameters, lr, message):
    with pytest.raises(ValueError, match=message):
        nn.SGD(parameters, lr=lr)
