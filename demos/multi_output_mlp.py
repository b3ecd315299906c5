"""A perceptron with several outputs, differentiated three ways, and once more as messages between nodes.

    python -m demos.multi_output_mlp [--seed 0] [--small]

    z_i = sum_j w1_ij x_j + b1_i    h_i = sigma(z_i)    y_k = sum_i w2_ki h_i + b2_k    L = 1/2 sum_k (y_k - t_k)^2

1. Forward and backward pass, unit by unit in plain loops, in vectorised form with NumPy, and by the engine
   (lecture 002, "Multilayer Perceptron (multiple outputs)" and "In vectorized form").
2. The same adjoints by message passing: each node sums the messages of its children and sends one to each parent,
   knowing nothing but its own partials (lecture 002, "Backprop as message passing").
3. The three again at larger sizes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value, dot, sigmoid, topological_order

# Every number by name, in the order of the two passes: "z" is a vector, "w1_bar" a matrix, "L" a number.
Numbers = dict[str, Any]


class Network(NamedTuple):
    """A row x with its target t, and W^(1) of shape I x J, b^(1), W^(2) of shape K x I, b^(2)."""

    x: list[float]
    t: list[float]
    w1: list[list[float]]
    b1: list[float]
    w2: list[list[float]]
    b2: list[float]


LECTURE = Network(  # the slide's two inputs, two hidden units and two outputs; it has no numbers, these are ours
    x=[1.0, -2.0], t=[1.0, 0.0],
    w1=[[0.5, -0.3], [0.8, 0.2]], b1=[0.1, -0.2],
    w2=[[1.5, -1.0], [0.4, 0.7]], b2=[0.2, -0.1],
)  # fmt: skip
SIZES = ((2, 2, 2), (3, 5, 2), (10, 20, 5), (40, 60, 10))


def random_network(inputs: int, hidden: int, outputs: int, seed: int) -> Network:
    generator = np.random.default_rng(seed)
    shapes = (inputs,), (outputs,), (hidden, inputs), (hidden,), (outputs, hidden), (outputs,)
    return Network(*(generator.normal(size=shape).tolist() for shape in shapes))


def scalar_form(network: Network) -> Numbers:
    """One number at a time, as the lecture's left-hand formulas have it."""
    x, t, w1, b1, w2, b2 = network
    inputs, hidden, outputs = range(len(x)), range(len(b1)), range(len(b2))
    z = [sum(w1[i][j] * x[j] for j in inputs) + b1[i] for i in hidden]
    h = [1 / (1 + math.exp(-z[i])) for i in hidden]
    y = [sum(w2[k][i] * h[i] for i in hidden) + b2[k] for k in outputs]
    loss = 0.5 * sum((y[k] - t[k]) ** 2 for k in outputs)

    loss_bar = 1.0
    y_bar = [loss_bar * (y[k] - t[k]) for k in outputs]
    w2_bar = [[y_bar[k] * h[i] for i in hidden] for k in outputs]
    h_bar = [sum(y_bar[k] * w2[k][i] for k in outputs) for i in hidden]
    z_bar = [h_bar[i] * h[i] * (1 - h[i]) for i in hidden]
    w1_bar = [[z_bar[i] * x[j] for j in inputs] for i in hidden]
    return {
        "z": z, "h": h, "y": y, "L": loss, "L_bar": loss_bar, "y_bar": y_bar, "w2_bar": w2_bar, "b2_bar": y_bar,
        "h_bar": h_bar, "z_bar": z_bar, "w1_bar": w1_bar, "b1_bar": z_bar,
    }  # fmt: skip


def vectorised_form(network: Network) -> Numbers:
    """Whole vectors and matrices; `@` is the matrix product, `*` goes element by element."""
    x, t, w1, b1, w2, b2 = map(np.array, network)
    z = w1 @ x + b1
    h = 1 / (1 + np.exp(-z))
    y = w2 @ h + b2
    loss = 0.5 * np.sum((t - y) ** 2)

    loss_bar = 1.0
    y_bar = loss_bar * (y - t)
    w2_bar = np.outer(y_bar, h)
    h_bar = w2.T @ y_bar
    z_bar = h_bar * h * (1 - h)
    w1_bar = np.outer(z_bar, x)
    return {
        "z": z, "h": h, "y": y, "L": loss, "L_bar": loss_bar, "y_bar": y_bar, "w2_bar": w2_bar, "b2_bar": y_bar,
        "h_bar": h_bar, "z_bar": z_bar, "w1_bar": w1_bar, "b1_bar": z_bar,
    }  # fmt: skip


def leaves(name: str, numbers: Any) -> Any:
    """x1, x2, ... for a list of numbers called x, b1_1, ... for one called b1, w1_11, w1_12, ... for the rows of w1."""
    if isinstance(numbers[0], list):
        return [[Value(w, f"{name}_{i}{j}") for j, w in enumerate(row, 1)] for i, row in enumerate(numbers, 1)]
    mark = "_" if name[-1].isdigit() else ""
    return [Value(number, f"{name}{mark}{i}") for i, number in enumerate(numbers, 1)]


def graph(network: Network) -> dict[str, Any]:
    """The engine's nodes by name, labelled; inputs and targets are nodes, too."""
    x, t, w1, b1, w2, b2 = (leaves(name, numbers) for name, numbers in network._asdict().items())
    z = [dot(w, x) + b for w, b in zip(w1, b1)]
    h = [sigmoid(z_i) for z_i in z]
    y = [dot(w, h) + b for w, b in zip(w2, b2)]
    squares = autograd.sum((y_k - t_k) ** 2 for y_k, t_k in zip(y, t))
    loss = 0.5 * squares
    loss.label, squares.label = "L", "2 L"
    for name, nodes in {"z": z, "h": h, "y": y}.items():
        for i, node in enumerate(nodes, 1):
            node.label = f"{name}{i}"
    return {"x": x, "t": t, "w1": w1, "b1": b1, "w2": w2, "b2": b2, "z": z, "h": h, "y": y, "L": loss}


def numbers_of(nodes: Any, attribute: str) -> Any:
    """`data` or `grad` of a node, or of lists of nodes."""
    if isinstance(nodes, list):
        return [numbers_of(node, attribute) for node in nodes]
    return getattr(nodes, attribute)


def engine_form(network: Network) -> Numbers:
    """The forward numbers and all adjoints by one `backward()`."""
    nodes = graph(network)
    nodes["L"].backward()
    forward = {name: numbers_of(nodes[name], "data") for name in ("z", "h", "y", "L")}
    return forward | {f"{name}_bar": numbers_of(nodes[name], "grad") for name in nodes}


def largest_difference(a: Numbers, b: Numbers) -> float:
    """Over all numbers that both name, relative to the largest number of its vector or matrix."""
    return max(
        float(np.max(np.abs(np.subtract(a[name], b[name]))) / np.max(np.abs(a[name]))) for name in a if name in b
    )


class Message(NamedTuple):
    """What a child sends to one of its parents: its own adjoint times its partial."""

    child: Value
    child_adjoint: float
    partial: float


class Entry(NamedTuple):
    node: Value
    adjoint: float
    messages: list[Message]


def message_passing(root: Value) -> list[Entry]:
    """Every node's adjoint as the sum over its children, children first; each node looks only at its own operation."""
    inbox: dict[Value, list[Message]] = {node: [] for node in topological_order(root)}
    ledger = []
    for node in reversed(inbox):
        adjoint = 1.0 if node is root else sum(message.child_adjoint * message.partial for message in inbox[node])
        ledger.append(Entry(node, adjoint, inbox[node]))
        if node.parents:
            partials = node.operation.partials(node.data, [parent.data for parent in node.parents])
            for parent, partial in zip(node.parents, partials):
                inbox[parent].append(Message(node, adjoint, partial))
    return ledger


def name_of(node: Value) -> str:
    """Its label, else what it computes from its parents."""
    if node.label or not node.parents:
        return node.label or f"{node.data:g}"
    names = [name_of(parent) for parent in node.parents]
    symbol = node.operation.symbol
    if len(names) == 1:
        return f"({names[0]}){symbol.replace('**', '^')}" if symbol.startswith("**") else f"{symbol}({names[0]})"
    return f" {symbol} ".join(names).replace(" * ", " ")


def show_numbers(scalar: Numbers, vectorised: Numbers, engine: Numbers) -> None:
    print(f"   {'':10}{'scalar':>12}{'vectorised':>12}{'engine':>12}")
    for name in scalar:
        columns = [np.ravel(numbers[name]) for numbers in (scalar, vectorised, engine)]
        indices = ["".join(str(i + 1) for i in index) for index in np.ndindex(np.shape(scalar[name]))]
        for index, row in zip(indices, zip(*columns)):
            label = f"{name}_{index}" if index else name
            print(f"   {label:10}" + "".join(f"{number:12.8f}" for number in row))


def in_a_row(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.6f}" for number in numbers)


def is_constant(node: Value) -> bool:
    """Whether it is a plain number in the formula: nobody asks for its adjoint, and `backward()` keeps none."""
    return node.operation is not None and not node.parents


def show_ledger(ledger: Sequence[Entry]) -> None:
    print(f"   {'node':19} {'adjoint':>8} = the sum of: adjoint of the child * partial [child]")
    for node, adjoint, messages in ledger:
        if is_constant(node):
            continue
        terms = [f"{bar:8.5f} * {partial:8.5f} [{name_of(child)}]" for child, bar, partial in messages]
        print(f"   {name_of(node):19} {adjoint:8.5f} = {' + '.join(terms) or '1, where the backward pass starts'}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.multi_output_mlp", description="Three forms of backprop.")
    parser.add_argument("--seed", type=int, default=0, help="draws the larger networks (default 0)")
    parser.add_argument("--small", action="store_true", help="without the largest network")
    options = parser.parse_args(argv)

    scalar, vectorised, engine = scalar_form(LECTURE), vectorised_form(LECTURE), engine_form(LECTURE)
    print(f"1. Two inputs, two hidden units, two outputs; x = {LECTURE.x}, t = {LECTURE.t}\n")
    show_numbers(scalar, vectorised, engine)
    print("\n   Two slips in the text of the lecture: its vectorised form ends with h^(1)_bar = z_bar, which must")
    print("   be b^(1)_bar, since h_bar = W^(2)T y_bar, three lines above, is another vector:")
    print(f"   h_bar = ({in_a_row(engine['h_bar'])}), z_bar = ({in_a_row(engine['z_bar'])}) = b1_bar.")
    print("   And its scalar loss sums (y_k - t_k)^2 over i; the sum goes over the outputs k.")

    nodes = graph(LECTURE)
    ledger = message_passing(nodes["L"])
    print("\n2. The same by message passing through the engine's graph, from the loss to the leaves\n")
    show_ledger(ledger)
    nodes["L"].backward()
    difference = max(abs(entry.adjoint - entry.node.grad) for entry in ledger if not is_constant(entry.node))
    print("\n   Two messages arrive at h1, h2, x1 and x2, each used by two units; one everywhere else.")
    print(f"   Largest difference to backward(): {difference:.1e}")

    print("\n3. Largest differences, relative to the largest number of each vector or matrix\n")
    print("   inputs hidden outputs weights   scalar - vectorised   scalar - engine")
    for inputs, hidden, outputs in SIZES[:-1] if options.small else SIZES:
        network = random_network(inputs, hidden, outputs, options.seed)
        scalar = scalar_form(network)
        differences = [largest_difference(scalar, form(network)) for form in (vectorised_form, engine_form)]
        weights = hidden * (inputs + outputs)
        print(f"   {inputs:6} {hidden:6} {outputs:7} {weights:7} {differences[0]:21.1e} {differences[1]:17.1e}")


if __name__ == "__main__":
    main()
