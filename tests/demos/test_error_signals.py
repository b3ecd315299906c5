from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from demos import error_signals as demo

ALL = [network for _, networks in demo.NETWORKS for network in networks]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_recursion_gives_the_engine_s_adjoints(seed: int) -> None:
    neurons, difference = demo.error_signals(seed)
    assert [(n.layer, n.number) for n in neurons] == [(i, k + 1) for i in (3, 2, 1) for k in range(demo.SIZES[i - 1])]
    for n in neurons:
        assert n.delta == pytest.approx(n.engine, rel=1e-13)
    assert difference < 1e-15


def test_the_vector_form_of_the_slides() -> None:
    model = nn.MLP(3, demo.SIZES, "sigmoid", "sigmoid", seed=0)
    matrices = [np.array([[w.data for w in n.weights] for n in layer.neurons]).T for layer in model.layers]
    outs = [np.array(demo.INPUTS)]
    for matrix in matrices:
        outs.append(1 / (1 + np.exp(-(outs[-1] @ matrix))))
    delta = (outs[3] - demo.TARGETS) * outs[3] * (1 - outs[3])
    for i in (3, 2, 1):
        assert [n.delta for n in demo.error_signals(0)[0] if n.layer == i] == pytest.approx(delta, rel=1e-12)
        delta = (matrices[i - 1] @ delta) * outs[i - 1] * (1 - outs[i - 1])


def test_the_slide_s_last_line_is_another_number() -> None:
    neurons = demo.error_signals(0)[0]
    read = {(n.layer, n.number): n for n in neurons if n.as_printed is not None}
    assert set(read) == {(2, 1), (2, 2), (1, 1), (1, 2), (1, 3), (1, 4)}, "only where the next layer has a neuron k"
    assert all(abs((n.as_printed or 0.0) - n.engine) > 1e-3 for n in read.values())


def test_a_graph_counted_by_hand() -> None:
    # y = x * x, z = y * w + y: edges y-x twice, product-y, product-w, z-product, z-y.
    x, w = Value(3.0), Value(2.0)
    y = x * x
    z = y * w + y
    c = demo.count([x, w], [z])
    assert (c.inputs, c.outputs, c.nodes, c.edges) == (2, 1, 5, 6)
    assert c.backward == 6
    assert c.forward == 5 + 2, "x reaches all edges but product-w; w reaches product-w and z-product"
    assert c.by_path == 2 * 3 + 2 * 2 + 2, "to x: two paths of 3 edges and two of 2; to w: one of 2"
    assert demo.Graph([x, w], [z]).backward(z)[0] == [18.0, 9.0]
    assert [demo.Graph([x, w], [z]).forward(leaf)[0] for leaf in (x, w)] == [[18.0], [9.0]]


def test_constants_carry_no_edge() -> None:
    x = Value(2.0)
    assert demo.count([x], [3.0 * x + 1.0]).edges == 2


@pytest.mark.parametrize("network", ALL)
def test_backward_takes_each_edge_once_and_forward_more(network: tuple[int, int, int]) -> None:
    c = demo.count_network(*network)
    assert c.outputs == 1
    assert c.backward == c.edges < c.forward <= c.by_path
    assert c.forward < c.inputs * c.edges
    assert c.difference < 1e-15


def test_both_sweeps_give_the_engine_s_gradient() -> None:
    model = nn.MLP(3, [4, 1], "sigmoid", seed=0)
    loss = nn.squared_error(model([1.0, 2.0, 3.0]), 1.0)
    graph = demo.Graph(model.parameters(), [loss])
    loss.backward()
    gradient = [parameter.grad for parameter in model.parameters()]
    assert graph.backward(loss)[0] == pytest.approx(gradient, rel=1e-13)
    assert [graph.forward(p)[0][0] for p in model.parameters()] == pytest.approx(gradient, rel=1e-13)


def test_the_advantage_grows_with_inputs_width_and_depth() -> None:
    for _, networks in demo.NETWORKS[1:]:
        ratios = [c.forward / c.backward for c in (demo.count_network(*network) for network in networks)]
        assert ratios == sorted(ratios)
        assert ratios[-1] > 2 * ratios[0]


@pytest.mark.parametrize("outputs", [1, 3, 8])
def test_with_one_input_forward_takes_each_edge_once(outputs: int) -> None:
    c = demo.count_curve(outputs)
    assert (c.inputs, c.outputs) == (1, outputs)
    assert c.forward == c.edges
    assert c.backward == outputs * demo.count_curve(1).edges
    assert c.difference < 1e-15


def test_forward_sweeps_agree_with_jvp() -> None:
    def f(x: Value) -> list[Value]:
        return [autograd.sin(x) * x, autograd.exp(x), x]

    x = Value(0.7)
    assert demo.Graph([x], f(x)).forward(x)[0] == pytest.approx(autograd.jvp(f, 0.7, 1.0)[1], rel=1e-14)


def test_the_printed_tables_and_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "orders.png"
    demo.main(["--small", "--plot", str(file)])
    printed = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in printed]
    assert ["2", "1", "0.288797", "0.571702", "-0.04634330", "-0.04634330", "-0.04155800"] in lines
    assert ["2", "2", "1", "9", "26", "26", "81", "3.1", "234", "81"] in lines
    assert ["4", "56", "92", "56"] in lines
    assert max(map(len, printed[:-1])) <= 100
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 10_000
