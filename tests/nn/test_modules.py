"""Modules: parameters and their names, state, shapes, initialisation and what happens to wrong input."""

from __future__ import annotations

import copy
import math
import pickle
from random import Random
from statistics import fmean, pvariance

import numpy as np
import pytest

import nn
from autograd import Value


class Shared(nn.Module):
    def __init__(self):
        self.scale = Value(2.0)
        self.blocks = {"a": nn.Neuron(1, seed=0), "b": [nn.Neuron(1, seed=1)]}
        self.again = self.scale
        self.name = "not a parameter"


def test_parameters_are_found_by_attribute_each_once():
    names = [name for name, _ in Shared().named_parameters()]
    assert names == ["scale", "blocks.a.weights.0", "blocks.a.bias", "blocks.b.0.weights.0", "blocks.b.0.bias"]
    model = nn.MLP(2, [3, 1], seed=0)
    assert [name for name, _ in model.named_parameters()][:3] == [
        "layers.0.neurons.0.weights.0",
        "layers.0.neurons.0.weights.1",
        "layers.0.neurons.0.bias",
    ]
    assert len(model.parameters()) == 3 * (2 + 1) + 1 * (3 + 1)


def test_zero_grad():
    model = nn.MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


def test_a_state_goes_from_model_to_model():
    one, other = nn.MLP(2, [3, 2], seed=0), nn.MLP(2, [3, 2], seed=1)
    assert [v.data for v in one([0.5, 1])] != [v.data for v in other([0.5, 1])]
    other.load_state_dict(one.state_dict())
    assert [v.data for v in one([0.5, 1])] == [v.data for v in other([0.5, 1])]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state.pop("bias"), KeyError, "Missing: ['bias']"),
        (lambda state: state.update(extra=1.0), KeyError, "Unknown: ['extra']"),
        (lambda state: state.update(bias="1"), TypeError, "str"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    neuron = nn.Neuron(2, seed=0)
    before = neuron.state_dict()
    state = dict.fromkeys(before, 7.0)
    change(state)
    with pytest.raises(error) as caught:
        neuron.load_state_dict(state)
    assert message in str(caught.value)
    assert neuron.state_dict() == before


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "leaky_relu", "softplus", None, lambda z: z * z])
def test_a_neuron_is_f_of_w_x_plus_b(activation):
    neuron = nn.Neuron(2, activation, seed=0)
    neuron.load_state_dict({"weights.0": 0.5, "weights.1": -2.0, "bias": 0.25})
    z = Value(0.5 * 3.0 - 2.0 * 1.0 + 0.25)
    expected = z if activation is None else activation(z) if callable(activation) else getattr(z, activation)()
    assert neuron([3.0, 1.0]).data == expected.data


@pytest.mark.parametrize("inputs", [[1.0, 2.0], (1, 2), np.array([1.0, 2.0]), [Value(1.0), 2.0], iter([1.0, 2.0])])
def test_any_sequence_goes_in_and_a_list_comes_out(inputs):
    outputs = nn.MLP(2, [3, 2], seed=0)(inputs)
    assert isinstance(outputs, list)
    assert [type(v) for v in outputs] == [Value, Value]


def test_a_single_output_is_the_value_itself():
    assert type(nn.MLP(2, [3, 1], seed=0)([1.0, 2.0])) is Value
    assert type(nn.Layer(2, 1, seed=0)([1.0, 2.0])) is Value
    assert type(nn.MLP(2, [3, 1, 1], seed=0)([1.0, 2.0])) is Value, "a hidden layer of one neuron"
    assert type(nn.MLP(1, [1], seed=0)([1.0])) is Value


@pytest.mark.parametrize("model", [nn.MLP(2, [3, 1], seed=0), nn.Layer(2, 3, seed=0), nn.Neuron(2, seed=0)])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_wrong_number_of_inputs_raises_and_names_both(model, n):
    with pytest.raises(ValueError, match=f"takes 2 inputs, got {n}"):
        model([1.0] * n)


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: nn.MLP(2, [1])(np.array(0.5)), TypeError, r"model\(\[x1, x2\]\)"),
        (lambda: nn.MLP(2, [1])({0.5, 1.5}), TypeError, "a sequence of 2"),
        (lambda: nn.MLP(2, []), ValueError, "at least one layer"),
        (lambda: nn.MLP(0, [1]), ValueError, "at least 1 of each"),
        (lambda: nn.MLP(2, [0, 1]), ValueError, "at least 1 of each; got 0"),
        (lambda: nn.MLP(2, [2.5, 1]), ValueError, "got 2.5"),
        (lambda: nn.MLP("2", [1]), ValueError, "got '2'"),
        (lambda: nn.MLP(2, 1), TypeError, r"MLP\(2, \[1\]\)"),
        (lambda: nn.MLP(2, [1])(["a", 1.0]), TypeError, "got 'a'"),
        (lambda: nn.MLP(2, [1])([None, 1.0]), TypeError, "got None"),
        (lambda: nn.MLP(2, [1])([[1.0, 2.0], [3.0, 4.0]]), TypeError, r"\[model\(row\) for row in rows\]"),
        (lambda: nn.MLP(2, [1], output_activation="tahn"), ValueError, "Unknown activation 'tahn'"),
        (lambda: nn.MLP(2, [1], initialization="xavier"), ValueError, "Unknown initialization 'xavier'"),
    ],
)
def test_other_slips_raise_too(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_the_same_seed_gives_the_same_weights():
    states = [nn.MLP(2, [3, 1], seed=seed).state_dict() for seed in (5, Random(5), 6)]
    assert states[0] == states[1] != states[2]


@pytest.mark.parametrize(
    ("name", "variance"),
    [("xavier_normal", 2 / 500), ("xavier_uniform", 2 / 500), ("he_normal", 2 / 200), ("he_uniform", 2 / 200)],
)
def test_initialisers_have_their_variance(name, variance):
    generator = Random(0)
    draws = [nn.INITIALIZERS[name](200, 300, generator) for _ in range(20_000)]
    assert abs(fmean(draws)) < 4 * math.sqrt(variance / len(draws))
    assert pvariance(draws) == pytest.approx(variance, rel=0.05)
    if name.endswith("uniform"):
        assert max(map(abs, draws)) <= math.sqrt(3 * variance)


def test_layers_draw_with_their_own_sizes_and_the_activation_chooses():
    generator = Random(3)
    expected = [[nn.xavier_normal(2, 3, generator) for _ in range(2)] for _ in range(3)]
    assert [[w.data for w in neuron.weights] for neuron in nn.MLP(2, [3], seed=3).layers[0].neurons] == expected
    relu = nn.MLP(2, [3, 1], "relu", seed=3).layers
    assert relu[0].neurons[0].weights[0].data == nn.he_normal(2, 3, Random(3))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_models_are_copied_and_pickled(again):
    model = nn.MLP(2, [3, 1], seed=0)
    twin = again(model)
    assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
    assert not set(twin.parameters()) & set(model.parameters())


def test_reprs_say_the_shape():
    assert repr(nn.MLP(2, [3, 1], "relu", "sigmoid")) == "MLP(2 -> 3 relu -> 1 sigmoid)"
    assert repr(nn.Neuron(2)) == "Neuron(2 -> 1 tanh)"
