"""A hidden ReLU unit and a linear output, broken into single operations: what automatic differentiation writes down.

    python -m demos.relu_autograd [--small]

h = ReLU(w_h x + b_h), o = w_o h + b_o, L = (y - o)^2, as seven operations (lecture 003, "Autograd"):

    m_h = w_h x    z_h = m_h + b_h    h = ReLU(z_h)    m_o = w_o h    o = m_o + b_o    e = y - o    L = e^2

The forward table is what the graph kept: operation, operands, result. The backward table goes through it from the end,
one local derivative at a time. Beside the engine stand the lecture's formulas on plain floats. Then the lecture's
product of seven derivatives, and the same network where ReLU is off: at z_h < 0 and at z_h = 0.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from autograd import Value, relu, topological_order

# The lecture has letters only; these numbers are ours.
ON, AT_THE_KINK, OFF = 2.0, 0.5, -1.0  # inputs x with z_h = 0.75, 0 and -0.75
Y, LEAVES = 1.0, {"w_h": 0.5, "b_h": -0.25, "w_o": -1.5, "b_o": 0.25}
FORMULAS = {"m_h": "w_h x", "z_h": "m_h + b_h", "h": "ReLU(z_h)", "m_o": "w_o h", "o": "m_o + b_o", "e": "y - o",
            "L": "e^2"}  # fmt: skip
CHAIN = ("L", "e", "o", "m_o", "h", "z_h", "m_h", "w_h")  # the lecture's path from L to w_h
WANTED = ("w_o", "b_o", "w_h", "b_h")


class Step(NamedTuple):
    """One operation as the graph kept it, and its result by hand."""

    name: str
    operation: str
    operands: tuple[str, ...]
    engine: float
    by_hand: float


class Edge(NamedTuple):
    """One local derivative d child / d node with the adjoint that it yields, by the engine and by hand."""

    node: str
    child: str
    formula: str
    partial: float
    partial_by_hand: float
    adjoint: float
    adjoint_by_hand: float


def graph(x: float) -> dict[str, Value]:
    """Every node by its name in the lecture."""
    node = {name: Value(number, name) for name, number in {"x": x, "y": Y, **LEAVES}.items()}
    node["m_h"] = node["w_h"] * node["x"]
    node["z_h"] = node["m_h"] + node["b_h"]
    node["h"] = relu(node["z_h"])
    node["m_o"] = node["w_o"] * node["h"]
    node["o"] = node["m_o"] + node["b_o"]
    node["e"] = node["y"] - node["o"]
    node["L"] = node["e"] ** 2
    for name, value in node.items():
        value.label = name
    return node


def forward_by_hand(x: float, **changed: float) -> dict[str, float]:
    """The same on plain floats; a leaf can be given another number."""
    leaves = LEAVES | changed
    m_h = leaves["w_h"] * x
    z_h = m_h + leaves["b_h"]
    h = max(0.0, z_h)
    m_o = leaves["w_o"] * h
    o = m_o + leaves["b_o"]
    e = Y - o
    return {"x": x, "y": Y, **leaves, "m_h": m_h, "z_h": z_h, "h": h, "m_o": m_o, "o": o, "e": e, "L": e * e}


def forward_table(x: float) -> list[Step]:
    """The interior nodes in the order in which they were computed, read off the graph."""
    by_hand = forward_by_hand(x)
    return [
        Step(
            node.label, node.operation.name, tuple(parent.label for parent in node.parents),
            node.data, by_hand[node.label],
        )
        for node in topological_order(graph(x)["L"])
        if node.parents
    ]  # fmt: skip


def backward_table(x: float) -> list[Edge]:
    """The edges from the loss to the leaves, without x and y. Each node has one child: one product is its adjoint."""
    v = forward_by_hand(x)
    slope = 1.0 if v["z_h"] > 0 else 0.0
    rules = [
        ("e", "L", "2 e", 2 * v["e"]), ("o", "e", "-1", -1.0), ("b_o", "o", "1", 1.0), ("m_o", "o", "1", 1.0),
        ("w_o", "m_o", "h", v["h"]), ("h", "m_o", "w_o", v["w_o"]), ("z_h", "h", "ReLU'(z_h)", slope),
        ("b_h", "z_h", "1", 1.0), ("m_h", "z_h", "1", 1.0), ("w_h", "m_h", "x", v["x"]),
    ]  # fmt: skip
    node = graph(x)
    node["L"].backward()
    adjoints, edges = {"L": 1.0}, []
    for name, child, formula, partial in rules:
        adjoints[name] = adjoints[child] * partial
        engine = local_derivative(node, child, name)
        edges.append(Edge(name, child, formula, engine, partial, node[name].grad, adjoints[name]))
    return edges


def local_derivative(node: dict[str, Value], child: str, parent: str) -> float:
    """d child / d parent, from the child's operation alone."""
    operands = node[child].parents
    partials = node[child].operation.partials(node[child].data, [operand.data for operand in operands])
    return partials[operands.index(node[parent])]


def chain_factors(x: float) -> list[float]:
    """The seven factors of dL/dw_h in the lecture's order."""
    node = graph(x)
    return [local_derivative(node, child, parent) for child, parent in pairwise(CHAIN)]


def gradient(x: float) -> dict[str, float]:
    """The four derivatives that the lecture asks for."""
    node = graph(x)
    node["L"].backward()
    return {name: node[name].grad for name in WANTED}


def one_sided_slopes(x: float, step: float = 1e-6) -> tuple[float, float]:
    """dL/db_h from the left and from the right, as difference quotients of the loss by hand."""
    here, left, right = (forward_by_hand(x, b_h=LEAVES["b_h"] + shift)["L"] for shift in (0.0, -step, step))
    return (here - left) / step, (right - here) / step


def show_tables(x: float) -> None:
    print(f"   {'forward':18} {'operation':10} {'operands':12} {'engine':>11} {'by hand':>11}")
    for step in forward_table(x):
        formula, operands = f"{step.name:4}= {FORMULAS[step.name]}", ", ".join(step.operands)
        print(f"   {formula:18} {step.operation:10} {operands:12} {step.engine:11.6f} {step.by_hand:11.6f}")
    print(f"\n   {'backward, local':24} {'engine':>9} {'by hand':>9}    {'adjoint':29} {'engine':>9} {'by hand':>9}")
    print(f"   {'':24} {'':9} {'':9}    {'L_bar = 1':29} {1:9.6f} {1:9.6f}")
    for edge in backward_table(x):
        local, product = f"d{edge.child}/d{edge.node} = {edge.formula}", f"{edge.child}_bar * {edge.formula}"
        print(f"   {local:24} {edge.partial:9.6f} {edge.partial_by_hand:9.6f}", end="")
        print(f"    {edge.node + '_bar':7} = {product:19} {edge.adjoint:9.6f} {edge.adjoint_by_hand:9.6f}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.relu_autograd", description="Autograd, step by step.")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    parser.parse_args(argv)

    print(f"1. x = {ON:g}, y = {Y:g}, {', '.join(f'{name} = {number:g}' for name, number in LEAVES.items())}\n")
    show_tables(ON)

    factors = chain_factors(ON)
    print("\n2. The lecture's product for one weight\n")
    print("   dL/dw_h = " + " ".join(f"d{child}/d{parent}" for child, parent in pairwise(CHAIN)))
    print("           = " + " * ".join(f"({factor:g})" for factor in factors) + f" = {math.prod(factors):g}", end="")
    print(f"   engine {gradient(ON)['w_h']:g}")
    print("   Written out so, the four derivatives take 7 + 6 + 4 + 3 = 20 factors. The backward pass takes")
    print(f"   {len(backward_table(ON))}, one a line above: an adjoint is computed once for all leaves behind it.")

    print("\n3. On, at the kink, off; the last two columns are difference quotients for dL/db_h\n")
    print("      x    z_h     h ReLU'    dL/dw_o    dL/db_o    dL/dw_h    dL/db_h  from left from right")
    for x in (ON, AT_THE_KINK, OFF):
        v, slope = forward_by_hand(x), local_derivative(graph(x), "h", "z_h")
        print(f"   {x:4g} {v['z_h']:6.2f} {v['h']:5.2f} {slope:5g}", end="")
        print("".join(f"{number:11.6f}" for number in gradient(x).values()), end="")
        print("".join(f"{quotient:11.5f}" for quotient in one_sided_slopes(x)))
    v = forward_by_hand(AT_THE_KINK)
    with_one = 2 * v["e"] * -1 * v["w_o"]
    print("\n   Off, only b_o learns: w_o meets h = 0, and nothing passes ReLU on its way to w_h and b_h.")
    print("   At the kink L has two slopes. The engine takes ReLU'(0) = 0, as PyTorch does: the left one;")
    print(f"   lecture 000 takes ReLU'(0) = 1, which gives 2 e * -1 * w_o * 1 = {with_one:g}, the right one.")


if __name__ == "__main__":
    main()
