"""What a trace writes down: tables of functions of a row x, beside the steps that they come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import autograd
from autograd import Value, exp, modes, operation, stop_gradient, tanh, where
from autograd.tracing import Placeholder, Rule, Tape, TracingError, evaluate


def traced(function: Callable[[list[Any]], Any], n_inputs: int = 3, fold: bool = True) -> tuple[Tape, list[int]]:
    """The tape of a function of a row, and where its outputs are on it."""
    tape = Tape(fold)
    x = list(map(tape.input, range(n_inputs)))
    with modes.traced_on(tape):
        result = function(x)
    return tape, list(map(tape.lift, result if isinstance(result, (list, tuple)) else [result]))


def spelled(tape: Tape, number: int) -> str:
    """The step and all that it is made of: multiply(x0, p1)."""
    kind, *operands = tape.steps[number]
    if kind in ("input", "parameter", "constant"):
        of = operands[0]
        return f"{of:g}" if kind == "constant" else str(of) if type(of) is str else f"{'xp'[kind == 'parameter']}{of}"
    name = kind if isinstance(kind, str) else type(kind).__name__.lower()
    return f"{name}({', '.join(spelled(tape, operand) for operand in operands)})"


def spelled_all(function: Callable[[list[Any]], Any], fold: bool = True) -> list[str]:
    tape, outputs = traced(function, fold=fold)
    return [spelled(tape, output) for output in outputs]


# --------------------------------------------------------------------------------------------------------------- steps

SAME = {
    "written twice": lambda x: (x[0] * x[1], x[0] * x[1]),
    "as operators, methods and functions": lambda x: (x[0].exp() + x[1], autograd.add(exp(x[0]), x[1])),
    "with the same constant": lambda x: (x[0] - 0.1, x[0] - 0.1),
    "a whole number and a float": lambda x: (x[0] * 3, x[0] * 3.0),
    "NaN": lambda x: (x[0] * math.nan, x[0] * -math.nan),
    "a power as operator and function": lambda x: (x[0] ** 2, autograd.power(x[0], 2.0)),
    "plus and identity": lambda x: (+x[0], autograd.OPERATIONS["identity"](x[0])),
    "comparisons": lambda x: (where(x[0] < 0, x[1], 2.0), where(x[0] < 0.0, x[1], 2.0)),
    "computed before or inside": lambda x: (where(x[0], x[1] * 2, x[2]), where(x[0], lambda: x[1] * 2, x[2])),
}  # fmt: skip
DIFFERENT = {
    "operands in another order": lambda x: (x[0] * x[1], x[1] * x[0]),
    "zeros of either sign": lambda x: (x[0] / 0.0, x[0] / -0.0),
    "neighbouring constants": lambda x: (x[0] * 0.1, x[0] * math.nextafter(0.1, 1)),
    "a kink and its mirror": lambda x: (where(x[0] < 0, x[1], x[2]), where(x[0] <= 0, x[1], x[2])),
    "a square by exponent or as a product": lambda x: (x[0] ** 2, x[0] * x[0]),
    "the root by exponent or function": lambda x: (x[0] ** (1 / 3), x[0].sqrt()),
}


@pytest.mark.parametrize("name", [*SAME, *DIFFERENT])
def test_equal_steps_are_one(name):
    _, (first, second) = traced({**SAME, **DIFFERENT}[name])
    assert (first == second) == (name in SAME)


FOLDED = {
    "x0": [
        lambda x: x[0] * 1, lambda x: 1.0 * x[0], lambda x: x[0] + -0.0, lambda x: -0.0 + x[0], lambda x: x[0] - 0.0,
        lambda x: x[0] / 1, lambda x: x[0] ** 1, lambda x: autograd.sum([x[0]]), lambda x: x[0] - 0, lambda x: +x[0],
        lambda x: where(3.0 > 2.0, x[0], x[1]), lambda x: (x[0] * 1 + -0.0) / 1 - 0,
    ],
    # Of -0.0 these make 0.0.
    "add(x0, 0)": [lambda x: x[0] + 0, lambda x: x[0] + 0.0],
    "add(0, x0)": [lambda x: 0.0 + x[0], lambda x: sum([x[0]])],
    "subtract(x0, -0)": [lambda x: x[0] - -0.0],
    "negative(x0)": [lambda x: x[0] * -1, lambda x: -1.0 * x[0], lambda x: -x[0]],
    "subtract(0, x0)": [lambda x: 0 - x[0]],
    "multiply(0, x0)": [lambda x: 0 * x[0]],  # which is NaN for infinity
    "divide(1, x0)": [lambda x: 1 / x[0]],
    "multiply(x0, x0)": [lambda x: x[0] * x[0]],
    # Powers are spelled out by a pass of their own, see test_powers.
    "power(x0, -1)": [lambda x: x[0] ** -1],
    "power(x0, 2)": [lambda x: x[0] ** 2, lambda x: x[0] ** 2.0],
    "power(x0, 3)": [lambda x: x[0] ** 3],
    "power(x0, 4)": [lambda x: x[0] ** 4],
    "power(x0, 5)": [lambda x: x[0] ** 5],
    "power(x0, 1.5)": [lambda x: x[0] ** 1.5],
    "power(x0, x1)": [lambda x: x[0] ** x[1]],
    "power(2, x0)": [lambda x: 2 ** x[0]],
    "sqrt(x0)": [lambda x: x[0].sqrt()],
    "power(x0, 0.5)": [lambda x: x[0] ** 0.5],
    "power(x0, -0.5)": [lambda x: x[0] ** -0.5],
    "power(x0, -2)": [lambda x: x[0] ** -2],
    "power(x0, -3)": [lambda x: x[0] ** -3],
    "power(x0, 0)": [lambda x: x[0] ** 0, lambda x: x[0] ** 0.0],
    "1": [lambda x: 1, lambda x: True, lambda x: autograd.cos(0.0)],
    "x1": [lambda x: where(0.0, x[0], x[1]), lambda x: where(math.nan == 0, lambda: x[0] / 0, lambda: x[1])],
    "multiply(2, x0)": [lambda x: (1 + 1) * x[0], lambda x: autograd.sqrt(4.0) * x[0]],
}  # fmt: skip


@pytest.mark.parametrize("expected", FOLDED)
def test_what_changes_nothing_is_folded(expected):
    for function in FOLDED[expected]:
        assert spelled_all(function) == [expected]


def test_steps_on_plain_numbers_are_carried_out_in_ieee_arithmetic():
    tape = Tape()
    numbers = {
        "multiply": ((3.0, 4.0), 12.0), "divide": ((1.0, 0.0), math.inf), "log": ((0.0,), -math.inf),
        "exp": ((1e3,), math.inf), "less": ((1.0, 2.0), 1.0), "greater": ((1.0, 2.0), 0.0),
        "where": ((1.0, 5.0, 6.0), 5.0), "tanh": ((0.0,), 0.0),
    }  # fmt: skip
    for name, (operands, expected) in numbers.items():
        assert tape.constant_of(tape.apply(name, *map(tape.constant, operands))) == expected, name
    for name, operands in {"sqrt": (-1.0,), "subtract": (math.inf, math.inf), "power": (-8.0, 0.5)}.items():
        assert math.isnan(tape.constant_of(tape.apply(name, *map(tape.constant, operands)))), name
    assert {step[0] for step in tape.steps} == {"constant"}


UNFOLDED = {
    "multiply(x0, 1)": lambda x: x[0] * 1,
    "multiply(-1, x0)": lambda x: -1 * x[0],
    "add(-0, x0)": lambda x: -0.0 + x[0],
    "subtract(x0, 0)": lambda x: x[0] - 0,
    "divide(x0, 1)": lambda x: x[0] / 1,
    "power(x0, 1)": lambda x: x[0] ** 1,
    "where(less(1, 2), x0, x1)": lambda x: where(x[0]._tape.placeholder(1.0) < 2.0, x[0], x[1]),
    "multiply(add(1, 2), x0)": lambda x: (x[0]._tape.placeholder(1.0) + 2.0) * x[0],
}


@pytest.mark.parametrize("expected", UNFOLDED)
def test_a_tape_whose_every_bit_counts_keeps_everything(expected):
    assert spelled_all(UNFOLDED[expected], fold=False) == [expected]
    assert spelled_all(UNFOLDED[expected]) != [expected]


# ------------------------------------------------------------------------------------------------------ captured Values


def test_captured_leaves_are_parameters_in_the_order_in_which_they_are_used():
    a, b, c = Value(2.0), Value(3.0), Value(4.0)
    inner = tanh(c * 2.0) + a  # computed before the trace
    cases = {
        "add(multiply(p0, x0), p1)": ([b, a], lambda x: b * x[0] + a),
        "multiply(multiply(x0, p0), multiply(x0, p0))": ([a], lambda x: (x[0] * a) * (x[0] * a)),
        "multiply(x0, add(tanh(multiply(p0, 2)), p1))": ([c, a], lambda x: x[0] * inner),
        "multiply(add(x0, p0), multiply(add(tanh(multiply(p1, 2)), p2), p0))":
            ([b, c, a], lambda x: (x[0] + b) * (inner * b)),
        "multiply(p0, p1)": ([b, c], lambda x: b * c),
        "p0": ([b], lambda x: b),
        "multiply(x0, p0)": ([a], lambda x: x[0] * a),
        "where(greater(x0, p0), p1, p2)": ([a, b, c], lambda x: where(x[0] > a, b, c)),
        "multiply(x0, exp(stop_gradient(p0)))": ([c], lambda x: x[0] * exp(stop_gradient(c))),
    }  # fmt: skip
    for expected, (parameters, function) in cases.items():
        tape, (output,) = traced(function)
        assert spelled(tape, output) == expected
        assert [id(leaf) for leaf in tape.parameters] == [id(leaf) for leaf in parameters], expected


def test_numbers_in_the_expression_of_a_captured_value_are_constants():
    w = Value(2.0)
    for captured, expected in {w * 3.0: "multiply(p0, 3)", 1 - w: "subtract(1, p0)", w**2: "power(p0, 2)"}.items():
        tape, (output,) = traced(lambda x, captured=captured: x[0] * captured)
        assert spelled(tape, output) == f"multiply(x0, {expected})"
        assert tape.parameters == [w]


def test_a_captured_value_is_traced_once_whatever_its_depth():
    w = v = Value(1.0)
    for _ in range(5000):
        v = v + w
    tape, _ = traced(lambda x: [x[0] * v, x[1] * v])
    assert len(tape.steps) == 3 + 1 + 5000 + 2 and tape.parameters == [w]


# ---------------------------------------------------------------------------------------------------- rules and choices


@operation(lambda out, x, y: (exp(y) * y, out))
def crooked(x: Any, y: Any) -> Any:
    return x * y * 2.0


@operation((3.0,))
def tripled(x: Any) -> Any:
    return 3 * x


def test_an_operation_without_a_row_is_what_its_forward_does_and_has_the_partials_of_its_rule():
    cases = {
        # what it came to; its operands; the partial for each of them
        (lambda x: crooked(x[0], x[1])): ("multiply(multiply(x0, x1), 2)", ["x0", "x1"],
                                          ["multiply(exp(x1), x1)", "multiply(multiply(x0, x1), 2)"]),
        (lambda x: tripled(x[0])): ("multiply(3, x0)", ["x0"], ["3"]),
        (lambda x: crooked(x[0], Value(1.0))): ("multiply(multiply(x0, p0), 2)", ["x0", "p0"],
                                                ["multiply(exp(p0), p0)", "multiply(multiply(x0, p0), 2)"]),
        (lambda x: x[0].leaky_relu(0.25)): ("where(greater(x0, 0), x0, multiply(0.25, x0))", ["x0"], None),
    }  # fmt: skip
    for function, (result, operands, partials) in cases.items():
        tape, (output,) = traced(function)
        kind, *numbers = tape.steps[output]
        assert kind == Rule(len(operands))
        found = [spelled(tape, number) for number in numbers]
        assert found[0] == result and found[1 : 1 + len(operands)] == operands
        assert partials is None or found[1 + len(operands) :] == partials


def test_logsumexp_takes_each_exponential_once():
    functions: list[Callable[[list[Any]], Any]] = [
        autograd.logsumexp,
        lambda x: [*autograd.log_softmax(x), autograd.logsumexp(x)],
        lambda x: [autograd.logsumexp(x), autograd.logsumexp(x[::-1])],  # the same parts whatever the order
    ]
    for function in functions:
        kinds = [step[0] for step in traced(function)[0].steps]
        assert kinds.count("exp") == 3 and kinds.count("log1p") == 1 and "log" not in kinds
        assert kinds.count("maximum") == 2


def test_both_branches_of_a_choice_are_traced_and_a_condition_is_a_comparison():
    cases = {
        "where(greater(x0, 0), log(x0), x1)": lambda x: where(x[0] > 0, lambda: autograd.log(x[0]), x[1]),
        "where(unequal(x0, 0), x1, 2)": lambda x: where(x[0], x[1], 2),
        "where(less(x0, 1), 1, 0)": lambda x: where(x[0] < 1, 1.0, 0.0),
        "where(equal(x0, x1), x0, x1)": lambda x: where(autograd.equal(x[0], x[1]), x[0], x[1]),
        "where(unequal(x0, 1), x0, x1)": lambda x: where(autograd.not_equal(x[0], 1), x[0], x[1]),
        "where(greater(p0, x0), x1, x2)": lambda x: where(Value(1.0) > x[0], x[1], x[2]),
        "where(greater(p0, 2), x1, x2)": lambda x: where(Value(3.0) > 2.0, x[1], x[2]),  # p0 may change
        "multiply(greater_equal(x0, 0), x1)": lambda x: (x[0] >= 0) * x[1],
    }
    for expected, function in cases.items():
        assert spelled_all(function) == [expected]


def test_what_is_stopped_is_a_step_of_its_own():
    assert spelled_all(lambda x: stop_gradient(x[0] * 2.0) + x[0]) == ["add(stop_gradient(multiply(x0, 2)), x0)"]
    assert spelled_all(lambda x: x[0] * stop_gradient(2.0)) == ["multiply(x0, 2)"]


# -------------------------------------------------------------------------------------------------- labels and the text


def test_the_text_of_a_tape():
    w, half = Value(2.0, "w"), Value(0.5)

    def function(x: Any) -> Any:
        z = w * x[0] + half
        z.label = "z"
        x[1].label = "a line\nbreak"
        return tripled(tanh(z)) - x[1] / 0.1

    tape, _ = traced(function)
    assert repr(tape).splitlines() == [
        "v1 = multiply(w, x0)",
        "z = add(v1, p1)",
        "v3 = tanh(z)",
        "v4 = multiply(3.0, v3)",
        "v5 = rule(v4, v3)",
        r"v6 = divide(a line\nbreak, 0.1)",
        "v7 = subtract(v5, v6)",
    ]
    assert repr(Tape()) == repr(traced(lambda x: x[0])[0]) == "<no steps>"


def test_the_middle_of_a_long_text_is_left_out():
    def chain(x: Any) -> Any:
        y = x[0]
        for _ in range(1061):
            y = y.sin()
        return y

    lines = repr(traced(chain)[0]).splitlines()
    assert lines[29:32] == ["v30 = sin(v29)", "... 1,001 more", "v1032 = sin(v1031)"] and len(lines) == 61


def test_labels_of_captured_values_and_of_placeholders():
    w = Value(2.0)
    inner = w * 3.0
    inner.label = "inner"
    tape, (output,) = traced(lambda x: x[0] * inner)
    assert repr(tape).splitlines() == ["inner = multiply(p0, 3.0)", "v2 = multiply(x0, inner)"]
    placeholder = Placeholder(tape, output)
    assert (placeholder.label, repr(placeholder)) == ("", f"<placeholder {output}>")
    placeholder.label = "y"
    assert (placeholder.label, repr(placeholder)) == ("y", "<placeholder y>")


# --------------------------------------------------------------------------------------------------- rewritten and uses


def test_a_rewritten_tape_holds_what_the_results_need():
    w = Value(2.0)

    def function(x: Any) -> Any:
        y = x[0] * w
        y.label = "y"
        unused = exp(x[1]) + 7.0
        unused.label = "unused"
        return [y - x[2], y * y]

    tape, outputs = traced(function)
    new, places = tape.rewritten(outputs)
    assert [spelled(new, place) for place in places] == [spelled(tape, output) for output in outputs]
    assert repr(new).splitlines() == ["y = multiply(x0, p0)", "v2 = subtract(y, x2)", "v3 = multiply(y, y)"]
    assert ("input", 1) not in new.steps and not any(step[0] == "constant" for step in new.steps)
    assert new.parameters == [w] and new.labels == {places[0] - 1: "y"}
    new, places = tape.rewritten([outputs[1], outputs[1]])
    assert places[0] == places[1] and "subtract" not in repr(new)


def test_a_rewritten_tape_has_other_forms_and_detours():
    tape, (output,) = traced(lambda x: stop_gradient(x[0] * x[1] + x[2]) * 2.0)
    product, total, stopped, result = (
        tape.steps.index(step) for step in tape.steps if step[0] not in ("input", "constant")
    )
    assert result == output
    seven = tape.constant(7.0)  # a leaf that was added last
    new, (place,) = tape.rewritten([output], {total: ("multiply_add", 0, 1, 2)}, {stopped: total})
    assert spelled(new, place) == "multiply(multiply_add(x0, x1, x2), 2)"
    new, (place,) = tape.rewritten([output], {product: ("multiply", 0, seven)})
    assert spelled(new, place) == "multiply(stop_gradient(add(multiply(x0, 7), x2)), 2)"
    new, (place,) = tape.rewritten([stopped], instead={stopped: total})
    assert spelled(new, place) == "add(multiply(x0, x1), x2)"
    for number in (total, stopped, output):  # nothing happened to the old one
        assert spelled(tape, number).count("stop_gradient") == (number != total)


def test_uses():
    def function(x: Any) -> Any:
        square = x[0] * x[0]
        _ = square * 3.0  # nobody needs it
        return [square + x[1], square]

    tape, outputs = traced(function)
    uses = {spelled(tape, number): count for number, count in enumerate(tape.uses(outputs))}
    assert uses == {
        "x0": 2, "x1": 1, "x2": 0, "multiply(x0, x0)": 2, "3": 0, "multiply(multiply(x0, x0), 3)": 0,
        "add(multiply(x0, x0), x1)": 1,
    }  # fmt: skip
    assert tape.uses([outputs[1]])[outputs[1]] == 1 and tape.uses([outputs[1]] * 2)[outputs[1]] == 2
    assert not any(tape.uses([]))


def test_evaluate_is_a_step_on_plain_numbers():
    cases: dict[tuple[str, Sequence[float]], float] = {
        ("add", (1.0, 2.0)): 3.0, ("less", (1.0, 2.0)): 1.0, ("unequal", (1.0, 1.0)): 0.0,
        ("where", (0.0, 1.0, 2.0)): 2.0, ("stop_gradient", (5.0,)): 5.0, ("power", (2.0, 3.0)): 8.0,
        ("relu", (-1.0,)): 0.0,
    }  # fmt: skip
    for (name, operands), expected in cases.items():
        assert evaluate(name, operands) == expected, name


def test_a_placeholder_belongs_to_one_trace():
    stranger = Tape().input(0)
    for use in (
        lambda y: stranger * y,
        lambda y: y - stranger,
        lambda y: exp(stranger) + y,
        lambda y: where(y > 0, stranger, y),
        lambda y: crooked(y, stranger),
        lambda y: Value(1.0) * y + stranger,
    ):
        with pytest.raises(TracingError, match="of another function"):
            traced(lambda x, use=use: use(x[0]))
