"""Whole programs: graphs of up to thousands of nodes that grow, are labelled, differentiated and zeroed in any order.

Hypothesis plays a user who interleaves all of this. Beside the engine stands a model that knows mathematics only: for
each node the places of its parents and the local derivatives, computed here. It says at any moment what every grad is
to be, and how far rounding may take it off: relative to the sum of the absolute terms, whatever their order.
"""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import autograd
from autograd import Value

ROUNDING = 1e-12  # of thousands of sums, relative to the sum of the absolute terms


class Kind(NamedTuple):
    """An operation as a user writes it, and its local derivatives as mathematics has them. Values stay within +-1, so
    that graphs of any size do."""

    write: Callable[..., Any]
    slopes: Callable[..., Sequence[float]]


KINDS = [
    Kind(lambda a, b: (a + b) / 2, lambda a, b: (0.5, 0.5)),
    Kind(lambda a, b: a * b, lambda a, b: (b, a)),
    Kind(lambda a, b: 0.5 * (a - b), lambda a, b: (0.5, -0.5)),
    Kind(lambda a, b: autograd.maximum(a, b), lambda a, b: (a > b, b > a) if a != b else (0.5, 0.5)),
    Kind(lambda a: a.sin(), lambda a: (math.cos(a),)),
    Kind(lambda a: a.tanh(), lambda a: (1 / math.cosh(a) ** 2,)),
    Kind(lambda a: 1 - a**2, lambda a: (-2 * a,)),
    Kind(lambda a: -a.relu(), lambda a: (-1.0 if a > 0 else 0.0,)),
    Kind(lambda *xs: autograd.logsumexp(xs) / 3, lambda *xs: [math.exp(x) / sum(map(math.exp, xs)) / 3 for x in xs]),
]
ARITIES = [2, 2, 2, 2, 1, 1, 1, 1, 4]


class Step(NamedTuple):
    """A node of the program: what makes it, of which earlier nodes. No kind: a leaf."""

    kind: Kind | None
    parents: tuple[int, ...]


def build(steps: Sequence[Step], leaves: Sequence[float], order: Sequence[int]) -> list[Value]:
    """The program's nodes, created in `order`, each after its parents."""
    nodes: dict[int, Value] = {}
    numbers = iter(leaves)
    data = {i: next(numbers) for i, step in enumerate(steps) if step.kind is None}
    for i in order:
        kind, parents = steps[i]
        nodes[i] = Value(data[i]) if kind is None else kind.write(*(nodes[p] for p in parents))
    return [nodes[i] for i in range(len(steps))]


class Program(RuleBasedStateMachine):
    """steps, nodes      the program and the engine's nodes for it
    expected, bound      for each leaf what its grad is to be, and the sum of the absolute terms in it
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.nodes: list[Value] = []
        self.expected: dict[int, float] = {}
        self.bound: dict[int, float] = {}
        self.labels: dict[int, str] = {}

    @initialize(numbers=st.lists(st.floats(-1, 1), min_size=1, max_size=8))
    def start(self, numbers: list[float]) -> None:
        for number in numbers:
            self.expected[len(self.nodes)] = self.bound[len(self.nodes)] = 0.0
            self.steps.append(Step(None, ()))
            self.nodes.append(Value(number))

    @precondition(lambda self: len(self.nodes) < 4000)
    @rule(count=st.integers(1, 600), seed=st.integers(0, 10**6), reach=st.sampled_from([3, 30, 10**6]))
    def grow(self, count: int, seed: int, reach: int) -> None:
        """More nodes: `reach` near 1 makes chains, a large one makes old nodes shared by many."""
        generator = random.Random(seed)
        for _ in range(count):
            i = generator.randrange(len(KINDS))
            first = max(0, len(self.nodes) - reach)
            parents = tuple(generator.randrange(first, len(self.nodes)) for _ in range(ARITIES[i]))
            self.steps.append(Step(KINDS[i], parents))
            self.nodes.append(KINDS[i].write(*(self.nodes[p] for p in parents)))

    @rule(place=st.integers(0, 10**6), text=st.text(max_size=8))
    def label(self, place: int, text: str) -> None:
        self.labels[place % len(self.nodes)] = self.nodes[place % len(self.nodes)].label = text

    @rule(back=st.integers(0, 200), gradient=st.sampled_from([1.0, -2.0, 0.3, 0.0, 1e-9]))
    def differentiate(self, back: int, gradient: float) -> None:
        root = max(0, len(self.nodes) - 1 - back)
        before = [node.grad for node in self.nodes]
        self.nodes[root].backward(gradient)
        adjoints, magnitudes = self.model(root, gradient)
        for i, node in enumerate(self.nodes):
            if i in self.expected:
                self.expected[i] += adjoints.get(i, 0.0)
                self.bound[i] += magnitudes.get(i, 0.0)
            elif i in adjoints:  # an interior node holds this pass and no other
                assert abs(node.grad - adjoints[i]) <= ROUNDING * magnitudes[i]
            else:
                assert node.grad == before[i], "a node that is not behind the root was written"

    @rule(places=st.lists(st.integers(0, 7)))
    def zero(self, places: list[int]) -> None:
        for i in set(places) & set(self.expected):
            self.nodes[i].grad = 0.0
            self.expected[i] = self.bound[i] = 0.0

    @precondition(lambda self: len(self.nodes) > 8)
    @rule(seed=st.integers(0, 10**6))
    def create_in_another_order(self, seed: int) -> None:
        """The same graph made in another order, or read from a pickle, has the same gradient to the last bit."""
        generator = random.Random(seed)
        waiting = {i: len(set(step.parents)) for i, step in enumerate(self.steps)}
        children: dict[int, list[int]] = {i: [] for i in waiting}
        for i, step in enumerate(self.steps):
            for parent in set(step.parents):
                children[parent].append(i)
        ready, order = [i for i, count in waiting.items() if not count], []
        while ready:
            i = ready.pop(generator.randrange(len(ready)))
            order.append(i)
            for child in children[i]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        leaves = [self.nodes[i].data for i in self.expected]
        gradients = []
        for places in (range(len(self.steps)), order):
            nodes = build(self.steps, leaves, places)
            assert [node.data for node in nodes] == [node.data for node in self.nodes]
            again = [nodes[i] for i in self.expected], nodes[-1]
            for fresh, root in (pickle.loads(pickle.dumps(again)), again):
                root.backward()
                gradients.append([leaf.grad for leaf in fresh])
        assert gradients == [gradients[0]] * 4

    @invariant()
    def leaves_hold_the_sum_since_they_were_zeroed(self) -> None:
        for i, expected in self.expected.items():
            assert abs(self.nodes[i].grad - expected) <= ROUNDING * self.bound[i]

    @invariant()
    def labels_stay(self) -> None:
        assert all(self.nodes[i].label == text for i, text in self.labels.items())

    def model(self, root: int, gradient: float) -> tuple[dict[int, float], dict[int, float]]:
        """The adjoint of every node behind `root`, and the sum of the absolute values of the terms in it."""
        adjoints, magnitudes = {root: gradient}, {root: abs(gradient)}
        for i in range(root, -1, -1):
            kind, parents = self.steps[i]
            if i in adjoints and kind is not None:
                for parent, slope in zip(parents, kind.slopes(*(self.nodes[p].data for p in parents))):
                    adjoints[parent] = adjoints.get(parent, 0.0) + adjoints[i] * slope
                    magnitudes[parent] = magnitudes.get(parent, 0.0) + magnitudes[i] * abs(slope)
        return adjoints, magnitudes


TestProgram = Program.TestCase
TestProgram.settings = settings(
    deadline=None,
    derandomize=True,
    max_examples=50,
    stateful_step_count=20,
    phases=[Phase.generate],  # no shrinking: with thousands of nodes it takes minutes
)
