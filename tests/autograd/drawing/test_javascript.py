"""The operations in JavaScript: the committed file is current, and every row of it gives the engine's numbers.

What is run in a browser is tested in test_stepper.py; here the printer is.
"""

from __future__ import annotations

import math
import re

import pytest

import autograd
from autograd import OPERATIONS, operation
from autograd.drawing import javascript
from autograd.operations import leaky_relu_of, power_of


def test_the_committed_file_is_current():
    assert javascript.FILE.read_text(encoding="utf-8") == javascript.operations_javascript(), (
        "operations.js is not what the rules in autograd/operations.py say; run: python -m autograd.drawing.javascript"
    )


def test_every_operation_has_a_row():
    assert set(re.findall(r"^ROWS\.(\w+) =", javascript.operations_javascript(), re.M)) == set(OPERATIONS)


def test_only_what_bottoms_out_in_math_is_written_by_hand():
    for name in OPERATIONS.keys() - javascript.PRIMITIVES.keys():
        javascript.forward_function(OPERATIONS[name], javascript.arity(OPERATIONS[name]))
    for name in javascript.PRIMITIVES.keys() - {"power"}:
        with pytest.raises(TypeError):
            javascript.forward_function(OPERATIONS[name], 1)


@operation(lambda out, x: (autograd.where(x > 1, lambda: out / x, 0.0) + autograd.stop_gradient(out),))
def swish(x):
    return x * autograd.sigmoid(x)


PRINTED = {
    "a parameter is a number": (power_of(3.0), 1, ["return power(x, 3);", "power(x, 2)"]),
    "and a slope": (leaky_relu_of(0.2), 1, ["return (x > 0) ? x : (0.2 * x);"]),
    "operations are calls": (swish, 1, ["return x * sigmoid(x);"]),
    "a choice is a choice": (swish, 1, ["((x > 1) ? (out / x) : 0) + out"]),
    "any number of operands": (OPERATIONS["logsumexp"], 4, ["(x1, x2, x3, x4) =>", "(out, x1, x2, x3, x4) =>"]),
    "infinities and NaN": (
        operation(lambda out, x: (math.nan * x,))(lambda x: x + math.inf - -math.inf), 1,
        ["(x + Infinity) - (-Infinity)", "[NaN * x]"],
    ),
    "numbers alone": (operation(lambda out, x: (0.0,))(lambda x: 2.5), 1, ["return 2.5;", "return [0];"]),
    "equality": (
        operation((1.0,))(lambda x: autograd.where(autograd.equal(x, 2), x, -x)), 1, ["(x === 2) ? x : (-x)"]
    ),
    "a number as a condition": (operation((1.0,))(lambda x: autograd.where(x, 1.0, 2.0)), 1, ["(x !== 0) ? 1 : 2"]),
    "reflected operators": (operation((1.0,))(lambda x: 2 / (3 - x) ** 2), 1, ["2 / power(3 - x, 2)"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed(name):
    rule, count, texts = PRINTED[name]
    printed = javascript.traced(rule, count)
    for text in texts:
        assert text in printed, printed


def test_common_subterms_are_bound_once():
    printed = javascript.traced(operation((1.0,))(lambda x: autograd.exp(x * x) + 1 / autograd.exp(x * x)), 1)
    assert printed.count("exp(") == 1
    assert printed.count("x * x") == 1


def test_what_a_rule_does_in_vain_is_not_printed():
    def rule(x):
        autograd.exp(x)
        return x

    assert "exp" not in javascript.traced(operation((1.0,))(rule), 1)


def test_no_line_and_no_nesting_grows_with_the_number_of_operands():
    printed = javascript.traced(OPERATIONS["logsumexp"], 400)
    assert max(line.count("(") for line in printed.splitlines() if "=>" not in line and "return" not in line) < 12


@pytest.mark.parametrize(
    "forward",
    [lambda x: math.sin(x), lambda x: x if x > 0 else -x, lambda x: float(x), lambda x: [x]],
    ids=["math", "branch", "float", "list"],
)
def test_what_cannot_be_traced_raises(forward):
    with pytest.raises(TypeError):
        javascript.traced(operation((1.0,))(forward), 1)
