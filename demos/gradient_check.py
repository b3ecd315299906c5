"""A gradient check: every derivative beside a finite difference, and what a check finds that leaves nothing out.

    python -m demos.gradient_check [--small]

The network of lecture 004's notebook, h = sigmoid(W1 x + b1), y = sigmoid(W2 h + b2), loss v = 1/2 (y - d)^2, at
x = (1, 1), d = 0, with weights 0.1 N(0, 1). The finite difference is the notebook's, (v(p + e/2) - v(p - e/2)) / e for
one parameter p after the other, e = 1e-7 (cell 329). The notebook checks W1 and W2; here the biases are checked, too,
and beside the engine stands the notebook's own backward pass, slips and all (`by_hand` in demos/noisy_xor.py).

The notebook seeds once, in cell 327, and its cells are numbered in the order in which they ran: 329 went on with the
generator that 327 had left. Drawn so, the weights give the numbers that it prints.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

import nn
from demos import noisy_xor
from demos.noisy_xor import NAMES, OWN_BIAS, SUMMED, Experiment, by_hand, central_differences, flat, forward, objective

X, D, EPS = (1.0, 1.0), 0.0, 1e-7
PRINTED = {  # (finite difference, backward pass)
    "W1[1,1]": (0.0031136092315531272, 0.0031136087408337918),
    "W1[1,2]": (0.0031136092315531272, 0.0031136087408337918),
    "W1[2,1]": (-0.0047451058360348242, -0.0047451063432885328),
    "W1[2,2]": (-0.0047451058360348242, -0.0047451063432885328),
    "W2[1,1]": (0.05932591112811636, 0.059325910360931711),
    "W2[1,2]": (0.053831228363776518, 0.053831228615190692),
}


class Row(NamedTuple):
    name: str
    printed: tuple[float, float] | None  # finite difference and backward pass; None for the biases
    difference: float  # ours, by the notebook's formula
    by_hand: float
    engine: float


def weights() -> list[np.ndarray]:
    """(W1 | b1) and (W2 | b2) of cell 329: the draws that follow those of the experiment."""
    return noisy_xor.draw_layers(noisy_xor.draw().generator, 0.1)


def table(layers: Sequence[np.ndarray], eps: float = EPS) -> list[Row]:
    x, d = np.array([X]).T, np.array([D])
    differences = central_differences(layers, x, d, step=eps / 2)
    notebook = flat(by_hand(layers, x, d, ())[0])
    model = noisy_xor.engine_model(layers)
    nn.squared_error(model(X), D).backward()
    engine = [p.grad for p in model.parameters()]
    columns = zip(NAMES, differences.tolist(), notebook.tolist(), engine)
    return [Row(name, PRINTED.get(name), *numbers) for name, *numbers in columns]


def loss(layers: Sequence[np.ndarray]) -> float:
    return objective(layers, np.array([X]).T, np.array([D]))


def largest_error(
    layers: Sequence[np.ndarray], experiment: Experiment, mended: Collection[str], output: np.ndarray | None = None
) -> float:
    """How far the notebook's gradient is from central differences at most, as a fraction of the largest slope."""
    slopes = central_differences(layers, experiment.x, experiment.d)
    notebook = flat(by_hand(layers, experiment.x, experiment.d, mended, output)[0])
    return float(np.abs(notebook - slopes).max() / np.abs(slopes).max())


def where_slips_matter(experiment: Experiment) -> list[tuple[str, list[float]]]:
    """`largest_error` in networks of several shapes with neither line mended, one of them, the other, and both."""
    rows, generator = [], np.random.RandomState(2)
    for sizes in ((2, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2, 1)):
        layers = [generator.randn(n_out, n_in + 1) for n_in, n_out in pairwise(sizes)]
        repairs = ((), (SUMMED,), (OWN_BIAS,), (SUMMED, OWN_BIAS))
        rows.append(("-".join(map(str, sizes)), [largest_error(layers, experiment, mended) for mended in repairs]))
    return rows


def unread_slopes(layers: Sequence[np.ndarray]) -> dict[str, list[float]]:
    """d loss / dx1 and dx2 at x = (1, 1), which the notebook computes and never reads."""
    x, d, h = np.array([X]).T, np.array([D]), 1e-5
    ways = [(x + h * unit[:, None], x - h * unit[:, None]) for unit in np.eye(2)]
    return {
        "difference": [(objective(layers, up, d) - objective(layers, down, d)) / (2 * h) for up, down in ways],
        "with =": by_hand(layers, x, d, ())[1][:, 0].tolist(),
        "with +=": by_hand(layers, x, d, (SUMMED,))[1][:, 0].tolist(),
    }


def stale_output_error(experiment: Experiment) -> float:
    """`largest_error`, both lines mended, if all forward passes ran first: the global `hs` is then the last row's."""
    last = forward(experiment.start, experiment.x)[-1][:, -1:]
    return largest_error(experiment.start, experiment, (SUMMED, OWN_BIAS), output=last)


def show_table(layers: Sequence[np.ndarray], rows: Sequence[Row]) -> None:
    print(f"1. Lecture 004's gradient check at x = (1, 1), target 0, e = {EPS:g}\n")
    print(f"   {'':8}{'finite difference':>32}{'backward pass':>48}")
    print(f"   {'':8}{'lecture':>16}{'here':>16}{'lecture':>16}{'its algorithm':>16}{'engine':>16}")
    for row in rows:
        lecture = [f"{number:.12f}" for number in row.printed] if row.printed else ["not checked"] * 2
        remark = "  SLIP" if abs(row.by_hand - row.difference) > 1e-6 else ""
        here = f"{row.difference:16.12f}{lecture[1]:>16}{row.by_hand:16.12f}{row.engine:16.12f}"
        print(f"   {row.name:8}{lecture[0]:>16}{here}{remark}")

    pairs = [(row.printed, (row.difference, row.engine)) for row in rows if row.printed]
    off = np.abs(np.array([np.subtract(*pair) for pair in pairs])).max(axis=0)
    print(f"\n   From the lecture's 17 digits: our differences {off[0]:.0e} at most, our derivatives {off[1]:.0e}.")
    error, v = max(abs(row.engine - row.difference) for row in rows), loss(layers)
    print(f"   Engine and finite difference, all nine parameters: {error:.1e} at most. That is the difference's own")
    grain = math.ulp(v)
    print(f"   error: v = {v:.4f} is a multiple of {grain:.1e}, so (v1 - v2) / e is one of {grain / EPS:.1e}.")
    print("   b1[1] is the notebook's slip: `dbs[l] = ...`, without [i], keeps the last unit's, here b1[2]'s.")
    print("   Its own check left out the biases. At x = (1, 1) the slopes of b1[i] and W1[i,1] must be equal.\n")


def show_slips(layers: Sequence[np.ndarray]) -> None:
    experiment = noisy_xor.draw()
    print("3. When do the notebook's slips matter? Largest error of its gradient on the 1,000 points of")
    print("   demos.noisy_xor, as a fraction of the largest slope, random weights (two outputs: one target)\n")
    print(f"   {'network':10}{'as it stands':>14}{SUMMED:>18}{OWN_BIAS:>16}{'both mended':>14}")
    for name, errors in where_slips_matter(experiment):
        print("   {:10}{:14.0e}{:18.0e}{:16.0e}{:14.0e}".format(name, *errors))
    print("\n   dbs[l] = ...        wrong in a layer of several units, for all of its biases but the last.")
    print("   dldhs[l][j] = ...   wrong below a layer of several units, where it keeps the last unit's term of")
    print("                       a sum. In 2-2-1 that is dldhs[0] = dv/dx alone, which nobody reads; it is")
    for name, slopes in unread_slopes(layers).items():
        print(f"                       {name:10} ({slopes[0]:9.6f}, {slopes[1]:9.6f})")
    print("   hs, a global        right while each backward pass follows its own forward pass. With all forward")
    print("                       passes first and both lines mended, 2-2-1 at the notebook's start would be")
    print(f"                       {stale_output_error(experiment):.0e} off, as a fraction of the largest slope.")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demos.gradient_check", description="Lecture 004's gradient check.")
    parser.add_argument("--small", action="store_true", help="changes nothing: the demo is small as it is")
    parser.parse_args(argv)

    layers = weights()
    show_table(layers, table(layers))
    print("2. The step e: too long, and curvature counts; too short, and rounding does\n")
    print("   e        largest |engine - finite difference|")
    for exponent in range(-1, -14, -2):
        error = max(abs(row.engine - row.difference) for row in table(layers, 10.0**exponent))
        print(f"   1e{exponent:<+4d}    {error:.1e}")
    print()
    show_slips(layers)


if __name__ == "__main__":
    main()
