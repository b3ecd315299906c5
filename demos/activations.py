"""Activation functions and their derivatives: the engine's numbers beside the lecture's formulas.

    python -m demos.activations [--small] [--plot FILE]

    sigmoid    1 / (1 + e^-z)     sigma'(z) = sigma(z) (1 - sigma(z))
    tanh       tanh z             1 - tanh^2 z
    ReLU       max(0, z)          1 for z >= 0, 0 for z < 0
    softplus   ln(1 + e^z)        1 / (1 + e^-z)
    softmax    y_i = e^z_i / sum_j e^z_j, a vector of a vector; its Jacobian is dy_i/dz_j = y_i (delta_ij - y_j)

Source: lecture 000, "Activation functions", "vector activations" and "Multi-class classification"; lecture 003 for the
largest slope and what it does to an error signal on its way back through many layers. Where the engine's number is not
the formula's (ReLU at 0, and far out, where the formula meets the limits of doubles) the tables say why.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import autograd
import nn
from autograd import grad, jacobian, softmax

Z = (-6.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 6.0)
LOGITS, CLASS = (2.0, 1.0, -1.0), 1


class Activation(NamedTuple):
    """The engine's function, and the lecture's formulas for it and its derivative, on plain floats."""

    name: str
    engine: Callable[[Any], Any]
    formula: Callable[[float], float]
    slope: Callable[[float], float]


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


ACTIVATIONS = (
    Activation("sigmoid", autograd.sigmoid, sigma, lambda z: sigma(z) * (1 - sigma(z))),
    Activation("tanh", autograd.tanh, math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    Activation("ReLU", autograd.relu, lambda z: max(0.0, z), lambda z: 1.0 if z >= 0 else 0.0),
    Activation("softplus", autograd.softplus, lambda z: math.log(1 + math.exp(z)), sigma),
)
SIGMOID, TANH, RELU, SOFTPLUS = ACTIVATIONS


class Row(NamedTuple):
    """At one z: (engine, formula) for each of ACTIVATIONS."""

    z: float
    pairs: list[tuple[float, float]]


def values(zs: Sequence[float] = Z) -> list[Row]:
    return [Row(z, [(a.engine(z), a.formula(z)) for a in ACTIVATIONS]) for z in zs]


def slopes(zs: Sequence[float] = Z) -> list[Row]:
    return [Row(z, [(grad(a.engine)(z), a.slope(z)) for a in ACTIVATIONS]) for z in zs]


def relu_margin(s: float) -> float:
    """The least of ReLU(z) - s z over z in [-2, 2]: s is a subgradient at 0 where that is not below 0."""
    return min(max(0.0, z) - s * z for z in (step / 10 for step in range(-20, 21)))


def softmax_by_formula(z: Sequence[float]) -> list[float]:
    total = sum(math.exp(z_j) for z_j in z)
    return [math.exp(z_i) / total for z_i in z]


def softmax_jacobian_by_formula(z: Sequence[float]) -> list[list[float]]:
    y = softmax_by_formula(z)
    return [[y[i] * ((i == j) - y[j]) for j in range(len(y))] for i in range(len(y))]


def through_softmax(z: Sequence[float], c: int) -> list[tuple[float, float, float]]:
    """d(-ln y_c)/dz_j: sum_i (dDiv/dy_i) dy_i/dz_j with the lecture's dDiv/dy, y - d, and the engine's from logits."""
    y, j_matrix = softmax_by_formula(z), softmax_jacobian_by_formula(z)
    div_y = [-1 / y[c] if i == c else 0.0 for i in range(len(y))]
    chained = [sum(div_y[i] * j_matrix[i][j] for i in range(len(y))) for j in range(len(y))]
    engine = grad(lambda logits: nn.cross_entropy(logits, c))(list(z))
    return [(chained[j], y[j] - (j == c), engine[j]) for j in range(len(y))]


# (what, how the formula is computed, the formula, the engine)
FAR_OUT: tuple[tuple[str, str, Callable[[], float], Callable[[], float]], ...] = (
    ("sigmoid'(40)", "sigma(40) is 1", lambda: SIGMOID.slope(40.0), lambda: grad(autograd.sigmoid)(40.0)),
    ("tanh'(20)", "tanh(20) is 1", lambda: TANH.slope(20.0), lambda: grad(autograd.tanh)(20.0)),
    ("softplus(-40)", "1 + e^-40 is 1", lambda: SOFTPLUS.formula(-40.0), lambda: autograd.softplus(-40.0)),
    ("sigmoid(-800)", "e^800 > 1.8e308", lambda: SIGMOID.formula(-800.0), lambda: autograd.sigmoid(-800.0)),
    ("softplus(800)", "e^800 > 1.8e308", lambda: SOFTPLUS.formula(800.0), lambda: autograd.softplus(800.0)),
    ("softmax(1000, 1000)_1", "e^1000 > 1.8e308", lambda: softmax_by_formula([1000.0, 1000.0])[0],
     lambda: softmax([1000.0, 1000.0])[0]),
)  # fmt: skip


def far_out() -> list[tuple[str, str, float | None, float]]:
    """(what, why, formula, engine) for FAR_OUT; None where the formula overflows."""
    rows = []
    for what, why, formula, engine in FAR_OUT:
        try:
            number = formula()
        except OverflowError:
            number = None
        rows.append((what, why, number, engine()))
    return rows


def largest_difference(rows: Sequence[Row]) -> float:
    """Between engine and formula, but for ReLU at 0."""
    return max(abs(e - f) for row in rows for a, (e, f) in zip(ACTIVATIONS, row.pairs) if a is not RELU or row.z != 0)


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"{title}\n")
    print(" " * 8 + "".join(f"{a.name:>22}" for a in ACTIVATIONS))
    print(f"{'z':>8}" + f"{'engine':>11}{'formula':>11}" * len(ACTIVATIONS))
    for row in rows:
        print(f"{row.z:8.1f}" + "".join(f"{engine:11.6f}{formula:11.6f}" for engine, formula in row.pairs))
    print(f"\n   Largest difference, ReLU at 0 apart: {largest_difference(rows):.1e}\n")


def show_relu_at_zero() -> None:
    print("   ReLU at 0: the lecture says 1, the engine 0. Difference quotients there are 1 from the right and")
    print("   0 from the left: there is no derivative. Any s with ReLU(z) >= s z for all z is a subgradient:\n")
    print("        s   least ReLU(z) - s z, |z| <= 2")
    at_tie = grad(lambda z: autograd.maximum(0.0, z))(0.0)
    notes = {1.0: "lecture 000", grad(autograd.relu)(0.0): "autograd.relu", at_tie: "autograd.maximum(0, z) at the tie"}
    for s in (-0.1, 0.0, 0.5, 1.0, 1.1):
        margin = relu_margin(s)
        verdict = f"a subgradient: {notes[s]}" if margin >= 0 else "no subgradient"
        print(f"   {s:6.1f}{margin:32.1f}   {verdict}")


def show_ten_layers() -> None:
    print("\n   On its way back an error signal is multiplied by one slope a layer (lecture 003). Ten layers, all")
    print("   at the largest slope of the table, or all at z = 2:\n")
    print("            largest f'  to the 10th     f'(2)  to the 10th")
    for a in ACTIVATIONS:
        largest, at_2 = max(grad(a.engine)(z) for z in Z), grad(a.engine)(2.0)
        print(f"   {a.name:8}{largest:11.4f}{largest**10:13.1e}{at_2:10.4f}{at_2**10:13.1e}")
    print()


def show_softmax() -> None:
    z = list(LOGITS)
    print(f"3. Softmax of z = {LOGITS}; dy_i/dz_j by autograd.jacobian and by y_i (delta_ij - y_j)\n")
    print(f"   i       y_i{'engine: j = 1':>18}{'2':>11}{'3':>11}{'formula: j = 1':>18}{'2':>11}{'3':>11}")
    engine, formula = jacobian(softmax)(z), softmax_jacobian_by_formula(z)
    for i, y_i in enumerate(softmax(z)):
        numbers = "".join(" " * 7 + "".join(f"{number:11.6f}" for number in row) for row in (engine[i], formula[i]))
        print(f"   {i + 1}{y_i:10.6f}{numbers}")
    row_sum = max(abs(sum(row)) for row in engine)
    off = max(abs(e - f) for rows in zip(engine, formula) for e, f in zip(*rows))
    print(f"\n   Largest difference {off:.1e}. The rows add up to 0 (at most {row_sum:.1e} off):")
    print("   the same number added to all z_j leaves y as it is.\n")

    print(
        f"   With Div = -ln y_c, c = {CLASS + 1}, and dDiv/dy_c = -1/y_c (lecture 000), the chain rule leaves y - d:\n"
    )
    print("   j   sum_i dDiv/dy_i dy_i/dz_j     y_j - d_j   nn.cross_entropy")
    for j, (chained, residual, number) in enumerate(through_softmax(LOGITS, CLASS)):
        print(f"   {j + 1}{chained:28.6f}{residual:14.6f}{number:19.6f}")


def show_far_out() -> None:
    print("\n4. Far out: the same formulas in doubles\n")
    print(f"   {'':22}{'formula':>12}{'engine':>24}   what happens to the formula")
    for what, why, formula, engine in far_out():
        print(f"   {what:22}{'overflow' if formula is None else f'{formula:g}':>12}{engine:24.16g}   {why}")
    print("\n   The formulas are right; the engine writes them in forms that neither cancel nor overflow.")


def draw(path: str) -> None:
    from demos._picture import STYLES, picture

    zs = [step / 20 for step in range(-100, 101)]
    with picture(path, columns=3) as axes:
        for a, style in zip(ACTIVATIONS, STYLES):
            axes[0].plot(zs, [a.engine(z) for z in zs], style, label=a.name)
            slopes = [math.nan if a is RELU and z == 0 else grad(a.engine)(z) for z in zs]
            axes[1].plot(zs, slopes, style, label=a.name)
        axes[1].plot(0, grad(autograd.relu)(0.0), "o", color="C2", label="ReLU at 0: engine")
        axes[1].plot(0, RELU.slope(0.0), "o", color="C2", fillstyle="none", label="ReLU at 0: lecture")
        for i, style in enumerate(STYLES[:3]):
            axes[2].plot(zs, [softmax([z, *LOGITS[1:]])[i] for z in zs], style, label=f"$y_{i + 1}$")
        for axis, name in zip(axes, ("f(z)", "f'(z)", f"softmax($z_1$, {LOGITS[1]:g}, {LOGITS[2]:g})")):
            axis.set_xlabel("$z_1$" if axis is axes[2] else "z")
            axis.set_ylabel(name)
            axis.grid(alpha=0.3)
            axis.legend(loc="center right" if axis is axes[2] else "upper left", fontsize="small")
        axes[0].set_ylim(-1.3, 4)
        axes[1].set_ylim(-0.08, 1.45)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.activations", description="Activations and their slopes.")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    parser.add_argument("--plot", metavar="FILE", help="draw the functions, their derivatives and softmax")
    options = parser.parse_args(argv)

    show("1. f(z)", values())
    show("2. f'(z) by autograd.grad and by the lecture's formula", slopes())
    show_relu_at_zero()
    show_ten_layers()
    show_softmax()
    show_far_out()
    if options.plot:
        draw(options.plot)


if __name__ == "__main__":
    main()
