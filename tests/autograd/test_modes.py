"""no_grad: what it does, that it ends, and whom it concerns."""

from __future__ import annotations

import threading

import pytest

import autograd
from autograd import Value, no_grad


def test_results_have_no_parents_and_leaves_stay_usable():
    x = Value(2.0)
    with no_grad():
        results = [x * 3, 3 - x, x.exp(), x**2, autograd.logsumexp([x, x]), abs(x), x.leaky_relu()]
    assert all(result.parents == () for result in results)
    updated = results[0]
    (updated * updated).backward()
    assert (updated.grad, x.grad) == (12.0, 0.0)


def test_it_nests_and_ends_with_an_error():
    x = Value(2.0)
    with pytest.raises(ZeroDivisionError), no_grad(), no_grad():
        _ = x / 0
    assert (x * 3).parents != ()


def test_it_is_a_decorator():
    @no_grad()
    def predict(x):
        return x * 3

    assert predict(Value(2.0)).parents == ()
    assert (Value(2.0) * 3).parents != ()


def test_it_concerns_its_own_thread_only():
    x = Value(2.0)
    inside, done = threading.Event(), threading.Event()

    def hold():
        with no_grad():
            inside.set()
            done.wait(timeout=10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(timeout=10)
    parents = (x * 3).parents
    done.set()
    thread.join()
    assert parents[0] is x
