import numpy as np
import pytest

import nn
from autograd import Value, exp
from demos import multi_output_mlp as demo


def loss(network: demo.Network) -> float:
    """L in three lines of NumPy."""
    x, t, w1, b1, w2, b2 = map(np.array, network)
    h = 1 / (1 + np.exp(-(w1 @ x + b1)))
    return float(np.sum((w2 @ h + b2 - t) ** 2) / 2)


def slope(network: demo.Network, name: str, index: tuple[int, ...]) -> float:
    """d L / d one number, as a difference quotient."""
    h, losses = 1e-5, []
    for step in (h, -h):
        moved = np.array(getattr(network, name))
        moved[index] += step
        losses.append(loss(network._replace(**{name: moved.tolist()})))
    return (losses[0] - losses[1]) / (2 * h)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(1, 1, 1), *demo.SIZES])
def test_the_three_forms_agree(sizes: tuple[int, int, int], seed: int) -> None:
    network = demo.random_network(*sizes, seed)
    scalar = demo.scalar_form(network)
    vectorised, engine = demo.vectorised_form(network), demo.engine_form(network)
    assert list(scalar) == list(vectorised)
    assert set(scalar) <= set(engine)
    assert demo.largest_difference(scalar, vectorised) < 1e-12
    assert demo.largest_difference(scalar, engine) < 1e-12
    assert demo.largest_difference(vectorised, engine) < 1e-12


@pytest.mark.parametrize("network", [demo.LECTURE, demo.random_network(3, 4, 2, seed=7)])
def test_every_adjoint_is_a_difference_quotient(network: demo.Network) -> None:
    engine = demo.engine_form(network)
    assert engine["L"] == pytest.approx(loss(network), rel=1e-14)
    for name in network._fields:
        for index, adjoint in np.ndenumerate(engine[f"{name}_bar"]):
            assert adjoint == pytest.approx(slope(network, name, index), rel=1e-6, abs=1e-8), (name, index)


def test_the_model_is_that_of_nn() -> None:
    network = demo.random_network(3, 4, 2, seed=1)
    model = nn.MLP(3, [4, 2], "sigmoid")
    for layer, weights, biases in zip(model.layers, (network.w1, network.w2), (network.b1, network.b2)):
        for neuron, row, bias in zip(layer.neurons, weights, biases):
            neuron.bias.data = bias
            for weight, number in zip(neuron.weights, row):
                weight.data = number
    nn.squared_error(model(network.x), network.t).backward()
    engine = demo.engine_form(network)
    in_order = [
        number
        for w, b in (("w1_bar", "b1_bar"), ("w2_bar", "b2_bar"))
        for row, bias in zip(engine[w], engine[b])
        for number in (*row, bias)
    ]
    assert [parameter.grad for parameter in model.parameters()] == pytest.approx(in_order, rel=1e-13)


def test_a_difference_is_seen() -> None:
    a, b = {"z": [1.0, 4.0], "L": 2.0}, {"z": [1.0, 3.0], "L": 2.0, "more": 1.0}
    assert demo.largest_difference(a, b) == 0.25


def test_the_messages_are_backward_s_adjoints_in_any_graph() -> None:
    x, y = Value(0.3, "x"), Value(-1.2, "y")
    products = x * y + x * x * exp(y)
    root = products / (x - y) + products**2
    ledger = demo.message_passing(root)
    root.backward()
    adjoints = {entry.node: entry.adjoint for entry in ledger}
    for node in (x, y, products, root):
        assert adjoints[node] == pytest.approx(node.grad, rel=1e-14)
    (entry,) = [entry for entry in ledger if entry.node is x]
    assert len(entry.messages) == 4  # x y, x x twice, x - y


def test_each_entry_is_the_sum_over_the_children_which_stand_above_it() -> None:
    nodes = demo.graph(demo.LECTURE)
    ledger = demo.message_passing(nodes["L"])
    nodes["L"].backward()
    done: dict[Value, float] = {}
    for node, adjoint, messages in ledger:
        assert [message.child_adjoint for message in messages] == [done[message.child] for message in messages]
        if messages:
            assert adjoint == sum(bar * partial for _, bar, partial in messages)
            assert demo.is_constant(node) or adjoint == pytest.approx(node.grad, rel=1e-14)
        done[node] = adjoint
    fan_out = {demo.name_of(entry.node): len(entry.messages) for entry in ledger if len(entry.messages) > 1}
    assert fan_out == {"h1": 2, "h2": 2, "x1": 2, "x2": 2}


def test_nodes_without_a_label_are_named_by_what_they_compute() -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    assert [demo.name_of(node) for node in (a * b, a - b, (a - b) ** 2, exp(a), 3 * a)] == [
        "a b", "a - b", "(a - b)^2", "exp(a)", "3 a"
    ]  # fmt: skip


def test_the_printed_columns_and_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    columns = [line.split() for line in lines]
    assert ["h_bar_2", *["0.61165242"] * 3] in columns
    assert ["w1_bar_12", *["0.02086800"] * 3] in columns
    assert any(line.startswith("   h_bar = (-0.058653, 0.611652), z_bar = (-0.010434, 0.151394)") for line in lines)
    (h1,) = [line for line in columns if line[:3] == ["h1", "-0.05865", "="]]
    assert " ".join(h1[3:]) == "0.59229 * 0.40000 [w2_21 h1] + -0.19705 * 1.50000 [w2_11 h1]"
    (difference,) = [line[-1] for line in columns if line[:3] == ["Largest", "difference", "to"]]
    assert float(difference) < 1e-14
    assert len([line for line in columns if len(line) == 6 and line[0].isdigit()]) == len(demo.SIZES) - 1
