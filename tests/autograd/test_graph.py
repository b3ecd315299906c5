"""The topological order, and graphs of a million nodes: built, sorted, differentiated, pickled and freed."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import random
import sys
import tracemalloc
import weakref
from typing import Any

import pytest

import autograd
from autograd import Value, operation, topological_order


def random_graph(seed: int, size: int) -> Value:
    """Nodes with one, two, three or more parents, shared at random."""
    generator = random.Random(seed)
    nodes = [Value(generator.uniform(-1, 1), f"x{i}") for i in range(4)]
    for _ in range(size):
        parents = generator.choices(nodes, k=generator.choice([1, 2, 2, 2, 3, 5]))
        nodes.append(parents[0].tanh() if len(parents) == 1 else autograd.logsumexp(parents) - parents[1])
    return autograd.sum(nodes)


@pytest.mark.parametrize("seed", range(20))
def test_parents_come_before_children_and_every_node_once(seed):
    root = random_graph(seed, 50)
    order = topological_order(root)
    position = {node: i for i, node in enumerate(order)}
    assert len(position) == len(order)
    assert order[-1] is root
    for node in order:
        assert all(position[parent] < position[node] for parent in node.parents)
    n_leaves = sum(not node.parents for node in order)
    assert all(not node.parents for node in order[:n_leaves]), "leaves first"


def test_interior_nodes_stand_in_depth_first_postorder():
    # The order of micrograd's recursion, so that sums over consumers are added in its order, to the last bit.
    root = random_graph(0, 40)
    expected, seen = [], set()

    def visit(node):
        if node not in seen and node.parents:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            expected.append(node)

    visit(root)
    assert [node for node in topological_order(root) if node.parents] == expected


def test_the_order_of_a_leaf_is_itself():
    x = Value(1.0)
    assert topological_order(x) == [x]


def test_a_chain_of_a_million_operations():
    n = 1_000_000
    assert sys.getrecursionlimit() <= 1000 + 200  # the default, and what a test runner may add
    x, w = Value(1.0, "x"), Value(1.0, "w")
    tracemalloc.start()
    try:
        y = x
        for _ in range(n):
            y = y * w
        assert len(topological_order(y)) == n + 2
        y.backward()
        assert (x.grad, w.grad) == (1.0, float(n))
        assert tracemalloc.get_traced_memory()[1] < 500 * n
        del y
        kept = 20_000_000 if autograd.backend == "native" else n  # in C blocks are kept for the next graph
        assert tracemalloc.get_traced_memory()[0] < kept
    finally:
        tracemalloc.stop()


def test_a_chain_of_a_million_operations_survives_a_pickle():
    n = 1_000_000
    x = Value(1.0, "x")
    y = x
    for _ in range(n):
        y = -y
    y.backward()
    again = pickle.loads(pickle.dumps(y))
    again.backward()
    order = topological_order(again)
    assert (len(order), order[0].label, order[0].grad) == (n + 1, "x", 2.0)


def test_a_node_with_very_many_parents_is_sorted_in_one_pass():
    leaves = [Value(float(i % 7)) for i in range(20_000)]
    total = autograd.logsumexp([-leaf for leaf in leaves])
    total.backward()
    assert sum(leaf.grad for leaf in leaves) == pytest.approx(-1.0)


# ------------------------------------------------------------------------------------------------ pickle and copy


@operation(lambda out, a, b, c: (b * c, a * c, a * b))
def product_of_three(a, b, c):
    return a * b * c


def graph_of_everything():
    x, y = Value(0.5, "x"), Value(-1.5, "y")
    z = product_of_three(x, y, 2.0) + y.leaky_relu(0.25) - x**3 / autograd.logsumexp([x, y, x]) + abs(y)
    z.label = "z"
    z.backward()
    return x, y, z


def flatten(root):
    order = topological_order(root)
    index = {node: i for i, node in enumerate(order)}
    return [(v.data, v.grad, v.label, v.operation, [index[p] for p in v.parents]) for v in order]


@pytest.mark.parametrize("again", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_pickle_and_deepcopy_keep_everything(again):
    x, y, z = graph_of_everything()
    x2, y2, z2 = again((x, y, z))
    assert flatten(z2) == flatten(z)
    assert z2 is not z and x2 is not x
    assert x2 in topological_order(z2) and y2 in topological_order(z2), "shared leaves stay shared"
    x2.grad = 0.0
    z2.backward()
    assert x2.grad == x.grad


def test_copy_stands_on_the_same_leaves():
    x, _, z = graph_of_everything()
    z2 = copy.copy(z)
    assert z2 is not z and x in topological_order(z2)
    assert flatten(z2) == flatten(z)


def test_an_operation_is_found_again_by_its_name():
    for op in [*autograd.OPERATIONS.values(), product_of_three, (Value(2.0) ** 2.5).operation]:
        assert pickle.loads(pickle.dumps(op)) is op


@pytest.mark.parametrize("around", [contextlib.nullcontext, autograd.detect_anomaly])
def test_an_operation_made_at_each_step_dies_with_its_node_and_needs_no_collector(around):
    def scaled_by(held):
        @autograd.operation(lambda out, x: (held.data,))
        def scaled(x):
            return x * held.data

        return scaled

    gc.disable()
    try:
        with around():
            x = y = Value(1.5)
            alive = []
            for _ in range(1000):
                y = scaled_by(y)(x) * 0.5
                alive.append(weakref.ref(y.parents[0].operation))
            y.backward()
        del y
        assert not any(operation() for operation in alive)
    finally:
        gc.enable()


LEAF = Value(2.0, "x")
JUNK = [
    None,
    -1,
    0,
    3,
    10**30,
    "a",
    [],
    (),
    {},
    LEAF,
    1.5,
    b"x",
    autograd.exp,
    autograd.maximum,
    product_of_three,
    Value,
]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_no_graph_raises_when_it_is_read_and_never_crashes(seed):
    generator = random.Random(seed)
    make, arguments = graph_of_everything()[2].__reduce__()
    assert flatten(make(*arguments)) == flatten(graph_of_everything()[2])
    for _ in range(200):
        forged = [list(part) if not isinstance(part, dict) else dict(part) for part in arguments]
        for _ in range(generator.choice([1, 1, 2])):
            which = generator.randrange(len(forged))
            part: Any = forged[which]
            if generator.random() < 0.1 or not isinstance(part, list) or not part:
                forged[which] = generator.choice(JUNK)
            else:
                place = generator.randrange(len(part))
                part[place : place + generator.randrange(2)] = [generator.choice(JUNK)] * generator.randrange(2)
        told = ""
        try:
            root = make(*forged)
        except ValueError as error:
            told = str(error)
        assert not told or len(told.splitlines()) == 3
        if not told:  # another graph, but a whole one
            root.backward()
            assert isinstance(repr(topological_order(root)), str)


@pytest.mark.parametrize(
    "lists",
    [
        {"operations": [autograd.exp], "counts": [2], "parents": [0, 0]},
        {"operations": [autograd.add], "counts": [1], "parents": [0]},
        {"operations": [autograd.add], "counts": [3], "parents": [0, 0, 0]},
        {"operations": [(LEAF**3).operation], "counts": [2], "parents": [0, 0]},
        {"operations": [product_of_three], "counts": [2], "parents": [0, 0]},
        {"operations": [autograd.operations.constant], "counts": [1], "parents": [0]},
        {"operations": [autograd.logsumexp], "counts": [0], "parents": []},
        {"operations": [None]},
        {"parents": [-1]},
        {"parents": [1]},
        {"parents": [2**70]},
        {"counts": [-1]},
        {"counts": [1, 1]},
        {"data": ["a"]},
        {"data": [1.0, 2.0]},
        {"grads": [None]},
        {"grads": []},
        {"leaves": [2.0]},
        {"leaves": []},
        {"labels": {7: "x"}},
        {"labels": {1: 3}},
        {"labels": None},
    ],
)
def test_a_forged_pickle_raises(lists):
    make = graph_of_everything()[2].__reduce__()[0]
    whole = {"leaves": [LEAF], "operations": [autograd.exp], "counts": [1], "parents": [0], "data": [1.0],
             "grads": [0.0], "labels": {}}  # fmt: skip
    assert make(*whole.values()).parents == (LEAF,)
    with pytest.raises(ValueError, match="This is no graph of Values: "):
        make(*(whole | lists).values())
