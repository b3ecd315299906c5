"""What a picture shows: nodes, edges, folding, references and clusters, as data."""

from __future__ import annotations

import math

import pytest

import autograd
import nn
from autograd import Value, no_grad, operation, topological_order
from autograd.drawing.picture import MOST_PIECES, Node, Picture, picture_of, way


def picture(value: Value, constants: bool = True, max_nodes: int = 1000, model: object = None) -> Picture:
    return picture_of(value, constants, max_nodes, model)


def by_label(shown: Picture) -> dict[str, Node]:
    return {node.label: node for node in shown.nodes if node.label}


def test_nodes_carry_label_operation_data_and_adjoint_edges_the_local_derivative():
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    z = x * x * y
    z.label = "z"
    shown = picture(z)
    assert [node[:6] for node in shown.nodes] == [
        ("n0", "leaf", "x", "", 2.0, -12.0),
        ("n1", "leaf", "y", "", -3.0, 4.0),
        ("n2", "interior", "", "*", 4.0, -3.0),
        ("n3", "interior", "z", "*", -12.0, 1.0),
    ]
    assert [edge[:4] for edge in shown.edges] == [
        ("n0", "n2", 2.0, -6.0),
        ("n0", "n2", 2.0, -6.0),
        ("n2", "n3", -3.0, -3.0),
        ("n1", "n3", 4.0, 4.0),
    ]
    assert shown.root == "n3"


def test_the_adjoints_are_those_of_the_drawn_root_and_nothing_is_written():
    x = Value(2.0, "x")
    y = x * 3
    (y * y).backward()
    node = by_label(picture(y))["x"]
    assert (node.adjoint, node.grad) == (3.0, 36.0)
    assert (x.grad, y.grad) == (36.0, 12.0)


@operation(lambda out, a, b, c: (b * c, a * c, a * b))
def product_of_three(a, b, c):
    return a * b * c


HIDDEN = {
    "3.0 *": lambda x: 3 * x,
    "* 3.0": lambda x: x * 3,
    "1.0 -": lambda x: 1 - x,
    "**2": lambda x: x**2,
    "leaky_relu(0.25)": lambda x: x.leaky_relu(0.25),
    "maximum(0.0, ·)": lambda x: autograd.maximum(0.0, x),
    "product_of_three(·, 2.0, ·)": lambda x: product_of_three(x, 2.0, x),
}


@pytest.mark.parametrize("text", HIDDEN)
def test_hidden_constants_stand_in_the_operation(text):
    value = HIDDEN[text](Value(2.0, "x"))
    shown, full = picture(value, constants=False), picture(value)
    assert [node.operation for node in shown.nodes] == ["", text]
    n_constants = sum(node.kind == "constant" for node in full.nodes)
    assert n_constants == sum(parent.label != "x" for parent in value.parents)
    assert len(full.edges) == len(value.parents) == len(shown.edges) + n_constants


def test_a_leaf_and_a_result_of_no_grad_are_pictures_of_one_node():
    x = Value(2.0, "x")
    with no_grad():
        y = x * x
    for value, kind in ((x, "leaf"), (y, "detached")):
        (node,) = picture(value).nodes
        assert (node.kind, node.adjoint) == (kind, 1.0)
        assert picture(value).edges == []


# ----------------------------------------------------------------------------------------------- folding


def chain(n: int) -> Value:
    x, w = Value(1.0, "x"), Value(0.5, "w")
    y = x
    for _ in range(n):
        y = y * w
    return y


def tree(depth: int) -> Value:
    level = [Value(float(i % 5)) for i in range(2**depth)]
    while len(level) > 1:
        level = [(a + b).tanh() for a, b in zip(level[::2], level[1::2])]
    return level[0]


def recurrence(n: int) -> Value:
    r, x = Value(3.7, "r"), Value(0.4, "x")
    for _ in range(n):
        x = r * x * (1 - x)
    return x


def skip(n: int) -> Value:
    h = Value(0.3, "h0").tanh()
    y = h
    for _ in range(n):
        y = (y * 1.1).sin()
    return y + h


GRAPHS = {
    "skip": skip(100),
    "chain": chain(500),
    "tree": tree(8),
    "recurrence": recurrence(100),
    "wide": autograd.logsumexp([Value(i / 100) * 2 for i in range(300)]),
    "long": chain(20_000),
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("max_nodes", [2, 3, 50])
@pytest.mark.parametrize("constants", [True, False])
def test_the_far_part_folds_into_one_node(name, max_nodes, constants):
    root = GRAPHS[name]
    shown = picture(root, constants, max_nodes)
    nodes = [node for node in shown.nodes if node.kind != "reference"]
    order = [n for n in topological_order(root) if constants or n.operation is not autograd.operations.constant]
    assert len(nodes) == max_nodes
    (fold,) = [node for node in nodes if node.kind == "folded"]
    assert fold.label == f"… {len(order) - max_nodes + 1:,} more nodes"
    # Every edge between nodes that are shown is there, and the counts of the others add up.
    visible = set(order)
    shown_edges = [edge for edge in shown.edges if "folded" not in (edge.parent, edge.child)]
    real = {f"n{place}": node for place, node in enumerate(topological_order(root))}
    kept = {real[node.name] for node in nodes if node is not fold}
    between = [(p, c) for c in kept for p in c.parents if p in kept]
    assert len(shown_edges) == len(between)
    crossing = sum((p in kept) != (c in kept) for c in order for p in c.parents if p in visible)
    assert sum(edge.uses for edge in shown.edges if "folded" in (edge.parent, edge.child)) == crossing


@pytest.mark.parametrize("name", GRAPHS)
def test_a_folded_picture_has_no_cycle_and_a_shown_interior_node_all_of_its_consumers(name):
    shown = picture(GRAPHS[name], max_nodes=40)
    place = {node.name: i for i, node in enumerate(shown.nodes)}
    assert all(place[edge.parent] < place[edge.child] for edge in shown.edges), "a topological order"
    kind = {node.name: node.kind for node in shown.nodes}
    assert all(kind[edge.parent] != "interior" for edge in shown.edges if edge.child == "folded")


def test_what_is_shown_is_nearest():
    root = GRAPHS["tree"]
    real = topological_order(root)
    distance = {root: 0}
    for node in reversed(real):
        distance |= dict.fromkeys(node.parents, distance[node] + 1)
    kept = {real[int(node.name[1:])] for node in picture(root, max_nodes=40).nodes if node.kind != "folded"}
    assert max(distance[node] for node in kept) <= min(distance[node] for node in real if node not in kept)


def test_nothing_folds_when_all_fit():
    root = chain(20)
    assert len(picture(root, max_nodes=22).nodes) == len(topological_order(root)) == 22
    assert "folded" in {node.kind for node in picture(root, max_nodes=21).nodes}


# ----------------------------------------------------------------------------------------------- references


@pytest.mark.parametrize(("root", "label"), [(chain(200), "w"), (recurrence(100), "r")])
def test_a_leaf_with_many_long_edges_is_shown_again_beside_its_children(root, label):
    shown = picture(root)
    references = [node for node in shown.nodes if node.kind == "reference"]
    original = by_label(Picture("", [n for n in shown.nodes if n.kind == "leaf"], [], {}))[label]
    assert len(references) > 50
    assert {(node.label, node.data) for node in references} == {(label, original.data)}
    assert len(shown.edges) == sum(len(node.parents) for node in topological_order(root))
    # What Graphviz would have to break the edges into stays within bounds.
    rank: dict[str, int] = {}
    for node in reversed(shown.nodes):
        rank[node.name] = max((rank[edge.child] + 1 for edge in shown.edges if edge.parent == node.name), default=0)
    assert sum(rank[edge.parent] - rank[edge.child] for edge in shown.edges) < MOST_PIECES + 3 * len(shown.edges)


def test_an_interior_node_without_a_label_gets_a_number_to_be_recognised_by():
    h = Value(0.3).tanh()
    y = Value(1.0)
    for _ in range(100):
        y = (y * h).sin()
    shown = picture(y)
    (label,) = {node.label for node in shown.nodes if node.kind == "reference"}
    (original,) = [node for node in shown.nodes if node.label == label and node.kind != "reference"]
    assert label == f"#{original.name[1:]}"
    assert original.operation == "tanh"


def test_only_the_longest_edges_start_from_a_reference():
    shown = picture(recurrence(30))
    steps = [int(node.name.partition("_for_n")[2]) for node in shown.nodes if node.kind == "reference"]
    direct = [int(edge.child[1:]) for edge in shown.edges if edge.parent == "n0"]
    assert shown.nodes[len(steps)].label == "r"
    assert len(steps) > 5 < len(direct)
    assert min(steps) > max(direct)


def test_small_graphs_have_no_references():
    assert not [node for node in picture(recurrence(5)).nodes if node.kind == "reference"]


# ----------------------------------------------------------------------------------------------- clusters


def test_parameters_are_boxed_by_layer_and_neuron():
    model = nn.MLP(2, [2, 1], seed=0)
    loss = (model([1.0, 2.0]) - 1.0) ** 2
    shown = picture(loss, model=model)
    label = {node.name: node.label for node in shown.nodes}
    boxes = {path: sorted(label[name] for name in names) for path, names in shown.clusters.items()}
    three = ["bias", "weights.0", "weights.1"]
    assert boxes == {
        ("layer 0", "neuron 0"): three,
        ("layer 0", "neuron 1"): three,
        ("layer 1", "neuron 0"): three,
    }
    data = {node.name: node.data for node in shown.nodes}
    names = shown.clusters["layer 0", "neuron 1"]
    assert [data[name] for name in names] == [p.data for p in model.layers[0].neurons[1].parameters()]


def test_only_parameters_that_are_shown_are_in_a_box_and_labels_of_their_own_stay():
    model = nn.MLP(2, [2, 1], seed=0)
    model.layers[1].neurons[0].bias.label = "b"
    value = model([1.0, 2.0])
    shown = picture(value, max_nodes=5, model=model)
    assert set(shown.clusters) == {("layer 1", "neuron 0")}
    assert "b" in by_label(shown)
    assert set().union(*shown.clusters.values()) <= {node.name for node in shown.nodes}


WAYS = {
    "bias": ((), "bias"),
    "weights.2": ((), "weights.2"),
    "layers.0.neurons.12.bias": (("layer 0", "neuron 12"), "bias"),
    "encoder.layers.3.table.1.2": (("encoder", "layer 3"), "table.1.2"),
    "blocks.1.2.w": (("block 1 2",), "w"),
    "0": ((), "0"),
    "": ((), ""),
    "...": ((), "..."),
}


@pytest.mark.parametrize("path", WAYS)
def test_the_way_to_a_parameter(path):
    assert way(path) == WAYS[path]


def test_nan_and_infinite_numbers_are_shown_as_they_are():
    x = Value(math.inf, "x")
    shown = picture(x * 0.0)
    assert math.isnan(shown.nodes[-1].data)
    assert shown.nodes[-1].adjoint == 1.0
