"""Adjoints without `.grad`, the edges they flow along, the number of paths and the largest of them."""

from __future__ import annotations

import math
import random

import pytest

import autograd
from autograd import Value, operation, topological_order
from autograd.adjoints import adjoints, consumers, largest_paths, number_of_paths

STEPS = [
    lambda a, b, c: a * b,
    lambda a, b, c: a - b,
    lambda a, b, c: a + b,
    lambda a, b, c: (a + a).tanh(),
    lambda a, b, c: a.relu() * 2.0,  # zero partials
    lambda a, b, c: autograd.logsumexp([a, b, c]),
]


def random_graph(seed: int, size: int) -> tuple[Value, list[Value]]:
    generator = random.Random(seed)
    leaves = [Value(generator.uniform(-2, 2), f"x{i}") for i in range(3)]
    nodes = list(leaves)
    for _ in range(size):
        nodes.append(generator.choice(STEPS)(*generator.choices(nodes[-6:], k=3)))
    return autograd.sum(nodes[-2:]), leaves


def every_path(root: Value, x: Value) -> list[tuple[float, ...]]:
    """The local derivatives along each path, by enumeration: what the fast way must agree with."""
    paths, partials = [], []

    def walk(node: Value) -> None:
        if node is x:
            paths.append(tuple(partials))
        for parent, partial in zip(
            node.parents, node.operation.partials(node.data, [p.data for p in node.parents]) if node.parents else ()
        ):
            partials.append(partial)
            walk(parent)
            partials.pop()

    walk(root)
    return paths


@pytest.mark.parametrize("seed", range(20))
def test_adjoints_are_those_of_backward_to_the_last_bit_and_touch_no_grad(seed):
    root, _ = random_graph(seed, 30)
    order = topological_order(root)
    found, edges = adjoints(root), consumers(root)
    assert [node.grad for node in order] == [0.0] * len(order)
    assert list(found) == list(edges) == order
    assert adjoints(root, edges) == found
    root.backward()
    constants = [node for node in order if node.operation is not None and not node.parents]
    assert [found[node] for node in order if node not in constants] == [n.grad for n in order if n not in constants]
    ends = [(parent, child) for child in order for parent in child.parents]
    key = lambda edge: (order.index(edge[0]), order.index(edge[1]))  # noqa: E731
    assert sorted(ends, key=key) == sorted(((p, c) for p, cs in edges.items() for c, _ in cs), key=key)


def test_a_leaf_alone_and_a_repeated_parent():
    x = Value(3.0)
    assert adjoints(x) == {x: 1.0} and consumers(x) == {x: []}
    square = x * x
    assert consumers(square) == {x: [(square, 3.0), (square, 3.0)], square: []}


def test_partials_follow_ieee_and_are_floats():
    triple = operation((3,))(lambda x: 3 * x)
    x = Value(0.0)
    assert adjoints(x.sqrt())[x] == math.inf
    assert [type(partial) for _, partial in consumers(triple(x))[x]] == [float]


@pytest.mark.parametrize("seed", range(40))
def test_the_largest_paths_are_those_that_enumeration_finds(seed):
    root, leaves = random_graph(seed, 9)
    for x in leaves:
        expected = every_path(root, x)
        assert number_of_paths(root, x) == len(expected)
        expected.sort(key=lambda partials: -abs(math.prod(partials)))
        for k in (0, 1, 2, 5, len(expected), len(expected) + 3):
            found = largest_paths(root, x, k)
            products = [path.product for path in found]
            assert [abs(p) for p in products] == pytest.approx([abs(math.prod(p)) for p in expected[:k]], rel=1e-13)
        assert sorted(path.partials for path in found) == sorted(expected), "every path once, and no other"
        assert math.fsum(products) == pytest.approx(adjoints(root).get(x, 0.0), rel=1e-12, abs=1e-12)
        for path in found:
            assert (path.nodes[0], path.nodes[-1]) == (root, x)
            for child, parent, partial in zip(path.nodes, path.nodes[1:], path.partials):
                assert (child, partial) in consumers(root)[parent]


def test_paths_where_there_are_too_many_to_enumerate():
    x = Value(1.0, "x")
    y = x
    for i in range(300):
        y = y * (1.0 + i / 300) + y * 0.5
    assert number_of_paths(y, x) == 2**300
    first, second, third = largest_paths(y, x, 3)
    best = math.prod(1.0 + i / 300 for i in range(300))
    assert first.product == pytest.approx(best, rel=1e-12)
    assert second.product == pytest.approx(best * 0.5, rel=1e-12)  # the small factor where it costs least
    assert third.product == pytest.approx(best * 0.5 * 300 / 301, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 5e-324])
def test_the_order_holds_where_the_products_leave_the_range_of_doubles(scale):
    x = Value(1.0, "x")
    large, small = x * 2.0 * scale, x * scale
    for _ in range(3):
        large, small = scaled(large, scale), scaled(small, scale)
    first, second = largest_paths(small + large, x, 2)
    assert large in first.nodes and small in second.nodes


def scaled(node: Value, slope: float) -> Value:
    return operation((slope,))(lambda x: 1.0)(node)


def test_paths_through_zero_come_last_and_those_through_infinity_first():
    x = Value(1.0, "x")
    terms = [scaled(x, slope) for slope in (0.0, 3.0, math.inf, -4.0)] + [scaled(scaled(x, math.inf), 0.0)]
    products = [path.product for path in largest_paths(autograd.sum(terms), x, 9)]
    assert products[0] == math.inf and math.isnan(products[1]) and products[2:] == [-4.0, 3.0, 0.0]


def test_no_path_and_the_empty_path():
    x, other = Value(1.0), Value(2.0)
    y = x * 2.0
    assert (number_of_paths(y, other), largest_paths(y, other, 3)) == (0, [])
    assert number_of_paths(y, y) == 1
    assert largest_paths(y, y, 3) == [((y,), (), 1.0)]


def test_tens_of_thousands_of_nodes_without_recursion():
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = (y + y) * 0.5
    assert adjoints(y)[x] == 1.0
    assert number_of_paths(y, x) == 2**20_000
    paths = largest_paths(y, x, 3)
    assert [len(path.nodes) for path in paths] == [40_001] * 3
    assert len({path.nodes for path in paths}) == 1
