"""Backpropagation in numbers: lecture 001's XOR network, every number of the slides beside the engine's.

    python -m demos.worked_example [--small]

Two inputs x = (1, 0) with target 1, two hidden units z1 and z2, one output f, all with the logistic sigmoid:
z1_in = W11 x1 + W21 x2 + b1, z1_out = sigmoid(z1_in), f_in = u1 z1_out + u2 z2_out + c, L = 1/2 (1 - f_out)^2.
One forward pass, one backward pass, one step of gradient descent with alpha = 0.5, and a look at the loss after it.

The slides print four decimals. Where theirs differ from the engine's, the number that follows from the slide's own
printed numbers tells why: if it is the slide's, an earlier slip was carried over; if not, this step itself is off.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import nn
from autograd import Value, sigmoid, topological_order

X1, X2, TARGET, ALPHA = 1.0, 0.0, 1.0, 0.5
WEIGHTS = {"W11": -0.07, "W21": 0.22, "W12": 0.94, "W22": 0.46, "b1": -0.46, "b2": 0.10, "u1": -0.22, "u2": 0.58,
           "c": 0.78}  # fmt: skip

# In the slides' order. W21 and W22 do not move, since x2 = 0.
SLIDES = {
    "z1_in": -0.53, "z1_out": 0.3705, "z2_in": 1.04, "z2_out": 0.7389, "f_in": 1.1122, "f_out": 0.7525, "L": 0.0306,
    "dL/df_out": -0.2475, "df_out/df_in": 0.1862, "df_in/du1": 0.3705, "dL/du1": -0.0171, "new u1": -0.2115,
    "df_in/dz1_out": -0.22, "dz1_out/dz1_in": 0.2332, "dz1_in/dW11": 1.0, "dL/dW11": 0.0024, "new W11": -0.0712,
    "new W12": 0.9426, "new W21": 0.22, "new W22": 0.46, "new b1": -0.4612, "new b2": 0.1026, "new u2": 0.5970,
    "new c": 0.8030, "new f_out": 0.7615, "new L": 0.0284,
}  # fmt: skip

SLIPS = {
    "f_in": (
        "0.3705 * (-0.22) + 0.7389 * 0.58 + 0.78 = -0.0815 + 0.4286 + 0.7800 = 1.1271, and 1.1270 unrounded.\n"
        "The slide's 1.1122 is what u2 = 0.56 would give in place of 0.58: -0.0815 + 0.4138 + 0.7800 = 1.1122.\n"
        "sigmoid(1.1122) = 0.7525, so the slides go on from the wrong number, not from the right one."
    ),
    "new f_out": (
        "With the slides' own new weights: z1_out = sigmoid(-0.0712 - 0.4612) = 0.3700,\n"
        "z2_out = sigmoid(0.9426 + 0.1026) = 0.7399, f_in = -0.2115 * 0.3700 + 0.5970 * 0.7399 + 0.8030 = 1.1664,\n"
        "f_out = sigmoid(1.1664) = 0.7625, not 0.7615. The loss 0.0284 = 1/2 (1 - 0.7615)^2 follows from 0.7615."
    ),
}


class Row(NamedTuple):
    """A number of the slides, the engine's, and the one that follows from the slides' own printed numbers."""

    name: str
    slide: float
    engine: float
    follows: float

    @property
    def remark(self) -> str:
        if self.rounds_to_the_slide(self.engine):
            return ""
        return "carried over" if self.rounds_to_the_slide(self.follows) else "SLIP"

    def rounds_to_the_slide(self, number: float) -> bool:
        return abs(number - self.slide) <= 0.5e-4 + 1e-12  # half a unit of the fourth decimal, ties in favour


def forward(w: Mapping[str, Value]) -> dict[str, Value]:
    """Every node of the network and its loss, by the slides' names."""
    node = {"z1_in": w["W11"] * X1 + w["W21"] * X2 + w["b1"], "z2_in": w["W12"] * X1 + w["W22"] * X2 + w["b2"]}
    node["z1_out"], node["z2_out"] = sigmoid(node["z1_in"]), sigmoid(node["z2_in"])
    node["f_in"] = w["u1"] * node["z1_out"] + w["u2"] * node["z2_out"] + w["c"]
    node["f_out"] = sigmoid(node["f_in"])
    node["L"] = nn.squared_error(node["f_out"], TARGET)
    return node


def derivative(result: Value, of: Value) -> float:
    """d result / d of, by a backward pass that starts at `result`, wherever in the graph that is."""
    for node in topological_order(result):
        node.grad = 0.0
    result.backward()
    return of.grad


def engine_numbers() -> dict[str, float]:
    """The engine's number for every entry of SLIDES, delta_1 and dL/dW21."""
    w = {name: Value(number, name) for name, number in WEIGHTS.items()}
    node = forward(w)
    numbers = {name: value.data for name, value in node.items()}
    everything = node | w
    for name in [*SLIDES, "dL/dz1_in", "dL/dW21"]:
        if "/" in name:
            result, of = (part.removeprefix("d") for part in name.split("/"))
            numbers[name] = derivative(everything[result], everything[of])
    optimizer = nn.SGD(w.values(), lr=ALPHA)
    optimizer.zero_grad()
    node["L"].backward()
    optimizer.step()
    after = forward(w)
    return numbers | {f"new {name}": value.data for name, value in (w | after).items()}


def what_follows() -> dict[str, float]:
    """The slides' numbers computed again, each step from the numbers that the slides print for the steps before."""
    s, w = SLIDES, WEIGHTS
    error_signal = s["dL/df_out"] * s["df_out/df_in"]  # dL/df_in
    delta_1 = error_signal * s["df_in/dz1_out"] * s["dz1_out/dz1_in"]
    delta_2 = error_signal * w["u2"] * s["z2_out"] * (1 - s["z2_out"])
    z1, z2 = sigmoid(s["new W11"] + s["new b1"]), sigmoid(s["new W12"] + s["new b2"])
    return {
        "z1_in": X1 * w["W11"] + X2 * w["W21"] + w["b1"], "z1_out": sigmoid(s["z1_in"]),
        "z2_in": X1 * w["W12"] + X2 * w["W22"] + w["b2"], "z2_out": sigmoid(s["z2_in"]),
        "f_in": s["z1_out"] * w["u1"] + s["z2_out"] * w["u2"] + w["c"], "f_out": sigmoid(s["f_in"]),
        "L": 0.5 * (TARGET - s["f_out"]) ** 2, "dL/df_out": -(TARGET - s["f_out"]),
        "df_out/df_in": s["f_out"] * (1 - s["f_out"]), "df_in/du1": s["z1_out"],
        "dL/du1": error_signal * s["df_in/du1"], "new u1": w["u1"] - ALPHA * s["dL/du1"], "df_in/dz1_out": w["u1"],
        "dz1_out/dz1_in": s["z1_out"] * (1 - s["z1_out"]), "dz1_in/dW11": X1, "dL/dW11": delta_1 * s["dz1_in/dW11"],
        "new W11": w["W11"] - ALPHA * s["dL/dW11"], "new W12": w["W12"] - ALPHA * delta_2 * X1,
        "new W21": w["W21"] - ALPHA * delta_1 * X2, "new W22": w["W22"] - ALPHA * delta_2 * X2,
        "new b1": w["b1"] - ALPHA * delta_1, "new b2": w["b2"] - ALPHA * delta_2,
        "new u2": w["u2"] - ALPHA * error_signal * s["z2_out"], "new c": w["c"] - ALPHA * error_signal,
        "new f_out": sigmoid(s["new u1"] * z1 + s["new u2"] * z2 + s["new c"]),
        "new L": 0.5 * (TARGET - s["new f_out"]) ** 2,
    }  # fmt: skip


def table() -> list[Row]:
    engine, follows = engine_numbers(), what_follows()
    return [Row(name, slide, engine[name], follows[name]) for name, slide in SLIDES.items()]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.worked_example", description="Lecture 001 in numbers.")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    parser.parse_args(argv)

    rows, engine = table(), engine_numbers()
    print("Lecture 001's XOR network, x = (1, 0), target 1, alpha = 0.5. 'follows' is what the slide's step gives when")
    print("it is computed again from the numbers that the slides themselves print.\n")
    print(f"{'':16}{'slide':>9}{'engine':>9}{'follows':>10}  remark")
    for row in rows:
        print(f"{row.name:16}{row.slide:9.4f}{row.engine:9.4f}{row.follows:10.5f}  {row.remark}".rstrip())

    factors = ["dL/df_out", "df_out/df_in", "df_in/dz1_out", "dz1_out/dz1_in"]
    print("\nThe error signal delta_1 = dL/dz1_in, computed once, serves both weights that enter z1:")
    print(f"  delta_1 = {' * '.join(f'({engine[name]:.4f})' for name in factors)} = {engine['dL/dz1_in']:.6f}")
    print(f"  dL/dW11 = delta_1 * x1 = {engine['dL/dz1_in'] * X1:.6f}   engine {engine['dL/dW11']:.6f}")
    print(f"  dL/dW21 = delta_1 * x2 = {engine['dL/dz1_in'] * X2:.6f}   engine {engine['dL/dW21']:.6f}")

    for name in (row.name for row in rows if row.remark == "SLIP"):
        print(f"\nThe slides' {name} is off:\n  " + SLIPS[name].replace("\n", "\n  "))
    carried = sum(row.remark == "carried over" for row in rows)
    agreeing = sum(not row.remark for row in rows)
    print(f"\n{agreeing} of {len(rows)} numbers agree, {carried} carry an earlier slip over, {len(SLIPS)} are slips.")


if __name__ == "__main__":
    main()
