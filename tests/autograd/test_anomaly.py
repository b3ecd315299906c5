"""detect_anomaly names the first step that makes an infinity or a NaN, and the line of this file where it stands."""

from __future__ import annotations

import inspect
import math
import pickle
import re
import threading

import pytest

import autograd
import nn
from autograd import Value, detect_anomaly, grad, hessian, no_grad


def here():
    """The line on which it is called, as the errors write it."""
    return f"test_anomaly.py:{inspect.currentframe().f_back.f_lineno}"


def told(call, *, error=FloatingPointError):
    with pytest.raises(error) as caught, detect_anomaly():
        call()
    return str(caught.value)


big = Value(1e200, "big")
tiny = Value(5e-324, "tiny")


@pytest.mark.parametrize(
    ("call", "expected", "why"),
    [
        (lambda: big * big, "multiply(1e+200, 1e+200) of 'big' is inf, ", "beyond the largest double"),
        (lambda: -big * big, "multiply(-1e+200, 1e+200) of 'big' is -inf, ", "beyond the largest double"),
        (lambda: 1 / tiny, "divide(1.0, 5e-324) of 'tiny' is inf, ", "beyond the largest double"),
        (lambda: Value(math.inf, "x") * 0, "multiply(inf, 0.0) of 'x' is nan, ", "'x' is inf already: a leaf"),
        (lambda: Value(math.nan) + big, "add(nan, 1e+200) of 'big' is nan, ", "an operand is nan already: a leaf"),
        (lambda: autograd.logsumexp([math.inf, big]), "logsumexp(inf, 1e+200) of 'big' is inf, ", "inf already"),
        (lambda: Value(1e308, "x").leaky_relu(10.0) * 10, "multiply(1e+308, 10.0) is inf", "beyond"),
        (lambda: Value(-1e308, "x").leaky_relu(10.0), "leaky_relu(-1e+308, 10.0) of 'x' is -inf", "beyond"),
    ],
)
def test_the_first_value_that_is_not_finite(call, expected, why):
    line = f"test_anomaly.py:{call.__code__.co_firstlineno} ((lambda"
    message = told(call)
    assert message.startswith(expected)
    assert line in message and why in message
    assert len(message.splitlines()) == 3
    assert not math.isfinite(call().data)  # outside of the block nobody minds


def test_the_line_that_made_a_node_whose_adjoint_is_not_finite():
    x = Value(0.0, "x")
    with detect_anomaly():
        root, line = x.sqrt(), here()
        root.label = "root"
        with pytest.raises(FloatingPointError) as caught:
            (root * 2.0).backward()
    message = str(caught.value)
    assert message.startswith(f"the adjoint of 'x' is inf: sqrt(0.0) of 'x', 'root', made at {line} (root, line = ")
    assert (
        "passes 2.0 * inf on to it.\n  sqrt has no finite derivative there.\n  Write where(abs(x) > 1e-12, " in message
    )
    assert (x.grad, root.grad) == (0.0, 0.0)


def test_the_first_adjoint_in_the_order_of_the_pass():
    x = Value(1e-200, "x")
    with detect_anomaly():
        y = (x * 1e200) ** 2 * 1e150
        with pytest.raises(FloatingPointError, match="adjoints have grown beyond the largest double"):
            (y * 1e-150).backward(1e308)
    assert x.grad == 0.0


def test_a_label_stays_a_label():
    x = Value(1e200, "\x1b[31mred\nand long" + "g" * 100)
    label = r"\x1b[31mred and long" + "g" * 19 + "…"
    assert told(lambda: x * x).startswith(f"multiply(1e+200, 1e+200) of '{label}' is inf, at")


def test_an_adjoint_that_cancels_to_nan():
    x = Value(0.0, "x")
    message = told(lambda: (x.sqrt() - x.sqrt()).backward())
    assert "the adjoint of 'x' is" in message


def test_constants_take_no_gradient_and_are_no_anomaly():
    x = Value(2.0, "x")
    with detect_anomaly():
        y = x * 1e300
        (y * 1e-200).backward(1e10)  # the adjoint of 1e-200 would be 2e310
    assert x.grad == pytest.approx(1e110)


def test_inside_of_derivatives_infinities_follow_ieee():
    with detect_anomaly():
        assert hessian(lambda x: abs(x) ** 3)(0.0) == 0.0
        assert grad(grad(lambda x: x**1.5))(4.0) == pytest.approx(0.375)
        with pytest.raises(FloatingPointError, match=r"the adjoint of an operand of sqrt is inf"):
            grad(autograd.sqrt)(0.0)


def test_errors_of_the_domain_say_where_their_operand_was_made():
    x = Value(2.0, "x")
    with detect_anomaly():
        difference, line = x - 3.0, here()
        difference.label = "d"
        with pytest.raises(ValueError, match=re.escape(f"log is not defined at -1.0 (node 'd', made at {line} (diff")):
            difference.log()


def test_no_grad_results_are_looked_at_as_well():
    def overflow():
        with no_grad():
            return big * big

    assert "multiply(1e+200, 1e+200)" in told(overflow)


def test_what_was_recorded_is_the_same_as_without_it():
    x, y = Value(0.5, "x"), Value(-2.0, "y")

    def expression():
        return (x * y).tanh() + autograd.logsumexp([x, y, x]) ** 2 - x.leaky_relu(0.1) / y**3

    plain = expression()
    with detect_anomaly():
        watched = expression()
    gradients = []
    for root in (plain, watched):
        x.grad = y.grad = 0.0
        root.backward()
        gradients.append((root.data, x.grad, y.grad))
    assert gradients[0] == gradients[1]
    for one, other in zip(*map(autograd.topological_order, (plain, watched))):
        assert (one.data, one.grad, str(one.operation)) == (other.data, other.grad, str(other.operation))
    again = pickle.loads(pickle.dumps(watched))
    assert again.operation is autograd.subtract
    assert hessian(lambda v: watched * v * v)(1.0) == 2 * watched.data


def test_training_names_the_line_of_the_loss():
    model = nn.MLP(1, [3, 1], activation="relu", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=1.0)

    def loss(prediction, target):
        error = prediction - target
        return error * error * error

    line = f"test_anomaly.py:{loss.__code__.co_firstlineno + 2} (return error * error * error)"
    assert line in told(lambda: nn.fit(model, [[1e150]], [0.0], loss, optimizer, epochs=3, progress=False))


def test_it_ends_and_concerns_its_own_thread_only():
    inside, done = threading.Event(), threading.Event()

    def hold():
        with detect_anomaly():
            inside.set()
            done.wait(timeout=10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(timeout=10)
    assert (big * big).data == math.inf
    done.set()
    thread.join()
    with pytest.raises(ZeroDivisionError), detect_anomaly():
        _ = big / 0
    assert (big * big).data == math.inf
    assert (big * 1.0).operation is autograd.multiply
