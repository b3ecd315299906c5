"""lint finds each kind of fault where it is, says whom it concerns, and is silent about a healthy network."""

from __future__ import annotations

import math
import re

import pytest

import autograd
import nn
from autograd import Value, lint, topological_order

X = [[x / 10] for x in range(-10, 11)]
Y = [x[0] ** 2 for x in X]


def risk(model, X=X, Y=Y):
    return nn.empirical_risk(model, X, Y, nn.squared_error)


def network(activation="tanh", sizes=(4, 4, 1)):
    return nn.MLP(1, list(sizes), activation=activation, seed=0)


def turn_off(neuron):
    for weight in neuron.weights:
        weight.data = 0.0
    neuron.bias.data = -1.0


def kinds(findings):
    return [finding.kind for finding in findings]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "relu", "leaky_relu"])
def test_nothing_is_wrong_with_a_healthy_network(activation):
    model = network(activation)
    findings = lint(risk(model), model)
    assert findings == []
    assert repr(findings) == "Nothing found."
    assert all(node.grad == 0.0 for node in topological_order(risk(model)))


def test_unreached_parameters():
    used, other = network(), network()
    (finding,) = lint(risk(used), [*used.parameters(), *other.layers[1].neurons[0].weights])
    assert finding.kind == "unreached"
    assert finding.nodes == tuple(other.layers[1].neurons[0].weights)
    assert f"parameter {len(used.parameters())}, " in finding.text and "1 more" not in finding.text
    (finding,) = lint(risk(used), other)
    assert finding.nodes == tuple(other.parameters())
    assert "any of these parameters" in finding.text
    assert kinds(lint(Value(1.0) * 2.0, [Value(1.0, "w")])) == ["unreached"]


def test_dead_units_are_those_that_are_off_for_every_row():
    model = network("relu")
    assert lint(risk(model), model) == []
    neuron = model.layers[1].neurons[2]
    turn_off(neuron)
    (finding,) = lint(risk(model), model)
    assert finding.kind == "dead"
    assert len(finding.nodes) == len(X)
    assert all(node.operation.name == "relu" and node.data == 0 for node in finding.nodes)
    assert "1 of 8 relu units is off in all of its 21 uses: 'layers.1.neurons.2'" in finding.text
    neuron.bias.data = 1e-3  # on again
    assert lint(risk(model), model) == []


def test_a_single_row_is_no_proof():
    w, b = Value(1.0, "w"), Value(-2.0, "b")
    (finding,) = lint((w * 1.5 + b).relu(), [w, b])
    assert finding.kind == "dead"
    assert "in its only use" in finding.text and "that may be chance" in finding.text
    assert lint((w * 2.5 + b).relu(), [w, b]) == []


@pytest.mark.parametrize(("activation", "limit"), [("tanh", 2.9933), ("sigmoid", 5.9865)])
def test_a_unit_is_saturated_below_a_hundredth_of_the_largest_slope(activation, limit):
    # 1 / cosh(x)^2 = 0.01 at arcosh(10) = 2.9932; the sigmoid's argument is twice as large.
    for x, expected in ((limit - 1e-3, []), (limit + 1e-3, ["saturated"]), (-limit - 1e-3, ["saturated"])):
        w = Value(x, "w")
        assert kinds(lint(getattr(w * 1.0, activation)(), [w])) == expected
    w = Value(limit + 1.0, "w")
    assert lint((w * 1.0).tanh() + (w * 0.0).tanh(), [w]) == []  # flat in one of two rows


@pytest.mark.parametrize(("size", "kind", "word"), [(0.02, "vanishing", "shrink"), (30.0, "exploding", "grow")])
def test_vanishing_and_exploding_layers(size, kind, word):
    w = [Value(size, f"w{i}") for i in range(6)]
    h = Value(1e-12)
    for weight in w:
        h = (weight * h).leaky_relu(1.0)
    (finding,) = lint(h, w)
    first = next(node for node in topological_order(h) if node.operation and node.operation.name == "leaky_relu")
    assert (finding.kind, finding.nodes) == (kind, (first,))
    assert f"{word} from 1.0 in the last of 6 layers of activations to {size**5:.4g}"[:60] in finding.text
    even = Value(1.0)
    for weight in w:
        even = (weight * even).leaky_relu(1 / size)
    assert kinds(lint(even / size**3, w[:3])) in ([], [kind])


def test_a_leaf_that_was_assigned_after_the_graph_was_built():
    model = network()
    loss = risk(model)
    assert lint(loss, model) == []
    changed = [model.layers[0].neurons[1].weights[0], model.layers[2].neurons[0].bias]
    for parameter in changed:
        parameter.data += 1e-6
    (finding,) = lint(loss, model)
    assert (finding.kind, set(finding.nodes)) == ("changed", set(changed))
    assert "'layers.0.neurons.1.weights.0' and 'layers.2.neurons.0.bias'" in finding.text


def test_another_use_tells_which_of_two_operands_was_assigned():
    w, x = Value(2.0, "w"), Value(3.0, "x")
    loss = w * x + x * x
    w.data = 5.0
    assert lint(loss, [w])[0].nodes == (w,)
    w.data = 2.0
    x.data = 5.0
    assert lint(loss, [w])[0].nodes == (w, x)  # w * x alone cannot tell, and x * x accuses x too


def test_a_use_that_does_not_feel_its_operand_clears_nobody():
    w, x = Value(-1.0, "w"), Value(3.0, "x")
    loss = w * x + w.relu()
    w.data = -2.0
    assert w in lint(loss, [w])[0].nodes


def test_edges_where_the_rules_do_not_hold_any_more():
    x = Value(4.0, "x")
    loss = x.sqrt() + autograd.log(x)
    x.data = -1.0  # sqrt and log would raise here
    assert kinds(lint(loss, [x])) == ["changed"]
    x = Value(math.nan, "x")
    assert lint(x * 2.0, [x]) == []


def test_it_prints_itself_within_a_hundred_columns():
    model = nn.MLP(1, [8, 1], activation="relu", seed=0)
    for neuron in model.layers[0].neurons:
        turn_off(neuron)
    lines = repr(lint(risk(model), model)).splitlines()
    assert lines[0].startswith("dead: 8 of 8 relu units are off in all of their 21 uses: 'layers.0.neurons.0', ")
    assert "'layers.0.neurons.2' and 5 more" in " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 100
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: lint(2.0, []), "float in place of the loss"),
        (lambda: lint(Value(1.0), [1.0]), "float as parameter 0"),
        (lambda: lint(Value(1.0), 1.0), "lint(loss, model.parameters())"),
    ],
)
def test_errors_say_what_to_write(call, told):
    with pytest.raises(TypeError, match=re.escape(told)):
        call()
